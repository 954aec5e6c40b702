/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Mean, deviation and percentiles of integers.
 */
#include "base/distribution.h"

#include <math.h>

static int compare_int64(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* Nearest rank: the ceil(percent / 100 * n)-th smallest, counted from 1. */
static int64_t percentile(const int64_t *sorted, uint64_t n, unsigned int percent)
{
	uint64_t rank = (n * percent + 99) / 100;

	return sorted[rank - 1];
}

struct distribution distribution_of(GArray *values)
{
	struct distribution result = {.n = values->len};
	const int64_t *sorted;
	double mean = 0, squares = 0;

	if (!values->len)
		return result;

	g_array_sort(values, compare_int64);
	sorted = (const int64_t *)(void *)values->data;
	for (guint i = 0; i < values->len; i++) {
		double delta = (double)sorted[i] - mean;

		mean += delta / (i + 1);
		squares += delta * ((double)sorted[i] - mean);
		/* By way of unsigned: damaged input must not overflow a signed sum. */
		result.total = (int64_t)((uint64_t)result.total + (uint64_t)sorted[i]);
	}
	result.mean = (double)result.total / values->len;
	if (values->len > 1)
		result.stddev = sqrt(squares / (values->len - 1));
	result.min = sorted[0];
	result.p50 = percentile(sorted, values->len, 50);
	result.p90 = percentile(sorted, values->len, 90);
	result.p99 = percentile(sorted, values->len, 99);
	result.max = sorted[values->len - 1];
	return result;
}
