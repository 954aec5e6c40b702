/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What must hold for the sessions, the statistics and the parts of any input, however
 * damaged. They are assertions; g_assert() ends the process.
 */
#ifndef COLO_PERF_TESTS_FUZZ_INVARIANTS_H
#define COLO_PERF_TESTS_FUZZ_INVARIANTS_H

#include "colo/summary.h"

void check_session(const struct colo_session *session);
void check_summary(const struct colo_summary *summary, const struct colo_selection *selection);

/* The parts do not overlap, lie in their checkpoints, and are as long as the statistics say. */
void check_parts(const struct colo_session *session, const struct colo_selection *selection);

/* The two halves of the checkpoints, cut at `seq` and at `at_ns`, add up to all of them. */
void check_halves(const struct colo_session *session, uint64_t seq, int64_t at_ns);

#endif
