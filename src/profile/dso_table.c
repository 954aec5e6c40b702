/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A file is told from another by all that the recording says of it.
 */
#include "profile/dso_table.h"

#include "base/hash.h"
#include "base/string_table.h"
#include "symbols/build_id.h"

#include <inttypes.h>

/* Strings are owned by the table's chunk. */
struct entry {
	struct dso_identity identity;
	uint8_t build_id[DSO_BUILD_ID_MAX]; /* what identity.build_id points to */
	struct dso *dso;		    /* Owned by this; NULL until it is asked for */
};

struct dso_table {
	struct dso_options options;   /* strings: weak */
	struct dso_finder *finder;    /* Owned by this */
	struct string_table *strings; /* Owned by this */
	GPtrArray *entries;	      /* Owned by this: struct entry (owned) */
	GHashTable *by_key;	      /* Owned by this: char * (owned) to number of entry */
	GHashTable *build_ids;	      /* Owned by this: path (owned) to struct build_id (owned) */
	GHashTable *last_of_path;     /* Owned by this: path (of strings) to number of entry */
	GArray *kernels; /* Owned by this: uint32_t, numbers of the kernels not yet made */
};

static void entry_free(gpointer data)
{
	struct entry *entry = data;

	dso_free(entry->dso);
	g_free(entry);
}

struct dso_table *dso_table_new(const struct dso_options *options)
{
	struct dso_table *table = g_new0(struct dso_table, 1);

	table->options = *options;
	table->finder = dso_finder_new(&table->options);
	table->strings = string_table_new();
	table->entries = g_ptr_array_new_with_free_func(entry_free);
	table->by_key = g_hash_table_new_full(hash_string, g_str_equal, g_free, NULL);
	table->build_ids = g_hash_table_new_full(hash_string, g_str_equal, g_free, g_free);
	table->last_of_path = g_hash_table_new(hash_string, g_str_equal);
	table->kernels = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	return table;
}

void dso_table_free(struct dso_table *table)
{
	if (!table)
		return;
	g_ptr_array_unref(table->entries);
	dso_finder_free(table->finder);
	g_hash_table_unref(table->by_key);
	g_hash_table_unref(table->build_ids);
	g_hash_table_unref(table->last_of_path);
	g_array_unref(table->kernels);
	string_table_free(table->strings);
	g_free(table);
}

void dso_table_add_build_id(struct dso_table *table, const char *path, const uint8_t *build_id,
			    size_t build_id_size)
{
	const struct build_id id = build_id_of(build_id, build_id_size);

	g_hash_table_replace(table->build_ids, g_strdup(path), g_memdup2(&id, sizeof(id)));
}

/* All that two records must have in common to mean the same file. */
static char *key_of(const struct dso_identity *identity)
{
	GString *key = g_string_new(NULL);

	g_string_printf(key, "%d.%d %" PRIu32 ":%" PRIu32 " %" PRIu64 " ", identity->kind,
			identity->in_64_bit, identity->major, identity->minor, identity->inode);
	for (size_t i = 0; i < identity->build_id_size; i++)
		g_string_append_printf(key, "%02x", identity->build_id[i]);
	g_string_append_printf(key, " %s", identity->path);
	return g_string_free(key, FALSE);
}

static struct entry *entry_new(struct dso_table *table, const struct dso_identity *identity)
{
	struct entry *entry = g_new0(struct entry, 1);

	entry->identity = *identity;
	entry->identity.path = string_table_add(table->strings, identity->path);
	if (identity->reference_symbol)
		entry->identity.reference_symbol =
			string_table_add(table->strings, identity->reference_symbol);
	if (identity->build_id) {
		entry->identity.build_id_size = MIN(identity->build_id_size, DSO_BUILD_ID_MAX);
		memcpy(entry->build_id, identity->build_id, entry->identity.build_id_size);
		entry->identity.build_id = entry->build_id;
	}
	return entry;
}

/* Returns its number; takes over the key. */
static uint32_t add_entry(struct dso_table *table, const struct dso_identity *identity, char *key)
{
	const uint32_t index = table->entries->len;

	g_ptr_array_add(table->entries, entry_new(table, identity));
	g_hash_table_insert(table->by_key, key, GUINT_TO_POINTER(index));
	if (identity->kind == DSO_KERNEL)
		g_array_append_val(table->kernels, index);
	return index;
}

uint32_t dso_table_add(struct dso_table *table, const struct dso_identity *identity)
{
	g_autofree char *key = key_of(identity);
	struct entry *entry;
	gpointer index;

	if (!g_hash_table_lookup_extended(table->by_key, key, NULL, &index))
		index = GUINT_TO_POINTER(add_entry(table, identity, g_steal_pointer(&key)));
	entry = table->entries->pdata[GPOINTER_TO_UINT(index)];
	g_hash_table_insert(table->last_of_path, (gpointer)entry->identity.path, index);
	return GPOINTER_TO_UINT(index);
}

guint dso_table_count(const struct dso_table *table)
{
	return table->entries->len;
}

/* The build-id from the recording's table, where the mapping itself had none. */
static void find_build_id(const struct dso_table *table, uint32_t index, struct entry *entry)
{
	const struct build_id *build_id =
		g_hash_table_lookup(table->build_ids, entry->identity.path);

	if (entry->identity.build_id || !build_id || !build_id->size ||
	    g_hash_table_lookup(table->last_of_path, entry->identity.path) !=
		    GUINT_TO_POINTER(index))
		return;
	memcpy(entry->build_id, build_id->bytes, build_id->size);
	entry->identity.build_id = entry->build_id;
	entry->identity.build_id_size = build_id->size;
}

static struct dso *make(const struct dso_table *table, uint32_t index)
{
	struct entry *entry = table->entries->pdata[index];

	if (!entry->dso) {
		find_build_id(table, index, entry);
		entry->dso = dso_new(&entry->identity, table->finder);
	}
	return entry->dso;
}

/* What a module or a vDSO is depends on the kernel, which has to be there first. */
static void make_kernels(const struct dso_table *table)
{
	for (guint i = 0; i < table->kernels->len; i++)
		make(table, g_array_index(table->kernels, uint32_t, i));
	g_array_set_size(table->kernels, 0);
}

struct dso *dso_table_get(const struct dso_table *table, uint32_t index)
{
	const struct entry *entry = table->entries->pdata[index];

	if (!entry->dso &&
	    (entry->identity.kind == DSO_KERNEL_MODULE || entry->identity.kind == DSO_VDSO))
		make_kernels(table);
	return make(table, index);
}

struct dso *dso_table_peek(const struct dso_table *table, uint32_t index)
{
	const struct entry *entry = table->entries->pdata[index];

	return entry->dso;
}
