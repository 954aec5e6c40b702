/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names for the stubs through which an x86-64 file calls the functions of
 * others, which no symbol table has: "memcpy@plt".
 */
#ifndef COLO_PERF_SYMBOLS_ELF_PLT_H
#define COLO_PERF_SYMBOLS_ELF_PLT_H

#include "symbols/elf_symbols.h"

/* Adds nothing for other machines. The functions' names are mangled. False when the budget ends. */
bool elf_plt_add_symbols(Elf *elf, struct symbol_table *table, struct elf_symbols_budget *budget);

#endif
