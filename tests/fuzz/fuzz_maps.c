/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Records of processes, and the questions what a thread was called and what was mapped where.
 * An input is a byte of flags and records as they stand in a file, header and body. The answers are
 * those of reference_tasks.c, and hold for as long as they say.
 */
#include "fuzz/fuzz.h"
#include "fuzz/reference_tasks.h"

#include "profile/tasks.h"

#define MAX_THREAD_NAME	  64  /* bytes that tasks.c keeps */
#define MAX_KSYMBOL_NAME  512 /* likewise */
#define FLAG_SWAP	  1
#define FLAG_NO_SAMPLE_ID 2  /* records without a time */
#define MAX_EVENTS	  64 /* the reference is slow */
#define N_TIMES		  4

struct fuzzed {
	struct tasks *tasks;
	struct dso_table *dsos;
	struct reference_tasks reference;
};

static struct perf_events *events_new(bool swap, bool sample_id_all)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = PERF_ATTR_SIZE_VER0,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
	};
	struct perf_events *events = perf_events_new();
	const uint64_t flags_offset = 40; /* of the bits, behind read_format */
	uint8_t bytes[PERF_ATTR_SIZE_VER0];
	int index;

	attr.sample_id_all = sample_id_all;
	memcpy(bytes, &attr, sizeof(bytes));
	if (swap) {
		attr.type = GUINT32_SWAP_LE_BE(attr.type);
		attr.size = GUINT32_SWAP_LE_BE(attr.size);
		attr.sample_type = GUINT64_SWAP_LE_BE(attr.sample_type);
		memcpy(bytes, &attr, sizeof(bytes));
		/* Of a machine of the other order the bits count from the other end of the byte. */
		memset(bytes + flags_offset, 0, sizeof(uint64_t));
		bytes[flags_offset + 2] = sample_id_all ? 1U << 5 : 0;
	}
	index = perf_events_add(events, bytes, sizeof(bytes), swap, NULL);
	g_assert_cmpint(index, ==, 0);
	g_assert_cmpint(perf_events_get(events, 0)->sample_id_all, ==, sample_id_all);
	return events;
}

static void task_free(gpointer data)
{
	struct perf_task_event *task = data;

	g_free((char *)task->tainted_name);
	g_free(task);
}

static void add(struct fuzzed *fuzzed, GPtrArray *list, const struct perf_task_event *task)
{
	struct perf_task_event *copy = g_memdup2(task, sizeof(*task));

	copy->tainted_name = g_strdup(task->tainted_name);
	tasks_add(fuzzed->tasks, task);
	g_ptr_array_add(list, copy);
}

/* struct perf_event_header: u32 type, u16 misc, u16 size, of header and body. */
static bool next_record(struct byte_reader *reader, const uint8_t *start,
			struct perf_record *record)
{
	uint16_t size;

	record->offset = (uint64_t)(reader->tainted - start);
	record->type = byte_reader_u32(reader);
	record->misc = byte_reader_u16(reader);
	size = byte_reader_u16(reader);
	record->body_size = size < 8 ? 0 : size - 8U;
	record->tainted_body = byte_reader_bytes(reader, record->body_size);
	return !reader->failed;
}

static void read_records(struct fuzzed *fuzzed, GPtrArray *list, const uint8_t *data, size_t size)
{
	struct byte_reader reader = byte_reader_of(data, size, false);
	const uint8_t flags = byte_reader_u8(&reader);
	const bool swap = flags & FLAG_SWAP;
	struct perf_events *events = events_new(swap, !(flags & FLAG_NO_SAMPLE_ID));
	struct perf_record record;
	struct perf_task_event task;

	reader.swap = swap;
	while (list->len < MAX_EVENTS && next_record(&reader, data, &record)) {
		/* A copy of the exact size: one byte behind it is a finding. */
		g_autofree uint8_t *body = g_malloc(record.body_size + !record.body_size);

		memcpy(body, record.tainted_body, record.body_size);
		record.tainted_body = body;
		if (perf_task_is(&record) && perf_task_decode(events, &record, swap, &task))
			add(fuzzed, list, &task);
	}
	perf_events_free(events);
}

/* The reference's answer is an event, the other one a mapping made of it. */
static void check_same(const struct mapping *mapping, const struct perf_task_event *event)
{
	g_assert_true((mapping == NULL) == (event == NULL));
	if (!mapping)
		return;
	g_assert_cmpuint(mapping->start, ==, event->start);
	g_assert_cmpuint(mapping->since_ns, ==, event->time_ns);
	g_assert_cmpuint(mapping->end - mapping->start, ==,
			 MIN(event->size, UINT64_MAX - event->start));
	g_assert_cmpuint(mapping->file_offset, ==,
			 event->kernel ? event->start : event->file_offset);
}

static void check_address(const struct fuzzed *fuzzed, uint32_t pid, uint64_t address,
			  uint64_t time_ns)
{
	struct validity validity = VALID_ALWAYS, unused = VALID_ALWAYS;
	const struct mapping *mapping =
		tasks_find_mapping(fuzzed->tasks, pid, address, time_ns, &validity);
	uint64_t last_ns;

	check_same(mapping, reference_find(&fuzzed->reference, pid, address, time_ns));
	g_assert_cmpuint(validity.from_ns, <=, time_ns);
	g_assert_true(time_ns < validity.until_ns || validity.until_ns == UINT64_MAX);
	g_assert_true(mapping ==
		      tasks_find_mapping(fuzzed->tasks, pid, address, validity.from_ns, &unused));
	/* The last moment of all is in the validity that ends there, as nothing comes after it. */
	last_ns = MAX(validity.from_ns, validity.until_ns - 1);
	g_assert_true(mapping == tasks_find_mapping(fuzzed->tasks, pid, address, last_ns, &unused));
	if (mapping)
		g_assert_cmpuint(mapping->dso, <, dso_table_count(fuzzed->dsos));
}

static void check_ksymbol(const struct fuzzed *fuzzed, uint64_t address, uint64_t time_ns)
{
	struct validity validity = VALID_ALWAYS, unused = VALID_ALWAYS;
	const struct ksymbol *symbol =
		tasks_find_ksymbol(fuzzed->tasks, address, time_ns, &validity);
	const struct perf_task_event *event =
		reference_ksymbol(&fuzzed->reference, address, time_ns);
	g_autofree char *name = event && event->tainted_name[0]
					? g_strndup(event->tainted_name,
						    strnlen(event->tainted_name, MAX_KSYMBOL_NAME))
					: NULL;

	g_assert_true((symbol == NULL) == (event == NULL));
	if (symbol)
		g_assert_cmpuint(symbol->start, ==, event->start);
	if (name)
		g_assert_cmpstr(symbol->name, ==, name);
	g_assert_cmpuint(validity.from_ns, <=, time_ns);
	g_assert_true(time_ns < validity.until_ns || validity.until_ns == UINT64_MAX);
	g_assert_true(symbol ==
		      tasks_find_ksymbol(fuzzed->tasks, address, validity.from_ns, &unused));
}

static void check_event(const struct fuzzed *fuzzed, const struct perf_task_event *event,
			uint64_t time_ns)
{
	const uint32_t pids[] = {event->pid, event->parent_pid, PERF_KERNEL_PID};
	const uint64_t addresses[] = {event->start, event->start - 1, event->start + event->size,
				      event->start + event->size - 1,
				      event->start + event->size / 2};
	const char *whole = reference_name(&fuzzed->reference, event->pid, event->tid, time_ns);
	g_autofree char *name = whole ? g_strndup(whole, MAX_THREAD_NAME) : NULL;

	for (guint k = 0; k < G_N_ELEMENTS(addresses); k++)
		check_ksymbol(fuzzed, addresses[k], time_ns);
	for (guint i = 0; i < G_N_ELEMENTS(pids); i++)
		for (guint k = 0; k < G_N_ELEMENTS(addresses); k++)
			check_address(fuzzed, pids[i], addresses[k], time_ns);
	g_assert_cmpstr(tasks_thread_name(fuzzed->tasks, event->pid, event->tid, time_ns), ==,
			name);
}

/* Asks for each event at the times of a few, and right before them. */
static void check_all(const struct fuzzed *fuzzed)
{
	const GPtrArray *events = fuzzed->reference.events;

	for (guint i = 0; i < events->len; i++) {
		for (guint k = 0; k < MIN(N_TIMES, events->len); k++) {
			const struct perf_task_event *at =
				g_ptr_array_index(events, (i + k * 7) % events->len);

			check_event(fuzzed, g_ptr_array_index(events, i), at->time_ns);
			check_event(fuzzed, g_ptr_array_index(events, i), at->time_ns - 1);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dso_options options = {.symfs = "/nonexistent"};
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(task_free);
	struct fuzzed fuzzed = {.reference = {list}};

	fuzzed.dsos = dso_table_new(&options);
	fuzzed.tasks = tasks_new(fuzzed.dsos);
	read_records(&fuzzed, list, data, size);
	tasks_settle(fuzzed.tasks);
	g_ptr_array_sort(list, reference_compare);
	check_all(&fuzzed);
	tasks_free(fuzzed.tasks);
	dso_table_free(fuzzed.dsos);
	return 0;
}
