/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Call chains of recordings made with --call-graph dwarf: unwinds the copy of the
 * user's stack that is in each sample, by the unwinding tables of the mapped files.
 * What a recording and its files can make it do is bounded by the recording's size.
 */
#ifndef COLO_PERF_PROFILE_UNWINDER_H
#define COLO_PERF_PROFILE_UNWINDER_H

#include "perfdata/perf_sample.h"
#include "profile/tasks.h"

struct unwinder;

/*
 * How much unwinding may cost. Work is counted in instructions of the tables and operations of
 * their expressions: it does not depend on the machine.
 */
struct unwinder_limits {
	uint64_t sample_steps;	   /* of one sample, at the most */
	uint64_t reserve_steps;	   /* of all samples, beyond what each brings its process: */
	uint64_t steps_per_sample; /* for itself */
	uint64_t steps_per_byte;   /* and for each of its copied stack */
	size_t table_bytes;	   /* of all tables */
};

/* A sample of 8 KiB brings 131,072 steps along, and mostly needs some hundred. */
extern const struct unwinder_limits unwinder_usual_limits;

/*
 * Both must live as long. `arch` is the recording machine's, as uname() calls it:
 * NULL for one whose registers are not known here.
 */
struct unwinder *unwinder_new(const struct tasks *tasks, const struct dso_table *dsos,
			      const char *arch, const struct unwinder_limits *limits);
void unwinder_free(struct unwinder *unwinder);

enum unwound {
	UNWOUND,	  /* to the end */
	UNWOUND_IN_PART,  /* callers are missing: the copy of the stack or a table ends */
	UNWOUND_TOO_MUCH, /* likewise: a limit was met */
	UNWOUND_NOT,	  /* the registers are not known here: the innermost address alone */
};

/*
 * Appends the user's part of a sample's call chain to `addresses` (uint64_t): the
 * mark PERF_CONTEXT_USER, then the innermost address first. `event` is the sample's.
 */
enum unwound unwinder_append(struct unwinder *unwinder, const struct perf_event *event,
			     const struct perf_sample *sample, bool swap, GArray *addresses);

#endif
