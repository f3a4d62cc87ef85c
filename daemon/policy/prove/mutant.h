/* SPDX-License-Identifier: PostgreSQL */
/*
 * Mutants: a policy with one small thing changed, to see whether its examples notice.
 *
 *   mutants.def         what is changed, and which example would notice
 *   mutant_expr.c       the changes inside expressions and sets
 *   mutant_statement.c  the changes of statements, and which of them any clause reads
 *   mutate.c            compiles each mutant and runs the examples over it
 *
 * A mutant is a list of patches to the tree: bytes that are exchanged with those in the tree, so that applying it twice leaves
 * the tree as it was. A window's edge is moved in the compiled program instead: in the tree a window of 12 months and a day
 * would have another unit. The tree must belong to nobody else meanwhile.
 *
 * No mutant reads a fact that the policy does not read: changes take facts away, or read the same ones otherwise.
 */
#ifndef SHOUWANG_POLICY_MUTANT_H
#define SHOUWANG_POLICY_MUTANT_H

#include "policy/machine/program.h"
#include "policy/syntax/unparse.h"

enum mutant_operator {
#define MUTATION(id, name, chinese, english, chinese_advice, english_advice) MUTANT_##id,
#include "policy/prove/mutants.def"
#undef MUTATION
    MUTANT_OPERATOR_COUNT
};

struct patch {
    struct patch *next;
    void *target;
    void *bytes; /* what is put there; what stood there while the patch is in force */
    size_t size;
};

struct window_shift {
    int window; /* index of program.windows; -1: none */
    int from_months, from_days, to_days;
};

struct mutant {
    struct mutant *next;
    enum mutant_operator op;
    struct place at;
    struct slice owner;         /* the statement that it stands in */
    uint64_t clauses;           /* which clauses read that statement */
    bool amounts;               /* an amount of a suggestion (金额) reads it */
    const char *before, *after; /* canonical text */
    struct patch *patches;
    struct window_shift shift;
};

/* How far a number is moved when nothing at the number itself says so. */
enum step_size {
    STEP_RATIO, /* one hundredth, or the last decimal written */
    STEP_FEN,
    STEP_ONE
};

struct mutant_maker {
    struct policy *policy; /* compiled; the maker's own */
    struct arena *arena;
    struct mutant **tail;
    size_t count;
    struct slice owner;
    uint64_t clauses;
    bool amounts;
    enum step_size step;
    const struct expr *context; /* the comparison around: what is shown of a number */
    uint64_t windows_done;      /* PROGRAM_WINDOWS_MAX bits: moved already */
    struct text text;
    bool failed; /* memory has run out */
};

/* Adds one; NULL when memory has run out. Its patches follow by mutant_patch. */
struct mutant *mutant_add(struct mutant_maker *maker, enum mutant_operator op, struct place at);
void mutant_patch(struct mutant_maker *maker, struct mutant *mutant, void *target, const void *bytes,
                  size_t size);
/* Exchanges the tree's bytes with the mutant's: makes it, or takes it back. */
void mutant_toggle(const struct mutant *mutant);
const char *mutant_text(struct mutant_maker *maker); /* what maker->text holds; empties it */
/* "去掉", "dropped". */
const char *mutant_gone(const struct mutant_maker *maker);

/* mutant_expr.c */
void mutant_walk_expr(struct mutant_maker *maker, struct expr *expr);
void mutant_walk_value(struct mutant_maker *maker, struct expr *expr,
                       struct unit unit); /* a constant in that unit */
void mutant_walk_set(struct mutant_maker *maker, struct set_expr *set);
void mutant_move_window(struct mutant_maker *maker, int window, struct place at);

/* mutant_statement.c: all mutants of the policy, in the order of the text. NULL and failed without memory. */
struct mutant *mutant_list(struct mutant_maker *maker);

#endif
