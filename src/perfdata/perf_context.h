/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The marks in call chains, PERF_CONTEXT_..., which say in whose memory the addresses behind
 * them lie, and the same as a record's `misc` says it. A mark is never an address.
 *
 * Source: enum perf_callchain_context in include/uapi/linux/perf_event.h.
 */
#ifndef COLO_PERF_PERFDATA_PERF_CONTEXT_H
#define COLO_PERF_PERFDATA_PERF_CONTEXT_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Since Linux 6.19: one word follows, the cookie of the PERF_RECORD_CALLCHAIN_DEFERRED that will
 * have the user's part of the chain.
 */
#define PERF_CONTEXT_DEFERRED_USER ((uint64_t)-640)

/* Whose memory it is. */
enum perf_space {
	PERF_SPACE_UNKNOWN, /* a newer kernel's mark: nothing can be said of what follows */
	PERF_SPACE_USER,
	PERF_SPACE_KERNEL,
	PERF_SPACE_GUEST,      /* a guest of KVM: the recording does not say what is mapped there */
	PERF_SPACE_HYPERVISOR, /* below the kernel; likewise */
	PERF_SPACE_N,
};

/* Whether an entry of a call chain is a mark, be it known or not. */
static inline bool perf_context_is(uint64_t entry)
{
	return entry >= (uint64_t)PERF_CONTEXT_MAX;
}

enum perf_space perf_context_space(uint64_t context);

/* "USER"; NULL: the mark is not known here. */
const char *perf_context_name(uint64_t context);

/* The mark for where a record's CPU was; for a mode that is not known one that is not either. */
uint64_t perf_context_of_misc(uint16_t misc);

#endif
