/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perf_file_open_stream(): what comes through a pipe bit by bit is what a file with the same
 * bytes holds, also when it ends too early; who waits may stop; file mode is refused.
 */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "lib/forms_story.h"
#include "lib/recording_forms.h"
#include "perfdata/perf_file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct forms_machine machine = {
	.byte_order = G_BYTE_ORDER, .long_size_bytes = 8, .attr_size_bytes = 136};

static char *work;

static GByteArray *bytes_of(const struct recording_form *form)
{
	struct perf_builder *builder = forms_story(&machine, &forms_layouts[0], FORMS_TRACE);
	GByteArray *bytes = recording_form_bytes(form, builder);

	perf_builder_free(builder);
	return bytes;
}

/* --- Through a pipe --- */

struct writer {
	int fd; /* Owned by this */
	const guint8 *bytes;
	gsize size, piece;
};

static gpointer write_pieces(gpointer data)
{
	const struct writer *writer = data;

	for (gsize done = 0; done < writer->size;) {
		const gssize n = write(writer->fd, writer->bytes + done,
				       MIN(writer->piece, writer->size - done));

		if (n < 0) /* who reads has stopped */
			break;
		done += n;
	}
	close(writer->fd);
	return NULL;
}

static bool go_on(int fd G_GNUC_UNUSED, void *data)
{
	unsigned int *n_waits = data;

	(*n_waits)++;
	return true;
}

/* All that can be said of what is read, one line a record, and how it ends. */
static char *describe(struct perf_file *file)
{
	GString *text = g_string_new(NULL);

	for (;;) {
		struct perf_record record;
		g_autoptr(GError) error = NULL;
		g_autofree char *sum = NULL;

		switch (perf_file_next_record(file, &record, &error)) {
		case PERF_NEXT_RECORD:
			sum = g_compute_checksum_for_data(G_CHECKSUM_SHA1, record.tainted_body,
							  record.body_size);
			g_string_append_printf(text, "%u %u %" G_GUINT64_FORMAT " %s\n",
					       record.type, record.misc, record.number, sum);
			continue;
		case PERF_NEXT_END:
			g_string_append(text, "end\n");
			break;
		case PERF_NEXT_ERROR:
			g_string_append(text, "error\n");
			break;
		}
		break;
	}
	for (unsigned int feature = 0; feature < PERF_FEATURE_BITS; feature++) {
		GBytes *bytes = perf_file_feature(file, feature);
		g_autofree char *sum =
			bytes ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, bytes) : NULL;

		if (sum)
			g_string_append_printf(text, "feature %u: %s\n", feature, sum);
	}
	g_string_append_printf(text, "%u events\n", perf_events_count(perf_file_events(file)));
	return g_string_free(text, FALSE);
}

/* Opens what comes out of a pipe; "error" and its message when it is refused. */
static char *describe_pipe(const guint8 *bytes, gsize size, gsize piece)
{
	unsigned int n_waits = 0;
	const struct perf_wait wait = {go_on, &n_waits};
	int ends[2];
	struct writer writer = {.bytes = bytes, .size = size, .piece = piece};
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;
	struct perf_file *file;
	GThread *thread;
	char *text;

	g_assert_cmpint(pipe(ends), ==, 0);
	writer.fd = ends[1];
	thread = g_thread_new("writer", write_pieces, &writer);
	path = g_strdup_printf("/proc/self/fd/%d", ends[0]);
	file = perf_file_open_stream(path, &wait, &error);
	close(ends[0]);
	text = file ? describe(file) : g_strdup_printf("refused: %s\n", error->message);
	perf_file_free(file);
	g_thread_join(thread);
	g_assert_cmpuint(n_waits, >, 0);
	return text;
}

static char *describe_file(const guint8 *bytes, gsize size)
{
	g_autofree char *path = g_build_filename(work, "data", NULL);
	g_autoptr(GError) error = NULL;
	struct perf_file *file;
	char *text;

	g_assert_true(g_file_set_contents(path, (const char *)bytes, (gssize)size, NULL));
	file = perf_file_open(path, &error);
	text = file ? describe(file) : g_strdup_printf("refused: %s\n", error->message);
	perf_file_free(file);
	g_assert_cmpint(g_unlink(path), ==, 0);
	return text;
}

/* --- The tests --- */

static void test_same(gconstpointer data)
{
	static const gsize pieces[] = {1, 13, 4096, 1 << 20};
	g_autoptr(GByteArray) bytes = bytes_of(data);
	g_autofree char *expected = describe_file(bytes->data, bytes->len);

	g_assert_nonnull(strstr(expected, "\nend\n"));
	for (guint i = 0; i < G_N_ELEMENTS(pieces); i++) {
		g_autofree char *got = describe_pipe(bytes->data, bytes->len, pieces[i]);

		g_assert_cmpstr(got, ==, expected);
	}
}

/* Cut anywhere, in the header, between records and in them, in what stands behind one. */
static void test_cut(gconstpointer data)
{
	g_autoptr(GByteArray) bytes = bytes_of(data);

	for (gsize size = 0; size < bytes->len; size += size < 300 ? 1 : 1 + size / 40) {
		g_autofree char *expected = describe_file(bytes->data, size);
		g_autofree char *got = describe_pipe(bytes->data, size, 4096);

		g_assert_cmpstr(got, ==, expected);
	}
}

static void test_file_mode(void)
{
	g_autoptr(GByteArray) bytes = bytes_of(&recording_forms[0]);
	g_autofree char *got = describe_pipe(bytes->data, bytes->len, 4096);

	g_assert_true(g_str_has_prefix(got, "refused: "));
	g_assert_nonnull(strstr(got, "name the file"));
}

static bool stop_soon(int fd G_GNUC_UNUSED, void *data)
{
	int *left = data;

	return (*left)-- > 0;
}

/* The writer never ends; whoever waits does. */
static void test_stop(gconstpointer data)
{
	g_autoptr(GByteArray) bytes = bytes_of(data);

	for (int n = 0; n < 40; n++) {
		int left = n, ends[2];
		const struct perf_wait wait = {stop_soon, &left};
		g_autofree char *path = NULL, *text = NULL;
		struct perf_file *file;

		g_assert_cmpint(pipe(ends), ==, 0);
		fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		g_assert_cmpint(write(ends[1], bytes->data, MIN(bytes->len, 30000)), >, 0);
		path = g_strdup_printf("/proc/self/fd/%d", ends[0]);
		/* A pipe that is empty would make it wait for ever. */
		left = MIN(left, 2);
		file = perf_file_open_stream(path, &wait, NULL);
		text = file ? describe(file) : NULL;
		g_assert_true(!file || strstr(text, "error\n") || strstr(text, "end\n"));
		g_assert_cmpint(left, <, 0);
		perf_file_free(file);
		close(ends[0]);
		close(ends[1]);
	}
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	work = g_dir_make_tmp("colo-perf-stream-XXXXXX", NULL);
	g_assert_nonnull(work);
	g_test_add_func("/stream/file-mode", test_file_mode);
	for (guint i = 0; i < recording_n_forms; i++) {
		const struct recording_form *form = &recording_forms[i];
		g_autofree char *same = g_strdup_printf("/stream/same/%s", form->name);
		g_autofree char *stop = g_strdup_printf("/stream/stop/%s", form->name);
		g_autofree char *cut = g_strdup_printf("/stream/cut/%s", form->name);

		if (form->shape != RECORDING_PIPE)
			continue;
		g_test_add_data_func(same, form, test_same);
		g_test_add_data_func(cut, form, test_cut);
		g_test_add_data_func(stop, form, test_stop);
	}
	status = g_test_run();
	g_assert_cmpint(g_rmdir(work), ==, 0);
	g_free(work);
	return status;
}
