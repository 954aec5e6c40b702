/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The report as JSON, and the original recorder's QMP answer. docs/output.md
 * documents every member; a change there or here that is not an addition raises
 * the schema version.
 */
#include "report.h"

#include "base/saturate.h"
#include "colo/parts.h"
#include "colo_perf.h"
#include "figures.h"
#include "json.h"
#include "report_json_profile.h"
#include "warnings.h"

#define SCHEMA_VERSION 1

/* The members of a distribution, with the unit as suffix ("_ns", or none). */
static void add_distribution(struct json *json, const struct distribution *distribution,
			     const char *suffix)
{
	const struct {
		const char *name;
		struct colo_value value;
	} integers[] = {
		{"total", {true, distribution->total}},
		{"min", {distribution->n > 0, distribution->min}},
		{"p50", {distribution->n > 0, distribution->p50}},
		{"p90", {distribution->n > 0, distribution->p90}},
		{"p99", {distribution->n > 0, distribution->p99}},
		{"max", {distribution->n > 0, distribution->max}},
	};
	const struct {
		const char *name;
		bool known;
		double value;
	} reals[] = {
		{"mean", distribution->n > 0, distribution->mean},
		{"stddev", distribution->n > 1, distribution->stddev},
	};

	json_add_uint(json, "n", distribution->n);
	for (size_t i = 0; i < G_N_ELEMENTS(integers); i++) {
		g_autofree char *name = g_strconcat(integers[i].name, suffix, NULL);

		json_add_value(json, name, integers[i].value);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(reals); i++) {
		g_autofree char *name = g_strconcat(reals[i].name, suffix, NULL);

		if (reals[i].known)
			json_add_double(json, name, reals[i].value);
		else
			json_add_null(json, name);
	}
}

/* What the recording's clock has to do with that of the wall. */
static void add_clock(struct json *json, const struct recording *file)
{
	if (!file->has_clock) {
		json_add_null(json, "clock");
		return;
	}
	json_begin_object(json, "clock");
	json_add_int(json, "clockid", file->clock.clockid);
	json_add_uint(json, "clock_ns", file->clock.clock_ns);
	json_add_uint(json, "wall_ns", file->clock.wall_ns);
	json_end_object(json);
}

static void add_recordings(struct json *json, const struct report *report)
{
	json_begin_array(json, "recordings");
	for (guint i = 0; i < report->recordings->files->len; i++) {
		const struct recording *file = g_ptr_array_index(report->recordings->files, i);

		json_begin_object(json, NULL);
		json_add_string(json, "file", file->path);
		json_add_uint(json, "size_bytes", file->size_bytes);
		json_add_string(json, "hostname", file->hostname);
		json_add_string(json, "arch", file->arch);
		json_add_string(json, "perf_version", file->perf_version);
		json_add_string(json, "command_line", file->command_line);
		json_add_uint(json, "records", file->n_records);
		json_add_uint(json, "samples", file->n_samples);
		json_add_uint(json, "probe_hits", file->n_probe_hits);
		json_add_uint(json, "duplicate_hits",
			      colo_model_duplicate_hits(report->recordings->model, i));
		json_add_uint(json, "lost_records", file->n_lost_records);
		json_add_uint(json, "lost_samples", file->n_lost_samples);
		json_add_uint(json, "lost_reads", file->n_lost_reads);
		json_add_uint(json, "throttled", file->n_throttled);
		json_add_uint(json, "lost_probe_hits", file->n_lost_hits);
		json_add_bool(json, "probes_sampled", file->sampled_probes->len > 0);
		json_add_uint(json, "unknown_records", file->n_unknown_records);
		json_add_string(json, "damage", file->damage);
		json_add_string(json, "formats_from", file->formats_from);
		add_clock(json, file);
		json_end_object(json);
	}
	json_end_array(json);
}

static void add_selection(struct json *json, const struct colo_selection *selection)
{
	json_begin_object(json, "selection");
	json_add_uint(json, "first_seq", MAX(selection->first_seq, 1));
	json_add_known_uint(json, "last_seq", selection->last_seq != UINT64_MAX,
			    selection->last_seq);
	json_add_uint(json, "skip", selection->skip);
	json_add_value(json, "since_ns",
		       (struct colo_value){selection->since_ns != INT64_MIN, selection->since_ns});
	json_add_value(json, "until_ns",
		       (struct colo_value){selection->until_ns != INT64_MAX, selection->until_ns});
	json_end_object(json);
}

static void add_warnings(struct json *json, const GPtrArray *warnings)
{
	json_begin_array(json, "warnings");
	for (guint i = 0; i < warnings->len; i++) {
		const struct warning *warning = g_ptr_array_index(warnings, i);

		json_begin_object(json, NULL);
		json_add_string(json, "code", warning->code);
		json_add_string(json, "message", warning->message);
		json_end_object(json);
	}
	json_end_array(json);
}

/* A counter of the last checkpoint; unknown when its probe was not hit. */
static struct colo_value counter(const struct colo_checkpoint *checkpoint, enum colo_counter which)
{
	return (struct colo_value){checkpoint->counters_seen >> which & 1,
				   checkpoint->counters[which]};
}

/* QEMU leaves out what this side does not know, so do we. */
static void add_known_time(struct json *json, const char *name, struct colo_value value)
{
	if (value.known && value.value >= 0)
		json_add_int(json, name, value.value);
}

static void add_ram_info(struct json *json, const struct colo_checkpoint *last)
{
	static const struct {
		const char *name;
		enum colo_counter counter;
	} fields[] = {
		{"total", COLO_COUNTER_RAM_TOTAL_BYTES},
		{"postcopy-requests", COLO_COUNTER_POSTCOPY_REQUESTS},
		{"dirty-sync-count", COLO_COUNTER_DIRTY_SYNC_COUNT},
		{"multifd-bytes", COLO_COUNTER_MULTIFD_BYTES},
		{"pages-per-second", COLO_COUNTER_PAGES_PER_SECOND},
		{"downtime-bytes", COLO_COUNTER_DOWNTIME_BYTES},
		{"page-size", COLO_COUNTER_PAGE_SIZE_BYTES},
		{"remaining", COLO_COUNTER_REMAINING_BYTES},
		{"postcopy-bytes", COLO_COUNTER_POSTCOPY_BYTES},
		{"transferred", COLO_COUNTER_TRANSFERRED_BYTES},
		{"duplicate", COLO_COUNTER_DUPLICATE_PAGES},
		{"dirty-pages-rate", COLO_COUNTER_DIRTY_PAGES_RATE},
		{"dirty-sync-missed-zero-copy", COLO_COUNTER_MISSED_ZERO_COPY},
		{"precopy-bytes", COLO_COUNTER_PRECOPY_BYTES},
		{"normal", COLO_COUNTER_NORMAL_PAGES},
	};
	struct colo_value normal = counter(last, COLO_COUNTER_NORMAL_PAGES);
	struct colo_value page_size = counter(last, COLO_COUNTER_PAGE_SIZE_BYTES);
	struct colo_value rate = counter(last, COLO_COUNTER_BITS_PER_SECOND);

	json_begin_object(json, "ram");
	/* Unsigned, as docs/probes.md has them. */
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		const struct colo_value value = counter(last, fields[i].counter);

		if (value.known)
			json_add_uint(json, fields[i].name, (uint64_t)value.value);
	}
	if (rate.known)
		json_add_double(json, "mbps", (double)rate.value / 1e6);
	/* QEMU computes it so itself, and its "skipped" is a constant. */
	if (normal.known && page_size.known)
		json_add_uint(json, "normal-bytes",
			      product_u64((uint64_t)normal.value, (uint64_t)page_size.value));
	json_add_int(json, "skipped", 0);
	json_end_object(json);
}

/* MigrationInfo after the last of the chosen checkpoints. */
static void add_info(struct json *json, const struct colo_checkpoint *last)
{
	struct colo_value status;

	if (!last) {
		json_add_null(json, "info");
		return;
	}
	status = counter(last, COLO_COUNTER_STATUS);
	json_begin_object(json, "info");
	add_known_time(json, "expected-downtime", counter(last, COLO_COUNTER_EXPECTED_DOWNTIME_MS));
	if (status.known)
		json_add_string(json, "status", colo_migration_status_name(status.value));
	add_known_time(json, "setup-time", counter(last, COLO_COUNTER_SETUP_TIME_MS));
	add_known_time(json, "total-time", counter(last, COLO_COUNTER_TOTAL_TIME_MS));
	if (counter(last, COLO_COUNTER_RAM_TOTAL_BYTES).known)
		add_ram_info(json, last);
	json_end_object(json);
}

static void add_recorder(struct json *json, const struct colo_summary *summary)
{
	for (guint i = 0; i < report_n_recorder_fields; i++)
		json_add_value(json, report_recorder_fields[i].name,
			       report_recorder_value(&summary->recorder, i));
	add_info(json, summary->last_counters);
}

static void add_phases(struct json *json, const struct colo_summary *summary)
{
	json_begin_array(json, "phases");
	for (guint i = 0; i < summary->n_rows; i++) {
		json_begin_object(json, NULL);
		json_add_string(json, "name", summary->rows[i].name);
		json_add_bool(json, "in_checkpoint", summary->rows[i].kind == COLO_ROW_PART);
		add_distribution(json, &summary->rows[i].ns, "_ns");
		json_end_object(json);
	}
	json_end_array(json);
}

static void add_amounts(struct json *json, const struct colo_summary *summary)
{
	json_begin_array(json, "amounts");
	for (guint i = 0; i < summary->n_amounts; i++) {
		json_begin_object(json, NULL);
		json_add_string(json, "name", colo_amount_name(summary->amounts[i].amount));
		add_distribution(json, &summary->amounts[i].units, "");
		json_end_object(json);
	}
	json_end_array(json);
}

static void add_anomalies(struct json *json, const struct colo_anomalies *anomalies)
{
	json_begin_object(json, "anomalies");
	json_add_uint(json, "begins_without_end", anomalies->begins_without_end);
	json_add_uint(json, "ends_without_begin", anomalies->ends_without_begin);
	json_add_uint(json, "negative_durations", anomalies->negative_durations);
	json_add_uint(json, "repeated", anomalies->repeated);
	json_add_uint(json, "missing_phases", anomalies->missing);
	json_add_uint(json, "overlapping", anomalies->overlapping);
	json_add_uint(json, "missing_checkpoints", anomalies->missing_checkpoints);
	json_end_object(json);
}

static void add_trigger_counts(struct json *json, const char *name,
			       const uint64_t counts[COLO_N_TRIGGERS])
{
	json_begin_object(json, name);
	for (unsigned int i = 0; i < COLO_N_TRIGGERS; i++)
		json_add_uint(json, colo_trigger_name(i), counts[i]);
	json_end_object(json);
}

/* A phase of one checkpoint, with its place in time; null when it was not seen whole. */
static void add_window(struct json *json, enum colo_phase phase, const struct colo_window *window)
{
	if (!colo_window_is_valid(window)) {
		json_add_null(json, colo_phase_name(phase));
		return;
	}
	json_begin_object(json, colo_phase_name(phase));
	json_add_uint(json, "begin_ns", window->begin_ns);
	json_add_uint(json, "end_ns", window->end_ns);
	json_end_object(json);
}

static void add_checkpoint(const struct colo_session *session,
			   const struct colo_checkpoint *checkpoint, void *data)
{
	struct json *json = data;
	const struct colo_window *windows = checkpoint->windows;
	const enum colo_phase *phases;
	const enum colo_amount *amounts;
	guint n;

	json_begin_object(json, NULL);
	json_add_uint(json, "seq", checkpoint->seq);
	json_add_string(json, "state", colo_checkpoint_state_name(checkpoint->state));
	json_add_value(
		json, "ret",
		(struct colo_value){windows[COLO_PHASE_CHECKPOINT].has_end, checkpoint->ret});
	if (session->role == COLO_ROLE_PRIMARY)
		json_add_string(json, "trigger", colo_trigger_name(checkpoint->trigger));
	json_begin_object(json, "phases");
	add_window(json, COLO_PHASE_WAIT, &windows[COLO_PHASE_WAIT]);
	add_window(json, COLO_PHASE_CHECKPOINT, &windows[COLO_PHASE_CHECKPOINT]);
	phases = colo_role_phases(session->role, &n);
	for (guint i = 0; i < n; i++)
		add_window(json, phases[i], &windows[phases[i]]);
	json_end_object(json);
	json_add_value(json, "other_ns", colo_checkpoint_other_ns(session->role, checkpoint));
	json_add_value(json, "pause_ns", colo_checkpoint_pause_ns(checkpoint));
	amounts = colo_role_amounts(session->role, &n);
	for (guint i = 0; i < n; i++)
		json_add_value(json, colo_amount_name(amounts[i]),
			       colo_checkpoint_amount(checkpoint, amounts[i]));
	json_end_object(json);
}

static void add_checkpoints(struct json *json, const struct report *report,
			    const struct colo_session *session)
{
	if (report->is_live) {
		json_add_null(json, "checkpoints");
		return;
	}
	json_begin_array(json, "checkpoints");
	colo_session_visit(session, &report->selection, add_checkpoint, json);
	json_end_array(json);
}

/* The first hit of the recording, on its own clock and on that of the wall. */
static void add_origin(struct json *json, const struct recording *file,
		       const struct colo_session *session)
{
	uint64_t wall_ns;
	const bool known = recording_wall_ns(file, session->origin_ns, &wall_ns);

	json_add_uint(json, "origin_ns", session->origin_ns);
	json_add_known_uint(json, "origin_wall_ns", known, wall_ns);
}

/* The checkpoints of the whole session that were given up, or that the process ended in. */
static void add_unfinished(struct json *json, const struct colo_session *session)
{
	json_begin_array(json, "unfinished");
	for (guint i = 0; i < session->checkpoints->len; i++) {
		const struct colo_checkpoint *checkpoint =
			&g_array_index(session->checkpoints, struct colo_checkpoint, i);
		const struct colo_window *whole = &checkpoint->windows[COLO_PHASE_CHECKPOINT];
		struct colo_stop stop;

		if (!colo_checkpoint_stop(session, checkpoint, &stop))
			continue;
		json_begin_object(json, NULL);
		json_add_uint(json, "seq", checkpoint->seq);
		json_add_string(json, "state", colo_checkpoint_state_name(checkpoint->state));
		json_add_string(json, "phase", colo_part_name(stop.phase));
		json_add_known_uint(json, "begin_ns", whole->has_begin, whole->begin_ns);
		json_add_value(json, "after_ns", stop.after_ns);
		json_end_object(json);
	}
	json_end_array(json);
}

static void add_session(struct json *json, const struct report *report,
			const struct colo_summary *summary)
{
	const struct colo_session *session = summary->session;
	const struct recording *file =
		g_ptr_array_index(report->recordings->files, session->source);

	json_begin_object(json, NULL);
	json_add_string(json, "role", colo_role_name(session->role));
	json_add_int(json, "recording", session->source);
	json_add_int(json, "number", session->number);
	json_add_int(json, "pid", session->pid);
	json_add_int(json, "tid", session->tid);
	json_add_string(json, "process", recording_thread_name(file, session, session->pid));
	json_add_string(json, "thread", recording_thread_name(file, session, session->tid));
	add_origin(json, file, session);
	json_add_string(json, "exit",
			session->exited ? colo_exit_reason_name(session->exit_reason) : NULL);
	json_add_known_uint(json, "exit_ns", session->exited, session->exit_ns);
	json_add_known_uint(json, "failover_ns", session->failover_asked, session->failover_ns);
	json_add_known_uint(json, "process_end_ns", session->process_ended,
			    session->process_end_ns);
	add_unfinished(json, session);
	json_begin_object(json, "states");
	for (unsigned int state = 0; state < COLO_CHECKPOINT_PENDING; state++)
		json_add_uint(json, colo_checkpoint_state_name(state), summary->n_states[state]);
	json_end_object(json);
	json_add_known_uint(json, "first_seq", summary->first_seq > 0, summary->first_seq);
	json_add_known_uint(json, "last_seq", summary->first_seq > 0, summary->last_seq);
	json_begin_object(json, "recorder");
	add_recorder(json, summary);
	json_end_object(json);
	add_phases(json, summary);
	add_amounts(json, summary);
	if (session->role == COLO_ROLE_PRIMARY) {
		add_trigger_counts(json, "triggered_by", summary->triggered_by);
		add_trigger_counts(json, "trigger_hits", session->triggers);
	}
	add_anomalies(json, &session->anomalies);
	report_json_add_profiles(json, report, session);
	add_checkpoints(json, report, session);
	json_end_object(json);
}

void report_print_json(const struct report *report, FILE *out)
{
	struct json *json = json_new(out, !report->is_live);

	json_begin_object(json, NULL);
	json_add_int(json, "schema_version", SCHEMA_VERSION);
	json_add_string(json, "colo_perf_version", COLO_PERF_VERSION);
	add_recordings(json, report);
	add_selection(json, &report->selection);
	add_warnings(json, report->warnings);
	report_json_add_samples(json, report);
	json_begin_array(json, "sessions");
	for (guint i = 0; i < report->summaries->len; i++)
		add_session(json, report, g_ptr_array_index(report->summaries, i));
	json_end_array(json);
	json_end_object(json);
	json_free(json);
}

void report_print_info_checkpoint(const struct report *report, FILE *out)
{
	for (guint i = 0; i < report->summaries->len; i++) {
		const struct colo_summary *summary = g_ptr_array_index(report->summaries, i);
		struct json *json = json_new(out, false);

		json_begin_object(json, NULL);
		json_begin_object(json, "return");
		add_recorder(json, summary);
		json_end_object(json);
		/* QMP hands back the id of a command: it tells the sides apart. */
		json_add_string(json, "id", colo_role_name(summary->session->role));
		json_end_object(json);
		json_free(json);
	}
}
