/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pairs hits into checkpoints. A begin and its end find each other by
 * (session, seq, phase), not by their order, so that a clock that runs
 * backwards between two CPUs shows as a negative duration instead of breaking
 * the pairs that come after.
 */
#include "colo/model.h"

#include "base/hash.h"
#include "colo/duplicates.h"
#include "colo/verdict.h"

/* What only building needs, beside what a session shows. */
struct builder {
	struct colo_session session; /* first: the session is what others see of this */
	enum colo_trigger pending;   /* the first trigger since the event was reset */
	uint64_t last_seq;
	bool from_start;     /* the start of COLO was seen, so the first number is 1 */
	bool replaced;	     /* another one of the same process and role followed */
	bool settled;	     /* checkpoints were handed out */
	bool is_full;	     /* it gets no more checkpoints */
	uint64_t judged_seq; /* of the last checkpoint that was judged and not merely waited for */
	enum colo_checkpoint_state settled_state; /* of the last of them */
};

struct colo_model {
	GPtrArray *sessions; /* Owned by this: struct builder */
	GHashTable *current; /* Owned by this: session_key() (owned) to struct builder (weak) */
	GArray *origins;     /* Owned by this: uint64_t by source, or NO_ORIGIN */
	struct duplicates *duplicates; /* Owned by this */
	uint64_t n_hits, invalid_hits, hits_left_out;
	uint64_t n_checkpoints; /* of all sessions, those that were handed out not counted */
};

#define NO_ORIGIN UINT64_MAX

static void builder_free(gpointer data)
{
	struct builder *builder = data;

	g_array_unref(builder->session.checkpoints);
	g_free(builder);
}

struct colo_model *colo_model_new(void)
{
	struct colo_model *model = g_new0(struct colo_model, 1);

	model->sessions = g_ptr_array_new_with_free_func(builder_free);
	model->current = g_hash_table_new_full(hash_int64, g_int64_equal, g_free, NULL);
	model->origins = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	model->duplicates = duplicates_new();
	return model;
}

void colo_model_free(struct colo_model *model)
{
	if (!model)
		return;
	g_ptr_array_unref(model->sessions);
	g_hash_table_unref(model->current);
	g_array_unref(model->origins);
	duplicates_free(model->duplicates);
	g_free(model);
}

static uint64_t origin_of(struct colo_model *model, const struct colo_hit *hit)
{
	const uint64_t none = NO_ORIGIN;
	uint64_t *origin;

	while (model->origins->len <= hit->source)
		g_array_append_val(model->origins, none);
	origin = &g_array_index(model->origins, uint64_t, hit->source);
	if (*origin == NO_ORIGIN)
		*origin = hit->time_ns;
	return *origin;
}

/* One process in one role has one session at a time. */
static uint64_t session_key(const struct colo_hit *hit)
{
	return (uint64_t)hit->source << 34 | (uint64_t)hit->pid << 2 | (uint64_t)hit->args[0];
}

/*
 * `before` is the session that ended in the same process and role, or NULL. NULL when there are too
 * many: none of this process and role is then known, so that its next hit comes here again.
 */
static struct builder *builder_new(struct colo_model *model, const struct colo_hit *hit,
				   struct builder *before)
{
	struct builder *builder;
	struct colo_session *session;
	uint64_t key = session_key(hit);

	if (before)
		before->replaced = true;
	if (model->sessions->len == COLO_MOST_SESSIONS) {
		g_hash_table_remove(model->current, &key);
		return NULL;
	}
	builder = g_new0(struct builder, 1);
	session = &builder->session;
	session->source = hit->source;
	session->pid = hit->pid;
	session->tid = hit->tid;
	session->role = (enum colo_role)hit->args[0];
	session->number = before ? before->session.number + 1 : 1;
	session->origin_ns = origin_of(model, hit);
	session->first_seen_ns = session->last_seen_ns = hit->time_ns;
	session->checkpoints = g_array_new(FALSE, TRUE, sizeof(struct colo_checkpoint));
	g_ptr_array_add(model->sessions, builder);
	g_hash_table_replace(model->current, g_memdup2(&key, sizeof(key)), builder);
	return builder;
}

/*
 * Sequence numbers only grow in a session. One step back can be two hits whose
 * CPUs' clocks differ; more is a session whose start was not seen.
 */
static bool starts_anew(const struct builder *builder, const struct colo_hit *hit)
{
	switch (hit->probe->kind) {
	case COLO_PROBE_INIT_BEGIN:
		return true;
	case COLO_PROBE_INIT_END:
		return builder->session.exited;
	case COLO_PROBE_BEGIN:
	case COLO_PROBE_END:
	case COLO_PROBE_COUNTERS:
		return builder->session.exited || (uint64_t)hit->args[1] + 1 < builder->last_seq;
	default:
		return false;
	}
}

static struct builder *builder_of(struct colo_model *model, const struct colo_hit *hit)
{
	uint64_t key = session_key(hit);
	struct builder *builder = g_hash_table_lookup(model->current, &key);

	return !builder || starts_anew(builder, hit) ? builder_new(model, hit, builder) : builder;
}

/* Whether another checkpoint may be kept. The ones behind one that may not are not kept either. */
static bool has_room(const struct colo_model *model, struct builder *builder)
{
	const uint64_t most = COLO_MOST_CHECKPOINTS + model->n_hits / COLO_HITS_A_CHECKPOINT;

	builder->is_full = builder->is_full || model->n_checkpoints >= most;
	return !builder->is_full;
}

static struct colo_checkpoint *add_checkpoint(struct colo_model *model, struct builder *builder,
					      uint64_t seq, guint index)
{
	const struct colo_checkpoint fresh = {.seq = seq, .state = COLO_CHECKPOINT_PENDING};
	GArray *checkpoints = builder->session.checkpoints;

	if (!has_room(model, builder))
		return NULL;
	model->n_checkpoints++;
	g_array_insert_val(checkpoints, index, fresh);
	return &g_array_index(checkpoints, struct colo_checkpoint, index);
}

/* NULL when it is beyond what is kept. */
static struct colo_checkpoint *checkpoint_of(struct colo_model *model, struct builder *builder,
					     uint64_t seq)
{
	GArray *checkpoints = builder->session.checkpoints;

	/* Nearly always the last one, or the one before. */
	for (guint i = checkpoints->len; i-- > 0;) {
		struct colo_checkpoint *checkpoint =
			&g_array_index(checkpoints, struct colo_checkpoint, i);

		if (checkpoint->seq == seq)
			return checkpoint;
		if (checkpoint->seq < seq)
			return add_checkpoint(model, builder, seq, i + 1);
	}
	return add_checkpoint(model, builder, seq, 0);
}

/*
 * The first of a kind counts. A second one is the same site under two names, or
 * a session whose start was lost; in neither case does it tell a duration.
 */
static bool window_begin(struct builder *builder, struct colo_window *window, uint64_t time_ns)
{
	if (window->has_begin) {
		builder->session.anomalies.repeated++;
		return false;
	}
	window->begin_ns = time_ns;
	window->has_begin = true;
	return true;
}

static bool window_end(struct builder *builder, struct colo_window *window, uint64_t time_ns)
{
	if (window->has_end) {
		builder->session.anomalies.repeated++;
		return false;
	}
	window->end_ns = time_ns;
	window->has_end = true;
	return true;
}

static void add_begin(struct builder *builder, struct colo_checkpoint *checkpoint,
		      const struct colo_hit *hit)
{
	enum colo_phase phase = hit->probe->phase;

	builder->session.tid = hit->tid;
	builder->session.last_seen_ns = hit->time_ns;
	if (!window_begin(builder, &checkpoint->windows[phase], hit->time_ns))
		return;
	if (phase == COLO_PHASE_CHECKPOINT)
		checkpoint->trigger = builder->pending;
	/* The primary resets its event here: what asks from now on asks for the next one. */
	if (phase == COLO_PHASE_NET)
		builder->pending = COLO_TRIGGER_UNKNOWN;
}

static void add_end(struct builder *builder, struct colo_checkpoint *checkpoint,
		    const struct colo_hit *hit)
{
	const struct colo_probe *probe = hit->probe;

	if (!window_end(builder, &checkpoint->windows[probe->phase], hit->time_ns))
		return;
	if (probe->phase == COLO_PHASE_CHECKPOINT) {
		checkpoint->ret = hit->args[2];
		return;
	}
	for (unsigned int i = 2; i < probe->n_args; i++) {
		unsigned int amount = probe->amount + i - 2;

		if (hit->args[i] < 0 || hit->args[i] > COLO_LARGEST)
			continue;
		checkpoint->amounts[amount] = hit->args[i];
		checkpoint->amounts_seen |= 1U << amount;
	}
}

static void add_counters(struct colo_checkpoint *checkpoint, const struct colo_hit *hit)
{
	for (unsigned int i = 2; i < hit->probe->n_args; i++) {
		unsigned int counter = hit->probe->counter + i - 2;

		checkpoint->counters[counter] = hit->args[i];
		checkpoint->counters_seen |= 1U << counter;
	}
}

static void add_trigger(struct builder *builder, int64_t reason, uint64_t time_ns)
{
	struct colo_session *session = &builder->session;
	enum colo_trigger trigger = COLO_TRIGGER_UNKNOWN;

	if (reason > 0 && reason < COLO_N_TRIGGERS)
		trigger = (enum colo_trigger)reason;
	session->triggers[trigger]++;
	if (trigger == COLO_TRIGGER_FAILOVER && !session->failover_asked) {
		session->failover_asked = true;
		session->failover_ns = time_ns;
	}
	if (builder->pending == COLO_TRIGGER_UNKNOWN)
		builder->pending = trigger;
}

static bool is_init(enum colo_probe_kind kind)
{
	return kind == COLO_PROBE_INIT_BEGIN || kind == COLO_PROBE_INIT_END;
}

void colo_model_add(struct colo_model *model, const struct colo_hit *hit)
{
	const enum colo_probe_kind kind = hit->probe->kind;
	const bool has_seq =
		kind == COLO_PROBE_BEGIN || kind == COLO_PROBE_END || kind == COLO_PROBE_COUNTERS;
	struct colo_checkpoint *checkpoint = NULL;
	struct builder *builder;

	(void)origin_of(model, hit);
	if (duplicates_take(model->duplicates, hit))
		return;
	if ((hit->args[0] != COLO_ROLE_PRIMARY && hit->args[0] != COLO_ROLE_SECONDARY) ||
	    (has_seq && hit->args[1] < 1)) {
		model->invalid_hits++;
		return;
	}
	model->n_hits++;
	builder = builder_of(model, hit);
	if (builder && has_seq)
		checkpoint = checkpoint_of(model, builder, (uint64_t)hit->args[1]);
	if (!builder || (has_seq && !checkpoint)) {
		model->hits_left_out++;
		return;
	}
	builder->from_start |= is_init(kind) && !builder->last_seq;
	if (has_seq)
		builder->last_seq = MAX(builder->last_seq, checkpoint->seq);
	switch (kind) {
	case COLO_PROBE_BEGIN:
		add_begin(builder, checkpoint, hit);
		break;
	case COLO_PROBE_END:
		add_end(builder, checkpoint, hit);
		break;
	case COLO_PROBE_COUNTERS:
		add_counters(checkpoint, hit);
		break;
	case COLO_PROBE_INIT_BEGIN:
		window_begin(builder, &builder->session.init, hit->time_ns);
		break;
	case COLO_PROBE_INIT_END:
		window_end(builder, &builder->session.init, hit->time_ns);
		break;
	case COLO_PROBE_TRIGGER:
		add_trigger(builder, hit->args[2], hit->time_ns);
		break;
	case COLO_PROBE_EXIT:
		builder->session.exited = true;
		builder->session.exit_reason = hit->args[1];
		builder->session.exit_ns = hit->time_ns;
		break;
	}
}

/* --- Judging --- */

/* The last one that is more than waited for; the length of the array when there is none. */
static guint last_begun(const GArray *checkpoints)
{
	for (guint i = checkpoints->len; i-- > 0;)
		if (colo_checkpoint_is_begun(
			    &g_array_index(checkpoints, struct colo_checkpoint, i)))
			return i;
	return checkpoints->len;
}

/*
 * Where the one at `index` stands, when `last` is the last that was begun and `before` the state
 * of the one before it.
 */
static struct colo_edge edge_at(const struct builder *builder, guint index, guint last,
				enum colo_checkpoint_state before)
{
	const bool start = index == 0 && !builder->settled && !builder->session.init.has_begin;

	return (struct colo_edge){
		.start = start,
		.wait = start || before == COLO_CHECKPOINT_CUT_START,
		.end = index == last && !builder->session.exited,
	};
}

/*
 * Numbers grow by one from checkpoint to checkpoint, from 1 on where the start of COLO was seen. A
 * number that was only waited for has been a checkpoint too, if another one followed.
 */
static void count_missing_before(struct builder *builder, uint64_t seq)
{
	struct colo_session *session = &builder->session;
	const uint64_t before = builder->judged_seq;

	builder->judged_seq = seq;
	if ((!before && !builder->from_start) || seq - before <= 1)
		return;
	if (!session->anomalies.missing_checkpoints) {
		session->first_missing_seq = before + 1;
		session->last_missing_seq = seq - 1;
	}
	session->anomalies.missing_checkpoints += seq - before - 1;
}

/* Decides what a checkpoint is, for good. */
static void judge(struct builder *builder, struct colo_checkpoint *checkpoint,
		  struct colo_edge edge)
{
	colo_checkpoint_judge(builder->session.role, checkpoint, edge, &builder->session.anomalies);
	if (checkpoint->state != COLO_CHECKPOINT_PENDING)
		count_missing_before(builder, checkpoint->seq);
}

static void finish_session(struct builder *builder)
{
	struct colo_session *session = &builder->session;
	const guint last = last_begun(session->checkpoints);
	enum colo_checkpoint_state before = builder->settled_state;

	for (guint i = 0; i < session->checkpoints->len; i++) {
		struct colo_checkpoint *checkpoint =
			&g_array_index(session->checkpoints, struct colo_checkpoint, i);

		judge(builder, checkpoint, edge_at(builder, i, last, before));
		before = checkpoint->state;
	}
}

/*
 * Whether no hit that may still come changes what the checkpoint at `index` is. Hits belong to
 * the highest number or the one below it, otherwise to another session (starts_anew()).
 * But the last one that was begun is cut by the end of the recording if nothing follows.
 */
static bool is_settled(const struct builder *builder, guint index, guint last)
{
	const struct colo_checkpoint *checkpoint =
		&g_array_index(builder->session.checkpoints, struct colo_checkpoint, index);

	if (builder->replaced || builder->session.exited)
		return true;
	return checkpoint->seq + 1 < builder->last_seq && index != last;
}

/* What is settled comes before what is not: numbers grow with the index. */
static void settle_session(struct colo_model *model, struct builder *builder,
			   colo_checkpoint_visitor visit, void *data)
{
	struct colo_session *session = &builder->session;
	GArray *checkpoints = session->checkpoints;
	const guint last = last_begun(checkpoints);
	enum colo_checkpoint_state before = builder->settled_state;
	guint n = 0;

	for (; n < checkpoints->len && is_settled(builder, n, last); n++) {
		struct colo_checkpoint *checkpoint =
			&g_array_index(checkpoints, struct colo_checkpoint, n);

		judge(builder, checkpoint, edge_at(builder, n, last, before));
		before = checkpoint->state;
		if (before != COLO_CHECKPOINT_PENDING)
			visit(session, checkpoint, data);
	}
	g_array_remove_range(checkpoints, 0, n);
	model->n_checkpoints -= n;
	builder->settled = builder->settled || n > 0;
	builder->settled_state = before;
}

void colo_model_settle(struct colo_model *model, colo_checkpoint_visitor visit, void *data)
{
	for (guint i = 0; i < model->sessions->len; i++)
		settle_session(model, g_ptr_array_index(model->sessions, i), visit, data);
}

void colo_session_foresee(const struct colo_session *session, colo_checkpoint_visitor visit,
			  void *data)
{
	const struct builder *builder = (const struct builder *)session;
	const guint last = last_begun(session->checkpoints);
	enum colo_checkpoint_state before = builder->settled_state;
	struct colo_anomalies unused = {0};

	for (guint i = 0; i < session->checkpoints->len; i++) {
		struct colo_checkpoint checkpoint =
			g_array_index(session->checkpoints, struct colo_checkpoint, i);

		colo_checkpoint_judge(session->role, &checkpoint, edge_at(builder, i, last, before),
				      &unused);
		before = checkpoint.state;
		if (checkpoint.state != COLO_CHECKPOINT_PENDING)
			visit(session, &checkpoint, data);
	}
}

void colo_model_find_process_ends(struct colo_model *model, colo_process_end_finder find,
				  void *data)
{
	for (guint i = 0; i < model->sessions->len; i++) {
		struct colo_session *session = g_ptr_array_index(model->sessions, i);

		session->process_ended = find(session->source, session->pid, session->first_seen_ns,
					      &session->process_end_ns, data);
	}
}

/* The phase that had begun and not ended. */
static enum colo_phase open_phase(enum colo_role role, const struct colo_checkpoint *checkpoint)
{
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	while (n-- > 0) {
		const struct colo_window *window = &checkpoint->windows[phases[n]];

		if (window->has_end)
			break;
		if (window->has_begin)
			return phases[n];
	}
	return COLO_PHASE_CHECKPOINT;
}

bool colo_checkpoint_stop(const struct colo_session *session,
			  const struct colo_checkpoint *checkpoint, struct colo_stop *stop)
{
	struct colo_window window = checkpoint->windows[COLO_PHASE_CHECKPOINT];

	if (checkpoint->state == COLO_CHECKPOINT_CUT_END && session->process_ended) {
		window.end_ns = session->process_end_ns;
		window.has_end = true;
	} else if (checkpoint->state != COLO_CHECKPOINT_ABORTED) {
		return false;
	}
	*stop = (struct colo_stop){
		.phase = open_phase(session->role, checkpoint),
		.after_ns = colo_window_ns(&window),
	};
	return true;
}

static int compare_sessions(gconstpointer a, gconstpointer b)
{
	const struct colo_session *left = *(struct colo_session *const *)a;
	const struct colo_session *right = *(struct colo_session *const *)b;

	if (left->role != right->role)
		return left->role < right->role ? -1 : 1;
	return (left->source > right->source) - (left->source < right->source);
}

void colo_model_finish(struct colo_model *model)
{
	for (guint i = 0; i < model->sessions->len; i++)
		finish_session(g_ptr_array_index(model->sessions, i));
	g_ptr_array_sort(model->sessions, compare_sessions);
}

const GPtrArray *colo_model_sessions(const struct colo_model *model)
{
	return model->sessions;
}

uint64_t colo_model_invalid_hits(const struct colo_model *model)
{
	return model->invalid_hits;
}

uint64_t colo_model_duplicate_hits(const struct colo_model *model, uint32_t source)
{
	return duplicates_count(model->duplicates, source);
}

uint64_t colo_model_hits_left_out(const struct colo_model *model)
{
	return model->hits_left_out;
}
