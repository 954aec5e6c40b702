/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Puts the parts of a sample's call chain together.
 */
#include "profile/sample_chain.h"

#include "perfdata/perf_context.h"

/*
 * A deferred chain of so many frames may lack callers: UNWIND_MAX_ENTRIES of
 * kernel/unwind/deferred.c, a page without the 16 bytes of its head.
 */
#define DEFERRED_MAX_FRAMES 510

struct chain_reader {
	const struct tasks *tasks;    /* Weak */
	const struct dso_table *dsos; /* Weak */
	const char *arch;	      /* Weak */
	bool swap;
	struct unwinder *unwinder; /* Owned by this; NULL until it is needed */
	GArray *addresses;	   /* Owned by this: uint64_t, of the chain at hand */
	struct chain_counts counts;
};

struct chain_reader *chain_reader_new(const struct tasks *tasks, const struct dso_table *dsos,
				      const char *arch, bool swap)
{
	struct chain_reader *reader = g_new0(struct chain_reader, 1);

	reader->tasks = tasks;
	reader->dsos = dsos;
	reader->arch = arch;
	reader->swap = swap;
	reader->addresses = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	return reader;
}

void chain_reader_free(struct chain_reader *reader)
{
	if (!reader)
		return;
	unwinder_free(reader->unwinder);
	g_array_unref(reader->addresses);
	g_free(reader);
}

const struct chain_counts *chain_reader_counts(const struct chain_reader *reader)
{
	return &reader->counts;
}

/*
 * Looks at the marks; the rest of the entries are frames. The mark USER_DEFERRED is taken out, and
 * so is the cookie behind it, which looks like an address and is none. The kernel writes them last.
 */
static void look_at_marks(struct chain_reader *reader, struct sample_chain *chain)
{
	uint64_t *entries = (uint64_t *)(gpointer)reader->addresses->data;
	const guint n = reader->addresses->len;
	guint n_kept = 0, n_marks = 0;
	bool unknown = false;

	for (guint i = 0; i < n; i++) {
		const uint64_t entry = entries[i];

		if (G_UNLIKELY(entry == PERF_CONTEXT_DEFERRED_USER)) {
			chain->is_deferred = true;
			chain->cookie = ++i < n ? entries[i] : 0;
			continue;
		}
		if (G_UNLIKELY(perf_context_is(entry))) {
			unknown |= perf_context_space(entry) == PERF_SPACE_UNKNOWN;
			n_marks++;
		}
		entries[n_kept++] = entry;
	}
	g_array_set_size(reader->addresses, n_kept);
	chain->frames = n_kept - n_marks;
	reader->counts.unknown_context += unknown;
}

static void copy_entries(struct chain_reader *reader, const uint8_t *tainted, size_t n)
{
	uint64_t *to;

	g_array_set_size(reader->addresses, (guint)n);
	if (!n)
		return;
	to = (uint64_t *)(gpointer)reader->addresses->data;
	memcpy(to, tainted, n * sizeof(to[0]));
	for (size_t i = 0; reader->swap && i < n; i++)
		to[i] = GUINT64_SWAP_LE_BE(to[i]);
}

/* Unwinds the user's stack, if the sample has a copy of it. True when it was not all there. */
static bool unwind(struct chain_reader *reader, const struct perf_event *event,
		   const struct perf_sample *sample)
{
	if (!sample->tainted_stack)
		return false;
	if (!reader->unwinder)
		reader->unwinder = unwinder_new(reader->tasks, reader->dsos, reader->arch,
						&unwinder_usual_limits);
	switch (unwinder_append(reader->unwinder, event, sample, reader->swap, reader->addresses)) {
	case UNWOUND_NOT:
		reader->counts.not_unwound++;
		return true;
	case UNWOUND_TOO_MUCH:
		reader->counts.too_much++;
		return true;
	case UNWOUND_IN_PART:
		return true;
	default:
		return false;
	}
}

/* The chain is what stands in `addresses` now. */
static void finish(const struct chain_reader *reader, struct sample_chain *chain)
{
	chain->chain.addresses = (const uint64_t *)(gconstpointer)reader->addresses->data;
	chain->chain.n = reader->addresses->len;
}

void chain_reader_sample(struct chain_reader *reader, const struct perf_event *event,
			 const struct perf_sample *sample, uint16_t misc,
			 struct sample_chain *chain)
{
	const uint64_t alone[] = {perf_context_of_misc(misc), sample->ip};

	*chain = (struct sample_chain){
		.chain = {.pid = sample->pid, .time_ns = sample->time_ns},
	};
	copy_entries(reader, sample->tainted_callchain, sample->callchain_len);
	look_at_marks(reader, chain);
	chain->chain.cut = chain->frames == event->max_stack;
	if (unwind(reader, event, sample))
		chain->chain.cut = true;
	/* What was unwound begins with a mark. */
	if (!chain->frames && reader->addresses->len <= sample->callchain_len) {
		g_array_set_size(reader->addresses, 0);
		g_array_append_vals(reader->addresses, alone, G_N_ELEMENTS(alone));
	}
	finish(reader, chain);
}

void chain_reader_deferred(struct chain_reader *reader, const struct perf_deferred *deferred,
			   struct sample_chain *chain)
{
	*chain = (struct sample_chain){
		.chain = {.pid = deferred->pid, .time_ns = deferred->time_ns},
	};
	copy_entries(reader, deferred->tainted_callers, deferred->n_callers);
	look_at_marks(reader, chain);
	chain->chain.cut = chain->frames >= DEFERRED_MAX_FRAMES;
	finish(reader, chain);
}
