/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What /sys says of the kernel and its modules.
 */
#include "symbols/kernel_module.h"

#include <string.h>

#define KERNEL_NOTES "/sys/kernel/notes"

char *kernel_module_name(const char *path)
{
	g_autofree char *file = g_path_get_basename(path);
	const char *begin = file[0] == '[' ? file + 1 : file;
	const char *end = strstr(begin, ".ko");

	if (!end || (end[3] && end[3] != '.'))
		end = begin + strcspn(begin, "]");
	return g_strdelimit(g_strndup(begin, (gsize)(end - begin)), "-", '_');
}

struct build_id kernel_module_build_id(const char *name)
{
	g_autofree char *path = g_strdup_printf("/sys/module/%s/notes/.note.gnu.build-id", name);

	return build_id_of_notes(path);
}

struct build_id kernel_build_id(void)
{
	return build_id_of_notes(KERNEL_NOTES);
}
