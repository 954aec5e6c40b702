/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A directory that looks like a tracefs, and two programs with probes, for tests of what is
 * registered. The kernel's part, to remove the lines that "-:" names, is played by
 * registration_fixture_settle().
 */
#ifndef COLO_PERF_TESTS_REGISTRATION_FIXTURE_H
#define COLO_PERF_TESTS_REGISTRATION_FIXTURE_H

#include "probes/registration.h"

struct registration_fixture {
	char *dir;	       /* Owned by this: where the programs are */
	char *base;	       /* Owned by this: where all else is */
	char *tracefs, *state; /* Owned by this: paths */
	char *events;	       /* Owned by this: path of uprobe_events */
	GPtrArray *one, *two;  /* Owned by this: a list of one program each */
	struct registration_place place;
	/* Says into `said`; its wants_end() is the test's own. */
	struct registration_caller caller;
	GString *said; /* Owned by this: a line each */
};

/*
 * `data` is NULL, or says that the programs are to be where nobody else could exchange them; then
 * `dir` is NULL where there is no such place.
 */
#define REGISTRATION_FIXTURE_FIXED ((gconstpointer) "fixed")
void registration_fixture_set_up(struct registration_fixture *fixture, gconstpointer data);
void registration_fixture_tear_down(struct registration_fixture *fixture, gconstpointer data);

/* A list of one program; the caller frees it. */
GPtrArray *registration_fixture_open(const char *dir, const char *name);

/* The text of uprobe_events; the caller frees it. */
char *registration_fixture_events(const struct registration_fixture *fixture);
/* Sets it. */
void registration_fixture_set_events(const struct registration_fixture *fixture, const char *text);

/* Removes the lines that "-:" names, and those lines; each must name a line that is there. */
void registration_fixture_settle(const struct registration_fixture *fixture);

/* The registered lines are `expected`: "EVENT PROGRAM; ..." */
void registration_fixture_check(const struct registration_fixture *fixture, const char *expected);

struct registration *registration_fixture_register(const struct registration_fixture *fixture,
						   const GPtrArray *programs);
void registration_fixture_end(const struct registration_fixture *fixture,
			      struct registration *registration);

#endif
