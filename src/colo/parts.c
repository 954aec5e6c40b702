/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Cuts checkpoints into parts.
 */
#include "colo/parts.h"

#include <stdlib.h>
#include <string.h>

const char *colo_part_name(unsigned int part)
{
	return part == COLO_PART_OTHER ? "other" : colo_phase_name(part);
}

unsigned int colo_part_find(const char *name)
{
	unsigned int part = 0;

	while (part < COLO_N_PARTS && strcmp(name, colo_part_name(part)) != 0)
		part++;
	return part;
}

bool colo_role_has_part(enum colo_role role, unsigned int part)
{
	guint n;
	const enum colo_phase *phases = colo_role_phases(role, &n);

	if (part == COLO_PART_OTHER || part == COLO_PHASE_WAIT)
		return true;
	for (guint i = 0; i < n; i++)
		if (phases[i] == part)
			return true;
	return false;
}

struct walk {
	colo_part_visitor visit;
	void *data;
	uint64_t seq;
};

static void visit_part(const struct walk *walk, unsigned int part, uint64_t begin_ns,
		       uint64_t end_ns)
{
	walk->visit(part, walk->seq, begin_ns, end_ns, walk->data);
}

static void visit_window(const struct walk *walk, unsigned int part,
			 const struct colo_window *window)
{
	if (colo_window_is_valid(window))
		visit_part(walk, part, window->begin_ns, window->end_ns);
}

static int compare_begins(const void *a, const void *b)
{
	const struct colo_window *left = *(const struct colo_window *const *)a;
	const struct colo_window *right = *(const struct colo_window *const *)b;

	return left->begin_ns < right->begin_ns ? -1 : left->begin_ns > right->begin_ns;
}

/* The gaps between phases, in whatever order these were. */
static void visit_other(const struct walk *walk, const struct colo_window *windows,
			const enum colo_phase *phases, guint n)
{
	const struct colo_window *whole = &windows[COLO_PHASE_CHECKPOINT];
	const struct colo_window *by_time[COLO_N_PHASES];
	uint64_t reached_ns = whole->begin_ns;

	for (guint i = 0; i < n; i++)
		by_time[i] = &windows[phases[i]];
	qsort(by_time, n, sizeof(by_time[0]), compare_begins);
	for (guint i = 0; i < n; i++) {
		const struct colo_window *phase = by_time[i];

		if (phase->begin_ns > reached_ns)
			visit_part(walk, COLO_PART_OTHER, reached_ns, phase->begin_ns);
		reached_ns = MAX(reached_ns, phase->end_ns);
	}
	if (whole->end_ns > reached_ns)
		visit_part(walk, COLO_PART_OTHER, reached_ns, whole->end_ns);
}

static void visit_checkpoint(const struct colo_session *session,
			     const struct colo_checkpoint *checkpoint, void *data)
{
	struct walk *walk = data;
	const struct colo_window *windows = checkpoint->windows;
	guint n;
	const enum colo_phase *phases = colo_role_phases(session->role, &n);

	if (checkpoint->state != COLO_CHECKPOINT_COMPLETE)
		return;
	walk->seq = checkpoint->seq;
	visit_window(walk, COLO_PHASE_WAIT, &windows[COLO_PHASE_WAIT]);
	for (guint i = 0; i < n; i++)
		visit_window(walk, phases[i], &windows[phases[i]]);
	if (colo_checkpoint_other_ns(session->role, checkpoint).known)
		visit_other(walk, windows, phases, n);
}

void colo_session_visit_parts(const struct colo_session *session,
			      const struct colo_selection *selection, colo_part_visitor visit,
			      void *data)
{
	struct walk walk = {.visit = visit, .data = data};

	colo_session_visit(session, selection, visit_checkpoint, &walk);
}
