/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Counts checkpoints, and sums up what it has counted.
 */
#include "colo/tally.h"

#include "base/value_set.h"

#include <string.h>

/* What is kept beside the values of the distributions. */
struct counts {
	uint64_t n_states[COLO_N_CHECKPOINT_STATES];
	uint64_t first_seq, last_seq;
	uint64_t triggered_by[COLO_N_TRIGGERS];
	struct colo_checkpoint last, last_counters; /* with seq 0: there is none */
};

/* A value that was added for a preview. */
struct previewed {
	struct value_set *set; /* Weak */
	int64_t value;
};

struct colo_tally {
	const struct colo_session *session; /* Weak */
	struct counts counts;
	/* Owned by this, all of them; NULL as long as there is no value. */
	struct value_set *phases[COLO_N_PHASES], *amounts[COLO_N_AMOUNTS];
	struct value_set *other, *pause, *stat;
	struct counts before_preview;
	GArray *preview; /* Owned by this: struct previewed; NULL: there is none */
};

struct colo_tally *colo_tally_new(const struct colo_session *session)
{
	struct colo_tally *tally = g_new0(struct colo_tally, 1);

	tally->session = session;
	return tally;
}

void colo_tally_reset(struct colo_tally *tally)
{
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		g_clear_pointer(&tally->phases[phase], value_set_free);
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		g_clear_pointer(&tally->amounts[amount], value_set_free);
	g_clear_pointer(&tally->other, value_set_free);
	g_clear_pointer(&tally->pause, value_set_free);
	g_clear_pointer(&tally->stat, value_set_free);
	g_clear_pointer(&tally->preview, g_array_unref);
	tally->counts = (struct counts){0};
}

void colo_tally_free(struct colo_tally *tally)
{
	if (!tally)
		return;
	colo_tally_reset(tally);
	g_free(tally);
}

/* --- Counting --- */

static void add_value(struct colo_tally *tally, struct value_set **set, struct colo_value value)
{
	if (!value.known)
		return;
	if (!*set)
		*set = value_set_new();
	value_set_add(*set, value.value);
	if (tally->preview) {
		const struct previewed previewed = {*set, value.value};

		g_array_append_val(tally->preview, previewed);
	}
}

static void add_complete(struct colo_tally *tally, const struct colo_checkpoint *checkpoint)
{
	const enum colo_role role = tally->session->role;
	struct counts *counts = &tally->counts;

	if (!counts->first_seq)
		counts->first_seq = checkpoint->seq;
	counts->last_seq = checkpoint->seq;
	counts->triggered_by[checkpoint->trigger]++;
	counts->last = *checkpoint;
	if (checkpoint->counters_seen)
		counts->last_counters = *checkpoint;

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		add_value(tally, &tally->phases[phase],
			  colo_window_ns(&checkpoint->windows[phase]));
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		add_value(tally, &tally->amounts[amount],
			  colo_checkpoint_amount(checkpoint, amount));
	add_value(tally, &tally->other, colo_checkpoint_other_ns(role, checkpoint));
	add_value(tally, &tally->pause, colo_checkpoint_pause_ns(checkpoint));
	add_value(tally, &tally->stat, colo_checkpoint_stat_ns(role, checkpoint));
}

void colo_tally_add(struct colo_tally *tally, const struct colo_checkpoint *checkpoint)
{
	tally->counts.n_states[checkpoint->state]++;
	if (checkpoint->state == COLO_CHECKPOINT_COMPLETE)
		add_complete(tally, checkpoint);
}

void colo_tally_preview(struct colo_tally *tally, const struct colo_checkpoint *checkpoint)
{
	if (!tally->preview) {
		tally->preview = g_array_new(FALSE, FALSE, sizeof(struct previewed));
		tally->before_preview = tally->counts;
	}
	colo_tally_add(tally, checkpoint);
}

void colo_tally_end_preview(struct colo_tally *tally)
{
	if (!tally->preview)
		return;
	for (guint i = 0; i < tally->preview->len; i++) {
		const struct previewed *previewed =
			&g_array_index(tally->preview, struct previewed, i);

		value_set_remove(previewed->set, previewed->value);
	}
	g_clear_pointer(&tally->preview, g_array_unref);
	tally->counts = tally->before_preview;
}

const struct colo_checkpoint *colo_tally_last(const struct colo_tally *tally)
{
	return tally->counts.last.seq ? &tally->counts.last : NULL;
}

/* --- Summing up --- */

/* Rounded down, as the recorder's integer division does. */
static struct colo_value mean_of(const struct distribution *distribution)
{
	if (!distribution->n)
		return (struct colo_value){0};
	return (struct colo_value){true, distribution->int_mean};
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

static struct distribution sum_up(struct value_set *set)
{
	return set ? value_set_distribution(set) : (struct distribution){0};
}

struct colo_summary *colo_tally_summary(struct colo_tally *tally)
{
	struct colo_summary *summary = g_new0(struct colo_summary, 1);
	const struct counts *counts = &tally->counts;
	struct statistics statistics;

	summary->session = tally->session;
	memcpy(summary->n_states, counts->n_states, sizeof(summary->n_states));
	memcpy(summary->triggered_by, counts->triggered_by, sizeof(summary->triggered_by));
	summary->first_seq = counts->first_seq;
	summary->last_seq = counts->last_seq;
	if (counts->last_counters.seq)
		summary->last_counters =
			g_memdup2(&counts->last_counters, sizeof(counts->last_counters));
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
		statistics.phases[phase] = sum_up(tally->phases[phase]);
	for (unsigned int amount = 0; amount < COLO_N_AMOUNTS; amount++)
		statistics.amounts[amount] = sum_up(tally->amounts[amount]);
	statistics.other = sum_up(tally->other);
	statistics.pause = sum_up(tally->pause);
	statistics.stat = sum_up(tally->stat);
	fill_rows(summary, &statistics);
	fill_recorder(summary, &statistics);
	return summary;
}
