/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What all subcommands share: version, exit statuses, the one line that an
 * error is.
 */
#ifndef COLO_PERF_COLO_PERF_H
#define COLO_PERF_COLO_PERF_H

#include <glib.h>

#define COLO_PERF_VERSION "0.1.0"

enum colo_perf_status {
	COLO_PERF_DONE = 0,
	COLO_PERF_FAILED = 1,  /* the input or the system stopped it */
	COLO_PERF_USAGE = 2,   /* wrong usage */
	COLO_PERF_NO_DATA = 3, /* read well, but holds no COLO checkpoint */
};

/* Prints "colo-perf COMMAND: MESSAGE" on stderr, as one line, and returns `status`. */
int colo_perf_fail(const char *command, enum colo_perf_status status, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Flushes stdout. `status`, or COLO_PERF_FAILED with a line on stderr if it cannot be written. */
int colo_perf_flush(const char *command, int status);

#endif
