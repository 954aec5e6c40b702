/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds what makes the numbers of a report less than they seem.
 */
#include "warnings.h"

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
		    "the sampling event alone: -e 'sdt_qemu:*' -e cpu-clock/freq=997/",
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
		    "the rate, or raise kernel.perf_cpu_time_max_percent",
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
	if (file->n_bad_hits)
		add(warnings, "bad_hits",
		    "%s: %" PRIu64 " of %" PRIu64 " probe hits are too short for their arguments "
		    "and were left out",
		    file->path, file->n_bad_hits, file->n_probe_hits);
	if (file->other_probes->len)
		add(warnings, "other_probes",
		    "%s: %u probes are not known here or have other arguments (%s, ...): QEMU was "
		    "built with another version of sdt-probes.patch",
		    file->path, file->other_probes->len, (char *)file->other_probes->pdata[0]);
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

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].n)
			add(warnings, rows[i].code, "%s, pid %" PRIu32 ": %s: %" PRIu64 "; %s",
			    colo_role_name(session->role), session->pid, rows[i].what, rows[i].n,
			    rows[i].effect);
}

#define MOST_FILES 10 /* whose missing names are told one by one */

/*
 * Memory without a file (code made at run time) has no names, and nothing can be done
 * about it. Of a file that hardly matters it is enough that its frames are counted.
 */
static bool is_worth_saying(const struct phase_profiles *profiles,
			    const struct unresolved_file *file)
{
	if (!file->dso || dso_kind(file->dso) == DSO_ANONYMOUS)
		return false;
	return dso_state(file->dso) == DSO_OTHER_BUILD_ID ||
	       file->samples >= profiles->colo_samples / 200;
}

/* The files whose functions have no name, with what stands in the way. */
static void add_of_symbols(GPtrArray *warnings, const struct recordings *recordings,
			   const struct phase_profiles *profiles)
{
	guint n = 0;

	for (guint i = 0; i < profiles->unresolved->len; i++) {
		const struct unresolved_file *unresolved =
			&g_array_index(profiles->unresolved, struct unresolved_file, i);
		const struct recording *file = recordings->files->pdata[unresolved->source];
		const char *problem =
			is_worth_saying(profiles, unresolved) ? dso_problem(unresolved->dso) : NULL;

		if (problem && n++ < MOST_FILES)
			add(warnings, "no_symbols",
			    "%s: functions of %s have no name, in %" PRIu64 " sample%s: %s",
			    file->path, dso_name(unresolved->dso), unresolved->samples,
			    unresolved->samples == 1 ? "" : "s", problem);
	}
	if (n > MOST_FILES)
		add(warnings, "no_symbols", "functions of %u more files have no name; see --json",
		    n - MOST_FILES);
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
			    "%s: inlined functions of %s are not shown, or not all: %s", file->path,
			    dso_name(dso), problem);
	}
	if (n > MOST_FILES)
		add(warnings, "no_inlines",
		    "%s: inlined functions of %u more files are not shown, or not all", file->path,
		    n - MOST_FILES);
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
	add_of_symbols(warnings, recordings, profiles);
	for (guint i = 0; i < recordings->files->len; i++)
		add_of_inlines(warnings, g_ptr_array_index(recordings->files, i));
}

GPtrArray *warnings_of(const struct recordings *recordings, const struct phase_profiles *profiles)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(warning_free);
	const GPtrArray *sessions = colo_model_sessions(recordings->model);
	uint64_t invalid = colo_model_invalid_hits(recordings->model);

	for (guint i = 0; i < recordings->files->len; i++)
		add_of_file(warnings, g_ptr_array_index(recordings->files, i));
	for (guint i = 0; i < sessions->len; i++)
		add_of_session(warnings, g_ptr_array_index(sessions, i));
	if (invalid)
		add(warnings, "invalid_hits",
		    "%" PRIu64 " probe hits name neither primary nor secondary, or no checkpoint, "
		    "and were left out",
		    invalid);
	if (profiles)
		add_of_samples(warnings, recordings, profiles);
	return warnings;
}
