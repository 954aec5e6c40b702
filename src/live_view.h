/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lines of the live view, for any size of the terminal. It draws; what is shown has been
 * counted elsewhere, and how lines get onto a terminal is screen.h's business.
 */
#ifndef COLO_PERF_LIVE_VIEW_H
#define COLO_PERF_LIVE_VIEW_H

#include "live_counts.h"
#include "screen.h"

/* One side: the primary's or the secondary's session. It may go on while it is drawn. */
struct live_side {
	const struct colo_summary *summary; /* Weak */
	struct live_now now;
};

struct live_view {
	const char *source;	 /* "pid 12, 13", or "-" */
	double interval_s;	 /* between two looks */
	double elapsed_s;	 /* since the start */
	double counted_s;	 /* since the reset; negative: there was none */
	uint64_t n_hits, n_lost; /* of probes; events */
	bool paused;
	uint64_t now_ns; /* on the clock of the hits */
	struct live_side sides[2];
	guint n_sides;
	guint n_hidden;		   /* sessions for which there is no room */
	const GPtrArray *warnings; /* Weak: struct warning */
	/* What the user asked for. Any number: they begin anew behind the last. */
	int page;	 /* of what does not fit onto one screen */
	guint side_turn; /* both sides, the primary, the secondary */
};

/*
 * New lines (struct screen_line, owned by the array), at the most `height`. `page` becomes the
 * number of the page that they show.
 */
GPtrArray *live_view_lines(struct live_view *view, guint width, guint height);

#endif
