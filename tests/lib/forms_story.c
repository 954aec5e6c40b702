/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See forms_story.h. The layouts are a table, as are the records that are of no account.
 */
#include "forms_story.h"

#include "usual_pair.h"
#include "dice.h"

#include <string.h>
#include <sys/mman.h>

#define N_CHECKPOINTS	3
#define KERNEL_START	G_GUINT64_CONSTANT(0xffffffff81000000)
#define KERNEL_SIZE	0x1000000
#define SAMPLE_EVERY_NS 400000
#define MAX_CHAIN	6
#define N_LARGE		6
#define LARGE_SIZE	65000 /* of a record, which cannot be longer than 64 KiB */
#define RAW_CONFIG	0x1a2 /* of some processor */
#define UNKNOWN_LOW	60    /* a type that no kernel has yet */
#define UNKNOWN_HIGH	4711  /* one that no perf has */

#define WITHOUT_ID                                                                                 \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD)
#define EVERYTHING                                                                                 \
	(PERF_SAMPLE_ADDR | PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_READ | PERF_SAMPLE_BRANCH_STACK |  \
	 PERF_SAMPLE_WEIGHT | PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_TRANSACTION |                     \
	 PERF_SAMPLE_REGS_INTR | PERF_SAMPLE_PHYS_ADDR | PERF_SAMPLE_CGROUP |                      \
	 PERF_SAMPLE_DATA_PAGE_SIZE | PERF_SAMPLE_CODE_PAGE_SIZE)
#define LOST_FORMAT (PERF_FORMAT_ID | PERF_FORMAT_LOST)

const struct forms_layout forms_layouts[] = {
	{
		.name = "identifier",
		.probe_sample = PERF_BUILDER_TRACEPOINT_SAMPLE,
		.clock_sample = PERF_BUILDER_CALLCHAIN_SAMPLE,
		.read_format = LOST_FORMAT,
		.sample_id_all = TRUE,
		.min_attr_size = PERF_ATTR_SIZE_VER0,
	},
	{
		.name = "id",
		.probe_sample = WITHOUT_ID | PERF_SAMPLE_ID | PERF_SAMPLE_RAW,
		.clock_sample = WITHOUT_ID | PERF_SAMPLE_ID | PERF_SAMPLE_CALLCHAIN,
		.read_format = PERF_FORMAT_ID,
		.sample_id_all = TRUE,
		.min_attr_size = PERF_ATTR_SIZE_VER0,
	},
	{
		.name = "no-sample-id",
		.probe_sample = PERF_BUILDER_TRACEPOINT_SAMPLE,
		.clock_sample = PERF_BUILDER_CALLCHAIN_SAMPLE,
		.read_format = PERF_FORMAT_ID,
		.min_attr_size = PERF_ATTR_SIZE_VER0,
	},
	/* What stands before and behind that which is wanted, and not in all events the same. */
	{
		.name = "mixed",
		.probe_sample = PERF_BUILDER_TRACEPOINT_SAMPLE | PERF_SAMPLE_ADDR | PERF_SAMPLE_ID |
				PERF_SAMPLE_READ,
		.clock_sample = PERF_BUILDER_CALLCHAIN_SAMPLE | EVERYTHING,
		.read_format = LOST_FORMAT | PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
		.sample_id_all = TRUE,
		.min_attr_size = PERF_ATTR_SIZE_VER5,
	},
	{
		.name = "mixed-group",
		.probe_sample = PERF_BUILDER_TRACEPOINT_SAMPLE,
		.clock_sample = PERF_BUILDER_CALLCHAIN_SAMPLE | EVERYTHING,
		.read_format = LOST_FORMAT | PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED,
		.sample_id_all = TRUE,
		.is_raw = TRUE,
		.min_attr_size = PERF_ATTR_SIZE_VER5,
	},
};
const guint forms_n_layouts = G_N_ELEMENTS(forms_layouts);

struct teller {
	struct perf_builder *builder; /* Weak */
	struct colo_story *story;     /* Owned by this */
	guint clock;		      /* the event cpu-clock */
	const struct forms_layout *layout;
	struct dice dice;
	guint64 n_samples;
};

static struct colo_story_checkpoint checkpoint_of(guint64 seq)
{
	struct colo_story_checkpoint checkpoint = usual_checkpoint(seq);

	checkpoint.wait_ns = 5000000 + 1000 * seq;
	for (guint phase = COLO_STORY_REQUEST; phase < COLO_STORY_N_PHASES; phase++)
		checkpoint.phase_ns[phase] = 300000 * (phase + 1) + 1000 * seq;
	return checkpoint;
}

/* One sample with everything; what its layout lacks is not written. */
static void tell_sample(struct teller *teller, const struct perf_builder_stamp *at)
{
	static const struct perf_builder_branch branches[] = {{0x1000, 0x2000, 1},
							      {0x3000, 0x4000, 2}};
	static const guint64 regs[] = {0x11, 0x22};
	/* perf passes over a sample whose counter stood still. */
	const guint64 value = ++teller->n_samples;
	const struct perf_builder_count counts[] = {{at->event, value, 0}, {0, value, 0}};
	const gsize depth = dice_range(&teller->dice, 1, MAX_CHAIN);
	guint64 chain[1 + MAX_CHAIN] = {(guint64)PERF_CONTEXT_KERNEL};
	struct perf_builder_sample sample = {
		.at = *at,
		.misc = PERF_RECORD_MISC_KERNEL,
		.period = 1000000,
		.addr = 0xabcdef,
		.counts = {.enabled_ns = 1,
			   .running_ns = 2,
			   .of = counts,
			   .n = teller->layout->read_format & PERF_FORMAT_GROUP ? 2 : 1},
		.chain = chain,
		.n_chain = 1 + depth,
		.branches = branches,
		.n_branches = G_N_ELEMENTS(branches),
		.weight = 5,
		.data_src = 6,
		.transaction = 7,
		.regs_intr_abi = PERF_SAMPLE_REGS_ABI_64,
		.regs_intr = regs,
		.phys_addr = 8,
		.cgroup = 9,
		.data_page_size_bytes = 4096,
		.code_page_size_bytes = 4096,
	};

	for (gsize i = 0; i < depth; i++)
		chain[1 + i] = KERNEL_START + 0x110 + 0x100 * dice_range(&teller->dice, 0, 26);
	sample.ip = chain[1];
	perf_builder_sample(teller->builder, &sample);
}

/* Samples of the side's thread, and now and then of its main loop, in the time given. */
static void tell_samples(struct teller *teller, const struct colo_story_side *side,
			 guint64 begin_ns, guint64 end_ns)
{
	for (guint64 now_ns = begin_ns; now_ns < end_ns; now_ns += SAMPLE_EVERY_NS) {
		const gboolean is_main = dice_range(&teller->dice, 0, 8) == 0;
		const struct perf_builder_stamp at = {
			.event = teller->clock,
			.pid = side->pid,
			.tid = is_main ? side->pid : side->tid,
			.cpu = dice_range(&teller->dice, 0, USUAL_CPUS),
			.time_ns = now_ns,
		};

		tell_sample(teller, &at);
	}
}

static void tell_checkpoint(struct teller *teller, struct colo_story_side *side, guint64 seq)
{
	const struct colo_story_checkpoint checkpoint = checkpoint_of(seq);
	const guint64 begin_ns = side->now_ns;

	colo_story_checkpoint(teller->story, side, &checkpoint);
	/* The thread moves on; perf writes one CPU after the other. */
	side->cpu = 1 - side->cpu;
	side->now_ns += 1500;
	tell_samples(teller, side, begin_ns, side->now_ns);
}

/* Records that change no number, as the kernel writes them. */
static const struct {
	guint32 type;
	guint16 misc;
	const char *sizes;
	guint64 numbers[12];
	const char *string;
} of_no_account[] = {
	{PERF_RECORD_NAMESPACES, 0, "448888", {101, 101, 1, 3, 0xeffffffc}, NULL},
	{PERF_RECORD_CGROUP, 0, "8", {4711}, "/machine.slice/qemu"},
	{PERF_RECORD_KSYMBOL, 0, "8422", {0xffffffffc0001000, 64, 1, 0}, "bpf_prog_1"},
	{PERF_RECORD_BPF_EVENT, 0, "22411111111", {1, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8}, NULL},
	{PERF_RECORD_SWITCH, PERF_RECORD_MISC_SWITCH_OUT, "", {0}, NULL},
	{PERF_RECORD_SWITCH_CPU_WIDE, 0, "44", {0, 0}, NULL},
	{PERF_RECORD_TEXT_POKE, 0, "8221111111111", {KERNEL_START, 5, 5}, NULL},
	{PERF_RECORD_AUX, 0, "888", {0, 4096, 0}, NULL},
	{PERF_RECORD_ITRACE_START, 0, "44", {101, 101}, NULL},
};

static struct perf_builder_stamp stamp(const struct colo_story_side *side, guint event)
{
	return (struct perf_builder_stamp){.event = event,
					   .pid = side->pid,
					   .tid = side->tid,
					   .cpu = side->cpu,
					   .time_ns = side->now_ns};
}

static void tell_of_no_account(struct teller *teller, const struct colo_story_side *side)
{
	const struct perf_builder_stamp at = stamp(side, teller->clock);

	for (guint i = 0; i < G_N_ELEMENTS(of_no_account); i++)
		perf_builder_numbers(teller->builder, of_no_account[i].type, of_no_account[i].misc,
				     &at, of_no_account[i].sizes, of_no_account[i].numbers,
				     of_no_account[i].string);
}

/* Hits that were lost: of a known event, of all, and as the counter at the end says. */
static void tell_losses(struct teller *teller, const struct colo_story_side *side)
{
	const guint probe = colo_story_event(teller->story, "colo_ram_end");
	const struct perf_builder_stamp at = stamp(side, probe);
	const struct perf_builder_count lost = {.event = probe, .value = 100, .lost = 2};
	const struct perf_builder_counts counts = {.of = &lost, .n = 1};

	perf_builder_lost(teller->builder, &at, 3);
	perf_builder_lost_samples(teller->builder, &at, 4);
	perf_builder_read(teller->builder, &at, &counts);
}

static void tell_unknown(struct teller *teller, const struct colo_story_side *side)
{
	const struct perf_builder_stamp at = stamp(side, teller->clock);
	static const guint8 bytes[24] = {9, 8, 7};

	perf_builder_record_of(teller->builder, UNKNOWN_LOW, 0xffff, &at, bytes, sizeof(bytes));
	perf_builder_record(teller->builder, UNKNOWN_HIGH, 1, bytes, sizeof(bytes));
	perf_builder_record(teller->builder, UNKNOWN_HIGH, 1, NULL, 0);
}

/* The trace behind AUXTRACE would be taken for records by whoever trusts its header.size. */
static void tell_trace(struct teller *teller, const struct colo_story_side *side)
{
	/* Type INTEL_BTS, reserved; its PMU, three numbers of its clock, two yes or no. */
	static const guint64 info[] = {2, 0, 4711, 31, 1, 0, 0, 0};
	guint8 trace[4096];

	memset(trace, 0xff, sizeof(trace));
	perf_builder_numbers(teller->builder, PERF_BUILDER_AUXTRACE_INFO, 0, NULL, "44888888", info,
			     NULL);
	perf_builder_auxtrace(teller->builder, side->cpu, trace, sizeof(trace));
}

/* In a row, so that whole chunks are made of them. */
static void tell_large(struct teller *teller, const struct colo_story_side *side)
{
	const struct perf_builder_stamp at = stamp(side, teller->clock);
	g_autofree guint8 *bytes = g_malloc(LARGE_SIZE);

	for (guint n = 0; n < N_LARGE; n++) {
		for (gsize i = 0; i < LARGE_SIZE; i++)
			bytes[i] = dice_range(&teller->dice, 0, 256);
		perf_builder_record_of(teller->builder, UNKNOWN_LOW, 0, &at, bytes, LARGE_SIZE);
	}
}

/*
 * A seq that comes twice; the side's process ends, and the number of its thread is that of a
 * thread of a third process, which at last is a side itself.
 */
static void tell_odd(struct teller *teller, struct colo_story_side *side, gint32 new_pid)
{
	struct colo_story_side reused = *side;
	const guint clock = teller->clock;
	struct perf_builder_stamp at;

	tell_checkpoint(teller, side, N_CHECKPOINTS);
	at = stamp(side, clock);
	perf_builder_exit(teller->builder, &at, 1, 1);
	reused.pid = new_pid;
	reused.now_ns = side->now_ns + 1000000;
	at = stamp(&reused, clock);
	perf_builder_fork(teller->builder, &at, 1, 1);
	perf_builder_comm(teller->builder, &at, "something else", TRUE);
	tell_samples(teller, &reused, reused.now_ns, reused.now_ns + 10 * SAMPLE_EVERY_NS);
	reused.now_ns += 20 * SAMPLE_EVERY_NS;
	colo_story_init(teller->story, &reused, 1000);
	for (guint64 seq = 1; seq <= 2; seq++)
		tell_checkpoint(teller, &reused, seq);
}

/* Both sides at the same time, one checkpoint of each in a round. */
static void tell_sides(struct teller *teller, struct colo_story_side *sides, guint n)
{
	for (guint i = 0; i < n; i++) {
		colo_story_process(teller->story, &sides[i]);
		colo_story_init(teller->story, &sides[i], 40000);
	}
	for (guint64 seq = 1; seq <= N_CHECKPOINTS; seq++) {
		for (guint i = 0; i < n; i++)
			tell_checkpoint(teller, &sides[i], seq);
		colo_story_flush(teller->story);
	}
	for (guint i = 0; i < n; i++) {
		tell_of_no_account(teller, &sides[i]);
		tell_losses(teller, &sides[i]);
	}
}

static void tell_end(struct teller *teller, struct colo_story_side *side, guint tale)
{
	if (tale & FORMS_UNKNOWN)
		tell_unknown(teller, side);
	if (tale & FORMS_TRACE)
		tell_trace(teller, side);
	if (tale & FORMS_LARGE)
		tell_large(teller, side);
	if (tale & FORMS_ODD)
		tell_odd(teller, side, side->pid + 1000);
	else
		colo_story_exit(teller->story, side, COLO_STORY_EXIT_REQUEST);
}

static void tell_features(struct teller *teller)
{
	static const guint8 build_id[20] = "0123456789abcdefghi";

	colo_story_features(teller->story);
	perf_builder_feature_clock_data(teller->builder, 1, G_GUINT64_CONSTANT(1700000000000000000),
					USUAL_START_NS);
	perf_builder_feature_build_id(teller->builder, PERF_RECORD_MISC_USER, -1, build_id,
				      sizeof(build_id), "/opt/colo-perf/qemu-system-x86_64");
}

static void tell_kernel(struct teller *teller)
{
	const struct perf_builder_mmap kernel = {.at = {.pid = -1},
						 .misc = PERF_RECORD_MISC_KERNEL,
						 .start = KERNEL_START,
						 .size_bytes = KERNEL_SIZE,
						 .file_offset = KERNEL_START,
						 .path = "[kernel.kallsyms]_text"};

	perf_builder_mmap(teller->builder, &kernel);
}

struct perf_builder *forms_story(const struct forms_machine *machine,
				 const struct forms_layout *layout, guint tale)
{
	struct colo_story_side sides[] = {usual_primary, usual_secondary};
	struct teller teller = {.layout = layout, .dice = dice_of(1)};
	struct perf_event_attr probes = colo_story_default_attr();
	struct perf_builder_event clock = {
		.name = "cpu-clock:pppH",
		.attr = {.type = PERF_TYPE_SOFTWARE,
			 .config = PERF_COUNT_SW_CPU_CLOCK,
			 .sample_period = 1000,
			 .sample_type = layout->clock_sample,
			 .read_format = layout->read_format,
			 .freq = 1,
			 .sample_id_all = layout->sample_id_all,
			 .sample_regs_intr = layout->clock_sample & PERF_SAMPLE_REGS_INTR ? 3 : 0},
		.n_ids = USUAL_CPUS,
	};

	if (layout->is_raw) {
		clock.name = "stalls";
		clock.attr.type = PERF_TYPE_RAW;
		clock.attr.config = RAW_CONFIG;
	}
	/* Values of a group are those of its leader; the probes are no group. */
	probes.sample_type = layout->probe_sample;
	probes.read_format = layout->read_format & ~(guint64)PERF_FORMAT_GROUP;
	probes.sample_id_all = layout->sample_id_all;
	if (tale & FORMS_ODD)
		sides[1].tid = sides[0].tid;

	teller.builder = perf_builder_new(machine->byte_order);
	perf_builder_set_long_size(teller.builder, machine->long_size_bytes);
	perf_builder_set_attr_size(teller.builder, machine->attr_size_bytes);
	teller.story = colo_story_new(teller.builder, USUAL_CPUS, &probes);
	teller.clock = perf_builder_add_event(teller.builder, &clock);
	tell_features(&teller);
	tell_kernel(&teller);
	tell_sides(&teller, sides, G_N_ELEMENTS(sides));
	for (guint i = 0; i < G_N_ELEMENTS(sides); i++)
		tell_end(&teller, &sides[i], tale);
	colo_story_free(teller.story);
	return teller.builder;
}
