/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every form of a recording says what the plain file says: the report of the same events, written
 * in each form, byte order, size of longs and of attrs and layout of samples, is the same to the
 * last character. That the forms are those of perf is for tests/forms/check-perf.sh.
 */
#include "lib/forms_story.h"
#include "lib/profile_story.h"
#include "lib/recording_forms.h"

#include "colo_perf.h"
#include "report.h"
#include "warnings.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int byte_orders[] = {G_LITTLE_ENDIAN, G_BIG_ENDIAN};
static const guint long_sizes[] = {8, 4};
static const guint attr_sizes[] = {PERF_ATTR_SIZE_VER0, PERF_ATTR_SIZE_VER3, PERF_ATTR_SIZE_VER7,
				   136, 4096};
static const struct forms_machine plain_machine = {.byte_order = G_LITTLE_ENDIAN,
						   .long_size_bytes = 8,
						   .attr_size_bytes = PERF_ATTR_SIZE_VER7};

/* Where the recordings are written. Owned by main() */
static char *work;

/* report.c wants them of main(), which is not in this test. */
int colo_perf_fail(const char *command, enum colo_perf_status status, const char *format, ...)
{
	(void)command;
	(void)format;
	g_assert_not_reached();
	return status;
}

int colo_perf_flush(const char *command, int status)
{
	(void)command;
	g_assert_not_reached();
	return status;
}

/* --- What a recording says, as text --- */

/* The JSON of the report. */
static char *print_report(const struct loaded_profile *loaded)
{
	g_autoptr(GPtrArray) warnings = warnings_of(loaded->recordings, NULL, loaded->profiles);
	const struct report report = {
		.recordings = loaded->recordings,
		.warnings = warnings,
		.summaries = loaded->summaries,
		.profiles = loaded->profiles,
		.selection = COLO_SELECT_ALL,
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	g_assert_nonnull(out);
	report_print_json(&report, out);
	g_assert_cmpint(fclose(out), ==, 0);
	return text;
}

/* Without the member "recordings", which tells of the files. */
static char *without_recordings(const char *report)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(GError) error = NULL;
	JsonNode *root;

	json_parser_load_from_data(parser, report, -1, &error);
	g_assert_no_error(error);
	root = json_parser_get_root(parser);
	g_assert_true(json_object_has_member(json_node_get_object(root), "sessions"));
	json_object_remove_member(json_node_get_object(root), "recordings");
	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, TRUE);
	return json_generator_to_data(generator, NULL);
}

/* What is told of the recording and does not depend on its form. */
static void describe_recording(GString *to, const struct recording *recording)
{
	const struct {
		const char *name;
		uint64_t number;
	} numbers[] = {
		{"samples", recording->n_samples},
		{"probe hits", recording->n_probe_hits},
		{"bad hits", recording->n_bad_hits},
		{"samples of no event", recording->n_unknown_samples},
		{"lost records", recording->n_lost_records},
		{"lost samples", recording->n_lost_samples},
		{"lost as counters tell", recording->n_lost_reads},
		{"lost hits", recording->n_lost_hits},
		{"throttled", recording->n_throttled},
		{"events", recording->n_events},
		{"tracepoints", recording->n_tracepoints},
		{"probes", recording->n_probes},
		{"clock", recording->has_clock ? recording->clock.clock_ns : 0},
		{"wall clock", recording->has_clock ? recording->clock.wall_ns : 0},
	};
	const struct {
		const char *name, *string;
	} strings[] = {
		{"host", recording->hostname}, {"perf", recording->perf_version},
		{"arch", recording->arch},     {"command", recording->command_line},
		{"damage", recording->damage},
	};

	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
		g_string_append_printf(to, "%s: %" G_GUINT64_FORMAT "\n", numbers[i].name,
				       (guint64)numbers[i].number);
	for (guint i = 0; i < G_N_ELEMENTS(strings); i++)
		g_string_append_printf(to, "%s: %s\n", strings[i].name,
				       strings[i].string ? strings[i].string : "not there");
}

static char *describe(const char *path)
{
	const char *const paths[] = {path, NULL};
	g_autoptr(GError) error = NULL;
	struct loaded_profile *loaded = loaded_profile_of_paths(paths, NULL, NULL, &error);
	GString *text = g_string_new(NULL);
	g_autofree char *report = NULL, *statistics = NULL, *name = NULL;
	const struct recording *recording;

	g_assert_no_error(error);
	recording = loaded->recordings->files->pdata[0];
	describe_recording(text, recording);
	report = print_report(loaded);
	statistics = without_recordings(report);
	g_string_append(text, statistics);
	/* Warnings begin with the name of the file. */
	name = g_strdup_printf("\"%s: ", recording->path);
	g_string_replace(text, name, "\"RECORDING: ", 0);
	loaded_profile_free(loaded);
	return g_string_free(text, FALSE);
}

/* Shows where two descriptions part, for whole ones are too long to be read. */
static void assert_same(const char *expected, const char *got, const char *where)
{
	g_auto(GStrv) a = NULL;
	g_auto(GStrv) b = NULL;
	guint i = 0;

	if (!strcmp(expected, got))
		return;
	a = g_strsplit(expected, "\n", -1);
	b = g_strsplit(got, "\n", -1);
	while (a[i] && b[i] && !strcmp(a[i], b[i]))
		i++;
	g_error("%s, line %u: \"%s\" where the plain file says \"%s\"", where, i + 1,
		b[i] ? b[i] : "the end", a[i] ? a[i] : "the end");
}

/* --- The forms --- */

static char *describe_form(const struct recording_form *form, const struct forms_machine *machine,
			   const struct forms_layout *layout, guint tale)
{
	struct perf_builder *builder = forms_story(machine, layout, tale);
	g_autofree char *path = g_build_filename(work, form->name, NULL);
	char *description;

	recording_form_write(form, builder, path);
	perf_builder_free(builder);
	description = describe(path);
	recording_form_remove(form, path);
	return description;
}

/* What the plain file says. Owned by a table. */
static const char *expected_of(const struct forms_layout *layout, guint tale)
{
	static GHashTable *known; /* Owned by this: key (owned) to description (owned) */
	g_autofree char *key = g_strdup_printf("%s %u", layout->name, tale);
	char *description;

	if (!known)
		known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	description = g_hash_table_lookup(known, key);
	if (!description) {
		description = describe_form(&recording_forms[0], &plain_machine, layout, tale);
		g_hash_table_insert(known, g_steal_pointer(&key), description);
	}
	return description;
}

static void check_form(const struct recording_form *form, const struct forms_machine *machine,
		       const struct forms_layout *layout, guint tale)
{
	g_autofree char *description = describe_form(form, machine, layout, tale);
	g_autofree char *where = g_strdup_printf(
		"%s, %s, %s-endian, longs of %u, attrs of %u", form->name, layout->name,
		machine->byte_order == G_BIG_ENDIAN ? "big" : "little", machine->long_size_bytes,
		machine->attr_size_bytes);

	assert_same(expected_of(layout, tale), description, where);
}

/* Machines of both byte orders and sizes. */
static void check_machines(const struct recording_form *form, const struct forms_layout *layout,
			   guint tale)
{
	for (guint order = 0; order < G_N_ELEMENTS(byte_orders); order++) {
		for (guint size = 0; size < G_N_ELEMENTS(long_sizes); size++) {
			const struct forms_machine machine = {.byte_order = byte_orders[order],
							      .long_size_bytes = long_sizes[size],
							      .attr_size_bytes =
								      PERF_ATTR_SIZE_VER7};

			check_form(form, &machine, layout, tale);
		}
	}
}

static void test_layouts(gconstpointer data)
{
	for (guint i = 0; i < forms_n_layouts; i++)
		check_machines(data, &forms_layouts[i], FORMS_SOUND);
}

/* The two machines that have nothing in common. */
static void check_attr_size(const struct recording_form *form, guint attr_size,
			    const struct forms_layout *layout)
{
	const struct forms_machine little = {
		.byte_order = G_LITTLE_ENDIAN, .long_size_bytes = 8, .attr_size_bytes = attr_size};
	const struct forms_machine big = {
		.byte_order = G_BIG_ENDIAN, .long_size_bytes = 4, .attr_size_bytes = attr_size};

	check_form(form, &little, layout, FORMS_SOUND);
	check_form(form, &big, layout, FORMS_SOUND);
}

static void test_attr_sizes(gconstpointer data)
{
	for (guint i = 0; i < forms_n_layouts; i++) {
		for (guint size = 0; size < G_N_ELEMENTS(attr_sizes); size++) {
			if (attr_sizes[size] >= forms_layouts[i].min_attr_size)
				check_attr_size(data, attr_sizes[size], &forms_layouts[i]);
		}
	}
}

static void test_odd(gconstpointer data)
{
	check_machines(data, &forms_layouts[0], FORMS_ODD | FORMS_UNKNOWN | FORMS_TRACE);
}

static void test_large(gconstpointer data)
{
	check_machines(data, &forms_layouts[0], FORMS_LARGE);
}

/* --- What cannot be read twice --- */

struct writer {
	const char *path; /* Weak; NULL: to fd */
	int fd;
	const GByteArray *bytes; /* Weak */
};

static gpointer write_all(gpointer data)
{
	const struct writer *writer = data;
	int fd = writer->path ? open(writer->path, O_WRONLY | O_CLOEXEC) : writer->fd;

	g_assert_cmpint(fd, >=, 0);
	for (gsize done = 0; done < writer->bytes->len;) {
		gssize n = write(fd, writer->bytes->data + done, writer->bytes->len - done);

		g_assert_cmpint(n, >, 0);
		done += n;
	}
	g_assert_cmpint(close(fd), ==, 0);
	return NULL;
}

/* The recording of that form as bytes: a file or a pipe. */
static GByteArray *bytes_of(const struct recording_form *form)
{
	struct perf_builder *builder = forms_story(&plain_machine, &forms_layouts[0], FORMS_SOUND);
	GByteArray *bytes = recording_form_bytes(form, builder);

	perf_builder_free(builder);
	return bytes;
}

static void test_fifo(gconstpointer data)
{
	g_autoptr(GByteArray) bytes = bytes_of(data);
	g_autofree char *path = g_build_filename(work, "fifo", NULL);
	g_autofree char *description = NULL;
	struct writer writer = {.path = path, .bytes = bytes};
	GThread *thread;

	g_assert_cmpint(mkfifo(path, 0600), ==, 0);
	thread = g_thread_new("writer", write_all, &writer);
	description = describe(path);
	g_thread_join(thread);
	g_assert_cmpint(g_unlink(path), ==, 0);
	assert_same(expected_of(&forms_layouts[0], FORMS_SOUND), description, "FIFO");
}

static void test_stdin(gconstpointer data)
{
	g_autoptr(GByteArray) bytes = bytes_of(data);
	g_autofree char *description = NULL;
	const char *expected = expected_of(&forms_layouts[0], FORMS_SOUND);
	int saved = dup(STDIN_FILENO);
	int ends[2];
	struct writer writer = {.bytes = bytes};
	GThread *thread;

	g_assert_cmpint(pipe(ends), ==, 0);
	g_assert_cmpint(dup2(ends[0], STDIN_FILENO), ==, STDIN_FILENO);
	g_assert_cmpint(close(ends[0]), ==, 0);
	writer.fd = ends[1];
	thread = g_thread_new("writer", write_all, &writer);
	description = describe("-");
	g_thread_join(thread);
	if (saved >= 0) {
		g_assert_cmpint(dup2(saved, STDIN_FILENO), ==, STDIN_FILENO);
		g_assert_cmpint(close(saved), ==, 0);
	}
	assert_same(expected, description, "standard input");
}

/* --- The plain file itself --- */

static const JsonObject *session_of(JsonParser *parser, const char *description, guint index)
{
	g_autoptr(GError) error = NULL;
	const char *report = strchr(description, '{');

	json_parser_load_from_data(parser, report, -1, &error);
	g_assert_no_error(error);
	return json_array_get_object_element(
		json_object_get_array_member(json_node_get_object(json_parser_get_root(parser)),
					     "sessions"),
		index);
}

/* LOST tells of 3 on each side; LOST_SAMPLES of 4, and READ of 2 of these. */
static void test_losses(void)
{
	for (guint i = 0; i < forms_n_layouts; i++) {
		const char *expected = expected_of(&forms_layouts[i], FORMS_SOUND);
		const gboolean is_counted = (forms_layouts[i].read_format & PERF_FORMAT_LOST) != 0;

		g_assert_nonnull(strstr(expected, "lost records: 6\n"));
		g_assert_nonnull(strstr(expected, "lost samples: 8\n"));
		/* Samples said 0 of the same events before. */
		g_assert_nonnull(strstr(expected, is_counted ? "lost as counters tell: 4\n"
							     : "lost as counters tell: 0\n"));
	}
}

/* Otherwise all forms could be the same and say nothing. */
static void test_plain_file(void)
{
	const char *expected = expected_of(&forms_layouts[0], FORMS_SOUND);
	g_autoptr(JsonParser) parser = json_parser_new();

	g_assert_nonnull(strstr(expected_of(&forms_layouts[forms_n_layouts - 1], FORMS_SOUND),
				"\"event\" : \"stalls\""));
	g_assert_nonnull(strstr(expected, "damage: not there\n"));
	g_assert_nonnull(strstr(expected, "host: host\n"));
	g_assert_nonnull(strstr(expected, "\nclock: 5000000000\n"));
	g_assert_nonnull(strstr(expected, "samples of no event: 0\n"));
	for (guint i = 0; i < 2; i++) {
		JsonObject *session = (JsonObject *)session_of(parser, expected, i);
		JsonObject *states = json_object_get_object_member(session, "states");
		JsonArray *profiles;

		g_assert_cmpint(json_object_get_int_member(states, "complete"), ==, 3);
		profiles = json_object_get_array_member(session, "profiles");
		g_assert_cmpuint(json_array_get_length(profiles), >, 5);
	}
}

/* The times are the same whatever else stands in a sample. */
static void test_layouts_agree(void)
{
	for (guint i = 0; i < 2; i++) {
		g_autoptr(JsonParser) first = json_parser_new();
		JsonObject *expected = (JsonObject *)session_of(
			first, expected_of(&forms_layouts[0], FORMS_SOUND), i);

		for (guint layout = 1; layout < forms_n_layouts; layout++) {
			g_autoptr(JsonParser) other = json_parser_new();
			JsonObject *got = (JsonObject *)session_of(
				other, expected_of(&forms_layouts[layout], FORMS_SOUND), i);

			g_assert_true(json_node_equal(json_object_get_member(expected, "phases"),
						      json_object_get_member(got, "phases")));
			g_assert_true(
				json_node_equal(json_object_get_member(expected, "checkpoints"),
						json_object_get_member(got, "checkpoints")));
		}
	}
}

static void add(const char *name, const char *form, GTestDataFunc test, gconstpointer data)
{
	g_autofree char *path = g_strdup_printf("/forms/%s/%s", name, form);

	g_test_add_data_func(path, data, test);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	work = g_dir_make_tmp("colo-perf-forms-XXXXXX", NULL);
	g_assert_nonnull(work);
	g_test_add_func("/forms/plain-file", test_plain_file);
	g_test_add_func("/forms/losses", test_losses);
	g_test_add_func("/forms/layouts-agree", test_layouts_agree);
	for (guint i = 0; i < recording_n_forms; i++) {
		const struct recording_form *form = &recording_forms[i];

		add("layouts", form->name, test_layouts, form);
		/* Packing does not touch the attrs. */
		if (!form->packing.chunk_size_bytes)
			add("attr-sizes", form->name, test_attr_sizes, form);
		add("odd", form->name, test_odd, form);
		add("large", form->name, test_large, form);
		if (form->shape != RECORDING_DIRECTORY) {
			add("fifo", form->name, test_fifo, form);
			add("stdin", form->name, test_stdin, form);
		}
	}
	status = g_test_run();
	g_assert_cmpint(g_rmdir(work), ==, 0);
	g_free(work);
	return status;
}
