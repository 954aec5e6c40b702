/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers as people see them, the same in the report and in the live view.
 */
#ifndef COLO_PERF_FIGURES_H
#define COLO_PERF_FIGURES_H

#include "colo/summary.h"

#define NS_PER_MS 1e6

#define FIGURE_SIZE 32 /* bytes, for what comes up */

/* At most seven characters for all that comes up, three decimals where there is room. */
const char *figure_of(char text[FIGURE_SIZE], double value);

/* The columns of a distribution, each 8 wide. */
struct figure_column {
	const char *title;
	double (*value)(const struct distribution *distribution);
	uint64_t least_n;   /* below it the value means nothing */
	unsigned int place; /* when there is not room for all: the lower ones stay */
};
extern const struct figure_column figure_columns[];
extern const guint n_figure_columns;

/* The column's figure in units of `divisor`, or "-". */
const char *figure_in_column(char text[FIGURE_SIZE], const struct figure_column *column,
			     const struct distribution *distribution, double divisor);

/* The recorder's fields in its order, for the views that list them. */
struct report_field {
	const char *name;
	size_t offset;	  /* in struct colo_recorder, of a struct colo_value */
	const char *unit; /* "ns", "bytes", or "" for a count */
};
extern const struct report_field report_recorder_fields[];
extern const guint report_n_recorder_fields;
struct colo_value report_recorder_value(const struct colo_recorder *recorder, guint field);

/* One of the recorder's fields, with its unit. The caller frees it. */
char *figure_of_field(const struct report_field *field, struct colo_value value);

#endif
