/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The unwinding table of an x86_64 ELF file: for each address of its code, how to get from the
 * registers of a function to those of its caller. What the rules say is worked out elsewhere
 * (cfi_expression.h, profile/unwinder.h).
 *
 * Such a table is a program for each function, and a file that somebody made up may have any. libdw
 * runs them whatever they cost: a number of a register alone makes it clear gigabytes, for each
 * frame. Here registers are those that there are, and each instruction is counted.
 *
 * Source: DWARF 5, section 6.4; Linux Standard Base 5.0, "Exception Frames".
 */
#ifndef COLO_PERF_SYMBOLS_CFI_TABLE_H
#define COLO_PERF_SYMBOLS_CFI_TABLE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DWARF's numbers of registers: System V ABI for x86_64, figure 3.36. */
enum {
	CFI_REG_RBX = 3,
	CFI_REG_RBP = 6,
	CFI_REG_RSP = 7,
	CFI_REG_R12 = 12,
	CFI_REG_RA = 16,
	CFI_N_REGISTERS = 17,
};

enum cfi_rule_kind {
	CFI_UNDEFINED,	    /* the caller's value is lost */
	CFI_SAME,	    /* it is still there */
	CFI_OFFSET,	    /* it was saved at CFA + offset */
	CFI_VAL_OFFSET,	    /* it is CFA + offset */
	CFI_REGISTER,	    /* it is the value of `reg`, + offset */
	CFI_EXPRESSION,	    /* it was saved at what the expression gives */
	CFI_VAL_EXPRESSION, /* it is what the expression gives */
};

struct cfi_rule {
	enum cfi_rule_kind kind;
	uint32_t reg; /* below CFI_N_REGISTERS */
	int64_t offset;
	const uint8_t *tainted_expression; /* Weak: in the table */
	size_t expression_size;
};

/* The rules that hold at one address. */
struct cfi_row {
	struct cfi_rule cfa; /* CFI_REGISTER, or CFI_VAL_EXPRESSION */
	struct cfi_rule regs[CFI_N_REGISTERS];
	bool is_signal; /* the caller was interrupted, and its address is no return address */
};

struct cfi_table;

/*
 * Reads the table of the file that `fd` has open, of .eh_frame and of .debug_frame, whichever is
 * there; `fd` stays the caller's, and is not needed any more. NULL when there is none that can be
 * read, or when it needs more than `max_bytes`. For others than x86_64 there is none.
 */
struct cfi_table *cfi_table_new(int fd, size_t max_bytes);
void cfi_table_free(struct cfi_table *table);

/* Bytes of memory. */
size_t cfi_table_size(const struct cfi_table *table);

/*
 * The rules at `offset` bytes in the file, where its code is. False when there are none, or when
 * finding them takes more than `steps` instructions; as many as it took are taken off `steps`,
 * which is 0 then.
 */
bool cfi_table_find(const struct cfi_table *table, uint64_t offset, uint64_t *steps,
		    struct cfi_row *row);

#endif
