/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What DSOs read out of ELF files beyond symbols: inlined functions, as addr2line
 * tells them; the vDSO; and files that are cut or damaged anywhere.
 */
#define _GNU_SOURCE /* RTLD_NOLOAD, dl_iterate_phdr() */
#include "lib/dso_fixture.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Asks for all that can be asked. */
static void ask_everything(const struct dso_fixture *fixture)
{
	const char *names[8];
	struct dso_symbol symbol;

	for (guint64 offset = 0xff0; offset < 0x1100; offset++) {
		if (dso_find_symbol(fixture->dso, offset, &symbol))
			g_assert_true(symbol.start <= offset && offset < symbol.end);
		g_assert_cmpuint(dso_find_inlines(fixture->dso, offset, names, 8), <=, 8);
	}
}

static void write_prog(const struct dso_fixture *fixture, const char *bytes, gsize size)
{
	g_autoptr(GError) error = NULL;

	/* Not g_file_set_contents(): the file keeps its inode. */
	g_assert_true(g_file_set_contents_full(fixture->path, bytes, (gssize)size,
					       G_FILE_SET_CONTENTS_NONE, 0644, &error));
	g_assert_no_error(error);
}

/* Cut after each of its first bytes and then at each 61st. */
static void test_cut(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *bytes = NULL;
	gsize size;
	guint n_used = 0;

	fixture->options.inlines = true;
	fixture->options.symfs = fixture->dir;
	fixture->identity.path = "/prog";
	g_assert_true(g_file_get_contents(fixture->path, &bytes, &size, NULL));
	for (gsize cut = 0; cut < size; cut += cut < 600 ? 1 : 61) {
		write_prog(fixture, bytes, cut);
		dso_fixture_renew(fixture);
		ask_everything(fixture);
		n_used += dso_elf_path(fixture->dso) != NULL;
	}
	g_assert_cmpuint(n_used, >, 0);
}

/* Marsaglia's xorshift: the same values in each run. */
static guint32 next_random(guint32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Some bytes are others, in any part of the file. */
static void test_random_damage(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *bytes = NULL;
	g_autofree char *damaged = NULL;
	gsize size;
	guint n_named = 0;
	guint32 state = 20240229;

	fixture->options.inlines = true;
	fixture->options.symfs = fixture->dir;
	fixture->identity.path = "/prog";
	g_assert_true(g_file_get_contents(fixture->path, &bytes, &size, NULL));
	damaged = g_malloc(size);
	for (guint i = 0; i < 1000; i++) {
		struct dso_symbol symbol;

		memcpy(damaged, bytes, size);
		for (guint j = 0; j < 1 + i % 16; j++)
			damaged[next_random(&state) % size] = (char)next_random(&state);
		write_prog(fixture, damaged, size);
		dso_fixture_renew(fixture);
		ask_everything(fixture);
		n_named += dso_find_symbol(fixture->dso, 0x1050, &symbol);
	}
	g_assert_cmpuint(n_named, >, 0);
}

static void assert_inlines(struct dso_fixture *fixture)
{
	const guint64 hidden = dso_fixture_offset(fixture, "hidden_one");
	const char *names[8];

	dso_fixture_assert_inlines(fixture);
	g_assert_cmpuint(dso_find_inlines(fixture->dso, hidden, names, 8), ==, 0);
	g_assert_cmpuint(dso_find_inlines(fixture->dso, UINT64_MAX, names, 8), ==, 0);
}

static void test_inlines(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const char *name;

	dso_fixture_open(fixture, DSO_OK);
	for (guint64 offset = 0; offset < 0x2000; offset++)
		g_assert_cmpuint(dso_find_inlines(fixture->dso, offset, &name, 1), ==, 0);
	fixture->options.inlines = true;
	dso_fixture_open(fixture, DSO_OK);
	assert_inlines(fixture);
	/* In a debug file. */
	dso_fixture_run(fixture, "objcopy --only-keep-debug whole prog.debug");
	dso_fixture_run(fixture, "strip prog");
	dso_fixture_run(fixture, "objcopy --add-gnu-debuglink=prog.debug prog");
	dso_fixture_open(fixture, DSO_OK);
	assert_inlines(fixture);
	dso_fixture_run(fixture, "rm prog.debug");
	dso_fixture_open(fixture, DSO_ONLY_EXPORTED);
	g_assert_cmpuint(
		dso_find_inlines(fixture->dso, dso_fixture_offset(fixture, "outer"), &name, 1), ==,
		0);
}

/* Remembers the build-id of the vDSO in the fixture's identity. */
static int find_vdso_id(struct dl_phdr_info *info, size_t size G_GNUC_UNUSED, void *data)
{
	struct dso_fixture *fixture = data;

	if (info->dlpi_addr != getauxval(AT_SYSINFO_EHDR))
		return 0;
	for (guint i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
		const guint8 *at = (const guint8 *)info->dlpi_addr + phdr->p_vaddr;
		const guint8 *end = at + phdr->p_memsz;

		while (phdr->p_type == PT_NOTE && at < end) {
			const ElfW(Nhdr) *note = (const void *)at;

			at += sizeof(*note) + (note->n_namesz + 3) / 4 * 4;
			if (note->n_type == NT_GNU_BUILD_ID) {
				fixture->identity.build_id = at;
				fixture->identity.build_id_size = note->n_descsz;
			}
			at += (note->n_descsz + 3) / 4 * 4;
		}
	}
	return 1;
}

static void test_vdso(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const guint8 other[DSO_BUILD_ID_MAX] = {1};
	void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
	const guint8 *function = vdso ? dlsym(vdso, "__vdso_clock_gettime") : NULL;

	fixture->identity = (struct dso_identity){.kind = DSO_VDSO, .path = "[vdso]"};
	dso_fixture_open(fixture, DSO_NOT_CHECKED);
	fixture->identity.build_id = other;
	fixture->identity.build_id_size = sizeof(other);
	dso_fixture_open(fixture, DSO_OTHER_BUILD_ID);
	dso_fixture_assert_no_name(fixture);
	if (!function || !dl_iterate_phdr(find_vdso_id, fixture)) {
		g_test_skip("this machine has no vDSO with __vdso_clock_gettime");
		return;
	}
	dso_fixture_open(fixture, DSO_OK);
	g_assert_cmpstr(dso_name(fixture->dso), ==, "[vdso]");
	g_assert_cmpint(access(dso_elf_path(fixture->dso), R_OK), ==, 0);
	/* Which of its two names it has is a matter of perf's rules. */
	dso_fixture_assert_name(fixture,
				(guint64)(function - (const guint8 *)getauxval(AT_SYSINFO_EHDR)),
				"__vdso_clock_gettime");
	dlclose(vdso);
}

/* No file is left open. */
static void test_descriptors(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	int before = dup(0), after;

	dso_fixture_run(fixture, "objcopy --only-keep-debug whole prog.debug");
	dso_fixture_run(fixture, "strip prog");
	dso_fixture_run(fixture, "objcopy --add-gnu-debuglink=prog.debug prog");
	fixture->options.inlines = true;
	dso_fixture_open(fixture, DSO_OK);
	ask_everything(fixture);
	dso_fixture_run(fixture, "cp prog.c prog");
	dso_fixture_open(fixture, DSO_NO_FILE);
	dso_free(fixture->dso);
	fixture->dso = NULL;
	after = dup(0);
	g_assert_cmpint(after, ==, before + 1);
	close(before);
	close(after);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_unsetenv("DEBUGINFOD_URLS");
	dso_fixture_add_without_build_id("/dso_elf/cut", test_cut);
	dso_fixture_add_without_build_id("/dso_elf/random_damage", test_random_damage);
	dso_fixture_add("/dso_elf/inlines", test_inlines);
	dso_fixture_add("/dso_elf/vdso", test_vdso);
	dso_fixture_add("/dso_elf/descriptors", test_descriptors);
	return g_test_run();
}
