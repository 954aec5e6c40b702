/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The files that a recording names: what is opened, what is not, and that nobody can tell from
 * the answer what is there instead.
 */
#define _GNU_SOURCE /* setresuid() */
#include "symbols/recorded_file.h"

#include "lib/elf_maker.h"
#include "symbols/dso.h"
#include "symbols/dso_error.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

/* A directory that is taken for a machine's root, beside which lies "outside". */
struct machine {
	char *dir;  /* Owned by this */
	char *root; /* Owned by this: "DIR/root" */
};

static void set_up(struct machine *machine, gconstpointer data G_GNUC_UNUSED)
{
	machine->dir = elf_maker_new_dir();
	machine->root = elf_maker_path(machine->dir, "root");
	g_free(elf_maker_run(machine->dir, "chmod 755 ."));
	g_free(elf_maker_run(machine->dir, "mkdir -p root/usr/lib root/deep/er"));
	elf_maker_write(machine->dir, "outside", "outside");
	elf_maker_write(machine->root, "usr/lib/file", "inside");
	g_free(elf_maker_run(machine->root, "chmod 644 usr/lib/file ../outside"));
}

static void tear_down(struct machine *machine, gconstpointer data G_GNUC_UNUSED)
{
	g_free(machine->root);
	elf_maker_remove(machine->dir);
}

static void assert_opens(const char *root, const char *path, const char *content)
{
	g_autoptr(GError) error = NULL;
	char bytes[16] = "";
	struct stat st;
	int fd = recorded_file_open(root, path, &st, &error);

	g_assert_no_error(error);
	g_assert_true(S_ISREG(st.st_mode));
	g_assert_cmpint(read(fd, bytes, sizeof(bytes) - 1), ==, (gssize)strlen(content));
	g_assert_cmpstr(bytes, ==, content);
	g_assert_cmpint(close(fd), ==, 0);
}

/* With the one answer that there is. */
static void assert_refuses(const char *root, const char *path)
{
	g_autofree char *expected = g_strdup_printf(
		"%s%s is no program or library that can be read here; give a directory with the "
		"recorded files, --symfs DIR",
		root ? root : "", path);
	g_autoptr(GError) error = NULL;
	int fd = recorded_file_open(root, path, NULL, &error);

	if (fd >= 0)
		g_error("%s was opened", path);
	g_assert_error(error, DSO_ERROR, DSO_NO_FILE);
	g_assert_cmpstr(error->message, ==, expected);
}

static void test_root(struct machine *machine, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const inside[] = {
		"/usr/lib/file",
		"/usr/./lib//file",
		"/../usr/lib/file",
		"/../../../usr/lib/file",
		"/deep/er/../../usr/lib/file",
		"/link",
		"/absolute",
		"/usr/relative",
		"/usr/beyond",
		"/lib/file",
		"/lib/../lib/file",
	};
	static const char *const outside[] = {
		"/outside",
		"/../outside",
		"/out",
		"/out-absolute",
		"/dir-out/outside",
		"/loop",
		"/dangling",
		"/",
		"",
		"/usr/lib",
		"/usr/lib/file/.",
		"/usr/lib/file/../file",
	};
	g_autofree char *link = g_strdup_printf("ln -s %s/outside out-absolute", machine->dir);

	g_free(elf_maker_run(machine->root, "ln -s usr/lib/file link"));
	g_free(elf_maker_run(machine->root, "ln -s /usr/lib/file absolute"));
	g_free(elf_maker_run(machine->root, "ln -s usr/lib lib"));
	g_free(elf_maker_run(machine->root, "ln -s ../link usr/relative"));
	g_free(elf_maker_run(machine->root, "ln -s ../../../../usr/lib/file usr/beyond"));
	g_free(elf_maker_run(machine->root, "ln -s ../outside out"));
	g_free(elf_maker_run(machine->root, link));
	g_free(elf_maker_run(machine->root, "ln -s .. dir-out"));
	g_free(elf_maker_run(machine->root, "ln -s loop loop"));
	g_free(elf_maker_run(machine->root, "ln -s nowhere dangling"));
	for (guint i = 0; i < G_N_ELEMENTS(inside); i++)
		assert_opens(machine->root, inside[i], "inside");
	for (guint i = 0; i < G_N_ELEMENTS(outside); i++)
		assert_refuses(machine->root, outside[i]);
}

/* The root is the user's choice, and may be one of /proc. */
static void test_root_of_process(struct machine *machine, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *path = g_strconcat(machine->root, "/usr/lib/file", NULL);

	assert_opens("/proc/self/root", path, "inside");
	assert_opens(NULL, path, "inside");
}

static void test_kinds(struct machine *machine, gconstpointer data G_GNUC_UNUSED)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", machine->root);
	g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
	g_free(elf_maker_run(machine->root, "mkfifo fifo"));
	assert_refuses(machine->root, "/socket");
	assert_refuses(machine->root, "/fifo");
	assert_refuses(NULL, "/dev/null");
	assert_refuses(NULL, "/dev/zero");
	close(fd);
}

/* Regular files by what stat() says, of which reading has effects, or tells what nobody stored. */
static void test_file_systems(struct machine *machine, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const paths[] = {
		"/proc/version",     "/proc/self/exe",
		"/proc/self/maps",   "/proc/kmsg",
		"/proc/self/cwd/x",  "/dev/fd/0",
		"/sys/kernel/notes", "/sys/kernel/tracing/trace_pipe",
	};
	g_autofree char *own = g_strdup_printf("/proc/self/root%s/usr/lib/file", machine->root);
	g_autofree char *fd_path = NULL;
	g_autofree char *file = g_strconcat(machine->root, "/usr/lib/file", NULL);
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
		assert_refuses(NULL, paths[i]);
	/* The same file as one that may be opened, by way of /proc. */
	fd_path = g_strdup_printf("/proc/self/fd/%d", fd);
	assert_refuses(NULL, own);
	assert_refuses(NULL, fd_path);
	close(fd);
}

static void assert_secret_is_refused(const struct machine *machine)
{
	assert_refuses(machine->root, "/secret");
	assert_refuses(machine->root, "/closed/file");
	assert_opens(machine->root, "/usr/lib/file", "inside");
}

/* What may not be read looks as if it were not there. */
static void test_rights(struct machine *machine, gconstpointer data G_GNUC_UNUSED)
{
	int status;
	pid_t pid;

	g_free(elf_maker_run(machine->root, "cp usr/lib/file secret"));
	g_free(elf_maker_run(machine->root, "mkdir closed"));
	g_free(elf_maker_run(machine->root, "cp usr/lib/file closed"));
	g_free(elf_maker_run(machine->root, "chmod 000 secret closed"));
	if (getuid()) {
		assert_secret_is_refused(machine);
		g_free(elf_maker_run(machine->root, "chmod 700 closed"));
		return;
	}
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (!pid) {
		if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(2);
		assert_secret_is_refused(machine);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

/* That lies with us, and a file that is there must not seem to be missing. */
static void test_descriptors(struct machine *machine, gconstpointer data G_GNUC_UNUSED)
{
	struct rlimit before, none;
	g_autoptr(GError) error = NULL;
	int fd;

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	none = before;
	none.rlim_cur = 0;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	fd = recorded_file_open(machine->root, "/usr/lib/file", NULL, &error);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	g_assert_cmpint(fd, ==, -1);
	g_assert_error(error, DSO_ERROR, DSO_UNREADABLE);
	g_assert_nonnull(strstr(error->message, "Too many open files"));
	/* And none is left open. */
	fd = dup(0);
	assert_opens(machine->root, "/usr/lib/file", "inside");
	assert_refuses(machine->root, "/usr/lib");
	assert_refuses(machine->root, "/usr/lib/file/../x");
	g_assert_cmpint(dup(0), ==, fd + 1);
	close(fd);
	close(fd + 1);
}

static void add(const char *name, void (*test)(struct machine *, gconstpointer))
{
	g_test_add(name, struct machine, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* A FIFO that is opened would wait for ever. */
	alarm(60);
	add("/recorded_file/root", test_root);
	add("/recorded_file/root_of_process", test_root_of_process);
	add("/recorded_file/kinds", test_kinds);
	add("/recorded_file/file_systems", test_file_systems);
	add("/recorded_file/rights", test_rights);
	add("/recorded_file/descriptors", test_descriptors);
	return g_test_run();
}
