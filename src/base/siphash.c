/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * SipHash-1-3, written after the paper.
 */
#include "base/siphash.h"

#define WORD_ROUNDS 1
#define LAST_ROUNDS 3

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, unsigned int bits)
{
	return word << bits | word >> (64 - bits);
}

/* Figure 2.1 of the paper. */
static void mix(struct state *state, unsigned int rounds)
{
	for (; rounds; rounds--) {
		state->v0 += state->v1;
		state->v2 += state->v3;
		state->v1 = rotate(state->v1, 13) ^ state->v0;
		state->v3 = rotate(state->v3, 16) ^ state->v2;
		state->v0 = rotate(state->v0, 32);
		state->v2 += state->v1;
		state->v0 += state->v3;
		state->v1 = rotate(state->v1, 17) ^ state->v2;
		state->v3 = rotate(state->v3, 21) ^ state->v0;
		state->v2 = rotate(state->v2, 32);
	}
}

static void take_word(struct state *state, uint64_t word)
{
	state->v3 ^= word;
	mix(state, WORD_ROUNDS);
	state->v0 ^= word;
}

/* Words are little-endian, also the one of fewer than 8 bytes. */
static uint64_t word_of(const uint8_t *bytes, size_t size)
{
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++)
		word |= (uint64_t)bytes[i] << 8 * i;
	return word;
}

uint64_t siphash13(const struct siphash_key *key, const void *bytes, size_t size)
{
	struct state state = {
		.v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
		.v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = key->k1 ^ UINT64_C(0x7465646279746573),
	};
	const uint8_t *at = bytes;
	size_t left = size;

	for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), at += sizeof(uint64_t))
		take_word(&state, word_of(at, sizeof(uint64_t)));
	take_word(&state, word_of(at, left) | (uint64_t)size << 56);
	state.v2 ^= 0xff;
	mix(&state, LAST_ROUNDS);
	return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}
