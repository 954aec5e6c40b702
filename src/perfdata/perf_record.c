/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The types of records: their names, and what becomes of each.
 */
#include "perfdata/perf_record.h"

#include <inttypes.h>

#define USED	PERF_RECORD_USE_USED
#define SKIPPED PERF_RECORD_USE_SKIPPED
#define WARNED	PERF_RECORD_USE_WARNED

/*
 * Up to Linux 7.2; what is not in the kernel's own header is perf's. docs/output.md has the same
 * table, with the reason of each row.
 */
static const struct {
	const char *name;
	enum perf_record_use use;
} types[] = {
	[1] = {"MMAP", USED},
	[2] = {"LOST", USED},
	[3] = {"COMM", USED},
	[4] = {"EXIT", USED},
	[5] = {"THROTTLE", USED},
	[6] = {"UNTHROTTLE", SKIPPED},
	[7] = {"FORK", USED},
	[8] = {"READ", USED},
	[9] = {"SAMPLE", USED},
	[10] = {"MMAP2", USED},
	[11] = {"AUX", SKIPPED},
	[12] = {"ITRACE_START", SKIPPED},
	[13] = {"LOST_SAMPLES", USED},
	[14] = {"SWITCH", SKIPPED},
	[15] = {"SWITCH_CPU_WIDE", SKIPPED},
	[16] = {"NAMESPACES", SKIPPED},
	[17] = {"KSYMBOL", USED},
	[18] = {"BPF_EVENT", SKIPPED},
	[19] = {"CGROUP", SKIPPED},
	[20] = {"TEXT_POKE", SKIPPED},
	[21] = {"AUX_OUTPUT_HW_ID", WARNED},
	[22] = {"CALLCHAIN_DEFERRED", USED},
	[64] = {"HEADER_ATTR", USED},
	[65] = {"HEADER_EVENT_TYPE", SKIPPED},
	[66] = {"HEADER_TRACING_DATA", USED},
	[67] = {"HEADER_BUILD_ID", USED},
	[68] = {"FINISHED_ROUND", USED},
	[69] = {"ID_INDEX", SKIPPED},
	[70] = {"AUXTRACE_INFO", SKIPPED},
	[71] = {"AUXTRACE", SKIPPED},
	[72] = {"AUXTRACE_ERROR", SKIPPED},
	[73] = {"THREAD_MAP", SKIPPED},
	[74] = {"CPU_MAP", SKIPPED},
	[75] = {"STAT_CONFIG", SKIPPED},
	[76] = {"STAT", SKIPPED},
	[77] = {"STAT_ROUND", SKIPPED},
	[78] = {"EVENT_UPDATE", USED},
	[79] = {"TIME_CONV", SKIPPED},
	[80] = {"HEADER_FEATURE", USED},
	[81] = {"COMPRESSED", USED},
	[82] = {"FINISHED_INIT", SKIPPED},
	[83] = {"COMPRESSED2", USED},
	[84] = {"BPF_METADATA", SKIPPED},
	[85] = {"SCHEDSTAT_CPU", SKIPPED},
	[86] = {"SCHEDSTAT_DOMAIN", SKIPPED},
};

enum perf_record_use perf_record_use(uint32_t type)
{
	return type < G_N_ELEMENTS(types) ? types[type].use : PERF_RECORD_USE_UNKNOWN;
}

const char *perf_record_name(uint32_t type)
{
	return type < G_N_ELEMENTS(types) ? types[type].name : NULL;
}

char *perf_record_type_name(uint32_t type)
{
	const char *name = perf_record_name(type);

	return name ? g_strdup_printf("%s (%" PRIu32 ")", name, type)
		    : g_strdup_printf("%" PRIu32, type);
}

void perf_record_set_error_valist(const struct perf_record *record, enum colo_perf_error code,
				  GError **error, const char *format, va_list args)
{
	g_autofree char *type = perf_record_type_name(record->type);
	g_autofree char *found = g_strdup_vprintf(format, args);

	g_set_error(error, COLO_PERF_ERROR, (int)code, "offset %" PRIu64 ": record of type %s %s",
		    record->offset, type, found);
}
