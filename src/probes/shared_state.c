/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files and flock(): a lock ends with its process, however that ends.
 */
#include "probes/shared_state.h"

#include "base/error.h"
#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#define USER_PREFIX "user."
#define MOUNTED	    "mounted"
#define BUSY_NAP_MS 50

struct shared_state {
	const struct registration_place *place;	  /* Weak */
	const struct registration_caller *caller; /* Weak */
	struct state_directory directory;
	GPtrArray *added; /* Owned by this: struct state_line (owned), what is in that file */
};

struct shared_state *shared_state_lock(const struct registration_place *place, const char *group,
				       const struct registration_caller *caller, guint patience_ms,
				       GError **error)
{
	struct shared_state *state;
	int fd = state_lock(place->state, caller, patience_ms, error);

	if (fd < 0)
		return NULL;
	state = g_new0(struct shared_state, 1);
	state->place = place;
	state->caller = caller;
	state->directory = (struct state_directory){.fd = fd, .path = place->state, .group = group};
	state->added = state_file_read_added(&state->directory, error);
	if (!state->added)
		g_clear_pointer(&state, shared_state_unlock);
	return state;
}

void shared_state_unlock(struct shared_state *state)
{
	/* Fails while something is in it, which is right. */
	(void)g_rmdir(state->place->state);
	close(state->directory.fd);
	if (state->added)
		g_ptr_array_unref(state->added);
	g_free(state);
}

/* --- Users --- */

enum life {
	ALIVE,
	DEAD,
	UNKNOWN
};

/* UNKNOWN with `error`. */
static enum life life_of(const struct shared_state *state, const char *name, GError **error)
{
	int fd = openat(state->directory.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	enum life life = DEAD;

	if (fd < 0 && errno == ENOENT)
		return DEAD;
	if (fd < 0) {
		state_file_fail(&state->directory, "open", name, error);
		return UNKNOWN;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		life = errno == EWOULDBLOCK ? ALIVE : UNKNOWN;
		if (life == UNKNOWN)
			state_file_fail(&state->directory, "lock", name, error);
	}
	close(fd);
	return life;
}

/* What the living users of shared_state.h need. */
struct need {
	guint n_users;
	bool all;	  /* one of them may need any line */
	GHashTable *used; /* Weak: lines (owned by it) */
};

static bool read_user(const struct shared_state *state, const char *name, struct need *need,
		      GError **error)
{
	switch (life_of(state, name, error)) {
	case DEAD:
		return state_file_remove(&state->directory, name, error);
	case ALIVE:
		need->n_users++;
		return state_file_read_user(&state->directory, name, need->used, &need->all, error);
	default:
		return false;
	}
}

/* The names of the users' files; NULL with `error`. */
static GPtrArray *user_names(const struct shared_state *state, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	DIR *directory = opendir(state->place->state);
	const struct dirent *entry;

	if (directory) {
		errno = 0;
		while ((entry = readdir(directory)))
			if (g_str_has_prefix(entry->d_name, USER_PREFIX))
				g_ptr_array_add(names, g_strdup(entry->d_name));
	}
	if (!directory || errno) {
		state_file_fail(&state->directory, "list", "", error);
		g_clear_pointer(&names, g_ptr_array_unref);
	}
	if (directory)
		closedir(directory);
	return g_steal_pointer(&names);
}

/* Also removes what the dead left of themselves. False with `error`. */
static bool read_users(const struct shared_state *state, struct need *need, GError **error)
{
	g_autoptr(GPtrArray) names = user_names(state, error);

	for (guint i = 0; names && i < names->len; i++)
		if (!read_user(state, g_ptr_array_index(names, i), need, error))
			return false;
	return names != NULL;
}

int shared_state_enter(struct shared_state *state, char **path, GError **error)
{
	for (guint i = 0;; i++) {
		g_autofree char *name = i ? g_strdup_printf(USER_PREFIX "%d.%u", getpid(), i)
					  : g_strdup_printf(USER_PREFIX "%d", getpid());
		int fd = openat(state->directory.fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
				0600);

		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0) {
			state_file_fail(&state->directory, "create", name, error);
			return -1;
		}
		/* Nobody else can have it: the directory is locked. */
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			state_file_fail(&state->directory, "lock", name, error);
			unlinkat(state->directory.fd, name, 0);
			close(fd);
			return -1;
		}
		*path = g_build_filename(state->place->state, name, NULL);
		return fd;
	}
}

/* --- Lines --- */

const struct state_line *shared_state_find(const struct shared_state *state, const char *text)
{
	for (guint i = 0; i < state->added->len; i++) {
		const struct state_line *line = g_ptr_array_index(state->added, i);

		if (!strcmp(line->line->text, text))
			return line;
	}
	return NULL;
}

bool shared_state_note_added(struct shared_state *state, const GPtrArray *lines, guint first,
			     dev_t device, ino_t inode, GError **error)
{
	const guint n_before = state->added->len;

	for (guint i = first; i < lines->len; i++) {
		const struct uprobe_line *line = g_ptr_array_index(lines, i);
		struct state_line *own =
			state_line_new(line->text, state->directory.group, device, inode);

		g_assert(own);
		g_ptr_array_add(state->added, own);
	}
	if (state_file_write_added(&state->directory, state->added, error))
		return true;
	g_ptr_array_set_size(state->added, (gint)n_before);
	return false;
}

/* The lines (owned) that are registered now; NULL with `error`. */
static GHashTable *registered_lines(const struct shared_state *state, GError **error)
{
	g_autoptr(GPtrArray) lines =
		tracefs_lines(state->place->tracefs, state->directory.group, error);
	GHashTable *set;

	if (!lines)
		return NULL;
	set = g_hash_table_new_full(hash_string, g_str_equal, g_free, NULL);
	for (guint i = 0; i < lines->len; i++) {
		const struct uprobe_line *line = g_ptr_array_index(lines, i);

		g_hash_table_add(set, g_strdup(line->text));
	}
	return set;
}

/* 0 once it is gone, else an errno: EBUSY when it was still recorded at `until_us`. */
static int take_back(const struct shared_state *state, const struct uprobe_line *line,
		     gint64 until_us)
{
	int code;

	while ((code = tracefs_remove(state->place->tracefs, line)) == EBUSY &&
	       g_get_monotonic_time() < until_us &&
	       !registration_caller_wants_end(state->caller, BUSY_NAP_MS))
		;
	/* Somebody else removed it since. */
	return code == ENOENT ? 0 : code;
}

/* True when the line is to be forgotten: it is not registered any more. */
static bool clean_line(const struct shared_state *state, const struct state_line *line,
		       GHashTable *registered, GHashTable *used, gint64 until_us,
		       struct cleaning *cleaning, GError **error)
{
	const char *text = line->line->text;
	int code;

	if (!g_hash_table_contains(registered, text))
		return true;
	if (g_hash_table_contains(used, text))
		return false;
	code = take_back(state, line->line, until_us);
	cleaning->n_removed += !code;
	cleaning->n_busy += code == EBUSY;
	if (code && code != EBUSY && !*error)
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot take back the probe %s: %s", line->line->event,
			    g_strerror(code));
	return !code;
}

/* What is left of `added`: lines that are used, and those that are busy. */
static bool clean_added(struct shared_state *state, GHashTable *used, guint patience_ms,
			struct cleaning *cleaning, GError **error)
{
	const gint64 until_us = g_get_monotonic_time() + patience_ms * INT64_C(1000);
	g_autoptr(GHashTable) registered = registered_lines(state, error);
	const guint n_before = state->added->len;
	GError *problem = NULL;

	if (!registered)
		return false;
	for (guint i = 0; i < state->added->len;)
		if (clean_line(state, g_ptr_array_index(state->added, i), registered, used,
			       until_us, cleaning, &problem))
			g_ptr_array_remove_index(state->added, i);
		else
			i++;
	if (problem)
		g_propagate_error(error, problem);
	if (state->added->len == n_before)
		return !problem;
	return state_file_write_added(&state->directory, state->added, problem ? NULL : error) &&
	       !problem;
}

/* --- tracefs --- */

static bool make_mark(const struct shared_state *state, GError **error)
{
	int fd = openat(state->directory.fd, MOUNTED, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			0600);

	if (fd < 0)
		return state_file_fail(&state->directory, "create", MOUNTED, error);
	close(fd);
	return true;
}

bool shared_state_mount(struct shared_state *state, GError **error)
{
	const char *tracefs = state->place->tracefs;

	if (!state->place->mount || tracefs_is_mounted(tracefs))
		return true;
	/* First the mark: who is killed in between leaves a mark that unmounts nothing. */
	if (!make_mark(state, error))
		return false;
	if (!mount("tracefs", tracefs, "tracefs", 0, NULL))
		return true;
	g_set_error(
		error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		"tracefs is not mounted and cannot be mounted here (%s): run this as root outside "
		"of a container: mount -t tracefs tracefs %s",
		g_strerror(errno), tracefs);
	unlinkat(state->directory.fd, MOUNTED, 0);
	return false;
}

/* Unmounts it if we mounted it. False with `error` when that cannot be known. */
static bool clean_mount(struct shared_state *state, struct cleaning *cleaning, GError **error)
{
	const char *tracefs = state->place->tracefs;
	GError *problem = NULL;

	if (!state_file_exists(&state->directory, MOUNTED, &problem)) {
		if (problem)
			g_propagate_error(error, problem);
		return !problem;
	}
	cleaning->still_mounted = tracefs_is_mounted(tracefs) && umount(tracefs);
	return state_file_remove(&state->directory, MOUNTED, error);
}

bool shared_state_clean(struct shared_state *state, guint patience_ms, struct cleaning *cleaning,
			GError **error)
{
	g_autoptr(GHashTable) used = g_hash_table_new_full(hash_string, g_str_equal, g_free, NULL);
	struct need need = {.used = used};

	*cleaning = (struct cleaning){0};
	if (!read_users(state, &need, error))
		return false;
	if (need.all)
		return true;
	if (state->added->len && !clean_added(state, used, patience_ms, cleaning, error))
		return false;
	return need.n_users || clean_mount(state, cleaning, error);
}
