/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * base/rights: advice that helps, for each state of a machine.
 */
#define _GNU_SOURCE /* setresuid() */
#include "base/rights.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static void test_hidden_kallsyms(void)
{
	static const struct {
		struct rights_kallsyms rights;
		const char *wanted, *unwanted;
	} rows[] = {
		/* Debian's and Ubuntu's users. */
		{{0, 3, false}, "kernel.perf_event_paranoid is 3", "kptr_restrict"},
		{{0, 2, false}, "or set the sysctl to 1", "kptr_restrict"},
		{{1, -1, false},
		 "kernel.kptr_restrict is 1 and you lack CAP_SYSLOG: ADVICE",
		 "paranoid"},
		{{2, -1, false}, "from root as well: set it to 1, and ADVICE", "paranoid"},
		{{2, 4, true}, "from root as well: set it to 1", "ADVICE"},
		{{0, 0, false}, "you lack CAP_SYSLOG: ADVICE", "sysctl"},
		{{1, 2, true}, "--kallsyms FILE", "ADVICE"},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = rights_hidden_kallsyms(&rows[i].rights, "ADVICE");

		g_test_message("%s", text);
		g_assert_nonnull(strstr(text, rows[i].wanted));
		g_assert_null(strstr(text, rows[i].unwanted));
	}
}

/* In a child that gives up rights as `give_up` says; its status says whether `text` was advised. */
static bool advises(void (*give_up)(void), const char *wanted)
{
	const pid_t pid = fork();
	int status;

	if (!pid) {
		g_autofree char *text = NULL;

		give_up();
		text = rights_advice(CAP_SYSLOG, "CAP_SYSLOG");
		_exit(strstr(text, wanted) ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void become_nobody(void)
{
	if (setresuid(NOBODY, NOBODY, NOBODY))
		_exit(2);
}

static void bound(void)
{
	if (prctl(PR_CAPBSET_DROP, CAP_SYSLOG))
		_exit(2);
}

static void test_advice(void)
{
	if (geteuid()) {
		g_test_skip("only root can give up rights of all kinds");
		return;
	}
	g_assert_true(advises(become_nobody, "run this as root"));
	g_assert_true(advises(bound, "outside of the container"));
}

static void test_sysctl(void)
{
	g_assert_cmpint(rights_sysctl("pid_max", 0), >, 0);
	g_assert_cmpint(rights_sysctl("no_such_thing", -7), ==, -7);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rights/hidden_kallsyms", test_hidden_kallsyms);
	g_test_add_func("/rights/advice", test_advice);
	g_test_add_func("/rights/sysctl", test_sysctl);
	return g_test_run();
}
