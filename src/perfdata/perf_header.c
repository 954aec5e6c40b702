/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the header and the sections of file mode. The records of pipe mode are in
 * perf_header_records.c.
 */
#include "perfdata/perf_header.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>

/* struct perf_file_header */
#define HEADER_SIZE	   104
#define PIPE_HEADER_SIZE   16
#define FEATURE_BITS_BYTES (PERF_FEATURE_BITS / 8)
#define SECTION_SIZE	   16 /* struct perf_file_section */

/* A number, so a big-endian machine writes it the other way round. */
#define MAGIC	      "PERFILE2"
#define MAGIC_SWAPPED "2ELIFREP"
#define MAGIC_V1      "PERFFILE" /* of perf before 2.6.33 */
#define MAGIC_SIZE    8

static void add_damage(struct perf_header *header, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Keeps the first that was found: what comes after follows from it. */
static void add_damage(struct perf_header *header, const char *format, ...)
{
	va_list args;

	if (header->damage)
		return;
	va_start(args, format);
	header->damage = g_strdup_vprintf(format, args);
	va_end(args);
}

/*
 * Sections do not overlap, so all together are no larger than the file. One that
 * says otherwise could have us read the same bytes for each of its events.
 */
static GBytes *read_section(struct perf_header *header, const struct perf_bytes *bytes,
			    const struct perf_section *section, const char *what, GError **error)
{
	if (!perf_bytes_has(bytes, section->offset, section->size)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
			    "%s: declared as %" PRIu64 " bytes at offset %" PRIu64
			    ", the file ends at %" PRIu64,
			    what, section->size, section->offset, bytes->size);
		return NULL;
	}
	if (section->size > header->unread) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "%s: declared as %" PRIu64 " bytes at offset %" PRIu64
			    ", which overlaps other sections",
			    what, section->size, section->offset);
		return NULL;
	}
	header->unread -= section->size;
	return perf_bytes_dup(bytes, section->offset, section->size, what, error);
}

static struct perf_section next_section(struct byte_reader *reader)
{
	struct perf_section section = {.offset = byte_reader_u64(reader)};

	section.size = byte_reader_u64(reader);
	return section;
}

/* --- Events --- */

/* One entry of the section: a perf_event_attr, then where its ids are. */
static bool read_attr(struct perf_header *header, const struct perf_bytes *bytes,
		      const uint8_t *tainted_entry, size_t entry_size, GError **error)
{
	const size_t attr_size = entry_size - SECTION_SIZE;
	struct byte_reader reader =
		byte_reader_of(tainted_entry + attr_size, SECTION_SIZE, header->swap);
	struct perf_section ids_section = next_section(&reader);
	g_autoptr(GBytes) ids = NULL;
	int index;

	index = perf_events_add(header->events, tainted_entry, attr_size, header->swap, error);
	if (index < 0)
		return false;
	ids = read_section(header, bytes, &ids_section, "ids of an event", error);
	if (!ids)
		return false;
	reader = byte_reader_of(g_bytes_get_data(ids, NULL), g_bytes_get_size(ids), header->swap);
	while (reader.left >= sizeof(uint64_t))
		perf_events_add_id(header->events, byte_reader_u64(&reader), (guint)index);
	return true;
}

static bool read_attrs(struct perf_header *header, const struct perf_bytes *bytes,
		       const struct perf_section *section, uint64_t entry_size, GError **error)
{
	g_autoptr(GBytes) attrs = NULL;
	const uint8_t *entry;

	if (entry_size < PERF_ATTR_SIZE_VER0 + SECTION_SIZE || entry_size > UINT16_MAX) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "offset 16: an attr of %" PRIu64 " bytes, allowed are %d to %d",
			    entry_size, PERF_ATTR_SIZE_VER0 + SECTION_SIZE, UINT16_MAX);
		return false;
	}
	attrs = read_section(header, bytes, section, "section of the events", error);
	if (!attrs)
		return false;
	entry = g_bytes_get_data(attrs, NULL);
	for (uint64_t left = section->size; left >= entry_size; left -= entry_size) {
		if (!read_attr(header, bytes, entry, entry_size, error))
			return false;
		entry += entry_size;
	}
	return true;
}

/* --- Features --- */

/* The bits are an array of longs, of the recording machine's size and byte order. */
static bool feature_bit(const struct perf_header *header, const uint8_t bits[FEATURE_BITS_BYTES],
			size_t long_size, unsigned int bit)
{
	struct byte_reader word =
		byte_reader_of(bits + bit / (8 * long_size) * long_size, long_size, header->swap);
	uint64_t value =
		long_size == sizeof(uint32_t) ? byte_reader_u32(&word) : byte_reader_u64(&word);

	return value >> bit % (8 * long_size) & 1;
}

/* What cannot be there is damage; false with `error` when the system refuses. */
static bool read_feature(struct perf_header *header, const struct perf_bytes *bytes,
			 unsigned int bit, uint64_t entry_offset, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *what = g_strdup_printf("feature %u", bit);
	uint8_t entry[SECTION_SIZE];
	struct perf_section section;
	struct byte_reader reader;

	if (!perf_bytes_read(bytes, entry_offset, entry, sizeof(entry), error))
		return false;
	reader = byte_reader_of(entry, sizeof(entry), header->swap);
	section = next_section(&reader);
	header->features[bit] = read_section(header, bytes, &section, what, &problem);
	if (header->features[bit])
		return true;
	if (g_error_matches(problem, COLO_PERF_ERROR, COLO_PERF_ERROR_IO)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	add_damage(header, "%s", problem->message);
	return true;
}

/*
 * The table of the feature sections follows the data: an entry for each bit
 * that is set, in the order of the bits. What was cut off is left out.
 */
static bool read_features(struct perf_header *header, const struct perf_bytes *bytes,
			  uint64_t table_offset, const uint8_t bits[FEATURE_BITS_BYTES],
			  GError **error)
{
	/* Its size is nowhere in the file. perf always writes the host's name, which tells. */
	const size_t long_size =
		feature_bit(header, bits, sizeof(uint32_t), PERF_FEATURE_HOSTNAME) &&
				!feature_bit(header, bits, sizeof(uint64_t), PERF_FEATURE_HOSTNAME)
			? sizeof(uint32_t)
			: sizeof(uint64_t);

	for (unsigned int bit = 0; bit < PERF_FEATURE_BITS; bit++) {
		if (!feature_bit(header, bits, long_size, bit))
			continue;
		if (!perf_bytes_has(bytes, table_offset, SECTION_SIZE)) {
			add_damage(
				header,
				"the feature sections behind the data are cut off: the file ends "
				"at %" PRIu64 ", the entry of feature %u should be at %" PRIu64,
				bytes->size, bit, table_offset);
			return true;
		}
		if (!read_feature(header, bytes, bit, table_offset, error))
			return false;
		table_offset += SECTION_SIZE;
	}
	if (header->features[PERF_FEATURE_EVENT_DESC])
		perf_events_read_names(
			header->events,
			g_bytes_get_data(header->features[PERF_FEATURE_EVENT_DESC], NULL),
			g_bytes_get_size(header->features[PERF_FEATURE_EVENT_DESC]), header->swap);
	return true;
}

/* --- The header --- */

static bool check_magic(struct perf_header *header, const uint8_t *tainted, GError **error)
{
	bool little_endian = !memcmp(tainted, MAGIC, MAGIC_SIZE);
	bool big_endian = !memcmp(tainted, MAGIC_SWAPPED, MAGIC_SIZE);

	if (little_endian || big_endian) {
		header->swap = little_endian != (G_BYTE_ORDER == G_LITTLE_ENDIAN);
		return true;
	}
	if (!memcmp(tainted, MAGIC_V1, MAGIC_SIZE))
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "it was written by a perf older than 2.6.33; record it anew");
	else
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NOT_PERF,
			    "not a perf.data file: it starts with %02x %02x %02x %02x, not with "
			    "\"" MAGIC "\"",
			    tainted[0], tainted[1], tainted[2], tainted[3]);
	return false;
}

/* Where the data is, when the header may say more than the file holds. True: all is there. */
static bool settle_data(struct perf_header *header, const struct perf_bytes *bytes,
			const struct perf_section *data)
{
	header->data = *data;
	if (!perf_bytes_has(bytes, data->offset, data->size)) {
		add_damage(header,
			   "cut off: its header declares data up to offset %" PRIu64
			   ", the file ends at %" PRIu64,
			   data->offset > UINT64_MAX - data->size ? UINT64_MAX
								  : data->offset + data->size,
			   bytes->size);
		header->data.offset = MIN(data->offset, bytes->size);
		header->data.size = bytes->size - header->data.offset;
		return false;
	}
	if (data->size == 0 && data->offset < bytes->size) {
		/* perf writes the size and the features when it ends. */
		add_damage(header, "perf record was killed before it finished the file: the size "
				   "of the data and the feature sections are missing");
		header->data.size = bytes->size - data->offset;
		return false;
	}
	return true;
}

static bool read_sections(struct perf_header *header, const struct perf_bytes *bytes,
			  const uint8_t *tainted, GError **error)
{
	struct byte_reader reader = byte_reader_of(tainted, HEADER_SIZE, header->swap);
	struct perf_section attrs, data;
	uint64_t attr_size;

	byte_reader_skip(&reader, MAGIC_SIZE + sizeof(uint64_t));
	attr_size = byte_reader_u64(&reader);
	attrs = next_section(&reader);
	data = next_section(&reader);
	(void)next_section(&reader); /* event_types, empty since Linux 3.10 */
	return read_attrs(header, bytes, &attrs, attr_size, error) &&
	       (!settle_data(header, bytes, &data) ||
		read_features(header, bytes, data.offset + data.size,
			      tainted + HEADER_SIZE - FEATURE_BITS_BYTES, error));
}

static bool read_header(struct perf_header *header, const struct perf_bytes *bytes, GError **error)
{
	uint8_t tainted[HEADER_SIZE] = {0};
	struct byte_reader reader;
	uint64_t header_size;

	if (bytes->size < MAGIC_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_NOT_PERF,
			    "not a perf.data file: it has %" PRIu64 " bytes%s", bytes->size,
			    bytes->size ? "" : "; was perf record stopped before it began?");
		return false;
	}
	if (!perf_bytes_read(bytes, 0, tainted, MIN(bytes->size, sizeof(tainted)), error) ||
	    !check_magic(header, tainted, error))
		return false;

	reader = byte_reader_of(tainted, sizeof(tainted), header->swap);
	byte_reader_skip(&reader, MAGIC_SIZE);
	header_size = byte_reader_u64(&reader);
	if (bytes->size >= PIPE_HEADER_SIZE && header_size == PIPE_HEADER_SIZE) {
		header->pipe_mode = true;
		header->data =
			(struct perf_section){PIPE_HEADER_SIZE, bytes->size - PIPE_HEADER_SIZE};
		return true;
	}
	if (bytes->size < HEADER_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_TRUNCATED,
			    "cut off in its header: it has %" PRIu64 " bytes, the header alone has "
			    "%d",
			    bytes->size, HEADER_SIZE);
		return false;
	}
	if (header_size < HEADER_SIZE) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED,
			    "offset 8: a header of %" PRIu64 " bytes, the least is %d", header_size,
			    HEADER_SIZE);
		return false;
	}
	return read_sections(header, bytes, tainted, error);
}

struct perf_header *perf_header_new(const struct perf_bytes *bytes, GError **error)
{
	struct perf_header *header = g_new0(struct perf_header, 1);

	header->events = perf_events_new();
	header->unread = bytes->size;
	if (!read_header(header, bytes, error)) {
		perf_header_free(header);
		return NULL;
	}
	return header;
}

void perf_header_free(struct perf_header *header)
{
	if (!header)
		return;
	perf_events_free(header->events);
	for (unsigned int bit = 0; bit < PERF_FEATURE_BITS; bit++)
		g_clear_pointer(&header->features[bit], g_bytes_unref);
	g_free(header->damage);
	g_free(header);
}
