/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All tables have the same columns, so that what belongs to a side stands in one column:
 *
 *                  primary pid 11  secondary pid 12
 *     now              wait 0.2 s         ram 0.2 s
 *     phase, ms       last    p50     last    p50
 *     recorder
 *     tot_num                   3                 3
 */
#include "live_tables.h"

#include "figures.h"

#include <inttypes.h>
#include <string.h>

#define NAME_WIDTH   12 /* of a phase or a field */
#define FIGURE_WIDTH 8
#define LEAST_SIDE   16 /* of a side's text */
#define MOST_ALONE   24
#define NS_PER_S     1e9
#define ROUNDED_S    100 /* from here on without decimals */

guint live_phases_width(guint n_sides, guint n_figures)
{
	return NAME_WIDTH + n_sides * n_figures * FIGURE_WIDTH;
}

guint live_recorder_width(guint n_sides)
{
	return NAME_WIDTH + n_sides * LEAST_SIDE;
}

/* Of a text: below its figures, but not far away from its name. */
static guint side_width(const struct live_columns *columns)
{
	const guint width = columns->n_figures * FIGURE_WIDTH;

	return CLAMP(width, LEAST_SIDE, columns->n_sides == 1 ? MOST_ALONE : G_MAXUINT);
}

/* --- Rows --- */

static void live_row_free(gpointer data)
{
	struct live_row *row = data;

	g_free(row->text);
	g_free(row);
}

static struct live_table *live_table_new(const char *name)
{
	struct live_table *table = g_new0(struct live_table, 1);

	table->name = name;
	table->rows = g_ptr_array_new_with_free_func(live_row_free);
	return table;
}

void live_table_free(struct live_table *table)
{
	if (!table)
		return;
	g_ptr_array_unref(table->rows);
	g_free(table);
}

/* Takes `text` over. */
static void add_row(struct live_table *table, enum screen_style style, const char *subject,
		    char *text)
{
	struct live_row *row = g_new(struct live_row, 1);

	*row = (struct live_row){.text = text, .style = style, .subject = subject};
	g_ptr_array_add(table->rows, row);
}

/* A row with a text of each side. */
static void add_texts(struct live_table *table, enum screen_style style, const char *subject,
		      const struct live_columns *columns,
		      char *(*text_of)(const struct live_side *side, guint width, const void *data),
		      const void *data)
{
	GString *row = g_string_new(NULL);
	const guint width = side_width(columns);

	g_string_append_printf(row, "%-*s", NAME_WIDTH, subject ? subject : "");
	for (guint i = 0; i < columns->n_sides; i++) {
		g_autofree char *text = text_of(columns->sides[i], width - 1, data);

		g_string_append_printf(row, " %*.*s", (int)width - 1, (int)width - 1, text);
	}
	add_row(table, style, subject, g_string_free(row, FALSE));
}

void live_table_put_beside(struct live_table *left, guint left_width,
			   const struct live_table *right)
{
	for (guint i = 0; i < right->rows->len; i++) {
		const struct live_row *other = right->rows->pdata[i];
		struct live_row *row;
		char *text;

		if (i == left->rows->len)
			add_row(left, other->style, other->subject, g_strdup(""));
		row = left->rows->pdata[i];
		text = g_strdup_printf("%-*s%s", (int)left_width, row->text, other->text);
		g_free(row->text);
		row->text = text;
	}
}

/* --- What a side does --- */

/* "primary pid 11", or without the pid where there is no room for it */
static char *who_text(const struct live_side *side, guint width, const void *data G_GNUC_UNUSED)
{
	const struct colo_session *session = side->summary->session;
	const char *role = colo_role_name(session->role);
	g_autofree char *text = g_strdup_printf("%s pid %" PRIu32, role, session->pid);

	return strlen(text) <= width ? g_steal_pointer(&text) : g_strdup(role);
}

static char *now_text(const struct live_side *side, guint width G_GNUC_UNUSED, const void *data)
{
	const uint64_t now_ns = *(const uint64_t *)data;
	const struct live_now *now = &side->now;
	const char *what;
	double seconds;

	if (now->exited)
		return g_strdup_printf("ended: %s", colo_exit_reason_name(now->exit_reason));
	if (!now->in_phase)
		return g_strdup("-");
	what = now->phase == COLO_PHASE_CHECKPOINT ? "other" : colo_phase_name(now->phase);
	if (now_ns < now->since_ns)
		return g_strdup(what);
	seconds = (double)(now_ns - now->since_ns) / NS_PER_S;
	return g_strdup_printf("%s %.*f s", what, seconds < ROUNDED_S ? 1 : 0, seconds);
}

/* "seq 3, 5.100 ms", or its number alone */
static char *last_text(const struct live_side *side, guint width, const void *data G_GNUC_UNUSED)
{
	const struct colo_checkpoint *last = &side->now.last;
	const struct colo_value time = colo_window_ns(&last->windows[COLO_PHASE_CHECKPOINT]);
	g_autofree char *text = NULL;
	char figure[FIGURE_SIZE];

	if (!side->now.has_last)
		return g_strdup("-");
	text = g_strdup_printf("seq %" PRIu64 ", %s ms", last->seq,
			       figure_of(figure, (double)time.value / NS_PER_MS));
	return strlen(text) <= width ? g_steal_pointer(&text)
				     : g_strdup_printf("seq %" PRIu64, last->seq);
}

struct live_table *live_table_of_sides(const struct live_columns *columns, uint64_t now_ns)
{
	struct live_table *table = live_table_new("now");

	add_texts(table, SCREEN_HEADING, NULL, columns, who_text, NULL);
	add_texts(table, SCREEN_ACTIVE, "now", columns, now_text, &now_ns);
	add_texts(table, SCREEN_PLAIN, "last", columns, last_text, NULL);
	return table;
}

/* --- The recorder's fields --- */

static char *field_text(const struct live_side *side, guint width G_GNUC_UNUSED, const void *data)
{
	const guint field = *(const guint *)data;

	return figure_of_field(&report_recorder_fields[field],
			       report_recorder_value(&side->summary->recorder, field));
}

static char *role_text(const struct live_side *side, guint width G_GNUC_UNUSED,
		       const void *data G_GNUC_UNUSED)
{
	return g_strdup(colo_role_name(side->summary->session->role));
}

struct live_table *live_table_of_recorder(const struct live_columns *columns)
{
	struct live_table *table = live_table_new("recorder");

	add_texts(table, SCREEN_HEADING, "recorder", columns, role_text, NULL);
	for (guint field = 0; field < report_n_recorder_fields; field++)
		add_texts(table, SCREEN_PLAIN, report_recorder_fields[field].name, columns,
			  field_text, &field);
	return table;
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
	/* Of one that may still change it is not decided what it is. */
	struct colo_checkpoint last = side->now.last;

	last.state = COLO_CHECKPOINT_COMPLETE;
	if (!side->now.has_last)
		return (struct colo_value){0};
	if (!strcmp(name, "other"))
		return colo_checkpoint_other_ns(side->summary->session->role, &last);
	if (!strcmp(name, "pause"))
		return colo_checkpoint_pause_ns(&last);
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		if (!strcmp(name, colo_phase_name(phase)))
			return colo_window_ns(&last.windows[phase]);
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

/* One table of phases has the rows of all sides. */
static const struct colo_row *find_on_any_side(const struct live_columns *columns, const char *name)
{
	const struct colo_row *row = NULL;

	for (guint i = 0; i < columns->n_sides && !row; i++)
		row = find_row(columns->sides[i]->summary, name);
	return row;
}

static void add_phase(struct live_table *table, const struct live_columns *columns,
		      const char *name)
{
	const struct colo_row *row = find_on_any_side(columns, name);
	const char *indent = row && row->kind == COLO_ROW_PART ? "  " : "";
	GString *line;

	if (!row)
		return;
	line = g_string_new(NULL);
	g_string_append_printf(line, "%s%-*s", indent, NAME_WIDTH - (int)strlen(indent), name);
	for (guint i = 0; i < columns->n_sides; i++)
		append_figures(line, columns->sides[i], name, columns->n_figures);
	add_row(table, SCREEN_PLAIN, name, g_string_free(line, FALSE));
}

struct live_table *live_table_of_phases(const struct live_columns *columns)
{
	struct live_table *table = live_table_new("phases");
	GString *titles = g_string_new(NULL);

	g_string_append_printf(titles, "%-*s", NAME_WIDTH, "phase, ms");
	for (guint i = 0; i < columns->n_sides; i++)
		append_titles(titles, columns->n_figures);
	add_row(table, SCREEN_HEADING, NULL, g_string_free(titles, FALSE));
	/* What matters first stands first: the end may be on another page. */
	add_phase(table, columns, colo_phase_name(COLO_PHASE_CHECKPOINT));
	add_phase(table, columns, "pause");
	for (unsigned int phase = 0; phase < COLO_PHASE_WAIT; phase++)
		add_phase(table, columns, colo_phase_name(phase));
	add_phase(table, columns, "other");
	add_phase(table, columns, colo_phase_name(COLO_PHASE_WAIT));
	return table;
}
