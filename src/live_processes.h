/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `colo-perf live` of running processes: registers their probes, counts their hits as they come,
 * and takes the probes back.
 */
#ifndef COLO_PERF_LIVE_PROCESSES_H
#define COLO_PERF_LIVE_PROCESSES_H

#include "live_face.h"
#include "record_targets.h"

/*
 * What the face has to know of its source is filled in. Returns the exit status.
 */
int live_processes_run(struct live_face_options *face, const struct record_wanted *wanted);

#endif
