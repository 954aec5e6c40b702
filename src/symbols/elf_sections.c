/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a file may claim, and its sections.
 */
#include "symbols/elf_sections.h"

#include "base/byte_reader.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SECTIONS (1 << 16)	/* an executable has some dozens */
#define MAX_NOTES    (16 << 20) /* bytes */

/* DWARF compresses to a sixth at the best, names to less; see docs/security.md. */
#define UNPACKED_ALWAYS	  (64 << 20) /* bytes */
#define UNPACKED_PER_BYTE 16

/* "ZLIB" and the size, in big endian, begin the sections that older tools compressed. */
#define ZDEBUG_HEADER 12

static uint64_t limit_of_size(uint64_t size)
{
	return UNPACKED_ALWAYS + UNPACKED_PER_BYTE * MIN(size, UINT64_MAX / 32);
}

uint64_t elf_sections_limit(int fd)
{
	struct stat st;
	uint64_t size;

	if (fstat(fd, &st))
		return 0;
	size = (uint64_t)st.st_size;
	/* Holes are nothing that a size could explain. Some file systems do not count. */
	return limit_of_size(st.st_blocks ? MIN(size, 512 * (uint64_t)st.st_blocks) : size);
}

static bool has_magic(const uint8_t *bytes)
{
	return !memcmp(bytes, ELFMAG, SELFMAG);
}

/* The sh_size of the first section, which is how many there are if the header has no room. */
static uint64_t size_of_first_section(int fd, uint64_t offset, bool is_64, bool swap)
{
	uint8_t bytes[sizeof(Elf64_Shdr)];
	const ssize_t got = pread(fd, bytes, sizeof(bytes), (off_t)MIN(offset, INT64_MAX));
	struct byte_reader reader = byte_reader_of(bytes, (size_t)MAX(got, 0), swap);

	byte_reader_skip(&reader,
			 is_64 ? offsetof(Elf64_Shdr, sh_size) : offsetof(Elf32_Shdr, sh_size));
	return is_64 ? byte_reader_u64(&reader) : byte_reader_u32(&reader);
}

/* libelf makes room for all sections at once. The format: System V ABI, chapter 4. */
static bool has_few_sections(int fd, const uint8_t header[sizeof(Elf64_Ehdr)])
{
	const bool is_64 = header[EI_CLASS] == ELFCLASS64;
	const bool is_big = header[EI_DATA] == ELFDATA2MSB;
	const bool swap = is_big != (G_BYTE_ORDER == G_BIG_ENDIAN);
	struct byte_reader reader = byte_reader_of(header, sizeof(Elf64_Ehdr), swap);
	uint64_t sections, n;

	byte_reader_skip(&reader,
			 is_64 ? offsetof(Elf64_Ehdr, e_shoff) : offsetof(Elf32_Ehdr, e_shoff));
	sections = is_64 ? byte_reader_u64(&reader) : byte_reader_u32(&reader);
	reader = byte_reader_of(header, sizeof(Elf64_Ehdr), swap);
	byte_reader_skip(&reader,
			 is_64 ? offsetof(Elf64_Ehdr, e_shnum) : offsetof(Elf32_Ehdr, e_shnum));
	n = byte_reader_u16(&reader);
	if (!n && sections)
		n = size_of_first_section(fd, sections, is_64, swap);
	return n <= MAX_SECTIONS;
}

static uint64_t size_of_zdebug(Elf *elf, Elf_Scn *section, const GElf_Shdr *shdr)
{
	size_t names;
	const char *name =
		elf_getshdrstrndx(elf, &names) ? NULL : elf_strptr(elf, names, shdr->sh_name);
	const Elf_Data *data = name && !strncmp(name, ".zdebug", strlen(".zdebug"))
				       ? elf_rawdata(section, NULL)
				       : NULL;
	uint64_t size;

	if (!data || !data->d_buf || data->d_size < ZDEBUG_HEADER ||
	    memcmp(data->d_buf, "ZLIB", strlen("ZLIB")))
		return 0;
	memcpy(&size, (const char *)data->d_buf + strlen("ZLIB"), sizeof(size));
	return GUINT64_FROM_BE(size);
}

/* To how many bytes libelf would unpack the section; 0 when it is not compressed. */
static uint64_t unpacked_size(Elf *elf, Elf_Scn *section, const GElf_Shdr *shdr)
{
	GElf_Chdr chdr;

	if (shdr->sh_type == SHT_NOBITS)
		return 0;
	if (shdr->sh_flags & SHF_COMPRESSED)
		return gelf_getchdr(section, &chdr) ? chdr.ch_size : 0;
	return size_of_zdebug(elf, section, shdr);
}

static bool spend(uint64_t *left, uint64_t size)
{
	if (size > *left)
		return false;
	*left -= size;
	return true;
}

static bool sections_fit(Elf *elf, uint64_t limit)
{
	uint64_t notes = MAX_NOTES;
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &shdr))
			continue;
		if (shdr.sh_type == SHT_NOTE && !spend(&notes, shdr.sh_size))
			return false;
		if (!spend(&limit, unpacked_size(elf, section, &shdr)))
			return false;
	}
	return true;
}

static bool segments_fit(Elf *elf)
{
	uint64_t notes = MAX_NOTES;
	size_t n;

	if (elf_getphdrnum(elf, &n))
		return true;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr phdr;

		if (gelf_getphdr(elf, (int)i, &phdr) && phdr.p_type == PT_NOTE &&
		    !spend(&notes, phdr.p_filesz))
			return false;
	}
	return true;
}

/* Otherwise libelf would look for the end of each name that is asked for. */
static bool names_end(Elf *elf)
{
	const Elf_Data *data;
	GElf_Shdr shdr;
	Elf_Scn *section;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) || !names)
		return true;
	section = elf_getscn(elf, names);
	data = section ? elf_rawdata(section, NULL) : NULL;
	return data && data->d_buf && data->d_size && gelf_getshdr(section, &shdr) &&
	       !(shdr.sh_flags & SHF_COMPRESSED) && !((const char *)data->d_buf)[data->d_size - 1];
}

/* Takes `elf`. */
static Elf *check(Elf *elf, uint64_t size, uint64_t limit, bool *too_large)
{
	GElf_Ehdr ehdr;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr) || !names_end(elf)) {
		elf_end(elf);
		return NULL;
	}
	if (size <= limit && sections_fit(elf, limit) && segments_fit(elf))
		return elf;
	*too_large = true;
	elf_end(elf);
	return NULL;
}

Elf *elf_sections_begin(int fd, bool *too_large)
{
	uint8_t header[sizeof(Elf64_Ehdr)] = {0};
	struct stat st;

	*too_large = false;
	if (pread(fd, header, sizeof(header), 0) < (ssize_t)sizeof(Elf32_Ehdr) ||
	    !has_magic(header) || fstat(fd, &st))
		return NULL;
	if (!has_few_sections(fd, header)) {
		*too_large = true;
		return NULL;
	}
	elf_version(EV_CURRENT);
	return check(elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, NULL), (uint64_t)st.st_size,
		     elf_sections_limit(fd), too_large);
}

Elf *elf_sections_begin_memory(char *bytes, size_t size, bool *too_large)
{
	uint8_t header[sizeof(Elf64_Ehdr)] = {0};

	*too_large = false;
	memcpy(header, bytes, MIN(size, sizeof(header)));
	if (size < sizeof(Elf32_Ehdr) || !has_magic(header))
		return NULL;
	elf_version(EV_CURRENT);
	return check(elf_memory(bytes, size), size, limit_of_size(size), too_large);
}

Elf_Data *elf_sections_data(Elf_Scn *section)
{
	GElf_Shdr shdr;
	Elf_Data *data;

	if (!gelf_getshdr(section, &shdr) || shdr.sh_type == SHT_NOBITS ||
	    ((shdr.sh_flags & SHF_COMPRESSED) && elf_compress(section, 0, 0) < 0))
		return NULL;
	data = elf_getdata(section, NULL);
	return data && data->d_buf ? data : NULL;
}

const char *elf_sections_string(const Elf_Data *strings, uint64_t offset, size_t max, size_t *size)
{
	const char *string, *end;

	if (!strings || offset >= strings->d_size)
		return NULL;
	string = (const char *)strings->d_buf + offset;
	/* Not elf_strptr(), which looks for the last NUL of the table each time. */
	end = memchr(string, 0, MIN(max, strings->d_size - offset));
	*size = end ? (size_t)(end - string) : 0;
	return *size ? string : NULL;
}

static Elf_Scn *find(Elf *elf, const char *name, GElf_Shdr *shdr)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, shdr) || (shdr->sh_flags & SHF_GROUP))
			continue;
		found = elf_strptr(elf, names, shdr->sh_name);
		if (found && !strcmp(found, name))
			return section;
	}
	return NULL;
}

Elf_Data *elf_sections_find(Elf *elf, const char *name, GElf_Shdr *shdr)
{
	Elf_Scn *section = find(elf, name, shdr);

	return section ? elf_sections_data(section) : NULL;
}

Elf_Data *elf_sections_find_debug(Elf *elf, const char *name)
{
	char zdebug[64];
	GElf_Shdr shdr;
	Elf_Data *data = elf_sections_find(elf, name, &shdr);
	Elf_Scn *section;

	if (data)
		return data;
	/* ".debug_info": ".zdebug_info" */
	g_snprintf(zdebug, sizeof(zdebug), ".z%s", name + 1);
	section = find(elf, zdebug, &shdr);
	if (!section || elf_compress_gnu(section, 0, 0) < 0)
		return NULL;
	return elf_sections_data(section);
}
