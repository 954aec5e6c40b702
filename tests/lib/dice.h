/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers that look random and are the same in each run, on each machine. For tests that
 * compare with a naive implementation.
 *
 * Source: Marsaglia, Xorshift RNGs (2003), the 64-bit one with (13, 7, 17).
 */
#ifndef COLO_PERF_TESTS_DICE_H
#define COLO_PERF_TESTS_DICE_H

#include <glib.h>

struct dice {
	guint64 state; /* not 0 */
};

/* Other numbers for each `start`. */
static inline struct dice dice_of(guint64 start)
{
	return (struct dice){.state = (start + 1) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)};
}

/* From `begin` to before `end`. */
static inline guint dice_range(struct dice *dice, guint begin, guint end)
{
	dice->state ^= dice->state << 13;
	dice->state ^= dice->state >> 7;
	dice->state ^= dice->state << 17;
	return begin + (guint)((dice->state >> 32) % (end - begin));
}

static inline gboolean dice_boolean(struct dice *dice)
{
	return dice_range(dice, 0, 2) == 1;
}

#endif
