/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Counts samples in windows of time: which window a sample of a process falls
 * into, and how often each thread was seen there with each stack. What the
 * windows stand for is for the caller to know; it gives them a number.
 */
#ifndef COLO_PERF_PROFILE_PROFILE_H
#define COLO_PERF_PROFILE_PROFILE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Who was seen. */
struct profile_thread {
	uint32_t pid, tid;
	const char *name; /* Weak; NULL: not known. Equal names are the same pointer */
};

/* What was counted of one thread in the windows of one group. */
struct profile_bucket {
	uint32_t group;
	struct profile_thread thread;
	uint64_t samples;
	uint64_t weight; /* sum of what profile_count() was given */
};

/* A stack of a bucket. */
struct profile_cell {
	uint32_t bucket; /* its number */
	uint32_t stack;
	uint64_t samples;
};

#define PROFILE_NO_CELL UINT32_MAX

/*
 * So many threads are told apart; those seen later are counted together, for each process, as a
 * thread with the number 0, which no thread has, and this name.
 */
#define PROFILE_MOST_THREADS	 65536
#define PROFILE_NAME_OF_THE_REST "more threads"

struct profile;

struct profile *profile_new(void);
void profile_free(struct profile *profile);

/*
 * Says that the time from `begin_ns` to before `end_ns` belongs to `group` in the
 * process. Windows of one process should not overlap: where they do, the one that
 * begins later has the time.
 */
void profile_add_window(struct profile *profile, uint32_t pid, uint64_t begin_ns, uint64_t end_ns,
			uint32_t group);

/* Tells this thread from others however many there are. */
void profile_keep_thread(struct profile *profile, uint32_t pid, uint32_t tid);

/* To be called after the last window and before the first question. */
void profile_settle(struct profile *profile);

/* Whether the process has windows at all. */
bool profile_has_windows(const struct profile *profile, uint32_t pid);

/* Whether a window of the process holds the time; if so, `group` is its. */
bool profile_find_group(struct profile *profile, uint32_t pid, uint64_t time_ns, uint32_t *group);

/* Counts a sample. */
void profile_count(struct profile *profile, uint32_t group, const struct profile_thread *thread,
		   uint32_t stack, uint64_t weight);

/* What was counted. Owned by the profile, valid until the next profile_count(). */
guint profile_n_buckets(const struct profile *profile);
const struct profile_bucket *profile_get_bucket(const struct profile *profile, guint bucket);
guint profile_n_cells(const struct profile *profile);
struct profile_cell profile_get_cell(const struct profile *profile, guint cell);

/*
 * The cells of one group, in the order in which they were first seen: the number of the first of
 * them, and of the one behind `cell`. PROFILE_NO_CELL: there is none.
 */
guint profile_first_cell(const struct profile *profile, uint32_t group);
guint profile_next_cell(const struct profile *profile, guint cell);

#endif
