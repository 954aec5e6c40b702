/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * base/id_table: numbers in the order of the keys, whatever the keys are and
 * however many there are.
 */
#include "base/id_table.h"

#include "lib/dice.h"

static void assert_number(struct id_table *table, guint64 key, guint32 number, gboolean is_new)
{
	bool told = !is_new;
	guint32 found;

	g_assert_cmpint(id_table_find(table, key, &found), ==, !is_new);
	g_assert_cmpuint(id_table_get(table, key, &told), ==, number);
	g_assert_cmpint(told, ==, is_new);
	g_assert_cmphex(id_table_key(table, number), ==, key);
	g_assert_true(id_table_find(table, key, &found));
	g_assert_cmpuint(found, ==, number);
}

static void test_empty(void)
{
	struct id_table *table = id_table_new();

	g_assert_cmpuint(id_table_count(table), ==, 0);
	id_table_free(table);
	id_table_free(NULL);
}

/* 0 and UINT64_MAX are keys as all others are. */
static void test_numbers_are_given_in_turn(void)
{
	static const guint64 keys[] = {7, 0, G_MAXUINT64, 1, G_GUINT64_CONSTANT(1) << 63};
	struct id_table *table = id_table_new();

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		assert_number(table, keys[i], i, TRUE);
		g_assert_cmpuint(id_table_count(table), ==, i + 1);
	}
	for (guint i = G_N_ELEMENTS(keys); i-- > 0;)
		assert_number(table, keys[i], i, FALSE);
	g_assert_cmpuint(id_table_count(table), ==, G_N_ELEMENTS(keys));
	id_table_free(table);
}

/* Of all keys that one table has: none is lost when it grows, none is taken for another. */
static void check_many(guint64 (*key_of)(guint32), guint32 n)
{
	struct id_table *table = id_table_new();

	for (guint32 i = 0; i < n; i++) {
		assert_number(table, key_of(i), i, TRUE);
		/* An old one in between, while the table is as full as it gets. */
		assert_number(table, key_of(i / 2), i / 2, FALSE);
	}
	g_assert_cmpuint(id_table_count(table), ==, n);
	for (guint32 i = 0; i < n; i++)
		assert_number(table, key_of(i), i, FALSE);
	id_table_free(table);
}

static guint64 key_in_low_bits(guint32 i)
{
	return i;
}

static guint64 key_in_high_bits(guint32 i)
{
	return (guint64)i << 32;
}

/* As the stacks of a deep chain: caller and frame count up together. */
static guint64 key_in_both_halves(guint32 i)
{
	return (guint64)i << 32 | (i + 1);
}

static guint64 key_of_page(guint32 i)
{
	return G_GUINT64_CONSTANT(0x7f0000000000) + ((guint64)i << 12);
}

static void test_growth_keeps_all_keys(void)
{
	check_many(key_in_low_bits, 20000);
	check_many(key_in_high_bits, 20000);
	check_many(key_in_both_halves, 20000);
	check_many(key_of_page, 20000);
}

/* The first table has room for 512 keys: around that border, to the key. */
static void test_border_of_growth(void)
{
	for (guint32 n = 510; n <= 514; n++)
		check_many(key_in_low_bits, n);
}

/* Keys of few bits, drawn with repetition, against GLib's table. */
static void test_random_keys_against_hash_table(void)
{
	struct dice dice = dice_of(71);
	g_autoptr(GHashTable) naive =
		g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	struct id_table *table = id_table_new();

	for (guint i = 0; i < 100000; i++) {
		const guint64 key =
			(guint64)dice_range(&dice, 0, 200) << 32 | dice_range(&dice, 0, 200);
		gpointer number;
		const gboolean known = g_hash_table_lookup_extended(naive, &key, NULL, &number);

		if (!known) {
			number = GUINT_TO_POINTER(g_hash_table_size(naive));
			g_hash_table_insert(naive, g_memdup2(&key, sizeof(key)), number);
		}
		assert_number(table, key, GPOINTER_TO_UINT(number), !known);
	}
	g_assert_cmpuint(id_table_count(table), ==, g_hash_table_size(naive));
	id_table_free(table);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/id_table/empty", test_empty);
	g_test_add_func("/id_table/numbers_are_given_in_turn", test_numbers_are_given_in_turn);
	g_test_add_func("/id_table/growth_keeps_all_keys", test_growth_keeps_all_keys);
	g_test_add_func("/id_table/border_of_growth", test_border_of_growth);
	g_test_add_func("/id_table/random_keys_against_hash_table",
			test_random_keys_against_hash_table);
	return g_test_run();
}
