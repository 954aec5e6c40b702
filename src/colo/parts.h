/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts that the time of a session is made of, each moment in one of them: the
 * wait, the phases, and what of a checkpoint lies in no phase. It says when they
 * were, for those who ask what happened meanwhile; how long they took is in summary.h.
 */
#ifndef COLO_PERF_COLO_PARTS_H
#define COLO_PERF_COLO_PARTS_H

#include "colo/summary.h"

/* A phase is the part with its number. */
#define COLO_PART_OTHER ((unsigned int)COLO_PHASE_CHECKPOINT)
#define COLO_N_PARTS	((unsigned int)COLO_N_PHASES)

/* "ram", "other". A stop (model.h) in no phase is in `other` so. */
const char *colo_part_name(unsigned int part);

/* The part of that name; COLO_N_PARTS when there is none. */
unsigned int colo_part_find(const char *name);

/* Whether a session of that role can have the part. */
bool colo_role_has_part(enum colo_role role, unsigned int part);

/*
 * Calls `visit` for each part of each chosen complete checkpoint (number `seq`) of the
 * session: the wait, then what the checkpoint is made of; `other` comes once for each gap. Phases
 * that were not seen whole are left out, and so is `other` of a checkpoint whose phases are not all
 * whole.
 */
typedef void (*colo_part_visitor)(unsigned int part, uint64_t seq, uint64_t begin_ns,
				  uint64_t end_ns, void *data);
void colo_session_visit_parts(const struct colo_session *session,
			      const struct colo_selection *selection, colo_part_visitor visit,
			      void *data);

#endif
