/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * SipHash-1-3: a hash of bytes under a secret key. Without the key nobody can find texts that
 * share a hash, however many hashes of others they have seen.
 *
 * Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012, sections 2.1 to
 * 2.4, with one round a word and three at the end, as Python, Rust and Ruby hash their strings.
 */
#ifndef COLO_PERF_BASE_SIPHASH_H
#define COLO_PERF_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

/* Never fails; the same on machines of either byte order. */
uint64_t siphash13(const struct siphash_key *key, const void *bytes, size_t size);

#endif
