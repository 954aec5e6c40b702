/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The profiles of the phases in the report's JSON; a part of report_json.c of its
 * own.
 */
#ifndef COLO_PERF_REPORT_JSON_PROFILE_H
#define COLO_PERF_REPORT_JSON_PROFILE_H

#include "json.h"
#include "report.h"

/* Adds the member "samples": what was sampled, and what has no name. */
void report_json_add_samples(struct json *json, const struct report *report);

/* Adds the member "profiles" of a session: each phase with its threads and functions. */
void report_json_add_profiles(struct json *json, const struct report *report,
			      const struct colo_session *session);

#endif
