/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads /proc/PID/maps. A file is opened by /proc/PID/map_files, which leads to the very file that
 * is mapped, wherever it is; who may not use that (CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN) by its
 * path in the process's root.
 */
#define _GNU_SOURCE /* O_PATH */
#include "record_files.h"

#include "base/hash.h"
#include "base/mount.h"
#include "perfdata/perf_completion.h"
#include "symbols/build_id_cache.h"
#include "symbols/dso_file.h"
#include "symbols/kernel_module.h"
#include "symbols/recorded_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Of hostile processes: others have some hundred at the most. */
#define MAX_FILES     512
#define MAX_MAPS_SIZE (16 << 20) /* bytes */

#define MAX_COPY   (UINT64_C(512) << 20) /* bytes, of one file */
#define MAX_COPIES (UINT64_C(2) << 30)	 /* bytes, of all */

#define KERNEL_PREFIX "[kernel."

struct file {
	uint32_t major, minor; /* as /proc/PID/maps and the recording have them */
	uint64_t inode;
	int fd; /* Owned by this; -1: it cannot be opened */
	struct build_id build_id;
};

struct record_files {
	GHashTable *files; /* Owned by this: struct file (owned), to itself */
};

static guint hash_file(gconstpointer data)
{
	const struct file *file = data;

	return (guint)hash_u64(file->inode ^ (uint64_t)file->major << 52 ^
			       (uint64_t)file->minor << 32);
}

static gboolean equal_files(gconstpointer a, gconstpointer b)
{
	const struct file *one = a, *two = b;

	return one->inode == two->inode && one->major == two->major && one->minor == two->minor;
}

static void file_free(gpointer data)
{
	struct file *file = data;

	if (file->fd >= 0)
		close(file->fd);
	g_free(file);
}

struct record_files *record_files_new(void)
{
	struct record_files *files = g_new0(struct record_files, 1);

	files->files = g_hash_table_new_full(hash_file, equal_files, file_free, NULL);
	return files;
}

void record_files_free(struct record_files *files)
{
	if (!files)
		return;
	g_hash_table_unref(files->files);
	g_free(files);
}

/* --- Looking --- */

/*
 * The file at `path` is looked at before it is opened for reading: it may be a device by now, or
 * lie where a process of the user's answers, or does not. -1 when it is not read.
 */
static int open_regular(const char *path, pid_t pid, struct stat *st)
{
	const int at = open(path, O_PATH | O_CLOEXEC);
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", at);
	int fd = -1;

	if (at < 0)
		return -1;
	if (!mount_is_served(pid, at) && !fstat(at, st) && S_ISREG(st->st_mode))
		fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	close(at);
	return fd;
}

/* What is at a path may be another file than the mapped one. Takes the descriptor. */
static int check_mapped(int fd, const struct stat *st, const struct file *wanted)
{
	if (fd < 0 || (st->st_ino == wanted->inode && major(st->st_dev) == wanted->major &&
		       minor(st->st_dev) == wanted->minor))
		return fd;
	close(fd);
	return -1;
}

static int open_mapped(pid_t pid, const char *range, const char *path, const struct file *wanted)
{
	g_autofree char *map_file = g_strdup_printf("/proc/%d/map_files/%s", pid, range);
	g_autofree char *root = g_strdup_printf("/proc/%d/root", pid);
	g_autofree char *exe = g_strdup_printf("/proc/%d/exe", pid);
	struct stat st;
	int fd = open_regular(map_file, pid, &st);

	if (fd < 0)
		fd = check_mapped(recorded_file_open(root, path, &st, NULL), &st, wanted);
	return fd >= 0 ? fd : check_mapped(open_regular(exe, pid, &st), &st, wanted);
}

/* "55fc770ae000-55fc770af000 r-xp 00001000 fe:00 11001861    /usr/bin/qemu-system-x86_64" */
static void take_line(struct record_files *files, pid_t pid, const char *line)
{
	struct file wanted = {.fd = -1}, *file;
	char range[64], protection[8];
	int path_at = 0;

	if (sscanf(line, "%63s %7s %*x %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n", range, protection,
		   &wanted.major, &wanted.minor, &wanted.inode, &path_at) != 5 ||
	    !path_at || line[path_at] != '/' || !wanted.inode || !strchr(protection, 'x') ||
	    g_hash_table_size(files->files) == MAX_FILES ||
	    g_hash_table_contains(files->files, &wanted))
		return;
	file = g_memdup2(&wanted, sizeof(wanted));
	file->fd = open_mapped(pid, range, line + path_at, &wanted);
	if (file->fd >= 0)
		file->build_id = build_id_of_elf(file->fd);
	g_hash_table_add(files->files, file);
}

void record_files_look(struct record_files *files, pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/maps", pid);
	FILE *maps = fopen(path, "re");
	char *line = NULL;
	size_t size = 0, read = 0;
	ssize_t got;

	while (maps && read < MAX_MAPS_SIZE && (got = getline(&line, &size, maps)) > 0) {
		line[got - 1] = 0;
		take_line(files, pid, line);
		read += (size_t)got;
	}
	free(line);
	if (maps)
		fclose(maps);
}

/* --- What is known --- */

static const struct file *find(const struct record_files *files,
			       const struct perf_mapped_file *mapped)
{
	const struct file wanted = {
		.major = mapped->major, .minor = mapped->minor, .inode = mapped->inode};

	return mapped->has_inode ? g_hash_table_lookup(files->files, &wanted) : NULL;
}

static struct build_id identify(const struct record_files *files,
				const struct perf_mapped_file *mapped)
{
	const struct file *file;
	g_autofree char *module = NULL;

	if (!mapped->kernel) {
		file = find(files, mapped);
		return file ? file->build_id : (struct build_id){.size = 0};
	}
	if (g_str_has_prefix(mapped->path, KERNEL_PREFIX))
		return kernel_build_id();
	module = kernel_module_name(mapped->path);
	return kernel_module_build_id(module);
}

void record_files_identify(const struct record_files *files, GPtrArray *mapped)
{
	for (guint i = 0; i < mapped->len; i++) {
		struct perf_mapped_file *one = mapped->pdata[i];
		const struct build_id id = identify(files, one);

		memcpy(one->build_id, id.bytes, id.size);
		one->build_id_size = id.size;
	}
}

/* --- Keeping --- */

/* Another file at the path, with the same build-id, is as good. */
static bool is_lost(const struct perf_mapped_file *mapped, const struct file *file)
{
	g_autofree char *path = g_strdup(mapped->path);
	struct build_id found;
	int fd;

	dso_file_cut_deleted(path);
	fd = recorded_file_open(NULL, path, NULL, NULL);
	if (fd < 0)
		return true;
	found = build_id_of_elf(fd);
	close(fd);
	return !build_id_equal(&found, &file->build_id);
}

char *record_files_keep(const struct record_files *files, const GPtrArray *mapped, char **warning)
{
	static const struct dso_options usual;
	g_autofree char *cache = dso_file_cache(&usual);
	const bool may_write = build_id_cache_is_own(cache);
	g_autoptr(GError) error = NULL;
	uint64_t left = MAX_COPIES;
	guint n_lost = 0, n_kept = 0, n_new = 0;

	for (guint i = 0; i < mapped->len; i++) {
		const struct perf_mapped_file *one = mapped->pdata[i];
		const struct file *file = find(files, one);
		g_autofree char *name = g_strdup(one->path);
		int64_t copied = -1;

		if (!file || !file->build_id.size || !is_lost(one, file))
			continue;
		n_lost++;
		dso_file_cut_deleted(name);
		if (may_write)
			copied = build_id_cache_add(cache, &file->build_id, name, file->fd,
						    MIN(MAX_COPY, left), error ? NULL : &error);
		if (copied < 0)
			continue;
		left -= (uint64_t)copied;
		n_kept++;
		n_new += copied > 0;
	}
	if (n_kept < n_lost)
		*warning = g_strdup_printf(
			"%u files that the processes run are not found by their path "
			"from here, and %u of them could not be copied to %s (%s): "
			"report while the processes live, or their functions have no "
			"names",
			n_lost, n_lost - n_kept, cache,
			error ? error->message : "it is not yours alone");
	if (!n_new)
		return NULL;
	return g_strdup_printf("copied %u file%s that the processes run to %s: not found by path "
			       "from here, they would have no names",
			       n_new, n_new == 1 ? "" : "s", cache);
}
