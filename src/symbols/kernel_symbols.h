/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The symbols of the kernel that was recorded, and of its modules: from which
 * file they come, whether that is of the same kernel, and how far the kernel was moved
 * when it was loaded. A file is read once for all.
 */
#ifndef COLO_PERF_SYMBOLS_KERNEL_SYMBOLS_H
#define COLO_PERF_SYMBOLS_KERNEL_SYMBOLS_H

#include "symbols/dso.h"
#include "symbols/elf_file.h"

struct kernel_symbols;

/* `options` must live longer. */
struct kernel_symbols *kernel_symbols_new(const struct dso_options *options);
void kernel_symbols_free(struct kernel_symbols *kernel);

/* Says which kernel was recorded. `identity` and its strings must live longer. */
void kernel_symbols_set_identity(struct kernel_symbols *kernel,
				 const struct dso_identity *identity);

/* Whether the kernel that runs is the recorded one. */
bool kernel_symbols_is_running(const struct kernel_symbols *kernel);

/*
 * From kallsyms, at addresses of the recorded kernel; for a module `name` is
 * its name. NULL and DSO_ERROR when they cannot be told. The caller gives the table back,
 * before the kernel_symbols.
 */
struct symbol_table *kernel_symbols_kernel(struct kernel_symbols *kernel, GError **error);
struct symbol_table *kernel_symbols_module(struct kernel_symbols *kernel,
					   const struct dso_identity *module, const char *name,
					   GError **error);

/*
 * The ELF file of options->vmlinux. An address of the recorded kernel less `delta`
 * is one of the file. NULL and DSO_ERROR when it is not the recorded kernel's.
 */
struct elf_file *kernel_symbols_open_vmlinux(const struct kernel_symbols *kernel,
					     const struct debug_search *search, uint64_t *delta,
					     GError **error);

#endif
