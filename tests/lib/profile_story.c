/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Recordings with samples, in memory. Names of functions come from a kallsyms
 * file that is made here, so that no ELF file is needed.
 */
#include "lib/profile_story.h"

#include "colo/summary.h"
#include "lib/memory_fd.h"

#include <string.h>
#include <unistd.h>

#define KERNEL_START  G_GUINT64_CONSTANT(0xffffffff81000000)
#define FUNCTION_SIZE 0x100
#define MAX_DEPTH     8100 /* as much as a record can hold */

const struct perf_builder_event profile_story_cpu_clock = {
	.name = "cpu-clock:pppH",
	.attr = {.type = PERF_TYPE_SOFTWARE,
		 .config = PERF_COUNT_SW_CPU_CLOCK,
		 .sample_period = 1000,
		 .sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE,
		 .read_format = PERF_FORMAT_ID,
		 .freq = 1,
		 .sample_id_all = 1},
	.n_ids = USUAL_CPUS,
};

struct colo_story_checkpoint profile_story_checkpoint(guint64 seq)
{
	struct colo_story_checkpoint checkpoint = {
		.seq = seq, .wait_ns = 5000000, .after_ns = 10000, .trigger = COLO_STORY_TIMER};

	for (guint phase = COLO_STORY_REQUEST; phase < COLO_STORY_N_PHASES; phase++) {
		checkpoint.before_ns[phase] = 10000;
		checkpoint.phase_ns[phase] = 1000000;
	}
	return checkpoint;
}

struct profile_story *profile_story_new(int byte_order, const struct perf_builder_event *event)
{
	const struct perf_builder_mmap kernel = {.at = {.pid = -1, .time_ns = 0},
						 .misc = PERF_RECORD_MISC_KERNEL,
						 .start = KERNEL_START,
						 .size_bytes = 0x1000000,
						 .file_offset = KERNEL_START,
						 .path = "[kernel.kallsyms]_text"};
	struct profile_story *story = g_new0(struct profile_story, 1);

	story->builder = perf_builder_new(byte_order);
	story->story = colo_story_new(story->builder, USUAL_CPUS, NULL);
	if (event)
		story->event = perf_builder_add_event(story->builder, event);
	perf_builder_mmap(story->builder, &kernel);
	return story;
}

void profile_story_free(struct profile_story *story)
{
	colo_story_free(story->story);
	perf_builder_free(story->builder);
	g_free(story);
}

guint64 profile_story_address(char function)
{
	g_assert(function >= 'a' && function <= 'z');
	return KERNEL_START + FUNCTION_SIZE * (guint64)(1 + function - 'a') + 0x10;
}

void profile_story_raw_sample(struct profile_story *story, const struct perf_builder_sample *sample)
{
	perf_builder_sample(story->builder, sample);
}

void profile_story_sample(struct profile_story *story, gint32 pid, gint32 tid, guint64 time_ns,
			  const char *functions)
{
	const gsize n = strlen(functions);
	g_autofree guint64 *chain = g_new(guint64, n + 1);
	const struct perf_builder_sample sample = {
		.at = {.event = story->event, .pid = pid, .tid = tid, .time_ns = time_ns},
		.misc = PERF_RECORD_MISC_KERNEL,
		.ip = n ? profile_story_address(functions[n - 1]) : 0,
		.period = 1000000,
		.chain = chain,
		.n_chain = n ? n + 1 : 0};

	g_assert_cmpuint(n, <=, MAX_DEPTH);
	chain[0] = (guint64)PERF_CONTEXT_KERNEL;
	for (gsize i = 0; i < n; i++)
		chain[1 + i] = profile_story_address(functions[n - 1 - i]);
	profile_story_raw_sample(story, &sample);
}

/* --- Loading --- */

static int make_kallsyms(void)
{
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_append_printf(text, "%" G_GINT64_MODIFIER "x T _text\n", KERNEL_START);
	for (char function = 'a'; function <= 'z'; function++)
		g_string_append_printf(text, "%" G_GINT64_MODIFIER "x t %c\n",
				       profile_story_address(function) - 0x10, function);
	g_string_append_printf(text, "%" G_GINT64_MODIFIER "x T _etext\n",
			       profile_story_address('z') - 0x10 + FUNCTION_SIZE);
	return memory_fd(text->str, text->len);
}

struct loaded_profile *loaded_profile_of_paths(const char *const *paths,
					       const struct colo_selection *selection,
					       const char *event, GError **error)
{
	struct loaded_profile *loaded = g_new0(struct loaded_profile, 1);
	const struct colo_selection all = COLO_SELECT_ALL;
	struct sample_choice choice = {
		.selection = selection ? *selection : all,
		.event = event,
		.part = COLO_N_PARTS,
		.all_threads = true,
	};
	g_autoptr(GError) refused = NULL;
	const GPtrArray *sessions;

	loaded->kallsyms_fd = make_kallsyms();
	loaded->kallsyms = memory_fd_path(loaded->kallsyms_fd);
	loaded->options.symbols.kallsyms = loaded->kallsyms;
	loaded->options.symbols.symfs = "/nonexistent";
	loaded->options.symbols.buildid_dir = "/nonexistent";
	loaded->recordings = recordings_load(paths, &loaded->options, &refused);
	g_assert_no_error(refused);
	loaded->summaries = g_ptr_array_new_with_free_func((GDestroyNotify)colo_summary_free);
	sessions = colo_model_sessions(loaded->recordings->model);
	for (guint i = 0; i < sessions->len; i++)
		g_ptr_array_add(loaded->summaries,
				colo_summary_new(sessions->pdata[i], &choice.selection));
	loaded->profiles =
		phase_profiles_new(loaded->recordings, loaded->summaries, &choice, error);
	if (!loaded->profiles) {
		loaded_profile_free(loaded);
		return NULL;
	}
	return loaded;
}

struct loaded_profile *loaded_profile_new(struct profile_story *const *stories, guint n,
					  const struct colo_selection *selection, const char *event,
					  GError **error)
{
	g_auto(GStrv) paths = g_new0(char *, n + 1);
	g_autofree int *fds = g_new(int, n);
	struct loaded_profile *loaded;

	for (guint i = 0; i < n; i++) {
		g_autoptr(GByteArray) bytes = NULL;

		colo_story_flush(stories[i]->story);
		bytes = perf_builder_build(stories[i]->builder, NULL);
		fds[i] = memory_fd(bytes->data, bytes->len);
		paths[i] = memory_fd_path(fds[i]);
	}
	loaded = loaded_profile_of_paths((const char *const *)paths, selection, event, error);
	for (guint i = 0; i < n; i++)
		close(fds[i]);
	return loaded;
}

void loaded_profile_free(struct loaded_profile *loaded)
{
	phase_profiles_free(loaded->profiles);
	g_ptr_array_unref(loaded->summaries);
	recordings_free(loaded->recordings);
	close(loaded->kallsyms_fd);
	g_free(loaded->kallsyms);
	g_free(loaded);
}

struct loaded_profile *loaded_profile_of(struct profile_story *story)
{
	g_autoptr(GError) error = NULL;
	struct loaded_profile *loaded = loaded_profile_new(&story, 1, NULL, NULL, &error);

	g_assert_no_error(error);
	profile_story_free(story);
	return loaded;
}

const struct session_profile *loaded_profile_session(const struct loaded_profile *loaded,
						     enum colo_role role)
{
	const struct session_profile *found = NULL;

	for (guint i = 0; i < loaded->profiles->sessions->len; i++) {
		const struct session_profile *session = loaded->profiles->sessions->pdata[i];

		if (session->session->role != role)
			continue;
		g_assert_null(found);
		found = session;
	}
	g_assert_nonnull(found);
	return found;
}

const struct part_profile *loaded_profile_part(const struct loaded_profile *loaded,
					       enum colo_role role, const char *part)
{
	const guint number = colo_part_find(part);

	g_assert_cmpuint(number, <, COLO_N_PARTS);
	return &loaded_profile_session(loaded, role)->parts[number];
}
