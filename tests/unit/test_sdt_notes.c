/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * probes/sdt_notes: where in a file its probes are, in programs that the compiler makes, and in
 * the same ones with damage.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "probes/sdt_notes.h"

#include "base/error.h"
#include "lib/dice.h"
#include "lib/elf_maker.h"
#include "lib/probes_maker.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_DAMAGED 4000

static const struct made_probe probes[] = {
	{"qemu", "colo_one", "-4@%eax", FALSE},
	{"other", "colo_one", "8@%rax", FALSE},
	{"qemu", "colo_two", "-4@%edi 8@-16(%rbp)", TRUE},
	{"qemu", "colo_one", "-4@%ebx", FALSE},
	{"qemu", "colo_none", "", TRUE},
	{NULL, NULL, NULL, FALSE},
};

static bool wants(const char *name, void *data)
{
	return g_str_has_prefix(name, data);
}

static GPtrArray *read_path(const char *path, GError **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	GPtrArray *sites;

	g_assert_cmpint(fd, >=, 0);
	sites = sdt_notes_read(fd, path, "qemu", wants, (void *)"colo_", error);
	close(fd);
	return sites;
}

static void check_bytes(const char *file, gsize size, uint64_t offset, const char *expected)
{
	g_assert_cmpuint(offset, <, size);
	g_assert_cmpmem(file + offset, strlen(expected), expected, strlen(expected));
}

/* The offsets are right where the file has what the assembler was told to put there. */
static void check_program(const char *dir, const char *name)
{
	static const guint expected[] = {0, 2, 3, 4};
	g_autofree char *path = elf_maker_path(dir, name), *file = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) sites = read_path(path, &error);
	gsize size;

	g_assert_no_error(error);
	g_assert_cmpuint(sites->len, ==, G_N_ELEMENTS(expected));
	g_assert_true(g_file_get_contents(path, &file, &size, NULL));
	for (guint i = 0; i < sites->len; i++) {
		const struct made_probe *probe = &probes[expected[i]];
		const struct sdt_site *site = g_ptr_array_index(sites, i);

		g_assert_cmpstr(site->name, ==, probe->name);
		g_assert_cmpstr(site->arguments, ==, probe->arguments);
		check_bytes(file, size, site->offset, PROBES_MAKER_PLACE);
		g_assert_cmpint(site->has_semaphore, ==, probe->counter);
		for (guint k = 0; k < i; k++)
			g_assert_cmpuint(((struct sdt_site *)g_ptr_array_index(sites, k))->offset,
					 !=, site->offset);
	}
}

static void test_places(void)
{
	/* Addresses that are offsets, that are not, and that are not by different amounts. */
	static const char *const options[] = {
		"-static-pie -fPIE", "-no-pie -static",
		"-no-pie -static -Wl,-Ttext=0x7654000,-Tdata=0x9876000", "-shared -fPIC"};
	char *dir = elf_maker_new_dir();

	for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
		probes_maker_compile(dir, "program", probes, options[i], 0);
		check_program(dir, "program");
		/* Stripped, as packages are. */
		g_free(elf_maker_run(dir, "strip -o stripped program"));
		check_program(dir, "stripped");
	}
	elf_maker_remove(dir);
}

static void test_moved(void)
{
	char *dir = elf_maker_new_dir();

	probes_maker_compile(dir, "program", probes, "-no-pie -static", 0x30000);
	check_program(dir, "program");
	elf_maker_remove(dir);
}

static void test_none(void)
{
	static const struct made_probe none[] = {{"other", "colo_one", "", FALSE},
						 {NULL, NULL, NULL, FALSE}};
	char *dir = elf_maker_new_dir();
	g_autofree char *program = elf_maker_path(dir, "program"),
			*bare = elf_maker_path(dir, "bare");
	g_autoptr(GPtrArray) sites = NULL, without = NULL;

	probes_maker_compile(dir, "program", none, "-no-pie -static", 0);
	g_free(elf_maker_run(dir, "objcopy -R .note.stapsdt program bare"));
	sites = read_path(program, NULL);
	without = read_path(bare, NULL);
	g_assert_cmpuint(sites->len, ==, 0);
	g_assert_cmpuint(without->len, ==, 0);
	elf_maker_remove(dir);
}

static void check_refused(const char *dir, const char *name, int code, const char *message)
{
	g_autofree char *path = elf_maker_path(dir, name);
	g_autofree char *expected = g_strconcat(path, message, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_null(read_path(path, &error));
	g_assert_error(error, COLO_PERF_ERROR, code);
	g_assert_cmpstr(error->message, ==, expected);
}

static void test_refused(void)
{
	char *dir = elf_maker_new_dir();

	elf_maker_write(dir, "text", "#!/bin/sh\nexec qemu\n");
	check_refused(dir, "text", COLO_PERF_ERROR_UNSUPPORTED, " is no ELF file");
	elf_maker_write(dir, "empty", "");
	check_refused(dir, "empty", COLO_PERF_ERROR_UNSUPPORTED, " is no ELF file");
	elf_maker_write(dir, "old.s", "nop\n");
	g_free(elf_maker_run(dir, "as --32 -o old old.s"));
	check_refused(dir, "old", COLO_PERF_ERROR_UNSUPPORTED,
		      " is no program for x86-64 (machine 3 of ELF): register its probes with "
		      "perf probe");
	elf_maker_write(dir, "far.s",
			".section .note.stapsdt,\"\",\"note\"\n.4byte 8, 2f - 1f, 3\n"
			".asciz \"stapsdt\"\n1: .8byte 0x123456789, 0, 0\n"
			".asciz \"qemu\"\n.asciz \"colo_far\"\n.asciz \"\"\n2: .balign 4\n");
	g_free(elf_maker_run(dir, "gcc -nostdlib -no-pie -static -Wl,-e,0 -o far far.s"));
	check_refused(dir, "far", COLO_PERF_ERROR_MALFORMED,
		      ": the probe colo_far is at address 0x123456789, where no code of the "
		      "file is");
	elf_maker_write(dir, "short.s",
			".section .note.stapsdt,\"\",\"note\"\n.4byte 8, 2f - 1f, 3\n"
			".asciz \"stapsdt\"\n1: .8byte 0x400000, 0, 0\n"
			".asciz \"qemu\"\n.ascii \"colo\"\n2: .balign 4\n");
	g_free(elf_maker_run(dir, "gcc -nostdlib -no-pie -static -Wl,-e,0 -o short short.s"));
	check_refused(dir, "short", COLO_PERF_ERROR_MALFORMED,
		      ": a note in .note.stapsdt is shorter than its fields");
	elf_maker_write(dir, "cut.s",
			".section .note.stapsdt,\"\",\"note\"\n.4byte 8, 200, 3\n"
			".asciz \"stapsdt\"\n");
	g_free(elf_maker_run(dir, "gcc -nostdlib -no-pie -static -Wl,-e,0 -o cut cut.s"));
	check_refused(dir, "cut", COLO_PERF_ERROR_MALFORMED,
		      ": the notes in .note.stapsdt are damaged");
	elf_maker_remove(dir);
}

/* "colo_far" where `place` is, an expression of the assembler; refused with `message`. */
static void check_place(const char *dir, const char *place, const char *arguments,
			const char *message)
{
	g_autofree char *text = g_strdup_printf(
		".text\n.globl _start\n_start: nop\nbranch: ret\n.data\ndata: .byte 0x90\n"
		".section .note.stapsdt,\"\",\"note\"\n.4byte 8, 2f - 1f, 3\n"
		".asciz \"stapsdt\"\n1: .8byte %s, 0, 0\n"
		".asciz \"qemu\"\n.asciz \"colo_far\"\n.asciz \"%s\"\n2: .balign 4\n",
		place, arguments);

	elf_maker_write(dir, "place.s", text);
	g_free(elf_maker_run(dir, "gcc -nostdlib -no-pie -static -Wl,-Ttext=0x700000 "
				  "-Wl,-Tdata=0x900000 -o place place.s"));
	check_refused(dir, "place", COLO_PERF_ERROR_MALFORMED, message);
}

/* A breakpoint goes to a nop in code, as sys/sdt.h makes it, and nowhere else. */
static void test_place(void)
{
	char *dir = elf_maker_new_dir();

	check_place(dir, "branch", "",
		    ": the probe colo_far is at address 0x700001, where no nop is");
	check_place(dir, "data", "",
		    ": the probe colo_far is at address 0x900000, where no code of the file is");
	check_place(dir, "_start - 0x1000", "",
		    ": the probe colo_far is at address 0x6ff000, where no code of the file is");
	elf_maker_remove(dir);
}

/* --- What a file declares, and what that costs --- */

static void write_at(const char *path, goffset offset, guint64 value, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	g_assert_cmpint(pwrite(fd, &value, size, offset), ==, (gssize)size);
	close(fd);
}

/* Where the header of a section is in the file. */
static goffset section_header(const char *dir, const char *name, const char *section)
{
	g_autofree char *command = g_strdup_printf("readelf -SW %s", name);
	g_autofree char *output = elf_maker_run(dir, command);
	g_autofree char *path = elf_maker_path(dir, name), *file = NULL;
	const char *line = strstr(output, section);
	Elf64_Ehdr header;

	g_assert_nonnull(line);
	while (*line != '[')
		line--;
	g_assert_true(g_file_get_contents(path, &file, NULL, NULL));
	memcpy(&header, file, sizeof(header));
	return (goffset)(header.e_shoff + strtoull(line + 1, NULL, 10) * sizeof(Elf64_Shdr));
}

/* A file of 4 KiB on the disk, whose notes are 3 GB of zeros. */
static void test_sparse(void)
{
	const guint64 size = UINT64_C(3) << 30;
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "sparse");
	goffset header;

	probes_maker_compile(dir, "sparse", probes, "-no-pie -static", 0);
	header = section_header(dir, "sparse", ".note.stapsdt");
	write_at(path, header + (goffset)offsetof(Elf64_Shdr, sh_size), size, sizeof(size));
	g_assert_cmpint(truncate(path, (off_t)size * 2), ==, 0);
	check_refused(dir, "sparse", COLO_PERF_ERROR_UNSUPPORTED,
		      ": .note.stapsdt has 3221225472 bytes: expected at most 16777216");
	elf_maker_remove(dir);
}

static void test_many_sections(void)
{
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "sections");

	probes_maker_compile(dir, "sections", probes, "-no-pie -static", 0);
	write_at(path, offsetof(Elf64_Ehdr, e_phnum), 2000, sizeof(uint16_t));
	write_at(path, offsetof(Elf64_Ehdr, e_shnum), 0xfeff, sizeof(uint16_t));
	g_assert_cmpint(truncate(path, 1 << 30), ==, 0);
	check_refused(dir, "sections", COLO_PERF_ERROR_UNSUPPORTED,
		      " has 2000 segments and 65279 sections: expected at most 1024 and 16384");
	elf_maker_remove(dir);
}

/* 5,000 that nobody wants are passed over, of those that are wanted there are too many. */
static void test_many_notes(void)
{
	const guint n = 5000;
	g_autofree struct made_probe *made = g_new0(struct made_probe, n + 1);
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "others");
	GPtrArray *sites;

	for (guint i = 0; i < n; i++)
		made[i] = (struct made_probe){"qemu", i == n / 2 ? "colo_one" : "other", "", FALSE};
	probes_maker_compile(dir, "others", made, "-no-pie -static", 0);
	sites = read_path(path, NULL);
	g_assert_cmpuint(sites->len, ==, 1);
	g_ptr_array_unref(sites);
	for (guint i = 0; i < n; i++)
		made[i].name = "colo_one";
	probes_maker_compile(dir, "many", made, "-no-pie -static", 0);
	check_refused(dir, "many", COLO_PERF_ERROR_UNSUPPORTED,
		      " has more than 1024 places of probes");
	elf_maker_remove(dir);
}

static void test_long_arguments(void)
{
	g_autofree char *text = g_strnfill(SDT_NOTES_MAX_ARGUMENTS + 1, '8');
	const struct made_probe made[] = {{"qemu", "colo_one", text, FALSE},
					  {NULL, NULL, NULL, FALSE}};
	char *dir = elf_maker_new_dir();

	probes_maker_compile(dir, "long", made, "-no-pie -static", 0);
	check_refused(dir, "long", COLO_PERF_ERROR_UNSUPPORTED,
		      ": the arguments of the probe colo_one are longer than 2048 bytes");
	elf_maker_remove(dir);
}

/* Any bytes are read or refused; what is read is whole. */
static void check_damaged(const char *bytes, gsize size)
{
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) sites = NULL;

	g_assert_cmpint(write(fd, bytes, size), ==, (gssize)size);
	sites = sdt_notes_read(fd, "damaged", "qemu", wants, (void *)"", &error);
	g_assert_true((sites == NULL) == (error != NULL));
	for (guint i = 0; sites && i < sites->len; i++) {
		const struct sdt_site *site = g_ptr_array_index(sites, i);

		g_assert_nonnull(site->name);
		g_assert_nonnull(site->arguments);
	}
	close(fd);
}

static void test_damaged(void)
{
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "program"), *file = NULL;
	struct dice dice = dice_of(1);
	gsize size;

	probes_maker_compile(dir, "program", probes, "-no-pie -static -s", 0);
	g_assert_true(g_file_get_contents(path, &file, &size, NULL));
	for (gsize cut = 0; cut < size; cut += 1 + cut / 256)
		check_damaged(file, cut);
	for (guint i = 0; i < N_DAMAGED; i++) {
		g_autofree char *copy = g_memdup2(file, size);

		for (guint n = 0; n <= i % 3; n++)
			copy[dice_range(&dice, 0, size)] = (char)dice_range(&dice, 0, 256);
		check_damaged(copy, size);
	}
	elf_maker_remove(dir);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sdt_notes/places", test_places);
	g_test_add_func("/sdt_notes/moved", test_moved);
	g_test_add_func("/sdt_notes/none", test_none);
	g_test_add_func("/sdt_notes/refused", test_refused);
	g_test_add_func("/sdt_notes/place", test_place);
	g_test_add_func("/sdt_notes/sparse", test_sparse);
	g_test_add_func("/sdt_notes/many-sections", test_many_sections);
	g_test_add_func("/sdt_notes/many-notes", test_many_notes);
	g_test_add_func("/sdt_notes/long-arguments", test_long_arguments);
	g_test_add_func("/sdt_notes/damaged", test_damaged);
	return g_test_run();
}
