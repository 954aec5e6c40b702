/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The order of a recording. Signals are blocked, and looked at where it is safe to stop.
 */
#define _GNU_SOURCE
#include "record_session.h"

#include "base/error.h"
#include "child.h"
#include "colo_perf.h"
#include "output_place.h"
#include "perf_child.h"
#include "probe_share.h"
#include "record_keep.h"
#include "record_result.h"
#include "record_rights.h"
#include "record_targets.h"
#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define COMMAND	       "record"
#define PART_MODE      0600 /* what was recorded is not for everybody */
#define LOOK_MS	       200
#define READY_MS       50
#define COMMAND_END_MS 10000

/* A recording under way. */
struct session {
	const struct record_options *options; /* Weak */
	char *perf;			      /* Owned by this: its path */
	sigset_t mask;			      /* as it was before */
	int signal_fd;			      /* Owned by this */
	int signal;			      /* the one that wants us to end; 0: none yet */
	GArray *pids;			      /* Owned by this: pid_t */
	GArray *pidfds;		    /* Owned by this: int (owned), where perf does not watch */
	GPtrArray *programs;	    /* Owned by this: struct program (owned) */
	struct output_place *place; /* Owned by this: of the file */
	int part_fd;		    /* Weak: the file while it is written */
	char *kept; /* Owned by this: what the recording is called now; NULL: there is none */
	struct registration *registration; /* Owned by this */
	struct child *command;		   /* Owned by this; NULL: none */
	bool cannot_write;		   /* standard output */
	struct perf_child *perf_child;	   /* Owned by this */
	struct record_keep *keep;	   /* Owned by this */
	GError *unfinished; /* Owned by this: why perf did not complete the file, or NULL */
};

static int fail(const GError *error)
{
	return colo_perf_fail(COMMAND, COLO_PERF_FAILED, "%s", error->message);
}

/*
 * A line for scripts. That its reader has gone is the reader's affair; another failure is said
 * once, and is the exit status. The recording goes on.
 */
static void announce(struct session *session, const char *name, const char *value)
{
	if ((printf("%s=%s\n", name, value) >= 0 && !fflush(stdout)) || errno == EPIPE ||
	    session->cannot_write)
		return;
	colo_perf_fail(COMMAND, COLO_PERF_FAILED,
		       "cannot write to standard output: %s; the recording goes on",
		       error_reason(errno));
	session->cannot_write = true;
}

static void say(const struct session *session, const char *text)
{
	if (!session->options->quiet)
		colo_perf_fail(COMMAND, COLO_PERF_DONE, "%s", text);
}

/* --- Signals --- */

/* So that poll() wakes up when perf or the COMMAND ends. */
static const int wakes[] = {SIGCHLD, 0};

/* Waits at most `timeout_ms` for a signal; true once there was one that wants us to end. */
static bool wants_end(struct session *session, int timeout_ms)
{
	struct pollfd ready = {.fd = session->signal_fd, .events = POLLIN};
	int number;

	if (session->signal)
		return true;
	if (poll(&ready, 1, timeout_ms) == 1)
		while (!session->signal && (number = signals_next(session->signal_fd, wakes)))
			if (signals_is_end(number))
				session->signal = number;
	return session->signal != 0;
}

/* It was stopped before there was anything to keep. */
static int stopped(const struct session *session)
{
	colo_perf_fail(COMMAND, COLO_PERF_FAILED, "stopped by SIG%s before the recording had begun",
		       sigabbrev_np(session->signal));
	return 128 + session->signal;
}

/* --- The parts of a recording --- */

/* The file that is written, and put in its place once it is whole. */
static bool open_part(struct session *session, GError **error)
{
	const char *path = session->options->output;

	session->place = output_place_find(path, error);
	if (!session->place)
		return false;
	if (output_place_kind(session->place) != OUTPUT_FILE)
		return record_fail(error, "%s is %s: name a file with -o", path,
				   output_place_kind(session->place) == OUTPUT_DIRECTORY
					   ? "a directory"
					   : "no regular file");
	session->part_fd = output_place_begin(session->place, PART_MODE, error);
	return session->part_fd >= 0;
}

static bool wants_no_probes(void *data, int timeout_ms)
{
	return wants_end(data, timeout_ms);
}

/* False with `error`, or without after a signal. */
static bool register_probes(struct session *session, GError **error)
{
	const struct probe_share_user user = {
		.command = COMMAND,
		.wants_end = wants_no_probes,
		.data = session,
	};

	session->registration = probe_share_new(&user, session->programs, error);
	return session->registration != NULL;
}

/* It is held back until perf watches it. */
static bool start_command(struct session *session, GError **error)
{
	const struct child_options options = {
		.argv = (const char *const *)session->options->command,
		.mask = &session->mask,
		.wait = true,
	};
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	session->command = child_start(&options, error);
	if (!session->command)
		return false;
	pid = child_pid(session->command);
	g_array_append_val(session->pids, pid);
	return true;
}

/* perf ends with the processes by itself, but for one that records all CPUs. */
static bool watch_processes(struct session *session, GError **error)
{
	for (guint i = 0; session->options->all_cpus && i < session->pids->len; i++) {
		const pid_t pid = g_array_index(session->pids, pid_t, i);

		if (!pidfds_add(session->pidfds, pid) && errno != ESRCH)
			return record_fail(error, "cannot watch process %d: %s", pid,
					   g_strerror(errno));
	}
	return true;
}

/*
 * With -daemonize a QEMU goes on as the child of a child that ends like the COMMAND itself. As a
 * subreaper we are its parent then, and perf's events are inherited.
 */
static bool follow_daemons(struct session *session)
{
	g_autoptr(GArray) daemons = processes_below_us(session->programs);
	bool found = false;

	for (guint i = 0; i < daemons->len; i++) {
		const pid_t pid = g_array_index(daemons, pid_t, i);
		g_autofree char *text = NULL;

		if (pids_have(session->pids, pid) || !pidfds_add(session->pidfds, pid))
			continue;
		g_array_append_val(session->pids, pid);
		text = g_strdup_printf("%s goes on as process %d, which is recorded until it ends",
				       session->options->command[0], pid);
		say(session, text);
		found = true;
	}
	return found;
}

/* Where it is not perf that ends with them. */
static bool have_ended(struct session *session)
{
	if (session->command)
		return child_has_ended(session->command) && pidfds_have_ended(session->pidfds) &&
		       !follow_daemons(session);
	return session->options->all_cpus && pidfds_have_ended(session->pidfds);
}

/*
 * The sampling event as perf takes it. What an idle CPU does is not sampled: it matters where all
 * CPUs are.
 */
static char *sampling_of(const struct record_options *options, const char *event)
{
	return g_strdup_printf("%s/freq=%d,call-graph=%s/%s", event, options->frequency_hz,
			       options->chains, options->all_cpus ? "I" : "");
}

static bool start_perf(struct session *session, GError **error)
{
	const struct record_options *options = session->options;
	const GPtrArray *events = registration_events(session->registration);
	const char *event = options->event ? options->event : record_sampling_event();
	g_autofree char *sampling = sampling_of(options, event);
	g_autofree char *samples = g_strdup_printf("%s at %d Hz", event, options->frequency_hz);
	g_autofree char *text = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const struct perf_child_options perf = {
		.perf = session->perf,
		.group = REGISTRATION_GROUP,
		.names = names,
		.sampling = options->frequency_hz ? sampling : NULL,
		.mmap_size = options->mmap_size,
		.pids = session->pids,
		.all_cpus = options->all_cpus,
		.output_fd = session->part_fd,
		.mask = &session->mask,
	};

	for (guint i = 0; i < events->len; i++)
		g_ptr_array_add(names, ((struct registered_event *)events->pdata[i])->name);
	if (!watch_processes(session, error))
		return false;
	session->perf_child = perf_child_start(&perf, error);
	if (!session->perf_child)
		return false;
	while (!perf_child_is_ready(session->perf_child, READY_MS)) {
		if (wants_end(session, 0))
			return true;
		/* Says why. */
		if (perf_child_has_ended(session->perf_child))
			return perf_child_finish(session->perf_child, error);
		if (wants_end(session, READY_MS))
			return true;
	}
	session->keep = record_keep_new(REGISTRATION_GROUP, events);
	text = g_strdup_printf("recording %u probes and %s of %u process%s; Ctrl-C ends it",
			       events->len, options->frequency_hz ? samples : "no samples",
			       session->pids->len, session->pids->len == 1 ? "" : "es");
	say(session, text);
	announce(session, "state", "recording");
	return true;
}

/* Until a signal, the end of the time, or that of the processes. */
static void wait_for_end(struct session *session)
{
	double duration_s = session->options->duration_s;
	gint64 until_us = g_get_monotonic_time() + (gint64)(duration_s * G_USEC_PER_SEC);

	while (!perf_child_has_ended(session->perf_child) && !have_ended(session)) {
		gint64 left_ms = (until_us - g_get_monotonic_time()) / 1000 + 1;

		record_keep_look(session->keep, session->pids, false);
		if (duration_s > 0 && left_ms <= 0)
			break;
		if (wants_end(session,
			      duration_s > 0 && left_ms < LOOK_MS ? (int)left_ms : LOOK_MS))
			break;
	}
}

/* What perf did not complete replaces no older file: then the part stays beside it. */
static bool place_recording(struct session *session, GError **error)
{
	g_autoptr(GError) problem = NULL;

	if (output_place_finish(session->place, !session->unfinished, &problem)) {
		session->kept = g_strdup(session->options->output);
	} else {
		session->kept = g_strdup(output_place_part(session->place));
		output_place_leave_part(session->place);
	}
	announce(session, "file", session->kept);
	if (!problem)
		return true;
	g_propagate_prefixed_error(error, g_steal_pointer(&problem),
				   "the recording is in %s: ", session->kept);
	return false;
}

static bool keep_recording(struct session *session, GError **error)
{
	g_autoptr(GError) unfinished = NULL;
	g_autofree char *note = NULL, *warning = NULL;

	record_keep_look(session->keep, session->pids, true);
	perf_child_finish(session->perf_child, &unfinished);
	/* Nobody writes to it any more. */
	g_clear_pointer(&session->perf_child, perf_child_free);
	if (!record_keep_complete(session->keep, session->part_fd,
				  unfinished ? unfinished->message : NULL, &note, &warning)) {
		g_propagate_error(error, g_steal_pointer(&unfinished));
		return false;
	}
	session->unfinished = g_steal_pointer(&unfinished);
	if (note)
		say(session, note);
	if (warning)
		colo_perf_fail(COMMAND, COLO_PERF_DONE, "warning: %s", warning);
	return place_recording(session, error);
}

/* Whatever there is; in this order, as the events of perf keep the registration busy. */
static void take_back(struct session *session)
{
	g_clear_pointer(&session->perf_child, perf_child_free);
	probe_share_free(COMMAND, session->registration);
	session->registration = NULL;
	g_clear_pointer(&session->place, output_place_free);
	child_stop(session->command, COMMAND_END_MS);
}

/* The recording that begins or does not; true when there is one to be shown. */
static bool record(struct session *session, GError **error)
{
	if (!open_part(session, error) || !register_probes(session, error))
		return false;
	if (wants_end(session, 0))
		return false;
	if (*session->options->command && !start_command(session, error))
		return false;
	if (!start_perf(session, error) || session->signal)
		return false;
	if (session->command && !child_release(session->command, error))
		return false;
	wait_for_end(session);
	return keep_recording(session, error);
}

static void say_command_end(const struct session *session)
{
	g_autofree char *end = NULL;

	if (!session->command || !child_status(session->command))
		return;
	end = child_describe_end(session->command);
	colo_perf_fail(COMMAND, COLO_PERF_DONE, "%s ended with %s", session->options->command[0],
		       end);
}

static int run_recording(struct session *session)
{
	g_autoptr(GError) error = NULL;
	bool recorded = record(session, &error);
	int status;

	take_back(session);
	/* What is left can be interrupted. */
	signals_give_back(session->signal_fd, &session->mask);
	if (error)
		return fail(error);
	if (!recorded)
		return stopped(session);
	say_command_end(session);
	if (session->unfinished)
		colo_perf_fail(COMMAND, COLO_PERF_DONE, "%s: what was recorded until then is in %s",
			       session->unfinished->message, session->kept);
	status = record_print_result(COMMAND, session->kept, session->options->quiet);
	return session->unfinished || session->cannot_write ? COLO_PERF_FAILED : status;
}

/* --- --check --- */

static int run_check(struct session *session)
{
	g_autoptr(GError) error = NULL;
	bool done = register_probes(session, &error) &&
		    perf_child_try(session->perf, &session->mask, &error);

	take_back(session);
	if (error)
		return fail(error);
	return done ? COLO_PERF_DONE : stopped(session);
}

/* --- Options --- */

static bool find_programs(struct session *session, GError **error)
{
	const struct record_options *options = session->options;
	const struct record_wanted wanted = {
		.numbers = (const char *const *)options->pids,
		.names = (const char *const *)options->names,
		.command = *options->command,
		.binary = options->binary,
		.all_processes = options->all_cpus,
		.trust_program = options->trust_program,
	};
	const char *perf = g_getenv("PERF");

	session->perf = record_find_perf(perf && *perf ? perf : "perf", error);
	if (!session->perf || !record_check_rights(session->perf, error) ||
	    !record_check_frequency(options->frequency_hz, error))
		return false;
	return record_find_targets(&wanted, session->pids, session->programs, error);
}

int record_session_run(const struct record_options *options)
{
	struct session session = {.options = options, .signal_fd = -1};
	g_autoptr(GError) error = NULL;
	int status;

	session.pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	session.pidfds = pidfds_new();
	session.programs = g_ptr_array_new_with_free_func((GDestroyNotify)program_free);
	session.signal_fd = signals_open(wakes, &session.mask, &error);
	if (session.signal_fd < 0 || !find_programs(&session, &error))
		status = fail(error);
	else
		status = options->check ? run_check(&session) : run_recording(&session);
	child_free(session.command);
	g_array_unref(session.pids);
	g_array_unref(session.pidfds);
	g_ptr_array_unref(session.programs);
	g_free(session.perf);
	g_free(session.kept);
	record_keep_free(session.keep);
	g_clear_error(&session.unfinished);
	if (session.signal_fd >= 0)
		close(session.signal_fd);
	return status;
}
