/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is kept while perf records, so that its file is complete whatever becomes of perf, of the
 * processes and of their files: the formats of the probes, which are taken back at the end, and the
 * files that the processes run.
 */
#ifndef COLO_PERF_RECORD_KEEP_H
#define COLO_PERF_RECORD_KEEP_H

#include <glib.h>
#include <stdbool.h>

struct record_keep;

/* Of these registered probes (struct registered_event) of the group. */
struct record_keep *record_keep_new(const char *group, const GPtrArray *events);
void record_keep_free(struct record_keep *keep);

/*
 * Looks at the files of these processes (pid_t), see record_files_look(): at the first call, then
 * less and less often, as most is mapped early; `now`: in any case.
 */
void record_keep_look(struct record_keep *keep, const GArray *pids, bool now);

/*
 * Completes the file that perf has left, open for reading and writing, when nobody else writes to
 * it any more: adds build-ids, and what perf writes last if it did not come to that, for the reason
 * `unfinished` (NULL: it did). False when the file holds no sample. In `*note` is what was done
 * that people should know, in
 * `*warning` what could not be: sentences that the caller frees, or NULL.
 */
bool record_keep_complete(struct record_keep *keep, int fd, const char *unfinished, char **note,
			  char **warning);

#endif
