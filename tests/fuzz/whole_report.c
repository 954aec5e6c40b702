/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Loads, sums up, prints and looks at what was printed.
 */
#include "fuzz/whole_report.h"

#include "base/error.h"
#include "base/printable.h"
#include "flame_tree.h"
#include "fuzz/invariants.h"
#include "report.h"
#include "warnings.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text that a view printed. */
struct text {
	char *bytes; /* Owned by this */
	size_t size;
	FILE *out; /* Owned by this */
};

static FILE *text_open(struct text *text)
{
	*text = (struct text){0};
	text->out = open_memstream(&text->bytes, &text->size);
	g_assert_nonnull(text->out);
	return text->out;
}

static void text_close(struct text *text)
{
	g_assert_cmpint(fclose(text->out), ==, 0);
}

static void text_clear(struct text *text)
{
	free(text->bytes);
}

/* Names come from the recording; none may do something to a terminal. */
static void check_text(const struct text *text)
{
	const char *end = text->bytes + text->size;

	g_assert_true(g_utf8_validate(text->bytes, (gssize)text->size, NULL));
	for (const char *at = text->bytes; at < end; at = g_utf8_next_char(at))
		g_assert_true(*at == '\n' || printable_is_safe(g_utf8_get_char(at)));
}

/* Of the document of --json, and of each line of --info-checkpoint. */
static void check_json(const char *json, gssize size)
{
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	g_autoptr(GError) error = NULL;

	json_parser_load_from_data(parser, json, size, &error);
	g_assert_no_error(error);
	g_assert_nonnull(json_parser_get_root(parser));
}

static void check_lines_of_json(const struct text *text)
{
	const char *line = text->bytes, *end = line + text->size;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		g_assert_nonnull(newline);
		check_json(line, newline - line);
		line = newline + 1;
	}
}

/* Each row has as many fields as the first; no field holds a comma or a quote. */
static void check_csv(const struct text *text)
{
	g_auto(GStrv) lines = g_strsplit(text->bytes, "\n", -1);
	g_auto(GStrv) names = g_strsplit(lines[0], ",", -1);

	for (guint i = 1; lines[i] && *lines[i]; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], ",", -1);

		g_assert_cmpuint(g_strv_length(fields), ==, g_strv_length(names));
	}
}

static void check_svg(const struct text *text)
{
	static const GMarkupParser parser;
	g_autoptr(GError) error = NULL;
	GMarkupParseContext *context =
		g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, NULL, NULL);

	g_markup_parse_context_parse(context, text->bytes, (gssize)text->size, &error);
	g_assert_no_error(error);
	g_markup_parse_context_end_parse(context, &error);
	g_assert_no_error(error);
	g_markup_parse_context_free(context);
}

static void print_reports(const struct report *report)
{
	struct text text;

	report_print_text(report, text_open(&text));
	text_close(&text);
	check_text(&text);
	text_clear(&text);

	report_print_json(report, text_open(&text));
	text_close(&text);
	check_json(text.bytes, (gssize)text.size);
	check_text(&text);
	text_clear(&text);

	report_print_info_checkpoint(report, text_open(&text));
	text_close(&text);
	check_lines_of_json(&text);
	check_text(&text);
	text_clear(&text);

	report_print_csv(report, text_open(&text));
	text_close(&text);
	check_csv(&text);
	check_text(&text);
	text_clear(&text);
}

static void print_graph(const struct phase_profiles *profiles, const struct flame_choice *choice)
{
	struct flame_tree *tree = flame_tree_new("root");
	struct flame_graph graph = {.title = "fuzz"};
	struct text text;

	flame_tree_add(tree, profiles, choice, false);
	graph.root = flame_tree_root(tree);
	flame_svg_print(&graph, text_open(&text));
	text_close(&text);
	check_svg(&text);
	text_clear(&text);

	flame_tree_print_folded(tree, false, text_open(&text));
	text_close(&text);
	check_text(&text);
	text_clear(&text);
	flame_tree_free(tree);
}

static void print_graphs(const struct phase_profiles *profiles)
{
	const struct flame_choice choices[] = {
		{.role = COLO_ROLE_PRIMARY, .part = COLO_N_PARTS, .threads = true},
		{.role = COLO_ROLE_SECONDARY, .part = COLO_PHASE_RAM},
	};

	for (guint i = 0; i < G_N_ELEMENTS(choices); i++)
		print_graph(profiles, &choices[i]);
}

static GPtrArray *summarize(const struct recordings *recordings,
			    const struct colo_selection *selection)
{
	GPtrArray *summaries = g_ptr_array_new_with_free_func((GDestroyNotify)colo_summary_free);
	const GPtrArray *sessions = colo_model_sessions(recordings->model);

	for (guint i = 0; i < sessions->len; i++) {
		const struct colo_session *session = g_ptr_array_index(sessions, i);
		struct colo_summary *summary = colo_summary_new(session, selection);

		check_session(session);
		check_parts(session, selection);
		check_summary(summary, selection);
		g_ptr_array_add(summaries, summary);
	}
	return summaries;
}

/* A message is for people: one clause that is not empty. */
static void check_error(const GError *error)
{
	g_assert_nonnull(error);
	g_assert_true(error->domain == COLO_PERF_ERROR);
	g_assert_true(error->message && *error->message);
	g_assert_null(strchr(error->message, '\n'));
}

static void report_on(const struct recordings *recordings)
{
	static const char *const all_phases[] = {"all", NULL};
	const struct sample_choice choice = {
		.selection = COLO_SELECT_ALL, .part = COLO_N_PARTS, .all_threads = true};
	g_autoptr(GPtrArray) summaries = summarize(recordings, &choice.selection);
	g_autoptr(GPtrArray) warnings = NULL;
	g_autoptr(GError) error = NULL;
	struct phase_profiles *profiles =
		phase_profiles_new(recordings, summaries, &choice, &error);
	struct report report = {
		.recordings = recordings,
		.summaries = summaries,
		.profiles = profiles,
		.phases = all_phases,
		.top = 10,
		.selection = choice.selection,
	};

	report.warnings = warnings = warnings_of(recordings, NULL, profiles);
	print_reports(&report);
	if (profiles)
		print_graphs(profiles);
	else
		check_error(error);
	phase_profiles_free(profiles);
}

bool whole_report(const char *path)
{
	/* Nothing is there, whatever stands behind it. */
	static const struct recording_options nowhere = {
		.symbols = {.symfs = "/nonexistent",
			    .kallsyms = "/nonexistent/kallsyms",
			    .buildid_dir = "/nonexistent/debug"},
		.formats = "/nonexistent/formats",
	};
	const char *const paths[] = {path, NULL};
	g_autoptr(GError) error = NULL;
	struct recordings *recordings = recordings_load(paths, &nowhere, &error);

	if (recordings)
		report_on(recordings);
	else
		check_error(error);
	recordings_free(recordings);
	return recordings != NULL;
}
