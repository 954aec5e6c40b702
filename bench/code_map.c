/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes up call chains, and ELF files with nothing but symbols.
 *
 * The chains of an area are ways through a tree that is not kept: a node is a number, the
 * node below it a hash of it and of which child it is, and a node's function and return address
 * are taken from its bits. So chains that begin alike go through the same functions.
 */
#include "code_map.h"

#include <elf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#define FIRST_FUNCTION	  0x10000 /* offset in the file; before it lie the probes */
#define FUNCTION_SIZE	  0x100
#define N_PLACES	  48  /* of a function at which it calls or is interrupted, 4 bytes each */
#define N_CHAINS	  800 /* of an area */
#define RARE		  8   /* one function of so many is ever seen */
#define MIN_USER_FRAMES	  5
#define MAX_USER_FRAMES	  28
#define MAX_KERNEL_FRAMES 12

enum {
	FILE_QEMU,
	FILE_LIBC,
	FILE_GLIB,
	FILE_JIT,
	FILE_KERNEL,
};

#define SIZE_OF(n_functions) (FIRST_FUNCTION + (n_functions)*FUNCTION_SIZE)

const struct code_file code_files[] = {
	[FILE_QEMU] = {"/opt/colo-perf/qemu-system-x86_64", "qemu", 0x55d000000000, 0x800000, 20000,
		       FALSE},
	[FILE_LIBC] = {"/opt/colo-perf/libc.so.6", "libc", 0x7f1000000000, SIZE_OF(2500), 2500,
		       FALSE},
	[FILE_GLIB] = {"/opt/colo-perf/libglib-2.0.so.0", "g", 0x7f2000000000, SIZE_OF(1500), 1500,
		       FALSE},
	[FILE_JIT] = {"//anon", NULL, 0x7f3000000000, SIZE_OF(4000), 4000, FALSE},
	[FILE_KERNEL] = {"[kernel.kallsyms]_text", "sys", 0xffffffff81000000, SIZE_OF(8000), 8000,
			 TRUE},
};
const guint code_n_files = G_N_ELEMENTS(code_files);

struct chain {
	guint first, n; /* entries */
};

struct code_map {
	GArray *entries; /* Owned by this: guint64, of all chains */
	GArray *chains;	 /* Owned by this: struct chain, N_CHAINS for each area */
};

/* --- Chains --- */

/* Source: Steele, Lea, Flood, Fast splittable pseudorandom number generators (2014). */
static guint64 mix(guint64 number)
{
	number = (number ^ number >> 30) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
	return number ^ number >> 31;
}

static guint64 child_of(guint64 node, guint child)
{
	return mix(node + (child + 1) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15));
}

static guint64 address_of(guint64 node, guint file)
{
	const guint function = node % (code_files[file].n_functions / RARE) * RARE;
	const guint place = (node >> 40) % (N_PLACES - 4);

	return code_files[file].start + FIRST_FUNCTION + function * FUNCTION_SIZE + 0x10 +
	       4 * place;
}

/* Which file a frame lies in; libraries and generated code are called by QEMU and end the chain. */
static guint file_of(guint64 node, enum code_area area, guint left)
{
	const guint percent = (node >> 20) % 100;

	if (left == 0 && area == CODE_VCPU)
		return percent < 70 ? FILE_JIT : FILE_QEMU;
	if (left < 3)
		return percent < 40 ? FILE_LIBC : percent < 50 ? FILE_GLIB : FILE_QEMU;
	return FILE_QEMU;
}

/* A way down the tree, written backwards: the outermost frame stands last. */
static void add_frames(GArray *entries, guint64 node, struct dice *dice, guint n,
		       enum code_area area, gboolean kernel)
{
	const guint first = entries->len;

	g_array_set_size(entries, first + n);
	for (guint i = 0; i < n; i++) {
		/* All threads of an area begin alike, then the ways part. */
		node = child_of(node, i < 4 ? 0 : dice_range(dice, 0, 3));
		g_array_index(entries, guint64, first + n - 1 - i) = address_of(
			node, kernel ? (guint)FILE_KERNEL : file_of(node, area, n - 1 - i));
	}
}

static void add_chain(struct code_map *map, guint64 root, struct dice *dice, enum code_area area)
{
	const guint64 kernel_mark = (guint64)PERF_CONTEXT_KERNEL;
	const guint64 user_mark = (guint64)PERF_CONTEXT_USER;
	struct chain chain = {.first = map->entries->len};

	if (dice_range(dice, 0, 100) < 40) {
		g_array_append_val(map->entries, kernel_mark);
		add_frames(map->entries, root, dice, dice_range(dice, 1, MAX_KERNEL_FRAMES + 1),
			   area, TRUE);
	}
	g_array_append_val(map->entries, user_mark);
	add_frames(map->entries, root, dice, dice_range(dice, MIN_USER_FRAMES, MAX_USER_FRAMES + 1),
		   area, FALSE);
	chain.n = map->entries->len - chain.first;
	g_assert_cmpuint(chain.n, <=, CODE_MAX_CHAIN);
	g_array_append_val(map->chains, chain);
}

struct code_map *code_map_new(guint seed)
{
	struct code_map *map = g_new0(struct code_map, 1);
	struct dice dice = dice_of(seed);

	map->entries = g_array_new(FALSE, FALSE, sizeof(guint64));
	map->chains = g_array_new(FALSE, FALSE, sizeof(struct chain));
	for (guint area = 0; area < CODE_N_AREAS; area++) {
		for (guint i = 0; i < N_CHAINS; i++)
			add_chain(map, mix(seed + area), &dice, area);
	}
	return map;
}

void code_map_free(struct code_map *map)
{
	g_array_unref(map->entries);
	g_array_unref(map->chains);
	g_free(map);
}

guint code_map_draw(const struct code_map *map, struct dice *dice, enum code_area area,
		    guint64 *chain, gboolean *is_kernel)
{
	/* The product of three numbers is small more often than not: some chains are hot. */
	const guint64 number = (guint64)dice_range(dice, 0, 1024) * dice_range(dice, 0, 1024) *
				       dice_range(dice, 0, 1024) * N_CHAINS >>
			       30;
	const struct chain *drawn =
		&g_array_index(map->chains, struct chain, area * N_CHAINS + number);

	memcpy(chain, &g_array_index(map->entries, guint64, drawn->first),
	       drawn->n * sizeof(*chain));
	*is_kernel = chain[0] == (guint64)PERF_CONTEXT_KERNEL;
	chain[1] = (chain[1] & ~(guint64)(FUNCTION_SIZE - 1)) + 4 * dice_range(dice, 0, N_PLACES);
	return drawn->n;
}

/* --- Files --- */

/* Names are about as long as those of QEMU and of the kernel. */
static char *function_name(const struct code_file *file, guint function)
{
	static const char *const words[] = {"page",   "block",	 "find",  "flush",
					    "state",  "dirty",	 "queue", "lock",
					    "commit", "channel", "write", "vmstate"};
	const guint n = G_N_ELEMENTS(words);

	return g_strdup_printf("%s_%s_%s_%u", file->prefix, words[function % n],
			       words[function / n % n], function);
}

static void append(GByteArray *to, gconstpointer bytes, gsize size_bytes)
{
	g_byte_array_append(to, bytes, size_bytes);
}

static void add_symbols(const struct code_file *file, GByteArray *symbols, GByteArray *names)
{
	const Elf64_Sym none = {.st_shndx = SHN_UNDEF};

	append(symbols, &none, sizeof(none));
	append(names, "", 1);
	for (guint i = 0; i < file->n_functions; i++) {
		g_autofree char *name = function_name(file, i);
		const Elf64_Sym symbol = {.st_name = names->len,
					  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
					  .st_shndx = 1,
					  .st_value = FIRST_FUNCTION + i * FUNCTION_SIZE,
					  .st_size = FUNCTION_SIZE};

		append(symbols, &symbol, sizeof(symbol));
		append(names, name, strlen(name) + 1);
	}
}

/*
 * The code is a hole, and addresses are offsets in the file:
 *
 *    header | program header | code ... | symbols | names | section headers
 */
static gboolean write_elf(const struct code_file *file, const char *path, GError **error)
{
	static const char section_names[] = "\0.text\0.symtab\0.strtab\0.shstrtab";
	g_autoptr(GByteArray) symbols = g_byte_array_new(), names = g_byte_array_new();
	g_autoptr(GByteArray) elf = g_byte_array_new();
	Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					 ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_DYN,
			     .e_machine = EM_X86_64,
			     .e_version = EV_CURRENT,
			     .e_phoff = sizeof(Elf64_Ehdr),
			     .e_ehsize = sizeof(Elf64_Ehdr),
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = 1,
			     .e_shentsize = sizeof(Elf64_Shdr),
			     .e_shnum = 5,
			     .e_shstrndx = 4};
	const Elf64_Phdr code = {.p_type = PT_LOAD,
				 .p_flags = PF_R | PF_X,
				 .p_filesz = file->size_bytes,
				 .p_memsz = file->size_bytes,
				 .p_align = 0x1000};
	Elf64_Shdr sections[] = {
		{.sh_type = SHT_NULL},
		{.sh_name = 1,
		 .sh_type = SHT_PROGBITS,
		 .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		 .sh_addr = FIRST_FUNCTION,
		 .sh_offset = FIRST_FUNCTION,
		 .sh_size = file->size_bytes - FIRST_FUNCTION},
		{.sh_name = 7,
		 .sh_type = SHT_SYMTAB,
		 .sh_link = 3,
		 .sh_info = 1,
		 .sh_entsize = sizeof(Elf64_Sym)},
		{.sh_name = 15, .sh_type = SHT_STRTAB},
		{.sh_name = 23, .sh_type = SHT_STRTAB, .sh_size = sizeof(section_names)},
	};

	add_symbols(file, symbols, names);
	sections[2].sh_offset = file->size_bytes;
	sections[2].sh_size = symbols->len;
	sections[3].sh_offset = sections[2].sh_offset + symbols->len;
	sections[3].sh_size = names->len;
	sections[4].sh_offset = sections[3].sh_offset + names->len;
	header.e_shoff = sections[4].sh_offset + sizeof(section_names);

	g_byte_array_set_size(elf, file->size_bytes);
	memset(elf->data, 0, elf->len);
	memcpy(elf->data, &header, sizeof(header));
	memcpy(elf->data + sizeof(header), &code, sizeof(code));
	append(elf, symbols->data, symbols->len);
	append(elf, names->data, names->len);
	append(elf, section_names, sizeof(section_names));
	append(elf, sections, sizeof(sections));
	return g_file_set_contents(path, (const char *)elf->data, elf->len, error);
}

static gboolean write_kallsyms(const struct code_file *file, const char *path, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_printf(text, "%016" G_GINT64_MODIFIER "x T _text\n", file->start);
	for (guint i = 0; i < file->n_functions; i++) {
		g_autofree char *name = function_name(file, i);

		g_string_append_printf(text, "%016" G_GINT64_MODIFIER "x t %s\n",
				       file->start + FIRST_FUNCTION + i * FUNCTION_SIZE, name);
	}
	g_string_append_printf(text, "%016" G_GINT64_MODIFIER "x T _etext\n",
			       file->start + file->size_bytes);
	return g_file_set_contents(path, text->str, text->len, error);
}

static gboolean make_parent(const char *path, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(path);

	if (!g_mkdir_with_parents(parent, 0777))
		return TRUE;
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot make the directory %s",
		    parent);
	return FALSE;
}

gboolean code_map_write_symfs(const char *dir, GError **error)
{
	for (guint i = 0; i < code_n_files; i++) {
		const struct code_file *file = &code_files[i];
		g_autofree char *path =
			g_build_filename(dir, file->kernel ? "kallsyms" : file->path, NULL);

		if (!file->prefix)
			continue;
		if (!make_parent(path, error) ||
		    !(file->kernel ? write_kallsyms : write_elf)(file, path, error))
			return FALSE;
	}
	return TRUE;
}
