/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which file system a file lies on, without asking that file system: one that a user's program
 * serves (FUSE) may never answer.
 */
#ifndef COLO_PERF_BASE_MOUNT_H
#define COLO_PERF_BASE_MOUNT_H

#include <stdbool.h>
#include <sys/types.h>

/* The number of the mount that `fd`, which may be open with O_PATH, came from; -1: not known. */
int mount_of(int fd);

/*
 * The type of a mount that process `pid` sees, such as "ext4" or "fuse.sshfs"; the caller frees it.
 * NULL: it sees no such mount.
 */
char *mount_type(pid_t pid, int mount);

/*
 * Whether the file system is one that a user's program serves, or may be, as process `pid` does not
 * see the mount.
 */
bool mount_is_served(pid_t pid, int fd);

#endif
