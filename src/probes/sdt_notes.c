/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads .note.stapsdt with pread(): libelf allocates what a file's headers ask for, and they may
 * ask for gigabytes. A file that is cut meanwhile is an error, not a SIGBUS.
 */
#include "probes/sdt_notes.h"

#include "base/byte_reader.h"
#include "base/error.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#define NOTE_SECTION ".note.stapsdt"
#define BASE_SECTION ".stapsdt.base"
#define NOTE_OWNER   "stapsdt"
#define NOTE_TYPE    3 /* NT_STAPSDT */
#define NOTE_ALIGN   4

/* Linkers make some dozens. */
#define MAX_SEGMENTS 1024
#define MAX_SECTIONS 16384

struct segment {
	uint64_t address, offset, size; /* bytes */
	bool is_code;
};

struct source {
	int fd;		      /* Weak */
	const char *path;     /* Weak */
	const char *provider; /* Weak */
	bool (*wanted)(const char *name, void *data);
	void *data;	       /* Weak: for `wanted` */
	GArray *segments;      /* Owned by this: struct segment, those that are loaded */
	uint64_t names_offset; /* bytes, of the names of sections in the file */
	bool has_base;
	uint64_t base;	  /* where BASE_SECTION is now: prelink may have moved all */
	GPtrArray *sites; /* Owned by this */
};

/* A section header, as far as it matters here. */
struct section {
	uint32_t name, type;
	uint64_t address, offset, size; /* bytes */
};

/* What the ELF header says. */
struct header {
	uint64_t segments_offset, sections_offset;
	uint32_t n_segments, n_sections, names_section;
};

static void site_free(gpointer data)
{
	struct sdt_site *site = data;

	g_free(site->name);
	g_free(site->arguments);
	g_free(site);
}

static bool G_GNUC_PRINTF(4, 5) fail(const struct source *source, GError **error,
				     enum colo_perf_error code, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list args;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, COLO_PERF_ERROR, code, "%s%s", source->path, what);
	return false;
}

/* Exactly `size` bytes from `offset` of the file; the caller frees them. NULL: not all are there.
 */
static uint8_t *read_bytes(const struct source *source, uint64_t offset, size_t size)
{
	g_autofree uint8_t *bytes = NULL;
	size_t done = 0;

	if (offset > G_MAXINT64 - size)
		return NULL;
	bytes = g_malloc(size + 1);
	while (done < size) {
		const ssize_t got =
			pread(source->fd, bytes + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return NULL;
		done += (size_t)got;
	}
	return g_steal_pointer(&bytes);
}

static struct byte_reader reader_of(const uint8_t *tainted, size_t size)
{
	return byte_reader_of(tainted, size, G_BYTE_ORDER != G_LITTLE_ENDIAN);
}

/* --- The file's headers --- */

static bool read_identity(const struct source *source, const uint8_t *tainted, GError **error)
{
	struct byte_reader reader = reader_of(tainted, sizeof(Elf64_Ehdr));
	uint16_t machine;

	byte_reader_skip(&reader, offsetof(Elf64_Ehdr, e_machine));
	machine = byte_reader_u16(&reader);
	if (memcmp(tainted, ELFMAG, SELFMAG))
		return fail(source, error, COLO_PERF_ERROR_UNSUPPORTED, " is no ELF file");
	if (machine != EM_X86_64 || tainted[EI_CLASS] != ELFCLASS64 ||
	    tainted[EI_DATA] != ELFDATA2LSB)
		return fail(source, error, COLO_PERF_ERROR_UNSUPPORTED,
			    " is no program for x86-64 (machine %u of ELF): register its probes "
			    "with perf probe",
			    machine);
	return true;
}

static bool read_header(const struct source *source, struct header *header, GError **error)
{
	g_autofree uint8_t *bytes = read_bytes(source, 0, sizeof(Elf64_Ehdr));
	struct byte_reader reader;
	uint16_t segment_size, section_size;

	if (!bytes)
		return fail(source, error, COLO_PERF_ERROR_UNSUPPORTED, " is no ELF file");
	if (!read_identity(source, bytes, error))
		return false;
	reader = reader_of(bytes, sizeof(Elf64_Ehdr));
	byte_reader_skip(&reader, offsetof(Elf64_Ehdr, e_phoff));
	header->segments_offset = byte_reader_u64(&reader);
	header->sections_offset = byte_reader_u64(&reader);
	byte_reader_skip(&reader,
			 offsetof(Elf64_Ehdr, e_phentsize) - offsetof(Elf64_Ehdr, e_flags));
	segment_size = byte_reader_u16(&reader);
	header->n_segments = byte_reader_u16(&reader);
	section_size = byte_reader_u16(&reader);
	header->n_sections = byte_reader_u16(&reader);
	header->names_section = byte_reader_u16(&reader);
	if (header->n_segments > MAX_SEGMENTS || header->n_sections > MAX_SECTIONS)
		return fail(source, error, COLO_PERF_ERROR_UNSUPPORTED,
			    " has %u segments and %u sections: expected at most %d and %d",
			    header->n_segments, header->n_sections, MAX_SEGMENTS, MAX_SECTIONS);
	if ((header->n_segments && segment_size != sizeof(Elf64_Phdr)) ||
	    (header->n_sections && section_size != sizeof(Elf64_Shdr)))
		return fail(source, error, COLO_PERF_ERROR_MALFORMED,
			    ": its ELF header declares tables of another kind");
	return true;
}

static bool read_segments(struct source *source, const struct header *header, GError **error)
{
	const size_t size = header->n_segments * sizeof(Elf64_Phdr);
	g_autofree uint8_t *bytes = read_bytes(source, header->segments_offset, size);
	struct byte_reader reader;

	if (!bytes)
		return fail(source, error, COLO_PERF_ERROR_MALFORMED,
			    " ends before its table of segments");
	reader = reader_of(bytes, size);
	for (uint32_t i = 0; i < header->n_segments; i++) {
		const uint32_t type = byte_reader_u32(&reader);
		const uint32_t flags = byte_reader_u32(&reader);
		struct segment segment = {.is_code = flags & PF_X};

		segment.offset = byte_reader_u64(&reader);
		segment.address = byte_reader_u64(&reader);
		byte_reader_skip(&reader, sizeof(uint64_t));
		segment.size = byte_reader_u64(&reader);
		byte_reader_skip(&reader, 2 * sizeof(uint64_t));
		if (type == PT_LOAD)
			g_array_append_val(source->segments, segment);
	}
	return true;
}

static struct section section_at(const uint8_t *tainted, uint32_t i)
{
	struct byte_reader reader = reader_of(tainted + i * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
	struct section section;

	section.name = byte_reader_u32(&reader);
	section.type = byte_reader_u32(&reader);
	byte_reader_skip(&reader, sizeof(uint64_t));
	section.address = byte_reader_u64(&reader);
	section.offset = byte_reader_u64(&reader);
	section.size = byte_reader_u64(&reader);
	return section;
}

static bool is_called(const struct source *source, const struct section *section, const char *name)
{
	const size_t size = strlen(name) + 1;
	g_autofree uint8_t *own = NULL;

	if (source->names_offset > G_MAXINT64)
		return false;
	own = read_bytes(source, source->names_offset + section->name, size);
	return own && !memcmp(own, name, size);
}

/* --- The notes --- */

/* The segment that the byte at a virtual address comes from; NULL: none. */
static const struct segment *segment_of(const struct source *source, uint64_t address)
{
	for (guint i = 0; i < source->segments->len; i++) {
		const struct segment *segment = &g_array_index(source->segments, struct segment, i);

		if (address >= segment->address && address - segment->address < segment->size)
			return segment;
	}
	return NULL;
}

/* What sys/sdt.h puts there. Anything else is code that a breakpoint must not go into. */
static bool is_nop(const struct source *source, uint64_t offset)
{
	static const uint8_t nop = 0x90;
	g_autofree uint8_t *bytes = read_bytes(source, offset, sizeof(nop));

	return bytes && *bytes == nop;
}

static bool place_site(const struct source *source, struct sdt_site *site, const char *name,
		       uint64_t address, GError **error)
{
	const struct segment *segment = segment_of(source, address);

	if (!segment || !segment->is_code)
		return fail(source, error, COLO_PERF_ERROR_MALFORMED,
			    ": the probe %s is at address 0x%" PRIx64 ", where no code of the file "
			    "is",
			    name, address);
	site->offset = address - segment->address + segment->offset;
	if (!is_nop(source, site->offset))
		return fail(source, error, COLO_PERF_ERROR_MALFORMED,
			    ": the probe %s is at address 0x%" PRIx64 ", where no nop is", name,
			    address);
	return true;
}

static bool add_site(struct source *source, const char *name, const char *arguments,
		     uint64_t address, bool has_semaphore, GError **error)
{
	struct sdt_site site = {.has_semaphore = has_semaphore};

	if (source->sites->len >= SDT_NOTES_MAX_SITES)
		return fail(source, error, COLO_PERF_ERROR_UNSUPPORTED,
			    " has more than %d places of probes", SDT_NOTES_MAX_SITES);
	if (strlen(arguments) > SDT_NOTES_MAX_ARGUMENTS)
		return fail(source, error, COLO_PERF_ERROR_UNSUPPORTED,
			    ": the arguments of the probe %s are longer than %d bytes", name,
			    SDT_NOTES_MAX_ARGUMENTS);
	if (!place_site(source, &site, name, address, error))
		return false;
	site.name = g_strdup(name);
	site.arguments = g_strdup(arguments);
	g_ptr_array_add(source->sites, g_memdup2(&site, sizeof(site)));
	return true;
}

/* The description: three addresses (place, base, semaphore), three strings. */
static bool read_description(struct source *source, const uint8_t *tainted, size_t size,
			     GError **error)
{
	struct byte_reader reader = reader_of(tainted, size);
	const uint64_t place = byte_reader_u64(&reader);
	const uint64_t base = byte_reader_u64(&reader);
	const uint64_t semaphore = byte_reader_u64(&reader);
	const char *provider = byte_reader_string(&reader);
	const char *name = byte_reader_string(&reader);
	const char *arguments = byte_reader_string(&reader);
	const uint64_t moved = source->has_base ? source->base - base : 0;

	if (reader.failed)
		return fail(source, error, COLO_PERF_ERROR_MALFORMED,
			    ": a note in " NOTE_SECTION " is shorter than its fields");
	if (strcmp(provider, source->provider) || !source->wanted(name, source->data))
		return true;
	return add_site(source, name, arguments, place + moved, semaphore != 0, error);
}

/* The bytes of a field and those behind it up to the next one; `padded` may reach beyond the end.
 */
static const uint8_t *read_field(struct byte_reader *reader, uint32_t size)
{
	const uint8_t *tainted = byte_reader_bytes(reader, size);
	const size_t padding = -(size_t)size % NOTE_ALIGN;

	byte_reader_skip(reader, MIN(padding, reader->left));
	return tainted;
}

static bool read_notes(struct source *source, const uint8_t *tainted, size_t size, GError **error)
{
	struct byte_reader reader = reader_of(tainted, size);

	while (reader.left) {
		const uint32_t name_size = byte_reader_u32(&reader);
		const uint32_t size_of_rest = byte_reader_u32(&reader);
		const uint32_t type = byte_reader_u32(&reader);
		const uint8_t *name = read_field(&reader, name_size);
		const uint8_t *description = read_field(&reader, size_of_rest);

		if (reader.failed)
			return fail(source, error, COLO_PERF_ERROR_MALFORMED,
				    ": the notes in " NOTE_SECTION " are damaged");
		if (type != NOTE_TYPE || name_size != sizeof(NOTE_OWNER) ||
		    memcmp(name, NOTE_OWNER, sizeof(NOTE_OWNER)))
			continue;
		if (!read_description(source, description, size_of_rest, error))
			return false;
	}
	return true;
}

static bool read_note_section(struct source *source, const struct section *section, GError **error)
{
	g_autofree uint8_t *bytes = NULL;

	if (section->size > SDT_NOTES_MAX_BYTES)
		return fail(source, error, COLO_PERF_ERROR_UNSUPPORTED,
			    ": " NOTE_SECTION " has %" PRIu64 " bytes: expected at most %d",
			    section->size, SDT_NOTES_MAX_BYTES);
	bytes = read_bytes(source, section->offset, section->size);
	if (!bytes)
		return fail(source, error, COLO_PERF_ERROR_MALFORMED,
			    " ends before its section " NOTE_SECTION);
	return read_notes(source, bytes, section->size, error);
}

/* Looks for both sections first, as the base changes what the notes mean. */
static bool read_sections(struct source *source, const struct header *header, GError **error)
{
	const size_t size = header->n_sections * sizeof(Elf64_Shdr);
	g_autofree uint8_t *bytes = read_bytes(source, header->sections_offset, size);
	struct section notes = {0};

	if (!bytes)
		return fail(source, error, COLO_PERF_ERROR_MALFORMED,
			    " ends before its table of sections");
	if (header->names_section >= header->n_sections)
		return true;
	source->names_offset = section_at(bytes, header->names_section).offset;
	for (uint32_t i = 0; i < header->n_sections; i++) {
		const struct section section = section_at(bytes, i);

		if (!source->has_base && is_called(source, &section, BASE_SECTION)) {
			source->has_base = true;
			source->base = section.address;
		} else if (!notes.type && section.type == SHT_NOTE &&
			   is_called(source, &section, NOTE_SECTION)) {
			notes = section;
		}
	}
	return !notes.type || read_note_section(source, &notes, error);
}

GPtrArray *sdt_notes_read(int fd, const char *path, const char *provider,
			  bool (*wanted)(const char *name, void *data), void *data, GError **error)
{
	struct source source = {
		.fd = fd,
		.path = path,
		.provider = provider,
		.wanted = wanted,
		.data = data,
		.segments = g_array_new(FALSE, FALSE, sizeof(struct segment)),
		.sites = g_ptr_array_new_with_free_func(site_free),
	};
	struct header header = {0};

	if (!read_header(&source, &header, error) || !read_segments(&source, &header, error) ||
	    !read_sections(&source, &header, error))
		g_clear_pointer(&source.sites, g_ptr_array_unref);
	g_array_unref(source.segments);
	return source.sites;
}
