/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/check_clauses.h"

#include "policy/compile/implies.h"

#include <string.h>

/* --- what two clauses have in common ------------------------------------------------------------------------------ */

static bool in_force_together(const struct program_clause *a, const struct program_clause *b)
{
    return (a->to == DAY_NONE || a->to >= b->from) && (b->to == DAY_NONE || b->to >= a->from);
}

/* Whenever `a` is in force, `b` is. */
static bool in_force_within(const struct program_clause *a, const struct program_clause *b)
{
    return b->from <= a->from && (b->to == DAY_NONE || (a->to != DAY_NONE && a->to <= b->to));
}

static bool same_kind(const struct program_clause *a, const struct program_clause *b)
{
    return a->statement->kind == b->statement->kind;
}

static struct known known_of(const struct program *program, const struct program_clause *clause)
{
    struct known known;
    known_init(&known, program);
    known_add_clause(&known, clause);
    return known;
}

static void tell(struct compiler *compiler, enum message message, const struct program_clause *at,
                 const struct program_clause *other, const char *what)
{
    diagnose(compiler->diagnoser, at->statement->at, message, other->shown.name,
             diagnose_number(compiler->diagnoser, other->statement->at.line), what);
}

/* --- checks that cannot both be heeded ---------------------------------------------------------------------------- */

/* It asks for states and events alone, reliefs among them: what a household is given, and whom of it. */
static bool asks_for_states(const struct program *program, int reg, int depth, bool *relief)
{
    const struct step *step = &program->steps[reg];
    if (step->fact >= 0)
        *relief = *relief || program->facts[step->fact].code->kind == FACT_RELIEF;
    if (depth == 0 || step->kind != REGISTER_TRI)
        return false;
    return (step->a < 0 || asks_for_states(program, step->a, depth - 1, relief)) &&
           (step->b < 0 || asks_for_states(program, step->b, depth - 1, relief));
}

static bool is_entitlement(const struct program *program, int reg)
{
    enum { ENTITLEMENT_DEPTH = 12 };
    bool relief = false;
    return asks_for_states(program, reg, ENTITLEMENT_DEPTH, &relief) && relief;
}

/* All that the clause asks for but the entitlement itself. */
static struct known without(const struct known *known, int reg)
{
    struct known rest = *known;
    rest.count = 0;
    for (size_t i = 0; i < known->count; i++) {
        if (known->items[i].reg != reg)
            rest.items[rest.count++] = known->items[i];
    }
    return rest;
}

/* A household that is found fault with whether it is given something or not. */
static void check_entitlements(struct compiler *compiler, const struct program_clause *a,
                               const struct program_clause *b)
{
    const struct program *program = compiler->program;
    struct known first = known_of(program, a), second = known_of(program, b);
    for (size_t i = 0; i < first.count; i++) {
        for (size_t j = 0; j < second.count; j++) {
            int reg = first.items[i].reg;
            if (reg != second.items[j].reg || first.items[i].negated == second.items[j].negated ||
                !is_entitlement(program, reg))
                continue;
            struct known one = without(&first, reg), other = without(&second, reg);
            if (!known_overlap(&one, &other))
                continue;
            tell(compiler, first.items[i].negated ? MESSAGE_CHECKS_DUE : MESSAGE_CHECKS_UNDUE, b, a, NULL);
            return;
        }
    }
}

/* --- one thing said twice and differently ---------------------------------------------------------------------------- */

static bool same_quantity(const struct quantity *a, const struct quantity *b)
{
    return a->constant == b->constant && (a->constant || a->reg == b->reg) &&
           fraction_compare(a->factor, b->factor) == 0 && a->divisor_count == b->divisor_count &&
           memcmp(a->divisors, b->divisors, (size_t)a->divisor_count * sizeof a->divisors[0]) == 0 &&
           unit_equal(a->unit, b->unit);
}

/* The name of an amount of which the two say different things; NULL. Without a name it goes by that of its clause. */
static const char *differing_amount(const struct program_clause *a, const struct program_clause *b)
{
    for (size_t i = 0; i < a->amount_count; i++) {
        for (size_t j = 0; j < b->amount_count; j++) {
            const struct program_amount *one = &a->amounts[i], *other = &b->amounts[j];
            bool named = slice_equal(one->line->title, other->line->title);
            if (named && !same_quantity(&one->quantity, &other->quantity))
                return one->title;
        }
    }
    return NULL;
}

static void check_said_twice(struct compiler *compiler, const struct program_clause *a,
                             const struct program_clause *b)
{
    const char *amount = differing_amount(a, b);
    bool valid = a->shown.valid_months > 0 && b->shown.valid_months > 0 &&
                 a->shown.valid_months != b->shown.valid_months;
    if (amount == NULL && !valid)
        return;
    struct known first = known_of(compiler->program, a), second = known_of(compiler->program, b);
    if (known_overlap(&first, &second))
        tell(compiler, amount != NULL ? MESSAGE_AMOUNTS_DIFFER : MESSAGE_VALIDITY_DIFFERS, b, a,
             amount != NULL ? amount : diagnose_slice(compiler->diagnoser, b->statement->title));
}

/* --- levels that are asked for ------------------------------------------------------------------------------------ */

static void check_levels(struct compiler *compiler, const struct program_clause *clause)
{
    const struct program *program = compiler->program;
    uint64_t given = 0;
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *other = &program->clauses[i];
        bool colour = other->shown.level != LEVEL_NONE && in_force_together(clause, other);
        given |= colour ? UINT64_C(1) << other->shown.level | UINT64_C(1) << LEVEL_VERIFY : 0;
    }
    for (size_t i = 0; i < clause->line_count; i++) {
        const struct step *step = &program->steps[clause->lines[i].reg];
        if (step->op == OP_LEVEL_IN && (step->mask & given) == 0)
            diagnose(compiler->diagnoser, clause->lines[i].at, MESSAGE_LEVEL_NEVER, clause->lines[i].text,
                     NULL, NULL);
    }
}

/* --- superfluous clauses ------------------------------------------------------------------------------------------ */

static bool follow_all(const struct known *known, const struct program_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!implies(known, lines[i].reg, false))
            return false;
    }
    return true;
}

/* Where a piece of evidence shows hardship for `a`, one of `b` does. */
static bool evidence_covered(const struct program *program, const struct program_line *lines, size_t count,
                             const struct program_clause *b)
{
    for (size_t i = 0; i < count; i++) {
        struct known known;
        bool covered = !lines[i].evidence;
        known_init(&known, program);
        known_add(&known, lines[i].reg, false);
        for (size_t j = 0; j < b->line_count && !covered; j++)
            covered = b->lines[j].evidence && implies(&known, b->lines[j].reg, false);
        for (size_t j = 0; j < b->some_line_count && !covered; j++)
            covered = b->some_lines[j].evidence && implies(&known, b->some_lines[j].reg, false);
        if (!covered)
            return false;
    }
    return true;
}

/* Whoever meets `a` meets `b`, and who may meet `a` may meet `b`. */
static bool is_within(const struct program *program, const struct program_clause *a,
                      const struct program_clause *b)
{
    struct known known = known_of(program, a);
    return (b->some < 0 || (a->some >= 0 && implies(&known, b->some, false))) &&
           follow_all(&known, b->lines, b->line_count) &&
           follow_all(&known, b->some_lines, b->some_line_count) &&
           evidence_covered(program, a->lines, a->line_count, b) &&
           evidence_covered(program, a->some_lines, a->some_line_count, b);
}

static bool refers_to(const struct program_clause *clause, const char *agency)
{
    for (size_t i = 0; i < clause->shown.referral_count; i++) {
        if (strcmp(clause->shown.referrals[i], agency) == 0)
            return true;
    }
    return false;
}

/* What `a` brings that `b` does not, were they to fire together: somebody else who is told, an earlier day, an amount. */
static bool adds(const struct program_clause *a, const struct program_clause *b)
{
    bool more = a->amount_count > 0 || a->shown.valid_months != b->shown.valid_months ||
                (a->shown.due_days > 0 && (b->shown.due_days == 0 || a->shown.due_days < b->shown.due_days));
    for (size_t i = 0; i < a->shown.referral_count && !more; i++)
        more = !refers_to(b, a->shown.referrals[i]);
    return more;
}

/* A colour is there for its level; a check, a suggestion, a tag says something of its own, however narrow. */
static bool stands_for_itself(const struct program_clause *clause)
{
    return clause->shown.level == LEVEL_NONE;
}

static bool superfluous(const struct program *program, const struct program_clause *a,
                        const struct program_clause *b)
{
    return same_kind(a, b) && (!a->even_empty || b->even_empty) && in_force_within(a, b) && !adds(a, b) &&
           is_within(program, a, b) && (!stands_for_itself(a) || is_within(program, b, a));
}

static void warn_superfluous(struct compiler *compiler)
{
    const struct program *program = compiler->program;
    for (size_t i = 0; i < program->clause_count; i++) {
        for (size_t j = 0; j < program->clause_count; j++) {
            const struct program_clause *a = &program->clauses[i], *b = &program->clauses[j];
            /* Of two that say the same the later one is told. */
            if (i == j || !superfluous(program, a, b) || (i < j && superfluous(program, b, a)))
                continue;
            diagnose(compiler->warnings, a->statement->at, MESSAGE_CLAUSE_SUPERFLUOUS, b->shown.name,
                     diagnose_number(compiler->warnings, b->statement->at.line), NULL);
            break;
        }
    }
}

void check_clauses(struct compiler *compiler)
{
    const struct program *program = compiler->program;
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *b = &program->clauses[i];
        check_levels(compiler, b);
        for (size_t j = 0; j < i; j++) {
            const struct program_clause *a = &program->clauses[j];
            if (!same_kind(a, b) || !in_force_together(a, b))
                continue;
            if (a->shown.kind == CLAUSE_CHECK)
                check_entitlements(compiler, a, b);
            if (slice_equal(a->statement->title, b->statement->title))
                check_said_twice(compiler, a, b);
        }
    }
    if (compiler->warnings != NULL && diagnoser_clean(compiler->diagnoser))
        warn_superfluous(compiler);
}
