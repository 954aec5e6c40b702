/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The report as comma-separated values: a row for each checkpoint. Both sides
 * have the same columns; what a side does not have is empty.
 */
#include "report.h"

#include <inttypes.h>

static void print_value(FILE *out, struct colo_value value)
{
	if (value.known)
		fprintf(out, ",%" PRId64, value.value);
	else
		fputc(',', out);
}

static void print_header(FILE *out)
{
	fputs("role,recording,pid,session,seq,state,ret,trigger,begin_ns", out);
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		fprintf(out, ",%s_ns", colo_phase_name(phase));
	fputs(",other_ns,pause_ns", out);
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		fprintf(out, ",%s", colo_amount_name(amount));
	fputc('\n', out);
}

static void print_row(const struct colo_session *session, const struct colo_checkpoint *checkpoint,
		      void *data)
{
	const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];
	FILE *out = data;

	fprintf(out, "%s,%" PRIu32 ",%" PRIu32 ",%u,%" PRIu64 ",%s", colo_role_name(session->role),
		session->source, session->pid, session->number, checkpoint->seq,
		colo_checkpoint_state_name(checkpoint->state));
	print_value(out, (struct colo_value){whole->has_end, checkpoint->ret});
	fprintf(out, ",%s",
		session->role == COLO_ROLE_PRIMARY ? colo_trigger_name(checkpoint->trigger) : "");
	if (whole->has_begin)
		fprintf(out, ",%" PRIu64, whole->begin_ns);
	else
		fputc(',', out);
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		print_value(out, colo_window_ns(&checkpoint->windows[phase]));
	print_value(out, colo_checkpoint_other_ns(session->role, checkpoint));
	print_value(out, colo_checkpoint_pause_ns(checkpoint));
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		print_value(out, colo_checkpoint_amount(checkpoint, amount));
	fputc('\n', out);
}

void report_print_csv(const struct report *report, FILE *out)
{
	print_header(out);
	for (guint i = 0; i < report->summaries->len; i++) {
		const struct colo_summary *summary = g_ptr_array_index(report->summaries, i);

		colo_session_visit(summary->session, &report->selection, print_row, out);
	}
}
