/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The records of the byte builder; see perf_builder.h. The order of a sample's fields is decided
 * in perf_builder_sample() and put_sample_id() alone.
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

/* A record is put together in bytes of its own, so that its size is known for its header. */
static guint64 add_record(struct perf_builder *builder, guint32 type, guint16 misc,
			  const GByteArray *payload)
{
	guint64 offset = builder->taken + builder->data->len;

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

/* What a uprobe leaves: the common fields, __probe_ip, the arguments with nothing between. */
static void put_raw(const struct perf_builder *builder, GByteArray *to,
		    const struct perf_builder_kind *event, const struct perf_builder_sample *sample)
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
		const struct perf_builder_arg *type = g_ptr_array_index(event->args, i);

		put_number(builder, to, sample->args[i], type->size_bytes);
	}
}

/* The ABI, then the registers unless it is that of none. */
static void put_regs(const struct perf_builder *builder, GByteArray *to,
		     const struct perf_builder_kind *event,
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
	const struct perf_builder_kind *event = perf_builder_get_event(builder, at->event);
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
	guint64 offset = builder->taken + builder->data->len;

	put_bytes(builder->data, bytes, size_bytes);
	return offset;
}
