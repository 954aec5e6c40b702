/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which events a program needs, which of them are there already, what their names are.
 */
#include "probes/registration.h"

#include "base/error.h"
#include "probes/program_probes.h"
#include "probes/tracefs.h"
#include "probes/trust.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_NUMBER	999   /* name_1, name_2, ... */
#define PATIENCE_NEW_MS 15000 /* the perf of a killed instance closes its events, one by one */
#define PATIENCE_END_MS 1000
/* At the end nobody may be there to press Ctrl-C. Another one's PATIENCE_NEW_MS fits in. */
#define PATIENCE_LOCK_END_MS 20000

struct registration {
	const struct registration_place *place;	  /* Weak */
	const struct registration_caller *caller; /* Weak: of registration_new(), meanwhile */
	char *user;				  /* Owned by this: our file in the state */
	int user_fd;				  /* Owned by this: its lock; -1: no share yet */
	GPtrArray *events;			  /* Owned by this: struct registered_event */
	GPtrArray *used; /* Owned by this: text (owned) of our lines that they have */
};

static void event_free(gpointer data)
{
	struct registered_event *event = data;

	g_free(event->name);
	g_free(event->probe);
	g_free(event);
}

static const struct registration_place *default_place(void)
{
	static struct registration_place place = {.tracefs = TRACEFS_PATH, .mount = true};

	if (!place.state)
		place.state = geteuid() ? g_strdup_printf("/tmp/colo-perf-%u", geteuid())
					: "/run/colo-perf";
	return &place;
}

/* --- What is registered --- */

/*
 * The line is of that very file. Of our own we know: the kernel holds the file as long as the line
 * is there, so its number is not given to another one. Of what others registered only the path is
 * known; it says something where nobody could have exchanged the file behind it.
 */
static bool is_of(const struct uprobe_line *line, const struct program *program,
		  const struct shared_state *state)
{
	const struct state_line *own = shared_state_find(state, line->text);

	if (own)
		return own->device == program->status.st_dev &&
		       own->inode == program->status.st_ino;
	return uprobe_path_is_plain(line->path) &&
	       trust_is_fixed_path(line->path, &program->status);
}

/* "NAME" or "NAME_1" */
static bool is_called(const char *event, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(event, name, length))
		return false;
	return !event[length] ||
	       (event[length] == '_' && event[length + 1] &&
		strspn(event + length + 1, "0123456789") == strlen(event + length + 1));
}

/* The event has exactly the probe's sites, in that program. */
static bool fits(const GPtrArray *lines, const char *event, const struct program_probe *probe,
		 const struct program *program, const struct shared_state *state)
{
	guint n = 0;

	for (guint i = 0; i < lines->len; i++) {
		const struct uprobe_line *line = g_ptr_array_index(lines, i);

		if (strcmp(line->event, event))
			continue;
		if (!program_probe_has_site(probe, line->site) || !is_of(line, program, state))
			return false;
		n++;
	}
	return n == probe->sites->len;
}

/* The name of an event that is the probe's; NULL when there is none. */
static const char *find_event(const GPtrArray *lines, const struct program_probe *probe,
			      const struct program *program, const struct shared_state *state)
{
	for (guint i = 0; i < lines->len; i++) {
		const struct uprobe_line *line = g_ptr_array_index(lines, i);

		if (is_called(line->event, probe->name) &&
		    fits(lines, line->event, probe, program, state))
			return line->event;
	}
	return NULL;
}

static bool is_taken(const GPtrArray *lines, const char *event)
{
	for (guint i = 0; i < lines->len; i++) {
		const struct uprobe_line *line = g_ptr_array_index(lines, i);

		if (!strcmp(line->event, event))
			return true;
	}
	return false;
}

/* A name that no event has; the caller frees it. */
static char *free_name(const GPtrArray *lines, const char *name)
{
	g_autofree char *event = g_strdup(name);

	for (guint i = 1; is_taken(lines, event) && i <= MAX_NUMBER; i++) {
		g_free(event);
		event = g_strdup_printf("%s_%u", name, i);
	}
	return g_steal_pointer(&event);
}

/* --- Registering --- */

static bool add_event(struct registration *registration, const char *name, const char *probe,
		      GError **error)
{
	struct registered_event *event = g_new0(struct registered_event, 1);

	event->name = g_strdup(name);
	event->probe = g_strdup(probe);
	g_ptr_array_add(registration->events, event);
	return tracefs_event_id(registration->place->tracefs, REGISTRATION_GROUP, name, &event->id,
				error);
}

/* Adds the lines of an event that is to be made; its name, which the caller frees. */
static char *plan_event(GPtrArray *lines, const struct program_probe *probe,
			const struct program *program)
{
	char *event = free_name(lines, probe->name);

	for (guint i = 0; i < probe->sites->len; i++)
		g_ptr_array_add(lines,
				uprobe_line_new(REGISTRATION_GROUP, event, program->site_path,
						g_ptr_array_index(probe->sites, i)));
	return event;
}

/* The names (owned) of the events of the probes, one each; those that are missing are planned. */
static GPtrArray *choose_events(const struct shared_state *state, GPtrArray *lines,
				const GPtrArray *probes, const struct program *program)
{
	GPtrArray *events = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < probes->len; i++) {
		const struct program_probe *probe = g_ptr_array_index(probes, i);
		const char *event = find_event(lines, probe, program, state);

		g_ptr_array_add(events,
				event ? g_strdup(event) : plan_event(lines, probe, program));
	}
	return events;
}

/* Those that we made are used by us now; those of others are not ours to keep. */
static void use_event(struct registration *registration, const struct shared_state *state,
		      const GPtrArray *lines, const char *event)
{
	for (guint i = 0; i < lines->len; i++) {
		const struct uprobe_line *line = g_ptr_array_index(lines, i);

		if (!strcmp(line->event, event) && shared_state_find(state, line->text))
			g_ptr_array_add(registration->used, g_strdup(line->text));
	}
}

/* False with `error`, or without when the caller wants an end. */
static bool register_program(struct registration *registration, struct shared_state *state,
			     GPtrArray *lines, const GPtrArray *probes,
			     const struct program *program, GError **error)
{
	const guint first = lines->len;
	g_autoptr(GPtrArray) events = choose_events(state, lines, probes, program);

	/* Noted first: who is killed in between has noted too much, not too little. */
	if (lines->len > first &&
	    !shared_state_note_added(state, lines, first, program->status.st_dev,
				     program->status.st_ino, error))
		return false;
	for (guint i = first; i < lines->len; i++) {
		if (registration_caller_wants_end(registration->caller, 0))
			return false;
		if (!tracefs_add(registration->place->tracefs, g_ptr_array_index(lines, i),
				 error)) {
			g_prefix_error(error, "%s: ", program->path);
			return false;
		}
	}
	for (guint i = 0; i < probes->len; i++) {
		const struct program_probe *probe = g_ptr_array_index(probes, i);
		const char *event = g_ptr_array_index(events, i);

		use_event(registration, state, lines, event);
		if (!add_event(registration, event, probe->name, error))
			return false;
	}
	return true;
}

/* What was registered is what was looked at: nothing is enabled yet. */
static bool check_unchanged(const GPtrArray *programs, const GPtrArray *probes, GError **error)
{
	for (guint i = 0; i < programs->len; i++) {
		const struct program *program = g_ptr_array_index(programs, i);
		g_autoptr(GPtrArray) now = NULL;

		if (!program_is_unchanged(program, error))
			return false;
		now = program_probes_read(program, NULL, error);
		if (!now)
			return false;
		if (!program_probes_are_equal(now, g_ptr_array_index(probes, i))) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
				    "the probes of %s were changed while they were registered: "
				    "try again",
				    program->path);
			return false;
		}
	}
	return true;
}

static bool can_register(const char *tracefs, GError **error)
{
	g_autofree char *path = g_build_filename(tracefs, UPROBE_EVENTS, NULL);

	if (!g_access(path, R_OK | W_OK))
		return true;
	g_set_error(
		error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		"%s is not there or not writable: the kernel needs CONFIG_UPROBE_EVENTS, and you "
		"root's rights outside of a container",
		path);
	return false;
}

/* Takes back what killed ones left. */
static bool clean_before(struct registration *registration, struct shared_state *state,
			 GError **error)
{
	struct cleaning cleaning;

	if (!shared_state_clean(state, PATIENCE_NEW_MS, &cleaning, error))
		return false;
	if (cleaning.n_removed)
		registration_caller_say(registration->caller,
					"took back %u probes that an instance of colo-perf left "
					"registered when it was killed",
					cleaning.n_removed);
	return true;
}

/* With the state locked. `probes` are those of each program. As register_program(). */
static bool fill(struct registration *registration, struct shared_state *state,
		 const GPtrArray *programs, const GPtrArray *probes, GError **error)
{
	g_autoptr(GPtrArray) lines = NULL;

	if (!shared_state_mount(state, error) ||
	    !can_register(registration->place->tracefs, error) ||
	    !clean_before(registration, state, error))
		return false;
	registration->user_fd = shared_state_enter(state, &registration->user, error);
	if (registration->user_fd < 0)
		return false;
	/* The cleaning may have unmounted it: the mark was that of a killed one. */
	if (!shared_state_mount(state, error))
		return false;
	lines = tracefs_lines(registration->place->tracefs, REGISTRATION_GROUP, error);
	if (!lines)
		return false;
	for (guint i = 0; i < programs->len; i++)
		if (!register_program(registration, state, lines, g_ptr_array_index(probes, i),
				      g_ptr_array_index(programs, i), error))
			return false;
	return check_unchanged(programs, probes, error) &&
	       state_file_write_user(registration->user_fd, registration->used, error);
}

/*
 * With the state locked. What could not be taken back, a sentence that the caller frees, or NULL.
 */
static char *leave(struct registration *registration, struct shared_state *state, guint patience_ms)
{
	g_autoptr(GError) error = NULL;
	struct cleaning cleaning;

	if (registration->user_fd >= 0) {
		g_unlink(registration->user);
		close(registration->user_fd);
		registration->user_fd = -1;
	}
	if (!shared_state_clean(state, patience_ms, &cleaning, &error))
		return g_strdup_printf("probes may stay registered until colo-perf is used the "
				       "next time: %s",
				       error->message);
	if (cleaning.n_busy)
		return g_strdup_printf("%u probes are recorded by another program and stay "
				       "registered: colo-perf takes them back when it is used the "
				       "next time, or perf probe -d '" REGISTRATION_GROUP
				       ":colo_*'",
				       cleaning.n_busy);
	if (cleaning.still_mounted)
		return g_strdup_printf("%s stays mounted: another program uses it",
				       registration->place->tracefs);
	return NULL;
}

static void free_parts(struct registration *registration)
{
	g_free(registration->user);
	g_ptr_array_unref(registration->events);
	g_ptr_array_unref(registration->used);
	g_free(registration);
}

/* Those of each program (GPtrArray, owned by the new array); NULL with `error`. */
static GPtrArray *probes_of_all(const GPtrArray *programs, const struct registration_caller *caller,
				GError **error)
{
	g_autoptr(GPtrArray) probes =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

	for (guint i = 0; i < programs->len; i++) {
		const struct program *program = g_ptr_array_index(programs, i);
		bool has_others;
		GPtrArray *own = program_probes_read(program, &has_others, error);

		if (!own)
			return NULL;
		if (has_others)
			registration_caller_say(caller,
						"%s has COLO probes that this colo-perf does not "
						"know: they are not recorded",
						program->path);
		g_ptr_array_add(probes, own);
	}
	return g_steal_pointer(&probes);
}

struct registration *registration_new(const struct registration_place *place,
				      const struct registration_caller *caller,
				      const GPtrArray *programs, GError **error)
{
	g_autoptr(GPtrArray) probes = probes_of_all(programs, caller, error);
	g_autofree char *problem = NULL;
	struct registration *registration;
	struct shared_state *state;
	bool done;

	if (!probes)
		return NULL;
	if (!place)
		place = default_place();
	state = shared_state_lock(place, REGISTRATION_GROUP, caller, 0, error);
	if (!state)
		return NULL;
	registration = g_new0(struct registration, 1);
	registration->place = place;
	registration->caller = caller;
	registration->user_fd = -1;
	registration->events = g_ptr_array_new_with_free_func(event_free);
	registration->used = g_ptr_array_new_with_free_func(g_free);
	done = fill(registration, state, programs, probes, error);
	if (!done)
		problem = leave(registration, state, 0);
	shared_state_unlock(state);
	if (done)
		return registration;
	if (problem)
		registration_caller_say(caller, "warning: %s", problem);
	free_parts(registration);
	return NULL;
}

const GPtrArray *registration_events(const struct registration *registration)
{
	return registration->events;
}

char *registration_end(struct registration *registration, const struct registration_caller *caller)
{
	g_autoptr(GError) error = NULL;
	struct shared_state *state;
	char *problem;

	if (!registration)
		return NULL;
	state = shared_state_lock(registration->place, REGISTRATION_GROUP, caller,
				  PATIENCE_LOCK_END_MS, &error);
	if (state) {
		problem = leave(registration, state, PATIENCE_END_MS);
		shared_state_unlock(state);
	} else {
		problem = g_strdup_printf("the probes stay registered until colo-perf is used the "
					  "next time: %s",
					  error ? error->message : "a signal ended the wait");
		/* Unlocked by that: whoever comes next knows that we need nothing any more. */
		close(registration->user_fd);
	}
	free_parts(registration);
	return problem;
}
