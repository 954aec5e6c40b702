/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The forms in which attributes stand in DWARF (DWARF 5, 7.5.6), and what they mean: numbers,
 * strings, addresses, references. Used by dwarf_file.c and dwarf_ranges.c alone.
 */
#ifndef COLO_PERF_SYMBOLS_DWARF_FORM_H
#define COLO_PERF_SYMBOLS_DWARF_FORM_H

#include "base/byte_reader.h"
#include "symbols/dwarf_file.h"

/* At `offset` in a section; it has failed when that is outside. */
struct byte_reader dwarf_reader_at(const struct dwarf_file *file, enum dwarf_section section,
				   uint64_t offset);

/* 4 or 8 bytes. */
uint64_t dwarf_read_offset(struct byte_reader *reader, uint8_t size);

/* Reads, or skips, an attribute. False when the form is not known or the bytes end. */
bool dwarf_read_form(const struct dwarf_unit *unit, uint16_t form, int64_t constant,
		     struct byte_reader *reader, struct dwarf_value *value);

/* False when the value is no address. */
bool dwarf_value_address(const struct dwarf_unit *unit, const struct dwarf_value *value,
			 uint64_t *address);

/* The `index`th of .debug_addr. False when it is not there. */
bool dwarf_unit_address(const struct dwarf_unit *unit, uint64_t index, uint64_t *address);

/* Whether the value counts addresses from another one (DW_AT_high_pc). */
bool dwarf_value_is_constant(const struct dwarf_value *value);

#endif
