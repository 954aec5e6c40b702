/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text from outside (paths, names of threads and hosts, words of a damaged
 * file) made fit for a terminal and for one line.
 */
#ifndef COLO_PERF_BASE_PRINTABLE_H
#define COLO_PERF_BASE_PRINTABLE_H

/*
 * A copy of `text` in which every control character, and every byte that is no
 * UTF-8, is a "?". The caller frees it; NULL gives NULL.
 */
char *printable(const char *text);

#endif
