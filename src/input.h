/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the subcommands that read recordings have in common: the options that say which
 * files, which checkpoints and where symbols are, and the loading of what they say.
 */
#ifndef COLO_PERF_INPUT_H
#define COLO_PERF_INPUT_H

#include "phase_profile.h"

struct input_options {
	char **inputs;			  /* Owned by this: -i */
	char **files;			  /* Owned by this: bare names */
	char *checkpoints, *role;	  /* Owned by this */
	char **pid_lists;		  /* Owned by this: --pid */
	char *since, *until;		  /* Owned by this: seconds */
	char *skip;			  /* Owned by this: a number */
	char *event;			  /* Owned by this; NULL: chosen by phase_profiles_new() */
	char *symfs, *vmlinux, *kallsyms; /* Owned by this */
	gboolean no_debuginfod;
	struct debuginfod *debuginfod; /* Owned by this; NULL: nobody is asked */
	char *formats;		       /* Owned by this; NULL: of this machine */
	gboolean inlines, help, version;
	struct colo_selection selection; /* what the texts say, once they are checked */
	GArray *pids;			 /* Owned by this: pid_t, likewise; NULL: all */
};

void input_options_clear(struct input_options *options);

/*
 * Parses the options of `command`, those above and `entries` of its own, and checks
 * them. True when there is work to do; otherwise the command is done, help, version
 * or an error were printed, and `status` is its exit status.
 */
struct input_command {
	const char *name, *arguments, *summary, *description;
	const GOptionEntry *entries;
};
bool input_parse(const struct input_command *command, struct input_options *options, int *argc,
		 char ***argv, int *status);

/* Prints what is asked for, GLib's help or the version; returns the command's exit status. */
int input_print_about(const char *command, GOptionContext *context, bool help, bool version);

/* Prints an error of wrong usage, with where to read on; returns the exit status. */
int input_usage_fail(const char *command, const GError *error);

/* Makes an error of wrong usage and returns false. */
bool input_usage_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/*
 * Appends the processes that `lists` (NULL: none) name, numbers with commas, to `pids` (NULL: it is
 * only checked). False with an error of wrong usage.
 */
bool input_parse_pids(const char *const *lists, GArray *pids, GError **error);

/* Recordings and their sessions. */
struct input {
	struct recordings *recordings; /* Owned by this */
	GPtrArray *summaries; /* Owned by this: struct colo_summary (owned), primaries first */
};

/*
 * Loads the files that the options name, or the one at `path` if it is not NULL. The
 * sessions are those with a chosen checkpoint, and of the chosen processes unless `path` is
 * given: it is of others. False when there is nothing to show: the
 * reason was printed, and `status` is the exit status.
 */
bool input_load(const char *command, const struct input_options *options, const char *path,
		struct input *input, int *status);
/* Says why there is nothing to show: the likeliest reason. Returns the exit status. */
int input_fail_without_checkpoints(const char *command, const struct recordings *recordings);

void input_clear(struct input *input);

#endif
