/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The formats of the tracepoints of a recording, and the numbers in the raw
 * part of their samples. Decoding is libtraceevent's; this file takes apart the
 * container that perf keeps the formats in, and checks sizes, which
 * libtraceevent does not.
 */
#ifndef COLO_PERF_PERFDATA_TRACEPOINT_H
#define COLO_PERF_PERFDATA_TRACEPOINT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* All tracepoints that a recording carries formats of. */
struct tracepoints;
/* One of them. Owned by its struct tracepoints. */
struct tracepoint;

/*
 * Reads a TRACING_DATA section. `tainted` may be cut anywhere. `swap` is
 * whether the recording's byte order is not this machine's.
 *
 * Source of the container's layout: tools/perf/util/trace-event-read.c.
 */
struct tracepoints *tracepoints_new(const uint8_t *tainted, size_t size, bool swap, GError **error);
void tracepoints_free(struct tracepoints *tracepoints);

/*
 * The same from texts, for a recording that lacks the section: what the kernel shows in
 * events/SYSTEM/EVENT/format of its tracefs. Texts that are none are passed over.
 */
struct tracepoints *tracepoints_new_of_texts(bool swap);
void tracepoints_add_text(struct tracepoints *tracepoints, const char *system,
			  const char *tainted_text, size_t size);

guint tracepoints_count(const struct tracepoints *tracepoints);

/* The tracepoint with this id (attr.config); NULL when there is no format of it. */
const struct tracepoint *tracepoints_find(const struct tracepoints *tracepoints, uint64_t id);

const char *tracepoint_system(const struct tracepoint *tracepoint);
const char *tracepoint_name(const struct tracepoint *tracepoint);

/* How many fields are called arg1, arg2, ... without a gap. */
unsigned int tracepoint_n_args(const struct tracepoint *tracepoint);

/*
 * The number in argument `n` (from 0) of a sample's raw part, sign-extended when
 * the argument is signed. False when the raw part is too short for it.
 */
bool tracepoint_arg(const struct tracepoint *tracepoint, unsigned int n, const uint8_t *tainted_raw,
		    size_t raw_size, int64_t *value);

#endif
