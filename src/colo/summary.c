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

static bool is_chosen(const struct colo_selection *selection, const struct colo_session *session,
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
		if (is_chosen(selection, session, checkpoint))
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

static void add_value(GArray *values, struct colo_value value)
{
	if (value.known)
		g_array_append_val(values, value.value);
}

static void add_complete(struct samples *samples, const struct colo_session *session,
			 const struct colo_checkpoint *checkpoint)
{
	struct colo_summary *summary = samples->summary;

	if (!summary->first_seq)
		summary->first_seq = checkpoint->seq;
	summary->last_seq = checkpoint->seq;
	summary->triggered_by[checkpoint->trigger]++;
	if (checkpoint->counters_seen)
		summary->last_counters = checkpoint;

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		add_value(samples->phases[phase], colo_window_ns(&checkpoint->windows[phase]));
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		add_value(samples->amounts[amount], colo_checkpoint_amount(checkpoint, amount));
	add_value(samples->other, colo_checkpoint_other_ns(session->role, checkpoint));
	add_value(samples->pause, colo_checkpoint_pause_ns(checkpoint));
	add_value(samples->stat, span_ns(checkpoint, COLO_PHASE_CHECKPOINT,
					 colo_role_last_stat_phase(session->role)));
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
static struct colo_value mean_of(const struct distribution *distribution)
{
	if (!distribution->n)
		return (struct colo_value){0};
	return (struct colo_value){true, distribution->total / (int64_t)distribution->n};
}

/* Everything that is summed up, once. */
struct statistics {
	struct distribution phases[COLO_N_PHASES], amounts[COLO_N_AMOUNTS];
	struct distribution other, pause, stat;
};

static void fill_recorder(struct colo_summary *summary, const struct statistics *statistics)
{
	const struct distribution *phases = statistics->phases, *amounts = statistics->amounts;
	const struct distribution *checkpoints = &phases[COLO_PHASE_CHECKPOINT];

	summary->recorder = (struct colo_recorder){
		.tot_time = {true, checkpoints->total},
		.tot_num = {true, (int64_t)checkpoints->n},
		.avg_time = mean_of(checkpoints),
		.init_time = colo_window_ns(&summary->session->init),
		.wait_time = mean_of(&phases[COLO_PHASE_WAIT]),
		.stat_time = mean_of(&statistics->stat),
		.dev_time = mean_of(&phases[COLO_PHASE_DEV]),
		.ram_time = mean_of(&phases[COLO_PHASE_RAM]),
		.vmstate_time = mean_of(&phases[COLO_PHASE_VMSTATE]),
		.ram_size = mean_of(&amounts[COLO_AMOUNT_VMSTATE_BYTES]),
		.dev_size = mean_of(&amounts[COLO_AMOUNT_DEVICE_STATE_BYTES]),
	};
}

static struct colo_row phase_row(enum colo_phase phase, enum colo_row_kind kind,
				 const struct statistics *statistics)
{
	return (struct colo_row){colo_phase_name(phase), kind, statistics->phases[phase]};
}

static void fill_rows(struct colo_summary *summary, const struct statistics *statistics)
{
	const enum colo_role role = summary->session->role;
	const enum colo_amount *amounts = colo_role_amounts(role, &summary->n_amounts);
	guint n_phases;
	const enum colo_phase *phases = colo_role_phases(role, &n_phases);
	struct colo_row *row;

	summary->n_rows = n_phases + 4;
	summary->rows = row = g_new0(struct colo_row, summary->n_rows);
	*row++ = phase_row(COLO_PHASE_CHECKPOINT, COLO_ROW_WHOLE, statistics);
	for (guint i = 0; i < n_phases; i++)
		*row++ = phase_row(phases[i], COLO_ROW_PART, statistics);
	*row++ = (struct colo_row){"other", COLO_ROW_PART, statistics->other};
	*row++ = phase_row(COLO_PHASE_WAIT, COLO_ROW_OUTSIDE, statistics);
	*row++ = (struct colo_row){"pause", COLO_ROW_OUTSIDE, statistics->pause};

	summary->amounts = g_new0(struct colo_amount_summary, summary->n_amounts);
	for (guint i = 0; i < summary->n_amounts; i++)
		summary->amounts[i] =
			(struct colo_amount_summary){amounts[i], statistics->amounts[amounts[i]]};
}

static GArray *values_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(int64_t));
}

/* Frees the values. */
static struct distribution sum_up(GArray *values)
{
	struct distribution distribution = distribution_of(values);

	g_array_unref(values);
	return distribution;
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
	struct statistics statistics;

	summary->session = session;
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		samples.phases[phase] = values_new();
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		samples.amounts[amount] = values_new();

	colo_session_visit(session, selection, add_checkpoint, &samples);

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		statistics.phases[phase] = sum_up(samples.phases[phase]);
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		statistics.amounts[amount] = sum_up(samples.amounts[amount]);
	statistics.other = sum_up(samples.other);
	statistics.pause = sum_up(samples.pause);
	statistics.stat = sum_up(samples.stat);
	fill_rows(summary, &statistics);
	fill_recorder(summary, &statistics);
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
