/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes all of what write() may take in parts.
 */
#ifndef COLO_PERF_BASE_FILE_WRITE_H
#define COLO_PERF_BASE_FILE_WRITE_H

#include <stdbool.h>
#include <stddef.h>

/* False with errno when something of it was not written. */
bool file_write_all(int fd, const void *bytes, size_t size);

#endif
