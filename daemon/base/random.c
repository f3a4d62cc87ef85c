/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "base/random.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

/* splitmix64 (Vigna, public domain): spreads a seed over the state; the state is never all zero. */
static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

void random_seed(struct random *random, uint64_t seed)
{
    for (size_t i = 0; i < sizeof random->state / sizeof random->state[0]; i++)
        random->state[i] = splitmix(&seed);
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

/* xoshiro256** 1.0 (Blackman and Vigna, public domain). */
uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    /* What lies below 2^64 mod bound would make small results likelier: drawn again. */
    uint64_t unfair = (0 - bound) % bound;
    uint64_t draw;
    do
        draw = random_next(random);
    while (draw < unfair);
    return draw % bound;
}

const char *uuid_v7(int64_t unix_ms, char out[UUID_TEXT_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[16];
    ssize_t got;
    do
        got = getrandom(bytes, sizeof bytes, 0);
    while (got < 0 && errno == EINTR);
    /* So few bytes come whole or not at all; a kernel without getrandom(2) is none that we run on. */
    if (got != (ssize_t)sizeof bytes)
        abort();
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)((uint64_t)unix_ms >> (8 * (5 - i)));
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0F));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F));
    char *to = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = hex[bytes[i] >> 4];
        *to++ = hex[bytes[i] & 0x0F];
    }
    *to = '\0';
    return out;
}
