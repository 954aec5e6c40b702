/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Running processes: which program they run, which of them is the QEMU with a name, and a file
 * of each by which to wait for its end.
 */
#ifndef COLO_PERF_PROBES_PROCESS_H
#define COLO_PERF_PROBES_PROCESS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* A program, open for reading. Whatever is done with it is done to this open file. */
struct program {
	int fd;	    /* Owned by this */
	char *path; /* Owned by this: for people; the file may be another one's by now */
	/*
	 * Owned by this: what the kernel finds that very file by, as long as this lives. The path,
	 * when nobody but root and we could have it lead elsewhere, else /proc/OUR-PID/fd/FD.
	 */
	char *site_path;
	struct stat status; /* as it was when it was opened */
};

/*
 * The program that a process runs, also when its file was removed or replaced, or is in another
 * mount namespace. NULL with `error` when there is no such process, it may not be looked at, or
 * its file is of a file system that a user serves (FUSE).
 */
struct program *program_of_process(pid_t pid, GError **error);

/*
 * The program at `path`. NULL with `error` when it cannot be read, is no regular file or of a file
 * system that a user serves (FUSE).
 */
struct program *program_at(const char *path, GError **error);

/*
 * False with `error` when the file was changed since it was opened, in content, owner or mode, or
 * when `site_path` leads to another one.
 */
bool program_is_unchanged(const struct program *program, GError **error);

void program_free(struct program *program);

/*
 * The processes with "-name NAME" on their command line as QEMU takes it, or "-name guest=NAME",
 * with what else may follow behind a comma: pid_t, in a new array. Other programs that were given
 * these very words, as those that start a QEMU, are among them.
 */
GArray *processes_called(const char *name);

/*
 * Our children that run one of these programs (struct program): pid_t, in a new array. With
 * PR_SET_CHILD_SUBREAPER those of a child that has ended are among them.
 */
GArray *processes_below_us(const GPtrArray *programs);

/* Whether the process is one of `pids`, pid_t. */
bool pids_have(const GArray *pids, pid_t pid);

/* An array for pidfds, int, which are closed with it or when they are removed. */
GArray *pidfds_new(void);

/* Adds that of a process; it can be read from once the process has ended. False with errno. */
bool pidfds_add(GArray *pidfds, pid_t pid);

/* All of them have ended. */
bool pidfds_have_ended(const GArray *pidfds);

#endif
