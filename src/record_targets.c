/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether a program has probes is asked here of those that a name matches only.
 */
#include "record_targets.h"

#include "base/error.h"
#include "input.h"
#include "probes/program_probes.h"
#include "probes/trust.h"

bool record_fail(GError **error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_propagate_error(error,
			  g_error_new_valist(COLO_PERF_ERROR, COLO_PERF_ERROR_IO, format, args));
	va_end(args);
	return false;
}

/* What is found. */
struct targets {
	const struct record_wanted *wanted; /* Weak */
	GArray *pids;			    /* Weak: pid_t */
	GPtrArray *programs;		    /* Weak: struct program (owned) */
};

static void add_program(GPtrArray *programs, struct program *program)
{
	for (guint i = 0; i < programs->len; i++) {
		const struct program *other = g_ptr_array_index(programs, i);

		if (other->status.st_dev == program->status.st_dev &&
		    other->status.st_ino == program->status.st_ino) {
			program_free(program);
			return;
		}
	}
	g_ptr_array_add(programs, program);
}

/* Takes the program over, also when it fails. */
static bool add_process(struct targets *targets, pid_t pid, struct program *program, GError **error)
{
	if (!targets->wanted->trust_program && !trust_check_process(program, pid, error)) {
		program_free(program);
		return false;
	}
	if (!pids_have(targets->pids, pid))
		g_array_append_val(targets->pids, pid);
	add_program(targets->programs, program);
	return true;
}

static bool add_number(struct targets *targets, pid_t pid, GError **error)
{
	struct program *program;

	if (pids_have(targets->pids, pid))
		return true;
	program = program_of_process(pid, error);
	return program && add_process(targets, pid, program, error);
}

/* Of what has the name on its command line, those that have probes: not what started a QEMU. */
static bool add_name(struct targets *targets, const char *name, GError **error)
{
	g_autoptr(GArray) found = processes_called(name);
	g_autoptr(GError) first = NULL;
	bool added = false;

	for (guint i = 0; i < found->len; i++) {
		pid_t pid = g_array_index(found, pid_t, i);
		struct program *program = program_of_process(pid, first ? NULL : &first);

		if (!program || !program_has_probes(program, first ? NULL : &first))
			program_free(program);
		else if (add_process(targets, pid, program, error))
			added = true;
		else
			return false;
	}
	if (added)
		return true;
	if (!first)
		return record_fail(error,
				   "no process runs with -name %s on its command line: give the "
				   "pid of a running QEMU with -p",
				   name);
	g_propagate_prefixed_error(error, g_steal_pointer(&first), "--name %s: ", name);
	return false;
}

static bool add_file(const char *path, GPtrArray *programs, GError **error)
{
	struct program *program = program_at(path, error);

	if (program)
		add_program(programs, program);
	return program != NULL;
}

/* As execvp() will find it. Whoever has it run by us trusts it with more than probes. */
static bool add_command(const char *command, GPtrArray *programs, GError **error)
{
	g_autofree char *path = g_find_program_in_path(command);

	if (!path)
		return record_fail(error, "cannot run %s: there is no such program", command);
	return add_file(path, programs, error);
}

/* Whoever else runs the programs is recorded as well. */
static bool check_all_processes(const struct targets *targets, GError **error)
{
	for (guint i = 0; i < targets->programs->len; i++)
		if (!trust_check_all_processes(g_ptr_array_index(targets->programs, i), error))
			return false;
	return true;
}

bool record_find_targets(const struct record_wanted *wanted, GArray *pids, GPtrArray *programs,
			 GError **error)
{
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(pid_t));
	struct targets targets = {.wanted = wanted, .pids = pids, .programs = programs};

	if (!input_parse_pids(wanted->numbers, numbers, error))
		return false;
	for (guint i = 0; i < numbers->len; i++)
		if (!add_number(&targets, g_array_index(numbers, pid_t, i), error))
			return false;
	for (const char *const *name = wanted->names; name && *name; name++)
		if (!add_name(&targets, *name, error))
			return false;
	if (wanted->command && !add_command(wanted->command, programs, error))
		return false;
	if (wanted->binary && !add_file(wanted->binary, programs, error))
		return false;
	return !wanted->all_processes || wanted->trust_program ||
	       check_all_processes(&targets, error);
}
