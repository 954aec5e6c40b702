/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sorted table. It is made in the steps of perf 6.1, whose order matters: sort, give an
 * end to symbols without a size, choose among those that begin at the same address. What
 * covers what is then worked out once for all addresses, so that a question takes no longer
 * however many symbols lie within each other.
 */
#include "symbols/symbol_table.h"

#include <string.h>

#define NO_SYMBOL UINT32_MAX

struct entry {
	struct symbol symbol;
	uint64_t limit;
	guint order; /* in which they were added */
};

/* From `start` to the start of the next one. */
struct interval {
	uint64_t start;
	uint32_t symbol; /* index; NO_SYMBOL where none covers the addresses */
};

struct symbol_table {
	guint refs;
	GArray *entries;	 /* struct entry; until the table is settled */
	GArray *symbols;	 /* struct symbol, sorted by start, which differ */
	GArray *intervals;	 /* struct interval, sorted by start */
	GStringChunk *own_names; /* Owned by this; NULL when there are none */
};

struct symbol_table *symbol_table_new(void)
{
	struct symbol_table *table = g_new0(struct symbol_table, 1);

	table->refs = 1;
	table->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
	table->symbols = g_array_new(FALSE, FALSE, sizeof(struct symbol));
	table->intervals = g_array_new(FALSE, FALSE, sizeof(struct interval));
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
	g_array_free(table->intervals, TRUE);
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

static const struct symbol *symbol_at(const GArray *symbols, uint32_t i)
{
	return &g_array_index(symbols, struct symbol, i);
}

/* The symbol that is on top of the open ones. */
static uint32_t top_of(const GArray *open)
{
	return open->len ? g_array_index(open, uint32_t, open->len - 1) : NO_SYMBOL;
}

static void begin_interval(GArray *intervals, uint64_t start, uint32_t symbol)
{
	const struct interval interval = {.start = start, .symbol = symbol};
	struct interval *last =
		intervals->len ? &g_array_index(intervals, struct interval, intervals->len - 1)
			       : NULL;

	if (last && last->start == start)
		last->symbol = symbol;
	else
		g_array_append_val(intervals, interval);
}

/* Where the symbol on top ends, the one below it is seen again. */
static void close_until(const GArray *symbols, GArray *open, uint64_t address, GArray *intervals)
{
	while (open->len && symbol_at(symbols, top_of(open))->end <= address) {
		const uint64_t end = symbol_at(symbols, top_of(open))->end;

		g_array_set_size(open, open->len - 1);
		begin_interval(intervals, end, top_of(open));
	}
}

/*
 * Of the symbols that cover an address the one that begins last is found. So symbols are
 * opened by start, each on top of those before it; one below that ends no later is never seen
 * again, and the open ones end in the order in which they lie:
 *
 *	A |-------------------|			A B A C A
 *	B     |---|   C |---|
 */
static void find_intervals(const GArray *symbols, GArray *intervals)
{
	g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(uint32_t));

	for (uint32_t i = 0; i < symbols->len; i++) {
		const struct symbol *symbol = symbol_at(symbols, i);

		if (symbol->end <= symbol->start)
			continue;
		close_until(symbols, open, symbol->start, intervals);
		while (open->len && symbol_at(symbols, top_of(open))->end <= symbol->end)
			g_array_set_size(open, open->len - 1);
		g_array_append_val(open, i);
		begin_interval(intervals, symbol->start, i);
	}
	close_until(symbols, open, UINT64_MAX, intervals);
}

void symbol_table_settle(struct symbol_table *table)
{
	g_array_sort(table->entries, compare_entries);
	end_at_next(table->entries);
	choose_names(table->entries, table->symbols);
	find_intervals(table->symbols, table->intervals);
	g_array_free(table->entries, TRUE);
	table->entries = NULL;
}

guint symbol_table_count(const struct symbol_table *table)
{
	return table->symbols->len;
}

const struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t address)
{
	guint low = 0, high = table->intervals->len;
	uint32_t symbol = NO_SYMBOL;

	while (low < high) {
		const guint middle = low + (high - low) / 2;
		const struct interval *interval =
			&g_array_index(table->intervals, struct interval, middle);

		if (interval->start <= address) {
			low = middle + 1;
			symbol = interval->symbol;
		} else {
			high = middle;
		}
	}
	return symbol == NO_SYMBOL ? NULL : symbol_at(table->symbols, symbol);
}
