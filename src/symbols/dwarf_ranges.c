/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The addresses of a DIE's code: DW_AT_low_pc and DW_AT_high_pc, or a list, whose format is another
 * one before DWARF 5 (DWARF 4, 2.17.3) than since (DWARF 5, 2.17.3).
 */
#include "symbols/dwarf_form.h"

#include <dwarf.h>

/* A list that is being read. */
struct list {
	const struct dwarf_unit *unit;
	struct byte_reader reader;
	uint64_t base; /* what offsets count from */
	dwarf_range function;
	void *data;
};

static void add(const struct list *list, uint64_t start, uint64_t end)
{
	if (start < end)
		list->function(start, end, list->data);
}

static uint64_t read_address(struct list *list)
{
	return dwarf_read_offset(&list->reader, list->unit->address_size);
}

static bool step(const struct list *list)
{
	struct dwarf_budget *budget = list->unit->file->budget;

	return dwarf_spend(budget, &budget->steps, 1);
}

/* Pairs of addresses up to one of zeros; the largest address says what the others count from. */
static void read_old_list(struct list *list)
{
	const uint64_t largest = list->unit->address_size == 8 ? UINT64_MAX : UINT32_MAX;

	while (step(list)) {
		const uint64_t start = read_address(list);
		const uint64_t end = read_address(list);

		if (list->reader.failed || (!start && !end))
			return;
		if (start == largest)
			list->base = end;
		else
			add(list, list->base + start, list->base + end);
	}
}

static uint64_t read_indexed_address(struct list *list)
{
	uint64_t address = 0;

	if (!dwarf_unit_address(list->unit, byte_reader_uleb128(&list->reader), &address))
		list->reader.failed = true;
	return address;
}

/* An entry of DWARF 5 (7.25). False at the end of the list. */
static bool read_entry(struct list *list)
{
	uint64_t start = 0, end = 0;

	switch (byte_reader_u8(&list->reader)) {
	case DW_RLE_base_addressx:
		list->base = read_indexed_address(list);
		break;
	case DW_RLE_startx_endx:
		start = read_indexed_address(list);
		end = read_indexed_address(list);
		break;
	case DW_RLE_startx_length:
		start = read_indexed_address(list);
		end = start + byte_reader_uleb128(&list->reader);
		break;
	case DW_RLE_offset_pair:
		start = list->base + byte_reader_uleb128(&list->reader);
		end = list->base + byte_reader_uleb128(&list->reader);
		break;
	case DW_RLE_base_address:
		list->base = read_address(list);
		break;
	case DW_RLE_start_end:
		start = read_address(list);
		end = read_address(list);
		break;
	case DW_RLE_start_length:
		start = read_address(list);
		end = start + byte_reader_uleb128(&list->reader);
		break;
	case DW_RLE_end_of_list:
	default:
		return false;
	}
	if (list->reader.failed)
		return false;
	add(list, start, end);
	return true;
}

/* Where the list is: the value itself, or an offset in the table of lists. */
static bool find_new_list(const struct dwarf_unit *unit, const struct dwarf_value *value,
			  uint64_t *offset)
{
	struct byte_reader reader;

	*offset = value->number;
	if (value->form != DW_FORM_rnglistx)
		return true;
	if (value->number > UINT32_MAX)
		return false;
	reader = dwarf_reader_at(unit->file, DWARF_RNGLISTS, unit->rnglists_base);
	byte_reader_skip(&reader, value->number * unit->offset_size);
	*offset = unit->rnglists_base + dwarf_read_offset(&reader, unit->offset_size);
	return !reader.failed;
}

static void read_list(struct list *list, const struct dwarf_value *value)
{
	const struct dwarf_unit *unit = list->unit;
	uint64_t offset;

	if (unit->version >= 5) {
		if (!find_new_list(unit, value, &offset))
			return;
		list->reader = dwarf_reader_at(unit->file, DWARF_RNGLISTS, offset);
		while (step(list) && read_entry(list))
			;
	} else {
		/* Those of a split unit stay in the program. */
		const struct dwarf_unit *owner = unit->skeleton ? unit->skeleton : unit;

		offset = value->number + (unit->skeleton ? owner->ranges_base : 0);
		list->reader = dwarf_reader_at(owner->file, DWARF_RANGES, offset);
		read_old_list(list);
	}
}

void dwarf_unit_ranges(const struct dwarf_unit *unit, const struct dwarf_die *die,
		       dwarf_range function, void *data)
{
	const struct dwarf_value *values = die->values;
	struct list list = {.unit = unit,
			    .base = unit->skeleton ? unit->skeleton->low_pc : unit->low_pc,
			    .function = function,
			    .data = data};
	uint64_t low, high;

	if (values[DWARF_AT_RANGES].form) {
		read_list(&list, &values[DWARF_AT_RANGES]);
		return;
	}
	if (!dwarf_value_address(unit, &values[DWARF_LOW_PC], &low))
		return;
	if (dwarf_value_is_constant(&values[DWARF_HIGH_PC]))
		add(&list, low, low + values[DWARF_HIGH_PC].number);
	else if (dwarf_value_address(unit, &values[DWARF_HIGH_PC], &high))
		add(&list, low, high);
}
