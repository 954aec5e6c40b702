/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The pair that most stories tell of.
 */
#include "lib/usual_pair.h"

const struct colo_story_side usual_primary = {.role = COLO_STORY_PRIMARY,
					      .pid = 101,
					      .tid = 111,
					      .cpu = 0,
					      .main_cpu = 1,
					      .now_ns = USUAL_START_NS};
const struct colo_story_side usual_secondary = {.role = COLO_STORY_SECONDARY,
						.pid = 202,
						.tid = 222,
						.cpu = 1,
						.main_cpu = 0,
						.now_ns = USUAL_START_NS + 777};

static const struct colo_story_counters counters = {.status = COLO_STORY_STATUS_COLO,
						    .total_ms = 60000,
						    .total_bytes = 134217728,
						    .page_size_bytes = 4096,
						    .bits_per_s = -5};

struct colo_story_checkpoint usual_checkpoint(guint64 seq)
{
	struct colo_story_checkpoint checkpoint = {.seq = seq,
						   .wait_ns = 100000000,
						   .after_ns = 900,
						   .dev_bytes = 50000 + seq,
						   .ram_bytes = 820000 * seq,
						   .normal_pages = 200 * seq,
						   .zero_pages = 3,
						   .vmstate_bytes = 60000 + seq,
						   .flushed_pages = 300 * seq,
						   .trigger = COLO_STORY_TIMER,
						   .counters = &counters};

	for (guint phase = COLO_STORY_REQUEST; phase < COLO_STORY_N_PHASES; phase++) {
		checkpoint.before_ns[phase] = 500;
		checkpoint.phase_ns[phase] = 1000000 * (phase + 1) + 1000 * seq;
	}
	return checkpoint;
}
