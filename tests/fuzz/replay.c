/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * main() of a target without libFuzzer: runs it on each file of the directories that are named,
 * and prints TAP. A finding ends the process, which makes it a failure: fewer tests than planned.
 */
#include "fuzz/fuzz.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

static int compare_names(gconstpointer a, gconstpointer b)
{
	return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

/* One that is not there holds nothing: a target may never have had a finding. */
static void list_files(GPtrArray *files, const char *directory)
{
	GDir *dir = g_dir_open(directory, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir)))
		g_ptr_array_add(files, g_build_filename(directory, name, NULL));
	g_clear_pointer(&dir, g_dir_close);
}

static void replay(const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *bytes = NULL;
	g_autofree uint8_t *copy = NULL;
	gsize size;

	if (!g_file_get_contents(path, &bytes, &size, &error))
		g_error("%s", error->message);
	/* Of the exact size: GLib's has a NUL behind it. */
	copy = malloc(size + !size);
	g_assert_nonnull(copy);
	memcpy(copy, bytes, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
}

int main(int argc, char **argv)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);

	for (int i = 1; i < argc; i++)
		list_files(files, argv[i]);
	g_ptr_array_sort(files, compare_names);
	printf("1..%u\n", files->len);
	for (guint i = 0; i < files->len; i++) {
		const char *path = g_ptr_array_index(files, i);
		g_autofree char *name = g_path_get_basename(path);

		printf("# %s\n", path);
		fflush(stdout);
		replay(path);
		printf("ok %u - %s\n", i + 1, name);
	}
	return 0;
}
