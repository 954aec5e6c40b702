/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Draws a flame graph as an SVG that stands alone: no other file, no network. It
 * knows rectangles, text and a script; what the frames mean is for others.
 */
#ifndef COLO_PERF_FLAME_SVG_H
#define COLO_PERF_FLAME_SVG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Decides the colour, and is said in the tooltip where the name does not tell. */
enum flame_kind {
	FLAME_GROUP,	  /* no function: a phase, a thread */
	FLAME_PROGRAM,	  /* a function of the recorded program */
	FLAME_LIBRARY,	  /* of another file */
	FLAME_KERNEL,	  /* of the kernel */
	FLAME_INLINED,	  /* inlined into its caller */
	FLAME_UNRESOLVED, /* no symbol was found */
	FLAME_N_KINDS,
};

/* A frame and all that it calls. */
struct flame_frame {
	const char *name;   /* Weak */
	const char *module; /* Weak; NULL: none to name */
	enum flame_kind kind;
	uint64_t samples;      /* in it and in what it calls */
	uint64_t base_samples; /* likewise in the recording compared with; 0 without one */
	/* Owned by this: struct flame_frame (owned), of at most `samples` together; NULL: none */
	GPtrArray *callees;
};

/* A recording that the graph is made of, or that it is compared with. */
struct flame_source {
	/* Weak: "perf.data: primary, ram, 60 checkpoints, ..."; a line below the subtitles */
	const char *label;    /* NULL: none */
	double ms_per_sample; /* milliseconds per sample and checkpoint; 0: not known */
};

struct flame_graph {
	const char *title;    /* Weak */
	GPtrArray *subtitles; /* Weak: strings (weak), lines below the title; NULL: none */
	const struct flame_frame *root; /* Weak; its name is that of the bottom row */
	struct flame_source source;
	bool has_base; /* a differential graph */
	struct flame_source base;
};

/* With all that it calls, however deep that is. */
void flame_frame_free(struct flame_frame *frame);

/*
 * Writes the SVG, the same bytes for the same graph. Names may hold anything. Two
 * recordings are compared by milliseconds per checkpoint when those of both are
 * known, otherwise by their shares of the root. Whether the SVG could be written
 * is for the caller to ask `out`.
 */
void flame_svg_print(const struct flame_graph *graph, FILE *out);

#endif
