/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * profile/deferred: samples and their callers meet, whichever comes first; what is
 * kept is bounded, and each sample is visited once.
 */
#include "profile/deferred.h"

#include "lib/dice.h"
#include "profile/stack_table.h"

#define N_SAMPLES 2000

/* What was visited: the weight of a sample is its number. */
struct visits {
	guint32 callers[N_SAMPLES];
	guint times[N_SAMPLES];
	guint n, n_without;
};

static void visit(const struct deferred_sample *sample, uint32_t callers, void *data)
{
	struct visits *visits = data;

	visits->callers[sample->weight] = callers;
	visits->times[sample->weight]++;
	visits->n++;
	visits->n_without += callers == STACK_EMPTY;
}

static void add_sample(struct deferred *deferred, guint number, guint32 tid, guint64 cookie)
{
	const struct deferred_sample sample = {
		.cookie = cookie, .thread = {.pid = 1, .tid = tid}, .weight = number};

	deferred_add_sample(deferred, &sample);
}

static void test_sample_before_its_callers_and_behind_them(void)
{
	struct visits visits = {0};
	struct deferred *deferred = deferred_new(&deferred_usual_limits, visit, &visits);

	add_sample(deferred, 0, 7, 12);
	add_sample(deferred, 1, 7, 12);
	g_assert_cmpuint(visits.n, ==, 0);
	/* Neither another thread's, nor of another entry into the kernel. */
	deferred_add_callers(deferred, 8, 12, 50);
	deferred_add_callers(deferred, 7, 13, 51);
	g_assert_cmpuint(visits.n, ==, 0);
	deferred_add_callers(deferred, 7, 12, 52);
	g_assert_cmpuint(visits.n, ==, 2);
	add_sample(deferred, 2, 7, 12);
	add_sample(deferred, 3, 8, 12);
	add_sample(deferred, 4, 7, 14);
	g_assert_cmpuint(visits.n, ==, 4);
	deferred_finish(deferred);
	g_assert_cmpuint(visits.n, ==, 5);
	g_assert_cmpuint(visits.n_without, ==, 1);
	for (guint i = 0; i < 5; i++) {
		const guint32 expected[] = {52, 52, 52, 50, STACK_EMPTY};

		g_assert_cmpuint(visits.callers[i], ==, expected[i]);
	}
	deferred_free(deferred);
	deferred_free(NULL);
}

/* Thread and cookie tell which callers a sample has: the number of their stack here. */
static guint32 stack_of(guint32 tid, guint64 cookie)
{
	return 1 + tid * 1000 + (guint32)cookie;
}

static void test_any_order(void)
{
	struct dice dice = dice_of(15);

	for (guint round = 0; round < 20; round++) {
		struct visits visits = {0};
		struct deferred *deferred = deferred_new(&deferred_usual_limits, visit, &visits);
		guint32 expected[N_SAMPLES];
		guint n = 0;

		while (n < N_SAMPLES) {
			const guint32 tid = dice_range(&dice, 1, 5);
			const guint64 cookie = dice_range(&dice, 0, 300);

			if (dice_boolean(&dice)) {
				deferred_add_callers(deferred, tid, cookie, stack_of(tid, cookie));
			} else {
				expected[n] = stack_of(tid, cookie);
				add_sample(deferred, n++, tid, cookie);
			}
		}
		for (guint32 tid = 1; tid < 5; tid++)
			for (guint64 cookie = 0; cookie < 300; cookie++)
				deferred_add_callers(deferred, tid, cookie, stack_of(tid, cookie));
		g_assert_cmpuint(visits.n, ==, N_SAMPLES);
		g_assert_cmpuint(visits.n_without, ==, 0);
		for (guint i = 0; i < N_SAMPLES; i++)
			g_assert_cmpuint(visits.callers[i], ==, expected[i]);
		deferred_finish(deferred);
		g_assert_cmpuint(visits.n, ==, N_SAMPLES);
		deferred_free(deferred);
	}
}

/* The oldest go first, and count without callers. */
static void test_samples_that_wait_are_bounded(void)
{
	const struct deferred_limits limits = {.n_samples = 100, .n_callers = 64};
	struct visits visits = {0};
	struct deferred *deferred = deferred_new(&limits, visit, &visits);

	for (guint i = 0; i < N_SAMPLES; i++) {
		add_sample(deferred, i, 7, i);
		g_assert_cmpuint(visits.n, ==, i < 100 ? 0 : i - 99);
	}
	for (guint i = 0; i < N_SAMPLES; i++)
		deferred_add_callers(deferred, 7, i, 5);
	g_assert_cmpuint(visits.n, ==, N_SAMPLES);
	g_assert_cmpuint(visits.n_without, ==, N_SAMPLES - 100);
	for (guint i = 0; i < N_SAMPLES; i++) {
		g_assert_cmpuint(visits.times[i], ==, 1);
		g_assert_cmpuint(visits.callers[i], ==, i < N_SAMPLES - 100 ? STACK_EMPTY : 5);
	}
	deferred_free(deferred);
}

/* Of callers that came before their samples the last ones are kept. */
static void test_callers_are_bounded(void)
{
	const struct deferred_limits limits = {.n_samples = N_SAMPLES, .n_callers = 64};
	struct visits visits = {0};
	struct deferred *deferred = deferred_new(&limits, visit, &visits);
	guint found = 0;

	for (guint i = 0; i < N_SAMPLES; i++)
		deferred_add_callers(deferred, 7, i, i + 1);
	for (guint i = 0; i < N_SAMPLES; i++)
		add_sample(deferred, i, 7, i);
	for (guint i = 0; i < N_SAMPLES; i++) {
		g_assert_true(!visits.times[i] || visits.callers[i] == i + 1);
		found += visits.times[i];
	}
	g_assert_cmpuint(found, ==, 64);
	deferred_finish(deferred);
	g_assert_cmpuint(visits.n, ==, N_SAMPLES);
	deferred_free(deferred);
}

/* The last that a thread said of a cookie counts. */
static void test_cookie_that_comes_again(void)
{
	struct visits visits = {0};
	struct deferred *deferred = deferred_new(&deferred_usual_limits, visit, &visits);

	deferred_add_callers(deferred, 7, 1, 50);
	deferred_add_callers(deferred, 7, 1, 51);
	add_sample(deferred, 0, 7, 1);
	g_assert_cmpuint(visits.callers[0], ==, 51);
	deferred_free(deferred);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/deferred/sample_before_its_callers_and_behind_them",
			test_sample_before_its_callers_and_behind_them);
	g_test_add_func("/deferred/any_order", test_any_order);
	g_test_add_func("/deferred/samples_that_wait_are_bounded",
			test_samples_that_wait_are_bounded);
	g_test_add_func("/deferred/callers_are_bounded", test_callers_are_bounded);
	g_test_add_func("/deferred/cookie_that_comes_again", test_cookie_that_comes_again);
	return g_test_run();
}
