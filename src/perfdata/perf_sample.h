/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Samples, the sample ids at the end of other records, and the counts that are read with
 * either: their layouts, which differ from event to event.
 *
 * Source of the layouts: include/uapi/linux/perf_event.h.
 */
#ifndef COLO_PERF_PERFDATA_PERF_SAMPLE_H
#define COLO_PERF_PERFDATA_PERF_SAMPLE_H

#include "perfdata/perf_event.h"
#include "perfdata/perf_record.h"

/* One sample; pointers are valid as long as the record is. */
struct perf_sample {
	uint64_t id; /* 0 when the layout has none */
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time_ns;
	uint64_t period;
	uint32_t cpu;
	const uint8_t *tainted_read;	  /* what was read with it, from there on; or NULL */
	size_t read_size;		  /* bytes, at the most */
	const uint8_t *tainted_callchain; /* u64 each, in the file's byte order */
	uint64_t callchain_len;		  /* entries */
	const uint8_t *tainted_raw;
	uint32_t raw_size;	      /* bytes */
	uint64_t regs_abi;	      /* PERF_SAMPLE_REGS_ABI_... of the user's registers */
	const uint8_t *tainted_regs;  /* u64 each, as many as sample_regs_user has bits; or NULL */
	const uint8_t *tainted_stack; /* the user's stack from its pointer on; or NULL */
	size_t stack_size;	      /* bytes of it that are valid */
};

/*
 * Decodes a sample of `event`. False when the body is shorter than its layout
 * says up to the raw part; the user's registers and stack, which follow, are
 * NULL when they are not whole.
 */
bool perf_sample_decode(const struct perf_event *event, const uint8_t *tainted_body,
			size_t body_size, bool swap, struct perf_sample *sample);

/*
 * Decodes the sample id at the end of a record that is no sample, into id, pid,
 * tid, time_ns and cpu. False when the recording has none.
 */
bool perf_sample_id_decode(const struct perf_events *events, const uint8_t *tainted_body,
			   size_t body_size, bool swap, struct perf_sample *sample);

/*
 * The callers in user code of the samples of one thread with one cookie: a
 * PERF_RECORD_CALLCHAIN_DEFERRED. Pointers are valid as long as the record is.
 */
struct perf_deferred {
	uint64_t cookie;
	uint32_t pid, tid;
	uint64_t time_ns;		/* when they were looked for, behind the samples */
	const uint8_t *tainted_callers; /* u64 each, in the file's byte order; begins with a mark */
	uint64_t n_callers;		/* entries */
};

/* Decodes one. False when it is shorter than it says, or does not tell its thread and time. */
bool perf_deferred_decode(const struct perf_events *events, const struct perf_record *record,
			  bool swap, struct perf_deferred *deferred);

/* Whether samples of the event tell how many of them were lost. */
bool perf_event_reads_lost(const struct perf_event *event);

/*
 * Calls `visit` for each counter that was read with PERF_FORMAT_LOST: its id, and how
 * many samples of it were lost from the beginning on.
 */
typedef void (*perf_lost_visitor)(uint64_t id, uint64_t lost, void *data);
void perf_sample_visit_lost(const struct perf_event *event, const struct perf_sample *sample,
			    bool swap, perf_lost_visitor visit, void *data);

/* The same of a PERF_RECORD_READ. */
void perf_read_visit_lost(const struct perf_events *events, const struct perf_record *record,
			  bool swap, perf_lost_visitor visit, void *data);

#endif
