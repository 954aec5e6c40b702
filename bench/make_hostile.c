/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes recordings of a few MiB that nobody records and somebody may make up: far more of
 * one thing than a machine has. Each is a row of the table at the end. What reads them has to
 * take time in proportion to their size; bench/hostile.py measures that.
 */
#include "lib/colo_story.h"
#include "lib/hostile_elf.h"

#include <string.h>

#define N_CPUS	      1
#define START_NS      5000000000ULL
#define RAM_NS	      100000000000ULL /* how long the phase with the samples lasts */
#define STEP_NS	      100
#define PAGE_BYTES    0x1000ULL
#define CODE_START    0x10000000ULL
#define KERNEL_START  0xffffffff81000000ULL
#define MODULES_START 0xffffffffc0000000ULL
#define LONG_NAME     60000 /* bytes; a record has room for 65,535 */
#define DEEPEST	      8000  /* entries of a call chain, likewise */
#define CHAIN_PAIRS   17
#define ELF_DIRECTORY "elf"	      /* below the directory, which is to be given with --symfs */
#define UNPACKED      (2100ULL << 20) /* bytes; what compressed parts of ELF files unpack to */

/* One recording; all samples are of the thread of the checkpoints. */
struct hostile {
	struct perf_builder *builder; /* Owned by this */
	struct colo_story *story;     /* Owned by this */
	struct colo_story_side side;  /* as when the checkpoint begins */
	guint clock;		      /* event of the samples and of what tells of processes */
	guint n;		      /* how many of everything */
	guint64 ram_ns;		      /* begin of the phase with the samples */
};

static struct perf_event_attr clock_attr(void)
{
	return (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000,
		.sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE,
		.freq = 1,
		.sample_id_all = 1,
	};
}

static guint add_clock(struct hostile *hostile, const char *name, guint64 config, guint n_ids)
{
	struct perf_builder_event event = {.name = name, .attr = clock_attr(), .n_ids = n_ids};

	event.attr.config = config;
	return perf_builder_add_event(hostile->builder, &event);
}

/* The stamp of the i-th moment in the phase. */
static struct perf_builder_stamp moment(const struct hostile *hostile, guint64 i)
{
	return (struct perf_builder_stamp){.event = hostile->clock,
					   .pid = hostile->side.pid,
					   .tid = hostile->side.tid,
					   .time_ns = hostile->ram_ns + i * STEP_NS};
}

static void add_chain(struct hostile *hostile, guint64 i, const guint64 *chain, gsize n_chain)
{
	const struct perf_builder_sample sample = {.at = moment(hostile, i),
						   .misc = PERF_RECORD_MISC_USER,
						   .ip = chain[n_chain - 1],
						   .period = 1000,
						   .chain = chain,
						   .n_chain = n_chain};

	perf_builder_sample(hostile->builder, &sample);
}

static void add_sample(struct hostile *hostile, guint64 i, guint64 address)
{
	const guint64 chain[] = {address >= KERNEL_START ? (guint64)PERF_CONTEXT_KERNEL
							 : (guint64)PERF_CONTEXT_USER,
				 address};

	add_chain(hostile, i, chain, G_N_ELEMENTS(chain));
}

static struct perf_builder_mmap mapping(const struct hostile *hostile, guint64 i, guint64 start,
					guint64 size_bytes, const char *path)
{
	return (struct perf_builder_mmap){.at = moment(hostile, i),
					  .misc = PERF_RECORD_MISC_USER,
					  .start = start,
					  .size_bytes = size_bytes,
					  .path = path};
}

static void map(struct hostile *hostile, guint64 i, guint64 start, guint64 size_bytes,
		const char *path)
{
	const struct perf_builder_mmap mmap = mapping(hostile, i, start, size_bytes, path);

	perf_builder_mmap(hostile->builder, &mmap);
}

static void map_kernel(struct hostile *hostile, guint64 start, guint64 size_bytes, const char *path)
{
	struct perf_builder_mmap mmap = mapping(hostile, 0, start, size_bytes, path);

	mmap.at.pid = -1;
	mmap.at.time_ns = 0;
	mmap.misc = PERF_RECORD_MISC_KERNEL;
	mmap.file_offset = start;
	perf_builder_mmap(hostile->builder, &mmap);
}

/* One within the other, the innermost last. */
static void nested_mappings(struct hostile *hostile)
{
	const guint64 n = hostile->n;

	for (guint64 i = 0; i < n; i++)
		map(hostile, i, CODE_START + i * PAGE_BYTES, 2 * (n - i) * PAGE_BYTES, "/lib/a");
	for (guint64 i = 0; i < n; i++)
		add_sample(hostile, n + i, CODE_START + i * 7919 % (2 * n) * PAGE_BYTES + 1);
}

/* A program that maps one file over another, and is always seen at the same place. */
static void one_place(struct hostile *hostile)
{
	for (guint64 i = 0; i < hostile->n; i++) {
		map(hostile, i, CODE_START, PAGE_BYTES, i % 2 ? "/lib/a" : "/lib/b");
		add_sample(hostile, i * 7919 % hostile->n, CODE_START + 1);
	}
}

static void modules(struct hostile *hostile)
{
	for (guint64 i = 0; i < hostile->n; i++) {
		g_autofree char *path = g_strdup_printf("[module_%" G_GUINT64_FORMAT "]", i);
		const guint64 start = MODULES_START + i * 16;

		map_kernel(hostile, start, 16, path);
		add_sample(hostile, i, start + 1);
	}
}

/* A machine has one. */
static void kernels(struct hostile *hostile)
{
	for (guint64 i = 0; i < hostile->n; i++) {
		g_autofree char *path = g_strdup_printf("[kernel.%" G_GUINT64_FORMAT "]_text", i);
		const guint64 start = KERNEL_START + i * 16;

		map_kernel(hostile, start, 16, path);
		add_sample(hostile, i, start + 1);
	}
}

/* Each the child of the one before; the last is the process of the checkpoints. */
static void forks(struct hostile *hostile)
{
	const gint32 first = 1000000;

	for (guint i = 0; i < hostile->n; i++) {
		struct perf_builder_stamp at = moment(hostile, i);

		at.pid = at.tid = i + 1 < hostile->n ? first + (gint32)i : hostile->side.pid;
		perf_builder_fork(hostile->builder, &at, first + (gint32)i - 1,
				  first + (gint32)i - 1);
	}
	for (guint i = 0; i < hostile->n; i++)
		add_sample(hostile, hostile->n + i, CODE_START + i);
}

static void names_of_a_thread(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *name = g_strdup_printf("name%u", i);
		const struct perf_builder_stamp at = moment(hostile, i);

		perf_builder_comm(hostile->builder, &at, name, FALSE);
		add_sample(hostile, i, CODE_START);
	}
}

static void threads(struct hostile *hostile)
{
	const gint32 first = 1000000;

	hostile->side.tid = first;
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *name = g_strdup_printf("thread%u", i);
		const struct perf_builder_stamp at = moment(hostile, i);

		perf_builder_comm(hostile->builder, &at, name, FALSE);
		add_sample(hostile, i, CODE_START);
		hostile->side.tid++;
	}
}

/* Threads of as many processes whose numbers have one hash in GLib's tables. */
static void equal_hashes(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		struct perf_builder_stamp at = moment(hostile, i);

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

		map(hostile, 0, CODE_START + i * PAGE_BYTES, PAGE_BYTES, path);
		perf_builder_feature_build_id(hostile->builder, PERF_RECORD_MISC_USER, -1, build_id,
					      sizeof(build_id), path);
		add_sample(hostile, i, CODE_START + i * PAGE_BYTES);
	}
}

static void addresses(struct hostile *hostile)
{
	map(hostile, 0, CODE_START, 0x10000000, "/lib/a");
	for (guint i = 0; i < hostile->n; i++)
		add_sample(hostile, i, CODE_START + 16 * i);
}

static void deep_chains(struct hostile *hostile)
{
	guint64 chain[DEEPEST];

	map(hostile, 0, CODE_START, 0x10000000, "/lib/a");
	for (guint i = 0; i < hostile->n; i++) {
		chain[0] = (guint64)PERF_CONTEXT_USER;
		for (guint j = 1; j < DEEPEST; j++)
			chain[j] = CODE_START + 16 * (i * DEEPEST + j);
		add_chain(hostile, i, chain, DEEPEST);
	}
}

/*
 * What two addresses differ in meets again where a hash of odd multipliers and shifts adds them up:
 * chains of such pairs all have one.
 */
static void equal_chains(struct hostile *hostile)
{
	guint64 chain[2 + 2 * CHAIN_PAIRS] = {(guint64)PERF_CONTEXT_USER, CODE_START};

	for (guint i = 0; i < hostile->n; i++) {
		for (guint j = 0; j < CHAIN_PAIRS; j++) {
			const guint64 bit = i >> j & 1;

			chain[2 + 2 * j] = (CODE_START + PAGE_BYTES * j) ^ bit << 63;
			chain[3 + 2 * j] =
				(CODE_START + 0x100000 + PAGE_BYTES * j) ^ bit << 63 ^ bit << 34;
		}
		add_chain(hostile, i, chain, G_N_ELEMENTS(chain));
	}
}

/* Code that is made at run time. */
static void nameless(struct hostile *hostile)
{
	map(hostile, 0, CODE_START, 0x40000000, "//anon");
	for (guint i = 0; i < hostile->n; i++)
		add_sample(hostile, i, CODE_START + 16 * i);
}

/* A name that is written out for each address. */
static void long_path(struct hostile *hostile)
{
	g_autofree char *name = g_strnfill(LONG_NAME, 'x');

	map(hostile, 0, CODE_START, 0x10000000, name);
	for (guint i = 0; i < hostile->n; i++)
		add_sample(hostile, i, CODE_START + 16 * i);
}

/* The same, of as many addresses as a recording can have: each is the caller of the next. */
static void long_path_deep(struct hostile *hostile)
{
	g_autofree char *file = g_strnfill(255, 'x');
	g_autofree char *path = g_strconcat("/lib/", file, NULL);
	guint64 chain[DEEPEST] = {(guint64)PERF_CONTEXT_USER};

	map(hostile, 0, CODE_START, 0x10000000, path);
	for (guint i = 0; i < hostile->n; i++) {
		for (guint j = 1; j < DEEPEST; j++)
			chain[j] = CODE_START + 16 * (i * DEEPEST + j);
		add_chain(hostile, i, chain, DEEPEST);
	}
}

/* Samples whose callers never come, or that came long before. */
static void deferred(struct hostile *hostile)
{
	const guint64 callers[] = {(guint64)PERF_CONTEXT_USER, CODE_START};

	map(hostile, 0, CODE_START, PAGE_BYTES, "/lib/a");
	for (guint64 i = 0; i < hostile->n; i++) {
		const guint64 chain[] = {PERF_BUILDER_CONTEXT_USER_DEFERRED, i};
		const struct perf_builder_stamp at = moment(hostile, i);

		add_chain(hostile, i, chain, G_N_ELEMENTS(chain));
		perf_builder_deferred(hostile->builder, &at, hostile->n + i, callers,
				      G_N_ELEMENTS(callers));
	}
}

/* Code of the kernel that comes and goes at one place. */
static void ksymbols(struct hostile *hostile)
{
	for (guint i = 0; i < hostile->n; i++) {
		g_autofree char *name = g_strdup_printf("bpf_prog_%u", i);
		const struct perf_builder_ksymbol symbol = {.start = MODULES_START,
							    .size_bytes = PAGE_BYTES,
							    .type = PERF_RECORD_KSYMBOL_TYPE_BPF,
							    .unregisters = i % 2,
							    .name = name};
		const struct perf_builder_stamp at = moment(hostile, i);

		perf_builder_ksymbol(hostile->builder, &at, &symbol);
		add_sample(hostile, i * 7919 % hostile->n, MODULES_START + 1);
	}
}

/* And one for each thread. */
static void long_name(struct hostile *hostile)
{
	g_autofree char *name = g_strnfill(LONG_NAME, 'x');
	const gint32 parent = hostile->side.tid;
	const struct perf_builder_stamp at = moment(hostile, 0);

	perf_builder_comm(hostile->builder, &at, name, FALSE);
	for (guint i = 0; i < hostile->n; i++) {
		struct perf_builder_stamp fork = moment(hostile, i + 1);

		hostile->side.tid = fork.tid = 1000000 + (gint32)i;
		perf_builder_fork(hostile->builder, &fork, hostile->side.pid, parent);
		add_sample(hostile, i + 1, CODE_START);
	}
}

static void hit_with_seq(struct hostile *hostile, const char *probe, guint64 seq)
{
	const guint64 args[] = {hostile->side.role, seq, 0};

	colo_story_hit(hostile->story, &hostile->side, probe, args,
		       g_str_has_suffix(probe, "checkpoint_end") ? 3 : 2);
	hostile->side.now_ns += STEP_NS;
}

/* COLO that is started again and again; a sample in each wait. */
static void sessions(struct hostile *hostile)
{
	hostile->side.now_ns = hostile->ram_ns;
	for (guint64 seq = 3 * hostile->n; seq > 0; seq -= 3) {
		struct perf_builder_sample sample = {.at = moment(hostile, 0), .ip = CODE_START};

		hit_with_seq(hostile, "colo_wait_begin", seq);
		sample.at.time_ns = hostile->side.now_ns - STEP_NS;
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
		add_clock(hostile, "cpu-clock", 1000 + i, 1);
	add_sample(hostile, 0, CODE_START);
}

/* All of the event that is shown, and none a copy of another. */
static void clocks(struct hostile *hostile)
{
	for (guint64 i = 0; i < hostile->n; i++)
		add_clock(hostile, "cpu-clock", (i + 1) << 32, 1);
	add_sample(hostile, 0, CODE_START);
}

static void event_ids(struct hostile *hostile)
{
	add_clock(hostile, "cpu-clock", PERF_COUNT_SW_CPU_CLOCK, hostile->n);
	add_sample(hostile, 0, CODE_START);
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

static const struct recipe {
	const char *name;
	void (*tell)(struct hostile *hostile);
	guint n;
} recipes[] = {
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

/* All over the code of an ELF file, which write_elf_files() makes. */
static void sample_elf_file(struct hostile *hostile, enum hostile_elf kind)
{
	g_autofree char *path = g_strconcat("/" ELF_DIRECTORY "/", hostile_elf_name(kind), NULL);

	map(hostile, 0, CODE_START, HOSTILE_ELF_N * HOSTILE_ELF_STEP * 2, path);
	for (guint64 i = 0; i < 40000; i++)
		add_sample(hostile, i,
			   CODE_START + HOSTILE_ELF_CODE +
				   i * 7919 % HOSTILE_ELF_N * HOSTILE_ELF_STEP);
}

static gboolean write_elf_files(const char *directory)
{
	g_autofree char *elf = g_strconcat(directory, "/" ELF_DIRECTORY, NULL);

	if (g_mkdir_with_parents(elf, 0777))
		return FALSE;
	for (guint kind = 0; kind < HOSTILE_ELF_N_KINDS; kind++) {
		g_autofree char *path = g_strconcat(elf, "/", hostile_elf_name(kind), NULL);

		hostile_elf_write(kind, UNPACKED, path);
	}
	return TRUE;
}

/* A checkpoint whose phase has the samples; its story goes on behind what the recipe tells. */
static void begin_checkpoint(struct hostile *hostile, struct colo_story_checkpoint *checkpoint)
{
	*checkpoint = (struct colo_story_checkpoint){.seq = 1, .wait_ns = 5000000};
	for (guint phase = COLO_STORY_REQUEST; phase < COLO_STORY_N_PHASES; phase++)
		checkpoint->phase_ns[phase] = 1000000;
	checkpoint->phase_ns[COLO_STORY_RAM] = RAM_NS;
	hostile->ram_ns = colo_story_phase_begin_ns(&hostile->side, checkpoint, COLO_STORY_RAM);
}

/* `kind` is that of an ELF file when there is no recipe. */
static gboolean write_recipe(const struct recipe *recipe, enum hostile_elf kind,
			     const char *directory, GError **error)
{
	const char *name = recipe ? recipe->name : hostile_elf_name(kind);
	struct hostile hostile = {
		.builder = perf_builder_new(G_LITTLE_ENDIAN),
		.side = {.role = COLO_STORY_PRIMARY, .pid = 101, .tid = 111, .now_ns = START_NS},
		.n = recipe ? recipe->n : 0,
	};
	g_autofree char *path = g_strconcat(directory, "/", name, ".data", NULL);
	struct colo_story_checkpoint checkpoint;
	struct colo_story_side side;
	gboolean written;

	hostile.story = colo_story_new(hostile.builder, N_CPUS, NULL);
	hostile.clock = add_clock(&hostile, "cpu-clock", PERF_COUNT_SW_CPU_CLOCK, N_CPUS);
	colo_story_features(hostile.story);
	side = hostile.side;
	begin_checkpoint(&hostile, &checkpoint);
	colo_story_checkpoint(hostile.story, &side, &checkpoint);
	if (recipe)
		recipe->tell(&hostile);
	else
		sample_elf_file(&hostile, kind);
	colo_story_free(hostile.story);
	written = perf_builder_write(hostile.builder, path, error);
	perf_builder_free(hostile.builder);
	return written;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	if (argc != 2) {
		g_printerr("usage: make_hostile DIRECTORY\n");
		return 2;
	}
	for (guint i = 0; i < G_N_ELEMENTS(recipes) && !error; i++)
		write_recipe(&recipes[i], 0, argv[1], &error);
	for (guint kind = 0; kind < HOSTILE_ELF_N_KINDS && !error; kind++)
		write_recipe(NULL, kind, argv[1], &error);
	if (!error && !write_elf_files(argv[1]))
		g_set_error(&error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot make %s/%s", argv[1],
			    ELF_DIRECTORY);
	if (error) {
		g_printerr("make_hostile: %s\n", error->message);
		return 1;
	}
	return 0;
}
