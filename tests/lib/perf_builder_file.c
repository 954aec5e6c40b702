/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A recording of the byte builder as a plain file; see perf_builder.h. The order of its sections
 * is decided here alone.
 *
 * Source: tools/perf/Documentation/perf.data-file-format.txt of the kernel.
 */
#include "perf_builder_private.h"

#define MAGIC	    0x32454c4946524550ULL /* "PERFILE2", written as a number of the file's byte order */
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
		const struct perf_builder_kind *event = perf_builder_get_event(builder, i);

		perf_builder_put_attr(builder, attrs, &event->attr);
		put_u64(builder, attrs, layout->ids_offset + ids->len);
		put_u64(builder, attrs, event->ids->len * 8);
		perf_builder_put_ids(builder, ids, event);
	}
	layout->attrs_offset = layout->ids_offset + ids->len;
	layout->attrs_size = attrs->len;
	layout->data_offset = layout->attrs_offset + attrs->len;
	layout->data_size = builder->data->len;
	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++) {
		features[i] = perf_builder_get_feature(builder, i);
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
