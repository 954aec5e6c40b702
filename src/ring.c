/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An event for each tracepoint, thread and CPU, as perf record -p has them, and a buffer for
 * each CPU. The buffers are looked at so often that nobody has to be woken up.
 */
#define _GNU_SOURCE
#include "ring.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
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
#define OPEN_TRIES   20	 /* threads come and go while their events are opened */
#define OTHER_FILES  64	 /* that we have open */

#ifndef PERF_FORMAT_LOST
#define PERF_FORMAT_LOST (1U << 4)
#endif

struct ring {
	struct perf_evlist *evlist;	 /* Owned by this */
	struct perf_cpu_map *cpus;	 /* Owned by this */
	struct perf_thread_map *threads; /* Owned by this */
	struct perf_events *events;	 /* Owned by this: one, whose layout all samples have */
	bool counts_lost;		 /* the kernel does: since Linux 6.0 */
	bool is_open, is_mapped;
	uint64_t lost_records;
};

/* --- Opening --- */

/* All threads of the processes, as far as they are there. */
static GArray *threads_of(const GArray *pids)
{
	GArray *threads = g_array_new(FALSE, FALSE, sizeof(pid_t));

	for (guint i = 0; i < pids->len; i++) {
		g_autofree char *path =
			g_strdup_printf("/proc/%d/task", g_array_index(pids, pid_t, i));
		DIR *tasks = opendir(path);
		const struct dirent *entry;

		while (tasks && (entry = readdir(tasks))) {
			const pid_t tid = atoi(entry->d_name);

			if (tid > 0)
				g_array_append_val(threads, tid);
		}
		if (tasks)
			closedir(tasks);
	}
	return threads;
}

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
		.inherit = 1,
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
	switch (problem) {
	case ESRCH:
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "the processes have ended, or their threads come and go so fast that "
			    "they cannot be watched");
		break;
	case EMFILE:
	case ENFILE:
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "an event for each probe, thread and CPU are %" PRIu64
			    " open files, which are too many: raise ulimit -n",
			    (uint64_t)files);
		break;
	case EACCES:
	case EPERM:
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "you may not watch these processes (%s): run this as root, or with "
			    "CAP_PERFMON",
			    g_strerror(problem));
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
	if (ring->threads)
		perf_thread_map__put(ring->threads);
	g_clear_pointer(&ring->events, perf_events_free);
	ring->evlist = NULL;
	ring->threads = NULL;
	ring->is_mapped = ring->is_open = false;
}

/* Opens all events once; an errno, or 0. A thread that is made meanwhile inherits what there is. */
static int open_once(struct ring *ring, const GArray *ids, const GArray *pids, rlim_t *files,
		     GError **error)
{
	g_autoptr(GArray) threads = threads_of(pids);
	int result;

	if (!threads->len)
		return ESRCH;
	ring->evlist = perf_evlist__new();
	ring->threads = perf_thread_map__new_array((int)threads->len, NULL);
	for (guint i = 0; i < threads->len; i++)
		perf_thread_map__set_pid(ring->threads, (int)i, g_array_index(threads, pid_t, i));
	if (!add_events(ring, ids, error))
		return ENOMEM;
	perf_evlist__set_maps(ring->evlist, ring->cpus, ring->threads);
	*files = (rlim_t)ids->len * threads->len * (rlim_t)perf_cpu_map__nr(ring->cpus);
	raise_files(*files + OTHER_FILES);
	result = perf_evlist__open(ring->evlist);
	ring->is_open = result == 0;
	return -result;
}

static bool open_events(struct ring *ring, const GArray *ids, const GArray *pids, GError **error)
{
	rlim_t files = 0;
	int problem = ESRCH;

	ring->counts_lost = true;
	for (guint i = 0; i < OPEN_TRIES; i++) {
		problem = open_once(ring, ids, pids, &files, error);
		if (!problem)
			return true;
		close_all(ring);
		if (*error)
			return false;
		/* Before Linux 6.0 nobody counts what was lost but in LOST records. */
		if (problem == EINVAL && ring->counts_lost)
			ring->counts_lost = false;
		else if (problem != ESRCH)
			break;
	}
	set_open_error(problem, files, error);
	return false;
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
	if (!open_events(ring, ids, pids, &problem)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		ring_free(ring);
		return NULL;
	}
	if (perf_evlist__mmap(ring->evlist, BUFFER_PAGES)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot map the kernel's buffers, 2 MiB for each CPU: %s; run this as "
			    "root, or raise kernel.perf_event_mlock_kb",
			    g_strerror(errno));
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
	    sample.raw_size < COMMON_TYPE_SIZE)
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
			for (int thread = 0; thread < perf_thread_map__nr(ring->threads);
			     thread++) {
				struct perf_counts_values values = {0};

				if (!perf_evsel__read(evsel, cpu, thread, &values))
					lost += values.lost;
			}
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
