/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Replaces what must not reach a terminal.
 */
#include "base/printable.h"

#include <glib.h>

char *printable(const char *text)
{
	GString *result;

	if (!text)
		return NULL;
	result = g_string_new(NULL);
	while (*text) {
		gunichar c = g_utf8_get_char_validated(text, -1);

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
	return g_string_free(result, FALSE);
}
