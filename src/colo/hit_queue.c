/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A binary heap.
 */
#include "colo/hit_queue.h"

struct entry {
	struct colo_hit hit;
	uint64_t number; /* counts the hits that were added */
};

struct hit_queue {
	GArray *heap; /* Owned by this: struct entry */
	uint64_t n_added;
	uint64_t latest_ns;
};

struct hit_queue *hit_queue_new(void)
{
	struct hit_queue *queue = g_new0(struct hit_queue, 1);

	queue->heap = g_array_new(FALSE, FALSE, sizeof(struct entry));
	return queue;
}

void hit_queue_free(struct hit_queue *queue)
{
	if (!queue)
		return;
	g_array_unref(queue->heap);
	g_free(queue);
}

static struct entry *entry_at(const struct hit_queue *queue, guint index)
{
	return &g_array_index(queue->heap, struct entry, index);
}

static bool is_before(const struct entry *left, const struct entry *right)
{
	if (left->hit.time_ns != right->hit.time_ns)
		return left->hit.time_ns < right->hit.time_ns;
	return left->number < right->number;
}

void hit_queue_add(struct hit_queue *queue, const struct colo_hit *hit)
{
	const struct entry entry = {*hit, queue->n_added++};
	guint index = queue->heap->len;

	queue->latest_ns = MAX(queue->latest_ns, hit->time_ns);
	g_array_append_val(queue->heap, entry);
	for (; index && is_before(&entry, entry_at(queue, (index - 1) / 2));
	     index = (index - 1) / 2)
		*entry_at(queue, index) = *entry_at(queue, (index - 1) / 2);
	*entry_at(queue, index) = entry;
}

/* Puts `entry` where it belongs in or below the place at the top, which is free. */
static void sift_down(struct hit_queue *queue, const struct entry *entry)
{
	guint index = 0;

	for (;;) {
		guint below = 2 * index + 1;

		if (below + 1 < queue->heap->len &&
		    is_before(entry_at(queue, below + 1), entry_at(queue, below)))
			below++;
		if (below >= queue->heap->len || !is_before(entry_at(queue, below), entry))
			break;
		*entry_at(queue, index) = *entry_at(queue, below);
		index = below;
	}
	*entry_at(queue, index) = *entry;
}

bool hit_queue_take(struct hit_queue *queue, uint64_t end_ns, struct colo_hit *hit)
{
	struct entry last;

	if (!queue->heap->len || entry_at(queue, 0)->hit.time_ns >= end_ns)
		return false;
	*hit = entry_at(queue, 0)->hit;
	last = *entry_at(queue, queue->heap->len - 1);
	g_array_set_size(queue->heap, queue->heap->len - 1);
	if (queue->heap->len)
		sift_down(queue, &last);
	return true;
}

guint hit_queue_count(const struct hit_queue *queue)
{
	return queue->heap->len;
}

uint64_t hit_queue_latest_ns(const struct hit_queue *queue)
{
	return queue->latest_ns;
}
