/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files are read, not mapped: one that is cut while we read must not kill us.
 */
#define _GNU_SOURCE /* O_TMPFILE */
#include "perfdata/perf_bytes.h"

#include "base/error.h"
#include "base/file_write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_SIZE (1 << 18) /* bytes at a time, from a pipe */
#define HEAD_SIZE 104	    /* of a header in file mode, which a stream must be seen not to have */

struct perf_pipe {
	const struct perf_wait *wait; /* Weak */
	uint8_t head[HEAD_SIZE];      /* what came first */
	size_t head_size;
	uint64_t position; /* bytes that were read and are not in `head` any more, or never were */
	bool ended;
};

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
		if (!file_write_all(to, buffer, (size_t)got)) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
				    "cannot keep what comes from the pipe in a temporary file: %s; "
				    "set TMPDIR to a directory with room for it",
				    error_reason(errno));
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

/* Takes what is there, at the most `size` bytes; 0 at its end, -1 with `error`. */
static ssize_t read_pipe(int fd, struct perf_pipe *pipe, void *buffer, size_t size, GError **error)
{
	for (;;) {
		ssize_t got;

		if (pipe->ended || !pipe->wait->wait(fd, pipe->wait->data))
			got = 0;
		else
			got = read(fd, buffer, size);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			set_errno_error(error, "read");
		pipe->ended = got <= 0;
		return got;
	}
}

/* Reads the header ahead, as what it is decides whether the rest can be read in order. */
static bool open_pipe(struct perf_bytes *bytes, const struct perf_wait *wait, GError **error)
{
	struct perf_pipe *pipe = bytes->pipe = g_new0(struct perf_pipe, 1);

	pipe->wait = wait;
	while (pipe->head_size < HEAD_SIZE) {
		const ssize_t got = read_pipe(bytes->fd, pipe, pipe->head + pipe->head_size,
					      HEAD_SIZE - pipe->head_size, error);

		if (got < 0)
			return false;
		if (got == 0)
			break;
		pipe->head_size += (size_t)got;
	}
	pipe->position = pipe->head_size;
	bytes->size = pipe->ended ? pipe->head_size : UINT64_MAX;
	bytes->modified_s = g_get_real_time() / G_USEC_PER_SEC;
	return true;
}

static int open_stdin(GError **error)
{
	int fd;

	if (isatty(STDIN_FILENO)) {
		set_unsupported(error, "standard input is a terminal; pipe perf record -o - into "
				       "it, or name a file");
		return -1;
	}
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		set_errno_error(error, "open");
	return fd;
}

static int open_file(int dir_fd, const char *name, int flags, GError **error)
{
	const int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);

	if (fd < 0)
		set_errno_error(error, "open");
	return fd;
}

/* What it is, of an open one; false with `error` when it cannot be read. */
static bool check_kind(int fd, struct stat *st, GError **error)
{
	if (fstat(fd, st) < 0)
		return set_errno_error(error, "stat");
	if (S_ISDIR(st->st_mode))
		return set_unsupported(error, "it is a directory, not a file");
	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode) && !S_ISSOCK(st->st_mode))
		return set_unsupported(
			error, "it is neither a file nor a pipe; record with -o FILE or -o -");
	return true;
}

static bool open_input(struct perf_bytes *bytes, int dir_fd, const char *name,
		       const struct perf_wait *wait, GError **error)
{
	struct stat st;

	/* open() would wait for the writer of a FIFO: so does `wait`, which hears of signals too.
	 */
	bytes->fd = strcmp(name, "-") ? open_file(dir_fd, name, wait ? O_NONBLOCK : 0, error)
				      : open_stdin(error);
	if (bytes->fd < 0 || !check_kind(bytes->fd, &st, error))
		return false;
	if (!S_ISREG(st.st_mode) && wait)
		return open_pipe(bytes, wait, error);
	if (!S_ISREG(st.st_mode) && (!spool(bytes, error) || (fstat(bytes->fd, &st) < 0 &&
							      !set_errno_error(error, "stat"))))
		return false;
	bytes->size = (uint64_t)st.st_size;
	bytes->modified_s = st.st_mtime;
	return true;
}

struct perf_bytes *perf_bytes_open_stream(int dir_fd, const char *name,
					  const struct perf_wait *wait, GError **error)
{
	struct perf_bytes *bytes = g_new0(struct perf_bytes, 1);

	bytes->fd = -1;
	if (!open_input(bytes, dir_fd, name, wait, error)) {
		perf_bytes_free(bytes);
		return NULL;
	}
	return bytes;
}

struct perf_bytes *perf_bytes_open(int dir_fd, const char *name, GError **error)
{
	return perf_bytes_open_stream(dir_fd, name, NULL, error);
}

static bool open_part(struct perf_bytes *bytes, int dir_fd, const char *name, GError **error)
{
	struct stat st;

	/* Asked before it is opened, as that alone has an effect on some devices. */
	if (fstatat(dir_fd, name, &st, 0) < 0)
		return set_errno_error(error, "open");
	if (S_ISREG(st.st_mode)) {
		bytes->fd = open_file(dir_fd, name, O_NONBLOCK, error);
		if (bytes->fd < 0 || !check_kind(bytes->fd, &st, error))
			return false;
	}
	bytes->size = (uint64_t)st.st_size;
	bytes->modified_s = st.st_mtime;
	return S_ISREG(st.st_mode) || set_unsupported(error, "it is no regular file");
}

struct perf_bytes *perf_bytes_open_part(int dir_fd, const char *name, GError **error)
{
	struct perf_bytes *bytes = g_new0(struct perf_bytes, 1);

	bytes->fd = -1;
	if (open_part(bytes, dir_fd, name, error))
		return bytes;
	perf_bytes_free(bytes);
	return NULL;
}

void perf_bytes_free(struct perf_bytes *bytes)
{
	if (!bytes)
		return;
	g_free(bytes->pipe);
	if (bytes->fd >= 0)
		close(bytes->fd);
	g_free(bytes);
}

/* --- Reading --- */

bool perf_bytes_has(const struct perf_bytes *bytes, uint64_t offset, uint64_t size)
{
	return offset <= bytes->size && size <= bytes->size - offset;
}

uint64_t perf_bytes_known_size(const struct perf_bytes *bytes)
{
	return bytes->pipe ? bytes->pipe->position : bytes->size;
}

/* Passes over what comes before `offset`. */
static bool pass_over(const struct perf_bytes *bytes, uint64_t offset, GError **error)
{
	struct perf_pipe *pipe = bytes->pipe;
	uint8_t unused[4096];

	while (pipe->position < offset) {
		const ssize_t got = read_pipe(bytes->fd, pipe, unused,
					      MIN(sizeof(unused), offset - pipe->position), error);

		if (got < 0)
			return false;
		if (got == 0) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
				    "offset %" PRIu64 ": the stream ended before offset %" PRIu64,
				    pipe->position, offset);
			return false;
		}
		pipe->position += (uint64_t)got;
	}
	return true;
}

/* Those of the first bytes that are wanted. */
static size_t read_head(const struct perf_pipe *pipe, uint64_t offset, uint8_t *to, size_t most)
{
	const size_t got = offset < pipe->head_size ? MIN(most, pipe->head_size - offset) : 0;

	if (got)
		memcpy(to, pipe->head + offset, got);
	return got;
}

static bool read_some_of_pipe(const struct perf_bytes *bytes, uint64_t offset, uint8_t *to,
			      size_t least, size_t most, size_t *got, GError **error)
{
	struct perf_pipe *pipe = bytes->pipe;

	*got = 0;
	if (offset > pipe->position && !pass_over(bytes, offset, error))
		return false;
	*got = read_head(pipe, offset, to, most);
	if (*got >= least)
		return true;
	if (offset + *got < pipe->position)
		return set_unsupported(error, "it is no stream but a recording in file mode, which "
					      "cannot be read as it comes: name the file");
	while (*got < least) {
		const ssize_t more = read_pipe(bytes->fd, pipe, to + *got, most - *got, error);

		if (more < 0)
			return false;
		if (more == 0)
			break;
		*got += (size_t)more;
		pipe->position += (uint64_t)more;
	}
	return true;
}

bool perf_bytes_read_some(const struct perf_bytes *bytes, uint64_t offset, void *buffer,
			  size_t least, size_t most, size_t *got, GError **error)
{
	if (bytes->pipe)
		return read_some_of_pipe(bytes, offset, buffer, least, most, got, error);
	*got = most;
	return perf_bytes_read(bytes, offset, buffer, most, error);
}

static bool read_all_of_pipe(const struct perf_bytes *bytes, uint64_t offset, uint8_t *to,
			     size_t size, GError **error)
{
	size_t got;

	if (!read_some_of_pipe(bytes, offset, to, size, size, &got, error))
		return false;
	if (got == size)
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
		    "offset %" PRIu64 ": the stream ended there", offset + got);
	return false;
}

bool perf_bytes_read(const struct perf_bytes *bytes, uint64_t offset, void *buffer, size_t size,
		     GError **error)
{
	uint8_t *to = buffer;

	if (bytes->pipe)
		return read_all_of_pipe(bytes, offset, buffer, size, error);

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
