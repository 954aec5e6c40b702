/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An ELF file with its debug file: its build-id, its symbols, what was inlined.
 * Whether it is the file that was recorded is decided elsewhere. Addresses are those that
 * the file itself uses (st_value, p_vaddr), wherever it was mapped to.
 *
 * Files are read by libelf, which maps them: one that is made shorter while it is read kills
 * the process, as it does perf.
 */
#ifndef COLO_PERF_SYMBOLS_ELF_FILE_H
#define COLO_PERF_SYMBOLS_ELF_FILE_H

#include "symbols/build_id.h"
#include "symbols/debug_file.h"
#include "symbols/symbol_table.h"

#include <sys/stat.h>

struct elf_file;

/*
 * Opens an executable or a shared library that the user named. NULL and DSO_ERROR when it cannot be
 * opened or is none, or when it claims to be larger than it is (DSO_TOO_LARGE). `search` is copied;
 * its strings must live as long as the file.
 */
struct elf_file *elf_file_open(const char *path, const struct debug_search *search, GError **error);

/* The same for a path that a recording names; `root` and `path` as for recorded_file_open(). */
struct elf_file *elf_file_open_recorded(const char *root, const char *path,
					const struct debug_search *search, GError **error);
void elf_file_free(struct elf_file *file);

/* The descriptor that it is read through, which the caller duplicates. */
int elf_file_descriptor(const struct elf_file *file);

const struct stat *elf_file_stat(const struct elf_file *file);
const struct build_id *elf_file_build_id(const struct elf_file *file);

/*
 * Without code: a debug file, from which the code was taken out. It has the names, but
 * not where in the file the code was.
 */
bool elf_file_has_no_code(const struct elf_file *file);

/* The address of what is at `offset` bytes in the file. False when that is no code. */
bool elf_file_address_of(const struct elf_file *file, uint64_t offset, uint64_t *address);

/*
 * The functions, from .symtab, of the file or of its debug file, .gnu_debugdata, or as
 * `only_exported` says from .dynsym alone; and from the PLT. The caller frees the
 * table before the file, which owns the names. NULL and DSO_TOO_LARGE when they are too many.
 */
struct symbol_table *elf_file_symbols(struct elf_file *file, bool *only_exported, GError **error);

/* The value of the symbol `name`, of whatever kind. False when there is none. */
bool elf_file_symbol_value(struct elf_file *file, const char *name, uint64_t *value);

/* As dso_find_inlines(), but mangled; the names live as long as the file. */
guint elf_file_find_inlines(struct elf_file *file, uint64_t address, const char **names, guint max);

/* As dso_inline_problem(). */
const char *elf_file_inline_problem(const struct elf_file *file);

#endif
