/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The report for people: warnings first, the recorder's table, then a table of
 * the phases for each side. No line is longer than 80 columns but the warnings.
 */
#include "report.h"

#include "base/printable.h"
#include "colo/parts.h"
#include "figures.h"
#include "warnings.h"

#include <inttypes.h>
#include <string.h>

/* Four sides of 15 columns fit beside the names of the fields. */
#define SESSIONS_A_TABLE 4

/* How an amount is shown: bytes are too large to be read as they are. */
static const struct {
	const char *label;
	double divisor;
} amount_labels[COLO_N_AMOUNTS] = {
	[COLO_AMOUNT_RAM_BYTES] = {"ram, MiB", 1024 * 1024},
	[COLO_AMOUNT_NORMAL_PAGES] = {"normal pages", 1},
	[COLO_AMOUNT_ZERO_PAGES] = {"zero pages", 1},
	[COLO_AMOUNT_DEVICE_STATE_BYTES] = {"dev, KiB", 1024},
	[COLO_AMOUNT_VMSTATE_BYTES] = {"vmstate, KiB", 1024},
	[COLO_AMOUNT_FLUSHED_PAGES] = {"flushed pages", 1},
};

static void print_columns(FILE *out, const struct distribution *distribution, double divisor)
{
	char text[FIGURE_SIZE];

	fprintf(out, " %5" PRIu64, distribution->n);
	for (guint i = 0; i < n_figure_columns; i++)
		fprintf(out, " %7s",
			figure_in_column(text, &figure_columns[i], distribution, divisor));
	fputc('\n', out);
}

static void print_titles(FILE *out, const char *first, const char *second)
{
	fprintf(out, "%-12s%6s %5s", first, second, "n");
	for (guint i = 0; i < n_figure_columns; i++)
		fprintf(out, " %7s", figure_columns[i].title);
	fputc('\n', out);
}

/* A line that tells sessions of the same process or of equal pids apart, where there are any. */
static void print_session_numbers(FILE *out, struct colo_summary *const *summaries, guint n)
{
	bool needed = false;

	for (guint i = 0; i < n; i++)
		needed = needed || summaries[i]->session->number > 1 ||
			 summaries[i]->session->source > 0;
	if (!needed)
		return;
	fprintf(out, "%-13s", "");
	for (guint i = 0; i < n; i++) {
		g_autofree char *where =
			g_strdup_printf("file %" PRIu32 ", #%u", summaries[i]->session->source + 1,
					summaries[i]->session->number);

		fprintf(out, " %15s", where);
	}
	fputc('\n', out);
}

static void print_recorder_table(FILE *out, struct colo_summary *const *summaries, guint n)
{
	fprintf(out, "%-13s", "recorder");
	for (guint i = 0; i < n; i++)
		fprintf(out, " %15s", colo_role_name(summaries[i]->session->role));
	fprintf(out, "\n%-13s", "");
	for (guint i = 0; i < n; i++) {
		g_autofree char *pid = g_strdup_printf("pid %" PRIu32, summaries[i]->session->pid);

		fprintf(out, " %15s", pid);
	}
	fputc('\n', out);
	print_session_numbers(out, summaries, n);
	for (guint field = 0; field < report_n_recorder_fields; field++) {
		fprintf(out, "%-13s", report_recorder_fields[field].name);
		for (guint i = 0; i < n; i++) {
			g_autofree char *text = figure_of_field(
				&report_recorder_fields[field],
				report_recorder_value(&summaries[i]->recorder, field));

			fprintf(out, " %15s", text);
		}
		fputc('\n', out);
	}
	fputc('\n', out);
}

static void print_triggers(FILE *out, const struct colo_summary *summary)
{
	const char *separator = "triggered by: ";

	if (summary->session->role != COLO_ROLE_PRIMARY)
		return;
	for (unsigned int i = 0; i < COLO_N_TRIGGERS; i++) {
		if (!summary->triggered_by[i])
			continue;
		fprintf(out, "%s%s %" PRIu64, separator, colo_trigger_name(i),
			summary->triggered_by[i]);
		separator = ", ";
	}
	if (separator[0] == ',')
		fputc('\n', out);
}

/*
 * checkpoints: 53 complete (seq 3 to 55)
 *              1 cut by the end of the recording
 */
static void print_states(FILE *out, const struct colo_summary *summary)
{
	const struct {
		enum colo_checkpoint_state state;
		const char *text;
	} rest[] = {
		{COLO_CHECKPOINT_ABORTED, "aborted"},
		{COLO_CHECKPOINT_CUT_START, "cut by the start of the recording"},
		{COLO_CHECKPOINT_CUT_END, summary->session->process_ended
						  ? "cut by the end of the process"
						  : "cut by the end of the recording"},
		{COLO_CHECKPOINT_BROKEN, "broken: begin or end missing, or in the wrong order"},
	};

	fprintf(out, "checkpoints: %" PRIu64 " complete",
		summary->n_states[COLO_CHECKPOINT_COMPLETE]);
	if (summary->first_seq)
		fprintf(out, " (seq %" PRIu64 " to %" PRIu64 ")", summary->first_seq,
			summary->last_seq);
	fputc('\n', out);
	for (size_t i = 0; i < G_N_ELEMENTS(rest); i++)
		if (summary->n_states[rest[i].state])
			fprintf(out, "%13s%" PRIu64 " %s\n", "", summary->n_states[rest[i].state],
				rest[i].text);
}

#define MOST_UNFINISHED 5 /* QEMU gives up one or two, and then ends COLO */

/*
 * unfinished: checkpoint 56, given up in vmstate after 12.345 ms
 *             checkpoint 57, given up in request after 0.006 ms
 */
static void print_unfinished(FILE *out, const struct colo_session *session)
{
	guint n = 0;

	for (guint i = 0; i < session->checkpoints->len; i++) {
		const struct colo_checkpoint *checkpoint =
			&g_array_index(session->checkpoints, struct colo_checkpoint, i);
		struct colo_stop stop;

		if (!colo_checkpoint_stop(session, checkpoint, &stop) || n++ >= MOST_UNFINISHED)
			continue;
		fprintf(out, "%-11s checkpoint %" PRIu64 ", %s in %s", n == 1 ? "unfinished:" : "",
			checkpoint->seq,
			checkpoint->state == COLO_CHECKPOINT_ABORTED ? "given up"
								     : "the process ended",
			colo_part_name(stop.phase));
		if (stop.after_ns.known)
			fprintf(out, " after %.3f ms", (double)stop.after_ns.value / NS_PER_MS);
		fputc('\n', out);
	}
	if (n > MOST_UNFINISHED)
		fprintf(out, "%12s%u more; see --csv\n", "", n - MOST_UNFINISHED);
}

/* A time as --since and --until count it. */
static void print_at(FILE *out, const struct colo_session *session, uint64_t time_ns)
{
	fprintf(out, "at %.6f s", (double)(int64_t)(time_ns - session->origin_ns) / 1e9);
}

/*
 * COLO ended: error, at 7.125012 s
 * failover: asked for at 8.140345 s
 * process: did not end while it was recorded
 */
static void print_end(FILE *out, const struct colo_session *session, const struct recording *file)
{
	if (session->exited) {
		fprintf(out, "COLO ended: %s%s, ", colo_exit_reason_name(session->exit_reason),
			session->exit_reason == COLO_EXIT_REQUEST ? " (for a failover)" : "");
		print_at(out, session, session->exit_ns);
		fputc('\n', out);
	}
	if (session->failover_asked) {
		fputs("failover: asked for ", out);
		print_at(out, session, session->failover_ns);
		fputc('\n', out);
	}
	if (session->process_ended) {
		fputs("process: ended ", out);
		print_at(out, session, session->process_end_ns);
		fputc('\n', out);
	} else if (session->exited && recording_shows_process_ends(file)) {
		fputs("process: did not end while it was recorded\n", out);
	}
}

/* `other` is often a few hundredths of a percent, and should not look like nothing. */
static void print_share(FILE *out, double share)
{
	double percent = 100 * share;

	fprintf(out, "%5.*f%%", percent < 9.995 ? 2 : 1, percent);
}

static void print_phases(FILE *out, const struct colo_summary *summary)
{
	const double whole = (double)summary->rows[0].ns.total;

	print_titles(out, "phase, ms", "share");
	for (guint i = 0; i < summary->n_rows; i++) {
		const struct colo_row *row = &summary->rows[i];

		fprintf(out, "%s%-*s", row->kind == COLO_ROW_PART ? "  " : "",
			row->kind == COLO_ROW_PART ? 10 : 12, row->name);
		if (row->kind == COLO_ROW_OUTSIDE || whole <= 0)
			fprintf(out, "%6s", "");
		else
			print_share(out, (double)row->ns.total / whole);
		print_columns(out, &row->ns, NS_PER_MS);
	}
}

static void print_amounts(FILE *out, const struct colo_summary *summary)
{
	print_titles(out, "amount", "");
	for (guint i = 0; i < summary->n_amounts; i++) {
		const struct colo_amount_summary *amount = &summary->amounts[i];

		fprintf(out, "%-18s", amount_labels[amount->amount].label);
		print_columns(out, &amount->units, amount_labels[amount->amount].divisor);
	}
}

/* "pid 12 (qemu-system-x86)" */
static void print_task(FILE *out, const char *what, uint32_t tid,
		       const struct colo_session *session, const struct recording *file)
{
	g_autofree char *name = printable(recording_thread_name(file, session, tid));

	fprintf(out, "%s %" PRIu32, what, tid);
	if (name)
		fprintf(out, " (%s)", name);
}

#define NS_PER_S UINT64_C(1000000000)

/* When the first hit was, which --since and --until count from; only perf record -k tells. */
static void print_origin(FILE *out, const struct colo_session *session,
			 const struct recording *file)
{
	g_autoptr(GDateTime) time = NULL;
	g_autofree char *text = NULL;
	uint64_t wall_ns;

	if (!recording_wall_ns(file, session->origin_ns, &wall_ns))
		return;
	time = g_date_time_new_from_unix_utc((gint64)(wall_ns / NS_PER_S));
	text = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : NULL;
	if (text)
		fprintf(out, "first probe hit: %s.%09" PRIu64 " UTC\n", text, wall_ns % NS_PER_S);
}

static void print_session(FILE *out, const struct report *report,
			  const struct colo_summary *summary)
{
	const struct colo_session *session = summary->session;
	const struct recording *file =
		g_ptr_array_index(report->recordings->files, session->source);

	fprintf(out, "%s: ", colo_role_name(session->role));
	print_task(out, "pid", session->pid, session, file);
	print_task(out, ", thread", session->tid, session, file);
	fputc('\n', out);
	if (session->number > 1)
		fprintf(out, "COLO session %u of this process\n", session->number);
	if (report->recordings->files->len > 1) {
		g_autofree char *path = printable(file->path);

		fprintf(out, "recording: %s\n", path);
	}
	print_origin(out, session, file);
	print_states(out, summary);
	print_triggers(out, summary);
	print_unfinished(out, session);
	print_end(out, session, file);
	fputc('\n', out);
	print_phases(out, summary);
	fputc('\n', out);
	print_amounts(out, summary);
	report_print_profiles(report, session, out);
}

static void print_files(FILE *out, const struct report *report)
{
	for (guint i = 0; i < report->recordings->files->len; i++) {
		const struct recording *file = g_ptr_array_index(report->recordings->files, i);
		g_autofree char *path = printable(file->path), *host = printable(file->hostname);

		if (report->is_live) {
			fprintf(out, "live, %s\n  %" PRIu64 " probe hits\n", path,
				file->n_probe_hits);
			continue;
		}
		fprintf(out,
			"%s%s%s\n  %.1f MiB, %" PRIu64 " probe hits, %" PRIu64 " other samples\n",
			path, host ? ", host " : "", host ? host : "",
			(double)file->size_bytes / (1024 * 1024), file->n_probe_hits,
			file->n_samples - file->n_probe_hits);
	}
}

void report_print_text(const struct report *report, FILE *out)
{
	struct colo_summary *const *summaries =
		(struct colo_summary *const *)report->summaries->pdata;
	const guint n = report->summaries->len;

	for (guint i = 0; i < report->warnings->len; i++) {
		const struct warning *warning = g_ptr_array_index(report->warnings, i);

		g_autofree char *message = printable(warning->message);

		fprintf(out, "warning: %s\n", message);
	}
	if (report->warnings->len)
		fputc('\n', out);
	print_files(out, report);
	fputc('\n', out);
	for (guint i = 0; i < n; i += SESSIONS_A_TABLE)
		print_recorder_table(out, summaries + i, MIN(n - i, SESSIONS_A_TABLE));
	for (guint i = 0; i < n; i++) {
		print_session(out, report, summaries[i]);
		if (i < n - 1)
			fputc('\n', out);
	}
}
