/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The whole way from a file to what people see, as the commands go it, into memory. Files
 * of this machine that the recording names are not opened.
 */
#ifndef COLO_PERF_TESTS_FUZZ_WHOLE_REPORT_H
#define COLO_PERF_TESTS_FUZZ_WHOLE_REPORT_H

#include <stdbool.h>

/*
 * Loads the recording, checks the invariants, prints every view of it and checks their
 * form. False when it is refused, which takes an error with a message of one line.
 */
bool whole_report(const char *path);

#endif
