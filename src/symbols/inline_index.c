/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds inlined functions in three steps: the compilation unit by its ranges,
 * the function in it by its ranges (both sorted once), then down the DIEs of that
 * function. The ranges are the units' own, not those of .debug_aranges, which clang does
 * not write.
 */
#include "symbols/inline_index.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>

/* What damaged or hostile DWARF may cost; the largest programs have some 100,000 ranges. */
#define MAX_RANGES (1 << 22)
#define MAX_DEPTH  64 /* of namespaces in a unit, of blocks in a function */

/* A range of a unit or of a function. */
struct range {
	Dwarf_Addr start, end;
	Dwarf_Die die;
	guint unit; /* of a unit's range: its index */
};

struct inline_index {
	Dwarf *dwarf;	      /* Weak; NULL when there is none */
	Dwarf_Addr bias;      /* libdwfl's addresses less those of the DWARF */
	GArray *ranges;	      /* struct range, of all units, sorted */
	GPtrArray *functions; /* of each unit a GArray of struct range, or NULL; owned by this */
	guint n_ranges;	      /* of units and functions together */
};

static void free_ranges(gpointer ranges)
{
	if (ranges)
		g_array_free(ranges, TRUE);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void add_ranges(struct inline_index *index, GArray *ranges, const Dwarf_Die *die, guint unit)
{
	struct range range = {.die = *die, .unit = unit};
	Dwarf_Addr base;
	ptrdiff_t at = 0;

	while (index->n_ranges < MAX_RANGES &&
	       (at = dwarf_ranges(&range.die, at, &base, &range.start, &range.end)) > 0) {
		if (range.start >= range.end)
			continue;
		g_array_append_val(ranges, range);
		index->n_ranges++;
	}
}

static const struct range *find_range(const GArray *ranges, Dwarf_Addr address)
{
	guint low = 0, high = ranges->len;
	const struct range *range;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (g_array_index(ranges, struct range, middle).start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	range = &g_array_index(ranges, struct range, low - 1);
	return address < range->end ? range : NULL;
}

static void read_units(struct inline_index *index)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;

	/* No sub-DIE is asked for: it would open files that the DWARF names. */
	while (index->n_ranges < MAX_RANGES &&
	       !dwarf_get_units(index->dwarf, cu, &cu, NULL, NULL, &die, NULL)) {
		if (dwarf_tag(&die) != DW_TAG_compile_unit)
			continue;
		add_ranges(index, index->ranges, &die, index->functions->len);
		g_ptr_array_add(index->functions, NULL);
	}
	g_array_sort(index->ranges, compare_ranges);
}

struct inline_index *inline_index_new(Dwfl_Module *module)
{
	struct inline_index *index = g_new0(struct inline_index, 1);

	index->ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
	index->functions = g_ptr_array_new_with_free_func(free_ranges);
	index->dwarf = dwfl_module_getdwarf(module, &index->bias);
	if (index->dwarf)
		read_units(index);
	return index;
}

void inline_index_free(struct inline_index *index)
{
	if (!index)
		return;
	g_array_free(index->ranges, TRUE);
	g_ptr_array_free(index->functions, TRUE);
	g_free(index);
}

/* Functions are children of the unit, in C++ also of its namespaces. */
static void add_functions(struct inline_index *index, GArray *functions, Dwarf_Die *parent,
			  guint depth)
{
	Dwarf_Die child;

	if (depth == MAX_DEPTH || dwarf_child(parent, &child))
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_subprogram:
			add_ranges(index, functions, &child, 0);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
			add_functions(index, functions, &child, depth + 1);
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(&child, &child));
}

static const GArray *functions_of_unit(struct inline_index *index, const struct range *unit)
{
	GArray *functions = g_ptr_array_index(index->functions, unit->unit);

	if (!functions) {
		Dwarf_Die die = unit->die;

		functions = g_array_new(FALSE, FALSE, sizeof(struct range));
		add_functions(index, functions, &die, 0);
		g_array_sort(functions, compare_ranges);
		g_ptr_array_index(index->functions, unit->unit) = functions;
	}
	return functions;
}

/* C++ has the whole name only as its linker sees it. */
static const char *name_of(Dwarf_Die *die)
{
	static const unsigned int attributes[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name,
						  DW_AT_name};

	for (guint i = 0; i < G_N_ELEMENTS(attributes); i++) {
		Dwarf_Attribute attribute;
		const char *name =
			dwarf_formstring(dwarf_attr_integrate(die, attributes[i], &attribute));

		if (name && *name)
			return name;
	}
	return NULL;
}

/* The child of `parent` that is a block or an inlined function at `address`. */
static bool find_child(Dwarf_Die *parent, Dwarf_Addr address, Dwarf_Die *child)
{
	if (dwarf_child(parent, child))
		return false;
	do {
		switch (dwarf_tag(child)) {
		case DW_TAG_inlined_subroutine:
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			if (dwarf_haspc(child, address) == 1)
				return true;
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(child, child));
	return false;
}

guint inline_index_find(struct inline_index *index, Dwarf_Addr address, const char **names,
			guint max)
{
	const Dwarf_Addr pc = address - index->bias;
	const struct range *unit = find_range(index->ranges, pc);
	const struct range *function = unit ? find_range(functions_of_unit(index, unit), pc) : NULL;
	Dwarf_Die die, child;
	guint n = 0;

	if (!function)
		return 0;
	die = function->die;
	for (guint depth = 0; depth < MAX_DEPTH && n < max; depth++) {
		if (!find_child(&die, pc, &child))
			break;
		if (dwarf_tag(&child) == DW_TAG_inlined_subroutine) {
			const char *name = name_of(&child);

			/* With a name missing, the next would seem to be inlined elsewhere. */
			if (!name)
				break;
			names[n++] = name;
		}
		die = child;
	}
	return n;
}
