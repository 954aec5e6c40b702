/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the stacks of a profile to the tree of a flame graph, of one recording or
 * of two that are compared; and its folded lines. How it is drawn is for
 * flame_svg.h.
 */
#ifndef COLO_PERF_FLAME_TREE_H
#define COLO_PERF_FLAME_TREE_H

#include "flame_svg.h"
#include "phase_profile.h"

/* Which samples: those of a role's sessions, in one part or in all of them. */
struct flame_choice {
	enum colo_role role;
	unsigned int part; /* COLO_N_PARTS: all, with the parts at the root */
	bool threads;	   /* all threads, with the threads at the root; or the COLO thread alone */
};

struct flame_tree;

struct flame_tree *flame_tree_new(const char *root);
void flame_tree_free(struct flame_tree *tree);

/* Adds the chosen samples, as the recording or as the base that it is compared with. */
void flame_tree_add(struct flame_tree *tree, const struct phase_profiles *profiles,
		    const struct flame_choice *choice, bool is_base);

const struct flame_frame *flame_tree_root(const struct flame_tree *tree);

/*
 * Writes a line "a;b;c 12" for each stack, the samples behind it; with `has_base`
 * "a;b;c 7 12", the base first, as FlameGraph's difffolded.pl does. An inlined function
 * ends in "_[i]". Sorted.
 */
void flame_tree_print_folded(const struct flame_tree *tree, bool has_base, FILE *out);

/* What the choice is of, summed up over its sessions. */
struct flame_totals {
	uint64_t n_checkpoints, samples;
	int64_t wall_ns;	     /* of all its parts */
	struct colo_value on_cpu_ns; /* of the COLO thread */
	int64_t sampled_ns;	     /* on a CPU, of all chosen threads; 0 when not known */
	const char *thread;	     /* Weak: its name; NULL: not known */
};
struct flame_totals flame_totals_of(const struct phase_profiles *profiles,
				    const struct recordings *recordings,
				    const struct flame_choice *choice);

#endif
