/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which processes are to be recorded and which programs have their probes, from what the
 * command line says.
 */
#ifndef COLO_PERF_RECORD_TARGETS_H
#define COLO_PERF_RECORD_TARGETS_H

#include <glib.h>
#include <stdbool.h>

/* Makes an error of what stopped us, and returns false. */
bool record_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

struct record_wanted {
	const char *const *numbers, *const *names; /* -p, --name: end with NULL, or NULL */
	const char *command, *binary;		   /* what is started, what is looked at; or NULL */
	bool all_processes;			   /* whatever runs these programs is recorded */
	bool trust_program;			   /* also programs that others could change */
};

/*
 * Adds to `pids` (pid_t) the processes that are named by number and by QEMU's -name, and to
 * `programs` (struct program, owned by it) what they run, and those called `command` and `binary`,
 * each once. False with `error`, also when a program is not to be trusted (docs/security.md).
 */
bool record_find_targets(const struct record_wanted *wanted, GArray *pids, GPtrArray *programs,
			 GError **error);

#endif
