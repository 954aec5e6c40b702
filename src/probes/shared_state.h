/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the instances of colo-perf that run at the same time know of each other: who uses which
 * lines of uprobe_events, which of them were made by us, and whether we mounted tracefs. It
 * lies in a directory:
 *
 *     DIRECTORY          itself is locked while it or the registration changes (state_lock.h)
 *     DIRECTORY/user.N   locked by its user as long as that lives; holds the lines it uses, or
 *                        is empty while it may need any
 *     DIRECTORY/added    the lines that were made by any of us, and which file each is of
 *     DIRECTORY/mounted  exists if we mounted tracefs
 *
 * A line that we made and that no living user uses is taken back by whoever comes next. What
 * others registered is never touched. What cannot be read is not known: then nothing is taken
 * back, and nothing is forgotten.
 */
#ifndef COLO_PERF_PROBES_SHARED_STATE_H
#define COLO_PERF_PROBES_SHARED_STATE_H

#include "probes/state_file.h"
#include "probes/state_lock.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Where all this is; other places are for tests. */
struct registration_place {
	const char *tracefs;
	const char *state; /* the directory */
	bool mount;	   /* tracefs is to be mounted when it is not */
};

struct shared_state;

/*
 * Creates the directory if need be and waits for its lock, see state_lock(); `caller` must live
 * as long as the state. NULL with `error`, or without when the caller wanted an end.
 */
struct shared_state *shared_state_lock(const struct registration_place *place, const char *group,
				       const struct registration_caller *caller, guint patience_ms,
				       GError **error);
/* Removes the directory if nothing is in it, gives up the lock and frees the state. */
void shared_state_unlock(struct shared_state *state);

/* What shared_state_clean() did. */
struct cleaning {
	guint n_removed;    /* lines that were taken back */
	guint n_busy;	    /* that somebody else records: they are left for the next one */
	bool still_mounted; /* tracefs could not be unmounted */
};

/*
 * Takes back what no living user needs: lines, after waiting at most `patience_ms` for those
 * that are busy (or until the caller wants an end), and the mount, once there is no user. False
 * with `error` when it cannot be known what that is, or not be done; what is left to do stays
 * known.
 */
bool shared_state_clean(struct shared_state *state, guint patience_ms, struct cleaning *cleaning,
			GError **error);

/*
 * Becomes a user, who may need any line until shared_state_use(): the file that says so, in
 * `path` (the caller frees it), and its open descriptor, which holds the lock. -1 with `error`.
 */
int shared_state_enter(struct shared_state *state, char **path, GError **error);

/* Mounts tracefs if it is not. False with `error`. */
bool shared_state_mount(struct shared_state *state, GError **error);

/*
 * Lines (struct uprobe_line) from `first` on, which are about to be registered for the file with
 * these numbers. False with `error`; then none of them may be.
 */
bool shared_state_note_added(struct shared_state *state, const GPtrArray *lines, guint first,
			     dev_t device, ino_t inode, GError **error);

/* What we know of a line, as of struct uprobe_line; NULL when we did not make it. */
const struct state_line *shared_state_find(const struct shared_state *state, const char *text);

#endif
