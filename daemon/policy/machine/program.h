/* SPDX-License-Identifier: PostgreSQL */
/*
 * The compiled policy: flat steps over columns, and what the machine, the explanation, the examples and the
 * rendering need beside them. One typed representation feeds them all.
 *
 * Registers. Step i writes register i and no other; so a register is named by its step. A register is a column with one entry
 * per household or per person (enum domain) of a batch, and is one of
 *   quantity   two int64 columns, low ≤ high
 *   tri        one byte: bit 0 "may be true", bit 1 "may be false"; 1 true, 2 false, 3 undecided, never 0
 *   code       one byte: a small value (choice, type, grade, yes/no); CODE_NONE when there is no fact
 *
 * Invariants
 *   1. operands of a step have lower numbers than the step
 *   2. equal steps are one step (common subexpressions are shared)
 *   3. no step overflows: its bounds were proven from the declared ranges and the limits in policy.h
 *   4. steps [0, colour_end) decide all clauses but suggestions, and the statistics; [colour_end, suggestion_end) decide
 *      suggestions, after the level is known; the rest only fills reasons, causes and definitions and runs in explanations
 */
#ifndef SHOUWANG_POLICY_PROGRAM_H
#define SHOUWANG_POLICY_PROGRAM_H

#include "policy/policy.h"
#include "policy/syntax/ast.h"

enum {
    PROGRAM_STEPS_MAX = 8192, /* registers are int16_t; a scheme has a few hundred steps */
    PROGRAM_FACTS_MAX = 512,  /* 事实 statements */
    PROGRAM_WINDOWS_MAX = 64,
    PROGRAM_STATISTICS_MAX = 32, /* bits of policy_outcome.statistics */
    QUANTITY_DIVISORS_MAX = 3,
    CODE_NONE = 255,
    CODE_UNKNOWN = 254,   /* of traits: whether it is in a set is undecided */
    CODE_VALUES_MAX = 64, /* code values are below this: a set of them is a 64-bit mask */
};

#define SETTLED_TRUE  UINT8_C(1)
#define SETTLED_FALSE UINT8_C(2)
#define UNSETTLED     UINT8_C(3)

enum phase { PHASE_CLAUSES, PHASE_SUGGESTIONS, PHASE_EXPLANATION, PHASE_COUNT };
enum domain { DOMAIN_HOUSEHOLD, DOMAIN_PERSON, DOMAIN_COUNT };
enum register_kind { REGISTER_QUANTITY, REGISTER_TRI, REGISTER_CODE };

/* Ways in which a state or event holds. */
enum state_mode { STATE_NOW, STATE_HELD, STATE_AT_END, STATE_HAPPENED, STATE_ENDED, STATE_LASTED };

enum op {
    /* filled from the facts (extract.c) */
    OP_AMOUNT, /* fact, window: sum of the subject's amounts */
    OP_STATE,  /* fact, window, mode, mask (0: any value but no) */
    OP_LATEST, /* fact → code */
    /* rare leaves, of which most policies have none (extract_rare.c) */
    OP_LATEST_AMOUNT, /* fact, window: sum of the subject's amounts on the latest day that has any */
    OP_ACTIVE_AMOUNT, /* fact: sum of the monthly amounts of a relief that is active */
    OP_RECORDED,      /* fact, window: any fact at all, of whatever source and value */
    OP_GAP,           /* fact, window (-1 of a relief): by how much at most the sums of two sources differ */
    OP_DISAGREE,      /* fact: two sources say different things of a state or a code on the evaluation date */
    OP_AGE,           /* completed years; unknown: AGE_UNKNOWN_LOW..AGE_UNKNOWN_HIGH */
    OP_URBAN,
    OP_TRAIT, /* k: enum trait → code */
    OP_LAST_LEAF = OP_TRAIT,
    /* constants of a run */
    OP_CONSTANT, /* k */
    OP_STANDARD, /* standard k: in force on the evaluation date (window -1), or summed over the window's `mask` months, or with
                    mask 0 over its days; all by the standard's denominator */
    OP_DAYS,  /* how many days the window has */
    OP_TRUTH, /* k = 1, 2 or 3 */
    /* quantities */
    OP_SCALE,    /* a × k */
    OP_ADD,      /* a + b */
    OP_SUBTRACT, /* a − b */
    OP_MULTIPLY, /* a × b, b ≥ 0 */
    OP_WIDEN,    /* a, its high + k unless b is true */
    OP_LARGER,   /* the larger of a and b */
    OP_SMALLER,
    OP_CHOOSE, /* a where c is true, b where it is false, the hull of both where it is undecided */
    /* quantities → tri; b < 0: compare with k */
    OP_LESS,
    OP_LESS_EQUAL,
    OP_EQUAL,
    OP_UNKNOWN,  /* high > low */
    OP_CODE_IN,  /* code a in mask */
    OP_LEVEL_IN, /* the household's level in mask */
    /* tri */
    OP_NOT,
    OP_AND,
    OP_OR,
    /* households → persons */
    OP_SPREAD,
    /* persons → households; a: who belongs (tri) */
    OP_SUM,
    OP_COUNT,
    OP_ANY,
    OP_MAXIMUM,
    OP_MINIMUM,
    OP_COUNT_OF_OPS
};

enum { AGE_UNKNOWN_LOW = -2000, AGE_UNKNOWN_HIGH = 2000 }; /* wider than any comparison: 0岁 to 150岁 */

struct step {
    uint8_t op;     /* enum op */
    uint8_t domain; /* enum domain of the result */
    uint8_t kind;   /* enum register_kind of the result */
    uint8_t mode;   /* enum state_mode */
    int16_t a, b;   /* operand registers, -1 none */
    int16_t fact;   /* index of program.facts, -1 none */
    int16_t window; /* index of program.windows, -1 none */
    int16_t c;      /* third operand, -1 none */
    int64_t k;
    uint64_t mask;
    /* known since the compilation */
    int64_t low, high;            /* bounds of a quantity */
    wide_t total_low, total_high; /* bounds of its sum over a household's subjects */
    uint64_t clauses;             /* which clauses depend on it */
    uint64_t readers;             /* … or their reasons, causes and amounts */
    uint32_t statistics;          /* which statistics depend on it */
    bool may_be_undecided;        /* of a quantity: low and high may differ */
    uint8_t phase;                /* enum phase: the first that needs it */
};

struct program_fact {
    const char *name;
    const struct definition *definition;
    const struct fact_code *code;
    uint16_t position;                   /* in policy_codes() */
    bool needed;                         /* some step reads it */
    enum word kind;                      /* WORD_NONE for amounts */
    int64_t low, high;                   /* declared range */
    uint8_t rank[SOURCE_NUMBER_MAX + 1]; /* by source number: smaller is believed first */
    bool named[SOURCE_NUMBER_MAX + 1];   /* by 先 or 由: the source is expected to send it */
    bool of_household, of_person;        /* read about households, about persons */
};

struct program_window {
    const char *name;
    bool ever;                                      /* everything up to the evaluation date */
    int from_months, from_days, to_months, to_days; /* before the evaluation date; from is exclusive */
};

struct program_value {
    day_t from, to; /* to: DAY_NONE while open */
    int64_t rural, urban;
};

struct program_standard {
    const char *name;
    size_t value_count;
    struct program_value *values;
    int64_t denominator; /* values are what the policy says × this (ratios such as 3/2); of amounts it is 1 */
    bool
        by_months; /* every change lies on the first of a month: whole months are weighted by months, all else by days */
};

/* A quantity as the policy speaks of it: register × factor ÷ divisors, or a constant. */
struct quantity {
    bool constant;
    int reg; /* -1 for constants */
    struct fraction factor;
    int divisor_count;
    int divisors[QUANTITY_DIVISORS_MAX]; /* registers */
    struct unit unit;
};

/* A comparison of quantities, kept for the explanation: left − right = (left_reg − right_reg) × factor ÷
 * divisors. */
struct comparison {
    const struct expr *expr;
    enum domain domain;
    int reg; /* of the condition */
    struct quantity left, right;
    int left_reg, right_reg; /* the integers that are compared; -1: the constant beside */
    int64_t left_constant, right_constant;
    struct fraction factor; /* positive */
    int divisor_count;
    int divisors[QUANTITY_DIVISORS_MAX];
};

struct program_line {
    int reg; /* tri; of 除外 its opposite */
    bool guard, except, evidence;
    int comparison; /* index, -1 none */
    const char *text;
    struct place at;
};

struct reason_piece {
    const char *text; /* NULL for a value */
    bool is_code;
    int reg; /* of codes */
    int fact;
    struct quantity quantity;
};

struct program_cause {
    const char *cause;
    int reg; /* -1: always */
};

struct program_amount {
    const char *title, *citation;
    struct quantity quantity;
    const struct amount_line *line;
};

struct program_clause {
    struct policy_clause shown; /* the part of it that the API lends */
    const struct clause_statement *statement;
    day_t from, to; /* DAY_NONE: as the policy */
    bool even_empty;
    size_t line_count;
    struct program_line *lines; /* households: guards and conjuncts */
    int some;                   /* tri of persons that belong; -1 without 某 */
    size_t some_line_count;
    struct program_line *some_lines;
    size_t cause_count;
    struct program_cause *causes;
    size_t piece_count;
    struct reason_piece *pieces;
    size_t amount_count;
    struct program_amount *amounts;
};

struct program_gradual_row {
    int months;
    int reg;                 /* the row holds */
    int ended[DOMAIN_COUNT]; /* the subject's state ended in the window (OP_STATE) … */
    int left[DOMAIN_COUNT];  /* … and it has it no more; of persons: and is a member */
};

struct program_gradual { /* 渐退 */
    struct program_gradual *next;
    const struct definition *definition;
    int reg;
    size_t row_count;
    struct program_gradual_row *rows;
};

struct program_definition {
    const char *name;
    bool is_condition;
    int reg; /* of conditions */
    struct quantity quantity;
    const struct program_gradual *gradual; /* NULL of others */
};

struct program {
    size_t step_count;
    struct step *steps;
    int16_t *plan;                /* step_count entries */
    size_t plan_end[PHASE_COUNT]; /* where each phase's part of the plan ends */
    size_t fact_count;
    struct program_fact *facts;
    size_t window_count;
    struct program_window *windows;
    size_t standard_count;
    struct program_standard *standards;
    size_t clause_count;
    struct program_clause *clauses;
    size_t statistic_count;
    const char *statistic_names[PROGRAM_STATISTICS_MAX];
    int statistics[PROGRAM_STATISTICS_MAX]; /* tri registers */
    int members;                            /* register: the number of members */
    size_t comparison_count;
    struct comparison *comparisons;
    size_t definition_count;
    struct program_definition *definitions;
    struct program_gradual *graduals;
    size_t code_count;
    int16_t *codes; /* dictionary numbers, ascending */
};

struct policy {
    struct arena *arena; /* owns everything below */
    const struct dictionary *dictionary;
    enum language language;
    const char *file_name;
    const char *text;
    size_t text_length;
    const char *name, *version;
    const char *trial; /* the overlay that it was compiled with; NULL */
    size_t trial_count;
    const char **trials; /* names */
    struct policy_ast ast;
    struct policy_diagnostics warnings;
    size_t source_count;
    struct policy_source *sources;
    struct program program;
};

static inline bool op_is_leaf(enum op op)
{
    return op <= OP_LAST_LEAF;
}

/* Of a step that reads facts. */
static inline bool op_is_rare(enum op op)
{
    return op > OP_LATEST;
}

#endif
