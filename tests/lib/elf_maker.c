/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Small ELF files.
 */
#include "lib/elf_maker.h"

#include <string.h>

char *elf_maker_new_dir(void)
{
	g_autoptr(GError) error = NULL;
	char *dir = g_dir_make_tmp("colo-perf-elf-XXXXXX", &error);

	g_assert_no_error(error);
	return dir;
}

void elf_maker_remove(char *dir)
{
	g_autofree char *command = g_strconcat("rm -rf ", dir, NULL);

	g_free(elf_maker_run("/", command));
	g_free(dir);
}

char *elf_maker_path(const char *dir, const char *name)
{
	return g_build_filename(dir, name, NULL);
}

void elf_maker_write(const char *dir, const char *name, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = elf_maker_path(dir, name);

	g_file_set_contents(path, text, -1, &error);
	g_assert_no_error(error);
}

char *elf_maker_run(const char *dir, const char *command)
{
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) argv = NULL;
	g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "LC_ALL", "C", TRUE);
	g_autofree char *errors = NULL;
	char *output;
	int status;

	g_assert_true(g_shell_parse_argv(command, NULL, &argv, &error));
	g_spawn_sync(dir, argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &errors,
		     &status, &error);
	g_assert_no_error(error);
	if (!g_spawn_check_wait_status(status, NULL))
		g_error("%s: %s", command, errors);
	return output;
}

guint64 elf_maker_address(const char *dir, const char *file, const char *symbol)
{
	g_autofree char *command = g_strdup_printf("nm %s", file);
	g_autofree char *output = elf_maker_run(dir, command);
	g_auto(GStrv) lines = g_strsplit(output, "\n", 0);

	for (guint i = 0; lines[i]; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 0);

		if (g_strv_length(words) == 3 && !strcmp(words[2], symbol))
			return g_ascii_strtoull(words[0], NULL, 16);
	}
	g_error("%s has no symbol %s", file, symbol);
}

GBytes *elf_maker_build_id(const char *dir, const char *file)
{
	g_autofree char *command = g_strdup_printf("readelf -n %s", file);
	g_autofree char *output = elf_maker_run(dir, command);
	const char *hex = strstr(output, "Build ID: ");
	GByteArray *id = g_byte_array_new();

	g_assert_nonnull(hex);
	for (hex += strlen("Build ID: "); g_ascii_isxdigit(hex[0]); hex += 2) {
		guint8 byte =
			(guint8)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));

		g_byte_array_append(id, &byte, 1);
	}
	return g_byte_array_free_to_bytes(id);
}
