/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/versions.h"

/* --- names -------------------------------------------------------------------------------------------------------- */

static bool overlap(const struct clause_statement *a, const struct clause_statement *b)
{
    return (a->to == DAY_NONE || a->to >= b->from) && (b->to == DAY_NONE || b->to >= a->from);
}

static void refuse_overlap(struct compiler *compiler, const struct clause_statement *earlier,
                           const struct clause_statement *s)
{
    const char *name = diagnose_slice(compiler->diagnoser, s->name);
    const char *line = diagnose_number(compiler->diagnoser, earlier->at.line);
    bool dated = earlier->from != DAY_NONE || s->from != DAY_NONE;
    char date[CIVIL_TEXT_SIZE];
    day_t first = earlier->from > s->from ? earlier->from : s->from;
    if (!dated)
        diagnose(compiler->diagnoser, s->at, MESSAGE_CLAUSE_NAME_TWICE, name, line, NULL);
    else
        diagnose(compiler->diagnoser, s->at, MESSAGE_VERSIONS_OVERLAP, name, line,
                 civil_format(first == DAY_NONE ? compiler->policy->ast.valid_from : first, date));
}

static bool same_kind(enum keyword a, enum keyword b)
{
    bool colours = a <= KW_YELLOW && b <= KW_YELLOW; /* a version may change the level */
    return a == b || colours;
}

void versions_check_names(struct compiler *compiler)
{
    const struct clause_statement *statements = compiler->policy->ast.clauses;
    for (const struct clause_statement *s = statements; s != NULL; s = s->next) {
        for (const struct clause_statement *earlier = statements; earlier != s; earlier = earlier->next) {
            if (!slice_equal(earlier->name, s->name))
                continue;
            if (overlap(earlier, s))
                refuse_overlap(compiler, earlier, s);
            else if (!same_kind(earlier->kind, s->kind))
                diagnose(compiler->diagnoser, s->at, MESSAGE_VERSION_KIND, compiler_kind(compiler, s->kind),
                         compiler_kind(compiler, earlier->kind),
                         diagnose_number(compiler->diagnoser, earlier->at.line));
        }
    }
}

/* --- dates -------------------------------------------------------------------------------------------------------- */

/* The version that follows; NULL. */
static const struct program_clause *next_version(const struct program *program,
                                                 const struct program_clause *clause)
{
    const struct program_clause *next = NULL;
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *other = &program->clauses[i];
        if (other != clause && slice_equal(other->statement->name, clause->statement->name) &&
            other->from > clause->from && (next == NULL || other->from < next->from))
            next = other;
    }
    return next;
}

static void warn_gap(struct compiler *compiler, const struct program_clause *clause)
{
    const struct program_clause *next = next_version(compiler->program, clause);
    char after[CIVIL_TEXT_SIZE], before[CIVIL_TEXT_SIZE];
    if (next != NULL && clause->to + 1 < next->from) /* it has an end, or the two would overlap */
        diagnose(compiler->warnings, next->statement->at, MESSAGE_VERSIONS_GAP,
                 diagnose_number(compiler->warnings, clause->statement->at.line),
                 civil_format(clause->to, after), civil_format(next->from, before));
}

static bool reads_standard(const struct program *program, int standard, size_t clause)
{
    for (size_t i = 0; i < program->step_count; i++) {
        const struct step *step = &program->steps[i];
        if (step->op == OP_STANDARD && step->k == standard && (step->clauses >> clause & 1) != 0)
            return true;
    }
    return false;
}

/* A standard begins no later than the policy, but it may end. */
static void check_standards(struct compiler *compiler, size_t index)
{
    const struct program *program = compiler->program;
    const struct program_clause *clause = &program->clauses[index];
    char to[CIVIL_TEXT_SIZE];
    for (size_t i = 0; i < compiler->symbol_count; i++) {
        const struct symbol *symbol = &compiler->symbols[i];
        if (!definition_is_dated(symbol->definition))
            continue;
        const struct program_standard *standard = &program->standards[symbol->index];
        day_t last = standard->values[standard->value_count - 1].to;
        if (last == DAY_NONE || clause->from <= last || !reads_standard(program, symbol->index, index))
            continue;
        diagnose(compiler->diagnoser, clause->statement->at, MESSAGE_VALIDITY_STANDARD, standard->name,
                 diagnose_number(compiler->diagnoser, symbol->definition->at.line), civil_format(last, to));
    }
}

void versions_check_dates(struct compiler *compiler)
{
    const struct program *program = compiler->program;
    char to[CIVIL_TEXT_SIZE], from[CIVIL_TEXT_SIZE];
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *clause = &program->clauses[i];
        day_t begin = compiler->policy->ast.valid_from;
        if (clause->to != DAY_NONE && clause->to < begin)
            diagnose(compiler->diagnoser, clause->statement->at, MESSAGE_VALIDITY_POLICY,
                     civil_format(clause->to, to), civil_format(begin, from), NULL);
        else
            check_standards(compiler, i);
        if (compiler->warnings != NULL)
            warn_gap(compiler, clause);
    }
}
