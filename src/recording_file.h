/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One recording: which of its events are probes, its hits, what its records say of
 * processes and of what was lost. Only recording.c needs this.
 */
#ifndef COLO_PERF_RECORDING_FILE_H
#define COLO_PERF_RECORDING_FILE_H

#include "colo/hit_log.h"
#include "recording.h"

struct recording *recording_new(const char *path);
void recording_free(struct recording *recording);

/*
 * Reads the file at the recording's path, and adds its hits to
 * `hits` as they stand in it; with `follow` that takes them, and `hits` may be NULL. False with
 * `error`, which does not name the file, when
 * it cannot be used.
 */
bool recording_load(struct recording *recording, uint32_t source,
		    const struct recording_options *options, struct hit_log *hits, GError **error);

#endif
