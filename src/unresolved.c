/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The reasons for which functions have no name: those of files are the files' own.
 */
#include "unresolved.h"

#include <inttypes.h>

static const char *const file_states[DSO_N_STATES] = {
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

const char *unresolved_state(const struct unresolved *what)
{
	switch (what->kind) {
	case UNRESOLVED_USER:
		return "not_mapped";
	case UNRESOLVED_KERNEL:
		return "not_mapped_kernel";
	case UNRESOLVED_ELSEWHERE:
		return "elsewhere";
	default:
		return file_states[dso_state(what->dso)];
	}
}

/* A process of the recording's sessions of which no mapping is known; false: there is none. */
static bool find_unmapped_process(const struct phase_profiles *profiles,
				  const struct recording *recording, guint source, uint32_t *pid)
{
	for (guint i = 0; i < profiles->sessions->len; i++) {
		const struct session_profile *session = profiles->sessions->pdata[i];

		*pid = session->session->pid;
		if (session->session->source == source &&
		    !tasks_have_mappings(recording->tasks, *pid))
			return true;
	}
	return false;
}

static char *problem_of_user(const struct phase_profiles *profiles,
			     const struct recording *recording, guint source)
{
	uint32_t pid;

	if (find_unmapped_process(profiles, recording, source, &pid))
		return g_strdup_printf(
			"the recording does not say what process %" PRIu32
			" had mapped; record without perf's --synth=no, or begin before the "
			"process starts",
			pid);
	if (recording->n_lost_records)
		return g_strdup("nothing is known to be mapped there, and events were lost, "
				"mappings perhaps among them; record with a larger buffer (-m)");
	return g_strdup("nothing is known to be mapped there: call chains by frame pointer lead "
			"astray where code keeps none; record with --call-graph dwarf");
}

static char *problem_of_kernel(const struct recording *recording)
{
	if (!tasks_have_mappings(recording->tasks, PERF_KERNEL_PID))
		return g_strdup("the recording does not say where the kernel was: perf was not "
				"permitted to see its addresses; record as root");
	return g_strdup("they lie outside of the kernel and the modules that the recording knows, "
			"as code does that the kernel makes while it runs (BPF programs, "
			"trampolines); record as root, without --no-bpf-event");
}

char *unresolved_problem(const struct unresolved *what, const struct phase_profiles *profiles,
			 const struct recordings *recordings, guint source)
{
	const struct recording *recording = recordings->files->pdata[source];

	switch (what->kind) {
	case UNRESOLVED_USER:
		return problem_of_user(profiles, recording, source);
	case UNRESOLVED_KERNEL:
		return problem_of_kernel(recording);
	case UNRESOLVED_GENERATED:
		return g_strdup("the program made this code while it ran, so no file has its "
				"names; QEMU makes none with KVM, and perf inject --jit adds the "
				"names that its -jitdump wrote");
	case UNRESOLVED_IN_FILE:
		return g_strdup(dso_problem(what->dso));
	default:
		return NULL;
	}
}
