/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Modes say it all: an access list shows in the bits of the group (acl(5), the mask).
 */
#define _GNU_SOURCE
#include "probes/trust.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

#define WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)
#define MAX_STATUS	   (64 << 10) /* bytes of /proc/PID/status */

/* --- Paths --- */

static bool is_trusted_user(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static bool is_fixed_directory(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISDIR(status.st_mode) && is_trusted_user(status.st_uid) &&
	       !(status.st_mode & WRITABLE_BY_OTHERS);
}

static bool is_file(int fd, const struct stat *file)
{
	struct stat status;

	return !fstat(fd, &status) && status.st_dev == file->st_dev &&
	       status.st_ino == file->st_ino;
}

bool trust_is_fixed_path(const char *path, const struct stat *file)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	bool fixed = *path == '/';
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* Each directory is looked at before anything in it is: a link is none. */
	for (char **name = names; fixed && *name; name++) {
		int next;

		if (!**name)
			continue;
		fixed = is_fixed_directory(fd) && strcmp(*name, ".") && strcmp(*name, "..");
		if (!fixed)
			break;
		next = openat(fd, *name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		fixed = next >= 0;
		close(fd);
		fd = next;
	}
	fixed = fixed && is_file(fd, file);
	if (fd >= 0)
		close(fd);
	return fixed;
}

/* --- Who could change a program --- */

/* Those besides root and us. */
struct changers {
	bool owner, group, anybody;
};

/*
 * The group that many distributions give each user, with the same name and nobody else in it: then
 * 0775 is as good as 0755. With an access list the group's bits stand for others too.
 */
static bool is_private_group(const struct program *program)
{
	const struct passwd *user = getpwuid(program->status.st_uid);
	g_autofree char *name = user ? g_strdup(user->pw_name) : NULL;
	const gid_t gid = program->status.st_gid;
	const struct group *group;

	if (!user || user->pw_gid != gid ||
	    fgetxattr(program->fd, "system.posix_acl_access", NULL, 0) >= 0)
		return false;
	group = getgrgid(gid);
	if (!group || strcmp(group->gr_name, name))
		return false;
	for (char **member = group->gr_mem; *member; member++)
		if (strcmp(*member, name))
			return false;
	return true;
}

static struct changers changers_of(const struct program *program)
{
	const mode_t mode = program->status.st_mode;

	return (struct changers){
		.owner = !is_trusted_user(program->status.st_uid),
		.group = (mode & S_IWGRP) && !is_private_group(program),
		.anybody = mode & S_IWOTH,
	};
}

static bool is_changed_by_any(const struct changers *changers)
{
	return changers->owner || changers->group || changers->anybody;
}

/* For people; the caller frees it. */
static char *describe_changers(const struct program *program, const struct changers *changers)
{
	if (changers->anybody)
		return g_strdup("anybody");
	if (changers->group)
		return g_strdup_printf("group %u", program->status.st_gid);
	return g_strdup_printf("user %u", program->status.st_uid);
}

static bool refuse(const struct program *program, const struct changers *changers, pid_t pid,
		   const char *whose, GError **error)
{
	g_autofree char *who = describe_changers(program, changers);

	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "%s can change %s, and so could choose where breakpoints go in process %d, "
		    "%s: let only root write to that file (chown root, chmod go-w), or take the "
		    "risk with --trust-program",
		    who, program->path, pid, whose);
	return false;
}

/* --- Whose processes run it --- */

#define N_UIDS 4 /* real, effective, saved, for files */

/* False with errno. */
static bool uids_of(pid_t pid, uid_t uids[N_UIDS])
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", pid);
	g_autofree char *text = g_malloc(MAX_STATUS);
	const char *line;
	ssize_t size;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	size = read(fd, text, MAX_STATUS - 1);
	close(fd);
	if (size < 0)
		return false;
	text[size] = '\0';
	line = strstr(text, "\nUid:");
	if (line &&
	    sscanf(line, " Uid: %u %u %u %u", &uids[0], &uids[1], &uids[2], &uids[3]) == N_UIDS)
		return true;
	errno = ESRCH;
	return false;
}

static bool check_uids(const struct program *program, const struct changers *changers, pid_t pid,
		       GError **error)
{
	uid_t uids[N_UIDS];

	if (!uids_of(pid, uids)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot see whose process %d is: %s", pid, g_strerror(errno));
		return false;
	}
	for (guint i = 0; i < N_UIDS; i++) {
		const bool is_owners = uids[i] == program->status.st_uid;
		g_autofree char *whose = g_strdup_printf("which runs as user %u", uids[i]);

		if (!is_owners || changers->group || changers->anybody)
			return refuse(program, changers, pid, whose, error);
	}
	return true;
}

bool trust_check_process(const struct program *program, pid_t pid, GError **error)
{
	const struct changers changers = changers_of(program);

	return !is_changed_by_any(&changers) || check_uids(program, &changers, pid, error);
}

/* --- Which processes run it --- */

/* "ADDRESS-END PROTECTION OFFSET DEVICE INODE PATH", proc(5). The caller frees "DEVICE INODE". */
static char *file_of_mapping(const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 6);

	if (g_strv_length(words) < 5)
		return NULL;
	return g_strdup_printf("%s %.*s", words[3], (int)strcspn(words[4], "\n"), words[4]);
}

/*
 * True once `visit` is, for one line of /proc/PID/maps; false with errno 0 when it never was, else
 * when they cannot be read.
 */
static bool find_mapping(pid_t pid, bool (*visit)(const char *line, const void *data),
			 const void *data)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/maps", pid);
	g_autofree char *line = NULL;
	FILE *file = fopen(path, "re");
	bool found = false;
	size_t size = 0;
	int code;

	if (!file)
		return false;
	errno = 0;
	while (!found && getline(&line, &size, file) > 0)
		found = visit(line, data);
	code = errno;
	fclose(file);
	errno = code;
	return found;
}

struct own_mapping {
	const void *address;
	char **file; /* Owned by this: as of file_of_mapping() */
};

static bool is_own_mapping(const char *line, const void *data)
{
	const struct own_mapping *own = data;

	if (strtoull(line, NULL, 16) != (guintptr)own->address)
		return false;
	*own->file = file_of_mapping(line);
	return true;
}

/*
 * How /proc/PID/maps names the program's file, which on some file systems is not what stat() says;
 * the caller frees it. NULL with `error`.
 */
static char *mapped_name(const struct program *program, GError **error)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *address = mmap(NULL, size, PROT_READ, MAP_PRIVATE, program->fd, 0);
	char *name = NULL;
	const struct own_mapping own = {.address = address, .file = &name};

	if (address != MAP_FAILED) {
		find_mapping(getpid(), is_own_mapping, &own);
		munmap(address, size);
	}
	if (!name)
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot see which processes run %s", program->path);
	return name;
}

static bool is_of_file(const char *line, const void *data)
{
	g_autofree char *name = file_of_mapping(line);

	return !g_strcmp0(name, data);
}

/*
 * False with `error` when the process runs the program and may not. One that cannot be seen is put
 * into `unseen`; one that has ended meanwhile does not matter.
 */
static bool check_one(const struct program *program, const struct changers *changers,
		      const char *mapped, pid_t pid, pid_t *unseen, GError **error)
{
	uid_t uids[N_UIDS];

	if (find_mapping(pid, is_of_file, mapped))
		return !uids_of(pid, uids) || check_uids(program, changers, pid, error);
	if (errno && errno != ENOENT && errno != ESRCH)
		*unseen = pid;
	return true;
}

bool trust_check_all_processes(const struct program *program, GError **error)
{
	const struct changers changers = changers_of(program);
	g_autoptr(GDir) proc = NULL;
	g_autofree char *mapped = NULL;
	const char *entry;
	pid_t unseen = 0;
	guint64 pid;

	if (!is_changed_by_any(&changers))
		return true;
	mapped = mapped_name(program, error);
	proc = mapped ? g_dir_open("/proc", 0, error) : NULL;
	if (!proc)
		return false;
	while ((entry = g_dir_read_name(proc)))
		if (g_ascii_string_to_unsigned(entry, 10, 1, G_MAXINT32, &pid, NULL) &&
		    (pid_t)pid != getpid() &&
		    !check_one(program, &changers, mapped, (pid_t)pid, &unseen, error))
			return false;
	return !unseen || refuse(program, &changers, unseen, "whose files you may not see", error);
}
