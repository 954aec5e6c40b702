/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ELF files that claim, or have, far more of one thing than a program: those that a recording may
 * lead to. Code is at the same addresses as in the file.
 */
#ifndef COLO_PERF_TESTS_HOSTILE_ELF_H
#define COLO_PERF_TESTS_HOSTILE_ELF_H

#include <glib.h>

/* Of all of them; the n-th of HOSTILE_ELF_N functions is HOSTILE_ELF_STEP bytes behind the first.
 */
#define HOSTILE_ELF_CODE 0x1000
#define HOSTILE_ELF_STEP 16
#define HOSTILE_ELF_N	 100000

enum hostile_elf {
	HOSTILE_ELF_NESTED_SYMBOLS, /* 400,000, one within the other */
	HOSTILE_ELF_DEBUGDATA,	    /* .gnu_debugdata of zeros */
	HOSTILE_ELF_PACKED_SYMTAB,  /* a compressed .symtab of zeros */
	HOSTILE_ELF_LONG_NAMES,	    /* whose demangled forms are 60 KB each */
	HOSTILE_ELF_INLINED,	    /* 200,000 functions inlined into one */
	HOSTILE_ELF_NESTED_INLINED, /* 200,000, one within the other */
	HOSTILE_ELF_UNITS,	    /* of DWARF, each of which looks through a long table */
	HOSTILE_ELF_SPARSE_NOTES,   /* 3 GB, which are a hole in the file */
	HOSTILE_ELF_N_KINDS,
};

const char *hostile_elf_name(enum hostile_elf kind);

/* `unpacked` is the size in bytes of what is compressed in it, for those kinds. */
void hostile_elf_write(enum hostile_elf kind, guint64 unpacked, const char *path);

#endif
