/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sections of ELF files that nobody vouches for, by libelf. A file is opened only when what it
 * claims to hold costs no more than its size explains: a few bytes may claim a million
 * sections, or to unpack to gigabytes, which libelf would believe.
 */
#ifndef COLO_PERF_SYMBOLS_ELF_SECTIONS_H
#define COLO_PERF_SYMBOLS_ELF_SECTIONS_H

#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The ELF file behind `fd`, which is not taken and stays open as long as the result is used. NULL
 * when it is none, or is damaged, or, with `too_large`, when it claims too much.
 */
Elf *elf_sections_begin(int fd, bool *too_large);

/* The same for `size` bytes in memory, which are the caller's and stay. */
Elf *elf_sections_begin_memory(char *bytes, size_t size, bool *too_large);

/* To how many bytes a file may unpack altogether. */
uint64_t elf_sections_limit(int fd);

/* What is in a section, unpacked. NULL when nothing is, or it cannot be read. */
Elf_Data *elf_sections_data(Elf_Scn *section);

/*
 * The string at `offset` in a table of strings (NULL: there is none), with its `size` in bytes.
 * NULL when it is empty or longer than `max`.
 */
const char *elf_sections_string(const Elf_Data *strings, uint64_t offset, size_t max, size_t *size);

/* The first section called `name`, in no group, with its contents; NULL when there is none. */
Elf_Data *elf_sections_find(Elf *elf, const char *name, GElf_Shdr *shdr);

/* The same of a section of DWARF, which older tools compress under another name. */
Elf_Data *elf_sections_find_debug(Elf *elf, const char *name);

#endif
