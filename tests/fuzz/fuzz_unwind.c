/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Unwinding of a copied stack: registers, a stack, and the file that was mapped, all of them out
 * of the input. libdw walks the file's tables; it is not built for fuzzing.
 */
#include "fuzz/fuzz.h"
#include "fuzz/memory_file.h"

#include "profile/unwinder.h"

#define ROOT	    "/proc/self" /* for --symfs, below which files are taken as the recorded ones */
#define PID	    101
#define START	    0x400000
#define STACK	    G_GUINT64_CONSTANT(0x7ffc00000000)
#define REG_SP	    7
#define REG_IP	    8
#define N_REGS	    20
#define REGS_X86    ((UINT64_C(1) << 24) - 1 - 0xf000) /* without DS, ES, FS, GS */
#define MAX_FRAMES  1024
#define MAX_SIGNALS 16 /* frames that may lie anywhere */
#define FLAG_SWAP   1
#define FLAG_NO_REG 2 /* not all registers were recorded */

static void map_file(struct tasks *tasks, const uint8_t *data, size_t size)
{
	const struct perf_task_event event = {
		.kind = PERF_TASK_MMAP,
		.pid = PID,
		.start = START,
		.size = 0x10000,
		.tainted_name = memory_file_path(data, size) + strlen(ROOT),
	};

	tasks_add(tasks, &event);
	tasks_settle(tasks);
}

/* Somewhere in the file and on the stack, or nothing would be unwound. */
static void choose_registers(uint64_t *regs, struct byte_reader *reader, bool swap)
{
	for (unsigned int i = 0; i < N_REGS; i++)
		regs[i] = byte_reader_u8(reader);
	regs[REG_IP] = START + byte_reader_u16(reader);
	regs[REG_SP] = STACK;
	for (unsigned int i = 0; swap && i < N_REGS; i++)
		regs[i] = GUINT64_SWAP_LE_BE(regs[i]);
}

static void check(const GArray *addresses, size_t stack_size, enum unwound unwound)
{
	if (unwound == UNWOUND_NOT) {
		g_assert_cmpuint(addresses->len, ==, 0);
		return;
	}
	g_assert_cmpuint(addresses->len, >=, 2);
	g_assert_cmpuint(addresses->len, <=, 1 + MAX_FRAMES);
	/* A frame has a word of the stack at the least. */
	g_assert_cmpuint(addresses->len, <=,
			 2 + (1 + MAX_SIGNALS) * (1 + stack_size / sizeof(uint64_t)));
	g_assert_cmpuint(g_array_index(addresses, uint64_t, 0), ==, (uint64_t)PERF_CONTEXT_USER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dso_options options = {.symfs = ROOT, .buildid_dir = "/nonexistent"};
	struct byte_reader reader = byte_reader_of(data, size, false);
	const uint8_t flags = byte_reader_u8(&reader);
	const size_t stack_size = byte_reader_u8(&reader);
	const uint8_t *stack = byte_reader_bytes(&reader, stack_size);
	const struct perf_event event = {.sample_regs_user = flags & FLAG_NO_REG ? REGS_X86 & ~flags
										 : REGS_X86};
	uint64_t regs[N_REGS];
	struct perf_sample sample = {
		.pid = PID,
		.tid = PID,
		.regs_abi = PERF_SAMPLE_REGS_ABI_64,
		.tainted_regs = (const uint8_t *)regs,
		.stack_size = stack_size,
	};
	g_autofree uint8_t *copy = NULL;
	struct dso_table *dsos;
	struct tasks *tasks;
	struct unwinder *unwinder;

	choose_registers(regs, &reader, flags & FLAG_SWAP);
	if (reader.failed)
		return 0;
	sample.tainted_stack = copy = g_memdup2(stack, stack_size);
	dsos = dso_table_new(&options);
	tasks = tasks_new(dsos);
	map_file(tasks, reader.tainted, reader.left);
	unwinder = unwinder_new(tasks, dsos, "x86_64", &unwinder_usual_limits);
	/* Twice: the second time libdwfl knows the process. */
	for (guint i = 0; i < 2; i++) {
		g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(uint64_t));
		const enum unwound unwound =
			unwinder_append(unwinder, &event, &sample, flags & FLAG_SWAP, addresses);

		check(addresses, stack_size, unwound);
	}
	unwinder_free(unwinder);
	tasks_free(tasks);
	dso_table_free(dsos);
	return 0;
}
