/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Feature sections.
 */
#include "perfdata/perf_sections.h"

#include "perfdata/perf_record.h"
#include "perfdata/perf_task.h"

#include <linux/perf_event.h>
#include <string.h>
#include <unistd.h>

#define STRING_ALIGN	   64	     /* perf's NAME_ALIGN */
#define MISC_BUILD_ID_SIZE (1 << 15) /* the size stands behind the build-id */
#define BUILD_ID_FIELD	   24	     /* bytes: build_id[20], u8 size, u8[3] */

static void put(GByteArray *to, const void *bytes, size_t size)
{
	g_byte_array_append(to, bytes, (guint)size);
}

static void put_u16(GByteArray *to, uint16_t value)
{
	put(to, &value, sizeof(value));
}

static void put_u32(GByteArray *to, uint32_t value)
{
	put(to, &value, sizeof(value));
}

static void put_u64(GByteArray *to, uint64_t value)
{
	put(to, &value, sizeof(value));
}

static size_t padded_size(const char *string)
{
	return (strlen(string) / STRING_ALIGN + 1) * STRING_ALIGN;
}

/* With a NUL, filled up with zeros. */
static void put_padded(GByteArray *to, const char *string)
{
	const size_t at = to->len;

	g_byte_array_set_size(to, (guint)(at + padded_size(string)));
	memset(to->data + at, 0, padded_size(string));
	memcpy(to->data + at, string, strlen(string));
}

GByteArray *perf_section_of_string(const char *string)
{
	GByteArray *section = g_byte_array_new();

	put_u32(section, (uint32_t)padded_size(string));
	put_padded(section, string);
	return section;
}

GByteArray *perf_section_of_clock(uint32_t clockid, uint64_t clock_ns, uint64_t wall_ns)
{
	GByteArray *section = g_byte_array_new();

	put_u32(section, 1); /* version */
	put_u32(section, clockid);
	put_u64(section, wall_ns);
	put_u64(section, clock_ns);
	return section;
}

void perf_section_add_build_id(GByteArray *section, const char *path, bool kernel,
			       const uint8_t *build_id, size_t size)
{
	uint8_t field[BUILD_ID_FIELD] = {0};

	memcpy(field, build_id, MIN(size, PERF_BUILD_ID_MAX));
	field[PERF_BUILD_ID_MAX] = (uint8_t)MIN(size, PERF_BUILD_ID_MAX);
	put_u32(section, 0); /* perf leaves the type at 0 */
	put_u16(section,
		(kernel ? PERF_RECORD_MISC_KERNEL : PERF_RECORD_MISC_USER) | MISC_BUILD_ID_SIZE);
	put_u16(section, (uint16_t)(PERF_RECORD_HEADER_SIZE + sizeof(int32_t) + sizeof(field) +
				    padded_size(path)));
	put_u32(section, PERF_KERNEL_PID); /* -1: of the host */
	put(section, field, sizeof(field));
	put_padded(section, path);
}

/* u64 size, text. */
static void put_text(GByteArray *to, GBytes *text)
{
	put_u64(to, g_bytes_get_size(text));
	put(to, g_bytes_get_data(text, NULL), g_bytes_get_size(text));
}

GByteArray *perf_section_of_formats(const char *system, const GPtrArray *formats,
				    GBytes *header_page, GBytes *header_event)
{
	static const uint8_t magic[] = {0x17, 0x08, 'D', 't', 'r', 'a', 'c', 'i', 'n', 'g'};
	static const char version[] = "0.6";
	const uint8_t machine[] = {G_BYTE_ORDER == G_BIG_ENDIAN, sizeof(long)};
	GByteArray *section = g_byte_array_new();

	put(section, magic, sizeof(magic));
	put(section, version, sizeof(version));
	put(section, machine, sizeof(machine));
	put_u32(section, (uint32_t)sysconf(_SC_PAGESIZE));
	put(section, "header_page", sizeof("header_page"));
	put_text(section, header_page);
	put(section, "header_event", sizeof("header_event"));
	put_text(section, header_event);
	put_u32(section, 0); /* formats of ftrace's own events */
	put_u32(section, 1); /* systems */
	put(section, system, strlen(system) + 1);
	put_u32(section, formats->len);
	for (guint i = 0; i < formats->len; i++)
		put_text(section, formats->pdata[i]);
	put_u32(section, 0); /* kallsyms */
	put_u32(section, 0); /* printk formats */
	put_u64(section, 0); /* saved command lines */
	return section;
}
