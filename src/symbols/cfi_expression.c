/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A machine with a small stack. What fails (a value that is missing, an operation that is not
 * known) fails for good.
 */
#include "symbols/cfi_expression.h"

#include "base/byte_reader.h"

#include <dwarf.h>

#define MAX_DEPTH 64 /* values; compilers need three */

struct machine {
	const struct cfi_environment *environment;
	struct byte_reader reader; /* its `failed` is that of all */
	uint64_t stack[MAX_DEPTH];
	unsigned int depth;
};

static void push(struct machine *machine, uint64_t value)
{
	if (machine->depth == MAX_DEPTH)
		machine->reader.failed = true;
	else
		machine->stack[machine->depth++] = value;
}

static uint64_t pop(struct machine *machine)
{
	if (machine->depth)
		return machine->stack[--machine->depth];
	machine->reader.failed = true;
	return 0;
}

/* The value `below` the top. */
static void pick(struct machine *machine, unsigned int below)
{
	if (below >= machine->depth)
		machine->reader.failed = true;
	else
		push(machine, machine->stack[machine->depth - 1 - below]);
}

static void push_register(struct machine *machine, uint64_t reg, uint64_t offset)
{
	const struct cfi_environment *environment = machine->environment;
	uint64_t value;

	if (environment->read_register(environment->data, reg, &value))
		push(machine, value + offset);
	else
		machine->reader.failed = true;
}

/* Replaces an address by so many bytes that are there. */
static void dereference(struct machine *machine, unsigned int bytes)
{
	const struct cfi_environment *environment = machine->environment;
	uint64_t value;

	if (!bytes || bytes > sizeof(value) ||
	    !environment->read_memory(environment->data, pop(machine), &value)) {
		machine->reader.failed = true;
		return;
	}
	push(machine, bytes < sizeof(value) ? value & ((UINT64_C(1) << 8 * bytes) - 1) : value);
}

static bool is_in(uint8_t op, uint8_t first, uint8_t last)
{
	return op >= first && op <= last;
}

/* Numbers and registers. */
static bool run_push(struct machine *machine, uint8_t op)
{
	struct byte_reader *reader = &machine->reader;
	uint64_t reg;

	if (is_in(op, DW_OP_lit0, DW_OP_lit31)) {
		push(machine, op - DW_OP_lit0);
		return true;
	}
	if (is_in(op, DW_OP_breg0, DW_OP_breg31)) {
		push_register(machine, op - DW_OP_breg0, (uint64_t)byte_reader_sleb128(reader));
		return true;
	}
	switch (op) {
	case DW_OP_bregx:
		reg = byte_reader_uleb128(reader);
		push_register(machine, reg, (uint64_t)byte_reader_sleb128(reader));
		return true;
	case DW_OP_const1u:
		push(machine, byte_reader_u8(reader));
		return true;
	case DW_OP_const1s:
		push(machine, (uint64_t)(int64_t)(int8_t)byte_reader_u8(reader));
		return true;
	case DW_OP_const2u:
		push(machine, byte_reader_u16(reader));
		return true;
	case DW_OP_const2s:
		push(machine, (uint64_t)(int64_t)(int16_t)byte_reader_u16(reader));
		return true;
	case DW_OP_const4u:
		push(machine, byte_reader_u32(reader));
		return true;
	case DW_OP_const4s:
		push(machine, (uint64_t)(int64_t)(int32_t)byte_reader_u32(reader));
		return true;
	case DW_OP_const8u:
	case DW_OP_const8s:
		push(machine, byte_reader_u64(reader));
		return true;
	case DW_OP_constu:
		push(machine, byte_reader_uleb128(reader));
		return true;
	case DW_OP_consts:
		push(machine, (uint64_t)byte_reader_sleb128(reader));
		return true;
	default:
		return false;
	}
}

/* What rearranges the stack or replaces its top. */
static bool run_unary(struct machine *machine, uint8_t op)
{
	uint64_t a, b, c;

	switch (op) {
	case DW_OP_nop:
		return true;
	case DW_OP_dup:
		pick(machine, 0);
		return true;
	case DW_OP_over:
		pick(machine, 1);
		return true;
	case DW_OP_pick:
		pick(machine, byte_reader_u8(&machine->reader));
		return true;
	case DW_OP_drop:
		(void)pop(machine);
		return true;
	case DW_OP_swap:
		a = pop(machine), b = pop(machine);
		push(machine, a), push(machine, b);
		return true;
	case DW_OP_rot:
		a = pop(machine), b = pop(machine), c = pop(machine);
		push(machine, a), push(machine, c), push(machine, b);
		return true;
	case DW_OP_deref:
		dereference(machine, sizeof(uint64_t));
		return true;
	case DW_OP_deref_size:
		dereference(machine, byte_reader_u8(&machine->reader));
		return true;
	case DW_OP_neg:
		push(machine, -pop(machine));
		return true;
	case DW_OP_not:
		push(machine, ~pop(machine));
		return true;
	case DW_OP_abs:
		a = pop(machine);
		push(machine, a >> 63 ? -a : a);
		return true;
	case DW_OP_plus_uconst:
		a = pop(machine);
		push(machine, a + byte_reader_uleb128(&machine->reader));
		return true;
	default:
		return false;
	}
}

/* Bits shifted out are gone, however many there are. */
static uint64_t shift(uint8_t op, uint64_t value, uint64_t bits)
{
	const uint64_t sign = op == DW_OP_shra && value >> 63 ? UINT64_MAX : 0;

	if (bits > 63)
		return sign;
	if (op == DW_OP_shl)
		return value << bits;
	return value >> bits | (bits ? sign << (64 - bits) : 0);
}

static uint64_t divide(struct machine *machine, uint64_t a, uint64_t b)
{
	const int64_t dividend = (int64_t)a, divisor = (int64_t)b;

	if (!divisor) {
		machine->reader.failed = true;
		return 0;
	}
	return divisor == -1 ? -a : (uint64_t)(dividend / divisor);
}

static uint64_t remainder_of(struct machine *machine, uint64_t a, uint64_t b)
{
	if (!b)
		machine->reader.failed = true;
	return b ? a % b : 0;
}

static bool is_binary(uint8_t op)
{
	return (is_in(op, DW_OP_and, DW_OP_xor) && op != DW_OP_neg && op != DW_OP_not &&
		op != DW_OP_plus_uconst && op != DW_OP_abs) ||
	       is_in(op, DW_OP_eq, DW_OP_ne);
}

/* What makes one value of two; comparisons are signed. */
static uint64_t binary(struct machine *machine, uint8_t op, uint64_t a, uint64_t b)
{
	switch (op) {
	case DW_OP_and:
		return a & b;
	case DW_OP_or:
		return a | b;
	case DW_OP_xor:
		return a ^ b;
	case DW_OP_plus:
		return a + b;
	case DW_OP_minus:
		return a - b;
	case DW_OP_mul:
		return a * b;
	case DW_OP_div:
		return divide(machine, a, b);
	case DW_OP_mod:
		return remainder_of(machine, a, b);
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
		return shift(op, a, b);
	case DW_OP_eq:
		return a == b;
	case DW_OP_ne:
		return a != b;
	case DW_OP_lt:
		return (int64_t)a < (int64_t)b;
	case DW_OP_le:
		return (int64_t)a <= (int64_t)b;
	case DW_OP_gt:
		return (int64_t)a > (int64_t)b;
	case DW_OP_ge:
		return (int64_t)a >= (int64_t)b;
	default:
		machine->reader.failed = true;
		return 0;
	}
}

/* Goes on so many bytes further on, or back. */
static void jump(struct machine *machine, const uint8_t *tainted, size_t size)
{
	const int16_t by = (int16_t)byte_reader_u16(&machine->reader);
	const uint64_t to = (uint64_t)(machine->reader.tainted - tainted) + (uint64_t)(int64_t)by;

	if (machine->reader.failed || to > size) {
		machine->reader.failed = true;
		return;
	}
	machine->reader.tainted = tainted + to;
	machine->reader.left = size - to;
}

static void run_operation(struct machine *machine, const uint8_t *tainted, size_t size)
{
	const uint8_t op = byte_reader_u8(&machine->reader);

	if (run_push(machine, op) || run_unary(machine, op))
		return;
	if (op == DW_OP_skip || (op == DW_OP_bra && pop(machine))) {
		jump(machine, tainted, size);
	} else if (op == DW_OP_bra) {
		byte_reader_skip(&machine->reader, sizeof(int16_t));
	} else if (is_binary(op)) {
		const uint64_t b = pop(machine), a = pop(machine);

		push(machine, binary(machine, op, a, b));
	} else {
		machine->reader.failed = true;
	}
}

bool cfi_expression_value(const uint8_t *tainted, size_t size, const uint64_t *first,
			  const struct cfi_environment *environment, uint64_t *steps,
			  uint64_t *value)
{
	struct machine machine;

	machine.environment = environment;
	machine.reader = byte_reader_of(tainted, size, G_BYTE_ORDER == G_BIG_ENDIAN);
	machine.depth = 0;
	if (first)
		push(&machine, *first);
	while (machine.reader.left && !machine.reader.failed) {
		if (!*steps)
			return false;
		--*steps;
		run_operation(&machine, tainted, size);
	}
	*value = pop(&machine);
	return !machine.reader.failed;
}
