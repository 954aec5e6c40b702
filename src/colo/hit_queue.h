/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Puts hits that come from several CPUs' buffers into the order of time while they come:
 * whoever knows that nothing earlier can follow takes them out up to that time. Hits of a whole
 * recording are in hit_log.h, which needs less memory for each.
 */
#ifndef COLO_PERF_COLO_HIT_QUEUE_H
#define COLO_PERF_COLO_HIT_QUEUE_H

#include "colo/probe.h"

struct hit_queue;

struct hit_queue *hit_queue_new(void);
void hit_queue_free(struct hit_queue *queue);

/* Takes a copy. */
void hit_queue_add(struct hit_queue *queue, const struct colo_hit *hit);

/*
 * Takes the earliest hit out; of several with the same time the one that was added first. False
 * when none is from before `end_ns`.
 */
bool hit_queue_take(struct hit_queue *queue, uint64_t end_ns, struct colo_hit *hit);

/* How many wait in it. */
guint hit_queue_count(const struct hit_queue *queue);

/* The latest time of all hits that were ever added; 0 when there was none. */
uint64_t hit_queue_latest_ns(const struct hit_queue *queue);

#endif
