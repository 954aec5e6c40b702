/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A COLO pair that runs for as long as it is asked to, with perf watching: probes,
 * samples, names and mappings, given to a perf_builder round by round. Where the bytes go is
 * not known here.
 */
#ifndef COLO_PERF_BENCH_PAIR_STORY_H
#define COLO_PERF_BENCH_PAIR_STORY_H

#include "lib/perf_builder.h"

struct pair_options {
	guint seed;
	guint n_cpus;
	guint frequency_hz; /* of the samples, on each CPU that runs something; 0: none */
};

struct pair_story;

/* Adds its events and features to the builder, which must outlive it. */
struct pair_story *pair_story_new(struct perf_builder *builder, const struct pair_options *options);
void pair_story_free(struct pair_story *story);

/* What perf writes before the first round: what was there when it began. */
void pair_story_begin(struct pair_story *story);

/*
 * A quarter of a second more. The records of one CPU come in the order of time, those of the
 * next one behind them, as perf empties one buffer after the other. The caller marks the end
 * of the round. What the pair does when, but for the samples, depends on the seed and on n_cpus
 * alone.
 */
void pair_story_round(struct pair_story *story);

/* How long the pair runs so far. */
double pair_story_seconds(const struct pair_story *story);

#endif
