/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads /proc.
 */
#include "base/mount.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mount_of(int fd)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", fd);
	g_autofree char *text = NULL;
	const char *field;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return -1;
	field = strstr(text, "mnt_id:");
	return field ? (int)strtol(field + strlen("mnt_id:"), NULL, 10) : -1;
}

/* "ID PARENT DEVICE ROOT PLACE OPTIONS [MORE]... - TYPE SOURCE OPTIONS", proc(5). */
char *mount_type(pid_t pid, int mount)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/mountinfo", pid);
	char *line = NULL, *type = NULL;
	FILE *file = fopen(path, "re");
	size_t size = 0;

	while (file && !type && getline(&line, &size, file) > 0) {
		const char *field = strstr(line, " - ");

		if (field && strtol(line, NULL, 10) == mount) {
			field += strlen(" - ");
			type = g_strndup(field, strcspn(field, " "));
		}
	}
	if (file)
		fclose(file);
	free(line);
	return type;
}

bool mount_is_served(pid_t pid, int fd)
{
	g_autofree char *type = mount_type(pid, mount_of(fd));

	return !type || g_str_has_prefix(type, "fuse");
}
