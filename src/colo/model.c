/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pairs hits into checkpoints. A begin and its end find each other by
 * (session, seq, phase), not by their order, so that a clock that runs
 * backwards between two CPUs shows as a negative duration instead of breaking
 * the pairs that come after.
 */
#include "colo/model.h"

#include "base/hash.h"

/* What only building needs, beside what a session shows. */
struct builder {
	struct colo_session session; /* first: the session is what others see of this */
	enum colo_trigger pending;   /* the first trigger since the event was reset */
	uint64_t last_seq;
};

struct colo_model {
	GPtrArray *sessions; /* Owned by this: struct builder */
	GHashTable *current; /* Owned by this: session_key() (owned) to struct builder (weak) */
	GArray *origins;     /* Owned by this: uint64_t by source, or NO_ORIGIN */
	uint64_t invalid_hits;
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
	return model;
}

void colo_model_free(struct colo_model *model)
{
	if (!model)
		return;
	g_ptr_array_unref(model->sessions);
	g_hash_table_unref(model->current);
	g_array_unref(model->origins);
	g_free(model);
}

bool colo_window_is_valid(const struct colo_window *window)
{
	return window->has_begin && window->has_end && window->end_ns >= window->begin_ns &&
	       window->end_ns - window->begin_ns <= COLO_LARGEST;
}

struct colo_value colo_window_ns(const struct colo_window *window)
{
	if (!colo_window_is_valid(window))
		return (struct colo_value){0};
	return (struct colo_value){true, (int64_t)(window->end_ns - window->begin_ns)};
}

struct colo_value colo_checkpoint_amount(const struct colo_checkpoint *checkpoint,
					 enum colo_amount amount)
{
	return (struct colo_value){checkpoint->amounts_seen >> amount & 1,
				   checkpoint->amounts[amount]};
}

const char *colo_checkpoint_state_name(enum colo_checkpoint_state state)
{
	static const char *const names[COLO_N_CHECKPOINT_STATES] = {
		[COLO_CHECKPOINT_COMPLETE] = "complete",   [COLO_CHECKPOINT_ABORTED] = "aborted",
		[COLO_CHECKPOINT_CUT_START] = "cut_start", [COLO_CHECKPOINT_CUT_END] = "cut_end",
		[COLO_CHECKPOINT_BROKEN] = "broken",	   [COLO_CHECKPOINT_PENDING] = "pending",
	};

	return names[state];
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

/* `before` is the session that ended in the same process and role, or NULL. */
static struct builder *builder_new(struct colo_model *model, const struct colo_hit *hit,
				   const struct builder *before)
{
	struct builder *builder = g_new0(struct builder, 1);
	struct colo_session *session = &builder->session;
	uint64_t key = session_key(hit);

	session->source = hit->source;
	session->pid = hit->pid;
	session->tid = hit->tid;
	session->role = (enum colo_role)hit->args[0];
	session->number = before ? before->session.number + 1 : 1;
	session->origin_ns = origin_of(model, hit);
	session->last_seen_ns = hit->time_ns;
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

static struct colo_checkpoint *checkpoint_of(struct builder *builder, uint64_t seq)
{
	GArray *checkpoints = builder->session.checkpoints;
	struct colo_checkpoint fresh = {.seq = seq, .state = COLO_CHECKPOINT_PENDING};

	/* Nearly always the last one, or the one before. */
	for (guint i = checkpoints->len; i-- > 0;) {
		struct colo_checkpoint *checkpoint =
			&g_array_index(checkpoints, struct colo_checkpoint, i);

		if (checkpoint->seq == seq)
			return checkpoint;
		if (checkpoint->seq < seq) {
			g_array_insert_val(checkpoints, i + 1, fresh);
			return &g_array_index(checkpoints, struct colo_checkpoint, i + 1);
		}
	}
	g_array_prepend_val(checkpoints, fresh);
	return &g_array_index(checkpoints, struct colo_checkpoint, 0);
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

static void add_trigger(struct builder *builder, int64_t reason)
{
	enum colo_trigger trigger = COLO_TRIGGER_UNKNOWN;

	if (reason > 0 && reason < COLO_N_TRIGGERS)
		trigger = (enum colo_trigger)reason;
	builder->session.triggers[trigger]++;
	if (builder->pending == COLO_TRIGGER_UNKNOWN)
		builder->pending = trigger;
}

void colo_model_add(struct colo_model *model, const struct colo_hit *hit)
{
	const enum colo_probe_kind kind = hit->probe->kind;
	const bool has_seq =
		kind == COLO_PROBE_BEGIN || kind == COLO_PROBE_END || kind == COLO_PROBE_COUNTERS;
	struct colo_checkpoint *checkpoint = NULL;
	struct builder *builder;

	(void)origin_of(model, hit);
	if ((hit->args[0] != COLO_ROLE_PRIMARY && hit->args[0] != COLO_ROLE_SECONDARY) ||
	    (has_seq && hit->args[1] < 1)) {
		model->invalid_hits++;
		return;
	}
	builder = builder_of(model, hit);
	if (has_seq) {
		checkpoint = checkpoint_of(builder, (uint64_t)hit->args[1]);
		builder->last_seq = MAX(builder->last_seq, checkpoint->seq);
	}
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
		add_trigger(builder, hit->args[2]);
		break;
	case COLO_PROBE_EXIT:
		builder->session.exited = true;
		builder->session.exit_reason = hit->args[1];
		break;
	}
}

/* What is seen of a checkpoint, apart from the wait before it. */
struct sighting {
	unsigned int n_whole; /* phases of which begin and end were seen, itself included */
	unsigned int n_half;  /* of which one of both was seen */
};

static struct sighting sighting_of(const struct colo_checkpoint *checkpoint)
{
	struct sighting sighting = {0};

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
		const struct colo_window *window = &checkpoint->windows[phase];

		if (phase == COLO_PHASE_WAIT)
			continue;
		sighting.n_whole += window->has_begin && window->has_end;
		sighting.n_half += window->has_begin != window->has_end;
	}
	return sighting;
}

/*
 * What stands at the edge of a session may be half there without a hit being
 * lost. perf enables its events one after the other and disables them so, thus
 * of a checkpoint at the edge of the recording any hit may be missing.
 */
struct edge {
	bool start; /* the first checkpoint, and the start of COLO was not recorded */
	bool end;   /* the last one, and the end of COLO was not recorded */
};

static enum colo_checkpoint_state
state_of(const struct builder *builder, const struct colo_checkpoint *checkpoint, struct edge edge)
{
	const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];
	struct sighting sighting = sighting_of(checkpoint);
	guint n_phases;

	(void)colo_role_phases(builder->session.role, &n_phases);
	if (!sighting.n_whole && !sighting.n_half)
		return COLO_CHECKPOINT_PENDING;
	if (whole->has_begin && whole->has_end && checkpoint->ret)
		return COLO_CHECKPOINT_ABORTED;
	if (sighting.n_whole < n_phases + 1 || sighting.n_half) {
		if (edge.start)
			return COLO_CHECKPOINT_CUT_START;
		if (edge.end)
			return COLO_CHECKPOINT_CUT_END;
	}
	if (!colo_window_is_valid(whole))
		return COLO_CHECKPOINT_BROKEN;
	return COLO_CHECKPOINT_COMPLETE;
}

/*
 * An error leaves the phases of its checkpoint open, which is the contract and
 * no anomaly; so does the edge of the recording.
 */
static void count_anomalies(struct builder *builder, const struct colo_checkpoint *checkpoint,
			    struct edge edge)
{
	struct colo_anomalies *anomalies = &builder->session.anomalies;
	const bool is_cut = checkpoint->state == COLO_CHECKPOINT_CUT_START ||
			    checkpoint->state == COLO_CHECKPOINT_CUT_END;

	for (unsigned int phase = 0; phase < COLO_N_PHASES; phase++) {
		const struct colo_window *window = &checkpoint->windows[phase];
		bool at_edge = is_cut || (phase == COLO_PHASE_WAIT && edge.start);
		bool may_stay_open = at_edge || checkpoint->state == COLO_CHECKPOINT_ABORTED ||
				     checkpoint->state == COLO_CHECKPOINT_PENDING;

		if (window->has_begin && !window->has_end && !may_stay_open)
			anomalies->begins_without_end++;
		if (window->has_end && !window->has_begin && !at_edge)
			anomalies->ends_without_begin++;
		if (window->has_begin && window->has_end && !colo_window_is_valid(window))
			anomalies->negative_durations++;
	}
}

/* A complete checkpoint, of which each phase was seen whole. */
static bool is_whole(enum colo_role role, const struct colo_checkpoint *checkpoint)
{
	bool whole = checkpoint->state == COLO_CHECKPOINT_COMPLETE;
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	for (guint i = 0; i < n && whole; i++)
		whole = colo_window_is_valid(&checkpoint->windows[phases[i]]);
	return whole;
}

static bool is_before(const struct colo_window *left, const struct colo_window *right)
{
	return left->end_ns <= right->begin_ns;
}

/* Whether a phase of a whole checkpoint lies beyond it, or in part in another one. */
static bool has_overlap(enum colo_role role, const struct colo_checkpoint *checkpoint)
{
	const struct colo_window *windows = checkpoint->windows;
	const struct colo_window *whole = &windows[COLO_PHASE_CHECKPOINT];
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	for (guint i = 0; i < n; i++) {
		const struct colo_window *phase = &windows[phases[i]];

		if (phase->begin_ns < whole->begin_ns || phase->end_ns > whole->end_ns)
			return true;
		for (guint k = i + 1; k < n; k++)
			if (!is_before(phase, &windows[phases[k]]) &&
			    !is_before(&windows[phases[k]], phase))
				return true;
	}
	return false;
}

struct colo_value colo_checkpoint_other_ns(enum colo_role role,
					   const struct colo_checkpoint *checkpoint)
{
	struct colo_value other = colo_window_ns(&checkpoint->windows[COLO_PHASE_CHECKPOINT]);
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	if (!is_whole(role, checkpoint) || has_overlap(role, checkpoint))
		return (struct colo_value){0};
	for (guint i = 0; i < n; i++)
		other.value -= colo_window_ns(&checkpoint->windows[phases[i]]).value;
	return other;
}

static void count_missing(struct builder *builder, const struct colo_checkpoint *checkpoint,
			  struct edge edge)
{
	const struct colo_window *wait = &checkpoint->windows[COLO_PHASE_WAIT];
	const enum colo_phase *phases;
	guint n;

	if (checkpoint->state != COLO_CHECKPOINT_COMPLETE)
		return;
	phases = colo_role_phases(builder->session.role, &n);
	for (guint i = 0; i < n; i++) {
		const struct colo_window *window = &checkpoint->windows[phases[i]];

		builder->session.anomalies.missing += !window->has_begin && !window->has_end;
	}
	if (!edge.start)
		builder->session.anomalies.missing += !wait->has_begin && !wait->has_end;
}

static void count_overlap(struct builder *builder, const struct colo_checkpoint *checkpoint)
{
	const enum colo_role role = builder->session.role;

	builder->session.anomalies.overlapping +=
		is_whole(role, checkpoint) && has_overlap(role, checkpoint);
}

/* The last one that is more than waited for; the length of the array when there is none. */
static guint last_begun(const GArray *checkpoints)
{
	for (guint i = checkpoints->len; i-- > 0;) {
		struct sighting sighting =
			sighting_of(&g_array_index(checkpoints, struct colo_checkpoint, i));

		if (sighting.n_whole || sighting.n_half)
			return i;
	}
	return checkpoints->len;
}

static void finish_session(struct builder *builder)
{
	GArray *checkpoints = builder->session.checkpoints;
	const guint last = last_begun(checkpoints);

	for (guint i = 0; i < checkpoints->len; i++) {
		struct colo_checkpoint *checkpoint =
			&g_array_index(checkpoints, struct colo_checkpoint, i);
		struct edge edge = {
			.start = i == 0 && !builder->session.init.has_begin,
			.end = i == last && !builder->session.exited,
		};

		checkpoint->state = state_of(builder, checkpoint, edge);
		count_anomalies(builder, checkpoint, edge);
		count_missing(builder, checkpoint, edge);
		count_overlap(builder, checkpoint);
	}
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
