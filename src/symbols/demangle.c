/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Demangling, by libiberty.
 */
#include "symbols/demangle.h"

#include "base/hash.h"

#include <glib.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#define MAX_LENGTH 4096 /* of a mangled name */

/* A short name can stand for a very long one: each level of a template may double it. */
#define MAX_DEMANGLED 65536

#define MAX_OF_FILE (16 << 20) /* bytes that are made of the names of a file, used or not */

#define PLT "@plt"

struct demangling {
	GString *text;
	size_t made; /* bytes, dropped ones too */
	jmp_buf too_long;
};

struct demangler {
	GHashTable *names; /* Owned by this: name (weak) to its form (owned), or to NULL */
	size_t left;	   /* bytes that may still be made */
};

/* libiberty has no way to stop but this one; all that it holds is on the stack. */
static void add_text(const char *text, size_t len, void *data)
{
	struct demangling *demangling = data;

	if (demangling->text->len + len > MAX_DEMANGLED)
		longjmp(demangling->too_long, 1);
	demangling->made += len;
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

/* Takes what it makes off `left`. */
static char *demangle_within(const char *name, size_t *left)
{
	struct demangling demangling = {.made = 0};
	bool done;

	/* Asking for every name of C costs more. */
	if (name[0] != '_' || strnlen(name, MAX_LENGTH) == MAX_LENGTH || !*left)
		return NULL;
	demangling.text = g_string_new(NULL);
	done = demangle_into(&demangling, name);
	*left -= MIN(*left, demangling.made);
	return g_string_free(demangling.text, !done);
}

char *demangle(const char *name)
{
	size_t left = MAX_OF_FILE;

	return demangle_within(name, &left);
}

struct demangler *demangler_new(void)
{
	struct demangler *demangler = g_new0(struct demangler, 1);

	demangler->names = g_hash_table_new_full(hash_pointer, NULL, NULL, g_free);
	demangler->left = MAX_OF_FILE;
	return demangler;
}

void demangler_free(struct demangler *demangler)
{
	if (!demangler)
		return;
	g_hash_table_unref(demangler->names);
	g_free(demangler);
}

/* "_ZN3foo3barEi@plt" too. */
static char *demangle_stub(struct demangler *demangler, const char *name)
{
	g_autofree char *function = NULL;
	g_autofree char *demangled = NULL;

	if (!g_str_has_suffix(name, PLT))
		return demangle_within(name, &demangler->left);
	function = g_strndup(name, strlen(name) - strlen(PLT));
	demangled = demangle_within(function, &demangler->left);
	return demangled ? g_strconcat(demangled, PLT, NULL) : NULL;
}

const char *demangler_name(struct demangler *demangler, const char *name)
{
	gpointer demangled;

	if (!g_hash_table_lookup_extended(demangler->names, name, NULL, &demangled)) {
		demangled = demangle_stub(demangler, name);
		g_hash_table_insert(demangler->names, (gpointer)name, demangled);
	}
	return demangled ? demangled : name;
}
