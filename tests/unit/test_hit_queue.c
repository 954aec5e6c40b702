/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * colo/hit_queue: hits that come in any order are taken out in the order of time, while others
 * come.
 */
#include "colo/hit_queue.h"
#include "lib/dice.h"

static void add(struct hit_queue *queue, uint64_t time_ns, uint32_t tid)
{
	const struct colo_hit hit = {
		.time_ns = time_ns, .tid = tid, .probe = colo_probe_find("colo_ram_begin")};

	hit_queue_add(queue, &hit);
}

static void test_empty(void)
{
	struct hit_queue *queue = hit_queue_new();
	struct colo_hit hit;

	g_assert_false(hit_queue_take(queue, UINT64_MAX, &hit));
	g_assert_cmpuint(hit_queue_latest_ns(queue), ==, 0);
	add(queue, 7, 1);
	g_assert_false(hit_queue_take(queue, 7, &hit));
	g_assert_true(hit_queue_take(queue, 8, &hit));
	g_assert_cmpuint(hit.time_ns, ==, 7);
	g_assert_false(hit_queue_take(queue, UINT64_MAX, &hit));
	g_assert_cmpuint(hit_queue_latest_ns(queue), ==, 7);
	hit_queue_free(queue);
}

/* Of the same time the first one comes first. */
static void test_same_time(void)
{
	struct hit_queue *queue = hit_queue_new();
	struct colo_hit hit;

	for (uint32_t i = 0; i < 100; i++)
		add(queue, 5 + i % 2, i);
	for (uint32_t i = 0; i < 100; i++) {
		g_assert_true(hit_queue_take(queue, UINT64_MAX, &hit));
		g_assert_cmpuint(hit.time_ns, ==, i < 50 ? 5 : 6);
		g_assert_cmpuint(hit.tid, ==, i < 50 ? 2 * i : 2 * (i - 50) + 1);
	}
	hit_queue_free(queue);
}

/*
 * Several buffers, each in its order, are looked at again and again; what is older than the
 * look before is taken. All come out, and in their order.
 */
static void test_buffers(void)
{
	for (guint round = 0; round < 50; round++) {
		struct dice dice = dice_of(round);
		struct hit_queue *queue = hit_queue_new();
		uint64_t n_added = 0, n_taken = 0, before_ns = 0, now_ns = 1000;
		const guint n_buffers = dice_range(&dice, 1, 9);
		struct colo_hit hit;

		for (guint look = 0; look < 200; look++) {
			for (guint buffer = 0; buffer < n_buffers; buffer++) {
				uint64_t time_ns = now_ns;

				for (guint i = dice_range(&dice, 0, 6); i > 0; i--) {
					time_ns += dice_range(&dice, 0, 50);
					add(queue, time_ns, buffer);
					n_added++;
				}
			}
			while (hit_queue_take(queue, now_ns, &hit)) {
				g_assert_cmpuint(hit.time_ns, >=, before_ns);
				g_assert_cmpuint(hit.time_ns, <, now_ns);
				before_ns = hit.time_ns;
				n_taken++;
			}
			now_ns += dice_range(&dice, 0, 300);
		}
		while (hit_queue_take(queue, UINT64_MAX, &hit)) {
			g_assert_cmpuint(hit.time_ns, >=, before_ns);
			before_ns = hit.time_ns;
			n_taken++;
		}
		g_assert_cmpuint(n_taken, ==, n_added);
		hit_queue_free(queue);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hit-queue/empty", test_empty);
	g_test_add_func("/hit-queue/same-time", test_same_time);
	g_test_add_func("/hit-queue/buffers", test_buffers);
	return g_test_run();
}
