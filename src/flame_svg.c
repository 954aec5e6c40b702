/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Draws the boxes that flame_layout.c has placed, and what stands around them:
 * title, legend, tooltips, notes. What happens on a click is in flame_svg.js,
 * which is put into the SVG as it is; without it the picture is complete.
 */
#include "flame_svg.h"

#include "base/hash.h"
#include "base/printable.h"
#include "flame_layout.h"
#include "flame_tooltip.h"
#include "svg_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* All in px. The font is of fixed width, so that what fits can be told beforehand. */
#define PAGE_WIDTH 1200.0
#define MARGIN	   10.0
#define WIDTH	   (PAGE_WIDTH - 2 * MARGIN)
#define ROW	   17.0
#define BOX_HEIGHT 16.0
#define BASELINE   12.0 /* from the top of a box */
#define TEXT_PAD   3.0
#define CHAR_WIDTH 6.63 /* of 11 px DejaVu Sans Mono, the widest of those named */
#define LINE	   16.0
#define SWATCH	   12.0
#define CONTROLS   340.0 /* the width of the controls, right of the title */
#define MATCHED	   215.0 /* of what the search found, between both */

#define TITLE_CHAR_WIDTH    10.0 /* 17 px sans-serif, generously */
#define SUBTITLE_CHAR_WIDTH 6.7	 /* 12 px sans-serif, generously */

#define TINY 1e-9 /* what may be left of a division, and is not meant */

#define LEAST_CHARACTERS 3

/* flame_svg.js, from one symbol to the other. */
__asm__(".pushsection .rodata\n"
	".hidden flame_svg_script\n"
	".hidden flame_svg_script_end\n"
	".global flame_svg_script\n"
	".global flame_svg_script_end\n"
	"flame_svg_script:\n"
	".incbin \"flame_svg.js\"\n"
	"flame_svg_script_end:\n"
	".popsection\n");
extern const char flame_svg_script[] __attribute__((visibility("hidden")));
extern const char flame_svg_script_end[] __attribute__((visibility("hidden")));

/*
 * Each kind has a hue of its own; its shades tell neighbours apart. The kinds
 * differ in lightness as well, and all are light enough for black text.
 */
static const struct {
	char letter; /* of the class */
	const char *legend;
	int hue, hue_step; /* degrees */
	int saturation;	   /* percent */
	int lightness, lightness_step;
} kinds[FLAME_N_KINDS] = {
	[FLAME_GROUP] = {'g', "phase or thread", 68, 3, 30, 84, 1},
	[FLAME_PROGRAM] = {'p', "program", 14, 3, 92, 64, 1},
	[FLAME_LIBRARY] = {'l', "library", 46, 2, 92, 62, 2},
	[FLAME_KERNEL] = {'k', "kernel", 208, 5, 55, 74, 1},
	[FLAME_INLINED] = {'i', "inlined", 312, 3, 72, 84, 1},
	[FLAME_UNRESOLVED] = {'u', "unresolved", 30, 0, 3, 62, 1},
};

#define N_SHADES 7

/* From which change on, as a part of the larger root, and how that looks. */
static const struct {
	double least;
	const char *legend, *grown, *shrunk;
} changes[] = {
	{0.01, "1%", "#ffe9c4", "#d9eafa"},  {0.02, "2%", "#fedaa2", "#c0dcf4"},
	{0.05, "5%", "#fdc17c", "#a2caee"},  {0.10, "10%", "#fca55c", "#84b8e6"},
	{0.20, "20%", "#f8834a", "#63a1de"}, {0.50, "50%", "#ef6540", "#478ad3"},
};

static const char style[] =
	"svg{min-width:640px;background:#fff}\n"
	"text{fill:#111;font:11px 'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace;"
	"white-space:pre}\n"
	".title{font:bold 17px sans-serif}\n"
	".subtitle,.heading,.note{font:12px sans-serif;fill:#444}\n"
	".heading{font-weight:bold}\n"
	".matched{text-anchor:end;font-weight:bold}\n"
	".strip rect{stroke:#fff;stroke-width:.3;cursor:pointer}\n"
	".strip rect:hover,.strip rect:focus{stroke:#000;stroke-width:1;outline:none}\n"
	".strip text{pointer-events:none}\n"
	".strip .anchor{fill:#fff;stroke:#888;stroke-width:.6}\n"
	".strip .faded{opacity:.45}\n"
	".strip .match{fill:#e56cf0;stroke:#7a0a86;stroke-width:.7}\n"
	".strip .gone{display:none}\n"
	".swatch{stroke:#888;stroke-width:.5}\n"
	".controls{display:none}\n"
	".live .controls{display:inline}\n"
	".controls div{display:flex;gap:6px;justify-content:flex-end;font:12px sans-serif}\n"
	".controls input{width:220px}\n"
	".controls input:invalid{outline:2px solid #b00}\n"
	"@media print{.live .controls{display:none}}\n";

struct drawing {
	const struct flame_graph *graph;
	const struct flame_layout *layout;
	GPtrArray *subtitles; /* Owned by this: strings (owned) */
	GHashTable
		*names; /* Owned by this: a name that no tooltip has whole (weak) to its number */
	GPtrArray *names_in_order; /* Owned by this: printable names (owned) */
	FILE *out;
};

/* Where the parts of the page end, in px from the top. */
struct page {
	double subtitles, legend, graph, details, heading, vanished, note;
};

/* ---- colours ---- */

/* "d0" is unchanged, "r1" to "r6" grown, "b1" to "b6" shrunk. */
static char *change_class(const struct flame_layout *layout, const struct flame_frame *frame)
{
	const double change = flame_change_of(layout, frame);
	const double part = layout->units.root > 0 ? fabs(change) / layout->units.root : 0;
	/* What vanished has changed, however small it is. */
	guint step = !frame->samples;

	while (step < G_N_ELEMENTS(changes) && part >= changes[step].least - TINY)
		step++;
	return g_strdup_printf("%c%u", !step ? 'd' : change > 0 ? 'r' : 'b', step);
}

/* The same function has the same colour in every graph. */
static char *kind_class(const struct flame_frame *frame)
{
	return g_strdup_printf("%c%u", kinds[frame->kind].letter,
			       g_str_hash(frame->name) % N_SHADES);
}

static char *class_of(const struct drawing *drawing, const struct flame_box *box)
{
	if (box->is_anchor)
		return g_strdup("anchor");
	if (drawing->graph->has_base)
		return change_class(drawing->layout, box->frame);
	return kind_class(box->frame);
}

static void put_kind_colours(FILE *out)
{
	for (guint kind = 0; kind < FLAME_N_KINDS; kind++)
		for (int shade = 0; shade < N_SHADES; shade++)
			fprintf(out, ".%c%d{fill:hsl(%d,%d%%,%d%%)}\n", kinds[kind].letter, shade,
				kinds[kind].hue + shade * kinds[kind].hue_step,
				kinds[kind].saturation,
				kinds[kind].lightness + shade * kinds[kind].lightness_step);
}

static void put_change_colours(FILE *out)
{
	fputs(".d0{fill:#ebebeb}\n", out);
	for (guint i = 0; i < G_N_ELEMENTS(changes); i++)
		fprintf(out, ".r%u{fill:%s}\n.b%u{fill:%s}\n", i + 1, changes[i].grown, i + 1,
			changes[i].shrunk);
}

static void put_style(const struct drawing *drawing)
{
	fprintf(drawing->out, "<style>\n%s", style);
	if (drawing->graph->has_base)
		put_change_colours(drawing->out);
	else
		put_kind_colours(drawing->out);
	fputs("</style>\n", drawing->out);
}

/* ---- legend ---- */

/* Returns where the next one begins. */
static double put_swatch(FILE *out, double x, double y, const char *class, const char *label)
{
	fprintf(out, "<rect class=\"swatch %s\"", class);
	svg_put_px(out, "x", x);
	svg_put_px(out, "y", y - SWATCH + 2);
	fprintf(out, " width=\"%g\" height=\"%g\"/>", SWATCH, SWATCH);
	svg_put_line(out, NULL, x + SWATCH + 4, y, label);
	return x + SWATCH + 4 + (double)strlen(label) * CHAR_WIDTH + 12;
}

/* Returns where what follows begins. */
static double put_legend_text(FILE *out, double x, double y, const char *text)
{
	svg_put_line(out, NULL, x, y, text);
	return x + (double)strlen(text) * CHAR_WIDTH + 8;
}

static bool has_kind(const struct flame_strip *strip, enum flame_kind kind)
{
	for (guint i = 0; i < strip->boxes->len; i++)
		if (g_array_index(strip->boxes, struct flame_box, i).frame->kind == kind)
			return true;
	return false;
}

static void put_kind_legend(const struct drawing *drawing, double y)
{
	double x = MARGIN;

	for (guint kind = 0; kind < FLAME_N_KINDS; kind++) {
		/* The shade in the middle. */
		const char class[] = {kinds[kind].letter, '0' + N_SHADES / 2, 0};

		if (has_kind(&drawing->layout->now, kind))
			x = put_swatch(drawing->out, x, y, class, kinds[kind].legend);
	}
}

static void put_change_unit(const struct drawing *drawing, double x, double y)
{
	const struct flame_units *units = &drawing->layout->units;
	g_autofree char *root = svg_number_short(units->root);
	g_autofree char *ms = g_strdup_printf("of %s ms per checkpoint", root);

	put_legend_text(drawing->out, x, y, units->are_ms ? ms : "of all samples");
}

static void put_change_legend(const struct drawing *drawing, double y)
{
	FILE *out = drawing->out;
	double x = put_legend_text(out, MARGIN, y, "shrunk by at least");
	char class[] = "b0";

	for (guint i = G_N_ELEMENTS(changes); i-- > 0;) {
		class[1] = (char)('1' + i);
		x = put_swatch(out, x, y, class, changes[i].legend);
	}
	x = put_swatch(out, x, y, "d0", "less");
	x = put_legend_text(out, x, y, "grown by at least");
	class[0] = 'r';
	for (guint i = 0; i < G_N_ELEMENTS(changes); i++) {
		class[1] = (char)('1' + i);
		x = put_swatch(out, x, y, class, changes[i].legend);
	}
	put_change_unit(drawing, x, y);
}

/* ---- boxes ---- */

/* NULL when nothing readable fits. */
static char *fitted(const char *text, double width_px)
{
	const double columns = floor((width_px - 2 * TEXT_PAD) / CHAR_WIDTH);

	return columns < LEAST_CHARACTERS ? NULL : svg_text_shorten(text, (size_t)columns);
}

static void put_box_text(FILE *out, const struct flame_box *box, double top)
{
	g_autofree char *clean = printable(box->frame->name);
	g_autofree char *text = fitted(clean, box->right_px - box->left_px);

	if (text)
		svg_put_line(out, NULL, MARGIN + box->left_px + TEXT_PAD, top + BASELINE, text);
}

/*
 * A long name stands once in the file, however many boxes it has: the search reads it there. It is
 * told apart by where it is in memory, so two recordings may have it twice.
 */
static void put_name_number(const struct drawing *drawing, const char *name)
{
	g_autofree char *clean = NULL;
	guint number;

	if (strlen(name) <= FLAME_TOOLTIP_NAME)
		return;
	number = GPOINTER_TO_UINT(g_hash_table_lookup(drawing->names, name));
	if (!number) {
		clean = printable(name);
		if (printable_columns(clean) <= FLAME_TOOLTIP_NAME)
			return;
		g_ptr_array_add(drawing->names_in_order, g_steal_pointer(&clean));
		number = drawing->names_in_order->len;
		g_hash_table_insert(drawing->names, (char *)name, GUINT_TO_POINTER(number));
	}
	fprintf(drawing->out, " data-name=\"%u\"", number - 1);
}

static void put_box(const struct drawing *drawing, const struct flame_box *box, double bottom)
{
	const double top = bottom - (box->row + 1) * ROW;
	g_autofree char *class = class_of(drawing, box);

	fprintf(drawing->out, "<rect class=\"%s\"", class);
	svg_put_px(drawing->out, "x", MARGIN + box->left_px);
	svg_put_px(drawing->out, "y", top);
	svg_put_px(drawing->out, "width", box->right_px - box->left_px);
	fprintf(drawing->out, " height=\"%g\"", BOX_HEIGHT);
	put_name_number(drawing, box->frame->name);
	fputc('>', drawing->out);
	flame_tooltip_print(drawing->graph, drawing->layout, box, drawing->out);
	fputs("</rect>\n", drawing->out);
	put_box_text(drawing->out, box, top);
}

static void put_strip(const struct drawing *drawing, const struct flame_strip *strip,
		      const char *class, double bottom)
{
	fprintf(drawing->out, "<g class=\"strip %s\">\n", class);
	for (guint i = 0; i < strip->boxes->len; i++)
		put_box(drawing, &g_array_index(strip->boxes, struct flame_box, i), bottom);
	fputs("</g>\n", drawing->out);
}

/* ---- page ---- */

static void add_source(GPtrArray *lines, const char *what, const struct flame_source *source)
{
	g_autofree char *line = NULL;

	if (!source->label)
		return;
	line = g_strconcat(what, source->label, NULL);
	g_ptr_array_add(lines, printable(line));
}

static GPtrArray *subtitles_of(const struct flame_graph *graph)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; graph->subtitles && i < graph->subtitles->len; i++)
		g_ptr_array_add(lines, printable(g_ptr_array_index(graph->subtitles, i)));
	add_source(lines, graph->has_base ? "now: " : "", &graph->source);
	if (graph->has_base)
		add_source(lines, "base: ", &graph->base);
	return lines;
}

/* From top to bottom, each below the one before. */
static struct page page_of(const struct drawing *drawing)
{
	const struct flame_layout *layout = drawing->layout;
	struct page page;

	page.subtitles = 34 + drawing->subtitles->len * LINE;
	page.legend = page.subtitles + 22;
	page.graph = page.legend + 14 + MAX(layout->now.n_rows, 2) * ROW;
	page.details = page.graph + LINE;
	page.heading = page.details;
	page.vanished = page.details;
	if (drawing->graph->has_base) {
		page.heading = page.details + 28;
		page.vanished = page.heading + 8 + layout->vanished.n_rows * ROW;
	}
	page.note = page.vanished + 24;
	return page;
}

static void put_open(FILE *out, const struct page *page)
{
	const double height = page->note + MARGIN;

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100%\"",
	      out);
	/* In px: the page shrinks in a narrow window, and does not grow in a wide one. */
	svg_put_px(out, "height", height);
	fprintf(out, " viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"xMidYMin meet\"", PAGE_WIDTH,
		height);
	/* For the script. */
	svg_put_px(out, "data-left", MARGIN);
	svg_put_px(out, "data-width", WIDTH);
	svg_put_px(out, "data-pad", TEXT_PAD);
	svg_put_px(out, "data-baseline", BASELINE);
	svg_put_px(out, "data-char", CHAR_WIDTH);
	fputs(">\n", out);
}

static void put_controls(FILE *out)
{
	fprintf(out,
		"<foreignObject class=\"controls\" x=\"%g\" y=\"8\" width=\"%g\" height=\"30\">"
		"<div xmlns=\"http://www.w3.org/1999/xhtml\">"
		"<button type=\"button\" title=\"Escape does the same\">reset zoom</button>"
		"<input type=\"search\" placeholder=\"search: a regular expression\" "
		"title=\"Ctrl-F leads here\" spellcheck=\"false\"/>"
		"</div></foreignObject>\n",
		MARGIN + WIDTH - CONTROLS, CONTROLS);
}

static void put_header(const struct drawing *drawing, const struct page *page)
{
	const GPtrArray *subtitles = drawing->subtitles;
	g_autofree char *title = printable(drawing->graph->title);
	g_autofree char *fit =
		svg_text_shorten(title, (size_t)((WIDTH - CONTROLS - MATCHED) / TITLE_CHAR_WIDTH));
	double y = page->subtitles - (subtitles->len - 1) * LINE;

	fputs("<title>", drawing->out);
	svg_text_put(drawing->out, title);
	fputs("</title>\n", drawing->out);
	put_style(drawing);
	svg_put_line(drawing->out, "title", MARGIN, 26, fit);
	put_controls(drawing->out);
	svg_put_line(drawing->out, "matched", MARGIN + WIDTH - CONTROLS, 24, "");
	for (guint i = 0; i < subtitles->len; i++, y += LINE) {
		g_autofree char *line = svg_text_shorten(g_ptr_array_index(subtitles, i),
							 (size_t)(WIDTH / SUBTITLE_CHAR_WIDTH));

		svg_put_line(drawing->out, "subtitle", MARGIN, y, line);
	}
	if (drawing->graph->has_base)
		put_change_legend(drawing, page->legend);
	else
		put_kind_legend(drawing, page->legend);
}

static void put_graph(const struct drawing *drawing, const struct page *page)
{
	put_strip(drawing, &drawing->layout->now, "now", page->graph);
	if (!drawing->graph->root->samples)
		svg_put_line(drawing->out, "heading", MARGIN, page->graph - BOX_HEIGHT,
			     "no samples");
	/* Filled by the script, as all that is empty. */
	svg_put_line(drawing->out, "details", MARGIN, page->details, "");
}

static void put_vanished(const struct drawing *drawing, const struct page *page)
{
	const struct flame_strip *vanished = &drawing->layout->vanished;
	const char *heading = "only in the base: nothing vanished";

	if (vanished->boxes->len || vanished->n_narrow)
		heading = "only in the base (same scale; white: the caller that is still there)";
	svg_put_line(drawing->out, "heading", MARGIN, page->heading, heading);
	svg_put_line(drawing->out, "matched", MARGIN + WIDTH, page->heading, "");
	put_strip(drawing, vanished, "vanished", page->vanished);
}

static void put_note(const struct drawing *drawing, const struct page *page)
{
	const uint64_t n = drawing->layout->now.n_narrow + drawing->layout->vanished.n_narrow;
	g_autofree char *note = NULL;

	if (!n)
		return;
	note = g_strdup_printf("%" PRIu64 " frame%s narrower than 0.1 pixel %s not drawn", n,
			       n == 1 ? "" : "s", n == 1 ? "is" : "are");
	svg_put_line(drawing->out, "note", MARGIN, page->note, note);
}

static void put_names(const struct drawing *drawing)
{
	const GPtrArray *names = drawing->names_in_order;

	if (!names->len)
		return;
	fputs("<metadata class=\"names\">\n", drawing->out);
	for (guint i = 0; i < names->len; i++) {
		fputs("<name>", drawing->out);
		svg_text_put(drawing->out, names->pdata[i]);
		fputs("</name>\n", drawing->out);
	}
	fputs("</metadata>\n", drawing->out);
}

static void put_script(FILE *out)
{
	fputs("<script><![CDATA[\n", out);
	fwrite(flame_svg_script, 1, (size_t)(flame_svg_script_end - flame_svg_script), out);
	fputs("]]></script>\n", out);
}

void flame_svg_print(const struct flame_graph *graph, FILE *out)
{
	struct flame_layout *layout = flame_layout_new(graph, WIDTH);
	g_autoptr(GPtrArray) subtitles = subtitles_of(graph);
	g_autoptr(GHashTable) names = g_hash_table_new(hash_pointer, NULL);
	g_autoptr(GPtrArray) in_order = g_ptr_array_new_with_free_func(g_free);
	const struct drawing drawing = {graph, layout, subtitles, names, in_order, out};
	const struct page page = page_of(&drawing);

	put_open(out, &page);
	put_header(&drawing, &page);
	put_graph(&drawing, &page);
	if (graph->has_base)
		put_vanished(&drawing, &page);
	put_note(&drawing, &page);
	put_names(&drawing);
	put_script(out);
	fputs("</svg>\n", out);
	flame_layout_free(layout);
}

void flame_frame_free(struct flame_frame *frame)
{
	g_autoptr(GPtrArray) pending = g_ptr_array_new();

	if (frame)
		g_ptr_array_add(pending, frame);
	while (pending->len) {
		struct flame_frame *next = g_ptr_array_steal_index_fast(pending, pending->len - 1);
		gsize n_callees = 0;
		/* Whatever the array would do with them, it must not call this again. */
		g_autofree gpointer *callees =
			next->callees ? g_ptr_array_steal(next->callees, &n_callees) : NULL;

		for (gsize i = 0; i < n_callees; i++)
			g_ptr_array_add(pending, callees[i]);
		if (next->callees)
			g_ptr_array_unref(next->callees);
		g_free(next);
	}
}
