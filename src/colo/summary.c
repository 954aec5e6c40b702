/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Statistics over the checkpoints of a session.
 */
#include "colo/summary.h"

/* The values of every statistic, one GArray of int64_t each, before they are summed up. */
struct samples {
	struct colo_summary *summary;
	GArray *phases[COLO_N_PHASES];
	GArray *amounts[COLO_N_AMOUNTS];
	GArray *other, *pause, *stat;
};

bool colo_selection_has(const struct colo_selection *selection, const struct colo_session *session,
			const struct colo_checkpoint *checkpoint)
{
	const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];
	int64_t at_ns;

	if (checkpoint->seq < selection->first_seq || checkpoint->seq > selection->last_seq)
		return false;
	/* What was under way when the recording began, began before everything else. */
	at_ns = whole->has_begin ? (int64_t)(whole->begin_ns - session->origin_ns) : 0;
	return at_ns >= selection->since_ns && at_ns < selection->until_ns;
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

struct colo_value colo_checkpoint_other_ns(const struct colo_session *session,
					   const struct colo_checkpoint *checkpoint)
{
	struct colo_value other = {0};
	const enum colo_phase *phases;
	guint n;

	if (checkpoint->state != COLO_CHECKPOINT_COMPLETE)
		return other;
	other.value = colo_window_ns(&checkpoint->windows[COLO_PHASE_CHECKPOINT]);
	phases = colo_role_phases(session->role, &n);
	for (guint i = 0; i < n; i++) {
		const struct colo_window *window = &checkpoint->windows[phases[i]];

		if (!colo_window_is_valid(window))
			return (struct colo_value){0};
		other.value -= colo_window_ns(window);
	}
	other.known = true;
	return other;
}

struct colo_value colo_checkpoint_pause_ns(const struct colo_checkpoint *checkpoint)
{
	const struct colo_window pause = {
		.begin_ns = checkpoint->windows[COLO_PHASE_STOP].begin_ns,
		.has_begin = checkpoint->windows[COLO_PHASE_STOP].has_begin,
		.end_ns = checkpoint->windows[COLO_PHASE_RESUME].end_ns,
		.has_end = checkpoint->windows[COLO_PHASE_RESUME].has_end,
	};

	if (checkpoint->state != COLO_CHECKPOINT_COMPLETE || !colo_window_is_valid(&pause))
		return (struct colo_value){0};
	return (struct colo_value){true, colo_window_ns(&pause)};
}

static struct colo_value stat_ns(const struct colo_session *session,
				 const struct colo_checkpoint *checkpoint)
{
	const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];
	const struct colo_window *last =
		&checkpoint->windows[colo_role_last_stat_phase(session->role)];

	if (!last->has_end || last->end_ns < whole->begin_ns)
		return (struct colo_value){0};
	return (struct colo_value){true, (int64_t)(last->end_ns - whole->begin_ns)};
}

static void add_value(GArray *values, struct colo_value value)
{
	if (value.known)
		g_array_append_val(values, value.value);
}

static void add_complete(struct samples *samples, const struct colo_session *session,
			 const struct colo_checkpoint *checkpoint)
{
	struct colo_summary *summary = samples->summary;
	const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];

	if (!summary->first_seq) {
		summary->first_seq = checkpoint->seq;
		summary->begin_ns = whole->begin_ns;
	}
	summary->last_seq = checkpoint->seq;
	summary->end_ns = whole->end_ns;
	summary->triggered_by[checkpoint->trigger]++;
	if (checkpoint->counters_seen)
		summary->last_counters = checkpoint;

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
		const struct colo_window *window = &checkpoint->windows[phase];

		if (colo_window_is_valid(window))
			add_value(samples->phases[phase],
				  (struct colo_value){true, colo_window_ns(window)});
	}
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		add_value(samples->amounts[amount],
			  (struct colo_value){checkpoint->amounts_seen >> amount & 1,
					      checkpoint->amounts[amount]});
	add_value(samples->other, colo_checkpoint_other_ns(session, checkpoint));
	add_value(samples->pause, colo_checkpoint_pause_ns(checkpoint));
	add_value(samples->stat, stat_ns(session, checkpoint));
}

static void add_checkpoint(const struct colo_session *session,
			   const struct colo_checkpoint *checkpoint, void *data)
{
	struct samples *samples = data;

	samples->summary->n_states[checkpoint->state]++;
	if (checkpoint->state == COLO_CHECKPOINT_COMPLETE)
		add_complete(samples, session, checkpoint);
}

/* Rounded down, as the recorder's integer division does. */
static struct colo_value mean_of(GArray *values)
{
	struct distribution distribution = distribution_of(values);

	if (!distribution.n)
		return (struct colo_value){0};
	return (struct colo_value){true, distribution.total / (int64_t)distribution.n};
}

static void fill_recorder(struct colo_summary *summary, const struct samples *samples)
{
	struct colo_recorder *recorder = &summary->recorder;
	const struct colo_window *init = &summary->session->init;

	recorder->tot_num = (struct colo_value){true, (int64_t)summary->rows[0].ns.n};
	recorder->tot_time = (struct colo_value){true, summary->rows[0].ns.total};
	recorder->avg_time = mean_of(samples->phases[COLO_PHASE_CHECKPOINT]);
	if (colo_window_is_valid(init))
		recorder->init_time = (struct colo_value){true, colo_window_ns(init)};
	recorder->wait_time = mean_of(samples->phases[COLO_PHASE_WAIT]);
	recorder->stat_time = mean_of(samples->stat);
	recorder->dev_time = mean_of(samples->phases[COLO_PHASE_DEV]);
	recorder->ram_time = mean_of(samples->phases[COLO_PHASE_RAM]);
	recorder->vmstate_time = mean_of(samples->phases[COLO_PHASE_VMSTATE]);
	recorder->ram_size = mean_of(samples->amounts[COLO_AMOUNT_VMSTATE_BYTES]);
	recorder->dev_size = mean_of(samples->amounts[COLO_AMOUNT_DEVICE_STATE_BYTES]);
}

static struct colo_row phase_row(enum colo_phase phase, enum colo_row_kind kind,
				 const struct samples *samples)
{
	return (struct colo_row){colo_phase_name(phase), kind,
				 distribution_of(samples->phases[phase])};
}

static void fill_distributions(struct colo_summary *summary, const struct samples *samples)
{
	const enum colo_role role = summary->session->role;
	const enum colo_amount *amounts = colo_role_amounts(role, &summary->n_amounts);
	guint n_phases;
	const enum colo_phase *phases = colo_role_phases(role, &n_phases);
	struct colo_row *row;

	summary->n_rows = n_phases + 4;
	summary->rows = row = g_new0(struct colo_row, summary->n_rows);
	*row++ = phase_row(COLO_PHASE_CHECKPOINT, COLO_ROW_WHOLE, samples);
	for (guint i = 0; i < n_phases; i++)
		*row++ = phase_row(phases[i], COLO_ROW_PART, samples);
	*row++ = (struct colo_row){"other", COLO_ROW_PART, distribution_of(samples->other)};
	*row++ = phase_row(COLO_PHASE_WAIT, COLO_ROW_OUTSIDE, samples);
	*row++ = (struct colo_row){"pause", COLO_ROW_OUTSIDE, distribution_of(samples->pause)};

	summary->amounts = g_new0(struct colo_amount_summary, summary->n_amounts);
	for (guint i = 0; i < summary->n_amounts; i++)
		summary->amounts[i] = (struct colo_amount_summary){
			amounts[i], distribution_of(samples->amounts[amounts[i]])};
}

static GArray *values_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(int64_t));
}

struct colo_summary *colo_summary_new(const struct colo_session *session,
				      const struct colo_selection *selection)
{
	struct colo_summary *summary = g_new0(struct colo_summary, 1);
	struct samples samples = {
		.summary = summary,
		.other = values_new(),
		.pause = values_new(),
		.stat = values_new(),
	};

	summary->session = session;
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		samples.phases[phase] = values_new();
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		samples.amounts[amount] = values_new();

	colo_session_visit(session, selection, add_checkpoint, &samples);
	fill_distributions(summary, &samples);
	fill_recorder(summary, &samples);

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		g_array_unref(samples.phases[phase]);
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		g_array_unref(samples.amounts[amount]);
	g_array_unref(samples.other);
	g_array_unref(samples.pause);
	g_array_unref(samples.stat);
	return summary;
}

void colo_summary_free(struct colo_summary *summary)
{
	if (!summary)
		return;
	g_free(summary->rows);
	g_free(summary->amounts);
	g_free(summary);
}
