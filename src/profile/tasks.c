/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Puts what the records say of processes into the order of time, and answers
 * from that. A process has a life for each program that it runs:
 *
 *     pid 7   |--- life 0 ---------|--- life 1 ----------|--- life 2 ---
 *             seen first           exec()                fork(): pid used again
 *
 * A life that began with a fork() has what its parent had mapped at that time.
 */
#include "profile/tasks.h"

#include "base/hash.h"
#include "base/string_table.h"
#include "profile/task_events.h"

/* Parents of parents that are asked for a mapping; a shell's child has three or four. */
#define MAX_ANCESTORS 64

/*
 * Bytes of a thread's name; the kernel has 15 of them, and more for its own threads. A record has
 * room for more, and a name is shown for each thread and each part of a checkpoint.
 */
#define MAX_THREAD_NAME 64

/* Bytes of the name of a symbol of the kernel: its KSYM_NAME_LEN. */
#define MAX_KSYMBOL_NAME 512

/* perf's own copy of the vDSO, the name of which `perf inject --mmap2-buildids` puts into records.
 */
#define PERF_VDSO_COPY "/tmp/perf-vdso.so-"

/* Below it is all that a process of 32 bits has. */
#define MEMORY_OF_32_BITS (UINT64_C(1) << 32)

/* What holds from a time on: an entry of a timeline, which is a GArray sorted by time. */
struct dated {
	uint64_t since_ns;
	void *what;
};

struct life {
	uint64_t since_ns;
	struct address_space *space; /* Owned by this: what it mapped itself; NULL: nothing */
	const struct life *parent;   /* Weak: whose mappings it began with, or NULL */
};

struct tasks {
	struct dso_table *dsos;	      /* Weak */
	struct string_table *strings; /* Owned by this: each name once */
	struct task_events *events;   /* Owned by this; none when settled */
	GPtrArray *lives;	      /* Owned by this: struct life (owned) */
	GHashTable *processes;	      /* Owned by this: pid to timeline (owned) of lives (weak) */
	GHashTable *threads; /* Owned by this: uint64_t * (owned) to timeline (owned) of names */
	struct ksymbols *ksymbols; /* Owned by this */
	GHashTable *ends; /* Owned by this: pid to timeline (owned) of ends, without a what */
};

static GArray *timeline_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(struct dated));
}

/* Entries come in the order of time. */
static void timeline_add(GArray *timeline, uint64_t since_ns, const void *what)
{
	const struct dated entry = {since_ns, (void *)what};

	g_array_append_val(timeline, entry);
}

static const struct dated *timeline_get(const GArray *timeline, guint index)
{
	return &g_array_index(timeline, struct dated, index);
}

/* How many entries hold at the time or held before: the last of them holds. */
static guint timeline_count_until(const GArray *timeline, uint64_t time_ns)
{
	guint first = 0, end = timeline->len;

	while (first < end) {
		const guint middle = first + (end - first) / 2;

		if (timeline_get(timeline, middle)->since_ns <= time_ns)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

static void life_free(gpointer data)
{
	struct life *life = data;

	address_space_free(life->space);
	g_free(life);
}

struct tasks *tasks_new(struct dso_table *dsos)
{
	struct tasks *tasks = g_new0(struct tasks, 1);

	tasks->dsos = dsos;
	tasks->strings = string_table_new();
	tasks->events = task_events_new(tasks->strings);
	tasks->lives = g_ptr_array_new_with_free_func(life_free);
	tasks->processes =
		g_hash_table_new_full(hash_pointer, NULL, NULL, (GDestroyNotify)g_array_unref);
	tasks->threads = g_hash_table_new_full(hash_int64, g_int64_equal, g_free,
					       (GDestroyNotify)g_array_unref);
	tasks->ksymbols = ksymbols_new();
	tasks->ends =
		g_hash_table_new_full(hash_pointer, NULL, NULL, (GDestroyNotify)g_array_unref);
	return tasks;
}

void tasks_free(struct tasks *tasks)
{
	if (!tasks)
		return;
	task_events_free(tasks->events);
	string_table_free(tasks->strings);
	g_ptr_array_unref(tasks->lives);
	g_hash_table_unref(tasks->processes);
	g_hash_table_unref(tasks->threads);
	ksymbols_free(tasks->ksymbols);
	g_hash_table_unref(tasks->ends);
	g_free(tasks);
}

/* Bytes. */
static size_t longest_name(enum perf_task_kind kind)
{
	switch (kind) {
	case PERF_TASK_COMM:
		return MAX_THREAD_NAME;
	case PERF_TASK_KSYMBOL:
		return MAX_KSYMBOL_NAME;
	default:
		return SIZE_MAX;
	}
}

void tasks_add(struct tasks *tasks, const struct perf_task_event *event)
{
	struct perf_task_event copy = *event;
	g_autofree char *name = NULL;

	/* A thread that ends is not asked for any more, and a new one has its own fork(). */
	if (event->kind == PERF_TASK_EXIT && event->tid != event->pid)
		return;
	if (event->tainted_name)
		copy.tainted_name = name =
			g_strndup(event->tainted_name,
				  strnlen(event->tainted_name, longest_name(event->kind)));
	task_events_add(tasks->events, &copy);
}

size_t tasks_bytes(const struct tasks *tasks)
{
	return task_events_bytes(tasks->events);
}

/* --- Processes --- */

static GArray *lives_of(const struct tasks *tasks, uint32_t pid)
{
	return g_hash_table_lookup(tasks->processes, GUINT_TO_POINTER(pid));
}

static struct life *begin_life(struct tasks *tasks, uint32_t pid, uint64_t since_ns)
{
	GArray *lives = lives_of(tasks, pid);
	struct life *life = g_new0(struct life, 1);

	if (!lives) {
		lives = timeline_new();
		g_hash_table_insert(tasks->processes, GUINT_TO_POINTER(pid), lives);
	}
	life->since_ns = since_ns;
	g_ptr_array_add(tasks->lives, life);
	timeline_add(lives, since_ns, life);
	return life;
}

/* The life that goes on now, while the events are put in. */
static struct life *present_life(struct tasks *tasks, uint32_t pid)
{
	const GArray *lives = lives_of(tasks, pid);

	/* What is seen for the first time was there before. */
	return lives ? timeline_get(lives, lives->len - 1)->what : begin_life(tasks, pid, 0);
}

static enum dso_kind kind_of(const struct perf_task_event *event)
{
	const char *path = event->tainted_name;

	if (event->kernel)
		return g_str_has_prefix(path, "[kernel.") ? DSO_KERNEL : DSO_KERNEL_MODULE;
	if (!strcmp(path, "[vdso]") || g_str_has_prefix(path, PERF_VDSO_COPY))
		return DSO_VDSO;
	if (path[0] == '[' || g_str_has_prefix(path, "//anon") ||
	    g_str_has_prefix(path, "/anon_hugepage") || g_str_has_prefix(path, "/dev/zero") ||
	    g_str_has_prefix(path, "/memfd:") || g_str_has_prefix(path, "/SYSV"))
		return DSO_ANONYMOUS;
	return DSO_FILE;
}

/*
 * "[kernel.kallsyms]_text": the kernel, and the symbol at `file_offset`. Where only
 * "[kernel.kallsyms]" is left of it the mapping begins at that symbol. Returns the path without
 * the symbol; the caller frees it.
 */
static char *take_kernel(const struct perf_task_event *event, struct dso_identity *identity)
{
	const char *end = strchr(event->tainted_name, ']');

	identity->reference_address = event->file_offset;
	if (!end || !end[1]) {
		if (!event->file_offset)
			identity->reference_address = event->start;
		return g_strdup(event->tainted_name);
	}
	identity->reference_symbol = end + 1;
	return g_strndup(event->tainted_name, (gsize)(end + 1 - event->tainted_name));
}

static uint32_t dso_of(struct tasks *tasks, const struct perf_task_event *event)
{
	g_autofree char *kernel_path = NULL;
	struct dso_identity identity = {
		.kind = kind_of(event),
		.path = event->tainted_name,
		.build_id = event->build_id_size ? event->build_id : NULL,
		.build_id_size = event->build_id_size,
		.has_inode = event->has_inode,
		.major = event->major,
		.minor = event->minor,
		.inode = event->inode,
		.pid = event->pid,
	};

	if (identity.kind == DSO_KERNEL)
		identity.path = kernel_path = take_kernel(event, &identity);
	else if (identity.kind == DSO_VDSO)
		identity.in_64_bit = event->start >= MEMORY_OF_32_BITS;
	return dso_table_add(tasks->dsos, &identity);
}

static void put_mmap(struct tasks *tasks, const struct perf_task_event *event)
{
	struct life *life = present_life(tasks, event->kernel ? PERF_KERNEL_PID : event->pid);
	const struct mapping mapping = {
		.start = event->start,
		.end = event->size > UINT64_MAX - event->start ? UINT64_MAX
							       : event->start + event->size,
		/* In the kernel symbols are found by address. */
		.file_offset = event->kernel ? event->start : event->file_offset,
		.since_ns = event->time_ns,
		.dso = dso_of(tasks, event),
	};

	if (!life->space)
		life->space = address_space_new();
	address_space_add(life->space, &mapping);
}

/* --- Threads --- */

static uint64_t thread_key(uint32_t pid, uint32_t tid)
{
	return (uint64_t)pid << 32 | tid;
}

static void put_name(struct tasks *tasks, uint32_t pid, uint32_t tid, uint64_t since_ns,
		     const char *name)
{
	const uint64_t key = thread_key(pid, tid);
	GArray *names = g_hash_table_lookup(tasks->threads, &key);

	/* What it was called before. */
	if (name == (names ? timeline_get(names, names->len - 1)->what : NULL))
		return;
	if (!names) {
		names = timeline_new();
		g_hash_table_insert(tasks->threads, g_memdup2(&key, sizeof(key)), names);
	}
	timeline_add(names, since_ns, name);
}

const char *tasks_find_thread_name(const struct tasks *tasks, uint32_t pid, uint32_t tid,
				   uint64_t time_ns, struct validity *validity)
{
	const uint64_t key = thread_key(pid, tid);
	const GArray *names = g_hash_table_lookup(tasks->threads, &key);
	const guint n = names ? timeline_count_until(names, time_ns) : 0;

	if (names && n < names->len)
		validity->until_ns = MIN(validity->until_ns, timeline_get(names, n)->since_ns);
	if (!n)
		return NULL;
	validity->from_ns = MAX(validity->from_ns, timeline_get(names, n - 1)->since_ns);
	return timeline_get(names, n - 1)->what;
}

const char *tasks_thread_name(const struct tasks *tasks, uint32_t pid, uint32_t tid,
			      uint64_t time_ns)
{
	struct validity unused = VALID_ALWAYS;

	return tasks_find_thread_name(tasks, pid, tid, time_ns, &unused);
}

static void put_comm(struct tasks *tasks, const struct perf_task_event *event)
{
	if (event->exec)
		begin_life(tasks, event->pid, event->time_ns);
	put_name(tasks, event->pid, event->tid, event->time_ns, event->tainted_name);
}

/* A new thread has the name of the one that made it, until it says otherwise. */
static void put_fork(struct tasks *tasks, const struct perf_task_event *event)
{
	const char *name =
		tasks_thread_name(tasks, event->parent_pid, event->parent_tid, event->time_ns);

	if (event->pid != event->parent_pid) {
		const struct life *parent =
			event->without_maps ? NULL : present_life(tasks, event->parent_pid);

		begin_life(tasks, event->pid, event->time_ns)->parent = parent;
	}
	put_name(tasks, event->pid, event->tid, event->time_ns, name);
}

/* A process ends with its first thread: QEMU's never leaves the others behind. */
static void put_exit(struct tasks *tasks, const struct perf_task_event *event)
{
	GArray *ends = g_hash_table_lookup(tasks->ends, GUINT_TO_POINTER(event->pid));

	if (!ends) {
		ends = timeline_new();
		g_hash_table_insert(tasks->ends, GUINT_TO_POINTER(event->pid), ends);
	}
	timeline_add(ends, event->time_ns, NULL);
}

bool tasks_process_end(const struct tasks *tasks, uint32_t pid, uint64_t since_ns, uint64_t *end_ns)
{
	const GArray *ends = g_hash_table_lookup(tasks->ends, GUINT_TO_POINTER(pid));
	const guint n = ends && since_ns ? timeline_count_until(ends, since_ns - 1) : 0;

	if (!ends || n == ends->len)
		return false;
	*end_ns = timeline_get(ends, n)->since_ns;
	return true;
}

static void put(struct tasks *tasks, const struct perf_task_event *event)
{
	switch (event->kind) {
	case PERF_TASK_MMAP:
		put_mmap(tasks, event);
		break;
	case PERF_TASK_COMM:
		put_comm(tasks, event);
		break;
	case PERF_TASK_FORK:
		put_fork(tasks, event);
		break;
	case PERF_TASK_EXIT:
		put_exit(tasks, event);
		break;
	case PERF_TASK_KSYMBOL:
		ksymbols_add(tasks->ksymbols, event);
		break;
	}
}

void tasks_settle(struct tasks *tasks)
{
	task_events_sort(tasks->events);
	for (guint i = 0; i < task_events_count(tasks->events); i++) {
		const struct perf_task_event event = task_events_get(tasks->events, i);

		put(tasks, &event);
	}
	task_events_free(tasks->events);
	tasks->events = task_events_new(tasks->strings);
	for (guint i = 0; i < tasks->lives->len; i++) {
		const struct life *life = tasks->lives->pdata[i];

		if (life->space)
			address_space_settle(life->space);
	}
	ksymbols_settle(tasks->ksymbols);
}

/* --- Questions --- */

/* The life of a process at the time; the first one also before it was seen. */
static const struct life *life_at(const GArray *lives, uint64_t time_ns, struct validity *validity)
{
	const guint n = timeline_count_until(lives, time_ns);

	if (n < lives->len)
		validity->until_ns = MIN(validity->until_ns, timeline_get(lives, n)->since_ns);
	if (!n)
		return timeline_get(lives, 0)->what;
	validity->from_ns = MAX(validity->from_ns, timeline_get(lives, n - 1)->since_ns);
	return timeline_get(lives, n - 1)->what;
}

static const struct mapping *find_own(const struct life *life, uint64_t address, uint64_t time_ns,
				      struct validity *validity)
{
	return life->space ? address_space_find(life->space, address, time_ns, validity) : NULL;
}

/* What the parents had mapped at the time of the fork() stays so. */
static const struct mapping *find_inherited(const struct life *life, uint64_t address)
{
	for (unsigned int i = 0; life->parent && i < MAX_ANCESTORS; i++) {
		struct validity unused = VALID_ALWAYS;
		const struct mapping *mapping =
			find_own(life->parent, address, life->since_ns, &unused);

		if (mapping)
			return mapping;
		life = life->parent;
	}
	return NULL;
}

const struct mapping *tasks_find_mapping(const struct tasks *tasks, uint32_t pid, uint64_t address,
					 uint64_t time_ns, struct validity *validity)
{
	const GArray *lives = lives_of(tasks, pid);
	const struct mapping *mapping;
	const struct life *life;

	if (!lives)
		return NULL;
	life = life_at(lives, time_ns, validity);
	mapping = find_own(life, address, time_ns, validity);
	return mapping ? mapping : find_inherited(life, address);
}

bool tasks_have_mappings(const struct tasks *tasks, uint32_t pid)
{
	const GArray *lives = lives_of(tasks, pid);

	for (guint i = 0; lives && i < lives->len; i++) {
		const struct life *life = timeline_get(lives, i)->what;

		for (guint n = 0; life && n < MAX_ANCESTORS; n++, life = life->parent)
			if (life->space && !address_space_is_empty(life->space))
				return true;
	}
	return false;
}

const struct ksymbol *tasks_find_ksymbol(const struct tasks *tasks, uint64_t address,
					 uint64_t time_ns, struct validity *validity)
{
	return ksymbols_find(tasks->ksymbols, address, time_ns, validity);
}
