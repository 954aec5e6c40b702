/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * recording and warnings: whole recordings of COLO, then what can be wrong with
 * them. A recording that is damaged gives an error, or says so and gives the
 * numbers of the whole one as far as it goes.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "recording.h"

#include "base/error.h"
#include "colo/summary.h"
#include "lib/colo_story.h"
#include "warnings.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define START_NS 5000000000ULL
#define N_CPUS	 2

/* This machine may have probes registered, which must not matter. */
static const struct recording_options no_options = {.formats = "/nonexistent"};

static const struct colo_story_side primary = {.role = COLO_STORY_PRIMARY,
					       .pid = 101,
					       .tid = 111,
					       .cpu = 0,
					       .main_cpu = 1,
					       .now_ns = START_NS};
static const struct colo_story_side secondary = {.role = COLO_STORY_SECONDARY,
						 .pid = 202,
						 .tid = 222,
						 .cpu = 1,
						 .main_cpu = 0,
						 .now_ns = START_NS};

static const struct colo_story_counters counters = {.status = COLO_STORY_STATUS_COLO,
						    .total_ms = 60000,
						    .total_bytes = 134217728,
						    .page_size_bytes = 4096,
						    .bits_per_s = -5};

static struct colo_story_checkpoint checkpoint_of(guint64 seq)
{
	struct colo_story_checkpoint checkpoint = {.seq = seq,
						   .wait_ns = 100000000,
						   .after_ns = 900,
						   .dev_bytes = 50000 + seq,
						   .ram_bytes = 820000 * seq,
						   .normal_pages = 200 * seq,
						   .zero_pages = 3,
						   .vmstate_bytes = 60000 + seq,
						   .flushed_pages = 300 * seq,
						   .trigger = COLO_STORY_TIMER,
						   .counters = &counters};

	for (guint phase = COLO_STORY_REQUEST; phase < COLO_STORY_N_PHASES; phase++) {
		checkpoint.before_ns[phase] = 500;
		checkpoint.phase_ns[phase] = 1000000 * (phase + 1) + 1000 * seq;
	}
	return checkpoint;
}

/* Returns how many ns the checkpoints are long together. */
static guint64 tell_side(struct colo_story *story, const struct colo_story_side *of, guint64 n)
{
	struct colo_story_side side = *of;
	guint64 sum_ns = 0;

	colo_story_process(story, &side);
	colo_story_init(story, &side, 40000000);
	for (guint64 seq = 1; seq <= n; seq++) {
		struct colo_story_checkpoint checkpoint = checkpoint_of(seq);

		colo_story_checkpoint(story, &side, &checkpoint);
		sum_ns += colo_story_checkpoint_ns(&side, &checkpoint);
		/* The thread moves on; perf writes one CPU after the other. */
		side.cpu = 1 - side.cpu;
		side.now_ns += 1500;
	}
	colo_story_exit(story, &side, COLO_STORY_EXIT_REQUEST);
	return sum_ns;
}

/* Both sides, 4 checkpoints each, all in one flush. */
static struct perf_builder *both_sides(int byte_order, const struct perf_event_attr *attr)
{
	struct perf_builder *builder = perf_builder_new(byte_order);
	struct colo_story *story = colo_story_new(builder, N_CPUS, attr);

	colo_story_features(story);
	tell_side(story, &primary, 4);
	tell_side(story, &secondary, 4);
	colo_story_free(story);
	return builder;
}

/* A file in memory; path_of() names it as long as it is open. */
static int memory_file(const GByteArray *bytes)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(pwrite(fd, bytes->data, bytes->len, 0), ==, bytes->len);
	return fd;
}

static char *path_of(int fd)
{
	return g_strdup_printf("/proc/self/fd/%d", fd);
}

static struct recordings *load_bytes(const GByteArray *bytes, GError **error)
{
	int fd = memory_file(bytes);
	g_autofree char *path = path_of(fd);
	const char *const paths[] = {path, NULL};
	struct recordings *recordings = recordings_load(paths, &no_options, error);

	close(fd);
	return recordings;
}

static struct recordings *load_builder(struct perf_builder *builder)
{
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, NULL);
	g_autoptr(GError) error = NULL;
	struct recordings *recordings = load_bytes(bytes, &error);

	g_assert_no_error(error);
	return recordings;
}

/* `message` is what follows the path. */
static void assert_refused(struct perf_builder *builder, enum colo_perf_error code,
			   const char *message)
{
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, NULL);
	g_autoptr(GError) error = NULL;
	const char *colon;

	g_assert_null(load_bytes(bytes, &error));
	g_assert_error(error, COLO_PERF_ERROR, (int)code);
	g_assert_true(g_str_has_prefix(error->message, "/proc/self/fd/"));
	colon = strchr(error->message, ':');
	g_assert_nonnull(colon);
	g_assert_cmpstr(colon + 2, ==, message);
}

static const struct recording *file_at(const struct recordings *recordings, guint index)
{
	g_assert_cmpuint(index, <, recordings->files->len);
	return g_ptr_array_index(recordings->files, index);
}

static const struct colo_session *session_at(const struct recordings *recordings, guint index)
{
	const GPtrArray *sessions = colo_model_sessions(recordings->model);

	g_assert_cmpuint(index, <, sessions->len);
	return g_ptr_array_index(sessions, index);
}

/* What a thread of a session's process is called. */
static const char *name_of(const struct recordings *recordings, guint session, uint32_t tid)
{
	const struct colo_session *at = session_at(recordings, session);

	return recording_thread_name(file_at(recordings, at->source), at, tid);
}

/* The message of the warning with that code; NULL when there is none. The caller frees it. */
static char *warning_of(const struct recordings *recordings, const char *code)
{
	g_autoptr(GPtrArray) warnings = warnings_of(recordings, NULL);

	for (guint i = 0; i < warnings->len; i++) {
		const struct warning *warning = g_ptr_array_index(warnings, i);

		if (!strcmp(warning->code, code))
			return g_strdup(warning->message);
	}
	return NULL;
}

static void assert_warning(const struct recordings *recordings, const char *code, const char *part)
{
	g_autofree char *message = warning_of(recordings, code);

	g_assert_nonnull(message);
	g_assert_nonnull(strstr(message, part));
}

static void assert_no_warning(const struct recordings *recordings)
{
	g_autoptr(GPtrArray) warnings = warnings_of(recordings, NULL);

	for (guint i = 0; i < warnings->len; i++)
		g_test_message("%s", ((struct warning *)warnings->pdata[i])->message);
	g_assert_cmpuint(warnings->len, ==, 0);
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

static void assert_same_sessions(const struct recordings *a, const struct recordings *b)
{
	g_assert_cmpuint(colo_model_sessions(a->model)->len, ==,
			 colo_model_sessions(b->model)->len);
	for (guint i = 0; i < colo_model_sessions(a->model)->len; i++)
		assert_same_summary(session_at(a, i), session_at(b, i));
}

/* What a recording says of itself, and its sums against those of the story. */
static void test_both_sides(void)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, N_CPUS, NULL);
	const struct colo_selection all = COLO_SELECT_ALL;
	struct recordings *recordings;
	const struct recording *file;
	guint64 sums_ns[2];

	colo_story_features(story);
	sums_ns[0] = tell_side(story, &primary, 4);
	sums_ns[1] = tell_side(story, &secondary, 4);
	colo_story_free(story);
	recordings = load_builder(builder);
	file = file_at(recordings, 0);
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
		struct colo_summary *summary = colo_summary_new(session_at(recordings, i), &all);

		g_assert_cmpint(session_at(recordings, i)->role, ==, (int)i + 1);
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
	struct perf_builder *little = both_sides(G_LITTLE_ENDIAN, NULL);
	struct perf_builder *big = both_sides(G_BIG_ENDIAN, NULL);
	struct recordings *of_little = load_builder(little), *of_big = load_builder(big);

	assert_same_sessions(of_little, of_big);
	g_assert_cmpstr(file_at(of_little, 0)->command_line, ==, file_at(of_big, 0)->command_line);
	g_assert_cmpuint(file_at(of_little, 0)->n_records, ==, file_at(of_big, 0)->n_records);
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
		builder = both_sides(G_LITTLE_ENDIAN, &attr);
		recordings = load_builder(builder);
		g_assert_cmpuint(file_at(recordings, 0)->sampled_probes->len, ==,
				 cases[i].n_sampled);
		if (cases[i].n_sampled)
			assert_warning(recordings, "probes_sampled",
				       "37 of 37 probes were sampled, not counted "
				       "(colo_init_begin, ...)");
		else
			assert_no_warning(recordings);
		recordings_free(recordings);
		perf_builder_free(builder);
	}
}

/* Lost events, an id of nobody, a hit without its arguments: counted, and warned of. */
static void test_losses(void)
{
	for (int order = 0; order < 2; order++) {
		struct perf_builder *builder =
			perf_builder_new(order ? G_BIG_ENDIAN : G_LITTLE_ENDIAN);
		struct colo_story *story = colo_story_new(builder, N_CPUS, NULL);
		struct perf_builder_sample hit = {
			.at = {.event = colo_story_event(story, "colo_ram_end"), .pid = 101},
			.raw = "",
			.raw_size_bytes = 8};
		struct recordings *recordings;
		const struct recording *file;

		tell_side(story, &primary, 2);
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
		recordings = load_builder(builder);
		file = file_at(recordings, 0);
		g_assert_cmpuint(file->n_lost_records, ==, 21);
		g_assert_cmpuint(file->n_lost_samples, ==, 5);
		g_assert_cmpuint(file->n_unknown_samples, ==, 2);
		/* The kernel pads the longer one with a byte, which makes it long enough. */
		g_assert_cmpuint(file->n_bad_hits, ==, 1);
		g_assert_cmpuint(colo_model_invalid_hits(recordings->model), ==, 1);
		g_assert_cmpuint(file->n_samples, ==, file->n_probe_hits + 2);
		assert_warning(recordings, "lost_records", "perf lost 21 events");
		assert_warning(recordings, "lost_samples", "the kernel dropped 5 samples");
		assert_warning(recordings, "unknown_samples", "2 samples belong to no event");
		assert_warning(recordings, "bad_hits", "1 of 65 probe hits are too short");
		assert_warning(recordings, "invalid_hits", "1 probe hits name neither primary");
		recordings_free(recordings);
		perf_builder_free(builder);
	}
}

/* Records whose own fields are cut off: passed over, whatever they are. */
static void test_short_records(void)
{
	static const guint32 types[] = {PERF_RECORD_LOST, PERF_RECORD_LOST_SAMPLES,
					PERF_RECORD_COMM, PERF_RECORD_SAMPLE, 12345};
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, N_CPUS, NULL);
	struct recordings *recordings;

	for (guint i = 0; i < G_N_ELEMENTS(types); i++)
		for (gsize size = 0; size < 8; size++)
			perf_builder_record(builder, types[i], 0, "\1\2\3\4\5\6\7\10", size);
	/* A name without its NUL is no name. */
	perf_builder_record(builder, PERF_RECORD_COMM, 0, "\1\0\0\0\1\0\0\0name", 12);
	colo_story_free(story);
	recordings = load_builder(builder);
	g_assert_cmpuint(file_at(recordings, 0)->n_records, ==, G_N_ELEMENTS(types) * 8 + 1);
	g_assert_cmpuint(file_at(recordings, 0)->n_lost_records, ==, 0);
	g_assert_cmpuint(file_at(recordings, 0)->n_lost_samples, ==, 0);
	g_assert_cmpuint(file_at(recordings, 0)->n_unknown_samples, ==, 8);
	g_assert_null(tasks_thread_name(file_at(recordings, 0)->tasks, 1, 1, UINT64_MAX));
	recordings_free(recordings);
	perf_builder_free(builder);
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
	struct colo_story *story = colo_story_new(builder, N_CPUS, NULL);
	struct perf_builder *plain = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *plain_story = colo_story_new(plain, N_CPUS, NULL);
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
	colo_story_set_filter(story, rename_every_other, NULL);
	tell_side(story, &primary, 4);
	colo_story_free(story);
	tell_side(plain_story, &primary, 4);
	colo_story_free(plain_story);

	recordings = load_builder(builder);
	expected = load_builder(plain);
	file = file_at(recordings, 0);
	g_assert_cmpuint(file->n_probes, ==, 38);
	g_assert_cmpuint(file->n_tracepoints, ==, 41);
	g_assert_cmpuint(file->n_samples, ==, file->n_probe_hits + 1);
	g_assert_cmpuint(file->other_probes->len, ==, 2);
	g_assert_cmpstr(file->other_probes->pdata[0], ==, "colo_dev_end_2");
	g_assert_cmpstr(file->other_probes->pdata[1], ==, "colo_of_tomorrow");
	assert_warning(recordings, "other_probes",
		       "2 probes are not known here or have other arguments (colo_dev_end_2, ...)");
	assert_same_sessions(recordings, expected);
	recordings_free(recordings);
	recordings_free(expected);
	perf_builder_free(builder);
	perf_builder_free(plain);
}

/* Two hosts may give two QEMUs the same pid. */
static void test_two_files(void)
{
	struct colo_story_side twin = secondary;
	int fds[2];
	char *paths[3] = {NULL};
	struct recordings *recordings;
	g_autoptr(GError) error = NULL;

	twin.pid = primary.pid;
	twin.tid = primary.tid;
	for (guint i = 0; i < 2; i++) {
		struct perf_builder *builder = perf_builder_new(i ? G_BIG_ENDIAN : G_LITTLE_ENDIAN);
		struct colo_story *story = colo_story_new(builder, N_CPUS, NULL);
		g_autoptr(GByteArray) bytes = NULL;

		/* The secondary first: reports begin with the primary all the same. */
		tell_side(story, i ? &primary : &twin, 3);
		colo_story_free(story);
		bytes = perf_builder_build(builder, NULL);
		fds[i] = memory_file(bytes);
		paths[i] = path_of(fds[i]);
		perf_builder_free(builder);
	}
	recordings = recordings_load((const char *const *)paths, &no_options, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(recordings->files->len, ==, 2);
	for (guint i = 0; i < 2; i++)
		g_assert_cmpstr(file_at(recordings, i)->path, ==, paths[i]);
	g_assert_cmpuint(colo_model_sessions(recordings->model)->len, ==, 2);
	g_assert_cmpint(session_at(recordings, 0)->role, ==, COLO_ROLE_PRIMARY);
	g_assert_cmpuint(session_at(recordings, 0)->source, ==, 1);
	g_assert_cmpuint(session_at(recordings, 0)->checkpoints->len, ==, 3);
	g_assert_cmpint(session_at(recordings, 1)->role, ==, COLO_ROLE_SECONDARY);
	g_assert_cmpuint(session_at(recordings, 1)->source, ==, 0);
	g_assert_cmpuint(session_at(recordings, 1)->checkpoints->len, ==, 3);
	g_assert_cmpstr(name_of(recordings, 0, 111), ==, "live_migration");
	g_assert_cmpstr(name_of(recordings, 1, 111), ==, "COLO incoming");
	recordings_free(recordings);

	/* One that cannot be used is named, and the others are let go. */
	g_free(paths[1]);
	paths[1] = g_strdup("/nonexistent/perf.data");
	g_assert_null(recordings_load((const char *const *)paths, &no_options, &error));
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
	return hit->pid != primary.pid || hit->args[1] < 3 ||
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
		struct colo_story_side side = primary;
		struct recordings *recordings;
		const struct colo_session *session;
		struct perf_builder_stamp at;
		const struct colo_checkpoint *last;
		struct colo_story *story;
		struct colo_stop stop;

		story = colo_story_new(builder, N_CPUS, NULL);
		colo_story_features(story);
		tell_side(story, &secondary, 3);
		colo_story_set_filter(story, leave_out_from_ram_end, NULL);
		colo_story_process(story, &side);
		colo_story_init(story, &side, 40000000);
		for (guint64 seq = 1; seq <= 3; seq++) {
			struct colo_story_checkpoint checkpoint = checkpoint_of(seq);

			checkpoint.ret = seq == 3 ? -1 : 0;
			checkpoint.fail_phase = COLO_STORY_RAM;
			if (seq == 3)
				checkpoint.counters = NULL;
			colo_story_checkpoint(story, &side, &checkpoint);
		}
		colo_story_flush(story);
		at = (struct perf_builder_stamp){.event = colo_story_task_event(story),
						 .pid = primary.pid,
						 .tid = primary.tid,
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
		recordings = load_builder(builder);
		/* Without one of its records it is not known that a process lives. */
		g_assert_true(recording_shows_process_ends(file_at(recordings, 0)) ==
			      (which == ALL));
		session = session_at(recordings, 0);
		g_assert_true(session->process_ended);
		g_assert_cmpuint(session->process_end_ns, ==, at.time_ns);
		g_assert_cmpuint(session->checkpoints->len, ==, 3);
		last = &g_array_index(session->checkpoints, struct colo_checkpoint, 2);
		g_assert_cmpint(last->state, ==, COLO_CHECKPOINT_CUT_END);
		g_assert_true(colo_checkpoint_stop(session, last, &stop));
		g_assert_cmpint(stop.phase, ==, COLO_PHASE_RAM);
		session = session_at(recordings, 1);
		g_assert_false(session->process_ended);
		g_assert_true(session->exited && session->exit_reason == COLO_EXIT_REQUEST);
		recordings_free(recordings);
		perf_builder_free(builder);
	}
}

static void test_no_formats(void)
{
	struct perf_builder *builder = both_sides(G_LITTLE_ENDIAN, NULL);

	perf_builder_omit_feature(builder, PERF_BUILDER_TRACING_DATA);
	assert_refused(builder, COLO_PERF_ERROR_NO_FORMATS, NO_FORMATS);
	perf_builder_free(builder);

	builder = both_sides(G_LITTLE_ENDIAN, NULL);
	perf_builder_set_killed(builder, TRUE);
	assert_refused(builder, COLO_PERF_ERROR_NO_FORMATS,
		       "perf record was killed before it finished the file: the size of the data "
		       "and the feature sections are missing; " NO_FORMATS);
	perf_builder_free(builder);

	builder = both_sides(G_LITTLE_ENDIAN, NULL);
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
		builder = both_sides(G_LITTLE_ENDIAN, &attr);
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
	recordings = load_builder(builder);
	g_assert_cmpuint(file_at(recordings, 0)->n_samples, ==, 1);
	g_assert_cmpuint(file_at(recordings, 0)->n_events, ==, 1);
	g_assert_cmpuint(file_at(recordings, 0)->n_tracepoints, ==, 0);
	g_assert_cmpuint(file_at(recordings, 0)->n_probes, ==, 0);
	g_assert_cmpuint(colo_model_sessions(recordings->model)->len, ==, 0);
	assert_no_warning(recordings);
	recordings_free(recordings);
	perf_builder_free(builder);

	/* Not even an event. */
	builder = perf_builder_new(G_LITTLE_ENDIAN);
	perf_builder_record(builder, PERF_RECORD_SAMPLE, 0, "whose?", 6);
	recordings = load_builder(builder);
	g_assert_cmpuint(file_at(recordings, 0)->n_events, ==, 0);
	g_assert_cmpuint(file_at(recordings, 0)->n_unknown_samples, ==, 1);
	recordings_free(recordings);
	perf_builder_free(builder);
}

/* One side on one CPU, so that the file is in the order of time. */
static struct perf_builder *three_checkpoints(void)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct colo_story *story = colo_story_new(builder, 1, NULL);
	struct colo_story_side side = secondary;

	side.cpu = side.main_cpu = 0;
	colo_story_features(story);
	/* A copy of the attrs that nobody reads; without it there are fewer bytes to cut. */
	perf_builder_omit_feature(builder, PERF_BUILDER_EVENT_DESC);
	colo_story_process(story, &side);
	colo_story_init(story, &side, 40000000);
	for (guint64 seq = 1; seq <= 3; seq++) {
		struct colo_story_checkpoint checkpoint = checkpoint_of(seq);

		colo_story_checkpoint(story, &side, &checkpoint);
	}
	colo_story_free(story);
	return builder;
}

/* What is complete in `part` is in `whole`, to the nanosecond. Returns how many there are. */
static guint assert_part_of(const struct recordings *part, const struct recordings *whole)
{
	const GPtrArray *sessions = colo_model_sessions(part->model);
	const GArray *expected = session_at(whole, 0)->checkpoints;
	guint n_complete = 0;

	g_assert_cmpuint(sessions->len, <=, 1);
	if (!sessions->len)
		return 0;
	for (guint i = 0; i < session_at(part, 0)->checkpoints->len; i++) {
		const struct colo_checkpoint *checkpoint =
			&g_array_index(session_at(part, 0)->checkpoints, struct colo_checkpoint, i);
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
	struct recordings *whole = load_builder(builder);
	int fd = memory_file(bytes);
	g_autofree char *path = path_of(fd);
	g_autofree char *prefix = g_strconcat(path, ": ", NULL);
	const char *const paths[] = {path, NULL};
	const guint64 formats_end = layout.features_offset[PERF_BUILDER_TRACING_DATA] +
				    layout.features_size[PERF_BUILDER_TRACING_DATA];

	g_assert_cmpuint(assert_part_of(whole, whole), ==, 3);
	for (guint64 size = bytes->len; size-- > 0;) {
		g_autoptr(GError) error = NULL;
		struct recordings *part;

		g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
		part = recordings_load(paths, &no_options, &error);
		if (size >= formats_end) {
			g_assert_no_error(error);
			g_assert_nonnull(file_at(part, 0)->damage);
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
	struct recordings *whole = load_builder(builder);
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
		part = load_bytes(bytes, NULL);
		size_at[0] = size & 0xff;
		size_at[1] = size >> 8;
		g_assert_nonnull(part);
		g_assert_true(g_str_has_prefix(file_at(part, 0)->damage, message));
		g_assert_cmpuint(file_at(part, 0)->n_records, ==, n_records);
		assert_warning(part, "damaged", message);
		n = assert_part_of(part, whole);
		g_assert_cmpuint(n, >=, n_complete);
		n_complete = n;
		recordings_free(part);
		offset += size;
		n_records++;
	}
	g_assert_cmpuint(n_complete, ==, 3);
	g_assert_cmpuint(n_records, ==, file_at(whole, 0)->n_records);
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
		recordings = load_bytes(damaged, &error);
		g_assert_true((recordings != NULL) == (error == NULL));
		n_loaded += recordings != NULL;
		n_refused += recordings == NULL;
		if (!recordings)
			continue;
		for (guint j = 0; j < colo_model_sessions(recordings->model)->len; j++)
			colo_summary_free(colo_summary_new(session_at(recordings, j), &all));
		recordings_free(recordings);
	}
	g_assert_cmpuint(n_loaded, >, 0);
	g_assert_cmpuint(n_refused, >, 0);
	perf_builder_free(builder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/recording/both_sides", test_both_sides);
	g_test_add_func("/recording/byte_orders", test_byte_orders);
	g_test_add_func("/recording/sampled", test_sampled);
	g_test_add_func("/recording/losses", test_losses);
	g_test_add_func("/recording/short_records", test_short_records);
	g_test_add_func("/recording/other_probes", test_other_probes);
	g_test_add_func("/recording/two_files", test_two_files);
	g_test_add_func("/recording/process_ends", test_process_ends);
	g_test_add_func("/recording/no_formats", test_no_formats);
	g_test_add_func("/recording/hits_without_needs", test_hits_without_needs);
	g_test_add_func("/recording/no_tracepoint", test_no_tracepoint);
	g_test_add_func("/recording/cut_everywhere", test_cut_everywhere);
	g_test_add_func("/recording/damaged_everywhere", test_damaged_everywhere);
	g_test_add_func("/recording/random_damage", test_random_damage);
	return g_test_run();
}
