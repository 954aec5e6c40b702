/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Demangling, by libiberty.
 */
#include "symbols/demangle.h"

#include <glib.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#define MAX_LENGTH 4096 /* of a mangled name */

/* A short name can stand for a very long one: each level of a template may double it. */
#define MAX_DEMANGLED 65536

struct demangling {
	GString *text;
	jmp_buf too_long;
};

/* libiberty has no way to stop but this one; all that it holds is on the stack. */
static void add_text(const char *text, size_t len, void *data)
{
	struct demangling *demangling = data;

	if (demangling->text->len + len > MAX_DEMANGLED)
		longjmp(demangling->too_long, 1);
	g_string_append_len(demangling->text, text, (gssize)len);
}

/* The demanglers that know names with "_": Rust's before C++'s, as its older ones look like those.
 */
static bool demangle_into(struct demangling *demangling, const char *name)
{
	if (setjmp(demangling->too_long))
		return false;
	if (rust_demangle_callback(name, DMGL_NO_OPTS, add_text, demangling))
		return true;
	g_string_truncate(demangling->text, 0);
	return cplus_demangle_v3_callback(name, DMGL_NO_OPTS, add_text, demangling);
}

char *demangle(const char *name)
{
	struct demangling demangling;

	/* Asking for every name of C costs more. */
	if (name[0] != '_' || strnlen(name, MAX_LENGTH) == MAX_LENGTH)
		return NULL;
	demangling.text = g_string_new(NULL);
	if (demangle_into(&demangling, name))
		return g_string_free(demangling.text, FALSE);
	g_string_free(demangling.text, TRUE);
	return NULL;
}
