/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decodes perf_event_attr, sample ids and samples.
 */
#include "perfdata/perf_event.h"

#include "base/error.h"
#include "base/hash.h"

#include <inttypes.h>

/* Bits of perf_event_attr's flag word, in the order of perf_event.h. */
enum {
	ATTR_FLAG_EXCLUDE_USER = 4,
	ATTR_FLAG_EXCLUDE_KERNEL = 5,
	ATTR_FLAG_FREQ = 10,
	ATTR_FLAG_SAMPLE_ID_ALL = 18,
	ATTR_FLAG_USE_CLOCKID = 25,
};

/* Where in the attr the fields stand that later versions added; bytes. */
#define ATTR_BRANCH_SAMPLE_TYPE_OFFSET 72
#define ATTR_REGS_USER_OFFSET	       80
#define ATTR_CLOCKID_OFFSET	       92
#define ATTR_MAX_STACK_OFFSET	       108

#define DEFAULT_MAX_STACK PERF_MAX_STACK_DEPTH /* kernel.perf_event_max_stack, when not changed */

#define NOT_KNOWN (-1)

/* What every event of a recording must agree on, for its records to be told apart. */
struct id_layout {
	int sample_pos;	 /* words of 8 bytes from the start of a sample, or NOT_KNOWN */
	int trailer_pos; /* words of 8 bytes from the end of another record, or NOT_KNOWN */
};

struct perf_events {
	GArray *events;	   /* Owned by this: struct perf_event */
	GHashTable *by_id; /* Owned by this: uint64_t * (owned) to index */
	struct id_layout layout;
};

static void event_clear(gpointer data)
{
	struct perf_event *event = data;

	g_free(event->name);
}

struct perf_events *perf_events_new(void)
{
	struct perf_events *events = g_new0(struct perf_events, 1);

	events->events = g_array_new(FALSE, TRUE, sizeof(struct perf_event));
	g_array_set_clear_func(events->events, event_clear);
	events->by_id = g_hash_table_new_full(hash_int64, g_int64_equal, g_free, NULL);
	events->layout = (struct id_layout){NOT_KNOWN, NOT_KNOWN};
	return events;
}

void perf_events_free(struct perf_events *events)
{
	if (!events)
		return;
	g_array_unref(events->events);
	g_hash_table_unref(events->by_id);
	g_free(events);
}

/*
 * The flags are C bit-fields: a little-endian machine fills each byte from its
 * lowest bit on, a big-endian one from its highest.
 */
static bool attr_flag(const uint8_t flags[8], unsigned int bit, bool big_endian)
{
	unsigned int in_byte = big_endian ? 7 - bit % 8 : bit % 8;

	return flags[bit / 8] >> in_byte & 1;
}

/* A field of `size` bytes (at most 8) at `offset` of the attr; 0 when the attr is older. */
static uint64_t later_field(const uint8_t *tainted_attr, size_t attr_size, size_t offset,
			    size_t size, bool swap)
{
	struct byte_reader reader = byte_reader_of(tainted_attr, attr_size, swap);

	byte_reader_skip(&reader, offset);
	return size == sizeof(uint16_t)	  ? byte_reader_u16(&reader)
	       : size == sizeof(uint32_t) ? byte_reader_u32(&reader)
					  : byte_reader_u64(&reader);
}

static void add_later_fields(struct perf_event *event, const uint8_t *tainted_attr,
			     size_t attr_size, bool swap)
{
	event->branch_sample_type = later_field(
		tainted_attr, attr_size, ATTR_BRANCH_SAMPLE_TYPE_OFFSET, sizeof(uint64_t), swap);
	event->sample_regs_user =
		later_field(tainted_attr, attr_size, ATTR_REGS_USER_OFFSET, sizeof(uint64_t), swap);
	event->max_stack = (unsigned int)later_field(tainted_attr, attr_size, ATTR_MAX_STACK_OFFSET,
						     sizeof(uint16_t), swap);
	if (!event->max_stack)
		event->max_stack = DEFAULT_MAX_STACK;
	if (event->use_clockid)
		event->clockid = (int32_t)later_field(tainted_attr, attr_size, ATTR_CLOCKID_OFFSET,
						      sizeof(uint32_t), swap);
}

int perf_events_add(struct perf_events *events, const uint8_t *tainted_attr, size_t attr_size,
		    bool swap, GError **error)
{
	const bool big_endian = (G_BYTE_ORDER == G_BIG_ENDIAN) != swap;
	struct byte_reader reader = byte_reader_of(tainted_attr, attr_size, swap);
	struct perf_event event = {0};
	const uint8_t *flags;

	if (attr_size < PERF_ATTR_SIZE_VER0) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "event %u: its attr has %zu bytes, the least is %d",
			    events->events->len, attr_size, PERF_ATTR_SIZE_VER0);
		return -1;
	}
	event.type = byte_reader_u32(&reader);
	byte_reader_skip(&reader, sizeof(uint32_t)); /* size */
	event.config = byte_reader_u64(&reader);
	event.sample_period = byte_reader_u64(&reader);
	event.sample_type = byte_reader_u64(&reader);
	event.read_format = byte_reader_u64(&reader);
	flags = byte_reader_bytes(&reader, 8);
	event.exclude_user = attr_flag(flags, ATTR_FLAG_EXCLUDE_USER, big_endian);
	event.exclude_kernel = attr_flag(flags, ATTR_FLAG_EXCLUDE_KERNEL, big_endian);
	event.freq = attr_flag(flags, ATTR_FLAG_FREQ, big_endian);
	event.sample_id_all = attr_flag(flags, ATTR_FLAG_SAMPLE_ID_ALL, big_endian);
	event.use_clockid = attr_flag(flags, ATTR_FLAG_USE_CLOCKID, big_endian);
	add_later_fields(&event, tainted_attr, attr_size, swap);
	g_array_append_val(events->events, event);
	return (int)events->events->len - 1;
}

void perf_events_add_id(struct perf_events *events, uint64_t id, guint index)
{
	g_hash_table_replace(events->by_id, g_memdup2(&id, sizeof(id)), GUINT_TO_POINTER(index));
}

/* The order in which a sample's first words stand: IDENTIFIER, IP, TID, TIME, ADDR, ID. */
static int sample_id_pos(uint64_t sample_type)
{
	static const uint64_t before_id[] = {PERF_SAMPLE_IP, PERF_SAMPLE_TID, PERF_SAMPLE_TIME,
					     PERF_SAMPLE_ADDR};
	int pos = 0;

	if (sample_type & PERF_SAMPLE_IDENTIFIER)
		return 0;
	if (!(sample_type & PERF_SAMPLE_ID))
		return NOT_KNOWN;
	for (size_t i = 0; i < G_N_ELEMENTS(before_id); i++)
		pos += (sample_type & before_id[i]) != 0;
	return pos;
}

/* The sample id ends with ID, STREAM_ID, CPU, IDENTIFIER. */
static int trailer_id_pos(const struct perf_event *event)
{
	int pos = 1;

	if (!event->sample_id_all)
		return NOT_KNOWN;
	if (event->sample_type & PERF_SAMPLE_IDENTIFIER)
		return pos;
	if (!(event->sample_type & PERF_SAMPLE_ID))
		return NOT_KNOWN;
	pos += (event->sample_type & PERF_SAMPLE_CPU) != 0;
	pos += (event->sample_type & PERF_SAMPLE_STREAM_ID) != 0;
	return pos;
}

bool perf_events_settle(struct perf_events *events, GError **error)
{
	for (guint i = 0; i < events->events->len; i++) {
		const struct perf_event *event = perf_events_get(events, i);
		struct id_layout layout = {sample_id_pos(event->sample_type),
					   trailer_id_pos(event)};

		if (i == 0)
			events->layout = layout;
		if (layout.sample_pos != events->layout.sample_pos ||
		    (layout.sample_pos == NOT_KNOWN && events->events->len > 1)) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
				    "event %u: the place of the id in its samples (sample_type "
				    "%#" PRIx64 ") is not that of the other events",
				    i, event->sample_type);
			return false;
		}
		if (layout.trailer_pos != events->layout.trailer_pos)
			events->layout.trailer_pos = NOT_KNOWN;
	}
	return true;
}

char *perf_header_string_read(struct byte_reader *reader)
{
	uint32_t len = byte_reader_u32(reader);
	const uint8_t *bytes = byte_reader_bytes(reader, len);

	return reader->failed ? NULL : g_strndup((const char *)bytes, len);
}

/* u32 events, u32 size of an attr, then for each: the attr, u32 ids, name, u64 ids[]. */
void perf_events_read_names(struct perf_events *events, const uint8_t *tainted, size_t size,
			    bool swap)
{
	struct byte_reader reader = byte_reader_of(tainted, size, swap);
	uint32_t n = byte_reader_u32(&reader);
	const uint32_t attr_size = byte_reader_u32(&reader);

	for (n = MIN(n, events->events->len); n > 0 && !reader.failed; n--) {
		g_autofree char *name = NULL;
		uint32_t n_ids;
		int index;

		byte_reader_skip(&reader, attr_size);
		n_ids = byte_reader_u32(&reader);
		name = perf_header_string_read(&reader);
		if (reader.failed || n_ids == 0 || n_ids > reader.left / sizeof(uint64_t))
			return;
		index = perf_events_of_id(events, byte_reader_u64(&reader));
		byte_reader_skip(&reader, (n_ids - 1) * sizeof(uint64_t));
		if (index < 0)
			continue;
		g_free(g_array_index(events->events, struct perf_event, index).name);
		g_array_index(events->events, struct perf_event, index).name =
			g_steal_pointer(&name);
	}
}

guint perf_events_count(const struct perf_events *events)
{
	return events->events->len;
}

const struct perf_event *perf_events_get(const struct perf_events *events, guint index)
{
	return &g_array_index(events->events, struct perf_event, index);
}

int perf_events_of_id(const struct perf_events *events, uint64_t id)
{
	gpointer index;

	if (events->events->len == 1)
		return 0;
	if (!g_hash_table_lookup_extended(events->by_id, &id, NULL, &index))
		return -1;
	return (int)GPOINTER_TO_UINT(index);
}

int perf_events_of_sample(const struct perf_events *events, const uint8_t *tainted_body,
			  size_t body_size, bool swap)
{
	struct byte_reader reader = byte_reader_of(tainted_body, body_size, swap);
	uint64_t id = 0;

	if (!events->events->len)
		return -1;
	if (events->layout.sample_pos != NOT_KNOWN) {
		byte_reader_skip(&reader, 8 * (size_t)events->layout.sample_pos);
		id = byte_reader_u64(&reader);
		if (reader.failed)
			return -1;
	}
	return perf_events_of_id(events, id);
}

/* The values of PERF_SAMPLE_READ are passed over: nothing here needs them. */
static void skip_read_values(struct byte_reader *reader, uint64_t read_format)
{
	uint64_t words =
		1 + ((read_format & PERF_FORMAT_ID) != 0) + ((read_format & PERF_FORMAT_LOST) != 0);
	uint64_t times = ((read_format & PERF_FORMAT_TOTAL_TIME_ENABLED) != 0) +
			 ((read_format & PERF_FORMAT_TOTAL_TIME_RUNNING) != 0);
	uint64_t counters = 1;

	if (read_format & PERF_FORMAT_GROUP)
		counters = byte_reader_u64(reader);
	byte_reader_skip(reader, 8 * times);
	if (counters > reader->left / 8 / words) {
		reader->failed = true;
		return;
	}
	byte_reader_skip(reader, 8 * counters * words);
}

#define BRANCH_COUNTERS (UINT64_C(1) << 19) /* newer than this machine's header */

/* u64 n, [u64 index], then three words for each branch, [u64 counters for each]. */
static void skip_branches(struct byte_reader *reader, uint64_t branch_sample_type)
{
	uint64_t n = byte_reader_u64(reader);
	uint64_t words = branch_sample_type & BRANCH_COUNTERS ? 4 : 3;

	if (branch_sample_type & PERF_SAMPLE_BRANCH_HW_INDEX)
		byte_reader_skip(reader, 8);
	if (n > reader->left / 8 / words) {
		reader->failed = true;
		return;
	}
	byte_reader_skip(reader, 8 * n * words);
}

/* u64 abi, then the registers unless it is PERF_SAMPLE_REGS_ABI_NONE. */
static void decode_regs(struct byte_reader *reader, uint64_t mask, struct perf_sample *sample)
{
	sample->regs_abi = byte_reader_u64(reader);
	if (sample->regs_abi != PERF_SAMPLE_REGS_ABI_NONE)
		sample->tainted_regs =
			byte_reader_bytes(reader, 8 * (size_t)__builtin_popcountll(mask));
}

/* u64 size, then if that is not 0: the bytes, and u64 how many of them are valid. */
static void decode_stack(struct byte_reader *reader, struct perf_sample *sample)
{
	const uint64_t size = byte_reader_u64(reader);
	uint64_t valid;

	if (!size)
		return;
	sample->tainted_stack = byte_reader_bytes(reader, size);
	valid = byte_reader_u64(reader);
	sample->stack_size = MIN(size, valid);
}

/* What a call chain can be unwound from. All of it or nothing: half of it leads astray. */
static void decode_user_state(struct byte_reader *reader, const struct perf_event *event,
			      struct perf_sample *sample)
{
	if (event->sample_type & PERF_SAMPLE_BRANCH_STACK)
		skip_branches(reader, event->branch_sample_type);
	if (event->sample_type & PERF_SAMPLE_REGS_USER)
		decode_regs(reader, event->sample_regs_user, sample);
	if (event->sample_type & PERF_SAMPLE_STACK_USER)
		decode_stack(reader, sample);
	if (reader->failed || !sample->tainted_regs || !sample->tainted_stack)
		sample->tainted_regs = sample->tainted_stack = NULL;
}

bool perf_sample_decode(const struct perf_event *event, const uint8_t *tainted_body,
			size_t body_size, bool swap, struct perf_sample *sample)
{
	struct byte_reader reader = byte_reader_of(tainted_body, body_size, swap);
	const uint64_t type = event->sample_type;

	*sample = (struct perf_sample){.period = event->freq ? 0 : event->sample_period};
	if (type & PERF_SAMPLE_IDENTIFIER)
		sample->id = byte_reader_u64(&reader);
	if (type & PERF_SAMPLE_IP)
		sample->ip = byte_reader_u64(&reader);
	if (type & PERF_SAMPLE_TID) {
		sample->pid = byte_reader_u32(&reader);
		sample->tid = byte_reader_u32(&reader);
	}
	if (type & PERF_SAMPLE_TIME)
		sample->time_ns = byte_reader_u64(&reader);
	if (type & PERF_SAMPLE_ADDR)
		byte_reader_skip(&reader, 8);
	if (type & PERF_SAMPLE_ID)
		sample->id = byte_reader_u64(&reader);
	if (type & PERF_SAMPLE_STREAM_ID)
		byte_reader_skip(&reader, 8);
	if (type & PERF_SAMPLE_CPU) {
		sample->cpu = byte_reader_u32(&reader);
		byte_reader_skip(&reader, 4);
	}
	if (type & PERF_SAMPLE_PERIOD)
		sample->period = byte_reader_u64(&reader);
	if (type & PERF_SAMPLE_READ)
		skip_read_values(&reader, event->read_format);
	if (type & PERF_SAMPLE_CALLCHAIN) {
		sample->callchain_len = byte_reader_u64(&reader);
		if (sample->callchain_len > reader.left / 8)
			return false;
		sample->tainted_callchain = byte_reader_bytes(&reader, 8 * sample->callchain_len);
	}
	if (type & PERF_SAMPLE_RAW) {
		sample->raw_size = byte_reader_u32(&reader);
		sample->tainted_raw = byte_reader_bytes(&reader, sample->raw_size);
	}
	if (reader.failed)
		return false;
	decode_user_state(&reader, event, sample);
	return true;
}

bool perf_sample_id_decode(const struct perf_events *events, const uint8_t *tainted_body,
			   size_t body_size, bool swap, struct perf_sample *sample)
{
	const size_t id_pos = 8 * (size_t)events->layout.trailer_pos;
	struct byte_reader reader;
	uint64_t type, id;
	size_t trailer_size;
	int index;

	*sample = (struct perf_sample){0};
	if (events->layout.trailer_pos == NOT_KNOWN || body_size < id_pos)
		return false;
	reader = byte_reader_of(tainted_body + body_size - id_pos, id_pos, swap);
	id = byte_reader_u64(&reader);
	/* Records that perf itself made up for all events have id 0: any layout will do. */
	index = id ? perf_events_of_id(events, id) : 0;
	if (index < 0)
		return false;

	type = perf_events_get(events, (guint)index)->sample_type;
	trailer_size =
		8 * (size_t)__builtin_popcountll(type & (PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
							 PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID |
							 PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER));
	if (body_size < trailer_size)
		return false;
	reader = byte_reader_of(tainted_body + body_size - trailer_size, trailer_size, swap);
	sample->id = id;
	if (type & PERF_SAMPLE_TID) {
		sample->pid = byte_reader_u32(&reader);
		sample->tid = byte_reader_u32(&reader);
	}
	if (type & PERF_SAMPLE_TIME)
		sample->time_ns = byte_reader_u64(&reader);
	if (type & PERF_SAMPLE_ID)
		byte_reader_skip(&reader, 8);
	if (type & PERF_SAMPLE_STREAM_ID)
		byte_reader_skip(&reader, 8);
	if (type & PERF_SAMPLE_CPU)
		sample->cpu = byte_reader_u32(&reader);
	return !reader.failed;
}
