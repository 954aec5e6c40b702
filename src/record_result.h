/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a recording that was just made holds: one line for people, and whether it is enough.
 */
#ifndef COLO_PERF_RECORD_RESULT_H
#define COLO_PERF_RECORD_RESULT_H

#include <stdbool.h>

/*
 * Reads the recording, prints on stderr the warnings, and unless `quiet` how many checkpoints and
 * samples it holds. Returns an exit status: COLO_PERF_NO_DATA when there is no checkpoint.
 */
int record_print_result(const char *command, const char *path, bool quiet);

#endif
