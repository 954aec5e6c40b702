/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps each string once, so that equal strings are the same pointer. What GStringChunk does, whose
 * own table has a hash that anybody can write down collisions of.
 */
#ifndef COLO_PERF_BASE_STRING_TABLE_H
#define COLO_PERF_BASE_STRING_TABLE_H

#include <glib.h>

struct string_table;

struct string_table *string_table_new(void);
void string_table_free(struct string_table *table);

/* The table's copy of `string`: valid as long as the table. */
const char *string_table_add(struct string_table *table, const char *string);

/* How many strings there are. */
guint string_table_count(const struct string_table *table);

#endif
