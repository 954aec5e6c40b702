/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Brings the reader and the model together: reads one or several recordings,
 * finds the probes among their events, and hands the hits in the order of time
 * to a COLO model; keeps what the records say of processes. The samples are
 * passed over here: see phase_profile.h. Shared by the subcommands that read files.
 */
#ifndef COLO_PERF_RECORDING_H
#define COLO_PERF_RECORDING_H

#include "colo/model.h"
#include "perfdata/perf_file.h"
#include "profile/tasks.h"

#include <glib.h>

/* What one file is and what came out of it. */
struct recording {
	char *path; /* Owned by this */
	uint64_t size_bytes;
	char *hostname, *perf_version, *arch, *command_line; /* Owned by this; NULL: not there */
	char *damage;	      /* Owned by this: what is missing, sentences; NULL when whole */
	char *formats_from;   /* Owned by this: where the formats of the probes are from; NULL: its
				 own */
	bool formats_checked; /* those from elsewhere fit to the addresses of the hits */
	bool has_clock;	      /* its clock can be told in that of the wall: */
	struct perf_clock clock;
	uint64_t n_records;
	uint64_t n_unknown_records;   /* of types that are not known here: they are passed over */
	uint32_t unknown_record_type; /* the lowest of them */
	uint64_t n_unread_records;    /* PERF_RECORD_USE_WARNED: passed over, and missed */
	uint32_t unread_record_type;  /* the last of them */
	uint64_t n_samples;	      /* of all events, the hits of probes among them */
	uint64_t n_probe_hits;
	uint64_t n_bad_hits;	     /* hits too short for the arguments of their probe */
	uint64_t n_hits_left_out;    /* hits beyond what is kept of a file of its size */
	uint64_t n_records_left_out; /* likewise: of processes, and counts of losses */
	uint64_t n_unknown_samples;  /* samples whose id belongs to no event */
	uint64_t n_lost_records;     /* PERF_RECORD_LOST: events that found the buffer full */
	uint64_t n_lost_samples;     /* PERF_RECORD_LOST_SAMPLES, likewise */
	uint64_t n_lost_reads;	     /* what PERF_FORMAT_LOST counts in samples and READ records */
	uint64_t
		n_throttled; /* PERF_RECORD_THROTTLE: times that an event was stopped for a while */
	uint64_t n_lost_hits; /* those of them that are known to be hits of probes */
	unsigned int n_events, n_tracepoints, n_probes; /* events, and those among them */
	bool has_task_records; /* an event asks for FORK and EXIT records */
	GPtrArray
		*sampled_probes; /* Owned by this: names (owned) of probes not recorded each time */
	GPtrArray *other_probes; /* Owned by this: names (owned) of COLO events not known here */
	GPtrArray *foreign_events; /* Owned by this: names (owned) of sdt_qemu events, not COLO's */
	struct perf_file *file;	   /* Owned by this */
	struct dso_table *dsos;	   /* Owned by this: what was mapped */
	struct tasks *tasks;	   /* Owned by this */
};

struct recordings {
	GPtrArray *files;	  /* Owned by this: struct recording, by source */
	struct colo_model *model; /* Owned by this; finished */
};

/*
 * For those who want the hits of a recording while it is made. A pipe is then read as it comes, and
 * what the records say of mappings and of what processes come and go is not kept.
 */
struct recording_follow {
	struct perf_wait wait;
	void (*take_hit)(const struct colo_hit *hit, void *data);
	/* perf has handed out what all buffers held up to the last time that this was called. */
	void (*end_round)(void *data);
	void *data;   /* Weak: of these two */
	bool stopped; /* what is left of the stream does not matter: its end is no damage */
};

struct recording_options {
	struct dso_options symbols; /* where the files are that were mapped */
	/*
	 * Where the formats of the probes are, for a recording that lacks its own: a
	 * directory or file for format_files_read(); NULL: on this machine.
	 */
	const char *formats;
	const struct recording_follow *follow; /* Weak; NULL: the recording is complete */
};

/*
 * Reads the files at `paths`, a NULL-terminated list. NULL with `error`, which
 * names the file, when one cannot be used. A file that is damaged behind its
 * header is used as far as it goes, and its `damage` says so. The strings of `options`
 * must live as long as the recordings.
 */
struct recordings *recordings_load(const char *const *paths,
				   const struct recording_options *options, GError **error);
void recordings_free(struct recordings *recordings);

/*
 * What a thread of the session's process was called during the session; NULL
 * when the recording does not say. Owned by the recording.
 */
const char *recording_thread_name(const struct recording *recording,
				  const struct colo_session *session, uint32_t tid);

/*
 * Whether a process that ended while it was recorded is known to have ended: perf asked for
 * records of it, and none is missing.
 */
bool recording_shows_process_ends(const struct recording *recording);

/* A colo_process_end_finder; `data` is the struct recordings. Once the tasks are settled. */
bool recordings_find_process_end(uint32_t source, uint32_t pid, uint64_t since_ns, uint64_t *end_ns,
				 void *data);

/* When a time of the recording's clock was, in ns since 1970. False when it does not say. */
bool recording_wall_ns(const struct recording *recording, uint64_t time_ns, uint64_t *wall_ns);

#endif
