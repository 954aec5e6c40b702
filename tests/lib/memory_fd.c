/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each file is a memfd of its own.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "lib/memory_fd.h"

#include <sys/mman.h>
#include <unistd.h>

int memory_fd(const void *bytes, gsize size)
{
	int fd = memfd_create("colo-perf-test", MFD_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(pwrite(fd, bytes, size, 0), ==, (gssize)size);
	return fd;
}

char *memory_fd_path(int fd)
{
	return g_strdup_printf("/proc/self/fd/%d", fd);
}
