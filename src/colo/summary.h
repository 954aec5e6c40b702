/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The statistics of one session: the recorder's fields, the distribution of
 * each phase, over the checkpoints that were chosen. It computes; printing is
 * for others.
 *
 * Only complete checkpoints enter a statistic; the others are counted.
 */
#ifndef COLO_PERF_COLO_SUMMARY_H
#define COLO_PERF_COLO_SUMMARY_H

#include "base/distribution.h"
#include "colo/model.h"

/* Which checkpoints count: those that all conditions let through. */
struct colo_selection {
	uint64_t first_seq, last_seq; /* 0 and UINT64_MAX: all */
	uint64_t skip;	  /* complete checkpoints to leave out at the start of each session */
	int64_t since_ns; /* begin of the checkpoint, from the first hit of its recording */
	int64_t until_ns; /* before this; INT64_MAX: all */
};

#define COLO_SELECT_ALL                                                                            \
	((struct colo_selection){                                                                  \
		.last_seq = UINT64_MAX, .since_ns = INT64_MIN, .until_ns = INT64_MAX})

/*
 * The fields of the original recorder, in its order. Times are nanoseconds,
 * sizes bytes. All but tot_time, tot_num and init_time are means over the
 * checkpoints in which the phase was seen whole, rounded down; that is every
 * complete checkpoint unless hits are missing.
 */
struct colo_recorder {
	struct colo_value tot_time, tot_num, avg_time, init_time, wait_time, stat_time, dev_time,
		ram_time, vmstate_time, ram_size, dev_size;
};

/* Where the time of a row lies. */
enum colo_row_kind {
	COLO_ROW_WHOLE,	  /* the checkpoint */
	COLO_ROW_PART,	  /* a phase of it, or what lies in no phase */
	COLO_ROW_OUTSIDE, /* the wait before it; the pause, which spans several phases */
};

struct colo_row {
	const char *name; /* "checkpoint", a phase's, "other", "wait", "pause" */
	enum colo_row_kind kind;
	struct distribution ns;
};

struct colo_amount_summary {
	enum colo_amount amount;
	struct distribution units; /* bytes or pages */
};

struct colo_summary {
	const struct colo_session *session;	     /* Weak */
	uint64_t n_states[COLO_N_CHECKPOINT_STATES]; /* the chosen checkpoints, by state */
	uint64_t first_seq, last_seq; /* of the complete ones; 0 when there is none */
	struct colo_recorder recorder;
	struct colo_row
		*rows; /* Owned by this: the checkpoint, its phases by time, other, wait, pause */
	guint n_rows;
	struct colo_amount_summary *amounts; /* Owned by this: n_amounts */
	guint n_amounts;
	uint64_t triggered_by[COLO_N_TRIGGERS]; /* complete checkpoints, by what asked for them */
	struct colo_checkpoint *last_counters;	/* Owned by this: the last with counters, or NULL */
};

/* `session` must live as long as the summary. */
struct colo_summary *colo_summary_new(const struct colo_session *session,
				      const struct colo_selection *selection);
void colo_summary_free(struct colo_summary *summary);

/*
 * How long the guest stood still at the most: from the begin of stop to the end
 * of resume. Unknown when the checkpoint is not complete or lacks one of them.
 */
struct colo_value colo_checkpoint_pause_ns(const struct colo_checkpoint *checkpoint);

/* The recorder's stat_time of it; unknown likewise. */
struct colo_value colo_checkpoint_stat_ns(enum colo_role role,
					  const struct colo_checkpoint *checkpoint);

/* Whether it is chosen, apart from those to skip. */
bool colo_selection_has(const struct colo_selection *selection, const struct colo_session *session,
			const struct colo_checkpoint *checkpoint);

/*
 * Calls `visit` for each chosen checkpoint of the session that is not merely
 * pending, in the order of time. Views that list checkpoints use this, so that
 * they and the statistics never disagree.
 */
void colo_session_visit(const struct colo_session *session, const struct colo_selection *selection,
			colo_checkpoint_visitor visit, void *data);

#endif
