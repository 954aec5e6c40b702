/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A recording, from what was asked for to its file: probes are registered, perf runs, all is taken
 * back.
 */
#ifndef COLO_PERF_RECORD_SESSION_H
#define COLO_PERF_RECORD_SESSION_H

#include <glib.h>

/* What is to be recorded, and how. */
struct record_options {
	char **pids, **names;			   /* Weak: -p, --name; NULL: none */
	char *output, *event, *chains, *mmap_size; /* Weak; `event` may be NULL */
	char *binary;				   /* Weak: --binary; NULL: none */
	double duration_s;			   /* 0: none */
	int frequency_hz;
	gboolean all_cpus, trust_program, quiet, check;
	char **command; /* Weak: what is to be started; empty: nothing */
};

/* Records, or with `check` only tries to; says what there is to say. Returns the exit status. */
int record_session_run(const struct record_options *options);

#endif
