/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Collects the output in memory, then writes it in one piece.
 */
#include "output.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct output {
	char *path; /* Owned by this; NULL: standard output */
	FILE *stream;
	char *text; /* Owned by this, by malloc() */
	size_t size;
};

static bool fail(GError **error, const char *what, const char *path)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot write %s: %s",
		    path ? path : "to standard output", what);
	return false;
}

struct output *output_open(const char *path, GError **error)
{
	struct output *output = g_new0(struct output, 1);

	if (path && strcmp(path, "-") != 0)
		output->path = g_strdup(path);
	output->stream = open_memstream(&output->text, &output->size);
	if (output->stream)
		return output;
	fail(error, g_strerror(errno), output->path);
	g_free(output->path);
	g_free(output);
	return NULL;
}

FILE *output_stream(const struct output *output)
{
	return output->stream;
}

static bool write_stream(const struct output *output, FILE *to, GError **error)
{
	if (fwrite(output->text, 1, output->size, to) == output->size && !fflush(to))
		return true;
	return fail(error, g_strerror(errno), output->path);
}

/* A device or a pipe is written to, it must not be replaced; and so is what a link makes anew. */
static bool write_special(const struct output *output, GError **error)
{
	FILE *to = fopen(output->path, "we");
	bool written;

	if (!to)
		return fail(error, g_strerror(errno), output->path);
	written = write_stream(output, to, error);
	if (fclose(to) && written)
		return fail(error, g_strerror(errno), output->path);
	return written;
}

static bool is_link(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISLNK(st.st_mode);
}

static char *realpath_of(const char *path)
{
	char *resolved = realpath(path, NULL);
	char *copy = g_strdup(resolved ? resolved : path);

	free(resolved);
	return copy;
}

static bool write_file(const struct output *output, GError **error)
{
	/* A link to a file stays, and the file that it points to is replaced. */
	g_autofree char *target = realpath_of(output->path);
	struct stat st;

	if (stat(output->path, &st) ? is_link(output->path) : !S_ISREG(st.st_mode))
		return write_special(output, error);
	errno = 0;
	if (g_file_set_contents(target, output->text, (gssize)output->size, NULL))
		return true;
	return fail(error, g_strerror(errno ? errno : EIO), output->path);
}

bool output_close(struct output *output, GError **error)
{
	bool closed = !fclose(output->stream), written = false;

	if (!closed)
		fail(error, g_strerror(errno), output->path);
	else if (output->path)
		written = write_file(output, error);
	else
		written = write_stream(output, stdout, error);
	free(output->text);
	g_free(output->path);
	g_free(output);
	return written;
}
