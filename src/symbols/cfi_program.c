/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * DWARF 5, section 6.4.2: each instruction changes a rule of the row, or moves on to where the
 * next row begins.
 */
#include "symbols/cfi_program.h"

#include <dwarf.h>

#define PRIMARY_MASK   0xc0 /* of an opcode; the rest is its operand */
#define MAX_REMEMBERED 8    /* rows; compilers nest two */

struct machine {
	const struct cfi_function *function;
	uint64_t address; /* from where on `row` holds */
	uint64_t *steps;
	struct cfi_row *row;
	struct cfi_row initial; /* what RESTORE goes back to */
	struct cfi_row remembered[MAX_REMEMBERED];
	guint n_remembered;
	struct byte_reader reader;
};

/* What the ABI says of registers without a rule: who is called saves these, and pops its frame. */
static void set_defaults(struct cfi_row *row)
{
	*row = (struct cfi_row){.cfa = {.kind = CFI_UNDEFINED}};
	row->regs[CFI_REG_RBX].kind = CFI_SAME;
	row->regs[CFI_REG_RBP].kind = CFI_SAME;
	for (guint i = CFI_REG_R12; i < CFI_REG_RA; i++)
		row->regs[i].kind = CFI_SAME;
	row->regs[CFI_REG_RSP].kind = CFI_VAL_OFFSET;
}

/* Registers that are not followed (of floating point and the like) have no rule. */
static void set_rule(struct machine *machine, uint64_t reg, struct cfi_rule rule)
{
	if (reg < CFI_N_REGISTERS)
		machine->row->regs[reg] = rule;
}

static void set_offset(struct machine *machine, uint64_t reg, enum cfi_rule_kind kind,
		       uint64_t factored)
{
	const uint64_t offset = factored * (uint64_t)machine->function->data_alignment;

	set_rule(machine, reg, (struct cfi_rule){.kind = kind, .offset = (int64_t)offset});
}

static void set_cfa(struct machine *machine, uint64_t reg, uint64_t offset)
{
	if (reg >= CFI_N_REGISTERS)
		machine->reader.failed = true;
	machine->row->cfa = (struct cfi_rule){
		.kind = CFI_REGISTER, .reg = (uint32_t)reg, .offset = (int64_t)offset};
}

/* Changes a part of a rule that has to be a register and an offset. */
static void change_cfa(struct machine *machine, const uint64_t *reg, const uint64_t *offset)
{
	const struct cfi_rule *cfa = &machine->row->cfa;

	if (cfa->kind != CFI_REGISTER)
		machine->reader.failed = true;
	else
		set_cfa(machine, reg ? *reg : cfa->reg, offset ? *offset : (uint64_t)cfa->offset);
}

/* A ULEB128 size and so many bytes. */
static struct cfi_rule read_expression(struct machine *machine, enum cfi_rule_kind kind)
{
	struct cfi_rule rule = {.kind = kind};

	rule.expression_size = byte_reader_uleb128(&machine->reader);
	rule.tainted_expression = byte_reader_bytes(&machine->reader, rule.expression_size);
	return rule;
}

static void restore(struct machine *machine, uint64_t reg)
{
	if (reg < CFI_N_REGISTERS)
		machine->row->regs[reg] = machine->initial.regs[reg];
}

static void remember(struct machine *machine)
{
	if (machine->n_remembered == MAX_REMEMBERED)
		machine->reader.failed = true;
	else
		machine->remembered[machine->n_remembered++] = *machine->row;
}

static void recall(struct machine *machine)
{
	if (!machine->n_remembered)
		machine->reader.failed = true;
	else
		*machine->row = machine->remembered[--machine->n_remembered];
}

static void advance(struct machine *machine, uint64_t factored)
{
	machine->address += factored * machine->function->code_alignment;
}

/* The instructions that say where the CFA is. */
static bool run_cfa(struct machine *machine, uint8_t opcode)
{
	const uint64_t scale = (uint64_t)machine->function->data_alignment;
	struct byte_reader *reader = &machine->reader;
	uint64_t reg, offset;

	switch (opcode) {
	case DW_CFA_def_cfa:
		reg = byte_reader_uleb128(reader);
		set_cfa(machine, reg, byte_reader_uleb128(reader));
		return true;
	case DW_CFA_def_cfa_sf:
		reg = byte_reader_uleb128(reader);
		set_cfa(machine, reg, (uint64_t)byte_reader_sleb128(reader) * scale);
		return true;
	case DW_CFA_def_cfa_register:
		reg = byte_reader_uleb128(reader);
		change_cfa(machine, &reg, NULL);
		return true;
	case DW_CFA_def_cfa_offset:
		offset = byte_reader_uleb128(reader);
		change_cfa(machine, NULL, &offset);
		return true;
	case DW_CFA_def_cfa_offset_sf:
		offset = (uint64_t)byte_reader_sleb128(reader) * scale;
		change_cfa(machine, NULL, &offset);
		return true;
	case DW_CFA_def_cfa_expression:
		machine->row->cfa = read_expression(machine, CFI_VAL_EXPRESSION);
		return true;
	default:
		return false;
	}
}

/* Those that say where a register is. */
static bool run_register(struct machine *machine, uint8_t opcode)
{
	struct byte_reader *reader = &machine->reader;
	uint64_t reg, other;

	switch (opcode) {
	case DW_CFA_undefined:
		set_rule(machine, byte_reader_uleb128(reader),
			 (struct cfi_rule){.kind = CFI_UNDEFINED});
		return true;
	case DW_CFA_same_value:
		set_rule(machine, byte_reader_uleb128(reader), (struct cfi_rule){.kind = CFI_SAME});
		return true;
	case DW_CFA_offset_extended:
		reg = byte_reader_uleb128(reader);
		set_offset(machine, reg, CFI_OFFSET, byte_reader_uleb128(reader));
		return true;
	case DW_CFA_offset_extended_sf:
		reg = byte_reader_uleb128(reader);
		set_offset(machine, reg, CFI_OFFSET, (uint64_t)byte_reader_sleb128(reader));
		return true;
	case DW_CFA_GNU_negative_offset_extended:
		reg = byte_reader_uleb128(reader);
		set_offset(machine, reg, CFI_OFFSET, -byte_reader_uleb128(reader));
		return true;
	case DW_CFA_val_offset:
		reg = byte_reader_uleb128(reader);
		set_offset(machine, reg, CFI_VAL_OFFSET, byte_reader_uleb128(reader));
		return true;
	case DW_CFA_val_offset_sf:
		reg = byte_reader_uleb128(reader);
		set_offset(machine, reg, CFI_VAL_OFFSET, (uint64_t)byte_reader_sleb128(reader));
		return true;
	case DW_CFA_register:
		reg = byte_reader_uleb128(reader);
		other = byte_reader_uleb128(reader);
		set_rule(machine, reg,
			 other < CFI_N_REGISTERS
				 ? (struct cfi_rule){.kind = CFI_REGISTER, .reg = (uint32_t)other}
				 : (struct cfi_rule){.kind = CFI_UNDEFINED});
		return true;
	case DW_CFA_expression:
		reg = byte_reader_uleb128(reader);
		set_rule(machine, reg, read_expression(machine, CFI_EXPRESSION));
		return true;
	case DW_CFA_val_expression:
		reg = byte_reader_uleb128(reader);
		set_rule(machine, reg, read_expression(machine, CFI_VAL_EXPRESSION));
		return true;
	case DW_CFA_restore_extended:
		restore(machine, byte_reader_uleb128(reader));
		return true;
	default:
		return false;
	}
}

/* Those that move on, and those that keep rows. What is not known ends the program. */
static void run_other(struct machine *machine, uint8_t opcode)
{
	struct byte_reader *reader = &machine->reader;

	switch (opcode) {
	case DW_CFA_nop:
		break;
	case DW_CFA_advance_loc1:
		advance(machine, byte_reader_u8(reader));
		break;
	case DW_CFA_advance_loc2:
		advance(machine, byte_reader_u16(reader));
		break;
	case DW_CFA_advance_loc4:
		advance(machine, byte_reader_u32(reader));
		break;
	case DW_CFA_remember_state:
		remember(machine);
		break;
	case DW_CFA_restore_state:
		recall(machine);
		break;
	case DW_CFA_GNU_args_size: /* what was pushed for a call; no rule depends on it */
		(void)byte_reader_uleb128(reader);
		break;
	default:
		reader->failed = true;
	}
}

static void run_instruction(struct machine *machine, uint8_t opcode)
{
	const uint8_t operand = opcode & (uint8_t)~PRIMARY_MASK;

	switch (opcode & PRIMARY_MASK) {
	case DW_CFA_advance_loc:
		advance(machine, operand);
		break;
	case DW_CFA_offset:
		set_offset(machine, operand, CFI_OFFSET, byte_reader_uleb128(&machine->reader));
		break;
	case DW_CFA_restore:
		restore(machine, operand);
		break;
	default:
		if (!run_cfa(machine, opcode) && !run_register(machine, opcode))
			run_other(machine, opcode);
	}
}

/* Runs until the row is that of the address; false when it went wrong or took too long. */
static bool run(struct machine *machine, struct byte_reader program, uint64_t address)
{
	machine->reader = program;
	while (machine->reader.left) {
		const uint64_t before = machine->address;

		if (!*machine->steps)
			return false;
		--*machine->steps;
		run_instruction(machine, byte_reader_u8(&machine->reader));
		if (machine->reader.failed)
			return false;
		/* The next row begins behind the address, or the program went round. */
		if (machine->address > address || machine->address < before)
			return true;
	}
	return true;
}

bool cfi_program_run(const struct cfi_function *function, uint64_t address, uint64_t *steps,
		     struct cfi_row *row)
{
	struct machine machine; /* not cleared: rows are large, and mostly none is remembered */

	machine.function = function;
	machine.address = function->begin;
	machine.steps = steps;
	machine.row = row;
	machine.n_remembered = 0;
	set_defaults(row);
	row->is_signal = function->is_signal;
	machine.initial = *row;
	if (!run(&machine, function->initial, UINT64_MAX))
		return false;
	machine.initial = *row;
	machine.address = function->begin;
	return run(&machine, function->program, address);
}
