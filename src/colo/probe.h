/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The probes of docs/probes.md as a table, and what a hit of one looks like.
 * Where hits come from (a file, a ring buffer) is not known here.
 */
#ifndef COLO_PERF_COLO_PROBE_H
#define COLO_PERF_COLO_PROBE_H

#include "colo/phase.h"

#include <stdbool.h>

/* perf's name for the group of QEMU's probes. */
#define COLO_PROBE_SYSTEM "sdt_qemu"
/* How the name of each of them begins; others of the group are not COLO's. */
#define COLO_PROBE_PREFIX "colo_"

#define COLO_PROBE_MAX_ARGS 6

enum colo_probe_kind {
	COLO_PROBE_BEGIN,      /* role, seq */
	COLO_PROBE_END,	       /* role, seq, then amounts */
	COLO_PROBE_INIT_BEGIN, /* role */
	COLO_PROBE_INIT_END,   /* role */
	COLO_PROBE_TRIGGER,    /* role, seq, reason */
	COLO_PROBE_EXIT,       /* role, reason */
	COLO_PROBE_COUNTERS,   /* role, seq, then four counters */
};

struct colo_probe {
	const char *name;
	enum colo_probe_kind kind;
	unsigned int n_args;
	enum colo_phase phase;	   /* of begin and end */
	enum colo_amount amount;   /* of an end: what its third argument is; others follow */
	enum colo_counter counter; /* of counters: what the third argument is; others follow */
};

/* One hit. The model wants them in the order of time. */
struct colo_hit {
	uint64_t time_ns; /* on the recording's clock */
	uint32_t source;  /* which recording, from 0: pids of two machines may be equal */
	uint32_t pid, tid;
	uint32_t event; /* which event of the source it came through: a probe may have several */
	uint64_t place; /* address of the probe's site in the process; 0: not known */
	const struct colo_probe *probe; /* Weak: of the table */
	int64_t args[COLO_PROBE_MAX_ARGS];
};

/*
 * The probe of that name; NULL when there is none. A number that perf appended
 * to tell several sites of a probe apart (colo_ram_begin_1) is passed over.
 */
const struct colo_probe *colo_probe_find(const char *name);

/* Whether a probe is called exactly so, as the notes of a program call it. */
bool colo_probe_is_name(const char *name);

/* The number of a probe in the table, from 0, and the probe with that number. */
unsigned int colo_probe_number(const struct colo_probe *probe);
const struct colo_probe *colo_probe_get(unsigned int number);

#endif
