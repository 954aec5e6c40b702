/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * phase_profile: samples of whole recordings into the parts of the checkpoints. Which of them,
 * of which event, in which part; what is summed up of them is in test_phase_sums.c.
 */
#include "lib/profile_story.h"

#include "base/error.h"
#include "colo/summary.h"
#include "lib/dice.h"

#include <string.h>

#define MAIN_TID(side) ((side)->pid)

static const int byte_orders[] = {G_LITTLE_ENDIAN, G_BIG_ENDIAN};

/* The story's numbers of the phases are those of COLO from the first one of a checkpoint on. */
static guint part_of(enum colo_story_phase phase)
{
	return phase == COLO_STORY_WAIT ? COLO_PHASE_WAIT : phase - COLO_STORY_REQUEST;
}

static bool side_has(const struct colo_story_side *side, enum colo_story_phase phase)
{
	return colo_role_has_part((enum colo_role)side->role, part_of(phase));
}

/* Samples of all threads of the session in the part. */
static guint64 all_samples(const struct part_profile *part)
{
	guint64 n = part->samples;

	for (guint i = 0; i < part->others->len; i++)
		n += g_array_index(part->others, struct thread_share, i).samples;
	return n;
}

static guint64 all_samples_of(const struct loaded_profile *loaded)
{
	guint64 n = 0;

	for (guint i = 0; i < loaded->profiles->sessions->len; i++) {
		const struct session_profile *session = loaded->profiles->sessions->pdata[i];

		for (guint part = 0; part < COLO_N_PARTS; part++)
			n += all_samples(&session->parts[part]);
	}
	return n;
}

/* Each sample of the event is somewhere, and in one place. */
static void assert_sums(const struct loaded_profile *loaded, guint64 n_samples)
{
	const struct phase_profiles *profiles = loaded->profiles;

	g_assert_cmpuint(profiles->samples, ==, n_samples);
	g_assert_cmpuint(all_samples_of(loaded) + profiles->samples_outside +
				 profiles->samples_without_time,
			 ==, n_samples);
}

/* The wall times are those of the statistics, to the nanosecond. */
static void assert_wall_times(const struct loaded_profile *loaded)
{
	for (guint i = 0; i < loaded->summaries->len; i++) {
		const struct colo_summary *summary = loaded->summaries->pdata[i];
		const struct session_profile *session =
			phase_profiles_find(loaded->profiles, summary->session);

		g_assert_nonnull(session);
		for (guint row = 0; row < summary->n_rows; row++) {
			const guint part = colo_part_find(summary->rows[row].name);

			if (part == COLO_N_PARTS)
				continue;
			g_assert_cmpint(session->parts[part].wall_ns, ==,
					summary->rows[row].ns.total);
			g_assert_cmpuint(session->parts[part].n_checkpoints, ==,
					 summary->rows[row].ns.n);
		}
	}
}

/* --- Where samples fall --- */

/* What was told, and what must come out of it: by part, of the COLO thread and of the others. */
struct told {
	struct profile_story *story;
	struct dice dice;
	guint64 own[3][COLO_N_PARTS], others[3][COLO_N_PARTS]; /* by role */
	guint64 outside, n;
};

static void tell_sample(struct told *told, const struct colo_story_side *side, guint64 time_ns,
			gint part)
{
	const bool own = dice_boolean(&told->dice);

	profile_story_sample(told->story, side->pid, own ? side->tid : MAIN_TID(side), time_ns,
			     own ? "abc" : "xy");
	told->n++;
	if (part < 0)
		told->outside++;
	else if (own)
		told->own[side->role][part]++;
	else
		told->others[side->role][part]++;
}

/* The first and the last nanosecond, and some between them. */
static void tell_samples(struct told *told, const struct colo_story_side *side, guint64 begin_ns,
			 guint64 end_ns, gint part)
{
	const guint n = dice_range(&told->dice, 0, 7);

	tell_sample(told, side, begin_ns, part);
	tell_sample(told, side, end_ns - 1, part);
	for (guint i = 0; i < n; i++)
		tell_sample(told, side,
			    begin_ns + dice_range(&told->dice, 0, (guint)(end_ns - begin_ns)),
			    part);
}

/* Each phase has lengths and gaps of its own. */
static void tell_checkpoint(struct told *told, struct colo_story_side *side, guint64 seq)
{
	struct colo_story_checkpoint checkpoint = profile_story_checkpoint(seq);
	guint64 end_ns;

	for (guint phase = COLO_STORY_REQUEST; phase < COLO_STORY_N_PHASES; phase++) {
		checkpoint.phase_ns[phase] = dice_range(&told->dice, 1, 3000000);
		checkpoint.before_ns[phase] = dice_range(&told->dice, 1, 90000);
	}
	for (guint phase = COLO_STORY_WAIT; phase < COLO_STORY_N_PHASES; phase++) {
		guint64 begin_ns;

		if (phase == COLO_STORY_CHECKPOINT || !side_has(side, phase))
			continue;
		begin_ns = colo_story_phase_begin_ns(side, &checkpoint, phase);
		tell_samples(told, side, begin_ns,
			     begin_ns + (phase == COLO_STORY_WAIT ? checkpoint.wait_ns
								  : checkpoint.phase_ns[phase]),
			     (gint)part_of(phase));
		if (phase != COLO_STORY_WAIT)
			tell_samples(told, side, begin_ns - checkpoint.before_ns[phase], begin_ns,
				     COLO_PART_OTHER);
	}
	end_ns = side->now_ns + checkpoint.wait_ns + colo_story_checkpoint_ns(side, &checkpoint);
	tell_samples(told, side, end_ns - checkpoint.after_ns, end_ns, COLO_PART_OTHER);
	/* Behind it nothing is under way. */
	tell_samples(told, side, end_ns, end_ns + 5000, -1);
	colo_story_checkpoint(told->story->story, side, &checkpoint);
	side->now_ns += 5000;
}

static void tell_side(struct told *told, const struct colo_story_side *of, guint64 n)
{
	struct colo_story_side side = *of;

	colo_story_process(told->story->story, &side);
	tell_samples(told, &side, side.now_ns - 1000, side.now_ns, -1);
	colo_story_init(told->story->story, &side, 4000000);
	tell_sample(told, &side, side.now_ns - 1, -1);
	for (guint64 seq = 1; seq <= n; seq++)
		tell_checkpoint(told, &side, seq);
	colo_story_exit(told->story->story, &side, COLO_STORY_EXIT_REQUEST);
}

/* The samples of the COLO thread are all of a stack "abc". */
static void check_functions(const struct loaded_profile *loaded, const struct part_profile *part)
{
	static const char *const names[] = {"c", "a", "b"};

	g_assert_cmpuint(part->functions->len, ==, part->samples ? G_N_ELEMENTS(names) : 0);
	for (guint i = 0; i < part->functions->len; i++) {
		const struct function_share *share =
			&g_array_index(part->functions, struct function_share, i);

		g_assert_cmpstr(stack_table_get_frame(loaded->profiles->stacks, share->frame)->name,
				==, names[i]);
		g_assert_cmpuint(share->self, ==, i ? 0 : part->samples);
		g_assert_cmpuint(share->total, ==, part->samples);
	}
}

static void check_told(const struct told *told, const struct loaded_profile *loaded,
		       enum colo_role role)
{
	const struct session_profile *session = loaded_profile_session(loaded, role);

	for (guint part = 0; part < COLO_N_PARTS; part++) {
		const struct part_profile *profile = &session->parts[part];

		g_assert_cmpuint(profile->part, ==, part);
		g_assert_cmpuint(profile->samples, ==, told->own[role][part]);
		g_assert_cmpuint(all_samples(profile) - profile->samples, ==,
				 told->others[role][part]);
		g_assert_cmpuint(profile->others->len, ==, told->others[role][part] > 0);
		check_functions(loaded, profile);
	}
}

static void check_one_recording(int byte_order)
{
	struct told told = {.story = profile_story_new(byte_order, &profile_story_cpu_clock),
			    .dice = dice_of(81)};
	struct loaded_profile *loaded;

	tell_side(&told, &usual_primary, 6);
	tell_side(&told, &usual_secondary, 7);
	loaded = loaded_profile_of(told.story);
	check_told(&told, loaded, COLO_ROLE_PRIMARY);
	check_told(&told, loaded, COLO_ROLE_SECONDARY);
	g_assert_cmpuint(loaded->profiles->samples_outside, ==, told.outside);
	assert_sums(loaded, told.n);
	assert_wall_times(loaded);
	loaded_profile_free(loaded);
}

static void test_both_sides_in_one_recording(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++)
		check_one_recording(byte_orders[i]);
}

/* Two machines: the pids and tids of one mean nothing on the other, and may be the same. */
static void check_two_recordings(int byte_order)
{
	struct told told = {.dice = dice_of(82)};
	struct colo_story_side secondary = usual_secondary;
	struct profile_story *stories[2];
	g_autoptr(GError) error = NULL;
	struct loaded_profile *loaded;

	secondary.pid = usual_primary.pid;
	secondary.tid = usual_primary.tid;
	for (guint i = 0; i < G_N_ELEMENTS(stories); i++) {
		told.story = stories[i] =
			profile_story_new(i ? byte_order : G_BYTE_ORDER, &profile_story_cpu_clock);
		tell_side(&told, i ? &secondary : &usual_primary, 5);
	}
	loaded = loaded_profile_new(stories, 2, NULL, NULL, &error);
	g_assert_no_error(error);
	check_told(&told, loaded, COLO_ROLE_PRIMARY);
	check_told(&told, loaded, COLO_ROLE_SECONDARY);
	assert_sums(loaded, told.n);
	assert_wall_times(loaded);
	loaded_profile_free(loaded);
	for (guint i = 0; i < G_N_ELEMENTS(stories); i++)
		profile_story_free(stories[i]);
}

static void test_each_side_in_a_recording(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++)
		check_two_recordings(byte_orders[i]);
}

/* --- Which checkpoints --- */

/* A sample in the RAM phase of each of n checkpoints; `told` is asked before each. */
static struct profile_story *ram_story(guint64 n, void (*change)(struct colo_story_checkpoint *))
{
	struct profile_story *story = profile_story_new(G_BYTE_ORDER, &profile_story_cpu_clock);
	struct colo_story_side side = usual_primary;

	colo_story_init(story->story, &side, 4000000);
	for (guint64 seq = 1; seq <= n; seq++) {
		struct colo_story_checkpoint checkpoint = profile_story_checkpoint(seq);

		profile_story_sample(story, side.pid, side.tid,
				     colo_story_phase_begin_ns(&side, &checkpoint, COLO_STORY_RAM),
				     "ab");
		if (change)
			change(&checkpoint);
		colo_story_checkpoint(story->story, &side, &checkpoint);
	}
	return story;
}

static void check_selection(const struct colo_selection *selection, guint64 n_chosen)
{
	struct profile_story *story = ram_story(5, NULL);
	g_autoptr(GError) error = NULL;
	struct loaded_profile *loaded = loaded_profile_new(&story, 1, selection, NULL, &error);
	const struct part_profile *ram;

	g_assert_no_error(error);
	ram = loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram");
	g_assert_cmpuint(ram->samples, ==, n_chosen);
	g_assert_cmpuint(ram->n_checkpoints, ==, n_chosen);
	g_assert_cmpint(ram->wall_ns, ==, (gint64)(1000000 * n_chosen));
	g_assert_cmpuint(loaded->profiles->samples_outside, ==, 5 - n_chosen);
	assert_sums(loaded, 5);
	assert_wall_times(loaded);
	loaded_profile_free(loaded);
	profile_story_free(story);
}

static void test_selection_of_checkpoints(void)
{
	struct colo_selection selection = COLO_SELECT_ALL;

	check_selection(&selection, 5);
	selection.first_seq = 2;
	selection.last_seq = 3;
	check_selection(&selection, 2);
	selection = COLO_SELECT_ALL;
	selection.skip = 1;
	check_selection(&selection, 4);
	selection.first_seq = 99;
	check_selection(&selection, 0);
}

static void abort_third(struct colo_story_checkpoint *checkpoint)
{
	if (checkpoint->seq != 3)
		return;
	checkpoint->ret = -1;
	checkpoint->fail_phase = COLO_STORY_VMSTATE; /* behind RAM, which is whole */
}

static void test_aborted_checkpoint_has_no_samples(void)
{
	struct loaded_profile *loaded = loaded_profile_of(ram_story(3, abort_third));

	g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->samples, ==, 2);
	g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "wait")->n_checkpoints, ==,
			 2);
	g_assert_cmpuint(loaded->profiles->samples_outside, ==, 1);
	assert_sums(loaded, 3);
	assert_wall_times(loaded);
	loaded_profile_free(loaded);
}

/* The recording begins in the first checkpoint's RAM phase and ends in that of the last. */
static void test_cut_checkpoints_have_no_samples(void)
{
	struct profile_story *story = profile_story_new(G_BYTE_ORDER, &profile_story_cpu_clock);
	struct colo_story_side side = usual_primary;
	struct loaded_profile *loaded;
	/* Of the first: wait, trigger, begin, 4 phases before RAM. All: 24 and the trigger. */
	const guint64 first = 2 + 1 + 1 + 2 * 4, end = 25 + 25 + 2 + 1 + 1 + 2 * 4 + 1;

	colo_story_set_window(story->story, first, end);
	for (guint64 seq = 1; seq <= 3; seq++) {
		struct colo_story_checkpoint checkpoint = profile_story_checkpoint(seq);
		const guint64 ram_ns =
			colo_story_phase_begin_ns(&side, &checkpoint, COLO_STORY_RAM);

		profile_story_sample(story, side.pid, side.tid, ram_ns + 10, "ab");
		colo_story_checkpoint(story->story, &side, &checkpoint);
	}
	loaded = loaded_profile_of(story);
	g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->samples, ==, 1);
	g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->n_checkpoints, ==,
			 1);
	g_assert_cmpuint(loaded->profiles->samples_outside, ==, 2);
	assert_sums(loaded, 3);
	assert_wall_times(loaded);
	loaded_profile_free(loaded);
}

/* Samples of a process that runs no COLO, at the time of a phase. */
static void test_other_processes_are_outside(void)
{
	struct profile_story *story = ram_story(1, NULL);
	struct colo_story_side side = usual_primary;
	const struct colo_story_checkpoint checkpoint = profile_story_checkpoint(1);
	struct loaded_profile *loaded;
	guint64 ram_ns;

	side.now_ns += 4000000;
	ram_ns = colo_story_phase_begin_ns(&side, &checkpoint, COLO_STORY_RAM);
	profile_story_sample(story, 999, side.tid, ram_ns, "a");
	profile_story_sample(story, 0, 0, ram_ns, "a");
	profile_story_sample(story, -1, -1, ram_ns, "a");
	loaded = loaded_profile_of(story);
	g_assert_cmpuint(loaded->profiles->samples_outside, ==, 3);
	g_assert_cmpuint(all_samples_of(loaded), ==, 1);
	assert_sums(loaded, 4);
	loaded_profile_free(loaded);
}

static const struct sample_choice everything = {
	.selection = {.last_seq = UINT64_MAX, .since_ns = INT64_MIN, .until_ns = INT64_MAX},
	.part = COLO_N_PARTS,
	.all_threads = true,
};

/* Only what was asked for is profiled; the rest of the samples are outside. */
static void test_session_that_was_not_asked_for(void)
{
	struct profile_story *story = ram_story(2, NULL);
	struct loaded_profile *loaded = loaded_profile_new(&story, 1, NULL, NULL, NULL);
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	const struct colo_session *session =
		loaded_profile_session(loaded, COLO_ROLE_PRIMARY)->session;

	phase_profiles_free(loaded->profiles);
	loaded->profiles = phase_profiles_new(loaded->recordings, none, &everything, NULL);
	g_assert_null(phase_profiles_find(loaded->profiles, session));
	g_assert_cmpuint(loaded->profiles->samples_outside, ==, 2);
	assert_sums(loaded, 2);
	loaded_profile_free(loaded);
	profile_story_free(story);
}

/* --- Which event --- */

static const struct perf_builder_event cycles = {
	.name = "cycles:P",
	.attr = {.type = PERF_TYPE_HARDWARE,
		 .config = PERF_COUNT_HW_CPU_CYCLES,
		 .sample_period = 4000,
		 .sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE,
		 .read_format = PERF_FORMAT_ID,
		 .freq = 1,
		 .sample_id_all = 1},
	.n_ids = 2,
};

/* One sample of cpu-clock, then two of cycles, all in RAM. */
static struct profile_story *story_of_two_events(void)
{
	struct profile_story *story = ram_story(1, NULL);
	struct colo_story_side side = usual_primary;
	const struct colo_story_checkpoint checkpoint = profile_story_checkpoint(1);

	side.now_ns += 4000000;
	story->event = perf_builder_add_event(story->builder, &cycles);
	for (guint i = 0; i < 2; i++)
		profile_story_sample(
			story, side.pid, side.tid,
			colo_story_phase_begin_ns(&side, &checkpoint, COLO_STORY_RAM) + 7 * i, "b");
	return story;
}

static void test_choice_of_the_event(void)
{
	static const struct {
		const char *asked, *chosen;
		guint64 n;
	} cases[] = {
		{NULL, "cycles", 2},
		{"cycles", "cycles", 2},
		{"cycles:P", "cycles:P", 2},
		{"cpu-clock", "cpu-clock", 1},
		{"cpu-clock:pppH", "cpu-clock:pppH", 1},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct profile_story *story = story_of_two_events();
		g_autoptr(GError) error = NULL;
		struct loaded_profile *loaded =
			loaded_profile_new(&story, 1, NULL, cases[i].asked, &error);

		g_assert_no_error(error);
		g_assert_cmpstr(loaded->profiles->event, ==, cases[i].chosen);
		g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->samples, ==,
				 cases[i].n);
		assert_sums(loaded, cases[i].n);
		loaded_profile_free(loaded);
		profile_story_free(story);
	}
}

static void test_event_that_is_not_there(void)
{
	static const char *const asked[] = {"instructions", "", "cycles:u", "sdt_qemu:nothing"};

	for (guint i = 0; i < G_N_ELEMENTS(asked); i++) {
		struct profile_story *story = story_of_two_events();
		g_autofree char *quoted = g_strdup_printf("\"%s\"", asked[i]);
		g_autoptr(GError) error = NULL;

		g_assert_null(loaded_profile_new(&story, 1, NULL, asked[i], &error));
		g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED);
		g_assert_nonnull(strstr(error->message, quoted));
		profile_story_free(story);
	}
}

/* A tracepoint is no choice of its own, but may be asked for: where do the hits come from? */
static void test_tracepoint_may_be_asked_for(void)
{
	struct profile_story *story = ram_story(2, NULL);
	g_autoptr(GError) error = NULL;
	struct loaded_profile *loaded =
		loaded_profile_new(&story, 1, NULL, "sdt_qemu:colo_ram_begin", &error);

	g_assert_no_error(error);
	g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->samples, ==, 2);
	g_assert_false(loaded->profiles->has_chains);
	assert_sums(loaded, 2);
	loaded_profile_free(loaded);
	profile_story_free(story);
}

/* Nothing is known of the time on a CPU, and how long it all took is. */
static void test_recording_without_samples(void)
{
	struct profile_story *story = profile_story_new(G_BYTE_ORDER, NULL);
	struct colo_story_side side = usual_primary;
	const struct colo_story_checkpoint checkpoint = profile_story_checkpoint(1);
	struct loaded_profile *loaded;

	colo_story_init(story->story, &side, 4000000);
	colo_story_checkpoint(story->story, &side, &checkpoint);
	loaded = loaded_profile_of(story);
	g_assert_null(loaded->profiles->event);
	assert_sums(loaded, 0);
	assert_wall_times(loaded);
	g_assert_cmpuint(loaded->profiles->unresolved->len, ==, 0);
	g_assert_false(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->on_cpu_ns.known);
	g_assert_false(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->off_cpu_ns.known);
	loaded_profile_free(loaded);
}

/* One machine had cycles, the other could only do cpu-clock: of that nothing is known. */
static void test_recording_without_the_chosen_event(void)
{
	struct profile_story *stories[] = {
		profile_story_new(G_BYTE_ORDER, &cycles),
		profile_story_new(G_BYTE_ORDER, &profile_story_cpu_clock)};
	const struct colo_story_checkpoint checkpoint = profile_story_checkpoint(1);
	g_autoptr(GError) error = NULL;
	struct loaded_profile *loaded;
	const struct part_profile *ram;

	for (guint i = 0; i < 2; i++) {
		struct colo_story_side side = i ? usual_secondary : usual_primary;

		colo_story_init(stories[i]->story, &side, 4000000);
		profile_story_sample(stories[i], side.pid, side.tid,
				     colo_story_phase_begin_ns(&side, &checkpoint, COLO_STORY_RAM),
				     "ab");
		colo_story_checkpoint(stories[i]->story, &side, &checkpoint);
	}
	loaded = loaded_profile_new(stories, 2, NULL, NULL, &error);
	g_assert_no_error(error);
	ram = loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram");
	g_assert_cmpuint(ram->samples, ==, 1);
	g_assert_true(ram->on_cpu_ns.known);
	ram = loaded_profile_part(loaded, COLO_ROLE_SECONDARY, "ram");
	g_assert_cmpuint(ram->samples, ==, 0);
	g_assert_false(ram->on_cpu_ns.known);
	g_assert_false(ram->off_cpu_ns.known);
	loaded_profile_free(loaded);
	for (guint i = 0; i < 2; i++)
		profile_story_free(stories[i]);
}

/* --- What is wrong with samples --- */

static void test_samples_without_time_are_nowhere(void)
{
	static const guint64 missing[] = {PERF_SAMPLE_TIME, PERF_SAMPLE_TID,
					  PERF_SAMPLE_TIME | PERF_SAMPLE_TID};

	for (guint i = 0; i < G_N_ELEMENTS(missing); i++) {
		struct perf_builder_event event = profile_story_cpu_clock;
		struct profile_story *story;
		struct colo_story_side side = usual_primary;
		const struct colo_story_checkpoint checkpoint = profile_story_checkpoint(1);
		struct loaded_profile *loaded;

		event.attr.sample_type &= ~missing[i];
		story = profile_story_new(G_BYTE_ORDER, &event);
		colo_story_init(story->story, &side, 4000000);
		for (guint n = 0; n < 3; n++)
			profile_story_sample(
				story, side.pid, side.tid,
				colo_story_phase_begin_ns(&side, &checkpoint, COLO_STORY_RAM), "a");
		colo_story_checkpoint(story->story, &side, &checkpoint);
		loaded = loaded_profile_of(story);
		g_assert_cmpuint(loaded->profiles->samples_without_time, ==, 3);
		g_assert_cmpuint(loaded->profiles->samples_outside, ==, 0);
		assert_sums(loaded, 3);
		loaded_profile_free(loaded);
	}
}

/* A record that cannot be: the samples before it count, as the hits do, and no others. */
static void test_damaged_recording_counts_as_far_as_it_goes(void)
{
	struct profile_story *story = ram_story(2, NULL);
	const guint64 wait_ns = usual_primary.now_ns + 4000000;
	const guint8 no_record[8] = {0};
	struct loaded_profile *loaded;

	colo_story_flush(story->story);
	profile_story_sample(story, usual_primary.pid, usual_primary.tid, wait_ns, "ab");
	perf_builder_bytes(story->builder, no_record, sizeof(no_record));
	profile_story_sample(story, usual_primary.pid, usual_primary.tid, wait_ns, "ab");
	loaded = loaded_profile_of(story);
	g_assert_nonnull(((struct recording *)loaded->recordings->files->pdata[0])->damage);
	g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->samples, ==, 2);
	g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "wait")->samples, ==, 1);
	assert_sums(loaded, 3);
	loaded_profile_free(loaded);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/phase_profile/both_sides_in_one_recording",
			test_both_sides_in_one_recording);
	g_test_add_func("/phase_profile/each_side_in_a_recording", test_each_side_in_a_recording);
	g_test_add_func("/phase_profile/selection_of_checkpoints", test_selection_of_checkpoints);
	g_test_add_func("/phase_profile/aborted_checkpoint_has_no_samples",
			test_aborted_checkpoint_has_no_samples);
	g_test_add_func("/phase_profile/cut_checkpoints_have_no_samples",
			test_cut_checkpoints_have_no_samples);
	g_test_add_func("/phase_profile/other_processes_are_outside",
			test_other_processes_are_outside);
	g_test_add_func("/phase_profile/session_that_was_not_asked_for",
			test_session_that_was_not_asked_for);
	g_test_add_func("/phase_profile/choice_of_the_event", test_choice_of_the_event);
	g_test_add_func("/phase_profile/event_that_is_not_there", test_event_that_is_not_there);
	g_test_add_func("/phase_profile/tracepoint_may_be_asked_for",
			test_tracepoint_may_be_asked_for);
	g_test_add_func("/phase_profile/recording_without_samples", test_recording_without_samples);
	g_test_add_func("/phase_profile/recording_without_the_chosen_event",
			test_recording_without_the_chosen_event);
	g_test_add_func("/phase_profile/samples_without_time_are_nowhere",
			test_samples_without_time_are_nowhere);
	g_test_add_func("/phase_profile/damaged_recording_counts_as_far_as_it_goes",
			test_damaged_recording_counts_as_far_as_it_goes);
	return g_test_run();
}
