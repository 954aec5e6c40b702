/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The names that compilers of C++ and Rust make for the linker, as people write
 * them. It demangles as perf does, without parameters, so that names agree.
 */
#ifndef COLO_PERF_SYMBOLS_DEMANGLE_H
#define COLO_PERF_SYMBOLS_DEMANGLE_H

/* The caller frees it. NULL when `name` is not a mangled name. */
char *demangle(const char *name);

#endif
