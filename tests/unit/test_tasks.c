/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * profile/tasks: the lives of processes and the names of threads by time, from
 * events in any order; the last tests take them from records of a file.
 */
#include "profile/tasks.h"

#include "lib/small_file.h"

#include <string.h>

#define KERNEL_START G_GUINT64_CONSTANT(0xffffffff81000000)
#define PAGE	     0x1000

static const struct dso_options no_options;

struct fixture {
	struct dso_table *dsos; /* Owned by this */
	struct tasks *tasks;	/* Owned by this */
	guint64 order;		/* of the next event: as in a file */
};

static void set_up(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	fixture->dsos = dso_table_new(&no_options);
	fixture->tasks = tasks_new(fixture->dsos);
}

static void tear_down(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	tasks_free(fixture->tasks);
	dso_table_free(fixture->dsos);
}

/* The caller's string does not outlive the call. */
static void add(struct fixture *fixture, struct perf_task_event event)
{
	g_autofree char *name = g_strdup(event.tainted_name);

	event.tainted_name = name;
	event.order = fixture->order++;
	tasks_add(fixture->tasks, &event);
	if (name)
		memset(name, '?', strlen(name));
}

static void add_mmap(struct fixture *fixture, guint32 pid, guint64 time_ns, guint64 start,
		     const char *path)
{
	add(fixture, (struct perf_task_event){.kind = PERF_TASK_MMAP,
					      .time_ns = time_ns,
					      .pid = pid,
					      .tid = pid,
					      .start = start,
					      .size = PAGE,
					      .tainted_name = path});
}

static void add_comm(struct fixture *fixture, guint32 pid, guint32 tid, guint64 time_ns,
		     const char *name)
{
	add(fixture, (struct perf_task_event){.kind = PERF_TASK_COMM,
					      .time_ns = time_ns,
					      .pid = pid,
					      .tid = tid,
					      .tainted_name = name});
}

static void add_exec(struct fixture *fixture, guint32 pid, guint64 time_ns, const char *name)
{
	add(fixture, (struct perf_task_event){.kind = PERF_TASK_COMM,
					      .time_ns = time_ns,
					      .pid = pid,
					      .tid = pid,
					      .exec = true,
					      .tainted_name = name});
}

/* A process when `pid` is not the parent's, a thread otherwise. */
static void add_fork(struct fixture *fixture, guint32 pid, guint32 tid, guint32 parent_pid,
		     guint32 parent_tid, guint64 time_ns)
{
	add(fixture, (struct perf_task_event){.kind = PERF_TASK_FORK,
					      .time_ns = time_ns,
					      .pid = pid,
					      .tid = tid,
					      .parent_pid = parent_pid,
					      .parent_tid = parent_tid});
}

/* NULL: nothing is mapped there. */
static const char *path_at(const struct fixture *fixture, guint32 pid, guint64 address,
			   guint64 time_ns, struct validity *validity)
{
	const struct mapping *mapping =
		tasks_find_mapping(fixture->tasks, pid, address, time_ns, validity);

	return mapping ? dso_path(dso_table_get(fixture->dsos, mapping->dso)) : NULL;
}

/* The answer holds at the time, and as long as it is said to it is the same. */
static void assert_mapped(const struct fixture *fixture, guint32 pid, guint64 address,
			  guint64 time_ns, const char *path)
{
	struct validity validity = VALID_ALWAYS, unused = VALID_ALWAYS;

	g_assert_cmpstr(path_at(fixture, pid, address, time_ns, &validity), ==, path);
	g_assert_cmpuint(validity.from_ns, <=, time_ns);
	g_assert_cmpuint(validity.until_ns, >, time_ns);
	g_assert_cmpstr(path_at(fixture, pid, address, validity.from_ns, &unused), ==, path);
	g_assert_cmpstr(path_at(fixture, pid, address, validity.until_ns - 1, &unused), ==, path);
}

static void assert_name(const struct fixture *fixture, guint32 pid, guint32 tid, guint64 time_ns,
			const char *name)
{
	struct validity validity = VALID_ALWAYS;

	g_assert_cmpstr(tasks_find_thread_name(fixture->tasks, pid, tid, time_ns, &validity), ==,
			name);
	g_assert_cmpuint(validity.from_ns, <=, time_ns);
	g_assert_cmpuint(validity.until_ns, >, time_ns);
	g_assert_cmpstr(tasks_thread_name(fixture->tasks, pid, tid, time_ns), ==, name);
	g_assert_cmpstr(tasks_thread_name(fixture->tasks, pid, tid, validity.from_ns), ==, name);
	g_assert_cmpstr(tasks_thread_name(fixture->tasks, pid, tid, validity.until_ns - 1), ==,
			name);
}

static void test_nothing(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 7, 0x1000, 100, NULL);
	assert_mapped(fixture, PERF_KERNEL_PID, KERNEL_START, 100, NULL);
	assert_name(fixture, 7, 7, 100, NULL);
	tasks_free(NULL);
}

/* The same events as a file has them from two CPUs, forwards and backwards. */
static void check_any_order(struct fixture *fixture, bool backwards)
{
	static const struct perf_task_event events[] = {
		{.kind = PERF_TASK_COMM, .time_ns = 0, .pid = 7, .tid = 7, .tainted_name = "sh"},
		{.kind = PERF_TASK_MMAP,
		 .time_ns = 0,
		 .pid = 7,
		 .start = 0x1000,
		 .size = PAGE,
		 .tainted_name = "/bin/sh"},
		{.kind = PERF_TASK_COMM,
		 .time_ns = 50,
		 .pid = 7,
		 .tid = 7,
		 .exec = true,
		 .tainted_name = "qemu"},
		{.kind = PERF_TASK_MMAP,
		 .time_ns = 60,
		 .pid = 7,
		 .start = 0x1000,
		 .size = PAGE,
		 .tainted_name = "/bin/qemu"},
		{.kind = PERF_TASK_FORK,
		 .time_ns = 70,
		 .pid = 8,
		 .tid = 8,
		 .parent_pid = 7,
		 .parent_tid = 7},
		{.kind = PERF_TASK_MMAP,
		 .time_ns = 80,
		 .pid = 8,
		 .start = 0x1000,
		 .size = PAGE,
		 .tainted_name = "/lib/late.so"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(events); i++)
		add(fixture, events[backwards ? G_N_ELEMENTS(events) - 1 - i : i]);
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 7, 0x1000, 49, "/bin/sh");
	assert_mapped(fixture, 7, 0x1000, 55, NULL);
	assert_mapped(fixture, 7, 0x1000, 60, "/bin/qemu");
	assert_mapped(fixture, 8, 0x1000, 79, "/bin/qemu");
	assert_mapped(fixture, 8, 0x1000, 80, "/lib/late.so");
	assert_name(fixture, 7, 7, 49, "sh");
	assert_name(fixture, 7, 7, 50, "qemu");
	assert_name(fixture, 8, 8, 70, "qemu");
}

static void test_events_in_order(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	check_any_order(fixture, false);
}

/* Of those at the same time the place in the file counts: the two at 0 do not depend on it. */
static void test_events_backwards(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	check_any_order(fixture, true);
}

static void test_what_is_seen_first_was_there_before(struct fixture *fixture,
						     gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, 7, 100, 0x1000, "/lib/a.so");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 7, 0x1000, 100, "/lib/a.so");
	assert_mapped(fixture, 7, 0x1000, 99, NULL);
	assert_mapped(fixture, 7, 0x2000, 100, NULL);
	assert_mapped(fixture, 8, 0x1000, 100, NULL);
}

static void test_exec_begins_without_the_old_mappings(struct fixture *fixture,
						      gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, 7, 10, 0x1000, "/bin/sh");
	add_mmap(fixture, 7, 10, 0x5000, "/lib/libc.so");
	add_exec(fixture, 7, 50, "qemu");
	add_mmap(fixture, 7, 51, 0x1000, "/bin/qemu");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 7, 0x1000, 49, "/bin/sh");
	assert_mapped(fixture, 7, 0x5000, 49, "/lib/libc.so");
	assert_mapped(fixture, 7, 0x1000, 50, NULL);
	assert_mapped(fixture, 7, 0x1000, 51, "/bin/qemu");
	assert_mapped(fixture, 7, 0x5000, 51, NULL);
}

/* The child of before the exec() has what the parent had then, and has it still. */
static void test_fork_inherits_what_was_mapped_then(struct fixture *fixture,
						    gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, 7, 10, 0x1000, "/bin/daemon");
	add_fork(fixture, 8, 8, 7, 7, 50);
	add_mmap(fixture, 7, 60, 0x5000, "/lib/parent-later.so");
	add_mmap(fixture, 7, 60, 0x1000, "/lib/parent-over.so");
	add_exec(fixture, 7, 70, "other");
	add_mmap(fixture, 8, 80, 0x3000, "/lib/child.so");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 8, 0x1000, 50, "/bin/daemon");
	assert_mapped(fixture, 8, 0x1000, 100, "/bin/daemon");
	assert_mapped(fixture, 8, 0x5000, 100, NULL);
	assert_mapped(fixture, 8, 0x3000, 79, NULL);
	assert_mapped(fixture, 8, 0x3000, 80, "/lib/child.so");
	assert_mapped(fixture, 7, 0x3000, 100, NULL);
	assert_mapped(fixture, 7, 0x1000, 65, "/lib/parent-over.so");
	assert_mapped(fixture, 7, 0x1000, 75, NULL);
}

static void test_child_hides_what_it_inherited(struct fixture *fixture,
					       gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, 7, 10, 0x1000, "/lib/of-parent.so");
	add_fork(fixture, 8, 8, 7, 7, 50);
	add_mmap(fixture, 8, 60, 0x1000, "/lib/of-child.so");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 8, 0x1000, 59, "/lib/of-parent.so");
	assert_mapped(fixture, 8, 0x1000, 60, "/lib/of-child.so");
	assert_mapped(fixture, 7, 0x1000, 60, "/lib/of-parent.so");
}

static void test_exec_after_fork_inherits_nothing(struct fixture *fixture,
						  gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, 7, 10, 0x1000, "/bin/sh");
	add_fork(fixture, 8, 8, 7, 7, 50);
	add_exec(fixture, 8, 51, "qemu");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 8, 0x1000, 50, "/bin/sh");
	assert_mapped(fixture, 8, 0x1000, 51, NULL);
}

/* perf tells of a process that is there as if it were forked, then of all its mappings. */
static void test_fork_that_perf_made_up_inherits_nothing(struct fixture *fixture,
							 gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, 1, 0, 0x1000, "/sbin/init");
	add(fixture, (struct perf_task_event){.kind = PERF_TASK_FORK,
					      .pid = 7,
					      .tid = 7,
					      .parent_pid = 1,
					      .parent_tid = 1,
					      .without_maps = true});
	add_mmap(fixture, 7, 0, 0x2000, "/bin/qemu");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 7, 0x1000, 5, NULL);
	assert_mapped(fixture, 7, 0x2000, 5, "/bin/qemu");
	assert_mapped(fixture, 1, 0x1000, 5, "/sbin/init");
}

static void test_thread_shares_the_mappings(struct fixture *fixture,
					    gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, 7, 10, 0x1000, "/bin/qemu");
	add_fork(fixture, 7, 9, 7, 7, 50);
	add_mmap(fixture, 7, 60, 0x5000, "/lib/later.so");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 7, 0x1000, 100, "/bin/qemu");
	assert_mapped(fixture, 7, 0x5000, 100, "/lib/later.so");
}

/* The process of that number ended, another one begins: its fork() says so, and no exit. */
static void test_pid_is_used_again(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, 5, 0, 0x1000, "/bin/sh");
	add_mmap(fixture, 7, 10, 0x1000, "/bin/first");
	add_mmap(fixture, 7, 10, 0x2000, "/lib/of-first.so");
	add_comm(fixture, 7, 7, 10, "first");
	add(fixture,
	    (struct perf_task_event){.kind = PERF_TASK_EXIT, .time_ns = 40, .pid = 7, .tid = 7});
	add_comm(fixture, 5, 5, 0, "sh");
	add_fork(fixture, 7, 7, 5, 5, 50);
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 7, 0x1000, 49, "/bin/first");
	assert_mapped(fixture, 7, 0x1000, 50, "/bin/sh");
	assert_mapped(fixture, 7, 0x2000, 50, NULL);
	assert_name(fixture, 7, 7, 49, "first");
	assert_name(fixture, 7, 7, 50, "sh");
}

static void add_exit(struct fixture *fixture, guint32 pid, guint32 tid, guint64 time_ns)
{
	add(fixture, (struct perf_task_event){
			     .kind = PERF_TASK_EXIT, .time_ns = time_ns, .pid = pid, .tid = tid});
}

/* 0: it did not end. */
static void assert_end(struct fixture *fixture, guint32 pid, guint64 since_ns, guint64 expected_ns)
{
	uint64_t end_ns = 0;

	g_assert_true(tasks_process_end(fixture->tasks, pid, since_ns, &end_ns) ==
		      (expected_ns > 0));
	g_assert_cmpuint(end_ns, ==, expected_ns);
}

/* A process ends with its first thread, and as often as its number is used. */
static void test_process_ends(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	add_exit(fixture, 7, 7, 90);
	add_exit(fixture, 7, 8, 20);
	add_exit(fixture, 7, 7, 40);
	add_exit(fixture, 9, 10, 50);
	tasks_settle(fixture->tasks);
	assert_end(fixture, 7, 0, 40);
	assert_end(fixture, 7, 40, 40);
	assert_end(fixture, 7, 41, 90);
	assert_end(fixture, 7, 91, 0);
	assert_end(fixture, 9, 0, 0);
	assert_end(fixture, 11, 0, 0);
}

#define LONG_CHAIN 64 /* ancestors that are asked */

/* init, and then each the child of the one before it. */
static void add_generations(struct fixture *fixture, guint n)
{
	add_mmap(fixture, 1000, 0, 0x1000, "/sbin/init");
	for (guint i = 1; i <= n; i++)
		add_fork(fixture, 1000 + i, 1000 + i, 999 + i, 999 + i, 10 * i);
}

/* Down to its depth a chain is followed; further nothing is found, and nothing breaks. */
static void test_long_chain_of_forks(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	add_generations(fixture, 1000);
	tasks_settle(fixture->tasks);
	for (guint i = 0; i <= LONG_CHAIN; i++)
		assert_mapped(fixture, 1000 + i, 0x1000, 100000, "/sbin/init");
	assert_mapped(fixture, 1000 + LONG_CHAIN + 1, 0x1000, 100000, NULL);
	assert_mapped(fixture, 2000, 0x1000, 100000, NULL);
}

/* Each generation has what those before it had at its fork(). */
static void test_grandchild_inherits_by_time(struct fixture *fixture,
					     gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, 1, 0, 0x1000, "/bin/a");
	add_fork(fixture, 2, 2, 1, 1, 10);
	add_mmap(fixture, 1, 15, 0x2000, "/lib/too-late.so");
	add_mmap(fixture, 2, 20, 0x3000, "/lib/b.so");
	add_fork(fixture, 3, 3, 2, 2, 30);
	add_mmap(fixture, 2, 40, 0x4000, "/lib/too-late.so");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 3, 0x1000, 50, "/bin/a");
	assert_mapped(fixture, 3, 0x2000, 50, NULL);
	assert_mapped(fixture, 3, 0x3000, 50, "/lib/b.so");
	assert_mapped(fixture, 3, 0x4000, 50, NULL);
}

/* A process that is its own parent, and two that are each other's. */
static void test_forks_in_a_circle(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	add_fork(fixture, 7, 8, 7, 7, 10);
	add_fork(fixture, 20, 20, 21, 21, 10);
	add_fork(fixture, 21, 21, 20, 20, 10);
	add_fork(fixture, 20, 20, 21, 21, 10);
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 7, 0x1000, 50, NULL);
	assert_mapped(fixture, 20, 0x1000, 50, NULL);
	assert_mapped(fixture, 21, 0x1000, 50, NULL);
}

/* --- Names --- */

static void
test_thread_has_its_creators_name_until_it_says_another(struct fixture *fixture,
							gconstpointer data G_GNUC_UNUSED)
{
	add_comm(fixture, 7, 7, 0, "qemu");
	add_fork(fixture, 7, 9, 7, 7, 50);
	add_comm(fixture, 7, 9, 60, "live_migration");
	/* What the creator is called later does not matter. */
	add_comm(fixture, 7, 7, 55, "renamed");
	/* A thread of that thread. */
	add_fork(fixture, 7, 10, 7, 9, 70);
	tasks_settle(fixture->tasks);
	assert_name(fixture, 7, 9, 49, NULL);
	assert_name(fixture, 7, 9, 50, "qemu");
	assert_name(fixture, 7, 9, 59, "qemu");
	assert_name(fixture, 7, 9, 60, "live_migration");
	assert_name(fixture, 7, 10, 70, "live_migration");
	assert_name(fixture, 7, 7, 55, "renamed");
}

/* QEMU makes a thread for each migration; the kernel may give it a number that it had before. */
static void test_tid_is_used_again(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	add_comm(fixture, 7, 7, 0, "qemu");
	add_fork(fixture, 7, 9, 7, 7, 10);
	add_comm(fixture, 7, 9, 11, "worker");
	add_fork(fixture, 7, 9, 7, 7, 50);
	add_comm(fixture, 7, 9, 51, "live_migration");
	tasks_settle(fixture->tasks);
	assert_name(fixture, 7, 9, 49, "worker");
	assert_name(fixture, 7, 9, 50, "qemu");
	assert_name(fixture, 7, 9, 51, "live_migration");
}

/* A record has room for more than the kernel has. */
static void test_long_name_is_cut(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *longest = g_strnfill(64, 'x');
	g_autofree char *too_long = g_strnfill(60000, 'x');

	add_comm(fixture, 7, 7, 0, longest);
	add_comm(fixture, 7, 7, 50, too_long);
	tasks_settle(fixture->tasks);
	assert_name(fixture, 7, 7, 49, longest);
	assert_name(fixture, 7, 7, 50, longest);
}

/* Nobody knows what the new thread is called; it is not the dead one. */
static void test_tid_is_used_again_by_a_nameless_creator(struct fixture *fixture,
							 gconstpointer data G_GNUC_UNUSED)
{
	add_comm(fixture, 7, 9, 11, "worker");
	add_fork(fixture, 7, 9, 7, 7, 50);
	tasks_settle(fixture->tasks);
	assert_name(fixture, 7, 9, 49, "worker");
	assert_name(fixture, 7, 9, 50, NULL);
}

static void test_two_processes_with_a_thread_of_one_number(struct fixture *fixture,
							   gconstpointer data G_GNUC_UNUSED)
{
	add_comm(fixture, 7, 9, 0, "of seven");
	add_comm(fixture, 8, 9, 0, "of eight");
	tasks_settle(fixture->tasks);
	assert_name(fixture, 7, 9, 100, "of seven");
	assert_name(fixture, 8, 9, 100, "of eight");
	assert_name(fixture, 9, 9, 100, NULL);
}

static void test_equal_names_are_one_pointer(struct fixture *fixture,
					     gconstpointer data G_GNUC_UNUSED)
{
	add_comm(fixture, 7, 7, 0, "qemu");
	add_comm(fixture, 8, 8, 5, "qemu");
	add_comm(fixture, 7, 7, 9, "other");
	add_comm(fixture, 7, 7, 10, "qemu");
	tasks_settle(fixture->tasks);
	g_assert_true(tasks_thread_name(fixture->tasks, 7, 7, 0) ==
		      tasks_thread_name(fixture->tasks, 8, 8, 5));
	g_assert_true(tasks_thread_name(fixture->tasks, 7, 7, 0) ==
		      tasks_thread_name(fixture->tasks, 7, 7, 10));
}

/* --- Kinds --- */

static void test_kinds_of_mappings(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const struct {
		const char *path;
		enum dso_kind kind;
	} cases[] = {
		{"/usr/bin/qemu-system-x86_64", DSO_FILE},
		{"/opt/[vdso]", DSO_FILE},
		{"memfd.so", DSO_FILE},
		{"[vdso]", DSO_VDSO},
		{"/tmp/perf-vdso.so-P0oITo", DSO_VDSO}, /* of perf inject --mmap2-buildids */
		{"//anon", DSO_ANONYMOUS},
		{"[heap]", DSO_ANONYMOUS},
		{"[stack]", DSO_ANONYMOUS},
		{"[vsyscall]", DSO_ANONYMOUS},
		{"/memfd:tcg-jit (deleted)", DSO_ANONYMOUS},
		{"/dev/zero (deleted)", DSO_ANONYMOUS},
		{"/SYSV00000000 (deleted)", DSO_ANONYMOUS},
		{"/anon_hugepage (deleted)", DSO_ANONYMOUS},
		{"", DSO_FILE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		add_mmap(fixture, 7, 0, PAGE * i, cases[i].path);
	tasks_settle(fixture->tasks);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct validity validity = VALID_ALWAYS;
		const struct mapping *mapping =
			tasks_find_mapping(fixture->tasks, 7, PAGE * i, 0, &validity);
		struct dso *dso = dso_table_get(fixture->dsos, mapping->dso);

		g_assert_cmpstr(dso_path(dso), ==, cases[i].path);
		g_assert_cmpint(dso_kind(dso), ==, cases[i].kind);
	}
}

static void add_kernel_mmap(struct fixture *fixture, guint32 pid, guint64 start, guint64 size,
			    const char *path)
{
	add(fixture, (struct perf_task_event){.kind = PERF_TASK_MMAP,
					      .kernel = true,
					      .pid = pid,
					      .start = start,
					      .size = size,
					      .file_offset = start + 0x100,
					      .tainted_name = path});
}

/* Whoever's record it is: the kernel is one for all, and none of it is in a process. */
static void test_kernel_maps(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct validity validity = VALID_ALWAYS;
	const struct mapping *mapping;

	add_kernel_mmap(fixture, PERF_KERNEL_PID, KERNEL_START, 0x1000000,
			"[kernel.kallsyms]_text");
	add_kernel_mmap(fixture, 0, KERNEL_START + 0x2000000, 0x1000, "[virtio_net]");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, PERF_KERNEL_PID, KERNEL_START, 9, "[kernel.kallsyms]");
	assert_mapped(fixture, PERF_KERNEL_PID, KERNEL_START + 0xffffff, 9, "[kernel.kallsyms]");
	assert_mapped(fixture, PERF_KERNEL_PID, KERNEL_START + 0x1000000, 9, NULL);
	assert_mapped(fixture, PERF_KERNEL_PID, KERNEL_START + 0x2000000, 9, "[virtio_net]");
	assert_mapped(fixture, 7, KERNEL_START, 9, NULL);
	assert_mapped(fixture, 0, KERNEL_START + 0x2000000, 9, NULL);
	/* Its addresses are what symbols are found by. */
	mapping = tasks_find_mapping(fixture->tasks, PERF_KERNEL_PID, KERNEL_START, 9, &validity);
	g_assert_cmphex(mapping->file_offset, ==, KERNEL_START);
	g_assert_cmpint(dso_kind(dso_table_get(fixture->dsos, mapping->dso)), ==, DSO_KERNEL);
	mapping = tasks_find_mapping(fixture->tasks, PERF_KERNEL_PID, KERNEL_START + 0x2000000, 9,
				     &validity);
	g_assert_cmpint(dso_kind(dso_table_get(fixture->dsos, mapping->dso)), ==,
			DSO_KERNEL_MODULE);
}

/* Larger than what is left of the addresses: as far as they go. */
static void test_absurd_sizes(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	add(fixture, (struct perf_task_event){.kind = PERF_TASK_MMAP,
					      .pid = 7,
					      .start = 0x1000,
					      .size = G_MAXUINT64,
					      .tainted_name = "/all"});
	add(fixture, (struct perf_task_event){.kind = PERF_TASK_MMAP,
					      .pid = 8,
					      .start = 0x1000,
					      .size = 0,
					      .tainted_name = "/none"});
	add_kernel_mmap(fixture, PERF_KERNEL_PID, 0, G_MAXUINT64, "[kernel.kallsyms]_stext");
	tasks_settle(fixture->tasks);
	assert_mapped(fixture, 7, 0xfff, 0, NULL);
	assert_mapped(fixture, 7, 0x1000, 0, "/all");
	assert_mapped(fixture, 7, G_MAXUINT64 - 1, 0, "/all");
	assert_mapped(fixture, 8, 0x1000, 0, NULL);
	assert_mapped(fixture, PERF_KERNEL_PID, 0, 0, "[kernel.kallsyms]");
	assert_mapped(fixture, PERF_KERNEL_PID, KERNEL_START, 0, "[kernel.kallsyms]");
}

/* --- From a file --- */

static void check_file(struct fixture *fixture, int byte_order)
{
	const struct perf_builder_stamp at = {.pid = 7, .tid = 7, .time_ns = 100},
					child = {.pid = 8, .tid = 8, .time_ns = 200},
					made_up = {.pid = 9, .tid = 9, .time_ns = 0};
	const struct perf_builder_mmap mmap = {.at = at,
					       .misc = PERF_RECORD_MISC_USER,
					       .start = 0x1000,
					       .size_bytes = PAGE,
					       .file_offset = 0x3000,
					       .path = "/bin/qemu"};
	struct perf_builder *builder = perf_builder_new(byte_order);
	struct perf_record record;
	struct perf_file *file;

	perf_builder_add_event(builder, &small_file_clock_event);
	perf_builder_fork(builder, &child, 7, 7);
	perf_builder_fork_made_up(builder, &made_up, 7, 7);
	perf_builder_mmap2(builder, &mmap);
	perf_builder_comm(builder, &at, "qemu", TRUE);
	file = small_file_open(builder);
	while (perf_file_next_record(file, &record, NULL) == PERF_NEXT_RECORD) {
		struct perf_task_event event;

		g_assert_true(perf_task_decode(perf_file_events(file), &record,
					       perf_file_is_swapped(file), &event));
		tasks_add(fixture->tasks, &event);
	}
	perf_file_free(file);
	perf_builder_free(builder);
	tasks_settle(fixture->tasks);
	/* Of the same time, but behind the mapping in the file: exec() took it away. */
	assert_mapped(fixture, 7, 0x1000, 150, NULL);
	assert_mapped(fixture, 8, 0x1000, 250, NULL);
	assert_mapped(fixture, 9, 0x1000, 250, NULL);
	assert_name(fixture, 7, 7, 100, "qemu");
	assert_name(fixture, 8, 8, 200, "qemu");
	assert_name(fixture, 9, 9, 200, NULL);
}

static void test_little_endian_file(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	check_file(fixture, G_LITTLE_ENDIAN);
}

static void test_big_endian_file(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	check_file(fixture, G_BIG_ENDIAN);
}

#define ADD(name) g_test_add("/tasks/" #name, struct fixture, NULL, set_up, test_##name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(nothing);
	ADD(events_in_order);
	ADD(events_backwards);
	ADD(what_is_seen_first_was_there_before);
	ADD(exec_begins_without_the_old_mappings);
	ADD(fork_inherits_what_was_mapped_then);
	ADD(child_hides_what_it_inherited);
	ADD(exec_after_fork_inherits_nothing);
	ADD(fork_that_perf_made_up_inherits_nothing);
	ADD(thread_shares_the_mappings);
	ADD(pid_is_used_again);
	ADD(process_ends);
	ADD(long_chain_of_forks);
	ADD(grandchild_inherits_by_time);
	ADD(forks_in_a_circle);
	ADD(thread_has_its_creators_name_until_it_says_another);
	ADD(tid_is_used_again);
	ADD(long_name_is_cut);
	ADD(tid_is_used_again_by_a_nameless_creator);
	ADD(two_processes_with_a_thread_of_one_number);
	ADD(equal_names_are_one_pointer);
	ADD(kinds_of_mappings);
	ADD(kernel_maps);
	ADD(absurd_sizes);
	ADD(little_endian_file);
	ADD(big_endian_file);
	return g_test_run();
}
