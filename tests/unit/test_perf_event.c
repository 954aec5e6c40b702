/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfdata/perf_event: samples of every layout, the ids that tell events apart,
 * and the sample ids behind other records, in both byte orders.
 */
#include "perfdata/perf_sample.h"

#include "base/error.h"
#include "lib/small_file.h"

#include <string.h>

static const int byte_orders[] = {G_LITTLE_ENDIAN, G_BIG_ENDIAN};

/* The body of the only record that the builder has, from its file. */
static GBytes *only_body(struct perf_builder *builder)
{
	struct perf_builder_layout layout;
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, &layout);

	return g_bytes_new(bytes->data + layout.data_offset + 8, layout.data_size - 8);
}

static guint64 entry_of(const guint8 *tainted, guint index, int byte_order)
{
	guint64 entry;

	memcpy(&entry, tainted + 8 * index, 8);
	return byte_order == G_LITTLE_ENDIAN ? GUINT64_FROM_LE(entry) : GUINT64_FROM_BE(entry);
}

static void check_layout(guint64 sample_type, int byte_order)
{
	static const guint64 chain[] = {PERF_CONTEXT_KERNEL, 0xffffffff81000000, 3};
	const guint8 raw[] = {1, 2, 3, 4};
	const bool swap = byte_order != G_BYTE_ORDER;
	const struct perf_builder_sample told = {
		.at = {.pid = -2, .tid = 31, .cpu = 1, .time_ns = 0x1122334455667788},
		.ip = 0xffffffff80001234,
		.period = 0x99aabbccddeeff00,
		.addr = 0xdead,
		.chain = chain,
		.n_chain = G_N_ELEMENTS(chain),
		.raw = raw,
		.raw_size_bytes = sizeof(raw)};
	struct perf_builder_event event = small_file_clock_event;
	struct perf_builder *builder = perf_builder_new(byte_order);
	struct perf_event read = {.sample_type = sample_type, .sample_period = 77};
	const bool has_id = sample_type & (PERF_SAMPLE_ID | PERF_SAMPLE_IDENTIFIER);
	g_autoptr(GBytes) bytes = NULL;
	struct perf_sample sample;
	const guint8 *body;
	gsize size;

	event.attr.sample_type = sample_type;
	perf_builder_add_event(builder, &event);
	perf_builder_sample(builder, &told);
	bytes = only_body(builder);
	body = g_bytes_get_data(bytes, &size);
	g_assert_true(perf_sample_decode(&read, body, size, swap, &sample));
	g_assert_cmphex(sample.id, ==, has_id ? perf_builder_event_id(builder, 0, 1) : 0);
	g_assert_cmphex(sample.ip, ==, sample_type & PERF_SAMPLE_IP ? told.ip : 0);
	g_assert_cmpuint(sample.pid, ==, sample_type & PERF_SAMPLE_TID ? 4294967294 : 0);
	g_assert_cmpuint(sample.tid, ==, sample_type & PERF_SAMPLE_TID ? 31 : 0);
	g_assert_cmphex(sample.time_ns, ==, sample_type & PERF_SAMPLE_TIME ? told.at.time_ns : 0);
	g_assert_cmpuint(sample.cpu, ==, sample_type & PERF_SAMPLE_CPU ? 1 : 0);
	g_assert_cmphex(sample.period, ==, sample_type & PERF_SAMPLE_PERIOD ? told.period : 77);
	if (sample_type & PERF_SAMPLE_CALLCHAIN) {
		g_assert_cmpuint(sample.callchain_len, ==, G_N_ELEMENTS(chain));
		for (guint i = 0; i < G_N_ELEMENTS(chain); i++)
			g_assert_cmphex(entry_of(sample.tainted_callchain, i, byte_order), ==,
					chain[i]);
	} else {
		g_assert_null(sample.tainted_callchain);
	}
	if (sample_type & PERF_SAMPLE_RAW)
		g_assert_cmpmem(sample.tainted_raw, sample.raw_size, raw, sizeof(raw));
	else
		g_assert_null(sample.tainted_raw);

	/* Memory of exactly that size, so that a read past it is seen by ASan. */
	for (gsize cut = 0; cut < size; cut++) {
		g_autofree guint8 *copy = g_memdup2(body, cut);

		g_assert_false(perf_sample_decode(&read, copy, cut, swap, &sample));
	}
	perf_builder_free(builder);
}

/* Every combination of what a sample can hold. */
static void test_sample_layouts(void)
{
	static const guint64 bits[] = {
		PERF_SAMPLE_IP,	 PERF_SAMPLE_TID,	PERF_SAMPLE_TIME,      PERF_SAMPLE_ADDR,
		PERF_SAMPLE_ID,	 PERF_SAMPLE_STREAM_ID, PERF_SAMPLE_CPU,       PERF_SAMPLE_PERIOD,
		PERF_SAMPLE_RAW, PERF_SAMPLE_CALLCHAIN, PERF_SAMPLE_IDENTIFIER};

	for (guint chosen = 0; chosen < 1U << G_N_ELEMENTS(bits); chosen++) {
		guint64 sample_type = 0;

		for (guint i = 0; i < G_N_ELEMENTS(bits); i++)
			sample_type |= chosen >> i & 1 ? bits[i] : 0;
		for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++)
			check_layout(sample_type, byte_orders[i]);
	}
}

/* The period of a rate is not known when the sample does not say. */
static void test_sample_of_rate(void)
{
	const struct perf_event event = {.sample_type = 0, .sample_period = 997, .freq = true};
	struct perf_sample sample;

	g_assert_true(perf_sample_decode(&event, NULL, 0, false, &sample));
	g_assert_cmpuint(sample.period, ==, 0);
}

/* PERF_SAMPLE_READ's values are passed over, whatever the read_format makes of them. */
static void test_sample_read_values(void)
{
	static const struct {
		guint64 read_format;
		guint64 n_counters; /* with GROUP: the first word */
		guint words;	    /* before the raw part */
	} cases[] = {
		{0, 0, 1},
		{PERF_FORMAT_ID, 0, 2},
		{PERF_FORMAT_ID | PERF_FORMAT_LOST, 0, 3},
		{PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING, 0, 3},
		{PERF_FORMAT_GROUP, 0, 1},
		{PERF_FORMAT_GROUP, 3, 4},
		{PERF_FORMAT_GROUP | PERF_FORMAT_ID, 3, 7},
		{PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_LOST |
			 PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
		 2, 9},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct perf_event event = {.sample_type = PERF_SAMPLE_READ | PERF_SAMPLE_RAW,
					   .read_format = cases[i].read_format};
		const gsize size = 8 * cases[i].words + 8;
		g_autofree guint64 *words = g_new0(guint64, cases[i].words + 1);
		struct perf_sample sample;
		guint32 raw[2] = {4, 0x64636261};

		if (cases[i].read_format & PERF_FORMAT_GROUP)
			words[0] = cases[i].n_counters;
		memcpy(words + cases[i].words, raw, 8);
		g_assert_true(perf_sample_decode(&event, (guint8 *)words, size, false, &sample));
		g_assert_cmpmem(sample.tainted_raw, sample.raw_size, &raw[1], 4);
		g_assert_false(
			perf_sample_decode(&event, (guint8 *)words, size - 1, false, &sample));
	}
}

/* Counts that, times their size, are small again in 64 bits. */
static void test_sample_absurd_counts(void)
{
	static const guint64 counts[] = {3,
					 G_MAXUINT64,
					 G_GUINT64_CONSTANT(1) << 61,
					 (G_GUINT64_CONSTANT(1) << 61) + 1,
					 (G_GUINT64_CONSTANT(1) << 60) + 1,
					 G_GUINT64_CONSTANT(0x5555555555555556)};

	for (guint i = 0; i < G_N_ELEMENTS(counts); i++) {
		const struct perf_event chain = {.sample_type = PERF_SAMPLE_CALLCHAIN};
		const struct perf_event group = {.sample_type = PERF_SAMPLE_READ,
						 .read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID |
								PERF_FORMAT_LOST};
		const guint64 body[3] = {counts[i]};
		struct perf_sample sample;

		g_assert_false(perf_sample_decode(&chain, (const guint8 *)body, sizeof(body), false,
						  &sample));
		g_assert_false(perf_sample_decode(&group, (const guint8 *)body, sizeof(body), false,
						  &sample));
	}
}

static void test_ids(void)
{
	struct perf_builder *builder = small_file_builder(G_BIG_ENDIAN);
	struct perf_file *file = small_file_open(builder);
	const struct perf_events *events = perf_file_events(file);

	for (guint event = 0; event < 2; event++) {
		for (guint32 cpu = 0; cpu < 2; cpu++) {
			guint64 id = GUINT64_TO_BE(perf_builder_event_id(builder, event, cpu));

			g_assert_cmpint(perf_events_of_sample(events, (guint8 *)&id, 8,
							      perf_file_is_swapped(file)),
					==, (int)event);
			g_assert_cmpint(perf_events_of_sample(events, (guint8 *)&id, 7,
							      perf_file_is_swapped(file)),
					==, -1);
		}
	}
	g_assert_cmpint(perf_events_of_sample(events, (const guint8 *)"\0\0\0\0\0\0\1\0", 8,
					      perf_file_is_swapped(file)),
			==, -1);
	perf_file_free(file);
	perf_builder_free(builder);
}

/* An event in whose samples the id stands where `sample_type` puts it. */
static void add_event(struct perf_events *events, guint64 sample_type)
{
	const struct perf_event_attr attr = {.size = sizeof(attr), .sample_type = sample_type};
	g_autoptr(GError) error = NULL;

	perf_events_add(events, (const guint8 *)&attr, sizeof(attr), false, &error);
	g_assert_no_error(error);
}

static void assert_event(const struct perf_events *events, const guint64 *body, gsize words,
			 int expected)
{
	g_assert_cmpint(perf_events_of_sample(events, (const guint8 *)body, 8 * words, false), ==,
			expected);
}

/* In pipe mode events and ids come while samples do: what was found before does not stay. */
static void test_ids_that_come_later(void)
{
	struct perf_events *events = perf_events_new();
	const guint64 sample[] = {70};

	add_event(events, PERF_SAMPLE_IDENTIFIER);
	/* As long as it is the only one. */
	assert_event(events, sample, 1, 0);
	add_event(events, PERF_SAMPLE_IDENTIFIER);
	assert_event(events, sample, 1, -1);
	perf_events_add_id(events, 70, 1);
	assert_event(events, sample, 1, 1);
	perf_events_add_id(events, 70, 0);
	assert_event(events, sample, 1, 0);
	/* Its ids stand at a place of their own, where these samples have nothing. */
	add_event(events, PERF_SAMPLE_TID | PERF_SAMPLE_ID);
	perf_events_add_id(events, 70, 2);
	assert_event(events, sample, 1, -1);
	perf_events_free(events);
}

/* With two places it is not the first word alone that tells. */
static void test_ids_at_two_places(void)
{
	struct perf_events *events = perf_events_new();
	const guint64 known[] = {5, 0, 0, 90}, unknown[] = {5, 0, 0, 91}, first[] = {70, 0, 0, 91};
	const guint64 both[] = {70, 0, 0, 90};

	add_event(events, PERF_SAMPLE_IDENTIFIER);
	add_event(events, PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ID);
	perf_events_add_id(events, 70, 0);
	perf_events_add_id(events, 90, 1);
	assert_event(events, known, G_N_ELEMENTS(known), 1);
	assert_event(events, unknown, G_N_ELEMENTS(unknown), -1);
	assert_event(events, first, G_N_ELEMENTS(first), 0);
	assert_event(events, both, G_N_ELEMENTS(both), -1);
	assert_event(events, first, G_N_ELEMENTS(first), 0);
	perf_events_free(events);
}

static void check_trailer(guint64 sample_type, int byte_order)
{
	const struct perf_builder_stamp at = {
		.event = 1, .pid = 5, .tid = 6, .cpu = 1, .time_ns = 0x1122334455667788};
	struct perf_builder_event event = small_file_clock_event;
	struct perf_builder *builder = perf_builder_new(byte_order);
	const bool has_id = sample_type & (PERF_SAMPLE_ID | PERF_SAMPLE_IDENTIFIER);
	g_autoptr(GBytes) bytes = NULL;
	struct perf_sample sample;
	struct perf_file *file;
	const guint8 *body;
	gsize size;

	event.attr.sample_type = sample_type;
	perf_builder_add_event(builder, &event);
	perf_builder_add_event(builder, &event);
	perf_builder_comm(builder, &at, "name", FALSE);
	bytes = only_body(builder);
	body = g_bytes_get_data(bytes, &size);
	file = small_file_open(builder);
	g_assert_true(has_id);
	g_assert_true(perf_sample_id_decode(perf_file_events(file), body, size,
					    perf_file_is_swapped(file), &sample));
	g_assert_cmphex(sample.id, ==, perf_builder_event_id(builder, 1, 1));
	g_assert_cmpuint(sample.pid, ==, sample_type & PERF_SAMPLE_TID ? 5 : 0);
	g_assert_cmpuint(sample.tid, ==, sample_type & PERF_SAMPLE_TID ? 6 : 0);
	g_assert_cmphex(sample.time_ns, ==, sample_type & PERF_SAMPLE_TIME ? at.time_ns : 0);
	g_assert_cmpuint(sample.cpu, ==, sample_type & PERF_SAMPLE_CPU ? 1 : 0);
	/* What is left of it from the front: the trailer stands at the end. */
	for (gsize start = 0; start <= size; start++) {
		g_autofree guint8 *copy = g_memdup2(body + start, size - start);
		bool whole = size - start >= size - 16; /* pid, tid, "name" and its padding */

		g_assert_cmpint(perf_sample_id_decode(perf_file_events(file), copy, size - start,
						      perf_file_is_swapped(file), &sample),
				==, whole);
	}
	perf_file_free(file);
	perf_builder_free(builder);
}

static void test_trailers(void)
{
	static const guint64 bits[] = {PERF_SAMPLE_TID, PERF_SAMPLE_TIME, PERF_SAMPLE_STREAM_ID,
				       PERF_SAMPLE_CPU, PERF_SAMPLE_ID,	  PERF_SAMPLE_IDENTIFIER};

	for (guint chosen = 0; chosen < 1U << G_N_ELEMENTS(bits); chosen++) {
		guint64 sample_type = 0;

		for (guint i = 0; i < G_N_ELEMENTS(bits); i++)
			sample_type |= chosen >> i & 1 ? bits[i] : 0;
		if (!(sample_type & (PERF_SAMPLE_ID | PERF_SAMPLE_IDENTIFIER)))
			continue;
		for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++)
			check_trailer(sample_type, byte_orders[i]);
	}
}

/* Records that perf made up have id 0; an id of nobody has no layout; neither has no trailer. */
static void test_trailer_ids(void)
{
	struct perf_builder_event event = small_file_clock_event;
	struct perf_builder *builder = perf_builder_new(G_BYTE_ORDER);
	const guint64 words = 4; /* pid and tid, time, cpu, identifier */
	guint64 body[] = {0, 99, 1, 0};
	struct perf_sample sample;
	struct perf_file *file;

	perf_builder_add_event(builder, &event);
	perf_builder_add_event(builder, &event);
	file = small_file_open(builder);
	g_assert_true(perf_sample_id_decode(perf_file_events(file), (guint8 *)body, 8 * words,
					    false, &sample));
	g_assert_cmpuint(sample.time_ns, ==, 99);
	body[3] = 12345;
	g_assert_false(perf_sample_id_decode(perf_file_events(file), (guint8 *)body, 8 * words,
					     false, &sample));
	perf_file_free(file);

	/* small_file_builder()'s second event has none. */
	perf_builder_free(builder);
	builder = small_file_builder(G_BYTE_ORDER);
	file = small_file_open(builder);
	g_assert_false(perf_sample_id_decode(perf_file_events(file), (guint8 *)body, 8 * words,
					     false, &sample));
	perf_file_free(file);
	perf_builder_free(builder);
}

/* The id is not the stream id, which stands behind it and need not be the same. */
static void test_trailer_stream_id(void)
{
	struct perf_builder_event event = small_file_clock_event;
	struct perf_builder *builder = perf_builder_new(G_BYTE_ORDER);
	guint64 body[] = {0, 77, 88}; /* id, stream id, cpu */
	struct perf_sample sample;
	struct perf_file *file;

	event.attr.sample_type = PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU;
	perf_builder_add_event(builder, &event);
	perf_builder_add_event(builder, &event);
	body[0] = perf_builder_event_id(builder, 1, 0);
	file = small_file_open(builder);
	g_assert_true(perf_sample_id_decode(perf_file_events(file), (guint8 *)body, sizeof(body),
					    false, &sample));
	g_assert_cmpuint(sample.id, ==, body[0]);
	perf_file_free(file);
	perf_builder_free(builder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/perf_event/sample_layouts", test_sample_layouts);
	g_test_add_func("/perf_event/sample_of_rate", test_sample_of_rate);
	g_test_add_func("/perf_event/sample_read_values", test_sample_read_values);
	g_test_add_func("/perf_event/sample_absurd_counts", test_sample_absurd_counts);
	g_test_add_func("/perf_event/ids", test_ids);
	g_test_add_func("/perf_event/ids_that_come_later", test_ids_that_come_later);
	g_test_add_func("/perf_event/ids_at_two_places", test_ids_at_two_places);
	g_test_add_func("/perf_event/trailers", test_trailers);
	g_test_add_func("/perf_event/trailer_ids", test_trailer_ids);
	g_test_add_func("/perf_event/trailer_stream_id", test_trailer_stream_id);
	return g_test_run();
}
