/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ELF files, by libdwfl. It opens the debug file and .gnu_debugdata, and puts
 * each file at an address of its own, which is taken off again here.
 */
#include "symbols/elf_file.h"

#include "symbols/dso_error.h"
#include "symbols/elf_plt.h"
#include "symbols/inline_index.h"
#include "symbols/regular_file.h"

#include <elfutils/libdwelf.h>
#include <string.h>
#include <unistd.h>

/* Segments with code; linkers make one. */
#define MAX_SEGMENTS 16

struct segment {
	uint64_t address, offset, file_size, size; /* bytes */
};

struct elf_file {
	struct debug_search search;
	struct stat st;
	struct build_id build_id;
	Dwfl *dwfl;		    /* Owned by this */
	Dwfl_Module *module;	    /* Owned by dwfl */
	Elf *elf;		    /* Owned by dwfl */
	GElf_Addr bias;		    /* dwfl's addresses less the file's */
	struct inline_index *index; /* Owned by this; NULL until inlined functions are asked for */
	struct segment segments[MAX_SEGMENTS];
	guint n_segments;
};

static void read_segments(struct elf_file *file)
{
	size_t n;

	if (elf_getphdrnum(file->elf, &n))
		return;
	for (size_t i = 0; i < n && file->n_segments < MAX_SEGMENTS; i++) {
		struct segment *segment = &file->segments[file->n_segments];
		GElf_Phdr phdr;

		if (!gelf_getphdr(file->elf, (int)i, &phdr))
			return;
		if (phdr.p_type != PT_LOAD || !(phdr.p_flags & PF_X) || !phdr.p_memsz ||
		    phdr.p_memsz > UINT64_MAX - phdr.p_vaddr)
			continue;
		*segment = (struct segment){.address = phdr.p_vaddr,
					    .offset = phdr.p_offset,
					    .file_size = MIN(phdr.p_filesz, phdr.p_memsz),
					    .size = phdr.p_memsz};
		file->n_segments++;
	}
}

static void read_build_id(struct elf_file *file)
{
	const void *bytes;
	ssize_t size = dwelf_elf_gnu_build_id(file->elf, &bytes);

	if (size > 0)
		file->build_id = build_id_of(bytes, (size_t)size);
}

/* libdwfl takes archives and compressed files as well; perf does not. */
static bool has_elf_magic(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

/* Takes `fd` when it succeeds. */
static bool open_module(struct elf_file *file, const char *path, int fd)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf, /* never asked: the file is given */
		.find_debuginfo = debug_file_find,
		.section_address = dwfl_offline_section_address,
	};
	GElf_Ehdr ehdr;
	void **user_data;

	if (!has_elf_magic(fd))
		return false;
	file->dwfl = dwfl_begin(&callbacks);
	file->module = file->dwfl ? dwfl_report_offline(file->dwfl, path, path, fd) : NULL;
	if (!file->module)
		return false;
	dwfl_report_end(file->dwfl, NULL, NULL);
	dwfl_module_info(file->module, &user_data, NULL, NULL, NULL, NULL, NULL, NULL);
	*user_data = &file->search;
	file->elf = dwfl_module_getelf(file->module, &file->bias);
	return file->elf && gelf_getehdr(file->elf, &ehdr) &&
	       (ehdr.e_type == ET_EXEC || ehdr.e_type == ET_DYN);
}

struct elf_file *elf_file_open(const char *path, const struct debug_search *search, GError **error)
{
	struct elf_file *file;
	struct stat st;
	int fd = regular_file_open(path, &st, error);

	if (fd < 0)
		return NULL;
	elf_version(EV_CURRENT);
	file = g_new0(struct elf_file, 1);
	file->search = *search;
	file->st = st;
	if (!open_module(file, path, fd)) {
		g_set_error(error, DSO_ERROR, DSO_UNREADABLE,
			    "%s is no executable and no shared library, or is damaged", path);
		if (!file->module)
			close(fd);
		elf_file_free(file);
		return NULL;
	}
	read_build_id(file);
	read_segments(file);
	return file;
}

void elf_file_free(struct elf_file *file)
{
	if (!file)
		return;
	inline_index_free(file->index);
	dwfl_end(file->dwfl);
	g_free(file);
}

const struct stat *elf_file_stat(const struct elf_file *file)
{
	return &file->st;
}

const struct build_id *elf_file_build_id(const struct elf_file *file)
{
	return &file->build_id;
}

bool elf_file_has_no_code(const struct elf_file *file)
{
	for (guint i = 0; i < file->n_segments; i++) {
		if (file->segments[i].file_size)
			return false;
	}
	return true;
}

bool elf_file_address_of(const struct elf_file *file, uint64_t offset, uint64_t *address)
{
	for (guint i = 0; i < file->n_segments; i++) {
		const struct segment *segment = &file->segments[i];

		if (offset >= segment->offset && offset - segment->offset < segment->file_size) {
			*address = segment->address + (offset - segment->offset);
			return true;
		}
	}
	return false;
}

/* Where the segment that `address` is in ends; `address` itself when it is in none. */
static uint64_t segment_end(const struct elf_file *file, uint64_t address)
{
	for (guint i = 0; i < file->n_segments; i++) {
		const struct segment *segment = &file->segments[i];

		if (address >= segment->address && address - segment->address < segment->size)
			return segment->address + segment->size;
	}
	return address;
}

static bool is_mapping_symbol(GElf_Half machine, const char *name)
{
	return (machine == EM_ARM || machine == EM_AARCH64) && name[0] == '$' && name[1] &&
	       strchr("adtx", name[1]) && (!name[2] || name[2] == '.');
}

/* perf takes labels only from sections whose name says that they are code. */
static bool is_text(Elf *elf, const GElf_Shdr *shdr)
{
	size_t names;
	const char *name =
		elf_getshdrstrndx(elf, &names) ? NULL : elf_strptr(elf, names, shdr->sh_name);

	return name && strstr(name, "text");
}

/* elf_sym__filter() and elf_sym__is_label() of perf, for sections with code. */
static bool is_code(Elf *elf, const GElf_Sym *sym, const GElf_Shdr *shdr)
{
	if (!(shdr->sh_flags & SHF_ALLOC) || !(shdr->sh_flags & SHF_EXECINSTR))
		return false;
	switch (GELF_ST_TYPE(sym->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
	case STT_OBJECT:
		return true;
	case STT_NOTYPE:
		return GELF_ST_VISIBILITY(sym->st_other) != STV_HIDDEN &&
		       GELF_ST_VISIBILITY(sym->st_other) != STV_INTERNAL && is_text(elf, shdr);
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

/* Where the symbol's section ends, at most the end of the segment. */
static uint64_t end_of_section(const struct elf_file *file, const GElf_Sym *sym,
			       const GElf_Shdr *shdr, uint64_t address)
{
	const uint64_t end = segment_end(file, address);
	const uint64_t into = sym->st_value - shdr->sh_addr;

	if (into >= shdr->sh_size)
		return end;
	return MIN(end, address + MIN(shdr->sh_size - into, UINT64_MAX - address));
}

/* The `i`th symbol of libdwfl, its elf file in `elf`. False when it is no code. */
static bool add_symbol(struct elf_file *file, int i, GElf_Half machine, struct symbol_table *table,
		       Elf **elf)
{
	GElf_Sym sym;
	GElf_Addr address;
	GElf_Word section;
	GElf_Shdr shdr;
	Dwarf_Addr elf_bias;
	const char *name =
		dwfl_module_getsym_info(file->module, i, &sym, &address, &section, elf, &elf_bias);
	struct symbol symbol;

	if (!name || !*name || section == SHN_UNDEF || section == SHN_ABS ||
	    section == (GElf_Word)-1 || is_mapping_symbol(machine, name) ||
	    !gelf_getshdr(elf_getscn(*elf, section), &shdr) || !is_code(*elf, &sym, &shdr))
		return false;
	symbol = (struct symbol){
		.start = address - file->bias, .name = name, .binding = binding_of(&sym)};
	/* The lowest bit says that it is Thumb code. */
	if (machine == EM_ARM && GELF_ST_TYPE(sym.st_info) == STT_FUNC)
		symbol.start &= ~1ULL;
	symbol.end = symbol.start + MIN(sym.st_size, UINT64_MAX - symbol.start);
	symbol_table_add(table, &symbol, end_of_section(file, &sym, &shdr, symbol.start));
	return true;
}

struct symbol_table *elf_file_symbols(struct elf_file *file, bool *only_exported)
{
	struct symbol_table *table = symbol_table_new();
	const int n = dwfl_module_getsymtab(file->module);
	const Elf *last = NULL;
	GElf_Ehdr ehdr;
	const GElf_Half machine = gelf_getehdr(file->elf, &ehdr) ? ehdr.e_machine : EM_NONE;

	*only_exported = true;
	for (int i = 1; i < n; i++) {
		Elf *elf = NULL;

		/* They come from at most three files: this, its debug file, .gnu_debugdata. */
		if (add_symbol(file, i, machine, table, &elf) && elf != last) {
			last = elf;
			*only_exported = *only_exported && !debug_file_has_symtab(elf);
		}
	}
	elf_plt_add_symbols(file->elf, table);
	symbol_table_settle(table);
	return table;
}

bool elf_file_symbol_value(struct elf_file *file, const char *name, uint64_t *value)
{
	const int n = dwfl_module_getsymtab(file->module);

	for (int i = 1; i < n; i++) {
		GElf_Sym sym;
		GElf_Addr address;
		const char *found =
			dwfl_module_getsym_info(file->module, i, &sym, &address, NULL, NULL, NULL);

		if (found && !strcmp(found, name) && sym.st_shndx != SHN_UNDEF) {
			*value = address - file->bias;
			return true;
		}
	}
	return false;
}

guint elf_file_find_inlines(struct elf_file *file, uint64_t address, const char **names, guint max)
{
	if (!file->index)
		file->index = inline_index_new(file->module);
	return inline_index_find(file->index, address + file->bias, names, max);
}
