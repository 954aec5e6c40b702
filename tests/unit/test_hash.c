/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * base/hash: numbers that were chosen to meet do not meet.
 */
#include "base/hash.h"

#define N 20000

static guint64 equal_halves(guint64 i)
{
	return i << 32 | i;
}

/* The inverse of the golden ratio's multiplier: the products differ in their lower halves alone. */
static guint64 small_products(guint64 i)
{
	return i * G_GUINT64_CONSTANT(0xf1de83e19937733d);
}

static guint64 low_bits_zero(guint64 i)
{
	return i << 44;
}

static void test_chosen_numbers_do_not_meet(void)
{
	static guint64 (*const numbers[])(guint64 i) = {equal_halves, small_products,
							low_bits_zero};

	for (guint row = 0; row < G_N_ELEMENTS(numbers); row++) {
		g_autoptr(GHashTable) low = g_hash_table_new(NULL, NULL);
		g_autoptr(GHashTable) high = g_hash_table_new(NULL, NULL);

		for (guint64 i = 0; i < N; i++) {
			const guint64 number = numbers[row](i);
			const guint64 hash = hash_u64(number);

			g_assert_cmpuint(hash_int64(&number), ==, (guint)hash);
			g_hash_table_add(low, GUINT_TO_POINTER((guint)hash));
			g_hash_table_add(high, GUINT_TO_POINTER((guint)(hash >> 32)));
		}
		/* By chance 0.05 of them do. */
		g_assert_cmpuint(g_hash_table_size(low), >, N - 20);
		g_assert_cmpuint(g_hash_table_size(high), >, N - 20);
	}
}

static void test_equal_numbers_have_equal_hashes(void)
{
	for (guint64 i = 0; i < N; i++)
		g_assert_cmphex(hash_u64(i), ==, hash_u64(i));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hash/chosen_numbers_do_not_meet", test_chosen_numbers_do_not_meet);
	g_test_add_func("/hash/equal_numbers_have_equal_hashes",
			test_equal_numbers_have_equal_hashes);
	return g_test_run();
}
