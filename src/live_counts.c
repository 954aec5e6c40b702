/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Of a session the model keeps the two checkpoints that may still change, a tally the rest.
 */
#include "live_counts.h"

#include "base/hash.h"
#include "colo/hit_queue.h"
#include "colo/tally.h"
#include "recording_file.h"
#include "warnings.h"

#define MOST_UNFINISHED 1000 /* of a session */

struct live_counts {
	struct recordings recordings; /* its files and model: owned by this */
	struct hit_queue *queue;      /* Owned by this */
	GHashTable *unfinished; /* Owned by this: session (weak) to GArray (owned) of checkpoints */
	GHashTable *tallies;	/* Owned by this: session (weak) to struct colo_tally (owned) */
	bool is_finished;
	bool was_reset;
	uint64_t since_ns;     /* of the last reset */
	uint64_t round_end_ns; /* the latest hit when the last round ended */
	guint n_in_round;      /* hits since then */
};

struct live_counts *live_counts_new(struct recording *recording)
{
	struct live_counts *counts = g_new0(struct live_counts, 1);

	counts->recordings.files = g_ptr_array_new_with_free_func((GDestroyNotify)recording_free);
	g_ptr_array_add(counts->recordings.files, recording);
	counts->recordings.model = colo_model_new();
	counts->queue = hit_queue_new();
	counts->tallies =
		g_hash_table_new_full(hash_pointer, NULL, NULL, (GDestroyNotify)colo_tally_free);
	counts->unfinished =
		g_hash_table_new_full(hash_pointer, NULL, NULL, (GDestroyNotify)g_array_unref);
	return counts;
}

void live_counts_free(struct live_counts *counts)
{
	if (!counts)
		return;
	g_ptr_array_unref(counts->recordings.files);
	g_hash_table_unref(counts->tallies);
	g_hash_table_unref(counts->unfinished);
	colo_model_free(counts->recordings.model);
	hit_queue_free(counts->queue);
	g_free(counts);
}

struct recording *live_counts_recording(const struct live_counts *counts)
{
	return counts->recordings.files->pdata[0];
}

static struct colo_tally *tally_of(struct live_counts *counts, const struct colo_session *session)
{
	struct colo_tally *tally = g_hash_table_lookup(counts->tallies, session);

	if (!tally) {
		tally = colo_tally_new(session);
		g_hash_table_insert(counts->tallies, (gpointer)session, tally);
	}
	return tally;
}

static struct colo_selection selection_of(const struct live_counts *counts,
					  const struct colo_session *session)
{
	struct colo_selection selection = COLO_SELECT_ALL;

	if (counts->was_reset)
		selection.since_ns = (int64_t)(counts->since_ns - session->origin_ns);
	return selection;
}

static bool is_chosen(const struct live_counts *counts, const struct colo_session *session,
		      const struct colo_checkpoint *checkpoint)
{
	const struct colo_selection selection = selection_of(counts, session);

	return colo_selection_has(&selection, session, checkpoint);
}

/* Those that were given up are told one by one in the report. QEMU gives up one or two. */
static void keep_unfinished(struct live_counts *counts, const struct colo_session *session,
			    const struct colo_checkpoint *checkpoint)
{
	GArray *kept = g_hash_table_lookup(counts->unfinished, session);

	if (checkpoint->state == COLO_CHECKPOINT_COMPLETE)
		return;
	if (!kept) {
		kept = g_array_new(FALSE, FALSE, sizeof(*checkpoint));
		g_hash_table_insert(counts->unfinished, (gpointer)session, kept);
	}
	if (kept->len < MOST_UNFINISHED)
		g_array_append_vals(kept, checkpoint, 1);
}

static void count(const struct colo_session *session, const struct colo_checkpoint *checkpoint,
		  void *data)
{
	keep_unfinished(data, session, checkpoint);
	if (is_chosen(data, session, checkpoint))
		colo_tally_add(tally_of(data, session), checkpoint);
}

static void preview(const struct colo_session *session, const struct colo_checkpoint *checkpoint,
		    void *data)
{
	if (is_chosen(data, session, checkpoint))
		colo_tally_preview(tally_of(data, session), checkpoint);
}

void live_counts_add(struct live_counts *counts, const struct colo_hit *hit)
{
	hit_queue_add(counts->queue, hit);
	if (++counts->n_in_round < LIVE_MOST_IN_ROUND)
		return;
	/* Rounds do not help when all have one time. */
	if (hit_queue_count(counts->queue) > 2 * LIVE_MOST_IN_ROUND)
		live_counts_settle(counts, UINT64_MAX);
	live_counts_end_round(counts);
}

void live_counts_settle(struct live_counts *counts, uint64_t end_ns)
{
	struct colo_hit hit;
	unsigned int n = 0;

	while (hit_queue_take(counts->queue, end_ns, &hit)) {
		colo_model_add(counts->recordings.model, &hit);
		/* Many at once come out of a file: the model is not to keep them all. */
		if (++n % 1024 == 0)
			colo_model_settle(counts->recordings.model, count, counts);
	}
	colo_model_settle(counts->recordings.model, count, counts);
}

void live_counts_end_round(struct live_counts *counts)
{
	live_counts_settle(counts, counts->round_end_ns);
	counts->round_end_ns = hit_queue_latest_ns(counts->queue);
	counts->n_in_round = 0;
}

uint64_t live_counts_latest_ns(const struct live_counts *counts)
{
	return hit_queue_latest_ns(counts->queue);
}

void live_counts_reset(struct live_counts *counts, uint64_t since_ns)
{
	GHashTableIter iter;
	gpointer tally;

	g_hash_table_iter_init(&iter, counts->tallies);
	while (g_hash_table_iter_next(&iter, NULL, &tally))
		colo_tally_reset(tally);
	counts->was_reset = true;
	counts->since_ns = since_ns;
}

void live_counts_finish(struct live_counts *counts)
{
	const struct colo_selection all = COLO_SELECT_ALL;
	const GPtrArray *sessions = colo_model_sessions(counts->recordings.model);

	live_counts_settle(counts, UINT64_MAX);
	counts->is_finished = true;
	colo_model_find_process_ends(counts->recordings.model, recordings_find_process_end,
				     &counts->recordings);
	colo_model_finish(counts->recordings.model);
	for (guint i = 0; i < sessions->len; i++) {
		struct colo_session *session = sessions->pdata[i];

		const GArray *unfinished;

		colo_session_visit(session, &all, count, counts);
		unfinished = g_hash_table_lookup(counts->unfinished, session);
		g_array_set_size(session->checkpoints, 0);
		if (unfinished)
			g_array_append_vals(session->checkpoints, unfinished->data,
					    unfinished->len);
	}
}

/* --- Looking at it --- */

static bool has_checkpoints(const struct colo_summary *summary)
{
	uint64_t n = 0;

	for (unsigned int state = 0; state < COLO_N_CHECKPOINT_STATES; state++)
		n += summary->n_states[state];
	return n > 0;
}

/* Whether no other session of the process and role came later. */
static bool is_current(const GPtrArray *sessions, const struct colo_session *session)
{
	for (guint i = 0; i < sessions->len; i++) {
		const struct colo_session *other = sessions->pdata[i];

		if (other->pid == session->pid && other->role == session->role &&
		    other->number > session->number)
			return false;
	}
	return true;
}

static gint compare_roles(gconstpointer a, gconstpointer b)
{
	const struct colo_session *left = (*(const struct colo_summary *const *)a)->session;
	const struct colo_session *right = (*(const struct colo_summary *const *)b)->session;

	return (left->role > right->role) - (left->role < right->role);
}

struct live_report *live_report_new(struct live_counts *counts, bool current)
{
	struct live_report *report = g_new0(struct live_report, 1);
	const GPtrArray *sessions = colo_model_sessions(counts->recordings.model);

	report->summaries = g_ptr_array_new_with_free_func((GDestroyNotify)colo_summary_free);
	for (guint i = 0; i < sessions->len; i++) {
		const struct colo_session *session = sessions->pdata[i];
		struct colo_tally *tally = tally_of(counts, session);
		struct colo_summary *summary;

		if (current && !is_current(sessions, session))
			continue;
		if (!counts->is_finished)
			colo_session_foresee(session, preview, counts);
		summary = colo_tally_summary(tally);
		colo_tally_end_preview(tally);
		if (current || has_checkpoints(summary))
			g_ptr_array_add(report->summaries, summary);
		else
			colo_summary_free(summary);
	}
	/* A stable sort: within a role in the order in which they came. */
	g_ptr_array_sort(report->summaries, compare_roles);
	report->warnings = warnings_of(&counts->recordings, report->summaries, NULL);
	report->report = (struct report){
		.recordings = &counts->recordings,
		.warnings = report->warnings,
		.summaries = report->summaries,
		.selection = COLO_SELECT_ALL,
		.is_live = true,
	};
	return report;
}

void live_report_free(struct live_report *report)
{
	if (!report)
		return;
	g_ptr_array_unref(report->summaries);
	g_ptr_array_unref(report->warnings);
	g_free(report);
}

/* The last complete one, of those that may still change. */
static const struct colo_checkpoint *last_unsettled(const struct colo_session *session)
{
	const GArray *checkpoints = session->checkpoints;

	for (guint i = checkpoints->len; i-- > 0;) {
		const struct colo_checkpoint *checkpoint =
			&g_array_index(checkpoints, struct colo_checkpoint, i);

		if (colo_window_is_valid(&checkpoint->windows[COLO_PHASE_CHECKPOINT]) &&
		    !checkpoint->ret)
			return checkpoint;
	}
	return NULL;
}

/* What began last and has not ended, of the checkpoint with the highest number. */
static void find_phase(const struct colo_session *session, struct live_now *now)
{
	const GArray *checkpoints = session->checkpoints;
	const struct colo_checkpoint *checkpoint;

	if (!checkpoints->len || session->exited)
		return;
	checkpoint = &g_array_index(checkpoints, struct colo_checkpoint, checkpoints->len - 1);
	if (checkpoint->windows[COLO_PHASE_CHECKPOINT].has_end)
		return;
	now->seq = checkpoint->seq;
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
		const struct colo_window *window = &checkpoint->windows[phase];

		if (window->has_begin && !window->has_end &&
		    (!now->in_phase || window->begin_ns > now->since_ns)) {
			now->in_phase = true;
			now->phase = phase;
			now->since_ns = window->begin_ns;
		}
	}
}

struct live_now live_now_of(struct live_counts *counts, const struct colo_session *session)
{
	struct live_now now = {.exited = session->exited, .exit_reason = session->exit_reason};
	const struct colo_checkpoint *last = last_unsettled(session);

	if (last && !is_chosen(counts, session, last))
		last = NULL;
	if (!last)
		last = colo_tally_last(tally_of(counts, session));
	if (last) {
		now.has_last = true;
		now.last = *last;
	}
	find_phase(session, &now);
	return now;
}
