/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sorted table. It is made in the four steps of perf 6.1, whose order
 * matters: sort, give an end to symbols without a size, choose among those that
 * begin at the same address, then link each to the one that it lies in.
 */
#include "symbols/symbol_table.h"

#include <string.h>

#define NO_OUTER UINT32_MAX

struct entry {
	struct symbol symbol;
	uint64_t limit;
	guint order; /* in which they were added */
};

struct symbol_table {
	guint refs;
	GArray *entries;	 /* struct entry; until the table is settled */
	GArray *symbols;	 /* struct symbol, sorted by start, which differ */
	GStringChunk *own_names; /* Owned by this; NULL when there are none */
};

struct symbol_table *symbol_table_new(void)
{
	struct symbol_table *table = g_new0(struct symbol_table, 1);

	table->refs = 1;
	table->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
	table->symbols = g_array_new(FALSE, FALSE, sizeof(struct symbol));
	return table;
}

struct symbol_table *symbol_table_ref(struct symbol_table *table)
{
	table->refs++;
	return table;
}

void symbol_table_unref(struct symbol_table *table)
{
	if (!table || --table->refs)
		return;
	if (table->entries)
		g_array_free(table->entries, TRUE);
	g_array_free(table->symbols, TRUE);
	if (table->own_names)
		g_string_chunk_free(table->own_names);
	g_free(table);
}

void symbol_table_add(struct symbol_table *table, const struct symbol *symbol, uint64_t limit)
{
	struct entry entry = {*symbol, .limit = limit, .order = table->entries->len};

	if (symbol->start >= limit || symbol->end < symbol->start)
		return;
	entry.symbol.end = MIN(symbol->end, limit);
	g_array_append_val(table->entries, entry);
}

const char *symbol_table_own(struct symbol_table *table, const char *string)
{
	if (!table->own_names)
		table->own_names = g_string_chunk_new(4096);
	return g_string_chunk_insert(table->own_names, string);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->symbol.start != y->symbol.start)
		return x->symbol.start < y->symbol.start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* symbols__fixup_end(). Of several at one address the last gets the space up to the next. */
static void end_at_next(GArray *entries)
{
	for (guint i = 0; i < entries->len; i++) {
		struct entry *entry = &g_array_index(entries, struct entry, i);
		uint64_t next = i + 1 < entries->len
					? g_array_index(entries, struct entry, i + 1).symbol.start
					: UINT64_MAX;

		/* The last of all, with nothing that bounds it, remains without an end. */
		if (entry->symbol.end == entry->symbol.start &&
		    MIN(next, entry->limit) != UINT64_MAX)
			entry->symbol.end = MIN(next, entry->limit);
	}
}

static size_t leading_underscores(const char *name)
{
	return strspn(name, "_");
}

/* choose_best_symbol(): whether `b`, which was added later, is the better name. */
static bool is_better(const struct symbol *b, const struct symbol *a)
{
	const bool a_sized = a->end > a->start, b_sized = b->end > b->start;

	if (a_sized != b_sized)
		return b_sized;
	if ((a->binding == SYMBOL_WEAK) != (b->binding == SYMBOL_WEAK))
		return a->binding == SYMBOL_WEAK;
	if ((a->binding == SYMBOL_GLOBAL) != (b->binding == SYMBOL_GLOBAL))
		return b->binding == SYMBOL_GLOBAL;
	if (leading_underscores(a->name) != leading_underscores(b->name))
		return leading_underscores(b->name) < leading_underscores(a->name);
	if (strlen(a->name) != strlen(b->name))
		return strlen(b->name) > strlen(a->name);
	/* arch__choose_best_symbol(): aliases of system calls in old kernels. */
	return g_str_has_prefix(a->name, "SyS") || g_str_has_prefix(a->name, "compat_SyS");
}

/* symbols__fixup_duplicate() */
static void choose_names(const GArray *entries, GArray *symbols)
{
	for (guint i = 0; i < entries->len; i++) {
		const struct symbol *symbol = &g_array_index(entries, struct entry, i).symbol;
		struct symbol *last =
			symbols->len ? &g_array_index(symbols, struct symbol, symbols->len - 1)
				     : NULL;

		if (!last || last->start != symbol->start)
			g_array_append_val(symbols, *symbol);
		else if (is_better(symbol, last))
			*last = *symbol;
	}
}

/*
 * What a symbol does not cover may be covered by an earlier one that ends later:
 *
 *	A |-------------------|
 *	B     |---|   C |---|        B's and C's outer one is A
 */
static void link_to_outer(GArray *symbols)
{
	for (guint i = 0; i < symbols->len; i++) {
		struct symbol *symbol = &g_array_index(symbols, struct symbol, i);
		uint32_t outer = i ? i - 1 : NO_OUTER;

		while (outer != NO_OUTER &&
		       g_array_index(symbols, struct symbol, outer).end <= symbol->end)
			outer = g_array_index(symbols, struct symbol, outer).outer;
		symbol->outer = outer;
	}
}

void symbol_table_settle(struct symbol_table *table)
{
	g_array_sort(table->entries, compare_entries);
	end_at_next(table->entries);
	choose_names(table->entries, table->symbols);
	link_to_outer(table->symbols);
	g_array_free(table->entries, TRUE);
	table->entries = NULL;
}

guint symbol_table_count(const struct symbol_table *table)
{
	return table->symbols->len;
}

/* The last symbol that begins at `address` or before. */
static uint32_t last_before(const GArray *symbols, uint64_t address)
{
	uint32_t low = 0, high = symbols->len;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (g_array_index(symbols, struct symbol, middle).start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : NO_OUTER;
}

const struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t address)
{
	uint32_t i = last_before(table->symbols, address);

	while (i != NO_OUTER) {
		const struct symbol *symbol = &g_array_index(table->symbols, struct symbol, i);

		if (address < symbol->end)
			return symbol;
		i = symbol->outer;
	}
	return NULL;
}
