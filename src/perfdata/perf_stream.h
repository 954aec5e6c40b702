/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The records that stand in a range of a file, one after the other, compressed or
 * not. The range is read through a window of fixed size, so memory does not grow
 * with the file. What a record means is for others to say.
 */
#ifndef COLO_PERF_PERFDATA_PERF_STREAM_H
#define COLO_PERF_PERFDATA_PERF_STREAM_H

#include "perfdata/perf_bytes.h"
#include "perfdata/perf_record.h"
#include "perfdata/perf_unpack.h"

struct perf_stream;

/*
 * The `size` bytes at `offset`, all of which `bytes` has. It must live as long as the
 * stream, as `unpacked` must, in which the compressed records count. `swap`: the recording's byte
 * order is not this machine's.
 */
struct perf_stream *perf_stream_new(const struct perf_bytes *bytes, uint64_t offset, uint64_t size,
				    bool swap, struct perf_unpacked *unpacked);
void perf_stream_free(struct perf_stream *stream);

/*
 * The next record, all but its number. Truncation is an error, not the end; after
 * PERF_NEXT_ERROR there is nothing more to read.
 */
enum perf_next perf_stream_next(struct perf_stream *stream, struct perf_record *record,
				GError **error);

#endif
