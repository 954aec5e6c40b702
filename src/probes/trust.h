/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who could change or exchange a file while root has breakpoints put into it. What follows from
 * the answers is in docs/security.md.
 */
#ifndef COLO_PERF_PROBES_TRUST_H
#define COLO_PERF_PROBES_TRUST_H

#include "probes/process.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

/*
 * `path` leads to that very file, by way of no link and of directories that only root and we
 * can change: nobody else can have it lead to another file.
 */
bool trust_is_fixed_path(const char *path, const struct stat *file);

/*
 * False with `error` when somebody could change the program under a process of somebody else.
 * Root and we may, and so may its owner where the processes are the owner's:
 * of this process, by all of its user ids (real, effective, saved, for files);
 */
bool trust_check_process(const struct program *program, pid_t pid, GError **error);
/* or of all processes that have the program mapped now. */
bool trust_check_all_processes(const struct program *program, GError **error);

#endif
