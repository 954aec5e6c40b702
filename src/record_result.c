/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Counts what the report would show.
 */
#include "record_result.h"

#include "base/saturate.h"
#include "colo/summary.h"
#include "colo_perf.h"
#include "recording.h"
#include "warnings.h"

#include <inttypes.h>
#include <stdio.h>

/* "61 checkpoints of the primary (pid 1)"; adds to `n_checkpoints`. */
static void add_session(GString *text, const struct colo_session *session, uint64_t *n_checkpoints)
{
	const struct colo_selection all = COLO_SELECT_ALL;
	struct colo_summary *summary = colo_summary_new(session, &all);
	uint64_t complete = summary->n_states[COLO_CHECKPOINT_COMPLETE];
	uint64_t aborted = summary->n_states[COLO_CHECKPOINT_ABORTED], other = 0;

	for (unsigned int state = 0; state < COLO_N_CHECKPOINT_STATES; state++)
		if (state != COLO_CHECKPOINT_PENDING)
			other += summary->n_states[state];
	colo_summary_free(summary);
	if (!other)
		return;
	g_string_append_printf(text, "%s%" PRIu64 "%s of the %s (pid %" PRIu32 ")",
			       text->len ? ", " : "", complete,
			       text->len       ? ""
			       : complete == 1 ? " checkpoint"
					       : " checkpoints",
			       colo_role_name(session->role), session->pid);
	other -= complete + aborted;
	if (aborted)
		g_string_append_printf(text, " and %" PRIu64 " aborted", aborted);
	if (other)
		g_string_append_printf(text, " and %" PRIu64 " cut", other);
	*n_checkpoints += complete + aborted + other;
}

static void print_warnings(const char *command, const struct recordings *recordings)
{
	g_autoptr(GPtrArray) warnings = warnings_of(recordings, NULL, NULL);

	for (guint i = 0; i < warnings->len; i++) {
		const struct warning *warning = g_ptr_array_index(warnings, i);

		colo_perf_fail(command, COLO_PERF_DONE, "warning: %s", warning->message);
	}
}

static uint64_t count_lost(const struct recording *file)
{
	return sum_u64(file->n_lost_records, MAX(file->n_lost_samples, file->n_lost_reads));
}

int record_print_result(const char *command, const char *path, bool quiet)
{
	const char *const paths[] = {path, NULL};
	const struct recording_options options = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) sides = g_string_new(NULL);
	g_autofree char *lost = NULL;
	struct recordings *recordings = recordings_load(paths, &options, &error);
	const GPtrArray *sessions;
	const struct recording *file;
	uint64_t n_checkpoints = 0;

	if (!recordings)
		return colo_perf_fail(command, COLO_PERF_FAILED, "%s", error->message);
	print_warnings(command, recordings);
	file = g_ptr_array_index(recordings->files, 0);
	sessions = colo_model_sessions(recordings->model);
	for (guint i = 0; i < sessions->len; i++)
		add_session(sides, g_ptr_array_index(sessions, i), &n_checkpoints);
	lost = count_lost(file) ? g_strdup_printf("%" PRIu64 " events lost", count_lost(file))
				: g_strdup("nothing lost");
	if (!n_checkpoints)
		colo_perf_fail(
			command, COLO_PERF_NO_DATA,
			"%s: holds no COLO checkpoint (%" PRIu64 " probe hits, %" PRIu64
			" samples, %s): was COLO running (query-colo-status), and for longer "
			"than the checkpoint interval (x-checkpoint-delay)?",
			path, file->n_probe_hits, file->n_samples - file->n_probe_hits, lost);
	else if (!quiet)
		colo_perf_fail(command, COLO_PERF_DONE, "%s: %s, %" PRIu64 " samples, %s", path,
			       sides->str, file->n_samples - file->n_probe_hits, lost);
	recordings_free(recordings);
	return n_checkpoints ? COLO_PERF_DONE : COLO_PERF_NO_DATA;
}
