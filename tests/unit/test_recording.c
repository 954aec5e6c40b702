/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * recording and warnings: whole recordings of COLO, and what they may lack.
 */
#include "recording.h"

#include "base/error.h"
#include "colo/summary.h"
#include "lib/memory_fd.h"
#include "lib/recorded.h"
#include "warnings.h"

#include <string.h>
#include <unistd.h>

/* `message` is what follows the path. */
static void assert_refused(struct perf_builder *builder, enum colo_perf_error code,
			   const char *message)
{
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, NULL);
	g_autoptr(GError) error = NULL;
	const char *colon;

	g_assert_null(recorded_load(bytes, &error));
	g_assert_error(error, COLO_PERF_ERROR, (int)code);
	g_assert_true(g_str_has_prefix(error->message, "/proc/self/fd/"));
	colon = strchr(error->message, ':');
	g_assert_nonnull(colon);
	g_assert_cmpstr(colon + 2, ==, message);
}

/* What a thread of a session's process is called. */
static const char *name_of(const struct recordings *recordings, guint session, uint32_t tid)
{
	const struct colo_session *at = recorded_session(recordings, session);

	return recording_thread_name(recorded_file(recordings, at->source), at, tid);
}

static void assert_no_warning(const struct recordings *recordings)
{
	g_autoptr(GPtrArray) warnings = warnings_of(recordings, NULL, NULL);

	for (guint i = 0; i < warnings->len; i++)
		g_test_message("%s", ((struct warning *)warnings->pdata[i])->message);
	g_assert_cmpuint(warnings->len, ==, 0);
}

/* What a recording says of itself, and its sums against those of the story. */
static void test_both_sides(void)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, USUAL_CPUS, NULL);
	const struct colo_selection all = COLO_SELECT_ALL;
	struct recordings *recordings;
	const struct recording *file;
	guint64 sums_ns[2];

	colo_story_features(story);
	sums_ns[0] = recorded_side(story, &usual_primary, 4);
	sums_ns[1] = recorded_side(story, &usual_secondary, 4);
	colo_story_free(story);
	recordings = recorded_load_builder(builder);
	file = recorded_file(recordings, 0);
	g_assert_cmpuint(recordings->files->len, ==, 1);
	g_assert_cmpstr(file->hostname, ==, "host");
	g_assert_cmpstr(file->arch, ==, "x86_64");
	g_assert_cmpstr(file->perf_version, ==, "6.1.0");
	g_assert_cmpstr(file->command_line, ==, "/usr/bin/perf record -e sdt_qemu:* -a");
	g_assert_null(file->damage);
	g_assert_cmpuint(file->n_events, ==, 38);
	g_assert_cmpuint(file->n_tracepoints, ==, 37);
	g_assert_cmpuint(file->n_probes, ==, 37);
	g_assert_cmpuint(file->n_samples, ==, file->n_probe_hits);
	/* init 2, exit 1; a checkpoint: 10 or 11 phases, itself, wait, trigger, counters */
	g_assert_cmpuint(file->n_probe_hits, ==, 3 + 4 * (24 + 1 + 5) + 3 + 4 * (26 + 1));
	g_assert_cmpuint(file->n_records, ==, file->n_samples + 2 * 3 + 1);
	g_assert_cmpstr(name_of(recordings, 0, 111), ==, "live_migration");
	g_assert_cmpstr(name_of(recordings, 1, 222), ==, "COLO incoming");
	g_assert_cmpstr(name_of(recordings, 0, 101), ==, "qemu-system-x86");
	g_assert_null(name_of(recordings, 0, 222));
	assert_no_warning(recordings);
	g_assert_cmpuint(colo_model_sessions(recordings->model)->len, ==, 2);
	for (guint i = 0; i < 2; i++) {
		struct colo_summary *summary =
			colo_summary_new(recorded_session(recordings, i), &all);

		g_assert_cmpint(recorded_session(recordings, i)->role, ==, (int)i + 1);
		g_assert_cmpuint(summary->n_states[COLO_CHECKPOINT_COMPLETE], ==, 4);
		g_assert_cmpint(summary->recorder.tot_time.value, ==, (gint64)sums_ns[i]);
		g_assert_cmpint(summary->recorder.init_time.value, ==, 40000000);
		colo_summary_free(summary);
	}
	recordings_free(recordings);
	recordings_free(NULL);
	perf_builder_free(builder);
}

static void test_byte_orders(void)
{
	struct perf_builder *little = recorded_both_sides(G_LITTLE_ENDIAN, NULL);
	struct perf_builder *big = recorded_both_sides(G_BIG_ENDIAN, NULL);
	struct recordings *of_little = recorded_load_builder(little),
			  *of_big = recorded_load_builder(big);

	recorded_assert_same_sessions(of_little, of_big);
	g_assert_cmpstr(recorded_file(of_little, 0)->command_line, ==,
			recorded_file(of_big, 0)->command_line);
	g_assert_cmpuint(recorded_file(of_little, 0)->n_records, ==,
			 recorded_file(of_big, 0)->n_records);
	recordings_free(of_little);
	recordings_free(of_big);
	perf_builder_free(little);
	perf_builder_free(big);
}

/* perf record -F, and -c: in either case some hits were not written. */
static void test_sampled(void)
{
	const struct {
		bool freq;
		guint64 period;
		guint n_sampled;
	} cases[] = {{true, 997, 37}, {true, 1, 37}, {false, 3, 37}, {false, 0, 37}, {false, 1, 0}};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct perf_event_attr attr = colo_story_default_attr();
		struct perf_builder *builder;
		struct recordings *recordings;

		attr.freq = cases[i].freq;
		attr.sample_period = cases[i].period;
		builder = recorded_both_sides(G_LITTLE_ENDIAN, &attr);
		recordings = recorded_load_builder(builder);
		g_assert_cmpuint(recorded_file(recordings, 0)->sampled_probes->len, ==,
				 cases[i].n_sampled);
		if (cases[i].n_sampled)
			recorded_assert_warning(recordings, "probes_sampled",
						"37 of 37 probes were sampled, not counted "
						"(colo_init_begin, ...)");
		else
			assert_no_warning(recordings);
		recordings_free(recordings);
		perf_builder_free(builder);
	}
}

static guint rename_every_other(struct colo_story_hit *hit, gpointer user_data)
{
	(void)user_data;
	if (!strcmp(hit->probe, "colo_ram_end") && hit->args[1] % 2 == 0)
		hit->probe = "colo_ram_end_1";
	return 1;
}

/* A second site of a probe is the probe; a name or arguments of another patch are not. */
static void test_other_probes(void)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, USUAL_CPUS, NULL);
	struct perf_builder *plain = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *plain_story = colo_story_new(plain, USUAL_CPUS, NULL);
	const struct perf_builder_event of_others = {
		.name = "sched:colo_ram_begin",
		.attr = {.type = PERF_TYPE_TRACEPOINT,
			 .config = 12,
			 .sample_type = PERF_BUILDER_TRACEPOINT_SAMPLE},
		.n_ids = 1,
		.args = "s32 u64"};
	const guint64 args[] = {1, 1};
	struct perf_builder_sample sample = {.args = args, .n_args = G_N_ELEMENTS(args)};
	struct recordings *recordings, *expected;
	const struct recording *file;

	/* What is not QEMU's is no probe, by whatever name. */
	sample.at.event = perf_builder_add_event(builder, &of_others);
	perf_builder_sample(builder, &sample);
	colo_story_add_probe(story, "colo_ram_end_1", "s32 u64 u64 u64 u64");
	colo_story_add_probe(story, "colo_dev_end_2", "s32 u64");
	colo_story_add_probe(story, "colo_of_tomorrow", "s32 u64");
	colo_story_add_probe(story, "vl_of_others", "s32 u64");
	colo_story_set_filter(story, rename_every_other, NULL);
	recorded_side(story, &usual_primary, 4);
	colo_story_free(story);
	recorded_side(plain_story, &usual_primary, 4);
	colo_story_free(plain_story);

	recordings = recorded_load_builder(builder);
	expected = recorded_load_builder(plain);
	file = recorded_file(recordings, 0);
	g_assert_cmpuint(file->n_probes, ==, 38);
	g_assert_cmpuint(file->n_tracepoints, ==, 42);
	g_assert_cmpuint(file->n_samples, ==, file->n_probe_hits + 1);
	g_assert_cmpuint(file->other_probes->len, ==, 2);
	g_assert_cmpstr(file->other_probes->pdata[0], ==, "colo_dev_end_2");
	g_assert_cmpstr(file->other_probes->pdata[1], ==, "colo_of_tomorrow");
	recorded_assert_warning(
		recordings, "other_probes",
		"2 probes are not known here or have other arguments (colo_dev_end_2, ...)");
	g_assert_cmpuint(file->foreign_events->len, ==, 1);
	recorded_assert_warning(recordings, "foreign_events",
				"1 sdt_qemu events are none of COLO's (vl_of_others, ...)");
	recorded_assert_same_sessions(recordings, expected);
	recordings_free(recordings);
	recordings_free(expected);
	perf_builder_free(builder);
	perf_builder_free(plain);
}

/* Two hosts may give two QEMUs the same pid. */
static void test_two_files(void)
{
	struct colo_story_side twin = usual_secondary;
	int fds[2];
	char *paths[3] = {NULL};
	struct recordings *recordings;
	g_autoptr(GError) error = NULL;

	twin.pid = usual_primary.pid;
	twin.tid = usual_primary.tid;
	for (guint i = 0; i < 2; i++) {
		struct perf_builder *builder = perf_builder_new(i ? G_BIG_ENDIAN : G_LITTLE_ENDIAN);
		struct colo_story *story = colo_story_new(builder, USUAL_CPUS, NULL);
		g_autoptr(GByteArray) bytes = NULL;

		/* The secondary first: reports begin with the primary all the same. */
		recorded_side(story, i ? &usual_primary : &twin, 3);
		colo_story_free(story);
		bytes = perf_builder_build(builder, NULL);
		fds[i] = memory_fd(bytes->data, bytes->len);
		paths[i] = memory_fd_path(fds[i]);
		perf_builder_free(builder);
	}
	recordings = recordings_load((const char *const *)paths, &recorded_options, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(recordings->files->len, ==, 2);
	for (guint i = 0; i < 2; i++)
		g_assert_cmpstr(recorded_file(recordings, i)->path, ==, paths[i]);
	g_assert_cmpuint(colo_model_sessions(recordings->model)->len, ==, 2);
	g_assert_cmpint(recorded_session(recordings, 0)->role, ==, COLO_ROLE_PRIMARY);
	g_assert_cmpuint(recorded_session(recordings, 0)->source, ==, 1);
	g_assert_cmpuint(recorded_session(recordings, 0)->checkpoints->len, ==, 3);
	g_assert_cmpint(recorded_session(recordings, 1)->role, ==, COLO_ROLE_SECONDARY);
	g_assert_cmpuint(recorded_session(recordings, 1)->source, ==, 0);
	g_assert_cmpuint(recorded_session(recordings, 1)->checkpoints->len, ==, 3);
	g_assert_cmpstr(name_of(recordings, 0, 111), ==, "live_migration");
	g_assert_cmpstr(name_of(recordings, 1, 111), ==, "COLO incoming");
	recordings_free(recordings);

	/* One that cannot be used is named, and the others are let go. */
	g_free(paths[1]);
	paths[1] = g_strdup("/nonexistent/perf.data");
	g_assert_null(recordings_load((const char *const *)paths, &recorded_options, &error));
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO);
	g_assert_cmpstr(error->message, ==,
			"/nonexistent/perf.data: cannot open it: No such file or directory");
	for (guint i = 0; i < 2; i++) {
		close(fds[i]);
		g_free(paths[i]);
	}
}

#define NO_FORMATS                                                                                 \
	"there are no formats of sdt_qemu in --formats /nonexistent: Failed to open file "         \
	"\342\200\234/nonexistent\342\200\235: No such file or directory"

static guint leave_out_from_ram_end(struct colo_story_hit *hit, gpointer user_data G_GNUC_UNUSED)
{
	return hit->pid != usual_primary.pid || hit->args[1] < 3 ||
	       (strcmp(hit->probe, "colo_ram_end") && strcmp(hit->probe, "colo_checkpoint_end"));
}

/* The primary's process ends in a checkpoint; the secondary fails over and lives. */
static void test_process_ends(void)
{
	enum {
		ALL,
		LOST_RECORDS,
		DAMAGED,
		N_CASES
	};

	for (int which = 0; which < N_CASES; which++) {
		struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
		struct colo_story_side side = usual_primary;
		struct recordings *recordings;
		const struct colo_session *session;
		struct perf_builder_stamp at;
		const struct colo_checkpoint *last;
		struct colo_story *story;
		struct colo_stop stop;

		story = colo_story_new(builder, USUAL_CPUS, NULL);
		colo_story_features(story);
		recorded_side(story, &usual_secondary, 3);
		colo_story_set_filter(story, leave_out_from_ram_end, NULL);
		colo_story_process(story, &side);
		colo_story_init(story, &side, 40000000);
		for (guint64 seq = 1; seq <= 3; seq++) {
			struct colo_story_checkpoint checkpoint = usual_checkpoint(seq);

			checkpoint.ret = seq == 3 ? -1 : 0;
			checkpoint.fail_phase = COLO_STORY_RAM;
			if (seq == 3)
				checkpoint.counters = NULL;
			colo_story_checkpoint(story, &side, &checkpoint);
		}
		colo_story_flush(story);
		at = (struct perf_builder_stamp){.event = colo_story_task_event(story),
						 .pid = usual_primary.pid,
						 .tid = usual_primary.tid,
						 .cpu = 1,
						 .time_ns = side.now_ns + 6000};
		perf_builder_exit(builder, &at, 1, 1);
		at.tid = at.pid;
		at.time_ns += 1000;
		perf_builder_exit(builder, &at, 1, 1);
		if (which == LOST_RECORDS)
			perf_builder_lost(builder, &at, 5);
		if (which == DAMAGED)
			perf_builder_bytes(builder, "\011\0\0\0\0\0\004\0", 8);
		colo_story_free(story);
		recordings = recorded_load_builder(builder);
		/* Without one of its records it is not known that a process lives. */
		g_assert_true(recording_shows_process_ends(recorded_file(recordings, 0)) ==
			      (which == ALL));
		session = recorded_session(recordings, 0);
		g_assert_true(session->process_ended);
		g_assert_cmpuint(session->process_end_ns, ==, at.time_ns);
		g_assert_cmpuint(session->checkpoints->len, ==, 3);
		last = &g_array_index(session->checkpoints, struct colo_checkpoint, 2);
		g_assert_cmpint(last->state, ==, COLO_CHECKPOINT_CUT_END);
		g_assert_true(colo_checkpoint_stop(session, last, &stop));
		g_assert_cmpint(stop.phase, ==, COLO_PHASE_RAM);
		session = recorded_session(recordings, 1);
		g_assert_false(session->process_ended);
		g_assert_true(session->exited && session->exit_reason == COLO_EXIT_REQUEST);
		recordings_free(recordings);
		perf_builder_free(builder);
	}
}

static void test_no_formats(void)
{
	struct perf_builder *builder = recorded_both_sides(G_LITTLE_ENDIAN, NULL);

	perf_builder_omit_feature(builder, PERF_BUILDER_TRACING_DATA);
	assert_refused(builder, COLO_PERF_ERROR_NO_FORMATS, NO_FORMATS);
	perf_builder_free(builder);

	builder = recorded_both_sides(G_LITTLE_ENDIAN, NULL);
	perf_builder_set_killed(builder, TRUE);
	assert_refused(builder, COLO_PERF_ERROR_NO_FORMATS,
		       "perf record was killed before it finished the file: the size of the data "
		       "and the feature sections are missing; " NO_FORMATS);
	perf_builder_free(builder);

	builder = recorded_both_sides(G_LITTLE_ENDIAN, NULL);
	perf_builder_feature_bytes(builder, PERF_BUILDER_TRACING_DATA, "x", 1);
	assert_refused(
		builder, COLO_PERF_ERROR_NO_FORMATS,
		"the tracepoint formats (feature 1, TRACING_DATA) are damaged at byte 0: the magic "
		"bytes are not there; " NO_FORMATS);
	perf_builder_free(builder);
}

static void test_hits_without_needs(void)
{
	static const guint64 needs[] = {PERF_SAMPLE_TIME, PERF_SAMPLE_TID, PERF_SAMPLE_RAW};

	for (guint i = 0; i < G_N_ELEMENTS(needs); i++) {
		struct perf_event_attr attr = colo_story_default_attr();
		struct perf_builder *builder;
		g_autofree char *message = NULL;

		attr.sample_type &= ~needs[i];
		message = g_strdup_printf("probe colo_init_begin was recorded without time, thread "
					  "or arguments (sample_type %#" G_GINT64_MODIFIER
					  "x); record with perf record -T",
					  (guint64)attr.sample_type);
		builder = recorded_both_sides(G_LITTLE_ENDIAN, &attr);
		assert_refused(builder, COLO_PERF_ERROR_UNSUPPORTED, message);
		perf_builder_free(builder);
	}
}

/* A profile, and no probe: it loads, and there is nothing of COLO in it. */
static void test_no_tracepoint(void)
{
	struct perf_builder *builder = perf_builder_new(G_BIG_ENDIAN);
	const struct perf_builder_event clock = {
		.name = "cpu-clock",
		.attr = {.type = PERF_TYPE_SOFTWARE, .sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE},
		.n_ids = 1};
	struct perf_builder_sample sample = {0};
	struct recordings *recordings;

	perf_builder_add_event(builder, &clock);
	perf_builder_sample(builder, &sample);
	recordings = recorded_load_builder(builder);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_samples, ==, 1);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_events, ==, 1);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_tracepoints, ==, 0);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_probes, ==, 0);
	g_assert_cmpuint(colo_model_sessions(recordings->model)->len, ==, 0);
	assert_no_warning(recordings);
	recordings_free(recordings);
	perf_builder_free(builder);

	/* Not even an event. */
	builder = perf_builder_new(G_LITTLE_ENDIAN);
	perf_builder_record(builder, PERF_RECORD_SAMPLE, 0, "whose?", 6);
	recordings = recorded_load_builder(builder);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_events, ==, 0);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_unknown_samples, ==, 1);
	recordings_free(recordings);
	perf_builder_free(builder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/recording/both_sides", test_both_sides);
	g_test_add_func("/recording/byte_orders", test_byte_orders);
	g_test_add_func("/recording/sampled", test_sampled);
	g_test_add_func("/recording/other_probes", test_other_probes);
	g_test_add_func("/recording/two_files", test_two_files);
	g_test_add_func("/recording/process_ends", test_process_ends);
	g_test_add_func("/recording/no_formats", test_no_formats);
	g_test_add_func("/recording/hits_without_needs", test_hits_without_needs);
	g_test_add_func("/recording/no_tracepoint", test_no_tracepoint);
	return g_test_run();
}
