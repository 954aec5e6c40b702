/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every form in which perf writes a recording, as a table: what can read one must read all of
 * them, and say the same of each. It writes what a perf_builder holds, and tests nothing.
 */
#ifndef COLO_PERF_TESTS_RECORDING_FORMS_H
#define COLO_PERF_TESTS_RECORDING_FORMS_H

#include "perf_builder.h"

enum recording_shape {
	RECORDING_FILE,
	RECORDING_PIPE,	     /* of perf record -o -, kept in a file */
	RECORDING_DIRECTORY, /* of perf record --threads */
};

struct recording_form {
	const char *name; /* also fit for a file's name */
	enum recording_shape shape;
	struct perf_packing packing; /* chunks of 0 bytes: not packed */
	guint n_files;		     /* of a directory, besides the first */
	gboolean has_units;	     /* a pipe with EVENT_UPDATE of every kind */
	gboolean is_new;	     /* perf 6.1 does not know it yet */
};

/* The first is the plain file. */
extern const struct recording_form recording_forms[];
extern const guint recording_n_forms;

/* Asserts that all went well. Nothing may be at `path` yet. */
void recording_form_write(const struct recording_form *form, struct perf_builder *builder,
			  const char *path);
/* What it would write, of a file or a pipe. */
GByteArray *recording_form_bytes(const struct recording_form *form, struct perf_builder *builder);
/* Takes away what it wrote. */
void recording_form_remove(const struct recording_form *form, const char *path);

#endif
