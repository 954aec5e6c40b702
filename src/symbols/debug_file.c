/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The places where debug files are, and how one is recognised. libdwfl's own
 * search knows neither of --symfs nor of perf's cache, and would block on a FIFO.
 */
#include "symbols/debug_file.h"

#include "symbols/build_id.h"
#include "symbols/regular_file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a debug file must have. */
struct wanted {
	struct build_id build_id;
	GElf_Word crc; /* of .gnu_debuglink */
};

static void make_crc_table(uint32_t table[256])
{
	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
	}
}

/* CRC-32 of IEEE 802.3, of the whole file. */
static bool has_crc(int fd, GElf_Word wanted)
{
	uint32_t table[256], crc = UINT32_MAX;
	uint8_t bytes[64 << 10];
	off_t offset = 0;
	ssize_t got;

	make_crc_table(table);
	while ((got = pread(fd, bytes, sizeof(bytes), offset)) > 0 || (got < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < got; i++)
			crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
		if (got > 0)
			offset += got;
	}
	return got == 0 && (crc ^ UINT32_MAX) == wanted;
}

static bool has_build_id(Elf *elf, const struct build_id *wanted)
{
	const void *bytes;
	ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);
	const struct build_id id = build_id_of(size > 0 ? bytes : NULL, (size_t)MAX(size, 0));

	return build_id_equal(&id, wanted);
}

bool debug_file_has_symtab(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &shdr) && shdr.sh_type == SHT_SYMTAB)
			return true;
	}
	return false;
}

/* A copy of the stripped file has the build-id as well, but helps nobody. */
static bool is_wanted(int fd, const struct wanted *wanted)
{
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	bool result = elf && elf_kind(elf) == ELF_K_ELF && debug_file_has_symtab(elf) &&
		      (wanted->build_id.size ? has_build_id(elf, &wanted->build_id)
					     : has_crc(fd, wanted->crc));

	elf_end(elf);
	return result;
}

/* The descriptor of the file at `path` when it is the wanted one, or -1. Takes `path`. */
static int try_path(char *path, const struct wanted *wanted, char **found)
{
	int fd = regular_file_open(path, NULL, NULL);

	if (fd >= 0 && is_wanted(fd, wanted)) {
		/* Not `path`: libdwfl free()s it. */
		*found = strdup(path);
	} else if (fd >= 0) {
		close(fd);
		fd = -1;
	}
	g_free(path);
	return fd;
}

static int try_build_id(const struct debug_search *search, const struct wanted *wanted,
			char **found)
{
	g_autofree char *below_symfs =
		g_strconcat(search->symfs ? search->symfs : "", DEBUG_DIR, NULL);
	int fd = try_path(build_id_path(below_symfs, &wanted->build_id, ".debug"), wanted, found);

	if (fd < 0 && search->symfs)
		fd = try_path(build_id_path(DEBUG_DIR, &wanted->build_id, ".debug"), wanted, found);
	if (fd < 0 && search->buildid_dir)
		fd = try_path(build_id_path(search->buildid_dir, &wanted->build_id, "/debug"),
			      wanted, found);
	return fd;
}

/* Beside the file, in .debug beside it, and below the directories of debug files. */
static int try_debuglink(const struct debug_search *search, const struct wanted *wanted,
			 const char *file_name, const char *debuglink, char **found)
{
	g_autofree char *dir = g_path_get_dirname(file_name);
	g_autofree char *recorded_dir =
		g_path_get_dirname(search->recorded_path ? search->recorded_path : file_name);
	int fd = try_path(g_build_filename(dir, debuglink, NULL), wanted, found);

	if (fd < 0)
		fd = try_path(g_build_filename(dir, ".debug", debuglink, NULL), wanted, found);
	if (fd < 0 && search->symfs)
		fd = try_path(
			g_build_filename(search->symfs, DEBUG_DIR, recorded_dir, debuglink, NULL),
			wanted, found);
	if (fd < 0)
		fd = try_path(g_build_filename(DEBUG_DIR, recorded_dir, debuglink, NULL), wanted,
			      found);
	return fd;
}

static struct wanted wanted_of(Dwfl_Module *module, GElf_Word crc)
{
	struct wanted wanted = {.crc = crc};
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(module, &bias);
	const void *bytes;
	ssize_t size = elf ? dwelf_elf_gnu_build_id(elf, &bytes) : 0;

	if (size > 0)
		wanted.build_id = build_id_of(bytes, (size_t)size);
	return wanted;
}

int debug_file_find(Dwfl_Module *module, void **user_data, const char *name, Dwarf_Addr base,
		    const char *file_name, const char *debuglink, GElf_Word debuglink_crc,
		    char **debug_file_name)
{
	const struct debug_search *search = *user_data;
	const char *debuginfod = getenv("DEBUGINFOD_URLS");
	/* For the file of dwz, libdwfl gives its name and no checksum. */
	const bool is_dwz = debuglink && !debuglink_crc;
	struct wanted wanted;
	int fd = -1;

	if (!is_dwz) {
		wanted = wanted_of(module, debuglink_crc);
		if (wanted.build_id.size)
			fd = try_build_id(search, &wanted, debug_file_name);
		if (fd < 0 && file_name && debuglink && *debuglink && !strchr(debuglink, '/'))
			fd = try_debuglink(search, &wanted, file_name, debuglink, debug_file_name);
		if (fd >= 0 || !debuginfod || !*debuginfod)
			return fd;
	}
	return dwfl_standard_find_debuginfo(module, user_data, name, base, file_name, debuglink,
					    debuglink_crc, debug_file_name);
}
