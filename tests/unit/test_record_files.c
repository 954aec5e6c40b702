/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * record_files: which of the files that a process has mapped are opened, and what is known of them.
 */
#include "record_files.h"

#include "lib/elf_maker.h"
#include "perfdata/perf_completion.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PAGE_BYTES 4096

struct fixture {
	char *dir;     /* Owned by this */
	GBytes *known; /* Owned by this: the build-id of "prog", by readelf */
	struct record_files *files;
};

static void set_up(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	fixture->dir = elf_maker_new_dir();
	elf_maker_write(fixture->dir, "prog.c", "int main(void) { return 0; }\n");
	g_free(elf_maker_run(fixture->dir, "gcc -Wl,--build-id=sha1 prog.c -o prog"));
	fixture->known = elf_maker_build_id(fixture->dir, "prog");
	fixture->files = record_files_new();
}

static void tear_down(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	record_files_free(fixture->files);
	g_bytes_unref(fixture->known);
	elf_maker_remove(fixture->dir);
}

/* Maps the file into this process, as code. NULL with errno; the caller unmaps it. */
static void *map_code(const char *path, struct stat *st)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *code;
	int saved;

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(fstat(fd, st), ==, 0);
	code = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	saved = errno;
	close(fd);
	errno = saved;
	return code == MAP_FAILED ? NULL : code;
}

/* The build-id that is known of the file; its size is 0 when none is. */
static void identify(const struct record_files *files, const struct stat *st,
		     struct perf_mapped_file *file)
{
	g_autoptr(GPtrArray) mapped = g_ptr_array_new();

	*file = (struct perf_mapped_file){
		.path = (char *)"/prog",
		.has_inode = true,
		.major = major(st->st_dev),
		.minor = minor(st->st_dev),
		.inode = st->st_ino,
	};
	g_ptr_array_add(mapped, file);
	record_files_identify(files, mapped);
}

/* How many descriptors of this process lead to the file. */
static guint count_open(const struct stat *st)
{
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;
	guint n = 0;

	g_assert_nonnull(directory);
	while ((entry = readdir(directory))) {
		struct stat one;

		n += !fstatat(dirfd(directory), entry->d_name, &one, 0) &&
		     one.st_dev == st->st_dev && one.st_ino == st->st_ino;
	}
	closedir(directory);
	return n;
}

static void test_removed(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *path = elf_maker_path(fixture->dir, "prog");
	struct perf_mapped_file file;
	struct stat st;
	void *code = map_code(path, &st);

	g_assert_nonnull(code);
	g_assert_cmpint(unlink(path), ==, 0);
	record_files_look(fixture->files, getpid());
	munmap(code, PAGE_BYTES);
	identify(fixture->files, &st, &file);
	if (geteuid()) {
		g_test_skip("the files that a process has mapped can be opened only by root");
		return;
	}
	g_assert_cmpmem(file.build_id, file.build_id_size, g_bytes_get_data(fixture->known, NULL),
			g_bytes_get_size(fixture->known));
}

/* What it maps decides nothing: opening a device may have an effect. */
static void test_device(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct stat st;
	void *code = map_code("/dev/zero", &st);
	guint n_before;

	if (!code) {
		g_test_skip("/dev/zero cannot be mapped as code");
		return;
	}
	n_before = count_open(&st);
	record_files_look(fixture->files, getpid());
	g_assert_cmpuint(count_open(&st), ==, n_before);
	munmap(code, PAGE_BYTES);
}

/* The program is not at its path any more, and what is there is not taken for it. */
static void test_replaced(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *path = elf_maker_path(fixture->dir, "prog");
	struct perf_mapped_file file;
	struct stat st, now;
	void *code = map_code(path, &st);

	g_assert_nonnull(code);
	g_free(elf_maker_run(fixture->dir, "mv prog old"));
	g_free(elf_maker_run(fixture->dir, "gcc -Wl,--build-id=0x0102030405 prog.c -o prog"));
	g_assert_cmpint(stat(path, &now), ==, 0);
	record_files_look(fixture->files, getpid());
	munmap(code, PAGE_BYTES);
	identify(fixture->files, &now, &file);
	g_assert_cmpuint(file.build_id_size, ==, 0);
	identify(fixture->files, &st, &file);
	if (file.build_id_size)
		g_assert_cmpmem(file.build_id, file.build_id_size,
				g_bytes_get_data(fixture->known, NULL),
				g_bytes_get_size(fixture->known));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/record_files/removed", struct fixture, NULL, set_up, test_removed, tear_down);
	g_test_add("/record_files/replaced", struct fixture, NULL, set_up, test_replaced,
		   tear_down);
	g_test_add("/record_files/device", struct fixture, NULL, set_up, test_device, tear_down);
	return g_test_run();
}
