/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes recordings whose samples lead to the ELF files of tests/lib/hostile_elf.h, and these files
 * below "elf", for --symfs.
 */
#include "hostile.h"

#include "lib/hostile_elf.h"

#define ELF_DIRECTORY "elf"
#define UNPACKED      (2100ULL << 20) /* bytes; what compressed parts of the files unpack to */
#define N_SAMPLES     40000

/* `n` is the kind of the file. */
static void sample_elf_file(struct hostile *hostile)
{
	g_autofree char *path =
		g_strconcat("/" ELF_DIRECTORY "/", hostile_elf_name(hostile->n), NULL);

	hostile_map(hostile, 0, HOSTILE_CODE_START, HOSTILE_ELF_N * HOSTILE_ELF_STEP * 2, path);
	for (guint64 i = 0; i < N_SAMPLES; i++)
		hostile_add_sample(hostile, i,
				   HOSTILE_CODE_START + HOSTILE_ELF_CODE +
					   i * 7919 % HOSTILE_ELF_N * HOSTILE_ELF_STEP);
}

static void write_elf_files(const char *directory)
{
	g_autofree char *elf = g_build_filename(directory, ELF_DIRECTORY, NULL);

	if (g_mkdir_with_parents(elf, 0777))
		g_error("cannot make %s", elf);
	for (guint kind = 0; kind < HOSTILE_ELF_N_KINDS; kind++) {
		g_autofree char *path = g_build_filename(elf, hostile_elf_name(kind), NULL);

		hostile_elf_write(kind, UNPACKED, path);
	}
}

int main(int argc, char **argv)
{
	struct hostile_recipe recipes[HOSTILE_ELF_N_KINDS];

	for (guint kind = 0; kind < HOSTILE_ELF_N_KINDS; kind++)
		recipes[kind] =
			(struct hostile_recipe){hostile_elf_name(kind), sample_elf_file, kind};
	if (argc == 2)
		write_elf_files(argv[1]);
	return hostile_main(argc, argv, recipes, G_N_ELEMENTS(recipes));
}
