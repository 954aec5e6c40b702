/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registers the COLO probes of running processes as uprobes and takes them back. Instances of
 * colo-perf that run at the same time share what is registered, see probes/shared_state.h.
 * It knows nothing of what the events are recorded with.
 */
#ifndef COLO_PERF_PROBES_REGISTRATION_H
#define COLO_PERF_PROBES_REGISTRATION_H

#include "probes/process.h"
#include "probes/shared_state.h"

#include <stdint.h>

#define REGISTRATION_GROUP "sdt_qemu"

struct registered_event {
	char *name;  /* Owned by this: in the group, "colo_ram_begin" or "colo_ram_begin_1" */
	char *probe; /* Owned by this: the probe's name, "colo_ram_begin" */
	uint64_t id; /* tracefs' number: perf_event_attr.config of PERF_TYPE_TRACEPOINT */
};

/* A share in what is registered. */
struct registration;

/*
 * Registers what is missing of the COLO probes of these programs (struct program, not taken
 * over), and takes back what a killed instance left; with none of them it is a test of whether
 * probes can be registered at all. NULL with `error`, or without when the caller wanted an end;
 * then nothing is left registered that was not before, or `caller` is told. It may take a second,
 * or as long as another instance takes; who must not leave anything behind on a signal blocks it
 * meanwhile, and until registration_end(), and says so by the caller's wants_end().
 *
 * What is registered is the very file that each program has open, and only if it did not change
 * since that was opened. `place`: NULL, or another place for tests, which must live as long as
 * the registration. `caller` may be NULL.
 */
struct registration *registration_new(const struct registration_place *place,
				      const struct registration_caller *caller,
				      const GPtrArray *programs, GError **error);

/* struct registered_event, owned by it; of each program all of its probes, each once. */
const GPtrArray *registration_events(const struct registration *registration);

/*
 * Takes back exactly what this and killed ones made, unless others share it. Before, nobody
 * may have the events open any more. NULL may be given. Returns what could not be taken back, a
 * sentence (the caller frees it), or NULL.
 * `caller` (or NULL) takes part in the wait for another instance, which is bounded.
 */
char *registration_end(struct registration *registration, const struct registration_caller *caller);

#endif
