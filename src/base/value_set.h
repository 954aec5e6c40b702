/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A set of integers that grows, whose distribution can be asked for at any time: what
 * was sorted once stays so, and asking costs by the values that came since. The answers are
 * exact and do not depend on the order in which values came.
 *
 * Nearby values are kept as differences of one or two bytes, so that the phases of
 * days fit into memory.
 */
#ifndef COLO_PERF_BASE_VALUE_SET_H
#define COLO_PERF_BASE_VALUE_SET_H

#include "base/distribution.h"

struct value_set;

struct value_set *value_set_new(void);
void value_set_free(struct value_set *set);

void value_set_add(struct value_set *set, int64_t value);

/*
 * Takes back a value that is in the set. Once the distribution was asked for, only before the
 * next value is added.
 */
void value_set_remove(struct value_set *set, int64_t value);

struct distribution value_set_distribution(struct value_set *set);

#endif
