/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is told of a set of integers: nanoseconds, bytes, pages. It knows nothing of what
 * they mean; value_set.h makes it.
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
	int64_t total; /* INT64_MAX: as much or more */
	double mean;
	int64_t int_mean; /* the exact mean, rounded towards 0 */
	double stddev;	  /* sample standard deviation, divisor n - 1 */
	int64_t min;
	int64_t p50; /* nearest rank: the smallest value that at least */
	int64_t p90; /* p percent of all values do not exceed */
	int64_t p99;
	int64_t max;
};

#endif
