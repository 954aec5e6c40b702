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
 * Source: tools/perf/util/zstd.c. One stream goes on over all chunks, or a frame
 * begins anew in any of them.
 */
#ifndef COLO_PERF_PERFDATA_PERF_UNPACK_H
#define COLO_PERF_PERFDATA_PERF_UNPACK_H

#include "perfdata/perf_record.h"

struct perf_unpack;

/* NULL with `error` when there is no memory. `swap`: as of the recording. */
struct perf_unpack *perf_unpack_new(bool swap, GError **error);
void perf_unpack_free(struct perf_unpack *unpack);

/* Forgets everything, as before the first chunk. */
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
