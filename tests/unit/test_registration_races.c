/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * probes/registration while others do something meanwhile: the owner of a program exchanges or
 * changes it, another instance has the lock, the user wants an end.
 */
#include "probes/registration.h"

#include "lib/elf_maker.h"
#include "lib/registration_fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LINES_OF_ONE "colo_exit one; colo_exit one; colo_trigger one"

/* --- A file that its owner changes meanwhile --- */

/* What is done when the caller is asked whether to go on, before a line is registered. */
struct meddler {
	const struct registration_fixture *fixture;
	const char *command; /* with the directory of the programs as the current one */
	guint n_asked, at;   /* done when it is asked for the n-th time, from 1 */
	bool ends;	     /* what it answers then */
};

static bool meddle(void *data, int timeout_ms G_GNUC_UNUSED)
{
	struct meddler *meddler = data;

	if (++meddler->n_asked != meddler->at)
		return false;
	if (meddler->command)
		g_free(elf_maker_run(meddler->fixture->dir, meddler->command));
	return meddler->ends;
}

/* The program that a line leads to when it is written: the kernel looks at it then. */
static void check_inodes(const struct registration_fixture *fixture, const struct program *program)
{
	g_autofree char *text = registration_fixture_events(fixture);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	struct stat status;

	g_assert_cmpstr(text, !=, "");
	for (char **line = lines; *line && **line; line++) {
		g_auto(GStrv) words = g_strsplit(*line, " ", 3);

		*strrchr(words[1], ':') = '\0';
		g_assert_cmpint(stat(words[1], &status), ==, 0);
		g_assert_cmpuint(status.st_ino, ==, program->status.st_ino);
		g_assert_cmpuint(status.st_dev, ==, program->status.st_dev);
	}
}

static struct registration *register_meddled(const struct registration_fixture *fixture,
					     const GPtrArray *programs, struct meddler *meddler,
					     GError **error)
{
	const struct registration_caller caller = {.wants_end = meddle, .data = meddler};

	meddler->fixture = fixture;
	return registration_new(&fixture->place, &caller, programs, error);
}

static const char *const exchanges[] = {
	/* The file, whose time of change that changes; a directory, which leaves it as it is. */
	"sh -c 'mv sub/one sub/away && ln -s /bin/sh sub/one'",
	"sh -c 'mv sub away && ln -s other sub'",
};

/* Its path leads to another program from the first line on: it is not what gets the probes. */
static void test_exchanged(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	for (guint i = 0; i < G_N_ELEMENTS(exchanges); i++) {
		struct meddler meddler = {.command = exchanges[i], .at = 1};
		g_autoptr(GError) error = NULL;
		struct registration *registration;

		g_free(elf_maker_run(fixture->dir, "rm -rf sub away other"));
		g_free(elf_maker_run(fixture->dir, "mkdir sub other"));
		g_free(elf_maker_run(fixture->dir, "cp one sub/one"));
		g_free(elf_maker_run(fixture->dir, "cp one other/one"));
		g_ptr_array_unref(fixture->two);
		fixture->two = registration_fixture_open(fixture->dir, "sub/one");
		registration = register_meddled(fixture, fixture->two, &meddler, &error);
		g_assert_cmpuint(meddler.n_asked, ==, 3);
		check_inodes(fixture, fixture->two->pdata[0]);
		g_assert_true(registration || strstr(error->message, "try again"));
		g_free(registration_end(registration, NULL));
		registration_fixture_settle(fixture);
		registration_fixture_check(fixture, "");
	}
}

/* Its content, its mode or its times change while it is registered: it is taken back. */
static void test_changed(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	static const char *const commands[] = {"chmod g+w one", "touch one", "cp two one",
					       "truncate -s -1 one"};

	for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
		struct meddler meddler = {.command = commands[i], .at = 3};
		g_autoptr(GError) error = NULL;

		g_test_message("%s", commands[i]);
		/* The clock of files ticks in steps. */
		g_usleep(20000);
		g_assert_null(register_meddled(fixture, fixture->one, &meddler, &error));
		g_assert_nonnull(strstr(error->message, "try again"));
		registration_fixture_settle(fixture);
		registration_fixture_check(fixture, "");
		g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
		g_ptr_array_unref(fixture->one);
		fixture->one = registration_fixture_open(fixture->dir, "one");
	}
}

/* --- A user who does not want to wait --- */

static void test_stopped(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	for (guint at = 1; at <= 3; at++) {
		struct meddler meddler = {.at = at, .ends = true};
		g_autoptr(GError) error = NULL;

		g_assert_null(register_meddled(fixture, fixture->one, &meddler, &error));
		g_assert_no_error(error);
		g_assert_cmpuint(meddler.n_asked, ==, at);
		registration_fixture_settle(fixture);
		registration_fixture_check(fixture, "");
		g_assert_false(g_file_test(fixture->state, G_FILE_TEST_EXISTS));
	}
}

/* Ends once it was said for whom it waits. */
static bool was_said(void *data, int timeout_ms)
{
	g_usleep((gulong)timeout_ms * 1000);
	return ((GString *)data)->len > 0;
}

static void test_locked(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *expected =
		g_strdup_printf("waiting for colo-perf (pid %d), which registers or takes back "
				"probes; Ctrl-C ends this\n",
				getpid());
	int fd;

	g_assert_cmpint(g_mkdir(fixture->state, 0700), ==, 0);
	fd = g_open(fixture->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, 0);
	fixture->caller.wants_end = was_said;
	g_assert_null(registration_new(&fixture->place, &fixture->caller, fixture->one, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(fixture->said->str, ==, expected);
	registration_fixture_check(fixture, "");
	close(fd);
}

/* The one that waits at its end leaves what it used to the next one. */
static void test_locked_end(struct registration_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct registration *registration = registration_fixture_register(fixture, fixture->one);
	g_autofree char *problem = NULL;
	int fd = g_open(fixture->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	g_assert_cmpint(flock(fd, LOCK_EX | LOCK_NB), ==, 0);
	fixture->caller.wants_end = was_said;
	problem = registration_end(registration, &fixture->caller);
	g_assert_cmpstr(problem, ==,
			"the probes stay registered until colo-perf is used the next time: a "
			"signal ended the wait");
	registration_fixture_check(fixture, LINES_OF_ONE);
	close(fd);
	fixture->caller.wants_end = NULL;
	registration = registration_fixture_register(fixture, fixture->two);
	registration_fixture_end(fixture, registration);
	registration_fixture_check(fixture, "");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct registration_fixture *fixture, gconstpointer data);
	} tests[] = {
		{"/registration-races/exchanged", test_exchanged},
		{"/registration-races/changed", test_changed},
		{"/registration-races/stopped", test_stopped},
		{"/registration-races/locked", test_locked},
		{"/registration-races/locked-end", test_locked_end},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].name, struct registration_fixture, NULL,
			   registration_fixture_set_up, tests[i].run,
			   registration_fixture_tear_down);
	return g_test_run();
}
