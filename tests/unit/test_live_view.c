/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * live_counts and live_view: what the live view says at a moment and after a reset, as the text
 * that terminals of 60 x 20, 80 x 24 and 120 x 50 show, and others.
 */
#include "live_view.h"
#include "recording_file.h"
#include "warnings.h"

#include <string.h>

/* --- Hits, each 100 us behind the one before --- */

struct teller {
	struct live_counts *counts;
	uint64_t now_ns;
};

static struct teller teller_new(void)
{
	const struct dso_options symbols = {0};
	struct recording *recording = recording_new("pid 11, 12");

	recording->dsos = dso_table_new(&symbols);
	recording->tasks = tasks_new(recording->dsos);
	tasks_settle(recording->tasks);
	return (struct teller){.counts = live_counts_new(recording), .now_ns = 1000000};
}

static void hit(struct teller *teller, enum colo_role role, const char *name, int64_t seq,
		int64_t third)
{
	const struct colo_hit told = {
		.time_ns = teller->now_ns,
		.pid = 10 + role,
		.tid = 20 + role,
		.probe = colo_probe_find(name),
		.args = {role, seq, third, 256, 0, 4096},
	};

	g_assert_nonnull(told.probe);
	live_counts_recording(teller->counts)->n_probe_hits++;
	live_counts_add(teller->counts, &told);
	teller->now_ns += 100000;
}

static void begin(struct teller *teller, enum colo_role role, enum colo_phase phase, int64_t seq)
{
	g_autofree char *name = g_strdup_printf("colo_%s_begin", colo_phase_name(phase));

	hit(teller, role, name, seq, 0);
}

static void end(struct teller *teller, enum colo_role role, enum colo_phase phase, int64_t seq)
{
	g_autofree char *name = g_strdup_printf("colo_%s_end", colo_phase_name(phase));

	hit(teller, role, name, seq, phase == COLO_PHASE_CHECKPOINT ? 0 : 1000 * seq);
}

static void checkpoint(struct teller *teller, enum colo_role role, int64_t seq)
{
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	begin(teller, role, COLO_PHASE_WAIT, seq);
	teller->now_ns += (uint64_t)seq * 10000000;
	end(teller, role, COLO_PHASE_WAIT, seq);
	begin(teller, role, COLO_PHASE_CHECKPOINT, seq);
	for (guint i = 0; i < n; i++) {
		begin(teller, role, phases[i], seq);
		teller->now_ns += (uint64_t)seq * 100000;
		end(teller, role, phases[i], seq);
	}
	end(teller, role, COLO_PHASE_CHECKPOINT, seq);
}

/* Three checkpoints of both sides, then the primary waits and the secondary is in its ram. */
static struct teller tell_pair(void)
{
	struct teller teller = teller_new();

	for (int64_t seq = 1; seq <= 3; seq++) {
		checkpoint(&teller, COLO_ROLE_PRIMARY, seq);
		checkpoint(&teller, COLO_ROLE_SECONDARY, seq);
	}
	begin(&teller, COLO_ROLE_PRIMARY, COLO_PHASE_WAIT, 4);
	begin(&teller, COLO_ROLE_SECONDARY, COLO_PHASE_CHECKPOINT, 4);
	begin(&teller, COLO_ROLE_SECONDARY, COLO_PHASE_RAM, 4);
	live_counts_settle(teller.counts, UINT64_MAX);
	return teller;
}

/* --- What is shown --- */

static struct live_view view_of(const struct teller *teller, const struct live_report *report)
{
	struct live_view view = {
		.source = "pid 11, 12",
		.interval_s = 0.5,
		.elapsed_s = 3723,
		.counted_s = -1,
		.n_hits = live_counts_recording(teller->counts)->n_probe_hits,
		.now_ns = teller->now_ns + 200000000,
		.warnings = report->warnings,
	};

	for (guint i = 0; i < report->summaries->len; i++) {
		const struct colo_summary *summary = report->summaries->pdata[i];

		view.sides[view.n_sides++] = (struct live_side){
			.summary = summary, .now = live_now_of(teller->counts, summary->session)};
	}
	return view;
}

static char *text_of(struct live_view *view, guint width, guint height)
{
	g_autoptr(GPtrArray) lines = live_view_lines(view, width, height);
	GString *text = g_string_new(NULL);

	g_assert_cmpuint(lines->len, <=, height);
	for (guint i = 0; i < lines->len; i++) {
		const struct screen_line *line = lines->pdata[i];

		g_assert_cmpuint(strlen(line->text), <=, width);
		g_string_append_printf(text, "%s\n", line->text);
	}
	return g_string_free(text, FALSE);
}

static char *show(const struct teller *teller, guint width, guint height)
{
	struct live_report *report = live_report_new(teller->counts, true);
	struct live_view view = view_of(teller, report);
	char *text = text_of(&view, width, height);

	live_report_free(report);
	return text;
}

/* clang-format off */
/* The title and the line of the keys, which are the same in each width from 60 on. */
#define TITLE "colo-perf live 1:02:03  153 hits, 0 lost  pid 11, 12"
#define KEYS  "q quit  r reset  p pause"

#define SIDES_AT_60 \
	TITLE "  every\n" \
	"                      primary pid 11        secondary pid 12\n" \
	"now                       wait 0.2 s               ram 0.2 s\n" \
	"last                 seq 3, 5.100 ms         seq 3, 5.600 ms\n"

static const char at_60[] =
	SIDES_AT_60
	"phase, ms       last     p50     p99    last     p50     p99\n"
	"checkpoint     5.100   4.100   5.100   5.600   4.500   5.600\n"
	"pause          4.400   3.500   4.400   4.900   3.900   4.900\n"
	"  request      0.400   0.300   0.400\n"
	"  stop         0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  reply                                0.400   0.300   0.400\n"
	"  block        0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  dev          0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  ram          0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  vmstate      0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  received     0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  flush                                0.400   0.300   0.400\n"
	"  net          0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  loaded       0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  resume       0.400   0.300   0.400   0.400   0.300   0.400\n"
	KEYS "  s side  v other, wait, recorder\n";

static const char second_page_at_60[] =
	SIDES_AT_60
	"phase, ms       last     p50     p99    last     p50     p99\n"
	"  other        1.100   1.100   1.100   1.200   1.200   1.200\n"
	"wait          30.100  20.100  30.100  30.100  20.100  30.100\n"
	"recorder                     primary               secondary\n"
	"tot_time                   12.300 ms               13.500 ms\n"
	"tot_num                            3                       3\n"
	"avg_time                    4.100 ms                4.500 ms\n"
	"init_time                          -                       -\n"
	"wait_time                  20.100 ms               20.100 ms\n"
	"stat_time                   1.200 ms                0.800 ms\n"
	"dev_time                    0.300 ms                0.300 ms\n"
	"ram_time                    0.300 ms                0.300 ms\n"
	"vmstate_time                0.300 ms                0.300 ms\n"
	"ram_size                  2000 bytes              2000 bytes\n"
	"dev_size                  2000 bytes              2000 bytes\n"
	KEYS "  s side  v first page\n";

static const char at_80[] =
	TITLE "  every 0.5 s\n"
	"                              primary pid 11                secondary pid 12\n"
	"now                               wait 0.2 s                       ram 0.2 s\n"
	"last                         seq 3, 5.100 ms                 seq 3, 5.600 ms\n"
	"phase, ms       last    mean     p50     p99    last    mean     p50     p99\n"
	"checkpoint     5.100   4.100   4.100   5.100   5.600   4.500   4.500   5.600\n"
	"pause          4.400   3.500   3.500   4.400   4.900   3.900   3.900   4.900\n"
	"  request      0.400   0.300   0.300   0.400\n"
	"  stop         0.400   0.300   0.300   0.400   0.400   0.300   0.300   0.400\n"
	"  reply                                        0.400   0.300   0.300   0.400\n"
	"  block        0.400   0.300   0.300   0.400   0.400   0.300   0.300   0.400\n"
	"  dev          0.400   0.300   0.300   0.400   0.400   0.300   0.300   0.400\n"
	"  ram          0.400   0.300   0.300   0.400   0.400   0.300   0.300   0.400\n"
	"  vmstate      0.400   0.300   0.300   0.400   0.400   0.300   0.300   0.400\n"
	"  received     0.400   0.300   0.300   0.400   0.400   0.300   0.300   0.400\n"
	"  flush                                        0.400   0.300   0.300   0.400\n"
	"  net          0.400   0.300   0.300   0.400   0.400   0.300   0.300   0.400\n"
	"  loaded       0.400   0.300   0.300   0.400   0.400   0.300   0.300   0.400\n"
	"  resume       0.400   0.300   0.300   0.400   0.400   0.300   0.300   0.400\n"
	"  other        1.100   1.100   1.100   1.100   1.200   1.200   1.200   1.200\n"
	"wait          30.100  20.100  20.100  30.100  30.100  20.100  20.100  30.100\n"
	KEYS "  s side  v recorder\n";

/* All columns of one side. */
static const char secondary_at_80[] =
	TITLE "  every 0.5 s\n"
	"                    secondary pid 12\n"
	"now                        ram 0.2 s\n"
	"last                 seq 3, 5.600 ms\n"
	"phase, ms       last    mean     min     p50     p90     p99     max  stddev\n"
	"checkpoint     5.600   4.500   3.400   4.500   5.600   5.600   5.600   1.100\n"
	"pause          4.900   3.900   2.900   3.900   4.900   4.900   4.900   1.000\n"
	"  stop         0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  reply        0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  block        0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  dev          0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  ram          0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  vmstate      0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  received     0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  flush        0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  net          0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  loaded       0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  resume       0.400   0.300   0.200   0.300   0.400   0.400   0.400   0.100\n"
	"  other        1.200   1.200   1.200   1.200   1.200   1.200   1.200   0.000\n"
	"wait          30.100  20.100  10.100  20.100  30.100  30.100  30.100  10.000\n"
	KEYS "  s both  v recorder\n";

static const char at_120[] =
	TITLE "  every 0.5 s\n"
	"                      primary pid 11        secondary pid 12\n"
	"now                       wait 0.2 s               ram 0.2 s\n"
	"last                 seq 3, 5.100 ms         seq 3, 5.600 ms\n"
	"phase, ms       last     p50     p99    last     p50     p99   recorder             primary       secondary\n"
	"checkpoint     5.100   4.100   5.100   5.600   4.500   5.600   tot_time           12.300 ms       13.500 ms\n"
	"pause          4.400   3.500   4.400   4.900   3.900   4.900   tot_num                    3               3\n"
	"  request      0.400   0.300   0.400                           avg_time            4.100 ms        4.500 ms\n"
	"  stop         0.400   0.300   0.400   0.400   0.300   0.400   init_time                  -               -\n"
	"  reply                                0.400   0.300   0.400   wait_time          20.100 ms       20.100 ms\n"
	"  block        0.400   0.300   0.400   0.400   0.300   0.400   stat_time           1.200 ms        0.800 ms\n"
	"  dev          0.400   0.300   0.400   0.400   0.300   0.400   dev_time            0.300 ms        0.300 ms\n"
	"  ram          0.400   0.300   0.400   0.400   0.300   0.400   ram_time            0.300 ms        0.300 ms\n"
	"  vmstate      0.400   0.300   0.400   0.400   0.300   0.400   vmstate_time        0.300 ms        0.300 ms\n"
	"  received     0.400   0.300   0.400   0.400   0.300   0.400   ram_size          2000 bytes      2000 bytes\n"
	"  flush                                0.400   0.300   0.400   dev_size          2000 bytes      2000 bytes\n"
	"  net          0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  loaded       0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  resume       0.400   0.300   0.400   0.400   0.300   0.400\n"
	"  other        1.100   1.100   1.100   1.200   1.200   1.200\n"
	"wait          30.100  20.100  30.100  30.100  20.100  30.100\n"
	KEYS "  s side\n";

/* Too narrow for both sides. */
static const char at_40[] =
	"colo-perf live 1:02:03  153 hits, 0 lost\n"
	"                    secondary pid 12\n"
	"now                        ram 0.2 s\n"
	"last                 seq 3, 5.600 ms\n"
	"phase, ms       last     p50     p99\n"
	"checkpoint     5.600   4.500   5.600\n"
	"pause          4.900   3.900   4.900\n"
	"  stop         0.400   0.300   0.400\n"
	"  reply        0.400   0.300   0.400\n"
	KEYS "\n"
	"s primary  v 11 more phases, recorder\n";
/* clang-format on */

static const struct layout {
	const char *name;
	guint width, height;
	int page;
	guint side_turn;
	const char *text;
	int shown_page;
} layouts[] = {
	{"60x20", 60, 20, 0, 0, at_60, 0},
	{"60x20-second-page", 60, 20, 1, 0, second_page_at_60, 1},
	{"60x20-page-before-the-first", 60, 20, -1, 0, second_page_at_60, 1},
	{"60x20-third-page-is-the-first", 60, 20, 2, 3, at_60, 0},
	{"80x24", 80, 24, 0, 0, at_80, 0},
	{"80x24-one-side", 80, 24, 0, 2, secondary_at_80, 0},
	{"120x50", 120, 50, 0, 0, at_120, 0},
	{"120x24", 120, 24, 0, 0, at_120, 0},
	{"40x11", 40, 11, 0, 1, at_40, 0},
};

static void test_layout(gconstpointer data)
{
	const struct layout *layout = data;
	const struct teller teller = tell_pair();
	struct live_report *report = live_report_new(teller.counts, true);
	struct live_view view = view_of(&teller, report);
	g_autofree char *text = NULL;

	view.page = layout->page;
	view.side_turn = layout->side_turn;
	text = text_of(&view, layout->width, layout->height);
	g_assert_cmpstr(text, ==, layout->text);
	g_assert_cmpint(view.page, ==, layout->shown_page);
	live_report_free(report);
	live_counts_free(teller.counts);
}

/* Whether one of the lines begins with these words. */
static bool has_line(const char *text, const char *words)
{
	g_autofree char *start = g_strconcat("\n", words, " ", NULL);

	return strstr(text, start) != NULL;
}

/* A terminal as it comes shows what matters without any key. */
static void test_phases_at_once(void)
{
	static const guint sizes[][2] = {{60, 20}, {80, 24}, {120, 50}};
	static const char *const always[] = {"now", "last", "checkpoint", "pause"};
	const struct teller teller = tell_pair();

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *text = show(&teller, sizes[i][0], sizes[i][1]);

		for (unsigned int phase = 0; phase < COLO_PHASE_WAIT; phase++) {
			g_autofree char *row = g_strconcat("  ", colo_phase_name(phase), NULL);

			g_assert_true(has_line(text, row));
		}
		for (size_t j = 0; j < G_N_ELEMENTS(always); j++)
			g_assert_true(has_line(text, always[j]));
	}
	live_counts_free(teller.counts);
}

/* In any size in which a row fits, `v` and `s` come by all that there is. */
static void test_all_is_reached(void)
{
	const struct teller teller = tell_pair();
	struct live_report *report = live_report_new(teller.counts, true);
	struct live_view view = view_of(&teller, report);

	for (guint width = 40; width < 130; width += 9) {
		for (guint height = 9; height < 40; height++) {
			g_autoptr(GString) all = g_string_new(NULL);

			for (view.side_turn = 0; view.side_turn < 3; view.side_turn++) {
				for (int page = 0; page < 30; page++) {
					g_autofree char *text = text_of(&view, width, height);

					g_string_append(all, text);
					view.page++;
				}
			}
			for (unsigned int phase = 0; phase < COLO_PHASE_WAIT; phase++) {
				g_autofree char *row =
					g_strconcat("  ", colo_phase_name(phase), NULL);

				g_assert_true(has_line(all->str, row));
			}
			g_assert_true(has_line(all->str, "wait"));
			g_assert_nonnull(strstr(all->str, "dev_size "));
			g_assert_nonnull(strstr(all->str, "primary pid 11"));
			g_assert_nonnull(strstr(all->str, "secondary pid 12"));
		}
	}
	live_report_free(report);
	live_counts_free(teller.counts);
}

/* Any size: nothing is wider or higher, and what is not there is said. */
static void test_sizes(void)
{
	const struct teller teller = tell_pair();

	for (guint width = 1; width < 200; width++) {
		for (guint height = 1; height < 50; height += 7) {
			g_autofree char *text = show(&teller, width, height);

			if (width >= 60 && height < 20)
				g_assert_nonnull(strstr(text, height < 8 ? "more lines" : "  v "));
		}
	}
	live_counts_free(teller.counts);
}

static void test_nothing(void)
{
	const struct teller teller = teller_new();
	g_autofree char *text = show(&teller, 80, 24);

	g_assert_nonnull(strstr(text, "no COLO probe was hit yet"));
	g_assert_nonnull(strstr(text, "q quit"));
	live_counts_free(teller.counts);
}

static void test_paused_and_lost(void)
{
	const struct teller teller = tell_pair();
	struct live_report *report = live_report_new(teller.counts, true);
	struct live_view view = view_of(&teller, report);
	g_autofree char *text = NULL;

	view.paused = true;
	view.n_lost = 17;
	view.counted_s = 61;
	view.n_hidden = 2;
	text = text_of(&view, 80, 24);
	g_assert_nonnull(strstr(text, " PAUSED "));
	g_assert_nonnull(strstr(text, "17 lost; counting for 0:01:01  "));
	g_assert_nonnull(strstr(text, "p go on"));
	g_assert_nonnull(strstr(text, "2 more sessions"));
	live_report_free(report);
	live_counts_free(teller.counts);
}

/* What was looked at stays as it is when more is counted: `p` and then `v` show one moment. */
static void test_look_stays(void)
{
	struct teller teller = tell_pair();
	struct live_report *report = live_report_new(teller.counts, true);
	struct live_view view = view_of(&teller, report);
	g_autofree char *before = text_of(&view, 60, 60), *after = NULL;

	end(&teller, COLO_ROLE_SECONDARY, COLO_PHASE_RAM, 4);
	end(&teller, COLO_ROLE_SECONDARY, COLO_PHASE_CHECKPOINT, 4);
	for (int64_t seq = 5; seq <= 9; seq++)
		checkpoint(&teller, COLO_ROLE_SECONDARY, seq);
	hit(&teller, COLO_ROLE_SECONDARY, "colo_exit", 1, 0);
	live_counts_settle(teller.counts, UINT64_MAX);
	after = text_of(&view, 60, 60);
	g_assert_cmpstr(after, ==, before);
	live_report_free(report);
	live_counts_free(teller.counts);
}

/* One warning in a low window, three in a high one, and how many there are. */
static void test_warnings(void)
{
	static const guint heights[] = {24, 50}, shown[] = {1, 3};
	const struct teller teller = tell_pair();
	struct live_report *report = live_report_new(teller.counts, true);
	struct live_view view = view_of(&teller, report);
	struct warning warnings[4];
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	for (size_t i = 0; i < G_N_ELEMENTS(warnings); i++) {
		warnings[i] = (struct warning){.message = (char *)"something"};
		g_ptr_array_add(list, &warnings[i]);
	}
	view.warnings = list;
	for (size_t i = 0; i < G_N_ELEMENTS(heights); i++) {
		g_autofree char *text = text_of(&view, 80, heights[i]);
		g_autofree char *last =
			g_strdup_printf("\nwarning %u of 4: something\n ", shown[i]);

		g_assert_nonnull(strstr(text, "\nwarning 1 of 4: something\n"));
		g_assert_nonnull(strstr(text, last));
		g_assert_true(has_line(text, "wait"));
	}
	g_ptr_array_set_size(list, 1);
	{
		g_autofree char *text = text_of(&view, 80, 24);

		g_assert_nonnull(strstr(text, "\nwarning: something\n"));
	}
	live_report_free(report);
	live_counts_free(teller.counts);
}

/* A checkpoint that is under way at the reset belongs to the old count. */
static void test_reset(void)
{
	struct teller teller = tell_pair();
	const struct colo_summary *summary;
	struct live_report *report;

	live_counts_reset(teller.counts, teller.now_ns);
	end(&teller, COLO_ROLE_SECONDARY, COLO_PHASE_RAM, 4);
	end(&teller, COLO_ROLE_SECONDARY, COLO_PHASE_CHECKPOINT, 4);
	checkpoint(&teller, COLO_ROLE_SECONDARY, 5);
	checkpoint(&teller, COLO_ROLE_SECONDARY, 6);
	live_counts_settle(teller.counts, UINT64_MAX);
	report = live_report_new(teller.counts, true);
	g_assert_cmpuint(report->summaries->len, ==, 2);
	summary = report->summaries->pdata[0];
	g_assert_cmpint(summary->session->role, ==, COLO_ROLE_PRIMARY);
	g_assert_cmpint(summary->recorder.tot_num.value, ==, 0);
	summary = report->summaries->pdata[1];
	g_assert_cmpint(summary->recorder.tot_num.value, ==, 2);
	g_assert_cmpuint(summary->first_seq, ==, 5);
	g_assert_cmpuint(summary->last_seq, ==, 6);
	live_report_free(report);
	/* At the end only those that have something are reported. */
	live_counts_finish(teller.counts);
	report = live_report_new(teller.counts, false);
	g_assert_cmpuint(report->summaries->len, ==, 1);
	summary = report->summaries->pdata[0];
	g_assert_cmpint(summary->recorder.tot_num.value, ==, 2);
	live_report_free(report);
	live_counts_free(teller.counts);
}

/* perf's rounds: what came in one is counted when the next one has ended, the rest at the end. */
static void test_rounds(void)
{
	struct teller teller = teller_new();
	struct live_report *report;
	const struct colo_summary *summary;

	for (int64_t seq = 1; seq <= 5; seq++) {
		checkpoint(&teller, COLO_ROLE_PRIMARY, seq);
		live_counts_end_round(teller.counts);
		report = live_report_new(teller.counts, true);
		g_assert_cmpuint(report->summaries->len, ==, seq > 1);
		summary = seq > 1 ? report->summaries->pdata[0] : NULL;
		/* But for the very last hit of the round before, which may have equals. */
		g_assert_true(!summary || summary->recorder.tot_num.value == seq - 2);
		live_report_free(report);
	}
	live_counts_finish(teller.counts);
	report = live_report_new(teller.counts, false);
	summary = report->summaries->pdata[0];
	g_assert_cmpint(summary->recorder.tot_num.value, ==, 5);
	live_report_free(report);
	live_counts_free(teller.counts);
}

static int64_t complete_checkpoints(struct teller *teller)
{
	struct live_report *report = live_report_new(teller->counts, true);
	const struct colo_summary *summary =
		report->summaries->len ? report->summaries->pdata[0] : NULL;
	const int64_t n = summary ? summary->recorder.tot_num.value : 0;

	live_report_free(report);
	return n;
}

/* A stream that never ends a round is counted nevertheless, and so is one that stands still. */
static void test_no_rounds(gconstpointer stands_still)
{
	struct teller teller = teller_new();

	checkpoint(&teller, COLO_ROLE_PRIMARY, 1);
	checkpoint(&teller, COLO_ROLE_PRIMARY, 2);
	begin(&teller, COLO_ROLE_PRIMARY, COLO_PHASE_WAIT, 3);
	g_assert_cmpint(complete_checkpoints(&teller), ==, 0);
	for (guint i = 0; i < 2 * LIVE_MOST_IN_ROUND; i++) {
		hit(&teller, COLO_ROLE_PRIMARY, "colo_trigger", 3, 1);
		if (stands_still)
			teller.now_ns -= 100000;
	}
	g_assert_cmpint(complete_checkpoints(&teller), ==, 2);
	live_counts_free(teller.counts);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(layouts); i++) {
		g_autofree char *name = g_strconcat("/live-view/layout/", layouts[i].name, NULL);

		g_test_add_data_func(name, &layouts[i], test_layout);
	}
	g_test_add_func("/live-view/phases-at-once", test_phases_at_once);
	g_test_add_func("/live-view/all-is-reached", test_all_is_reached);
	g_test_add_func("/live-view/look-stays", test_look_stays);
	g_test_add_func("/live-view/warnings", test_warnings);
	g_test_add_func("/live-view/sizes", test_sizes);
	g_test_add_func("/live-view/nothing", test_nothing);
	g_test_add_func("/live-view/paused-and-lost", test_paused_and_lost);
	g_test_add_func("/live-counts/reset", test_reset);
	g_test_add_func("/live-counts/rounds", test_rounds);
	g_test_add_data_func("/live-counts/no-rounds", NULL, test_no_rounds);
	g_test_add_data_func("/live-counts/no-rounds-no-time", "", test_no_rounds);
	return g_test_run();
}
