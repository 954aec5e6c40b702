/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decodes perf_event_attr, and finds the event that a record belongs to.
 */
#include "perfdata/perf_event.h"

#include "base/error.h"
#include "base/id_table.h"

#include <inttypes.h>

/* Bits of perf_event_attr's flag word, in the order of perf_event.h. */
enum {
	ATTR_FLAG_EXCLUDE_USER = 4,
	ATTR_FLAG_EXCLUDE_KERNEL = 5,
	ATTR_FLAG_FREQ = 10,
	ATTR_FLAG_TASK = 13,
	ATTR_FLAG_SAMPLE_ID_ALL = 18,
	ATTR_FLAG_USE_CLOCKID = 25,
	ATTR_FLAG_BUILD_ID = 34,
};

/* Where in the attr the fields stand that later versions added; bytes. */
#define ATTR_BRANCH_SAMPLE_TYPE_OFFSET 72
#define ATTR_REGS_USER_OFFSET	       80
#define ATTR_CLOCKID_OFFSET	       92
#define ATTR_MAX_STACK_OFFSET	       108

#define DEFAULT_MAX_STACK PERF_MAX_STACK_DEPTH /* kernel.perf_event_max_stack, when not changed */

#define NOT_KNOWN (-1)

/*
 * The places at which the events of a recording have their ids. perf sees to it that there is
 * one; where there are more, an id counts at the place where its own event has it.
 */
struct id_places {
	int pos[8]; /* more than there are combinations of the fields before the id */
	guint n;
};

/* The id of a sample, and which event it was found to be of. */
struct found_id {
	bool any; /* something was looked for yet */
	uint64_t id;
	int index; /* or -1 */
};

struct perf_events {
	GArray *events;	      /* Owned by this: struct perf_event */
	struct id_table *ids; /* Owned by this: what records carry to a number, from 0 on */
	GArray *of_id;	      /* Owned by this: guint, the index of an event, by that number */
	struct id_places samples, trailers;
	bool ask_build_ids; /* one of them does */
	/*
	 * Owned by this: samples of one event come one after the other. It changes with lookups,
	 * which the events do not.
	 */
	struct found_id *last;
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
	events->ids = id_table_new();
	events->of_id = g_array_new(FALSE, FALSE, sizeof(guint));
	events->last = g_new0(struct found_id, 1);
	return events;
}

void perf_events_free(struct perf_events *events)
{
	if (!events)
		return;
	g_array_unref(events->events);
	id_table_free(events->ids);
	g_array_unref(events->of_id);
	g_free(events->last);
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

static void add_place(struct id_places *places, int pos)
{
	for (guint i = 0; i < places->n; i++)
		if (places->pos[i] == pos)
			return;
	if (pos != NOT_KNOWN)
		places->pos[places->n++] = pos;
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
	event.task = attr_flag(flags, ATTR_FLAG_TASK, big_endian);
	event.sample_id_all = attr_flag(flags, ATTR_FLAG_SAMPLE_ID_ALL, big_endian);
	event.use_clockid = attr_flag(flags, ATTR_FLAG_USE_CLOCKID, big_endian);
	event.build_id = attr_flag(flags, ATTR_FLAG_BUILD_ID, big_endian);
	events->ask_build_ids |= event.build_id;
	add_later_fields(&event, tainted_attr, attr_size, swap);
	event.sample_id_pos = sample_id_pos(event.sample_type);
	event.trailer_id_pos = trailer_id_pos(&event);
	events->last->any = false;
	add_place(&events->samples, event.sample_id_pos);
	add_place(&events->trailers, event.trailer_id_pos);
	g_array_append_val(events->events, event);
	return (int)events->events->len - 1;
}

bool perf_events_check(const struct perf_events *events, GError **error)
{
	for (guint i = 0; i < events->events->len && events->events->len > 1; i++) {
		const struct perf_event *event = perf_events_get(events, i);

		if (event->sample_id_pos != NOT_KNOWN)
			continue;
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "event %u of %u: its samples carry no id (sample_type %#" PRIx64
			    "), so they cannot be told from those of the other events",
			    i, events->events->len, event->sample_type);
		return false;
	}
	return true;
}

void perf_events_add_id(struct perf_events *events, uint64_t id, guint index)
{
	bool is_new;
	const uint32_t number = id_table_get(events->ids, id, &is_new);

	events->last->any = false;
	if (is_new)
		g_array_append_val(events->of_id, index);
	else
		g_array_index(events->of_id, guint, number) = index;
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
		if (index >= 0)
			perf_events_set_name(events, (guint)index, name);
	}
}

void perf_events_set_name(struct perf_events *events, guint index, const char *name)
{
	struct perf_event *event = &g_array_index(events->events, struct perf_event, index);

	g_free(event->name);
	event->name = g_strdup(name);
}

guint perf_events_count(const struct perf_events *events)
{
	return events->events->len;
}

bool perf_events_ask_build_ids(const struct perf_events *events)
{
	return events->ask_build_ids;
}

const struct perf_event *perf_events_get(const struct perf_events *events, guint index)
{
	return &g_array_index(events->events, struct perf_event, index);
}

int perf_events_of_id(const struct perf_events *events, uint64_t id)
{
	uint32_t number;

	if (events->events->len == 1)
		return 0;
	if (!id_table_find(events->ids, id, &number))
		return -1;
	return (int)g_array_index(events->of_id, guint, number);
}

/*
 * The event whose id stands at its own place among `words` words of 8 bytes, counted from
 * the first one at `tainted` on or from the last one back. -1 when there is none, or two.
 */
static int find_event(const struct perf_events *events, const struct id_places *places,
		      const uint8_t *tainted, size_t words, bool from_end, bool swap)
{
	int found = -1;

	for (guint i = 0; i < places->n; i++) {
		const size_t pos = (size_t)places->pos[i];
		struct byte_reader reader;
		const struct perf_event *event;
		int index;

		if (from_end ? pos > words : pos >= words)
			continue;
		reader = byte_reader_of(tainted + 8 * (from_end ? words - pos : pos), 8, swap);
		index = perf_events_of_id(events, byte_reader_u64(&reader));
		if (index < 0 || index == found)
			continue;
		event = perf_events_get(events, (guint)index);
		if ((from_end ? event->trailer_id_pos : event->sample_id_pos) != places->pos[i])
			continue;
		if (found >= 0)
			return -1;
		found = index;
	}
	return found;
}

int perf_events_of_sample(const struct perf_events *events, const uint8_t *tainted_body,
			  size_t body_size, bool swap)
{
	const struct id_places *places = &events->samples;
	struct found_id *last = events->last;
	struct byte_reader reader;
	uint64_t id;

	if (events->events->len == 1 && !places->n)
		return 0;
	/* With a single place for ids nothing but the id counts. */
	if (places->n != 1 || (size_t)places->pos[0] >= body_size / 8)
		return find_event(events, places, tainted_body, body_size / 8, false, swap);
	reader = byte_reader_of(tainted_body + 8 * (size_t)places->pos[0], 8, swap);
	id = byte_reader_u64(&reader);
	if (!last->any || last->id != id)
		*last = (struct found_id){
			.any = true,
			.id = id,
			.index = find_event(events, places, tainted_body, body_size / 8, false,
					    swap),
		};
	return last->index;
}

int perf_events_of_trailer(const struct perf_events *events, const uint8_t *tainted_body,
			   size_t body_size, bool swap)
{
	const size_t words = body_size / 8;

	/* Records that perf itself made up for all events have id 0: any layout will do. */
	if (events->trailers.n == 1 && (size_t)events->trailers.pos[0] <= words) {
		struct byte_reader reader = byte_reader_of(
			tainted_body + body_size - 8 * (size_t)events->trailers.pos[0], 8, swap);

		if (!byte_reader_u64(&reader))
			return 0;
	}
	return find_event(events, &events->trailers, tainted_body + body_size % 8, words, true,
			  swap);
}
