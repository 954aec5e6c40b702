/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The signals of a command that has something to take back: which of them end it, and which it
 * passes over although they would kill it. None interrupts it: they come through a descriptor.
 */
#ifndef COLO_PERF_SIGNALS_H
#define COLO_PERF_SIGNALS_H

#include <glib.h>
#include <signal.h>
#include <stdbool.h>

/*
 * Blocks every signal whose default is to kill, except those that a fault of our own raises, and
 * also those in `more` (0-terminated; NULL: none). SIGPIPE is ignored. `before` (NULL: not wanted)
 * is what was blocked. Returns a descriptor that can be polled, for signals_next(); the caller
 * closes it. -1 with `error`; nothing is blocked then.
 */
int signals_open(const int *more, sigset_t *before, GError **error);

/* The next signal that somebody wants something with: one that ends us, or of `more`. 0: none. */
int signals_next(int fd, const int *more);

/* It wants us to end. */
bool signals_is_end(int number);

/* Nothing is left to be taken back: signals are again what they were before, as `before` says. */
void signals_give_back(int fd, const sigset_t *before);

#endif
