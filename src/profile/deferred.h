/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Brings samples together with their callers in user code when the kernel recorded these later, in
 * a record of its own (perf record --call-graph fp,defer, Linux 6.19 and newer):
 *
 *     CPU 0   sample (thread 7, cookie 12)  --- the thread goes on on CPU 1 ---
 *     CPU 1                                     callers (thread 7, cookie 12)
 *
 * One record has the callers of all samples with its thread and cookie. Buffers are written CPU by
 * CPU, so either may stand first in the file. Memory is bounded: what waits for too long counts as
 * without callers. Knows numbers of stacks, and neither addresses nor names.
 */
#ifndef COLO_PERF_PROFILE_DEFERRED_H
#define COLO_PERF_PROFILE_DEFERRED_H

#include "profile/profile.h"

/* A sample that waits for its callers: what counting it needs. */
struct deferred_sample {
	uint64_t cookie;
	uint32_t group;
	struct profile_thread thread;
	uint32_t
		callees; /* the stack of what ran below the callers; STACK_EMPTY: user code alone */
	uint32_t without; /* the stack that it counts with when there are none */
	uint64_t weight;
};

/* Counts a sample whose callers are known, or, with STACK_EMPTY, will never be. */
typedef void (*deferred_visitor)(const struct deferred_sample *sample, uint32_t callers,
				 void *data);

struct deferred;

/* How much is kept at the most. */
struct deferred_limits {
	guint n_samples; /* that wait */
	guint n_callers; /* records of callers, the last ones; a power of two */
};

extern const struct deferred_limits deferred_usual_limits;

struct deferred *deferred_new(const struct deferred_limits *limits, deferred_visitor visit,
			      void *data);
/* Samples that wait are not visited: see deferred_finish(). */
void deferred_free(struct deferred *deferred);

/* Visits the sample now or later. It is copied. */
void deferred_add_sample(struct deferred *deferred, const struct deferred_sample *sample);

/* Says that `callers` (not STACK_EMPTY) called all samples of the thread with that cookie. */
void deferred_add_callers(struct deferred *deferred, uint32_t tid, uint64_t cookie,
			  uint32_t callers);

/* The recording has ended: visits all that wait. */
void deferred_finish(struct deferred *deferred);

#endif
