/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `colo-perf report`: options, choice of checkpoints, choice of view. The views
 * are in report_*.c.
 */
#include "report.h"

#include "colo_perf.h"
#include "input.h"
#include "warnings.h"

#include <string.h>

#define COMMAND	    "report"
#define DEFAULT_TOP 10 /* functions of a profile */

/* The options of this command alone. */
struct options {
	struct input_options input;
	gboolean json, csv, info_checkpoint;
	char **phases; /* Owned by this: those whose profile is shown; NULL: the RAM path's */
	int top;       /* functions of a profile */
};

static void print_report(const struct options *options, const struct report *report)
{
	if (options->json)
		report_print_json(report, stdout);
	else if (options->csv)
		report_print_csv(report, stdout);
	else if (options->info_checkpoint)
		report_print_info_checkpoint(report, stdout);
	else
		report_print_text(report, stdout);
}

/* These two views have no place for a profile. */
static bool wants_profile(const struct options *options)
{
	return !options->csv && !options->info_checkpoint;
}

static int run(const struct options *options)
{
	const struct sample_choice choice = {
		.selection = options->input.selection,
		.event = options->input.event,
		.part = COLO_N_PARTS,
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) warnings = NULL;
	struct phase_profiles *profiles = NULL;
	struct input input;
	int status;

	if (!input_load(COMMAND, &options->input, NULL, &input, &status))
		return status;
	if (wants_profile(options))
		profiles = phase_profiles_new(input.recordings, input.summaries, &choice, &error);
	warnings = warnings_of(input.recordings, input.summaries, profiles);
	if (error) {
		status = colo_perf_fail(COMMAND, COLO_PERF_FAILED, "%s", error->message);
	} else {
		const struct report report = {
			.recordings = input.recordings,
			.warnings = warnings,
			.summaries = input.summaries,
			.profiles = profiles,
			.phases = (const char *const *)options->phases,
			.top = (guint)options->top,
			.selection = options->input.selection,
		};

		print_report(options, &report);
		status = colo_perf_flush(COMMAND, COLO_PERF_DONE);
	}
	phase_profiles_free(profiles);
	input_clear(&input);
	return status;
}

static bool check_options(const struct options *options, GError **error)
{
	if (options->json + options->csv + options->info_checkpoint > 1)
		return input_usage_error(error, "--json, --csv and --info-checkpoint: choose one");
	if (options->top < 1)
		return input_usage_error(error, "--top %d: expected a number from 1", options->top);
	for (char **phase = options->phases; phase && *phase; phase++)
		if (colo_part_find(*phase) == COLO_N_PARTS && strcmp(*phase, "all"))
			return input_usage_error(
				error,
				"--phase %s: there is no such phase; expected ram, "
				"or another one that the report lists, or all",
				*phase);
	return true;
}

int report_main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	struct options options = {.top = DEFAULT_TOP};
	const GOptionEntry entries[] = {
		{"json", 0, 0, G_OPTION_ARG_NONE, &options.json,
		 "everything, as JSON (docs/output.md)", NULL},
		{"csv", 0, 0, G_OPTION_ARG_NONE, &options.csv, "a row for each checkpoint", NULL},
		{"info-checkpoint", 0, 0, G_OPTION_ARG_NONE, &options.info_checkpoint,
		 "the original recorder's QMP answer, a line for each side", NULL},
		{"phase", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.phases,
		 "show where the CPU time of this phase went (default: ram and flush)",
		 "PHASE|all"},
		{"top", 0, 0, G_OPTION_ARG_INT, &options.top,
		 "so many functions of each profile (default " G_STRINGIFY(DEFAULT_TOP) ")", "N"},
		G_OPTION_ENTRY_NULL,
	};
	const struct input_command command = {
		.name = COMMAND,
		.arguments = "[FILE...] - where the time of COLO checkpoints goes",
		.summary = "Reads what `perf record -e 'sdt_qemu:colo_*'` wrote, by default "
			   "perf.data.",
		.description = "Exit status: 0 done; 1 the input or the system stopped it; 2 wrong "
			       "usage; 3 read\nwell, but holds no COLO checkpoint.",
		.entries = entries,
	};
	int status;

	g_set_prgname("colo-perf " COMMAND);
	if (input_parse(&command, &options.input, &argc, &argv, &status)) {
		if (check_options(&options, &error))
			status = run(&options);
		else
			status = input_usage_fail(COMMAND, error);
	}
	input_options_clear(&options.input);
	g_strfreev(options.phases);
	return status;
}
