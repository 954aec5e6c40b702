/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sections, units and DIEs.
 */
#include "symbols/dwarf_file.h"

#include "base/byte_reader.h"
#include "base/hash.h"
#include "symbols/dwarf_form.h"
#include "symbols/elf_sections.h"

#include <dwarf.h>

/* The names of the sections in a program and, with ".dwo" behind it, in split DWARF. */
static const struct {
	const char *name;
	bool in_split, in_program;
} section_names[DWARF_N_SECTIONS] = {
	[DWARF_INFO] = {".debug_info", true, true},
	[DWARF_ABBREV] = {".debug_abbrev", true, true},
	[DWARF_STR] = {".debug_str", true, true},
	[DWARF_LINE_STR] = {".debug_line_str", false, true},
	[DWARF_STR_OFFSETS] = {".debug_str_offsets", true, true},
	[DWARF_ADDR] = {".debug_addr", false, true},
	[DWARF_RANGES] = {".debug_ranges", false, true},
	[DWARF_RNGLISTS] = {".debug_rnglists", true, true},
};

/* DW_AT_* by what is kept of them. */
static const struct {
	uint16_t name;
	enum dwarf_attribute attribute;
} attribute_names[] = {
	{DW_AT_name, DWARF_NAME},
	{DW_AT_linkage_name, DWARF_LINKAGE_NAME},
	{DW_AT_MIPS_linkage_name, DWARF_LINKAGE_NAME},
	{DW_AT_low_pc, DWARF_LOW_PC},
	{DW_AT_high_pc, DWARF_HIGH_PC},
	{DW_AT_ranges, DWARF_AT_RANGES},
	{DW_AT_abstract_origin, DWARF_ORIGIN},
	{DW_AT_specification, DWARF_ORIGIN},
	{DW_AT_sibling, DWARF_SIBLING},
	{DW_AT_dwo_name, DWARF_DWO_NAME},
	{DW_AT_GNU_dwo_name, DWARF_DWO_NAME},
	{DW_AT_GNU_dwo_id, DWARF_DWO_ID},
	{DW_AT_comp_dir, DWARF_COMP_DIR},
	{DW_AT_addr_base, DWARF_ADDR_BASE},
	{DW_AT_GNU_addr_base, DWARF_ADDR_BASE},
	{DW_AT_str_offsets_base, DWARF_STR_OFFSETS_BASE},
	{DW_AT_rnglists_base, DWARF_RNGLISTS_BASE},
	{DW_AT_GNU_ranges_base, DWARF_RANGES_BASE},
};

/* An attribute of an abbreviation. */
struct attribute {
	enum dwarf_attribute attribute; /* DWARF_N_ATTRIBUTES: not kept */
	uint16_t form;
	int64_t constant; /* of DW_FORM_implicit_const */
};

struct abbrev {
	uint64_t code;
	uint32_t tag;
	bool has_children;
	guint first, n; /* of its attributes */
};

struct dwarf_abbrevs {
	GArray *abbrevs;    /* Owned by this: struct abbrev, by code */
	GArray *attributes; /* Owned by this: struct attribute */
};

bool dwarf_spend(struct dwarf_budget *budget, uint64_t *what, uint64_t n)
{
	if (n > *what) {
		budget->is_spent = true;
		return false;
	}
	*what -= n;
	return true;
}

static bool step(const struct dwarf_file *file)
{
	return dwarf_spend(file->budget, &file->budget->steps, 1);
}

/* --- The file --- */

static void abbrevs_free(gpointer data)
{
	struct dwarf_abbrevs *abbrevs = data;

	g_array_unref(abbrevs->abbrevs);
	g_array_unref(abbrevs->attributes);
	g_free(abbrevs);
}

bool dwarf_file_has_info(Elf *elf)
{
	return elf_sections_find_debug(elf, section_names[DWARF_INFO].name) != NULL;
}

static struct dwarf_file *new_file(bool swap, bool is_split, struct dwarf_budget *budget)
{
	static const uint8_t nothing[1];
	struct dwarf_file *file = g_new0(struct dwarf_file, 1);

	/* Of those that are not there. */
	for (guint i = 0; i < DWARF_N_SECTIONS; i++)
		file->sections[i].tainted = nothing;
	file->swap = swap;
	file->is_split = is_split;
	file->budget = budget;
	file->units = g_array_new(FALSE, FALSE, sizeof(struct dwarf_unit));
	file->abbrevs = g_hash_table_new_full(hash_int64, g_int64_equal, g_free, abbrevs_free);
	return file;
}

struct dwarf_file *dwarf_file_new(Elf *elf, bool is_split, struct dwarf_budget *budget)
{
	const bool is_big = elf_getident(elf, NULL)[EI_DATA] == ELFDATA2MSB;
	struct dwarf_file *file =
		new_file(is_big != (G_BYTE_ORDER == G_BIG_ENDIAN), is_split, budget);

	for (guint i = 0; i < DWARF_N_SECTIONS; i++) {
		g_autofree char *name =
			g_strconcat(section_names[i].name, is_split ? ".dwo" : "", NULL);
		const Elf_Data *data = NULL;

		if (is_split ? section_names[i].in_split : section_names[i].in_program)
			data = elf_sections_find_debug(elf, name);
		if (data)
			file->sections[i] = (struct dwarf_bytes){data->d_buf, data->d_size};
	}
	return file;
}

struct dwarf_file *dwarf_file_copy(const struct dwarf_file *file)
{
	struct dwarf_file *copy = new_file(file->swap, file->is_split, file->budget);

	memcpy(copy->sections, file->sections, sizeof(copy->sections));
	return copy;
}

void dwarf_file_free(struct dwarf_file *file)
{
	if (!file)
		return;
	g_array_unref(file->units);
	g_hash_table_unref(file->abbrevs);
	g_free(file);
}

/* --- Units --- */

/* What the type of a DWARF 5 unit has behind the header that all have. */
static void read_rest_of_header(struct dwarf_unit *unit, struct byte_reader *reader)
{
	switch (unit->type) {
	case DW_UT_skeleton:
	case DW_UT_split_compile:
		unit->id = byte_reader_u64(reader);
		break;
	case DW_UT_type:
	case DW_UT_split_type:
		byte_reader_skip(reader, sizeof(uint64_t) + unit->offset_size);
		break;
	default:
		break;
	}
}

/* False behind the last one, and when it is damaged. */
static bool read_unit(struct dwarf_file *file, uint64_t offset, struct dwarf_unit *unit)
{
	struct byte_reader reader = dwarf_reader_at(file, DWARF_INFO, offset);
	uint64_t length;

	*unit = (struct dwarf_unit){.file = file, .offset = offset, .offset_size = 4};
	length = byte_reader_u32(&reader);
	if (length == UINT32_MAX) {
		unit->offset_size = 8;
		length = byte_reader_u64(&reader);
	}
	if (reader.failed || length > reader.left)
		return false;
	unit->end = file->sections[DWARF_INFO].size - reader.left + length;
	reader.left = length;
	unit->version = byte_reader_u16(&reader);
	unit->type = DW_UT_compile;
	if (unit->version >= 5) {
		unit->type = byte_reader_u8(&reader);
		unit->address_size = byte_reader_u8(&reader);
		unit->abbrev_offset = dwarf_read_offset(&reader, unit->offset_size);
		read_rest_of_header(unit, &reader);
	} else {
		unit->abbrev_offset = dwarf_read_offset(&reader, unit->offset_size);
		unit->address_size = byte_reader_u8(&reader);
	}
	unit->first_die = unit->end - reader.left;
	return !reader.failed;
}

static bool is_known(const struct dwarf_unit *unit)
{
	return unit->version >= 2 && unit->version <= 5 &&
	       (unit->address_size == 4 || unit->address_size == 8);
}

void dwarf_file_read_units(struct dwarf_file *file)
{
	struct dwarf_unit unit;
	uint64_t offset = 0;

	while (read_unit(file, offset, &unit) &&
	       dwarf_spend(file->budget, &file->budget->units, 1)) {
		if (is_known(&unit))
			g_array_append_val(file->units, unit);
		offset = unit.end;
	}
}

struct dwarf_unit *dwarf_file_unit_at(struct dwarf_file *file, uint64_t offset)
{
	guint low = 0, high = file->units->len;
	struct dwarf_unit *unit;

	while (low < high) {
		const guint middle = low + (high - low) / 2;

		if (g_array_index(file->units, struct dwarf_unit, middle).offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	unit = &g_array_index(file->units, struct dwarf_unit, low - 1);
	return offset >= unit->first_die && offset < unit->end ? unit : NULL;
}

/* --- Abbreviations --- */

static enum dwarf_attribute kept_as(uint64_t name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(attribute_names); i++) {
		if (attribute_names[i].name == name)
			return attribute_names[i].attribute;
	}
	return DWARF_N_ATTRIBUTES;
}

static bool read_attributes(const struct dwarf_file *file, struct byte_reader *reader,
			    struct dwarf_abbrevs *abbrevs)
{
	while (!reader->failed && step(file)) {
		struct attribute attribute;
		const uint64_t name = byte_reader_uleb128(reader);
		const uint64_t form = byte_reader_uleb128(reader);

		if (!name && !form)
			return true;
		attribute = (struct attribute){.attribute = kept_as(name),
					       .form = (uint16_t)MIN(form, UINT16_MAX)};
		if (form == DW_FORM_implicit_const)
			attribute.constant = byte_reader_sleb128(reader);
		g_array_append_val(abbrevs->attributes, attribute);
	}
	return false;
}

static int compare_codes(const void *a, const void *b)
{
	const struct abbrev *x = a, *y = b;

	return x->code < y->code ? -1 : x->code > y->code;
}

static struct dwarf_abbrevs *read_abbrevs(const struct dwarf_file *file, uint64_t offset)
{
	struct dwarf_abbrevs *abbrevs = g_new0(struct dwarf_abbrevs, 1);
	struct byte_reader reader = dwarf_reader_at(file, DWARF_ABBREV, offset);
	bool is_sorted = true;

	abbrevs->abbrevs = g_array_new(FALSE, FALSE, sizeof(struct abbrev));
	abbrevs->attributes = g_array_new(FALSE, FALSE, sizeof(struct attribute));
	while (!reader.failed && step(file)) {
		struct abbrev abbrev = {.code = byte_reader_uleb128(&reader),
					.first = abbrevs->attributes->len};

		if (!abbrev.code)
			break;
		abbrev.tag = (uint32_t)byte_reader_uleb128(&reader);
		abbrev.has_children = byte_reader_u8(&reader);
		if (!read_attributes(file, &reader, abbrevs))
			break;
		abbrev.n = abbrevs->attributes->len - abbrev.first;
		is_sorted = is_sorted && abbrev.code == abbrevs->abbrevs->len + 1;
		g_array_append_val(abbrevs->abbrevs, abbrev);
	}
	/* Compilers and linkers count from 1. */
	if (!is_sorted)
		g_array_sort(abbrevs->abbrevs, compare_codes);
	return abbrevs;
}

static const struct dwarf_abbrevs *abbrevs_of(struct dwarf_unit *unit)
{
	const gint64 offset = (gint64)unit->abbrev_offset;

	if (!unit->abbrevs)
		unit->abbrevs = g_hash_table_lookup(unit->file->abbrevs, &offset);
	if (!unit->abbrevs) {
		struct dwarf_abbrevs *abbrevs = read_abbrevs(unit->file, unit->abbrev_offset);

		g_hash_table_insert(unit->file->abbrevs, g_memdup2(&offset, sizeof(offset)),
				    abbrevs);
		unit->abbrevs = abbrevs;
	}
	return unit->abbrevs;
}

static const struct abbrev *find_abbrev(const GArray *abbrevs, uint64_t code)
{
	guint low = 0, high = abbrevs->len;

	if (code <= abbrevs->len && g_array_index(abbrevs, struct abbrev, code - 1).code == code)
		return &g_array_index(abbrevs, struct abbrev, code - 1);
	while (low < high) {
		const guint middle = low + (high - low) / 2;
		const struct abbrev *abbrev = &g_array_index(abbrevs, struct abbrev, middle);

		if (abbrev->code == code)
			return abbrev;
		if (abbrev->code < code)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* --- DIEs --- */

bool dwarf_unit_die(struct dwarf_unit *unit, uint64_t offset, struct dwarf_die *die)
{
	const struct dwarf_abbrevs *abbrevs = abbrevs_of(unit);
	struct byte_reader reader = dwarf_reader_at(unit->file, DWARF_INFO, offset);
	const struct abbrev *abbrev;
	uint64_t code;

	*die = (struct dwarf_die){.tag = 0};
	if (offset < unit->first_die || offset >= unit->end || !step(unit->file))
		return false;
	reader.left = unit->end - offset;
	code = byte_reader_uleb128(&reader);
	abbrev = code ? find_abbrev(abbrevs->abbrevs, code) : NULL;
	if (code && !abbrev)
		return false;
	for (guint i = 0; abbrev && i < abbrev->n; i++) {
		const struct attribute *attribute =
			&g_array_index(abbrevs->attributes, struct attribute, abbrev->first + i);
		struct dwarf_value value;

		if (!step(unit->file) ||
		    !dwarf_read_form(unit, attribute->form, attribute->constant, &reader, &value))
			return false;
		/* The first one counts. */
		if (attribute->attribute < DWARF_N_ATTRIBUTES &&
		    !die->values[attribute->attribute].form)
			die->values[attribute->attribute] = value;
	}
	if (abbrev) {
		die->tag = abbrev->tag;
		die->has_children = abbrev->has_children;
	}
	die->next = unit->end - reader.left;
	return !reader.failed;
}

/* DWARF 5, 7.26 to 7.28: what stands before the first entry of such a section. */
static uint64_t header_size(const struct dwarf_unit *unit, uint64_t more)
{
	return (unit->offset_size == 8 ? 16 : 8) + more;
}

bool dwarf_unit_read(struct dwarf_unit *unit, struct dwarf_die *die)
{
	const struct dwarf_value *values = die->values;
	const bool is_split_5 = unit->file->is_split && unit->version >= 5;

	if (!dwarf_unit_die(unit, unit->first_die, die))
		return false;
	if (!unit->id)
		unit->id = values[DWARF_DWO_ID].number;
	unit->addr_base = values[DWARF_ADDR_BASE].number;
	unit->ranges_base = values[DWARF_RANGES_BASE].number;
	/* Split units have one contribution, which begins behind the header. */
	unit->str_offsets_base = values[DWARF_STR_OFFSETS_BASE].form
					 ? values[DWARF_STR_OFFSETS_BASE].number
				 : is_split_5 ? header_size(unit, 0)
					      : 0;
	unit->rnglists_base = values[DWARF_RNGLISTS_BASE].form ? values[DWARF_RNGLISTS_BASE].number
			      : is_split_5		       ? header_size(unit, 4)
							       : 0;
	if (!values[DWARF_LOW_PC].form ||
	    !dwarf_value_address(unit, &values[DWARF_LOW_PC], &unit->low_pc))
		unit->low_pc = 0;
	return true;
}
