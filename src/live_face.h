/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The side of `colo-perf live` that faces its user: shows what has been counted each interval,
 * on a terminal or as lines of JSON, and takes keys and signals. Where hits come from is not
 * known here.
 */
#ifndef COLO_PERF_LIVE_FACE_H
#define COLO_PERF_LIVE_FACE_H

#include "live_counts.h"

struct live_face_options {
	const char *command; /* for messages */
	const char *source;  /* "pid 12, 13" */
	double interval_s;
	int count;	/* intervals after which it ends; 0: any number */
	bool json;	/* lines of JSON even on a terminal */
	bool is_stream; /* whose writer the first SIGINT is meant for */
	/* On the clock of the hits: now, from when on a reset counts. */
	uint64_t (*now_ns)(void *data);
	void *data; /* Weak */
};

struct live_face;

/*
 * Blocks the signals that end us: until live_face_end() they are taken by live_face_poll(). To
 * be called first of all. NULL with `error`.
 */
struct live_face *live_face_new(const struct live_face_options *options, GError **error);
/* The terminal is as it was. */
void live_face_free(struct live_face *face);

/* Begins to show. False with `error` when the terminal cannot be used. */
bool live_face_begin(struct live_face *face, struct live_counts *counts, GError **error);

/* It shows lines on a terminal. */
bool live_face_has_screen(const struct live_face *face);

/*
 * Waits until one of the `n_fds` descriptors can be read or has ended, for `timeout_ms` at the most
 * (-1: any time), but not beyond the next interval, and handles what the user wants meanwhile.
 * Returns the number of the descriptor, or -1.
 */
int live_face_poll(struct live_face *face, const int *fds, guint n_fds, int timeout_ms);

/* Shows what there is, if an interval is over. */
void live_face_tick(struct live_face *face);

/* The user, or the number of intervals, wants an end. */
bool live_face_wants_end(const struct live_face *face);

/*
 * Gives the terminal and the signals back, so nothing may be left that a signal must not interrupt,
 * and prints the report; returns the exit status.
 */
int live_face_end(struct live_face *face);

#endif
