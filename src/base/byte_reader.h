/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads numbers and strings from bytes that nobody has checked yet, in either
 * byte order. It never reads past the end and never changes the bytes: what is
 * read is copied out, then swapped.
 *
 * A read past the end returns 0 (NULL for a pointer) and sets `failed`, which
 * stays set: a caller may read a whole structure and ask once.
 */
#ifndef COLO_PERF_BASE_BYTE_READER_H
#define COLO_PERF_BASE_BYTE_READER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct byte_reader {
	const uint8_t *tainted; /* Weak: the next byte */
	size_t left;		/* bytes from there to the end */
	bool swap;		/* the bytes are not in this machine's order */
	bool failed;		/* something was read that is not there */
};

static inline struct byte_reader byte_reader_of(const void *tainted, size_t size, bool swap)
{
	return (struct byte_reader){.tainted = tainted, .left = size, .swap = swap};
}

/* The next `size` bytes, in place; NULL and `failed` when there are fewer. */
static inline const uint8_t *byte_reader_bytes(struct byte_reader *reader, size_t size)
{
	const uint8_t *bytes = reader->tainted;

	if (G_UNLIKELY(size > reader->left)) {
		reader->failed = true;
		reader->left = 0;
		return NULL;
	}
	reader->tainted += size;
	reader->left -= size;
	return bytes;
}

static inline void byte_reader_skip(struct byte_reader *reader, size_t size)
{
	(void)byte_reader_bytes(reader, size);
}

static inline uint8_t byte_reader_u8(struct byte_reader *reader)
{
	const uint8_t *bytes = byte_reader_bytes(reader, 1);

	return bytes ? *bytes : 0;
}

static inline uint16_t byte_reader_u16(struct byte_reader *reader)
{
	const uint8_t *bytes = byte_reader_bytes(reader, sizeof(uint16_t));
	uint16_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	if (reader->swap)
		value = GUINT16_SWAP_LE_BE(value);
	return value;
}

static inline uint32_t byte_reader_u32(struct byte_reader *reader)
{
	const uint8_t *bytes = byte_reader_bytes(reader, sizeof(uint32_t));
	uint32_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return reader->swap ? GUINT32_SWAP_LE_BE(value) : value;
}

static inline uint64_t byte_reader_u64(struct byte_reader *reader)
{
	const uint8_t *bytes = byte_reader_bytes(reader, sizeof(uint64_t));
	uint64_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return reader->swap ? GUINT64_SWAP_LE_BE(value) : value;
}

/* A string with its NUL inside the bytes, in place; NULL and `failed` otherwise. */
static inline const char *byte_reader_string(struct byte_reader *reader)
{
	const uint8_t *nul = reader->left ? memchr(reader->tainted, 0, reader->left) : NULL;

	if (!nul) {
		reader->failed = true;
		reader->left = 0;
		return NULL;
	}
	return (const char *)byte_reader_bytes(reader, (size_t)(nul - reader->tainted) + 1);
}

/* A LEB128 number as DWARF has them. More than 64 bits are not there. */
static inline uint64_t byte_reader_leb128(struct byte_reader *reader, bool is_signed)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		const uint8_t byte = byte_reader_u8(reader);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (is_signed && byte & 0x40 && shift + 7 < 64)
			value |= UINT64_MAX << (shift + 7);
		return value;
	}
	reader->failed = true;
	reader->left = 0;
	return 0;
}

static inline uint64_t byte_reader_uleb128(struct byte_reader *reader)
{
	return byte_reader_leb128(reader, false);
}

static inline int64_t byte_reader_sleb128(struct byte_reader *reader)
{
	return (int64_t)byte_reader_leb128(reader, true);
}

#endif
