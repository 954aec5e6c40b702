/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whole recordings with the record types of newer kernels: callers that come in records of their
 * own (--call-graph fp,defer), code that the kernel made, marks that are not known. Held against
 * the same samples as an older kernel records them.
 */
#include "flame_tree.h"
#include "lib/dice.h"
#include "lib/profile_story.h"
#include "warnings.h"

#include <string.h>

#define QEMU_START G_GUINT64_CONSTANT(0x400000)
#define KERNEL	   ((guint64)PERF_CONTEXT_KERNEL)
#define USER	   ((guint64)PERF_CONTEXT_USER)
#define DEFERRED   PERF_BUILDER_CONTEXT_USER_DEFERRED
#define LATER_NS   100 /* from a sample to the record of its callers */
#define N_SAMPLES  60

static const int byte_orders[] = {G_LITTLE_ENDIAN, G_BIG_ENDIAN};

/* A primary with one checkpoint; samples go into its `ram`. */
struct ram_story {
	struct profile_story *story;
	struct colo_story_side side;
	guint64 ram_ns;
};

static struct ram_story ram_story_of(int byte_order)
{
	struct ram_story told = {.story = profile_story_new(byte_order, &profile_story_cpu_clock),
				 .side = usual_primary};
	const struct colo_story_checkpoint checkpoint = profile_story_checkpoint(1);
	const struct perf_builder_mmap qemu = {
		.at = {.event = told.story->event, .pid = told.side.pid, .tid = told.side.pid},
		.misc = PERF_RECORD_MISC_USER,
		.start = QEMU_START,
		.size_bytes = 0x10000,
		.path = "/opt/qemu"};

	perf_builder_mmap(told.story->builder, &qemu);
	colo_story_init(told.story->story, &told.side, 4000000);
	told.ram_ns = colo_story_phase_begin_ns(&told.side, &checkpoint, COLO_STORY_RAM);
	colo_story_checkpoint(told.story->story, &told.side, &checkpoint);
	return told;
}

static struct perf_builder_stamp stamp_at(const struct ram_story *told, guint64 time_ns)
{
	return (struct perf_builder_stamp){.event = told->story->event,
					   .pid = told->side.pid,
					   .tid = told->side.tid,
					   .time_ns = time_ns};
}

static void add_sample(const struct ram_story *told, guint64 at_ns, const guint64 *chain, gsize n)
{
	const struct perf_builder_sample sample = {.at = stamp_at(told, told->ram_ns + at_ns),
						   .misc = PERF_RECORD_MISC_USER,
						   .ip = QEMU_START + 0x999,
						   .period = 1000,
						   .chain = chain,
						   .n_chain = n};

	profile_story_raw_sample(told->story, &sample);
}

/* --- The same samples, in two ways --- */

/* Kernel code, or user code alone; callers that differ from sample to sample. */
static const struct sample {
	gsize n_kernel;
	guint64 kernel[3];
	gsize n_user;
	guint64 user[4];
} samples[] = {
	{2, {'b', 'c'}, 3, {0x110, 0x220, 0x330}},
	{3, {'a', 'b', 'c'}, 3, {0x110, 0x220, 0x330}},
	{0, {0}, 3, {0x111, 0x220, 0x330}},
	{1, {'z'}, 4, {0x440, 0x550, 0x220, 0x330}},
	{0, {0}, 1, {0x700}},
};

static const struct sample *sample_at(guint i)
{
	return &samples[i % G_N_ELEMENTS(samples)];
}

/* Returns how many entries there are. */
static gsize put_kernel(guint64 *chain, const struct sample *sample)
{
	gsize n = 0;

	if (!sample->n_kernel)
		return 0;
	chain[n++] = KERNEL;
	for (gsize i = 0; i < sample->n_kernel; i++)
		chain[n++] = profile_story_address((char)sample->kernel[i]);
	return n;
}

static gsize put_user(guint64 *chain, const struct sample *sample)
{
	gsize n = 0;

	chain[n++] = USER;
	for (gsize i = 0; i < sample->n_user; i++)
		chain[n++] = QEMU_START + sample->user[i];
	return n;
}

static void add_plain(const struct ram_story *told, guint i)
{
	guint64 chain[16];
	gsize n = put_kernel(chain, sample_at(i));

	n += put_user(chain + n, sample_at(i));
	add_sample(told, 1000 * i, chain, n);
}

/* The cookie of a sample; two that follow each other may have one entry into the kernel. */
static guint64 cookie_of(guint i)
{
	return G_GUINT64_CONSTANT(0x200000001) + i;
}

static void add_deferred_sample(const struct ram_story *told, guint i)
{
	guint64 chain[16];
	gsize n = put_kernel(chain, sample_at(i));

	chain[n++] = DEFERRED;
	chain[n++] = cookie_of(i);
	add_sample(told, 1000 * i, chain, n);
}

static void add_callers(const struct ram_story *told, guint i)
{
	const struct perf_builder_stamp at = stamp_at(told, told->ram_ns + 1000 * i + LATER_NS);
	guint64 callers[16];
	const gsize n = put_user(callers, sample_at(i));

	colo_story_flush(told->story->story);
	perf_builder_deferred(told->story->builder, &at, cookie_of(i), callers, n);
}

/* The caller frees it. */
static char *folded_of(const struct loaded_profile *loaded)
{
	static const struct flame_choice ram = {.role = COLO_ROLE_PRIMARY, .part = COLO_PHASE_RAM};
	struct flame_tree *tree = flame_tree_new("all");
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	flame_tree_add(tree, loaded->profiles, &ram, false);
	flame_tree_print_folded(tree, false, out);
	fclose(out);
	flame_tree_free(tree);
	return text;
}

static char *plain_folded(guint n)
{
	struct ram_story told = ram_story_of(G_BYTE_ORDER);
	struct loaded_profile *loaded;
	char *folded;

	for (guint i = 0; i < n; i++)
		add_plain(&told, i);
	loaded = loaded_profile_of(told.story);
	folded = folded_of(loaded);
	loaded_profile_free(loaded);
	return folded;
}

/* The message of the warning, or NULL; the caller frees it. */
static char *warning_of(const struct loaded_profile *loaded, const char *code)
{
	g_autoptr(GPtrArray) warnings =
		warnings_of(loaded->recordings, loaded->summaries, loaded->profiles);

	for (guint i = 0; i < warnings->len; i++) {
		const struct warning *warning = warnings->pdata[i];

		if (!strcmp(warning->code, code))
			return g_strdup(warning->message);
	}
	return NULL;
}

static void assert_like_plain(struct ram_story *told, guint n)
{
	struct loaded_profile *loaded = loaded_profile_of(told->story);
	char *folded = folded_of(loaded), *expected = plain_folded(n);

	g_assert_cmpstr(folded, ==, expected);
	g_assert_cmpuint(loaded->profiles->samples_deferred, ==, n);
	g_assert_cmpuint(loaded->profiles->samples_without_callers, ==, 0);
	g_assert_null(warning_of(loaded, "without_callers"));
	g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->cut_samples, ==, 0);
	free(folded);
	free(expected);
	loaded_profile_free(loaded);
}

static void test_callers_behind_their_samples(void)
{
	for (guint order = 0; order < G_N_ELEMENTS(byte_orders); order++) {
		struct ram_story told = ram_story_of(byte_orders[order]);

		for (guint i = 0; i < N_SAMPLES; i++) {
			add_deferred_sample(&told, i);
			add_callers(&told, i);
		}
		assert_like_plain(&told, N_SAMPLES);
	}
}

/* A thread goes on on another CPU, whose buffer is written first. */
static void test_callers_in_any_order(void)
{
	struct dice dice = dice_of(19);

	for (guint round = 0; round < 20; round++) {
		struct ram_story told = ram_story_of(byte_orders[round % 2]);
		guint order[2 * N_SAMPLES];

		for (guint i = 0; i < 2 * N_SAMPLES; i++) {
			const guint other = dice_range(&dice, 0, i + 1);

			order[i] = order[other];
			order[other] = i;
		}
		for (guint i = 0; i < 2 * N_SAMPLES; i++) {
			if (order[i] < N_SAMPLES)
				add_deferred_sample(&told, order[i]);
			else
				add_callers(&told, order[i] - N_SAMPLES);
		}
		assert_like_plain(&told, N_SAMPLES);
	}
}

/* --- What never gets its callers --- */

/* A record without callers; and one of another thread. */
static void add_useless_callers(const struct ram_story *told)
{
	const guint64 none[] = {USER}, one[] = {USER, QEMU_START};
	struct perf_builder_stamp at = stamp_at(told, told->ram_ns + 5000);

	colo_story_flush(told->story->story);
	perf_builder_deferred(told->story->builder, &at, cookie_of(1), none, G_N_ELEMENTS(none));
	at.tid++;
	perf_builder_deferred(told->story->builder, &at, cookie_of(0), one, G_N_ELEMENTS(one));
}

static void test_samples_without_callers_are_cut_off(void)
{
	struct ram_story told = ram_story_of(G_BYTE_ORDER);
	struct loaded_profile *loaded;
	g_autofree char *warning = NULL;
	char *folded;

	for (guint i = 0; i < 5; i++)
		add_deferred_sample(&told, i);
	add_useless_callers(&told);
	add_callers(&told, 3);
	loaded = loaded_profile_of(told.story);
	folded = folded_of(loaded);
	g_assert_cmpstr(folded, ==,
			"[cut off];[qemu+0x999] 2\n"
			"[cut off];c;b 1\n"
			"[cut off];c;b;a 1\n"
			"[qemu+0x32f];[qemu+0x21f];[qemu+0x54f];[qemu+0x440];z 1\n");
	g_assert_cmpuint(loaded->profiles->samples_deferred, ==, 5);
	g_assert_cmpuint(loaded->profiles->samples_without_callers, ==, 4);
	g_assert_cmpuint(loaded_profile_part(loaded, COLO_ROLE_PRIMARY, "ram")->cut_samples, ==, 4);
	warning = warning_of(loaded, "without_callers");
	g_assert_nonnull(warning);
	g_assert_nonnull(strstr(warning, "4 of 5 samples"));
	free(folded);
	loaded_profile_free(loaded);
}

/* --- Marks --- */

static void check_chain(const guint64 *chain, gsize n, const char *expected, guint64 n_unknown)
{
	struct ram_story told = ram_story_of(G_BYTE_ORDER);
	struct loaded_profile *loaded;
	g_autofree char *warning = NULL;
	char *folded;

	add_sample(&told, 0, chain, n);
	loaded = loaded_profile_of(told.story);
	folded = folded_of(loaded);
	g_assert_cmpstr(folded, ==, expected);
	g_assert_cmpuint(loaded->profiles->samples_unknown_context, ==, n_unknown);
	warning = warning_of(loaded, "unknown_contexts");
	g_assert_cmpint(warning != NULL, ==, n_unknown > 0);
	free(folded);
	loaded_profile_free(loaded);
}

#define CHECK_CHAIN(expected, n_unknown, ...)                                                      \
	check_chain((const guint64[]){__VA_ARGS__},                                                \
		    sizeof((const guint64[]){__VA_ARGS__}) / sizeof(guint64), expected, n_unknown)

/* The cookie looks like an address of the program, or like a mark, or is missing. */
static void test_cookie_is_never_a_frame(void)
{
	const guint64 b = profile_story_address('b');

	CHECK_CHAIN("[cut off];b 1\n", 0, KERNEL, b, DEFERRED, QEMU_START + 0x10);
	CHECK_CHAIN("[cut off];b 1\n", 0, KERNEL, b, DEFERRED, USER);
	CHECK_CHAIN("[cut off];b 1\n", 0, KERNEL, b, DEFERRED, DEFERRED);
	CHECK_CHAIN("[cut off];b 1\n", 0, KERNEL, b, DEFERRED);
	CHECK_CHAIN("[cut off];[qemu+0x999] 1\n", 0, DEFERRED, QEMU_START + 0x10);
	CHECK_CHAIN("[cut off];[qemu+0x999] 1\n", 0, DEFERRED);
}

static void test_what_follows_an_unknown_mark_has_no_name(void)
{
	const guint64 b = profile_story_address('b'), newer = (guint64)-3000;

	CHECK_CHAIN("[unknown context];b 1\n", 1, KERNEL, b, newer, QEMU_START + 0x10);
	CHECK_CHAIN("[qemu+0x10];[unknown context] 1\n", 1, newer, b, USER, QEMU_START + 0x10);
	/* A mark alone says nothing: the address of the sample does. */
	CHECK_CHAIN("[qemu+0x999] 1\n", 1, newer);
}

/* --- Code that the kernel made --- */

static void test_ksymbols_of_a_recording(void)
{
	const guint64 start = G_GUINT64_CONSTANT(0xffffffffc0001000);
	const guint64 chain[] = {KERNEL, start + 0x10, profile_story_address('b')};

	for (guint order = 0; order < G_N_ELEMENTS(byte_orders); order++) {
		struct perf_builder_ksymbol symbol = {
			.start = start, .size_bytes = 0x40, .type = 1, .name = "bpf_prog_1_hot"};
		struct ram_story told = ram_story_of(byte_orders[order]);
		struct perf_builder_stamp at = stamp_at(&told, told.ram_ns + 1000);
		struct loaded_profile *loaded;
		char *folded;

		for (guint i = 0; i < 4; i++)
			add_sample(&told, 1000 * i, chain, G_N_ELEMENTS(chain));
		colo_story_flush(told.story->story);
		perf_builder_ksymbol(told.story->builder, &at, &symbol);
		symbol.unregisters = true;
		at.time_ns = told.ram_ns + 3000;
		perf_builder_ksymbol(told.story->builder, &at, &symbol);
		loaded = loaded_profile_of(told.story);
		folded = folded_of(loaded);
		g_assert_cmpstr(folded, ==, "b;[unknown kernel] 2\nb;bpf_prog_1_hot 2\n");
		free(folded);
		loaded_profile_free(loaded);
	}
}

/* --- Addresses in no file --- */

/* n samples at each of the addresses, in a story with memory for code made at run time. */
static struct loaded_profile *nowhere_of(const guint64 *addresses, guint n_addresses, guint n_named)
{
	struct ram_story told = ram_story_of(G_BYTE_ORDER);
	const guint64 named[] = {KERNEL, profile_story_address('b')};
	const struct perf_builder_mmap generated = {.at = stamp_at(&told, 0),
						    .misc = PERF_RECORD_MISC_USER,
						    .start = 0x7f0000000000,
						    .size_bytes = 0x10000,
						    .path = "//anon"};

	perf_builder_mmap(told.story->builder, &generated);
	for (guint i = 0; i < n_named; i++)
		add_sample(&told, i, named, G_N_ELEMENTS(named));
	for (guint i = 0; i < n_addresses; i++) {
		const guint64 chain[] = {addresses[i] >> 63 ? KERNEL : USER, addresses[i]};

		add_sample(&told, n_named + i, chain, G_N_ELEMENTS(chain));
	}
	return loaded_profile_of(told.story);
}

static const struct {
	guint64 address;
	const char *code, *contains;
} boxes[] = {
	{0x900000, "not_mapped", "--call-graph dwarf"},
	{0xffffffffc0001000, "not_mapped_kernel", "--no-bpf-event"},
	{0x7f0000000100, "generated_code", "-jitdump"},
};

/* From 0.5 % on each has a warning of its own, and not below. */
static void test_addresses_in_no_file_are_warned_of(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(boxes); i++) {
		struct loaded_profile *loaded = nowhere_of(&boxes[i].address, 1, 199);

		for (guint other = 0; other < G_N_ELEMENTS(boxes); other++) {
			g_autofree char *warning = warning_of(loaded, boxes[other].code);

			g_assert_cmpint(warning != NULL, ==, other == i);
			g_assert_true(!warning || strstr(warning, boxes[i].contains));
			g_assert_true(!warning || strstr(warning, "1 sample (0.5%)"));
		}
		loaded_profile_free(loaded);
		loaded = nowhere_of(&boxes[i].address, 1, 401);
		g_assert_null(warning_of(loaded, boxes[i].code));
		loaded_profile_free(loaded);
	}
}

/* perf record --synth=no -p PID. */
static void test_process_without_mappings_is_told(void)
{
	struct profile_story *story = profile_story_new(G_BYTE_ORDER, &profile_story_cpu_clock);
	const struct colo_story_checkpoint checkpoint = profile_story_checkpoint(1);
	struct ram_story told = {.story = story, .side = usual_primary};
	const guint64 chain[] = {USER, QEMU_START};
	g_autofree char *warning = NULL;
	struct loaded_profile *loaded;

	colo_story_init(story->story, &told.side, 4000000);
	told.ram_ns = colo_story_phase_begin_ns(&told.side, &checkpoint, COLO_STORY_RAM);
	colo_story_checkpoint(story->story, &told.side, &checkpoint);
	add_sample(&told, 0, chain, G_N_ELEMENTS(chain));
	loaded = loaded_profile_of(story);
	warning = warning_of(loaded, "not_mapped");
	g_assert_nonnull(warning);
	g_assert_nonnull(strstr(warning, "--synth=no"));
	loaded_profile_free(loaded);
}

/* --- Records that numbers depend on, and that are not read --- */

static void test_samples_in_a_hardware_trace_are_warned_of(void)
{
	static const guint64 hw_id[] = {7};
	struct ram_story told = ram_story_of(G_BYTE_ORDER);
	const struct perf_builder_stamp at = stamp_at(&told, told.ram_ns);
	g_autofree char *warning = NULL;
	struct loaded_profile *loaded;

	colo_story_flush(told.story->story);
	perf_builder_numbers(told.story->builder, PERF_RECORD_AUX_OUTPUT_HW_ID, 0, &at, "8", hw_id,
			     NULL);
	loaded = loaded_profile_of(told.story);
	warning = warning_of(loaded, "unread_records");
	g_assert_nonnull(warning);
	g_assert_nonnull(strstr(warning, "AUX_OUTPUT_HW_ID"));
	loaded_profile_free(loaded);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/record_types/callers_behind_their_samples",
			test_callers_behind_their_samples);
	g_test_add_func("/record_types/callers_in_any_order", test_callers_in_any_order);
	g_test_add_func("/record_types/samples_without_callers_are_cut_off",
			test_samples_without_callers_are_cut_off);
	g_test_add_func("/record_types/cookie_is_never_a_frame", test_cookie_is_never_a_frame);
	g_test_add_func("/record_types/what_follows_an_unknown_mark_has_no_name",
			test_what_follows_an_unknown_mark_has_no_name);
	g_test_add_func("/record_types/ksymbols_of_a_recording", test_ksymbols_of_a_recording);
	g_test_add_func("/record_types/addresses_in_no_file_are_warned_of",
			test_addresses_in_no_file_are_warned_of);
	g_test_add_func("/record_types/process_without_mappings_is_told",
			test_process_without_mappings_is_told);
	g_test_add_func("/record_types/samples_in_a_hardware_trace_are_warned_of",
			test_samples_in_a_hardware_trace_are_warned_of);
	return g_test_run();
}
