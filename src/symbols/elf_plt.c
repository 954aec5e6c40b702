/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A stub jumps through a slot of the GOT, which a relocation fills with the
 * address of a function. perf counts stubs and relocations and trusts that their order
 * is the same; here the slot is read out of the stub, which also finds those of
 * .plt.sec, where -fcf-protection puts them.
 */
#include "symbols/elf_plt.h"

#include "base/hash.h"
#include "symbols/elf_sections.h"

#include <string.h>

#define STUB_SIZE 16	    /* bytes */
#define MAX_STUBS (1 << 18) /* the largest programs have some ten thousand */
#define MAX_NAME  4096	    /* bytes */

/* The name of a function for each slot; of the address of a slot to a weak name. */
static GHashTable *read_slots(Elf *elf)
{
	GHashTable *slots = g_hash_table_new_full(hash_int64, g_int64_equal, g_free, NULL);
	GElf_Shdr shdr, symbols_shdr;
	Elf_Data *relocations = elf_sections_find(elf, ".rela.plt", &shdr);
	Elf_Scn *section = relocations ? elf_getscn(elf, shdr.sh_link) : NULL;
	Elf_Data *symbols = section ? elf_sections_data(section) : NULL;
	Elf_Data *names = NULL;

	if (!symbols || shdr.sh_type != SHT_RELA || !gelf_getshdr(section, &symbols_shdr))
		return slots;
	section = elf_getscn(elf, symbols_shdr.sh_link);
	names = section ? elf_sections_data(section) : NULL;
	for (int i = 0; i < MAX_STUBS; i++) {
		GElf_Rela rela;
		GElf_Sym sym;
		const char *name;
		gint64 *slot;
		size_t size;

		if (!gelf_getrela(relocations, i, &rela))
			break;
		if (GELF_R_TYPE(rela.r_info) != R_X86_64_JUMP_SLOT ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &sym))
			continue;
		name = elf_sections_string(names, sym.st_name, MAX_NAME, &size);
		if (!name)
			continue;
		slot = g_new(gint64, 1);
		*slot = (gint64)rela.r_offset;
		g_hash_table_replace(slots, slot, (void *)name);
	}
	return slots;
}

/*
 * The slot that a stub jumps through, which is at `address`:
 *
 *	[endbr64] [bnd] jmp *DISPLACEMENT(%rip)		[f3 0f 1e fa] [f2] ff 25 ....
 */
static bool slot_of_stub(const uint8_t stub[STUB_SIZE], uint64_t address, gint64 *slot)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t at = memcmp(stub, endbr64, sizeof(endbr64)) ? 0 : sizeof(endbr64);
	uint32_t displacement;

	if (stub[at] == 0xf2)
		at++;
	if (stub[at] != 0xff || stub[at + 1] != 0x25)
		return false;
	at += 2;
	memcpy(&displacement, stub + at, sizeof(displacement));
	at += sizeof(displacement);
	*slot = (gint64)(address + at) + (int32_t)GUINT32_FROM_LE(displacement);
	return true;
}

static void add_stub(struct symbol_table *table, const char *function, uint64_t address)
{
	g_autofree char *name = g_strconcat(function, "@plt", NULL);
	const struct symbol symbol = {.start = address,
				      .end = address + STUB_SIZE,
				      .name = symbol_table_own(table, name),
				      .binding = SYMBOL_GLOBAL};

	symbol_table_add(table, &symbol, UINT64_MAX);
}

/* False when the budget ends. */
static bool add_section(Elf *elf, const char *section, GHashTable *slots,
			struct symbol_table *table, struct elf_symbols_budget *budget)
{
	GElf_Shdr shdr;
	const Elf_Data *code = elf_sections_find(elf, section, &shdr);

	if (!code || code->d_size > UINT64_MAX - shdr.sh_addr)
		return true;
	for (size_t at = 0; code->d_size - at >= STUB_SIZE; at += STUB_SIZE) {
		const char *function;
		gint64 slot;

		if (!slot_of_stub((const uint8_t *)code->d_buf + at, shdr.sh_addr + at, &slot))
			continue;
		function = g_hash_table_lookup(slots, &slot);
		if (!function)
			continue;
		if (!elf_symbols_spend(&budget->functions, 1) ||
		    !elf_symbols_spend(&budget->name_bytes, strlen(function)))
			return false;
		add_stub(table, function, shdr.sh_addr + at);
	}
	return true;
}

bool elf_plt_add_symbols(Elf *elf, struct symbol_table *table, struct elf_symbols_budget *budget)
{
	GHashTable *slots;
	GElf_Ehdr ehdr;
	bool done;

	if (!gelf_getehdr(elf, &ehdr) || ehdr.e_machine != EM_X86_64)
		return true;
	slots = read_slots(elf);
	done = add_section(elf, ".plt", slots, table, budget) &&
	       add_section(elf, ".plt.sec", slots, table, budget);
	g_hash_table_unref(slots);
	return done;
}
