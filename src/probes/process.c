/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads /proc.
 */
#include "probes/process.h"

#include "base/error.h"
#include "base/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* uprobe_events cuts its lines at these, or gives them a meaning. */
#define NOT_IN_PATHS " \t\n\r\v\f#()%\\\""

/* The file at `path` is the open one. */
static bool is_same_file(const char *path, const struct stat *open)
{
	struct stat now;

	return !stat(path, &now) && now.st_dev == open->st_dev && now.st_ino == open->st_ino;
}

static struct program *program_of_fd(int fd, const struct stat *status, char *path, char *site_path)
{
	struct program *program = g_new0(struct program, 1);

	program->fd = fd;
	program->path = path;
	program->site_path = site_path;
	program->device = status->st_dev;
	program->inode = status->st_ino;
	return program;
}

static void fail_process(pid_t pid, int code, GError **error)
{
	g_autofree char *advice = rights_advice(CAP_SYS_PTRACE, "CAP_SYS_PTRACE");

	if (code == ENOENT || code == ESRCH)
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "there is no process %d: give the pid of a running QEMU with -p", pid);
	else if (geteuid())
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot see which program process %d runs (%s): run this as root, or "
			    "as the user of that process",
			    pid, g_strerror(code));
	else
		g_set_error(
			error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			"cannot see which program process %d runs (%s), for which CAP_SYS_PTRACE "
			"is needed: %s",
			pid, g_strerror(code), advice);
}

/*
 * The path itself is what `perf probe` and people would take. It may meanwhile be that of
 * another file, or be seen by the process only; the kernel finds the file through /proc then.
 */
static char *site_path_of(pid_t pid, const char *exe, const char *path, const struct stat *status)
{
	g_autofree char *in_root = g_strdup_printf("/proc/%d/root%s", pid, path);

	if (!strpbrk(path, NOT_IN_PATHS) && *path == '/') {
		if (is_same_file(path, status))
			return g_strdup(path);
		if (is_same_file(in_root, status))
			return g_steal_pointer(&in_root);
	}
	return g_strdup(exe);
}

struct program *program_of_process(pid_t pid, GError **error)
{
	g_autofree char *exe = g_strdup_printf("/proc/%d/exe", pid);
	g_autofree char *path = g_file_read_link(exe, NULL);
	struct stat status;
	int fd = open(exe, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		g_autofree char *directory = g_strdup_printf("/proc/%d", pid);
		int code = errno;

		if (code == ENOENT && !access(directory, F_OK))
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
				    "process %d runs no program: it is the kernel's, or has ended",
				    pid);
		else
			fail_process(pid, code, error);
		return NULL;
	}
	if (!path || fstat(fd, &status)) {
		fail_process(pid, errno, error);
		close(fd);
		return NULL;
	}
	return program_of_fd(fd, &status, g_strdup(path), site_path_of(pid, exe, path, &status));
}

struct program *program_at(const char *path, GError **error)
{
	g_autofree char *whole = realpath(path, NULL);
	struct stat status = {0};
	/* A FIFO must not block. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || !whole || fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot read %s: %s", path,
			    fd >= 0 && whole ? "it is no regular file" : g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (strpbrk(whole, NOT_IN_PATHS)) {
		g_autofree char *by_fd = g_strdup_printf("/proc/%d/fd/%d", getpid(), fd);

		return program_of_fd(fd, &status, g_steal_pointer(&whole), g_steal_pointer(&by_fd));
	}
	return program_of_fd(fd, &status, g_strdup(whole), g_strdup(whole));
}

void program_free(struct program *program)
{
	if (!program)
		return;
	close(program->fd);
	g_free(program->path);
	g_free(program->site_path);
	g_free(program);
}

/*
 * The value of -name: elements behind commas, ",," being a comma of the element; the first one
 * is the name, also without "guest=".
 */
static bool is_called(const char *value, const char *name)
{
	const char *prefix = "guest=";
	bool first = true;

	while (*value) {
		g_autoptr(GString) element = g_string_new(NULL);
		const char *text;

		for (; *value && (*value != ',' || value[1] == ','); value++) {
			if (*value == ',')
				value++;
			g_string_append_c(element, *value);
		}
		if (*value)
			value++;
		text = element->str;
		if (g_str_has_prefix(text, prefix))
			text += strlen(prefix);
		else if (!first)
			continue;
		if (!strcmp(text, name))
			return true;
		first = false;
	}
	return false;
}

/* Words that end with NUL, as in /proc/PID/cmdline. */
static bool has_name(const char *words, gsize size, const char *name)
{
	const char *end = words + size;
	bool is_value = false;

	for (const char *word = words; word < end; word += strlen(word) + 1) {
		if (is_value && is_called(word, name))
			return true;
		is_value = !strcmp(word, "-name") || !strcmp(word, "--name");
	}
	return false;
}

GArray *processes_called(const char *name)
{
	GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
	const char *entry;

	while (proc && (entry = g_dir_read_name(proc))) {
		g_autofree char *path = g_build_filename("/proc", entry, "cmdline", NULL);
		g_autofree char *words = NULL;
		guint64 pid;
		gsize size;

		/* g_file_get_contents() ends it with a NUL of its own. */
		if (g_ascii_string_to_unsigned(entry, 10, 1, G_MAXINT32, &pid, NULL) &&
		    (pid_t)pid != getpid() && g_file_get_contents(path, &words, &size, NULL) &&
		    has_name(words, size, name)) {
			pid_t found = (pid_t)pid;

			g_array_append_val(pids, found);
		}
	}
	return pids;
}

/* "7 (name) S 1 ...": the name may have anything in it. */
static pid_t parent_of(const char *pid)
{
	g_autofree char *path = g_build_filename("/proc", pid, "stat", NULL);
	g_autofree char *text = NULL;
	const char *end;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return -1;
	end = strrchr(text, ')');
	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : -1;
}

static bool runs_one_of(const char *pid, const GPtrArray *programs)
{
	g_autofree char *exe = g_build_filename("/proc", pid, "exe", NULL);
	struct stat status;

	if (stat(exe, &status))
		return false;
	for (guint i = 0; i < programs->len; i++) {
		const struct program *program = programs->pdata[i];

		if (program->device == status.st_dev && program->inode == status.st_ino)
			return true;
	}
	return false;
}

GArray *processes_below_us(const GPtrArray *programs)
{
	GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
	const char *entry;
	guint64 pid;

	while (proc && (entry = g_dir_read_name(proc)))
		if (g_ascii_string_to_unsigned(entry, 10, 1, G_MAXINT32, &pid, NULL) &&
		    parent_of(entry) == getpid() && runs_one_of(entry, programs)) {
			const pid_t found = (pid_t)pid;

			g_array_append_val(pids, found);
		}
	return pids;
}

bool pids_have(const GArray *pids, pid_t pid)
{
	for (guint i = 0; i < pids->len; i++)
		if (g_array_index(pids, pid_t, i) == pid)
			return true;
	return false;
}

static void close_fd(gpointer fd)
{
	close(*(int *)fd);
}

GArray *pidfds_new(void)
{
	GArray *pidfds = g_array_new(FALSE, FALSE, sizeof(int));

	g_array_set_clear_func(pidfds, close_fd);
	return pidfds;
}

bool pidfds_add(GArray *pidfds, pid_t pid)
{
	const int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0)
		g_array_append_val(pidfds, fd);
	return fd >= 0;
}

bool pidfds_have_ended(const GArray *pidfds)
{
	for (guint i = 0; i < pidfds->len; i++) {
		struct pollfd process = {.fd = g_array_index(pidfds, int, i), .events = POLLIN};

		if (poll(&process, 1, 0) != 1)
			return false;
	}
	return true;
}
