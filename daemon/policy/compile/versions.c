/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/versions.h"
#include "policy/machine/machine.h"

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
        diagnose(compiler->diagnoser, s->at, MESSAGE_VERSIONS_OVERLAP, name, line, civil_format(first, date));
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

/* --- standards ---------------------------------------------------------------------------------------------------- */

/* One standard, and who cannot be judged for want of its values on some days on which he is in force. */
struct want {
    struct compiler *compiler;
    const struct symbol *symbol;
    struct text ended, early; /* names */
    size_t ended_count, early_count;
    day_t refused_from, refused_before;
};

/* The first day from `from` on for which the standard has ended; DAY_NONE when it never does. */
static day_t first_ended(const struct program *program, const struct step *step, day_t from)
{
    day_t lasts = from, ended = DAY_MAX;
    if (standard_lasts(program, step, ended))
        return DAY_NONE;
    if (!standard_lasts(program, step, from))
        return from;
    while (ended - lasts > 1) {
        day_t middle = lasts + (ended - lasts) / 2;
        if (standard_lasts(program, step, middle))
            lasts = middle;
        else
            ended = middle;
    }
    return ended;
}

/* The first day from `from` on for which it has begun: a window reaches back. */
static day_t first_begun(const struct program *program, const struct step *step, day_t from)
{
    day_t before = from, begun = DAY_MAX;
    if (standard_begun(program, step, from))
        return from;
    while (begun - before > 1) {
        day_t middle = before + (begun - before) / 2;
        if (standard_begun(program, step, middle))
            begun = middle;
        else
            before = middle;
    }
    return begun;
}

static void add_name(struct text *names, size_t *count, struct slice name, bool chinese)
{
    enum { NAMED = 3 }; /* of many clauses that read one standard */
    if ((*count)++ < NAMED)
        text_printf(names, "%s%.*s", *count > 1 ? (chinese ? "、" : ", ") : "", (int)name.length, name.bytes);
}

/* What reads the standard and is in force from `from` to `to`. Returns false when it has ended before. */
static bool look_at(struct want *want, bool (*reads)(const struct step *step, size_t index), size_t index,
                    struct slice name, day_t from, day_t to)
{
    const struct program *program = want->compiler->program;
    bool chinese = want->compiler->language == LANGUAGE_CHINESE;
    day_t ended = DAY_NONE, begun = from;
    for (size_t i = 0; i < program->step_count; i++) {
        const struct step *step = &program->steps[i];
        if (step->op != OP_STANDARD || step->k != want->symbol->index || !reads(step, index))
            continue;
        day_t end = first_ended(program, step, from), begin = first_begun(program, step, from);
        ended = ended == DAY_NONE || (end != DAY_NONE && end < ended) ? end : ended;
        begun = begin > begun ? begin : begun;
    }
    if (ended == from)
        return false;
    if (ended != DAY_NONE && (to == DAY_NONE || to >= ended)) {
        add_name(&want->ended, &want->ended_count, name, chinese);
        if (want->refused_from == DAY_NONE || ended < want->refused_from)
            want->refused_from = ended;
    }
    if (begun > from) {
        add_name(&want->early, &want->early_count, name, chinese);
        want->refused_before = begun > want->refused_before ? begun : want->refused_before;
    }
    return true;
}

static bool clause_reads(const struct step *step, size_t index)
{
    return step->readers >> index & 1;
}

static bool statistic_reads(const struct step *step, size_t index)
{
    return step->statistics >> index & 1;
}

/* A standard begins no later than the policy, but it may end, and a window may reach back before it. */
static void look_at_clauses(struct want *want)
{
    struct compiler *compiler = want->compiler;
    const struct program *program = compiler->program;
    const struct program_standard *standard = &program->standards[want->symbol->index];
    day_t begin = compiler->policy->ast.valid_from;
    char to[CIVIL_TEXT_SIZE];
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *clause = &program->clauses[i];
        if ((clause->to != DAY_NONE && clause->to < begin) ||
            look_at(want, clause_reads, i, clause->statement->name,
                    clause->from > begin ? clause->from : begin, clause->to))
            continue;
        diagnose(compiler->diagnoser, clause->statement->at, MESSAGE_VALIDITY_STANDARD, standard->name,
                 diagnose_number(compiler->diagnoser, want->symbol->definition->at.line),
                 civil_format(standard->values[standard->value_count - 1].to, to));
    }
    for (size_t i = 0; i < program->statistic_count; i++)
        look_at(want, statistic_reads, i, slice_of(program->statistic_names[i]), begin, DAY_NONE);
}

static void warn_of(const struct want *want, enum message message, const struct text *names, size_t count,
                    day_t day)
{
    char date[CIVIL_TEXT_SIZE];
    struct compiler *compiler = want->compiler;
    struct diagnoser *warnings = compiler->warnings;
    bool chinese = compiler->language == LANGUAGE_CHINESE;
    if (count == 0 || warnings == NULL)
        return;
    const char *listed = names->failed ? NULL
                                       : arena_printf(compiler->scratch,
                                                      count <= 3 ? "%s"
                                                      : chinese  ? "%s 等 %zu 条"
                                                                 : "%s and others, %zu in all",
                                                      names->bytes, count);
    diagnose(warnings, want->symbol->definition->at, message,
             compiler->program->standards[want->symbol->index].name, civil_format(day, date),
             compiler_keep(compiler, listed));
}

static void check_standard(struct compiler *compiler, const struct symbol *symbol)
{
    struct want want = {
        .compiler = compiler, .symbol = symbol, .refused_from = DAY_NONE, .refused_before = DAY_NONE};
    text_init(&want.ended);
    text_init(&want.early);
    look_at_clauses(&want);
    warn_of(&want, MESSAGE_STANDARD_ENDS, &want.ended, want.ended_count, want.refused_from);
    warn_of(&want, MESSAGE_STANDARD_LATE, &want.early, want.early_count, want.refused_before);
    text_fini(&want.ended);
    text_fini(&want.early);
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
        if (compiler->warnings != NULL)
            warn_gap(compiler, clause);
    }
    for (size_t i = 0; i < compiler->symbol_count; i++) {
        const struct symbol *symbol = &compiler->symbols[i];
        if (definition_is_dated(symbol->definition))
            check_standard(compiler, symbol);
    }
}
