/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hashes of numbers that come from a recording, for tables of GLib's and our own. They
 * differ from run to run: who makes up a recording cannot choose numbers that meet in one place
 * of a table, where each would be compared with all others.
 */
#ifndef COLO_PERF_BASE_HASH_H
#define COLO_PERF_BASE_HASH_H

#include <glib.h>
#include <stdint.h>

/* The number of this run; 0 until it is first needed, which is what hash_begin() is for. */
extern uint64_t hash_of_run;
uint64_t hash_begin(void);

/*
 * All bits of the result depend on all bits of `value`: the last steps of MurmurHash3 (Appleby),
 * which mix well.
 */
static inline uint64_t hash_u64(uint64_t value)
{
	value ^= G_LIKELY(hash_of_run) ? hash_of_run : hash_begin();
	value = (value ^ value >> 33) * UINT64_C(0xff51afd7ed558ccd);
	value = (value ^ value >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return value ^ value >> 33;
}

/* Of an uint64_t that `data` points to; goes with g_int64_equal(). */
guint hash_int64(gconstpointer data);

#endif
