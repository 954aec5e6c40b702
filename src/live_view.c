/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What matters most stands first and on each page; what does not fit below it is on other pages,
 * and the last line says what that is and which key shows it:
 *
 *     title                         title
 *     warnings                      warnings
 *     sides, now, last              sides, now, last
 *     phases | recorder             phases
 *     keys                          keys             v: recorder
 */
#include "live_view.h"

#include "base/printable.h"
#include "live_tables.h"
#include "warnings.h"

#include <inttypes.h>
#include <string.h>

#define LEAST_FIGURES 3	 /* of a side beside the other one, or beside the recorder's table */
#define GAP	      3	 /* between phases and recorder */
#define HIGH	      30 /* lines; lower ones have room for a single warning */
#define MOST_WARNINGS 3
#define MOST_SUBJECTS 3 /* hidden rows that are named one by one */

struct canvas {
	GPtrArray *lines; /* Owned by this: struct screen_line */
	guint width;
};

/* Cuts the text to what there is room for. How wide a terminal shows other characters varies. */
static void put(struct canvas *canvas, enum screen_style style, const char *text)
{
	g_autofree char *clean = printable(text);
	g_autofree char *ascii = g_str_to_ascii(clean, "C");
	g_autofree char *cut = g_strndup(ascii, MIN(strlen(ascii), canvas->width));

	screen_lines_add(canvas->lines, style, g_strchomp(cut));
}

static void putf(struct canvas *canvas, enum screen_style style, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static void putf(struct canvas *canvas, enum screen_style style, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	put(canvas, style, text);
}

/* --- What stands above the tables --- */

/* "1:02:03" */
static char *time_text(double seconds)
{
	const int64_t s = (int64_t)seconds;

	return g_strdup_printf("%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
			       (int)(s % 60));
}

static void put_title(struct canvas *canvas, const struct live_view *view)
{
	g_autofree char *elapsed = time_text(view->elapsed_s);
	g_autofree char *counted = view->counted_s < 0 ? NULL : time_text(view->counted_s);

	putf(canvas, view->n_lost ? SCREEN_WARNING : SCREEN_TITLE,
	     "colo-perf live %s%s  %" PRIu64 " hits, %" PRIu64 " lost%s%s  %s  every %g s", elapsed,
	     view->paused ? " PAUSED" : "", view->n_hits, view->n_lost,
	     counted ? "; counting for " : "", counted ? counted : "", view->source,
	     view->interval_s);
}

static void put_warnings(struct canvas *canvas, const GPtrArray *warnings, guint height)
{
	const guint n = MIN(warnings->len, height < HIGH ? 1 : MOST_WARNINGS);

	for (guint i = 0; i < n; i++) {
		const struct warning *warning = warnings->pdata[i];

		if (warnings->len == 1)
			putf(canvas, SCREEN_WARNING, "warning: %s", warning->message);
		else
			putf(canvas, SCREEN_WARNING, "warning %u of %u: %s", i + 1, warnings->len,
			     warning->message);
	}
}

/* --- Which sides, and how wide --- */

struct layout {
	struct live_columns columns;
	const char *next_side; /* for the line of the keys */
	bool beside;	       /* the recorder's table stands to the right of the phases */
};

/* As many as there is room for. */
static guint figures_in(guint width, guint n_sides)
{
	guint n = 1;

	while (n < LIVE_MOST_FIGURES && live_phases_width(n_sides, n + 1) <= width)
		n++;
	return n;
}

static bool has_room_for_both(guint width)
{
	return live_phases_width(2, LEAST_FIGURES) <= width;
}

/* What `s` shows next goes to `next`; NULL: there is but one side. */
static void choose_sides(struct live_columns *columns, const char **next,
			 const struct live_view *view, guint width)
{
	const bool both = has_room_for_both(width);
	const guint turn = both ? view->side_turn % 3 : view->side_turn % 2 + 1;

	*next = NULL;
	if (view->n_sides == 2 && turn) {
		columns->sides[0] = &view->sides[turn - 1];
		columns->n_sides = 1;
		*next = both && turn == 2
				? "both"
				: colo_role_name(view->sides[turn % 2].summary->session->role);
		return;
	}
	for (guint i = 0; i < view->n_sides; i++)
		columns->sides[i] = &view->sides[i];
	columns->n_sides = view->n_sides;
	if (view->n_sides == 2)
		*next = "side";
}

static struct layout layout_of(const struct live_view *view, guint width)
{
	struct layout layout = {0};
	guint n_sides, least, beside;

	choose_sides(&layout.columns, &layout.next_side, view, width);
	n_sides = layout.columns.n_sides;
	/* Who looks at one side wants all of its figures. */
	least = live_phases_width(n_sides, n_sides == 1 ? LIVE_MOST_FIGURES : LEAST_FIGURES);
	beside = GAP + live_recorder_width(n_sides);
	layout.beside = least + beside <= width;
	layout.columns.n_figures = figures_in(layout.beside ? width - beside : width, n_sides);
	return layout;
}

/* New tables (owned by the array). */
static GPtrArray *tables_of(const struct layout *layout)
{
	GPtrArray *tables = g_ptr_array_new_with_free_func((GDestroyNotify)live_table_free);
	const guint n_figures = layout->columns.n_figures, n_sides = layout->columns.n_sides;
	struct live_table *phases = live_table_of_phases(&layout->columns);
	struct live_columns narrow = layout->columns;
	struct live_table *recorder;

	if (layout->beside)
		narrow.n_figures = 1;
	recorder = live_table_of_recorder(&narrow);
	g_ptr_array_add(tables, phases);
	if (layout->beside) {
		live_table_put_beside(phases, live_phases_width(n_sides, n_figures) + GAP,
				      recorder);
		live_table_free(recorder);
	} else {
		g_ptr_array_add(tables, recorder);
	}
	return tables;
}

/* --- Pages --- */

/* The first row, without headings, that is not on a page yet. */
struct position {
	guint table, row;
};

/*
 * Fills `rows` (weak struct live_row; NULL: a gap) with what stands on the page that begins at
 * `from` and has `room` lines. Returns where the next page begins. A table that fits on a page of
 * its own is not split, and each part of one that does not has its heading.
 */
static struct position fill_page(GPtrArray *rows, const GPtrArray *tables, struct position from,
				 guint room)
{
	while (from.table < tables->len) {
		const GPtrArray *table = ((struct live_table *)tables->pdata[from.table])->rows;
		const guint wanted = 1 + table->len - from.row;

		if (rows->len && rows->len + wanted > room)
			break;
		if (rows->len && rows->len + wanted < room)
			g_ptr_array_add(rows, NULL);
		g_ptr_array_add(rows, table->pdata[0]);
		do
			g_ptr_array_add(rows, table->pdata[from.row++]);
		while (from.row < table->len && rows->len < room);
		if (from.row < table->len)
			break;
		from = (struct position){.table = from.table + 1, .row = 1};
	}
	return from;
}

/* Where the page begins that the user asked for; `page` becomes its number. */
static struct position find_page(const GPtrArray *tables, guint room, int *page)
{
	g_autoptr(GArray) begins = g_array_new(FALSE, FALSE, sizeof(struct position));
	struct position position = {.row = 1};
	int n_pages;

	while (position.table < tables->len) {
		g_autoptr(GPtrArray) rows = g_ptr_array_new();

		g_array_append_val(begins, position);
		position = fill_page(rows, tables, position, room);
	}
	n_pages = (int)begins->len;
	*page = (*page % n_pages + n_pages) % n_pages;
	return g_array_index(begins, struct position, *page);
}

/* What stands on the pages behind this one: "other, wait, recorder". */
static char *hidden_text(const GPtrArray *tables, struct position from)
{
	GString *text = g_string_new(NULL);

	for (; from.table < tables->len; from = (struct position){from.table + 1, 1}) {
		const struct live_table *table = tables->pdata[from.table];
		const guint left = table->rows->len - from.row;

		if (from.row == 1)
			g_string_append_printf(text, ", %s", table->name);
		else if (left > MOST_SUBJECTS)
			g_string_append_printf(text, ", %u more %s", left, table->name);
		else
			for (guint i = from.row; i < table->rows->len; i++)
				g_string_append_printf(
					text, ", %s",
					((struct live_row *)table->rows->pdata[i])->subject);
	}
	if (text->len)
		g_string_erase(text, 0, 2);
	return g_string_free(text, FALSE);
}

/* --- All of it --- */

/* How many lines put_keys() takes. */
static guint key_lines(guint width)
{
	return has_room_for_both(width) ? 1 : 2;
}

/* `next_side` and `hidden` are what `s` and `v` show; NULL or empty: there is nothing. */
static void put_keys(struct canvas *canvas, bool paused, const char *next_side, const char *hidden)
{
	g_autofree char *always =
		g_strdup_printf("q quit  r reset  p %s", paused ? "go on" : "pause");
	g_autoptr(GString) more = g_string_new(NULL);

	if (next_side)
		g_string_append_printf(more, "s %s", next_side);
	if (*hidden)
		g_string_append_printf(more, "%sv %s", more->len ? "  " : "", hidden);
	if (key_lines(canvas->width) == 1) {
		putf(canvas, SCREEN_PLAIN, "%s  %s", always, more->str);
		return;
	}
	put(canvas, SCREEN_PLAIN, always);
	put(canvas, SCREEN_PLAIN, more->str);
}

static void put_rows(struct canvas *canvas, const GPtrArray *rows)
{
	for (guint i = 0; i < rows->len; i++) {
		const struct live_row *row = rows->pdata[i];

		put(canvas, row ? row->style : SCREEN_PLAIN, row ? row->text : "");
	}
}

static void put_tables(struct canvas *canvas, struct live_view *view, guint height)
{
	const struct layout layout = layout_of(view, canvas->width);
	struct live_table *sides = live_table_of_sides(&layout.columns, view->now_ns);
	g_autoptr(GPtrArray) tables = tables_of(&layout), rows = g_ptr_array_new();
	g_autofree char *hidden = NULL;
	struct position begin, next;
	guint n_lines, room;

	put_rows(canvas, sides->rows);
	live_table_free(sides);
	n_lines = canvas->lines->len + key_lines(canvas->width);
	room = height > n_lines ? height - n_lines : 1;
	begin = find_page(tables, room, &view->page);
	next = fill_page(rows, tables, begin, room);
	put_rows(canvas, rows);
	hidden = hidden_text(tables, next);
	if (!*hidden && (begin.table || begin.row > 1)) {
		g_free(hidden);
		hidden = g_strdup("first page");
	}
	put_keys(canvas, view->paused, layout.next_side, hidden);
}

GPtrArray *live_view_lines(struct live_view *view, guint width, guint height)
{
	struct canvas canvas = {.lines = screen_lines_new(), .width = width};
	guint n_cut;

	put_title(&canvas, view);
	put_warnings(&canvas, view->warnings, height);
	if (view->n_hidden)
		putf(&canvas, SCREEN_PLAIN, "%u more sessions, in the report at the end",
		     view->n_hidden);
	if (view->n_sides) {
		put_tables(&canvas, view, height);
	} else {
		put(&canvas, SCREEN_PLAIN,
		    view->n_hits ? "no hit is counted yet" : "no COLO probe was hit yet");
		put_keys(&canvas, view->paused, NULL, "");
	}
	if (canvas.lines->len <= height || !height)
		return canvas.lines;
	n_cut = canvas.lines->len - height + 1;
	g_ptr_array_set_size(canvas.lines, (gint)(height - 1));
	putf(&canvas, SCREEN_WARNING, "... %u more lines: make the window higher", n_cut);
	return canvas.lines;
}
