/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * kallsyms written by hand: the kernel, its modules, a kernel that was
 * loaded elsewhere, and what must not be taken for kallsyms.
 */
#include "lib/elf_maker.h"
#include "symbols/build_id.h"
#include "symbols/dso.h"
#include "symbols/kallsyms.h"

#include <string.h>

#define TEXT 0xffffffff81000000

static const char kallsyms_text[] = "0000000000000000 A fixed_percpu_data\n"
				    "ffffffff81000000 T long_alias_of_text\n"
				    "ffffffff81000000 T _stext\n"
				    "ffffffff81000000 T _text\n"
				    "ffffffff81000100 t local_one\n"
				    "ffffffff81000200 W weak_one\n"
				    "ffffffff81000200 T strong_one\n"
				    "ffffffff81000300 T last_one\n"
				    "ffffffff81000400 T _etext\n"
				    "ffffffff81800000 D some_data\n"
				    "ffffffff81900000 T init_code\n"
				    "ffffffffc0201000 t net_rx\t[virtio_net]\n"
				    "ffffffffc0201080 t net_tx\t[virtio_net]\n"
				    "ffffffffc0201100 d net_data\t[virtio_net]\n"
				    "ffffffffc0205000 t blk_done\t[virtio_blk]\n"
				    "ffffffffc0205080 t $x.3\t[virtio_blk]\n"
				    "ffffffffc0209010 t of_page\t[last]\n";

struct fixture {
	char *dir;  /* Owned by this */
	char *path; /* Owned by this */
	struct dso_options options;
	struct dso_identity kernel; /* as recorded */
	struct dso_finder *finder;  /* Owned by this */
};

static void set_up(struct fixture *fixture, gconstpointer data)
{
	fixture->dir = elf_maker_new_dir();
	fixture->path = elf_maker_path(fixture->dir, "kallsyms");
	elf_maker_write(fixture->dir, "kallsyms", data ? data : kallsyms_text);
	fixture->options =
		(struct dso_options){.kallsyms = fixture->path, .buildid_dir = fixture->dir};
	fixture->kernel = (struct dso_identity){.kind = DSO_KERNEL,
						.path = "[kernel.kallsyms]",
						.reference_symbol = "_text",
						.reference_address = TEXT};
	fixture->finder = dso_finder_new(&fixture->options);
}

static void tear_down(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	dso_finder_free(fixture->finder);
	g_free(fixture->path);
	elf_maker_remove(fixture->dir);
}

static void assert_name(struct dso *dso, guint64 address, const char *name)
{
	struct dso_symbol symbol = {NULL};

	g_assert_true(dso_find_symbol(dso, address, &symbol) == (name != NULL));
	g_assert_cmpstr(symbol.name, ==, name);
	if (name)
		g_assert_true(symbol.start <= address && address < symbol.end);
}

static void test_kernel(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct dso *dso = dso_new(&fixture->kernel, fixture->finder);

	g_assert_cmpint(dso_state(dso), ==, DSO_OK);
	g_assert_null(dso_problem(dso));
	g_assert_null(dso_elf_path(dso));
	g_assert_cmpstr(dso_name(dso), ==, "[kernel.kallsyms]");
	assert_name(dso, 0, NULL);
	assert_name(dso, TEXT - 1, NULL);
	assert_name(dso, TEXT, "_text");
	assert_name(dso, TEXT + 0xff, "_text");
	assert_name(dso, TEXT + 0x100, "local_one");
	assert_name(dso, TEXT + 0x2ff, "strong_one");
	assert_name(dso, TEXT + 0x3ff, "last_one");
	assert_name(dso, TEXT + 0x400, NULL);
	assert_name(dso, TEXT + 0x900000, NULL);
	assert_name(dso, 0xffffffffc0201000, NULL);
	dso_free(dso);
}

/* The kernel was loaded elsewhere when it was recorded, above or below. */
static void test_relocated(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const gint64 deltas[] = {0x1c000000, -0x1000000};
	const struct dso_identity module = {.kind = DSO_KERNEL_MODULE, .path = "[virtio_net]"};

	for (guint i = 0; i < G_N_ELEMENTS(deltas); i++) {
		struct dso_finder *finder = dso_finder_new(&fixture->options);
		const guint64 text = TEXT + deltas[i];
		struct dso *dso, *of_module;

		fixture->kernel.reference_address = text;
		dso = dso_new(&fixture->kernel, finder);
		of_module = dso_new(&module, finder);
		assert_name(dso, text - 1, NULL);
		assert_name(dso, text + 0x123, "local_one");
		assert_name(dso, text + 0x400, NULL);
		/* Modules were moved as well, nobody knows how far. */
		g_assert_cmpint(dso_state(of_module), ==, DSO_NOT_CHECKED);
		assert_name(of_module, 0xffffffffc0201000, NULL);
		g_assert_nonnull(strstr(dso_problem(of_module), "another boot"));
		dso_free(dso);
		dso_free(of_module);
		dso_finder_free(finder);
	}
}

static void test_no_reference(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct dso *dso;

	fixture->kernel.reference_symbol = "_elsewhere";
	dso = dso_new(&fixture->kernel, fixture->finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_NOT_CHECKED);
	g_assert_nonnull(strstr(dso_problem(dso), "no symbol _elsewhere"));
	assert_name(dso, TEXT + 0x100, NULL);
	dso_free(dso);
}

static void test_modules(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const struct {
		const char *path, *name;
		enum dso_state state;
	} rows[] = {
		{"/lib/modules/6.1.0/kernel/drivers/net/virtio_net.ko", "[virtio_net]", DSO_OK},
		{"/lib/modules/6.1.0/kernel/drivers/net/virtio-net.ko.xz", "[virtio_net]", DSO_OK},
		{"/lib/modules/6.1.0/updates/virtio_net.ko.zst", "[virtio_net]", DSO_OK},
		{"[virtio_net]", "[virtio_net]", DSO_OK},
		{"[virtio]", "[virtio]", DSO_NO_SYMBOLS},
	};
	struct dso *kernel = dso_new(&fixture->kernel, fixture->finder);

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct dso_identity identity = {.kind = DSO_KERNEL_MODULE,
						      .path = rows[i].path};
		struct dso *dso = dso_new(&identity, fixture->finder);
		const gboolean ok = rows[i].state == DSO_OK;

		g_assert_cmpstr(dso_name(dso), ==, rows[i].name);
		g_assert_cmpstr(dso_path(dso), ==, rows[i].path);
		g_assert_cmpint(dso_state(dso), ==, rows[i].state);
		assert_name(dso, 0xffffffffc020107f, ok ? "net_rx" : NULL);
		assert_name(dso, 0xffffffffc02010ff, ok ? "net_tx" : NULL);
		assert_name(dso, 0xffffffffc0201100, NULL);
		assert_name(dso, 0xffffffffc0205000, NULL);
		assert_name(dso, TEXT, NULL);
		dso_free(dso);
	}
	dso_free(kernel);
}

/* The last function of a module ends at what follows; the last of all with its page. */
static void test_last_of_modules(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const struct {
		const char *module;
		guint64 last; /* address of its only function */
	} rows[] = {{"virtio_blk", 0xffffffffc020507f}, {"last", 0xffffffffc0209fff}};
	g_autoptr(GError) error = NULL;
	struct kallsyms *kallsyms = kallsyms_read(fixture->path, &error);

	g_assert_no_error(error);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct symbol_table *table = kallsyms_module(kallsyms, rows[i].module);

		g_assert_cmpuint(symbol_table_count(table), ==, 1);
		g_assert_nonnull(symbol_table_find(table, rows[i].last));
		g_assert_null(symbol_table_find(table, rows[i].last + 1));
		symbol_table_unref(table);
	}
	kallsyms_free(kallsyms);
}

/* What /proc/kallsyms gives to those who may not know. */
static const char hidden_text[] = "0000000000000000 T _stext\n"
				  "0000000000000000 T _text\n"
				  "0000000000000000 t local_one\n";

static void test_hidden(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct dso *dso = dso_new(&fixture->kernel, fixture->finder);

	g_assert_cmpint(dso_state(dso), ==, DSO_NO_SYMBOLS);
	g_assert_nonnull(strstr(dso_problem(dso), "copy /proc/kallsyms as root"));
	assert_name(dso, TEXT, NULL);
	assert_name(dso, 0, NULL);
	dso_free(dso);
}

/* No end is known: then that of the last function is not either. */
static const char without_end_text[] = "ffffffff81000000 T _text\n"
				       "ffffffff81000100 T last_one\n";

static void test_without_end(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct dso *dso = dso_new(&fixture->kernel, fixture->finder);

	assert_name(dso, TEXT + 0xff, "_text");
	assert_name(dso, TEXT + 0x100, NULL);
	assert_name(dso, UINT64_MAX, NULL);
	dso_free(dso);
}

static const char damaged_text[] = "\n"
				   "ffffffff81000000\n"
				   " T no_address\n"
				   "fffffffffffffffff T address_too_long\n"
				   "ffffffff81000000 T \n"
				   "ffffffff81000000 TT two_letters\n"
				   "ffffffff81000000 T\t[module]\n"
				   "ffffffff81000010 T no_module\t[]\n"
				   "ffffffff81000020 T open\t[module\n"
				   "ffffffff81000100 T _text\n"
				   "ffffffff81000200 T _etext";

static void test_damaged(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct dso *dso;

	fixture->kernel.reference_address = TEXT + 0x100;
	dso = dso_new(&fixture->kernel, fixture->finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_OK);
	assert_name(dso, TEXT + 0x10, NULL);
	assert_name(dso, TEXT + 0x1ff, "_text");
	assert_name(dso, TEXT + 0x200, NULL);
	dso_free(dso);
}

static void test_not_kallsyms(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct dso *dso = dso_new(&fixture->kernel, fixture->finder);

	g_assert_cmpint(dso_state(dso), ==, DSO_UNREADABLE);
	g_assert_nonnull(strstr(dso_problem(dso), fixture->path));
	dso_free(dso);
}

/* Nothing says which kernel it was, or it was another one. */
static void test_not_checked(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const guint8 other_id[20] = {1, 2, 3};
	const struct dso_identity module = {.kind = DSO_KERNEL_MODULE, .path = "[virtio_net]"};
	const struct dso_options options = {.buildid_dir = fixture->dir};
	struct dso_finder *finder = dso_finder_new(&options);
	struct dso *dso = dso_new(&module, finder);

	/* No kernel was recorded at all. */
	g_assert_cmpint(dso_state(dso), ==, DSO_NOT_CHECKED);
	dso_free(dso);
	dso_finder_free(finder);

	finder = dso_finder_new(&options);
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_NOT_CHECKED);
	g_assert_nonnull(strstr(dso_problem(dso), "no build-id"));
	dso_free(dso);
	dso_finder_free(finder);

	fixture->kernel.build_id = other_id;
	fixture->kernel.build_id_size = sizeof(other_id);
	finder = dso_finder_new(&options);
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_OTHER_BUILD_ID);
	g_assert_nonnull(strstr(dso_problem(dso), "0102030000"));
	assert_name(dso, TEXT, NULL);
	dso_free(dso);
	dso_finder_free(finder);
}

/* perf kept the kallsyms of the kernel that was recorded. */
static void test_cache(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const guint8 other_id[20] = {1, 2, 3};
	const struct dso_options options = {.buildid_dir = fixture->dir};
	struct dso_finder *finder = dso_finder_new(&options);
	struct dso *dso;

	g_free(elf_maker_run(fixture->dir, "mkdir -p [kernel.kallsyms]/"
					   "0102030000000000000000000000000000000000"));
	g_free(elf_maker_run(fixture->dir, "cp kallsyms [kernel.kallsyms]/"
					   "0102030000000000000000000000000000000000/"));
	fixture->kernel.build_id = other_id;
	fixture->kernel.build_id_size = sizeof(other_id);
	fixture->kernel.reference_address = TEXT + 0x200000;
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_OK);
	assert_name(dso, TEXT + 0x200123, "local_one");
	dso_free(dso);
	dso_finder_free(finder);

	fixture->kernel.reference_symbol = NULL;
	finder = dso_finder_new(&options);
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_OK);
	assert_name(dso, TEXT + 0x200123, "local_one");
	dso_free(dso);
	dso_finder_free(finder);

	/* It may be where no symbol is: nothing vouches for that. */
	fixture->kernel.reference_address = TEXT + 0x201000;
	finder = dso_finder_new(&options);
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_NOT_CHECKED);
	assert_name(dso, TEXT + 0x201123, NULL);
	dso_free(dso);
	dso_finder_free(finder);
}

/* A program stands for the kernel, loaded 2 MiB above where it was linked. */
static void test_vmlinux(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const guint8 other_id[20] = {1, 2, 3};
	const guint64 moved = 2 << 20;
	g_autofree char *vmlinux = elf_maker_path(fixture->dir, "vmlinux");
	g_autoptr(GBytes) id = NULL;
	struct dso_options options = {.vmlinux = vmlinux, .buildid_dir = fixture->dir};
	struct dso_finder *finder = dso_finder_new(&options);
	guint64 text, function;
	struct dso *dso;

	elf_maker_write(fixture->dir, "vmlinux.S",
			".globl _text\n_text: nop\n"
			".globl do_work\n.type do_work, @function\n"
			"do_work: nop; ret\n.size do_work, 2\n");
	g_free(elf_maker_run(fixture->dir, "gcc -static -nostdlib -Wl,-e,_text -Wl,--build-id=sha1 "
					   "vmlinux.S -o vmlinux"));
	text = elf_maker_address(fixture->dir, "vmlinux", "_text");
	function = elf_maker_address(fixture->dir, "vmlinux", "do_work");
	id = elf_maker_build_id(fixture->dir, "vmlinux");
	fixture->kernel.build_id = g_bytes_get_data(id, NULL);
	fixture->kernel.build_id_size = g_bytes_get_size(id);
	fixture->kernel.reference_address = text + moved;
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_OK);
	assert_name(dso, text + moved, "_text");
	assert_name(dso, function + moved + 1, "do_work");
	assert_name(dso, function + moved + 2, NULL);
	assert_name(dso, function, NULL);
	dso_free(dso);

	/* perf inject --mmap2-buildids: the symbol's name is missing. */
	fixture->kernel.reference_symbol = NULL;
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_OK);
	assert_name(dso, function + moved + 1, "do_work");
	assert_name(dso, function, NULL);
	dso_free(dso);

	/* No kernel is moved by so little: that is the address of something else. */
	fixture->kernel.reference_address = text + moved + 0x1000;
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_NOT_CHECKED);
	assert_name(dso, function + moved + 0x1000, NULL);
	dso_free(dso);

	fixture->kernel.reference_address = 0;
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_NOT_CHECKED);
	assert_name(dso, function, NULL);
	dso_free(dso);

	fixture->kernel.reference_symbol = "_text";
	fixture->kernel.build_id = other_id;
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_OTHER_BUILD_ID);
	assert_name(dso, function + moved, NULL);
	dso_free(dso);
	dso_finder_free(finder);
}

/* This machine's kernel, which everybody may know the build-id of, but not the addresses. */
static void test_running(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const struct build_id id = build_id_of_notes("/sys/kernel/notes");
	const struct dso_options options = {.buildid_dir = fixture->dir};
	struct kallsyms *kallsyms = kallsyms_read("/proc/kallsyms", NULL);
	struct dso_finder *finder;
	guint64 text, function;
	struct dso *dso;

	if (!id.size || !kallsyms || !kallsyms_address_of(kallsyms, "_text", &text) ||
	    !kallsyms_address_of(kallsyms, "schedule", &function)) {
		kallsyms_free(kallsyms);
		g_test_skip("the kernel shows no build-id, or no addresses; run as root");
		return;
	}
	fixture->kernel.build_id = id.bytes;
	fixture->kernel.build_id_size = id.size;
	fixture->kernel.reference_address = text + 0x1000;
	finder = dso_finder_new(&options);
	dso = dso_new(&fixture->kernel, finder);
	g_assert_cmpint(dso_state(dso), ==, DSO_OK);
	assert_name(dso, function + 0x1000, "schedule");
	dso_free(dso);
	dso_finder_free(finder);
	kallsyms_free(kallsyms);
}

/* Without a build-id of its own a vDSO is ours when the recorded kernel is the one that runs. */
static void test_vdso(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const guint8 other_id[20] = {1, 2, 3};
	const struct build_id id = build_id_of_notes("/sys/kernel/notes");
	const struct dso_options options = {.buildid_dir = fixture->dir};
	const struct {
		const guint8 *kernel, *own;
		bool in_64_bit;
		enum dso_state state;
	} rows[] = {
		{id.bytes, NULL, true, DSO_OK},
		{id.bytes, NULL, false, DSO_NOT_CHECKED},
		{other_id, NULL, true, DSO_NOT_CHECKED},
		{NULL, NULL, true, DSO_NOT_CHECKED},
		{id.bytes, other_id, true, DSO_OTHER_BUILD_ID},
	};

	g_assert_cmpuint(id.size, >, 0);
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct dso_identity identity = {.kind = DSO_VDSO,
						      .path = "[vdso]",
						      .in_64_bit = rows[i].in_64_bit,
						      .build_id = rows[i].own,
						      .build_id_size = sizeof(other_id)};
		struct dso_finder *finder = dso_finder_new(&options);
		struct dso *kernel, *vdso;

		fixture->kernel.build_id = rows[i].kernel;
		fixture->kernel.build_id_size = rows[i].kernel ? 20 : 0;
		kernel = dso_new(&fixture->kernel, finder);
		vdso = dso_new(&identity, finder);
		g_assert_cmpint(dso_state(vdso), ==, rows[i].state);
		g_assert_cmpint(dso_elf_path(vdso) != NULL, ==, rows[i].state == DSO_OK);
		dso_free(vdso);
		dso_free(kernel);
		dso_finder_free(finder);
	}
}

static void add(const char *name, const char *text, void (*test)(struct fixture *, gconstpointer))
{
	g_test_add(name, struct fixture, text, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("/kallsyms/kernel", NULL, test_kernel);
	add("/kallsyms/relocated", NULL, test_relocated);
	add("/kallsyms/no_reference", NULL, test_no_reference);
	add("/kallsyms/modules", NULL, test_modules);
	add("/kallsyms/last_of_modules", NULL, test_last_of_modules);
	add("/kallsyms/hidden", hidden_text, test_hidden);
	add("/kallsyms/without_end", without_end_text, test_without_end);
	add("/kallsyms/damaged", damaged_text, test_damaged);
	add("/kallsyms/empty", "", test_not_kallsyms);
	add("/kallsyms/text", "This is a text.\nNo symbols.\n", test_not_kallsyms);
	add("/kallsyms/not_checked", NULL, test_not_checked);
	add("/kallsyms/cache", NULL, test_cache);
	add("/kallsyms/vmlinux", NULL, test_vmlinux);
	add("/kallsyms/running", NULL, test_running);
	add("/kallsyms/vdso", NULL, test_vdso);
	return g_test_run();
}
