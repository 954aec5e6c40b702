/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bytes as a file that has a path, for readers that want one. It is in memory.
 */
#ifndef COLO_PERF_TESTS_MEMORY_FD_H
#define COLO_PERF_TESTS_MEMORY_FD_H

#include <glib.h>

/* A file with these bytes; the caller closes it. */
int memory_fd(const void *bytes, gsize size);

/* Its path, as long as it is open; the caller frees it. */
char *memory_fd_path(int fd);

#endif
