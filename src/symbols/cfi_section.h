/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A section .eh_frame or .debug_frame: its entries, and which of them a function's is.
 * Part of cfi_table.c.
 */
#ifndef COLO_PERF_SYMBOLS_CFI_SECTION_H
#define COLO_PERF_SYMBOLS_CFI_SECTION_H

#include "base/byte_reader.h"

#include <libelf.h>

struct cfi_section {
	uint8_t *bytes; /* Owned by this */
	size_t size;
	uint64_t address; /* where the section is mapped */
	bool is_eh;	  /* .eh_frame, or .debug_frame */
	GArray *ranges;	  /* Owned by this: struct cfi_range, by begin */
};

/* What one program is about. */
struct cfi_function {
	uint64_t begin, end; /* addresses */
	bool is_signal;
	uint64_t code_alignment;
	int64_t data_alignment;
	struct byte_reader initial, program; /* instructions: of its common entry, and its own */
};

/*
 * Reads the section of that name. False when it is not there, has no function, or needs more than
 * `max_bytes` of memory.
 */
bool cfi_section_read(struct cfi_section *section, Elf *elf, const char *name, bool is_eh,
		      size_t max_bytes);
void cfi_section_clear(struct cfi_section *section);

/* Bytes of memory. */
size_t cfi_section_size(const struct cfi_section *section);

/* The function at the address; false when none is known. */
bool cfi_section_find(const struct cfi_section *section, uint64_t address,
		      struct cfi_function *function);

#endif
