/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads .note.stapsdt with libelf, which checks the notes' sizes; what is in them is checked
 * here. Files are read, not mapped: one that is cut meanwhile is an error, not a SIGBUS.
 */
#include "probes/sdt_notes.h"

#include "base/byte_reader.h"
#include "base/error.h"

#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdbool.h>

#define NOTE_SECTION ".note.stapsdt"
#define BASE_SECTION ".stapsdt.base"
#define NOTE_OWNER   "stapsdt"
#define NOTE_TYPE    3 /* NT_STAPSDT */

struct source {
	Elf *elf;
	const char *path;     /* Weak */
	const char *provider; /* Weak */
	size_t n_segments;
	bool has_base;
	uint64_t base; /* where BASE_SECTION is now: prelink may have moved all */
	GPtrArray *sites;
};

static void site_free(gpointer data)
{
	struct sdt_site *site = data;

	g_free(site->name);
	g_free(site->arguments);
	g_free(site);
}

static bool fail(const struct source *source, GError **error, const char *what)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED, "%s: %s", source->path,
		    what);
	return false;
}

static bool fail_elf(const struct source *source, GError **error)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
		    "%s: cannot be read as an ELF file: %s", source->path, elf_errmsg(-1));
	return false;
}

/* Where in the file the byte at a virtual address comes from. */
static bool offset_of(const struct source *source, uint64_t address, uint64_t *offset)
{
	for (size_t i = 0; i < source->n_segments; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(source->elf, (int)i, &segment) || segment.p_type != PT_LOAD)
			continue;
		if (address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
			continue;
		*offset = address - segment.p_vaddr + segment.p_offset;
		return true;
	}
	return false;
}

static bool fail_address(const struct source *source, const char *name, uint64_t address,
			 GError **error)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
		    "%s: the probe %s is at address 0x%" PRIx64 ", where nothing of the file is",
		    source->path, name, address);
	return false;
}

/* The description: three addresses (place, base, semaphore), three strings. */
static bool read_note(struct source *source, const uint8_t *tainted, size_t size, GError **error)
{
	struct byte_reader reader = byte_reader_of(tainted, size, G_BYTE_ORDER != G_LITTLE_ENDIAN);
	uint64_t place = byte_reader_u64(&reader);
	uint64_t base = byte_reader_u64(&reader);
	uint64_t semaphore = byte_reader_u64(&reader);
	const char *provider = byte_reader_string(&reader);
	const char *name = byte_reader_string(&reader);
	const char *arguments = byte_reader_string(&reader);
	uint64_t moved = source->has_base ? source->base - base : 0;
	struct sdt_site site = {0};

	if (reader.failed)
		return fail(source, error, "a note in " NOTE_SECTION " is shorter than its fields");
	if (strcmp(provider, source->provider))
		return true;
	if (!offset_of(source, place + moved, &site.offset))
		return fail_address(source, name, place + moved, error);
	if (semaphore && !offset_of(source, semaphore + moved, &site.counter))
		return fail_address(source, name, semaphore + moved, error);
	site.name = g_strdup(name);
	site.arguments = g_strdup(arguments);
	g_ptr_array_add(source->sites, g_memdup2(&site, sizeof(site)));
	return true;
}

static bool read_notes(struct source *source, Elf_Scn *section, GError **error)
{
	Elf_Data *data = elf_getdata(section, NULL);
	const char *bytes;
	size_t at = 0, next, name_at, description_at;
	GElf_Nhdr note;

	if (!data || (data->d_size && !data->d_buf))
		return fail_elf(source, error);
	bytes = data->d_buf;
	while (at < data->d_size) {
		next = gelf_getnote(data, at, &note, &name_at, &description_at);
		if (!next)
			return fail(source, error, "the notes in " NOTE_SECTION " are damaged");
		at = next;
		if (note.n_type != NOTE_TYPE || note.n_namesz != sizeof(NOTE_OWNER) ||
		    memcmp(bytes + name_at, NOTE_OWNER, sizeof(NOTE_OWNER)))
			continue;
		if (!read_note(source, (const uint8_t *)bytes + description_at, note.n_descsz,
			       error))
			return false;
	}
	return true;
}

/* The section that is called `name`; NULL when there is none. */
static Elf_Scn *find_section(Elf *elf, size_t names, const char *name, GElf_Shdr *header)
{
	for (Elf_Scn *section = elf_nextscn(elf, NULL); section;
	     section = elf_nextscn(elf, section)) {
		const char *own;

		if (!gelf_getshdr(section, header))
			continue;
		own = elf_strptr(elf, names, header->sh_name);
		if (own && !strcmp(own, name))
			return section;
	}
	return NULL;
}

static bool read_elf(struct source *source, GError **error)
{
	size_t names;
	GElf_Ehdr header;
	GElf_Shdr section_header;
	Elf_Scn *section;

	if (elf_kind(source->elf) != ELF_K_ELF || !gelf_getehdr(source->elf, &header)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "%s is no ELF file", source->path);
		return false;
	}
	if (header.e_machine != EM_X86_64 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "%s is no program for x86-64 (machine %u of ELF): register its probes "
			    "with perf probe",
			    source->path, header.e_machine);
		return false;
	}
	if (elf_getphdrnum(source->elf, &source->n_segments) ||
	    elf_getshdrstrndx(source->elf, &names))
		return fail_elf(source, error);
	if (find_section(source->elf, names, BASE_SECTION, &section_header)) {
		source->has_base = true;
		source->base = section_header.sh_addr;
	}
	section = find_section(source->elf, names, NOTE_SECTION, &section_header);
	if (!section || section_header.sh_type != SHT_NOTE)
		return true;
	return read_notes(source, section, error);
}

GPtrArray *sdt_notes_read(int fd, const char *path, const char *provider, GError **error)
{
	struct source source = {.path = path, .provider = provider};
	bool done;

	elf_version(EV_CURRENT);
	source.elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!source.elf) {
		fail_elf(&source, error);
		return NULL;
	}
	source.sites = g_ptr_array_new_with_free_func(site_free);
	done = read_elf(&source, error);
	elf_end(source.elf);
	if (!done)
		g_clear_pointer(&source.sites, g_ptr_array_unref);
	return source.sites;
}
