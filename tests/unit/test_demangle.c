/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * demangle: names as perf shows them, and names that are made to take for ever.
 */
#include "symbols/demangle.h"

#include <glib.h>
#include <string.h>

static void assert_demangled(const char *name, const char *expected)
{
	g_autofree char *demangled = demangle(name);

	g_assert_cmpstr(demangled, ==, expected);
}

static void test_names(void)
{
	assert_demangled("_ZN3foo3barEi", "foo::bar");
	assert_demangled("_ZNKSt6vectorIiSaIiEE4sizeEv",
			 "std::vector<int, std::allocator<int> >::size");
	/* Rust, the older way and the newer. */
	assert_demangled("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write");
	assert_demangled("_RNvC7mycrate3foo", "mycrate::foo");
	/* No mangled names. */
	assert_demangled("ram_save_iterate", NULL);
	assert_demangled("_start", NULL);
	assert_demangled("_ZN", NULL);
	assert_demangled("_Z", NULL);
	assert_demangled("_", NULL);
	assert_demangled("", NULL);
}

/* The n-th back reference of a mangled name: S_, S0_, ... S9_, SA_, ... */
static void append_reference(GString *name, guint n)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (n == 0)
		g_string_append(name, "S_");
	else
		g_string_append_printf(name, "S%c_", digits[n - 1]);
}

/* p<p<p<int, int>, p<int, int>>, ...>: with each level the name is twice as long. */
static char *doubled(guint levels)
{
	GString *name = g_string_new("_Z1fI1pIiiE");

	for (guint i = 1; i < levels; i++) {
		g_string_append(name, "S0_I");
		append_reference(name, i + 1);
		append_reference(name, i + 1);
		g_string_append_c(name, 'E');
	}
	g_string_append(name, "Evv");
	return g_string_free(name, FALSE);
}

static void test_name_that_grows_without_end(void)
{
	g_autofree char *small = doubled(3), *large = doubled(30);
	g_autofree char *medium = doubled(10), *demangled = demangle(small);
	g_autofree char *longer = demangle(medium);

	g_assert_cmpuint(strlen(longer), >, 50 * strlen(demangled));
	g_assert_nonnull(strstr(demangled, "p<int, int>"));
	g_assert_cmpuint(strlen(large), <, 400);
	assert_demangled(large, NULL);
}

static void test_name_that_is_too_long(void)
{
	g_autofree char *long_name = g_strnfill(1 << 20, 'a');

	memcpy(long_name, "_Z999999", 8);
	assert_demangled(long_name, NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/demangle/names", test_names);
	g_test_add_func("/demangle/name_that_grows_without_end", test_name_that_grows_without_end);
	g_test_add_func("/demangle/name_that_is_too_long", test_name_that_is_too_long);
	return g_test_run();
}
