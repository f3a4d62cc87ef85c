/* SPDX-License-Identifier: PostgreSQL */
/*
 * The peer: the Shaanxi county scheme written in C by hand, from docs/schemes/shaanxi-county.md alone. It reads the blocks that
 * the policy machine reads and gives the same outcomes, one household after another, in one pass over their facts. It shares
 * nothing with the machine but the form of what goes in and comes out. It cannot explain, and another scheme is another program.
 *
 * Threading: one thread at a time.
 */
#ifndef SHOUWANG_BENCH_BY_HAND_H
#define SHOUWANG_BENCH_BY_HAND_H

#include "policy/policy.h"

/* The clauses, in the order of the page; bit i of an outcome's masks stands for the i-th. Ended by NULL. */
extern const char *const by_hand_clauses[];

struct by_hand;
/* codes: the dictionary numbers that facts are given by the position of (policy_codes). NULL when memory has run out. */
struct by_hand *by_hand_new(const int16_t *codes, size_t count, day_t as_of);
void by_hand_free(struct by_hand *hand);
void by_hand_evaluate(const struct by_hand *hand, const struct policy_block *block,
                      struct policy_outcome *outcomes);

#endif
