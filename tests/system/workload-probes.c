// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hits the probes of qemu-patch/sdt-probes.patch as a primary does: all of them, in the order
 * of docs/probes.md, with arguments that agree. colo-probes.h comes out of the patch. It is
 * linked into the program, or a library of its own that several programs share, as each
 * file with probes has to be registered.
 */
#include "workload-probes.h"

#include "colo-probes.h"

#include <time.h>

#if !COLO_PROBES
#error "the probes need sys/sdt.h of systemtap-sdt-dev"
#endif

#define ROLE	     COLO_PROBE_PRIMARY
#define PAGE_SIZE    4096
#define PAGES	     256
#define DEVICE_BYTES 12345
#define STATUS_COLO  10 /* MIGRATION_STATUS_COLO of QEMU 7.2 */
#define EXIT_REQUEST 1
#define NS_PER_S     1000000000

long workload_wait_ns = 200000;

static void wait_for_request(uint64_t seq)
{
	const struct timespec time = {
		.tv_sec = workload_wait_ns / NS_PER_S,
		.tv_nsec = workload_wait_ns % NS_PER_S,
	};

	colo_probe_wait_begin(ROLE, seq);
	colo_probe_trigger(ROLE, seq, COLO_TRIGGER_TIMER);
	nanosleep(&time, NULL);
	colo_probe_wait_end(ROLE, seq);
}

static void hit_counters(uint64_t seq)
{
	colo_probe_counters_state(ROLE, seq, STATUS_COLO, 1, 2, 3);
	colo_probe_counters_ram(ROLE, seq, PAGES * PAGE_SIZE, 0, seq * PAGES * PAGE_SIZE,
				PAGE_SIZE);
	colo_probe_counters_pages(ROLE, seq, seq * PAGES, 0, seq, 0);
	colo_probe_counters_rate(ROLE, seq, 0, 0, 0, 0);
	colo_probe_counters_bytes(ROLE, seq, 0, 0, 0, 0);
}

static void run_checkpoint(uint64_t seq, const struct workload_phases *phases)
{
	colo_probe_checkpoint_begin(ROLE, seq);
	colo_probe_request_begin(ROLE, seq);
	colo_probe_request_end(ROLE, seq);
	colo_probe_stop_begin(ROLE, seq);
	colo_probe_stop_end(ROLE, seq);
	colo_probe_block_begin(ROLE, seq);
	colo_probe_block_end(ROLE, seq);
	colo_probe_dev_begin(ROLE, seq);
	phases->dev(seq);
	colo_probe_dev_end(ROLE, seq, DEVICE_BYTES);
	colo_probe_ram_begin(ROLE, seq);
	phases->ram(seq);
	colo_probe_ram_end(ROLE, seq, PAGES * PAGE_SIZE, PAGES, 0);
	colo_probe_vmstate_begin(ROLE, seq);
	colo_probe_vmstate_end(ROLE, seq, DEVICE_BYTES);
	colo_probe_received_begin(ROLE, seq);
	colo_probe_received_end(ROLE, seq);
	colo_probe_net_begin(ROLE, seq);
	colo_probe_net_end(ROLE, seq);
	colo_probe_loaded_begin(ROLE, seq);
	colo_probe_loaded_end(ROLE, seq);
	colo_probe_resume_begin(ROLE, seq);
	colo_probe_resume_end(ROLE, seq);
	colo_probe_checkpoint_end(ROLE, seq, 0);
}

void workload_run_checkpoints(uint64_t n, const struct workload_phases *phases)
{
	uint64_t seq;

	colo_probe_init_begin(ROLE);
	colo_probe_init_end(ROLE);
	for (seq = 1; seq <= n; seq++) {
		wait_for_request(seq);
		run_checkpoint(seq, phases);
		hit_counters(seq);
	}
	colo_probe_exit(ROLE, EXIT_REQUEST);
}
