/* SPDX-License-Identifier: PostgreSQL */
/*
 * Random numbers: a seeded generator (xoshiro256**, repeatable, for jitter, samples and tests) and
 * identifiers. Secrets do not come from here.
 */
#ifndef SHOUWANG_BASE_RANDOM_H
#define SHOUWANG_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t bound); /* uniform in 0..bound-1; bound > 0 */

enum { UUID_TEXT_SIZE = 37 };
/* A UUIDv7 (RFC 9562) of the given Unix time; its random bits come from getrandom(2). Returns out. */
const char *uuid_v7(int64_t unix_ms, char out[UUID_TEXT_SIZE]);

#endif
