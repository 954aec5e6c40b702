/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds what makes the numbers of a report less than they seem.
 */
#include "warnings.h"

#include "unresolved.h"

#include <inttypes.h>

static void warning_free(gpointer data)
{
	struct warning *warning = data;

	g_free(warning->message);
	g_free(warning);
}

static void add(GPtrArray *warnings, const char *code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void add(GPtrArray *warnings, const char *code, const char *format, ...)
{
	struct warning *warning = g_new0(struct warning, 1);
	va_list args;

	warning->code = code;
	va_start(args, format);
	warning->message = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(warnings, warning);
}

static void add_of_file(GPtrArray *warnings, const struct recording *file)
{
	if (file->damage)
		add(warnings, "damaged", "%s is damaged: %s; what could be read is reported",
		    file->path, file->damage);
	if (file->formats_from)
		add(warnings, "formats_elsewhere",
		    "%s lost the formats of its probes; those in %s were taken, %s", file->path,
		    file->formats_from,
		    file->formats_checked
			    ? "which have the probes where the hits come from"
			    : "which cannot be checked: they have to be those of the machine that "
			      "recorded, as they were then");
	if (file->sampled_probes->len)
		add(warnings, "probes_sampled",
		    "%s: %u of %u probes were sampled, not counted (%s, ...): perf record's -F or "
		    "-c applied to them, and hits are missing without a trace. Give the rate to "
		    "the sampling event alone: -e 'sdt_qemu:colo_*' -e cpu-clock/freq=997/",
		    file->path, file->sampled_probes->len, file->n_probes,
		    (char *)file->sampled_probes->pdata[0]);
	if (file->n_lost_records)
		add(warnings, "lost_records",
		    "%s: perf lost %" PRIu64 " events as its buffer was full; probe hits may be "
		    "among them. Record with a larger buffer (-m)",
		    file->path, file->n_lost_records);
	if (file->n_lost_samples)
		add(warnings, "lost_samples",
		    "%s: the kernel dropped %" PRIu64 " samples, of which %" PRIu64
		    " are known to be hits of probes%s",
		    file->path, file->n_lost_samples, file->n_lost_hits,
		    file->file ? "" : ", in these processes or in others that run the same file");
	if (file->n_lost_reads > file->n_lost_samples)
		add(warnings, "lost_reads",
		    "%s: by the counts that were read with the samples (PERF_FORMAT_LOST) the "
		    "kernel lost %" PRIu64 " samples, of which %" PRIu64
		    " are known to be hits of probes",
		    file->path, file->n_lost_reads, file->n_lost_hits);
	if (file->n_throttled)
		add(warnings, "throttled",
		    "%s: the kernel stopped a sampling event %" PRIu64 " times for a while, as it "
		    "took too long; samples are missing, and the time on CPU is too small. Lower "
		    "the rate, or raise the sysctl kernel.perf_event_max_sample_rate there, which "
		    "the kernel lowers by itself unless kernel.perf_cpu_time_max_percent is 0",
		    file->path, file->n_throttled);
	if (file->n_unknown_samples)
		add(warnings, "unknown_samples",
		    "%s: %" PRIu64 " samples belong to no event of the recording", file->path,
		    file->n_unknown_samples);
	if (file->n_unknown_records)
		add(warnings, "unknown_records",
		    "%s: %" PRIu64 " records were passed over, as their type is not known here "
		    "(such as %" PRIu32 "): a newer perf or kernel wrote them, or they are damaged",
		    file->path, file->n_unknown_records, file->unknown_record_type);
	if (file->n_unread_records)
		add(warnings, "unread_records",
		    "%s: %" PRIu64
		    " records of a kind that numbers depend on were passed over (%s): "
		    "samples that the hardware wrote into its own trace (aux-output) are missing. "
		    "Record without it",
		    file->path, file->n_unread_records, perf_record_name(file->unread_record_type));
	if (file->n_bad_hits)
		add(warnings, "bad_hits",
		    "%s: %" PRIu64 " of %" PRIu64 " probe hits are too short for their arguments "
		    "and were left out",
		    file->path, file->n_bad_hits, file->n_probe_hits);
	if (file->n_hits_left_out || file->n_records_left_out)
		add(warnings, "left_out",
		    "%s: %" PRIu64 " probe hits and %" PRIu64
		    " records of processes were left out: it holds more of them than perf can put "
		    "into %" PRIu64 " bytes. What stands in front of them is reported",
		    file->path, file->n_hits_left_out, file->n_records_left_out,
		    perf_file_size_bytes(file->file));
	if (file->other_probes->len)
		add(warnings, "other_probes",
		    "%s: %u probes are not known here or have other arguments (%s, ...): QEMU was "
		    "built with another version of sdt-probes.patch",
		    file->path, file->other_probes->len, (char *)file->other_probes->pdata[0]);
	if (file->foreign_events->len)
		add(warnings, "foreign_events",
		    "%s: %u sdt_qemu events are none of COLO's (%s, ...) and were recorded for "
		    "nothing: 'sdt_qemu:*' takes all that is registered by that name on the "
		    "machine, 'sdt_qemu:colo_*' what is needed",
		    file->path, file->foreign_events->len, (char *)file->foreign_events->pdata[0]);
}

/* Hits that came through more than one event. */
static void add_duplicates(GPtrArray *warnings, const struct recording *file, uint64_t n)
{
	if (n)
		add(warnings, "duplicate_hits",
		    "%s: %" PRIu64 " of %" PRIu64 " probe hits were recorded again through another "
		    "event of the same probe and count once: the probes are registered twice (see "
		    "perf probe -l), or two -e name them",
		    file->path, n, file->n_probe_hits);
}

/* "seq 4 to 6", "seq 4 to 6, ..." when there are others. */
static void add_missing(GPtrArray *warnings, const struct colo_session *session)
{
	const uint64_t n = session->anomalies.missing_checkpoints;
	const uint64_t first = session->first_missing_seq, last = session->last_missing_seq;
	g_autofree char *to = last > first ? g_strdup_printf(" to %" PRIu64, last) : NULL;

	if (n)
		add(warnings, "missing_checkpoints",
		    "%s, pid %" PRIu32 ": %" PRIu64 " checkpoint%s of this session %s not in the "
		    "recording (seq %" PRIu64 "%s%s): their hits are lost, and no number knows of "
		    "them",
		    colo_role_name(session->role), session->pid, n, n == 1 ? "" : "s",
		    n == 1 ? "is" : "are", first, to ? to : "",
		    n > last - first + 1 ? ", ..." : "");
}

static void add_of_session(GPtrArray *warnings, const struct colo_session *session)
{
	static const char left_out[] = "they enter no statistic";
	const struct {
		uint64_t n;
		const char *code, *what, *effect;
	} rows[] = {
		{session->anomalies.begins_without_end, "begins_without_end",
		 "phases that began and never ended", left_out},
		{session->anomalies.ends_without_begin, "ends_without_begin",
		 "phases that ended and never began", left_out},
		{session->anomalies.negative_durations, "negative_durations",
		 "phases that end before they begin, or last for months", left_out},
		{session->anomalies.repeated, "repeated", "begins or ends that came again",
		 left_out},
		{session->anomalies.missing, "missing_phases",
		 "phases of complete checkpoints that were not seen", left_out},
		{session->anomalies.overlapping, "overlapping", "checkpoints whose phases overlap",
		 "their `other` is not known"},
	};

	add_missing(warnings, session);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].n)
			add(warnings, rows[i].code, "%s, pid %" PRIu32 ": %s: %" PRIu64 "; %s",
			    colo_role_name(session->role), session->pid, rows[i].what, rows[i].n,
			    rows[i].effect);
}

/* Adds the name to the list if the total of the distribution did not fit. */
static void add_saturated(GString *names, const char *name, const struct distribution *distribution)
{
	if (distribution->total == INT64_MAX)
		g_string_append_printf(names, "%s%s", names->len ? ", " : "", name);
}

/* Totals that are only a lower bound. */
static void add_of_sums(GPtrArray *warnings, const struct colo_summary *summary)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < summary->n_rows; i++)
		add_saturated(names, summary->rows[i].name, &summary->rows[i].ns);
	for (guint i = 0; i < summary->n_amounts; i++)
		add_saturated(names, colo_amount_name(summary->amounts[i].amount),
			      &summary->amounts[i].units);
	if (names->len)
		add(warnings, "totals_too_large",
		    "%s, pid %" PRIu32 ": the total of %s is larger than the %" PRId64
		    " that is shown: durations of months, or amounts of pebibytes, are damage",
		    colo_role_name(summary->session->role), summary->session->pid, names->str,
		    INT64_MAX);
}

#define MOST_FILES 10 /* whose missing names are told one by one */

/* What it is not worth to say less of: 0.5 % of the COLO threads' samples. */
static bool is_much(const struct phase_profiles *profiles, uint64_t samples)
{
	return samples && samples >= profiles->colo_samples / 200;
}

/* Of a file that hardly matters it is enough that its frames are counted. */
static bool is_worth_saying(const struct phase_profiles *profiles,
			    const struct unresolved_file *file)
{
	return file->what.kind == UNRESOLVED_IN_FILE &&
	       (dso_state(file->what.dso) == DSO_OTHER_BUILD_ID ||
		is_much(profiles, file->samples));
}

/* The files whose functions have no name, with what stands in the way. */
static void add_of_files(GPtrArray *warnings, const struct recordings *recordings,
			 const struct phase_profiles *profiles)
{
	guint n = 0;

	for (guint i = 0; i < profiles->unresolved->len; i++) {
		const struct unresolved_file *unresolved =
			&g_array_index(profiles->unresolved, struct unresolved_file, i);
		const struct recording *file = recordings->files->pdata[unresolved->source];
		struct dso *dso = unresolved->what.dso;
		const char *problem =
			is_worth_saying(profiles, unresolved) ? dso_problem(dso) : NULL;

		if (problem && n++ < MOST_FILES)
			add(warnings, "no_symbols",
			    "%s: functions of %s have no name, in %" PRIu64 " sample%s: %s",
			    file->path, dso_name(dso), unresolved->samples,
			    unresolved->samples == 1 ? "" : "s", problem);
	}
	if (n > MOST_FILES)
		add(warnings, "no_symbols", "functions of %u more files have no name; see --json",
		    n - MOST_FILES);
}

/* The same of addresses that are in no file. */
static void add_of_no_file(GPtrArray *warnings, const struct recordings *recordings,
			   const struct phase_profiles *profiles)
{
	static const struct {
		enum unresolved_kind kind;
		const char *code, *what;
	} rows[] = {
		{UNRESOLVED_USER, "not_mapped", "addresses of user code"},
		{UNRESOLVED_KERNEL, "not_mapped_kernel", "addresses of the kernel"},
		{UNRESOLVED_GENERATED, "generated_code", "functions in memory without a file"},
	};

	for (guint source = 0; source < recordings->files->len; source++) {
		const struct recording *file = recordings->files->pdata[source];
		const uint64_t *samples = profiles->unresolved_samples[source].samples;

		for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
			const struct unresolved what = {.kind = rows[i].kind};
			const uint64_t n = samples[what.kind];
			g_autofree char *problem = NULL;

			if (!is_much(profiles, n))
				continue;
			problem = unresolved_problem(&what, profiles, recordings, source);
			add(warnings, rows[i].code,
			    "%s: %s have no name, in %" PRIu64 " sample%s (%.1f%%): %s", file->path,
			    rows[i].what, n, n == 1 ? "" : "s",
			    100 * (double)n / (double)profiles->colo_samples, problem);
		}
	}
}

/* What the tables of stacks could not tell apart. */
static void add_of_stacks(GPtrArray *warnings, const struct stack_table *stacks)
{
	if (stack_table_has_merged_frames(stacks))
		add(warnings, "many_unnamed",
		    "more than %u different addresses have no name; the rest of them are counted "
		    "together, as one for each file. Give the files their symbols",
		    stack_usual_limits.n_unnamed);
	if (stack_table_has_merged_stacks(stacks))
		add(warnings, "many_stacks",
		    "there are more than %u different call stacks; the rest of them are counted "
		    "as [too many stacks]. Choose fewer checkpoints (--checkpoints) or one phase",
		    stack_usual_limits.n_stacks);
}

/* With --inline: the files of which nothing tells what was inlined. */
static void add_of_inlines(GPtrArray *warnings, const struct recording *file)
{
	guint n = 0;

	for (guint i = 0; i < dso_table_count(file->dsos); i++) {
		struct dso *dso = dso_table_peek(file->dsos, i);
		const char *problem = dso ? dso_inline_problem(dso) : NULL;

		if (problem && n++ < MOST_FILES)
			add(warnings, "no_inlines",
			    "%s: inlined functions of %s may be missing: %s", file->path,
			    dso_name(dso), problem);
	}
	if (n > MOST_FILES)
		add(warnings, "no_inlines", "%s: inlined functions of %u more files may be missing",
		    file->path, n - MOST_FILES);
}

/* What keeps the samples from telling the time on CPU, or who called whom. */
static void add_of_event(GPtrArray *warnings, const struct phase_profiles *profiles)
{
	if (profiles->is_partial)
		add(warnings, "partial_event",
		    "%s was sampled in user code alone or in the kernel alone: the time on CPU is "
		    "not known. Record as root, without :u and :k",
		    profiles->event);
	if (profiles->bad_periods)
		add(warnings, "bad_periods",
		    "%" PRIu64 " of %" PRIu64 " samples of %s have a period of 1 s or more, which "
		    "cannot be; they count, but stand for no time on CPU",
		    profiles->bad_periods, profiles->samples, profiles->event);
	if (profiles->samples && !profiles->has_chains)
		add(warnings, "no_call_chains",
		    "the samples of %s carry no call chains: functions have a self, but no "
		    "callers. Give the event call-graph=fp, as in -e "
		    "cpu-clock/freq=997,call-graph=fp/",
		    profiles->event);
	if (profiles->has_branches)
		add(warnings, "lbr_not_used",
		    "the callers that --call-graph lbr recorded are not used: functions of "
		    "programs "
		    "have no callers. Record with --call-graph fp or dwarf");
	if (profiles->samples_without_callers)
		add(warnings, "without_callers",
		    "%" PRIu64 " of %" PRIu64 " samples whose callers the kernel was to record "
		    "later (--call-graph fp,defer) have none: they were lost, or the recording "
		    "ended before; they are shown below [cut off]",
		    profiles->samples_without_callers, profiles->samples_deferred);
	if (profiles->samples_unknown_context)
		add(warnings, "unknown_contexts",
		    "the call chains of %" PRIu64 " samples have marks that are not known here: a "
		    "newer kernel recorded them, or a chain by frame pointer led astray; what is "
		    "behind such a mark is shown as [unknown context]",
		    profiles->samples_unknown_context);
	if (profiles->samples_too_much)
		add(warnings, "unwinding_given_up",
		    "unwinding the stacks of %" PRIu64
		    " samples (--call-graph dwarf) took more work than a program's tables need, "
		    "and was given up; they are cut off there. A file that was mapped has tables "
		    "that are damaged, or made to take long",
		    profiles->samples_too_much);
	if (profiles->samples_not_unwound)
		add(warnings, "not_unwound",
		    "%" PRIu64
		    " samples have a copy of the stack (--call-graph dwarf) of a machine "
		    "that is not x86_64, which is not unwound: their callers are missing",
		    profiles->samples_not_unwound);
}

static void add_of_samples(GPtrArray *warnings, const struct recordings *recordings,
			   const struct phase_profiles *profiles)
{
	if (!profiles->event)
		return;
	for (guint i = 0; i < recordings->files->len; i++)
		if (!profiles->is_sampled[i])
			add(warnings, "event_missing",
			    "%s: has no samples of %s; there is no profile of it",
			    ((const struct recording *)recordings->files->pdata[i])->path,
			    profiles->event);
	if (profiles->samples_without_time)
		add(warnings, "samples_without_time",
		    "%" PRIu64 " of %" PRIu64 " samples of %s carry no time or no thread, so it is "
		    "not known which phase they belong to; record with perf record -T",
		    profiles->samples_without_time, profiles->samples, profiles->event);
	add_of_event(warnings, profiles);
	add_of_files(warnings, recordings, profiles);
	add_of_no_file(warnings, recordings, profiles);
	add_of_stacks(warnings, profiles->stacks);
	for (guint i = 0; i < recordings->files->len; i++)
		add_of_inlines(warnings, g_ptr_array_index(recordings->files, i));
}

GPtrArray *warnings_of(const struct recordings *recordings, const GPtrArray *summaries,
		       const struct phase_profiles *profiles)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(warning_free);
	const GPtrArray *sessions = colo_model_sessions(recordings->model);
	uint64_t invalid = colo_model_invalid_hits(recordings->model);
	uint64_t left_out = colo_model_hits_left_out(recordings->model);

	for (guint i = 0; i < recordings->files->len; i++) {
		const struct recording *file = g_ptr_array_index(recordings->files, i);

		add_of_file(warnings, file);
		add_duplicates(warnings, file, colo_model_duplicate_hits(recordings->model, i));
	}
	for (guint i = 0; i < sessions->len; i++)
		add_of_session(warnings, g_ptr_array_index(sessions, i));
	for (guint i = 0; summaries && i < summaries->len; i++)
		add_of_sums(warnings, g_ptr_array_index(summaries, i));
	if (invalid)
		add(warnings, "invalid_hits",
		    "%" PRIu64 " probe hits name neither primary nor secondary, or no checkpoint, "
		    "and were left out",
		    invalid);
	if (left_out)
		add(warnings, "left_out",
		    "%" PRIu64 " probe hits were left out, of sessions behind the first %d, or of "
		    "checkpoints behind the first %d and one more for each %d hits",
		    left_out, COLO_MOST_SESSIONS, COLO_MOST_CHECKPOINTS, COLO_HITS_A_CHECKPOINT);
	if (profiles)
		add_of_samples(warnings, recordings, profiles);
	return warnings;
}
