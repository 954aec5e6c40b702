/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The pairing: any hits, in the order of time, make sessions of which the invariants hold,
 * and each hit is accounted for.
 */
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_hits.h"
#include "fuzz/invariants.h"

#include "colo/duplicates.h"
#include "colo/hit_log.h"
#include "lib/settling.h"

#include <string.h>

#define NS_PER_TICK 1024

/* What the last hit was, which the next one departs from. */
struct state {
	uint64_t time_ns, seq;
};

static struct colo_hit decode(const struct fuzz_hit *from, struct state *state)
{
	const char *name = fuzz_probe_names[from->probe % G_N_ELEMENTS(fuzz_probe_names)];
	uint64_t ns = (uint64_t)(int64_t)from->ticks * NS_PER_TICK;
	uint64_t seq = (uint64_t)(int64_t)from->seq, amount = from->amount;
	struct colo_hit hit = {.probe = colo_probe_find(name)};

	g_assert_nonnull(hit.probe);
	state->time_ns += from->flags & FUZZ_HIT_LARGE_TIME ? ns << 31 : ns;
	state->seq += from->flags & FUZZ_HIT_LARGE_SEQ ? seq << 56 : seq;
	if (from->flags & FUZZ_HIT_LARGE_AMOUNT)
		amount <<= 56;
	hit.time_ns = state->time_ns;
	hit.source = (from->flags & FUZZ_HIT_SOURCE) != 0;
	hit.pid = 100 + ((from->flags & FUZZ_HIT_PID) != 0);
	hit.tid = hit.pid + ((from->flags & FUZZ_HIT_OTHER_TID) != 0);
	/* Any bits will do. */
	hit.event = from->amount & 1;
	hit.place = from->amount >> 1 & 1;
	for (unsigned int i = 0; i < hit.probe->n_args; i++)
		hit.args[i] = (int64_t)amount;
	hit.args[0] = from->flags & FUZZ_HIT_ROLE;
	if (hit.probe->kind != COLO_PROBE_EXIT && hit.probe->n_args > 1)
		hit.args[1] = (int64_t)state->seq;
	return hit;
}

/* In the order of time, of those with the same one in that of the input. */
static int compare_times(const void *a, const void *b)
{
	const struct colo_hit *left = a, *right = b;

	return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

static GArray *decode_all(const uint8_t *data, size_t size)
{
	GArray *hits = g_array_new(FALSE, FALSE, sizeof(struct colo_hit));
	struct state state = {.time_ns = G_GUINT64_CONSTANT(1) << 40, .seq = 1};
	struct fuzz_hit from;

	for (; size >= sizeof(from); data += sizeof(from), size -= sizeof(from)) {
		struct colo_hit hit;

		memcpy(&from, data, sizeof(from));
		hit = decode(&from, &state);
		g_array_append_val(hits, hit);
	}
	return hits;
}

/* Sorts the hits; the log that a recording keeps them in has to do the same. */
static void sort(GArray *hits)
{
	struct hit_log *log = hit_log_new();
	struct colo_hit hit;

	for (guint i = 0; i < hits->len; i++)
		hit_log_add(log, &g_array_index(hits, struct colo_hit, i));
	g_array_sort(hits, compare_times); /* a stable one */
	for (guint i = 0; i < hits->len; i++) {
		const struct colo_hit *expected = &g_array_index(hits, struct colo_hit, i);

		g_assert_true(hit_log_take(log, &hit));
		g_assert_cmpuint(hit.time_ns, ==, expected->time_ns);
		g_assert_cmpuint(hit.source, ==, expected->source);
		g_assert_cmpuint(hit.pid, ==, expected->pid);
		g_assert_cmpuint(hit.tid, ==, expected->tid);
		g_assert_cmpuint(hit.event, ==, expected->event);
		g_assert_cmpuint(hit.place, ==, expected->place);
		g_assert_true(hit.probe == expected->probe);
		g_assert_cmpmem(hit.args, hit.probe->n_args * sizeof(hit.args[0]), expected->args,
				hit.probe->n_args * sizeof(hit.args[0]));
	}
	g_assert_false(hit_log_take(log, &hit));
	hit_log_free(log);
}

/* What the sessions must account for. */
struct tally {
	uint64_t n_ends, n_triggers, n_invalid; /* n_ends: begins and ends of windows */
	uint64_t n_duplicates;
};

static bool has_seq(enum colo_probe_kind kind)
{
	return kind == COLO_PROBE_BEGIN || kind == COLO_PROBE_END || kind == COLO_PROBE_COUNTERS;
}

static void count_hit(struct tally *tally, const struct colo_hit *hit)
{
	if ((hit->args[0] != 1 && hit->args[0] != 2) ||
	    (has_seq(hit->probe->kind) && hit->args[1] < 1))
		tally->n_invalid++;
	else if (hit->probe->kind == COLO_PROBE_TRIGGER)
		tally->n_triggers++;
	else if (hit->probe->kind != COLO_PROBE_COUNTERS && hit->probe->kind != COLO_PROBE_EXIT)
		tally->n_ends++;
}

static void count_session(struct tally *tally, const struct colo_session *session)
{
	tally->n_ends += session->init.has_begin + session->init.has_end;
	tally->n_ends += session->anomalies.repeated;
	for (unsigned int i = 0; i < COLO_N_TRIGGERS; i++)
		tally->n_triggers += session->triggers[i];
	for (guint i = 0; i < session->checkpoints->len; i++) {
		const struct colo_checkpoint *checkpoint =
			&g_array_index(session->checkpoints, struct colo_checkpoint, i);

		for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++)
			tally->n_ends += checkpoint->windows[phase].has_begin +
					 checkpoint->windows[phase].has_end;
	}
}

/* Of one checkpoint in the middle, so that there is something on both sides. */
static void check_selections(const struct colo_session *session)
{
	const struct colo_selection all = COLO_SELECT_ALL;
	const struct colo_checkpoint *middle;
	struct colo_selection choices[] = {all, all, all};

	if (!session->checkpoints->len)
		return;
	middle = &g_array_index(session->checkpoints, struct colo_checkpoint,
				session->checkpoints->len / 2);
	choices[1].skip = 1;
	choices[2].first_seq = choices[2].last_seq = middle->seq;
	check_halves(
		session, middle->seq,
		(int64_t)(middle->windows[COLO_PHASE_CHECKPOINT].begin_ns - session->origin_ns));
	for (guint i = 0; i < G_N_ELEMENTS(choices); i++) {
		struct colo_summary *summary = colo_summary_new(session, &choices[i]);

		check_summary(summary, &choices[i]);
		check_parts(session, &choices[i]);
		colo_summary_free(summary);
	}
}

/* Every other process ends as soon as it was seen. */
static bool find_end(uint32_t source G_GNUC_UNUSED, uint32_t pid, uint64_t since_ns,
		     uint64_t *end_ns, void *data G_GNUC_UNUSED)
{
	*end_ns = since_ns;
	return pid % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GArray) hits = decode_all(data, size);
	struct colo_model *model = colo_model_new();
	struct duplicates *duplicates = duplicates_new();
	struct tally given = {0}, found = {0};
	const GPtrArray *sessions;

	sort(hits);
	settling_check(hits, 1, MAX(hits->len / 3, 1));
	for (guint i = 0; i < hits->len; i++) {
		const struct colo_hit *hit = &g_array_index(hits, struct colo_hit, i);

		if (duplicates_take(duplicates, hit))
			given.n_duplicates++;
		else
			count_hit(&given, hit);
		colo_model_add(model, hit);
	}
	colo_model_find_process_ends(model, find_end, NULL);
	colo_model_finish(model);
	sessions = colo_model_sessions(model);
	found.n_invalid = colo_model_invalid_hits(model);
	found.n_duplicates =
		colo_model_duplicate_hits(model, 0) + colo_model_duplicate_hits(model, 1);
	for (guint i = 0; i < sessions->len; i++) {
		const struct colo_session *session = g_ptr_array_index(sessions, i);

		check_session(session);
		check_selections(session);
		count_session(&found, session);
	}
	g_assert_cmpuint(found.n_ends, ==, given.n_ends);
	g_assert_cmpuint(found.n_triggers, ==, given.n_triggers);
	g_assert_cmpuint(found.n_invalid, ==, given.n_invalid);
	g_assert_cmpuint(found.n_duplicates, ==, given.n_duplicates);
	duplicates_free(duplicates);
	colo_model_free(model);
	return 0;
}
