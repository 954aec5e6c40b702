/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * json: what is written bit by bit is what json-glib makes of the same values at once.
 */
#include "json.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>

static char *text_of_builder(JsonBuilder *builder, bool pretty)
{
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = json_builder_get_root(builder);
	g_autofree char *text = NULL;

	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, pretty);
	text = json_generator_to_data(generator, NULL);
	return g_strconcat(text, "\n", NULL);
}

/* What `write` writes; the caller frees it with free(). */
static char *text_of(void (*write)(struct json *json), bool pretty)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct json *json = json_new(out, pretty);

	write(json);
	json_free(json);
	fclose(out);
	return text;
}

static const char *const strings[] = {"",
				      "plain",
				      "\"quoted\" \\ /",
				      "\n\t\r\b\f\x01\x7f",
				      "gr\xc3\xbc\xc3\x9f",
				      "\xf0\x9f\x90\xa7"};
static const gint64 integers[] = {0, -1, G_MAXINT64, G_MININT64};
static const double reals[] = {0, -0.5, 1.0 / 3, 1e300, 123456789.0, 100};

static void write_values(struct json *json)
{
	json_begin_object(json, NULL);
	json_begin_array(json, "strings");
	for (guint i = 0; i < G_N_ELEMENTS(strings); i++)
		json_add_string(json, NULL, strings[i]);
	json_end_array(json);
	json_begin_array(json, "integers");
	for (guint i = 0; i < G_N_ELEMENTS(integers); i++)
		json_add_int(json, NULL, integers[i]);
	json_end_array(json);
	json_begin_array(json, "reals");
	for (guint i = 0; i < G_N_ELEMENTS(reals); i++)
		json_add_double(json, NULL, reals[i]);
	json_end_array(json);
	json_begin_array(json, "empty");
	json_end_array(json);
	json_begin_array(json, "objects");
	for (guint i = 0; i < 3; i++) {
		json_begin_object(json, NULL);
		json_add_bool(json, "odd", i % 2);
		json_add_null(json, "null");
		json_end_object(json);
	}
	json_end_array(json);
	json_end_object(json);
}

static void begin_array(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
}

static void build_values(JsonBuilder *builder)
{
	json_builder_begin_object(builder);
	begin_array(builder, "strings");
	for (guint i = 0; i < G_N_ELEMENTS(strings); i++)
		json_builder_add_string_value(builder, strings[i]);
	json_builder_end_array(builder);
	begin_array(builder, "integers");
	for (guint i = 0; i < G_N_ELEMENTS(integers); i++)
		json_builder_add_int_value(builder, integers[i]);
	json_builder_end_array(builder);
	begin_array(builder, "reals");
	for (guint i = 0; i < G_N_ELEMENTS(reals); i++)
		json_builder_add_double_value(builder, reals[i]);
	json_builder_end_array(builder);
	begin_array(builder, "empty");
	json_builder_end_array(builder);
	begin_array(builder, "objects");
	for (guint i = 0; i < 3; i++) {
		json_builder_begin_object(builder);
		json_builder_set_member_name(builder, "odd");
		json_builder_add_boolean_value(builder, i % 2);
		json_builder_set_member_name(builder, "null");
		json_builder_add_null_value(builder);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	json_builder_end_object(builder);
}

static void test_like_json_glib(gconstpointer data)
{
	const bool pretty = GPOINTER_TO_INT(data);
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autofree char *expected = NULL;
	char *text = text_of(write_values, pretty);

	build_values(builder);
	expected = text_of_builder(builder, pretty);
	g_assert_cmpstr(text, ==, expected);
	free(text);
}

/* Of which json-glib makes no JSON (1e-300.0), or other bytes. */
static void write_odd_values(struct json *json)
{
	json_begin_array(json, NULL);
	json_add_double(json, NULL, 1e-300);
	json_begin_object(json, NULL);
	json_end_object(json);
	json_add_string(json, NULL, NULL);
	json_add_string(json, NULL, "no UTF-8: \xff");
	json_add_string(json, NULL,
			"a\x1f"
			"b\x1f");
	json_add_value(json, NULL, (struct colo_value){.known = true, .value = -7});
	json_add_value(json, NULL, (struct colo_value){.known = false, .value = 7});
	json_end_array(json);
}

static void test_odd_values(void)
{
	char *text = text_of(write_odd_values, false);

	g_assert_cmpstr(
		text, ==,
		"[1e-300,{},null,\"no UTF-8: \xef\xbf\xbd\",\"a\\u001fb\\u001f\",-7,null]\n");
	free(text);
}

/* No byte that a terminal obeys, and all of it back when it is read. */
static void write_text(struct json *json)
{
	json_begin_array(json, NULL);
	json_add_string(json, NULL,
			"\xc2\x9b\x7f \xe2\x80\xae\xd8\x9c \xe2\x80\xa8 \xc3\xbc \xf3\xa0\x80\x81");
	json_end_array(json);
}

static void test_unsafe_characters(void)
{
	char *text = text_of(write_text, false);
	g_autoptr(JsonNode) node = json_from_string(text, NULL);

	g_assert_cmpstr(text, ==,
			"[\"\\u009b\\u007f \\u202e\\u061c \\u2028 \xc3\xbc \\udb40\\udc01\"]\n");
	g_assert_cmpstr(json_array_get_string_element(json_node_get_array(node), 0), ==,
			"\xc2\x9b\x7f \xe2\x80\xae\xd8\x9c \xe2\x80\xa8 \xc3\xbc \xf3\xa0\x80\x81");
	free(text);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/json/like_json_glib/pretty", GINT_TO_POINTER(true),
			     test_like_json_glib);
	g_test_add_data_func("/json/like_json_glib/one_line", GINT_TO_POINTER(false),
			     test_like_json_glib);
	g_test_add_func("/json/odd_values", test_odd_values);
	g_test_add_func("/json/unsafe_characters", test_unsafe_characters);
	return g_test_run();
}
