/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Unpacks records, with libzstd.
 */
#include "perfdata/perf_unpack.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>
#include <zstd.h>

#define BUFFER_SIZE (1 << 18) /* bytes; a record has at most 64 KiB */

struct perf_unpack {
	ZSTD_DStream *stream; /* Owned by this */
	ZSTD_inBuffer in;     /* Weak: the chunk */
	uint64_t offset;      /* of the chunk in its file */
	bool more;	      /* the stream may have bytes that did not fit yet */
	bool swap;
	struct perf_unpacked *total; /* Weak */
	size_t len, pos;	     /* bytes in the buffer, bytes consumed */
	uint8_t buffer[BUFFER_SIZE];
};

struct perf_unpack *perf_unpack_new(bool swap, struct perf_unpacked *total, GError **error)
{
	struct perf_unpack *unpack = g_new(struct perf_unpack, 1);

	unpack->swap = swap;
	unpack->total = total;
	unpack->stream = ZSTD_createDStream();
	if (!unpack->stream) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "no memory");
		g_free(unpack);
		return NULL;
	}
	perf_unpack_reset(unpack);
	return unpack;
}

void perf_unpack_free(struct perf_unpack *unpack)
{
	if (!unpack)
		return;
	ZSTD_freeDStream(unpack->stream);
	g_free(unpack);
}

void perf_unpack_reset(struct perf_unpack *unpack)
{
	ZSTD_DCtx_reset(unpack->stream, ZSTD_reset_session_only);
	unpack->in = (ZSTD_inBuffer){0};
	unpack->more = false;
	unpack->len = unpack->pos = 0;
}

void perf_unpack_give(struct perf_unpack *unpack, const uint8_t *tainted, size_t size,
		      uint64_t offset)
{
	unpack->in = (ZSTD_inBuffer){.src = tainted, .size = size};
	unpack->offset = offset;
	unpack->total->packed_bytes += size;
	unpack->more = true;
}

size_t perf_unpack_waiting(const struct perf_unpack *unpack)
{
	return unpack->len - unpack->pos;
}

/* Unpacks as much of the chunk as there is room for. */
static bool fill(struct perf_unpack *unpack, GError **error)
{
	const size_t waiting = perf_unpack_waiting(unpack);
	ZSTD_outBuffer out = {.dst = unpack->buffer, .size = BUFFER_SIZE, .pos = waiting};
	size_t result = 0;

	memmove(unpack->buffer, unpack->buffer + unpack->pos, waiting);
	unpack->pos = 0;
	do
		result = ZSTD_decompressStream(unpack->stream, &out, &unpack->in);
	while (!ZSTD_isError(result) && unpack->in.pos < unpack->in.size && out.pos < out.size);
	unpack->total->bytes += out.pos - waiting;
	unpack->len = out.pos;
	/* A full buffer may leave bytes behind; room that is left says that there are none. */
	unpack->more = out.pos == out.size;
	if (!ZSTD_isError(result))
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
		    "offset %" PRIu64 ": compressed records that cannot be unpacked, behind %zu of "
		    "their %zu bytes: %s",
		    unpack->offset, unpack->in.pos, unpack->in.size, ZSTD_getErrorName(result));
	return false;
}

static bool set_malformed(const struct perf_unpack *unpack, const struct perf_record *record,
			  const char *found, GError **error)
{
	g_autofree char *type = perf_record_type_name(record->type);

	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
		    "offset %" PRIu64 ": among its compressed records one of type %s %s",
		    unpack->offset, type, found);
	return false;
}

/*
 * What the reader takes for a part of the header, or as more to unpack. perf packs what comes from
 * the kernel, and never these.
 */
static bool is_of_header(uint32_t type)
{
	switch (type) {
	case PERF_USER_RECORD_ATTR:
	case PERF_USER_RECORD_TRACING_DATA:
	case PERF_USER_RECORD_BUILD_ID:
	case PERF_USER_RECORD_AUXTRACE:
	case PERF_USER_RECORD_EVENT_UPDATE:
	case PERF_USER_RECORD_FEATURE:
	case PERF_USER_RECORD_COMPRESSED:
	case PERF_USER_RECORD_COMPRESSED2:
		return true;
	default:
		return false;
	}
}

/* Whether the record whose header stands at the front may be. */
static bool check_header(const struct perf_unpack *unpack, const struct perf_record *record,
			 uint16_t size, GError **error)
{
	g_autofree char *found = NULL;

	if (is_of_header(record->type))
		return set_malformed(unpack, record, "which cannot be in there", error);
	if (size >= PERF_RECORD_HEADER_SIZE)
		return true;
	found = g_strdup_printf("with a size of %u bytes, the least is %d", size,
				PERF_RECORD_HEADER_SIZE);
	return set_malformed(unpack, record, found, error);
}

/* Whether what came out so far can have been recorded. */
static bool check_total(const struct perf_unpack *unpack, GError **error)
{
	const struct perf_unpacked *total = unpack->total;
	const uint64_t packed = total->packed_bytes;

	if (total->n_records <= PERF_UNPACK_RECORDS + packed / PERF_UNPACK_BYTES_A_RECORD &&
	    total->bytes <= PERF_UNPACK_BYTES + packed * PERF_UNPACK_BYTES_OF_A_BYTE)
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
		    "offset %" PRIu64 ": %" PRIu64 " records of %" PRIu64
		    " bytes came out of %" PRIu64
		    " compressed bytes, more than perf can have put there; the rest is not read",
		    unpack->offset, total->n_records, total->bytes, packed);
	return false;
}

enum perf_next perf_unpack_next(struct perf_unpack *unpack, struct perf_record *record,
				GError **error)
{
	for (;;) {
		const uint8_t *tainted = unpack->buffer + unpack->pos;
		const size_t there = perf_unpack_waiting(unpack);

		if (there >= PERF_RECORD_HEADER_SIZE) {
			const uint16_t size =
				perf_record_read_header(tainted, unpack->swap, record);

			if (!check_header(unpack, record, size, error))
				return PERF_NEXT_ERROR;
			if (size <= there) {
				record->tainted_body = tainted + PERF_RECORD_HEADER_SIZE;
				record->body_size = size - PERF_RECORD_HEADER_SIZE;
				record->offset = unpack->offset;
				record->trailer_offset = record->trailer_size = 0;
				record->tainted_trailer = NULL;
				unpack->pos += size;
				unpack->total->n_records++;
				return PERF_NEXT_RECORD;
			}
		}
		if (!unpack->more && unpack->in.pos == unpack->in.size)
			return PERF_NEXT_END;
		if (!fill(unpack, error) || !check_total(unpack, error))
			return PERF_NEXT_ERROR;
	}
}
