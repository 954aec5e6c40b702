/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A life of a process goes from one event that begins it (fork, exec) to the next, in the order
 * of the list; NO_EVENT stands for what was there before the first.
 */
#include "fuzz/reference_tasks.h"

#define NO_EVENT      G_MAXUINT
#define MAX_ANCESTORS 64 /* as in profile/tasks.c: what is not promised is not tested */

int reference_compare(const void *a, const void *b)
{
	const struct perf_task_event *left = *(const struct perf_task_event *const *)a;
	const struct perf_task_event *right = *(const struct perf_task_event *const *)b;

	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return 0;
}

static const struct perf_task_event *event_at(const struct reference_tasks *tasks, guint i)
{
	return g_ptr_array_index(tasks->events, i);
}

static bool is_fork_of(const struct perf_task_event *event, uint32_t pid)
{
	return event->kind == PERF_TASK_FORK && event->pid == pid && event->parent_pid != pid;
}

static bool begins_life(const struct perf_task_event *event, uint32_t pid)
{
	return is_fork_of(event, pid) ||
	       (event->kind == PERF_TASK_COMM && event->exec && event->pid == pid);
}

static bool maps_for(const struct perf_task_event *event, uint32_t pid)
{
	return event->kind == PERF_TASK_MMAP &&
	       (event->kernel ? PERF_KERNEL_PID : event->pid) == pid;
}

/* Makes a life by being about a process that has none yet, which was there before. */
static bool implies_life(const struct perf_task_event *event, uint32_t pid)
{
	return maps_for(event, pid) || (event->kind == PERF_TASK_FORK && event->parent_pid == pid &&
					event->pid != pid && !event->without_maps);
}

/* The event that began the life that goes on before `end`. */
static guint life_before(const struct reference_tasks *tasks, uint32_t pid, guint end)
{
	while (end-- > 0)
		if (begins_life(event_at(tasks, end), pid))
			return end;
	return NO_EVENT;
}

/* The event that began the life at a time; of those that begin later the first, if none was before.
 */
static guint life_at(const struct reference_tasks *tasks, uint32_t pid, uint64_t time_ns)
{
	guint i = 0, end = 0;

	while (end < tasks->events->len && event_at(tasks, end)->time_ns <= time_ns)
		end++;
	if (life_before(tasks, pid, end) != NO_EVENT)
		return life_before(tasks, pid, end);
	for (; i < tasks->events->len; i++) {
		if (begins_life(event_at(tasks, i), pid))
			return i;
		if (implies_life(event_at(tasks, i), pid))
			break;
	}
	return NO_EVENT;
}

static bool covers(const struct perf_task_event *event, uint64_t address)
{
	/* The last byte of all is never mapped: `end` could not be told. */
	return address >= event->start && address - event->start < event->size &&
	       address != UINT64_MAX;
}

/* The newest mapping of the life until the time. */
static const struct perf_task_event *find_own(const struct reference_tasks *tasks, uint32_t pid,
					      guint life, uint64_t address, uint64_t time_ns)
{
	const struct perf_task_event *found = NULL;

	for (guint i = life == NO_EVENT ? 0 : life + 1; i < tasks->events->len; i++) {
		const struct perf_task_event *event = event_at(tasks, i);

		if (begins_life(event, pid))
			break;
		if (maps_for(event, pid) && event->time_ns <= time_ns && covers(event, address))
			found = event;
	}
	return found;
}

const struct perf_task_event *reference_find(const struct reference_tasks *tasks, uint32_t pid,
					     uint64_t address, uint64_t time_ns)
{
	guint life = life_at(tasks, pid, time_ns);
	const struct perf_task_event *found = find_own(tasks, pid, life, address, time_ns);

	for (guint i = 0; !found && life != NO_EVENT && i < MAX_ANCESTORS; i++) {
		const struct perf_task_event *fork = event_at(tasks, life);

		if (fork->kind != PERF_TASK_FORK || fork->without_maps)
			break;
		pid = fork->parent_pid;
		life = life_before(tasks, pid, life);
		found = find_own(tasks, pid, life, address, fork->time_ns);
	}
	return found;
}

/* The event before `end` that was about code of the kernel at the same place; NULL: none. */
static const struct perf_task_event *ksymbol_before(const struct reference_tasks *tasks, guint end)
{
	const struct perf_task_event *event = event_at(tasks, end);

	while (end-- > 0) {
		const struct perf_task_event *before = event_at(tasks, end);

		if (before->kind == PERF_TASK_KSYMBOL && before->start == event->start)
			return before;
	}
	return NULL;
}

const struct perf_task_event *reference_ksymbol(const struct reference_tasks *tasks,
						uint64_t address, uint64_t time_ns)
{
	const struct perf_task_event *found = NULL;
	uint64_t since_ns = 0; /* of the newest that was there until the time */

	for (guint i = 0; i < tasks->events->len; i++) {
		const struct perf_task_event *event = event_at(tasks, i);
		const struct perf_task_event *before;

		if (event->kind != PERF_TASK_KSYMBOL || !covers(event, address))
			continue;
		before = ksymbol_before(tasks, i);
		/* What ends and never began was there since the one before it ended. */
		if (event->unregisters && (!before || before->unregisters)) {
			const uint64_t began_ns = before ? before->time_ns : 0;

			if (began_ns <= time_ns && began_ns >= since_ns) {
				since_ns = began_ns;
				found = event;
			}
		}
		if (event->time_ns <= time_ns) {
			since_ns = event->time_ns;
			found = event->unregisters ? NULL : event;
		}
	}
	return found;
}

/* Only the first `n` events count: a new thread has the name that its maker had until then. */
static const char *name_of_first(const struct reference_tasks *tasks, guint n, uint32_t pid,
				 uint32_t tid, uint64_t time_ns)
{
	while (n-- > 0) {
		const struct perf_task_event *event = event_at(tasks, n);

		if (event->time_ns > time_ns || event->pid != pid || event->tid != tid)
			continue;
		if (event->kind == PERF_TASK_COMM)
			return event->tainted_name;
		if (event->kind == PERF_TASK_FORK)
			return name_of_first(tasks, n, event->parent_pid, event->parent_tid,
					     event->time_ns);
	}
	return NULL;
}

const char *reference_name(const struct reference_tasks *tasks, uint32_t pid, uint32_t tid,
			   uint64_t time_ns)
{
	return name_of_first(tasks, tasks->events->len, pid, tid, time_ns);
}
