/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `colo-perf flamegraph`.
 */
#ifndef COLO_PERF_FLAMEGRAPH_H
#define COLO_PERF_FLAMEGRAPH_H

/* Returns the exit status. */
int flamegraph_main(int argc, char **argv);

#endif
