/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the same recordings in every form that the installed perf knows, for check-perf.sh:
 *
 *    make_forms DIRECTORY          DIRECTORY/LAYOUT/FORM
 */
#include "lib/forms_story.h"
#include "lib/recording_forms.h"

#include <glib/gstdio.h>
#include <stdio.h>

/* perf reads only what machines like its own have written, and refuses records it does not know. */
static void write_layout(const char *directory, const struct forms_layout *layout)
{
	const struct forms_machine machine = {.byte_order = G_BYTE_ORDER,
					      .long_size_bytes = sizeof(long),
					      .attr_size_bytes = PERF_ATTR_SIZE_VER7};
	struct perf_builder *builder = forms_story(&machine, layout, FORMS_SOUND);
	g_autofree char *in = g_build_filename(directory, layout->name, NULL);

	g_assert_cmpint(g_mkdir(in, 0700), ==, 0);
	for (guint i = 0; i < recording_n_forms; i++) {
		g_autofree char *path = g_build_filename(in, recording_forms[i].name, NULL);

		if (!recording_forms[i].is_new)
			recording_form_write(&recording_forms[i], builder, path);
	}
	perf_builder_free(builder);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	for (guint i = 0; i < forms_n_layouts; i++)
		write_layout(argv[1], &forms_layouts[i]);
	return 0;
}
