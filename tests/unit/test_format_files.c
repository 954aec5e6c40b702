/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfdata/format_files and perfdata/uprobe_sites: formats from a directory as tracefs has it,
 * from a text and from a recording; and whether hits come from where the probes are.
 */
#include "perfdata/format_files.h"

#include "base/error.h"
#include "lib/small_file.h"
#include "perfdata/uprobe_sites.h"

#include <glib/gstdio.h>

#define SYSTEM "sdt_qemu"

/* What the kernel shows of a uprobe with one argument. */
static char *format_of(const char *name, guint id)
{
	return g_strdup_printf(
		"name: %s\nID: %u\nformat:\n"
		"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\n\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
		"\tfield:s32 arg1;\toffset:16;\tsize:4;\tsigned:1;\n\n"
		"print fmt: \"(%%lx) arg1=%%d\", REC->__probe_ip, REC->arg1\n",
		name, id);
}

static void write_text(const char *directory, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	g_autofree char *parent = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Two events of the system, and one of another, below `below`. */
static char *make_directory(const char *below)
{
	char *directory = g_dir_make_tmp("format-files-XXXXXX", NULL);
	static const char *const names[] = {"colo_ram_begin", "colo_ram_end"};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *text = format_of(names[i], 1500 + i);
		g_autofree char *path = g_build_filename(below, names[i], "format", NULL);

		write_text(directory, path, text);
	}
	return directory;
}

static void remove_all(const char *directory)
{
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(directory, name, NULL);

		remove_all(path);
	}
	g_assert_cmpint(g_remove(directory), ==, 0);
}

static void check_found(const char *path)
{
	g_autofree char *from = NULL;
	g_autoptr(GError) error = NULL;
	struct tracepoints *tracepoints = format_files_read(path, SYSTEM, false, &from, &error);
	const struct tracepoint *end;

	g_assert_no_error(error);
	g_assert_cmpstr(from, ==, path);
	g_assert_cmpuint(tracepoints_count(tracepoints), ==, 2);
	end = tracepoints_find(tracepoints, 1501);
	g_assert_cmpstr(tracepoint_system(end), ==, SYSTEM);
	g_assert_cmpstr(tracepoint_name(end), ==, "colo_ram_end");
	g_assert_cmpuint(tracepoint_n_args(end), ==, 1);
	tracepoints_free(tracepoints);
}

static void test_directories(void)
{
	static const char *const places[] = {"events/" SYSTEM, SYSTEM, ""};

	for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *directory = make_directory(places[i]);

		write_text(directory, "README", "not a format");
		check_found(directory);
		remove_all(directory);
	}
}

static void test_text(void)
{
	g_autofree char *directory = g_dir_make_tmp("format-files-XXXXXX", NULL);
	g_autofree char *first = format_of("colo_ram_begin", 1500);
	g_autofree char *second = format_of("colo_ram_end", 1501);
	g_autofree char *both = g_strconcat("# formats\n", first, second, NULL);
	g_autofree char *path = g_build_filename(directory, "formats", NULL);

	write_text(directory, "formats", both);
	check_found(path);
	remove_all(directory);
}

static void check_refused(const char *path, const char *why)
{
	g_autofree char *from = NULL;
	g_autofree char *message =
		g_strdup_printf("there are no formats of " SYSTEM " in --formats %s%s", path, why);
	g_autoptr(GError) error = NULL;

	g_assert_null(format_files_read(path, SYSTEM, false, &from, &error));
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NO_FORMATS);
	g_assert_cmpstr(error->message, ==, message);
	g_assert_null(from);
}

static void test_nothing_there(void)
{
	g_autofree char *directory = g_dir_make_tmp("format-files-XXXXXX", NULL);
	g_autofree char *text = g_build_filename(directory, "text", NULL);
	g_autofree char *recording = g_build_filename(directory, "recording", NULL);
	struct perf_builder *builder = small_file_builder(G_LITTLE_ENDIAN);

	check_refused(directory, "");
	write_text(directory, "text", "nothing of the kind\nname:\n");
	check_refused(text, "");
	perf_builder_omit_feature(builder, PERF_BUILDER_TRACING_DATA);
	g_assert_true(perf_builder_write(builder, recording, NULL));
	check_refused(recording, ": it has no formats of tracepoints either");
	perf_builder_free(builder);
	remove_all(directory);
}

/* In file mode a feature, in pipe mode a record. */
static void test_recordings(void)
{
	g_autofree char *directory = g_dir_make_tmp("format-files-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "recording", NULL);

	for (guint i = 0; i < 2; i++) {
		struct perf_builder *builder = small_file_builder(G_LITTLE_ENDIAN);
		g_autoptr(GByteArray) bytes = i ? perf_builder_build_pipe(builder, NULL)
						: perf_builder_build(builder, NULL);
		g_autofree char *from = NULL;
		struct tracepoints *tracepoints;

		g_assert_true(
			g_file_set_contents(path, (const char *)bytes->data, bytes->len, NULL));
		tracepoints = format_files_read(path, SYSTEM, false, &from, NULL);
		g_assert_cmpstr(tracepoint_name(tracepoints_find(tracepoints, 1500)), ==,
				"colo_ram_end");
		tracepoints_free(tracepoints);
		perf_builder_free(builder);
	}
	remove_all(directory);
}

/* --- Sites --- */

#define BEGIN_OFFSET 0x1230
#define END_OFFSET   0x5670
#define START	     0x55d000000000ULL /* where a program is mapped: a page */

static struct uprobe_sites *make_sites(const char *text)
{
	g_autofree char *directory = g_dir_make_tmp("format-files-XXXXXX", NULL);
	struct uprobe_sites *sites;

	if (text)
		write_text(directory, "uprobe_events", text);
	sites = uprobe_sites_read(directory, SYSTEM);
	remove_all(directory);
	return sites;
}

static struct uprobe_sites *two_sites(void)
{
	return make_sites("p:" SYSTEM "/colo_ram_begin /opt/qemu:0x0000000000001230 arg1=%di:s32\n"
			  "p:other/colo_ram_begin /opt/qemu:0x0000000000009990\n"
			  "r:" SYSTEM "/colo_ram_begin /opt/qemu:0x0000000000009990\n"
			  "p:" SYSTEM "/colo_ram_end /opt/qemu:0x0000000000005670 arg1=%di:s32\n"
			  "p:" SYSTEM "/colo_ram_end /opt/qemu:0x0000000000008880 arg1=%si:s32\n"
			  "p:" SYSTEM "/damaged\n\n");
}

static void test_sites_agree(void)
{
	struct uprobe_sites *sites = two_sites();

	g_assert_true(uprobe_sites_agree(sites));
	/* Two processes, each with a place of its own; the end has two sites. */
	for (guint pid = 1; pid <= 2; pid++) {
		const guint64 start = START * pid;

		uprobe_sites_hit(sites, "colo_ram_begin", pid, start + BEGIN_OFFSET);
		uprobe_sites_hit(sites, "colo_ram_end", pid,
				 start + (pid == 1 ? END_OFFSET : 0x8880));
	}
	g_assert_true(uprobe_sites_agree(sites));
	uprobe_sites_free(sites);
}

static void test_sites_differ(void)
{
	static const struct {
		const char *event;
		guint64 address;
	} wrong[] = {
		{"colo_ram_end", START + BEGIN_OFFSET},	       /* the other way round */
		{"colo_ram_end", START + 0x1000 + END_OFFSET}, /* elsewhere, in another page */
		{"colo_ram_end", START + END_OFFSET + 8},
		{"colo_dev_end", START + END_OFFSET}, /* not registered */
	};

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		struct uprobe_sites *sites = two_sites();

		uprobe_sites_hit(sites, "colo_ram_begin", 7, START + BEGIN_OFFSET);
		uprobe_sites_hit(sites, wrong[i].event, 7, wrong[i].address);
		g_assert_false(uprobe_sites_agree(sites));
		uprobe_sites_free(sites);
	}
}

static void test_no_sites(void)
{
	g_assert_null(make_sites(NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/format_files/directories", test_directories);
	g_test_add_func("/format_files/text", test_text);
	g_test_add_func("/format_files/nothing_there", test_nothing_there);
	g_test_add_func("/format_files/recordings", test_recordings);
	g_test_add_func("/uprobe_sites/agree", test_sites_agree);
	g_test_add_func("/uprobe_sites/differ", test_sites_differ);
	g_test_add_func("/uprobe_sites/none", test_no_sites);
	return g_test_run();
}
