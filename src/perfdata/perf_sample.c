/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decodes samples, sample ids, and the counts that are read with them.
 */
#include "perfdata/perf_sample.h"

/* --- Counts: PERF_SAMPLE_READ, PERF_RECORD_READ --- */

/* How a read_format lays out what was read. */
struct read_layout {
	bool group, has_id, has_lost;
	size_t times; /* words of 8 bytes before the counters, their number not included */
	size_t words; /* of each counter */
};

static struct read_layout read_layout_of(uint64_t read_format)
{
	struct read_layout layout = {
		.group = read_format & PERF_FORMAT_GROUP,
		.has_id = read_format & PERF_FORMAT_ID,
		.has_lost = read_format & PERF_FORMAT_LOST,
		.times = ((read_format & PERF_FORMAT_TOTAL_TIME_ENABLED) != 0) +
			 ((read_format & PERF_FORMAT_TOTAL_TIME_RUNNING) != 0),
	};

	layout.words = (size_t)1 + layout.has_id + layout.has_lost;
	return layout;
}

/*
 * One counter: value, times, [id], [lost]. A group: number, times, then value, [id],
 * [lost] of each. Calls `visit`, which may be NULL, for each that has a lost.
 */
static void visit_read(struct byte_reader *reader, const struct perf_event *event, uint64_t id,
		       perf_lost_visitor visit, void *data)
{
	const struct read_layout layout = read_layout_of(event->read_format);
	uint64_t counters = 1;

	if (layout.group) {
		counters = byte_reader_u64(reader);
		byte_reader_skip(reader, 8 * layout.times);
		if (counters > reader->left / 8 / layout.words)
			reader->failed = true;
	}
	for (uint64_t i = 0; i < counters && !reader->failed; i++) {
		uint64_t lost = 0;

		byte_reader_skip(reader, 8); /* the value */
		if (!layout.group)
			byte_reader_skip(reader, 8 * layout.times);
		if (layout.has_id)
			id = byte_reader_u64(reader);
		if (layout.has_lost)
			lost = byte_reader_u64(reader);
		if (layout.has_lost && visit && !reader->failed)
			visit(id, lost, data);
	}
}

bool perf_event_reads_lost(const struct perf_event *event)
{
	return event->sample_type & PERF_SAMPLE_READ && event->read_format & PERF_FORMAT_LOST;
}

void perf_sample_visit_lost(const struct perf_event *event, const struct perf_sample *sample,
			    bool swap, perf_lost_visitor visit, void *data)
{
	struct byte_reader reader = byte_reader_of(sample->tainted_read, sample->read_size, swap);

	if (perf_event_reads_lost(event))
		visit_read(&reader, event, sample->id, visit, data);
}

/* u32 pid, u32 tid, then what was read. */
void perf_read_visit_lost(const struct perf_events *events, const struct perf_record *record,
			  bool swap, perf_lost_visitor visit, void *data)
{
	const int index =
		perf_events_of_trailer(events, record->tainted_body, record->body_size, swap);
	struct byte_reader reader = byte_reader_of(record->tainted_body, record->body_size, swap);
	struct perf_sample id;

	if (index < 0 ||
	    !perf_sample_id_decode(events, record->tainted_body, record->body_size, swap, &id))
		return;
	byte_reader_skip(&reader, 2 * sizeof(uint32_t));
	visit_read(&reader, perf_events_get(events, (guint)index), id.id, visit, data);
}

/* --- Samples --- */

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
	if (type & PERF_SAMPLE_READ) {
		sample->tainted_read = reader.tainted;
		sample->read_size = reader.left;
		visit_read(&reader, event, sample->id, NULL, NULL);
	}
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
	struct byte_reader reader;
	uint64_t type;
	size_t trailer_size;
	int index;

	*sample = (struct perf_sample){0};
	index = perf_events_of_trailer(events, tainted_body, body_size, swap);
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
	if (type & PERF_SAMPLE_TID) {
		sample->pid = byte_reader_u32(&reader);
		sample->tid = byte_reader_u32(&reader);
	}
	if (type & PERF_SAMPLE_TIME)
		sample->time_ns = byte_reader_u64(&reader);
	if (type & PERF_SAMPLE_ID)
		sample->id = byte_reader_u64(&reader);
	if (type & PERF_SAMPLE_STREAM_ID)
		byte_reader_skip(&reader, 8);
	if (type & PERF_SAMPLE_CPU) {
		sample->cpu = byte_reader_u32(&reader);
		byte_reader_skip(&reader, 4);
	}
	if (type & PERF_SAMPLE_IDENTIFIER)
		sample->id = byte_reader_u64(&reader);
	return !reader.failed;
}

/* --- What comes behind samples --- */

#define DEFERRED_NEEDS (PERF_SAMPLE_TID | PERF_SAMPLE_TIME)

/* u64 cookie, u64 nr, u64 callers[nr], sample id. */
bool perf_deferred_decode(const struct perf_events *events, const struct perf_record *record,
			  bool swap, struct perf_deferred *deferred)
{
	struct byte_reader reader = byte_reader_of(record->tainted_body, record->body_size, swap);
	const int index =
		perf_events_of_trailer(events, record->tainted_body, record->body_size, swap);
	struct perf_sample id;

	*deferred = (struct perf_deferred){.cookie = byte_reader_u64(&reader)};
	deferred->n_callers = byte_reader_u64(&reader);
	if (deferred->n_callers > reader.left / 8)
		return false;
	deferred->tainted_callers = byte_reader_bytes(&reader, 8 * deferred->n_callers);
	if (reader.failed || index < 0 ||
	    (perf_events_get(events, (guint)index)->sample_type & DEFERRED_NEEDS) !=
		    DEFERRED_NEEDS ||
	    !perf_sample_id_decode(events, record->tainted_body, record->body_size, swap, &id))
		return false;
	deferred->pid = id.pid;
	deferred->tid = id.tid;
	deferred->time_ns = id.time_ns;
	return true;
}
