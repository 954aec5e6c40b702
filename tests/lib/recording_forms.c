/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The table of the forms; see recording_forms.h.
 */
#include "recording_forms.h"

#include <glib/gstdio.h>

/* Small ones, so that records run across chunks; large ones, so that chunks take many records. */
#define TINY  56
#define PAGE  4096
#define LARGE (512 * 1024)
/*
 * What cannot be compressed comes out 3 bytes longer: just so much that one COMPRESSED2 with its
 * padding is 64 KiB long.
 */
#define OVERFLOWS (65512)

const struct recording_form recording_forms[] = {
	{.name = "file"},
	{.name = "file-packed", .packing = {PERF_PACKER_COMPRESSED, PAGE}},
	{.name = "file-packed-tiny", .packing = {PERF_PACKER_COMPRESSED, TINY}},
	{.name = "file-packed-large", .packing = {PERF_PACKER_COMPRESSED, LARGE}},
	{.name = "file-packed2", .packing = {PERF_PACKER_COMPRESSED2, PAGE}, .is_new = TRUE},
	{.name = "file-packed2-large", .packing = {PERF_PACKER_COMPRESSED2, LARGE}, .is_new = TRUE},
	{.name = "file-packed2-overflow",
	 .packing = {PERF_PACKER_OVERFLOWING2, OVERFLOWS},
	 .is_new = TRUE},
	{.name = "file-packed2-several",
	 .packing = {PERF_PACKER_OVERFLOWING2, LARGE},
	 .is_new = TRUE},
	{.name = "file-packed2-aio", .packing = {PERF_PACKER_UNSET_SIZE2, PAGE}, .is_new = TRUE},
	{.name = "pipe", .shape = RECORDING_PIPE},
	{.name = "pipe-units", .shape = RECORDING_PIPE, .has_units = TRUE},
	{.name = "pipe-packed", .shape = RECORDING_PIPE, .packing = {PERF_PACKER_COMPRESSED, 1000}},
	{.name = "pipe-packed2",
	 .shape = RECORDING_PIPE,
	 .packing = {PERF_PACKER_COMPRESSED2, 1000},
	 .is_new = TRUE},
	{.name = "pipe-packed2-several",
	 .shape = RECORDING_PIPE,
	 .packing = {PERF_PACKER_OVERFLOWING2, LARGE},
	 .is_new = TRUE},
	{.name = "directory", .shape = RECORDING_DIRECTORY, .n_files = 2},
	/* One file of several CPUs, then more files than CPUs: some are empty. */
	{.name = "directory-one", .shape = RECORDING_DIRECTORY, .n_files = 1},
	{.name = "directory-many", .shape = RECORDING_DIRECTORY, .n_files = 12},
	{.name = "directory-packed",
	 .shape = RECORDING_DIRECTORY,
	 .n_files = 2,
	 .packing = {PERF_PACKER_COMPRESSED, 1000}},
	{.name = "directory-packed2",
	 .shape = RECORDING_DIRECTORY,
	 .n_files = 2,
	 .packing = {PERF_PACKER_COMPRESSED2, 1000},
	 .is_new = TRUE},
	{.name = "directory-packed2-several",
	 .shape = RECORDING_DIRECTORY,
	 .n_files = 2,
	 .packing = {PERF_PACKER_OVERFLOWING2, LARGE},
	 .is_new = TRUE},
};
const guint recording_n_forms = G_N_ELEMENTS(recording_forms);

static void write_bytes(const char *path, const GByteArray *bytes)
{
	g_autoptr(GError) error = NULL;

	g_file_set_contents(path, (const char *)bytes->data, bytes->len, &error);
	g_assert_no_error(error);
}

GByteArray *recording_form_bytes(const struct recording_form *form, struct perf_builder *builder)
{
	const struct perf_packing *packing = form->packing.chunk_size_bytes ? &form->packing : NULL;

	if (form->shape == RECORDING_FILE)
		return perf_builder_build_packed(builder, packing);
	g_assert_cmpint(form->shape, ==, RECORDING_PIPE);
	perf_builder_set_units(builder, form->has_units);
	return perf_builder_build_pipe(builder, packing);
}

void recording_form_write(const struct recording_form *form, struct perf_builder *builder,
			  const char *path)
{
	const struct perf_packing *packing = form->packing.chunk_size_bytes ? &form->packing : NULL;
	g_autoptr(GByteArray) bytes = NULL;
	g_autoptr(GError) error = NULL;

	if (form->shape == RECORDING_DIRECTORY) {
		perf_builder_write_directory(builder, path, form->n_files, packing, &error);
		g_assert_no_error(error);
		return;
	}
	bytes = recording_form_bytes(form, builder);
	write_bytes(path, bytes);
}

void recording_form_remove(const struct recording_form *form, const char *path)
{
	if (form->shape == RECORDING_DIRECTORY) {
		g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
		const char *name;

		while ((name = g_dir_read_name(directory))) {
			g_autofree char *file = g_build_filename(path, name, NULL);

			g_assert_cmpint(g_unlink(file), ==, 0);
		}
	}
	g_assert_cmpint(g_remove(path), ==, 0);
}
