/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hostile recordings whose names all have one hash in djb2, which is GLib's g_str_hash() and has no
 * key: h(text) is the sum of the characters times powers of 33. So each pair of characters can be
 * exchanged for another one that adds up to the same.
 */
#include "hostile.h"

#include <string.h>

#define N_PAIRS	 17
#define PER_READ 1000000 /* first of the threads and processes */

/* 33 * 'B' + 'b' is 33 * 'C' + 'A': each bit of `i` chooses one of the two. */
static char *colliding(const char *before, guint i, const char *after)
{
	GString *name = g_string_new(before);

	for (guint bit = 0; bit < N_PAIRS; bit++)
		g_string_append(name, i >> bit & 1 ? "CA" : "Bb");
	g_string_append(name, after);
	return g_string_free(name, FALSE);
}

static void thread_names(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *name = colliding("", i, "");
		struct perf_builder_stamp at = hostile_moment(hostile, i);

		at.tid = PER_READ + (gint32)i;
		perf_builder_comm(hostile->builder, &at, name, FALSE);
	}
}

static void paths(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *path = colliding("/lib/", i, ".so");

		hostile_map(hostile, 0, HOSTILE_CODE_START + i * HOSTILE_PAGE_BYTES,
			    HOSTILE_PAGE_BYTES, path);
	}
}

static void build_id_paths(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *path = colliding("/lib/", i, ".so");
		const guint8 build_id[20] = {1, i & 0xff, i >> 8 & 0xff, i >> 16 & 0xff};

		perf_builder_feature_build_id(hostile->builder, PERF_RECORD_MISC_USER, -1, build_id,
					      sizeof(build_id), path);
	}
}

/* Each is the name of a frame, too: "[file+0x0]". */
static void sampled_files(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *path = colliding("/lib/", i, ".so");
		const guint64 start = HOSTILE_CODE_START + i * HOSTILE_PAGE_BYTES;

		hostile_map(hostile, 0, start, HOSTILE_PAGE_BYTES, path);
		hostile_add_sample(hostile, i, start);
	}
}

/* GLib's tables hash a pid by itself and have a size that is a prime: multiples of it meet. */
static void pids(struct hostile *hostile)
{
	const gint32 step = 65521; /* of tables with room for 65,536 */

	for (guint i = 0; i < hostile->n; i++) {
		struct perf_builder_stamp at = hostile_moment(hostile, i);

		at.pid = at.tid = (gint32)(i % 32768) * step + (gint32)(i / 32768);
		perf_builder_fork(hostile->builder, &at, hostile->side.pid, hostile->side.tid);
	}
}

static const struct hostile_recipe recipes[] = {
	{"colliding-thread-names", thread_names, 100000},
	{"colliding-paths", paths, 60000},
	{"colliding-build-ids", build_id_paths, 80000},
	{"colliding-sampled-files", sampled_files, 30000},
	{"colliding-pids", pids, 65536},
};

int main(int argc, char **argv)
{
	return hostile_main(argc, argv, recipes, G_N_ELEMENTS(recipes));
}
