/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files are read, not mapped: one that is cut while we read must not kill us.
 */
#define _GNU_SOURCE /* O_TMPFILE */
#include "perfdata/perf_bytes.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_SIZE (1 << 18) /* bytes at a time, from a pipe */

static bool set_errno_error(GError **error, const char *what)
{
	int saved = errno;

	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot %s it: %s", what,
		    g_strerror(saved));
	return false;
}

static bool set_unsupported(GError **error, const char *message)
{
	g_set_error_literal(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED, message);
	return false;
}

/* --- Pipes --- */

/* A file without a name: nothing is left of it, however we end. */
static int open_spool(GError **error)
{
	const char *wanted = g_getenv("TMPDIR");
	const char *const places[] = {wanted && *wanted ? wanted : "/var/tmp", "/tmp"};
	int saved = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *name = g_build_filename(places[i], "colo-perf-XXXXXX", NULL);
		int fd = open(places[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

		/* Not every file system can do that. */
		if (fd < 0 && (fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600)) >= 0)
			unlink(name);
		if (fd >= 0)
			return fd;
		saved = saved ? saved : errno;
	}
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "cannot make a temporary file in %s for what comes from the pipe: %s; set "
		    "TMPDIR to a directory with room for it",
		    places[0], g_strerror(saved));
	return -1;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		bytes += written;
		size -= (size_t)written;
	}
	return true;
}

static bool copy_pipe(int from, int to, GError **error)
{
	g_autofree uint8_t *buffer = g_malloc(COPY_SIZE);

	for (;;) {
		ssize_t got = read(from, buffer, COPY_SIZE);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return set_errno_error(error, "read");
		if (got == 0)
			return true;
		if (!write_all(to, buffer, (size_t)got)) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
				    "cannot keep what comes from the pipe in a temporary file: %s; "
				    "set TMPDIR to a directory with room for it",
				    g_strerror(errno));
			return false;
		}
	}
}

/* Puts a file that holds all that comes from the pipe in its place. */
static bool spool(struct perf_bytes *bytes, GError **error)
{
	const int to = open_spool(error);
	bool copied;

	if (to < 0)
		return false;
	copied = copy_pipe(bytes->fd, to, error);
	close(bytes->fd);
	bytes->fd = to;
	return copied;
}

/* --- Opening --- */

static bool open_input(struct perf_bytes *bytes, int dir_fd, const char *name, GError **error)
{
	struct stat st;

	if (!strcmp(name, "-")) {
		if (isatty(STDIN_FILENO))
			return set_unsupported(error, "standard input is a terminal; pipe perf "
						      "record -o - into it, or name a file");
		bytes->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	} else {
		/* Without O_NONBLOCK a FIFO waits for its writer, as it should. */
		bytes->fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (bytes->fd < 0)
		return set_errno_error(error, "open");
	if (fstat(bytes->fd, &st) < 0)
		return set_errno_error(error, "stat");
	if (S_ISDIR(st.st_mode))
		return set_unsupported(error, "it is a directory, not a file");
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode))
		return set_unsupported(
			error, "it is neither a file nor a pipe; record with -o FILE or -o -");
	if (!S_ISREG(st.st_mode) && (!spool(bytes, error) || (fstat(bytes->fd, &st) < 0 &&
							      !set_errno_error(error, "stat"))))
		return false;
	bytes->size = (uint64_t)st.st_size;
	bytes->modified_s = st.st_mtime;
	return true;
}

struct perf_bytes *perf_bytes_open(int dir_fd, const char *name, GError **error)
{
	struct perf_bytes *bytes = g_new0(struct perf_bytes, 1);

	bytes->fd = -1;
	if (!open_input(bytes, dir_fd, name, error)) {
		perf_bytes_free(bytes);
		return NULL;
	}
	return bytes;
}

void perf_bytes_free(struct perf_bytes *bytes)
{
	if (!bytes)
		return;
	if (bytes->fd >= 0)
		close(bytes->fd);
	g_free(bytes);
}

/* --- Reading --- */

bool perf_bytes_has(const struct perf_bytes *bytes, uint64_t offset, uint64_t size)
{
	return offset <= bytes->size && size <= bytes->size - offset;
}

bool perf_bytes_read(const struct perf_bytes *bytes, uint64_t offset, void *buffer, size_t size,
		     GError **error)
{
	uint8_t *to = buffer;

	while (size) {
		ssize_t got = pread(bytes->fd, to, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return set_errno_error(error, "read");
		if (got == 0) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
				    "offset %" PRIu64 ": the file became shorter while it was read",
				    offset);
			return false;
		}
		to += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return true;
}

GBytes *perf_bytes_dup(const struct perf_bytes *bytes, uint64_t offset, uint64_t size,
		       const char *what, GError **error)
{
	uint8_t *copy = g_try_malloc(size + 1);

	if (!copy) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "%s: no memory for %" PRIu64 " bytes", what, size);
		return NULL;
	}
	if (!perf_bytes_read(bytes, offset, copy, size, error)) {
		g_free(copy);
		return NULL;
	}
	return g_bytes_new_take(copy, size);
}
