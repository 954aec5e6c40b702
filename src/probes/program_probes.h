/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The COLO probes that a program has, as they are registered: those of colo/probe.h's table and no
 * others, so however many a file declares, few are taken.
 */
#ifndef COLO_PERF_PROBES_PROGRAM_PROBES_H
#define COLO_PERF_PROBES_PROGRAM_PROBES_H

#include "probes/process.h"

#include <glib.h>
#include <stdbool.h>

/* A compiler that copies code copies its probes: more copies than this are no compiler's. */
#define PROGRAM_PROBES_MAX_SITES 64

struct program_probe {
	char *name;	  /* Owned by this */
	GPtrArray *sites; /* Owned by this: as in struct uprobe_line (owned), each once */
};

/*
 * The struct program_probe (owned by the new array) of a program, at least one. `has_others` (or
 * NULL): it has probes that are called as ours are, and that the table does not have. NULL with
 * `error`.
 */
GPtrArray *program_probes_read(const struct program *program, bool *has_others, GError **error);

/* The same names with the same sites, in the same order. */
bool program_probes_are_equal(const GPtrArray *one, const GPtrArray *two);

bool program_probe_has_site(const struct program_probe *probe, const char *site);

/* True if the program has COLO probes that can be registered. False with `error` when not. */
bool program_has_probes(const struct program *program, GError **error);

#endif
