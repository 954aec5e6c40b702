/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The section TRACING_DATA, and the arguments of samples by the formats that were in it. An
 * input is a byte of flags, a byte that says how long the raw part of a sample is, the raw part,
 * and the section.
 */
#include "fuzz/fuzz.h"

#include "base/byte_reader.h"
#include "base/error.h"
#include "perfdata/tracepoint.h"

#define FLAG_SWAP 1
#define N_ARGS	  8 /* more than a probe has */

/* Ids that the seeds have: perf_builder's from 700 on, those of the real ones around 1500. */
static const uint64_t ids[][2] = {{0, 40}, {690, 760}, {1480, 1580}};

/* An argument is there or not by the size of the raw part alone, and once there it stays. */
static void check_args(const struct tracepoint *tracepoint, const uint8_t *raw, size_t size)
{
	const unsigned int n = tracepoint_n_args(tracepoint);

	g_assert_nonnull(tracepoint_name(tracepoint));
	for (unsigned int i = 0; i < MIN(n, N_ARGS); i++) {
		/* A copy of the exact size: one byte behind it is a finding. */
		g_autofree uint8_t *copy = size ? g_memdup2(raw, size) : NULL;
		int64_t value = 0, again = 0;
		bool is_there = tracepoint_arg(tracepoint, i, copy, size, &value);

		g_assert_false(tracepoint_arg(tracepoint, i, NULL, 0, &again));
		g_assert_true(tracepoint_arg(tracepoint, i, copy, size, &again) == is_there);
		g_assert_true(!is_there || again == value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct byte_reader reader = byte_reader_of(data, size, false);
	const uint8_t flags = byte_reader_u8(&reader);
	const size_t raw_size = byte_reader_u8(&reader);
	const uint8_t *raw = byte_reader_bytes(&reader, raw_size);
	g_autofree uint8_t *section = NULL;
	g_autoptr(GError) error = NULL;
	struct tracepoints *tracepoints;

	if (reader.failed)
		return 0;
	section = g_malloc(reader.left + !reader.left);
	memcpy(section, reader.tainted, reader.left);
	tracepoints = tracepoints_new(section, reader.left, flags & FLAG_SWAP, &error);
	g_assert_true((tracepoints == NULL) == (error != NULL));
	for (guint i = 0; tracepoints && i < G_N_ELEMENTS(ids); i++) {
		for (uint64_t id = ids[i][0]; id < ids[i][1]; id++) {
			const struct tracepoint *tracepoint = tracepoints_find(tracepoints, id);

			if (tracepoint)
				check_args(tracepoint, raw, raw_size);
		}
	}
	tracepoints_free(tracepoints);
	return 0;
}
