/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which symbol covers an address, and which of several at one address is
 * chosen. The rules and their order are perf's.
 */
#include "symbols/symbol_table.h"

#include <unistd.h>

#define NO_LIMIT UINT64_MAX

static void add(struct symbol_table *table, const char *name, guint64 start, guint64 size,
		enum symbol_binding binding, guint64 limit)
{
	const struct symbol symbol = {
		.start = start, .end = start + size, .name = name, .binding = binding};

	symbol_table_add(table, &symbol, limit);
}

/* NULL: there must be none. */
static void assert_name(const struct symbol_table *table, guint64 address, const char *name)
{
	const struct symbol *symbol = symbol_table_find(table, address);

	g_assert_cmpstr(symbol ? symbol->name : NULL, ==, name);
	if (symbol)
		g_assert_true(symbol->start <= address && address < symbol->end);
}

static void test_empty(void)
{
	struct symbol_table *table = symbol_table_new();

	symbol_table_settle(table);
	g_assert_cmpuint(symbol_table_count(table), ==, 0);
	assert_name(table, 0, NULL);
	assert_name(table, UINT64_MAX, NULL);
	symbol_table_unref(table);
}

static void test_edges(void)
{
	struct symbol_table *table = symbol_table_new();

	add(table, "second", 200, 50, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "first", 100, 50, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "last", UINT64_MAX - 10, 10, SYMBOL_GLOBAL, NO_LIMIT);
	symbol_table_settle(table);
	assert_name(table, 99, NULL);
	assert_name(table, 100, "first");
	assert_name(table, 149, "first");
	assert_name(table, 150, NULL);
	assert_name(table, 199, NULL);
	assert_name(table, 200, "second");
	assert_name(table, 250, NULL);
	assert_name(table, UINT64_MAX - 1, "last");
	assert_name(table, UINT64_MAX, NULL);
	symbol_table_unref(table);
}

/* A symbol without a size ends at the next, at the end of its section, or nowhere. */
static void test_without_size(void)
{
	struct symbol_table *table = symbol_table_new();

	add(table, "to_next", 100, 0, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "sized", 200, 10, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "to_limit", 300, 0, SYMBOL_GLOBAL, 350);
	add(table, "nowhere", 400, 0, SYMBOL_GLOBAL, NO_LIMIT);
	symbol_table_settle(table);
	assert_name(table, 199, "to_next");
	assert_name(table, 209, "sized");
	assert_name(table, 210, NULL);
	assert_name(table, 349, "to_limit");
	assert_name(table, 350, NULL);
	assert_name(table, 400, NULL);
	symbol_table_unref(table);
}

/* What cannot be is left out: outside its section, or with an end before its start. */
static void test_impossible(void)
{
	struct symbol_table *table = symbol_table_new();

	add(table, "outside", 100, 10, SYMBOL_GLOBAL, 100);
	add(table, "backwards", 200, (guint64)-50, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "too_large", 300, 1 << 30, SYMBOL_GLOBAL, 400);
	symbol_table_settle(table);
	g_assert_cmpuint(symbol_table_count(table), ==, 1);
	assert_name(table, 100, NULL);
	assert_name(table, 180, NULL);
	assert_name(table, 399, "too_large");
	assert_name(table, 400, NULL);
	symbol_table_unref(table);
}

/*
 *	outer  |------------------------|		100 .. 200
 *	a          |------------|			110 .. 150
 *	b              |----|				120 .. 130
 *	c                     |-------------|		140 .. 220
 */
static void test_nested(void)
{
	struct symbol_table *table = symbol_table_new();

	add(table, "outer", 100, 100, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "c", 140, 80, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "b", 120, 10, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "a", 110, 40, SYMBOL_GLOBAL, NO_LIMIT);
	symbol_table_settle(table);
	assert_name(table, 109, "outer");
	assert_name(table, 110, "a");
	assert_name(table, 129, "b");
	assert_name(table, 130, "a");
	assert_name(table, 145, "c");
	assert_name(table, 219, "c");
	assert_name(table, 220, NULL);
	symbol_table_unref(table);
}

/* Each row decides by one rule, whichever of the two was added first. */
static void test_choice(void)
{
	static const struct {
		struct {
			const char *name;
			guint64 size;
			enum symbol_binding binding;
		} better, worse;
	} rows[] = {
		{{"sized", 10, SYMBOL_WEAK}, {"without_size", 0, SYMBOL_GLOBAL}},
		{{"local", 10, SYMBOL_LOCAL}, {"the_weak_one", 10, SYMBOL_WEAK}},
		{{"global", 10, SYMBOL_GLOBAL}, {"the_local_one", 10, SYMBOL_LOCAL}},
		{{"_plain", 10, SYMBOL_GLOBAL}, {"__underscored", 10, SYMBOL_GLOBAL}},
		{{"the_longer", 10, SYMBOL_GLOBAL}, {"shorter", 10, SYMBOL_GLOBAL}},
		{{"sys_a", 10, SYMBOL_GLOBAL}, {"SyS_a", 10, SYMBOL_GLOBAL}},
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (int order = 0; order < 2; order++) {
			struct symbol_table *table = symbol_table_new();

			for (int j = 0; j < 2; j++) {
				const gboolean better = j == order;

				add(table, better ? rows[i].better.name : rows[i].worse.name, 100,
				    better ? rows[i].better.size : rows[i].worse.size,
				    better ? rows[i].better.binding : rows[i].worse.binding,
				    NO_LIMIT);
			}
			/* perf would let one that is sized lose to one that got the space up to
			 * here. */
			if (rows[i].worse.size)
				add(table, "next", 110, 10, SYMBOL_GLOBAL, NO_LIMIT);
			symbol_table_settle(table);
			assert_name(table, 105, rows[i].better.name);
			symbol_table_unref(table);
		}
	}
}

/* Of several without a size at one address the last has what follows, as in kallsyms. */
static void test_last_without_size(void)
{
	struct symbol_table *table = symbol_table_new();

	add(table, "a_very_long_alias", 100, 0, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "_text", 100, 0, SYMBOL_GLOBAL, NO_LIMIT);
	add(table, "next", 200, 10, SYMBOL_GLOBAL, NO_LIMIT);
	symbol_table_settle(table);
	assert_name(table, 150, "_text");
	symbol_table_unref(table);
}

static void test_own_names(void)
{
	struct symbol_table *table = symbol_table_new();
	char name[] = "puts@plt";

	add(table, symbol_table_own(table, name), 100, 16, SYMBOL_GLOBAL, NO_LIMIT);
	name[0] = 'x';
	symbol_table_settle(table);
	assert_name(table, 100, "puts@plt");
	symbol_table_unref(table);
}

/* Marsaglia's xorshift: the same values in each run. */
static guint32 next_random(guint32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Against the rule itself, read off all symbols for each address. */
static void test_random(void)
{
	struct {
		guint64 start, end;
		char name[8];
	} symbols[40];
	guint32 state = 20240229;

	for (guint round = 0; round < 200; round++) {
		struct symbol_table *table = symbol_table_new();

		for (guint i = 0; i < G_N_ELEMENTS(symbols); i++) {
			/* Starts differ, so that only the rule for those within others decides. */
			symbols[i].start = i * 8 + next_random(&state) % 8;
			symbols[i].end = symbols[i].start + 1 + next_random(&state) % 89;
			g_snprintf(symbols[i].name, sizeof(symbols[i].name), "f%u", i);
			add(table, symbols[i].name, symbols[i].start,
			    symbols[i].end - symbols[i].start, SYMBOL_GLOBAL, NO_LIMIT);
		}
		symbol_table_settle(table);
		for (guint64 address = 0; address < 420; address++) {
			const char *expected = NULL;

			for (guint i = 0; i < G_N_ELEMENTS(symbols); i++) {
				if (symbols[i].start <= address && address < symbols[i].end)
					expected = symbols[i].name;
			}
			assert_name(table, address, expected);
		}
		symbol_table_unref(table);
	}
}

/*
 * A hostile file: each symbol lies within all that begin before it. Asked behind the innermost
 * one, where a walk outwards would take minutes for all of these.
 */
static void test_many_nested(void)
{
	const guint64 n = 400000;
	struct symbol_table *table = symbol_table_new();

	for (guint64 i = 0; i < n; i++)
		add(table, i ? "inner" : "outermost", i, 3 * n - 2 * i, SYMBOL_GLOBAL, NO_LIMIT);
	symbol_table_settle(table);
	for (guint64 address = n; address < 3 * n - 1; address++) {
		const struct symbol *symbol = symbol_table_find(table, address);

		g_assert_nonnull(symbol);
		/* It ends at 3 * n - start. */
		g_assert_cmpuint(symbol->start, ==, MIN(n - 1, 3 * n - 1 - address));
	}
	assert_name(table, 3 * n - 1, "outermost");
	assert_name(table, 3 * n, NULL);
	symbol_table_unref(table);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	alarm(60);
	g_test_add_func("/symbol_table/empty", test_empty);
	g_test_add_func("/symbol_table/edges", test_edges);
	g_test_add_func("/symbol_table/without_size", test_without_size);
	g_test_add_func("/symbol_table/impossible", test_impossible);
	g_test_add_func("/symbol_table/nested", test_nested);
	g_test_add_func("/symbol_table/choice", test_choice);
	g_test_add_func("/symbol_table/last_without_size", test_last_without_size);
	g_test_add_func("/symbol_table/own_names", test_own_names);
	g_test_add_func("/symbol_table/random", test_random);
	g_test_add_func("/symbol_table/many_nested", test_many_nested);
	return g_test_run();
}
