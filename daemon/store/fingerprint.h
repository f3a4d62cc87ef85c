/* SPDX-License-Identifier: PostgreSQL */
/*
 * Fingerprints of fields and texts with a secret seed: 64 bits that nobody can make collide on purpose. Whoever needs more
 * takes two, of two seeds. They live in memory only.
 */
#ifndef SHOUWANG_STORE_FINGERPRINT_H
#define SHOUWANG_STORE_FINGERPRINT_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

/* The folded 128-bit product, as wyhash uses it. */
static inline uint64_t fingerprint_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A text that is none (bytes NULL) and one that is empty differ. */
uint64_t fingerprint_of(uint64_t seed, const uint64_t *fields, size_t field_count, struct slice text,
                        struct slice other_text);

#endif
