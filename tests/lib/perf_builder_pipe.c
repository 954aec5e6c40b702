/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A recording of the byte builder as `perf record -o -` writes it: no sections, all that a plain
 * file says in them is in records; see perf_builder.h.
 *
 * Source: tools/perf/util/synthetic-events.c of the kernel: perf_event__synthesize_for_pipe() and
 * what it calls; record__synthesize() in builtin-record.c for the order.
 */
#include "perf_builder_private.h"

#define PIPE_HEADER_SIZE     16
#define LAST_FEATURE	     32 /* HEADER_LAST_FEATURE of perf 6.1: ends the features */
#define MAX_RECORD_SIZE	     G_MAXUINT16
#define EVENT_UPDATE_UNIT    0
#define EVENT_UPDATE_SCALE   1
#define EVENT_UPDATE_NAME    2
#define EVENT_UPDATE_CPUS    3
#define TIME_CONV_SIZE	     48
#define CPU_MAP_CPUS	     0
#define BUILD_ID_SIZE_OFFSET 6 /* of the size in a row of BUILD_ID, which is a record */

/* Features that perf does not put into a pipe: synthesize is false in its table feat_ops. */
static const guint not_in_pipes[] = {
	PERF_BUILDER_TRACING_DATA, /* a record of its own */
	PERF_BUILDER_BUILD_ID,	   /* likewise, one for each file */
	15,			   /* BRANCH_STACK */
	18,			   /* AUXTRACE */
	19,			   /* STAT */
	20,			   /* CACHE */
	PERF_BUILDER_DIR_FORMAT,
	30, /* HYBRID_TOPOLOGY */
};

static gboolean is_in_pipes(guint feature)
{
	for (guint i = 0; i < G_N_ELEMENTS(not_in_pipes); i++) {
		if (not_in_pipes[i] == feature)
			return FALSE;
	}
	return TRUE;
}

static void put_attr_record(const struct perf_builder *builder, GByteArray *to,
			    const struct perf_builder_kind *event)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	perf_builder_put_attr(builder, payload, &event->attr);
	perf_builder_put_ids(builder, payload, event);
	perf_builder_put_record(builder, to, PERF_BUILDER_HEADER_ATTR, 0, payload);
}

/* A feature too large for a record is left out, as perf does. */
static void put_feature_record(const struct perf_builder *builder, GByteArray *to, guint feature,
			       const GByteArray *bytes)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u64(builder, payload, feature);
	if (bytes)
		put_bytes(payload, bytes->data, bytes->len);
	if (PERF_BUILDER_RECORD_HEADER_SIZE + payload->len <= MAX_RECORD_SIZE)
		perf_builder_put_record(builder, to, PERF_BUILDER_HEADER_FEATURE, 0, payload);
}

static void put_features(const struct perf_builder *builder, GByteArray *to)
{
	for (guint i = 0; i < LAST_FEATURE; i++) {
		g_autoptr(GByteArray) feature = NULL;

		if (!is_in_pipes(i))
			continue;
		feature = perf_builder_get_feature(builder, i);
		if (feature)
			put_feature_record(builder, to, i, feature);
	}
	put_feature_record(builder, to, LAST_FEATURE, NULL);
}

/* The size of the container is in the record, and the container behind it. */
static void put_tracing_data(const struct perf_builder *builder, GByteArray *to)
{
	g_autoptr(GByteArray) container =
		perf_builder_get_feature(builder, PERF_BUILDER_TRACING_DATA);
	g_autoptr(GByteArray) payload = g_byte_array_new();

	if (!container)
		return;
	put_u32(builder, payload, (container->len + 7) / 8 * 8);
	put_u32(builder, payload, 0);
	perf_builder_put_record(builder, to, PERF_BUILDER_HEADER_TRACING_DATA, 0, payload);
	put_bytes(to, container->data, container->len);
	pad(to, to->len - container->len, 8);
}

static void put_time_conv(const struct perf_builder *builder, GByteArray *to)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u64(builder, payload, 31);	       /* shift */
	put_u64(builder, payload, 1073741824); /* mult */
	put_zeros(payload, TIME_CONV_SIZE - 2 * 8);
	perf_builder_put_record(builder, to, PERF_BUILDER_TIME_CONV, 0, payload);
}

/* Every id with its CPU; perf makes several records when there are too many for one. */
static void put_id_index(const struct perf_builder *builder, GByteArray *to)
{
	const guint entry_size = 4 * 8;
	const guint max = (MAX_RECORD_SIZE - PERF_BUILDER_RECORD_HEADER_SIZE - 8) / entry_size;
	g_autoptr(GByteArray) entries = g_byte_array_new();

	for (guint i = 0; i < builder->events->len; i++) {
		const struct perf_builder_kind *event = perf_builder_get_event(builder, i);

		for (guint cpu = 0; cpu < event->ids->len; cpu++) {
			put_u64(builder, entries, g_array_index(event->ids, guint64, cpu));
			put_u64(builder, entries, cpu); /* its place */
			put_u64(builder, entries, cpu);
			put_u64(builder, entries, G_MAXUINT64); /* of all threads */
		}
	}
	for (guint done = 0, n; done < entries->len; done += n * entry_size) {
		g_autoptr(GByteArray) payload = g_byte_array_new();

		n = MIN(max, (entries->len - done) / entry_size);
		put_u64(builder, payload, n);
		put_bytes(payload, entries->data + done, n * entry_size);
		perf_builder_put_record(builder, to, PERF_BUILDER_ID_INDEX, 0, payload);
	}
}

/* kind: of EVENT_UPDATE, what it tells of the event. */
static void put_update(const struct perf_builder *builder, GByteArray *to,
		       const struct perf_builder_kind *event, guint64 kind, const GByteArray *what)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u64(builder, payload, kind);
	put_u64(builder, payload, g_array_index(event->ids, guint64, 0));
	put_bytes(payload, what->data, what->len);
	pad(payload, 0, 8);
	perf_builder_put_record(builder, to, PERF_BUILDER_EVENT_UPDATE, 0, payload);
}

/* perf counts the union in which the text stands in, and then the text. */
static void put_text_update(const struct perf_builder *builder, GByteArray *to,
			    const struct perf_builder_kind *event, guint64 kind, const char *text)
{
	g_autoptr(GByteArray) what = g_byte_array_new();

	put_padded_string(what, text);
	put_zeros(what, 16);
	put_update(builder, to, event, kind, what);
}

static void put_scale_update(const struct perf_builder *builder, GByteArray *to,
			     const struct perf_builder_kind *event, double scale)
{
	g_autoptr(GByteArray) what = g_byte_array_new();
	guint64 bits;

	memcpy(&bits, &scale, sizeof(bits));
	put_u64(builder, what, bits);
	put_update(builder, to, event, EVENT_UPDATE_SCALE, what);
}

static void put_cpus(const struct perf_builder *builder, GByteArray *to, guint n)
{
	put_u16(builder, to, CPU_MAP_CPUS);
	put_u16(builder, to, n);
	for (guint cpu = 0; cpu < n; cpu++)
		put_u16(builder, to, cpu);
}

static void put_cpus_update(const struct perf_builder *builder, GByteArray *to,
			    const struct perf_builder_kind *event)
{
	g_autoptr(GByteArray) what = g_byte_array_new();

	put_cpus(builder, what, event->ids->len);
	put_update(builder, to, event, EVENT_UPDATE_CPUS, what);
}

static void put_updates(const struct perf_builder *builder, GByteArray *to)
{
	for (guint i = 0; i < builder->events->len; i++) {
		const struct perf_builder_kind *event = perf_builder_get_event(builder, i);

		if (builder->units) {
			put_text_update(builder, to, event, EVENT_UPDATE_UNIT, "msec");
			put_scale_update(builder, to, event, 1e-6);
			put_cpus_update(builder, to, event);
		}
		put_text_update(builder, to, event, EVENT_UPDATE_NAME, event->name);
	}
}

/* The one thread -1, which stands for all: `perf record -a`. */
static void put_thread_map(const struct perf_builder *builder, GByteArray *to)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u64(builder, payload, 1);
	put_u64(builder, payload, G_MAXUINT64);
	put_zeros(payload, 16); /* no name */
	perf_builder_put_record(builder, to, PERF_BUILDER_THREAD_MAP, 0, payload);
}

static void put_cpu_map(const struct perf_builder *builder, GByteArray *to)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();
	guint n = 0;

	for (guint i = 0; i < builder->events->len; i++)
		n = MAX(n, perf_builder_get_event(builder, i)->ids->len);
	put_cpus(builder, payload, n);
	pad(payload, 0, 8);
	perf_builder_put_record(builder, to, PERF_BUILDER_CPU_MAP, 0, payload);
}

void perf_builder_put_pipe_begin(const struct perf_builder *builder, GByteArray *to)
{
	put_u64(builder, to, PERF_BUILDER_MAGIC);
	put_u64(builder, to, PIPE_HEADER_SIZE);
	for (guint i = 0; i < builder->events->len; i++)
		put_attr_record(builder, to, perf_builder_get_event(builder, i));
	put_features(builder, to);
	put_tracing_data(builder, to);
	put_time_conv(builder, to);
	put_id_index(builder, to);
}

void perf_builder_put_pipe_names(const struct perf_builder *builder, GByteArray *to)
{
	put_updates(builder, to);
	put_thread_map(builder, to);
	put_cpu_map(builder, to);
}

void perf_builder_put_finished_init(const struct perf_builder *builder, GByteArray *to)
{
	g_autoptr(GByteArray) nothing = g_byte_array_new();

	perf_builder_put_record(builder, to, PERF_BUILDER_FINISHED_INIT, 0, nothing);
}

GByteArray *perf_builder_pipe_head(struct perf_builder *builder)
{
	GByteArray *head = g_byte_array_new();

	perf_builder_put_pipe_begin(builder, head);
	perf_builder_put_pipe_names(builder, head);
	perf_builder_put_finished_init(builder, head);
	return head;
}

void perf_builder_set_units(struct perf_builder *builder, gboolean units)
{
	builder->units = units;
}

/* The rows of the feature BUILD_ID are the records, only that their type is not set. */
GByteArray *perf_builder_pipe_tail(struct perf_builder *builder)
{
	GByteArray *tail = g_byte_array_new();
	g_autoptr(GByteArray) rows = perf_builder_get_feature(builder, PERF_BUILDER_BUILD_ID);
	guint size;

	for (guint at = 0; rows && at < rows->len; at += size) {
		const guint8 *row = rows->data + at;
		const guint8 *size_bytes = row + BUILD_ID_SIZE_OFFSET;

		size = builder->byte_order == G_BIG_ENDIAN ? size_bytes[0] << 8 | size_bytes[1]
							   : size_bytes[1] << 8 | size_bytes[0];
		put_u32(builder, tail, PERF_BUILDER_HEADER_BUILD_ID);
		put_bytes(tail, row + 4, size - 4);
	}
	return tail;
}
