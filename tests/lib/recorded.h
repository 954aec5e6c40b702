/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Recordings of COLO in memory: a story of two sides, its file, and what recordings_load()
 * makes of it. It asserts, and tests nothing.
 */
#ifndef COLO_PERF_TESTS_RECORDED_H
#define COLO_PERF_TESTS_RECORDED_H

#include "lib/usual_pair.h"
#include "recording.h"

/* Probes that this machine may have registered do not matter. */
extern const struct recording_options recorded_options;

/*
 * The process, COLO's begin, `n` checkpoints and its end. Returns how many ns the checkpoints are
 * long together.
 */
guint64 recorded_side(struct colo_story *story, const struct colo_story_side *of, guint64 n);

/* Both sides, 4 checkpoints each, all in one flush. */
struct perf_builder *recorded_both_sides(int byte_order, const struct perf_event_attr *attr);

/* Loads them; NULL with `error`. The caller frees what is loaded. */
struct recordings *recorded_load(const GByteArray *bytes, GError **error);
struct recordings *recorded_load_builder(struct perf_builder *builder);

/* One of those loaded, which must be there. */
const struct recording *recorded_file(const struct recordings *recordings, guint index);
const struct colo_session *recorded_session(const struct recordings *recordings, guint index);

/* Each session of one has the numbers of that of the other. */
void recorded_assert_same_sessions(const struct recordings *a, const struct recordings *b);

/* The message of the warning with that code; NULL when there is none. The caller frees it. */
char *recorded_warning(const struct recordings *recordings, const char *code);
/* There is such a warning, with `part` in it. */
void recorded_assert_warning(const struct recordings *recordings, const char *code,
			     const char *part);

#endif
