/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The processes and threads of one recording by time: what a thread was called,
 * and what was mapped in a process. A pid or tid may be used again, a process may
 * exec() or fork(). It knows which file an address lies in, not what is in the file.
 */
#ifndef COLO_PERF_PROFILE_TASKS_H
#define COLO_PERF_PROFILE_TASKS_H

#include "perfdata/perf_task.h"
#include "profile/address_space.h"
#include "profile/dso_table.h"
#include "profile/ksymbols.h"

struct tasks;

/* Files go into `dsos`, which must live as long. */
struct tasks *tasks_new(struct dso_table *dsos);
void tasks_free(struct tasks *tasks);

/* Takes an event, in any order; what it points to is copied. */
void tasks_add(struct tasks *tasks, const struct perf_task_event *event);

/* Bytes that all of them take up, and that what is made of them will. An estimate. */
size_t tasks_bytes(const struct tasks *tasks);

/* To be called after the last event and before the first question. */
void tasks_settle(struct tasks *tasks);

/*
 * What a thread was called at the time; NULL when the recording does not say.
 * Valid as long as `tasks`; equal names are the same pointer.
 */
const char *tasks_thread_name(const struct tasks *tasks, uint32_t pid, uint32_t tid,
			      uint64_t time_ns);

/* The same; `validity` is narrowed to the time in which this answer holds. */
const char *tasks_find_thread_name(const struct tasks *tasks, uint32_t pid, uint32_t tid,
				   uint64_t time_ns, struct validity *validity);

/*
 * When the process of that number ended: the first time at or after `since_ns`. False when
 * the recording does not say.
 */
bool tasks_process_end(const struct tasks *tasks, uint32_t pid, uint64_t since_ns,
		       uint64_t *end_ns);

/*
 * What was mapped at `address` in the process at the time, or in the kernel with
 * PERF_KERNEL_PID. NULL when nothing was. `validity` is narrowed to the time in which
 * this answer holds.
 */
const struct mapping *tasks_find_mapping(const struct tasks *tasks, uint32_t pid, uint64_t address,
					 uint64_t time_ns, struct validity *validity);

/* Whether the process (PERF_KERNEL_PID: the kernel) is known to have mapped anything at any time.
 */
bool tasks_have_mappings(const struct tasks *tasks, uint32_t pid);

/* As ksymbols_find(): what the kernel itself made at the address, whatever is mapped there. */
const struct ksymbol *tasks_find_ksymbol(const struct tasks *tasks, uint64_t address,
					 uint64_t time_ns, struct validity *validity);

#endif
