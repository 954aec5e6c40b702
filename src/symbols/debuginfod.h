/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asks the servers of DEBUGINFOD_URLS for debug files, by libdebuginfod, if it is there. A server
 * that does not answer must not hold up a report: all questions of a program share one limit, and
 * what was not found is not asked for again.
 */
#ifndef COLO_PERF_SYMBOLS_DEBUGINFOD_H
#define COLO_PERF_SYMBOLS_DEBUGINFOD_H

#include "symbols/build_id.h"

struct debuginfod;

/* Called once, when a server has not answered within a second. */
typedef void (*debuginfod_waits)(const char *urls, double limit_s, void *data);

/*
 * Nothing is loaded and nobody asked before the first question, and without DEBUGINFOD_URLS never.
 * The limit is DEBUGINFOD_TIMEOUT, or 10 seconds, in which nothing arrives, in all questions
 * together. `waits` may be NULL; `data` is handed to it. The caller frees the result.
 */
struct debuginfod *debuginfod_new(debuginfod_waits waits, void *data);
void debuginfod_free(struct debuginfod *debuginfod);

/* The debug file with that build-id: a descriptor that the caller closes, or -1. */
int debuginfod_find(struct debuginfod *debuginfod, const struct build_id *id);

/* Why later questions are no longer asked, a clause for people; NULL while they are. Owned by it.
 */
const char *debuginfod_problem(const struct debuginfod *debuginfod);

#endif
