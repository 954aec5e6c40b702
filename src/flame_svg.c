/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Draws the boxes that flame_layout.c has placed, and what stands around them:
 * title, legend, tooltips, notes. What happens on a click is in flame_svg.js,
 * which is put into the SVG as it is; without it the picture is complete.
 */
#include "flame_svg.h"

#include "base/printable.h"
#include "flame_layout.h"

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
#define LONGEST_NAME	 500 /* characters, in a tooltip */
#define LONGEST_PATH	 64  /* frames, in a tooltip; an even number */

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
	const char *remark; /* in the tooltip; NULL: none */
	int hue, hue_step;  /* degrees */
	int saturation;	    /* percent */
	int lightness, lightness_step;
} kinds[FLAME_N_KINDS] = {
	[FLAME_GROUP] = {'g', "phase or thread", NULL, 68, 3, 30, 84, 1},
	[FLAME_PROGRAM] = {'p', "program", NULL, 14, 3, 92, 64, 1},
	[FLAME_LIBRARY] = {'l', "library", NULL, 46, 2, 92, 62, 2},
	[FLAME_KERNEL] = {'k', "kernel", "kernel", 208, 5, 55, 74, 1},
	[FLAME_INLINED] = {'i', "inlined", "inlined", 312, 3, 72, 84, 1},
	[FLAME_UNRESOLVED] = {'u', "unresolved", "unresolved", 30, 0, 3, 62, 1},
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
	FILE *out;
};

/* Where the parts of the page end, in px from the top. */
struct page {
	double subtitles, legend, graph, details, heading, vanished, note;
};

/* ---- text ---- */

static bool is_harmless(gunichar c)
{
	const GUnicodeType type = g_unichar_type(c);

	return type != G_UNICODE_FORMAT && type != G_UNICODE_LINE_SEPARATOR &&
	       type != G_UNICODE_PARAGRAPH_SEPARATOR && (c & 0xfffe) != 0xfffe;
}

/*
 * A copy that may stand in XML once it is escaped, on one line and from left to
 * right: what is no character, a control or a formatting character is a "?".
 */
static char *cleaned(const char *text)
{
	g_autofree char *valid = printable(text);
	GString *result = g_string_new(NULL);

	for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);

		g_string_append_unichar(result, is_harmless(c) ? c : '?');
	}
	return g_string_free(result, FALSE);
}

/*
 * A copy of clean text in at most so many columns, with ".." where it was cut.
 * What is not ASCII is taken for two columns wide, as the script does.
 */
static char *shortened(const char *text, size_t columns)
{
	const char *cut = text;
	size_t used = 0;

	for (const char *at = text; *at;) {
		used += *at & 0x80 ? 2 : 1;
		at = g_utf8_next_char(at);
		if (used > columns)
			return g_strdup_printf("%.*s..", (int)(cut - text), text);
		if (used + 2 <= columns)
			cut = at;
	}
	return g_strdup(text);
}

/* NULL when nothing readable fits. */
static char *fitted(const char *text, double width_px)
{
	const double columns = floor((width_px - 2 * TEXT_PAD) / CHAR_WIDTH);

	return columns < LEAST_CHARACTERS ? NULL : shortened(text, (size_t)columns);
}

/* Clean text as XML. */
static void put_text(FILE *out, const char *text)
{
	g_autofree char *escaped = g_markup_escape_text(text, -1);

	fputs(escaped, out);
}

/* printf() would write the decimal point of the locale. */
static char *fixed(double value, int decimals)
{
	char format[8], buffer[G_ASCII_DTOSTR_BUF_SIZE * 2];

	g_snprintf(format, sizeof(format), "%%.%df", decimals);
	return g_strdup(g_ascii_formatd(buffer, sizeof(buffer), format, value));
}

/* Three digits, and all those before the point. */
static char *three_digits(double value)
{
	const double magnitude = fabs(value) > 0 ? floor(log10(fabs(value)) + TINY) : 2;

	return fixed(value, (int)CLAMP(2 - magnitude, 0, 9));
}

static void put_px(FILE *out, const char *attribute, double px)
{
	g_autofree char *number = fixed(px, 3);
	char *end = number + strlen(number);

	while (end[-1] == '0')
		end--;
	if (end[-1] == '.')
		end--;
	fprintf(out, " %s=\"%.*s\"", attribute, (int)(end - number), number);
}

/* A line of clean text; NULL: the class has no name. */
static void put_line(FILE *out, const char *class, double x, double y, const char *text)
{
	fprintf(out, "<text");
	if (class)
		fprintf(out, " class=\"%s\"", class);
	put_px(out, "x", x);
	put_px(out, "y", y);
	fputc('>', out);
	put_text(out, text);
	fputs("</text>\n", out);
}

/* ---- tooltips: the name, then a line for each thing that is to be said of it ---- */

static void put_name(FILE *out, const char *name)
{
	g_autofree char *clean = cleaned(name), *bounded = shortened(clean, LONGEST_NAME);

	put_text(out, bounded);
}

/* "(module), kernel"; nothing where there is nothing to say. */
static void put_origin(FILE *out, const struct flame_frame *frame)
{
	const char *remark = kinds[frame->kind].remark;

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
		fixed(root_samples ? 100 * (double)samples / (double)root_samples : 0, 2);
	g_autofree char *ms = three_digits((double)samples * ms_per_sample);

	fprintf(out, "%" PRIu64 " sample%s, %s %%", samples, samples == 1 ? "" : "s", percent);
	if (ms_per_sample > 0)
		fprintf(out, ", %s ms per checkpoint", ms);
}

static void put_base_amount(const struct drawing *drawing, const char *what, uint64_t samples)
{
	fprintf(drawing->out, "\n%s: ", what);
	put_amount(drawing->out, samples, drawing->graph->root->base_samples,
		   drawing->graph->base.ms_per_sample);
}

static double change_of(const struct flame_layout *layout, const struct flame_frame *frame)
{
	return flame_value(&layout->units, frame) - flame_base_value(&layout->units, frame);
}

static void put_change(FILE *out, const struct flame_layout *layout,
		       const struct flame_frame *frame)
{
	const bool are_ms = layout->units.are_ms;
	const double change = change_of(layout, frame) * (are_ms ? 1 : 100);
	g_autofree char *amount = are_ms ? three_digits(fabs(change)) : fixed(fabs(change), 2);

	if (fabs(change) < TINY)
		fputs("\nchange: none", out);
	else
		fprintf(out, "\nchange: %s%s %s", change < 0 ? "-" : "+", amount,
			are_ms ? "ms per checkpoint" : "percentage points");
}

static void put_amounts(const struct drawing *drawing, const struct flame_frame *frame)
{
	const struct flame_graph *graph = drawing->graph;

	fputs(graph->has_base ? "\nnow: " : "\n", drawing->out);
	put_amount(drawing->out, frame->samples, graph->root->samples, graph->source.ms_per_sample);
	if (!graph->has_base)
		return;
	put_base_amount(drawing, "base", frame->base_samples);
	put_change(drawing->out, drawing->layout, frame);
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
static void put_path(const struct drawing *drawing, const struct flame_frame *frame)
{
	g_autoptr(GPtrArray) path = g_ptr_array_new();
	guint end;

	for (; frame; frame = g_hash_table_lookup(drawing->layout->callers, frame))
		g_ptr_array_add(path, (gpointer)frame);
	fputs("\npath: ", drawing->out);
	end = path->len;
	if (end > LONGEST_PATH) {
		put_path_part(drawing->out, path, end - LONGEST_PATH / 2, end);
		fprintf(drawing->out, ".. %u frames ..; ", end - LONGEST_PATH);
		end = LONGEST_PATH / 2;
	}
	put_path_part(drawing->out, path, 0, end);
}

static void put_tooltip(const struct drawing *drawing, const struct flame_box *box)
{
	fputs("<title>", drawing->out);
	put_name(drawing->out, box->frame->name);
	put_origin(drawing->out, box->frame);
	if (box->is_anchor) {
		put_base_amount(drawing, "callees only in the base", box->anchored_samples);
		put_path(drawing, box->frame);
	} else {
		put_amounts(drawing, box->frame);
	}
	fputs("</title>", drawing->out);
}

/* ---- colours ---- */

/* "d0" is unchanged, "r1" to "r6" grown, "b1" to "b6" shrunk. */
static char *change_class(const struct flame_layout *layout, const struct flame_frame *frame)
{
	const double change = change_of(layout, frame);
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
	put_px(out, "x", x);
	put_px(out, "y", y - SWATCH + 2);
	fprintf(out, " width=\"%g\" height=\"%g\"/>", SWATCH, SWATCH);
	put_line(out, NULL, x + SWATCH + 4, y, label);
	return x + SWATCH + 4 + (double)strlen(label) * CHAR_WIDTH + 12;
}

/* Returns where what follows begins. */
static double put_legend_text(FILE *out, double x, double y, const char *text)
{
	put_line(out, NULL, x, y, text);
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
	g_autofree char *root = three_digits(units->root);
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

static void put_box_text(FILE *out, const struct flame_box *box, double top)
{
	g_autofree char *clean = cleaned(box->frame->name);
	g_autofree char *text = fitted(clean, box->right_px - box->left_px);

	if (text)
		put_line(out, NULL, MARGIN + box->left_px + TEXT_PAD, top + BASELINE, text);
}

static void put_box(const struct drawing *drawing, const struct flame_box *box, double bottom)
{
	const double top = bottom - (box->row + 1) * ROW;
	g_autofree char *class = class_of(drawing, box);

	fprintf(drawing->out, "<rect class=\"%s\"", class);
	put_px(drawing->out, "x", MARGIN + box->left_px);
	put_px(drawing->out, "y", top);
	put_px(drawing->out, "width", box->right_px - box->left_px);
	fprintf(drawing->out, " height=\"%g\">", BOX_HEIGHT);
	put_tooltip(drawing, box);
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
	g_ptr_array_add(lines, cleaned(line));
}

static GPtrArray *subtitles_of(const struct flame_graph *graph)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; graph->subtitles && i < graph->subtitles->len; i++)
		g_ptr_array_add(lines, cleaned(g_ptr_array_index(graph->subtitles, i)));
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
	put_px(out, "height", height);
	fprintf(out, " viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"xMidYMin meet\"", PAGE_WIDTH,
		height);
	/* For the script. */
	put_px(out, "data-left", MARGIN);
	put_px(out, "data-width", WIDTH);
	put_px(out, "data-pad", TEXT_PAD);
	put_px(out, "data-baseline", BASELINE);
	put_px(out, "data-char", CHAR_WIDTH);
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
	g_autofree char *title = cleaned(drawing->graph->title);
	g_autofree char *fit =
		shortened(title, (size_t)((WIDTH - CONTROLS - MATCHED) / TITLE_CHAR_WIDTH));
	double y = page->subtitles - (subtitles->len - 1) * LINE;

	fputs("<title>", drawing->out);
	put_text(drawing->out, title);
	fputs("</title>\n", drawing->out);
	put_style(drawing);
	put_line(drawing->out, "title", MARGIN, 26, fit);
	put_controls(drawing->out);
	put_line(drawing->out, "matched", MARGIN + WIDTH - CONTROLS, 24, "");
	for (guint i = 0; i < subtitles->len; i++, y += LINE) {
		g_autofree char *line = shortened(g_ptr_array_index(subtitles, i),
						  (size_t)(WIDTH / SUBTITLE_CHAR_WIDTH));

		put_line(drawing->out, "subtitle", MARGIN, y, line);
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
		put_line(drawing->out, "heading", MARGIN, page->graph - BOX_HEIGHT, "no samples");
	/* Filled by the script, as all that is empty. */
	put_line(drawing->out, "details", MARGIN, page->details, "");
}

static void put_vanished(const struct drawing *drawing, const struct page *page)
{
	const struct flame_strip *vanished = &drawing->layout->vanished;
	const char *heading = "only in the base: nothing vanished";

	if (vanished->boxes->len || vanished->n_narrow)
		heading = "only in the base (same scale; white: the caller that is still there)";
	put_line(drawing->out, "heading", MARGIN, page->heading, heading);
	put_line(drawing->out, "matched", MARGIN + WIDTH, page->heading, "");
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
	put_line(drawing->out, "note", MARGIN, page->note, note);
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
	const struct drawing drawing = {graph, layout, subtitles, out};
	const struct page page = page_of(&drawing);

	put_open(out, &page);
	put_header(&drawing, &page);
	put_graph(&drawing, &page);
	if (graph->has_base)
		put_vanished(&drawing, &page);
	put_note(&drawing, &page);
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
