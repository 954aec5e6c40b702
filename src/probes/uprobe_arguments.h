/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Translates where a static probe says that its arguments are, as the compiler writes it in
 * AT&T's syntax, to what the kernel's uprobe_events wants. For x86-64 only.
 */
#ifndef COLO_PERF_PROBES_UPROBE_ARGUMENTS_H
#define COLO_PERF_PROBES_UPROBE_ARGUMENTS_H

#include <glib.h>

/*
 * "-4@%edi 8@-16(%rbp)" to "arg1=%di:s32 arg2=-16(%bp):u64"; "" to "". The caller frees it. NULL
 * with `error`, which names the argument, when it has a form that the kernel cannot read.
 */
char *uprobe_arguments(const char *sdt, GError **error);

#endif
