/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * base/printable: what may reach a terminal stays as it is, all else is a "?".
 */
#include "base/printable.h"

#include <glib.h>

static const struct {
	const char *text, *shown;
} cases[] = {
	{"", ""},
	{"ram_save_iterate", "ram_save_iterate"},
	{" ~", " ~"},
	{"a\tb\nc\x7f", "a?b?c?"},
	{"\x1b[31mred", "?[31mred"},
	{"größe der Σeite", "größe der Σeite"},
	{"\xc2\x9b"
	 "31m",
	 "?31m"}, /* U+009B is a control character, too */
	{"\xff\xfe"
	 "ab",
	 "??ab"},		 /* in no UTF-8 */
	{"ab\xc3", "ab?"},	 /* cut in the middle */
	{"\xe2\x82", "??"},	 /* the same */
	{"\xed\xa0\x80", "???"}, /* a surrogate */
	{"\xf0\x9f\x90\xa7 penguin", "\xf0\x9f\x90\xa7 penguin"},
	{"e\xcc\x81", "e\xcc\x81"}, /* a mark above its letter */
	{"user\xe2\x80\xaegpj.exe", "user?gpj.exe"},
};

/* Ranges that no terminal gets; U+FFFE and U+FFFF are no characters. */
static const struct {
	gunichar first, last;
} unsafe[] = {
	{0x01, 0x1f},	  {0x7f, 0x9f},	      {0xad, 0xad},	{0x034f, 0x034f}, {0x061c, 0x061c},
	{0x115f, 0x1160}, {0x180b, 0x180f},   {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
	{0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff9, 0xfffb},
	{0xfffe, 0xffff}, {0xe0000, 0xe0fff},
};

static void assert_shown(gunichar c, gboolean as_it_is)
{
	char text[8] = "";
	g_autofree char *shown = NULL;

	g_unichar_to_utf8(c, text);
	shown = printable(text);
	g_assert_cmpstr(shown, ==, as_it_is ? text : "?");
	g_assert_true(printable_is_safe(c) == as_it_is);
}

static void test_ranges(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(unsafe); i++)
		for (gunichar c = unsafe[i].first; c <= unsafe[i].last; c++)
			assert_shown(c, FALSE);
	/* Their neighbours. */
	for (gunichar c = 0xa0; c < 0xad; c++)
		assert_shown(c, TRUE);
	assert_shown(0x200a, TRUE);
	assert_shown(0x2010, TRUE);
	assert_shown(0x2030, TRUE);
}

/* --- What is too long --- */

static void test_shorten(void)
{
	static const struct {
		const char *text;
		size_t columns;
		const char *shown;
	} rows[] = {
		{"", 5, ""},
		{"abcde", 5, "abcde"},
		{"abcdef", 5, "ab..f"},
		{"abcdefgh", 7, "abc..gh"},
		{"abcdefgh", 6, "ab..gh"},
		{"void f<int, 1>(char const *)", 16, "void f<..onst *)"},
		/* Two columns each. */
		{"\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad", 6,
		 "\xe4\xb8\xad..\xe4\xb8\xad"},
		{"\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad", 7,
		 "\xe4\xb8\xad..\xe4\xb8\xad"},
		/* A mark stays with its letter. */
		{"aaae\xcc\x81"
		 "e\xcc\x81z",
		 5, "aa..z"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *shown = printable_shorten(rows[i].text, rows[i].columns);

		g_assert_cmpstr(shown, ==, rows[i].shown);
		g_assert_cmpuint(printable_columns(shown), <=, rows[i].columns);
	}
}

/* Two instances of a template differ at their end, two names of a kind at their begin. */
static void test_both_ends_are_kept(void)
{
	g_autofree char *middle = g_strnfill(1000, 'x');

	for (size_t columns = 5; columns < 100; columns++) {
		g_autofree char *text = g_strdup_printf("[%s]", middle);
		g_autofree char *shown = printable_shorten(text, columns);

		g_assert_cmpuint(printable_columns(shown), ==, columns);
		g_assert_true(g_str_has_prefix(shown, "["));
		g_assert_true(g_str_has_suffix(shown, "]"));
	}
}

static void test_each(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *shown = printable(cases[i].text);

		g_assert_cmpstr(shown, ==, cases[i].shown);
	}
}

static void test_null(void)
{
	g_assert_null(printable(NULL));
}

/* Each byte alone, and with text around it, leaves one line of UTF-8 and nothing else. */
static void test_each_byte(void)
{
	for (int byte = 1; byte < 256; byte++) {
		const char text[] = {'a', (char)byte, 'z', '\0'};
		const char expected[] = {'a', byte >= ' ' && byte <= '~' ? (char)byte : '?', 'z',
					 '\0'};
		g_autofree char *shown = printable(text);

		g_assert_cmpstr(shown, ==, expected);
	}
}

/* What looks alike once it is cut, and what is shown then. */
static void test_shorten_apart(void)
{
	static const struct {
		const char *left, *right, *left_shown, *right_shown;
	} rows[] = {
		{"std::vector<std::pair<unsigned int, Page> >::push_back()",
		 "std::vector<std::pair<unsigned long, Page> >::push_back()",
		 "std::vec..ned int, Pag..push_back()", "std::vec..ned long, Pa..push_back()"},
		/* The end of one is where they differ. */
		{"a_name_that_is_long_and_ends_after_the_same",
		 "a_name_that_is_long_and_ends_after_the_same_", "a_name_t..same",
		 "a_name_t..same_"},
		{"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
		 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xb6",
		 NULL, NULL},
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *left = printable_shorten_apart(rows[i].left, rows[i].right, 35),
				*right = printable_shorten_apart(rows[i].right, rows[i].left, 35);

		g_assert_true(g_utf8_validate(left, -1, NULL));
		g_assert_cmpuint(printable_columns(left), <=, 35);
		g_assert_cmpstr(left, !=, right);
		if (rows[i].left_shown) {
			g_assert_cmpstr(left, ==, rows[i].left_shown);
			g_assert_cmpstr(right, ==, rows[i].right_shown);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/printable/each", test_each);
	g_test_add_func("/printable/ranges", test_ranges);
	g_test_add_func("/printable/shorten", test_shorten);
	g_test_add_func("/printable/both_ends_are_kept", test_both_ends_are_kept);
	g_test_add_func("/printable/shorten_apart", test_shorten_apart);
	g_test_add_func("/printable/null", test_null);
	g_test_add_func("/printable/each_byte", test_each_byte);
	return g_test_run();
}
