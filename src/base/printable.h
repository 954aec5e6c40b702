/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text from outside (paths, names of threads and hosts, words of a damaged
 * file) made fit for a terminal and for one line.
 */
#ifndef COLO_PERF_BASE_PRINTABLE_H
#define COLO_PERF_BASE_PRINTABLE_H

#include <glib.h>
#include <stdbool.h>

/*
 * A character of which a terminal shows what it is: no control (C0, C1), no mark that turns text
 * around or is invisible, no line or paragraph separator, none that Unicode does not assign.
 */
bool printable_is_safe(gunichar c);

/*
 * A copy of `text` in which every character that is not safe, and every byte that is no UTF-8, is a
 * "?". Everything from outside that is shown goes through it; JSON, which loses nothing, writes
 * such characters as escapes. The caller frees it; NULL gives NULL.
 */
char *printable(const char *text);

/* How many columns of a terminal printable text takes. */
size_t printable_columns(const char *text);

/*
 * A copy of printable text in at most `columns` (5 or more). What is longer is cut in the middle,
 * where ".." stands: the ends of two instances of a template differ, and so do the beginnings of
 * two paths. The caller frees it.
 */
char *printable_shorten(const char *text, size_t columns);

/*
 * The same in 20 columns or more, for a text that is not `other` but looks like it once both are
 * shortened: what stands behind ".." begins shortly before the first difference.
 */
char *printable_shorten_apart(const char *text, const char *other, size_t columns);

#endif
