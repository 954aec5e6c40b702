/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether a program has probes is asked here of those that a name matches only.
 */
#include "record_targets.h"

#include "base/error.h"
#include "input.h"
#include "probes/registration.h"

bool record_fail(GError **error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_propagate_error(error,
			  g_error_new_valist(COLO_PERF_ERROR, COLO_PERF_ERROR_IO, format, args));
	va_end(args);
	return false;
}

static void add_program(GPtrArray *programs, struct program *program)
{
	for (guint i = 0; i < programs->len; i++) {
		const struct program *other = g_ptr_array_index(programs, i);

		if (other->device == program->device && other->inode == program->inode) {
			program_free(program);
			return;
		}
	}
	g_ptr_array_add(programs, program);
}

static bool add_number(pid_t pid, GArray *pids, GPtrArray *programs, GError **error)
{
	struct program *program;

	if (pids_have(pids, pid))
		return true;
	program = program_of_process(pid, error);
	if (!program)
		return false;
	g_array_append_val(pids, pid);
	add_program(programs, program);
	return true;
}

/* Of what has the name on its command line, those that have probes: not what started a QEMU. */
static bool add_name(const char *name, GArray *pids, GPtrArray *programs, GError **error)
{
	g_autoptr(GArray) found = processes_called(name);
	g_autoptr(GError) first = NULL;
	bool added = false;

	for (guint i = 0; i < found->len; i++) {
		pid_t pid = g_array_index(found, pid_t, i);
		struct program *program = program_of_process(pid, first ? NULL : &first);

		if (program && registration_check_program(program, first ? NULL : &first)) {
			if (!pids_have(pids, pid))
				g_array_append_val(pids, pid);
			add_program(programs, program);
			added = true;
		} else {
			program_free(program);
		}
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

/* As execvp() will find it. */
static bool add_command(const char *command, GPtrArray *programs, GError **error)
{
	g_autofree char *path = g_find_program_in_path(command);
	struct program *program;

	if (!path)
		return record_fail(error, "cannot run %s: there is no such program", command);
	program = program_at(path, error);
	if (!program)
		return false;
	add_program(programs, program);
	return true;
}

bool record_find_targets(const char *const *numbers, const char *const *names, const char *command,
			 const char *binary, GArray *pids, GPtrArray *programs, GError **error)
{
	g_autoptr(GArray) named = g_array_new(FALSE, FALSE, sizeof(pid_t));

	if (!input_parse_pids(numbers, named, error))
		return false;
	for (guint i = 0; i < named->len; i++)
		if (!add_number(g_array_index(named, pid_t, i), pids, programs, error))
			return false;
	for (const char *const *name = names; name && *name; name++)
		if (!add_name(*name, pids, programs, error))
			return false;
	if (command && !add_command(command, programs, error))
		return false;
	if (binary) {
		struct program *program = program_at(binary, error);

		if (!program)
			return false;
		add_program(programs, program);
	}
	return true;
}
