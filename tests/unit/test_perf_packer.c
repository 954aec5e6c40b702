/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perf_packer: out of its records come the bytes that went in, and the sizes in them are right and
 * wrong as those of perf 6.16. The perf that is installed with the tests may be older, and is no
 * judge of that.
 */
#include "lib/perf_packer.h"

#include "lib/dice.h"

#include <string.h>
#include <zstd.h>

#define N_BYTES		1000000
#define CHUNK_OVERFLOWS 65512 /* comes out so large that the size with padding is 64 KiB */
#define HEAD		8
#define HEAD2		16 /* with data_size */
#define MAX_PAYLOAD2	65519

/* A recording of which nothing can be left out by compressing it. */
static GByteArray *random_bytes(void)
{
	struct dice dice = dice_of(7);
	GByteArray *bytes = g_byte_array_sized_new(N_BYTES);

	g_byte_array_set_size(bytes, N_BYTES);
	for (guint i = 0; i < N_BYTES; i++)
		bytes->data[i] = dice_range(&dice, 0, 256);
	return bytes;
}

static GByteArray *pack(const GByteArray *bytes, int byte_order, enum perf_packer_kind kind,
			gsize chunk_size)
{
	const struct perf_packing packing = {.kind = kind, .chunk_size_bytes = chunk_size};
	struct perf_packer *packer = perf_packer_new(byte_order, &packing);
	GByteArray *packed;

	perf_packer_add(packer, bytes->data, bytes->len);
	perf_packer_flush(packer);
	packed = perf_packer_take(packer);
	perf_packer_free(packer);
	return packed;
}

static guint64 number_at(const guint8 *at, guint size, int byte_order)
{
	guint64 number = 0;

	for (guint i = 0; i < size; i++)
		number = number << 8 | at[byte_order == G_BIG_ENDIAN ? i : size - 1 - i];
	return number;
}

/* A record of what was packed. */
struct packed {
	guint32 type;
	guint16 size;
	guint64 data_size; /* of COMPRESSED2 */
};

static struct packed packed_at(const GByteArray *packed, gsize at, int byte_order)
{
	g_assert_cmpuint(packed->len - at, >=, 16);
	return (struct packed){.type = number_at(packed->data + at, 4, byte_order),
			       .size = number_at(packed->data + at + 6, 2, byte_order),
			       .data_size = number_at(packed->data + at + 8, 8, byte_order)};
}

/* What unpacks a stream. */
struct stream {
	ZSTD_DCtx *zstd;
	GByteArray *out;
};

static void unpack(struct stream *stream, const guint8 *payload, gsize size)
{
	g_autofree guint8 *piece = g_malloc(N_BYTES);
	ZSTD_inBuffer in = {payload, size, 0};

	while (in.pos < in.size) {
		ZSTD_outBuffer out = {piece, N_BYTES, 0};

		g_assert_false(ZSTD_isError(ZSTD_decompressStream(stream->zstd, &out, &in)));
		g_byte_array_append(stream->out, piece, out.pos);
	}
}

/* Bytes of the payload at `at`, and from there to the next record, for each kind. */
typedef gsize (*payload_finder)(const struct packed *record, gsize *step);

static gsize find_in_compressed(const struct packed *record, gsize *step)
{
	g_assert_cmpuint(record->type, ==, 81);
	*step = record->size;
	return record->size - HEAD;
}

static gsize find_in_compressed2(const struct packed *record, gsize *step)
{
	g_assert_cmpuint(record->type, ==, 83);
	g_assert_cmpuint(record->size, ==, (HEAD2 + record->data_size + 7) / 8 * 8);
	*step = record->size;
	return record->data_size;
}

static gsize find_in_unset_size(const struct packed *record, gsize *step)
{
	g_assert_cmpuint(record->type, ==, 83);
	g_assert_cmpuint(record->data_size, >, N_BYTES);
	*step = record->size;
	return record->size - HEAD2;
}

/*
 * The first of a chunk tells of all of them, in as much of the size with padding as fits into 16
 * bits; the others have no data_size.
 */
static gsize find_in_overflowing(const struct packed *record, gsize *step)
{
	const gboolean is_first = record->data_size <= 2 * N_BYTES;
	const gsize size =
		is_first ? MIN(record->data_size, MAX_PAYLOAD2) : (gsize)record->size - HEAD2;

	g_assert_cmpuint(record->type, ==, 83);
	if (is_first)
		g_assert_cmpuint(record->size, ==,
				 (guint16)((HEAD2 + record->data_size + 7) / 8 * 8));
	/* Only one that is alone in its chunk, and whose size did not overflow, has padding. */
	*step = record->data_size == size && record->size ? record->size : HEAD2 + size;
	return size;
}

static void check(enum perf_packer_kind kind, gsize chunk_size, gsize head_size,
		  payload_finder find)
{
	static const int byte_orders[] = {G_LITTLE_ENDIAN, G_BIG_ENDIAN};
	g_autoptr(GByteArray) bytes = random_bytes();

	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		g_autoptr(GByteArray) packed = pack(bytes, byte_orders[i], kind, chunk_size);
		struct stream stream = {ZSTD_createDCtx(), g_byte_array_new()};
		gsize step;

		for (gsize at = 0; at < packed->len; at += step) {
			const struct packed record = packed_at(packed, at, byte_orders[i]);
			gsize size = find(&record, &step);

			g_assert_cmpuint(head_size + size, <=, step);
			g_assert_cmpuint(step, <=, packed->len - at);
			unpack(&stream, packed->data + at + head_size, size);
		}
		g_assert_cmpmem(stream.out->data, stream.out->len, bytes->data, bytes->len);
		g_byte_array_unref(stream.out);
		ZSTD_freeDCtx(stream.zstd);
	}
}

static void test_compressed(void)
{
	check(PERF_PACKER_COMPRESSED, 4096, HEAD, find_in_compressed);
	check(PERF_PACKER_COMPRESSED, 300000, HEAD, find_in_compressed);
}

static void test_compressed2(void)
{
	check(PERF_PACKER_COMPRESSED2, 4096, HEAD2, find_in_compressed2);
	check(PERF_PACKER_COMPRESSED2, 300000, HEAD2, find_in_compressed2);
}

static void test_unset_size(void)
{
	check(PERF_PACKER_UNSET_SIZE2, 4096, HEAD2, find_in_unset_size);
	check(PERF_PACKER_UNSET_SIZE2, 300000, HEAD2, find_in_unset_size);
}

/* How many records of the kind that overflows say a size of 0. */
static guint count_zero_sizes(const GByteArray *packed)
{
	guint n = 0;
	gsize step;

	for (gsize at = 0; at < packed->len; at += step) {
		const struct packed record = packed_at(packed, at, G_LITTLE_ENDIAN);

		find_in_overflowing(&record, &step);
		n += record.size == 0;
	}
	return n;
}

static void test_overflow_of_one(void)
{
	g_autoptr(GByteArray) bytes = random_bytes();
	g_autoptr(GByteArray) packed =
		pack(bytes, G_LITTLE_ENDIAN, PERF_PACKER_OVERFLOWING2, CHUNK_OVERFLOWS);

	g_assert_cmpuint(count_zero_sizes(packed), >=, N_BYTES / CHUNK_OVERFLOWS - 1);
	check(PERF_PACKER_OVERFLOWING2, CHUNK_OVERFLOWS, HEAD2, find_in_overflowing);
}

static void test_overflow_of_several(void)
{
	g_autoptr(GByteArray) bytes = random_bytes();
	g_autoptr(GByteArray) packed =
		pack(bytes, G_LITTLE_ENDIAN, PERF_PACKER_OVERFLOWING2, 300000);

	g_assert_cmpuint(packed_at(packed, 0, G_LITTLE_ENDIAN).data_size, >, 300000);
	check(PERF_PACKER_OVERFLOWING2, 300000, HEAD2, find_in_overflowing);
}

/* Plain bytes come behind all that was added before them. */
static void test_plain(void)
{
	const struct perf_packing packing = {.kind = PERF_PACKER_COMPRESSED,
					     .chunk_size_bytes = 4096};
	struct perf_packer *packer = perf_packer_new(G_LITTLE_ENDIAN, &packing);
	g_autoptr(GByteArray) packed = NULL;
	gsize size;

	perf_packer_add(packer, "abc", 3);
	perf_packer_add_plain(packer, "plain", 5);
	packed = perf_packer_take(packer);
	size = number_at(packed->data + 6, 2, G_LITTLE_ENDIAN);
	g_assert_cmpuint(packed->len, ==, size + 5);
	g_assert_cmpmem(packed->data + size, 5, "plain", 5);
	perf_packer_free(packer);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/perf_packer/compressed", test_compressed);
	g_test_add_func("/perf_packer/compressed2", test_compressed2);
	g_test_add_func("/perf_packer/unset-size", test_unset_size);
	g_test_add_func("/perf_packer/overflow-of-one", test_overflow_of_one);
	g_test_add_func("/perf_packer/overflow-of-several", test_overflow_of_several);
	g_test_add_func("/perf_packer/plain", test_plain);
	return g_test_run();
}
