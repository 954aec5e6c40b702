/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Windows are found by binary search, counts by a table of numbers. Samples stand in a recording
 * CPU by CPU, so the next one is mostly in the window and of the thread of the one before:
 * that is tried first.
 */
#include "profile/profile.h"

#include "base/hash.h"
#include "base/id_table.h"

struct window {
	uint64_t begin_ns, end_ns;
	uint32_t group;
};

/* The windows of one process. */
struct timeline {
	uint32_t pid;
	GArray *windows; /* Owned by this: struct window, by time */
	guint last;	 /* the one that was found last */
};

/* What was counted in a cell; the cells of a group are a list. */
struct count {
	uint64_t samples;
	uint32_t next; /* cell of the same group, or PROFILE_NO_CELL */
};

struct group_cells {
	uint32_t first, last;
};

struct profile {
	GHashTable *timelines;		/* Owned by this: pid to struct timeline (owned) */
	struct timeline *last_timeline; /* Weak: that was looked into; NULL: none was */
	GHashTable *threads;   /* Owned by this: struct profile_thread * (owned) to its number */
	struct id_table *kept; /* Owned by this: pid << 32 | tid of threads told apart always */
	struct id_table *bucket_ids; /* Owned by this: group << 32 | thread to number of bucket */
	GArray *buckets;	     /* Owned by this: struct profile_bucket */
	uint32_t last_bucket;	     /* that was counted in; none while there are no buckets */
	struct id_table *cell_ids;   /* Owned by this: bucket << 32 | stack to number of cell */
	GArray *cells;		     /* Owned by this: struct count */
	struct id_table *group_ids;  /* Owned by this: group to the number of its list */
	GArray *groups;		     /* Owned by this: struct group_cells */
};

static uint64_t thread_key(uint32_t pid, uint32_t tid)
{
	return (uint64_t)pid << 32 | tid;
}

static guint thread_hash(gconstpointer data)
{
	const struct profile_thread *thread = data;

	return (guint)hash_pair(thread_key(thread->pid, thread->tid), (uintptr_t)thread->name);
}

static gboolean thread_equal(gconstpointer a, gconstpointer b)
{
	const struct profile_thread *left = a, *right = b;

	return left->pid == right->pid && left->tid == right->tid && left->name == right->name;
}

static void timeline_free(gpointer data)
{
	struct timeline *timeline = data;

	g_array_unref(timeline->windows);
	g_free(timeline);
}

struct profile *profile_new(void)
{
	struct profile *profile = g_new0(struct profile, 1);

	profile->timelines = g_hash_table_new_full(hash_pointer, NULL, NULL, timeline_free);
	profile->threads = g_hash_table_new_full(thread_hash, thread_equal, g_free, NULL);
	profile->kept = id_table_new();
	profile->bucket_ids = id_table_new();
	profile->buckets = g_array_new(FALSE, FALSE, sizeof(struct profile_bucket));
	profile->cell_ids = id_table_new();
	profile->cells = g_array_new(FALSE, FALSE, sizeof(struct count));
	profile->group_ids = id_table_new();
	profile->groups = g_array_new(FALSE, FALSE, sizeof(struct group_cells));
	return profile;
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	g_hash_table_unref(profile->timelines);
	g_hash_table_unref(profile->threads);
	id_table_free(profile->kept);
	id_table_free(profile->bucket_ids);
	g_array_unref(profile->buckets);
	id_table_free(profile->cell_ids);
	g_array_unref(profile->cells);
	id_table_free(profile->group_ids);
	g_array_unref(profile->groups);
	g_free(profile);
}

/* --- Windows --- */

static struct timeline *timeline_of(const struct profile *profile, uint32_t pid)
{
	return g_hash_table_lookup(profile->timelines, GUINT_TO_POINTER(pid));
}

void profile_add_window(struct profile *profile, uint32_t pid, uint64_t begin_ns, uint64_t end_ns,
			uint32_t group)
{
	const struct window window = {begin_ns, end_ns, group};
	struct timeline *timeline = timeline_of(profile, pid);

	if (begin_ns >= end_ns)
		return;
	if (!timeline) {
		timeline = g_new0(struct timeline, 1);
		timeline->pid = pid;
		timeline->windows = g_array_new(FALSE, FALSE, sizeof(struct window));
		g_hash_table_insert(profile->timelines, GUINT_TO_POINTER(pid), timeline);
	}
	g_array_append_val(timeline->windows, window);
}

static int compare_begins(const void *a, const void *b)
{
	const struct window *left = a, *right = b;

	return left->begin_ns < right->begin_ns ? -1 : left->begin_ns > right->begin_ns;
}

void profile_settle(struct profile *profile)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, profile->timelines);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		GArray *windows = ((struct timeline *)value)->windows;

		g_array_sort(windows, compare_begins);
		for (guint i = 0; i + 1 < windows->len; i++) {
			struct window *window = &g_array_index(windows, struct window, i);

			window->end_ns = MIN(window->end_ns, window[1].begin_ns);
		}
	}
}

/* Whether the window is the last one that begins at the time or before it. */
static bool is_last_begun(const GArray *windows, guint index, uint64_t time_ns)
{
	const struct window *window = &g_array_index(windows, struct window, index);

	return window->begin_ns <= time_ns &&
	       (index + 1 == windows->len || time_ns < window[1].begin_ns);
}

/* How many windows begin at the time or before it. */
static guint count_begun(const GArray *windows, uint64_t time_ns)
{
	guint first = 0, end = windows->len;

	while (first < end) {
		const guint middle = first + (end - first) / 2;

		if (g_array_index(windows, struct window, middle).begin_ns <= time_ns)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

bool profile_has_windows(const struct profile *profile, uint32_t pid)
{
	return timeline_of(profile, pid) != NULL;
}

bool profile_find_group(struct profile *profile, uint32_t pid, uint64_t time_ns, uint32_t *group)
{
	struct timeline *timeline = profile->last_timeline;
	const struct window *window;

	if (!timeline || timeline->pid != pid)
		timeline = timeline_of(profile, pid);
	if (!timeline)
		return false;
	profile->last_timeline = timeline;
	if (!is_last_begun(timeline->windows, timeline->last, time_ns)) {
		const guint begun = count_begun(timeline->windows, time_ns);

		if (!begun)
			return false;
		timeline->last = begun - 1;
	}
	window = &g_array_index(timeline->windows, struct window, timeline->last);
	*group = window->group;
	return time_ns < window->end_ns;
}

/* --- Counts --- */

void profile_keep_thread(struct profile *profile, uint32_t pid, uint32_t tid)
{
	bool is_new;

	(void)id_table_get(profile->kept, thread_key(pid, tid), &is_new);
}

/* Itself, or what it is counted as. */
static struct profile_thread counted_as(const struct profile *profile,
					const struct profile_thread *thread)
{
	uint32_t unused;

	if (g_hash_table_size(profile->threads) < PROFILE_MOST_THREADS ||
	    g_hash_table_contains(profile->threads, thread) ||
	    id_table_find(profile->kept, thread_key(thread->pid, thread->tid), &unused))
		return *thread;
	return (struct profile_thread){thread->pid, 0, PROFILE_NAME_OF_THE_REST};
}

static uint32_t thread_number(struct profile *profile, const struct profile_thread *thread)
{
	gpointer number;

	if (!g_hash_table_lookup_extended(profile->threads, thread, NULL, &number)) {
		number = GUINT_TO_POINTER(g_hash_table_size(profile->threads));
		g_hash_table_insert(profile->threads, g_memdup2(thread, sizeof(*thread)), number);
	}
	return GPOINTER_TO_UINT(number);
}

static struct count *count_at(const struct profile *profile, guint cell)
{
	return &g_array_index(profile->cells, struct count, cell);
}

/* Puts a new cell behind the others of its group. */
static void add_cell(struct profile *profile, uint32_t group)
{
	const struct count nothing = {.next = PROFILE_NO_CELL};
	const uint32_t cell = profile->cells->len;
	const struct group_cells alone = {cell, cell};
	struct group_cells *cells;
	bool is_new;
	uint32_t id;

	g_array_append_val(profile->cells, nothing);
	id = id_table_get(profile->group_ids, group, &is_new);
	if (is_new) {
		g_array_append_val(profile->groups, alone);
		return;
	}
	cells = &g_array_index(profile->groups, struct group_cells, id);
	count_at(profile, cells->last)->next = cell;
	cells->last = cell;
}

static struct profile_bucket *bucket_at(const struct profile *profile, uint32_t bucket)
{
	return &g_array_index(profile->buckets, struct profile_bucket, bucket);
}

/* The number of the thread's bucket in the group. */
static uint32_t find_bucket(struct profile *profile, uint32_t group,
			    const struct profile_thread *thread)
{
	struct profile_bucket new_bucket = {.group = group};
	uint32_t bucket;
	bool is_new;

	if (profile->buckets->len) {
		const struct profile_bucket *last = bucket_at(profile, profile->last_bucket);

		if (last->group == group && thread_equal(&last->thread, thread))
			return profile->last_bucket;
	}
	new_bucket.thread = counted_as(profile, thread);
	bucket = id_table_get(profile->bucket_ids,
			      (uint64_t)group << 32 | thread_number(profile, &new_bucket.thread),
			      &is_new);
	if (is_new)
		g_array_append_val(profile->buckets, new_bucket);
	profile->last_bucket = bucket;
	return bucket;
}

void profile_count(struct profile *profile, uint32_t group, const struct profile_thread *thread,
		   uint32_t stack, uint64_t weight)
{
	const uint32_t bucket = find_bucket(profile, group, thread);
	uint32_t cell;
	bool is_new;

	bucket_at(profile, bucket)->samples++;
	bucket_at(profile, bucket)->weight += weight;
	cell = id_table_get(profile->cell_ids, (uint64_t)bucket << 32 | stack, &is_new);
	if (is_new)
		add_cell(profile, group);
	count_at(profile, cell)->samples++;
}

guint profile_n_buckets(const struct profile *profile)
{
	return profile->buckets->len;
}

const struct profile_bucket *profile_get_bucket(const struct profile *profile, guint bucket)
{
	return bucket_at(profile, bucket);
}

guint profile_n_cells(const struct profile *profile)
{
	return profile->cells->len;
}

struct profile_cell profile_get_cell(const struct profile *profile, guint cell)
{
	const uint64_t key = id_table_key(profile->cell_ids, cell);

	return (struct profile_cell){
		.bucket = (uint32_t)(key >> 32),
		.stack = (uint32_t)key,
		.samples = count_at(profile, cell)->samples,
	};
}

guint profile_first_cell(const struct profile *profile, uint32_t group)
{
	uint32_t id;

	if (!id_table_find(profile->group_ids, group, &id))
		return PROFILE_NO_CELL;
	return g_array_index(profile->groups, struct group_cells, id).first;
}

guint profile_next_cell(const struct profile *profile, guint cell)
{
	return count_at(profile, cell)->next;
}
