/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decides what a single checkpoint is, complete or not, and what of it does not fit.
 * Pairing its hits, and when it can be judged, are the model's business.
 */
#ifndef COLO_PERF_COLO_VERDICT_H
#define COLO_PERF_COLO_VERDICT_H

#include "colo/model.h"

/*
 * What stands at the edge of a session may be half there without a hit being
 * lost. perf enables its events one after the other and disables them so, thus
 * of a checkpoint at the edge of the recording any hit may be missing. The
 * begin of a wait comes right behind a checkpoint's end, so the edge of one
 * that is cut reaches into the wait for the next.
 */
struct colo_edge {
	bool start; /* the first checkpoint, and the start of COLO was not recorded */
	bool wait;  /* the wait before it: that of the first, or behind one cut by the start */
	bool end;   /* the last one, and the end of COLO was not recorded */
};

/* Whether anything of it was seen but the wait before it. */
bool colo_checkpoint_is_begun(const struct colo_checkpoint *checkpoint);

/* Sets its state, and adds what does not fit to `anomalies`. To be called once. */
void colo_checkpoint_judge(enum colo_role role, struct colo_checkpoint *checkpoint,
			   struct colo_edge edge, struct colo_anomalies *anomalies);

#endif
