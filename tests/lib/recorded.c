/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells the story of two sides and loads what becomes of it.
 */
#include "lib/recorded.h"

#include "colo/summary.h"
#include "lib/memory_fd.h"
#include "warnings.h"

#include <string.h>
#include <unistd.h>

const struct recording_options recorded_options = {.formats = "/nonexistent"};

guint64 recorded_side(struct colo_story *story, const struct colo_story_side *of, guint64 n)
{
	struct colo_story_side side = *of;
	guint64 sum_ns = 0;

	colo_story_process(story, &side);
	colo_story_init(story, &side, 40000000);
	for (guint64 seq = 1; seq <= n; seq++) {
		struct colo_story_checkpoint checkpoint = usual_checkpoint(seq);

		colo_story_checkpoint(story, &side, &checkpoint);
		sum_ns += colo_story_checkpoint_ns(&side, &checkpoint);
		/* The thread moves on; perf writes one CPU after the other. */
		side.cpu = 1 - side.cpu;
		side.now_ns += 1500;
	}
	colo_story_exit(story, &side, COLO_STORY_EXIT_REQUEST);
	return sum_ns;
}

struct perf_builder *recorded_both_sides(int byte_order, const struct perf_event_attr *attr)
{
	struct perf_builder *builder = perf_builder_new(byte_order);
	struct colo_story *story = colo_story_new(builder, USUAL_CPUS, attr);

	colo_story_features(story);
	recorded_side(story, &usual_primary, 4);
	recorded_side(story, &usual_secondary, 4);
	colo_story_free(story);
	return builder;
}

struct recordings *recorded_load(const GByteArray *bytes, GError **error)
{
	int fd = memory_fd(bytes->data, bytes->len);
	g_autofree char *path = memory_fd_path(fd);
	const char *const paths[] = {path, NULL};
	struct recordings *recordings = recordings_load(paths, &recorded_options, error);

	close(fd);
	return recordings;
}

struct recordings *recorded_load_builder(struct perf_builder *builder)
{
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, NULL);
	g_autoptr(GError) error = NULL;
	struct recordings *recordings = recorded_load(bytes, &error);

	g_assert_no_error(error);
	return recordings;
}

const struct recording *recorded_file(const struct recordings *recordings, guint index)
{
	g_assert_cmpuint(index, <, recordings->files->len);
	return g_ptr_array_index(recordings->files, index);
}

const struct colo_session *recorded_session(const struct recordings *recordings, guint index)
{
	const GPtrArray *sessions = colo_model_sessions(recordings->model);

	g_assert_cmpuint(index, <, sessions->len);
	return g_ptr_array_index(sessions, index);
}

static void assert_same_value(struct colo_value a, struct colo_value b)
{
	g_assert_cmpint(a.known, ==, b.known);
	g_assert_cmpint(a.value, ==, b.value);
}

static void assert_same_distribution(const struct distribution *a, const struct distribution *b)
{
	g_assert_cmpuint(a->n, ==, b->n);
	g_assert_cmpint(a->total, ==, b->total);
	g_assert_cmpint(a->min, ==, b->min);
	g_assert_cmpint(a->p50, ==, b->p50);
	g_assert_cmpint(a->max, ==, b->max);
	g_assert_cmpfloat(a->stddev, ==, b->stddev);
}

static void assert_same_summary(const struct colo_session *left, const struct colo_session *right)
{
	const struct colo_selection all = COLO_SELECT_ALL;
	struct colo_summary *a = colo_summary_new(left, &all), *b = colo_summary_new(right, &all);

	g_assert_cmpint(left->role, ==, right->role);
	g_assert_cmpuint(left->pid, ==, right->pid);
	g_assert_cmpuint(left->tid, ==, right->tid);
	g_assert_cmpuint(left->origin_ns, ==, right->origin_ns);
	for (guint i = 0; i < COLO_N_CHECKPOINT_STATES; i++)
		g_assert_cmpuint(a->n_states[i], ==, b->n_states[i]);
	g_assert_cmpuint(a->n_rows, ==, b->n_rows);
	for (guint i = 0; i < a->n_rows; i++)
		assert_same_distribution(&a->rows[i].ns, &b->rows[i].ns);
	g_assert_cmpuint(a->n_amounts, ==, b->n_amounts);
	for (guint i = 0; i < a->n_amounts; i++)
		assert_same_distribution(&a->amounts[i].units, &b->amounts[i].units);
	assert_same_value(a->recorder.tot_time, b->recorder.tot_time);
	assert_same_value(a->recorder.init_time, b->recorder.init_time);
	assert_same_value(a->recorder.wait_time, b->recorder.wait_time);
	assert_same_value(a->recorder.stat_time, b->recorder.stat_time);
	assert_same_value(a->recorder.dev_size, b->recorder.dev_size);
	g_assert_cmpmem(a->triggered_by, sizeof(a->triggered_by), b->triggered_by,
			sizeof(b->triggered_by));
	g_assert_nonnull(a->last_counters);
	g_assert_cmpmem(a->last_counters->counters, sizeof(a->last_counters->counters),
			b->last_counters->counters, sizeof(b->last_counters->counters));
	colo_summary_free(a);
	colo_summary_free(b);
}

void recorded_assert_same_sessions(const struct recordings *a, const struct recordings *b)
{
	g_assert_cmpuint(colo_model_sessions(a->model)->len, ==,
			 colo_model_sessions(b->model)->len);
	for (guint i = 0; i < colo_model_sessions(a->model)->len; i++)
		assert_same_summary(recorded_session(a, i), recorded_session(b, i));
}

char *recorded_warning(const struct recordings *recordings, const char *code)
{
	g_autoptr(GPtrArray) warnings = warnings_of(recordings, NULL, NULL);

	for (guint i = 0; i < warnings->len; i++) {
		const struct warning *warning = g_ptr_array_index(warnings, i);

		if (!strcmp(warning->code, code))
			return g_strdup(warning->message);
	}
	return NULL;
}

void recorded_assert_warning(const struct recordings *recordings, const char *code,
			     const char *part)
{
	g_autofree char *message = recorded_warning(recordings, code);

	g_assert_nonnull(message);
	g_assert_nonnull(strstr(message, part));
}
