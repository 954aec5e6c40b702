/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What no reader of a recording can be faster than, for bench/bench.py: a look at each of its
 * bytes, and the decompression of its payload. Nothing is made of what was read.
 *
 *   build/bench/limits read FILE      sums the words of the file
 *   build/bench/limits unpack FILE    decompresses the COMPRESSED records of a recording
 *
 * Prints how many bytes were read, or came out. A recording is trusted: make_recording made it.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define BUFFER_SIZE	  (1024 * 1024)
#define RECORD_MAX	  65536
#define RECORD_COMPRESSED 81 /* PERF_RECORD_COMPRESSED of tools/lib/perf/include/perf/event.h */
#define DATA_AT		  40 /* offset of the offset and size of the data in the file's header */

struct record_header {
	guint32 type;
	guint16 misc, size_bytes;
};

/* Keeps the sum from being left out by the compiler. */
static volatile guint64 kept;

static gboolean read_all(FILE *in, guint64 *n_bytes)
{
	g_autofree guint64 *buffer = g_malloc0(BUFFER_SIZE);
	guint64 sum = 0;
	gsize n;

	while ((n = fread(buffer, 1, BUFFER_SIZE, in)) > 0) {
		for (gsize i = 0; i < n / sizeof(*buffer); i++)
			sum += buffer[i];
		*n_bytes += n;
	}
	kept = sum;
	return !ferror(in);
}

/* All records are one stream. */
static gboolean unpack(ZSTD_DStream *stream, gconstpointer bytes, gsize size_bytes, void *out,
		       guint64 *n_bytes)
{
	ZSTD_inBuffer from = {.src = bytes, .size = size_bytes};
	ZSTD_outBuffer to = {.dst = out, .size = BUFFER_SIZE};

	do {
		to.pos = 0;
		if (ZSTD_isError(ZSTD_decompressStream(stream, &to, &from)))
			return FALSE;
		*n_bytes += to.pos;
	} while (from.pos < from.size || to.pos == to.size);
	return TRUE;
}

static gboolean unpack_records(FILE *in, guint64 *n_bytes)
{
	g_autofree char *payload = g_malloc(RECORD_MAX), *out = g_malloc(BUFFER_SIZE);
	ZSTD_DStream *stream = ZSTD_createDStream();
	guint64 data[2]; /* offset, size */
	gboolean good = !fseek(in, DATA_AT, SEEK_SET) && fread(data, sizeof(data), 1, in) == 1 &&
			!fseek(in, (long)data[0], SEEK_SET);

	for (guint64 left = good ? data[1] : 0; good && left;) {
		struct record_header header;

		good = fread(&header, sizeof(header), 1, in) == 1 &&
		       header.size_bytes >= sizeof(header) && header.size_bytes <= left &&
		       fread(payload, 1, header.size_bytes - sizeof(header), in) ==
			       header.size_bytes - sizeof(header);
		if (good && header.type == RECORD_COMPRESSED)
			good = unpack(stream, payload, header.size_bytes - sizeof(header), out,
				      n_bytes);
		left -= good ? header.size_bytes : 0;
	}
	ZSTD_freeDStream(stream);
	return good;
}

int main(int argc, char **argv)
{
	guint64 n_bytes = 0;
	gboolean good;
	FILE *in;

	if (argc != 3 || (strcmp(argv[1], "read") != 0 && strcmp(argv[1], "unpack") != 0)) {
		fprintf(stderr, "usage: limits read|unpack FILE\n");
		return 2;
	}
	in = fopen(argv[2], "rb");
	if (!in) {
		perror(argv[2]);
		return EXIT_FAILURE;
	}
	setvbuf(in, NULL, _IOFBF, BUFFER_SIZE);
	good = (strcmp(argv[1], "read") ? unpack_records : read_all)(in, &n_bytes);
	fclose(in);
	if (!good) {
		fprintf(stderr, "limits: %s: cannot be read to its end\n", argv[2]);
		return EXIT_FAILURE;
	}
	printf("%" G_GUINT64_FORMAT "\n", n_bytes);
	return EXIT_SUCCESS;
}
