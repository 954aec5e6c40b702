/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hits of several CPUs come into the order of time by waiting a little: what is older than
 * RING_DELAY_NS when the buffers are looked at is in them.
 *
 *     hits        ...h....h..h......h.....h...h
 *     looked at           |              |
 *     counted   ------->|        ----->|
 *                       |<20>|         |<20 ms>|
 */
#define _GNU_SOURCE
#include "live_processes.h"

#include "base/hash.h"
#include "colo_perf.h"
#include "perfdata/format_files.h"
#include "probe_share.h"
#include "record_rights.h"
#include "record_targets.h"
#include "recording_file.h"
#include "ring.h"

#include <errno.h>
#include <string.h>

#define COMMAND	       "live"
#define LOOK_MS	       100 /* between two looks at the buffers */
#define MOST_PROCESSES 64
#define NS_PER_MS_U    UINT64_C(1000000)

/* What a tracepoint is. */
struct live_probe {
	const struct colo_probe *probe;	     /* Weak */
	const struct tracepoint *tracepoint; /* Weak */
};

struct watch {
	GArray *pids;			   /* Owned by this: pid_t */
	GPtrArray *programs;		   /* Owned by this: struct program (owned) */
	struct registration *registration; /* Owned by this */
	struct tracepoints *tracepoints;   /* Owned by this */
	GHashTable *probes;	    /* Owned by this: u64 id (owned) to struct live_probe (owned) */
	GHashTable *threads;	    /* Owned by this: tids whose name is known */
	struct ring *ring;	    /* Owned by this */
	struct live_face *face;	    /* Owned by this */
	struct live_counts *counts; /* Owned by this */
	struct recording *recording; /* Weak: the counts' */
	GArray *pidfds;		     /* Owned by this: int (owned), of those that live */
	GArray *living;		     /* Owned by this: pid_t, whose they are */
};

/* --- What is watched --- */

/* "pid 12, 13" */
static char *source_of(const GArray *pids)
{
	g_autoptr(GString) text = g_string_new("pid");

	for (guint i = 0; i < pids->len; i++)
		g_string_append_printf(text, "%s %d", i ? "," : "", g_array_index(pids, pid_t, i));
	return g_strdup(text->str);
}

static bool find_processes(struct watch *watch, const struct record_wanted *wanted, GError **error)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);

	if (!record_check_rights(self ? self : "colo-perf", error) ||
	    !record_find_targets(wanted, watch->pids, watch->programs, error))
		return false;
	if (watch->pids->len > MOST_PROCESSES)
		return record_fail(error, "%u processes are too many: the most are %d",
				   watch->pids->len, MOST_PROCESSES);
	for (guint i = 0; i < watch->pids->len; i++) {
		const pid_t pid = g_array_index(watch->pids, pid_t, i);

		if (!pidfds_add(watch->pidfds, pid))
			return record_fail(error, "cannot wait for the end of process %d: %s", pid,
					   g_strerror(errno));
		g_array_append_val(watch->living, pid);
	}
	return true;
}

static bool wants_no_probes(void *data, int timeout_ms)
{
	struct watch *watch = data;

	live_face_poll(watch->face, NULL, 0, timeout_ms);
	return live_face_wants_end(watch->face);
}

/* False with `error`, or without when the user wants an end. */
static bool register_probes(struct watch *watch, GError **error)
{
	const struct probe_share_user user = {
		.command = COMMAND,
		.wants_end = wants_no_probes,
		.data = watch,
	};
	g_autofree char *from = NULL;
	const GPtrArray *events;

	watch->registration = probe_share_new(&user, watch->programs, error);
	if (!watch->registration)
		return false;
	watch->tracepoints = format_files_read(NULL, COLO_PROBE_SYSTEM, false, &from, error);
	if (!watch->tracepoints)
		return false;
	events = registration_events(watch->registration);
	for (guint i = 0; i < events->len; i++) {
		const struct registered_event *event = events->pdata[i];
		const struct live_probe live = {
			.probe = colo_probe_find(event->probe),
			.tracepoint = tracepoints_find(watch->tracepoints, event->id),
		};

		if (!live.probe || !live.tracepoint ||
		    tracepoint_n_args(live.tracepoint) < live.probe->n_args)
			g_ptr_array_add(watch->recording->other_probes, g_strdup(event->name));
		else
			g_hash_table_insert(watch->probes, g_memdup2(&event->id, sizeof(event->id)),
					    g_memdup2(&live, sizeof(live)));
	}
	watch->recording->n_probes = g_hash_table_size(watch->probes);
	return true;
}

static bool open_ring(struct watch *watch, GError **error)
{
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	GHashTableIter iter;
	gpointer id;

	g_hash_table_iter_init(&iter, watch->probes);
	while (g_hash_table_iter_next(&iter, &id, NULL))
		g_array_append_vals(ids, id, 1);
	if (!ids->len)
		return record_fail(error, "no probe of these processes is known here: QEMU was "
					  "built with another version of sdt-probes.patch");
	watch->ring = ring_new(ids, watch->pids, error);
	return watch->ring != NULL;
}

/* --- Hits --- */

/* What a thread is called, for the report; asked once, as its name stays. */
static void note_thread(struct watch *watch, uint32_t pid, uint32_t tid)
{
	g_autofree char *path = NULL, *name = NULL;
	struct perf_task_event task = {.kind = PERF_TASK_COMM, .pid = pid, .tid = tid};

	if (!g_hash_table_add(watch->threads, GUINT_TO_POINTER(tid)))
		return;
	path = g_strdup_printf("/proc/%u/task/%u/comm", pid, tid);
	if (!g_file_get_contents(path, &name, NULL, NULL))
		return;
	task.tainted_name = g_strchomp(name);
	task.order = g_hash_table_size(watch->threads);
	tasks_add(watch->recording->tasks, &task);
}

static void take_hit(uint64_t id, const struct perf_sample *sample, void *data)
{
	struct watch *watch = data;
	const struct live_probe *live = g_hash_table_lookup(watch->probes, &id);
	struct colo_hit hit = {.time_ns = sample->time_ns, .pid = sample->pid, .tid = sample->tid};

	watch->recording->n_samples++;
	if (!live) {
		watch->recording->n_unknown_samples++;
		return;
	}
	watch->recording->n_probe_hits++;
	hit.probe = live->probe;
	for (unsigned int i = 0; i < live->probe->n_args; i++) {
		if (!tracepoint_arg(live->tracepoint, i, sample->tainted_raw, sample->raw_size,
				    &hit.args[i])) {
			watch->recording->n_bad_hits++;
			return;
		}
	}
	note_thread(watch, hit.pid, hit.pid);
	note_thread(watch, hit.pid, hit.tid);
	live_counts_add(watch->counts, &hit);
}

static void look(struct watch *watch)
{
	const uint64_t now_ns = ring_now_ns();

	ring_drain(watch->ring, take_hit, watch);
	watch->recording->n_lost_samples = ring_lost_records(watch->ring);
	watch->recording->n_lost_hits = watch->recording->n_lost_samples;
	live_counts_settle(watch->counts, now_ns - RING_DELAY_NS);
}

/* As the record of the kernel would have it, but for the moment that it takes to be told of it. */
static void note_end(struct watch *watch, guint index)
{
	const uint32_t pid = (uint32_t)g_array_index(watch->living, pid_t, index);
	const struct perf_task_event task = {
		.kind = PERF_TASK_EXIT,
		.pid = pid,
		.tid = pid,
		.time_ns = ring_now_ns(),
		.order = G_MAXUINT32,
	};

	tasks_add(watch->recording->tasks, &task);
	g_array_remove_index(watch->pidfds, index);
	g_array_remove_index(watch->living, index);
}

/* Until the user wants an end, or the processes have ended. */
static void watch_processes(struct watch *watch)
{
	uint64_t look_ns = ring_now_ns();

	while (!live_face_wants_end(watch->face) && watch->pidfds->len) {
		const uint64_t now_ns = ring_now_ns();
		const int wait_ms =
			look_ns > now_ns ? (int)((look_ns - now_ns) / NS_PER_MS_U) + 1 : 0;
		const int ended =
			live_face_poll(watch->face, (const int *)(void *)watch->pidfds->data,
				       watch->pidfds->len, wait_ms);

		if (ended >= 0)
			note_end(watch, (guint)ended);
		if (ring_now_ns() >= look_ns) {
			look(watch);
			look_ns = ring_now_ns() + LOOK_MS * NS_PER_MS_U;
		}
		live_face_tick(watch->face);
	}
}

static void finish(struct watch *watch)
{
	struct recording *recording = watch->recording;
	uint64_t lost_reads;

	ring_stop(watch->ring);
	look(watch);
	lost_reads = ring_lost_reads(watch->ring);
	recording->n_lost_samples = MAX(recording->n_lost_samples, lost_reads);
	recording->n_lost_hits = recording->n_lost_samples;
	tasks_settle(recording->tasks);
	live_counts_finish(watch->counts);
}

/* --- All of it --- */

static uint64_t processes_now_ns(void *data G_GNUC_UNUSED)
{
	return ring_now_ns();
}

/* What the report says of what was watched. */
static struct recording *recording_of(const char *source)
{
	struct recording *recording = recording_new(source);
	const struct dso_options symbols = {0};

	recording->dsos = dso_table_new(&symbols);
	recording->tasks = tasks_new(recording->dsos);
	recording->has_task_records = true;
	return recording;
}

static void watch_init(struct watch *watch)
{
	*watch = (struct watch){
		.pids = g_array_new(FALSE, FALSE, sizeof(pid_t)),
		.programs = g_ptr_array_new_with_free_func((GDestroyNotify)program_free),
		.probes = g_hash_table_new_full(hash_int64, g_int64_equal, g_free, g_free),
		.threads = g_hash_table_new(hash_pointer, NULL),
		.pidfds = pidfds_new(),
		.living = g_array_new(FALSE, FALSE, sizeof(pid_t)),
	};
}

static void watch_clear(struct watch *watch)
{
	live_counts_free(watch->counts);
	tracepoints_free(watch->tracepoints);
	g_hash_table_unref(watch->probes);
	g_hash_table_unref(watch->threads);
	g_array_unref(watch->pidfds);
	g_array_unref(watch->living);
	g_array_unref(watch->pids);
	g_ptr_array_unref(watch->programs);
}

static bool begin(struct watch *watch, struct live_face_options *options,
		  const struct record_wanted *wanted, char **source, GError **error)
{
	if (!find_processes(watch, wanted, error))
		return false;
	options->source = *source = source_of(watch->pids);
	/* From here on nothing but the descriptor hears of signals. */
	watch->face = live_face_new(options, error);
	if (!watch->face)
		return false;
	watch->recording = recording_of(*source);
	watch->counts = live_counts_new(watch->recording);
	if (!register_probes(watch, error) || !open_ring(watch, error) ||
	    !live_face_begin(watch->face, watch->counts, error))
		return false;
	/* Lines come once COLO runs: whoever waits for them is told that they will. */
	if (!live_face_has_screen(watch->face))
		colo_perf_fail(options->command, COLO_PERF_DONE,
			       "watching %u probes of %s; Ctrl-C ends it",
			       watch->recording->n_probes, *source);
	return true;
}

/* In this order: open events keep the registration busy. */
static void take_back(struct watch *watch)
{
	g_clear_pointer(&watch->ring, ring_free);
	probe_share_free(COMMAND, watch->registration);
	watch->registration = NULL;
}

int live_processes_run(struct live_face_options *face, const struct record_wanted *wanted)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *source = NULL;
	int status = COLO_PERF_FAILED;
	struct watch watch;

	watch_init(&watch);
	face->now_ns = processes_now_ns;
	if (begin(&watch, face, wanted, &source, &error)) {
		watch_processes(&watch);
		finish(&watch);
		/* The report may have to wait for its reader: nothing is registered by then. */
		take_back(&watch);
		status = live_face_end(watch.face);
	} else if (!error) {
		status = colo_perf_fail(face->command, COLO_PERF_NO_DATA,
					"%s: no checkpoint was seen: ended before the probes were "
					"registered",
					source);
	}
	live_face_free(watch.face);
	if (error)
		colo_perf_fail(face->command, COLO_PERF_FAILED, "%s", error->message);
	take_back(&watch);
	watch_clear(&watch);
	return status;
}
