/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files with symbols: the first byte of an input says whether the rest is an ELF file or
 * kallsyms. libelf, which takes the ELF file apart, is not built for fuzzing, so its own branches
 * guide nothing; seeds of real files do.
 */
#include "fuzz/fuzz.h"
#include "fuzz/memory_file.h"

#include "symbols/elf_file.h"
#include "symbols/kallsyms.h"

#define N_ADDRESSES 64
#define MAX_INLINES 16

static void check_table(const struct symbol_table *table, uint64_t address)
{
	const struct symbol *symbol = symbol_table_find(table, address);

	if (!symbol)
		return;
	g_assert_cmpuint(symbol->start, <=, address);
	g_assert_cmpuint(address, <, symbol->end);
	g_assert_nonnull(symbol->name);
	/* It covers its first byte, unless another one begins there as well. */
	g_assert_nonnull(symbol_table_find(table, symbol->start));
	g_assert_nonnull(symbol_table_find(table, symbol->end - 1));
}

static void check_elf(const char *path)
{
	const struct debug_search search = {.symfs = "/nonexistent",
					    .buildid_dir = "/nonexistent/debug",
					    .recorded_path = path};
	struct elf_file *file = elf_file_open(path, &search, NULL);
	struct symbol_table *symbols;
	bool only_exported;
	uint64_t value;

	if (!file)
		return;
	g_assert_cmpuint(elf_file_build_id(file)->size, <=, DSO_BUILD_ID_MAX);
	(void)elf_file_has_no_code(file);
	(void)elf_file_symbol_value(file, "_text", &value);
	symbols = elf_file_symbols(file, &only_exported, NULL);
	for (uint64_t i = 0; i < N_ADDRESSES; i++) {
		const char *names[MAX_INLINES];
		uint64_t address;

		if (!elf_file_address_of(file, i << 6, &address))
			continue;
		if (symbols)
			check_table(symbols, address);
		g_assert_cmpuint(elf_file_find_inlines(file, address, names, MAX_INLINES), <=,
				 MAX_INLINES);
	}
	(void)elf_file_inline_problem(file);
	symbol_table_unref(symbols);
	elf_file_free(file);
}

static void check_kallsyms(const char *path)
{
	struct kallsyms *kallsyms = kallsyms_read(path, NULL);
	struct symbol_table *tables[3];
	uint64_t address = 0;

	if (!kallsyms)
		return;
	tables[0] = kallsyms_kernel(kallsyms, 0);
	tables[1] = kallsyms_kernel(kallsyms, 0x1000);
	tables[2] = kallsyms_module(kallsyms, "virtio_net");
	if (!kallsyms_address_of(kallsyms, "_stext", &address))
		(void)kallsyms_address_of(kallsyms, "_text", &address);
	for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
		for (uint64_t k = 0; tables[i] && k < N_ADDRESSES; k++)
			check_table(tables[i], address + (k << 5));
		symbol_table_unref(tables[i]);
	}
	kallsyms_free(kallsyms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path;

	if (!size)
		return 0;
	path = memory_file_path(data + 1, size - 1);
	if (data[0] == 'k')
		check_kallsyms(path);
	else
		check_elf(path);
	return 0;
}
