/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Walks along a path name by name, and follows links itself: only so a directory is looked at
 * before anything below it is asked for, which is when an automounter mounts.
 */
#define _GNU_SOURCE /* O_PATH */
#include "symbols/recorded_file.h"

#include "base/mount.h"
#include "symbols/dso.h"
#include "symbols/dso_error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_LINKS 40 /* as the kernel */

/*
 * File systems on which programs are kept. All others are refused, as no list of those that answer
 * a read with something else than the bytes of a file (proc, sysfs, tracefs, ...) would be
 * complete. A network file system may make a reader wait, as it makes `ls` wait; programs and homes
 * are there.
 */
static const struct file_system {
	uint32_t magic;
	/*
	 * FUSE: a process answers, perhaps one of a user who is not trusted. What the root
	 * directory itself is on is: containers and virtual machines begin there.
	 */
	bool only_of_root;
} ordinary[] = {
	{EXT4_SUPER_MAGIC, false}, /* and ext2, ext3 */
	{XFS_SUPER_MAGIC, false},
	{BTRFS_SUPER_MAGIC, false},
	{F2FS_SUPER_MAGIC, false},
	{0x2fc12fc1, false}, /* ZFS */
	{0xca451a4e, false}, /* bcachefs */
	{0x3153464a, false}, /* JFS */
	{REISERFS_SUPER_MAGIC, false},
	{NILFS_SUPER_MAGIC, false},
	{TMPFS_MAGIC, false},
	{RAMFS_MAGIC, false},
	{OVERLAYFS_SUPER_MAGIC, false},
	{ECRYPTFS_SUPER_MAGIC, false},
	{SQUASHFS_MAGIC, false},
	{EROFS_SUPER_MAGIC_V1, false},
	{CRAMFS_MAGIC, false},
	{ISOFS_SUPER_MAGIC, false},
	{UDF_SUPER_MAGIC, false},
	{MSDOS_SUPER_MAGIC, false},
	{EXFAT_SUPER_MAGIC, false},
	{0x5346544e, false}, /* NTFS */
	{NFS_SUPER_MAGIC, false},
	{CIFS_SUPER_MAGIC, false},
	{SMB2_SUPER_MAGIC, false},
	{CEPH_SUPER_MAGIC, false},
	{AFS_SUPER_MAGIC, false},
	{AFS_FS_MAGIC, false},
	{0x0bd00bd0, false}, /* Lustre */
	{0x01161970, false}, /* GFS2 */
	{OCFS2_SUPER_MAGIC, false},
	{V9FS_MAGIC, false},
	{FUSE_SUPER_MAGIC, true},
};

struct walk {
	const char *root;
	int root_mount;	   /* the number of the mount that it is on */
	int mount;	   /* of the last file system that is known to be no user's */
	int at;		   /* Owned by this: what was reached, opened with O_PATH */
	struct stat st;	   /* of it */
	GPtrArray *behind; /* Owned by this: the names from the root to it (owned) */
	GQueue ahead;	   /* the names that are still to be walked (owned) */
	guint links;
};

static bool is_ordinary(const struct walk *walk)
{
	struct statfs fs;

	if (fstatfs(walk->at, &fs))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(ordinary); i++) {
		if ((uint32_t)fs.f_type == ordinary[i].magic)
			return !ordinary[i].only_of_root || mount_of(walk->at) == walk->root_mount;
	}
	return false;
}

/* A process that sees the mounts below the root directory: in a container they are others. */
static pid_t pid_of_root(const char *root)
{
	int pid;

	return sscanf(root, "/proc/%d/root", &pid) == 1 ? pid : getpid();
}

/*
 * The file system of what was reached is not served by a user's program (FUSE), or is the root
 * directory's own. It is not asked itself: it may never answer.
 */
static bool may_ask(struct walk *walk)
{
	const int mount = mount_of(walk->at);
	g_autofree char *type = NULL;

	if (mount == walk->mount || mount == walk->root_mount)
		return true;
	type = mount_type(pid_of_root(walk->root), mount);
	if (!type || g_str_has_prefix(type, "fuse"))
		return false;
	walk->mount = mount;
	return true;
}

/* Takes the descriptor, which may be -1 with errno. */
static bool arrive(struct walk *walk, int fd)
{
	const int saved = errno;

	if (walk->at >= 0)
		close(walk->at);
	walk->at = fd;
	errno = saved;
	return fd >= 0 && may_ask(walk) && !fstat(fd, &walk->st);
}

static bool enter(struct walk *walk, const char *name)
{
	return arrive(walk, openat(walk->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

/* The user named the root directory, so it may be a link, and one of /proc. */
static bool enter_root(struct walk *walk)
{
	const int fd = open(walk->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		walk->root_mount = mount_of(fd);
	return arrive(walk, fd);
}

/* Not "..", which leaves the root when a directory is moved at that moment. */
static bool go_back(struct walk *walk)
{
	if (walk->behind->len)
		g_ptr_array_remove_index(walk->behind, walk->behind->len - 1);
	if (!enter_root(walk))
		return false;
	for (guint i = 0; i < walk->behind->len; i++) {
		if (!enter(walk, walk->behind->pdata[i]) || !S_ISDIR(walk->st.st_mode) ||
		    !is_ordinary(walk))
			return false;
	}
	return true;
}

/* Puts the names of a path in front of those that are ahead. */
static void put_ahead(struct walk *walk, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);

	for (guint i = g_strv_length(names); i > 0; i--) {
		if (*names[i - 1])
			g_queue_push_head(&walk->ahead, g_strdup(names[i - 1]));
	}
}

/* The link is what was reached; its target is walked from the directory that it is in. */
static bool follow_link(struct walk *walk)
{
	char target[PATH_MAX];
	const ssize_t size = readlinkat(walk->at, "", target, sizeof(target));

	if (size <= 0 || size == sizeof(target) || ++walk->links > MAX_LINKS)
		return false;
	target[size] = 0;
	put_ahead(walk, target);
	if (target[0] == '/')
		g_ptr_array_set_size(walk->behind, 0);
	else
		/* As go_back() takes one name off. */
		return go_back(walk);
	return enter_root(walk);
}

static bool step(struct walk *walk, const char *name)
{
	if (!strcmp(name, "."))
		return true;
	if (!strcmp(name, ".."))
		return go_back(walk);
	if (!enter(walk, name) || !is_ordinary(walk))
		return false;
	g_ptr_array_add(walk->behind, g_strdup(name));
	return S_ISLNK(walk->st.st_mode) ? follow_link(walk) : true;
}

/* False with errno when something on the way is not there, or is not taken (0). */
static bool walk_along(struct walk *walk, const char *path)
{
	if (!enter_root(walk))
		return false;
	put_ahead(walk, path);
	while (walk->ahead.length) {
		g_autofree char *name = g_queue_pop_head(&walk->ahead);

		errno = 0;
		if (!S_ISDIR(walk->st.st_mode) || !step(walk, name))
			return false;
	}
	return true;
}

/* Opens what was reached itself, and not what is now at its path. */
static int open_reached(const struct walk *walk)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", walk->at);

	errno = 0;
	if (!S_ISREG(walk->st.st_mode) || !is_ordinary(walk))
		return -1;
	return open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

char *recorded_file_name(const char *root, const char *path)
{
	return g_strconcat(root ? root : "", path, NULL);
}

void recorded_file_set_error(const char *root, const char *path, GError **error)
{
	g_autofree char *name = recorded_file_name(root, path);

	g_set_error(error, DSO_ERROR, DSO_NO_FILE,
		    "%s is no program or library that can be read here; give a directory with the "
		    "recorded files, --symfs DIR",
		    name);
}

/* Whether the reason says nothing about the path. */
static bool is_our_own(int reason)
{
	return reason == EMFILE || reason == ENFILE || reason == ENOMEM;
}

int recorded_file_open(const char *root, const char *path, struct stat *st, GError **error)
{
	struct walk walk = {
		.root = root ? root : "/",
		.root_mount = -1,
		.mount = -1,
		.at = -1,
		.behind = g_ptr_array_new_with_free_func(g_free),
	};
	g_autofree char *name = recorded_file_name(root, path);
	int fd = -1, reason;

	errno = 0;
	if (strlen(path) < PATH_MAX && walk_along(&walk, path))
		fd = open_reached(&walk);
	reason = errno;
	if (fd >= 0 && st)
		*st = walk.st;
	if (walk.at >= 0)
		close(walk.at);
	g_queue_clear_full(&walk.ahead, g_free);
	g_ptr_array_unref(walk.behind);
	if (fd < 0 && is_our_own(reason))
		g_set_error(error, DSO_ERROR, DSO_UNREADABLE, "cannot open %s: %s", name,
			    g_strerror(reason));
	else if (fd < 0)
		recorded_file_set_error(root, path, error);
	return fd;
}
