/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Completes a recording in file mode that perf has left: adds feature sections, writes build-ids
 * into the records of what was mapped, and repairs the header of one whose perf was killed, so that
 * perf and we read it as any other. What the build-ids are the caller knows.
 *
 *	header | attrs, ids | records | table of the sections | sections
 *	^ which sections, size of the records          ^ both written anew
 */
#ifndef COLO_PERF_PERFDATA_PERF_COMPLETION_H
#define COLO_PERF_PERFDATA_PERF_COMPLETION_H

#include "perfdata/perf_header.h"
#include "perfdata/perf_task.h"

struct perf_completion;

/* A file that was mapped, or a part of the kernel, told from others by all of this. */
struct perf_mapped_file {
	char *path; /* Owned by this: as recorded */
	bool kernel;
	bool has_inode;
	uint32_t major, minor;
	uint64_t inode;
	uint8_t build_id[PERF_BUILD_ID_MAX]; /* for the caller to fill in, with its size */
	size_t build_id_size;		     /* 0: not known */
};

/*
 * Reads the recording that `fd` has open for reading and writing, which this machine's perf made,
 * once. `fd` stays the caller's, who closes it last. NULL with `error` when it cannot be read.
 */
struct perf_completion *perf_completion_new(int fd, GError **error);
void perf_completion_free(struct perf_completion *completion);

/* Samples of all events, the hits of probes among them. */
uint64_t perf_completion_samples(const struct perf_completion *completion);

/*
 * What was mapped and may have a build-id (memory without a file has none): struct
 * perf_mapped_file, each once. Owned by the completion.
 */
GPtrArray *perf_completion_files(struct perf_completion *completion);

/* Adds this section, which is taken over, unless the recording has one. */
void perf_completion_add(struct perf_completion *completion, enum perf_feature feature,
			 GByteArray *section);

/*
 * Writes the build-ids that are known by now, and the sections. False with `error`; a recording
 * that perf completed is then as good as before. Of one that perf did not complete so many of the
 * last records are given up as a full disk has no room for the sections.
 */
bool perf_completion_write(struct perf_completion *completion, GError **error);

#endif
