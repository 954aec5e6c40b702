/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Positions of the frames of a flame graph. Stacks can be a thousand frames
 * deep and more, so nothing here calls itself: what is still to be visited is
 * in an array.
 */
#include "flame_layout.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

/* The samples that make a frame wide in one of the strips. */
typedef uint64_t (*weight_of)(const struct flame_frame *frame);

static uint64_t samples_of(const struct flame_frame *frame)
{
	return frame->samples;
}

static uint64_t vanished_samples_of(const struct flame_frame *frame)
{
	return frame->samples ? 0 : frame->base_samples;
}

/* A frame that is to be placed. */
struct pending {
	const struct flame_frame *frame;
	uint64_t offset; /* samples from the left edge */
	guint caller;	 /* index of the box */
};

struct placer {
	struct flame_strip *strip;
	weight_of weight;
	double px_per_sample;
	double width_px;
};

/* Callers whose callees vanished: the bottom row of the strip of the vanished. */
struct anchor {
	const struct flame_frame *caller; /* NULL: the root itself vanished */
	uint64_t samples;		  /* of the base */
};

/* Groups first, in the order in which they are given: the sort is stable. */
static gint compare_siblings(gconstpointer a, gconstpointer b)
{
	const struct flame_frame *left = *(const struct flame_frame *const *)a;
	const struct flame_frame *right = *(const struct flame_frame *const *)b;
	int order = (right->kind == FLAME_GROUP) - (left->kind == FLAME_GROUP);

	if (order || left->kind == FLAME_GROUP)
		return order;
	order = strcmp(left->name, right->name);
	if (!order)
		order = g_strcmp0(left->module, right->module);
	return order ? order : (int)left->kind - (int)right->kind;
}

/* The caller frees the array, not the frames. */
static GPtrArray *sorted_callees(const struct flame_frame *frame)
{
	GPtrArray *callees = g_ptr_array_new();

	for (guint i = 0; frame->callees && i < frame->callees->len; i++)
		g_ptr_array_add(callees, g_ptr_array_index(frame->callees, i));
	g_ptr_array_sort(callees, compare_siblings);
	return callees;
}

static const struct flame_frame *pop(GPtrArray *frames)
{
	return g_ptr_array_steal_index_fast(frames, frames->len - 1);
}

/* The frame and all below it that weigh anything. */
static uint64_t count_frames(const struct flame_frame *first, weight_of weight)
{
	g_autoptr(GPtrArray) pending = g_ptr_array_new();
	uint64_t n = 0;

	g_ptr_array_add(pending, (gpointer)first);
	while (pending->len) {
		const struct flame_frame *frame = pop(pending);

		if (!weight(frame))
			continue;
		n++;
		for (guint i = 0; frame->callees && i < frame->callees->len; i++)
			g_ptr_array_add(pending, g_ptr_array_index(frame->callees, i));
	}
	return n;
}

static const struct flame_box *box_at(const struct flame_strip *strip, guint index)
{
	return &g_array_index(strip->boxes, struct flame_box, index);
}

/* Edges are rounded and not widths: neighbours touch, and nothing leaves its caller. */
static double edge_px(const struct placer *placer, uint64_t samples)
{
	return round((double)samples * placer->px_per_sample * 1000) / 1000;
}

static bool is_narrow(const struct placer *placer, uint64_t samples)
{
	return (double)samples * placer->px_per_sample < FLAME_NARROW_PX;
}

/* Returns the index of the box. */
static guint place(struct placer *placer, const struct pending *pending, uint64_t samples)
{
	struct flame_strip *strip = placer->strip;
	double limit_px = placer->width_px;
	struct flame_box box = {.frame = pending->frame, .caller = pending->caller};

	if (pending->caller != FLAME_NO_CALLER) {
		const struct flame_box *caller = box_at(strip, pending->caller);

		box.row = caller->row + 1;
		limit_px = caller->right_px;
	}
	box.left_px = MIN(edge_px(placer, pending->offset), limit_px);
	box.right_px = MIN(edge_px(placer, pending->offset + samples), limit_px);
	strip->n_rows = MAX(strip->n_rows, box.row + 1);
	g_array_append_val(strip->boxes, box);
	return strip->boxes->len - 1;
}

/* The last one first, so that the first one is taken next. */
static void push_callees(const struct placer *placer, GArray *stack, const struct pending *caller,
			 guint index)
{
	g_autoptr(GPtrArray) callees = sorted_callees(caller->frame);
	uint64_t end = caller->offset;

	for (guint i = 0; i < callees->len; i++)
		end += placer->weight(g_ptr_array_index(callees, i));
	for (guint i = callees->len; i-- > 0;) {
		struct pending callee = {.frame = g_ptr_array_index(callees, i), .caller = index};
		uint64_t samples = placer->weight(callee.frame);

		end -= samples;
		callee.offset = end;
		if (samples)
			g_array_append_val(stack, callee);
	}
}

/* Empties the stack. */
static void place_all(struct placer *placer, GArray *stack)
{
	while (stack->len) {
		struct pending next = g_array_index(stack, struct pending, stack->len - 1);
		uint64_t samples = placer->weight(next.frame);

		g_array_set_size(stack, stack->len - 1);
		if (is_narrow(placer, samples))
			placer->strip->n_narrow += count_frames(next.frame, placer->weight);
		else
			push_callees(placer, stack, &next, place(placer, &next, samples));
	}
}

static void place_root(struct placer *placer, const struct flame_frame *root, uint64_t offset)
{
	g_autoptr(GArray) stack = g_array_new(FALSE, FALSE, sizeof(struct pending));
	const struct pending first = {.frame = root, .offset = offset, .caller = FLAME_NO_CALLER};

	if (placer->weight(root))
		g_array_append_val(stack, first);
	place_all(placer, stack);
}

static void place_anchor(struct placer *placer, const struct anchor *anchor, uint64_t offset)
{
	g_autoptr(GArray) stack = g_array_new(FALSE, FALSE, sizeof(struct pending));
	const struct pending caller = {
		.frame = anchor->caller, .offset = offset, .caller = FLAME_NO_CALLER};
	struct flame_box *box;
	guint index;

	if (is_narrow(placer, anchor->samples)) {
		for (guint i = 0; i < anchor->caller->callees->len; i++)
			placer->strip->n_narrow += count_frames(
				g_ptr_array_index(anchor->caller->callees, i), placer->weight);
		return;
	}
	index = place(placer, &caller, anchor->samples);
	box = &g_array_index(placer->strip->boxes, struct flame_box, index);
	box->is_anchor = true;
	box->anchored_samples = anchor->samples;
	push_callees(placer, stack, &caller, index);
	place_all(placer, stack);
}

/* Visits what is still there from left to right and notes what lost callees. */
static GArray *find_anchors(const struct flame_frame *root, GHashTable *callers)
{
	GArray *anchors = g_array_new(FALSE, FALSE, sizeof(struct anchor));
	g_autoptr(GPtrArray) pending = g_ptr_array_new();
	const struct anchor whole = {.samples = vanished_samples_of(root)};

	if (whole.samples)
		g_array_append_val(anchors, whole);
	else
		g_ptr_array_add(pending, (gpointer)root);
	while (pending->len) {
		const struct flame_frame *frame = pop(pending);
		g_autoptr(GPtrArray) callees = sorted_callees(frame);
		struct anchor anchor = {.caller = frame};

		for (guint i = callees->len; i-- > 0;) {
			struct flame_frame *callee = g_ptr_array_index(callees, i);

			anchor.samples += vanished_samples_of(callee);
			if (!callee->samples)
				continue;
			g_hash_table_insert(callers, callee, (gpointer)frame);
			g_ptr_array_add(pending, callee);
		}
		if (anchor.samples)
			g_array_append_val(anchors, anchor);
	}
	return anchors;
}

static uint64_t sum_anchors(const GArray *anchors)
{
	uint64_t samples = 0;

	for (guint i = 0; i < anchors->len; i++)
		samples += g_array_index(anchors, struct anchor, i).samples;
	return samples;
}

static bool is_known(double ms_per_sample)
{
	return isfinite(ms_per_sample) && ms_per_sample > 0;
}

static double share_of_one(uint64_t samples)
{
	return samples ? 1 / (double)samples : 0;
}

static struct flame_units units_of(const struct flame_graph *graph)
{
	const struct flame_frame *root = graph->root;
	struct flame_units units = {
		.are_ms = is_known(graph->source.ms_per_sample) &&
			  (!graph->has_base || is_known(graph->base.ms_per_sample)),
		.sample = share_of_one(root->samples),
		.base_sample = share_of_one(root->base_samples),
	};

	if (units.are_ms) {
		units.sample = graph->source.ms_per_sample;
		units.base_sample = graph->base.ms_per_sample;
	}
	units.root = flame_value(&units, root);
	if (graph->has_base)
		units.root = MAX(units.root, flame_base_value(&units, root));
	return units;
}

double flame_value(const struct flame_units *units, const struct flame_frame *frame)
{
	return (double)frame->samples * units->sample;
}

double flame_base_value(const struct flame_units *units, const struct flame_frame *frame)
{
	return (double)frame->base_samples * units->base_sample;
}

static void place_vanished(struct placer *placer, const struct flame_frame *root,
			   const GArray *anchors)
{
	uint64_t offset = 0;

	for (guint i = 0; i < anchors->len; i++) {
		const struct anchor *anchor = &g_array_index(anchors, struct anchor, i);

		if (anchor->caller)
			place_anchor(placer, anchor, offset);
		else
			place_root(placer, root, offset);
		offset += anchor->samples;
	}
}

static GArray *boxes_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(struct flame_box));
}

static GArray *anchors_of(struct flame_layout *layout, const struct flame_graph *graph)
{
	if (graph->has_base)
		return find_anchors(graph->root, layout->callers);
	return g_array_new(FALSE, FALSE, sizeof(struct anchor));
}

struct flame_layout *flame_layout_new(const struct flame_graph *graph, double width_px)
{
	struct flame_layout *layout = g_new0(struct flame_layout, 1);
	const struct flame_units units = units_of(graph);
	g_autoptr(GArray) anchors = NULL;
	struct placer now = {&layout->now, samples_of, 0, width_px};
	struct placer vanished = {&layout->vanished, vanished_samples_of, 0, width_px};
	double widest;

	layout->units = units;
	layout->now.boxes = boxes_new();
	layout->vanished.boxes = boxes_new();
	layout->callers = g_hash_table_new(hash_pointer, NULL);
	anchors = anchors_of(layout, graph);
	widest = MAX(flame_value(&units, graph->root),
		     (double)sum_anchors(anchors) * units.base_sample);
	if (!(widest > 0))
		return layout;
	now.px_per_sample = width_px / widest * units.sample;
	vanished.px_per_sample = width_px / widest * units.base_sample;
	place_root(&now, graph->root, 0);
	place_vanished(&vanished, graph->root, anchors);
	return layout;
}

void flame_layout_free(struct flame_layout *layout)
{
	if (!layout)
		return;
	g_array_unref(layout->now.boxes);
	g_array_unref(layout->vanished.boxes);
	g_hash_table_unref(layout->callers);
	g_free(layout);
}
