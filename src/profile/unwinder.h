/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Call chains of recordings made with --call-graph dwarf: unwinds the copy of the
 * user's stack that is in each sample, by the unwinding tables of the mapped files.
 * The unwinding is libdw's; this file tells it what was mapped where at the time.
 */
#ifndef COLO_PERF_PROFILE_UNWINDER_H
#define COLO_PERF_PROFILE_UNWINDER_H

#include "perfdata/perf_sample.h"
#include "profile/tasks.h"

struct unwinder;

/*
 * Both must live as long. `arch` is the recording machine's, as uname() calls it:
 * NULL for one whose registers are not known here.
 */
struct unwinder *unwinder_new(const struct tasks *tasks, const struct dso_table *dsos,
			      const char *arch);
void unwinder_free(struct unwinder *unwinder);

enum unwound {
	UNWOUND,	 /* to the end */
	UNWOUND_IN_PART, /* callers are missing: the copy of the stack, or an unwinding table, ends
			  */
	UNWOUND_NOT,	 /* the registers are not known here: the innermost address alone */
};

/*
 * Appends the user's part of a sample's call chain to `addresses` (uint64_t): the
 * mark PERF_CONTEXT_USER, then the innermost address first. `event` is the sample's.
 */
enum unwound unwinder_append(struct unwinder *unwinder, const struct perf_event *event,
			     const struct perf_sample *sample, bool swap, GArray *addresses);

#endif
