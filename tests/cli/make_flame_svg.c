/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Draws a flame graph of a file of folded stacks, one a line: "a;b;c 12", or
 * with what the base has "a;b;c 12 7". For tests: it trusts its input.
 *
 *   make_flame_svg FOLDED [TITLE [MS_PER_SAMPLE [BASE_MS_PER_SAMPLE]]] > SVG
 *
 * A frame is "module`name_[k]": the module and the kind may be left out. Kinds:
 * g group, l library, k kernel, i inlined, u unresolved; p, of the program.
 */
#include "flame_svg.h"

#include <stdlib.h>
#include <string.h>

static const char kind_letters[FLAME_N_KINDS + 1] = "gplkiu";

/* Names stay where they are, in the text of the file. */
static enum flame_kind take_kind(char *name)
{
	const size_t length = strlen(name);
	const char *letter = NULL;

	if (length >= 4 && g_str_has_prefix(name + length - 4, "_[") && name[length - 1] == ']')
		letter = strchr(kind_letters, name[length - 2]);
	if (!letter)
		return FLAME_PROGRAM;
	name[length - 4] = '\0';
	return (enum flame_kind)(letter - kind_letters);
}

static struct flame_frame *frame_new(char *text)
{
	struct flame_frame *frame = g_new0(struct flame_frame, 1);
	char *quote;

	frame->kind = take_kind(text);
	frame->name = text;
	frame->callees = g_ptr_array_new();
	quote = strchr(text, '`');
	if (quote) {
		*quote = '\0';
		frame->module = text;
		frame->name = quote + 1;
	}
	return frame;
}

static struct flame_frame *find_callee(struct flame_frame *caller, char *text)
{
	struct flame_frame *made = frame_new(text);

	for (guint i = 0; i < caller->callees->len; i++) {
		struct flame_frame *callee = g_ptr_array_index(caller->callees, i);

		if (callee->kind == made->kind && !strcmp(callee->name, made->name) &&
		    !g_strcmp0(callee->module, made->module)) {
			flame_frame_free(made);
			return callee;
		}
	}
	g_ptr_array_add(caller->callees, made);
	return made;
}

static void add_samples(struct flame_frame *frame, uint64_t samples, uint64_t base_samples)
{
	frame->samples += samples;
	frame->base_samples += base_samples;
}

/* The number at the end of the line, which is cut off. */
static uint64_t take_number(char *line)
{
	char *space = strrchr(line, ' ');

	if (!space)
		return 0;
	*space = '\0';
	return g_ascii_strtoull(space + 1, NULL, 10);
}

static bool ends_in_two_numbers(const char *line)
{
	return g_regex_match_simple(" \\d+ \\d+$", line, 0, 0);
}

static void add_stack(struct flame_frame *root, char *line)
{
	const bool has_base = ends_in_two_numbers(line);
	uint64_t base_samples = has_base ? take_number(line) : 0;
	uint64_t samples = take_number(line);
	struct flame_frame *frame = root;
	char *rest = NULL;

	add_samples(root, samples, base_samples);
	for (char *text = strtok_r(line, ";", &rest); text; text = strtok_r(NULL, ";", &rest)) {
		frame = find_callee(frame, text);
		add_samples(frame, samples, base_samples);
	}
}

static double number_at(char **argv, int argc, int index)
{
	return index < argc ? g_ascii_strtod(argv[index], NULL) : 0;
}

int main(int argc, char **argv)
{
	char root_name[] = "all_[g]";
	struct flame_frame *root = frame_new(root_name);
	g_autoptr(GPtrArray) subtitles = g_ptr_array_new();
	struct flame_graph graph = {
		.title = argc > 2 ? argv[2] : "Flame graph", .subtitles = subtitles, .root = root};
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (argc < 2 || !g_file_get_contents(argv[1], &text, NULL, &error)) {
		g_printerr("make_flame_svg: %s\n", error ? error->message : "which file?");
		return EXIT_FAILURE;
	}
	g_ptr_array_add(subtitles, "Made of folded stacks by a test");
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		graph.has_base |= ends_in_two_numbers(*line);
		if (**line)
			add_stack(root, *line);
	}
	graph.source = (struct flame_source){argv[1], number_at(argv, argc, 3)};
	graph.base = (struct flame_source){"the second column", number_at(argv, argc, 4)};
	flame_svg_print(&graph, stdout);
	flame_frame_free(root);
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
