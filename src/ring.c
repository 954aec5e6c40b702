/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An event for each tracepoint and CPU, as perf record -a has them, and a buffer for each CPU.
 * The hits of other processes are left out here: events of a process would have to be switched
 * with each of its threads, which costs a QEMU more than its hits do (docs/benchmarks.md). The
 * buffers are looked at so often that nobody has to be woken up.
 */
#define _GNU_SOURCE
#include "ring.h"

#include "base/error.h"
#include "base/rights.h"
#include "probes/process.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* libperf has a union of this name, and we a struct. */
#define perf_event libperf_event
#include <perf/core.h>
#include <perf/cpumap.h>
#include <perf/event.h>
#include <perf/evlist.h>
#include <perf/evsel.h>
#include <perf/mmap.h>
#include <perf/threadmap.h>
#undef perf_event

#define BUFFER_PAGES 512 /* of each CPU; 2 MiB */
#define OTHER_FILES  64	 /* that we have open */

#ifndef PERF_FORMAT_LOST
#define PERF_FORMAT_LOST (1U << 4)
#endif

struct ring {
	struct perf_evlist *evlist;	 /* Owned by this */
	struct perf_cpu_map *cpus;	 /* Owned by this */
	struct perf_thread_map *threads; /* Owned by this: whatever runs on the CPUs */
	struct perf_events *events;	 /* Owned by this: one, whose layout all samples have */
	GArray *pids;			 /* Owned by this: pid_t, whose hits count */
	bool counts_lost;		 /* the kernel does: since Linux 6.0 */
	bool is_open, is_mapped;
	uint64_t lost_records;
};

/* --- Opening --- */

static struct perf_event_attr attr_of(uint64_t id, bool counts_lost)
{
	return (struct perf_event_attr){
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(struct perf_event_attr),
		.config = id,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.read_format = counts_lost ? PERF_FORMAT_LOST : 0,
		.disabled = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = UINT32_MAX / 2,
	};
}

static bool add_events(struct ring *ring, const GArray *ids, GError **error)
{
	struct perf_event_attr attr = attr_of(0, false);

	ring->events = perf_events_new();
	if (perf_events_add(ring->events, (const uint8_t *)&attr, sizeof(attr), false, error) < 0)
		return false;
	for (guint i = 0; i < ids->len; i++) {
		struct perf_evsel *evsel;

		attr = attr_of(g_array_index(ids, uint64_t, i), ring->counts_lost);
		evsel = perf_evsel__new(&attr);
		if (!evsel) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "no memory");
			return false;
		}
		perf_evlist__add(ring->evlist, evsel);
	}
	return true;
}

/* As many files as we may have, up to `wanted`. */
static void raise_files(rlim_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = MIN(wanted, limit.rlim_max);
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void set_open_error(int problem, rlim_t files, GError **error)
{
	g_autofree char *advice = rights_advice(CAP_PERFMON, "CAP_PERFMON");

	switch (problem) {
	case EMFILE:
	case ENFILE:
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "an event for each probe and CPU are %" PRIu64
			    " open files, which are too many: raise ulimit -n",
			    (uint64_t)files);
		break;
	case EACCES:
	case EPERM:
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "you may not watch the CPUs that the processes run on (%s), for which "
			    "CAP_PERFMON is needed: %s",
			    g_strerror(problem), advice);
		break;
	default:
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot open the events of the probes: %s", g_strerror(problem));
	}
}

static void close_all(struct ring *ring)
{
	if (ring->is_mapped)
		perf_evlist__munmap(ring->evlist);
	if (ring->is_open)
		perf_evlist__close(ring->evlist);
	if (ring->evlist)
		perf_evlist__delete(ring->evlist);
	g_clear_pointer(&ring->events, perf_events_free);
	ring->evlist = NULL;
	ring->is_mapped = ring->is_open = false;
}

/* An errno, or 0; `error` is set only if it is not the kernel's. */
static int open_once(struct ring *ring, const GArray *ids, GError **error)
{
	int result;

	ring->evlist = perf_evlist__new();
	if (!add_events(ring, ids, error))
		return ENOMEM;
	perf_evlist__set_maps(ring->evlist, ring->cpus, ring->threads);
	result = perf_evlist__open(ring->evlist);
	ring->is_open = result == 0;
	return -result;
}

static bool open_events(struct ring *ring, const GArray *ids, GError **error)
{
	const rlim_t files = (rlim_t)ids->len * (rlim_t)perf_cpu_map__nr(ring->cpus);
	int problem;

	raise_files(files + OTHER_FILES);
	ring->counts_lost = true;
	problem = open_once(ring, ids, error);
	/* Before Linux 6.0 nobody counts what was lost but in LOST records. */
	if (problem == EINVAL) {
		close_all(ring);
		ring->counts_lost = false;
		problem = open_once(ring, ids, error);
	}
	if (problem && !*error)
		set_open_error(problem, files, error);
	return problem == 0;
}

/* What goes wrong is told by us, in one line. */
static int say_nothing(enum libperf_print_level level G_GNUC_UNUSED,
		       const char *format G_GNUC_UNUSED, va_list args G_GNUC_UNUSED)
{
	return 0;
}

struct ring *ring_new(const GArray *ids, const GArray *pids, GError **error)
{
	struct ring *ring = g_new0(struct ring, 1);
	g_autoptr(GError) problem = NULL;

	libperf_init(say_nothing);
	ring->cpus = perf_cpu_map__new(NULL);
	ring->threads = perf_thread_map__new_dummy();
	ring->pids = g_array_copy((GArray *)pids);
	if (!open_events(ring, ids, &problem)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		ring_free(ring);
		return NULL;
	}
	if (perf_evlist__mmap(ring->evlist, BUFFER_PAGES)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot map the kernel's buffers, 2 MiB for each CPU: %s; raise the "
			    "sysctl kernel.perf_event_mlock_kb, which is %" G_GINT64_FORMAT
			    ", or ulimit -l",
			    g_strerror(errno), rights_sysctl("perf_event_mlock_kb", 0));
		ring_free(ring);
		return NULL;
	}
	ring->is_mapped = true;
	perf_evlist__enable(ring->evlist);
	return ring;
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	close_all(ring);
	if (ring->cpus)
		perf_cpu_map__put(ring->cpus);
	if (ring->threads)
		perf_thread_map__put(ring->threads);
	g_array_unref(ring->pids);
	g_free(ring);
}

/* --- Reading --- */

#define COMMON_TYPE_SIZE 2 /* the raw part of each tracepoint begins with its number: u16 */

static void read_sample(struct ring *ring, const uint8_t *tainted_body, size_t size,
			ring_visitor visit, void *data)
{
	const struct perf_event *layout = perf_events_get(ring->events, 0);
	struct perf_sample sample;
	uint16_t id;

	if (!perf_sample_decode(layout, tainted_body, size, false, &sample) ||
	    sample.raw_size < COMMON_TYPE_SIZE || !pids_have(ring->pids, (pid_t)sample.pid))
		return;
	memcpy(&id, sample.tainted_raw, sizeof(id));
	visit(id, &sample, data);
}

void ring_drain(struct ring *ring, ring_visitor visit, void *data)
{
	struct perf_mmap *map;

	perf_evlist__for_each_mmap(ring->evlist, map, false)
	{
		union libperf_event *event;

		if (perf_mmap__read_init(map) < 0)
			continue;
		while ((event = perf_mmap__read_event(map))) {
			/* Copied out of the buffer where a record goes over its end. */
			const uint8_t *body = (const uint8_t *)event + sizeof(event->header);
			const size_t size = event->header.size - sizeof(event->header);

			if (event->header.type == PERF_RECORD_SAMPLE)
				read_sample(ring, body, size, visit, data);
			else if (event->header.type == PERF_RECORD_LOST)
				ring->lost_records += event->lost.lost;
			perf_mmap__consume(map);
		}
		perf_mmap__read_done(map);
	}
}

void ring_stop(struct ring *ring)
{
	perf_evlist__disable(ring->evlist);
}

uint64_t ring_lost_records(const struct ring *ring)
{
	return ring->lost_records;
}

uint64_t ring_lost_reads(const struct ring *ring)
{
	struct perf_evsel *evsel;
	uint64_t lost = 0;

	if (!ring->counts_lost)
		return 0;
	perf_evlist__for_each_evsel(ring->evlist, evsel)
	{
		for (int cpu = 0; cpu < perf_cpu_map__nr(ring->cpus); cpu++) {
			struct perf_counts_values values = {0};

			if (!perf_evsel__read(evsel, cpu, 0, &values))
				lost += values.lost;
		}
	}
	return lost;
}

uint64_t ring_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * G_GUINT64_CONSTANT(1000000000) + (uint64_t)now.tv_nsec;
}
