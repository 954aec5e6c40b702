/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compressed records. The first byte of an input are flags; the rest is either what COMPRESSED
 * records hold, or what is to come out of them: that is compressed here, so that the fuzzer gets
 * behind zstd, and compared.
 */
#include "fuzz/fuzz.h"

#include "base/error.h"
#include "perfdata/perf_unpack.h"

#include <zstd.h>

#define FLAG_SWAP   1
#define FLAG_PACK   2	      /* the input is to be compressed */
#define FLAG_FLIP   4	      /* and one byte of that changed: nothing to compare with */
#define MAX_RECORDS (1 << 16) /* a few bytes may unpack to gigabytes */

struct plain {
	const uint8_t *bytes;
	size_t size;
};

/* --- Compression --- */

/* One stream, flushed behind each piece as perf does. A list of GByteArray. */
static GPtrArray *pack(const struct plain *plain, size_t piece_size)
{
	GPtrArray *chunks = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
	ZSTD_CStream *stream = ZSTD_createCStream();

	/* Small tables, which are made anew each time. */
	ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, 1);
	ZSTD_CCtx_setParameter(stream, ZSTD_c_windowLog, 12);
	for (size_t at = 0; at < plain->size; at += piece_size) {
		const size_t size = MIN(piece_size, plain->size - at);
		GByteArray *chunk = g_byte_array_sized_new(size + 512);
		ZSTD_inBuffer in = {.src = plain->bytes + at, .size = size};
		ZSTD_outBuffer out;
		size_t left;

		g_byte_array_set_size(chunk, (guint)ZSTD_compressBound(size) + 512);
		out = (ZSTD_outBuffer){.dst = chunk->data, .size = chunk->len};
		left = ZSTD_compressStream2(stream, &out, &in, ZSTD_e_flush);
		g_assert_cmpuint(left, ==, 0);
		g_byte_array_set_size(chunk, (guint)out.pos);
		g_ptr_array_add(chunks, chunk);
	}
	ZSTD_freeCStream(stream);
	return chunks;
}

/* u16 size, then so many bytes. */
static GPtrArray *take_apart(struct byte_reader *reader)
{
	GPtrArray *chunks = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);

	while (reader->left) {
		size_t size = byte_reader_u16(reader);
		GByteArray *chunk = g_byte_array_new();

		size = MIN(size, reader->left);
		g_byte_array_append(chunk, byte_reader_bytes(reader, size), (guint)size);
		g_ptr_array_add(chunks, chunk);
	}
	return chunks;
}

static void flip(const GPtrArray *chunks, uint16_t place, uint8_t with)
{
	const GByteArray *chunk;

	if (!chunks->len)
		return;
	chunk = g_ptr_array_index(chunks, place % chunks->len);
	if (chunk->len)
		chunk->data[place % chunk->len] ^= with;
}

/* --- What comes out --- */

/* The record at the start of the plain bytes, which it takes. False: none, or none that may be. */
static bool next_plain(struct plain *plain, bool swap, struct perf_record *record)
{
	uint16_t size;

	if (plain->size < PERF_RECORD_HEADER_SIZE)
		return false;
	size = perf_record_read_header(plain->bytes, swap, record);
	if (size < PERF_RECORD_HEADER_SIZE || size > plain->size ||
	    record->type == PERF_USER_RECORD_COMPRESSED ||
	    record->type == PERF_USER_RECORD_COMPRESSED2)
		return false;
	record->tainted_body = plain->bytes + PERF_RECORD_HEADER_SIZE;
	record->body_size = size - PERF_RECORD_HEADER_SIZE;
	plain->bytes += size;
	plain->size -= size;
	return true;
}

static void check_record(const struct perf_record *record, struct plain *plain, bool swap,
			 guint chunk)
{
	g_autofree uint8_t *copy = g_memdup2(record->tainted_body, record->body_size);
	struct perf_record expected;

	g_assert_cmpuint(record->body_size, <=, UINT16_MAX - PERF_RECORD_HEADER_SIZE);
	g_assert_cmpuint(record->offset, ==, chunk);
	if (!plain)
		return;
	g_assert_true(next_plain(plain, swap, &expected));
	g_assert_cmpuint(record->type, ==, expected.type);
	g_assert_cmpuint(record->misc, ==, expected.misc);
	g_assert_cmpmem(copy, record->body_size, expected.tainted_body, expected.body_size);
}

/* False at an error. `plain`: what must come out, or NULL. */
static bool unpack_all(struct perf_unpack *unpack, const GPtrArray *chunks, struct plain *plain,
		       bool swap)
{
	guint n_records = 0;

	for (guint i = 0; i < chunks->len; i++) {
		const GByteArray *chunk = g_ptr_array_index(chunks, i);
		enum perf_next next = PERF_NEXT_RECORD;

		perf_unpack_give(unpack, chunk->data, chunk->len, i);
		while (next == PERF_NEXT_RECORD && n_records++ < MAX_RECORDS) {
			g_autoptr(GError) error = NULL;
			struct perf_record record;

			next = perf_unpack_next(unpack, &record, &error);
			g_assert_true((next == PERF_NEXT_ERROR) == (error != NULL));
			if (next == PERF_NEXT_RECORD)
				check_record(&record, plain, swap, i);
		}
		if (next != PERF_NEXT_END)
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct byte_reader reader = byte_reader_of(data, size, false);
	const uint8_t flags = byte_reader_u8(&reader);
	const uint16_t number = byte_reader_u16(&reader);
	const bool swap = flags & FLAG_SWAP,
		   is_compared = (flags & FLAG_PACK) && !(flags & FLAG_FLIP);
	struct plain plain = {reader.tainted, reader.left}, rest;
	struct perf_unpacked total = {0};
	struct perf_unpack *unpack = perf_unpack_new(swap, &total, NULL);
	g_autoptr(GPtrArray) chunks =
		flags & FLAG_PACK ? pack(&plain, 1 + number) : take_apart(&reader);

	if (flags & FLAG_FLIP)
		flip(chunks, number, 1 + flags);
	/* Twice: after a reset nothing of the first time is left. */
	for (guint i = 0; i < 2; i++) {
		struct perf_record refused;

		rest = plain;
		if (unpack_all(unpack, chunks, is_compared ? &rest : NULL, swap) && is_compared) {
			g_assert_cmpuint(perf_unpack_waiting(unpack), ==, rest.size);
			g_assert_false(next_plain(&rest, swap, &refused));
		}
		perf_unpack_reset(unpack);
	}
	perf_unpack_free(unpack);
	return 0;
}
