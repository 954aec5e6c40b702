/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sums that stop at the largest number instead of wrapping. A recording may claim any count and
 * any duration, so every sum of such numbers is made here. A sum that stopped is a lower bound.
 */
#ifndef COLO_PERF_BASE_SATURATE_H
#define COLO_PERF_BASE_SATURATE_H

#include <stdint.h>

/* left + right, or UINT64_MAX when that does not fit. */
static inline uint64_t sum_u64(uint64_t left, uint64_t right)
{
	uint64_t sum;

	return __builtin_add_overflow(left, right, &sum) ? UINT64_MAX : sum;
}

/* left + right, neither of them negative, or INT64_MAX when that does not fit. */
static inline int64_t sum_i64(int64_t left, int64_t right)
{
	int64_t sum;

	return __builtin_add_overflow(left, right, &sum) ? INT64_MAX : sum;
}

/* left * right, or UINT64_MAX when that does not fit. */
static inline uint64_t product_u64(uint64_t left, uint64_t right)
{
	uint64_t product;

	return __builtin_mul_overflow(left, right, &product) ? UINT64_MAX : product;
}

#endif
