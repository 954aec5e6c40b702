/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sums over counted samples; a part of phase_profile.c of its own.
 */
#ifndef COLO_PERF_PHASE_SUMS_H
#define COLO_PERF_PHASE_SUMS_H

#include "phase_profile.h"

/* Fills in everything of the sessions and `unresolved` that the counts tell. */
void phase_sums_fill(struct phase_profiles *profiles);

#endif
