/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From counted stacks to what a reader asks for: the time of the threads, the
 * functions by self and by total, the files without symbols.
 */
#include "phase_sums.h"

#include "base/hash.h"

#include <math.h>

static struct colo_value time_of(const struct phase_profiles *profiles, uint64_t weight)
{
	return (struct colo_value){.known = profiles->has_time, .value = (int64_t)weight};
}

/* Who ran in the parts: the thread of the checkpoints, and the others. */
static void sum_threads(struct phase_profiles *profiles, const struct profile *profile)
{
	for (guint i = 0; i < profile_n_buckets(profile); i++) {
		const struct profile_bucket *bucket = profile_get_bucket(profile, i);
		struct session_profile *session =
			profiles->sessions->pdata[bucket->group / COLO_N_PARTS];
		struct part_profile *part = &session->parts[bucket->group % COLO_N_PARTS];
		const struct thread_share share = {
			.tid = bucket->thread.tid,
			.name = bucket->thread.name,
			.samples = bucket->samples,
			.on_cpu_ns = time_of(profiles, bucket->weight),
		};

		if (bucket->thread.tid == session->session->tid) {
			part->samples += bucket->samples;
			profiles->colo_samples += bucket->samples;
			part->on_cpu_ns.value += (int64_t)bucket->weight;
		} else {
			g_array_append_val(part->others, share);
		}
	}
}

static int compare_shares(const void *a, const void *b)
{
	const struct thread_share *left = a, *right = b;

	if (left->samples != right->samples)
		return left->samples > right->samples ? -1 : 1;
	return left->tid < right->tid ? -1 : left->tid > right->tid;
}

#define LEAST_SAMPLES 5 /* below that chance decides */

/*
 * What the samples stand for, against the time that there was. Chance makes it a
 * little more at times, by 1 / sqrt(n) of it on average; twice that is too much.
 */
static bool is_plausible(const struct part_profile *part)
{
	const double excess = (double)(part->on_cpu_ns.value - part->wall_ns);

	if (excess <= 0)
		return true;
	return part->samples >= LEAST_SAMPLES &&
	       excess <= 2 * (double)part->wall_ns / sqrt((double)part->samples);
}

/*
 * Whether chance decides: n samples are sqrt(n) more or fewer, and that is more than a
 * quarter of the time that there was.
 */
static bool is_rough(const struct part_profile *part)
{
	const double sample_ns = (double)part->on_cpu_ns.value / (double)part->samples;

	return part->samples == 0 ||
	       4 * sample_ns * sqrt((double)part->samples) > (double)part->wall_ns;
}

static void finish_part(struct part_profile *part, bool has_time)
{
	part->few_samples = is_rough(part);
	part->on_cpu_ns.known = has_time;
	part->off_cpu_ns.known = has_time && is_plausible(part);
	part->off_cpu_ns.value = MAX(0, part->wall_ns - part->on_cpu_ns.value);
	g_array_sort(part->others, compare_shares);
}

/* --- Stacks --- */

/* Sums of one part, while its stacks are walked. */
struct function_sums {
	struct phase_profiles *profiles;  /* Weak */
	const struct stack_table *stacks; /* Weak: the profiles' */
	uint64_t *self, *total;		  /* Owned by this: by frame */
	uint32_t *seen_in; /* Owned by this: the last walk that a frame was seen in */
	uint32_t walk;	   /* number of stacks walked; one may come for each name */
	GArray *touched;   /* Owned by this: uint32_t, frames with a total */
	/* Owned by this: by source, dso (weak) or else kind to number of its file */
	GHashTable **unresolved;
};

static struct unresolved_file *get_unresolved(struct function_sums *sums,
					      const struct unresolved *what, guint source)
{
	const gpointer key = what->dso ? (gpointer)what->dso : GUINT_TO_POINTER(what->kind);
	GArray *files = sums->profiles->unresolved;
	const struct unresolved_file file = {.what = *what, .source = source};
	gpointer number;

	if (!g_hash_table_lookup_extended(sums->unresolved[source], key, NULL, &number)) {
		number = GUINT_TO_POINTER(files->len);
		g_array_append_val(files, file);
		g_hash_table_insert(sums->unresolved[source], key, number);
	}
	return &g_array_index(files, struct unresolved_file, GPOINTER_TO_UINT(number));
}

/* Counts the samples of a walk once, however many of its frames ask for it. */
static void count_once(const struct function_sums *sums, uint64_t *count, uint64_t *last_walk,
		       uint64_t samples)
{
	*count += *last_walk == sums->walk ? 0 : samples;
	*last_walk = sums->walk;
}

static void add_unresolved(struct function_sums *sums, guint source, uint32_t frame,
			   uint64_t samples)
{
	const struct unresolved what =
		stack_resolver_unresolved(sums->profiles->resolvers->pdata[source], frame);
	struct unresolved_file *file = get_unresolved(sums, &what, source);
	struct unresolved_samples *all = &sums->profiles->unresolved_samples[source];

	count_once(sums, &file->samples, &file->last_walk, samples);
	count_once(sums, &all->samples[what.kind], &all->last_walk[what.kind], samples);
}

static void add_stack(struct function_sums *sums, struct part_profile *part, guint source,
		      uint32_t stack, uint64_t samples)
{
	bool is_cut = false;

	sums->walk++;
	sums->self[stack_table_top(sums->stacks, stack)] += samples;
	for (uint32_t at = stack; at != STACK_EMPTY; at = stack_table_caller(sums->stacks, at)) {
		const uint32_t frame = stack_table_top(sums->stacks, at);
		const enum frame_kind kind = stack_table_get_frame(sums->stacks, frame)->kind;

		if (kind == FRAME_CUT) {
			is_cut = true;
			continue;
		}
		part->frames += samples;
		if (kind == FRAME_UNRESOLVED) {
			part->unresolved_frames += samples;
			add_unresolved(sums, source, frame, samples);
		}
		/* A function that calls itself is counted once. */
		if (sums->seen_in[frame] == sums->walk)
			continue;
		sums->seen_in[frame] = sums->walk;
		if (!sums->total[frame])
			g_array_append_val(sums->touched, frame);
		sums->total[frame] += samples;
	}
	part->cut_samples += is_cut ? samples : 0;
}

static int compare_functions(const void *a, const void *b, void *data)
{
	const struct function_share *left = a, *right = b;
	const struct stack_table *stacks = data;

	if (left->self != right->self)
		return left->self > right->self ? -1 : 1;
	if (left->total != right->total)
		return left->total > right->total ? -1 : 1;
	return frame_compare(stack_table_get_frame(stacks, left->frame),
			     stack_table_get_frame(stacks, right->frame));
}

/* Hands the sums over to the part and clears them for the next one. */
static void take_functions(struct function_sums *sums, struct part_profile *part)
{
	for (guint i = 0; i < sums->touched->len; i++) {
		const uint32_t frame = g_array_index(sums->touched, uint32_t, i);
		const struct function_share share = {frame, sums->self[frame], sums->total[frame]};

		g_array_append_val(part->functions, share);
		sums->self[frame] = sums->total[frame] = 0;
	}
	g_array_set_size(sums->touched, 0);
	g_array_sort_with_data(part->functions, compare_functions, (gpointer)sums->stacks);
}

struct part_visit {
	struct function_sums *sums;
	struct part_profile *part;
	const struct colo_session *session;
};

static void visit_stack(const struct profile_thread *thread, uint32_t stack, uint64_t samples,
			void *data)
{
	struct part_visit *visit = data;

	if (thread->tid == visit->session->tid)
		add_stack(visit->sums, visit->part, visit->session->source, stack, samples);
}

static void sum_stacks(struct phase_profiles *profiles)
{
	const guint n_frames = stack_table_n_frames(profiles->stacks);
	struct function_sums sums = {
		.profiles = profiles,
		.stacks = profiles->stacks,
		.self = g_new0(uint64_t, n_frames),
		.total = g_new0(uint64_t, n_frames),
		.seen_in = g_new0(uint32_t, n_frames),
		.touched = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
		.unresolved = g_new0(GHashTable *, profiles->profiles->len),
	};

	for (guint i = 0; i < profiles->profiles->len; i++)
		sums.unresolved[i] = g_hash_table_new(hash_pointer, NULL);
	for (guint i = 0; i < profiles->sessions->len; i++) {
		struct session_profile *session = profiles->sessions->pdata[i];

		for (unsigned int part = 0; part < COLO_N_PARTS; part++) {
			struct part_visit visit = {&sums, &session->parts[part], session->session};

			phase_profiles_visit(profiles, session, part, visit_stack, &visit);
			take_functions(&sums, &session->parts[part]);
		}
	}
	for (guint i = 0; i < profiles->profiles->len; i++)
		g_hash_table_unref(sums.unresolved[i]);
	g_free(sums.unresolved);
	g_free(sums.self);
	g_free(sums.total);
	g_free(sums.seen_in);
	g_array_unref(sums.touched);
}

static int compare_unresolved(const void *a, const void *b)
{
	const struct unresolved_file *left = a, *right = b;

	return left->samples > right->samples ? -1 : left->samples < right->samples;
}

void phase_sums_fill(struct phase_profiles *profiles)
{
	for (guint i = 0; i < profiles->profiles->len; i++)
		sum_threads(profiles, profiles->profiles->pdata[i]);
	for (guint i = 0; i < profiles->sessions->len; i++) {
		struct session_profile *session = profiles->sessions->pdata[i];

		for (unsigned int part = 0; part < COLO_N_PARTS; part++)
			finish_part(&session->parts[part],
				    profiles->has_time &&
					    profiles->is_sampled[session->session->source]);
	}
	sum_stacks(profiles);
	g_array_sort(profiles->unresolved, compare_unresolved);
}
