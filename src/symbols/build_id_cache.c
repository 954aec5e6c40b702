/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The file may belong to somebody who means harm and changes it meanwhile: it is read, never
 * mapped, no more of it than there was, and the copy must have the build-id.
 */
#include "symbols/build_id_cache.h"

#include "base/error.h"
#include "base/file_write.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN_DIRECTORY "colo-perf"
#define PIECE	      (1 << 20) /* bytes that are copied at a time */

static bool fail_errno(GError **error, const char *what, const char *path)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot %s %s: %s", what, path,
		    g_strerror(errno));
	return false;
}

bool build_id_cache_is_own(const char *cache)
{
	g_autofree char *parent = g_path_get_dirname(cache);
	struct stat st;

	if (lstat(cache, &st) && (errno != ENOENT || stat(parent, &st)))
		return false;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
}

static bool copy_bytes(int from, int to, uint64_t size)
{
	g_autofree char *piece = g_malloc(PIECE);

	for (uint64_t at = 0; at < size;) {
		const ssize_t got = pread(from, piece, MIN(PIECE, size - at), (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || !file_write_all(to, piece, (size_t)got))
			return false;
		at += (uint64_t)got;
	}
	return true;
}

/* Into a file that appears when it is whole. */
static bool copy_file(int fd, uint64_t size, const struct build_id *id, const char *path,
		      GError **error)
{
	g_autofree char *part = g_strdup_printf("%s.part.%d", path, getpid());
	const int to = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct build_id found;
	bool copied;

	if (to < 0)
		return fail_errno(error, "write", part);
	errno = 0;
	copied = copy_bytes(fd, to, size);
	if (!copied)
		fail_errno(error, "copy a program to", path);
	found = build_id_of_elf(to);
	if (copied && !build_id_equal(&found, id)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot copy a program to %s: it was changed meanwhile", path);
		copied = false;
	}
	close(to);
	if (copied && !g_rename(part, path))
		return true;
	if (copied)
		fail_errno(error, "rename", part);
	g_unlink(part);
	return false;
}

/* No path: its last part, of characters that have no meaning anywhere. */
static char *plain_name(const char *name)
{
	g_autofree char *base = g_path_get_basename(name);

	g_strcanon(base, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._+-", '_');
	return base[0] == '.' ? g_strdup_printf("_%s", base) : g_steal_pointer(&base);
}

int64_t build_id_cache_add(const char *cache, const struct build_id *id, const char *name, int fd,
			   uint64_t most, GError **error)
{
	g_autofree char *hex = build_id_to_string(id);
	g_autofree char *plain = plain_name(name);
	g_autofree char *link = build_id_path(cache, id, "");
	g_autofree char *linked = g_build_filename(link, "elf", NULL);
	g_autofree char *target = g_build_filename("..", "..", OWN_DIRECTORY, plain, hex, NULL);
	g_autofree char *directory = g_build_filename(cache, OWN_DIRECTORY, plain, hex, NULL);
	g_autofree char *path = g_build_filename(directory, "elf", NULL);
	g_autofree char *link_directory = g_path_get_dirname(link);
	struct stat st;

	if (!access(linked, F_OK))
		return 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > most) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "%s is too large", name);
		return -1;
	}
	if (g_mkdir_with_parents(directory, 0700) || g_mkdir_with_parents(link_directory, 0700)) {
		fail_errno(error, "make", directory);
		return -1;
	}
	if (!copy_file(fd, (uint64_t)st.st_size, id, path, error))
		return -1;
	if (symlink(target, link) && errno != EEXIST) {
		fail_errno(error, "make", link);
		return -1;
	}
	return st.st_size;
}
