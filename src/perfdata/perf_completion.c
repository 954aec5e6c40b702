/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes what is missing of a recording, in place.
 */
#include "perfdata/perf_completion.h"

#include "base/error.h"
#include "base/hash.h"
#include "perfdata/perf_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

/* struct perf_file_header */
#define DATA_SIZE_AT	 48
#define FEATURE_BITS_AT	 72
#define FEATURE_WORDS	 (PERF_FEATURE_BITS / 64)
#define TABLE_ENTRY_SIZE 16 /* u64 offset, u64 size */

/* An MMAP2 record: where its misc and its identity are. */
#define MISC_AT		    4
#define IDENTITY_AT	    (PERF_RECORD_HEADER_SIZE + 32)
#define IDENTITY_BUILD_ID   4
#define IDENTITY_BYTES	    24
#define MISC_MMAP_BUILD_ID  (1 << 14)
#define MAX_MAPPING_RECORDS (1 << 20) /* those of a process are some hundred */
#define BLOCK		    4096      /* bytes, of a file system */

/* A record whose identity may be written anew. */
struct place {
	uint64_t offset; /* of the record, in the file */
	uint16_t misc;
	struct perf_mapped_file *file; /* Weak; NULL: memory without a file */
};

struct perf_completion {
	int fd;			    /* Weak */
	struct perf_bytes *bytes;   /* Owned by this */
	struct perf_header *header; /* Owned by this */
	uint64_t end;		    /* of the last whole record */
	bool is_finished;	    /* perf wrote size and sections */
	uint64_t samples;
	GPtrArray *files;	 /* Owned by this: struct perf_mapped_file (owned) */
	GHashTable *by_identity; /* Owned by this: struct perf_mapped_file (weak), to itself */
	GArray *places;		 /* Owned by this: struct place */
	GByteArray *added[PERF_FEATURE_BITS]; /* Owned by this; NULL: none */
};

static bool fail_errno(GError **error, const char *what)
{
	g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO, "cannot %s it: %s", what,
		    g_strerror(errno));
	return false;
}

/* --- What was mapped --- */

static guint hash_file(gconstpointer data)
{
	const struct perf_mapped_file *file = data;
	const guint64 inode = file->inode;

	return hash_int64(&inode) ^ file->major ^ file->minor << 12;
}

static gboolean equal_files(gconstpointer a, gconstpointer b)
{
	const struct perf_mapped_file *one = a, *two = b;

	return one->inode == two->inode && one->major == two->major && one->minor == two->minor &&
	       one->has_inode == two->has_inode && one->kernel == two->kernel &&
	       !strcmp(one->path, two->path);
}

static void file_free(gpointer data)
{
	struct perf_mapped_file *file = data;

	g_free(file->path);
	g_free(file);
}

static struct perf_mapped_file *get_file(struct perf_completion *completion,
					 const struct perf_task_event *task)
{
	struct perf_mapped_file wanted = {
		.path = (char *)task->tainted_name,
		.kernel = task->kernel,
		.has_inode = task->has_inode,
		.major = task->major,
		.minor = task->minor,
		.inode = task->inode,
	};
	struct perf_mapped_file *file = g_hash_table_lookup(completion->by_identity, &wanted);

	if (!file) {
		file = g_memdup2(&wanted, sizeof(wanted));
		file->path = g_strdup(wanted.path);
		g_ptr_array_add(completion->files, file);
		g_hash_table_add(completion->by_identity, file);
	}
	return file;
}

static void take_mapping(struct perf_completion *completion, const struct perf_record *record)
{
	struct perf_task_event task;
	struct place place = {.offset = record->offset, .misc = record->misc};

	if (completion->places->len == MAX_MAPPING_RECORDS ||
	    !perf_task_decode(completion->header->events, record, false, &task))
		return;
	if (task.has_inode || task.kernel)
		place.file = get_file(completion, &task);
	if (record->type == PERF_RECORD_MMAP2 && !task.build_id_size)
		g_array_append_val(completion->places, place);
}

/* --- Reading --- */

/*
 * The records up to `limit`; `end` is that of the last whole one. How many samples are among them.
 */
static uint64_t read_records(struct perf_completion *completion, uint64_t limit, bool take_mappings)
{
	const struct perf_section *data = &completion->header->data;
	struct perf_unpacked unpacked = {0};
	struct perf_stream *stream = perf_stream_new(completion->bytes, data->offset,
						     limit - data->offset, false, &unpacked);
	struct perf_record record;
	uint64_t samples = 0;

	completion->end = data->offset;
	while (perf_stream_next(stream, &record, NULL) == PERF_NEXT_RECORD) {
		completion->end = record.offset + PERF_RECORD_HEADER_SIZE + record.body_size +
				  record.trailer_size;
		samples += record.type == PERF_RECORD_SAMPLE;
		if (take_mappings &&
		    (record.type == PERF_RECORD_MMAP || record.type == PERF_RECORD_MMAP2))
			take_mapping(completion, &record);
	}
	perf_stream_free(stream);
	return samples;
}

static bool read_file(struct perf_completion *completion, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", completion->fd);
	const struct perf_section *data;
	uint64_t declared = 0;

	completion->bytes = perf_bytes_open(AT_FDCWD, path, error);
	if (!completion->bytes)
		return false;
	completion->header = perf_header_new(completion->bytes, error);
	if (!completion->header)
		return false;
	if (completion->header->swap || completion->header->pipe_mode) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
			    "it is no file of this machine's perf");
		return false;
	}
	if (!perf_bytes_read(completion->bytes, DATA_SIZE_AT, &declared, sizeof(declared), error))
		return false;
	data = &completion->header->data;
	completion->is_finished = declared == data->size;
	completion->samples = read_records(completion, data->offset + data->size, true);
	if (completion->is_finished)
		completion->end = data->offset + data->size;
	return true;
}

struct perf_completion *perf_completion_new(int fd, GError **error)
{
	struct perf_completion *completion = g_new0(struct perf_completion, 1);

	completion->fd = fd;
	completion->files = g_ptr_array_new_with_free_func(file_free);
	completion->by_identity = g_hash_table_new(hash_file, equal_files);
	completion->places = g_array_new(FALSE, FALSE, sizeof(struct place));
	if (read_file(completion, error))
		return completion;
	perf_completion_free(completion);
	return NULL;
}

void perf_completion_free(struct perf_completion *completion)
{
	if (!completion)
		return;
	g_array_unref(completion->places);
	g_hash_table_unref(completion->by_identity);
	g_ptr_array_unref(completion->files);
	for (size_t i = 0; i < PERF_FEATURE_BITS; i++)
		if (completion->added[i])
			g_byte_array_unref(completion->added[i]);
	perf_header_free(completion->header);
	perf_bytes_free(completion->bytes);
	g_free(completion);
}

uint64_t perf_completion_samples(const struct perf_completion *completion)
{
	return completion->samples;
}

GPtrArray *perf_completion_files(struct perf_completion *completion)
{
	return completion->files;
}

void perf_completion_add(struct perf_completion *completion, enum perf_feature feature,
			 GByteArray *section)
{
	if (completion->header->features[feature] || completion->added[feature])
		g_byte_array_unref(section);
	else
		completion->added[feature] = section;
}

/* --- Writing --- */

static bool write_at(const struct perf_completion *completion, const void *bytes, size_t size,
		     uint64_t offset, GError **error)
{
	const char *from = bytes;

	while (size) {
		const ssize_t done = pwrite(completion->fd, from, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return fail_errno(error, "write");
		from += done;
		offset += (uint64_t)done;
		size -= (size_t)done;
	}
	return true;
}

/*
 * The build-id instead of the inode, or the flag away that the kernel set for another perf (see
 * decode_identity() in perf_task.c): perf 6.1 trusts it and overflows its stack.
 */
static bool write_identity(const struct perf_completion *completion, const struct place *place,
			   GError **error)
{
	const struct perf_mapped_file *file = place->file;
	uint16_t misc = place->misc & (uint16_t)~MISC_MMAP_BUILD_ID;

	if (file && file->build_id_size) {
		uint8_t identity[IDENTITY_BYTES] = {(uint8_t)file->build_id_size};

		misc |= MISC_MMAP_BUILD_ID;
		memcpy(identity + IDENTITY_BUILD_ID, file->build_id, file->build_id_size);
		if (!write_at(completion, identity, sizeof(identity), place->offset + IDENTITY_AT,
			      error))
			return false;
	}
	return misc == place->misc ||
	       write_at(completion, &misc, sizeof(misc), place->offset + MISC_AT, error);
}

static bool write_identities(const struct perf_completion *completion, GError **error)
{
	for (guint i = 0; i < completion->places->len; i++) {
		const struct place *place = &g_array_index(completion->places, struct place, i);

		if (place->offset < completion->end && !write_identity(completion, place, error))
			return false;
	}
	return true;
}

/* The bytes of a section, the recording's or an added one; NULL: none. */
static const void *section_of(const struct perf_completion *completion, unsigned int feature,
			      size_t *size)
{
	GBytes *own = completion->header->features[feature];
	const GByteArray *added = completion->added[feature];

	if (own)
		return g_bytes_get_data(own, size);
	*size = added ? added->len : 0;
	return added ? added->data : NULL;
}

/* The table and the sections, as they stand at `end`, and which there are. */
static GByteArray *make_tail(const struct perf_completion *completion, uint64_t bits[FEATURE_WORDS])
{
	GByteArray *table = g_byte_array_new();
	g_autoptr(GByteArray) sections = g_byte_array_new();
	uint64_t place[2] = {completion->end, 0};
	size_t size;

	for (unsigned int i = 0; i < PERF_FEATURE_BITS; i++)
		if (section_of(completion, i, &size))
			place[0] += TABLE_ENTRY_SIZE;
	for (unsigned int i = 0; i < PERF_FEATURE_BITS; i++) {
		const void *section = section_of(completion, i, &size);

		if (!section)
			continue;
		bits[i / 64] |= UINT64_C(1) << i % 64;
		place[1] = size;
		g_byte_array_append(table, (const void *)place, sizeof(place));
		g_byte_array_append(sections, section, (guint)size);
		place[0] += size;
	}
	g_byte_array_append(table, sections->data, sections->len);
	return table;
}

/* Nothing is written before there is room for all: what stands there is good. */
static bool reserve(struct perf_completion *completion, uint64_t size, GError **error)
{
	const uint64_t before = completion->bytes->size;

	errno = posix_fallocate(completion->fd, (off_t)completion->end, (off_t)size);
	if (!errno)
		return true;
	fail_errno(error, "write");
	if (ftruncate(completion->fd, (off_t)MIN(before, completion->end + size)) &&
	    completion->is_finished)
		g_prefix_error(error, "it was not possible to undo that: ");
	return false;
}

/*
 * Gives the last records up for `size` bytes and what a file system needs for them; false when no
 * sample would be left, and none is given up.
 */
static bool give_up_records(struct perf_completion *completion, uint64_t size)
{
	const uint64_t start = completion->header->data.offset, end = completion->end;
	const uint64_t most = (size / BLOCK + 2) * BLOCK;

	if (completion->is_finished || end - start <= most)
		return false;
	if (!read_records(completion, end - most, false)) {
		completion->end = end;
		return false;
	}
	return !ftruncate(completion->fd, (off_t)completion->end);
}

bool perf_completion_write(struct perf_completion *completion, GError **error)
{
	const uint64_t start = completion->header->data.offset;
	g_autoptr(GByteArray) tail = NULL;
	uint64_t bits[FEATURE_WORDS] = {0}, size;

	if (!write_identities(completion, error))
		return false;
	tail = make_tail(completion, bits);
	while (!reserve(completion, tail->len, error)) {
		if (!give_up_records(completion, tail->len))
			return false;
		g_clear_error(error);
		g_byte_array_unref(tail);
		tail = make_tail(completion, bits);
	}
	size = completion->end - start;
	if (!write_at(completion, tail->data, tail->len, completion->end, error) ||
	    !write_at(completion, &size, sizeof(size), DATA_SIZE_AT, error) ||
	    !write_at(completion, bits, sizeof(bits), FEATURE_BITS_AT, error))
		return false;
	if (ftruncate(completion->fd, (off_t)(completion->end + tail->len)))
		return fail_errno(error, "cut");
	return true;
}
