/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a recording of a COLO pair of any size, in little memory. What the pair does is made
 * up in pair_story.c, the bytes are those of the builder of the tests; here is what
 * ends it and where it goes.
 *
 *   build/bench/make_recording --size 4G --symfs DIR perf.data
 *
 * The same options give the same bytes, and a larger recording begins with the events of a
 * smaller one.
 */
#include "code_map.h"
#include "lib/perf_packer.h"
#include "pair_story.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SIZE "64M"
#define EXIT_USAGE   2

struct options {
	char *size, *symfs; /* Owned by this */
	guint64 size_bytes;
	double seconds;
	int seed, n_cpus, frequency_hz;
	gboolean compress, pipe;
	const char *path; /* Weak */
};

/* Where the recording goes. */
struct sink {
	struct perf_builder *builder; /* Weak */
	struct perf_packer *packer;   /* Owned by this; NULL: not compressed */
	FILE *out;		      /* Owned by this, but for stdout */
	guint64 n_bytes;	      /* of the data */
	GError *error;		      /* Owned by this: the first one */
};

/* Frees the bytes. */
static void sink_write(struct sink *sink, GByteArray *bytes)
{
	if (!sink->error && bytes->len &&
	    fwrite(bytes->data, 1, bytes->len, sink->out) != bytes->len)
		g_set_error(&sink->error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s",
			    g_strerror(errno));
	g_byte_array_unref(bytes);
}

static void sink_write_data(struct sink *sink, GByteArray *bytes)
{
	sink->n_bytes += bytes->len;
	sink_write(sink, bytes);
}

/* What the builder has now, as it is: perf compresses only what comes from the kernel. */
static void sink_plain(struct sink *sink)
{
	sink_write_data(sink, perf_builder_take_data(sink->builder));
}

static void sink_packed(struct sink *sink)
{
	g_autoptr(GByteArray) bytes = NULL;

	if (!sink->packer) {
		sink_plain(sink);
		return;
	}
	bytes = perf_builder_take_data(sink->builder);
	perf_packer_add(sink->packer, bytes->data, bytes->len);
	perf_packer_flush(sink->packer);
	sink_write_data(sink, perf_packer_take(sink->packer));
}

/* Of the data; compressed, what waits in the buffers will be next to nothing. */
static guint64 size_so_far(const struct sink *sink, const struct pair_story *story)
{
	return sink->n_bytes + (sink->packer ? 0 : pair_story_pending_bytes(story));
}

static void sink_round(struct sink *sink, struct pair_story *story)
{
	pair_story_round(story);
	sink_packed(sink);
	perf_builder_finished_round(sink->builder);
	sink_plain(sink);
}

static void make(struct sink *sink, const struct options *options)
{
	const struct pair_options pair = {.seed = (guint)options->seed,
					  .n_cpus = (guint)options->n_cpus,
					  .frequency_hz = (guint)options->frequency_hz};
	struct pair_story *story = pair_story_new(sink->builder, &pair);

	sink_write(sink, options->pipe ? perf_builder_pipe_head(sink->builder)
				       : perf_builder_file_head(sink->builder, 0));
	pair_story_begin(story);
	sink_plain(sink);
	while (!sink->error && size_so_far(sink, story) < options->size_bytes &&
	       pair_story_seconds(story) < options->seconds) {
		if (pair_story_step(story))
			sink_round(sink, story);
	}
	sink_round(sink, story);
	sink_write(sink, options->pipe ? perf_builder_pipe_tail(sink->builder)
				       : perf_builder_file_tail(sink->builder, sink->n_bytes));
	if (!options->pipe && !sink->error) {
		rewind(sink->out);
		sink_write(sink, perf_builder_file_head(sink->builder, sink->n_bytes));
	}
	pair_story_free(story);
}

static gboolean run(const struct options *options, GError **error)
{
	const struct perf_packing packing = {.kind = PERF_PACKER_COMPRESSED,
					     .chunk_size_bytes = PAIR_BUFFER_SIZE};
	struct sink sink = {.builder = perf_builder_new(G_LITTLE_ENDIAN)};
	const gboolean to_stdout = !strcmp(options->path, "-");

	if (options->compress) {
		sink.packer = perf_packer_new(G_LITTLE_ENDIAN, &packing);
		perf_builder_feature_compressed(sink.builder, PAIR_BUFFER_SIZE);
	}
	sink.out = to_stdout ? stdout : fopen(options->path, "wb");
	if (sink.out)
		make(&sink, options);
	if (!sink.out || (fflush(sink.out) && !sink.error))
		g_set_error(&sink.error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s",
			    g_strerror(errno));
	if (sink.out && !to_stdout)
		fclose(sink.out);
	perf_packer_free(sink.packer);
	perf_builder_free(sink.builder);
	if (!sink.error)
		return TRUE;
	g_propagate_prefixed_error(error, sink.error, "%s: ", options->path);
	return FALSE;
}

/* "64M": K, M and G are powers of 1024. */
static gboolean parse_size(const char *text, guint64 *size_bytes)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	char *end;

	*size_bytes = g_ascii_strtoull(text, &end, 10);
	if (end == text || !*end)
		return end != text;
	suffix = strchr(suffixes, *end);
	if (!suffix || end[1])
		return FALSE;
	*size_bytes <<= 10 * (suffix - suffixes + 1);
	return TRUE;
}

static gboolean check(struct options *options, int argc, char **argv)
{
	if (argc != 2 ||
	    !parse_size(options->size ? options->size : DEFAULT_SIZE, &options->size_bytes))
		return FALSE;
	options->path = argv[1];
	/* The size of the data stands in the head of a file. */
	return options->n_cpus > 0 && options->frequency_hz >= 0 &&
	       (options->pipe || strcmp(options->path, "-") != 0);
}

int main(int argc, char **argv)
{
	struct options options = {.seed = 1, .n_cpus = 8, .frequency_hz = 997, .seconds = 1e9};
	const GOptionEntry entries[] = {
		{"size", 0, 0, G_OPTION_ARG_STRING, &options.size,
		 "end at this size or up to a quarter of a second behind it, compressed "
		 "somewhat later; K, M or G (" DEFAULT_SIZE ")",
		 "BYTES"},
		{"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &options.seconds,
		 "end when the pair has run for so long", "N"},
		{"seed", 0, 0, G_OPTION_ARG_INT, &options.seed, "another recording for each", "N"},
		{"cpus", 0, 0, G_OPTION_ARG_INT, &options.n_cpus, "of the machine (8)", "N"},
		{"frequency", 0, 0, G_OPTION_ARG_INT, &options.frequency_hz,
		 "of the samples; changes nothing else (997; 0: none)", "HZ"},
		{"compress", 0, 0, G_OPTION_ARG_NONE, &options.compress, "as perf record -z", NULL},
		{"pipe", 0, 0, G_OPTION_ARG_NONE, &options.pipe, "as perf record -o -", NULL},
		{"symfs", 0, 0, G_OPTION_ARG_FILENAME, &options.symfs,
		 "write the mapped files there, and DIR/kallsyms", "DIR"},
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context =
		g_option_context_new("FILE - a made-up recording of a COLO pair");
	g_autoptr(GError) error = NULL;
	int status = EXIT_FAILURE;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) || !check(&options, argc, argv))
		status = EXIT_USAGE;
	else if ((!options.symfs || code_map_write_symfs(options.symfs, &error)) &&
		 run(&options, &error))
		status = EXIT_SUCCESS;
	if (status != EXIT_SUCCESS)
		fprintf(stderr, "make_recording: %s\n",
			error ? error->message : "wrong options; see --help");
	g_free(options.size);
	g_free(options.symfs);
	return status;
}
