/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds split units. Where a .dwo file is stands in the program, and is as little trusted as what
 * stands in a recording.
 */
#include "symbols/split_dwarf.h"

#include "base/hash.h"
#include "symbols/dwarf_form.h"
#include "symbols/elf_sections.h"
#include "symbols/recorded_file.h"

#include <dwarf.h>
#include <unistd.h>

/* The numbers of sections in an index: DWARF 5, 7.3.5.3; GCC's of DWARF 4 agree but for the last.
 */
enum {
	SECT_INFO = 1,
	SECT_ABBREV = 3,
	SECT_STR_OFFSETS = 6,
	SECT_RNGLISTS = 8,
	SECT_MAX = 8,
};

/* Where one unit's part of each section is. */
struct part {
	uint64_t id;
	struct {
		uint32_t offset, size; /* bytes */
	} sections[SECT_MAX + 1];
};

struct split_dwarf {
	char *symfs;		     /* Owned by this, and what follows */
	char *roots[2], *paths[2];   /* of the program and of its debug file */
	struct dwarf_budget *budget; /* Weak */
	GPtrArray *elfs;	     /* Owned by this: Elf (owned) that what follows is in */
	GPtrArray *files;	     /* Owned by this: struct dwarf_file (owned) */

	bool looked_for_package;    /* what follows is known */
	struct dwarf_file *package; /* Weak: in `files`; NULL when there is no .dwp */
	uint16_t package_version;
	GHashTable *parts; /* Owned by this: id to struct part (owned, with the id in it) */

	guint n_missing;
	char *first_missing; /* Owned by this */
};

static void free_elf(gpointer elf)
{
	elf_end(elf);
}

struct split_dwarf *split_dwarf_new(const char *symfs, const struct split_place *program,
				    const struct split_place *debug, struct dwarf_budget *budget)
{
	struct split_dwarf *split = g_new0(struct split_dwarf, 1);
	const struct split_place *const places[] = {program, debug};

	split->symfs = g_strdup(symfs);
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		split->roots[i] = g_strdup(places[i]->root);
		split->paths[i] = g_strdup(places[i]->path);
	}
	split->budget = budget;
	split->elfs = g_ptr_array_new_with_free_func(free_elf);
	split->files = g_ptr_array_new_with_free_func((GDestroyNotify)dwarf_file_free);
	split->parts = g_hash_table_new_full(hash_int64, g_int64_equal, NULL, g_free);
	return split;
}

void split_dwarf_free(struct split_dwarf *split)
{
	if (!split)
		return;
	g_hash_table_unref(split->parts);
	g_ptr_array_unref(split->files);
	g_ptr_array_unref(split->elfs);
	for (size_t i = 0; i < G_N_ELEMENTS(split->paths); i++) {
		g_free(split->roots[i]);
		g_free(split->paths[i]);
	}
	g_free(split->symfs);
	g_free(split->first_missing);
	g_free(split);
}

/* Kept until the end. A program has hundreds of such files, so that none stays open. */
static Elf *open_elf(struct split_dwarf *split, const char *root, const char *path)
{
	const int fd = recorded_file_open(root, path, NULL, NULL);
	bool too_large;
	Elf *elf;

	if (fd < 0)
		return NULL;
	elf = elf_sections_begin(fd, &too_large);
	if (elf && elf_cntl(elf, ELF_C_FDREAD))
		g_clear_pointer(&elf, elf_end);
	close(fd);
	if (elf)
		g_ptr_array_add(split->elfs, elf);
	return elf;
}

/* Takes `file`. */
static struct dwarf_file *keep(struct split_dwarf *split, struct dwarf_file *file)
{
	g_ptr_array_add(split->files, file);
	return file;
}

/* --- PROGRAM.dwp --- */

/* An index: a hash table of ids, then a row of offsets and of sizes for each unit. */
struct index {
	struct byte_reader reader;
	uint32_t n_columns, n_units, n_slots;
	uint16_t version;
};

static bool read_index_header(struct index *index)
{
	/* Four bytes in GCC's format, where the last two are 0 too. */
	struct byte_reader half = index->reader;
	const uint32_t word = byte_reader_u32(&index->reader);

	index->version = byte_reader_u16(&half);
	if (word == 2)
		index->version = 2;
	index->n_columns = byte_reader_u32(&index->reader);
	index->n_units = byte_reader_u32(&index->reader);
	index->n_slots = byte_reader_u32(&index->reader);
	return !index->reader.failed && (index->version == 2 || index->version == 5);
}

static uint32_t u32_at(const struct index *index, uint64_t offset)
{
	struct byte_reader reader = index->reader;

	byte_reader_skip(&reader, offset);
	return byte_reader_u32(&reader);
}

/* The part of the unit in a row, from 1 on. */
static void add_part(struct split_dwarf *split, const struct index *index, uint64_t id,
		     uint32_t row)
{
	const uint64_t slots = 12 * (uint64_t)index->n_slots;
	const uint64_t line = 4 * (uint64_t)index->n_columns;
	struct part *part;

	if (!row || row > index->n_units)
		return;
	part = g_new0(struct part, 1);
	part->id = id;
	for (uint32_t i = 0; i < index->n_columns; i++) {
		const uint32_t section = u32_at(index, slots + 4 * (uint64_t)i);
		const uint64_t offset = slots + row * line + 4 * (uint64_t)i;

		if (section > SECT_MAX)
			continue;
		part->sections[section].offset = u32_at(index, offset);
		part->sections[section].size = u32_at(index, offset + index->n_units * line);
	}
	g_hash_table_replace(split->parts, &part->id, part);
}

static void read_index(struct split_dwarf *split, Elf *elf)
{
	GElf_Shdr shdr;
	const Elf_Data *data = elf_sections_find(elf, ".debug_cu_index", &shdr);
	struct index index;

	if (!data)
		return;
	index.reader = byte_reader_of(data->d_buf, data->d_size, split->package->swap);
	if (!read_index_header(&index) || index.n_columns > SECT_MAX + 1)
		return;
	split->package_version = index.version;
	for (uint32_t i = 0; i < index.n_slots; i++) {
		struct byte_reader ids = index.reader;
		uint64_t id;

		if (!dwarf_spend(split->budget, &split->budget->steps, 1))
			return;
		byte_reader_skip(&ids, 8 * (uint64_t)i);
		id = byte_reader_u64(&ids);
		if (ids.failed)
			return;
		add_part(split, &index, id,
			 u32_at(&index, 8 * (uint64_t)index.n_slots + 4 * (uint64_t)i));
	}
}

static void look_for_package(struct split_dwarf *split)
{
	Elf *elf = NULL;

	if (split->looked_for_package)
		return;
	split->looked_for_package = true;
	for (size_t i = 0; i < G_N_ELEMENTS(split->paths) && !elf; i++) {
		g_autofree char *path =
			split->paths[i] ? g_strconcat(split->paths[i], ".dwp", NULL) : NULL;

		if (path)
			elf = open_elf(split, split->roots[i], path);
	}
	if (!elf)
		return;
	split->package = keep(split, dwarf_file_new(elf, true, split->budget));
	read_index(split, elf);
}

static void cut(struct dwarf_bytes *bytes, const struct part *part, guint section)
{
	const uint64_t offset = MIN(part->sections[section].offset, bytes->size);

	bytes->tainted += offset;
	bytes->size = MIN(part->sections[section].size, bytes->size - offset);
}

/* A file that has only the unit's part of each section. */
static struct dwarf_file *find_in_package(struct split_dwarf *split, uint64_t id)
{
	const struct part *part;
	struct dwarf_file *file;

	look_for_package(split);
	part = g_hash_table_lookup(split->parts, &id);
	if (!part)
		return NULL;
	file = keep(split, dwarf_file_copy(split->package));
	cut(&file->sections[DWARF_INFO], part, SECT_INFO);
	cut(&file->sections[DWARF_ABBREV], part, SECT_ABBREV);
	cut(&file->sections[DWARF_STR_OFFSETS], part, SECT_STR_OFFSETS);
	if (split->package_version >= 5)
		cut(&file->sections[DWARF_RNGLISTS], part, SECT_RNGLISTS);
	return file;
}

/* --- .dwo --- */

/* Where the compiler wrote it; the caller frees it. */
static char *path_of_dwo(const struct split_dwarf *split, const char *dir, const char *name)
{
	g_autofree char *program_dir = g_path_get_dirname(split->paths[0]);

	if (g_path_is_absolute(name))
		return g_strdup(name);
	if (dir && g_path_is_absolute(dir))
		return g_build_filename(dir, name, NULL);
	/* Paths that were made not to depend on where it was built. */
	return g_build_filename(program_dir, dir ? dir : ".", name, NULL);
}

static struct dwarf_file *find_dwo(struct split_dwarf *split, const char *dir, const char *name)
{
	g_autofree char *path = path_of_dwo(split, dir, name);
	g_autofree char *program_dir = g_path_get_dirname(split->paths[0]);
	g_autofree char *base = g_path_get_basename(name);
	g_autofree char *beside = g_build_filename(program_dir, base, NULL);
	Elf *elf = open_elf(split, split->symfs, path);

	if (!elf)
		elf = open_elf(split, split->roots[0], beside);
	return elf ? keep(split, dwarf_file_new(elf, true, split->budget)) : NULL;
}

/* --- The unit --- */

bool split_dwarf_is_skeleton(const struct dwarf_unit *unit, const struct dwarf_die *die)
{
	return unit->type == DW_UT_skeleton ||
	       (die->values[DWARF_DWO_NAME].form && !unit->file->is_split && unit->id);
}

static struct dwarf_unit *find_unit(struct dwarf_file *file, const struct dwarf_unit *skeleton)
{
	struct dwarf_die die;

	dwarf_file_read_units(file);
	for (guint i = 0; i < file->units->len; i++) {
		struct dwarf_unit *unit = &g_array_index(file->units, struct dwarf_unit, i);

		unit->skeleton = skeleton;
		if (dwarf_unit_read(unit, &die) && unit->id == skeleton->id)
			return unit;
	}
	return NULL;
}

struct dwarf_unit *split_dwarf_find(struct split_dwarf *split, const struct dwarf_unit *skeleton,
				    const struct dwarf_die *die)
{
	const char *name = dwarf_unit_string(skeleton, &die->values[DWARF_DWO_NAME]);
	const char *dir = dwarf_unit_string(skeleton, &die->values[DWARF_COMP_DIR]);
	struct dwarf_file *file = find_in_package(split, skeleton->id);
	struct dwarf_unit *unit;

	if (!file && name && *name)
		file = find_dwo(split, dir, name);
	unit = file ? find_unit(file, skeleton) : NULL;
	if (!unit && !split->n_missing++)
		split->first_missing = path_of_dwo(split, dir, name ? name : "?");
	return unit;
}

guint split_dwarf_missing(const struct split_dwarf *split, const char **first)
{
	*first = split->first_missing;
	return split->n_missing;
}
