/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * phase_profile and phase_sums: what becomes of the samples of a part. The functions by self
 * and by total, the threads, the time on a CPU, what has no name. Whole recordings again;
 * in which part a sample is, is in test_phase_profile.c.
 */
#include "lib/profile_story.h"

#include <string.h>

#define INIT_NS 4000000

/* A recording with n checkpoints of the primary; samples are added to their phases. */
struct ram_story {
	struct profile_story *story;
	struct colo_story_side side; /* as when its first checkpoint begins */
	guint64 n_checkpoints;
};

static struct ram_story ram_story_of(const struct perf_builder_event *event, guint64 n)
{
	struct ram_story told = {.story = profile_story_new(G_BYTE_ORDER, event),
				 .side = usual_primary,
				 .n_checkpoints = n};
	struct colo_story_side side;

	colo_story_init(told.story->story, &told.side, INIT_NS);
	side = told.side;
	for (guint64 seq = 1; seq <= n; seq++) {
		const struct colo_story_checkpoint checkpoint = profile_story_checkpoint(seq);

		colo_story_checkpoint(told.story->story, &side, &checkpoint);
	}
	return told;
}

/* A time in the phase of checkpoint `seq`. */
static guint64 time_in(const struct ram_story *told, guint64 seq, enum colo_story_phase phase)
{
	const struct colo_story_checkpoint checkpoint = profile_story_checkpoint(seq);
	struct colo_story_side side = told->side;

	side.now_ns +=
		(seq - 1) * (checkpoint.wait_ns + colo_story_checkpoint_ns(&side, &checkpoint));
	return colo_story_phase_begin_ns(&side, &checkpoint, phase) + 500;
}

static void add(const struct ram_story *told, enum colo_story_phase phase, const char *functions,
		guint n)
{
	while (n--)
		profile_story_sample(told->story, told->side.pid, told->side.tid,
				     time_in(told, 1, phase), functions);
}

static const struct part_profile *ram_of(const struct loaded_profile *loaded)
{
	return loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram");
}

static const struct frame *frame_of(const struct loaded_profile *loaded,
				    const struct function_share *share)
{
	return stack_table_get_frame(loaded->profiles->stacks, share->frame);
}

/* "name self/total ..", in their order; the caller frees it. */
static char *functions_of(const struct loaded_profile *loaded, const struct part_profile *part)
{
	GString *string = g_string_new(NULL);

	for (guint i = 0; i < part->functions->len; i++) {
		const struct function_share *share =
			&g_array_index(part->functions, struct function_share, i);
		g_autofree char *name = frame_name(frame_of(loaded, share));

		g_string_append_printf(string, "%s%s %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
				       i ? ", " : "", name, share->self, share->total);
	}
	return g_string_free(string, FALSE);
}

static void assert_functions(const struct loaded_profile *loaded, const char *part,
			     const char *expected)
{
	g_autofree char *functions =
		functions_of(loaded, loaded_profile_part(loaded, COLO_ROLE_PRIMARY, part));

	g_assert_cmpstr(functions, ==, expected);
}

/* --- Functions --- */

static void test_functions_by_self_then_total_then_name(void)
{
	struct ram_story told = ram_story_of(&profile_story_cpu_clock, 1);
	struct loaded_profile *loaded;

	add(&told, COLO_STORY_RAM, "ab", 4);
	add(&told, COLO_STORY_RAM, "abc", 5);
	add(&told, COLO_STORY_RAM, "ad", 5);
	add(&told, COLO_STORY_RAM, "a", 1);
	add(&told, COLO_STORY_RAM, "zyf", 1);
	add(&told, COLO_STORY_RAM, "zxf", 1);
	loaded = loaded_profile_of(told.story);
	assert_functions(loaded, "ram", "c 5/5, d 5/5, b 4/9, f 2/2, a 1/15, z 0/2, x 0/1, y 0/1");
	g_assert_cmpuint(ram_of(loaded)->frames, ==, 4 * 2 + 5 * 3 + 5 * 2 + 1 + 2 * 3);
	g_assert_cmpuint(ram_of(loaded)->unresolved_frames, ==, 0);
	g_assert_cmpuint(ram_of(loaded)->cut_samples, ==, 0);
	loaded_profile_free(loaded);
}

/* However often it stands in the stack, the sample is one. */
static void test_recursion_is_counted_once(void)
{
	struct ram_story told = ram_story_of(&profile_story_cpu_clock, 1);
	struct loaded_profile *loaded;

	add(&told, COLO_STORY_RAM, "abababab", 3);
	add(&told, COLO_STORY_RAM, "aaaa", 2);
	add(&told, COLO_STORY_RAM, "ba", 1);
	loaded = loaded_profile_of(told.story);
	assert_functions(loaded, "ram", "a 3/6, b 3/4");
	g_assert_cmpuint(ram_of(loaded)->samples, ==, 6);
	g_assert_cmpuint(ram_of(loaded)->frames, ==, 3 * 8 + 2 * 4 + 2);
	loaded_profile_free(loaded);
}

/* The same stacks in each, and none of the sums of one is left for the next. */
static void test_each_part_has_its_own_functions(void)
{
	struct ram_story told = ram_story_of(&profile_story_cpu_clock, 1);
	struct loaded_profile *loaded;

	add(&told, COLO_STORY_WAIT, "ab", 1);
	add(&told, COLO_STORY_DEV, "ab", 2);
	add(&told, COLO_STORY_RAM, "ab", 3);
	add(&told, COLO_STORY_VMSTATE, "c", 4);
	loaded = loaded_profile_of(told.story);
	assert_functions(loaded, "wait", "b 1/1, a 0/1");
	assert_functions(loaded, "dev", "b 2/2, a 0/2");
	assert_functions(loaded, "ram", "b 3/3, a 0/3");
	assert_functions(loaded, "vmstate", "c 4/4");
	assert_functions(loaded, "net", "");
	loaded_profile_free(loaded);
}

static void test_functions_are_those_of_the_colo_thread(void)
{
	struct ram_story told = ram_story_of(&profile_story_cpu_clock, 1);
	struct loaded_profile *loaded;

	add(&told, COLO_STORY_RAM, "ab", 1);
	profile_story_sample(told.story, told.side.pid, told.side.pid,
			     time_in(&told, 1, COLO_STORY_RAM), "xyz");
	loaded = loaded_profile_of(told.story);
	assert_functions(loaded, "ram", "b 1/1, a 0/1");
	loaded_profile_free(loaded);
}

/* It got its name between two checkpoints; the functions are of both times. */
static void test_thread_that_is_renamed(void)
{
	struct ram_story told = ram_story_of(&profile_story_cpu_clock, 2);
	struct perf_builder_stamp at = {.event = told.story->event,
					.pid = told.side.pid,
					.tid = told.side.tid,
					.time_ns = told.side.now_ns};
	struct loaded_profile *loaded;

	perf_builder_comm(told.story->builder, &at, "qemu", FALSE);
	at.time_ns = time_in(&told, 2, COLO_STORY_WAIT);
	perf_builder_comm(told.story->builder, &at, "live_migration", FALSE);
	for (guint64 seq = 1; seq <= 2; seq++)
		profile_story_sample(told.story, told.side.pid, told.side.tid,
				     time_in(&told, seq, COLO_STORY_RAM), "aab");
	loaded = loaded_profile_of(told.story);
	g_assert_cmpuint(ram_of(loaded)->samples, ==, 2);
	g_assert_cmpuint(ram_of(loaded)->others->len, ==, 0);
	assert_functions(loaded, "ram", "b 2/2, a 0/2");
	loaded_profile_free(loaded);
}

/* --- Threads and time --- */

static void add_other(const struct ram_story *told, gint32 tid, guint n)
{
	while (n--)
		profile_story_sample(told->story, told->side.pid, tid,
				     time_in(told, 1, COLO_STORY_RAM), "a");
}

static void test_other_threads_by_samples_then_number(void)
{
	static const struct {
		guint32 tid;
		guint64 samples;
		const char *name;
	} expected[] = {{131, 3, "CPU 0/TCG"}, {120, 1, NULL}, {130, 1, "colo-compare"}};
	struct ram_story told = ram_story_of(&profile_story_cpu_clock, 1);
	struct perf_builder_stamp at = {.event = told.story->event, .pid = told.side.pid};
	const GArray *others;
	struct loaded_profile *loaded;

	at.tid = 130;
	perf_builder_comm(told.story->builder, &at, "colo-compare", FALSE);
	at.tid = 131;
	perf_builder_comm(told.story->builder, &at, "CPU 0/TCG", FALSE);
	add_other(&told, 130, 1);
	add_other(&told, 131, 3);
	add_other(&told, 120, 1);
	loaded = loaded_profile_of(told.story);
	others = ram_of(loaded)->others;
	g_assert_cmpuint(ram_of(loaded)->samples, ==, 0);
	g_assert_cmpuint(others->len, ==, G_N_ELEMENTS(expected));
	for (guint i = 0; i < others->len; i++) {
		const struct thread_share *share = &g_array_index(others, struct thread_share, i);

		g_assert_cmpuint(share->tid, ==, expected[i].tid);
		g_assert_cmpuint(share->samples, ==, expected[i].samples);
		g_assert_cmpstr(share->name, ==, expected[i].name);
		g_assert_true(share->on_cpu_ns.known);
		g_assert_cmpint(share->on_cpu_ns.value, ==, 1000000 * (gint64)share->samples);
	}
	loaded_profile_free(loaded);
}

static void add_with_period(const struct ram_story *told, guint64 period)
{
	const struct perf_builder_sample sample = {
		.at = {.event = told->story->event,
		       .pid = told->side.pid,
		       .tid = told->side.tid,
		       .time_ns = time_in(told, 1, COLO_STORY_RAM)},
		.misc = PERF_RECORD_MISC_KERNEL,
		.ip = profile_story_address('a'),
		.period = period};

	profile_story_raw_sample(told->story, &sample);
}

/* The times of the RAM phase, which takes 1 ms, with two samples of these periods. */
static void check_times(const struct perf_builder_event *event, guint64 period, bool known,
			gint64 on_cpu_ns, gint64 off_cpu_ns)
{
	struct ram_story told = ram_story_of(event, 1);
	const struct part_profile *ram;
	struct loaded_profile *loaded;

	add_with_period(&told, period);
	add_with_period(&told, period + 1);
	loaded = loaded_profile_of(told.story);
	ram = ram_of(loaded);
	g_assert_cmpuint(ram->samples, ==, 2);
	g_assert_cmpint(ram->wall_ns, ==, 1000000);
	g_assert_cmpint(loaded->profiles->has_time, ==, known);
	g_assert_cmpint(ram->on_cpu_ns.known, ==, known);
	g_assert_cmpint(ram->off_cpu_ns.known, ==, known && off_cpu_ns >= 0);
	if (known)
		g_assert_cmpint(ram->on_cpu_ns.value, ==, on_cpu_ns);
	if (ram->off_cpu_ns.known)
		g_assert_cmpint(ram->off_cpu_ns.value, ==, off_cpu_ns);
	loaded_profile_free(loaded);
}

static void test_time_on_and_off_cpu(void)
{
	struct perf_builder_event event = profile_story_cpu_clock;

	/* The clock says itself how long; perf's rate does not matter. */
	check_times(&event, 300000, true, 600001, 399999);
	/* More samples than there was time: then nobody knows what is left. */
	check_times(&event, 900000, true, 1800001, -800001);
	event.attr.freq = 0;
	event.attr.sample_period = 250000;
	check_times(&event, 250000, true, 500001, 499999);

	event = profile_story_cpu_clock;
	event.name = "cycles";
	event.attr.type = PERF_TYPE_HARDWARE;
	event.attr.config = PERF_COUNT_HW_CPU_CYCLES;
	event.attr.sample_period = 4000;
	check_times(&event, 123456, true, 500000, 500000);
	event.attr.freq = 0;
	event.attr.sample_period = 1000000;
	check_times(&event, 1000000, false, 0, 0);
}

/* --- Frames without a name, and callers that are missing --- */

static void add_chain(const struct ram_story *told, guint16 misc, guint64 ip, const guint64 *chain,
		      gsize n)
{
	const struct perf_builder_sample sample = {
		.at = {.event = told->story->event,
		       .pid = told->side.pid,
		       .tid = told->side.tid,
		       .time_ns = time_in(told, 1, COLO_STORY_RAM)},
		.misc = misc,
		.ip = ip,
		.period = 1000,
		.chain = chain,
		.n_chain = n};

	profile_story_raw_sample(told->story, &sample);
}

static void add_file(const struct ram_story *told, guint64 start, const char *path)
{
	const struct perf_builder_mmap mmap = {
		.at = {.event = told->story->event, .pid = told->side.pid, .tid = told->side.pid},
		.misc = PERF_RECORD_MISC_USER,
		.start = start,
		.size_bytes = 0x10000,
		.inode = start,
		.path = path};

	perf_builder_mmap2(told->story->builder, &mmap);
}

struct unnamed {
	const char *path; /* NULL: in no file that is known */
	guint64 samples;
};

static void assert_unresolved(const struct loaded_profile *loaded, const struct unnamed *expected,
			      guint n)
{
	const GArray *unresolved = loaded->profiles->unresolved;

	g_assert_cmpuint(unresolved->len, ==, n);
	for (guint i = 0; i < n; i++) {
		const struct unresolved_file *file =
			&g_array_index(unresolved, struct unresolved_file, i);

		g_assert_cmpstr(file->what.dso ? dso_path(file->what.dso) : NULL, ==,
				expected[i].path);
		g_assert_cmpuint(file->samples, ==, expected[i].samples);
		g_assert_cmpuint(file->source, ==, 0);
	}
}

/* What has no name by file, the one with the most samples first. */
static void test_files_without_names(void)
{
	const guint64 one[] = {PERF_CONTEXT_USER, 0x110010},
		      two[] = {PERF_CONTEXT_USER, 0x210010, 0x110020},
		      none[] = {PERF_CONTEXT_USER, 0x900000};
	static const struct unnamed expected[] = {
		{"/opt/one.so", 3}, {"/opt/two.so", 2}, {NULL, 1}};
	struct ram_story told = ram_story_of(&profile_story_cpu_clock, 1);
	struct loaded_profile *loaded;

	add_file(&told, 0x110000, "/opt/one.so");
	add_file(&told, 0x210000, "/opt/two.so");
	add_chain(&told, PERF_RECORD_MISC_USER, 0, one, G_N_ELEMENTS(one));
	add_chain(&told, PERF_RECORD_MISC_USER, 0, two, G_N_ELEMENTS(two));
	add_chain(&told, PERF_RECORD_MISC_USER, 0, two, G_N_ELEMENTS(two));
	add_chain(&told, PERF_RECORD_MISC_USER, 0, none, G_N_ELEMENTS(none));
	add(&told, COLO_STORY_RAM, "ab", 1);
	loaded = loaded_profile_of(told.story);
	assert_unresolved(loaded, expected, G_N_ELEMENTS(expected));
	g_assert_cmpuint(ram_of(loaded)->unresolved_frames, ==, 6);
	g_assert_cmpuint(ram_of(loaded)->frames, ==, 8);
	loaded_profile_free(loaded);
}

/* A sample is one, however many functions of the file it is in. */
static void test_samples_of_a_file_without_names_are_counted_once(void)
{
	const guint64 chain[] = {PERF_CONTEXT_USER, 0x110010, 0x110020, 0x110030, 0x110010};
	static const struct unnamed expected[] = {{"/opt/one.so", 2}};
	struct ram_story told = ram_story_of(&profile_story_cpu_clock, 1);
	struct loaded_profile *loaded;

	add_file(&told, 0x110000, "/opt/one.so");
	for (guint i = 0; i < 2; i++)
		add_chain(&told, PERF_RECORD_MISC_USER, 0, chain, G_N_ELEMENTS(chain));
	loaded = loaded_profile_of(told.story);
	assert_unresolved(loaded, expected, G_N_ELEMENTS(expected));
	g_assert_cmpuint(ram_of(loaded)->unresolved_frames, ==, 8);
	loaded_profile_free(loaded);
}

/* A file of the same path on the other machine is another file. */
static void test_files_without_names_of_two_recordings(void)
{
	const guint64 chain[] = {PERF_CONTEXT_USER, 0x110010};
	struct ram_story told[] = {ram_story_of(&profile_story_cpu_clock, 1),
				   ram_story_of(&profile_story_cpu_clock, 1)};
	struct profile_story *stories[] = {told[0].story, told[1].story};
	g_autoptr(GError) error = NULL;
	struct loaded_profile *loaded;

	for (guint i = 0; i < 2; i++) {
		add_file(&told[i], 0x110000, "/opt/one.so");
		for (guint n = 0; n <= i; n++)
			add_chain(&told[i], PERF_RECORD_MISC_USER, 0, chain, 2);
	}
	loaded = loaded_profile_new(stories, 2, NULL, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(loaded->profiles->unresolved->len, ==, 2);
	for (guint i = 0; i < 2; i++) {
		const struct unresolved_file *file =
			&g_array_index(loaded->profiles->unresolved, struct unresolved_file, i);

		g_assert_cmpuint(file->source, ==, 1 - i);
		g_assert_cmpuint(file->samples, ==, 2 - i);
		profile_story_free(stories[i]);
	}
	loaded_profile_free(loaded);
}

/* Without a chain it is the address alone, and where that lies is said by the record. */
static void check_single_address(guint64 sample_type, guint16 misc, const char *expected)
{
	const guint64 marks[] = {PERF_CONTEXT_KERNEL, PERF_CONTEXT_USER};
	struct perf_builder_event event = profile_story_cpu_clock;
	struct loaded_profile *loaded;
	struct ram_story told;

	event.attr.sample_type = sample_type;
	told = ram_story_of(&event, 1);
	add_file(&told, 0x110000, "/opt/one.so");
	for (gsize n = 0; n <= G_N_ELEMENTS(marks); n++)
		add_chain(&told, misc,
			  misc == PERF_RECORD_MISC_USER ? 0x110010 : profile_story_address('k'),
			  marks, n);
	loaded = loaded_profile_of(told.story);
	assert_functions(loaded, "ram", expected);
	g_assert_cmpint(loaded->profiles->has_chains, ==,
			(sample_type & PERF_SAMPLE_CALLCHAIN) != 0);
	loaded_profile_free(loaded);
}

static void test_sample_without_call_chain(void)
{
	static const guint64 types[] = {PERF_BUILDER_CALLCHAIN_SAMPLE,
					PERF_BUILDER_CALLCHAIN_SAMPLE & ~PERF_SAMPLE_CALLCHAIN};

	for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
		check_single_address(types[i], PERF_RECORD_MISC_USER, "[one.so+0x10] 3/3");
		check_single_address(types[i], PERF_RECORD_MISC_KERNEL, "k 3/3");
		check_single_address(types[i], PERF_RECORD_MISC_HYPERVISOR, "[hypervisor] 3/3");
		check_single_address(types[i], PERF_RECORD_MISC_GUEST_KERNEL, "[guest] 3/3");
		check_single_address(types[i], PERF_RECORD_MISC_GUEST_USER, "[guest] 3/3");
		check_single_address(types[i], PERF_RECORD_MISC_CPUMODE_UNKNOWN,
				     "[unknown context] 3/3");
	}
}

/* As many frames as the kernel gives at the most: marks are not frames. */
static void check_max_stack(guint16 max_stack, guint n_frames, bool cut)
{
	struct perf_builder_event event = profile_story_cpu_clock;
	g_autofree char *functions = g_strnfill(n_frames, 'a');
	struct loaded_profile *loaded;
	struct ram_story told;

	event.attr.sample_max_stack = max_stack;
	told = ram_story_of(&event, 1);
	add(&told, COLO_STORY_RAM, functions, 2);
	loaded = loaded_profile_of(told.story);
	assert_functions(loaded, "ram", "a 2/2");
	g_assert_cmpuint(ram_of(loaded)->cut_samples, ==, cut ? 2 : 0);
	g_assert_cmpuint(ram_of(loaded)->frames, ==, 2 * n_frames);
	loaded_profile_free(loaded);
}

static void test_call_chains_that_were_cut_off(void)
{
	check_max_stack(5, 4, false);
	check_max_stack(5, 5, true);
	/* More than there can be: then the limit was another one. */
	check_max_stack(5, 6, false);
	check_max_stack(0, 126, false);
	check_max_stack(0, 127, true);
	check_max_stack(16, 1, false);
	check_max_stack(10000, 8000, false);
	check_max_stack(8000, 8000, true);
}

/* --- Stacks --- */

struct seen {
	const struct loaded_profile *loaded;
	guint64 samples, stacks;
};

static void visit(const struct profile_thread *thread, uint32_t stack, uint64_t samples, void *data)
{
	struct seen *seen = data;

	g_assert_cmpuint(thread->pid, ==, usual_primary.pid);
	g_assert_cmpuint(stack, !=, STACK_EMPTY);
	seen->samples += samples;
	seen->stacks++;
}

/* All threads, each stack once, of that part alone. */
static void test_visit_of_the_stacks_of_a_part(void)
{
	struct ram_story told = ram_story_of(&profile_story_cpu_clock, 1);
	struct loaded_profile *loaded;
	struct seen seen = {0};

	add(&told, COLO_STORY_RAM, "ab", 3);
	add(&told, COLO_STORY_RAM, "ac", 4);
	add(&told, COLO_STORY_DEV, "ac", 5);
	add_other(&told, 130, 6);
	loaded = loaded_profile_of(told.story);
	phase_profiles_visit(loaded->profiles, loaded_profile_session(loaded, COLO_ROLE_PRIMARY),
			     COLO_PHASE_RAM, visit, &seen);
	g_assert_cmpuint(seen.samples, ==, 13);
	g_assert_cmpuint(seen.stacks, ==, 3);
	loaded_profile_free(loaded);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/phase_sums/functions_by_self_then_total_then_name",
			test_functions_by_self_then_total_then_name);
	g_test_add_func("/phase_sums/recursion_is_counted_once", test_recursion_is_counted_once);
	g_test_add_func("/phase_sums/each_part_has_its_own_functions",
			test_each_part_has_its_own_functions);
	g_test_add_func("/phase_sums/functions_are_those_of_the_colo_thread",
			test_functions_are_those_of_the_colo_thread);
	g_test_add_func("/phase_sums/thread_that_is_renamed", test_thread_that_is_renamed);
	g_test_add_func("/phase_sums/other_threads_by_samples_then_number",
			test_other_threads_by_samples_then_number);
	g_test_add_func("/phase_sums/time_on_and_off_cpu", test_time_on_and_off_cpu);
	g_test_add_func("/phase_sums/files_without_names", test_files_without_names);
	g_test_add_func("/phase_sums/samples_of_a_file_without_names_are_counted_once",
			test_samples_of_a_file_without_names_are_counted_once);
	g_test_add_func("/phase_sums/files_without_names_of_two_recordings",
			test_files_without_names_of_two_recordings);
	g_test_add_func("/phase_sums/sample_without_call_chain", test_sample_without_call_chain);
	g_test_add_func("/phase_sums/call_chains_that_were_cut_off",
			test_call_chains_that_were_cut_off);
	g_test_add_func("/phase_sums/visit_of_the_stacks_of_a_part",
			test_visit_of_the_stacks_of_a_part);
	return g_test_run();
}
