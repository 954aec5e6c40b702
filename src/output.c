/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Collects the output in memory, then writes it in one piece.
 */
#include "output.h"

#include "base/error.h"
#include "base/file_write.h"
#include "output_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODE 0666 /* less the umask, as with a shell's ">" */

struct output {
	char *path;		    /* Owned by this; NULL: standard output */
	struct output_place *place; /* Owned by this; NULL: standard output */
	FILE *stream;
	char *text; /* Owned by this, by malloc() */
	size_t size;
};

static bool fail(GError **error, int code, const char *path)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot write %s: %s",
		    path ? path : "to standard output", error_reason(code));
	return false;
}

static void output_free(struct output *output)
{
	output_place_free(output->place);
	free(output->text);
	g_free(output->path);
	g_free(output);
}

/* The place of a file; false with `error`. */
static bool find_place(struct output *output, const char *path, GError **error)
{
	if (!path || !strcmp(path, "-"))
		return true;
	output->path = g_strdup(path);
	output->place = output_place_find(path, error);
	if (!output->place)
		return false;
	return output_place_kind(output->place) != OUTPUT_DIRECTORY || fail(error, EISDIR, path);
}

struct output *output_open(const char *path, GError **error)
{
	struct output *output = g_new0(struct output, 1);

	if (find_place(output, path, error)) {
		output->stream = open_memstream(&output->text, &output->size);
		if (output->stream)
			return output;
		fail(error, errno, output->path);
	}
	output_free(output);
	return NULL;
}

FILE *output_stream(const struct output *output)
{
	return output->stream;
}

static bool write_text(const struct output *output, int fd, GError **error)
{
	return file_write_all(fd, output->text, output->size) || fail(error, errno, output->path);
}

static bool write_special(const struct output *output, GError **error)
{
	const int fd = output_place_open_special(output->place, error);
	bool written;

	if (fd < 0)
		return false;
	written = write_text(output, fd, error);
	if (close(fd) && written)
		return fail(error, errno, output->path);
	return written;
}

static bool write_file(const struct output *output, GError **error)
{
	const int fd = output_place_begin(output->place, MODE, error);

	if (fd < 0 || !write_text(output, fd, error))
		return false;
	/* Otherwise a crash of the machine could leave neither the old file nor the new one. */
	if (fsync(fd))
		return fail(error, errno, output->path);
	return output_place_finish(output->place, true, error);
}

static bool write_stdout(const struct output *output, GError **error)
{
	if (fwrite(output->text, 1, output->size, stdout) == output->size && !fflush(stdout))
		return true;
	return fail(error, errno, NULL);
}

bool output_close(struct output *output, GError **error)
{
	bool written = false;

	if (fclose(output->stream))
		fail(error, errno, output->path);
	else if (!output->place)
		written = write_stdout(output, error);
	else if (output_place_kind(output->place) == OUTPUT_SPECIAL)
		written = write_special(output, error);
	else
		written = write_file(output, error);
	output_free(output);
	return written;
}
