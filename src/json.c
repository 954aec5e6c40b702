/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The structure of JSON: commas, brackets, indentation, as json-glib does it.
 */
#include "json.h"

#include "base/printable.h"

#include <inttypes.h>
#include <string.h>

struct json {
	FILE *out; /* Weak */
	bool pretty;
	unsigned int depth; /* objects and arrays that were begun and not ended */
	bool is_first;	    /* the next value is the first of its object or array */
};

struct json *json_new(FILE *out, bool pretty)
{
	struct json *json = g_new0(struct json, 1);

	json->out = out;
	json->pretty = pretty;
	json->is_first = true;
	return json;
}

void json_free(struct json *json)
{
	g_assert(!json->depth);
	fputc('\n', json->out);
	g_free(json);
}

static void begin_line(const struct json *json)
{
	if (json->pretty)
		fprintf(json->out, "\n%*s", (int)(2 * json->depth), "");
}

/* What stands before a value. Names are our own and need no escapes. */
static void begin_value(struct json *json, const char *name)
{
	if (!json->is_first)
		fputc(',', json->out);
	json->is_first = false;
	if (json->depth)
		begin_line(json);
	if (name)
		fprintf(json->out, json->pretty ? "\"%s\" : " : "\"%s\":", name);
}

static void begin(struct json *json, const char *name, char bracket)
{
	begin_value(json, name);
	fputc(bracket, json->out);
	json->depth++;
	json->is_first = true;
}

static void end(struct json *json, char bracket)
{
	json->depth--;
	if (!json->is_first)
		begin_line(json);
	fputc(bracket, json->out);
	json->is_first = false;
}

void json_begin_object(struct json *json, const char *name)
{
	begin(json, name, '{');
}

void json_end_object(struct json *json)
{
	end(json, '}');
}

void json_begin_array(struct json *json, const char *name)
{
	begin(json, name, '[');
}

void json_end_array(struct json *json)
{
	end(json, ']');
}

void json_add_int(struct json *json, const char *name, int64_t value)
{
	begin_value(json, name);
	fprintf(json->out, "%" PRId64, value);
}

void json_add_uint(struct json *json, const char *name, uint64_t value)
{
	begin_value(json, name);
	fprintf(json->out, "%" PRIu64, value);
}

/* Those with a name of their own; the letter behind the backslash, or 0. */
static char letter_of(gunichar c)
{
	static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *at = named; *at; at += 2)
		if (c == (gunichar)*at)
			return at[1];
	return '\0';
}

static void put_escaped(FILE *out, gunichar c)
{
	const char letter = letter_of(c);

	if (letter)
		fprintf(out, "\\%c", letter);
	else if (c < 0x10000)
		fprintf(out, "\\u%04x", c);
	else
		/* Two halves, as in UTF-16. */
		fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
			0xdc00 + ((c - 0x10000) & 0x3ff));
}

/* Nothing is lost, and nothing that a terminal would obey is written. */
static void put_string(FILE *out, const char *text)
{
	const char *plain = text;

	fputc('"', out);
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		const gunichar c = g_utf8_get_char(at);

		if (c != '"' && c != '\\' && printable_is_safe(c))
			continue;
		fwrite(plain, 1, (size_t)(at - plain), out);
		put_escaped(out, c);
		plain = g_utf8_next_char(at);
	}
	fputs(plain, out);
	fputc('"', out);
}

void json_add_string(struct json *json, const char *name, const char *value)
{
	g_autofree char *valid = value ? g_utf8_make_valid(value, -1) : NULL;

	if (!valid) {
		json_add_null(json, name);
		return;
	}
	begin_value(json, name);
	put_string(json->out, valid);
}

void json_add_bool(struct json *json, const char *name, bool value)
{
	begin_value(json, name);
	fputs(value ? "true" : "false", json->out);
}

void json_add_double(struct json *json, const char *name, double value)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	begin_value(json, name);
	fputs(g_ascii_dtostr(text, sizeof(text), value), json->out);
	/* A whole number is to be seen as one that need not be. */
	if (!strpbrk(text, ".e"))
		fputs(".0", json->out);
}

void json_add_null(struct json *json, const char *name)
{
	begin_value(json, name);
	fputs("null", json->out);
}

void json_add_value(struct json *json, const char *name, struct colo_value value)
{
	if (value.known)
		json_add_int(json, name, value.value);
	else
		json_add_null(json, name);
}

void json_add_known_uint(struct json *json, const char *name, bool known, uint64_t value)
{
	if (known)
		json_add_uint(json, name, value);
	else
		json_add_null(json, name);
}
