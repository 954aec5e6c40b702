/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The bytes of one file of a recording: opened, or spooled when they come from a
 * pipe and could not be read twice; then read at any place, any number of times.
 * It knows nothing of what they mean.
 */
#ifndef COLO_PERF_PERFDATA_PERF_BYTES_H
#define COLO_PERF_PERFDATA_PERF_BYTES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The state of a pipe that is read as it comes. */
struct perf_pipe;

struct perf_bytes {
	int fd;			/* Owned by this */
	uint64_t size;		/* bytes; UINT64_MAX: what is still to come is not known */
	int64_t modified_s;	/* seconds since 1970; of a pipe: when it ended */
	struct perf_pipe *pipe; /* Owned by this; NULL: it can be read at any place */
};

/*
 * Called before each read from a pipe that may have to wait for its writer. False: nothing
 * more is to be read, as if it had ended.
 */
struct perf_wait {
	bool (*wait)(int fd, void *data);
	void *data; /* Weak */
};

/*
 * Opens `name` below the directory `dir_fd` (AT_FDCWD for any path). "-" is standard
 * input. What cannot be read twice is copied, up to its end, into a file without a name in $TMPDIR
 * or /var/tmp. NULL with `error` when it is no regular file and no pipe, or when the
 * system refuses.
 */
struct perf_bytes *perf_bytes_open(int dir_fd, const char *name, GError **error);
/*
 * The same, but a pipe is read as it comes, nothing of it is kept, and its bytes can be
 * read in their order only, but for the first 104, the header of a file.
 */
struct perf_bytes *perf_bytes_open_stream(int dir_fd, const char *name,
					  const struct perf_wait *wait, GError **error);
/*
 * Opens one file of a recording that is a directory, below that. Whoever wrote the directory cannot
 * make us wait: NULL with `error` when it is no regular file.
 */
struct perf_bytes *perf_bytes_open_part(int dir_fd, const char *name, GError **error);
void perf_bytes_free(struct perf_bytes *bytes);

/* How many bytes there are, of a pipe that is read as it comes: have been read. */
uint64_t perf_bytes_known_size(const struct perf_bytes *bytes);

/*
 * Reads exactly `size` bytes at `offset`, which are known to be there. False with
 * `error` when the system refuses or the file became shorter meanwhile.
 */
bool perf_bytes_read(const struct perf_bytes *bytes, uint64_t offset, void *buffer, size_t size,
		     GError **error);

/*
 * Reads what is there, at least `least` and at the most `most` bytes; of a pipe that is read as
 * it comes fewer, if it ends before, and of a file always `most`. `*got`: how many.
 */
bool perf_bytes_read_some(const struct perf_bytes *bytes, uint64_t offset, void *buffer,
			  size_t least, size_t most, size_t *got, GError **error);

/*
 * The same into memory of its own. `what` is for the message when there is no
 * memory. The caller frees what is returned; NULL with `error`.
 */
GBytes *perf_bytes_dup(const struct perf_bytes *bytes, uint64_t offset, uint64_t size,
		       const char *what, GError **error);

/* Whether the file has `size` bytes at `offset`. */
bool perf_bytes_has(const struct perf_bytes *bytes, uint64_t offset, uint64_t size);

#endif
