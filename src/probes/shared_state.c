/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files and flock(): a lock ends with its process, however that ends.
 */
#include "probes/shared_state.h"

#include "base/error.h"
#include "base/hash.h"
#include "probes/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER_PREFIX "user."
#define BUSY_NAP_US 50000

struct shared_state {
	const struct registration_place *place; /* Weak */
	const char *group;			/* Weak */
	int fd;					/* Owned by this: the directory, locked */
	char *added, *mounted;			/* Owned by this: paths */
};

static int fail_errno(GError **error, const char *what, const char *path)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot %s %s: %s", what, path,
		    g_strerror(errno));
	return -1;
}

/* Nobody else can have put anything into it. */
static bool is_ours_alone(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && status.st_uid == geteuid() && !(status.st_mode & 022);
}

/* Whoever had the lock before may have removed the directory. */
static bool is_still_there(int fd, const char *path)
{
	struct stat open, now;

	return !fstat(fd, &open) && !lstat(path, &now) && open.st_dev == now.st_dev &&
	       open.st_ino == now.st_ino;
}

static int lock_directory(const char *path, GError **error)
{
	for (;;) {
		int fd;

		if (g_mkdir(path, 0700) && errno != EEXIST)
			return fail_errno(error, "create", path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* Removed since. */
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return fail_errno(error, "open", path);
		if (!is_ours_alone(fd)) {
			close(fd);
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
				    "others can write to %s: remove it", path);
			return -1;
		}
		while (flock(fd, LOCK_EX) && errno == EINTR)
			;
		if (is_still_there(fd, path))
			return fd;
		close(fd);
	}
}

struct shared_state *shared_state_lock(const struct registration_place *place, const char *group,
				       GError **error)
{
	struct shared_state *state;
	int fd = lock_directory(place->state, error);

	if (fd < 0)
		return NULL;
	state = g_new0(struct shared_state, 1);
	state->place = place;
	state->group = group;
	state->fd = fd;
	state->added = g_build_filename(place->state, "added", NULL);
	state->mounted = g_build_filename(place->state, "mounted", NULL);
	return state;
}

void shared_state_unlock(struct shared_state *state)
{
	/* Fails while something is in it, which is right. */
	(void)g_rmdir(state->place->state);
	close(state->fd);
	g_free(state->added);
	g_free(state->mounted);
	g_free(state);
}

static GStrv read_lines(const char *path)
{
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return g_new0(char *, 1);
	return g_strsplit(text, "\n", -1);
}

static void add_lines(GHashTable *set, const char *path)
{
	g_auto(GStrv) lines = read_lines(path);

	for (char **line = lines; *line; line++)
		if (**line)
			g_hash_table_add(set, g_strdup(*line));
}

static bool is_alive(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool alive = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return alive;
}

/*
 * Adds what the living users use to `used`, and removes what the dead left of themselves.
 * How many live; `all` when one of them may need any line.
 */
static guint read_users(const struct shared_state *state, GHashTable *used, bool *all)
{
	g_autoptr(GDir) directory = g_dir_open(state->place->state, 0, NULL);
	const char *name;
	guint n = 0;

	*all = false;
	while (directory && (name = g_dir_read_name(directory))) {
		g_autofree char *path = g_build_filename(state->place->state, name, NULL);
		GStatBuf status;

		if (!g_str_has_prefix(name, USER_PREFIX))
			continue;
		if (!is_alive(path)) {
			g_unlink(path);
			continue;
		}
		n++;
		add_lines(used, path);
		if (!g_stat(path, &status) && !status.st_size)
			*all = true;
	}
	return n;
}

static GHashTable *registered_lines(const struct shared_state *state)
{
	GHashTable *set = g_hash_table_new_full(hash_string, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) lines = tracefs_lines(state->place->tracefs, state->group, NULL);

	for (guint i = 0; lines && i < lines->len; i++) {
		const struct uprobe_line *line = g_ptr_array_index(lines, i);

		g_hash_table_add(set, g_strdup(line->text));
	}
	return set;
}

/* True when the line is gone; false while it is busy. */
static bool take_back(const struct shared_state *state, const char *text, gint64 until_us)
{
	struct uprobe_line *line = uprobe_line_parse(text, state->group);
	int code;

	if (!line)
		return true;
	while ((code = tracefs_remove(state->place->tracefs, line)) == EBUSY &&
	       g_get_monotonic_time() < until_us)
		g_usleep(BUSY_NAP_US);
	uprobe_line_free(line);
	return code != EBUSY;
}

/* What is left of `added`: lines that are used, those that are busy, and which files they are of.
 */
static struct cleaning clean_added(struct shared_state *state, GHashTable *used, guint patience_ms)
{
	g_autoptr(GHashTable) registered = registered_lines(state);
	g_autoptr(GString) left = g_string_new(NULL);
	const char *file = ""; /* what stands before the line: which file it is of */
	g_auto(GStrv) lines = read_lines(state->added);
	gint64 until_us = g_get_monotonic_time() + patience_ms * INT64_C(1000);
	struct cleaning cleaning = {0};

	for (char **line = lines; *line; line++) {
		g_autofree char *both = g_strdup_printf("%s%s%s\n", file, *file ? "\n" : "", *line);

		file = **line == '#' ? *line : "";
		if (!g_hash_table_contains(registered, *line))
			continue;
		if (!g_hash_table_contains(used, *line)) {
			if (take_back(state, *line, until_us)) {
				cleaning.n_removed++;
				continue;
			}
			cleaning.n_busy++;
		}
		g_string_append(left, both);
	}
	if (!left->len)
		g_unlink(state->added);
	else
		/* It is renamed into its place: a kill leaves the old one or the new one. */
		g_file_set_contents(state->added, left->str, (gssize)left->len, NULL);
	return cleaning;
}

struct cleaning shared_state_clean(struct shared_state *state, guint patience_ms)
{
	g_autoptr(GHashTable) used = g_hash_table_new_full(hash_string, g_str_equal, g_free, NULL);
	struct cleaning cleaning = {0};
	bool all;
	guint n_users = read_users(state, used, &all);

	if (all)
		return cleaning;
	if (!g_access(state->added, F_OK))
		cleaning = clean_added(state, used, patience_ms);
	if (!n_users && !g_access(state->mounted, F_OK)) {
		cleaning.still_mounted =
			tracefs_is_mounted(state->place->tracefs) && umount(state->place->tracefs);
		g_unlink(state->mounted);
	}
	return cleaning;
}

int shared_state_enter(struct shared_state *state, char **path, GError **error)
{
	for (guint i = 0;; i++) {
		g_autofree char *own =
			i ? g_strdup_printf("%s/" USER_PREFIX "%d.%u", state->place->state,
					    getpid(), i)
			  : g_strdup_printf("%s/" USER_PREFIX "%d", state->place->state, getpid());
		int fd = open(own, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0)
			return fail_errno(error, "create", own);
		/* Nobody else can have it: the directory is locked. */
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			fail_errno(error, "lock", own);
			g_unlink(own);
			close(fd);
			return -1;
		}
		*path = g_steal_pointer(&own);
		return fd;
	}
}

bool shared_state_mount(struct shared_state *state, GError **error)
{
	const char *tracefs = state->place->tracefs;

	if (!state->place->mount || tracefs_is_mounted(tracefs))
		return true;
	/* First the mark: who is killed in between leaves a mark that unmounts nothing. */
	if (!g_file_set_contents(state->mounted, "", 0, error))
		return false;
	if (!mount("tracefs", tracefs, "tracefs", 0, NULL))
		return true;
	g_set_error(
		error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		"tracefs is not mounted and cannot be mounted here (%s): run this as root outside "
		"of a container: mount -t tracefs tracefs %s",
		g_strerror(errno), tracefs);
	g_unlink(state->mounted);
	return false;
}

bool shared_state_use(int fd, const char *lines, GError **error)
{
	size_t size = strlen(lines);

	if (!ftruncate(fd, 0) && pwrite(fd, lines, size, 0) == (ssize_t)size)
		return true;
	fail_errno(error, "write", "the list of the probes that are used");
	return false;
}

bool shared_state_note_added(struct shared_state *state, const char *line, const char *path,
			     dev_t device, ino_t inode, GError **error)
{
	FILE *file = fopen(state->added, "ae");
	bool done = file && fprintf(file, "# %" PRIuMAX ":%" PRIuMAX " %s\n%s\n", (uintmax_t)device,
				    (uintmax_t)inode, path, line) > 0;

	if (file && fclose(file))
		done = false;
	if (!done)
		fail_errno(error, "write", state->added);
	return done;
}

bool shared_state_file_of(struct shared_state *state, const char *line, dev_t *device, ino_t *inode)
{
	g_auto(GStrv) lines = read_lines(state->added);
	const char *file = "";
	uintmax_t own_device, own_inode;

	for (char **one = lines; *one; file = *one++) {
		if (strcmp(*one, line) ||
		    sscanf(file, "# %" SCNuMAX ":%" SCNuMAX, &own_device, &own_inode) != 2)
			continue;
		*device = (dev_t)own_device;
		*inode = (ino_t)own_inode;
		return true;
	}
	return false;
}
