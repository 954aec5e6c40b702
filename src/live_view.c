/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where there is room the recorder's fields stand beside the phases, otherwise above them:
 *
 *     title                              title
 *     sides, now, last                   sides, now, last
 *     recorder | phases                  recorder
 *                                        phases
 */
#include "live_view.h"

#include "base/printable.h"
#include "figures.h"
#include "warnings.h"

#include <inttypes.h>
#include <string.h>

#define NAME_WIDTH     12 /* of a phase */
#define FIGURE_WIDTH   8
#define FIELD_WIDTH    13 /* of a field of the recorder */
#define SIDE_WIDTH     16
#define RECORDER_WIDTH (FIELD_WIDTH + 2 * SIDE_WIDTH)
#define GAP	       3 /* between recorder and phases */
#define MOST_FIGURES   8 /* "last" and all columns */
#define MOST_WARNINGS  3
#define BESIDE_WIDTH   (RECORDER_WIDTH + GAP + NAME_WIDTH + 2 * 3 * FIGURE_WIDTH)

struct canvas {
	GPtrArray *lines; /* Owned by this: struct screen_line */
	guint width;
};

/* Cuts the text to what there is room for. How wide a terminal shows other characters varies. */
static void put(struct canvas *canvas, enum screen_style style, const char *text)
{
	g_autofree char *ascii = g_str_to_ascii(text, "C");
	g_autofree char *clean = printable(ascii);
	g_autofree char *cut = g_strndup(clean, MIN(strlen(clean), canvas->width));

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

	putf(canvas, SCREEN_TITLE, "colo-perf live %s  every %g s  %s%s", elapsed, view->interval_s,
	     view->source, view->paused ? "  PAUSED" : "");
	putf(canvas, view->n_lost ? SCREEN_WARNING : SCREEN_PLAIN,
	     "%" PRIu64 " hits, %" PRIu64 " lost%s%s", view->n_hits, view->n_lost,
	     counted ? "; counting for " : "", counted ? counted : "");
	putf(canvas, SCREEN_PLAIN, "q quit, r reset, p %s", view->paused ? "go on" : "pause");
}

static void put_warnings(struct canvas *canvas, const GPtrArray *warnings)
{
	for (guint i = 0; i < MIN(warnings->len, MOST_WARNINGS); i++)
		putf(canvas, SCREEN_WARNING, "warning: %s",
		     ((const struct warning *)warnings->pdata[i])->message);
	if (warnings->len > MOST_WARNINGS)
		putf(canvas, SCREEN_WARNING, "and %u more warnings, in the report at the end",
		     warnings->len - MOST_WARNINGS);
}

/* --- What a side does --- */

static char *now_text(const struct live_view *view, const struct live_side *side)
{
	const struct colo_session *session = side->summary->session;
	const struct live_now *now = &side->now;
	const char *what;

	if (session->exited)
		return g_strdup_printf("ended: %s", colo_exit_reason_name(session->exit_reason));
	if (!now->in_phase)
		return g_strdup("-");
	what = now->phase == COLO_PHASE_CHECKPOINT ? "other" : colo_phase_name(now->phase);
	if (view->now_ns < now->since_ns)
		return g_strdup(what);
	return g_strdup_printf("%s %.1f s", what, (double)(view->now_ns - now->since_ns) / 1e9);
}

static char *last_text(const struct live_side *side)
{
	const struct colo_checkpoint *last = side->now.last;

	if (!last)
		return g_strdup("-");
	return g_strdup_printf("%.3f ms",
			       (double)colo_window_ns(&last->windows[COLO_PHASE_CHECKPOINT]).value /
				       NS_PER_MS);
}

static char *seq_text(const struct live_side *side)
{
	if (!side->now.last)
		return g_strdup("-");
	return g_strdup_printf("seq %" PRIu64, side->now.last->seq);
}

/* A line of the upper table or of the recorder's: a name, and a text for each side (freed). */
static char *row_of(const char *name, char *texts[2], guint n)
{
	GString *row = g_string_new(NULL);

	g_string_append_printf(row, "%-*s", FIELD_WIDTH, name);
	for (guint i = 0; i < n; i++) {
		g_string_append_printf(row, " %*s", SIDE_WIDTH - 1, texts[i]);
		g_free(texts[i]);
	}
	return g_string_free(row, FALSE);
}

static void put_row(struct canvas *canvas, enum screen_style style, const char *name,
		    char *texts[2], guint n)
{
	g_autofree char *row = row_of(name, texts, n);

	put(canvas, style, row);
}

static void put_sides(struct canvas *canvas, const struct live_view *view)
{
	const guint n = view->n_sides;
	char *roles[2], *pids[2], *now[2], *last[2], *seqs[2];

	for (guint i = 0; i < n; i++) {
		const struct live_side *side = &view->sides[i];

		roles[i] = g_strdup(colo_role_name(side->summary->session->role));
		pids[i] = g_strdup_printf("pid %" PRIu32, side->summary->session->pid);
		now[i] = now_text(view, side);
		last[i] = last_text(side);
		seqs[i] = seq_text(side);
	}
	put_row(canvas, SCREEN_HEADING, "", roles, n);
	put_row(canvas, SCREEN_PLAIN, "", pids, n);
	put_row(canvas, SCREEN_ACTIVE, "now", now, n);
	put_row(canvas, SCREEN_PLAIN, "last", last, n);
	put_row(canvas, SCREEN_PLAIN, "", seqs, n);
}

/* --- The recorder's fields --- */

static GPtrArray *recorder_rows(const struct live_view *view)
{
	GPtrArray *rows = g_ptr_array_new_with_free_func(g_free);
	char *roles[2];

	for (guint i = 0; i < view->n_sides; i++)
		roles[i] = g_strdup(colo_role_name(view->sides[i].summary->session->role));
	g_ptr_array_add(rows, row_of("recorder", roles, view->n_sides));
	for (guint field = 0; field < report_n_recorder_fields; field++) {
		char *texts[2];

		for (guint i = 0; i < view->n_sides; i++)
			texts[i] = figure_of_field(
				&report_recorder_fields[field],
				report_recorder_value(&view->sides[i].summary->recorder, field));
		g_ptr_array_add(rows,
				row_of(report_recorder_fields[field].name, texts, view->n_sides));
	}
	return rows;
}

/* --- The phases --- */

static const struct colo_row *find_row(const struct colo_summary *summary, const char *name)
{
	for (guint i = 0; i < summary->n_rows; i++)
		if (!strcmp(summary->rows[i].name, name))
			return &summary->rows[i];
	return NULL;
}

/* How long it was in the last checkpoint. */
static struct colo_value last_ns(const struct live_side *side, const char *name)
{
	const struct colo_checkpoint *last = side->now.last;

	if (!last)
		return (struct colo_value){0};
	if (!strcmp(name, "other") || !strcmp(name, "pause")) {
		/* Of one that may still change it is not decided what it is. */
		struct colo_checkpoint complete = *last;

		complete.state = COLO_CHECKPOINT_COMPLETE;
		return *name == 'o'
			       ? colo_checkpoint_other_ns(side->summary->session->role, &complete)
			       : colo_checkpoint_pause_ns(&complete);
	}
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		if (!strcmp(name, colo_phase_name(phase)))
			return colo_window_ns(&last->windows[phase]);
	return (struct colo_value){0};
}

/* The figures of a side in a row; `n` of them, the last checkpoint's first. */
static void append_figures(GString *line, const struct live_side *side, const char *name, guint n)
{
	const struct colo_row *row = find_row(side->summary, name);
	const struct colo_value last = last_ns(side, name);
	char text[FIGURE_SIZE];

	if (!row) {
		g_string_append_printf(line, "%*s", (int)(n * FIGURE_WIDTH), "");
		return;
	}
	g_string_append_printf(line, " %*s", FIGURE_WIDTH - 1,
			       last.known ? figure_of(text, (double)last.value / NS_PER_MS) : "-");
	for (guint i = 0; i < n_figure_columns; i++)
		if (figure_columns[i].place < n)
			g_string_append_printf(
				line, " %*s", FIGURE_WIDTH - 1,
				figure_in_column(text, &figure_columns[i], &row->ns, NS_PER_MS));
}

static void append_titles(GString *line, guint n)
{
	g_string_append_printf(line, " %*s", FIGURE_WIDTH - 1, "last");
	for (guint i = 0; i < n_figure_columns; i++)
		if (figure_columns[i].place < n)
			g_string_append_printf(line, " %*s", FIGURE_WIDTH - 1,
					       figure_columns[i].title);
}

/* As many as there is room for. */
static guint figures_a_side(const struct live_view *view, guint width)
{
	const guint room = width > NAME_WIDTH ? width - NAME_WIDTH : 0;

	return CLAMP(room / (FIGURE_WIDTH * MAX(view->n_sides, 1)), 1, MOST_FIGURES);
}

static bool is_a_part(const struct live_view *view, const char *name)
{
	for (guint i = 0; i < view->n_sides; i++) {
		const struct colo_row *row = find_row(view->sides[i].summary, name);

		if (row)
			return row->kind == COLO_ROW_PART;
	}
	return false;
}

static bool is_shown(const struct live_view *view, const char *name)
{
	for (guint i = 0; i < view->n_sides; i++)
		if (find_row(view->sides[i].summary, name))
			return true;
	return false;
}

static char *phase_row(const struct live_view *view, const char *name, guint n)
{
	GString *line = g_string_new(NULL);

	g_string_append_printf(line, "%s%-*s", is_a_part(view, name) ? "  " : "",
			       NAME_WIDTH - (is_a_part(view, name) ? 2 : 0), name);
	for (guint i = 0; i < view->n_sides; i++)
		append_figures(line, &view->sides[i], name, n);
	return g_string_free(line, FALSE);
}

static char *phase_titles(const struct live_view *view, guint n)
{
	GString *line = g_string_new(NULL);

	g_string_append_printf(line, "%-*s", NAME_WIDTH, "phase, ms");
	for (guint i = 0; i < view->n_sides; i++)
		append_titles(line, n);
	return g_string_free(line, FALSE);
}

/* Whose figures are below. */
static char *phase_sides(const struct live_view *view, guint n)
{
	GString *line = g_string_new(NULL);

	g_string_append_printf(line, "%-*s", NAME_WIDTH, "");
	for (guint i = 0; i < view->n_sides; i++)
		g_string_append_printf(line, "%*s", (int)(n * FIGURE_WIDTH),
				       colo_role_name(view->sides[i].summary->session->role));
	return g_string_free(line, FALSE);
}

static GPtrArray *phase_rows(const struct live_view *view, guint width)
{
	GPtrArray *rows = g_ptr_array_new_with_free_func(g_free);
	const guint n = figures_a_side(view, width);
	static const char *const rest[] = {"other", "wait", "pause"};

	g_ptr_array_add(rows, phase_sides(view, n));
	g_ptr_array_add(rows, phase_titles(view, n));
	g_ptr_array_add(rows, phase_row(view, colo_phase_name(COLO_PHASE_CHECKPOINT), n));
	for (unsigned int phase = 0; phase < COLO_PHASE_WAIT; phase++)
		if (is_shown(view, colo_phase_name(phase)))
			g_ptr_array_add(rows, phase_row(view, colo_phase_name(phase), n));
	for (size_t i = 0; i < G_N_ELEMENTS(rest); i++)
		g_ptr_array_add(rows, phase_row(view, rest[i], n));
	return rows;
}

/* --- All of it --- */

static void put_all(struct canvas *canvas, const GPtrArray *rows, guint n_headings)
{
	for (guint i = 0; i < rows->len; i++)
		put(canvas, i < n_headings ? SCREEN_HEADING : SCREEN_PLAIN, rows->pdata[i]);
}

static void put_beside(struct canvas *canvas, const GPtrArray *left, const GPtrArray *right)
{
	for (guint i = 0; i < MAX(left->len, right->len); i++)
		putf(canvas, i == 0 ? SCREEN_HEADING : SCREEN_PLAIN, "%-*s%*s%s", RECORDER_WIDTH,
		     i < left->len ? (char *)left->pdata[i] : "", GAP, "",
		     i < right->len ? (char *)right->pdata[i] : "");
}

static void put_tables(struct canvas *canvas, const struct live_view *view)
{
	const bool beside = canvas->width >= BESIDE_WIDTH;
	g_autoptr(GPtrArray) recorder = recorder_rows(view);
	g_autoptr(GPtrArray) phases =
		phase_rows(view, beside ? canvas->width - RECORDER_WIDTH - GAP : canvas->width);

	put_sides(canvas, view);
	put(canvas, SCREEN_PLAIN, "");
	if (beside) {
		put_beside(canvas, recorder, phases);
		return;
	}
	put_all(canvas, recorder, 1);
	put(canvas, SCREEN_PLAIN, "");
	put_all(canvas, phases, 2);
}

GPtrArray *live_view_lines(const struct live_view *view, guint width, guint height)
{
	struct canvas canvas = {.lines = screen_lines_new(), .width = width};
	guint n_cut;

	put_title(&canvas, view);
	put_warnings(&canvas, view->warnings);
	if (view->n_sides)
		put_tables(&canvas, view);
	else
		put(&canvas, SCREEN_PLAIN, "no COLO probe was hit yet");
	if (view->n_hidden)
		putf(&canvas, SCREEN_PLAIN, "%u more sessions, in the report at the end",
		     view->n_hidden);
	if (canvas.lines->len <= height || !height)
		return canvas.lines;
	n_cut = canvas.lines->len - height + 1;
	g_ptr_array_set_size(canvas.lines, (gint)(height - 1));
	putf(&canvas, SCREEN_WARNING, "... %u more lines: make the window higher", n_cut);
	return canvas.lines;
}
