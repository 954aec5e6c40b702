/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads symbol tables, by libelf.
 */
#include "symbols/elf_symbols.h"

#include "symbols/elf_sections.h"

#include <string.h>

/* A longer one is no name; templates have some thousand. */
#define MAX_NAME	 65536 /* bytes */
#define MAX_SECTION_NAME 256   /* bytes that are looked at */

/* What of a section matters for its symbols. */
struct section {
	uint64_t address, size;
	bool is_code;
	bool is_text; /* perf takes labels only from sections whose name says that they are code */
};

/* A symbol table. */
struct source {
	Elf_Data *symbols, *names;
	size_t n;
	GElf_Half machine;
};

bool elf_symbols_spend(uint64_t *left, uint64_t n)
{
	if (n > *left)
		return false;
	*left -= n;
	return true;
}

static Elf_Scn *find_section(Elf *elf, GElf_Word type, GElf_Shdr *shdr)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, shdr) && shdr->sh_type == type)
			return section;
	}
	return NULL;
}

bool elf_symbols_has_symtab(Elf *elf)
{
	GElf_Shdr shdr;

	return find_section(elf, SHT_SYMTAB, &shdr) != NULL;
}

/* False when there is no such table, or it cannot be read. */
static bool find_source(Elf *elf, GElf_Word type, struct source *source)
{
	GElf_Shdr shdr;
	GElf_Ehdr ehdr;
	Elf_Scn *section = find_section(elf, type, &shdr);
	Elf_Scn *strings = section ? elf_getscn(elf, shdr.sh_link) : NULL;
	size_t entry;

	source->names = strings ? elf_sections_data(strings) : NULL;
	if (!source->names || !gelf_getehdr(elf, &ehdr))
		return false;
	source->symbols = elf_sections_data(section);
	entry = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	if (!source->symbols || !entry)
		return false;
	source->n = source->symbols->d_size / entry;
	source->machine = ehdr.e_machine;
	return true;
}

static GArray *read_sections(Elf *elf)
{
	GArray *sections = g_array_new(FALSE, TRUE, sizeof(struct section));
	size_t n = 0, names = 0;

	if (elf_getshdrnum(elf, &n) || elf_getshdrstrndx(elf, &names))
		n = 0;
	g_array_set_size(sections, (guint)n);
	for (size_t i = 0; i < n; i++) {
		struct section *section = &g_array_index(sections, struct section, i);
		GElf_Shdr shdr;
		const char *name;

		if (!gelf_getshdr(elf_getscn(elf, i), &shdr))
			continue;
		section->address = shdr.sh_addr;
		section->size = shdr.sh_size;
		section->is_code = (shdr.sh_flags & SHF_ALLOC) && (shdr.sh_flags & SHF_EXECINSTR);
		name = section->is_code ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		section->is_text = name && g_strstr_len(name, MAX_SECTION_NAME, "text");
	}
	return sections;
}

static bool is_mapping_symbol(GElf_Half machine, const char *name)
{
	return (machine == EM_ARM || machine == EM_AARCH64) && name[0] == '$' && name[1] &&
	       strchr("adtx", name[1]) && (!name[2] || name[2] == '.');
}

/* elf_sym__filter() and elf_sym__is_label() of perf, for sections with code. */
static bool is_code(const GElf_Sym *sym, const struct section *section)
{
	if (!section->is_code)
		return false;
	switch (GELF_ST_TYPE(sym->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
	case STT_OBJECT:
		return true;
	case STT_NOTYPE:
		return GELF_ST_VISIBILITY(sym->st_other) != STV_HIDDEN &&
		       GELF_ST_VISIBILITY(sym->st_other) != STV_INTERNAL && section->is_text;
	default:
		return false;
	}
}

static enum symbol_binding binding_of(const GElf_Sym *sym)
{
	switch (GELF_ST_BIND(sym->st_info)) {
	case STB_GLOBAL:
		return SYMBOL_GLOBAL;
	case STB_WEAK:
		return SYMBOL_WEAK;
	default:
		return SYMBOL_LOCAL;
	}
}

/* Where the symbol's section ends, at most `end`. */
static uint64_t end_of_section(const GElf_Sym *sym, const struct section *section, uint64_t address,
			       uint64_t end)
{
	const uint64_t into = sym->st_value - section->address;

	if (into >= section->size)
		return end;
	return MIN(end, address + MIN(section->size - into, UINT64_MAX - address));
}

bool elf_symbols_add(Elf *elf, GElf_Word type, elf_symbols_end end_of, const void *data,
		     struct symbol_table *table, struct elf_symbols_budget *budget)
{
	g_autoptr(GArray) sections = NULL;
	struct source source;

	if (!find_source(elf, type, &source))
		return true;
	if (!elf_symbols_spend(&budget->entries, source.n))
		return false;
	sections = read_sections(elf);
	for (size_t i = 1; i < source.n; i++) {
		const struct section *section;
		const char *name;
		size_t name_size;
		struct symbol symbol;
		GElf_Sym sym;

		if (!gelf_getsym(source.symbols, (int)i, &sym) || sym.st_shndx == SHN_UNDEF ||
		    sym.st_shndx >= sections->len)
			continue;
		section = &g_array_index(sections, struct section, sym.st_shndx);
		if (!is_code(&sym, section))
			continue;
		name = elf_sections_string(source.names, sym.st_name, MAX_NAME, &name_size);
		if (!name || is_mapping_symbol(source.machine, name))
			continue;
		if (!elf_symbols_spend(&budget->functions, 1) ||
		    !elf_symbols_spend(&budget->name_bytes, name_size))
			return false;
		symbol = (struct symbol){
			.start = sym.st_value, .name = name, .binding = binding_of(&sym)};
		/* The lowest bit says that it is Thumb code. */
		if (source.machine == EM_ARM && GELF_ST_TYPE(sym.st_info) == STT_FUNC)
			symbol.start &= ~1ULL;
		symbol.end = symbol.start + MIN(sym.st_size, UINT64_MAX - symbol.start);
		symbol_table_add(
			table, &symbol,
			end_of_section(&sym, section, symbol.start, end_of(symbol.start, data)));
	}
	return true;
}

bool elf_symbols_value(Elf *elf, GElf_Word type, const char *name, uint64_t *value)
{
	struct source source;
	GElf_Sym sym;
	size_t size;

	if (!find_source(elf, type, &source))
		return false;
	for (size_t i = 1; i < MIN(source.n, ELF_SYMBOLS_BUDGET.entries); i++) {
		if (gelf_getsym(source.symbols, (int)i, &sym) && sym.st_shndx != SHN_UNDEF &&
		    !g_strcmp0(elf_sections_string(source.names, sym.st_name, MAX_NAME, &size),
			       name)) {
			*value = sym.st_value;
			return true;
		}
	}
	return false;
}
