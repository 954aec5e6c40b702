/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bytes as a file that has a path, for readers that want one. It is in memory.
 */
#ifndef COLO_PERF_TESTS_FUZZ_MEMORY_FILE_H
#define COLO_PERF_TESTS_FUZZ_MEMORY_FILE_H

#include <stddef.h>
#include <stdint.h>

/* The path of a file with these bytes: valid, as the file is, until the next call. */
const char *memory_file_path(const uint8_t *data, size_t size);

#endif
