/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes recordings of a few MiB that nobody records and somebody may make up: far more of
 * one thing than a machine has. Each is a row of the table at the end. What reads them has to
 * take time in proportion to their size; bench/hostile.py measures that.
 */
#include "hostile.h"

#include <string.h>

#define LONG_NAME   60000 /* bytes; a record has room for 65,535 */
#define DEEPEST	    8000  /* entries of a call chain, likewise */
#define CHAIN_PAIRS 17

/* One within the other, the innermost last. */
static void nested_mappings(struct hostile *hostile)
{
	const guint64 n = hostile->n;

	for (guint64 i = 0; i < n; i++)
		hostile_map(hostile, i, HOSTILE_CODE_START + i * HOSTILE_PAGE_BYTES,
			    2 * (n - i) * HOSTILE_PAGE_BYTES, "/lib/a");
	for (guint64 i = 0; i < n; i++)
		hostile_add_sample(hostile, n + i,
				   HOSTILE_CODE_START + i * 7919 % (2 * n) * HOSTILE_PAGE_BYTES +
					   1);
}

/* A program that maps one file over another, and is always seen at the same place. */
static void one_place(struct hostile *hostile)
{
	for (guint64 i = 0; i < hostile->n; i++) {
		hostile_map(hostile, i, HOSTILE_CODE_START, HOSTILE_PAGE_BYTES,
			    i % 2 ? "/lib/a" : "/lib/b");
		hostile_add_sample(hostile, i * 7919 % hostile->n, HOSTILE_CODE_START + 1);
	}
}

static void modules(struct hostile *hostile)
{
	for (guint64 i = 0; i < hostile->n; i++) {
		g_autofree char *path = g_strdup_printf("[module_%" G_GUINT64_FORMAT "]", i);
		const guint64 start = HOSTILE_MODULES_START + i * 16;

		hostile_map_kernel(hostile, start, 16, path);
		hostile_add_sample(hostile, i, start + 1);
	}
}

/* A machine has one. */
static void kernels(struct hostile *hostile)
{
	for (guint64 i = 0; i < hostile->n; i++) {
		g_autofree char *path = g_strdup_printf("[kernel.%" G_GUINT64_FORMAT "]_text", i);
		const guint64 start = HOSTILE_KERNEL_START + i * 16;

		hostile_map_kernel(hostile, start, 16, path);
		hostile_add_sample(hostile, i, start + 1);
	}
}

/* Each the child of the one before; the last is the process of the checkpoints. */
static void forks(struct hostile *hostile)
{
	const gint32 first = 1000000;

	for (guint i = 0; i < hostile->n; i++) {
		struct perf_builder_stamp at = hostile_moment(hostile, i);

		at.pid = at.tid = i + 1 < hostile->n ? first + (gint32)i : hostile->side.pid;
		perf_builder_fork(hostile->builder, &at, first + (gint32)i - 1,
				  first + (gint32)i - 1);
	}
	for (guint i = 0; i < hostile->n; i++)
		hostile_add_sample(hostile, hostile->n + i, HOSTILE_CODE_START + i);
}

static void names_of_a_thread(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *name = g_strdup_printf("name%u", i);
		const struct perf_builder_stamp at = hostile_moment(hostile, i);

		perf_builder_comm(hostile->builder, &at, name, FALSE);
		hostile_add_sample(hostile, i, HOSTILE_CODE_START);
	}
}

static void threads(struct hostile *hostile)
{
	const gint32 first = 1000000;

	hostile->side.tid = first;
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *name = g_strdup_printf("thread%u", i);
		const struct perf_builder_stamp at = hostile_moment(hostile, i);

		perf_builder_comm(hostile->builder, &at, name, FALSE);
		hostile_add_sample(hostile, i, HOSTILE_CODE_START);
		hostile->side.tid++;
	}
}

/* Threads of as many processes whose numbers have one hash in GLib's tables. */
static void equal_hashes(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		struct perf_builder_stamp at = hostile_moment(hostile, i);

		at.pid = 1000000 + (gint32)i;
		at.tid = 7;
		perf_builder_comm(hostile->builder, &at, "thread", FALSE);
	}
}

static void files(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *path = g_strdup_printf("/lib/file%u", i);
		const guint8 build_id[20] = {i & 0xff, i >> 8 & 0xff, i >> 16 & 0xff};

		hostile_map(hostile, 0, HOSTILE_CODE_START + i * HOSTILE_PAGE_BYTES,
			    HOSTILE_PAGE_BYTES, path);
		perf_builder_feature_build_id(hostile->builder, PERF_RECORD_MISC_USER, -1, build_id,
					      sizeof(build_id), path);
		hostile_add_sample(hostile, i, HOSTILE_CODE_START + i * HOSTILE_PAGE_BYTES);
	}
}

static void addresses(struct hostile *hostile)
{
	hostile_map(hostile, 0, HOSTILE_CODE_START, 0x10000000, "/lib/a");
	for (guint i = 0; i < hostile->n; i++)
		hostile_add_sample(hostile, i, HOSTILE_CODE_START + 16 * i);
}

static void deep_chains(struct hostile *hostile)
{
	guint64 chain[DEEPEST];

	hostile_map(hostile, 0, HOSTILE_CODE_START, 0x10000000, "/lib/a");
	for (guint i = 0; i < hostile->n; i++) {
		chain[0] = (guint64)PERF_CONTEXT_USER;
		for (guint j = 1; j < DEEPEST; j++)
			chain[j] = HOSTILE_CODE_START + 16 * (i * DEEPEST + j);
		hostile_add_chain(hostile, i, chain, DEEPEST);
	}
}

/*
 * What two addresses differ in meets again where a hash of odd multipliers and shifts adds them up:
 * chains of such pairs all have one.
 */
static void equal_chains(struct hostile *hostile)
{
	guint64 chain[2 + 2 * CHAIN_PAIRS] = {(guint64)PERF_CONTEXT_USER, HOSTILE_CODE_START};

	for (guint i = 0; i < hostile->n; i++) {
		for (guint j = 0; j < CHAIN_PAIRS; j++) {
			const guint64 bit = i >> j & 1;

			chain[2 + 2 * j] =
				(HOSTILE_CODE_START + HOSTILE_PAGE_BYTES * j) ^ bit << 63;
			chain[3 + 2 * j] =
				(HOSTILE_CODE_START + 0x100000 + HOSTILE_PAGE_BYTES * j) ^
				bit << 63 ^ bit << 34;
		}
		hostile_add_chain(hostile, i, chain, G_N_ELEMENTS(chain));
	}
}

/* Code that is made at run time. */
static void nameless(struct hostile *hostile)
{
	hostile_map(hostile, 0, HOSTILE_CODE_START, 0x40000000, "//anon");
	for (guint i = 0; i < hostile->n; i++)
		hostile_add_sample(hostile, i, HOSTILE_CODE_START + 16 * i);
}

/* A name that is written out for each address. */
static void long_path(struct hostile *hostile)
{
	g_autofree char *name = g_strnfill(LONG_NAME, 'x');

	hostile_map(hostile, 0, HOSTILE_CODE_START, 0x10000000, name);
	for (guint i = 0; i < hostile->n; i++)
		hostile_add_sample(hostile, i, HOSTILE_CODE_START + 16 * i);
}

/* The same, of as many addresses as a recording can have: each is the caller of the next. */
static void long_path_deep(struct hostile *hostile)
{
	g_autofree char *file = g_strnfill(255, 'x');
	g_autofree char *path = g_strconcat("/lib/", file, NULL);
	guint64 chain[DEEPEST] = {(guint64)PERF_CONTEXT_USER};

	hostile_map(hostile, 0, HOSTILE_CODE_START, 0x10000000, path);
	for (guint i = 0; i < hostile->n; i++) {
		for (guint j = 1; j < DEEPEST; j++)
			chain[j] = HOSTILE_CODE_START + 16 * (i * DEEPEST + j);
		hostile_add_chain(hostile, i, chain, DEEPEST);
	}
}

/* Samples whose callers never come, or that came long before. */
static void deferred(struct hostile *hostile)
{
	const guint64 callers[] = {(guint64)PERF_CONTEXT_USER, HOSTILE_CODE_START};

	hostile_map(hostile, 0, HOSTILE_CODE_START, HOSTILE_PAGE_BYTES, "/lib/a");
	for (guint64 i = 0; i < hostile->n; i++) {
		const guint64 chain[] = {PERF_BUILDER_CONTEXT_USER_DEFERRED, i};
		const struct perf_builder_stamp at = hostile_moment(hostile, i);

		hostile_add_chain(hostile, i, chain, G_N_ELEMENTS(chain));
		perf_builder_deferred(hostile->builder, &at, hostile->n + i, callers,
				      G_N_ELEMENTS(callers));
	}
}

/* Code of the kernel that comes and goes at one place. */
static void ksymbols(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *name = g_strdup_printf("bpf_prog_%u", i);
		const struct perf_builder_ksymbol symbol = {.start = HOSTILE_MODULES_START,
							    .size_bytes = HOSTILE_PAGE_BYTES,
							    .type = PERF_RECORD_KSYMBOL_TYPE_BPF,
							    .unregisters = i % 2,
							    .name = name};
		const struct perf_builder_stamp at = hostile_moment(hostile, i);

		perf_builder_ksymbol(hostile->builder, &at, &symbol);
		hostile_add_sample(hostile, i * 7919 % hostile->n, HOSTILE_MODULES_START + 1);
	}
}

/* And one for each thread. */
static void long_name(struct hostile *hostile)
{
	g_autofree char *name = g_strnfill(LONG_NAME, 'x');
	const gint32 parent = hostile->side.tid;
	const struct perf_builder_stamp at = hostile_moment(hostile, 0);

	perf_builder_comm(hostile->builder, &at, name, FALSE);
	for (guint i = 0; i < hostile->n; i++) {
		struct perf_builder_stamp fork = hostile_moment(hostile, i + 1);

		hostile->side.tid = fork.tid = 1000000 + (gint32)i;
		perf_builder_fork(hostile->builder, &fork, hostile->side.pid, parent);
		hostile_add_sample(hostile, i + 1, HOSTILE_CODE_START);
	}
}

static void hit_with_seq(struct hostile *hostile, const char *probe, guint64 seq)
{
	const guint64 args[] = {hostile->side.role, seq, 0};

	colo_story_hit(hostile->story, &hostile->side, probe, args,
		       g_str_has_suffix(probe, "checkpoint_end") ? 3 : 2);
	hostile->side.now_ns += HOSTILE_STEP_NS;
}

/* COLO that is started again and again; a sample in each wait. */
static void sessions(struct hostile *hostile)
{
	hostile->side.now_ns = hostile->ram_ns;
	for (guint64 seq = 3 * hostile->n; seq > 0; seq -= 3) {
		struct perf_builder_sample sample = {.at = hostile_moment(hostile, 0),
						     .ip = HOSTILE_CODE_START};

		hit_with_seq(hostile, "colo_wait_begin", seq);
		sample.at.time_ns = hostile->side.now_ns - HOSTILE_STEP_NS;
		perf_builder_sample(hostile->builder, &sample);
		hit_with_seq(hostile, "colo_wait_end", seq);
		hit_with_seq(hostile, "colo_checkpoint_begin", seq);
		hit_with_seq(hostile, "colo_checkpoint_end", seq);
	}
}

/* Numbers that jump: forwards, and one back. */
static void checkpoints(struct hostile *hostile)
{
	hostile->side.now_ns = hostile->ram_ns;
	for (guint64 i = 1; i <= hostile->n; i++) {
		hit_with_seq(hostile, "colo_checkpoint_begin", 1000 * i);
		hit_with_seq(hostile, "colo_checkpoint_end", 1000 * i - 1);
	}
}

static void events(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++)
		hostile_add_clock(hostile, "cpu-clock", 1000 + i, 1);
	hostile_add_sample(hostile, 0, HOSTILE_CODE_START);
}

/* All of the event that is shown, and none a copy of another. */
static void clocks(struct hostile *hostile)
{
	for (guint64 i = 0; i < hostile->n; i++)
		hostile_add_clock(hostile, "cpu-clock", (i + 1) << 32, 1);
	hostile_add_sample(hostile, 0, HOSTILE_CODE_START);
}

static void event_ids(struct hostile *hostile)
{
	hostile_add_clock(hostile, "cpu-clock", PERF_COUNT_SW_CPU_CLOCK, hostile->n);
	hostile_add_sample(hostile, 0, HOSTILE_CODE_START);
}

static void put(GByteArray *to, gconstpointer bytes, gsize size_bytes)
{
	g_byte_array_append(to, bytes, size_bytes);
}

/* A text behind its size. */
static void put_text(GByteArray *to, const char *text)
{
	const guint64 size_bytes = GUINT64_TO_LE(strlen(text));

	put(to, &size_bytes, sizeof(size_bytes));
	put(to, text, strlen(text));
}

/* Formats of nothing else than a name and a number, of events that are not there. */
static void formats(struct hostile *hostile)
{
	static const char head[] = "\x17\x08"
				   "Dtracing0.6\0\0\x08\0\x10\0\0";
	const guint32 none = 0, one = GUINT32_TO_LE(1), n = GUINT32_TO_LE(hostile->n);
	GByteArray *to = g_byte_array_new();

	put(to, head, sizeof(head) - 1);
	put(to, "header_page", 12);
	put_text(to, "");
	put(to, "header_event", 13);
	put_text(to, "");
	put(to, &none, sizeof(none));
	put(to, &one, sizeof(one));
	put(to, "sdt_qemu", 9);
	put(to, &n, sizeof(n));
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *text = g_strdup_printf("name: a%u\nID: %u\nformat:\n", i, i);

		put_text(to, text);
	}
	perf_builder_feature_bytes(hostile->builder, PERF_BUILDER_TRACING_DATA, to->data, to->len);
	g_byte_array_unref(to);
}

static const struct hostile_recipe recipes[] = {
	{"nested-mappings", nested_mappings, 40000},
	{"one-place", one_place, 40000},
	{"modules", modules, 40000},
	{"kernels", kernels, 40000},
	{"forks", forks, 50000},
	{"names-of-a-thread", names_of_a_thread, 40000},
	{"threads", threads, 40000},
	{"equal-hashes", equal_hashes, 100000},
	{"files", files, 20000},
	{"addresses", addresses, 80000},
	{"deep-chains", deep_chains, 100},
	{"equal-chains", equal_chains, 20000},
	{"nameless", nameless, 80000},
	{"long-path", long_path, 40000},
	{"long-path-deep", long_path_deep, 150},
	{"deferred", deferred, 40000},
	{"ksymbols", ksymbols, 40000},
	{"long-name", long_name, 40000},
	{"sessions", sessions, 15000},
	{"checkpoints", checkpoints, 40000},
	{"events", events, 20000},
	{"clocks", clocks, 20000},
	{"event-ids", event_ids, 400000},
	{"formats", formats, 100000},
};

int main(int argc, char **argv)
{
	return hostile_main(argc, argv, recipes, G_N_ELEMENTS(recipes));
}
