/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The registration of probes as the subcommands that record need it: what is to be said of it
 * is said, and the user can stop it.
 */
#ifndef COLO_PERF_PROBE_SHARE_H
#define COLO_PERF_PROBE_SHARE_H

#include "probes/registration.h"

/* The subcommand, which has SIGINT, SIGTERM and SIGHUP blocked. */
struct probe_share_user {
	const char *command; /* for messages */
	/* As in struct registration_caller, while probes are registered. */
	bool (*wants_end)(void *data, int timeout_ms);
	void *data; /* Weak */
};

/*
 * registration_new(); says on stderr what it found and put right, and for whom it waits. NULL with
 * `error`, or without when the user wanted an end.
 */
struct registration *probe_share_new(const struct probe_share_user *user, const GPtrArray *programs,
				     GError **error);

/*
 * registration_end(); warns on stderr of what stays registered. A wait for another instance ends
 * with the next SIGINT, SIGTERM or SIGHUP. NULL may be given.
 */
void probe_share_free(const char *command, struct registration *registration);

#endif
