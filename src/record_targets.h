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

/*
 * Adds to `pids` (pid_t) the processes that are named by number and by QEMU's -name (lists that end
 * with NULL, or NULL), and to `programs` (struct program, owned by it) what they run, and those
 * called `command` and `binary` (or NULL), each once. False with `error`.
 */
bool record_find_targets(const char *const *numbers, const char *const *names, const char *command,
			 const char *binary, GArray *pids, GPtrArray *programs, GError **error);

#endif
