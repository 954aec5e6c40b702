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
};

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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/printable/each", test_each);
	g_test_add_func("/printable/null", test_null);
	g_test_add_func("/printable/each_byte", test_each_byte);
	return g_test_run();
}
