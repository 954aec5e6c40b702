/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The records that say what in file mode stands in sections: events, features,
 * formats. Names of events may come in either mode.
 *
 * Source: perf_event__process_attr(), _feature(), _tracing_data() and _event_update() in
 * tools/perf/util/header.c.
 */
#include "perfdata/perf_header.h"

#include "base/error.h"

#include <inttypes.h>

#define ATTR_SIZE_OFFSET  4 /* in the attr: its own size, u32 */
#define EVENT_UPDATE_NAME 2 /* enum perf_event_update_type */

static bool set_malformed(const struct perf_record *record, GError **error, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static bool set_malformed(const struct perf_record *record, GError **error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	perf_record_set_error_valist(record, COLO_PERF_ERROR_MALFORMED, error, format, args);
	va_end(args);
	return false;
}

static struct byte_reader body_of(const struct perf_header *header,
				  const struct perf_record *record)
{
	return byte_reader_of(record->tainted_body, record->body_size, header->swap);
}

/* The attr, whose own size says where the ids begin. */
static bool take_attr(struct perf_header *header, const struct perf_record *record, GError **error)
{
	struct byte_reader reader = body_of(header, record);
	uint32_t attr_size;
	int index;

	byte_reader_skip(&reader, ATTR_SIZE_OFFSET);
	attr_size = byte_reader_u32(&reader);
	if (!attr_size)
		attr_size = PERF_ATTR_SIZE_VER0;
	if (attr_size > record->body_size || attr_size < PERF_ATTR_SIZE_VER0)
		return set_malformed(record, error,
				     "with an attr of %" PRIu32 " bytes, allowed are %d to %zu",
				     attr_size, PERF_ATTR_SIZE_VER0, record->body_size);
	index = perf_events_add(header->events, record->tainted_body, attr_size, header->swap,
				error);
	if (index < 0)
		return false;
	reader = body_of(header, record);
	byte_reader_skip(&reader, attr_size);
	while (reader.left >= sizeof(uint64_t))
		perf_events_add_id(header->events, byte_reader_u64(&reader), (guint)index);
	return true;
}

static void set_feature(struct perf_header *header, unsigned int feature, GBytes *bytes)
{
	g_clear_pointer(&header->features[feature], g_bytes_unref);
	header->features[feature] = bytes;
}

/* u64 feature, then what its section would hold. */
static bool take_feature(struct perf_header *header, const struct perf_record *record,
			 GError **error)
{
	struct byte_reader reader = body_of(header, record);
	const uint64_t feature = byte_reader_u64(&reader);

	if (reader.failed || feature >= PERF_FEATURE_BITS)
		return set_malformed(record, error, "with feature %" PRIu64 ", the highest is %d",
				     feature, PERF_FEATURE_BITS - 1);
	/* HEADER_LAST_FEATURE, the end mark, is without a body. */
	if (!reader.left)
		return true;
	if (feature == PERF_FEATURE_EVENT_DESC)
		perf_events_read_names(header->events, reader.tainted, reader.left, header->swap);
	set_feature(header, (unsigned int)feature, g_bytes_new(reader.tainted, reader.left));
	return true;
}

static bool take_tracing_data(struct perf_header *header, const struct perf_bytes *bytes,
			      const struct perf_record *record, GError **error)
{
	GBytes *formats;

	if (!record->trailer_size)
		return true;
	if (record->tainted_trailer)
		formats = g_bytes_new(record->tainted_trailer, record->trailer_size);
	else
		formats = perf_bytes_dup(bytes, record->trailer_offset, record->trailer_size,
					 "formats of the tracepoints", error);
	if (!formats)
		return false;
	set_feature(header, PERF_FEATURE_TRACING_DATA, formats);
	return true;
}

/* u64 what, u64 id of the event, then of the name: a string. */
static void take_event_update(struct perf_header *header, const struct perf_record *record)
{
	struct byte_reader reader = body_of(header, record);
	const uint64_t what = byte_reader_u64(&reader);
	const uint64_t id = byte_reader_u64(&reader);
	const char *name = what == EVENT_UPDATE_NAME ? byte_reader_string(&reader) : NULL;
	const int index = perf_events_of_id(header->events, id);

	if (name && !reader.failed && index >= 0)
		perf_events_set_name(header->events, (guint)index, name);
}

bool perf_header_take(struct perf_header *header, const struct perf_bytes *bytes,
		      const struct perf_record *record, GError **error)
{
	switch (record->type) {
	case PERF_USER_RECORD_ATTR:
		return !header->pipe_mode || take_attr(header, record, error);
	case PERF_USER_RECORD_FEATURE:
		return !header->pipe_mode || take_feature(header, record, error);
	case PERF_USER_RECORD_TRACING_DATA:
		return !header->pipe_mode || take_tracing_data(header, bytes, record, error);
	case PERF_USER_RECORD_EVENT_UPDATE:
		take_event_update(header, record);
		return true;
	default:
		return true;
	}
}
