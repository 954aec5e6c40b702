/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One file that code was mapped from. Here is what is the same for all kinds: when
 * it is looked for, what is remembered of that, and how names are given out. Where each kind
 * has its symbols from is a row of the table `kinds`.
 */
#include "symbols/dso.h"

#include "base/hash.h"
#include "base/printable.h"
#include "symbols/debuginfod.h"
#include "symbols/demangle.h"
#include "symbols/dso_error.h"
#include "symbols/dso_file.h"
#include "symbols/kernel_module.h"
#include "symbols/kernel_symbols.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

struct dso_finder {
	struct dso_options options;    /* a copy, its strings are weak */
	struct kernel_symbols *kernel; /* Owned by this */
	char *cache;		       /* Owned by this: perf's cache */
};

struct dso {
	struct dso_finder *finder;    /* Weak */
	struct dso_identity identity; /* its strings are the following, owned by this */
	char *path, *reference_symbol;
	uint8_t build_id[DSO_BUILD_ID_MAX];
	char *name; /* Owned by this */

	bool looked; /* what follows is known */
	enum dso_state state;
	char *problem;		      /* Owned by this; NULL when all is well */
	struct elf_file *elf;	      /* Owned by this; NULL when there is none */
	char *elf_path;		      /* Owned by this */
	int memory_fd;		      /* Owned by this; of an ELF file in memory, or -1 */
	struct symbol_table *symbols; /* Owned by this; its names are elf's or kallsyms' */
	uint64_t delta;		      /* the kernel's addresses less those of `symbols` and `elf` */
	struct demangler *demangler;  /* Owned by this */
	bool inlines_asked;	      /* for inlined functions of it */
	char *inline_problem;	      /* Owned by this; NULL until it is asked for */
};

struct dso_finder *dso_finder_new(const struct dso_options *options)
{
	struct dso_finder *finder = g_new0(struct dso_finder, 1);

	finder->options = *options;
	/* An empty one vouches for nothing. */
	if (finder->options.symfs && !*finder->options.symfs)
		finder->options.symfs = NULL;
	finder->kernel = kernel_symbols_new(&finder->options);
	finder->cache = dso_file_cache(options);
	return finder;
}

void dso_finder_free(struct dso_finder *finder)
{
	if (!finder)
		return;
	kernel_symbols_free(finder->kernel);
	g_free(finder->cache);
	g_free(finder);
}

/*
 * No name in a directory is longer than NAME_MAX. A record has room for more, and the name would
 * stand in that of each function without one.
 */
static char *base_name(const struct dso *dso)
{
	char *name = g_path_get_basename(dso->path);

	if (strlen(name) > NAME_MAX)
		name[NAME_MAX] = 0;
	return name;
}

static char *name_of_file(const struct dso *dso)
{
	char *name = base_name(dso);

	dso_file_cut_deleted(name);
	return name;
}

static char *name_of_module(const struct dso *dso)
{
	g_autofree char *file = base_name(dso);
	g_autofree char *name = kernel_module_name(file);

	return g_strdup_printf("[%s]", name);
}

static char *name_of_kernel(const struct dso *dso G_GNUC_UNUSED)
{
	return g_strdup("[kernel.kallsyms]");
}

static char *name_of_vdso(const struct dso *dso G_GNUC_UNUSED)
{
	return g_strdup("[vdso]");
}

static char *name_of_anonymous(const struct dso *dso G_GNUC_UNUSED)
{
	return g_strdup("[anon]");
}

static struct debug_search search_of(const struct dso *dso)
{
	return (struct debug_search){
		.symfs = dso->finder->options.symfs,
		.buildid_dir = dso->finder->cache,
		.recorded_path = dso->path,
		/* No server has the kernel or what it maps into each process. */
		.debuginfod =
			dso->identity.kind == DSO_FILE ? dso->finder->options.debuginfod : NULL,
	};
}

/* ", and ...": what became of the question for the debug file; the caller frees it. */
static char *said_of_debuginfod(const struct dso *dso)
{
	const struct debuginfod *debuginfod = dso->finder->options.debuginfod;
	const char *problem = debuginfod ? debuginfod_problem(debuginfod) : NULL;

	return problem ? g_strconcat(", and ", problem, NULL) : g_strdup("");
}

/* Reads the symbols of dso->elf; an error does not mean that there is none. */
static void load_elf_symbols(struct dso *dso, GError **error)
{
	const char *path = dso->elf_path ? dso->elf_path : dso->finder->options.vmlinux;
	g_autofree char *asked = NULL;
	bool only_exported;

	dso->symbols = elf_file_symbols(dso->elf, &only_exported, error);
	if (!dso->symbols)
		return;
	asked = said_of_debuginfod(dso);
	if (!symbol_table_count(dso->symbols))
		g_set_error(error, DSO_ERROR, DSO_NO_SYMBOLS,
			    "%s is stripped, and no debug file for it is here%s; install the "
			    "package with its debug symbols",
			    path, asked);
	else if (only_exported && dso->identity.kind == DSO_FILE)
		g_set_error(
			error, DSO_ERROR, DSO_ONLY_EXPORTED,
			"%s is stripped, and no debug file for it is here%s: only the functions "
			"that it exports have names; install the package with its debug symbols",
			path, asked);
}

static void load_file(struct dso *dso, GError **error)
{
	const struct debug_search search = search_of(dso);

	dso->elf = dso_file_find(&dso->identity, &dso->finder->options, &search, &dso->elf_path,
				 error);
	if (dso->elf)
		load_elf_symbols(dso, error);
}

static void load_vdso(struct dso *dso, GError **error)
{
	const struct debug_search search = search_of(dso);

	dso->elf =
		dso_file_find_vdso(&dso->identity, kernel_symbols_is_running(dso->finder->kernel),
				   &search, &dso->memory_fd, &dso->elf_path, error);
	if (dso->elf)
		load_elf_symbols(dso, error);
}

static void load_kernel(struct dso *dso, GError **error)
{
	const struct debug_search search = search_of(dso);

	if (!dso->finder->options.vmlinux) {
		dso->symbols = kernel_symbols_kernel(dso->finder->kernel, error);
		return;
	}
	dso->elf = kernel_symbols_open_vmlinux(dso->finder->kernel, &search, &dso->delta, error);
	if (dso->elf)
		load_elf_symbols(dso, error);
}

static void load_module(struct dso *dso, GError **error)
{
	g_autofree char *name = g_strndup(dso->name + 1, strlen(dso->name) - 2);

	dso->symbols = kernel_symbols_module(dso->finder->kernel, &dso->identity, name, error);
}

static void load_nothing(struct dso *dso G_GNUC_UNUSED, GError **error)
{
	g_set_error(error, DSO_ERROR, DSO_NOTHING,
		    "code that was made at run time, of which no file tells");
}

static const struct {
	char *(*name)(const struct dso *dso);
	void (*load)(struct dso *dso, GError **error);
} kinds[] = {
	[DSO_FILE] = {name_of_file, load_file},
	[DSO_VDSO] = {name_of_vdso, load_vdso},
	[DSO_ANONYMOUS] = {name_of_anonymous, load_nothing},
	[DSO_KERNEL] = {name_of_kernel, load_kernel},
	[DSO_KERNEL_MODULE] = {name_of_module, load_module},
};

struct dso *dso_new(const struct dso_identity *identity, struct dso_finder *finder)
{
	struct dso *dso = g_new0(struct dso, 1);

	dso->finder = finder;
	dso->identity = *identity;
	dso->path = g_strdup(identity->path ? identity->path : "");
	dso->identity.path = dso->path;
	dso->reference_symbol = g_strdup(identity->reference_symbol);
	dso->identity.reference_symbol = dso->reference_symbol;
	if (identity->build_id) {
		dso->identity.build_id_size = MIN(identity->build_id_size, DSO_BUILD_ID_MAX);
		memcpy(dso->build_id, identity->build_id, dso->identity.build_id_size);
		dso->identity.build_id = dso->build_id;
	}
	dso->name = kinds[identity->kind].name(dso);
	dso->memory_fd = -1;
	dso->demangler = demangler_new();
	if (identity->kind == DSO_KERNEL)
		kernel_symbols_set_identity(finder->kernel, &dso->identity);
	return dso;
}

void dso_free(struct dso *dso)
{
	if (!dso)
		return;
	if (dso->identity.kind == DSO_KERNEL)
		kernel_symbols_set_identity(dso->finder->kernel, NULL);
	symbol_table_unref(dso->symbols);
	elf_file_free(dso->elf);
	if (dso->memory_fd >= 0)
		close(dso->memory_fd);
	demangler_free(dso->demangler);
	g_free(dso->inline_problem);
	g_free(dso->elf_path);
	g_free(dso->problem);
	g_free(dso->name);
	g_free(dso->reference_symbol);
	g_free(dso->path);
	g_free(dso);
}

static void look(struct dso *dso)
{
	g_autoptr(GError) error = NULL;

	if (dso->looked)
		return;
	dso->looked = true;
	kinds[dso->identity.kind].load(dso, &error);
	dso->state = error ? (enum dso_state)error->code : DSO_OK;
	if (error && dso->state != DSO_NOTHING)
		dso->problem = printable(error->message);
}

enum dso_kind dso_kind(const struct dso *dso)
{
	return dso->identity.kind;
}

const char *dso_name(const struct dso *dso)
{
	return dso->name;
}

const char *dso_path(const struct dso *dso)
{
	return dso->path;
}

enum dso_state dso_state(struct dso *dso)
{
	look(dso);
	return dso->state;
}

const char *dso_problem(struct dso *dso)
{
	look(dso);
	return dso->problem;
}

const char *dso_elf_path(struct dso *dso)
{
	look(dso);
	return dso->elf_path;
}

int dso_elf_descriptor(struct dso *dso)
{
	look(dso);
	return dso->elf_path ? fcntl(elf_file_descriptor(dso->elf), F_DUPFD_CLOEXEC, 0) : -1;
}

/* The kernel's own names are never mangled, and perf shows them as they are. */
static const char *demangled_name(struct dso *dso, const char *name)
{
	return dso->identity.kind == DSO_FILE ? demangler_name(dso->demangler, name) : name;
}

/* From what a question is asked with to an address of dso->symbols and dso->elf. */
static bool to_own_address(const struct dso *dso, uint64_t address, uint64_t *own)
{
	if (dso->elf && dso->identity.kind != DSO_KERNEL)
		return elf_file_address_of(dso->elf, address, own);
	*own = address - dso->delta;
	return true;
}

bool dso_find_symbol(struct dso *dso, uint64_t address, struct dso_symbol *symbol)
{
	const struct symbol *found;
	uint64_t own;

	look(dso);
	if (!dso->symbols || !to_own_address(dso, address, &own))
		return false;
	found = symbol_table_find(dso->symbols, own);
	if (!found)
		return false;
	symbol->name = demangled_name(dso, found->name);
	symbol->start = found->start - own + address;
	symbol->end = found->end - own + address;
	return true;
}

guint dso_find_inlines(struct dso *dso, uint64_t address, const char **names, guint max)
{
	uint64_t own;
	guint n;

	look(dso);
	dso->inlines_asked = dso->finder->options.inlines;
	if (!dso->elf || !dso->inlines_asked || !to_own_address(dso, address, &own))
		return 0;
	n = elf_file_find_inlines(dso->elf, own, names, max);
	for (guint i = 0; i < n; i++)
		names[i] = demangled_name(dso, names[i]);
	return n;
}

/* Nothing can be done about the others: there is no file that would tell. */
static bool could_have_inlines(const struct dso *dso)
{
	return dso->symbols && (dso->identity.kind == DSO_FILE || dso->identity.kind == DSO_KERNEL);
}

const char *dso_inline_problem(struct dso *dso)
{
	const char *problem = NULL;

	if (!dso->inlines_asked || !could_have_inlines(dso))
		return NULL;
	if (dso->elf)
		problem = elf_file_inline_problem(dso->elf);
	else if (dso->identity.kind == DSO_KERNEL)
		problem = "kallsyms know nothing of them; give --vmlinux FILE, with debug "
			  "information, of the recorded kernel";
	/* More may be missing than when it was asked for last. */
	g_clear_pointer(&dso->inline_problem, g_free);
	dso->inline_problem = printable(problem);
	return dso->inline_problem;
}
