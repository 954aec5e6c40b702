/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The marks in call chains as a table.
 */
#include "perfdata/perf_context.h"

#include <glib.h>

#define CONTEXT(name) ((uint64_t)PERF_CONTEXT_##name)

/* docs/output.md has the same table. */
static const struct {
	uint64_t context;
	const char *name;
	enum perf_space space;
} contexts[] = {
	{CONTEXT(HV), "HV", PERF_SPACE_HYPERVISOR},
	{CONTEXT(KERNEL), "KERNEL", PERF_SPACE_KERNEL},
	{CONTEXT(USER), "USER", PERF_SPACE_USER},
	{PERF_CONTEXT_DEFERRED_USER, "USER_DEFERRED", PERF_SPACE_USER},
	{CONTEXT(GUEST), "GUEST", PERF_SPACE_GUEST},
	{CONTEXT(GUEST_KERNEL), "GUEST_KERNEL", PERF_SPACE_GUEST},
	{CONTEXT(GUEST_USER), "GUEST_USER", PERF_SPACE_GUEST},
};

enum perf_space perf_context_space(uint64_t context)
{
	for (size_t i = 0; i < G_N_ELEMENTS(contexts); i++)
		if (contexts[i].context == context)
			return contexts[i].space;
	return PERF_SPACE_UNKNOWN;
}

const char *perf_context_name(uint64_t context)
{
	for (size_t i = 0; i < G_N_ELEMENTS(contexts); i++)
		if (contexts[i].context == context)
			return contexts[i].name;
	return NULL;
}

uint64_t perf_context_of_misc(uint16_t misc)
{
	switch (misc & PERF_RECORD_MISC_CPUMODE_MASK) {
	case PERF_RECORD_MISC_KERNEL:
		return CONTEXT(KERNEL);
	case PERF_RECORD_MISC_USER:
		return CONTEXT(USER);
	case PERF_RECORD_MISC_HYPERVISOR:
		return CONTEXT(HV);
	case PERF_RECORD_MISC_GUEST_KERNEL:
		return CONTEXT(GUEST_KERNEL);
	case PERF_RECORD_MISC_GUEST_USER:
		return CONTEXT(GUEST_USER);
	default:
		return CONTEXT(MAX);
	}
}
