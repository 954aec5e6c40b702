/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The error codes of every module, for GError. One code for each way that an
 * input can be unusable; the message says where, what was found and what was
 * allowed. Nothing here prints.
 */
#ifndef COLO_PERF_BASE_ERROR_H
#define COLO_PERF_BASE_ERROR_H

#include <glib.h>

#define COLO_PERF_ERROR (colo_perf_error_quark())

enum colo_perf_error {
	COLO_PERF_ERROR_IO,	     /* the system refused: open, read, memory */
	COLO_PERF_ERROR_NOT_PERF,    /* not a perf.data file at all */
	COLO_PERF_ERROR_UNSUPPORTED, /* a form of perf.data that is not read */
	COLO_PERF_ERROR_TRUNCATED,   /* the file ends before what it declares */
	COLO_PERF_ERROR_MALFORMED,   /* a size, count or offset that cannot be */
	COLO_PERF_ERROR_NO_FORMATS,  /* the tracepoint formats are missing */
	COLO_PERF_ERROR_NO_PROBES,   /* a program without the probes */
	COLO_PERF_ERROR_USAGE,	     /* options that make no sense */
};

GQuark colo_perf_error_quark(void);

/* As g_strerror(), with the remedy where the usual text does not suggest it. */
const char *error_reason(int code);

#endif
