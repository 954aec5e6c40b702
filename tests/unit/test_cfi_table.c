/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cfi_table and cfi_expression: the rules of this machine's own libraries are those that libdw
 * finds, and tables that were made up cost no more than they may.
 */
#include "symbols/cfi_table.h"

#include "lib/elf_maker.h"
#include "symbols/cfi_expression.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

#define ENOUGH_BYTES (64 * 1024 * 1024)

/* --- Against libdw --- */

static struct cfi_table *table_of_file(const char *path, size_t max_bytes)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct cfi_table *table;

	g_assert_cmpint(fd, >=, 0);
	table = cfi_table_new(fd, max_bytes);
	close(fd);
	return table;
}

/* The rule for the CFA, as text; the caller frees it. */
static char *text_of_cfa(Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t n;

	g_assert_cmpint(dwarf_frame_cfa(frame, &ops, &n), ==, 0);
	if (n == 1 && ops[0].atom == DW_OP_bregx)
		return g_strdup_printf("reg %d %+d", (int)ops[0].number, (int)ops[0].number2);
	return g_strdup("expression");
}

/*
 * The same of a register: libdw has an expression for each kind of rule. What it says of registers
 * without one is not the ABI's: it takes rax for rbx.
 */
static char *text_of_register(Dwarf_Frame *frame, int reg)
{
	Dwarf_Op memory[3], *ops;
	size_t n;

	g_assert_cmpint(dwarf_frame_register(frame, reg, memory, &ops, &n), ==, 0);
	if (!n)
		return g_strdup("not saved");
	if (ops == memory && ops[0].atom == DW_OP_call_frame_cfa) {
		const bool has_offset = n > 1 && ops[1].atom == DW_OP_plus_uconst;
		const bool is_value = ops[n - 1].atom == DW_OP_stack_value;

		return g_strdup_printf("%s %+d", is_value ? "value" : "at",
				       has_offset ? (int)ops[1].number : 0);
	}
	return g_strdup(ops == memory && n == 1 ? "register" : "expression");
}

static char *text_of_rule(const struct cfi_rule *rule)
{
	switch (rule->kind) {
	case CFI_UNDEFINED:
	case CFI_SAME:
		return g_strdup("not saved");
	case CFI_OFFSET:
		return g_strdup_printf("at %+d", (int)rule->offset);
	case CFI_VAL_OFFSET:
		return g_strdup_printf("value %+d", (int)rule->offset);
	case CFI_REGISTER:
		return g_strdup("register");
	default:
		return g_strdup("expression");
	}
}

static void assert_row(const struct cfi_row *row, Dwarf_Frame *frame)
{
	g_autofree char *cfa =
		row->cfa.kind == CFI_REGISTER
			? g_strdup_printf("reg %u %+d", row->cfa.reg, (int)row->cfa.offset)
			: g_strdup("expression");
	g_autofree char *expected_cfa = text_of_cfa(frame);
	bool is_signal;

	g_assert_cmpstr(cfa, ==, expected_cfa);
	for (int reg = 0; reg < CFI_N_REGISTERS; reg++) {
		g_autofree char *rule = text_of_rule(&row->regs[reg]);
		g_autofree char *expected = text_of_register(frame, reg);

		g_assert_cmpstr(rule, ==, expected);
	}
	g_assert_cmpint(dwarf_frame_info(frame, NULL, NULL, &is_signal), >=, 0);
	g_assert_cmpint(row->is_signal, ==, is_signal);
}

/* Compares some addresses of each piece of code; returns how many there were. */
static guint compare_segment(const struct cfi_table *table, Dwarf_CFI *cfi, const GElf_Phdr *phdr)
{
	guint n = 0;

	for (guint64 i = 0; i < phdr->p_filesz; i += 37) {
		guint64 steps = 100000;
		struct cfi_row row;
		Dwarf_Frame *frame = NULL;
		const bool found = cfi_table_find(table, phdr->p_offset + i, &steps, &row);
		const bool expected = !dwarf_cfi_addrframe(cfi, phdr->p_vaddr + i, &frame);

		g_assert_cmpint(found, ==, expected);
		if (found)
			assert_row(&row, frame);
		n += found;
		free(frame);
	}
	return n;
}

static guint compare_file(const char *path)
{
	struct cfi_table *table = table_of_file(path, ENOUGH_BYTES);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);
	GElf_Phdr phdr;
	guint n = 0;

	g_assert_nonnull(table);
	g_assert_nonnull(cfi);
	for (int i = 0; gelf_getphdr(elf, i, &phdr); i++)
		if (phdr.p_type == PT_LOAD && phdr.p_flags & PF_X)
			n += compare_segment(table, cfi, &phdr);
	dwarf_cfi_end(cfi);
	elf_end(elf);
	close(fd);
	cfi_table_free(table);
	return n;
}

/* The libraries that this test itself has mapped: libc, the linker, GLib and others. */
static void test_rules_are_those_of_libdw(void)
{
	g_autoptr(GHashTable) paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *maps = NULL;
	g_auto(GStrv) lines = NULL;
	GHashTableIter iter;
	gpointer path;
	guint n = 0;

	g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
	lines = g_strsplit(maps, "\n", -1);
	for (guint i = 0; lines[i]; i++)
		if (strchr(lines[i], '/') && strstr(lines[i], "r-xp"))
			g_hash_table_add(paths, g_strdup(strchr(lines[i], '/')));
	g_hash_table_iter_init(&iter, paths);
	while (g_hash_table_iter_next(&iter, &path, NULL))
		n += compare_file(path);
	g_assert_cmpuint(n, >, 10000);
}

/* --- Tables that were made up --- */

#define LARGE_REGISTER_PROGRAM                                                                     \
	".cfi_startproc\n .cfi_def_cfa rsp, 8\n" /* offset_extended of register 268,435,455: libdw \
						    clears 6 GB, or as much as there is */         \
	".cfi_escape 0x05, 0xff, 0xff, 0xff, 0x7f, 0x01\n nop\n"                                   \
	".cfi_endproc\n"

/* A function of each kind, one behind the other, 16 bytes apart. */
static const char *const functions[] = {
	LARGE_REGISTER_PROGRAM,
	/* An instruction that there is not. */
	".cfi_startproc\n .cfi_escape 0x3f\n nop\n .cfi_endproc\n",
	/* More rows remembered than anybody needs. */
	".cfi_startproc\n .rept 100000\n .cfi_remember_state\n .endr\n nop\n .cfi_endproc\n",
	/* A row that was never remembered. */
	".cfi_startproc\n .cfi_escape 0x0b\n nop\n .cfi_endproc\n",
	/* A long program for one address. */
	".cfi_startproc\n .rept 100000\n .cfi_def_cfa_offset 24\n .cfi_def_cfa_offset 16\n .endr\n "
	"nop\n .cfi_endproc\n",
	/* The size of an expression that goes beyond the end. */
	".cfi_startproc\n .cfi_escape 0x0f, 0xff, 0xff, 0x7f\n nop\n .cfi_endproc\n",
};

enum {
	LARGE_REGISTER,
	NOT_KNOWN,
	REMEMBERED,
	NOT_REMEMBERED,
	LONG,
	CUT_EXPRESSION
};

struct made_up {
	char *dir, *path;	 /* Owned by this */
	struct cfi_table *table; /* Owned by this */
	guint64 code;		 /* offset in the file */
};

static void set_up(struct made_up *made_up, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GString) source = g_string_new(".intel_syntax noprefix\n.text\nbegin:\n");

	for (guint i = 0; i < G_N_ELEMENTS(functions); i++)
		g_string_append_printf(source, ".balign 16\n%s", functions[i]);
	made_up->dir = elf_maker_new_dir();
	elf_maker_write(made_up->dir, "a.s", source->str);
	g_free(elf_maker_run(made_up->dir,
			     "gcc -shared -nostdlib -Wl,-z,noseparate-code a.s -o a"));
	made_up->path = elf_maker_path(made_up->dir, "a");
	made_up->table = table_of_file(made_up->path, ENOUGH_BYTES);
	g_assert_nonnull(made_up->table);
	made_up->code = elf_maker_address(made_up->dir, "a", "begin");
}

static void tear_down(struct made_up *made_up, gconstpointer data G_GNUC_UNUSED)
{
	cfi_table_free(made_up->table);
	cfi_table_free(NULL);
	g_free(made_up->path);
	elf_maker_remove(made_up->dir);
}

static bool find(const struct made_up *made_up, guint function, guint64 *steps, struct cfi_row *row)
{
	return cfi_table_find(made_up->table, made_up->code + 16 * function, steps, row);
}

static void test_registers_that_there_are_not(struct made_up *made_up,
					      gconstpointer data G_GNUC_UNUSED)
{
	guint64 steps = 100;
	struct cfi_row row;

	g_assert_true(find(made_up, LARGE_REGISTER, &steps, &row));
	g_assert_cmpint(row.cfa.kind, ==, CFI_REGISTER);
	g_assert_cmpuint(row.cfa.reg, ==, CFI_REG_RSP);
	g_assert_cmpint(row.cfa.offset, ==, 8);
	g_assert_cmpuint(steps, >, 80);
}

static void test_programs_that_fail(struct made_up *made_up, gconstpointer data G_GNUC_UNUSED)
{
	static const guint failing[] = {NOT_KNOWN, REMEMBERED, NOT_REMEMBERED, CUT_EXPRESSION};

	for (guint i = 0; i < G_N_ELEMENTS(failing); i++) {
		guint64 steps = 100;
		struct cfi_row row;

		g_assert_false(find(made_up, failing[i], &steps, &row));
		g_assert_cmpuint(steps, >, 0);
	}
}

static void test_steps_are_counted(struct made_up *made_up, gconstpointer data G_GNUC_UNUSED)
{
	guint64 steps = 1000000, few;
	struct cfi_row row;

	g_assert_true(find(made_up, LONG, &steps, &row));
	g_assert_cmpuint(steps, <=, 800000);
	g_assert_cmpint(row.cfa.offset, ==, 16);
	few = 1000000 - steps - 1;
	g_assert_false(find(made_up, LONG, &few, &row));
	g_assert_cmpuint(few, ==, 0);
}

static void test_memory_is_bounded(struct made_up *made_up, gconstpointer data G_GNUC_UNUSED)
{
	const gsize size = cfi_table_size(made_up->table);
	struct cfi_table *again = table_of_file(made_up->path, size);

	g_assert_nonnull(again);
	cfi_table_free(again);
	g_assert_null(table_of_file(made_up->path, size / 2));
	g_assert_null(table_of_file(made_up->path, 0));
}

/* A unwinding table compressed, or of another machine, is passed over if it cannot be used. */
static void test_files_without_a_table(struct made_up *made_up, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const commands[] = {
		"objcopy --remove-section .eh_frame a b",
		"cp a.s b",
		"truncate -s 100 b",
		"truncate -s 0 b",
	};
	g_autofree char *path = elf_maker_path(made_up->dir, "b");

	for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
		g_free(elf_maker_run(made_up->dir, commands[i]));
		g_assert_null(table_of_file(path, ENOUGH_BYTES));
	}
}

/* .debug_frame says the same for code without exceptions; compressed as well. */
static void test_debug_frame(struct made_up *made_up, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const options[] = {"", "-Wl,--compress-debug-sections=zlib"};

	for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
		g_autofree char *command = g_strdup_printf(
			"gcc -g -O2 -fno-asynchronous-unwind-tables -fno-exceptions -nostdlib "
			"-shared -fPIC -Wl,-z,noseparate-code %s c.c -o c",
			options[i]);
		g_autofree char *path = elf_maker_path(made_up->dir, "c");
		guint64 steps = 100, address;
		struct cfi_table *table;
		struct cfi_row row;

		elf_maker_write(made_up->dir, "c.c", "int work(int x) { return x * 3; }\n");
		g_free(elf_maker_run(made_up->dir, command));
		table = table_of_file(path, ENOUGH_BYTES);
		g_assert_nonnull(table);
		address = elf_maker_address(made_up->dir, "c", "work");
		g_assert_true(cfi_table_find(table, address, &steps, &row));
		g_assert_cmpint(row.cfa.offset, ==, 8);
		g_assert_cmpint(row.regs[CFI_REG_RA].kind, ==, CFI_OFFSET);
		g_assert_cmpint(row.regs[CFI_REG_RA].offset, ==, -8);
		cfi_table_free(table);
	}
}

/* --- Expressions --- */

static bool read_register(void *data G_GNUC_UNUSED, uint64_t reg, uint64_t *value)
{
	*value = 1000 * reg;
	return reg < CFI_N_REGISTERS;
}

static bool read_memory(void *data G_GNUC_UNUSED, uint64_t address, uint64_t *value)
{
	*value = G_GUINT64_CONSTANT(0x1122334455667788);
	return address == 7000;
}

static const struct cfi_environment environment = {read_register, read_memory, NULL};

#define EXPRESSION(...)                                                                            \
	.bytes = (const guint8[]){__VA_ARGS__}, .size = sizeof((const guint8[]){__VA_ARGS__})

static void test_expressions(void)
{
	const struct {
		const guint8 *bytes;
		gsize size;
		bool good;
		guint64 value; /* on the stack there is 5 at the beginning */
	} cases[] = {
		{EXPRESSION(DW_OP_lit31), true, 31},
		{EXPRESSION(DW_OP_nop), true, 5},
		{EXPRESSION(DW_OP_drop), false, 0},
		{EXPRESSION(DW_OP_breg7, 8), true, 7008},
		{EXPRESSION(DW_OP_breg7, 0x78), true, 6992},
		{EXPRESSION(DW_OP_bregx, 16, 1), true, 16001},
		{EXPRESSION(DW_OP_breg17, 0), false, 0},
		/* That of each PLT: 8 bytes more from the second instruction of an entry on. */
		{EXPRESSION(DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit10,
			    DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus),
		 true, 7008},
		{EXPRESSION(DW_OP_breg7, 0, DW_OP_deref), true, 0x1122334455667788},
		{EXPRESSION(DW_OP_breg7, 0, DW_OP_deref_size, 2), true, 0x7788},
		{EXPRESSION(DW_OP_breg7, 0, DW_OP_deref_size, 9), false, 0},
		{EXPRESSION(DW_OP_breg6, 0, DW_OP_deref), false, 0},
		{EXPRESSION(DW_OP_lit3, DW_OP_minus), true, 2},
		{EXPRESSION(DW_OP_lit0, DW_OP_div), false, 0},
		{EXPRESSION(DW_OP_lit0, DW_OP_mod), false, 0},
		{EXPRESSION(DW_OP_const1s, 0xff, DW_OP_div), true, (guint64)-5},
		{EXPRESSION(DW_OP_const1u, 200, DW_OP_shl), true, 0},
		{EXPRESSION(DW_OP_neg, DW_OP_lit1, DW_OP_shra), true, (guint64)-3},
		{EXPRESSION(DW_OP_neg, DW_OP_lit0, DW_OP_lt), true, 1},
		{EXPRESSION(DW_OP_lit1, DW_OP_lit2, DW_OP_rot), true, 1},
		{EXPRESSION(DW_OP_lit1, DW_OP_over), true, 5},
		{EXPRESSION(DW_OP_pick, 1), false, 0},
		{EXPRESSION(DW_OP_bra, 1, 0, DW_OP_lit9, DW_OP_lit2), true, 2},
		{EXPRESSION(DW_OP_lit0, DW_OP_bra, 1, 0, DW_OP_lit9), true, 9},
		{EXPRESSION(DW_OP_skip, 2, 0), false, 0},
		/* Round and round. */
		{EXPRESSION(DW_OP_skip, 0xfd, 0xff), false, 0},
		{EXPRESSION(DW_OP_dup, DW_OP_skip, 0xfc, 0xff), false, 0},
		{EXPRESSION(DW_OP_addr, 0, 0, 0, 0, 0, 0, 0, 0), false, 0},
		{EXPRESSION(DW_OP_const4u, 0), false, 0},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		const guint64 first = 5;
		guint64 steps = 1000, value;
		const bool good = cfi_expression_value(cases[i].bytes, cases[i].size, &first,
						       &environment, &steps, &value);

		g_assert_cmpint(good, ==, cases[i].good);
		if (good)
			g_assert_cmphex(value, ==, cases[i].value);
	}
}

#define ADD(name)                                                                                  \
	g_test_add("/cfi_table/" #name, struct made_up, NULL, set_up, test_##name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	elf_version(EV_CURRENT);
	g_test_add_func("/cfi_table/rules_are_those_of_libdw", test_rules_are_those_of_libdw);
	ADD(registers_that_there_are_not);
	ADD(programs_that_fail);
	ADD(steps_are_counted);
	ADD(memory_is_bounded);
	ADD(files_without_a_table);
	ADD(debug_frame);
	g_test_add_func("/cfi_expression/expressions", test_expressions);
	return g_test_run();
}
