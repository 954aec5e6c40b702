/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The small shared library, and what must be found in it.
 */
#include "lib/dso_fixture.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char source[] =
	"extern int elsewhere(int);\n"
	"extern volatile int sink;\n"
	"static inline __attribute__((always_inline)) void inner(int x) { sink = x * 3; }\n"
	"static inline __attribute__((always_inline)) void middle(int x) { inner(x); inner(x); }\n"
	"static __attribute__((noinline)) int hidden_one(int x) { sink = x; return x + sink; }\n"
	"__attribute__((noinline)) int outer(int x) { middle(x); return sink; }\n"
	"int exported_one(int x) { return hidden_one(x) + elsewhere(x) + outer(x); }\n"
	"__asm__(\".pushsection .text; .globl _ZN3foo3barEi; .type _ZN3foo3barEi, @function\\n\"\n"
	"	\"_ZN3foo3barEi: nop; nop; ret; .size _ZN3foo3barEi, 3; .popsection\");\n"
	/* after_one lies right behind before_one; before lonely_one there is no function. */
	"__asm__(\".pushsection apart, \\\"ax\\\"; .type before_one, @function; .type after_one, "
	"@function\\n\"\n"
	"	\".type lonely_one, @function\\n\"\n"
	"	\"before_one: nop; nop; .size before_one, 2; after_one: nop; ret; .size after_one, "
	"2\\n\"\n"
	"	\".skip 16; lonely_one: nop; ret; .size lonely_one, 2; .popsection\");\n";

static void set_up(struct dso_fixture *fixture, gconstpointer linker_options)
{
	g_autofree char *command = g_strdup_printf(
		"gcc -O2 -g -shared -fPIC -nostdlib -Wl,-Ttext-segment=0x400000 %s prog.c -o prog",
		linker_options ? (const char *)linker_options : "-Wl,--build-id=sha1");

	fixture->dir = elf_maker_new_dir();
	fixture->path = elf_maker_path(fixture->dir, "prog");
	elf_maker_write(fixture->dir, "prog.c", source);
	g_free(elf_maker_run(fixture->dir, command));
	g_free(elf_maker_run(fixture->dir, "cp prog whole"));
	fixture->options.buildid_dir = fixture->dir;
	fixture->identity = (struct dso_identity){.kind = DSO_FILE, .path = fixture->path};
	if (!linker_options) {
		gsize size;

		fixture->build_id = elf_maker_build_id(fixture->dir, "prog");
		fixture->identity.build_id = g_bytes_get_data(fixture->build_id, &size);
		fixture->identity.build_id_size = size;
	}
}

static void tear_down(struct dso_fixture *fixture, gconstpointer linker_options G_GNUC_UNUSED)
{
	dso_free(fixture->dso);
	dso_finder_free(fixture->finder);
	g_clear_pointer(&fixture->build_id, g_bytes_unref);
	g_free(fixture->path);
	elf_maker_remove(fixture->dir);
}

void dso_fixture_renew(struct dso_fixture *fixture)
{
	dso_free(fixture->dso);
	dso_finder_free(fixture->finder);
	fixture->finder = dso_finder_new(&fixture->options);
	fixture->dso = dso_new(&fixture->identity, fixture->finder);
}

void dso_fixture_open(struct dso_fixture *fixture, enum dso_state state)
{
	dso_fixture_renew(fixture);
	if (dso_state(fixture->dso) != state)
		g_test_message("%s", dso_problem(fixture->dso));
	g_assert_cmpint(dso_state(fixture->dso), ==, state);
	g_assert_true((dso_problem(fixture->dso) == NULL) == (state == DSO_OK));
}

void dso_fixture_run(const struct dso_fixture *fixture, const char *command)
{
	g_free(elf_maker_run(fixture->dir, command));
}

guint64 dso_fixture_offset(const struct dso_fixture *fixture, const char *symbol)
{
	return elf_maker_address(fixture->dir, "whole", symbol) - DSO_FIXTURE_BASE;
}

void dso_fixture_assert_name(const struct dso_fixture *fixture, guint64 offset, const char *name)
{
	struct dso_symbol symbol = {NULL};

	g_assert_true(dso_find_symbol(fixture->dso, offset, &symbol) == (name != NULL));
	g_assert_cmpstr(symbol.name, ==, name);
	if (name)
		g_assert_true(symbol.start <= offset && offset < symbol.end);
}

/* Not one byte of the file has a name. */
void dso_fixture_assert_no_name(const struct dso_fixture *fixture)
{
	struct dso_symbol symbol;

	for (guint64 offset = 0; offset < 0x4000; offset++)
		g_assert_false(dso_find_symbol(fixture->dso, offset, &symbol));
}

void dso_fixture_assert_all_names(const struct dso_fixture *fixture)
{
	dso_fixture_assert_name(fixture, dso_fixture_offset(fixture, "exported_one"),
				"exported_one");
	dso_fixture_assert_name(fixture, dso_fixture_offset(fixture, "hidden_one"), "hidden_one");
	dso_fixture_assert_name(fixture, dso_fixture_offset(fixture, "hidden_one") + 1,
				"hidden_one");
}

void dso_fixture_assert_exported_names(const struct dso_fixture *fixture)
{
	dso_fixture_assert_name(fixture, dso_fixture_offset(fixture, "exported_one"),
				"exported_one");
	dso_fixture_assert_name(fixture, dso_fixture_offset(fixture, "hidden_one"), NULL);
	dso_fixture_assert_name(fixture, dso_fixture_offset(fixture, "hidden_one") + 1, NULL);
}

void dso_fixture_assert_inlines(const struct dso_fixture *fixture)
{
	const guint64 outer = dso_fixture_offset(fixture, "outer");
	const char *names[8];
	guint n_deep = 0;

	for (guint64 offset = outer; offset < outer + 16; offset++) {
		g_autofree char *command =
			g_strdup_printf("addr2line -i -f -e whole %#" G_GINT64_MODIFIER "x",
					offset + DSO_FIXTURE_BASE);
		g_autofree char *output = elf_maker_run(fixture->dir, command);
		g_auto(GStrv) lines = g_strsplit(g_strchomp(output), "\n", 0);
		guint n = g_strv_length(lines) / 2; /* innermost first, the function itself last */

		if (strcmp(lines[2 * (n - 1)], "outer"))
			break;
		g_assert_cmpuint(dso_find_inlines(fixture->dso, offset, names, 8), ==, n - 1);
		for (guint i = 0; i + 1 < n; i++)
			g_assert_cmpstr(names[i], ==, lines[2 * (n - 2 - i)]);
		n_deep += n == 3;
	}
	g_assert_cmpuint(n_deep, >, 0);
}

void dso_fixture_assert_problem(const struct dso_fixture *fixture, const char *part)
{
	if (!strstr(dso_problem(fixture->dso), part))
		g_error("\"%s\" is not in: %s", part, dso_problem(fixture->dso));
}

void dso_fixture_set_inode(struct dso_fixture *fixture)
{
	struct stat st;

	g_assert_cmpint(stat(fixture->path, &st), ==, 0);
	fixture->identity.has_inode = true;
	fixture->identity.major = major(st.st_dev);
	fixture->identity.minor = minor(st.st_dev);
	fixture->identity.inode = st.st_ino;
}

void dso_fixture_add(const char *name, dso_fixture_test test)
{
	g_test_add(name, struct dso_fixture, NULL, set_up, test, tear_down);
}

void dso_fixture_add_without_build_id(const char *name, dso_fixture_test test)
{
	g_test_add(name, struct dso_fixture, "-Wl,--build-id=none", set_up, test, tear_down);
}
