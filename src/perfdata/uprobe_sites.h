/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether formats that are not the recording's own can be its: the ids of tracepoints are
 * given out anew whenever probes are registered, so the same id may mean another probe.
 * A tracefs also says where in its program each uprobe is (uprobe_events); a hit carries the
 * address that it comes from. Between them lies one number for each process, the place where
 * the program was mapped, if and only if the ids mean what the formats say.
 */
#ifndef COLO_PERF_PERFDATA_UPROBE_SITES_H
#define COLO_PERF_PERFDATA_UPROBE_SITES_H

#include <stdbool.h>
#include <stdint.h>

struct uprobe_sites;

/*
 * Reads where the uprobes of `system` are from the uprobe_events in `directory`. NULL when
 * it has none.
 *
 * Source: probes_seq_show() in kernel/trace/trace_uprobe.c.
 */
struct uprobe_sites *uprobe_sites_read(const char *directory, const char *system);
void uprobe_sites_free(struct uprobe_sites *sites);

/* Process `pid` hit what should be `event` at `address`. */
void uprobe_sites_hit(struct uprobe_sites *sites, const char *event, uint32_t pid,
		      uint64_t address);

/* False when some process hit the probes at places where they are not. */
bool uprobe_sites_agree(const struct uprobe_sites *sites);

#endif
