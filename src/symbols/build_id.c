/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Build-ids.
 */
#include "symbols/build_id.h"

#include "base/byte_reader.h"
#include "symbols/regular_file.h"

#include <elf.h>

#define NOTES_MAX_SIZE (1 << 20) /* bytes; those of a kernel are some hundred */

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
struct build_id build_id_of_notes(const char *path)
{
	struct build_id id = {.size = 0};
	size_t size = 0;
	g_autofree char *bytes = regular_file_read(path, NOTES_MAX_SIZE, &size, NULL);
	struct byte_reader reader = byte_reader_of(bytes, size, false);

	while (bytes && reader.left && !reader.failed) {
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
	return id;
}
