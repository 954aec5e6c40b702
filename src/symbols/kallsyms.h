/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * /proc/kallsyms, or a copy of it: the symbols of a kernel and of its modules,
 * as text. Whose kernel it is, and where that was loaded, is decided elsewhere.
 */
#ifndef COLO_PERF_SYMBOLS_KALLSYMS_H
#define COLO_PERF_SYMBOLS_KALLSYMS_H

#include "symbols/symbol_table.h"

#define PROC_KALLSYMS "/proc/kallsyms" /* of the kernel that runs */

struct kallsyms;

/*
 * NULL and DSO_ERROR when it cannot be read, is not kallsyms, or has zeros
 * instead of the addresses, as it has for those who may not know them.
 */
struct kallsyms *kallsyms_read(const char *path, GError **error);
void kallsyms_free(struct kallsyms *kallsyms);

/* Where the kernel's symbol `name` is; false when there is none. */
bool kallsyms_address_of(const struct kallsyms *kallsyms, const char *name, uint64_t *address);

/*
 * The functions of the kernel from _stext to _etext, their addresses moved by `delta`; or
 * those of a module. The caller gives the table back before `kallsyms`, which owns the names.
 */
struct symbol_table *kallsyms_kernel(const struct kallsyms *kallsyms, uint64_t delta);
struct symbol_table *kallsyms_module(struct kallsyms *kallsyms, const char *module);

#endif
