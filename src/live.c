/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `colo-perf live`: options, and where the hits come from: running processes or a stream.
 */
#define _GNU_SOURCE
#include "live.h"

#include "colo_perf.h"
#include "input.h"
#include "live_face.h"
#include "live_processes.h"
#include "perfdata/perf_file.h"
#include "recording_file.h"

#include <math.h>
#include <string.h>

#define COMMAND		   "live"
#define DEFAULT_INTERVAL_S 1.0
#define LEAST_INTERVAL_S   0.01
#define MOST_INTERVAL_S	   86400.0

struct options {
	char **pids, **names; /* Owned by this: -p, --name */
	char *input;	      /* Owned by this: -i */
	char *formats;	      /* Owned by this; NULL: the stream's own, or of this machine */
	double interval_s;
	int count;
	gboolean json, trust_program, help, version;
};

/* --- A stream --- */

struct stream {
	struct live_face *face;	    /* Owned by this */
	struct live_counts *counts; /* Owned by this */
	struct recording_follow follow;
};

/* Of a stream only the hits tell what time it is there. */
static uint64_t stream_now_ns(void *data)
{
	const struct stream *stream = data;

	return stream->counts ? live_counts_latest_ns(stream->counts) + 1 : 0;
}

static bool wait_for_stream(int fd, void *data)
{
	struct stream *stream = data;

	for (;;) {
		const int ready = live_face_poll(stream->face, &fd, 1, -1);

		live_face_tick(stream->face);
		if (live_face_wants_end(stream->face)) {
			stream->follow.stopped = true;
			return false;
		}
		if (ready == 0)
			return true;
	}
}

static void take_stream_hit(const struct colo_hit *hit, void *data)
{
	live_counts_add(((struct stream *)data)->counts, hit);
}

static void end_stream_round(void *data)
{
	struct stream *stream = data;

	live_counts_end_round(stream->counts);
	/* A stream that never makes us wait, a file, is looked at nevertheless, and can be ended.
	 */
	live_face_poll(stream->face, NULL, 0, 0);
	live_face_tick(stream->face);
	if (live_face_wants_end(stream->face))
		stream->follow.stopped = true;
}

static int read_stream(struct stream *stream, const struct options *options, GError **error)
{
	const struct recording_options recording = {
		.formats = options->formats,
		.follow = &stream->follow,
	};

	g_autoptr(GError) problem = NULL;

	stream->counts = live_counts_new(recording_new(options->input));
	stream->follow = (struct recording_follow){
		.wait = {wait_for_stream, stream},
		.take_hit = take_stream_hit,
		.end_round = end_stream_round,
		.data = stream,
	};
	if (!live_face_begin(stream->face, stream->counts, error))
		return COLO_PERF_FAILED;
	if (!recording_load(live_counts_recording(stream->counts), 0, &recording, NULL, &problem) &&
	    !stream->follow.stopped) {
		g_propagate_prefixed_error(error, g_steal_pointer(&problem),
					   "%s: ", options->input);
		return COLO_PERF_FAILED;
	}
	live_counts_finish(stream->counts);
	return live_face_end(stream->face);
}

static int run_stream(const struct options *options, struct live_face_options *face)
{
	struct stream stream = {0};
	g_autoptr(GError) error = NULL;
	int status = COLO_PERF_FAILED;

	face->source = options->input;
	face->is_stream = true;
	face->now_ns = stream_now_ns;
	face->data = &stream;
	stream.face = live_face_new(face, &error);
	if (stream.face)
		status = read_stream(&stream, options, &error);
	/* Before anything is said. */
	live_face_free(stream.face);
	if (error)
		colo_perf_fail(COMMAND, COLO_PERF_FAILED, "%s", error->message);
	live_counts_free(stream.counts);
	return status;
}

/* --- Options --- */

static bool check_options(const struct options *options, int argc, char **argv, GError **error)
{
	const bool has_processes = options->pids || options->names;

	if (argc > 1)
		return input_usage_error(error, "%s: unexpected; a stream is named with -i",
					 argv[1]);
	if (!has_processes && !options->input)
		return input_usage_error(error, "name processes with -p or --name, or a stream "
						"with -i");
	if (has_processes && options->input)
		return input_usage_error(error, "-i and -p or --name: choose one");
	if (options->trust_program && options->input)
		return input_usage_error(error, "--trust-program needs -p or --name");
	if (options->formats && !options->input)
		return input_usage_error(error, "--formats needs -i");
	if (!isfinite(options->interval_s) || options->interval_s < LEAST_INTERVAL_S ||
	    options->interval_s > MOST_INTERVAL_S)
		return input_usage_error(error, "--interval %g: expected seconds, from %g to %g",
					 options->interval_s, LEAST_INTERVAL_S, MOST_INTERVAL_S);
	if (options->count < 0)
		return input_usage_error(error, "--count %d: expected a number from 1",
					 options->count);
	return input_parse_pids((const char *const *)options->pids, NULL, error);
}

static int run(const struct options *options)
{
	struct live_face_options face = {
		.command = COMMAND,
		.interval_s = options->interval_s,
		.count = options->count,
		.json = options->json,
	};
	const struct record_wanted wanted = {
		.numbers = (const char *const *)options->pids,
		.names = (const char *const *)options->names,
		.all_processes = true, /* the ring has the events on all CPUs */
		.trust_program = options->trust_program,
	};

	if (options->input)
		return run_stream(options, &face);
	return live_processes_run(&face, &wanted);
}

static void options_clear(struct options *options)
{
	g_strfreev(options->pids);
	g_strfreev(options->names);
	g_free(options->input);
	g_free(options->formats);
}

int live_main(int argc, char **argv)
{
	struct options options = {.interval_s = DEFAULT_INTERVAL_S};
	const GOptionEntry entries[] = {
		{"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options.pids,
		 "a QEMU that runs; may be given again, or as a list", "PID"},
		{"name", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.names,
		 "the QEMU that was started with -name NAME", "NAME"},
		{"input", 'i', 0, G_OPTION_ARG_FILENAME, &options.input,
		 "what perf record -o - writes; - is standard input", "FILE"},
		{"formats", 0, 0, G_OPTION_ARG_FILENAME, &options.formats,
		 "where the formats of the probes are, if the stream lacks them", "PATH"},
		{"interval", 0, 0, G_OPTION_ARG_DOUBLE, &options.interval_s,
		 "seconds between two looks, 0.5 for example (default 1)", "S"},
		{"count", 0, 0, G_OPTION_ARG_INT, &options.count,
		 "end after so many intervals (default: when the processes end)", "N"},
		{"json", 0, 0, G_OPTION_ARG_NONE, &options.json,
		 "a line of JSON for each side and interval, also on a terminal", NULL},
		{"trust-program", 0, 0, G_OPTION_ARG_NONE, &options.trust_program,
		 "also a program that others could change: they choose where breakpoints go", NULL},
		{"help", 'h', 0, G_OPTION_ARG_NONE, &options.help, "this text", NULL},
		{"version", 0, 0, G_OPTION_ARG_NONE, &options.version, "of colo-perf", NULL},
		G_OPTION_ENTRY_NULL,
	};
	GOptionContext *context = g_option_context_new("- statistics of COLO while it runs");
	g_autoptr(GError) error = NULL;
	int status = COLO_PERF_DONE;

	g_set_prgname("colo-perf " COMMAND);
	g_option_context_set_summary(context,
				     "Shows the recorder's statistics of a pair while it runs. "
				     "Keys: q ends it, r starts a\nnew count with the next "
				     "checkpoint (as SIGUSR1 does), p freezes the view, v shows "
				     "what has\nno room, s one side alone.");
	g_option_context_set_description(
		context, "Exit status: 0 done; 1 the system stopped it; 2 wrong usage; 3 no COLO "
			 "checkpoint was seen.\n");
	g_option_context_add_main_entries(context, entries, NULL);
	/* GLib's own help does not notice that it cannot be written. */
	g_option_context_set_help_enabled(context, FALSE);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		status = input_usage_fail(COMMAND, error);
	else if (options.help || options.version)
		status = input_print_about(COMMAND, context, options.help, options.version);
	else if (!check_options(&options, argc, argv, &error))
		status = input_usage_fail(COMMAND, error);
	else
		status = run(&options);
	g_option_context_free(context);
	options_clear(&options);
	return status;
}
