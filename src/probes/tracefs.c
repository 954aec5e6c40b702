/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each line is written by a write() of its own, so that an error is that line's.
 */
#include "probes/tracefs.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

struct uprobe_line *uprobe_line_new(const char *group, const char *event, const char *path,
				    const char *site)
{
	struct uprobe_line *line = g_new0(struct uprobe_line, 1);

	line->text = g_strdup_printf("p:%s/%s %s:%s", group, event, path, site);
	line->event = g_strdup(event);
	line->path = g_strdup(path);
	line->site = g_strdup(site);
	return line;
}

struct uprobe_line *uprobe_line_parse(const char *text, const char *group)
{
	g_autofree char *prefix = g_strdup_printf("p:%s/", group);
	g_auto(GStrv) words = NULL;
	char *colon;
	struct uprobe_line *line;

	if (!g_str_has_prefix(text, prefix))
		return NULL;
	/* The kernel splits at spaces: none of the first two words has one. */
	words = g_strsplit(text + strlen(prefix), " ", 3);
	colon = words[0] && words[1] ? strrchr(words[1], ':') : NULL;
	if (!colon)
		return NULL;
	*colon = '\0';
	line = g_new0(struct uprobe_line, 1);
	line->text = g_strdup(text);
	line->event = g_strdup(words[0]);
	line->path = g_strdup(words[1]);
	line->site = g_strjoin(" ", colon + 1, words[2], NULL);
	return line;
}

void uprobe_line_free(struct uprobe_line *line)
{
	if (!line)
		return;
	g_free(line->text);
	g_free(line->event);
	g_free(line->path);
	g_free(line->site);
	g_free(line);
}

char *uprobe_site(uint64_t offset, const char *arguments)
{
	return g_strdup_printf("0x%016" PRIx64 "%s%s", offset, *arguments ? " " : "", arguments);
}

bool uprobe_path_is_plain(const char *path)
{
	/* uprobe_events cuts its lines at these, or gives them a meaning. */
	return *path == '/' && !strpbrk(path, " \t\n\r\v\f#()%\\\"");
}

bool tracefs_is_mounted(const char *path)
{
	struct statfs status;

	return !statfs(path, &status) && status.f_type == TRACEFS_MAGIC;
}

GPtrArray *tracefs_lines(const char *tracefs, const char *group, GError **error)
{
	g_autofree char *path = g_build_filename(tracefs, UPROBE_EVENTS, NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	GPtrArray *result;

	if (!g_file_get_contents(path, &text, NULL, error)) {
		g_prefix_error(error, "cannot see which probes are registered: ");
		return NULL;
	}
	result = g_ptr_array_new_with_free_func((GDestroyNotify)uprobe_line_free);
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		struct uprobe_line *parsed = uprobe_line_parse(*line, group);

		if (parsed)
			g_ptr_array_add(result, parsed);
	}
	return result;
}

/* 0 or an errno. */
static int write_line(const char *tracefs, const char *text)
{
	g_autofree char *path = g_build_filename(tracefs, UPROBE_EVENTS, NULL);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	/* Never O_TRUNC, which removes what others have registered. */
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ssize_t written;
	int code;

	if (fd < 0)
		return errno;
	do
		written = write(fd, line, strlen(line));
	while (written < 0 && errno == EINTR);
	code = written < 0 ? errno : 0;
	close(fd);
	return code;
}

bool tracefs_add(const char *tracefs, const struct uprobe_line *line, GError **error)
{
	int code = write_line(tracefs, line->text);

	if (code)
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot register the probe %s in %s/" UPROBE_EVENTS ": %s", line->event,
			    tracefs, g_strerror(code));
	return !code;
}

int tracefs_remove(const char *tracefs, const struct uprobe_line *line)
{
	g_autofree char *text = g_strconcat("-", line->text + 1, NULL);

	return write_line(tracefs, text);
}

bool tracefs_event_id(const char *tracefs, const char *group, const char *event, uint64_t *id,
		      GError **error)
{
	g_autofree char *path = g_build_filename(tracefs, "events", group, event, "id", NULL);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, error))
		return false;
	if (g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, G_MAXINT32, id, NULL))
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "%s holds no number", path);
	return false;
}
