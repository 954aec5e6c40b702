/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The profiles of the phases, for people: how long the thread of the checkpoints was on a
 * CPU, who else was, and the functions. No line is longer than 80 columns.
 */
#include "report.h"

#include "base/printable.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_MS 1e6

#define MODULE_WIDTH   20
#define FUNCTION_WIDTH 39
#define MOST_COMPARED  50 /* names; a longer table is not read line by line */
#define THREADS_NAMED  3  /* of those that ran meanwhile */

/* What is shown when nobody asks for other phases: the RAM path. */
static const char *const ram_path[] = {"ram", "flush", NULL};

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_padded(FILE *out, const char *text, size_t width)
{
	g_autofree char *clean = printable(text), *shown = printable_shorten(clean, width);

	fprintf(out, "%s%*s", shown, (int)(width - printable_columns(shown)), "");
}

static void print_thread_time(FILE *out, const struct thread_share *thread)
{
	if (thread->on_cpu_ns.known)
		fprintf(out, "%.1f ms", (double)thread->on_cpu_ns.value / NS_PER_MS);
	else
		fprintf(out, "%" PRIu64 " samples", thread->samples);
}

/* "  other threads: CPU 0/TCG 12.0 ms, 2 more 3.1 ms" */
static void print_others(FILE *out, const GArray *others)
{
	struct thread_share rest = {0};

	for (guint i = 0; i < others->len; i++) {
		const struct thread_share *thread = &g_array_index(others, struct thread_share, i);
		g_autofree char *name = NULL;

		if (i >= THREADS_NAMED) {
			rest.samples += thread->samples;
			rest.on_cpu_ns.known = thread->on_cpu_ns.known;
			rest.on_cpu_ns.value += thread->on_cpu_ns.value;
			continue;
		}
		name = thread->name ? printable(thread->name)
				    : g_strdup_printf("thread %" PRIu32, thread->tid);
		fprintf(out, "%s%s ", i ? ", " : "  other threads: ", name);
		print_thread_time(out, thread);
	}
	if (rest.samples) {
		fprintf(out, ", %u more ", others->len - THREADS_NAMED);
		print_thread_time(out, &rest);
	}
	if (others->len)
		fputc('\n', out);
}

/* "  355.7 ms in 20 checkpoints, on CPU 126.4 ms (35.5%), off CPU 229.3 ms (64.5%)" */
static void print_times(FILE *out, const struct part_profile *part)
{
	const double wall_ms = (double)part->wall_ns / NS_PER_MS;
	const double on_cpu_ms = (double)part->on_cpu_ns.value / NS_PER_MS;
	const double off_cpu_ms = (double)part->off_cpu_ns.value / NS_PER_MS;

	fprintf(out, "  %.1f ms in %" PRIu64 " checkpoints", wall_ms, part->n_checkpoints);
	if (part->on_cpu_ns.known && part->off_cpu_ns.known && !part->few_samples)
		fprintf(out, ", on CPU %.1f ms (%.1f%%), off CPU %.1f ms (%.1f%%)", on_cpu_ms,
			100 * on_cpu_ms / wall_ms, off_cpu_ms, 100 * off_cpu_ms / wall_ms);
	else if (part->on_cpu_ns.known)
		fprintf(out, ", too few samples to tell how long on CPU");
	fputc('\n', out);
}

/* The names of the first `n` functions; the caller frees it. */
static GPtrArray *names_of(const struct report *report, const struct part_profile *part, guint n)
{
	GPtrArray *names = g_ptr_array_new_full(n, g_free);

	for (guint i = 0; i < n; i++) {
		const struct function_share *share =
			&g_array_index(part->functions, struct function_share, i);
		const struct frame *frame =
			stack_table_get_frame(report->profiles->stacks, share->frame);
		g_autofree char *plain = frame_name(frame);
		g_autofree char *name =
			g_strconcat(plain, frame->kind == FRAME_INLINED ? " (inlined)" : "", NULL);

		g_ptr_array_add(names, printable(name));
	}
	return names;
}

/* As it fits into its column; two instances of a template do not look alike. The caller frees it.
 */
static char *shown_name(const GPtrArray *names, guint index)
{
	const char *name = names->pdata[index];
	char *shown = printable_shorten(name, FUNCTION_WIDTH);

	for (guint i = 0; i < MIN(names->len, MOST_COMPARED) && strcmp(shown, name); i++) {
		g_autofree char *other = printable_shorten(names->pdata[i], FUNCTION_WIDTH);

		if (strcmp(shown, other) || !strcmp(name, names->pdata[i]))
			continue;
		g_free(shown);
		return printable_shorten_apart(name, names->pdata[i], FUNCTION_WIDTH);
	}
	return shown;
}

static void print_function(FILE *out, const struct report *report, const struct part_profile *part,
			   const struct function_share *share, const char *name)
{
	const struct frame *frame = stack_table_get_frame(report->profiles->stacks, share->frame);

	fprintf(out, "  %6.2f%%  %6.2f%%  ", percent(share->self, part->samples),
		percent(share->total, part->samples));
	print_padded(out, frame->module ? frame->module : "", MODULE_WIDTH);
	fprintf(out, " %s\n", name);
}

static void print_functions(FILE *out, const struct report *report, const struct part_profile *part)
{
	const guint shown = MIN(report->top, part->functions->len);
	g_autoptr(GPtrArray) names = names_of(report, part, shown);

	fprintf(out, "     self    total  %-*s function\n", MODULE_WIDTH, "module");
	for (guint i = 0; i < shown; i++) {
		g_autofree char *name = shown_name(names, i);

		print_function(out, report, part,
			       &g_array_index(part->functions, struct function_share, i), name);
	}
	if (part->functions->len > shown)
		fprintf(out, "  ... and %u more (--top N, --json)\n", part->functions->len - shown);
	if (part->unresolved_frames)
		fprintf(out, "  %.1f%% of %" PRIu64 " frames have no name\n",
			percent(part->unresolved_frames, part->frames), part->frames);
	if (part->cut_samples)
		fprintf(out, "  %.1f%% of the call chains may lack their outermost callers\n",
			percent(part->cut_samples, part->samples));
}

static void print_part(FILE *out, const struct report *report, const struct part_profile *part)
{
	fprintf(out, "\n%s: %" PRIu64 " sample%s of %s\n", colo_part_name(part->part),
		part->samples, part->samples == 1 ? "" : "s", report->profiles->event);
	print_times(out, part);
	print_others(out, part->others);
	if (part->samples)
		print_functions(out, report, part);
}

static bool is_wanted(const char *const *phases, unsigned int part)
{
	return g_strv_contains(phases, colo_part_name(part)) || g_strv_contains(phases, "all");
}

void report_print_profiles(const struct report *report, const struct colo_session *session,
			   FILE *out)
{
	const char *const *phases = report->phases ? report->phases : ram_path;
	const struct session_profile *profile =
		report->profiles ? phase_profiles_find(report->profiles, session) : NULL;

	if (!profile || !report->profiles->event)
		return;
	for (unsigned int part = 0; part < COLO_N_PARTS; part++)
		if (colo_role_has_part(session->role, part) && is_wanted(phases, part))
			print_part(out, report, &profile->parts[part]);
}
