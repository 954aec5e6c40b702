/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * colo/parts: each moment of a complete checkpoint is in one part, and what was not
 * seen whole is in none. The checkpoints are made here, without hits.
 */
#include "colo/parts.h"

#include "lib/dice.h"

#define START_NS 1000

/* What was visited. */
struct visit {
	guint part;
	guint64 seq, begin_ns, end_ns;
};

static void add_visit(unsigned int part, uint64_t seq, uint64_t begin_ns, uint64_t end_ns,
		      void *data)
{
	const struct visit visit = {part, seq, begin_ns, end_ns};

	g_array_append_val((GArray *)data, visit);
}

static struct colo_session session_of(enum colo_role role)
{
	return (struct colo_session){
		.role = role,
		.origin_ns = START_NS,
		.checkpoints = g_array_new(FALSE, FALSE, sizeof(struct colo_checkpoint))};
}

static GArray *visits_of(const struct colo_session *session, const struct colo_selection *selection)
{
	GArray *visits = g_array_new(FALSE, FALSE, sizeof(struct visit));

	colo_session_visit_parts(session, selection, add_visit, visits);
	return visits;
}

static GArray *all_visits_of(const struct colo_session *session)
{
	return visits_of(session, &COLO_SELECT_ALL);
}

static struct colo_window window_of(guint64 begin_ns, guint64 end_ns)
{
	return (struct colo_window){
		.begin_ns = begin_ns, .end_ns = end_ns, .has_begin = true, .has_end = true};
}

/* A wait of 50 ns; then each phase takes 10 ns, and each gap `gap_ns`. */
static struct colo_checkpoint checkpoint_of(enum colo_role role, guint64 seq, guint64 begin_ns,
					    guint64 gap_ns)
{
	struct colo_checkpoint checkpoint = {.seq = seq, .state = COLO_CHECKPOINT_COMPLETE};
	guint64 now_ns = begin_ns;
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	checkpoint.windows[COLO_PHASE_WAIT] = window_of(begin_ns - 50, begin_ns);
	for (guint i = 0; i < n; i++) {
		now_ns += gap_ns;
		checkpoint.windows[phases[i]] = window_of(now_ns, now_ns + 10);
		now_ns += 10;
	}
	checkpoint.windows[COLO_PHASE_CHECKPOINT] = window_of(begin_ns, now_ns + gap_ns);
	return checkpoint;
}

static void add(struct colo_session *session, const struct colo_checkpoint *checkpoint)
{
	g_array_append_val(session->checkpoints, *checkpoint);
}

static guint64 sum_ns(const GArray *visits, guint part)
{
	guint64 sum = 0;

	for (guint i = 0; i < visits->len; i++) {
		const struct visit *visit = &g_array_index(visits, struct visit, i);

		if (visit->part == part)
			sum += visit->end_ns - visit->begin_ns;
	}
	return sum;
}

static guint count_of(const GArray *visits, guint part)
{
	guint n = 0;

	for (guint i = 0; i < visits->len; i++)
		n += g_array_index(visits, struct visit, i).part == part;
	return n;
}

static void test_names(void)
{
	for (guint part = 0; part < COLO_N_PARTS; part++)
		g_assert_cmpuint(colo_part_find(colo_part_name(part)), ==, part);
	g_assert_cmpstr(colo_part_name(COLO_PHASE_RAM), ==, "ram");
	g_assert_cmpstr(colo_part_name(COLO_PHASE_WAIT), ==, "wait");
	g_assert_cmpstr(colo_part_name(COLO_PART_OTHER), ==, "other");
	/* The checkpoint is what they are parts of. */
	g_assert_cmpuint(colo_part_find("checkpoint"), ==, COLO_N_PARTS);
	g_assert_cmpuint(colo_part_find("pause"), ==, COLO_N_PARTS);
	g_assert_cmpuint(colo_part_find("ra"), ==, COLO_N_PARTS);
	g_assert_cmpuint(colo_part_find(""), ==, COLO_N_PARTS);
}

static void test_parts_of_each_role(void)
{
	for (guint part = 0; part < COLO_N_PARTS; part++) {
		g_assert_cmpint(colo_role_has_part(COLO_ROLE_PRIMARY, part), ==,
				part != COLO_PHASE_REPLY && part != COLO_PHASE_FLUSH);
		g_assert_cmpint(colo_role_has_part(COLO_ROLE_SECONDARY, part), ==,
				part != COLO_PHASE_REQUEST);
	}
	g_assert_false(colo_role_has_part(COLO_ROLE_PRIMARY, COLO_N_PARTS));
}

/* The wait, the phases as they are, then the gaps, all with their checkpoint's number. */
static void check_complete(enum colo_role role)
{
	struct colo_session session = session_of(role);
	const struct colo_checkpoint checkpoint = checkpoint_of(role, 17, 5000, 3);
	g_autoptr(GArray) visits = NULL;
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	add(&session, &checkpoint);
	visits = all_visits_of(&session);
	g_assert_cmpuint(visits->len, ==, 1 + n + n + 1);
	for (guint i = 0; i < visits->len; i++) {
		const struct visit *visit = &g_array_index(visits, struct visit, i);

		g_assert_cmpuint(visit->seq, ==, 17);
		g_assert_cmpuint(visit->part, ==,
				 i == 0	  ? COLO_PHASE_WAIT
				 : i <= n ? phases[i - 1]
					  : COLO_PART_OTHER);
		if (i <= n) {
			g_assert_cmpuint(visit->begin_ns, ==,
					 checkpoint.windows[visit->part].begin_ns);
			g_assert_cmpuint(visit->end_ns, ==, checkpoint.windows[visit->part].end_ns);
		} else {
			g_assert_cmpuint(visit->begin_ns, ==, 5000 + 13 * (i - n - 1));
			g_assert_cmpuint(visit->end_ns, ==, visit->begin_ns + 3);
		}
	}
	g_array_unref(session.checkpoints);
}

static void test_complete_checkpoint(void)
{
	check_complete(COLO_ROLE_PRIMARY);
	check_complete(COLO_ROLE_SECONDARY);
}

static void test_without_gaps_there_is_no_other(void)
{
	struct colo_session session = session_of(COLO_ROLE_PRIMARY);
	const struct colo_checkpoint checkpoint = checkpoint_of(COLO_ROLE_PRIMARY, 1, 5000, 0);
	g_autoptr(GArray) visits = NULL;

	add(&session, &checkpoint);
	visits = all_visits_of(&session);
	g_assert_cmpuint(count_of(visits, COLO_PART_OTHER), ==, 0);
	g_assert_cmpuint(visits->len, ==, 11);
	g_array_unref(session.checkpoints);
}

static void test_only_complete_checkpoints_have_parts(void)
{
	for (guint state = 0; state < COLO_N_CHECKPOINT_STATES; state++) {
		struct colo_session session = session_of(COLO_ROLE_PRIMARY);
		struct colo_checkpoint checkpoint = checkpoint_of(COLO_ROLE_PRIMARY, 1, 5000, 3);
		g_autoptr(GArray) visits = NULL;

		checkpoint.state = (enum colo_checkpoint_state)state;
		add(&session, &checkpoint);
		visits = all_visits_of(&session);
		g_assert_cmpint(visits->len != 0, ==, state == COLO_CHECKPOINT_COMPLETE);
		g_array_unref(session.checkpoints);
	}
}

/* Half of it, or an end before its begin: it is left out, and so is what lies in no phase. */
static void test_phase_that_was_not_seen_whole(void)
{
	const struct colo_window broken[] = {
		{0},
		{.begin_ns = 5040, .has_begin = true},
		{.end_ns = 5040, .has_end = true},
		{.begin_ns = 5040, .end_ns = 5039, .has_begin = true, .has_end = true},
		{.begin_ns = 1, .end_ns = G_MAXUINT64, .has_begin = true, .has_end = true},
	};

	for (guint i = 0; i < G_N_ELEMENTS(broken); i++) {
		struct colo_session session = session_of(COLO_ROLE_PRIMARY);
		struct colo_checkpoint checkpoint = checkpoint_of(COLO_ROLE_PRIMARY, 1, 5000, 3);
		g_autoptr(GArray) visits = NULL;

		checkpoint.windows[COLO_PHASE_DEV] = broken[i];
		add(&session, &checkpoint);
		visits = all_visits_of(&session);
		g_assert_cmpuint(count_of(visits, COLO_PHASE_DEV), ==, 0);
		g_assert_cmpuint(count_of(visits, COLO_PART_OTHER), ==, 0);
		g_assert_cmpuint(visits->len, ==, 10);
		g_array_unref(session.checkpoints);
	}
}

/* The first checkpoint of a recording may have none; the rest of it is whole. */
static void test_wait_that_was_not_seen_whole(void)
{
	struct colo_session session = session_of(COLO_ROLE_SECONDARY);
	struct colo_checkpoint checkpoint = checkpoint_of(COLO_ROLE_SECONDARY, 1, 5000, 3);
	g_autoptr(GArray) visits = NULL;

	checkpoint.windows[COLO_PHASE_WAIT].has_begin = false;
	add(&session, &checkpoint);
	visits = all_visits_of(&session);
	g_assert_cmpuint(count_of(visits, COLO_PHASE_WAIT), ==, 0);
	g_assert_cmpuint(visits->len, ==, 11 + 12);
	g_array_unref(session.checkpoints);
}

/* What the other side's probes left in this session is no part of it. */
static void test_phase_of_the_other_role(void)
{
	struct colo_session session = session_of(COLO_ROLE_PRIMARY);
	struct colo_checkpoint checkpoint = checkpoint_of(COLO_ROLE_PRIMARY, 1, 5000, 3);
	g_autoptr(GArray) visits = NULL;

	checkpoint.windows[COLO_PHASE_FLUSH] = window_of(5000, 5005);
	add(&session, &checkpoint);
	visits = all_visits_of(&session);
	g_assert_cmpuint(count_of(visits, COLO_PHASE_FLUSH), ==, 0);
	g_array_unref(session.checkpoints);
}

static guint64 seqs_of(const struct colo_session *session, const struct colo_selection *selection)
{
	g_autoptr(GArray) visits = visits_of(session, selection);
	guint64 seqs = 0;

	for (guint i = 0; i < visits->len; i++)
		seqs |= G_GUINT64_CONSTANT(1) << g_array_index(visits, struct visit, i).seq;
	return seqs;
}

static void test_selection(void)
{
	struct colo_session session = session_of(COLO_ROLE_PRIMARY);
	struct colo_selection selection = COLO_SELECT_ALL;

	for (guint64 seq = 1; seq <= 5; seq++) {
		struct colo_checkpoint checkpoint =
			checkpoint_of(COLO_ROLE_PRIMARY, seq, START_NS + 1000 * seq, 3);

		if (seq == 2)
			checkpoint.state = COLO_CHECKPOINT_ABORTED;
		add(&session, &checkpoint);
	}
	g_assert_cmphex(seqs_of(&session, &selection), ==, 0x3a); /* bits 1, 3, 4, 5 */
	selection.first_seq = 3;
	selection.last_seq = 4;
	g_assert_cmphex(seqs_of(&session, &selection), ==, 0x18);
	selection = COLO_SELECT_ALL;
	selection.skip = 2;
	g_assert_cmphex(seqs_of(&session, &selection), ==, 0x30);
	selection = COLO_SELECT_ALL;
	selection.since_ns = 3000;
	selection.until_ns = 5000;
	g_assert_cmphex(seqs_of(&session, &selection), ==, 0x18);
	g_array_unref(session.checkpoints);
}

/* --- Each moment in one part --- */

/* In how many parts each nanosecond of the checkpoint is: in one, and as long as is said. */
static void check_moments(const struct colo_session *session)
{
	const struct colo_checkpoint *checkpoint =
		&g_array_index(session->checkpoints, struct colo_checkpoint, 0);
	const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];
	const guint64 size = whole->end_ns - whole->begin_ns;
	g_autoptr(GArray) visits = all_visits_of(session);
	g_autofree guint8 *parts = g_new0(guint8, size + 1);

	for (guint i = 0; i < visits->len; i++) {
		const struct visit *visit = &g_array_index(visits, struct visit, i);

		if (visit->part == COLO_PHASE_WAIT)
			continue;
		g_assert_cmpuint(visit->begin_ns, >=, whole->begin_ns);
		g_assert_cmpuint(visit->end_ns, <=, whole->end_ns);
		for (guint64 at = visit->begin_ns; at < visit->end_ns; at++)
			parts[at - whole->begin_ns]++;
	}
	for (guint64 at = 0; at < size; at++)
		g_assert_cmpuint(parts[at], ==, 1);
	g_assert_cmpint((gint64)sum_ns(visits, COLO_PART_OTHER), ==,
			colo_checkpoint_other_ns(session->role, checkpoint).value);
}

/* Phases and gaps of any length, also of none. */
static void test_each_moment_is_in_one_part(void)
{
	struct dice dice = dice_of(11);

	for (guint round = 0; round < 500; round++) {
		const enum colo_role role = round % 2 ? COLO_ROLE_PRIMARY : COLO_ROLE_SECONDARY;
		struct colo_session session = session_of(role);
		struct colo_checkpoint checkpoint = checkpoint_of(role, 1, 5000, 0);
		guint64 now_ns = 5000;
		guint n;
		const enum colo_phase *phases = colo_role_phases(role, &n);

		for (guint i = 0; i < n; i++) {
			const guint64 begin_ns = now_ns + dice_range(&dice, 0, 4);

			now_ns = begin_ns + dice_range(&dice, 0, 20);
			checkpoint.windows[phases[i]] = window_of(begin_ns, now_ns);
		}
		checkpoint.windows[COLO_PHASE_CHECKPOINT].end_ns = now_ns + dice_range(&dice, 0, 4);
		add(&session, &checkpoint);
		check_moments(&session);
		g_array_unref(session.checkpoints);
	}
}

/* Two phases have changed their places: what lies between them is the same. */
static void test_each_moment_is_in_one_part_in_any_order(void)
{
	guint n;
	const enum colo_phase *phases = colo_role_phases(COLO_ROLE_PRIMARY, &n);

	for (guint i = 0; i < n; i++) {
		struct colo_session session = session_of(COLO_ROLE_PRIMARY);
		struct colo_checkpoint checkpoint = checkpoint_of(COLO_ROLE_PRIMARY, 1, 5000, 3);
		const struct colo_window window = checkpoint.windows[phases[i]];

		checkpoint.windows[phases[i]] = checkpoint.windows[phases[n / 2]];
		checkpoint.windows[phases[n / 2]] = window;
		add(&session, &checkpoint);
		check_moments(&session);
		g_array_unref(session.checkpoints);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/parts/names", test_names);
	g_test_add_func("/parts/parts_of_each_role", test_parts_of_each_role);
	g_test_add_func("/parts/complete_checkpoint", test_complete_checkpoint);
	g_test_add_func("/parts/without_gaps_there_is_no_other",
			test_without_gaps_there_is_no_other);
	g_test_add_func("/parts/only_complete_checkpoints_have_parts",
			test_only_complete_checkpoints_have_parts);
	g_test_add_func("/parts/phase_that_was_not_seen_whole", test_phase_that_was_not_seen_whole);
	g_test_add_func("/parts/wait_that_was_not_seen_whole", test_wait_that_was_not_seen_whole);
	g_test_add_func("/parts/phase_of_the_other_role", test_phase_of_the_other_role);
	g_test_add_func("/parts/selection", test_selection);
	g_test_add_func("/parts/each_moment_is_in_one_part", test_each_moment_is_in_one_part);
	g_test_add_func("/parts/each_moment_is_in_one_part_in_any_order",
			test_each_moment_is_in_one_part_in_any_order);
	return g_test_run();
}
