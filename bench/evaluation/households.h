/* SPDX-License-Identifier: PostgreSQL */
/*
 * A county's households in memory, as a round hands them to the policy: blocks of them with their persons and facts, made from a
 * seed (the same arguments make the same households), for the evaluation date 2021-06-30.
 *
 * Some three persons and ten facts a household: incomes and expenses of two years, reliefs, certificates, schools, houses, events.
 * Hard cases are put among them: sums exactly on a line, one fen above and below; days on the edges of every window;
 * amounts that are unknown, enormous, or just not; several sources that disagree; several certificates, of which one is the latest;
 * multiple disability of grade 3; the dead, of whom some died this year, who still draw relief; households of which
 * nobody is left; persons without a birth date; incomes that are not declared.
 */
#ifndef SHOUWANG_BENCH_HOUSEHOLDS_H
#define SHOUWANG_BENCH_HOUSEHOLDS_H

#include "policy/policy.h"

enum { HOUSEHOLDS_BLOCK = 32768, HOUSEHOLDS_AS_OF = 18808 /* 2021-06-30 */ };

struct households {
    size_t block_count, count, persons, facts;
    struct policy_block *blocks;
};

/* codes: facts are given by their position in it; those of other codes are left out. Ends the program without memory. */
void households_make(struct households *made, size_t count, uint64_t seed, const int16_t *codes,
                     size_t code_count);
void households_free(struct households *made);

#endif
