/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source of the formats: tools/perf/Documentation/perf.data-file-format.txt.
 */
#include "lib/real_recording.h"

#include "lib/perf_builder.h"

#include <string.h>

/* struct perf_file_header: where in it is what. */
#define HEADER_BYTES	104
#define AT_ATTR_SIZE	16
#define AT_ATTRS	24
#define AT_DATA		40
#define AT_FEATURES	72
#define SECTION_BYTES	16 /* u64 offset, u64 size */
#define PIPE_HEADER	"PERFILE2\20\0\0\0\0\0\0\0"
#define PIPE_HEADER_LEN 16

static guint64 u64_at(const struct real_recording *recording, gsize offset)
{
	guint64 value;

	g_assert_cmpuint(offset + sizeof(value), <=, recording->size);
	memcpy(&value, recording->bytes + offset, sizeof(value));
	return value;
}

static const guint8 *bytes_at(const struct real_recording *recording, gsize offset, gsize size)
{
	g_assert_cmpuint(offset, <=, recording->size);
	g_assert_cmpuint(size, <=, recording->size - offset);
	return recording->bytes + offset;
}

static gboolean has_feature(const struct real_recording *recording, guint feature)
{
	return recording->bytes[AT_FEATURES + feature / 8] >> feature % 8 & 1;
}

struct real_recording real_recording_of(const void *bytes, gsize size)
{
	struct real_recording recording = {.bytes = bytes, .size = size};

	g_assert_cmpuint(size, >=, HEADER_BYTES);
	recording.data_size = u64_at(&recording, AT_DATA + 8);
	recording.data = bytes_at(&recording, u64_at(&recording, AT_DATA), recording.data_size);
	for (guint i = 0; i < PERF_BUILDER_N_FEATURES; i++)
		recording.n_features += has_feature(&recording, i);
	return recording;
}

/* Where the table of the features begins. */
static gsize table_of(const struct real_recording *recording)
{
	return (gsize)(recording->data - recording->bytes) + recording->data_size;
}

const guint8 *real_recording_feature(const struct real_recording *recording, guint feature,
				     gsize *size)
{
	gsize entry = table_of(recording);

	if (!has_feature(recording, feature))
		return NULL;
	for (guint i = 0; i < feature; i++)
		entry += has_feature(recording, i) ? SECTION_BYTES : 0;
	*size = u64_at(recording, entry + 8);
	return bytes_at(recording, u64_at(recording, entry), *size);
}

gsize real_recording_first(const struct real_recording *recording, gsize size)
{
	gsize done = 0;

	while (done < MIN(size, recording->data_size)) {
		guint16 record_size;

		memcpy(&record_size, recording->data + done + 6, sizeof(record_size));
		g_assert_cmpuint(record_size, >=, 8);
		done += record_size;
	}
	return done;
}

static void add_u64(GByteArray *bytes, guint64 value)
{
	g_byte_array_append(bytes, (const guint8 *)&value, sizeof(value));
}

GByteArray *real_recording_file(const struct real_recording *recording, const guint8 *data,
				gsize data_size)
{
	const gsize table = table_of(recording), features = recording->n_features * SECTION_BYTES;
	const guint64 new_size = data_size, moved = recording->data_size - new_size;
	GByteArray *file = g_byte_array_new();

	g_byte_array_append(file, recording->bytes, recording->data - recording->bytes);
	memcpy(file->data + AT_DATA + 8, &new_size, sizeof(new_size));
	g_byte_array_append(file, data, data_size);
	for (gsize at = table; at < table + features; at += SECTION_BYTES) {
		add_u64(file, u64_at(recording, at) - moved);
		add_u64(file, u64_at(recording, at + 8));
	}
	g_byte_array_append(file, recording->bytes + table + features,
			    recording->size - table - features);
	return file;
}

static void add_header(GByteArray *pipe, guint32 type, gsize body_size)
{
	const guint16 rest[] = {0, (guint16)(8 + body_size)};

	g_assert_cmpuint(8 + body_size, <=, G_MAXUINT16);
	g_byte_array_append(pipe, (const guint8 *)&type, sizeof(type));
	g_byte_array_append(pipe, (const guint8 *)rest, sizeof(rest));
}

/* Each entry is the attr, then the section of its ids. */
static void add_attrs(GByteArray *pipe, const struct real_recording *recording)
{
	const gsize entry_size = u64_at(recording, AT_ATTR_SIZE);
	const gsize attr_size = entry_size - SECTION_BYTES;
	const gsize begin = u64_at(recording, AT_ATTRS);
	const gsize end = begin + u64_at(recording, AT_ATTRS + 8);

	for (gsize at = begin; at < end; at += entry_size) {
		const gsize ids = u64_at(recording, at + attr_size);
		const gsize ids_size = u64_at(recording, at + attr_size + 8);

		add_header(pipe, PERF_BUILDER_HEADER_ATTR, attr_size + ids_size);
		g_byte_array_append(pipe, bytes_at(recording, at, attr_size), attr_size);
		g_byte_array_append(pipe, bytes_at(recording, ids, ids_size), ids_size);
	}
}

static void add_features(GByteArray *pipe, const struct real_recording *recording)
{
	for (guint64 feature = 0; feature < PERF_BUILDER_N_FEATURES; feature++) {
		gsize size = 0;
		const guint8 *section = real_recording_feature(recording, feature, &size);

		if (!section || feature == PERF_BUILDER_TRACING_DATA ||
		    feature == PERF_BUILDER_BUILD_ID)
			continue;
		add_header(pipe, PERF_BUILDER_HEADER_FEATURE, sizeof(feature) + size);
		add_u64(pipe, feature);
		g_byte_array_append(pipe, section, size);
	}
}

/* u32 size, behind which come so many bytes that do not belong to the record. */
static void add_tracing_data(GByteArray *pipe, const struct real_recording *recording)
{
	static const guint8 zeros[8];
	gsize size;
	const guint8 *section = real_recording_feature(recording, PERF_BUILDER_TRACING_DATA, &size);
	const guint32 padded_size = (size + 7) & ~(guint32)7;

	g_assert_nonnull(section);
	add_header(pipe, PERF_BUILDER_HEADER_TRACING_DATA, sizeof(padded_size));
	g_byte_array_append(pipe, (const guint8 *)&padded_size, sizeof(padded_size));
	g_byte_array_append(pipe, section, size);
	g_byte_array_append(pipe, zeros, padded_size - size);
}

GByteArray *real_recording_pipe(const struct real_recording *recording, const guint8 *data,
				gsize data_size)
{
	GByteArray *pipe = g_byte_array_new();

	g_byte_array_append(pipe, (const guint8 *)PIPE_HEADER, PIPE_HEADER_LEN);
	add_attrs(pipe, recording);
	add_features(pipe, recording);
	add_tracing_data(pipe, recording);
	g_byte_array_append(pipe, data, data_size);
	return pipe;
}
