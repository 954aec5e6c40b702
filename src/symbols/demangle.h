/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The names that compilers of C++ and Rust make for the linker, as people write
 * them. It demangles as perf does, without parameters, so that names agree.
 */
#ifndef COLO_PERF_SYMBOLS_DEMANGLE_H
#define COLO_PERF_SYMBOLS_DEMANGLE_H

/* The caller frees it. NULL when `name` is not a mangled name. */
char *demangle(const char *name);

/*
 * The names of one file, each demangled once. As a short name can stand for a very long one, all of
 * a file may take 16 MiB; what is asked for behind that stays as it is.
 */
struct demangler;

struct demangler *demangler_new(void);
void demangler_free(struct demangler *demangler);

/*
 * `name` itself when it is not mangled, and with what perf puts behind the name of a stub ("@plt").
 * It is told from others by its address: it must stay there as long as the demangler. The result is
 * owned by the demangler, or is `name`.
 */
const char *demangler_name(struct demangler *demangler, const char *name);

#endif
