/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What this process may do, and how it could be allowed to do more: for messages, which advise only
 * what helps on this machine.
 */
#ifndef COLO_PERF_BASE_RIGHTS_H
#define COLO_PERF_BASE_RIGHTS_H

#include <glib.h>
#include <linux/capability.h>
#include <stdbool.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif

/* A sysctl below kernel., "kptr_restrict"; `absent` when this kernel has none of that name. */
gint64 rights_sysctl(const char *name, gint64 absent);

/*
 * Whether the kernel takes the process to have a capability. One that only a user namespace gives
 * it does not count: the kernel asks for those of the machine.
 */
bool rights_have(int capability);

/*
 * How to get a capability of this name: "run this as root"; for root in a container that has not
 * got it, what the container needs. The caller frees it.
 */
char *rights_advice(int capability, const char *name);

/* What decides whether /proc/kallsyms shows addresses. */
struct rights_kallsyms {
	gint64 kptr_restrict, perf_event_paranoid;
	bool syslog; /* CAP_SYSLOG */
};

/*
 * Why the kernel hides the addresses in /proc/kallsyms, and what to do, a clause. The caller frees
 * it. Source: kallsyms_show_value() in kernel/ksyms_common.c.
 */
char *rights_hidden_kallsyms(const struct rights_kallsyms *rights, const char *advice);

#endif
