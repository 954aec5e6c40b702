/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Looks for the ELF file of a DSO_FILE or DSO_VDSO, and makes sure that it is the
 * one that was recorded.
 */
#ifndef COLO_PERF_SYMBOLS_DSO_FILE_H
#define COLO_PERF_SYMBOLS_DSO_FILE_H

#include "symbols/dso.h"
#include "symbols/elf_file.h"

/* perf's cache of binaries, as the options or perf itself have it. The caller frees it. */
char *dso_file_cache(const struct dso_options *options);

/* Cuts off what the kernel puts behind the name of a file that was removed while it was mapped. */
void dso_file_cut_deleted(char *name);

/*
 * NULL and DSO_ERROR when there is none. `path` is where it was found, which the
 * caller frees. `search` and what it points to are as for elf_file_open().
 */
struct elf_file *dso_file_find(const struct dso_identity *identity,
			       const struct dso_options *options, const struct debug_search *search,
			       char **path, GError **error);

/*
 * As above. This process's own vDSO is given to libelf as a file in memory, whose
 * descriptor is in `fd` and must be open as long as `path` is used; -1 when another was found.
 * `same_kernel`: the recorded kernel runs here, so without a recorded build-id it is our own.
 */
struct elf_file *dso_file_find_vdso(const struct dso_identity *identity, bool same_kernel,
				    const struct debug_search *search, int *fd, char **path,
				    GError **error);

#endif
