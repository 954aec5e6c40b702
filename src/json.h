/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Members of JSON objects in one call each, on top of json-glib.
 */
#ifndef COLO_PERF_JSON_H
#define COLO_PERF_JSON_H

#include "colo/model.h"

#include <json-glib/json-glib.h>

/* Each adds a member to the object that is being built. */
void json_add_int(JsonBuilder *json, const char *name, int64_t value);
/* NULL is null; what is no UTF-8 is made so. */
void json_add_string(JsonBuilder *json, const char *name, const char *value);
void json_add_bool(JsonBuilder *json, const char *name, bool value);
void json_add_double(JsonBuilder *json, const char *name, double value);
void json_add_null(JsonBuilder *json, const char *name);
/* null when it is not known. */
void json_add_value(JsonBuilder *json, const char *name, struct colo_value value);
/* To be ended by json_builder_end_object() or _end_array(). */
void json_begin_object(JsonBuilder *json, const char *name);
void json_begin_array(JsonBuilder *json, const char *name);

#endif
