/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Chooses the number of this run.
 */
#include "base/hash.h"

uint64_t hash_of_run;

uint64_t hash_begin(void)
{
	while (!hash_of_run)
		hash_of_run = (uint64_t)g_random_int() << 32 | g_random_int();
	return hash_of_run;
}

guint hash_int64(gconstpointer data)
{
	return (guint)hash_u64(*(const uint64_t *)data);
}
