/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Loads a recording. Of the records only those are looked into that the order
 * of the checkpoints depends on: hits of probes, lost events, processes.
 */
#include "recording_file.h"

#include "base/byte_reader.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/printable.h"
#include "base/saturate.h"
#include "perfdata/format_files.h"
#include "perfdata/perf_sample.h"
#include "perfdata/tracepoint.h"
#include "perfdata/uprobe_sites.h"

#include <inttypes.h>

/* An event of the recording. `probe` and `tracepoint` are NULL when it is no probe of ours. */
struct probe_event {
	const struct colo_probe *probe;	     /* Weak */
	const struct tracepoint *tracepoint; /* Weak */
	uint64_t lost_samples;		     /* of LOST_SAMPLES */
	uint64_t lost_reads;		     /* of PERF_FORMAT_LOST */
};

/* What reading one file needs. */
struct loader {
	const struct recording_options *options; /* Weak */
	struct recording *recording;		 /* Weak */
	struct perf_file *file;			 /* Weak: the recording's */
	const struct perf_events *events;	 /* Weak: the file's */
	bool swap;
	bool looked_for_formats;
	struct tracepoints *tracepoints; /* Owned by this; NULL when there are no formats */
	struct uprobe_sites *sites;	 /* Owned by this; NULL: the formats are not checked */
	GArray *by_event;		 /* Owned by this: struct probe_event, by event */
	GHashTable
		*lost_by_id;  /* Owned by this: u64 id (owned) to the highest count, u64 (owned) */
	struct hit_log *hits; /* Weak */
	size_t hits_before;   /* bytes of those of other recordings */
	bool is_full;	      /* no more is kept */
	uint32_t source;
};

void recording_free(struct recording *recording)
{
	g_free(recording->path);
	g_free(recording->hostname);
	g_free(recording->perf_version);
	g_free(recording->arch);
	g_free(recording->command_line);
	g_free(recording->damage);
	g_free(recording->formats_from);
	g_ptr_array_unref(recording->sampled_probes);
	g_ptr_array_unref(recording->other_probes);
	g_ptr_array_unref(recording->foreign_events);
	tasks_free(recording->tasks);
	dso_table_free(recording->dsos);
	perf_file_free(recording->file);
	g_free(recording);
}

struct recording *recording_new(const char *path)
{
	struct recording *recording = g_new0(struct recording, 1);

	recording->path = g_strdup(path);
	recording->sampled_probes = g_ptr_array_new_with_free_func(g_free);
	recording->other_probes = g_ptr_array_new_with_free_func(g_free);
	recording->foreign_events = g_ptr_array_new_with_free_func(g_free);
	return recording;
}

/* Damage does not end the report; each place is told. */
static void add_damage(struct recording *recording, const char *what)
{
	char *all = recording->damage ? g_strdup_printf("%s; %s", recording->damage, what)
				      : g_strdup(what);

	g_free(recording->damage);
	recording->damage = all;
}

/* --- Formats --- */

/* The formats of the recording, or else from where the user or this machine has them. */
static bool find_formats(struct loader *loader, GError **error)
{
	GBytes *section = perf_file_feature(loader->file, PERF_FEATURE_TRACING_DATA);
	g_autoptr(GError) problem = NULL;

	loader->looked_for_formats = true;
	if (section) {
		loader->tracepoints =
			tracepoints_new(g_bytes_get_data(section, NULL), g_bytes_get_size(section),
					loader->swap, &problem);
		if (loader->tracepoints)
			return true;
		add_damage(loader->recording, problem->message);
	}
	loader->tracepoints =
		format_files_read(loader->options->formats, COLO_PROBE_SYSTEM, loader->swap,
				  &loader->recording->formats_from, error);
	if (loader->tracepoints) {
		loader->sites =
			uprobe_sites_read(loader->recording->formats_from, COLO_PROBE_SYSTEM);
		return true;
	}
	if (loader->recording->damage)
		g_prefix_error(error, "%s; ", loader->recording->damage);
	return false;
}

/* Formats from elsewhere must be those that the hits were recorded with. */
static bool check_formats(struct loader *loader, GError **error)
{
	const struct recording *recording = loader->recording;
	const char *problem = NULL;

	loader->recording->formats_checked = loader->sites != NULL;
	if (recording->formats_from && !recording->n_probes && !recording->other_probes->len &&
	    !recording->foreign_events->len)
		problem = "none of its tracepoints is among them";
	else if (loader->sites && !uprobe_sites_agree(loader->sites))
		problem = "the hits come from other places of the program than the probes "
			  "registered there";
	if (!problem)
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NO_FORMATS,
		    "%s%sits own formats of the probes are missing, and those in %s are not "
		    "the same: %s; name the right ones by --formats",
		    recording->damage ? recording->damage : "", recording->damage ? "; " : "",
		    recording->formats_from, problem);
	return false;
}

/* --- What is kept --- */

/*
 * Bytes of memory for what is kept until the order of time is known: so many of any recording, and
 * so many more for each byte of its file. The most that was seen are 31 for each byte, of a
 * compressed recording of 3,000 programs that begin and end, without samples or hits; 6 when it is
 * not compressed. But a packed byte can stand for hundreds of records that say nothing.
 */
#define KEPT_BYTES	  (64u << 20)
#define KEPT_BYTES_A_BYTE 48
#define LOST_ID_BYTES	  128 /* that an entry of lost_by_id takes up */

/* What follows is read, but not kept, once this is false. */
static bool may_keep(struct loader *loader)
{
	size_t bytes = tasks_bytes(loader->recording->tasks) +
		       g_hash_table_size(loader->lost_by_id) * LOST_ID_BYTES;

	if (loader->hits)
		bytes += hit_log_bytes(loader->hits) - loader->hits_before;
	if (bytes > KEPT_BYTES + KEPT_BYTES_A_BYTE * perf_file_size_bytes(loader->file))
		loader->is_full = true;
	return !loader->is_full;
}

/* --- Probes --- */

/* A probe counts every hit only with a period of 1: -F makes a rate of it, -c a period. */
static bool is_sampled(const struct perf_event *event)
{
	return event->freq || event->sample_period != 1;
}

#define HIT_NEEDS (PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW)

static bool find_probe(struct loader *loader, const struct perf_event *event,
		       const struct tracepoint *tracepoint, struct probe_event *found,
		       GError **error)
{
	const char *name = tracepoint_name(tracepoint);
	const struct colo_probe *probe = colo_probe_find(name);

	if (g_strcmp0(tracepoint_system(tracepoint), COLO_PROBE_SYSTEM))
		return true;
	if (!g_str_has_prefix(name, COLO_PROBE_PREFIX)) {
		g_ptr_array_add(loader->recording->foreign_events, g_strdup(name));
		return true;
	}
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
	found->probe = probe;
	found->tracepoint = tracepoint;
	loader->recording->n_probes++;
	if (is_sampled(event))
		g_ptr_array_add(loader->recording->sampled_probes, g_strdup(name));
	return true;
}

/* Looks at the events that have come since the last time: in pipe mode they are records. */
static bool find_probes(struct loader *loader, GError **error)
{
	const struct perf_events *events = loader->events;

	if (G_LIKELY(loader->by_event->len == perf_events_count(events)))
		return true;
	for (guint i = loader->by_event->len; i < perf_events_count(events); i++) {
		const struct perf_event *event = perf_events_get(events, i);
		const struct tracepoint *tracepoint = NULL;
		struct probe_event found = {0};

		loader->recording->has_task_records |= event->task;
		if (event->type == PERF_TYPE_TRACEPOINT) {
			loader->recording->n_tracepoints++;
			if (!loader->looked_for_formats && !find_formats(loader, error))
				return false;
			tracepoint = tracepoints_find(loader->tracepoints, event->config);
		}
		if (tracepoint && !find_probe(loader, event, tracepoint, &found, error))
			return false;
		g_array_append_val(loader->by_event, found);
	}
	loader->recording->n_events = perf_events_count(events);
	return perf_events_check(events, error);
}

/* --- Records --- */

static void add_hit(struct loader *loader, guint index, const struct perf_sample *sample)
{
	const struct probe_event *probe_event =
		&g_array_index(loader->by_event, struct probe_event, index);
	struct colo_hit hit = {
		.source = loader->source,
		.probe = probe_event->probe,
		.time_ns = sample->time_ns,
		.pid = sample->pid,
		.tid = sample->tid,
		.event = index,
		.place = sample->ip,
	};

	for (unsigned int i = 0; i < hit.probe->n_args; i++) {
		if (!tracepoint_arg(probe_event->tracepoint, i, sample->tainted_raw,
				    sample->raw_size, &hit.args[i])) {
			loader->recording->n_bad_hits++;
			return;
		}
	}
	if (loader->sites)
		uprobe_sites_hit(loader->sites, tracepoint_name(probe_event->tracepoint), hit.pid,
				 sample->ip);
	if (loader->options->follow)
		loader->options->follow->take_hit(&hit, loader->options->follow->data);
	else if (may_keep(loader))
		hit_log_add(loader->hits, &hit);
	else
		loader->recording->n_hits_left_out++;
}

/* A recording may claim any number of losses. */
static void add_to(uint64_t *sum, uint64_t n)
{
	*sum = sum_u64(*sum, n);
}

/* The count goes up with every loss, so the highest one that an id carries is its losses. */
static void add_lost_read(uint64_t id, uint64_t lost, void *data)
{
	struct loader *loader = data;
	GHashTable *lost_by_id = loader->lost_by_id;
	uint64_t *highest = g_hash_table_lookup(lost_by_id, &id);

	if (!highest) {
		if (!may_keep(loader)) {
			loader->recording->n_records_left_out++;
			return;
		}
		highest = g_new0(uint64_t, 1);
		g_hash_table_insert(lost_by_id, g_memdup2(&id, sizeof(id)), highest);
	}
	*highest = MAX(*highest, lost);
}

static void read_sample(struct loader *loader, const struct perf_record *record)
{
	struct recording *recording = loader->recording;
	const struct perf_events *events = loader->events;
	const int index = perf_events_of_sample(events, record->tainted_body, record->body_size,
						loader->swap);
	const struct probe_event *probe_event;
	const struct perf_event *event;
	struct perf_sample sample;

	recording->n_samples++;
	if (index < 0) {
		recording->n_unknown_samples++;
		return;
	}
	event = perf_events_get(events, (guint)index);
	probe_event = &g_array_index(loader->by_event, struct probe_event, index);
	recording->n_probe_hits += probe_event->probe != NULL;
	if (!probe_event->probe && !perf_event_reads_lost(event))
		return;
	if (!perf_sample_decode(event, record->tainted_body, record->body_size, loader->swap,
				&sample)) {
		recording->n_bad_hits += probe_event->probe != NULL;
		return;
	}
	perf_sample_visit_lost(event, &sample, loader->swap, add_lost_read, loader);
	if (probe_event->probe)
		add_hit(loader, (guint)index, &sample);
}

/* u64 lost; perf says in the sample id of which event. */
static void read_lost_samples(struct loader *loader, const struct perf_record *record)
{
	const struct perf_events *events = loader->events;
	struct byte_reader reader =
		byte_reader_of(record->tainted_body, record->body_size, loader->swap);
	uint64_t lost = byte_reader_u64(&reader);
	struct perf_sample sample;
	int index = -1;

	add_to(&loader->recording->n_lost_samples, lost);
	if (perf_sample_id_decode(events, record->tainted_body, record->body_size, loader->swap,
				  &sample))
		index = perf_events_of_id(events, sample.id);
	if (index >= 0)
		add_to(&g_array_index(loader->by_event, struct probe_event, index).lost_samples,
		       lost);
}

/* Records that belong to an event, which has to be known then. */
static bool needs_events(const struct perf_record *record)
{
	return record->type == PERF_RECORD_SAMPLE || record->type == PERF_RECORD_READ ||
	       record->type == PERF_RECORD_LOST_SAMPLES;
}

static void read_task(struct loader *loader, const struct perf_record *record)
{
	struct perf_task_event task;

	if (!perf_task_is(record) || !perf_task_decode(loader->events, record, loader->swap, &task))
		return;
	/* Of a recording without an end only names are kept, and who ended. */
	if (loader->options->follow && task.kind != PERF_TASK_COMM && task.kind != PERF_TASK_EXIT)
		return;
	if (may_keep(loader))
		tasks_add(loader->recording->tasks, &task);
	else
		loader->recording->n_records_left_out++;
}

/* Counts what is passed over although numbers may depend on it. */
static void count_unread(struct recording *recording, const struct perf_record *record)
{
	const enum perf_record_use use = perf_record_use(record->type);

	if (use == PERF_RECORD_USE_WARNED) {
		recording->unread_record_type = record->type;
		recording->n_unread_records++;
	}
	if (use != PERF_RECORD_USE_UNKNOWN)
		return;
	if (!recording->n_unknown_records || record->type < recording->unknown_record_type)
		recording->unknown_record_type = record->type;
	recording->n_unknown_records++;
}

static void add_build_id(struct recording *recording, const struct perf_build_id *entry)
{
	if (entry->build_id_size)
		dso_table_add_build_id(recording->dsos, entry->tainted_path, entry->build_id,
				       entry->build_id_size);
}

static bool read_record(struct loader *loader, const struct perf_record *record, GError **error)
{
	struct recording *recording = loader->recording;
	struct byte_reader reader =
		byte_reader_of(record->tainted_body, record->body_size, loader->swap);
	struct perf_build_id build_id;

	recording->n_records++;
	if (needs_events(record) && !find_probes(loader, error))
		return false;
	switch (record->type) {
	case PERF_RECORD_SAMPLE:
		read_sample(loader, record);
		break;
	case PERF_RECORD_READ:
		perf_read_visit_lost(loader->events, record, loader->swap, add_lost_read, loader);
		break;
	case PERF_RECORD_LOST: /* u64 id, u64 lost */
		byte_reader_skip(&reader, sizeof(uint64_t));
		add_to(&recording->n_lost_records, byte_reader_u64(&reader));
		break;
	case PERF_RECORD_THROTTLE:
		recording->n_throttled++;
		break;
	case PERF_RECORD_LOST_SAMPLES:
		read_lost_samples(loader, record);
		break;
	case PERF_USER_RECORD_FINISHED_ROUND:
		if (loader->options->follow)
			loader->options->follow->end_round(loader->options->follow->data);
		break;
	case PERF_USER_RECORD_BUILD_ID:
		if (perf_build_id_decode(record, loader->swap, &build_id))
			add_build_id(recording, &build_id);
		break;
	default:
		count_unread(recording, record);
		read_task(loader, record);
		break;
	}
	return true;
}

/* Damage behind the header ends the reading of that file, not the report. */
static bool read_records(struct loader *loader, GError **error)
{
	for (;;) {
		g_autoptr(GError) damage = NULL;
		struct perf_record record;

		switch (perf_file_next_record(loader->file, &record, &damage)) {
		case PERF_NEXT_END:
			return find_probes(loader, error);
		case PERF_NEXT_ERROR:
			if (loader->options->follow && loader->options->follow->stopped)
				return find_probes(loader, error);
			if (g_error_matches(damage, COLO_PERF_ERROR, COLO_PERF_ERROR_IO)) {
				g_propagate_error(error, g_steal_pointer(&damage));
				return false;
			}
			add_damage(loader->recording, damage->message);
			break;
		case PERF_NEXT_RECORD:
			if (!read_record(loader, &record, error))
				return false;
		}
	}
}

/* --- All of it --- */

/* colo-perf record has completed what perf left; what perf had not written yet is missing. */
static void take_cut(struct loader *loader)
{
	g_autofree char *tainted = perf_file_feature_string(loader->file, PERF_FEATURE_CUT_SHORT);
	g_autofree char *reason = tainted ? printable(tainted) : NULL;
	g_autofree char *damage = NULL;

	if (!reason)
		return;
	damage = g_strdup_printf("hits and samples that the buffers of the CPUs still held are "
				 "missing, of each CPU its last ones, as %s",
				 reason);
	add_damage(loader->recording, damage);
}

static void load_build_ids(struct loader *loader)
{
	GBytes *section = perf_file_feature(loader->file, PERF_FEATURE_BUILD_ID);
	struct byte_reader reader;
	struct perf_build_id entry;

	if (!section)
		return;
	reader = byte_reader_of(g_bytes_get_data(section, NULL), g_bytes_get_size(section),
				loader->swap);
	while (perf_build_id_next(&reader, &entry))
		add_build_id(loader->recording, &entry);
}

/* Sums up what the reads counted, and what of all losses were hits. */
static void sum_losses(struct loader *loader)
{
	struct recording *recording = loader->recording;
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, loader->lost_by_id);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const uint64_t *id = key, *lost = value;
		const int index = perf_events_of_id(loader->events, *id);

		add_to(&recording->n_lost_reads, *lost);
		if (index >= 0)
			add_to(&g_array_index(loader->by_event, struct probe_event, index)
					.lost_reads,
			       *lost);
	}
	/* perf writes LOST_SAMPLES from the same counts. */
	for (guint i = 0; i < loader->by_event->len; i++) {
		const struct probe_event *event =
			&g_array_index(loader->by_event, struct probe_event, i);

		if (event->probe)
			add_to(&recording->n_lost_hits,
			       MAX(event->lost_samples, event->lost_reads));
	}
}

static void describe(struct loader *loader)
{
	struct recording *recording = loader->recording;

	recording->hostname = perf_file_feature_string(loader->file, PERF_FEATURE_HOSTNAME);
	recording->perf_version = perf_file_feature_string(loader->file, PERF_FEATURE_VERSION);
	recording->arch = perf_file_feature_string(loader->file, PERF_FEATURE_ARCH);
	recording->command_line = perf_file_feature_string(loader->file, PERF_FEATURE_CMDLINE);
	recording->has_clock = perf_file_clock(loader->file, &recording->clock);
}

static bool load(struct loader *loader, GError **error)
{
	struct recording *recording = loader->recording;
	struct dso_options symbols = loader->options->symbols;

	loader->file = recording->file = perf_file_open_stream(
		recording->path, loader->options->follow ? &loader->options->follow->wait : NULL,
		error);
	if (!loader->file)
		return false;
	loader->events = perf_file_events(loader->file);
	loader->swap = perf_file_is_swapped(loader->file);
	symbols.recorded_s = perf_file_modified_s(loader->file);
	recording->dsos = dso_table_new(&symbols);
	recording->tasks = tasks_new(recording->dsos);
	recording->size_bytes = perf_file_size_bytes(loader->file);
	recording->damage = g_strdup(perf_file_damage(loader->file));
	take_cut(loader);
	load_build_ids(loader);
	if (!find_probes(loader, error) || !read_records(loader, error) ||
	    !check_formats(loader, error))
		return false;
	describe(loader);
	sum_losses(loader);
	tasks_settle(recording->tasks);
	return true;
}

bool recording_load(struct recording *recording, uint32_t source,
		    const struct recording_options *options, struct hit_log *hits, GError **error)
{
	struct loader loader = {
		.options = options,
		.recording = recording,
		.by_event = g_array_new(FALSE, FALSE, sizeof(struct probe_event)),
		.lost_by_id = g_hash_table_new_full(hash_int64, g_int64_equal, g_free, g_free),
		.hits = hits,
		.hits_before = hits ? hit_log_bytes(hits) : 0,
		.source = source,
	};
	const bool loaded = load(&loader, error);

	g_array_unref(loader.by_event);
	g_hash_table_unref(loader.lost_by_id);
	uprobe_sites_free(loader.sites);
	tracepoints_free(loader.tracepoints);
	return loaded;
}
