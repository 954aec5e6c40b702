// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process that looks like the primary of a pair to a recorder: it hits the COLO probes at a
 * steady pace and needs no CPU. It waits for a line on standard input first, and ends with
 * STATUS. It measures nothing.
 *
 *	paced-workload CHECKPOINTS MICROSECONDS STATUS [IGNORED...]
 */
#include "workload-probes.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static useconds_t pause_us;

static void wait_in_phase(uint64_t seq)
{
	(void)seq;
	usleep(pause_us);
}

int main(int argc, char **argv)
{
	const struct workload_phases phases = {.dev = wait_in_phase, .ram = wait_in_phase};

	if (argc < 4 || getchar() == EOF)
		return 2;
	pause_us = (useconds_t)atoi(argv[2]) / 2;
	workload_run_checkpoints(strtoull(argv[1], NULL, 10), &phases);
	return atoi(argv[3]);
}
