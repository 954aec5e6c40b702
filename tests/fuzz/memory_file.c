/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One memfd that is written anew each time: a target is called thousands of times a second.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "fuzz/memory_file.h"

#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *memory_file_path(const uint8_t *data, size_t size)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		g_assert_cmpint(fd, >=, 0);
		g_snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	g_assert_cmpint(ftruncate(fd, 0), ==, 0);
	g_assert_cmpint(pwrite(fd, data, size, 0), ==, size);
	return path;
}
