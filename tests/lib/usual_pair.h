/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The pair that most stories tell of: its processes, and its checkpoints.
 */
#ifndef COLO_PERF_TESTS_USUAL_PAIR_H
#define COLO_PERF_TESTS_USUAL_PAIR_H

#include "lib/colo_story.h"

#define USUAL_CPUS     2
#define USUAL_START_NS G_GUINT64_CONSTANT(5000000000)

/* Both sides; the begin of their stories. No two hits are at the same time. */
extern const struct colo_story_side usual_primary, usual_secondary;

/* All of its numbers are other ones for each `seq`; what a story needs otherwise it changes. */
struct colo_story_checkpoint usual_checkpoint(guint64 seq);

#endif
