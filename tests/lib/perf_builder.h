/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes perf.data files byte by byte, in either byte order, so that a test can
 * say exactly what its input holds. It knows the format as perf 6.1 writes it
 * and nothing of COLO, and shares no code with the reader that it tests.
 */
#ifndef COLO_PERF_TESTS_PERF_BUILDER_H
#define COLO_PERF_TESTS_PERF_BUILDER_H

#include "perf_packer.h"

#include <glib.h>
#include <linux/perf_event.h>

/* Feature bits of the header: HEADER_* of tools/perf/util/header.h. */
enum perf_builder_feature {
	PERF_BUILDER_TRACING_DATA = 1, /* made from the events */
	PERF_BUILDER_BUILD_ID = 2,
	PERF_BUILDER_HOSTNAME = 3,
	PERF_BUILDER_OSRELEASE = 4,
	PERF_BUILDER_VERSION = 5,
	PERF_BUILDER_ARCH = 6,
	PERF_BUILDER_CMDLINE = 11,
	PERF_BUILDER_EVENT_DESC = 12, /* made from the events */
	PERF_BUILDER_DIR_FORMAT = 24,
	PERF_BUILDER_COMPRESSED = 27,
	PERF_BUILDER_CLOCK_DATA = 29,
	PERF_BUILDER_N_FEATURES = 256,
};

/* Records that perf adds to those of the kernel: tools/lib/perf/include/perf/event.h. */
enum perf_builder_record {
	PERF_BUILDER_HEADER_ATTR = 64,
	PERF_BUILDER_HEADER_TRACING_DATA = 66,
	PERF_BUILDER_HEADER_BUILD_ID = 67,
	PERF_BUILDER_FINISHED_ROUND = 68,
	PERF_BUILDER_ID_INDEX = 69,
	PERF_BUILDER_AUXTRACE_INFO = 70,
	PERF_BUILDER_AUXTRACE = 71,
	PERF_BUILDER_THREAD_MAP = 73,
	PERF_BUILDER_CPU_MAP = 74,
	PERF_BUILDER_EVENT_UPDATE = 78,
	PERF_BUILDER_TIME_CONV = 79,
	PERF_BUILDER_HEADER_FEATURE = 80,
	PERF_BUILDER_FINISHED_INIT = 82,
};

/* What perf 6.1 asks the kernel for, with several events in one recording. */
#define PERF_BUILDER_TRACEPOINT_SAMPLE                                                             \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU |                   \
	 PERF_SAMPLE_PERIOD | PERF_SAMPLE_RAW | PERF_SAMPLE_IDENTIFIER)
#define PERF_BUILDER_CALLCHAIN_SAMPLE                                                              \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CALLCHAIN |             \
	 PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD | PERF_SAMPLE_IDENTIFIER)

/* Where the parts of a built file lie: bytes from the start of the file. */
struct perf_builder_layout {
	guint64 ids_offset;
	guint64 attrs_offset;
	guint64 attrs_size;
	guint64 data_offset;
	guint64 data_size; /* the true one, also where the header says 0 */
	guint64 features_offset[PERF_BUILDER_N_FEATURES]; /* 0: not in the file */
	guint64 features_size[PERF_BUILDER_N_FEATURES];
};

/* One event of the recording. The builder copies it. */
struct perf_builder_event {
	const char *name;	     /* as perf names it; a tracepoint's is "system:event" */
	struct perf_event_attr attr; /* in the host's byte order; size is filled in */
	guint n_ids;		     /* one an instance of the event, i.e. a CPU; at least 1 */
	/*
	 * Tracepoints: types of the probe's arguments, of "s8" to "u64", with a blank between
	 * them, "" for none. The format text is made from it as the kernel makes one for a uprobe.
	 */
	const char *args;
	const char
		*format; /* Tracepoints: this format text instead; NULL for the one made of args */
};

/* What stands in every sample, and behind the records of the kernel as sample_id. */
struct perf_builder_stamp {
	guint event; /* index given by perf_builder_add_event(): its layout, its ids */
	gint32 pid;
	gint32 tid;
	guint32 cpu; /* its instance of the event gives the id */
	guint64 time_ns;
};

/* For PERF_SAMPLE_READ and READ, in the form that the event's read_format says. */
struct perf_builder_count {
	guint event;
	guint64 value;
	guint64 lost; /* samples that the kernel could not write */
};

struct perf_builder_counts {
	guint64 enabled_ns, running_ns;
	const struct perf_builder_count *of; /* one, or with PERF_FORMAT_GROUP any number */
	gsize n;
};

struct perf_builder_branch {
	guint64 from, to, flags;
};

struct perf_builder_sample {
	struct perf_builder_stamp at;
	guint16 misc; /* PERF_RECORD_MISC_USER, ... */
	guint64 ip;   /* also the __probe_ip of a tracepoint */
	guint64 period;
	guint64 addr;
	const guint64 *chain; /* for PERF_SAMPLE_CALLCHAIN, context marks included */
	gsize n_chain;
	const guint64 *args; /* for PERF_SAMPLE_RAW: as many as the event has types */
	gsize n_args;
	const void *raw; /* these bytes instead of what args make; NULL: args */
	gsize raw_size_bytes;
	guint64 regs_abi;		   /* for PERF_SAMPLE_REGS_USER: PERF_SAMPLE_REGS_ABI_... */
	const guint64 *regs;		   /* as many as the event's sample_regs_user has bits */
	const void *stack;		   /* for PERF_SAMPLE_STACK_USER */
	gsize stack_size_bytes;		   /* as much as is in the record; 0: no stack */
	gsize stack_valid_bytes;	   /* of that */
	struct perf_builder_counts counts; /* for PERF_SAMPLE_READ */
	const struct perf_builder_branch *branches; /* for PERF_SAMPLE_BRANCH_STACK */
	gsize n_branches;
	guint64 weight, data_src, transaction;
	guint64 regs_intr_abi;
	const guint64 *regs_intr; /* as many as the event's sample_regs_intr has bits */
	guint64 phys_addr, cgroup, data_page_size_bytes, code_page_size_bytes;
	const void *aux; /* for PERF_SAMPLE_AUX */
	gsize aux_size_bytes;
};

struct perf_builder_mmap {
	struct perf_builder_stamp at;
	guint16 misc;
	guint64 start;
	guint64 size_bytes;
	guint64 file_offset;
	guint32 prot; /* PROT_READ | PROT_EXEC, ... */
	guint32 flags;
	const char *path;
	guint32 major, minor; /* not with a build-id */
	guint64 inode, generation;
	const guint8 *build_id; /* NULL: device and inode */
	gsize build_id_size;	/* at most 20 */
};

struct perf_builder;

/* byte_order: G_LITTLE_ENDIAN or G_BIG_ENDIAN, of the machine that recorded. */
struct perf_builder *perf_builder_new(int byte_order);
void perf_builder_free(struct perf_builder *builder);

/* Size of a long of the machine that recorded: 8, or 4. Before the first event. */
void perf_builder_set_long_size(struct perf_builder *builder, guint size_bytes);

/* Size of each perf_event_attr in the file; longer ones end in zeros. 128 if never called. */
void perf_builder_set_attr_size(struct perf_builder *builder, guint size_bytes);

/* Returns the index of the event. */
guint perf_builder_add_event(struct perf_builder *builder, const struct perf_builder_event *event);

/* Returns the id of the event on that CPU, as samples and LOST carry it. */
guint64 perf_builder_event_id(const struct perf_builder *builder, guint event, guint32 cpu);

/*
 * The records. Each returns the offset of its first byte in the data section.
 * Nothing is sorted: they stand in the file in the order of the calls.
 */
guint64 perf_builder_sample(struct perf_builder *builder, const struct perf_builder_sample *sample);
guint64 perf_builder_mmap2(struct perf_builder *builder, const struct perf_builder_mmap *mmap);
/* The older record, which perf still writes for the kernel: without what MMAP2 has more */
guint64 perf_builder_mmap(struct perf_builder *builder, const struct perf_builder_mmap *mmap);
/* at->pid and at->tid get the name; exec: the name came with an exec() */
guint64 perf_builder_comm(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  const char *comm, gboolean exec);
/* at->pid and at->tid are the child's */
guint64 perf_builder_fork(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  gint32 parent_pid, gint32 parent_tid);
/* As perf makes it up for a process that is there already: misc bit 13 */
guint64 perf_builder_fork_made_up(struct perf_builder *builder, const struct perf_builder_stamp *at,
				  gint32 parent_pid, gint32 parent_tid);
guint64 perf_builder_exit(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  gint32 parent_pid, gint32 parent_tid);
/* n_lost hits of at->event on at->cpu: the ring buffer was full */
guint64 perf_builder_lost(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  guint64 n_lost);
guint64 perf_builder_lost_samples(struct perf_builder *builder, const struct perf_builder_stamp *at,
				  guint64 n_lost);
guint64 perf_builder_read(struct perf_builder *builder, const struct perf_builder_stamp *at,
			  const struct perf_builder_counts *counts);
/*
 * Any other record: a digit of `sizes` is the size in bytes of a number ("4488"), then the string
 * unless it is NULL, padding to 8 bytes, and as sample_id what `at` says; NULL: none.
 */
guint64 perf_builder_numbers(struct perf_builder *builder, guint32 type, guint16 misc,
			     const struct perf_builder_stamp *at, const char *sizes,
			     const guint64 *numbers, const char *string);
/* AUXTRACE and behind it the bytes of the trace, which its header.size does not count. */
guint64 perf_builder_auxtrace(struct perf_builder *builder, guint32 cpu, gconstpointer trace,
			      gsize size_bytes);
guint64 perf_builder_finished_round(struct perf_builder *builder);
/* Likewise with the payload as it is to stand in the file. */
guint64 perf_builder_record_of(struct perf_builder *builder, guint32 type, guint16 misc,
			       const struct perf_builder_stamp *at, gconstpointer payload,
			       gsize size_bytes);
/* The same without sample_id. */
guint64 perf_builder_record(struct perf_builder *builder, guint32 type, guint16 misc,
			    gconstpointer payload, gsize size_bytes);
/* Bytes that need not be a record at all. */
guint64 perf_builder_bytes(struct perf_builder *builder, gconstpointer bytes, gsize size_bytes);

/* The features; setting one again replaces it, except for the build-ids, which add up. */
void perf_builder_feature_string(struct perf_builder *builder, enum perf_builder_feature feature,
				 const char *string);
void perf_builder_feature_cmdline(struct perf_builder *builder, const char *const *argv);
/* clockid: CLOCK_MONOTONIC, ...; the two times were read at the same instant */
void perf_builder_feature_clock_data(struct perf_builder *builder, guint32 clockid, guint64 wall_ns,
				     guint64 clock_ns);
void perf_builder_feature_build_id(struct perf_builder *builder, guint16 misc, gint32 pid,
				   const guint8 *build_id, gsize build_id_size, const char *path);
void perf_builder_feature_bytes(struct perf_builder *builder, guint feature, gconstpointer bytes,
				gsize size_bytes);
/* mmap_size_bytes: no chunk that was compressed at once is larger; perf allocates as much */
void perf_builder_feature_compressed(struct perf_builder *builder, guint32 mmap_size_bytes);
/* Leaves the feature out of the file, bit and section, also one that is made from the events. */
void perf_builder_omit_feature(struct perf_builder *builder, guint feature);

/* The header says data.size 0. */
void perf_builder_set_data_size_zero(struct perf_builder *builder, gboolean zero);
/*
 * As a killed `perf record` leaves it: data.size 0, the bits of the features
 * set, their sections never written.
 */
void perf_builder_set_killed(struct perf_builder *builder, gboolean killed);
/* The file ends after so many bytes. G_MAXUINT64, as at first: it is whole. */
void perf_builder_cut_at(struct perf_builder *builder, guint64 size_bytes);

/*
 * The same events in the other forms that perf writes; see perf_packer.h for the packing, which
 * may be NULL. What perf itself adds is not packed: all types from 64 on, LOST_SAMPLES, and all
 * that comes before the first sample.
 */
GByteArray *perf_builder_build_packed(struct perf_builder *builder,
				      const struct perf_packing *packing);
/* What `perf record -o -` writes. */
GByteArray *perf_builder_build_pipe(struct perf_builder *builder,
				    const struct perf_packing *packing);
/* EVENT_UPDATE in pipes also with a unit, a scale and the CPUs of each event. */
void perf_builder_set_units(struct perf_builder *builder, gboolean units);
/*
 * What `perf record --threads` writes at `path`, which must not be there: a plain file "data"
 * with all that is of no CPU, and "data.0" and on with the records of the others and nothing
 * else; CPU c is in number c modulo n_files. Each is packed by itself. No FINISHED_ROUND.
 */
gboolean perf_builder_write_directory(struct perf_builder *builder, const char *path, guint n_files,
				      const struct perf_packing *packing, GError **error);

/*
 * Recordings that do not fit into memory: what stands before and behind the data, which the
 * caller writes elsewhere. All of these give bytes that are to be unreferenced.
 *
 *    file mode:  file_head | data of data_size_bytes | file_tail
 *    pipe mode:  pipe_head | data | pipe_tail
 *
 * The size of a head depends on the events and features alone, so that one made with
 * data_size_bytes 0 can be written over when the size is known. Data that is compressed is what a
 * perf_packer makes of that of perf_builder_take_data(), and perf wants
 * perf_builder_feature_compressed() to tell of it.
 */
/* Gives away the data made since the last call; the offsets of records go on counting. */
GByteArray *perf_builder_take_data(struct perf_builder *builder);
GByteArray *perf_builder_file_head(struct perf_builder *builder, guint64 data_size_bytes);
GByteArray *perf_builder_file_tail(struct perf_builder *builder, guint64 data_size_bytes);
GByteArray *perf_builder_pipe_head(struct perf_builder *builder);
GByteArray *perf_builder_pipe_tail(struct perf_builder *builder);

/*
 * Returns the file; free it with g_byte_array_unref(). The builder can go on
 * afterwards. layout may be NULL.
 */
GByteArray *perf_builder_build(struct perf_builder *builder, struct perf_builder_layout *layout);
/* Builds and writes. FALSE with error set when the system refused. */
gboolean perf_builder_write(struct perf_builder *builder, const char *path, GError **error);

#endif
