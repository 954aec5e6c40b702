/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A small shared library of which a test knows everything, the identity that a
 * recording would have of it, and what must be found. The library is "prog" in a directory
 * of its own; "whole" is a copy that stays as it was made.
 */
#ifndef COLO_PERF_TESTS_DSO_FIXTURE_H
#define COLO_PERF_TESTS_DSO_FIXTURE_H

#include "lib/elf_maker.h"
#include "symbols/dso.h"

/* Of the segments of the library: an address is not an offset in the file. */
#define DSO_FIXTURE_BASE 0x400000

struct dso_fixture {
	char *dir;	  /* Owned by this */
	char *path;	  /* Owned by this: of "prog" */
	GBytes *build_id; /* Owned by this; NULL when it was made without */
	struct dso_options options;
	struct dso_identity identity; /* what was recorded; a test changes both */
	struct dso_finder *finder;    /* Owned by this */
	struct dso *dso;	      /* Owned by this; NULL until it is opened */
};

typedef void (*dso_fixture_test)(struct dso_fixture *, gconstpointer);

/* Adds a test for g_test_run(), whose library has a build-id, or has none. */
void dso_fixture_add(const char *name, dso_fixture_test test);
void dso_fixture_add_without_build_id(const char *name, dso_fixture_test test);

/* Runs a command in the directory. */
void dso_fixture_run(const struct dso_fixture *fixture, const char *command);

/* Makes the DSO anew, with the options and the identity as they are now. */
void dso_fixture_renew(struct dso_fixture *fixture);

/* As above; this must be its state, and anything but DSO_OK must have a reason. */
void dso_fixture_open(struct dso_fixture *fixture, enum dso_state state);

/* Takes device and inode of "prog" for the recorded ones. */
void dso_fixture_set_inode(struct dso_fixture *fixture);

/* Of a symbol of the library, in the file. */
guint64 dso_fixture_offset(const struct dso_fixture *fixture, const char *symbol);

/* NULL: there must be none. */
void dso_fixture_assert_name(const struct dso_fixture *fixture, guint64 offset, const char *name);
void dso_fixture_assert_no_name(const struct dso_fixture *fixture);
void dso_fixture_assert_all_names(const struct dso_fixture *fixture);
void dso_fixture_assert_exported_names(const struct dso_fixture *fixture);

/* Each byte of `outer` has the functions that addr2line finds in "whole". */
void dso_fixture_assert_inlines(const struct dso_fixture *fixture);

/* What is said of it has this in it. */
void dso_fixture_assert_problem(const struct dso_fixture *fixture, const char *part);

#endif
