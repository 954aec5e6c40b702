/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Demangling, by libiberty.
 */
#include "symbols/demangle.h"

#include <glib.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

/* Long enough for what templates make; the demangler's time grows faster than the name. */
#define MAX_LENGTH (32 << 10)

char *demangle(const char *name)
{
	char *malloced, *demangled;

	/* What libiberty knows begins with _Z, _R or _D; asking for every name of C costs more. */
	if (name[0] != '_' || strnlen(name, MAX_LENGTH) == MAX_LENGTH)
		return NULL;
	malloced = cplus_demangle(name, DMGL_NO_OPTS);
	if (!malloced)
		return NULL;
	demangled = g_strdup(malloced);
	free(malloced);
	return demangled;
}
