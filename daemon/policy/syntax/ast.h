/* SPDX-License-Identifier: PostgreSQL */
/*
 * The policy as written: what the parser hands to the checker. Names are still text; nothing is typed.
 *
 * Ownership: everything lives in the policy's arena and borrows the policy's copy of the text. Lists are in
 * the file's order.
 */
#ifndef SHOUWANG_POLICY_AST_H
#define SHOUWANG_POLICY_AST_H

#include "base/civil.h"
#include "policy/syntax/diagnose.h"
#include "policy/syntax/fraction.h"
#include "policy/syntax/keywords.h"
#include "policy/syntax/unit.h"

#include <stdint.h>

enum {
    AST_DEPTH_MAX = 64,    /* nesting of an expression; deeper text is no policy but an attack on the stack */
    AST_SET_PARTS_MAX = 8, /* sets joined by 与 */
    AST_LIST_MAX = 32,     /* values after 属于 */
    AST_SOURCES_MAX = 16,  /* sources after 先 */
    AST_REFERRALS_MAX = 16, /* agencies after 转介 */
    AST_AMOUNTS_MAX = 8,    /* 金额 lines of a suggestion */
    AST_PEOPLE_MAX = 64,    /* persons of an example's household */
};

enum expr_kind {
    EXPR_NUMBER, /* number, unit */
    EXPR_NAME,   /* a definition, setting, standard or fact by itself */
    EXPR_FACT, /* [本户] [window] [verb] name; of 不一致 `a` is what 超过 says, NULL without, and `symbol` is > */
    EXPR_ADD, /* a + b */
    EXPR_SUBTRACT,
    EXPR_MULTIPLY,
    EXPR_DIVIDE,
    EXPR_COMPARE, /* a `symbol` b */
    EXPR_IN,      /* a 属于 list */
    EXPR_AND,
    EXPR_OR,
    EXPR_NOT,
    EXPR_AGGREGATE, /* verb(set, a) */
    EXPR_DECLARED,  /* 申报(a, b, c) */
    EXPR_LARGER,    /* 较大(a, b) */
    EXPR_SMALLER,
    EXPR_IF, /* 若 c 取 a 否则 b */
    EXPR_HAS_UNKNOWN,
    EXPR_UNDECIDED,
    EXPR_YES,
    EXPR_NO,
    EXPR_RURAL,
    EXPR_URBAN,
    EXPR_AGE,
    EXPR_KINSHIP, /* 亲属, 劳动力 */
    EXPR_LABOUR,
    EXPR_LEVEL,
};

struct item {
    struct slice text;
    struct place at;
    enum keyword keyword;
};

struct set_expr {
    struct place at;
    size_t part_count;
    struct item parts[AST_SET_PARTS_MAX]; /* names, 登记人员, 本户 */
    struct expr *filter;                  /* 中 …; NULL if none */
};

struct window_edge {
    struct place at;
    bool present;
    int months, days; /* before the evaluation date */
};

struct expr {
    enum expr_kind kind;
    int symbol;        /* enum mark of comparisons */
    enum keyword verb; /* of facts and aggregates; KW_NONE_OF_THESE for amounts */
    bool household;    /* 本户 */
    bool ever;         /* 至今 */
    bool has_unit;
    struct place at;
    struct place first_at;     /* of a phrase: its first word */
    uint32_t begin, end;       /* in the text */
    struct slice name, window; /* of a number: its text, where it was not read from the policy (mutant.h) */
    struct place window_at;
    struct window_edge lasted; /* 满 12月 */
    struct fraction number;
    struct unit unit;
    struct expr *a, *b, *c;
    struct set_expr *set;
    size_t item_count;
    struct item *items;
};

struct citation {
    bool given;
    struct place at;
    struct slice document, article;
};

/* --- statements -------------------------------------------------------------------------------------------------- */

struct document {
    struct document *next;
    struct place at;
    struct slice name, title;
};

struct source_statement {
    struct source_statement *next;
    struct place at, feed_at, swing_at;
    struct slice name, feed;
    int freshness_days;
    int swing; /* 波动: so many deviations; 0 when the policy says nothing */
    bool may_raise, may_clear;
};

struct dated_value {
    struct dated_value *next;
    struct place at;
    day_t from, to;             /* to: DAY_NONE while open */
    struct expr *rural, *urban; /* the same when the standard does not depend on the area */
    struct citation citation;
};

struct gradual_row { /* 18月 当 … 依据 … */
    struct gradual_row *next;
    struct place at;
    int months;
    struct expr *condition; /* NULL: always */
    struct citation citation;
};

/* Everything that has a name in expressions. */
struct definition {
    struct definition *next;
    enum keyword kind; /* KW_STANDARD KW_SETTING KW_WINDOW KW_FACT KW_SET KW_PERSON_DEF KW_CONDITION_DEF
                          KW_AMOUNT_DEF KW_GRADUAL KW_STATISTIC */
    struct place at;
    struct slice name;
    struct slice title; /* statistics */
    struct unit unit;
    enum word fact_kind; /* WORD_YESNO WORD_EVENT WORD_CODE WORD_TYPE WORD_GRADE; WORD_NONE for amounts */
    struct expr *value;
    struct set_expr *set;
    struct dated_value *dated;
    bool by_area;
    struct citation citation;
    struct window_edge from, to;
    struct expr *low, *high; /* range */
    struct slice code;       /* of facts; of 渐退 the fact that it speaks of */
    struct place code_at;
    enum word code_part; /* WORD_CERTIFICATE_TYPE or _GRADE */
    size_t first_count;
    struct item first[AST_SOURCES_MAX]; /* 先: believed before all others */
    size_t provider_count;
    struct item providers[AST_SOURCES_MAX]; /* 由: expected to send it */
    struct gradual_row *gradual;
};

/* A standard, or a setting with dated values, which is one too. */
static inline bool definition_is_dated(const struct definition *definition)
{
    return definition->kind == KW_STANDARD || definition->dated != NULL;
}

struct clause_line {
    struct clause_line *next;
    enum keyword kind; /* KW_WHEN (且 too), KW_EVIDENCE, KW_ONLY, KW_EXCEPT */
    struct place at;
    struct expr *value;
    struct citation citation;
};

struct cause_line {
    struct cause_line *next;
    struct place at;
    const char *cause; /* "illness" */
    struct expr *condition;
};

struct amount_line { /* 金额 [title =] value 依据 … */
    struct amount_line *next;
    struct place at;
    struct slice title;
    struct expr *value;
    struct citation citation;
};

struct clause_statement {
    struct clause_statement *next;
    enum keyword kind;
    struct place at;
    struct slice name, title;
    struct citation citation;
    day_t from, to;
    bool even_empty;
    struct clause_line *lines;
    struct set_expr *some; /* 某 … */
    struct clause_line *some_lines;
    struct cause_line *causes;
    struct place reason_at;
    bool has_reason;
    uint32_t reason_begin, reason_end; /* in the text */
    size_t referral_count;
    struct item referrals[AST_REFERRALS_MAX];
    int due_days;
    struct place due_at;
    int clear_rounds, clear_batches; /* 解除; 0 when not asked */
    struct item clear_source;        /* whose batches */
    struct place clear_at;
    int valid_months; /* 有效; 0 when not said */
    struct place valid_at;
    struct amount_line *amounts;
};

/* --- examples ---------------------------------------------------------------------------------------------------- */

enum example_value {
    EXAMPLE_PLAIN,
    EXAMPLE_NUMBER,
    EXAMPLE_UNKNOWN,
    EXAMPLE_NO,
    EXAMPLE_WORD,
    EXAMPLE_REMOVED
};

struct example_fact {
    struct example_fact *next;
    struct place at;
    struct slice name;
    int subject;       /* 0 household, n person n, -1 not said */
    bool subject_said; /* directly before this fact */
    enum example_value kind;
    struct fraction number;
    struct slice word;
    int certificate_type, certificate_grade; /* 0 when not given */
    day_t from, to;
    struct item source;
};

enum trait { TRAIT_KINSHIP, TRAIT_LABOUR };

/* 亲属 and 劳动力 of an example's person. */
struct example_traits {
    int values[2]; /* by enum trait: 0 not said, 1 given as ?, else the value + 2 */
};

struct example_person {
    bool given, unknown;
    day_t birth;
    int age; /* -1 unless given by 年龄 */
};

struct example_amount { /* fen */
    struct example_amount *next;
    struct place at;
    struct slice title;
    int64_t low, high;
};

struct example_expectation {
    struct example_expectation *next;
    struct place at;
    enum keyword kind; /* KW_RED … KW_TAG fired, KW_NONE, KW_TO_VERIFY, KW_UNDECIDED */
    struct slice clause;
    struct example_amount *amounts; /* of suggestions */
};

struct example_statement {
    struct example_statement *next;
    struct place at;
    struct slice clause, title;
    struct place clause_at;
    bool same;
    day_t date; /* DAY_NONE: as the example before (同上) */
    int urban;  /* -1 not said */
    int people; /* -1 not said */
    struct example_person persons[AST_PEOPLE_MAX];
    struct example_traits traits[AST_PEOPLE_MAX];
    struct example_fact *facts;
    uint32_t end;       /* in the text, of its last word */
    enum keyword level; /* the household's level; KW_NONE_OF_THESE when not said, KW_NONE for none */
    struct example_expectation *expectations;
};

/* 等效 owner "before" "after" 理由 "why": a mutant that changes nothing that any household could show (mutant.h). */
struct equivalent_statement {
    struct equivalent_statement *next;
    struct place at;
    struct slice owner, before, after, reason;
};

struct trial_change {
    struct trial_change *next;
    struct place at;     /* of the name */
    uint32_t begin, end; /* in the text */
    enum { TRIAL_SCALE, TRIAL_SET, TRIAL_DISABLE } kind;
    struct slice name;
    bool by_area;
    struct expr *rural, *urban; /* the factor or the value; the same unless by_area */
};

struct trial_statement {
    struct trial_statement *next;
    struct place at;
    struct slice name;
    struct trial_change *changes;
};

struct policy_ast {
    struct slice name, version;
    day_t valid_from;
    struct document *documents;
    struct source_statement *sources;
    struct definition *definitions;
    struct clause_statement *clauses;
    struct example_statement *examples;
    struct trial_statement *trials;
    struct equivalent_statement *equivalents;
};

#endif
