/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs the instructions of one function's entry up to an address. Part of cfi_table.c.
 */
#ifndef COLO_PERF_SYMBOLS_CFI_PROGRAM_H
#define COLO_PERF_SYMBOLS_CFI_PROGRAM_H

#include "symbols/cfi_section.h"
#include "symbols/cfi_table.h"

/* As cfi_table_find(), once the function is known. */
bool cfi_program_run(const struct cfi_function *function, uint64_t address, uint64_t *steps,
		     struct cfi_row *row);

#endif
