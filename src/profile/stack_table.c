/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers for frames and stacks.
 */
#include "profile/stack_table.h"

#include "base/id_table.h"

struct stack_table {
	GStringChunk *strings;	 /* Owned by this: each once */
	GArray *frames;		 /* Owned by this: struct frame */
	GHashTable *by_frame;	 /* Owned by this: struct frame * (owned) to its number */
	struct id_table *stacks; /* Owned by this: caller << 32 | frame to number of stack - 1 */
	GArray *depths;		 /* Owned by this: uint32_t, by number of stack */
};

/* Strings are the same when their pointers are. */
static guint frame_hash(gconstpointer data)
{
	const struct frame *frame = data;

	return g_direct_hash(frame->name) * 31 + g_direct_hash(frame->module) * 7 + frame->kind;
}

static gboolean frame_equal(gconstpointer a, gconstpointer b)
{
	const struct frame *left = a, *right = b;

	return left->name == right->name && left->module == right->module &&
	       left->kind == right->kind;
}

struct stack_table *stack_table_new(void)
{
	struct stack_table *table = g_new0(struct stack_table, 1);
	const uint32_t empty = 0;

	table->strings = g_string_chunk_new(4096);
	table->frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
	table->by_frame = g_hash_table_new_full(frame_hash, frame_equal, g_free, NULL);
	table->stacks = id_table_new();
	table->depths = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_array_append_val(table->depths, empty);
	return table;
}

void stack_table_free(struct stack_table *table)
{
	if (!table)
		return;
	g_string_chunk_free(table->strings);
	g_array_unref(table->frames);
	g_hash_table_unref(table->by_frame);
	id_table_free(table->stacks);
	g_array_unref(table->depths);
	g_free(table);
}

uint32_t stack_table_frame(struct stack_table *table, const char *name, const char *module,
			   enum frame_kind kind)
{
	const struct frame frame = {
		.name = g_string_chunk_insert_const(table->strings, name),
		.module = module ? g_string_chunk_insert_const(table->strings, module) : NULL,
		.kind = kind,
	};
	gpointer number;

	if (g_hash_table_lookup_extended(table->by_frame, &frame, NULL, &number))
		return GPOINTER_TO_UINT(number);
	g_array_append_val(table->frames, frame);
	g_hash_table_insert(table->by_frame, g_memdup2(&frame, sizeof(frame)),
			    GUINT_TO_POINTER(table->frames->len - 1));
	return table->frames->len - 1;
}

uint32_t stack_table_push(struct stack_table *table, uint32_t caller, uint32_t frame)
{
	bool is_new;
	uint32_t stack = id_table_get(table->stacks, (uint64_t)caller << 32 | frame, &is_new) + 1;

	if (is_new) {
		const uint32_t depth = stack_table_depth(table, caller) + 1;

		g_array_append_val(table->depths, depth);
	}
	return stack;
}

guint stack_table_n_frames(const struct stack_table *table)
{
	return table->frames->len;
}

guint stack_table_n_stacks(const struct stack_table *table)
{
	return table->depths->len;
}

const struct frame *stack_table_get_frame(const struct stack_table *table, uint32_t frame)
{
	return &g_array_index(table->frames, struct frame, frame);
}

uint32_t stack_table_top(const struct stack_table *table, uint32_t stack)
{
	return (uint32_t)id_table_key(table->stacks, stack - 1);
}

uint32_t stack_table_caller(const struct stack_table *table, uint32_t stack)
{
	return (uint32_t)(id_table_key(table->stacks, stack - 1) >> 32);
}

uint32_t stack_table_depth(const struct stack_table *table, uint32_t stack)
{
	return g_array_index(table->depths, uint32_t, stack);
}
