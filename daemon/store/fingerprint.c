/* SPDX-License-Identifier: PostgreSQL */
#include "store/fingerprint.h"

#include <string.h>

static const uint64_t odd[] = {UINT64_C(0xA0761D6478BD642F), UINT64_C(0xE7037ED1A0B428DB),
                               UINT64_C(0x8EBC6AF09C88C6E3), UINT64_C(0x589965CC75374CC3)};

static uint64_t mix_text(uint64_t hash, uint64_t seed, struct slice text)
{
    hash = fingerprint_mix(hash ^ text.length, seed ^ odd[text.bytes != NULL]);
    size_t at = 0;
    for (; at + 8 <= text.length; at += 8) {
        uint64_t word;
        memcpy(&word, text.bytes + at, sizeof word);
        hash = fingerprint_mix(hash ^ word, seed ^ odd[3]);
    }
    if (at < text.length) {
        uint64_t word = 0;
        memcpy(&word, text.bytes + at, text.length - at);
        hash = fingerprint_mix(hash ^ word, seed ^ odd[3]);
    }
    return hash;
}

uint64_t fingerprint_of(uint64_t seed, const uint64_t *fields, size_t field_count, struct slice text,
                        struct slice other_text)
{
    uint64_t hash = fingerprint_mix(seed ^ odd[0], odd[1] ^ field_count);
    for (size_t i = 0; i < field_count; i++)
        hash = fingerprint_mix(hash ^ fields[i], seed ^ odd[i & 3]);
    hash = mix_text(mix_text(hash, seed, text), seed, other_text);
    return fingerprint_mix(hash ^ odd[2], seed ^ odd[1]);
}
