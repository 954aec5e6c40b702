/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perf_file: which files of a directory of perf record --threads must have been there.
 */
#include "perfdata/perf_file.h"

#include "lib/perf_builder.h"

#include <glib/gstdio.h>

#define ALL_THERE 0xff

/* What perf wrote for `n_files` CPUs, and what of it is left. */
struct story {
	guint n_files;
	guint left;		     /* a bit for each file */
	const char *const *command;  /* NULL: perf says nothing */
	guint32 n_online;	     /* CPUs, 0: perf does not say */
	const char *expected_damage; /* NULL: none */
};

static struct perf_builder *builder_of(const struct story *story)
{
	const struct perf_builder_event event = {
		.name = "cpu-clock",
		.attr = {.type = PERF_TYPE_SOFTWARE,
			 .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID},
		.n_ids = 1};
	const guint32 cpus[] = {GUINT32_TO_LE(64), GUINT32_TO_LE(story->n_online)};
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct perf_builder_sample sample = {0};

	sample.at.event = perf_builder_add_event(builder, &event);
	/* "data" is not empty either. */
	perf_builder_record(builder, PERF_BUILDER_FINISHED_INIT, 0, "", 0);
	for (sample.at.cpu = 0; sample.at.cpu < story->n_files; sample.at.cpu++)
		perf_builder_sample(builder, &sample);
	if (story->command)
		perf_builder_feature_cmdline(builder, story->command);
	if (story->n_online)
		perf_builder_feature_bytes(builder, PERF_FEATURE_NRCPUS, cpus, sizeof(cpus));
	return builder;
}

static void remove_file(const char *directory, const char *name)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);

	g_unlink(path);
}

static void check(const struct story *story)
{
	g_autofree char *parent = g_dir_make_tmp("perf-directory-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(parent, "perf.data", NULL);
	struct perf_builder *builder = builder_of(story);
	g_autoptr(GError) error = NULL;
	struct perf_file *file;

	g_assert_true(
		perf_builder_write_directory(builder, path, MAX(story->n_files, 1), NULL, &error));
	g_assert_no_error(error);
	for (guint i = 0; i < MAX(story->n_files, 1); i++) {
		g_autofree char *name = g_strdup_printf("data.%u", i);

		if (i >= story->n_files || !(story->left >> i & 1))
			remove_file(path, name);
	}
	file = perf_file_open(path, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(perf_file_damage(file), ==, story->expected_damage);
	perf_file_free(file);
	for (guint i = 0; i < story->n_files; i++) {
		g_autofree char *name = g_strdup_printf("data.%u", i);

		remove_file(path, name);
	}
	remove_file(path, "data");
	g_assert_cmpint(g_rmdir(path), ==, 0);
	g_assert_cmpint(g_rmdir(parent), ==, 0);
	perf_builder_free(builder);
}

#define WROTE "of the files that perf record --threads wrote "

/* The numbers tell, up to the highest one that is left. */
static void test_numbers(void)
{
	const struct story stories[] = {
		{.n_files = 3, .left = ALL_THERE},
		{.n_files = 3, .left = 3}, /* nothing tells of the third */
		{.n_files = 3,
		 .left = 5,
		 .expected_damage =
			 "1 " WROTE "is missing (data.1), and so are the hits and samples in it"},
		{.n_files = 8,
		 .left = 0x82,
		 .expected_damage = "6 " WROTE "are missing (data.0, data.2, data.3, ...), and so "
				    "are the hits and samples in them"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(stories); i++)
		check(&stories[i]);
}

/* perf's command line and the number of CPUs tell of the last ones as well. */
static void test_command(void)
{
	static const char *const threads[] = {"perf", "record", "--threads", "-a", NULL};
	static const char *const numa[] = {"perf", "record", "--threads=numa", "-a", NULL};
	static const char *const chosen[] = {"perf", "record", "--threads", "-C", "0-1", NULL};
	static const char *const together[] = {"perf", "record", "--threads", "-aC1", NULL};
	static const char *const plain[] = {"perf", "record", "--kcore", "-a", NULL};
	static const char one_missing[] =
		"1 " WROTE "is missing (data.2), and so are the hits and samples in it";
	const struct story stories[] = {
		{.n_files = 3, .left = ALL_THERE, .command = threads, .n_online = 3},
		{.n_files = 3,
		 .left = 3,
		 .command = threads,
		 .n_online = 3,
		 .expected_damage = one_missing},
		{.n_files = 3,
		 .left = 3,
		 .command = numa,
		 .n_online = 3,
		 .expected_damage = one_missing},
		{.n_files = 1,
		 .left = 0,
		 .command = threads,
		 .n_online = 1,
		 .expected_damage =
			 "1 " WROTE "is missing (data.0), and so are the hits and samples in it"},
		{.n_files = 2, .left = ALL_THERE, .command = chosen, .n_online = 8},
		{.n_files = 2, .left = ALL_THERE, .command = together, .n_online = 8},
		{.n_files = 0, .left = ALL_THERE, .command = plain, .n_online = 8},
		{.n_files = 2, .left = ALL_THERE, .command = threads, .n_online = 0},
		{.n_files = 2, .left = ALL_THERE, .command = threads, .n_online = G_MAXUINT32},
	};

	for (guint i = 0; i < G_N_ELEMENTS(stories); i++)
		check(&stories[i]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/perf_directory/numbers", test_numbers);
	g_test_add_func("/perf_directory/command", test_command);
	return g_test_run();
}
