/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a recording says of itself: its byte order, its events, its features (host,
 * formats, build-ids, ...). In file mode that stands in the header and behind the data, in
 * pipe mode it comes as records among the others.
 *
 * Source of the format: tools/perf/Documentation/perf.data-file-format.txt and
 * tools/perf/util/header.[ch] in the kernel.
 */
#ifndef COLO_PERF_PERFDATA_PERF_HEADER_H
#define COLO_PERF_PERFDATA_PERF_HEADER_H

#include "perfdata/perf_bytes.h"
#include "perfdata/perf_event.h"
#include "perfdata/perf_record.h"

/* Feature sections, by their bit in the header (HEADER_... in perf). */
enum perf_feature {
	PERF_FEATURE_TRACING_DATA = 1,
	PERF_FEATURE_BUILD_ID = 2,
	PERF_FEATURE_HOSTNAME = 3,
	PERF_FEATURE_OSRELEASE = 4,
	PERF_FEATURE_VERSION = 5,
	PERF_FEATURE_ARCH = 6,
	PERF_FEATURE_NRCPUS = 7,
	PERF_FEATURE_CMDLINE = 11,
	PERF_FEATURE_EVENT_DESC = 12,
	PERF_FEATURE_CLOCK_DATA = 29,
	/*
	 * Our own, which perf passes over: a string, why perf did not complete the file. Then
	 * perf_completion.h did.
	 */
	PERF_FEATURE_CUT_SHORT = 255,
	PERF_FEATURE_BITS = 256,
};

/* A place in a file. */
struct perf_section {
	uint64_t offset, size; /* bytes, from the start of the file */
};

struct perf_header {
	bool swap;		    /* the recording machine's byte order is not this machine's */
	bool pipe_mode;		    /* what it says comes as records */
	struct perf_events *events; /* Owned by this */
	GBytes *features[PERF_FEATURE_BITS]; /* Owned by this; NULL when not there */
	struct perf_section data;	     /* the records; never beyond the file */
	char *damage;	 /* Owned by this: what is missing, a sentence; NULL when whole */
	uint64_t unread; /* bytes that sections beside the data may still have */
};

/*
 * Reads the header of `bytes`, and in file mode all of what it says. NULL with `error`
 * when it is no perf.data file or its events cannot be read; what else is missing
 * or damaged is `damage`.
 */
struct perf_header *perf_header_new(const struct perf_bytes *bytes, GError **error);
void perf_header_free(struct perf_header *header);

/*
 * Takes what a record says of the recording itself; most records say nothing.
 * `bytes` is where it came from. False with `error` when it cannot be what it says.
 */
bool perf_header_take(struct perf_header *header, const struct perf_bytes *bytes,
		      const struct perf_record *record, GError **error);

#endif
