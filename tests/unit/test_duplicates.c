/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * colo/duplicates: which hits are one, and which are two.
 */
#include "colo/duplicates.h"

#define MS UINT64_C(1000000)

/* A hit of a trigger, which may come again with the same arguments. */
static struct colo_hit trigger_at(uint64_t time_ns, uint32_t event)
{
	return (struct colo_hit){
		.time_ns = time_ns,
		.pid = 7,
		.tid = 8,
		.event = event,
		.place = 0x1000,
		.probe = colo_probe_find("colo_trigger"),
		.args = {COLO_ROLE_PRIMARY, 5, COLO_TRIGGER_TIMER},
	};
}

/* Takes the hits; `expected` has a letter for each: "." counts, "d" is a duplicate. */
static void check(const struct colo_hit *hits, guint n, const char *expected)
{
	struct duplicates *duplicates = duplicates_new();
	g_autoptr(GString) found = g_string_new(NULL);
	uint64_t n_found = 0, n_counted = 0;

	for (guint i = 0; i < n; i++) {
		const bool is_duplicate = duplicates_take(duplicates, &hits[i]);

		g_string_append_c(found, is_duplicate ? 'd' : '.');
		n_found += is_duplicate;
	}
	g_assert_cmpstr(found->str, ==, expected);
	for (uint32_t source = 0; source < 3; source++)
		n_counted += duplicates_count(duplicates, source);
	g_assert_cmpuint(n_counted, ==, n_found);
	duplicates_free(duplicates);
}

/* Every probe is registered three times: of each three hits one counts, also of equal ones. */
static void test_three_events(void)
{
	struct colo_hit hits[9];

	for (guint i = 0; i < G_N_ELEMENTS(hits); i++)
		hits[i] = trigger_at(i / 3 * 20 * MS + i % 3 * 1500, i % 3);
	check(hits, G_N_ELEMENTS(hits), ".dd.dd.dd");
}

/* More events than are remembered. */
static void test_many_events(void)
{
	struct colo_hit hits[40];

	for (guint i = 0; i < G_N_ELEMENTS(hits); i++)
		hits[i] = trigger_at(i / 20 * 20 * MS + i % 20 * 1500, i % 20);
	check(hits, G_N_ELEMENTS(hits), ".ddddddddddddddddddd.ddddddddddddddddddd");
}

/* One event: what comes again has happened again, unless even the time is the same. */
static void test_one_event(void)
{
	const struct colo_hit hits[] = {trigger_at(1000, 4), trigger_at(2000, 4),
					trigger_at(2000, 4), trigger_at(2001, 4)};

	check(hits, G_N_ELEMENTS(hits), "..d.");
}

/* One event begins later, ends earlier or loses a hit: the number of hits is still right. */
static void test_partner_missing(void)
{
	const struct colo_hit late[] = {trigger_at(0, 1), trigger_at(20 * MS, 0),
					trigger_at(20 * MS + 1000, 1), trigger_at(40 * MS, 0),
					trigger_at(40 * MS + 1000, 1)};
	const struct colo_hit lost[] = {trigger_at(0, 0), trigger_at(1000, 1),
					trigger_at(20 * MS, 0), trigger_at(40 * MS, 0),
					trigger_at(40 * MS + 1000, 1)};

	/* Each hit of `late` seems to be the one before it, through the other event. */
	check(late, G_N_ELEMENTS(late), ".d.d.");
	check(lost, G_N_ELEMENTS(lost), ".d..d");
}

/* What differs in one thing is another hit. */
static void test_differences(void)
{
	const struct colo_hit first = trigger_at(1000, 0);
	struct colo_hit second = trigger_at(2000, 1);
	const struct {
		const char *what;
		struct colo_hit hit;
	} cases[] = {
		{"source", {.source = 1}}, {"pid", {.pid = 1}},		  {"tid", {.tid = 1}},
		{"place", {.place = 1}},   {"args", {.args = {0, 0, 1}}},
	};

	check((const struct colo_hit[]){first, second}, 2, ".d");
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct colo_hit *more = &cases[i].hit;
		struct colo_hit other = second;

		g_test_message("%s", cases[i].what);
		other.source += more->source;
		other.pid += more->pid;
		other.tid += more->tid;
		other.place += more->place;
		other.args[2] += more->args[2];
		check((const struct colo_hit[]){first, other}, 2, "..");
	}
	second.probe = colo_probe_find("colo_ram_end");
	check((const struct colo_hit[]){first, second}, 2, "..");
	second = trigger_at(first.time_ns + 101 * MS, 1);
	check((const struct colo_hit[]){first, second}, 2, "..");
}

/* Another hit of the thread in between ends the trap; one of another thread does not. */
static void test_between(void)
{
	struct colo_hit hits[] = {trigger_at(1000, 0), trigger_at(1500, 0), trigger_at(2000, 1)};

	hits[1].tid++;
	check(hits, 3, "..d");
	hits[1].tid--;
	hits[1].place++;
	check(hits, 3, "...");
}

/* Any number of threads takes the memory of some; each hit of theirs counts. */
static void test_many_threads(void)
{
	struct duplicates *duplicates = duplicates_new();

	for (uint32_t i = 0; i < 200000; i++) {
		struct colo_hit hit = trigger_at(1000 + 2 * (uint64_t)i, 0);

		hit.tid = i;
		g_assert_false(duplicates_take(duplicates, &hit));
		hit.event = 1;
		hit.time_ns++;
		g_assert_true(duplicates_take(duplicates, &hit));
	}
	g_assert_cmpuint(duplicates_count(duplicates, 0), ==, 200000);
	duplicates_free(duplicates);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/duplicates/three-events", test_three_events);
	g_test_add_func("/duplicates/many-events", test_many_events);
	g_test_add_func("/duplicates/one-event", test_one_event);
	g_test_add_func("/duplicates/partner-missing", test_partner_missing);
	g_test_add_func("/duplicates/differences", test_differences);
	g_test_add_func("/duplicates/between", test_between);
	g_test_add_func("/duplicates/many-threads", test_many_threads);
	return g_test_run();
}
