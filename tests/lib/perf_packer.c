/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See perf_packer.h. How a chunk becomes records is in pack_chunk(), how the sizes of the records
 * go wrong in the table of kinds.
 *
 * Source: tools/perf/builtin-record.c of the kernel: zstd_compress(), process_comp_header(),
 * record__pushfn(), record__aio_pushfn().
 */
#include "perf_packer.h"

#include <zstd.h>

#define COMPRESSED	 81
#define COMPRESSED2	 83
#define HEADER_SIZE	 8
#define COMPRESSED2_SIZE 16 /* with data_size */
#define MAX_RECORD_SIZE	 G_MAXUINT16
#define SIZE_OFFSET	 6					/* of header.size in a record */
#define DATA_SIZE_OFFSET 8					/* of data_size in a COMPRESSED2 */
#define UNSET_SIZE	 G_GUINT64_CONSTANT(0xa5a5a5a5deadbeef) /* what stood in the memory */
#define ZSTD_LEVEL	 1

struct kind {
	guint32 type;
	gsize head_size;
	gsize max_payload;
	gboolean is_padded;	 /* each record to 8 bytes */
	gboolean is_one_write;	 /* the first record of a chunk speaks of all */
	gboolean has_unset_size; /* data_size is what it was before */
};

static const struct kind kinds[] = {
	[PERF_PACKER_COMPRESSED] = {.type = COMPRESSED,
				    .head_size = HEADER_SIZE,
				    .max_payload = MAX_RECORD_SIZE - HEADER_SIZE},
	/* With its padding it must not come to 64 KiB. */
	[PERF_PACKER_COMPRESSED2] = {.type = COMPRESSED2,
				     .head_size = COMPRESSED2_SIZE,
				     .max_payload = MAX_RECORD_SIZE - 7 - COMPRESSED2_SIZE,
				     .is_padded = TRUE},
	[PERF_PACKER_OVERFLOWING2] = {.type = COMPRESSED2,
				      .head_size = COMPRESSED2_SIZE,
				      .max_payload = MAX_RECORD_SIZE - COMPRESSED2_SIZE,
				      .is_one_write = TRUE,
				      .has_unset_size = TRUE},
	[PERF_PACKER_UNSET_SIZE2] = {.type = COMPRESSED2,
				     .head_size = COMPRESSED2_SIZE,
				     .max_payload = MAX_RECORD_SIZE - COMPRESSED2_SIZE,
				     .has_unset_size = TRUE},
};

struct perf_packer {
	int byte_order;
	const struct kind *kind;
	gsize chunk_size_bytes;
	ZSTD_CCtx *stream; /* Owned by this */
	GByteArray *chunk; /* Owned by this: not yet packed */
	GByteArray *made;  /* Owned by this: records */
};

struct perf_packer *perf_packer_new(int byte_order, const struct perf_packing *packing)
{
	struct perf_packer *packer = g_new0(struct perf_packer, 1);

	g_assert(byte_order == G_LITTLE_ENDIAN || byte_order == G_BIG_ENDIAN);
	g_assert_cmpuint(packing->kind, <, G_N_ELEMENTS(kinds));
	g_assert_cmpuint(packing->chunk_size_bytes, >, 0);
	packer->byte_order = byte_order;
	packer->kind = &kinds[packing->kind];
	packer->chunk_size_bytes = packing->chunk_size_bytes;
	packer->stream = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(packer->stream, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	packer->chunk = g_byte_array_new();
	packer->made = g_byte_array_new();
	return packer;
}

void perf_packer_free(struct perf_packer *packer)
{
	if (!packer)
		return;
	ZSTD_freeCCtx(packer->stream);
	g_byte_array_unref(packer->chunk);
	g_byte_array_unref(packer->made);
	g_free(packer);
}

static void set_number(const struct perf_packer *packer, guint8 *at, guint64 value,
		       guint size_bytes)
{
	for (guint i = 0; i < size_bytes; i++) {
		guint byte = packer->byte_order == G_BIG_ENDIAN ? size_bytes - 1 - i : i;

		at[byte] = value >> (8 * i) & 0xff;
	}
}

/* One record of what the stream gives at once, payload_size bytes at `payload`. */
static void put_record(struct perf_packer *packer, const guint8 *payload, gsize payload_size)
{
	const struct kind *kind = packer->kind;
	guint8 head[COMPRESSED2_SIZE] = {0};
	static const guint8 zeros[8];
	gsize size = kind->head_size + payload_size;
	gsize padding = kind->is_padded ? -size & 7 : 0;

	set_number(packer, head, kind->type, 4);
	set_number(packer, head + SIZE_OFFSET, size + padding, 2);
	if (kind->type == COMPRESSED2)
		set_number(packer, head + DATA_SIZE_OFFSET,
			   kind->has_unset_size ? UNSET_SIZE : payload_size, 8);
	g_byte_array_append(packer->made, head, kind->head_size);
	g_byte_array_append(packer->made, payload, payload_size);
	if (padding)
		g_byte_array_append(packer->made, zeros, padding);
}

/* What perf does to the first record of those that it writes at once, from `start` on. */
static void set_sizes_of_all(struct perf_packer *packer, gsize start)
{
	static const guint8 zeros[8];
	gsize size = packer->made->len - start;
	guint16 header_size = (size + 7) & ~(gsize)7;

	set_number(packer, packer->made->data + start + SIZE_OFFSET, header_size, 2);
	set_number(packer, packer->made->data + start + DATA_SIZE_OFFSET, size - COMPRESSED2_SIZE,
		   8);
	if (header_size > size)
		g_byte_array_append(packer->made, zeros, header_size - size);
}

/* All that waits: one flush, as many records as that takes. */
static void pack_chunk(struct perf_packer *packer)
{
	g_autofree guint8 *payload = g_malloc(packer->kind->max_payload);
	ZSTD_inBuffer in = {packer->chunk->data, packer->chunk->len, 0};
	gsize start = packer->made->len;
	size_t remaining;

	do {
		ZSTD_outBuffer out = {payload, packer->kind->max_payload, 0};

		remaining = ZSTD_compressStream2(packer->stream, &out, &in, ZSTD_e_flush);
		g_assert_false(ZSTD_isError(remaining));
		put_record(packer, payload, out.pos);
	} while (remaining);
	if (packer->kind->is_one_write)
		set_sizes_of_all(packer, start);
	g_byte_array_set_size(packer->chunk, 0);
}

void perf_packer_add(struct perf_packer *packer, gconstpointer bytes, gsize size_bytes)
{
	const guint8 *from = bytes;

	while (size_bytes) {
		gsize n = MIN(size_bytes, packer->chunk_size_bytes - packer->chunk->len);

		g_byte_array_append(packer->chunk, from, n);
		from += n;
		size_bytes -= n;
		if (packer->chunk->len == packer->chunk_size_bytes)
			pack_chunk(packer);
	}
}

void perf_packer_add_plain(struct perf_packer *packer, gconstpointer bytes, gsize size_bytes)
{
	perf_packer_flush(packer);
	g_byte_array_append(packer->made, bytes, size_bytes);
}

void perf_packer_flush(struct perf_packer *packer)
{
	if (packer->chunk->len)
		pack_chunk(packer);
}

GByteArray *perf_packer_take(struct perf_packer *packer)
{
	GByteArray *made = packer->made;

	packer->made = g_byte_array_new();
	return made;
}
