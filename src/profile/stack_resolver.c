/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Resolves call chains, with a table of the chains and one of the addresses
 * that came before. Addresses are bounded by the code that there is; chains are not, as
 * each place of a function at which it is interrupted makes another one. So their table
 * is emptied when it is full: what is asked for often is soon there again.
 */
#include "profile/stack_resolver.h"

#include "base/hash.h"

#include <inttypes.h>

#define MAX_INLINES	64		   /* at one address */
#define MAX_CHAIN_BYTES (32 * 1024 * 1024) /* of all that the table of chains holds */
#define CHAIN_OVERHEAD	64		   /* bytes that the heap and the hash table need for one */

/* Where an address is to be looked up. */
enum space {
	SPACE_USER,
	SPACE_KERNEL,
	SPACE_GUEST, /* a guest of KVM: the recording does not say what is mapped there */
};

/* What became of a chain, and when. */
struct answer {
	struct validity validity;
	uint32_t stack;
};

/*
 * A chain that was seen. What is mapped may change, so it may have been several stacks. Their
 * times never overlap: each is one of the times between two changes of what the chain asks for.
 */
struct seen_chain {
	guint hash;
	uint32_t pid;
	bool cut;
	size_t n;
	const uint64_t *addresses; /* Owned by this, but for the key of a lookup */
	struct answer first;
	GTree *others; /* Owned by this: struct answer (owned) by time, to itself; NULL: none */
};

struct address {
	uint32_t dso;
	uint64_t address;
};

struct stack_resolver {
	const struct tasks *tasks;    /* Weak */
	const struct dso_table *dsos; /* Weak */
	struct stack_table *stacks;   /* Weak */
	GHashTable *chains;	      /* Owned by this: struct seen_chain (owned) to itself */
	size_t chain_bytes;	      /* of them */
	GHashTable *addresses;	/* Owned by this: struct address * to GArray of frames, owned */
	GHashTable *unresolved; /* Owned by this: number of a frame to its dso (weak) */
};

static guint chain_hash(gconstpointer data)
{
	return ((const struct seen_chain *)data)->hash;
}

static gboolean chain_equal(gconstpointer a, gconstpointer b)
{
	const struct seen_chain *left = a, *right = b;

	return left->hash == right->hash && left->pid == right->pid && left->n == right->n &&
	       left->cut == right->cut &&
	       (!left->n || !memcmp(left->addresses, right->addresses, left->n * sizeof(uint64_t)));
}

static void chain_free(gpointer data)
{
	struct seen_chain *chain = data;

	g_clear_pointer(&chain->others, g_tree_unref);
	g_free((gpointer)chain->addresses);
	g_free(chain);
}

static guint address_hash(gconstpointer data)
{
	const struct address *address = data;

	return (guint)hash_u64(address->address) + address->dso;
}

static gboolean address_equal(gconstpointer a, gconstpointer b)
{
	const struct address *left = a, *right = b;

	return left->dso == right->dso && left->address == right->address;
}

struct stack_resolver *stack_resolver_new(const struct tasks *tasks, const struct dso_table *dsos,
					  struct stack_table *stacks)
{
	struct stack_resolver *resolver = g_new0(struct stack_resolver, 1);

	resolver->tasks = tasks;
	resolver->dsos = dsos;
	resolver->stacks = stacks;
	resolver->chains = g_hash_table_new_full(chain_hash, chain_equal, chain_free, NULL);
	resolver->addresses = g_hash_table_new_full(address_hash, address_equal, g_free,
						    (GDestroyNotify)g_array_unref);
	resolver->unresolved = g_hash_table_new(NULL, NULL);
	return resolver;
}

void stack_resolver_free(struct stack_resolver *resolver)
{
	if (!resolver)
		return;
	g_hash_table_unref(resolver->chains);
	g_hash_table_unref(resolver->addresses);
	g_hash_table_unref(resolver->unresolved);
	g_free(resolver);
}

struct dso *stack_resolver_dso(const struct stack_resolver *resolver, uint32_t frame)
{
	return g_hash_table_lookup(resolver->unresolved, GUINT_TO_POINTER(frame));
}

/* --- Addresses --- */

/* "[module+0xoffset]"; memory that no file backs is one frame, as its offsets mean nothing. */
static uint32_t unresolved_frame(struct stack_resolver *resolver, struct dso *dso, uint64_t offset)
{
	const char *module = dso_name(dso);
	g_autofree char *name = NULL;
	uint32_t frame;

	if (dso_kind(dso) == DSO_ANONYMOUS) {
		name = g_strdup(module);
	} else {
		const size_t len = strlen(module);
		const bool bracketed = len > 2 && module[0] == '[' && module[len - 1] == ']';

		name = g_strdup_printf("[%.*s+0x%" PRIx64 "]", (int)(bracketed ? len - 2 : len),
				       module + bracketed, offset);
	}
	frame = stack_table_frame(resolver->stacks, name, module, FRAME_UNRESOLVED);
	g_hash_table_insert(resolver->unresolved, GUINT_TO_POINTER(frame), dso);
	return frame;
}

/* The function at the address and those that were inlined into it there, outermost first. */
static GArray *resolve_address(struct stack_resolver *resolver, const struct mapping *mapping,
			       uint64_t address, uint64_t offset)
{
	GArray *frames = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	struct dso *dso = dso_table_get(resolver->dsos, mapping->dso);
	const bool kernel = dso_kind(dso) == DSO_KERNEL || dso_kind(dso) == DSO_KERNEL_MODULE;
	const char *inlines[MAX_INLINES];
	struct dso_symbol symbol;
	uint32_t frame;
	guint n;

	if (!dso_find_symbol(dso, address, &symbol)) {
		frame = unresolved_frame(resolver, dso, offset);
		g_array_append_val(frames, frame);
		return frames;
	}
	frame = stack_table_frame(resolver->stacks, symbol.name, dso_name(dso),
				  kernel ? FRAME_KERNEL : FRAME_USER);
	g_array_append_val(frames, frame);
	n = dso_find_inlines(dso, address, inlines, MAX_INLINES);
	for (guint i = 0; i < n; i++) {
		frame = stack_table_frame(resolver->stacks, inlines[i], dso_name(dso),
					  FRAME_INLINED);
		g_array_append_val(frames, frame);
	}
	return frames;
}

static const GArray *frames_at(struct stack_resolver *resolver, const struct mapping *mapping,
			       uint64_t address)
{
	const uint64_t in_mapping = address - mapping->start;
	const struct address key = {mapping->dso, in_mapping + mapping->file_offset};
	GArray *frames = g_hash_table_lookup(resolver->addresses, &key);

	if (!frames) {
		const enum dso_kind kind = dso_kind(dso_table_get(resolver->dsos, mapping->dso));
		/* The kernel's addresses are absolute: say how far from its start it is. */
		const uint64_t offset =
			kind == DSO_KERNEL || kind == DSO_KERNEL_MODULE ? in_mapping : key.address;

		frames = resolve_address(resolver, mapping, key.address, offset);
		g_hash_table_insert(resolver->addresses, g_memdup2(&key, sizeof(key)), frames);
	}
	return frames;
}

/* --- Chains --- */

static uint32_t push_named(struct stack_resolver *resolver, uint32_t stack, const char *name,
			   enum frame_kind kind)
{
	return stack_table_push(resolver->stacks, stack,
				stack_table_frame(resolver->stacks, name, NULL, kind));
}

/* A frame's address, and what kind it is. */
struct frame_address {
	enum space space;
	uint64_t address;
	bool is_return; /* of a caller: it lies behind the call, and perhaps behind the function */
};

static bool symbol_at(struct stack_resolver *resolver, const struct mapping *mapping,
		      uint64_t address, struct dso_symbol *symbol)
{
	return dso_find_symbol(dso_table_get(resolver->dsos, mapping->dso),
			       address - mapping->start + mapping->file_offset, symbol);
}

/*
 * Where to ask for the name of a caller: one byte before the return address. A function that
 * was interrupted stands among the callers too, with the address where it goes
 * on, which may be its first byte. In the kernel, where interrupts come with a frame of their
 * own, a first byte is taken for that; in a program (the start of a coroutine) when
 * there is no function before it.
 */
static uint64_t call_site(struct stack_resolver *resolver, const struct mapping *mapping,
			  const struct frame_address *frame)
{
	const uint64_t address = frame->address;
	struct dso_symbol symbol;

	if (address >= mapping->end || !symbol_at(resolver, mapping, address, &symbol) ||
	    symbol.start != address - mapping->start + mapping->file_offset)
		return address - 1;
	if (frame->space == SPACE_KERNEL || !symbol_at(resolver, mapping, address - 1, &symbol))
		return address;
	return address - 1;
}

static uint32_t push_address(struct stack_resolver *resolver, uint32_t stack,
			     const struct call_chain *chain, const struct frame_address *frame,
			     struct validity *validity)
{
	const uint32_t pid = frame->space == SPACE_KERNEL ? PERF_KERNEL_PID : chain->pid;
	uint64_t address = frame->address - frame->is_return;
	const struct mapping *mapping;
	const GArray *frames;

	if (frame->space == SPACE_GUEST)
		return push_named(resolver, stack, "[guest]", FRAME_UNRESOLVED);
	mapping = tasks_find_mapping(resolver->tasks, pid, address, chain->time_ns, validity);
	if (!mapping)
		return push_named(resolver, stack, "[unknown]", FRAME_UNRESOLVED);
	if (frame->is_return)
		address = call_site(resolver, mapping, frame);
	frames = frames_at(resolver, mapping, address);
	for (guint i = 0; i < frames->len; i++)
		stack = stack_table_push(resolver->stacks, stack,
					 g_array_index(frames, uint32_t, i));
	return stack;
}

static bool is_context(uint64_t address)
{
	return address >= (uint64_t)PERF_CONTEXT_MAX;
}

static enum space space_of(uint64_t context)
{
	switch (context) {
	case (uint64_t)PERF_CONTEXT_HV:
	case (uint64_t)PERF_CONTEXT_KERNEL:
		return SPACE_KERNEL;
	case (uint64_t)PERF_CONTEXT_GUEST:
	case (uint64_t)PERF_CONTEXT_GUEST_KERNEL:
	case (uint64_t)PERF_CONTEXT_GUEST_USER:
		return SPACE_GUEST;
	default:
		return SPACE_USER;
	}
}

/* The context mark before entry `i`; the chain begins in the user's space. */
static uint64_t context_before(const struct call_chain *chain, size_t i)
{
	while (i > 0)
		if (is_context(chain->addresses[--i]))
			return chain->addresses[i];
	return (uint64_t)PERF_CONTEXT_USER;
}

/*
 * The chain is walked from its outermost frame inwards. All addresses but the
 * first behind a context mark are those of callers.
 */
static uint32_t resolve_chain(struct stack_resolver *resolver, const struct call_chain *chain,
			      struct validity *validity)
{
	struct frame_address frame = {.space = space_of(context_before(chain, chain->n))};
	uint32_t stack = STACK_EMPTY;

	if (chain->cut)
		stack = push_named(resolver, stack, "[cut off]", FRAME_CUT);
	for (size_t i = chain->n; i-- > 0;) {
		frame.address = chain->addresses[i];
		if (is_context(frame.address)) {
			frame.space = space_of(context_before(chain, i));
			continue;
		}
		frame.is_return =
			i > 0 && !is_context(chain->addresses[i - 1]) && frame.address > 0;
		stack = push_address(resolver, stack, chain, &frame, validity);
	}
	if (stack == STACK_EMPTY)
		stack = push_named(resolver, stack, "[no call chain]", FRAME_UNRESOLVED);
	return stack;
}

static guint hash_addresses(const struct call_chain *chain)
{
	uint64_t hash = hash_u64(chain->pid ^ chain->n << 32);

	for (size_t i = 0; i < chain->n; i++)
		hash = (hash ^ (hash >> 29) ^ chain->addresses[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (guint)(hash >> 32);
}

/* Where the time is: before the answer's, in it (0), or behind it. */
static int compare_time(const struct answer *answer, uint64_t time_ns)
{
	if (time_ns < answer->validity.from_ns)
		return -1;
	return time_ns >= answer->validity.until_ns;
}

static int search_time(gconstpointer answer, gconstpointer time_ns)
{
	return compare_time(answer, *(const uint64_t *)time_ns);
}

static int compare_answers(gconstpointer a, gconstpointer b, gpointer data G_GNUC_UNUSED)
{
	const struct answer *left = a, *right = b;

	return left->validity.from_ns < right->validity.from_ns
		       ? -1
		       : left->validity.from_ns > right->validity.from_ns;
}

/* NULL when the chain was not seen at such a time. */
static const struct answer *find_answer(const struct seen_chain *seen, uint64_t time_ns)
{
	if (!compare_time(&seen->first, time_ns))
		return &seen->first;
	return seen->others ? g_tree_search(seen->others, search_time, &time_ns) : NULL;
}

static void add_answer(struct stack_resolver *resolver, struct seen_chain *seen,
		       const struct answer *answer)
{
	struct answer *copy = g_memdup2(answer, sizeof(*answer));

	resolver->chain_bytes += sizeof(*copy) + CHAIN_OVERHEAD;

	if (!seen->others)
		seen->others = g_tree_new_full(compare_answers, NULL, NULL, g_free);
	g_tree_insert(seen->others, copy, copy);
}

static void add_chain(struct stack_resolver *resolver, const struct seen_chain *key)
{
	const size_t addresses_size = key->n * sizeof(key->addresses[0]);
	struct seen_chain *seen = g_memdup2(key, sizeof(*key));

	seen->addresses = g_memdup2(key->addresses, addresses_size);
	resolver->chain_bytes += sizeof(*seen) + addresses_size + CHAIN_OVERHEAD;
	g_hash_table_add(resolver->chains, seen);
}

void stack_resolver_forget(struct stack_resolver *resolver)
{
	g_hash_table_remove_all(resolver->chains);
	resolver->chain_bytes = 0;
}

uint32_t stack_resolver_find(struct stack_resolver *resolver, const struct call_chain *chain)
{
	struct seen_chain key = {
		.hash = hash_addresses(chain),
		.pid = chain->pid,
		.cut = chain->cut,
		.n = chain->n,
		.addresses = chain->addresses,
		.first = {.validity = VALID_ALWAYS},
	};
	struct seen_chain *seen = g_hash_table_lookup(resolver->chains, &key);
	const struct answer *answer = seen ? find_answer(seen, chain->time_ns) : NULL;

	if (answer)
		return answer->stack;
	key.first.stack = resolve_chain(resolver, chain, &key.first.validity);
	if (resolver->chain_bytes > MAX_CHAIN_BYTES) {
		stack_resolver_forget(resolver);
		seen = NULL;
	}
	if (seen)
		add_answer(resolver, seen, &key.first);
	else
		add_chain(resolver, &key);
	return key.first.stack;
}
