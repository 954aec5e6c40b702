/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An event is a time and the number of what it says. From time to time the events are sorted, as
 * only then it shows which of them say the same at the same time:
 *
 *     as they came      1 a   2 b   1 a   2 b   1 a   2 b
 *     sorted            1 a   1 a   1 a   2 b   2 b   2 b
 *     left              1 a               2 b
 */
#include "profile/task_events.h"

#include "base/hash.h"

#include <string.h>

#define FIRST_SORT 16384 /* events, before they are sorted for the first time */

/* Bytes, beside those of the structures here: what tasks.c makes of an event, and of a new one. */
#define LATER_OF_EVENT 96
#define LATER_OF_WHAT  160

struct event {
	uint64_t time_ns, order;
	uint32_t what; /* number */
};

struct task_events {
	struct string_table *strings; /* Weak */
	GArray *events;		      /* Owned by this: struct event */
	guint sort_at;		      /* when so many events are there */
	GPtrArray *whats;    /* Owned by this: struct perf_task_event (owned) without its time */
	GHashTable *numbers; /* Owned by this: struct perf_task_event (of whats) to its number */
	size_t name_bytes;   /* of all names, once for each that has it */
};

static guint what_hash(gconstpointer data)
{
	const struct perf_task_event *what = data;
	const uint64_t kind = (uint64_t)what->ksym_type << 16 | (uint64_t)what->unregisters << 8 |
			      (uint64_t)what->kind << 4 | (uint64_t)what->exec << 3 |
			      (uint64_t)what->kernel << 2 | (uint64_t)what->without_maps << 1 |
			      what->has_inode;
	uint64_t hash = hash_pair(kind, (uint64_t)what->pid << 32 | what->tid);

	hash = hash_pair(hash, (uint64_t)what->parent_pid << 32 | what->parent_tid);
	hash = hash_pair(hash, what->start);
	hash = hash_pair(hash, what->size);
	hash = hash_pair(hash, what->file_offset);
	hash = hash_pair(hash, (uint64_t)what->major << 32 | what->minor);
	hash = hash_pair(hash, what->inode);
	hash = hash_pair(hash, hash_bytes(what->build_id, what->build_id_size));
	return (guint)hash_pair(hash, (uintptr_t)what->tainted_name);
}

static gboolean what_equal(gconstpointer a, gconstpointer b)
{
	const struct perf_task_event *left = a, *right = b;

	return left->kind == right->kind && left->pid == right->pid && left->tid == right->tid &&
	       left->parent_pid == right->parent_pid && left->parent_tid == right->parent_tid &&
	       left->without_maps == right->without_maps && left->exec == right->exec &&
	       left->kernel == right->kernel && left->has_inode == right->has_inode &&
	       left->major == right->major && left->minor == right->minor &&
	       left->inode == right->inode && left->ksym_type == right->ksym_type &&
	       left->unregisters == right->unregisters && left->start == right->start &&
	       left->size == right->size && left->file_offset == right->file_offset &&
	       left->build_id_size == right->build_id_size &&
	       !memcmp(left->build_id, right->build_id, left->build_id_size) &&
	       left->tainted_name == right->tainted_name;
}

struct task_events *task_events_new(struct string_table *strings)
{
	struct task_events *events = g_new0(struct task_events, 1);

	events->strings = strings;
	events->events = g_array_new(FALSE, FALSE, sizeof(struct event));
	events->sort_at = FIRST_SORT;
	events->whats = g_ptr_array_new_with_free_func(g_free);
	events->numbers = g_hash_table_new(what_hash, what_equal);
	return events;
}

void task_events_free(struct task_events *events)
{
	if (!events)
		return;
	g_array_unref(events->events);
	g_hash_table_unref(events->numbers);
	g_ptr_array_unref(events->whats);
	g_free(events);
}

static struct event *event_at(const struct task_events *events, guint index)
{
	return &g_array_index(events->events, struct event, index);
}

static uint32_t number_of(struct task_events *events, const struct perf_task_event *event)
{
	struct perf_task_event what = *event;
	gpointer number;

	what.time_ns = what.order = 0;
	if (what.tainted_name)
		what.tainted_name = string_table_add(events->strings, what.tainted_name);
	if (!g_hash_table_lookup_extended(events->numbers, &what, NULL, &number)) {
		struct perf_task_event *copy = g_memdup2(&what, sizeof(what));

		number = GUINT_TO_POINTER(events->whats->len);
		g_ptr_array_add(events->whats, copy);
		g_hash_table_insert(events->numbers, copy, number);
		events->name_bytes += what.tainted_name ? strlen(what.tainted_name) : 0;
	}
	return GPOINTER_TO_UINT(number);
}

static int compare(const void *a, const void *b)
{
	const struct event *left = a, *right = b;

	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

void task_events_sort(struct task_events *events)
{
	guint n = 0;

	g_array_sort(events->events, compare);
	for (guint i = 0; i < events->events->len; i++) {
		const struct event *event = event_at(events, i);
		const struct event *before = n ? event_at(events, n - 1) : NULL;

		if (!before || before->time_ns != event->time_ns || before->what != event->what)
			*event_at(events, n++) = *event;
	}
	g_array_set_size(events->events, n);
	events->sort_at = MAX(FIRST_SORT, 2 * n);
}

void task_events_add(struct task_events *events, const struct perf_task_event *event)
{
	const struct event added = {event->time_ns, event->order, number_of(events, event)};

	if (events->events->len == events->sort_at)
		task_events_sort(events);
	g_array_append_val(events->events, added);
}

guint task_events_count(const struct task_events *events)
{
	return events->events->len;
}

struct perf_task_event task_events_get(const struct task_events *events, guint index)
{
	const struct event *event = event_at(events, index);
	struct perf_task_event whole =
		*(const struct perf_task_event *)g_ptr_array_index(events->whats, event->what);

	whole.time_ns = event->time_ns;
	whole.order = event->order;
	return whole;
}

size_t task_events_bytes(const struct task_events *events)
{
	return events->events->len * (sizeof(struct event) + LATER_OF_EVENT) +
	       events->whats->len * (sizeof(struct perf_task_event) + LATER_OF_WHAT) +
	       2 * events->name_bytes;
}
