/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * .gnu_debugdata: the names of a stripped file's own functions, as an ELF file that xz has
 * compressed. Fedora's packages have it.
 */
#ifndef COLO_PERF_SYMBOLS_MINI_DEBUG_H
#define COLO_PERF_SYMBOLS_MINI_DEBUG_H

#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>

struct mini_debug;

/*
 * Unpacks it, to at most `limit` bytes. NULL when `elf` has none or it is damaged, or, with
 * `too_large`, when it does not fit. The caller frees it.
 */
struct mini_debug *mini_debug_new(Elf *elf, uint64_t limit, bool *too_large);
void mini_debug_free(struct mini_debug *mini);

/* Owned by it. */
Elf *mini_debug_elf(const struct mini_debug *mini);

#endif
