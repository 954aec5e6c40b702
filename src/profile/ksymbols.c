/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An address space in which a symbol that is given up is hidden by one that is none:
 *
 *     made "a"                given up           made "b"
 *     |------ a --------------|------ none ------|------ b -----
 */
#include "profile/ksymbols.h"

#include "base/hash.h"

#define NONE UINT32_MAX

/* enum perf_record_ksymbol_type of include/uapi/linux/perf_event.h. */
enum {
	TYPE_BPF = 1,
	TYPE_OUT_OF_LINE = 2, /* of ftrace and of kprobes */
};

/* The last that is known of an address: a symbol that is there, or when the last one went. */
struct state {
	bool is_there;
	uint64_t since_ns;
};

struct ksymbols {
	GPtrArray *symbols;	     /* Owned by this: struct ksymbol (owned) */
	struct address_space *space; /* Owned by this; its dso is a number of a symbol, or NONE */
	GHashTable
		*states; /* Owned by this: start (owned) to struct state (owned), until settled */
};

struct ksymbols *ksymbols_new(void)
{
	struct ksymbols *symbols = g_new0(struct ksymbols, 1);

	symbols->symbols = g_ptr_array_new_with_free_func(g_free);
	symbols->space = address_space_new();
	symbols->states = g_hash_table_new_full(hash_int64, g_int64_equal, g_free, g_free);
	return symbols;
}

void ksymbols_free(struct ksymbols *symbols)
{
	if (!symbols)
		return;
	g_ptr_array_unref(symbols->symbols);
	address_space_free(symbols->space);
	g_hash_table_unref(symbols->states);
	g_free(symbols);
}

static const char *module_of(uint16_t type)
{
	switch (type) {
	case TYPE_BPF:
		return "[bpf]";
	case TYPE_OUT_OF_LINE:
		return "[out of line]";
	default:
		return "[ksymbol]";
	}
}

static void put(struct ksymbols *symbols, const struct perf_task_event *event, uint64_t since_ns,
		uint32_t number)
{
	const struct mapping mapping = {
		.start = event->start,
		.end = event->size > UINT64_MAX - event->start ? UINT64_MAX
							       : event->start + event->size,
		.since_ns = since_ns,
		.dso = number,
	};

	address_space_add(symbols->space, &mapping);
}

static void put_symbol(struct ksymbols *symbols, const struct perf_task_event *event,
		       uint64_t since_ns)
{
	const char *module = module_of(event->ksym_type);
	const struct ksymbol symbol = {
		.name = event->tainted_name[0] ? event->tainted_name : module,
		.module = module,
		.start = event->start,
	};

	put(symbols, event, since_ns, symbols->symbols->len);
	g_ptr_array_add(symbols->symbols, g_memdup2(&symbol, sizeof(symbol)));
}

static struct state *state_of(struct ksymbols *symbols, uint64_t start)
{
	struct state *state = g_hash_table_lookup(symbols->states, &start);

	if (!state) {
		state = g_new0(struct state, 1);
		g_hash_table_insert(symbols->states, g_memdup2(&start, sizeof(start)), state);
	}
	return state;
}

void ksymbols_add(struct ksymbols *symbols, const struct perf_task_event *event)
{
	struct state *state = state_of(symbols, event->start);

	if (!event->unregisters) {
		put_symbol(symbols, event, event->time_ns);
	} else {
		if (!state->is_there)
			put_symbol(symbols, event, state->since_ns);
		put(symbols, event, event->time_ns, NONE);
	}
	state->is_there = !event->unregisters;
	state->since_ns = event->time_ns;
}

void ksymbols_settle(struct ksymbols *symbols)
{
	g_hash_table_remove_all(symbols->states);
	address_space_settle(symbols->space);
}

const struct ksymbol *ksymbols_find(const struct ksymbols *symbols, uint64_t address,
				    uint64_t time_ns, struct validity *validity)
{
	const struct mapping *mapping =
		address_space_find(symbols->space, address, time_ns, validity);

	return mapping && mapping->dso != NONE ? symbols->symbols->pdata[mapping->dso] : NULL;
}
