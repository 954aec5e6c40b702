/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What came lately stands in an array, and what was there before in a packed sequence,
 * which is sorted: of each block of 128 values the first stands as it is, the others
 * as what they are more than the one before, in unsigned LEB128 (DWARF 5, 7.6).
 */
#include "base/value_set.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_VALUES 128
#define MOST_RECENT  4096 /* sorted values that are moved into the packed sequence */
#define MAX_LEB128   10	  /* bytes of a 64-bit number */

typedef __int128 int128;
typedef unsigned __int128 uint128;

struct block {
	int64_t first;
	size_t place; /* of the second value, in the bytes */
};

struct packed {
	GArray *blocks; /* Owned by this: struct block */
	uint8_t *bytes; /* Owned by this */
	size_t n_bytes, room;
	uint64_t n; /* values */
	int64_t last;
};

struct value_set {
	int128 total;
	uint128 squares; /* wraps: the sum of them */
	struct packed packed;
	GArray *recent; /* Owned by this: int64_t, the first `n_sorted` sorted */
	guint n_sorted;
};

static void packed_init(struct packed *packed)
{
	*packed = (struct packed){.blocks = g_array_new(FALSE, FALSE, sizeof(struct block))};
}

static void packed_clear(struct packed *packed)
{
	g_array_unref(packed->blocks);
	g_free(packed->bytes);
}

struct value_set *value_set_new(void)
{
	struct value_set *set = g_new0(struct value_set, 1);

	packed_init(&set->packed);
	set->recent = g_array_new(FALSE, FALSE, sizeof(int64_t));
	return set;
}

void value_set_free(struct value_set *set)
{
	if (!set)
		return;
	packed_clear(&set->packed);
	g_array_unref(set->recent);
	g_free(set);
}

/* --- The packed sequence --- */

/* `value` is not below the last one. */
static void packed_append(struct packed *packed, int64_t value)
{
	uint64_t more = (uint64_t)value - (uint64_t)packed->last;

	packed->last = value;
	if (packed->n++ % BLOCK_VALUES == 0) {
		const struct block block = {value, packed->n_bytes};

		g_array_append_val(packed->blocks, block);
		return;
	}
	if (packed->room - packed->n_bytes < MAX_LEB128) {
		packed->room = packed->room + packed->room / 2 + BLOCK_VALUES;
		packed->bytes = g_realloc(packed->bytes, packed->room);
	}
	for (; more >= 0x80; more >>= 7)
		packed->bytes[packed->n_bytes++] = (uint8_t)(more | 0x80);
	packed->bytes[packed->n_bytes++] = (uint8_t)more;
}

/* Walks through a packed sequence. */
struct walk {
	const struct packed *packed;
	uint64_t next; /* index of the value that comes next */
	size_t place;
	int64_t value;
};

static struct walk walk_from_block(const struct packed *packed, uint64_t block)
{
	return (struct walk){.packed = packed, .next = block * BLOCK_VALUES};
}

static bool walk_next(struct walk *walk)
{
	const struct packed *packed = walk->packed;
	uint64_t more = 0;
	uint8_t byte;

	if (walk->next == packed->n)
		return false;
	if (walk->next % BLOCK_VALUES == 0) {
		const struct block *block =
			&g_array_index(packed->blocks, struct block, walk->next / BLOCK_VALUES);

		walk->value = block->first;
		walk->place = block->place;
	} else {
		for (unsigned int shift = 0;; shift += 7) {
			byte = packed->bytes[walk->place++];
			more |= (uint64_t)(byte & 0x7f) << shift;
			if (byte < 0x80)
				break;
		}
		walk->value = (int64_t)((uint64_t)walk->value + more);
	}
	walk->next++;
	return true;
}

static int64_t packed_at(const struct packed *packed, uint64_t index)
{
	struct walk walk = walk_from_block(packed, index / BLOCK_VALUES);

	while (walk.next <= index)
		walk_next(&walk);
	return walk.value;
}

/* --- What came lately --- */

static int64_t *recent_values(const struct value_set *set)
{
	return (int64_t *)(void *)set->recent->data;
}

static int compare_int64(const void *a, const void *b)
{
	const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* All values in their order. */
struct merge {
	const struct value_set *set;
	guint recent; /* index */
	struct walk walk;
	bool has_packed; /* walk.value has not been given yet */
};

static struct merge merge_of(const struct value_set *set)
{
	struct merge merge = {.set = set, .walk = walk_from_block(&set->packed, 0)};

	merge.has_packed = walk_next(&merge.walk);
	return merge;
}

static bool merge_next(struct merge *merge, int64_t *value)
{
	const int64_t *recent = recent_values(merge->set);
	const bool has_recent = merge->recent < merge->set->n_sorted;

	if (!has_recent && !merge->has_packed)
		return false;
	if (has_recent && (!merge->has_packed || recent[merge->recent] < merge->walk.value)) {
		*value = recent[merge->recent++];
	} else {
		*value = merge->walk.value;
		merge->has_packed = walk_next(&merge->walk);
	}
	return true;
}

/* Moves the sorted ones into the packed sequence. */
static void pack(struct value_set *set)
{
	struct merge merge = merge_of(set);
	struct packed packed;
	int64_t value;

	packed_init(&packed);
	while (merge_next(&merge, &value))
		packed_append(&packed, value);
	packed_clear(&set->packed);
	set->packed = packed;
	g_array_remove_range(set->recent, 0, set->n_sorted);
	set->n_sorted = 0;
}

/* Sorts what came since the last time, and merges it with what was sorted. */
static void sort_recent(struct value_set *set)
{
	int64_t *values = recent_values(set);
	const guint n_new = set->recent->len - set->n_sorted;
	g_autofree int64_t *added = NULL;
	guint left = set->n_sorted, right = n_new, to = set->recent->len;

	if (!n_new)
		return;
	added = g_memdup2(values + set->n_sorted, n_new * sizeof(*values));
	qsort(added, n_new, sizeof(*added), compare_int64);
	/* From the end, where there is room. */
	while (right) {
		if (left && values[left - 1] > added[right - 1])
			values[--to] = values[--left];
		else
			values[--to] = added[--right];
	}
	set->n_sorted = set->recent->len;
}

void value_set_add(struct value_set *set, int64_t value)
{
	const uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

	if (set->n_sorted >= MOST_RECENT)
		pack(set);
	g_array_append_val(set->recent, value);
	set->total += value;
	set->squares += (uint128)magnitude * magnitude;
}

void value_set_remove(struct value_set *set, int64_t value)
{
	const uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
	guint index = set->recent->len;

	while (index-- > 0)
		if (recent_values(set)[index] == value)
			break;
	g_assert(index < set->recent->len);
	g_array_remove_index(set->recent, index);
	set->n_sorted -= index < set->n_sorted;
	set->total -= value;
	set->squares -= (uint128)magnitude * magnitude;
}

/* --- What is told of them --- */

/*
 * The value with that rank, counted from 1. Of the values up to it `i` are recent ones
 * and the others packed; which i it is shows when neither of the next ones belongs
 * before the last of the others.
 */
static int64_t value_of_rank(const struct value_set *set, uint64_t rank)
{
	const struct packed *packed = &set->packed;
	const int64_t *recent = recent_values(set);
	uint64_t low = rank > packed->n ? rank - packed->n : 0;
	uint64_t high = MIN(rank, set->n_sorted);

	while (low < high) {
		const uint64_t i = low + (high - low) / 2;

		if (packed_at(packed, rank - i - 1) > recent[i])
			low = i + 1;
		else
			high = i;
	}
	if (low == 0)
		return packed_at(packed, rank - 1);
	if (low == rank)
		return recent[rank - 1];
	return MAX(recent[low - 1], packed_at(packed, rank - low - 1));
}

/* Nearest rank: the ceil(percent / 100 * n)-th smallest. */
static int64_t percentile(const struct value_set *set, uint64_t n, unsigned int percent)
{
	return value_of_rank(set, (n * percent + 99) / 100);
}

/* By Welford (Technometrics 4, 1962), in the order of the values: what no sum can hold. */
static double deviation_of_each(const struct value_set *set)
{
	struct merge merge = merge_of(set);
	double mean = 0, squares = 0, n = 0;
	int64_t value;

	while (merge_next(&merge, &value)) {
		const double delta = (double)value - mean;

		mean += delta / ++n;
		squares += delta * ((double)value - mean);
	}
	return sqrt(squares / (n - 1));
}

/*
 * n * sum(x^2) - sum(x)^2 is exact in 128 bits as long as n times the largest is below
 * 2^63: a million phases of two hours. It depends on no order.
 */
static double deviation(const struct value_set *set, const struct distribution *distribution)
{
	const uint64_t n = distribution->n;
	const uint64_t low = distribution->min < 0 ? -(uint64_t)distribution->min : 0;
	const uint64_t high = distribution->max > 0 ? (uint64_t)distribution->max : 0;
	const uint64_t total = distribution->total < 0 ? -(uint64_t)distribution->total
						       : (uint64_t)distribution->total;

	if ((uint128)n * MAX(low, high) > INT64_MAX)
		return deviation_of_each(set);
	return sqrt((double)(n * set->squares - (uint128)total * total) /
		    ((double)n * (double)(n - 1)));
}

struct distribution value_set_distribution(struct value_set *set)
{
	struct distribution result = {.n = set->packed.n + set->recent->len};

	sort_recent(set);
	if (!result.n)
		return result;
	result.total = (int64_t)CLAMP(set->total, INT64_MIN, INT64_MAX);
	result.mean = (double)set->total / (double)result.n;
	result.int_mean = (int64_t)(set->total / (int128)result.n);
	result.min = value_of_rank(set, 1);
	result.p50 = percentile(set, result.n, 50);
	result.p90 = percentile(set, result.n, 90);
	result.p99 = percentile(set, result.n, 99);
	result.max = value_of_rank(set, result.n);
	if (result.n > 1)
		result.stddev = deviation(set, &result);
	return result;
}
