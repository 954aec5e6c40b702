/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Formats of tracepoints for a recording that lacks them, because perf was killed or the
 * file was cut: from a tracefs, a copy of one, or another recording.
 */
#ifndef COLO_PERF_PERFDATA_FORMAT_FILES_H
#define COLO_PERF_PERFDATA_FORMAT_FILES_H

#include "perfdata/tracepoint.h"

/*
 * Reads the formats of `system` at `path`, which is one of
 *
 *   - a directory as the kernel's tracefs: with events/SYSTEM/EVENT/format below it, or with
 *     SYSTEM/EVENT/format, or with EVENT/format;
 *   - a recording that has formats;
 *   - a text: such format files, one behind the other.
 *
 * With NULL the tracefs of this machine is read. `swap` is of the recording that needs them. In
 * `*from` the caller gets, and frees, where they were. NULL with `error` when there are none.
 */
struct tracepoints *format_files_read(const char *path, const char *system, bool swap, char **from,
				      GError **error);

#endif
