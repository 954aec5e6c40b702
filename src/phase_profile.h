/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where the CPU time of each part of the checkpoints went: reads the samples of
 * the recordings, puts them into the parts of the chosen checkpoints, and sums them up by
 * thread and by function. Shared by the subcommands that read files; nothing is
 * printed here.
 */
#ifndef COLO_PERF_PHASE_PROFILE_H
#define COLO_PERF_PHASE_PROFILE_H

#include "colo/parts.h"
#include "profile/profile.h"
#include "profile/stack_resolver.h"
#include "recording.h"

/* What a thread did in a part. */
struct thread_share {
	uint32_t tid;
	const char *name; /* Weak; NULL: not known */
	uint64_t samples;
	struct colo_value on_cpu_ns;
};

/* How much of a part's samples is in a function. */
struct function_share {
	uint32_t frame; /* number in the stack table */
	uint64_t self;	/* samples in the function itself */
	uint64_t total; /* samples in it or in what it calls */
};

/* One part of a session, over all of its chosen checkpoints. */
struct part_profile {
	unsigned int part;
	uint64_t n_checkpoints; /* in which it was seen whole */
	uint64_t last_seq;	/* of them */
	int64_t wall_ns;
	uint64_t samples; /* of the thread that runs the checkpoints; functions are its */
	struct colo_value on_cpu_ns, off_cpu_ns; /* of that thread; unknown without a time */
	bool few_samples;			 /* too few for these times to mean much */
	GArray *others;	   /* Owned by this: struct thread_share of the process's other threads */
	GArray *functions; /* Owned by this: struct function_share, by self */
	uint64_t frames, unresolved_frames; /* of that thread's samples */
	uint64_t cut_samples;		    /* of them: call chains that lack their callers */
};

struct session_profile {
	const struct colo_session *session; /* Weak */
	guint index;			    /* in phase_profiles.sessions */
	struct part_profile parts[COLO_N_PARTS];
};

/*
 * A file whose addresses could not be named, as far as the chosen checkpoints need it; or, for
 * addresses in no file, what is known of them.
 */
struct unresolved_file {
	struct unresolved what;
	guint source;	    /* which recording */
	uint64_t samples;   /* in which they are */
	uint64_t last_walk; /* while it is summed up: the last stack that it was seen in */
};

/* Samples of a recording's COLO threads with addresses that have no name, by the reason. */
struct unresolved_samples {
	uint64_t samples[UNRESOLVED_N_KINDS];
	uint64_t last_walk[UNRESOLVED_N_KINDS]; /* as in struct unresolved_file */
};

struct phase_profiles {
	char *event;	   /* Owned by this: "cpu-clock"; NULL: no recording has samples */
	bool has_time;	   /* a sample stands for a known time on CPU */
	bool *is_sampled;  /* Owned by this: by source, whether the recording has the event */
	bool is_partial;   /* the event does not see all that runs: user or kernel alone */
	bool has_branches; /* --call-graph lbr, whose callers are not used */
	bool has_chains;   /* there were call chains, not only single addresses */
	uint64_t samples,
		samples_outside;      /* of the event; those in no part of a chosen checkpoint */
	uint64_t colo_samples;	      /* of the threads that run the checkpoints, in chosen parts */
	uint64_t bad_periods;	      /* samples whose period cannot be; they stand for no time */
	uint64_t samples_not_unwound; /* with a copy of the stack of a machine not known here */
	uint64_t samples_too_much;    /* whose unwinding met a limit: they are cut off there */
	uint64_t samples_without_time;	  /* cannot be put anywhere */
	uint64_t samples_unknown_context; /* with marks of a newer kernel in their call chains */
	uint64_t samples_deferred;	  /* whose callers are in records of their own */
	uint64_t samples_without_callers; /* of them: there is none; they are shown as cut off */
	struct stack_table *stacks;	  /* Owned by this */
	GPtrArray *profiles;		  /* Owned by this: struct profile (owned) by source */
	GPtrArray *resolvers; /* Owned by this: struct stack_resolver (owned) by source */
	GPtrArray *sessions;  /* Owned by this: struct session_profile (owned) */
	GHashTable
		*by_session; /* Owned by this: struct colo_session (weak) to its profile (weak) */
	GArray *unresolved;  /* Owned by this: struct unresolved_file, by samples */
	struct unresolved_samples *unresolved_samples; /* Owned by this: by source */
};

/* Which samples are wanted; what is not wanted costs less. */
struct sample_choice {
	struct colo_selection selection; /* checkpoints */
	const char *event;   /* NULL: cycles, or else the first sampling event that is there */
	enum colo_role role; /* 0: both */
	unsigned int part;   /* COLO_N_PARTS: all */
	bool all_threads;    /* stacks of all, or of the threads that run the checkpoints alone */
};

/*
 * Reads the chosen samples and profiles the sessions, an array of struct
 * colo_summary. NULL with `error` when the event is not there or a file cannot be read
 * any more.
 */
struct phase_profiles *phase_profiles_new(const struct recordings *recordings,
					  const GPtrArray *summaries,
					  const struct sample_choice *choice, GError **error);
void phase_profiles_free(struct phase_profiles *profiles);

/* The profile of a session; NULL when it is not among those that were asked for. */
const struct session_profile *phase_profiles_find(const struct phase_profiles *profiles,
						  const struct colo_session *session);

/*
 * Calls `visit` for each stack of each thread that was seen in the part; the stack is
 * STACK_EMPTY for threads whose stacks were not chosen.
 */
typedef void (*phase_stack_visitor)(const struct profile_thread *thread, uint32_t stack,
				    uint64_t samples, void *data);
void phase_profiles_visit(const struct phase_profiles *profiles,
			  const struct session_profile *session, unsigned int part,
			  phase_stack_visitor visit, void *data);

#endif
