/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A recording with all that a reader may meet: both sides of COLO, samples with call chains,
 * processes that come and go, and every other record that the kernel writes, in each layout of
 * samples. For comparing the forms that it can be written in.
 */
#ifndef COLO_PERF_TESTS_FORMS_STORY_H
#define COLO_PERF_TESTS_FORMS_STORY_H

#include "perf_builder.h"

/* What the samples are made of. */
struct forms_layout {
	const char *name;
	guint64 probe_sample, clock_sample; /* sample_type of the probes and of cpu-clock */
	guint64 read_format;
	gboolean sample_id_all;
	guint min_attr_size; /* that says all that a reader must know */
};

extern const struct forms_layout forms_layouts[];
extern const guint forms_n_layouts;

/* What is told, apart from COLO and its samples. */
enum forms_tale {
	FORMS_SOUND = 0,
	FORMS_ODD = 1, /* what no sound machine does: repeated seq, a tid of two processes, ... */
	FORMS_UNKNOWN = 2, /* records of types that nobody knows */
	FORMS_TRACE = 4,   /* AUXTRACE, with a trace that nobody decodes */
	FORMS_LARGE = 8,   /* records near to 64 KiB, which cannot be compressed */
};

struct forms_machine {
	int byte_order;
	guint long_size_bytes;
	guint attr_size_bytes;
};

/* tale: of enum forms_tale, added up. To be freed with perf_builder_free(). */
struct perf_builder *forms_story(const struct forms_machine *machine,
				 const struct forms_layout *layout, guint tale);

#endif
