/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * probes/shared_state when it cannot be read, written or locked, and when something else stands in
 * it than we write: nothing is taken back, nothing is forgotten, and it is said.
 */
#define _GNU_SOURCE /* unshare() */
#include "probes/shared_state.h"

#include "base/error.h"
#include "lib/elf_maker.h"
#include "lib/registration_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES_OF_ONE "colo_exit one; colo_exit one; colo_trigger one"
#define OF_ADMIN     "p:sdt_qemu/colo_admin /bin/true:0x0000000000001000 arg1=%ax:s32"

static char *added_path(const struct registration_fixture *fixture)
{
	return g_build_filename(fixture->state, "added", NULL);
}

static char *read_added(const struct registration_fixture *fixture)
{
	g_autofree char *path = added_path(fixture);
	char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static void write_added(const struct registration_fixture *fixture, const char *text)
{
	g_autofree char *path = added_path(fixture);

	g_assert_cmpint(g_mkdir_with_parents(fixture->state, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static guint n_users(const struct registration_fixture *fixture)
{
	g_autoptr(GDir) directory = g_dir_open(fixture->state, 0, NULL);
	const char *name;
	guint n = 0;

	while ((name = g_dir_read_name(directory)))
		n += g_str_has_prefix(name, "user.");
	return n;
}

/* --- The system refuses --- */

/* In a process of its own: what `limit` does to it stays there. Its status: 0 registered, 1 not. */
static int try_beside(const struct registration_fixture *fixture, const GPtrArray *programs,
		      void (*limit)(guint step), guint step)
{
	const pid_t pid = fork();
	int status;

	g_assert_cmpint(pid, >=, 0);
	if (!pid) {
		g_autoptr(GError) error = NULL;
		struct registration *registration;

		limit(step);
		registration =
			registration_new(&fixture->place, &fixture->caller, programs, &error);
		g_assert_true(!registration == !!error);
		g_free(registration_end(registration, NULL));
		_exit(!registration);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* So many files more than are open may be opened. */
static void limit_files(guint step)
{
	const int next = dup(0);
	struct rlimit files = {(rlim_t)next + step, (rlim_t)next + step};

	close(next);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &files), ==, 0);
}

/* Whatever fails in another instance, what a living one uses stays, and is known. */
static void check_limits(struct registration_fixture *fixture, const GPtrArray *programs,
			 void (*limit)(guint step), guint n_steps, void (*relax)(void))
{
	struct registration *living = registration_fixture_register(fixture, fixture->one);
	g_autofree char *added = read_added(fixture);
	guint n_failed = 0;

	for (guint step = 0; step < n_steps; step++) {
		g_autofree char *still = NULL;

		n_failed += try_beside(fixture, programs, limit, step);
		relax();
		registration_fixture_settle(fixture);
		registration_fixture_end(fixture,
					 registration_fixture_register(fixture, fixture->one));
		registration_fixture_check(fixture, LINES_OF_ONE);
		still = read_added(fixture);
		g_assert_cmpstr(still, ==, added);
	}
	g_test_message("%u of %u failed", n_failed, n_steps);
	g_assert_cmpuint(n_failed, >, 0);
	g_assert_cmpuint(n_failed, <, n_steps);
	registration_fixture_end(fixture, living);
	registration_fixture_check(fixture, "");
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

static void relax_nothing(void)
{
}

static void test_few_files(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	check_limits(fixture, fixture->one, limit_files, 12, relax_nothing);
	check_limits(fixture, fixture->two, limit_files, 12, relax_nothing);
}

/* --- A full disk --- */

#define PAGE 4096

static char *filler; /* Owned by this: path of a file that fills the disk of the state */

/* `step` pages are free. */
static void fill_disk(guint step)
{
	const char page[PAGE] = {0};
	int fd = g_open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	off_t size = 0;

	while (write(fd, page, PAGE) == PAGE)
		size += PAGE;
	g_assert_cmpint(errno, ==, ENOSPC);
	g_assert_cmpint(ftruncate(fd, MAX(size - (off_t)step * PAGE, 0)), ==, 0);
	close(fd);
}

static void remove_filler(void)
{
	g_assert_cmpint(g_unlink(filler), ==, 0);
}

static void test_full_disk(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *disk = elf_maker_path(fixture->base, "disk"), *state = NULL;

	if (geteuid()) {
		g_test_skip("only root can mount a small disk");
		return;
	}
	g_assert_cmpint(g_mkdir(disk, 0700), ==, 0);
	g_assert_cmpint(unshare(CLONE_NEWNS), ==, 0);
	g_assert_cmpint(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), ==, 0);
	g_assert_cmpint(mount("none", disk, "tmpfs", 0, "size=64k"), ==, 0);
	filler = elf_maker_path(disk, "filler");
	state = elf_maker_path(disk, "state");
	fixture->place.state = state;
	g_free(fixture->state);
	fixture->state = g_strdup(state);
	check_limits(fixture, fixture->one, fill_disk, 4, remove_filler);
	check_limits(fixture, fixture->two, fill_disk, 4, remove_filler);
	g_assert_cmpint(umount(disk), ==, 0);
	g_clear_pointer(&filler, g_free);
}

/* --- No locks --- */

/*
 * flock() fails from now on, as on some network file systems: of the directory too, or (step 1) of
 * the files in it alone, which are opened after it.
 */
static void refuse_locks(guint step)
{
	const int next = dup(0);
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_flock, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, step ? next : -1, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOLCK),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {G_N_ELEMENTS(filter), filter};

	close(next);
	g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
	g_assert_cmpint(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

static void test_no_locks(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *living = registration_fixture_register(fixture, fixture->one);
	g_autofree char *added = read_added(fixture);

	for (guint step = 0; step <= 1; step++) {
		g_autofree char *still = NULL;

		g_assert_cmpint(try_beside(fixture, fixture->two, refuse_locks, step), ==, 1);
		registration_fixture_check(fixture, LINES_OF_ONE);
		still = read_added(fixture);
		g_assert_cmpstr(still, ==, added);
		g_assert_cmpuint(n_users(fixture), ==, 1);
	}
	registration_fixture_end(fixture, living);
	registration_fixture_check(fixture, "");
}

/* --- Something else stands there --- */

/* Refused with a line that begins with BEGIN PATH REST. */
static void check_refused(const struct registration_fixture *fixture, const char *name,
			  const char *begin, const char *rest)
{
	g_autofree char *path = g_build_filename(fixture->state, name, NULL);
	g_autofree char *expected = g_strconcat(begin, path, rest, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_null(registration_new(&fixture->place, NULL, fixture->one, &error));
	g_assert_nonnull(error);
	g_assert_true(g_str_has_prefix(error->message, expected));
	registration_fixture_settle(fixture);
}

#define NOT_OURS " is not what this colo-perf writes, so it and the probes stay as they are: once"
#define TITLE	 "%s\n" /* that of a file which we wrote */

static void test_foreign_added(struct registration_fixture *fixture,
			       gconstpointer data G_GNUC_UNUSED)
{
	static const char *const texts[] = {
		"",
		"x",
		OF_ADMIN "\n",
		"# 1:2 /opt/qemu\n" OF_ADMIN "\n", /* colo-perf 0.1.0 */
		TITLE OF_ADMIN "\n",
		TITLE "1 2 " OF_ADMIN, /* cut */
		TITLE "1 2 " OF_ADMIN "\n\n",
		TITLE "1 x " OF_ADMIN "\n",
		TITLE "-1 2 " OF_ADMIN "\n",
		TITLE "1 2 p:other/colo_admin /bin/true:0x0000000000001000\n",
		TITLE "1 2 p:sdt_qemu/colo_admin bin/true:0x0000000000001000\n",
		TITLE "1 2 p:sdt_qemu/colo_admin /bin/%%:0x0000000000001000\n",
		TITLE "1 2 -:sdt_qemu/colo_admin /bin/true:0x0000000000001000\n",
	};
	struct registration *registration = registration_fixture_register(fixture, fixture->one);
	g_autofree char *added = read_added(fixture);
	g_auto(GStrv) lines = g_strsplit(added, "\n", 2);

	registration_fixture_end(fixture, registration);
	registration_fixture_set_events(fixture, OF_ADMIN "\n");
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_auto(GStrv) parts = g_strsplit(texts[i], "%s", 2);
		g_autofree char *text = g_strjoinv(lines[0], parts), *still = NULL;

		g_test_message("%s", text);
		write_added(fixture, text);
		check_refused(fixture, "added", "", NOT_OURS);
		still = read_added(fixture);
		g_assert_cmpstr(still, ==, text);
		registration_fixture_check(fixture, "colo_admin true");
	}
}

/* What cannot be read is not empty. */
static void test_unreadable_added(struct registration_fixture *fixture,
				  gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *path = added_path(fixture);

	g_assert_cmpint(g_mkdir_with_parents(path, 0700), ==, 0);
	check_refused(fixture, "added", "cannot read ", ": Is a directory: what is registered");
	g_assert_cmpint(g_rmdir(path), ==, 0);
	g_assert_cmpint(symlink("/dev/null", path), ==, 0);
	check_refused(fixture, "added", "cannot read ",
		      ": Too many levels of symbolic links: what");
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(mkfifo(path, 0600), ==, 0);
	check_refused(fixture, "added", "", NOT_OURS);
	registration_fixture_check(fixture, "");
}

/* A user's file that cannot be opened says nothing of whether the user lives. */
static void test_unreadable_user(struct registration_fixture *fixture,
				 gconstpointer data G_GNUC_UNUSED)
{
	struct registration *living = registration_fixture_register(fixture, fixture->one);
	g_autofree char *path = g_build_filename(fixture->state, "user.1", NULL);

	g_assert_cmpint(symlink("/dev/null", path), ==, 0);
	check_refused(fixture, "user.1", "cannot open ",
		      ": Too many levels of symbolic links: what is registered there stays as it");
	g_assert_cmpuint(n_users(fixture), ==, 2);
	registration_fixture_check(fixture, LINES_OF_ONE);
	g_assert_cmpint(g_unlink(path), ==, 0);
	registration_fixture_end(fixture, living);
	registration_fixture_check(fixture, "");
}

/* A living user of something else, one line of which an administrator registered. */
static void test_foreign_user(struct registration_fixture *fixture,
			      gconstpointer data G_GNUC_UNUSED)
{
	static const char *const texts[] = {"x", OF_ADMIN "\n", "colo-perf uses\nx\n",
					    "colo-perf uses\n" OF_ADMIN};
	struct registration *living = registration_fixture_register(fixture, fixture->one);
	g_autofree char *path = g_build_filename(fixture->state, "user.1", NULL);

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		int fd;

		g_assert_true(g_file_set_contents(path, texts[i], -1, NULL));
		fd = g_open(path, O_RDONLY | O_CLOEXEC);
		g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, 0);
		check_refused(fixture, "user.1", "", NOT_OURS);
		registration_fixture_check(fixture, LINES_OF_ONE);
		close(fd);
	}
	registration_fixture_end(fixture, living);
	registration_fixture_check(fixture, "");
}

/* uprobe_events cannot be read: that is not an empty one. */
static void test_no_events(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *living = registration_fixture_register(fixture, fixture->one);
	g_autofree char *added = read_added(fixture), *still = NULL, *problem = NULL, *text = NULL;
	g_autofree char *away = g_strconcat(fixture->events, ".away", NULL);

	text = registration_fixture_events(fixture);
	g_assert_cmpint(g_rename(fixture->events, away), ==, 0);
	problem = registration_end(living, NULL);
	g_assert_true(g_str_has_prefix(problem,
				       "probes may stay registered until colo-perf is used "
				       "the next time: cannot see which probes"));
	still = read_added(fixture);
	g_assert_cmpstr(still, ==, added);
	g_assert_cmpint(g_rename(away, fixture->events), ==, 0);
	registration_fixture_end(fixture, registration_fixture_register(fixture, fixture->one));
	registration_fixture_check(fixture, "");
}

/* A boot takes all with it: what has the same text since then is somebody else's. */
static void test_other_boot(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *added = NULL;
	struct registration *registration;

	registration_fixture_set_events(fixture, OF_ADMIN "\n");
	write_added(fixture,
		    "colo-perf added 01234567-0123-0123-0123-0123456789ab\n1 2 " OF_ADMIN "\n");
	registration = registration_fixture_register(fixture, fixture->one);
	added = read_added(fixture);
	g_assert_null(strstr(added, "colo_admin"));
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, "colo_admin true");
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

/* The owner of a program chooses its path, and had it read like a line of our own. */
static void test_newline(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const char *path = "x\n" OF_ADMIN "\ny";
	g_autofree char *whole = elf_maker_path(fixture->dir, path);
	g_autofree char *parent = g_path_get_dirname(whole);
	g_autofree char *one = elf_maker_path(fixture->dir, "one");
	g_autoptr(GPtrArray) programs = NULL;
	struct registration *registration;

	g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
	g_assert_cmpint(link(one, whole), ==, 0);
	programs = registration_fixture_open(fixture->dir, path);
	registration_fixture_set_events(fixture, OF_ADMIN "\n");
	registration = registration_fixture_register(fixture, programs);
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, "colo_admin true");
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct registration_fixture *fixture, gconstpointer data);
	} tests[] = {
		{"/shared-state/few-files", test_few_files},
		{"/shared-state/full-disk", test_full_disk},
		{"/shared-state/no-locks", test_no_locks},
		{"/shared-state/foreign-added", test_foreign_added},
		{"/shared-state/unreadable-added", test_unreadable_added},
		{"/shared-state/unreadable-user", test_unreadable_user},
		{"/shared-state/foreign-user", test_foreign_user},
		{"/shared-state/no-events", test_no_events},
		{"/shared-state/other-boot", test_other_boot},
		{"/shared-state/newline", test_newline},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].name, struct registration_fixture, NULL,
			   registration_fixture_set_up, tests[i].run,
			   registration_fixture_tear_down);
	return g_test_run();
}
