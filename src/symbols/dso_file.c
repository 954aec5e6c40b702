/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The places where the file may be, in the order in which they are tried:
 *
 *	SYMFS/PATH, or PATH without --symfs
 *	/proc/PID/root/PATH and /proc/PID/exe, without --symfs: what a process that still lives
 *		has, in a container or after it was removed
 *	perf's cache: ~/.debug/.build-id/ab/cdef../elf
 *	by build-id: /usr/lib/debug/.build-id/ab/cdef...debug, below SYMFS first
 *
 * The last is used only when it still has its code. A debug file proper has not,
 * and no longer says which offset in the file an address had: that would be a guess.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "symbols/dso_file.h"

#include "base/file_write.h"
#include "base/mount.h"
#include "symbols/dso_error.h"
#include "symbols/recorded_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void dso_file_cut_deleted(char *name)
{
	static const char deleted[] = " (deleted)";

	if (g_str_has_suffix(name, deleted))
		name[strlen(name) - strlen(deleted)] = 0;
}

char *dso_file_cache(const struct dso_options *options)
{
	return options->buildid_dir ? g_strdup(options->buildid_dir)
				    : g_build_filename(g_get_home_dir(), ".debug", NULL);
}

static bool has_recorded_build_id(const struct elf_file *elf, const char *path,
				  const struct build_id *recorded, GError **error)
{
	const struct build_id *found = elf_file_build_id(elf);
	g_autofree char *found_hex = build_id_to_string(found);
	g_autofree char *recorded_hex = build_id_to_string(recorded);

	if (build_id_equal(found, recorded))
		return true;
	g_set_error(error, DSO_ERROR, DSO_OTHER_BUILD_ID,
		    "%s is not the file that was recorded: its build-id is %s, the recorded one "
		    "%s; give a directory with the recorded one, --symfs DIR",
		    path, found_hex, recorded_hex);
	return false;
}

static bool has_recorded_inode(const struct elf_file *elf, const char *path,
			       const struct dso_identity *identity,
			       const struct dso_options *options, GError **error)
{
	const struct stat *st = elf_file_stat(elf);
	const char *found;

	if (!identity->has_inode)
		found = "neither build-id nor inode were recorded";
	else if (major(st->st_dev) != identity->major || minor(st->st_dev) != identity->minor ||
		 st->st_ino != identity->inode)
		found = "no build-id was recorded, and its inode is not the recorded one";
	else if (options->recorded_s > 0 && st->st_mtime > options->recorded_s)
		found = "no build-id was recorded, and it was changed since";
	else
		return true;
	g_set_error(error, DSO_ERROR, DSO_NOT_CHECKED,
		    "cannot tell whether %s is the file that was recorded: %s; if you know that a "
		    "directory has the recorded one, give it, --symfs DIR",
		    path, found);
	return false;
}

/* Hands `elf` (NULL: could not be opened) back if it is the recorded file, and frees it otherwise.
 */
static struct elf_file *check(struct elf_file *elf, const char *path,
			      const struct dso_identity *identity,
			      const struct dso_options *options, GError **error)
{
	const struct build_id recorded = build_id_of(identity->build_id, identity->build_id_size);
	bool same;

	if (!elf)
		return NULL;
	if (recorded.size)
		same = has_recorded_build_id(elf, path, &recorded, error);
	else
		same = options->symfs || has_recorded_inode(elf, path, identity, options, error);
	if (same && elf_file_has_no_code(elf)) {
		g_set_error(error, DSO_ERROR, DSO_UNREADABLE,
			    "of %s there is only the debug file %s, which does not tell where in "
			    "the file its code was; give a directory with the file itself, "
			    "--symfs DIR",
			    identity->path, path);
		same = false;
	}
	if (!same)
		g_clear_pointer(&elf, elf_file_free);
	return elf;
}

/*
 * Takes `path`, which is below `root`; where it is is then in `found` if it is the recorded file.
 * Of the errors the first is kept, unless it says only that there is no file.
 */
static struct elf_file *try_other(const char *root, char *path, const struct dso_identity *identity,
				  const struct dso_options *options,
				  const struct debug_search *search, char **found, GError **first)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *name = recorded_file_name(root, path);
	struct elf_file *elf = check(elf_file_open_recorded(root, path, search, &error), name,
				     identity, options, &error);

	g_free(path);
	if (elf) {
		*found = g_steal_pointer(&name);
		return elf;
	}
	if (g_error_matches(*first, DSO_ERROR, DSO_NO_FILE) &&
	    !g_error_matches(error, DSO_ERROR, DSO_NO_FILE))
		g_clear_error(first);
	if (!*first)
		*first = g_steal_pointer(&error);
	return NULL;
}

static char *path_of(const struct dso_identity *identity)
{
	char *path = g_strdup(identity->path);

	dso_file_cut_deleted(path);
	return path;
}

/* Nobody named this process, so what it has must not make us wait. */
static bool is_served_by_user(const char *path, pid_t pid)
{
	const int fd = open(path, O_PATH | O_CLOEXEC);
	const bool served = fd < 0 || mount_is_served(pid, fd);

	if (fd >= 0)
		close(fd);
	return served;
}

/* In a container, or behind chroot(): with our own root directory the file was looked for. */
static bool has_other_root(const char *root)
{
	g_autofree char *path = g_file_read_link(root, NULL);
	const int own = open("/", O_PATH | O_CLOEXEC), its = open(root, O_PATH | O_CLOEXEC);
	const bool other =
		its >= 0 && path && (strcmp(path, "/") || mount_of(own) != mount_of(its));

	if (own >= 0)
		close(own);
	if (its >= 0)
		close(its);
	return other;
}

/* The file is its program, which may have been removed or replaced since. */
static bool is_program(const char *exe, const char *path)
{
	g_autofree char *program = g_file_read_link(exe, NULL);

	if (program)
		dso_file_cut_deleted(program);
	return program && !strcmp(program, path);
}

/* What a process that still lives has; it may also be another one with the same number. */
static struct elf_file *try_process(const struct dso_identity *identity,
				    const struct dso_options *options,
				    const struct debug_search *search, char **found, GError **first)
{
	const pid_t pid = (pid_t)identity->pid;
	g_autofree char *root = g_strdup_printf("/proc/%d/root", pid);
	g_autofree char *exe = g_strdup_printf("/proc/%d/exe", pid);
	g_autofree char *path = path_of(identity);
	struct elf_file *elf = NULL;

	if (has_other_root(root) && !is_served_by_user(root, pid))
		elf = try_other(root, g_strdup(path), identity, options, search, found, first);
	if (elf || !is_program(exe, path) || is_served_by_user(exe, pid))
		return elf;
	elf = check(elf_file_open(exe, search, NULL), exe, identity, options, NULL);
	if (elf)
		*found = g_steal_pointer(&exe);
	return elf;
}

/* What can be done about a file that is nowhere. */
static void add_advice(const struct dso_identity *identity, GError *error)
{
	g_autofree char *root = g_strdup_printf("/proc/%" PRIu32 "/root/.", identity->pid);
	const bool may_not = access(root, X_OK) && errno == EACCES;
	char *message;

	if (may_not)
		message = g_strdup_printf("%s; process %" PRIu32 ", which may have it in a "
					  "container, still runs: report as root, or as its user",
					  error->message, identity->pid);
	else
		message =
			g_strdup_printf("%s; colo-perf record keeps a copy of a program that is in "
					"a container or was removed",
					error->message);
	g_free(error->message);
	error->message = message;
}

struct elf_file *dso_file_find(const struct dso_identity *identity,
			       const struct dso_options *options, const struct debug_search *search,
			       char **path, GError **error)
{
	const struct build_id id = build_id_of(identity->build_id, identity->build_id_size);
	GError *first = NULL;
	struct elf_file *elf = NULL;

	/* "[heap]", "memfd:..", "anon_inode:..": nothing of the file system. */
	if (identity->path[0] == '/')
		elf = try_other(options->symfs, path_of(identity), identity, options, search, path,
				&first);
	else
		g_set_error(&first, DSO_ERROR, DSO_NO_FILE, "%s is no file", identity->path);
	if (!elf && identity->path[0] == '/' && identity->pid && !options->symfs)
		elf = try_process(identity, options, search, path, &first);
	if (!elf && id.size)
		elf = try_other(search->buildid_dir, build_id_path("", &id, "/elf"), identity,
				options, search, path, &first);
	if (!elf && id.size && options->symfs)
		elf = try_other(options->symfs, build_id_path(DEBUG_DIR, &id, ".debug"), identity,
				options, search, path, &first);
	if (!elf && id.size)
		elf = try_other(NULL, build_id_path(DEBUG_DIR, &id, ".debug"), identity, options,
				search, path, &first);
	if (elf)
		g_clear_error(&first);
	else if (g_error_matches(first, DSO_ERROR, DSO_NO_FILE) && identity->path[0] == '/' &&
		 !options->symfs)
		add_advice(identity, first);
	if (!elf)
		g_propagate_error(error, first);
	return elf;
}

/* A copy of what the kernel mapped into this process, as a file; -1 when it mapped none. */
static int copy_own_vdso(void)
{
	const uint8_t *image = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	ElfW(Ehdr) ehdr;
	size_t size;
	int fd;

	if (!image)
		return -1;
	memcpy(&ehdr, image, sizeof(ehdr));
	/* The section headers are the last thing in it. */
	size = ehdr.e_shoff + (size_t)ehdr.e_shnum * ehdr.e_shentsize;
	fd = memfd_create("vdso", MFD_CLOEXEC);
	if (fd >= 0 && !file_write_all(fd, image, size)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The kernel has one image for processes of 64 bits, and others for those of 32. */
static bool is_of_our_size(const struct dso_identity *identity)
{
	return identity->in_64_bit == (sizeof(void *) == sizeof(uint64_t));
}

/* Our own, in `fd`, if it is the recorded one. */
static struct elf_file *try_own_vdso(const struct dso_identity *identity, bool is_known,
				     const struct debug_search *search, int *fd, char **path)
{
	static const struct dso_options no_options;
	struct elf_file *elf;

	*fd = copy_own_vdso();
	if (*fd < 0)
		return NULL;
	*path = g_strdup_printf("/proc/self/fd/%d", *fd);
	elf = elf_file_open(*path, search, NULL);
	if (!is_known)
		elf = check(elf, *path, identity, &no_options, NULL);
	if (elf)
		return elf;
	g_clear_pointer(path, g_free);
	close(*fd);
	*fd = -1;
	return NULL;
}

struct elf_file *dso_file_find_vdso(const struct dso_identity *identity, bool same_kernel,
				    const struct debug_search *search, int *fd, char **path,
				    GError **error)
{
	static const struct dso_options no_options;
	const struct build_id id = build_id_of(identity->build_id, identity->build_id_size);
	const bool is_known = !id.size && same_kernel && is_of_our_size(identity);
	struct elf_file *elf = NULL;

	*fd = -1;
	if (!id.size && !is_known) {
		g_set_error(error, DSO_ERROR, DSO_NOT_CHECKED,
			    "cannot tell whether this machine's vDSO is the one that was recorded: "
			    "no build-id of it was recorded%s",
			    same_kernel ? ""
					: ", and the recorded kernel is not known to be this one");
		return NULL;
	}
	elf = try_own_vdso(identity, is_known, search, fd, path);
	if (elf)
		return elf;
	*path = build_id_path(search->buildid_dir, &id, "/vdso");
	elf = check(elf_file_open(*path, search, NULL), *path, identity, &no_options, NULL);
	if (!elf) {
		g_autofree char *hex = build_id_to_string(&id);

		g_set_error(error, DSO_ERROR, DSO_OTHER_BUILD_ID,
			    "this machine's vDSO is not the one that was recorded, whose build-id "
			    "is %s, and that is not in %s",
			    hex, *path);
		g_clear_pointer(path, g_free);
	}
	return elf;
}
