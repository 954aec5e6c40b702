/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hits lie in runs of a fixed size, so that nothing large is ever moved. In a run
 * the hits stand as numbers of variable length in the order in which they came, and
 * a key for each grows towards them from the other end:
 *
 *     | hit 0 | hit 1 | hit 2 |  ...free...  | key 2 | key 1 | key 0 |
 *
 * A run whose keys are not in the order of time is sorted by itself. Taking hits
 * out merges the runs, by a heap of them.
 *
 * The numbers are unsigned LEB128 (DWARF 5, 7.6): 7 bits a byte, the lowest first.
 */
#include "colo/hit_log.h"

#include "base/id_table.h"

#include <stdlib.h>

#define RUN_SIZE      (256 * 1024) /* bytes; of hits and keys together */
#define MAX_LEB128    10	   /* bytes of a 64-bit number */
#define MAX_HIT_BYTES ((6 + COLO_PROBE_MAX_ARGS) * MAX_LEB128)

struct key {
	uint64_t time_ns;
	uint32_t place; /* in the run's bytes; grows with the order in which hits came */
};

#define MAX_KEYS (RUN_SIZE / sizeof(struct key))

struct run {
	guint number;		  /* of the order in which the runs came */
	uint32_t n_bytes;	  /* that hold hits */
	uint32_t n_hits, n_taken; /* taken: given back */
	bool is_sorted;		  /* the keys are in the order of time */
	union {
		uint8_t bytes[RUN_SIZE];
		struct key keys[MAX_KEYS]; /* the last of them first */
	};
};

struct hit_log {
	GPtrArray *runs; /* Owned by this: struct run (owned); a heap once hits are taken out */
	struct id_table *places; /* Owned by this: the few addresses that probes are at */
	size_t bytes;		 /* of all hits and their keys */
	bool is_heap;
};

struct hit_log *hit_log_new(void)
{
	struct hit_log *log = g_new0(struct hit_log, 1);

	log->runs = g_ptr_array_new_with_free_func(g_free);
	log->places = id_table_new();
	return log;
}

void hit_log_free(struct hit_log *log)
{
	if (!log)
		return;
	g_ptr_array_unref(log->runs);
	id_table_free(log->places);
	g_free(log);
}

static struct run *run_at(const struct hit_log *log, guint index)
{
	return g_ptr_array_index(log->runs, index);
}

/* --- Adding --- */

static struct run *run_new(struct hit_log *log)
{
	/* Not cleared: what is not written to costs no memory. */
	struct run *run = g_malloc(sizeof(*run));

	run->number = log->runs->len;
	run->n_bytes = run->n_hits = run->n_taken = 0;
	run->is_sorted = true;
	g_ptr_array_add(log->runs, run);
	return run;
}

static bool has_room(const struct run *run)
{
	return run->n_bytes + MAX_HIT_BYTES + (run->n_hits + 1) * sizeof(struct key) <= RUN_SIZE;
}

static void put_number(struct run *run, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		run->bytes[run->n_bytes++] = (uint8_t)(number | 0x80);
	run->bytes[run->n_bytes++] = (uint8_t)number;
}

/* Small negative numbers become small ones too: 0, -1, 1, -2, ... are 0, 1, 2, 3, ... */
static uint64_t fold_sign(int64_t number)
{
	return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

static int64_t unfold_sign(uint64_t number)
{
	return (int64_t)(number >> 1 ^ -(number & 1));
}

static struct key *key_at(struct run *run, uint32_t index)
{
	return &run->keys[MAX_KEYS - 1 - index];
}

void hit_log_add(struct hit_log *log, const struct colo_hit *hit)
{
	struct run *run = log->runs->len ? run_at(log, log->runs->len - 1) : NULL;
	bool is_new;
	uint32_t before;

	g_assert(!log->is_heap);
	if (!run || !has_room(run))
		run = run_new(log);
	before = run->n_bytes;
	if (run->n_hits && hit->time_ns < key_at(run, run->n_hits - 1)->time_ns)
		run->is_sorted = false;
	*key_at(run, run->n_hits++) = (struct key){hit->time_ns, run->n_bytes};
	put_number(run, colo_probe_number(hit->probe));
	put_number(run, hit->source);
	put_number(run, hit->pid);
	put_number(run, hit->tid);
	put_number(run, hit->event);
	put_number(run, id_table_get(log->places, hit->place, &is_new));
	for (unsigned int i = 0; i < hit->probe->n_args; i++)
		put_number(run, fold_sign(hit->args[i]));
	log->bytes += run->n_bytes - before + sizeof(struct key);
}

size_t hit_log_bytes(const struct hit_log *log)
{
	return log->bytes;
}

/* --- Taking --- */

/* As the keys stand: the last one first. */
static int compare_keys(const void *a, const void *b)
{
	const struct key *left = a, *right = b;

	if (left->time_ns != right->time_ns)
		return left->time_ns > right->time_ns ? -1 : 1;
	return left->place > right->place ? -1 : left->place < right->place;
}

/* Whether the next hit of one run comes before that of another. */
static bool is_before(struct run *run, struct run *other)
{
	const uint64_t time_ns = key_at(run, run->n_taken)->time_ns;
	const uint64_t other_ns = key_at(other, other->n_taken)->time_ns;

	return time_ns < other_ns || (time_ns == other_ns && run->number < other->number);
}

/* The run at `index` may come after those below it in the heap; puts it where it belongs. */
static void sift_down(struct hit_log *log, guint index)
{
	gpointer *runs = log->runs->pdata;

	for (;;) {
		guint first = index;

		for (guint below = 2 * index + 1; below <= 2 * index + 2; below++)
			if (below < log->runs->len && is_before(runs[below], runs[first]))
				first = below;
		if (first == index)
			return;
		gpointer run = runs[index];
		runs[index] = runs[first];
		runs[first] = run;
		index = first;
	}
}

static void make_heap(struct hit_log *log)
{
	for (guint i = 0; i < log->runs->len; i++) {
		struct run *run = run_at(log, i);

		if (!run->is_sorted)
			qsort(key_at(run, run->n_hits - 1), run->n_hits, sizeof(struct key),
			      compare_keys);
	}
	for (guint i = log->runs->len / 2; i-- > 0;)
		sift_down(log, i);
	log->is_heap = true;
}

static uint64_t get_number(const uint8_t **bytes)
{
	uint64_t number = 0;

	for (unsigned int shift = 0;; shift += 7) {
		const uint8_t byte = *(*bytes)++;

		number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return number;
	}
}

static struct colo_hit hit_of(const struct hit_log *log, const struct run *run,
			      const struct key *key)
{
	const uint8_t *bytes = run->bytes + key->place;
	struct colo_hit hit = {.time_ns = key->time_ns};

	hit.probe = colo_probe_get((unsigned int)get_number(&bytes));
	hit.source = (uint32_t)get_number(&bytes);
	hit.pid = (uint32_t)get_number(&bytes);
	hit.tid = (uint32_t)get_number(&bytes);
	hit.event = (uint32_t)get_number(&bytes);
	hit.place = id_table_key(log->places, (uint32_t)get_number(&bytes));
	for (unsigned int i = 0; i < hit.probe->n_args; i++)
		hit.args[i] = unfold_sign(get_number(&bytes));
	return hit;
}

bool hit_log_take(struct hit_log *log, struct colo_hit *hit)
{
	struct run *run;

	if (!log->is_heap)
		make_heap(log);
	if (!log->runs->len)
		return false;
	run = run_at(log, 0);
	*hit = hit_of(log, run, key_at(run, run->n_taken));
	run->n_taken++;
	/* The last run of the heap takes the place of an empty one. */
	if (run->n_taken == run->n_hits)
		g_ptr_array_remove_index_fast(log->runs, 0);
	sift_down(log, 0);
	return true;
}
