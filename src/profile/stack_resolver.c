/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Resolves call chains, with a table of the callers and one of the addresses that came
 * before. Each place of a function at which it is interrupted makes another chain, but its callers
 * are the same: so only they are looked up as a whole, and the innermost address by itself.
 *
 *     [context] innermost | caller, its caller, ...
 *               address   | callers
 *
 * Frames are bounded by the code that there is; the ways to them are not, nor are the addresses
 * that a stack without frame pointers seems to have. So the tables of callers and of places are
 * emptied when they are full: what is asked for often is soon there again.
 */
#include "profile/stack_resolver.h"

#include "base/hash.h"

#include <inttypes.h>

#define MAX_INLINES	  64		     /* at one address */
#define MAX_CALLERS_BYTES (32 * 1024 * 1024) /* of all that the table of callers holds */
#define CALLERS_OVERHEAD  64	       /* bytes that the heap and the hash table need for one */
#define MAX_PLACES	  (256 * 1024) /* some 32 MiB, and twice that of their addresses */

/* What became of callers, and when. */
struct answer {
	struct validity validity;
	uint32_t stack;
};

/*
 * Callers that were seen. What is mapped may change, so they may have been several stacks. Their
 * times never overlap: each is one of the times between two changes of what they ask for.
 */
struct callers {
	guint hash;
	uint32_t pid;
	enum perf_space space; /* of the first of them, unless a context mark comes before it */
	bool cut;
	size_t n;
	const uint64_t *addresses; /* Owned by this, but for the key of a lookup */
	struct answer first;
	GTree *others; /* Owned by this: struct answer (owned) by time, to itself; NULL: none */
};

/* Where a frame is, and what it was found to be when it was last asked for. */
struct place {
	uint32_t pid; /* or PERF_KERNEL_PID */
	bool is_return;
	uint64_t address;
	struct validity validity;
	const GArray *frames; /* Weak: uint32_t, outermost first */
};

struct address {
	uint32_t dso;
	uint64_t address;
};

struct stack_resolver {
	const struct tasks *tasks;    /* Weak */
	const struct dso_table *dsos; /* Weak */
	struct stack_table *stacks;   /* Weak */
	GHashTable *callers;	      /* Owned by this: struct callers (owned) to itself */
	size_t callers_bytes;	      /* of them */
	GHashTable *places;	      /* Owned by this: struct place (owned) to itself */
	GHashTable *addresses;	/* Owned by this: struct address * to GArray of frames, owned */
	GHashTable *ksymbols;	/* Owned by this: struct ksymbol * (weak) to GArray, owned */
	GHashTable *unresolved; /* Owned by this: number of a frame to struct unresolved, owned */
	GArray *unknown[PERF_SPACE_N]; /* Owned by this: one frame each; NULL until it is needed */
};

static guint callers_hash(gconstpointer data)
{
	return ((const struct callers *)data)->hash;
}

static gboolean callers_equal(gconstpointer a, gconstpointer b)
{
	const struct callers *left = a, *right = b;

	return left->hash == right->hash && left->pid == right->pid && left->n == right->n &&
	       left->space == right->space && left->cut == right->cut &&
	       (!left->n || !memcmp(left->addresses, right->addresses, left->n * sizeof(uint64_t)));
}

static void callers_free(gpointer data)
{
	struct callers *callers = data;

	g_clear_pointer(&callers->others, g_tree_unref);
	g_free((gpointer)callers->addresses);
	g_free(callers);
}

static guint place_hash(gconstpointer data)
{
	const struct place *place = data;

	return (guint)hash_pair(place->address, (uint64_t)place->pid << 1 | place->is_return);
}

static gboolean place_equal(gconstpointer a, gconstpointer b)
{
	const struct place *left = a, *right = b;

	return left->address == right->address && left->pid == right->pid &&
	       left->is_return == right->is_return;
}

static guint address_hash(gconstpointer data)
{
	const struct address *address = data;

	return (guint)hash_pair(address->address, address->dso);
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
	resolver->callers = g_hash_table_new_full(callers_hash, callers_equal, callers_free, NULL);
	resolver->places = g_hash_table_new_full(place_hash, place_equal, g_free, NULL);
	resolver->addresses = g_hash_table_new_full(address_hash, address_equal, g_free,
						    (GDestroyNotify)g_array_unref);
	resolver->ksymbols =
		g_hash_table_new_full(hash_pointer, NULL, NULL, (GDestroyNotify)g_array_unref);
	resolver->unresolved = g_hash_table_new_full(hash_pointer, NULL, NULL, g_free);
	return resolver;
}

void stack_resolver_free(struct stack_resolver *resolver)
{
	if (!resolver)
		return;
	g_hash_table_unref(resolver->callers);
	g_hash_table_unref(resolver->places);
	g_hash_table_unref(resolver->addresses);
	g_hash_table_unref(resolver->ksymbols);
	g_hash_table_unref(resolver->unresolved);
	for (guint i = 0; i < PERF_SPACE_N; i++)
		g_clear_pointer(&resolver->unknown[i], g_array_unref);
	g_free(resolver);
}

struct unresolved stack_resolver_unresolved(const struct stack_resolver *resolver, uint32_t frame)
{
	const struct unresolved *unresolved =
		g_hash_table_lookup(resolver->unresolved, GUINT_TO_POINTER(frame));

	return unresolved ? *unresolved : (struct unresolved){.kind = UNRESOLVED_ELSEWHERE};
}

/* Says of a frame why it has no name. */
static void set_unresolved(struct stack_resolver *resolver, uint32_t frame,
			   enum unresolved_kind kind, struct dso *dso)
{
	const struct unresolved unresolved = {kind, dso};

	g_hash_table_insert(resolver->unresolved, GUINT_TO_POINTER(frame),
			    g_memdup2(&unresolved, sizeof(unresolved)));
}

/* --- Addresses --- */

/* Memory that no file backs is one frame, as its offsets mean nothing. */
static uint32_t unresolved_frame(struct stack_resolver *resolver, struct dso *dso, uint64_t offset)
{
	const char *module = dso_name(dso);
	const bool generated = dso_kind(dso) == DSO_ANONYMOUS;
	const uint32_t frame =
		generated ? stack_table_frame(resolver->stacks, module, module, FRAME_UNRESOLVED)
			  : stack_table_unnamed(resolver->stacks, module, offset);

	set_unresolved(resolver, frame, generated ? UNRESOLVED_GENERATED : UNRESOLVED_IN_FILE, dso);
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
	const enum dso_kind kind = dso_kind(dso_table_get(resolver->dsos, mapping->dso));
	const uint64_t in_mapping = address - mapping->start;
	/* Code that is made at run time has no names: it is all one frame. */
	const struct address key = {mapping->dso,
				    kind == DSO_ANONYMOUS ? 0 : in_mapping + mapping->file_offset};
	GArray *frames = g_hash_table_lookup(resolver->addresses, &key);

	if (!frames) {
		/* The kernel's addresses are absolute: say how far from its start it is. */
		const uint64_t offset =
			kind == DSO_KERNEL || kind == DSO_KERNEL_MODULE ? in_mapping : key.address;

		frames = resolve_address(resolver, mapping, key.address, offset);
		g_hash_table_insert(resolver->addresses, g_memdup2(&key, sizeof(key)), frames);
	}
	return frames;
}

/* --- Frames --- */

/* What stands for any address of a space at which nothing is known. */
static const struct {
	const char *name;
	enum unresolved_kind kind;
} unknown_frames[PERF_SPACE_N] = {
	[PERF_SPACE_UNKNOWN] = {"[unknown context]", UNRESOLVED_ELSEWHERE},
	[PERF_SPACE_USER] = {"[unknown]", UNRESOLVED_USER},
	[PERF_SPACE_KERNEL] = {"[unknown kernel]", UNRESOLVED_KERNEL},
	[PERF_SPACE_GUEST] = {"[guest]", UNRESOLVED_ELSEWHERE},
	[PERF_SPACE_HYPERVISOR] = {"[hypervisor]", UNRESOLVED_ELSEWHERE},
};

static GArray *one_frame(uint32_t number)
{
	return g_array_append_vals(g_array_new(FALSE, FALSE, sizeof(number)), &number, 1);
}

/* Made when it is first needed. */
static const GArray *unknown_frame(struct stack_resolver *resolver, enum perf_space space)
{
	GArray **frame = &resolver->unknown[space];

	if (!*frame) {
		const uint32_t number = stack_table_frame(
			resolver->stacks, unknown_frames[space].name, NULL, FRAME_UNRESOLVED);

		set_unresolved(resolver, number, unknown_frames[space].kind, NULL);
		*frame = one_frame(number);
	}
	return *frame;
}

static const GArray *ksymbol_frame(struct stack_resolver *resolver, const struct ksymbol *symbol)
{
	GArray *frame = g_hash_table_lookup(resolver->ksymbols, symbol);

	if (!frame) {
		frame = one_frame(stack_table_frame(resolver->stacks, symbol->name, symbol->module,
						    FRAME_KERNEL));
		g_hash_table_insert(resolver->ksymbols, (gpointer)symbol, frame);
	}
	return frame;
}

/* A frame's address, and what kind it is. */
struct frame_address {
	enum perf_space space;
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
	if (frame->space == PERF_SPACE_KERNEL ||
	    !symbol_at(resolver, mapping, address - 1, &symbol))
		return address;
	return address - 1;
}

/* Code that the kernel made: it is where it is whatever else is known of the address. */
static const struct ksymbol *find_ksymbol(struct stack_resolver *resolver, uint64_t time_ns,
					  const struct frame_address *frame,
					  struct validity *validity)
{
	const struct ksymbol *symbol;

	if (frame->space != PERF_SPACE_KERNEL)
		return NULL;
	/* As call_site() has it for all of the kernel. */
	symbol = tasks_find_ksymbol(resolver->tasks, frame->address, time_ns, validity);
	if (frame->is_return && (!symbol || symbol->start != frame->address))
		symbol = tasks_find_ksymbol(resolver->tasks, frame->address - 1, time_ns, validity);
	return symbol;
}

/* What stands at the place at the time. */
static void find_frames(struct stack_resolver *resolver, struct place *place, uint64_t time_ns,
			const struct frame_address *frame)
{
	const uint64_t address = frame->address - frame->is_return;
	const struct mapping *mapping;
	const struct ksymbol *symbol;

	place->validity = VALID_ALWAYS;
	symbol = find_ksymbol(resolver, time_ns, frame, &place->validity);
	if (symbol) {
		place->frames = ksymbol_frame(resolver, symbol);
		return;
	}
	mapping =
		tasks_find_mapping(resolver->tasks, place->pid, address, time_ns, &place->validity);
	if (mapping)
		place->frames =
			frames_at(resolver, mapping,
				  frame->is_return ? call_site(resolver, mapping, frame) : address);
	else
		place->frames = unknown_frame(resolver, frame->space);
}

/* Places know the frames of addresses, so these go together. */
static void forget_places(struct stack_resolver *resolver)
{
	g_hash_table_remove_all(resolver->places);
	g_hash_table_remove_all(resolver->addresses);
}

static const struct place *find_place(struct stack_resolver *resolver, uint32_t pid,
				      uint64_t time_ns, const struct frame_address *frame)
{
	const struct place key = {
		.pid = frame->space == PERF_SPACE_KERNEL ? PERF_KERNEL_PID : pid,
		.address = frame->address,
		.is_return = frame->is_return,
	};
	struct place *place = g_hash_table_lookup(resolver->places, &key);

	if (place && time_ns >= place->validity.from_ns && time_ns < place->validity.until_ns)
		return place;
	if (!place) {
		if (g_hash_table_size(resolver->places) >= MAX_PLACES)
			forget_places(resolver);
		place = g_memdup2(&key, sizeof(key));
		g_hash_table_add(resolver->places, place);
	}
	find_frames(resolver, place, time_ns, frame);
	return place;
}

static uint32_t push_frames(struct stack_resolver *resolver, uint32_t stack, const GArray *frames)
{
	for (guint i = 0; i < frames->len; i++)
		stack = stack_table_push(resolver->stacks, stack,
					 g_array_index(frames, uint32_t, i));
	return stack;
}

static uint32_t push_address(struct stack_resolver *resolver, uint32_t stack,
			     const struct call_chain *chain, const struct frame_address *frame,
			     struct validity *validity)
{
	const struct place *place;

	/* Only of these the recording says what is where. */
	if (frame->space != PERF_SPACE_USER && frame->space != PERF_SPACE_KERNEL)
		return push_frames(resolver, stack, unknown_frame(resolver, frame->space));
	place = find_place(resolver, chain->pid, chain->time_ns, frame);
	validity->from_ns = MAX(validity->from_ns, place->validity.from_ns);
	validity->until_ns = MIN(validity->until_ns, place->validity.until_ns);
	return push_frames(resolver, stack, place->frames);
}

/* --- Chains --- */

static uint32_t push_named(struct stack_resolver *resolver, uint32_t stack, const char *name,
			   enum frame_kind kind)
{
	return stack_table_push(resolver->stacks, stack,
				stack_table_frame(resolver->stacks, name, NULL, kind));
}

/* The context mark before entry `i`; the chain begins in the user's space. */
static uint64_t context_before(const struct call_chain *chain, size_t i)
{
	while (i > 0)
		if (perf_context_is(chain->addresses[--i]))
			return chain->addresses[i];
	return (uint64_t)PERF_CONTEXT_USER;
}

/* The innermost frame; the chain's length when there is none. */
static size_t find_innermost(const struct call_chain *chain)
{
	size_t i = 0;

	while (i < chain->n && perf_context_is(chain->addresses[i]))
		i++;
	return i;
}

/*
 * The chain is walked from its outermost frame inwards, up to the one that called the innermost.
 * All addresses but the first behind a context mark are those of callers.
 */
static uint32_t resolve_callers(struct stack_resolver *resolver, const struct call_chain *chain,
				size_t innermost, struct validity *validity)
{
	struct frame_address frame = {.space = perf_context_space(context_before(chain, chain->n))};
	uint32_t stack = STACK_EMPTY;

	if (chain->cut)
		stack = stack_resolver_cut(resolver);
	for (size_t i = chain->n; i-- > innermost + 1;) {
		frame.address = chain->addresses[i];
		if (perf_context_is(frame.address)) {
			frame.space = perf_context_space(context_before(chain, i));
			continue;
		}
		frame.is_return = !perf_context_is(chain->addresses[i - 1]) && frame.address > 0;
		stack = push_address(resolver, stack, chain, &frame, validity);
	}
	return stack;
}

/* Two addresses at a time: each step has to wait for the one before. */
static guint hash_callers(const struct callers *callers)
{
	const uint64_t *addresses = callers->addresses;
	uint64_t hash = hash_pair(callers->pid, callers->n);
	size_t i = 0;

	for (; callers->n - i >= 2; i += 2)
		hash = hash_pair(hash ^ addresses[i], addresses[i + 1]);
	if (i < callers->n)
		hash = hash_u64(hash ^ addresses[i]);
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

/* NULL when they were not seen at such a time. */
static const struct answer *find_answer(const struct callers *seen, uint64_t time_ns)
{
	if (!compare_time(&seen->first, time_ns))
		return &seen->first;
	return seen->others ? g_tree_search(seen->others, search_time, &time_ns) : NULL;
}

static void add_answer(struct stack_resolver *resolver, struct callers *seen,
		       const struct answer *answer)
{
	struct answer *copy = g_memdup2(answer, sizeof(*answer));

	resolver->callers_bytes += sizeof(*copy) + CALLERS_OVERHEAD;

	if (!seen->others)
		seen->others = g_tree_new_full(compare_answers, NULL, NULL, g_free);
	g_tree_replace(seen->others, copy, copy);
}

static void add_callers(struct stack_resolver *resolver, const struct callers *key)
{
	const size_t addresses_size = key->n * sizeof(key->addresses[0]);
	struct callers *seen = g_memdup2(key, sizeof(*key));

	seen->addresses = g_memdup2(key->addresses, addresses_size);
	resolver->callers_bytes += sizeof(*seen) + addresses_size + CALLERS_OVERHEAD;
	g_hash_table_add(resolver->callers, seen);
}

static void forget_callers(struct stack_resolver *resolver)
{
	g_hash_table_remove_all(resolver->callers);
	resolver->callers_bytes = 0;
}

void stack_resolver_forget(struct stack_resolver *resolver)
{
	forget_callers(resolver);
	forget_places(resolver);
}

uint32_t stack_resolver_cut(struct stack_resolver *resolver)
{
	return push_named(resolver, STACK_EMPTY, "[cut off]", FRAME_CUT);
}

/* The stack of all that called the innermost frame. */
static uint32_t find_callers(struct stack_resolver *resolver, const struct call_chain *chain,
			     size_t innermost)
{
	struct callers key = {
		.pid = chain->pid,
		.space = perf_context_space(context_before(chain, innermost)),
		.cut = chain->cut,
		.first = {.validity = VALID_ALWAYS},
	};
	const struct answer *answer;
	struct callers *seen;

	if (innermost < chain->n) {
		key.n = chain->n - innermost - 1;
		key.addresses = &chain->addresses[innermost + 1];
	}
	key.hash = hash_callers(&key);
	seen = g_hash_table_lookup(resolver->callers, &key);
	answer = seen ? find_answer(seen, chain->time_ns) : NULL;
	if (answer)
		return answer->stack;
	key.first.stack = resolve_callers(resolver, chain, innermost, &key.first.validity);
	if (resolver->callers_bytes > MAX_CALLERS_BYTES) {
		forget_callers(resolver);
		seen = NULL;
	}
	if (seen)
		add_answer(resolver, seen, &key.first);
	else
		add_callers(resolver, &key);
	return key.first.stack;
}

uint32_t stack_resolver_find(struct stack_resolver *resolver, const struct call_chain *chain)
{
	const size_t innermost = find_innermost(chain);
	struct validity unused = VALID_ALWAYS;
	uint32_t stack = find_callers(resolver, chain, innermost);

	if (innermost < chain->n) {
		const struct frame_address frame = {
			.space = perf_context_space(context_before(chain, innermost)),
			.address = chain->addresses[innermost],
		};

		return push_address(resolver, stack, chain, &frame, &unused);
	}
	if (stack == STACK_EMPTY)
		return push_named(resolver, stack, "[no call chain]", FRAME_UNRESOLVED);
	return stack;
}
