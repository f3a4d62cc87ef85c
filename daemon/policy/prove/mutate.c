/* SPDX-License-Identifier: PostgreSQL */
/*
 * policy_mutate: the policy is read once more, into a tree that may be changed. Each mutant is made in that tree, compiled from
 * it, run over the blocks of examples, and taken back. Neither the policy nor its examples are parsed again.
 */
#include "policy/compile/amount.h"
#include "policy/compile/compiler.h"
#include "policy/compile/example.h"
#include "policy/machine/machine.h"
#include "policy/machine/version.h"
#include "policy/prove/mutant.h"

#include <stdlib.h>
#include <string.h>

/* One thing that an example says: of a clause, or of the level (clause -1). */
struct assertion {
    size_t example;
    int clause;
    enum keyword expected;
};

/* The examples of one date. */
struct date_group {
    day_t date;
    size_t count;
    size_t *which;
    struct policy_block block; /* bound to the unchanged program */
};

struct mutator {
    struct policy *policy; /* its own */
    struct arena *arena;   /* the caller's */
    struct arena *scratch; /* of this call */
    struct example_cases cases;
    size_t group_count;
    struct date_group *groups;
    size_t assertion_count;
    struct assertion *assertions;
    size_t *first_assertion; /* by example, and one more */
    struct diagnoser mistakes;
    struct policy_mutation *result;
};

static const struct {
    const char *name, *title[2], *advice[2];
} operators[] = {
#define MUTATION(id, name, chinese, english, chinese_advice, english_advice)                                 \
    {name, {chinese, english}, {chinese_advice, english_advice}},
#include "policy/prove/mutants.def"
#undef MUTATION
};

static enum status out_of_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "out of memory while testing a policy");
}

/* --- the examples ------------------------------------------------------------------------------------------------- */

/* The version that speaks on the example's day, before anything is changed; a compiled policy's examples name clauses that exist. */
static int find_clause(const struct mutator *m, size_t index, struct slice name)
{
    return version_on(&m->policy->program, name, m->cases.cases[index].date);
}

static bool list_assertions(struct mutator *m)
{
    size_t capacity = 0;
    for (const struct example_statement *s = m->policy->ast.examples; s != NULL; s = s->next) {
        capacity++;
        for (const struct example_expectation *e = s->expectations; e != NULL; e = e->next)
            capacity++;
    }
    m->assertions = arena_array(m->scratch, capacity + 1, sizeof *m->assertions);
    m->first_assertion = arena_array(m->scratch, m->cases.count + 1, sizeof *m->first_assertion);
    if (m->assertions == NULL || m->first_assertion == NULL)
        return false;
    for (size_t i = 0; i < m->cases.count; i++) {
        const struct example_statement *s = m->cases.cases[i].statement;
        m->first_assertion[i] = m->assertion_count;
        if (s->level != KW_NONE_OF_THESE)
            m->assertions[m->assertion_count++] = (struct assertion){i, -1, s->level};
        for (const struct example_expectation *e = s->expectations; e != NULL; e = e->next)
            m->assertions[m->assertion_count++] =
                (struct assertion){i, find_clause(m, i, e->clause), e->kind};
    }
    m->first_assertion[m->cases.count] = m->assertion_count;
    return true;
}

static bool group_by_date(struct mutator *m)
{
    bool *done = arena_array(m->scratch, m->cases.count + 1, sizeof *done);
    m->groups = arena_array(m->scratch, m->cases.count + 1, sizeof *m->groups);
    if (done == NULL || m->groups == NULL)
        return false;
    for (size_t i = 0; i < m->cases.count; i++) {
        if (done[i])
            continue;
        struct date_group *group = &m->groups[m->group_count++];
        group->date = m->cases.cases[i].date;
        group->which = arena_array(m->scratch, m->cases.count - i, sizeof *group->which);
        if (group->which == NULL)
            return false;
        for (size_t j = i; j < m->cases.count; j++) {
            if (done[j] || m->cases.cases[j].date != group->date)
                continue;
            done[j] = true;
            group->which[group->count++] = j;
        }
        if (!example_block(&m->cases, group->which, group->count, m->scratch, &group->block))
            return false;
    }
    return true;
}

/* --- one mutant --------------------------------------------------------------------------------------------------- */

static bool met(const struct assertion *assertion, const struct policy_outcome *outcome)
{
    if (assertion->clause < 0)
        return outcome->level == (uint8_t)example_level(assertion->expected);
    return example_verdict(outcome, assertion->clause) == example_expected(assertion->expected);
}

/* The first example that fails; the number of examples when all pass. */
static size_t first_failing(const struct mutator *m, const struct date_group *group,
                            const struct policy_outcome *outcomes)
{
    for (size_t i = 0; i < group->count; i++) {
        size_t example = group->which[i];
        for (size_t a = m->first_assertion[example]; a < m->first_assertion[example + 1]; a++) {
            if (!met(&m->assertions[a], &outcomes[i]))
                return example;
        }
    }
    return m->cases.count;
}

static enum status amounts_hold(const struct mutator *m, const struct policy_run *run,
                                const struct policy_block *block, size_t household,
                                const struct example_statement *statement, struct arena *arena, bool *same,
                                struct error *err)
{
    struct batch batch;
    struct policy_outcome outcome;
    enum status status =
        run_household(run, block, household, PHASE_EXPLANATION, arena, &batch, &outcome, err);
    for (const struct example_expectation *e = statement->expectations; e != NULL && status == STATUS_OK;
         e = e->next) {
        int at = e->amounts == NULL ? -1 : version_on(&m->policy->program, e->clause, run->as_of);
        if (at < 0)
            continue;
        const struct program_clause *clause = &run->policy->program.clauses[at];
        struct policy_shown_clause shown = {0};
        struct text unread;
        if (!amount_show(batch.frame, clause, m->policy->language, arena, &shown))
            return out_of_memory(err);
        text_init(&unread);
        for (const struct example_amount *a = e->amounts; a != NULL; a = a->next)
            *same = amount_is(clause, &shown, a, m->policy->language, &unread) && *same;
        if (unread.failed)
            status = out_of_memory(err);
        text_fini(&unread);
    }
    return status;
}

/* The first example in which an amount of a suggestion comes out otherwise; as first_failing. */
static enum status first_amount(const struct mutator *m, const struct policy_run *run,
                                const struct policy_block *block, const struct date_group *group,
                                size_t *failing, struct error *err)
{
    for (size_t i = 0; i < group->count && *failing == m->cases.count; i++) {
        size_t example = group->which[i];
        const struct example_statement *s = m->cases.cases[example].statement;
        bool says = false, same = true;
        for (const struct example_expectation *e = s->expectations; e != NULL; e = e->next)
            says = says || e->amounts != NULL;
        if (!says)
            continue;
        struct arena *arena = arena_new(0);
        enum status status =
            arena == NULL ? out_of_memory(err) : amounts_hold(m, run, block, i, s, arena, &same, err);
        arena_free(arena);
        if (status != STATUS_OK)
            return status;
        if (!same)
            *failing = example;
    }
    return STATUS_OK;
}

static enum status run_group(const struct mutator *m, const struct policy *changed,
                             const struct example_cases *bound, const struct date_group *group, bool amounts,
                             struct arena *arena, size_t *failing, struct error *err)
{
    struct policy_block block = group->block;
    struct policy_run *run = NULL;
    struct error refused = {.status = STATUS_OK};
    size_t persons = block.person_begin[block.household_count];
    struct policy_outcome *outcomes = arena_array(arena, group->count + 1, sizeof *outcomes);
    if (outcomes == NULL ||
        (bound != NULL && !example_block(bound, group->which, group->count, arena, &block)))
        return out_of_memory(err);
    enum status status =
        run_new(changed, group->date, group->count < BATCH_HOUSEHOLDS ? group->count : BATCH_HOUSEHOLDS,
                persons < BATCH_PERSONS ? persons : BATCH_PERSONS, &run, &refused);
    if (status == STATUS_CONFIG) { /* it says nothing about the date any more */
        *failing = group->which[0];
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = policy_run_evaluate(run, &block, outcomes, &refused);
    if (status == STATUS_OK) {
        *failing = first_failing(m, group, outcomes);
        if (amounts && *failing == m->cases.count)
            status = first_amount(m, run, &block, group, failing, err);
    } else {
        status = out_of_memory(err);
    }
    policy_run_free(run);
    return status;
}

static enum status run_mutant(const struct mutator *m, const struct policy *changed, bool amounts,
                              struct arena *arena, size_t *failing, struct error *err)
{
    struct example_cases bound;
    bool same =
        m->policy->program.code_count == changed->program.code_count; /* mutants read no other codes */
    *failing = m->cases.count;
    if (!same && !example_rebind(&m->cases, &changed->program, arena, &bound))
        return out_of_memory(err);
    enum status status = STATUS_OK;
    for (size_t g = 0; g < m->group_count && status == STATUS_OK && *failing == m->cases.count; g++)
        status = run_group(m, changed, same ? NULL : &bound, &m->groups[g], amounts, arena, failing, err);
    return status;
}

/* What the checker says only because a change was made without sense: such a mutant is no mutant. */
static bool is_senseless(enum message message)
{
    static const enum message senseless[] = {
        MESSAGE_UNITS_DIFFER,     MESSAGE_UNIT_DECLARED, MESSAGE_NUMBER_NEEDS_UNIT, MESSAGE_FEN,
        MESSAGE_COMPARE_ORDER,    MESSAGE_COMPARE_SIDES, MESSAGE_CONDITION_NEEDED,  MESSAGE_AMOUNT_NEEDED,
        MESSAGE_PERSON_ONLY,      MESSAGE_PRODUCT,       MESSAGE_DIVISORS,          MESSAGE_AGE_RANGE,
        MESSAGE_UNDECLARED_AMOUNT};
    for (size_t i = 0; i < sizeof senseless / sizeof senseless[0]; i++) {
        if (senseless[i] == message)
            return true;
    }
    return false;
}

static void shift_window(const struct mutant *mutant, struct program *program)
{
    if (mutant->shift.window < 0)
        return;
    struct program_window *window = &program->windows[mutant->shift.window];
    window->from_months += mutant->shift.from_months;
    window->from_days += mutant->shift.from_days;
    window->to_days += mutant->shift.to_days;
}

static const char *keep(const struct mutator *m, const char *text)
{
    return arena_strdup(m->arena, text);
}

/* Compiles and runs it; *made is false for a change without sense. */
static enum status try_mutant(const struct mutator *m, const struct mutant *mutant,
                              struct policy_mutant *shown, bool *made, struct arena *arena, struct error *err)
{
    struct policy changed;
    struct diagnoser diagnoser;
    diagnoser_init(&diagnoser, arena);
    diagnoser.language = m->policy->language;
    mutant_toggle(mutant);
    bool good = !diagnoser.failed && compiler_run_again(m->policy, &diagnoser, arena, arena, &changed);
    mutant_toggle(mutant);
    *made = true;
    if (diagnoser.failed)
        return out_of_memory(err);
    if (!good) {
        *made = !is_senseless(diagnoser.first);
        shown->fate = MUTANT_REFUSED;
        shown->note = keep(m, diagnoser.found.items[0].text);
        return shown->note == NULL ? out_of_memory(err) : STATUS_OK;
    }
    size_t failing;
    shift_window(mutant, &changed.program);
    enum status status = run_mutant(m, &changed, mutant->amounts, arena, &failing, err);
    if (status != STATUS_OK)
        return status;
    shown->fate = failing < m->cases.count ? MUTANT_KILLED : MUTANT_SURVIVED;
    shown->note = failing < m->cases.count ? keep(m, m->cases.cases[failing].name) : "";
    return shown->note == NULL ? out_of_memory(err) : STATUS_OK;
}

/* --- what is said of them ----------------------------------------------------------------------------------------- */

/* "red.apply orange.margin …": at most three of those that read it. */
static const char *reading_clauses(const struct mutator *m, const struct mutant *mutant)
{
    enum { NAMES_SHOWN = 3 };
    struct text text;
    text_init(&text);
    size_t count = 0;
    for (size_t i = 0; i < m->policy->program.clause_count; i++) {
        if ((mutant->clauses >> i & 1) != 0 && count++ < NAMES_SHOWN)
            text_printf(&text, "%s%s", count == 1 ? "" : " ", m->policy->program.clauses[i].shown.name);
    }
    if (count > NAMES_SHOWN)
        text_add_str(&text, " …");
    const char *copy = text_keep(&text, m->scratch);
    text_fini(&text);
    return copy;
}

static const char *advice(const struct mutator *m, const struct mutant *mutant)
{
    const char *clauses = reading_clauses(m, mutant);
    if (clauses == NULL)
        return NULL;
    struct text text;
    text_init(&text);
    const char *arguments[3] = {mutant->before, mutant->after, clauses};
    for (const char *c = operators[mutant->op].advice[m->policy->language]; *c != '\0'; c++) {
        if (c[0] == '{') { /* operators' advice has no other braces */
            text_add_str(&text, arguments[c[1] - '1']);
            c += 2;
        } else {
            text_add_char(&text, *c);
        }
    }
    const char *copy = text_keep(&text, m->arena);
    text_fini(&text);
    return copy;
}

static bool describe(const struct mutator *m, const struct mutant *mutant, struct policy_mutant *shown)
{
    shown->line = mutant->at.line;
    shown->column = mutant->at.column;
    shown->owner = arena_copy(m->arena, mutant->owner.bytes, mutant->owner.length);
    shown->operation = operators[mutant->op].name;
    shown->title = operators[mutant->op].title[m->policy->language];
    shown->before = keep(m, mutant->before);
    shown->after = keep(m, mutant->after);
    return shown->owner != NULL && shown->before != NULL && shown->after != NULL;
}

/* --- 等效 --------------------------------------------------------------------------------------------------------- */

/* Blanks make no difference between what is written and what a mutant is called. */
static bool same_words(struct slice written, const char *text)
{
    size_t i = 0;
    for (; *text != '\0'; text++) {
        if (*text == ' ')
            continue;
        while (i < written.length && (written.bytes[i] == ' ' || written.bytes[i] == '\t'))
            i++;
        if (i == written.length || written.bytes[i++] != *text)
            return false;
    }
    while (i < written.length && (written.bytes[i] == ' ' || written.bytes[i] == '\t'))
        i++;
    return i == written.length;
}

static void judge_equivalent(struct mutator *m, const struct equivalent_statement *e)
{
    bool survived = false;
    const struct policy_mutant *other = NULL;
    for (size_t i = 0; i < m->result->mutant_count; i++) {
        struct policy_mutant *mutant = &m->result->mutants[i];
        if (!slice_is(e->owner, mutant->owner) || !same_words(e->before, mutant->before) ||
            !same_words(e->after, mutant->after))
            continue;
        if (mutant->fate == MUTANT_SURVIVED || mutant->fate == MUTANT_EQUIVALENT) {
            mutant->fate = MUTANT_EQUIVALENT;
            mutant->note =
                diagnose_keep(&m->mistakes, arena_copy(m->arena, e->reason.bytes, e->reason.length));
            survived = true;
        } else {
            other = mutant;
        }
    }
    if (survived)
        return;
    if (other == NULL)
        diagnose(&m->mistakes, e->at, MESSAGE_EQUIVALENT_NONE, diagnose_slice(&m->mistakes, e->owner),
                 diagnose_slice(&m->mistakes, e->before), diagnose_slice(&m->mistakes, e->after));
    else
        diagnose(&m->mistakes, e->at,
                 other->fate == MUTANT_KILLED ? MESSAGE_EQUIVALENT_KILLED : MESSAGE_EQUIVALENT_REFUSED,
                 other->note, NULL, NULL);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static enum status run_all(struct mutator *m, const struct mutant *mutants, size_t total,
                           const struct policy_progress *progress, struct error *err)
{
    size_t done = 0;
    m->result->mutants = arena_array(m->arena, total + 1, sizeof *m->result->mutants);
    if (m->result->mutants == NULL)
        return out_of_memory(err);
    for (const struct mutant *mutant = mutants; mutant != NULL; mutant = mutant->next) {
        struct policy_mutant *shown = &m->result->mutants[m->result->mutant_count];
        struct arena *arena = arena_new(0);
        bool made = false;
        enum status status =
            arena == NULL ? out_of_memory(err) : try_mutant(m, mutant, shown, &made, arena, err);
        arena_free(arena);
        if (status != STATUS_OK)
            return status;
        if (progress != NULL)
            progress->tell(progress->context, ++done, total);
        if (!made)
            continue;
        if (shown->fate == MUTANT_SURVIVED)
            shown->note = advice(m, mutant);
        if (shown->note == NULL || !describe(m, mutant, shown))
            return out_of_memory(err);
        m->result->mutant_count++;
    }
    return STATUS_OK;
}

static int by_place(const void *left, const void *right)
{
    const struct policy_mutant *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return strcmp(a->after, b->after);
}

static enum status finish(struct mutator *m, struct error *err)
{
    for (const struct equivalent_statement *e = m->policy->ast.equivalents; e != NULL; e = e->next)
        judge_equivalent(m, e);
    diagnoser_finish(&m->mistakes);
    if (m->mistakes.failed)
        return out_of_memory(err);
    m->result->mistakes = m->mistakes.found;
    qsort(m->result->mutants, m->result->mutant_count, sizeof *m->result->mutants, by_place);
    for (size_t i = 0; i < m->result->mutant_count; i++)
        m->result->counts[m->result->mutants[i].fate]++;
    return STATUS_OK;
}

static enum status mutate(struct mutator *m, const struct policy_progress *progress, struct error *err)
{
    struct diagnoser unheard; /* a compiled policy's examples were checked */
    diagnoser_init(&unheard, m->scratch);
    diagnoser_init(&m->mistakes, m->arena);
    unheard.language = m->mistakes.language = m->policy->language;
    struct mutant_maker maker = {.policy = m->policy, .arena = m->scratch};
    bool good = !unheard.failed && example_build_all(m->policy, &unheard, m->scratch, &m->cases) &&
                list_assertions(m) && group_by_date(m);
    const struct mutant *mutants = good ? mutant_list(&maker) : NULL;
    if (!good || maker.failed)
        return out_of_memory(err);
    enum status status = run_all(m, mutants, maker.count, progress, err);
    return status == STATUS_OK ? finish(m, err) : status;
}

enum status policy_mutate(const struct policy *policy, struct arena *arena,
                          const struct policy_progress *progress, struct policy_mutation *mutation,
                          struct error *err)
{
    struct policy_diagnostics unheard;
    struct mutator m = {.arena = arena, .scratch = arena_new(0), .result = mutation};
    *mutation = (struct policy_mutation){.equivalent_word = keyword_text(KW_EQUIVALENT, policy->language),
                                         .reason_word = keyword_text(KW_REASON, policy->language)};
    enum status status = m.scratch == NULL ? out_of_memory(err) : STATUS_OK;
    if (status == STATUS_OK)
        status = policy_compile(policy->file_name, policy->text, policy->text_length, policy->dictionary,
                                m.scratch, &unheard, &m.policy, err);
    if (status == STATUS_OK)
        status = mutate(&m, progress, err);
    policy_free(m.policy);
    arena_free(m.scratch);
    return status;
}
