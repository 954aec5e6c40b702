/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Options and loading, for all subcommands that read recordings.
 */
#include "input.h"

#include "base/error.h"
#include "base/printable.h"
#include "colo_perf.h"
#include "probes/process.h"
#include "symbols/debuginfod.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_INPUT "perf.data"
#define NS_PER_S      1e9
#define LONGEST_S     1e9 /* 31 years */

void input_options_clear(struct input_options *options)
{
	g_strfreev(options->inputs);
	g_strfreev(options->files);
	g_free(options->checkpoints);
	g_free(options->role);
	g_strfreev(options->pid_lists);
	g_clear_pointer(&options->pids, g_array_unref);
	g_free(options->since);
	g_free(options->until);
	g_free(options->skip);
	g_free(options->event);
	g_free(options->symfs);
	g_free(options->vmlinux);
	g_free(options->kallsyms);
	g_free(options->formats);
	debuginfod_free(options->debuginfod);
}

bool input_usage_error(GError **error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_propagate_error(error,
			  g_error_new_valist(COLO_PERF_ERROR, COLO_PERF_ERROR_USAGE, format, args));
	va_end(args);
	return false;
}

int input_usage_fail(const char *command, const GError *error)
{
	return colo_perf_fail(command, COLO_PERF_USAGE, "%s; see colo-perf %s --help",
			      error->message, command);
}

/* A number from 1 on; an empty text leaves `seq` as it is. */
static bool parse_seq(const char *text, uint64_t *seq)
{
	return !*text || g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, seq, NULL);
}

/* "A-B", "A-", "-B" or "A". */
static bool parse_checkpoints(const char *text, struct colo_selection *selection, GError **error)
{
	g_auto(GStrv) ends = g_strsplit(text, "-", 2);
	bool valid = ends[0] && (*ends[0] || (ends[1] && *ends[1]));

	valid = valid && parse_seq(ends[0], &selection->first_seq);
	if (valid && ends[1])
		valid = parse_seq(ends[1], &selection->last_seq);
	else
		selection->last_seq = selection->first_seq;
	if (!valid || selection->first_seq > selection->last_seq)
		return input_usage_error(
			error,
			"--checkpoints %s: expected A-B, A-, -B or A, with numbers "
			"from 1 and A not above B",
			text);
	return true;
}

/* Leaves `ns` as it is when there is no text. */
static bool parse_seconds(const char *name, const char *text, int64_t *ns, GError **error)
{
	char *end;
	double seconds;

	if (!text)
		return true;
	seconds = g_ascii_strtod(text, &end);
	if (!*text || *end || !isfinite(seconds) || fabs(seconds) > LONGEST_S)
		return input_usage_error(error, "--%s %s: expected seconds, at most %g", name, text,
					 LONGEST_S);
	*ns = llround(seconds * NS_PER_S);
	return true;
}

bool input_parse_pids(const char *const *lists, GArray *pids, GError **error)
{
	for (const char *const *list = lists; list && *list; list++) {
		g_auto(GStrv) words = g_strsplit(*list, ",", -1);

		/* Of an empty text there are no words. */
		for (char **word = words; *word || word == words; word++) {
			guint64 value;
			pid_t pid;

			if (!*word ||
			    !g_ascii_string_to_unsigned(*word, 10, 1, G_MAXINT32, &value, NULL))
				return input_usage_error(
					error, "--pid %s: expected the number of a process", *list);
			pid = (pid_t)value;
			if (pids)
				g_array_append_val(pids, pid);
		}
	}
	return true;
}

static bool check_options(struct input_options *options, GError **error)
{
	struct colo_selection *selection = &options->selection;

	*selection = COLO_SELECT_ALL;
	if (options->checkpoints && !parse_checkpoints(options->checkpoints, selection, error))
		return false;
	if (options->skip &&
	    !g_ascii_string_to_unsigned(options->skip, 10, 0, G_MAXINT64, &selection->skip, NULL))
		return input_usage_error(error, "--skip %s: expected a number from 0",
					 options->skip);
	if (!parse_seconds("since", options->since, &selection->since_ns, error) ||
	    !parse_seconds("until", options->until, &selection->until_ns, error))
		return false;
	if (selection->since_ns >= selection->until_ns)
		return input_usage_error(error, "--since %s is not before --until %s",
					 options->since, options->until);
	if (options->role && strcmp(options->role, "primary") && strcmp(options->role, "secondary"))
		return input_usage_error(error, "--role %s: expected primary or secondary",
					 options->role);
	if (options->pid_lists)
		options->pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	return input_parse_pids((const char *const *)options->pid_lists, options->pids, error);
}

/* It has an ellipsis that not every terminal can show. */
static void print_help(GOptionContext *context)
{
	g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
	g_autoptr(GString) text = g_string_new(help);

	g_string_replace(text, "\342\200\246", "...", 0);
	puts(text->str);
}

int input_print_about(const char *command, GOptionContext *context, bool help, bool version)
{
	if (help)
		print_help(context);
	if (version)
		puts("colo-perf " COLO_PERF_VERSION);
	return colo_perf_flush(command, COLO_PERF_DONE);
}

static void add_entries(GOptionContext *context, struct input_options *options)
{
	const GOptionEntry entries[] = {
		{"input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->inputs,
		 "read FILE; more than one for recordings of several hosts", "FILE"},
		{"checkpoints", 0, 0, G_OPTION_ARG_STRING, &options->checkpoints,
		 "only these checkpoints: 10-20, 10-, -20 or 10", "A-B"},
		{"skip", 0, 0, G_OPTION_ARG_STRING, &options->skip,
		 "leave out the first N complete checkpoints of each session", "N"},
		{"since", 0, 0, G_OPTION_ARG_STRING, &options->since,
		 "only checkpoints that begin S seconds or more after the first probe hit", "S"},
		{"until", 0, 0, G_OPTION_ARG_STRING, &options->until,
		 "only checkpoints that begin before S seconds", "S"},
		{"role", 0, 0, G_OPTION_ARG_STRING, &options->role, "only this side",
		 "primary|secondary"},
		{"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options->pid_lists,
		 "only this QEMU; may be given again, or as a list", "PID"},
		{"event", 0, 0, G_OPTION_ARG_STRING, &options->event,
		 "the samples of this event (default: cycles, or else a clock)", "EVENT"},
		{"inline", 0, 0, G_OPTION_ARG_NONE, &options->inlines,
		 "show inlined functions as well, from DWARF", NULL},
		{"symfs", 0, 0, G_OPTION_ARG_FILENAME, &options->symfs,
		 "look for the recorded files below DIR", "DIR"},
		{"vmlinux", 0, 0, G_OPTION_ARG_FILENAME, &options->vmlinux,
		 "symbols of the kernel, from its ELF file", "FILE"},
		{"kallsyms", 0, 0, G_OPTION_ARG_FILENAME, &options->kallsyms,
		 "symbols of the kernel, from a copy of /proc/kallsyms", "FILE"},
		{"no-debuginfod", 0, 0, G_OPTION_ARG_NONE, &options->no_debuginfod,
		 "do not ask the servers of DEBUGINFOD_URLS for debug files", NULL},
		{"formats", 0, 0, G_OPTION_ARG_FILENAME, &options->formats,
		 "formats of the probes, for a recording that lost its own", "DIR|FILE"},
		{"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "this text", NULL},
		{"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "of colo-perf", NULL},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL,
		 NULL},
		G_OPTION_ENTRY_NULL,
	};

	g_option_context_add_main_entries(context, entries, NULL);
}

static void say_that_debuginfod_waits(const char *urls, double limit_s, void *data G_GNUC_UNUSED)
{
	g_autofree char *safe = printable(urls);

	fprintf(stderr,
		"%s: waiting for DEBUGINFOD_URLS (%s) to answer, for %g s at the most; "
		"--no-debuginfod does not ask\n",
		g_get_prgname(), safe, limit_s);
}

bool input_parse(const struct input_command *command, struct input_options *options, int *argc,
		 char ***argv, int *status)
{
	g_autoptr(GOptionContext) context = g_option_context_new(command->arguments);
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(context, command->summary);
	g_option_context_set_description(context, command->description);
	g_option_context_add_main_entries(context, command->entries, NULL);
	add_entries(context, options);
	/* GLib's own help does not notice that it cannot be written. */
	g_option_context_set_help_enabled(context, FALSE);
	if (!g_option_context_parse(context, argc, argv, &error) ||
	    !check_options(options, &error)) {
		*status = input_usage_fail(command->name, error);
		return false;
	}
	if (!options->help && !options->version) {
		if (!options->no_debuginfod)
			options->debuginfod = debuginfod_new(say_that_debuginfod_waits, NULL);
		return true;
	}
	*status = input_print_about(command->name, context, options->help, options->version);
	return false;
}

/* The inputs in the order of -i, then bare names; a new list whose strings belong to options. */
static GPtrArray *input_paths(const struct input_options *options)
{
	GPtrArray *paths = g_ptr_array_new();

	for (char **path = options->inputs; path && *path; path++)
		g_ptr_array_add(paths, *path);
	for (char **path = options->files; path && *path; path++)
		g_ptr_array_add(paths, *path);
	if (!paths->len)
		g_ptr_array_add(paths, (char *)DEFAULT_INPUT);
	g_ptr_array_add(paths, NULL);
	return paths;
}

static bool has_checkpoints(const struct colo_summary *summary)
{
	uint64_t n = 0;

	for (unsigned int state = 0; state < COLO_N_CHECKPOINT_STATES; state++)
		n += summary->n_states[state];
	return n > 0;
}

/* Summaries of the sessions that have a chosen checkpoint, as `role` and `pids` (or NULL) want. */
static GPtrArray *summarize(const struct recordings *recordings,
			    const struct colo_selection *selection, const char *role,
			    const GArray *pids)
{
	GPtrArray *summaries = g_ptr_array_new_with_free_func((GDestroyNotify)colo_summary_free);
	const GPtrArray *sessions = colo_model_sessions(recordings->model);

	for (guint i = 0; i < sessions->len; i++) {
		const struct colo_session *session = g_ptr_array_index(sessions, i);
		struct colo_summary *summary;

		if ((role && strcmp(role, colo_role_name(session->role))) ||
		    (pids && !pids_have(pids, (pid_t)session->pid)))
			continue;
		summary = colo_summary_new(session, selection);
		if (has_checkpoints(summary))
			g_ptr_array_add(summaries, summary);
		else
			colo_summary_free(summary);
	}
	return summaries;
}

int input_fail_without_checkpoints(const char *command, const struct recordings *recordings)
{
	const struct recording *file = g_ptr_array_index(recordings->files, 0);
	const struct colo_selection all = COLO_SELECT_ALL;
	g_autoptr(GPtrArray) others = summarize(recordings, &all, NULL, NULL);
	uint64_t n_hits = 0;
	unsigned int n_probes = 0, n_unknown = 0;

	for (guint i = 0; i < recordings->files->len; i++) {
		const struct recording *one = g_ptr_array_index(recordings->files, i);

		n_hits += one->n_probe_hits;
		n_probes += one->n_probes;
		n_unknown += one->other_probes->len + one->foreign_events->len;
	}
	if (others->len)
		return colo_perf_fail(
			command, COLO_PERF_NO_DATA,
			"%s: none of its checkpoints matches the options; without "
			"--checkpoints, --skip, --since, --until, --role and --pid the "
			"report shows what is there",
			file->path);
	if (file->damage)
		return colo_perf_fail(command, COLO_PERF_FAILED,
				      "%s: %s; what is left holds no COLO checkpoint; take the "
				      "whole file, or record it anew",
				      file->path, file->damage);
	if (!n_probes)
		return colo_perf_fail(
			command, COLO_PERF_NO_DATA,
			"%s: holds no COLO checkpoint: none of its %u events is a probe of "
			"sdt-probes.patch%s; record a QEMU built with it, with -e "
			"'sdt_qemu:colo_*'",
			file->path, file->n_events,
			n_unknown ? " (its sdt_qemu events are others, or of another version)"
				  : "");
	if (!n_hits)
		return colo_perf_fail(
			command, COLO_PERF_NO_DATA,
			"%s: holds no COLO checkpoint: none of its %u probes was hit. "
			"Was COLO running (query-colo-status), were the QEMUs' pids "
			"recorded, and were the probes taken from the binary that runs?",
			file->path, n_probes);
	return colo_perf_fail(command, COLO_PERF_NO_DATA,
			      "%s: holds no COLO checkpoint: its probes were hit %" PRIu64
			      " times, but no checkpoint began; record for longer than the "
			      "checkpoint interval (x-checkpoint-delay)",
			      file->path, n_hits);
}

/* What the user names has to be there. NULL, or the name of what is not. */
static const char *missing_source(const struct input_options *options)
{
	const char *const named[] = {options->symfs, options->vmlinux, options->kallsyms};

	for (size_t i = 0; i < G_N_ELEMENTS(named); i++)
		if (named[i] && g_access(named[i], R_OK))
			return named[i];
	return NULL;
}

static void on_interrupt(int signal G_GNUC_UNUSED)
{
}

/*
 * Ctrl-C in `perf record -o - | colo-perf report -` goes to both, and is meant for perf: it ends
 * the recording, which then is to be reported. The second one ends us. `before` is what
 * holds again once all is read.
 */
static void spare_first_interrupt(const GPtrArray *paths, struct sigaction *before)
{
	const struct sigaction once = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND};

	sigaction(SIGINT, NULL, before);
	for (guint i = 0; i < paths->len && paths->pdata[i]; i++)
		if (!strcmp(paths->pdata[i], "-") && before->sa_handler == SIG_DFL)
			sigaction(SIGINT, &once, NULL);
}

bool input_load(const char *command, const struct input_options *options, const char *path,
		struct input *input, int *status)
{
	g_autoptr(GPtrArray) paths = path ? g_ptr_array_new() : input_paths(options);
	g_autoptr(GError) error = NULL;
	const struct recording_options recording = {
		.symbols = {.symfs = options->symfs,
			    .vmlinux = options->vmlinux,
			    .kallsyms = options->kallsyms,
			    .debuginfod = options->debuginfod,
			    .inlines = options->inlines},
		.formats = options->formats,
	};
	struct sigaction before;
	const char *missing;

	*input = (struct input){0};
	missing = missing_source(options);
	if (missing) {
		*status = colo_perf_fail(command, COLO_PERF_FAILED,
					 "cannot read \"%s\", which should have symbols: %s",
					 missing, g_strerror(errno));
		return false;
	}
	if (path) {
		g_ptr_array_add(paths, (char *)path);
		g_ptr_array_add(paths, NULL);
	}
	spare_first_interrupt(paths, &before);
	input->recordings = recordings_load((const char *const *)paths->pdata, &recording, &error);
	sigaction(SIGINT, &before, NULL);
	if (!input->recordings) {
		*status = colo_perf_fail(command, COLO_PERF_FAILED, "%s", error->message);
		return false;
	}
	input->summaries = summarize(input->recordings, &options->selection, options->role,
				     path ? NULL : options->pids);
	if (input->summaries->len)
		return true;
	*status = input_fail_without_checkpoints(command, input->recordings);
	input_clear(input);
	return false;
}

void input_clear(struct input *input)
{
	g_clear_pointer(&input->summaries, g_ptr_array_unref);
	recordings_free(input->recordings);
	input->recordings = NULL;
}
