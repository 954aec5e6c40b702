/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Open addressing with linear probing, at most half full.
 */
#include "base/id_table.h"

#include "base/hash.h"

#include <glib.h>

#define FIRST_SLOTS 1024 /* a power of two, as all sizes */

struct id_table {
	uint32_t *slots; /* Owned by this: number + 1 of a key, 0: free */
	uint64_t *keys;	 /* Owned by this: by number; room for half of the slots */
	uint32_t n_slots, n_keys;
};

static void alloc(struct id_table *table, uint32_t n_slots)
{
	table->n_slots = n_slots;
	table->slots = g_new0(uint32_t, n_slots);
	table->keys = g_renew(uint64_t, table->keys, n_slots / 2);
}

struct id_table *id_table_new(void)
{
	struct id_table *table = g_new0(struct id_table, 1);

	alloc(table, FIRST_SLOTS);
	return table;
}

void id_table_free(struct id_table *table)
{
	if (!table)
		return;
	g_free(table->slots);
	g_free(table->keys);
	g_free(table);
}

static uint32_t first_slot(const struct id_table *table, uint64_t key)
{
	return (uint32_t)hash_u64(key) & (table->n_slots - 1);
}

/* The slot of `key`, or the free one where it belongs. */
static uint32_t find_slot(const struct id_table *table, uint64_t key)
{
	uint32_t slot = first_slot(table, key);

	while (table->slots[slot] && table->keys[table->slots[slot] - 1] != key)
		slot = (slot + 1) & (table->n_slots - 1);
	return slot;
}

static void grow(struct id_table *table)
{
	g_free(table->slots);
	alloc(table, 2 * table->n_slots);
	for (uint32_t id = 0; id < table->n_keys; id++)
		table->slots[find_slot(table, table->keys[id])] = id + 1;
}

uint32_t id_table_get(struct id_table *table, uint64_t key, bool *is_new)
{
	uint32_t slot = find_slot(table, key);

	*is_new = !table->slots[slot];
	if (!*is_new)
		return table->slots[slot] - 1;
	if (table->n_keys == table->n_slots / 2) {
		grow(table);
		slot = find_slot(table, key);
	}
	table->keys[table->n_keys] = key;
	table->slots[slot] = ++table->n_keys;
	return table->n_keys - 1;
}

bool id_table_find(const struct id_table *table, uint64_t key, uint32_t *id)
{
	const uint32_t slot = find_slot(table, key);

	if (!table->slots[slot])
		return false;
	*id = table->slots[slot] - 1;
	return true;
}

uint32_t id_table_count(const struct id_table *table)
{
	return table->n_keys;
}

uint64_t id_table_key(const struct id_table *table, uint32_t id)
{
	g_assert(id < table->n_keys);
	return table->keys[id];
}
