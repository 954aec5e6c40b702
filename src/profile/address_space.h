/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What was mapped where in one process, by time: a program may map one file over
 * another while it runs. Addresses and times, nothing of files or symbols.
 *
 *     address
 *        ^      +-----------------------+
 *        |      |  a    +-----------------------------
 *        |      |       |  b, from here on
 *        |      +-------+-----------------------------
 *        +------------------------------------------> time
 */
#ifndef COLO_PERF_PROFILE_ADDRESS_SPACE_H
#define COLO_PERF_PROFILE_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stdint.h>

struct mapping {
	uint64_t start, end;  /* addresses; `end` is the first behind it */
	uint64_t file_offset; /* of `start`, bytes */
	uint64_t since_ns;
	uint32_t dso;	   /* which file, for the caller to know */
	uint32_t sequence; /* filled in by address_space_add() */
};

/* From when (inclusive) to when (exclusive) an answer holds. */
struct validity {
	uint64_t from_ns, until_ns; /* UINT64_MAX: for ever */
};

#define VALID_ALWAYS ((struct validity){.from_ns = 0, .until_ns = UINT64_MAX})

struct address_space;

struct address_space *address_space_new(void);
void address_space_free(struct address_space *space);

/* Takes a copy. Of two mappings with the same time the one added later counts. */
void address_space_add(struct address_space *space, const struct mapping *mapping);

/* Whether nothing was added. */
bool address_space_is_empty(const struct address_space *space);

/* To be called after the last mapping and before the first question. */
void address_space_settle(struct address_space *space);

/*
 * What is mapped at `address` at the time, or NULL. `validity` is narrowed to the time
 * in which this answer holds, both ways.
 */
const struct mapping *address_space_find(const struct address_space *space, uint64_t address,
					 uint64_t time_ns, struct validity *validity);

#endif
