/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * recording and warnings: recordings that lack hits, or have them twice.
 */
#include "lib/recorded.h"

/* Lost events, an id of nobody, a hit without its arguments: counted, and warned of. */
static void test_losses(void)
{
	for (int order = 0; order < 2; order++) {
		struct perf_builder *builder =
			perf_builder_new(order ? G_BIG_ENDIAN : G_LITTLE_ENDIAN);
		struct colo_story *story = colo_story_new(builder, USUAL_CPUS, NULL);
		struct perf_builder_sample hit = {
			.at = {.event = colo_story_event(story, "colo_ram_end"), .pid = 101},
			.raw = "",
			.raw_size_bytes = 8};
		struct recordings *recordings;
		const struct recording *file;

		recorded_side(story, &usual_primary, 2);
		perf_builder_lost(builder, &hit.at, 17);
		perf_builder_lost(builder, &hit.at, 4);
		perf_builder_lost_samples(builder, &hit.at, 5);
		perf_builder_record(builder, PERF_RECORD_SAMPLE, 0, "no such", 8);
		perf_builder_record(builder, PERF_RECORD_SAMPLE, 0, "short", 5);
		hit.raw_size_bytes = 1;
		perf_builder_sample(builder, &hit);
		/* One byte less than its five arguments need. */
		hit.raw = "12345678901234567890123456789012345678901234567890";
		hit.raw_size_bytes = 16 + 4 + 4 * 8 - 1;
		perf_builder_sample(builder, &hit);
		colo_story_free(story);
		recordings = recorded_load_builder(builder);
		file = recorded_file(recordings, 0);
		g_assert_cmpuint(file->n_lost_records, ==, 21);
		g_assert_cmpuint(file->n_lost_samples, ==, 5);
		g_assert_cmpuint(file->n_unknown_samples, ==, 2);
		/* The kernel pads the longer one with a byte, which makes it long enough. */
		g_assert_cmpuint(file->n_bad_hits, ==, 1);
		g_assert_cmpuint(colo_model_invalid_hits(recordings->model), ==, 1);
		g_assert_cmpuint(file->n_samples, ==, file->n_probe_hits + 2);
		recorded_assert_warning(recordings, "lost_records", "perf lost 21 events");
		recorded_assert_warning(recordings, "lost_samples", "the kernel dropped 5 samples");
		recorded_assert_warning(recordings, "unknown_samples",
					"2 samples belong to no event");
		recorded_assert_warning(recordings, "bad_hits", "1 of 65 probe hits are too short");
		recorded_assert_warning(recordings, "invalid_hits",
					"1 probe hits name neither primary");
		recordings_free(recordings);
		perf_builder_free(builder);
	}
}

static guint twice(struct colo_story_hit *hit, gpointer user_data)
{
	(void)hit;
	(void)user_data;
	return 2;
}

/* Each hit comes twice: as if once, and said so. */
static void test_twice(void)
{
	struct perf_builder *once = recorded_both_sides(G_LITTLE_ENDIAN, NULL);
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, USUAL_CPUS, NULL);
	struct recordings *recordings, *of_once;

	colo_story_set_filter(story, twice, NULL);
	recorded_side(story, &usual_primary, 4);
	recorded_side(story, &usual_secondary, 4);
	colo_story_free(story);
	recordings = recorded_load_builder(builder);
	of_once = recorded_load_builder(once);
	recorded_assert_same_sessions(recordings, of_once);
	for (guint i = 0; i < 2; i++)
		g_assert_cmpmem(recorded_session(recordings, i)->triggers,
				sizeof(recorded_session(recordings, i)->triggers),
				recorded_session(of_once, i)->triggers,
				sizeof(recorded_session(of_once, i)->triggers));
	recorded_assert_warning(recordings, "duplicate_hits",
				"234 of 468 probe hits were recorded again");
	recordings_free(recordings);
	recordings_free(of_once);
	perf_builder_free(builder);
	perf_builder_free(once);
}

static guint leave_out_two_checkpoints(struct colo_story_hit *hit, gpointer user_data)
{
	(void)user_data;
	return hit->n_args < 2 || (hit->args[1] != 2 && hit->args[1] != 3);
}

/* No hit of two checkpoints is there. */
static void test_missing_checkpoints(void)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, USUAL_CPUS, NULL);
	struct recordings *recordings;

	colo_story_set_filter(story, leave_out_two_checkpoints, NULL);
	recorded_side(story, &usual_secondary, 5);
	colo_story_free(story);
	recordings = recorded_load_builder(builder);
	recorded_assert_warning(recordings, "missing_checkpoints",
				"secondary, pid 202: 2 checkpoints of this session are not in the "
				"recording (seq 2 to 3): ");
	recordings_free(recordings);
	perf_builder_free(builder);
}

/* Losses that no 64 bits can hold together. */
static void test_losses_saturate(void)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, USUAL_CPUS, NULL);
	const struct perf_builder_stamp at = {.event = colo_story_event(story, "colo_ram_end")};
	struct recordings *recordings;
	const struct recording *file;

	recorded_side(story, &usual_primary, 2);
	for (guint i = 0; i < 2; i++) {
		perf_builder_lost(builder, &at, UINT64_C(1) << 63);
		perf_builder_lost_samples(builder, &at, UINT64_C(1) << 63);
	}
	colo_story_free(story);
	recordings = recorded_load_builder(builder);
	file = recorded_file(recordings, 0);
	g_assert_cmpuint(file->n_lost_records, ==, UINT64_MAX);
	g_assert_cmpuint(file->n_lost_samples, ==, UINT64_MAX);
	g_assert_cmpuint(file->n_lost_hits, ==, UINT64_MAX);
	recorded_assert_warning(recordings, "lost_records",
				"perf lost 18446744073709551615 events");
	recorded_assert_warning(recordings, "lost_samples",
				"the kernel dropped 18446744073709551615 samples");
	recordings_free(recordings);
	perf_builder_free(builder);
}

/* Records whose own fields are cut off: passed over, whatever they are. */
static void test_short_records(void)
{
	static const guint32 types[] = {PERF_RECORD_LOST, PERF_RECORD_LOST_SAMPLES,
					PERF_RECORD_COMM, PERF_RECORD_SAMPLE, 12345};
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, USUAL_CPUS, NULL);
	struct recordings *recordings;

	for (guint i = 0; i < G_N_ELEMENTS(types); i++)
		for (gsize size = 0; size < 8; size++)
			perf_builder_record(builder, types[i], 0, "\1\2\3\4\5\6\7\10", size);
	/* A name without its NUL is no name. */
	perf_builder_record(builder, PERF_RECORD_COMM, 0, "\1\0\0\0\1\0\0\0name", 12);
	colo_story_free(story);
	recordings = recorded_load_builder(builder);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_records, ==, G_N_ELEMENTS(types) * 8 + 1);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_lost_records, ==, 0);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_lost_samples, ==, 0);
	g_assert_cmpuint(recorded_file(recordings, 0)->n_unknown_samples, ==, 8);
	g_assert_null(tasks_thread_name(recorded_file(recordings, 0)->tasks, 1, 1, UINT64_MAX));
	recordings_free(recordings);
	perf_builder_free(builder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/losses/losses", test_losses);
	g_test_add_func("/losses/saturate", test_losses_saturate);
	g_test_add_func("/losses/twice", test_twice);
	g_test_add_func("/losses/missing-checkpoints", test_missing_checkpoints);
	g_test_add_func("/losses/short-records", test_short_records);
	return g_test_run();
}
