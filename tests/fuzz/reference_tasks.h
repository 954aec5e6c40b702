/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Processes and mappings once more, in the slowest and simplest way: a list of events, which
 * each question walks. fuzz_maps compares.
 */
#ifndef COLO_PERF_TESTS_FUZZ_REFERENCE_TASKS_H
#define COLO_PERF_TESTS_FUZZ_REFERENCE_TASKS_H

#include "perfdata/perf_task.h"

#include <glib.h>

/* For sorting pointers to pointers to events by time, then place in the file. */
int reference_compare(const void *a, const void *b);

/* Pointers to struct perf_task_event, sorted by reference_compare(). */
struct reference_tasks {
	const GPtrArray *events; /* Weak */
};

/* As tasks_find_mapping(); NULL when nothing was mapped. */
const struct perf_task_event *reference_find(const struct reference_tasks *tasks, uint32_t pid,
					     uint64_t address, uint64_t time_ns);

/* As tasks_find_ksymbol(): the record that names it, be it the one of its end. */
const struct perf_task_event *reference_ksymbol(const struct reference_tasks *tasks,
						uint64_t address, uint64_t time_ns);

/* As tasks_thread_name(). */
const char *reference_name(const struct reference_tasks *tasks, uint32_t pid, uint32_t tid,
			   uint64_t time_ns);

#endif
