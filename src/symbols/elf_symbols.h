/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The functions in the symbol tables of ELF files, chosen as perf chooses them.
 */
#ifndef COLO_PERF_SYMBOLS_ELF_SYMBOLS_H
#define COLO_PERF_SYMBOLS_ELF_SYMBOLS_H

#include "symbols/symbol_table.h"

#include <gelf.h>

/* What may still be read of a file, its debug file and all else that its names come from. */
struct elf_symbols_budget {
	uint64_t entries;    /* of symbol tables */
	uint64_t functions;  /* symbols that are code */
	uint64_t name_bytes; /* of their names */
};

/* What the largest programs take several times over, and a reader some hundred MB and a second. */
#define ELF_SYMBOLS_BUDGET                                                                         \
	((struct elf_symbols_budget){                                                              \
		.entries = 1 << 23, .functions = 1 << 21, .name_bytes = 1 << 28})

bool elf_symbols_spend(uint64_t *left, uint64_t n);

/* Whether the file has all its symbols, not only those that it exports. */
bool elf_symbols_has_symtab(Elf *elf);

/* Where the segment with the code at `address` ends; `address` itself when there is none. */
typedef uint64_t (*elf_symbols_end)(uint64_t address, const void *data);

/*
 * Adds the functions of the section of `type` (SHT_SYMTAB, SHT_DYNSYM), if there is one. No
 * function goes beyond `end_of`. The names are in `elf`. False when the budget ends.
 */
bool elf_symbols_add(Elf *elf, GElf_Word type, elf_symbols_end end_of, const void *data,
		     struct symbol_table *table, struct elf_symbols_budget *budget);

/* The value of the symbol `name`, of whatever kind. False when there is none. */
bool elf_symbols_value(Elf *elf, GElf_Word type, const char *name, uint64_t *value);

#endif
