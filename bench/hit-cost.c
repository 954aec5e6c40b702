// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a recording costs the one that is recorded, by the two things that it makes slower: a hit of
 * a probe, and a switch between two threads. Prints both in ns. That it runs on one CPU makes
 * each message between the threads a switch. It begins when it is given a line. bench/hit_cost.py
 * runs it with and without a recording.
 */
#define _GNU_SOURCE
#include "workload-probes.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CHECKPOINTS 3000
#define ROUND_TRIPS 30000

static int there[2], back[2];

static void nothing(uint64_t seq)
{
	(void)seq;
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void *answer(void *unused)
{
	char byte;

	while (read(there[0], &byte, 1) == 1)
		check(write(back[1], &byte, 1) == 1, "write");
	return unused;
}

static void round_trip(void)
{
	char byte = 0;

	check(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe");
}

int main(void)
{
	const struct workload_phases phases = {.dev = nothing, .ram = nothing};
	double begin_ns, hits_ns, switches_ns;
	pthread_t thread;
	cpu_set_t cpu;
	int i;

	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	check(sched_setaffinity(0, sizeof(cpu), &cpu) == 0, "sched_setaffinity");
	check(pipe(there) == 0 && pipe(back) == 0, "pipe");
	check(pthread_create(&thread, NULL, answer, NULL) == 0, "pthread_create");
	workload_wait_ns = 0;
	check(getchar() != EOF, "no line on standard input");
	begin_ns = now_ns();
	workload_run_checkpoints(CHECKPOINTS, &phases);
	hits_ns = now_ns() - begin_ns;
	begin_ns = now_ns();
	for (i = 0; i < ROUND_TRIPS; i++)
		round_trip();
	switches_ns = now_ns() - begin_ns;
	printf("checkpoint_ns=%.0f\nround_trip_ns=%.0f\n", hits_ns / CHECKPOINTS,
	       switches_ns / ROUND_TRIPS);
	return 0;
}
