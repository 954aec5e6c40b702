/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Split DWARF (gcc -gsplit-dwarf): the units of a program are skeletons, and what they are about is
 * in a .dwo file each, or in one .dwp file that dwp made of these.
 */
#ifndef COLO_PERF_SYMBOLS_SPLIT_DWARF_H
#define COLO_PERF_SYMBOLS_SPLIT_DWARF_H

#include "symbols/dwarf_file.h"

/* Where a file lies: as for recorded_file_open(). */
struct split_place {
	const char *root, *path;
};

struct split_dwarf;

/*
 * `program` is where the program lies, `debug` its file with the DWARF, which may be the same;
 * `symfs` may be NULL. All is copied but the budget, which must live longer.
 */
struct split_dwarf *split_dwarf_new(const char *symfs, const struct split_place *program,
				    const struct split_place *debug, struct dwarf_budget *budget);
void split_dwarf_free(struct split_dwarf *split);

bool split_dwarf_is_skeleton(const struct dwarf_unit *unit, const struct dwarf_die *die);

/*
 * The unit that `skeleton` stands for; `die` is the skeleton's own. From PROGRAM.dwp, or the .dwo
 * where it was built (below `symfs`) or beside the program. It is taken when it has the skeleton's
 * id. NULL when there is none. Owned by the split_dwarf, which the skeleton must outlive.
 */
struct dwarf_unit *split_dwarf_find(struct split_dwarf *split, const struct dwarf_unit *skeleton,
				    const struct dwarf_die *die);

/* How many were not found, and the name of the first of them (owned by it), or NULL. */
guint split_dwarf_missing(const struct split_dwarf *split, const char **first);

#endif
