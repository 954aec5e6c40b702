/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the debug file of a stripped ELF file, and the file that dwz took out of a debug file. A
 * debug file is used when it has the build-id of the file or, when the file has none, the checksum
 * that the file's .gnu_debuglink asks for.
 */
#ifndef COLO_PERF_SYMBOLS_DEBUG_FILE_H
#define COLO_PERF_SYMBOLS_DEBUG_FILE_H

#include <gelf.h>
#include <stdbool.h>

/* Where distributions put debug files. */
#define DEBUG_DIR "/usr/lib/debug"

struct debuginfod;

/* Where to look. All may be NULL; weak. */
struct debug_search {
	const char *symfs;
	const char *buildid_dir;       /* perf's cache */
	const char *recorded_path;     /* of the ELF file, on the machine of the recording */
	struct debuginfod *debuginfod; /* who is asked when it is not here; NULL: nobody */
};

/* A file that was found; `path` is below `root` (NULL: "/"), as for recorded_file_open(). */
struct debug_file {
	Elf *elf;	   /* Owned by this */
	char *root, *path; /* Owned by this; both NULL: debuginfod's */
};

/*
 * The debug file of `elf`, which lies at `path` below `root`. Looks below symfs, then on this
 * machine, then asks debuginfod. NULL when there is none; the caller frees it.
 */
struct debug_file *debug_file_find(const struct debug_search *search, Elf *elf, const char *root,
				   const char *path);

/* The name of the file that dwz took out of `elf`, owned by it; NULL when it took none. */
const char *debug_file_dwz_name(Elf *elf);

/* The file that .gnu_debugaltlink of a debug file, or of a file that was not stripped, names. */
struct debug_file *debug_file_find_dwz(const struct debug_search *search, Elf *elf,
				       const char *root, const char *path);

void debug_file_free(struct debug_file *file);

#endif
