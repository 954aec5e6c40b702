/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_profile: the names of functions and files, in a table that is 80 columns wide.
 */
#include "report.h"

#include "base/printable.h"
#include "colo/parts.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 80

/* The lines of the table of functions with these names, all of one file; the caller frees them. */
static GStrv table_of(const char *const *names, guint n, const char *module)
{
	struct colo_session session = {.role = COLO_ROLE_PRIMARY};
	struct session_profile profile = {.session = &session};
	struct part_profile *part = &profile.parts[colo_part_find("ram")];
	struct phase_profiles profiles = {.event = (char *)"cpu-clock",
					  .stacks = stack_table_new(&stack_usual_limits),
					  .by_session = g_hash_table_new(NULL, NULL)};
	const struct report report = {.profiles = &profiles, .top = n};
	g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(struct thread_share));
	g_autoptr(GArray) functions = g_array_new(FALSE, FALSE, sizeof(struct function_share));
	char *text = NULL, *table;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	GStrv lines;

	for (guint i = 0; i < n; i++) {
		const struct function_share share = {
			.frame = stack_table_frame(profiles.stacks, names[i], module, FRAME_USER)};

		g_array_append_val(functions, share);
	}
	part->part = colo_part_find("ram");
	part->samples = 1;
	part->others = others;
	part->functions = functions;
	g_hash_table_insert(profiles.by_session, &session, &profile);
	report_print_profiles(&report, &session, out);
	g_assert_cmpint(fclose(out), ==, 0);
	table = strstr(text, " function\n");
	g_assert_nonnull(table);
	lines = g_strsplit(g_strchomp(strchr(table, '\n') + 1), "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, n);
	free(text);
	g_hash_table_unref(profiles.by_session);
	stack_table_free(profiles.stacks);
	return lines;
}

static void assert_narrow(char **lines)
{
	for (; *lines; lines++) {
		g_assert_true(g_utf8_validate(*lines, -1, NULL));
		g_assert_cmpuint(printable_columns(*lines), <=, WIDTH);
	}
}

/* Instances of a template that differ in the beginning, in the middle, in the end. */
static void test_no_two_look_alike(void)
{
	static const char *const names[] = {
		"std::vector<RAMBlock const*, std::allocator<RAMBlock const*> "
		">::push_back(RAMBlock const*)",
		"std::vector<RAMBlock const*, std::allocator<RAMBlock const*> "
		">::push_back(RAMBlock const&)",
		"page_cache<4096u, std::hash<unsigned long>, lru_list>::insert(unsigned long, "
		"void*)",
		"page_cache<16384u, std::hash<unsigned long>, lru_list>::insert(unsigned long, "
		"void*)",
		"page_cache<4096u, std::hash<unsigned int>, lru_list>::insert(unsigned long, "
		"void*)",
		"wage_cache<4096u, std::hash<unsigned int>, lru_list>::insert(unsigned long, "
		"void*)",
	};
	g_auto(GStrv) lines = table_of(names, G_N_ELEMENTS(names), "qemu-system-x86_64");

	assert_narrow(lines);
	for (guint i = 0; lines[i]; i++)
		for (guint j = 0; j < i; j++)
			g_assert_cmpstr(lines[i], !=, lines[j]);
}

static void test_both_ends_of_a_name(void)
{
	const char *const names[] = {
		"a_function_with_a_name_that_no_column_is_wide_enough_for.constprop.0", "short"};
	g_auto(GStrv) lines =
		table_of(names, 2, "libraries-have-names-that-are-longer-than-that.so.6");

	assert_narrow(lines);
	g_assert_true(g_str_has_suffix(lines[0], " a_function_with_a_n..gh_for.constprop.0"));
	g_assert_true(g_str_has_suffix(lines[1], " libraries..that.so.6 short"));
}

/* A name that turns text around, and one of characters that are two columns wide. */
static void test_names_of_all_kinds(void)
{
	const char *const names[] = {
		"a\xe2\x80\xae"
		"b\xc2\x9b"
		"c",
		"\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
		"\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
		"\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
		"\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"};
	g_auto(GStrv) lines = table_of(names, 2, "\xe4\xb8\xad\xe2\x80\xa8");

	assert_narrow(lines);
	g_assert_true(g_str_has_suffix(lines[0], " a?b?c"));
	g_assert_nonnull(strstr(lines[0], "\xe4\xb8\xad?"));
	/* The columns stand below each other. */
	g_assert_cmpuint(printable_columns(lines[0]), ==, WIDTH - 39 + 5);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/report_profile/no_two_look_alike", test_no_two_look_alike);
	g_test_add_func("/report_profile/both_ends_of_a_name", test_both_ends_of_a_name);
	g_test_add_func("/report_profile/names_of_all_kinds", test_names_of_all_kinds);
	return g_test_run();
}
