/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfdata/perf_task: the records that tell of processes, and the table of
 * build-ids, in both byte orders and cut anywhere.
 */
#include "perfdata/perf_task.h"

#include "lib/small_file.h"

#include <string.h>

#define KERNEL_START G_GUINT64_CONSTANT(0xffffffff81000000)
#define BUILD_ID     "0123456789abcdefghij"

static const int byte_orders[] = {G_LITTLE_ENDIAN, G_BIG_ENDIAN};

static const struct perf_builder_stamp stamp = {
	.event = 1, .pid = 7001, .tid = 7002, .cpu = 1, .time_ns = 0x1122334455667788};

static const struct perf_builder_mmap library = {.at = stamp,
						 .misc = PERF_RECORD_MISC_USER,
						 .start = 0x7f0011223000,
						 .size_bytes = 0x45000,
						 .file_offset = 0x26000,
						 .path = "/usr/lib/libglib-2.0.so.0",
						 .major = 259,
						 .minor = 3,
						 .inode = 0x123456789a};

/* Two events with a sample id each, so that the id has to be looked up. */
static struct perf_builder *builder_of(int byte_order)
{
	struct perf_builder *builder = perf_builder_new(byte_order);

	perf_builder_add_event(builder, &small_file_clock_event);
	perf_builder_add_event(builder, &small_file_clock_event);
	return builder;
}

typedef void (*add_record)(struct perf_builder *builder);
typedef void (*check_task)(const struct perf_task_event *task);

/* The record is the only one of a file; what it ends with, when it is cut, is no longer its id. */
static void check_record(int byte_order, add_record add, gsize least_size, check_task check)
{
	struct perf_builder *builder = builder_of(byte_order);
	struct perf_task_event task;
	struct perf_record record;
	struct perf_file *file;

	add(builder);
	file = small_file_open(builder);
	g_assert_cmpint(perf_file_next_record(file, &record, NULL), ==, PERF_NEXT_RECORD);
	g_assert_true(perf_task_is(&record));
	g_assert_true(perf_task_decode(perf_file_events(file), &record, perf_file_is_swapped(file),
				       &task));
	g_assert_cmpuint(task.order, ==, record.number);
	g_assert_cmphex(task.time_ns, ==, stamp.time_ns);
	g_assert_cmpuint(task.pid, ==, stamp.pid);
	g_assert_cmpuint(task.tid, ==, stamp.tid);
	check(&task);

	/* Memory of exactly that size, so that a read past it is seen by ASan. */
	g_assert_cmpuint(least_size, <, record.body_size);
	for (gsize cut = 0; cut < record.body_size; cut++) {
		g_autofree guint8 *copy = g_memdup2(record.tainted_body, cut);
		const struct perf_record part = {.type = record.type,
						 .misc = record.misc,
						 .tainted_body = copy,
						 .body_size = cut};

		g_assert_cmpint(perf_task_decode(perf_file_events(file), &part,
						 perf_file_is_swapped(file), &task),
				==, cut >= least_size);
	}
	perf_file_free(file);
	perf_builder_free(builder);
}

static void check_in_both_orders(add_record add, gsize least_size, check_task check)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++)
		check_record(byte_orders[i], add, least_size, check);
}

static void add_mmap2(struct perf_builder *builder)
{
	perf_builder_mmap2(builder, &library);
}

static void check_mmap_range(const struct perf_task_event *task)
{
	g_assert_cmpint(task->kind, ==, PERF_TASK_MMAP);
	g_assert_cmphex(task->start, ==, library.start);
	g_assert_cmphex(task->size, ==, library.size_bytes);
	g_assert_cmphex(task->file_offset, ==, library.file_offset);
	g_assert_cmpstr(task->tainted_name, ==, library.path);
	g_assert_false(task->kernel);
}

static void check_mmap2(const struct perf_task_event *task)
{
	check_mmap_range(task);
	g_assert_true(task->has_inode);
	g_assert_cmpuint(task->major, ==, library.major);
	g_assert_cmpuint(task->minor, ==, library.minor);
	g_assert_cmphex(task->inode, ==, library.inode);
	g_assert_cmpuint(task->build_id_size, ==, 0);
}

static void test_mmap2(void)
{
	check_in_both_orders(add_mmap2, 64 + strlen(library.path) + 1, check_mmap2);
}

static void add_mmap2_without_inode(struct perf_builder *builder)
{
	struct perf_builder_mmap mmap = library;

	mmap.inode = 0;
	perf_builder_mmap2(builder, &mmap);
}

static void check_without_identity(const struct perf_task_event *task)
{
	check_mmap_range(task);
	g_assert_false(task->has_inode);
	g_assert_cmpuint(task->build_id_size, ==, 0);
}

static void test_mmap2_without_inode(void)
{
	check_in_both_orders(add_mmap2_without_inode, 64 + strlen(library.path) + 1,
			     check_without_identity);
}

static void add_with_build_id(struct perf_builder *builder, const char *build_id, gsize size)
{
	struct perf_builder_mmap mmap = library;

	mmap.build_id = (const guint8 *)build_id;
	mmap.build_id_size = size;
	perf_builder_mmap2(builder, &mmap);
}

static void add_mmap2_with_build_id(struct perf_builder *builder)
{
	add_with_build_id(builder, BUILD_ID, 20);
}

static void check_build_id(const struct perf_task_event *task)
{
	check_mmap_range(task);
	g_assert_false(task->has_inode);
	g_assert_cmpmem(task->build_id, task->build_id_size, BUILD_ID, 20);
}

static void test_mmap2_with_build_id(void)
{
	check_in_both_orders(add_mmap2_with_build_id, 64 + strlen(library.path) + 1,
			     check_build_id);
}

static void add_mmap2_with_short_build_id(struct perf_builder *builder)
{
	add_with_build_id(builder, BUILD_ID, 16);
}

static void check_short_build_id(const struct perf_task_event *task)
{
	g_assert_cmpmem(task->build_id, task->build_id_size, BUILD_ID, 16);
}

static void test_mmap2_with_build_id_of_16_bytes(void)
{
	check_in_both_orders(add_mmap2_with_short_build_id, 64 + strlen(library.path) + 1,
			     check_short_build_id);
}

static void add_mmap2_with_zeros(struct perf_builder *builder)
{
	static const char zeros[20];

	add_with_build_id(builder, zeros, 20);
}

static void test_mmap2_with_build_id_of_zeros_has_none(void)
{
	check_in_both_orders(add_mmap2_with_zeros, 64 + strlen(library.path) + 1,
			     check_without_identity);
}

/*
 * What the bit says, what the attrs asked for and what the bytes can be, in all combinations. The
 * inodes are those of disks (sda has major 8, virtio's 254, nvme's 259), tmpfs (0) and ext4
 * (generations).
 */
static void test_mmap2_is_what_it_can_be(void)
{
	enum {
		INODE,
		ID,
		ID_IN_LITTLE_ENDIAN,
		UNKNOWN
	};
	static const struct {
		guint32 major, minor;
		guint64 inode, generation;
		const char *build_id; /* NULL: the inode */
		gsize build_id_size;
		bool bit, asked;
		int expected;
	} rows[] = {
		/* With the bit it can be one of them alone. */
		{254, 0, 11001861, 3196332898, NULL, 0, true, false, INODE},
		{254, 0, 11001861, 3196332898, NULL, 0, true, true, INODE},
		{259, 3, 0x123456789a, 0, NULL, 0, true, true, INODE},
		{0, 26, 4711, 0, NULL, 0, true, true, INODE},
		{8, 1, 4711, 3196332898, NULL, 0, true, true, INODE},
		{8, 1, 0x100000000, 0, NULL, 0, true, true, INODE},
		{0, 0, 0, 0, BUILD_ID, 20, true, false, ID},
		{0, 0, 0, 0, BUILD_ID, 20, true, true, ID},
		{0, 0, 0, 0, BUILD_ID, 16, true, false, ID},
		{0, 0, 0, 0, BUILD_ID, 8, true, false, ID},
		{0, 0, 0, 0, BUILD_ID, 1, true, true, ID},
		/*
		 * Both: inode 4711 of sda1, or a build-id of 8 bytes. The attrs tell. A big-endian
		 * major number ends where the size of a build-id begins.
		 */
		{8, 1, 4711, 0, NULL, 0, true, false, INODE},
		{8, 1, 4711, 0, NULL, 0, true, true, ID_IN_LITTLE_ENDIAN},
		/* None of both: no major number has 13 bits, no generation 33. */
		{4096, 1, 4711, 0, NULL, 0, true, true, UNKNOWN},
		{254, 1 << 20, 4711, 0, NULL, 0, true, false, UNKNOWN},
		{254, 0, 4711, 0x100000000, NULL, 0, true, true, UNKNOWN},
		/* Without the bit, whatever the bytes are. */
		{8, 1, 4711, 0, NULL, 0, false, true, INODE},
		{4096, 1, 4711, 0, NULL, 0, false, false, INODE},
	};

	for (guint i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
		const int byte_order = byte_orders[i % 2];
		int expected = rows[i / 2].expected;
		struct perf_builder *builder = perf_builder_new(byte_order);
		struct perf_builder_event event = small_file_clock_event;
		struct perf_builder_mmap mmap = library;
		struct perf_task_event task;
		struct perf_record record;
		struct perf_file *file;

		g_test_message("row %u, byte order %d", i / 2, byte_order);
		if (expected == ID_IN_LITTLE_ENDIAN)
			expected = byte_order == G_LITTLE_ENDIAN ? ID : INODE;
		perf_builder_add_event(builder, &event);
		event.attr.build_id = rows[i / 2].asked;
		perf_builder_add_event(builder, &event);
		mmap.major = rows[i / 2].major;
		mmap.minor = rows[i / 2].minor;
		mmap.inode = rows[i / 2].inode;
		mmap.generation = rows[i / 2].generation;
		mmap.build_id = (const guint8 *)rows[i / 2].build_id;
		mmap.build_id_size = rows[i / 2].build_id_size;
		mmap.misc |= rows[i / 2].bit ? PERF_RECORD_MISC_MMAP_BUILD_ID : 0;
		perf_builder_mmap2(builder, &mmap);
		file = small_file_open(builder);
		g_assert_cmpint(perf_file_next_record(file, &record, NULL), ==, PERF_NEXT_RECORD);
		g_assert_true(perf_task_decode(perf_file_events(file), &record,
					       perf_file_is_swapped(file), &task));
		g_assert_cmpint(task.has_inode, ==, expected == INODE);
		g_assert_cmpint(task.build_id_size > 0, ==, expected == ID);
		g_assert_cmphex(task.inode, ==, task.has_inode ? mmap.inode : 0);
		if (mmap.build_id)
			g_assert_cmpmem(task.build_id, task.build_id_size, mmap.build_id,
					mmap.build_id_size);
		g_assert_cmpstr(task.tainted_name, ==, library.path);
		perf_file_free(file);
		perf_builder_free(builder);
	}
}

static void add_mmap(struct perf_builder *builder)
{
	perf_builder_mmap(builder, &library);
}

static void test_mmap(void)
{
	check_in_both_orders(add_mmap, 32 + strlen(library.path) + 1, check_without_identity);
}

static void add_kernel_mmap(struct perf_builder *builder)
{
	const struct perf_builder_mmap mmap = {.at = stamp,
					       .misc = PERF_RECORD_MISC_KERNEL,
					       .start = KERNEL_START,
					       .size_bytes = 0x1000000,
					       .file_offset = KERNEL_START,
					       .path = "[kernel.kallsyms]_text"};

	perf_builder_mmap(builder, &mmap);
}

static void check_kernel_mmap(const struct perf_task_event *task)
{
	g_assert_cmpint(task->kind, ==, PERF_TASK_MMAP);
	g_assert_true(task->kernel);
	g_assert_cmphex(task->start, ==, KERNEL_START);
	g_assert_cmphex(task->file_offset, ==, KERNEL_START);
	g_assert_cmpstr(task->tainted_name, ==, "[kernel.kallsyms]_text");
}

static void test_kernel_mmap(void)
{
	check_in_both_orders(add_kernel_mmap, 32 + strlen("[kernel.kallsyms]_text") + 1,
			     check_kernel_mmap);
}

static void add_comm(struct perf_builder *builder)
{
	perf_builder_comm(builder, &stamp, "live_migration", FALSE);
}

static void check_comm(const struct perf_task_event *task)
{
	g_assert_cmpint(task->kind, ==, PERF_TASK_COMM);
	g_assert_cmpstr(task->tainted_name, ==, "live_migration");
	g_assert_false(task->exec);
}

static void test_comm(void)
{
	check_in_both_orders(add_comm, 8 + strlen("live_migration") + 1, check_comm);
}

static void add_exec(struct perf_builder *builder)
{
	perf_builder_comm(builder, &stamp, "qemu", TRUE);
}

static void check_exec(const struct perf_task_event *task)
{
	g_assert_cmpint(task->kind, ==, PERF_TASK_COMM);
	g_assert_true(task->exec);
}

static void test_comm_of_exec(void)
{
	check_in_both_orders(add_exec, 8 + strlen("qemu") + 1, check_exec);
}

static void add_fork(struct perf_builder *builder)
{
	perf_builder_fork(builder, &stamp, 6001, 6002);
}

static void check_fork(const struct perf_task_event *task)
{
	g_assert_cmpint(task->kind, ==, PERF_TASK_FORK);
	g_assert_cmpuint(task->parent_pid, ==, 6001);
	g_assert_cmpuint(task->parent_tid, ==, 6002);
	g_assert_false(task->without_maps);
	g_assert_null(task->tainted_name);
}

static void test_fork(void)
{
	check_in_both_orders(add_fork, 24, check_fork);
}

static void add_fork_made_up(struct perf_builder *builder)
{
	perf_builder_fork_made_up(builder, &stamp, 6001, 6002);
}

static void check_fork_made_up(const struct perf_task_event *task)
{
	g_assert_cmpint(task->kind, ==, PERF_TASK_FORK);
	g_assert_cmpuint(task->parent_pid, ==, 6001);
	g_assert_true(task->without_maps);
}

static void test_fork_that_perf_made_up_has_no_maps(void)
{
	check_in_both_orders(add_fork_made_up, 24, check_fork_made_up);
}

static void add_exit(struct perf_builder *builder)
{
	perf_builder_exit(builder, &stamp, 6001, 6002);
}

static void check_exit(const struct perf_task_event *task)
{
	g_assert_cmpint(task->kind, ==, PERF_TASK_EXIT);
	g_assert_cmpuint(task->parent_pid, ==, 6001);
}

static void test_exit(void)
{
	check_in_both_orders(add_exit, 24, check_exit);
}

static void test_other_records_are_refused(void)
{
	static const guint8 body[256];
	struct perf_events *events = perf_events_new();
	struct perf_task_event task;

	for (guint32 type = 0; type < 100; type++) {
		const struct perf_record record = {
			.type = type, .tainted_body = body, .body_size = sizeof(body)};

		g_assert_cmpint(perf_task_is(&record), ==,
				perf_task_decode(events, &record, false, &task));
		g_assert_cmpint(perf_task_is(&record), ==,
				type == PERF_RECORD_MMAP || type == PERF_RECORD_COMM ||
					type == PERF_RECORD_EXIT || type == PERF_RECORD_FORK ||
					type == PERF_RECORD_MMAP2);
	}
	perf_events_free(events);
}

/* Without sample_id_all the record does not say when it was; a fork says it itself. */
static void test_without_sample_id_there_is_no_time(void)
{
	struct perf_builder *builder = perf_builder_new(G_BYTE_ORDER);
	struct perf_builder_event event = small_file_clock_event;
	struct perf_task_event task;
	struct perf_record record;
	struct perf_file *file;

	event.attr.sample_id_all = 0;
	perf_builder_add_event(builder, &event);
	perf_builder_add_event(builder, &event);
	add_comm(builder);
	add_fork(builder);
	file = small_file_open(builder);
	g_assert_cmpint(perf_file_next_record(file, &record, NULL), ==, PERF_NEXT_RECORD);
	g_assert_true(perf_task_decode(perf_file_events(file), &record, false, &task));
	g_assert_cmpstr(task.tainted_name, ==, "live_migration");
	g_assert_cmpuint(task.time_ns, ==, 0);
	g_assert_cmpint(perf_file_next_record(file, &record, NULL), ==, PERF_NEXT_RECORD);
	g_assert_true(perf_task_decode(perf_file_events(file), &record, false, &task));
	g_assert_cmphex(task.time_ns, ==, stamp.time_ns);
	perf_file_free(file);
	perf_builder_free(builder);
}

static int compare(const struct perf_task_event *left, const struct perf_task_event *right)
{
	return perf_task_compare(&left, &right);
}

static void test_order_is_time_then_place(void)
{
	const struct perf_task_event first = {.time_ns = 1, .order = 900},
				     second = {.time_ns = 2, .order = 100},
				     third = {.time_ns = 2, .order = 200},
				     last = {.time_ns = G_MAXUINT64, .order = 0};

	g_assert_cmpint(compare(&first, &second), <, 0);
	g_assert_cmpint(compare(&second, &first), >, 0);
	g_assert_cmpint(compare(&second, &third), <, 0);
	g_assert_cmpint(compare(&third, &second), >, 0);
	g_assert_cmpint(compare(&first, &last), <, 0);
	g_assert_cmpint(compare(&last, &first), >, 0);
	g_assert_cmpint(compare(&third, &third), ==, 0);
}

/* --- The table of build-ids --- */

static void assert_entry(struct byte_reader *reader, const char *path, const char *build_id,
			 gsize size, bool kernel)
{
	struct perf_build_id entry;

	g_assert_true(perf_build_id_next(reader, &entry));
	g_assert_cmpstr(entry.tainted_path, ==, path);
	g_assert_cmpmem(entry.build_id, entry.build_id_size, build_id, size);
	g_assert_cmpint(entry.kernel, ==, kernel);
}

/* The bytes of a feature section with these entries; perf 6.1 says each size. */
static GBytes *build_id_table(int byte_order)
{
	static const guint8 zeros[20];
	struct perf_builder *builder = builder_of(byte_order);
	GBytes *section;
	struct perf_file *file;

	perf_builder_finished_round(builder); /* without data the features are not looked for */
	perf_builder_feature_build_id(builder, PERF_RECORD_MISC_KERNEL, -1,
				      (const guint8 *)"KERNELkernelKERNEL..", 20,
				      "[kernel.kallsyms]");
	perf_builder_feature_build_id(builder, PERF_RECORD_MISC_USER, -1, (const guint8 *)BUILD_ID,
				      16, "/usr/bin/qemu");
	perf_builder_feature_build_id(builder, PERF_RECORD_MISC_USER, -1, zeros, 20,
				      "/usr/lib/zeros.so");
	perf_builder_feature_build_id(builder, PERF_RECORD_MISC_USER, -1, (const guint8 *)BUILD_ID,
				      20, "/usr/lib/libc.so.6");
	file = small_file_open(builder);
	section = g_bytes_ref(perf_file_feature(file, PERF_FEATURE_BUILD_ID));
	perf_file_free(file);
	perf_builder_free(builder);
	return section;
}

static void check_build_id_table(int byte_order)
{
	g_autoptr(GBytes) section = build_id_table(byte_order);
	struct byte_reader reader =
		byte_reader_of(g_bytes_get_data(section, NULL), g_bytes_get_size(section),
			       byte_order != G_BYTE_ORDER);
	struct perf_build_id entry;

	assert_entry(&reader, "[kernel.kallsyms]", "KERNELkernelKERNEL..", 20, true);
	assert_entry(&reader, "/usr/bin/qemu", BUILD_ID, 16, false);
	assert_entry(&reader, "/usr/lib/zeros.so", "", 0, false);
	assert_entry(&reader, "/usr/lib/libc.so.6", BUILD_ID, 20, false);
	g_assert_false(perf_build_id_next(&reader, &entry));
	g_assert_false(perf_build_id_next(&reader, &entry));
}

static void test_build_id_table(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++)
		check_build_id_table(byte_orders[i]);
}

/* As many entries as are whole, whatever the table was cut to. */
static void test_cut_build_id_table(void)
{
	g_autoptr(GBytes) section = build_id_table(G_BYTE_ORDER);
	const gsize size = g_bytes_get_size(section);
	gsize most = 0;

	for (gsize cut = 0; cut <= size; cut++) {
		g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(section, NULL), cut);
		struct byte_reader reader = byte_reader_of(copy, cut, false);
		struct perf_build_id entry;
		gsize n = 0;

		while (perf_build_id_next(&reader, &entry)) {
			g_assert_cmpuint(strlen(entry.tainted_path), <, 64);
			n++;
		}
		/* Each entry: 8 bytes of header, the pid, 24 bytes, a path padded to 64. */
		g_assert_cmpuint(n, ==, cut / 100);
		most = MAX(most, n);
	}
	g_assert_cmpuint(most, ==, 4);
}

/* One entry with what its header says; `size_bytes` stands in the header. */
static bool read_entry(guint16 misc, guint16 size_bytes, guint8 build_id_size, const char *path,
		       gsize path_size, struct perf_build_id *entry)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	const guint8 header[4] = {0}, pid[4] = {0}, rest[4] = {build_id_size};
	struct byte_reader reader;

	g_byte_array_append(bytes, header, 4);
	g_byte_array_append(bytes, (const guint8 *)&misc, 2);
	g_byte_array_append(bytes, (const guint8 *)&size_bytes, 2);
	g_byte_array_append(bytes, pid, 4);
	g_byte_array_append(bytes, (const guint8 *)BUILD_ID, 20);
	g_byte_array_append(bytes, rest, 4);
	g_byte_array_append(bytes, (const guint8 *)path, (guint)path_size);
	reader = byte_reader_of(bytes->data, bytes->len, false);
	return perf_build_id_next(&reader, entry);
}

/* Before perf 5.11 the byte of the size was padding. */
static void test_build_id_without_size_bit_has_20_bytes(void)
{
	struct perf_build_id entry;

	g_assert_true(read_entry(PERF_RECORD_MISC_USER, 40, 7, "/a\0", 4, &entry));
	g_assert_cmpuint(entry.build_id_size, ==, 20);
	g_assert_true(read_entry(PERF_RECORD_MISC_USER | 1 << 15, 40, 7, "/a\0", 4, &entry));
	g_assert_cmpuint(entry.build_id_size, ==, 7);
	g_assert_true(read_entry(PERF_RECORD_MISC_USER | 1 << 15, 40, 255, "/a\0", 4, &entry));
	g_assert_cmpuint(entry.build_id_size, ==, 20);
}

static void test_damaged_build_id_entry_is_the_end(void)
{
	struct perf_build_id entry;

	for (guint16 size = 0; size < 39; size++)
		g_assert_false(read_entry(PERF_RECORD_MISC_USER, size, 20, "/a\0", 4, &entry));
	/* "/a" and its NUL; what follows is not read. */
	g_assert_true(read_entry(PERF_RECORD_MISC_USER, 39, 20, "/a\0", 4, &entry));
	g_assert_false(read_entry(PERF_RECORD_MISC_USER, 41, 20, "/a\0", 4, &entry));
	g_assert_false(read_entry(PERF_RECORD_MISC_USER, G_MAXUINT16, 20, "/a\0", 4, &entry));
	g_assert_false(read_entry(PERF_RECORD_MISC_USER, 38, 20, "/a", 2, &entry));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/perf_task/mmap2", test_mmap2);
	g_test_add_func("/perf_task/mmap2_without_inode", test_mmap2_without_inode);
	g_test_add_func("/perf_task/mmap2_with_build_id", test_mmap2_with_build_id);
	g_test_add_func("/perf_task/mmap2_with_build_id_of_16_bytes",
			test_mmap2_with_build_id_of_16_bytes);
	g_test_add_func("/perf_task/mmap2_with_build_id_of_zeros_has_none",
			test_mmap2_with_build_id_of_zeros_has_none);
	g_test_add_func("/perf_task/mmap2_is_what_it_can_be", test_mmap2_is_what_it_can_be);
	g_test_add_func("/perf_task/mmap", test_mmap);
	g_test_add_func("/perf_task/kernel_mmap", test_kernel_mmap);
	g_test_add_func("/perf_task/comm", test_comm);
	g_test_add_func("/perf_task/comm_of_exec", test_comm_of_exec);
	g_test_add_func("/perf_task/fork", test_fork);
	g_test_add_func("/perf_task/fork_that_perf_made_up_has_no_maps",
			test_fork_that_perf_made_up_has_no_maps);
	g_test_add_func("/perf_task/exit", test_exit);
	g_test_add_func("/perf_task/other_records_are_refused", test_other_records_are_refused);
	g_test_add_func("/perf_task/without_sample_id_there_is_no_time",
			test_without_sample_id_there_is_no_time);
	g_test_add_func("/perf_task/order_is_time_then_place", test_order_is_time_then_place);
	g_test_add_func("/perf_task/build_id_table", test_build_id_table);
	g_test_add_func("/perf_task/cut_build_id_table", test_cut_build_id_table);
	g_test_add_func("/perf_task/build_id_without_size_bit_has_20_bytes",
			test_build_id_without_size_bit_has_20_bytes);
	g_test_add_func("/perf_task/damaged_build_id_entry_is_the_end",
			test_damaged_build_id_entry_is_the_end);
	return g_test_run();
}
