/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text and numbers of an SVG.
 */
#include "svg_text.h"

#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define TINY 1e-9 /* what may be left of a division, and is not meant */

char *svg_text_shorten(const char *text, size_t columns)
{
	const char *cut = text;
	size_t used = 0;

	for (const char *at = text; *at;) {
		used += *at & 0x80 ? 2 : 1;
		at = g_utf8_next_char(at);
		if (used > columns)
			return g_strdup_printf("%.*s..", (int)(cut - text), text);
		if (used + 2 <= columns)
			cut = at;
	}
	return g_strdup(text);
}

void svg_text_put(FILE *out, const char *text)
{
	g_autofree char *escaped = g_markup_escape_text(text, -1);

	fputs(escaped, out);
}

/* printf() would write the decimal point of the locale. */
char *svg_number(double value, int decimals)
{
	char format[8], buffer[G_ASCII_DTOSTR_BUF_SIZE * 2];

	g_snprintf(format, sizeof(format), "%%.%df", decimals);
	return g_strdup(g_ascii_formatd(buffer, sizeof(buffer), format, value));
}

char *svg_number_short(double value)
{
	const double magnitude = fabs(value) > 0 ? floor(log10(fabs(value)) + TINY) : 2;

	return svg_number(value, (int)CLAMP(2 - magnitude, 0, 9));
}

void svg_put_px(FILE *out, const char *attribute, double px)
{
	g_autofree char *number = svg_number(px, 3);
	char *end = number + strlen(number);

	while (end[-1] == '0')
		end--;
	if (end[-1] == '.')
		end--;
	fprintf(out, " %s=\"%.*s\"", attribute, (int)(end - number), number);
}

void svg_put_line(FILE *out, const char *class, double x, double y, const char *text)
{
	fprintf(out, "<text");
	if (class)
		fprintf(out, " class=\"%s\"", class);
	svg_put_px(out, "x", x);
	svg_put_px(out, "y", y);
	fputc('>', out);
	svg_text_put(out, text);
	fputs("</text>\n", out);
}
