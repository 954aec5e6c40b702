/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * unwinder: registers and stacks that are made by hand, in a small library whose
 * unwinding table is gcc's. How whole programs come out is for the system tests.
 */
#include "profile/unwinder.h"

#include "lib/dso_fixture.h"

#include <string.h>

#define PID	      101
#define LIBRARY_START 0x7f0000000000ULL
#define STACK_START   0x7ffc00001000ULL

#define REG_BP	 6
#define REG_SP	 7
#define REG_IP	 8
#define N_REGS	 24
#define REGS_X86 (((1ULL << N_REGS) - 1) & ~0xf000ULL) /* without DS, ES, FS, GS */
#define USER	 ((guint64)PERF_CONTEXT_USER)

struct fixture {
	struct dso_table *dsos;	   /* Owned by this */
	struct tasks *tasks;	   /* Owned by this */
	struct unwinder *unwinder; /* Owned by this */
	struct perf_event event;
	struct perf_sample sample;
	guint64 regs[20], stack[4];
	bool swap;
	struct unwinder_limits limits;
	GArray *addresses; /* Owned by this */
};

static void add_mmap(struct fixture *fixture, const char *path, guint64 start, guint64 time_ns)
{
	const struct perf_task_event event = {.kind = PERF_TASK_MMAP,
					      .pid = PID,
					      .time_ns = time_ns,
					      .start = start,
					      .size = 0x10000,
					      .tainted_name = path};

	tasks_add(fixture->tasks, &event);
}

static void set_up(struct fixture *fixture, struct dso_fixture *library, const char *arch)
{
	library->options = (struct dso_options){.symfs = library->dir, .buildid_dir = library->dir};
	fixture->dsos = dso_table_new(&library->options);
	fixture->tasks = tasks_new(fixture->dsos);
	add_mmap(fixture, "/prog", LIBRARY_START, 0);
	tasks_settle(fixture->tasks);
	if (!fixture->limits.sample_steps)
		fixture->limits = unwinder_usual_limits;
	fixture->unwinder = unwinder_new(fixture->tasks, fixture->dsos, arch, &fixture->limits);
	fixture->event.sample_regs_user = REGS_X86;
	fixture->sample = (struct perf_sample){.pid = PID,
					       .tid = PID,
					       .time_ns = 10,
					       .regs_abi = PERF_SAMPLE_REGS_ABI_64,
					       .tainted_regs = (const uint8_t *)fixture->regs,
					       .tainted_stack = (const uint8_t *)fixture->stack,
					       .stack_size = sizeof(fixture->stack)};
	fixture->regs[REG_SP] = STACK_START;
	fixture->addresses = g_array_new(FALSE, FALSE, sizeof(guint64));
}

static void tear_down(struct fixture *fixture)
{
	unwinder_free(fixture->unwinder);
	unwinder_free(NULL);
	tasks_free(fixture->tasks);
	dso_table_free(fixture->dsos);
	g_array_unref(fixture->addresses);
}

static enum unwound unwind(struct fixture *fixture)
{
	g_array_set_size(fixture->addresses, 0);
	return unwinder_append(fixture->unwinder, &fixture->event, &fixture->sample, fixture->swap,
			       fixture->addresses);
}

static guint64 address(const struct fixture *fixture, guint index)
{
	g_assert_cmpuint(index, <, fixture->addresses->len);
	return g_array_index(fixture->addresses, guint64, index);
}

static guint64 in_library(const struct dso_fixture *library, const char *symbol)
{
	return LIBRARY_START + dso_fixture_offset(library, symbol);
}

/* At its first byte a function has its return address on top of the stack. */
static void test_caller_is_found(struct dso_fixture *library, gconstpointer data G_GNUC_UNUSED)
{
	struct fixture own = {0}, *fixture = &own;

	set_up(fixture, library, "x86_64");
	fixture->regs[REG_IP] = in_library(library, "hidden_one");
	fixture->stack[0] = in_library(library, "outer") + 1;
	fixture->stack[1] = 0; /* where the thread began */
	g_assert_cmpint(unwind(fixture), ==, UNWOUND);
	g_assert_cmpuint(fixture->addresses->len, ==, 3);
	g_assert_cmphex(address(fixture, 0), ==, USER);
	g_assert_cmphex(address(fixture, 1), ==, in_library(library, "hidden_one"));
	g_assert_cmphex(address(fixture, 2), ==, in_library(library, "outer") + 1);
	/* Again, now that the library is known, and in the other byte order. */
	for (guint i = 0; i < G_N_ELEMENTS(fixture->regs); i++)
		fixture->regs[i] = GUINT64_SWAP_LE_BE(fixture->regs[i]);
	for (guint i = 0; i < G_N_ELEMENTS(fixture->stack); i++)
		fixture->stack[i] = GUINT64_SWAP_LE_BE(fixture->stack[i]);
	fixture->swap = true;
	g_assert_cmpint(unwind(fixture), ==, UNWOUND);
	g_assert_cmphex(address(fixture, 2), ==, in_library(library, "outer") + 1);
	tear_down(fixture);
}

static void test_stack_that_ends_too_early(struct dso_fixture *library,
					   gconstpointer data G_GNUC_UNUSED)
{
	struct fixture own = {0}, *fixture = &own;

	set_up(fixture, library, "x86_64");
	fixture->regs[REG_IP] = in_library(library, "hidden_one");
	for (gsize size = 0; size < 8; size++) {
		fixture->sample.stack_size = size;
		g_assert_cmpint(unwind(fixture), ==, UNWOUND_IN_PART);
		g_assert_cmpuint(fixture->addresses->len, ==, 2);
		g_assert_cmphex(address(fixture, 1), ==, in_library(library, "hidden_one"));
	}
	tear_down(fixture);
}

/* A caller that no unwinding table tells of: its own callers are missing. */
static void test_function_without_a_table(struct dso_fixture *library,
					  gconstpointer data G_GNUC_UNUSED)
{
	struct fixture own = {0}, *fixture = &own;

	set_up(fixture, library, "x86_64");
	fixture->regs[REG_IP] = in_library(library, "hidden_one");
	fixture->stack[0] = in_library(library, "lonely_one") + 1;
	g_assert_cmpint(unwind(fixture), ==, UNWOUND_IN_PART);
	g_assert_cmpuint(fixture->addresses->len, ==, 3);
	g_assert_cmphex(address(fixture, 2), ==, in_library(library, "lonely_one") + 1);
	tear_down(fixture);
}

static void test_registers_that_are_not_known(struct dso_fixture *library,
					      gconstpointer data G_GNUC_UNUSED)
{
	static const char *const machines[] = {"aarch64", "s390x", "", NULL};
	struct fixture own = {0}, *fixture = &own;

	for (guint i = 0; i < G_N_ELEMENTS(machines); i++) {
		set_up(fixture, library, machines[i]);
		g_assert_cmpint(unwind(fixture), ==, UNWOUND_NOT);
		g_assert_cmpuint(fixture->addresses->len, ==, 0);
		tear_down(fixture);
	}
	set_up(fixture, library, "x86_64");
	fixture->sample.regs_abi = PERF_SAMPLE_REGS_ABI_32;
	g_assert_cmpint(unwind(fixture), ==, UNWOUND_NOT);
	fixture->sample.regs_abi = PERF_SAMPLE_REGS_ABI_64;
	fixture->event.sample_regs_user = 1ULL << REG_SP;
	g_assert_cmpint(unwind(fixture), ==, UNWOUND_NOT);
	/* With the address alone there is one frame, and no more. */
	fixture->event.sample_regs_user = 1ULL << REG_IP;
	fixture->regs[0] = in_library(library, "outer");
	g_assert_cmpint(unwind(fixture), !=, UNWOUND_NOT);
	g_assert_cmpuint(fixture->addresses->len, ==, 2);
	g_assert_cmphex(address(fixture, 1), ==, in_library(library, "outer"));
	tear_down(fixture);
}

static void test_address_in_no_file(struct dso_fixture *library, gconstpointer data G_GNUC_UNUSED)
{
	struct fixture own = {0}, *fixture = &own;

	set_up(fixture, library, "x86_64");
	fixture->regs[REG_IP] = 0x1234;
	g_assert_cmpint(unwind(fixture), ==, UNWOUND_IN_PART);
	g_assert_cmpuint(fixture->addresses->len, ==, 2);
	g_assert_cmphex(address(fixture, 1), ==, 0x1234);
	/* Or its caller is in none. */
	fixture->regs[REG_IP] = in_library(library, "hidden_one");
	fixture->stack[0] = 0x1234;
	g_assert_cmpint(unwind(fixture), ==, UNWOUND_IN_PART);
	g_assert_cmpuint(fixture->addresses->len, ==, 3);
	g_assert_cmphex(address(fixture, 2), ==, 0x1234);
	tear_down(fixture);
}

/* The library was unmapped and mapped elsewhere: what libdwfl knew of it holds no more. */
static void test_file_that_moves(struct dso_fixture *library, gconstpointer data G_GNUC_UNUSED)
{
	struct fixture own = {0}, *fixture = &own;

	set_up(fixture, library, "x86_64");
	unwinder_free(fixture->unwinder);
	tasks_free(fixture->tasks);
	fixture->tasks = tasks_new(fixture->dsos);
	add_mmap(fixture, "/prog", LIBRARY_START, 0);
	add_mmap(fixture, "/prog", LIBRARY_START + 0x100, 100);
	tasks_settle(fixture->tasks);
	fixture->unwinder = unwinder_new(fixture->tasks, fixture->dsos, "x86_64", &fixture->limits);
	for (guint i = 0; i < 4; i++) {
		const guint64 moved = i % 2 ? 0x100 : 0;

		fixture->sample.time_ns = i % 2 ? 150 : 50;
		fixture->regs[REG_IP] = in_library(library, "hidden_one") + moved;
		fixture->stack[0] = in_library(library, "outer") + 1 + moved;
		g_assert_cmpint(unwind(fixture), ==, UNWOUND);
		g_assert_cmphex(address(fixture, 1), ==, fixture->regs[REG_IP]);
		g_assert_cmphex(address(fixture, 2), ==, fixture->stack[0]);
	}
	tear_down(fixture);
}

/* --- Limits --- */

static void set_up_call(struct fixture *fixture, struct dso_fixture *library)
{
	set_up(fixture, library, "x86_64");
	fixture->regs[REG_IP] = in_library(library, "hidden_one");
	fixture->stack[0] = in_library(library, "outer") + 1;
	fixture->stack[1] = 0;
}

/* The stack is cut off where the work that was allowed ends. */
static void test_work_of_a_sample_is_bounded(struct dso_fixture *library,
					     gconstpointer data G_GNUC_UNUSED)
{
	struct fixture own = {.limits = unwinder_usual_limits}, *fixture = &own;

	own.limits.sample_steps = 1;
	set_up_call(fixture, library);
	g_assert_cmpint(unwind(fixture), ==, UNWOUND_TOO_MUCH);
	g_assert_cmpuint(fixture->addresses->len, ==, 2);
	g_assert_cmphex(address(fixture, 1), ==, fixture->regs[REG_IP]);
	tear_down(fixture);
}

/* Frames that are asked for again cost nothing; new ones until all have been paid. */
static bool is_cut_soon(struct fixture *fixture)
{
	for (guint i = 0; i < 16; i++) {
		fixture->regs[REG_IP]++;
		if (unwind(fixture) == UNWOUND_TOO_MUCH)
			return true;
	}
	return false;
}

/* What one process used up is not taken from what the samples of others bring along. */
static void test_work_of_a_process_is_bounded(struct dso_fixture *library,
					      gconstpointer data G_GNUC_UNUSED)
{
	struct fixture own = {.limits = {.sample_steps = 1000,
					 .reserve_steps = 20,
					 .table_bytes = 1024 * 1024}},
		       *fixture = &own;

	set_up_call(fixture, library);
	g_assert_true(is_cut_soon(fixture));
	g_assert_cmpint(unwind(fixture), ==, UNWOUND_TOO_MUCH);
	tear_down(fixture);

	own.limits.steps_per_sample = 100;
	set_up_call(fixture, library);
	g_assert_false(is_cut_soon(fixture));
	tear_down(fixture);
	own.limits.steps_per_sample = 0;
	own.limits.steps_per_byte = 100;
	set_up_call(fixture, library);
	g_assert_false(is_cut_soon(fixture));
	tear_down(fixture);
}

static void test_tables_are_bounded(struct dso_fixture *library, gconstpointer data G_GNUC_UNUSED)
{
	struct fixture own = {.limits = unwinder_usual_limits}, *fixture = &own;

	own.limits.table_bytes = 100;
	set_up_call(fixture, library);
	g_assert_cmpint(unwind(fixture), ==, UNWOUND_IN_PART);
	g_assert_cmpuint(fixture->addresses->len, ==, 2);
	tear_down(fixture);
}

/* A saved frame pointer that points to itself would lead in circles. */
static void test_stack_that_goes_round(struct dso_fixture *library,
				       gconstpointer data G_GNUC_UNUSED)
{
	struct fixture own = {0}, *fixture = &own;

	set_up(fixture, library, "x86_64");
	fixture->regs[REG_IP] = in_library(library, "lonely_one");
	fixture->regs[REG_BP] = STACK_START;
	fixture->stack[0] = STACK_START;
	fixture->stack[1] = in_library(library, "lonely_one");
	g_assert_cmpint(unwind(fixture), ==, UNWOUND_IN_PART);
	g_assert_cmpuint(fixture->addresses->len, ==, 3);
	/* One that goes on, and ends where a thread begins. */
	fixture->stack[0] = STACK_START + 16;
	fixture->stack[3] = 0;
	g_assert_cmpint(unwind(fixture), ==, UNWOUND);
	g_assert_cmpuint(fixture->addresses->len, ==, 3);
	tear_down(fixture);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	dso_fixture_add("/unwinder/caller_is_found", test_caller_is_found);
	dso_fixture_add("/unwinder/stack_that_ends_too_early", test_stack_that_ends_too_early);
	dso_fixture_add("/unwinder/function_without_a_table", test_function_without_a_table);
	dso_fixture_add("/unwinder/registers_that_are_not_known",
			test_registers_that_are_not_known);
	dso_fixture_add("/unwinder/address_in_no_file", test_address_in_no_file);
	dso_fixture_add("/unwinder/file_that_moves", test_file_that_moves);
	dso_fixture_add("/unwinder/work_of_a_sample_is_bounded", test_work_of_a_sample_is_bounded);
	dso_fixture_add("/unwinder/work_of_a_process_is_bounded",
			test_work_of_a_process_is_bounded);
	dso_fixture_add("/unwinder/tables_are_bounded", test_tables_are_bounded);
	dso_fixture_add("/unwinder/stack_that_goes_round", test_stack_that_goes_round);
	return g_test_run();
}
