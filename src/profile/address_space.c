/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A segment tree over the addresses (Bentley, 1977) that never changes after it was built.
 * The borders of the mappings cut the addresses into intervals, which are the leaves. A mapping
 * stands in the few nodes that make up its range, so an address is in those mappings that
 * stand on the way from its leaf to the root:
 *
 *                  [ c ]               c covers all four leaves
 *            [   ]       [ a ]         a the right two
 *         [   ] [ b ] [   ] [   ]      b the second
 *
 * Each node has its mappings by time. However many lie over each other, a question is a binary
 * search in each of the nodes on one way, and n mappings take up at most n log n places.
 */
#include "profile/address_space.h"

#include <glib.h>

struct address_space {
	GArray *mappings; /* Owned by this: struct mapping, by age when settled */

	/* When settled; all NULL when there is no mapping. */
	uint64_t *borders; /* Owned by this: each once, ascending; leaf i begins at borders[i] */
	guint n_leaves;	   /* one fewer than borders; node i is the parent of 2i and 2i + 1 */
	size_t *first;	   /* Owned by this: by node, where its part of `by_node` begins */
	guint *by_node;	   /* Owned by this: index of a mapping, ascending within a node */
};

struct address_space *address_space_new(void)
{
	struct address_space *space = g_new0(struct address_space, 1);

	space->mappings = g_array_new(FALSE, FALSE, sizeof(struct mapping));
	return space;
}

static void clear_tree(struct address_space *space)
{
	g_clear_pointer(&space->borders, g_free);
	g_clear_pointer(&space->first, g_free);
	g_clear_pointer(&space->by_node, g_free);
	space->n_leaves = 0;
}

void address_space_free(struct address_space *space)
{
	if (!space)
		return;
	clear_tree(space);
	g_array_unref(space->mappings);
	g_free(space);
}

void address_space_add(struct address_space *space, const struct mapping *mapping)
{
	struct mapping copy = *mapping;

	copy.sequence = space->mappings->len;
	if (copy.start < copy.end)
		g_array_append_val(space->mappings, copy);
}

bool address_space_is_empty(const struct address_space *space)
{
	return !space->mappings->len;
}

static const struct mapping *mapping_at(const struct address_space *space, guint index)
{
	return &g_array_index(space->mappings, struct mapping, index);
}

/* --- Building --- */

/* A mapping hides those that stand before it. */
static int compare_ages(const void *a, const void *b)
{
	const struct mapping *left = a, *right = b;

	if (left->since_ns != right->since_ns)
		return left->since_ns < right->since_ns ? -1 : 1;
	return left->sequence < right->sequence ? -1 : left->sequence > right->sequence;
}

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void find_borders(struct address_space *space)
{
	const guint n = space->mappings->len;
	guint n_borders = 0;

	space->borders = g_new(uint64_t, 2 * (size_t)n);
	for (guint i = 0; i < n; i++) {
		space->borders[2 * i] = mapping_at(space, i)->start;
		space->borders[2 * i + 1] = mapping_at(space, i)->end;
	}
	qsort(space->borders, 2 * (size_t)n, sizeof(uint64_t), compare_addresses);
	for (guint i = 0; i < 2 * n; i++)
		if (!n_borders || space->borders[i] != space->borders[n_borders - 1])
			space->borders[n_borders++] = space->borders[i];
	space->n_leaves = n_borders - 1;
}

/* How many of the leaves begin at `address` or before it. */
static guint count_leaves_until(const struct address_space *space, uint64_t address)
{
	guint first = 0, end = space->n_leaves;

	while (first < end) {
		const guint middle = first + (end - first) / 2;

		if (space->borders[middle] <= address)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

/* Where the next mapping of a node goes to, before the places of the next node. */
static void put(struct address_space *space, guint node, guint index)
{
	if (space->by_node)
		space->by_node[space->first[node]] = index;
	space->first[node]++;
}

/* Visits the nodes that make up the range of a mapping, from the leaves upwards. */
static void put_into_nodes(struct address_space *space, guint index)
{
	const struct mapping *mapping = mapping_at(space, index);
	guint left = space->n_leaves + count_leaves_until(space, mapping->start) - 1;
	guint right = space->n_leaves + count_leaves_until(space, mapping->end - 1);

	for (; left < right; left /= 2, right /= 2) {
		if (left % 2)
			put(space, left++, index);
		if (right % 2)
			put(space, --right, index);
	}
}

/* Counts what each node has, then gives out the places, then fills them. */
static void fill_nodes(struct address_space *space)
{
	const guint n_nodes = 2 * space->n_leaves;
	size_t places = 0;

	space->first = g_new0(size_t, (size_t)n_nodes + 1);
	for (guint i = 0; i < space->mappings->len; i++)
		put_into_nodes(space, i);
	for (guint node = 0; node <= n_nodes; node++) {
		const size_t n = space->first[node];

		space->first[node] = places;
		places += n;
	}
	space->by_node = g_new(guint, places);
	for (guint i = 0; i < space->mappings->len; i++)
		put_into_nodes(space, i);
	/* Now each node says where the next one begins. */
	memmove(space->first + 1, space->first, n_nodes * sizeof(size_t));
	space->first[0] = 0;
}

void address_space_settle(struct address_space *space)
{
	clear_tree(space);
	if (!space->mappings->len)
		return;
	g_array_sort(space->mappings, compare_ages);
	find_borders(space);
	fill_nodes(space);
}

/* --- Asking --- */

struct search {
	uint64_t time_ns;
	const struct mapping *found;
	struct validity *validity;
};

/* The newest mapping that is there at the time hides the older ones, until a newer one comes. */
static void search_node(const struct address_space *space, guint node, struct search *search)
{
	size_t first = space->first[node], end = space->first[node + 1];
	const struct mapping *newest;

	while (first < end) {
		const size_t middle = first + (end - first) / 2;

		if (mapping_at(space, space->by_node[middle])->since_ns <= search->time_ns)
			first = middle + 1;
		else
			end = middle;
	}
	if (first < space->first[node + 1])
		search->validity->until_ns =
			MIN(search->validity->until_ns,
			    mapping_at(space, space->by_node[first])->since_ns);
	if (first == space->first[node])
		return;
	newest = mapping_at(space, space->by_node[first - 1]);
	/* They stand in one array, by age. */
	if (!search->found || newest > search->found)
		search->found = newest;
}

const struct mapping *address_space_find(const struct address_space *space, uint64_t address,
					 uint64_t time_ns, struct validity *validity)
{
	struct search search = {.time_ns = time_ns, .validity = validity};
	const guint leaf = count_leaves_until(space, address);

	if (!leaf || address >= space->borders[space->n_leaves])
		return NULL;
	for (guint node = space->n_leaves + leaf - 1; node; node /= 2)
		search_node(space, node, &search);
	if (search.found)
		validity->from_ns = MAX(validity->from_ns, search.found->since_ns);
	return search.found;
}
