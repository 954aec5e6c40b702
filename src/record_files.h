/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The files whose code the recorded processes run. They are held open from when they are first
 * seen: at the end of the recording a process may be gone, and with it the only way to a file that
 * was removed, replaced, or is in a container.
 */
#ifndef COLO_PERF_RECORD_FILES_H
#define COLO_PERF_RECORD_FILES_H

#include <glib.h>
#include <sys/types.h>

struct record_files;

struct record_files *record_files_new(void);
void record_files_free(struct record_files *files);

/*
 * Looks at what the process has mapped, if that may be seen. It makes the process wait for some
 * ten microseconds when it maps something at the same time, so: rarely.
 */
void record_files_look(struct record_files *files, pid_t pid);

/*
 * Fills in the build-ids of what a recording mapped, struct perf_mapped_file: of files that were
 * looked at, of the kernel and its modules.
 */
void record_files_identify(const struct record_files *files, GPtrArray *mapped);

/*
 * Copies those of `mapped` that are not found by their path from here, or are another file there,
 * to perf's cache, where `report` looks: at most 512 MiB each and 2 GiB in all. Returns what was
 * done, and in `*warning` what could not be, sentences that the caller frees, or NULL.
 */
char *record_files_keep(const struct record_files *files, const GPtrArray *mapped, char **warning);

#endif
