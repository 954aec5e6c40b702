/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Loads recordings. Of the records only those are looked into that the order
 * of the checkpoints depends on: hits of probes, lost events, names of threads.
 */
#include "recording.h"

#include "base/byte_reader.h"
#include "base/error.h"
#include "colo/hit_log.h"
#include "perfdata/tracepoint.h"

#include <inttypes.h>

/* An event of the recording that is a probe of ours. Both are NULL for another event. */
struct probe_event {
	const struct colo_probe *probe;	     /* Weak */
	const struct tracepoint *tracepoint; /* Weak */
};

/* What reading one file needs. */
struct loader {
	struct recording *recording;	 /* Weak */
	struct perf_file *file;		 /* Weak: the recording's */
	struct tracepoints *tracepoints; /* Owned by this; NULL when there are no formats */
	struct probe_event *by_event;	 /* Owned by this: as many as the file has events */
	struct hit_log *hits;		 /* Weak */
	uint32_t source;
};

static void recording_free(gpointer data)
{
	struct recording *recording = data;

	g_free(recording->path);
	g_free(recording->hostname);
	g_free(recording->perf_version);
	g_free(recording->arch);
	g_free(recording->command_line);
	g_free(recording->damage);
	g_ptr_array_unref(recording->sampled_probes);
	g_ptr_array_unref(recording->other_probes);
	tasks_free(recording->tasks);
	dso_table_free(recording->dsos);
	perf_file_free(recording->file);
	g_free(recording);
}

static struct recording *recording_new(const char *path)
{
	struct recording *recording = g_new0(struct recording, 1);

	recording->path = g_strdup(path);
	recording->sampled_probes = g_ptr_array_new_with_free_func(g_free);
	recording->other_probes = g_ptr_array_new_with_free_func(g_free);
	return recording;
}

static bool load_tracepoints(struct loader *loader, GError **error)
{
	GBytes *section = perf_file_feature(loader->file, PERF_FEATURE_TRACING_DATA);

	if (!section)
		return true;
	loader->tracepoints =
		tracepoints_new(g_bytes_get_data(section, NULL), g_bytes_get_size(section),
				perf_file_is_swapped(loader->file), error);
	return loader->tracepoints != NULL;
}

/* A probe counts every hit only with a period of 1: -F makes a rate of it, -c a period. */
static bool is_sampled(const struct perf_event *event)
{
	return event->freq || event->sample_period != 1;
}

#define HIT_NEEDS (PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW)

static bool find_probe(struct loader *loader, guint index, const struct tracepoint *tracepoint,
		       GError **error)
{
	const struct perf_event *event = perf_events_get(perf_file_events(loader->file), index);
	const char *name = tracepoint_name(tracepoint);
	const struct colo_probe *probe = colo_probe_find(name);

	if (g_strcmp0(tracepoint_system(tracepoint), COLO_PROBE_SYSTEM))
		return true;
	if (!probe || tracepoint_n_args(tracepoint) < probe->n_args) {
		g_ptr_array_add(loader->recording->other_probes, g_strdup(name));
		return true;
	}
	if ((event->sample_type & HIT_NEEDS) != HIT_NEEDS) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "probe %s was recorded without time, thread or arguments (sample_type "
			    "%#" PRIx64 "); record with perf record -T",
			    name, event->sample_type);
		return false;
	}
	loader->by_event[index] = (struct probe_event){probe, tracepoint};
	loader->recording->n_probes++;
	if (is_sampled(event))
		g_ptr_array_add(loader->recording->sampled_probes, g_strdup(name));
	return true;
}

static bool find_probes(struct loader *loader, GError **error)
{
	const struct perf_events *events = perf_file_events(loader->file);
	struct recording *recording = loader->recording;

	recording->n_events = perf_events_count(events);
	loader->by_event = g_new0(struct probe_event, recording->n_events);
	for (guint i = 0; i < recording->n_events; i++) {
		const struct perf_event *event = perf_events_get(events, i);
		const struct tracepoint *tracepoint;

		if (event->type != PERF_TYPE_TRACEPOINT)
			continue;
		recording->n_tracepoints++;
		tracepoint = loader->tracepoints
				     ? tracepoints_find(loader->tracepoints, event->config)
				     : NULL;
		if (tracepoint && !find_probe(loader, i, tracepoint, error))
			return false;
	}
	if (recording->n_tracepoints && !loader->tracepoints) {
		const char *damage = perf_file_damage(loader->file);

		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NO_FORMATS,
			    "%s%sthe formats of its tracepoints (feature 1, TRACING_DATA) are not "
			    "there, so its probe hits cannot be told apart; record it anew and let "
			    "perf record end by itself or by Ctrl-C",
			    damage ? damage : "", damage ? "; " : "");
		return false;
	}
	return true;
}

static void add_hit(struct loader *loader, const struct probe_event *probe_event,
		    const struct perf_event *event, const struct perf_record *record)
{
	struct recording *recording = loader->recording;
	struct colo_hit hit = {.source = loader->source, .probe = probe_event->probe};
	struct perf_sample sample;

	recording->n_probe_hits++;
	if (!perf_sample_decode(event, record->tainted_body, record->body_size,
				perf_file_is_swapped(loader->file), &sample)) {
		recording->n_bad_hits++;
		return;
	}
	for (unsigned int i = 0; i < hit.probe->n_args; i++) {
		if (!tracepoint_arg(probe_event->tracepoint, i, sample.tainted_raw, sample.raw_size,
				    &hit.args[i])) {
			recording->n_bad_hits++;
			return;
		}
	}
	hit.time_ns = sample.time_ns;
	hit.pid = sample.pid;
	hit.tid = sample.tid;
	hit_log_add(loader->hits, &hit);
}

static void read_sample(struct loader *loader, const struct perf_record *record)
{
	const struct perf_events *events = perf_file_events(loader->file);
	int index = perf_events_of_sample(events, record->tainted_body, record->body_size,
					  perf_file_is_swapped(loader->file));

	loader->recording->n_samples++;
	if (index < 0)
		loader->recording->n_unknown_samples++;
	else if (loader->by_event[index].probe)
		add_hit(loader, &loader->by_event[index], perf_events_get(events, (guint)index),
			record);
}

/* u64 lost; perf says in the sample id of which event. */
static void read_lost_samples(struct loader *loader, const struct perf_record *record)
{
	const struct perf_events *events = perf_file_events(loader->file);
	const bool swap = perf_file_is_swapped(loader->file);
	struct byte_reader reader = byte_reader_of(record->tainted_body, record->body_size, swap);
	uint64_t lost = byte_reader_u64(&reader);
	struct perf_sample sample;
	int index = -1;

	loader->recording->n_lost_samples += lost;
	if (perf_sample_id_decode(events, record->tainted_body, record->body_size, swap, &sample))
		index = perf_events_of_id(events, sample.id);
	if (index >= 0 && loader->by_event[index].probe)
		loader->recording->n_lost_hits += lost;
}

static void read_record(struct loader *loader, const struct perf_record *record)
{
	struct recording *recording = loader->recording;
	struct byte_reader reader = byte_reader_of(record->tainted_body, record->body_size,
						   perf_file_is_swapped(loader->file));
	struct perf_task_event task;

	recording->n_records++;
	switch (record->type) {
	case PERF_RECORD_SAMPLE:
		read_sample(loader, record);
		break;
	case PERF_RECORD_LOST: /* u64 id, u64 lost */
		byte_reader_skip(&reader, sizeof(uint64_t));
		recording->n_lost_records += byte_reader_u64(&reader);
		break;
	case PERF_RECORD_THROTTLE:
		recording->n_throttled++;
		break;
	case PERF_RECORD_LOST_SAMPLES:
		read_lost_samples(loader, record);
		break;
	default:
		if (perf_task_is(record) &&
		    perf_task_decode(perf_file_events(loader->file), record,
				     perf_file_is_swapped(loader->file), &task))
			tasks_add(recording->tasks, &task);
		break;
	}
}

static bool is_compressed(const struct perf_record *record)
{
	return record->type == PERF_USER_RECORD_COMPRESSED ||
	       record->type == PERF_USER_RECORD_COMPRESSED2;
}

/* Damage behind the header ends the reading, not the report. */
static bool read_records(struct loader *loader, GError **error)
{
	for (;;) {
		g_autoptr(GError) damage = NULL;
		struct perf_record record;

		switch (perf_file_next_record(loader->file, &record, &damage)) {
		case PERF_NEXT_END:
			return true;
		case PERF_NEXT_ERROR:
			if (g_error_matches(damage, COLO_PERF_ERROR, COLO_PERF_ERROR_IO)) {
				g_propagate_error(error, g_steal_pointer(&damage));
				return false;
			}
			if (!loader->recording->damage)
				loader->recording->damage = g_strdup(damage->message);
			return true;
		case PERF_NEXT_RECORD:
			break;
		}
		if (is_compressed(&record)) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
				    "offset %" PRIu64 ": its records are compressed (perf record "
				    "-z), which is not read; record without -z",
				    record.offset);
			return false;
		}
		read_record(loader, &record);
	}
}

static void load_build_ids(struct recording *recording)
{
	GBytes *section = perf_file_feature(recording->file, PERF_FEATURE_BUILD_ID);
	struct byte_reader reader;
	struct perf_build_id entry;

	if (!section)
		return;
	reader = byte_reader_of(g_bytes_get_data(section, NULL), g_bytes_get_size(section),
				perf_file_is_swapped(recording->file));
	while (perf_build_id_next(&reader, &entry))
		if (entry.build_id_size)
			dso_table_add_build_id(recording->dsos, entry.tainted_path, entry.build_id,
					       entry.build_id_size);
}

static bool load_file(struct loader *loader, const struct dso_options *options, GError **error)
{
	struct recording *recording = loader->recording;
	struct dso_options with_time = *options;

	loader->file = recording->file = perf_file_open(recording->path, error);
	if (!loader->file)
		return false;
	with_time.recorded_s = perf_file_modified_s(loader->file);
	recording->dsos = dso_table_new(&with_time);
	recording->tasks = tasks_new(recording->dsos);
	load_build_ids(recording);
	recording->size_bytes = perf_file_size_bytes(loader->file);
	recording->damage = g_strdup(perf_file_damage(loader->file));
	recording->hostname = perf_file_feature_string(loader->file, PERF_FEATURE_HOSTNAME);
	recording->perf_version = perf_file_feature_string(loader->file, PERF_FEATURE_VERSION);
	recording->arch = perf_file_feature_string(loader->file, PERF_FEATURE_ARCH);
	recording->command_line = perf_file_feature_string(loader->file, PERF_FEATURE_CMDLINE);
	if (!load_tracepoints(loader, error) || !find_probes(loader, error) ||
	    !read_records(loader, error))
		return false;
	tasks_settle(recording->tasks);
	return true;
}

static bool load_path(struct recordings *recordings, const char *path,
		      const struct dso_options *options, struct hit_log *hits, GError **error)
{
	struct recording *recording = recording_new(path);
	struct loader loader = {
		.recording = recording, .hits = hits, .source = recordings->files->len};
	bool loaded;

	g_ptr_array_add(recordings->files, recording);
	loaded = load_file(&loader, options, error);
	g_free(loader.by_event);
	tracepoints_free(loader.tracepoints);
	if (!loaded)
		g_prefix_error(error, "%s: ", path);
	return loaded;
}

struct recordings *recordings_load(const char *const *paths, const struct dso_options *options,
				   GError **error)
{
	struct recordings *recordings = g_new0(struct recordings, 1);
	struct hit_log *hits = hit_log_new();
	struct colo_hit hit;

	recordings->files = g_ptr_array_new_with_free_func(recording_free);
	recordings->model = colo_model_new();
	for (; *paths; paths++) {
		if (!load_path(recordings, *paths, options, hits, error)) {
			hit_log_free(hits);
			recordings_free(recordings);
			return NULL;
		}
	}
	while (hit_log_take(hits, &hit))
		colo_model_add(recordings->model, &hit);
	hit_log_free(hits);
	colo_model_finish(recordings->model);
	return recordings;
}

void recordings_free(struct recordings *recordings)
{
	if (!recordings)
		return;
	g_ptr_array_unref(recordings->files);
	colo_model_free(recordings->model);
	g_free(recordings);
}

const char *recording_thread_name(const struct recording *recording,
				  const struct colo_session *session, uint32_t tid)
{
	return tasks_thread_name(recording->tasks, session->pid, tid, session->last_seen_ns);
}
