/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A loop around write().
 */
#include "base/file_write.h"

#include <errno.h>
#include <unistd.h>

bool file_write_all(int fd, const void *bytes, size_t size)
{
	const char *from = bytes;

	while (size) {
		const ssize_t written = write(fd, from, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		from += written;
		size -= (size_t)written;
	}
	return true;
}
