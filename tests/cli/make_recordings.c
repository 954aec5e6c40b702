/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the recordings that run.sh reads, one file a row of the table at the
 * end. What they must lead to stands in run.sh; the numbers in them are not
 * checked there.
 */
#include "lib/usual_pair.h"

#include <string.h>

static const struct colo_story_counters counters = {
	.status = COLO_STORY_STATUS_COLO,
	.setup_ms = 5,
	.total_ms = 60000,
	.expected_downtime_ms = 300,
	.total_bytes = 134217728,
	.transferred_bytes = 40000000,
	.page_size_bytes = 4096,
	.normal_pages = 9000,
	.duplicate_pages = 21000,
	.dirty_sync_count = 12,
	.bits_per_s = 268435456,
};

/* No checkpoint is as long as another. */
static struct colo_story_checkpoint checkpoint_of(guint64 seq)
{
	struct colo_story_checkpoint checkpoint = usual_checkpoint(seq);

	checkpoint.ram_bytes = 4104 * checkpoint.normal_pages;
	checkpoint.vmstate_bytes = 50000 + seq;
	checkpoint.flushed_pages = checkpoint.normal_pages;
	checkpoint.counters = &counters;
	return checkpoint;
}

static void tell_checkpoints(struct colo_story *story, struct colo_story_side *side, guint64 first,
			     guint64 last)
{
	for (guint64 seq = first; seq <= last; seq++) {
		struct colo_story_checkpoint checkpoint = checkpoint_of(seq);

		colo_story_checkpoint(story, side, &checkpoint);
	}
	colo_story_flush(story);
}

static void tell_side(struct colo_story *story, const struct colo_story_side *of, guint64 n)
{
	struct colo_story_side side = *of;

	colo_story_process(story, &side);
	colo_story_init(story, &side, 40000000);
	tell_checkpoints(story, &side, 1, n);
	colo_story_exit(story, &side, COLO_STORY_EXIT_REQUEST);
	colo_story_flush(story);
}

static void tell_both(struct colo_story *story, struct perf_builder *builder)
{
	(void)builder;
	tell_side(story, &usual_primary, 4);
	tell_side(story, &usual_secondary, 4);
}

static void tell_primary(struct colo_story *story, struct perf_builder *builder)
{
	(void)builder;
	tell_side(story, &usual_primary, 4);
}

static void tell_secondary(struct colo_story *story, struct perf_builder *builder)
{
	(void)builder;
	tell_side(story, &usual_secondary, 4);
}

static void tell_nothing(struct colo_story *story, struct perf_builder *builder)
{
	(void)builder;
	colo_story_process(story, &usual_primary);
}

/* Hits, and still no checkpoint: COLO waits for the first one. */
static void tell_no_checkpoint(struct colo_story *story, struct perf_builder *builder)
{
	struct colo_story_side side = usual_primary;

	(void)builder;
	colo_story_process(story, &side);
	colo_story_init(story, &side, 40000000);
	colo_story_open_wait(story, &side, 1);
	colo_story_flush(story);
}

static void tell_aborted(struct colo_story *story, struct perf_builder *builder)
{
	struct colo_story_side side = usual_primary;
	struct colo_story_checkpoint checkpoint = checkpoint_of(3);

	(void)builder;
	colo_story_process(story, &side);
	tell_checkpoints(story, &side, 1, 2);
	checkpoint.ret = -1;
	checkpoint.fail_phase = COLO_STORY_VMSTATE;
	colo_story_checkpoint(story, &side, &checkpoint);
	colo_story_exit(story, &side, COLO_STORY_EXIT_ERROR);
}

static void give_up(struct colo_story *story, struct colo_story_side *side, guint64 seq,
		    enum colo_story_phase phase)
{
	struct colo_story_checkpoint checkpoint = checkpoint_of(seq);

	checkpoint.ret = -5;
	checkpoint.fail_phase = phase;
	checkpoint.counters = NULL;
	colo_story_checkpoint(story, side, &checkpoint);
}

static guint leave_out_what_the_dead_do(struct colo_story_hit *hit, gpointer user_data)
{
	(void)user_data;
	return hit->pid != usual_secondary.pid || hit->args[1] != 3 ||
	       strcmp(hit->probe, "colo_checkpoint_end") != 0;
}

/* The secondary is killed; the primary gives up two checkpoints, is asked to fail over, lives. */
static void tell_failover(struct colo_story *story, struct perf_builder *builder)
{
	struct colo_story_side survivor = usual_primary, victim = usual_secondary;
	struct perf_builder_stamp at = {.event = colo_story_task_event(story),
					.pid = usual_secondary.pid,
					.tid = usual_secondary.pid};

	/* Both begin at once, so that their times in the report can be compared. */
	victim.now_ns = survivor.now_ns;
	colo_story_set_filter(story, leave_out_what_the_dead_do, NULL);
	colo_story_process(story, &survivor);
	colo_story_process(story, &victim);
	tell_checkpoints(story, &survivor, 1, 2);
	tell_checkpoints(story, &victim, 1, 2);
	give_up(story, &victim, 3, COLO_STORY_RAM);
	give_up(story, &survivor, 3, COLO_STORY_VMSTATE);
	give_up(story, &survivor, 4, COLO_STORY_REQUEST);
	colo_story_exit(story, &survivor, COLO_STORY_EXIT_ERROR);
	colo_story_trigger(story, &survivor, 5, COLO_STORY_FAILOVER, USUAL_START_NS + 1500000000);
	colo_story_flush(story);
	at.time_ns = victim.now_ns + 2000;
	perf_builder_exit(builder, &at, 1, 1);
}

/* More checkpoints are given up than the text lists. */
static void tell_six_given_up(struct colo_story *story, struct perf_builder *builder)
{
	struct colo_story_side side = usual_primary;

	(void)builder;
	colo_story_process(story, &side);
	tell_checkpoints(story, &side, 1, 1);
	for (guint64 seq = 2; seq <= 7; seq++)
		give_up(story, &side, seq, COLO_STORY_LOADED);
}

static guint leave_out_an_end(struct colo_story_hit *hit, gpointer user_data)
{
	(void)user_data;
	if (hit->args[1] == 3 && !strcmp(hit->probe, "colo_checkpoint_end"))
		return 0;
	return 1;
}

/* Cut at both ends, one given up, one of which a hit is missing: all states at once. */
static void tell_all_states(struct colo_story *story, struct perf_builder *builder)
{
	struct colo_story_side side = usual_primary;
	struct colo_story_checkpoint checkpoint = checkpoint_of(5);

	(void)builder;
	colo_story_process(story, &side);
	colo_story_set_window(story, 8, 190);
	colo_story_set_filter(story, leave_out_an_end, NULL);
	tell_checkpoints(story, &side, 1, 4);
	checkpoint.ret = -1;
	checkpoint.fail_phase = COLO_STORY_RAM;
	colo_story_checkpoint(story, &side, &checkpoint);
	tell_checkpoints(story, &side, 6, 9);
}

/* Everything that makes the numbers less than they seem. */
static void tell_losses(struct colo_story *story, struct perf_builder *builder)
{
	const guint64 nobody[] = {3, 9};
	struct perf_builder_stamp at = {.event = colo_story_event(story, "colo_ram_begin"),
					.pid = usual_primary.pid,
					.tid = usual_primary.tid,
					.time_ns = USUAL_START_NS};
	struct perf_builder_sample short_hit = {.at = at, .raw = "", .raw_size_bytes = 0};

	colo_story_add_probe(story, "colo_of_tomorrow", "s32 u64");
	tell_side(story, &usual_primary, 4);
	perf_builder_lost(builder, &at, 17);
	perf_builder_lost_samples(builder, &at, 4);
	perf_builder_sample(builder, &short_hit);
	perf_builder_record(builder, PERF_RECORD_SAMPLE, 0, "no such", 8);
	colo_story_hit(story, &usual_primary, "colo_wait_begin", nobody, G_N_ELEMENTS(nobody));
}

/* U+009B (a control character), U+202E (what follows is turned around), U+2028 (a new line). */
#define TURNED "\302\233\342\200\256\342\200\250"

/* Names as an attacker would choose them, or a line of text that went astray. */
static void tell_hostile_names(struct colo_story *story, struct perf_builder *builder)
{
	const char *const argv[] = {"perf", "record\n\033[2J\037", "\377\376", NULL};
	struct perf_builder_stamp at = {.event = colo_story_event(story, "colo_ram_begin"),
					.pid = usual_primary.pid,
					.tid = usual_primary.tid,
					.time_ns = USUAL_START_NS};

	perf_builder_feature_string(builder, PERF_BUILDER_HOSTNAME, "a\nb\033[31mc\377" TURNED);
	perf_builder_feature_cmdline(builder, argv);
	tell_side(story, &usual_primary, 4);
	perf_builder_comm(builder, &at, "x\ny\033[31mz\377" TURNED, FALSE);
}

/* More sides than a table has room for. */
static void tell_five_sides(struct colo_story *story, struct perf_builder *builder)
{
	(void)builder;
	for (gint32 i = 0; i < 5; i++) {
		struct colo_story_side side = i % 2 ? usual_secondary : usual_primary;

		side.pid += i * 1000000;
		side.tid += i * 1000000;
		tell_side(story, &side, 2);
	}
}

/* An hour of checkpoints, each of ten minutes. */
/* Times up to 2^64 ns, sums and losses beyond that, and counters as large as they can be. */
static void tell_longest_times(struct colo_story *story, struct perf_builder *builder)
{
	static const struct colo_story_counters largest = {
		.status = COLO_STORY_STATUS_COLO,
		.transferred_bytes = G_MAXUINT64,
		.page_size_bytes = G_MAXUINT64,
		.normal_pages = 3,
	};
	struct colo_story_side side = usual_primary;
	const struct perf_builder_stamp at = {.event = colo_story_event(story, "colo_ram_begin")};

	colo_story_process(story, &side);
	for (guint64 seq = 1; seq <= 1100; seq++) {
		struct colo_story_checkpoint checkpoint = checkpoint_of(seq);

		checkpoint.phase_ns[COLO_STORY_LOADED] =
			(G_GUINT64_CONSTANT(1) << 53) - G_GUINT64_CONSTANT(10000000000);
		checkpoint.counters = &largest;
		colo_story_checkpoint(story, &side, &checkpoint);
	}
	for (guint i = 0; i < 2; i++)
		perf_builder_lost(builder, &at, G_GUINT64_CONSTANT(1) << 63);
}

static guint twice(struct colo_story_hit *hit, gpointer user_data)
{
	(void)hit;
	(void)user_data;
	return 2;
}

static void tell_twice(struct colo_story *story, struct perf_builder *builder)
{
	colo_story_set_filter(story, twice, NULL);
	tell_primary(story, builder);
}

/* No hit of three of ten checkpoints is left. */
static void tell_gap(struct colo_story *story, struct perf_builder *builder)
{
	struct colo_story_side side = usual_primary;

	(void)builder;
	colo_story_process(story, &side);
	tell_checkpoints(story, &side, 1, 3);
	tell_checkpoints(story, &side, 7, 10);
}

static void tell_long_times(struct colo_story *story, struct perf_builder *builder)
{
	struct colo_story_side side = usual_primary;

	(void)builder;
	colo_story_process(story, &side);
	for (guint64 seq = 1; seq <= 6; seq++) {
		struct colo_story_checkpoint checkpoint = checkpoint_of(seq);

		checkpoint.phase_ns[COLO_STORY_LOADED] = G_GUINT64_CONSTANT(600000000000);
		colo_story_checkpoint(story, &side, &checkpoint);
	}
}

static struct perf_event_attr attr_of_rate(void)
{
	struct perf_event_attr attr = colo_story_default_attr();

	attr.freq = 1;
	attr.sample_freq = 997;
	return attr;
}

static struct perf_event_attr attr_without_time(void)
{
	struct perf_event_attr attr = colo_story_default_attr();

	attr.sample_type &= ~(guint64)PERF_SAMPLE_TIME;
	return attr;
}

static void kill_perf(struct perf_builder *builder)
{
	perf_builder_set_killed(builder, TRUE);
}

static void leave_out_formats(struct perf_builder *builder)
{
	perf_builder_omit_feature(builder, PERF_BUILDER_TRACING_DATA);
}

static void damage_formats(struct perf_builder *builder)
{
	perf_builder_feature_bytes(builder, PERF_BUILDER_TRACING_DATA, "no formats", 10);
}

/* Two thirds of the file, which end in the data. */
static void cut(struct perf_builder *builder)
{
	struct perf_builder_layout layout;

	g_byte_array_unref(perf_builder_build(builder, &layout));
	perf_builder_cut_at(builder, layout.data_offset + layout.data_size / 2);
}

/* The last record is a header of type 9 that says 4 bytes. */
static void break_last_record(struct perf_builder *builder)
{
	perf_builder_bytes(builder, "\011\0\0\0\0\0\004\0", 8);
}

static const struct recipe {
	const char *name;
	void (*tell)(struct colo_story *story, struct perf_builder *builder);
	struct perf_event_attr (*attr)(void);	      /* NULL: the story's own */
	void (*finish)(struct perf_builder *builder); /* NULL: the file is whole */
	int byte_order;				      /* 0: little-endian */
} recipes[] = {
	{.name = "both.data", .tell = tell_both},
	{.name = "both-big-endian.data", .tell = tell_both, .byte_order = G_BIG_ENDIAN},
	{.name = "primary.data", .tell = tell_primary},
	{.name = "secondary.data", .tell = tell_secondary},
	{.name = "no-hits.data", .tell = tell_nothing},
	{.name = "no-checkpoint.data", .tell = tell_no_checkpoint},
	{.name = "aborted.data", .tell = tell_aborted},
	{.name = "failover.data", .tell = tell_failover},
	{.name = "six-given-up.data", .tell = tell_six_given_up},
	{.name = "all-states.data", .tell = tell_all_states},
	{.name = "losses.data", .tell = tell_losses},
	{.name = "hostile-names.data", .tell = tell_hostile_names},
	{.name = "five-sides.data", .tell = tell_five_sides},
	{.name = "long-times.data", .tell = tell_long_times},
	{.name = "longest-times.data", .tell = tell_longest_times},
	{.name = "twice.data", .tell = tell_twice},
	{.name = "gap.data", .tell = tell_gap},
	{.name = "sampled.data", .tell = tell_primary, .attr = attr_of_rate},
	{.name = "without-time.data", .tell = tell_primary, .attr = attr_without_time},
	{.name = "killed.data", .tell = tell_both, .finish = kill_perf},
	{.name = "no-formats.data", .tell = tell_both, .finish = leave_out_formats},
	{.name = "bad-formats.data", .tell = tell_both, .finish = damage_formats},
	{.name = "cut.data", .tell = tell_both, .finish = cut},
	{.name = "broken.data", .tell = tell_both, .finish = break_last_record},
};

static gboolean write_recipe(const struct recipe *recipe, const char *directory, GError **error)
{
	struct perf_builder *builder =
		perf_builder_new(recipe->byte_order ? recipe->byte_order : G_LITTLE_ENDIAN);
	struct perf_event_attr attr = recipe->attr ? recipe->attr() : colo_story_default_attr();
	struct colo_story *story = colo_story_new(builder, USUAL_CPUS, &attr);
	g_autofree char *path = g_build_filename(directory, recipe->name, NULL);
	gboolean written;

	colo_story_features(story);
	recipe->tell(story, builder);
	colo_story_free(story);
	if (recipe->finish)
		recipe->finish(builder);
	written = perf_builder_write(builder, path, error);
	perf_builder_free(builder);
	return written;
}

/* Events that are no probes of ours: a clock, or a tracepoint of another patch. */
static gboolean write_event(const char *directory, const char *file_name,
			    const struct perf_builder_event *event, GError **error)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct perf_builder_sample sample = {
		.at = {.pid = usual_primary.pid, .time_ns = USUAL_START_NS}};
	const guint64 args[] = {1};
	g_autofree char *path = g_build_filename(directory, file_name, NULL);
	gboolean written;

	if (event->args) {
		sample.args = args;
		sample.n_args = G_N_ELEMENTS(args);
	}
	sample.at.event = perf_builder_add_event(builder, event);
	perf_builder_sample(builder, &sample);
	written = perf_builder_write(builder, path, error);
	perf_builder_free(builder);
	return written;
}

static gboolean write_other_events(const char *directory, GError **error)
{
	const struct perf_builder_event clock = {
		.name = "cpu-clock",
		.attr = {.type = PERF_TYPE_SOFTWARE, .sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE},
		.n_ids = 1};
	const struct perf_builder_event other = {
		.name = "sdt_qemu:other",
		.attr = {.type = PERF_TYPE_TRACEPOINT,
			 .config = 700,
			 .sample_period = 1,
			 .sample_type = PERF_BUILDER_TRACEPOINT_SAMPLE},
		.n_ids = 1,
		.args = "u32"};

	return write_event(directory, "no-probes.data", &clock, error) &&
	       write_event(directory, "other-probes.data", &other, error);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	if (argc != 2) {
		g_printerr("usage: make_recordings DIRECTORY\n");
		return 2;
	}
	for (guint i = 0; i < G_N_ELEMENTS(recipes) && !error; i++)
		write_recipe(&recipes[i], argv[1], &error);
	if (!error)
		write_other_events(argv[1], &error);
	if (error) {
		g_printerr("make_recordings: %s\n", error->message);
		return 1;
	}
	return 0;
}
