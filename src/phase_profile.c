/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The second pass over the recordings: samples into parts.
 */
#include "phase_profile.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/saturate.h"
#include "phase_sums.h"
#include "profile/deferred.h"
#include "profile/sample_chain.h"
#include "profile/sample_event.h"

/* What the pass over one recording needs. */
struct pass {
	const struct sample_choice *choice; /* Weak */
	struct phase_profiles *profiles;    /* Weak */
	const struct recording *recording;  /* Weak */
	const struct perf_events *events;   /* Weak: the recording's */
	bool swap;			    /* as of the recording */
	struct profile *profile;	    /* Weak */
	struct stack_resolver *resolver;    /* Weak */
	struct chain_reader *chains;	    /* Owned by this */
	struct deferred *deferred;	    /* Owned by this: samples whose callers come later */
	GHashTable *colo_tids;		    /* Owned by this: of the recording's sessions */
	bool *is_chosen;		    /* Owned by this: by event */
	struct profile_thread thread;	    /* of the last sample that was counted */
	struct validity named;		    /* the time in which it has that name; at first none */
};

/* --- Windows --- */

/* A part of a session is a group of the profile. */
static uint32_t group_of(guint session, unsigned int part)
{
	return session * COLO_N_PARTS + part;
}

struct window_adder {
	const struct sample_choice *choice;
	struct profile *profile;
	struct session_profile *session;
};

static void add_window(unsigned int part, uint64_t seq, uint64_t begin_ns, uint64_t end_ns,
		       void *data)
{
	struct window_adder *adder = data;
	struct part_profile *profile = &adder->session->parts[part];

	profile->n_checkpoints += profile->last_seq != seq;
	profile->last_seq = seq;
	profile->wall_ns = sum_i64(profile->wall_ns, (int64_t)(end_ns - begin_ns));
	if (adder->choice->part == part || adder->choice->part == COLO_N_PARTS)
		profile_add_window(adder->profile, adder->session->session->pid, begin_ns, end_ns,
				   group_of(adder->session->index, part));
}

static void add_session(struct phase_profiles *profiles, const struct colo_session *session,
			const struct sample_choice *choice)
{
	struct session_profile *profile = g_new0(struct session_profile, 1);
	struct window_adder adder = {
		.choice = choice,
		.profile = profiles->profiles->pdata[session->source],
		.session = profile,
	};

	profile->session = session;
	profile->index = profiles->sessions->len;
	for (unsigned int part = 0; part < COLO_N_PARTS; part++) {
		profile->parts[part].part = part;
		profile->parts[part].others =
			g_array_new(FALSE, FALSE, sizeof(struct thread_share));
		profile->parts[part].functions =
			g_array_new(FALSE, FALSE, sizeof(struct function_share));
	}
	profile_keep_thread(adder.profile, session->pid, session->tid);
	g_ptr_array_add(profiles->sessions, profile);
	g_hash_table_insert(profiles->by_session, (gpointer)session, profile);
	colo_session_visit_parts(session, &choice->selection, add_window, &adder);
}

/* --- Samples --- */

/* Whether the stack of a sample in that group is asked for. */
static bool wants_stack(const struct pass *pass, uint32_t group, uint32_t tid)
{
	const struct session_profile *session =
		pass->profiles->sessions->pdata[group / COLO_N_PARTS];

	return pass->choice->all_threads || session->session->tid == tid;
}

/* Whose sample it is: mostly that of the one before, as samples stand CPU by CPU. */
static const struct profile_thread *thread_of(struct pass *pass, const struct perf_sample *sample)
{
	struct profile_thread *thread = &pass->thread;

	if (thread->pid == sample->pid && thread->tid == sample->tid &&
	    sample->time_ns >= pass->named.from_ns && sample->time_ns < pass->named.until_ns)
		return thread;
	thread->pid = sample->pid;
	thread->tid = sample->tid;
	pass->named = VALID_ALWAYS;
	thread->name = tasks_find_thread_name(pass->recording->tasks, sample->pid, sample->tid,
					      sample->time_ns, &pass->named);
	return thread;
}

/* A deferred_visitor. */
static void count_deferred(const struct deferred_sample *sample, uint32_t callers, void *data)
{
	struct pass *pass = data;
	uint32_t stack = sample->without;

	if (callers == STACK_EMPTY)
		pass->profiles->samples_without_callers++;
	else
		stack = stack_table_join(pass->profiles->stacks, callers, sample->callees);
	profile_count(pass->profile, sample->group, &sample->thread, stack, sample->weight);
}

/* Counts a sample when its callers are there; until then it has no more than `chain`. */
static void defer_sample(struct pass *pass, const struct sample_chain *chain,
			 const struct profile_thread *thread, uint32_t group, uint64_t time_ns)
{
	const uint32_t known = stack_resolver_find(pass->resolver, &chain->chain);
	const struct deferred_sample sample = {
		.cookie = chain->cookie,
		.group = group,
		.thread = *thread,
		.callees = chain->frames ? known : STACK_EMPTY,
		.without = stack_table_join(pass->profiles->stacks,
					    stack_resolver_cut(pass->resolver), known),
		.weight = time_ns,
	};

	pass->profiles->samples_deferred++;
	deferred_add_sample(pass->deferred, &sample);
}

static void count_sample(struct pass *pass, const struct perf_event *event,
			 const struct perf_sample *sample, uint16_t misc, uint32_t group)
{
	const struct profile_thread *thread = thread_of(pass, sample);
	const uint64_t time_ns = sample_event_time_ns(event, sample);
	struct sample_chain chain;

	pass->profiles->bad_periods += !time_ns && sample_event_has_time(event);
	if (!wants_stack(pass, group, sample->tid)) {
		profile_count(pass->profile, group, thread, STACK_EMPTY, time_ns);
		return;
	}
	chain_reader_sample(pass->chains, event, sample, misc, &chain);
	if (chain.is_deferred)
		defer_sample(pass, &chain, thread, group, time_ns);
	else
		profile_count(pass->profile, group, thread,
			      stack_resolver_find(pass->resolver, &chain.chain), time_ns);
}

#define SAMPLE_NEEDS (PERF_SAMPLE_TID | PERF_SAMPLE_TIME)

static void read_sample(struct pass *pass, const struct perf_record *record)
{
	const int index = perf_events_of_sample(pass->events, record->tainted_body,
						record->body_size, pass->swap);
	const struct perf_event *event;
	struct perf_sample sample;
	uint32_t group;

	if (index < 0 || !pass->is_chosen[index])
		return;
	event = perf_events_get(pass->events, (guint)index);
	if (!perf_sample_decode(event, record->tainted_body, record->body_size, pass->swap,
				&sample))
		return;
	pass->profiles->samples++;
	if ((event->sample_type & SAMPLE_NEEDS) != SAMPLE_NEEDS)
		pass->profiles->samples_without_time++;
	else if (profile_find_group(pass->profile, sample.pid, sample.time_ns, &group))
		count_sample(pass, event, &sample, record->misc, group);
	else
		pass->profiles->samples_outside++;
}

/* Callers that no sample can be waiting for are not looked at. */
static void read_deferred(struct pass *pass, const struct perf_record *record)
{
	struct perf_deferred deferred;
	struct sample_chain chain;

	if (!perf_deferred_decode(pass->events, record, pass->swap, &deferred) ||
	    !profile_has_windows(pass->profile, deferred.pid) ||
	    (!pass->choice->all_threads &&
	     !g_hash_table_contains(pass->colo_tids, GUINT_TO_POINTER(deferred.tid))))
		return;
	chain_reader_deferred(pass->chains, &deferred, &chain);
	if (chain.frames)
		deferred_add_callers(pass->deferred, deferred.tid, deferred.cookie,
				     stack_resolver_find(pass->resolver, &chain.chain));
}

/* Damage was found in the first pass already, and ends this one at the same places. */
static bool read_samples(struct pass *pass, GError **error)
{
	struct perf_file *file = pass->recording->file;

	perf_file_rewind(file);
	for (;;) {
		g_autoptr(GError) damage = NULL;
		struct perf_record record;

		switch (perf_file_next_record(file, &record, &damage)) {
		case PERF_NEXT_END:
			return true;
		case PERF_NEXT_ERROR:
			if (!g_error_matches(damage, COLO_PERF_ERROR, COLO_PERF_ERROR_IO))
				break;
			g_propagate_prefixed_error(error, g_steal_pointer(&damage),
						   "%s: ", pass->recording->path);
			return false;
		case PERF_NEXT_RECORD:
			if (record.type == PERF_RECORD_SAMPLE)
				read_sample(pass, &record);
			else if (record.type == PERF_KERNEL_RECORD_CALLCHAIN_DEFERRED)
				read_deferred(pass, &record);
		}
	}
}

/* --- All of it --- */

/*
 * Which events of the recording are meant; of those that count the same, the first. False when
 * none is.
 */
static bool choose_events(struct phase_profiles *profiles, struct pass *pass)
{
	const struct perf_events *events = pass->events;
	g_autoptr(GHashTable) chosen = /* struct perf_event (weak) to itself */
		g_hash_table_new(sample_event_hash, sample_event_equal);
	bool any = false;

	pass->is_chosen = g_new0(bool, perf_events_count(events));
	for (guint i = 0; i < perf_events_count(events); i++) {
		const struct perf_event *event = perf_events_get(events, i);

		if (!sample_event_is(event, profiles->event) ||
		    !g_hash_table_add(chosen, (gpointer)event))
			continue;
		pass->is_chosen[i] = any = true;
		profiles->has_time = profiles->has_time && sample_event_has_time(event);
		profiles->is_partial = profiles->is_partial || sample_event_is_partial(event);
		profiles->has_branches =
			profiles->has_branches ||
			(event->sample_type & PERF_SAMPLE_BRANCH_STACK &&
			 event->branch_sample_type & PERF_SAMPLE_BRANCH_CALL_STACK);
		profiles->has_chains =
			profiles->has_chains || event->sample_type & PERF_SAMPLE_CALLCHAIN;
	}
	return any;
}

static GHashTable *colo_tids_of(const struct phase_profiles *profiles, guint source)
{
	GHashTable *tids = g_hash_table_new(hash_pointer, NULL);

	for (guint i = 0; i < profiles->sessions->len; i++) {
		const struct session_profile *session = profiles->sessions->pdata[i];

		if (session->session->source == source)
			g_hash_table_add(tids, GUINT_TO_POINTER(session->session->tid));
	}
	return tids;
}

/* What the pass found to be wrong with the samples. */
static void add_counts(struct phase_profiles *profiles, const struct chain_counts *counts)
{
	profiles->samples_not_unwound += counts->not_unwound;
	profiles->samples_too_much += counts->too_much;
	profiles->samples_unknown_context += counts->unknown_context;
}

static bool pass_over(struct phase_profiles *profiles, const struct sample_choice *choice,
		      const struct recording *recording, guint source, bool *any, GError **error)
{
	const bool swap = perf_file_is_swapped(recording->file);
	struct pass pass = {
		.choice = choice,
		.profiles = profiles,
		.recording = recording,
		.events = perf_file_events(recording->file),
		.swap = swap,
		.profile = profiles->profiles->pdata[source],
		.resolver = profiles->resolvers->pdata[source],
		.chains =
			chain_reader_new(recording->tasks, recording->dsos, recording->arch, swap),
		.deferred = deferred_new(&deferred_usual_limits, count_deferred, &pass),
		.colo_tids = colo_tids_of(profiles, source),
	};
	const bool chosen = choose_events(profiles, &pass);
	const bool read = !chosen || read_samples(&pass, error);

	*any = *any || chosen;
	profiles->is_sampled[source] = chosen;
	deferred_finish(pass.deferred);
	add_counts(profiles, chain_reader_counts(pass.chains));
	stack_resolver_forget(pass.resolver);
	deferred_free(pass.deferred);
	chain_reader_free(pass.chains);
	g_hash_table_unref(pass.colo_tids);
	g_free(pass.is_chosen);
	return read;
}

static bool has_event(const struct recording *recording, const char *name)
{
	const struct perf_events *events = perf_file_events(recording->file);

	for (guint i = 0; i < perf_events_count(events); i++)
		if (sample_event_is(perf_events_get(events, i), name))
			return true;
	return false;
}

static guint count_with_event(const struct recordings *recordings, const char *name)
{
	guint n = 0;

	for (guint i = 0; i < recordings->files->len; i++)
		n += has_event(recordings->files->pdata[i], name);
	return n;
}

/* What most of the recordings have; of those, what the first one prefers. */
static char *choose_event(const struct recordings *recordings)
{
	char *best = NULL;
	guint best_n = 0;

	for (guint i = 0; i < recordings->files->len; i++) {
		const struct recording *recording = recordings->files->pdata[i];
		char *event = sample_event_choose(perf_file_events(recording->file));
		const guint n = event ? count_with_event(recordings, event) : 0;

		if (n > best_n) {
			g_free(best);
			best = g_steal_pointer(&event);
			best_n = n;
		}
		g_free(event);
	}
	return best;
}

static void part_clear(struct part_profile *part)
{
	g_array_unref(part->others);
	g_array_unref(part->functions);
}

static void session_free(gpointer data)
{
	struct session_profile *session = data;

	for (unsigned int part = 0; part < COLO_N_PARTS; part++)
		part_clear(&session->parts[part]);
	g_free(session);
}

static struct phase_profiles *profiles_alloc(const struct recordings *recordings)
{
	struct phase_profiles *profiles = g_new0(struct phase_profiles, 1);

	profiles->has_time = true;
	profiles->is_sampled = g_new0(bool, recordings->files->len);
	profiles->stacks = stack_table_new(&stack_usual_limits);
	profiles->profiles = g_ptr_array_new_with_free_func((GDestroyNotify)profile_free);
	profiles->resolvers = g_ptr_array_new_with_free_func((GDestroyNotify)stack_resolver_free);
	profiles->sessions = g_ptr_array_new_with_free_func(session_free);
	profiles->by_session = g_hash_table_new(hash_pointer, NULL);
	profiles->unresolved_samples = g_new0(struct unresolved_samples, recordings->files->len);
	profiles->unresolved = g_array_new(FALSE, FALSE, sizeof(struct unresolved_file));
	for (guint i = 0; i < recordings->files->len; i++) {
		const struct recording *recording = recordings->files->pdata[i];

		g_ptr_array_add(profiles->profiles, profile_new());
		g_ptr_array_add(
			profiles->resolvers,
			stack_resolver_new(recording->tasks, recording->dsos, profiles->stacks));
	}
	return profiles;
}

static void add_sessions(struct phase_profiles *profiles, const GPtrArray *summaries,
			 const struct sample_choice *choice)
{
	for (guint i = 0; i < summaries->len; i++) {
		const struct colo_summary *summary = summaries->pdata[i];

		if (!choice->role || summary->session->role == choice->role)
			add_session(profiles, summary->session, choice);
	}
}

static bool read_recordings(struct phase_profiles *profiles, const struct recordings *recordings,
			    const struct sample_choice *choice, GError **error)
{
	bool any = false;

	for (guint i = 0; i < recordings->files->len; i++) {
		profile_settle(profiles->profiles->pdata[i]);
		if (profiles->event &&
		    !pass_over(profiles, choice, recordings->files->pdata[i], i, &any, error))
			return false;
	}
	if (any || !choice->event)
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
		    "there is no event \"%s\" in the recording; perf evlist lists those that there "
		    "are",
		    choice->event);
	return false;
}

struct phase_profiles *phase_profiles_new(const struct recordings *recordings,
					  const GPtrArray *summaries,
					  const struct sample_choice *choice, GError **error)
{
	struct phase_profiles *profiles = profiles_alloc(recordings);

	add_sessions(profiles, summaries, choice);
	profiles->event = choice->event ? g_strdup(choice->event) : choose_event(recordings);
	if (!read_recordings(profiles, recordings, choice, error)) {
		phase_profiles_free(profiles);
		return NULL;
	}
	phase_sums_fill(profiles);
	return profiles;
}

void phase_profiles_free(struct phase_profiles *profiles)
{
	if (!profiles)
		return;
	g_free(profiles->event);
	g_free(profiles->is_sampled);
	g_ptr_array_unref(profiles->resolvers);
	g_ptr_array_unref(profiles->profiles);
	g_ptr_array_unref(profiles->sessions);
	g_hash_table_unref(profiles->by_session);
	g_array_unref(profiles->unresolved);
	g_free(profiles->unresolved_samples);
	stack_table_free(profiles->stacks);
	g_free(profiles);
}

const struct session_profile *phase_profiles_find(const struct phase_profiles *profiles,
						  const struct colo_session *session)
{
	return g_hash_table_lookup(profiles->by_session, session);
}

void phase_profiles_visit(const struct phase_profiles *profiles,
			  const struct session_profile *session, unsigned int part,
			  phase_stack_visitor visit, void *data)
{
	const struct profile *profile = profiles->profiles->pdata[session->session->source];
	const uint32_t group = group_of(session->index, part);

	for (guint i = profile_first_cell(profile, group); i != PROFILE_NO_CELL;
	     i = profile_next_cell(profile, i)) {
		const struct profile_cell cell = profile_get_cell(profile, i);
		const struct profile_bucket *bucket = profile_get_bucket(profile, cell.bucket);

		visit(&bucket->thread, cell.stack, cell.samples, data);
	}
}
