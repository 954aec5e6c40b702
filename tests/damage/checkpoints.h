/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The complete checkpoints of a report, as its CSV tells them, and whether those of another
 * one are among them.
 */
#ifndef COLO_PERF_TESTS_DAMAGE_CHECKPOINTS_H
#define COLO_PERF_TESTS_DAMAGE_CHECKPOINTS_H

#include <glib.h>

struct checkpoints;

struct checkpoints *checkpoints_new(const char *csv);
void checkpoints_free(struct checkpoints *checkpoints);
guint checkpoints_count(const struct checkpoints *checkpoints);

/*
 * NULL when each complete checkpoint in `csv` has the values of the one in `whole`, or no value:
 * the hits of a checkpoint are as far apart in a recording as its CPUs' buffers. Otherwise what
 * differs, which the caller frees. Adds to `n` how many were compared.
 */
char *checkpoints_compare(const struct checkpoints *whole, const char *csv, guint *n);

#endif
