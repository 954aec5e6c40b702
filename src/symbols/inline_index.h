/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which functions were inlined where, from the DWARF of a file. The DIEs of a
 * function are looked for once: libdw alone walks a whole compilation unit for each address.
 */
#ifndef COLO_PERF_SYMBOLS_INLINE_INDEX_H
#define COLO_PERF_SYMBOLS_INLINE_INDEX_H

#include <elfutils/libdwfl.h>
#include <glib.h>

struct inline_index;

/* `module` must live as long as the index. A module without DWARF has no inlined functions. */
struct inline_index *inline_index_new(Dwfl_Module *module);
void inline_index_free(struct inline_index *index);

/*
 * The functions inlined at `address`, an address of libdwfl: the outermost first,
 * mangled where they are. At most `max`; returns how many. The names are the module's.
 */
guint inline_index_find(struct inline_index *index, Dwarf_Addr address, const char **names,
			guint max);

#endif
