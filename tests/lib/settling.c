/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compares summaries that came about in different ways.
 */
#include "lib/settling.h"

#include "colo/tally.h"

#include <string.h>

/* A tally for each session. */
static struct colo_tally *tally_of(GHashTable *tallies, const struct colo_session *session)
{
	struct colo_tally *tally = g_hash_table_lookup(tallies, session);

	if (!tally) {
		tally = colo_tally_new(session);
		g_hash_table_insert(tallies, (gpointer)session, tally);
	}
	return tally;
}

static void count(const struct colo_session *session, const struct colo_checkpoint *checkpoint,
		  void *data)
{
	colo_tally_add(tally_of(data, session), checkpoint);
}

static void preview(const struct colo_session *session, const struct colo_checkpoint *checkpoint,
		    void *data)
{
	colo_tally_preview(tally_of(data, session), checkpoint);
}

static void assert_same_distribution(const struct distribution *left,
				     const struct distribution *right)
{
	g_assert_cmpuint(left->n, ==, right->n);
	g_assert_cmpint(left->total, ==, right->total);
	g_assert_true(left->mean == right->mean && left->stddev == right->stddev);
	g_assert_cmpint(left->min, ==, right->min);
	g_assert_cmpint(left->p50, ==, right->p50);
	g_assert_cmpint(left->p90, ==, right->p90);
	g_assert_cmpint(left->p99, ==, right->p99);
	g_assert_cmpint(left->max, ==, right->max);
}

static void assert_same_recorder(const struct colo_recorder *left,
				 const struct colo_recorder *right)
{
	const struct colo_value *l = &left->tot_time, *r = &right->tot_time;

	for (size_t i = 0; i < sizeof(*left) / sizeof(*l); i++) {
		g_assert_cmpint(l[i].known, ==, r[i].known);
		g_assert_true(!l[i].known || l[i].value == r[i].value);
	}
}

static void assert_same_summary(const struct colo_summary *left, const struct colo_summary *right)
{
	g_assert_cmpmem(left->n_states, sizeof(left->n_states), right->n_states,
			sizeof(right->n_states));
	g_assert_cmpmem(left->triggered_by, sizeof(left->triggered_by), right->triggered_by,
			sizeof(right->triggered_by));
	g_assert_cmpuint(left->first_seq, ==, right->first_seq);
	g_assert_cmpuint(left->last_seq, ==, right->last_seq);
	assert_same_recorder(&left->recorder, &right->recorder);
	g_assert_cmpuint(left->n_rows, ==, right->n_rows);
	for (guint i = 0; i < left->n_rows; i++)
		assert_same_distribution(&left->rows[i].ns, &right->rows[i].ns);
	for (guint i = 0; i < left->n_amounts; i++)
		assert_same_distribution(&left->amounts[i].units, &right->amounts[i].units);
	g_assert_true(!left->last_counters == !right->last_counters);
	if (left->last_counters)
		g_assert_cmpmem(
			left->last_counters->counters, sizeof(left->last_counters->counters),
			right->last_counters->counters, sizeof(right->last_counters->counters));
}

/* What there is to say of the first `n` hits, when all of them are known. */
static struct colo_model *model_of(const GArray *hits, guint n)
{
	struct colo_model *model = colo_model_new();

	for (guint i = 0; i < n; i++)
		colo_model_add(model, &g_array_index(hits, struct colo_hit, i));
	colo_model_finish(model);
	return model;
}

static const struct colo_session *same_session(const struct colo_model *model,
					       const struct colo_session *session)
{
	const GPtrArray *sessions = colo_model_sessions(model);

	for (guint i = 0; i < sessions->len; i++) {
		const struct colo_session *other = sessions->pdata[i];

		if (other->source == session->source && other->pid == session->pid &&
		    other->role == session->role && other->number == session->number)
			return other;
	}
	return NULL;
}

static void assert_same(const struct colo_model *model, GHashTable *tallies,
			const struct colo_model *expected)
{
	const struct colo_selection all = COLO_SELECT_ALL;
	const GPtrArray *sessions = colo_model_sessions(model);

	g_assert_cmpuint(sessions->len, ==, colo_model_sessions(expected)->len);
	for (guint i = 0; i < sessions->len; i++) {
		const struct colo_session *session = sessions->pdata[i];
		const struct colo_session *other = same_session(expected, session);
		struct colo_summary *left, *right;

		g_assert_nonnull(other);
		left = colo_tally_summary(tally_of(tallies, session));
		right = colo_summary_new(other, &all);
		assert_same_summary(left, right);
		colo_summary_free(left);
		colo_summary_free(right);
	}
}

/* What the model would say if no hit followed the first `n`. */
static void check_foreseen(const struct colo_model *model, GHashTable *tallies, const GArray *hits,
			   guint n)
{
	const GPtrArray *sessions = colo_model_sessions(model);
	struct colo_model *expected = model_of(hits, n);

	for (guint i = 0; i < sessions->len; i++)
		colo_session_foresee(sessions->pdata[i], preview, tallies);
	assert_same(model, tallies, expected);
	for (guint i = 0; i < sessions->len; i++)
		colo_tally_end_preview(tally_of(tallies, sessions->pdata[i]));
	colo_model_free(expected);
}

static void count_rest(const struct colo_model *model, GHashTable *tallies)
{
	const struct colo_selection all = COLO_SELECT_ALL;
	const GPtrArray *sessions = colo_model_sessions(model);

	for (guint i = 0; i < sessions->len; i++)
		colo_session_visit(sessions->pdata[i], &all, count, tallies);
}

static void assert_same_sessions(const struct colo_model *model, const struct colo_model *expected)
{
	const GPtrArray *sessions = colo_model_sessions(model);

	g_assert_cmpuint(colo_model_invalid_hits(model), ==, colo_model_invalid_hits(expected));
	for (guint i = 0; i < sessions->len; i++) {
		const struct colo_session *left = sessions->pdata[i];
		const struct colo_session *right = same_session(expected, left);

		g_assert_cmpmem(&left->anomalies, sizeof(left->anomalies), &right->anomalies,
				sizeof(right->anomalies));
		g_assert_cmpmem(left->triggers, sizeof(left->triggers), right->triggers,
				sizeof(right->triggers));
		g_assert_cmpuint(left->tid, ==, right->tid);
		g_assert_cmpuint(left->last_seen_ns, ==, right->last_seen_ns);
		g_assert_cmpint(left->exited, ==, right->exited);
	}
}

void settling_check(const GArray *hits, guint step, guint look)
{
	GHashTable *tallies =
		g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)colo_tally_free);
	struct colo_model *model = colo_model_new(), *expected = model_of(hits, hits->len);

	for (guint i = 0; i < hits->len; i++) {
		colo_model_add(model, &g_array_index(hits, struct colo_hit, i));
		if ((i + 1) % step == 0)
			colo_model_settle(model, count, tallies);
		if ((i + 1) % look == 0)
			check_foreseen(model, tallies, hits, i + 1);
	}
	colo_model_finish(model);
	count_rest(model, tallies);
	assert_same(model, tallies, expected);
	assert_same_sessions(model, expected);
	g_hash_table_unref(tallies);
	colo_model_free(model);
	colo_model_free(expected);
}
