/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What every target is: one function, which libFuzzer calls with bytes of its own and
 * replay.c with those of files. It returns 0; a finding ends the process, be it a sanitizer's
 * or an assertion's.
 */
#ifndef COLO_PERF_TESTS_FUZZ_FUZZ_H
#define COLO_PERF_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
