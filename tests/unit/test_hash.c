/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * base/hash, base/siphash, base/string_table: numbers and strings that were chosen to share a hash
 * do not share one.
 */
#include "base/hash.h"
#include "base/string_table.h"

#include <string.h>

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
		g_autoptr(GHashTable) low = g_hash_table_new(hash_pointer, NULL);
		g_autoptr(GHashTable) high = g_hash_table_new(hash_pointer, NULL);

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

/* As another run of the program chooses them. */
static void choose_other_keys(void)
{
	hash_keys_of_run.chosen = false;
	hash_choose_keys();
}

/*
 * Numbers that differ by one of these shared the lowest 12 bits of a hash twelve times as often as
 * by chance, in any run, while the key was only added in front of MurmurHash3's last steps.
 */
static void test_no_difference_survives(void)
{
	static const guint64 differences[] = {
		G_GUINT64_CONSTANT(0x8110000040880000),
		G_GUINT64_CONSTANT(0x40000000200a0000),
		G_GUINT64_CONSTANT(0x0000009000000049),
	};
	guint met = 0;

	for (guint run = 0; run < 300; run++) {
		choose_other_keys();
		for (guint i = 0; i < 300; i++) {
			const guint64 number = i * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
			const guint64 other = number ^ differences[i % G_N_ELEMENTS(differences)];

			met += !((hash_u64(number) ^ hash_u64(other)) & 0xfff);
		}
	}
	/* Of 90,000 pairs 22 by chance, and 274 then. */
	g_assert_cmpuint(met, <, 100);
}

/* A pair of numbers is told from the other pairs that one could take it for. */
static void test_pairs(void)
{
	g_autoptr(GHashTable) hashes = g_hash_table_new(hash_pointer, NULL);

	for (guint64 i = 0; i < 100; i++)
		for (guint64 j = 0; j < 200; j++)
			g_hash_table_add(hashes, GUINT_TO_POINTER((guint)hash_pair(i, j)));
	g_assert_cmpuint(g_hash_table_size(hashes), >, N - 20);
	g_assert_cmphex(hash_pair(1, 2), ==, hash_pair(1, 2));
}

/* Low bits say where in a table of a power of two a number goes: all places are used alike. */
static void test_places_are_used_alike(void)
{
	enum {
		PLACES = 64,
		EACH = 1000
	};
	guint used[PLACES] = {0};

	for (guint64 i = 0; i < PLACES * EACH; i++)
		used[hash_u64(i << 12) % PLACES]++;
	for (guint place = 0; place < PLACES; place++) {
		g_assert_cmpuint(used[place], >, EACH / 2);
		g_assert_cmpuint(used[place], <, 2 * EACH);
	}
}

static void test_another_run_has_other_hashes(void)
{
	static const char bytes[] = "qemu-system-x86_64";
	const guint64 number = hash_u64(1), pair = hash_pair(1, 2);
	const guint64 text = hash_bytes(bytes, sizeof(bytes));

	choose_other_keys();
	g_assert_cmphex(hash_u64(1), !=, number);
	g_assert_cmphex(hash_pair(1, 2), !=, pair);
	g_assert_cmphex(hash_bytes(bytes, sizeof(bytes)), !=, text);
}

/*
 * Python hashes bytes with SipHash-1-3 too, with a key of zeros by
 * PYTHONHASHSEED=0 python3.11 -c 'print(hex(hash(bytes(range(9))) % 2**64))'
 */
static void test_siphash_is_that_of_others(void)
{
	static const struct siphash_key key;
	static const struct {
		gsize size;
		guint64 hash;
	} known[] = {
		{1, G_GUINT64_CONSTANT(0x68a914128e01e473)},
		{7, G_GUINT64_CONSTANT(0x2f098ab0c751325a)},
		{8, G_GUINT64_CONSTANT(0xead411e67ebe2eea)},
		{9, G_GUINT64_CONSTANT(0x75927f9d95124362)},
		{15, G_GUINT64_CONSTANT(0xf30eb725bb91c9ea)},
		{16, G_GUINT64_CONSTANT(0x8972188433a5c5b7)},
		{63, G_GUINT64_CONSTANT(0x385d3e39e5f37359)},
	};
	guint8 bytes[63];

	for (guint i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	for (guint i = 0; i < G_N_ELEMENTS(known); i++)
		g_assert_cmphex(siphash13(&key, bytes, known[i].size), ==, known[i].hash);
}

/* 33 * 'B' + 'b' is 33 * 'C' + 'A': each bit of `i` chooses one of two blocks with one hash. */
static char *same_djb2(guint i)
{
	GString *text = g_string_new(NULL);

	for (guint bit = 0; bit < 15; bit++)
		g_string_append(text, i >> bit & 1 ? "CA" : "Bb");
	return g_string_free(text, FALSE);
}

static void test_chosen_strings_do_not_meet(void)
{
	g_autoptr(GHashTable) hashes = g_hash_table_new(hash_pointer, NULL);
	struct string_table *strings = string_table_new();
	g_autofree char *first = same_djb2(0);

	for (guint i = 0; i < N; i++) {
		g_autofree char *text = same_djb2(i);

		g_assert_cmpuint(g_str_hash(text), ==, g_str_hash(first));
		g_assert_cmpuint(hash_string(text), ==, (guint)hash_bytes(text, strlen(text)));
		g_hash_table_add(hashes, GUINT_TO_POINTER(hash_string(text)));
		string_table_add(strings, text);
	}
	g_assert_cmpuint(g_hash_table_size(hashes), >, N - 20);
	g_assert_cmpuint(string_table_count(strings), ==, N);
	string_table_free(strings);
}

static void test_equal_strings_are_one_pointer(void)
{
	struct string_table *strings = string_table_new();
	g_autofree char *name = g_strdup("live_migration");
	const char *added = string_table_add(strings, name);

	g_assert_cmpstr(added, ==, name);
	g_assert_true(added != name);
	g_assert_true(string_table_add(strings, name) == added);
	g_assert_true(string_table_add(strings, "") != added);
	g_assert_cmpuint(string_table_count(strings), ==, 2);
	string_table_free(strings);
	string_table_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hash/chosen_numbers_do_not_meet", test_chosen_numbers_do_not_meet);
	g_test_add_func("/hash/equal_numbers_have_equal_hashes",
			test_equal_numbers_have_equal_hashes);
	g_test_add_func("/hash/no_difference_survives", test_no_difference_survives);
	g_test_add_func("/hash/pairs", test_pairs);
	g_test_add_func("/hash/places_are_used_alike", test_places_are_used_alike);
	g_test_add_func("/hash/another_run_has_other_hashes", test_another_run_has_other_hashes);
	g_test_add_func("/hash/siphash_is_that_of_others", test_siphash_is_that_of_others);
	g_test_add_func("/hash/chosen_strings_do_not_meet", test_chosen_strings_do_not_meet);
	g_test_add_func("/hash/equal_strings_are_one_pointer", test_equal_strings_are_one_pointer);
	return g_test_run();
}
