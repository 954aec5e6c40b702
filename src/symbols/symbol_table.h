/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Symbols sorted by address, and which of them covers an address. It decides
 * as perf does (tools/perf/util/symbol.c), except that a symbol never covers what
 * lies outside the section or the text that it belongs to.
 */
#ifndef COLO_PERF_SYMBOLS_SYMBOL_TABLE_H
#define COLO_PERF_SYMBOLS_SYMBOL_TABLE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum symbol_binding {
	SYMBOL_LOCAL,
	SYMBOL_WEAK,
	SYMBOL_GLOBAL,
};

struct symbol {
	uint64_t start, end; /* not including `end` */
	const char *name;    /* Weak, or owned by the table: see the functions that add */
	enum symbol_binding binding;
};

struct symbol_table;

struct symbol_table *symbol_table_new(void);
struct symbol_table *symbol_table_ref(struct symbol_table *table);
void symbol_table_unref(struct symbol_table *table);

/*
 * Adds one; the order matters as for perf. `symbol->end` equal to its start is a
 * symbol of unknown size, which ends where the next one begins, and at `limit` at
 * the latest. A symbol of known size is cut at `limit` as well. The name must live as long
 * as the table.
 */
void symbol_table_add(struct symbol_table *table, const struct symbol *symbol, uint64_t limit);

/* A copy of `string` that lives as long as the table. */
const char *symbol_table_own(struct symbol_table *table, const char *string);

/* To be called once, when all are added and before any is searched. */
void symbol_table_settle(struct symbol_table *table);

/* How many addresses have a name. */
guint symbol_table_count(const struct symbol_table *table);

/*
 * The symbol that covers `address`; of several, one within the other, the one that
 * begins last. NULL when there is none. Valid as long as the table.
 */
const struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t address);

#endif
