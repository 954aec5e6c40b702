/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One record of a recording, as it is handed from the reader to those who know
 * what it means, and the types that the reader itself must know.
 *
 * Source: include/uapi/linux/perf_event.h; tools/lib/perf/include/perf/event.h.
 */
#ifndef COLO_PERF_PERFDATA_PERF_RECORD_H
#define COLO_PERF_PERFDATA_PERF_RECORD_H

#include "base/byte_reader.h"
#include "base/error.h"

#define PERF_RECORD_HEADER_SIZE 8 /* struct perf_event_header: u32 type, u16 misc, u16 size */

/* Record types that perf itself writes, beside the kernel's PERF_RECORD_... */
enum perf_user_record {
	PERF_USER_RECORD_ATTR = 64,
	PERF_USER_RECORD_TRACING_DATA = 66,
	PERF_USER_RECORD_BUILD_ID = 67,
	PERF_USER_RECORD_FINISHED_ROUND = 68,
	PERF_USER_RECORD_AUXTRACE = 71,
	PERF_USER_RECORD_EVENT_UPDATE = 78,
	PERF_USER_RECORD_FEATURE = 80,
	PERF_USER_RECORD_COMPRESSED = 81,
	PERF_USER_RECORD_COMPRESSED2 = 83,
};

struct perf_record {
	uint32_t type;
	uint16_t misc;
	uint64_t number;	     /* counts the records of the recording from 0 */
	uint64_t offset;	     /* of its header in its file; compressed: of what it came in */
	const uint8_t *tainted_body; /* Weak: what follows the header; valid until the next call */
	size_t body_size;	     /* bytes */
	uint64_t trailer_offset; /* where in the file the bytes behind it are that belong to it */
	uint64_t trailer_size;	 /* how many: of TRACING_DATA and AUXTRACE, otherwise 0 */
	const uint8_t *tainted_trailer; /* Weak: they themselves, where they cannot be read again */
};

enum perf_next {
	PERF_NEXT_RECORD,
	PERF_NEXT_END,
	PERF_NEXT_ERROR,
};

/* Types of the kernel's that this machine's header may lack. */
enum perf_kernel_record {
	PERF_KERNEL_RECORD_KSYMBOL = 17,
	PERF_KERNEL_RECORD_CALLCHAIN_DEFERRED = 22,
};

/* What becomes of the records of a type. */
enum perf_record_use {
	PERF_RECORD_USE_UNKNOWN, /* a newer kernel or perf wrote it, or damaged bytes look so */
	PERF_RECORD_USE_USED,
	PERF_RECORD_USE_SKIPPED, /* no number and no name depends on it */
	PERF_RECORD_USE_WARNED,	 /* it is passed over although numbers depend on it */
};

enum perf_record_use perf_record_use(uint32_t type);

/* "SAMPLE"; NULL: the type is not known here. */
const char *perf_record_name(uint32_t type);

/*
 * A type by its name, for messages: "SAMPLE (9)", or "4711" when it is not known. The
 * caller frees it.
 */
char *perf_record_type_name(uint32_t type);

/* Makes an error "offset N: record of type T ", followed by what `format` makes. */
void perf_record_set_error_valist(const struct perf_record *record, enum colo_perf_error code,
				  GError **error, const char *format, va_list args)
	G_GNUC_PRINTF(4, 0);

/* The record header at `tainted`, which has PERF_RECORD_HEADER_SIZE bytes. Returns its size. */
static inline uint16_t perf_record_read_header(const uint8_t *tainted, bool swap,
					       struct perf_record *record)
{
	struct byte_reader reader = byte_reader_of(tainted, PERF_RECORD_HEADER_SIZE, swap);

	record->type = byte_reader_u32(&reader);
	record->misc = byte_reader_u16(&reader);
	return byte_reader_u16(&reader);
}

#endif
