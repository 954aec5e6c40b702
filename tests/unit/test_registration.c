/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * probes/registration on a directory that looks like a tracefs: what is registered, under which
 * names, who shares it, and that exactly that is taken back. The kernel's part, to remove the
 * lines that "-:" names, is played by registration_fixture_settle().
 */
#include "probes/registration.h"

#include "base/error.h"
#include "lib/elf_maker.h"
#include "lib/probes_maker.h"
#include "lib/registration_fixture.h"
#include "probes/program_probes.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_event(const struct registration *registration, guint i, const char *name,
			const char *probe, uint64_t id)
{
	const struct registered_event *event =
		g_ptr_array_index(registration_events(registration), i);

	g_assert_cmpstr(event->name, ==, name);
	g_assert_cmpstr(event->probe, ==, probe);
	g_assert_cmpuint(event->id, ==, id);
}

#define NO_PROBES                                                                                  \
	" has no COLO probes: build QEMU with qemu-patch/sdt-probes.patch and systemtap-sdt-dev, " \
	"as scripts/build-qemu.sh does"

#define LINES_OF_ONE "colo_exit one; colo_exit one; colo_trigger one"

static void test_alone(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *registration = registration_fixture_register(fixture, fixture->one);
	g_autofree char *text = registration_fixture_events(fixture);

	registration_fixture_check(fixture, LINES_OF_ONE);
	g_assert_nonnull(strstr(text, " arg1=%ax:s32\n"));
	g_assert_nonnull(strstr(text, " arg1=%bx:s32\n"));
	g_assert_nonnull(strstr(text, " arg1=+8(%bp):u64 arg2=\\3:s32\n"));
	g_assert_cmpuint(registration_events(registration)->len, ==, 2);
	check_event(registration, 0, "colo_exit", "colo_exit", 101);
	check_event(registration, 1, "colo_trigger", "colo_trigger", 102);
	g_assert_cmpstr(fixture->said->str, ==, "");
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, "");
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

/* Whoever ends last takes it back, in whatever order. */
static void test_shared(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	for (guint order = 0; order < 2; order++) {
		struct registration *both[2] = {
			registration_fixture_register(fixture, fixture->one),
			registration_fixture_register(fixture, fixture->one)};

		registration_fixture_check(fixture, LINES_OF_ONE);
		check_event(both[1], 0, "colo_exit", "colo_exit", 101);
		registration_fixture_end(fixture, both[order]);
		registration_fixture_check(fixture, LINES_OF_ONE);
		registration_fixture_end(fixture, both[!order]);
		registration_fixture_check(fixture, "");
	}
}

/* Another program has names of its own; what only one of two uses goes with it. */
static void test_two_programs(struct registration_fixture *fixture,
			      gconstpointer data G_GNUC_UNUSED)
{
	struct registration *first = registration_fixture_register(fixture, fixture->one);
	struct registration *second = registration_fixture_register(fixture, fixture->two);

	registration_fixture_check(fixture, LINES_OF_ONE
				   "; colo_exit_1 two; colo_exit_1 two; colo_trigger_1 two");
	check_event(second, 0, "colo_exit_1", "colo_exit", 103);
	check_event(second, 1, "colo_trigger_1", "colo_trigger", 104);
	registration_fixture_end(fixture, first);
	registration_fixture_check(fixture, "colo_exit_1 two; colo_exit_1 two; colo_trigger_1 two");
	registration_fixture_end(fixture, second);
	registration_fixture_check(fixture, "");
}

static void test_both_programs(struct registration_fixture *fixture,
			       gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GPtrArray) programs = g_ptr_array_new();
	struct registration *registration;

	g_ptr_array_add(programs, fixture->one->pdata[0]);
	g_ptr_array_add(programs, fixture->two->pdata[0]);
	registration = registration_fixture_register(fixture, programs);
	g_assert_cmpuint(registration_events(registration)->len, ==, 4);
	check_event(registration, 0, "colo_exit", "colo_exit", 101);
	check_event(registration, 2, "colo_exit_1", "colo_exit", 103);
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, "");
}

/* Skips the test and returns false where there is no place that nobody else could change. */
static bool is_fixed(const struct registration_fixture *fixture)
{
	const struct program *program;

	if (fixture->dir) {
		program = fixture->one->pdata[0];
		if (!g_str_has_prefix(program->site_path, "/proc/"))
			return true;
	}
	g_test_skip("others can write to the home directory or one above");
	return false;
}

/* What `perf probe` registered is used and stays. */
static void test_of_others(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *registration;
	g_autofree char *lines = NULL;

	if (!is_fixed(fixture))
		return;
	registration = registration_fixture_register(fixture, fixture->one);
	lines = registration_fixture_events(fixture);
	registration_fixture_end(fixture, registration);
	registration_fixture_set_events(fixture, lines);
	registration = registration_fixture_register(fixture, fixture->one);
	registration_fixture_check(fixture, LINES_OF_ONE);
	check_event(registration, 0, "colo_exit", "colo_exit", 101);
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, LINES_OF_ONE);
}

/* Not where somebody else could have exchanged the file since they registered it. */
static void test_of_others_elsewhere(struct registration_fixture *fixture,
				     gconstpointer data G_GNUC_UNUSED)
{
	const struct program *program = fixture->one->pdata[0];
	g_autofree char *lines = NULL, *theirs = NULL;
	g_auto(GStrv) parts = NULL;
	struct registration *registration = registration_fixture_register(fixture, fixture->one);

	lines = registration_fixture_events(fixture);
	registration_fixture_end(fixture, registration);
	parts = g_strsplit(lines, program->site_path, -1);
	theirs = g_strjoinv(program->path, parts);
	registration_fixture_set_events(fixture, theirs);
	registration = registration_fixture_register(fixture, fixture->one);
	check_event(registration, 0, "colo_exit_1", "colo_exit", 103);
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, LINES_OF_ONE);
}

/* It has one place of two, or other arguments, or is of a file that had this name before. */
static void test_of_others_that_does_not_fit(struct registration_fixture *fixture,
					     gconstpointer data G_GNUC_UNUSED)
{
	struct registration *registration;
	g_autofree char *all = NULL, *changed = NULL;
	g_auto(GStrv) lines = NULL;

	if (!is_fixed(fixture))
		return;
	registration = registration_fixture_register(fixture, fixture->one);
	all = registration_fixture_events(fixture);
	lines = g_strsplit(all, "\n", -1);
	registration_fixture_end(fixture, registration);
	changed = g_strdup_printf("%s\n%s\n", lines[0], lines[2]);
	strstr(changed, "arg1=+8")[6] = '9';
	registration_fixture_set_events(fixture, changed);
	registration = registration_fixture_register(fixture, fixture->one);
	check_event(registration, 0, "colo_exit_1", "colo_exit", 103);
	check_event(registration, 1, "colo_trigger_1", "colo_trigger", 104);
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, "colo_exit one; colo_trigger one");
}

static void test_replaced(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *first = registration_fixture_register(fixture, fixture->one), *second;
	g_autoptr(GPtrArray) replaced = NULL;

	g_free(elf_maker_run(fixture->dir, "cp one new"));
	g_free(elf_maker_run(fixture->dir, "mv new one"));
	replaced = registration_fixture_open(fixture->dir, "one");
	second = registration_fixture_register(fixture, replaced);
	check_event(second, 0, "colo_exit_1", "colo_exit", 103);
	registration_fixture_end(fixture, first);
	registration_fixture_check(fixture, "colo_exit_1 one; colo_exit_1 one; colo_trigger_1 one");
	registration_fixture_end(fixture, second);
	registration_fixture_check(fixture, "");
}

/* In a process that does not live to take it back. */
static void register_and_die(const struct registration_fixture *fixture, const GPtrArray *programs)
{
	pid_t pid = fork();

	if (!pid) {
		if (!registration_new(&fixture->place, NULL, programs, NULL))
			_exit(1);
		_exit(0);
	}
	g_assert_cmpint(pid, >, 0);
	g_assert_cmpint(waitpid(pid, &(int){0}, 0), ==, pid);
	registration_fixture_settle(fixture);
}

static void test_killed(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	struct registration *registration;

	register_and_die(fixture, fixture->one);
	registration_fixture_check(fixture, LINES_OF_ONE);
	registration = registration_fixture_register(fixture, none);
	registration_fixture_check(fixture, "");
	g_assert_cmpstr(fixture->said->str, ==,
			"took back 3 probes that an instance of colo-perf left registered when it "
			"was killed\n");
	registration_fixture_end(fixture, registration);
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

/* What the killed one and a living one used together stays as long as that lives. */
static void test_killed_beside(struct registration_fixture *fixture,
			       gconstpointer data G_GNUC_UNUSED)
{
	struct registration *living = registration_fixture_register(fixture, fixture->one), *next;

	register_and_die(fixture, fixture->one);
	register_and_die(fixture, fixture->two);
	next = registration_fixture_register(fixture, fixture->one);
	registration_fixture_check(fixture, LINES_OF_ONE);
	g_assert_cmpuint(fixture->said->len, >, 0);
	registration_fixture_end(fixture, living);
	registration_fixture_check(fixture, LINES_OF_ONE);
	registration_fixture_end(fixture, next);
	registration_fixture_check(fixture, "");
}

/* One that may need any: it is just registering, or of a kind that does not say. */
static void test_user_of_all(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *path = g_build_filename(fixture->state, "user.1", NULL);
	struct registration *registration = registration_fixture_register(fixture, fixture->one);
	int fd = g_creat(path, 0600);

	g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, 0);
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, LINES_OF_ONE);
	close(fd);
	registration = registration_fixture_register(fixture, fixture->two);
	g_assert_cmpuint(fixture->said->len, >, 0);
	/* The names were free only after the other lines had gone, see
	 * registration_fixture_settle(). */
	registration_fixture_check(fixture, "colo_exit_1 two; colo_exit_1 two; colo_trigger_1 two");
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, "");
}

/* An error after the first event is registered takes that back. */
static void test_error_in_the_middle(struct registration_fixture *fixture,
				     gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *id = g_build_filename(fixture->tracefs, "events", REGISTRATION_GROUP,
					       "colo_trigger", "id", NULL);

	g_assert_cmpint(g_unlink(id), ==, 0);
	g_assert_null(registration_new(&fixture->place, NULL, fixture->one, &error));
	g_assert_nonnull(error);
	registration_fixture_settle(fixture);
	registration_fixture_check(fixture, "");
	g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
}

static void check_refused(const struct registration_fixture *fixture, const char *name,
			  const struct made_probe *made, const char *message)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) programs = NULL;
	g_autofree char *path = elf_maker_path(fixture->dir, name);
	g_autofree char *expected = g_strconcat(path, message, NULL);

	probes_maker_compile(fixture->dir, name, made, "-no-pie -static", 0);
	programs = registration_fixture_open(fixture->dir, name);
	g_assert_null(registration_new(&fixture->place, NULL, programs, &error));
	g_assert_cmpstr(error->message, ==, expected);
	registration_fixture_check(fixture, "");
}

/* Nothing is registered of a program with one probe that cannot be. */
static void test_refused(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const struct made_probe bad_argument[] = {
		{"qemu", "colo_exit", "8@%rax", FALSE},
		{"qemu", "colo_trigger", "8@(%rax,%rbx,8)", FALSE},
		{NULL, NULL, NULL, FALSE}};
	static const struct made_probe bad_name[] = {
		{"qemu", "colo_a\\np:evil/evil /bin/sh:0", "", FALSE}, {NULL, NULL, NULL, FALSE}};
	static const struct made_probe none[] = {{"qemu", "vm_state_notify", "", FALSE},
						 {NULL, NULL, NULL, FALSE}};
	static const struct made_probe semaphore[] = {{"qemu", "colo_exit", "8@%rax", FALSE},
						      {"qemu", "colo_trigger", "8@%rax", TRUE},
						      {NULL, NULL, NULL, FALSE}};

	check_refused(
		fixture, "bad-argument", bad_argument,
		": probe colo_trigger: argument 1 is \"8@(%rax,%rbx,8)\", which uprobes cannot "
		"read: expected a size of 1, 2, 4 or 8 and a register, number(register) or a "
		"constant");
	check_refused(fixture, "bad-name", bad_name, NO_PROBES);
	check_refused(fixture, "none", none, NO_PROBES);
	check_refused(
		fixture, "semaphore", semaphore,
		": the probe colo_trigger has a semaphore, and those of sdt-probes.patch have "
		"none");
}

/* However many a program declares, it gets as many as a compiler could have made. */
static void test_many(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	const guint n = PROGRAM_PROBES_MAX_SITES + 1;
	g_autofree struct made_probe *made = g_new0(struct made_probe, n + 1);
	GPtrArray *programs;
	struct registration *registration;

	for (guint i = 0; i < n; i++)
		made[i] = (struct made_probe){"qemu", "colo_exit", "8@%rax", FALSE};
	check_refused(fixture, "many", made, ": the probe colo_exit is in more than 64 places");
	made[n - 1].name = "colo_unknown";
	probes_maker_compile(fixture->dir, "most", made, "-no-pie -static", 0);
	programs = registration_fixture_open(fixture->dir, "most");
	registration = registration_fixture_register(fixture, programs);
	g_assert_cmpuint(registration_events(registration)->len, ==, 1);
	g_assert_true(g_str_has_suffix(fixture->said->str,
				       "/most has COLO probes that this colo-perf does not know: "
				       "they are not recorded\n"));
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, "");
	g_ptr_array_unref(programs);
}

/* A directory that others can write to could make us remove what is theirs. */
static void test_foreign_state(struct registration_fixture *fixture,
			       gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *expected =
		g_strdup_printf("others can write to %s: remove it", fixture->state);

	g_assert_cmpint(g_mkdir(fixture->state, 0700), ==, 0);
	g_assert_cmpint(g_chmod(fixture->state, 0777), ==, 0);
	g_assert_null(registration_new(&fixture->place, NULL, fixture->one, &error));
	g_assert_cmpstr(error->message, ==, expected);
	registration_fixture_check(fixture, "");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct registration_fixture *fixture, gconstpointer data);
		gconstpointer where;
	} tests[] = {
		{"/registration/alone", test_alone, NULL},
		{"/registration/shared", test_shared, NULL},
		{"/registration/two-programs", test_two_programs, NULL},
		{"/registration/both-programs", test_both_programs, NULL},
		{"/registration/of-others", test_of_others, REGISTRATION_FIXTURE_FIXED},
		{"/registration/of-others-elsewhere", test_of_others_elsewhere, NULL},
		{"/registration/of-others-that-does-not-fit", test_of_others_that_does_not_fit,
		 REGISTRATION_FIXTURE_FIXED},
		{"/registration/replaced", test_replaced, NULL},
		{"/registration/killed", test_killed, NULL},
		{"/registration/killed-beside", test_killed_beside, NULL},
		{"/registration/user-of-all", test_user_of_all, NULL},
		{"/registration/error-in-the-middle", test_error_in_the_middle, NULL},
		{"/registration/refused", test_refused, NULL},
		{"/registration/many", test_many, NULL},
		{"/registration/foreign-state", test_foreign_state, NULL},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].name, struct registration_fixture, tests[i].where,
			   registration_fixture_set_up, tests[i].run,
			   registration_fixture_tear_down);
	return g_test_run();
}
