/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes JSON as it comes: nothing of it is kept, so a report may be as long as it
 * likes. Formatted like json-glib's output.
 */
#ifndef COLO_PERF_JSON_H
#define COLO_PERF_JSON_H

#include "colo/model.h"

#include <stdio.h>

struct json;

/* Pretty: a line for each value, indented. Otherwise all of it is one line. `out`: weak. */
struct json *json_new(FILE *out, bool pretty);
/* Everything that was begun must have been ended; ends the line. */
void json_free(struct json *json);

/*
 * Each adds a member to the object that is being written. NULL for `name`: in an
 * array, and for the outermost value.
 */
void json_add_int(struct json *json, const char *name, int64_t value);
void json_add_uint(struct json *json, const char *name, uint64_t value);
/* NULL is null; what is no UTF-8 is made so, what is not printable_is_safe() is escaped. */
void json_add_string(struct json *json, const char *name, const char *value);
void json_add_bool(struct json *json, const char *name, bool value);
void json_add_double(struct json *json, const char *name, double value);
void json_add_null(struct json *json, const char *name);
/* null when it is not known. */
void json_add_value(struct json *json, const char *name, struct colo_value value);
void json_add_known_uint(struct json *json, const char *name, bool known, uint64_t value);

void json_begin_object(struct json *json, const char *name);
void json_end_object(struct json *json);
void json_begin_array(struct json *json, const char *name);
void json_end_array(struct json *json);

#endif
