/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hash table from 64-bit keys to 32-bit numbers that are given out in turn: 0
 * for the first key that is seen, 1 for the next. It gives small, dense numbers to things, so
 * that what belongs to them stands in an array.
 */
#ifndef COLO_PERF_BASE_ID_TABLE_H
#define COLO_PERF_BASE_ID_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct id_table;

struct id_table *id_table_new(void);
void id_table_free(struct id_table *table);

/* The number of `key`, which is added when it is not there; `is_new` says which. */
uint32_t id_table_get(struct id_table *table, uint64_t key, bool *is_new);

/* The number of `key`; false when it is not there. */
bool id_table_find(const struct id_table *table, uint64_t key, uint32_t *id);

/* How many keys there are. */
uint32_t id_table_count(const struct id_table *table);

/* The key with the number `id`. */
uint64_t id_table_key(const struct id_table *table, uint32_t id);

#endif
