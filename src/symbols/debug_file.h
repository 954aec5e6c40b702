/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the debug file of a stripped ELF file, for libdwfl. A debug file is used
 * when it has the build-id of the file or, when the file has none, the checksum that the
 * file's .gnu_debuglink asks for.
 */
#ifndef COLO_PERF_SYMBOLS_DEBUG_FILE_H
#define COLO_PERF_SYMBOLS_DEBUG_FILE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/* Where distributions put debug files. */
#define DEBUG_DIR "/usr/lib/debug"

/* Where to look. All may be NULL; weak. */
struct debug_search {
	const char *symfs;
	const char *buildid_dir;   /* perf's cache */
	const char *recorded_path; /* of the ELF file, on the machine of the recording */
};

/*
 * Dwfl_Callbacks.find_debuginfo; the user data of the module is its debug_search.
 * Looks below symfs, then on this machine, then asks debuginfod, but only when
 * DEBUGINFOD_URLS is set. The file that dwz took out of a debug file is left to libdwfl.
 */
int debug_file_find(Dwfl_Module *module, void **user_data, const char *name, Dwarf_Addr base,
		    const char *file_name, const char *debuglink, GElf_Word debuglink_crc,
		    char **debug_file_name);

/* Whether the file has all its symbols, not only those that it exports. */
bool debug_file_has_symtab(Elf *elf);

#endif
