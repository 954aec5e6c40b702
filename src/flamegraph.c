/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `colo-perf flamegraph`: options, titles, where the output goes. The tree is
 * made in flame_tree.c and drawn in flame_svg.c.
 */
#include "flamegraph.h"

#include "base/printable.h"
#include "colo_perf.h"
#include "flame_tree.h"
#include "input.h"
#include "output.h"
#include "warnings.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMAND	  "flamegraph"
#define NS_PER_MS 1e6

struct options {
	struct input_options input;
	char *phase;  /* Owned by this; NULL: ram */
	char *output; /* Owned by this; NULL: standard output */
	char *base;   /* Owned by this; NULL: no comparison */
	gboolean folded, threads;
};

/* A recording, or several, with its profiles. */
struct side {
	struct input input;
	struct phase_profiles *profiles; /* Owned by this */
	struct flame_totals totals;
};

static void side_clear(struct side *side)
{
	phase_profiles_free(side->profiles);
	input_clear(&side->input);
}

static bool parse_choice(const struct options *options, struct flame_choice *choice, GError **error)
{
	const char *phase = options->phase ? options->phase : "ram";

	choice->threads = options->threads;
	choice->part = strcmp(phase, "all") ? colo_part_find(phase) : COLO_N_PARTS;
	if (choice->part == COLO_N_PARTS && strcmp(phase, "all"))
		return input_usage_error(error,
					 "--phase %s: there is no such phase; colo-perf report "
					 "lists them, and \"all\" means each",
					 phase);
	return true;
}

static bool has_role(const GPtrArray *summaries, enum colo_role role)
{
	for (guint i = 0; i < summaries->len; i++)
		if (((const struct colo_summary *)summaries->pdata[i])->session->role == role)
			return true;
	return false;
}

/* The side that has the phase; the primary when both do. */
static enum colo_role choose_role(const GPtrArray *summaries, unsigned int part)
{
	const bool all = part == COLO_N_PARTS;

	if (has_role(summaries, COLO_ROLE_PRIMARY) &&
	    (all || colo_role_has_part(COLO_ROLE_PRIMARY, part) ||
	     !has_role(summaries, COLO_ROLE_SECONDARY)))
		return COLO_ROLE_PRIMARY;
	return COLO_ROLE_SECONDARY;
}

static const char *choice_name(const struct flame_choice *choice)
{
	return choice->part == COLO_N_PARTS ? "all phases" : colo_part_name(choice->part);
}

/* Says why there are no samples to draw. */
static int fail_without_samples(const struct side *side, const struct flame_choice *choice,
				const char *path)
{
	const char *role = colo_role_name(choice->role);

	if (choice->part != COLO_N_PARTS && !colo_role_has_part(choice->role, choice->part))
		return colo_perf_fail(COMMAND, COLO_PERF_NO_DATA,
				      "%s: the %s has no phase %s; the other side has it", path,
				      role, colo_part_name(choice->part));
	if (!side->profiles->event)
		return colo_perf_fail(COMMAND, COLO_PERF_NO_DATA,
				      "%s: holds probes but no samples; record with a sampling "
				      "event too: -e cpu-clock/freq=997,call-graph=fp/",
				      path);
	return colo_perf_fail(COMMAND, COLO_PERF_NO_DATA,
			      "%s: none of its %" PRIu64 " samples of %s falls into %s of the %s's "
			      "%" PRIu64 " checkpoints%s",
			      path, side->profiles->samples, side->profiles->event,
			      choice_name(choice), role, side->totals.n_checkpoints,
			      choice->threads ? "" : "; --threads shows other threads as well");
}

static const char *path_of(const struct side *side)
{
	return ((const struct recording *)side->input.recordings->files->pdata[0])->path;
}

/* Loads one side of the graph; the first one decides about the role. */
static bool load(const struct options *options, const char *path, struct flame_choice *choice,
		 struct side *side, int *status)
{
	g_autoptr(GError) error = NULL;
	struct sample_choice samples = {
		.selection = options->input.selection,
		.event = options->input.event,
		.part = choice->part,
		.all_threads = choice->threads,
	};

	if (!input_load(COMMAND, &options->input, path, &side->input, status))
		return false;
	if (!path)
		choice->role = choose_role(side->input.summaries, choice->part);
	samples.role = choice->role;
	side->profiles =
		phase_profiles_new(side->input.recordings, side->input.summaries, &samples, &error);
	if (!side->profiles) {
		*status = colo_perf_fail(COMMAND, COLO_PERF_FAILED, "%s", error->message);
		return false;
	}
	side->totals = flame_totals_of(side->profiles, side->input.recordings, choice);
	if (side->totals.samples)
		return true;
	*status = fail_without_samples(side, choice, path_of(side));
	return false;
}

/* What makes the graph less than it seems goes to stderr: the graph goes elsewhere. */
static void print_warnings(const struct side *side)
{
	g_autoptr(GPtrArray) warnings =
		warnings_of(side->input.recordings, side->input.summaries, side->profiles);

	for (guint i = 0; i < warnings->len; i++) {
		const struct warning *warning = warnings->pdata[i];
		g_autofree char *message = printable(warning->message);

		fprintf(stderr, "warning: %s\n", message);
	}
}

/* "perf.data: 60 checkpoints, 925 samples of cpu-clock, thread live_migration, on CPU 927.8 ms
 * (34.9 %)" */
static char *label_of(const struct side *side, const struct flame_choice *choice)
{
	const struct flame_totals *totals = &side->totals;
	const guint more = side->input.recordings->files->len - 1;
	GString *text = g_string_new(NULL);

	g_string_append(text, path_of(side));
	if (more)
		g_string_append_printf(text, " and %u more", more);
	g_string_append_printf(text, ": %" PRIu64 " checkpoints, %" PRIu64 " samples of %s",
			       totals->n_checkpoints, totals->samples, side->profiles->event);
	if (choice->threads)
		g_string_append(text, ", all threads");
	else if (totals->thread)
		g_string_append_printf(text, ", thread %s", totals->thread);
	if (totals->on_cpu_ns.known && totals->on_cpu_ns.value <= totals->wall_ns)
		g_string_append_printf(text, ", %son CPU %.1f ms (%.1f %%)",
				       choice->threads ? "of it the COLO thread " : "",
				       (double)totals->on_cpu_ns.value / NS_PER_MS,
				       100.0 * (double)totals->on_cpu_ns.value /
					       (double)totals->wall_ns);
	return g_string_free(text, FALSE);
}

/* `label` must live as long as the source. */
static struct flame_source source_of(const struct side *side, const char *label)
{
	const struct flame_totals *totals = &side->totals;

	return (struct flame_source){
		.label = label,
		.ms_per_sample = totals->n_checkpoints ? (double)totals->sampled_ns / NS_PER_MS /
								 (double)totals->samples /
								 (double)totals->n_checkpoints
						       : 0,
	};
}

static void draw(const struct flame_tree *tree, const struct flame_choice *choice,
		 const struct side *side, const struct side *base, FILE *out)
{
	g_autofree char *title = g_strdup_printf("COLO %s, %s: %" PRIu64 " checkpoints, %.1f ms",
						 colo_role_name(choice->role), choice_name(choice),
						 side->totals.n_checkpoints,
						 (double)side->totals.wall_ns / NS_PER_MS);
	g_autofree char *label = label_of(side, choice);
	g_autofree char *base_label = base ? label_of(base, choice) : NULL;
	struct flame_graph graph = {
		.title = title,
		.root = flame_tree_root(tree),
		.source = source_of(side, label),
		.has_base = base != NULL,
	};

	if (base)
		graph.base = source_of(base, base_label);
	flame_svg_print(&graph, out);
}

/* Whether `path` is one of the recordings: writing to it would destroy it. */
static bool is_input(const struct side *side, const char *path)
{
	const GPtrArray *files = side->input.recordings->files;
	struct stat output, input;

	if (!path || stat(path, &output))
		return false;
	for (guint i = 0; i < files->len; i++)
		if (!stat(((const struct recording *)files->pdata[i])->path, &input) &&
		    input.st_dev == output.st_dev && input.st_ino == output.st_ino)
			return true;
	return false;
}

static int write_graph(const struct options *options, const struct flame_choice *choice,
		       const struct side *side, const struct side *base)
{
	struct flame_tree *tree = flame_tree_new(colo_role_name(choice->role));
	g_autoptr(GError) error = NULL;
	struct output *output;
	int status = COLO_PERF_DONE;

	flame_tree_add(tree, side->profiles, choice, false);
	if (base)
		flame_tree_add(tree, base->profiles, choice, true);
	output = output_open(options->output, &error);
	if (output) {
		if (options->folded)
			flame_tree_print_folded(tree, base != NULL, output_stream(output));
		else
			draw(tree, choice, side, base, output_stream(output));
		output_close(output, &error);
	}
	if (error)
		status = colo_perf_fail(COMMAND, COLO_PERF_FAILED, "%s", error->message);
	flame_tree_free(tree);
	return status;
}

static int run(const struct options *options, struct flame_choice *choice)
{
	struct side side = {0}, base = {0};
	int status;

	if (load(options, NULL, choice, &side, &status) &&
	    (!options->base || load(options, options->base, choice, &base, &status))) {
		print_warnings(&side);
		if (options->base)
			print_warnings(&base);
		if (is_input(&side, options->output) ||
		    (options->base && is_input(&base, options->output)))
			status = colo_perf_fail(COMMAND, COLO_PERF_USAGE,
						"-o %s is the recording; give another file",
						options->output);
		else
			status = write_graph(options, choice, &side, options->base ? &base : NULL);
	}
	side_clear(&side);
	side_clear(&base);
	return status;
}

static bool check_options(const struct options *options, struct flame_choice *choice,
			  GError **error)
{
	const bool to_stdout = !options->output || !strcmp(options->output, "-");

	if (options->output && !*options->output)
		return input_usage_error(error, "-o needs the name of a file");
	if (to_stdout && !options->folded && isatty(STDOUT_FILENO))
		return input_usage_error(error, "an SVG is no text for a terminal: give a file "
						"with -o FILE");
	return parse_choice(options, choice, error);
}

int flamegraph_main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	struct options options = {0};
	struct flame_choice choice = {0};
	const GOptionEntry entries[] = {
		{"phase", 0, 0, G_OPTION_ARG_STRING, &options.phase,
		 "of this phase (default ram); all: every phase, at the root", "PHASE|all"},
		{"threads", 0, 0, G_OPTION_ARG_NONE, &options.threads,
		 "of all threads of the process, which stand at the root", NULL},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
		 "write FILE instead of standard output", "FILE"},
		{"folded", 0, 0, G_OPTION_ARG_NONE, &options.folded,
		 "lines for FlameGraph, speedscope and others instead of an SVG", NULL},
		{"diff", 0, 0, G_OPTION_ARG_FILENAME, &options.base,
		 "compare with this recording, checkpoint by checkpoint", "BASE"},
		G_OPTION_ENTRY_NULL,
	};
	const struct input_command command = {
		.name = COMMAND,
		.arguments = "[FILE...] - where the CPU time of a phase goes",
		.summary = "Draws the samples that fall into a phase of the checkpoints as a flame "
			   "graph. Without\n--role it takes the side that has the phase, the "
			   "primary when both have it.",
		.description = "Exit status: 0 done; 1 the input or the system stopped it; 2 wrong "
			       "usage; 3 read\nwell, but holds no COLO checkpoint, or no sample "
			       "in the phase.",
		.entries = entries,
	};
	int status;

	g_set_prgname("colo-perf " COMMAND);
	if (input_parse(&command, &options.input, &argc, &argv, &status)) {
		if (check_options(&options, &choice, &error))
			status = run(&options, &choice);
		else
			status = input_usage_fail(COMMAND, error);
	}
	input_options_clear(&options.input);
	g_free(options.phase);
	g_free(options.output);
	g_free(options.base);
	return status;
}
