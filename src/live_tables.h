/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The tables of the live view as rows of text: what each side does, its phases, the
 * recorder's fields. Which rows are on the screen is for live_view.c to decide.
 */
#ifndef COLO_PERF_LIVE_TABLES_H
#define COLO_PERF_LIVE_TABLES_H

#include "live_view.h"

#define LIVE_MOST_FIGURES 8 /* of a side: the last checkpoint's and all of the distribution */

/* What stands in the columns of the tables. */
struct live_columns {
	const struct live_side *sides[2]; /* Weak */
	guint n_sides;
	guint n_figures; /* of each side in a row of the phases */
};

/* In characters. */
guint live_phases_width(guint n_sides, guint n_figures);
guint live_recorder_width(guint n_sides);

struct live_row {
	char *text; /* Owned by this */
	enum screen_style style;
	const char *subject; /* Weak: the phase or the field; NULL: a heading */
};

struct live_table {
	const char *name; /* what the list of hidden things calls it */
	GPtrArray *rows;  /* Owned by this: struct live_row (owned), the heading first */
};

/* Each side, what it does now, its last checkpoint: three rows that belong together. */
struct live_table *live_table_of_sides(const struct live_columns *columns, uint64_t now_ns);
/* A heading, then the checkpoint, the pause, each phase, and what is left. */
struct live_table *live_table_of_phases(const struct live_columns *columns);
/* A heading, then the fields of the original recorder. */
struct live_table *live_table_of_recorder(const struct live_columns *columns);

/* Puts `right` to the right of `left`, which is `left_width` wide. Changes `left` alone. */
void live_table_put_beside(struct live_table *left, guint left_width,
			   const struct live_table *right);

void live_table_free(struct live_table *table);

#endif
