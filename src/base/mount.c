/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads /proc.
 */
#define _GNU_SOURCE /* statx() */
#include "base/mount.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* From before Linux 5.8. */
static int mount_of_fdinfo(int fd)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", fd);
	g_autofree char *text = NULL;
	const char *field;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return -1;
	field = strstr(text, "mnt_id:");
	return field ? (int)strtol(field + strlen("mnt_id:"), NULL, 10) : -1;
}

int mount_of(int fd)
{
	struct statx status;

	/* Of the kernel's own knowledge, without a word to the file system. */
	if (!statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &status) &&
	    status.stx_mask & STATX_MNT_ID)
		return (int)status.stx_mnt_id;
	return mount_of_fdinfo(fd);
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
