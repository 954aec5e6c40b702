/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * profile/task_events: what is told again costs little or nothing, and nothing that was told is
 * lost.
 */
#include "profile/task_events.h"

#include <string.h>

#define MANY 1000000

static struct perf_task_event mapping_at(guint64 time_ns)
{
	return (struct perf_task_event){
		.kind = PERF_TASK_MMAP,
		.time_ns = time_ns,
		.pid = 7,
		.tid = 8,
		.has_inode = true,
		.major = 9,
		.minor = 10,
		.inode = 11,
		.start = 0x1000,
		.size = 0x2000,
		.file_offset = 0x3000,
		.build_id = {1, 2, 3},
		.build_id_size = 3,
		.tainted_name = "/lib/libc.so.6",
	};
}

static struct perf_task_event name_at(guint64 time_ns, const char *name)
{
	return (struct perf_task_event){.kind = PERF_TASK_COMM,
					.time_ns = time_ns,
					.pid = 7,
					.tid = 7,
					.tainted_name = name};
}

static void add(struct task_events *events, struct perf_task_event event, guint64 order)
{
	event.order = order;
	task_events_add(events, &event);
}

static void test_the_same_a_million_times(void)
{
	struct string_table *strings = string_table_new();
	struct task_events *events = task_events_new(strings);
	size_t most = 0;

	for (guint64 i = 0; i < MANY; i++) {
		add(events, i % 2 ? mapping_at(100) : name_at(200, "qemu"), i);
		most = MAX(most, task_events_bytes(events));
	}
	g_assert_cmpuint(most, <, 4 << 20);
	task_events_sort(events);
	g_assert_cmpuint(task_events_count(events), ==, 2);
	task_events_free(events);
	string_table_free(strings);
}

/* It is a time and a number then. */
static void test_the_same_at_other_times(void)
{
	struct string_table *strings = string_table_new();
	struct task_events *events = task_events_new(strings);

	for (guint64 i = 0; i < MANY; i++)
		add(events, mapping_at(i), i);
	g_assert_cmpuint(task_events_count(events), ==, MANY);
	g_assert_cmpuint(string_table_count(strings), ==, 1);
	g_assert_cmpuint(task_events_bytes(events) / MANY, <=, 120);
	task_events_free(events);
	string_table_free(strings);
}

static void test_order_is_time_then_place(void)
{
	struct string_table *strings = string_table_new();
	struct task_events *events = task_events_new(strings);

	add(events, name_at(2, "third"), 200);
	add(events, name_at(G_MAXUINT64, "last"), 0);
	add(events, name_at(2, "second"), 100);
	add(events, name_at(1, "first"), 900);
	task_events_sort(events);
	g_assert_cmpuint(task_events_count(events), ==, 4);
	g_assert_cmpstr(task_events_get(events, 0).tainted_name, ==, "first");
	g_assert_cmpstr(task_events_get(events, 1).tainted_name, ==, "second");
	g_assert_cmpstr(task_events_get(events, 2).tainted_name, ==, "third");
	g_assert_cmpstr(task_events_get(events, 3).tainted_name, ==, "last");
	task_events_free(events);
	string_table_free(strings);
}

/* At one time the last one counts, so the first is not "told again" by the third. */
static void test_back_and_forth_at_one_time(void)
{
	struct string_table *strings = string_table_new();
	struct task_events *events = task_events_new(strings);

	add(events, name_at(5, "a"), 0);
	add(events, name_at(5, "b"), 1);
	add(events, name_at(5, "a"), 2);
	task_events_sort(events);
	g_assert_cmpuint(task_events_count(events), ==, 3);
	g_assert_cmpstr(task_events_get(events, 2).tainted_name, ==, "a");
	task_events_free(events);
	string_table_free(strings);
}

static void test_all_of_it_comes_back(void)
{
	struct string_table *strings = string_table_new();
	struct task_events *events = task_events_new(strings);
	struct perf_task_event told = mapping_at(5), got;

	add(events, told, 6);
	got = task_events_get(events, 0);
	told.order = 6;
	g_assert_cmpstr(got.tainted_name, ==, told.tainted_name);
	g_assert_true(got.tainted_name != told.tainted_name);
	g_assert_cmpint(got.kind, ==, told.kind);
	g_assert_cmpuint(got.time_ns, ==, told.time_ns);
	g_assert_cmpuint(got.order, ==, told.order);
	g_assert_cmpuint(got.pid, ==, told.pid);
	g_assert_cmpuint(got.tid, ==, told.tid);
	g_assert_cmpuint(got.inode, ==, told.inode);
	g_assert_cmphex(got.start, ==, told.start);
	g_assert_cmphex(got.size, ==, told.size);
	g_assert_cmphex(got.file_offset, ==, told.file_offset);
	g_assert_cmpmem(got.build_id, got.build_id_size, told.build_id, told.build_id_size);
	task_events_free(events);
	string_table_free(strings);
	task_events_free(NULL);
}

/* What differs in one thing is another event. */
static void test_each_field_matters(void)
{
	struct string_table *strings = string_table_new();
	struct task_events *events = task_events_new(strings);
	struct perf_task_event others[19];
	guint n = 0;

	for (guint i = 0; i < G_N_ELEMENTS(others); i++)
		others[i] = mapping_at(5);
	others[n++].kind = PERF_TASK_FORK;
	others[n++].pid++;
	others[n++].tid++;
	others[n++].parent_pid++;
	others[n++].parent_tid++;
	others[n++].without_maps = true;
	others[n++].exec = true;
	others[n++].kernel = true;
	others[n++].has_inode = false;
	others[n++].major++;
	others[n++].minor++;
	others[n++].inode++;
	others[n++].start++;
	others[n++].size++;
	others[n++].file_offset++;
	others[n++].build_id[2]++;
	others[n++].ksym_type++;
	others[n++].unregisters = true;
	others[n++].tainted_name = "/lib/libm.so.6";
	g_assert_cmpuint(n, ==, G_N_ELEMENTS(others));
	for (guint i = 0; i < n; i++) {
		add(events, mapping_at(5), 2 * i);
		add(events, others[i], 2 * i + 1);
	}
	task_events_sort(events);
	g_assert_cmpuint(task_events_count(events), ==, 2 * n);
	task_events_free(events);
	string_table_free(strings);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/task_events/the_same_a_million_times", test_the_same_a_million_times);
	g_test_add_func("/task_events/the_same_at_other_times", test_the_same_at_other_times);
	g_test_add_func("/task_events/order_is_time_then_place", test_order_is_time_then_place);
	g_test_add_func("/task_events/back_and_forth_at_one_time", test_back_and_forth_at_one_time);
	g_test_add_func("/task_events/all_of_it_comes_back", test_all_of_it_comes_back);
	g_test_add_func("/task_events/each_field_matters", test_each_field_matters);
	return g_test_run();
}
