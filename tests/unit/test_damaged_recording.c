/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * recording: one that is damaged gives an error, or says so and gives the numbers of the whole
 * one as far as it goes.
 */
#include "recording.h"

#include "base/error.h"
#include "colo/summary.h"
#include "lib/memory_fd.h"
#include "lib/recorded.h"

#include <unistd.h>

/* One side on one CPU, so that the file is in the order of time. */
static struct perf_builder *three_checkpoints(void)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, 1, NULL);
	struct colo_story_side side = usual_secondary;

	side.cpu = side.main_cpu = 0;
	colo_story_features(story);
	/* A copy of the attrs that nobody reads; without it there are fewer bytes to cut. */
	perf_builder_omit_feature(builder, PERF_BUILDER_EVENT_DESC);
	colo_story_process(story, &side);
	colo_story_init(story, &side, 40000000);
	for (guint64 seq = 1; seq <= 3; seq++) {
		struct colo_story_checkpoint checkpoint = usual_checkpoint(seq);

		colo_story_checkpoint(story, &side, &checkpoint);
	}
	colo_story_free(story);
	return builder;
}

/* What is complete in `part` is in `whole`, to the nanosecond. Returns how many there are. */
static guint assert_part_of(const struct recordings *part, const struct recordings *whole)
{
	const GPtrArray *sessions = colo_model_sessions(part->model);
	const GArray *expected = recorded_session(whole, 0)->checkpoints;
	guint n_complete = 0;

	g_assert_cmpuint(sessions->len, <=, 1);
	if (!sessions->len)
		return 0;
	for (guint i = 0; i < recorded_session(part, 0)->checkpoints->len; i++) {
		const struct colo_checkpoint *checkpoint = &g_array_index(
			recorded_session(part, 0)->checkpoints, struct colo_checkpoint, i);
		const struct colo_checkpoint *same;

		if (checkpoint->state != COLO_CHECKPOINT_COMPLETE)
			continue;
		g_assert_cmpuint(i, <, expected->len);
		same = &g_array_index(expected, struct colo_checkpoint, i);
		g_assert_cmpuint(checkpoint->seq, ==, same->seq);
		g_assert_cmpmem(checkpoint->windows, sizeof(checkpoint->windows), same->windows,
				sizeof(same->windows));
		g_assert_cmpmem(checkpoint->amounts, sizeof(checkpoint->amounts), same->amounts,
				sizeof(same->amounts));
		n_complete++;
	}
	return n_complete;
}

/* The file ends after each of its bytes. */
static void test_cut_everywhere(void)
{
	struct perf_builder *builder = three_checkpoints();
	struct perf_builder_layout layout;
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, &layout);
	struct recordings *whole = recorded_load_builder(builder);
	int fd = memory_fd(bytes->data, bytes->len);
	g_autofree char *path = memory_fd_path(fd);
	g_autofree char *prefix = g_strconcat(path, ": ", NULL);
	const char *const paths[] = {path, NULL};
	const guint64 formats_end = layout.features_offset[PERF_BUILDER_TRACING_DATA] +
				    layout.features_size[PERF_BUILDER_TRACING_DATA];

	g_assert_cmpuint(assert_part_of(whole, whole), ==, 3);
	for (guint64 size = bytes->len; size-- > 0;) {
		g_autoptr(GError) error = NULL;
		struct recordings *part;

		g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
		part = recordings_load(paths, &recorded_options, &error);
		if (size >= formats_end) {
			g_assert_no_error(error);
			g_assert_nonnull(recorded_file(part, 0)->damage);
			g_assert_cmpuint(assert_part_of(part, whole), ==, 3);
			recordings_free(part);
		} else {
			g_assert_null(part);
			g_assert_nonnull(error);
			g_assert_true(error->domain == COLO_PERF_ERROR);
			g_assert_true(g_str_has_prefix(error->message, prefix));
		}
	}
	close(fd);
	recordings_free(whole);
	perf_builder_free(builder);
}

/* Behind each of its records the file is damaged, and its formats are there. */
static void test_damaged_everywhere(void)
{
	struct perf_builder *builder = three_checkpoints();
	struct perf_builder_layout layout;
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, &layout);
	struct recordings *whole = recorded_load_builder(builder);
	guint64 offset = layout.data_offset;
	guint n_records = 0, n_complete = 0;

	while (offset < layout.data_offset + layout.data_size) {
		g_autofree char *message =
			g_strdup_printf("offset %" G_GUINT64_FORMAT ": record of type ", offset);
		guint8 *size_at = bytes->data + offset + 6;
		guint16 size = size_at[0] | size_at[1] << 8;
		struct recordings *part;
		guint n;

		size_at[0] = size_at[1] = 0;
		part = recorded_load(bytes, NULL);
		size_at[0] = size & 0xff;
		size_at[1] = size >> 8;
		g_assert_nonnull(part);
		g_assert_true(g_str_has_prefix(recorded_file(part, 0)->damage, message));
		g_assert_cmpuint(recorded_file(part, 0)->n_records, ==, n_records);
		recorded_assert_warning(part, "damaged", message);
		n = assert_part_of(part, whole);
		g_assert_cmpuint(n, >=, n_complete);
		n_complete = n;
		recordings_free(part);
		offset += size;
		n_records++;
	}
	g_assert_cmpuint(n_complete, ==, 3);
	g_assert_cmpuint(n_records, ==, recorded_file(whole, 0)->n_records);
	recordings_free(whole);
	perf_builder_free(builder);
}

/* Marsaglia's xorshift: the same bytes change in each run. */
static guint32 next_random(guint32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Some bytes of the file are others: recordings or an error, and the reports' sums are made. */
static void test_random_damage(void)
{
	const struct colo_selection all = COLO_SELECT_ALL;
	struct perf_builder *builder = three_checkpoints();
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, NULL);
	guint32 state = 20240229;
	guint n_loaded = 0, n_refused = 0;

	for (guint i = 0; i < 1000; i++) {
		g_autoptr(GByteArray) damaged = g_byte_array_new();
		g_autoptr(GError) error = NULL;
		struct recordings *recordings;

		g_byte_array_append(damaged, bytes->data, bytes->len);
		for (guint j = 0; j < 1 + i % 8; j++)
			damaged->data[next_random(&state) % damaged->len] =
				(guint8)next_random(&state);
		recordings = recorded_load(damaged, &error);
		g_assert_true((recordings != NULL) == (error == NULL));
		n_loaded += recordings != NULL;
		n_refused += recordings == NULL;
		if (!recordings)
			continue;
		for (guint j = 0; j < colo_model_sessions(recordings->model)->len; j++)
			colo_summary_free(colo_summary_new(recorded_session(recordings, j), &all));
		recordings_free(recordings);
	}
	g_assert_cmpuint(n_loaded, >, 0);
	g_assert_cmpuint(n_refused, >, 0);
	perf_builder_free(builder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/damaged_recording/cut_everywhere", test_cut_everywhere);
	g_test_add_func("/damaged_recording/damaged_everywhere", test_damaged_everywhere);
	g_test_add_func("/damaged_recording/random_damage", test_random_damage);
	return g_test_run();
}
