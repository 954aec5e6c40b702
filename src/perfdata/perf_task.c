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

/*
 * Which file was mapped stands in 24 bytes, of one of two layouts:
 *
 *	u32 major, u32 minor, u64 inode, u64 generation
 *	u8 size, u8 0, u16 0, u8 build_id[20]
 *
 * MISC_MMAP_BUILD_ID should tell which, but the kernel (up to 6.18 at least) sets the bit once for
 * all events that get the mapping: with another perf on the machine that asks for build-ids, the
 * bit comes with the inode to those that did not. So it is decided by what the bytes can be:
 *
 *	bit	can be		attrs ask for build-ids		they are
 *	not set	anything	-				the inode
 *	set	one of them	-				that one
 *	set	both		yes				the build-id
 *	set	both		no				the inode
 *	set	neither		-				unknown
 *
 * "One of them" also when the attrs say otherwise: `perf inject --mmap2-buildids` writes build-ids
 * and leaves the attrs as they were. A build-id of 16 bytes or less may be both, when its size is a
 * device's major number (8 is that of disks), one of 20 bytes in one case of 2^44. The wrong choice
 * costs the names of that file, but never gives wrong ones: no file fits.
 *
 * Source: perf_event_mmap_output() in kernel/events/core.c.
 */
#define IDENTITY_BYTES 24

static bool take_build_id(const uint8_t *tainted, struct perf_task_event *task)
{
	const uint8_t *build_id = tainted + sizeof(uint32_t);
	const size_t size = tainted[0];

	if (!size || size > PERF_BUILD_ID_MAX || tainted[1] || tainted[2] || tainted[3])
		return false;
	for (size_t i = size; i < PERF_BUILD_ID_MAX; i++)
		if (build_id[i])
			return false;
	memcpy(task->build_id, build_id, size);
	task->build_id_size = known_size(task->build_id, size);
	return true;
}

/* Linux has 12 bits for the major number of a device, 20 for the minor, 32 for a generation. */
static bool take_inode(const uint8_t *tainted, bool swap, struct perf_task_event *task)
{
	struct byte_reader reader = byte_reader_of(tainted, IDENTITY_BYTES, swap);

	task->major = byte_reader_u32(&reader);
	task->minor = byte_reader_u32(&reader);
	task->inode = byte_reader_u64(&reader);
	task->has_inode = task->inode != 0;
	return task->major < 1 << 12 && task->minor < 1 << 20 &&
	       byte_reader_u64(&reader) <= UINT32_MAX;
}

static void decode_identity(struct byte_reader *reader, uint16_t misc, bool ask_build_ids,
			    struct perf_task_event *task)
{
	const uint8_t *tainted = byte_reader_bytes(reader, IDENTITY_BYTES);
	struct perf_task_event by_build_id = *task, by_inode = *task;
	bool can_be_build_id, can_be_inode;

	if (!tainted)
		return;
	can_be_build_id = take_build_id(tainted, &by_build_id);
	can_be_inode = take_inode(tainted, reader->swap, &by_inode);
	if (!(misc & MISC_MMAP_BUILD_ID) || (can_be_inode && !(can_be_build_id && ask_build_ids)))
		*task = by_inode;
	else if (can_be_build_id)
		*task = by_build_id;
}

/* u32 pid, u32 tid, u64 start, u64 size, u64 offset, [MMAP2: what, u32 prot, u32 flags], path. */
static void decode_mmap(struct byte_reader *reader, const struct perf_record *record,
			bool ask_build_ids, struct perf_task_event *task)
{
	task->kind = PERF_TASK_MMAP;
	task->kernel = (record->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
	task->pid = byte_reader_u32(reader);
	task->tid = byte_reader_u32(reader);
	task->start = byte_reader_u64(reader);
	task->size = byte_reader_u64(reader);
	task->file_offset = byte_reader_u64(reader);
	if (record->type == PERF_RECORD_MMAP2) {
		decode_identity(reader, record->misc, ask_build_ids, task);
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
		decode_mmap(&reader, record, perf_events_ask_build_ids(events), task);
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
