/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers for frames and stacks.
 */
#include "profile/stack_table.h"

#include "base/hash.h"
#include "base/id_table.h"
#include "base/string_table.h"

#include <inttypes.h>
#include <string.h>

const struct stack_limits stack_usual_limits = {
	.n_unnamed = 64 * 1024,
	.n_stacks = 4 * 1024 * 1024,
};

#define NO_STACK UINT32_MAX

struct stack_table {
	struct stack_limits limits;
	struct string_table *strings; /* Owned by this: each once */
	GArray *frames;		      /* Owned by this: struct frame */
	GHashTable *by_frame;	      /* Owned by this: struct frame * (owned) to its number */
	struct id_table *stacks; /* Owned by this: caller << 32 | frame to number of stack - 1 */
	GArray *depths;		 /* Owned by this: uint32_t, by number of stack */
	GArray *joined;		 /* Owned by this: uint32_t, frames of the stack that is joined */
	guint n_unnamed;	 /* frames with an offset */
	bool has_merged_frames;
	uint32_t merged; /* the stack that stands for all beyond the limit; or NO_STACK */
};

/* --- Frames --- */

char *frame_name(const struct frame *frame)
{
	const char *module = frame->module ? frame->module : "";
	size_t len = strlen(module);

	if (frame->name)
		return g_strdup(frame->name);
	/* "[vdso]" and the like have their brackets already. */
	if (len > 2 && module[0] == '[' && module[len - 1] == ']') {
		module++;
		len -= 2;
	}
	if (frame->offset == FRAME_NO_OFFSET)
		return g_strdup_printf("[%.*s]", (int)len, module);
	return g_strdup_printf("[%.*s+0x%" PRIx64 "]", (int)len, module, frame->offset);
}

int frame_compare(const struct frame *a, const struct frame *b)
{
	/* What a name that is made up begins with. */
	int difference = strcmp(a->name ? a->name : "[", b->name ? b->name : "[");

	if (!difference)
		difference = g_strcmp0(a->module, b->module);
	if (!difference)
		difference = (a->offset > b->offset) - (a->offset < b->offset);
	return difference ? difference : (int)a->kind - (int)b->kind;
}

/* Strings are the same when their pointers are. */
static guint frame_hash(gconstpointer data)
{
	const struct frame *frame = data;

	return (guint)hash_pair(hash_pair((uintptr_t)frame->name, frame->kind),
				hash_pair((uintptr_t)frame->module, frame->offset));
}

static gboolean frame_equal(gconstpointer a, gconstpointer b)
{
	const struct frame *left = a, *right = b;

	return left->name == right->name && left->module == right->module &&
	       left->offset == right->offset && left->kind == right->kind;
}

struct stack_table *stack_table_new(const struct stack_limits *limits)
{
	struct stack_table *table = g_new0(struct stack_table, 1);
	const uint32_t empty = 0;

	table->limits = *limits;
	table->strings = string_table_new();
	table->frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
	table->by_frame = g_hash_table_new_full(frame_hash, frame_equal, g_free, NULL);
	table->stacks = id_table_new();
	table->depths = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	table->joined = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	table->merged = NO_STACK;
	g_array_append_val(table->depths, empty);
	return table;
}

void stack_table_free(struct stack_table *table)
{
	if (!table)
		return;
	string_table_free(table->strings);
	g_array_unref(table->frames);
	g_hash_table_unref(table->by_frame);
	id_table_free(table->stacks);
	g_array_unref(table->depths);
	g_array_unref(table->joined);
	g_free(table);
}

static const char *keep(struct stack_table *table, const char *string)
{
	return string ? string_table_add(table->strings, string) : NULL;
}

static bool find_frame(const struct stack_table *table, const struct frame *frame, uint32_t *number)
{
	gpointer found;

	if (!g_hash_table_lookup_extended(table->by_frame, frame, NULL, &found))
		return false;
	*number = GPOINTER_TO_UINT(found);
	return true;
}

static uint32_t add_frame(struct stack_table *table, const struct frame *frame)
{
	uint32_t number;

	if (find_frame(table, frame, &number))
		return number;
	g_array_append_val(table->frames, *frame);
	g_hash_table_insert(table->by_frame, g_memdup2(frame, sizeof(*frame)),
			    GUINT_TO_POINTER(table->frames->len - 1));
	return table->frames->len - 1;
}

uint32_t stack_table_frame(struct stack_table *table, const char *name, const char *module,
			   enum frame_kind kind)
{
	const struct frame frame = {
		.name = keep(table, name),
		.module = keep(table, module),
		.kind = kind,
	};

	return add_frame(table, &frame);
}

uint32_t stack_table_unnamed(struct stack_table *table, const char *module, uint64_t offset)
{
	struct frame frame = {
		.module = keep(table, module),
		.offset = offset,
		.kind = FRAME_UNRESOLVED,
	};
	uint32_t number;

	if (find_frame(table, &frame, &number))
		return number;
	if (table->n_unnamed == table->limits.n_unnamed) {
		table->has_merged_frames = true;
		frame.offset = FRAME_NO_OFFSET;
	} else {
		table->n_unnamed++;
	}
	return add_frame(table, &frame);
}

/* --- Stacks --- */

static uint32_t add_stack(struct stack_table *table, uint32_t caller, uint32_t frame)
{
	bool is_new;
	uint32_t stack = id_table_get(table->stacks, (uint64_t)caller << 32 | frame, &is_new) + 1;

	if (is_new) {
		const uint32_t depth = stack_table_depth(table, caller) + 1;

		g_array_append_val(table->depths, depth);
	}
	return stack;
}

/* What stands for the stacks beyond the limit; it is one more than that. */
static uint32_t merged_stack(struct stack_table *table)
{
	if (table->merged == NO_STACK)
		table->merged = add_stack(
			table, STACK_EMPTY,
			stack_table_frame(table, "[too many stacks]", NULL, FRAME_UNRESOLVED));
	return table->merged;
}

uint32_t stack_table_push(struct stack_table *table, uint32_t caller, uint32_t frame)
{
	uint32_t stack;

	if (table->depths->len <= table->limits.n_stacks)
		return add_stack(table, caller, frame);
	if (id_table_find(table->stacks, (uint64_t)caller << 32 | frame, &stack))
		return stack + 1;
	return merged_stack(table);
}

static bool is_cut(const struct stack_table *table, uint32_t frame)
{
	return stack_table_get_frame(table, frame)->kind == FRAME_CUT;
}

uint32_t stack_table_join(struct stack_table *table, uint32_t callers, uint32_t callees)
{
	const bool ends_cut =
		callers != STACK_EMPTY && is_cut(table, stack_table_top(table, callers));
	uint32_t stack = callers;

	g_array_set_size(table->joined, 0);
	for (; callees != STACK_EMPTY; callees = stack_table_caller(table, callees)) {
		const uint32_t frame = stack_table_top(table, callees);

		g_array_append_val(table->joined, frame);
	}
	for (guint i = table->joined->len; i-- > 0;) {
		const uint32_t frame = g_array_index(table->joined, uint32_t, i);

		if (stack != callers || !ends_cut || !is_cut(table, frame))
			stack = stack_table_push(table, stack, frame);
	}
	return stack;
}

bool stack_table_has_merged_frames(const struct stack_table *table)
{
	return table->has_merged_frames;
}

bool stack_table_has_merged_stacks(const struct stack_table *table)
{
	return table->merged != NO_STACK;
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
