/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Puts the parts of a recording together. A directory holds, in the file "data", what a
 * file does, and in "data.0", "data.1", ... records and nothing else, of one reader
 * of perf's each:
 *
 *     perf.data/data      header | records | features
 *     perf.data/data.0    records
 *     perf.data/data.1    records
 *
 * One of them is open at a time, as there may be one for each CPU.
 *
 * Source: tools/perf/util/data.c.
 */
#include "perfdata/perf_file.h"

#include "base/error.h"
#include "perfdata/perf_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAIN_FILE   "data"
#define PART_PREFIX "data."

#define MISSING_NAMED 3	   /* files that are named, of those that are missing */
#define MOST_PARTS    8192 /* the CPUs that a kernel can have: no higher number is believed */

struct perf_file {
	struct perf_bytes *bytes;   /* Owned by this: of the file with the header */
	struct perf_header *header; /* Owned by this */
	int directory;		    /* Owned by this; -1: it is a file */
	GPtrArray *parts;	    /* Owned by this: names (owned) of files with records alone */
	uint64_t parts_size;	    /* bytes, of all of them */
	char *damage;		    /* Owned by this: as perf_file_damage() says */

	/* Where the next record comes from: the main file is part 0. */
	guint part;
	struct perf_bytes *part_bytes; /* Owned by this; NULL: those of the main file */
	struct perf_stream *stream;    /* Owned by this; NULL: the part is not open yet */
	struct perf_unpacked unpacked; /* of all parts, since the start */
	uint64_t next_number;
	uint64_t n_taken; /* records that the header was told of */
};

/* --- Directories --- */

static uint64_t part_number(const char *name)
{
	return g_ascii_strtoull(name + strlen(PART_PREFIX), NULL, 10);
}

static int compare_parts(gconstpointer a, gconstpointer b)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;
	const uint64_t left_number = part_number(left), right_number = part_number(right);

	if (left_number != right_number)
		return left_number < right_number ? -1 : 1;
	return strcmp(left, right);
}

/* The names of the parts, and how large they are. */
static bool list_parts(struct perf_file *file, const char *path, GError **error)
{
	g_autoptr(GDir) directory = g_dir_open(path, 0, error);
	const char *name;

	if (!directory)
		return false;
	while ((name = g_dir_read_name(directory))) {
		struct stat st;

		if (!g_str_has_prefix(name, PART_PREFIX) ||
		    fstatat(file->directory, name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		g_ptr_array_add(file->parts, g_strdup(name));
		file->parts_size += (uint64_t)st.st_size;
	}
	g_ptr_array_sort(file->parts, compare_parts);
	return true;
}

/* Opens what has the header: the path itself, or a file in the directory that it is. */
static bool open_main(struct perf_file *file, const char *path, const struct perf_wait *wait,
		      GError **error)
{
	if (strcmp(path, "-") && g_file_test(path, G_FILE_TEST_IS_DIR)) {
		file->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (file->directory < 0) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
				    "cannot open it: %s", g_strerror(errno));
			return false;
		}
		if (faccessat(file->directory, MAIN_FILE, F_OK, 0) < 0) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NOT_PERF,
				    "it is a directory without a file \"" MAIN_FILE
				    "\", so not one of perf record --threads; name a file");
			return false;
		}
		if (!list_parts(file, path, error))
			return false;
	}
	if (file->directory < 0) {
		file->bytes = perf_bytes_open_stream(AT_FDCWD, path, wait, error);
	} else {
		file->bytes = perf_bytes_open_part(file->directory, MAIN_FILE, error);
		if (!file->bytes)
			g_prefix_error(error, MAIN_FILE ": ");
	}
	return file->bytes != NULL;
}

/* The feature's bytes; none when it is not there. */
static struct byte_reader feature_reader(const struct perf_file *file, enum perf_feature feature)
{
	GBytes *bytes = file->header->features[feature];

	return bytes ? byte_reader_of(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
				      file->header->swap)
		     : byte_reader_of(NULL, 0, false);
}

/* Whether perf was told to record some CPUs only: -C, -aC, --cpu. */
static bool chooses_cpus(const char *word)
{
	return g_str_has_prefix(word, "--cpu") ||
	       (word[0] == '-' && word[1] != '-' && strchr(word, 'C'));
}

/*
 * How many files `perf record --threads` has made by what it says of itself: one for each CPU that
 * was online, however many threads read them. 0 when it does not say so.
 */
static guint parts_of_command(const struct perf_file *file)
{
	struct byte_reader reader = feature_reader(file, PERF_FEATURE_NRCPUS);
	g_autofree char *command = perf_file_feature_string(file, PERF_FEATURE_CMDLINE);
	g_auto(GStrv) words = g_strsplit(command ? command : "", " ", -1);
	bool has_threads = false, has_cpus = false;
	uint32_t n_online;

	byte_reader_skip(&reader, sizeof(uint32_t)); /* those that are there */
	n_online = byte_reader_u32(&reader);
	for (char **word = words; *word; word++) {
		has_threads = has_threads || !strcmp(*word, "--threads") ||
			      g_str_has_prefix(*word, "--threads=");
		has_cpus = has_cpus || chooses_cpus(*word);
	}
	return has_threads && !has_cpus && !reader.failed && n_online <= MOST_PARTS ? n_online : 0;
}

/* They are numbered from 0, so each below the highest one must have been there. */
static guint parts_of_numbers(const struct perf_file *file)
{
	const guint n = file->parts->len;
	const uint64_t last = n ? part_number(file->parts->pdata[n - 1]) : 0;

	return n && last < MOST_PARTS ? (guint)last + 1 : 0;
}

/* Which files of the directory must have been there, and are not; NULL: none. */
static char *missing_parts(const struct perf_file *file)
{
	const guint n_expected = MAX(parts_of_numbers(file), parts_of_command(file));
	g_autoptr(GString) names = g_string_new(NULL);
	guint n_missing = 0, at = 0;

	for (guint number = 0; number < n_expected; number++) {
		while (at < file->parts->len && part_number(file->parts->pdata[at]) < number)
			at++;
		if (at < file->parts->len && part_number(file->parts->pdata[at]) == number)
			continue;
		if (n_missing++ < MISSING_NAMED)
			g_string_append_printf(names, "%s" PART_PREFIX "%u", names->len ? ", " : "",
					       number);
	}
	if (!n_missing)
		return NULL;
	return g_strdup_printf("%u of the files that perf record --threads wrote %s missing "
			       "(%s%s), and so are the hits and samples in %s",
			       n_missing, n_missing == 1 ? "is" : "are", names->str,
			       n_missing > MISSING_NAMED ? ", ..." : "",
			       n_missing == 1 ? "it" : "them");
}

/* What is wrong with the header, with the directory, or with both. */
static char *find_damage(const struct perf_file *file)
{
	const char *header = file->header->damage;
	g_autofree char *parts = missing_parts(file);

	if (header && parts)
		return g_strdup_printf("%s; %s", header, parts);
	return parts ? g_steal_pointer(&parts) : g_strdup(header);
}

struct perf_file *perf_file_open_stream(const char *path, const struct perf_wait *wait,
					GError **error)
{
	struct perf_file *file = g_new0(struct perf_file, 1);

	file->directory = -1;
	file->parts = g_ptr_array_new_with_free_func(g_free);
	if (open_main(file, path, wait, error))
		file->header = perf_header_new(file->bytes, error);
	if (!file->header) {
		perf_file_free(file);
		return NULL;
	}
	file->damage = find_damage(file);
	return file;
}

struct perf_file *perf_file_open(const char *path, GError **error)
{
	return perf_file_open_stream(path, NULL, error);
}

static void close_part(struct perf_file *file)
{
	g_clear_pointer(&file->stream, perf_stream_free);
	g_clear_pointer(&file->part_bytes, perf_bytes_free);
}

void perf_file_free(struct perf_file *file)
{
	if (!file)
		return;
	close_part(file);
	perf_header_free(file->header);
	perf_bytes_free(file->bytes);
	g_ptr_array_unref(file->parts);
	g_free(file->damage);
	if (file->directory >= 0)
		close(file->directory);
	g_free(file);
}

/* --- What it says of itself --- */

const struct perf_events *perf_file_events(const struct perf_file *file)
{
	return file->header->events;
}

bool perf_file_is_swapped(const struct perf_file *file)
{
	return file->header->swap;
}

uint64_t perf_file_size_bytes(const struct perf_file *file)
{
	return perf_bytes_known_size(file->bytes) + file->parts_size;
}

int64_t perf_file_modified_s(const struct perf_file *file)
{
	return file->bytes->modified_s;
}

const char *perf_file_damage(const struct perf_file *file)
{
	return file->damage;
}

GBytes *perf_file_feature(const struct perf_file *file, enum perf_feature feature)
{
	return file->header->features[feature];
}

/* A command line is a list of strings, behind their number. */
static char *read_command_line(struct byte_reader *reader)
{
	const uint32_t n = byte_reader_u32(reader);
	g_autoptr(GString) line = g_string_new(NULL);

	for (uint32_t i = 0; i < n && !reader->failed; i++) {
		g_autofree char *word = perf_header_string_read(reader);

		if (word)
			g_string_append_printf(line, "%s%s", i ? " " : "", word);
	}
	return g_strdup(line->str);
}

char *perf_file_feature_string(const struct perf_file *file, enum perf_feature feature)
{
	struct byte_reader reader = feature_reader(file, feature);

	if (!file->header->features[feature])
		return NULL;
	return feature == PERF_FEATURE_CMDLINE ? read_command_line(&reader)
					       : perf_header_string_read(&reader);
}

/* u32 version (1), u32 clockid, u64 wall, u64 clock. */
bool perf_file_clock(const struct perf_file *file, struct perf_clock *clock)
{
	struct byte_reader reader = feature_reader(file, PERF_FEATURE_CLOCK_DATA);
	const uint32_t version = byte_reader_u32(&reader);

	clock->clockid = byte_reader_u32(&reader);
	clock->wall_ns = byte_reader_u64(&reader);
	clock->clock_ns = byte_reader_u64(&reader);
	return !reader.failed && version == 1;
}

/* --- Records --- */

void perf_file_rewind(struct perf_file *file)
{
	close_part(file);
	file->part = 0;
	file->unpacked = (struct perf_unpacked){0};
	file->next_number = 0;
}

/* The name of the part that is being read; NULL when it is the whole recording. */
static const char *part_name(const struct perf_file *file)
{
	if (file->directory < 0)
		return NULL;
	return file->part ? file->parts->pdata[file->part - 1] : MAIN_FILE;
}

static bool open_part(struct perf_file *file, GError **error)
{
	const struct perf_section *data = &file->header->data;

	if (!file->part) {
		file->stream = perf_stream_new(file->bytes, data->offset, data->size,
					       file->header->swap, &file->unpacked);
		return true;
	}
	file->part_bytes = perf_bytes_open_part(file->directory, part_name(file), error);
	if (file->part_bytes)
		file->stream = perf_stream_new(file->part_bytes, 0, file->part_bytes->size,
					       file->header->swap, &file->unpacked);
	return file->stream != NULL;
}

/* Tells the header of each record once: the second time it knows already. */
static bool take(struct perf_file *file, struct perf_record *record, GError **error)
{
	record->number = file->next_number++;
	if (record->number < file->n_taken)
		return true;
	file->n_taken++;
	return perf_header_take(file->header, file->part_bytes ? file->part_bytes : file->bytes,
				record, error);
}

enum perf_next perf_file_next_record(struct perf_file *file, struct perf_record *record,
				     GError **error)
{
	for (; file->part <= file->parts->len; close_part(file), file->part++) {
		enum perf_next next = PERF_NEXT_ERROR;

		if (file->stream || open_part(file, error))
			next = perf_stream_next(file->stream, record, error);
		if (next == PERF_NEXT_RECORD) {
			if (take(file, record, error))
				return PERF_NEXT_RECORD;
			next = PERF_NEXT_ERROR;
		}
		if (next == PERF_NEXT_ERROR) {
			if (part_name(file))
				g_prefix_error(error, "%s: ", part_name(file));
			close_part(file);
			file->part++;
			return PERF_NEXT_ERROR;
		}
	}
	return PERF_NEXT_END;
}
