/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The rate and the call chains are given to the sampling event alone: a global -F or -g would
 * be the probes' too.
 */
#define _GNU_SOURCE
#include "perf_child.h"

#include "base/error.h"
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PING	      "ping\n"
#define PING_AGAIN_US G_USEC_PER_SEC
#define WRITE_TIME_MS 60000
#define STOP_TIME_MS  5000
#define TRY_MMAP_SIZE "512K"
#define TRY_NAP_MS    50
#define MAX_LOG_BYTES 65536
#define DATA_SIZE_AT  48 /* of the header: the size of the data section */

struct perf_child {
	struct child *child; /* Owned by this */
	int log_fd;	     /* Owned by this: what perf says */
	int control_fd;	     /* Owned by this: to perf */
	int ack_fd;	     /* Owned by this: from perf */
	int life_fd;	     /* Owned by this: when it closes, however we end, perf ends */
	int output_fd;	     /* Weak: the file */
	gint64 pinged_us;    /* when it was asked last; 0: never */
	bool ready;
};

static void add(GPtrArray *argv, const char *text)
{
	g_ptr_array_add(argv, g_strdup(text));
}

static void add_pids(GPtrArray *argv, const GArray *pids)
{
	g_autoptr(GString) list = g_string_new(NULL);

	for (guint i = 0; i < pids->len; i++)
		g_string_append_printf(list, "%s%d", i ? "," : "", g_array_index(pids, pid_t, i));
	add(argv, "-p");
	add(argv, list->str);
}

/* Whether `perf record` knows an option: it lists them. */
static bool has_option(const char *perf, const char *option)
{
	const char *const argv[] = {perf, "record", "--list-opts", NULL};
	g_autofree char *output = NULL;
	g_auto(GStrv) words = NULL;

	if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
			  &output, NULL, NULL, NULL))
		return false;
	words = g_strsplit_set(output, " \n", -1);
	return g_strv_contains((const char *const *)words, option);
}

static GPtrArray *command_line(const struct perf_child_options *options, int control, int ack)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);

	/*
	 * -N: no copies of what was recorded in ~/.debug. -B: no look at all of it for build-ids at
	 * the end, in which perf 6.1 is killed by what another perf does (see perf_task.c).
	 */
	for (const char *const *word =
		     (const char *const[]){options->perf, "record", "-N", "-B", "-k",
					   "CLOCK_MONOTONIC", "-m", options->mmap_size, NULL};
	     *word; word++)
		add(argv, *word);
	/* Asked of the kernel (the default from perf 6.18 on) they would break others' recordings.
	 */
	if (has_option(options->perf, "--buildid-mmap"))
		add(argv, "--no-buildid-mmap");
	for (guint i = 0; i < options->names->len; i++) {
		add(argv, "-e");
		g_ptr_array_add(argv, g_strdup_printf("%s:%s", options->group,
						      (char *)options->names->pdata[i]));
	}
	if (options->sampling) {
		add(argv, "-e");
		add(argv, options->sampling);
	}
	if (options->all_cpus)
		add(argv, "-a");
	else
		add_pids(argv, options->pids);
	g_ptr_array_add(argv, g_strdup_printf("--control=fd:%d,%d", control, ack));
	/* No path, so that nobody can put another file there before perf opens it. */
	add(argv, "-o");
	g_ptr_array_add(argv, g_strdup_printf("/proc/self/fd/%d", options->output_fd));
	/*
	 * perf ends with its workload, and this one ends when its standard input does, with us.
	 * PR_SET_PDEATHSIG is undone for a perf with capabilities of its own.
	 */
	add(argv, "--");
	add(argv, "cat");
	g_ptr_array_add(argv, NULL);
	return argv;
}

/* perf needs one for each event, CPU and thread. */
static void raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool fail_errno(GError **error)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot start perf: %s",
		    g_strerror(errno));
	return false;
}

/* What perf gets of us, each the other end of one of ours. */
struct ends {
	int input, control, ack; /* Owned by this; -1: not open yet */
};

static bool open_pipes(struct perf_child *perf, struct ends *ends)
{
	const struct {
		int *from, *to;
	} pipes[] = {{&ends->input, &perf->life_fd},
		     {&ends->control, &perf->control_fd},
		     {&perf->ack_fd, &ends->ack}};
	int fds[2];

	for (size_t i = 0; i < G_N_ELEMENTS(pipes); i++) {
		if (pipe2(fds, O_CLOEXEC))
			return false;
		*pipes[i].from = fds[0];
		*pipes[i].to = fds[1];
	}
	return true;
}

static void close_fds(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool start(struct perf_child *perf, const struct perf_child_options *options, GError **error)
{
	struct ends ends = {-1, -1, -1};

	perf->log_fd = memfd_create("perf.log", MFD_CLOEXEC);
	if (perf->log_fd < 0 || !open_pipes(perf, &ends)) {
		fail_errno(error);
	} else {
		g_autoptr(GPtrArray) argv = command_line(options, ends.control, ends.ack);
		/* Of the control pipe perf has both ends: if it closed, with us, perf would give
		 * up. */
		const int passed[] = {ends.control, perf->control_fd, ends.ack, options->output_fd,
				      -1};
		const struct child_options child = {
			.argv = (const char *const *)argv->pdata,
			.mask = options->mask,
			.is_servant = true,
			.input_fd = ends.input,
			.output_fd = perf->log_fd,
			.pass_fds = passed,
		};

		perf->child = child_start(&child, error);
	}
	close_fds((const int[]){ends.input, ends.control, ends.ack}, 3);
	return perf->child != NULL;
}

struct perf_child *perf_child_start(const struct perf_child_options *options, GError **error)
{
	struct perf_child *perf = g_new0(struct perf_child, 1);

	perf->log_fd = perf->control_fd = perf->ack_fd = perf->life_fd = -1;
	perf->output_fd = options->output_fd;
	raise_open_files();
	if (start(perf, options, error))
		return perf;
	perf_child_free(perf);
	return NULL;
}

/*
 * perf answers when all events are open and its loop runs. One answer was seen to get lost on
 * a busy machine, so it is asked again each second.
 */
bool perf_child_is_ready(struct perf_child *perf, int timeout_ms)
{
	struct pollfd answer = {.fd = perf->ack_fd, .events = POLLIN};
	gint64 now_us = g_get_monotonic_time();
	char text[64];

	if (perf->ready)
		return true;
	if (!perf->pinged_us || now_us - perf->pinged_us >= PING_AGAIN_US) {
		/* perf may have ended: perf_child_has_ended() tells. */
		if (write(perf->control_fd, PING, strlen(PING)) < 0)
			return false;
		perf->pinged_us = now_us;
	}
	if (poll(&answer, 1, timeout_ms) == 1 && read(perf->ack_fd, text, sizeof(text)) > 0)
		perf->ready = true;
	return perf->ready;
}

bool perf_child_has_ended(struct perf_child *perf)
{
	return child_has_ended(perf->child);
}

/* The lines that perf has said; the caller frees them. */
static GStrv read_log(const struct perf_child *perf)
{
	g_autofree char *text = g_malloc0(MAX_LOG_BYTES + 1);

	if (pread(perf->log_fd, text, MAX_LOG_BYTES, 0) < 0)
		*text = '\0';
	return g_strsplit(text, "\n", -1);
}

/* The line that tells most of why perf has failed; the caller frees it. */
static char *reason(const struct perf_child *perf)
{
	static const char *const words[] = {"no space", "permission", "not permitted", "error",
					    "fail",	"cannot",     "can't"};
	g_auto(GStrv) lines = read_log(perf);
	const char *first = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		for (char **line = lines; *line; line++) {
			g_autofree char *lower = g_ascii_strdown(*line, -1);

			if (strstr(lower, words[i]))
				return g_strdup(g_strstrip(*line));
		}
	for (char **line = lines; *line && !first; line++)
		if (*g_strstrip(*line))
			first = *line;
	return g_strdup(first ? first : "it does not say why");
}

/*
 * By another signal than one that perf catches: by these it ends itself once all is written, or
 * could not be. SIGTERM: its workload got it from perf, as all processes have ended.
 */
static bool was_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) != SIGINT && WTERMSIG(status) != SIGTERM;
}

static bool fail(const struct perf_child *perf, GError **error)
{
	g_autofree char *end = child_describe_end(perf->child);
	g_autofree char *why = reason(perf);

	if (was_killed(child_status(perf->child)))
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "perf record was killed by %s", end);
	else
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "perf record has failed (%s): %s", end, why);
	return false;
}

/* A file that perf did not finish has 0 there. */
static bool has_data(const struct perf_child *perf)
{
	uint64_t size;

	return pread(perf->output_fd, &size, sizeof(size), DATA_SIZE_AT) == sizeof(size) &&
	       size > 0;
}

bool perf_child_finish(struct perf_child *perf, GError **error)
{
	int status;

	child_signal(perf->child, SIGINT);
	if (!child_wait(perf->child, WRITE_TIME_MS)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "perf record did not end within %d s after it was told to",
			    WRITE_TIME_MS / 1000);
		return false;
	}
	status = child_status(perf->child);
	if (was_killed(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0))
		return fail(perf, error);
	return has_data(perf) || fail(perf, error);
}

void perf_child_free(struct perf_child *perf)
{
	if (!perf)
		return;
	child_stop(perf->child, STOP_TIME_MS);
	child_free(perf->child);
	close_fds((const int[]){perf->log_fd, perf->control_fd, perf->ack_fd, perf->life_fd}, 4);
	g_free(perf);
}

bool perf_child_try(const char *program, const sigset_t *mask, GError **error)
{
	g_autoptr(GArray) pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const struct perf_child_options options = {
		.perf = program,
		.names = names,
		.sampling = "cpu-clock",
		.mmap_size = TRY_MMAP_SIZE,
		.pids = pids,
		.output_fd = memfd_create("perf.data", MFD_CLOEXEC),
		.mask = mask,
	};
	pid_t self = getpid();
	struct perf_child *perf;
	bool done = true;

	if (options.output_fd < 0)
		return fail_errno(error);
	g_array_append_val(pids, self);
	perf = perf_child_start(&options, error);
	while (perf && done && !perf_child_is_ready(perf, TRY_NAP_MS))
		if (perf_child_has_ended(perf))
			done = perf_child_finish(perf, error);
	done = done && perf;
	perf_child_free(perf);
	close(options.output_fd);
	return done;
}
