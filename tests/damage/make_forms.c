/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes the other forms of a real recording, for damage.c: a pipe, and each of both compressed.
 *
 *	make_forms RECORDING DIRECTORY
 */
#include "lib/perf_packer.h"
#include "lib/real_recording.h"

static void write_form(const char *directory, const char *name, GByteArray *bytes)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	g_autoptr(GError) error = NULL;

	if (!g_file_set_contents(path, (const char *)bytes->data, bytes->len, &error))
		g_error("%s", error->message);
	g_byte_array_unref(bytes);
}

int main(int argc, char **argv)
{
	const struct perf_packing packing = {.kind = PERF_PACKER_COMPRESSED,
					     .chunk_size_bytes = 4096};
	struct perf_packer *packer = perf_packer_new(G_BYTE_ORDER, &packing);
	g_autofree char *bytes = NULL;
	g_autoptr(GByteArray) packed = NULL;
	g_autoptr(GError) error = NULL;
	struct real_recording recording;
	gsize size;

	if (argc != 3) {
		g_printerr("usage: make_forms RECORDING DIRECTORY\n");
		return 2;
	}
	if (!g_file_get_contents(argv[1], &bytes, &size, &error))
		g_error("%s", error->message);
	recording = real_recording_of(bytes, size);
	perf_packer_add(packer, recording.data, recording.data_size);
	perf_packer_flush(packer);
	packed = perf_packer_take(packer);
	write_form(argv[2], "packed.data",
		   real_recording_file(&recording, packed->data, packed->len));
	write_form(argv[2], "pipe.data",
		   real_recording_pipe(&recording, recording.data, recording.data_size));
	write_form(argv[2], "packed-pipe.data",
		   real_recording_pipe(&recording, packed->data, packed->len));
	perf_packer_free(packer);
	return 0;
}
