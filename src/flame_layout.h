/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where the frames of a flame graph stand: which are drawn, in which row, from
 * where to where. It draws nothing and knows nothing of names but their order.
 */
#ifndef COLO_PERF_FLAME_LAYOUT_H
#define COLO_PERF_FLAME_LAYOUT_H

#include "flame_svg.h"

#define FLAME_NARROW_PX 0.1
#define FLAME_NO_CALLER G_MAXUINT

/* What one sample is worth, so that two recordings can be compared. */
struct flame_units {
	bool are_ms;		    /* per checkpoint; otherwise shares of the root */
	double sample, base_sample; /* in that unit */
	double root;		    /* of the larger root, in that unit */
};

struct flame_box {
	const struct flame_frame *frame; /* Weak */
	guint caller;			 /* index of its box; FLAME_NO_CALLER in row 0 */
	guint row;			 /* 0 is at the bottom */
	bool is_anchor;		   /* of the strip of the vanished: their caller, still there */
	uint64_t anchored_samples; /* of an anchor: what vanished of its callees */
	double left_px, right_px;  /* multiples of 0.001 from the left edge */
};

struct flame_strip {
	GArray *boxes; /* Owned by this: struct flame_box; a caller, then its callees */
	guint n_rows;
	uint64_t n_narrow; /* frames that are narrower than FLAME_NARROW_PX, not among the boxes */
};

struct flame_layout {
	struct flame_units units;
	struct flame_strip now;
	struct flame_strip vanished; /* at the scale of `now`; empty without a base */
	GHashTable *callers; /* frame (weak) to its caller (weak), of all that are in `now` */
};

/*
 * Lays out the graph and, with a base, what vanished since. Both have the same
 * scale: the wider of the two fills `width_px`. Callees never reach beyond their
 * caller. Groups stand in the given order, other siblings by name.
 */
struct flame_layout *flame_layout_new(const struct flame_graph *graph, double width_px);
void flame_layout_free(struct flame_layout *layout);

/* In the units of the layout. */
double flame_value(const struct flame_units *units, const struct flame_frame *frame);
double flame_base_value(const struct flame_units *units, const struct flame_frame *frame);

#endif
