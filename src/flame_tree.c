/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds the tree. Frames of two recordings are the same when name, module and
 * kind are; each string stands once in the tree, so pointers tell.
 */
#include "flame_tree.h"

#include "base/hash.h"
#include "base/printable.h"
#include "base/saturate.h"
#include "base/string_table.h"

#include <inttypes.h>
#include <string.h>

/* A frame below another one. */
struct place {
	const struct flame_frame *caller;
	const char *name, *module;
	enum flame_kind kind;
};

struct flame_tree {
	struct string_table *strings; /* Owned by this: each once */
	struct flame_frame *root;     /* Owned by this */
	GHashTable *frames; /* Owned by this: struct place * (owned) to its frame (weak) */
};

static guint place_hash(gconstpointer data)
{
	const struct place *place = data;

	return (guint)hash_pair(hash_pair((uintptr_t)place->caller, place->kind),
				hash_pair((uintptr_t)place->name, (uintptr_t)place->module));
}

static gboolean place_equal(gconstpointer a, gconstpointer b)
{
	const struct place *left = a, *right = b;

	return left->caller == right->caller && left->name == right->name &&
	       left->module == right->module && left->kind == right->kind;
}

struct flame_tree *flame_tree_new(const char *root)
{
	struct flame_tree *tree = g_new0(struct flame_tree, 1);

	tree->strings = string_table_new();
	tree->root = g_new0(struct flame_frame, 1);
	tree->root->name = string_table_add(tree->strings, root);
	tree->root->kind = FLAME_GROUP;
	tree->frames = g_hash_table_new_full(place_hash, place_equal, g_free, NULL);
	return tree;
}

void flame_tree_free(struct flame_tree *tree)
{
	if (!tree)
		return;
	flame_frame_free(tree->root);
	g_hash_table_unref(tree->frames);
	string_table_free(tree->strings);
	g_free(tree);
}

const struct flame_frame *flame_tree_root(const struct flame_tree *tree)
{
	return tree->root;
}

static struct flame_frame *callee_of(struct flame_tree *tree, struct flame_frame *caller,
				     const char *name, const char *module, enum flame_kind kind)
{
	const struct place place = {
		.caller = caller,
		.name = string_table_add(tree->strings, name),
		.module = module ? string_table_add(tree->strings, module) : NULL,
		.kind = kind,
	};
	struct flame_frame *callee = g_hash_table_lookup(tree->frames, &place);

	if (callee)
		return callee;
	callee = g_new0(struct flame_frame, 1);
	callee->name = place.name;
	callee->module = place.module;
	callee->kind = kind;
	if (!caller->callees)
		caller->callees = g_ptr_array_new();
	g_ptr_array_add(caller->callees, callee);
	g_hash_table_insert(tree->frames, g_memdup2(&place, sizeof(place)), callee);
	return callee;
}

static enum flame_kind kind_of(const struct frame *frame)
{
	switch (frame->kind) {
	case FRAME_KERNEL:
		return FLAME_KERNEL;
	case FRAME_INLINED:
		return FLAME_INLINED;
	case FRAME_UNRESOLVED:
	case FRAME_CUT:
		return FLAME_UNRESOLVED;
	default:
		return frame->module && strstr(frame->module, ".so") ? FLAME_LIBRARY
								     : FLAME_PROGRAM;
	}
}

static void count(struct flame_frame *frame, uint64_t samples, bool is_base)
{
	if (is_base)
		frame->base_samples += samples;
	else
		frame->samples += samples;
}

/* What adding the stacks of one part needs. */
struct addition {
	struct flame_tree *tree;
	const struct stack_table *stacks;
	const struct flame_choice *choice;
	const struct colo_session *session;
	unsigned int part;
	bool is_base;
	GArray *frames;	    /* uint32_t: those of a stack, the innermost first */
	const char **names; /* Owned by this, the strings by the tree: by frame, as needed */
};

static struct flame_frame *add_group(const struct addition *addition, struct flame_frame *caller,
				     const char *name, uint64_t samples)
{
	struct flame_frame *group = callee_of(addition->tree, caller, name, NULL, FLAME_GROUP);

	count(group, samples, addition->is_base);
	return group;
}

/* The frames that stand below the stack, and what of the choice it belongs to. */
static struct flame_frame *add_groups(const struct addition *addition,
				      const struct profile_thread *thread, uint64_t samples)
{
	struct flame_frame *at = addition->tree->root;

	count(at, samples, addition->is_base);
	if (addition->choice->part == COLO_N_PARTS)
		at = add_group(addition, at, colo_part_name(addition->part), samples);
	if (addition->choice->threads) {
		g_autofree char *nameless = g_strdup_printf("thread %" PRIu32, thread->tid);

		at = add_group(addition, at, thread->name ? thread->name : nameless, samples);
	}
	return at;
}

/* Names that are made up are so once for each frame. */
static const char *name_of(const struct addition *addition, uint32_t number,
			   const struct frame *frame)
{
	g_autofree char *name = NULL;

	if (!addition->names[number]) {
		name = frame_name(frame);
		addition->names[number] = string_table_add(addition->tree->strings, name);
	}
	return addition->names[number];
}

static void add_stack(const struct profile_thread *thread, uint32_t stack, uint64_t samples,
		      void *data)
{
	const struct addition *addition = data;
	struct flame_frame *at;

	if (!addition->choice->threads && thread->tid != addition->session->tid)
		return;
	g_array_set_size(addition->frames, 0);
	for (; stack != STACK_EMPTY; stack = stack_table_caller(addition->stacks, stack)) {
		const uint32_t frame = stack_table_top(addition->stacks, stack);

		g_array_append_val(addition->frames, frame);
	}
	at = add_groups(addition, thread, samples);
	for (guint i = addition->frames->len; i-- > 0;) {
		const uint32_t number = g_array_index(addition->frames, uint32_t, i);
		const struct frame *frame = stack_table_get_frame(addition->stacks, number);

		at = callee_of(addition->tree, at, name_of(addition, number, frame), frame->module,
			       kind_of(frame));
		count(at, samples, addition->is_base);
	}
}

static bool is_chosen(const struct flame_choice *choice, unsigned int part)
{
	return choice->part == part || choice->part == COLO_N_PARTS;
}

void flame_tree_add(struct flame_tree *tree, const struct phase_profiles *profiles,
		    const struct flame_choice *choice, bool is_base)
{
	struct addition addition = {
		.tree = tree,
		.stacks = profiles->stacks,
		.choice = choice,
		.is_base = is_base,
		.frames = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
		.names = g_new0(const char *, stack_table_n_frames(profiles->stacks)),
	};

	for (guint i = 0; i < profiles->sessions->len; i++) {
		const struct session_profile *session = profiles->sessions->pdata[i];

		if (session->session->role != choice->role)
			continue;
		addition.session = session->session;
		for (addition.part = 0; addition.part < COLO_N_PARTS; addition.part++)
			if (is_chosen(choice, addition.part))
				phase_profiles_visit(profiles, session, addition.part, add_stack,
						     &addition);
	}
	g_array_unref(addition.frames);
	g_free(addition.names);
}

/* --- Totals --- */

static void add_part(struct flame_totals *totals, const struct part_profile *part, bool threads)
{
	totals->n_checkpoints = MAX(totals->n_checkpoints, part->n_checkpoints);
	totals->wall_ns = sum_i64(totals->wall_ns, part->wall_ns);
	totals->samples += part->samples;
	totals->on_cpu_ns.known = part->on_cpu_ns.known;
	totals->on_cpu_ns.value += part->on_cpu_ns.value;
	totals->sampled_ns += part->on_cpu_ns.value;
	for (guint i = 0; threads && i < part->others->len; i++) {
		const struct thread_share *other =
			&g_array_index(part->others, struct thread_share, i);

		totals->samples += other->samples;
		totals->sampled_ns += other->on_cpu_ns.value;
	}
}

struct flame_totals flame_totals_of(const struct phase_profiles *profiles,
				    const struct recordings *recordings,
				    const struct flame_choice *choice)
{
	struct flame_totals totals = {0};

	for (guint i = 0; i < profiles->sessions->len; i++) {
		const struct session_profile *session = profiles->sessions->pdata[i];
		const struct recording *recording =
			recordings->files->pdata[session->session->source];
		struct flame_totals own = {0};

		/* Of a recording without the event nothing is known. */
		if (session->session->role != choice->role ||
		    !profiles->is_sampled[session->session->source])
			continue;
		for (unsigned int part = 0; part < COLO_N_PARTS; part++)
			if (is_chosen(choice, part))
				add_part(&own, &session->parts[part], choice->threads);
		totals.n_checkpoints += own.n_checkpoints;
		totals.wall_ns = sum_i64(totals.wall_ns, own.wall_ns);
		totals.samples += own.samples;
		totals.on_cpu_ns.known = own.on_cpu_ns.known;
		totals.on_cpu_ns.value += own.on_cpu_ns.value;
		totals.sampled_ns += own.sampled_ns;
		totals.thread =
			recording_thread_name(recording, session->session, session->session->tid);
	}
	return totals;
}

/* --- Folded lines --- */

/* A ";" would be a border between frames, a line break one between stacks. */
static void append_name(GString *line, const struct flame_frame *frame)
{
	g_autofree char *name = printable(frame->name);

	g_string_append(line, g_strdelimit(name, ";", ':'));
	if (frame->kind == FLAME_INLINED)
		g_string_append(line, "_[i]");
}

static void add_line(const struct flame_frame *frame, const GString *path, bool has_base,
		     GPtrArray *lines)
{
	uint64_t self = frame->samples, base_self = frame->base_samples;
	GString *line;

	for (guint i = 0; frame->callees && i < frame->callees->len; i++) {
		const struct flame_frame *callee = frame->callees->pdata[i];

		self -= callee->samples;
		base_self -= callee->base_samples;
	}
	if (!self && !base_self)
		return;
	line = g_string_new(path->str);
	if (has_base)
		g_string_append_printf(line, " %" PRIu64, base_self);
	g_string_append_printf(line, " %" PRIu64, self);
	g_ptr_array_add(lines, g_string_free(line, FALSE));
}

/* A frame on the way from the root to where the walk is. Stacks may be too deep to recurse. */
struct step {
	const struct flame_frame *frame;
	guint next;	/* callee that the walk comes to next */
	gsize path_len; /* of the names up to this frame */
};

static void collect_lines(const struct flame_frame *root, bool has_base, GPtrArray *lines)
{
	g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(struct step));
	g_autoptr(GString) path = g_string_new(NULL);
	struct step step = {.frame = root};

	g_array_append_val(steps, step);
	while (steps->len) {
		struct step *at = &g_array_index(steps, struct step, steps->len - 1);

		g_string_truncate(path, at->path_len);
		if (!at->frame->callees || at->next == at->frame->callees->len) {
			add_line(at->frame, path, has_base, lines);
			g_array_set_size(steps, steps->len - 1);
			continue;
		}
		step = (struct step){.frame = at->frame->callees->pdata[at->next++]};
		if (path->len)
			g_string_append_c(path, ';');
		append_name(path, step.frame);
		step.path_len = path->len;
		g_array_append_val(steps, step);
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void flame_tree_print_folded(const struct flame_tree *tree, bool has_base, FILE *out)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	collect_lines(tree->root, has_base, lines);
	g_ptr_array_sort(lines, compare_lines);
	for (guint i = 0; i < lines->len; i++)
		fprintf(out, "%s\n", (const char *)lines->pdata[i]);
}
