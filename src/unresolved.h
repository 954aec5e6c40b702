/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Why functions have no name, for people and for programs: what stands in the way, and what to do.
 * Read by the report and by its warnings; counts are phase_sums.c's.
 */
#ifndef COLO_PERF_UNRESOLVED_H
#define COLO_PERF_UNRESOLVED_H

#include "phase_profile.h"

/* One word, as docs/output.md lists them. Not freed. */
const char *unresolved_state(const struct unresolved *what);

/*
 * A clause that says what is wrong and what to do, for unresolved addresses of the recording at
 * `source`; NULL when nothing can be done. The caller frees it.
 */
char *unresolved_problem(const struct unresolved *what, const struct phase_profiles *profiles,
			 const struct recordings *recordings, guint source);

#endif
