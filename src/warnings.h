/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a reader of a report must know before trusting its numbers: damage,
 * lost hits, sampled probes, pairs that do not fit. One list, which every view
 * shows.
 */
#ifndef COLO_PERF_WARNINGS_H
#define COLO_PERF_WARNINGS_H

#include "colo/summary.h"
#include "phase_profile.h"

struct warning {
	const char *code; /* for programs; docs/output.md lists them */
	char *message;	  /* Owned by this: one sentence for people */
};

/*
 * A new list of struct warning (owned by it), the gravest first. `summaries` (struct
 * colo_summary) may be NULL: then nothing is said about sums; so may `profiles`: then nothing is
 * said about samples.
 */
GPtrArray *warnings_of(const struct recordings *recordings, const GPtrArray *summaries,
		       const struct phase_profiles *profiles);

#endif
