/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hashes of what comes from outside: numbers, strings, and pointers into what was read. They are
 * seeded per process, so hostile input cannot force collisions in a table. No other hash is used in
 * src/, which tests/one-hash checks.
 */
#ifndef COLO_PERF_BASE_HASH_H
#define COLO_PERF_BASE_HASH_H

#include "base/siphash.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef unsigned __int128 hash_u128;

/* The secrets of this run. */
struct hash_keys {
	bool chosen;
	hash_u128 first, second, sum; /* for numbers */
	struct siphash_key strings;
};

/* Not chosen until a hash is first needed, which is what hash_choose_keys() is for. */
extern struct hash_keys hash_keys_of_run;
void hash_choose_keys(void);

static inline const struct hash_keys *hash_keys(void)
{
	if (G_UNLIKELY(!hash_keys_of_run.chosen))
		hash_choose_keys();
	return &hash_keys_of_run;
}

/*
 * The upper half of a sum of products with secret factors of 128 bits is strongly universal: the
 * hashes of any two numbers meet, in any bits, no more often than by chance, whoever chose the
 * numbers (Dietzfelbinger, "Universal hashing and k-wise independent random variables via integer
 * arithmetic without primes", 1996, theorem 3). What follows can be undone, so that it keeps this;
 * it breaks up arithmetic progressions, which tables with linear probing dislike.
 */
static inline uint64_t hash_finish(hash_u128 sum)
{
	uint64_t hash = (uint64_t)(sum >> 64);

	hash = (hash ^ hash >> 32) * UINT64_C(0xff51afd7ed558ccd);
	return hash ^ hash >> 32;
}

static inline uint64_t hash_u64(uint64_t value)
{
	const struct hash_keys *keys = hash_keys();

	return hash_finish(keys->first * value + keys->sum);
}

/* Of two numbers that belong together; the order matters. */
static inline uint64_t hash_pair(uint64_t first, uint64_t second)
{
	const struct hash_keys *keys = hash_keys();

	return hash_finish(keys->first * first + keys->second * second + keys->sum);
}

uint64_t hash_bytes(const void *bytes, size_t size);

/* For GHashTable. Of an uint64_t that `data` points to; goes with g_int64_equal(). */
guint hash_int64(gconstpointer data);

/* Of a number in a pointer, or of a pointer; goes with g_direct_equal(), which is NULL. */
guint hash_pointer(gconstpointer pointer);

/* Of a string that ends with NUL; goes with g_str_equal(). */
guint hash_string(gconstpointer string);

#endif
