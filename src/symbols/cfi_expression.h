/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Works out expressions of unwinding tables: those of the PLT and of signal frames, above all.
 *
 * Source: DWARF 5, section 2.5; what libgcc's execute_stack_op() knows.
 */
#ifndef COLO_PERF_SYMBOLS_CFI_EXPRESSION_H
#define COLO_PERF_SYMBOLS_CFI_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an expression may ask for; false: it is not known. */
struct cfi_environment {
	bool (*read_register)(void *data, uint64_t reg, uint64_t *value);
	bool (*read_memory)(void *data, uint64_t address, uint64_t *value);
	void *data; /* Weak: of both */
};

/*
 * The value of the expression. `first`, unless it is NULL, stands on the stack at the beginning.
 * False when it cannot be worked out, or not in `steps` operations; see cfi_table_find().
 */
bool cfi_expression_value(const uint8_t *tainted, size_t size, const uint64_t *first,
			  const struct cfi_environment *environment, uint64_t *steps,
			  uint64_t *value);

#endif
