/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compresses the data of a recording as `perf record -z` does: one zstd stream, cut into records.
 * It knows nothing of what it packs. The records of perf 6.16 and later, COMPRESSED2, can be made
 * as they should be and as perf really writes them when they come near to 64 KiB.
 */
#ifndef COLO_PERF_TESTS_PERF_PACKER_H
#define COLO_PERF_TESTS_PERF_PACKER_H

#include <glib.h>

enum perf_packer_kind {
	PERF_PACKER_COMPRESSED,	 /* type 81: what is behind the header, up to its size */
	PERF_PACKER_COMPRESSED2, /* type 83: a size of its own, then padding to 8 bytes */
	/*
	 * COMPRESSED2 as perf writes it: all records of a chunk at once. The first says in its
	 * data_size how long all of them are, and header.size, of 16 bits, overflows.
	 */
	PERF_PACKER_OVERFLOWING2,
	/* COMPRESSED2 as perf writes it with --aio: data_size is never set, and no padding. */
	PERF_PACKER_UNSET_SIZE2,
};

/* How the data of a recording is packed. */
struct perf_packing {
	enum perf_packer_kind kind;
	gsize chunk_size_bytes; /* so much goes into zstd before it is flushed, records or not */
};

struct perf_packer;

/* byte_order: G_LITTLE_ENDIAN or G_BIG_ENDIAN, of the machine that recorded. */
struct perf_packer *perf_packer_new(int byte_order, const struct perf_packing *packing);
void perf_packer_free(struct perf_packer *packer);

/* Bytes that are to come out of the stream; as soon as they fill a chunk it is packed. */
void perf_packer_add(struct perf_packer *packer, gconstpointer bytes, gsize size_bytes);
/* Bytes that stand as they are behind all that was added: FINISHED_ROUND and the like. */
void perf_packer_add_plain(struct perf_packer *packer, gconstpointer bytes, gsize size_bytes);
/* Packs what does not fill a chunk. */
void perf_packer_flush(struct perf_packer *packer);

/*
 * Gives away the records made so far, to be unreferenced; what does not yet fill a chunk stays.
 * A recording that does not fit into memory is made piece by piece so.
 */
GByteArray *perf_packer_take(struct perf_packer *packer);

#endif
