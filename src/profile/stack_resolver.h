/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the addresses of a call chain to a stack of named frames. What comes again, and most
 * of it does, is a look into a table or two. Counting is for others.
 */
#ifndef COLO_PERF_PROFILE_STACK_RESOLVER_H
#define COLO_PERF_PROFILE_STACK_RESOLVER_H

#include "perfdata/perf_context.h"
#include "profile/stack_table.h"
#include "profile/tasks.h"

struct stack_resolver;

/* All three must live as long as the resolver. `stacks` may be shared between recordings. */
struct stack_resolver *stack_resolver_new(const struct tasks *tasks, const struct dso_table *dsos,
					  struct stack_table *stacks);
void stack_resolver_free(struct stack_resolver *resolver);

/* A call chain as perf writes it: the innermost address first, PERF_CONTEXT_... between them. */
struct call_chain {
	uint32_t pid;
	uint64_t time_ns;
	const uint64_t *addresses; /* Weak; in this machine's byte order */
	size_t n;
	bool cut; /* it has as many frames as were recorded at the most: callers are missing */
};

/* Why a frame has no name. */
enum unresolved_kind {
	UNRESOLVED_IN_FILE,   /* it is in a file, or in the kernel, that gives none */
	UNRESOLVED_GENERATED, /* in memory that no file backs: code that was made at run time */
	UNRESOLVED_USER,      /* user code; nothing is known to be mapped there */
	UNRESOLVED_KERNEL,    /* the kernel; likewise */
	UNRESOLVED_ELSEWHERE, /* not in this machine: a guest, a hypervisor; or no address at all */
	UNRESOLVED_N_KINDS,
};

struct unresolved {
	enum unresolved_kind kind;
	struct dso *dso; /* Weak: UNRESOLVED_IN_FILE and _GENERATED; otherwise NULL */
};

/* The number of the chain's stack in the table. */
uint32_t stack_resolver_find(struct stack_resolver *resolver, const struct call_chain *chain);

/* Frees what makes chains that come again cheap: to be called when there are no more. */
void stack_resolver_forget(struct stack_resolver *resolver);

/* The stack of a sample of which nothing but its being cut off is known. */
uint32_t stack_resolver_cut(struct stack_resolver *resolver);

/* Why a frame of this recording of the kind FRAME_UNRESOLVED is so. */
struct unresolved stack_resolver_unresolved(const struct stack_resolver *resolver, uint32_t frame);

#endif
