/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A directory in which a test makes small ELF files with the compiler and
 * binutils, and asks them back where things are. It asserts, and tests nothing.
 */
#ifndef COLO_PERF_TESTS_ELF_MAKER_H
#define COLO_PERF_TESTS_ELF_MAKER_H

#include <glib.h>

/* A new directory; the caller frees it with elf_maker_remove(). */
char *elf_maker_new_dir(void);

/* Removes the directory with all that is in it. */
void elf_maker_remove(char *dir);

/* "DIR/NAME"; the caller frees it. */
char *elf_maker_path(const char *dir, const char *name);

void elf_maker_write(const char *dir, const char *name, const char *text);

/* Runs the words of a command in the directory; it must succeed. What it prints; caller frees. */
char *elf_maker_run(const char *dir, const char *command);

/* The address of a symbol according to nm. */
guint64 elf_maker_address(const char *dir, const char *file, const char *symbol);

/* According to readelf; the caller frees it. */
GBytes *elf_maker_build_id(const char *dir, const char *file);

#endif
