/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stands in for ring.c in a build without libperf: says what to do about it.
 */
#include "ring.h"

#include "base/error.h"

struct ring *ring_new(const GArray *ids G_GNUC_UNUSED, const GArray *pids G_GNUC_UNUSED,
		      GError **error)
{
	g_set_error(
		error, COLO_PERF_ERROR, COLO_PERF_ERROR_UNSUPPORTED,
		"this colo-perf was built without libperf, which -p needs: run "
		"scripts/build-libperf.sh and make again; perf record -o - ... | colo-perf live "
		"-i - works without it");
	return NULL;
}

void ring_free(struct ring *ring G_GNUC_UNUSED)
{
}

void ring_drain(struct ring *ring G_GNUC_UNUSED, ring_visitor visit G_GNUC_UNUSED,
		void *data G_GNUC_UNUSED)
{
}

void ring_stop(struct ring *ring G_GNUC_UNUSED)
{
}

uint64_t ring_lost_records(const struct ring *ring G_GNUC_UNUSED)
{
	return 0;
}

uint64_t ring_lost_reads(const struct ring *ring G_GNUC_UNUSED)
{
	return 0;
}

uint64_t ring_now_ns(void)
{
	return (uint64_t)g_get_monotonic_time() * 1000;
}
