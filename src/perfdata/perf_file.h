/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A recording as perf wrote it, in any of its forms: a file in file mode or in
 * pipe mode, a pipe, a directory of perf record --threads; compressed or not. It gives
 * what the recording says of itself, and one record after the other. What a record
 * means is for others to say.
 */
#ifndef COLO_PERF_PERFDATA_PERF_FILE_H
#define COLO_PERF_PERFDATA_PERF_FILE_H

#include "perfdata/perf_header.h"

struct perf_file;

/*
 * Opens `path`, "-" for standard input, and reads everything but the data. NULL with
 * `error` when the system refuses it or when it is no perf.data that can be read;
 * messages do not name the path.
 */
struct perf_file *perf_file_open(const char *path, GError **error);

/*
 * The same, but a pipe is read as it comes, once, and nothing of it is kept: it cannot be
 * rewound. `wait` must live as long as the file.
 */
struct perf_file *perf_file_open_stream(const char *path, const struct perf_wait *wait,
					GError **error);
void perf_file_free(struct perf_file *file);

/*
 * In pipe mode events come with the records, before the first sample of each; so do
 * names and features.
 */
const struct perf_events *perf_file_events(const struct perf_file *file);

/* Whether the recording machine's byte order is not this machine's. */
bool perf_file_is_swapped(const struct perf_file *file);

/* Of all its files together; of a stream what has been read of it. */
uint64_t perf_file_size_bytes(const struct perf_file *file);

/* When it was last written to: seconds since 1970. */
int64_t perf_file_modified_s(const struct perf_file *file);

/*
 * What its header declares and the file does not hold, or which files of a directory are
 * missing, as a sentence, or NULL when it is whole. What is there can be read.
 */
const char *perf_file_damage(const struct perf_file *file);

/*
 * The bytes of a feature section; NULL when the recording does not have it or
 * it was cut off. Owned by the file.
 */
GBytes *perf_file_feature(const struct perf_file *file, enum perf_feature feature);

/* The same for a feature that is one string; NULL when there is none. The caller frees it. */
char *perf_file_feature_string(const struct perf_file *file, enum perf_feature feature);

/* Two clocks that were read at the same time: CLOCK_DATA, of perf record -k. */
struct perf_clock {
	uint32_t clockid;  /* CLOCK_..., the recording's clock */
	uint64_t clock_ns; /* on that clock */
	uint64_t wall_ns;  /* since 1970 */
};

/* False when the recording does not say what its clock has to do with that of the wall. */
bool perf_file_clock(const struct perf_file *file, struct perf_clock *clock);

/*
 * The next record: those of a file in their order, those of a directory file by file.
 * Truncation is an error, not the end. What comes after a damaged place cannot be
 * read; called again, it goes on with the next file of the directory, or ends. After
 * COLO_PERF_ERROR_IO there is no use in that.
 */
enum perf_next perf_file_next_record(struct perf_file *file, struct perf_record *record,
				     GError **error);

/* Goes back to before the first record: the data can be read any number of times. */
void perf_file_rewind(struct perf_file *file);

#endif
