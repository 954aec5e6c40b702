/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Libraries never print: the subcommands do, alike.
 */
#include "probe_share.h"

#include "colo_perf.h"

struct registration *probe_share_new(const char *command, const GPtrArray *programs, GError **error)
{
	struct registration *registration = registration_new(NULL, programs, error);

	if (registration && registration_note(registration))
		colo_perf_fail(command, COLO_PERF_DONE, "%s", registration_note(registration));
	return registration;
}

void probe_share_free(const char *command, struct registration *registration)
{
	g_autofree char *problem = registration_end(registration);

	if (problem)
		colo_perf_fail(command, COLO_PERF_DONE, "warning: %s", problem);
}
