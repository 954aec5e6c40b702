/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds inlined functions in two steps: the unit by its ranges, then the innermost inlined function
 * by theirs; the outer ones are those that it lies in. The ranges of units are their own, not
 * those of .debug_aranges, which clang does not write.
 */
#include "symbols/inline_index.h"

#include "symbols/dwarf_file.h"
#include "symbols/recorded_file.h"
#include "symbols/split_dwarf.h"

#include <dwarf.h>
#include <stdlib.h>

/*
 * What damaged or hostile DWARF may cost: a few seconds, and some hundred MB. A kernel with all of
 * its modules takes less when all of its units are asked for.
 */
#define MAX_STEPS  (1ULL << 28)
#define MAX_UNITS  (1 << 18)
#define MAX_RANGES (1 << 21) /* of units, and of inlined functions */
#define MAX_DEPTH  64	     /* of functions inlined into each other */
#define MAX_HOPS   16	     /* from a DIE to the one that has its name */

#define NO_FUNCTION UINT32_MAX

/* A range of a unit or of an inlined function. */
struct range {
	uint64_t start, end;
	uint32_t owner; /* index of the unit or of the function */
};

/* One place where a function was inlined. */
struct inlined {
	const char *name; /* NULL until it is asked for, or when it has none */
	uint64_t offset;  /* of its DIE */
	uint32_t outer; /* the function that it was inlined into; NO_FUNCTION: not an inlined one */
	uint16_t depth; /* how many are around it */
	bool looked;	/* `name` is known */
};

/* From `start` to the start of the next one. */
struct interval {
	uint64_t start;
	uint32_t function; /* the innermost; NO_FUNCTION: none */
};

/* What is known of a unit. */
struct unit {
	struct dwarf_unit *in_program; /* Weak */
	bool looked;		       /* what follows is known */
	struct dwarf_unit *whole;      /* Weak: the same, or the split one; NULL: not found */
	GArray *functions;	       /* Owned by this: struct inlined */
	GArray *intervals;	       /* Owned by this: struct interval, by start */
};

struct inline_index {
	char *name; /* Owned by this: the program's, for people */
	struct dwarf_budget budget;
	struct dwarf_file *file;     /* Owned by this; NULL: there is no DWARF */
	struct debug_file *dwz;	     /* Owned by this; NULL when there is none */
	const char *dwz_name;	     /* Weak: of the file that is missing; NULL: none is */
	struct dwarf_file *dwz_file; /* Owned by this */
	struct split_dwarf *split;   /* Owned by this */
	GArray *ranges;		     /* Owned by this: struct range, of units, by start */
	GArray *units;		     /* Owned by this: struct unit */
	uint64_t ranges_left;
	char *problem; /* Owned by this; what was said last */
};

bool inline_source_has_dwarf(const struct inline_source *source)
{
	return dwarf_file_has_info(source->elf);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	/* What lies within others comes behind them. */
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return x->owner < y->owner ? -1 : x->owner > y->owner;
}

/* Where ranges are put while a DIE's are read. */
struct collected {
	struct inline_index *index;
	GArray *ranges;
	uint32_t owner;
};

static void collect(uint64_t start, uint64_t end, void *data)
{
	const struct collected *to = data;
	const struct range range = {.start = start, .end = end, .owner = to->owner};

	if (dwarf_spend(&to->index->budget, &to->index->ranges_left, 1))
		g_array_append_val(to->ranges, range);
}

/* --- Units --- */

static void clear_unit(gpointer data)
{
	struct unit *unit = data;

	g_clear_pointer(&unit->functions, g_array_unref);
	g_clear_pointer(&unit->intervals, g_array_unref);
}

/* The ranges of all units, from their own DIEs. */
static void read_units(struct inline_index *index)
{
	GArray *units = index->file->units;

	dwarf_file_read_units(index->file);
	for (guint i = 0; i < units->len; i++) {
		struct unit unit = {.in_program = &g_array_index(units, struct dwarf_unit, i)};
		struct collected to = {index, index->ranges, index->units->len};
		struct dwarf_die die;

		if (!dwarf_unit_read(unit.in_program, &die) ||
		    (die.tag != DW_TAG_compile_unit && die.tag != DW_TAG_skeleton_unit))
			continue;
		dwarf_unit_ranges(unit.in_program, &die, collect, &to);
		g_array_append_val(index->units, unit);
	}
	g_array_sort(index->ranges, compare_ranges);
}

static struct unit *find_unit(const struct inline_index *index, uint64_t address)
{
	guint low = 0, high = index->ranges->len;
	const struct range *range;

	while (low < high) {
		const guint middle = low + (high - low) / 2;

		if (g_array_index(index->ranges, struct range, middle).start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	range = &g_array_index(index->ranges, struct range, low - 1);
	return address < range->end ? &g_array_index(index->units, struct unit, range->owner)
				    : NULL;
}

struct inline_index *inline_index_new(const struct inline_source *debug,
				      const struct inline_source *program,
				      const struct debug_search *search)
{
	struct inline_index *index = g_new0(struct inline_index, 1);
	const struct split_place places[] = {{program->root, program->path},
					     {debug->root, debug->path}};

	index->name = recorded_file_name(program->root, program->path);
	index->budget = (struct dwarf_budget){.steps = MAX_STEPS, .units = MAX_UNITS};
	index->ranges_left = MAX_RANGES;
	index->ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
	index->units = g_array_new(FALSE, FALSE, sizeof(struct unit));
	g_array_set_clear_func(index->units, clear_unit);
	if (!inline_source_has_dwarf(debug))
		return index;
	index->file = dwarf_file_new(debug->elf, false, &index->budget);
	index->dwz = debug_file_find_dwz(search, debug->elf, debug->root, debug->path);
	if (index->dwz) {
		index->dwz_file = dwarf_file_new(index->dwz->elf, false, &index->budget);
		dwarf_file_read_units(index->dwz_file);
		index->file->dwz = index->dwz_file;
	} else {
		index->dwz_name = debug_file_dwz_name(debug->elf);
	}
	index->split = split_dwarf_new(search->symfs, &places[0], &places[1], &index->budget);
	read_units(index);
	return index;
}

void inline_index_free(struct inline_index *index)
{
	if (!index)
		return;
	g_array_unref(index->units);
	g_array_unref(index->ranges);
	split_dwarf_free(index->split);
	dwarf_file_free(index->file);
	dwarf_file_free(index->dwz_file);
	debug_file_free(index->dwz);
	g_free(index->problem);
	g_free(index->name);
	g_free(index);
}

/* --- The functions of a unit --- */

/* Whether there may be code with inlined functions among the children. */
static bool may_hold_code(const struct dwarf_die *die)
{
	switch (die->tag) {
	case DW_TAG_subprogram:
		/* Without addresses it is a declaration, or what is inlined elsewhere. */
		return die->values[DWARF_LOW_PC].form || die->values[DWARF_AT_RANGES].form;
	case DW_TAG_compile_unit:
	case DW_TAG_partial_unit:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_inlined_subroutine:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return true;
	default:
		return false;
	}
}

/* Adds an inlined function with its ranges; returns its index, or `outer` when it is not kept. */
static uint32_t add_function(struct inline_index *index, struct unit *unit, GArray *ranges,
			     const struct dwarf_die *die, uint64_t offset, uint32_t outer)
{
	struct inlined function = {.offset = offset, .outer = outer};
	struct collected to = {index, ranges, unit->functions->len};

	if (outer != NO_FUNCTION)
		function.depth = g_array_index(unit->functions, struct inlined, outer).depth + 1;
	if (function.depth >= MAX_DEPTH)
		return outer;
	dwarf_unit_ranges(unit->whole, die, collect, &to);
	g_array_append_val(unit->functions, function);
	return to.owner;
}

/* All DIEs of the unit, one behind the other; `around` are the functions that the next is in. */
static void read_functions(struct inline_index *index, struct unit *unit, GArray *ranges)
{
	g_autoptr(GArray) around = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	uint32_t inside = NO_FUNCTION;
	uint64_t offset = unit->whole->first_die;
	struct dwarf_die die;

	while (dwarf_unit_die(unit->whole, offset, &die)) {
		const struct dwarf_value *sibling = &die.values[DWARF_SIBLING];
		struct dwarf_unit *to;
		uint64_t next = die.next, behind;
		uint32_t function = inside;

		if (!die.tag) {
			if (!around->len)
				return;
			inside = g_array_index(around, uint32_t, around->len - 1);
			g_array_set_size(around, around->len - 1);
		} else if (die.tag == DW_TAG_inlined_subroutine) {
			function = add_function(index, unit, ranges, &die, offset, inside);
		} else if (die.tag == DW_TAG_subprogram) {
			function = NO_FUNCTION;
		}
		if (die.tag && die.has_children) {
			if (!may_hold_code(&die) && sibling->form &&
			    dwarf_unit_reference(unit->whole, sibling, &to, &behind) &&
			    to == unit->whole && behind > offset) {
				next = behind;
			} else {
				g_array_append_val(around, inside);
				inside = function;
			}
		}
		offset = next;
	}
}

static void begin_interval(GArray *intervals, uint64_t start, uint32_t function)
{
	const struct interval interval = {.start = start, .function = function};
	struct interval *last =
		intervals->len ? &g_array_index(intervals, struct interval, intervals->len - 1)
			       : NULL;

	if (last && last->start == start)
		last->function = function;
	else
		g_array_append_val(intervals, interval);
}

static const struct range *top_of(const GArray *open)
{
	return open->len ? &g_array_index(open, struct range, open->len - 1) : NULL;
}

/* Where the range on top ends, the one below it is seen again. */
static void close_until(GArray *open, uint64_t address, GArray *intervals)
{
	while (open->len && top_of(open)->end <= address) {
		const uint64_t end = top_of(open)->end;

		g_array_set_size(open, open->len - 1);
		begin_interval(intervals, end, open->len ? top_of(open)->owner : NO_FUNCTION);
	}
}

/*
 * Which function is the innermost where. The ranges of one that was inlined into another lie
 * within the other's, so it is the one that begins last and, of those that begin together, ends
 * first.
 */
static void find_intervals(GArray *ranges, GArray *intervals)
{
	g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(struct range));

	g_array_sort(ranges, compare_ranges);
	for (guint i = 0; i < ranges->len; i++) {
		const struct range *range = &g_array_index(ranges, struct range, i);

		close_until(open, range->start, intervals);
		/* Damaged: the outer one ends before what lies in it. */
		while (open->len && top_of(open)->end < range->end)
			g_array_set_size(open, open->len - 1);
		g_array_append_val(open, *range);
		begin_interval(intervals, range->start, range->owner);
	}
	close_until(open, UINT64_MAX, intervals);
}

/* Finds the unit itself, and what was inlined in it. */
static void look(struct inline_index *index, struct unit *unit)
{
	g_autoptr(GArray) ranges = NULL;
	struct dwarf_die die;

	if (unit->looked)
		return;
	unit->looked = true;
	unit->functions = g_array_new(FALSE, FALSE, sizeof(struct inlined));
	unit->intervals = g_array_new(FALSE, FALSE, sizeof(struct interval));
	unit->whole = unit->in_program;
	if (!dwarf_unit_die(unit->in_program, unit->in_program->first_die, &die))
		return;
	if (split_dwarf_is_skeleton(unit->in_program, &die))
		unit->whole = split_dwarf_find(index->split, unit->in_program, &die);
	if (!unit->whole)
		return;
	ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
	read_functions(index, unit, ranges);
	find_intervals(ranges, unit->intervals);
}

/* --- Names --- */

/*
 * Of a DIE or of the one that it is an instance of. C++ has the whole name only as its linker sees
 * it.
 */
static const char *read_name(struct dwarf_unit *unit, uint64_t offset)
{
	const char *name = NULL, *linkage_name = NULL;

	for (guint hop = 0; hop < MAX_HOPS && !linkage_name; hop++) {
		struct dwarf_die die;

		if (!dwarf_unit_die(unit, offset, &die))
			break;
		linkage_name = dwarf_unit_string(unit, &die.values[DWARF_LINKAGE_NAME]);
		if (!name)
			name = dwarf_unit_string(unit, &die.values[DWARF_NAME]);
		if (!dwarf_unit_reference(unit, &die.values[DWARF_ORIGIN], &unit, &offset))
			break;
		/* A unit that nobody asked for yet. */
		if (!unit->abbrevs && !dwarf_unit_read(unit, &die))
			break;
	}
	return linkage_name && *linkage_name ? linkage_name : name && *name ? name : NULL;
}

static const char *name_of(struct unit *unit, struct inlined *function)
{
	if (!function->looked)
		function->name = read_name(unit->whole, function->offset);
	function->looked = true;
	return function->name;
}

/* The innermost function at `address`. */
static uint32_t innermost(const struct unit *unit, uint64_t address)
{
	guint low = 0, high = unit->intervals->len;
	uint32_t function = NO_FUNCTION;

	while (low < high) {
		const guint middle = low + (high - low) / 2;
		const struct interval *interval =
			&g_array_index(unit->intervals, struct interval, middle);

		if (interval->start <= address) {
			low = middle + 1;
			function = interval->function;
		} else {
			high = middle;
		}
	}
	return function;
}

guint inline_index_find(struct inline_index *index, uint64_t address, const char **names, guint max)
{
	struct unit *unit = find_unit(index, address);
	uint32_t chain[MAX_DEPTH];
	guint depth = 0, n = 0;

	if (!unit || index->budget.is_spent)
		return 0;
	look(index, unit);
	for (uint32_t i = innermost(unit, address); i != NO_FUNCTION && depth < MAX_DEPTH;
	     i = g_array_index(unit->functions, struct inlined, i).outer)
		chain[depth++] = i;
	while (depth > 0 && n < max) {
		const char *name = name_of(
			unit, &g_array_index(unit->functions, struct inlined, chain[--depth]));

		/* With a name missing, the next would seem to be inlined elsewhere. */
		if (!name)
			break;
		names[n++] = name;
	}
	return n;
}

const char *inline_index_problem(struct inline_index *index)
{
	const char *first = NULL;
	const guint n_missing = index->split ? split_dwarf_missing(index->split, &first) : 0;

	g_clear_pointer(&index->problem, g_free);
	if (!index->file)
		index->problem = g_strdup_printf(
			"%s has no debug information (DWARF), and no debug file for it is here; "
			"install the package with its debug symbols, or build it with -g",
			index->name);
	else if (index->budget.is_spent)
		index->problem = g_strdup_printf(
			"the debug information (DWARF) of %s takes more than that of any program, "
			"so it was not read to its end; is it damaged?",
			index->name);
	else if (index->dwz_name)
		index->problem = g_strdup_printf(
			"a part of the debug information of %s was moved by dwz to %s, which is "
			"not here, or another one; install the package with its debug symbols anew",
			index->name, index->dwz_name);
	else if (n_missing)
		index->problem = g_strdup_printf(
			"the debug information of %s is split (-gsplit-dwarf), and %u of the files "
			"that it is in could not be used, such as %s; keep the .dwo files, or put "
			"%s.dwp beside it, which dwp -e makes of them",
			index->name, n_missing, first, index->name);
	return index->problem;
}
