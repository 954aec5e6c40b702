/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Profiles as JSON; docs/output.md documents every member.
 */
#include "report_json_profile.h"

#include "unresolved.h"

/* FRAME_CUT is no function. */
static const char *const frame_kinds[FRAME_N_KINDS] = {
	[FRAME_USER] = "user",
	[FRAME_KERNEL] = "kernel",
	[FRAME_INLINED] = "inlined",
	[FRAME_UNRESOLVED] = "unresolved",
};

static void add_unresolved(struct json *json, const struct report *report,
			   const struct unresolved_file *unresolved)
{
	const struct dso *dso = unresolved->what.dso;
	g_autofree char *problem = unresolved_problem(&unresolved->what, report->profiles,
						      report->recordings, unresolved->source);

	json_begin_object(json, NULL);
	json_add_int(json, "recording", unresolved->source);
	json_add_string(json, "module", dso ? dso_name(dso) : NULL);
	json_add_string(json, "path", dso ? dso_path(dso) : NULL);
	json_add_string(json, "state", unresolved_state(&unresolved->what));
	json_add_string(json, "problem", problem);
	json_add_uint(json, "samples", unresolved->samples);
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
	json_add_uint(json, "total", profiles->samples);
	json_add_uint(json, "outside", profiles->samples_outside);
	json_add_uint(json, "without_time", profiles->samples_without_time);
	json_add_uint(json, "bad_periods", profiles->bad_periods);
	json_add_uint(json, "not_unwound", profiles->samples_not_unwound);
	json_add_uint(json, "unwinding_given_up", profiles->samples_too_much);
	json_add_uint(json, "unknown_context", profiles->samples_unknown_context);
	json_add_uint(json, "deferred", profiles->samples_deferred);
	json_add_uint(json, "without_callers", profiles->samples_without_callers);
	json_begin_array(json, "unresolved");
	for (guint i = 0; i < profiles->unresolved->len; i++)
		add_unresolved(json, report,
			       &g_array_index(profiles->unresolved, struct unresolved_file, i));
	json_end_array(json);
	json_end_object(json);
}

static void add_thread(struct json *json, const struct thread_share *thread)
{
	json_begin_object(json, NULL);
	json_add_int(json, "tid", thread->tid);
	json_add_string(json, "name", thread->name);
	json_add_uint(json, "samples", thread->samples);
	json_add_value(json, "on_cpu_ns", thread->on_cpu_ns);
	json_end_object(json);
}

static void add_function(struct json *json, const struct stack_table *stacks,
			 const struct function_share *share)
{
	const struct frame *frame = stack_table_get_frame(stacks, share->frame);
	g_autofree char *name = frame_name(frame);

	json_begin_object(json, NULL);
	json_add_string(json, "name", name);
	json_add_string(json, "module", frame->module);
	json_add_string(json, "kind", frame_kinds[frame->kind]);
	json_add_uint(json, "self", share->self);
	json_add_uint(json, "total", share->total);
	json_end_object(json);
}

static void add_part(struct json *json, const struct report *report,
		     const struct part_profile *part)
{
	json_begin_object(json, NULL);
	json_add_string(json, "phase", colo_part_name(part->part));
	json_add_uint(json, "checkpoints", part->n_checkpoints);
	json_add_int(json, "wall_ns", part->wall_ns);
	json_add_value(json, "on_cpu_ns", part->on_cpu_ns);
	json_add_value(json, "off_cpu_ns", part->off_cpu_ns);
	json_add_bool(json, "few_samples", part->few_samples);
	json_add_uint(json, "samples", part->samples);
	json_add_uint(json, "frames", part->frames);
	json_add_uint(json, "unresolved_frames", part->unresolved_frames);
	json_add_uint(json, "cut_samples", part->cut_samples);
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
