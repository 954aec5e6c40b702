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

#include <fcntl.h>
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

static GPtrArray *read_path(const char *path, GError **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	GPtrArray *sites;

	g_assert_cmpint(fd, >=, 0);
	sites = sdt_notes_read(fd, path, "qemu", error);
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
		g_assert_cmpint(site->counter != 0, ==, probe->counter);
		if (site->counter)
			check_bytes(file, size, site->counter, PROBES_MAKER_COUNTER);
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
		      ": the probe colo_far is at address 0x123456789, where nothing of the "
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

/* Any bytes are read or refused; what is read is whole. */
static void check_damaged(const char *bytes, gsize size)
{
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) sites = NULL;

	g_assert_cmpint(write(fd, bytes, size), ==, (gssize)size);
	sites = sdt_notes_read(fd, "damaged", "qemu", &error);
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
	g_test_add_func("/sdt_notes/damaged", test_damaged);
	return g_test_run();
}
