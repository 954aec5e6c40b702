/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lock that one instance of colo-perf holds while it changes what is registered, and how
 * others wait for it: they say for whom, and can be stopped.
 */
#ifndef COLO_PERF_PROBES_STATE_LOCK_H
#define COLO_PERF_PROBES_STATE_LOCK_H

#include <glib.h>
#include <stdbool.h>

/* How whoever registers probes takes part. Each function may be NULL. */
struct registration_caller {
	/* Waits at most `timeout_ms` (0: only asks); true once the user wants an end. */
	bool (*wants_end)(void *data, int timeout_ms);
	/* A sentence for people. */
	void (*say)(void *data, const char *text);
	void *data; /* Weak */
};

/* The same for a caller that may be NULL, or lack the function: it is patient, and says nothing. */
bool registration_caller_wants_end(const struct registration_caller *caller, int timeout_ms);
void registration_caller_say(const struct registration_caller *caller, const char *format, ...)
	G_GNUC_PRINTF(2, 3);

/*
 * Creates the directory if need be, which nobody else may write to, and locks it: its descriptor,
 * which holds the lock. -1 with `error` when that is not possible or takes longer than
 * `patience_ms` (0: it may take any time); -1 without when the caller wanted an end.
 */
int state_lock(const char *directory, const struct registration_caller *caller, guint patience_ms,
	       GError **error);

#endif
