/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where a subcommand writes what it makes: a file, which appears whole or not at
 * all, or standard output.
 */
#ifndef COLO_PERF_OUTPUT_H
#define COLO_PERF_OUTPUT_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

struct output;

/*
 * NULL or "-" as `path` is standard output. NULL with `error` when nothing can be written there
 * (see output_place_find()) or there is no memory.
 */
struct output *output_open(const char *path, GError **error);

FILE *output_stream(const struct output *output);

/* Puts what was written in its place and frees the output. False with `error` when it cannot. */
bool output_close(struct output *output, GError **error);

#endif
