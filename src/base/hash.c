/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The last steps of MurmurHash3 (Appleby), which mix well, with a number of this run.
 */
#include "base/hash.h"

static uint64_t number_of_this_run(void)
{
	static uint64_t number;

	while (!number)
		number = (uint64_t)g_random_int() << 32 | g_random_int();
	return number;
}

uint64_t hash_u64(uint64_t value)
{
	value ^= number_of_this_run();
	value = (value ^ value >> 33) * UINT64_C(0xff51afd7ed558ccd);
	value = (value ^ value >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return value ^ value >> 33;
}

guint hash_int64(gconstpointer data)
{
	return (guint)hash_u64(*(const uint64_t *)data);
}
