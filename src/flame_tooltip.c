/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tooltips.
 */
#include "flame_tooltip.h"

#include "base/printable.h"
#include "svg_text.h"

#include <inttypes.h>
#include <math.h>

#define TINY	     1e-9 /* what may be left of a division, and is not meant */
#define LONGEST_PATH 64	  /* frames; an even number */

/* What the name does not tell; NULL: nothing. */
static const char *const remarks[FLAME_N_KINDS] = {
	[FLAME_KERNEL] = "kernel",
	[FLAME_INLINED] = "inlined",
	[FLAME_UNRESOLVED] = "unresolved",
};

struct tooltip {
	const struct flame_graph *graph;
	const struct flame_layout *layout;
	FILE *out;
};

static void put_name(FILE *out, const char *name)
{
	g_autofree char *clean = printable(name),
			*bounded = printable_shorten(clean, FLAME_TOOLTIP_NAME);

	svg_text_put(out, bounded);
}

/* "(module), kernel"; nothing where there is nothing to say. */
static void put_origin(FILE *out, const struct flame_frame *frame)
{
	const char *remark = remarks[frame->kind];

	if (!frame->module && !remark)
		return;
	fputc('\n', out);
	if (frame->module) {
		fputc('(', out);
		put_name(out, frame->module);
		fputc(')', out);
	}
	fprintf(out, "%s%s", frame->module && remark ? ", " : "", remark ? remark : "");
}

/* "12 samples, 1.23 %, 0.456 ms per checkpoint" */
static void put_amount(FILE *out, uint64_t samples, uint64_t root_samples, double ms_per_sample)
{
	g_autofree char *percent =
		svg_number(root_samples ? 100 * (double)samples / (double)root_samples : 0, 2);
	g_autofree char *ms = svg_number_short((double)samples * ms_per_sample);

	fprintf(out, "%" PRIu64 " sample%s, %s %%", samples, samples == 1 ? "" : "s", percent);
	if (ms_per_sample > 0)
		fprintf(out, ", %s ms per checkpoint", ms);
}

static void put_base_amount(const struct tooltip *tooltip, const char *what, uint64_t samples)
{
	fprintf(tooltip->out, "\n%s: ", what);
	put_amount(tooltip->out, samples, tooltip->graph->root->base_samples,
		   tooltip->graph->base.ms_per_sample);
}

double flame_change_of(const struct flame_layout *layout, const struct flame_frame *frame)
{
	return flame_value(&layout->units, frame) - flame_base_value(&layout->units, frame);
}

static void put_change(FILE *out, const struct flame_layout *layout,
		       const struct flame_frame *frame)
{
	const bool are_ms = layout->units.are_ms;
	const double change = flame_change_of(layout, frame) * (are_ms ? 1 : 100);
	g_autofree char *amount =
		are_ms ? svg_number_short(fabs(change)) : svg_number(fabs(change), 2);

	if (fabs(change) < TINY)
		fputs("\nchange: none", out);
	else
		fprintf(out, "\nchange: %s%s %s", change < 0 ? "-" : "+", amount,
			are_ms ? "ms per checkpoint" : "percentage points");
}

static void put_amounts(const struct tooltip *tooltip, const struct flame_frame *frame)
{
	const struct flame_graph *graph = tooltip->graph;

	fputs(graph->has_base ? "\nnow: " : "\n", tooltip->out);
	put_amount(tooltip->out, frame->samples, graph->root->samples, graph->source.ms_per_sample);
	if (!graph->has_base)
		return;
	put_base_amount(tooltip, "base", frame->base_samples);
	put_change(tooltip->out, tooltip->layout, frame);
}

/* From the caller to the callee: path[end - 1] to path[begin]. */
static void put_path_part(FILE *out, const GPtrArray *path, guint begin, guint end)
{
	for (guint i = end; i-- > begin;) {
		const struct flame_frame *frame = g_ptr_array_index(path, i);

		put_name(out, frame->name);
		fputs(i ? "; " : "", out);
	}
}

/* "root; a; b", down to the frame. Of a path that is too long the middle is left out. */
static void put_path(const struct tooltip *tooltip, const struct flame_frame *frame)
{
	g_autoptr(GPtrArray) path = g_ptr_array_new();
	guint end;

	for (; frame; frame = g_hash_table_lookup(tooltip->layout->callers, frame))
		g_ptr_array_add(path, (gpointer)frame);
	fputs("\npath: ", tooltip->out);
	end = path->len;
	if (end > LONGEST_PATH) {
		put_path_part(tooltip->out, path, end - LONGEST_PATH / 2, end);
		fprintf(tooltip->out, ".. %u frames ..; ", end - LONGEST_PATH);
		end = LONGEST_PATH / 2;
	}
	put_path_part(tooltip->out, path, 0, end);
}

void flame_tooltip_print(const struct flame_graph *graph, const struct flame_layout *layout,
			 const struct flame_box *box, FILE *out)
{
	const struct tooltip tooltip = {graph, layout, out};

	fputs("<title>", out);
	put_name(out, box->frame->name);
	put_origin(out, box->frame);
	if (box->is_anchor) {
		put_base_amount(&tooltip, "callees only in the base", box->anchored_samples);
		put_path(&tooltip, box->frame);
	} else {
		put_amounts(&tooltip, box->frame);
	}
	fputs("</title>", out);
}
