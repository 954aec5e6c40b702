/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * colo/model and colo/summary: what is complete, what is counted as not
 * fitting, which checkpoints are chosen, and the numbers that follow.
 */
#include "colo/summary.h"

static bool stop_at(const struct colo_session *session, guint index, struct colo_stop *stop)
{
	g_assert_cmpuint(index, <, session->checkpoints->len);
	return colo_checkpoint_stop(
		session, &g_array_index(session->checkpoints, struct colo_checkpoint, index), stop);
}

/* A small language for hits: each call is one hit, a microsecond after the last. */
struct teller {
	struct colo_model *model;
	uint64_t now_ns;
	enum colo_role role;
	uint32_t pid, source;
};

static struct teller teller_of(struct colo_model *model, enum colo_role role)
{
	return (struct teller){.model = model, .now_ns = 1000, .role = role, .pid = 10 + role};
}

static void hit(struct teller *teller, const char *name, int64_t second, int64_t third)
{
	struct colo_hit told = {
		.time_ns = teller->now_ns,
		.source = teller->source,
		.pid = teller->pid,
		.tid = teller->pid + 100,
		.probe = colo_probe_find(name),
		.args = {teller->role, second, third, 4, 5, 6},
	};

	g_assert_nonnull(told.probe);
	colo_model_add(teller->model, &told);
	teller->now_ns += 1000;
}

static void begin(struct teller *teller, const char *phase, int64_t seq)
{
	g_autofree char *name = g_strdup_printf("colo_%s_begin", phase);

	hit(teller, name, seq, 0);
}

static void end(struct teller *teller, const char *phase, int64_t seq, int64_t third)
{
	g_autofree char *name = g_strdup_printf("colo_%s_end", phase);

	hit(teller, name, seq, third);
}

static void phase(struct teller *teller, enum colo_phase which, int64_t seq)
{
	begin(teller, colo_phase_name(which), seq);
	end(teller, colo_phase_name(which), seq, 7);
}

/* A checkpoint whose phases take 1000 ns each, as do the gaps. */
static void checkpoint_of_phases(struct teller *teller, int64_t seq)
{
	guint n;
	const enum colo_phase *phases = colo_role_phases(teller->role, &n);

	begin(teller, "checkpoint", seq);
	for (guint i = 0; i < n; i++)
		phase(teller, phases[i], seq);
	end(teller, "checkpoint", seq, 0);
}

/* A wait of 1000 ns, then the checkpoint. */
static void checkpoint(struct teller *teller, int64_t seq)
{
	phase(teller, COLO_PHASE_WAIT, seq);
	checkpoint_of_phases(teller, seq);
}

static void ignore_checkpoint(const struct colo_session *session,
			      const struct colo_checkpoint *checkpoint, void *data)
{
	(void)session;
	(void)checkpoint;
	(void)data;
}

static const struct colo_session *session_at(struct colo_model *model, guint index)
{
	const GPtrArray *sessions = colo_model_sessions(model);

	g_assert_cmpuint(index, <, sessions->len);
	return g_ptr_array_index(sessions, index);
}

static enum colo_checkpoint_state state_at(const struct colo_session *session, guint index)
{
	g_assert_cmpuint(index, <, session->checkpoints->len);
	return g_array_index(session->checkpoints, struct colo_checkpoint, index).state;
}

static void assert_anomalies(const struct colo_session *session, uint64_t begins, uint64_t ends,
			     uint64_t negative, uint64_t repeated, uint64_t missing)
{
	g_assert_cmpuint(session->anomalies.begins_without_end, ==, begins);
	g_assert_cmpuint(session->anomalies.ends_without_begin, ==, ends);
	g_assert_cmpuint(session->anomalies.negative_durations, ==, negative);
	g_assert_cmpuint(session->anomalies.repeated, ==, repeated);
	g_assert_cmpuint(session->anomalies.missing, ==, missing);
	g_assert_cmpuint(session->anomalies.overlapping, ==, 0);
}

static const struct colo_row *row(const struct colo_summary *summary, const char *name)
{
	for (guint i = 0; i < summary->n_rows; i++)
		if (!g_strcmp0(summary->rows[i].name, name))
			return &summary->rows[i];
	g_assert_not_reached();
}

static void test_both_sides(void)
{
	struct colo_model *model = colo_model_new();
	struct teller primary = teller_of(model, COLO_ROLE_PRIMARY);
	struct teller secondary = teller_of(model, COLO_ROLE_SECONDARY);
	const struct colo_selection all = COLO_SELECT_ALL;

	for (int64_t seq = 1; seq <= 3; seq++) {
		checkpoint(&secondary, seq);
		checkpoint(&primary, seq);
	}
	colo_model_finish(model);
	g_assert_cmpuint(colo_model_sessions(model)->len, ==, 2);
	g_assert_cmpint(session_at(model, 0)->role, ==, COLO_ROLE_PRIMARY);
	g_assert_cmpint(session_at(model, 1)->role, ==, COLO_ROLE_SECONDARY);
	for (guint i = 0; i < 2; i++) {
		const struct colo_session *session = session_at(model, i);
		struct colo_summary *summary = colo_summary_new(session, &all);
		guint n;

		colo_role_phases(session->role, &n);
		assert_anomalies(session, 0, 0, 0, 0, 0);
		g_assert_cmpuint(summary->n_states[COLO_CHECKPOINT_COMPLETE], ==, 3);
		g_assert_cmpuint(summary->n_rows, ==, n + 4);
		g_assert_cmpint(row(summary, "checkpoint")->ns.p50, ==, 1000 * (2 * n + 1));
		g_assert_cmpint(row(summary, "ram")->ns.total, ==, 3000);
		g_assert_cmpint(row(summary, "wait")->ns.total, ==, 3000);
		g_assert_cmpint(row(summary, "other")->ns.total, ==, 3000 * (n + 1));
		/* From the first phase but request to the last but loaded: 9 and 10 of them. */
		g_assert_cmpint(row(summary, "pause")->ns.p50, ==, i ? 19000 : 17000);
		g_assert_cmpint(summary->recorder.tot_num.value, ==, 3);
		g_assert_cmpint(summary->recorder.tot_time.value, ==, 3000 * (2 * n + 1));
		g_assert_cmpint(summary->recorder.dev_size.value, ==, 7);
		g_assert_false(summary->recorder.init_time.known);
		/* From the begin to the end of block, or of reply: 3 and 2 phases with a gap each.
		 */
		g_assert_cmpint(summary->recorder.stat_time.value, ==, i ? 4000 : 6000);
		colo_summary_free(summary);
	}
	colo_model_free(model);
}

/* A recording that starts and ends within a checkpoint: nothing of that is an anomaly. */
static void test_cut(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_session *session;

	end(&teller, "ram", 5, 0);
	phase(&teller, COLO_PHASE_VMSTATE, 5);
	end(&teller, "checkpoint", 5, 0);
	checkpoint(&teller, 6);
	phase(&teller, COLO_PHASE_WAIT, 7);
	begin(&teller, "checkpoint", 7);
	begin(&teller, "request", 7);
	colo_model_finish(model);
	session = session_at(model, 0);
	g_assert_cmpint(state_at(session, 0), ==, COLO_CHECKPOINT_CUT_START);
	g_assert_cmpint(state_at(session, 1), ==, COLO_CHECKPOINT_COMPLETE);
	g_assert_cmpint(state_at(session, 2), ==, COLO_CHECKPOINT_CUT_END);
	assert_anomalies(session, 0, 0, 0, 0, 0);
	colo_model_free(model);
}

/*
 * perf enables its events one after the other: the begin of the checkpoint is
 * there, that of its first phase is not. The end of a recording is the same.
 */
static void test_cut_event_by_event(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_session *session;

	begin(&teller, "checkpoint", 5);
	end(&teller, "request", 5, 0);
	phase(&teller, COLO_PHASE_STOP, 5);
	end(&teller, "checkpoint", 5, 0);
	checkpoint(&teller, 6);
	phase(&teller, COLO_PHASE_WAIT, 7);
	begin(&teller, "checkpoint", 7);
	phase(&teller, COLO_PHASE_REQUEST, 7);
	begin(&teller, "stop", 7);
	end(&teller, "checkpoint", 7, 0);
	begin(&teller, "wait", 8);
	colo_model_finish(model);
	session = session_at(model, 0);
	g_assert_cmpint(state_at(session, 0), ==, COLO_CHECKPOINT_CUT_START);
	g_assert_cmpint(state_at(session, 1), ==, COLO_CHECKPOINT_COMPLETE);
	g_assert_cmpint(state_at(session, 2), ==, COLO_CHECKPOINT_CUT_END);
	g_assert_cmpint(state_at(session, 3), ==, COLO_CHECKPOINT_PENDING);
	assert_anomalies(session, 0, 0, 0, 0, 0);
	colo_model_free(model);
}

/* It starts in a wait: that checkpoint is complete, its wait is not known. */
static void test_cut_in_wait(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_selection all = COLO_SELECT_ALL;
	struct colo_summary *summary;

	end(&teller, "wait", 5, 0);
	checkpoint_of_phases(&teller, 5);
	checkpoint(&teller, 6);
	begin(&teller, "wait", 7);
	colo_model_finish(model);
	assert_anomalies(session_at(model, 0), 0, 0, 0, 0, 0);
	summary = colo_summary_new(session_at(model, 0), &all);
	g_assert_cmpuint(summary->n_states[COLO_CHECKPOINT_COMPLETE], ==, 2);
	g_assert_cmpuint(row(summary, "wait")->ns.n, ==, 1);
	g_assert_cmpint(summary->recorder.wait_time.value, ==, 1000);
	colo_summary_free(summary);
	colo_model_free(model);
}

/*
 * The event of the begin of the wait is the last to be enabled: the wait behind the cut
 * checkpoint is not known, which is the edge too. The same if checkpoints are handed out as they
 * come.
 */
static void check_cut_before_wait(bool settles)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_session *session;

	phase(&teller, COLO_PHASE_VMSTATE, 5);
	end(&teller, "checkpoint", 5, 0);
	end(&teller, "wait", 6, 0);
	checkpoint_of_phases(&teller, 6);
	begin(&teller, "wait", 7);
	if (settles)
		colo_model_settle(model, ignore_checkpoint, NULL);
	end(&teller, "wait", 7, 0);
	checkpoint_of_phases(&teller, 7);
	if (settles)
		colo_model_settle(model, ignore_checkpoint, NULL);
	/* Only the wait behind the cut one: this one's begin is lost. */
	end(&teller, "wait", 8, 0);
	checkpoint_of_phases(&teller, 8);
	begin(&teller, "wait", 9);
	colo_model_finish(model);
	session = session_at(model, 0);
	assert_anomalies(session, 0, 1, 0, 0, 0);
	if (!settles)
		g_assert_cmpint(state_at(session, 0), ==, COLO_CHECKPOINT_CUT_START);
	colo_model_free(model);
}

static void test_cut_before_wait(void)
{
	check_cut_before_wait(false);
	check_cut_before_wait(true);
}

/* What an error leaves open is by contract no anomaly, and enters no average. */
static void test_aborted(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_SECONDARY);
	const struct colo_selection all = COLO_SELECT_ALL;
	struct colo_summary *summary;

	hit(&teller, "colo_init_begin", 0, 0);
	hit(&teller, "colo_init_end", 0, 0);
	checkpoint(&teller, 1);
	phase(&teller, COLO_PHASE_WAIT, 2);
	begin(&teller, "checkpoint", 2);
	begin(&teller, "stop", 2);
	end(&teller, "checkpoint", 2, -5);
	hit(&teller, "colo_exit", 2, 0);
	colo_model_finish(model);
	assert_anomalies(session_at(model, 0), 0, 0, 0, 0, 0);
	g_assert_true(session_at(model, 0)->exited);
	g_assert_cmpint(session_at(model, 0)->exit_reason, ==, 2);
	summary = colo_summary_new(session_at(model, 0), &all);
	g_assert_cmpuint(summary->n_states[COLO_CHECKPOINT_ABORTED], ==, 1);
	g_assert_cmpint(summary->recorder.tot_num.value, ==, 1);
	g_assert_cmpint(summary->recorder.init_time.value, ==, 1000);
	g_assert_cmpuint(row(summary, "stop")->ns.n, ==, 1);
	colo_summary_free(summary);
	colo_model_free(model);
}

/* One lost hit of each kind, in the middle of a session. */
static void test_lost_hits(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_session *session;
	const struct colo_selection all = COLO_SELECT_ALL;
	struct colo_summary *summary;

	checkpoint(&teller, 1);
	phase(&teller, COLO_PHASE_WAIT, 2);
	begin(&teller, "checkpoint", 2);
	phase(&teller, COLO_PHASE_REQUEST, 2);
	begin(&teller, "stop", 2);	   /* its end is lost */
	end(&teller, "block", 2, 0);	   /* its begin is lost */
	phase(&teller, COLO_PHASE_RAM, 2); /* dev is lost, and all that comes after */
	end(&teller, "checkpoint", 2, 0);
	begin(&teller, "checkpoint", 3); /* its wait and its end are lost */
	checkpoint(&teller, 4);
	begin(&teller, "wait", 5);
	colo_model_finish(model);
	session = session_at(model, 0);
	g_assert_cmpint(state_at(session, 1), ==, COLO_CHECKPOINT_COMPLETE);
	g_assert_cmpint(state_at(session, 2), ==, COLO_CHECKPOINT_BROKEN);
	g_assert_cmpint(state_at(session, 4), ==, COLO_CHECKPOINT_PENDING);
	assert_anomalies(session, 2, 1, 0, 0, 6);
	summary = colo_summary_new(session, &all);
	g_assert_cmpint(summary->recorder.tot_num.value, ==, 3);
	/* The mean is over those that have the phase. */
	g_assert_cmpint(summary->recorder.dev_time.value, ==, 1000);
	/* Without all phases, what lies in none cannot be told. */
	g_assert_cmpuint(row(summary, "other")->ns.n, ==, 2);
	colo_summary_free(summary);
	colo_model_free(model);
}

static void assert_missing(const struct colo_session *session, uint64_t n, uint64_t first,
			   uint64_t last)
{
	g_assert_cmpuint(session->anomalies.missing_checkpoints, ==, n);
	g_assert_cmpuint(session->first_missing_seq, ==, first);
	g_assert_cmpuint(session->last_missing_seq, ==, last);
}

/*
 * All hits of whole checkpoints are lost: the numbers tell. The same if checkpoints are handed out
 * as they come.
 */
static void check_missing(bool settles)
{
	struct colo_model *model = colo_model_new();
	struct teller from_start = teller_of(model, COLO_ROLE_PRIMARY);
	struct teller joined = teller_of(model, COLO_ROLE_SECONDARY);

	hit(&from_start, "colo_init_begin", 0, 0);
	hit(&from_start, "colo_init_end", 0, 0);
	for (int64_t seq = 3; seq <= 12; seq++) {
		if (seq < 5 || seq > 7)
			checkpoint(&from_start, seq);
		/* Of one only the wait is left: it was a checkpoint too, as others follow. */
		if (seq == 8)
			phase(&joined, COLO_PHASE_WAIT, seq);
		else if (seq != 11)
			checkpoint(&joined, seq);
		if (settles)
			colo_model_settle(model, ignore_checkpoint, NULL);
	}
	begin(&joined, "wait", 13);
	colo_model_finish(model);
	assert_missing(session_at(model, 0), 2 + 3, 1, 2);
	assert_missing(session_at(model, 1), 2, 8, 8);
	colo_model_free(model);
}

static void test_missing(void)
{
	check_missing(false);
	check_missing(true);
}

/* A recording that begins within COLO has not missed what was before, nor what comes behind it. */
static void test_nothing_missing(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);

	checkpoint(&teller, 1000);
	checkpoint(&teller, 1001);
	begin(&teller, "wait", 1002);
	colo_model_finish(model);
	assert_missing(session_at(model, 0), 0, 0, 0);
	colo_model_free(model);
}

/* The highest number that there is: what is missing below it can still be counted. */
static void test_missing_most(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);

	hit(&teller, "colo_init_begin", 0, 0);
	checkpoint(&teller, INT64_MAX);
	colo_model_finish(model);
	assert_missing(session_at(model, 0), INT64_MAX - 1, 1, INT64_MAX - 1);
	colo_model_free(model);
}

static void test_backwards_and_repeated(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_session *session;
	const struct colo_selection all = COLO_SELECT_ALL;
	struct colo_summary *summary;
	guint n;
	const enum colo_phase *phases = colo_role_phases(COLO_ROLE_PRIMARY, &n);

	phase(&teller, COLO_PHASE_WAIT, 1);
	begin(&teller, "checkpoint", 1);
	for (guint i = 0; i < n; i++) {
		if (phases[i] == COLO_PHASE_NET) {
			end(&teller, "net", 1, 0);
			begin(&teller, "net", 1);
		} else {
			phase(&teller, phases[i], 1);
		}
	}
	begin(&teller, "resume", 1); /* a second time, after its end */
	end(&teller, "ram", 1, 99);  /* likewise: neither its time nor its bytes count */
	end(&teller, "checkpoint", 1, 0);
	colo_model_finish(model);
	session = session_at(model, 0);
	assert_anomalies(session, 0, 0, 1, 2, 0);
	summary = colo_summary_new(session, &all);
	g_assert_cmpint(row(summary, "ram")->ns.total, ==, 1000);
	g_assert_cmpint(row(summary, "resume")->ns.total, ==, 1000);
	g_assert_cmpint(summary->amounts[COLO_AMOUNT_RAM_BYTES].units.total, ==, 7);
	g_assert_cmpuint(row(summary, "net")->ns.n, ==, 0);
	g_assert_cmpuint(row(summary, "checkpoint")->ns.n, ==, 1);
	colo_summary_free(summary);
	colo_model_free(model);
}

/* Phases that take longer than their checkpoint: `other` is not negative, it is not known. */
static void test_overlap(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_selection all = COLO_SELECT_ALL;
	struct colo_summary *summary;
	guint n;
	const enum colo_phase *phases = colo_role_phases(COLO_ROLE_PRIMARY, &n);

	phase(&teller, COLO_PHASE_WAIT, 1);
	begin(&teller, "checkpoint", 1);
	for (guint i = 0; i < n; i++)
		begin(&teller, colo_phase_name(phases[i]), 1);
	for (guint i = 0; i < n; i++)
		end(&teller, colo_phase_name(phases[i]), 1, 0);
	end(&teller, "checkpoint", 1, 0);
	checkpoint(&teller, 2);
	colo_model_finish(model);
	g_assert_cmpuint(session_at(model, 0)->anomalies.overlapping, ==, 1);
	summary = colo_summary_new(session_at(model, 0), &all);
	g_assert_cmpuint(row(summary, "checkpoint")->ns.n, ==, 2);
	g_assert_cmpuint(row(summary, "other")->ns.n, ==, 1);
	g_assert_cmpint(row(summary, "other")->ns.total, ==, 1000 * (n + 1));
	colo_summary_free(summary);
	colo_model_free(model);
}

/* COLO ends and begins again in the same process; and seq falls without any sign of that. */
static void test_sessions(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY), other = teller;

	checkpoint(&teller, 1);
	checkpoint(&teller, 2);
	hit(&teller, "colo_exit", 1, 0);
	hit(&teller, "colo_init_begin", 0, 0);
	hit(&teller, "colo_init_end", 0, 0);
	checkpoint(&teller, 1);
	checkpoint(&teller, 2);
	checkpoint(&teller, 3);
	hit(&teller, "colo_exit", 1, 0);
	hit(&teller, "colo_init_end", 0,
	    0); /* its begin is lost: no init_time, of neither session */
	checkpoint(&teller, 1);
	/* The same pid in the recording of another machine. */
	other.source = 1;
	checkpoint(&other, 1);
	colo_model_finish(model);
	g_assert_cmpuint(colo_model_sessions(model)->len, ==, 4);
	g_assert_cmpuint(session_at(model, 0)->number, ==, 1);
	g_assert_true(session_at(model, 0)->exited);
	g_assert_cmpuint(session_at(model, 1)->number, ==, 2);
	g_assert_cmpuint(session_at(model, 1)->checkpoints->len, ==, 3);
	g_assert_true(colo_window_is_valid(&session_at(model, 1)->init));
	g_assert_cmpuint(session_at(model, 2)->number, ==, 3);
	g_assert_false(session_at(model, 2)->init.has_begin);
	g_assert_cmpuint(session_at(model, 3)->source, ==, 1);
	g_assert_cmpuint(session_at(model, 3)->number, ==, 1);
	colo_model_free(model);
}

/* The first trigger since the event was reset counts; what comes before the reset is absorbed. */
static void test_triggers(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_session *session;

	hit(&teller, "colo_trigger", 1, COLO_TRIGGER_COMPARE);
	hit(&teller, "colo_trigger", 1, COLO_TRIGGER_TIMER);
	phase(&teller, COLO_PHASE_WAIT, 1);
	begin(&teller, "checkpoint", 1);
	hit(&teller, "colo_trigger", 2, COLO_TRIGGER_USER);
	phase(&teller, COLO_PHASE_NET, 1);
	hit(&teller, "colo_trigger", 2, COLO_TRIGGER_TIMER);
	end(&teller, "checkpoint", 1, 0);
	phase(&teller, COLO_PHASE_WAIT, 2);
	begin(&teller, "checkpoint", 2);
	phase(&teller, COLO_PHASE_NET, 2);
	end(&teller, "checkpoint", 2, 0);
	begin(&teller, "checkpoint", 3);
	end(&teller, "checkpoint", 3, 0);
	hit(&teller, "colo_trigger", 4, 99);
	colo_model_finish(model);
	session = session_at(model, 0);
	g_assert_cmpint(g_array_index(session->checkpoints, struct colo_checkpoint, 0).trigger, ==,
			COLO_TRIGGER_COMPARE);
	g_assert_cmpint(g_array_index(session->checkpoints, struct colo_checkpoint, 1).trigger, ==,
			COLO_TRIGGER_TIMER);
	g_assert_cmpint(g_array_index(session->checkpoints, struct colo_checkpoint, 2).trigger, ==,
			COLO_TRIGGER_UNKNOWN);
	g_assert_cmpuint(session->triggers[COLO_TRIGGER_TIMER], ==, 2);
	g_assert_cmpuint(session->triggers[COLO_TRIGGER_UNKNOWN], ==, 1);
	colo_model_free(model);
}

/* A checkpoint up to the begin of `last`, or of `last` up to its end. */
static void half_a_checkpoint(struct teller *teller, int64_t seq, enum colo_phase last, bool ended)
{
	guint n;
	const enum colo_phase *phases = colo_role_phases(teller->role, &n);

	phase(teller, COLO_PHASE_WAIT, seq);
	begin(teller, "checkpoint", seq);
	for (guint i = 0; phases[i] != last; i++)
		phase(teller, phases[i], seq);
	begin(teller, colo_phase_name(last), seq);
	if (ended)
		end(teller, colo_phase_name(last), seq, 7);
}

/* The process of the number in `data` ended at this time. */
#define END_NS 1000000

static bool find_end(uint32_t source, uint32_t pid, uint64_t since_ns, uint64_t *end_ns, void *data)
{
	const uint32_t *ended = data;

	g_assert_cmpuint(source, ==, 0);
	g_assert_cmpuint(since_ns, ==, 1000);
	*end_ns = END_NS;
	return pid == *ended;
}

/* The primary is killed in ram; the secondary, which is told nothing, gives up. */
static void test_killed(void)
{
	struct colo_model *model = colo_model_new();
	struct teller primary = teller_of(model, COLO_ROLE_PRIMARY);
	struct teller secondary = teller_of(model, COLO_ROLE_SECONDARY);
	const struct colo_session *session;
	struct colo_stop stop;
	uint64_t begin_ns;

	phase(&primary, COLO_PHASE_WAIT, 1);
	phase(&secondary, COLO_PHASE_WAIT, 1);
	checkpoint(&primary, 2);
	checkpoint(&secondary, 2);
	half_a_checkpoint(&primary, 3, COLO_PHASE_RAM, false);
	half_a_checkpoint(&secondary, 3, COLO_PHASE_RAM, false);
	end(&secondary, "checkpoint", 3, -5);
	hit(&secondary, "colo_exit", 2, 0);
	colo_model_find_process_ends(model, find_end, &primary.pid);
	colo_model_finish(model);

	session = session_at(model, 0);
	assert_anomalies(session, 0, 0, 0, 0, 0);
	g_assert_true(session->process_ended && session->process_end_ns == END_NS);
	g_assert_false(session->exited || session->failover_asked);
	g_assert_cmpint(state_at(session, 1), ==, COLO_CHECKPOINT_COMPLETE);
	g_assert_cmpint(state_at(session, 2), ==, COLO_CHECKPOINT_CUT_END);
	g_assert_false(stop_at(session, 1, &stop));
	g_assert_true(stop_at(session, 2, &stop));
	g_assert_cmpint(stop.phase, ==, COLO_PHASE_RAM);
	begin_ns = g_array_index(session->checkpoints, struct colo_checkpoint, 2)
			   .windows[COLO_PHASE_CHECKPOINT]
			   .begin_ns;
	g_assert_true(stop.after_ns.known && stop.after_ns.value == (int64_t)(END_NS - begin_ns));

	session = session_at(model, 1);
	assert_anomalies(session, 0, 0, 0, 0, 0);
	g_assert_false(session->process_ended);
	g_assert_true(session->exited && session->exit_ns == secondary.now_ns - 1000);
	g_assert_cmpint(state_at(session, 2), ==, COLO_CHECKPOINT_ABORTED);
	g_assert_true(stop_at(session, 2, &stop));
	g_assert_cmpint(stop.phase, ==, COLO_PHASE_RAM);
	/* Two phases with a gap before each, then ram's begin and the end. */
	g_assert_true(stop.after_ns.known && stop.after_ns.value == 6000);
	colo_model_free(model);
}

/*
 * The secondary is killed in ram. The primary notices in vmstate; QEMU 7.2 loses the error,
 * and gives up the next checkpoint as well, before it ends COLO.
 */
static void test_given_up_twice(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_selection all = COLO_SELECT_ALL;
	const struct colo_session *session;
	struct colo_summary *summary;
	struct colo_stop stop;

	checkpoint(&teller, 1);
	half_a_checkpoint(&teller, 2, COLO_PHASE_VMSTATE, false);
	end(&teller, "checkpoint", 2, -5);
	half_a_checkpoint(&teller, 3, COLO_PHASE_REQUEST, false);
	end(&teller, "checkpoint", 3, -5);
	hit(&teller, "colo_exit", 2, 0);
	colo_model_finish(model);
	session = session_at(model, 0);
	assert_anomalies(session, 0, 0, 0, 0, 0);
	g_assert_false(stop_at(session, 0, &stop));
	g_assert_true(stop_at(session, 1, &stop) && stop.phase == COLO_PHASE_VMSTATE);
	g_assert_true(stop_at(session, 2, &stop) && stop.phase == COLO_PHASE_REQUEST);
	g_assert_true(stop.after_ns.known && stop.after_ns.value == 2000);
	summary = colo_summary_new(session, &all);
	g_assert_cmpuint(summary->n_states[COLO_CHECKPOINT_ABORTED], ==, 2);
	g_assert_cmpint(row(summary, "ram")->ns.n, ==, 1);
	g_assert_cmpint(row(summary, "wait")->ns.n, ==, 1);
	colo_summary_free(summary);
	colo_model_free(model);
}

/* A process that ends between two phases, between two checkpoints, or after the recording. */
static void test_stops(void)
{
	static const struct {
		enum colo_phase last;
		bool checkpoint, process_ends, stops;
	} rows[] = {
		{COLO_PHASE_BLOCK, true, true, true},
		{COLO_PHASE_BLOCK, true, false, false},
		{COLO_PHASE_BLOCK, false, true, false},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct colo_model *model = colo_model_new();
		struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
		uint32_t ended = rows[i].process_ends ? teller.pid : 0;
		struct colo_stop stop;

		checkpoint(&teller, 1);
		if (rows[i].checkpoint)
			half_a_checkpoint(&teller, 2, rows[i].last, true);
		else
			begin(&teller, "wait", 2);
		colo_model_find_process_ends(model, find_end, &ended);
		colo_model_finish(model);
		assert_anomalies(session_at(model, 0), 0, 0, 0, 0, 0);
		g_assert_cmpint(state_at(session_at(model, 0), 1), ==,
				rows[i].checkpoint ? COLO_CHECKPOINT_CUT_END
						   : COLO_CHECKPOINT_PENDING);
		g_assert_true(stop_at(session_at(model, 0), 1, &stop) == rows[i].stops);
		if (rows[i].stops)
			g_assert_cmpint(stop.phase, ==, COLO_PHASE_CHECKPOINT);
		colo_model_free(model);
	}
}

/* A failover that is asked for ends the wait; no checkpoint comes of it, nor a session. */
static void test_failover(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_selection all = COLO_SELECT_ALL;
	const struct colo_session *session;
	struct colo_summary *summary;
	struct colo_stop stop;
	uint64_t asked_ns;

	hit(&teller, "colo_trigger", 1, COLO_TRIGGER_TIMER);
	checkpoint(&teller, 1);
	begin(&teller, "wait", 2);
	asked_ns = teller.now_ns;
	hit(&teller, "colo_trigger", 2, COLO_TRIGGER_FAILOVER);
	end(&teller, "wait", 2, 0);
	hit(&teller, "colo_exit", COLO_EXIT_REQUEST, 0);
	/* QEMU's timer goes on until the failover is through. */
	hit(&teller, "colo_trigger", 2, COLO_TRIGGER_TIMER);
	hit(&teller, "colo_trigger", 2, COLO_TRIGGER_FAILOVER);
	colo_model_finish(model);
	g_assert_cmpuint(colo_model_sessions(model)->len, ==, 1);
	session = session_at(model, 0);
	assert_anomalies(session, 0, 0, 0, 0, 0);
	g_assert_true(session->exited && session->exit_reason == COLO_EXIT_REQUEST);
	g_assert_true(session->failover_asked && session->failover_ns == asked_ns);
	g_assert_false(session->process_ended);
	g_assert_cmpuint(session->triggers[COLO_TRIGGER_FAILOVER], ==, 2);
	g_assert_cmpuint(session->triggers[COLO_TRIGGER_TIMER], ==, 2);
	g_assert_false(stop_at(session, 0, &stop) || stop_at(session, 1, &stop));
	summary = colo_summary_new(session, &all);
	g_assert_cmpuint(summary->n_states[COLO_CHECKPOINT_COMPLETE], ==, 1);
	g_assert_cmpuint(summary->triggered_by[COLO_TRIGGER_TIMER], ==, 1);
	g_assert_cmpuint(summary->triggered_by[COLO_TRIGGER_FAILOVER], ==, 0);
	g_assert_cmpuint(row(summary, "wait")->ns.n, ==, 1);
	colo_summary_free(summary);
	colo_model_free(model);
}

static void test_invalid(void)
{
	struct colo_model *model = colo_model_new();
	struct teller nobody = teller_of(model, 3), teller = teller_of(model, COLO_ROLE_PRIMARY);

	hit(&nobody, "colo_ram_begin", 1, 0);
	begin(&teller, "ram", 0);
	begin(&teller, "ram", -1);
	colo_model_finish(model);
	g_assert_cmpuint(colo_model_sessions(model)->len, ==, 0);
	g_assert_cmpuint(colo_model_invalid_hits(model), ==, 3);
	colo_model_free(model);
}

/* COLO that begins again and again: the first sessions are kept as they are. */
static void test_most_sessions(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_session *last;

	for (int i = 0; i < COLO_MOST_SESSIONS; i++)
		hit(&teller, "colo_init_begin", 0, 0);
	begin(&teller, "stop", 1);
	g_assert_cmpuint(colo_model_hits_left_out(model), ==, 0);
	/* Nothing of the session that is left out gets into the last one that is not. */
	hit(&teller, "colo_init_begin", 0, 0);
	end(&teller, "stop", 1, 0);
	begin(&teller, "stop", 2);
	colo_model_finish(model);
	g_assert_cmpuint(colo_model_sessions(model)->len, ==, COLO_MOST_SESSIONS);
	g_assert_cmpuint(colo_model_hits_left_out(model), ==, 3);
	last = g_ptr_array_index(colo_model_sessions(model), COLO_MOST_SESSIONS - 1);
	g_assert_cmpuint(last->number, ==, COLO_MOST_SESSIONS);
	g_assert_cmpuint(last->checkpoints->len, ==, 1);
	g_assert_false(g_array_index(last->checkpoints, struct colo_checkpoint, 0)
			       .windows[COLO_PHASE_STOP]
			       .has_end);
	colo_model_free(model);
}

/* Numbers of checkpoints that go up with each hit. */
static void test_most_checkpoints(void)
{
	const guint64 n = COLO_MOST_CHECKPOINTS + COLO_MOST_CHECKPOINTS / 8;
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	const struct colo_session *session;
	guint64 left_out;

	for (guint64 seq = 1; seq <= n; seq++)
		begin(&teller, "stop", (int64_t)seq);
	left_out = colo_model_hits_left_out(model);
	session = g_ptr_array_index(colo_model_sessions(model), 0);
	g_assert_cmpuint(session->checkpoints->len, >=, COLO_MOST_CHECKPOINTS);
	g_assert_cmpuint(session->checkpoints->len, <=,
			 COLO_MOST_CHECKPOINTS + n / COLO_HITS_A_CHECKPOINT);
	g_assert_cmpuint(session->checkpoints->len + left_out, ==, n);
	/* The last one that was kept still gets its hits, and others none, though room has grown.
	 */
	end(&teller, "stop", session->checkpoints->len, 0);
	begin(&teller, "stop", (int64_t)n + 1);
	g_assert_cmpuint(colo_model_hits_left_out(model), ==, left_out + 1);
	colo_model_free(model);
}

static void count_visit(const struct colo_session *session G_GNUC_UNUSED,
			const struct colo_checkpoint *checkpoint G_GNUC_UNUSED, void *data)
{
	++*(guint64 *)data;
}

/* What was handed out takes up no room: `live` has no limit. */
static void test_settled_checkpoints_do_not_count(void)
{
	const guint64 n = 2 * COLO_MOST_CHECKPOINTS;
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_SECONDARY);
	guint64 n_settled = 0;

	for (guint64 seq = 1; seq <= n; seq++) {
		begin(&teller, "stop", (int64_t)seq);
		if (seq % 1000 == 0)
			colo_model_settle(model, count_visit, &n_settled);
	}
	colo_model_settle(model, count_visit, &n_settled);
	g_assert_cmpuint(n_settled, ==, n - 2);
	g_assert_cmpuint(colo_model_hits_left_out(model), ==, 0);
	colo_model_free(model);
}

static uint64_t n_chosen(const struct colo_session *session, struct colo_selection selection,
			 uint64_t *first_seq)
{
	struct colo_summary *summary = colo_summary_new(session, &selection);
	uint64_t n = summary->n_states[COLO_CHECKPOINT_COMPLETE];

	*first_seq = summary->first_seq;
	colo_summary_free(summary);
	return n;
}

static void test_selection(void)
{
	struct colo_model *model = colo_model_new();
	struct teller teller = teller_of(model, COLO_ROLE_PRIMARY);
	struct colo_selection selection = COLO_SELECT_ALL;
	const struct colo_session *session;
	int64_t period_ns, begin_ns;
	uint64_t first;

	for (int64_t seq = 11; seq <= 20; seq++)
		checkpoint(&teller, seq);
	colo_model_finish(model);
	session = session_at(model, 0);
	g_assert_cmpuint(n_chosen(session, selection, &first), ==, 10);
	selection.first_seq = 12;
	selection.last_seq = 15;
	g_assert_cmpuint(n_chosen(session, selection, &first), ==, 4);
	g_assert_cmpuint(first, ==, 12);
	selection = COLO_SELECT_ALL;
	selection.skip = 3;
	g_assert_cmpuint(n_chosen(session, selection, &first), ==, 7);
	g_assert_cmpuint(first, ==, 14);
	selection.skip = 11;
	g_assert_cmpuint(n_chosen(session, selection, &first), ==, 0);
	g_assert_cmpuint(first, ==, 0);

	/* The wait of the first is the first hit; its checkpoint begins 2000 ns later. */
	period_ns = (int64_t)(teller.now_ns - 1000) / 10;
	begin_ns = 2000 + 4 * period_ns;
	selection = COLO_SELECT_ALL;
	selection.since_ns = begin_ns;
	g_assert_cmpuint(n_chosen(session, selection, &first), ==, 6);
	g_assert_cmpuint(first, ==, 15);
	selection.since_ns = begin_ns + 1;
	g_assert_cmpuint(n_chosen(session, selection, &first), ==, 5);
	selection = COLO_SELECT_ALL;
	selection.until_ns = begin_ns;
	g_assert_cmpuint(n_chosen(session, selection, &first), ==, 4);
	selection.until_ns = begin_ns + 1;
	g_assert_cmpuint(n_chosen(session, selection, &first), ==, 5);
	colo_model_free(model);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/model/both_sides", test_both_sides);
	g_test_add_func("/model/cut", test_cut);
	g_test_add_func("/model/cut_event_by_event", test_cut_event_by_event);
	g_test_add_func("/model/cut_in_wait", test_cut_in_wait);
	g_test_add_func("/model/cut_before_wait", test_cut_before_wait);
	g_test_add_func("/model/aborted", test_aborted);
	g_test_add_func("/model/lost_hits", test_lost_hits);
	g_test_add_func("/model/missing", test_missing);
	g_test_add_func("/model/nothing-missing", test_nothing_missing);
	g_test_add_func("/model/missing-most", test_missing_most);
	g_test_add_func("/model/backwards_and_repeated", test_backwards_and_repeated);
	g_test_add_func("/model/overlap", test_overlap);
	g_test_add_func("/model/sessions", test_sessions);
	g_test_add_func("/model/triggers", test_triggers);
	g_test_add_func("/model/killed", test_killed);
	g_test_add_func("/model/given_up_twice", test_given_up_twice);
	g_test_add_func("/model/stops", test_stops);
	g_test_add_func("/model/failover", test_failover);
	g_test_add_func("/model/invalid", test_invalid);
	g_test_add_func("/summary/selection", test_selection);
	g_test_add_func("/model/most_sessions", test_most_sessions);
	g_test_add_func("/model/most_checkpoints", test_most_checkpoints);
	g_test_add_func("/model/settled_checkpoints_do_not_count",
			test_settled_checkpoints_do_not_count);
	return g_test_run();
}
