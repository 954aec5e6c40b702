/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Build-ids: the fingerprint that the linker leaves in a note of each file.
 */
#ifndef COLO_PERF_SYMBOLS_BUILD_ID_H
#define COLO_PERF_SYMBOLS_BUILD_ID_H

#include "symbols/dso.h"

struct build_id {
	uint8_t bytes[DSO_BUILD_ID_MAX];
	size_t size; /* bytes; 0: there is none */
};

/* None for NULL and for zeros alone, which perf writes when it found none. Cuts what is longer. */
struct build_id build_id_of(const void *bytes, size_t size);

bool build_id_equal(const struct build_id *a, const struct build_id *b);

/* Hexadecimal; "none" when there is none. The caller frees it. */
char *build_id_to_string(const struct build_id *id);

/* "DIR/.build-id/ab/cdef..SUFFIX", where debug files and perf's cache have theirs; caller frees. */
char *build_id_path(const char *dir, const struct build_id *id, const char *suffix);

/* From a file of raw notes, such as /sys/kernel/notes. None when it cannot be read. */
struct build_id build_id_of_notes(const char *path);

/*
 * From the notes of an ELF file of this machine's byte order. Reads only them, and no more of them
 * than any linker writes: the file may belong to somebody who means harm, and be changed meanwhile.
 */
struct build_id build_id_of_elf(int fd);

#endif
