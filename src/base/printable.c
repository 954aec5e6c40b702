/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Replaces what must not reach a terminal.
 */
#include "base/printable.h"

#include <glib.h>

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
		if (g_unichar_iscntrl(c))
			g_string_append_c(result, '?');
		else
			g_string_append_unichar(result, c);
		text = g_utf8_next_char(text);
	}
}
