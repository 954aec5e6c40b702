/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One file that code was mapped from (perf's term: DSO), as a recording names
 * it: finds the file on this machine, makes sure that it is the one that was
 * recorded, and gives the symbols and the inlined functions at an address. It
 * knows nothing of processes, of samples, or of where it was mapped.
 *
 * A wrong name is worse than none: a file whose build-id is not the recorded
 * one is never used. What is looked for, and in which order, is in dso_file.c
 * for files and in kernel_symbols.c for the kernel.
 */
#ifndef COLO_PERF_SYMBOLS_DSO_H
#define COLO_PERF_SYMBOLS_DSO_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define DSO_BUILD_ID_MAX 20 /* bytes */

enum dso_kind {
	DSO_FILE,	   /* an ELF file, mapped into a process */
	DSO_VDSO,	   /* what the kernel maps into each process */
	DSO_ANONYMOUS,	   /* memory that no file backs, such as code made at run time */
	DSO_KERNEL,	   /* the kernel itself */
	DSO_KERNEL_MODULE, /* a module of it */
};

/* What a recording says of it. */
struct dso_identity {
	enum dso_kind kind;
	const char *path;	 /* as recorded */
	const uint8_t *build_id; /* NULL: not recorded */
	size_t build_id_size;	 /* bytes, at most DSO_BUILD_ID_MAX */
	bool has_inode;		 /* major, minor and inode were recorded */
	uint32_t major, minor;
	uint64_t inode;
	uint32_t pid;	/* DSO_FILE: a process that had it mapped, and may still live; 0: none */
	bool in_64_bit; /* DSO_VDSO: a process of 64 bits mapped it; those of 32 have another */
	/*
	 * DSO_KERNEL: a symbol and where the recorded kernel had it, as it loads itself
	 * elsewhere at each boot. Without a symbol it is the first that the kernel has of "_text"
	 * and "_stext", as in perf. 0: not recorded.
	 */
	const char *reference_symbol;
	uint64_t reference_address;
};

struct debuginfod;

/* Where to look, and what for. All strings may be NULL; owned by the caller, who keeps them. */
struct dso_options {
	const char *symfs;	       /* directory that stands for the recording machine's root */
	const char *vmlinux;	       /* the kernel's ELF file */
	const char *kallsyms;	       /* instead of /proc/kallsyms */
	const char *buildid_dir;       /* perf's cache of binaries; NULL: ~/.debug */
	struct debuginfod *debuginfod; /* asked for debug files; NULL: nobody is. Weak */
	bool inlines;		       /* DWARF is wanted as well */
	int64_t recorded_s;	       /* when the recording was finished, seconds since 1970 */
};

enum dso_state {
	DSO_OK,		    /* symbols were found */
	DSO_ONLY_EXPORTED,  /* stripped: only the functions for other files have names */
	DSO_NO_FILE,	    /* not on this machine, or no ELF file that can be read */
	DSO_OTHER_BUILD_ID, /* there is a file, but not the one that was recorded */
	DSO_NOT_CHECKED,    /* nothing tells whether the file is the recorded one; not used */
	DSO_UNREADABLE,	    /* an ELF file that is no program, is damaged or lacks its code */
	DSO_TOO_LARGE,	    /* would take more time or memory than any program does */
	DSO_NO_SYMBOLS,	    /* without a single name, and no debug file for it is here */
	DSO_NOTHING,	    /* DSO_ANONYMOUS: there is nothing that could be found */
	DSO_N_STATES,
};

struct dso_symbol {
	const char *name;    /* Owned by the dso; demangled */
	uint64_t start, end; /* as the addresses that dso_find_symbol() takes */
};

/* What the DSOs of one recording share: the options, its kernel, the kernel's symbols. */
struct dso_finder;

/* The strings of `options` are kept until the finder is freed, the finder until its DSOs are. */
struct dso_finder *dso_finder_new(const struct dso_options *options);
void dso_finder_free(struct dso_finder *finder);

struct dso;

/*
 * Nothing is opened before the first question. `identity` is copied. A module's
 * symbols are those of the recording's kernel, and a vDSO may be known by it: its DSO_KERNEL is
 * made before the first question about a DSO_KERNEL_MODULE or DSO_VDSO.
 */
struct dso *dso_new(const struct dso_identity *identity, struct dso_finder *finder);
void dso_free(struct dso *dso);

enum dso_kind dso_kind(const struct dso *dso);

/* "qemu-system-x86_64", "[kernel.kallsyms]", "[vdso]", "[anon]", "[virtio_net]". Owned by the dso.
 */
const char *dso_name(const struct dso *dso);
/* As recorded. */
const char *dso_path(const struct dso *dso);

/* How looking for its symbols ended; looks if that was not done yet. */
enum dso_state dso_state(struct dso *dso);

/*
 * A clause for people that says what is wrong and what to do, such as "the
 * file's build-id is 12.., the recorded one ab..; ...". NULL when all is well.
 * Owned by the dso.
 */
const char *dso_problem(struct dso *dso);

/*
 * The ELF file whose code this is; checked like the symbols, but it may be there when they are
 * not. NULL when it is not here, and for the kernel. For people: owned by the dso.
 */
const char *dso_elf_path(struct dso *dso);

/*
 * The same file, for unwinding: a descriptor that the caller closes, or -1. Its path may lead to
 * another file by now.
 */
int dso_elf_descriptor(struct dso *dso);

/*
 * The symbol at `address`: for DSO_FILE, DSO_VDSO an offset in the file, as
 * mmap() takes it; for the kernel and its modules an address of the recorded
 * kernel. False when there is none; perf's rules decide among several at the same
 * address (symbols__fixup_duplicate() in tools/perf/util/symbol.c).
 */
bool dso_find_symbol(struct dso *dso, uint64_t address, struct dso_symbol *symbol);

/*
 * The functions that were inlined at `address`, the outermost first: each was
 * inlined into the one before it, the first into the function that
 * dso_find_symbol() gives. Writes at most `max` names, owned by the dso, and
 * returns how many. 0 without options.inlines or without DWARF.
 */
guint dso_find_inlines(struct dso *dso, uint64_t address, const char **names, guint max);

/*
 * Why inlined functions that were asked for may be missing: a clause for people that says what to
 * do. NULL when all that were asked for could be looked up, or none was. Owned by the dso.
 */
const char *dso_inline_problem(struct dso *dso);

#endif
