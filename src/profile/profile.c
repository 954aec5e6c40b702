/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Windows are found by binary search, counts by a table of numbers.
 */
#include "profile/profile.h"

#include "base/hash.h"
#include "base/id_table.h"

struct window {
	uint64_t begin_ns, end_ns;
	uint32_t group;
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
	GHashTable *windows; /* Owned by this: pid to GArray (owned) of struct window, by time */
	GHashTable *threads; /* Owned by this: struct profile_thread * (owned) to its number */
	struct id_table *bucket_ids; /* Owned by this: group << 32 | thread to number of bucket */
	GArray *buckets;	     /* Owned by this: struct profile_bucket */
	struct id_table *cell_ids;   /* Owned by this: bucket << 32 | stack to number of cell */
	GArray *cells;		     /* Owned by this: struct count */
	struct id_table *group_ids;  /* Owned by this: group to the number of its list */
	GArray *groups;		     /* Owned by this: struct group_cells */
};

static guint thread_hash(gconstpointer data)
{
	const struct profile_thread *thread = data;

	return (guint)hash_u64((uint64_t)thread->pid << 32 | thread->tid) +
	       g_direct_hash(thread->name);
}

static gboolean thread_equal(gconstpointer a, gconstpointer b)
{
	const struct profile_thread *left = a, *right = b;

	return left->pid == right->pid && left->tid == right->tid && left->name == right->name;
}

struct profile *profile_new(void)
{
	struct profile *profile = g_new0(struct profile, 1);

	profile->windows = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
	profile->threads = g_hash_table_new_full(thread_hash, thread_equal, g_free, NULL);
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
	g_hash_table_unref(profile->windows);
	g_hash_table_unref(profile->threads);
	id_table_free(profile->bucket_ids);
	g_array_unref(profile->buckets);
	id_table_free(profile->cell_ids);
	g_array_unref(profile->cells);
	id_table_free(profile->group_ids);
	g_array_unref(profile->groups);
	g_free(profile);
}

/* --- Windows --- */

static GArray *windows_of(const struct profile *profile, uint32_t pid)
{
	return g_hash_table_lookup(profile->windows, GUINT_TO_POINTER(pid));
}

void profile_add_window(struct profile *profile, uint32_t pid, uint64_t begin_ns, uint64_t end_ns,
			uint32_t group)
{
	const struct window window = {begin_ns, end_ns, group};
	GArray *windows = windows_of(profile, pid);

	if (begin_ns >= end_ns)
		return;
	if (!windows) {
		windows = g_array_new(FALSE, FALSE, sizeof(struct window));
		g_hash_table_insert(profile->windows, GUINT_TO_POINTER(pid), windows);
	}
	g_array_append_val(windows, window);
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

	g_hash_table_iter_init(&iter, profile->windows);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		GArray *windows = value;

		g_array_sort(windows, compare_begins);
		for (guint i = 0; i + 1 < windows->len; i++) {
			struct window *window = &g_array_index(windows, struct window, i);

			window->end_ns = MIN(window->end_ns, window[1].begin_ns);
		}
	}
}

bool profile_find_group(const struct profile *profile, uint32_t pid, uint64_t time_ns,
			uint32_t *group)
{
	const GArray *windows = windows_of(profile, pid);
	guint first = 0, end = windows ? windows->len : 0;
	const struct window *window;

	while (first < end) {
		const guint middle = first + (end - first) / 2;

		if (g_array_index(windows, struct window, middle).begin_ns <= time_ns)
			first = middle + 1;
		else
			end = middle;
	}
	if (first == 0)
		return false;
	window = &g_array_index(windows, struct window, first - 1);
	*group = window->group;
	return time_ns < window->end_ns;
}

/* --- Counts --- */

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

void profile_count(struct profile *profile, uint32_t group, const struct profile_thread *thread,
		   uint32_t stack, uint64_t weight)
{
	const struct profile_bucket new_bucket = {.group = group, .thread = *thread};
	struct profile_bucket *bucket;
	uint32_t bucket_id, cell_id;
	bool is_new;

	bucket_id = id_table_get(profile->bucket_ids,
				 (uint64_t)group << 32 | thread_number(profile, thread), &is_new);
	if (is_new)
		g_array_append_val(profile->buckets, new_bucket);
	bucket = &g_array_index(profile->buckets, struct profile_bucket, bucket_id);
	bucket->samples++;
	bucket->weight += weight;

	cell_id = id_table_get(profile->cell_ids, (uint64_t)bucket_id << 32 | stack, &is_new);
	if (is_new)
		add_cell(profile, group);
	count_at(profile, cell_id)->samples++;
}

guint profile_n_buckets(const struct profile *profile)
{
	return profile->buckets->len;
}

const struct profile_bucket *profile_get_bucket(const struct profile *profile, guint bucket)
{
	return &g_array_index(profile->buckets, struct profile_bucket, bucket);
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
