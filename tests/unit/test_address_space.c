/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * profile/address_space: what is mapped where and when, and for how long an
 * answer holds. One test asks a naive implementation the same.
 */
#include "profile/address_space.h"

#include "lib/dice.h"

#define NOTHING G_MAXUINT32 /* no dso: nothing is mapped there */

static void add(struct address_space *space, guint64 start, guint64 end, guint64 since_ns,
		guint32 dso)
{
	const struct mapping mapping = {.start = start,
					.end = end,
					.file_offset = 16 * start,
					.since_ns = since_ns,
					.dso = dso};

	address_space_add(space, &mapping);
}

static guint32 find(const struct address_space *space, guint64 address, guint64 time_ns,
		    struct validity *validity)
{
	const struct mapping *mapping = address_space_find(space, address, time_ns, validity);

	if (!mapping)
		return NOTHING;
	g_assert_cmphex(mapping->start, <=, address);
	g_assert_cmphex(mapping->end, >, address);
	g_assert_cmphex(mapping->file_offset, ==, 16 * mapping->start);
	return mapping->dso;
}

/* The answer, and from when to when it holds. */
static void assert_found(const struct address_space *space, guint64 address, guint64 time_ns,
			 guint32 dso, guint64 from_ns, guint64 until_ns)
{
	struct validity validity = VALID_ALWAYS;

	g_assert_cmpuint(find(space, address, time_ns, &validity), ==, dso);
	g_assert_cmpuint(validity.from_ns, ==, from_ns);
	g_assert_cmpuint(validity.until_ns, ==, until_ns);
}

static void test_empty_space_has_nothing_for_ever(void)
{
	struct address_space *space = address_space_new();

	address_space_settle(space);
	assert_found(space, 0, 0, NOTHING, 0, G_MAXUINT64);
	assert_found(space, G_MAXUINT64, G_MAXUINT64, NOTHING, 0, G_MAXUINT64);
	address_space_free(space);
	address_space_free(NULL);
}

static void test_borders_of_a_mapping(void)
{
	struct address_space *space = address_space_new();

	add(space, 0x1000, 0x2000, 100, 1);
	address_space_settle(space);
	assert_found(space, 0xfff, 100, NOTHING, 0, G_MAXUINT64);
	assert_found(space, 0x1000, 100, 1, 100, G_MAXUINT64);
	assert_found(space, 0x1fff, 5000, 1, 100, G_MAXUINT64);
	assert_found(space, 0x2000, 100, NOTHING, 0, G_MAXUINT64);
	/* Before its time there was nothing, until it came. */
	assert_found(space, 0x1000, 99, NOTHING, 0, 100);
	address_space_free(space);
}

/* What is empty, or ends before it begins, holds no address. */
static void test_mapping_without_length_is_none(void)
{
	struct address_space *space = address_space_new();

	add(space, 0x1000, 0x1000, 1, 1);
	add(space, 0x3000, 0x1000, 1, 2);
	address_space_settle(space);
	assert_found(space, 0x1000, 5, NOTHING, 0, G_MAXUINT64);
	assert_found(space, 0x2000, 5, NOTHING, 0, G_MAXUINT64);
	address_space_free(space);
}

/* The first and the last address; `end` cannot be behind the last, so that is in no mapping. */
static void test_first_and_last_address(void)
{
	struct address_space *space = address_space_new();

	add(space, 0, 1, 0, 1);
	add(space, G_MAXUINT64 - 1, G_MAXUINT64, 0, 2);
	address_space_settle(space);
	assert_found(space, 0, 0, 1, 0, G_MAXUINT64);
	assert_found(space, 1, 0, NOTHING, 0, G_MAXUINT64);
	assert_found(space, G_MAXUINT64 - 2, 0, NOTHING, 0, G_MAXUINT64);
	assert_found(space, G_MAXUINT64 - 1, 0, 2, 0, G_MAXUINT64);
	assert_found(space, G_MAXUINT64, 0, NOTHING, 0, G_MAXUINT64);
	address_space_free(space);
}

static void test_all_addresses_in_one_mapping(void)
{
	struct address_space *space = address_space_new();

	add(space, 0, G_MAXUINT64, 7, 3);
	address_space_settle(space);
	assert_found(space, 0, 7, 3, 7, G_MAXUINT64);
	assert_found(space, G_MAXUINT64 - 1, G_MAXUINT64, 3, 7, G_MAXUINT64);
	assert_found(space, 5, 6, NOTHING, 0, 7);
	address_space_free(space);
}

/* dlclose() leaves no record, dlopen() of another library at the same place does. */
static void test_later_mapping_hides_earlier_from_its_time_on(void)
{
	struct address_space *space = address_space_new();

	add(space, 0x1000, 0x3000, 100, 1);
	add(space, 0x1000, 0x3000, 200, 2);
	add(space, 0x1000, 0x3000, 300, 3);
	address_space_settle(space);
	assert_found(space, 0x1800, 99, NOTHING, 0, 100);
	assert_found(space, 0x1800, 100, 1, 100, 200);
	assert_found(space, 0x1800, 199, 1, 100, 200);
	assert_found(space, 0x1800, 200, 2, 200, 300);
	assert_found(space, 0x1800, 299, 2, 200, 300);
	assert_found(space, 0x1800, 300, 3, 300, G_MAXUINT64);
	address_space_free(space);
}

static void test_time_decides_and_not_the_order_of_adding(void)
{
	struct address_space *space = address_space_new();

	add(space, 0x1000, 0x3000, 200, 2);
	add(space, 0x1000, 0x3000, 100, 1);
	address_space_settle(space);
	assert_found(space, 0x1000, 150, 1, 100, 200);
	assert_found(space, 0x1000, 250, 2, 200, G_MAXUINT64);
	address_space_free(space);
}

static void test_same_time_the_later_added_counts(void)
{
	struct address_space *space = address_space_new();

	add(space, 0x1000, 0x3000, 100, 1);
	add(space, 0x2000, 0x4000, 100, 2);
	add(space, 0x2800, 0x2900, 100, 3);
	address_space_settle(space);
	assert_found(space, 0x1fff, 100, 1, 100, G_MAXUINT64);
	assert_found(space, 0x2000, 100, 2, 100, G_MAXUINT64);
	assert_found(space, 0x2800, 100, 3, 100, G_MAXUINT64);
	assert_found(space, 0x2900, 100, 2, 100, G_MAXUINT64);
	address_space_free(space);
}

/* A library within a reserved area, and one that reaches over the end of another. */
static void test_nested_and_overlapping_mappings(void)
{
	struct address_space *space = address_space_new();

	add(space, 0x1000, 0x9000, 10, 1);
	add(space, 0x3000, 0x4000, 20, 2);
	add(space, 0x8000, 0xa000, 30, 3);
	address_space_settle(space);
	assert_found(space, 0x2fff, 50, 1, 10, G_MAXUINT64);
	assert_found(space, 0x3000, 50, 2, 20, G_MAXUINT64);
	assert_found(space, 0x3000, 19, 1, 10, 20);
	assert_found(space, 0x4000, 50, 1, 10, G_MAXUINT64);
	assert_found(space, 0x8000, 29, 1, 10, 30);
	assert_found(space, 0x8000, 30, 3, 30, G_MAXUINT64);
	assert_found(space, 0x9000, 29, NOTHING, 0, 30);
	assert_found(space, 0x9fff, 30, 3, 30, G_MAXUINT64);
	address_space_free(space);
}

/* An older mapping that reaches further is there again behind the end of the newer one. */
static void test_older_mapping_hides_nothing_of_newer(void)
{
	struct address_space *space = address_space_new();

	add(space, 0x2000, 0x3000, 20, 2);
	add(space, 0x1000, 0x9000, 10, 1);
	address_space_settle(space);
	assert_found(space, 0x2500, 30, 2, 20, G_MAXUINT64);
	assert_found(space, 0x3500, 30, 1, 10, G_MAXUINT64);
	address_space_free(space);
}

/* Two questions for one chain of calls: its answer holds while both do. */
static void test_validity_is_narrowed_and_never_widened(void)
{
	struct address_space *space = address_space_new();
	struct validity validity = VALID_ALWAYS;

	add(space, 0x1000, 0x2000, 100, 1);
	add(space, 0x1000, 0x2000, 400, 2);
	add(space, 0x5000, 0x6000, 200, 3);
	add(space, 0x5000, 0x6000, 300, 4);
	address_space_settle(space);
	g_assert_cmpuint(find(space, 0x1000, 250, &validity), ==, 1);
	g_assert_cmpuint(find(space, 0x5000, 250, &validity), ==, 3);
	g_assert_cmpuint(validity.from_ns, ==, 200);
	g_assert_cmpuint(validity.until_ns, ==, 300);
	g_assert_cmpuint(find(space, 0x1000, 250, &validity), ==, 1);
	g_assert_cmpuint(find(space, 0x9000, 250, &validity), ==, NOTHING);
	g_assert_cmpuint(validity.from_ns, ==, 200);
	g_assert_cmpuint(validity.until_ns, ==, 300);
	address_space_free(space);
}

/* --- Against a naive implementation --- */

#define N_SPACES      250
#define MAX_MAPPINGS  40
#define ADDRESS_RANGE 64
#define TIME_RANGE    24

/* The one that came last of those that are there; of the same time the one added last. */
static guint32 naive_find(const GArray *mappings, guint64 address, guint64 time_ns)
{
	const struct mapping *found = NULL;

	for (guint i = 0; i < mappings->len; i++) {
		const struct mapping *mapping = &g_array_index(mappings, struct mapping, i);

		if (mapping->start <= address && address < mapping->end &&
		    mapping->since_ns <= time_ns &&
		    (!found || mapping->since_ns >= found->since_ns))
			found = mapping;
	}
	return found ? found->dso : NOTHING;
}

/* The answer, and that it is the same as far as it is said to hold and not further. */
static void check_question(const struct address_space *space, const GArray *mappings,
			   guint64 address, guint64 time_ns)
{
	const guint32 expected = naive_find(mappings, address, time_ns);
	struct validity validity = VALID_ALWAYS;

	g_assert_cmpuint(find(space, address, time_ns, &validity), ==, expected);
	g_assert_cmpuint(validity.from_ns, <=, time_ns);
	g_assert_cmpuint(validity.until_ns, >, time_ns);
	g_assert_cmpuint(naive_find(mappings, address, validity.from_ns), ==, expected);
	if (validity.from_ns)
		g_assert_cmpuint(naive_find(mappings, address, validity.from_ns - 1), !=, expected);
	if (validity.until_ns == G_MAXUINT64) {
		g_assert_cmpuint(naive_find(mappings, address, 2 * TIME_RANGE), ==, expected);
	} else {
		g_assert_cmpuint(naive_find(mappings, address, validity.until_ns - 1), ==,
				 expected);
		g_assert_cmpuint(naive_find(mappings, address, validity.until_ns), !=, expected);
	}
}

/* How the mappings of a random space lie. */
struct shape {
	const char *name;
	guint max_length;      /* of a mapping; 0: any, also none and less than none */
	guint times;	       /* from 0 to before it */
	gboolean in_order;     /* added by time, as mostly in a recording */
	guint64 first_address; /* the others are at most ADDRESS_RANGE behind it */
};

static const struct shape shapes[] = {
	{.name = "any", .times = TIME_RANGE},
	{.name = "small", .max_length = 4, .times = TIME_RANGE},
	{.name = "in order", .times = TIME_RANGE, .in_order = TRUE},
	{.name = "at one time", .times = 1},
	{.name = "at the end", .times = TIME_RANGE, .first_address = G_MAXUINT64 - ADDRESS_RANGE},
};

static struct mapping random_mapping(struct dice *dice, const struct shape *shape, guint i, guint n)
{
	const guint64 start = dice_range(dice, 0, ADDRESS_RANGE);
	const guint64 end =
		shape->max_length
			? MIN(start + dice_range(dice, 1, shape->max_length + 1), ADDRESS_RANGE)
			: dice_range(dice, 0, ADDRESS_RANGE + 1);

	return (struct mapping){.start = shape->first_address + start,
				.end = shape->first_address + end,
				.since_ns = shape->in_order ? i * shape->times / n
							    : dice_range(dice, 0, shape->times),
				.dso = i};
}

/* Small ranges, so that everything overlaps and meets, and all of them are asked for. */
static void check_random_space(struct dice *dice, const struct shape *shape)
{
	g_autoptr(GArray) mappings = g_array_new(FALSE, FALSE, sizeof(struct mapping));
	struct address_space *space = address_space_new();
	const guint n = dice_range(dice, 0, MAX_MAPPINGS);

	for (guint32 i = 0; i < n; i++) {
		const struct mapping mapping = random_mapping(dice, shape, i, n);

		add(space, mapping.start, mapping.end, mapping.since_ns, mapping.dso);
		g_array_append_val(mappings, mapping);
	}
	address_space_settle(space);
	for (guint address = 0; address <= ADDRESS_RANGE; address++)
		for (guint time_ns = 0; time_ns <= TIME_RANGE; time_ns++)
			check_question(space, mappings, shape->first_address + address, time_ns);
	address_space_free(space);
}

static void test_random_mappings_against_naive_search(void)
{
	struct dice dice = dice_of(21);

	for (guint i = 0; i < N_SPACES; i++)
		check_random_space(&dice, &shapes[i % G_N_ELEMENTS(shapes)]);
}

/* --- More than a machine has --- */

#define N_MANY 100000

/* Each within the one before it, and later than that: what is found is the innermost that is there.
 */
static void test_many_mappings_one_within_the_other(void)
{
	struct address_space *space = address_space_new();
	struct dice dice = dice_of(22);

	for (guint i = 0; i < N_MANY; i++)
		add(space, i, 2 * N_MANY - i, 10 + 10 * i, i);
	address_space_settle(space);
	for (guint i = 0; i < N_MANY; i++) {
		const guint from_end = dice_range(&dice, 0, N_MANY);
		const guint address = i % 2 ? from_end : 2 * N_MANY - 1 - from_end;
		const guint last = dice_range(&dice, 0, N_MANY);
		const guint found = MIN(from_end, last);

		assert_found(space, address, 15 + 10 * last, found, 10 + 10 * found,
			     last < from_end ? 20 + 10 * last : G_MAXUINT64);
	}
	address_space_free(space);
}

/* All at one place, one after the other. */
static void test_many_mappings_of_one_place(void)
{
	struct address_space *space = address_space_new();
	struct dice dice = dice_of(23);

	for (guint i = 0; i < N_MANY; i++)
		add(space, 0x1000, 0x2000, 10 * i, i);
	address_space_settle(space);
	for (guint i = 0; i < N_MANY; i++) {
		const guint time = dice_range(&dice, 0, N_MANY);

		assert_found(space, 0x1800, 10 * time + 5, time, 10 * time,
			     time + 1 < N_MANY ? 10 * time + 10 : G_MAXUINT64);
	}
	address_space_free(space);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/address_space/empty_space_has_nothing_for_ever",
			test_empty_space_has_nothing_for_ever);
	g_test_add_func("/address_space/borders_of_a_mapping", test_borders_of_a_mapping);
	g_test_add_func("/address_space/mapping_without_length_is_none",
			test_mapping_without_length_is_none);
	g_test_add_func("/address_space/first_and_last_address", test_first_and_last_address);
	g_test_add_func("/address_space/all_addresses_in_one_mapping",
			test_all_addresses_in_one_mapping);
	g_test_add_func("/address_space/later_mapping_hides_earlier_from_its_time_on",
			test_later_mapping_hides_earlier_from_its_time_on);
	g_test_add_func("/address_space/time_decides_and_not_the_order_of_adding",
			test_time_decides_and_not_the_order_of_adding);
	g_test_add_func("/address_space/same_time_the_later_added_counts",
			test_same_time_the_later_added_counts);
	g_test_add_func("/address_space/nested_and_overlapping_mappings",
			test_nested_and_overlapping_mappings);
	g_test_add_func("/address_space/older_mapping_hides_nothing_of_newer",
			test_older_mapping_hides_nothing_of_newer);
	g_test_add_func("/address_space/validity_is_narrowed_and_never_widened",
			test_validity_is_narrowed_and_never_widened);
	g_test_add_func("/address_space/random_mappings_against_naive_search",
			test_random_mappings_against_naive_search);
	g_test_add_func("/address_space/many_mappings_one_within_the_other",
			test_many_mappings_one_within_the_other);
	g_test_add_func("/address_space/many_mappings_of_one_place",
			test_many_mappings_of_one_place);
	return g_test_run();
}
