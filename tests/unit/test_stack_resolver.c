/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * profile/stack_table and profile/stack_resolver: from the addresses of call
 * chains to named stacks, and that what was resolved once is not mixed up with what
 * comes later.
 */
#include "lib/dice.h"
#include "lib/dso_fixture.h"
#include "profile/stack_resolver.h"

#include <malloc.h>
#include <string.h>

#define KERNEL_START  G_GUINT64_CONSTANT(0xffffffff81000000)
#define MODULE_START  G_GUINT64_CONSTANT(0xffffffffc0201000)
#define QEMU_PID      7
#define LIBRARY_START G_GUINT64_CONSTANT(0x7f0000000000)

/* The marks are numbers of the kernel's header, and signed there. */
#define USER	     ((guint64)PERF_CONTEXT_USER)
#define KERNEL	     ((guint64)PERF_CONTEXT_KERNEL)
#define HYPERVISOR   ((guint64)PERF_CONTEXT_HV)
#define GUEST_KERNEL ((guint64)PERF_CONTEXT_GUEST_KERNEL)
#define GUEST_USER   ((guint64)PERF_CONTEXT_GUEST_USER)
#define GUEST	     ((guint64)PERF_CONTEXT_GUEST)

static const char kallsyms[] = "ffffffff81000000 T _text\n"
			       "ffffffff81000100 T first_one\n"
			       "ffffffff81000200 T second_one\n"
			       "ffffffff81000300 T third_one\n"
			       "ffffffff81000400 T _etext\n";

struct fixture {
	char *dir, *kallsyms; /* Owned by this */
	struct dso_options options;
	struct dso_table *dsos;		 /* Owned by this */
	struct tasks *tasks;		 /* Owned by this */
	struct stack_table *stacks;	 /* Owned by this */
	struct stack_resolver *resolver; /* Owned by this */
	guint64 order;
};

static void add_mmap(struct fixture *fixture, guint32 pid, guint64 time_ns, guint64 start,
		     guint64 size, const char *path)
{
	const struct perf_task_event event = {.kind = PERF_TASK_MMAP,
					      .time_ns = time_ns,
					      .order = fixture->order++,
					      .kernel = pid == PERF_KERNEL_PID,
					      .pid = pid,
					      .start = start,
					      .size = size,
					      .file_offset =
						      pid == PERF_KERNEL_PID ? start : 0x5000,
					      .tainted_name = path};

	tasks_add(fixture->tasks, &event);
}

static void set_up(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	fixture->dir = elf_maker_new_dir();
	fixture->kallsyms = elf_maker_path(fixture->dir, "kallsyms");
	elf_maker_write(fixture->dir, "kallsyms", kallsyms);
	fixture->options = (struct dso_options){
		.symfs = fixture->dir, .buildid_dir = fixture->dir, .kallsyms = fixture->kallsyms};
	fixture->dsos = dso_table_new(&fixture->options);
	fixture->tasks = tasks_new(fixture->dsos);
	fixture->stacks = stack_table_new(&stack_usual_limits);
	fixture->resolver = stack_resolver_new(fixture->tasks, fixture->dsos, fixture->stacks);
	add_mmap(fixture, PERF_KERNEL_PID, 0, KERNEL_START, 0x1000000, "[kernel.kallsyms]_text");
}

static void tear_down(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	stack_resolver_free(fixture->resolver);
	stack_resolver_free(NULL);
	stack_table_free(fixture->stacks);
	tasks_free(fixture->tasks);
	dso_table_free(fixture->dsos);
	g_free(fixture->kallsyms);
	elf_maker_remove(fixture->dir);
}

/* "outermost;..;innermost"; the caller frees it. */
static char *stack_string(const struct stack_table *stacks, guint32 stack)
{
	GString *string = g_string_new(NULL);
	const guint32 depth = stack_table_depth(stacks, stack);
	guint32 n = 0;

	for (; stack != STACK_EMPTY; stack = stack_table_caller(stacks, stack), n++) {
		const struct frame *frame =
			stack_table_get_frame(stacks, stack_table_top(stacks, stack));

		g_autofree char *name = frame_name(frame);

		g_string_prepend(string, n ? ";" : "");
		g_string_prepend(string, name);
	}
	g_assert_cmpuint(n, ==, depth);
	return g_string_free(string, FALSE);
}

static guint32 resolve(struct fixture *fixture, guint64 time_ns, const guint64 *addresses, gsize n)
{
	const struct call_chain chain = {
		.pid = QEMU_PID, .time_ns = time_ns, .addresses = addresses, .n = n};

	return stack_resolver_find(fixture->resolver, &chain);
}

static void assert_stack(struct fixture *fixture, guint64 time_ns, const guint64 *addresses,
			 gsize n, const char *expected)
{
	/* Once into the tables and once out of them. */
	for (guint i = 0; i < 2; i++) {
		g_autofree char *string =
			stack_string(fixture->stacks, resolve(fixture, time_ns, addresses, n));

		g_assert_cmpstr(string, ==, expected);
	}
}

#define ASSERT_STACK_AT(time_ns, expected, ...)                                                    \
	assert_stack(fixture, time_ns, (const guint64[]){__VA_ARGS__},                             \
		     sizeof((const guint64[]){__VA_ARGS__}) / sizeof(guint64), expected)
#define ASSERT_STACK(expected, ...) ASSERT_STACK_AT(100, expected, __VA_ARGS__)

static const struct frame *top_frame(struct fixture *fixture, const guint64 *addresses, gsize n)
{
	return stack_table_get_frame(
		fixture->stacks,
		stack_table_top(fixture->stacks, resolve(fixture, 100, addresses, n)));
}

/* Sanitizers have a heap of their own, of which mallinfo2() knows nothing. */
static gsize bytes_in_use(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* --- The table --- */

static void test_frames_are_told_apart_by_all_they_have(void)
{
	struct stack_table *table = stack_table_new(&stack_usual_limits);
	const struct {
		const char *name, *module;
		enum frame_kind kind;
	} frames[] = {{"memcpy", "libc.so.6", FRAME_USER}, {"memcpy", "qemu", FRAME_USER},
		      {"memcpy", NULL, FRAME_USER},	   {"memcpy", "qemu", FRAME_INLINED},
		      {"memset", "libc.so.6", FRAME_USER}, {"", "", FRAME_USER},
		      {"libc.so.6", "memcpy", FRAME_USER}};

	for (guint round = 0; round < 2; round++) {
		for (guint32 i = 0; i < G_N_ELEMENTS(frames); i++) {
			g_autofree char *name = g_strdup(frames[i].name);
			g_autofree char *module = g_strdup(frames[i].module);

			g_assert_cmpuint(stack_table_frame(table, name, module, frames[i].kind), ==,
					 i);
		}
	}
	g_assert_cmpuint(stack_table_n_frames(table), ==, G_N_ELEMENTS(frames));
	for (guint32 i = 0; i < G_N_ELEMENTS(frames); i++) {
		g_assert_cmpstr(stack_table_get_frame(table, i)->name, ==, frames[i].name);
		g_assert_cmpstr(stack_table_get_frame(table, i)->module, ==, frames[i].module);
		g_assert_cmpint(stack_table_get_frame(table, i)->kind, ==, frames[i].kind);
	}
	stack_table_free(table);
	stack_table_free(NULL);
}

static void test_stacks_are_a_tree(void)
{
	struct stack_table *table = stack_table_new(&stack_usual_limits);
	guint32 a, b, ab, aba, ba;

	g_assert_cmpuint(stack_table_depth(table, STACK_EMPTY), ==, 0);
	g_assert_cmpuint(stack_table_n_stacks(table), ==, 1);
	a = stack_table_frame(table, "a", NULL, FRAME_USER);
	b = stack_table_frame(table, "b", NULL, FRAME_USER);
	ab = stack_table_push(table, stack_table_push(table, STACK_EMPTY, a), b);
	aba = stack_table_push(table, ab, a);
	ba = stack_table_push(table, stack_table_push(table, STACK_EMPTY, b), a);
	g_assert_cmpuint(stack_table_n_stacks(table), ==, 6);
	g_assert_cmpuint(ab, !=, ba);
	g_assert_cmpuint(stack_table_push(table, ab, a), ==, aba);
	g_assert_cmpuint(stack_table_n_stacks(table), ==, 6);
	g_assert_cmpuint(stack_table_top(table, aba), ==, a);
	g_assert_cmpuint(stack_table_caller(table, aba), ==, ab);
	g_assert_cmpuint(stack_table_depth(table, aba), ==, 3);
	g_assert_cmpuint(stack_table_caller(table, stack_table_caller(table, ba)), ==, STACK_EMPTY);
	stack_table_free(table);
}

/* --- Where an address is looked up --- */

/* The callers were interrupted: where each goes on is its first byte. */
static void test_interrupted_at_the_first_byte(struct fixture *fixture,
					       gconstpointer data G_GNUC_UNUSED)
{
	tasks_settle(fixture->tasks);
	ASSERT_STACK("third_one;second_one;first_one", KERNEL, KERNEL_START + 0x150,
		     KERNEL_START + 0x200, KERNEL_START + 0x300);
	/* These were not. */
	ASSERT_STACK("second_one;second_one;first_one", KERNEL, KERNEL_START + 0x150,
		     KERNEL_START + 0x201, KERNEL_START + 0x2ff);
}

static void test_first_address_behind_each_mark_is_exact(struct fixture *fixture,
							 gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, QEMU_PID, 0, 0x1000, 0x1000, "/bin/qemu");
	tasks_settle(fixture->tasks);
	ASSERT_STACK("[qemu+0x5fff];[qemu+0x5000];second_one;second_one", KERNEL,
		     KERNEL_START + 0x200, KERNEL_START + 0x200, USER, 0x1000, 0x2000);
	/* An interrupt within an interrupt. */
	ASSERT_STACK("second_one;second_one", KERNEL, KERNEL_START + 0x200, KERNEL,
		     KERNEL_START + 0x200);
	ASSERT_STACK("second_one", KERNEL, KERNEL, KERNEL_START + 0x200);
	/* The same caller of the kernel and of the user, without a mark before it. */
	ASSERT_STACK("second_one;second_one", KERNEL, KERNEL_START + 0x200, KERNEL_START + 0x200);
	ASSERT_STACK("[unknown];[qemu+0x5000]", USER, 0x1000, KERNEL_START + 0x200);
}

static void test_chain_without_mark_is_the_users(struct fixture *fixture,
						 gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, QEMU_PID, 0, 0x1000, 0x1000, "/bin/qemu");
	tasks_settle(fixture->tasks);
	ASSERT_STACK("[qemu+0x5fff];[qemu+0x5000]", 0x1000, 0x2000);
	/* The same address means something else in each space. */
	ASSERT_STACK("[unknown]", KERNEL_START + 0x200);
	ASSERT_STACK("[unknown kernel]", KERNEL, 0x1000);
}

static void test_of_other_spaces_nothing_is_known(struct fixture *fixture,
						  gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, QEMU_PID, 0, 0x1000, 0x1000, "/bin/qemu");
	tasks_settle(fixture->tasks);
	ASSERT_STACK("[hypervisor]", HYPERVISOR, KERNEL_START + 0x200);
	/* A mark of a newer kernel: neither a frame, nor is anything known of what follows it. */
	ASSERT_STACK("[unknown context]", USER - 1, KERNEL_START + 0x200);
	ASSERT_STACK("[unknown context];[unknown context];second_one", KERNEL, KERNEL_START + 0x200,
		     GUEST_USER - 640, KERNEL_START + 0x200, 0x5000);
	ASSERT_STACK("[guest]", GUEST, 0x1000);
	ASSERT_STACK("[guest];[guest]", GUEST_KERNEL, KERNEL_START + 0x200, 0x1000);
	ASSERT_STACK("[qemu+0x5000];[guest]", GUEST_USER, 0x1000, USER, 0x1000);
	ASSERT_STACK("[unknown context]", (guint64)-4000, 0x1000);
}

static void test_address_0_has_no_byte_before(struct fixture *fixture,
					      gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, QEMU_PID, 0, 0, 0x1000, "/bin/qemu");
	tasks_settle(fixture->tasks);
	ASSERT_STACK("[qemu+0x5000];[qemu+0x5000]", USER, 0, 0);
	ASSERT_STACK("[qemu+0x5000];[qemu+0x5000]", USER, 0, 1);
}

/* --- Lengths --- */

static void test_chain_without_frames(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const guint64 marks[] = {KERNEL, USER};
	const struct frame *frame;

	tasks_settle(fixture->tasks);
	assert_stack(fixture, 100, marks, 0, "[no call chain]");
	assert_stack(fixture, 100, marks, 1, "[no call chain]");
	assert_stack(fixture, 100, marks, 2, "[no call chain]");
	frame = top_frame(fixture, marks, 0);
	g_assert_cmpint(frame->kind, ==, FRAME_UNRESOLVED);
}

/* Calls from first_one to itself, at the end second_one. */
static void check_length(struct fixture *fixture, guint n)
{
	g_autofree guint64 *addresses = g_new(guint64, n + 1);
	guint32 stack;

	addresses[0] = KERNEL;
	for (guint i = 1; i <= n; i++)
		addresses[i] = KERNEL_START + (i == 1 ? 0x250 : 0x150);
	stack = resolve(fixture, 100, addresses, n + 1);
	g_assert_cmpuint(stack_table_depth(fixture->stacks, stack), ==, n);
	for (guint i = 0; i < n; i++) {
		const struct frame *frame = stack_table_get_frame(
			fixture->stacks, stack_table_top(fixture->stacks, stack));

		g_assert_cmpstr(frame->name, ==, i ? "first_one" : "second_one");
		stack = stack_table_caller(fixture->stacks, stack);
	}
	g_assert_cmpuint(stack, ==, STACK_EMPTY);
	g_assert_cmpuint(resolve(fixture, 100, addresses, n + 1), ==,
			 resolve(fixture, 200, addresses, n + 1));
}

static void test_chains_of_1_127_and_8000_frames(struct fixture *fixture,
						 gconstpointer data G_GNUC_UNUSED)
{
	tasks_settle(fixture->tasks);
	check_length(fixture, 1);
	check_length(fixture, 127);
	check_length(fixture, 8000);
}

static void test_cut_chain_says_that_callers_are_missing(struct fixture *fixture,
							 gconstpointer data G_GNUC_UNUSED)
{
	const guint64 addresses[] = {KERNEL, KERNEL_START + 0x250};
	struct call_chain chain = {
		.pid = QEMU_PID, .time_ns = 100, .addresses = addresses, .n = 2, .cut = true};
	g_autofree char *string = NULL;
	guint32 cut, whole;

	tasks_settle(fixture->tasks);
	cut = stack_resolver_find(fixture->resolver, &chain);
	chain.cut = false;
	whole = stack_resolver_find(fixture->resolver, &chain);
	string = stack_string(fixture->stacks, cut);
	g_assert_cmpstr(string, ==, "[cut off];second_one");
	ASSERT_STACK("second_one", KERNEL, KERNEL_START + 0x250);
	g_assert_cmpuint(cut, !=, whole);
	cut = stack_table_caller(fixture->stacks, cut);
	g_assert_cmpint(
		stack_table_get_frame(fixture->stacks, stack_table_top(fixture->stacks, cut))->kind,
		==, FRAME_CUT);
}

/* --- Names --- */

static void test_names_of_what_has_none(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, QEMU_PID, 0, 0x10000, 0x1000, "/bin/qemu (deleted)");
	add_mmap(fixture, QEMU_PID, 0, 0x20000, 0x1000, "//anon");
	add_mmap(fixture, QEMU_PID, 0, 0x30000, 0x1000, "/memfd:tcg-jit (deleted)");
	add_mmap(fixture, QEMU_PID, 0, 0x40000, 0x1000, "[heap]");
	add_mmap(fixture, QEMU_PID, 0, 0x50000, 0x1000, "[vdso]");
	add_mmap(fixture, PERF_KERNEL_PID, 0, MODULE_START, 0x4000, "[virtio_net]");
	tasks_settle(fixture->tasks);
	ASSERT_STACK("[qemu+0x5010]", USER, 0x10010);
	ASSERT_STACK("[anon]", USER, 0x20010);
	ASSERT_STACK("[anon]", USER, 0x30020);
	ASSERT_STACK("[anon]", USER, 0x40030);
	ASSERT_STACK("[vdso+0x5010]", USER, 0x50010);
	ASSERT_STACK("[unknown]", USER, 0x60000);
	/* The kernel's addresses are absolute: the distance from the begin of what was mapped. */
	ASSERT_STACK("[virtio_net+0x12]", KERNEL, MODULE_START + 0x12);
	ASSERT_STACK("[kernel.kallsyms+0x5000]", KERNEL, KERNEL_START + 0x5000);
	ASSERT_STACK("[unknown kernel]", KERNEL, KERNEL_START - 1);
}

/* Only the kernel's offsets are addresses. */
static void test_file_mapped_at_the_address_of_its_offset(struct fixture *fixture,
							  gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, QEMU_PID, 0, 0x5000, 0x1000, "/bin/qemu");
	tasks_settle(fixture->tasks);
	ASSERT_STACK("[qemu+0x5010]", USER, 0x5010);
}

static void assert_frame(struct fixture *fixture, guint64 mark, guint64 address, const char *module,
			 enum frame_kind kind, enum unresolved_kind why, const char *path)
{
	const guint64 addresses[] = {mark, address};
	const guint32 stack = resolve(fixture, 100, addresses, 2);
	const guint32 number = stack_table_top(fixture->stacks, stack);
	const struct frame *frame = stack_table_get_frame(fixture->stacks, number);
	const struct unresolved what = stack_resolver_unresolved(fixture->resolver, number);

	g_assert_cmpstr(frame->module, ==, module);
	g_assert_cmpint(frame->kind, ==, kind);
	g_assert_cmpint(what.kind, ==, why);
	g_assert_cmpstr(what.dso ? dso_path(what.dso) : NULL, ==, path);
}

/* Whoever wants to know why there is no name gets the file. */
static void test_module_kind_and_file_of_frames(struct fixture *fixture,
						gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, QEMU_PID, 0, 0x10000, 0x1000, "/bin/qemu");
	add_mmap(fixture, QEMU_PID, 0, 0x20000, 0x1000, "//anon");
	tasks_settle(fixture->tasks);
	assert_frame(fixture, KERNEL, KERNEL_START + 0x150, "[kernel.kallsyms]", FRAME_KERNEL,
		     UNRESOLVED_ELSEWHERE, NULL);
	assert_frame(fixture, KERNEL, KERNEL_START + 0x5000, "[kernel.kallsyms]", FRAME_UNRESOLVED,
		     UNRESOLVED_IN_FILE, "[kernel.kallsyms]");
	assert_frame(fixture, USER, 0x10010, "qemu", FRAME_UNRESOLVED, UNRESOLVED_IN_FILE,
		     "/bin/qemu");
	assert_frame(fixture, USER, 0x20010, "[anon]", FRAME_UNRESOLVED, UNRESOLVED_GENERATED,
		     "//anon");
	assert_frame(fixture, USER, 0x60000, NULL, FRAME_UNRESOLVED, UNRESOLVED_USER, NULL);
	assert_frame(fixture, KERNEL, 0x60000, NULL, FRAME_UNRESOLVED, UNRESOLVED_KERNEL, NULL);
	assert_frame(fixture, GUEST, 0x10010, NULL, FRAME_UNRESOLVED, UNRESOLVED_ELSEWHERE, NULL);
}

/* --- Code that the kernel made --- */

static void add_ksymbol(struct fixture *fixture, guint64 time_ns, guint64 start, guint16 type,
			bool unregisters, const char *name)
{
	const struct perf_task_event event = {.kind = PERF_TASK_KSYMBOL,
					      .time_ns = time_ns,
					      .order = fixture->order++,
					      .start = start,
					      .size = 0x100,
					      .ksym_type = type,
					      .unregisters = unregisters,
					      .tainted_name = name};

	tasks_add(fixture->tasks, &event);
}

/* The time in which each is there, in whatever order the records stand. */
static void test_ksymbols_hold_for_a_time(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const guint64 bpf = MODULE_START + 0x1000;

	add_ksymbol(fixture, 300, bpf, 1, false, "second_prog");
	add_ksymbol(fixture, 100, bpf, 1, false, "first_prog");
	add_ksymbol(fixture, 200, bpf, 1, true, "first_prog");
	tasks_settle(fixture->tasks);
	ASSERT_STACK_AT(99, "[unknown kernel]", KERNEL, bpf);
	ASSERT_STACK_AT(100, "first_prog", KERNEL, bpf);
	ASSERT_STACK_AT(199, "first_prog", KERNEL, bpf + 0xff);
	ASSERT_STACK_AT(200, "[unknown kernel]", KERNEL, bpf);
	ASSERT_STACK_AT(299, "[unknown kernel]", KERNEL, bpf);
	ASSERT_STACK_AT(300, "second_prog", KERNEL, bpf);
	ASSERT_STACK_AT(300, "[unknown kernel]", KERNEL, bpf + 0x100);
	/* A program has other memory at these addresses. */
	ASSERT_STACK_AT(300, "[unknown]", USER, bpf);
	assert_frame(fixture, KERNEL, bpf, "[bpf]", FRAME_KERNEL, UNRESOLVED_ELSEWHERE, NULL);
}

/* perf began to record when they were there already. */
static void test_ksymbol_of_which_only_the_end_was_seen(struct fixture *fixture,
							gconstpointer data G_GNUC_UNUSED)
{
	const guint64 bpf = MODULE_START + 0x1000;

	add_ksymbol(fixture, 200, bpf, 2, true, "was_there");
	add_ksymbol(fixture, 250, bpf, 2, true, "came_and_went");
	tasks_settle(fixture->tasks);
	ASSERT_STACK_AT(0, "was_there", KERNEL, bpf);
	ASSERT_STACK_AT(199, "was_there", KERNEL, bpf);
	ASSERT_STACK_AT(200, "came_and_went", KERNEL, bpf);
	ASSERT_STACK_AT(250, "[unknown kernel]", KERNEL, bpf);
}

/* The last symbol of a table of the kernel's seems to go on; what KSYMBOL says is exact. */
static void test_ksymbols_win_over_the_kernel(struct fixture *fixture,
					      gconstpointer data G_GNUC_UNUSED)
{
	add_ksymbol(fixture, 0, KERNEL_START + 0x300, 2, false, "trampoline");
	tasks_settle(fixture->tasks);
	ASSERT_STACK("second_one;trampoline", KERNEL, KERNEL_START + 0x310, KERNEL_START + 0x210);
	/* Of callers, as in all of the kernel: at the first byte it was interrupted. */
	ASSERT_STACK("trampoline;first_one", KERNEL, KERNEL_START + 0x110, KERNEL_START + 0x300);
	ASSERT_STACK("trampoline;first_one", KERNEL, KERNEL_START + 0x110, KERNEL_START + 0x400);
	ASSERT_STACK("second_one;first_one", KERNEL, KERNEL_START + 0x110, KERNEL_START + 0x2ff);
}

/* --- Limits --- */

static void test_unnamed_frames_beyond_the_limit_are_one_for_each_module(void)
{
	const struct stack_limits limits = {.n_unnamed = 3, .n_stacks = 100};
	struct stack_table *table = stack_table_new(&limits);
	guint32 merged, other;

	for (guint round = 0; round < 2; round++)
		for (guint32 i = 0; i < 3; i++)
			g_assert_cmpuint(stack_table_unnamed(table, "libc.so.6", 16 * i), ==, i);
	g_assert_false(stack_table_has_merged_frames(table));
	merged = stack_table_unnamed(table, "libc.so.6", 99);
	other = stack_table_unnamed(table, "[vdso]", 99);
	g_assert_true(stack_table_has_merged_frames(table));
	g_assert_cmpuint(stack_table_unnamed(table, "libc.so.6", 100), ==, merged);
	g_assert_cmpuint(stack_table_unnamed(table, "[vdso]", 100), ==, other);
	g_assert_cmpuint(other, !=, merged);
	/* Those that were there have not changed, and names have no limit. */
	g_assert_cmpuint(stack_table_unnamed(table, "libc.so.6", 32), ==, 2);
	g_assert_cmpuint(stack_table_frame(table, "memcpy", "libc.so.6", FRAME_USER), ==, 5);
	for (guint32 i = 0; i < 5; i++) {
		static const char *const names[] = {"[libc.so.6+0x0]", "[libc.so.6+0x10]",
						    "[libc.so.6+0x20]", "[libc.so.6]", "[vdso]"};
		g_autofree char *name = frame_name(stack_table_get_frame(table, i));

		g_assert_cmpstr(name, ==, names[i]);
	}
	stack_table_free(table);
}

static void test_stacks_beyond_the_limit_are_one(void)
{
	const struct stack_limits limits = {.n_unnamed = 3, .n_stacks = 4};
	struct stack_table *table = stack_table_new(&limits);
	const guint32 a = stack_table_frame(table, "a", NULL, FRAME_USER);
	guint32 stacks[5] = {STACK_EMPTY}, merged;
	g_autofree char *string = NULL;

	for (guint i = 0; i < 4; i++)
		stacks[i + 1] = stack_table_push(table, stacks[i], a);
	g_assert_false(stack_table_has_merged_stacks(table));
	merged = stack_table_push(table, stacks[4], a);
	g_assert_true(stack_table_has_merged_stacks(table));
	string = stack_string(table, merged);
	g_assert_cmpstr(string, ==, "[too many stacks]");
	g_assert_cmpuint(stack_table_push(table, merged, a), ==, merged);
	g_assert_cmpuint(stack_table_push(table, stacks[2], a), ==, stacks[3]);
	stack_table_free(table);
}

/* Each has nothing but a number of its own: 255 bytes of a name a million times were too many. */
static void test_unnamed_frames_are_small(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const guint n = 1000000;
	g_autofree char *file = g_strnfill(255, 'x');
	g_autofree char *path = g_strconcat("/lib/", file, NULL);
	guint64 addresses[] = {USER, 0};
	gsize before;

	add_mmap(fixture, QEMU_PID, 0, 0x10000000, 2 * n, path);
	tasks_settle(fixture->tasks);
	before = bytes_in_use();
	for (guint i = 0; i < n; i++) {
		addresses[1] = 0x10000000 + i;
		(void)resolve(fixture, 100, addresses, 2);
	}
	g_assert_true(stack_table_has_merged_frames(fixture->stacks));
	g_assert_cmpuint(bytes_in_use(), <, before + 128 * 1024 * 1024);
}

static void test_joined_stacks(void)
{
	struct stack_table *table = stack_table_new(&stack_usual_limits);
	const guint32 cut = stack_table_frame(table, "[cut off]", NULL, FRAME_CUT);
	const guint32 a = stack_table_frame(table, "a", NULL, FRAME_USER);
	const guint32 b = stack_table_frame(table, "b", NULL, FRAME_KERNEL);
	const guint32 is_cut = stack_table_push(table, STACK_EMPTY, cut);
	const guint32 ab = stack_table_push(table, stack_table_push(table, STACK_EMPTY, a), b);
	const guint32 cut_b = stack_table_push(table, is_cut, b);
	const struct {
		guint32 callers, callees;
		const char *expected;
	} cases[] = {
		{ab, ab, "a;b;a;b"},
		{STACK_EMPTY, ab, "a;b"},
		{ab, STACK_EMPTY, "a;b"},
		{ab, cut_b, "a;b;[cut off];b"},
		{is_cut, ab, "[cut off];a;b"},
		{is_cut, cut_b, "[cut off];b"},
		{STACK_EMPTY, STACK_EMPTY, ""},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *string = stack_string(
			table, stack_table_join(table, cases[i].callers, cases[i].callees));

		g_assert_cmpstr(string, ==, cases[i].expected);
	}
	stack_table_free(table);
}

/* Two recordings share the table: what is called the same is the same stack. */
static void test_two_resolvers_share_stacks(struct fixture *fixture,
					    gconstpointer data G_GNUC_UNUSED)
{
	const guint64 addresses[] = {KERNEL, KERNEL_START + 0x250};
	struct fixture other = {0};

	tasks_settle(fixture->tasks);
	set_up(&other, NULL);
	tasks_settle(other.tasks);
	stack_resolver_free(other.resolver);
	other.resolver = stack_resolver_new(other.tasks, other.dsos, fixture->stacks);
	g_assert_cmpuint(resolve(fixture, 100, addresses, 2), ==, resolve(&other, 5, addresses, 2));
	tear_down(&other, NULL);
}

/* The fixture with the library mapped, from its first byte on. */
static void set_up_library(struct fixture *fixture, const struct dso_fixture *library)
{
	const struct perf_task_event event = {.kind = PERF_TASK_MMAP,
					      .pid = QEMU_PID,
					      .start = LIBRARY_START,
					      .size = 0x10000,
					      .tainted_name = library->identity.path};

	set_up(fixture, NULL);
	stack_resolver_free(fixture->resolver);
	tasks_free(fixture->tasks);
	dso_table_free(fixture->dsos);
	fixture->dsos = dso_table_new(&library->options);
	fixture->tasks = tasks_new(fixture->dsos);
	fixture->resolver = stack_resolver_new(fixture->tasks, fixture->dsos, fixture->stacks);
	tasks_add(fixture->tasks, &event);
	tasks_settle(fixture->tasks);
}

static void test_return_address_is_looked_up_one_byte_before(struct dso_fixture *library,
							     gconstpointer data G_GNUC_UNUSED)
{
	const guint64 after = LIBRARY_START + dso_fixture_offset(library, "after_one");
	const guint64 lonely = LIBRARY_START + dso_fixture_offset(library, "lonely_one");
	struct fixture own = {0}, *fixture = &own;

	library->options = (struct dso_options){.symfs = library->dir, .buildid_dir = library->dir};
	library->identity.path = "/prog";
	dso_fixture_open(library, DSO_OK);
	set_up_library(fixture, library);
	/* A call at the end of before_one returns to the first byte of after_one. */
	ASSERT_STACK("before_one;before_one;after_one", USER, after, after, after);
	/* Where nothing can have called, it is where a coroutine begins. */
	ASSERT_STACK("lonely_one;lonely_one", USER, lonely, lonely);
	ASSERT_STACK("after_one;lonely_one", USER, lonely, after + 2);
	tear_down(fixture, NULL);
}

/* At each byte of a function: itself, then what was inlined there, each into the one before. */
static void test_inlined_functions_are_frames(struct dso_fixture *library,
					      gconstpointer data G_GNUC_UNUSED)
{
	const guint64 outer = dso_fixture_offset(library, "outer");
	struct fixture own = {0}, *fixture = &own;
	guint n_nested = 0;

	library->options = (struct dso_options){
		.symfs = library->dir, .buildid_dir = library->dir, .inlines = true};
	library->identity.path = "/prog";
	dso_fixture_open(library, DSO_OK);
	set_up_library(fixture, library);
	for (guint64 offset = outer; offset < outer + 8; offset++) {
		const char *names[8];
		const guint n = dso_find_inlines(library->dso, offset, names, 8);
		const guint64 addresses[] = {USER, LIBRARY_START + offset};
		g_autoptr(GString) expected = g_string_new("outer");

		for (guint i = 0; i < n; i++)
			g_string_append_printf(expected, ";%s", names[i]);
		ASSERT_STACK(expected->str, USER, LIBRARY_START + offset);
		g_assert_cmpint(top_frame(fixture, addresses, 2)->kind, ==,
				n ? FRAME_INLINED : FRAME_USER);
		g_assert_cmpstr(top_frame(fixture, addresses, 2)->module, ==, "prog");
		n_nested += !strcmp(expected->str, "outer;middle;inner");
	}
	g_assert_cmpuint(n_nested, >, 0);
	tear_down(fixture, NULL);
}

/* --- Time --- */

static void test_mapping_replaced_in_the_middle(struct fixture *fixture,
						gconstpointer data G_GNUC_UNUSED)
{
	static const guint64 times[] = {50, 150, 250, 149, 249, 0, 49, 300, 51, 151, 200};

	add_mmap(fixture, QEMU_PID, 50, 0x1000, 0x1000, "/lib/a.so");
	add_mmap(fixture, QEMU_PID, 150, 0x1000, 0x1000, "/lib/b.so");
	add_mmap(fixture, QEMU_PID, 250, 0x1000, 0x1000, "/lib/a.so");
	tasks_settle(fixture->tasks);
	/* To and fro: each is asked when the answers of other times are known. */
	for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
		const guint64 time_ns = times[i];

		ASSERT_STACK_AT(time_ns,
				time_ns < 50	      ? "[unknown];[unknown]"
				: time_ns - 150 < 100 ? "[b.so+0x5fff];[b.so+0x5010]"
						      : "[a.so+0x5fff];[a.so+0x5010]",
				USER, 0x1010, 0x2000);
	}
}

#define N_TIMES 20000

/* One file is mapped over the other all the time, and the chain comes at any of these times. */
static void test_chain_at_many_times(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct dice dice = dice_of(52);

	for (guint i = 0; i < N_TIMES; i++)
		add_mmap(fixture, QEMU_PID, 10 * i, 0x1000, 0x1000,
			 i % 2 ? "/lib/b.so" : "/lib/a.so");
	tasks_settle(fixture->tasks);
	for (guint i = 0; i < 3 * N_TIMES; i++) {
		const guint time = dice_range(&dice, 0, N_TIMES);

		ASSERT_STACK_AT(10 * time + dice_range(&dice, 0, 10),
				time % 2 ? "[b.so+0x5010]" : "[a.so+0x5010]", USER, 0x1010);
	}
}

/* The chain is of two files: it is another one when either of them is. */
static void test_chain_changes_when_any_of_its_files_does(struct fixture *fixture,
							  gconstpointer data G_GNUC_UNUSED)
{
	add_mmap(fixture, QEMU_PID, 0, 0x1000, 0x1000, "/bin/qemu");
	add_mmap(fixture, QEMU_PID, 0, 0x8000, 0x1000, "/lib/a.so");
	add_mmap(fixture, QEMU_PID, 100, 0x8000, 0x1000, "/lib/b.so");
	add_mmap(fixture, QEMU_PID, 200, 0x1000, 0x1000, "/lib/c.so");
	tasks_settle(fixture->tasks);
	for (guint i = 0; i < 2; i++) {
		ASSERT_STACK_AT(99, "[qemu+0x500f];[a.so+0x5000]", USER, 0x8000, 0x1010);
		ASSERT_STACK_AT(250, "[c.so+0x500f];[b.so+0x5000]", USER, 0x8000, 0x1010);
		ASSERT_STACK_AT(100, "[qemu+0x500f];[b.so+0x5000]", USER, 0x8000, 0x1010);
	}
}

static void test_same_chain_of_two_processes(struct fixture *fixture,
					     gconstpointer data G_GNUC_UNUSED)
{
	const guint64 addresses[] = {USER, 0x1010};
	struct call_chain chain = {.pid = 8, .time_ns = 100, .addresses = addresses, .n = 2};
	g_autofree char *other = NULL;

	add_mmap(fixture, QEMU_PID, 0, 0x1000, 0x1000, "/bin/qemu");
	add_mmap(fixture, 8, 0, 0x1000, 0x1000, "/bin/sh");
	tasks_settle(fixture->tasks);
	ASSERT_STACK("[qemu+0x5010]", USER, 0x1010);
	other = stack_string(fixture->stacks, stack_resolver_find(fixture->resolver, &chain));
	g_assert_cmpstr(other, ==, "[sh+0x5010]");
	chain.pid = 9;
	g_free(other);
	other = stack_string(fixture->stacks, stack_resolver_find(fixture->resolver, &chain));
	g_assert_cmpstr(other, ==, "[unknown]");
}

#define N_RANDOM_MAPPINGS 60
#define N_RANDOM_CHAINS	  40
#define N_RANDOM_ASKS	  4000

/* Chains of few addresses over and over, at any time: a resolver that remembers nothing agrees. */
static void test_random_chains_against_a_fresh_resolver(struct fixture *fixture,
							gconstpointer data G_GNUC_UNUSED)
{
	struct dice dice = dice_of(61);
	guint64 chains[N_RANDOM_CHAINS][4];
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < N_RANDOM_MAPPINGS; i++) {
		g_autofree char *path = g_strdup_printf("/lib/%u.so", i % 9);

		add_mmap(fixture, QEMU_PID + i % 2, dice_range(&dice, 0, 50),
			 0x10000 + 0x1000 * dice_range(&dice, 0, 8), 0x2000, path);
	}
	tasks_settle(fixture->tasks);
	for (guint i = 0; i < N_RANDOM_CHAINS; i++) {
		chains[i][0] = USER;
		for (guint j = 1; j < 4; j++)
			chains[i][j] = 0x10000 + 0x800 * dice_range(&dice, 0, 20);
	}
	for (guint i = 0; i < N_RANDOM_ASKS; i++) {
		struct stack_resolver *fresh =
			stack_resolver_new(fixture->tasks, fixture->dsos, fixture->stacks);
		const struct call_chain chain = {
			.pid = QEMU_PID + dice_range(&dice, 0, 2),
			.time_ns = dice_range(&dice, 0, 55),
			.addresses = chains[dice_range(&dice, 0, N_RANDOM_CHAINS)],
			.n = dice_range(&dice, 1, 5),
			.cut = dice_boolean(&dice)};
		const guint32 stack = stack_resolver_find(fixture->resolver, &chain);

		g_assert_cmpuint(stack, ==, stack_resolver_find(fresh, &chain));
		g_hash_table_add(seen, GUINT_TO_POINTER(stack));
		stack_resolver_free(fresh);
	}
	g_assert_cmpuint(g_hash_table_size(seen), >, 200);
}

/* What called the innermost frame of the chain. */
static const char *caller_name(struct fixture *fixture, const guint64 *addresses, gsize n)
{
	const guint32 stack = resolve(fixture, 100, addresses, n);
	const guint32 caller = stack_table_caller(fixture->stacks, stack);

	return stack_table_get_frame(fixture->stacks, stack_table_top(fixture->stacks, caller))
		->name;
}

/* The table of callers has no room for all of them, and none of them may be another one. */
static void test_more_callers_than_there_is_room_for(struct fixture *fixture,
						     gconstpointer data G_GNUC_UNUSED)
{
	static const char *const names[] = {"first_one", "second_one", "third_one"};
	const gsize n = 8000;
	g_autofree guint64 *addresses = g_new(guint64, n);
	const gsize before = bytes_in_use();

	tasks_settle(fixture->tasks);
	for (gsize i = 0; i < n; i++)
		addresses[i] = KERNEL;
	addresses[1] = KERNEL_START + 0x100;
	for (guint round = 0; round < 2; round++) {
		for (guint i = 0; i < 0x300; i++) {
			addresses[n - 1] = KERNEL_START + 0x100 + i;
			g_assert_cmpstr(caller_name(fixture, addresses, n), ==, names[i / 0x100]);
		}
	}
	g_assert_cmpuint(bytes_in_use(), <, before + 40 * 1024 * 1024);
	stack_resolver_forget(fixture->resolver);
	g_assert_cmpstr(caller_name(fixture, addresses, n), ==, "third_one");
}

/*
 * Each of them is nowhere, or in memory without names, and the table of places is full many times
 * over.
 */
static void test_more_places_than_there_is_room_for(struct fixture *fixture,
						    gconstpointer data G_GNUC_UNUSED)
{
	const guint64 known[] = {KERNEL, KERNEL_START + 0x100};
	const guint n = 1000000;
	guint64 nowhere[] = {USER, 0}, nameless[] = {USER, 0};
	gsize before;

	add_mmap(fixture, QEMU_PID, 0, 0x10000000, 2 * n, "//anon");
	tasks_settle(fixture->tasks);
	before = bytes_in_use();
	for (guint i = 0; i < n; i++) {
		nowhere[1] = UINT64_C(0x700000000000) + i;
		nameless[1] = 0x10000000 + i;
		g_assert_cmpstr(top_frame(fixture, nowhere, 2)->name, ==, "[unknown]");
		g_assert_cmpstr(top_frame(fixture, nameless, 2)->name, ==, "[anon]");
		if (i % 1000 == 0)
			g_assert_cmpstr(top_frame(fixture, known, 2)->name, ==, "first_one");
	}
	g_assert_cmpuint(bytes_in_use(), <, before + 48 * 1024 * 1024);
}

#define ADD(name)                                                                                  \
	g_test_add("/stack_resolver/" #name, struct fixture, NULL, set_up, test_##name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_unsetenv("DEBUGINFOD_URLS");
	g_test_add_func("/stack_table/frames_are_told_apart_by_all_they_have",
			test_frames_are_told_apart_by_all_they_have);
	g_test_add_func("/stack_table/stacks_are_a_tree", test_stacks_are_a_tree);
	g_test_add_func("/stack_table/unnamed_frames_beyond_the_limit_are_one_for_each_module",
			test_unnamed_frames_beyond_the_limit_are_one_for_each_module);
	g_test_add_func("/stack_table/stacks_beyond_the_limit_are_one",
			test_stacks_beyond_the_limit_are_one);
	g_test_add_func("/stack_table/joined_stacks", test_joined_stacks);
	ADD(interrupted_at_the_first_byte);
	dso_fixture_add("/stack_resolver/return_address_is_looked_up_one_byte_before",
			test_return_address_is_looked_up_one_byte_before);
	ADD(first_address_behind_each_mark_is_exact);
	ADD(chain_without_mark_is_the_users);
	ADD(of_other_spaces_nothing_is_known);
	ADD(address_0_has_no_byte_before);
	ADD(chain_without_frames);
	ADD(chains_of_1_127_and_8000_frames);
	ADD(cut_chain_says_that_callers_are_missing);
	ADD(names_of_what_has_none);
	ADD(file_mapped_at_the_address_of_its_offset);
	ADD(module_kind_and_file_of_frames);
	ADD(ksymbols_hold_for_a_time);
	ADD(ksymbol_of_which_only_the_end_was_seen);
	ADD(ksymbols_win_over_the_kernel);
	ADD(unnamed_frames_are_small);
	ADD(two_resolvers_share_stacks);
	dso_fixture_add("/stack_resolver/inlined_functions_are_frames",
			test_inlined_functions_are_frames);
	ADD(mapping_replaced_in_the_middle);
	ADD(chain_at_many_times);
	ADD(chain_changes_when_any_of_its_files_does);
	ADD(same_chain_of_two_processes);
	ADD(random_chains_against_a_fresh_resolver);
	ADD(more_callers_than_there_is_room_for);
	ADD(more_places_than_there_is_room_for);
	return g_test_run();
}
