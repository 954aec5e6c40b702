/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads DWARF 2 to 5 as far as names and ranges of addresses of functions need it: units, their
 * DIEs one after the other, strings, addresses, ranges. libdw opens the files that a unit names by
 * itself, and may take any time for a file that was made for that; here each step is counted.
 * The formats: DWARF 5, chapters 2 and 7; before it, GCC's "Fission" of DWARF 4 for split units.
 */
#ifndef COLO_PERF_SYMBOLS_DWARF_FILE_H
#define COLO_PERF_SYMBOLS_DWARF_FILE_H

#include <gelf.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum dwarf_section {
	DWARF_INFO,
	DWARF_ABBREV,
	DWARF_STR,
	DWARF_LINE_STR,
	DWARF_STR_OFFSETS,
	DWARF_ADDR,
	DWARF_RANGES,
	DWARF_RNGLISTS,
	DWARF_N_SECTIONS,
};

struct dwarf_bytes {
	const uint8_t *tainted; /* Weak: the Elf's */
	size_t size;
};

/* What of a DIE is kept; the others are skipped. */
enum dwarf_attribute {
	DWARF_NAME,
	DWARF_LINKAGE_NAME,
	DWARF_LOW_PC,
	DWARF_HIGH_PC,
	DWARF_AT_RANGES,
	DWARF_ORIGIN, /* DW_AT_abstract_origin or DW_AT_specification */
	DWARF_SIBLING,
	DWARF_DWO_NAME,
	DWARF_DWO_ID,
	DWARF_COMP_DIR,
	DWARF_ADDR_BASE,
	DWARF_STR_OFFSETS_BASE,
	DWARF_RNGLISTS_BASE,
	DWARF_RANGES_BASE,
	DWARF_N_ATTRIBUTES,
};

struct dwarf_value {
	uint16_t form;	 /* 0: the DIE has no such attribute */
	uint64_t number; /* as it stands there; of DW_FORM_string its offset in DWARF_INFO */
};

struct dwarf_die {
	uint64_t next; /* offset of the DIE behind it: its first child, or what follows */
	uint32_t tag;  /* 0: the end of the children of a DIE */
	bool has_children;
	struct dwarf_value values[DWARF_N_ATTRIBUTES];
};

struct dwarf_file;
struct dwarf_abbrevs;

struct dwarf_unit {
	struct dwarf_file *file; /* Weak */
	/* Weak; of a split unit: the one in the program, which has its addresses. Or NULL. */
	const struct dwarf_unit *skeleton;
	uint64_t offset, first_die, end; /* in DWARF_INFO */
	uint64_t abbrev_offset;
	const struct dwarf_abbrevs *abbrevs; /* Owned by the file; NULL until needed */
	uint64_t id; /* that a skeleton and its split unit have in common; 0: none */
	uint16_t version;
	uint8_t type, address_size, offset_size;
	/* What its own DIE says; see dwarf_unit_read(). */
	uint64_t low_pc, addr_base, str_offsets_base, rnglists_base, ranges_base;
};

/* What may still be done for a program and all files that its DWARF is in. */
struct dwarf_budget {
	uint64_t steps; /* attributes, abbreviations, ranges, ... that are read */
	uint64_t units;
	bool is_spent; /* something was left out */
};

/* False, and `is_spent`, when there is no more. */
bool dwarf_spend(struct dwarf_budget *budget, uint64_t *what, uint64_t n);

struct dwarf_file {
	struct dwarf_bytes sections[DWARF_N_SECTIONS];
	bool swap;
	bool is_split;		     /* a .dwo, or a unit of a .dwp */
	struct dwarf_budget *budget; /* Weak */
	struct dwarf_file *dwz;	     /* Weak: what dwz moved to a file that others share; or NULL */
	GArray *units;		     /* Owned by this: struct dwarf_unit, by offset */
	GHashTable *abbrevs; /* Owned by this: offset (owned) to struct dwarf_abbrevs (owned) */
};

bool dwarf_file_has_info(Elf *elf);

/* With the sections of `elf`, or if `is_split` those of split DWARF, and without units. */
struct dwarf_file *dwarf_file_new(Elf *elf, bool is_split, struct dwarf_budget *budget);
/* Another one with the same sections. */
struct dwarf_file *dwarf_file_copy(const struct dwarf_file *file);
void dwarf_file_free(struct dwarf_file *file);

/* Finds the units; to be called once. */
void dwarf_file_read_units(struct dwarf_file *file);

/* The unit with the DIE at `offset`; NULL when there is none. Owned by the file. */
struct dwarf_unit *dwarf_file_unit_at(struct dwarf_file *file, uint64_t offset);

/* Reads the unit's own DIE, and from it what the unit's other DIEs need. False when damaged. */
bool dwarf_unit_read(struct dwarf_unit *unit, struct dwarf_die *die);

/* The DIE at `offset`, which is in the unit. False when it is damaged or the budget is spent. */
bool dwarf_unit_die(struct dwarf_unit *unit, uint64_t offset, struct dwarf_die *die);

/* The text of an attribute; NULL when it has none. Owned by the Elf. */
const char *dwarf_unit_string(const struct dwarf_unit *unit, const struct dwarf_value *value);

/*
 * The DIE that an attribute refers to: its unit and its offset. False when it is in no file that is
 * known.
 */
bool dwarf_unit_reference(struct dwarf_unit *unit, const struct dwarf_value *value,
			  struct dwarf_unit **to, uint64_t *offset);

/* Called for each range, start < end. */
typedef void (*dwarf_range)(uint64_t start, uint64_t end, void *data);

/* The addresses of the code of a DIE. */
void dwarf_unit_ranges(const struct dwarf_unit *unit, const struct dwarf_die *die,
		       dwarf_range function, void *data);

#endif
