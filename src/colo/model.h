/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From probe hits to COLO sessions and their checkpoints: pairs begins with
 * ends, tells complete checkpoints from others, counts what does not fit.
 * Statistics are in summary.h.
 *
 * A session is one process in one role, from the start of COLO to its end. The
 * hits of one come in the order of time:
 *
 *     trigger      ........t...................................t..
 *     wait         [------]                                [-----]
 *     checkpoint           [-----------------------------]
 *     phases               [--][--][--] ... [--][--][----]
 *     counters                                            c
 *                          seq 1                           seq 2
 */
#ifndef COLO_PERF_COLO_MODEL_H
#define COLO_PERF_COLO_MODEL_H

#include "colo/probe.h"

/*
 * No phase lasts for longer (104 days in nanoseconds) and no amount is larger (8
 * PiB): what is, comes from damaged input. Up to here a double is exact.
 */
#define COLO_LARGEST (INT64_C(1) << 53)

/* A number that may not be there: null in JSON. */
struct colo_value {
	bool known;
	int64_t value;
};

/* From a begin to its end. Both may be missing. */
struct colo_window {
	uint64_t begin_ns, end_ns; /* on the recording's clock */
	bool has_begin, has_end;
};

enum colo_checkpoint_state {
	COLO_CHECKPOINT_COMPLETE,  /* begin and end seen, ret 0 */
	COLO_CHECKPOINT_ABORTED,   /* begin and end seen, ret not 0 */
	COLO_CHECKPOINT_CUT_START, /* was under way when the recording began */
	COLO_CHECKPOINT_CUT_END,   /* was under way when the recording or the process ended */
	COLO_CHECKPOINT_BROKEN,	   /* its begin or end was lost, or they are in the wrong order */
	COLO_CHECKPOINT_PENDING,   /* waited for, never begun; no checkpoint */
	COLO_N_CHECKPOINT_STATES,
};

struct colo_checkpoint {
	uint64_t seq;
	enum colo_checkpoint_state state;
	int64_t ret; /* of the end, 0 when there was none */
	enum colo_trigger trigger;
	struct colo_window windows[COLO_N_PHASES];
	int64_t amounts[COLO_N_AMOUNTS];      /* bytes or pages, those of amounts_seen */
	int64_t counters[COLO_N_COUNTERS];    /* those of counters_seen */
	uint32_t amounts_seen, counters_seen; /* a bit for each */
};

/* What does not fit together. Not zero means that hits were lost or clocks jumped. */
struct colo_anomalies {
	uint64_t begins_without_end;
	uint64_t ends_without_begin;
	uint64_t negative_durations; /* or longer than COLO_LARGEST */
	uint64_t repeated;	     /* the same begin or end a second time */
	uint64_t missing;	     /* phases of complete checkpoints of which no hit was seen */
	uint64_t overlapping; /* complete checkpoints whose phases overlap or lie beyond them */
	uint64_t missing_checkpoints; /* of which there is no hit, but others follow */
};

struct colo_session {
	uint32_t source;   /* as in the hits */
	uint32_t pid, tid; /* tid: of the thread that runs the loop */
	enum colo_role role;
	unsigned int number;	/* from 1: COLO may end and start again in a process */
	uint64_t origin_ns;	/* time of the first hit of this source */
	uint64_t first_seen_ns; /* of the first hit of this session */
	uint64_t last_seen_ns;	/* a time at which the thread `tid` was this session's */
	struct colo_window init;
	GArray *checkpoints;		    /* Owned by this: struct colo_checkpoint, by time */
	uint64_t triggers[COLO_N_TRIGGERS]; /* hits, by reason; the absorbed ones as well */
	bool exited;
	int64_t exit_reason;	 /* QAPI's COLOExitReason, when exited */
	uint64_t exit_ns;	 /* when exited */
	bool failover_asked;	 /* primary: it was told to fail over, during COLO or after */
	uint64_t failover_ns;	 /* when first, if failover_asked */
	bool process_ended;	 /* while it was recorded */
	uint64_t process_end_ns; /* when process_ended */
	struct colo_anomalies anomalies;	      /* of all its checkpoints */
	uint64_t first_missing_seq, last_missing_seq; /* the first run of missing checkpoints */
};

/* Called for a checkpoint of the session that is not merely pending. */
typedef void (*colo_checkpoint_visitor)(const struct colo_session *session,
					const struct colo_checkpoint *checkpoint, void *data);

/*
 * Memory is bounded by the hits that there are. A checkpoint of which all probes were recorded has
 * 27 hits or more; with fewer probes there is room for a day and a half at two checkpoints a
 * second. Hits of others are counted and left out.
 */
#define COLO_MOST_SESSIONS     10000
#define COLO_MOST_CHECKPOINTS  (1 << 18) /* held at a time, and one more... */
#define COLO_HITS_A_CHECKPOINT 24	 /* ...for so many hits */

struct colo_model;

struct colo_model *colo_model_new(void);
void colo_model_free(struct colo_model *model);

/* Takes the next hit; hits come in the order of time, as hit_log.h gives them back. */
void colo_model_add(struct colo_model *model, const struct colo_hit *hit);

/*
 * While hits still come: hands out the checkpoints that none of them can change any more, each
 * once, those of a session in the order of their numbers, and forgets them. What they are is what
 * colo_model_finish() would have found them to be.
 */
void colo_model_settle(struct colo_model *model, colo_checkpoint_visitor visit, void *data);

/* Calls `visit` with the others of a session, as they were if no hit followed. Changes nothing. */
void colo_session_foresee(const struct colo_session *session, colo_checkpoint_visitor visit,
			  void *data);

/*
 * Tells when processes ended. `find` is called for each session and gives the first end of
 * the process at or after `since_ns`; false: none was recorded. To be called once, after
 * the last hit.
 */
typedef bool (*colo_process_end_finder)(uint32_t source, uint32_t pid, uint64_t since_ns,
					uint64_t *end_ns, void *data);
void colo_model_find_process_ends(struct colo_model *model, colo_process_end_finder find,
				  void *data);

/* To be called once, after all of that: decides what is complete, of what is not settled yet. */
void colo_model_finish(struct colo_model *model);

/* The sessions: primaries first, then by source and time. Owned by the model. */
const GPtrArray *colo_model_sessions(const struct colo_model *model);

/* Hits whose role or sequence number cannot be, such as role 3. They are in no session. */
uint64_t colo_model_invalid_hits(const struct colo_model *model);

/* Hits of the source that came through more than one event; each of them counts once. */
uint64_t colo_model_duplicate_hits(const struct colo_model *model, uint32_t source);

/* Hits that were left out, as their session or checkpoint was beyond what is kept. */
uint64_t colo_model_hits_left_out(const struct colo_model *model);

/*
 * What of a complete checkpoint lies in no phase. Unknown when it is not
 * complete, when one of its phases is not whole, or when phases overlap or lie beyond it.
 */
struct colo_value colo_checkpoint_other_ns(enum colo_role role,
					   const struct colo_checkpoint *checkpoint);

/* How a checkpoint stopped that was begun and is not complete. */
struct colo_stop {
	enum colo_phase phase;	    /* that had begun and not ended; COLO_PHASE_CHECKPOINT: none */
	struct colo_value after_ns; /* from its begin to its end, or to that of the process */
};

/*
 * False unless the checkpoint was aborted or the process ended in it. It is false also when the
 * recording ended in it: perf stops its events one after the other, so that the phase is not
 * known then.
 */
bool colo_checkpoint_stop(const struct colo_session *session,
			  const struct colo_checkpoint *checkpoint, struct colo_stop *stop);

/* Whether the window is whole, does not run backwards and has a length that can be. */
bool colo_window_is_valid(const struct colo_window *window);

/* Its length in nanoseconds; unknown when it is not valid. */
struct colo_value colo_window_ns(const struct colo_window *window);

/* Bytes or pages; unknown when the end that carries it was not seen. */
struct colo_value colo_checkpoint_amount(const struct colo_checkpoint *checkpoint,
					 enum colo_amount amount);

const char *colo_checkpoint_state_name(enum colo_checkpoint_state state);

#endif
