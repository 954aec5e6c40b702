/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps the hits of a whole recording in little memory, about 30 bytes each, and
 * gives them back in the order of time. It forgets each one as it gives it
 * back. What the hits mean is not known here.
 */
#ifndef COLO_PERF_COLO_HIT_LOG_H
#define COLO_PERF_COLO_HIT_LOG_H

#include "colo/probe.h"

struct hit_log;

struct hit_log *hit_log_new(void);
void hit_log_free(struct hit_log *log);

/* Takes a copy: of the arguments those that the probe has. Not after the first hit_log_take(). */
void hit_log_add(struct hit_log *log, const struct colo_hit *hit);

/* Bytes that all hits added so far took up. */
size_t hit_log_bytes(const struct hit_log *log);

/*
 * Takes the earliest hit out of the log; of several with the same time the one that was
 * added first. False when there is none left.
 */
bool hit_log_take(struct hit_log *log, struct colo_hit *hit);

#endif
