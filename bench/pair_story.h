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

/* Of each CPU: what `colo-perf record` asks perf for. */
#define PAIR_BUFFER_SIZE (4 * 1024 * 1024)

struct pair_story;

/* Adds its events and features to the builder, which must outlive it. */
struct pair_story *pair_story_new(struct perf_builder *builder, const struct pair_options *options);
void pair_story_free(struct pair_story *story);

/* What perf writes before the first round: what was there when it began. */
void pair_story_begin(struct pair_story *story);

/*
 * A quarter of a second more, into the buffers of the CPUs. TRUE when one of them is half full:
 * then perf wakes up and empties all. What the pair does when, but for the samples, depends on
 * the seed and on n_cpus alone.
 */
gboolean pair_story_step(struct pair_story *story);

/* What is in the buffers. */
guint64 pair_story_pending_bytes(const struct pair_story *story);

/*
 * Gives the builder what is in the buffers. The records of one CPU come in the order of time,
 * those of the next one behind them. The caller marks the end of the round.
 */
void pair_story_round(struct pair_story *story);

/* How long the pair runs so far. */
double pair_story_seconds(const struct pair_story *story);

#endif
