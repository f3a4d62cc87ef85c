/* SPDX-License-Identifier: PostgreSQL */
/*
 * policy_ast → program: names, units, ranges, citations, dates and the proof that nothing overflows.
 *
 *   compile.c           the order of the work, and policy_compile
 *   declare.c           statements → symbols, facts, windows, settings
 *   declare_standard.c  dated values
 *   elaborate.c         expressions → operands (typed, exact); its parts stand in operand.h
 *   aggregate.c         sets and what is said over them
 *   choice.c            the larger, the smaller, one or the other
 *   gradual.c           what lasts some months longer (gradual.h)
 *   trait_condition.c   what the register says of a person: kinship, labour
 *   clause.c            clauses, their guards, reasons and causes
 *   amount.c            amounts of suggestions (amount.h)
 *   contradict.c        clauses that can never fire; by implies.h: what follows from what, and limit.h: comparisons as intervals
 *   check_clauses.c     clauses that contradict each other or are superfluous
 *   versions.c          clauses of one name, each in force in its own time
 *   trial.c, example.c  overlays, and examples made into households (trial.h, example.h)
 *   readers.c, supply.c which clauses read what; what is read beside what is sent (readers.h, supply.h)
 *   emit.c              operands → steps; shares equal steps and bounds each
 *   bounds.c            the bounds of steps, and that they fit
 *   nearest.c           "did you mean" for names
 *
 * Everything here lives for one compilation; the program lives in the policy's arena.
 */
#ifndef SHOUWANG_POLICY_COMPILER_H
#define SHOUWANG_POLICY_COMPILER_H

#include "policy/machine/program.h"

enum { SYMBOLS_MAX = 4096, ELABORATE_DEPTH_MAX = 600, NO_REGISTER = -1 };

/* A household may be spoken of as itself, or as one subject among its persons (成员 与 本户). */
enum scope { SCOPE_HOUSEHOLD, SCOPE_SUBJECT, SCOPE_PERSON, SCOPE_COUNT };

enum operand_type { OPERAND_ERROR, OPERAND_QUANTITY, OPERAND_CONDITION, OPERAND_CODE };

struct operand {
    enum operand_type type;
    enum domain domain;
    struct quantity quantity;
    bool bare; /* a number without a unit */
    int reg;   /* of conditions and codes */
    int fact;  /* of codes */
};

/* Who is meant: a tri of persons, and whether the household itself is one of the subjects. */
struct people {
    bool good;
    int mask;
    bool household;
    bool never_empty; /* in a household that has members */
};

struct symbol {
    struct definition *definition;
    int index; /* of facts, windows, standards */
    bool done[SCOPE_COUNT], busy;
    struct operand operands[SCOPE_COUNT];
    struct people people;
};

struct compiler {
    struct policy *policy;
    struct program *program;
    struct diagnoser *diagnoser;
    struct diagnoser *warnings; /* what is no mistake; NULL where nobody asks */
    struct arena *arena, *scratch;
    enum language language;
    size_t symbol_count;
    struct symbol *symbols;
    size_t step_capacity, comparison_capacity;
    int depth;
    bool level_allowed; /* inside the guards of a suggestion */
    bool outcomes_only; /* a mutant: no reasons, causes and examples, but amounts */
    bool full;          /* it has as many steps as a program can have */
    bool failed;        /* memory has run out */
};

/* --- shared ------------------------------------------------------------------------------------------------------- */

void *compiler_alloc(struct compiler *compiler, size_t count, size_t size);
const char *compiler_string(struct compiler *compiler, struct slice slice);
/* The text just made; "", and the compilation fails, when memory has run out over it. */
const char *compiler_keep(struct compiler *compiler, const char *made);
/* Returns an operand that silences what follows from it. */
struct operand compiler_refuse(struct compiler *compiler, struct place at, enum message message,
                               const char *a, const char *b, const char *c);
/* The expression as it stands in the policy, with runs of blanks made one. */
const char *compiler_text(struct compiler *compiler, const struct expr *expr);
/* "; did you mean …?" when one of the candidates is near, else "". */
const char *compiler_nearest(struct compiler *compiler, struct slice name,
                             struct slice (*candidate)(const void *, size_t), const void *from, size_t count);
const char *compiler_unit(struct compiler *compiler, struct unit unit);
const char *compiler_kind(struct compiler *compiler, enum keyword kind);

/* Compiles the tree of `policy` again, into a policy that lends its tree and text; nothing that only explains is made. False when
 * it has mistakes or memory has run out (diagnoser->failed). */
bool compiler_run_again(const struct policy *policy, struct diagnoser *diagnoser, struct arena *arena,
                        struct arena *scratch, struct policy *again);

/* --- declare.c ---------------------------------------------------------------------------------------------------- */

/* False when there are no tables to go on with. */
bool declare_all(struct compiler *compiler);
/* NULL, and diagnosed, when there is no such name or it is defined further below. */
struct symbol *declare_find(struct compiler *compiler, struct slice name, struct place at);
/* Without a diagnostic. */
struct symbol *declare_lookup(struct compiler *compiler, struct slice name);
void declare_check_citation(struct compiler *compiler, const struct citation *citation, struct slice what,
                            struct place at);
const char *declare_citation_text(struct compiler *compiler, const struct citation *citation);
int declare_ever_window(struct compiler *compiler);
/* The window from so long ago to the evaluation date; -1 when none is declared. */
int declare_find_window(const struct program *program, int months, int days);
/* 近12月 written in the phrase itself; -2 when diagnosed. */
int declare_inline_window(struct compiler *compiler, struct slice name, struct window_edge edge,
                          struct place at);
/* The source's number, -1 when it is none of the declared. */
int declare_source_number(struct compiler *compiler, struct slice name);

/* --- declare_standard.c ------------------------------------------------------------------------------------------- */

/* Also of a setting with dated values. */
void declare_standard(struct compiler *compiler, struct symbol *symbol);

/* --- elaborate.c -------------------------------------------------------------------------------------------------- */

struct operand elaborate(struct compiler *compiler, const struct expr *expr, enum scope scope);
/* NO_REGISTER when diagnosed. */
int elaborate_condition(struct compiler *compiler, const struct expr *expr, enum scope scope);
struct operand elaborate_quantity(struct compiler *compiler, const struct expr *expr, enum scope scope);
/* A constant in `unit`; a number without a unit takes it. */
bool elaborate_constant(struct compiler *compiler, const struct expr *expr, struct unit unit,
                        struct fraction *value);
/* Elaborates a definition's body in the scope (once). */
struct operand elaborate_definition(struct compiler *compiler, struct symbol *symbol, enum scope scope,
                                    struct place at);
enum domain scope_domain(enum scope scope);

/* --- aggregate.c -------------------------------------------------------------------------------------------------- */

struct people aggregate_people(struct compiler *compiler, const struct set_expr *set);
struct operand aggregate_elaborate(struct compiler *compiler, const struct expr *expr);

/* --- clause.c ----------------------------------------------------------------------------------------------------- */

void clause_compile_all(struct compiler *compiler);
void clause_check_all(struct compiler *compiler); /* after the plan: what needs every step */

/* --- contradict.c --------------------------------------------------------------------------------------------------- */

void contradict_check(struct compiler *compiler, const struct program_clause *clause);

/* --- choice.c ----------------------------------------------------------------------------------------------------- */

/* 较大(a, b), 较小(a, b), 若 condition 取 a 否则 b */
struct operand choice_elaborate(struct compiler *compiler, const struct expr *expr, enum scope scope);

/* --- bounds.c ----------------------------------------------------------------------------------------------------- */

/* Sets what is known of the step before any household is looked at. False: it could leave int64. */
bool bounds_prove(struct compiler *compiler, struct step *step);

/* --- emit.c ------------------------------------------------------------------------------------------------------- */

/* Room for the first steps; false without memory. Each function below returns the step's register; NO_REGISTER when an operand is
 * none or, diagnosed, when a quantity could leave int64. */
bool emit_begin(struct compiler *compiler);
/* op: OP_AMOUNT, OP_LATEST_AMOUNT, OP_ACTIVE_AMOUNT (no window) or OP_GAP (no window of a relief) */
int emit_amount(struct compiler *compiler, enum op op, int fact, int window, enum domain domain,
                struct place at);
int emit_state(struct compiler *compiler, int fact, int window, enum state_mode mode, uint64_t mask,
               enum domain domain, struct place at);
/* op: OP_RECORDED, or OP_DISAGREE (no window) */
int emit_told(struct compiler *compiler, enum op op, int fact, int window, enum domain domain,
              struct place at);
int emit_trait(struct compiler *compiler, enum trait trait, struct place at);
int emit_latest(struct compiler *compiler, int fact, enum domain domain, struct place at);
int emit_nullary(struct compiler *compiler, enum op op, enum domain domain, int64_t k, struct place at);
/* In force on the evaluation date (window −1); or over a window the sum over its months, or with months 0 over its days */
int emit_standard(struct compiler *compiler, int standard, int window, int months, struct place at);
/* The number of the window's days */
int emit_days(struct compiler *compiler, int window, struct place at);
int emit_scale(struct compiler *compiler, int a, int64_t k, struct place at);
int emit_binary(struct compiler *compiler, enum op op, int a, int b, struct place at);
/* op: OP_LARGER or OP_SMALLER of a and b (c NO_REGISTER), or OP_CHOOSE by condition c */
int emit_choice(struct compiler *compiler, enum op op, int a, int b, int c, struct place at);
int emit_widen(struct compiler *compiler, int a, int condition, int64_t k, struct place at);
/* op: OP_LESS, OP_LESS_EQUAL or OP_EQUAL; b NO_REGISTER: against k */
int emit_compare(struct compiler *compiler, enum op op, int a, int b, int64_t k, struct place at);
int emit_mask(struct compiler *compiler, enum op op, int a, uint64_t mask, struct place at);
int emit_unary(struct compiler *compiler, enum op op, int a, struct place at);
int emit_segment(struct compiler *compiler, enum op op, int who, int what, bool never_empty, struct place at);
bool emit_plan(struct compiler *compiler);
/* What a condition always is, by bounds alone: SETTLED_TRUE, SETTLED_FALSE or UNSETTLED (it depends). */
uint8_t emit_always(const struct program *program, int reg);

#endif
