/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Recordings of COLO with samples in them, and their profiles as the subcommands load
 * them. It asserts, and tests nothing.
 */
#ifndef COLO_PERF_TESTS_PROFILE_STORY_H
#define COLO_PERF_TESTS_PROFILE_STORY_H

#include "lib/usual_pair.h"
#include "phase_profile.h"

/* What perf record -F 1000 -g makes of cpu-clock. */
extern const struct perf_builder_event profile_story_cpu_clock;

/*
 * A checkpoint in which the wait takes 5 ms, each phase 1 ms and each gap 10 us.
 */
struct colo_story_checkpoint profile_story_checkpoint(guint64 seq);

/* One recording. Both may be used as they are, for what is not below. */
struct profile_story {
	struct perf_builder *builder; /* Owned by this */
	struct colo_story *story;     /* Owned by this */
	guint event;		      /* of the samples */
};

/* The kernel is mapped, with functions "a" to "z". event: NULL for none that samples. */
struct profile_story *profile_story_new(int byte_order, const struct perf_builder_event *event);
void profile_story_free(struct profile_story *story);

/*
 * A sample of the event with a call chain of the functions in `functions`, one letter each,
 * the outermost first. "": no chain.
 */
void profile_story_sample(struct profile_story *story, gint32 pid, gint32 tid, guint64 time_ns,
			  const char *functions);

/* The same with everything; time, event and thread are in sample->at. */
void profile_story_raw_sample(struct profile_story *story,
			      const struct perf_builder_sample *sample);

/* An address in one of those functions. */
guint64 profile_story_address(char function);

/* Recordings, all of their sessions, and the profiles. */
struct loaded_profile {
	struct recordings *recordings;	 /* Owned by this */
	GPtrArray *summaries;		 /* Owned by this: struct colo_summary (owned) */
	struct phase_profiles *profiles; /* Owned by this */
	struct recording_options options;
	char *kallsyms; /* Owned by this: a path */
	int kallsyms_fd;
};

/* NULL with `error` when the profiles are refused; the recordings must be good. NULL: all. */
struct loaded_profile *loaded_profile_new(struct profile_story *const *stories, guint n,
					  const struct colo_selection *selection, const char *event,
					  GError **error);
/* Of files that are there, or whatever `paths`, a NULL-terminated list, may name. */
struct loaded_profile *loaded_profile_of_paths(const char *const *paths,
					       const struct colo_selection *selection,
					       const char *event, GError **error);
void loaded_profile_free(struct loaded_profile *loaded);

/* All of one story; frees the story. */
struct loaded_profile *loaded_profile_of(struct profile_story *story);

/* Of the only session with that role. */
const struct session_profile *loaded_profile_session(const struct loaded_profile *loaded,
						     enum colo_role role);

/* The part of that name. */
const struct part_profile *loaded_profile_part(const struct loaded_profile *loaded,
					       enum colo_role role, const char *part);

#endif
