/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a recording of the byte builder is made of, and its events; see perf_builder.h. Records,
 * features and the forms of recordings are in files of their own. What a caller gets wrong is an
 * assertion, for that is a bug of the test.
 *
 * Source: include/uapi/linux/perf_event.h of the kernel; compared with files of perf 6.1.
 */
#include "perf_builder_private.h"

#define ATTR_FIXED_SIZE 128 /* PERF_ATTR_SIZE_VER7: what perf_builder_put_attr() knows */

/* As trace_probe.c of the kernel names and prints them. */
static const struct perf_builder_arg arg_types[] = {
	{"s8", 1, TRUE, "%d"},	 {"u8", 1, FALSE, "%u"},   {"s16", 2, TRUE, "%d"},
	{"u16", 2, FALSE, "%u"}, {"s32", 4, TRUE, "%d"},   {"u32", 4, FALSE, "%u"},
	{"s64", 8, TRUE, "%Ld"}, {"u64", 8, FALSE, "%Lu"},
};

static void event_free(gpointer data)
{
	struct perf_builder_kind *event = data;

	g_free(event->name);
	g_free(event->format);
	g_ptr_array_unref(event->args);
	g_array_unref(event->ids);
	g_free(event);
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
void perf_builder_put_attr(const struct perf_builder *builder, GByteArray *to,
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
	builder->marks = g_array_new(FALSE, FALSE, sizeof(struct perf_builder_mark));
	return builder;
}

void perf_builder_free(struct perf_builder *builder)
{
	if (!builder)
		return;
	g_ptr_array_unref(builder->events);
	g_byte_array_unref(builder->data);
	g_array_unref(builder->marks);
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

GByteArray *perf_builder_take_data(struct perf_builder *builder)
{
	GByteArray *data = builder->data;

	builder->taken += data->len;
	g_array_set_size(builder->marks, 0);
	builder->data = g_byte_array_new();
	return data;
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
	struct perf_builder_kind *added = g_new0(struct perf_builder_kind, 1);

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

const struct perf_builder_kind *perf_builder_get_event(const struct perf_builder *builder,
						       guint event)
{
	g_assert_cmpuint(event, <, builder->events->len);
	return g_ptr_array_index(builder->events, event);
}

guint64 perf_builder_event_id(const struct perf_builder *builder, guint event, guint32 cpu)
{
	const GArray *ids = perf_builder_get_event(builder, event)->ids;

	return g_array_index(ids, guint64, cpu % ids->len);
}

void perf_builder_put_ids(const struct perf_builder *builder, GByteArray *to,
			  const struct perf_builder_kind *event)
{
	for (guint i = 0; i < event->ids->len; i++)
		put_u64(builder, to, g_array_index(event->ids, guint64, i));
}
