/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The code that a made-up recording runs: a QEMU, its libraries, the kernel and memory
 * with generated code, a few thousand call chains over them, and files with the names of the
 * functions. Nothing of perf.data or of COLO is known here.
 */
#ifndef COLO_PERF_BENCH_CODE_MAP_H
#define COLO_PERF_BENCH_CODE_MAP_H

#include <glib.h>

#include "lib/dice.h"

/* What a thread does; each has call chains of its own. */
enum code_area {
	CODE_COLO_RAM,
	CODE_COLO_OTHER,
	CODE_MAIN_LOOP,
	CODE_VCPU,
	CODE_WORKER,
	CODE_N_AREAS,
};

/* A mapping. The first one is QEMU's, as colo_story_process() tells it. */
struct code_file {
	const char *path;   /* as in MMAP2 records */
	const char *prefix; /* of the names of its functions; NULL: it has none */
	guint64 start;	    /* address; of the kernel also its offset in the file */
	guint64 size_bytes;
	guint n_functions;
	gboolean kernel;
};

extern const struct code_file code_files[];
extern const guint code_n_files;

/* The most entries that a chain has, context marks included. */
#define CODE_MAX_CHAIN 48

struct code_map;

/* The same chains for the same seed. */
struct code_map *code_map_new(guint seed);
void code_map_free(struct code_map *map);

/*
 * A call chain as perf writes it, innermost address first, into `chain` of CODE_MAX_CHAIN.
 * Some chains come much more often than others, and each is interrupted at many places of its
 * innermost function. Returns the number of entries; `is_kernel` says where it was interrupted.
 */
guint code_map_draw(const struct code_map *map, struct dice *dice, enum code_area area,
		    guint64 *chain, gboolean *is_kernel);

/*
 * Writes the files below `dir`, for colo-perf's --symfs, and DIR/kallsyms. FALSE with `error` when
 * the system refused.
 */
gboolean code_map_write_symfs(const char *dir, GError **error);

#endif
