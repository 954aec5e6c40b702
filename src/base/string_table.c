/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A set of the strings in a chunk.
 */
#include "base/string_table.h"

#include "base/hash.h"

#define CHUNK_SIZE 4096 /* bytes */

struct string_table {
	GStringChunk *chunk; /* Owned by this: the strings */
	GHashTable *set;     /* Owned by this: of strings (of the chunk) */
};

struct string_table *string_table_new(void)
{
	struct string_table *table = g_new0(struct string_table, 1);

	table->chunk = g_string_chunk_new(CHUNK_SIZE);
	table->set = g_hash_table_new(hash_string, g_str_equal);
	return table;
}

void string_table_free(struct string_table *table)
{
	if (!table)
		return;
	g_hash_table_unref(table->set);
	g_string_chunk_free(table->chunk);
	g_free(table);
}

const char *string_table_add(struct string_table *table, const char *string)
{
	gpointer copy;

	if (g_hash_table_lookup_extended(table->set, string, &copy, NULL))
		return copy;
	copy = g_string_chunk_insert(table->chunk, string);
	g_hash_table_add(table->set, copy);
	return copy;
}

guint string_table_count(const struct string_table *table)
{
	return g_hash_table_size(table->set);
}
