// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks the kernel for the build-ids of all that is mapped, on all CPUs, as perf does from 6.18 on.
 * Prints a line when it has begun, and ends when its input does.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUFFER_PAGES 8

static int ask(int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.mmap = 1,
		.mmap2 = 1,
		.build_id = 1,
		.sample_id_all = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
	};
	const int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	const size_t size = (size_t)(1 + BUFFER_PAGES) * (size_t)getpagesize();

	if (fd < 0 || mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED) {
		perror("build-id-asker");
		return -1;
	}
	return 0;
}

int main(void)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (int cpu = 0; cpu < cpus; cpu++)
		if (ask(cpu))
			return 1;
	puts("asks");
	fflush(stdout);
	getchar();
	return 0;
}
