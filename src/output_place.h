/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where a file is to appear: a directory that is held open, and a name in it. Whoever else may
 * write into a directory on the way there can neither choose which file is replaced nor what is
 * written to. What is written is not known here.
 */
#ifndef COLO_PERF_OUTPUT_PLACE_H
#define COLO_PERF_OUTPUT_PLACE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* What stands at a place. */
enum output_kind {
	OUTPUT_FILE,	  /* nothing yet, or a file that is to be replaced */
	OUTPUT_DIRECTORY, /* cannot be written */
	OUTPUT_SPECIAL,	  /* a device, a pipe, what /proc/self/fd points to: is written to */
};

struct output_place;

/*
 * Finds the place. A link is followed, and stays, if it is the user's own or root's. NULL with
 * `error`, which names `path`: for a link of somebody else; for a file or a FIFO of somebody else
 * in a directory where everybody may write; when a directory is missing.
 */
struct output_place *output_place_find(const char *path, GError **error);
/* Removes the part, if there still is one. NULL may be given. */
void output_place_free(struct output_place *place);

enum output_kind output_place_kind(const struct output_place *place);

/* Opens what is special for writing; the caller closes it. -1 with `error`. */
int output_place_open_special(const struct output_place *place, GError **error);

/*
 * Creates the part, a file beside the place with a name that nobody can foresee. Returns its
 * descriptor, which the place owns, or -1 with `error`.
 */
int output_place_begin(struct output_place *place, mode_t mode, GError **error);
/* What the part is called; NULL: there is none. Valid until it is finished or left. */
const char *output_place_part(const struct output_place *place);

/*
 * The part gets the name of the place; an older file there is replaced only if `replaces`. False,
 * and the part is still there: with `error`, or without when an older file stays.
 */
bool output_place_finish(struct output_place *place, bool replaces, GError **error);
/* The part stays under its name, also when the place is freed. */
void output_place_leave_part(struct output_place *place);

#endif
