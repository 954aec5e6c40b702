/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads forms.
 */
#include "symbols/dwarf_form.h"

#include <dwarf.h>

#define MAX_STRING 65536 /* bytes */

/* How the bytes of a form are read. */
enum layout {
	UNKNOWN,
	FIXED,	  /* `size` bytes */
	ADDRESS,  /* as large as an address of the unit */
	OFFSET,	  /* 4 or 8 bytes, as the unit has it */
	REF_ADDR, /* likewise, but of DWARF 2 an address */
	ULEB,
	SLEB,
	STRING,	  /* up to its NUL; the number is where it is */
	BLOCK,	  /* `size` bytes say how many follow; 0: ULEB */
	NOTHING,  /* the number is `size` */
	CONSTANT, /* it stands with the abbreviation */
};

static const struct form {
	enum layout layout;
	uint8_t size;
} forms[] = {
	[DW_FORM_addr] = {ADDRESS, 0},	   [DW_FORM_block1] = {BLOCK, 1},
	[DW_FORM_block2] = {BLOCK, 2},	   [DW_FORM_block4] = {BLOCK, 4},
	[DW_FORM_block] = {BLOCK, 0},	   [DW_FORM_exprloc] = {BLOCK, 0},
	[DW_FORM_data1] = {FIXED, 1},	   [DW_FORM_data2] = {FIXED, 2},
	[DW_FORM_data4] = {FIXED, 4},	   [DW_FORM_data8] = {FIXED, 8},
	[DW_FORM_data16] = {FIXED, 16},	   [DW_FORM_sdata] = {SLEB, 0},
	[DW_FORM_udata] = {ULEB, 0},	   [DW_FORM_implicit_const] = {CONSTANT, 0},
	[DW_FORM_string] = {STRING, 0},	   [DW_FORM_strp] = {OFFSET, 0},
	[DW_FORM_line_strp] = {OFFSET, 0}, [DW_FORM_strp_sup] = {OFFSET, 0},
	[DW_FORM_strx] = {ULEB, 0},	   [DW_FORM_strx1] = {FIXED, 1},
	[DW_FORM_strx2] = {FIXED, 2},	   [DW_FORM_strx3] = {FIXED, 3},
	[DW_FORM_strx4] = {FIXED, 4},	   [DW_FORM_addrx] = {ULEB, 0},
	[DW_FORM_addrx1] = {FIXED, 1},	   [DW_FORM_addrx2] = {FIXED, 2},
	[DW_FORM_addrx3] = {FIXED, 3},	   [DW_FORM_addrx4] = {FIXED, 4},
	[DW_FORM_flag] = {FIXED, 1},	   [DW_FORM_flag_present] = {NOTHING, 1},
	[DW_FORM_ref1] = {FIXED, 1},	   [DW_FORM_ref2] = {FIXED, 2},
	[DW_FORM_ref4] = {FIXED, 4},	   [DW_FORM_ref8] = {FIXED, 8},
	[DW_FORM_ref_udata] = {ULEB, 0},   [DW_FORM_ref_addr] = {REF_ADDR, 0},
	[DW_FORM_ref_sig8] = {FIXED, 8},   [DW_FORM_ref_sup4] = {FIXED, 4},
	[DW_FORM_ref_sup8] = {FIXED, 8},   [DW_FORM_sec_offset] = {OFFSET, 0},
	[DW_FORM_loclistx] = {ULEB, 0},	   [DW_FORM_rnglistx] = {ULEB, 0},
};

/* GCC's before DWARF 5, far from the others. */
static const struct {
	uint16_t form;
	struct form meaning;
} gnu_forms[] = {
	{DW_FORM_GNU_addr_index, {ULEB, 0}},
	{DW_FORM_GNU_str_index, {ULEB, 0}},
	{DW_FORM_GNU_ref_alt, {OFFSET, 0}},
	{DW_FORM_GNU_strp_alt, {OFFSET, 0}},
};

struct byte_reader dwarf_reader_at(const struct dwarf_file *file, enum dwarf_section section,
				   uint64_t offset)
{
	struct byte_reader reader = byte_reader_of(file->sections[section].tainted,
						   file->sections[section].size, file->swap);

	byte_reader_skip(&reader, offset);
	return reader;
}

/* A number of 1 to 8 bytes; of longer ones nothing is kept. */
static uint64_t read_fixed(struct byte_reader *reader, uint8_t size)
{
	uint64_t value = 0;
	const uint8_t *bytes;

	switch (size) {
	case 1:
		return byte_reader_u8(reader);
	case 2:
		return byte_reader_u16(reader);
	case 4:
		return byte_reader_u32(reader);
	case 8:
		return byte_reader_u64(reader);
	default:
		break;
	}
	bytes = byte_reader_bytes(reader, size);
	/* strx3 and addrx3. */
	for (uint8_t i = 0; bytes && size == 3 && i < size; i++) {
		const bool is_big = reader->swap != (G_BYTE_ORDER == G_BIG_ENDIAN);

		value |= (uint64_t)bytes[i] << 8 * (is_big ? size - 1 - i : i);
	}
	return value;
}

uint64_t dwarf_read_offset(struct byte_reader *reader, uint8_t size)
{
	return read_fixed(reader, size);
}

static uint64_t read_string(const struct dwarf_unit *unit, struct byte_reader *reader)
{
	const char *string = byte_reader_string(reader);

	return string ? (uint64_t)((const uint8_t *)string -
				   unit->file->sections[DWARF_INFO].tainted)
		      : 0;
}

static void read_block(struct byte_reader *reader, uint8_t size)
{
	const uint64_t length = size ? read_fixed(reader, size) : byte_reader_uleb128(reader);

	byte_reader_skip(reader, length);
}

static uint64_t read_layout(const struct dwarf_unit *unit, const struct form *form,
			    struct byte_reader *reader)
{
	switch (form->layout) {
	case FIXED:
		return read_fixed(reader, form->size);
	case ADDRESS:
		return read_fixed(reader, unit->address_size);
	case OFFSET:
		return read_fixed(reader, unit->offset_size);
	case REF_ADDR:
		return read_fixed(reader,
				  unit->version <= 2 ? unit->address_size : unit->offset_size);
	case ULEB:
		return byte_reader_uleb128(reader);
	case SLEB:
		return (uint64_t)byte_reader_sleb128(reader);
	case STRING:
		return read_string(unit, reader);
	case BLOCK:
		read_block(reader, form->size);
		return 0;
	case NOTHING:
	case CONSTANT:
	default:
		return form->size;
	}
}

static const struct form *find_form(uint16_t form)
{
	if (form < G_N_ELEMENTS(forms))
		return forms[form].layout ? &forms[form] : NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(gnu_forms); i++) {
		if (gnu_forms[i].form == form)
			return &gnu_forms[i].meaning;
	}
	return NULL;
}

bool dwarf_read_form(const struct dwarf_unit *unit, uint16_t form, int64_t constant,
		     struct byte_reader *reader, struct dwarf_value *value)
{
	const struct form *meaning;

	if (form == DW_FORM_indirect) {
		form = (uint16_t)MIN(byte_reader_uleb128(reader), UINT16_MAX);
		if (form == DW_FORM_implicit_const)
			return false;
	}
	meaning = find_form(form);
	if (!meaning)
		return false;
	value->form = form;
	value->number = meaning->layout == CONSTANT ? (uint64_t)constant
						    : read_layout(unit, meaning, reader);
	return !reader->failed;
}

/* --- Addresses --- */

bool dwarf_unit_address(const struct dwarf_unit *unit, uint64_t index, uint64_t *address)
{
	const struct dwarf_unit *owner = unit->skeleton ? unit->skeleton : unit;
	struct byte_reader reader = dwarf_reader_at(owner->file, DWARF_ADDR, owner->addr_base);

	if (index > UINT32_MAX)
		return false;
	byte_reader_skip(&reader, index * owner->address_size);
	*address = read_fixed(&reader, owner->address_size);
	return !reader.failed;
}

bool dwarf_value_address(const struct dwarf_unit *unit, const struct dwarf_value *value,
			 uint64_t *address)
{
	switch (value->form) {
	case DW_FORM_addr:
		*address = value->number;
		return true;
	case DW_FORM_addrx:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
	case DW_FORM_GNU_addr_index:
		return dwarf_unit_address(unit, value->number, address);
	default:
		return false;
	}
}

bool dwarf_value_is_constant(const struct dwarf_value *value)
{
	switch (value->form) {
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
	case DW_FORM_udata:
	case DW_FORM_sdata:
	case DW_FORM_implicit_const:
		return true;
	default:
		return false;
	}
}

/* --- Strings --- */

static const char *string_at(const struct dwarf_file *file, enum dwarf_section section,
			     uint64_t offset)
{
	struct byte_reader reader;

	if (!file)
		return NULL;
	reader = dwarf_reader_at(file, section, offset);
	reader.left = MIN(reader.left, MAX_STRING);
	return byte_reader_string(&reader);
}

/* By way of .debug_str_offsets. */
static const char *indexed_string(const struct dwarf_unit *unit, uint64_t index)
{
	struct byte_reader reader =
		dwarf_reader_at(unit->file, DWARF_STR_OFFSETS, unit->str_offsets_base);
	uint64_t offset;

	if (index > UINT32_MAX)
		return NULL;
	byte_reader_skip(&reader, index * unit->offset_size);
	offset = read_fixed(&reader, unit->offset_size);
	return reader.failed ? NULL : string_at(unit->file, DWARF_STR, offset);
}

const char *dwarf_unit_string(const struct dwarf_unit *unit, const struct dwarf_value *value)
{
	switch (value->form) {
	case DW_FORM_string:
		return string_at(unit->file, DWARF_INFO, value->number);
	case DW_FORM_strp:
		return string_at(unit->file, DWARF_STR, value->number);
	case DW_FORM_line_strp:
		return string_at(unit->file, DWARF_LINE_STR, value->number);
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
		return string_at(unit->file->dwz, DWARF_STR, value->number);
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index:
		return indexed_string(unit, value->number);
	default:
		return NULL;
	}
}

/* --- References --- */

bool dwarf_unit_reference(struct dwarf_unit *unit, const struct dwarf_value *value,
			  struct dwarf_unit **to, uint64_t *offset)
{
	*to = NULL;
	*offset = value->number;
	switch (value->form) {
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
	case DW_FORM_ref_udata:
		if (value->number >= unit->end - unit->offset)
			return false;
		*to = unit;
		*offset = unit->offset + value->number;
		break;
	case DW_FORM_ref_addr:
		*to = dwarf_file_unit_at(unit->file, value->number);
		break;
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
	case DW_FORM_GNU_ref_alt:
		if (unit->file->dwz)
			*to = dwarf_file_unit_at(unit->file->dwz, value->number);
		break;
	default:
		break;
	}
	return *to != NULL;
}
