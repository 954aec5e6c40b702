/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What perf record -z wrote: takes the contents of COMPRESSED records, one after
 * the other, and gives back the bytes of the records that are in them. A record may
 * begin in one and end in the next, as perf cuts its buffers where it likes.
 *
 * Memory is bounded: bytes are unpacked as they are asked for, into a buffer of fixed
 * size, however much a chunk may turn out to hold. zstd's own window is what the frame declares,
 * 128 MiB at the most (level 22), of which only what is filled gets memory.
 *
 * Time is bounded, too: zstd makes 30,000 bytes of one when all are the same. A real record takes
 * some bytes, for its time alone: 4.3 for a sample without callers of a program that does nothing
 * but count. The most that perf was seen to pack into a byte are 1,770, copies of a stack of 64
 * KiB. Far beyond that it is an error.
 *
 * Source: tools/perf/util/zstd.c. One stream goes on over all chunks, or a frame
 * begins anew in any of them.
 */
#ifndef COLO_PERF_PERFDATA_PERF_UNPACK_H
#define COLO_PERF_PERFDATA_PERF_UNPACK_H

#include "perfdata/perf_record.h"

struct perf_unpack;

/* What may come out of the chunks: so much of any, and so much more for each of their bytes. */
#define PERF_UNPACK_RECORDS	    (4u << 20)
#define PERF_UNPACK_BYTES_A_RECORD  1 /* bytes in the chunks that another record needs */
#define PERF_UNPACK_BYTES	    (UINT64_C(1) << 30)
#define PERF_UNPACK_BYTES_OF_A_BYTE 2048

/* What came out of the chunks of a recording: those of all its files count together. */
struct perf_unpacked {
	uint64_t packed_bytes, bytes;
	uint64_t n_records;
};

/*
 * NULL with `error` when there is no memory. `swap`: as of the recording. `total` goes on from what
 * it is, and must live as long.
 */
struct perf_unpack *perf_unpack_new(bool swap, struct perf_unpacked *total, GError **error);
void perf_unpack_free(struct perf_unpack *unpack);

/* Forgets everything but the total, as before the first chunk. */
void perf_unpack_reset(struct perf_unpack *unpack);

/*
 * The next chunk, which stood at `offset` and must stay where it is until
 * perf_unpack_next() says that it is used up. Only then may the next one be given.
 */
void perf_unpack_give(struct perf_unpack *unpack, const uint8_t *tainted, size_t size,
		      uint64_t offset);

/*
 * The next record out of the chunks: its type, misc and body. PERF_NEXT_END: the
 * chunk is used up. PERF_NEXT_ERROR: it cannot be unpacked, or what comes out is
 * no record; nothing more will come.
 */
enum perf_next perf_unpack_next(struct perf_unpack *unpack, struct perf_record *record,
				GError **error);

/* How many bytes of a record wait for its rest. */
size_t perf_unpack_waiting(const struct perf_unpack *unpack);

#endif
