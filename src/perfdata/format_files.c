/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds and reads format files.
 */
#include "perfdata/format_files.h"

#include "base/error.h"
#include "perfdata/perf_file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define FORMAT_FILE "format"
#define FIRST_LINE  "name: " /* of each format */

/* --- Directories --- */

static void add_file(struct tracepoints *tracepoints, const char *system, const char *path)
{
	g_autofree char *text = NULL;
	gsize size;

	/* What is no file could make us wait. */
	if (g_file_test(path, G_FILE_TEST_IS_REGULAR) &&
	    g_file_get_contents(path, &text, &size, NULL))
		tracepoints_add_text(tracepoints, system, text, size);
}

/* Adds what is in EVENT/format below the directory, if it is there. */
static void add_events(struct tracepoints *tracepoints, const char *system, const char *directory)
{
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
	const char *event;

	while (dir && (event = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(directory, event, FORMAT_FILE, NULL);

		add_file(tracepoints, system, path);
	}
}

/* The first of the places below the directory that has formats. */
static void add_directory(struct tracepoints *tracepoints, const char *system,
			  const char *directory)
{
	const char *const places[][2] = {{"events", system}, {system, ""}, {"", ""}};

	for (size_t i = 0; i < G_N_ELEMENTS(places) && !tracepoints_count(tracepoints); i++) {
		g_autofree char *place =
			g_build_filename(directory, places[i][0], places[i][1], NULL);

		add_events(tracepoints, system, place);
	}
}

/* --- Files --- */

/* Format files that were put one behind the other. */
static void add_text(struct tracepoints *tracepoints, const char *system, const char *text)
{
	const char *begin = strstr(text, FIRST_LINE);

	while (begin) {
		const char *next = strstr(begin, "\n" FIRST_LINE);

		tracepoints_add_text(tracepoints, system, begin,
				     next ? (size_t)(next + 1 - begin) : strlen(begin));
		begin = next ? next + 1 : NULL;
	}
}

/* The formats of another recording. In pipe mode they come behind the events. */
static struct tracepoints *read_recording(struct perf_file *file, bool swap, GError **error)
{
	struct perf_record record;
	GBytes *section;

	while (!(section = perf_file_feature(file, PERF_FEATURE_TRACING_DATA)))
		if (perf_file_next_record(file, &record, NULL) != PERF_NEXT_RECORD)
			break;
	if (perf_file_is_swapped(file) != swap)
		g_set_error_literal(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NO_FORMATS,
				    "it is of a machine of the other byte order");
	else if (section)
		return tracepoints_new(g_bytes_get_data(section, NULL), g_bytes_get_size(section),
				       swap, error);
	else
		g_set_error_literal(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NO_FORMATS,
				    "it has no formats of tracepoints either");
	return NULL;
}

static struct tracepoints *read_text(const char *path, const char *system, bool swap,
				     GError **error)
{
	struct tracepoints *tracepoints;
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, error))
		return NULL;
	tracepoints = tracepoints_new_of_texts(swap);
	add_text(tracepoints, system, text);
	return tracepoints;
}

/* A recording, of any size; what is none is a text. */
static struct tracepoints *read_file(const char *path, const char *system, bool swap,
				     GError **error)
{
	g_autoptr(GError) problem = NULL;
	struct tracepoints *tracepoints;
	struct perf_file *file;

	/* It is looked at twice, as a recording and as a text. */
	if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
		g_set_error_literal(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
				    "it is no regular file");
		return NULL;
	}
	file = perf_file_open(path, &problem);
	if (g_error_matches(problem, COLO_PERF_ERROR, COLO_PERF_ERROR_NOT_PERF) ||
	    g_error_matches(problem, COLO_PERF_ERROR, COLO_PERF_ERROR_IO))
		return read_text(path, system, swap, error);
	if (!file) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	tracepoints = read_recording(file, swap, error);
	perf_file_free(file);
	return tracepoints;
}

/* --- All of it --- */

static struct tracepoints *read_path(const char *path, const char *system, bool swap,
				     GError **error)
{
	struct tracepoints *tracepoints;

	if (!g_file_test(path, G_FILE_TEST_IS_DIR))
		return read_file(path, system, swap, error);
	tracepoints = tracepoints_new_of_texts(swap);
	add_directory(tracepoints, system, path);
	return tracepoints;
}

struct tracepoints *format_files_read(const char *path, const char *system, bool swap, char **from,
				      GError **error)
{
	static const char *const tracefs[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	const char *const *places = path ? &path : tracefs;
	const size_t n_places = path ? 1 : G_N_ELEMENTS(tracefs);
	g_autoptr(GError) problem = NULL;

	for (size_t i = 0; i < n_places; i++) {
		struct tracepoints *tracepoints;

		g_clear_error(&problem);
		tracepoints = read_path(places[i], system, swap, &problem);
		if (tracepoints && tracepoints_count(tracepoints)) {
			*from = g_strdup(places[i]);
			return tracepoints;
		}
		tracepoints_free(tracepoints);
	}
	if (path)
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NO_FORMATS,
			    "there are no formats of %s in --formats %s%s%s", system, path,
			    problem ? ": " : "", problem ? problem->message : "");
	else
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NO_FORMATS,
			    "the formats of its tracepoints (feature 1, TRACING_DATA) are not "
			    "there, and this machine has no %s probes registered; name "
			    "them by --formats: a copy of the recording machine's "
			    "/sys/kernel/tracing/events/%s, or another recording of it",
			    system, system);
	return NULL;
}
