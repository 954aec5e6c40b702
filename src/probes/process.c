/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads /proc.
 */
#define _GNU_SOURCE /* O_PATH */
#include "probes/process.h"

#include "base/error.h"
#include "base/mount.h"
#include "base/rights.h"
#include "probes/tracefs.h"
#include "probes/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_WORDS (1 << 20) /* bytes of a command line: what follows is not looked at */

/* --- Programs --- */

static void fail_process(pid_t pid, int code, GError **error)
{
	g_autofree char *directory = g_strdup_printf("/proc/%d", pid);
	g_autofree char *advice = rights_advice(CAP_SYS_PTRACE, "CAP_SYS_PTRACE");

	if (code == ENOENT && !access(directory, F_OK))
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "process %d runs no program: it is the kernel's, or has ended", pid);
	else if (code == ENOENT || code == ESRCH)
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

static bool fail_file(const char *path, const char *why, GError **error)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot read %s: %s", path, why);
	return false;
}

/*
 * Through our own descriptor the kernel finds the file that we have open, whatever became of its
 * path; no other process can put another file there.
 */
static char *path_of_fd(int fd, GError **error)
{
	g_autofree char *self = g_file_read_link("/proc/self", error);

	if (!self)
		return NULL;
	if (g_ascii_strtoll(self, NULL, 10) == getpid())
		return g_strdup_printf("/proc/%d/fd/%d", getpid(), fd);
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "/proc is of another pid namespace: mount one of this namespace there");
	return NULL;
}

static bool choose_site_path(struct program *program, GError **error)
{
	if (uprobe_path_is_plain(program->path) &&
	    trust_is_fixed_path(program->path, &program->status))
		program->site_path = g_strdup(program->path);
	else
		program->site_path = path_of_fd(program->fd, error);
	return program->site_path != NULL;
}

/*
 * Fills in all but the path. `place` is the file, open with O_PATH, which reaches no device and no
 * file system of a user; `pid` is a process that sees it.
 */
static bool open_program(struct program *program, int place, pid_t pid, GError **error)
{
	g_autofree char *again = g_strdup_printf("/proc/self/fd/%d", place);

	if (mount_is_served(pid, place))
		return fail_file(program->path,
				 "it is on a file system that a user's program serves (FUSE), "
				 "which may show another file at each look, or on none that its "
				 "process still sees: run a copy of it from a disk",
				 error);
	if (fstat(place, &program->status))
		return fail_file(program->path, g_strerror(errno), error);
	if (!S_ISREG(program->status.st_mode))
		return fail_file(program->path, "it is no regular file", error);
	program->fd = open(again, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (program->fd < 0)
		return fail_file(program->path, g_strerror(errno), error);
	return choose_site_path(program, error);
}

/* The program at `place`, which is closed; -1 is an errno's. */
static struct program *program_of_place(int place, pid_t pid, GError **error)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", place);
	struct program *program = g_new0(struct program, 1);

	program->fd = -1;
	program->path = g_file_read_link(link, error);
	if (!program->path || !open_program(program, place, pid, error))
		g_clear_pointer(&program, program_free);
	close(place);
	return program;
}

struct program *program_of_process(pid_t pid, GError **error)
{
	g_autofree char *exe = g_strdup_printf("/proc/%d/exe", pid);
	const int place = open(exe, O_PATH | O_CLOEXEC);

	if (place < 0) {
		fail_process(pid, errno, error);
		return NULL;
	}
	return program_of_place(place, pid, error);
}

struct program *program_at(const char *path, GError **error)
{
	const int place = open(path, O_PATH | O_CLOEXEC);

	if (place < 0) {
		fail_file(path, g_strerror(errno), error);
		return NULL;
	}
	return program_of_place(place, getpid(), error);
}

static bool is_same_file(const struct stat *one, const struct stat *two)
{
	return one->st_dev == two->st_dev && one->st_ino == two->st_ino;
}

static bool is_same_time(const struct timespec *one, const struct timespec *two)
{
	return one->tv_sec == two->tv_sec && one->tv_nsec == two->tv_nsec;
}

bool program_is_unchanged(const struct program *program, GError **error)
{
	const struct stat *then = &program->status;
	struct stat now, found;

	if (!fstat(program->fd, &now) && !stat(program->site_path, &found) &&
	    is_same_file(&now, then) && is_same_file(&found, then) &&
	    now.st_size == then->st_size && is_same_time(&now.st_mtim, &then->st_mtim) &&
	    is_same_time(&now.st_ctim, &then->st_ctim))
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "%s was changed while its probes were looked at: try again", program->path);
	return false;
}

void program_free(struct program *program)
{
	if (!program)
		return;
	if (program->fd >= 0)
		close(program->fd);
	g_free(program->path);
	g_free(program->site_path);
	g_free(program);
}

/* --- Processes --- */

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

/* The caller frees it. A process decides itself how long its command line is. */
static char *read_words(const char *path, gsize *size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	g_autofree char *words = NULL;
	ssize_t got = 1;

	*size = 0;
	if (fd < 0)
		return NULL;
	words = g_malloc(MAX_WORDS + 1);
	while (*size < MAX_WORDS && (got = read(fd, words + *size, MAX_WORDS - *size)) > 0)
		*size += (gsize)got;
	close(fd);
	words[*size] = '\0';
	return got < 0 ? NULL : g_steal_pointer(&words);
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

		if (g_ascii_string_to_unsigned(entry, 10, 1, G_MAXINT32, &pid, NULL) &&
		    (pid_t)pid != getpid() && (words = read_words(path, &size)) &&
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

		if (program->status.st_dev == status.st_dev &&
		    program->status.st_ino == status.st_ino)
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
