/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens the files that a recording names, or that an ELF file names which a recording named: the
 * mapped file, its debug file, the .dwo files of its DWARF. Whoever made up such a name may hope
 * for what the reader's rights open: a device, a FIFO, a file of /proc, something outside of
 * --symfs, an automounter's directory. See "Files that a recording names" in docs/security.md.
 */
#ifndef COLO_PERF_SYMBOLS_RECORDED_FILE_H
#define COLO_PERF_SYMBOLS_RECORDED_FILE_H

#include <glib.h>
#include <sys/stat.h>

/*
 * Opens the file that is at `path` for one whose root directory is `root` (NULL: "/"): `..` and
 * links do not leave it. Only a regular file on an ordinary file system is opened, through
 * directories on such file systems. A descriptor that the caller closes, or -1 and DSO_ERROR.
 *
 * The error is DSO_NO_FILE and says the same whatever the reason is, so that a report does not tell
 * its next reader which paths exist on this machine; DSO_UNREADABLE when the reason lies here, such
 * as too few descriptors. `st` may be NULL.
 */
int recorded_file_open(const char *root, const char *path, struct stat *st, GError **error);

/* The error above, for a caller that found no ELF file in what it opened. */
void recorded_file_set_error(const char *root, const char *path, GError **error);

/* Where it is for people: "ROOT/PATH"; the caller frees it. */
char *recorded_file_name(const char *root, const char *path);

#endif
