/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The statistics of one session as they grow: takes one checkpoint after the other, and
 * tells at any time what they sum up to. What that is, and its form, is in summary.h.
 */
#ifndef COLO_PERF_COLO_TALLY_H
#define COLO_PERF_COLO_TALLY_H

#include "colo/summary.h"

struct colo_tally;

/* `session` must live as long as the tally. */
struct colo_tally *colo_tally_new(const struct colo_session *session);
void colo_tally_free(struct colo_tally *tally);

/* Forgets what it has counted. */
void colo_tally_reset(struct colo_tally *tally);

/* Takes a copy of what it needs. The checkpoints of a session come in the order of time. */
void colo_tally_add(struct colo_tally *tally, const struct colo_checkpoint *checkpoint);

/*
 * The same, until colo_tally_end_preview(): for checkpoints that may still change. In between
 * nothing else is added.
 */
void colo_tally_preview(struct colo_tally *tally, const struct colo_checkpoint *checkpoint);
void colo_tally_end_preview(struct colo_tally *tally);

/* A new summary of what has been counted; it does not need the tally any more. */
struct colo_summary *colo_tally_summary(struct colo_tally *tally);

/* The last complete checkpoint; NULL when there is none. Valid until something is counted. */
const struct colo_checkpoint *colo_tally_last(const struct colo_tally *tally);

#endif
