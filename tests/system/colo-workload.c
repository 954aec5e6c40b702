// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process that looks like the primary of a pair to a profiler: it hits the COLO probes and
 * spends a known CPU time of each ram phase in known functions. Time is the thread's own CPU
 * time, so a busy machine makes it longer but changes no share. It measures nothing.
 *
 *	colo-workload [-w] MODE CHECKPOINTS MICROSECONDS [ARGUMENT...]
 *
 * MICROSECONDS of CPU time go into each ram phase. -w waits for a line on standard input first.
 * The modes are in the table at the end.
 */
#include "workload-probes.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S     1000000000
#define TURNS	     100000 /* between two looks at the clock, some 100 microseconds */
#define COPY_PERCENT 70	    /* of the time; hot_scan() has the rest */
#define DEV_NS	     1000000
#define FRAME_BYTES  1024

static uint64_t n_checkpoints;
static int64_t ram_ns; /* CPU time of one ram phase */
static int64_t dev_ns = DEV_NS;
static char **arguments;

static int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static inline __attribute__((always_inline)) uint64_t turn(uint64_t value)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		value = value * 6364136223846793005u + 1;
		/* The compiler must not know what comes out. */
		__asm__ volatile("" : "+r"(value));
	}
	return value;
}

/* noipa: functions with the same code stay different ones. */
#define HOT_FUNCTION(name)                                                                         \
	__attribute__((noipa)) uint64_t name(int64_t until_ns)                                     \
	{                                                                                          \
		uint64_t value = 1;                                                                \
                                                                                                   \
		do                                                                                 \
			value = turn(value);                                                       \
		while (cpu_ns() < until_ns);                                                       \
		return value;                                                                      \
	}

/* hot_copy() alone is exported where the program is linked with -rdynamic. */
extern uint64_t hot_copy(int64_t until_ns);
HOT_FUNCTION(hot_copy)
static HOT_FUNCTION(hot_scan);
static HOT_FUNCTION(hot_device);
static HOT_FUNCTION(hot_child);
static HOT_FUNCTION(hot_executed);
static HOT_FUNCTION(hot_helper);

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* --- Two functions --- */

static __attribute__((noipa)) void ram_mix(uint64_t seq)
{
	const int64_t begin_ns = cpu_ns();

	(void)seq;
	hot_copy(begin_ns + ram_ns / 100 * COPY_PERCENT);
	hot_scan(begin_ns + ram_ns);
}

/* --- Recursion, with small frames and with large ones --- */

static __attribute__((noipa)) uint64_t recurse(int depth, int64_t until_ns)
{
	return depth > 1 ? recurse(depth - 1, until_ns) + 1 : hot_copy(until_ns) + 1;
}

static __attribute__((noipa)) void ram_recurse(uint64_t seq)
{
	(void)seq;
	recurse(atoi(arguments[0]), cpu_ns() + ram_ns);
}

static __attribute__((noipa)) uint64_t recurse_with_room(int depth, int64_t until_ns)
{
	volatile char room[FRAME_BYTES];
	uint64_t value;

	room[0] = (char)depth;
	value = depth > 1 ? recurse_with_room(depth - 1, until_ns) : hot_copy(until_ns);
	return value + (uint64_t)room[0];
}

static __attribute__((noipa)) void ram_room(uint64_t seq)
{
	(void)seq;
	recurse_with_room(atoi(arguments[0]), cpu_ns() + ram_ns);
}

/* --- Libraries that come and go --- */

/* Opens the library, works in its function `name` until then, and says where that was. */
static __attribute__((noipa)) void work_in_library(const char *path, const char *name,
						   int64_t until_ns)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int64_t (*work)(int64_t until_ns);

	if (!library || !(work = (int64_t(*)(int64_t))dlsym(library, name))) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	printf("%s %p\n", name, (void *)work);
	work(until_ns);
	dlclose(library);
}

/* Arguments: path and function of one library, path and function of another one. */
static __attribute__((noipa)) void ram_libraries(uint64_t seq)
{
	const int64_t begin_ns = cpu_ns();

	(void)seq;
	work_in_library(arguments[0], arguments[1], begin_ns + ram_ns / 100 * COPY_PERCENT);
	work_in_library(arguments[2], arguments[3], begin_ns + ram_ns);
}

/* Arguments: path, function, a file that takes that path half way, its function. */
static __attribute__((noipa)) void ram_replaced_library(uint64_t seq)
{
	const bool second = seq > n_checkpoints / 2;

	if (seq == n_checkpoints / 2 + 1 && rename(arguments[2], arguments[0]))
		fail("rename");
	work_in_library(arguments[0], arguments[second ? 3 : 1], cpu_ns() + ram_ns);
}

/* --- The vDSO --- */

static __attribute__((noipa)) uint64_t hot_clock(int64_t until_ns)
{
	struct timespec now = {0};
	int i;

	do
		for (i = 0; i < TURNS / 100; i++)
			clock_gettime(CLOCK_MONOTONIC, &now);
	while (cpu_ns() < until_ns);
	return (uint64_t)now.tv_nsec;
}

static __attribute__((noipa)) void ram_clock(uint64_t seq)
{
	(void)seq;
	hot_clock(cpu_ns() + ram_ns);
}

/* --- Other processes --- */

static void wait_for(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || status)
		fail("child");
}

/* Both work: the parent in hot_copy(), the child in hot_child(). */
static __attribute__((noipa)) void ram_fork(uint64_t seq)
{
	pid_t child = fork();

	(void)seq;
	if (!child) {
		hot_child(cpu_ns() + ram_ns);
		_exit(0);
	}
	hot_copy(cpu_ns() + ram_ns);
	wait_for(child);
}

/* Likewise, with a child that runs this program anew. */
static __attribute__((noipa)) void ram_exec(uint64_t seq)
{
	pid_t child = fork();
	char ns[32];

	(void)seq;
	if (!child) {
		snprintf(ns, sizeof(ns), "%lld", (long long)ram_ns / 1000);
		execl("/proc/self/exe", "executed", "executed", "1", ns, NULL);
		_exit(1);
	}
	hot_copy(cpu_ns() + ram_ns);
	wait_for(child);
}

/* --- Other threads --- */

static atomic_bool stop_helpers;
static atomic_ullong now_seq;

static void *run_helper(void *data)
{
	prctl(PR_SET_NAME, data);
	while (!stop_helpers)
		hot_helper(cpu_ns() + ram_ns / 10);
	return NULL;
}

static void *run_renamed_helper(void *data)
{
	bool renamed = false;

	prctl(PR_SET_NAME, data);
	while (!stop_helpers) {
		if (!renamed && now_seq > n_checkpoints / 2) {
			prctl(PR_SET_NAME, "helper;after");
			renamed = true;
		}
		hot_helper(cpu_ns() + ram_ns / 10);
	}
	return NULL;
}

static __attribute__((noipa)) void ram_threads(uint64_t seq)
{
	now_seq = seq;
	hot_copy(cpu_ns() + ram_ns);
}

/* --- Inlined functions --- */

static inline __attribute__((always_inline)) uint64_t inlined_inner(uint64_t value)
{
	return turn(value);
}

static inline __attribute__((always_inline)) uint64_t inlined_outer(uint64_t value)
{
	return inlined_inner(value ^ 1) + 1;
}

static __attribute__((noipa)) uint64_t hot_inlining(int64_t until_ns)
{
	uint64_t value = 1;

	do
		value = inlined_outer(value);
	while (cpu_ns() < until_ns);
	return value;
}

static __attribute__((noipa)) void ram_inline(uint64_t seq)
{
	(void)seq;
	hot_inlining(cpu_ns() + ram_ns);
}

/* --- How the loop is run --- */

static void (*ram_work)(uint64_t seq);

static __attribute__((noipa)) void dev_work(uint64_t seq)
{
	(void)seq;
	if (dev_ns)
		hot_device(cpu_ns() + dev_ns);
}

static __attribute__((noipa)) void run_loop(void)
{
	const struct workload_phases phases = {.dev = dev_work, .ram = ram_work};

	workload_run_checkpoints(n_checkpoints, &phases);
}

static void *run_colo_thread(void *data)
{
	(void)data;
	prctl(PR_SET_NAME, "live_migration");
	run_loop();
	return NULL;
}

/* As QEMU does it. */
static void run_in_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_colo_thread, NULL) || pthread_join(thread, NULL))
		fail("pthread");
}

static void run_with_helpers(void)
{
	pthread_t first, second;

	if (pthread_create(&first, NULL, run_helper, "helper-one") ||
	    pthread_create(&second, NULL, run_renamed_helper, "helper;before"))
		fail("pthread");
	run_in_thread();
	stop_helpers = true;
	if (pthread_join(first, NULL) || pthread_join(second, NULL))
		fail("pthread");
}

/* In the child of a child, that knows its mappings and its name from its parents alone. */
static void run_in_grandchild(void)
{
	pid_t child = fork();

	if (!child) {
		child = fork();
		if (!child) {
			run_loop();
			_exit(0);
		}
		wait_for(child);
		_exit(0);
	}
	wait_for(child);
}

/* At a steady pace, with little CPU time: the wait is an argument, and ram sleeps. */
static void ram_paced(uint64_t seq)
{
	const struct timespec time = {.tv_sec = ram_ns / NS_PER_S, .tv_nsec = ram_ns % NS_PER_S};

	(void)seq;
	nanosleep(&time, NULL);
}

static void run_paced(void)
{
	workload_wait_ns = atol(arguments[0]) * 1000;
	dev_ns = 0;
	run_in_thread();
}

static void run_executed(void)
{
	hot_executed(cpu_ns() + ram_ns);
}

static const struct mode {
	const char *name;
	int n_arguments;
	void (*run)(void);
	void (*ram)(uint64_t seq);
} modes[] = {
	{"mix", 0, run_in_thread, ram_mix},
	{"recurse", 1, run_in_thread, ram_recurse}, /* DEPTH */
	{"room", 1, run_in_thread, ram_room},	    /* DEPTH */
	{"libraries", 4, run_in_thread, ram_libraries},
	{"replaced-library", 4, run_in_thread, ram_replaced_library},
	{"fork", 0, run_in_thread, ram_fork},
	{"exec", 0, run_in_thread, ram_exec},
	{"threads", 0, run_with_helpers, ram_threads},
	{"inline", 0, run_in_thread, ram_inline},
	{"clock", 0, run_in_thread, ram_clock},
	{"grandchild", 0, run_in_grandchild, ram_mix},
	{"paced", 1, run_paced, ram_paced},  /* MICROSECONDS to wait before each checkpoint */
	{"executed", 0, run_executed, NULL}, /* what the child of "exec" does */
};

static const struct mode *find_mode(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const bool waits = argc > 1 && !strcmp(argv[1], "-w");
	const struct mode *mode;

	argc -= 1 + waits;
	argv += 1 + waits;
	mode = argc >= 3 ? find_mode(argv[0]) : NULL;
	if (!mode || argc != 3 + mode->n_arguments) {
		fprintf(stderr, "wrong usage: see colo-workload.c\n");
		return 2;
	}
	n_checkpoints = strtoull(argv[1], NULL, 10);
	ram_ns = atoll(argv[2]) * 1000;
	arguments = argv + 3;
	ram_work = mode->ram;
	if (waits && getchar() == EOF)
		return 1;
	mode->run();
	return 0;
}
