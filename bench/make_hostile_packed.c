/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hostile recordings that are compressed: the same few records millions of times, which take up
 * next to nothing, and records that differ as little as can be.
 */
#include "hostile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_PID 1000000
#define DEEPEST	  8000 /* entries of a call chain */

struct packed_recipe {
	const char *name;
	void (*tell)(struct hostile *hostile, guint i); /* the i-th record */
	guint n;	   /* records that differ, told one after the other */
	guint repetitions; /* of all of them */
};

static void comm(struct hostile *hostile, guint i)
{
	const struct perf_builder_stamp at = hostile_moment(hostile, i);

	perf_builder_comm(hostile->builder, &at, i % 2 ? "live_migration" : "other", FALSE);
}

/* At one time the last name counts, so neither is the other's again. */
static void comm_back_and_forth(struct hostile *hostile, guint i)
{
	const struct perf_builder_stamp at = hostile_moment(hostile, 0);

	perf_builder_comm(hostile->builder, &at, i % 2 ? "live_migration" : "other", FALSE);
}

static void exec(struct hostile *hostile, guint i)
{
	const struct perf_builder_stamp at = hostile_moment(hostile, i);

	perf_builder_comm(hostile->builder, &at, "qemu", TRUE);
}

static void fork_of(struct hostile *hostile, guint i)
{
	struct perf_builder_stamp at = hostile_moment(hostile, i);

	at.pid = at.tid = FIRST_PID + (gint32)i;
	perf_builder_fork(hostile->builder, &at, hostile->side.pid, hostile->side.tid);
}

static void exit_of(struct hostile *hostile, guint i)
{
	struct perf_builder_stamp at = hostile_moment(hostile, i);

	at.pid = at.tid = FIRST_PID + (gint32)i;
	perf_builder_exit(hostile->builder, &at, hostile->side.pid, hostile->side.tid);
}

static void mapping_of(struct hostile *hostile, guint i)
{
	hostile_map(hostile, i, HOSTILE_CODE_START + i * HOSTILE_PAGE_BYTES, HOSTILE_PAGE_BYTES,
		    "/lib/a");
}

static void thread_sample(struct hostile *hostile, guint i)
{
	const gint32 tid = hostile->side.tid;

	hostile->side.tid = FIRST_PID + (gint32)i;
	hostile_add_sample(hostile, i, HOSTILE_CODE_START);
	hostile->side.tid = tid;
}

/* As deep as a record can be. */
static void deep_sample(struct hostile *hostile, guint i)
{
	guint64 chain[DEEPEST] = {(guint64)PERF_CONTEXT_USER};

	for (guint j = 1; j < DEEPEST; j++)
		chain[j] = HOSTILE_CODE_START + 16 * j;
	hostile_add_chain(hostile, i, chain, DEEPEST);
}

static void lost(struct hostile *hostile, guint i)
{
	const struct perf_builder_stamp at = hostile_moment(hostile, i);

	perf_builder_lost(hostile->builder, &at, 1);
}

/* At once, as perf's own FINISHED_ROUND behind the hits of a round is never packed. */
static void hit(struct hostile *hostile, guint i, const char *probe, const guint64 *args, guint n)
{
	struct colo_story_hit hit = {
		.probe = probe,
		.pid = hostile->side.pid,
		.tid = hostile->side.tid,
		.time_ns = hostile->ram_ns + i * HOSTILE_STEP_NS,
		.n_args = n,
	};

	memcpy(hit.args, args, n * sizeof(args[0]));
	colo_story_write_hit(hostile->story, &hit);
}

static void trigger(struct hostile *hostile, guint i)
{
	const guint64 args[] = {COLO_STORY_PRIMARY, 1, COLO_STORY_TIMER};

	hit(hostile, i, "colo_trigger", args, G_N_ELEMENTS(args));
}

/* Each begins a session. */
static void init(struct hostile *hostile, guint i)
{
	const guint64 args[] = {COLO_STORY_PRIMARY};

	hit(hostile, i, "colo_init_begin", args, G_N_ELEMENTS(args));
}

/* So far apart that nobody takes two of them for one. */
static void init_later(struct hostile *hostile, guint i)
{
	init(hostile, 1000 * i);
}

/* Each is of another checkpoint, of which nothing else is there. */
static void checkpoint(struct hostile *hostile, guint i)
{
	const guint64 args[] = {COLO_STORY_PRIMARY, 10 + i};

	hit(hostile, i, "colo_stop_begin", args, G_N_ELEMENTS(args));
}

/* Of a type that nobody knows: read over as fast as can be. */
static void largest(struct hostile *hostile, guint i G_GNUC_UNUSED)
{
	static const guint8 zeros[65000];

	perf_builder_record(hostile->builder, 50, 0, zeros, sizeof(zeros));
}

static void smallest(struct hostile *hostile, guint i G_GNUC_UNUSED)
{
	perf_builder_record(hostile->builder, 50, 0, NULL, 0);
}

static const struct packed_recipe recipes[] = {
	{"packed-comm", comm, 1, 20000000},
	{"packed-comms", comm, 1000, 20000},
	{"packed-comms-at-once", comm_back_and_forth, 2, 10000000},
	{"packed-exec", exec, 1, 20000000},
	{"packed-fork", fork_of, 1, 20000000},
	{"packed-forks", fork_of, 1000000, 1},
	{"packed-exit", exit_of, 1, 20000000},
	{"packed-mapping", mapping_of, 1, 15000000},
	{"packed-mappings", mapping_of, 1000000, 1},
	{"packed-lost", lost, 1, 20000000},
	{"packed-trigger", trigger, 1, 20000000},
	{"packed-triggers", trigger, 1000000, 1},
	{"packed-init", init, 1, 20000000},
	{"packed-inits", init_later, 1000000, 1},
	{"packed-checkpoint", checkpoint, 1, 20000000},
	{"packed-checkpoints", checkpoint, 2000000, 1},
	{"packed-threads", thread_sample, 1000000, 1},
	{"packed-deep", deep_sample, 1, 400000},
	{"packed-largest", largest, 1, 400000},
	{"packed-smallest", smallest, 1000, 500000},
};

#define CHUNK_BYTES (512 * 1024) /* as perf cuts its buffers */

/* The records that differ, one behind the other. */
static GByteArray *tell_all(const struct packed_recipe *recipe, struct hostile *hostile)
{
	for (guint i = 0; i < recipe->n; i++)
		recipe->tell(hostile, i);
	return perf_builder_take_data(hostile->builder);
}

/* What the checkpoint needs stands in front of the records as it is. */
static GByteArray *data_of(const struct packed_recipe *recipe, struct hostile *hostile)
{
	const struct perf_packing packing = {PERF_PACKER_COMPRESSED, CHUNK_BYTES};
	struct perf_packer *packer = perf_packer_new(G_LITTLE_ENDIAN, &packing);
	g_autoptr(GByteArray) told = NULL, packed = NULL;
	GByteArray *data;

	colo_story_flush(hostile->story);
	data = perf_builder_take_data(hostile->builder);
	told = tell_all(recipe, hostile);
	for (guint i = 0; i < recipe->repetitions; i++)
		perf_packer_add(packer, told->data, told->len);
	perf_packer_flush(packer);
	packed = perf_packer_take(packer);
	g_byte_array_append(data, packed->data, packed->len);
	perf_packer_free(packer);
	return data;
}

static void put(FILE *file, GByteArray *bytes)
{
	fwrite(bytes->data, 1, bytes->len, file);
	g_byte_array_unref(bytes);
}

static gboolean write_recipe(const struct packed_recipe *recipe, const char *directory)
{
	struct hostile hostile = hostile_begin(recipe->n);
	g_autofree char *path = g_strconcat(directory, "/", recipe->name, ".data", NULL);
	FILE *file = fopen(path, "wb");
	GByteArray *data;
	gsize size_bytes;

	if (!file)
		return FALSE;
	perf_builder_feature_compressed(hostile.builder, CHUNK_BYTES);
	data = data_of(recipe, &hostile);
	size_bytes = data->len;
	put(file, perf_builder_file_head(hostile.builder, size_bytes));
	put(file, data);
	put(file, perf_builder_file_tail(hostile.builder, size_bytes));
	hostile_end(&hostile);
	return fclose(file) == 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		g_printerr("usage: make_hostile_packed DIRECTORY [NAME...]\n");
		return 2;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(recipes); i++) {
		const char *const *names = (const char *const *)argv + 2;

		if (argc > 2 && !g_strv_contains(names, recipes[i].name))
			continue;
		if (!write_recipe(&recipes[i], argv[1])) {
			g_printerr("make_hostile_packed: %s: %s\n", recipes[i].name,
				   g_strerror(errno));
			return 1;
		}
	}
	return 0;
}
