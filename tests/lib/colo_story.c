/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells a perf_builder what a recording of COLO holds; see colo_story.h. The
 * probes and their arguments, and the order of the phases on each side, are
 * tables here, written after docs/probes.md and not shared with src/.
 */
#include "colo_story.h"

#include <string.h>
#include <sys/mman.h>

#define SYSTEM		    "sdt_qemu:"
#define FIRST_TRACEPOINT_ID 1500 /* common_type; any number that the kernel's own do not have */
#define CODE_START	    0x55d000000000ULL
#define CODE_SIZE	    0x800000ULL
#define PROBE_DISTANCE	    0x40 /* bytes of code from one probe to the next, made up */
#define TRIGGER_AHEAD_NS    2000 /* from the trigger to the end of a wait that is no shorter */

struct probe {
	const char *name;
	const char *args;
};

#define PAIR(name, end_adds)                                                                       \
	{"colo_" name "_begin", "s32 u64"},                                                        \
	{                                                                                          \
		"colo_" name "_end", "s32 u64" end_adds                                            \
	}

static const struct probe probes[] = {
	{"colo_init_begin", "s32"},
	{"colo_init_end", "s32"},
	PAIR("wait", ""),
	PAIR("checkpoint", " s32"),
	PAIR("request", ""),
	PAIR("stop", ""),
	PAIR("reply", ""),
	PAIR("block", ""),
	PAIR("dev", " u64"),
	PAIR("ram", " u64 u64 u64"),
	PAIR("vmstate", " u64"),
	PAIR("received", ""),
	PAIR("flush", " u64"),
	PAIR("net", ""),
	PAIR("loaded", ""),
	PAIR("resume", ""),
	{"colo_trigger", "s32 u64 s32"},
	{"colo_exit", "s32 s32"},
	{"colo_counters_state", "s32 u64 s32 s64 s64 s64"},
	{"colo_counters_ram", "s32 u64 u64 u64 u64 u64"},
	{"colo_counters_pages", "s32 u64 u64 u64 u64 u64"},
	{"colo_counters_rate", "s32 u64 u64 u64 u64 s64"},
	{"colo_counters_bytes", "s32 u64 u64 u64 u64 u64"},
};

static const char *const phase_names[COLO_STORY_N_PHASES] = {
	[COLO_STORY_INIT] = "init",
	[COLO_STORY_WAIT] = "wait",
	[COLO_STORY_CHECKPOINT] = "checkpoint",
	[COLO_STORY_REQUEST] = "request",
	[COLO_STORY_STOP] = "stop",
	[COLO_STORY_REPLY] = "reply",
	[COLO_STORY_BLOCK] = "block",
	[COLO_STORY_DEV] = "dev",
	[COLO_STORY_RAM] = "ram",
	[COLO_STORY_VMSTATE] = "vmstate",
	[COLO_STORY_RECEIVED] = "received",
	[COLO_STORY_FLUSH] = "flush",
	[COLO_STORY_NET] = "net",
	[COLO_STORY_LOADED] = "loaded",
	[COLO_STORY_RESUME] = "resume",
};

static const enum colo_story_phase primary_order[] = {
	COLO_STORY_REQUEST, COLO_STORY_STOP,	COLO_STORY_BLOCK,    COLO_STORY_DEV,
	COLO_STORY_RAM,	    COLO_STORY_VMSTATE, COLO_STORY_RECEIVED, COLO_STORY_NET,
	COLO_STORY_LOADED,  COLO_STORY_RESUME,
};

static const enum colo_story_phase secondary_order[] = {
	COLO_STORY_STOP,     COLO_STORY_REPLY,	COLO_STORY_RAM,	   COLO_STORY_VMSTATE,
	COLO_STORY_RECEIVED, COLO_STORY_FLUSH,	COLO_STORY_DEV,	   COLO_STORY_BLOCK,
	COLO_STORY_NET,	     COLO_STORY_RESUME, COLO_STORY_LOADED,
};

struct colo_story {
	struct perf_builder *builder; /* Weak */
	guint n_cpus;
	struct perf_event_attr attr; /* of all probes */
	GPtrArray *names;	     /* Owned by this, and the strings */
	GArray *events;		     /* Owned by this; of guint, index as in names */
	guint task_event;	     /* the layout of COMM and MMAP2 */
	GArray *pending;	     /* Owned by this; of struct colo_story_hit */
	guint64 next_ordinal;
	guint64 n_written; /* what the probes have counted, if their samples tell */
	guint64 window_first, window_end;
	colo_story_filter filter;
	gpointer filter_data; /* Weak */
};

static const enum colo_story_phase *phase_order(const struct colo_story_side *side, guint *n)
{
	if (side->role == COLO_STORY_PRIMARY) {
		*n = G_N_ELEMENTS(primary_order);
		return primary_order;
	}
	*n = G_N_ELEMENTS(secondary_order);
	return secondary_order;
}

struct perf_event_attr colo_story_default_attr(void)
{
	return (struct perf_event_attr){
		.sample_period = 1,
		.sample_type = PERF_BUILDER_TRACEPOINT_SAMPLE,
		.read_format = PERF_FORMAT_ID | PERF_FORMAT_LOST,
		.disabled = 1,
		.inherit = 1,
		.sample_id_all = 1,
		.exclude_guest = 1,
	};
}

void colo_story_add_probe(struct colo_story *story, const char *name, const char *args)
{
	g_autofree char *full_name = g_strconcat(SYSTEM, name, NULL);
	struct perf_builder_event event = {
		.name = full_name, .attr = story->attr, .n_ids = story->n_cpus, .args = args};
	guint index;

	event.attr.type = PERF_TYPE_TRACEPOINT;
	event.attr.config = FIRST_TRACEPOINT_ID + story->names->len;
	index = perf_builder_add_event(story->builder, &event);
	g_array_append_val(story->events, index);
	g_ptr_array_add(story->names, g_strdup(name));
}

/* COMM, MMAP2 and so on are of an event of their own, with ids where the probes have theirs. */
static struct perf_event_attr task_attr(const struct perf_event_attr *of_probes)
{
	const guint64 ids = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID;

	return (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			       PERF_SAMPLE_CPU | (of_probes->sample_type & ids),
		.read_format = PERF_FORMAT_ID | PERF_FORMAT_LOST,
		.inherit = 1,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.sample_id_all = of_probes->sample_id_all,
	};
}

struct colo_story *colo_story_new(struct perf_builder *builder, guint n_cpus,
				  const struct perf_event_attr *attr)
{
	struct colo_story *story = g_new0(struct colo_story, 1);
	struct perf_builder_event task = {.name = "dummy:HG", .n_ids = n_cpus};

	g_assert_cmpuint(n_cpus, >, 0);
	story->builder = builder;
	story->n_cpus = n_cpus;
	story->attr = attr ? *attr : colo_story_default_attr();
	story->window_end = G_MAXUINT64;
	story->names = g_ptr_array_new_with_free_func(g_free);
	story->events = g_array_new(FALSE, FALSE, sizeof(guint));
	story->pending = g_array_new(FALSE, FALSE, sizeof(struct colo_story_hit));
	for (guint i = 0; i < G_N_ELEMENTS(probes); i++)
		colo_story_add_probe(story, probes[i].name, probes[i].args);
	task.attr = task_attr(&story->attr);
	story->task_event = perf_builder_add_event(builder, &task);
	return story;
}

void colo_story_free(struct colo_story *story)
{
	if (!story)
		return;
	colo_story_flush(story);
	g_array_unref(story->pending);
	g_array_unref(story->events);
	g_ptr_array_unref(story->names);
	g_free(story);
}

static guint find_probe(const struct colo_story *story, const char *probe)
{
	for (guint i = 0; i < story->names->len; i++) {
		if (!strcmp(g_ptr_array_index(story->names, i), probe))
			return i;
	}
	g_error("no such probe: '%s'", probe);
}

guint colo_story_event(const struct colo_story *story, const char *probe)
{
	return g_array_index(story->events, guint, find_probe(story, probe));
}

guint colo_story_task_event(const struct colo_story *story)
{
	return story->task_event;
}

void colo_story_set_filter(struct colo_story *story, colo_story_filter filter, gpointer user_data)
{
	story->filter = filter;
	story->filter_data = user_data;
}

void colo_story_set_window(struct colo_story *story, guint64 first, guint64 end)
{
	story->window_first = first;
	story->window_end = end;
}

void colo_story_features(struct colo_story *story)
{
	static const char *const argv[] = {"/usr/bin/perf", "record", "-e",
					   "sdt_qemu:*",    "-a",     NULL};

	perf_builder_feature_string(story->builder, PERF_BUILDER_HOSTNAME, "host");
	perf_builder_feature_string(story->builder, PERF_BUILDER_OSRELEASE, "6.1.0");
	perf_builder_feature_string(story->builder, PERF_BUILDER_VERSION, "6.1.0");
	perf_builder_feature_string(story->builder, PERF_BUILDER_ARCH, "x86_64");
	perf_builder_feature_cmdline(story->builder, argv);
}

static void add_comm(struct colo_story *story, const struct colo_story_side *side, gint32 tid,
		     const char *comm, gboolean exec)
{
	struct perf_builder_stamp at = {.event = story->task_event,
					.pid = side->pid,
					.tid = tid,
					.cpu = side->cpu,
					.time_ns = side->now_ns};

	perf_builder_comm(story->builder, &at, comm, exec);
}

void colo_story_process(struct colo_story *story, const struct colo_story_side *side)
{
	struct perf_builder_mmap mmap = {
		.at = {.event = story->task_event,
		       .pid = side->pid,
		       .tid = side->pid,
		       .cpu = side->cpu,
		       .time_ns = side->now_ns},
		.misc = PERF_RECORD_MISC_USER,
		.start = CODE_START,
		.size_bytes = CODE_SIZE,
		.prot = PROT_READ | PROT_EXEC,
		.flags = MAP_PRIVATE,
		.path = "/opt/colo-perf/qemu-system-x86_64",
	};

	add_comm(story, side, side->pid, "qemu-system-x86", TRUE);
	perf_builder_mmap2(story->builder, &mmap);
	if (side->tid != side->pid)
		add_comm(story, side, side->tid,
			 side->role == COLO_STORY_PRIMARY ? "live_migration" : "COLO incoming",
			 FALSE);
}

static void tell(struct colo_story *story, struct colo_story_hit *hit)
{
	guint times = 1;

	hit->ordinal = story->next_ordinal++;
	if (hit->ordinal < story->window_first || hit->ordinal >= story->window_end)
		return;
	if (story->filter)
		times = story->filter(hit, story->filter_data);
	while (times--)
		g_array_append_val(story->pending, *hit);
}

void colo_story_hit(struct colo_story *story, const struct colo_story_side *side, const char *probe,
		    const guint64 *args, guint n_args)
{
	/* The story's own copy of the name: it outlives the hit. */
	guint index = find_probe(story, probe);
	struct colo_story_hit hit = {.probe = g_ptr_array_index(story->names, index),
				     .pid = side->pid,
				     .tid = side->tid,
				     .cpu = side->cpu,
				     .time_ns = side->now_ns,
				     .n_args = n_args};

	g_assert_cmpuint(n_args, <=, G_N_ELEMENTS(hit.args));
	memcpy(hit.args, args, n_args * sizeof(*args));
	tell(story, &hit);
}

/* The begin or the end of a phase: role, seq, and n_more arguments. */
static void tell_phase(struct colo_story *story, const struct colo_story_side *side,
		       enum colo_story_phase phase, const char *which, guint64 seq,
		       const guint64 *more, guint n_more)
{
	g_autofree char *name = g_strconcat("colo_", phase_names[phase], "_", which, NULL);
	guint64 args[6] = {side->role, seq};
	guint n_args = phase == COLO_STORY_INIT ? 1 : 2 + n_more;

	if (n_more)
		memcpy(args + 2, more, n_more * sizeof(*more));
	colo_story_hit(story, side, name, args, n_args);
}

static void begin(struct colo_story *story, const struct colo_story_side *side,
		  enum colo_story_phase phase, guint64 seq)
{
	tell_phase(story, side, phase, "begin", seq, NULL, 0);
}

static void end(struct colo_story *story, const struct colo_story_side *side,
		enum colo_story_phase phase, const struct colo_story_checkpoint *checkpoint)
{
	guint64 more[3];
	guint n_more = 0;

	switch (phase) {
	case COLO_STORY_CHECKPOINT:
		more[n_more++] = (guint64)(gint64)checkpoint->ret;
		break;
	case COLO_STORY_DEV:
		more[n_more++] = checkpoint->dev_bytes;
		break;
	case COLO_STORY_RAM:
		more[n_more++] = checkpoint->ram_bytes;
		more[n_more++] = checkpoint->normal_pages;
		more[n_more++] = checkpoint->zero_pages;
		break;
	case COLO_STORY_VMSTATE:
		more[n_more++] = checkpoint->vmstate_bytes;
		break;
	case COLO_STORY_FLUSH:
		more[n_more++] = checkpoint->flushed_pages;
		break;
	default:
		break;
	}
	tell_phase(story, side, phase, "end", checkpoint->seq, more, n_more);
}

void colo_story_init(struct colo_story *story, struct colo_story_side *side, guint64 init_ns)
{
	tell_phase(story, side, COLO_STORY_INIT, "begin", 0, NULL, 0);
	side->now_ns += init_ns;
	tell_phase(story, side, COLO_STORY_INIT, "end", 0, NULL, 0);
}

static void tell_counters(struct colo_story *story, const struct colo_story_side *side, guint64 seq,
			  const struct colo_story_counters *counters)
{
	const guint64 state[] = {side->role,	     seq,
				 counters->status,   counters->setup_ms,
				 counters->total_ms, counters->expected_downtime_ms};
	const guint64 ram[] = {side->role,
			       seq,
			       counters->total_bytes,
			       counters->remaining_bytes,
			       counters->transferred_bytes,
			       counters->page_size_bytes};
	const guint64 pages[] = {side->role,
				 seq,
				 counters->normal_pages,
				 counters->duplicate_pages,
				 counters->dirty_sync_count,
				 counters->dirty_pages_per_s};
	const guint64 rate[] = {side->role,
				seq,
				counters->multifd_bytes,
				counters->postcopy_requests,
				counters->pages_per_s,
				counters->bits_per_s};
	const guint64 bytes[] = {side->role,
				 seq,
				 counters->precopy_bytes,
				 counters->downtime_bytes,
				 counters->postcopy_bytes,
				 counters->missed_zero_copy};

	colo_story_hit(story, side, "colo_counters_state", state, G_N_ELEMENTS(state));
	if (side->role != COLO_STORY_PRIMARY)
		return;
	colo_story_hit(story, side, "colo_counters_ram", ram, G_N_ELEMENTS(ram));
	colo_story_hit(story, side, "colo_counters_pages", pages, G_N_ELEMENTS(pages));
	colo_story_hit(story, side, "colo_counters_rate", rate, G_N_ELEMENTS(rate));
	colo_story_hit(story, side, "colo_counters_bytes", bytes, G_N_ELEMENTS(bytes));
}

void colo_story_trigger(struct colo_story *story, const struct colo_story_side *side, guint64 seq,
			enum colo_story_trigger reason, guint64 time_ns)
{
	const guint64 args[] = {side->role, seq, reason};
	struct colo_story_side main_loop = *side;

	main_loop.tid = side->pid;
	main_loop.cpu = side->main_cpu;
	main_loop.now_ns = time_ns;
	colo_story_hit(story, &main_loop, "colo_trigger", args, G_N_ELEMENTS(args));
}

void colo_story_open_wait(struct colo_story *story, const struct colo_story_side *side, guint64 seq)
{
	begin(story, side, COLO_STORY_WAIT, seq);
}

void colo_story_checkpoint(struct colo_story *story, struct colo_story_side *side,
			   const struct colo_story_checkpoint *checkpoint)
{
	guint64 seq = checkpoint->seq;
	const enum colo_story_phase *order;
	guint n;

	begin(story, side, COLO_STORY_WAIT, seq);
	side->now_ns += checkpoint->wait_ns;
	if (side->role == COLO_STORY_PRIMARY && checkpoint->trigger != COLO_STORY_NO_TRIGGER)
		colo_story_trigger(story, side, seq, checkpoint->trigger,
				   side->now_ns - MIN(checkpoint->wait_ns, TRIGGER_AHEAD_NS));
	end(story, side, COLO_STORY_WAIT, checkpoint);

	begin(story, side, COLO_STORY_CHECKPOINT, seq);
	order = phase_order(side, &n);
	for (guint i = 0; i < n; i++) {
		side->now_ns += checkpoint->before_ns[order[i]];
		begin(story, side, order[i], seq);
		side->now_ns += checkpoint->phase_ns[order[i]];
		if (checkpoint->ret < 0 && checkpoint->fail_phase == order[i])
			break;
		end(story, side, order[i], checkpoint);
	}
	side->now_ns += checkpoint->after_ns;
	end(story, side, COLO_STORY_CHECKPOINT, checkpoint);
	if (checkpoint->counters)
		tell_counters(story, side, seq, checkpoint->counters);
}

void colo_story_exit(struct colo_story *story, const struct colo_story_side *side, gint32 reason)
{
	const guint64 args[] = {side->role, (guint64)(gint64)reason};

	colo_story_hit(story, side, "colo_exit", args, G_N_ELEMENTS(args));
}

guint64 colo_story_checkpoint_ns(const struct colo_story_side *side,
				 const struct colo_story_checkpoint *checkpoint)
{
	guint64 sum_ns = checkpoint->after_ns;
	const enum colo_story_phase *order;
	guint n;

	order = phase_order(side, &n);
	for (guint i = 0; i < n; i++) {
		sum_ns += checkpoint->before_ns[order[i]] + checkpoint->phase_ns[order[i]];
		if (checkpoint->ret < 0 && checkpoint->fail_phase == order[i])
			break;
	}
	return sum_ns;
}

guint64 colo_story_phase_begin_ns(const struct colo_story_side *side,
				  const struct colo_story_checkpoint *checkpoint,
				  enum colo_story_phase phase)
{
	guint64 begin_ns = side->now_ns + checkpoint->wait_ns;
	const enum colo_story_phase *order;
	guint n;

	if (phase == COLO_STORY_WAIT)
		return side->now_ns;
	if (phase == COLO_STORY_CHECKPOINT)
		return begin_ns;
	order = phase_order(side, &n);
	for (guint i = 0; i < n; i++) {
		begin_ns += checkpoint->before_ns[order[i]];
		if (order[i] == phase)
			return begin_ns;
		begin_ns += checkpoint->phase_ns[order[i]];
	}
	g_error("the side has no phase %s", phase_names[phase]);
}

enum colo_story_phase colo_story_phase_at(const struct colo_story_side *side,
					  const struct colo_story_checkpoint *checkpoint,
					  guint64 time_ns)
{
	guint64 reached_ns = side->now_ns + checkpoint->wait_ns;
	const enum colo_story_phase *order;
	guint n;

	if (time_ns < reached_ns)
		return COLO_STORY_WAIT;
	order = phase_order(side, &n);
	for (guint i = 0; i < n; i++) {
		reached_ns += checkpoint->before_ns[order[i]];
		if (time_ns < reached_ns)
			return COLO_STORY_CHECKPOINT;
		reached_ns += checkpoint->phase_ns[order[i]];
		if (time_ns < reached_ns)
			return order[i];
	}
	return time_ns < reached_ns + checkpoint->after_ns ? COLO_STORY_CHECKPOINT
							   : COLO_STORY_WAIT;
}

void colo_story_write_hit(struct colo_story *story, const struct colo_story_hit *hit)
{
	const guint probe = find_probe(story, hit->probe);
	const guint event = g_array_index(story->events, guint, probe);
	const struct perf_builder_count count = {.event = event, .value = ++story->n_written};
	const struct perf_builder_sample sample = {
		.at = {.event = event,
		       .pid = hit->pid,
		       .tid = hit->tid,
		       .cpu = hit->cpu,
		       .time_ns = hit->time_ns},
		.misc = PERF_RECORD_MISC_USER,
		.ip = CODE_START + 0x1000 + probe * PROBE_DISTANCE,
		.period = story->attr.freq ? 1 : story->attr.sample_period,
		.args = hit->args,
		.n_args = hit->n_args,
		.counts = {.of = &count, .n = 1},
	};

	perf_builder_sample(story->builder, &sample);
}

void colo_story_flush(struct colo_story *story)
{
	if (!story->pending->len)
		return;
	for (guint32 cpu = 0; cpu < story->n_cpus; cpu++) {
		for (guint i = 0; i < story->pending->len; i++) {
			const struct colo_story_hit *hit =
				&g_array_index(story->pending, struct colo_story_hit, i);

			g_assert_cmpuint(hit->cpu, <, story->n_cpus);
			if (hit->cpu == cpu)
				colo_story_write_hit(story, hit);
		}
	}
	perf_builder_finished_round(story->builder);
	g_array_set_size(story->pending, 0);
}
