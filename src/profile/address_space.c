/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An interval tree that never changes after it was built: the mappings sorted by
 * their start; the middle one of a range is the root of what lies left and right
 * of it, and knows the highest end among them.
 */
#include "profile/address_space.h"

#include <glib.h>

struct address_space {
	GArray *mappings;  /* Owned by this: struct mapping, by start when settled */
	uint64_t *highest; /* Owned by this: highest end of the tree below each mapping */
};

struct address_space *address_space_new(void)
{
	struct address_space *space = g_new0(struct address_space, 1);

	space->mappings = g_array_new(FALSE, FALSE, sizeof(struct mapping));
	return space;
}

void address_space_free(struct address_space *space)
{
	if (!space)
		return;
	g_array_unref(space->mappings);
	g_free(space->highest);
	g_free(space);
}

void address_space_add(struct address_space *space, const struct mapping *mapping)
{
	struct mapping copy = *mapping;

	copy.sequence = space->mappings->len;
	if (copy.start < copy.end)
		g_array_append_val(space->mappings, copy);
}

static const struct mapping *mapping_at(const struct address_space *space, guint index)
{
	return &g_array_index(space->mappings, struct mapping, index);
}

static int compare_starts(const void *a, const void *b)
{
	const struct mapping *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static uint64_t fill_highest(struct address_space *space, guint first, guint end)
{
	const guint middle = first + (end - first) / 2;
	uint64_t highest, side;

	if (first == end)
		return 0;
	highest = mapping_at(space, middle)->end;
	side = fill_highest(space, first, middle);
	highest = MAX(highest, side);
	side = fill_highest(space, middle + 1, end);
	highest = MAX(highest, side);
	space->highest[middle] = highest;
	return highest;
}

void address_space_settle(struct address_space *space)
{
	g_array_sort(space->mappings, compare_starts);
	g_free(space->highest);
	space->highest = g_new(uint64_t, space->mappings->len);
	fill_highest(space, 0, space->mappings->len);
}

struct search {
	const struct address_space *space;
	uint64_t address, time_ns;
	const struct mapping *found;
	struct validity *validity;
};

static bool is_newer(const struct mapping *mapping, const struct mapping *than)
{
	if (mapping->since_ns != than->since_ns)
		return mapping->since_ns > than->since_ns;
	return mapping->sequence > than->sequence;
}

/* The newest mapping that is there at the time hides the older ones, until a newer one comes. */
static void consider(struct search *search, const struct mapping *mapping)
{
	if (mapping->since_ns > search->time_ns) {
		search->validity->until_ns = MIN(search->validity->until_ns, mapping->since_ns);
		return;
	}
	search->validity->from_ns = MAX(search->validity->from_ns, mapping->since_ns);
	if (!search->found || is_newer(mapping, search->found))
		search->found = mapping;
}

static void search_range(struct search *search, guint first, guint end)
{
	while (first < end) {
		const guint middle = first + (end - first) / 2;
		const struct mapping *mapping = mapping_at(search->space, middle);

		if (search->space->highest[middle] <= search->address)
			return;
		search_range(search, first, middle);
		if (mapping->start > search->address)
			return;
		if (mapping->end > search->address)
			consider(search, mapping);
		first = middle + 1;
	}
}

const struct mapping *address_space_find(const struct address_space *space, uint64_t address,
					 uint64_t time_ns, struct validity *validity)
{
	struct search search = {
		.space = space, .address = address, .time_ns = time_ns, .validity = validity};

	search_range(&search, 0, space->mappings->len);
	return search.found;
}
