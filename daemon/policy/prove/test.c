/* SPDX-License-Identifier: PostgreSQL */
/*
 * policy_test: the examples of a policy are evaluated, one block per date, and each named clause and the level compared. Then every
 * clause is asked for a hit, a miss, and, where it compares amounts, an example exactly on a line, one fen above, one fen
 * below, and, where it can stay undecided, one that does.
 */
#include "policy/compile/amount.h"
#include "policy/compile/example.h"
#include "policy/machine/machine.h"
#include "policy/machine/version.h"

#include <stdlib.h>

/* What the examples that name a clause have shown of it. */
struct coverage {
    bool hit, miss, undecided, on_line, above, below;
    uint32_t amounts; /* bit i: an example says what amount i comes to */
};

struct tester {
    const struct policy *policy;
    struct arena *arena;   /* the caller's */
    struct arena *scratch; /* of this call */
    struct example_cases cases;
    struct diagnoser failures, missing;
    struct policy_test_result *result;
    struct coverage *coverage;
    bool *failed; /* by case */
};

static const char *const verdict_words[][2] = {
    [VERDICT_FIRED] = {"成立", "fires"},
    [VERDICT_DENIED] = {"不成立", "does not fire"},
    [VERDICT_TO_VERIFY] = {"待核", "to be verified"},
    [VERDICT_OPEN] = {"未定", "undecided"},
};

static const char *level_word(const struct tester *tester, enum policy_level level)
{
    return tester->policy->language == LANGUAGE_CHINESE ? policy_level_chinese(level)
                                                        : policy_level_name(level);
}

static void fail(struct tester *tester, size_t index, struct place at, enum message message, const char *b,
                 const char *c)
{
    diagnose(&tester->failures, at, message, tester->cases.cases[index].name, b, c);
    tester->failed[index] = true;
}

/* A compiled policy's examples name clauses that exist: the version that speaks on the example's day. */
static int find_clause(const struct tester *tester, size_t index, struct slice name)
{
    return version_on(&tester->policy->program, name, tester->cases.cases[index].date);
}

static void check_case(struct tester *tester, size_t index, const struct policy_outcome *outcome)
{
    const struct example_case *example = &tester->cases.cases[index];
    enum language language = tester->policy->language;
    enum keyword level = example->statement->level;
    if (level != KW_NONE_OF_THESE && outcome->level != example_level(level))
        fail(tester, index, example->statement->at, MESSAGE_EXAMPLE_LEVEL_FAILED,
             level_word(tester, example_level(level)), level_word(tester, (enum policy_level)outcome->level));
    for (const struct example_expectation *e = example->statement->expectations; e != NULL; e = e->next) {
        int clause = find_clause(tester, index, e->clause);
        enum example_verdict verdict = example_verdict(outcome, clause);
        struct coverage *coverage = &tester->coverage[clause];
        coverage->hit = coverage->hit || verdict == VERDICT_FIRED;
        coverage->miss = coverage->miss || verdict == VERDICT_DENIED;
        coverage->undecided = coverage->undecided || verdict == VERDICT_TO_VERIFY || verdict == VERDICT_OPEN;
        if (verdict == example_expected(e->kind))
            continue;
        const char *wanted = diagnose_keep(
            &tester->failures,
            arena_printf(tester->scratch, language == LANGUAGE_CHINESE ? "%.*s 应%s" : "%.*s: expected %s",
                         (int)e->clause.length, e->clause.bytes,
                         verdict_words[example_expected(e->kind)][language]));
        fail(tester, index, e->at, MESSAGE_EXAMPLE_CLAUSE_FAILED, wanted, verdict_words[verdict][language]);
    }
}

/* --- coverage ----------------------------------------------------------------------------------------------------- */

static void cover_lines(struct coverage *coverage, const struct policy_shown_conjunct *conjuncts,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!conjuncts[i].has_distance || conjuncts[i].distance_low != conjuncts[i].distance_high)
            continue;
        coverage->on_line = coverage->on_line || conjuncts[i].distance_low == 0;
        coverage->above = coverage->above || conjuncts[i].distance_low == 1;
        coverage->below = coverage->below || conjuncts[i].distance_low == -1;
    }
}

static void check_amounts(struct tester *tester, size_t index, const struct policy_explanation *explanation)
{
    const struct example_statement *statement = tester->cases.cases[index].statement;
    for (const struct example_expectation *e = statement->expectations; e != NULL; e = e->next) {
        int at = find_clause(tester, index, e->clause);
        for (const struct example_amount *a = e->amounts; a != NULL; a = a->next) {
            const struct program_clause *clause = &tester->policy->program.clauses[at];
            struct text text;
            text_init(&text);
            tester->coverage[at].amounts |= UINT32_C(1) << amount_find(clause, a->title);
            if (!amount_is(clause, &explanation->clauses[at], a, tester->policy->language, &text))
                fail(tester, index, a->at, MESSAGE_EXAMPLE_AMOUNT_FAILED,
                     diagnose_keep(&tester->failures, text_keep(&text, tester->scratch)), NULL);
            text_fini(&text);
        }
    }
}

/* How near the example comes to the lines of the clause that it is about. */
static enum status cover_case(struct tester *tester, struct policy_run *run, const struct policy_block *block,
                              size_t household, size_t index, struct error *err)
{
    const struct example_case *example = &tester->cases.cases[index];
    int clause = find_clause(tester, index, example->statement->clause);
    struct arena *arena = arena_new(0);
    struct policy_explanation explanation;
    enum status status = arena == NULL ? error_set(err, STATUS_FATAL, "out of memory while testing a policy")
                                       : policy_explain(run, block, household, arena, &explanation, err);
    if (status == STATUS_OK) {
        const struct policy_shown_clause *shown = &explanation.clauses[clause];
        cover_lines(&tester->coverage[clause], shown->conjuncts, shown->conjunct_count);
        for (size_t m = 0; m < shown->member_count; m++)
            cover_lines(&tester->coverage[clause], shown->members[m].conjuncts,
                        shown->members[m].conjunct_count);
        check_amounts(tester, index, &explanation);
    }
    arena_free(arena);
    return status;
}

/* Whether some line compares amounts; `below` too: whether one can come out below its line, which none does that begins at it. */
static bool compares_amounts(const struct program *program, const struct program_line *lines, size_t count,
                             bool *below)
{
    bool compares = false;
    for (size_t i = 0; i < count; i++) {
        const struct comparison *c =
            lines[i].comparison < 0 ? NULL : &program->comparisons[lines[i].comparison];
        if (c == NULL || c->left.unit.exponent[UNIT_YUAN] != 1)
            continue;
        int64_t least = c->left_reg < 0 ? c->left_constant : program->steps[c->left_reg].low;
        int64_t line = c->right_reg < 0 ? c->right_constant : program->steps[c->right_reg].high;
        compares = true;
        *below = *below || least < line;
    }
    return compares;
}

static bool may_stay_open(const struct program *program, const struct program_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (program->steps[lines[i].reg].may_be_undecided)
            return true;
    }
    return false;
}

static void ask(struct tester *tester, const struct program_clause *clause, bool shown, enum message message)
{
    if (!shown)
        diagnose(&tester->missing, clause->statement->at, message, clause->shown.name, NULL, NULL);
}

static void ask_for_coverage(struct tester *tester)
{
    const struct program *program = &tester->policy->program;
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *clause = &program->clauses[i];
        const struct coverage *coverage = &tester->coverage[i];
        ask(tester, clause, coverage->hit, MESSAGE_MISSING_HIT);
        ask(tester, clause, coverage->miss, MESSAGE_MISSING_MISS);
        if (may_stay_open(program, clause->lines, clause->line_count) ||
            may_stay_open(program, clause->some_lines, clause->some_line_count))
            ask(tester, clause, coverage->undecided, MESSAGE_MISSING_UNKNOWN);
        for (size_t a = 0; a < clause->amount_count; a++)
            if (!(coverage->amounts >> a & 1))
                diagnose(&tester->missing, clause->amounts[a].line->at, MESSAGE_MISSING_AMOUNT,
                         clause->shown.name, clause->amounts[a].title, NULL);
        bool below = false;
        bool households = compares_amounts(program, clause->lines, clause->line_count, &below);
        if (!compares_amounts(program, clause->some_lines, clause->some_line_count, &below) && !households)
            continue;
        ask(tester, clause, coverage->on_line, MESSAGE_MISSING_BOUNDARY);
        ask(tester, clause, coverage->above, MESSAGE_MISSING_ABOVE);
        ask(tester, clause, coverage->below || !below, MESSAGE_MISSING_BELOW);
    }
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static enum status run_block(struct tester *tester, day_t date, const size_t *which, size_t count,
                             struct error *err)
{
    struct policy_run *run = NULL;
    struct policy_block block;
    struct error refused = {.status = STATUS_OK};
    enum status status = policy_run_new(tester->policy, date, &run, &refused);
    if (status == STATUS_CONFIG) { /* the examples are wrong about the date, not the machine */
        for (size_t i = 0; i < count; i++)
            fail(tester, which[i], tester->cases.cases[which[i]].statement->at, MESSAGE_EXAMPLE_CLAUSE_FAILED,
                 refused.text, "-");
        return STATUS_OK;
    }
    struct policy_outcome *outcomes = arena_array(tester->scratch, count + 1, sizeof *outcomes);
    if (status != STATUS_OK || outcomes == NULL ||
        !example_block(&tester->cases, which, count, tester->scratch, &block)) {
        policy_run_free(run);
        return error_set(err, STATUS_FATAL, "out of memory while testing a policy");
    }
    status = policy_run_evaluate(run, &block, outcomes, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        check_case(tester, which[i], &outcomes[i]);
        status = cover_case(tester, run, &block, i, which[i], err);
    }
    policy_run_free(run);
    return status;
}

/* Cases of one date together, each date once. */
static enum status run_all(struct tester *tester, struct error *err)
{
    size_t count = tester->cases.count;
    bool *done = arena_array(tester->scratch, count + 1, sizeof *done);
    size_t *which = arena_array(tester->scratch, count + 1, sizeof *which);
    if (done == NULL || which == NULL)
        return error_set(err, STATUS_FATAL, "out of memory while testing a policy");
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        for (size_t j = i; j < count; j++) {
            if (done[j] || tester->cases.cases[j].date != tester->cases.cases[i].date)
                continue;
            done[j] = true;
            which[same++] = j;
        }
        enum status status =
            same == 0 ? STATUS_OK : run_block(tester, tester->cases.cases[i].date, which, same, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static void finish(struct tester *tester)
{
    ask_for_coverage(tester);
    diagnoser_finish(&tester->failures);
    diagnoser_finish(&tester->missing);
    tester->result->examples = tester->cases.count;
    for (size_t i = 0; i < tester->cases.count; i++)
        tester->result->failed += tester->failed[i];
    tester->result->failures = tester->failures.found;
    tester->result->missing = tester->missing.found;
}

static enum status test(struct tester *tester, struct error *err)
{
    struct diagnoser unheard; /* a compiled policy's examples were checked */
    diagnoser_init(&unheard, tester->scratch);
    diagnoser_init(&tester->failures, tester->arena);
    diagnoser_init(&tester->missing, tester->arena);
    tester->failures.language = tester->missing.language = unheard.language = tester->policy->language;
    tester->coverage = arena_array(tester->scratch, POLICY_CLAUSES_MAX, sizeof *tester->coverage);
    bool good = !unheard.failed && tester->coverage != NULL &&
                example_build_all(tester->policy, &unheard, tester->scratch, &tester->cases);
    if (good)
        tester->failed = arena_array(tester->scratch, tester->cases.count + 1, sizeof *tester->failed);
    if (!good || tester->failed == NULL)
        return error_set(err, STATUS_FATAL, "out of memory while testing a policy");
    enum status status = run_all(tester, err);
    if (status != STATUS_OK)
        return status;
    finish(tester);
    if (tester->failures.failed || tester->missing.failed)
        return error_set(err, STATUS_FATAL, "out of memory while testing a policy");
    return STATUS_OK;
}

enum status policy_test(const struct policy *policy, struct arena *arena, struct policy_test_result *result,
                        struct error *err)
{
    *result = (struct policy_test_result){0};
    struct arena *scratch = arena_new(0);
    if (scratch == NULL)
        return error_set(err, STATUS_FATAL, "out of memory while testing a policy");
    struct tester tester = {.policy = policy, .arena = arena, .scratch = scratch, .result = result};
    enum status status = test(&tester, err);
    arena_free(scratch);
    return status;
}
