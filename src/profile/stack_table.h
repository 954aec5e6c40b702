/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Frames and call stacks, each distinct one once. Stacks are a tree whose root is the
 * empty stack: a stack is the stack of its caller and one frame more. Nothing of
 * how a frame got its name, or of what is counted, is known here.
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
	FRAME_UNRESOLVED, /* no symbol was found; `name` says where it is */
	FRAME_CUT,	  /* stands for the callers that the recording does not have */
	FRAME_N_KINDS,
};

struct frame {
	const char *name;   /* Owned by the table, each string once */
	const char *module; /* likewise; NULL: none */
	enum frame_kind kind;
};

/* The empty stack. */
#define STACK_EMPTY 0

struct stack_table;

struct stack_table *stack_table_new(void);
void stack_table_free(struct stack_table *table);

/* The number of a frame, which is added when it is not there. Strings are copied. */
uint32_t stack_table_frame(struct stack_table *table, const char *name, const char *module,
			   enum frame_kind kind);

/* The number of the stack that calls `frame` from `caller`. */
uint32_t stack_table_push(struct stack_table *table, uint32_t caller, uint32_t frame);

guint stack_table_n_frames(const struct stack_table *table);
guint stack_table_n_stacks(const struct stack_table *table);
const struct frame *stack_table_get_frame(const struct stack_table *table, uint32_t frame);

/* The innermost frame of a stack that is not empty, and the stack that called it. */
uint32_t stack_table_top(const struct stack_table *table, uint32_t stack);
uint32_t stack_table_caller(const struct stack_table *table, uint32_t stack);

/* How many frames the stack has. */
uint32_t stack_table_depth(const struct stack_table *table, uint32_t stack);

#endif
