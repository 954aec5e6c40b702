/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * output: files appear whole or not at all, what is no file is written to, and
 * every way to fail is an error.
 */
#include "output.h"

#include "base/error.h"
#include "output_place.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

struct fixture {
	char *dir, *path; /* Owned by this; the path is of a file that is not there yet */
};

static void set_up(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GError) error = NULL;

	fixture->dir = g_dir_make_tmp("colo-perf-output-XXXXXX", &error);
	g_assert_no_error(error);
	fixture->path = g_build_filename(fixture->dir, "graph.svg", NULL);
}

/* Nothing but files is in it, and nothing is left but what a test says. */
static void tear_down(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GDir) dir = g_dir_open(fixture->dir, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(fixture->dir, name, NULL);

		g_assert_cmpint(g_remove(path), ==, 0);
	}
	g_assert_cmpint(g_rmdir(fixture->dir), ==, 0);
	g_free(fixture->dir);
	g_free(fixture->path);
}

/* As the subcommands do. False with `error` when it cannot be written. */
static gboolean write_text(const char *path, const char *text, GError **error)
{
	struct output *output = output_open(path, error);

	if (!output)
		return FALSE;
	fputs(text, output_stream(output));
	return output_close(output, error);
}

static void assert_contents(const char *path, const char *expected)
{
	g_autofree char *contents = NULL;
	gsize size;

	g_assert_true(g_file_get_contents(path, &contents, &size, NULL));
	g_assert_cmpmem(contents, size, expected, strlen(expected));
}

static guint count_files(const struct fixture *fixture)
{
	g_autoptr(GDir) dir = g_dir_open(fixture->dir, 0, NULL);
	guint n = 0;

	while (g_dir_read_name(dir))
		n++;
	return n;
}

static void test_file_appears_whole(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GError) error = NULL;
	struct output *output = output_open(fixture->path, &error);
	g_autoptr(GString) expected = g_string_new(NULL);

	g_assert_no_error(error);
	for (guint i = 0; i < 100000; i++) {
		fprintf(output_stream(output), "line %u\n", i);
		g_string_append_printf(expected, "line %u\n", i);
	}
	fflush(output_stream(output));
	g_assert_cmpuint(count_files(fixture), ==, 0);
	g_assert_true(output_close(output, &error));
	g_assert_no_error(error);
	assert_contents(fixture->path, expected->str);
	g_assert_cmpuint(count_files(fixture), ==, 1);
}

static void test_empty_file(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_assert_true(write_text(fixture->path, "", NULL));
	assert_contents(fixture->path, "");
}

static void test_bytes_are_written_as_they_are(struct fixture *fixture,
					       gconstpointer data G_GNUC_UNUSED)
{
	static const char bytes[] = "a\0b\r\n\xff";
	struct output *output = output_open(fixture->path, NULL);
	g_autofree char *contents = NULL;
	gsize size;

	fwrite(bytes, 1, sizeof(bytes), output_stream(output));
	g_assert_true(output_close(output, NULL));
	g_assert_true(g_file_get_contents(fixture->path, &contents, &size, NULL));
	g_assert_cmpmem(contents, size, bytes, sizeof(bytes));
}

static void test_file_that_is_there_is_replaced(struct fixture *fixture,
						gconstpointer data G_GNUC_UNUSED)
{
	g_assert_true(write_text(fixture->path, "longer than what comes then\n", NULL));
	assert_contents(fixture->path, "longer than what comes then\n");
	g_assert_true(write_text(fixture->path, "new\n", NULL));
	assert_contents(fixture->path, "new\n");
	g_assert_cmpuint(count_files(fixture), ==, 1);
}

/* Others may read it, as with a shell's ">". */
static void test_mode_is_the_umasks(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const mode_t before = umask(027);
	struct stat st;

	g_assert_true(write_text(fixture->path, "a", NULL));
	umask(before);
	g_assert_cmpint(stat(fixture->path, &st), ==, 0);
	g_assert_cmphex(st.st_mode & 0777, ==, 0640);
}

/* As nobody, if it is root: root may write anywhere, and could break the machine's /dev/null. */
static uid_t become_nobody(void)
{
	const uid_t self = geteuid();

	if (!self)
		g_assert_cmpint(seteuid(NOBODY), ==, 0);
	return self;
}

static void test_device_is_not_replaced(struct fixture *fixture G_GNUC_UNUSED,
					gconstpointer data G_GNUC_UNUSED)
{
	const uid_t self = become_nobody();
	g_autoptr(GError) error = NULL;
	struct stat st;

	write_text("/dev/null", "text\n", &error);
	g_assert_cmpint(seteuid(self), ==, 0);
	g_assert_no_error(error);
	g_assert_cmpint(lstat("/dev/null", &st), ==, 0);
	g_assert_true(S_ISCHR(st.st_mode));
}

/* What it points to is written, also when it was not there. */
static void test_link_is_followed(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *target = g_build_filename(fixture->dir, "target", NULL);
	struct stat st;

	g_assert_cmpint(symlink(target, fixture->path), ==, 0);
	g_assert_true(write_text(fixture->path, "first, and longer\n", NULL));
	g_assert_true(write_text(fixture->path, "second\n", NULL));
	g_assert_cmpint(lstat(fixture->path, &st), ==, 0);
	g_assert_true(S_ISLNK(st.st_mode));
	assert_contents(target, "second\n");
}

static void test_pipe_is_written_to(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	char text[16] = "";
	int fd;

	g_assert_cmpint(mkfifo(fixture->path, 0600), ==, 0);
	fd = open(fixture->path, O_RDONLY | O_NONBLOCK);
	g_assert_cmpint(fd, >=, 0);
	g_assert_true(write_text(fixture->path, "piped\n", NULL));
	g_assert_cmpint(read(fd, text, sizeof(text)), ==, 6);
	g_assert_cmpstr(text, ==, "piped\n");
	close(fd);
}

/* By links that are relative, through others, to a directory and back. */
static void test_links_are_followed_one_by_one(struct fixture *fixture,
					       gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *first = g_build_filename(fixture->dir, "first", NULL),
			*second = g_build_filename(fixture->dir, "second", NULL),
			*path = g_build_filename(fixture->dir, ".", "first", NULL);
	g_autofree char *back = g_path_get_basename(fixture->dir);
	g_autofree char *target = g_strdup_printf("..//%s/./graph.svg", back);

	g_assert_cmpint(symlink("second", first), ==, 0);
	g_assert_cmpint(symlink(target, second), ==, 0);
	g_assert_true(write_text(path, "text\n", NULL));
	assert_contents(fixture->path, "text\n");
	g_assert_true(g_file_test(first, G_FILE_TEST_IS_SYMLINK));
	g_assert_true(g_file_test(second, G_FILE_TEST_IS_SYMLINK));
	g_assert_cmpuint(count_files(fixture), ==, 3);
}

/* What was found is written, whatever comes to stand in its path meanwhile. */
static void test_directory_is_held(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *inner = g_build_filename(fixture->dir, "inner", NULL),
			*moved = g_build_filename(fixture->dir, "moved", NULL),
			*path = g_build_filename(inner, "a", NULL),
			*written = g_build_filename(moved, "a", NULL);
	g_autoptr(GError) error = NULL;
	struct output *output;

	g_assert_cmpint(g_mkdir(inner, 0700), ==, 0);
	output = output_open(path, &error);
	g_assert_no_error(error);
	g_assert_cmpint(g_rename(inner, moved), ==, 0);
	g_assert_cmpint(symlink("/nonexistent", inner), ==, 0);
	fputs("text\n", output_stream(output));
	g_assert_true(output_close(output, &error));
	assert_contents(written, "text\n");
	g_assert_cmpint(g_remove(written), ==, 0);
}

/* As /dev/stdout is: a link of /proc, which only the kernel can follow, and a file behind it. */
static void test_descriptor_is_written_to(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const int fd = open(fixture->path, O_RDWR | O_CREAT, 0600);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	struct stat before, after;

	g_assert_cmpint(fstat(fd, &before), ==, 0);
	g_assert_true(write_text(path, "text\n", NULL));
	assert_contents(fixture->path, "text\n");
	g_assert_cmpint(stat(fixture->path, &after), ==, 0);
	g_assert_cmpuint(before.st_ino, ==, after.st_ino);
	close(fd);
}

/* --- The part --- */

static void test_part_is_left_only_on_demand(struct fixture *fixture,
					     gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *part = NULL;
	struct output_place *place = output_place_find(fixture->path, &error);

	g_assert_no_error(error);
	g_assert_null(output_place_part(place));
	g_assert_cmpint(output_place_begin(place, 0600, &error), >=, 0);
	g_assert_true(g_file_test(output_place_part(place), G_FILE_TEST_IS_REGULAR));
	output_place_free(place);
	g_assert_cmpuint(count_files(fixture), ==, 0);

	place = output_place_find(fixture->path, &error);
	g_assert_cmpint(output_place_begin(place, 0600, &error), >=, 0);
	part = g_strdup(output_place_part(place));
	output_place_leave_part(place);
	output_place_free(place);
	g_assert_true(g_file_test(part, G_FILE_TEST_IS_REGULAR));
	g_assert_true(g_str_has_prefix(part, fixture->path));
}

/* --- What cannot be written --- */

static void assert_refused(const char *path, int reason)
{
	g_autoptr(GError) error = NULL;

	g_assert_false(write_text(path, "text\n", &error));
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO);
	g_assert_nonnull(strstr(error->message, path));
	g_assert_nonnull(strstr(error->message, g_strerror(reason)));
}

static void test_links_in_a_circle(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_assert_cmpint(symlink("graph.svg", fixture->path), ==, 0);
	assert_refused(fixture->path, ELOOP);
}

static void test_names_of_directories(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const struct {
		const char *name;
		int reason;
	} names[] = {{"", EISDIR},	 {".", EISDIR},	      {"..", EISDIR},
		     {"none/", ENOENT},	 {"none/..", ENOENT}, {"none/a", ENOENT},
		     {"file/", ENOTDIR}, {"file/a", ENOTDIR}};
	g_autofree char *file = g_build_filename(fixture->dir, "file", NULL);

	g_assert_true(write_text(file, "old\n", NULL));
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_strdup_printf("%s/%s", fixture->dir, names[i].name);

		assert_refused(path, names[i].reason);
	}
	assert_contents(file, "old\n");
	g_assert_cmpuint(count_files(fixture), ==, 1);
	g_assert_null(output_place_find("", NULL));
}

static void test_directory_that_is_not_there(struct fixture *fixture,
					     gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *path = g_build_filename(fixture->dir, "no", "graph.svg", NULL);

	assert_refused(path, ENOENT);
	g_assert_cmpuint(count_files(fixture), ==, 0);
}

static void test_directory_instead_of_a_file(struct fixture *fixture,
					     gconstpointer data G_GNUC_UNUSED)
{
	assert_refused(fixture->dir, EISDIR);
}

static void test_unwritable_directory(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	uid_t self;

	g_assert_cmpint(chmod(fixture->dir, 0555), ==, 0);
	self = become_nobody();
	assert_refused(fixture->path, EACCES);
	g_assert_cmpint(seteuid(self), ==, 0);
	g_assert_cmpint(chmod(fixture->dir, 0755), ==, 0);
	g_assert_cmpuint(count_files(fixture), ==, 0);
}

static void test_device_that_is_full(struct fixture *fixture G_GNUC_UNUSED,
				     gconstpointer data G_GNUC_UNUSED)
{
	const uid_t self = become_nobody();

	assert_refused("/dev/full", ENOSPC);
	g_assert_cmpint(seteuid(self), ==, 0);
}

/* A directory without room for it, which a limit stands for. */
static void test_old_file_is_kept_when_there_is_no_room(struct fixture *fixture,
							gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *large = g_strnfill(100000, 'x');
	g_autoptr(GError) error = NULL;
	struct rlimit before, limit;
	gboolean written;

	g_assert_true(write_text(fixture->path, "old\n", NULL));
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	limit = before;
	limit.rlim_cur = 5000;
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	written = write_text(fixture->path, large, &error);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
	signal(SIGXFSZ, SIG_DFL);
	g_assert_false(written);
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO);
	g_assert_nonnull(strstr(error->message, "ulimit -f"));
	assert_contents(fixture->path, "old\n");
	g_assert_cmpuint(count_files(fixture), ==, 1);
}

/* --- Standard output --- */

/* In a process of its own, as TAP goes to standard output. Its exit status: 0 when written. */
static int status_with_stdout(const char *stdout_path, const char *path, const char *message)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (!pid) {
		g_autoptr(GError) error = NULL;
		int fd = open(stdout_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
			_exit(2);
		if (write_text(path, "to standard output\n", &error))
			_exit(0);
		_exit(g_strcmp0(error->message, message) ? 3 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_dash_and_null_are_standard_output(struct fixture *fixture,
						   gconstpointer data G_GNUC_UNUSED)
{
	static const char *const paths[] = {NULL, "-"};

	for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_assert_cmpint(status_with_stdout(fixture->path, paths[i], NULL), ==, 0);
		assert_contents(fixture->path, "to standard output\n");
		g_assert_cmpint(g_remove(fixture->path), ==, 0);
	}
	g_assert_false(g_file_test("-", G_FILE_TEST_EXISTS));
}

static void test_standard_output_that_is_full(struct fixture *fixture G_GNUC_UNUSED,
					      gconstpointer data G_GNUC_UNUSED)
{
	static const char message[] = "cannot write to standard output: No space left on device";

	g_assert_cmpint(status_with_stdout("/dev/full", NULL, message), ==, 1);
	g_assert_cmpint(status_with_stdout("/dev/full", "-", message), ==, 1);
}

#define ADD(name) g_test_add("/output/" #name, struct fixture, NULL, set_up, test_##name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(file_appears_whole);
	ADD(empty_file);
	ADD(bytes_are_written_as_they_are);
	ADD(file_that_is_there_is_replaced);
	ADD(mode_is_the_umasks);
	ADD(device_is_not_replaced);
	ADD(link_is_followed);
	ADD(pipe_is_written_to);
	ADD(links_are_followed_one_by_one);
	ADD(directory_is_held);
	ADD(descriptor_is_written_to);
	ADD(part_is_left_only_on_demand);
	ADD(links_in_a_circle);
	ADD(names_of_directories);
	ADD(directory_that_is_not_there);
	ADD(directory_instead_of_a_file);
	ADD(unwritable_directory);
	ADD(device_that_is_full);
	ADD(old_file_is_kept_when_there_is_no_room);
	ADD(dash_and_null_are_standard_output);
	ADD(standard_output_that_is_full);
	return g_test_run();
}
