/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `colo-perf record`: options. The recording itself is in record_session.c.
 */
#include "record.h"

#include "input.h"
#include "record_session.h"

#include <string.h>

#define COMMAND		  "record"
#define DEFAULT_OUTPUT	  "perf.data"
#define DEFAULT_FREQUENCY 997 /* not a multiple of what else happens at round rates */
#define DEFAULT_MMAP_SIZE "4M"
#define DEFAULT_CHAINS	  "fp"
#define MAX_FREQUENCY	  1000000
#define MAX_DURATION_S	  1e6

static bool is_one_of(const char *text, const char *const *words)
{
	return !text || g_strv_contains(words, text);
}

/* "4M" */
static bool is_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && (!text[digits] || (strchr("KMG", text[digits]) && !text[digits + 1]));
}

static bool check_options(const struct record_options *options, GError **error)
{
	const char *const events[] = {"cycles", "cpu-clock", NULL};
	const char *const chains[] = {"fp", "dwarf", "lbr", NULL};
	bool has_targets = options->pids || options->names;

	if (!has_targets && !*options->command && !options->check)
		return input_usage_error(
			error, "nothing to record: give -p PID, --name NAME or a COMMAND");
	if (has_targets && *options->command)
		return input_usage_error(error,
					 "%s: a COMMAND, or -p and --name: choose one, as a "
					 "recording ends with its COMMAND",
					 *options->command);
	if (options->check && *options->command)
		return input_usage_error(error, "--check starts no COMMAND: use --binary %s",
					 *options->command);
	if (options->binary && !options->check)
		return input_usage_error(error, "--binary needs --check");
	if (!is_one_of(options->event, events))
		return input_usage_error(error, "--event %s: expected cycles or cpu-clock",
					 options->event);
	if (!is_one_of(options->chains, chains))
		return input_usage_error(error, "--call-graph %s: expected fp, dwarf or lbr",
					 options->chains);
	if (!is_size(options->mmap_size))
		return input_usage_error(error, "--mmap-size %s: expected a size such as 4M",
					 options->mmap_size);
	if (options->frequency_hz < 0 || options->frequency_hz > MAX_FREQUENCY)
		return input_usage_error(error, "--frequency %d: expected a number from 0 to %d",
					 options->frequency_hz, MAX_FREQUENCY);
	if (!(options->duration_s >= 0 && options->duration_s <= MAX_DURATION_S))
		return input_usage_error(error, "--duration %g: expected seconds, at most %g",
					 options->duration_s, MAX_DURATION_S);
	return input_parse_pids((const char *const *)options->pids, NULL, error);
}

/* GLib does not free what stood there before. */
static void set_default(char **text, const char *value)
{
	if (!*text)
		*text = g_strdup(value);
}

/* Parses until the first word that is no option. True when there is work to do. */
static bool parse(struct record_options *options, int argc, char **argv, int *status)
{
	gboolean help = FALSE, version = FALSE;
	const GOptionEntry entries[] = {
		{"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options->pids,
		 "record this running QEMU; more than one: again, or with commas", "PID"},
		{"name", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->names,
		 "record the running QEMU that was started with -name NAME", "NAME"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
		 "write to FILE (default " DEFAULT_OUTPUT "); an existing one is replaced", "FILE"},
		{"duration", 'd', 0, G_OPTION_ARG_DOUBLE, &options->duration_s,
		 "end after S seconds", "S"},
		{"frequency", 'F', 0, G_OPTION_ARG_INT, &options->frequency_hz,
		 "samples a second (default " G_STRINGIFY(DEFAULT_FREQUENCY) "; 0: probes only)",
		 "HZ"},
		{"event", 'e', 0, G_OPTION_ARG_STRING, &options->event,
		 "what to sample (default: cycles where the hardware counts them)",
		 "cycles|cpu-clock"},
		{"call-graph", 0, 0, G_OPTION_ARG_STRING, &options->chains,
		 "how to walk stacks (default " DEFAULT_CHAINS ")", "fp|dwarf|lbr"},
		{"all-cpus", 'a', 0, G_OPTION_ARG_NONE, &options->all_cpus,
		 "record whatever runs on the CPUs: slows the QEMUs down less", NULL},
		{"trust-program", 0, 0, G_OPTION_ARG_NONE, &options->trust_program,
		 "also a program that others could change: they choose where breakpoints go", NULL},
		{"mmap-size", 'm', 0, G_OPTION_ARG_STRING, &options->mmap_size,
		 "perf's buffer for each CPU (default " DEFAULT_MMAP_SIZE ")", "SIZE"},
		{"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet,
		 "say nothing but warnings and errors", NULL},
		{"check", 0, 0, G_OPTION_ARG_NONE, &options->check,
		 "only say whether recording would be possible", NULL},
		{"binary", 0, 0, G_OPTION_ARG_FILENAME, &options->binary,
		 "with --check: whether this QEMU has the probes", "FILE"},
		{"help", 'h', 0, G_OPTION_ARG_NONE, &help, "this text", NULL},
		{"version", 0, 0, G_OPTION_ARG_NONE, &version, "of colo-perf", NULL},
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(
		"[-- COMMAND [ARGUMENT...]] - records COLO checkpoints with perf");
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(
		context, "Registers the probes of running QEMUs, or of one that COMMAND starts, "
			 "runs `perf record`\nand takes the probes back. Ends with Ctrl-C, "
			 "--duration, COMMAND or the QEMUs.");
	g_option_context_set_description(
		context,
		"On standard output it prints state=recording when the recording has begun, and\n"
		"file=FILE when it is complete. $PERF names another perf.\n\n"
		"Exit status: 0 done; 1 the system stopped it; 2 wrong usage; 3 recorded, but "
		"holds no\nCOLO checkpoint; 128 + N: signal N came before it began.");
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_strict_posix(context, TRUE);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		*status = input_usage_fail(COMMAND, error);
		return false;
	}
	options->command = argv + 1;
	if (*options->command && !strcmp(*options->command, "--"))
		options->command++;
	if (help || version) {
		*status = input_print_about(COMMAND, context, help, version);
		return false;
	}
	set_default(&options->output, DEFAULT_OUTPUT);
	set_default(&options->chains, DEFAULT_CHAINS);
	set_default(&options->mmap_size, DEFAULT_MMAP_SIZE);
	if (check_options(options, &error))
		return true;
	*status = input_usage_fail(COMMAND, error);
	return false;
}

int record_main(int argc, char **argv)
{
	struct record_options options = {.frequency_hz = DEFAULT_FREQUENCY};
	int status;

	g_set_prgname("colo-perf " COMMAND);
	if (parse(&options, argc, argv, &status))
		status = record_session_run(&options);
	g_strfreev(options.pids);
	g_strfreev(options.names);
	g_free(options.output);
	g_free(options.event);
	g_free(options.chains);
	g_free(options.mmap_size);
	g_free(options.binary);
	return status;
}
