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

/* All bits of the result depend on all bits of `value`. */
uint64_t hash_u64(uint64_t value);

/* Of an uint64_t that `data` points to; goes with g_int64_equal(). */
guint hash_int64(gconstpointer data);

#endif
