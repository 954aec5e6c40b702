/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names and times of sampling events.
 */
#include "profile/sample_event.h"

#include "base/hash.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

/* Since Linux 5.12 the upper half says which kind of CPU is meant (cpu_core, cpu_atom). */
#define GENERIC_CONFIG_MASK UINT64_C(0xffffffff)

/* How a sample's time is told. */
enum time_unit {
	UNIT_NONE,
	UNIT_PERIOD, /* its period is nanoseconds */
	UNIT_RATE,   /* it ticks while a CPU works, so samples come at their rate */
};

/* In the order in which they are preferred. */
static const struct usual_event {
	uint32_t type;
	uint64_t config;
	const char *name;
	enum time_unit unit;
} usual_events[] = {
	{PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "cycles", UNIT_RATE},
	{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, "cpu-clock", UNIT_PERIOD},
	{PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, "task-clock", UNIT_PERIOD},
	{PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES, "ref-cycles", UNIT_RATE},
	{PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, "instructions", UNIT_RATE},
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

bool sample_event_is_twin(const struct perf_event *a, const struct perf_event *b)
{
	return a->type == b->type && a->config == b->config && a->exclude_user == b->exclude_user &&
	       a->exclude_kernel == b->exclude_kernel;
}

guint sample_event_hash(gconstpointer event)
{
	const struct perf_event *own = event;

	return (guint)hash_pair(own->config, own->type);
}

gboolean sample_event_equal(gconstpointer a, gconstpointer b)
{
	return sample_event_is_twin(a, b);
}

bool sample_event_is_partial(const struct perf_event *event)
{
	return event->exclude_user || event->exclude_kernel;
}

static enum time_unit unit_of(const struct perf_event *event)
{
	const struct usual_event *found = usual(event);

	return found && !sample_event_is_partial(event) ? found->unit : UNIT_NONE;
}

static bool has_rate(const struct perf_event *event)
{
	return event->freq && event->sample_period;
}

bool sample_event_has_time(const struct perf_event *event)
{
	const enum time_unit unit = unit_of(event);

	return unit == UNIT_PERIOD || (unit == UNIT_RATE && has_rate(event));
}

uint64_t sample_event_time_ns(const struct perf_event *event, const struct perf_sample *sample)
{
	const enum time_unit unit = unit_of(event);

	if (unit == UNIT_PERIOD && sample->period)
		return sample->period < NS_PER_S ? sample->period : 0;
	return unit != UNIT_NONE && has_rate(event) ? NS_PER_S / event->sample_period : 0;
}
