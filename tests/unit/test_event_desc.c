/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfdata/perf_event: what call chains and profiles need of an event and its
 * samples. The names that perf gave the events, how deep a chain may be, and the
 * user's registers and stack.
 */
#include "perfdata/perf_sample.h"

#include "lib/small_file.h"

#include <string.h>

static const int byte_orders[] = {G_LITTLE_ENDIAN, G_BIG_ENDIAN};

/* --- Names --- */

static const char *const names[] = {"cpu_core/cycles/P", "cpu-clock", "dummy:HG"};

static struct perf_builder *named_builder(int byte_order, guint n_ids)
{
	struct perf_builder *builder = perf_builder_new(byte_order);

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		struct perf_builder_event event = small_file_clock_event;

		event.name = names[i];
		event.n_ids = n_ids;
		perf_builder_add_event(builder, &event);
	}
	perf_builder_finished_round(builder); /* without data the features are not looked for */
	return builder;
}

static void test_names_of_events(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		for (guint n_ids = 1; n_ids <= 3; n_ids++) {
			struct perf_builder *builder = named_builder(byte_orders[i], n_ids);
			struct perf_file *file = small_file_open(builder);
			const struct perf_events *events = perf_file_events(file);

			for (guint event = 0; event < G_N_ELEMENTS(names); event++)
				g_assert_cmpstr(perf_events_get(events, event)->name, ==,
						names[event]);
			perf_file_free(file);
			perf_builder_free(builder);
		}
	}
}

/* The attrs of EVENT_DESC have the size that it says, which need not be the header's. */
static void test_names_with_attrs_of_other_sizes(void)
{
	static const guint sizes[] = {64, 112, 136, 256};

	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		struct perf_builder *builder = perf_builder_new(G_BYTE_ORDER);
		struct perf_file *file;

		perf_builder_set_attr_size(builder, sizes[i]);
		for (guint event = 0; event < 2; event++)
			perf_builder_add_event(builder, &small_file_clock_event);
		perf_builder_finished_round(builder);
		file = small_file_open(builder);
		g_assert_cmpstr(perf_events_get(perf_file_events(file), 1)->name, ==, "cpu-clock");
		perf_file_free(file);
		perf_builder_free(builder);
	}
}

static void test_without_event_desc_there_are_no_names(void)
{
	struct perf_builder *builder = named_builder(G_BYTE_ORDER, 1);
	struct perf_file *file;

	perf_builder_omit_feature(builder, PERF_BUILDER_EVENT_DESC);
	file = small_file_open(builder);
	for (guint event = 0; event < G_N_ELEMENTS(names); event++)
		g_assert_null(perf_events_get(perf_file_events(file), event)->name);
	perf_file_free(file);
	perf_builder_free(builder);
}

/* Events with the ids that the builder gave them, without names yet. */
static struct perf_events *nameless_events(const struct perf_builder *builder)
{
	static const guint8 attr[PERF_ATTR_SIZE_VER0];
	struct perf_events *events = perf_events_new();

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_assert_cmpint(perf_events_add(events, attr, sizeof(attr), false, NULL), ==,
				(int)i);
		perf_events_add_id(events, perf_builder_event_id(builder, i, 0), i);
	}
	return events;
}

static GBytes *event_desc_of(struct perf_builder *builder)
{
	struct perf_file *file = small_file_open(builder);
	GBytes *section = g_bytes_ref(perf_file_feature(file, PERF_FEATURE_EVENT_DESC));

	perf_file_free(file);
	return section;
}

/* Each name that is there is the right one, and those that are there come first. */
static void test_cut_names(void)
{
	struct perf_builder *builder = named_builder(G_BYTE_ORDER, 2);
	g_autoptr(GBytes) section = event_desc_of(builder);
	const gsize size = g_bytes_get_size(section);
	guint last = 0;

	for (gsize cut = 0; cut <= size; cut++) {
		g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(section, NULL), cut);
		struct perf_events *events = nameless_events(builder);
		guint n = 0;

		perf_events_read_names(events, copy, cut, false);
		while (n < G_N_ELEMENTS(names) && perf_events_get(events, n)->name) {
			g_assert_cmpstr(perf_events_get(events, n)->name, ==, names[n]);
			n++;
		}
		for (guint i = n; i < G_N_ELEMENTS(names); i++)
			g_assert_null(perf_events_get(events, i)->name);
		g_assert_cmpuint(n, >=, last);
		last = n;
		perf_events_free(events);
	}
	g_assert_cmpuint(last, ==, G_N_ELEMENTS(names));
	perf_builder_free(builder);
}

/* Each byte in turn is made 0xff: no count, size or id is trusted. */
static void test_damaged_names(void)
{
	struct perf_builder *builder = named_builder(G_BYTE_ORDER, 2);
	g_autoptr(GBytes) section = event_desc_of(builder);
	const gsize size = g_bytes_get_size(section);

	for (gsize at = 0; at < size; at++) {
		g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(section, NULL), size);
		struct perf_events *events = nameless_events(builder);

		copy[at] = 0xff;
		perf_events_read_names(events, copy, size, false);
		for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
			const char *name = perf_events_get(events, i)->name;

			g_assert_true(!name || strlen(name) <= 64);
		}
		perf_events_free(events);
	}
	perf_builder_free(builder);
}

/* A name without a NUL within its length ends with its length. */
static void test_name_without_nul(void)
{
	struct perf_builder *builder = named_builder(G_BYTE_ORDER, 1);
	g_autoptr(GBytes) section = event_desc_of(builder);
	g_autofree guint8 *copy =
		g_memdup2(g_bytes_get_data(section, NULL), g_bytes_get_size(section));
	struct perf_events *events = nameless_events(builder);

	memset(copy + 8 + 128 + 4 + 4, 'x', 64);
	perf_events_read_names(events, copy, g_bytes_get_size(section), false);
	g_assert_cmpuint(strlen(perf_events_get(events, 0)->name), ==, 64);
	g_assert_cmpstr(perf_events_get(events, 1)->name, ==, names[1]);
	perf_events_free(events);
	perf_builder_free(builder);
}

/* --- max_stack --- */

static guint max_stack_of(int byte_order, guint attr_size, guint16 max_stack)
{
	struct perf_builder *builder = perf_builder_new(byte_order);
	struct perf_builder_event event = small_file_clock_event;
	struct perf_file *file;
	guint read;

	event.attr.sample_max_stack = max_stack;
	event.attr.sample_regs_user = G_MAXUINT64;
	perf_builder_set_attr_size(builder, attr_size);
	perf_builder_add_event(builder, &event);
	file = small_file_open(builder);
	read = perf_events_get(perf_file_events(file), 0)->max_stack;
	perf_file_free(file);
	perf_builder_free(builder);
	return read;
}

static void test_max_stack(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		g_assert_cmpuint(max_stack_of(byte_orders[i], 128, 0), ==, 127);
		g_assert_cmpuint(max_stack_of(byte_orders[i], 128, 0x1234), ==, 0x1234);
		g_assert_cmpuint(max_stack_of(byte_orders[i], 112, 1), ==, 1);
		g_assert_cmpuint(max_stack_of(byte_orders[i], 256, G_MAXUINT16), ==, G_MAXUINT16);
		/* An attr that is older than the field. */
		g_assert_cmpuint(max_stack_of(byte_orders[i], 104, 9), ==, 127);
		g_assert_cmpuint(max_stack_of(byte_orders[i], 64, 9), ==, 127);
	}
}

/* --- The user's registers and stack --- */

#define REGS_MASK  G_GUINT64_CONSTANT(0xff0fff) /* 20 of x86's */
#define N_REGS	   20
#define STACK_SIZE 64

static guint64 number_at(const guint8 *tainted, guint index, int byte_order)
{
	guint64 number;

	memcpy(&number, tainted + 8 * index, 8);
	return byte_order == G_LITTLE_ENDIAN ? GUINT64_FROM_LE(number) : GUINT64_FROM_BE(number);
}

static struct perf_builder *user_state_builder(int byte_order, guint64 sample_type,
					       guint64 regs_abi, gsize stack_size)
{
	static const guint64 chain[] = {PERF_CONTEXT_USER, 0x1111};
	struct perf_builder *builder = perf_builder_new(byte_order);
	struct perf_builder_event event = small_file_clock_event;
	guint64 regs[N_REGS];
	guint8 stack[STACK_SIZE];
	const struct perf_builder_sample sample = {.at = {.pid = 10, .tid = 11},
						   .chain = chain,
						   .n_chain = G_N_ELEMENTS(chain),
						   .regs_abi = regs_abi,
						   .regs = regs,
						   .stack = stack,
						   .stack_size_bytes = stack_size,
						   .stack_valid_bytes = stack_size / 2};

	for (guint i = 0; i < N_REGS; i++)
		regs[i] = 0x1000 + i;
	for (guint i = 0; i < STACK_SIZE; i++)
		stack[i] = (guint8)(i + 1);
	event.attr.sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE | sample_type;
	event.attr.sample_regs_user = REGS_MASK;
	event.attr.sample_stack_user = STACK_SIZE;
	perf_builder_add_event(builder, &event);
	perf_builder_sample(builder, &sample);
	return builder;
}

/* What one sample is decoded to; the file is kept open for its bytes. */
struct decoded {
	struct perf_builder *builder;
	struct perf_file *file;
	struct perf_record record;
	const struct perf_event *event;
	struct perf_sample sample;
};

static struct decoded decode(struct perf_builder *builder)
{
	struct decoded decoded = {.builder = builder, .file = small_file_open(builder)};

	decoded.event = perf_events_get(perf_file_events(decoded.file), 0);
	g_assert_cmphex(decoded.event->sample_regs_user, ==, REGS_MASK);
	g_assert_cmpint(perf_file_next_record(decoded.file, &decoded.record, NULL), ==,
			PERF_NEXT_RECORD);
	g_assert_true(perf_sample_decode(decoded.event, decoded.record.tainted_body,
					 decoded.record.body_size,
					 perf_file_is_swapped(decoded.file), &decoded.sample));
	g_assert_cmpuint(decoded.sample.callchain_len, ==, 2);
	return decoded;
}

static void decoded_clear(struct decoded *decoded)
{
	perf_file_free(decoded->file);
	perf_builder_free(decoded->builder);
}

#define USER_STATE (PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER)

static void test_user_registers_and_stack(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		struct decoded decoded = decode(user_state_builder(
			byte_orders[i], USER_STATE, PERF_SAMPLE_REGS_ABI_64, STACK_SIZE));

		g_assert_cmpuint(decoded.sample.regs_abi, ==, PERF_SAMPLE_REGS_ABI_64);
		g_assert_nonnull(decoded.sample.tainted_regs);
		for (guint reg = 0; reg < N_REGS; reg++)
			g_assert_cmphex(number_at(decoded.sample.tainted_regs, reg, byte_orders[i]),
					==, 0x1000 + reg);
		g_assert_cmpuint(decoded.sample.stack_size, ==, STACK_SIZE / 2);
		for (guint at = 0; at < STACK_SIZE / 2; at++)
			g_assert_cmpuint(decoded.sample.tainted_stack[at], ==, at + 1);
		decoded_clear(&decoded);
	}
}

static void assert_no_user_state(guint64 sample_type, guint64 regs_abi, gsize stack_size)
{
	struct decoded decoded =
		decode(user_state_builder(G_BYTE_ORDER, sample_type, regs_abi, stack_size));

	g_assert_null(decoded.sample.tainted_regs);
	g_assert_null(decoded.sample.tainted_stack);
	decoded_clear(&decoded);
}

/* A kernel thread has neither; the other half alone leads nowhere. */
static void test_half_of_the_user_state_is_none(void)
{
	assert_no_user_state(0, 0, 0);
	assert_no_user_state(USER_STATE, PERF_SAMPLE_REGS_ABI_NONE, 0);
	assert_no_user_state(USER_STATE, PERF_SAMPLE_REGS_ABI_NONE, STACK_SIZE);
	assert_no_user_state(USER_STATE, PERF_SAMPLE_REGS_ABI_64, 0);
	assert_no_user_state(PERF_SAMPLE_REGS_USER, PERF_SAMPLE_REGS_ABI_64, STACK_SIZE);
	assert_no_user_state(PERF_SAMPLE_STACK_USER, PERF_SAMPLE_REGS_ABI_64, STACK_SIZE);
}

/* What comes before it is good all the same. */
static void test_cut_user_state_is_none(void)
{
	struct decoded whole = decode(
		user_state_builder(G_BYTE_ORDER, USER_STATE, PERF_SAMPLE_REGS_ABI_64, STACK_SIZE));
	const gsize state_size = 8 + 8 * N_REGS + 8 + STACK_SIZE + 8;

	for (gsize cut = whole.record.body_size - state_size; cut < whole.record.body_size; cut++) {
		g_autofree guint8 *copy = g_memdup2(whole.record.tainted_body, cut);
		struct perf_sample sample;

		g_assert_true(perf_sample_decode(whole.event, copy, cut, false, &sample));
		g_assert_cmpuint(sample.callchain_len, ==, 2);
		g_assert_null(sample.tainted_regs);
		g_assert_null(sample.tainted_stack);
	}
	decoded_clear(&whole);
}

/* The valid size cannot be larger than the stack, and the stack not larger than the record. */
static void test_absurd_stack_sizes(void)
{
	struct decoded whole = decode(
		user_state_builder(G_BYTE_ORDER, USER_STATE, PERF_SAMPLE_REGS_ABI_64, STACK_SIZE));
	const gsize size = whole.record.body_size;
	g_autofree guint8 *copy = g_memdup2(whole.record.tainted_body, size);
	const guint64 sizes[] = {STACK_SIZE + 8, STACK_SIZE + 1, G_MAXUINT64,
				 G_GUINT64_CONSTANT(1) << 63, G_MAXUINT64 - 7};
	struct perf_sample sample;

	memset(copy + size - 8, 0xff, 8);
	g_assert_true(perf_sample_decode(whole.event, copy, size, false, &sample));
	g_assert_cmpuint(sample.stack_size, ==, STACK_SIZE);
	for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
		memcpy(copy + size - 8 - STACK_SIZE - 8, &sizes[i], 8);
		g_assert_true(perf_sample_decode(whole.event, copy, size, false, &sample));
		g_assert_null(sample.tainted_regs);
		g_assert_null(sample.tainted_stack);
	}
	decoded_clear(&whole);
}

/* The branches stand before the registers and have to be passed over. */
static void test_user_state_behind_branches(void)
{
	static const struct {
		guint64 branch_sample_type;
		guint words; /* of two branches, with their number */
	} cases[] = {{PERF_SAMPLE_BRANCH_ANY, 1 + 2 * 3},
		     {PERF_SAMPLE_BRANCH_ANY | PERF_SAMPLE_BRANCH_HW_INDEX, 2 + 2 * 3},
		     {PERF_SAMPLE_BRANCH_ANY | 1 << 19, 1 + 2 * 4}};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct perf_event event = {.sample_type =
							 PERF_SAMPLE_BRANCH_STACK | USER_STATE,
						 .branch_sample_type = cases[i].branch_sample_type,
						 .sample_regs_user = 1};
		guint64 body[16] = {2};
		guint64 *state = body + cases[i].words;
		const gsize size = 8 * (cases[i].words + 5);
		struct perf_sample sample;

		memcpy(state, (guint64[]){PERF_SAMPLE_REGS_ABI_64, 0xabcd, 8, 0x55, 8}, 40);
		g_assert_true(
			perf_sample_decode(&event, (const guint8 *)body, size, false, &sample));
		g_assert_cmphex(number_at(sample.tainted_regs, 0, G_BYTE_ORDER), ==, 0xabcd);
		g_assert_cmphex(number_at(sample.tainted_stack, 0, G_BYTE_ORDER), ==, 0x55);
		g_assert_cmpuint(sample.stack_size, ==, 8);
		/* Counts that, times their size, are small again in 64 bits. */
		body[0] = G_GUINT64_CONSTANT(0x5555555555555556);
		g_assert_true(
			perf_sample_decode(&event, (const guint8 *)body, size, false, &sample));
		g_assert_null(sample.tainted_regs);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/event_desc/names_of_events", test_names_of_events);
	g_test_add_func("/event_desc/names_with_attrs_of_other_sizes",
			test_names_with_attrs_of_other_sizes);
	g_test_add_func("/event_desc/without_event_desc_there_are_no_names",
			test_without_event_desc_there_are_no_names);
	g_test_add_func("/event_desc/cut_names", test_cut_names);
	g_test_add_func("/event_desc/damaged_names", test_damaged_names);
	g_test_add_func("/event_desc/name_without_nul", test_name_without_nul);
	g_test_add_func("/event_desc/max_stack", test_max_stack);
	g_test_add_func("/event_desc/user_registers_and_stack", test_user_registers_and_stack);
	g_test_add_func("/event_desc/half_of_the_user_state_is_none",
			test_half_of_the_user_state_is_none);
	g_test_add_func("/event_desc/cut_user_state_is_none", test_cut_user_state_is_none);
	g_test_add_func("/event_desc/absurd_stack_sizes", test_absurd_stack_sizes);
	g_test_add_func("/event_desc/user_state_behind_branches", test_user_state_behind_branches);
	return g_test_run();
}
