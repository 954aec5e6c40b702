/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Members of JSON objects.
 */
#include "json.h"

#include <string.h>

#define UNIT_SEPARATOR 0x1f

void json_add_int(JsonBuilder *json, const char *name, int64_t value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_int_value(json, value);
}

void json_add_string(JsonBuilder *json, const char *name, const char *value)
{
	json_builder_set_member_name(json, name);
	if (value) {
		g_autofree char *valid = g_utf8_make_valid(value, -1);

		/* json-glib writes it as it is, which JSON does not allow. */
		for (char *at = strchr(valid, UNIT_SEPARATOR); at; at = strchr(at, UNIT_SEPARATOR))
			*at = '?';
		json_builder_add_string_value(json, valid);
	} else {
		json_builder_add_null_value(json);
	}
}

void json_add_bool(JsonBuilder *json, const char *name, bool value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_boolean_value(json, value);
}

void json_add_double(JsonBuilder *json, const char *name, double value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_double_value(json, value);
}

void json_add_null(JsonBuilder *json, const char *name)
{
	json_builder_set_member_name(json, name);
	json_builder_add_null_value(json);
}

void json_add_value(JsonBuilder *json, const char *name, struct colo_value value)
{
	if (value.known)
		json_add_int(json, name, value.value);
	else
		json_add_null(json, name);
}

void json_begin_object(JsonBuilder *json, const char *name)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_object(json);
}

void json_begin_array(JsonBuilder *json, const char *name)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
}
