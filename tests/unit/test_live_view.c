/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * live_counts and live_view: what the live view says at a moment and after a reset, as the text
 * that a terminal of 60, 80 and 120 columns shows.
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

static char *text_of(const struct live_view *view, guint width, guint height)
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
	const struct live_view view = view_of(teller, report);
	char *text = text_of(&view, width, height);

	live_report_free(report);
	return text;
}

/* clang-format off */
/* What is the same in each width. */
#define HEAD \
	"colo-perf live 1:02:03  every 0.5 s  pid 11, 12\n" \
	"153 hits, 0 lost\n" \
	"q quit, r reset, p pause\n" \
	"                      primary       secondary\n" \
	"                       pid 11          pid 12\n" \
	"now                wait 0.2 s       ram 0.2 s\n" \
	"last                 5.100 ms        5.600 ms\n" \
	"                        seq 3           seq 3\n" \
	"\n"

/* The recorder's table, where nothing stands beside it. */
#define RECORDER \
	"recorder              primary       secondary\n" \
	"tot_time            12.300 ms       13.500 ms\n" \
	"tot_num                     3               3\n" \
	"avg_time             4.100 ms        4.500 ms\n" \
	"init_time                   -               -\n" \
	"wait_time           20.100 ms       20.100 ms\n" \
	"stat_time            1.200 ms        0.800 ms\n" \
	"dev_time             0.300 ms        0.300 ms\n" \
	"ram_time             0.300 ms        0.300 ms\n" \
	"vmstate_time         0.300 ms        0.300 ms\n" \
	"ram_size           2000 bytes      2000 bytes\n" \
	"dev_size           2000 bytes      2000 bytes\n" \
	"\n"

static const char at_60[] =
	HEAD
	RECORDER
	"                             primary               secondary\n"
	"phase, ms       last    mean     p99    last    mean     p99\n"
	"checkpoint     5.100   4.100   5.100   5.600   4.500   5.600\n"
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
	"  other        1.100   1.100   1.100   1.200   1.200   1.200\n"
	"wait          30.100  20.100  30.100  30.100  20.100  30.100\n"
	"pause          4.400   3.500   4.400   4.900   3.900   4.900\n";

static const char at_80[] =
	HEAD
	RECORDER
	"                                     primary                       secondary\n"
	"phase, ms       last    mean     p50     p99    last    mean     p50     p99\n"
	"checkpoint     5.100   4.100   4.100   5.100   5.600   4.500   4.500   5.600\n"
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
	"pause          4.400   3.500   3.500   4.400   4.900   3.900   3.900   4.900\n";

static const char at_120[] =
	HEAD
	"recorder              primary       secondary                                primary               secondary\n"
	"tot_time            12.300 ms       13.500 ms   phase, ms       last    mean     p99    last    mean     p99\n"
	"tot_num                     3               3   checkpoint     5.100   4.100   5.100   5.600   4.500   5.600\n"
	"avg_time             4.100 ms        4.500 ms     request      0.400   0.300   0.400\n"
	"init_time                   -               -     stop         0.400   0.300   0.400   0.400   0.300   0.400\n"
	"wait_time           20.100 ms       20.100 ms     reply                                0.400   0.300   0.400\n"
	"stat_time            1.200 ms        0.800 ms     block        0.400   0.300   0.400   0.400   0.300   0.400\n"
	"dev_time             0.300 ms        0.300 ms     dev          0.400   0.300   0.400   0.400   0.300   0.400\n"
	"ram_time             0.300 ms        0.300 ms     ram          0.400   0.300   0.400   0.400   0.300   0.400\n"
	"vmstate_time         0.300 ms        0.300 ms     vmstate      0.400   0.300   0.400   0.400   0.300   0.400\n"
	"ram_size           2000 bytes      2000 bytes     received     0.400   0.300   0.400   0.400   0.300   0.400\n"
	"dev_size           2000 bytes      2000 bytes     flush                                0.400   0.300   0.400\n"
	"                                                  net          0.400   0.300   0.400   0.400   0.300   0.400\n"
	"                                                  loaded       0.400   0.300   0.400   0.400   0.300   0.400\n"
	"                                                  resume       0.400   0.300   0.400   0.400   0.300   0.400\n"
	"                                                  other        1.100   1.100   1.100   1.200   1.200   1.200\n"
	"                                                wait          30.100  20.100  30.100  30.100  20.100  30.100\n"
	"                                                pause          4.400   3.500   4.400   4.900   3.900   4.900\n";

/* clang-format on */

static void test_layout(gconstpointer data)
{
	const guint width = GPOINTER_TO_UINT(data);
	const struct teller teller = tell_pair();
	g_autofree char *text = show(&teller, width, 60);

	g_assert_cmpstr(text, ==, width == 60 ? at_60 : width == 80 ? at_80 : at_120);
	live_counts_free(teller.counts);
}

/* Any size: nothing is wider or higher, and what is cut is said. */
static void test_sizes(void)
{
	const struct teller teller = tell_pair();

	for (guint width = 1; width < 200; width++) {
		for (guint height = 1; height < 50; height += 7) {
			g_autofree char *text = show(&teller, width, height);

			if (width >= 60 && height < 20)
				g_assert_nonnull(strstr(text, "more lines"));
		}
	}
	live_counts_free(teller.counts);
}

static void test_nothing(void)
{
	const struct teller teller = teller_new();
	g_autofree char *text = show(&teller, 80, 24);

	g_assert_nonnull(strstr(text, "no COLO probe was hit yet"));
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
	text = text_of(&view, 80, 60);
	g_assert_nonnull(strstr(text, "PAUSED"));
	g_assert_nonnull(strstr(text, "17 lost; counting for 0:01:01\n"));
	g_assert_nonnull(strstr(text, "p go on"));
	g_assert_nonnull(strstr(text, "2 more sessions"));
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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/live-view/60-columns", GUINT_TO_POINTER(60), test_layout);
	g_test_add_data_func("/live-view/80-columns", GUINT_TO_POINTER(80), test_layout);
	g_test_add_data_func("/live-view/120-columns", GUINT_TO_POINTER(120), test_layout);
	g_test_add_func("/live-view/sizes", test_sizes);
	g_test_add_func("/live-view/nothing", test_nothing);
	g_test_add_func("/live-view/paused-and-lost", test_paused_and_lost);
	g_test_add_func("/live-counts/reset", test_reset);
	g_test_add_func("/live-counts/rounds", test_rounds);
	return g_test_run();
}
