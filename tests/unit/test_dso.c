/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The ELF files of a recording: found, checked, named, or not named with the
 * reason said. The files are made by the compiler; where things are in them is
 * asked of nm and readelf.
 */
#include "lib/dso_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void test_symbols(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const guint64 mangled = dso_fixture_offset(fixture, "_ZN3foo3barEi");

	dso_fixture_open(fixture, DSO_OK);
	g_assert_cmpstr(dso_name(fixture->dso), ==, "prog");
	g_assert_cmpstr(dso_path(fixture->dso), ==, fixture->path);
	g_assert_cmpstr(dso_elf_path(fixture->dso), ==, fixture->path);
	dso_fixture_assert_all_names(fixture);
	dso_fixture_assert_name(fixture, mangled, "foo::bar");
	dso_fixture_assert_name(fixture, mangled + 2, "foo::bar");
	dso_fixture_assert_name(fixture, mangled + 3, NULL);
	dso_fixture_assert_name(fixture, 0, NULL);
	/* An address instead of an offset, and what is behind all code. */
	dso_fixture_assert_name(fixture,
				dso_fixture_offset(fixture, "hidden_one") + DSO_FIXTURE_BASE, NULL);
	dso_fixture_assert_name(fixture, UINT64_MAX, NULL);
}

/* The stubs are where objdump sees "<elsewhere@plt>". */
static void test_plt(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *code = elf_maker_run(fixture->dir, "objdump -d whole");
	const char *label = strstr(code, " <elsewhere@plt>:");
	guint64 offset;

	g_assert_nonnull(label);
	offset = g_ascii_strtoull(label - 16, NULL, 16) - DSO_FIXTURE_BASE;
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_name(fixture, offset, "elsewhere@plt");
	dso_fixture_assert_name(fixture, offset + 15, "elsewhere@plt");
	dso_fixture_run(fixture, "strip prog");
	dso_fixture_open(fixture, DSO_ONLY_EXPORTED);
	dso_fixture_assert_name(fixture, offset, "elsewhere@plt");
}

static void test_stripped(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	dso_fixture_run(fixture, "strip prog");
	dso_fixture_open(fixture, DSO_ONLY_EXPORTED);
	dso_fixture_assert_problem(fixture, "stripped");
	dso_fixture_assert_exported_names(fixture);
	g_assert_cmpstr(dso_elf_path(fixture->dso), ==, fixture->path);
}

static void test_without_names(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	dso_fixture_run(fixture, "gcc -O2 -static -nostdlib -Delsewhere=exported_one -Wl,-e,outer "
				 "-Wl,--defsym=sink=0x404000 -Wl,--build-id=sha1 prog.c -o prog");
	dso_fixture_run(fixture, "strip prog");
	g_bytes_unref(fixture->build_id);
	fixture->build_id = elf_maker_build_id(fixture->dir, "prog");
	fixture->identity.build_id = g_bytes_get_data(fixture->build_id, NULL);
	dso_fixture_open(fixture, DSO_NO_SYMBOLS);
	dso_fixture_assert_no_name(fixture);
	g_assert_cmpstr(dso_elf_path(fixture->dso), ==, fixture->path);
}

/* The debug file lies beside the file, which names it; it is known by its build-id. */
static void test_debuglink(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	dso_fixture_run(fixture, "objcopy --only-keep-debug whole prog.debug");
	dso_fixture_run(fixture, "strip prog");
	dso_fixture_run(fixture, "objcopy --add-gnu-debuglink=prog.debug prog");
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	dso_fixture_run(fixture, "mkdir .debug");
	dso_fixture_run(fixture, "mv prog.debug .debug");
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	/* One of another build. */
	dso_fixture_run(fixture, "gcc -g -shared -fPIC -nostdlib prog.c -o other");
	dso_fixture_run(fixture, "objcopy --only-keep-debug other .debug/prog.debug");
	dso_fixture_open(fixture, DSO_ONLY_EXPORTED);
	dso_fixture_assert_exported_names(fixture);
	/* It names a copy of itself; the right one comes after it. */
	dso_fixture_run(fixture, "cp prog prog.debug");
	dso_fixture_open(fixture, DSO_ONLY_EXPORTED);
	dso_fixture_run(fixture, "objcopy --only-keep-debug whole .debug/prog.debug");
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
}

/* Without build-ids the checksum tells. */
static void test_debuglink_crc(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	dso_fixture_run(fixture, "objcopy --only-keep-debug whole prog.debug");
	dso_fixture_run(fixture, "strip prog");
	dso_fixture_run(fixture, "objcopy --add-gnu-debuglink=prog.debug prog");
	dso_fixture_set_inode(fixture);
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	dso_fixture_run(fixture,
			"dd if=/dev/zero of=prog.debug bs=1 count=1 conv=notrunc oflag=append");
	dso_fixture_open(fixture, DSO_ONLY_EXPORTED);
	dso_fixture_assert_exported_names(fixture);
}

/* As Fedora has it: the names of local functions, compressed, in a section of the file. */
static void test_debugdata(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	dso_fixture_run(fixture, "objcopy --only-keep-debug --strip-debug whole mini");
	dso_fixture_run(fixture, "xz mini");
	dso_fixture_run(fixture, "strip prog");
	dso_fixture_run(fixture, "objcopy --add-section .gnu_debugdata=mini.xz prog");
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
}

/* "DIR/.build-id/ab/cdef..", which is made; the caller frees it. */
static char *make_build_id_dir(const struct dso_fixture *fixture, const char *dir)
{
	GString *path = g_string_new(dir);
	g_autofree char *command = NULL;

	for (gsize i = 0; i < fixture->identity.build_id_size; i++)
		g_string_append_printf(path, "%s%02x",
				       i == 0	? ".build-id/"
				       : i == 1 ? "/"
						: "",
				       fixture->identity.build_id[i]);
	command = g_strdup_printf("mkdir -p %s", path->str);
	dso_fixture_run(fixture, command);
	return g_string_free(path, FALSE);
}

/* The recording machine's root is a directory here. */
static void test_symfs(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *symfs = elf_maker_path(fixture->dir, "machine");
	g_autofree char *id = make_build_id_dir(fixture, "machine/usr/lib/debug/");
	g_autofree char *command = g_strdup_printf("objcopy --only-keep-debug whole %s.debug", id);

	fixture->options.symfs = symfs;
	fixture->identity.path = "/opt/prog";
	dso_fixture_run(fixture, "mkdir machine/opt");
	dso_fixture_run(fixture, "strip prog -o machine/opt/prog");
	dso_fixture_open(fixture, DSO_ONLY_EXPORTED);
	dso_fixture_run(fixture, command);
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	g_assert_true(g_str_has_suffix(dso_elf_path(fixture->dso), "/machine/opt/prog"));
	/* What is outside does not count. */
	fixture->identity.path = fixture->path;
	dso_fixture_run(fixture, "rm machine/opt/prog");
	dso_fixture_open(fixture, DSO_UNREADABLE);
	dso_fixture_assert_problem(fixture, "only the debug file");
	dso_fixture_assert_no_name(fixture);
	g_assert_null(dso_elf_path(fixture->dso));
}

static void test_other_build_id(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	guint8 other[DSO_BUILD_ID_MAX] = {0xab, 0xcd};

	fixture->identity.build_id = other;
	dso_fixture_open(fixture, DSO_OTHER_BUILD_ID);
	dso_fixture_assert_problem(fixture, "abcd0000");
	dso_fixture_assert_problem(fixture, fixture->path);
	dso_fixture_assert_no_name(fixture);
	g_assert_null(dso_elf_path(fixture->dso));
	/* The beginning of a build-id is not one. */
	fixture->identity.build_id = g_bytes_get_data(fixture->build_id, NULL);
	fixture->identity.build_id_size = 8;
	dso_fixture_open(fixture, DSO_OTHER_BUILD_ID);
}

/* The file was built anew, but perf kept the one that was recorded. */
static void test_cache(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *id = NULL;
	g_autofree char *command = NULL;

	dso_fixture_run(fixture, "gcc -shared -fPIC -nostdlib -Wl,--build-id=sha1 prog.c -o prog");
	dso_fixture_open(fixture, DSO_OTHER_BUILD_ID);
	id = make_build_id_dir(fixture, "");
	command = g_strdup_printf("cp whole %s/elf", id);
	dso_fixture_run(fixture, command);
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	g_assert_true(g_str_has_suffix(dso_elf_path(fixture->dso), "/elf"));
}

/* It was removed while it was mapped, and put back since. */
static void test_deleted(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *path = g_strconcat(fixture->path, " (deleted)", NULL);

	fixture->identity.path = path;
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	g_assert_cmpstr(dso_name(fixture->dso), ==, "prog");
	g_assert_cmpstr(dso_path(fixture->dso), ==, path);
}

/* Two segments with code, each at its own distance from its place in the file. */
static void test_two_segments(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *sections = NULL;
	guint64 address, offset;
	char *line;

	elf_maker_write(
		fixture->dir, "far.c",
		"__attribute__((section(\".far\"))) int far_one(int x) { return x + 1; }\n");
	dso_fixture_run(fixture,
			"gcc -O2 -shared -fPIC -nostdlib -Wl,--section-start=.far=0x900000 "
			"-Wl,-Ttext-segment=0x400000 -Wl,--build-id=sha1 prog.c far.c -o prog");
	dso_fixture_run(fixture, "cp prog whole");
	fixture->options.symfs = fixture->dir;
	fixture->identity = (struct dso_identity){.kind = DSO_FILE, .path = "/prog"};
	sections = elf_maker_run(fixture->dir, "readelf -SW prog");
	line = strstr(sections, " .far ");
	g_assert_nonnull(line);
	/* "[ 9] .far PROGBITS ADDRESS OFFSET SIZE" */
	g_assert_cmpint(sscanf(line,
			       " .far PROGBITS %" G_GINT64_MODIFIER "x %" G_GINT64_MODIFIER "x",
			       &address, &offset),
			==, 2);
	g_assert_cmpuint(address - offset, !=, DSO_FIXTURE_BASE);
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	dso_fixture_assert_name(fixture, offset, "far_one");
	dso_fixture_assert_name(fixture, address - DSO_FIXTURE_BASE, NULL);
}

static void test_inode(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const guint8 zeros[DSO_BUILD_ID_MAX];

	dso_fixture_open(fixture, DSO_NOT_CHECKED);
	dso_fixture_assert_problem(fixture, "neither build-id nor inode");
	fixture->options.symfs = "";
	dso_fixture_open(fixture, DSO_NOT_CHECKED);
	fixture->options.symfs = NULL;
	dso_fixture_set_inode(fixture);
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	/* perf writes zeros where it found no build-id. */
	fixture->identity.build_id = zeros;
	fixture->identity.build_id_size = sizeof(zeros);
	dso_fixture_open(fixture, DSO_OK);
	/* Changed after the recording; and before. */
	fixture->options.recorded_s = 1000000000;
	dso_fixture_open(fixture, DSO_NOT_CHECKED);
	dso_fixture_assert_problem(fixture, "changed since");
	dso_fixture_assert_no_name(fixture);
	dso_fixture_run(fixture, "touch -d @999999999 prog");
	dso_fixture_open(fixture, DSO_OK);
	fixture->identity.inode++;
	dso_fixture_open(fixture, DSO_NOT_CHECKED);
	dso_fixture_assert_problem(fixture, "inode");
	dso_fixture_assert_no_name(fixture);
	/* The user vouches for what is below --symfs. */
	fixture->options.symfs = fixture->dir;
	fixture->identity.path = "/prog";
	dso_fixture_open(fixture, DSO_OK);
	dso_fixture_assert_all_names(fixture);
}

static void test_no_elf(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const struct {
		const char *command;
		enum dso_state state;
	} rows[] = {
		{"true", DSO_NO_FILE},
		{"mkfifo prog", DSO_NO_FILE},
		{"mkdir prog", DSO_NO_FILE},
		{"ln -s /dev/zero prog", DSO_NO_FILE},
		{"ln -s prog prog", DSO_NO_FILE},
		{"cp prog.c prog", DSO_NO_FILE},
		{"cp /dev/null prog", DSO_NO_FILE},
		{"ar rc prog whole", DSO_NO_FILE},
		{"gcc -c prog.c -o prog", DSO_UNREADABLE},
		{"gzip -c whole", DSO_NO_FILE},
		{"ln -s /proc/self/exe prog", DSO_NO_FILE},
		{"ln -s /proc/version prog", DSO_NO_FILE},
	};
	g_autofree char *said = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		dso_fixture_run(fixture, "rm -rf prog");
		dso_fixture_run(fixture, rows[i].command);
		dso_fixture_open(fixture, rows[i].state);
		dso_fixture_assert_problem(fixture, fixture->path);
		/* A report that is passed on does not tell which paths exist here. */
		if (!said)
			said = g_strdup(dso_problem(fixture->dso));
		if (rows[i].state == DSO_NO_FILE)
			g_assert_cmpstr(dso_problem(fixture->dso), ==, said);
		dso_fixture_assert_name(fixture, 0x1000, NULL);
		g_assert_null(dso_elf_path(fixture->dso));
	}
	fixture->identity.path = "[heap]";
	dso_fixture_open(fixture, DSO_NO_FILE);
	/* Not what happens to be where we are. */
	g_assert_cmpint(chdir(fixture->dir), ==, 0);
	fixture->identity.path = "whole";
	dso_fixture_open(fixture, DSO_NO_FILE);
	g_assert_cmpint(chdir("/"), ==, 0);
	fixture->identity.path = "prog.c\nprog";
	dso_fixture_open(fixture, DSO_NO_FILE);
	dso_fixture_assert_problem(fixture, "prog.c?prog");
}

static void test_anonymous(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const char *name;

	fixture->identity = (struct dso_identity){.kind = DSO_ANONYMOUS, .path = "//anon"};
	dso_fixture_renew(fixture);
	g_assert_cmpint(dso_state(fixture->dso), ==, DSO_NOTHING);
	g_assert_null(dso_problem(fixture->dso));
	g_assert_cmpstr(dso_name(fixture->dso), ==, "[anon]");
	dso_fixture_assert_name(fixture, 0x1000, NULL);
	g_assert_cmpuint(dso_find_inlines(fixture->dso, 0x1000, &name, 1), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_unsetenv("DEBUGINFOD_URLS");
	/* A FIFO that is opened would wait for ever. */
	alarm(120);
	dso_fixture_add("/dso/symbols", test_symbols);
	dso_fixture_add("/dso/plt", test_plt);
	dso_fixture_add("/dso/stripped", test_stripped);
	dso_fixture_add("/dso/without_names", test_without_names);
	dso_fixture_add("/dso/debuglink", test_debuglink);
	dso_fixture_add_without_build_id("/dso/debuglink_crc", test_debuglink_crc);
	dso_fixture_add("/dso/debugdata", test_debugdata);
	dso_fixture_add("/dso/symfs", test_symfs);
	dso_fixture_add("/dso/other_build_id", test_other_build_id);
	dso_fixture_add("/dso/cache", test_cache);
	dso_fixture_add("/dso/deleted", test_deleted);
	dso_fixture_add("/dso/two_segments", test_two_segments);
	dso_fixture_add_without_build_id("/dso/inode", test_inode);
	dso_fixture_add("/dso/no_elf", test_no_elf);
	dso_fixture_add("/dso/anonymous", test_anonymous);
	return g_test_run();
}
