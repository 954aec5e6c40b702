/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * colo/hit_log: what comes out is what went in, in the order of time, and ties in the
 * order in which they came.
 */
#include "colo/hit_log.h"

#include "lib/dice.h"

#include <string.h>

#define MANY 50000 /* more than a run of the log holds */

static struct colo_hit hit_of(const char *probe, guint64 time_ns)
{
	return (struct colo_hit){.probe = colo_probe_find(probe), .time_ns = time_ns};
}

static void assert_hit(const struct colo_hit *hit, const struct colo_hit *expected)
{
	g_assert_cmpuint(hit->time_ns, ==, expected->time_ns);
	g_assert_true(hit->probe == expected->probe);
	g_assert_cmpuint(hit->source, ==, expected->source);
	g_assert_cmpuint(hit->pid, ==, expected->pid);
	g_assert_cmpuint(hit->tid, ==, expected->tid);
	for (guint i = 0; i < COLO_PROBE_MAX_ARGS; i++)
		g_assert_cmpint(hit->args[i], ==, expected->args[i]);
}

static void take(struct hit_log *log, const struct colo_hit *expected)
{
	struct colo_hit hit;

	g_assert_true(hit_log_take(log, &hit));
	assert_hit(&hit, expected);
}

/* Nothing is left. */
static void finish(struct hit_log *log)
{
	struct colo_hit hit;

	g_assert_false(hit_log_take(log, &hit));
	g_assert_false(hit_log_take(log, &hit));
	hit_log_free(log);
}

static void test_empty(void)
{
	finish(hit_log_new());
	hit_log_free(NULL);
}

/* About 30 bytes each: a hit of usual numbers takes up no more. */
static void test_bytes(void)
{
	struct hit_log *log = hit_log_new();
	struct colo_hit hit = hit_of("colo_ram_end", 1);
	size_t before;

	hit.pid = hit.tid = 40000;
	hit.args[2] = 100 << 20;
	g_assert_cmpuint(hit_log_bytes(log), ==, 0);
	for (guint i = 0; i < MANY; i++) {
		before = hit_log_bytes(log);
		hit.time_ns += 1000;
		hit_log_add(log, &hit);
		g_assert_cmpuint(hit_log_bytes(log), >, before);
	}
	g_assert_cmpuint(hit_log_bytes(log) / MANY, <=, 34);
	hit_log_free(log);
}

static void test_extremes(void)
{
	static const gint64 numbers[] = {G_MININT64, G_MAXINT64, -1,	  0,
					 63,	     64,	 -64,	  -65,
					 G_MININT32, G_MAXINT32, 1 << 20, G_MAXUINT32};
	static const guint32 smaller[] = {0, 127, 128, G_MAXINT32, G_MAXUINT32};
	static const guint64 times_ns[] = {0, 1, G_MAXINT64, G_MAXUINT64};
	g_autoptr(GArray) expected = g_array_new(FALSE, FALSE, sizeof(struct colo_hit));
	struct hit_log *log = hit_log_new();

	for (guint time = 0; time < G_N_ELEMENTS(times_ns); time++) {
		for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
			struct colo_hit hit = hit_of("colo_counters_ram", times_ns[time]);

			hit.source = smaller[i % G_N_ELEMENTS(smaller)];
			hit.pid = smaller[(i + 1) % G_N_ELEMENTS(smaller)];
			hit.tid = smaller[(i + 2) % G_N_ELEMENTS(smaller)];
			for (guint arg = 0; arg < COLO_PROBE_MAX_ARGS; arg++)
				hit.args[arg] = numbers[(i + arg) % G_N_ELEMENTS(numbers)];
			hit_log_add(log, &hit);
			g_array_append_val(expected, hit);
		}
	}
	for (guint i = 0; i < expected->len; i++)
		take(log, &g_array_index(expected, struct colo_hit, i));
	finish(log);
}

static void test_every_probe(void)
{
	static const char *const names[] = {
		"colo_init_begin", "colo_wait_end",	  "colo_trigger",      "colo_exit",
		"colo_ram_end",	   "colo_checkpoint_end", "colo_counters_rate"};
	struct hit_log *log = hit_log_new();

	for (guint i = G_N_ELEMENTS(names); i-- > 0;) {
		const struct colo_hit hit = hit_of(names[i], i);

		hit_log_add(log, &hit);
	}
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		const struct colo_hit hit = hit_of(names[i], i);

		take(log, &hit);
	}
	finish(log);
}

/* Arguments that the probe does not have are not there afterwards. */
static void test_more_arguments(void)
{
	struct colo_hit hit = hit_of("colo_exit", 5);
	struct hit_log *log = hit_log_new();

	for (guint i = 0; i < COLO_PROBE_MAX_ARGS; i++)
		hit.args[i] = 1 + i;
	hit_log_add(log, &hit);
	memset(hit.args + 2, 0, sizeof(hit.args) - 2 * sizeof(hit.args[0]));
	take(log, &hit);
	finish(log);
}

/* All at the same time: across the runs of the log, too, they keep their order. */
static void test_ties(void)
{
	struct colo_hit hit = hit_of("colo_ram_begin", 77);
	struct hit_log *log = hit_log_new();

	for (hit.args[1] = 0; hit.args[1] < MANY; hit.args[1]++)
		hit_log_add(log, &hit);
	for (hit.args[1] = 0; hit.args[1] < MANY; hit.args[1]++)
		take(log, &hit);
	finish(log);
}

static void test_backwards(void)
{
	struct hit_log *log = hit_log_new();
	struct colo_hit hit;

	for (guint i = MANY; i-- > 0;) {
		hit = hit_of("colo_dev_end", i);
		hit_log_add(log, &hit);
	}
	for (guint i = 0; i < MANY; i++) {
		hit = hit_of("colo_dev_end", i);
		take(log, &hit);
	}
	finish(log);
}

static gint compare_times(gconstpointer a, gconstpointer b)
{
	const struct colo_hit *left = a, *right = b;

	return left->time_ns < right->time_ns ? -1 : left->time_ns > right->time_ns;
}

/* As perf writes them: in order on each CPU, a round of one CPU behind that of another. */
static void test_like_naive_sort(void)
{
	struct dice dice = dice_of(1);
	GSList *expected = NULL, *sorted;
	struct hit_log *log = hit_log_new();

	for (guint i = 0; i < MANY; i++) {
		const guint round = i / 200, in_round = i % 100;
		struct colo_hit hit = hit_of("colo_ram_end", 5000 * round + 40 * in_round +
								     dice_range(&dice, 0, 90));

		hit.source = dice_range(&dice, 0, 2);
		for (guint arg = 0; arg < 5; arg++)
			hit.args[arg] = (gint64)dice_range(&dice, 0, G_MAXUINT32) - G_MAXINT32;
		hit_log_add(log, &hit);
		expected = g_slist_prepend(expected, g_memdup2(&hit, sizeof(hit)));
	}
	/* A merge sort: ties keep their order. */
	expected = g_slist_sort(g_slist_reverse(expected), compare_times);
	for (sorted = expected; sorted; sorted = sorted->next)
		take(log, sorted->data);
	finish(log);
	g_slist_free_full(expected, g_free);
}

/* What was not taken out is freed. */
static void test_free_half_taken(void)
{
	struct hit_log *log = hit_log_new();

	for (guint i = 0; i < MANY; i++) {
		const struct colo_hit hit = hit_of("colo_stop_begin", i % 1000);

		hit_log_add(log, &hit);
	}
	for (guint i = 0; i < MANY / 2; i++) {
		const struct colo_hit hit = hit_of("colo_stop_begin", i / (MANY / 1000));

		take(log, &hit);
	}
	hit_log_free(log);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hit_log/empty", test_empty);
	g_test_add_func("/hit_log/extremes", test_extremes);
	g_test_add_func("/hit_log/every_probe", test_every_probe);
	g_test_add_func("/hit_log/more_arguments", test_more_arguments);
	g_test_add_func("/hit_log/ties", test_ties);
	g_test_add_func("/hit_log/backwards", test_backwards);
	g_test_add_func("/hit_log/like_naive_sort", test_like_naive_sort);
	g_test_add_func("/hit_log/free_half_taken", test_free_half_taken);
	g_test_add_func("/hit_log/bytes", test_bytes);
	return g_test_run();
}
