/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flock() on the directory: a lock ends with its process, however that ends.
 */
#include "probes/state_lock.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NAP_MS	      50
#define SILENCE_US    G_USEC_PER_SEC /* a lock is usually held for less: nothing is said of it */
#define HOLDER_UNSEEN 0

bool registration_caller_wants_end(const struct registration_caller *caller, int timeout_ms)
{
	if (caller && caller->wants_end)
		return caller->wants_end(caller->data, timeout_ms);
	g_usleep((gulong)timeout_ms * 1000);
	return false;
}

void registration_caller_say(const struct registration_caller *caller, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	if (!caller || !caller->say)
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	caller->say(caller->data, text);
}

static int fail_errno(GError **error, const char *what, const char *path)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "cannot %s %s: %s: what is registered there stays as it is", what, path,
		    g_strerror(errno));
	return -1;
}

/* Nobody else can have put anything into it. */
static bool is_ours_alone(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && status.st_uid == geteuid() && !(status.st_mode & 022);
}

/* Whoever had the lock before may have removed the directory. */
static bool is_still_there(int fd, const char *path)
{
	struct stat open, now;

	return !fstat(fd, &open) && !lstat(path, &now) && open.st_dev == now.st_dev &&
	       open.st_ino == now.st_ino;
}

/* A directory that is ours alone; -1 with `error`, or without when it was just removed. */
static int open_directory(const char *path, GError **error)
{
	int fd;

	if (g_mkdir(path, 0700) && errno != EEXIST)
		return fail_errno(error, "create", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -1 : fail_errno(error, "open", path);
	if (is_ours_alone(fd))
		return fd;
	close(fd);
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "others can write to %s: remove it",
		    path);
	return -1;
}

/*
 * The process that has the lock, or HOLDER_UNSEEN: it ended meanwhile, is of another pid namespace,
 * or this file system has other numbers in /proc/locks than for stat().
 * Source: "ID: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE START END", proc(5).
 */
static int holder_of(int fd)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct stat status;

	if (fstat(fd, &status) || !g_file_get_contents("/proc/locks", &text, NULL, NULL))
		return HOLDER_UNSEEN;
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		unsigned int major_number, minor_number;
		unsigned long inode;
		int pid;

		if (sscanf(*line, "%*u: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major_number,
			   &minor_number, &inode) == 4 &&
		    makedev(major_number, minor_number) == status.st_dev &&
		    inode == status.st_ino && pid > 0)
			return pid;
	}
	return HOLDER_UNSEEN;
}

/* "colo-perf (pid 12)"; the caller frees it. */
static char *describe_holder(int fd)
{
	const int pid = holder_of(fd);

	return pid == HOLDER_UNSEEN ? g_strdup("another colo-perf")
				    : g_strdup_printf("colo-perf (pid %d)", pid);
}

static bool say_whom(int fd, const struct registration_caller *caller)
{
	g_autofree char *holder = describe_holder(fd);

	registration_caller_say(
		caller, "waiting for %s, which registers or takes back probes; Ctrl-C ends this",
		holder);
	return true;
}

static bool fail_patience(int fd, const char *path, GError **error)
{
	g_autofree char *holder = describe_holder(fd);

	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "%s has %s locked for too long: end it if it hangs", holder, path);
	return false;
}

/* False with `error`, or without when the caller wanted an end. */
static bool wait_for_lock(int fd, const char *path, const struct registration_caller *caller,
			  guint patience_ms, GError **error)
{
	const gint64 begin_us = g_get_monotonic_time();
	const gint64 patience_us = patience_ms * INT64_C(1000);
	bool said = false;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		const gint64 waited_us = g_get_monotonic_time() - begin_us;

		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK) {
			fail_errno(error, "lock", path);
			return false;
		}
		if (patience_ms && waited_us > patience_us)
			return fail_patience(fd, path, error);
		if (!said && waited_us > SILENCE_US)
			said = say_whom(fd, caller);
		if (registration_caller_wants_end(caller, NAP_MS))
			return false;
	}
	return true;
}

int state_lock(const char *directory, const struct registration_caller *caller, guint patience_ms,
	       GError **error)
{
	for (;;) {
		GError *problem = NULL;
		int fd = open_directory(directory, &problem);

		if (problem) {
			g_propagate_error(error, problem);
			return -1;
		}
		if (fd < 0)
			continue;
		if (!wait_for_lock(fd, directory, caller, patience_ms, error)) {
			close(fd);
			return -1;
		}
		if (is_still_there(fd, directory))
			return fd;
		close(fd);
	}
}
