/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Code that the kernel makes and gives up while it runs: BPF programs, and trampolines of ftrace
 * and of kprobes. PERF_RECORD_KSYMBOL names each, with the time in which it is there; another
 * one may be at the same address before and after. No file has their names.
 */
#ifndef COLO_PERF_PROFILE_KSYMBOLS_H
#define COLO_PERF_PROFILE_KSYMBOLS_H

#include "perfdata/perf_task.h"
#include "profile/address_space.h"

struct ksymbol {
	const char *name;   /* Weak */
	const char *module; /* what it is shown as: "[bpf]". Not freed */
	uint64_t start;	    /* address */
};

struct ksymbols;

struct ksymbols *ksymbols_new(void);
void ksymbols_free(struct ksymbols *symbols);

/*
 * Takes a PERF_TASK_KSYMBOL, in the order of time; its name must live as long. One that is given up
 * and was never made was there before.
 */
void ksymbols_add(struct ksymbols *symbols, const struct perf_task_event *event);

/* To be called after the last and before the first question. */
void ksymbols_settle(struct ksymbols *symbols);

/*
 * What is at `address` at the time; NULL: none of these. `validity` is narrowed to the time in
 * which this answer holds. Valid as long as `symbols`, and the same pointer for the same symbol.
 */
const struct ksymbol *ksymbols_find(const struct ksymbols *symbols, uint64_t address,
				    uint64_t time_ns, struct validity *validity);

#endif
