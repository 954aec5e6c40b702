/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ELF files that are made to take minutes and gigabytes: they get their names where that costs
 * what their size explains, and otherwise none, with the reason.
 */
#include "lib/dso_fixture.h"
#include "lib/hostile_elf.h"

#include <string.h>
#include <unistd.h>

#define UNPACKED (192ULL << 20) /* bytes; more than a small file may unpack to */

static void open_hostile(struct dso_fixture *fixture, enum hostile_elf kind, enum dso_state state)
{
	hostile_elf_write(kind, UNPACKED, fixture->path);
	fixture->options.symfs = fixture->dir;
	fixture->options.inlines = true;
	fixture->identity = (struct dso_identity){.kind = DSO_FILE, .path = "/prog"};
	dso_fixture_open(fixture, state);
}

static void test_nested_symbols(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	open_hostile(fixture, HOSTILE_ELF_NESTED_SYMBOLS, DSO_OK);
	for (guint64 i = 0; i < 1000000; i++)
		dso_fixture_assert_name(fixture, HOSTILE_ELF_CODE + i, "nested");
}

static void test_claims(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const enum hostile_elf kinds[] = {HOSTILE_ELF_DEBUGDATA, HOSTILE_ELF_PACKED_SYMTAB,
						 HOSTILE_ELF_SPARSE_NOTES};

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		open_hostile(fixture, kinds[i], DSO_TOO_LARGE);
		dso_fixture_assert_problem(fixture, "/prog");
		dso_fixture_assert_name(fixture, HOSTILE_ELF_CODE, NULL);
	}
}

/* The first ones are demangled, until that is 16 MiB. */
static void test_long_names(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	gsize size = 0;

	open_hostile(fixture, HOSTILE_ELF_LONG_NAMES, DSO_OK);
	for (guint64 i = 0; i < 20000; i++) {
		g_autofree char *raw = g_strdup_printf("_Z6f%05" G_GINT64_MODIFIER "uI", i);
		struct dso_symbol symbol;

		g_assert_true(dso_find_symbol(fixture->dso, HOSTILE_ELF_CODE + i * HOSTILE_ELF_STEP,
					      &symbol));
		if (i == 0)
			g_assert_true(g_str_has_prefix(symbol.name, "f00000<pppppppp<int, int>, "));
		if (i == 19999)
			g_assert_true(g_str_has_prefix(symbol.name, raw));
		size += strlen(symbol.name);
	}
	g_assert_cmpuint(size, >, 15 << 20);
	g_assert_cmpuint(size, <, 24 << 20);
}

static void test_inlined(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const char *names[64];

	open_hostile(fixture, HOSTILE_ELF_INLINED, DSO_OK);
	for (guint64 i = 0; i < 200000; i++) {
		g_assert_cmpuint(dso_find_inlines(fixture->dso,
						  HOSTILE_ELF_CODE + i * HOSTILE_ELF_STEP, names,
						  64),
				 ==, 1);
		g_assert_cmpstr(names[0], ==, "inlined");
	}
	g_assert_null(dso_inline_problem(fixture->dso));
}

/* Of so many within each other the outermost are told. */
static void test_nested_inlined(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const char *names[64];

	open_hostile(fixture, HOSTILE_ELF_NESTED_INLINED, DSO_OK);
	g_assert_cmpuint(dso_find_inlines(fixture->dso, HOSTILE_ELF_CODE, names, 64), ==, 1);
	for (guint64 i = 100; i < 200000; i++)
		g_assert_cmpuint(dso_find_inlines(fixture->dso, HOSTILE_ELF_CODE + i, names, 64),
				 ==, 64);
}

/* The budget of steps is for the whole file, and what it left out is said. */
static void test_units(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const char *names[64];

	open_hostile(fixture, HOSTILE_ELF_UNITS, DSO_OK);
	g_assert_null(dso_inline_problem(fixture->dso));
	dso_find_inlines(fixture->dso, HOSTILE_ELF_CODE, names, 64);
	g_assert_nonnull(dso_inline_problem(fixture->dso));
	g_assert_nonnull(strstr(dso_inline_problem(fixture->dso), "takes more than"));
	dso_fixture_assert_name(fixture, HOSTILE_ELF_CODE, "outer");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_unsetenv("DEBUGINFOD_URLS");
	/* Each of them took longer, or more memory than there is. */
	alarm(180);
	dso_fixture_add_without_build_id("/dso_hostile/nested_symbols", test_nested_symbols);
	dso_fixture_add_without_build_id("/dso_hostile/claims", test_claims);
	dso_fixture_add_without_build_id("/dso_hostile/long_names", test_long_names);
	dso_fixture_add_without_build_id("/dso_hostile/inlined", test_inlined);
	dso_fixture_add_without_build_id("/dso_hostile/nested_inlined", test_nested_inlined);
	dso_fixture_add_without_build_id("/dso_hostile/units", test_units);
	return g_test_run();
}
