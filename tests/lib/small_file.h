/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A small perf.data file with one of everything, and files in memory opened by
 * the reader. Shared by the tests of perfdata; it asserts, and tests nothing.
 */
#ifndef COLO_PERF_TESTS_SMALL_FILE_H
#define COLO_PERF_TESTS_SMALL_FILE_H

#include "lib/perf_builder.h"
#include "perfdata/perf_file.h"

/* Its events: one that samples with a rate, and a probe. */
extern const struct perf_builder_event small_file_clock_event;
extern const struct perf_builder_event small_file_probe_event;

/* Two events, their samples, two features: 4 records. The caller frees the builder. */
struct perf_builder *small_file_builder(int byte_order);

/* NULL with `error` when it is refused. The file lives in memory as long as what is returned. */
struct perf_file *small_file_open_bytes(const GByteArray *bytes, GError **error);

/* What the builder makes; it must open. */
struct perf_file *small_file_open(struct perf_builder *builder);

#endif
