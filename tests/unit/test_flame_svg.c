/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flame_svg: trees made by hand are drawn, the SVG is parsed again, and what
 * stands in it is compared with the tree. What the script does is for
 * tests/cli/flame_svg_browser.py.
 */
#include "flame_svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_PX   1180
#define ROUNDED_PX 0.0011 /* two edges, each to the next 0.001 */

/* ---- trees ---- */

static struct flame_frame *frame_new(const char *name, enum flame_kind kind, uint64_t samples,
				     uint64_t base_samples)
{
	struct flame_frame *frame = g_new0(struct flame_frame, 1);

	*frame = (struct flame_frame){
		.name = name, .kind = kind, .samples = samples, .base_samples = base_samples};
	return frame;
}

static struct flame_frame *add_kind(struct flame_frame *caller, const char *name,
				    enum flame_kind kind, uint64_t samples, uint64_t base_samples)
{
	struct flame_frame *frame = frame_new(name, kind, samples, base_samples);

	if (!caller->callees)
		caller->callees = g_ptr_array_new();
	g_ptr_array_add(caller->callees, frame);
	return frame;
}

static struct flame_frame *add(struct flame_frame *caller, const char *name, uint64_t samples,
			       uint64_t base_samples)
{
	return add_kind(caller, name, FLAME_PROGRAM, samples, base_samples);
}

/* ---- what is drawn ---- */

struct box {
	char *class, *title;
	char *text; /* NULL: none */
	bool vanished;
	double x, y, width;
};

/* All that a test asks for, of one SVG. */
struct picture {
	char *svg;
	size_t size;
	GPtrArray *boxes; /* struct box, in the order of the file */
	GString *lines;	  /* the text that belongs to no box, each line with its class */
	GString *script;
	double height_px;
	/* While it is parsed: */
	const char *strip; /* NULL: in none */
	struct box *box;   /* the last one */
	char *line_class;
};

static void box_free(gpointer data)
{
	struct box *box = data;

	g_free(box->class);
	g_free(box->title);
	g_free(box->text);
	g_free(box);
}

static const char *attribute(const char **names, const char **values, const char *name)
{
	for (guint i = 0; names[i]; i++)
		if (!strcmp(names[i], name))
			return values[i];
	return NULL;
}

static double number(const char **names, const char **values, const char *name)
{
	const char *text = attribute(names, values, name);
	char *end;
	double value;

	g_assert_nonnull(text);
	value = g_ascii_strtod(text, &end);
	g_assert_cmpstr(end, ==, "");
	g_assert_true(isfinite(value));
	return value;
}

static void start_box(struct picture *picture, const char **names, const char **values)
{
	struct box *box = g_new0(struct box, 1);

	box->class = g_strdup(attribute(names, values, "class"));
	box->vanished = strstr(picture->strip, "vanished") != NULL;
	box->x = number(names, values, "x");
	box->y = number(names, values, "y");
	box->width = number(names, values, "width");
	g_ptr_array_add(picture->boxes, box);
	picture->box = box;
}

static void on_start(GMarkupParseContext *context, const char *element, const char **names,
		     const char **values, gpointer data, GError **error)
{
	struct picture *picture = data;
	const char *class = attribute(names, values, "class");

	(void)context;
	(void)error;
	for (guint i = 0; names[i]; i++)
		if (!strcmp(names[i], "href") || !strcmp(names[i], "src"))
			g_error("refers to something else: %s", values[i]);
	if (!strcmp(element, "svg"))
		picture->height_px = number(names, values, "height");
	else if (!strcmp(element, "g"))
		picture->strip = g_intern_string(class);
	else if (!strcmp(element, "rect") && picture->strip)
		start_box(picture, names, values);
	else if (!strcmp(element, "text")) {
		g_free(picture->line_class);
		picture->line_class = g_strdup(class ? class : "");
	}
}

static void on_end(GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
	struct picture *picture = data;

	(void)context;
	(void)error;
	if (!strcmp(element, "g"))
		picture->strip = NULL;
}

static void on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer data,
		    GError **error)
{
	struct picture *picture = data;
	const char *element = g_markup_parse_context_get_element(context);

	(void)error;
	if (!strcmp(element, "script"))
		g_string_append_len(picture->script, text, (gssize)length);
	else if (!strcmp(element, "title") && picture->strip)
		picture->box->title = g_strdup(text);
	else if (!strcmp(element, "text") && picture->strip)
		picture->box->text = g_strdup(text);
	else if (!strcmp(element, "text"))
		g_string_append_printf(picture->lines, "%s: %s\n", picture->line_class, text);
}

static void parse(struct picture *picture)
{
	static const GMarkupParser parser = {
		.start_element = on_start, .end_element = on_end, .text = on_text};
	g_autoptr(GMarkupParseContext) context =
		g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, picture, NULL);
	g_autoptr(GError) error = NULL;

	g_markup_parse_context_parse(context, picture->svg, (gssize)picture->size, &error);
	g_assert_no_error(error);
	g_markup_parse_context_end_parse(context, &error);
	g_assert_no_error(error);
}

static struct picture *draw(const struct flame_graph *graph)
{
	struct picture *picture = g_new0(struct picture, 1);
	FILE *out = open_memstream(&picture->svg, &picture->size);

	g_assert_nonnull(out);
	flame_svg_print(graph, out);
	g_assert_cmpint(fclose(out), ==, 0);
	g_assert_cmpuint(strlen(picture->svg), ==, picture->size);
	picture->boxes = g_ptr_array_new_with_free_func(box_free);
	picture->lines = g_string_new(NULL);
	picture->script = g_string_new(NULL);
	parse(picture);
	return picture;
}

static void picture_free(struct picture *picture)
{
	free(picture->svg);
	g_ptr_array_unref(picture->boxes);
	g_string_free(picture->lines, TRUE);
	g_string_free(picture->script, TRUE);
	g_free(picture->line_class);
	g_free(picture);
}

static const struct box *box_at(const struct picture *picture, guint index)
{
	g_assert_cmpuint(index, <, picture->boxes->len);
	return g_ptr_array_index(picture->boxes, index);
}

/* The box whose tooltip begins with this line. */
static const struct box *box_of(const struct picture *picture, const char *name)
{
	g_autofree char *line = g_strconcat(name, "\n", NULL);

	for (guint i = 0; i < picture->boxes->len; i++)
		if (g_str_has_prefix(box_at(picture, i)->title, line))
			return box_at(picture, i);
	g_error("there is no box of %s", name);
}

static const char *title_of(const struct picture *picture, const char *name)
{
	return box_of(picture, name)->title;
}

static bool says(const struct picture *picture, const char *line)
{
	return strstr(picture->lines->str, line) != NULL;
}

static void assert_px(double px, double expected)
{
	g_assert_cmpfloat_with_epsilon(px, expected, ROUNDED_PX);
}

static struct picture *draw_tree(const struct flame_frame *root)
{
	const struct flame_graph graph = {.title = "A title", .root = root};

	return draw(&graph);
}

static struct picture *draw_change(const struct flame_frame *root, double ms_per_sample,
				   double base_ms_per_sample)
{
	const struct flame_graph graph = {.title = "A change",
					  .root = root,
					  .source = {"new.data", ms_per_sample},
					  .has_base = true,
					  .base = {"old.data", base_ms_per_sample}};

	return draw(&graph);
}

/* ---- the tests ---- */

static void test_geometry(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 1000, 0);
	struct flame_frame *a = add(root, "a", 600, 0);
	struct picture *picture;
	const struct box *box_a, *box_b, *box_c;

	add(root, "b", 250, 0);
	add(a, "c", 333, 0);
	picture = draw_tree(root);
	box_a = box_of(picture, "a");
	box_b = box_of(picture, "b");
	box_c = box_of(picture, "c");

	assert_px(box_of(picture, "all")->width, WIDTH_PX);
	assert_px(box_a->width, 0.6 * WIDTH_PX);
	assert_px(box_b->width, 0.25 * WIDTH_PX);
	assert_px(box_c->width, 0.333 * WIDTH_PX);
	assert_px(box_a->x, box_of(picture, "all")->x);
	assert_px(box_b->x, box_a->x + box_a->width);
	assert_px(box_c->x, box_a->x);
	g_assert_cmpfloat(box_c->y, <, box_a->y);
	g_assert_cmpfloat(box_a->y, ==, box_b->y);
	g_assert_cmpfloat(box_a->y, <, box_of(picture, "all")->y);
	g_assert_cmpfloat(box_of(picture, "all")->y, <, picture->height_px);
	g_assert_cmpuint(picture->boxes->len, ==, 4);
	picture_free(picture);
	flame_frame_free(root);
}

/* Groups as they are given and before the others, which stand by name. */
static void test_order(void)
{
	static const char *const expected[] = {"all", "zebra", "ape", "a", "b", "c"};
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 100, 0);
	struct picture *picture;

	add(root, "c", 10, 0);
	add(root, "a", 10, 0);
	add_kind(root, "zebra", FLAME_GROUP, 10, 0);
	add(root, "b", 10, 0);
	add_kind(root, "ape", FLAME_GROUP, 10, 0);
	picture = draw_tree(root);
	for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
		g_assert_true(box_at(picture, i) == box_of(picture, expected[i]));
	for (guint i = 2; i < G_N_ELEMENTS(expected); i++)
		assert_px(box_at(picture, i)->x,
			  box_at(picture, i - 1)->x + box_at(picture, i - 1)->width);
	picture_free(picture);
	flame_frame_free(root);
}

/* The same numbers each time: Knuth's multiplier, of which the high bits are good. */
static guint next_random(guint32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* A tree of random numbers: sums of rounded edges must not leave the caller. */
static void fill_randomly(guint32 *random, struct flame_frame *caller, guint depth)
{
	uint64_t left = caller->samples;

	while (depth && left) {
		uint64_t samples = 1 + next_random(random) % left;
		g_autofree char *name = g_strdup_printf("f%u", next_random(random) % 1000);

		fill_randomly(random, add(caller, g_intern_string(name), samples, 0), depth - 1);
		left -= samples;
	}
}

/* A caller stands before its callees, one row below them. */
static const struct box *caller_of(const struct picture *picture, guint index)
{
	const struct box *callee = box_at(picture, index);

	while (index-- > 0)
		if (box_at(picture, index)->y > callee->y)
			return box_at(picture, index);
	return NULL;
}

static void test_inside(void)
{
	guint32 random = 1;
	struct flame_frame *root = frame_new("all", FLAME_PROGRAM, 999983, 0);
	struct picture *picture;

	fill_randomly(&random, root, 6);
	picture = draw_tree(root);
	g_assert_cmpuint(picture->boxes->len, >, 500);
	for (guint i = 1; i < picture->boxes->len; i++) {
		const struct box *box = box_at(picture, i), *caller = caller_of(picture, i);

		g_assert_cmpfloat(box->x, >=, caller->x);
		g_assert_cmpfloat(box->x + box->width, <=, caller->x + caller->width + 1e-6);
	}
	picture_free(picture);
	flame_frame_free(root);
}

/* Sums that do not add up cannot be drawn well, but they stay where they belong. */
static void test_too_many_samples(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 100, 0);
	struct picture *picture;

	add(root, "a", 80, 0);
	add(root, "b", 80, 0);
	add(root, "c", UINT64_MAX / 2, 0);
	picture = draw_tree(root);
	g_assert_cmpuint(picture->boxes->len, ==, 4);
	assert_px(box_of(picture, "a")->width, 0.8 * WIDTH_PX);
	assert_px(box_of(picture, "b")->width, 0.2 * WIDTH_PX);
	assert_px(box_of(picture, "c")->width, 0);
	picture_free(picture);
	flame_frame_free(root);
}

/* 0.1 px is 1 of 11800 samples. */
static void test_narrow(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 2 * 11800, 0);
	struct flame_frame *narrow = add(root, "narrow", 1, 0);
	struct picture *picture;

	add(add(narrow, "in it", 1, 0), "and in that", 1, 0);
	add(root, "just wide enough", 2, 0);
	picture = draw_tree(root);
	g_assert_cmpuint(picture->boxes->len, ==, 2);
	assert_px(box_of(picture, "just wide enough")->width, 0.1);
	g_assert_true(says(picture, "note: 3 frames narrower than 0.1 pixel are not drawn\n"));
	picture_free(picture);

	flame_frame_free(g_ptr_array_steal_index(narrow->callees, 0));
	picture = draw_tree(root);
	g_assert_true(says(picture, "note: 1 frame narrower than 0.1 pixel is not drawn\n"));
	picture_free(picture);

	narrow->samples = 2;
	picture = draw_tree(root);
	g_assert_null(strstr(picture->lines->str, "note: "));
	picture_free(picture);
	flame_frame_free(root);
}

/* "all" and 5000 others, the last of which lost a callee. Of its path the ends are told. */
static void test_deep(void)
{
	const guint n_deeper = 5000;
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 10, 10), *frame = root;
	g_auto(GStrv) path = NULL;
	struct picture *picture;

	for (guint i = 0; i < n_deeper; i++)
		frame = add(frame, "deeper", 10, 10);
	add(frame, "vanished", 0, 10);
	picture = draw_change(root, 0, 0);
	g_assert_cmpuint(picture->boxes->len, ==, 1 + n_deeper + 2);
	for (guint i = 0; i <= n_deeper; i++) {
		g_assert_cmpfloat(box_at(picture, i)->y, >, 0);
		assert_px(box_at(picture, i)->width, WIDTH_PX);
	}
	g_assert_cmpfloat(box_at(picture, n_deeper)->y, <, box_at(picture, 0)->y);
	path = g_strsplit(strstr(box_at(picture, n_deeper + 1)->title, "\npath: ") + 7, "; ", -1);
	g_assert_cmpuint(g_strv_length(path), ==, 65);
	g_assert_cmpstr(path[0], ==, "all");
	g_assert_cmpstr(path[31], ==, "deeper");
	g_assert_cmpstr(path[32], ==, ".. 4937 frames ..");
	g_assert_cmpstr(path[64], ==, "deeper");
	picture_free(picture);
	flame_frame_free(root);
}

static void test_empty(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 0, 0);
	struct picture *picture = draw_tree(root);

	g_assert_cmpuint(picture->boxes->len, ==, 0);
	g_assert_true(says(picture, "heading: no samples\n"));
	picture_free(picture);
	picture = draw_change(root, 1, 1);
	g_assert_cmpuint(picture->boxes->len, ==, 0);
	g_assert_true(says(picture, "heading: no samples\n"));
	g_assert_true(says(picture, "nothing vanished"));
	picture_free(picture);

	root->samples = 1;
	picture = draw_tree(root);
	g_assert_false(says(picture, "no samples"));
	picture_free(picture);
	flame_frame_free(root);
}

/* All of it is gone, and there is no caller that it could stand on. */
static void test_all_vanished(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 0, 50);
	struct picture *picture;

	add(root, "a", 0, 20);
	picture = draw_change(root, 0, 0);
	g_assert_true(says(picture, "heading: no samples\n"));
	g_assert_cmpuint(picture->boxes->len, ==, 2);
	assert_px(box_of(picture, "all")->width, WIDTH_PX);
	assert_px(box_of(picture, "a")->width, 0.4 * WIDTH_PX);
	g_assert_true(box_of(picture, "all")->vanished);
	picture_free(picture);
	flame_frame_free(root);
}

static void test_hostile_names(void)
{
	static const struct {
		const char *name, *expected;
	} names[] = {
		{"</title></text></svg>", "</title></text></svg>"},
		{"]]><script>alert(1)</script>", "]]><script>alert(1)</script>"},
		{"a<b> & \"c\" 'd' &amp;", "a<b> & \"c\" 'd' &amp;"},
		{"\x01line\nfeed\ttab\x7f\x1b[0m", "?line?feed?tab??[0m"},
		{"\xff\xfe bytes \xc3", "?? bytes ?"},
		{"\xed\xa0\x80 surrogate", "??? surrogate"},
		{"no character \xef\xbf\xbe\xef\xbf\xbf", "no character ??"},
		{"right to left \xe2\x80\xae", "right to left ?"},
		{"line separator \xe2\x80\xa8", "line separator ?"},
		{"C1 control \xc2\x85", "C1 control ?"},
		{"gr\xc3\xbc\xc3\x9f \xe4\xb8\xad", "gr\xc3\xbc\xc3\x9f \xe4\xb8\xad"},
		{"%s%n%d", "%s%n%d"},
		{"", ""},
	};
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 1300, 0);

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GPtrArray) lines = g_ptr_array_new();
		const struct flame_graph graph = {names[i].name,      lines, root,
						  {names[i].name, 1}, true,  {names[i].name, 1}};
		struct picture *picture;

		g_ptr_array_add(lines, (gpointer)names[i].name);
		add(root, names[i].name, 100, 0)->module = names[i].name;
		picture = draw(&graph);
		g_assert_true(g_utf8_validate(picture->svg, -1, NULL));
		for (const char *at = picture->svg; *at; at++)
			g_assert_true((guchar)*at >= ' ' || *at == '\n' || *at == '\t');
		g_assert_nonnull(box_of(picture, names[i].expected));
		picture_free(picture);
	}
	flame_frame_free(root);
}

/* The tooltip has both ends of it, and the file has it whole, once for all its boxes. */
static void test_long_names(void)
{
	g_autofree char *middle = g_strnfill(100000, 'x');
	g_autofree char *name = g_strdup_printf("<begin>%s<end>", middle);
	g_autofree char *escaped = g_markup_escape_text(name, -1);
	g_autofree char *whole = g_strdup_printf("<name>%s</name>", escaped);
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 20, 0);
	g_auto(GStrv) numbered = NULL;
	struct picture *picture;

	add(add(root, name, 10, 0), name, 5, 0);
	add(root, "short", 10, 0);
	picture = draw_tree(root);
	for (guint i = 1; i <= 2; i++) {
		const char *title = box_at(picture, i)->title;

		g_assert_cmpuint(strlen(title), <, 600);
		g_assert_true(g_str_has_prefix(title, "<begin>xxx"));
		g_assert_nonnull(strstr(title, "xxx<end>\n"));
	}
	g_assert_cmpuint(picture->size, <, 2 * strlen(name));
	g_assert_nonnull(strstr(picture->svg, whole));
	numbered = g_strsplit(picture->svg, " data-name=\"0\"", -1);
	g_assert_cmpuint(g_strv_length(numbered), ==, 3);
	g_assert_null(strstr(picture->svg, " data-name=\"1\""));
	picture_free(picture);
	flame_frame_free(root);
}

/* A box of `width` px with 10 characters in it. */
static char *text_in(double width)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, WIDTH_PX * 1000, 0);
	struct picture *picture;
	char *text;

	add(root, "0123456789", (uint64_t)(width * 1000), 0);
	picture = draw_tree(root);
	text = g_strdup(box_at(picture, 1)->text);
	picture_free(picture);
	flame_frame_free(root);
	return text;
}

static void test_text(void)
{
	static const struct {
		double width_px;
		const char *text;
	} rows[] = {
		{1, NULL},    {25, NULL},	 {26, "0.."},
		{33, "01.."}, {72, "0123456.."}, {73, "0123456789"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = text_in(rows[i].width_px);

		g_assert_cmpstr(text, ==, rows[i].text);
	}
}

static void test_tooltips(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 300, 0);
	struct flame_graph graph = {.title = "t", .root = root, .source = {"a", 0.01}};
	struct picture *picture;

	add(root, "program", 1, 0)->module = "qemu";
	add_kind(root, "library", FLAME_LIBRARY, 100, 0)->module = "libc.so.6";
	add_kind(root, "kernel", FLAME_KERNEL, 50, 0);
	add_kind(root, "inlined", FLAME_INLINED, 20, 0)->module = "qemu";
	add_kind(root, "unresolved", FLAME_UNRESOLVED, 10, 0)->module = "[anon]";
	picture = draw(&graph);
	g_assert_cmpstr(title_of(picture, "all"), ==,
			"all\n300 samples, 100.00 %, 3.00 ms per checkpoint");
	g_assert_cmpstr(title_of(picture, "program"), ==,
			"program\n(qemu)\n1 sample, 0.33 %, 0.0100 ms per checkpoint");
	g_assert_cmpstr(title_of(picture, "library"), ==,
			"library\n(libc.so.6)\n100 samples, 33.33 %, 1.00 ms per checkpoint");
	g_assert_cmpstr(title_of(picture, "kernel"), ==,
			"kernel\nkernel\n50 samples, 16.67 %, 0.500 ms per checkpoint");
	g_assert_cmpstr(title_of(picture, "inlined"), ==,
			"inlined\n(qemu), inlined\n20 samples, 6.67 %, 0.200 ms per checkpoint");
	g_assert_cmpstr(title_of(picture, "unresolved"), ==,
			"unresolved\n([anon]), unresolved\n"
			"10 samples, 3.33 %, 0.100 ms per checkpoint");
	picture_free(picture);

	graph.source.ms_per_sample = 0;
	picture = draw(&graph);
	g_assert_cmpstr(title_of(picture, "kernel"), ==, "kernel\nkernel\n50 samples, 16.67 %");
	picture_free(picture);
	flame_frame_free(root);
}

static void test_colours(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 600, 0);
	struct flame_frame *other = frame_new("other", FLAME_GROUP, 50, 0);
	struct picture *picture, *other_picture;
	bool seen[G_MAXUINT8 + 1] = {false};

	for (guint kind = 0; kind < FLAME_N_KINDS; kind++)
		add_kind(root, g_intern_string((const char[]){'A' + kind, 0}), kind, 100, 0);
	add_kind(other, "B", FLAME_PROGRAM, 3, 0);
	picture = draw_tree(root);
	other_picture = draw_tree(other);
	for (guint i = 1; i < picture->boxes->len; i++) {
		const char *class = box_at(picture, i)->class;
		g_autofree char *rule = g_strdup_printf("\n.%s{fill:hsl(", class);

		g_assert_cmpuint(strlen(class), ==, 2);
		g_assert_false(seen[(guchar) class[0]]);
		seen[(guchar) class[0]] = true;
		g_assert_nonnull(strstr(picture->svg, rule));
	}
	g_assert_cmpstr(box_of(picture, "B")->class, ==, box_of(other_picture, "B")->class);
	picture_free(picture);
	picture_free(other_picture);
	flame_frame_free(root);
	flame_frame_free(other);
}

/* 1000 samples of 0.1 ms against 2000 of 0.05 ms: 100 ms on both sides. */
static void test_change_ms(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 1000, 2000);
	struct picture *picture;

	add(root, "same", 100, 200);
	add(root, "grown", 300, 200);
	add(root, "shrunk", 100, 1500);
	add(root, "little", 104, 200);
	add(root, "new", 55, 0);
	picture = draw_change(root, 0.1, 0.05);
	g_assert_cmpstr(title_of(picture, "grown"), ==,
			"grown\nnow: 300 samples, 30.00 %, 30.0 ms per checkpoint\n"
			"base: 200 samples, 10.00 %, 10.0 ms per checkpoint\n"
			"change: +20.0 ms per checkpoint");
	g_assert_nonnull(strstr(title_of(picture, "shrunk"), "\nchange: -65.0 ms per checkpoint"));
	g_assert_nonnull(strstr(title_of(picture, "same"), "\nchange: none"));
	g_assert_nonnull(strstr(title_of(picture, "all"), "\nchange: none"));
	g_assert_nonnull(
		strstr(title_of(picture, "new"), "\nbase: 0 samples, 0.00 %, 0 ms per checkpoint"));
	g_assert_cmpstr(box_of(picture, "same")->class, ==, "d0");
	g_assert_cmpstr(box_of(picture, "little")->class, ==, "d0");
	g_assert_cmpstr(box_of(picture, "grown")->class, ==, "r5");
	g_assert_cmpstr(box_of(picture, "shrunk")->class, ==, "b6");
	g_assert_cmpstr(box_of(picture, "new")->class, ==, "r3");
	assert_px(box_of(picture, "grown")->width, 0.3 * WIDTH_PX);
	g_assert_true(says(picture, ": of 100 ms per checkpoint\n"));
	g_assert_true(says(picture, "subtitle: now: new.data\n"));
	g_assert_true(says(picture, "subtitle: base: old.data\n"));
	picture_free(picture);
	flame_frame_free(root);
}

/* The larger root decides what a change is compared with: here the base, 400 ms. */
static void test_change_of_larger(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 100, 400);
	struct picture *picture;

	add(root, "a", 30, 0);
	picture = draw_change(root, 1, 1);
	g_assert_cmpstr(box_of(picture, "a")->class, ==, "r3");
	g_assert_cmpstr(box_of(picture, "all")->class, ==, "b6");
	picture_free(picture);
	flame_frame_free(root);
}

/* Without the time of one side, shares are compared. */
static void test_change_share(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 1000, 10);
	struct picture *picture;

	add(root, "a", 300, 2);
	add(root, "b", 250, 3);
	add(root, "vanished", 0, 1);
	picture = draw_change(root, 0.1, 0);
	g_assert_cmpstr(title_of(picture, "a"), ==,
			"a\nnow: 300 samples, 30.00 %, 30.0 ms per checkpoint\n"
			"base: 2 samples, 20.00 %\n"
			"change: +10.00 percentage points");
	g_assert_nonnull(strstr(title_of(picture, "b"), "\nchange: -5.00 percentage points"));
	g_assert_cmpstr(box_of(picture, "a")->class, ==, "r4");
	assert_px(box_of(picture, "vanished")->width, 0.1 * WIDTH_PX);
	g_assert_true(says(picture, ": of all samples\n"));
	picture_free(picture);
	flame_frame_free(root);
}

/*
 * all - work - gone1 - gone2
 *   \      \- gone3
 *    \- rest - gone4
 */
static void test_vanished(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 100, 100);
	struct flame_frame *work = add(root, "work", 60, 50), *rest = add(root, "rest", 40, 50);
	struct flame_frame *gone = add(work, "gone1", 0, 20);
	struct picture *picture;
	const struct box *anchor;

	work->module = "qemu";
	add(gone, "gone2", 0, 5);
	add(work, "gone3", 0, 10);
	add(rest, "gone4", 0, 30);
	picture = draw_change(root, 1, 0.5);
	g_assert_cmpuint(picture->boxes->len, ==, 3 + 2 + 4);
	/* Callers in the order of the graph: rest, work. */
	anchor = box_at(picture, 3);
	g_assert_true(anchor->vanished);
	g_assert_cmpstr(anchor->class, ==, "anchor");
	g_assert_cmpstr(
		anchor->title, ==,
		"rest\ncallees only in the base: 30 samples, 30.00 %, 15.0 ms per checkpoint\n"
		"path: all; rest");
	anchor = box_at(picture, 5);
	g_assert_cmpstr(anchor->title, ==,
			"work\n(qemu)\n"
			"callees only in the base: 30 samples, 30.00 %, 15.0 ms per checkpoint\n"
			"path: all; work");
	/* 100 ms are the whole width, and 20 samples of the base are 10 ms. */
	assert_px(anchor->width, 0.15 * WIDTH_PX);
	assert_px(anchor->x, box_at(picture, 3)->x + box_at(picture, 3)->width);
	assert_px(box_of(picture, "gone1")->width, 0.1 * WIDTH_PX);
	assert_px(box_of(picture, "gone2")->width, 0.025 * WIDTH_PX);
	assert_px(box_of(picture, "gone3")->x,
		  box_of(picture, "gone1")->x + box_of(picture, "gone1")->width);
	g_assert_cmpfloat(box_of(picture, "gone1")->y, <, anchor->y);
	g_assert_cmpfloat(box_of(picture, "gone2")->y, <, box_of(picture, "gone1")->y);
	g_assert_cmpfloat(box_of(picture, "gone2")->y, >, box_of(picture, "all")->y);
	g_assert_true(box_of(picture, "gone2")->vanished);
	g_assert_cmpstr(title_of(picture, "gone2"), ==,
			"gone2\nnow: 0 samples, 0.00 %, 0 ms per checkpoint\n"
			"base: 5 samples, 5.00 %, 2.50 ms per checkpoint\n"
			"change: -2.50 ms per checkpoint");
	g_assert_true(says(picture, "heading: only in the base (same scale"));
	g_assert_false(says(picture, "nothing vanished"));
	picture_free(picture);
	flame_frame_free(root);
}

/* What vanished would be wider than the page: both shrink, and stay comparable. */
static void test_wide_base(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 100, 400);
	struct picture *picture;

	add(root, "gone", 0, 200);
	picture = draw_change(root, 1, 1);
	assert_px(box_of(picture, "gone")->width, WIDTH_PX);
	assert_px(box_at(picture, 0)->width, 0.5 * WIDTH_PX);
	picture_free(picture);
	flame_frame_free(root);
}

static void test_narrow_vanished(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 100000, 100000);
	struct picture *picture;

	add(add(root, "gone", 0, 2), "gone too", 0, 1);
	picture = draw_change(root, 0, 0);
	g_assert_cmpuint(picture->boxes->len, ==, 1);
	g_assert_true(says(picture, "note: 2 frames narrower than 0.1 pixel are not drawn\n"));
	g_assert_false(says(picture, "nothing vanished"));
	picture_free(picture);
	flame_frame_free(root);
}

static void test_nothing_vanished(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 10, 10);
	struct picture *picture;

	add(root, "a", 5, 10);
	picture = draw_change(root, 0, 0);
	g_assert_true(says(picture, "heading: only in the base: nothing vanished\n"));
	g_assert_cmpuint(picture->boxes->len, ==, 2);
	picture_free(picture);
	picture = draw_tree(root);
	g_assert_false(says(picture, "only in the base"));
	picture_free(picture);
	flame_frame_free(root);
}

/* The same siblings, given in another order. */
static void test_deterministic(void)
{
	struct flame_frame *one = frame_new("all", FLAME_GROUP, 100, 100);
	struct flame_frame *two = frame_new("all", FLAME_GROUP, 100, 100);
	struct picture *picture_one, *picture_two;

	for (guint i = 0; i < 26; i++) {
		add(one, g_intern_string((const char[]){'a' + i, 0}), i % 3, 1 + i % 2);
		add(two, g_intern_string((const char[]){'z' - i, 0}), (25 - i) % 3,
		    1 + (25 - i) % 2);
	}
	picture_one = draw_change(one, 0.3, 0.7);
	picture_two = draw_change(two, 0.3, 0.7);
	g_assert_cmpstr(picture_one->svg, ==, picture_two->svg);
	picture_free(picture_one);
	picture_free(picture_two);
	flame_frame_free(one);
	flame_frame_free(two);
}

/* The whole script, and nothing that would be fetched. */
static void test_alone(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 1, 0);
	struct picture *picture = draw_tree(root);
	const char *at = picture->svg;

	g_assert_nonnull(strstr(picture->script->str, "\n'use strict';\n"));
	g_assert_true(g_str_has_suffix(picture->script->str, "})();\n"));
	while ((at = strstr(at, "://"))) {
		g_assert_true(g_str_has_prefix(at, "://www.w3.org/"));
		at++;
	}
	g_assert_null(strstr(picture->svg, "@import"));
	g_assert_null(strstr(picture->svg, "url("));
	picture_free(picture);
	flame_frame_free(root);
}

/* Either kind of array may hold the callees. */
static void test_free(void)
{
	struct flame_frame *root = frame_new("all", FLAME_GROUP, 1, 0);

	root->callees = g_ptr_array_new_with_free_func((GDestroyNotify)flame_frame_free);
	add(add(root, "a", 1, 0), "b", 1, 0);
	flame_frame_free(root);
	flame_frame_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/flame_svg/geometry", test_geometry);
	g_test_add_func("/flame_svg/order", test_order);
	g_test_add_func("/flame_svg/inside", test_inside);
	g_test_add_func("/flame_svg/too_many_samples", test_too_many_samples);
	g_test_add_func("/flame_svg/narrow", test_narrow);
	g_test_add_func("/flame_svg/deep", test_deep);
	g_test_add_func("/flame_svg/empty", test_empty);
	g_test_add_func("/flame_svg/all_vanished", test_all_vanished);
	g_test_add_func("/flame_svg/hostile_names", test_hostile_names);
	g_test_add_func("/flame_svg/long_names", test_long_names);
	g_test_add_func("/flame_svg/text", test_text);
	g_test_add_func("/flame_svg/tooltips", test_tooltips);
	g_test_add_func("/flame_svg/colours", test_colours);
	g_test_add_func("/flame_svg/change_ms", test_change_ms);
	g_test_add_func("/flame_svg/change_of_larger", test_change_of_larger);
	g_test_add_func("/flame_svg/change_share", test_change_share);
	g_test_add_func("/flame_svg/vanished", test_vanished);
	g_test_add_func("/flame_svg/wide_base", test_wide_base);
	g_test_add_func("/flame_svg/narrow_vanished", test_narrow_vanished);
	g_test_add_func("/flame_svg/nothing_vanished", test_nothing_vanished);
	g_test_add_func("/flame_svg/deterministic", test_deterministic);
	g_test_add_func("/flame_svg/alone", test_alone);
	g_test_add_func("/flame_svg/free", test_free);
	return g_test_run();
}
