/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * probes/process: processes by name, and the program of a process, also when its file was
 * replaced or removed.
 */
#include "probes/process.h"

#include "base/error.h"
#include "lib/elf_maker.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A copy of sh at `path` that waits for its end, with more words on its command line. */
static pid_t start(const char *path, const char *first, const char *second)
{
	const char *const argv[] = {path, "-c", "read line", first, second, NULL};
	g_autoptr(GError) error = NULL;
	GPid pid;
	int input;

	/* Its input stays open as long as we live. */
	g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
				 &pid, &input, NULL, NULL, &error);
	g_assert_no_error(error);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

static const struct {
	const char *option, *value; /* with %d: the name of this run */
	gboolean found;
} rows[] = {
	{"-name", "unit%d", TRUE},
	{"--name", "unit%d", TRUE},
	{"-name", "unit%d,debug-threads=on", TRUE},
	{"-name", "guest=unit%d", TRUE},
	{"-name", "debug-threads=on,guest=unit%d", TRUE},
	{"-name", "unit%dx", FALSE},
	{"-name", "xunit%d", FALSE},
	{"-name", "other,process=unit%d", FALSE},
	{"-name", "other,unit%d", FALSE},
	{"-name", "unit%d,,x", FALSE}, /* a comma in the name */
	{"-name", "", FALSE},
	{"-named", "unit%d", FALSE},
	{"unit%d", "-name", FALSE},
};

static void test_names(void)
{
	g_autofree char *name = g_strdup_printf("unit%d", getpid());

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(GStrv) option = g_strsplit(rows[i].option, "unit%d", 2);
		g_auto(GStrv) value = g_strsplit(rows[i].value, "unit%d", 2);
		g_autofree char *first = g_strjoinv(name, option);
		g_autofree char *second = g_strjoinv(name, value);
		pid_t pid = start("/bin/sh", first, second);
		g_autoptr(GArray) found = processes_called(name);

		g_test_message("%s %s", first, second);
		g_assert_cmpuint(found->len, ==, rows[i].found ? 1 : 0);
		if (found->len)
			g_assert_cmpint(g_array_index(found, pid_t, 0), ==, pid);
		stop(pid);
	}
}

/* By its path, or by the descriptor that we hold: nobody can put another file there. */
static void check_site_path(const struct program *program, gboolean by_path)
{
	g_autofree char *by_fd = g_strdup_printf("/proc/%d/fd/%d", getpid(), program->fd);

	g_assert_cmpstr(program->site_path, ==, by_path ? program->path : by_fd);
}

/* The open file is the one that runs. */
static void check_program(pid_t pid, const struct stat *expected, gboolean by_path)
{
	g_autoptr(GError) error = NULL;
	struct program *program = program_of_process(pid, &error);
	struct stat status;

	g_assert_no_error(error);
	g_assert_cmpuint(program->status.st_ino, ==, expected->st_ino);
	g_assert_cmpuint(program->status.st_dev, ==, expected->st_dev);
	g_assert_cmpint(fstat(program->fd, &status), ==, 0);
	g_assert_cmpuint(status.st_ino, ==, expected->st_ino);
	check_site_path(program, by_path);
	program_free(program);
}

static void test_program(void)
{
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "program");
	struct stat status;
	pid_t pid;

	g_free(elf_maker_run(dir, "cp -L /bin/sh program"));
	g_free(elf_maker_run(dir, "cp -L /bin/sh other"));
	g_assert_cmpint(stat(path, &status), ==, 0);
	pid = start(path, "x", "y");
	check_program(pid, &status, FALSE);
	/* Replaced by one with the same bytes; then removed. */
	g_free(elf_maker_run(dir, "mv other program"));
	check_program(pid, &status, FALSE);
	g_free(elf_maker_run(dir, "rm program"));
	check_program(pid, &status, FALSE);
	stop(pid);
	elf_maker_remove(dir);
}

/* uprobe_events would split it, or cut it. */
static void test_strange_path(void)
{
	static const char *const names[] = {"a b", "a#b", "a(b", "a%b"};
	char *dir = elf_maker_new_dir();

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = elf_maker_path(dir, names[i]);
		g_autofree char *command = g_strdup_printf("cp -L /bin/sh '%s'", names[i]);
		struct program *program;
		struct stat status;
		pid_t pid;

		g_free(elf_maker_run(dir, command));
		g_assert_cmpint(stat(path, &status), ==, 0);
		pid = start(path, "x", "y");
		check_program(pid, &status, FALSE);
		stop(pid);
		program = program_at(path, NULL);
		g_assert_cmpuint(program->status.st_ino, ==, status.st_ino);
		check_site_path(program, FALSE);
		g_assert_cmpint(stat(program->site_path, &status), ==, 0);
		g_assert_cmpuint(program->status.st_ino, ==, status.st_ino);
		program_free(program);
	}
	elf_maker_remove(dir);
}

/* A program of the system has its own path, whatever the links that lead to it. */
static void test_fixed_path(void)
{
	g_autofree char *path = realpath("/bin/sh", NULL);
	struct program *program = program_at("/bin/sh", NULL);
	struct stat status;
	pid_t pid = start("/bin/sh", "x", "y");

	g_assert_nonnull(program);
	g_assert_cmpstr(program->path, ==, path);
	check_site_path(program, TRUE);
	g_assert_cmpint(stat(path, &status), ==, 0);
	check_program(pid, &status, TRUE);
	program_free(program);
	stop(pid);
}

static void test_errors(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *expected = NULL;
	pid_t pid = start("/bin/sh", "x", "y");

	stop(pid);
	g_assert_null(program_of_process(pid, &error));
	expected = g_strdup_printf("there is no process %d: give the pid of a running QEMU with -p",
				   pid);
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO);
	g_assert_cmpstr(error->message, ==, expected);
	g_clear_error(&error);
	g_assert_null(program_at("/nonexistent", &error));
	g_assert_cmpstr(error->message, ==, "cannot read /nonexistent: No such file or directory");
	g_clear_error(&error);
	g_assert_null(program_at("/dev/null", &error));
	g_assert_cmpstr(error->message, ==, "cannot read /dev/null: it is no regular file");
}

static void test_children(void)
{
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "own sh) S 1");
	g_autofree char *copy = g_strdup_printf("cp /bin/sh '%s'", path);
	g_autoptr(GPtrArray) programs =
		g_ptr_array_new_with_free_func((GDestroyNotify)program_free);
	g_autoptr(GArray) pidfds = pidfds_new();
	g_autoptr(GArray) before = NULL, during = NULL;
	pid_t pid, other;

	g_assert_true(g_spawn_command_line_sync(copy, NULL, NULL, NULL, NULL));
	g_ptr_array_add(programs, program_at(path, NULL));
	before = processes_below_us(programs);
	g_assert_cmpuint(before->len, ==, 0);
	pid = start(path, "a", "b");
	other = start("/bin/sh", "a", "b");
	during = processes_below_us(programs);
	g_assert_cmpuint(during->len, ==, 1);
	g_assert_cmpint(g_array_index(during, pid_t, 0), ==, pid);
	g_assert_true(pidfds_have_ended(pidfds));
	g_assert_true(pidfds_add(pidfds, pid));
	g_assert_false(pidfds_have_ended(pidfds));
	stop(pid);
	g_assert_true(pidfds_have_ended(pidfds));
	stop(other);
	elf_maker_remove(dir);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/process/names", test_names);
	g_test_add_func("/process/program", test_program);
	g_test_add_func("/process/strange-path", test_strange_path);
	g_test_add_func("/process/fixed-path", test_fixed_path);
	g_test_add_func("/process/errors", test_errors);
	g_test_add_func("/process/children", test_children);
	return g_test_run();
}
