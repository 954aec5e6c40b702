/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps the records that tell of processes until they can be put into the order of time. What a
 * record says stands here once, however often and at whatever times it is said, so that a program
 * that maps the same file again and again, or names its thread, takes up little.
 */
#ifndef COLO_PERF_PROFILE_TASK_EVENTS_H
#define COLO_PERF_PROFILE_TASK_EVENTS_H

#include "base/string_table.h"
#include "perfdata/perf_task.h"

struct task_events;

/* Names go into `strings`, which must live as long. */
struct task_events *task_events_new(struct string_table *strings);
void task_events_free(struct task_events *events);

/* Takes a copy. A record that says the same at the same time as the one before it is left out. */
void task_events_add(struct task_events *events, const struct perf_task_event *event);

/* Puts them into the order of time, and those of one time into that of their `order`. */
void task_events_sort(struct task_events *events);

guint task_events_count(const struct task_events *events);

/* The event at `index`; its name is the table's. */
struct perf_task_event task_events_get(const struct task_events *events, guint index);

/* Bytes that the events take up, and that what is made of them will. An estimate. */
size_t task_events_bytes(const struct task_events *events);

#endif
