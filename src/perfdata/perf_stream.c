/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the records in a range of a file, and what belongs to each of them.
 */
#include "perfdata/perf_stream.h"

#include "base/error.h"

#include <inttypes.h>

#define WINDOW_SIZE  (1 << 20)	/* bytes; a record has at most 64 KiB */
#define MOST_FORMATS (64 << 20) /* bytes of TRACING_DATA, when it cannot be read later */

struct perf_stream {
	const struct perf_bytes *bytes; /* Weak */
	uint64_t end;			/* of the range: bytes from the start of the file */
	bool swap;
	uint8_t *window;		/* Owned by this */
	size_t window_size;		/* bytes that it has room for */
	size_t window_len, window_pos;	/* bytes there, bytes consumed */
	uint64_t window_offset;		/* of window[0] in the file */
	struct perf_unpacked *unpacked; /* Weak */
	struct perf_unpack *unpack;	/* Owned by this; NULL until something is compressed */
	bool in_chunk;			/* unpack has one that is not used up */
	uint64_t chunk_offset;		/* of the last one */
	uint64_t several_end;		/* up to here there are COMPRESSED2 that lack a data_size */
};

struct perf_stream *perf_stream_new(const struct perf_bytes *bytes, uint64_t offset, uint64_t size,
				    bool swap, struct perf_unpacked *unpacked)
{
	struct perf_stream *stream = g_new0(struct perf_stream, 1);

	stream->bytes = bytes;
	stream->end = offset + size;
	stream->swap = swap;
	stream->unpacked = unpacked;
	stream->window_size = WINDOW_SIZE;
	stream->window = g_malloc(WINDOW_SIZE);
	stream->window_offset = offset;
	return stream;
}

void perf_stream_free(struct perf_stream *stream)
{
	if (!stream)
		return;
	perf_unpack_free(stream->unpack);
	g_free(stream->window);
	g_free(stream);
}

/* --- The window --- */

static uint64_t position(const struct perf_stream *stream)
{
	return stream->window_offset + stream->window_pos;
}

static size_t bytes_there(const struct perf_stream *stream)
{
	return stream->window_len - stream->window_pos;
}

/* Reads on, when fewer than `need` bytes stand in the window. */
static bool read_on(struct perf_stream *stream, size_t need, GError **error)
{
	const size_t kept = bytes_there(stream);
	uint64_t next_offset;
	size_t more, got;

	memmove(stream->window, stream->window + stream->window_pos, kept);
	stream->window_offset += stream->window_pos;
	stream->window_pos = 0;
	stream->window_len = kept;
	next_offset = stream->window_offset + kept;
	more = MIN(stream->window_size - kept, stream->end - next_offset);
	if (!perf_bytes_read_some(stream->bytes, next_offset, stream->window + kept,
				  MIN(need - kept, more), more, &got, error))
		return false;
	stream->window_len += got;
	return true;
}

/* Makes at least `need` bytes stand in the window, if the range has them. */
static inline bool fill_window(struct perf_stream *stream, size_t need, GError **error)
{
	return G_LIKELY(bytes_there(stream) >= need) || read_on(stream, need, error);
}

/*
 * Passes over bytes that the range is known to have. What stands in the window stays
 * there until it is filled again.
 */
static void skip(struct perf_stream *stream, uint64_t size)
{
	if (size <= bytes_there(stream)) {
		stream->window_pos += size;
	} else {
		stream->window_offset = position(stream) + size;
		stream->window_len = stream->window_pos = 0;
	}
}

/* --- Records as they stand in the file --- */

static enum perf_next fail(enum colo_perf_error code, const struct perf_record *record,
			   GError **error, const char *format, ...) G_GNUC_PRINTF(4, 5);

static enum perf_next fail(enum colo_perf_error code, const struct perf_record *record,
			   GError **error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	perf_record_set_error_valist(record, code, error, format, args);
	va_end(args);
	return PERF_NEXT_ERROR;
}

/* The header of the next record; `size` is what it declares. */
static enum perf_next next_header(struct perf_stream *stream, struct perf_record *record,
				  uint16_t *size, GError **error)
{
	size_t there;

	if (!fill_window(stream, PERF_RECORD_HEADER_SIZE, error))
		return PERF_NEXT_ERROR;
	there = bytes_there(stream);
	record->offset = position(stream);
	if (there == 0)
		return PERF_NEXT_END;
	if (there < PERF_RECORD_HEADER_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
			    "offset %" PRIu64 ": cut off in a record's header, %zu of %d bytes are "
			    "there",
			    record->offset, there, PERF_RECORD_HEADER_SIZE);
		return PERF_NEXT_ERROR;
	}
	*size = perf_record_read_header(stream->window + stream->window_pos, stream->swap, record);
	return PERF_NEXT_RECORD;
}

/* The body, when the record has `size` bytes. Behind it the next one begins. */
static enum perf_next take_body(struct perf_stream *stream, struct perf_record *record, size_t size,
				GError **error)
{
	size_t there;

	if (!fill_window(stream, size, error))
		return PERF_NEXT_ERROR;
	there = bytes_there(stream);
	if (there < size)
		return fail(COLO_PERF_ERROR_TRUNCATED, record, error,
			    "cut off, %zu of its %zu bytes are there", there, size);
	record->tainted_body = stream->window + stream->window_pos + PERF_RECORD_HEADER_SIZE;
	record->body_size = size - PERF_RECORD_HEADER_SIZE;
	record->trailer_offset = record->trailer_size = 0;
	record->tainted_trailer = NULL;
	stream->window_pos += size;
	return PERF_NEXT_RECORD;
}

/* Whether what was skipped has come out of a pipe, of which it is not known how much it holds. */
static bool is_there(const struct perf_stream *stream, GError **error)
{
	size_t got;

	return !stream->bytes->pipe ||
	       perf_bytes_read_some(stream->bytes, position(stream), NULL, 0, 0, &got, error);
}

/*
 * Puts the record that was taken last into the window anew, together with the `size` bytes behind
 * it: out of a pipe they come but once.
 */
static enum perf_next take_along(struct perf_stream *stream, struct perf_record *record,
				 uint64_t size, GError **error)
{
	const size_t record_size = PERF_RECORD_HEADER_SIZE + record->body_size;
	const size_t all = record_size + size;

	if (size > MOST_FORMATS)
		return fail(COLO_PERF_ERROR_MALFORMED, record, error,
			    "with %" PRIu64 " bytes of formats behind it, the most are %d", size,
			    MOST_FORMATS);
	if (all > stream->window_size) {
		stream->window_size = all;
		stream->window = g_realloc(stream->window, all);
	}
	stream->window_pos -= record_size;
	if (!fill_window(stream, all, error))
		return PERF_NEXT_ERROR;
	if (bytes_there(stream) < all)
		return fail(COLO_PERF_ERROR_TRUNCATED, record, error,
			    "cut off in the %" PRIu64 " bytes behind it, %zu of them are there",
			    size, bytes_there(stream) - record_size);
	record->tainted_body = stream->window + stream->window_pos + PERF_RECORD_HEADER_SIZE;
	stream->window_pos += record_size;
	record->tainted_trailer = stream->window + stream->window_pos;
	return PERF_NEXT_RECORD;
}

/*
 * Behind AUXTRACE (of Intel PT, Arm SPE; u64 size) lies the trace, behind TRACING_DATA
 * (u32 size) the formats. The record's own size does not count them.
 */
static enum perf_next take_trailer(struct perf_stream *stream, struct perf_record *record,
				   GError **error)
{
	struct byte_reader reader =
		byte_reader_of(record->tainted_body, record->body_size, stream->swap);
	const uint64_t size = record->type == PERF_USER_RECORD_AUXTRACE ? byte_reader_u64(&reader)
									: byte_reader_u32(&reader);
	const uint64_t left = stream->end - position(stream);

	if (size > left)
		return fail(COLO_PERF_ERROR_TRUNCATED, record, error,
			    "cut off in the %" PRIu64 " bytes behind it, %" PRIu64
			    " of them are there",
			    size, left);
	if (stream->bytes->pipe && record->type == PERF_USER_RECORD_TRACING_DATA &&
	    take_along(stream, record, size, error) != PERF_NEXT_RECORD)
		return PERF_NEXT_ERROR;
	record->trailer_offset = position(stream);
	record->trailer_size = size;
	skip(stream, size);
	return is_there(stream, error) ? PERF_NEXT_RECORD : PERF_NEXT_ERROR;
}

/* --- Compressed records --- */

#define COMPRESSED2_HEADER_SIZE 16    /* header, u64 data_size */
#define COMPRESSED2_DATA_MAX	65519 /* PERF_SAMPLE_MAX_SIZE without this header, less one */
#define COMPRESSED2_ALIGN(size) (((size) + 7) & ~UINT64_C(7))

/* Where in a record the compressed bytes are. */
struct chunk {
	size_t begin, size; /* bytes from the record's start */
	size_t record_size; /* bytes */
};

/*
 * COMPRESSED2 (since Linux 6.16) says how many bytes are compressed, and is padded to a
 * multiple of 8. Its size was not made for that: rounded up it may not fit into 16 bits, and
 * what perf_mmap__push() hands over at once may be several records, of which only the first
 * gets a size, that of all of them:
 *
 *     what perf meant           size                    data_size         padding
 *     one                       16 + n, rounded up      n                 yes
 *     one, of 65,513 or more    0: it overflowed        n                 none
 *     several, the first        of all, overflowed      of all            none
 *     several, the others       16 + n                  not set           none
 *     one, with --aio           16 + n                  not set           none
 *
 * Source: record__pushfn(), record__aio_pushfn() and process_comp_header() in
 * tools/perf/builtin-record.c, zstd_compress_stream_to_records() in util/zstd.c.
 */
static struct chunk measure_compressed2(struct perf_stream *stream,
					const struct perf_record *record, uint16_t declared)
{
	const struct chunk by_header = {
		.begin = COMPRESSED2_HEADER_SIZE,
		.size = MAX(declared, COMPRESSED2_HEADER_SIZE) - COMPRESSED2_HEADER_SIZE,
		.record_size = declared,
	};
	struct byte_reader reader = byte_reader_of(stream->window + stream->window_pos,
						   bytes_there(stream), stream->swap);
	struct chunk chunk = {.begin = COMPRESSED2_HEADER_SIZE};
	uint64_t data_size, all;

	byte_reader_skip(&reader, PERF_RECORD_HEADER_SIZE);
	data_size = byte_reader_u64(&reader);
	if (record->offset < stream->several_end || data_size > UINT32_MAX)
		return by_header;
	all = COMPRESSED2_HEADER_SIZE + data_size;
	if ((uint16_t)COMPRESSED2_ALIGN(all) != declared)
		return by_header;
	chunk.size = data_size;
	if (COMPRESSED2_ALIGN(all) == declared) {
		chunk.record_size = declared;
	} else if (all <= UINT16_MAX) {
		chunk.record_size = all;
	} else {
		stream->several_end = record->offset + all;
		chunk.size = COMPRESSED2_DATA_MAX;
		chunk.record_size = COMPRESSED2_HEADER_SIZE + COMPRESSED2_DATA_MAX;
	}
	return chunk;
}

static bool is_compressed(const struct perf_record *record)
{
	return record->type == PERF_USER_RECORD_COMPRESSED ||
	       record->type == PERF_USER_RECORD_COMPRESSED2;
}

/* Hands the contents of the compressed record at the front to be unpacked. */
static enum perf_next take_chunk(struct perf_stream *stream, struct perf_record *record,
				 uint16_t declared, GError **error)
{
	struct chunk chunk = {.begin = PERF_RECORD_HEADER_SIZE, .record_size = declared};
	enum perf_next next;

	if (record->type == PERF_USER_RECORD_COMPRESSED) {
		chunk.size = declared > chunk.begin ? declared - chunk.begin : 0;
	} else {
		if (!fill_window(stream, COMPRESSED2_HEADER_SIZE, error))
			return PERF_NEXT_ERROR;
		chunk = measure_compressed2(stream, record, declared);
	}
	if (chunk.record_size < chunk.begin)
		return fail(COLO_PERF_ERROR_MALFORMED, record, error,
			    "with a size of %zu bytes, the least is %zu", chunk.record_size,
			    chunk.begin);
	next = take_body(stream, record, chunk.record_size, error);
	if (next != PERF_NEXT_RECORD)
		return next;
	if (!stream->unpack &&
	    !(stream->unpack = perf_unpack_new(stream->swap, stream->unpacked, error)))
		return PERF_NEXT_ERROR;
	stream->chunk_offset = record->offset;
	stream->in_chunk = true;
	perf_unpack_give(stream->unpack,
			 record->tainted_body - PERF_RECORD_HEADER_SIZE + chunk.begin, chunk.size,
			 record->offset);
	return PERF_NEXT_RECORD;
}

/* --- All of them --- */

static enum perf_next end(const struct perf_stream *stream, GError **error)
{
	const size_t waiting = stream->unpack ? perf_unpack_waiting(stream->unpack) : 0;

	if (!waiting)
		return PERF_NEXT_END;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
		    "offset %" PRIu64 ": the last of the compressed records ends in the middle of "
		    "a record, %zu bytes of which are there",
		    stream->chunk_offset, waiting);
	return PERF_NEXT_ERROR;
}

/* The next record as it stands in the file. */
static enum perf_next next_plain(struct perf_stream *stream, struct perf_record *record,
				 GError **error)
{
	uint16_t size;
	enum perf_next next = next_header(stream, record, &size, error);

	if (next == PERF_NEXT_END)
		return end(stream, error);
	if (next != PERF_NEXT_RECORD)
		return next;
	if (is_compressed(record))
		return take_chunk(stream, record, size, error);
	if (size < PERF_RECORD_HEADER_SIZE)
		return fail(COLO_PERF_ERROR_MALFORMED, record, error,
			    "with a size of %u bytes, the least is %d", size,
			    PERF_RECORD_HEADER_SIZE);
	next = take_body(stream, record, size, error);
	if (next == PERF_NEXT_RECORD && (record->type == PERF_USER_RECORD_AUXTRACE ||
					 record->type == PERF_USER_RECORD_TRACING_DATA))
		next = take_trailer(stream, record, error);
	return next;
}

enum perf_next perf_stream_next(struct perf_stream *stream, struct perf_record *record,
				GError **error)
{
	for (;;) {
		enum perf_next next;

		if (stream->in_chunk) {
			next = perf_unpack_next(stream->unpack, record, error);
			if (next != PERF_NEXT_END)
				return next;
			stream->in_chunk = false;
		}
		next = next_plain(stream, record, error);
		if (next != PERF_NEXT_RECORD || !is_compressed(record))
			return next;
	}
}
