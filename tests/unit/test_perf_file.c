/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfdata/perf_file: what a whole file holds, in both byte orders, and the exact
 * words with which a damaged one is refused.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "perfdata/perf_file.h"
#include "perfdata/perf_sample.h"

#include "base/error.h"
#include "lib/small_file.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER_SIZE 104
#define WINDOW_SIZE (1 << 20) /* of the reader */

static const int byte_orders[] = {G_LITTLE_ENDIAN, G_BIG_ENDIAN};

static void assert_refused(const GByteArray *bytes, enum colo_perf_error code, const char *message)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(small_file_open_bytes(bytes, &error));
	g_assert_error(error, COLO_PERF_ERROR, (int)code);
	g_assert_cmpstr(error->message, ==, message);
}

/* A number of 8 bytes in the middle of a file, in the byte order of the file. */
static void patch_u64(GByteArray *bytes, guint64 offset, guint64 value, int byte_order)
{
	guint64 stored =
		byte_order == G_LITTLE_ENDIAN ? GUINT64_TO_LE(value) : GUINT64_TO_BE(value);

	g_assert_cmpuint(offset + 8, <=, bytes->len);
	memcpy(bytes->data + offset, &stored, 8);
}

static void assert_next(struct perf_file *file, struct perf_record *record)
{
	g_autoptr(GError) error = NULL;
	enum perf_next next = perf_file_next_record(file, record, &error);

	g_assert_no_error(error);
	g_assert_cmpint(next, ==, PERF_NEXT_RECORD);
}

static void assert_end(struct perf_file *file)
{
	g_autoptr(GError) error = NULL;
	struct perf_record record;

	for (int i = 0; i < 2; i++) {
		g_assert_cmpint(perf_file_next_record(file, &record, &error), ==, PERF_NEXT_END);
		g_assert_no_error(error);
	}
}

static void assert_next_refused(struct perf_file *file, enum colo_perf_error code,
				const char *message)
{
	g_autoptr(GError) error = NULL;
	struct perf_record record;

	g_assert_cmpint(perf_file_next_record(file, &record, &error), ==, PERF_NEXT_ERROR);
	g_assert_error(error, COLO_PERF_ERROR, (int)code);
	g_assert_cmpstr(error->message, ==, message);
}

static void check_events(const struct perf_events *events, guint attr_size)
{
	const struct perf_event *event;

	g_assert_cmpuint(perf_events_count(events), ==, 2);
	event = perf_events_get(events, 0);
	g_assert_cmpuint(event->type, ==, PERF_TYPE_SOFTWARE);
	g_assert_cmpuint(event->config, ==, PERF_COUNT_SW_CPU_CLOCK);
	g_assert_cmpuint(event->sample_period, ==, 4000);
	g_assert_cmphex(event->sample_type, ==, PERF_BUILDER_CALLCHAIN_SAMPLE);
	g_assert_cmphex(event->read_format, ==, PERF_FORMAT_ID);
	g_assert_true(event->freq);
	g_assert_true(event->sample_id_all);
	g_assert_true(event->task);
	g_assert_true(event->use_clockid);
	g_assert_cmpint(event->clockid, ==, attr_size >= 96 ? 7 : 0);
	event = perf_events_get(events, 1);
	g_assert_cmpuint(event->type, ==, PERF_TYPE_TRACEPOINT);
	g_assert_cmpuint(event->config, ==, 1500);
	g_assert_false(event->freq);
	g_assert_false(event->sample_id_all);
	g_assert_false(event->task);
	g_assert_false(event->use_clockid);
}

static void check_records(struct perf_file *file)
{
	const bool swap = perf_file_is_swapped(file);
	const struct perf_events *events = perf_file_events(file);
	struct perf_record record;
	struct perf_sample sample;

	assert_next(file, &record);
	g_assert_cmpuint(record.type, ==, PERF_RECORD_SAMPLE);
	g_assert_cmpuint(record.misc, ==, PERF_RECORD_MISC_USER);
	g_assert_cmpint(perf_events_of_sample(events, record.tainted_body, record.body_size, swap),
			==, 0);
	g_assert_true(perf_sample_decode(perf_events_get(events, 0), record.tainted_body,
					 record.body_size, swap, &sample));
	g_assert_cmpuint(sample.pid, ==, 10);
	g_assert_cmpuint(sample.tid, ==, 11);
	g_assert_cmpuint(sample.cpu, ==, 1);
	g_assert_cmpuint(sample.time_ns, ==, 5000);
	g_assert_cmpuint(sample.period, ==, 4321);
	g_assert_cmpuint(sample.callchain_len, ==, 3);

	assert_next(file, &record);
	g_assert_cmpuint(record.type, ==, PERF_RECORD_COMM);
	g_assert_cmpstr((const char *)record.tainted_body + 8, ==, "qemu");

	assert_next(file, &record);
	g_assert_cmpint(perf_events_of_sample(events, record.tainted_body, record.body_size, swap),
			==, 1);
	g_assert_true(perf_sample_decode(perf_events_get(events, 1), record.tainted_body,
					 record.body_size, swap, &sample));
	g_assert_cmpuint(sample.tid, ==, 21);
	/* common fields, __probe_ip, s32, u64, and the padding that the kernel counts in */
	g_assert_cmpuint(sample.raw_size, ==, 28);

	assert_next(file, &record);
	g_assert_cmpuint(record.type, ==, PERF_BUILDER_FINISHED_ROUND);
	g_assert_cmpuint(record.body_size, ==, 0);
	assert_end(file);
}

static void test_orders_and_attr_sizes(void)
{
	static const guint attr_sizes[] = {64, 72, 80, 96, 104, 112, 120, 128, 136, 4096};

	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		for (guint j = 0; j < G_N_ELEMENTS(attr_sizes); j++) {
			struct perf_builder *builder = small_file_builder(byte_orders[i]);
			g_autofree char *command_line = NULL, *hostname = NULL;
			struct perf_file *file;

			perf_builder_set_attr_size(builder, attr_sizes[j]);
			file = small_file_open(builder);
			g_assert_null(perf_file_damage(file));
			g_assert_cmpint(perf_file_is_swapped(file), ==,
					byte_orders[i] != G_BYTE_ORDER);
			check_events(perf_file_events(file), attr_sizes[j]);
			check_records(file);
			hostname = perf_file_feature_string(file, PERF_FEATURE_HOSTNAME);
			g_assert_cmpstr(hostname, ==, "host");
			command_line = perf_file_feature_string(file, PERF_FEATURE_CMDLINE);
			g_assert_cmpstr(command_line, ==, "perf record -e a b");
			g_assert_null(perf_file_feature(file, PERF_FEATURE_OSRELEASE));
			g_assert_null(perf_file_feature_string(file, PERF_FEATURE_ARCH));
			g_assert_nonnull(perf_file_feature(file, PERF_FEATURE_TRACING_DATA));
			perf_file_free(file);
			perf_builder_free(builder);
		}
	}
}

/* The feature bits are longs: on a big-endian machine of 32 bits they stand elsewhere. */
static void test_long_sizes(void)
{
	for (guint i = 0; i < 4; i++) {
		struct perf_builder *builder = perf_builder_new(byte_orders[i % 2]);
		g_autofree char *hostname = NULL;
		struct perf_file *file;

		perf_builder_set_long_size(builder, i < 2 ? 4 : 8);
		perf_builder_add_event(builder, &small_file_probe_event);
		perf_builder_finished_round(builder);
		perf_builder_feature_string(builder, PERF_BUILDER_HOSTNAME, "host");
		file = small_file_open(builder);
		hostname = perf_file_feature_string(file, PERF_FEATURE_HOSTNAME);
		g_assert_cmpstr(hostname, ==, "host");
		g_assert_nonnull(perf_file_feature(file, PERF_FEATURE_TRACING_DATA));
		g_assert_null(perf_file_feature(file, PERF_FEATURE_CLOCK_DATA));
		perf_file_free(file);
		perf_builder_free(builder);
	}
}

/* Features that hold less than they say: what is there, or nothing. */
static void test_damaged_feature_strings(void)
{
	static const guint8 too_long[] = {255, 255, 255, 255, 'a', 'b'};
	static const guint8 no_nul[] = {2, 0, 0, 0, 'a', 'b'};
	static const guint8 many[] = {255, 255, 255, 255, 2, 0, 0, 0, 'a', 0};
	struct perf_builder *builder = small_file_builder(G_LITTLE_ENDIAN);
	g_autofree char *version = NULL, *command_line = NULL;
	struct perf_file *file;

	perf_builder_feature_bytes(builder, PERF_BUILDER_HOSTNAME, too_long, sizeof(too_long));
	perf_builder_feature_bytes(builder, PERF_BUILDER_OSRELEASE, too_long, 3);
	perf_builder_feature_bytes(builder, PERF_BUILDER_VERSION, no_nul, sizeof(no_nul));
	perf_builder_feature_bytes(builder, PERF_BUILDER_ARCH, NULL, 0);
	perf_builder_feature_bytes(builder, PERF_BUILDER_CMDLINE, many, sizeof(many));
	file = small_file_open(builder);
	g_assert_null(perf_file_feature_string(file, PERF_FEATURE_HOSTNAME));
	g_assert_null(perf_file_feature_string(file, PERF_FEATURE_OSRELEASE));
	version = perf_file_feature_string(file, PERF_FEATURE_VERSION);
	g_assert_cmpstr(version, ==, "ab");
	g_assert_null(perf_file_feature_string(file, PERF_FEATURE_ARCH));
	command_line = perf_file_feature_string(file, PERF_FEATURE_CMDLINE);
	g_assert_cmpstr(command_line, ==, "a");
	perf_file_free(file);
	perf_builder_free(builder);
}

/* Sizes that share no factor with the window, so that every edge of it cuts a record. */
static gsize body_size_of(guint i)
{
	static const gsize sizes[] = {0, 8, 4000, 65527, 24, 31111, 1};

	return sizes[i % G_N_ELEMENTS(sizes)];
}

static void test_window(void)
{
	for (guint order = 0; order < G_N_ELEMENTS(byte_orders); order++) {
		struct perf_builder *builder = perf_builder_new(byte_orders[order]);
		g_autofree guint8 *body = g_malloc(65536);
		struct perf_builder_layout layout;
		guint n_records = 0, n_cut = 0;
		struct perf_file *file;
		guint64 size = 0;

		perf_builder_add_event(builder, &small_file_clock_event);
		for (; size < 3.5 * WINDOW_SIZE; n_records++) {
			memset(body, (int)n_records & 0xff, body_size_of(n_records));
			size = 8 + body_size_of(n_records) +
			       perf_builder_record(builder, 1000 + n_records, 0, body,
						   body_size_of(n_records));
		}
		g_byte_array_unref(perf_builder_build(builder, &layout));
		file = small_file_open(builder);
		g_assert_cmpuint(perf_file_size_bytes(file), >, 3 * WINDOW_SIZE);
		for (guint i = 0; i < n_records; i++) {
			struct perf_record record;
			guint64 begin, end;

			assert_next(file, &record);
			g_assert_cmpuint(record.type, ==, 1000 + i);
			g_assert_cmpuint(record.body_size, ==, body_size_of(i));
			for (gsize at = 0; at < record.body_size; at++)
				g_assert_cmpuint(record.tainted_body[at], ==, i & 0xff);
			begin = record.offset - layout.data_offset;
			end = begin + 8 + record.body_size;
			n_cut += begin / WINDOW_SIZE != (end - 1) / WINDOW_SIZE;
		}
		g_assert_cmpuint(n_cut, >=, 3);
		assert_end(file);
		perf_file_free(file);
		perf_builder_free(builder);
	}
}

static void test_not_perf(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	assert_refused(bytes, COLO_PERF_ERROR_NOT_PERF,
		       "not a perf.data file: it has 0 bytes; was perf record stopped before it "
		       "began?");
	g_byte_array_append(bytes, (const guint8 *)"PERFILE", 7);
	assert_refused(bytes, COLO_PERF_ERROR_NOT_PERF, "not a perf.data file: it has 7 bytes");
	g_byte_array_append(bytes, (const guint8 *)"3 and more of this", 18);
	assert_refused(bytes, COLO_PERF_ERROR_NOT_PERF,
		       "not a perf.data file: it starts with 50 45 52 46, not with \"PERFILE2\"");
	memcpy(bytes->data, "\177ELF", 4);
	assert_refused(bytes, COLO_PERF_ERROR_NOT_PERF,
		       "not a perf.data file: it starts with 7f 45 4c 46, not with \"PERFILE2\"");
	memcpy(bytes->data, "PERFFILE", 8);
	assert_refused(bytes, COLO_PERF_ERROR_UNSUPPORTED,
		       "it was written by a perf older than 2.6.33; record it anew");
}

static void assert_not_opened(const char *path, enum colo_perf_error code, const char *message)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(perf_file_open(path, &error));
	g_assert_error(error, COLO_PERF_ERROR, (int)code);
	g_assert_cmpstr(error->message, ==, message);
}

static void test_no_file(void)
{
	g_autofree char *directory = g_dir_make_tmp("perf-file-XXXXXX", NULL);
	g_autofree char *missing = g_build_filename(directory, "missing", NULL);

	assert_not_opened(missing, COLO_PERF_ERROR_IO, "cannot open it: No such file or directory");
	assert_not_opened(directory, COLO_PERF_ERROR_NOT_PERF,
			  "it is a directory without a file \"data\", so not one of perf record "
			  "--threads; name a file");
	assert_not_opened("/dev/null", COLO_PERF_ERROR_UNSUPPORTED,
			  "it is neither a file nor a pipe; record with -o FILE or -o -");
	g_assert_cmpint(g_rmdir(directory), ==, 0);
}

static void test_cut_in_header(void)
{
	struct perf_builder *builder = small_file_builder(G_LITTLE_ENDIAN);

	for (guint size = 8; size < HEADER_SIZE; size++) {
		g_autoptr(GByteArray) bytes = perf_builder_build(builder, NULL);
		g_autofree char *message = g_strdup_printf(
			"cut off in its header: it has %u bytes, the header alone has 104", size);

		g_byte_array_set_size(bytes, size);
		assert_refused(bytes, COLO_PERF_ERROR_TRUNCATED, message);
	}
	perf_builder_free(builder);
}

/* One number of the header or of an attr's entry is changed; the message is exact. */
static void test_bad_numbers(void)
{
	static const struct {
		enum {
			FILE_START,
			ATTRS_START
		} from;
		guint64 offset;
		guint64 value;
		enum colo_perf_error code;
		const char *message;
	} cases[] = {
		{FILE_START, 8, 103, COLO_PERF_ERROR_MALFORMED,
		 "offset 8: a header of 103 bytes, the least is 104"},
		{FILE_START, 8, 0, COLO_PERF_ERROR_MALFORMED,
		 "offset 8: a header of 0 bytes, the least is 104"},
		{FILE_START, 16, 79, COLO_PERF_ERROR_MALFORMED,
		 "offset 16: an attr of 79 bytes, allowed are 80 to 65535"},
		{FILE_START, 16, 0, COLO_PERF_ERROR_MALFORMED,
		 "offset 16: an attr of 0 bytes, allowed are 80 to 65535"},
		{FILE_START, 16, 65536, COLO_PERF_ERROR_MALFORMED,
		 "offset 16: an attr of 65536 bytes, allowed are 80 to 65535"},
		{FILE_START, 16, G_MAXUINT64, COLO_PERF_ERROR_MALFORMED,
		 "offset 16: an attr of 18446744073709551615 bytes, allowed are 80 to 65535"},
		{FILE_START, 24, 1 << 20, COLO_PERF_ERROR_TRUNCATED,
		 "section of the events: declared as 288 bytes at offset 1048576, the file ends at "
		 "%u"},
		{FILE_START, 32, G_MAXUINT64, COLO_PERF_ERROR_TRUNCATED,
		 "section of the events: declared as 18446744073709551615 bytes at offset 144, the "
		 "file ends at %u"},
		{ATTRS_START, 128, G_MAXUINT64, COLO_PERF_ERROR_TRUNCATED,
		 "ids of an event: declared as 16 bytes at offset 18446744073709551615, the file "
		 "ends at %u"},
		{ATTRS_START, 136, G_MAXUINT64 - 7, COLO_PERF_ERROR_TRUNCATED,
		 "ids of an event: declared as 18446744073709551608 bytes at offset 104, the file "
		 "ends at %u"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		struct perf_builder *builder = small_file_builder(byte_orders[i]);

		for (guint j = 0; j < G_N_ELEMENTS(cases); j++) {
			struct perf_builder_layout layout;
			g_autoptr(GByteArray) bytes = perf_builder_build(builder, &layout);
			g_autofree char *size = g_strdup_printf("%u", bytes->len);
			g_auto(GStrv) parts = g_strsplit(cases[j].message, "%u", -1);
			g_autofree char *message = g_strjoinv(size, parts);
			guint64 from = cases[j].from == ATTRS_START ? layout.attrs_offset : 0;

			g_assert_cmpuint(layout.attrs_offset, ==, 144);
			patch_u64(bytes, from + cases[j].offset, cases[j].value, byte_orders[i]);
			assert_refused(bytes, cases[j].code, message);
		}
		perf_builder_free(builder);
	}
}

/* Each event names half the file as its ids: sections that overlap are not read twice. */
static void test_overlapping_sections(void)
{
	struct perf_builder *builder = small_file_builder(G_LITTLE_ENDIAN);
	struct perf_builder_layout layout;
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, &layout);
	guint64 size = (bytes->len / 2 + 8) / 8 * 8;
	g_autofree char *message =
		g_strdup_printf("ids of an event: declared as %" G_GUINT64_FORMAT
				" bytes at offset 0, which overlaps other sections",
				size);

	for (guint i = 0; i < 2; i++) {
		patch_u64(bytes, layout.attrs_offset + 144 * i + 128, 0, G_LITTLE_ENDIAN);
		patch_u64(bytes, layout.attrs_offset + 144 * i + 136, size, G_LITTLE_ENDIAN);
	}
	assert_refused(bytes, COLO_PERF_ERROR_MALFORMED, message);
	perf_builder_free(builder);
}

/* A single event needs no id; two without one cannot be told apart. */
static void test_events_without_id(void)
{
	struct perf_builder_event event = small_file_clock_event;
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	g_autoptr(GError) error = NULL;
	struct perf_file *file;
	guint8 body[8] = {0};

	event.attr.sample_type = PERF_SAMPLE_IP;
	perf_builder_add_event(builder, &event);
	file = small_file_open(builder);
	g_assert_cmpint(perf_events_of_sample(perf_file_events(file), body, 8, false), ==, 0);
	g_assert_cmpint(perf_events_of_sample(perf_file_events(file), body, 0, false), ==, 0);
	g_assert_true(perf_events_check(perf_file_events(file), NULL));
	perf_file_free(file);

	perf_builder_add_event(builder, &event);
	file = small_file_open(builder);
	g_assert_cmpint(perf_events_of_sample(perf_file_events(file), body, 8, false), ==, -1);
	g_assert_false(perf_events_check(perf_file_events(file), &error));
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED);
	g_assert_cmpstr(
		error->message, ==,
		"event 0 of 2: its samples carry no id (sample_type 0x1), so they cannot be "
		"told from those of the other events");
	perf_file_free(file);
	perf_builder_free(builder);
}

static void test_short_attr(void)
{
	struct perf_events *events = perf_events_new();
	g_autoptr(GError) error = NULL;
	guint8 attr[64] = {0};

	g_assert_cmpint(perf_events_of_sample(events, attr, sizeof(attr), false), ==, -1);
	g_assert_cmpint(perf_events_add(events, attr, 63, false, &error), ==, -1);
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED);
	g_assert_cmpstr(error->message, ==, "event 0: its attr has 63 bytes, the least is 64");
	g_assert_cmpuint(perf_events_count(events), ==, 0);
	perf_events_free(events);
}

/* The file is whole, its last record is not. */
static void test_bad_records(void)
{
	static const struct {
		guint8 bytes[16];
		gsize size;
		enum colo_perf_error code;
		const char *message;
	} cases[] = {
		{{9, 0, 0, 0, 0, 0, 7, 0},
		 8,
		 COLO_PERF_ERROR_MALFORMED,
		 "offset %u: record of type SAMPLE (9) with a size of 7 bytes, the least is 8"},
		{{0},
		 8,
		 COLO_PERF_ERROR_MALFORMED,
		 "offset %u: record of type 0 with a size of 0 bytes, the least is 8"},
		{{9, 0, 0},
		 3,
		 COLO_PERF_ERROR_TRUNCATED,
		 "offset %u: cut off in a record's header, 3 of 8 bytes are there"},
		{{9, 0, 0, 0, 0, 0, 17, 0},
		 16,
		 COLO_PERF_ERROR_TRUNCATED,
		 "offset %u: record of type SAMPLE (9) cut off, 16 of its 17 bytes are there"},
		{{9, 0, 0, 0, 0, 0, 255, 255},
		 8,
		 COLO_PERF_ERROR_TRUNCATED,
		 "offset %u: record of type SAMPLE (9) cut off, 8 of its 65535 bytes are there"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct perf_builder *builder = small_file_builder(G_LITTLE_ENDIAN);
		struct perf_builder_layout layout;
		guint64 offset = perf_builder_bytes(builder, cases[i].bytes, cases[i].size);
		g_autoptr(GByteArray) bytes = perf_builder_build(builder, &layout);
		g_autofree char *place =
			g_strdup_printf("%u", (guint)(layout.data_offset + offset));
		g_auto(GStrv) parts = g_strsplit(cases[i].message, "%u", -1);
		g_autofree char *message = g_strjoinv(place, parts);
		struct perf_file *file = small_file_open_bytes(bytes, NULL);
		struct perf_record record;

		g_assert_nonnull(file);
		for (guint j = 0; j < 4; j++)
			assert_next(file, &record);
		assert_next_refused(file, cases[i].code, message);
		perf_file_free(file);
		perf_builder_free(builder);
	}
}

/* The trace of another event lies between two records, and does not look like one. */
static void test_aux_trace(void)
{
	static const gsize sizes[] = {0, 1, 80, WINDOW_SIZE - 1, 2 * WINDOW_SIZE + 5};

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
		g_autofree guint8 *trace = g_malloc(sizes[i] + 1);
		guint64 fields[5] = {GUINT64_TO_LE(sizes[i])};
		struct perf_record record;
		struct perf_file *file;

		memset(trace, 0xff, sizes[i]);
		perf_builder_add_event(builder, &small_file_clock_event);
		perf_builder_record(builder, PERF_USER_RECORD_AUXTRACE, 0, fields, sizeof(fields));
		perf_builder_bytes(builder, trace, sizes[i]);
		perf_builder_finished_round(builder);
		file = small_file_open(builder);
		assert_next(file, &record);
		g_assert_cmpuint(record.type, ==, PERF_USER_RECORD_AUXTRACE);
		g_assert_cmpuint(record.body_size, ==, sizeof(fields));
		g_assert_cmpmem(record.tainted_body, 8, fields, 8);
		assert_next(file, &record);
		g_assert_cmpuint(record.type, ==, PERF_BUILDER_FINISHED_ROUND);
		assert_end(file);
		perf_file_free(file);
		perf_builder_free(builder);
	}
}

static void test_aux_trace_cut(void)
{
	static const guint64 sizes[] = {4, G_MAXUINT64};

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
		guint64 fields[1] = {GUINT64_TO_LE(sizes[i])};
		g_autofree char *message = NULL;
		struct perf_builder_layout layout;
		struct perf_file *file;

		perf_builder_add_event(builder, &small_file_clock_event);
		perf_builder_record(builder, PERF_USER_RECORD_AUXTRACE, 0, fields, sizeof(fields));
		perf_builder_bytes(builder, "abc", 3);
		g_byte_array_unref(perf_builder_build(builder, &layout));
		message = g_strdup_printf(
			"offset %" G_GUINT64_FORMAT ": record of type AUXTRACE (71) "
			"cut off in the %" G_GUINT64_FORMAT " bytes behind it, 3 of them are there",
			layout.data_offset, sizes[i]);
		file = small_file_open(builder);
		assert_next_refused(file, COLO_PERF_ERROR_TRUNCATED, message);
		perf_file_free(file);
		perf_builder_free(builder);
	}
}

static guint count_records(struct perf_file *file)
{
	struct perf_record record;
	guint n = 0;

	while (perf_file_next_record(file, &record, NULL) == PERF_NEXT_RECORD)
		n++;
	return n;
}

/* Cut behind the header: it opens, says what is missing, and gives what is there. */
static void test_damage(void)
{
	struct perf_builder *builder = small_file_builder(G_LITTLE_ENDIAN);
	struct perf_builder_layout layout;
	g_autoptr(GByteArray) whole = perf_builder_build(builder, &layout);
	const guint64 data_end = layout.data_offset + layout.data_size;
	const guint64 table_end = data_end + 4 * 16; /* formats, host, command line, events */

	for (guint64 size = layout.data_offset; size < whole->len; size++) {
		g_autoptr(GByteArray) bytes = g_byte_array_new();
		g_autofree char *message = NULL;
		struct perf_file *file;

		g_byte_array_append(bytes, whole->data, (guint)size);
		file = small_file_open_bytes(bytes, NULL);
		g_assert_nonnull(file);
		g_assert_nonnull(perf_file_damage(file));
		if (size < data_end) {
			message = g_strdup_printf("cut off: its header declares data up to offset "
						  "%" G_GUINT64_FORMAT
						  ", the file ends at %" G_GUINT64_FORMAT,
						  data_end, size);
			g_assert_cmpstr(perf_file_damage(file), ==, message);
			g_assert_null(perf_file_feature(file, PERF_FEATURE_HOSTNAME));
			g_assert_cmpuint(count_records(file), <, 4);
		} else {
			g_assert_cmpuint(count_records(file), ==, 4);
		}
		if (size >= data_end && size < data_end + 16) {
			message = g_strdup_printf(
				"the feature sections behind the data are cut off: the file ends "
				"at %" G_GUINT64_FORMAT
				", the entry of feature 1 should be at %" G_GUINT64_FORMAT,
				size, data_end);
			g_assert_cmpstr(perf_file_damage(file), ==, message);
		}
		if (size >= table_end &&
		    size < table_end + layout.features_size[PERF_BUILDER_TRACING_DATA]) {
			message = g_strdup_printf("feature 1: declared as %" G_GUINT64_FORMAT
						  " bytes at offset %" G_GUINT64_FORMAT
						  ", the file ends at %" G_GUINT64_FORMAT,
						  layout.features_size[PERF_BUILDER_TRACING_DATA],
						  layout.features_offset[PERF_BUILDER_TRACING_DATA],
						  size);
			g_assert_cmpstr(perf_file_damage(file), ==, message);
			g_assert_null(perf_file_feature(file, PERF_FEATURE_TRACING_DATA));
		}
		perf_file_free(file);
	}
	perf_builder_free(builder);
}

static void test_killed(void)
{
	struct perf_builder *builder = small_file_builder(G_BIG_ENDIAN);
	struct perf_file *file;

	perf_builder_set_killed(builder, TRUE);
	file = small_file_open(builder);
	g_assert_cmpstr(perf_file_damage(file), ==,
			"perf record was killed before it finished the file: the size of the data "
			"and the feature sections are missing");
	g_assert_null(perf_file_feature(file, PERF_FEATURE_TRACING_DATA));
	check_records(file);
	perf_file_free(file);
	perf_builder_free(builder);
}

/* Data at an offset that does not exist, with sizes that add up to less than nothing. */
static void test_absurd_data(void)
{
	static const guint64 numbers[][2] = {
		{G_MAXUINT64, G_MAXUINT64}, {G_MAXUINT64, 0}, {0, G_MAXUINT64}, {1 << 30, 8}};

	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
		struct perf_builder *builder = small_file_builder(G_LITTLE_ENDIAN);
		g_autoptr(GByteArray) bytes = perf_builder_build(builder, NULL);
		struct perf_file *file;

		patch_u64(bytes, 40, numbers[i][0], G_LITTLE_ENDIAN);
		patch_u64(bytes, 48, numbers[i][1], G_LITTLE_ENDIAN);
		file = small_file_open_bytes(bytes, NULL);
		g_assert_nonnull(file);
		g_assert_true(g_str_has_prefix(perf_file_damage(file),
					       "cut off: its header declares data up to offset "));
		(void)count_records(file);
		perf_file_free(file);
		perf_builder_free(builder);
	}
}

/* Every byte of a small file turned round: a file, an error, and never a crash. */
static void test_flipped_bytes(void)
{
	static const guint8 masks[] = {0x01, 0x80, 0xff};
	struct perf_builder *builder = small_file_builder(G_LITTLE_ENDIAN);
	struct perf_builder_layout layout;
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, &layout);
	const guint64 end = layout.data_offset + layout.data_size + 4 * 16;
	guint n_opened = 0, n_refused = 0;

	for (guint64 at = 0; at < end; at++) {
		for (guint i = 0; i < G_N_ELEMENTS(masks); i++) {
			g_autoptr(GError) error = NULL;
			struct perf_file *file;

			bytes->data[at] ^= masks[i];
			file = small_file_open_bytes(bytes, &error);
			bytes->data[at] ^= masks[i];
			g_assert_true((file != NULL) == (error == NULL));
			if (file)
				g_assert_cmpuint(count_records(file), <=, bytes->len / 8);
			n_opened += file != NULL;
			n_refused += file == NULL;
			perf_file_free(file);
		}
	}
	g_assert_cmpuint(n_opened, >, 0);
	g_assert_cmpuint(n_refused, >, 0);
	perf_builder_free(builder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/perf_file/orders_and_attr_sizes", test_orders_and_attr_sizes);
	g_test_add_func("/perf_file/long_sizes", test_long_sizes);
	g_test_add_func("/perf_file/damaged_feature_strings", test_damaged_feature_strings);
	g_test_add_func("/perf_file/window", test_window);
	g_test_add_func("/perf_file/not_perf", test_not_perf);
	g_test_add_func("/perf_file/no_file", test_no_file);
	g_test_add_func("/perf_file/cut_in_header", test_cut_in_header);
	g_test_add_func("/perf_file/bad_numbers", test_bad_numbers);
	g_test_add_func("/perf_file/overlapping_sections", test_overlapping_sections);
	g_test_add_func("/perf_file/events_without_id", test_events_without_id);
	g_test_add_func("/perf_file/short_attr", test_short_attr);
	g_test_add_func("/perf_file/bad_records", test_bad_records);
	g_test_add_func("/perf_file/aux_trace", test_aux_trace);
	g_test_add_func("/perf_file/aux_trace_cut", test_aux_trace_cut);
	g_test_add_func("/perf_file/damage", test_damage);
	g_test_add_func("/perf_file/killed", test_killed);
	g_test_add_func("/perf_file/absurd_data", test_absurd_data);
	g_test_add_func("/perf_file/flipped_bytes", test_flipped_bytes);
	return g_test_run();
}
