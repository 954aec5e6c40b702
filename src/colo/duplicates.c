/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Remembers the last hit of each thread, and the events that it came through.
 */
#include "colo/duplicates.h"

#include "base/id_table.h"

#include <string.h>

/*
 * The thread may lose its CPU between two events of a trap, on a busy machine for as long as
 * others have their turns. Nothing else of it could come in between, so this can be generous: it
 * bounds what a lost hit may do.
 */
#define LONGEST_TRAP_NS UINT64_C(100000000)

/* Events at one place that are remembered; the hits of more of them are taken for duplicates too.
 */
#define MOST_EVENTS 8

/*
 * Threads that are remembered; a pair has four that hit probes. Beyond, all are forgotten: a
 * duplicate that comes just then counts as a hit.
 */
#define MOST_THREADS 65536

struct last_hit {
	struct colo_hit hit;
	uint32_t events[MOST_EVENTS];
	unsigned int n_events;
};

struct duplicates {
	struct id_table *threads; /* Owned by this: source and tid, to the index in `last` */
	GArray *last;		  /* Owned by this: struct last_hit */
	guint current;		  /* index of the thread that the last hit of all was of */
	GArray *counts;		  /* Owned by this: uint64_t, by source */
};

struct duplicates *duplicates_new(void)
{
	struct duplicates *duplicates = g_new0(struct duplicates, 1);

	duplicates->threads = id_table_new();
	duplicates->last = g_array_new(FALSE, TRUE, sizeof(struct last_hit));
	duplicates->counts = g_array_new(FALSE, TRUE, sizeof(uint64_t));
	return duplicates;
}

void duplicates_free(struct duplicates *duplicates)
{
	if (!duplicates)
		return;
	id_table_free(duplicates->threads);
	g_array_unref(duplicates->last);
	g_array_unref(duplicates->counts);
	g_free(duplicates);
}

/* The same hit, but for the event that it came through. */
static bool is_same_hit(const struct colo_hit *left, const struct colo_hit *right)
{
	return left->probe == right->probe && left->pid == right->pid &&
	       left->place == right->place && right->time_ns >= left->time_ns &&
	       right->time_ns - left->time_ns <= LONGEST_TRAP_NS &&
	       !memcmp(left->args, right->args, left->probe->n_args * sizeof(left->args[0]));
}

static bool came_through(const struct last_hit *last, uint32_t event)
{
	for (unsigned int i = 0; i < last->n_events; i++)
		if (last->events[i] == event)
			return true;
	return false;
}

/* The thread has come to the place again: no trap ends at the nanosecond at which it began. */
static bool is_again(const struct last_hit *last, const struct colo_hit *hit)
{
	return came_through(last, hit->event) && hit->time_ns != last->hit.time_ns;
}

static void add_event(struct last_hit *last, uint32_t event)
{
	if (last->n_events < MOST_EVENTS && !came_through(last, event))
		last->events[last->n_events++] = event;
}

static void count(struct duplicates *duplicates, uint32_t source)
{
	if (duplicates->counts->len <= source)
		g_array_set_size(duplicates->counts, source + 1);
	g_array_index(duplicates->counts, uint64_t, source)++;
}

static void forget_threads(struct duplicates *duplicates)
{
	id_table_free(duplicates->threads);
	duplicates->threads = id_table_new();
	g_array_set_size(duplicates->last, 0);
}

/* The thread's last hit: mostly that of the hit before. `n_events` is 0 when there was none. */
static struct last_hit *last_hit_of(struct duplicates *duplicates, const struct colo_hit *hit)
{
	const uint64_t thread = (uint64_t)hit->source << 32 | hit->tid;
	struct last_hit *last;
	bool is_new;

	if (duplicates->last->len) {
		last = &g_array_index(duplicates->last, struct last_hit, duplicates->current);
		if (last->hit.tid == hit->tid && last->hit.source == hit->source)
			return last;
	}
	if (duplicates->last->len == MOST_THREADS)
		forget_threads(duplicates);
	duplicates->current = id_table_get(duplicates->threads, thread, &is_new);
	if (is_new)
		g_array_set_size(duplicates->last, duplicates->last->len + 1);
	return &g_array_index(duplicates->last, struct last_hit, duplicates->current);
}

bool duplicates_take(struct duplicates *duplicates, const struct colo_hit *hit)
{
	struct last_hit *last = last_hit_of(duplicates, hit);

	if (!last->n_events || !is_same_hit(&last->hit, hit) || is_again(last, hit)) {
		last->hit = *hit;
		last->events[0] = hit->event;
		last->n_events = 1;
		return false;
	}
	add_event(last, hit->event);
	count(duplicates, hit->source);
	return true;
}

uint64_t duplicates_count(const struct duplicates *duplicates, uint32_t source)
{
	return source < duplicates->counts->len
		       ? g_array_index(duplicates->counts, uint64_t, source)
		       : 0;
}
