/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Inlined functions of programs whose DWARF is elsewhere: in .dwo files, in a .dwp, nowhere. The
 * same program with all of its DWARF in it, as addr2line tells it, says what is right.
 */
#include "lib/dso_fixture.h"

#include <string.h>
#include <unistd.h>

#define FLAGS "-O2 -g -fPIC -c prog.c"
#define LINK  "gcc -shared -nostdlib -Wl,-Ttext-segment=0x400000 -Wl,--build-id=sha1 prog.o -o "

/* Both ways of split DWARF; binutils' dwp of Debian 12 makes packages of the older alone. */
static const char *const versions[] = {"-gdwarf-4", "-gdwarf-5"};

/* "whole" has its DWARF, "prog" the same code with DWARF in prog.dwo. */
static void build(struct dso_fixture *fixture, const char *version)
{
	g_autofree char *whole = g_strdup_printf("gcc " FLAGS " %s", version);
	g_autofree char *split = g_strdup_printf("gcc " FLAGS " %s -gsplit-dwarf", version);
	gsize size;

	dso_fixture_run(fixture, whole);
	dso_fixture_run(fixture, LINK "whole");
	dso_fixture_run(fixture, split);
	dso_fixture_run(fixture, LINK "prog");
	g_bytes_unref(fixture->build_id);
	fixture->build_id = elf_maker_build_id(fixture->dir, "prog");
	fixture->identity.build_id = g_bytes_get_data(fixture->build_id, &size);
	fixture->options.inlines = true;
}

/* Each byte of `outer` has the functions that addr2line finds in "whole", and nothing is missing.
 */
static void assert_inlines(struct dso_fixture *fixture)
{
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_inlines(fixture);
	g_assert_null(dso_inline_problem(fixture->dso));
}

/* There are none, and what is said of it has `part` in it. */
static void assert_no_inlines(struct dso_fixture *fixture, const char *part)
{
	const guint64 outer = dso_fixture_offset(fixture, "outer");
	const char *names[8];

	dso_fixture_renew(fixture);
	g_assert_null(dso_inline_problem(fixture->dso));
	for (guint64 offset = outer; offset < outer + 16; offset++)
		g_assert_cmpuint(dso_find_inlines(fixture->dso, offset, names, 8), ==, 0);
	g_assert_nonnull(dso_inline_problem(fixture->dso));
	if (!strstr(dso_inline_problem(fixture->dso), part))
		g_error("\"%s\" is not in: %s", part, dso_inline_problem(fixture->dso));
}

static void test_dwo(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	for (guint i = 0; i < G_N_ELEMENTS(versions); i++) {
		build(fixture, versions[i]);
		assert_inlines(fixture);
		/* Not where it was built, but beside the program. */
		dso_fixture_run(fixture, "mkdir -p elsewhere");
		dso_fixture_run(fixture, "cp prog elsewhere");
		dso_fixture_run(fixture, "mv prog.dwo elsewhere");
		fixture->identity.path = g_strconcat(fixture->dir, "/elsewhere/prog", NULL);
		assert_inlines(fixture);
		g_free((char *)fixture->identity.path);
		fixture->identity.path = fixture->path;
		assert_no_inlines(fixture, "/prog.dwo");
		/* One of another build. */
		dso_fixture_run(fixture, "sed -i s/middle/muddle/ prog.c");
		dso_fixture_run(fixture, "gcc " FLAGS " -gsplit-dwarf -o other.o");
		dso_fixture_run(fixture, "mv other.dwo prog.dwo");
		assert_no_inlines(fixture, "/prog.dwo");
		dso_fixture_run(fixture, "sed -i s/muddle/middle/ prog.c");
	}
}

/* The names of .dwo files are the program's, so they are opened as those of a recording. */
static void test_dwo_that_is_none(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const commands[] = {
		"mkfifo prog.dwo",    "ln -s /dev/zero prog.dwo",
		"mkdir prog.dwo",     "ln -s /proc/self/exe prog.dwo",
		"cp prog.c prog.dwo", "cp whole prog.dwo"};

	build(fixture, "-gdwarf-5");
	for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
		dso_fixture_run(fixture, "rm -rf prog.dwo");
		dso_fixture_run(fixture, commands[i]);
		assert_no_inlines(fixture, "/prog.dwo");
	}
}

/* "DIR" is the recorded machine's root, and the .dwo is where that machine had it. */
static void test_symfs(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *symfs = elf_maker_path(fixture->dir, "machine");
	g_autofree char *make = g_strdup_printf("mkdir -p machine/opt machine%s", fixture->dir);
	g_autofree char *move = g_strdup_printf("mv prog.dwo machine%s", fixture->dir);

	build(fixture, "-gdwarf-5");
	dso_fixture_run(fixture, make);
	dso_fixture_run(fixture, "cp prog machine/opt");
	fixture->options.symfs = symfs;
	fixture->identity.path = "/opt/prog";
	/* That of this machine is not asked for. */
	assert_no_inlines(fixture, "/prog.dwo");
	dso_fixture_run(fixture, move);
	assert_inlines(fixture);
}

static void test_dwp(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	build(fixture, "-gdwarf-4");
	dso_fixture_run(fixture, "dwp -e prog -o prog.dwp");
	dso_fixture_run(fixture, "rm prog.dwo");
	assert_inlines(fixture);
	dso_fixture_run(fixture, "cp prog.dwp other.dwp");
	dso_fixture_run(fixture, "truncate -s -100 prog.dwp");
	assert_no_inlines(fixture, "dwp -e");
	/* That of a stripped program lies beside its debug file. */
	dso_fixture_run(fixture, "mv other.dwp prog.debug.dwp");
	dso_fixture_run(fixture, "rm prog.dwp");
	dso_fixture_run(fixture, "objcopy --only-keep-debug prog prog.debug");
	dso_fixture_run(fixture, "strip prog");
	dso_fixture_run(fixture, "objcopy --add-gnu-debuglink=prog.debug prog");
	assert_inlines(fixture);
}

static void test_without_dwarf(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	fixture->options.inlines = true;
	dso_fixture_run(fixture, "strip -g prog");
	assert_no_inlines(fixture, "has no debug information");
	assert_no_inlines(fixture, "/prog");
	/* Nobody asked. */
	fixture->options.inlines = false;
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	g_assert_null(dso_inline_problem(fixture->dso));
}

/* What dwz took out may have the names; whether it has is known only when it is here. */
static void test_without_dwz(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const char link[] = "nowhere.debug\0a build-id";
	g_autofree char *path = elf_maker_path(fixture->dir, "link");
	const char *name;

	fixture->options.inlines = true;
	assert_inlines(fixture);
	g_assert_true(g_file_set_contents(path, link, sizeof(link) - 1, NULL));
	dso_fixture_run(fixture, "objcopy --add-section .gnu_debugaltlink=link prog");
	dso_fixture_open(fixture, DSO_OK);
	dso_find_inlines(fixture->dso, dso_fixture_offset(fixture, "outer"), &name, 1);
	g_assert_nonnull(strstr(dso_inline_problem(fixture->dso), "nowhere.debug"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_unsetenv("DEBUGINFOD_URLS");
	/* A FIFO that is opened would wait for ever. */
	alarm(120);
	dso_fixture_add("/inlines/dwo", test_dwo);
	dso_fixture_add("/inlines/dwo_that_is_none", test_dwo_that_is_none);
	dso_fixture_add("/inlines/symfs", test_symfs);
	dso_fixture_add("/inlines/dwp", test_dwp);
	dso_fixture_add("/inlines/without_dwarf", test_without_dwarf);
	dso_fixture_add("/inlines/without_dwz", test_without_dwz);
	return g_test_run();
}
