/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * probes/registration on a directory that looks like a tracefs: what is registered, under which
 * names, who shares it, and that exactly that is taken back. The kernel's part, to remove the
 * lines that "-:" names, is played by settle().
 */
#include "probes/registration.h"

#include "base/error.h"
#include "lib/elf_maker.h"
#include "lib/probes_maker.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct made_probe probes[] = {
	{"qemu", "colo_one", "-4@%eax", FALSE},	  {"qemu", "colo_two", "8@8(%rbp) -4@$3", TRUE},
	{"qemu", "colo_one", "-4@%ebx", FALSE},	  {"qemu", "vm_state_notify", "8@%rax", FALSE},
	{"other", "colo_other", "8@%rax", FALSE}, {NULL, NULL, NULL, FALSE},
};

struct fixture {
	char *dir;
	char *tracefs, *state, *events; /* Owned by this: paths */
	GPtrArray *one, *two;		/* Owned by this: a list of one program each */
	struct registration_place place;
};

static GPtrArray *open_program(const char *dir, const char *name)
{
	GPtrArray *programs = g_ptr_array_new_with_free_func((GDestroyNotify)program_free);
	g_autofree char *path = elf_maker_path(dir, name);
	struct program *program = program_at(path, NULL);

	g_assert_nonnull(program);
	g_ptr_array_add(programs, program);
	return programs;
}

static void set_id(const struct fixture *fixture, const char *event, guint id)
{
	g_autofree char *path =
		g_build_filename(fixture->tracefs, "events", REGISTRATION_GROUP, event, NULL);
	g_autofree char *file = g_build_filename(path, "id", NULL);
	g_autofree char *text = g_strdup_printf("%u\n", id);

	g_assert_cmpint(g_mkdir_with_parents(path, 0700), ==, 0);
	g_assert_true(g_file_set_contents(file, text, -1, NULL));
}

static void set_up(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	fixture->dir = elf_maker_new_dir();
	fixture->tracefs = elf_maker_path(fixture->dir, "tracing");
	fixture->state = elf_maker_path(fixture->dir, "state");
	fixture->events = g_build_filename(fixture->tracefs, "uprobe_events", NULL);
	set_id(fixture, "colo_one", 101);
	set_id(fixture, "colo_two", 102);
	set_id(fixture, "colo_one_1", 103);
	set_id(fixture, "colo_two_1", 104);
	elf_maker_write(fixture->dir, "tracing/uprobe_events", "");
	probes_maker_compile(fixture->dir, "one", probes, "-no-pie -static", 0);
	probes_maker_compile(fixture->dir, "two", probes, "-no-pie -static", 0);
	fixture->one = open_program(fixture->dir, "one");
	fixture->two = open_program(fixture->dir, "two");
	fixture->place = (struct registration_place){
		.tracefs = fixture->tracefs,
		.state = fixture->state,
	};
}

static void tear_down(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_ptr_array_unref(fixture->one);
	g_ptr_array_unref(fixture->two);
	elf_maker_remove(fixture->dir);
	g_free(fixture->tracefs);
	g_free(fixture->state);
	g_free(fixture->events);
}

static char *read_events(const struct fixture *fixture)
{
	char *text;

	g_assert_true(g_file_get_contents(fixture->events, &text, NULL, NULL));
	return text;
}

/* Removes the lines that "-:" names, and those lines; each must name a line that is there. */
static void settle(const struct fixture *fixture)
{
	g_autofree char *text = read_events(fixture);
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
	g_assert_true(g_file_set_contents(fixture->events, result, -1, NULL));
}

/* The words of the registered lines behind PATH:0xOFFSET, which sdt_notes' test looks at. */
static void check_events(const struct fixture *fixture, const char *expected)
{
	g_autofree char *text = read_events(fixture);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GString) seen = g_string_new(NULL);

	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = g_strsplit(*line, " ", 3);
		char *slash;

		if (!**line)
			continue;
		slash = strrchr(words[1], '/');
		g_assert_true(g_str_has_prefix(words[1], fixture->dir));
		*strchr(slash, ':') = '\0';
		g_string_append_printf(seen, "%s%s %s", seen->len ? "; " : "",
				       strchr(words[0], '/') + 1, slash + 1);
	}
	g_assert_cmpstr(seen->str, ==, expected);
}

static struct registration *must_register(const struct fixture *fixture, const GPtrArray *programs)
{
	g_autoptr(GError) error = NULL;
	struct registration *registration = registration_new(&fixture->place, programs, &error);

	g_assert_no_error(error);
	settle(fixture);
	return registration;
}

static void must_end(const struct fixture *fixture, struct registration *registration)
{
	g_autofree char *problem = registration_end(registration);

	g_assert_null(problem);
	settle(fixture);
}

static void check_event(const struct registration *registration, guint i, const char *name,
			const char *probe, uint64_t id)
{
	const struct registered_event *event =
		g_ptr_array_index(registration_events(registration), i);

	g_assert_cmpstr(event->name, ==, name);
	g_assert_cmpstr(event->probe, ==, probe);
	g_assert_cmpuint(event->id, ==, id);
}

#define LINES_OF_ONE "colo_one one; colo_one one; colo_two one"

static void test_alone(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *registration = must_register(fixture, fixture->one);
	g_autofree char *text = read_events(fixture);

	check_events(fixture, LINES_OF_ONE);
	g_assert_nonnull(strstr(text, " arg1=%ax:s32\n"));
	g_assert_nonnull(strstr(text, " arg1=%bx:s32\n"));
	g_assert_nonnull(strstr(text, ") arg1=+8(%bp):u64 arg2=\\3:s32\n"));
	g_assert_cmpuint(registration_events(registration)->len, ==, 2);
	check_event(registration, 0, "colo_one", "colo_one", 101);
	check_event(registration, 1, "colo_two", "colo_two", 102);
	g_assert_null(registration_note(registration));
	must_end(fixture, registration);
	check_events(fixture, "");
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

/* Whoever ends last takes it back, in whatever order. */
static void test_shared(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	for (guint order = 0; order < 2; order++) {
		struct registration *both[2] = {must_register(fixture, fixture->one),
						must_register(fixture, fixture->one)};

		check_events(fixture, LINES_OF_ONE);
		check_event(both[1], 0, "colo_one", "colo_one", 101);
		must_end(fixture, both[order]);
		check_events(fixture, LINES_OF_ONE);
		must_end(fixture, both[!order]);
		check_events(fixture, "");
	}
}

/* Another program has names of its own; what only one of two uses goes with it. */
static void test_two_programs(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *first = must_register(fixture, fixture->one);
	struct registration *second = must_register(fixture, fixture->two);

	check_events(fixture, LINES_OF_ONE "; colo_one_1 two; colo_one_1 two; colo_two_1 two");
	check_event(second, 0, "colo_one_1", "colo_one", 103);
	check_event(second, 1, "colo_two_1", "colo_two", 104);
	must_end(fixture, first);
	check_events(fixture, "colo_one_1 two; colo_one_1 two; colo_two_1 two");
	must_end(fixture, second);
	check_events(fixture, "");
}

static void test_both_programs(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GPtrArray) programs = g_ptr_array_new();
	struct registration *registration;

	g_ptr_array_add(programs, fixture->one->pdata[0]);
	g_ptr_array_add(programs, fixture->two->pdata[0]);
	registration = must_register(fixture, programs);
	g_assert_cmpuint(registration_events(registration)->len, ==, 4);
	check_event(registration, 0, "colo_one", "colo_one", 101);
	check_event(registration, 2, "colo_one_1", "colo_one", 103);
	must_end(fixture, registration);
	check_events(fixture, "");
}

/* What `perf probe` registered is used and stays. */
static void test_of_others(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *registration = must_register(fixture, fixture->one);
	g_autofree char *lines = read_events(fixture);

	must_end(fixture, registration);
	elf_maker_write(fixture->dir, "tracing/uprobe_events", lines);
	registration = must_register(fixture, fixture->one);
	check_events(fixture, LINES_OF_ONE);
	check_event(registration, 0, "colo_one", "colo_one", 101);
	must_end(fixture, registration);
	check_events(fixture, LINES_OF_ONE);
}

/* It has one place of two, or other arguments, or is of a file that had this name before. */
static void test_of_others_that_does_not_fit(struct fixture *fixture,
					     gconstpointer data G_GNUC_UNUSED)
{
	struct registration *registration = must_register(fixture, fixture->one);
	g_autofree char *all = read_events(fixture);
	g_auto(GStrv) lines = g_strsplit(all, "\n", -1);
	g_autofree char *changed = NULL;

	must_end(fixture, registration);
	changed = g_strdup_printf("%s\n%s\n", lines[0], lines[2]);
	strstr(changed, "arg1=+8")[6] = '9';
	elf_maker_write(fixture->dir, "tracing/uprobe_events", changed);
	registration = must_register(fixture, fixture->one);
	check_event(registration, 0, "colo_one_1", "colo_one", 103);
	check_event(registration, 1, "colo_two_1", "colo_two", 104);
	must_end(fixture, registration);
	check_events(fixture, "colo_one one; colo_two one");
}

static void test_replaced(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *first = must_register(fixture, fixture->one), *second;
	g_autoptr(GPtrArray) replaced = NULL;

	g_free(elf_maker_run(fixture->dir, "cp one new"));
	g_free(elf_maker_run(fixture->dir, "mv new one"));
	replaced = open_program(fixture->dir, "one");
	second = must_register(fixture, replaced);
	check_event(second, 0, "colo_one_1", "colo_one", 103);
	must_end(fixture, first);
	check_events(fixture, "colo_one_1 one; colo_one_1 one; colo_two_1 one");
	must_end(fixture, second);
	check_events(fixture, "");
}

/* In a process that does not live to take it back. */
static void register_and_die(const struct fixture *fixture, const GPtrArray *programs)
{
	pid_t pid = fork();

	if (!pid) {
		if (!registration_new(&fixture->place, programs, NULL))
			_exit(1);
		_exit(0);
	}
	g_assert_cmpint(pid, >, 0);
	g_assert_cmpint(waitpid(pid, &(int){0}, 0), ==, pid);
	settle(fixture);
}

static void test_killed(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	struct registration *registration;

	register_and_die(fixture, fixture->one);
	check_events(fixture, LINES_OF_ONE);
	registration = must_register(fixture, none);
	check_events(fixture, "");
	g_assert_cmpstr(registration_note(registration), ==,
			"took back 3 probes that an instance of colo-perf left registered when it "
			"was killed");
	must_end(fixture, registration);
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

/* What the killed one and a living one used together stays as long as that lives. */
static void test_killed_beside(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *living = must_register(fixture, fixture->one), *next;

	register_and_die(fixture, fixture->one);
	register_and_die(fixture, fixture->two);
	next = must_register(fixture, fixture->one);
	check_events(fixture, LINES_OF_ONE);
	g_assert_nonnull(registration_note(next));
	must_end(fixture, living);
	check_events(fixture, LINES_OF_ONE);
	must_end(fixture, next);
	check_events(fixture, "");
}

/* One that may need any: it is just registering, or of a kind that does not say. */
static void test_user_of_all(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *path = g_build_filename(fixture->state, "user.1", NULL);
	struct registration *registration = must_register(fixture, fixture->one);
	int fd = g_creat(path, 0600);

	g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, 0);
	must_end(fixture, registration);
	check_events(fixture, LINES_OF_ONE);
	close(fd);
	registration = must_register(fixture, fixture->two);
	g_assert_nonnull(registration_note(registration));
	/* The names were free only after the other lines had gone, see settle(). */
	check_events(fixture, "colo_one_1 two; colo_one_1 two; colo_two_1 two");
	must_end(fixture, registration);
	check_events(fixture, "");
}

/* An error after the first event is registered takes that back. */
static void test_error_in_the_middle(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *id = g_build_filename(fixture->tracefs, "events", REGISTRATION_GROUP,
					       "colo_two", "id", NULL);

	g_assert_cmpint(g_unlink(id), ==, 0);
	g_assert_null(registration_new(&fixture->place, fixture->one, &error));
	g_assert_nonnull(error);
	settle(fixture);
	check_events(fixture, "");
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

static void check_refused(const struct fixture *fixture, const char *name,
			  const struct made_probe *made, const char *message)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) programs = NULL;
	g_autofree char *path = elf_maker_path(fixture->dir, name);
	g_autofree char *expected = g_strconcat(path, message, NULL);

	probes_maker_compile(fixture->dir, name, made, "-no-pie -static", 0);
	programs = open_program(fixture->dir, name);
	g_assert_null(registration_new(&fixture->place, programs, &error));
	g_assert_cmpstr(error->message, ==, expected);
	check_events(fixture, "");
}

/* Nothing is registered of a program with one probe that cannot be. */
static void test_refused(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const struct made_probe bad_argument[] = {
		{"qemu", "colo_good", "8@%rax", FALSE},
		{"qemu", "colo_bad", "8@(%rax,%rbx,8)", FALSE},
		{NULL, NULL, NULL, FALSE}};
	static const struct made_probe bad_name[] = {
		{"qemu", "colo_a\\np:evil/evil /bin/sh:0", "", FALSE}, {NULL, NULL, NULL, FALSE}};
	static const struct made_probe none[] = {{"qemu", "vm_state_notify", "", FALSE},
						 {NULL, NULL, NULL, FALSE}};

	check_refused(fixture, "bad-argument", bad_argument,
		      ": probe colo_bad: argument 1 is \"8@(%rax,%rbx,8)\", which uprobes cannot "
		      "read: expected a size of 1, 2, 4 or 8 and a register, number(register) or a "
		      "constant");
	check_refused(fixture, "bad-name", bad_name,
		      " has a probe called \"colo_a\np:evil/evil /bin/sh:0\": that is no name");
	check_refused(fixture, "none", none,
		      " has no COLO probes: build QEMU with qemu-patch/sdt-probes.patch and "
		      "systemtap-sdt-dev, as scripts/build-qemu.sh does");
}

/* A directory that others can write to could make us remove what is theirs. */
static void test_foreign_state(struct fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *expected =
		g_strdup_printf("others can write to %s: remove it", fixture->state);

	g_assert_cmpint(g_mkdir(fixture->state, 0700), ==, 0);
	g_assert_cmpint(g_chmod(fixture->state, 0777), ==, 0);
	g_assert_null(registration_new(&fixture->place, fixture->one, &error));
	g_assert_cmpstr(error->message, ==, expected);
	check_events(fixture, "");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct fixture *fixture, gconstpointer data);
	} tests[] = {
		{"/registration/alone", test_alone},
		{"/registration/shared", test_shared},
		{"/registration/two-programs", test_two_programs},
		{"/registration/both-programs", test_both_programs},
		{"/registration/of-others", test_of_others},
		{"/registration/of-others-that-does-not-fit", test_of_others_that_does_not_fit},
		{"/registration/replaced", test_replaced},
		{"/registration/killed", test_killed},
		{"/registration/killed-beside", test_killed_beside},
		{"/registration/user-of-all", test_user_of_all},
		{"/registration/error-in-the-middle", test_error_in_the_middle},
		{"/registration/refused", test_refused},
		{"/registration/foreign-state", test_foreign_state},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].name, struct fixture, NULL, set_up, tests[i].run, tear_down);
	return g_test_run();
}
