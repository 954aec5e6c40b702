/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `perf record` as a child: with the options that lose nothing, from its start until its
 * file is complete. It knows events by name and nothing of where they come from.
 */
#ifndef COLO_PERF_PERF_CHILD_H
#define COLO_PERF_PERF_CHILD_H

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct perf_child_options {
	const char *perf;	/* the program */
	const char *group;	/* of the events */
	const GPtrArray *names; /* their names: const char * */
	const char *sampling;	/* another event, "cycles/freq=997/"; NULL: none */
	const char *mmap_size;	/* -m: the buffer of each CPU */
	const GArray *pids;	/* pid_t */
	bool all_cpus;		/* perf's -a: whatever hits the events, `pids` are not used */
	int output_fd;		/* the file, empty; perf opens it by its descriptor */
	const sigset_t *mask;	/* perf's blocked signals */
};

struct perf_child;

/* NULL with `error` when perf cannot be run. It is not recording yet. */
struct perf_child *perf_child_start(const struct perf_child_options *options, GError **error);

/* perf records by now: asked again and again, with naps of at most `timeout_ms`. */
bool perf_child_is_ready(struct perf_child *perf, int timeout_ms);
/* perf has ended: as it could not begin, or as all `pids` have ended, but for `all_cpus`. */
bool perf_child_has_ended(struct perf_child *perf);

/*
 * Has it write the rest. False with `error`, why, when the file is not complete. It has no
 * build-ids of what was mapped.
 */
bool perf_child_finish(struct perf_child *perf, GError **error);

/* Records ourselves for a moment: false with `error` when perf lacks what it needs. */
bool perf_child_try(const char *program, const sigset_t *mask, GError **error);

/* Stops perf if it still runs. NULL may be given. */
void perf_child_free(struct perf_child *perf);

#endif
