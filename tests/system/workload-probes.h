/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A primary's loop of checkpoints that does nothing but hit the probes. What
 * the time of a phase is spent on is the caller's business.
 */
#ifndef WORKLOAD_PROBES_H
#define WORKLOAD_PROBES_H

#include <stdint.h>

/* Called in two phases of each checkpoint; `seq` counts from 1. */
struct workload_phases {
	void (*dev)(uint64_t seq);
	void (*ram)(uint64_t seq);
};

/* The wait before each checkpoint. */
extern long workload_wait_ns;

/* One session, from colo_init to colo_exit, of `n` complete checkpoints. */
void workload_run_checkpoints(uint64_t n, const struct workload_phases *phases);

#endif
