/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a flame graph says of a box when it is pointed at.
 */
#ifndef COLO_PERF_FLAME_TOOLTIP_H
#define COLO_PERF_FLAME_TOOLTIP_H

#include "flame_layout.h"

/* Columns of a name, which is cut in the middle if it has more. */
#define FLAME_TOOLTIP_NAME 500

/* Writes a <title>: the name, then a line for each thing that is to be said of it. */
void flame_tooltip_print(const struct flame_graph *graph, const struct flame_layout *layout,
			 const struct flame_box *box, FILE *out);

/* How much longer the frame takes than in the base, in the layout's units; below 0: less long. */
double flame_change_of(const struct flame_layout *layout, const struct flame_frame *frame);

#endif
