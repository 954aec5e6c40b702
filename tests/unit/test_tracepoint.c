/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * perfdata/tracepoint: formats as the kernel writes them, numbers of every size
 * and sign in both byte orders, and formats as nobody should write them.
 */
#include "perfdata/tracepoint.h"

#include "base/error.h"
#include "lib/perf_builder.h"

#include <string.h>

#define DAMAGED "the tracepoint formats (feature 1, TRACING_DATA) are damaged at byte "

static const int byte_orders[] = {G_LITTLE_ENDIAN, G_BIG_ENDIAN};

static guint add_tracepoint(struct perf_builder *builder, const char *name, guint64 id,
			    const char *args, const char *format)
{
	const struct perf_builder_event event = {
		.name = name,
		.attr = {.type = PERF_TYPE_TRACEPOINT,
			 .config = id,
			 .sample_type = PERF_SAMPLE_RAW | PERF_SAMPLE_IDENTIFIER},
		.n_ids = 1,
		.args = args,
		.format = format};

	return perf_builder_add_event(builder, &event);
}

/* The section as it stands in the file. */
static GByteArray *section_of(struct perf_builder *builder)
{
	struct perf_builder_layout layout;
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, &layout);
	GByteArray *section = g_byte_array_new();

	return g_byte_array_append(section,
				   bytes->data + layout.features_offset[PERF_BUILDER_TRACING_DATA],
				   (guint)layout.features_size[PERF_BUILDER_TRACING_DATA]);
}

static struct tracepoints *read_section(const GByteArray *section, int byte_order, GError **error)
{
	/* Memory of exactly that size, so that a read past it is seen by ASan. */
	g_autofree guint8 *copy = g_memdup2(section->data, section->len);

	return tracepoints_new(copy, section->len, byte_order != G_BYTE_ORDER, error);
}

static struct tracepoints *read_builder(struct perf_builder *builder, int byte_order)
{
	g_autoptr(GByteArray) section = section_of(builder);
	g_autoptr(GError) error = NULL;
	struct tracepoints *tracepoints = read_section(section, byte_order, &error);

	g_assert_no_error(error);
	g_assert_nonnull(tracepoints);
	return tracepoints;
}

/* A little-endian section with this one text as its only format; it is tracepoint 7. */
static struct tracepoints *read_format(const char *format)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	struct tracepoints *tracepoints;

	add_tracepoint(builder, "sdt_qemu:hostile", 7, "", format);
	tracepoints = read_builder(builder, G_LITTLE_ENDIAN);
	perf_builder_free(builder);
	return tracepoints;
}

static void assert_refused(const GByteArray *section, const char *message)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(read_section(section, G_LITTLE_ENDIAN, &error));
	g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED);
	g_assert_cmpstr(error->message, ==, message);
}

static void test_find(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		struct perf_builder *builder = perf_builder_new(byte_orders[i]);
		const struct tracepoint *tracepoint;
		struct tracepoints *tracepoints;

		add_tracepoint(builder, "sdt_qemu:colo_ram_end", 1500, "s32 u64 u64", NULL);
		add_tracepoint(builder, "sched:sched_switch", 3, "", NULL);
		add_tracepoint(builder, "sdt_qemu:colo_exit", 1499, "s32 s32", NULL);
		tracepoints = read_builder(builder, byte_orders[i]);
		tracepoint = tracepoints_find(tracepoints, 1500);
		g_assert_cmpstr(tracepoint_system(tracepoint), ==, "sdt_qemu");
		g_assert_cmpstr(tracepoint_name(tracepoint), ==, "colo_ram_end");
		g_assert_cmpuint(tracepoint_n_args(tracepoint), ==, 3);
		tracepoint = tracepoints_find(tracepoints, 1499);
		g_assert_cmpstr(tracepoint_name(tracepoint), ==, "colo_exit");
		g_assert_cmpuint(tracepoint_n_args(tracepoint), ==, 2);
		tracepoint = tracepoints_find(tracepoints, 3);
		g_assert_cmpstr(tracepoint_system(tracepoint), ==, "sched");
		g_assert_cmpuint(tracepoint_n_args(tracepoint), ==, 0);

		g_assert_null(tracepoints_find(tracepoints, 0));
		g_assert_null(tracepoints_find(tracepoints, 1501));
		/* The same number in the lower 32 bits, and what is negative in an int. */
		g_assert_null(tracepoints_find(tracepoints, G_GUINT64_CONSTANT(0x1000005dc)));
		g_assert_null(tracepoints_find(tracepoints, G_MAXUINT64));
		tracepoints_free(tracepoints);
		perf_builder_free(builder);
	}
	tracepoints_free(NULL);
}

/* The raw part of the one sample that the builder has, with the kernel's padding. */
static GBytes *raw_of(struct perf_builder *builder, int byte_order)
{
	struct perf_builder_layout layout;
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, &layout);
	const guint8 *size_at = bytes->data + layout.data_offset + 8 + 8; /* header, identifier */
	guint32 size;

	memcpy(&size, size_at, sizeof(size));
	size = byte_order == G_LITTLE_ENDIAN ? GUINT32_FROM_LE(size) : GUINT32_FROM_BE(size);
	return g_bytes_new(size_at + 4, size);
}

static void check_args(int byte_order, guint long_size)
{
	static const gint64 expected[] = {
		G_MININT8,  G_MAXUINT8,	 G_MININT16, G_MAXUINT16,
		G_MININT32, G_MAXUINT32, G_MININT64, G_GINT64_CONSTANT(0x1122334455667788),
		-1,	    0x12345678};
	static const guint sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 4};
	struct perf_builder *builder = perf_builder_new(byte_order);
	struct perf_builder_sample sample = {.args = (const guint64 *)expected,
					     .n_args = G_N_ELEMENTS(expected)};
	const struct tracepoint *tracepoint;
	struct tracepoints *tracepoints;
	g_autoptr(GBytes) raw = NULL;
	gsize end = 8 + long_size; /* of the common fields and __probe_ip */
	gsize raw_size;
	const guint8 *bytes;
	gint64 value;

	perf_builder_set_long_size(builder, long_size);
	sample.at.event = add_tracepoint(builder, "sdt_qemu:all_types", 9,
					 "s8 u8 s16 u16 s32 u32 s64 u64 s32 u32", NULL);
	perf_builder_sample(builder, &sample);
	tracepoints = read_builder(builder, byte_order);
	tracepoint = tracepoints_find(tracepoints, 9);
	g_assert_cmpuint(tracepoint_n_args(tracepoint), ==, G_N_ELEMENTS(expected));
	raw = raw_of(builder, byte_order);
	bytes = g_bytes_get_data(raw, &raw_size);
	for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
		end += sizes[i];
		g_assert_true(tracepoint_arg(tracepoint, i, bytes, raw_size, &value));
		g_assert_cmpint(value, ==, expected[i]);
		for (gsize size = 0; size < raw_size; size++) {
			g_autofree guint8 *cut = g_memdup2(bytes, size);

			g_assert_cmpint(tracepoint_arg(tracepoint, i, cut, size, &value), ==,
					size >= end);
		}
	}
	g_assert_cmpuint(end, <=, raw_size);
	g_assert_false(tracepoint_arg(tracepoint, G_N_ELEMENTS(expected), bytes, raw_size, &value));
	g_assert_false(tracepoint_arg(tracepoint, G_MAXUINT, bytes, raw_size, &value));
	tracepoints_free(tracepoints);
	perf_builder_free(builder);
}

static void test_args(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		check_args(byte_orders[i], 4);
		check_args(byte_orders[i], 8);
	}
}

/* Numbers of arguments only as far as they have no gap, and no more than are asked for. */
static void test_n_args(void)
{
	g_autoptr(GString) many = g_string_new("name: hostile\nID: 7\nformat:\n\n");
	struct tracepoints *tracepoints =
		read_format("name: hostile\nID: 7\nformat:\n"
			    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
			    "\tfield:u32 arg1;\toffset:8;\tsize:4;\tsigned:0;\n"
			    "\tfield:u32 arg3;\toffset:16;\tsize:4;\tsigned:0;\n"
			    "\tfield:u32 arg2x;\toffset:12;\tsize:4;\tsigned:0;\n"
			    "\nprint fmt: \"%d\", REC->arg1\n");

	g_assert_cmpuint(tracepoint_n_args(tracepoints_find(tracepoints, 7)), ==, 1);
	tracepoints_free(tracepoints);

	for (guint i = 1; i <= 40; i++)
		g_string_append_printf(many, "\tfield:u8 arg%u;\toffset:%u;\tsize:1;\tsigned:0;\n",
				       i, i);
	tracepoints = read_format(many->str);
	g_assert_cmpuint(tracepoint_n_args(tracepoints_find(tracepoints, 7)), ==, 16);
	tracepoints_free(tracepoints);
}

/* Fields of other kinds stand between the arguments and are passed over. */
static void test_other_fields(void)
{
	static const guint8 raw[64] = {[28] = 42};
	struct tracepoints *tracepoints =
		read_format("name: hostile\nID: 7\nformat:\n"
			    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
			    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
			    "\n"
			    "\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
			    "\tfield:__data_loc char[] name;\toffset:24;\tsize:4;\tsigned:0;\n"
			    "\tfield:const char * text;\toffset:32;\tsize:8;\tsigned:0;\n"
			    "\tfield:unsigned int arg1;\toffset:28;\tsize:4;\tsigned:0;\n"
			    "\nprint fmt: \"%s %s\", REC->comm, __get_str(name)\n");
	const struct tracepoint *tracepoint = tracepoints_find(tracepoints, 7);
	gint64 value;

	g_assert_cmpuint(tracepoint_n_args(tracepoint), ==, 1);
	g_assert_true(tracepoint_arg(tracepoint, 0, raw, sizeof(raw), &value));
	g_assert_cmpint(value, ==, 42);
	tracepoints_free(tracepoints);
}

/* Places and sizes of arguments that no sample can have. */
static void test_bad_fields(void)
{
	static const char *const fields[] = {
		"offset:8;\tsize:0;",	       "offset:8;\tsize:3;",
		"offset:8;\tsize:16;",	       "offset:57;\tsize:8;",
		"offset:64;\tsize:1;",	       "offset:999999999;\tsize:8;",
		"offset:2147483647;\tsize:8;", "offset:4294967295;\tsize:8;",
		"offset:8;\tsize:4294967292;",
	};
	static const guint8 raw[64];

	for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
		g_autofree char *format = g_strdup_printf(
			"name: hostile\nID: 7\nformat:\n\n\tfield:u64 arg1;\t%s\tsigned:0;\n",
			fields[i]);
		struct tracepoints *tracepoints = read_format(format);
		gint64 value;

		g_assert_false(tracepoint_arg(tracepoints_find(tracepoints, 7), 0, raw, sizeof(raw),
					      &value));
		tracepoints_free(tracepoints);
	}
}

/* What libtraceevent 1.7.1 does not survive, or leaks. */
static void test_hostile_formats(void)
{
	static const char head[] = "name: hostile\nID: 7\nformat:\n\n";
	static const char *const ends[] = {
		"\tfield:char x[",
		"\tfield:char x[16",
		"\tfield:__attribute__(",
		"\tfield:__attribute__((user)) x;",
		"\tfield:u32",
		"\tfield:x;\toffset:0;\tsize:4;\tsigned:0;\n",
		"\tfield:u\3632 x;\toffset:0;\tsize:4;\tsigned:0;\n",
		"\tfield:",
		"\tfield:u32 arg1;\toffset:",
		"\tfield:u32 arg1;\toffset:8;\tsize:x;\tsigned:0;\n",
		"\nprint fmt: \"%s\", __print_flags(",
		"\nprint fmt: \"%s\", sizeof(",
		"\nprint fmt: \"%d\", foo(REC->arg1)->x[2]->y.z, 1+2*-3\n",
		"\nprint fmt: \"%s %s\", (REC->a & ((((0) | 2)) << 1)) ? __print_flags(REC->s, "
		"\"|\", { 1, \"S\" }) : __print_symbolic(REC->x, {1, \"a\"}), __get_str(n)\n",
		"\nprint fmt: \"",
		"\nprint fmt:",
		"\nID: 8\nname: other\nformat:\n",
	};

	for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_autofree char *format = g_strconcat(head, ends[i], NULL);
		struct tracepoints *tracepoints = read_format(format);
		const struct tracepoint *tracepoint = tracepoints_find(tracepoints, 7);

		g_assert_cmpstr(tracepoint_name(tracepoint), ==, "hostile");
		g_assert_cmpuint(tracepoint_n_args(tracepoint), ==, 0);
		tracepoints_free(tracepoints);
	}
}

/* As deep as a text of nearly 1 MiB can be, and as many words as fit. */
static void test_long_formats(void)
{
	static const char *const words[] = {"(", "-", "a ", "[", "\"", "__attribute__("};

	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		g_autoptr(GString) format =
			g_string_new("name: hostile\nID: 7\nformat:\n\n\tfield:u8 arg1;\toffset:8;"
				     "\tsize:1;\tsigned:0;\n\tfield:");
		struct tracepoints *tracepoints;

		while (format->len < 500000)
			g_string_append(format, words[i]);
		g_string_append(format, "\n\nprint fmt: \"%d\", ");
		while (format->len < 1000000)
			g_string_append(format, words[i]);
		tracepoints = read_format(format->str);
		g_assert_cmpuint(tracepoint_n_args(tracepoints_find(tracepoints, 7)), ==, 1);
		tracepoints_free(tracepoints);
	}
}

/* A text that is no format is no tracepoint, and the ones around it are read. */
static void test_not_a_format(void)
{
	static const char *const formats[] = {
		"",
		"name:",
		"name: x",
		"ID: 8\nname: x\nformat:\n",
		"name: x\nID: -1\nformat:\n",
		"name: x\nID: 4294967295\nformat:\n",
		"name: x\nID: 99999999999999999999\nformat:\n",
		"name: x\nID: eight\nformat:\n",
		"\377\376\375",
		"\n\n\n",
	};

	for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
		struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
		struct tracepoints *tracepoints;

		add_tracepoint(builder, "sdt_qemu:before", 6, "s32", NULL);
		add_tracepoint(builder, "sdt_qemu:x", 8, "", formats[i]);
		add_tracepoint(builder, "sdt_qemu:behind", 9, "s32 u64", NULL);
		tracepoints = read_builder(builder, G_LITTLE_ENDIAN);
		g_assert_cmpuint(tracepoint_n_args(tracepoints_find(tracepoints, 6)), ==, 1);
		g_assert_null(tracepoints_find(tracepoints, 8));
		g_assert_cmpuint(tracepoint_n_args(tracepoints_find(tracepoints, 9)), ==, 2);
		tracepoints_free(tracepoints);
		perf_builder_free(builder);
	}
}

/* One id, two formats: one of them, and nothing is freed twice. */
static void test_same_id(void)
{
	struct perf_builder *builder = perf_builder_new(G_LITTLE_ENDIAN);
	const struct tracepoint *tracepoint;
	struct tracepoints *tracepoints;

	add_tracepoint(builder, "sdt_qemu:one", 7, "s32", NULL);
	add_tracepoint(builder, "sdt_qemu:other", 7, "s32 s32", NULL);
	tracepoints = read_builder(builder, G_LITTLE_ENDIAN);
	tracepoint = tracepoints_find(tracepoints, 7);
	g_assert_cmpuint(tracepoint_n_args(tracepoint), ==,
			 g_str_equal(tracepoint_name(tracepoint), "one") ? 1 : 2);
	tracepoints_free(tracepoints);
	perf_builder_free(builder);
}

static struct perf_builder *small_builder(int byte_order)
{
	struct perf_builder *builder = perf_builder_new(byte_order);

	add_tracepoint(builder, "sdt_qemu:colo_exit", 1499, "s32 s32", NULL);
	add_tracepoint(builder, "sched:other", 3, "", NULL);
	return builder;
}

/* Behind the formats of the systems: numbers of kallsyms, printk formats, command lines. */
#define SIZE_BEHIND_SYSTEMS (4 + 4 + 8)

#define N_MANY 1000

/* More than one handle of libtraceevent is given; in any order, and one number twice. */
static void test_many_formats(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		struct perf_builder *builder = perf_builder_new(byte_orders[i]);
		struct tracepoints *tracepoints;

		for (guint j = 0; j < N_MANY; j++) {
			const guint id = j * 7919 % N_MANY;
			g_autofree char *name = g_strdup_printf("sdt_qemu:number_%u", id);

			add_tracepoint(builder, name, id, id % 2 ? "s32 u64" : "u32", NULL);
		}
		add_tracepoint(builder, "sdt_qemu:the_last", 0, "s32 s32 s32", NULL);
		tracepoints = read_builder(builder, byte_orders[i]);
		for (guint id = 1; id < N_MANY; id++) {
			const struct tracepoint *tracepoint = tracepoints_find(tracepoints, id);
			g_autofree char *name = g_strdup_printf("number_%u", id);

			g_assert_cmpstr(tracepoint_name(tracepoint), ==, name);
			g_assert_cmpuint(tracepoint_n_args(tracepoint), ==, id % 2 ? 2 : 1);
		}
		g_assert_cmpstr(tracepoint_name(tracepoints_find(tracepoints, 0)), ==, "the_last");
		tracepoints_free(tracepoints);
		perf_builder_free(builder);
	}
}

static void test_cut(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(byte_orders); i++) {
		struct perf_builder *builder = small_builder(byte_orders[i]);
		g_autoptr(GByteArray) section = section_of(builder);
		const guint whole = section->len - SIZE_BEHIND_SYSTEMS;

		while (section->len) {
			g_autoptr(GError) error = NULL;
			struct tracepoints *tracepoints;

			g_byte_array_set_size(section, section->len - 1);
			tracepoints = read_section(section, byte_orders[i], &error);
			if (section->len >= whole) {
				g_assert_no_error(error);
				g_assert_nonnull(tracepoints_find(tracepoints, 1499));
				g_assert_nonnull(tracepoints_find(tracepoints, 3));
			} else {
				g_assert_null(tracepoints);
				g_assert_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_MALFORMED);
				g_assert_true(g_str_has_prefix(error->message, DAMAGED));
			}
			tracepoints_free(tracepoints);
		}
		perf_builder_free(builder);
	}
}

static void test_flipped_bytes(void)
{
	static const guint8 masks[] = {0x01, 0x20, 0x80, 0xff};
	struct perf_builder *builder = small_builder(G_LITTLE_ENDIAN);
	g_autoptr(GByteArray) section = section_of(builder);
	guint n_read = 0, n_refused = 0;

	for (guint at = 0; at < section->len; at++) {
		for (guint i = 0; i < G_N_ELEMENTS(masks); i++) {
			g_autoptr(GError) error = NULL;
			struct tracepoints *tracepoints;

			section->data[at] ^= masks[i];
			tracepoints = read_section(section, G_LITTLE_ENDIAN, &error);
			section->data[at] ^= masks[i];
			g_assert_true((tracepoints != NULL) == (error == NULL));
			n_read += tracepoints != NULL;
			n_refused += tracepoints == NULL;
			tracepoints_free(tracepoints);
		}
	}
	g_assert_cmpuint(n_read, >, 0);
	g_assert_cmpuint(n_refused, >, 0);
	perf_builder_free(builder);
}

static void append(GByteArray *to, const char *bytes, guint size)
{
	g_byte_array_append(to, (const guint8 *)bytes, size);
}

static void append_number(GByteArray *to, guint64 number, guint size)
{
	number = GUINT64_TO_LE(number);
	g_byte_array_append(to, (const guint8 *)&number, size);
}

/* All up to the number of systems. */
static GByteArray *container_head(void)
{
	GByteArray *section = g_byte_array_new();

	append(section, "\027\010\104tracing0.6\0\0\010", 16);
	append_number(section, 4096, 4);
	append(section, "header_page", 12);
	append_number(section, 0, 8);
	append(section, "header_event", 13);
	append_number(section, 0, 8);
	append_number(section, 0, 4);
	return section;
}

/* Each part of the container missing or absurd, with its message. */
static void test_containers(void)
{
	g_autoptr(GByteArray) section = g_byte_array_new();
	g_autofree char *text = g_strnfill((1 << 20) + 1, ' ');
	g_autoptr(GError) error = NULL;
	struct tracepoints *tracepoints;

	assert_refused(section, DAMAGED "0: the magic bytes are not there");
	append(section, "\027\010\104tracinX", 10);
	assert_refused(section, DAMAGED "0: the magic bytes are not there");
	section->data[9] = 'g';
	assert_refused(section, DAMAGED "10: it ends in its header");
	append(section, "0.6", 3); /* without its NUL */
	assert_refused(section, DAMAGED "13: it ends in its header");
	append(section, "\0\0\010\0\0\020\0", 7);
	assert_refused(section, DAMAGED "20: header_page or header_event is not there");
	append(section, "header_page", 12);
	append_number(section, G_MAXUINT64, 8);
	assert_refused(section, DAMAGED "40: header_page or header_event is not there");

	g_byte_array_unref(section);
	section = container_head();
	append_number(section, 0, 4);
	tracepoints = read_section(section, G_LITTLE_ENDIAN, &error);
	g_assert_no_error(error);
	g_assert_null(tracepoints_find(tracepoints, 7));
	tracepoints_free(tracepoints);

	/* Four thousand million systems, of which the first is not there. */
	g_byte_array_set_size(section, section->len - 4);
	append_number(section, G_MAXUINT32, 4);
	assert_refused(section, DAMAGED "69: it ends in the middle of a format");
	append(section, "sdt_qemu", 8);
	assert_refused(section, DAMAGED "77: it ends in the middle of a format");
	append(section, "", 1);
	append_number(section, G_MAXUINT32, 4);
	append_number(section, G_MAXUINT64, 8);
	append(section, "name", 4);
	assert_refused(section, DAMAGED "94: it ends in the middle of a format");

	/* A format that is there, and larger than any. */
	g_byte_array_set_size(section, section->len - 12);
	append_number(section, (1 << 20) + 1, 8);
	append(section, text, (1 << 20) + 1);
	assert_refused(section, DAMAGED "90: a format of more than 1 MiB");
}

/* Formats of ftrace stand before those of the systems, and are passed over. */
static void test_ftrace_formats(void)
{
	static const char format[] = "name: colo_exit\nID: 7\nformat:\n\n";
	g_autoptr(GByteArray) section = container_head();
	g_autoptr(GError) error = NULL;
	struct tracepoints *tracepoints;

	g_byte_array_set_size(section, section->len - 4);
	append_number(section, 2, 4);
	append_number(section, 3, 8);
	append(section, "abc", 3);
	append_number(section, 0, 8);
	append_number(section, 1, 4);
	append(section, "ftrace", 7);
	append_number(section, 1, 4);
	append_number(section, strlen(format), 8);
	append(section, format, strlen(format));
	tracepoints = read_section(section, G_LITTLE_ENDIAN, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(tracepoint_system(tracepoints_find(tracepoints, 7)), ==, "ftrace");
	tracepoints_free(tracepoints);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tracepoint/find", test_find);
	g_test_add_func("/tracepoint/args", test_args);
	g_test_add_func("/tracepoint/n_args", test_n_args);
	g_test_add_func("/tracepoint/other_fields", test_other_fields);
	g_test_add_func("/tracepoint/bad_fields", test_bad_fields);
	g_test_add_func("/tracepoint/hostile_formats", test_hostile_formats);
	g_test_add_func("/tracepoint/long_formats", test_long_formats);
	g_test_add_func("/tracepoint/not_a_format", test_not_a_format);
	g_test_add_func("/tracepoint/same_id", test_same_id);
	g_test_add_func("/tracepoint/many_formats", test_many_formats);
	g_test_add_func("/tracepoint/cut", test_cut);
	g_test_add_func("/tracepoint/flipped_bytes", test_flipped_bytes);
	g_test_add_func("/tracepoint/containers", test_containers);
	g_test_add_func("/tracepoint/ftrace_formats", test_ftrace_formats);
	return g_test_run();
}
