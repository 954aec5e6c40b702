/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A recording of the byte builder as a plain file; see perf_builder.h. The order of its sections
 * is decided here alone.
 *
 * Source: tools/perf/Documentation/perf.data-file-format.txt of the kernel.
 */
#include "perf_builder_private.h"

#define HEADER_SIZE 104

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
 * set; this file is the only one that knows so.
 */
static guint count_features(GByteArray *const *features)
{
	guint n = 0;

	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++)
		n += features[i] != NULL;
	return n;
}

static void get_features(struct perf_builder *builder, GByteArray **features)
{
	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++)
		features[i] = perf_builder_get_feature(builder, i);
}

static void unref_features(GByteArray **features)
{
	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++)
		g_clear_pointer(&features[i], g_byte_array_unref);
}

static void put_head(struct perf_builder *builder, GByteArray *to, GByteArray *const *features,
		     struct perf_builder_layout *layout)
{
	g_autoptr(GByteArray) ids = g_byte_array_new();
	g_autoptr(GByteArray) attrs = g_byte_array_new();

	layout->ids_offset = HEADER_SIZE;
	for (guint i = 0; i < builder->events->len; i++) {
		const struct perf_builder_kind *event = perf_builder_get_event(builder, i);

		perf_builder_put_attr(builder, attrs, &event->attr);
		put_u64(builder, attrs, layout->ids_offset + ids->len);
		put_u64(builder, attrs, event->ids->len * 8);
		perf_builder_put_ids(builder, ids, event);
	}
	layout->attrs_offset = layout->ids_offset + ids->len;
	layout->attrs_size = attrs->len;
	layout->data_offset = layout->attrs_offset + attrs->len;

	put_u64(builder, to, PERF_BUILDER_MAGIC);
	put_u64(builder, to, HEADER_SIZE);
	put_u64(builder, to, builder->attr_size + 16); /* with the section of its ids */
	put_u64(builder, to, layout->attrs_offset);
	put_u64(builder, to, layout->attrs_size);
	put_u64(builder, to, layout->data_offset);
	put_u64(builder, to, builder->data_size_zero || builder->killed ? 0 : layout->data_size);
	put_u64(builder, to, 0); /* event types: no longer used */
	put_u64(builder, to, 0);
	put_feature_bits(builder, to, features);
	g_assert_cmpuint(to->len, ==, HEADER_SIZE);
	put_bytes(to, ids->data, ids->len);
	put_bytes(to, attrs->data, attrs->len);
}

static void put_tail(struct perf_builder *builder, GByteArray *to, GByteArray *const *features,
		     struct perf_builder_layout *layout)
{
	guint64 offset =
		layout->data_offset + layout->data_size + (guint64)count_features(features) * 16;

	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++) {
		if (!features[i])
			continue;
		layout->features_offset[i] = offset;
		layout->features_size[i] = features[i]->len;
		put_u64(builder, to, offset);
		put_u64(builder, to, features[i]->len);
		offset += features[i]->len;
	}
	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++) {
		if (features[i])
			put_bytes(to, features[i]->data, features[i]->len);
	}
}

GByteArray *perf_builder_file_head(struct perf_builder *builder, guint64 data_size_bytes)
{
	struct perf_builder_layout layout = {.data_size = data_size_bytes};
	GByteArray *features[PERF_BUILDER_N_FEATURES];
	GByteArray *head = g_byte_array_new();

	get_features(builder, features);
	put_head(builder, head, features, &layout);
	unref_features(features);
	return head;
}

GByteArray *perf_builder_file_tail(struct perf_builder *builder, guint64 data_size_bytes)
{
	struct perf_builder_layout layout = {.data_size = data_size_bytes};
	GByteArray *features[PERF_BUILDER_N_FEATURES];
	g_autoptr(GByteArray) head = g_byte_array_new();
	GByteArray *tail = g_byte_array_new();

	get_features(builder, features);
	put_head(builder, head, features, &layout);
	put_tail(builder, tail, features, &layout);
	unref_features(features);
	return tail;
}

GByteArray *perf_builder_put_file(struct perf_builder *builder, const GByteArray *data,
				  struct perf_builder_layout *layout)
{
	struct perf_builder_layout unused;
	GByteArray *features[PERF_BUILDER_N_FEATURES];
	GByteArray *file = g_byte_array_new();

	if (!layout)
		layout = &unused;
	memset(layout, 0, sizeof(*layout));
	layout->data_size = data->len;
	get_features(builder, features);
	put_head(builder, file, features, layout);
	put_bytes(file, data->data, data->len);
	if (!builder->killed)
		put_tail(builder, file, features, layout);
	unref_features(features);
	if (file->len > builder->cut_at)
		g_byte_array_set_size(file, builder->cut_at);
	return file;
}

GByteArray *perf_builder_build(struct perf_builder *builder, struct perf_builder_layout *layout)
{
	return perf_builder_put_file(builder, builder->data, layout);
}

gboolean perf_builder_write(struct perf_builder *builder, const char *path, GError **error)
{
	g_autoptr(GByteArray) file = perf_builder_build(builder, NULL);

	return g_file_set_contents(path, (const char *)file->data, file->len, error);
}
