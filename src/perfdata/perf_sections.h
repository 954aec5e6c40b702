/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes feature sections as perf writes them, in this machine's byte order. What is in them the
 * caller knows. perf_header.h reads them.
 *
 * Source of the layouts: tools/perf/util/header.c, build-id.c and trace-event-info.c.
 */
#ifndef COLO_PERF_PERFDATA_PERF_SECTIONS_H
#define COLO_PERF_PERFDATA_PERF_SECTIONS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PERF_FEATURE_HOSTNAME and others that are one string. */
GByteArray *perf_section_of_string(const char *string);

/* PERF_FEATURE_CLOCK_DATA: two clocks that were read at the same time. */
GByteArray *perf_section_of_clock(uint32_t clockid, uint64_t clock_ns, uint64_t wall_ns);

/*
 * Adds an entry to PERF_FEATURE_BUILD_ID: the file at `path` had this build-id, of at most 20
 * bytes. `kernel`: it is the kernel or a module of it.
 */
void perf_section_add_build_id(GByteArray *section, const char *path, bool kernel,
			       const uint8_t *build_id, size_t size);

/*
 * PERF_FEATURE_TRACING_DATA: the formats of the tracepoints of one system, GBytes each, and what
 * describes the kernel's buffers (events/header_page and events/header_event of tracefs), which
 * perf wants and we do not.
 */
GByteArray *perf_section_of_formats(const char *system, const GPtrArray *formats,
				    GBytes *header_page, GBytes *header_event);

#endif
