/* SPDX-License-Identifier: PostgreSQL */
/* How the database spells what the program counts: levels, kinds, states. The check constraints of sql/ say the same. */
#ifndef SHOUWANG_STORE_VOCABULARY_H
#define SHOUWANG_STORE_VOCABULARY_H

#include "base/text.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* The position of a word in a list, -1 when it is not there. */
int vocabulary_find(const char *const *words, size_t count, struct slice word);

enum { VOCABULARY_LEVELS = 5, VOCABULARY_KINDS = POLICY_CLAUSE_KINDS };
extern const char *const vocabulary_levels[VOCABULARY_LEVELS]; /* by enum policy_level */
extern const char *const vocabulary_kinds[VOCABULARY_KINDS];   /* by enum policy_clause_kind */

/* What the database holds is checked by constraints; an unknown word is taken for the first of its list. */
enum policy_level vocabulary_level(struct slice word);
enum policy_clause_kind vocabulary_kind(struct slice word);

#endif
