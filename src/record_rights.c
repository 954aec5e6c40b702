/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asks the kernel before anything is started: what perf says of missing rights is long, and
 * is not about probes.
 */
#define _GNU_SOURCE
#include "record_rights.h"

#include "base/error.h"
#include "probes/tracefs.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SYSCTL_DIRECTORY "/proc/sys/kernel/"
#define PARANOID_FREE	 (-1) /* anybody may record tracepoints */

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif

char *record_find_perf(const char *perf, GError **error)
{
	char *path = g_find_program_in_path(perf);

	if (!path)
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "there is no program %s: install perf (Debian: apt-get install "
			    "linux-perf), or name it in $PERF",
			    perf);
	return path;
}

/* `absent` when there is no such file. */
static gint64 read_sysctl(const char *name, gint64 absent)
{
	g_autofree char *path = g_strconcat(SYSCTL_DIRECTORY, name, NULL);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return absent;
	return g_ascii_strtoll(text, NULL, 10);
}

static bool has_capability(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* NULL, or why uprobe_events cannot be written; the caller frees it. */
static char *tracefs_problem(void)
{
	if (!tracefs_is_mounted(TRACEFS_PATH)) {
		/* A directory that nobody else may look into seems not to be mounted. */
		if (!access(TRACEFS_PATH, X_OK) || errno != EACCES)
			return has_capability(CAP_SYS_ADMIN)
				       ? NULL
				       : g_strdup("tracefs is not mounted at " TRACEFS_PATH
						  " and you may not mount it (CAP_SYS_ADMIN)");
	} else if (!access(TRACEFS_PATH "/" UPROBE_EVENTS, R_OK | W_OK)) {
		return NULL;
	} else if (errno == ENOENT) {
		return g_strdup(TRACEFS_PATH
				"/" UPROBE_EVENTS
				" is not there (the kernel needs CONFIG_UPROBE_EVENTS)");
	}
	return g_strdup_printf(TRACEFS_PATH "/" UPROBE_EVENTS " is not accessible to you (%s)",
			       g_strerror(errno));
}

/* NULL, or why perf may not record tracepoints; the caller frees it. */
static char *perf_problem(const char *perf)
{
	gint64 paranoid = read_sysctl("perf_event_paranoid", PARANOID_FREE);

	if (paranoid <= PARANOID_FREE || has_capability(CAP_PERFMON) ||
	    has_capability(CAP_SYS_ADMIN))
		return NULL;
	/* It may have been given the capability itself. */
	if (getxattr(perf, "security.capability", NULL, 0) > 0)
		return NULL;
	return g_strdup_printf("you lack CAP_PERFMON and perf_event_paranoid is %" G_GINT64_FORMAT,
			       paranoid);
}

bool record_check_rights(const char *perf, GError **error)
{
	g_autofree char *tracefs = tracefs_problem(), *recording = perf_problem(perf);
	g_autofree char *setcap = NULL;
	const char *mount = tracefs_is_mounted(TRACEFS_PATH) ? "mount -o remount"
							     : "mount -t tracefs tracefs -o rw";
	bool both = tracefs && recording;

	if (!tracefs && !recording)
		return true;
	setcap = g_strdup_printf("setcap cap_perfmon,cap_sys_ptrace+ep %s", perf);
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "you may not record probes: %s%s%s: run this as root, or let root grant it: "
		    "%s%s%s%s",
		    tracefs ? tracefs : "", both ? "; " : "", recording ? recording : "",
		    tracefs ? mount : "",
		    tracefs ? ",gid=GROUP,mode=750 " TRACEFS_PATH " && chmod g+w " TRACEFS_PATH
			      "/" UPROBE_EVENTS
			    : "",
		    both ? "; " : "", recording ? setcap : "");
	return false;
}

bool record_check_frequency(int frequency_hz, GError **error)
{
	gint64 most = read_sysctl("perf_event_max_sample_rate", G_MAXINT64);

	if (frequency_hz <= most)
		return true;
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "the kernel allows %" G_GINT64_FORMAT " samples a second, not %d: use -F "
		    "%" G_GINT64_FORMAT ", or raise kernel.perf_event_max_sample_rate",
		    most, frequency_hz, most);
	return false;
}

const char *record_sampling_event(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.sample_freq = 1,
		.freq = 1,
		.disabled = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return "cpu-clock";
	close((int)fd);
	return "cycles";
}
