/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The places where debug files are, and how one is recognised. libdwfl's own search knows neither
 * of --symfs nor of perf's cache, and opens whatever a file names.
 */
#include "symbols/debug_file.h"

#include "symbols/build_id.h"
#include "symbols/debuginfod.h"
#include "symbols/elf_sections.h"
#include "symbols/elf_symbols.h"
#include "symbols/recorded_file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Of which the checksum is made; the debug files that go by it are old and small. */
#define MAX_CRC_SIZE (1LL << 30) /* bytes */

/* What a debug file must have. */
struct wanted {
	struct build_id build_id;
	GElf_Word crc; /* of .gnu_debuglink */
	bool symtab;
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
	while (offset < MAX_CRC_SIZE && ((got = pread(fd, bytes, sizeof(bytes), offset)) > 0 ||
					 (got < 0 && errno == EINTR))) {
		for (ssize_t i = 0; i < got; i++)
			crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
		if (got > 0)
			offset += got;
	}
	return offset < MAX_CRC_SIZE && got == 0 && (crc ^ UINT32_MAX) == wanted;
}

static struct build_id build_id_in(Elf *elf)
{
	const void *bytes;
	const ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);

	return build_id_of(size > 0 ? bytes : NULL, (size_t)MAX(size, 0));
}

/* A copy of the stripped file has the build-id as well, but helps nobody. */
static bool is_wanted(int fd, Elf *elf, const struct wanted *wanted)
{
	const struct build_id found = build_id_in(elf);

	if (wanted->symtab && !elf_symbols_has_symtab(elf))
		return false;
	return wanted->build_id.size ? build_id_equal(&found, &wanted->build_id)
				     : has_crc(fd, wanted->crc);
}

/* Takes `fd`, which may be -1. NULL when it is not the wanted file. */
static struct debug_file *check(int fd, const struct wanted *wanted)
{
	struct debug_file *file = NULL;
	bool too_large;
	Elf *elf;

	if (fd < 0)
		return NULL;
	elf = elf_sections_begin(fd, &too_large);
	if (elf && is_wanted(fd, elf, wanted) && !elf_cntl(elf, ELF_C_FDREAD)) {
		file = g_new0(struct debug_file, 1);
		file->elf = elf;
	} else {
		elf_end(elf);
	}
	close(fd);
	return file;
}

/* Takes `path`. */
static struct debug_file *try_path(const char *root, char *path, const struct wanted *wanted)
{
	struct debug_file *file = check(recorded_file_open(root, path, NULL, NULL), wanted);

	if (file) {
		file->root = g_strdup(root);
		file->path = path;
	} else {
		g_free(path);
	}
	return file;
}

static struct debug_file *try_build_id(const struct debug_search *search,
				       const struct wanted *wanted)
{
	struct debug_file *file = NULL;

	if (search->symfs)
		file = try_path(search->symfs,
				build_id_path(DEBUG_DIR, &wanted->build_id, ".debug"), wanted);
	if (!file)
		file = try_path(NULL, build_id_path(DEBUG_DIR, &wanted->build_id, ".debug"),
				wanted);
	if (!file && search->buildid_dir)
		file = try_path(search->buildid_dir, build_id_path("", &wanted->build_id, "/debug"),
				wanted);
	return file;
}

/* Beside the file, in .debug beside it, and below the directories of debug files. */
static struct debug_file *try_debuglink(const struct debug_search *search,
					const struct wanted *wanted, const char *root,
					const char *path, const char *debuglink)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *recorded_dir =
		g_path_get_dirname(search->recorded_path ? search->recorded_path : path);
	struct debug_file *file = try_path(root, g_build_filename(dir, debuglink, NULL), wanted);

	if (!file)
		file = try_path(root, g_build_filename(dir, ".debug", debuglink, NULL), wanted);
	if (!file && search->symfs)
		file = try_path(search->symfs,
				g_build_filename(DEBUG_DIR, recorded_dir, debuglink, NULL), wanted);
	if (!file)
		file = try_path(NULL, g_build_filename(DEBUG_DIR, recorded_dir, debuglink, NULL),
				wanted);
	return file;
}

static struct debug_file *ask_debuginfod(const struct debug_search *search,
					 const struct wanted *wanted)
{
	if (!search->debuginfod || !wanted->build_id.size)
		return NULL;
	return check(debuginfod_find(search->debuginfod, &wanted->build_id), wanted);
}

struct debug_file *debug_file_find(const struct debug_search *search, Elf *elf, const char *root,
				   const char *path)
{
	struct wanted wanted = {.build_id = build_id_in(elf), .symtab = true};
	const char *debuglink = dwelf_elf_gnu_debuglink(elf, &wanted.crc);
	struct debug_file *file = NULL;

	if (wanted.build_id.size)
		file = try_build_id(search, &wanted);
	if (!file && debuglink && *debuglink && !strchr(debuglink, '/'))
		file = try_debuglink(search, &wanted, root, path, debuglink);
	return file ? file : ask_debuginfod(search, &wanted);
}

/* A name, its NUL, and a build-id. */
static const char *read_altlink(Elf *elf, struct build_id *id)
{
	GElf_Shdr shdr;
	const Elf_Data *data = elf_sections_find(elf, ".gnu_debugaltlink", &shdr);
	const char *name = data ? data->d_buf : NULL;
	const char *end = name ? memchr(name, 0, data->d_size) : NULL;

	if (!end)
		return NULL;
	*id = build_id_of(end + 1, data->d_size - (size_t)(end + 1 - name));
	return id->size ? name : NULL;
}

const char *debug_file_dwz_name(Elf *elf)
{
	struct build_id id;

	return read_altlink(elf, &id);
}

struct debug_file *debug_file_find_dwz(const struct debug_search *search, Elf *elf,
				       const char *root, const char *path)
{
	struct wanted wanted = {.symtab = false};
	const char *name = read_altlink(elf, &wanted.build_id);
	g_autofree char *dir = path ? g_path_get_dirname(path) : NULL;
	struct debug_file *file = NULL;

	if (!name || !*name)
		return NULL;
	if (g_path_is_absolute(name))
		file = try_path(root, g_strdup(name), &wanted);
	else if (dir)
		file = try_path(root, g_build_filename(dir, name, NULL), &wanted);
	if (!file)
		file = try_build_id(search, &wanted);
	return file ? file : ask_debuginfod(search, &wanted);
}

void debug_file_free(struct debug_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	g_free(file->root);
	g_free(file->path);
	g_free(file);
}
