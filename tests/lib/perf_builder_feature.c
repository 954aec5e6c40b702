/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The features of the byte builder, among them the formats of the tracepoints, which are made
 * from the events; see perf_builder.h.
 *
 * Source: tools/perf/util/{header,trace-event-info}.c of the kernel.
 */
#include "perf_builder_private.h"

#define MISC_BUILD_ID_SIZE (1 << 15) /* perf's own: the size stands behind the build-id */
#define RAW_COMMON_SIZE	   8	     /* common_type to common_pid */

/* Returns the empty bytes of the feature, weak. */
static GByteArray *reset_feature(struct perf_builder *builder, guint feature)
{
	g_assert_cmpuint(feature, <, PERF_BUILDER_N_FEATURES);
	g_clear_pointer(&builder->features[feature], g_byte_array_unref);
	builder->features[feature] = g_byte_array_new();
	return builder->features[feature];
}

void perf_builder_feature_string(struct perf_builder *builder, enum perf_builder_feature feature,
				 const char *string)
{
	put_header_string(builder, reset_feature(builder, feature), string);
}

void perf_builder_feature_cmdline(struct perf_builder *builder, const char *const *argv)
{
	GByteArray *to = reset_feature(builder, PERF_BUILDER_CMDLINE);

	put_u32(builder, to, g_strv_length((char **)argv));
	for (; *argv; argv++)
		put_header_string(builder, to, *argv);
}

void perf_builder_feature_clock_data(struct perf_builder *builder, guint32 clockid, guint64 wall_ns,
				     guint64 clock_ns)
{
	GByteArray *to = reset_feature(builder, PERF_BUILDER_CLOCK_DATA);

	put_u32(builder, to, 1); /* version */
	put_u32(builder, to, clockid);
	put_u64(builder, to, wall_ns);
	put_u64(builder, to, clock_ns);
}

void perf_builder_feature_compressed(struct perf_builder *builder, guint32 mmap_size_bytes)
{
	GByteArray *to = reset_feature(builder, PERF_BUILDER_COMPRESSED);

	put_u32(builder, to, 1); /* version */
	put_u32(builder, to, 1); /* zstd */
	put_u32(builder, to, 1); /* level */
	put_u32(builder, to, 1); /* ratio */
	put_u32(builder, to, mmap_size_bytes);
}

void perf_builder_feature_build_id(struct perf_builder *builder, guint16 misc, gint32 pid,
				   const guint8 *build_id, gsize build_id_size, const char *path)
{
	gsize size = strlen(path) + 1;
	gsize padded = (size + PERF_BUILDER_STRING_ALIGN - 1) / PERF_BUILDER_STRING_ALIGN *
		       PERF_BUILDER_STRING_ALIGN;
	GByteArray *to = builder->features[PERF_BUILDER_BUILD_ID];

	g_assert_cmpuint(build_id_size, <=, PERF_BUILDER_BUILD_ID_SIZE);
	if (!to)
		to = reset_feature(builder, PERF_BUILDER_BUILD_ID);
	put_u32(builder, to, 0); /* the type that perf leaves at 0 */
	put_u16(builder, to, misc | MISC_BUILD_ID_SIZE);
	put_u16(builder, to, PERF_BUILDER_RECORD_HEADER_SIZE + 4 + 24 + padded);
	put_u32(builder, to, pid);
	put_bytes(to, build_id, build_id_size);
	put_zeros(to, PERF_BUILDER_BUILD_ID_SIZE - build_id_size);
	put_number(builder, to, build_id_size, 1);
	put_zeros(to, 3);
	put_bytes(to, path, size);
	put_zeros(to, padded - size);
}

void perf_builder_feature_bytes(struct perf_builder *builder, guint feature, gconstpointer bytes,
				gsize size_bytes)
{
	put_bytes(reset_feature(builder, feature), bytes, size_bytes);
}

void perf_builder_omit_feature(struct perf_builder *builder, guint feature)
{
	g_assert_cmpuint(feature, <, PERF_BUILDER_N_FEATURES);
	builder->omitted[feature] = TRUE;
}

/* The format file of a uprobe event, as /sys/kernel/tracing/events gives it. */
static char *make_format(const struct perf_builder *builder, const struct perf_builder_kind *event)
{
	const char *name = strchr(event->name, ':');
	guint offset = RAW_COMMON_SIZE + builder->long_size;
	GString *text = g_string_new(NULL);
	GString *print = g_string_new("\"(%lx)");
	GString *values = g_string_new("REC->__probe_ip");

	g_string_append_printf(
		text,
		"name: %s\nID: %" G_GUINT64_FORMAT "\nformat:\n"
		"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
		"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
		"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
		"\tfield:unsigned long __probe_ip;\toffset:8;\tsize:%u;\tsigned:0;\n",
		name + 1, (guint64)event->attr.config, builder->long_size);
	for (guint i = 0; i < event->args->len; i++) {
		const struct perf_builder_arg *type = g_ptr_array_index(event->args, i);

		g_string_append_printf(
			text, "\tfield:%s arg%u;\toffset:%u;\tsize:%u;\tsigned:%d;\n", type->name,
			i + 1, offset, type->size_bytes, type->is_signed);
		g_string_append_printf(print, " arg%u=%s", i + 1, type->print);
		g_string_append_printf(values, ", REC->arg%u", i + 1);
		offset += type->size_bytes;
	}
	g_string_append_printf(text, "\nprint fmt: %s\", %s\n", print->str, values->str);
	g_string_free(print, TRUE);
	g_string_free(values, TRUE);
	return g_string_free(text, FALSE);
}

/* Text behind its size of 8 bytes, without a NUL. */
static void put_sized_text(const struct perf_builder *builder, GByteArray *to, const char *text)
{
	put_u64(builder, to, strlen(text));
	put_bytes(to, text, strlen(text));
}

/* The formats of one system ("sdt_qemu"): name, number, texts. */
static void put_system(const struct perf_builder *builder, GByteArray *to, const char *system)
{
	gsize length = strlen(system);
	g_autoptr(GPtrArray) formats = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < builder->events->len; i++) {
		const struct perf_builder_kind *event = perf_builder_get_event(builder, i);

		if (event->attr.type != PERF_TYPE_TRACEPOINT ||
		    strncmp(event->name, system, length) || event->name[length] != ':')
			continue;
		g_ptr_array_add(formats, event->format ? g_strdup(event->format)
						       : make_format(builder, event));
	}
	put_bytes(to, system, length + 1);
	put_u32(builder, to, formats->len);
	for (guint i = 0; i < formats->len; i++)
		put_sized_text(builder, to, g_ptr_array_index(formats, i));
}

/* TRACING_DATA as trace-event-info.c writes it; NULL when there is no tracepoint. */
static GByteArray *make_tracing_data(const struct perf_builder *builder)
{
	static const char header_page[] =
		"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
		"\tfield: local_t commit;\toffset:8;\tsize:%u;\tsigned:1;\n"
		"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
		"\tfield: char data;\toffset:%u;\tsize:%u;\tsigned:0;\n";
	static const char header_event[] = "# compressed entry header\n"
					   "\ttype_len    :    5 bits\n"
					   "\ttime_delta  :   27 bits\n"
					   "\tarray       :   32 bits\n\n"
					   "\tpadding     : type == 29\n"
					   "\ttime_extend : type == 30\n"
					   "\ttime_stamp : type == 31\n"
					   "\tdata max type_len  == 28\n";
	const guint page_size = 4096;
	const guint data_start = 8 + builder->long_size;
	g_autofree char *page = NULL;
	g_autoptr(GPtrArray) systems = g_ptr_array_new_with_free_func(g_free);
	GByteArray *to;

	for (guint i = 0; i < builder->events->len; i++) {
		const struct perf_builder_kind *event = perf_builder_get_event(builder, i);
		const char *colon = strchr(event->name, ':');
		char *system;

		if (event->attr.type != PERF_TYPE_TRACEPOINT)
			continue;
		g_assert_nonnull(colon);
		system = g_strndup(event->name, colon - event->name);
		if (g_ptr_array_find_with_equal_func(systems, system, g_str_equal, NULL))
			g_free(system);
		else
			g_ptr_array_add(systems, system);
	}
	if (!systems->len)
		return NULL;

	to = g_byte_array_new();
	put_bytes(to,
		  "\x17\x08"
		  "Dtracing",
		  10);
	put_bytes(to, "0.6", 4);
	put_number(builder, to, builder->byte_order == G_BIG_ENDIAN, 1);
	put_number(builder, to, builder->long_size, 1);
	put_u32(builder, to, page_size);

	page = g_strdup_printf(header_page, builder->long_size, data_start, page_size - data_start);
	put_bytes(to, "header_page", 12);
	put_sized_text(builder, to, page);
	put_bytes(to, "header_event", 13);
	put_sized_text(builder, to, header_event);
	put_u32(builder, to, 0); /* formats of ftrace */
	put_u32(builder, to, systems->len);
	for (guint i = 0; i < systems->len; i++)
		put_system(builder, to, g_ptr_array_index(systems, i));
	put_u32(builder, to, 0); /* kallsyms */
	put_u32(builder, to, 0); /* printk formats */
	put_u64(builder, to, 0); /* saved cmdlines */
	return to;
}

static GByteArray *make_event_desc(const struct perf_builder *builder)
{
	GByteArray *to = g_byte_array_new();

	put_u32(builder, to, builder->events->len);
	put_u32(builder, to, builder->attr_size);
	for (guint i = 0; i < builder->events->len; i++) {
		const struct perf_builder_kind *event = perf_builder_get_event(builder, i);

		perf_builder_put_attr(builder, to, &event->attr);
		put_u32(builder, to, event->ids->len);
		put_header_string(builder, to, event->name);
		perf_builder_put_ids(builder, to, event);
	}
	return to;
}

GByteArray *perf_builder_get_feature(const struct perf_builder *builder, guint feature)
{
	if (builder->omitted[feature])
		return NULL;
	if (builder->features[feature])
		return g_byte_array_ref(builder->features[feature]);
	if (feature == PERF_BUILDER_TRACING_DATA)
		return make_tracing_data(builder);
	if (feature == PERF_BUILDER_EVENT_DESC)
		return make_event_desc(builder);
	return NULL;
}
