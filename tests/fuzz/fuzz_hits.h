/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How fuzz_model takes its bytes: an 8-byte record for each hit, made so that most bytes mean
 * a hit that could be, and a byte more or less does not turn all that follows into others.
 */
#ifndef COLO_PERF_TESTS_FUZZ_FUZZ_HITS_H
#define COLO_PERF_TESTS_FUZZ_FUZZ_HITS_H

#include <stdint.h>

struct fuzz_hit {
	uint8_t probe;	/* index in fuzz_probe_names, modulo their number */
	uint8_t flags;	/* FUZZ_HIT_... */
	int8_t seq;	/* added to the last sequence number of all */
	uint8_t amount; /* of each argument from the third on, as `flags` says */
	int32_t ticks;	/* of 1,024 ns, added to the last time of all */
};

#define FUZZ_HIT_ROLE	      0x03 /* as in the probe: 1, 2, or none that can be */
#define FUZZ_HIT_PID	      0x04 /* of two processes */
#define FUZZ_HIT_SOURCE	      0x08 /* of two recordings */
#define FUZZ_HIT_LARGE_TIME   0x10 /* `ticks` are 2^31 times as long */
#define FUZZ_HIT_LARGE_AMOUNT 0x20 /* `amount` stands in the highest byte */
#define FUZZ_HIT_LARGE_SEQ    0x40 /* so does `seq` */
#define FUZZ_HIT_OTHER_TID    0x80

/* Every probe, in no order that matters; the corpus holds their numbers: append only. */
static const char *const fuzz_probe_names[] = {
	"colo_init_begin",     "colo_init_end",		"colo_wait_begin",     "colo_wait_end",
	"colo_trigger",	       "colo_checkpoint_begin", "colo_request_begin",  "colo_request_end",
	"colo_stop_begin",     "colo_stop_end",		"colo_reply_begin",    "colo_reply_end",
	"colo_block_begin",    "colo_block_end",	"colo_dev_begin",      "colo_dev_end",
	"colo_ram_begin",      "colo_ram_end",		"colo_vmstate_begin",  "colo_vmstate_end",
	"colo_received_begin", "colo_received_end",	"colo_flush_begin",    "colo_flush_end",
	"colo_net_begin",      "colo_net_end",		"colo_loaded_begin",   "colo_loaded_end",
	"colo_resume_begin",   "colo_resume_end",	"colo_checkpoint_end", "colo_exit",
	"colo_counters_state", "colo_counters_ram",	"colo_counters_pages", "colo_counters_rate",
	"colo_counters_bytes",
};

#endif
