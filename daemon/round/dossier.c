/* SPDX-License-Identifier: PostgreSQL */
#include "round/dossier.h"

#include <stdlib.h>
#include <string.h>

enum { HOUSEHOLD = -1 };

/* While sorting, the subject's position rides in the spare bytes of the fact, HOUSEHOLD as 0. */
static uint32_t subject_of(const struct dossier_fact *fact)
{
    uint32_t subject;
    memcpy(&subject, fact->fact.spare, sizeof subject);
    return subject;
}

static int order(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_subject_and_code(const void *left, const void *right)
{
    const struct dossier_fact *a = left, *b = right;
    const int64_t keys[][2] = {
        {subject_of(a), subject_of(b)}, {a->fact.code, b->fact.code},   {a->fact.source, b->fact.source},
        {a->fact.from, b->fact.from},   {a->fact.to, b->fact.to},       {a->fact.batch, b->fact.batch},
        {a->fact.row, b->fact.row},     {a->fact.value, b->fact.value},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i][0] != keys[i][1])
            return order(keys[i][0], keys[i][1]);
    return 0;
}

/* The person's position, HOUSEHOLD, or person_count for somebody else. Facts come person by person: it is the last one's,
 * `hint`, or that of one who follows soon. */
static int64_t find_subject(const struct dossier_person *persons, size_t person_count,
                            const struct dossier_fact *fact, size_t hint)
{
    if (fact->of_household)
        return HOUSEHOLD;
    for (size_t i = 0; i < person_count; i++) {
        size_t at = hint + i < person_count ? hint + i : hint + i - person_count;
        if (persons[at].person_id == fact->person_id)
            return (int64_t)at;
    }
    return (int64_t)person_count;
}

/* Puts the facts of these subjects first, in order; returns how many they are. */
static size_t sort_facts(const struct dossier_person *persons, size_t person_count,
                         struct dossier_fact *facts, size_t fact_count)
{
    size_t kept = 0, hint = 0;
    for (size_t i = 0; i < fact_count; i++) {
        int64_t subject = find_subject(persons, person_count, &facts[i], hint);
        if (subject == (int64_t)person_count)
            continue;
        hint = subject == HOUSEHOLD ? 0 : (size_t)subject;
        uint32_t position = (uint32_t)(subject + 1);
        facts[kept] = facts[i];
        memcpy(facts[kept].fact.spare, &position, sizeof position);
        kept++;
    }
    if (kept > 1)
        qsort(facts, kept, sizeof *facts, by_subject_and_code);
    return kept;
}

enum status dossier_build(struct dossier *dossier, struct dossier_person *persons, size_t person_count,
                          struct dossier_fact *facts, size_t fact_count, struct arena *arena,
                          struct error *err)
{
    fact_count = sort_facts(persons, person_count, facts, fact_count);
    struct policy_fact *rows = arena_array(arena, fact_count, sizeof *rows);
    struct dossier_note *notes = arena_array(arena, fact_count, sizeof *notes);
    uint8_t *urban = arena_alloc(arena, 1);
    uint32_t *person_begin = arena_array(arena, 2, sizeof *person_begin);
    uint32_t *household_fact_begin = arena_array(arena, 2, sizeof *household_fact_begin);
    uint32_t *person_fact_begin = arena_array(arena, person_count + 1, sizeof *person_fact_begin);
    day_t *birth = arena_array(arena, person_count, sizeof *birth);
    uint8_t *traits = arena_array(arena, person_count, sizeof *traits);
    if (rows == NULL || notes == NULL || urban == NULL || person_begin == NULL ||
        household_fact_begin == NULL || person_fact_begin == NULL || birth == NULL || traits == NULL)
        return error_set(err, STATUS_FATAL, "no memory for a household of %zu facts", fact_count);

    size_t of_household = 0;
    for (size_t i = 0; i < fact_count; i++) {
        uint32_t subject = subject_of(&facts[i]);
        rows[i] = facts[i].fact;
        memset(rows[i].spare, 0, sizeof rows[i].spare);
        notes[i] = facts[i].note;
        if (subject == 0)
            of_household++;
        else
            person_fact_begin[subject]++;
    }
    for (size_t p = 0; p < person_count; p++) {
        person_fact_begin[p + 1] += person_fact_begin[p];
        birth[p] = persons[p].birth;
        traits[p] = persons[p].traits;
    }
    *urban = dossier->urban;
    person_begin[1] = (uint32_t)person_count;
    household_fact_begin[1] = (uint32_t)of_household;
    dossier->persons = persons;
    dossier->person_count = person_count;
    dossier->fact_count = fact_count;
    dossier->household_notes = notes;
    dossier->person_notes = notes + of_household;
    dossier->block = (struct policy_block){
        .household_count = 1,
        .urban = urban,
        .person_begin = person_begin,
        .birth = birth,
        .traits = traits,
        .household_fact_begin = household_fact_begin,
        .household_facts = rows,
        .person_fact_begin = person_fact_begin,
        .person_facts = rows + of_household,
    };
    return STATUS_OK;
}

const struct policy_fact *dossier_fact(const struct dossier *dossier, const struct policy_shown_fact *shown,
                                       const struct dossier_note **note)
{
    if (shown->of_household) {
        *note = &dossier->household_notes[shown->fact];
        return &dossier->block.household_facts[shown->fact];
    }
    *note = &dossier->person_notes[shown->fact];
    return &dossier->block.person_facts[shown->fact];
}
