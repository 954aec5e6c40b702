/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The table of the probes. A new probe is a new row.
 */
#include "colo/probe.h"

#include <string.h>

#define PHASE_BEGIN(phase_name, id)                                                                \
	{                                                                                          \
		.name = "colo_" phase_name "_begin", .kind = COLO_PROBE_BEGIN, .n_args = 2,        \
		.phase = (id)                                                                      \
	}

#define PHASE(phase_name, id)                                                                      \
	PHASE_BEGIN(phase_name, id),                                                               \
	{                                                                                          \
		.name = "colo_" phase_name "_end", .kind = COLO_PROBE_END, .n_args = 2,            \
		.phase = (id)                                                                      \
	}

#define PHASE_AMOUNTS(phase_name, id, n_amounts, first)                                            \
	PHASE_BEGIN(phase_name, id),                                                               \
	{                                                                                          \
		.name = "colo_" phase_name "_end", .kind = COLO_PROBE_END,                         \
		.n_args = 2 + (n_amounts), .phase = (id), .amount = (first)                        \
	}

#define COUNTERS(probe_name, first)                                                                \
	{                                                                                          \
		.name = "colo_counters_" probe_name, .kind = COLO_PROBE_COUNTERS, .n_args = 6,     \
		.counter = (first)                                                                 \
	}

static const struct colo_probe probes[] = {
	PHASE("request", COLO_PHASE_REQUEST),
	PHASE("stop", COLO_PHASE_STOP),
	PHASE("reply", COLO_PHASE_REPLY),
	PHASE("block", COLO_PHASE_BLOCK),
	PHASE_AMOUNTS("dev", COLO_PHASE_DEV, 1, COLO_AMOUNT_DEVICE_STATE_BYTES),
	PHASE_AMOUNTS("ram", COLO_PHASE_RAM, 3, COLO_AMOUNT_RAM_BYTES),
	PHASE_AMOUNTS("vmstate", COLO_PHASE_VMSTATE, 1, COLO_AMOUNT_VMSTATE_BYTES),
	PHASE("received", COLO_PHASE_RECEIVED),
	PHASE_AMOUNTS("flush", COLO_PHASE_FLUSH, 1, COLO_AMOUNT_FLUSHED_PAGES),
	PHASE("net", COLO_PHASE_NET),
	PHASE("loaded", COLO_PHASE_LOADED),
	PHASE("resume", COLO_PHASE_RESUME),
	PHASE("wait", COLO_PHASE_WAIT),
	PHASE_BEGIN("checkpoint", COLO_PHASE_CHECKPOINT),
	/* Its third argument is ret, no amount. */
	{.name = "colo_checkpoint_end",
	 .kind = COLO_PROBE_END,
	 .n_args = 3,
	 .phase = COLO_PHASE_CHECKPOINT},
	{.name = "colo_init_begin", .kind = COLO_PROBE_INIT_BEGIN, .n_args = 1},
	{.name = "colo_init_end", .kind = COLO_PROBE_INIT_END, .n_args = 1},
	{.name = "colo_trigger", .kind = COLO_PROBE_TRIGGER, .n_args = 3},
	{.name = "colo_exit", .kind = COLO_PROBE_EXIT, .n_args = 2},
	COUNTERS("state", COLO_COUNTER_STATUS),
	COUNTERS("ram", COLO_COUNTER_RAM_TOTAL_BYTES),
	COUNTERS("pages", COLO_COUNTER_NORMAL_PAGES),
	COUNTERS("rate", COLO_COUNTER_MULTIFD_BYTES),
	COUNTERS("bytes", COLO_COUNTER_PRECOPY_BYTES),
};

/* "_" and digits to the end, as perf numbers the sites of a probe. */
static bool is_site_number(const char *rest)
{
	return rest[0] == '_' && rest[1] && strspn(rest + 1, "0123456789") == strlen(rest + 1);
}

const struct colo_probe *colo_probe_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(probes); i++) {
		size_t len = strlen(probes[i].name);

		if (!strncmp(name, probes[i].name, len) &&
		    (!name[len] || is_site_number(name + len)))
			return &probes[i];
	}
	return NULL;
}

bool colo_probe_is_name(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(probes); i++)
		if (!strcmp(name, probes[i].name))
			return true;
	return false;
}

unsigned int colo_probe_number(const struct colo_probe *probe)
{
	return (unsigned int)(probe - probes);
}

const struct colo_probe *colo_probe_get(unsigned int number)
{
	g_assert(number < G_N_ELEMENTS(probes));
	return &probes[number];
}
