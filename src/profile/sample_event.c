/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names and times of sampling events.
 */
#include "profile/sample_event.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

/* Since Linux 5.12 the upper half says which kind of CPU is meant (cpu_core, cpu_atom). */
#define GENERIC_CONFIG_MASK UINT64_C(0xffffffff)

/* In the order in which they are preferred. */
static const struct usual_event {
	uint32_t type;
	uint64_t config;
	const char *name;
	bool is_clock; /* its period is nanoseconds */
} usual_events[] = {
	{PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "cycles", false},
	{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, "cpu-clock", true},
	{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, "task-clock", true},
	{PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES, "ref-cycles", false},
	{PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, "instructions", false},
};

static const struct usual_event *usual(const struct perf_event *event)
{
	for (size_t i = 0; i < G_N_ELEMENTS(usual_events); i++)
		if (usual_events[i].type == event->type &&
		    usual_events[i].config == (event->config & GENERIC_CONFIG_MASK))
			return &usual_events[i];
	return NULL;
}

char *sample_event_name(const struct perf_event *event)
{
	const struct usual_event *found = usual(event);

	if (found)
		return g_strdup(found->name);
	if (event->name)
		return g_strdup(event->name);
	return g_strdup_printf("type %" PRIu32 " config %#" PRIx64, event->type, event->config);
}

/* Events that only carry other records, or that count and never sample, are none. */
static bool samples_by_itself(const struct perf_event *event)
{
	if (event->type == PERF_TYPE_TRACEPOINT || event->type == PERF_TYPE_BREAKPOINT)
		return false;
	if (event->type == PERF_TYPE_SOFTWARE &&
	    (event->config == PERF_COUNT_SW_DUMMY || event->config == PERF_COUNT_SW_BPF_OUTPUT))
		return false;
	return event->sample_period != 0;
}

char *sample_event_choose(const struct perf_events *events)
{
	const struct perf_event *best = NULL;
	size_t best_rank = 0;

	for (guint i = 0; i < perf_events_count(events); i++) {
		const struct perf_event *event = perf_events_get(events, i);
		const struct usual_event *found = usual(event);
		const size_t rank = found ? (size_t)(found - usual_events) : SIZE_MAX;

		if (samples_by_itself(event) && (!best || rank < best_rank)) {
			best = event;
			best_rank = rank;
		}
	}
	return best ? sample_event_name(best) : NULL;
}

bool sample_event_is(const struct perf_event *event, const char *name)
{
	g_autofree char *own = sample_event_name(event);

	return !strcmp(own, name) || !g_strcmp0(event->name, name);
}

static bool is_clock(const struct perf_event *event)
{
	const struct usual_event *found = usual(event);

	return found && found->is_clock;
}

bool sample_event_has_time(const struct perf_event *event)
{
	return is_clock(event) || (event->freq && event->sample_period > 0);
}

uint64_t sample_event_time_ns(const struct perf_event *event, const struct perf_sample *sample)
{
	if (is_clock(event) && sample->period)
		return sample->period;
	return event->freq && event->sample_period ? NS_PER_S / event->sample_period : 0;
}
