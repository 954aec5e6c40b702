/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Replaces what must not reach a terminal.
 */
#include "base/printable.h"

#include <glib.h>
#include <string.h>

#define CUT    ".."
#define BEFORE 4 /* characters that are shown before a difference */

/* Invisible, and in no category of their own (Default_Ignorable_Code_Point). */
static const struct {
	gunichar first, last;
} invisible[] = {
	{0x034f, 0x034f}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},
	{0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xffa0, 0xffa0}, {0xe0100, 0xe01ef},
};

bool printable_is_safe(gunichar c)
{
	switch (g_unichar_type(c)) {
	case G_UNICODE_CONTROL:
	case G_UNICODE_FORMAT: /* U+202E and others that turn text around, U+200B, U+FEFF */
	case G_UNICODE_UNASSIGNED:
	case G_UNICODE_SURROGATE:
	case G_UNICODE_LINE_SEPARATOR:
	case G_UNICODE_PARAGRAPH_SEPARATOR:
		return false;
	default:
		break;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(invisible); i++)
		if (c >= invisible[i].first && c <= invisible[i].last)
			return false;
	return true;
}

/* How many characters at the front are of ASCII, and none a control character: most are. */
static gssize plain_len(const char *text)
{
	gssize len = 0;

	while (text[len] >= ' ' && text[len] <= '~')
		len++;
	return len;
}

char *printable(const char *text)
{
	GString *result;

	if (!text)
		return NULL;
	result = g_string_new(NULL);
	for (;;) {
		const gssize plain = plain_len(text);
		gunichar c;

		g_string_append_len(result, text, plain);
		text += plain;
		if (!*text)
			return g_string_free(result, FALSE);
		c = g_utf8_get_char_validated(text, -1);
		if (c == (gunichar)-1 || c == (gunichar)-2) {
			g_string_append_c(result, '?');
			text++;
			continue;
		}
		if (printable_is_safe(c))
			g_string_append_unichar(result, c);
		else
			g_string_append_c(result, '?');
		text = g_utf8_next_char(text);
	}
}

static size_t columns_of(gunichar c)
{
	return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

size_t printable_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text = g_utf8_next_char(text))
		columns += columns_of(g_utf8_get_char(text));
	return columns;
}

/* The end of as many characters as fit into `columns`. */
static const char *pass_over(const char *text, size_t columns)
{
	for (size_t used = 0; *text; text = g_utf8_next_char(text)) {
		used += columns_of(g_utf8_get_char(text));
		if (used > columns)
			break;
	}
	return text;
}

/* The beginning of the last characters that fit into `columns`, of a text that has `all`. */
static const char *find_end(const char *text, size_t all, size_t columns)
{
	/* It begins with a character, not with marks of one that is left out. */
	while (*text && (all > columns || !columns_of(g_utf8_get_char(text)))) {
		all -= columns_of(g_utf8_get_char(text));
		text = g_utf8_next_char(text);
	}
	return text;
}

static char *join(const char *text, const char *end_of_begin, const char *end)
{
	return g_strdup_printf("%.*s" CUT "%s", (int)(end_of_begin - text), text, end);
}

char *printable_shorten(const char *text, size_t columns)
{
	const size_t all = printable_columns(text), kept = columns - strlen(CUT);

	if (all <= columns)
		return g_strdup(text);
	return join(text, pass_over(text, kept - kept / 2), find_end(text, all, kept / 2));
}

char *printable_shorten_apart(const char *text, const char *other, size_t columns)
{
	const char *begin = pass_over(text, columns / 4), *at = text;
	g_autofree char *rest = NULL;

	while (*at && *at == *other++)
		at++;
	/* Not in the middle of a character. */
	while ((*at & 0xc0) == 0x80)
		at--;
	/* What it belongs to. */
	for (int i = 0; i < BEFORE && at > begin; i++)
		at = g_utf8_prev_char(at);
	if (at <= begin)
		return printable_shorten(text, columns);
	rest = printable_shorten(at, columns - columns / 4 - strlen(CUT));
	return join(text, begin, rest);
}
