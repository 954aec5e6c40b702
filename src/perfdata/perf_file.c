/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the sections and the records of a perf.data file. The data section is
 * read through a window of fixed size, so memory does not grow with the file;
 * it is not mapped, as a file that is cut while we read must not kill us.
 */
#include "perfdata/perf_file.h"

#include "base/byte_reader.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* struct perf_file_header */
#define HEADER_SIZE	   104
#define PIPE_HEADER_SIZE   16
#define FEATURE_BITS_BYTES (PERF_FEATURE_BITS / 8)
#define SECTION_SIZE	   16 /* struct perf_file_section */
#define RECORD_HEADER_SIZE 8  /* struct perf_event_header */

/* A number, so a big-endian machine writes it the other way round. */
#define MAGIC	      "PERFILE2"
#define MAGIC_SWAPPED "2ELIFREP"
#define MAGIC_V1      "PERFFILE" /* of perf before 2.6.33 */
#define MAGIC_SIZE    8

#define WINDOW_SIZE (1 << 20) /* bytes; a record has at most 64 KiB */

struct section {
	uint64_t offset, size; /* bytes, from the start of the file */
};

struct perf_file {
	int fd; /* Owned by this */
	uint64_t size;
	int64_t modified_s;
	uint64_t unread; /* bytes that sections beside the data may still have */
	bool swap;
	struct perf_events *events;	     /* Owned by this */
	GBytes *features[PERF_FEATURE_BITS]; /* Owned by this; NULL when not there */
	char *damage;			     /* Owned by this; NULL when whole */
	struct section data;		     /* never beyond the file */
	uint8_t *window;		     /* Owned by this */
	size_t window_len, window_pos;	     /* bytes there, bytes consumed */
	uint64_t window_offset;		     /* of window[0] in the file */
};

static bool set_errno_error(GError **error, const char *what)
{
	int saved = errno;

	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot %s it: %s", what,
		    g_strerror(saved));
	return false;
}

static void add_damage(struct perf_file *file, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Keeps the first that was found: what comes after follows from it. */
static void add_damage(struct perf_file *file, const char *format, ...)
{
	va_list args;

	if (file->damage)
		return;
	va_start(args, format);
	file->damage = g_strdup_vprintf(format, args);
	va_end(args);
}

/* Reads exactly `size` bytes that are known to be in the file. */
static bool read_at(int fd, uint64_t offset, void *buffer, size_t size, GError **error)
{
	uint8_t *to = buffer;

	while (size) {
		ssize_t got = pread(fd, to, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return set_errno_error(error, "read");
		if (got == 0) {
			g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
				    "offset %" PRIu64 ": the file became shorter while it was read",
				    offset);
			return false;
		}
		to += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return true;
}

static bool section_is_inside(const struct perf_file *file, const struct section *section)
{
	return section->offset <= file->size && section->size <= file->size - section->offset;
}

/*
 * Sections do not overlap, so all together are no larger than the file. One that
 * says otherwise could have us read the same bytes for each of its events.
 */
static GBytes *read_section(struct perf_file *file, const struct section *section, const char *what,
			    GError **error)
{
	uint8_t *bytes;

	if (!section_is_inside(file, section)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
			    "%s: declared as %" PRIu64 " bytes at offset %" PRIu64
			    ", the file ends at %" PRIu64,
			    what, section->size, section->offset, file->size);
		return NULL;
	}
	if (section->size > file->unread) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "%s: declared as %" PRIu64 " bytes at offset %" PRIu64
			    ", which overlaps other sections",
			    what, section->size, section->offset);
		return NULL;
	}
	file->unread -= section->size;
	bytes = g_try_malloc(section->size + 1);
	if (!bytes) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "%s: no memory for %" PRIu64 " bytes", what, section->size);
		return NULL;
	}
	if (!read_at(file->fd, section->offset, bytes, section->size, error)) {
		g_free(bytes);
		return NULL;
	}
	return g_bytes_new_take(bytes, section->size);
}

static struct section next_section(struct byte_reader *reader)
{
	struct section section = {.offset = byte_reader_u64(reader)};

	section.size = byte_reader_u64(reader);
	return section;
}

/* One attr section entry: a perf_event_attr, then where its ids are. */
static bool read_attr(struct perf_file *file, const uint8_t *tainted_entry, size_t entry_size,
		      GError **error)
{
	const size_t attr_size = entry_size - SECTION_SIZE;
	struct byte_reader reader =
		byte_reader_of(tainted_entry + attr_size, SECTION_SIZE, file->swap);
	struct section ids_section = next_section(&reader);
	g_autoptr(GBytes) ids = NULL;
	int index;

	index = perf_events_add(file->events, tainted_entry, attr_size, file->swap, error);
	if (index < 0)
		return false;
	ids = read_section(file, &ids_section, "ids of an event", error);
	if (!ids)
		return false;
	reader = byte_reader_of(g_bytes_get_data(ids, NULL), g_bytes_get_size(ids), file->swap);
	while (reader.left >= sizeof(uint64_t))
		perf_events_add_id(file->events, byte_reader_u64(&reader), (guint)index);
	return true;
}

static bool read_attrs(struct perf_file *file, const struct section *section, uint64_t entry_size,
		       GError **error)
{
	g_autoptr(GBytes) attrs = NULL;
	const uint8_t *bytes;

	if (entry_size < PERF_ATTR_SIZE_VER0 + SECTION_SIZE || entry_size > UINT16_MAX) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "offset 16: an attr of %" PRIu64 " bytes, allowed are %d to %d",
			    entry_size, PERF_ATTR_SIZE_VER0 + SECTION_SIZE, UINT16_MAX);
		return false;
	}
	attrs = read_section(file, section, "section of the events", error);
	if (!attrs)
		return false;
	bytes = g_bytes_get_data(attrs, NULL);
	for (uint64_t left = section->size; left >= entry_size; left -= entry_size) {
		if (!read_attr(file, bytes, entry_size, error))
			return false;
		bytes += entry_size;
	}
	return perf_events_settle(file->events, error);
}

/* The bits are an array of longs, of the recording machine's size and byte order. */
static bool feature_bit(const struct perf_file *file, const uint8_t bits[FEATURE_BITS_BYTES],
			size_t long_size, unsigned int bit)
{
	struct byte_reader word =
		byte_reader_of(bits + bit / (8 * long_size) * long_size, long_size, file->swap);
	uint64_t value =
		long_size == sizeof(uint32_t) ? byte_reader_u32(&word) : byte_reader_u64(&word);

	return value >> bit % (8 * long_size) & 1;
}

/*
 * The table of the feature sections follows the data: an entry for each bit
 * that is set, in the order of the bits. What was cut off is left out.
 */
static bool read_features(struct perf_file *file, const struct section *data,
			  const uint8_t bits[FEATURE_BITS_BYTES], GError **error)
{
	struct section table = {.offset = data->offset + data->size};
	struct byte_reader reader;
	uint8_t entry[SECTION_SIZE];
	/* Its size is nowhere in the file. perf always writes the host's name, which tells. */
	const size_t long_size =
		feature_bit(file, bits, sizeof(uint32_t), PERF_FEATURE_HOSTNAME) &&
				!feature_bit(file, bits, sizeof(uint64_t), PERF_FEATURE_HOSTNAME)
			? sizeof(uint32_t)
			: sizeof(uint64_t);

	for (unsigned int bit = 0; bit < PERF_FEATURE_BITS; bit++) {
		struct section section;

		if (!feature_bit(file, bits, long_size, bit))
			continue;
		table.size = SECTION_SIZE;
		if (!section_is_inside(file, &table)) {
			add_damage(
				file,
				"the feature sections behind the data are cut off: the file ends "
				"at %" PRIu64 ", the entry of feature %u should be at %" PRIu64,
				file->size, bit, table.offset);
			return true;
		}
		if (!read_at(file->fd, table.offset, entry, sizeof(entry), error))
			return false;
		table.offset += SECTION_SIZE;
		reader = byte_reader_of(entry, sizeof(entry), file->swap);
		section = next_section(&reader);
		if (!section_is_inside(file, &section)) {
			add_damage(file,
				   "feature %u is cut off: %" PRIu64 " bytes at offset %" PRIu64
				   ", the file ends at %" PRIu64,
				   bit, section.size, section.offset, file->size);
			continue;
		}
		file->features[bit] = read_section(file, &section, "feature", error);
		if (!file->features[bit])
			return false;
	}
	return true;
}

static void read_event_names(struct perf_file *file)
{
	GBytes *names = file->features[PERF_FEATURE_EVENT_DESC];

	if (names)
		perf_events_read_names(file->events, g_bytes_get_data(names, NULL),
				       g_bytes_get_size(names), file->swap);
}

static bool check_magic(struct perf_file *file, const uint8_t *header, GError **error)
{
	bool little_endian = !memcmp(header, MAGIC, MAGIC_SIZE);
	bool big_endian = !memcmp(header, MAGIC_SWAPPED, MAGIC_SIZE);

	if (little_endian || big_endian) {
		file->swap = little_endian != (G_BYTE_ORDER == G_LITTLE_ENDIAN);
		return true;
	}
	if (!memcmp(header, MAGIC_V1, MAGIC_SIZE))
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "it was written by a perf older than 2.6.33; record it anew");
	else
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NOT_PERF,
			    "not a perf.data file: it starts with %02x %02x %02x %02x, not with "
			    "\"" MAGIC "\"",
			    header[0], header[1], header[2], header[3]);
	return false;
}

static bool read_header(struct perf_file *file, GError **error)
{
	uint8_t header[HEADER_SIZE] = {0};
	struct byte_reader reader;
	struct section attrs, data;
	uint64_t header_size, attr_size;

	if (file->size < MAGIC_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NOT_PERF,
			    "not a perf.data file: it has %" PRIu64 " bytes%s", file->size,
			    file->size ? "" : "; was perf record stopped before it began?");
		return false;
	}
	if (!read_at(file->fd, 0, header, MIN(file->size, sizeof(header)), error) ||
	    !check_magic(file, header, error))
		return false;

	reader = byte_reader_of(header, sizeof(header), file->swap);
	byte_reader_skip(&reader, MAGIC_SIZE);
	header_size = byte_reader_u64(&reader);
	if (file->size >= PIPE_HEADER_SIZE && header_size == PIPE_HEADER_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "it was written in pipe mode (perf record -o -), which is not read; "
			    "record with -o FILE");
		return false;
	}
	if (file->size < HEADER_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
			    "cut off in its header: it has %" PRIu64 " bytes, the header alone has "
			    "%d",
			    file->size, HEADER_SIZE);
		return false;
	}
	if (header_size < HEADER_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "offset 8: a header of %" PRIu64 " bytes, the least is %d", header_size,
			    HEADER_SIZE);
		return false;
	}
	attr_size = byte_reader_u64(&reader);
	attrs = next_section(&reader);
	data = next_section(&reader);
	(void)next_section(&reader); /* event_types, empty since Linux 3.10 */
	if (!read_attrs(file, &attrs, attr_size, error))
		return false;

	file->data = data;
	if (!section_is_inside(file, &data)) {
		add_damage(file,
			   "cut off: its header declares data up to offset %" PRIu64
			   ", the file ends at %" PRIu64,
			   data.offset > UINT64_MAX - data.size ? UINT64_MAX
								: data.offset + data.size,
			   file->size);
		file->data.offset = MIN(data.offset, file->size);
		file->data.size = file->size - file->data.offset;
		return true;
	}
	if (data.size == 0 && data.offset < file->size) {
		/* perf writes the size and the features when it ends. */
		add_damage(file, "perf record was killed before it finished the file: the size of "
				 "the data and the feature sections are missing");
		file->data.size = file->size - data.offset;
		return true;
	}
	if (!read_features(file, &data, header + HEADER_SIZE - FEATURE_BITS_BYTES, error))
		return false;
	read_event_names(file);
	return true;
}

static bool open_regular(struct perf_file *file, const char *path, GError **error)
{
	struct stat st;

	if (!strcmp(path, "-")) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "standard input is not read; record with -o FILE and name the file");
		return false;
	}
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->fd < 0)
		return set_errno_error(error, "open");
	if (fstat(file->fd, &st) < 0)
		return set_errno_error(error, "stat");
	if (S_ISDIR(st.st_mode)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "it is a directory, not a perf.data file; name a file");
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "it is not a regular file; record with -o FILE");
		return false;
	}
	file->size = (uint64_t)st.st_size;
	file->modified_s = st.st_mtime;
	file->unread = file->size;
	return true;
}

struct perf_file *perf_file_open(const char *path, GError **error)
{
	struct perf_file *file = g_new0(struct perf_file, 1);

	file->fd = -1;
	file->events = perf_events_new();
	if (!open_regular(file, path, error) || !read_header(file, error)) {
		perf_file_free(file);
		return NULL;
	}
	file->window = g_malloc(WINDOW_SIZE);
	perf_file_rewind(file);
	return file;
}

void perf_file_free(struct perf_file *file)
{
	if (!file)
		return;
	if (file->fd >= 0)
		close(file->fd);
	perf_events_free(file->events);
	for (unsigned int bit = 0; bit < PERF_FEATURE_BITS; bit++)
		g_clear_pointer(&file->features[bit], g_bytes_unref);
	g_free(file->damage);
	g_free(file->window);
	g_free(file);
}

const struct perf_events *perf_file_events(const struct perf_file *file)
{
	return file->events;
}

bool perf_file_is_swapped(const struct perf_file *file)
{
	return file->swap;
}

uint64_t perf_file_size_bytes(const struct perf_file *file)
{
	return file->size;
}

int64_t perf_file_modified_s(const struct perf_file *file)
{
	return file->modified_s;
}

const char *perf_file_damage(const struct perf_file *file)
{
	return file->damage;
}

GBytes *perf_file_feature(const struct perf_file *file, enum perf_feature feature)
{
	return file->features[feature];
}

char *perf_file_feature_string(const struct perf_file *file, enum perf_feature feature)
{
	GBytes *bytes = file->features[feature];
	struct byte_reader reader;

	if (!bytes)
		return NULL;
	reader = byte_reader_of(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), file->swap);
	/* A command line is a list of strings, behind their number. */
	if (feature == PERF_FEATURE_CMDLINE) {
		uint32_t n = byte_reader_u32(&reader);
		g_autoptr(GString) line = g_string_new(NULL);

		for (uint32_t i = 0; i < n && !reader.failed; i++) {
			g_autofree char *word = perf_header_string_read(&reader);

			if (word)
				g_string_append_printf(line, "%s%s", i ? " " : "", word);
		}
		return g_strdup(line->str);
	}
	return perf_header_string_read(&reader);
}

void perf_file_rewind(struct perf_file *file)
{
	file->window_offset = file->data.offset;
	file->window_len = file->window_pos = 0;
}

/* Makes at least `need` bytes stand in the window, if the data section has them. */
static bool fill_window(struct perf_file *file, size_t need, GError **error)
{
	uint64_t next_offset, data_left;
	size_t kept = file->window_len - file->window_pos, more;

	if (kept >= need)
		return true;
	memmove(file->window, file->window + file->window_pos, kept);
	file->window_offset += file->window_pos;
	file->window_pos = 0;
	file->window_len = kept;
	next_offset = file->window_offset + kept;
	data_left = file->data.offset + file->data.size - next_offset;
	more = MIN(WINDOW_SIZE - kept, data_left);
	if (!read_at(file->fd, next_offset, file->window + kept, more, error))
		return false;
	file->window_len += more;
	return true;
}

/*
 * Behind an AUXTRACE record (of Intel PT, Arm SPE) lies the trace itself, which
 * the record's size does not count: u64 size, u64 offset, ...
 */
static bool skip_trace(struct perf_file *file, const struct perf_record *record, GError **error)
{
	struct byte_reader reader =
		byte_reader_of(record->tainted_body, record->body_size, file->swap);
	const uint64_t size = byte_reader_u64(&reader);
	const uint64_t offset = file->window_offset + file->window_pos;
	const uint64_t left = file->data.offset + file->data.size - offset;

	if (size > left) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
			    "offset %" PRIu64 ": trace of %" PRIu64 " bytes cut off, %" PRIu64
			    " of them are there",
			    offset, size, left);
		return false;
	}
	if (size <= file->window_len - file->window_pos) {
		file->window_pos += size;
	} else {
		file->window_offset = offset + size;
		file->window_len = file->window_pos = 0;
	}
	return true;
}

enum perf_next perf_file_next_record(struct perf_file *file, struct perf_record *record,
				     GError **error)
{
	struct byte_reader reader;
	uint16_t size;
	size_t there;

	if (!fill_window(file, RECORD_HEADER_SIZE, error))
		return PERF_NEXT_ERROR;
	there = file->window_len - file->window_pos;
	record->offset = file->window_offset + file->window_pos;
	if (there == 0)
		return PERF_NEXT_END;
	if (there < RECORD_HEADER_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
			    "offset %" PRIu64 ": cut off in a record's header, %zu of %d bytes are "
			    "there",
			    record->offset, there, RECORD_HEADER_SIZE);
		return PERF_NEXT_ERROR;
	}
	reader = byte_reader_of(file->window + file->window_pos, RECORD_HEADER_SIZE, file->swap);
	record->type = byte_reader_u32(&reader);
	record->misc = byte_reader_u16(&reader);
	size = byte_reader_u16(&reader);
	if (size < RECORD_HEADER_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "offset %" PRIu64 ": record of type %" PRIu32
			    " with a size of %u bytes, the least is %d",
			    record->offset, record->type, size, RECORD_HEADER_SIZE);
		return PERF_NEXT_ERROR;
	}
	if (!fill_window(file, size, error))
		return PERF_NEXT_ERROR;
	there = file->window_len - file->window_pos;
	if (there < size) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
			    "offset %" PRIu64 ": record of type %" PRIu32
			    " cut off, %zu of its %u bytes are there",
			    record->offset, record->type, there, size);
		return PERF_NEXT_ERROR;
	}
	record->tainted_body = file->window + file->window_pos + RECORD_HEADER_SIZE;
	record->body_size = size - RECORD_HEADER_SIZE;
	file->window_pos += size;
	if (record->type == PERF_USER_RECORD_AUXTRACE && !skip_trace(file, record, error))
		return PERF_NEXT_ERROR;
	return PERF_NEXT_RECORD;
}
