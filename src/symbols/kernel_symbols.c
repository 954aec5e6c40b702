/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where kallsyms comes from, in the order in which it is tried:
 *
 *	--kallsyms FILE, which the user vouches for
 *	/proc/kallsyms, when the running kernel has the recorded build-id
 *	perf's cache: ~/.debug/[kernel.kallsyms]/BUILD-ID/kallsyms
 *
 * The kernel may be loaded elsewhere at each boot; how far it was moved tells the
 * reference symbol, whose address was recorded. Its name may be missing (perf inject
 * --mmap2-buildids drops it): it is the first in perf's list that the kernel has. Modules move on
 *their own, which nothing tells: they are resolved only when the kernel did not move, that is in
 *the same boot.
 */
#include "symbols/kernel_symbols.h"

#include "symbols/dso_error.h"
#include "symbols/dso_file.h"
#include "symbols/kallsyms.h"
#include "symbols/kernel_module.h"

#include <inttypes.h>

/* A kernel is moved by multiples of this at the least (EFI_KIMG_ALIGN, CONFIG_PHYSICAL_ALIGN). */
#define KERNEL_ALIGNMENT (64 << 10)

struct kernel_symbols {
	const struct dso_options *options;   /* Weak */
	const struct dso_identity *identity; /* Weak; NULL when no kernel was recorded */
	bool looked;
	struct kallsyms *kallsyms; /* Owned by this; NULL when there is none */
	GError *error;		   /* Owned by this; why there is none */
	bool is_running;	   /* it is /proc/kallsyms */
	uint64_t delta;		   /* recorded addresses less those of kallsyms */
	struct symbol_table *own;  /* Owned by this: the kernel's own; NULL until asked for */
};

struct kernel_symbols *kernel_symbols_new(const struct dso_options *options)
{
	struct kernel_symbols *kernel = g_new0(struct kernel_symbols, 1);

	kernel->options = options;
	return kernel;
}

void kernel_symbols_free(struct kernel_symbols *kernel)
{
	if (!kernel)
		return;
	symbol_table_unref(kernel->own);
	kallsyms_free(kernel->kallsyms);
	g_clear_error(&kernel->error);
	g_free(kernel);
}

void kernel_symbols_set_identity(struct kernel_symbols *kernel, const struct dso_identity *identity)
{
	kernel->identity = identity;
}

static bool has_reference(const struct kernel_symbols *kernel)
{
	return kernel->identity && kernel->identity->reference_address;
}

/*
 * Where a file has the reference symbol: `find` asks it for one. Source of the list:
 * ref_reloc_sym_names of tools/perf/util/machine.c.
 */
static bool find_reference(const struct kernel_symbols *kernel,
			   bool (*find)(void *file, const char *name, uint64_t *address),
			   void *file, uint64_t *address)
{
	const char *const recorded[] = {kernel->identity->reference_symbol, NULL};
	static const char *const usual[] = {"_text", "_stext", NULL};

	for (const char *const *name = *recorded ? recorded : usual; *name; name++)
		if (find(file, *name, address))
			return true;
	return false;
}

/* A place that nobody named may be that of something else. */
static bool is_likely(const struct kernel_symbols *kernel, uint64_t delta)
{
	return kernel->identity->reference_symbol || delta % KERNEL_ALIGNMENT == 0;
}

static struct build_id recorded_build_id(const struct kernel_symbols *kernel)
{
	return kernel->identity
		       ? build_id_of(kernel->identity->build_id, kernel->identity->build_id_size)
		       : (struct build_id){.size = 0};
}

static struct kallsyms *read_from_cache(const struct kernel_symbols *kernel,
					const struct build_id *id)
{
	g_autofree char *cache = dso_file_cache(kernel->options);
	g_autofree char *hex = build_id_to_string(id);
	g_autofree char *path = g_build_filename(cache, "[kernel.kallsyms]", hex, "kallsyms", NULL);

	return kallsyms_read(path, NULL);
}

bool kernel_symbols_is_running(const struct kernel_symbols *kernel)
{
	const struct build_id recorded = recorded_build_id(kernel);
	const struct build_id running = kernel_build_id();

	return build_id_equal(&recorded, &running);
}

/* /proc/kallsyms, or what perf kept of the kernel that was recorded. */
static struct kallsyms *read_checked(struct kernel_symbols *kernel, GError **error)
{
	const struct build_id recorded = recorded_build_id(kernel);
	const struct build_id running = kernel_build_id();
	g_autofree char *recorded_hex = build_id_to_string(&recorded);
	g_autofree char *running_hex = build_id_to_string(&running);
	g_autoptr(GError) unreadable = NULL;
	struct kallsyms *kallsyms = NULL;

	if (!recorded.size || !has_reference(kernel)) {
		g_set_error(error, DSO_ERROR, DSO_NOT_CHECKED,
			    "cannot tell which kernel was recorded: the recording has no %s of it; "
			    "if you know it, give --vmlinux FILE or --kallsyms FILE",
			    recorded.size ? "address" : "build-id");
		return NULL;
	}
	if (build_id_equal(&recorded, &running)) {
		kallsyms = kallsyms_read(PROC_KALLSYMS, &unreadable);
		kernel->is_running = kallsyms != NULL;
	}
	if (!kallsyms)
		kallsyms = read_from_cache(kernel, &recorded);
	if (kallsyms)
		return kallsyms;
	if (unreadable)
		g_propagate_error(error, g_steal_pointer(&unreadable));
	else
		g_set_error(error, DSO_ERROR, DSO_OTHER_BUILD_ID,
			    "the running kernel is not the one that was recorded: its build-id is "
			    "%s, the recorded one %s; give --vmlinux FILE or --kallsyms FILE of it",
			    running_hex, recorded_hex);
	return NULL;
}

static bool find_in_kallsyms(void *kallsyms, const char *name, uint64_t *address)
{
	return kallsyms_address_of(kallsyms, name, address);
}

/* With --kallsyms the user vouches for the place, too, where none was recorded. */
static bool find_delta(struct kernel_symbols *kernel, GError **error)
{
	uint64_t address;
	bool found;

	if (!has_reference(kernel))
		return true;
	found = find_reference(kernel, find_in_kallsyms, kernel->kallsyms, &address);
	if (found && is_likely(kernel, kernel->identity->reference_address - address)) {
		kernel->delta = kernel->identity->reference_address - address;
		return true;
	}
	if (!kernel->identity->reference_symbol && kernel->options->kallsyms)
		return true;
	g_set_error(error, DSO_ERROR, DSO_NOT_CHECKED,
		    "cannot tell where the recorded kernel was: its kallsyms have no symbol %s",
		    kernel->identity->reference_symbol ? kernel->identity->reference_symbol
						       : "at the recorded address");
	return false;
}

/* Reads kallsyms on the first call. */
static struct kallsyms *get_kallsyms(struct kernel_symbols *kernel, GError **error)
{
	if (!kernel->looked) {
		kernel->looked = true;
		kernel->kallsyms =
			kernel->options->kallsyms
				? kallsyms_read(kernel->options->kallsyms, &kernel->error)
				: read_checked(kernel, &kernel->error);
		if (kernel->kallsyms && !find_delta(kernel, &kernel->error))
			g_clear_pointer(&kernel->kallsyms, kallsyms_free);
	}
	if (!kernel->kallsyms && error)
		*error = g_error_copy(kernel->error);
	return kernel->kallsyms;
}

struct symbol_table *kernel_symbols_kernel(struct kernel_symbols *kernel, GError **error)
{
	const struct kallsyms *kallsyms = get_kallsyms(kernel, error);

	if (!kallsyms)
		return NULL;
	/* A made-up recording has as many kernels as it likes. */
	if (!kernel->own)
		kernel->own = kallsyms_kernel(kallsyms, kernel->delta);
	return symbol_table_ref(kernel->own);
}

/* A module may have been built anew and loaded again, under the same kernel. */
static bool is_loaded_module(const struct dso_identity *module, const char *name, GError **error)
{
	const struct build_id recorded = build_id_of(module->build_id, module->build_id_size);
	const struct build_id loaded = kernel_module_build_id(name);
	g_autofree char *recorded_hex = build_id_to_string(&recorded);
	g_autofree char *loaded_hex = build_id_to_string(&loaded);

	if (!recorded.size || !loaded.size || build_id_equal(&recorded, &loaded))
		return true;
	g_set_error(error, DSO_ERROR, DSO_OTHER_BUILD_ID,
		    "the module %s that is loaded is not the one that was recorded: its build-id "
		    "is %s, the recorded one %s",
		    name, loaded_hex, recorded_hex);
	return false;
}

struct symbol_table *kernel_symbols_module(struct kernel_symbols *kernel,
					   const struct dso_identity *module, const char *name,
					   GError **error)
{
	struct kallsyms *kallsyms = get_kallsyms(kernel, error);
	struct symbol_table *table;

	if (!kallsyms)
		return NULL;
	if (kernel->delta) {
		g_set_error(error, DSO_ERROR, DSO_NOT_CHECKED,
			    "cannot tell where the module %s was: kallsyms are of another boot, in "
			    "which the kernel was elsewhere, by %#" PRIx64 " bytes",
			    name, kernel->delta);
		return NULL;
	}
	if (kernel->is_running && !is_loaded_module(module, name, error))
		return NULL;
	table = kallsyms_module(kallsyms, name);
	if (!symbol_table_count(table)) {
		g_set_error(error, DSO_ERROR, DSO_NO_SYMBOLS,
			    "kallsyms have no symbol of the module %s; is it still loaded?", name);
		g_clear_pointer(&table, symbol_table_unref);
	}
	return table;
}

static bool find_in_elf(void *elf, const char *name, uint64_t *address)
{
	return elf_file_symbol_value(elf, name, address);
}

static bool is_recorded_vmlinux(const struct kernel_symbols *kernel, struct elf_file *elf,
				uint64_t *delta, GError **error)
{
	const struct build_id recorded = recorded_build_id(kernel);
	const struct build_id *found = elf_file_build_id(elf);
	g_autofree char *recorded_hex = build_id_to_string(&recorded);
	g_autofree char *found_hex = build_id_to_string(found);
	uint64_t address;

	if (recorded.size && !build_id_equal(&recorded, found)) {
		g_set_error(error, DSO_ERROR, DSO_OTHER_BUILD_ID,
			    "%s is not the kernel that was recorded: its build-id is %s, the "
			    "recorded one %s",
			    kernel->options->vmlinux, found_hex, recorded_hex);
		return false;
	}
	if (!has_reference(kernel)) {
		g_set_error(error, DSO_ERROR, DSO_NOT_CHECKED,
			    "cannot tell where the recorded kernel was: the recording has no "
			    "address of it");
		return false;
	}
	if (!find_reference(kernel, find_in_elf, elf, &address) ||
	    !is_likely(kernel, kernel->identity->reference_address - address)) {
		g_set_error(error, DSO_ERROR, DSO_NOT_CHECKED,
			    "cannot tell where the recorded kernel was: %s has no symbol %s",
			    kernel->options->vmlinux,
			    kernel->identity->reference_symbol ? kernel->identity->reference_symbol
							       : "at the recorded address");
		return false;
	}
	*delta = kernel->identity->reference_address - address;
	return true;
}

struct elf_file *kernel_symbols_open_vmlinux(const struct kernel_symbols *kernel,
					     const struct debug_search *search, uint64_t *delta,
					     GError **error)
{
	struct elf_file *elf = elf_file_open(kernel->options->vmlinux, search, error);

	if (elf && !is_recorded_vmlinux(kernel, elf, delta, error))
		g_clear_pointer(&elf, elf_file_free);
	return elf;
}
