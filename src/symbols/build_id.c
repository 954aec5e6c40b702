/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Build-ids.
 */
#include "symbols/build_id.h"

#include "base/byte_reader.h"
#include "symbols/regular_file.h"

#include <elf.h>
#include <unistd.h>

#define NOTES_MAX_SIZE	   (1 << 20)  /* bytes; those of a kernel are some hundred */
#define ELF_NOTES_MAX_SIZE (64 << 10) /* bytes of one segment; usual are some hundred */
#define SEGMENTS_MAX	   256	      /* usual are some ten */

/* perf keeps 20 bytes and pads with zeros; a linker may be told to write fewer, or more. */
static size_t size_without_padding(const struct build_id *id)
{
	size_t size = id->size;

	while (size && !id->bytes[size - 1])
		size--;
	return size;
}

struct build_id build_id_of(const void *bytes, size_t size)
{
	struct build_id id = {.size = bytes ? MIN(size, DSO_BUILD_ID_MAX) : 0};

	if (id.size)
		memcpy(id.bytes, bytes, id.size);
	if (!size_without_padding(&id))
		id.size = 0;
	return id;
}

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
	return a->size && b->size && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

char *build_id_to_string(const struct build_id *id)
{
	GString *hex = g_string_new(id->size ? NULL : "none");

	for (size_t i = 0; i < id->size; i++)
		g_string_append_printf(hex, "%02x", id->bytes[i]);
	return g_string_free(hex, FALSE);
}

char *build_id_path(const char *dir, const struct build_id *id, const char *suffix)
{
	g_autofree char *hex = build_id_to_string(id);

	return g_strdup_printf("%s/.build-id/%.2s/%s%s", dir, hex, hex + 2, suffix);
}

/* Elf64_Nhdr, which is Elf32_Nhdr; name and descriptor are padded to 4 bytes. */
static struct build_id build_id_in_notes(struct byte_reader reader)
{
	while (reader.left && !reader.failed) {
		uint32_t name_size = byte_reader_u32(&reader);
		uint32_t desc_size = byte_reader_u32(&reader);
		uint32_t type = byte_reader_u32(&reader);
		const uint8_t *name = byte_reader_bytes(&reader, (name_size + 3ULL) & ~3ULL);
		const uint8_t *desc = byte_reader_bytes(&reader, (desc_size + 3ULL) & ~3ULL);

		if (!name || !desc)
			break;
		if (type == NT_GNU_BUILD_ID && name_size == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)))
			return build_id_of(desc, desc_size);
	}
	return (struct build_id){.size = 0};
}

struct build_id build_id_of_notes(const char *path)
{
	size_t size = 0;
	g_autofree char *bytes = regular_file_read(path, NOTES_MAX_SIZE, &size, NULL);

	return build_id_in_notes(byte_reader_of(bytes, size, false));
}

/* The fields of a header or a segment that matter, in files of either class. */
struct elf_place {
	uint64_t at; /* of the program headers; of what is in a segment */
	uint64_t size;
	unsigned int n, type;
};

static bool read_elf_header(int fd, struct elf_place *segments, bool *is_64_bit)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf64_Ehdr of_64;
		Elf32_Ehdr of_32;
	} header = {0};
	const int order = G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;

	if (pread(fd, &header, sizeof(header), 0) < (ssize_t)sizeof(header.of_32) ||
	    memcmp(header.ident, ELFMAG, SELFMAG) || header.ident[EI_DATA] != order)
		return false;
	*is_64_bit = header.ident[EI_CLASS] == ELFCLASS64;
	if (*is_64_bit)
		*segments = (struct elf_place){.at = header.of_64.e_phoff,
					       .size = sizeof(Elf64_Phdr),
					       .n = header.of_64.e_phnum};
	else
		*segments = (struct elf_place){.at = header.of_32.e_phoff,
					       .size = sizeof(Elf32_Phdr),
					       .n = header.of_32.e_phnum};
	return true;
}

static bool read_segment(int fd, uint64_t at, bool is_64_bit, struct elf_place *segment)
{
	union {
		Elf64_Phdr of_64;
		Elf32_Phdr of_32;
	} header = {0};
	const size_t size = is_64_bit ? sizeof(header.of_64) : sizeof(header.of_32);

	if (pread(fd, &header, size, (off_t)at) != (ssize_t)size)
		return false;
	if (is_64_bit)
		*segment = (struct elf_place){.at = header.of_64.p_offset,
					      .size = header.of_64.p_filesz,
					      .type = header.of_64.p_type};
	else
		*segment = (struct elf_place){.at = header.of_32.p_offset,
					      .size = header.of_32.p_filesz,
					      .type = header.of_32.p_type};
	return true;
}

/* None when it is no segment of notes, or one that is not to be believed. */
static struct build_id build_id_in_segment(int fd, const struct elf_place *segment)
{
	g_autofree uint8_t *notes = NULL;

	if (segment->type != PT_NOTE || segment->size > ELF_NOTES_MAX_SIZE)
		return (struct build_id){.size = 0};
	notes = g_malloc0(segment->size + 1);
	if (pread(fd, notes, segment->size, (off_t)segment->at) != (ssize_t)segment->size)
		return (struct build_id){.size = 0};
	return build_id_in_notes(byte_reader_of(notes, segment->size, false));
}

struct build_id build_id_of_elf(int fd)
{
	struct build_id id = {.size = 0};
	struct elf_place segments, segment;
	bool is_64_bit;

	if (!read_elf_header(fd, &segments, &is_64_bit))
		return id;
	for (unsigned int i = 0; i < MIN(segments.n, SEGMENTS_MAX) && !id.size; i++)
		if (read_segment(fd, segments.at + i * segments.size, is_64_bit, &segment))
			id = build_id_in_segment(fd, &segment);
	return id;
}
