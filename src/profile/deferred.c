/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Samples that wait are in a hash table by thread and cookie, and in the order in which they came.
 * Records of callers are in a ring, the last of each hash in a table; a place of the ring tells
 * where the one before it with that hash is. What the ring has written over is recognised by its
 * number, so nothing has to be removed:
 *
 *     last[hash] ---> 1041 ---> 1007 ---> 12   older than the ring: the end
 */
#include "profile/deferred.h"

#include "base/hash.h"
#include "profile/stack_table.h"

/* 64 and 24 MiB. A recording in rounds needs a few thousand of each, one of --threads more. */
const struct deferred_limits deferred_usual_limits = {
	.n_samples = 512 * 1024,
	.n_callers = 1024 * 1024,
};

/* Samples with one thread and cookie that wait. */
struct waiting {
	uint32_t tid;
	uint64_t cookie;
	GArray *samples; /* Owned by this: struct deferred_sample */
	GList link;	 /* in `ages` */
};

struct callers {
	uint64_t cookie;
	uint32_t tid, stack;
	uint64_t before; /* number of the one before it with its hash; 0: none */
};

struct deferred {
	struct deferred_limits limits;
	deferred_visitor visit;
	void *data;	      /* Weak */
	GHashTable *waiting;  /* Owned by this: struct waiting (owned) to itself */
	GQueue ages;	      /* of them, the oldest first */
	guint n_samples;      /* in them */
	struct callers *ring; /* Owned by this; NULL until the first */
	uint64_t *last;	      /* Owned by this: by hash, the number of the newest; 0: none */
	uint64_t n_callers;   /* so far; the first one has number 1 */
};

static uint64_t hash_of(uint32_t tid, uint64_t cookie)
{
	return hash_pair(tid, cookie);
}

static guint waiting_hash(gconstpointer data)
{
	const struct waiting *waiting = data;

	return (guint)hash_of(waiting->tid, waiting->cookie);
}

static gboolean waiting_equal(gconstpointer a, gconstpointer b)
{
	const struct waiting *left = a, *right = b;

	return left->tid == right->tid && left->cookie == right->cookie;
}

static void waiting_free(gpointer data)
{
	struct waiting *waiting = data;

	g_array_unref(waiting->samples);
	g_free(waiting);
}

struct deferred *deferred_new(const struct deferred_limits *limits, deferred_visitor visit,
			      void *data)
{
	struct deferred *deferred = g_new0(struct deferred, 1);

	deferred->limits = *limits;
	deferred->visit = visit;
	deferred->data = data;
	deferred->waiting = g_hash_table_new_full(waiting_hash, waiting_equal, waiting_free, NULL);
	return deferred;
}

void deferred_free(struct deferred *deferred)
{
	if (!deferred)
		return;
	g_hash_table_unref(deferred->waiting);
	g_free(deferred->ring);
	g_free(deferred->last);
	g_free(deferred);
}

/* --- Callers --- */

static uint64_t *last_of(const struct deferred *deferred, uint32_t tid, uint64_t cookie)
{
	return &deferred->last[hash_of(tid, cookie) & (deferred->limits.n_callers - 1)];
}

static struct callers *at(const struct deferred *deferred, uint64_t number)
{
	return &deferred->ring[number & (deferred->limits.n_callers - 1)];
}

/* Whether the ring still has it. */
static bool is_there(const struct deferred *deferred, uint64_t number)
{
	return number && deferred->n_callers - number < deferred->limits.n_callers;
}

/* STACK_EMPTY: none came, or they came too long ago. */
static uint32_t find_callers(const struct deferred *deferred, uint32_t tid, uint64_t cookie)
{
	uint64_t number = deferred->ring ? *last_of(deferred, tid, cookie) : 0;

	for (; is_there(deferred, number); number = at(deferred, number)->before) {
		const struct callers *callers = at(deferred, number);

		if (callers->tid == tid && callers->cookie == cookie)
			return callers->stack;
	}
	return STACK_EMPTY;
}

static void remember_callers(struct deferred *deferred, uint32_t tid, uint64_t cookie,
			     uint32_t stack)
{
	uint64_t *last;

	if (!deferred->ring) {
		deferred->ring = g_new0(struct callers, deferred->limits.n_callers);
		deferred->last = g_new0(uint64_t, deferred->limits.n_callers);
	}
	last = last_of(deferred, tid, cookie);
	*at(deferred, ++deferred->n_callers) =
		(struct callers){.cookie = cookie, .tid = tid, .stack = stack, .before = *last};
	*last = deferred->n_callers;
}

/* --- Samples --- */

/* Visits those that wait together, and forgets them. */
static void release(struct deferred *deferred, struct waiting *waiting, uint32_t callers)
{
	for (guint i = 0; i < waiting->samples->len; i++)
		deferred->visit(&g_array_index(waiting->samples, struct deferred_sample, i),
				callers, deferred->data);
	deferred->n_samples -= waiting->samples->len;
	g_queue_unlink(&deferred->ages, &waiting->link);
	g_hash_table_remove(deferred->waiting, waiting);
}

static struct waiting *find_waiting(const struct deferred *deferred, uint32_t tid, uint64_t cookie)
{
	const struct waiting key = {.tid = tid, .cookie = cookie};

	return g_hash_table_lookup(deferred->waiting, &key);
}

static void hold(struct deferred *deferred, const struct deferred_sample *sample)
{
	struct waiting *waiting = find_waiting(deferred, sample->thread.tid, sample->cookie);

	if (!waiting) {
		waiting = g_new0(struct waiting, 1);
		waiting->tid = sample->thread.tid;
		waiting->cookie = sample->cookie;
		waiting->samples = g_array_new(FALSE, FALSE, sizeof(struct deferred_sample));
		waiting->link.data = waiting;
		g_hash_table_add(deferred->waiting, waiting);
		g_queue_push_tail_link(&deferred->ages, &waiting->link);
	}
	g_array_append_val(waiting->samples, *sample);
	deferred->n_samples++;
	while (deferred->n_samples > deferred->limits.n_samples)
		release(deferred, g_queue_peek_head(&deferred->ages), STACK_EMPTY);
}

void deferred_add_sample(struct deferred *deferred, const struct deferred_sample *sample)
{
	const uint32_t callers = find_callers(deferred, sample->thread.tid, sample->cookie);

	if (callers == STACK_EMPTY)
		hold(deferred, sample);
	else
		deferred->visit(sample, callers, deferred->data);
}

void deferred_add_callers(struct deferred *deferred, uint32_t tid, uint64_t cookie,
			  uint32_t callers)
{
	struct waiting *waiting = find_waiting(deferred, tid, cookie);

	if (waiting)
		release(deferred, waiting, callers);
	remember_callers(deferred, tid, cookie, callers);
}

void deferred_finish(struct deferred *deferred)
{
	while (deferred->ages.head)
		release(deferred, g_queue_peek_head(&deferred->ages), STACK_EMPTY);
}
