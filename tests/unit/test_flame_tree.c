/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flame_tree: the tree of the chosen samples, of one recording and of two, its folded
 * lines, and what is said of the choice.
 */
#include "flame_tree.h"

#include "lib/dice.h"
#include "lib/profile_story.h"

#include <string.h>

static const struct flame_choice ram_of_colo_thread = {.role = COLO_ROLE_PRIMARY,
						       .part = COLO_PHASE_RAM};

/* Samples in the phases of checkpoint 1 of one side; others have none. */
struct tree_story {
	struct profile_story *story;
	struct colo_story_side side;
	struct colo_story_checkpoint checkpoint;
};

static struct tree_story tree_story_of(const struct colo_story_side *side)
{
	struct tree_story told = {.story =
					  profile_story_new(G_BYTE_ORDER, &profile_story_cpu_clock),
				  .side = *side,
				  .checkpoint = profile_story_checkpoint(1)};
	struct colo_story_side teller;

	colo_story_init(told.story->story, &told.side, 4000000);
	teller = told.side;
	colo_story_checkpoint(told.story->story, &teller, &told.checkpoint);
	return told;
}

static void add(const struct tree_story *told, gint32 tid, enum colo_story_phase phase,
		const char *functions, guint n)
{
	while (n--)
		profile_story_sample(
			told->story, told->side.pid, tid,
			colo_story_phase_begin_ns(&told->side, &told->checkpoint, phase) + n,
			functions);
}

static void add_ram(const struct tree_story *told, const char *functions, guint n)
{
	add(told, told->side.tid, COLO_STORY_RAM, functions, n);
}

static void name_thread(const struct tree_story *told, gint32 tid, const char *name)
{
	const struct perf_builder_stamp at = {
		.event = told->story->event, .pid = told->side.pid, .tid = tid};

	perf_builder_comm(told->story->builder, &at, name, FALSE);
}

/* The caller frees it. */
static char *folded_of(const struct flame_tree *tree, bool has_base)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	flame_tree_print_folded(tree, has_base, out);
	fclose(out);
	return text;
}

static void assert_folded(const struct loaded_profile *loaded, const struct flame_choice *choice,
			  const char *expected)
{
	struct flame_tree *tree = flame_tree_new("all");
	char *folded;

	flame_tree_add(tree, loaded->profiles, choice, false);
	folded = folded_of(tree, false);
	g_assert_cmpstr(folded, ==, expected);
	free(folded);
	flame_tree_free(tree);
}

/* --- Folded lines --- */

static void test_folded_lines_are_sorted(void)
{
	struct tree_story told = tree_story_of(&usual_primary);
	struct loaded_profile *loaded;

	add_ram(&told, "zb", 1);
	add_ram(&told, "abc", 12);
	add_ram(&told, "ab", 3);
	add_ram(&told, "az", 4);
	add_ram(&told, "a", 5);
	add(&told, told.side.tid, COLO_STORY_DEV, "other", 9);
	add(&told, told.side.pid, COLO_STORY_RAM, "thread", 9);
	loaded = loaded_profile_of(told.story);
	assert_folded(loaded, &ram_of_colo_thread, "a 5\na;b 3\na;b;c 12\na;z 4\nz;b 1\n");
	loaded_profile_free(loaded);
}

static void test_nothing_is_no_line(void)
{
	struct tree_story told = tree_story_of(&usual_primary);
	const struct flame_choice secondary = {.role = COLO_ROLE_SECONDARY, .part = COLO_N_PARTS};
	struct loaded_profile *loaded;

	add(&told, told.side.tid, COLO_STORY_DEV, "a", 1);
	loaded = loaded_profile_of(told.story);
	assert_folded(loaded, &ram_of_colo_thread, "");
	assert_folded(loaded, &secondary, "");
	loaded_profile_free(loaded);
	flame_tree_free(NULL);
}

static void test_recursion_is_as_deep_as_it_was(void)
{
	struct tree_story told = tree_story_of(&usual_primary);
	struct loaded_profile *loaded;

	add_ram(&told, "aaa", 2);
	add_ram(&told, "a", 1);
	loaded = loaded_profile_of(told.story);
	assert_folded(loaded, &ram_of_colo_thread, "a 1\na;a;a 2\n");
	loaded_profile_free(loaded);
}

/* --- Groups --- */

static void test_threads_are_at_the_root(void)
{
	struct tree_story told = tree_story_of(&usual_primary);
	struct flame_choice choice = ram_of_colo_thread;
	struct loaded_profile *loaded;

	choice.threads = true;
	name_thread(&told, told.side.tid, "live_migration");
	name_thread(&told, 130, "CPU 0/TCG");
	name_thread(&told, 131, "CPU 0/TCG");
	add_ram(&told, "ab", 2);
	add(&told, 130, COLO_STORY_RAM, "x", 3);
	add(&told, 131, COLO_STORY_RAM, "x", 4);
	add(&told, 132, COLO_STORY_RAM, "y", 5);
	loaded = loaded_profile_of(told.story);
	/* Threads of one name are one, and a thread without has its number. */
	assert_folded(loaded, &choice, "CPU 0/TCG;x 7\nlive_migration;a;b 2\nthread 132;y 5\n");
	loaded_profile_free(loaded);
}

static void test_all_parts_are_at_the_root(void)
{
	struct tree_story told = tree_story_of(&usual_primary);
	struct flame_choice choice = {.role = COLO_ROLE_PRIMARY, .part = COLO_N_PARTS};
	struct loaded_profile *loaded;

	name_thread(&told, told.side.tid, "live_migration");
	add_ram(&told, "ab", 2);
	add(&told, told.side.tid, COLO_STORY_WAIT, "a", 3);
	add(&told, told.side.tid, COLO_STORY_DEV, "ab", 4);
	profile_story_sample(
		told.story, told.side.pid, told.side.tid,
		colo_story_phase_begin_ns(&told.side, &told.checkpoint, COLO_STORY_DEV) - 1, "c");
	loaded = loaded_profile_of(told.story);
	assert_folded(loaded, &choice, "dev;a;b 4\nother;c 1\nram;a;b 2\nwait;a 3\n");
	choice.threads = true;
	assert_folded(loaded, &choice,
		      "dev;live_migration;a;b 4\nother;live_migration;c 1\n"
		      "ram;live_migration;a;b 2\nwait;live_migration;a 3\n");
	loaded_profile_free(loaded);
}

/* A name that would be taken for a border between frames, between stacks, or for a command. */
static void test_names_with_borders_in_them(void)
{
	const guint64 chain[] = {PERF_CONTEXT_USER, 0x110010};
	struct tree_story told = tree_story_of(&usual_primary);
	const struct perf_builder_mmap mmap = {
		.at = {.event = told.story->event, .pid = told.side.pid, .tid = told.side.pid},
		.misc = PERF_RECORD_MISC_USER,
		.start = 0x110000,
		.size_bytes = 0x10000,
		.path = "/opt/x;y\nz\t\x1b[1m.so"};
	const struct perf_builder_sample sample = {
		.at = {.event = told.story->event,
		       .pid = told.side.pid,
		       .tid = told.side.tid,
		       .time_ns = colo_story_phase_begin_ns(&told.side, &told.checkpoint,
							    COLO_STORY_RAM)},
		.chain = chain,
		.n_chain = G_N_ELEMENTS(chain)};
	struct flame_choice choice = ram_of_colo_thread;
	struct loaded_profile *loaded;

	choice.threads = true;
	name_thread(&told, told.side.tid, "a;b\nc\x7f");
	perf_builder_mmap2(told.story->builder, &mmap);
	profile_story_raw_sample(told.story, &sample);
	loaded = loaded_profile_of(told.story);
	assert_folded(loaded, &choice, "a:b?c?;[x:y?z??[1m.so+0x10] 1\n");
	loaded_profile_free(loaded);
}

/* --- Two recordings --- */

static void test_difference_has_the_base_first(void)
{
	struct tree_story before = tree_story_of(&usual_primary);
	struct tree_story after = tree_story_of(&usual_primary);
	struct flame_tree *tree = flame_tree_new("all");
	struct loaded_profile *base, *current;
	char *folded;

	add_ram(&before, "ab", 3);
	add_ram(&before, "ac", 4);
	add_ram(&before, "ad", 1);
	add_ram(&after, "ab", 5);
	add_ram(&after, "ae", 6);
	add_ram(&after, "ad", 1);
	base = loaded_profile_of(before.story);
	current = loaded_profile_of(after.story);
	flame_tree_add(tree, current->profiles, &ram_of_colo_thread, false);
	flame_tree_add(tree, base->profiles, &ram_of_colo_thread, true);
	folded = folded_of(tree, true);
	g_assert_cmpstr(folded, ==, "a;b 3 5\na;c 4 0\na;d 1 1\na;e 0 6\n");
	g_assert_cmpuint(flame_tree_root(tree)->samples, ==, 12);
	g_assert_cmpuint(flame_tree_root(tree)->base_samples, ==, 8);
	free(folded);
	/* The tree keeps what it needs. */
	loaded_profile_free(current);
	loaded_profile_free(base);
	folded = folded_of(tree, true);
	g_assert_true(g_str_has_prefix(folded, "a;b 3 5\n"));
	free(folded);
	flame_tree_free(tree);
}

/* --- The tree --- */

/* Samples of a frame are those of its callees and its own; returns how many frames there are. */
static guint check_frames(const struct flame_frame *frame)
{
	guint64 callees = 0;
	guint n = 1;

	for (guint i = 0; frame->callees && i < frame->callees->len; i++) {
		const struct flame_frame *callee = frame->callees->pdata[i];

		callees += callee->samples;
		n += check_frames(callee);
	}
	g_assert_cmpuint(callees, <=, frame->samples);
	g_assert_cmpuint(frame->samples, >, 0);
	return n;
}

static guint64 sum_of_lines(const char *folded)
{
	g_auto(GStrv) lines = g_strsplit(folded, "\n", -1);
	guint64 sum = 0;

	for (guint i = 0; lines[i] && *lines[i]; i++) {
		g_assert_true(!i || strcmp(lines[i - 1], lines[i]) < 0);
		sum += g_ascii_strtoull(strrchr(lines[i], ' '), NULL, 10);
	}
	return sum;
}

static void test_random_stacks_sum_up(void)
{
	struct dice dice = dice_of(51);
	struct tree_story told = tree_story_of(&usual_primary);
	struct flame_tree *tree = flame_tree_new("all");
	struct loaded_profile *loaded;
	char *folded;

	for (guint i = 0; i < 2000; i++) {
		char functions[8] = "";
		const guint depth = dice_range(&dice, 1, 8);

		for (guint at = 0; at < depth; at++)
			functions[at] = (char)('a' + dice_range(&dice, 0, 3));
		add_ram(&told, functions, 1);
	}
	loaded = loaded_profile_of(told.story);
	flame_tree_add(tree, loaded->profiles, &ram_of_colo_thread, false);
	folded = folded_of(tree, false);
	g_assert_cmpuint(sum_of_lines(folded), ==, 2000);
	g_assert_cmpuint(flame_tree_root(tree)->samples, ==, 2000);
	g_assert_cmpuint(flame_tree_root(tree)->base_samples, ==, 0);
	g_assert_cmpuint(check_frames(flame_tree_root(tree)), >, 500);
	free(folded);
	flame_tree_free(tree);
	loaded_profile_free(loaded);
}

/* A stack that is too deep for a walk that calls itself. */
static void test_deep_chain(void)
{
	struct tree_story told = tree_story_of(&usual_primary);
	g_autofree char *functions = g_strnfill(8000, 'a');
	g_autoptr(GString) expected = g_string_new("a");
	struct loaded_profile *loaded;

	/* Longer than the default limit, so not as long as it: nothing is cut off. */
	add_ram(&told, functions, 3);
	for (guint i = 1; i < 8000; i++)
		g_string_append(expected, ";a");
	g_string_append(expected, " 3\n");
	loaded = loaded_profile_of(told.story);
	assert_folded(loaded, &ram_of_colo_thread, expected->str);
	loaded_profile_free(loaded);
}

static const struct flame_frame *find(const struct flame_frame *frame, const char *name)
{
	for (guint i = 0; frame->callees && i < frame->callees->len; i++) {
		const struct flame_frame *callee = frame->callees->pdata[i];

		if (!strcmp(callee->name, name))
			return callee;
	}
	g_error("%s has no callee %s", frame->name, name);
}

static void add_file(const struct tree_story *told, guint64 start, const char *path)
{
	const struct perf_builder_mmap mmap = {
		.at = {.event = told->story->event, .pid = told->side.pid, .tid = told->side.pid},
		.misc = PERF_RECORD_MISC_USER,
		.start = start,
		.size_bytes = 0x1000,
		.path = path};

	perf_builder_mmap2(told->story->builder, &mmap);
}

/* The kinds decide the colours. */
static void test_kinds_of_frames(void)
{
	const guint64 chain[] = {PERF_CONTEXT_KERNEL, 0, PERF_CONTEXT_USER, 0x110010, 0x900000};
	guint64 addresses[G_N_ELEMENTS(chain)];
	struct tree_story told = tree_story_of(&usual_primary);
	struct perf_builder_sample sample = {
		.at = {.event = told.story->event,
		       .pid = told.side.pid,
		       .tid = told.side.tid,
		       .time_ns = colo_story_phase_begin_ns(&told.side, &told.checkpoint,
							    COLO_STORY_RAM)},
		.chain = addresses,
		.n_chain = G_N_ELEMENTS(addresses)};
	struct flame_choice choice = {
		.role = COLO_ROLE_PRIMARY, .part = COLO_N_PARTS, .threads = true};
	struct flame_tree *tree = flame_tree_new("everything");
	const struct flame_frame *frame = flame_tree_root(tree);
	struct loaded_profile *loaded;

	memcpy(addresses, chain, sizeof(chain));
	addresses[1] = profile_story_address('k');
	add_file(&told, 0x110000, "/opt/one.so.1");
	profile_story_raw_sample(told.story, &sample);
	loaded = loaded_profile_of(told.story);
	flame_tree_add(tree, loaded->profiles, &choice, false);
	g_assert_cmpstr(frame->name, ==, "everything");
	g_assert_cmpint(frame->kind, ==, FLAME_GROUP);
	frame = find(frame, "ram");
	g_assert_cmpint(frame->kind, ==, FLAME_GROUP);
	frame = find(frame, "thread 111");
	g_assert_cmpint(frame->kind, ==, FLAME_GROUP);
	frame = find(frame, "[unknown]");
	g_assert_cmpint(frame->kind, ==, FLAME_UNRESOLVED);
	g_assert_null(frame->module);
	frame = find(frame, "[one.so.1+0x10]");
	g_assert_cmpint(frame->kind, ==, FLAME_UNRESOLVED);
	g_assert_cmpstr(frame->module, ==, "one.so.1");
	frame = find(frame, "k");
	g_assert_cmpint(frame->kind, ==, FLAME_KERNEL);
	g_assert_cmpstr(frame->module, ==, "[kernel.kallsyms]");
	g_assert_null(frame->callees);
	flame_tree_free(tree);
	loaded_profile_free(loaded);
}

/* A sample that no file is needed for: counted by hand, in the RAM phase of the only session. */
static void count_by_hand(const struct loaded_profile *loaded, const struct frame *frames, guint n)
{
	const struct profile_thread thread = {.pid = usual_primary.pid, .tid = usual_primary.tid};
	struct stack_table *stacks = loaded->profiles->stacks;
	guint32 stack = STACK_EMPTY;

	for (guint i = 0; i < n; i++)
		stack = stack_table_push(stacks, stack,
					 stack_table_frame(stacks, frames[i].name, frames[i].module,
							   frames[i].kind));
	profile_count(loaded->profiles->profiles->pdata[0], COLO_PHASE_RAM, &thread, stack, 0);
}

static void test_inlined_functions_are_marked(void)
{
	static const struct frame frames[] = {{"[cut off]", NULL, 0, FRAME_CUT},
					      {"main", "qemu", 0, FRAME_USER},
					      {"copy", "libc.so.6", 0, FRAME_USER},
					      {"copy", "libc.so.6", 0, FRAME_INLINED}};
	static const enum flame_kind kinds[] = {FLAME_UNRESOLVED, FLAME_PROGRAM, FLAME_LIBRARY,
						FLAME_INLINED};
	struct loaded_profile *loaded = loaded_profile_of(tree_story_of(&usual_primary).story);
	struct flame_tree *tree = flame_tree_new("all");
	const struct flame_frame *frame = flame_tree_root(tree);

	for (guint n = G_N_ELEMENTS(frames); n > 1; n--)
		count_by_hand(loaded, frames, n);
	assert_folded(loaded, &ram_of_colo_thread,
		      "[cut off];main 1\n[cut off];main;copy 1\n"
		      "[cut off];main;copy;copy_[i] 1\n");
	flame_tree_add(tree, loaded->profiles, &ram_of_colo_thread, false);
	for (guint i = 0; i < G_N_ELEMENTS(frames); i++) {
		frame = find(frame, frames[i].name);
		g_assert_cmpint(frame->kind, ==, kinds[i]);
		g_assert_cmpstr(frame->module, ==, frames[i].module);
		g_assert_cmpuint(frame->samples, ==, i < 2 ? 3 : 4 - i);
	}
	flame_tree_free(tree);
	loaded_profile_free(loaded);
}

/* --- Totals --- */

static void test_totals_of_a_choice(void)
{
	struct tree_story told = tree_story_of(&usual_primary);
	struct flame_choice choice = ram_of_colo_thread;
	struct loaded_profile *loaded;
	struct flame_totals totals;

	name_thread(&told, told.side.tid, "live_migration");
	add_ram(&told, "ab", 2);
	add(&told, 130, COLO_STORY_RAM, "x", 3);
	add(&told, told.side.tid, COLO_STORY_WAIT, "a", 4);
	loaded = loaded_profile_of(told.story);
	totals = flame_totals_of(loaded->profiles, loaded->recordings, &choice);
	g_assert_cmpuint(totals.n_checkpoints, ==, 1);
	g_assert_cmpuint(totals.samples, ==, 2);
	g_assert_cmpint(totals.wall_ns, ==, 1000000);
	g_assert_true(totals.on_cpu_ns.known);
	g_assert_cmpint(totals.on_cpu_ns.value, ==, 2000000);
	g_assert_cmpint(totals.sampled_ns, ==, 2000000);
	g_assert_cmpstr(totals.thread, ==, "live_migration");
	choice.threads = true;
	totals = flame_totals_of(loaded->profiles, loaded->recordings, &choice);
	g_assert_cmpuint(totals.samples, ==, 5);
	g_assert_cmpint(totals.on_cpu_ns.value, ==, 2000000);
	g_assert_cmpint(totals.sampled_ns, ==, 5000000);
	choice.part = COLO_N_PARTS;
	totals = flame_totals_of(loaded->profiles, loaded->recordings, &choice);
	g_assert_cmpuint(totals.n_checkpoints, ==, 1);
	g_assert_cmpuint(totals.samples, ==, 9);
	g_assert_cmpint(totals.wall_ns, ==,
			(gint64)(told.checkpoint.wait_ns +
				 colo_story_checkpoint_ns(&told.side, &told.checkpoint)));
	choice.role = COLO_ROLE_SECONDARY;
	totals = flame_totals_of(loaded->profiles, loaded->recordings, &choice);
	g_assert_cmpuint(totals.samples, ==, 0);
	g_assert_cmpuint(totals.n_checkpoints, ==, 0);
	g_assert_false(totals.on_cpu_ns.known);
	g_assert_null(totals.thread);
	loaded_profile_free(loaded);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/flame_tree/folded_lines_are_sorted", test_folded_lines_are_sorted);
	g_test_add_func("/flame_tree/nothing_is_no_line", test_nothing_is_no_line);
	g_test_add_func("/flame_tree/recursion_is_as_deep_as_it_was",
			test_recursion_is_as_deep_as_it_was);
	g_test_add_func("/flame_tree/threads_are_at_the_root", test_threads_are_at_the_root);
	g_test_add_func("/flame_tree/all_parts_are_at_the_root", test_all_parts_are_at_the_root);
	g_test_add_func("/flame_tree/names_with_borders_in_them", test_names_with_borders_in_them);
	g_test_add_func("/flame_tree/difference_has_the_base_first",
			test_difference_has_the_base_first);
	g_test_add_func("/flame_tree/random_stacks_sum_up", test_random_stacks_sum_up);
	g_test_add_func("/flame_tree/deep_chain", test_deep_chain);
	g_test_add_func("/flame_tree/kinds_of_frames", test_kinds_of_frames);
	g_test_add_func("/flame_tree/inlined_functions_are_marked",
			test_inlined_functions_are_marked);
	g_test_add_func("/flame_tree/totals_of_a_choice", test_totals_of_a_choice);
	return g_test_run();
}
