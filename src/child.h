/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A program that we start, wait for and stop. It does not know what it is for.
 */
#ifndef COLO_PERF_CHILD_H
#define COLO_PERF_CHILD_H

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct child_options {
	const char *const *argv; /* NULL-terminated; the first is searched for in PATH */
	const sigset_t *mask;	 /* its blocked signals */
	/*
	 * It works for us: a process group of its own, so that Ctrl-C is ours to pass on;
	 * SIGTERM when we die. Otherwise it has the terminal, as if started without us.
	 */
	bool is_servant;
	int input_fd;	     /* of a servant: its standard input */
	int output_fd;	     /* of a servant: what it says goes there */
	const int *pass_fds; /* stay open in it; ends with -1; may be NULL */
	bool wait;	     /* it begins with child_release(); until then it is a copy of us */
};

struct child;

/* NULL with `error` when it cannot be started. */
struct child *child_start(const struct child_options *options, GError **error);
/* False with `error` when the program cannot be run; the child has ended then. */
bool child_release(struct child *child, GError **error);

pid_t child_pid(const struct child *child);

/* It has ended, as far as is known now. */
bool child_has_ended(struct child *child);
/* Waits for its end; false when it has not come after `timeout_ms`. */
bool child_wait(struct child *child, guint timeout_ms);
/* As of waitpid(); of one that has ended. */
int child_status(const struct child *child);
/* "status 3" or "SIGKILL"; the caller frees it. */
char *child_describe_end(const struct child *child);

/* Of a servant the whole group gets it. */
void child_signal(struct child *child, int signal);

/* Stops it if it still runs: SIGTERM, after `patience_ms` SIGKILL. NULL may be given. */
void child_stop(struct child *child, guint patience_ms);
/* Has to have ended. NULL may be given. */
void child_free(struct child *child);

#endif
