// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process that looks like the primary of a pair to a recorder, and spends its time in `ram` in a
 * function of a library. It waits for a line on standard input first. With -daemonize it goes to
 * the background as QEMU does: the first process ends with status 0 when the last one is ready.
 *
 *	kept-workload CHECKPOINTS [-daemonize]
 */
#define _GNU_SOURCE
#include "workload-probes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000
#define RAM_NS	 2000000
#define REST_US	 2000

int64_t work_in_library(int64_t until_ns);

static void work(uint64_t seq)
{
	struct timespec now;

	(void)seq;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	work_in_library((int64_t)now.tv_sec * NS_PER_S + now.tv_nsec + RAM_NS);
}

static void rest(uint64_t seq)
{
	(void)seq;
	usleep(REST_US);
}

/* Returns in the last process, and tells the first one that it is ready. */
static void daemonize(void)
{
	int ready[2];
	char byte = 0;

	if (pipe(ready))
		exit(2);
	if (fork()) {
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) == 1 ? 0 : 2);
	}
	setsid();
	if (fork())
		_exit(0);
	usleep(REST_US);
	if (write(ready[1], &byte, 1) != 1)
		exit(2);
	close(ready[1]);
}

int main(int argc, char **argv)
{
	const struct workload_phases phases = {.dev = rest, .ram = work};

	if (argc < 2 || getchar() == EOF)
		return 2;
	if (argc > 2 && !strcmp(argv[2], "-daemonize"))
		daemonize();
	workload_run_checkpoints(strtoull(argv[1], NULL, 10), &phases);
	return 0;
}
