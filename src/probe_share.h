/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The registration of probes as the subcommands that record need it: what is to be said of it
 * is said.
 */
#ifndef COLO_PERF_PROBE_SHARE_H
#define COLO_PERF_PROBE_SHARE_H

#include "probes/registration.h"

/* registration_new(); says on stderr what it found and put right. NULL with `error`. */
struct registration *probe_share_new(const char *command, const GPtrArray *programs,
				     GError **error);

/* registration_end(); warns on stderr of what stays registered. NULL may be given. */
void probe_share_free(const char *command, struct registration *registration);

#endif
