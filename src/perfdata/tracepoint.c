/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tracepoint formats of a recording, through libtraceevent.
 */
#include "perfdata/tracepoint.h"

#include "base/byte_reader.h"
#include "base/error.h"
#include "base/hash.h"

#include <inttypes.h>
#include <traceevent/event-parse.h>

#define MAX_ARGS 16

/* Nothing that the kernel prints as a format comes near it. */
#define MAX_FORMAT_SIZE (1 << 20)

struct tracepoint {
	struct tep_handle *tep;	 /* Weak */
	struct tep_event *event; /* Weak: of the handle */
	unsigned int n_args;
	struct tep_format_field *args[MAX_ARGS]; /* Weak: of the event */
};

/*
 * A handle looks at all of its events for each that it gets, so a made-up recording of 100,000
 * formats would take minutes with one.
 */
#define EVENTS_A_HANDLE 256

struct tracepoints {
	GPtrArray *handles; /* Owned by this: struct tep_handle (owned); the last gets the next */
	GRegex *plain_line; /* Owned by this: finds what is read of a format */
	GHashTable *by_id;  /* Owned by this: id in a pointer to struct tracepoint (owned) */

	/* Of the machine that recorded. */
	bool big_endian;
	int long_size;
};

/* `at`: bytes from the start of the section; its end when something should follow there. */
static bool set_malformed(GError **error, size_t at, const char *what)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
		    "the tracepoint formats (feature 1, TRACING_DATA) are damaged at byte %zu: %s",
		    at, what);
	return false;
}

/* The handle that the next format goes to; NULL without memory. */
static struct tep_handle *present_handle(struct tracepoints *tracepoints)
{
	struct tep_handle *tep = NULL;

	if (tracepoints->handles->len)
		tep = tracepoints->handles->pdata[tracepoints->handles->len - 1];
	if (tep && tep_get_events_count(tep) < EVENTS_A_HANDLE)
		return tep;
	tep = tep_alloc();
	if (!tep)
		return NULL;
	tep_set_local_bigendian(tep,
				G_BYTE_ORDER == G_BIG_ENDIAN ? TEP_BIG_ENDIAN : TEP_LITTLE_ENDIAN);
	tep_set_file_bigendian(tep, tracepoints->big_endian ? TEP_BIG_ENDIAN : TEP_LITTLE_ENDIAN);
	tep_set_long_size(tep, tracepoints->long_size);
	g_ptr_array_add(tracepoints->handles, tep);
	return tep;
}

static void add_tracepoint(struct tracepoints *tracepoints, struct tep_handle *tep,
			   struct tep_event *event)
{
	struct tracepoint *tracepoint = g_new0(struct tracepoint, 1);

	tracepoint->tep = tep;
	tracepoint->event = event;
	while (tracepoint->n_args < MAX_ARGS) {
		g_autofree char *name = g_strdup_printf("arg%u", tracepoint->n_args + 1);
		struct tep_format_field *field = tep_find_field(event, name);

		if (!field)
			break;
		tracepoint->args[tracepoint->n_args++] = field;
	}
	g_hash_table_replace(tracepoints->by_id, GINT_TO_POINTER(event->id), tracepoint);
}

/*
 * The lines of a format that matter here: its name, its id, fields that are one
 * number, blank lines between them. All else is kept from libtraceevent, whose
 * parser trusts the kernel: 1.7.1 reads through NULL when a text ends inside the
 * brackets of an array, calls itself for each parenthesis of a "print fmt", and
 * leaks what it cannot parse.
 */
#define WORD   "[A-Za-z_][A-Za-z0-9_]{0,63}"
#define NUMBER "[0-9]{1,9}"
static const char plain_line[] = "^(?:name: " WORD "|ID: " NUMBER "|format:|"
				 "\tfield:" WORD "(?: " WORD "){1,7};"
				 "\toffset:" NUMBER ";\tsize:" NUMBER ";(?:\tsigned:[01];)?|)$";

/* The caller frees the text. */
static GString *plain_format(GRegex *line, const uint8_t *tainted, size_t size)
{
	GString *plain = g_string_new(NULL);
	GMatchInfo *match = NULL;

	(void)g_regex_match_full(line, (const char *)tainted, (gssize)size, 0, 0, &match, NULL);
	for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
		g_autofree char *text = g_match_info_fetch(match, 0);

		g_string_append(g_string_append(plain, text), "\n");
	}
	g_match_info_free(match);
	return g_string_append(plain, "print fmt: \"\"\n");
}

/* What libtraceevent cannot parse is no probe of ours. False without memory. */
static bool read_format(struct tracepoints *tracepoints, const char *system, const uint8_t *tainted,
			size_t size, GError **error)
{
	struct tep_handle *tep = present_handle(tracepoints);
	struct tep_event *event = NULL;
	GString *plain;

	if (!tep) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "no memory");
		return false;
	}
	plain = plain_format(tracepoints->plain_line, tainted, size);
	if (!tep_parse_format(tep, &event, plain->str, plain->len, system) && event)
		add_tracepoint(tracepoints, tep, event);
	g_string_free(plain, TRUE);
	return true;
}

/* For each system its name, the number of its formats, then size and text of each. */
static bool read_systems(struct tracepoints *tracepoints, struct byte_reader *reader, size_t size,
			 GError **error)
{
	uint32_t n_systems = byte_reader_u32(reader);

	for (uint32_t i = 0; i < n_systems && !reader->failed; i++) {
		const char *system = byte_reader_string(reader);
		uint32_t n_events = byte_reader_u32(reader);

		for (uint32_t j = 0; j < n_events && !reader->failed; j++) {
			uint64_t text_size = byte_reader_u64(reader);
			const uint8_t *text = byte_reader_bytes(reader, text_size);

			if (text && text_size > MAX_FORMAT_SIZE)
				return set_malformed(error, size - reader->left - text_size,
						     "a format of more than 1 MiB");
			if (text && !read_format(tracepoints, system, text, text_size, error))
				return false;
		}
	}
	return !reader->failed ||
	       set_malformed(error, size - reader->left, "it ends in the middle of a format");
}

/* "header_page" and "header_event": name, size, text. They describe ftrace's own buffers. */
static bool skip_header_file(struct byte_reader *reader, const char *name)
{
	const char *found = byte_reader_string(reader);

	if (g_strcmp0(found, name))
		return false;
	byte_reader_skip(reader, byte_reader_u64(reader));
	return !reader->failed;
}

static bool read_container(struct tracepoints *tracepoints, const uint8_t *tainted, size_t size,
			   bool swap, GError **error)
{
	static const uint8_t magic[] = {0x17, 0x08, 0x44, 't', 'r', 'a', 'c', 'i', 'n', 'g'};
	struct byte_reader reader = byte_reader_of(tainted, size, swap);
	const uint8_t *found = byte_reader_bytes(&reader, sizeof(magic));
	uint32_t n_ftrace;

	if (!found || memcmp(found, magic, sizeof(magic)))
		return set_malformed(error, 0, "the magic bytes are not there");
	(void)byte_reader_string(&reader); /* version */
	tracepoints->big_endian = byte_reader_u8(&reader);
	tracepoints->long_size = byte_reader_u8(&reader) == 4 ? 4 : 8;
	(void)byte_reader_u32(&reader); /* page size */
	if (reader.failed)
		return set_malformed(error, size - reader.left, "it ends in its header");

	if (!skip_header_file(&reader, "header_page") || !skip_header_file(&reader, "header_event"))
		return set_malformed(error, size - reader.left,
				     "header_page or header_event is not there");
	n_ftrace = byte_reader_u32(&reader);
	for (uint32_t i = 0; i < n_ftrace && !reader.failed; i++)
		byte_reader_skip(&reader, byte_reader_u64(&reader));
	return read_systems(tracepoints, &reader, size, error);
}

struct tracepoints *tracepoints_new_of_texts(bool swap)
{
	struct tracepoints *tracepoints = g_new0(struct tracepoints, 1);

	tep_set_loglevel(TEP_LOG_NONE);
	tracepoints->handles = g_ptr_array_new_with_free_func((GDestroyNotify)tep_free);
	tracepoints->by_id = g_hash_table_new_full(hash_pointer, NULL, NULL, g_free);
	tracepoints->plain_line = g_regex_new(
		plain_line, G_REGEX_MULTILINE | G_REGEX_RAW | G_REGEX_NEWLINE_LF | G_REGEX_OPTIMIZE,
		0, NULL);
	tracepoints->big_endian = (G_BYTE_ORDER == G_BIG_ENDIAN) != swap;
	tracepoints->long_size = 8;
	return tracepoints;
}

void tracepoints_add_text(struct tracepoints *tracepoints, const char *system,
			  const char *tainted_text, size_t size)
{
	if (size <= MAX_FORMAT_SIZE)
		(void)read_format(tracepoints, system, (const uint8_t *)tainted_text, size, NULL);
}

struct tracepoints *tracepoints_new(const uint8_t *tainted, size_t size, bool swap, GError **error)
{
	struct tracepoints *tracepoints = tracepoints_new_of_texts(swap);

	if (!read_container(tracepoints, tainted, size, swap, error)) {
		tracepoints_free(tracepoints);
		return NULL;
	}
	return tracepoints;
}

guint tracepoints_count(const struct tracepoints *tracepoints)
{
	return g_hash_table_size(tracepoints->by_id);
}

void tracepoints_free(struct tracepoints *tracepoints)
{
	if (!tracepoints)
		return;
	g_hash_table_unref(tracepoints->by_id);
	g_regex_unref(tracepoints->plain_line);
	g_ptr_array_unref(tracepoints->handles);
	g_free(tracepoints);
}

const struct tracepoint *tracepoints_find(const struct tracepoints *tracepoints, uint64_t id)
{
	return id > INT_MAX ? NULL
			    : g_hash_table_lookup(tracepoints->by_id, GINT_TO_POINTER((int)id));
}

const char *tracepoint_system(const struct tracepoint *tracepoint)
{
	return tracepoint->event->system;
}

const char *tracepoint_name(const struct tracepoint *tracepoint)
{
	return tracepoint->event->name;
}

unsigned int tracepoint_n_args(const struct tracepoint *tracepoint)
{
	return tracepoint->n_args;
}

static int64_t sign_extend(uint64_t number, int size_bytes)
{
	unsigned int unused_bits = 64 - 8 * (unsigned int)size_bytes;

	return (int64_t)(number << unused_bits) >> unused_bits;
}

bool tracepoint_arg(const struct tracepoint *tracepoint, unsigned int n, const uint8_t *tainted_raw,
		    size_t raw_size, int64_t *value)
{
	const struct tep_format_field *field;
	uint64_t number;

	if (n >= tracepoint->n_args)
		return false;
	field = tracepoint->args[n];
	if (field->size != 1 && field->size != 2 && field->size != 4 && field->size != 8)
		return false;
	if (field->offset < 0 || (size_t)field->offset > raw_size ||
	    (size_t)field->size > raw_size - (size_t)field->offset)
		return false;
	number = tep_read_number(tracepoint->tep, tainted_raw + field->offset, field->size);
	*value = field->flags & TEP_FIELD_IS_SIGNED ? sign_extend(number, field->size)
						    : (int64_t)number;
	return true;
}
