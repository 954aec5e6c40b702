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

/* A device, a pipe or a link is written to; it must not be replaced by a file. */
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

static bool write_file(const struct output *output, GError **error)
{
	g_autoptr(GError) reason = NULL;
	struct stat st;

	if (!lstat(output->path, &st) && !S_ISREG(st.st_mode))
		return write_special(output, error);
	if (g_file_set_contents(output->path, output->text, (gssize)output->size, &reason))
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "%s", reason->message);
	return false;
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
