/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The records that tell of processes rather than of events: what was mapped,
 * what a thread is called, which thread was made by which; and what code the kernel made. One
 * structure for all of them, as they must be put into the order of time together.
 *
 * Source of the layouts: include/uapi/linux/perf_event.h.
 */
#ifndef COLO_PERF_PERFDATA_PERF_TASK_H
#define COLO_PERF_PERFDATA_PERF_TASK_H

#include "base/byte_reader.h"
#include "perfdata/perf_event.h"
#include "perfdata/perf_record.h"

#define PERF_BUILD_ID_MAX 20 /* bytes */

/* Who owns the kernel's mappings in MMAP records. */
#define PERF_KERNEL_PID UINT32_MAX

enum perf_task_kind {
	PERF_TASK_MMAP,
	PERF_TASK_COMM,
	PERF_TASK_FORK,
	PERF_TASK_EXIT,
	PERF_TASK_KSYMBOL,
};

struct perf_task_event {
	enum perf_task_kind kind;
	uint64_t time_ns; /* 0: perf wrote it for what was there before the recording */
	uint64_t order;	  /* the record's number */
	uint32_t pid, tid;

	/* PERF_TASK_FORK. */
	uint32_t parent_pid, parent_tid;
	bool without_maps; /* perf made it up, of a process that was there: it inherits nothing */

	/* PERF_TASK_COMM. */
	bool exec;

	/* PERF_TASK_MMAP. */
	bool kernel;
	bool has_inode;
	uint32_t major, minor;
	uint64_t inode;
	uint64_t start, size, file_offset; /* bytes */
	uint8_t build_id[PERF_BUILD_ID_MAX];
	size_t build_id_size; /* 0: the record has none */

	/* PERF_TASK_KSYMBOL; also start and size. */
	uint16_t ksym_type; /* enum perf_record_ksymbol_type */
	bool unregisters;   /* the code is given up */

	/* COMM, KSYMBOL: the name; MMAP: the path. Valid as long as the record. */
	const char *tainted_name;
};

/* Whether the record is of a type that perf_task_decode() takes. */
bool perf_task_is(const struct perf_record *record);

/* Decodes such a record. False when it is shorter than its type says. */
bool perf_task_decode(const struct perf_events *events, const struct perf_record *record, bool swap,
		      struct perf_task_event *task);

/* Which file had which build-id: an entry of the feature PERF_FEATURE_BUILD_ID, or a record. */
struct perf_build_id {
	uint8_t build_id[PERF_BUILD_ID_MAX];
	size_t build_id_size;
	bool kernel;
	const char *tainted_path; /* as in MMAP records; valid as long as the section or record */
};

/*
 * Decodes a record of type HEADER_BUILD_ID. False when it is shorter than that.
 *
 * Source: struct perf_record_header_build_id in tools/lib/perf/include/perf/event.h.
 */
bool perf_build_id_decode(const struct perf_record *record, bool swap, struct perf_build_id *entry);

/*
 * Reads the next entry of the section in `reader`, which is such a record. False at its end,
 * and when what is left is no entry.
 */
bool perf_build_id_next(struct byte_reader *reader, struct perf_build_id *entry);

#endif
