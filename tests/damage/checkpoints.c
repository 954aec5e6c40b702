/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A checkpoint is known by the columns that say whose it is: role, recording, pid, session, seq.
 */
#include "damage/checkpoints.h"

#include <stdbool.h>
#include <string.h>

#define N_KEY_COLUMNS 5
#define COMPLETE      ",complete,"
#define UNKNOWN	      "unknown" /* what triggered it */

struct checkpoints {
	GHashTable *rows; /* Owned by this: key (owned) to row (owned) */
};

/* The caller frees it. */
static char *key_of(const char *row)
{
	const char *end = row;

	for (guint i = 0; i < N_KEY_COLUMNS; i++)
		end = strchr(end, ',') + 1;
	return g_strndup(row, (gsize)(end - row));
}

static bool is_complete(const char *row)
{
	return strstr(row, COMPLETE) != NULL;
}

struct checkpoints *checkpoints_new(const char *csv)
{
	struct checkpoints *checkpoints = g_new0(struct checkpoints, 1);
	g_auto(GStrv) rows = g_strsplit(csv, "\n", -1);

	checkpoints->rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (char **row = rows; *row; row++)
		if (is_complete(*row))
			g_hash_table_insert(checkpoints->rows, key_of(*row), g_strdup(*row));
	return checkpoints;
}

void checkpoints_free(struct checkpoints *checkpoints)
{
	if (!checkpoints)
		return;
	g_hash_table_unref(checkpoints->rows);
	g_free(checkpoints);
}

guint checkpoints_count(const struct checkpoints *checkpoints)
{
	return g_hash_table_size(checkpoints->rows);
}

/* A value that the cut took away is not known; one that is there is the same. */
static gboolean is_same_or_unknown(const char *row, const char *of_whole)
{
	g_auto(GStrv) found = g_strsplit(row, ",", -1);
	g_auto(GStrv) expected = g_strsplit(of_whole, ",", -1);
	guint i = 0;

	for (; found[i] && expected[i]; i++)
		if (strcmp(found[i], expected[i]) != 0 && *found[i] &&
		    strcmp(found[i], UNKNOWN) != 0)
			return FALSE;
	return !found[i] && !expected[i];
}

char *checkpoints_compare(const struct checkpoints *whole, const char *csv, guint *n)
{
	g_auto(GStrv) rows = g_strsplit(csv, "\n", -1);

	for (char **row = rows; *row; row++) {
		g_autofree char *key = NULL;
		const char *of_whole;

		if (!is_complete(*row))
			continue;
		++*n;
		key = key_of(*row);
		of_whole = g_hash_table_lookup(whole->rows, key);
		if (!of_whole || !is_same_or_unknown(*row, of_whole))
			return g_strdup_printf("is  %s\nwas %s", *row,
					       of_whole ? of_whole : "none");
	}
	return NULL;
}
