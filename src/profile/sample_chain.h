/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The call chain of one sample, from wherever its parts are: what the kernel recorded, the copy of
 * the user's stack, the address alone; and from a record of its own, when the kernel deferred
 * the user's part. Gives addresses; names are for others.
 */
#ifndef COLO_PERF_PROFILE_SAMPLE_CHAIN_H
#define COLO_PERF_PROFILE_SAMPLE_CHAIN_H

#include "profile/stack_resolver.h"
#include "profile/unwinder.h"

/* What was wrong with the chains that were read. */
struct chain_counts {
	uint64_t not_unwound;	  /* a copy of the stack of a machine that is not known here */
	uint64_t too_much;	  /* unwinding them met a limit; they are cut off there */
	uint64_t unknown_context; /* marks of a newer kernel: what follows them has no names */
};

struct sample_chain {
	struct call_chain chain; /* its addresses are valid until the next sample is read */
	size_t frames;		 /* entries that are no marks */
	/*
	 * The callers in user code are not in `chain`: they come in a record of the same thread
	 * with this cookie.
	 */
	bool is_deferred;
	uint64_t cookie; /* 0: the chain ends before it, and no record can be meant */
};

struct chain_reader;

/* All must live as long. `arch` is the recording machine's; NULL: not known. */
struct chain_reader *chain_reader_new(const struct tasks *tasks, const struct dso_table *dsos,
				      const char *arch, bool swap);
void chain_reader_free(struct chain_reader *reader);

/*
 * The chain of a sample of `event`, whose record has `misc`. Without a frame in it, be it deferred
 * or not, the address alone.
 */
void chain_reader_sample(struct chain_reader *reader, const struct perf_event *event,
			 const struct perf_sample *sample, uint16_t misc,
			 struct sample_chain *chain);

/* The user's part of a chain, of a PERF_RECORD_CALLCHAIN_DEFERRED. */
void chain_reader_deferred(struct chain_reader *reader, const struct perf_deferred *deferred,
			   struct sample_chain *chain);

const struct chain_counts *chain_reader_counts(const struct chain_reader *reader);

#endif
