/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perf's cache of programs by build-id, in which dso_file.h looks. Here copies are added to it:
 *
 *	~/.debug/.build-id/ab/cdef... -> ../../colo-perf/NAME/abcdef...
 *	~/.debug/colo-perf/NAME/abcdef.../elf
 *
 * `perf buildid-cache --purge-all` removes them with the others.
 */
#ifndef COLO_PERF_SYMBOLS_BUILD_ID_CACHE_H
#define COLO_PERF_SYMBOLS_BUILD_ID_CACHE_H

#include "symbols/build_id.h"

/*
 * Whether `cache` is ours to write to: it, or where it is not there yet what it will be in,
 * belongs to us and nobody else may write to it.
 */
bool build_id_cache_is_own(const char *cache);

/*
 * Copies the open file, of at most `most` bytes, to `cache`, if that has none with this build-id.
 * `name` is what it is called there. Returns the bytes copied, 0 if it was there, -1 with `error`.
 */
int64_t build_id_cache_add(const char *cache, const struct build_id *id, const char *name, int fd,
			   uint64_t most, GError **error);

#endif
