/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The static probes (USDT) that an ELF file says it has, in its section .note.stapsdt. It
 * knows nothing of processes nor of how probes are registered. The format is described in
 * sys/sdt.h and at https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
 *
 * The file may be anybody's, and be read with root's rights: what it declares is bounded before
 * anything is read or allocated, so the work does not depend on what stands in it.
 */
#ifndef COLO_PERF_PROBES_SDT_NOTES_H
#define COLO_PERF_PROBES_SDT_NOTES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* More than any QEMU has: its notes with the trace backend dtrace take 0.6 MiB. */
#define SDT_NOTES_MAX_BYTES (16 << 20)
/* Places of the probes that are wanted. QEMU with sdt-probes.patch has some 40. */
#define SDT_NOTES_MAX_SITES 1024
/* Bytes of one probe's arguments; a line of uprobe_events has 4096. */
#define SDT_NOTES_MAX_ARGUMENTS 2048

/* One place of a probe; a name may have several. */
struct sdt_site {
	char *name;	    /* Owned by this */
	char *arguments;    /* Owned by this: as in the note, "-4@%edi 8@-16(%rbp)" */
	uint64_t offset;    /* bytes, of the instruction in the file */
	bool has_semaphore; /* a counter in the program's data that a tracer has to raise */
};

/*
 * The sites of the probes of `provider` whose names `wanted` accepts, in the ELF file that
 * `fd` has open, in the order of the notes: a new array of struct sdt_site (owned by it), empty
 * when there are none. NULL with `error` when the file is no ELF file for x86-64, its notes are
 * damaged or too many, or a site is not in code or not the nop that sys/sdt.h puts there; `path`
 * names the file in it.
 */
GPtrArray *sdt_notes_read(int fd, const char *path, const char *provider,
			  bool (*wanted)(const char *name, void *data), void *data, GError **error);

#endif
