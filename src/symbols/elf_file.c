/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Puts together what is known of an ELF file: from itself, from its debug file, and from
 * .gnu_debugdata.
 */
#include "symbols/elf_file.h"

#include "symbols/dso_error.h"
#include "symbols/elf_plt.h"
#include "symbols/elf_sections.h"
#include "symbols/elf_symbols.h"
#include "symbols/inline_index.h"
#include "symbols/mini_debug.h"
#include "symbols/recorded_file.h"
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
	int fd;			  /* Owned by this */
	Elf *elf;		  /* Owned by this */
	char *root, *path;	  /* Owned by this: where it is; root: NULL is "/" */
	bool looked_for_debug;	  /* what follows is known */
	struct debug_file *debug; /* Owned by this; NULL when there is none */
	struct mini_debug *mini;  /* Owned by this; NULL when it is not needed, or there is none */
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

static bool is_program(Elf *elf)
{
	GElf_Ehdr ehdr;

	return gelf_getehdr(elf, &ehdr) && (ehdr.e_type == ET_EXEC || ehdr.e_type == ET_DYN);
}

/* Takes `fd`. NULL without an error when it is no ELF file. */
static struct elf_file *open_fd(int fd, const struct stat *st, const char *name,
				const struct debug_search *search, GError **error)
{
	struct elf_file *file;
	bool too_large;
	Elf *elf = elf_sections_begin(fd, &too_large);

	if (!elf || !is_program(elf)) {
		if (too_large)
			g_set_error(error, DSO_ERROR, DSO_TOO_LARGE,
				    "%s claims to hold much more than its size explains, so it was "
				    "not read; if it is not damaged, copy it without holes and "
				    "without compressed sections, and give --symfs DIR",
				    name);
		else if (elf)
			g_set_error(error, DSO_ERROR, DSO_UNREADABLE,
				    "%s is no executable and no shared library, or is damaged",
				    name);
		elf_end(elf);
		close(fd);
		return NULL;
	}
	file = g_new0(struct elf_file, 1);
	file->search = *search;
	file->st = *st;
	file->fd = fd;
	file->elf = elf;
	read_build_id(file);
	read_segments(file);
	return file;
}

struct elf_file *elf_file_open(const char *path, const struct debug_search *search, GError **error)
{
	g_autoptr(GError) reason = NULL;
	struct elf_file *file;
	struct stat st;
	int fd = regular_file_open(path, &st, error);

	if (fd < 0)
		return NULL;
	file = open_fd(fd, &st, path, search, &reason);
	if (file)
		file->path = g_canonicalize_filename(path, NULL);
	else if (reason)
		g_propagate_error(error, g_steal_pointer(&reason));
	else
		g_set_error(error, DSO_ERROR, DSO_UNREADABLE,
			    "%s is no executable and no shared library, or is damaged", path);
	return file;
}

struct elf_file *elf_file_open_recorded(const char *root, const char *path,
					const struct debug_search *search, GError **error)
{
	g_autofree char *name = recorded_file_name(root, path);
	g_autoptr(GError) reason = NULL;
	struct elf_file *file;
	struct stat st;
	int fd = recorded_file_open(root, path, &st, error);

	if (fd < 0)
		return NULL;
	file = open_fd(fd, &st, name, search, &reason);
	if (file) {
		file->root = g_strdup(root);
		file->path = g_strdup(path);
	} else if (reason) {
		g_propagate_error(error, g_steal_pointer(&reason));
	} else {
		recorded_file_set_error(root, path, error);
	}
	return file;
}

void elf_file_free(struct elf_file *file)
{
	if (!file)
		return;
	inline_index_free(file->index);
	mini_debug_free(file->mini);
	debug_file_free(file->debug);
	elf_end(file->elf);
	close(file->fd);
	g_free(file->root);
	g_free(file->path);
	g_free(file);
}

int elf_file_descriptor(const struct elf_file *file)
{
	return file->fd;
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
static uint64_t segment_end(uint64_t address, const void *data)
{
	const struct elf_file *file = data;

	for (guint i = 0; i < file->n_segments; i++) {
		const struct segment *segment = &file->segments[i];

		if (address >= segment->address && address - segment->address < segment->size)
			return segment->address + segment->size;
	}
	return address;
}

/* Looks for it once; NULL when there is none. */
static const struct debug_file *debug_of(struct elf_file *file)
{
	if (!file->looked_for_debug)
		file->debug = debug_file_find(&file->search, file->elf, file->root, file->path);
	file->looked_for_debug = true;
	return file->debug;
}

/* The file with all symbols, which is this or its debug file; NULL when there is none. */
static Elf *with_symtab(struct elf_file *file)
{
	if (elf_symbols_has_symtab(file->elf))
		return file->elf;
	return debug_of(file) ? file->debug->elf : NULL;
}

/* False when .gnu_debugdata would take too much. */
static bool unpack_mini_debug(struct elf_file *file)
{
	bool too_large = false;

	if (!file->mini)
		file->mini = mini_debug_new(file->elf, elf_sections_limit(file->fd), &too_large);
	return !too_large;
}

/* False when they are too many. */
static bool add_symbols(struct elf_file *file, struct symbol_table *table, bool *only_exported)
{
	struct elf_symbols_budget budget = ELF_SYMBOLS_BUDGET;
	Elf *elf = with_symtab(file);

	*only_exported = false;
	if (elf) {
		if (!elf_symbols_add(elf, SHT_SYMTAB, segment_end, file, table, &budget))
			return false;
	} else {
		if (!elf_symbols_add(file->elf, SHT_DYNSYM, segment_end, file, table, &budget) ||
		    !unpack_mini_debug(file))
			return false;
		*only_exported = !file->mini;
		if (file->mini && !elf_symbols_add(mini_debug_elf(file->mini), SHT_SYMTAB,
						   segment_end, file, table, &budget))
			return false;
	}
	return elf_plt_add_symbols(file->elf, table, &budget);
}

struct symbol_table *elf_file_symbols(struct elf_file *file, bool *only_exported, GError **error)
{
	struct symbol_table *table = symbol_table_new();
	g_autofree char *name = NULL;

	if (add_symbols(file, table, only_exported)) {
		symbol_table_settle(table);
		return table;
	}
	symbol_table_unref(table);
	name = recorded_file_name(file->root, file->path);
	g_set_error(error, DSO_ERROR, DSO_TOO_LARGE,
		    "the symbols of %s, or of its debug file, are more than any program has, so "
		    "they were not read; is it damaged?",
		    name);
	return NULL;
}

bool elf_file_symbol_value(struct elf_file *file, const char *name, uint64_t *value)
{
	Elf *elf = with_symtab(file);

	return elf ? elf_symbols_value(elf, SHT_SYMTAB, name, value)
		   : elf_symbols_value(file->elf, SHT_DYNSYM, name, value);
}

/* The file's own DWARF, or its debug file's. */
static struct inline_index *new_index(struct elf_file *file)
{
	const struct inline_source own = {.elf = file->elf, .root = file->root, .path = file->path};
	const struct debug_file *debug = NULL;

	if (!inline_source_has_dwarf(&own))
		debug = debug_of(file);
	if (debug) {
		const struct inline_source other = {
			.elf = debug->elf, .root = debug->root, .path = debug->path};

		return inline_index_new(&other, &own, &file->search);
	}
	return inline_index_new(&own, &own, &file->search);
}

guint elf_file_find_inlines(struct elf_file *file, uint64_t address, const char **names, guint max)
{
	if (!file->index)
		file->index = new_index(file);
	return inline_index_find(file->index, address, names, max);
}

const char *elf_file_inline_problem(const struct elf_file *file)
{
	return file->index ? inline_index_problem(file->index) : NULL;
}
