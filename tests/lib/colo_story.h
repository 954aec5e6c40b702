/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells a perf_builder what a recording of COLO holds: processes, checkpoints
 * with their phases, counters. The order of the hits is that of docs/probes.md;
 * a filter departs from it. It computes no statistics and writes no bytes.
 */
#ifndef COLO_PERF_TESTS_COLO_STORY_H
#define COLO_PERF_TESTS_COLO_STORY_H

#include <glib.h>

#include "perf_builder.h"

enum colo_story_role {
	COLO_STORY_PRIMARY = 1,
	COLO_STORY_SECONDARY = 2,
};

enum colo_story_phase {
	COLO_STORY_INIT,
	COLO_STORY_WAIT,
	COLO_STORY_CHECKPOINT,
	COLO_STORY_REQUEST,
	COLO_STORY_STOP,
	COLO_STORY_REPLY,
	COLO_STORY_BLOCK,
	COLO_STORY_DEV,
	COLO_STORY_RAM,
	COLO_STORY_VMSTATE,
	COLO_STORY_RECEIVED,
	COLO_STORY_FLUSH,
	COLO_STORY_NET,
	COLO_STORY_LOADED,
	COLO_STORY_RESUME,
	COLO_STORY_N_PHASES,
};

/* Reasons of colo_trigger. */
enum colo_story_trigger {
	COLO_STORY_NO_TRIGGER,
	COLO_STORY_TIMER,
	COLO_STORY_COMPARE,
	COLO_STORY_USER,
	COLO_STORY_FAILOVER,
};

/* Values of QAPI's MigrationStatus and COLOExitReason that the stories need. */
#define COLO_STORY_STATUS_COLO	10
#define COLO_STORY_EXIT_REQUEST 1
#define COLO_STORY_EXIT_ERROR	2

/* The arguments of the colo_counters_* probes, with their units. */
struct colo_story_counters {
	gint32 status;
	gint64 setup_ms, total_ms, expected_downtime_ms;
	guint64 total_bytes, remaining_bytes, transferred_bytes, page_size_bytes;
	guint64 normal_pages, duplicate_pages, dirty_sync_count, dirty_pages_per_s;
	guint64 multifd_bytes, postcopy_requests, pages_per_s;
	gint64 bits_per_s;
	guint64 precopy_bytes, downtime_bytes, postcopy_bytes, missed_zero_copy;
};

/*
 * One checkpoint of one side. Phases that the side does not have are ignored.
 *
 *    |<- wait_ns ->|before[stop]|<- phase[stop] ->|before[block]|...|<- after_ns ->|
 *                  ^ checkpoint begins                              checkpoint ends ^
 */
struct colo_story_checkpoint {
	guint64 seq;
	guint64 wait_ns;
	guint64 phase_ns[COLO_STORY_N_PHASES];	/* not those of init, wait and checkpoint */
	guint64 before_ns[COLO_STORY_N_PHASES]; /* the gap before the phase: `other` */
	guint64 after_ns;			/* the gap behind the last phase */
	guint64 dev_bytes;
	guint64 ram_bytes, normal_pages, zero_pages;
	guint64 vmstate_bytes;
	guint64 flushed_pages;
	gint32 ret; /* negative: given up in fail_phase, which begins and does not end */
	enum colo_story_phase fail_phase;
	enum colo_story_trigger trigger; /* primary: what ended the wait; on the main thread */
	const struct colo_story_counters *counters; /* NULL: none are written */
};

/*
 * One QEMU process with the thread of its COLO loop. Everything may be changed
 * between two calls; now_ns moves on by itself.
 */
struct colo_story_side {
	enum colo_story_role role;
	gint32 pid; /* also the tid of the main loop */
	gint32 tid; /* of the COLO loop */
	guint32 cpu;
	guint32 main_cpu; /* where the main loop runs */
	guint64 now_ns;
};

/* A hit before it is written. The filter may change everything but ordinal. */
struct colo_story_hit {
	const char *probe; /* without "sdt_qemu:"; one that has as many arguments; weak */
	guint64 ordinal;   /* counts the hits of the story from 0, also those left out */
	gint32 pid;
	gint32 tid;
	guint32 cpu;
	guint64 time_ns;
	guint64 args[6]; /* sign-extended */
	guint n_args;
};

/* Returns how often the hit is written: 0 leaves it out, 2 repeats it. */
typedef guint (*colo_story_filter)(struct colo_story_hit *hit, gpointer user_data);

struct colo_story;

/* What perf asks for at a probe: every hit of it is counted. type and config are not used. */
struct perf_event_attr colo_story_default_attr(void);

/*
 * Adds an event for each probe to the builder, which must outlive the story,
 * on n_cpus CPUs. attr: for all of them; NULL: the default one. The hits that
 * were not flushed are flushed by _free(). Samples of COMM and MMAP2 have their ids and their
 * sample_id as those of the probes.
 */
struct colo_story *colo_story_new(struct perf_builder *builder, guint n_cpus,
				  const struct perf_event_attr *attr);
void colo_story_free(struct colo_story *story);

/* A probe more, as "colo_ram_end_1", which older perf makes of a second site; copies both. */
void colo_story_add_probe(struct colo_story *story, const char *name, const char *args);

/* "colo_ram_begin" and so on. Returns the index of its event in the builder. */
guint colo_story_event(const struct colo_story *story, const char *probe);
/* The event whose layout the records of processes have. */
guint colo_story_task_event(const struct colo_story *story);

/* Every hit passes the filter; NULL takes it away. user_data: weak. */
void colo_story_set_filter(struct colo_story *story, colo_story_filter filter, gpointer user_data);
/*
 * Only the hits first <= ordinal < end are written: a recording that was
 * started or stopped in the middle. A filter is asked about those alone.
 */
void colo_story_set_window(struct colo_story *story, guint64 first, guint64 end);

/* The features that perf writes of itself, with neutral names in them. */
void colo_story_features(struct colo_story *story);
/* COMM and MMAP2 of the side's process, at its now_ns. */
void colo_story_process(struct colo_story *story, const struct colo_story_side *side);

/* Any probe, at now_ns on the thread of the COLO loop: the lowest level. */
void colo_story_hit(struct colo_story *story, const struct colo_story_side *side, const char *probe,
		    const guint64 *args, guint n_args);
/* colo_init, lasting init_ns; now_ns is at its end afterwards. */
void colo_story_init(struct colo_story *story, struct colo_story_side *side, guint64 init_ns);
/* Wait, checkpoint, counters; now_ns is at the end of the checkpoint afterwards. */
void colo_story_checkpoint(struct colo_story *story, struct colo_story_side *side,
			   const struct colo_story_checkpoint *checkpoint);
/* The begin of a wait that the recording does not see the end of. */
void colo_story_open_wait(struct colo_story *story, const struct colo_story_side *side,
			  guint64 seq);
/* A request for a checkpoint, on the main thread at time_ns. */
void colo_story_trigger(struct colo_story *story, const struct colo_story_side *side, guint64 seq,
			enum colo_story_trigger reason, guint64 time_ns);
void colo_story_exit(struct colo_story *story, const struct colo_story_side *side, gint32 reason);

/* Nanoseconds of the checkpoint on that side: its phases and the gaps around them. */
guint64 colo_story_checkpoint_ns(const struct colo_story_side *side,
				 const struct colo_story_checkpoint *checkpoint);

/*
 * When the phase begins, if the checkpoint is told next: its wait begins at now_ns. The phase
 * may be COLO_STORY_WAIT or COLO_STORY_CHECKPOINT; one that the side does not have is an error.
 */
guint64 colo_story_phase_begin_ns(const struct colo_story_side *side,
				  const struct colo_story_checkpoint *checkpoint,
				  enum colo_story_phase phase);

/*
 * The phase in which the time lies, if the checkpoint is told next: COLO_STORY_CHECKPOINT between
 * two phases, COLO_STORY_WAIT before the checkpoint and behind it.
 */
enum colo_story_phase colo_story_phase_at(const struct colo_story_side *side,
					  const struct colo_story_checkpoint *checkpoint,
					  guint64 time_ns);

/* Writes a hit now, which a filter has kept for itself. */
void colo_story_write_hit(struct colo_story *story, const struct colo_story_hit *hit);

/*
 * Writes the hits that were told since the last flush as perf does, and a
 * FINISHED_ROUND behind them: all of one CPU, then all of the next, so that
 * time runs backwards between two CPUs. Hits of one CPU keep their order.
 */
void colo_story_flush(struct colo_story *story);

#endif
