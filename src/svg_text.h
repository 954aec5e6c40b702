/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text and numbers as an SVG needs them: printable text shortened to what fits, escaped;
 * numbers with a point in every locale. What is drawn is for
 * others.
 */
#ifndef COLO_PERF_SVG_TEXT_H
#define COLO_PERF_SVG_TEXT_H

#include <stddef.h>
#include <stdio.h>

/*
 * A copy of printable text in at most so many columns, with ".." where it was cut.
 * What is not ASCII is taken for two columns wide, as the script does. The caller
 * frees it.
 */
char *svg_text_shorten(const char *text, size_t columns);

/* Printable text as XML. */
void svg_text_put(FILE *out, const char *text);

/* With so many decimals. The caller frees it. */
char *svg_number(double value, int decimals);

/* Three digits, and all those before the point. The caller frees it. */
char *svg_number_short(double value);

/* An attribute whose value is a length in px. */
void svg_put_px(FILE *out, const char *attribute, double px);

/* A line of printable text; NULL: the class has no name. */
void svg_put_line(FILE *out, const char *class, double x, double y, const char *text);

#endif
