/* SPDX-License-Identifier: PostgreSQL */
/*
 * Trees → text, in the language of the policy: one canonical spelling for one tree, whatever its spacing was. Numbers are
 * written as they stand in the policy (a changed one carries its text in `name`). Parentheses stand where the tree needs them.
 */
#ifndef SHOUWANG_POLICY_UNPARSE_H
#define SHOUWANG_POLICY_UNPARSE_H

#include "policy/syntax/ast.h"

struct unparser {
    const char *source; /* the policy's text, which the trees' offsets mean */
    enum language language;
    struct text *out;
};

void unparse_expr(const struct unparser *unparser, const struct expr *expr);
void unparse_set(const struct unparser *unparser, const struct set_expr *set);
bool unparse_is_ratio(const struct expr *expr); /* 3/2: two numbers without units, one number to the reader */
/* 凭 刚性支出 > 大额支出 */
void unparse_line(const struct unparser *unparser, const struct clause_line *line);
/* What stands there in the policy, up to the end of a word, as it is written: without comments, one blank for several. */
void unparse_words(const struct unparser *unparser, uint32_t begin, uint32_t end);
/* 近24月, last_24_months */
void unparse_edge(struct text *out, enum language language, const struct window_edge *edge);

#endif
