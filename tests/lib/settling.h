/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Holds what a model and tallies say while hits come against what they say at the end:
 * of any hits, to the last digit.
 */
#ifndef COLO_PERF_TESTS_LIB_SETTLING_H
#define COLO_PERF_TESTS_LIB_SETTLING_H

#include <glib.h>

/*
 * Asserts that it is the same. `hits`: struct colo_hit, in the order of time. Settles behind
 * every `step` hits, and looks at what is foreseen behind each `look` of them.
 */
void settling_check(const GArray *hits, guint step, guint look);

#endif
