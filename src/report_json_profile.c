/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Profiles as JSON; docs/output.md documents every member.
 */
#include "report_json_profile.h"

/* FRAME_CUT is no function. */
static const char *const frame_kinds[FRAME_N_KINDS] = {
	[FRAME_USER] = "user",
	[FRAME_KERNEL] = "kernel",
	[FRAME_INLINED] = "inlined",
	[FRAME_UNRESOLVED] = "unresolved",
};

static const char *const dso_states[DSO_N_STATES] = {
	[DSO_OK] = "ok",
	[DSO_ONLY_EXPORTED] = "only_exported",
	[DSO_NO_FILE] = "no_file",
	[DSO_OTHER_BUILD_ID] = "other_build_id",
	[DSO_NOT_CHECKED] = "not_checked",
	[DSO_UNREADABLE] = "unreadable",
	[DSO_TOO_LARGE] = "too_large",
	[DSO_NO_SYMBOLS] = "no_symbols",
	[DSO_NOTHING] = "no_file_behind_it",
};

static void add_unresolved(struct json *json, const struct unresolved_file *unresolved)
{
	json_begin_object(json, NULL);
	json_add_int(json, "recording", unresolved->source);
	json_add_string(json, "module", unresolved->dso ? dso_name(unresolved->dso) : NULL);
	json_add_string(json, "path", unresolved->dso ? dso_path(unresolved->dso) : NULL);
	json_add_string(json, "state",
			unresolved->dso ? dso_states[dso_state(unresolved->dso)] : "not_mapped");
	json_add_string(json, "problem", unresolved->dso ? dso_problem(unresolved->dso) : NULL);
	json_add_int(json, "samples", (int64_t)unresolved->samples);
	json_end_object(json);
}

void report_json_add_samples(struct json *json, const struct report *report)
{
	const struct phase_profiles *profiles = report->profiles;

	if (!profiles || !profiles->event) {
		json_add_null(json, "samples");
		return;
	}
	json_begin_object(json, "samples");
	json_add_string(json, "event", profiles->event);
	json_add_bool(json, "has_time", profiles->has_time);
	json_add_bool(json, "has_call_chains", profiles->has_chains);
	json_add_int(json, "total", (int64_t)profiles->samples);
	json_add_int(json, "outside", (int64_t)profiles->samples_outside);
	json_add_int(json, "without_time", (int64_t)profiles->samples_without_time);
	json_add_int(json, "bad_periods", (int64_t)profiles->bad_periods);
	json_add_int(json, "not_unwound", (int64_t)profiles->samples_not_unwound);
	json_begin_array(json, "unresolved");
	for (guint i = 0; i < profiles->unresolved->len; i++)
		add_unresolved(json,
			       &g_array_index(profiles->unresolved, struct unresolved_file, i));
	json_end_array(json);
	json_end_object(json);
}

static void add_thread(struct json *json, const struct thread_share *thread)
{
	json_begin_object(json, NULL);
	json_add_int(json, "tid", thread->tid);
	json_add_string(json, "name", thread->name);
	json_add_int(json, "samples", (int64_t)thread->samples);
	json_add_value(json, "on_cpu_ns", thread->on_cpu_ns);
	json_end_object(json);
}

static void add_function(struct json *json, const struct stack_table *stacks,
			 const struct function_share *share)
{
	const struct frame *frame = stack_table_get_frame(stacks, share->frame);

	json_begin_object(json, NULL);
	json_add_string(json, "name", frame->name);
	json_add_string(json, "module", frame->module);
	json_add_string(json, "kind", frame_kinds[frame->kind]);
	json_add_int(json, "self", (int64_t)share->self);
	json_add_int(json, "total", (int64_t)share->total);
	json_end_object(json);
}

static void add_part(struct json *json, const struct report *report,
		     const struct part_profile *part)
{
	json_begin_object(json, NULL);
	json_add_string(json, "phase", colo_part_name(part->part));
	json_add_int(json, "checkpoints", (int64_t)part->n_checkpoints);
	json_add_int(json, "wall_ns", part->wall_ns);
	json_add_value(json, "on_cpu_ns", part->on_cpu_ns);
	json_add_value(json, "off_cpu_ns", part->off_cpu_ns);
	json_add_bool(json, "few_samples", part->few_samples);
	json_add_int(json, "samples", (int64_t)part->samples);
	json_add_int(json, "frames", (int64_t)part->frames);
	json_add_int(json, "unresolved_frames", (int64_t)part->unresolved_frames);
	json_add_int(json, "cut_samples", (int64_t)part->cut_samples);
	json_begin_array(json, "other_threads");
	for (guint i = 0; i < part->others->len; i++)
		add_thread(json, &g_array_index(part->others, struct thread_share, i));
	json_end_array(json);
	json_begin_array(json, "functions");
	for (guint i = 0; i < part->functions->len; i++)
		add_function(json, report->profiles->stacks,
			     &g_array_index(part->functions, struct function_share, i));
	json_end_array(json);
	json_end_object(json);
}

void report_json_add_profiles(struct json *json, const struct report *report,
			      const struct colo_session *session)
{
	const struct session_profile *profile =
		report->profiles ? phase_profiles_find(report->profiles, session) : NULL;

	json_begin_array(json, "profiles");
	for (unsigned int part = 0; profile && report->profiles->event && part < COLO_N_PARTS;
	     part++)
		if (colo_role_has_part(session->role, part))
			add_part(json, report, &profile->parts[part]);
	json_end_array(json);
}
