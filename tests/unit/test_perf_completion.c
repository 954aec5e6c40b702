/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfdata/perf_completion and perf_sections: what they write is read again by the reader, and what
 * was there before is still there.
 */
#include "perfdata/perf_completion.h"

#include "lib/small_file.h"
#include "perfdata/perf_sections.h"
#include "perfdata/tracepoint.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUILD_ID "0123456789abcdefghij"
#define MISC_BIT (1 << 14)
#define NOT_CUT	 G_MAXUINT64

static const struct perf_builder_mmap library = {
	.at = {.event = 0, .pid = 10, .tid = 11, .cpu = 1, .time_ns = 4000},
	/* As the kernel leaves it when another perf asks for build-ids. */
	.misc = PERF_RECORD_MISC_USER | MISC_BIT,
	.start = 0x7f0011223000,
	.size_bytes = 0x45000,
	.path = "/usr/lib/libc.so.6",
	.major = 254,
	.inode = 332835,
	.generation = 3196332898,
};

static const struct perf_builder_mmap program = {
	.at = {.event = 0, .pid = 10, .tid = 11, .cpu = 1, .time_ns = 4000},
	.misc = PERF_RECORD_MISC_USER,
	.start = 0x400000,
	.size_bytes = 0x1000,
	.path = "/usr/bin/qemu",
	.major = 254,
	.inode = 4711,
};

struct fixture {
	char *path;	 /* Owned by this: of the recording */
	int fd;		 /* Owned by this */
	guint64 n_bytes; /* of it, before it was completed */
};

/* Takes the builder. */
static void write_recording(struct fixture *fixture, struct perf_builder *builder, gboolean killed,
			    guint64 cut_bytes)
{
	struct perf_builder_layout layout;
	g_autoptr(GError) error = NULL;
	GByteArray *bytes;

	fixture->fd = g_file_open_tmp("completion-XXXXXX", &fixture->path, &error);
	g_assert_no_error(error);
	perf_builder_set_killed(builder, killed);
	bytes = perf_builder_build(builder, &layout);
	fixture->n_bytes = killed ? layout.data_offset + layout.data_size - cut_bytes : bytes->len;
	g_assert_cmpint(write(fixture->fd, bytes->data, fixture->n_bytes), ==,
			(gssize)fixture->n_bytes);
	g_byte_array_unref(bytes);
	perf_builder_free(builder);
}

/* small_file_builder()'s four records and three mappings. */
static void set_up(struct fixture *fixture, gboolean killed, guint64 cut_bytes)
{
	struct perf_builder *builder = small_file_builder(G_BYTE_ORDER);

	perf_builder_mmap2(builder, &library);
	perf_builder_mmap2(builder, &program);
	perf_builder_mmap2(builder, &library);
	write_recording(fixture, builder, killed, cut_bytes);
}

static void tear_down(struct fixture *fixture)
{
	close(fixture->fd);
	g_unlink(fixture->path);
	g_free(fixture->path);
}

static struct perf_completion *open_completion(const struct fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	struct perf_completion *completion = perf_completion_new(fixture->fd, &error);

	g_assert_no_error(error);
	return completion;
}

static struct perf_mapped_file *find(struct perf_completion *completion, const char *path)
{
	const GPtrArray *files = perf_completion_files(completion);

	for (guint i = 0; i < files->len; i++) {
		struct perf_mapped_file *file = files->pdata[i];

		if (!strcmp(file->path, path))
			return file;
	}
	return NULL;
}

/* What the reader finds: the mappings, and whether the kernel's flag is still wrong. */
struct found {
	guint n_records, n_ids, n_inodes, n_flags;
};

static struct found read_again(struct perf_file *file)
{
	struct found found = {0};
	struct perf_record record;
	struct perf_task_event task;
	enum perf_next next;

	while ((next = perf_file_next_record(file, &record, NULL)) == PERF_NEXT_RECORD) {
		found.n_records++;
		if (record.type != PERF_RECORD_MMAP2)
			continue;
		g_assert_true(perf_task_decode(perf_file_events(file), &record, false, &task));
		found.n_ids += task.build_id_size == 20 && !memcmp(task.build_id, BUILD_ID, 20);
		found.n_inodes += task.has_inode;
		found.n_flags += record.misc & MISC_BIT ? 1 : 0;
	}
	g_assert_cmpint(next, ==, PERF_NEXT_END);
	return found;
}

static void test_finished(void)
{
	struct fixture fixture;
	struct perf_completion *completion;
	struct perf_mapped_file *file;
	struct perf_build_id entry;
	struct byte_reader reader;
	GByteArray *section = g_byte_array_new();
	struct perf_file *recording;
	g_autofree char *hostname = NULL;
	GBytes *bytes;
	struct found found;

	set_up(&fixture, FALSE, 0);
	completion = open_completion(&fixture);
	g_assert_cmpuint(perf_completion_samples(completion), ==, 2);
	g_assert_cmpuint(perf_completion_files(completion)->len, ==, 2);
	g_assert_nonnull(find(completion, program.path));
	file = find(completion, library.path);
	g_assert_true(file->has_inode);
	g_assert_cmpuint(file->inode, ==, library.inode);
	memcpy(file->build_id, BUILD_ID, 20);
	file->build_id_size = 20;
	perf_section_add_build_id(section, library.path, false, file->build_id, 20);
	perf_completion_add(completion, PERF_FEATURE_BUILD_ID, section);
	/* It has one. */
	perf_completion_add(completion, PERF_FEATURE_HOSTNAME, perf_section_of_string("other"));
	g_assert_true(perf_completion_write(completion, NULL));
	perf_completion_free(completion);

	recording = perf_file_open(fixture.path, NULL);
	g_assert_null(perf_file_damage(recording));
	hostname = perf_file_feature_string(recording, PERF_FEATURE_HOSTNAME);
	g_assert_cmpstr(hostname, ==, "host");
	g_assert_nonnull(perf_file_feature(recording, PERF_FEATURE_TRACING_DATA));
	bytes = perf_file_feature(recording, PERF_FEATURE_BUILD_ID);
	reader = byte_reader_of(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), false);
	g_assert_true(perf_build_id_next(&reader, &entry));
	g_assert_cmpstr(entry.tainted_path, ==, library.path);
	g_assert_cmpmem(entry.build_id, entry.build_id_size, BUILD_ID, 20);
	g_assert_false(entry.kernel);
	g_assert_false(perf_build_id_next(&reader, &entry));
	found = read_again(recording);
	g_assert_cmpuint(found.n_records, ==, 7);
	g_assert_cmpuint(found.n_ids, ==, 2);
	g_assert_cmpuint(found.n_inodes, ==, 1);
	g_assert_cmpuint(found.n_flags, ==, 2);
	perf_file_free(recording);
	tear_down(&fixture);
}

/* Without build-ids the flag that the kernel left is taken away. */
static void test_flag(void)
{
	struct fixture fixture;
	struct perf_completion *completion;
	struct perf_file *recording;
	struct found found;

	set_up(&fixture, FALSE, 0);
	completion = open_completion(&fixture);
	g_assert_true(perf_completion_write(completion, NULL));
	perf_completion_free(completion);
	recording = perf_file_open(fixture.path, NULL);
	found = read_again(recording);
	g_assert_cmpuint(found.n_inodes, ==, 3);
	g_assert_cmpuint(found.n_flags, ==, 0);
	perf_file_free(recording);
	tear_down(&fixture);
}

static void add_end(struct perf_completion *completion)
{
	static const char format[] =
		"name: colo_ram_end\nID: 1500\nformat:\n"
		"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
		"\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
		"\tfield:s32 arg1;\toffset:16;\tsize:4;\tsigned:1;\n"
		"\tfield:u64 arg2;\toffset:20;\tsize:8;\tsigned:0;\n"
		"\nprint fmt: \"\"\n";
	g_autoptr(GPtrArray) formats =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g_autoptr(GBytes) empty = g_bytes_new(NULL, 0);

	g_ptr_array_add(formats, g_bytes_new_static(format, strlen(format)));
	perf_completion_add(completion, PERF_FEATURE_TRACING_DATA,
			    perf_section_of_formats("sdt_qemu", formats, empty, empty));
	perf_completion_add(completion, PERF_FEATURE_CLOCK_DATA, perf_section_of_clock(1, 5, 7));
	perf_completion_add(completion, PERF_FEATURE_HOSTNAME, perf_section_of_string("here"));
	perf_completion_add(completion, PERF_FEATURE_CUT_SHORT, perf_section_of_string("why"));
}

static void check_end(struct perf_file *recording)
{
	GBytes *section = perf_file_feature(recording, PERF_FEATURE_TRACING_DATA);
	g_autofree char *hostname = perf_file_feature_string(recording, PERF_FEATURE_HOSTNAME);
	g_autofree char *cut = perf_file_feature_string(recording, PERF_FEATURE_CUT_SHORT);
	g_autoptr(GError) error = NULL;
	struct tracepoints *tracepoints = tracepoints_new(g_bytes_get_data(section, NULL),
							  g_bytes_get_size(section), false, &error);
	struct perf_clock clock;

	g_assert_no_error(error);
	g_assert_cmpstr(tracepoint_name(tracepoints_find(tracepoints, 1500)), ==, "colo_ram_end");
	g_assert_cmpuint(tracepoint_n_args(tracepoints_find(tracepoints, 1500)), ==, 2);
	tracepoints_free(tracepoints);
	g_assert_null(perf_file_damage(recording));
	g_assert_cmpstr(hostname, ==, "here");
	g_assert_cmpstr(cut, ==, "why");
	g_assert_true(perf_file_clock(recording, &clock));
	g_assert_cmpuint(clock.clock_ns, ==, 5);
	g_assert_cmpuint(clock.wall_ns, ==, 7);
}

/* perf was killed: between two records, and in each place of the last one. */
static void test_killed(void)
{
	for (guint64 cut = 0; cut < 60; cut++) {
		struct fixture fixture;
		struct perf_completion *completion;
		struct perf_file *recording;

		set_up(&fixture, TRUE, cut);
		completion = open_completion(&fixture);
		g_assert_cmpuint(perf_completion_samples(completion), ==, 2);
		add_end(completion);
		g_assert_true(perf_completion_write(completion, NULL));
		perf_completion_free(completion);
		recording = perf_file_open(fixture.path, NULL);
		check_end(recording);
		g_assert_cmpuint(read_again(recording).n_records, ==, cut ? 6 : 7);
		perf_file_free(recording);
		tear_down(&fixture);
	}
}

/* The file may not become larger, and that is said. Frees the completion. */
static void assert_no_room(const struct fixture *fixture, struct perf_completion *completion)
{
	struct rlimit before, limit;
	g_autoptr(GError) error = NULL;

	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){.rlim_cur = fixture->n_bytes, .rlim_max = before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	g_assert_false(perf_completion_write(completion, &error));
	setrlimit(RLIMIT_FSIZE, &before);
	g_assert_nonnull(strstr(error->message, "cannot write it"));
	perf_completion_free(completion);
}

/* No room: a recording that perf completed stays as it was, to the byte. */
static void test_no_room(void)
{
	struct fixture fixture;
	struct perf_completion *completion;
	struct perf_file *recording;

	set_up(&fixture, FALSE, 0);
	completion = open_completion(&fixture);
	add_end(completion);
	assert_no_room(&fixture, completion);
	recording = perf_file_open(fixture.path, NULL);
	g_assert_cmpuint(perf_file_size_bytes(recording), ==, fixture.n_bytes);
	g_assert_null(perf_file_damage(recording));
	g_assert_null(perf_file_feature(recording, PERF_FEATURE_CUT_SHORT));
	g_assert_cmpuint(read_again(recording).n_records, ==, 7);
	perf_file_free(recording);
	tear_down(&fixture);
}

/* The least that is given up for the formats: two blocks beside their own. */
#define LEAST_BYTES (3 * 4096)

/* No sample would be left if their records made room: the formats are left out instead. */
static void test_no_room_beside_samples(void)
{
	struct fixture fixture;
	struct perf_builder *builder = perf_builder_new(G_BYTE_ORDER);
	const guint clock = perf_builder_add_event(builder, &small_file_clock_event);
	const struct perf_builder_sample sample = {
		.at = {.event = clock, .pid = 10, .tid = 11, .cpu = 1, .time_ns = 5000},
		.misc = PERF_RECORD_MISC_USER,
		.ip = 0x400000,
		.period = 4321};
	struct perf_completion *completion;
	struct stat st;

	for (guint i = 0; i < 2 * LEAST_BYTES / sizeof(program); i++)
		perf_builder_mmap2(builder, &program);
	perf_builder_sample(builder, &sample);
	write_recording(&fixture, builder, TRUE, 0);
	completion = open_completion(&fixture);
	g_assert_cmpuint(perf_completion_samples(completion), ==, 1);
	add_end(completion);
	assert_no_room(&fixture, completion);
	g_assert_cmpint(fstat(fixture.fd, &st), ==, 0);
	g_assert_cmpuint((guint64)st.st_size, ==, fixture.n_bytes);
	tear_down(&fixture);
}

static void test_no_recording(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;
	int fd;

	fd = g_file_open_tmp("completion-XXXXXX", &path, NULL);
	g_assert_null(perf_completion_new(fd, &error));
	g_assert_nonnull(strstr(error->message, "0 bytes"));
	close(fd);
	g_unlink(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/perf_completion/finished", test_finished);
	g_test_add_func("/perf_completion/flag", test_flag);
	g_test_add_func("/perf_completion/killed", test_killed);
	g_test_add_func("/perf_completion/no_room", test_no_room);
	g_test_add_func("/perf_completion/no_room_beside_samples", test_no_room_beside_samples);
	g_test_add_func("/perf_completion/no_recording", test_no_recording);
	return g_test_run();
}
