/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which functions were inlined where, from the DWARF of a program: its own, its debug file's, that
 * of its .dwo files. Each unit is read once, when an address in it is first asked for; a
 * question is a binary search.
 */
#ifndef COLO_PERF_SYMBOLS_INLINE_INDEX_H
#define COLO_PERF_SYMBOLS_INLINE_INDEX_H

#include "symbols/debug_file.h"

#include <glib.h>

struct inline_index;

/* An ELF file, and where it lies: as for recorded_file_open(), NULL when it lies nowhere. */
struct inline_source {
	Elf *elf;
	const char *root, *path;
};

bool inline_source_has_dwarf(const struct inline_source *source);

/*
 * `debug` has the DWARF of `program`, or is the same. All must live as long as the index. Without
 * DWARF there are no inlined functions, and inline_index_problem() says so.
 */
struct inline_index *inline_index_new(const struct inline_source *debug,
				      const struct inline_source *program,
				      const struct debug_search *search);
void inline_index_free(struct inline_index *index);

/*
 * The functions inlined at `address`, as the file has it: the outermost first, mangled where they
 * are. At most `max`; returns how many. The names are the files'.
 */
guint inline_index_find(struct inline_index *index, uint64_t address, const char **names,
			guint max);

/* Why some may be missing and what to do, a clause for people; NULL when none is. Owned by it. */
const char *inline_index_problem(struct inline_index *index);

#endif
