/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * base/distribution: moments, percentiles, and what is not known with few values.
 */
#include "base/value_set.h"

#include <math.h>

static struct distribution distribution_of_values(const int64_t *values, guint n)
{
	struct value_set *set = value_set_new();
	struct distribution distribution;

	for (guint i = 0; i < n; i++)
		value_set_add(set, values[i]);
	distribution = value_set_distribution(set);
	value_set_free(set);
	return distribution;
}

static void test_none(void)
{
	struct distribution none = distribution_of_values(NULL, 0);

	g_assert_cmpuint(none.n, ==, 0);
	g_assert_cmpint(none.total, ==, 0);
}

static void test_one(void)
{
	const int64_t value = 42;
	struct distribution one = distribution_of_values(&value, 1);

	g_assert_cmpuint(one.n, ==, 1);
	g_assert_cmpint(one.total, ==, 42);
	g_assert_cmpfloat(one.mean, ==, 42);
	g_assert_cmpint(one.min, ==, 42);
	g_assert_cmpint(one.p50, ==, 42);
	g_assert_cmpint(one.p99, ==, 42);
	g_assert_cmpint(one.max, ==, 42);
}

/* Textbook values: mean 5, sum of squared deviations 32. */
static void test_moments(void)
{
	const int64_t values[] = {9, 2, 4, 5, 4, 7, 4, 5};
	struct distribution all = distribution_of_values(values, G_N_ELEMENTS(values));

	g_assert_cmpint(all.total, ==, 40);
	g_assert_cmpfloat(all.mean, ==, 5);
	g_assert_cmpfloat_with_epsilon(all.stddev, sqrt(32.0 / 7), 1e-12);
	g_assert_cmpint(all.min, ==, 2);
	g_assert_cmpint(all.max, ==, 9);
}

/* Nearest rank, with the ranks at and around a whole number. */
static void test_percentiles(void)
{
	int64_t values[200];
	struct distribution all;

	for (guint i = 0; i < G_N_ELEMENTS(values); i++)
		values[i] = 200 - (int64_t)i;
	all = distribution_of_values(values, 200);
	g_assert_cmpint(all.p50, ==, 100);
	g_assert_cmpint(all.p90, ==, 180);
	g_assert_cmpint(all.p99, ==, 198);
	all = distribution_of_values(values + 99, 101);
	g_assert_cmpint(all.p50, ==, 51);
	g_assert_cmpint(all.p90, ==, 91);
	g_assert_cmpint(all.p99, ==, 100);
	all = distribution_of_values(values + 197, 3);
	g_assert_cmpint(all.p50, ==, 2);
	g_assert_cmpint(all.p90, ==, 3);
}

/* A hundred thousand phases of an hour each: their squares do not fit into 64 bits. */
static void test_large(void)
{
	const int64_t hour_ns = G_GINT64_CONSTANT(3600000000000);
	g_autofree int64_t *values = g_new(int64_t, 100000);
	struct distribution all;

	for (guint i = 0; i < 100000; i++)
		values[i] = hour_ns + (i % 2 ? 1000 : -1000);
	all = distribution_of_values(values, 100000);
	g_assert_cmpint(all.total, ==, hour_ns * 100000);
	g_assert_cmpfloat(all.mean, ==, (double)hour_ns);
	g_assert_cmpfloat_with_epsilon(all.stddev, 1000, 0.01);
}

/* Their sum does not fit into 64 bits: it stops there, and what is computed from it does not. */
static void test_sum_too_large(void)
{
	const int64_t longest = INT64_C(1) << 53;
	g_autofree int64_t *values = g_new(int64_t, 1100);
	struct distribution all;

	for (guint i = 0; i < 1100; i++)
		values[i] = longest - i % 2;
	all = distribution_of_values(values, 1100);
	g_assert_cmpint(all.total, ==, INT64_MAX);
	g_assert_cmpint(all.int_mean, ==, longest - 1);
	g_assert_cmpfloat_with_epsilon(all.mean, (double)longest - 0.5, 1);
	g_assert_cmpint(all.max, ==, longest);
	for (guint i = 0; i < 1100; i++)
		values[i] = -longest;
	all = distribution_of_values(values, 1100);
	g_assert_cmpint(all.total, ==, INT64_MIN);
	g_assert_cmpint(all.int_mean, ==, -longest);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/distribution/none", test_none);
	g_test_add_func("/distribution/one", test_one);
	g_test_add_func("/distribution/moments", test_moments);
	g_test_add_func("/distribution/percentiles", test_percentiles);
	g_test_add_func("/distribution/large", test_large);
	g_test_add_func("/distribution/sum-too-large", test_sum_too_large);
	return g_test_run();
}
