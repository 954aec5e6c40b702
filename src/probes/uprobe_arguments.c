/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * N@OPERAND to argI=FETCH:TYPE. The kernel's forms are in Documentation/trace/uprobetracer.rst,
 * its names of registers in arch/x86/kernel/ptrace.c (regs_query_register_offset()).
 */
#include "probes/uprobe_arguments.h"

#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's name of a register, and the compiler's for its 64, 32, 16 and 8 low bits. */
static const struct {
	const char *kernel, *names[4];
} registers[] = {
	{"ax", {"rax", "eax", "ax", "al"}},	  {"bx", {"rbx", "ebx", "bx", "bl"}},
	{"cx", {"rcx", "ecx", "cx", "cl"}},	  {"dx", {"rdx", "edx", "dx", "dl"}},
	{"si", {"rsi", "esi", "si", "sil"}},	  {"di", {"rdi", "edi", "di", "dil"}},
	{"bp", {"rbp", "ebp", "bp", "bpl"}},	  {"sp", {"rsp", "esp", "sp", "spl"}},
	{"r8", {"r8", "r8d", "r8w", "r8b"}},	  {"r9", {"r9", "r9d", "r9w", "r9b"}},
	{"r10", {"r10", "r10d", "r10w", "r10b"}}, {"r11", {"r11", "r11d", "r11w", "r11b"}},
	{"r12", {"r12", "r12d", "r12w", "r12b"}}, {"r13", {"r13", "r13d", "r13w", "r13b"}},
	{"r14", {"r14", "r14d", "r14w", "r14b"}}, {"r15", {"r15", "r15d", "r15w", "r15b"}},
};

/* The size before the "@", negative when the value is signed. */
static const struct {
	const char *size, *type;
} types[] = {
	{"1", ":u8"},  {"2", ":u16"},  {"4", ":u32"},  {"8", ":u64"},
	{"-1", ":s8"}, {"-2", ":s16"}, {"-4", ":s32"}, {"-8", ":s64"},
};

/* Of a size of `length` bytes at `size`; NULL when there is no such type. */
static const char *type_of(const char *size, size_t length)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (strlen(types[i].size) == length && !memcmp(types[i].size, size, length))
			return types[i].type;
	return NULL;
}

/* `text` without its "%"; addresses are made of whole registers only. */
static const char *register_of(const char *text, bool whole)
{
	if (*text++ != '%')
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(registers); i++)
		for (size_t width = 0; width < (whole ? 1 : G_N_ELEMENTS(registers[i].names));
		     width++)
			if (!strcmp(registers[i].names[width], text))
				return registers[i].kernel;
	return NULL;
}

/* The number that `text` begins with; false when there is none or it is too big. */
static bool number_of(const char *text, char **end, int64_t *value)
{
	/* strtoll() would pass over space. */
	if (!g_ascii_isdigit(*text) && *text != '-' && *text != '+')
		return false;
	errno = 0;
	*value = strtoll(text, end, 0);
	return !errno && *end != text;
}

/* "-16(%rbp)" or "(%rax)" */
static char *fetch_memory(const char *operand)
{
	const char *open = strchr(operand, '(');
	g_autofree char *base = NULL;
	const char *kernel;
	int64_t displacement = 0;
	char *end;

	if (!open || !g_str_has_suffix(open, ")"))
		return NULL;
	if (open != operand && (!number_of(operand, &end, &displacement) || end != open))
		return NULL;
	base = g_strndup(open + 1, strlen(open) - 2);
	kernel = register_of(base, true);
	return kernel ? g_strdup_printf("%+" PRId64 "(%%%s)", displacement, kernel) : NULL;
}

/* "$5" */
static char *fetch_constant(const char *operand)
{
	int64_t value;
	char *end;

	if (*operand != '$' || !number_of(operand + 1, &end, &value) || *end)
		return NULL;
	return g_strdup_printf("\\%" PRId64, value);
}

static char *fetch(const char *operand)
{
	const char *kernel = register_of(operand, false);

	if (kernel)
		return g_strdup_printf("%%%s", kernel);
	return *operand == '$' ? fetch_constant(operand) : fetch_memory(operand);
}

char *uprobe_arguments(const char *sdt, GError **error)
{
	g_auto(GStrv) words = g_strsplit(sdt, " ", -1);
	g_autoptr(GString) result = g_string_new(NULL);
	unsigned int n = 0;

	for (char **word = words; *word; word++) {
		g_autofree char *fetched = NULL;
		const char *at = strchr(*word, '@'), *type = "";

		if (!**word)
			continue;
		if (at)
			type = type_of(*word, (size_t)(at - *word));
		if (type)
			fetched = fetch(at ? at + 1 : *word);
		n++;
		if (!fetched) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
				    "argument %u is \"%s\", which uprobes cannot read: expected a "
				    "size of 1, 2, 4 or 8 and a register, number(register) or a "
				    "constant",
				    n, *word);
			return NULL;
		}
		g_string_append_printf(result, "%sarg%u=%s%s", n > 1 ? " " : "", n, fetched, type);
	}
	return g_string_free(g_steal_pointer(&result), FALSE);
}
