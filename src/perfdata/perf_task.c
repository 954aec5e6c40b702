/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decodes MMAP, MMAP2, COMM, FORK, EXIT and KSYMBOL records and the table of build-ids.
 */
#include "perfdata/perf_task.h"

#include "perfdata/perf_sample.h"

/* misc bits that older headers lack. */
#define MISC_FORK_EXEC	   (1 << 13)
#define MISC_MMAP_BUILD_ID (1 << 14)
#define MISC_BUILD_ID_SIZE (1 << 15)

#define KSYMBOL_UNREGISTER (1 << 0) /* of a KSYMBOL's flags */

#define BUILD_ID_BYTES 24 /* of the field in a table's entry */

bool perf_task_is(const struct perf_record *record)
{
	switch (record->type) {
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
	case PERF_RECORD_COMM:
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
	case PERF_KERNEL_RECORD_KSYMBOL:
		return true;
	default:
		return false;
	}
}

/* All zeros is what perf writes when it could not read one. */
static size_t known_size(const uint8_t *build_id, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (build_id[i])
			return size;
	return 0;
}

/* u32 major, u32 minor, u64 inode, u64 generation; or u8 size, u8, u16, u8 build_id[20]. */
static void decode_identity(struct byte_reader *reader, uint16_t misc, struct perf_task_event *task)
{
	if (misc & MISC_MMAP_BUILD_ID) {
		const uint8_t said = byte_reader_u8(reader);
		const size_t size = MIN(said, PERF_BUILD_ID_MAX);
		const uint8_t *bytes;

		byte_reader_skip(reader, 3);
		bytes = byte_reader_bytes(reader, PERF_BUILD_ID_MAX);
		if (!bytes)
			return;
		memcpy(task->build_id, bytes, size);
		task->build_id_size = known_size(task->build_id, size);
	} else {
		task->major = byte_reader_u32(reader);
		task->minor = byte_reader_u32(reader);
		task->inode = byte_reader_u64(reader);
		task->has_inode = task->inode != 0;
		byte_reader_skip(reader, sizeof(uint64_t));
	}
}

/* u32 pid, u32 tid, u64 start, u64 size, u64 offset, [MMAP2: what, u32 prot, u32 flags], path. */
static void decode_mmap(struct byte_reader *reader, const struct perf_record *record,
			struct perf_task_event *task)
{
	task->kind = PERF_TASK_MMAP;
	task->kernel = (record->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
	task->pid = byte_reader_u32(reader);
	task->tid = byte_reader_u32(reader);
	task->start = byte_reader_u64(reader);
	task->size = byte_reader_u64(reader);
	task->file_offset = byte_reader_u64(reader);
	if (record->type == PERF_RECORD_MMAP2) {
		decode_identity(reader, record->misc, task);
		byte_reader_skip(reader, 2 * sizeof(uint32_t));
	}
	task->tainted_name = byte_reader_string(reader);
}

/* u32 pid, u32 tid, name. */
static void decode_comm(struct byte_reader *reader, const struct perf_record *record,
			struct perf_task_event *task)
{
	task->kind = PERF_TASK_COMM;
	task->exec = record->misc & PERF_RECORD_MISC_COMM_EXEC;
	task->pid = byte_reader_u32(reader);
	task->tid = byte_reader_u32(reader);
	task->tainted_name = byte_reader_string(reader);
}

/* u32 pid, u32 parent pid, u32 tid, u32 parent tid, u64 time. */
static void decode_fork(struct byte_reader *reader, const struct perf_record *record,
			struct perf_task_event *task)
{
	task->kind = record->type == PERF_RECORD_FORK ? PERF_TASK_FORK : PERF_TASK_EXIT;
	task->without_maps = record->misc & MISC_FORK_EXEC;
	task->pid = byte_reader_u32(reader);
	task->parent_pid = byte_reader_u32(reader);
	task->tid = byte_reader_u32(reader);
	task->parent_tid = byte_reader_u32(reader);
	task->time_ns = byte_reader_u64(reader);
}

/* u64 address, u32 length, u16 type, u16 flags, name. */
static void decode_ksymbol(struct byte_reader *reader, struct perf_task_event *task)
{
	task->kind = PERF_TASK_KSYMBOL;
	task->start = byte_reader_u64(reader);
	task->size = byte_reader_u32(reader);
	task->ksym_type = byte_reader_u16(reader);
	task->unregisters = byte_reader_u16(reader) & KSYMBOL_UNREGISTER;
	task->tainted_name = byte_reader_string(reader);
}

bool perf_task_decode(const struct perf_events *events, const struct perf_record *record, bool swap,
		      struct perf_task_event *task)
{
	struct byte_reader reader = byte_reader_of(record->tainted_body, record->body_size, swap);
	struct perf_sample id;

	*task = (struct perf_task_event){.order = record->number};
	switch (record->type) {
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		decode_mmap(&reader, record, task);
		break;
	case PERF_RECORD_COMM:
		decode_comm(&reader, record, task);
		break;
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		decode_fork(&reader, record, task);
		break;
	case PERF_KERNEL_RECORD_KSYMBOL:
		decode_ksymbol(&reader, task);
		break;
	default:
		return false;
	}
	if (reader.failed)
		return false;
	if (task->kind != PERF_TASK_FORK && task->kind != PERF_TASK_EXIT &&
	    perf_sample_id_decode(events, record->tainted_body, record->body_size, swap, &id))
		task->time_ns = id.time_ns;
	return true;
}

int perf_task_compare(const void *a, const void *b)
{
	const struct perf_task_event *left = *(const struct perf_task_event *const *)a;
	const struct perf_task_event *right = *(const struct perf_task_event *const *)b;

	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return 0;
}

/* s32 pid, u8 build_id[24] (with its size at 20), path. */
bool perf_build_id_decode(const struct perf_record *record, bool swap, struct perf_build_id *entry)
{
	struct byte_reader body = byte_reader_of(record->tainted_body, record->body_size, swap);
	const uint8_t *bytes;

	byte_reader_skip(&body, sizeof(int32_t));
	bytes = byte_reader_bytes(&body, BUILD_ID_BYTES);
	*entry = (struct perf_build_id){
		.kernel = (record->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL,
		.tainted_path = byte_reader_string(&body),
	};
	if (body.failed)
		return false;
	entry->build_id_size = record->misc & MISC_BUILD_ID_SIZE
				       ? MIN(bytes[PERF_BUILD_ID_MAX], PERF_BUILD_ID_MAX)
				       : PERF_BUILD_ID_MAX;
	memcpy(entry->build_id, bytes, entry->build_id_size);
	entry->build_id_size = known_size(entry->build_id, entry->build_id_size);
	return true;
}

bool perf_build_id_next(struct byte_reader *reader, struct perf_build_id *entry)
{
	const uint8_t *header = byte_reader_bytes(reader, PERF_RECORD_HEADER_SIZE);
	struct perf_record record;
	uint16_t size;

	if (!header)
		return false;
	size = perf_record_read_header(header, reader->swap, &record);
	if (size < PERF_RECORD_HEADER_SIZE)
		return false;
	record.body_size = size - PERF_RECORD_HEADER_SIZE;
	record.tainted_body = byte_reader_bytes(reader, record.body_size);
	return record.tainted_body && perf_build_id_decode(&record, reader->swap, entry);
}
