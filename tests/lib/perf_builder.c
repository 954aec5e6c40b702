/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes perf.data files; see perf_builder.h. The order of the sections is
 * decided in perf_builder_build() alone, the order of a sample's fields in
 * perf_builder_sample() and put_sample_id() alone. What a caller gets wrong
 * is an assertion, for that is a bug of the test.
 *
 * Sources of the format: the kernel's tools/perf/Documentation/
 * perf.data-file-format.txt, tools/perf/util/{header,trace-event-info}.c,
 * include/uapi/linux/perf_event.h; compared with files of perf 6.1.
 */
#include "perf_builder.h"

#include <stdio.h>
#include <string.h>

#define MAGIC		   0x32454c4946524550ULL /* "PERFILE2", written as a number of the file's byte order */
#define HEADER_SIZE	   104
#define STRING_ALIGN	   64  /* perf's NAME_ALIGN */
#define ATTR_FIXED_SIZE	   128 /* PERF_ATTR_SIZE_VER7, the fields that put_attr() knows */
#define RECORD_HEADER_SIZE 8
#define BUILD_ID_SIZE	   20
#define MISC_BUILD_ID_SIZE (1 << 15) /* perf's own: the size stands behind the build-id */
#define MISC_FORK_EXEC	   (1 << 13) /* perf's own: the process has not its parent's mappings */
#define RAW_COMMON_SIZE	   8	     /* common_type to common_pid */

struct arg_type {
	const char *name;
	guint size_bytes;
	gboolean is_signed;
	const char *print;
};

/* As trace_probe.c of the kernel names and prints them. */
static const struct arg_type arg_types[] = {
	{"s8", 1, TRUE, "%d"},	 {"u8", 1, FALSE, "%u"},   {"s16", 2, TRUE, "%d"},
	{"u16", 2, FALSE, "%u"}, {"s32", 4, TRUE, "%d"},   {"u32", 4, FALSE, "%u"},
	{"s64", 8, TRUE, "%Ld"}, {"u64", 8, FALSE, "%Lu"},
};

struct event {
	char *name;	 /* Owned by this */
	char *format;	 /* Owned by this; NULL: made from args */
	GPtrArray *args; /* Owned by this; of const struct arg_type */
	struct perf_event_attr attr;
	GArray *ids; /* Owned by this; of guint64 */
};

struct perf_builder {
	int byte_order;
	guint long_size;
	guint attr_size;
	gboolean data_size_zero;
	gboolean killed;
	guint64 cut_at;
	guint64 next_id;
	GPtrArray *events;			       /* Owned by this; of struct event */
	GByteArray *data;			       /* Owned by this */
	GByteArray *features[PERF_BUILDER_N_FEATURES]; /* Owned by this; NULL: none */
	gboolean omitted[PERF_BUILDER_N_FEATURES];
};

static void event_free(gpointer data)
{
	struct event *event = data;

	g_free(event->name);
	g_free(event->format);
	g_ptr_array_unref(event->args);
	g_array_unref(event->ids);
	g_free(event);
}

/* Numbers in the byte order of the file, size_bytes of 1, 2, 4 or 8; the upper bytes are dropped.
 */
static void put_number(const struct perf_builder *builder, GByteArray *to, guint64 value,
		       guint size_bytes)
{
	guint8 bytes[8];

	for (guint i = 0; i < size_bytes; i++) {
		guint at = builder->byte_order == G_BIG_ENDIAN ? size_bytes - 1 - i : i;

		bytes[at] = value >> (8 * i) & 0xff;
	}
	g_byte_array_append(to, bytes, size_bytes);
}

static void put_u16(const struct perf_builder *builder, GByteArray *to, guint16 value)
{
	put_number(builder, to, value, 2);
}

static void put_u32(const struct perf_builder *builder, GByteArray *to, guint32 value)
{
	put_number(builder, to, value, 4);
}

static void put_u64(const struct perf_builder *builder, GByteArray *to, guint64 value)
{
	put_number(builder, to, value, 8);
}

static void put_bytes(GByteArray *to, gconstpointer bytes, gsize size_bytes)
{
	if (size_bytes)
		g_byte_array_append(to, bytes, size_bytes);
}

static void put_zeros(GByteArray *to, gsize n)
{
	static const guint8 zero;

	while (n--)
		g_byte_array_append(to, &zero, 1);
}

/* Zeros up to the next multiple of align, counted from start. */
static void pad(GByteArray *to, gsize start, gsize align)
{
	gsize over = (to->len - start) % align;

	if (over)
		put_zeros(to, align - over);
}

/* A string of the records: its NUL inside, padded to 8. */
static void put_padded_string(GByteArray *to, const char *string)
{
	gsize start = to->len;

	put_bytes(to, string, strlen(string) + 1);
	pad(to, start, 8);
}

/* A perf_header_string: the length counts the padding, which holds the NUL. */
static void put_header_string(const struct perf_builder *builder, GByteArray *to,
			      const char *string)
{
	gsize size = strlen(string) + 1;
	gsize padded = (size + STRING_ALIGN - 1) / STRING_ALIGN * STRING_ALIGN;

	put_u32(builder, to, padded);
	put_bytes(to, string, size);
	put_zeros(to, padded - size);
}

static guint64 reverse_bits(guint64 value)
{
	guint64 reversed = 0;

	for (guint i = 0; i < 64; i++)
		reversed |= (value >> i & 1) << (63 - i);
	return reversed;
}

/*
 * A machine of the other byte order fills its bit fields from the other end,
 * so the word of flags is turned round and then written like every number.
 */
static void put_attr(const struct perf_builder *builder, GByteArray *to,
		     const struct perf_event_attr *attr)
{
	gsize start = to->len;
	guint64 flags;

	/* The bit fields from "disabled" on are the 64 bits behind read_format. */
	memcpy(&flags,
	       (const char *)attr + G_STRUCT_OFFSET(struct perf_event_attr, read_format) + 8, 8);
	if (builder->byte_order != G_BYTE_ORDER)
		flags = reverse_bits(flags);

	put_u32(builder, to, attr->type);
	put_u32(builder, to, builder->attr_size);
	put_u64(builder, to, attr->config);
	put_u64(builder, to, attr->sample_period);
	put_u64(builder, to, attr->sample_type);
	put_u64(builder, to, attr->read_format);
	put_u64(builder, to, flags);
	put_u32(builder, to, attr->wakeup_events);
	put_u32(builder, to, attr->bp_type);
	put_u64(builder, to, attr->config1);
	put_u64(builder, to, attr->config2);
	put_u64(builder, to, attr->branch_sample_type);
	put_u64(builder, to, attr->sample_regs_user);
	put_u32(builder, to, attr->sample_stack_user);
	put_u32(builder, to, attr->clockid);
	put_u64(builder, to, attr->sample_regs_intr);
	put_u32(builder, to, attr->aux_watermark);
	put_u16(builder, to, attr->sample_max_stack);
	put_u16(builder, to, 0);
	put_u32(builder, to, attr->aux_sample_size);
	put_u32(builder, to, 0);
	put_u64(builder, to, attr->sig_data);
	g_assert_cmpuint(to->len - start, ==, ATTR_FIXED_SIZE);

	if (builder->attr_size > ATTR_FIXED_SIZE)
		put_zeros(to, builder->attr_size - ATTR_FIXED_SIZE);
	else
		g_byte_array_set_size(to, start + builder->attr_size);
}

struct perf_builder *perf_builder_new(int byte_order)
{
	struct perf_builder *builder = g_new0(struct perf_builder, 1);

	g_assert(byte_order == G_LITTLE_ENDIAN || byte_order == G_BIG_ENDIAN);
	builder->byte_order = byte_order;
	builder->long_size = 8;
	builder->attr_size = ATTR_FIXED_SIZE;
	builder->cut_at = G_MAXUINT64;
	builder->next_id = 1;
	builder->events = g_ptr_array_new_with_free_func(event_free);
	builder->data = g_byte_array_new();
	return builder;
}

void perf_builder_free(struct perf_builder *builder)
{
	if (!builder)
		return;
	g_ptr_array_unref(builder->events);
	g_byte_array_unref(builder->data);
	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++)
		g_clear_pointer(&builder->features[i], g_byte_array_unref);
	g_free(builder);
}

void perf_builder_set_long_size(struct perf_builder *builder, guint size_bytes)
{
	g_assert(size_bytes == 4 || size_bytes == 8);
	g_assert_cmpuint(builder->events->len, ==, 0);
	builder->long_size = size_bytes;
}

void perf_builder_set_attr_size(struct perf_builder *builder, guint size_bytes)
{
	g_assert(size_bytes >= PERF_ATTR_SIZE_VER0 && size_bytes % 8 == 0);
	builder->attr_size = size_bytes;
}

static GPtrArray *parse_args(const char *args)
{
	GPtrArray *types = g_ptr_array_new();
	g_auto(GStrv) names = g_strsplit(args ? args : "", " ", -1);

	for (char **name = names; *name; name++) {
		guint i;

		if (!**name)
			continue;
		for (i = 0; i < G_N_ELEMENTS(arg_types); i++) {
			if (!strcmp(arg_types[i].name, *name))
				break;
		}
		if (i == G_N_ELEMENTS(arg_types))
			g_error("no type of a probe's argument: '%s'", *name);
		g_ptr_array_add(types, (gpointer)&arg_types[i]);
	}
	return types;
}

guint perf_builder_add_event(struct perf_builder *builder, const struct perf_builder_event *event)
{
	struct event *added = g_new0(struct event, 1);

	g_assert_cmpuint(event->n_ids, >, 0);
	added->name = g_strdup(event->name);
	added->format = g_strdup(event->format);
	added->args = parse_args(event->args);
	added->attr = event->attr;
	added->ids = g_array_new(FALSE, FALSE, sizeof(guint64));
	for (guint i = 0; i < event->n_ids; i++) {
		g_array_append_val(added->ids, builder->next_id);
		builder->next_id++;
	}
	g_ptr_array_add(builder->events, added);
	return builder->events->len - 1;
}

static const struct event *get_event(const struct perf_builder *builder, guint event)
{
	g_assert_cmpuint(event, <, builder->events->len);
	return g_ptr_array_index(builder->events, event);
}

guint64 perf_builder_event_id(const struct perf_builder *builder, guint event, guint32 cpu)
{
	const GArray *ids = get_event(builder, event)->ids;

	return g_array_index(ids, guint64, cpu % ids->len);
}

/* A record is put together in bytes of its own, so that its size is known for its header. */
static guint64 add_record(struct perf_builder *builder, guint32 type, guint16 misc,
			  const GByteArray *payload)
{
	guint64 offset = builder->data->len;

	g_assert_cmpuint(payload->len, <=, G_MAXUINT16 - RECORD_HEADER_SIZE);
	put_u32(builder, builder->data, type);
	put_u16(builder, builder->data, misc);
	put_u16(builder, builder->data, RECORD_HEADER_SIZE + payload->len);
	put_bytes(builder->data, payload->data, payload->len);
	return offset;
}

/* struct sample_id of perf_event.h: which of its fields are there says the event's attr. */
static void put_sample_id(const struct perf_builder *builder, GByteArray *to,
			  const struct perf_builder_stamp *at)
{
	const struct event *event = get_event(builder, at->event);
	guint64 type = event->attr.sample_type;
	guint64 id = perf_builder_event_id(builder, at->event, at->cpu);

	if (!event->attr.sample_id_all)
		return;
	if (type & PERF_SAMPLE_TID) {
		put_u32(builder, to, at->pid);
		put_u32(builder, to, at->tid);
	}
	if (type & PERF_SAMPLE_TIME)
		put_u64(builder, to, at->time_ns);
	if (type & PERF_SAMPLE_ID)
		put_u64(builder, to, id);
	if (type & PERF_SAMPLE_STREAM_ID)
		put_u64(builder, to, id);
	if (type & PERF_SAMPLE_CPU) {
		put_u32(builder, to, at->cpu);
		put_u32(builder, to, 0);
	}
	if (type & PERF_SAMPLE_IDENTIFIER)
		put_u64(builder, to, id);
}

/* What a uprobe leaves: the common fields, __probe_ip, the arguments with nothing between. */
static void put_raw(const struct perf_builder *builder, GByteArray *to, const struct event *event,
		    const struct perf_builder_sample *sample)
{
	if (sample->raw) {
		put_bytes(to, sample->raw, sample->raw_size_bytes);
		return;
	}
	g_assert_cmpuint(sample->n_args, ==, event->args->len);
	put_u16(builder, to, event->attr.config);
	put_number(builder, to, 0, 1);
	put_number(builder, to, 0, 1);
	put_u32(builder, to, sample->at.tid);
	put_number(builder, to, sample->ip, builder->long_size);
	for (guint i = 0; i < event->args->len; i++) {
		const struct arg_type *type = g_ptr_array_index(event->args, i);

		put_number(builder, to, sample->args[i], type->size_bytes);
	}
}

/* The ABI, then the registers unless it is that of none. */
static void put_regs(const struct perf_builder *builder, GByteArray *to, const struct event *event,
		     const struct perf_builder_sample *sample)
{
	const guint n = (guint)__builtin_popcountll(event->attr.sample_regs_user);

	put_u64(builder, to, sample->regs_abi);
	for (guint i = 0; i < n && sample->regs_abi != PERF_SAMPLE_REGS_ABI_NONE; i++)
		put_u64(builder, to, sample->regs[i]);
}

/* The size, then unless that is 0 the bytes and how many of them are valid. */
static void put_stack(const struct perf_builder *builder, GByteArray *to,
		      const struct perf_builder_sample *sample)
{
	g_assert_cmpuint(sample->stack_size_bytes % 8, ==, 0);
	put_u64(builder, to, sample->stack_size_bytes);
	if (!sample->stack_size_bytes)
		return;
	put_bytes(to, sample->stack, sample->stack_size_bytes);
	put_u64(builder, to, sample->stack_valid_bytes);
}

guint64 perf_builder_sample(struct perf_builder *builder, const struct perf_builder_sample *sample)
{
	/* Fields that no recording of ours has, and that would move those behind them. */
	const guint64 known = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
			      PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_ID |
			      PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD |
			      PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW | PERF_SAMPLE_REGS_USER |
			      PERF_SAMPLE_STACK_USER;
	const struct perf_builder_stamp *at = &sample->at;
	const struct event *event = get_event(builder, at->event);
	guint64 type = event->attr.sample_type;
	guint64 id = perf_builder_event_id(builder, at->event, at->cpu);
	g_autoptr(GByteArray) payload = g_byte_array_new();

	g_assert_cmphex(type & ~known, ==, 0);
	if (type & PERF_SAMPLE_IDENTIFIER)
		put_u64(builder, payload, id);
	if (type & PERF_SAMPLE_IP)
		put_u64(builder, payload, sample->ip);
	if (type & PERF_SAMPLE_TID) {
		put_u32(builder, payload, at->pid);
		put_u32(builder, payload, at->tid);
	}
	if (type & PERF_SAMPLE_TIME)
		put_u64(builder, payload, at->time_ns);
	if (type & PERF_SAMPLE_ADDR)
		put_u64(builder, payload, sample->addr);
	if (type & PERF_SAMPLE_ID)
		put_u64(builder, payload, id);
	if (type & PERF_SAMPLE_STREAM_ID)
		put_u64(builder, payload, id);
	if (type & PERF_SAMPLE_CPU) {
		put_u32(builder, payload, at->cpu);
		put_u32(builder, payload, 0);
	}
	if (type & PERF_SAMPLE_PERIOD)
		put_u64(builder, payload, sample->period);
	if (type & PERF_SAMPLE_CALLCHAIN) {
		put_u64(builder, payload, sample->n_chain);
		for (gsize i = 0; i < sample->n_chain; i++)
			put_u64(builder, payload, sample->chain[i]);
	}
	if (type & PERF_SAMPLE_RAW) {
		g_autoptr(GByteArray) raw = g_byte_array_new();

		put_raw(builder, raw, event, sample);
		/* The kernel counts the padding in: size and bytes together end on a multiple of 8.
		 */
		while ((4 + raw->len) % 8)
			put_zeros(raw, 1);
		put_u32(builder, payload, raw->len);
		put_bytes(payload, raw->data, raw->len);
	}
	if (type & PERF_SAMPLE_REGS_USER)
		put_regs(builder, payload, event, sample);
	if (type & PERF_SAMPLE_STACK_USER)
		put_stack(builder, payload, sample);
	return add_record(builder, PERF_RECORD_SAMPLE, sample->misc, payload);
}

/* What MMAP and MMAP2 begin with. */
static void put_mapped_range(const struct perf_builder *builder, GByteArray *to,
			     const struct perf_builder_mmap *mmap)
{
	put_u32(builder, to, mmap->at.pid);
	put_u32(builder, to, mmap->at.tid);
	put_u64(builder, to, mmap->start);
	put_u64(builder, to, mmap->size_bytes);
	put_u64(builder, to, mmap->file_offset);
}

guint64 perf_builder_mmap(struct perf_builder *builder, const struct perf_builder_mmap *mmap)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_mapped_range(builder, payload, mmap);
	put_padded_string(payload, mmap->path);
	put_sample_id(builder, payload, &mmap->at);
	return add_record(builder, PERF_RECORD_MMAP, mmap->misc, payload);
}

guint64 perf_builder_mmap2(struct perf_builder *builder, const struct perf_builder_mmap *mmap)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();
	guint16 misc = mmap->misc;

	put_mapped_range(builder, payload, mmap);
	if (mmap->build_id) {
		g_assert_cmpuint(mmap->build_id_size, <=, BUILD_ID_SIZE);
		misc |= PERF_RECORD_MISC_MMAP_BUILD_ID;
		put_number(builder, payload, mmap->build_id_size, 1);
		put_zeros(payload, 3);
		put_bytes(payload, mmap->build_id, mmap->build_id_size);
		put_zeros(payload, BUILD_ID_SIZE - mmap->build_id_size);
	} else {
		put_u32(builder, payload, mmap->major);
		put_u32(builder, payload, mmap->minor);
		put_u64(builder, payload, mmap->inode);
		put_u64(builder, payload, 0); /* ino_generation */
	}
	put_u32(builder, payload, mmap->prot);
	put_u32(builder, payload, mmap->flags);
	put_padded_string(payload, mmap->path);
	put_sample_id(builder, payload, &mmap->at);
	return add_record(builder, PERF_RECORD_MMAP2, misc, payload);
}

guint64 perf_builder_comm(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  const char *comm, gboolean exec)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u32(builder, payload, at->pid);
	put_u32(builder, payload, at->tid);
	put_padded_string(payload, comm);
	put_sample_id(builder, payload, at);
	return add_record(builder, PERF_RECORD_COMM, exec ? PERF_RECORD_MISC_COMM_EXEC : 0,
			  payload);
}

static guint64 add_task(struct perf_builder *builder, guint32 type, guint16 misc,
			const struct perf_builder_stamp *at, gint32 parent_pid, gint32 parent_tid)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u32(builder, payload, at->pid);
	put_u32(builder, payload, parent_pid);
	put_u32(builder, payload, at->tid);
	put_u32(builder, payload, parent_tid);
	put_u64(builder, payload, at->time_ns);
	put_sample_id(builder, payload, at);
	return add_record(builder, type, misc, payload);
}

guint64 perf_builder_fork(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  gint32 parent_pid, gint32 parent_tid)
{
	return add_task(builder, PERF_RECORD_FORK, 0, at, parent_pid, parent_tid);
}

guint64 perf_builder_fork_made_up(struct perf_builder *builder, const struct perf_builder_stamp *at,
				  gint32 parent_pid, gint32 parent_tid)
{
	return add_task(builder, PERF_RECORD_FORK, MISC_FORK_EXEC, at, parent_pid, parent_tid);
}

guint64 perf_builder_exit(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  gint32 parent_pid, gint32 parent_tid)
{
	return add_task(builder, PERF_RECORD_EXIT, 0, at, parent_pid, parent_tid);
}

guint64 perf_builder_lost(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  guint64 n_lost)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u64(builder, payload, perf_builder_event_id(builder, at->event, at->cpu));
	put_u64(builder, payload, n_lost);
	put_sample_id(builder, payload, at);
	return add_record(builder, PERF_RECORD_LOST, 0, payload);
}

guint64 perf_builder_lost_samples(struct perf_builder *builder, const struct perf_builder_stamp *at,
				  guint64 n_lost)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u64(builder, payload, n_lost);
	put_sample_id(builder, payload, at);
	return add_record(builder, PERF_RECORD_LOST_SAMPLES, 0, payload);
}

guint64 perf_builder_finished_round(struct perf_builder *builder)
{
	return perf_builder_record(builder, PERF_BUILDER_FINISHED_ROUND, 0, NULL, 0);
}

guint64 perf_builder_record(struct perf_builder *builder, guint32 type, guint16 misc,
			    gconstpointer payload, gsize size_bytes)
{
	g_autoptr(GByteArray) copy = g_byte_array_new();

	put_bytes(copy, payload, size_bytes);
	return add_record(builder, type, misc, copy);
}

guint64 perf_builder_bytes(struct perf_builder *builder, gconstpointer bytes, gsize size_bytes)
{
	guint64 offset = builder->data->len;

	put_bytes(builder->data, bytes, size_bytes);
	return offset;
}

/* Returns the empty bytes of the feature, weak. */
static GByteArray *reset_feature(struct perf_builder *builder, guint feature)
{
	g_assert_cmpuint(feature, <, PERF_BUILDER_N_FEATURES);
	g_clear_pointer(&builder->features[feature], g_byte_array_unref);
	builder->features[feature] = g_byte_array_new();
	return builder->features[feature];
}

void perf_builder_feature_string(struct perf_builder *builder, enum perf_builder_feature feature,
				 const char *string)
{
	put_header_string(builder, reset_feature(builder, feature), string);
}

void perf_builder_feature_cmdline(struct perf_builder *builder, const char *const *argv)
{
	GByteArray *to = reset_feature(builder, PERF_BUILDER_CMDLINE);

	put_u32(builder, to, g_strv_length((char **)argv));
	for (; *argv; argv++)
		put_header_string(builder, to, *argv);
}

void perf_builder_feature_clock_data(struct perf_builder *builder, guint32 clockid, guint64 wall_ns,
				     guint64 clock_ns)
{
	GByteArray *to = reset_feature(builder, PERF_BUILDER_CLOCK_DATA);

	put_u32(builder, to, 1); /* version */
	put_u32(builder, to, clockid);
	put_u64(builder, to, wall_ns);
	put_u64(builder, to, clock_ns);
}

void perf_builder_feature_build_id(struct perf_builder *builder, guint16 misc, gint32 pid,
				   const guint8 *build_id, gsize build_id_size, const char *path)
{
	gsize size = strlen(path) + 1;
	gsize padded = (size + STRING_ALIGN - 1) / STRING_ALIGN * STRING_ALIGN;
	GByteArray *to = builder->features[PERF_BUILDER_BUILD_ID];

	g_assert_cmpuint(build_id_size, <=, BUILD_ID_SIZE);
	if (!to)
		to = reset_feature(builder, PERF_BUILDER_BUILD_ID);
	put_u32(builder, to, 0); /* the type that perf leaves at 0 */
	put_u16(builder, to, misc | MISC_BUILD_ID_SIZE);
	put_u16(builder, to, RECORD_HEADER_SIZE + 4 + 24 + padded);
	put_u32(builder, to, pid);
	put_bytes(to, build_id, build_id_size);
	put_zeros(to, BUILD_ID_SIZE - build_id_size);
	put_number(builder, to, build_id_size, 1);
	put_zeros(to, 3);
	put_bytes(to, path, size);
	put_zeros(to, padded - size);
}

void perf_builder_feature_bytes(struct perf_builder *builder, guint feature, gconstpointer bytes,
				gsize size_bytes)
{
	put_bytes(reset_feature(builder, feature), bytes, size_bytes);
}

void perf_builder_omit_feature(struct perf_builder *builder, guint feature)
{
	g_assert_cmpuint(feature, <, PERF_BUILDER_N_FEATURES);
	builder->omitted[feature] = TRUE;
}

void perf_builder_set_data_size_zero(struct perf_builder *builder, gboolean zero)
{
	builder->data_size_zero = zero;
}

void perf_builder_set_killed(struct perf_builder *builder, gboolean killed)
{
	builder->killed = killed;
}

void perf_builder_cut_at(struct perf_builder *builder, guint64 size_bytes)
{
	builder->cut_at = size_bytes;
}

/* The format file of a uprobe event, as /sys/kernel/tracing/events gives it. */
static char *make_format(const struct perf_builder *builder, const struct event *event)
{
	const char *name = strchr(event->name, ':');
	guint offset = RAW_COMMON_SIZE + builder->long_size;
	GString *text = g_string_new(NULL);
	GString *print = g_string_new("\"(%lx)");
	GString *values = g_string_new("REC->__probe_ip");

	g_string_append_printf(
		text,
		"name: %s\nID: %" G_GUINT64_FORMAT "\nformat:\n"
		"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
		"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
		"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
		"\tfield:unsigned long __probe_ip;\toffset:8;\tsize:%u;\tsigned:0;\n",
		name + 1, (guint64)event->attr.config, builder->long_size);
	for (guint i = 0; i < event->args->len; i++) {
		const struct arg_type *type = g_ptr_array_index(event->args, i);

		g_string_append_printf(
			text, "\tfield:%s arg%u;\toffset:%u;\tsize:%u;\tsigned:%d;\n", type->name,
			i + 1, offset, type->size_bytes, type->is_signed);
		g_string_append_printf(print, " arg%u=%s", i + 1, type->print);
		g_string_append_printf(values, ", REC->arg%u", i + 1);
		offset += type->size_bytes;
	}
	g_string_append_printf(text, "\nprint fmt: %s\", %s\n", print->str, values->str);
	g_string_free(print, TRUE);
	g_string_free(values, TRUE);
	return g_string_free(text, FALSE);
}

/* Text behind its size of 8 bytes, without a NUL. */
static void put_sized_text(const struct perf_builder *builder, GByteArray *to, const char *text)
{
	put_u64(builder, to, strlen(text));
	put_bytes(to, text, strlen(text));
}

/* The formats of one system ("sdt_qemu"): name, number, texts. */
static void put_system(const struct perf_builder *builder, GByteArray *to, const char *system)
{
	gsize length = strlen(system);
	g_autoptr(GPtrArray) formats = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < builder->events->len; i++) {
		const struct event *event = get_event(builder, i);

		if (event->attr.type != PERF_TYPE_TRACEPOINT ||
		    strncmp(event->name, system, length) || event->name[length] != ':')
			continue;
		g_ptr_array_add(formats, event->format ? g_strdup(event->format)
						       : make_format(builder, event));
	}
	put_bytes(to, system, length + 1);
	put_u32(builder, to, formats->len);
	for (guint i = 0; i < formats->len; i++)
		put_sized_text(builder, to, g_ptr_array_index(formats, i));
}

/* TRACING_DATA as trace-event-info.c writes it; NULL when there is no tracepoint. */
static GByteArray *make_tracing_data(const struct perf_builder *builder)
{
	static const char header_page[] =
		"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
		"\tfield: local_t commit;\toffset:8;\tsize:%u;\tsigned:1;\n"
		"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
		"\tfield: char data;\toffset:%u;\tsize:%u;\tsigned:0;\n";
	static const char header_event[] = "# compressed entry header\n"
					   "\ttype_len    :    5 bits\n"
					   "\ttime_delta  :   27 bits\n"
					   "\tarray       :   32 bits\n\n"
					   "\tpadding     : type == 29\n"
					   "\ttime_extend : type == 30\n"
					   "\ttime_stamp : type == 31\n"
					   "\tdata max type_len  == 28\n";
	const guint page_size = 4096;
	const guint data_start = 8 + builder->long_size;
	g_autofree char *page = NULL;
	g_autoptr(GPtrArray) systems = g_ptr_array_new_with_free_func(g_free);
	GByteArray *to;

	for (guint i = 0; i < builder->events->len; i++) {
		const struct event *event = get_event(builder, i);
		const char *colon = strchr(event->name, ':');
		char *system;

		if (event->attr.type != PERF_TYPE_TRACEPOINT)
			continue;
		g_assert_nonnull(colon);
		system = g_strndup(event->name, colon - event->name);
		if (g_ptr_array_find_with_equal_func(systems, system, g_str_equal, NULL))
			g_free(system);
		else
			g_ptr_array_add(systems, system);
	}
	if (!systems->len)
		return NULL;

	to = g_byte_array_new();
	put_bytes(to,
		  "\x17\x08"
		  "Dtracing",
		  10);
	put_bytes(to, "0.6", 4);
	put_number(builder, to, builder->byte_order == G_BIG_ENDIAN, 1);
	put_number(builder, to, builder->long_size, 1);
	put_u32(builder, to, page_size);

	page = g_strdup_printf(header_page, builder->long_size, data_start, page_size - data_start);
	put_bytes(to, "header_page", 12);
	put_sized_text(builder, to, page);
	put_bytes(to, "header_event", 13);
	put_sized_text(builder, to, header_event);
	put_u32(builder, to, 0); /* formats of ftrace */
	put_u32(builder, to, systems->len);
	for (guint i = 0; i < systems->len; i++)
		put_system(builder, to, g_ptr_array_index(systems, i));
	put_u32(builder, to, 0); /* kallsyms */
	put_u32(builder, to, 0); /* printk formats */
	put_u64(builder, to, 0); /* saved cmdlines */
	return to;
}

static void put_ids(const struct perf_builder *builder, GByteArray *to, const struct event *event)
{
	for (guint i = 0; i < event->ids->len; i++)
		put_u64(builder, to, g_array_index(event->ids, guint64, i));
}

static GByteArray *make_event_desc(const struct perf_builder *builder)
{
	GByteArray *to = g_byte_array_new();

	put_u32(builder, to, builder->events->len);
	put_u32(builder, to, builder->attr_size);
	for (guint i = 0; i < builder->events->len; i++) {
		const struct event *event = get_event(builder, i);

		put_attr(builder, to, &event->attr);
		put_u32(builder, to, event->ids->len);
		put_header_string(builder, to, event->name);
		put_ids(builder, to, event);
	}
	return to;
}

/* Bytes of the feature, to be unreferenced; NULL when the file is to be without it. */
static GByteArray *get_feature(const struct perf_builder *builder, guint feature)
{
	if (builder->omitted[feature])
		return NULL;
	if (builder->features[feature])
		return g_byte_array_ref(builder->features[feature]);
	if (feature == PERF_BUILDER_TRACING_DATA)
		return make_tracing_data(builder);
	if (feature == PERF_BUILDER_EVENT_DESC)
		return make_event_desc(builder);
	return NULL;
}

/*
 * The bits of the features are an array of longs: on a big-endian machine of
 * 32 bits the first 32 bits come first all the same.
 */
static void put_feature_bits(const struct perf_builder *builder, GByteArray *to,
			     GByteArray *const *features)
{
	const guint bits = 8 * builder->long_size;

	for (guint first = 0; first < PERF_BUILDER_N_FEATURES; first += bits) {
		guint64 word = 0;

		for (guint i = 0; i < bits; i++)
			word |= (guint64)(features[first + i] != NULL) << i;
		put_number(builder, to, word, builder->long_size);
	}
}

/*
 * File mode, in perf's own order:
 *
 *    header | ids of all events | attrs | data | table of features | features
 *
 * The table stands where the data ends, and has one row for each bit that is
 * set; this is the only place that knows so.
 */
GByteArray *perf_builder_build(struct perf_builder *builder, struct perf_builder_layout *layout)
{
	struct perf_builder_layout unused;
	GByteArray *features[PERF_BUILDER_N_FEATURES];
	GByteArray *file = g_byte_array_new();
	g_autoptr(GByteArray) ids = g_byte_array_new();
	g_autoptr(GByteArray) attrs = g_byte_array_new();
	guint n_features = 0;
	guint64 offset;

	if (!layout)
		layout = &unused;
	memset(layout, 0, sizeof(*layout));

	layout->ids_offset = HEADER_SIZE;
	for (guint i = 0; i < builder->events->len; i++) {
		const struct event *event = get_event(builder, i);

		put_attr(builder, attrs, &event->attr);
		put_u64(builder, attrs, layout->ids_offset + ids->len);
		put_u64(builder, attrs, event->ids->len * 8);
		put_ids(builder, ids, event);
	}
	layout->attrs_offset = layout->ids_offset + ids->len;
	layout->attrs_size = attrs->len;
	layout->data_offset = layout->attrs_offset + attrs->len;
	layout->data_size = builder->data->len;
	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++) {
		features[i] = get_feature(builder, i);
		n_features += features[i] != NULL;
	}

	put_u64(builder, file, MAGIC);
	put_u64(builder, file, HEADER_SIZE);
	put_u64(builder, file, builder->attr_size + 16); /* with the section of its ids */
	put_u64(builder, file, layout->attrs_offset);
	put_u64(builder, file, layout->attrs_size);
	put_u64(builder, file, layout->data_offset);
	put_u64(builder, file, builder->data_size_zero || builder->killed ? 0 : layout->data_size);
	put_u64(builder, file, 0); /* event types: no longer used */
	put_u64(builder, file, 0);
	put_feature_bits(builder, file, features);
	g_assert_cmpuint(file->len, ==, HEADER_SIZE);
	put_bytes(file, ids->data, ids->len);
	put_bytes(file, attrs->data, attrs->len);
	put_bytes(file, builder->data->data, builder->data->len);

	if (!builder->killed) {
		offset = file->len + n_features * 16;
		for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++) {
			if (!features[i])
				continue;
			layout->features_offset[i] = offset;
			layout->features_size[i] = features[i]->len;
			put_u64(builder, file, offset);
			put_u64(builder, file, features[i]->len);
			offset += features[i]->len;
		}
		for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++) {
			if (features[i])
				put_bytes(file, features[i]->data, features[i]->len);
		}
	}
	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++)
		g_clear_pointer(&features[i], g_byte_array_unref);
	if (file->len > builder->cut_at)
		g_byte_array_set_size(file, builder->cut_at);
	return file;
}

gboolean perf_builder_write(struct perf_builder *builder, const char *path, GError **error)
{
	g_autoptr(GByteArray) file = perf_builder_build(builder, NULL);

	return g_file_set_contents(path, (const char *)file->data, file->len, error);
}
