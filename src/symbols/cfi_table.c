/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The functions of a table, by address; reading it is for cfi_section.c, and running the
 * program of a function for cfi_program.c.
 */
#include "symbols/cfi_table.h"

#include "symbols/cfi_program.h"
#include "symbols/cfi_section.h"

#include <gelf.h>
#include <string.h>

#define MAX_SEGMENTS 64 /* of code and data; programs have four */

/* A part of the file that is mapped: where it is in it, and which addresses it gets. */
struct segment {
	uint64_t offset, size, address;
};

struct cfi_table {
	struct cfi_section sections[2]; /* Owned by this: .eh_frame, .debug_frame */
	guint n_sections;
	struct segment segments[MAX_SEGMENTS];
	guint n_segments;
};

static void read_segments(struct cfi_table *table, Elf *elf)
{
	size_t n = 0;

	if (elf_getphdrnum(elf, &n))
		n = 0;
	for (size_t i = 0; i < n && table->n_segments < MAX_SEGMENTS; i++) {
		GElf_Phdr phdr;

		if (gelf_getphdr(elf, (int)i, &phdr) && phdr.p_type == PT_LOAD)
			table->segments[table->n_segments++] = (struct segment){
				.offset = phdr.p_offset,
				.size = phdr.p_filesz,
				.address = phdr.p_vaddr,
			};
	}
}

static void read_sections(struct cfi_table *table, Elf *elf, size_t max_bytes)
{
	static const struct {
		const char *name;
		bool is_eh;
	} names[] = {{".eh_frame", true}, {".debug_frame", false}};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct cfi_section *section = &table->sections[table->n_sections];
		const size_t used = cfi_table_size(table);

		if (used < max_bytes &&
		    cfi_section_read(section, elf, names[i].name, names[i].is_eh, max_bytes - used))
			table->n_sections++;
	}
}

static bool is_understood(Elf *elf)
{
	GElf_Ehdr ehdr;

	return elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &ehdr) &&
	       ehdr.e_machine == EM_X86_64 && ehdr.e_ident[EI_CLASS] == ELFCLASS64 &&
	       ehdr.e_ident[EI_DATA] == ELFDATA2LSB;
}

struct cfi_table *cfi_table_new(int fd, size_t max_bytes)
{
	struct cfi_table *table = NULL;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (is_understood(elf)) {
		table = g_new0(struct cfi_table, 1);
		read_segments(table, elf);
		read_sections(table, elf, max_bytes);
	}
	elf_end(elf);
	if (table && !table->n_sections)
		g_clear_pointer(&table, cfi_table_free);
	return table;
}

void cfi_table_free(struct cfi_table *table)
{
	if (!table)
		return;
	for (guint i = 0; i < table->n_sections; i++)
		cfi_section_clear(&table->sections[i]);
	g_free(table);
}

size_t cfi_table_size(const struct cfi_table *table)
{
	size_t size = sizeof(*table);

	for (guint i = 0; i < table->n_sections; i++)
		size += cfi_section_size(&table->sections[i]);
	return size;
}

static bool find_address(const struct cfi_table *table, uint64_t offset, uint64_t *address)
{
	for (guint i = 0; i < table->n_segments; i++) {
		const struct segment *segment = &table->segments[i];

		if (offset >= segment->offset && offset - segment->offset < segment->size) {
			*address = offset - segment->offset + segment->address;
			return true;
		}
	}
	return false;
}

bool cfi_table_find(const struct cfi_table *table, uint64_t offset, uint64_t *steps,
		    struct cfi_row *row)
{
	uint64_t address;

	if (!find_address(table, offset, &address))
		return false;
	for (guint i = 0; i < table->n_sections; i++) {
		struct cfi_function function;

		if (cfi_section_find(&table->sections[i], address, &function))
			return cfi_program_run(&function, address, steps, row);
	}
	return false;
}
