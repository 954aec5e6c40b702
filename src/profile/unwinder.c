/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From a function's registers to its caller's, by the rules that its file has for the place at
 * which it is. Each file's table is read once, whatever was mapped where in which process.
 *
 * A caller's frame lies above: the canonical frame address (CFA), which is the stack pointer
 * before the call, grows by 8 bytes or more with each frame, so that a copied stack has no
 * more frames than words:
 *
 *     stack pointer             CFA = caller's stack pointer
 *     |  this function's frame  | caller's frame          | ...
 *                         ^ return address
 */
#include "profile/unwinder.h"

#include "base/hash.h"
#include "symbols/cfi_expression.h"
#include "symbols/cfi_table.h"

#include <string.h>
#include <unistd.h>

#define MAX_FRAMES  1024
#define MAX_SIGNALS 16	 /* frames of signals in one stack, which may lie anywhere */
#define N_ROWS	    2048 /* remembered; a power of two. 1.2 MiB */
#define WORD	    sizeof(uint64_t)

const struct unwinder_limits unwinder_usual_limits = {
	.sample_steps = 256 * 1024,
	.reserve_steps = 256 * 1024 * 1024,
	.steps_per_sample = 1024,
	.steps_per_byte = 16,
	.table_bytes = 128 * 1024 * 1024,
};

/* perf's numbers of the registers: arch/x86/include/uapi/asm/perf_regs.h. */
enum {
	REG_AX,
	REG_BX,
	REG_CX,
	REG_DX,
	REG_SI,
	REG_DI,
	REG_BP,
	REG_SP,
	REG_IP,
	REG_R8 = 16,
};

/* DWARF's order of them: System V ABI for x86_64, figure 3.36. */
static const unsigned int dwarf_registers[CFI_N_REGISTERS] = {
	REG_AX,	    REG_DX,	REG_CX,	    REG_BX,	REG_SI,	    REG_DI,
	REG_BP,	    REG_SP,	REG_R8,	    REG_R8 + 1, REG_R8 + 2, REG_R8 + 3,
	REG_R8 + 4, REG_R8 + 5, REG_R8 + 6, REG_R8 + 7, REG_IP,
};

/* A row that was found. */
struct known_row {
	const struct cfi_table *table; /* Weak; NULL: none yet */
	uint64_t offset;
	struct cfi_row row;
};

/* The registers of one frame. */
struct registers {
	uint64_t values[CFI_N_REGISTERS];
	uint32_t known; /* a bit for each */
};

struct unwinder {
	const struct tasks *tasks;    /* Weak */
	const struct dso_table *dsos; /* Weak */
	bool knows_registers;
	struct unwinder_limits limits;
	GHashTable *tables;	/* Owned by this: number of dso to its table (owned) or NULL */
	size_t table_bytes;	/* of them */
	struct known_row *rows; /* Owned by this: by hash of place */
	GHashTable *credits;	/* Owned by this: pid to steps that it has left, owned */
	uint64_t reserve;	/* steps */

	/* The sample at hand. */
	const struct perf_event *event;
	const struct perf_sample *sample;
	bool swap;
	uint64_t stack_start;
	struct registers registers; /* of the frame at hand */
	uint64_t cfa;		    /* of it */
	uint64_t steps;		    /* that are left */
	guint n_signals;
	bool in_part; /* callers are missing: not all that was needed is there */
};

struct unwinder *unwinder_new(const struct tasks *tasks, const struct dso_table *dsos,
			      const char *arch, const struct unwinder_limits *limits)
{
	struct unwinder *unwinder = g_new0(struct unwinder, 1);

	unwinder->tasks = tasks;
	unwinder->dsos = dsos;
	unwinder->knows_registers = !g_strcmp0(arch, "x86_64");
	unwinder->limits = *limits;
	unwinder->tables =
		g_hash_table_new_full(hash_pointer, NULL, NULL, (GDestroyNotify)cfi_table_free);
	unwinder->rows = g_new0(struct known_row, N_ROWS);
	unwinder->credits = g_hash_table_new_full(hash_pointer, NULL, NULL, g_free);
	unwinder->reserve = limits->reserve_steps;
	return unwinder;
}

void unwinder_free(struct unwinder *unwinder)
{
	if (!unwinder)
		return;
	g_hash_table_unref(unwinder->tables);
	g_hash_table_unref(unwinder->credits);
	g_free(unwinder->rows);
	g_free(unwinder);
}

/* --- Registers and memory of the sample --- */

/* False when the sample does not have it. */
static bool sample_register(const struct unwinder *unwinder, unsigned int number, uint64_t *value)
{
	const uint64_t mask = unwinder->event->sample_regs_user;
	const uint64_t before = mask & ((UINT64_C(1) << number) - 1);
	struct byte_reader reader =
		byte_reader_of(unwinder->sample->tainted_regs,
			       8 * (size_t)__builtin_popcountll(mask), unwinder->swap);

	byte_reader_skip(&reader, 8 * (size_t)__builtin_popcountll(before));
	*value = byte_reader_u64(&reader);
	return !reader.failed && mask >> number & 1;
}

static bool is_known(const struct registers *registers, uint64_t reg)
{
	return reg < CFI_N_REGISTERS && registers->known >> reg & 1;
}

static void set_register(struct registers *registers, unsigned int reg, uint64_t value)
{
	registers->values[reg] = value;
	registers->known |= UINT32_C(1) << reg;
}

static void load_registers(struct unwinder *unwinder)
{
	uint64_t value;

	unwinder->registers.known = 0;
	for (unsigned int i = 0; i < CFI_N_REGISTERS; i++)
		if (sample_register(unwinder, dwarf_registers[i], &value))
			set_register(&unwinder->registers, i, value);
	unwinder->stack_start = unwinder->registers.values[CFI_REG_RSP];
}

/* A word of the stack; nothing else of the process was recorded. */
static bool read_memory(void *data, uint64_t address, uint64_t *value)
{
	struct unwinder *unwinder = data;
	const uint64_t offset = address - unwinder->stack_start;
	struct byte_reader reader = byte_reader_of(unwinder->sample->tainted_stack,
						   unwinder->sample->stack_size, unwinder->swap);

	byte_reader_skip(&reader, address < unwinder->stack_start ? SIZE_MAX : offset);
	*value = byte_reader_u64(&reader);
	unwinder->in_part = unwinder->in_part || reader.failed;
	return !reader.failed;
}

static bool read_register(void *data, uint64_t reg, uint64_t *value)
{
	const struct unwinder *unwinder = data;

	if (!is_known(&unwinder->registers, reg))
		return false;
	*value = unwinder->registers.values[reg];
	return true;
}

/* --- Tables --- */

/* NULL when the file has none that can be used. */
static const struct cfi_table *table_of(struct unwinder *unwinder, uint32_t number)
{
	const gpointer key = GUINT_TO_POINTER(number);
	struct cfi_table *table;
	gpointer found;
	int fd;

	if (g_hash_table_lookup_extended(unwinder->tables, key, NULL, &found))
		return found;
	fd = dso_elf_descriptor(dso_table_get(unwinder->dsos, number));
	table = fd >= 0 ? cfi_table_new(fd, unwinder->limits.table_bytes - unwinder->table_bytes)
			: NULL;
	if (fd >= 0)
		close(fd);
	if (table)
		unwinder->table_bytes += cfi_table_size(table);
	g_hash_table_insert(unwinder->tables, key, table);
	return table;
}

/* The row at a place of a file; most are asked for again and again. */
static const struct cfi_row *find_row(struct unwinder *unwinder, const struct cfi_table *table,
				      uint64_t offset)
{
	struct known_row *known =
		&unwinder->rows[hash_u64((uintptr_t)table ^ hash_u64(offset)) & (N_ROWS - 1)];

	if (known->table == table && known->offset == offset)
		return &known->row;
	known->table = NULL;
	if (!cfi_table_find(table, offset, &unwinder->steps, &known->row))
		return NULL;
	known->table = table;
	known->offset = offset;
	return &known->row;
}

/* A file with code in it at the address; NULL: none is known to be mapped there. */
static const struct mapping *find_file(const struct unwinder *unwinder, uint64_t address)
{
	const struct perf_sample *sample = unwinder->sample;
	struct validity unused = VALID_ALWAYS;
	const struct mapping *mapping =
		tasks_find_mapping(unwinder->tasks, sample->pid, address, sample->time_ns, &unused);
	enum dso_kind kind;

	if (!mapping)
		return NULL;
	kind = dso_kind(dso_table_get(unwinder->dsos, mapping->dso));
	return kind == DSO_FILE || kind == DSO_VDSO ? mapping : NULL;
}

/* --- One frame --- */

static bool evaluate(struct unwinder *unwinder, const struct cfi_rule *rule, const uint64_t *first,
		     uint64_t *value)
{
	const struct cfi_environment environment = {read_register, read_memory, unwinder};

	return cfi_expression_value(rule->tainted_expression, rule->expression_size, first,
				    &environment, &unwinder->steps, value);
}

static bool find_cfa(struct unwinder *unwinder, const struct cfi_rule *rule)
{
	if (rule->kind == CFI_VAL_EXPRESSION)
		return evaluate(unwinder, rule, NULL, &unwinder->cfa);
	if (rule->kind != CFI_REGISTER || !is_known(&unwinder->registers, rule->reg))
		return false;
	unwinder->cfa = unwinder->registers.values[rule->reg] + (uint64_t)rule->offset;
	return true;
}

/* The caller's value of a register; false when it is lost. */
static bool find_value(struct unwinder *unwinder, const struct cfi_rule *rule, unsigned int reg,
		       uint64_t *value)
{
	const uint64_t at_offset = unwinder->cfa + (uint64_t)rule->offset;
	uint64_t address;

	switch (rule->kind) {
	case CFI_SAME:
		return read_register(unwinder, reg, value);
	case CFI_OFFSET:
		return read_memory(unwinder, at_offset, value);
	case CFI_VAL_OFFSET:
		*value = at_offset;
		return true;
	case CFI_REGISTER:
		return read_register(unwinder, rule->reg, value);
	case CFI_EXPRESSION:
		return evaluate(unwinder, rule, &unwinder->cfa, &address) &&
		       read_memory(unwinder, address, value);
	case CFI_VAL_EXPRESSION:
		return evaluate(unwinder, rule, &unwinder->cfa, value);
	default:
		return false;
	}
}

/*
 * Whether the caller's frame lies where it can be: above, and in the copy of the stack or right
 * behind it. Without that a stack may have no end. That of a signal may be another stack.
 */
static bool makes_progress(struct unwinder *unwinder, uint64_t stack_pointer, bool is_signal)
{
	const uint64_t before = unwinder->registers.values[CFI_REG_RSP];

	if (is_signal)
		return unwinder->n_signals++ < MAX_SIGNALS;
	return is_known(&unwinder->registers, CFI_REG_RSP) && stack_pointer > before &&
	       stack_pointer - before >= WORD &&
	       stack_pointer - unwinder->stack_start <= unwinder->sample->stack_size;
}

enum step {
	STEP_CALLER, /* the registers are the caller's */
	STEP_END,    /* it is the outermost */
	STEP_FAILED, /* it has a caller, and nothing tells which */
};

static enum step step_by_row(struct unwinder *unwinder, const struct cfi_row *row)
{
	struct registers caller = {.known = 0};
	uint64_t value;

	if (!find_cfa(unwinder, &row->cfa))
		return STEP_FAILED;
	for (unsigned int i = 0; i < CFI_N_REGISTERS; i++)
		if (find_value(unwinder, &row->regs[i], i, &value))
			set_register(&caller, i, value);
	if (!is_known(&caller, CFI_REG_RA))
		return row->regs[CFI_REG_RA].kind == CFI_UNDEFINED ? STEP_END : STEP_FAILED;
	/* A thread that was begun by hand may end so. */
	if (!caller.values[CFI_REG_RA])
		return STEP_END;
	if (!is_known(&caller, CFI_REG_RSP) ||
	    !makes_progress(unwinder, caller.values[CFI_REG_RSP], row->is_signal))
		return STEP_FAILED;
	unwinder->registers = caller;
	return STEP_CALLER;
}

/* Where there is no row, there may be a frame pointer: it points to the caller's, saved. */
static enum step step_by_frame_pointer(struct unwinder *unwinder)
{
	const uint64_t frame = unwinder->registers.values[CFI_REG_RBP];
	struct registers caller = {.known = 0};
	uint64_t saved, address;

	if (!is_known(&unwinder->registers, CFI_REG_RBP) || !frame ||
	    !makes_progress(unwinder, frame + 2 * WORD, false) ||
	    !read_memory(unwinder, frame + WORD, &address))
		return STEP_FAILED;
	if (!address)
		return STEP_END;
	if (read_memory(unwinder, frame, &saved))
		set_register(&caller, CFI_REG_RBP, saved);
	set_register(&caller, CFI_REG_RSP, frame + 2 * WORD);
	set_register(&caller, CFI_REG_RA, address);
	unwinder->registers = caller;
	return STEP_CALLER;
}

/* From the frame at hand, whose code is at `address`, to its caller. */
static enum step step(struct unwinder *unwinder, uint64_t address, const struct mapping *mapping,
		      bool *is_signal)
{
	const struct cfi_table *table = table_of(unwinder, mapping->dso);
	const struct cfi_row *row =
		table ? find_row(unwinder, table, address - mapping->start + mapping->file_offset)
		      : NULL;

	*is_signal = row && row->is_signal;
	if (row)
		return step_by_row(unwinder, row);
	return unwinder->steps ? step_by_frame_pointer(unwinder) : STEP_FAILED;
}

/* --- All of them --- */

static void unwind(struct unwinder *unwinder, GArray *addresses)
{
	/* The innermost frame is where it is; others are behind the call that they made. */
	bool is_return = false, is_signal;

	for (guint n = 0;; n++) {
		const uint64_t pc = unwinder->registers.values[CFI_REG_RA];
		const uint64_t address = pc - is_return;
		const struct mapping *mapping = find_file(unwinder, address);
		enum step stepped = STEP_FAILED;

		g_array_append_val(addresses, pc);
		if (mapping && n + 1 < MAX_FRAMES && unwinder->steps)
			stepped = step(unwinder, address, mapping, &is_signal);
		if (stepped == STEP_FAILED)
			unwinder->in_part = true;
		if (stepped != STEP_CALLER)
			return;
		is_return = !is_signal;
	}
}

/* The steps that the sample's process has of its own, with what this sample brings along. */
static uint64_t *credit_of(struct unwinder *unwinder)
{
	const gpointer pid = GUINT_TO_POINTER(unwinder->sample->pid);
	uint64_t *credit = g_hash_table_lookup(unwinder->credits, pid);

	if (!credit) {
		credit = g_new0(uint64_t, 1);
		g_hash_table_insert(unwinder->credits, pid, credit);
	}
	*credit += unwinder->limits.steps_per_sample +
		   unwinder->limits.steps_per_byte * unwinder->sample->stack_size;
	return credit;
}

/* Takes off what the sample took, first from its process's own, then from what all share. */
static void pay(struct unwinder *unwinder, uint64_t *credit, uint64_t steps)
{
	const uint64_t own = MIN(*credit, steps);

	*credit -= own;
	unwinder->reserve -= MIN(unwinder->reserve, steps - own);
}

enum unwound unwinder_append(struct unwinder *unwinder, const struct perf_event *event,
			     const struct perf_sample *sample, bool swap, GArray *addresses)
{
	const uint64_t mark = (uint64_t)PERF_CONTEXT_USER;
	uint64_t *credit, allowed;

	unwinder->event = event;
	unwinder->sample = sample;
	unwinder->swap = swap;
	if (!unwinder->knows_registers || sample->regs_abi != PERF_SAMPLE_REGS_ABI_64)
		return UNWOUND_NOT;
	load_registers(unwinder);
	if (!is_known(&unwinder->registers, CFI_REG_RA))
		return UNWOUND_NOT;
	credit = credit_of(unwinder);
	allowed = MIN(*credit + unwinder->reserve, unwinder->limits.sample_steps);
	unwinder->steps = allowed;
	unwinder->in_part = false;
	unwinder->n_signals = 0;
	g_array_append_val(addresses, mark);
	unwind(unwinder, addresses);
	pay(unwinder, credit, allowed - unwinder->steps);
	if (!unwinder->steps)
		return UNWOUND_TOO_MUCH;
	return unwinder->in_part ? UNWOUND_IN_PART : UNWOUND;
}
