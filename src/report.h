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
};

void report_print_text(const struct report *report, FILE *out);
void report_print_json(const struct report *report, FILE *out);
void report_print_info_checkpoint(const struct report *report, FILE *out);
void report_print_csv(const struct report *report, FILE *out);

/* The profiles of a session's phases, a part of the text. */
void report_print_profiles(const struct report *report, const struct colo_session *session,
			   FILE *out);

/* The recorder's fields in its order, for the views that list them. */
struct report_field {
	const char *name;
	size_t offset;	  /* in struct colo_recorder, of a struct colo_value */
	const char *unit; /* "ns", "bytes", or "" for a count */
};
extern const struct report_field report_recorder_fields[];
extern const guint report_n_recorder_fields;
struct colo_value report_recorder_value(const struct colo_recorder *recorder, guint field);

/* `colo-perf report`; returns the exit status. */
int report_main(int argc, char **argv);

#endif
