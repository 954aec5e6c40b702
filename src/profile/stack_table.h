/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Frames and call stacks, each distinct one once. Stacks are a tree whose root is the
 * empty stack: a stack is the stack of its caller and one frame more. A recording can have
 * any number of either, so the table has limits. Nothing of how a frame got its name, or
 * of what is counted, is known here.
 */
#ifndef COLO_PERF_PROFILE_STACK_TABLE_H
#define COLO_PERF_PROFILE_STACK_TABLE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum frame_kind {
	FRAME_USER,
	FRAME_KERNEL,
	FRAME_INLINED,	  /* inlined into the frame below it */
	FRAME_UNRESOLVED, /* no symbol was found; frame_name() says where it is */
	FRAME_CUT,	  /* stands for the callers that the recording does not have */
	FRAME_N_KINDS,
};

#define FRAME_NO_OFFSET UINT64_MAX

struct frame {
	const char *name;   /* Owned by the table, each string once; NULL: it has none */
	const char *module; /* likewise; NULL: none */
	uint64_t offset;    /* without a name: in the module; FRAME_NO_OFFSET: anywhere in it */
	enum frame_kind kind;
};

/*
 * Its name, or where it is when it has none: "[libc.so.6+0x1234]", "[libc.so.6]". The caller frees
 * it.
 */
char *frame_name(const struct frame *frame);

/* The order of names, then of modules and offsets, which are all that some have: 0 for the same. */
int frame_compare(const struct frame *a, const struct frame *b);

/*
 * How much a table holds. Addresses without a name that come when there are so many already are
 * one frame for each module; stacks that come when there are so many already are one
 * stack, "[too many stacks]".
 */
struct stack_limits {
	guint n_unnamed;
	guint n_stacks;
};

/* 65,536 and 4,194,304: some 10 and 150 MiB. */
extern const struct stack_limits stack_usual_limits;

/* The empty stack. */
#define STACK_EMPTY 0

struct stack_table;

struct stack_table *stack_table_new(const struct stack_limits *limits);
void stack_table_free(struct stack_table *table);

/* The number of a frame, which is added when it is not there. Strings are copied. */
uint32_t stack_table_frame(struct stack_table *table, const char *name, const char *module,
			   enum frame_kind kind);

/* The same of an address without a name; FRAME_UNRESOLVED. */
uint32_t stack_table_unnamed(struct stack_table *table, const char *module, uint64_t offset);

/* The number of the stack that calls `frame` from `caller`. */
uint32_t stack_table_push(struct stack_table *table, uint32_t caller, uint32_t frame);

/*
 * The number of the stack that has the frames of `callees` called from `callers`. Where both would
 * have FRAME_CUT between them, it stands once.
 */
uint32_t stack_table_join(struct stack_table *table, uint32_t callers, uint32_t callees);

/* Whether a limit was met: what is counted is right, and not all of it told apart. */
bool stack_table_has_merged_frames(const struct stack_table *table);
bool stack_table_has_merged_stacks(const struct stack_table *table);

guint stack_table_n_frames(const struct stack_table *table);
guint stack_table_n_stacks(const struct stack_table *table);
const struct frame *stack_table_get_frame(const struct stack_table *table, uint32_t frame);

/* The innermost frame of a stack that is not empty, and the stack that called it. */
uint32_t stack_table_top(const struct stack_table *table, uint32_t stack);
uint32_t stack_table_caller(const struct stack_table *table, uint32_t stack);

/* How many frames the stack has. */
uint32_t stack_table_depth(const struct stack_table *table, uint32_t stack);

#endif
