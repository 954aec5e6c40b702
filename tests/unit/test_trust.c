/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * probes/trust: paths that nobody else can lead elsewhere, and programs that others could change
 * under a process. Most of it needs root, which can give files away and run as others.
 */
#define _GNU_SOURCE /* setresuid(), unshare() */
#include "probes/trust.h"

#include "base/error.h"
#include "lib/elf_maker.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NOBODY 65534
#define OTHER  65533

static bool is_root(void)
{
	if (!geteuid())
		return true;
	g_test_skip("only root can give files away");
	return false;
}

/* --- Paths --- */

static void check_path(const char *path, const char *file, bool fixed)
{
	struct stat status;

	g_assert_cmpint(stat(file, &status), ==, 0);
	g_test_message("%s", path);
	g_assert_cmpint(trust_is_fixed_path(path, &status), ==, fixed);
}

static void test_paths(void)
{
	g_autofree char *shell = realpath("/bin/sh", NULL);
	char *dir = elf_maker_new_dir();
	g_autofree char *file = elf_maker_path(dir, "file"), *link = elf_maker_path(dir, "link");

	check_path(shell, shell, true);
	check_path(shell, "/etc/passwd", false); /* another file */
	check_path("/etc/../etc/passwd", "/etc/passwd", false);
	check_path("etc/passwd", "/etc/passwd", false);
	check_path("/etc/passwd/", "/etc/passwd", true);
	check_path("/proc/self/exe", "/proc/self/exe", false);
	/* /tmp, in which anybody can make files. */
	elf_maker_write(dir, "file", "");
	check_path(file, file, false);
	check_path("/nonexistent/file", file, false);
	g_assert_cmpint(symlink(shell, link), ==, 0);
	check_path(link, shell, false);
	elf_maker_remove(dir);
}

/* Beneath the home of root, in directories of several owners and modes. */
static void test_directories(void)
{
	static const struct {
		uid_t owner;
		mode_t mode;
		bool fixed;
	} rows[] = {
		{0, 0700, true},  {0, 0755, true},   {0, 0775, false},
		{0, 0757, false}, {0, 01777, false}, {NOBODY, 0755, false},
	};
	g_autofree char *dir = g_build_filename("/root", ".colo-perf-test-XXXXXX", NULL);

	if (!is_root())
		return;
	g_assert_nonnull(g_mkdtemp(dir));
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *file = elf_maker_path(dir, "file");

		elf_maker_write(dir, "file", "");
		g_assert_cmpint(chown(dir, rows[i].owner, 0), ==, 0);
		g_assert_cmpint(chmod(dir, rows[i].mode), ==, 0);
		check_path(file, file, rows[i].fixed);
	}
	elf_maker_remove(g_steal_pointer(&dir));
}

/* --- Programs and processes --- */

/* A process of `uid` that has the file mapped, as one that runs it has. */
static pid_t start_process(const char *path, uid_t uid)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ready[2];
	char byte;
	pid_t pid;

	g_assert_cmpint(pipe(ready), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (!pid) {
		if (mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ||
		    setresuid(uid, uid, uid) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(fd);
	close(ready[1]);
	g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
	close(ready[0]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

static const struct row {
	uid_t owner;
	gid_t group;
	mode_t mode;
	uid_t runs;
	const char *who; /* could change it; NULL: nobody that matters */
} rows[] = {
	{0, NOBODY, 0755, 0, NULL},
	{0, NOBODY, 0755, NOBODY, NULL},
	{NOBODY, NOBODY, 0755, NOBODY, NULL},
	{NOBODY, NOBODY, 0555, NOBODY, NULL},
	{NOBODY, NOBODY, 0755, 0, "user 65534"},
	/* Its owner can change the mode. */
	{NOBODY, NOBODY, 0555, 0, "user 65534"},
	{NOBODY, NOBODY, 0755, OTHER, "user 65534"},
	{0, NOBODY, 0775, NOBODY, "group 65534"},
	{NOBODY, NOBODY, 0775, OTHER, "group 65534"},
	/* Root's own group, in which nobody else is: as a user's private one. */
	{0, 0, 0775, NOBODY, NULL},
	{0, NOBODY, 0757, NOBODY, "anybody"},
	{NOBODY, NOBODY, 0757, NOBODY, "anybody"},
};

static void check_error(const struct row *row, const GError *error, const char *path, pid_t pid)
{
	g_autofree char *expected = NULL;

	if (!row->who) {
		g_assert_no_error(error);
		return;
	}
	expected = g_strdup_printf(
		"%s can change %s, and so could choose where breakpoints go in process %d, which "
		"runs as user %u: let only root write to that file (chown root, chmod go-w), or "
		"take the risk with --trust-program",
		row->who, path, pid, row->runs);
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO);
	g_assert_cmpstr(error->message, ==, expected);
}

/*
 * In a pid namespace of its own, with a /proc of that: even root may not see all processes of a
 * machine. A failed assertion fails the test here too.
 */
static void run_alone(void (*run)(const char *dir), const char *dir)
{
	pid_t pid = fork();
	int status;

	g_assert_cmpint(pid, >=, 0);
	if (!pid) {
		if (unshare(CLONE_NEWPID | CLONE_NEWNS))
			g_error("unshare: %s", g_strerror(errno));
		pid = fork();
		if (!pid) {
			if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
			    mount("proc", "/proc", "proc", 0, NULL))
				g_error("mount: %s", g_strerror(errno));
			run(dir);
			_exit(0);
		}
		_exit(waitpid(pid, &status, 0) == pid && !status ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

static void check_rows(const char *dir)
{
	g_autofree char *path = elf_maker_path(dir, "program");

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct row *row = &rows[i];
		g_autoptr(GError) named = NULL, any = NULL;
		struct program *program;
		pid_t pid;

		g_test_message("owner %u, mode %o, run by %u", row->owner, row->mode, row->runs);
		g_assert_cmpint(chown(path, row->owner, row->group), ==, 0);
		g_assert_cmpint(chmod(path, row->mode), ==, 0);
		program = program_at(path, NULL);
		pid = start_process(path, row->runs);
		trust_check_process(program, pid, &named);
		check_error(row, named, path, pid);
		trust_check_all_processes(program, &any);
		check_error(row, any, path, pid);
		stop(pid);
		g_assert_true(trust_check_all_processes(program, NULL));
		program_free(program);
	}
}

static void test_programs(void)
{
	char *dir = elf_maker_new_dir();

	g_free(elf_maker_run(dir, "cp -L /bin/sh program"));
	if (is_root())
		run_alone(check_rows, dir);
	elf_maker_remove(dir);
}

/* With an access list the bits of the group are those of whoever stands in the list. */
static void test_access_list(void)
{
	static const struct {
		guint32 version;
		struct {
			guint16 tag, permissions;
			guint32 id;
		} entries[5];
	} list = {
		2,
		{{0x01, 7, -1U}, {0x02, 7, OTHER}, {0x04, 5, -1U}, {0x10, 7, -1U}, {0x20, 5, -1U}},
	};
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "program");
	struct program *program;
	pid_t pid;

	g_free(elf_maker_run(dir, "cp -L /bin/sh program"));
	if (setxattr(path, "system.posix_acl_access", &list, sizeof(list), 0)) {
		g_test_skip("the file system has no access lists");
	} else {
		program = program_at(path, NULL);
		g_assert_cmpuint(program->status.st_mode & 0777, ==, 0775);
		pid = start_process(path, geteuid());
		g_assert_false(trust_check_process(program, pid, NULL));
		stop(pid);
		program_free(program);
	}
	elf_maker_remove(dir);
}

/* One of several user ids is enough: a program that is set-uid has them mixed. */
static void test_mixed_ids(void)
{
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "program");
	struct program *program;
	int ready[2];
	char byte;
	pid_t pid;

	g_free(elf_maker_run(dir, "cp -L /bin/sh program"));
	if (is_root()) {
		g_assert_cmpint(chown(path, NOBODY, NOBODY), ==, 0);
		program = program_at(path, NULL);
		g_assert_cmpint(pipe(ready), ==, 0);
		pid = fork();
		if (!pid) {
			if (setresuid(NOBODY, NOBODY, OTHER) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
			    write(ready[1], "", 1) != 1)
				_exit(1);
			pause();
		}
		g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
		g_assert_false(trust_check_process(program, pid, NULL));
		stop(pid);
		program_free(program);
	}
	elf_maker_remove(dir);
}

static void test_gone(void)
{
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "program"), *expected = NULL;
	g_autoptr(GError) error = NULL;
	struct program *program;
	pid_t pid;

	g_free(elf_maker_run(dir, "cp -L /bin/sh program"));
	g_assert_cmpint(chmod(path, 0777), ==, 0);
	program = program_at(path, NULL);
	pid = start_process(path, geteuid());
	stop(pid);
	g_assert_false(trust_check_process(program, pid, &error));
	expected =
		g_strdup_printf("cannot see whose process %d is: No such file or directory", pid);
	g_assert_cmpstr(error->message, ==, expected);
	program_free(program);
	elf_maker_remove(dir);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/trust/paths", test_paths);
	g_test_add_func("/trust/directories", test_directories);
	g_test_add_func("/trust/programs", test_programs);
	g_test_add_func("/trust/access-list", test_access_list);
	g_test_add_func("/trust/mixed-ids", test_mixed_ids);
	g_test_add_func("/trust/gone", test_gone);
	return g_test_run();
}
