/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds hits that a recording has more than once. When two events stand for the same place of a
 * program (its probes were registered twice, two -e name them, two people record it), the kernel
 * serves them one after the other in the same trap, and the thread runs no other code in between:
 *
 *     thread        ...x place A ......................x place B ...
 *     event 1          |h                              |h
 *     event 2           |the same h                     |the same h
 *
 * So the hits of one thread that follow each other, with the same probe, place and arguments, from
 * events that are not the same, are one hit. A real second one comes through the first event again,
 * and later: what has even the time of the first one is a copy of its record.
 */
#ifndef COLO_PERF_COLO_DUPLICATES_H
#define COLO_PERF_COLO_DUPLICATES_H

#include "colo/probe.h"

struct duplicates;

struct duplicates *duplicates_new(void);
void duplicates_free(struct duplicates *duplicates);

/*
 * Takes the next hit; hits come in the order of time. True when it is one that was
 * taken already.
 */
bool duplicates_take(struct duplicates *duplicates, const struct colo_hit *hit);

/* How many hits of the source were such. */
uint64_t duplicates_count(const struct duplicates *duplicates, uint32_t source);

#endif
