/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * base/value_set, colo/tally and the settling of colo/model: what is counted as it comes is
 * what is counted at the end, for any values and any hits.
 */
#include "base/value_set.h"
#include "colo/tally.h"
#include "lib/dice.h"
#include "lib/settling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Sets of values --- */

static int compare(gconstpointer a, gconstpointer b)
{
	const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* By the definitions, in long double: of the deviation all but the last digits agree. */
static void check_distribution(struct value_set *set, GArray *values)
{
	const struct distribution found = value_set_distribution(set);
	const int64_t *sorted;
	long double mean = 0, squares = 0;
	int64_t total = 0;

	g_assert_cmpuint(found.n, ==, values->len);
	if (!values->len)
		return;
	g_array_sort(values, compare);
	sorted = (const int64_t *)(void *)values->data;
	for (guint i = 0; i < values->len; i++)
		total += sorted[i];
	mean = (long double)total / values->len;
	for (guint i = 0; i < values->len; i++)
		squares += ((long double)sorted[i] - mean) * ((long double)sorted[i] - mean);
	g_assert_cmpint(found.total, ==, total);
	g_assert_cmpint(found.min, ==, sorted[0]);
	g_assert_cmpint(found.max, ==, sorted[values->len - 1]);
	g_assert_cmpint(found.p50, ==, sorted[(values->len * 50UL + 99) / 100 - 1]);
	g_assert_cmpint(found.p90, ==, sorted[(values->len * 90UL + 99) / 100 - 1]);
	g_assert_cmpint(found.p99, ==, sorted[(values->len * 99UL + 99) / 100 - 1]);
	if (values->len > 1) {
		const double deviation = sqrt((double)(squares / (values->len - 1)));

		g_assert_cmpfloat_with_epsilon(found.stddev, deviation, 1e-12 * deviation + 1e-9);
	}
}

/* Near each other, far apart, below zero, the same, and each kind in the midst of another. */
static int64_t some_value(struct dice *dice, guint kind)
{
	switch (dice_range(dice, 0, 50) ? kind : dice_range(dice, 0, 4)) {
	case 0:
		return dice_range(dice, 0, 1000);
	case 1:
		return 12345;
	case 2:
		return (int64_t)dice_range(dice, 0, 1U << 31) * dice_range(dice, 0, 1U << 10);
	default:
		return (int64_t)dice_range(dice, 0, 1U << 20) - (1 << 19);
	}
}

static void test_values(void)
{
	for (guint round = 0; round < 24; round++) {
		struct dice dice = dice_of(round);
		struct value_set *set = value_set_new();
		g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(int64_t));
		const guint n = 1U << dice_range(&dice, 0, 15);
		const guint step = dice_range(&dice, 1, n + 1);

		check_distribution(set, values);
		for (guint i = 0; i < n; i++) {
			const int64_t value = some_value(&dice, round % 4);

			value_set_add(set, value);
			g_array_append_val(values, value);
			if (i % step == 0)
				check_distribution(set, values);
		}
		check_distribution(set, values);
		value_set_free(set);
	}
}

static void test_removal(void)
{
	struct value_set *set = value_set_new(), *same = value_set_new();
	struct dice dice = dice_of(1);

	/* More than are packed at once, and a look at them after each. */
	for (guint i = 0; i < 20000; i++) {
		const int64_t value = some_value(&dice, 2), guess = some_value(&dice, 2);
		struct distribution left, right;

		value_set_add(set, guess);
		left = value_set_distribution(set);
		g_assert_cmpuint(left.n, ==, i + 1);
		value_set_remove(set, guess);
		value_set_add(set, value);
		value_set_add(same, value);
		if (i % 1000)
			continue;
		left = value_set_distribution(set);
		right = value_set_distribution(same);
		g_assert_cmpint(left.total, ==, right.total);
		g_assert_cmpint(left.p50, ==, right.p50);
		g_assert_cmpint(left.p99, ==, right.p99);
		g_assert_true(left.stddev == right.stddev);
	}
	value_set_free(set);
	value_set_free(same);
}

/* Values that no sum of squares can hold, as damaged input has them. */
static void test_beyond_sums(void)
{
	struct value_set *set = value_set_new();
	struct distribution found;

	value_set_add(set, INT64_MAX);
	value_set_add(set, INT64_MIN);
	value_set_add(set, 0);
	found = value_set_distribution(set);
	g_assert_cmpint(found.total, ==, -1);
	g_assert_cmpint(found.min, ==, INT64_MIN);
	g_assert_cmpint(found.max, ==, INT64_MAX);
	g_assert_cmpfloat_with_epsilon(found.stddev, 9223372036854775808.0, 1e9);
	value_set_free(set);
}

/* --- Hits --- */

/* A pair that loses, repeats, swaps and invents hits as often as `evil` says: one in so many. */
struct pair {
	struct dice dice;
	guint evil;
	GArray *hits; /* struct colo_hit */
	uint64_t now_ns;
};

static void hit(struct pair *pair, enum colo_role role, const char *name, int64_t second)
{
	struct colo_hit told = {
		.time_ns = pair->now_ns += dice_range(&pair->dice, 0, 3000),
		.pid = 10 + role,
		.tid = 20 + role,
		.probe = colo_probe_find(name),
		.args = {role, second, 0, 5, 6, 7},
	};

	g_assert_nonnull(told.probe);
	if (told.probe->kind == COLO_PROBE_TRIGGER)
		told.args[2] = dice_range(&pair->dice, 0, 4);
	else if (strcmp(name, "colo_checkpoint_end"))
		told.args[2] = dice_range(&pair->dice, 0, 5000);
	if (!dice_range(&pair->dice, 0, pair->evil)) {
		switch (dice_range(&pair->dice, 0, 6)) {
		case 0:
			return;
		case 1:
			g_array_append_val(pair->hits, told);
			break;
		case 2:
			told.args[1] += (int64_t)dice_range(&pair->dice, 0, 5) - 2;
			break;
		case 3:
			told.probe = colo_probe_get(dice_range(&pair->dice, 0, 30));
			break;
		case 4:
			told.args[2] = -1;
			break;
		default:
			told.args[0] = dice_range(&pair->dice, 0, 4);
		}
	}
	g_array_append_val(pair->hits, told);
}

static void phase(struct pair *pair, enum colo_role role, enum colo_phase which, int64_t seq)
{
	g_autofree char *begin = g_strdup_printf("colo_%s_begin", colo_phase_name(which));
	g_autofree char *end = g_strdup_printf("colo_%s_end", colo_phase_name(which));

	hit(pair, role, begin, seq);
	hit(pair, role, end, seq);
}

static void checkpoint(struct pair *pair, enum colo_role role, int64_t seq)
{
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	hit(pair, role, "colo_trigger", seq);
	phase(pair, role, COLO_PHASE_WAIT, seq);
	hit(pair, role, "colo_checkpoint_begin", seq);
	for (guint i = 0; i < n; i++)
		phase(pair, role, phases[i], seq);
	hit(pair, role, "colo_checkpoint_end", seq);
	if (dice_range(&pair->dice, 0, 4))
		hit(pair, role, "colo_counters_ram", seq);
}

static GArray *hits_of_pair(guint start, guint evil, guint n)
{
	struct pair pair = {
		.dice = dice_of(start),
		.evil = evil,
		.hits = g_array_new(FALSE, FALSE, sizeof(struct colo_hit)),
		.now_ns = 1000,
	};
	int64_t seqs[3] = {0, 1, 1};

	if (start % 2)
		hit(&pair, COLO_ROLE_PRIMARY, "colo_init_begin", 0);
	for (guint i = 0; i < n; i++) {
		const enum colo_role role =
			dice_boolean(&pair.dice) ? COLO_ROLE_PRIMARY : COLO_ROLE_SECONDARY;

		if (!dice_range(&pair.dice, 0, 2 * evil)) {
			hit(&pair, role, "colo_exit", 1);
			hit(&pair, role, "colo_init_begin", 0);
			seqs[role] = 1;
		}
		checkpoint(&pair, role, seqs[role]++);
	}
	/* It may end anywhere. */
	g_array_set_size(pair.hits, pair.hits->len - dice_range(&pair.dice, 0, 20));
	return pair.hits;
}

static void test_settling(void)
{
	for (guint round = 0; round < 60; round++) {
		g_autoptr(GArray) hits = hits_of_pair(round, 1U << (round % 11), 30);

		settling_check(hits, 1, 17);
		settling_check(hits, 1 + round % 40, 29);
	}
}

/* A hit that belongs to the checkpoint before the last one still changes it. */
static void test_late_hits(void)
{
	g_autoptr(GArray) hits = hits_of_pair(2, G_MAXUINT / 4, 40);

	for (guint i = 30; i + 20 < hits->len; i += 7) {
		g_autoptr(GArray) late = g_array_copy(hits);
		const struct colo_hit moved = g_array_index(hits, struct colo_hit, i);

		g_array_remove_index(late, i);
		g_array_insert_val(late, i + i % 19, moved);
		settling_check(late, 1, 37);
	}
}

static void add(const struct colo_session *session G_GNUC_UNUSED,
		const struct colo_checkpoint *checkpoint, void *data)
{
	colo_tally_add(data, checkpoint);
}

/* What is settled is forgotten by the model, so memory does not grow with time. */
static void test_model_forgets(void)
{
	g_autoptr(GArray) hits = hits_of_pair(3, G_MAXUINT / 4, 2000);
	struct colo_model *model = colo_model_new();
	struct colo_tally *tally = NULL;
	guint most = 0;

	for (guint i = 0; i < hits->len; i++) {
		const struct colo_hit *told = &g_array_index(hits, struct colo_hit, i);
		const struct colo_session *session;

		if (told->args[0] != COLO_ROLE_PRIMARY)
			continue;
		colo_model_add(model, told);
		session = colo_model_sessions(model)->pdata[0];
		if (!tally)
			tally = colo_tally_new(session);
		colo_model_settle(model, add, tally);
		most = MAX(most, session->checkpoints->len);
	}
	g_assert_cmpuint(most, <=, 3);
	g_assert_cmpuint(colo_tally_last(tally)->seq, >, 900);
	colo_tally_reset(tally);
	g_assert_null(colo_tally_last(tally));
	colo_tally_free(tally);
	colo_model_free(model);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/value-set/any-values", test_values);
	g_test_add_func("/value-set/removal", test_removal);
	g_test_add_func("/value-set/beyond-sums", test_beyond_sums);
	g_test_add_func("/settling/any-hits", test_settling);
	g_test_add_func("/settling/late-hits", test_late_hits);
	g_test_add_func("/settling/model-forgets", test_model_forgets);
	return g_test_run();
}
