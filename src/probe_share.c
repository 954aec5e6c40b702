/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Libraries never print: the subcommands do, alike.
 */
#include "probe_share.h"

#include "colo_perf.h"

#include <signal.h>

static void say(void *data, const char *text)
{
	const struct probe_share_user *user = data;

	colo_perf_fail(user->command, COLO_PERF_DONE, "%s", text);
}

static bool wants_end(void *data, int timeout_ms)
{
	const struct probe_share_user *user = data;

	return user->wants_end(user->data, timeout_ms);
}

/* The signal that ended the recording was taken long ago: this one means the wait. */
static bool takes_signal(void *data G_GNUC_UNUSED, int timeout_ms)
{
	const struct timespec timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L,
	};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	return sigtimedwait(&signals, NULL, &timeout) > 0;
}

struct registration *probe_share_new(const struct probe_share_user *user, const GPtrArray *programs,
				     GError **error)
{
	const struct registration_caller caller = {
		.wants_end = wants_end,
		.say = say,
		.data = (void *)user,
	};

	return registration_new(NULL, &caller, programs, error);
}

void probe_share_free(const char *command, struct registration *registration)
{
	const struct probe_share_user user = {.command = command};
	const struct registration_caller caller = {
		.wants_end = takes_signal,
		.say = say,
		.data = (void *)&user,
	};
	g_autofree char *problem = registration_end(registration, &caller);

	if (problem)
		colo_perf_fail(command, COLO_PERF_DONE, "warning: %s", problem);
}
