/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * probes/uprobe_arguments: each form of an argument, and those that uprobes cannot read.
 */
#include "probes/uprobe_arguments.h"

#include "base/error.h"

static const struct {
	const char *sdt, *uprobe; /* NULL: refused */
} rows[] = {
	{"", ""},
	{"-4@%edi", "arg1=%di:s32"},
	{"-4@%r12d 8@%rbx", "arg1=%r12:s32 arg2=%bx:u64"},
	{"  8@%rax  ", "arg1=%ax:u64"},
	/* All widths. */
	{"1@%al -1@%r8b 1@%sil", "arg1=%ax:u8 arg2=%r8:s8 arg3=%si:u8"},
	{"2@%cx -2@%r15w", "arg1=%cx:u16 arg2=%r15:s16"},
	{"4@%ebp -8@%rsp", "arg1=%bp:u32 arg2=%sp:s64"},
	{"8@%r9 8@%r10 8@%r11 8@%r13 8@%r14",
	 "arg1=%r9:u64 arg2=%r10:u64 arg3=%r11:u64 arg4=%r13:u64 arg5=%r14:u64"},
	/* Without a size it is the kernel's. */
	{"%rdx", "arg1=%dx"},
	/* Memory. */
	{"8@-16(%rbp)", "arg1=-16(%bp):u64"},
	{"-4@(%rax)", "arg1=+0(%ax):s32"},
	{"-4@8(%rsp) 1@+1(%r12)", "arg1=+8(%sp):s32 arg2=+1(%r12):u8"},
	{"8@0x10(%rdi)", "arg1=+16(%di):u64"},
	/* Constants. */
	{"-4@$1 8@$-2 -8@$0x7f", "arg1=\\1:s32 arg2=\\-2:u64 arg3=\\127:s64"},
	/* What the kernel has no form for. */
	{"8@(%rax,%rbx,8)", NULL},
	{"8@symbol(%rip)", NULL},
	{"8@16(%rip)", NULL},
	{"8@16(%eax)", NULL},
	{"8@%fs:16(%rax)", NULL},
	{"1@%ah", NULL},
	{"8f@%xmm0", NULL},
	{"16@%rax", NULL},
	{"3@%rax", NULL},
	{"@%rax", NULL},
	{"8@", NULL},
	{"8@%", NULL},
	{"8@%raxx", NULL},
	{"8@$", NULL},
	{"8@$ 1", NULL},
	{"8@$1x", NULL},
	{"8@$99999999999999999999", NULL},
	{"8@-(%rax)", NULL},
	{"8@8(%rax", NULL},
	{"8@8(%rax)x", NULL},
	{"8@8(rax)", NULL},
	{"8@()", NULL},
	{"8@%rax\np:evil/evil /bin/sh:0", NULL},
	{"8@symbol", NULL},
};

static void test_table(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *uprobe = uprobe_arguments(rows[i].sdt, &error);

		g_test_message("%s", rows[i].sdt);
		g_assert_cmpstr(uprobe, ==, rows[i].uprobe);
		if (rows[i].uprobe)
			g_assert_no_error(error);
		else
			g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED);
	}
}

static void test_error(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(uprobe_arguments("8@%rax 8@%xmm0", &error));
	g_assert_cmpstr(error->message, ==,
			"argument 2 is \"8@%xmm0\", which uprobes cannot read: expected a size of "
			"1, 2, 4 or 8 and a register, number(register) or a constant");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/uprobe_arguments/table", test_table);
	g_test_add_func("/uprobe_arguments/error", test_error);
	return g_test_run();
}
