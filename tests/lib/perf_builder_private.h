/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the byte builder share: the builder itself, and how a number, a string, an
 * attr is put into bytes of the file's byte order. Only tests/lib/perf_builder*.c include this.
 */
#ifndef COLO_PERF_TESTS_PERF_BUILDER_PRIVATE_H
#define COLO_PERF_TESTS_PERF_BUILDER_PRIVATE_H

#include "perf_builder.h"

#include <string.h>

/* "PERFILE2", written as a number of the file's byte order */
#define PERF_BUILDER_MAGIC		0x32454c4946524550ULL
#define PERF_BUILDER_STRING_ALIGN	64 /* perf's NAME_ALIGN */
#define PERF_BUILDER_RECORD_HEADER_SIZE 8
#define PERF_BUILDER_BUILD_ID_SIZE	20

/* A type that an argument of a probe may have */
struct perf_builder_arg {
	const char *name;
	guint size_bytes;
	gboolean is_signed;
	const char *print;
};

/* One event as the builder keeps it */
struct perf_builder_kind {
	char *name;	 /* Owned by this */
	char *format;	 /* Owned by this; NULL: made from args */
	GPtrArray *args; /* Owned by this; of const struct perf_builder_arg */
	struct perf_event_attr attr;
	GArray *ids; /* Owned by this; of guint64 */
};

#define PERF_BUILDER_NO_CPU (-1)

/* Where a record begins in the data not taken, and whose it is. */
struct perf_builder_mark {
	gsize offset;
	gint64 cpu; /* or PERF_BUILDER_NO_CPU */
};

struct perf_builder {
	int byte_order;
	guint long_size;
	guint attr_size;
	gboolean data_size_zero;
	gboolean killed;
	guint64 cut_at;
	guint64 next_id;
	GPtrArray *events; /* Owned by this; of struct perf_builder_kind */
	GByteArray *data;  /* Owned by this: what was not taken */
	GArray *marks;	   /* Owned by this; of struct perf_builder_mark, of that data */
	gboolean has_samples;
	gboolean units;
	guint64 taken;				       /* bytes of data that were given away */
	GByteArray *features[PERF_BUILDER_N_FEATURES]; /* Owned by this; NULL: none */
	gboolean omitted[PERF_BUILDER_N_FEATURES];
};

/* In the byte order of the file, size_bytes of 1, 2, 4 or 8; the upper bytes are dropped. */
static inline void put_number(const struct perf_builder *builder, GByteArray *to, guint64 value,
			      guint size_bytes)
{
	guint8 bytes[8];

	for (guint i = 0; i < size_bytes; i++) {
		guint at = builder->byte_order == G_BIG_ENDIAN ? size_bytes - 1 - i : i;

		bytes[at] = value >> (8 * i) & 0xff;
	}
	g_byte_array_append(to, bytes, size_bytes);
}

static inline void put_u16(const struct perf_builder *builder, GByteArray *to, guint16 value)
{
	put_number(builder, to, value, 2);
}

static inline void put_u32(const struct perf_builder *builder, GByteArray *to, guint32 value)
{
	put_number(builder, to, value, 4);
}

static inline void put_u64(const struct perf_builder *builder, GByteArray *to, guint64 value)
{
	put_number(builder, to, value, 8);
}

static inline void put_bytes(GByteArray *to, gconstpointer bytes, gsize size_bytes)
{
	if (size_bytes)
		g_byte_array_append(to, bytes, size_bytes);
}

static inline void put_zeros(GByteArray *to, gsize n)
{
	static const guint8 zero;

	while (n--)
		g_byte_array_append(to, &zero, 1);
}

/* Zeros up to the next multiple of align, counted from start. */
static inline void pad(GByteArray *to, gsize start, gsize align)
{
	gsize over = (to->len - start) % align;

	if (over)
		put_zeros(to, align - over);
}

/* A string of the records: its NUL inside, padded to 8. */
static inline void put_padded_string(GByteArray *to, const char *string)
{
	gsize start = to->len;

	put_bytes(to, string, strlen(string) + 1);
	pad(to, start, 8);
}

/* A perf_header_string: the length counts the padding, which holds the NUL. */
static inline void put_header_string(const struct perf_builder *builder, GByteArray *to,
				     const char *string)
{
	gsize size = strlen(string) + 1;
	gsize padded = (size + PERF_BUILDER_STRING_ALIGN - 1) / PERF_BUILDER_STRING_ALIGN *
		       PERF_BUILDER_STRING_ALIGN;

	put_u32(builder, to, padded);
	put_bytes(to, string, size);
	put_zeros(to, padded - size);
}

/* As in the attrs and in EVENT_DESC: perf_builder.c */
void perf_builder_put_attr(const struct perf_builder *builder, GByteArray *to,
			   const struct perf_event_attr *attr);
void perf_builder_put_ids(const struct perf_builder *builder, GByteArray *to,
			  const struct perf_builder_kind *event);
const struct perf_builder_kind *perf_builder_get_event(const struct perf_builder *builder,
						       guint event);

/* Bytes of the feature, to be unreferenced; NULL when the recording is to be without it. */
GByteArray *perf_builder_get_feature(const struct perf_builder *builder, guint feature);

/* A record without sample_id, in `to`: perf_builder_record.c */
void perf_builder_put_record(const struct perf_builder *builder, GByteArray *to, guint32 type,
			     guint16 misc, const GByteArray *payload);

/*
 * The parts of what stands before the data in a pipe. perf writes the mappings of the kernel
 * before the second, and the processes that are there already before the last. perf_builder_pipe.c
 */
void perf_builder_put_pipe_begin(const struct perf_builder *builder, GByteArray *to);
void perf_builder_put_pipe_names(const struct perf_builder *builder, GByteArray *to);
void perf_builder_put_finished_init(const struct perf_builder *builder, GByteArray *to);

/* The plain file around these bytes of data. */
GByteArray *perf_builder_put_file(struct perf_builder *builder, const GByteArray *data,
				  struct perf_builder_layout *layout);

#endif
