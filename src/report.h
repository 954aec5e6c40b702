/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What `colo-perf report` hands to its views. A view prints; it computes
 * nothing.
 */
#ifndef COLO_PERF_REPORT_H
#define COLO_PERF_REPORT_H

#include "colo/summary.h"
#include "phase_profile.h"

#include <stdio.h>

struct report {
	const struct recordings *recordings;   /* Weak */
	const GPtrArray *warnings;	       /* Weak: struct warning */
	const GPtrArray *summaries;	       /* Weak: struct colo_summary, primaries first */
	const struct phase_profiles *profiles; /* Weak; NULL: not asked for */
	const char *const *phases; /* Weak: whose profiles people see; NULL: the RAM path's */
	guint top;		   /* functions that they see of each */
	struct colo_selection selection;
	bool is_live; /* nothing was recorded, and the single checkpoints were not kept */
};

void report_print_text(const struct report *report, FILE *out);
void report_print_json(const struct report *report, FILE *out);
void report_print_info_checkpoint(const struct report *report, FILE *out);
void report_print_csv(const struct report *report, FILE *out);

/* The profiles of a session's phases, a part of the text. */
void report_print_profiles(const struct report *report, const struct colo_session *session,
			   FILE *out);

/* `colo-perf report`; returns the exit status. */
int report_main(int argc, char **argv);

#endif
