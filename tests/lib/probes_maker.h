/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Programs with static probes, made with the compiler from notes in assembler: sys/sdt.h need
 * not be installed, and they may be as wrong as a test wants. They are not for running.
 */
#ifndef COLO_PERF_TESTS_PROBES_MAKER_H
#define COLO_PERF_TESTS_PROBES_MAKER_H

#include <glib.h>

/* What stands in the file at each probe. */
#define PROBES_MAKER_PLACE "\x90\xcc\x0f\x0b"

struct made_probe {
	const char *provider, *name, *arguments;
	gboolean counter; /* it has a semaphore */
};

/*
 * Compiles DIR/NAME with the probes, a list that ends with a NULL provider, and with `options` of
 * gcc. The notes say that all is `moved` bytes away from where it is, as before prelink.
 */
void probes_maker_compile(const char *dir, const char *name, const struct made_probe *probes,
			  const char *options, guint moved);

#endif
