/* SPDX-License-Identifier: PostgreSQL */
/*
 * Which facts a file has stated already: a set of identities (subject, code, from, to, ref; `to` of amounts only, as in
 * store/fact_store.h), kept as 128-bit fingerprints with a secret seed, so that ten million rows fit and nobody can
 * write a file whose rows collide. Two different facts of one file are taken for the same with a probability of
 * rows² / 2^129: 10^-25 for ten million.
 *
 * Ownership: owns its memory. Threading: one thread at a time.
 */
#ifndef SHOUWANG_SOURCE_FACT_SET_H
#define SHOUWANG_SOURCE_FACT_SET_H

#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"
#include "domain/fact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fact_print {
    uint64_t low, high; /* both 0: never */
};

struct fact_set {
    size_t count;
    /* private */
    size_t mask;
    uint64_t seed[2];
    struct fact_print *slots;
};

/* expected: how many there will be; it may be wrong. */
enum status fact_set_init(struct fact_set *set, size_t expected, struct error *err) WARN_UNUSED;
void fact_set_fini(struct fact_set *set);

/* subject_kind tells persons, households and strangers apart. */
struct fact_print fact_set_print(const struct fact_set *set, int subject_kind, int64_t subject,
                                 const struct fact_code *code, day_t from_day, day_t to_day,
                                 struct slice ref);
void fact_set_prefetch(const struct fact_set *set, struct fact_print print);
/* *added is false when it was there. STATUS_FATAL when memory has run out. */
enum status fact_set_add(struct fact_set *set, struct fact_print print, bool *added,
                         struct error *err) WARN_UNUSED;

#endif
