/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The distribution of a set of integers: nanoseconds, bytes, pages. It knows
 * nothing of what they mean.
 */
#ifndef COLO_PERF_BASE_DISTRIBUTION_H
#define COLO_PERF_BASE_DISTRIBUTION_H

#include <glib.h>
#include <stdint.h>

/*
 * All in the unit of the values. With n 0 only n and total mean anything;
 * with n 1 there is no deviation.
 */
struct distribution {
	uint64_t n;
	int64_t total;
	double mean;
	double stddev; /* sample standard deviation, divisor n - 1 */
	int64_t min;
	int64_t p50; /* nearest rank: the smallest value that at least */
	int64_t p90; /* p percent of all values do not exceed */
	int64_t p99;
	int64_t max;
};

/*
 * The distribution of the int64_t in `values`, which are sorted by it. The
 * deviation follows Welford (Technometrics 4, 1962): a sum of squared
 * nanoseconds would overflow 64 bits after a few thousand phases.
 */
struct distribution distribution_of(GArray *values);

#endif
