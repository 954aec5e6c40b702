/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a pair of QEMUs up. Checkpoints are those of a pair as the README shows one: two a
 * second, and of each phase the length and the time on CPU that were measured there.
 *
 * A checkpoint with the wait before it is told as a whole, so its probes lie ahead of the
 * step that is written; they wait for theirs. What is written of a CPU waits in its buffer, as in
 * the kernel, until perf empties all of them.
 */
#include "pair_story.h"

#include "code_map.h"
#include "lib/colo_story.h"

#include <sys/mman.h>
#include <time.h>

#define START_NS	G_GUINT64_CONSTANT(5000000000000)
#define STEP_NS		G_GUINT64_CONSTANT(250000000)
#define US		G_GUINT64_CONSTANT(1000)
#define MS		G_GUINT64_CONSTANT(1000000)
#define N_SIDES		2
#define BEHIND_NS	(300 * US) /* the secondary is so far behind the primary */
#define WORKER_EVERY	10	   /* checkpoints; QEMU's pool of threads makes a new one */
#define MACHINE_SECONDS 1e9
#define WALL_NS		G_GUINT64_CONSTANT(1700000000000000000) /* when the machine's clock began */

/* The threads of each QEMU, the one of the COLO loop first, as it goes before the others. */
static const struct thread_kind {
	const char *comm; /* NULL: colo_story_process() names it */
	enum code_area area;
	guint percent; /* of the time that it has something to do, while the guest runs */
	guint percent_paused;
} thread_kinds[] = {
	{NULL, CODE_COLO_OTHER, 0, 0}, /* as the phase tells */
	{NULL, CODE_MAIN_LOOP, 8, 3},	      {"CPU 0/TCG", CODE_VCPU, 85, 0},
	{"CPU 1/TCG", CODE_VCPU, 80, 0},      {"CPU 2/TCG", CODE_VCPU, 70, 0},
	{"CPU 3/TCG", CODE_VCPU, 60, 0},      {"call_rcu", CODE_WORKER, 1, 0},
	{"IO iothread1", CODE_WORKER, 10, 2},
};

#define N_THREADS G_N_ELEMENTS(thread_kinds)
#define COLO	  0
#define MAIN_LOOP 1

/* What is usual for a phase of each side: half of it to one and a half times of it. */
struct phase_habit {
	enum colo_story_phase phase;
	guint64 primary_ns, secondary_ns;
	guint percent; /* on CPU */
};

static const struct phase_habit habits[] = {
	{COLO_STORY_WAIT, 405 * MS, 0, 1},	     {COLO_STORY_REQUEST, 570 * US, 0, 10},
	{COLO_STORY_STOP, 250 * US, 300 * US, 30},   {COLO_STORY_REPLY, 0, 600 * US, 10},
	{COLO_STORY_BLOCK, 36 * US, 40 * US, 50},    {COLO_STORY_DEV, 174 * US, 1079 * US, 90},
	{COLO_STORY_RAM, 44 * MS, 45 * MS, 35},	     {COLO_STORY_VMSTATE, 27 * US, 10 * US, 60},
	{COLO_STORY_RECEIVED, 7 * MS, 20 * US, 5},   {COLO_STORY_FLUSH, 0, 6 * MS, 98},
	{COLO_STORY_NET, 4 * US, 5 * US, 50},	     {COLO_STORY_LOADED, 40 * MS, 30 * US, 3},
	{COLO_STORY_RESUME, 340 * US, 280 * US, 40},
};

#define GAP_NS (4 * US) /* between two phases: the cost of the probes */

/* A checkpoint of one side, with the wait before it. */
struct act {
	struct colo_story_side side; /* before the wait began */
	struct colo_story_checkpoint checkpoint;
	struct colo_story_counters counters;
};

struct side {
	struct colo_story_side now;
	struct act act, before; /* the one told last, and the one before it */
	gint32 tids[N_THREADS];
	guint32 cpus[N_THREADS];
};

struct pair_story {
	struct perf_builder *builder; /* Weak */
	struct pair_options options;
	struct colo_story *colo;    /* Owned by this */
	struct code_map *code;	    /* Owned by this */
	struct dice dice;	    /* what the pair does */
	struct dice sample_dice;    /* when it is sampled */
	struct side sides[N_SIDES]; /* the primary, the secondary */
	guint event;		    /* of the samples */
	GArray *hits;		    /* Owned by this: struct colo_story_hit, not yet written */
	guint64 *next_tick_ns;	    /* Owned by this: by CPU */
	GPtrArray *buffers;	    /* Owned by this: GByteArray, by CPU, owned by it */
	guint64 pending_bytes;	    /* in all buffers */
	guint64 now_ns;		    /* up to here everything is written */
	guint64 seq;
	gint32 next_tid;
};

/* Half of it to one and a half times of it. */
static guint64 vary(struct pair_story *story, guint64 usual_ns)
{
	return usual_ns / 2 + usual_ns * dice_range(&story->dice, 0, 1001) / 1000;
}

/* Hits wait here until their round is written. */
static guint keep_hit(struct colo_story_hit *hit, gpointer data)
{
	struct pair_story *story = data;

	g_array_append_val(story->hits, *hit);
	return 0;
}

static void init_side(struct pair_story *story, enum colo_story_role role, gint32 pid)
{
	struct side *side = &story->sides[role - COLO_STORY_PRIMARY];

	side->now = (struct colo_story_side){.role = role, .pid = pid, .now_ns = START_NS};
	for (guint i = 0; i < N_THREADS; i++) {
		side->tids[i] = i == MAIN_LOOP ? pid : pid + 5 + (gint32)i;
		side->cpus[i] = dice_range(&story->dice, 0, story->options.n_cpus);
	}
	side->now.tid = side->tids[COLO];
	side->now.cpu = side->cpus[COLO];
	side->now.main_cpu = side->cpus[MAIN_LOOP];
}

/* The features that differ from those of any story: what `colo-perf record` asks perf for. */
static void add_features(const struct pair_story *story, const char *samples)
{
	const char *const argv[] = {
		"/usr/bin/perf", "record", "-N",    "-k", "CLOCK_MONOTONIC", "-m", "4M", "-e",
		"sdt_qemu:*",	 "-e",	   samples, "-p", "20100,20200",     NULL};

	colo_story_features(story->colo);
	perf_builder_feature_cmdline(story->builder, argv);
	perf_builder_feature_clock_data(story->builder, CLOCK_MONOTONIC, WALL_NS + START_NS,
					START_NS);
}

struct pair_story *pair_story_new(struct perf_builder *builder, const struct pair_options *options)
{
	g_autofree char *samples =
		g_strdup_printf("cpu-clock/freq=%u,call-graph=fp/", options->frequency_hz);
	/* Of threads perf does not ask on which CPU they are sampled. */
	const struct perf_builder_event cpu_clock = {
		.name = samples,
		.attr = {.type = PERF_TYPE_SOFTWARE,
			 .config = PERF_COUNT_SW_CPU_CLOCK,
			 .sample_period = options->frequency_hz,
			 .sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE & ~PERF_SAMPLE_CPU,
			 .read_format = PERF_FORMAT_ID | PERF_FORMAT_LOST,
			 .disabled = 1,
			 .inherit = 1,
			 .freq = 1,
			 .sample_id_all = 1,
			 .exclude_guest = 1,
			 .use_clockid = 1,
			 .clockid = CLOCK_MONOTONIC},
		.n_ids = options->n_cpus,
	};
	struct perf_event_attr probes = colo_story_default_attr();
	struct pair_story *story = g_new0(struct pair_story, 1);

	probes.use_clockid = 1;
	probes.clockid = CLOCK_MONOTONIC;
	story->builder = builder;
	story->options = *options;
	story->colo = colo_story_new(builder, options->n_cpus, &probes);
	colo_story_set_filter(story->colo, keep_hit, story);
	add_features(story, samples);
	if (options->frequency_hz)
		story->event = perf_builder_add_event(builder, &cpu_clock);
	story->code = code_map_new(options->seed);
	story->dice = dice_of(options->seed);
	story->sample_dice = dice_of(~options->seed);
	story->hits = g_array_new(FALSE, FALSE, sizeof(struct colo_story_hit));
	story->next_tick_ns = g_new(guint64, options->n_cpus);
	story->buffers = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
	for (guint cpu = 0; cpu < options->n_cpus; cpu++) {
		story->next_tick_ns[cpu] = START_NS + 1000 * cpu;
		g_ptr_array_add(story->buffers, g_byte_array_new());
	}
	story->now_ns = START_NS;
	story->next_tid = 30000;
	init_side(story, COLO_STORY_PRIMARY, 20100);
	init_side(story, COLO_STORY_SECONDARY, 20200);
	return story;
}

void pair_story_free(struct pair_story *story)
{
	colo_story_free(story->colo);
	code_map_free(story->code);
	g_array_unref(story->hits);
	g_free(story->next_tick_ns);
	g_ptr_array_unref(story->buffers);
	g_free(story);
}

double pair_story_seconds(const struct pair_story *story)
{
	return (story->now_ns - START_NS) / MACHINE_SECONDS;
}

/* --- Processes --- */

static struct perf_builder_stamp stamp_of(const struct pair_story *story, gint32 pid, gint32 tid)
{
	return (struct perf_builder_stamp){.event = colo_story_task_event(story->colo),
					   .pid = pid,
					   .tid = tid,
					   .time_ns = story->now_ns};
}

static void map_file(const struct pair_story *story, const struct code_file *file, gint32 pid)
{
	const struct perf_builder_mmap mmap = {
		.at = stamp_of(story, pid, pid),
		.misc = file->kernel ? PERF_RECORD_MISC_KERNEL : PERF_RECORD_MISC_USER,
		.start = file->start,
		.size_bytes = file->size_bytes,
		.file_offset = file->kernel ? file->start : 0,
		.prot = PROT_READ | PROT_EXEC,
		.flags = MAP_PRIVATE,
		.path = file->path,
	};

	if (file->kernel)
		perf_builder_mmap(story->builder, &mmap);
	else
		perf_builder_mmap2(story->builder, &mmap);
}

static void begin_process(struct pair_story *story, const struct side *side)
{
	/* Maps the first file. */
	colo_story_process(story->colo, &side->now);
	for (guint i = 1; i < code_n_files; i++) {
		if (!code_files[i].kernel)
			map_file(story, &code_files[i], side->now.pid);
	}
	for (guint i = 0; i < N_THREADS; i++) {
		const struct perf_builder_stamp at = stamp_of(story, side->now.pid, side->tids[i]);

		if (thread_kinds[i].comm)
			perf_builder_comm(story->builder, &at, thread_kinds[i].comm, FALSE);
	}
}

void pair_story_begin(struct pair_story *story)
{
	for (guint i = 0; i < code_n_files; i++) {
		if (code_files[i].kernel)
			map_file(story, &code_files[i], -1);
	}
	for (guint i = 0; i < N_SIDES; i++) {
		struct side *side = &story->sides[i];

		begin_process(story, side);
		side->now.now_ns += MS + i * BEHIND_NS;
		colo_story_init(story->colo, &side->now, 2 * MS);
		/* Until the first checkpoint is told there is only a wait. */
		side->act.side = side->now;
		side->act.checkpoint.wait_ns = 0;
	}
}

/* A thread of the pool, which does its work between two steps and ends. */
static void tell_worker(struct pair_story *story)
{
	const gint32 pid = story->sides[0].now.pid;
	const struct perf_builder_stamp at = stamp_of(story, pid, story->next_tid++);

	perf_builder_fork(story->builder, &at, pid, pid);
	perf_builder_comm(story->builder, &at, "worker", FALSE);
	perf_builder_exit(story->builder, &at, pid, pid);
}

/* --- Checkpoints --- */

static struct colo_story_counters counters_of(struct pair_story *story)
{
	const guint64 pages = story->seq * 4000 + dice_range(&story->dice, 0, 1000);

	return (struct colo_story_counters){.status = COLO_STORY_STATUS_COLO,
					    .setup_ms = 12,
					    .total_ms = (gint64)(story->seq * 500),
					    .expected_downtime_ms = 300,
					    .total_bytes = G_GUINT64_CONSTANT(0x40000000),
					    .transferred_bytes = pages * 4100,
					    .page_size_bytes = 4096,
					    .normal_pages = pages,
					    .duplicate_pages = pages / 7,
					    .dirty_sync_count = story->seq,
					    .dirty_pages_per_s = 50000,
					    .pages_per_s = 90000,
					    .bits_per_s = 3000000000,
					    .precopy_bytes = pages * 4000,
					    .downtime_bytes = pages * 100};
}

static struct colo_story_checkpoint checkpoint_of(struct pair_story *story,
						  enum colo_story_role role)
{
	struct colo_story_checkpoint checkpoint = {
		.seq = story->seq,
		.after_ns = GAP_NS,
		.dev_bytes = 13023,
		.vmstate_bytes = 13023,
		.normal_pages = dice_range(&story->dice, 2000, 6000),
		.zero_pages = dice_range(&story->dice, 0, 200),
		.trigger = dice_range(&story->dice, 0, 20) ? COLO_STORY_TIMER : COLO_STORY_COMPARE,
	};

	checkpoint.ram_bytes = checkpoint.normal_pages * 4104 + checkpoint.zero_pages * 9;
	checkpoint.flushed_pages = checkpoint.normal_pages;
	for (guint i = 0; i < G_N_ELEMENTS(habits); i++) {
		const guint64 usual_ns =
			role == COLO_STORY_PRIMARY ? habits[i].primary_ns : habits[i].secondary_ns;

		checkpoint.phase_ns[habits[i].phase] = vary(story, usual_ns);
		checkpoint.before_ns[habits[i].phase] = GAP_NS;
	}
	return checkpoint;
}

static guint64 act_ns(const struct act *act)
{
	return act->checkpoint.wait_ns + colo_story_checkpoint_ns(&act->side, &act->checkpoint);
}

static void begin_act(struct pair_story *story, struct side *side)
{
	for (guint i = 0; i < N_THREADS; i++) {
		if (dice_range(&story->dice, 0, 3) == 0)
			side->cpus[i] = dice_range(&story->dice, 0, story->options.n_cpus);
	}
	side->now.cpu = side->cpus[COLO];
	side->now.main_cpu = side->cpus[MAIN_LOOP];
	side->before = side->act;
	side->act.side = side->now;
	side->act.checkpoint = checkpoint_of(story, side->now.role);
	side->act.counters = counters_of(story);
	side->act.checkpoint.counters = &side->act.counters;
}

static void tell_act(struct pair_story *story, struct side *side)
{
	colo_story_checkpoint(story->colo, &side->now, &side->act.checkpoint);
}

/* The next checkpoint of both. The secondary waits for the primary, so both take as long. */
static void tell_checkpoint(struct pair_story *story)
{
	struct side *primary = &story->sides[0], *secondary = &story->sides[1];

	story->seq++;
	begin_act(story, primary);
	begin_act(story, secondary);
	primary->act.checkpoint.wait_ns = 200 * MS + vary(story, 200 * MS);
	secondary->act.checkpoint.wait_ns = act_ns(&primary->act) - act_ns(&secondary->act);
	/* No step then sees more than two. */
	g_assert_cmpuint(act_ns(&primary->act), >, STEP_NS);
	tell_act(story, primary);
	tell_act(story, secondary);
	if (story->seq % WORKER_EVERY == 0)
		tell_worker(story);
}

/* --- Samples --- */

static enum colo_story_phase phase_at(const struct side *side, guint64 time_ns)
{
	const struct act *act = time_ns < side->act.side.now_ns ? &side->before : &side->act;

	return colo_story_phase_at(&act->side, &act->checkpoint, time_ns);
}

/* The guest stands still from the stop to the end of the checkpoint. */
static gboolean is_paused(enum colo_story_phase phase)
{
	return phase != COLO_STORY_WAIT && phase != COLO_STORY_REQUEST;
}

static guint colo_percent(enum colo_story_phase phase)
{
	for (guint i = 0; i < G_N_ELEMENTS(habits); i++) {
		if (habits[i].phase == phase)
			return habits[i].percent;
	}
	return 50; /* between two phases */
}

static guint percent_of(guint thread, enum colo_story_phase phase)
{
	if (thread == COLO)
		return colo_percent(phase);
	return is_paused(phase) ? thread_kinds[thread].percent_paused
				: thread_kinds[thread].percent;
}

static void write_sample(struct pair_story *story, const struct side *side, guint thread,
			 enum colo_story_phase phase, guint32 cpu)
{
	guint64 chain[CODE_MAX_CHAIN];
	gboolean is_kernel;
	struct perf_builder_sample sample = {
		.at = {.event = story->event,
		       .pid = side->now.pid,
		       .tid = side->tids[thread],
		       .cpu = cpu,
		       .time_ns = story->next_tick_ns[cpu]},
		.period = 1000000000 / story->options.frequency_hz,
		.chain = chain,
	};
	enum code_area area = thread_kinds[thread].area;

	if (thread == COLO && phase == COLO_STORY_RAM)
		area = CODE_COLO_RAM;
	sample.n_chain = code_map_draw(story->code, &story->sample_dice, area, chain, &is_kernel);
	sample.misc = is_kernel ? PERF_RECORD_MISC_KERNEL : PERF_RECORD_MISC_USER;
	sample.ip = chain[1];
	perf_builder_sample(story->builder, &sample);
}

/* The first thread on the CPU that has something to do runs. */
static void tick(struct pair_story *story, guint32 cpu)
{
	for (guint thread = 0; thread < N_THREADS; thread++) {
		for (guint i = 0; i < N_SIDES; i++) {
			const struct side *side = &story->sides[i];
			enum colo_story_phase phase;

			if (side->cpus[thread] != cpu)
				continue;
			phase = phase_at(side, story->next_tick_ns[cpu]);
			if (dice_range(&story->sample_dice, 0, 100) >= percent_of(thread, phase))
				continue;
			write_sample(story, side, thread, phase, cpu);
			return;
		}
	}
}

/* Samples of the CPU before the time. No two come at the same distance. */
static void write_samples(struct pair_story *story, guint32 cpu, guint64 until_ns)
{
	guint64 *next_ns = &story->next_tick_ns[cpu];

	if (!story->options.frequency_hz)
		return;
	for (; *next_ns < until_ns; *next_ns += 1000000000 / story->options.frequency_hz +
						dice_range(&story->sample_dice, 0, 200))
		tick(story, cpu);
}

/* --- Steps and rounds --- */

static gint compare_hits(gconstpointer a, gconstpointer b)
{
	const struct colo_story_hit *left = a, *right = b;

	return left->time_ns < right->time_ns ? -1 : left->time_ns > right->time_ns;
}

/* What the builder was given since the last call goes into the CPU's buffer. */
static void fill_buffer(struct pair_story *story, guint32 cpu)
{
	g_autoptr(GByteArray) bytes = perf_builder_take_data(story->builder);

	g_byte_array_append(story->buffers->pdata[cpu], bytes->data, bytes->len);
	story->pending_bytes += bytes->len;
}

static void write_cpu(struct pair_story *story, guint32 cpu, guint n_hits, guint64 end_ns)
{
	for (guint i = 0; i < n_hits; i++) {
		const struct colo_story_hit *hit =
			&g_array_index(story->hits, struct colo_story_hit, i);

		if (hit->cpu != cpu)
			continue;
		write_samples(story, cpu, hit->time_ns);
		colo_story_write_hit(story->colo, hit);
	}
	write_samples(story, cpu, end_ns);
	fill_buffer(story, cpu);
}

gboolean pair_story_step(struct pair_story *story)
{
	const guint64 end_ns = story->now_ns + STEP_NS;
	gboolean wake = FALSE;
	guint n_hits = 0;

	while (MIN(story->sides[0].now.now_ns, story->sides[1].now.now_ns) < end_ns)
		tell_checkpoint(story);
	/* A stable sort: what a thread did at one time stays in its order. */
	g_array_sort(story->hits, compare_hits);
	while (n_hits < story->hits->len &&
	       g_array_index(story->hits, struct colo_story_hit, n_hits).time_ns < end_ns)
		n_hits++;
	for (guint32 cpu = 0; cpu < story->options.n_cpus; cpu++) {
		const GByteArray *buffer = story->buffers->pdata[cpu];

		write_cpu(story, cpu, n_hits, end_ns);
		wake = wake || buffer->len >= PAIR_BUFFER_SIZE / 2;
	}
	g_array_remove_range(story->hits, 0, n_hits);
	story->now_ns = end_ns;
	return wake;
}

guint64 pair_story_pending_bytes(const struct pair_story *story)
{
	return story->pending_bytes;
}

void pair_story_round(struct pair_story *story)
{
	for (guint32 cpu = 0; cpu < story->options.n_cpus; cpu++) {
		GByteArray *buffer = story->buffers->pdata[cpu];

		perf_builder_bytes(story->builder, buffer->data, buffer->len);
		g_byte_array_set_size(buffer, 0);
	}
	story->pending_bytes = 0;
}
