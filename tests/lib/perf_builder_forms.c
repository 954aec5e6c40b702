/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The data of the byte builder in the other forms that perf writes: packed, in a pipe, spread
 * over a directory; see perf_builder.h. Which records go where is decided here.
 *
 * Source: tools/perf/builtin-record.c of the kernel: record__write(), record__pushfn(),
 * record__thread_data_init_maps(); tools/perf/util/data.c for the names in a directory.
 */
#include "perf_builder_private.h"

#include <glib/gstdio.h>

#define DIR_FORMAT_VERSION 1

/* One record of the data, with what follows it uncounted. */
struct piece {
	const guint8 *bytes;
	gsize size;
	guint32 type;
	gint64 cpu;
};

static struct piece piece_at(const struct perf_builder *builder, guint i)
{
	const struct perf_builder_mark *marks =
		(const struct perf_builder_mark *)builder->marks->data;
	gsize end = i + 1 < builder->marks->len ? marks[i + 1].offset : builder->data->len;
	struct piece piece = {.bytes = builder->data->data + marks[i].offset,
			      .size = end - marks[i].offset,
			      .cpu = marks[i].cpu};

	if (piece.size >= sizeof(piece.type)) {
		memcpy(&piece.type, piece.bytes, sizeof(piece.type));
		if (builder->byte_order != G_BYTE_ORDER)
			piece.type = GUINT32_SWAP_LE_BE(piece.type);
	}
	return piece;
}

/* What the kernel wrote; perf writes what it makes up itself as it is. */
static gboolean is_packed(const struct piece *piece)
{
	return piece->cpu != PERF_BUILDER_NO_CPU && piece->type < PERF_BUILDER_HEADER_ATTR &&
	       piece->type != PERF_RECORD_LOST_SAMPLES;
}

static void put_piece(GByteArray *to, struct perf_packer *packer, const struct piece *piece)
{
	if (!packer)
		put_bytes(to, piece->bytes, piece->size);
	else if (is_packed(piece))
		perf_packer_add(packer, piece->bytes, piece->size);
	else
		perf_packer_add_plain(packer, piece->bytes, piece->size);
}

/* NULL when there is no packing. */
static struct perf_packer *new_packer(const struct perf_builder *builder,
				      const struct perf_packing *packing)
{
	return packing ? perf_packer_new(builder->byte_order, packing) : NULL;
}

/* Ends the packing: what was packed goes to the end of `to`. */
static void finish_packer(GByteArray *to, struct perf_packer *packer)
{
	g_autoptr(GByteArray) packed = NULL;

	if (!packer)
		return;
	perf_packer_flush(packer);
	packed = perf_packer_take(packer);
	put_bytes(to, packed->data, packed->len);
	perf_packer_free(packer);
}

/* The records from number `first` to before `end`. */
static void put_pieces(struct perf_builder *builder, GByteArray *to, guint first, guint end,
		       const struct perf_packing *packing)
{
	struct perf_packer *packer = new_packer(builder, packing);

	for (guint i = first; i < end; i++) {
		const struct piece piece = piece_at(builder, i);

		put_piece(to, packer, &piece);
	}
	finish_packer(to, packer);
}

/* The recording says that it is packed only while it is. Returns whether it had to be told. */
static gboolean tell_packing(struct perf_builder *builder, const struct perf_packing *packing)
{
	if (!packing || builder->features[PERF_BUILDER_COMPRESSED])
		return FALSE;
	perf_builder_feature_compressed(builder, packing->chunk_size_bytes);
	return TRUE;
}

static void forget_feature(struct perf_builder *builder, guint feature, gboolean was_told)
{
	if (was_told)
		g_clear_pointer(&builder->features[feature], g_byte_array_unref);
}

GByteArray *perf_builder_build_packed(struct perf_builder *builder,
				      const struct perf_packing *packing)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	gboolean told = tell_packing(builder, packing);
	GByteArray *file;

	put_pieces(builder, data, 0, builder->marks->len, packing);
	file = perf_builder_put_file(builder, data, NULL);
	forget_feature(builder, PERF_BUILDER_COMPRESSED, told);
	return file;
}

/* How many records at the begin are mappings, those of the kernel. */
static guint count_first_mappings(const struct perf_builder *builder)
{
	guint n = 0;

	while (n < builder->marks->len && piece_at(builder, n).type == PERF_RECORD_MMAP)
		n++;
	return n;
}

/* How many records perf made up before it began to record. */
static guint count_made_up(const struct perf_builder *builder)
{
	guint n = 0;

	while (n < builder->marks->len && piece_at(builder, n).cpu == PERF_BUILDER_NO_CPU)
		n++;
	return n;
}

GByteArray *perf_builder_build_pipe(struct perf_builder *builder,
				    const struct perf_packing *packing)
{
	GByteArray *pipe = g_byte_array_new();
	const gboolean told = tell_packing(builder, packing);
	const guint n_first = count_first_mappings(builder);
	const guint n_made_up = MAX(n_first, count_made_up(builder));
	g_autoptr(GByteArray) tail = perf_builder_pipe_tail(builder);

	perf_builder_put_pipe_begin(builder, pipe);
	put_pieces(builder, pipe, 0, n_first, NULL);
	perf_builder_put_pipe_names(builder, pipe);
	put_pieces(builder, pipe, n_first, n_made_up, NULL);
	perf_builder_put_finished_init(builder, pipe);
	put_pieces(builder, pipe, n_made_up, builder->marks->len, packing);
	put_bytes(pipe, tail->data, tail->len);
	forget_feature(builder, PERF_BUILDER_COMPRESSED, told);
	if (pipe->len > builder->cut_at)
		g_byte_array_set_size(pipe, builder->cut_at);
	return pipe;
}

static gboolean write_bytes(const char *directory, const char *name, const GByteArray *bytes,
			    GError **error)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);

	return g_file_set_contents(path, bytes->len ? (const char *)bytes->data : "", bytes->len,
				   error);
}

/* The records of the CPUs whose file it is, or those of none. */
static GByteArray *pieces_of_file(struct perf_builder *builder, gint64 file, guint n_files,
				  const struct perf_packing *packing)
{
	GByteArray *bytes = g_byte_array_new();
	struct perf_packer *packer = new_packer(builder, packing);

	for (guint i = 0; i < builder->marks->len; i++) {
		const struct piece piece = piece_at(builder, i);
		gint64 its_file =
			piece.cpu == PERF_BUILDER_NO_CPU ? piece.cpu : piece.cpu % n_files;

		if (its_file == file && piece.type != PERF_BUILDER_FINISHED_ROUND)
			put_piece(bytes, packer, &piece);
	}
	finish_packer(bytes, packer);
	return bytes;
}

static gboolean write_main_file(struct perf_builder *builder, const char *path, guint n_files,
				GError **error)
{
	g_autoptr(GByteArray) data = pieces_of_file(builder, PERF_BUILDER_NO_CPU, n_files, NULL);
	g_autoptr(GByteArray) file = perf_builder_put_file(builder, data, NULL);

	return write_bytes(path, "data", file, error);
}

gboolean perf_builder_write_directory(struct perf_builder *builder, const char *path, guint n_files,
				      const struct perf_packing *packing, GError **error)
{
	g_autoptr(GByteArray) version = g_byte_array_new();
	gboolean told, ok;

	g_assert_cmpuint(n_files, >, 0);
	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
	put_u64(builder, version, DIR_FORMAT_VERSION);
	perf_builder_feature_bytes(builder, PERF_BUILDER_DIR_FORMAT, version->data, version->len);
	told = tell_packing(builder, packing);
	ok = write_main_file(builder, path, n_files, error);
	forget_feature(builder, PERF_BUILDER_DIR_FORMAT, TRUE);
	forget_feature(builder, PERF_BUILDER_COMPRESSED, told);
	for (guint i = 0; ok && i < n_files; i++) {
		g_autofree char *name = g_strdup_printf("data.%u", i);
		g_autoptr(GByteArray) bytes = pieces_of_file(builder, i, n_files, packing);

		ok = write_bytes(path, name, bytes, error);
	}
	return ok;
}
