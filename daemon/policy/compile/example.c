/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/example.h"
#include "policy/machine/version.h"
#include "policy/syntax/trait.h"

#include "policy/compile/amount.h"

#include <stdlib.h>
#include <string.h>

enum { ADULT_YEARS = 40, STATE_SINCE_MONTHS = 36, EXAMPLES_MAX = 4096, EXAMPLE_ROWS_MAX = 512 };

struct builder {
    const struct policy *policy;
    struct diagnoser *diagnoser;
    struct arena *arena;
    const struct example_case *before;
    struct example_case *into;
    const struct example_statement *statement;
};

static bool wrong(struct builder *builder, struct place at, enum message message, const char *a,
                  const char *b)
{
    diagnose(builder->diagnoser, at, message, a, b, NULL);
    builder->into->good = false;
    return false;
}

static bool chinese(const struct builder *builder)
{
    return builder->policy->language == LANGUAGE_CHINESE;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int find_declared(const struct policy *policy, struct slice name)
{
    for (size_t i = 0; i < policy->program.fact_count; i++) {
        if (slice_is(name, policy->program.facts[i].name))
            return (int)i;
    }
    return -1;
}

static bool needs(struct builder *builder, const struct example_fact *fact, const char *in_chinese,
                  const char *in_english)
{
    return wrong(builder, fact->at, MESSAGE_EXAMPLE_VALUE, diagnose_slice(builder->diagnoser, fact->name),
                 chinese(builder) ? in_chinese : in_english);
}

static bool choice_value(struct builder *builder, const struct example_fact *fact,
                         const struct fact_code *code, int64_t *value)
{
    for (int i = 0; i < code->choice_count; i++) {
        if (fact->kind == EXAMPLE_WORD &&
            (slice_is(fact->word, code->choices[i]) || slice_is(fact->word, code->choice_titles[i]))) {
            *value = i + 1;
            return true;
        }
    }
    return needs(builder, fact, "一个值,如 = C", "a value such as = C");
}

static int64_t certificate_value(const struct example_fact *fact)
{
    enum { PHYSICAL = 4, LIGHTEST = 4 };
    int type = fact->certificate_type == 0 ? PHYSICAL : fact->certificate_type;
    int grade = fact->certificate_grade == 0 ? LIGHTEST : fact->certificate_grade;
    return type * 10 + grade;
}

/* As from a feed: 0.00 yuan says that there is a relief, not how much. */
static bool relief_value(const struct example_fact *fact, int64_t *value)
{
    if (!fraction_to_fen(fact->number, value))
        return false;
    if (*value == 0)
        *value = FACT_YES;
    return true;
}

static bool state_value(struct builder *builder, const struct example_fact *fact,
                        const struct fact_code *code, int64_t *value)
{
    *value = FACT_YES;
    if (fact->kind == EXAMPLE_NO)
        *value = 0;
    else if (fact->kind == EXAMPLE_NUMBER && (code->kind != FACT_RELIEF || !relief_value(fact, value)))
        return needs(builder, fact, "是或否", "yes or no");
    else if (fact->kind == EXAMPLE_WORD || fact->kind == EXAMPLE_UNKNOWN)
        return needs(builder, fact, "是或否", "yes or no");
    else if (code->kind == FACT_CERTIFICATE)
        *value = certificate_value(fact);
    return true;
}

static bool fact_value(struct builder *builder, const struct example_fact *fact,
                       const struct program_fact *declared, int64_t *value)
{
    if (declared->kind == WORD_TYPE || declared->kind == WORD_GRADE)
        return needs(builder, fact, "成残疾证:残疾证 类别 5 等级 3",
                     "to be given as the certificate: CERTIFICATE type 5 grade 3");
    if (declared->kind == WORD_CODE)
        return choice_value(builder, fact, declared->code, value);
    if (declared->kind != WORD_NONE)
        return state_value(builder, fact, declared->code, value);
    bool relief = declared->code->kind == FACT_RELIEF;
    *value = relief ? FACT_YES : FACT_UNKNOWN; /* a relief without an amount */
    if (fact->kind == EXAMPLE_UNKNOWN)
        return true;
    if (relief && fact->kind != EXAMPLE_NUMBER)
        return state_value(builder, fact, declared->code, value);
    if (fact->kind != EXAMPLE_NUMBER ||
        !(relief ? relief_value(fact, value) : fraction_to_fen(fact->number, value)))
        return needs(builder, fact, "金额(元)或 ?", "an amount in yuan, or ?");
    return true;
}

static void fact_period(const struct example_case *into, const struct example_fact *fact,
                        const struct program_fact *declared, struct policy_fact *out)
{
    bool momentary = declared->code->kind == FACT_AMOUNT || declared->kind == WORD_EVENT;
    out->from = fact->from;
    out->to = fact->to;
    if (momentary && out->from == DAY_NONE)
        out->from = out->to == DAY_NONE ? into->date : out->to;
    if (!momentary && out->from == DAY_NONE) {
        out->from = civil_add_months(into->date, -STATE_SINCE_MONTHS);
        if (out->to != DAY_NONE && out->to < out->from)
            out->from = out->to;
    }
}

static int source_number(const struct policy *policy, struct slice name)
{
    for (size_t i = 0; i < policy->source_count; i++) {
        if (slice_is(name, policy->sources[i].title))
            return policy->sources[i].number;
    }
    return -1;
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

static int subject_of(const struct example_fact *fact, const struct program_fact *declared)
{
    if (fact->subject_said)
        return fact->subject;
    if (declared->of_household && !declared->of_person)
        return 0;
    return fact->subject < 0 ? 1 : fact->subject;
}

/* The facts of the example before, but for those that this one says itself. */
static void drop_rows(struct example_case *into, int subject, int declared)
{
    size_t kept = 0;
    for (size_t i = 0; i < into->row_count; i++) {
        if (into->rows[i].subject != subject || into->rows[i].declared != declared)
            into->rows[kept++] = into->rows[i];
    }
    into->row_count = kept;
}

static bool add_fact(struct builder *builder, const struct example_fact *fact,
                     const struct example_fact *first)
{
    struct example_case *into = builder->into;
    int index = find_declared(builder->policy, fact->name);
    if (index < 0)
        return wrong(builder, fact->at, MESSAGE_EXAMPLE_FACT, diagnose_slice(builder->diagnoser, fact->name),
                     "");
    const struct program_fact *declared = &builder->policy->program.facts[index];
    int subject = subject_of(fact, declared);
    if (subject > into->people)
        return wrong(builder, fact->at, MESSAGE_EXAMPLE_PERSON, diagnose_number(builder->diagnoser, subject),
                     NULL);
    bool stated = false;
    for (const struct example_fact *earlier = first; earlier != fact; earlier = earlier->next)
        stated =
            stated || (slice_equal(earlier->name, fact->name) && subject_of(earlier, declared) == subject);
    if (!stated)
        drop_rows(into, subject, index);
    if (fact->kind == EXAMPLE_REMOVED)
        return true;
    if (into->row_count == EXAMPLE_ROWS_MAX)
        return wrong(builder, fact->at, MESSAGE_TOO_MANY, keyword_text(KW_FACT, builder->policy->language),
                     diagnose_number(builder->diagnoser, EXAMPLE_ROWS_MAX));
    struct example_row row = {.subject = subject, .declared = index};
    char from[CIVIL_TEXT_SIZE], to[CIVIL_TEXT_SIZE];
    if (fact->from != DAY_NONE && fact->to != DAY_NONE && fact->to < fact->from)
        return wrong(builder, fact->at, MESSAGE_DATED_BACKWARDS, civil_format(fact->from, from),
                     civil_format(fact->to, to));
    if (!fact_value(builder, fact, declared, &row.fact.value))
        return false;
    int source =
        fact->source.text.length == 0 ? SOURCE_REGISTER : source_number(builder->policy, fact->source.text);
    if (source < 0)
        return wrong(builder, fact->source.at, MESSAGE_SOURCE_UNKNOWN,
                     diagnose_slice(builder->diagnoser, fact->source.text), "");
    row.fact.source = (uint8_t)source;
    row.fact.batch = 1;
    row.fact.code = declared->position;
    fact_period(into, fact, declared, &row.fact);
    into->rows[into->row_count++] = row;
    return true;
}

static int by_subject_and_code(const void *left, const void *right)
{
    const struct example_row *a = left, *b = right;
    if (a->subject != b->subject)
        return a->subject < b->subject ? -1 : 1;
    if (a->fact.code != b->fact.code)
        return a->fact.code < b->fact.code ? -1 : 1;
    return (a->fact.row > b->fact.row) - (a->fact.row < b->fact.row);
}

static bool build_facts(struct builder *builder)
{
    struct example_case *into = builder->into;
    size_t capacity = builder->before == NULL ? 0 : builder->before->row_count;
    for (const struct example_fact *fact = builder->statement->facts; fact != NULL; fact = fact->next)
        capacity++;
    into->rows = arena_array(builder->arena, capacity + 1, sizeof *into->rows);
    if (into->rows == NULL)
        return false;
    if (builder->before != NULL && builder->before->rows != NULL) {
        memcpy(into->rows, builder->before->rows, builder->before->row_count * sizeof *into->rows);
        into->row_count = builder->before->row_count;
    }
    for (const struct example_fact *fact = builder->statement->facts; fact != NULL; fact = fact->next)
        add_fact(builder, fact, builder->statement->facts);
    for (size_t i = 0; i < into->row_count; i++)
        into->rows[i].fact.row = (uint32_t)i + 1; /* later in the text is later in the batch */
    qsort(into->rows, into->row_count, sizeof *into->rows, by_subject_and_code);
    return true;
}

/* --- the household ------------------------------------------------------------------------------------------------ */

static void build_frame(struct builder *builder)
{
    const struct example_statement *s = builder->statement;
    struct example_case *into = builder->into;
    const struct example_case *before = builder->before;
    char date[CIVIL_TEXT_SIZE], from[CIVIL_TEXT_SIZE];
    if (s->same && before == NULL) {
        wrong(builder, s->at, MESSAGE_EXAMPLE_FIRST_SAME, NULL, NULL);
        return;
    }
    into->date = s->date == DAY_NONE && before != NULL ? before->date : s->date;
    into->people = s->people < 0 && before != NULL ? before->people : s->people;
    int urban = s->urban < 0 && before != NULL ? before->urban : s->urban;
    into->urban = urban == 1;
    if (into->date == DAY_NONE || into->people < 0 || urban < 0)
        wrong(builder, s->at, MESSAGE_EXAMPLE_INCOMPLETE, NULL, NULL);
    else if (into->date < builder->policy->ast.valid_from)
        wrong(builder, s->at, MESSAGE_EXAMPLE_EARLY, civil_format(into->date, date),
              civil_format(builder->policy->ast.valid_from, from));
}

static void build_births(struct builder *builder)
{
    struct example_case *into = builder->into;
    for (int i = 0; i < AST_PEOPLE_MAX; i++) {
        const struct example_person *person = &builder->statement->persons[i];
        if (person->given && i >= into->people)
            wrong(builder, builder->statement->at, MESSAGE_EXAMPLE_PERSON,
                  diagnose_number(builder->diagnoser, i + 1), NULL);
        into->traits[i] = builder->before != NULL ? builder->before->traits[i] : POLICY_TRAITS_UNKNOWN;
        for (int trait = 0; trait < 2; trait++) {
            int said = builder->statement->traits[i].values[trait];
            if (said > 0 && i >= into->people)
                wrong(builder, builder->statement->at, MESSAGE_EXAMPLE_PERSON,
                      diagnose_number(builder->diagnoser, i + 1), NULL);
            if (said > 0)
                into->traits[i] = trait_set(into->traits[i], (enum trait)trait, said - 2);
        }
        int age = person->given && person->age >= 0 ? person->age : ADULT_YEARS;
        into->births[i] = civil_add_months(into->date, -12 * age);
        if (person->given && person->unknown)
            into->births[i] = DAY_NONE;
        else if (person->given && person->age < 0)
            into->births[i] = person->birth;
        else if (!person->given && builder->before != NULL)
            into->births[i] = builder->before->births[i];
    }
}

static const struct program_clause *find_clause(const struct builder *builder, struct slice name)
{
    int clause = version_on(&builder->policy->program, name, builder->into->date);
    return clause < 0 ? NULL : &builder->policy->program.clauses[clause];
}

static void check_names(struct builder *builder)
{
    const struct example_statement *s = builder->statement;
    enum language language = builder->policy->language;
    if (find_clause(builder, s->clause) == NULL)
        wrong(builder, s->clause_at, MESSAGE_EXAMPLE_CLAUSE, diagnose_slice(builder->diagnoser, s->clause),
              "");
    for (const struct example_expectation *e = s->expectations; e != NULL; e = e->next) {
        const struct program_clause *clause = find_clause(builder, e->clause);
        const char *name = diagnose_slice(builder->diagnoser, e->clause);
        bool fires = keyword_is_clause(e->kind);
        if (clause == NULL) {
            wrong(builder, e->at, MESSAGE_EXAMPLE_CLAUSE, name, "");
        } else if (fires && clause->statement->kind != e->kind) {
            diagnose(builder->diagnoser, e->at, MESSAGE_EXAMPLE_KIND, name,
                     keyword_text(clause->statement->kind, language), keyword_text(e->kind, language));
            builder->into->good = false;
        }
        for (const struct example_amount *a = clause == NULL ? NULL : e->amounts; a != NULL; a = a->next)
            if (amount_find(clause, a->title) < 0)
                wrong(builder, a->at, MESSAGE_EXAMPLE_NO_AMOUNT, name,
                      diagnose_slice(builder->diagnoser, a->title));
    }
}

static bool build_case(struct builder *builder)
{
    const struct example_statement *s = builder->statement;
    struct example_case *into = builder->into;
    *into = (struct example_case){.statement = s, .good = true};
    into->name = arena_printf(builder->arena, "%.*s%s%.*s", (int)s->clause.length, s->clause.bytes,
                              s->title.length == 0 ? "" : " ", (int)s->title.length, s->title.bytes);
    if (into->name == NULL)
        return false;
    build_frame(builder);
    check_names(builder);
    if (!into->good)
        return true;
    build_births(builder);
    return build_facts(builder);
}

bool example_build_all(const struct policy *policy, struct diagnoser *diagnoser, struct arena *arena,
                       struct example_cases *cases)
{
    size_t count = 0;
    for (const struct example_statement *s = policy->ast.examples; s != NULL; s = s->next)
        count++;
    *cases = (struct example_cases){0};
    if (count > EXAMPLES_MAX) {
        diagnose(diagnoser, policy->ast.examples->at, MESSAGE_TOO_BIG,
                 keyword_text(KW_EXAMPLE, policy->language), diagnose_number(diagnoser, EXAMPLES_MAX), NULL);
        return !diagnoser->failed;
    }
    cases->cases = arena_array(arena, count + 1, sizeof *cases->cases);
    if (cases->cases == NULL)
        return false;
    for (const struct example_statement *s = policy->ast.examples; s != NULL; s = s->next) {
        struct builder builder = {.policy = policy,
                                  .diagnoser = diagnoser,
                                  .arena = arena,
                                  .before =
                                      s->same && cases->count > 0 ? &cases->cases[cases->count - 1] : NULL,
                                  .into = &cases->cases[cases->count],
                                  .statement = s};
        if (!build_case(&builder) || diagnoser->failed)
            return false;
        cases->count++;
    }
    return true;
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

struct block_builder {
    uint8_t *urban;
    uint32_t *person_begin, *household_fact_begin, *person_fact_begin;
    day_t *birth;
    uint8_t *traits;
    struct policy_fact *household_facts, *person_facts;
    uint32_t households, persons, own, theirs; /* so far */
};

static bool block_alloc(struct block_builder *b, const struct example_cases *cases, const size_t *which,
                        size_t count, struct arena *arena)
{
    size_t persons = 0, rows = 0;
    for (size_t i = 0; i < count; i++) {
        persons += (size_t)cases->cases[which[i]].people;
        rows += cases->cases[which[i]].row_count;
    }
    b->urban = arena_array(arena, count + 1, sizeof *b->urban);
    b->person_begin = arena_array(arena, count + 1, sizeof *b->person_begin);
    b->household_fact_begin = arena_array(arena, count + 1, sizeof *b->household_fact_begin);
    b->person_fact_begin = arena_array(arena, persons + 1, sizeof *b->person_fact_begin);
    b->birth = arena_array(arena, persons + 1, sizeof *b->birth);
    b->traits = arena_array(arena, persons + 1, sizeof *b->traits);
    b->household_facts = arena_array(arena, rows + 1, sizeof *b->household_facts);
    b->person_facts = arena_array(arena, rows + 1, sizeof *b->person_facts);
    return b->traits != NULL && b->urban != NULL && b->person_begin != NULL &&
           b->household_fact_begin != NULL && b->person_fact_begin != NULL && b->birth != NULL &&
           b->household_facts != NULL && b->person_facts != NULL;
}

static void block_add(struct block_builder *b, const struct example_case *example)
{
    size_t row = 0;
    b->urban[b->households] = example->urban;
    while (row < example->row_count && example->rows[row].subject == 0) {
        if (example->rows[row].fact.code != UINT16_MAX)
            b->household_facts[b->own++] = example->rows[row].fact;
        row++;
    }
    for (int person = 1; person <= example->people; person++) {
        b->birth[b->persons] = example->births[person - 1];
        b->traits[b->persons] = example->traits[person - 1];
        for (; row < example->row_count && example->rows[row].subject == person; row++) {
            if (example->rows[row].fact.code != UINT16_MAX)
                b->person_facts[b->theirs++] = example->rows[row].fact;
        }
        b->person_fact_begin[++b->persons] = b->theirs;
    }
    b->households++;
    b->person_begin[b->households] = b->persons;
    b->household_fact_begin[b->households] = b->own;
}

bool example_block(const struct example_cases *cases, const size_t *which, size_t count, struct arena *arena,
                   struct policy_block *block)
{
    struct block_builder b = {0};
    if (!block_alloc(&b, cases, which, count, arena))
        return false;
    for (size_t i = 0; i < count; i++)
        block_add(&b, &cases->cases[which[i]]);
    *block = (struct policy_block){.household_count = count,
                                   .urban = b.urban,
                                   .person_begin = b.person_begin,
                                   .birth = b.birth,
                                   .traits = b.traits,
                                   .household_fact_begin = b.household_fact_begin,
                                   .household_facts = b.household_facts,
                                   .person_fact_begin = b.person_fact_begin,
                                   .person_facts = b.person_facts};
    return true;
}

bool example_rebind(const struct example_cases *cases, const struct program *program, struct arena *arena,
                    struct example_cases *bound)
{
    *bound = (struct example_cases){.count = cases->count,
                                    .cases = arena_array(arena, cases->count + 1, sizeof *bound->cases)};
    for (size_t i = 0; i < cases->count && bound->cases != NULL; i++) {
        struct example_case *into = &bound->cases[i];
        *into = cases->cases[i];
        into->rows = arena_array(arena, into->row_count + 1, sizeof *into->rows);
        if (into->rows == NULL)
            return false;
        memcpy(into->rows, cases->cases[i].rows, into->row_count * sizeof *into->rows);
        for (size_t row = 0; row < into->row_count; row++)
            into->rows[row].fact.code = program->facts[into->rows[row].declared].position;
        qsort(into->rows, into->row_count, sizeof *into->rows, by_subject_and_code);
    }
    return bound->cases != NULL;
}

bool example_is_of(const struct policy *policy, const struct example_statement *example, day_t *date,
                   int clause)
{
    if (example->date != DAY_NONE)
        *date = example->date;
    return version_on(&policy->program, example->clause, *date) == clause;
}

/* --- what is expected --------------------------------------------------------------------------------------------- */

enum example_verdict example_verdict(const struct policy_outcome *outcome, int clause)
{
    uint64_t bit = UINT64_C(1) << clause;
    if ((outcome->fired & bit) != 0)
        return VERDICT_FIRED;
    if ((outcome->undecided & bit) != 0)
        return VERDICT_TO_VERIFY;
    return (outcome->denied & bit) != 0 ? VERDICT_DENIED : VERDICT_OPEN;
}

enum example_verdict example_expected(enum keyword expectation)
{
    switch (expectation) {
    case KW_NONE:
        return VERDICT_DENIED;
    case KW_TO_VERIFY:
        return VERDICT_TO_VERIFY;
    case KW_UNDECIDED:
        return VERDICT_OPEN;
    default:
        return VERDICT_FIRED;
    }
}

enum policy_level example_level(enum keyword level)
{
    static const enum policy_level levels[] = {LEVEL_RED, LEVEL_ORANGE, LEVEL_YELLOW, LEVEL_VERIFY};
    return level == KW_NONE ? LEVEL_NONE : levels[level - KW_RED];
}
