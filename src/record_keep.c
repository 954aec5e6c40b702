/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Completes a recording.
 */
#include "record_keep.h"

#include "perfdata/perf_completion.h"
#include "perfdata/perf_sections.h"
#include "probes/registration.h"
#include "probes/tracefs.h"
#include "record_files.h"

#include <sys/utsname.h>
#include <time.h>

#define FIRST_INTERVAL_US (100 * 1000)
#define LAST_INTERVAL_US  (60 * G_USEC_PER_SEC)

struct record_keep {
	char *group;			    /* Owned by this */
	GPtrArray *formats;		    /* Owned by this: GBytes (owned) */
	GBytes *header_page, *header_event; /* Owned by this */
	struct timespec clock, wall;	    /* read at the same time */
	struct record_files *files;	    /* Owned by this */
	gint64 look_us, interval_us; /* when they are looked at again, and how long after that */
};

/* What cannot be read is empty. */
static GBytes *read_event_file(const char *name)
{
	g_autofree char *path = g_build_filename(TRACEFS_PATH, "events", name, NULL);
	char *text = NULL;
	gsize size = 0;

	g_file_get_contents(path, &text, &size, NULL);
	return g_bytes_new_take(text, size);
}

struct record_keep *record_keep_new(const char *group, const GPtrArray *events)
{
	struct record_keep *keep = g_new0(struct record_keep, 1);

	keep->group = g_strdup(group);
	keep->files = record_files_new();
	keep->formats = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	keep->header_page = read_event_file("header_page");
	keep->header_event = read_event_file("header_event");
	for (guint i = 0; i < events->len; i++) {
		const struct registered_event *event = events->pdata[i];
		g_autofree char *name = g_build_filename(group, event->name, "format", NULL);

		g_ptr_array_add(keep->formats, read_event_file(name));
	}
	clock_gettime(CLOCK_MONOTONIC, &keep->clock);
	clock_gettime(CLOCK_REALTIME, &keep->wall);
	return keep;
}

void record_keep_free(struct record_keep *keep)
{
	if (!keep)
		return;
	record_files_free(keep->files);
	g_ptr_array_unref(keep->formats);
	g_bytes_unref(keep->header_page);
	g_bytes_unref(keep->header_event);
	g_free(keep->group);
	g_free(keep);
}

void record_keep_look(struct record_keep *keep, const GArray *pids, bool now)
{
	const gint64 now_us = g_get_monotonic_time();

	if (!now && now_us < keep->look_us)
		return;
	for (guint i = 0; i < pids->len; i++)
		record_files_look(keep->files, g_array_index(pids, pid_t, i));
	keep->interval_us = CLAMP(2 * keep->interval_us, FIRST_INTERVAL_US, LAST_INTERVAL_US);
	keep->look_us = now_us + keep->interval_us;
}

static uint64_t to_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

/* What perf writes when it ends, and may have had no room for. */
static void add_end(const struct record_keep *keep, struct perf_completion *completion)
{
	struct utsname machine;

	perf_completion_add(completion, PERF_FEATURE_TRACING_DATA,
			    perf_section_of_formats(keep->group, keep->formats, keep->header_page,
						    keep->header_event));
	perf_completion_add(
		completion, PERF_FEATURE_CLOCK_DATA,
		perf_section_of_clock(CLOCK_MONOTONIC, to_ns(&keep->clock), to_ns(&keep->wall)));
	if (uname(&machine))
		return;
	perf_completion_add(completion, PERF_FEATURE_HOSTNAME,
			    perf_section_of_string(machine.nodename));
	perf_completion_add(completion, PERF_FEATURE_OSRELEASE,
			    perf_section_of_string(machine.release));
	perf_completion_add(completion, PERF_FEATURE_ARCH, perf_section_of_string(machine.machine));
}

/* The kernel's path ends with a symbol, which the table does not have. */
static char *path_in_table(const struct perf_mapped_file *file)
{
	const char *end = file->kernel && file->path[0] == '[' ? strchr(file->path, ']') : NULL;

	return end ? g_strndup(file->path, (gsize)(end + 1 - file->path)) : g_strdup(file->path);
}

static void add_build_ids(struct record_keep *keep, struct perf_completion *completion)
{
	GPtrArray *files = perf_completion_files(completion);
	GByteArray *section = g_byte_array_new();

	record_files_identify(keep->files, files);
	for (guint i = 0; i < files->len; i++) {
		const struct perf_mapped_file *file = files->pdata[i];
		g_autofree char *path = path_in_table(file);

		if (file->build_id_size)
			perf_section_add_build_id(section, path, file->kernel, file->build_id,
						  file->build_id_size);
	}
	perf_completion_add(completion, PERF_FEATURE_BUILD_ID, section);
}

static bool complete(struct record_keep *keep, struct perf_completion *completion,
		     const char *unfinished, char **note, char **warning)
{
	g_autoptr(GError) error = NULL;

	if (unfinished && !perf_completion_samples(completion))
		return false;
	add_build_ids(keep, completion);
	add_end(keep, completion);
	if (unfinished)
		perf_completion_add(completion, PERF_FEATURE_CUT_SHORT,
				    perf_section_of_string(unfinished));
	*note = record_files_keep(keep->files, perf_completion_files(completion), warning);
	if (perf_completion_write(completion, &error))
		return true;
	g_free(*warning);
	*warning = unfinished
			   ? g_strdup_printf("the formats of its probes could not be written (%s): "
					     "give them to report with --formats, as long as the "
					     "same probes are registered",
					     error->message)
			   : g_strdup_printf("build-ids could not be written (%s): functions "
					     "have names only as long as no file changes",
					     error->message);
	return true;
}

bool record_keep_complete(struct record_keep *keep, int fd, const char *unfinished, char **note,
			  char **warning)
{
	g_autoptr(GError) error = NULL;
	struct perf_completion *completion = perf_completion_new(fd, &error);
	bool keeps;

	*note = *warning = NULL;
	if (!completion) {
		/* What perf has completed is kept, whatever it is. */
		*warning = unfinished ? NULL : g_strdup(error->message);
		return !unfinished;
	}
	keeps = complete(keep, completion, unfinished, note, warning);
	perf_completion_free(completion);
	return keeps;
}
