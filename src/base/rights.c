/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asks the kernel.
 */
#include "base/rights.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYSCTL_DIRECTORY "/proc/sys/kernel/"

/* "0 0 4294967295": all users are who they are. */
#define ALL_USERS G_GUINT64_CONSTANT(4294967295)

/* What perf_event_paranoid may be at the most for the kernel to show addresses to anybody. */
#define PARANOID_KALLSYMS 1

gint64 rights_sysctl(const char *name, gint64 absent)
{
	g_autofree char *path = g_strconcat(SYSCTL_DIRECTORY, name, NULL);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return absent;
	return g_ascii_strtoll(text, NULL, 10);
}

static bool is_in_first_user_namespace(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	const char *count;

	if (!g_file_get_contents("/proc/self/uid_map", &text, NULL, NULL))
		return true;
	lines = g_strsplit(g_strchomp(text), "\n", -1);
	count = strrchr(lines[0], ' ');
	return count && !lines[1] && g_ascii_strtoull(count, NULL, 10) == ALL_USERS;
}

bool rights_have(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability) &&
	       is_in_first_user_namespace();
}

char *rights_advice(int capability, const char *name)
{
	if (!is_in_first_user_namespace())
		return g_strdup("run this outside of the container, as its root is not that of the "
				"machine");
	if (prctl(PR_CAPBSET_READ, capability) == 0)
		return g_strdup_printf("nobody here can get %s: run this outside of the container, "
				       "or start that with %s",
				       name, name);
	if (!geteuid())
		return g_strdup_printf("you are root, but %s was taken from you: run this as root "
				       "with all rights",
				       name);
	return g_strdup("run this as root");
}

char *rights_hidden_kallsyms(const struct rights_kallsyms *rights, const char *advice)
{
	if (rights->kptr_restrict >= 2)
		return g_strdup_printf("the sysctl kernel.kptr_restrict is %" G_GINT64_FORMAT
				       ", which hides them from root as well: set it to 1%s%s",
				       rights->kptr_restrict, rights->syslog ? "" : ", and ",
				       rights->syslog ? "" : advice);
	if (rights->syslog)
		return g_strdup("for a reason that is not known here: give --kallsyms FILE or "
				"--vmlinux FILE");
	if (rights->kptr_restrict == 1)
		return g_strdup_printf("the sysctl kernel.kptr_restrict is 1 and you lack "
				       "CAP_SYSLOG: %s",
				       advice);
	if (rights->perf_event_paranoid > PARANOID_KALLSYMS)
		return g_strdup_printf("the sysctl kernel.perf_event_paranoid is %" G_GINT64_FORMAT
				       " and you lack CAP_SYSLOG: %s, or set the sysctl to %d",
				       rights->perf_event_paranoid, advice, PARANOID_KALLSYMS);
	return g_strdup_printf("you lack CAP_SYSLOG: %s", advice);
}
