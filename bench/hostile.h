/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the makers of hostile recordings share: one checkpoint of a primary whose phase `ram` lasts
 * long enough for whatever a recipe puts into it.
 */
#ifndef COLO_PERF_BENCH_HOSTILE_H
#define COLO_PERF_BENCH_HOSTILE_H

#include "lib/colo_story.h"

#define HOSTILE_N_CPUS	      1
#define HOSTILE_STEP_NS	      100 /* between two moments */
#define HOSTILE_PAGE_BYTES    0x1000ULL
#define HOSTILE_CODE_START    0x10000000ULL
#define HOSTILE_KERNEL_START  0xffffffff81000000ULL
#define HOSTILE_MODULES_START 0xffffffffc0000000ULL

/* One recording; all samples are of the thread of the checkpoints. */
struct hostile {
	struct perf_builder *builder; /* Owned by this */
	struct colo_story *story;     /* Owned by this */
	struct colo_story_side side;  /* as when the checkpoint begins */
	guint clock;		      /* event of the samples and of what tells of processes */
	guint n;		      /* how many of everything */
	guint64 ram_ns;		      /* begin of the phase with the samples */
};

struct hostile_recipe {
	const char *name; /* of the recording, without ".data" */
	void (*tell)(struct hostile *hostile);
	guint n;
};

/* A recording with the checkpoint and nothing else; to be given to hostile_end(). */
struct hostile hostile_begin(guint n);
/* Writes the hits that wait; after the last of them. */
void hostile_finish(struct hostile *hostile);
void hostile_end(struct hostile *hostile);

/* An event like that of the samples, with another config. Returns its index. */
guint hostile_add_clock(struct hostile *hostile, const char *name, guint64 config, guint n_ids);

/* The stamp of the i-th moment in the phase. */
struct perf_builder_stamp hostile_moment(const struct hostile *hostile, guint64 i);

/* A sample at that moment; the innermost address is the last of `chain`. */
void hostile_add_chain(struct hostile *hostile, guint64 i, const guint64 *chain, gsize n_chain);
void hostile_add_sample(struct hostile *hostile, guint64 i, guint64 address);

/* A mapping of the process at that moment, to be changed or written. `path` is not copied. */
struct perf_builder_mmap hostile_mapping(const struct hostile *hostile, guint64 i, guint64 start,
					 guint64 size_bytes, const char *path);
void hostile_map(struct hostile *hostile, guint64 i, guint64 start, guint64 size_bytes,
		 const char *path);
void hostile_map_kernel(struct hostile *hostile, guint64 start, guint64 size_bytes,
			const char *path);

/* Writes each recipe into the directory that the command line names. The program's exit status. */
int hostile_main(int argc, char **argv, const struct hostile_recipe *recipes, gsize n_recipes);

#endif
