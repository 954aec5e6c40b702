/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The vocabulary of COLO: the two sides, the phases of a checkpoint and their
 * order on each side, the amounts and counters that the probes carry. Tables
 * and names, no state.
 *
 * Source: docs/probes.md.
 */
#ifndef COLO_PERF_COLO_PHASE_H
#define COLO_PERF_COLO_PHASE_H

#include <glib.h>
#include <stdint.h>

/* The first argument of every probe. */
enum colo_role {
	COLO_ROLE_PRIMARY = 1,
	COLO_ROLE_SECONDARY = 2,
};

/* What happens once in a checkpoint, and the checkpoint itself. */
enum colo_phase {
	COLO_PHASE_REQUEST,
	COLO_PHASE_STOP,
	COLO_PHASE_REPLY,
	COLO_PHASE_BLOCK,
	COLO_PHASE_DEV,
	COLO_PHASE_RAM,
	COLO_PHASE_VMSTATE,
	COLO_PHASE_RECEIVED,
	COLO_PHASE_FLUSH,
	COLO_PHASE_NET,
	COLO_PHASE_LOADED,
	COLO_PHASE_RESUME,
	COLO_PHASE_WAIT,       /* lies before the checkpoint */
	COLO_PHASE_CHECKPOINT, /* holds all but the wait */
	COLO_N_PHASES,
};

/* What the end of a phase carries. */
enum colo_amount {
	COLO_AMOUNT_RAM_BYTES,
	COLO_AMOUNT_NORMAL_PAGES,
	COLO_AMOUNT_ZERO_PAGES,
	COLO_AMOUNT_DEVICE_STATE_BYTES,
	COLO_AMOUNT_VMSTATE_BYTES,
	COLO_AMOUNT_FLUSHED_PAGES,
	COLO_N_AMOUNTS,
};

/* MigrationInfo's fields, as the colo_counters_* probes carry them. */
enum colo_counter {
	COLO_COUNTER_STATUS, /* QAPI's MigrationStatus */
	COLO_COUNTER_SETUP_TIME_MS,
	COLO_COUNTER_TOTAL_TIME_MS,
	COLO_COUNTER_EXPECTED_DOWNTIME_MS,
	COLO_COUNTER_RAM_TOTAL_BYTES,
	COLO_COUNTER_REMAINING_BYTES,
	COLO_COUNTER_TRANSFERRED_BYTES,
	COLO_COUNTER_PAGE_SIZE_BYTES,
	COLO_COUNTER_NORMAL_PAGES,
	COLO_COUNTER_DUPLICATE_PAGES,
	COLO_COUNTER_DIRTY_SYNC_COUNT,
	COLO_COUNTER_DIRTY_PAGES_RATE,
	COLO_COUNTER_MULTIFD_BYTES,
	COLO_COUNTER_POSTCOPY_REQUESTS,
	COLO_COUNTER_PAGES_PER_SECOND,
	COLO_COUNTER_BITS_PER_SECOND,
	COLO_COUNTER_PRECOPY_BYTES,
	COLO_COUNTER_DOWNTIME_BYTES,
	COLO_COUNTER_POSTCOPY_BYTES,
	COLO_COUNTER_MISSED_ZERO_COPY,
	COLO_N_COUNTERS,
};

/* Why a checkpoint was asked for: colo_trigger's reason. 0 is not known. */
enum colo_trigger {
	COLO_TRIGGER_UNKNOWN = 0,
	COLO_TRIGGER_TIMER = 1,
	COLO_TRIGGER_COMPARE = 2,
	COLO_TRIGGER_USER = 3,
	COLO_TRIGGER_FAILOVER = 4,
	COLO_N_TRIGGERS,
};

const char *colo_role_name(enum colo_role role);
const char *colo_phase_name(enum colo_phase phase);
const char *colo_amount_name(enum colo_amount amount);
const char *colo_trigger_name(enum colo_trigger trigger);

/* The COLOExitReason of a side that ended COLO because it was told to fail over. */
#define COLO_EXIT_REQUEST 1

/* QAPI's COLOExitReason; "unknown" for a number that QEMU 7.2 does not have. */
const char *colo_exit_reason_name(int64_t reason);

/* QAPI's MigrationStatus; NULL for a number that QEMU 7.2 does not have. */
const char *colo_migration_status_name(int64_t status);

/*
 * The phases that a complete checkpoint has on this side, in their order of
 * time; `n` is how many.
 */
const enum colo_phase *colo_role_phases(enum colo_role role, guint *n);

/* The amounts that this side's phases carry, for tables; `n` is how many. */
const enum colo_amount *colo_role_amounts(enum colo_role role, guint *n);

/* The phase whose end is the end of the recorder's stat_time: VMSTATE_SEND sent, or received. */
enum colo_phase colo_role_last_stat_phase(enum colo_role role);

#endif
