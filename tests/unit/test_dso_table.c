/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * profile/dso_table: what is the same file, and which build-id it gets. Which one it
 * got is seen from what a DSO says is wrong with the file that is there.
 */
#include "lib/dso_fixture.h"
#include "profile/dso_table.h"

#include <string.h>

static const guint8 other_id[] = "0123456789abcdefghij";

static struct dso_identity identity_of(const char *path, guint64 inode)
{
	return (struct dso_identity){.kind = DSO_FILE,
				     .path = path,
				     .has_inode = inode != 0,
				     .major = 8,
				     .minor = 1,
				     .inode = inode};
}

static void test_equal_files_have_one_number(void)
{
	static const struct dso_options options;
	struct dso_table *table = dso_table_new(&options);
	g_autofree char *path = g_strdup("/usr/lib/one.so");
	const struct dso_identity one = identity_of(path, 5);
	const struct dso_identity two = identity_of("/usr/lib/two.so", 5);

	g_assert_cmpuint(dso_table_add(table, &one), ==, 0);
	g_assert_cmpuint(dso_table_add(table, &two), ==, 1);
	g_assert_cmpuint(dso_table_add(table, &one), ==, 0);
	g_assert_cmpuint(dso_table_count(table), ==, 2);
	/* What it points to was copied. */
	memset(path, 'x', strlen(path));
	g_assert_cmpstr(dso_path(dso_table_get(table, 0)), ==, "/usr/lib/one.so");
	g_assert_true(dso_table_get(table, 0) == dso_table_get(table, 0));
	dso_table_free(table);
	dso_table_free(NULL);
}

/* Each of these differs from the first in one thing. */
static void test_files_differ_by_all_that_was_recorded(void)
{
	static const struct dso_options options;
	struct dso_table *table = dso_table_new(&options);
	struct dso_identity identities[7];

	for (guint i = 0; i < G_N_ELEMENTS(identities); i++)
		identities[i] = identity_of("/usr/lib/one.so", 5);
	identities[1].inode = 6;
	identities[2].minor = 2;
	identities[3].major = 9;
	identities[4].kind = DSO_ANONYMOUS;
	identities[5].build_id = other_id;
	identities[5].build_id_size = 20;
	identities[6].build_id = other_id;
	identities[6].build_id_size = 16;
	for (guint i = 0; i < G_N_ELEMENTS(identities); i++)
		g_assert_cmpuint(dso_table_add(table, &identities[i]), ==, i);
	dso_table_free(table);
}

static enum dso_state state_of(struct dso_table *table, guint32 index)
{
	return dso_state(dso_table_get(table, index));
}

/* The fixture's file below symfs, under a path that was recorded. */
static struct dso_table *table_of(struct dso_fixture *fixture)
{
	fixture->options.symfs = fixture->dir;
	return dso_table_new(&fixture->options);
}

static void test_build_id_of_the_table(struct dso_fixture *fixture,
				       gconstpointer data G_GNUC_UNUSED)
{
	struct dso_table *table = table_of(fixture);
	const struct dso_identity same = identity_of("/prog", 5);
	const struct dso_identity other = identity_of("/whole", 6);

	dso_table_add_build_id(table, "/prog", g_bytes_get_data(fixture->build_id, NULL), 20);
	dso_table_add_build_id(table, "/whole", other_id, 20);
	g_assert_cmpint(state_of(table, dso_table_add(table, &same)), ==, DSO_OK);
	g_assert_cmpint(state_of(table, dso_table_add(table, &other)), ==, DSO_OTHER_BUILD_ID);
	dso_table_free(table);
}

/* The table is of the end of the recording: what was there before it is not that file. */
static void test_of_two_inodes_the_last_has_the_build_id(struct dso_fixture *fixture,
							 gconstpointer data G_GNUC_UNUSED)
{
	const struct dso_identity first = identity_of("/prog", 5), last = identity_of("/prog", 6);

	for (guint swapped = 0; swapped < 2; swapped++) {
		struct dso_table *table = table_of(fixture);
		guint32 of_first, of_last;

		dso_table_add_build_id(table, "/prog", other_id, 20);
		of_first = dso_table_add(table, swapped ? &last : &first);
		of_last = dso_table_add(table, swapped ? &first : &last);
		g_assert_cmpint(state_of(table, of_last), ==, DSO_OTHER_BUILD_ID);
		/* Nothing is known of it, and symfs is vouched for. */
		g_assert_cmpint(state_of(table, of_first), ==, DSO_OK);
		dso_table_free(table);
	}
}

/* It counts which was mapped last, not which was seen last for the first time. */
static void test_file_that_is_mapped_again_is_the_last(struct dso_fixture *fixture,
						       gconstpointer data G_GNUC_UNUSED)
{
	const struct dso_identity first = identity_of("/prog", 5), second = identity_of("/prog", 6);
	struct dso_table *table = table_of(fixture);

	dso_table_add_build_id(table, "/prog", other_id, 20);
	dso_table_add(table, &first);
	dso_table_add(table, &second);
	dso_table_add(table, &first);
	g_assert_cmpint(state_of(table, 0), ==, DSO_OTHER_BUILD_ID);
	g_assert_cmpint(state_of(table, 1), ==, DSO_OK);
	dso_table_free(table);
}

/* The record's own build-id is of that very mapping. */
static void test_own_build_id_counts_more_than_the_tables(struct dso_fixture *fixture,
							  gconstpointer data G_GNUC_UNUSED)
{
	struct dso_identity own = identity_of("/prog", 5);
	struct dso_table *table = table_of(fixture);

	own.build_id = g_bytes_get_data(fixture->build_id, &own.build_id_size);
	dso_table_add_build_id(table, "/prog", other_id, 20);
	g_assert_cmpint(state_of(table, dso_table_add(table, &own)), ==, DSO_OK);
	dso_table_free(table);
}

/* Said twice, the later counts; a longer one than there is is cut. */
static void test_build_id_said_again(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const struct dso_identity identity = identity_of("/prog", 5);
	struct dso_table *table = table_of(fixture);
	guint8 longer[64] = {0};

	memcpy(longer, g_bytes_get_data(fixture->build_id, NULL), 20);
	dso_table_add_build_id(table, "/prog", other_id, 20);
	dso_table_add_build_id(table, "/prog", longer, sizeof(longer));
	g_assert_cmpint(state_of(table, dso_table_add(table, &identity)), ==, DSO_OK);
	dso_table_free(table);
}

/* A module is named by the kernel's symbols, though it was mapped and asked for first. */
static void test_module_asked_for_before_its_kernel(void)
{
	static const char kallsyms[] = "ffffffff81000000 T _text\n"
				       "ffffffff81000100 T run\n"
				       "ffffffff81000200 T _etext\n"
				       "ffffffffc0201000 t net_rx\t[virtio_net]\n"
				       "ffffffffc0201080 t net_tx\t[virtio_net]\n";
	const struct dso_identity module = {.kind = DSO_KERNEL_MODULE, .path = "[virtio_net]"};
	const struct dso_identity kernel = {.kind = DSO_KERNEL,
					    .path = "[kernel.kallsyms]",
					    .reference_symbol = "_text",
					    .reference_address = 0xffffffff82000000};
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "kallsyms");
	const struct dso_options options = {.kallsyms = path};
	struct dso_table *table = dso_table_new(&options);
	struct dso_symbol symbol;
	struct dso *dso;

	elf_maker_write(dir, "kallsyms", kallsyms);
	dso_table_add(table, &module);
	dso_table_add(table, &kernel);
	dso = dso_table_get(table, 0);
	/* The recorded kernel was elsewhere; without it the module would be named. */
	g_assert_cmpint(dso_state(dso), ==, DSO_NOT_CHECKED);
	g_assert_false(dso_find_symbol(dso, 0xffffffffc0201000, &symbol));
	g_assert_true(dso_find_symbol(dso_table_get(table, 1), 0xffffffff82000100, &symbol));
	g_assert_cmpstr(symbol.name, ==, "run");
	dso_table_free(table);
	elf_maker_remove(dir);
}

/* A recording that is made up has several; they share the names, and each gives them back. */
static void test_several_kernels(void)
{
	static const char kallsyms[] = "ffffffff81000000 T _text\n"
				       "ffffffff81000100 T run\n"
				       "ffffffff81000200 T _etext\n"
				       "ffffffffc0201000 t net_rx\t[virtio_net]\n"
				       "ffffffffc0205000 t blk_done\t[virtio_blk]\n"
				       "ffffffffc0201080 t net_tx\t[virtio_net]\n";
	static const struct {
		enum dso_kind kind;
		const char *path;
		guint64 address;
		const char *name;
	} rows[] = {
		{DSO_KERNEL_MODULE, "[virtio_net]", 0xffffffffc0201000, "net_rx"},
		{DSO_KERNEL, "[kernel.kallsyms]", 0xffffffff81000180, "run"},
		{DSO_KERNEL_MODULE, "[virtio_blk]", 0xffffffffc0205001, "blk_done"},
		{DSO_KERNEL, "[kernel.other]", 0xffffffff81000180, "run"},
		{DSO_KERNEL_MODULE, "virtio-net.ko", 0xffffffffc0201081, "net_tx"},
	};
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "kallsyms");
	const struct dso_options options = {.kallsyms = path};
	struct dso_table *table = dso_table_new(&options);

	elf_maker_write(dir, "kallsyms", kallsyms);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct dso_identity identity = {.kind = rows[i].kind, .path = rows[i].path};

		g_assert_cmpuint(dso_table_add(table, &identity), ==, i);
	}
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct dso_symbol symbol;

		g_assert_true(dso_find_symbol(dso_table_get(table, i), rows[i].address, &symbol));
		g_assert_cmpstr(symbol.name, ==, rows[i].name);
	}
	dso_table_free(table);
	elf_maker_remove(dir);
}

/* A record has room for more than a directory has. */
static void test_name_of_a_file_is_cut(void)
{
	static const struct dso_options options;
	struct dso_table *table = dso_table_new(&options);
	g_autofree char *longest = g_strnfill(255, 'x');
	g_autofree char *path = g_strconcat("/lib/", longest, "yy", NULL);
	const struct dso_identity too_long = identity_of(path, 5);

	dso_table_add(table, &too_long);
	g_assert_cmpstr(dso_name(dso_table_get(table, 0)), ==, longest);
	g_assert_cmpstr(dso_path(dso_table_get(table, 0)), ==, path);
	dso_table_free(table);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_unsetenv("DEBUGINFOD_URLS");
	g_test_add_func("/dso_table/equal_files_have_one_number", test_equal_files_have_one_number);
	g_test_add_func("/dso_table/files_differ_by_all_that_was_recorded",
			test_files_differ_by_all_that_was_recorded);
	dso_fixture_add("/dso_table/build_id_of_the_table", test_build_id_of_the_table);
	dso_fixture_add("/dso_table/of_two_inodes_the_last_has_the_build_id",
			test_of_two_inodes_the_last_has_the_build_id);
	dso_fixture_add("/dso_table/file_that_is_mapped_again_is_the_last",
			test_file_that_is_mapped_again_is_the_last);
	dso_fixture_add("/dso_table/own_build_id_counts_more_than_the_tables",
			test_own_build_id_counts_more_than_the_tables);
	dso_fixture_add("/dso_table/build_id_said_again", test_build_id_said_again);
	g_test_add_func("/dso_table/module_asked_for_before_its_kernel",
			test_module_asked_for_before_its_kernel);
	g_test_add_func("/dso_table/several_kernels", test_several_kernels);
	g_test_add_func("/dso_table/name_of_a_file_is_cut", test_name_of_a_file_is_cut);
	return g_test_run();
}
