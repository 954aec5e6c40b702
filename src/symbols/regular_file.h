/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens files whose names come from a recording. Such a name may be that of a
 * FIFO or of a device, so nothing but a regular file is opened, and the opening
 * never blocks. Errors are DSO_ERROR: DSO_NO_FILE or DSO_UNREADABLE.
 */
#ifndef COLO_PERF_SYMBOLS_REGULAR_FILE_H
#define COLO_PERF_SYMBOLS_REGULAR_FILE_H

#include <glib.h>
#include <sys/stat.h>

/* A file descriptor that the caller closes, or -1. `st` may be NULL. */
int regular_file_open(const char *path, struct stat *st, GError **error);

/*
 * All of a file, with a NUL behind it. For files of /proc and /sys as well, whose
 * size is not known before. NULL when it cannot be read or is larger than
 * `max_size` bytes.
 */
char *regular_file_read(const char *path, size_t max_size, size_t *size, GError **error);

#endif
