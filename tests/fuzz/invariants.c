/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The invariants. They are told from what the headers promise, by other means than the code
 * that is tested.
 */
#include "fuzz/invariants.h"

#include "colo/parts.h"

#include <math.h>

static const struct colo_checkpoint *checkpoint_at(const struct colo_session *session, guint i)
{
	return &g_array_index(session->checkpoints, struct colo_checkpoint, i);
}

static bool is_whole(const struct colo_window *window)
{
	return window->has_begin && window->has_end;
}

/* --- Checkpoints --- */

static void check_state(const struct colo_checkpoint *checkpoint)
{
	const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];

	g_assert_cmpstr(colo_checkpoint_state_name(checkpoint->state), !=, NULL);
	g_assert_cmpint(checkpoint->trigger, <, COLO_N_TRIGGERS);
	if (checkpoint->state == COLO_CHECKPOINT_COMPLETE) {
		g_assert_true(colo_window_is_valid(whole));
		g_assert_cmpint(checkpoint->ret, ==, 0);
	}
	if (checkpoint->state == COLO_CHECKPOINT_ABORTED) {
		g_assert_true(is_whole(whole));
		g_assert_cmpint(checkpoint->ret, !=, 0);
	}
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
		const struct colo_window *window = &checkpoint->windows[phase];
		struct colo_value ns = colo_window_ns(window);

		g_assert_true(ns.known == colo_window_is_valid(window));
		g_assert_true(!ns.known || (ns.value >= 0 && ns.value <= COLO_LARGEST));
		if (checkpoint->state == COLO_CHECKPOINT_PENDING && phase != COLO_PHASE_WAIT)
			g_assert_true(!window->has_begin && !window->has_end);
	}
}

static void check_amounts(const struct colo_checkpoint *checkpoint)
{
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++) {
		struct colo_value value = colo_checkpoint_amount(checkpoint, amount);

		g_assert_true(!value.known || (value.value >= 0 && value.value <= COLO_LARGEST));
	}
}

/* The phases and what lies in none of them are the checkpoint. */
static void check_other(enum colo_role role, const struct colo_checkpoint *checkpoint)
{
	struct colo_value other = colo_checkpoint_other_ns(role, checkpoint);
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);
	int64_t sum_ns = other.value;

	if (!other.known)
		return;
	g_assert_cmpint(checkpoint->state, ==, COLO_CHECKPOINT_COMPLETE);
	g_assert_cmpint(other.value, >=, 0);
	for (guint i = 0; i < n; i++) {
		struct colo_value phase_ns = colo_window_ns(&checkpoint->windows[phases[i]]);

		g_assert_true(phase_ns.known);
		sum_ns += phase_ns.value;
	}
	g_assert_cmpint(sum_ns, ==,
			colo_window_ns(&checkpoint->windows[COLO_PHASE_CHECKPOINT]).value);
}

/* An anomaly is of a window, and of one window there is one at the most. */
static void check_anomalies(const struct colo_session *session)
{
	const struct colo_anomalies *anomalies = &session->anomalies;
	uint64_t n_open = 0, n_unopened = 0, n_negative = 0, n_complete = 0, n_unseen = 0;

	for (guint i = 0; i < session->checkpoints->len; i++) {
		const struct colo_checkpoint *checkpoint = checkpoint_at(session, i);

		n_complete += checkpoint->state == COLO_CHECKPOINT_COMPLETE;
		for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
			const struct colo_window *window = &checkpoint->windows[phase];

			n_open += window->has_begin && !window->has_end;
			n_unopened += window->has_end && !window->has_begin;
			n_unseen += !window->has_end && !window->has_begin;
			n_negative += is_whole(window) && !colo_window_is_valid(window);
		}
	}
	g_assert_cmpuint(anomalies->begins_without_end, <=, n_open);
	g_assert_cmpuint(anomalies->ends_without_begin, <=, n_unopened);
	g_assert_cmpuint(anomalies->negative_durations, ==, n_negative);
	g_assert_cmpuint(anomalies->missing, <=, n_unseen);
	g_assert_cmpuint(anomalies->overlapping, <=, n_complete);
}

/* With those that are missing, the numbers from the first one (or from 1) to the last have no gap.
 */
static void check_missing(const struct colo_session *session)
{
	const uint64_t n_missing = session->anomalies.missing_checkpoints;
	uint64_t n_begun = 0, first_seq = 0, last_seq = 0;

	for (guint i = 0; i < session->checkpoints->len; i++) {
		const struct colo_checkpoint *checkpoint = checkpoint_at(session, i);

		if (checkpoint->state == COLO_CHECKPOINT_PENDING)
			continue;
		if (!n_begun++)
			first_seq = checkpoint->seq;
		last_seq = checkpoint->seq;
	}
	g_assert_true(n_begun + n_missing == last_seq ||
		      (n_begun && n_begun + n_missing == last_seq - first_seq + 1));
	if (!n_missing)
		return;
	g_assert_cmpuint(session->first_missing_seq, <=, session->last_missing_seq);
	g_assert_cmpuint(session->last_missing_seq, <, last_seq);
}

/* What stopped is no complete checkpoint; when the process ended in it, it is the last one. */
static void check_stop(const struct colo_session *session, guint index)
{
	const struct colo_checkpoint *checkpoint = checkpoint_at(session, index);
	const struct colo_window *window;
	struct colo_stop stop;

	if (!colo_checkpoint_stop(session, checkpoint, &stop)) {
		g_assert_cmpint(checkpoint->state, !=, COLO_CHECKPOINT_ABORTED);
		return;
	}
	if (checkpoint->state != COLO_CHECKPOINT_ABORTED) {
		g_assert_cmpint(checkpoint->state, ==, COLO_CHECKPOINT_CUT_END);
		g_assert_true(session->process_ended && !session->exited);
		for (guint i = index + 1; i < session->checkpoints->len; i++)
			g_assert_cmpint(checkpoint_at(session, i)->state, ==,
					COLO_CHECKPOINT_PENDING);
	}
	g_assert_true(!stop.after_ns.known || stop.after_ns.value >= 0);
	if (stop.phase == COLO_PHASE_CHECKPOINT)
		return;
	g_assert_true(colo_role_has_part(session->role, stop.phase));
	window = &checkpoint->windows[stop.phase];
	g_assert_true(window->has_begin && !window->has_end);
}

void check_session(const struct colo_session *session)
{
	uint64_t last_seq = 0;

	g_assert_true(session->role == COLO_ROLE_PRIMARY || session->role == COLO_ROLE_SECONDARY);
	g_assert_cmpuint(session->number, >=, 1);
	for (guint i = 0; i < session->checkpoints->len; i++) {
		const struct colo_checkpoint *checkpoint = checkpoint_at(session, i);

		g_assert_cmpuint(checkpoint->seq, >, last_seq);
		last_seq = checkpoint->seq;
		check_state(checkpoint);
		check_amounts(checkpoint);
		check_other(session->role, checkpoint);
		check_stop(session, i);
	}
	check_anomalies(session);
	check_missing(session);
}

/* --- Statistics --- */

static bool is_between(double value, int64_t min, int64_t max)
{
	const double tolerance = 1e-9 * (1 + MAX(fabs((double)min), fabs((double)max)));

	return value >= (double)min - tolerance && value <= (double)max + tolerance;
}

static void check_distribution(const struct distribution *distribution, uint64_t n_max)
{
	g_assert_cmpuint(distribution->n, <=, n_max);
	if (!distribution->n) {
		g_assert_cmpint(distribution->total, ==, 0);
		return;
	}
	g_assert_cmpint(distribution->min, >=, 0);
	g_assert_cmpint(distribution->min, <=, distribution->p50);
	g_assert_cmpint(distribution->p50, <=, distribution->p90);
	g_assert_cmpint(distribution->p90, <=, distribution->p99);
	g_assert_cmpint(distribution->p99, <=, distribution->max);
	g_assert_true(is_between(distribution->mean, distribution->min, distribution->max));
	g_assert_true(isfinite(distribution->stddev) && distribution->stddev >= 0);
}

/* When every phase was seen whole, the rows of a table add up to its first one. */
static void check_rows(const struct colo_summary *summary, uint64_t n_complete)
{
	int64_t sum_ns = 0;
	bool all_known = true;

	for (guint i = 0; i < summary->n_rows; i++) {
		const struct colo_row *row = &summary->rows[i];

		check_distribution(&row->ns, n_complete);
		if (row->kind != COLO_ROW_PART)
			continue;
		all_known = all_known && row->ns.n == n_complete;
		sum_ns += row->ns.total;
	}
	g_assert_cmpint(summary->rows[0].kind, ==, COLO_ROW_WHOLE);
	g_assert_cmpuint(summary->rows[0].ns.n, ==, n_complete);
	if (all_known)
		g_assert_cmpint(sum_ns, ==, summary->rows[0].ns.total);
}

static void check_recorder(const struct colo_summary *summary, int64_t n_complete)
{
	const struct colo_recorder *recorder = &summary->recorder;

	g_assert_true(recorder->tot_num.known && recorder->tot_time.known);
	g_assert_cmpint(recorder->tot_num.value, ==, n_complete);
	g_assert_cmpint(recorder->tot_time.value, ==, summary->rows[0].ns.total);
	g_assert_true(recorder->avg_time.known == (n_complete > 0));
	if (n_complete)
		g_assert_cmpint(recorder->avg_time.value, ==,
				recorder->tot_time.value / n_complete);
}

static void count_visit(const struct colo_session *session G_GNUC_UNUSED,
			const struct colo_checkpoint *checkpoint, void *data)
{
	uint64_t *n_states = data;

	n_states[checkpoint->state]++;
}

void check_summary(const struct colo_summary *summary, const struct colo_selection *selection)
{
	const uint64_t n_complete = summary->n_states[COLO_CHECKPOINT_COMPLETE];
	uint64_t n_states[COLO_N_CHECKPOINT_STATES] = {0}, n_triggered = 0;

	colo_session_visit(summary->session, selection, count_visit, n_states);
	g_assert_cmpmem(n_states, sizeof(n_states), summary->n_states, sizeof(n_states));
	g_assert_cmpuint(summary->n_states[COLO_CHECKPOINT_PENDING], ==, 0);
	for (unsigned int i = 0; i < COLO_N_TRIGGERS; i++)
		n_triggered += summary->triggered_by[i];
	g_assert_cmpuint(n_triggered, ==, n_complete);
	g_assert_true((summary->first_seq != 0) == (n_complete > 0));
	g_assert_cmpuint(summary->first_seq, <=, summary->last_seq);
	check_rows(summary, n_complete);
	check_recorder(summary, (int64_t)n_complete);
	for (guint i = 0; i < summary->n_amounts; i++)
		check_distribution(&summary->amounts[i].units, n_complete);
}

void check_halves(const struct colo_session *session, uint64_t seq, int64_t at_ns)
{
	struct colo_selection choices[] = {COLO_SELECT_ALL, COLO_SELECT_ALL, COLO_SELECT_ALL,
					   COLO_SELECT_ALL, COLO_SELECT_ALL};
	struct colo_summary *summaries[G_N_ELEMENTS(choices)];

	choices[1].last_seq = seq;
	choices[2].first_seq = seq + 1;
	choices[3].until_ns = at_ns;
	choices[4].since_ns = at_ns;
	for (guint i = 0; i < G_N_ELEMENTS(choices); i++)
		summaries[i] = colo_summary_new(session, &choices[i]);
	for (guint state = 0; state < COLO_N_CHECKPOINT_STATES; state++) {
		for (guint i = 1; i < G_N_ELEMENTS(choices); i += 2)
			g_assert_cmpuint(summaries[i]->n_states[state] +
						 summaries[i + 1]->n_states[state],
					 ==, summaries[0]->n_states[state]);
	}
	for (guint i = 1; i < G_N_ELEMENTS(choices); i += 2)
		g_assert_cmpint(summaries[i]->recorder.tot_time.value +
					summaries[i + 1]->recorder.tot_time.value,
				==, summaries[0]->recorder.tot_time.value);
	for (guint i = 0; i < G_N_ELEMENTS(choices); i++)
		colo_summary_free(summaries[i]);
}

/* --- Parts --- */

struct part_window {
	unsigned int part;
	uint64_t begin_ns, end_ns;
};

struct part_check {
	const struct colo_session *session;
	guint index;	 /* of the checkpoint that the parts are of */
	GArray *windows; /* struct part_window, what was seen of it so far; without the wait */
};

static int compare_windows(const void *a, const void *b)
{
	const struct part_window *left = a, *right = b;

	if (left->begin_ns != right->begin_ns)
		return left->begin_ns < right->begin_ns ? -1 : 1;
	return (left->end_ns > right->end_ns) - (left->end_ns < right->end_ns);
}

/* When it is known what lies in no phase, the windows are the checkpoint, without gap or overlap.
 */
static void check_windows_of_checkpoint(struct part_check *check)
{
	const struct colo_checkpoint *checkpoint = checkpoint_at(check->session, check->index);
	const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];
	struct colo_value other = colo_checkpoint_other_ns(check->session->role, checkpoint);
	uint64_t reached_ns = whole->begin_ns, other_ns = 0;

	g_array_sort(check->windows, compare_windows);
	for (guint i = 0; i < check->windows->len; i++) {
		const struct part_window *window =
			&g_array_index(check->windows, struct part_window, i);

		if (window->part == COLO_PART_OTHER)
			other_ns += window->end_ns - window->begin_ns;
		if (other.known)
			g_assert_cmpuint(window->begin_ns, ==, reached_ns);
		reached_ns = window->end_ns;
	}
	if (other.known)
		g_assert_cmpuint(reached_ns, ==, whole->end_ns);
	g_assert_cmpuint(other_ns, ==, other.known ? (uint64_t)other.value : 0);
	g_array_set_size(check->windows, 0);
}

static void check_part(unsigned int part, uint64_t seq, uint64_t begin_ns, uint64_t end_ns,
		       void *data)
{
	struct part_check *check = data;
	const struct part_window window = {part, begin_ns, end_ns};

	g_assert_true(colo_role_has_part(check->session->role, part));
	g_assert_cmpuint(begin_ns, <=, end_ns);
	g_assert_cmpuint(end_ns - begin_ns, <=, COLO_LARGEST);
	while (checkpoint_at(check->session, check->index)->seq != seq) {
		if (check->windows->len)
			check_windows_of_checkpoint(check);
		check->index++;
		g_assert_cmpuint(check->index, <, check->session->checkpoints->len);
	}
	if (part != COLO_PHASE_WAIT)
		g_array_append_val(check->windows, window);
}

void check_parts(const struct colo_session *session, const struct colo_selection *selection)
{
	struct part_check check = {.session = session};

	check.windows = g_array_new(FALSE, FALSE, sizeof(struct part_window));
	colo_session_visit_parts(session, selection, check_part, &check);
	if (check.windows->len)
		check_windows_of_checkpoint(&check);
	g_array_unref(check.windows);
}
