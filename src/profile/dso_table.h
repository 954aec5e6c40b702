/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The files that code was mapped from, each once, with the build-ids that the
 * recording has for them.
 */
#ifndef COLO_PERF_PROFILE_DSO_TABLE_H
#define COLO_PERF_PROFILE_DSO_TABLE_H

#include "symbols/dso.h"

struct dso_table;

/* `options` is copied, its strings must live as long as the table. */
struct dso_table *dso_table_new(const struct dso_options *options);
void dso_table_free(struct dso_table *table);

/*
 * Says which build-id the file at `path` had when the recording ended. Of
 * several files that were mapped from that path one after the other (another inode each)
 * only the one added last has it.
 */
void dso_table_add_build_id(struct dso_table *table, const char *path, const uint8_t *build_id,
			    size_t build_id_size);

/* The number of the file, which is added when it is not there. `identity` is copied. */
uint32_t dso_table_add(struct dso_table *table, const struct dso_identity *identity);

guint dso_table_count(const struct dso_table *table);

/* To be called when all files were added. Owned by the table. */
struct dso *dso_table_get(const struct dso_table *table, uint32_t index);

/* The same for one that was got before; NULL when it was not. */
struct dso *dso_table_peek(const struct dso_table *table, uint32_t index);

#endif
