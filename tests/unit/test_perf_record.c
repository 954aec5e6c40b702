/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perf_record and perf_context: their tables are those of docs/output.md, row by row. Run in the
 * directory of the sources.
 */
#include "perfdata/perf_context.h"
#include "perfdata/perf_record.h"

#include <string.h>

#define DOCUMENT "docs/output.md"

static const struct {
	enum perf_record_use use;
	const char *word;
} uses[] = {
	{PERF_RECORD_USE_USED, "used"},
	{PERF_RECORD_USE_SKIPPED, "skipped"},
	{PERF_RECORD_USE_WARNED, "warned of"},
};

/* The rows of the table that begins with the heading, each split into its cells. */
static GPtrArray *rows_below(const char *heading)
{
	GPtrArray *rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) lines = NULL;
	guint i = 0;

	g_file_get_contents(DOCUMENT, &text, NULL, &error);
	g_assert_no_error(error);
	lines = g_strsplit(text, "\n", -1);
	while (lines[i] && strcmp(lines[i], heading))
		i++;
	g_assert_nonnull(lines[i]);
	for (i += 2; lines[i] && lines[i][0] == '|'; i++)
		g_ptr_array_add(rows, g_strsplit(lines[i] + strlen("| "), " | ", -1));
	g_assert_cmpuint(rows->len, >, 0);
	return rows;
}

static const char *word_of(enum perf_record_use use)
{
	for (guint i = 0; i < G_N_ELEMENTS(uses); i++)
		if (uses[i].use == use)
			return uses[i].word;
	return NULL;
}

static void test_types_are_those_of_the_document(void)
{
	g_autoptr(GPtrArray) rows = rows_below("| type | record | what becomes of it | why |");
	guint row = 0;

	for (guint32 type = 0; type < 1000; type++) {
		g_autofree char *number = g_strdup_printf("%u", type);
		const enum perf_record_use use = perf_record_use(type);
		char **cells;

		g_assert_cmpint(use == PERF_RECORD_USE_UNKNOWN, ==, !perf_record_name(type));
		if (use == PERF_RECORD_USE_UNKNOWN)
			continue;
		g_assert_cmpuint(row, <, rows->len);
		cells = rows->pdata[row++];
		g_assert_cmpuint(g_strv_length(cells), ==, 4);
		g_assert_cmpstr(cells[0], ==, number);
		g_assert_cmpstr(cells[1], ==, perf_record_name(type));
		g_assert_cmpstr(cells[2], ==, word_of(use));
	}
	g_assert_cmpuint(row, ==, rows->len);
}

static void test_contexts_are_those_of_the_document(void)
{
	g_autoptr(GPtrArray) rows = rows_below("| mark | name | what follows it |");
	guint row = 0;

	for (gint64 mark = -1; mark >= -4095; mark--) {
		g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, mark);
		const char *name = perf_context_name((guint64)mark);
		char **cells;

		g_assert_true(perf_context_is((guint64)mark));
		g_assert_cmpint(perf_context_space((guint64)mark) == PERF_SPACE_UNKNOWN, ==, !name);
		if (!name)
			continue;
		g_assert_cmpuint(row, <, rows->len);
		cells = rows->pdata[row++];
		g_assert_cmpuint(g_strv_length(cells), ==, 3);
		g_assert_cmpstr(cells[0], ==, number);
		g_assert_cmpstr(cells[1], ==, name);
	}
	g_assert_cmpuint(row, ==, rows->len);
	g_assert_false(perf_context_is((guint64)-4096));
}

static void test_names_in_messages(void)
{
	g_autofree char *known = perf_record_type_name(22), *unknown = perf_record_type_name(4711);

	g_assert_cmpstr(known, ==, "CALLCHAIN_DEFERRED (22)");
	g_assert_cmpstr(unknown, ==, "4711");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/perf_record/types_are_those_of_the_document",
			test_types_are_those_of_the_document);
	g_test_add_func("/perf_record/contexts_are_those_of_the_document",
			test_contexts_are_those_of_the_document);
	g_test_add_func("/perf_record/names_in_messages", test_names_in_messages);
	return g_test_run();
}
