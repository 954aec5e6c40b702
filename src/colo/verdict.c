/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What can be said of one checkpoint, once its hits are paired.
 */
#include "colo/verdict.h"

bool colo_window_is_valid(const struct colo_window *window)
{
	return window->has_begin && window->has_end && window->end_ns >= window->begin_ns &&
	       window->end_ns - window->begin_ns <= COLO_LARGEST;
}

struct colo_value colo_window_ns(const struct colo_window *window)
{
	if (!colo_window_is_valid(window))
		return (struct colo_value){0};
	return (struct colo_value){true, (int64_t)(window->end_ns - window->begin_ns)};
}

struct colo_value colo_checkpoint_amount(const struct colo_checkpoint *checkpoint,
					 enum colo_amount amount)
{
	return (struct colo_value){checkpoint->amounts_seen >> amount & 1,
				   checkpoint->amounts[amount]};
}

const char *colo_checkpoint_state_name(enum colo_checkpoint_state state)
{
	static const char *const names[COLO_N_CHECKPOINT_STATES] = {
		[COLO_CHECKPOINT_COMPLETE] = "complete",   [COLO_CHECKPOINT_ABORTED] = "aborted",
		[COLO_CHECKPOINT_CUT_START] = "cut_start", [COLO_CHECKPOINT_CUT_END] = "cut_end",
		[COLO_CHECKPOINT_BROKEN] = "broken",	   [COLO_CHECKPOINT_PENDING] = "pending",
	};

	return names[state];
}

/* What is seen of a checkpoint, apart from the wait before it. */
struct sighting {
	unsigned int n_whole; /* phases of which begin and end were seen, itself included */
	unsigned int n_half;  /* of which one of both was seen */
};

static struct sighting sighting_of(const struct colo_checkpoint *checkpoint)
{
	struct sighting sighting = {0};

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
		const struct colo_window *window = &checkpoint->windows[phase];

		if (phase == COLO_PHASE_WAIT)
			continue;
		sighting.n_whole += window->has_begin && window->has_end;
		sighting.n_half += window->has_begin != window->has_end;
	}
	return sighting;
}

static enum colo_checkpoint_state
state_of(enum colo_role role, const struct colo_checkpoint *checkpoint, struct colo_edge edge)
{
	const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];
	struct sighting sighting = sighting_of(checkpoint);
	guint n_phases;

	(void)colo_role_phases(role, &n_phases);
	if (!sighting.n_whole && !sighting.n_half)
		return COLO_CHECKPOINT_PENDING;
	if (whole->has_begin && whole->has_end && checkpoint->ret)
		return COLO_CHECKPOINT_ABORTED;
	if (sighting.n_whole < n_phases + 1 || sighting.n_half) {
		if (edge.start)
			return COLO_CHECKPOINT_CUT_START;
		if (edge.end)
			return COLO_CHECKPOINT_CUT_END;
	}
	if (!colo_window_is_valid(whole))
		return COLO_CHECKPOINT_BROKEN;
	return COLO_CHECKPOINT_COMPLETE;
}

/*
 * An error leaves the phases of its checkpoint open, which is the contract and
 * no anomaly; so does the edge of the recording.
 */
static void count_pairs(const struct colo_checkpoint *checkpoint, struct colo_edge edge,
			struct colo_anomalies *anomalies)
{
	const bool is_cut = checkpoint->state == COLO_CHECKPOINT_CUT_START ||
			    checkpoint->state == COLO_CHECKPOINT_CUT_END;

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
		const struct colo_window *window = &checkpoint->windows[phase];
		bool at_edge = is_cut || (phase == COLO_PHASE_WAIT && edge.wait);
		bool may_stay_open = at_edge || checkpoint->state == COLO_CHECKPOINT_ABORTED ||
				     checkpoint->state == COLO_CHECKPOINT_PENDING;

		if (window->has_begin && !window->has_end && !may_stay_open)
			anomalies->begins_without_end++;
		if (window->has_end && !window->has_begin && !at_edge)
			anomalies->ends_without_begin++;
		if (window->has_begin && window->has_end && !colo_window_is_valid(window))
			anomalies->negative_durations++;
	}
}

/* A complete checkpoint, of which each phase was seen whole. */
static bool is_whole(enum colo_role role, const struct colo_checkpoint *checkpoint)
{
	bool whole = checkpoint->state == COLO_CHECKPOINT_COMPLETE;
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	for (guint i = 0; i < n && whole; i++)
		whole = colo_window_is_valid(&checkpoint->windows[phases[i]]);
	return whole;
}

static bool is_before(const struct colo_window *left, const struct colo_window *right)
{
	return left->end_ns <= right->begin_ns;
}

/* Whether a phase of a whole checkpoint lies beyond it, or in part in another one. */
static bool has_overlap(enum colo_role role, const struct colo_checkpoint *checkpoint)
{
	const struct colo_window *windows = checkpoint->windows;
	const struct colo_window *whole = &windows[COLO_PHASE_CHECKPOINT];
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	for (guint i = 0; i < n; i++) {
		const struct colo_window *phase = &windows[phases[i]];

		if (phase->begin_ns < whole->begin_ns || phase->end_ns > whole->end_ns)
			return true;
		for (guint k = i + 1; k < n; k++)
			if (!is_before(phase, &windows[phases[k]]) &&
			    !is_before(&windows[phases[k]], phase))
				return true;
	}
	return false;
}

struct colo_value colo_checkpoint_other_ns(enum colo_role role,
					   const struct colo_checkpoint *checkpoint)
{
	struct colo_value other = colo_window_ns(&checkpoint->windows[COLO_PHASE_CHECKPOINT]);
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	if (!is_whole(role, checkpoint) || has_overlap(role, checkpoint))
		return (struct colo_value){0};
	for (guint i = 0; i < n; i++)
		other.value -= colo_window_ns(&checkpoint->windows[phases[i]]).value;
	return other;
}

static void count_missing(enum colo_role role, const struct colo_checkpoint *checkpoint,
			  struct colo_edge edge, struct colo_anomalies *anomalies)
{
	const struct colo_window *wait = &checkpoint->windows[COLO_PHASE_WAIT];
	const enum colo_phase *phases;
	guint n;

	if (checkpoint->state != COLO_CHECKPOINT_COMPLETE)
		return;
	phases = colo_role_phases(role, &n);
	for (guint i = 0; i < n; i++) {
		const struct colo_window *window = &checkpoint->windows[phases[i]];

		anomalies->missing += !window->has_begin && !window->has_end;
	}
	if (!edge.wait)
		anomalies->missing += !wait->has_begin && !wait->has_end;
}

bool colo_checkpoint_is_begun(const struct colo_checkpoint *checkpoint)
{
	const struct sighting sighting = sighting_of(checkpoint);

	return sighting.n_whole || sighting.n_half;
}

void colo_checkpoint_judge(enum colo_role role, struct colo_checkpoint *checkpoint,
			   struct colo_edge edge, struct colo_anomalies *anomalies)
{
	checkpoint->state = state_of(role, checkpoint, edge);
	count_pairs(checkpoint, edge, anomalies);
	count_missing(role, checkpoint, edge, anomalies);
	anomalies->overlapping += is_whole(role, checkpoint) && has_overlap(role, checkpoint);
}
