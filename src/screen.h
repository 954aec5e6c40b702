/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A terminal that shows lines which change in place, and gives keys. The terminal is as it
 * was before on every way out: screen_free(), exit(), and signals that end the process. It
 * knows nothing of what is shown.
 *
 * No library: what is needed of ECMA-48 is understood by every terminal of the last decades, and
 * a line is written only when it has changed.
 */
#ifndef COLO_PERF_SCREEN_H
#define COLO_PERF_SCREEN_H

#include "screen_keys.h"

#include <glib.h>
#include <stdbool.h>

enum screen_style {
	SCREEN_PLAIN,
	SCREEN_TITLE,
	SCREEN_HEADING,
	SCREEN_ACTIVE,
	SCREEN_WARNING,
};

struct screen_line {
	char *text; /* Owned by this: printable ASCII, no longer than the screen is wide */
	enum screen_style style;
};

/* A new array of struct screen_line (owned by it). */
GPtrArray *screen_lines_new(void);
void screen_lines_add(GPtrArray *lines, enum screen_style style, const char *text);

struct screen;

/* Standard output is a terminal that can do this. */
bool screen_is_possible(void);

/* Takes the terminal over; `coloured`: with styles. NULL with `error`. */
struct screen *screen_new(bool coloured, GError **error);
void screen_free(struct screen *screen);

/* What poll() has to wait for; keys. */
int screen_fd(const struct screen *screen);

/* The next key, a character or one of enum screen_key; SCREEN_KEY_NONE when none is waiting. */
int screen_key(struct screen *screen);

/* As it is now. */
void screen_size(const struct screen *screen, guint *width, guint *height);

/* Shows these lines, cut to its height. Takes no ownership. */
void screen_show(struct screen *screen, const GPtrArray *lines);

/* All is written again by the next screen_show(): the terminal has been resized or used by others.
 */
void screen_forget(struct screen *screen);

/* Gives the terminal back for a while: SIGTSTP. */
void screen_suspend(struct screen *screen);
void screen_resume(struct screen *screen);

#endif
