/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Signals are blocked and come through a descriptor: nothing is ever interrupted.
 */
#define _GNU_SOURCE
#include "live_face.h"

#include "base/error.h"
#include "colo_perf.h"
#include "input.h"
#include "live_view.h"
#include "signals.h"
#include "warnings.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPARE_US   (3 * G_USEC_PER_SEC) /* how long a stream may take to end after SIGINT */
#define MOST_FDS   64
#define OWN_FDS	   2
#define US_PER_MS  1000
#define NS_PER_SEC 1e9

/* What was counted at a moment; `view` is of `report`. */
struct look {
	struct live_report *report; /* Owned by this; NULL: there was none yet */
	struct live_view view;
};

struct live_face {
	struct live_face_options options;
	struct live_counts *counts; /* Weak */
	int signal_fd;		    /* Owned by this */
	sigset_t mask;		    /* as it was before */
	struct screen *screen;	    /* Owned by this; NULL: lines of JSON */
	struct look look;	    /* what the screen shows */
	int64_t start_us, next_us;  /* on g_get_monotonic_time()'s clock */
	int64_t reset_us;	    /* 0: there was none */
	int64_t end_us;		    /* not later than this; 0: no such time */
	int n_shown;
	int page; /* these two as in struct live_view */
	guint side_turn;
	bool paused, wants_end;
	bool is_stuck; /* standard output took nothing when an end was wanted */
	int error;     /* errno: standard output cannot be written; 0: it can */
};

/* Those that are more than an end. */
static const int taken[] = {SIGUSR1, SIGTSTP, SIGCONT, SIGWINCH, 0};

struct live_face *live_face_new(const struct live_face_options *options, GError **error)
{
	struct live_face *face = g_new0(struct live_face, 1);

	face->options = *options;
	face->signal_fd = signals_open(taken, &face->mask, error);
	if (face->signal_fd >= 0)
		return face;
	g_free(face);
	return NULL;
}

void live_face_free(struct live_face *face)
{
	if (!face)
		return;
	screen_free(face->screen);
	live_report_free(face->look.report);
	close(face->signal_fd);
	g_free(face);
}

static int64_t interval_us(const struct live_face *face)
{
	return (int64_t)(face->options.interval_s * G_USEC_PER_SEC);
}

/* --- Showing --- */

static bool wants_colours(void)
{
	const char *no_color = g_getenv("NO_COLOR");

	return !no_color || !*no_color;
}

/* Of each role the session that was seen last. */
static void choose_sides(struct live_view *view, struct live_counts *counts,
			 const GPtrArray *summaries)
{
	for (guint i = 0; i < summaries->len; i++) {
		const struct colo_summary *summary = summaries->pdata[i];
		struct live_side *side = view->n_sides ? &view->sides[view->n_sides - 1] : NULL;

		if (side && side->summary->session->role == summary->session->role) {
			view->n_hidden++;
			if (side->summary->session->last_seen_ns > summary->session->last_seen_ns)
				continue;
		} else {
			side = &view->sides[view->n_sides++];
		}
		side->summary = summary;
		side->now = live_now_of(counts, summary->session);
	}
}

static void take_look(struct live_face *face)
{
	struct live_report *report = live_report_new(face->counts, true);
	const struct recording *recording = live_counts_recording(face->counts);
	const int64_t now_us = g_get_monotonic_time();
	struct live_view view = {
		.source = face->options.source,
		.interval_s = face->options.interval_s,
		.elapsed_s = (double)(now_us - face->start_us) / G_USEC_PER_SEC,
		.counted_s =
			face->reset_us ? (double)(now_us - face->reset_us) / G_USEC_PER_SEC : -1,
		.n_hits = recording->n_probe_hits,
		.n_lost = MAX(recording->n_lost_records, recording->n_lost_samples),
		.now_ns = face->options.now_ns(face->options.data),
		.warnings = report->warnings,
	};

	choose_sides(&view, face->counts, report->summaries);
	live_report_free(face->look.report);
	face->look = (struct look){.report = report, .view = view};
}

/* Draws what was looked at last: as the user wants to see it, for the terminal as it is now. */
static void show(struct live_face *face)
{
	struct live_view *view = &face->look.view;
	g_autoptr(GPtrArray) lines = NULL;
	guint width, height;

	view->paused = face->paused;
	view->page = face->page;
	view->side_turn = face->side_turn;
	screen_size(face->screen, &width, &height);
	lines = live_view_lines(view, width, height);
	face->page = view->page;
	screen_show(face->screen, lines);
}

static void draw(struct live_face *face)
{
	take_look(face);
	show(face);
}

/* The terminal has changed; a view that is paused has not. */
static void draw_again(struct live_face *face)
{
	if (face->paused)
		show(face);
	else
		draw(face);
}

static void take_signals(struct live_face *face);
static int until_ms(int64_t time_us, int at_most_ms);

/* Waits until standard output takes something; false when an end is wanted before. */
static bool wait_for_stdout(struct live_face *face)
{
	struct pollfd polled[] = {{.fd = face->signal_fd, .events = POLLIN},
				  {.fd = STDOUT_FILENO, .events = POLLOUT}};

	for (;;) {
		const bool is_ready =
			poll(polled, 2, face->end_us ? until_ms(face->end_us, -1) : -1) > 0;

		if (is_ready && polled[1].revents)
			return true;
		if (is_ready)
			take_signals(face);
		if (face->wants_end || (face->end_us && g_get_monotonic_time() >= face->end_us))
			return false;
	}
}

/* Signals are blocked, so a reader who does not read must not make us wait in write(). */
static void write_lines(struct live_face *face, const char *text, size_t size)
{
	while (size) {
		ssize_t written;

		if (!wait_for_stdout(face)) {
			face->is_stuck = face->wants_end = true;
			return;
		}
		/* So much always fits into a pipe that takes something. */
		written = write(STDOUT_FILENO, text, MIN(size, PIPE_BUF));
		if (written < 0 && errno != EINTR && errno != EAGAIN) {
			face->error = errno;
			face->wants_end = true;
			return;
		}
		text += MAX(written, 0);
		size -= (size_t)MAX(written, 0);
	}
}

static void print_lines(struct live_face *face)
{
	struct live_report *report = live_report_new(face->counts, true);
	char *text = NULL;
	size_t size = 0;
	FILE *lines = open_memstream(&text, &size);

	if (lines) {
		report_print_info_checkpoint(&report->report, lines);
		fclose(lines);
		write_lines(face, text, size);
	}
	free(text);
	live_report_free(report);
}

bool live_face_begin(struct live_face *face, struct live_counts *counts, GError **error)
{
	face->counts = counts;
	face->start_us = g_get_monotonic_time();
	face->next_us = face->start_us + interval_us(face);
	if (face->options.json || !screen_is_possible())
		return true;
	face->screen = screen_new(wants_colours(), error);
	if (!face->screen)
		return false;
	draw(face);
	return true;
}

bool live_face_has_screen(const struct live_face *face)
{
	return face->screen != NULL;
}

void live_face_tick(struct live_face *face)
{
	const int64_t now_us = g_get_monotonic_time();

	if (face->end_us && now_us >= face->end_us)
		face->wants_end = true;
	if (now_us < face->next_us)
		return;
	/* Intervals that were missed are not made up for. */
	face->next_us += interval_us(face);
	if (face->next_us <= now_us)
		face->next_us = now_us + interval_us(face);
	if (!face->screen)
		print_lines(face);
	else if (!face->paused)
		draw(face);
	face->n_shown++;
	if (face->options.count && face->n_shown >= face->options.count)
		face->wants_end = true;
}

/* --- What the user wants --- */

static void reset(struct live_face *face)
{
	face->reset_us = g_get_monotonic_time();
	live_counts_reset(face->counts, face->options.now_ns(face->options.data));
	if (face->screen)
		draw(face);
}

static void take_key(struct live_face *face, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		face->wants_end = true;
		break;
	case 'r':
	case 'R':
		reset(face);
		break;
	case 'p':
	case 'P':
	case ' ':
		face->paused = !face->paused;
		draw(face);
		break;
	case 'v':
	case 'V':
	case SCREEN_KEY_NEXT:
		face->page++;
		show(face);
		break;
	case SCREEN_KEY_PREVIOUS:
		face->page--;
		show(face);
		break;
	case 's':
	case 'S':
		face->side_turn++;
		show(face);
		break;
	default:
		break;
	}
}

static void stop_until_continued(struct live_face *face)
{
	if (face->screen)
		screen_suspend(face->screen);
	raise(SIGSTOP);
	/* SIGCONT has come, and is told of by the descriptor too. */
}

/* Ctrl-C goes to perf as well, which then ends the stream: what it still writes is to be counted.
 */
static void take_interrupt(struct live_face *face)
{
	if (face->options.is_stream && !face->end_us)
		face->end_us = g_get_monotonic_time() + SPARE_US;
	else
		face->wants_end = true;
}

static void take_signal(struct live_face *face, int number)
{
	switch (number) {
	case SIGINT:
		take_interrupt(face);
		break;
	case SIGUSR1:
		if (face->counts)
			reset(face);
		break;
	case SIGTSTP:
		stop_until_continued(face);
		break;
	case SIGCONT:
		if (face->screen) {
			screen_resume(face->screen);
			draw_again(face);
		}
		break;
	case SIGWINCH:
		if (face->screen) {
			screen_forget(face->screen);
			draw_again(face);
		}
		break;
	default:
		face->wants_end = true;
	}
}

static void take_signals(struct live_face *face)
{
	int number;

	while ((number = signals_next(face->signal_fd, taken)))
		take_signal(face, number);
}

bool live_face_wants_end(const struct live_face *face)
{
	return face->wants_end;
}

/* Milliseconds, rounded up, so that nothing turns in a loop shortly before its time. */
static int until_ms(int64_t time_us, int at_most_ms)
{
	const int64_t left_us = MAX(time_us - g_get_monotonic_time(), 0);
	const int64_t left_ms = (left_us + US_PER_MS - 1) / US_PER_MS;

	return at_most_ms < 0 || left_ms < at_most_ms ? (int)MIN(left_ms, G_MAXINT) : at_most_ms;
}

int live_face_poll(struct live_face *face, const int *fds, guint n_fds, int timeout_ms)
{
	struct pollfd polled[OWN_FDS + MOST_FDS] = {
		{.fd = face->signal_fd, .events = POLLIN},
		{.fd = face->screen ? screen_fd(face->screen) : -1, .events = POLLIN},
	};
	int key;

	n_fds = MIN(n_fds, MOST_FDS);
	for (guint i = 0; i < n_fds; i++)
		polled[OWN_FDS + i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	if (face->counts)
		timeout_ms = until_ms(face->next_us, timeout_ms);
	if (face->end_us)
		timeout_ms = until_ms(face->end_us, timeout_ms);
	if (poll(polled, OWN_FDS + n_fds, timeout_ms) <= 0)
		return -1;
	if (polled[0].revents)
		take_signals(face);
	/* The terminal is gone, and SIGHUP need not have come: it is for the session alone. */
	if (polled[1].revents & (POLLHUP | POLLERR | POLLNVAL))
		face->wants_end = true;
	else if (polled[1].revents)
		while ((key = screen_key(face->screen)) >= 0)
			take_key(face, key);
	for (guint i = 0; i < n_fds; i++)
		if (polled[OWN_FDS + i].revents)
			return (int)i;
	return -1;
}

/* --- The end --- */

static int fail_without_checkpoints(const struct live_face *face, const struct report *report)
{
	const char *command = face->options.command, *source = face->options.source;

	if (face->reset_us)
		return colo_perf_fail(command, COLO_PERF_NO_DATA,
				      "%s: no checkpoint was seen since the reset", source);
	if (face->options.is_stream && !live_counts_recording(face->counts)->n_events)
		return colo_perf_fail(command, COLO_PERF_NO_DATA,
				      "%s: ended before anything came from it", source);
	if (face->options.is_stream)
		return input_fail_without_checkpoints(command, report->recordings);
	return colo_perf_fail(command, COLO_PERF_NO_DATA,
			      "%s: no checkpoint was seen: is this a pair in COLO "
			      "(query-colo-status), and did it run for longer than the checkpoint "
			      "interval (x-checkpoint-delay)?",
			      source);
}

int live_face_end(struct live_face *face)
{
	const char *command = face->options.command;
	const bool on_terminal = face->screen != NULL;
	struct live_report *report;
	int status = COLO_PERF_DONE;

	g_clear_pointer(&face->screen, screen_free);
	signals_give_back(face->signal_fd, &face->mask);
	if (face->error)
		return colo_perf_fail(command, COLO_PERF_FAILED,
				      "cannot write to standard output: %s",
				      error_reason(face->error));
	if (face->is_stuck)
		return colo_perf_fail(command, COLO_PERF_FAILED,
				      "nobody reads standard output: the report was not printed");
	report = live_report_new(face->counts, false);
	if (!report->summaries->len)
		status = fail_without_checkpoints(face, &report->report);
	else if (on_terminal)
		report_print_text(&report->report, stdout);
	else
		report_print_json(&report->report, stdout);
	live_report_free(report);
	return colo_perf_flush(command, status);
}
