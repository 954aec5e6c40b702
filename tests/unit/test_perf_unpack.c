/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfdata/perf_unpack: how much may come out of compressed records, and what may not. What comes
 * out is told by the tests of forms and by the fuzz target zstd.
 */
#include "perfdata/perf_unpack.h"

#include <string.h>
#include <zstd.h>

#define UNKNOWN_TYPE 50
#define BUFFER_BYTES (1 << 18) /* that are unpacked before anybody looks at the amount */

/* `n` records of `size` bytes, of which `n_random` bytes say something. */
static GByteArray *records_of(guint32 type, gsize size, guint n, gsize n_random)
{
	GByteArray *records = g_byte_array_sized_new(n * size);
	g_autofree guint8 *record = g_malloc0(size);
	const guint16 header_size = (guint16)size;

	memcpy(record, &type, sizeof(type));
	memcpy(record + 6, &header_size, sizeof(header_size));
	for (guint i = 0; i < n; i++) {
		for (gsize at = 0; at < n_random; at += sizeof(guint32)) {
			const guint32 random = g_random_int();

			memcpy(record + PERF_RECORD_HEADER_SIZE + at, &random, sizeof(random));
		}
		g_byte_array_append(records, record, size);
	}
	return records;
}

/* The same, `n_times`, as one frame. */
static GByteArray *packed(guint32 type, gsize size, guint n, gsize n_random, guint n_times)
{
	g_autoptr(GByteArray) records = records_of(type, size, n, n_random);
	GByteArray *frame = g_byte_array_new();
	ZSTD_CCtx *stream = ZSTD_createCCtx();
	const gsize most = ZSTD_compressBound(records->len);
	g_autofree guint8 *bytes = g_malloc(most);

	for (guint i = 0; i < n_times; i++) {
		ZSTD_inBuffer in = {records->data, records->len, 0};
		size_t left;

		do {
			ZSTD_outBuffer out = {bytes, most, 0};

			left = ZSTD_compressStream2(
				stream, &out, &in, i + 1 == n_times ? ZSTD_e_end : ZSTD_e_continue);
			g_assert_false(ZSTD_isError(left));
			g_byte_array_append(frame, bytes, out.pos);
		} while (in.pos < in.size || (i + 1 == n_times && left));
	}
	ZSTD_freeCCtx(stream);
	return frame;
}

/* How many records come out of the chunk; `error` is why no more do, NULL: there are none. */
static guint64 count_records(struct perf_unpack *unpack, const GByteArray *chunk, GError **error)
{
	struct perf_record record;
	enum perf_next next;
	guint64 n = 0;

	perf_unpack_give(unpack, chunk->data, chunk->len, 0);
	while ((next = perf_unpack_next(unpack, &record, error)) == PERF_NEXT_RECORD)
		n++;
	g_assert_true((next == PERF_NEXT_ERROR) == (*error != NULL));
	return n;
}

static void assert_too_much(GError *error)
{
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED);
	g_assert_nonnull(strstr(error->message, "more than perf can have put there"));
}

/* 600 bytes of input. */
static void test_small_records_without_end(void)
{
	g_autoptr(GByteArray) chunk = packed(UNKNOWN_TYPE, PERF_RECORD_HEADER_SIZE, 100000, 0, 50);
	struct perf_unpacked total = {0};
	struct perf_unpack *unpack = perf_unpack_new(false, &total, NULL);
	g_autoptr(GError) error = NULL;
	const guint64 n = count_records(unpack, chunk, &error);

	assert_too_much(error);
	g_assert_cmpuint(n, >=, PERF_UNPACK_RECORDS);
	g_assert_cmpuint(n, <=,
			 PERF_UNPACK_RECORDS + chunk->len / PERF_UNPACK_BYTES_A_RECORD +
				 BUFFER_BYTES / PERF_RECORD_HEADER_SIZE);
	g_assert_cmpuint(total.n_records, ==, n);
	g_assert_cmpuint(total.packed_bytes, ==, chunk->len);
	perf_unpack_free(unpack);
}

static void test_large_records_without_end(void)
{
	g_autoptr(GByteArray) chunk = packed(UNKNOWN_TYPE, 65000, 100, 0, 400);
	struct perf_unpacked total = {0};
	struct perf_unpack *unpack = perf_unpack_new(false, &total, NULL);
	g_autoptr(GError) error = NULL;

	(void)count_records(unpack, chunk, &error);
	assert_too_much(error);
	g_assert_cmpuint(total.bytes, >=, PERF_UNPACK_BYTES);
	g_assert_cmpuint(total.bytes, <=,
			 PERF_UNPACK_BYTES + chunk->len * PERF_UNPACK_BYTES_OF_A_BYTE +
				 BUFFER_BYTES);
	perf_unpack_free(unpack);
}

/* The files of a directory count together: another one, and another start, is no other limit. */
static void test_the_total_goes_on(void)
{
	g_autoptr(GByteArray) chunk = packed(UNKNOWN_TYPE, PERF_RECORD_HEADER_SIZE, 100000, 0, 30);
	struct perf_unpacked total = {0};
	struct perf_unpack *first = perf_unpack_new(false, &total, NULL);
	struct perf_unpack *second = perf_unpack_new(false, &total, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_cmpuint(count_records(first, chunk, &error), ==, 3000000);
	g_assert_no_error(error);
	(void)count_records(second, chunk, &error);
	assert_too_much(error);
	g_clear_error(&error);
	perf_unpack_reset(first);
	(void)count_records(first, chunk, &error);
	assert_too_much(error);
	perf_unpack_free(first);
	perf_unpack_free(second);
}

/* Each of them says something, if only in four bytes: as many as there are may come. */
static void test_real_records_are_not_too_many(void)
{
	const guint n = PERF_UNPACK_RECORDS + 500000;
	g_autoptr(GByteArray) chunk = packed(UNKNOWN_TYPE, 16, n, 4, 1);
	struct perf_unpacked total = {0};
	struct perf_unpack *unpack = perf_unpack_new(false, &total, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_cmpuint(count_records(unpack, chunk, &error), ==, n);
	g_assert_no_error(error);
	perf_unpack_free(unpack);
}

/* An event, a feature, a build-id, formats: perf writes what is of the header as it is. */
static void test_header_is_not_packed(void)
{
	static const guint32 types[] = {64, 66, 67, 71, 78, 80, 81, 83};

	for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autoptr(GByteArray) chunk = packed(types[i], 16, 1, 0, 1);
		struct perf_unpacked total = {0};
		struct perf_unpack *unpack = perf_unpack_new(false, &total, NULL);
		g_autoptr(GError) error = NULL;

		g_assert_cmpuint(count_records(unpack, chunk, &error), ==, 0);
		g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED);
		g_assert_nonnull(strstr(error->message, "which cannot be in there"));
		perf_unpack_free(unpack);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/perf_unpack/small_records_without_end", test_small_records_without_end);
	g_test_add_func("/perf_unpack/large_records_without_end", test_large_records_without_end);
	g_test_add_func("/perf_unpack/the_total_goes_on", test_the_total_goes_on);
	g_test_add_func("/perf_unpack/real_records_are_not_too_many",
			test_real_records_are_not_too_many);
	g_test_add_func("/perf_unpack/header_is_not_packed", test_header_is_not_packed);
	return g_test_run();
}
