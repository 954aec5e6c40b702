// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The load of the test guest: writes to memory at a chosen rate, over a working set of a chosen
 * size, with content that is different each time. Runs as the guest's only process and never ends.
 * It measures nothing, but can tell how much work it got done beside the writing.
 *
 * Kernel command line: colo.dirty_mib_s=RATE (MiB of pages touched each second, 0: none),
 * colo.working_set_mib=SIZE, colo.work_report_ms=MS (computes instead of sleeping, and prints how
 * much it has computed each MS of the guest's time).
 */

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SIZE 4096
#define LINE_SIZE 64
#define MIB	  (1024 * 1024)
#define TICK_NS	  (5 * 1000 * 1000)
/* The guest stands still during a checkpoint; what it missed beyond this many ticks is not made up
 * for. */
#define MAX_TICKS_LATE 20
#define NS_PER_S       1000000000
#define NS_PER_MS      1000000
/* Multiplications in a unit of work: well below a tick, also under TCG. */
#define WORK_UNIT 10000

static uint64_t parameter(const char *cmdline, const char *name, uint64_t fallback)
{
	const char *found = strstr(cmdline, name);

	if (!found)
		return fallback;
	return strtoull(found + strlen(name), NULL, 10);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* One word in each cache line: enough that the page is neither of zeros nor what it was before. */
static void dirty_page(volatile uint8_t *page, uint64_t value)
{
	size_t at;

	for (at = 0; at < PAGE_SIZE; at += LINE_SIZE) {
		value = value * 6364136223846793005u + 1442695040888963407u;
		*(volatile uint64_t *)(page + at) = value;
	}
}

static void compute(void)
{
	static volatile uint64_t sink;
	uint64_t value = sink;
	int i;

	for (i = 0; i < WORK_UNIT; i++)
		value = value * 6364136223846793005u + 1442695040888963407u;
	sink = value;
}

/* Computes until the tick is over. Prints the units of work done so far each report_ns. */
static void work_for_a_tick(int64_t report_ns)
{
	static uint64_t done;
	static int64_t reported;
	const int64_t begin = now_ns();
	int64_t now = begin;

	while (now - begin < TICK_NS) {
		compute();
		done++;
		now = now_ns();
		if (now - reported >= report_ns) {
			printf("work %" PRIu64 "\n", done);
			fflush(stdout);
			reported = now;
		}
	}
}

int main(int argc, char **argv)
{
	char cmdline[4096] = "";
	uint64_t pages, page = 0, written = 0, pages_per_s, rate_mib_s, set_mib, report_ms;
	uint8_t *memory;
	FILE *file;
	int64_t last;
	uint64_t credit = 0; /* pages times nanoseconds that may be written now */

	file = argc > 1 ? fopen(argv[1], "r") : NULL;
	if (file) {
		if (!fgets(cmdline, sizeof(cmdline), file))
			cmdline[0] = '\0';
		fclose(file);
	}
	rate_mib_s = parameter(cmdline, "colo.dirty_mib_s=", 200);
	set_mib = parameter(cmdline, "colo.working_set_mib=", 256);
	report_ms = parameter(cmdline, "colo.work_report_ms=", 0);
	if (set_mib == 0)
		set_mib = 1;
	pages = set_mib * (MIB / PAGE_SIZE);
	pages_per_s = rate_mib_s * (MIB / PAGE_SIZE);

	memory = mmap(NULL, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (memory == MAP_FAILED) {
		printf("colo-perf guest: no memory for a working set of %" PRIu64 " MiB: %s\n",
		       set_mib, strerror(errno));
		fflush(stdout);
		for (;;)
			pause();
	}
	for (page = 0; page < pages; page++)
		dirty_page(memory + page * PAGE_SIZE, ++written);
	page = 0;

	printf("colo-perf guest ready: dirties %" PRIu64 " MiB/s of %" PRIu64 " MiB\n", rate_mib_s,
	       set_mib);
	fflush(stdout);

	last = now_ns();
	for (;;) {
		const struct timespec tick = {.tv_nsec = TICK_NS};
		int64_t now, late;

		if (report_ms)
			work_for_a_tick((int64_t)report_ms * NS_PER_MS);
		else
			nanosleep(&tick, NULL);
		now = now_ns();
		late = now - last;
		last = now;
		if (late > (int64_t)MAX_TICKS_LATE * TICK_NS)
			late = (int64_t)MAX_TICKS_LATE * TICK_NS;
		credit += (uint64_t)late * pages_per_s;
		while (credit >= NS_PER_S) {
			credit -= NS_PER_S;
			dirty_page(memory + page * PAGE_SIZE, ++written);
			page = page + 1 < pages ? page + 1 : 0;
		}
		/* A host that is too slow for the rate must not pile up work for later. */
		if (now_ns() - now > (int64_t)MAX_TICKS_LATE * TICK_NS)
			last = now_ns();
	}
}
