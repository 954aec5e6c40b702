/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The files that a tracefs has, as ordinary ones.
 */
#include "lib/registration_fixture.h"

#include "lib/elf_maker.h"
#include "lib/probes_maker.h"

#include <glib/gstdio.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static const struct made_probe probes[] = {
	{"qemu", "colo_exit", "-4@%eax", FALSE},
	{"qemu", "colo_trigger", "8@8(%rbp) -4@$3", FALSE},
	{"qemu", "colo_exit", "-4@%ebx", FALSE},
	{"qemu", "vm_state_notify", "8@%rax", TRUE},
	{"other", "colo_other", "8@%rax", FALSE},
	{NULL, NULL, NULL, FALSE},
};

static const struct {
	const char *event;
	guint id;
} ids[] = {
	{"colo_exit", 101},
	{"colo_trigger", 102},
	{"colo_exit_1", 103},
	{"colo_trigger_1", 104},
};

GPtrArray *registration_fixture_open(const char *dir, const char *name)
{
	GPtrArray *programs = g_ptr_array_new_with_free_func((GDestroyNotify)program_free);
	g_autofree char *path = elf_maker_path(dir, name);
	struct program *program = program_at(path, NULL);

	g_assert_nonnull(program);
	g_ptr_array_add(programs, program);
	return programs;
}

static void set_id(const struct registration_fixture *fixture, const char *event, guint id)
{
	g_autofree char *path =
		g_build_filename(fixture->tracefs, "events", REGISTRATION_GROUP, event, NULL);
	g_autofree char *file = g_build_filename(path, "id", NULL);
	g_autofree char *text = g_strdup_printf("%u\n", id);

	g_assert_cmpint(g_mkdir_with_parents(path, 0700), ==, 0);
	g_assert_true(g_file_set_contents(file, text, -1, NULL));
}

/* The directories that lead to a home are usually root's and its owner's alone; $HOME, of a test,
 * is below /tmp. */
static char *new_fixed_dir(void)
{
	const struct passwd *user = getpwuid(geteuid());
	char *dir = g_build_filename(user ? user->pw_dir : "/", ".colo-perf-test-XXXXXX", NULL);

	return g_mkdtemp(dir) ? dir : (g_free(dir), NULL);
}

static void say(void *data, const char *text)
{
	g_string_append_printf(data, "%s\n", text);
}

static void make_programs(struct registration_fixture *fixture)
{
	probes_maker_compile(fixture->dir, "one", probes, "-no-pie -static", 0);
	probes_maker_compile(fixture->dir, "two", probes, "-no-pie -static", 0);
	fixture->one = registration_fixture_open(fixture->dir, "one");
	fixture->two = registration_fixture_open(fixture->dir, "two");
}

void registration_fixture_set_up(struct registration_fixture *fixture, gconstpointer data)
{
	fixture->base = elf_maker_new_dir();
	fixture->dir = data ? new_fixed_dir() : elf_maker_new_dir();
	fixture->tracefs = elf_maker_path(fixture->base, "tracing");
	fixture->state = elf_maker_path(fixture->base, "state");
	fixture->events = g_build_filename(fixture->tracefs, "uprobe_events", NULL);
	fixture->said = g_string_new(NULL);
	fixture->caller = (struct registration_caller){.say = say, .data = fixture->said};
	fixture->place = (struct registration_place){
		.tracefs = fixture->tracefs,
		.state = fixture->state,
	};
	for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
		set_id(fixture, ids[i].event, ids[i].id);
	registration_fixture_set_events(fixture, "");
	if (fixture->dir)
		make_programs(fixture);
}

void registration_fixture_tear_down(struct registration_fixture *fixture,
				    gconstpointer data G_GNUC_UNUSED)
{
	g_clear_pointer(&fixture->one, g_ptr_array_unref);
	g_clear_pointer(&fixture->two, g_ptr_array_unref);
	g_clear_pointer(&fixture->dir, elf_maker_remove);
	elf_maker_remove(fixture->base);
	g_string_free(fixture->said, TRUE);
	g_free(fixture->tracefs);
	g_free(fixture->state);
	g_free(fixture->events);
}

char *registration_fixture_events(const struct registration_fixture *fixture)
{
	char *text;

	g_assert_true(g_file_get_contents(fixture->events, &text, NULL, NULL));
	return text;
}

void registration_fixture_set_events(const struct registration_fixture *fixture, const char *text)
{
	g_assert_true(g_file_set_contents(fixture->events, text, -1, NULL));
}

void registration_fixture_settle(const struct registration_fixture *fixture)
{
	g_autofree char *text = registration_fixture_events(fixture);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GPtrArray) left = g_ptr_array_new();
	g_autofree char *result = NULL;

	for (char **line = lines; *line; line++) {
		guint i;

		if (**line != '-') {
			g_ptr_array_add(left, *line);
			continue;
		}
		for (i = 0; i < left->len; i++)
			if (!strcmp((char *)left->pdata[i] + 1, *line + 1))
				break;
		g_assert_cmpuint(i, <, left->len);
		g_ptr_array_remove_index(left, i);
	}
	g_ptr_array_add(left, NULL);
	result = g_strjoinv("\n", (char **)left->pdata);
	registration_fixture_set_events(fixture, result);
}

/* The name of the file that a line's "PATH:0xOFFSET" leads to; the caller frees it. */
static char *name_of(const char *word)
{
	g_autofree char *path = g_strndup(word, (gsize)(strrchr(word, ':') - word));
	g_autofree char *link = g_file_read_link(path, NULL);
	g_autofree char *name = g_path_get_basename(link ? link : path);
	char *deleted = strstr(name, " (deleted)");

	if (deleted)
		*deleted = '\0';
	return g_steal_pointer(&name);
}

void registration_fixture_check(const struct registration_fixture *fixture, const char *expected)
{
	g_autofree char *text = registration_fixture_events(fixture);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GString) seen = g_string_new(NULL);

	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = g_strsplit(*line, " ", 3);
		g_autofree char *name = **line ? name_of(words[1]) : NULL;

		if (name)
			g_string_append_printf(seen, "%s%s %s", seen->len ? "; " : "",
					       strchr(words[0], '/') + 1, name);
	}
	g_assert_cmpstr(seen->str, ==, expected);
}

struct registration *registration_fixture_register(const struct registration_fixture *fixture,
						   const GPtrArray *programs)
{
	g_autoptr(GError) error = NULL;
	struct registration *registration =
		registration_new(&fixture->place, &fixture->caller, programs, &error);

	g_assert_no_error(error);
	g_assert_nonnull(registration);
	registration_fixture_settle(fixture);
	return registration;
}

void registration_fixture_end(const struct registration_fixture *fixture,
			      struct registration *registration)
{
	g_autofree char *problem = registration_end(registration, &fixture->caller);

	g_assert_null(problem);
	registration_fixture_settle(fixture);
}
