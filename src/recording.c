/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Loads recordings, and puts their hits into the order of time.
 */
#include "recording.h"

#include "colo/hit_log.h"
#include "recording_file.h"

static bool load_path(struct recordings *recordings, const char *path,
		      const struct recording_options *options, struct hit_log *hits, GError **error)
{
	const uint32_t source = recordings->files->len;
	struct recording *recording = recording_new(path);

	g_ptr_array_add(recordings->files, recording);
	if (recording_load(recording, source, options, hits, error))
		return true;
	g_prefix_error(error, "%s: ", path);
	return false;
}

bool recordings_find_process_end(uint32_t source, uint32_t pid, uint64_t since_ns, uint64_t *end_ns,
				 void *data)
{
	const struct recordings *recordings = data;
	const struct recording *file = g_ptr_array_index(recordings->files, source);

	return tasks_process_end(file->tasks, pid, since_ns, end_ns);
}

struct recordings *recordings_load(const char *const *paths,
				   const struct recording_options *options, GError **error)
{
	struct recordings *recordings = g_new0(struct recordings, 1);
	struct hit_log *hits = hit_log_new();
	struct colo_hit hit;

	recordings->files = g_ptr_array_new_with_free_func((GDestroyNotify)recording_free);
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
	colo_model_find_process_ends(recordings->model, recordings_find_process_end, recordings);
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

bool recording_shows_process_ends(const struct recording *recording)
{
	return recording->has_task_records && !recording->damage && !recording->n_lost_records;
}

bool recording_wall_ns(const struct recording *recording, uint64_t time_ns, uint64_t *wall_ns)
{
	*wall_ns = recording->clock.wall_ns + (time_ns - recording->clock.clock_ns);
	return recording->has_clock;
}
