/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The static probes (USDT) that an ELF file says it has, in its section .note.stapsdt. It
 * knows nothing of processes nor of how probes are registered. The format is described in
 * sys/sdt.h and at https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
 */
#ifndef COLO_PERF_PROBES_SDT_NOTES_H
#define COLO_PERF_PROBES_SDT_NOTES_H

#include <glib.h>
#include <stdint.h>

/* One place of a probe; a name may have several. */
struct sdt_site {
	char *name;	  /* Owned by this */
	char *arguments;  /* Owned by this: as in the note, "-4@%edi 8@-16(%rbp)" */
	uint64_t offset;  /* bytes, of the instruction in the file */
	uint64_t counter; /* bytes, of the semaphore in the file; 0: it has none */
};

/*
 * The sites of the probes of `provider` in the ELF file that `fd` has open, in the order of the
 * notes: a new array of struct sdt_site (owned by it), empty when there are none. NULL with
 * `error` when the file is no ELF file for x86-64 or its notes are damaged; `path` names it
 * there. The file offset of `fd` is changed.
 */
GPtrArray *sdt_notes_read(int fd, const char *path, const char *provider, GError **error);

#endif
