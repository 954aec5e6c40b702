/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Gives the hits of tracepoints in running processes as they come: opens the events on all
 * CPUs, and reads the kernel's ring buffers, with libperf. It knows tracepoints by their number and
 * nothing of what they mean.
 */
#ifndef COLO_PERF_RING_H
#define COLO_PERF_RING_H

#include "perfdata/perf_sample.h"

#include <sys/types.h>

struct ring;

/*
 * Begins to record the tracepoints `ids` (perf_event_attr.config) in the processes. NULL with
 * `error`. Times are of CLOCK_MONOTONIC.
 */
struct ring *ring_new(const GArray *ids, const GArray *pids, GError **error);
/* Nobody has the events open any more. The kernel takes its time over that. */
void ring_free(struct ring *ring);

/*
 * Calls `visit` for each hit that is there, those of each CPU in their order: `id` is its
 * tracepoint, `sample` is valid meanwhile; what it carries is time, pid, tid and the raw part.
 */
typedef void (*ring_visitor)(uint64_t id, const struct perf_sample *sample, void *data);
void ring_drain(struct ring *ring, ring_visitor visit, void *data);

/* No hit is recorded any more; those that were are still there. */
void ring_stop(struct ring *ring);

/*
 * How many hits found the buffer full, of whatever process they were: those that are known of, and
 * what the kernel counted.
 */
uint64_t ring_lost_records(const struct ring *ring);
uint64_t ring_lost_reads(const struct ring *ring);

/* Now, on the clock of the hits. */
uint64_t ring_now_ns(void);

/* Hits from before this were in the buffers when ring_now_ns() was `now_ns`, if CPUs were not
 * stopped for longer. */
#define RING_DELAY_NS UINT64_C(20000000)

#endif
