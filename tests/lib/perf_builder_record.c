/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The records of the byte builder; see perf_builder.h. The order of a sample's fields is decided
 * in the table sample_parts and in put_sample_id() alone.
 *
 * Source: include/uapi/linux/perf_event.h of the kernel.
 */
#include "perf_builder_private.h"

#define MISC_FORK_EXEC (1 << 13) /* perf's own: the process has not its parent's mappings */

void perf_builder_put_record(const struct perf_builder *builder, GByteArray *to, guint32 type,
			     guint16 misc, const GByteArray *payload)
{
	g_assert_cmpuint(payload->len, <=, G_MAXUINT16 - PERF_BUILDER_RECORD_HEADER_SIZE);
	put_u32(builder, to, type);
	put_u16(builder, to, misc);
	put_u16(builder, to, PERF_BUILDER_RECORD_HEADER_SIZE + payload->len);
	put_bytes(to, payload->data, payload->len);
}

/* Before the first sample the records are those that perf makes up, which are of no CPU. */
static void add_mark(struct perf_builder *builder, const struct perf_builder_stamp *at)
{
	const struct perf_builder_mark mark = {
		.offset = builder->data->len,
		.cpu = at && builder->has_samples ? (gint64)at->cpu : PERF_BUILDER_NO_CPU,
	};

	g_array_append_val(builder->marks, mark);
}

/*
 * A record is put together in bytes of its own, so that its size is known for its header.
 * at: NULL: of no CPU.
 */
static guint64 add_record(struct perf_builder *builder, guint32 type, guint16 misc,
			  const struct perf_builder_stamp *at, const GByteArray *payload)
{
	guint64 offset = builder->taken + builder->data->len;

	add_mark(builder, at);
	perf_builder_put_record(builder, builder->data, type, misc, payload);
	return offset;
}

/* struct sample_id of perf_event.h: which of its fields are there says the event's attr. */
static void put_sample_id(const struct perf_builder *builder, GByteArray *to,
			  const struct perf_builder_stamp *at)
{
	const struct perf_builder_kind *event = perf_builder_get_event(builder, at->event);
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

/* Values of counters: perf_event.h's struct read_format. */
static void put_counts(const struct perf_builder *builder, GByteArray *to,
		       const struct perf_builder_stamp *at,
		       const struct perf_builder_counts *counts)
{
	const guint64 format = perf_builder_get_event(builder, at->event)->attr.read_format;
	const gboolean is_group = (format & PERF_FORMAT_GROUP) != 0;

	g_assert(is_group || counts->n == 1);
	if (is_group)
		put_u64(builder, to, counts->n);
	else
		put_u64(builder, to, counts->of[0].value);
	if (format & PERF_FORMAT_TOTAL_TIME_ENABLED)
		put_u64(builder, to, counts->enabled_ns);
	if (format & PERF_FORMAT_TOTAL_TIME_RUNNING)
		put_u64(builder, to, counts->running_ns);
	for (gsize i = 0; i < counts->n; i++) {
		const struct perf_builder_count *count = &counts->of[i];

		if (is_group)
			put_u64(builder, to, count->value);
		if (format & PERF_FORMAT_ID)
			put_u64(builder, to, perf_builder_event_id(builder, count->event, at->cpu));
		if (format & PERF_FORMAT_LOST)
			put_u64(builder, to, count->lost);
	}
}

/* --- The parts of a sample, each with what it is made of --- */

static void put_id(const struct perf_builder *builder, GByteArray *to,
		   const struct perf_builder_sample *sample)
{
	put_u64(builder, to, perf_builder_event_id(builder, sample->at.event, sample->at.cpu));
}

static void put_tid(const struct perf_builder *builder, GByteArray *to,
		    const struct perf_builder_sample *sample)
{
	put_u32(builder, to, sample->at.pid);
	put_u32(builder, to, sample->at.tid);
}

static void put_cpu(const struct perf_builder *builder, GByteArray *to,
		    const struct perf_builder_sample *sample)
{
	put_u32(builder, to, sample->at.cpu);
	put_u32(builder, to, 0);
}

static void put_sample_counts(const struct perf_builder *builder, GByteArray *to,
			      const struct perf_builder_sample *sample)
{
	put_counts(builder, to, &sample->at, &sample->counts);
}

static void put_chain(const struct perf_builder *builder, GByteArray *to,
		      const struct perf_builder_sample *sample)
{
	put_u64(builder, to, sample->n_chain);
	for (gsize i = 0; i < sample->n_chain; i++)
		put_u64(builder, to, sample->chain[i]);
}

/* What a uprobe leaves: the common fields, __probe_ip, the arguments with nothing between. */
static void put_args(const struct perf_builder *builder, GByteArray *to,
		     const struct perf_builder_sample *sample)
{
	const struct perf_builder_kind *event = perf_builder_get_event(builder, sample->at.event);

	g_assert_cmpuint(sample->n_args, ==, event->args->len);
	put_u16(builder, to, event->attr.config);
	put_number(builder, to, 0, 1);
	put_number(builder, to, 0, 1);
	put_u32(builder, to, sample->at.tid);
	put_number(builder, to, sample->ip, builder->long_size);
	for (guint i = 0; i < event->args->len; i++) {
		const struct perf_builder_arg *type = g_ptr_array_index(event->args, i);

		put_number(builder, to, sample->args[i], type->size_bytes);
	}
}

/* The kernel counts the padding in: size and bytes together end on a multiple of 8. */
static void put_raw(const struct perf_builder *builder, GByteArray *to,
		    const struct perf_builder_sample *sample)
{
	g_autoptr(GByteArray) raw = g_byte_array_new();

	if (sample->raw)
		put_bytes(raw, sample->raw, sample->raw_size_bytes);
	else
		put_args(builder, raw, sample);
	while ((4 + raw->len) % 8)
		put_zeros(raw, 1);
	put_u32(builder, to, raw->len);
	put_bytes(to, raw->data, raw->len);
}

static void put_branches(const struct perf_builder *builder, GByteArray *to,
			 const struct perf_builder_sample *sample)
{
	const struct perf_builder_kind *event = perf_builder_get_event(builder, sample->at.event);

	put_u64(builder, to, sample->n_branches);
	if (event->attr.branch_sample_type & PERF_SAMPLE_BRANCH_HW_INDEX)
		put_u64(builder, to, G_MAXUINT64); /* not known */
	for (gsize i = 0; i < sample->n_branches; i++) {
		put_u64(builder, to, sample->branches[i].from);
		put_u64(builder, to, sample->branches[i].to);
		put_u64(builder, to, sample->branches[i].flags);
	}
}

/* The ABI, then as many registers as the mask has bits, unless it is that of none. */
static void put_regs(const struct perf_builder *builder, GByteArray *to, guint64 mask, guint64 abi,
		     const guint64 *regs)
{
	const guint n = (guint)__builtin_popcountll(mask);

	put_u64(builder, to, abi);
	for (guint i = 0; i < n && abi != PERF_SAMPLE_REGS_ABI_NONE; i++)
		put_u64(builder, to, regs[i]);
}

static void put_regs_user(const struct perf_builder *builder, GByteArray *to,
			  const struct perf_builder_sample *sample)
{
	const struct perf_builder_kind *event = perf_builder_get_event(builder, sample->at.event);

	put_regs(builder, to, event->attr.sample_regs_user, sample->regs_abi, sample->regs);
}

static void put_regs_intr(const struct perf_builder *builder, GByteArray *to,
			  const struct perf_builder_sample *sample)
{
	const struct perf_builder_kind *event = perf_builder_get_event(builder, sample->at.event);

	put_regs(builder, to, event->attr.sample_regs_intr, sample->regs_intr_abi,
		 sample->regs_intr);
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

static void put_aux(const struct perf_builder *builder, GByteArray *to,
		    const struct perf_builder_sample *sample)
{
	g_assert_cmpuint(sample->aux_size_bytes % 8, ==, 0);
	put_u64(builder, to, sample->aux_size_bytes);
	put_bytes(to, sample->aux, sample->aux_size_bytes);
}

/* In the order in which they stand in the record, which is not that of the bits. */
static const struct {
	guint64 bit;
	gsize offset; /* of a u64 in struct perf_builder_sample, when put is NULL */
	void (*put)(const struct perf_builder *builder, GByteArray *to,
		    const struct perf_builder_sample *sample);
} sample_parts[] = {
	{PERF_SAMPLE_IDENTIFIER, 0, put_id},
	{PERF_SAMPLE_IP, G_STRUCT_OFFSET(struct perf_builder_sample, ip), NULL},
	{PERF_SAMPLE_TID, 0, put_tid},
	{PERF_SAMPLE_TIME, G_STRUCT_OFFSET(struct perf_builder_sample, at.time_ns), NULL},
	{PERF_SAMPLE_ADDR, G_STRUCT_OFFSET(struct perf_builder_sample, addr), NULL},
	{PERF_SAMPLE_ID, 0, put_id},
	{PERF_SAMPLE_STREAM_ID, 0, put_id},
	{PERF_SAMPLE_CPU, 0, put_cpu},
	{PERF_SAMPLE_PERIOD, G_STRUCT_OFFSET(struct perf_builder_sample, period), NULL},
	{PERF_SAMPLE_READ, 0, put_sample_counts},
	{PERF_SAMPLE_CALLCHAIN, 0, put_chain},
	{PERF_SAMPLE_RAW, 0, put_raw},
	{PERF_SAMPLE_BRANCH_STACK, 0, put_branches},
	{PERF_SAMPLE_REGS_USER, 0, put_regs_user},
	{PERF_SAMPLE_STACK_USER, 0, put_stack},
	{PERF_SAMPLE_WEIGHT_TYPE, G_STRUCT_OFFSET(struct perf_builder_sample, weight), NULL},
	{PERF_SAMPLE_DATA_SRC, G_STRUCT_OFFSET(struct perf_builder_sample, data_src), NULL},
	{PERF_SAMPLE_TRANSACTION, G_STRUCT_OFFSET(struct perf_builder_sample, transaction), NULL},
	{PERF_SAMPLE_REGS_INTR, 0, put_regs_intr},
	{PERF_SAMPLE_PHYS_ADDR, G_STRUCT_OFFSET(struct perf_builder_sample, phys_addr), NULL},
	{PERF_SAMPLE_CGROUP, G_STRUCT_OFFSET(struct perf_builder_sample, cgroup), NULL},
	{PERF_SAMPLE_DATA_PAGE_SIZE,
	 G_STRUCT_OFFSET(struct perf_builder_sample, data_page_size_bytes), NULL},
	{PERF_SAMPLE_CODE_PAGE_SIZE,
	 G_STRUCT_OFFSET(struct perf_builder_sample, code_page_size_bytes), NULL},
	{PERF_SAMPLE_AUX, 0, put_aux},
};

guint64 perf_builder_sample(struct perf_builder *builder, const struct perf_builder_sample *sample)
{
	const guint64 type = perf_builder_get_event(builder, sample->at.event)->attr.sample_type;
	g_autoptr(GByteArray) payload = g_byte_array_new();
	guint64 known = 0;

	for (guint i = 0; i < G_N_ELEMENTS(sample_parts); i++) {
		known |= sample_parts[i].bit;
		if (!(type & sample_parts[i].bit))
			continue;
		if (sample_parts[i].put)
			sample_parts[i].put(builder, payload, sample);
		else
			put_u64(builder, payload,
				G_STRUCT_MEMBER(guint64, sample, sample_parts[i].offset));
	}
	g_assert_cmphex(type & ~known, ==, 0);
	builder->has_samples = TRUE;
	return add_record(builder, PERF_RECORD_SAMPLE, sample->misc, &sample->at, payload);
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
	return add_record(builder, PERF_RECORD_MMAP, mmap->misc, &mmap->at, payload);
}

guint64 perf_builder_mmap2(struct perf_builder *builder, const struct perf_builder_mmap *mmap)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();
	guint16 misc = mmap->misc;

	put_mapped_range(builder, payload, mmap);
	if (mmap->build_id) {
		g_assert_cmpuint(mmap->build_id_size, <=, PERF_BUILDER_BUILD_ID_SIZE);
		misc |= PERF_RECORD_MISC_MMAP_BUILD_ID;
		put_number(builder, payload, mmap->build_id_size, 1);
		put_zeros(payload, 3);
		put_bytes(payload, mmap->build_id, mmap->build_id_size);
		put_zeros(payload, PERF_BUILDER_BUILD_ID_SIZE - mmap->build_id_size);
	} else {
		put_u32(builder, payload, mmap->major);
		put_u32(builder, payload, mmap->minor);
		put_u64(builder, payload, mmap->inode);
		put_u64(builder, payload, mmap->generation);
	}
	put_u32(builder, payload, mmap->prot);
	put_u32(builder, payload, mmap->flags);
	put_padded_string(payload, mmap->path);
	put_sample_id(builder, payload, &mmap->at);
	return add_record(builder, PERF_RECORD_MMAP2, misc, &mmap->at, payload);
}

guint64 perf_builder_comm(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  const char *comm, gboolean exec)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u32(builder, payload, at->pid);
	put_u32(builder, payload, at->tid);
	put_padded_string(payload, comm);
	put_sample_id(builder, payload, at);
	return add_record(builder, PERF_RECORD_COMM, exec ? PERF_RECORD_MISC_COMM_EXEC : 0, at,
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
	return add_record(builder, type, misc, at, payload);
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
	return add_record(builder, PERF_RECORD_LOST, 0, at, payload);
}

guint64 perf_builder_lost_samples(struct perf_builder *builder, const struct perf_builder_stamp *at,
				  guint64 n_lost)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u64(builder, payload, n_lost);
	put_sample_id(builder, payload, at);
	return add_record(builder, PERF_RECORD_LOST_SAMPLES, 0, at, payload);
}

guint64 perf_builder_read(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  const struct perf_builder_counts *counts)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	put_u32(builder, payload, at->pid);
	put_u32(builder, payload, at->tid);
	put_counts(builder, payload, at, counts);
	put_sample_id(builder, payload, at);
	return add_record(builder, PERF_RECORD_READ, 0, at, payload);
}

guint64 perf_builder_numbers(struct perf_builder *builder, guint32 type, guint16 misc,
			     const struct perf_builder_stamp *at, const char *sizes,
			     const guint64 *numbers, const char *string)
{
	g_autoptr(GByteArray) payload = g_byte_array_new();

	for (; *sizes; sizes++)
		put_number(builder, payload, *numbers++, *sizes - '0');
	if (string)
		put_padded_string(payload, string);
	pad(payload, 0, 8);
	if (at)
		put_sample_id(builder, payload, at);
	return add_record(builder, type, misc, at, payload);
}

guint64 perf_builder_auxtrace(struct perf_builder *builder, guint32 cpu, gconstpointer trace,
			      gsize size_bytes)
{
	/* size, offset and reference of the trace, idx, tid, cpu, reserved */
	const guint64 numbers[] = {size_bytes, 0, 0, cpu, G_MAXUINT32, cpu, 0};
	guint64 offset = perf_builder_numbers(builder, PERF_BUILDER_AUXTRACE, 0, NULL, "8884444",
					      numbers, NULL);

	g_assert_cmpuint(size_bytes % 8, ==, 0);
	put_bytes(builder->data, trace, size_bytes);
	return offset;
}

guint64 perf_builder_finished_round(struct perf_builder *builder)
{
	return perf_builder_record(builder, PERF_BUILDER_FINISHED_ROUND, 0, NULL, 0);
}

guint64 perf_builder_record_of(struct perf_builder *builder, guint32 type, guint16 misc,
			       const struct perf_builder_stamp *at, gconstpointer payload,
			       gsize size_bytes)
{
	g_autoptr(GByteArray) copy = g_byte_array_new();

	put_bytes(copy, payload, size_bytes);
	if (at)
		put_sample_id(builder, copy, at);
	return add_record(builder, type, misc, at, copy);
}

guint64 perf_builder_record(struct perf_builder *builder, guint32 type, guint16 misc,
			    gconstpointer payload, gsize size_bytes)
{
	return perf_builder_record_of(builder, type, misc, NULL, payload, size_bytes);
}

guint64 perf_builder_bytes(struct perf_builder *builder, gconstpointer bytes, gsize size_bytes)
{
	guint64 offset = builder->taken + builder->data->len;

	add_mark(builder, NULL);
	put_bytes(builder->data, bytes, size_bytes);
	return offset;
}
