/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The files in the directory of shared_state.h, byte by byte. Root acts on what they say, so
 * nothing that others can choose is written into them, what is read back has to be what we write,
 * and no failure is ever the same as "not there".
 *
 *     added     "colo-perf added BOOT-ID", then "DEVICE INODE LINE" for each line of uprobe_events
 *               that one of us made. Of another boot: nothing is registered any more.
 *     user.N    "colo-perf uses", then the lines of `added` that user N needs.
 *
 * LINE has a path that uprobe_path_is_plain(), so each is a line.
 */
#ifndef COLO_PERF_PROBES_STATE_FILE_H
#define COLO_PERF_PROBES_STATE_FILE_H

#include "probes/tracefs.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#define STATE_FILE_ADDED "added"

/* Where the files are. */
struct state_directory {
	int fd;		   /* Weak: open */
	const char *path;  /* Weak: for messages */
	const char *group; /* Weak: that of the lines */
};

/* A line that we made, and the file that its path led to then. */
struct state_line {
	struct uprobe_line *line; /* Owned by this */
	dev_t device;
	ino_t inode;
};

/* NULL when `text`, as of struct uprobe_line, is no line that we would make. */
struct state_line *state_line_new(const char *text, const char *group, dev_t device, ino_t inode);
void state_line_free(struct state_line *line);

/*
 * The lines of `added`: a new array of struct state_line (owned by it), empty when there is no such
 * file. NULL with `error` when it cannot be read or is not what we write.
 */
GPtrArray *state_file_read_added(const struct state_directory *directory, GError **error);

/*
 * Replaces `added` by these lines (struct state_line), or removes it when there are none. A kill
 * leaves the old one or the new one. False with `error`; then the old one is there.
 */
bool state_file_write_added(const struct state_directory *directory, const GPtrArray *lines,
			    GError **error);

/*
 * Adds what a user needs to `used`, a set of strings that it owns; `all` is set when the user may
 * need any line. False with `error` when the file cannot be read or is not what we write.
 */
bool state_file_read_user(const struct state_directory *directory, const char *name,
			  GHashTable *used, bool *all, GError **error);

/* Writes that into `fd`, which is such a file: `lines` are strings. False with `error`. */
bool state_file_write_user(int fd, const GPtrArray *lines, GError **error);

/* Whether a file is there; false with `error` set when that cannot be known. */
bool state_file_exists(const struct state_directory *directory, const char *name, GError **error);

/* False with `error`. A file that is not there is removed. */
bool state_file_remove(const struct state_directory *directory, const char *name, GError **error);

/* "cannot WHAT DIRECTORY/NAME: errno", as all errors here begin. Returns false. */
bool state_file_fail(const struct state_directory *directory, const char *what, const char *name,
		     GError **error);

#endif
