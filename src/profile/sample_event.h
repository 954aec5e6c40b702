/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which of a recording's events is the sampling one (cycles, cpu-clock, ...),
 * and for how much time on a CPU one of its samples stands. Knows nothing of
 * what the samples hold.
 */
#ifndef COLO_PERF_PROFILE_SAMPLE_EVENT_H
#define COLO_PERF_PROFILE_SAMPLE_EVENT_H

#include "perfdata/perf_sample.h"

/*
 * The name of an event: the usual one where there is one ("cycles", "cpu-clock"), otherwise
 * perf's. The caller frees it.
 */
char *sample_event_name(const struct perf_event *event);

/*
 * The name of the event to take samples of: cycles, or else a clock, or else the first
 * event that samples. Tracepoints are not chosen by themselves. NULL when there
 * is none. The caller frees it.
 */
char *sample_event_choose(const struct perf_events *events);

/* Whether the event goes by that name, which may be the usual one or perf's. */
bool sample_event_is(const struct perf_event *event, const char *name);

/* Whether both count the same, so that their samples must not be added up. */
bool sample_event_is_twin(const struct perf_event *a, const struct perf_event *b);

/* For a GHashTable of events, in which twins are the same. */
guint sample_event_hash(gconstpointer event);
gboolean sample_event_equal(gconstpointer a, gconstpointer b);

/* Whether part of what runs is not sampled: user or kernel. */
bool sample_event_is_partial(const struct perf_event *event);

/*
 * The time on a CPU that a sample stands for, in nanoseconds: a clock's period is
 * one, and cycles that are sampled with a rate have one sample in 1/rate s. There is
 * none for other events, for a fixed period of cycles, and for events that do not see all
 * that runs. The time is 0 when the sample's period cannot be (1 s or more).
 */
bool sample_event_has_time(const struct perf_event *event);
uint64_t sample_event_time_ns(const struct perf_event *event, const struct perf_sample *sample);

#endif
