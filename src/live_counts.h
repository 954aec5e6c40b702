/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What `colo-perf live` has counted: brings hits into the order of time, the model and the
 * tallies of its sessions together, in memory that does not grow with the hits. Where hits come
 * from and who looks at it are not known here.
 */
#ifndef COLO_PERF_LIVE_COUNTS_H
#define COLO_PERF_LIVE_COUNTS_H

#include "report.h"

struct live_counts;

/* `recording` is what the report says of the source; taken over. */
struct live_counts *live_counts_new(struct recording *recording);
void live_counts_free(struct live_counts *counts);

struct recording *live_counts_recording(const struct live_counts *counts);

/*
 * Hits that wait for the end of their round; perf's buffers hold fewer. Behind so many a round is
 * taken to have ended, so that a stream without rounds takes up no more memory than others.
 */
#define LIVE_MOST_IN_ROUND (1u << 20)

void live_counts_add(struct live_counts *counts, const struct colo_hit *hit);

/* Nothing from before `end_ns` will be added any more: it is counted. */
void live_counts_settle(struct live_counts *counts, uint64_t end_ns);

/* perf's end of a round: nothing will be added from before the latest hit of the round before. */
void live_counts_end_round(struct live_counts *counts);

/* The latest time of a hit; 0: there was none. */
uint64_t live_counts_latest_ns(const struct live_counts *counts);

/* Starts afresh with the first checkpoint that begins at `since_ns` or later. */
void live_counts_reset(struct live_counts *counts, uint64_t since_ns);

/*
 * Counts all that is left; nothing may be added behind it. The tasks of the recording must
 * be settled.
 */
void live_counts_finish(struct live_counts *counts);

/* The state of things. Its parts are valid until it is freed, or until something is counted. */
struct live_report {
	GPtrArray *summaries; /* Owned by this: struct colo_summary (owned), primaries first */
	GPtrArray *warnings;  /* Owned by this: struct warning (owned) */
	struct report report; /* of these */
};

/*
 * With `current` of each process and role the session that is under way, or was the last; else all
 * that have a checkpoint.
 */
struct live_report *live_report_new(struct live_counts *counts, bool current);
void live_report_free(struct live_report *report);

/* What a session does now. It stays as it is when the session goes on. */
struct live_now {
	bool has_last;
	struct colo_checkpoint last; /* if has_last: the last complete one */
	bool in_phase;		     /* in `phase`, since: */
	enum colo_phase phase;	     /* CHECKPOINT: in none of its phases */
	uint64_t since_ns, seq;
	bool exited;
	int64_t exit_reason; /* when exited */
};
struct live_now live_now_of(struct live_counts *counts, const struct colo_session *session);

#endif
