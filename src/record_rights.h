/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether this user, kernel and perf can record probes, and what is missing when not.
 */
#ifndef COLO_PERF_RECORD_RIGHTS_H
#define COLO_PERF_RECORD_RIGHTS_H

#include <glib.h>
#include <stdbool.h>

/* Where `perf` is: a path, or a name to be found in PATH. NULL with `error`; the caller frees it.
 */
char *record_find_perf(const char *perf, GError **error);

/*
 * What the user lacks to register probes and to record them with the perf at this path: false
 * with `error`, which says how to grant it.
 */
bool record_check_rights(const char *perf, GError **error);

/* False with `error` when the kernel does not allow so many samples a second. */
bool record_check_frequency(int frequency_hz, GError **error);

/* "cycles" where the hardware counts them and lets us, else "cpu-clock". */
const char *record_sampling_event(void);

#endif
