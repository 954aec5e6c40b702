// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A library that colo-workload opens. It is built several times, each time with another name
 * for its only function (-DWORK=...): the files differ in nothing else, so the function lies at
 * the same offset in all of them.
 */
#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000
#define TURNS	 100000 /* between two looks at the clock, some 200 microseconds */

int64_t WORK(int64_t until_ns);

__attribute__((noipa)) int64_t WORK(int64_t until_ns)
{
	volatile uint64_t value = 1;
	struct timespec now;
	int i;

	do {
		for (i = 0; i < TURNS; i++)
			value = value * 6364136223846793005u + 1;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while ((int64_t)now.tv_sec * NS_PER_S + now.tv_nsec < until_ns);
	return (int64_t)value;
}
