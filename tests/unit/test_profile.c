/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * profile/profile and profile/sample_event: which window a sample falls into, what
 * is counted there, which event the samples are of and how long one of them stands for.
 */
#include "profile/profile.h"

#include "lib/dice.h"
#include "lib/small_file.h"
#include "profile/sample_event.h"

#include <string.h>

#define PID	7
#define NOWHERE G_MAXUINT32

/* --- Windows --- */

static guint32 group_at(struct profile *profile, guint32 pid, guint64 time_ns)
{
	guint32 group = 12345;

	return profile_find_group(profile, pid, time_ns, &group) ? group : NOWHERE;
}

static void test_window_begins_inclusive_and_ends_exclusive(void)
{
	struct profile *profile = profile_new();

	profile_add_window(profile, PID, 100, 200, 3);
	profile_settle(profile);
	g_assert_cmpuint(group_at(profile, PID, 99), ==, NOWHERE);
	g_assert_cmpuint(group_at(profile, PID, 100), ==, 3);
	g_assert_cmpuint(group_at(profile, PID, 199), ==, 3);
	g_assert_cmpuint(group_at(profile, PID, 200), ==, NOWHERE);
	profile_free(profile);
	profile_free(NULL);
}

static void test_without_windows(void)
{
	struct profile *profile = profile_new();

	profile_settle(profile);
	g_assert_cmpuint(group_at(profile, PID, 0), ==, NOWHERE);
	g_assert_cmpuint(group_at(profile, PID, G_MAXUINT64), ==, NOWHERE);
	g_assert_cmpuint(profile_n_buckets(profile), ==, 0);
	g_assert_cmpuint(profile_n_cells(profile), ==, 0);
	profile_free(profile);
}

/* One that is over when it begins, or runs backwards, holds nothing and hides nothing. */
static void test_window_without_length_is_none(void)
{
	struct profile *profile = profile_new();

	profile_add_window(profile, PID, 100, 200, 1);
	profile_add_window(profile, PID, 150, 150, 2);
	profile_add_window(profile, PID, 160, 110, 3);
	profile_settle(profile);
	for (guint64 time_ns = 100; time_ns < 200; time_ns++)
		g_assert_cmpuint(group_at(profile, PID, time_ns), ==, 1);
	profile_free(profile);
}

static void test_first_and_last_nanosecond(void)
{
	struct profile *profile = profile_new();

	profile_add_window(profile, PID, 0, 1, 1);
	profile_add_window(profile, PID, G_MAXUINT64 - 1, G_MAXUINT64, 2);
	profile_settle(profile);
	g_assert_cmpuint(group_at(profile, PID, 0), ==, 1);
	g_assert_cmpuint(group_at(profile, PID, 1), ==, NOWHERE);
	g_assert_cmpuint(group_at(profile, PID, G_MAXUINT64 - 1), ==, 2);
	g_assert_cmpuint(group_at(profile, PID, G_MAXUINT64), ==, NOWHERE);
	profile_free(profile);
}

/* Windows that meet, a gap, and then another; told in no order. */
static void test_gaps_and_neighbours(void)
{
	struct profile *profile = profile_new();

	profile_add_window(profile, PID, 500, 600, 4);
	profile_add_window(profile, PID, 100, 200, 1);
	profile_add_window(profile, PID, 200, 300, 2);
	profile_settle(profile);
	g_assert_cmpuint(group_at(profile, PID, 50), ==, NOWHERE);
	g_assert_cmpuint(group_at(profile, PID, 199), ==, 1);
	g_assert_cmpuint(group_at(profile, PID, 200), ==, 2);
	g_assert_cmpuint(group_at(profile, PID, 300), ==, NOWHERE);
	g_assert_cmpuint(group_at(profile, PID, 499), ==, NOWHERE);
	g_assert_cmpuint(group_at(profile, PID, 500), ==, 4);
	g_assert_cmpuint(group_at(profile, PID, 5000), ==, NOWHERE);
	profile_free(profile);
}

static void test_windows_are_of_one_process(void)
{
	struct profile *profile = profile_new();

	profile_add_window(profile, PID, 100, 200, 1);
	profile_add_window(profile, G_MAXUINT32, 150, 250, 2);
	profile_add_window(profile, 0, 150, 160, 3);
	profile_settle(profile);
	g_assert_cmpuint(group_at(profile, PID, 150), ==, 1);
	g_assert_cmpuint(group_at(profile, PID, 200), ==, NOWHERE);
	g_assert_cmpuint(group_at(profile, G_MAXUINT32, 150), ==, 2);
	g_assert_cmpuint(group_at(profile, 0, 150), ==, 3);
	g_assert_cmpuint(group_at(profile, 8, 150), ==, NOWHERE);
	profile_free(profile);
}

static void test_of_overlapping_windows_the_later_has_the_time(void)
{
	struct profile *profile = profile_new();

	profile_add_window(profile, PID, 150, 250, 2);
	profile_add_window(profile, PID, 100, 200, 1);
	profile_add_window(profile, PID, 240, 300, 3);
	profile_settle(profile);
	g_assert_cmpuint(group_at(profile, PID, 149), ==, 1);
	g_assert_cmpuint(group_at(profile, PID, 150), ==, 2);
	g_assert_cmpuint(group_at(profile, PID, 199), ==, 2);
	g_assert_cmpuint(group_at(profile, PID, 239), ==, 2);
	g_assert_cmpuint(group_at(profile, PID, 240), ==, 3);
	g_assert_cmpuint(group_at(profile, PID, 299), ==, 3);
	g_assert_cmpuint(group_at(profile, PID, 300), ==, NOWHERE);
	profile_free(profile);
}

struct window {
	guint32 pid;
	guint64 begin_ns, end_ns;
};

/* Of those that hold the time the one that begins last. */
static guint32 naive_group(const GArray *windows, guint32 pid, guint64 time_ns)
{
	guint32 found = NOWHERE;
	guint64 found_begin_ns = 0;

	for (guint32 i = 0; i < windows->len; i++) {
		const struct window *window = &g_array_index(windows, struct window, i);

		if (window->pid == pid && window->begin_ns <= time_ns && time_ns < window->end_ns &&
		    window->begin_ns >= found_begin_ns) {
			found = i;
			found_begin_ns = window->begin_ns;
		}
	}
	return found;
}

/* None within another: they follow each other, meet, overlap, or leave a gap. */
static void check_random_windows(struct dice *dice)
{
	g_autoptr(GArray) windows = g_array_new(FALSE, FALSE, sizeof(struct window));
	struct profile *profile = profile_new();
	const guint n = dice_range(dice, 0, 60);
	guint64 begin_ns[2] = {10, 10}, end_ns[2] = {10, 10};

	for (guint32 i = 0; i < n; i++) {
		const guint which = dice_boolean(dice);
		struct window window = {.pid = PID + which};

		window.begin_ns = begin_ns[which] + dice_range(dice, 1, 8);
		window.end_ns = MAX(end_ns[which], window.begin_ns) + dice_range(dice, 0, 6);
		begin_ns[which] = window.begin_ns;
		end_ns[which] = window.end_ns;
		g_array_append_val(windows, window);
		profile_add_window(profile, window.pid, window.begin_ns, window.end_ns, i);
	}
	profile_settle(profile);
	for (guint32 pid = PID; pid < PID + 3; pid++)
		for (guint64 time_ns = 0; time_ns < 400; time_ns++)
			g_assert_cmpuint(group_at(profile, pid, time_ns), ==,
					 naive_group(windows, pid, time_ns));
	profile_free(profile);
}

static void test_random_windows_against_naive_search(void)
{
	struct dice dice = dice_of(31);

	for (guint i = 0; i < 200; i++)
		check_random_windows(&dice);
}

/* --- Counts --- */

static void test_counts_of_a_bucket(void)
{
	static const char name[] = "live_migration";
	const struct profile_thread thread = {.pid = PID, .tid = 9, .name = name};
	struct profile *profile = profile_new();
	const struct profile_bucket *bucket;

	profile_count(profile, 5, &thread, 40, 1000);
	profile_count(profile, 5, &thread, 41, 100);
	profile_count(profile, 5, &thread, 40, 10);
	g_assert_cmpuint(profile_n_buckets(profile), ==, 1);
	bucket = profile_get_bucket(profile, 0);
	g_assert_cmpuint(bucket->group, ==, 5);
	g_assert_cmpuint(bucket->thread.tid, ==, 9);
	g_assert_true(bucket->thread.name == name);
	g_assert_cmpuint(bucket->samples, ==, 3);
	g_assert_cmpuint(bucket->weight, ==, 1110);
	g_assert_cmpuint(profile_n_cells(profile), ==, 2);
	g_assert_cmpuint(profile_get_cell(profile, 0).stack, ==, 40);
	g_assert_cmpuint(profile_get_cell(profile, 0).samples, ==, 2);
	g_assert_cmpuint(profile_get_cell(profile, 1).stack, ==, 41);
	g_assert_cmpuint(profile_get_cell(profile, 1).samples, ==, 1);
	g_assert_cmpuint(profile_get_cell(profile, 1).bucket, ==, 0);
	profile_free(profile);
}

/* Each differs from the first in one thing; the numbers are as large as they get. */
static void test_buckets_are_told_apart(void)
{
	static const char name[] = "one", other[] = "other";
	static const struct {
		guint32 group;
		struct profile_thread thread;
	} buckets[] = {{0, {PID, 9, name}},  {1, {PID, 9, name}},  {G_MAXUINT32, {PID, 9, name}},
		       {0, {8, 9, name}},    {0, {PID, 10, name}}, {0, {PID, G_MAXUINT32, name}},
		       {0, {PID, 9, other}}, {0, {PID, 9, NULL}}};
	struct profile *profile = profile_new();

	for (guint round = 0; round < 2; round++) {
		for (guint i = 0; i < G_N_ELEMENTS(buckets); i++) {
			profile_count(profile, buckets[i].group, &buckets[i].thread, 0, 1);
			profile_count(profile, buckets[i].group, &buckets[i].thread, G_MAXUINT32,
				      1);
		}
	}
	g_assert_cmpuint(profile_n_buckets(profile), ==, G_N_ELEMENTS(buckets));
	g_assert_cmpuint(profile_n_cells(profile), ==, 2 * G_N_ELEMENTS(buckets));
	for (guint i = 0; i < G_N_ELEMENTS(buckets); i++) {
		g_assert_cmpuint(profile_get_bucket(profile, i)->group, ==, buckets[i].group);
		g_assert_cmpuint(profile_get_bucket(profile, i)->samples, ==, 4);
		g_assert_cmpuint(profile_get_cell(profile, 2 * i).bucket, ==, i);
		g_assert_cmpuint(profile_get_cell(profile, 2 * i).stack, ==, 0);
		g_assert_cmpuint(profile_get_cell(profile, 2 * i + 1).stack, ==, G_MAXUINT32);
		g_assert_cmpuint(profile_get_cell(profile, 2 * i + 1).samples, ==, 2);
	}
	profile_free(profile);
}

/* Each cell is among those of its group, once, and in the order of all cells. */
static void check_cells_of_groups(const struct profile *profile, guint32 n_groups)
{
	guint n = 0;

	for (guint32 group = 0; group < n_groups; group++) {
		guint last = PROFILE_NO_CELL;

		for (guint cell = profile_first_cell(profile, group); cell != PROFILE_NO_CELL;
		     cell = profile_next_cell(profile, cell)) {
			const guint bucket = profile_get_cell(profile, cell).bucket;

			g_assert_cmpuint(profile_get_bucket(profile, bucket)->group, ==, group);
			g_assert_true(last == PROFILE_NO_CELL || last < cell);
			last = cell;
			n++;
		}
	}
	g_assert_cmpuint(n, ==, profile_n_cells(profile));
	g_assert_cmpuint(profile_first_cell(profile, n_groups), ==, PROFILE_NO_CELL);
}

/* Thousands of counts, and as many in a table of GLib's by what they were counted for. */
static void test_random_counts_against_hash_table(void)
{
	static const char *const names[] = {"a", "b", NULL};
	struct dice dice = dice_of(32);
	g_autoptr(GHashTable) naive = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct profile *profile = profile_new();
	guint64 sum = 0;

	for (guint i = 0; i < 50000; i++) {
		const struct profile_thread thread = {
			.pid = PID,
			.tid = dice_range(&dice, 0, 5),
			.name = names[dice_range(&dice, 0, G_N_ELEMENTS(names))]};
		const guint32 group = dice_range(&dice, 0, 6);
		const guint32 stack = dice_range(&dice, 0, 50);
		char *key = g_strdup_printf("%u %u %s %u", group, thread.tid,
					    thread.name ? thread.name : "-", stack);
		const guint n = GPOINTER_TO_UINT(g_hash_table_lookup(naive, key));

		profile_count(profile, group, &thread, stack, 3);
		g_hash_table_replace(naive, key, GUINT_TO_POINTER(n + 1));
	}
	g_assert_cmpuint(profile_n_cells(profile), ==, g_hash_table_size(naive));
	for (guint i = 0; i < profile_n_cells(profile); i++) {
		const struct profile_cell cell = profile_get_cell(profile, i);
		const struct profile_bucket *bucket = profile_get_bucket(profile, cell.bucket);
		g_autofree char *key = g_strdup_printf(
			"%u %u %s %u", bucket->group, bucket->thread.tid,
			bucket->thread.name ? bucket->thread.name : "-", cell.stack);

		g_assert_cmpuint(cell.samples, ==,
				 GPOINTER_TO_UINT(g_hash_table_lookup(naive, key)));
	}
	for (guint i = 0; i < profile_n_buckets(profile); i++) {
		sum += profile_get_bucket(profile, i)->samples;
		g_assert_cmpuint(profile_get_bucket(profile, i)->weight, ==,
				 3 * profile_get_bucket(profile, i)->samples);
	}
	g_assert_cmpuint(sum, ==, 50000);
	check_cells_of_groups(profile, 6);
	profile_free(profile);
}

/* --- Events --- */

static void assert_name(guint32 type, guint64 config, const char *perf_name, const char *expected)
{
	g_autofree char *copy = g_strdup(perf_name);
	const struct perf_event event = {.type = type, .config = config, .name = copy};
	g_autofree char *name = sample_event_name(&event);

	g_assert_cmpstr(name, ==, expected);
	g_assert_true(sample_event_is(&event, expected));
	g_assert_true(!perf_name || sample_event_is(&event, perf_name));
	g_assert_false(sample_event_is(&event, "something else"));
	g_assert_false(sample_event_is(&event, ""));
}

static void test_names_of_events(void)
{
	assert_name(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "cycles:P", "cycles");
	assert_name(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, NULL, "cycles");
	/* A hybrid machine's: the upper half is the kind of CPU. */
	assert_name(PERF_TYPE_HARDWARE, G_GUINT64_CONSTANT(0x400000000), "cpu_core/cycles/P",
		    "cycles");
	assert_name(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, "instructions:u",
		    "instructions");
	assert_name(PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES, NULL, "ref-cycles");
	assert_name(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, "cpu-clock:u", "cpu-clock");
	assert_name(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, NULL, "task-clock");
	assert_name(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, "cache-misses", "cache-misses");
	assert_name(PERF_TYPE_RAW, 0x1b7, "cpu/event=0xb7/", "cpu/event=0xb7/");
	assert_name(PERF_TYPE_RAW, 0x1b7, NULL, "type 4 config 0x1b7");
	/* The numbers are those of cycles, the type is not. */
	assert_name(PERF_TYPE_RAW, 0, "raw", "raw");
}

#define TRACEPOINT                                                                                 \
	{                                                                                          \
		.type = PERF_TYPE_TRACEPOINT, .config = 1500, .sample_period = 1                   \
	}
#define DUMMY                                                                                      \
	{                                                                                          \
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY, .sample_period = 1      \
	}
#define OUTPUT                                                                                     \
	{                                                                                          \
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_BPF_OUTPUT, .sample_period = 1 \
	}
#define BREAKPOINT                                                                                 \
	{                                                                                          \
		.type = PERF_TYPE_BREAKPOINT, .sample_period = 1                                   \
	}
#define CYCLES                                                                                     \
	{                                                                                          \
		.type = PERF_TYPE_HARDWARE, .sample_period = 997                                   \
	}
#define COUNTING                                                                                   \
	{                                                                                          \
		.type = PERF_TYPE_HARDWARE, .sample_period = 0                                     \
	}
#define CPU_CLOCK                                                                                  \
	{                                                                                          \
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK,                     \
		.sample_period = 997                                                               \
	}
#define TASK_CLOCK                                                                                 \
	{                                                                                          \
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_TASK_CLOCK,                    \
		.sample_period = 997                                                               \
	}
#define MISSES                                                                                     \
	{                                                                                          \
		.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CACHE_MISSES,                  \
		.sample_period = 997                                                               \
	}
#define INSTRUCTIONS                                                                               \
	{                                                                                          \
		.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS,                  \
		.sample_period = 997                                                               \
	}

static void test_choice_of_an_event(void)
{
	static const struct {
		struct perf_event_attr attrs[4];
		guint n;
		const char *expected;
	} cases[] = {
		{{CYCLES}, 1, "cycles"},
		{{TRACEPOINT, DUMMY, CPU_CLOCK, CYCLES}, 4, "cycles"},
		{{TRACEPOINT, CYCLES, CPU_CLOCK}, 3, "cycles"},
		{{TASK_CLOCK, CPU_CLOCK}, 2, "cpu-clock"},
		{{INSTRUCTIONS, TASK_CLOCK}, 2, "task-clock"},
		{{MISSES, INSTRUCTIONS}, 2, "instructions"},
		/* Of those without a rank the first. */
		{{TRACEPOINT, MISSES, MISSES}, 3, "event 1"},
		/* It counts, and samples nothing. */
		{{COUNTING, CPU_CLOCK}, 2, "cpu-clock"},
		{{TRACEPOINT, DUMMY, OUTPUT, BREAKPOINT}, 4, NULL},
		{{COUNTING}, 1, NULL},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct perf_builder *builder = perf_builder_new(G_BYTE_ORDER);
		g_autofree char *name = NULL;
		struct perf_file *file;

		for (guint at = 0; at < cases[i].n; at++) {
			g_autofree char *named = g_strdup_printf("event %u", at);
			struct perf_builder_event event = {
				.name = named, .attr = cases[i].attrs[at], .n_ids = 1};

			if (event.attr.type == PERF_TYPE_TRACEPOINT)
				event.name = "sdt_qemu:probe";
			event.attr.sample_type = PERF_BUILDER_TRACEPOINT_SAMPLE;
			perf_builder_add_event(builder, &event);
		}
		perf_builder_finished_round(builder);
		file = small_file_open(builder);
		name = sample_event_choose(perf_file_events(file));
		g_assert_cmpstr(name, ==, cases[i].expected);
		perf_file_free(file);
		perf_builder_free(builder);
	}
}

/* --- Time --- */

static void test_time_that_a_sample_stands_for(void)
{
	static const struct {
		guint32 type;
		guint64 config, sample_period;
		bool freq;
		guint64 period; /* of the sample; 0: it does not say */
		bool has_time;
		guint64 time_ns;
	} cases[] = {
		/* A clock's period is nanoseconds, with a rate or without. */
		{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 1000, true, 1000123, true, 1000123},
		{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 250000, false, 250000, true, 250000},
		{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, 1000, true, 7, true, 7},
		{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 1000, true, 0, true, 1000000},
		/* Cycles with a rate: one sample in 1/rate s, however many cycles those are. */
		{PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 4000, true, 987654, true, 250000},
		{PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 3, true, 1, true, 333333333},
		/* A period that cannot be. */
		{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 1000, true, 999999999, true,
		 999999999},
		{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 1000, true, 1000000000, true, 0},
		{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 1000, true, G_MAXUINT64, true, 0},
		/* What comes at a rate does not measure time by that. */
		{PERF_TYPE_RAW, 0x1b7, 100, true, 55, false, 0},
		{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 997, true, 55, false, 0},
		/* With a fixed period nobody knows how fast they came. */
		{PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 1000000, false, 1000000, false, 0},
		{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 1, false, 1, false, 0},
		/* A rate of nothing. */
		{PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0, true, 1, false, 0},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct perf_event event = {.type = cases[i].type,
						 .config = cases[i].config,
						 .sample_period = cases[i].sample_period,
						 .freq = cases[i].freq};
		const struct perf_sample sample = {.period = cases[i].period};

		g_assert_cmpint(sample_event_has_time(&event), ==, cases[i].has_time);
		g_assert_cmpuint(sample_event_time_ns(&event, &sample), ==, cases[i].time_ns);
	}
}

/* Without the kernel, or without the programs, nobody knows what the rest was. */
static void test_event_that_does_not_see_all(void)
{
	struct perf_event event = {.type = PERF_TYPE_SOFTWARE,
				   .config = PERF_COUNT_SW_CPU_CLOCK,
				   .sample_period = 1000,
				   .freq = true};
	struct perf_event whole = event;
	const struct perf_sample sample = {.period = 1000000};

	g_assert_false(sample_event_is_partial(&event));
	g_assert_true(sample_event_is_twin(&event, &whole));
	g_assert_true(sample_event_equal(&event, &whole));
	g_assert_cmpuint(sample_event_hash(&event), ==, sample_event_hash(&whole));
	event.exclude_kernel = true;
	g_assert_true(sample_event_is_partial(&event));
	g_assert_false(sample_event_has_time(&event));
	g_assert_cmpuint(sample_event_time_ns(&event, &sample), ==, 0);
	g_assert_false(sample_event_is_twin(&event, &whole));
	g_assert_false(sample_event_equal(&event, &whole));
	event.exclude_kernel = false;
	event.exclude_user = true;
	g_assert_true(sample_event_is_partial(&event));
	g_assert_false(sample_event_has_time(&event));
}

/* Threads beyond a number are one, but for those that matter. */
static void test_most_threads(void)
{
	static const struct profile_thread kept = {.pid = PID, .tid = 7777777};
	struct profile *profile = profile_new();
	guint64 n_rest = 0, n_kept = 0, n_all = 0;

	profile_keep_thread(profile, PID, kept.tid);
	for (guint32 i = 0; i < PROFILE_MOST_THREADS + 1000; i++) {
		const struct profile_thread thread = {.pid = PID, .tid = 1 + i};

		profile_count(profile, 0, &thread, 0, 10);
	}
	for (guint i = 0; i < 5; i++)
		profile_count(profile, 0, &kept, 0, 10);
	for (guint i = 0; i < profile_n_buckets(profile); i++) {
		const struct profile_bucket *bucket = profile_get_bucket(profile, i);

		n_all += bucket->samples;
		n_kept += bucket->thread.tid == kept.tid ? bucket->samples : 0;
		if (bucket->thread.tid)
			continue;
		g_assert_cmpstr(bucket->thread.name, ==, PROFILE_NAME_OF_THE_REST);
		g_assert_cmpuint(bucket->thread.pid, ==, PID);
		g_assert_cmpuint(bucket->weight, ==, 10000);
		n_rest += bucket->samples;
	}
	g_assert_cmpuint(profile_n_buckets(profile), ==, PROFILE_MOST_THREADS + 2);
	g_assert_cmpuint(n_rest, ==, 1000);
	g_assert_cmpuint(n_kept, ==, 5);
	g_assert_cmpuint(n_all, ==, PROFILE_MOST_THREADS + 1005);
	profile_free(profile);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/profile/window_begins_inclusive_and_ends_exclusive",
			test_window_begins_inclusive_and_ends_exclusive);
	g_test_add_func("/profile/without_windows", test_without_windows);
	g_test_add_func("/profile/window_without_length_is_none",
			test_window_without_length_is_none);
	g_test_add_func("/profile/first_and_last_nanosecond", test_first_and_last_nanosecond);
	g_test_add_func("/profile/gaps_and_neighbours", test_gaps_and_neighbours);
	g_test_add_func("/profile/windows_are_of_one_process", test_windows_are_of_one_process);
	g_test_add_func("/profile/of_overlapping_windows_the_later_has_the_time",
			test_of_overlapping_windows_the_later_has_the_time);
	g_test_add_func("/profile/random_windows_against_naive_search",
			test_random_windows_against_naive_search);
	g_test_add_func("/profile/counts_of_a_bucket", test_counts_of_a_bucket);
	g_test_add_func("/profile/buckets_are_told_apart", test_buckets_are_told_apart);
	g_test_add_func("/profile/random_counts_against_hash_table",
			test_random_counts_against_hash_table);
	g_test_add_func("/sample_event/names_of_events", test_names_of_events);
	g_test_add_func("/sample_event/choice_of_an_event", test_choice_of_an_event);
	g_test_add_func("/sample_event/time_that_a_sample_stands_for",
			test_time_that_a_sample_stands_for);
	g_test_add_func("/profile/event_that_does_not_see_all", test_event_that_does_not_see_all);
	g_test_add_func("/profile/most_threads", test_most_threads);
	return g_test_run();
}
