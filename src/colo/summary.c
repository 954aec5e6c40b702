/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which checkpoints of a session are chosen, and their statistics.
 */
#include "colo/summary.h"

#include "colo/tally.h"

/* The earliest time at which something of the checkpoint itself was seen. */
static uint64_t first_seen_ns(const struct colo_checkpoint *checkpoint)
{
	uint64_t first_ns = UINT64_MAX;

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
		const struct colo_window *window = &checkpoint->windows[phase];

		if (phase == COLO_PHASE_WAIT)
			continue;
		if (window->has_begin)
			first_ns = MIN(first_ns, window->begin_ns);
		if (window->has_end)
			first_ns = MIN(first_ns, window->end_ns);
	}
	return first_ns;
}

bool colo_selection_has(const struct colo_selection *selection, const struct colo_session *session,
			const struct colo_checkpoint *checkpoint)
{
	int64_t at_ns = (int64_t)(first_seen_ns(checkpoint) - session->origin_ns);

	return checkpoint->seq >= selection->first_seq && checkpoint->seq <= selection->last_seq &&
	       at_ns >= selection->since_ns && at_ns < selection->until_ns;
}

void colo_session_visit(const struct colo_session *session, const struct colo_selection *selection,
			colo_checkpoint_visitor visit, void *data)
{
	uint64_t to_skip = selection->skip;

	for (guint i = 0; i < session->checkpoints->len; i++) {
		const struct colo_checkpoint *checkpoint =
			&g_array_index(session->checkpoints, struct colo_checkpoint, i);

		if (checkpoint->state == COLO_CHECKPOINT_PENDING)
			continue;
		if (to_skip) {
			to_skip -= checkpoint->state == COLO_CHECKPOINT_COMPLETE;
			continue;
		}
		if (colo_selection_has(selection, session, checkpoint))
			visit(session, checkpoint, data);
	}
}

/* From the begin of one phase to the end of another; unknown without them. */
static struct colo_value span_ns(const struct colo_checkpoint *checkpoint, enum colo_phase first,
				 enum colo_phase last)
{
	const struct colo_window span = {
		.begin_ns = checkpoint->windows[first].begin_ns,
		.has_begin = checkpoint->windows[first].has_begin,
		.end_ns = checkpoint->windows[last].end_ns,
		.has_end = checkpoint->windows[last].has_end,
	};

	if (checkpoint->state != COLO_CHECKPOINT_COMPLETE)
		return (struct colo_value){0};
	return colo_window_ns(&span);
}

struct colo_value colo_checkpoint_pause_ns(const struct colo_checkpoint *checkpoint)
{
	return span_ns(checkpoint, COLO_PHASE_STOP, COLO_PHASE_RESUME);
}

struct colo_value colo_checkpoint_stat_ns(enum colo_role role,
					  const struct colo_checkpoint *checkpoint)
{
	return span_ns(checkpoint, COLO_PHASE_CHECKPOINT, colo_role_last_stat_phase(role));
}

static void add_to_tally(const struct colo_session *session G_GNUC_UNUSED,
			 const struct colo_checkpoint *checkpoint, void *data)
{
	colo_tally_add(data, checkpoint);
}

struct colo_summary *colo_summary_new(const struct colo_session *session,
				      const struct colo_selection *selection)
{
	struct colo_tally *tally = colo_tally_new(session);
	struct colo_summary *summary;

	colo_session_visit(session, selection, add_to_tally, tally);
	summary = colo_tally_summary(tally);
	colo_tally_free(tally);
	return summary;
}

void colo_summary_free(struct colo_summary *summary)
{
	if (!summary)
		return;
	g_free(summary->rows);
	g_free(summary->amounts);
	g_free(summary->last_counters);
	g_free(summary);
}
