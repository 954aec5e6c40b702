/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * colo/probe and colo/phase: names, the numbers that perf appends, orders.
 */
#include "colo/probe.h"

static void test_find(void)
{
	const struct colo_probe *probe = colo_probe_find("colo_ram_end");

	g_assert_nonnull(probe);
	g_assert_cmpint(probe->kind, ==, COLO_PROBE_END);
	g_assert_cmpint(probe->phase, ==, COLO_PHASE_RAM);
	g_assert_cmpuint(probe->n_args, ==, 5);
	g_assert_true(colo_probe_find("colo_ram_end_1") == probe);
	g_assert_true(colo_probe_find("colo_ram_end_12") == probe);
	g_assert_null(colo_probe_find("colo_ram_end_"));
	g_assert_null(colo_probe_find("colo_ram_end_x"));
	g_assert_null(colo_probe_find("colo_ram_en"));
	g_assert_null(colo_probe_find("colo_ram_ending"));
	g_assert_null(colo_probe_find(""));
}

/* As programs call them: perf's numbers are not theirs. */
static void test_is_name(void)
{
	g_assert_true(colo_probe_is_name("colo_ram_end"));
	g_assert_false(colo_probe_is_name("colo_ram_end_1"));
	g_assert_false(colo_probe_is_name("colo_ram"));
	g_assert_false(colo_probe_is_name(""));
}

/* Every phase can be found by its begin and its end, and has a name. */
static void test_all_phases(void)
{
	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
		g_autofree char *begin = g_strdup_printf("colo_%s_begin", colo_phase_name(phase));
		g_autofree char *end = g_strdup_printf("colo_%s_end", colo_phase_name(phase));

		g_assert_nonnull(colo_probe_find(begin));
		g_assert_cmpint(colo_probe_find(begin)->phase, ==, phase);
		g_assert_nonnull(colo_probe_find(end));
		g_assert_cmpint(colo_probe_find(end)->phase, ==, phase);
	}
}

static void test_numbers(void)
{
	const struct colo_probe *probe = colo_probe_find("colo_counters_bytes");

	g_assert_true(colo_probe_get(colo_probe_number(probe)) == probe);
	g_assert_cmpuint(colo_probe_number(colo_probe_get(0)), ==, 0);
}

static void test_names(void)
{
	g_assert_cmpstr(colo_migration_status_name(10), ==, "colo");
	g_assert_cmpstr(colo_migration_status_name(13), ==, "wait-unplug");
	g_assert_null(colo_migration_status_name(14));
	g_assert_null(colo_migration_status_name(-1));
	g_assert_cmpstr(colo_exit_reason_name(1), ==, "request");
	g_assert_cmpstr(colo_exit_reason_name(77), ==, "unknown");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/probe/find", test_find);
	g_test_add_func("/probe/is_name", test_is_name);
	g_test_add_func("/probe/all_phases", test_all_phases);
	g_test_add_func("/probe/numbers", test_numbers);
	g_test_add_func("/probe/names", test_names);
	return g_test_run();
}
