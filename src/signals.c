/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which signals mean what. They are blocked, not ignored: what is ignored stays so in the programs
 * that we start.
 */
#include "signals.h"

#include "base/error.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Somebody, or the system, wants an end: what was registered is taken back. */
static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGPWR};

/* They mean nothing to us, and would kill. So would the real-time signals. */
static const int passed_over[] = {SIGUSR1, SIGUSR2, SIGALRM,  SIGVTALRM,
				  SIGPROF, SIGPOLL, SIGSTKFLT};

/*
 * Not here: SIGSEGV and the like come from a fault, after which nothing can be trusted. SIGPIPE is
 * ignored, as the reader of our output may close it; SIGXFSZ is from the start of colo-perf on.
 */

static bool is_ignored(int number)
{
	struct sigaction action;

	return !sigaction(number, NULL, &action) && action.sa_handler == SIG_IGN;
}

static bool has(const int *numbers, int number)
{
	for (; numbers && *numbers; numbers++)
		if (*numbers == number)
			return true;
	return false;
}

int signals_open(const int *more, sigset_t *before, GError **error)
{
	sigset_t blocked, saved;
	int fd;

	sigemptyset(&blocked);
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
		sigaddset(&blocked, ends[i]);
	/* nohup(1): a blocked signal would come although it is ignored. */
	if (is_ignored(SIGHUP))
		sigdelset(&blocked, SIGHUP);
	for (size_t i = 0; i < G_N_ELEMENTS(passed_over); i++)
		sigaddset(&blocked, passed_over[i]);
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		sigaddset(&blocked, number);
	for (const int *number = more; number && *number; number++)
		sigaddset(&blocked, *number);
	fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot wait for signals: %s", g_strerror(errno));
		return -1;
	}
	sigprocmask(SIG_BLOCK, &blocked, &saved);
	signal(SIGPIPE, SIG_IGN);
	if (before)
		*before = saved;
	return fd;
}

int signals_next(int fd, const int *more)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		const int number = (int)info.ssi_signo;

		if (signals_is_end(number) || has(more, number))
			return number;
	}
	return 0;
}

bool signals_is_end(int number)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
		if (ends[i] == number)
			return true;
	return false;
}

void signals_give_back(int fd, const sigset_t *before)
{
	/* Those that came meanwhile have been answered. */
	while (signals_next(fd, NULL))
		;
	sigprocmask(SIG_SETMASK, before, NULL);
}
