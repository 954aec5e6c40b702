/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A perf.data file in file mode: its header, its events, its feature sections,
 * and one record of the data section after the other. What a record means is
 * for others to say.
 *
 * Source of the format: tools/perf/Documentation/perf.data-file-format.txt and
 * tools/perf/util/header.h in the kernel.
 */
#ifndef COLO_PERF_PERFDATA_PERF_FILE_H
#define COLO_PERF_PERFDATA_PERF_FILE_H

#include "perfdata/perf_event.h"

/* Feature sections, by their bit in the header (HEADER_... in perf). */
enum perf_feature {
	PERF_FEATURE_TRACING_DATA = 1,
	PERF_FEATURE_BUILD_ID = 2,
	PERF_FEATURE_HOSTNAME = 3,
	PERF_FEATURE_OSRELEASE = 4,
	PERF_FEATURE_VERSION = 5,
	PERF_FEATURE_ARCH = 6,
	PERF_FEATURE_CMDLINE = 11,
	PERF_FEATURE_EVENT_DESC = 12,
	PERF_FEATURE_CLOCK_DATA = 29,
	PERF_FEATURE_BITS = 256,
};

/* Record types that perf itself writes, beside the kernel's PERF_RECORD_... */
enum perf_user_record {
	PERF_USER_RECORD_AUXTRACE = 71,
	PERF_USER_RECORD_COMPRESSED = 81,
	PERF_USER_RECORD_COMPRESSED2 = 83,
};

struct perf_record {
	uint32_t type;
	uint16_t misc;
	uint64_t offset;	     /* of the record's header, bytes from the start of the file */
	const uint8_t *tainted_body; /* Weak: what follows the header; valid until the next call */
	size_t body_size;	     /* bytes */
};

enum perf_next {
	PERF_NEXT_RECORD,
	PERF_NEXT_END,
	PERF_NEXT_ERROR,
};

struct perf_file;

/*
 * Opens `path` and reads everything but the data. NULL with `error` when the
 * system refuses it or when it is no perf.data file that can be read; messages
 * do not name the path.
 */
struct perf_file *perf_file_open(const char *path, GError **error);
void perf_file_free(struct perf_file *file);

const struct perf_events *perf_file_events(const struct perf_file *file);

/* Whether the recording machine's byte order is not this machine's. */
bool perf_file_is_swapped(const struct perf_file *file);
uint64_t perf_file_size_bytes(const struct perf_file *file);

/* When it was last written to: seconds since 1970. */
int64_t perf_file_modified_s(const struct perf_file *file);

/*
 * What the header declares and the file does not hold, as a sentence, or NULL
 * when it is whole. The file can be read as far as it goes.
 */
const char *perf_file_damage(const struct perf_file *file);

/*
 * The bytes of a feature section; NULL when the recording does not have it or
 * it was cut off. Owned by the file.
 */
GBytes *perf_file_feature(const struct perf_file *file, enum perf_feature feature);

/* The same for a feature that is one string; NULL when there is none. The caller frees it. */
char *perf_file_feature_string(const struct perf_file *file, enum perf_feature feature);

/*
 * The next record of the data section, in the order of the file. Truncation is
 * an error, not the end: after PERF_NEXT_ERROR there is nothing more to read.
 */
enum perf_next perf_file_next_record(struct perf_file *file, struct perf_record *record,
				     GError **error);

/* Goes back to before the first record: the data can be read any number of times. */
void perf_file_rewind(struct perf_file *file);

#endif
