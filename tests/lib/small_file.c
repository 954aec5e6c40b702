/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The small file, and opening of files that live in memory.
 */
#include "lib/small_file.h"

#include "lib/memory_fd.h"

#include <unistd.h>

struct perf_file *small_file_open_bytes(const GByteArray *bytes, GError **error)
{
	int fd = memory_fd(bytes->data, bytes->len);
	g_autofree char *path = memory_fd_path(fd);
	struct perf_file *file = perf_file_open(path, error);

	close(fd);
	return file;
}

struct perf_file *small_file_open(struct perf_builder *builder)
{
	g_autoptr(GByteArray) bytes = perf_builder_build(builder, NULL);
	g_autoptr(GError) error = NULL;
	struct perf_file *file = small_file_open_bytes(bytes, &error);

	g_assert_no_error(error);
	return file;
}

const struct perf_builder_event small_file_clock_event = {
	.name = "cpu-clock",
	.attr = {.type = PERF_TYPE_SOFTWARE,
		 .config = PERF_COUNT_SW_CPU_CLOCK,
		 .sample_period = 4000,
		 .sample_type = PERF_BUILDER_CALLCHAIN_SAMPLE,
		 .read_format = PERF_FORMAT_ID,
		 .freq = 1,
		 .task = 1,
		 .sample_id_all = 1,
		 .use_clockid = 1,
		 .clockid = 7},
	.n_ids = 2,
};

const struct perf_builder_event small_file_probe_event = {
	.name = "sdt_qemu:colo_ram_end",
	.attr = {.type = PERF_TYPE_TRACEPOINT,
		 .config = 1500,
		 .sample_period = 1,
		 .sample_type = PERF_BUILDER_TRACEPOINT_SAMPLE},
	.n_ids = 3,
	.args = "s32 u64",
};

struct perf_builder *small_file_builder(int byte_order)
{
	static const char *const argv[] = {"perf", "record", "-e", "a b", NULL};
	static const guint64 chain[] = {PERF_CONTEXT_USER, 0x1111, 0x2222};
	static const guint64 args[] = {1, 0x123456789a};
	struct perf_builder *builder = perf_builder_new(byte_order);
	guint clock = perf_builder_add_event(builder, &small_file_clock_event);
	guint probe = perf_builder_add_event(builder, &small_file_probe_event);
	struct perf_builder_sample sample = {
		.at = {.event = clock, .pid = 10, .tid = 11, .cpu = 1, .time_ns = 5000},
		.misc = PERF_RECORD_MISC_USER,
		.ip = 0x400000,
		.period = 4321,
		.chain = chain,
		.n_chain = G_N_ELEMENTS(chain)};
	struct perf_builder_sample hit = {
		.at = {.event = probe, .pid = 20, .tid = 21, .cpu = 2, .time_ns = 6000},
		.period = 1,
		.args = args,
		.n_args = G_N_ELEMENTS(args)};

	perf_builder_sample(builder, &sample);
	perf_builder_comm(builder, &sample.at, "qemu", FALSE);
	perf_builder_sample(builder, &hit);
	perf_builder_finished_round(builder);
	perf_builder_feature_string(builder, PERF_BUILDER_HOSTNAME, "host");
	perf_builder_feature_cmdline(builder, argv);
	return builder;
}
