/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens files that the user or this program names: for those that a recording names see
 * recorded_file.h.
 */
#include "symbols/regular_file.h"

#include "symbols/dso.h"
#include "symbols/dso_error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FIRST_READ (64 << 10) /* bytes */

static void set_errno_error(GError **error, const char *what, const char *path)
{
	int saved = errno;

	if (saved == ENOENT || saved == ENOTDIR)
		g_set_error(error, DSO_ERROR, DSO_NO_FILE, "%s is not on this machine", path);
	else
		g_set_error(error, DSO_ERROR, DSO_UNREADABLE, "cannot %s %s: %s", what, path,
			    g_strerror(saved));
}

int regular_file_open(const char *path, struct stat *st, GError **error)
{
	struct stat own;
	int fd;

	if (!st)
		st = &own;
	/* Opening alone has an effect on some devices, such as a tape, so it is asked first. */
	if (stat(path, st) < 0) {
		set_errno_error(error, "look at", path);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		g_set_error(error, DSO_ERROR, DSO_UNREADABLE, "%s is not a regular file", path);
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		set_errno_error(error, "open", path);
		return -1;
	}
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		g_set_error(error, DSO_ERROR, DSO_UNREADABLE, "%s is not a regular file", path);
		close(fd);
		return -1;
	}
	return fd;
}

char *regular_file_read(const char *path, size_t max_size, size_t *size, GError **error)
{
	int fd = regular_file_open(path, NULL, error);
	size_t capacity = FIRST_READ, len = 0;
	char *bytes;
	ssize_t got;

	if (fd < 0)
		return NULL;
	bytes = g_malloc(capacity);
	for (;;) {
		if (len == capacity - 1)
			bytes = g_realloc(bytes, capacity *= 2);
		got = read(fd, bytes + len, capacity - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
		if (len > max_size) {
			errno = EFBIG;
			got = -1;
			break;
		}
	}
	if (got < 0) {
		set_errno_error(error, "read", path);
		g_clear_pointer(&bytes, g_free);
	} else {
		bytes[len] = 0;
		*size = len;
	}
	close(fd);
	return bytes;
}
