/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names and orders of COLO's phases, amounts and reasons.
 */
#include "colo/phase.h"

static const enum colo_phase primary_phases[] = {
	COLO_PHASE_REQUEST, COLO_PHASE_STOP,	COLO_PHASE_BLOCK,    COLO_PHASE_DEV,
	COLO_PHASE_RAM,	    COLO_PHASE_VMSTATE, COLO_PHASE_RECEIVED, COLO_PHASE_NET,
	COLO_PHASE_LOADED,  COLO_PHASE_RESUME,
};

static const enum colo_phase secondary_phases[] = {
	COLO_PHASE_STOP,     COLO_PHASE_REPLY,	COLO_PHASE_RAM,	   COLO_PHASE_VMSTATE,
	COLO_PHASE_RECEIVED, COLO_PHASE_FLUSH,	COLO_PHASE_DEV,	   COLO_PHASE_BLOCK,
	COLO_PHASE_NET,	     COLO_PHASE_RESUME, COLO_PHASE_LOADED,
};

/* The flush is the secondary's alone, and stands last for that. */
static const enum colo_amount amounts[] = {
	COLO_AMOUNT_RAM_BYTES,		COLO_AMOUNT_NORMAL_PAGES,  COLO_AMOUNT_ZERO_PAGES,
	COLO_AMOUNT_DEVICE_STATE_BYTES, COLO_AMOUNT_VMSTATE_BYTES, COLO_AMOUNT_FLUSHED_PAGES,
};

const char *colo_role_name(enum colo_role role)
{
	return role == COLO_ROLE_PRIMARY ? "primary" : "secondary";
}

const char *colo_phase_name(enum colo_phase phase)
{
	static const char *const names[COLO_N_PHASES] = {
		[COLO_PHASE_REQUEST] = "request", [COLO_PHASE_STOP] = "stop",
		[COLO_PHASE_REPLY] = "reply",	  [COLO_PHASE_BLOCK] = "block",
		[COLO_PHASE_DEV] = "dev",	  [COLO_PHASE_RAM] = "ram",
		[COLO_PHASE_VMSTATE] = "vmstate", [COLO_PHASE_RECEIVED] = "received",
		[COLO_PHASE_FLUSH] = "flush",	  [COLO_PHASE_NET] = "net",
		[COLO_PHASE_LOADED] = "loaded",	  [COLO_PHASE_RESUME] = "resume",
		[COLO_PHASE_WAIT] = "wait",	  [COLO_PHASE_CHECKPOINT] = "checkpoint",
	};

	return names[phase];
}

const char *colo_amount_name(enum colo_amount amount)
{
	static const char *const names[COLO_N_AMOUNTS] = {
		[COLO_AMOUNT_RAM_BYTES] = "ram_bytes",
		[COLO_AMOUNT_NORMAL_PAGES] = "normal_pages",
		[COLO_AMOUNT_ZERO_PAGES] = "zero_pages",
		[COLO_AMOUNT_DEVICE_STATE_BYTES] = "device_state_bytes",
		[COLO_AMOUNT_VMSTATE_BYTES] = "vmstate_bytes",
		[COLO_AMOUNT_FLUSHED_PAGES] = "flushed_pages",
	};

	return names[amount];
}

const char *colo_trigger_name(enum colo_trigger trigger)
{
	static const char *const names[COLO_N_TRIGGERS] = {
		[COLO_TRIGGER_UNKNOWN] = "unknown",   [COLO_TRIGGER_TIMER] = "timer",
		[COLO_TRIGGER_COMPARE] = "compare",   [COLO_TRIGGER_USER] = "user",
		[COLO_TRIGGER_FAILOVER] = "failover",
	};

	return names[trigger];
}

const char *colo_exit_reason_name(int64_t reason)
{
	static const char *const names[] = {"none", "request", "error", "processing"};

	return reason >= 0 && reason < (int64_t)G_N_ELEMENTS(names) ? names[reason] : "unknown";
}

const char *colo_migration_status_name(int64_t status)
{
	static const char *const names[] = {
		"none",
		"setup",
		"cancelling",
		"cancelled",
		"active",
		"postcopy-active",
		"postcopy-paused",
		"postcopy-recover",
		"completed",
		"failed",
		"colo",
		"pre-switchover",
		"device",
		"wait-unplug",
	};

	return status >= 0 && status < (int64_t)G_N_ELEMENTS(names) ? names[status] : NULL;
}

const enum colo_phase *colo_role_phases(enum colo_role role, guint *n)
{
	if (role == COLO_ROLE_PRIMARY) {
		*n = G_N_ELEMENTS(primary_phases);
		return primary_phases;
	}
	*n = G_N_ELEMENTS(secondary_phases);
	return secondary_phases;
}

const enum colo_amount *colo_role_amounts(enum colo_role role, guint *n)
{
	*n = G_N_ELEMENTS(amounts) - (role == COLO_ROLE_PRIMARY);
	return amounts;
}

enum colo_phase colo_role_last_stat_phase(enum colo_role role)
{
	return role == COLO_ROLE_PRIMARY ? COLO_PHASE_BLOCK : COLO_PHASE_REPLY;
}
