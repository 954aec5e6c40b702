/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fork() and exec(): GLib's ways to spawn know neither process groups nor a parent's death,
 * and cannot hold a program back until somebody watches it. We have one thread.
 */
#define _GNU_SOURCE
#include "child.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAP_US	   10000
#define CANNOT_RUN 127

struct child {
	pid_t pid;
	bool is_servant, ended;
	int status;
	char *name;   /* Owned by this */
	int gate_fd;  /* Owned by this: a byte into it lets it begin; -1: it has */
	int error_fd; /* Owned by this: errno of exec() comes out of it; -1: it was read */
};

/* In the child: never returns. */
static void become(const struct child_options *options, pid_t parent, int gate_fd, int error_fd)
{
	int input, code;
	char byte;

	if (options->is_servant) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		/* It may have died before. */
		if (getppid() != parent)
			_exit(CANNOT_RUN);
		input = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (input >= 0)
			dup2(input, STDIN_FILENO);
		dup2(options->output_fd, STDOUT_FILENO);
		dup2(options->output_fd, STDERR_FILENO);
	}
	for (const int *fd = options->pass_fds; fd && *fd >= 0; fd++)
		fcntl(*fd, F_SETFD, 0);
	/* No byte: nobody waits for us any more. */
	if (gate_fd >= 0 && read(gate_fd, &byte, 1) != 1)
		_exit(CANNOT_RUN);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigprocmask(SIG_SETMASK, options->mask, NULL);
	execvp(options->argv[0], (char *const *)options->argv);
	code = errno;
	if (write(error_fd, &code, sizeof(code)) < 0)
		_exit(CANNOT_RUN);
	_exit(CANNOT_RUN);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void fail(const char *name, int code, GError **error)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot run %s: %s", name,
		    g_strerror(code));
}

struct child *child_start(const struct child_options *options, GError **error)
{
	int gate[2] = {-1, -1}, errors[2] = {-1, -1};
	struct child *child = g_new0(struct child, 1);
	pid_t parent = getpid();

	child->name = g_strdup(options->argv[0]);
	child->is_servant = options->is_servant;
	if (pipe2(errors, O_CLOEXEC) || (options->wait && pipe2(gate, O_CLOEXEC)) ||
	    (child->pid = fork()) < 0) {
		fail(child->name, errno, error);
		for (size_t i = 0; i < 2; i++) {
			close_fd(&gate[i]);
			close_fd(&errors[i]);
		}
		child->pid = 0;
		child->ended = true;
		child->gate_fd = child->error_fd = -1;
		child_free(child);
		return NULL;
	}
	if (!child->pid) {
		/* Otherwise it would be its own end of the gate that keeps it waiting. */
		close_fd(&gate[1]);
		become(options, parent, gate[0], errors[1]);
	}
	/* Both sides do it: whoever comes first. */
	if (options->is_servant)
		setpgid(child->pid, child->pid);
	close_fd(&gate[0]);
	close_fd(&errors[1]);
	child->gate_fd = gate[1];
	child->error_fd = errors[0];
	if (options->wait || child_release(child, error))
		return child;
	child_free(child);
	return NULL;
}

bool child_release(struct child *child, GError **error)
{
	int code = 0;
	ssize_t size;

	if (child->gate_fd >= 0 && write(child->gate_fd, "", 1) != 1)
		code = errno;
	close_fd(&child->gate_fd);
	/* The end comes when exec() closes its side. */
	do
		size = read(child->error_fd, &code, sizeof(code));
	while (size < 0 && errno == EINTR);
	close_fd(&child->error_fd);
	if (!code)
		return true;
	fail(child->name, code, error);
	child_stop(child, 0);
	return false;
}

pid_t child_pid(const struct child *child)
{
	return child->pid;
}

bool child_has_ended(struct child *child)
{
	if (!child->ended && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
		child->ended = true;
	return child->ended;
}

bool child_wait(struct child *child, guint timeout_ms)
{
	gint64 until_us = g_get_monotonic_time() + timeout_ms * 1000LL;

	while (!child_has_ended(child)) {
		if (g_get_monotonic_time() >= until_us)
			return false;
		g_usleep(NAP_US);
	}
	return true;
}

int child_status(const struct child *child)
{
	return child->status;
}

char *child_describe_end(const struct child *child)
{
	const char *name;

	if (!WIFSIGNALED(child->status))
		return g_strdup_printf("status %d", WEXITSTATUS(child->status));
	name = sigabbrev_np(WTERMSIG(child->status));
	return name ? g_strdup_printf("SIG%s", name)
		    : g_strdup_printf("signal %d", WTERMSIG(child->status));
}

void child_signal(struct child *child, int signal)
{
	if (!child_has_ended(child))
		kill(child->is_servant ? -child->pid : child->pid, signal);
}

void child_stop(struct child *child, guint patience_ms)
{
	if (!child || child_has_ended(child))
		return;
	child_signal(child, SIGTERM);
	/* One that waits to begin ends by itself. */
	close_fd(&child->gate_fd);
	if (child_wait(child, patience_ms))
		return;
	child_signal(child, SIGKILL);
	while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
		;
	child->ended = true;
}

void child_free(struct child *child)
{
	if (!child)
		return;
	close_fd(&child->gate_fd);
	close_fd(&child->error_fd);
	g_free(child->name);
	g_free(child);
}
