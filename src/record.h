/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `colo-perf record`.
 */
#ifndef COLO_PERF_RECORD_H
#define COLO_PERF_RECORD_H

int record_main(int argc, char **argv);

#endif
