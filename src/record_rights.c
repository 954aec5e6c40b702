/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asks the kernel before anything is started: what perf says of missing rights is long, and
 * is not about probes.
 */
#define _GNU_SOURCE
#include "record_rights.h"

#include "base/error.h"
#include "base/rights.h"
#include "probes/tracefs.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PARANOID_FREE (-1) /* anybody may record tracepoints */

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

/* NULL, or why uprobe_events cannot be written; the caller frees it. */
static char *tracefs_problem(void)
{
	if (!tracefs_is_mounted(TRACEFS_PATH)) {
		/* A directory that nobody else may look into seems not to be mounted. */
		if (!access(TRACEFS_PATH, X_OK) || errno != EACCES)
			return rights_have(CAP_SYS_ADMIN)
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

/* Before Linux 5.8 there is no CAP_PERFMON. */
static bool has_perfmon(void)
{
	return rights_sysctl("cap_last_cap", CAP_PERFMON) >= CAP_PERFMON;
}

/* perf was given the capability itself (setcap), and that counts. */
static bool has_own_capability(const char *perf, int capability)
{
	struct vfs_ns_cap_data caps = {0};
	struct statvfs place;

	if (getxattr(perf, "security.capability", &caps, sizeof(caps)) <= 0)
		return false;
	return GUINT32_FROM_LE(caps.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE &&
	       GUINT32_FROM_LE(caps.data[CAP_TO_INDEX(capability)].permitted) &
		       CAP_TO_MASK(capability) &&
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 &&
	       !(statvfs(perf, &place) == 0 && place.f_flag & ST_NOSUID);
}

/* NULL, or why perf may not record tracepoints; the caller frees it. */
static char *perf_problem(const char *perf)
{
	gint64 paranoid = rights_sysctl("perf_event_paranoid", PARANOID_FREE);

	if (paranoid <= PARANOID_FREE || (has_perfmon() && rights_have(CAP_PERFMON)) ||
	    rights_have(CAP_SYS_ADMIN) || has_own_capability(perf, CAP_SYS_ADMIN) ||
	    (has_perfmon() && has_own_capability(perf, CAP_PERFMON)))
		return NULL;
	return g_strdup_printf("you lack %s and perf_event_paranoid is %" G_GINT64_FORMAT,
			       has_perfmon() ? "CAP_PERFMON" : "CAP_SYS_ADMIN", paranoid);
}

/* What root could do for a user of the machine; NULL where that would not help. */
static char *grant(bool tracefs, bool recording, const char *perf)
{
	const char *mount = tracefs_is_mounted(TRACEFS_PATH) ? "mount -o remount"
							     : "mount -t tracefs tracefs -o rw";
	const int needed = has_perfmon() ? CAP_PERFMON : CAP_SYS_ADMIN;
	GString *text;

	if (recording && prctl(PR_CAPBSET_READ, needed) == 0)
		return NULL;
	text = g_string_new(NULL);
	if (tracefs)
		g_string_append_printf(text,
				       "%s,gid=GROUP,mode=750 " TRACEFS_PATH
				       " && chmod g+w " TRACEFS_PATH "/" UPROBE_EVENTS,
				       mount);
	if (recording)
		g_string_append_printf(text, "%ssetcap %s,cap_sys_ptrace+ep %s",
				       tracefs ? "; " : "",
				       has_perfmon() ? "cap_perfmon" : "cap_sys_admin", perf);
	return g_string_free(text, FALSE);
}

bool record_check_rights(const char *perf, GError **error)
{
	g_autofree char *tracefs = tracefs_problem(), *recording = perf_problem(perf);
	g_autofree char *advice = NULL, *granted = NULL;

	if (!tracefs && !recording)
		return true;
	advice = recording && has_perfmon() ? rights_advice(CAP_PERFMON, "CAP_PERFMON")
					    : rights_advice(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
	granted = grant(tracefs, recording, perf);
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
		    "you may not record probes: %s%s%s: %s%s%s", tracefs ? tracefs : "",
		    tracefs && recording ? "; " : "", recording ? recording : "", advice,
		    granted ? ", or let root grant it: " : "", granted ? granted : "");
	return false;
}

bool record_check_frequency(int frequency_hz, GError **error)
{
	gint64 most = rights_sysctl("perf_event_max_sample_rate", G_MAXINT64);

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
