/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * symbols/build_id and symbols/build_id_cache: the build-id of a file that is not trusted, and
 * copies of such files in perf's cache.
 */
#include "lib/elf_maker.h"
#include "symbols/build_id_cache.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1 << 20)

struct fixture {
	char *dir;     /* Owned by this */
	GBytes *known; /* Owned by this: the build-id of "prog", by readelf */
	int fd;	       /* Owned by this: of "prog" */
};

static void set_up(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *path = NULL;

	fixture->dir = elf_maker_new_dir();
	elf_maker_write(fixture->dir, "prog.c", "int main(void) { return 0; }\n");
	g_free(elf_maker_run(fixture->dir, "gcc -Wl,--build-id=sha1 prog.c -o prog"));
	fixture->known = elf_maker_build_id(fixture->dir, "prog");
	path = elf_maker_path(fixture->dir, "prog");
	fixture->fd = open(path, O_RDWR | O_CLOEXEC);
	g_assert_cmpint(fixture->fd, >=, 0);
}

static void tear_down(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	close(fixture->fd);
	g_bytes_unref(fixture->known);
	elf_maker_remove(fixture->dir);
}

static void test_known(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const struct build_id id = build_id_of_elf(fixture->fd);

	g_assert_cmpmem(id.bytes, id.size, g_bytes_get_data(fixture->known, NULL),
			g_bytes_get_size(fixture->known));
}

/* Each byte of the headers and the notes in turn; ASan and a limit of memory look on. */
static void test_damaged(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	for (off_t at = 0; at < 1024; at++) {
		unsigned char byte, other;

		g_assert_cmpint(pread(fixture->fd, &byte, 1, at), ==, 1);
		for (guint bit = 0; bit < 8; bit++) {
			other = byte ^ 1 << bit;
			g_assert_cmpint(pwrite(fixture->fd, &other, 1, at), ==, 1);
			g_assert_cmpuint(build_id_of_elf(fixture->fd).size, <=, DSO_BUILD_ID_MAX);
		}
		g_assert_cmpint(pwrite(fixture->fd, &byte, 1, at), ==, 1);
	}
	for (off_t size = 1024; size >= 0; size -= 16) {
		g_assert_cmpint(ftruncate(fixture->fd, size), ==, 0);
		g_assert_cmpuint(build_id_of_elf(fixture->fd).size, <=, DSO_BUILD_ID_MAX);
	}
}

/* A sparse file with 3 GB of notes. */
static void test_too_many_notes(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	g_assert_cmpint(pread(fixture->fd, &header, sizeof(header), 0), ==, sizeof(header));
	for (guint i = 0; i < header.e_phnum; i++) {
		const off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		g_assert_cmpint(pread(fixture->fd, &segment, sizeof(segment), at), ==,
				sizeof(segment));
		if (segment.p_type != PT_NOTE)
			continue;
		segment.p_filesz = G_GUINT64_CONSTANT(3) << 30;
		g_assert_cmpint(pwrite(fixture->fd, &segment, sizeof(segment), at), ==,
				sizeof(segment));
	}
	g_assert_cmpint(ftruncate(fixture->fd, (off_t)4 << 30), ==, 0);
	g_assert_cmpuint(build_id_of_elf(fixture->fd).size, ==, 0);
}

static void test_cache(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const struct build_id id = build_id_of_elf(fixture->fd);
	g_autofree char *cache = elf_maker_path(fixture->dir, "cache");
	g_autofree char *found = build_id_path(cache, &id, "/elf");
	g_autoptr(GError) error = NULL;
	struct stat st, copy;

	g_assert_true(build_id_cache_is_own(cache));
	/* A name that leads out of it. */
	g_assert_cmpint(build_id_cache_add(cache, &id, "/x/../..", fixture->fd, MIB, &error), >, 0);
	g_assert_no_error(error);
	g_assert_cmpint(fstat(fixture->fd, &st), ==, 0);
	g_assert_cmpint(stat(found, &copy), ==, 0);
	g_assert_cmpint(copy.st_size, ==, st.st_size);
	g_assert_cmpint(copy.st_mode & 0777, ==, 0600);
	/* It is there. */
	g_assert_cmpint(build_id_cache_add(cache, &id, "/other", fixture->fd, MIB, &error), ==, 0);
	g_assert_no_error(error);
	g_assert_true(build_id_cache_is_own(cache));
	g_assert_cmpint(chmod(cache, 0777), ==, 0);
	g_assert_false(build_id_cache_is_own(cache));
}

static void test_cache_refuses(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const struct build_id id = build_id_of_elf(fixture->fd), other = build_id_of("other", 5);
	g_autofree char *cache = elf_maker_path(fixture->dir, "cache");
	g_autofree char *link = elf_maker_path(fixture->dir, "link");
	g_autofree char *found = build_id_path(cache, &other, "/elf");
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(build_id_cache_add(cache, &id, "/prog", fixture->fd, 1000, &error), ==, -1);
	g_assert_nonnull(strstr(error->message, "too large"));
	g_clear_error(&error);
	g_assert_cmpint(build_id_cache_add(cache, &other, "/prog", fixture->fd, MIB, &error), ==,
			-1);
	g_assert_nonnull(strstr(error->message, "changed meanwhile"));
	g_assert_cmpint(access(found, F_OK), ==, -1);
	g_assert_cmpint(symlink("/", link), ==, 0);
	g_assert_false(build_id_cache_is_own(link));
}

static void add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_test_add(name, struct fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("/build_id/known", test_known);
	add("/build_id/damaged", test_damaged);
	add("/build_id/too_many_notes", test_too_many_notes);
	add("/build_id/cache", test_cache);
	add("/build_id/cache_refuses", test_cache_refuses);
	return g_test_run();
}
