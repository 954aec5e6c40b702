/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Chooses the keys of this run.
 */
#include "base/hash.h"

#include <string.h>
#include <sys/random.h>

struct hash_keys hash_keys_of_run;

void hash_choose_keys(void)
{
	uint32_t words[sizeof(hash_keys_of_run) / sizeof(uint32_t)];

	/* While a machine boots there may be no random bytes yet: GLib has other sources. */
	if (getrandom(words, sizeof(words), GRND_NONBLOCK) != (ssize_t)sizeof(words))
		for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
			words[i] = g_random_int();
	memcpy(&hash_keys_of_run, words, sizeof(words));
	hash_keys_of_run.chosen = true;
}

uint64_t hash_bytes(const void *bytes, size_t size)
{
	return siphash13(&hash_keys()->strings, bytes, size);
}

guint hash_int64(gconstpointer data)
{
	return (guint)hash_u64(*(const uint64_t *)data);
}

guint hash_pointer(gconstpointer pointer)
{
	return (guint)hash_u64((uintptr_t)pointer);
}

guint hash_string(gconstpointer string)
{
	return (guint)hash_bytes(string, strlen(string));
}
