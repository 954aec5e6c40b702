/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Unpacks .gnu_debugdata by liblzma. What xz says of the size is not checked before all is
 * unpacked, so the bound is on what comes out.
 */
#include "symbols/mini_debug.h"

#include "symbols/elf_sections.h"

#include <glib.h>
#include <lzma.h>

/* What the dictionary of `xz -9` takes, and some more. */
#define MAX_MEMORY (96 << 20) /* bytes */
#define FIRST_SIZE (1 << 20)  /* bytes */

struct mini_debug {
	char *bytes; /* Owned by this: the ELF file */
	Elf *elf;    /* Owned by this */
};

/* The bytes, which the caller frees, and their number; NULL when they are damaged or too many. */
static char *unpack(const Elf_Data *packed, uint64_t limit, size_t *size, bool *too_large)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t capacity = MIN(FIRST_SIZE, limit);
	char *bytes = g_malloc(capacity);
	lzma_ret result = lzma_stream_decoder(&stream, MAX_MEMORY, 0);

	stream.next_in = packed->d_buf;
	stream.avail_in = packed->d_size;
	while (result == LZMA_OK) {
		if (stream.total_out == capacity) {
			if (capacity == limit) {
				result = LZMA_MEMLIMIT_ERROR;
				break;
			}
			capacity = MIN(2 * capacity, limit);
			bytes = g_realloc(bytes, capacity);
		}
		stream.next_out = (uint8_t *)bytes + stream.total_out;
		stream.avail_out = capacity - stream.total_out;
		result = lzma_code(&stream, LZMA_FINISH);
	}
	*size = stream.total_out;
	*too_large = result == LZMA_MEMLIMIT_ERROR;
	lzma_end(&stream);
	if (result != LZMA_STREAM_END)
		g_clear_pointer(&bytes, g_free);
	return bytes;
}

struct mini_debug *mini_debug_new(Elf *elf, uint64_t limit, bool *too_large)
{
	GElf_Shdr shdr;
	const Elf_Data *packed = elf_sections_find(elf, ".gnu_debugdata", &shdr);
	struct mini_debug *mini;
	size_t size;
	char *bytes;

	*too_large = false;
	bytes = packed ? unpack(packed, limit, &size, too_large) : NULL;
	if (!bytes)
		return NULL;
	mini = g_new0(struct mini_debug, 1);
	mini->bytes = bytes;
	mini->elf = elf_sections_begin_memory(bytes, size, too_large);
	if (!mini->elf)
		g_clear_pointer(&mini, mini_debug_free);
	return mini;
}

void mini_debug_free(struct mini_debug *mini)
{
	if (!mini)
		return;
	elf_end(mini->elf);
	g_free(mini->bytes);
	g_free(mini);
}

Elf *mini_debug_elf(const struct mini_debug *mini)
{
	return mini->elf;
}
