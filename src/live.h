/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `colo-perf live`.
 */
#ifndef COLO_PERF_LIVE_H
#define COLO_PERF_LIVE_H

/* Returns the exit status. */
int live_main(int argc, char **argv);

#endif
