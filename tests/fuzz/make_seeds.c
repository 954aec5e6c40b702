/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the first inputs of each target: small recordings of every kind that the byte builder
 * can make, in both byte orders, real ones cut down, and what the other targets take. A row of a
 * table is a file.
 *
 *	make_seeds DIRECTORY [RECORDING...]
 */
#include "fuzz/fuzz_hits.h"
#include "lib/colo_story.h"
#include "lib/elf_maker.h"
#include "lib/probes_maker.h"
#include "lib/real_recording.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define N_CPUS	 2
#define START_NS G_GUINT64_CONSTANT(5000000000)

/* Writes DIRECTORY/TARGET/NAME. */
static void write_seed(const char *directory, const char *target, const char *name,
		       gconstpointer bytes, gsize size)
{
	g_autofree char *dir = g_build_filename(directory, target, NULL);
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autoptr(GError) error = NULL;

	if (g_mkdir_with_parents(dir, 0755))
		g_error("%s: %s", dir, g_strerror(errno));
	if (!g_file_set_contents(path, bytes, (gssize)size, &error))
		g_error("%s", error->message);
}

/* --- Recordings --- */

static struct colo_story_checkpoint checkpoint_of(guint64 seq)
{
	struct colo_story_checkpoint checkpoint = {.seq = seq,
						   .wait_ns = 5000000,
						   .after_ns = 900,
						   .dev_bytes = 50000 + seq,
						   .ram_bytes = 4104 * seq,
						   .normal_pages = seq,
						   .vmstate_bytes = 50000,
						   .flushed_pages = seq,
						   .trigger = COLO_STORY_TIMER};

	for (guint phase = COLO_STORY_REQUEST; phase < COLO_STORY_N_PHASES; phase++) {
		checkpoint.before_ns[phase] = 500;
		checkpoint.phase_ns[phase] = 100000 * (phase + 1);
	}
	return checkpoint;
}

static struct colo_story_side side_of(enum colo_story_role role)
{
	return (struct colo_story_side){.role = role,
					.pid = 101 * (gint32)role,
					.tid = 111 * (gint32)role,
					.cpu = role - 1,
					.main_cpu = 0,
					.now_ns = START_NS};
}

/* What a seed is made with. */
struct teller {
	struct perf_builder *builder;
	struct colo_story *story;
	guint clock; /* the event that samples */
};

static void tell_side(const struct teller *teller, enum colo_story_role role)
{
	struct colo_story_side side = side_of(role);

	colo_story_process(teller->story, &side);
	colo_story_init(teller->story, &side, 4000000);
	for (guint64 seq = 1; seq <= 2; seq++) {
		struct colo_story_checkpoint checkpoint = checkpoint_of(seq);

		colo_story_checkpoint(teller->story, &side, &checkpoint);
	}
	colo_story_exit(teller->story, &side, COLO_STORY_EXIT_REQUEST);
	colo_story_flush(teller->story);
}

static void tell_primary(const struct teller *teller)
{
	tell_side(teller, COLO_STORY_PRIMARY);
}

static void tell_both(const struct teller *teller)
{
	tell_side(teller, COLO_STORY_PRIMARY);
	tell_side(teller, COLO_STORY_SECONDARY);
}

/* Samples with call chains, in the kernel and in files that are not there. */
static void tell_samples(const struct teller *teller)
{
	static const guint64 chain[] = {PERF_CONTEXT_KERNEL, 0xffffffff81000110, 0xffffffff81000210,
					PERF_CONTEXT_USER,   0x401000,		 0x402000};
	const struct perf_builder_mmap kernel = {.at = {.event = teller->clock, .pid = -1},
						 .misc = PERF_RECORD_MISC_KERNEL,
						 .start = 0xffffffff81000000,
						 .size_bytes = 0x1000000,
						 .file_offset = 0xffffffff81000000,
						 .path = "[kernel.kallsyms]_text"};

	perf_builder_mmap(teller->builder, &kernel);
	tell_side(teller, COLO_STORY_PRIMARY);
	for (guint i = 0; i < 20; i++) {
		const struct perf_builder_sample sample = {
			.at = {.event = teller->clock,
			       .pid = 101,
			       .tid = i % 4 ? 111 : 101,
			       .cpu = i % N_CPUS,
			       .time_ns = START_NS + 4000000 + i * 900000},
			.misc = i % 2 ? PERF_RECORD_MISC_USER : PERF_RECORD_MISC_KERNEL,
			.ip = chain[1],
			.period = 1000000,
			.chain = chain,
			.n_chain = 1 + i % G_N_ELEMENTS(chain)};

		perf_builder_sample(teller->builder, &sample);
	}
}

static void tell_aborted(const struct teller *teller)
{
	struct colo_story_side side = side_of(COLO_STORY_PRIMARY);
	struct colo_story_checkpoint checkpoint = checkpoint_of(1);

	colo_story_process(teller->story, &side);
	colo_story_checkpoint(teller->story, &side, &checkpoint);
	checkpoint = checkpoint_of(2);
	checkpoint.ret = -1;
	checkpoint.fail_phase = COLO_STORY_VMSTATE;
	colo_story_checkpoint(teller->story, &side, &checkpoint);
	colo_story_exit(teller->story, &side, COLO_STORY_EXIT_ERROR);
}

/* Every other record that is looked into. */
static void tell_losses(const struct teller *teller)
{
	struct perf_builder_stamp at = {.event = colo_story_event(teller->story, "colo_ram_begin"),
					.pid = 101,
					.tid = 111,
					.time_ns = START_NS};
	static const guint8 build_id[20] = {1, 2, 3};
	const struct perf_builder_mmap mmap = {.at = at,
					       .misc = PERF_RECORD_MISC_USER,
					       .start = 0x400000,
					       .size_bytes = 0x1000,
					       .path = "/usr/bin/none",
					       .build_id = build_id,
					       .build_id_size = sizeof(build_id)};

	tell_primary(teller);
	perf_builder_lost(teller->builder, &at, 17);
	perf_builder_lost_samples(teller->builder, &at, 4);
	perf_builder_mmap2(teller->builder, &mmap);
	perf_builder_fork(teller->builder, &at, 100, 100);
	perf_builder_fork_made_up(teller->builder, &at, 101, 101);
	perf_builder_comm(teller->builder, &at, "other", TRUE);
	perf_builder_exit(teller->builder, &at, 100, 100);
	perf_builder_record(teller->builder, PERF_RECORD_THROTTLE, 0, build_id, sizeof(build_id));
	perf_builder_feature_build_id(teller->builder, PERF_RECORD_MISC_USER, -1, build_id,
				      sizeof(build_id), "/usr/bin/none");
	perf_builder_feature_clock_data(teller->builder, 7, 1000, START_NS);
}

static void of_32_bits(struct perf_builder *builder)
{
	perf_builder_set_long_size(builder, 4);
	perf_builder_set_attr_size(builder, PERF_ATTR_SIZE_VER0);
}

static void kill_perf(struct perf_builder *builder)
{
	perf_builder_set_killed(builder, TRUE);
}

static void leave_out_formats(struct perf_builder *builder)
{
	perf_builder_omit_feature(builder, PERF_BUILDER_TRACING_DATA);
}

static const struct recipe {
	const char *name;
	void (*tell)(const struct teller *teller);
	void (*begin)(struct perf_builder *builder);  /* NULL: nothing to do */
	void (*finish)(struct perf_builder *builder); /* NULL: likewise */
} recipes[] = {
	{.name = "primary", .tell = tell_primary},
	{.name = "both", .tell = tell_both},
	{.name = "samples", .tell = tell_samples},
	{.name = "aborted", .tell = tell_aborted},
	{.name = "losses", .tell = tell_losses},
	{.name = "32-bit", .tell = tell_primary, .begin = of_32_bits},
	{.name = "killed", .tell = tell_primary, .finish = kill_perf},
	{.name = "no-formats", .tell = tell_primary, .finish = leave_out_formats},
};

/* The formats of tracepoints are a target of their own. */
static void write_tracing_data(const char *directory, const char *name, const guint8 *section,
			       gsize size, gboolean swapped)
{
	g_autoptr(GByteArray) seed = g_byte_array_new();
	guint8 head[2 + 64] = {swapped, 64};

	for (guint i = 2; i < sizeof(head); i++)
		head[i] = i;
	g_byte_array_append(seed, head, sizeof(head));
	g_byte_array_append(seed, section, size);
	write_seed(directory, "tracepoint", name, seed->data, seed->len);
}

/* The same as a pipe and compressed, in each way. */
static void write_forms(const char *directory, const char *name, struct perf_builder *builder)
{
	static const struct perf_packing packings[] = {
		{.kind = PERF_PACKER_COMPRESSED, .chunk_size_bytes = 1000},
		{.kind = PERF_PACKER_COMPRESSED2, .chunk_size_bytes = 4000},
		{.kind = PERF_PACKER_UNSET_SIZE2, .chunk_size_bytes = 4000},
	};
	g_autoptr(GByteArray) pipe = perf_builder_build_pipe(builder, NULL);

	write_seed(directory, "perf_pipe", name, pipe->data, pipe->len);
	for (guint i = 0; i < G_N_ELEMENTS(packings); i++) {
		g_autofree char *packed_name = g_strdup_printf("%s-packed-%u", name, i);
		g_autoptr(GByteArray) packed = NULL;

		perf_builder_feature_compressed(builder, packings[i].chunk_size_bytes);
		packed = perf_builder_build_packed(builder, &packings[i]);
		write_seed(directory, "perf_file", packed_name, packed->data, packed->len);
		g_byte_array_unref(packed);
		packed = perf_builder_build_pipe(builder, &packings[i]);
		write_seed(directory, "perf_pipe", packed_name, packed->data, packed->len);
	}
}

static void write_recipe(const char *directory, const struct recipe *recipe, int byte_order)
{
	const struct perf_builder_event clock = {
		.name = "cpu-clock",
		.attr = {.type = PERF_TYPE_SOFTWARE,
			 .config = PERF_COUNT_SW_CPU_CLOCK,
			 .sample_period = 997,
			 .freq = 1,
			 .sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE,
			 .sample_id_all = 1},
		.n_ids = N_CPUS};
	struct teller teller = {.builder = perf_builder_new(byte_order)};
	const char *order = byte_order == G_BIG_ENDIAN ? "big" : "little";
	g_autofree char *name = g_strdup_printf("%s-%s", recipe->name, order);
	g_autoptr(GByteArray) bytes = NULL;
	struct perf_builder_layout layout;

	if (recipe->begin)
		recipe->begin(teller.builder);
	teller.story = colo_story_new(teller.builder, N_CPUS, NULL);
	teller.clock = perf_builder_add_event(teller.builder, &clock);
	colo_story_features(teller.story);
	recipe->tell(&teller);
	colo_story_free(teller.story);
	if (recipe->finish)
		recipe->finish(teller.builder);
	bytes = perf_builder_build(teller.builder, &layout);
	write_seed(directory, "perf_file", name, bytes->data, bytes->len);
	if (!recipe->finish)
		write_forms(directory, name, teller.builder);
	if (recipe->tell == tell_primary && layout.features_size[PERF_BUILDER_TRACING_DATA])
		write_tracing_data(directory, name,
				   bytes->data + layout.features_offset[PERF_BUILDER_TRACING_DATA],
				   layout.features_size[PERF_BUILDER_TRACING_DATA],
				   byte_order != G_BYTE_ORDER);
	perf_builder_free(teller.builder);
}

/* --- Real recordings, of this byte order --- */

#define CUT_DATA_BYTES 8192

/* The first records of a recording, with all its features, as a file and as a pipe. */
static void write_cut(const char *directory, const char *path)
{
	g_autofree char *bytes = NULL, *name = g_path_get_basename(path);
	g_autoptr(GByteArray) file = NULL;
	g_autoptr(GByteArray) pipe = NULL;
	g_autoptr(GError) error = NULL;
	struct real_recording recording;
	const guint8 *formats;
	gsize size, cut_size;

	if (!g_file_get_contents(path, &bytes, &size, &error))
		g_error("%s", error->message);
	recording = real_recording_of(bytes, size);
	cut_size = real_recording_first(&recording, CUT_DATA_BYTES);
	file = real_recording_file(&recording, recording.data, cut_size);
	pipe = real_recording_pipe(&recording, recording.data, cut_size);
	write_seed(directory, "perf_file", name, file->data, file->len);
	write_seed(directory, "perf_pipe", name, pipe->data, pipe->len);
	formats = real_recording_feature(&recording, PERF_BUILDER_TRACING_DATA, &size);
	write_tracing_data(directory, name, formats, size, FALSE);
}

/* --- Records of processes --- */

/* What fuzz_zstd is to compress, in pieces of 100 bytes; the records of processes will do. */
static void write_packed(const char *directory, const char *name, const GByteArray *maps)
{
	g_autoptr(GByteArray) seed = g_byte_array_new();
	const guint8 head[] = {2 | maps->data[0], 100, 0};

	g_byte_array_append(seed, head, sizeof(head));
	g_byte_array_append(seed, maps->data + 1, maps->len - 1);
	write_seed(directory, "zstd", name, seed->data, seed->len);
}

static void write_maps(const char *directory, int byte_order)
{
	const struct perf_builder_event event = {
		.name = "dummy",
		.attr = {.type = PERF_TYPE_SOFTWARE,
			 .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
			 .sample_id_all = 1},
		.n_ids = 1};
	struct perf_builder *builder = perf_builder_new(byte_order);
	struct perf_builder_stamp at = {.pid = 10, .tid = 10, .time_ns = 100};
	struct perf_builder_mmap mmap = {.at = at, .misc = PERF_RECORD_MISC_USER, .path = "/a"};
	const char *name = byte_order == G_BIG_ENDIAN ? "big" : "little";
	g_autoptr(GByteArray) bytes = NULL;
	g_autoptr(GByteArray) seed = g_byte_array_new();
	struct perf_builder_layout layout;
	const guint8 flags = byte_order != G_BYTE_ORDER;

	at.event = mmap.at.event = perf_builder_add_event(builder, &event);
	perf_builder_comm(builder, &at, "a", FALSE);
	mmap.start = 0x1000;
	mmap.size_bytes = 0x4000;
	perf_builder_mmap2(builder, &mmap);
	mmap.start = 0x2000;
	mmap.size_bytes = 0x1000;
	mmap.at.time_ns = 300;
	mmap.path = "//anon";
	perf_builder_mmap(builder, &mmap);
	at.pid = at.tid = 11;
	at.time_ns = 200;
	perf_builder_fork(builder, &at, 10, 10);
	at.time_ns = 400;
	perf_builder_comm(builder, &at, "b", TRUE);
	perf_builder_fork_made_up(builder, &at, 10, 10);
	at.time_ns = 500;
	perf_builder_exit(builder, &at, 10, 10);
	mmap.misc = PERF_RECORD_MISC_KERNEL;
	mmap.path = "[kernel.kallsyms]_text";
	perf_builder_mmap(builder, &mmap);
	bytes = perf_builder_build(builder, &layout);
	g_byte_array_append(seed, &flags, 1);
	g_byte_array_append(seed, bytes->data + layout.data_offset, layout.data_size);
	write_seed(directory, "maps", name, seed->data, seed->len);
	write_packed(directory, name, seed);
	perf_builder_free(builder);
}

/* --- Hits --- */

static void add_hit(GByteArray *hits, const char *probe, enum colo_story_role role, gint8 seq,
		    gint32 ticks)
{
	struct fuzz_hit hit = {.flags = role, .seq = seq, .ticks = ticks};

	if (!strcmp(probe, "colo_trigger"))
		hit.amount = COLO_STORY_TIMER;
	while (strcmp(fuzz_probe_names[hit.probe], probe) != 0)
		hit.probe++;
	g_byte_array_append(hits, (const guint8 *)&hit, sizeof(hit));
}

/* The order of the names is that of a checkpoint, in which each side leaves out the other's. */
static void add_checkpoint(GByteArray *hits, enum colo_story_role role)
{
	const char *const not_of[][4] = {
		[COLO_STORY_PRIMARY] = {"colo_reply", "colo_flush", "colo_init", "colo_exit"},
		[COLO_STORY_SECONDARY] = {"colo_request", "colo_trigger", "colo_init", "colo_exit"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(fuzz_probe_names); i++) {
		gboolean is_left_out = FALSE;

		for (guint k = 0; k < G_N_ELEMENTS(not_of[role]); k++)
			is_left_out = is_left_out ||
				      g_str_has_prefix(fuzz_probe_names[i], not_of[role][k]);
		if (!is_left_out)
			add_hit(hits, fuzz_probe_names[i], role, 0, 10 + i);
	}
}

static void write_hits(const char *directory, const char *name, enum colo_story_role role,
		       guint n_checkpoints)
{
	g_autoptr(GByteArray) hits = g_byte_array_new();

	add_hit(hits, "colo_init_begin", role, 0, 1);
	add_hit(hits, "colo_init_end", role, 0, 10);
	for (guint i = 0; i < n_checkpoints; i++) {
		add_checkpoint(hits, role);
		add_hit(hits, "colo_trigger", role, 1, 10);
	}
	add_hit(hits, "colo_exit", role, 0, 10);
	write_seed(directory, "model", name, hits->data, hits->len);
	/* Without a start and an end. */
	write_seed(directory, "model", "cut", hits->data + 10 * sizeof(struct fuzz_hit),
		   hits->len - 20 * sizeof(struct fuzz_hit));
}

/* --- Files with symbols --- */

static const char kallsyms[] = "kffffffff81000000 T _stext\n"
			       "ffffffff81000000 T _text\n"
			       "ffffffff81000100 t local_one\n"
			       "ffffffff81000200 W weak_one\n"
			       "ffffffff81000200 T strong_one\n"
			       "ffffffff81000400 T _etext\n"
			       "ffffffffc0201000 t net_rx\t[virtio_net]\n"
			       "ffffffffc0201080 t net_tx\t[virtio_net]\n";

static const char source[] =
	"extern int elsewhere(int);\n"
	"static inline __attribute__((always_inline)) int inner(int x) { return x * 3; }\n"
	"static __attribute__((noinline)) int hidden_one(int x) { return inner(x) + 1; }\n"
	"int exported_one(int x) { return hidden_one(x) + elsewhere(x); }\n";

/* At the first byte of hidden_one(), whose return address is the last 16 bits of `caller`. */
static void write_unwind(const char *directory, const char *name, guint64 ip, guint64 caller,
			 const guint8 *elf, gsize size)
{
	const guint8 stack[16] = {caller & 0xff, caller >> 8 & 0xff, 0x40};
	const guint8 ip_bytes[2] = {ip & 0xff, ip >> 8 & 0xff};
	static const guint8 registers[20];
	static const guint8 head[2] = {0, sizeof(stack)};
	g_autoptr(GByteArray) seed = g_byte_array_new();

	g_byte_array_append(seed, head, sizeof(head));
	g_byte_array_append(seed, stack, sizeof(stack));
	g_byte_array_append(seed, registers, sizeof(registers));
	g_byte_array_append(seed, ip_bytes, sizeof(ip_bytes));
	g_byte_array_append(seed, elf, size);
	write_seed(directory, "unwind", name, seed->data, seed->len);
}

/* What the command leaves in "prog"; the caller frees it. */
static char *make_elf(const char *directory, const char *dir, const char *name, const char *command,
		      gsize *size)
{
	g_autofree char *path = elf_maker_path(dir, "prog");
	g_autoptr(GByteArray) seed = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	char *bytes;

	g_free(elf_maker_run(dir, command));
	if (!g_file_get_contents(path, &bytes, size, &error))
		g_error("%s", error->message);
	g_byte_array_append(seed, (const guint8 *)"e", 1);
	g_byte_array_append(seed, (const guint8 *)bytes, *size);
	write_seed(directory, "symbols", name, seed->data, seed->len);
	return bytes;
}

static void write_symbols(const char *directory)
{
	char *dir = elf_maker_new_dir();
	g_autofree char *debug = NULL, *stripped = NULL;
	guint64 ip, caller;
	gsize size;

	write_seed(directory, "symbols", "kallsyms", kallsyms, sizeof(kallsyms) - 1);
	elf_maker_write(dir, "prog.c", source);
	g_free(make_elf(directory, dir, "debug-4",
			"gcc -O2 -g -gdwarf-4 -shared -fPIC -nostdlib -Wl,--build-id=sha1 "
			"-Wl,-z,noseparate-code prog.c -o prog",
			&size));
	debug = make_elf(directory, dir, "debug",
			 "gcc -O2 -g -shared -fPIC -nostdlib -Wl,--build-id=sha1 "
			 "-Wl,-z,noseparate-code prog.c -o prog",
			 &size);
	ip = elf_maker_address(dir, "prog", "hidden_one");
	caller = elf_maker_address(dir, "prog", "exported_one") + 4;
	write_unwind(directory, "debug", ip, caller, (const guint8 *)debug, size);
	stripped = make_elf(directory, dir, "stripped", "strip prog", &size);
	write_unwind(directory, "stripped", ip, caller, (const guint8 *)stripped, size);
	g_free(make_elf(directory, dir, "object", "gcc -O1 -c prog.c -o prog", &size));
	elf_maker_remove(dir);
}

/* --- Programs with probes --- */

static void write_notes(const char *directory)
{
	static const struct made_probe probes[] = {
		{"qemu", "colo_one", "-4@%eax 8@-16(%rbp)", FALSE},
		{"qemu", "colo_two", "8@$5 1@%sil", TRUE},
		{"other", "colo_three", "8@%rax", FALSE},
		{NULL, NULL, NULL, FALSE},
	};
	static const char *const options[] = {
		"-no-pie -static -s -Wl,-z,noseparate-code,--build-id=none",
		"-shared -fPIC -s -Wl,-z,noseparate-code,--build-id=none"};
	static const char *const arguments[] = {"a-4@%edi 8@-16(%rbp) 2@%r12w", "a8@(%rax) -1@$-3",
						"a8@16(%rbx,%rcx,4) 8@sym(%rip) 8f@%xmm0"};
	char *dir = elf_maker_new_dir();
	g_autofree char *path = elf_maker_path(dir, "prog");

	for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
		g_autofree char *name = g_strdup_printf("program%u", i);
		g_autoptr(GByteArray) seed = g_byte_array_new();
		g_autofree char *bytes = NULL;
		gsize size;

		probes_maker_compile(dir, "prog", probes, options[i], i << 12);
		if (!g_file_get_contents(path, &bytes, &size, NULL))
			g_error("%s cannot be read", path);
		g_byte_array_append(seed, (const guint8 *)"e", 1);
		g_byte_array_append(seed, (const guint8 *)bytes, size);
		write_seed(directory, "notes", name, seed->data, seed->len);
	}
	for (guint i = 0; i < G_N_ELEMENTS(arguments); i++) {
		g_autofree char *name = g_strdup_printf("arguments%u", i);

		write_seed(directory, "notes", name, arguments[i], strlen(arguments[i]));
	}
	elf_maker_remove(dir);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		g_printerr("usage: make_seeds DIRECTORY [RECORDING...]\n");
		return 2;
	}
	for (guint i = 0; i < G_N_ELEMENTS(recipes); i++) {
		write_recipe(argv[1], &recipes[i], G_LITTLE_ENDIAN);
		write_recipe(argv[1], &recipes[i], G_BIG_ENDIAN);
	}
	for (int i = 2; i < argc; i++)
		write_cut(argv[1], argv[i]);
	write_maps(argv[1], G_LITTLE_ENDIAN);
	write_maps(argv[1], G_BIG_ENDIAN);
	write_hits(argv[1], "primary", COLO_STORY_PRIMARY, 3);
	write_hits(argv[1], "secondary", COLO_STORY_SECONDARY, 3);
	write_symbols(argv[1]);
	write_notes(argv[1]);
	return 0;
}
