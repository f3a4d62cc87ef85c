/* SPDX-License-Identifier: PostgreSQL */
/* What the two files of the expression parser share. All of them diagnose where they give NULL or false. */
#ifndef SHOUWANG_POLICY_PARSE_EXPRESSION_H
#define SHOUWANG_POLICY_PARSE_EXPRESSION_H

#include "policy/syntax/parser.h"

/* --- parse_expression.c ------------------------------------------------------------------------------------------- */

/* One level deeper; leave it again, also after a refusal of what is inside. */
bool parse_enter(struct parser *parser);
void parse_leave(struct parser *parser);
struct expr *parse_new(struct parser *parser, enum expr_kind kind, const struct token *token);
/* The expression ends with the token taken last. */
struct expr *parse_finish(struct parser *parser, struct expr *expr);
/* About the current token; always NULL. */
struct expr *parse_refuse(struct parser *parser, enum message message);
bool parse_open(struct parser *parser);
bool parse_close(struct parser *parser);

/* --- parse_value.c ------------------------------------------------------------------------------------------------ */

struct expr *parse_value(struct parser *parser);

#endif
