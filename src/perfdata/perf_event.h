/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The events of a recording (perf_event_attr and its ids), and which of them a record
 * belongs to. It knows nothing of files and of what events mean.
 *
 * Source of the layouts: include/uapi/linux/perf_event.h.
 */
#ifndef COLO_PERF_PERFDATA_PERF_EVENT_H
#define COLO_PERF_PERFDATA_PERF_EVENT_H

#include "base/byte_reader.h"

#include <glib.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

/* What of a perf_event_attr reading needs. */
struct perf_event {
	uint32_t type; /* PERF_TYPE_... */
	uint64_t config;
	uint64_t sample_type;	/* PERF_SAMPLE_... */
	uint64_t read_format;	/* PERF_FORMAT_... */
	uint64_t sample_period; /* a rate in Hz when `freq` is set */
	bool freq;
	bool exclude_user, exclude_kernel;
	bool task;	    /* it asks for FORK and EXIT records */
	bool sample_id_all; /* records that are no samples end with a sample id */
	bool use_clockid;
	bool build_id;		     /* it asks for build-ids in MMAP2 records */
	int32_t clockid;	     /* CLOCK_..., with use_clockid */
	uint64_t branch_sample_type; /* PERF_SAMPLE_BRANCH_... */
	uint64_t sample_regs_user;   /* a bit for each register in a sample */
	unsigned int max_stack;	     /* frames that a call chain has at the most */
	char *name; /* Owned by the events: what perf calls it; NULL: the recording does not say */
	int sample_id_pos; /* where the id is: words of 8 bytes from the start of a sample, or -1 */
	int trailer_id_pos; /* likewise from the end of a record that is no sample, or -1 */
};

/*
 * A string of a feature section, struct perf_header_string: u32 len, then len bytes with
 * a NUL among them. NULL, and the reader has failed, when it is not whole. The caller frees it.
 */
char *perf_header_string_read(struct byte_reader *reader);

/* The events of one recording, found by the id that a record carries. */
struct perf_events;

struct perf_events *perf_events_new(void);
void perf_events_free(struct perf_events *events);

/*
 * Adds the event that `attr_size` bytes at `tainted_attr` describe, in the byte
 * order of the file. Attrs of any size from PERF_ATTR_SIZE_VER0 on are
 * understood; what a newer perf appended is passed over. Returns its index, or
 * -1 with `error`.
 */
int perf_events_add(struct perf_events *events, const uint8_t *tainted_attr, size_t attr_size,
		    bool swap, GError **error);

/*
 * Reads the names of the events from a feature section PERF_FEATURE_EVENT_DESC,
 * as far as it is whole. To be called when all ids are there.
 *
 * Source: write_event_desc() in tools/perf/util/header.c.
 */
void perf_events_read_names(struct perf_events *events, const uint8_t *tainted, size_t size,
			    bool swap);

/* Says that records with `id` belong to the event at `index`. */
void perf_events_add_id(struct perf_events *events, uint64_t id, guint index);

/* The name of an event that a record tells; it is copied. */
void perf_events_set_name(struct perf_events *events, guint index, const char *name);

/*
 * Whether the samples of all events can be told apart: with several events each must carry its id.
 * Where in the sample may differ.
 */
bool perf_events_check(const struct perf_events *events, GError **error);

guint perf_events_count(const struct perf_events *events);
/* Whether one of them asks the kernel for build-ids in MMAP2 records. */
bool perf_events_ask_build_ids(const struct perf_events *events);
const struct perf_event *perf_events_get(const struct perf_events *events, guint index);

/* Which event an id belongs to; -1 when it is not known. */
int perf_events_of_id(const struct perf_events *events, uint64_t id);

/*
 * Which event a PERF_RECORD_SAMPLE belongs to; -1 when its id is not known or
 * the body too short. `tainted_body` follows the record's header.
 */
int perf_events_of_sample(const struct perf_events *events, const uint8_t *tainted_body,
			  size_t body_size, bool swap);

/*
 * Which event's layout the sample id at the end of a record that is no sample has; -1
 * when the recording has none or the id is not known.
 */
int perf_events_of_trailer(const struct perf_events *events, const uint8_t *tainted_body,
			   size_t body_size, bool swap);

#endif
