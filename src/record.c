/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `colo-perf record`: options, and the order in which probes are registered, perf runs, and all
 * is taken back. Signals are blocked and looked at where it is safe to stop.
 */
#define _GNU_SOURCE
#include "record.h"

#include "child.h"
#include "colo_perf.h"
#include "input.h"
#include "perf_child.h"
#include "probe_share.h"
#include "record_keep.h"
#include "record_result.h"
#include "record_rights.h"
#include "record_targets.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND		  "record"
#define DEFAULT_OUTPUT	  "perf.data"
#define DEFAULT_FREQUENCY 997 /* not a multiple of what else happens at round rates */
#define DEFAULT_MMAP_SIZE "4M"
#define DEFAULT_CHAINS	  "fp"
#define MAX_FREQUENCY	  1000000
#define MAX_DURATION_S	  1e6
#define LOOK_MS		  200
#define READY_MS	  50
#define COMMAND_END_MS	  10000

struct options {
	char **pids, **names;			   /* Owned by this: -p, --name */
	char *output, *event, *chains, *mmap_size; /* Owned by this */
	char *binary;				   /* Owned by this: --binary */
	double duration_s;			   /* 0: none */
	int frequency_hz;
	gboolean all_cpus, quiet, check, help, version;
	char **command; /* Weak: what is to be started; empty: nothing */
};

/* A recording under way. */
struct session {
	const struct options *options; /* Weak */
	char *perf;		       /* Owned by this: its path */
	sigset_t mask;		       /* as it was before */
	int signal_fd;		       /* Owned by this */
	int signal;		       /* the one that wants us to end; 0: none yet */
	GArray *pids;		       /* Owned by this: pid_t */
	GArray *pidfds;		       /* Owned by this: int (owned), where perf does not watch */
	GPtrArray *programs;	       /* Owned by this: struct program (owned) */
	char *output,
		*part; /* Owned by this: the file, and its name while it is written, or NULL */
	char *kept;    /* Owned by this: what the recording is called now; NULL: there is none */
	struct registration *registration; /* Owned by this */
	struct child *command;		   /* Owned by this; NULL: none */
	struct perf_child *perf_child;	   /* Owned by this */
	struct record_keep *keep;	   /* Owned by this */
	GError *unfinished; /* Owned by this: why perf did not complete the file, or NULL */
};

static int fail(const GError *error)
{
	return colo_perf_fail(COMMAND, COLO_PERF_FAILED, "%s", error->message);
}

static void say(const struct session *session, const char *text)
{
	if (!session->options->quiet)
		colo_perf_fail(COMMAND, COLO_PERF_DONE, "%s", text);
}

/* --- Signals --- */

static void block_signals(struct session *session)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	/* So that poll() wakes up. */
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &session->mask);
	session->signal_fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Who reads our output may leave; the recording is to be finished. */
	signal(SIGPIPE, SIG_IGN);
	/* A recording that reaches ulimit -f is completed. */
	signal(SIGXFSZ, SIG_IGN);
}

/* Waits at most `timeout_ms` for a signal; true once there was one that wants us to end. */
static bool wants_end(struct session *session, int timeout_ms)
{
	struct pollfd ready = {.fd = session->signal_fd, .events = POLLIN};
	struct signalfd_siginfo info;

	if (session->signal)
		return true;
	if (poll(&ready, 1, timeout_ms) == 1)
		while (read(session->signal_fd, &info, sizeof(info)) == sizeof(info))
			if (info.ssi_signo != SIGCHLD)
				session->signal = (int)info.ssi_signo;
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

/* The file that is written, and renamed once it is whole. */
static bool open_part(struct session *session, GError **error)
{
	const char *path = session->options->output;
	g_autofree char *whole = realpath(path, NULL);
	struct stat status;
	int fd;

	if (whole && !stat(whole, &status) && !S_ISREG(status.st_mode))
		return record_fail(error, "%s is %s: name a file with -o", path,
				   S_ISDIR(status.st_mode) ? "a directory" : "no regular file");
	/* A link stays, what it points to is replaced. */
	session->output = g_strdup(whole ? whole : path);
	session->part = g_strdup_printf("%s.part.%d", session->output, getpid());
	fd = open(session->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return true;
	}
	record_fail(error, "cannot write %s: %s: choose another file with -o", path,
		    g_strerror(errno));
	g_clear_pointer(&session->part, g_free);
	return false;
}

static bool register_probes(struct session *session, GError **error)
{
	session->registration = probe_share_new(COMMAND, session->programs, error);
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
static char *sampling_of(const struct options *options, const char *event)
{
	return g_strdup_printf("%s/freq=%d,call-graph=%s/%s", event, options->frequency_hz,
			       options->chains, options->all_cpus ? "I" : "");
}

static bool start_perf(struct session *session, GError **error)
{
	const struct options *options = session->options;
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
		.output = session->part,
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
	puts("state=recording");
	fflush(stdout);
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

static bool keep_recording(struct session *session, GError **error)
{
	g_autoptr(GError) unfinished = NULL, problem = NULL;
	g_autofree char *note = NULL, *warning = NULL;

	record_keep_look(session->keep, session->pids, true);
	perf_child_finish(session->perf_child, &unfinished);
	/* Nobody writes to it any more. */
	g_clear_pointer(&session->perf_child, perf_child_free);
	if (!record_keep_complete(session->keep, session->part,
				  unfinished ? unfinished->message : NULL, &note, &warning)) {
		g_propagate_error(error, g_steal_pointer(&unfinished));
		return false;
	}
	session->unfinished = g_steal_pointer(&unfinished);
	if (note)
		say(session, note);
	if (warning)
		colo_perf_fail(COMMAND, COLO_PERF_DONE, "warning: %s", warning);
	session->kept = record_keep_place(session->part, session->output,
					  session->unfinished != NULL, &problem);
	g_clear_pointer(&session->part, g_free);
	printf("file=%s\n",
	       strcmp(session->kept, session->output) ? session->kept : session->options->output);
	fflush(stdout);
	if (!problem)
		return true;
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

/* Whatever there is; in this order, as the events of perf keep the registration busy. */
static void take_back(struct session *session)
{
	g_clear_pointer(&session->perf_child, perf_child_free);
	probe_share_free(COMMAND, session->registration);
	session->registration = NULL;
	/* It holds nothing. */
	if (session->part)
		g_unlink(session->part);
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

	take_back(session);
	if (error)
		return fail(error);
	if (!recorded)
		return stopped(session);
	say_command_end(session);
	if (!session->unfinished)
		return record_print_result(COMMAND, session->kept, session->options->quiet);
	colo_perf_fail(COMMAND, COLO_PERF_DONE, "%s: what was recorded until then is in %s",
		       session->unfinished->message, session->kept);
	record_print_result(COMMAND, session->kept, session->options->quiet);
	return COLO_PERF_FAILED;
}

/* --- --check --- */

static int run_check(struct session *session)
{
	g_autoptr(GError) error = NULL;
	bool done = register_probes(session, &error) &&
		    perf_child_try(session->perf, &session->mask, &error);

	take_back(session);
	return done ? COLO_PERF_DONE : fail(error);
}

/* --- Options --- */

static bool find_programs(struct session *session, GError **error)
{
	const struct options *options = session->options;
	const char *perf = g_getenv("PERF");

	session->perf = record_find_perf(perf && *perf ? perf : "perf", error);
	if (!session->perf || !record_check_rights(session->perf, error) ||
	    !record_check_frequency(options->frequency_hz, error))
		return false;
	return record_find_targets((const char *const *)options->pids,
				   (const char *const *)options->names, *options->command,
				   options->binary, session->pids, session->programs, error);
}

static int run(const struct options *options)
{
	struct session session = {.options = options, .signal_fd = -1};
	g_autoptr(GError) error = NULL;
	int status;

	session.pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	session.pidfds = pidfds_new();
	session.programs = g_ptr_array_new_with_free_func((GDestroyNotify)program_free);
	block_signals(&session);
	if (!find_programs(&session, &error))
		status = fail(error);
	else
		status = options->check ? run_check(&session) : run_recording(&session);
	child_free(session.command);
	g_array_unref(session.pids);
	g_array_unref(session.pidfds);
	g_ptr_array_unref(session.programs);
	g_free(session.perf);
	g_free(session.output);
	g_free(session.part);
	g_free(session.kept);
	record_keep_free(session.keep);
	g_clear_error(&session.unfinished);
	close(session.signal_fd);
	return status;
}

static bool is_one_of(const char *text, const char *const *words)
{
	return !text || g_strv_contains(words, text);
}

/* "4M" */
static bool is_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && (!text[digits] || (strchr("KMG", text[digits]) && !text[digits + 1]));
}

static bool check_options(const struct options *options, GError **error)
{
	const char *const events[] = {"cycles", "cpu-clock", NULL};
	const char *const chains[] = {"fp", "dwarf", "lbr", NULL};
	bool has_targets = options->pids || options->names;

	if (!has_targets && !*options->command && !options->check)
		return input_usage_error(
			error, "nothing to record: give -p PID, --name NAME or a COMMAND");
	if (has_targets && *options->command)
		return input_usage_error(error,
					 "%s: a COMMAND, or -p and --name: choose one, as a "
					 "recording ends with its COMMAND",
					 *options->command);
	if (options->check && *options->command)
		return input_usage_error(error, "--check starts no COMMAND: use --binary %s",
					 *options->command);
	if (options->binary && !options->check)
		return input_usage_error(error, "--binary needs --check");
	if (!is_one_of(options->event, events))
		return input_usage_error(error, "--event %s: expected cycles or cpu-clock",
					 options->event);
	if (!is_one_of(options->chains, chains))
		return input_usage_error(error, "--call-graph %s: expected fp, dwarf or lbr",
					 options->chains);
	if (!is_size(options->mmap_size))
		return input_usage_error(error, "--mmap-size %s: expected a size such as 4M",
					 options->mmap_size);
	if (options->frequency_hz < 0 || options->frequency_hz > MAX_FREQUENCY)
		return input_usage_error(error, "--frequency %d: expected a number from 0 to %d",
					 options->frequency_hz, MAX_FREQUENCY);
	if (!(options->duration_s >= 0 && options->duration_s <= MAX_DURATION_S))
		return input_usage_error(error, "--duration %g: expected seconds, at most %g",
					 options->duration_s, MAX_DURATION_S);
	return input_parse_pids((const char *const *)options->pids, NULL, error);
}

/* GLib does not free what stood there before. */
static void set_default(char **text, const char *value)
{
	if (!*text)
		*text = g_strdup(value);
}

/* Parses until the first word that is no option. True when there is work to do. */
static bool parse(struct options *options, int argc, char **argv, int *status)
{
	const GOptionEntry entries[] = {
		{"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options->pids,
		 "record this running QEMU; more than one: again, or with commas", "PID"},
		{"name", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->names,
		 "record the running QEMU that was started with -name NAME", "NAME"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
		 "write to FILE (default " DEFAULT_OUTPUT "); an existing one is replaced", "FILE"},
		{"duration", 'd', 0, G_OPTION_ARG_DOUBLE, &options->duration_s,
		 "end after S seconds", "S"},
		{"frequency", 'F', 0, G_OPTION_ARG_INT, &options->frequency_hz,
		 "samples a second (default " G_STRINGIFY(DEFAULT_FREQUENCY) "; 0: probes only)",
		 "HZ"},
		{"event", 'e', 0, G_OPTION_ARG_STRING, &options->event,
		 "what to sample (default: cycles where the hardware counts them)",
		 "cycles|cpu-clock"},
		{"call-graph", 0, 0, G_OPTION_ARG_STRING, &options->chains,
		 "how to walk stacks (default " DEFAULT_CHAINS ")", "fp|dwarf|lbr"},
		{"all-cpus", 'a', 0, G_OPTION_ARG_NONE, &options->all_cpus,
		 "record whatever runs on the CPUs: slows the QEMUs down less", NULL},
		{"mmap-size", 'm', 0, G_OPTION_ARG_STRING, &options->mmap_size,
		 "perf's buffer for each CPU (default " DEFAULT_MMAP_SIZE ")", "SIZE"},
		{"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet,
		 "say nothing but warnings and errors", NULL},
		{"check", 0, 0, G_OPTION_ARG_NONE, &options->check,
		 "only say whether recording would be possible", NULL},
		{"binary", 0, 0, G_OPTION_ARG_FILENAME, &options->binary,
		 "with --check: whether this QEMU has the probes", "FILE"},
		{"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "this text", NULL},
		{"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "of colo-perf", NULL},
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(
		"[-- COMMAND [ARGUMENT...]] - records COLO checkpoints with perf");
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(
		context, "Registers the probes of running QEMUs, or of one that COMMAND starts, "
			 "runs `perf record`\nand takes the probes back. Ends with Ctrl-C, "
			 "--duration, COMMAND or the QEMUs.");
	g_option_context_set_description(
		context,
		"On standard output it prints state=recording when the recording has begun, and\n"
		"file=FILE when it is complete. $PERF names another perf.\n\n"
		"Exit status: 0 done; 1 the system stopped it; 2 wrong usage; 3 recorded, but "
		"holds no\nCOLO checkpoint; 128 + N: signal N came before it began.");
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_strict_posix(context, TRUE);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		*status = input_usage_fail(COMMAND, error);
		return false;
	}
	options->command = argv + 1;
	if (*options->command && !strcmp(*options->command, "--"))
		options->command++;
	if (options->help || options->version) {
		*status = input_print_about(COMMAND, context, options->help, options->version);
		return false;
	}
	set_default(&options->output, DEFAULT_OUTPUT);
	set_default(&options->chains, DEFAULT_CHAINS);
	set_default(&options->mmap_size, DEFAULT_MMAP_SIZE);
	if (check_options(options, &error))
		return true;
	*status = input_usage_fail(COMMAND, error);
	return false;
}

int record_main(int argc, char **argv)
{
	struct options options = {.frequency_hz = DEFAULT_FREQUENCY};
	int status;

	g_set_prgname("colo-perf " COMMAND);
	if (parse(&options, argc, argv, &status))
		status = run(&options);
	g_strfreev(options.pids);
	g_strfreev(options.names);
	g_free(options.output);
	g_free(options.event);
	g_free(options.chains);
	g_free(options.mmap_size);
	g_free(options.binary);
	return status;
}
