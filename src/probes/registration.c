/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which events a program needs, which of them are there already, what their names are.
 */
#include "probes/registration.h"

#include "base/error.h"
#include "probes/sdt_notes.h"
#include "probes/tracefs.h"
#include "probes/uprobe_arguments.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define PROVIDER "qemu"
/* QEMU's own probes, of its trace backend dtrace, are of the same provider. */
#define PREFIX		"colo_"
#define MAX_NAME	48    /* the kernel has 63 bytes for it, with the number behind it */
#define MAX_NUMBER	999   /* name_1, name_2, ... */
#define PATIENCE_NEW_MS 15000 /* the perf of a killed instance closes its events, one by one */
#define PATIENCE_END_MS 1000

struct registration {
	const struct registration_place *place; /* Weak */
	char *user;				/* Owned by this: our file in the state */
	int user_fd;				/* Owned by this: its lock; -1: no share yet */
	GPtrArray *events;			/* Owned by this: struct registered_event */
	GString *used;				/* Owned by this: their lines */
	char *note;				/* Owned by this */
};

/* A probe as a program has it. */
struct probe {
	char *name;	  /* Owned by this */
	GPtrArray *sites; /* Owned by this: as in struct uprobe_line (owned) */
};

static void probe_free(gpointer data)
{
	struct probe *probe = data;

	g_free(probe->name);
	g_ptr_array_unref(probe->sites);
	g_free(probe);
}

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

/* --- What a program has --- */

/* It is written into a line, and becomes the name of a directory. */
static bool is_event_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!g_ascii_isalnum(*c) && *c != '_')
			return false;
	return strlen(name) <= MAX_NAME;
}

static struct probe *find_probe(GPtrArray *probes, const char *name)
{
	struct probe *probe;

	for (guint i = 0; i < probes->len; i++) {
		probe = g_ptr_array_index(probes, i);
		if (!strcmp(probe->name, name))
			return probe;
	}
	probe = g_new0(struct probe, 1);
	probe->name = g_strdup(name);
	probe->sites = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(probes, probe);
	return probe;
}

static bool has_site(const GPtrArray *sites, const char *site)
{
	return g_ptr_array_find_with_equal_func((GPtrArray *)sites, site, g_str_equal, NULL);
}

static bool add_site(GPtrArray *probes, const struct sdt_site *site, const char *path,
		     GError **error)
{
	g_autofree char *arguments = NULL, *text = NULL;
	struct probe *probe;

	if (!is_event_name(site->name)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "%s has a probe called \"%s\": that is no name", path, site->name);
		return false;
	}
	arguments = uprobe_arguments(site->arguments, error);
	if (!arguments) {
		g_prefix_error(error, "%s: probe %s: ", path, site->name);
		return false;
	}
	probe = find_probe(probes, site->name);
	text = uprobe_site(site->offset, site->counter, arguments);
	/* The kernel refuses the same place twice. */
	if (!has_site(probe->sites, text))
		g_ptr_array_add(probe->sites, g_steal_pointer(&text));
	return true;
}

/* The struct probe (owned) of a program, at least one. */
static GPtrArray *probes_of(const struct program *program, GError **error)
{
	g_autoptr(GPtrArray) sites = sdt_notes_read(program->fd, program->path, PROVIDER, error);
	g_autoptr(GPtrArray) probes = g_ptr_array_new_with_free_func(probe_free);

	if (!sites)
		return NULL;
	for (guint i = 0; i < sites->len; i++) {
		const struct sdt_site *site = g_ptr_array_index(sites, i);

		if (g_str_has_prefix(site->name, PREFIX) &&
		    !add_site(probes, site, program->path, error))
			return NULL;
	}
	if (probes->len)
		return g_steal_pointer(&probes);
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NO_PROBES,
		    "%s has no COLO probes: build QEMU with qemu-patch/sdt-probes.patch and "
		    "systemtap-sdt-dev, as scripts/build-qemu.sh does",
		    program->path);
	return NULL;
}

bool registration_check_program(const struct program *program, GError **error)
{
	g_autoptr(GPtrArray) probes = probes_of(program, error);

	return probes != NULL;
}

/* --- What is registered --- */

/*
 * The line is of that very file. Of our own we know. Of what others registered only the path is
 * known, which may be another file's by now; but that of a process would say nothing at all.
 */
static bool is_of(const struct uprobe_line *line, const struct program *program,
		  struct shared_state *state)
{
	GStatBuf status;
	dev_t device;
	ino_t inode;

	if (shared_state_file_of(state, line->text, &device, &inode))
		return device == program->device && inode == program->inode;
	return !g_str_has_prefix(line->path, "/proc/") && !g_stat(line->path, &status) &&
	       status.st_dev == program->device && status.st_ino == program->inode;
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

/* The event has exactly the probe's sites, in that program. Its lines are added to `text`. */
static bool fits(const GPtrArray *lines, const char *event, const struct probe *probe,
		 const struct program *program, struct shared_state *state, GString *text)
{
	guint n = 0;

	g_string_truncate(text, 0);
	for (guint i = 0; i < lines->len; i++) {
		const struct uprobe_line *line = g_ptr_array_index(lines, i);

		if (strcmp(line->event, event))
			continue;
		if (!has_site(probe->sites, line->site) || !is_of(line, program, state))
			return false;
		g_string_append_printf(text, "%s\n", line->text);
		n++;
	}
	return n == probe->sites->len;
}

/* The name of an event that is the probe's; NULL when there is none. Its lines in `text`. */
static const char *find_event(const GPtrArray *lines, const struct probe *probe,
			      const struct program *program, struct shared_state *state,
			      GString *text)
{
	for (guint i = 0; i < lines->len; i++) {
		const struct uprobe_line *line = g_ptr_array_index(lines, i);

		if (is_called(line->event, probe->name) &&
		    fits(lines, line->event, probe, program, state, text))
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

static bool register_probe(struct registration *registration, struct shared_state *state,
			   GPtrArray *lines, const struct probe *probe,
			   const struct program *program, GError **error)
{
	const char *tracefs = registration->place->tracefs;
	g_autofree char *event = free_name(lines, probe->name);

	for (guint i = 0; i < probe->sites->len; i++) {
		struct uprobe_line *line =
			uprobe_line_new(REGISTRATION_GROUP, event, program->site_path,
					g_ptr_array_index(probe->sites, i));

		g_ptr_array_add(lines, line);
		/* Noted first: who is killed in between has noted too much, not too little. */
		if (!shared_state_note_added(state, line->text, program->path, program->device,
					     program->inode, error) ||
		    !tracefs_add(tracefs, line, error))
			return false;
		g_string_append_printf(registration->used, "%s\n", line->text);
	}
	return add_event(registration, event, probe->name, error);
}

static bool register_program(struct registration *registration, struct shared_state *state,
			     GPtrArray *lines, const GPtrArray *probes,
			     const struct program *program, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < probes->len; i++) {
		const struct probe *probe = g_ptr_array_index(probes, i);
		const char *event = find_event(lines, probe, program, state, text);

		if (event) {
			g_string_append_len(registration->used, text->str, (gssize)text->len);
			if (!add_event(registration, event, probe->name, error))
				return false;
		} else if (!register_probe(registration, state, lines, probe, program, error)) {
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

static char *note_of(const struct cleaning *cleaning)
{
	if (cleaning->n_removed)
		return g_strdup_printf("took back %u probes that an instance of colo-perf left "
				       "registered when it was killed",
				       cleaning->n_removed);
	return NULL;
}

/* With the state locked. `probes` are those of each program. */
static bool fill(struct registration *registration, struct shared_state *state,
		 const GPtrArray *programs, const GPtrArray *probes, GError **error)
{
	g_autoptr(GPtrArray) lines = NULL;
	struct cleaning cleaning;

	if (!shared_state_mount(state, error) || !can_register(registration->place->tracefs, error))
		return false;
	cleaning = shared_state_clean(state, PATIENCE_NEW_MS);
	registration->note = note_of(&cleaning);
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
	return shared_state_use(registration->user_fd, registration->used->str, error);
}

/* With the state locked. */
static struct cleaning leave(struct registration *registration, struct shared_state *state,
			     guint patience_ms)
{
	if (registration->user_fd >= 0) {
		g_unlink(registration->user);
		close(registration->user_fd);
		registration->user_fd = -1;
	}
	return shared_state_clean(state, patience_ms);
}

static void free_parts(struct registration *registration)
{
	g_free(registration->user);
	g_ptr_array_unref(registration->events);
	g_string_free(registration->used, TRUE);
	g_free(registration->note);
	g_free(registration);
}

struct registration *registration_new(const struct registration_place *place,
				      const GPtrArray *programs, GError **error)
{
	g_autoptr(GPtrArray) probes =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	struct registration *registration;
	struct shared_state *state;
	bool done;

	if (!place)
		place = default_place();
	for (guint i = 0; i < programs->len; i++) {
		GPtrArray *own = probes_of(g_ptr_array_index(programs, i), error);

		if (!own)
			return NULL;
		g_ptr_array_add(probes, own);
	}
	state = shared_state_lock(place, REGISTRATION_GROUP, error);
	if (!state)
		return NULL;
	registration = g_new0(struct registration, 1);
	registration->place = place;
	registration->user_fd = -1;
	registration->events = g_ptr_array_new_with_free_func(event_free);
	/* Not empty: that would be "any". */
	registration->used = g_string_new("\n");
	done = fill(registration, state, programs, probes, error);
	if (!done)
		leave(registration, state, 0);
	shared_state_unlock(state);
	if (done)
		return registration;
	free_parts(registration);
	return NULL;
}

const GPtrArray *registration_events(const struct registration *registration)
{
	return registration->events;
}

const char *registration_note(const struct registration *registration)
{
	return registration->note;
}

char *registration_end(struct registration *registration)
{
	g_autoptr(GError) error = NULL;
	struct shared_state *state;
	struct cleaning cleaning;
	char *problem = NULL;

	if (!registration)
		return NULL;
	state = shared_state_lock(registration->place, REGISTRATION_GROUP, &error);
	if (state) {
		cleaning = leave(registration, state, PATIENCE_END_MS);
		if (cleaning.n_busy)
			problem = g_strdup_printf(
				"%u probes are recorded by another program and stay registered: "
				"colo-perf takes them back when it is used the next time, or "
				"perf probe -d '" REGISTRATION_GROUP ":*'",
				cleaning.n_busy);
		else if (cleaning.still_mounted)
			problem = g_strdup_printf("%s stays mounted: another program uses it",
						  registration->place->tracefs);
		shared_state_unlock(state);
	} else {
		problem = g_strdup_printf("the probes stay registered: %s", error->message);
		close(registration->user_fd);
	}
	free_parts(registration);
	return problem;
}

void registration_free(struct registration *registration)
{
	g_free(registration_end(registration));
}
