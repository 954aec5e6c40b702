/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All is done beneath the open directory, and follows no link.
 */
#include "probes/state_file.h"

#include "base/error.h"
#include "base/file_write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_ADDED   STATE_FILE_ADDED ".new"
#define USES	    "colo-perf uses\n"
#define ADDED_TITLE "colo-perf added "
#define BOOT_ID	    "/proc/sys/kernel/random/boot_id"
#define MAX_BYTES   (16 << 20) /* of a file: the lines of hundreds of programs */

bool state_file_fail(const struct state_directory *directory, const char *what, const char *name,
		     GError **error)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "cannot %s %s/%s: %s: what is registered there stays as it is", what,
		    directory->path, name, g_strerror(errno));
	return false;
}

/* What somebody else wrote is not for us to mend. */
static bool fail_content(const struct state_directory *directory, const char *name, GError **error)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
		    "%s/%s is not what this colo-perf writes, so it and the probes stay as they "
		    "are: once no colo-perf runs, remove %s, and the probes with perf probe -d "
		    "'%s:colo_*'",
		    directory->path, name, directory->path, directory->group);
	return false;
}

/* --- Bytes --- */

/* Reads at most MAX_BYTES; the caller frees them. NULL with errno. */
static char *read_fd(int fd)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char block[4096];
	ssize_t got;

	while ((got = read(fd, block, sizeof(block)))) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return NULL;
		g_string_append_len(text, block, got);
		if (text->len > MAX_BYTES) {
			errno = EFBIG;
			return NULL;
		}
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* NULL with `error`, or without when the file is not there. The caller frees it. */
static char *read_file(const struct state_directory *directory, const char *name, GError **error)
{
	int fd = openat(directory->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = NULL;

	if (fd >= 0)
		text = read_fd(fd);
	if (!text && errno != ENOENT)
		state_file_fail(directory, "read", name, error);
	if (fd >= 0)
		close(fd);
	return text;
}

bool state_file_exists(const struct state_directory *directory, const char *name, GError **error)
{
	struct stat status;

	if (!fstatat(directory->fd, name, &status, AT_SYMLINK_NOFOLLOW))
		return true;
	if (errno != ENOENT)
		state_file_fail(directory, "look at", name, error);
	return false;
}

bool state_file_remove(const struct state_directory *directory, const char *name, GError **error)
{
	if (!unlinkat(directory->fd, name, 0) || errno == ENOENT)
		return true;
	return state_file_fail(directory, "remove", name, error);
}

/* --- Lines --- */

struct state_line *state_line_new(const char *text, const char *group, dev_t device, ino_t inode)
{
	struct uprobe_line *line = uprobe_line_parse(text, group), *again = NULL;
	struct state_line *own = NULL;

	if (line)
		again = uprobe_line_new(group, line->event, line->path, line->site);
	if (again && uprobe_path_is_plain(line->path) && !strcmp(again->text, text)) {
		own = g_new0(struct state_line, 1);
		own->line = g_steal_pointer(&line);
		own->device = device;
		own->inode = inode;
	}
	uprobe_line_free(line);
	uprobe_line_free(again);
	return own;
}

void state_line_free(struct state_line *line)
{
	if (!line)
		return;
	uprobe_line_free(line->line);
	g_free(line);
}

/* "DEVICE INODE LINE" */
static struct state_line *parse_added(const char *text, const char *group)
{
	char *end;
	guint64 device, inode;

	if (!g_ascii_isdigit(*text))
		return NULL;
	device = g_ascii_strtoull(text, &end, 10);
	if (*end != ' ' || !g_ascii_isdigit(end[1]))
		return NULL;
	inode = g_ascii_strtoull(end + 1, &end, 10);
	return *end == ' ' ? state_line_new(end + 1, group, device, inode) : NULL;
}

/* The lines behind the title, without the empty one behind the last newline. NULL: none such. */
static GStrv lines_behind(const char *text, const char *title)
{
	GStrv lines;
	guint n;

	if (!g_str_has_prefix(text, title) || !g_str_has_suffix(text, "\n"))
		return NULL;
	lines = g_strsplit(text + strlen(title), "\n", -1);
	n = g_strv_length(lines);
	if (n)
		g_clear_pointer(&lines[n - 1], g_free);
	return lines;
}

/* "colo-perf added BOOT-ID\n"; the caller frees it. NULL with `error`. */
static char *added_title(GError **error)
{
	g_autofree char *id = NULL;

	if (!g_file_get_contents(BOOT_ID, &id, NULL, error))
		return NULL;
	return g_strconcat(ADDED_TITLE, g_strstrip(id), "\n", NULL);
}

/* --- What was added --- */

static GPtrArray *parse_lines(const struct state_directory *directory, const GStrv texts,
			      GError **error)
{
	g_autoptr(GPtrArray) lines =
		g_ptr_array_new_with_free_func((GDestroyNotify)state_line_free);

	for (char **text = texts; *text; text++) {
		struct state_line *line = parse_added(*text, directory->group);

		if (!line) {
			fail_content(directory, STATE_FILE_ADDED, error);
			return NULL;
		}
		g_ptr_array_add(lines, line);
	}
	return g_steal_pointer(&lines);
}

static bool is_of_other_boot(const char *text, const char *title)
{
	return g_str_has_prefix(text, ADDED_TITLE) && !g_str_has_prefix(text, title) &&
	       g_str_has_suffix(text, "\n");
}

GPtrArray *state_file_read_added(const struct state_directory *directory, GError **error)
{
	g_autofree char *title = added_title(error), *text = NULL;
	g_auto(GStrv) texts = NULL;
	GError *problem = NULL;

	if (!title)
		return NULL;
	text = read_file(directory, STATE_FILE_ADDED, &problem);
	if (problem) {
		g_propagate_error(error, problem);
		return NULL;
	}
	/* What was registered before this boot is gone. */
	if (!text || is_of_other_boot(text, title))
		return g_ptr_array_new_with_free_func((GDestroyNotify)state_line_free);
	texts = lines_behind(text, title);
	if (texts)
		return parse_lines(directory, texts, error);
	fail_content(directory, STATE_FILE_ADDED, error);
	return NULL;
}

static bool replace_added(const struct state_directory *directory, const GString *text,
			  GError **error)
{
	int fd = openat(directory->fd, NEW_ADDED,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool done;

	if (fd < 0)
		return state_file_fail(directory, "create", NEW_ADDED, error);
	done = file_write_all(fd, text->str, text->len) ||
	       state_file_fail(directory, "write", NEW_ADDED, error);
	close(fd);
	if (done && renameat(directory->fd, NEW_ADDED, directory->fd, STATE_FILE_ADDED))
		done = state_file_fail(directory, "replace", STATE_FILE_ADDED, error);
	if (!done)
		unlinkat(directory->fd, NEW_ADDED, 0);
	return done;
}

bool state_file_write_added(const struct state_directory *directory, const GPtrArray *lines,
			    GError **error)
{
	g_autofree char *title = NULL;
	g_autoptr(GString) text = NULL;

	if (!lines->len)
		return state_file_remove(directory, NEW_ADDED, error) &&
		       state_file_remove(directory, STATE_FILE_ADDED, error);
	title = added_title(error);
	if (!title)
		return false;
	text = g_string_new(title);
	for (guint i = 0; i < lines->len; i++) {
		const struct state_line *line = g_ptr_array_index(lines, i);

		g_string_append_printf(text, "%" PRIuMAX " %" PRIuMAX " %s\n",
				       (uintmax_t)line->device, (uintmax_t)line->inode,
				       line->line->text);
	}
	return replace_added(directory, text, error);
}

/* --- What a user needs --- */

bool state_file_read_user(const struct state_directory *directory, const char *name,
			  GHashTable *used, bool *all, GError **error)
{
	GError *problem = NULL;
	g_autofree char *text = read_file(directory, name, &problem);
	g_auto(GStrv) lines = NULL;

	if (problem) {
		g_propagate_error(error, problem);
		return false;
	}
	/* Not there: its user has ended since. */
	if (!text)
		return true;
	if (!*text) {
		*all = true;
		return true;
	}
	lines = lines_behind(text, USES);
	for (guint i = 0; lines && lines[i]; i++) {
		struct state_line *line = state_line_new(lines[i], directory->group, 0, 0);

		if (!line)
			return fail_content(directory, name, error);
		state_line_free(line);
		g_hash_table_add(used, g_strdup(lines[i]));
	}
	return lines || fail_content(directory, name, error);
}

bool state_file_write_user(int fd, const GPtrArray *lines, GError **error)
{
	g_autoptr(GString) text = g_string_new(USES);

	for (guint i = 0; i < lines->len; i++)
		g_string_append_printf(text, "%s\n", (const char *)g_ptr_array_index(lines, i));
	/* An empty one needs all lines: nobody takes any away if this fails half way. */
	if (!ftruncate(fd, 0) && lseek(fd, 0, SEEK_SET) == 0 &&
	    file_write_all(fd, text->str, text->len))
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "cannot write the list of the probes that are used: %s", g_strerror(errno));
	return false;
}
