/* SPDX-License-Identifier: PostgreSQL */
#include "round/gather.h"

#include "store/pull_detail.h"

#include <stdlib.h>

int64_t gather_household_id(const struct load *load, const struct standing *standing, uint32_t position)
{
    return position < standing->register_count ? load->households.household_id[position]
                                               : standing->off_id[position - standing->register_count];
}

static size_t count_persons(const struct assembly *assembly, const uint32_t *positions, size_t count)
{
    size_t persons = 0;
    for (size_t i = 0; i < count; i++)
        if (positions[i] < assembly->household_count)
            persons += assembly->person_begin[positions[i] + 1] - assembly->person_begin[positions[i]];
    return persons;
}

static enum status ask(struct gather *gather, const int64_t *household_ids, size_t household_count,
                       const int64_t *person_ids, size_t person_count, struct error *err)
{
    struct pg *pg = gather->load->first;
    size_t code_count;
    const int16_t *codes = policy_codes(gather->load->policy, &code_count);
    enum status status = pull_places(pg, household_ids, household_count, gather->arena, &gather->places,
                                     &gather->place_count, err);
    if (status == STATUS_OK)
        status = pull_persons(pg, household_ids, household_count, gather->arena, &gather->persons,
                              &gather->person_count, err);
    if (status == STATUS_OK)
        status = pull_notes(pg, PULL_PERSON_FACTS, person_ids, person_count, codes, code_count, gather->arena,
                            &gather->person_notes, &gather->person_note_count, err);
    if (status == STATUS_OK)
        status = pull_notes(pg, PULL_HOUSEHOLD_FACTS, household_ids, household_count, codes, code_count,
                            gather->arena, &gather->household_notes, &gather->household_note_count, err);
    return status;
}

enum status gather_chunk(struct gather *gather, const struct load *load, const struct standing *standing,
                         const uint32_t *positions, size_t count, struct arena *arena, struct error *err)
{
    const struct assembly *assembly = &load->assembly;
    size_t person_count = count_persons(assembly, positions, count), at = 0;
    *gather = (struct gather){.load = load, .standing = standing, .arena = arena};
    int64_t *household_ids = arena_array(arena, count, sizeof *household_ids);
    int64_t *person_ids = arena_array(arena, person_count, sizeof *person_ids);
    if (household_ids == NULL || person_ids == NULL)
        return error_set(err, STATUS_FATAL, "no memory for the particulars of %zu households", count);
    for (size_t i = 0; i < count; i++) {
        household_ids[i] = gather_household_id(load, standing, positions[i]);
        if (positions[i] >= assembly->household_count)
            continue;
        for (uint32_t p = assembly->person_begin[positions[i]]; p < assembly->person_begin[positions[i] + 1];
             p++)
            person_ids[at++] = assembly->person_id[p];
    }
    return ask(gather, household_ids, count, person_ids, person_count, err);
}

/* --- one household -------------------------------------------------------------------------------------------- */

static const struct pull_place *find_place(const struct gather *gather, int64_t household_id)
{
    size_t low = 0, high = gather->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gather->places[middle].household_id < household_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < gather->place_count && gather->places[low].household_id == household_id
               ? &gather->places[low]
               : NULL;
}

/* The first of the household's persons; *count of them follow. */
static const struct pull_person *find_persons(const struct gather *gather, int64_t household_id,
                                              size_t *count)
{
    size_t low = 0, high = gather->person_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gather->persons[middle].household_id < household_id)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < gather->person_count && gather->persons[low + *count].household_id == household_id)
        (*count)++;
    return gather->persons + low;
}

static struct dossier_note note_of(const struct gather *gather, const struct policy_fact *fact,
                                   const struct pull_note *pulled)
{
    return origins_note(&gather->load->origins, fact->batch, pulled == NULL ? DAY_NONE : pulled->as_of,
                        pulled == NULL ? "" : pulled->ref);
}

/* Facts [begin, end) of one subject. */
struct fact_range {
    const struct policy_fact *facts;
    uint32_t begin, end;
    bool of_household;
    int64_t subject_id;
};

static size_t add_facts(const struct gather *gather, const struct fact_range *range, struct dossier_fact *out)
{
    size_t code_count;
    const int16_t *codes = policy_codes(gather->load->policy, &code_count);
    const struct pull_note *notes = range->of_household ? gather->household_notes : gather->person_notes;
    size_t note_count = range->of_household ? gather->household_note_count : gather->person_note_count;
    for (uint32_t f = range->begin; f < range->end; f++) {
        const struct policy_fact *fact = &range->facts[f];
        const struct pull_note *note = pull_note_find(notes, note_count, range->subject_id, codes[fact->code],
                                                      fact->batch, (int32_t)fact->row);
        *out++ = (struct dossier_fact){.person_id = range->of_household ? 0 : range->subject_id,
                                       .of_household = range->of_household,
                                       .fact = *fact,
                                       .note = note_of(gather, fact, note)};
    }
    return range->end - range->begin;
}

static enum status gather_registered(const struct gather *gather, uint32_t position, struct arena *arena,
                                     struct dossier *dossier, struct error *err)
{
    const struct assembly *a = &gather->load->assembly;
    uint32_t p_begin = a->person_begin[position], p_end = a->person_begin[position + 1];
    const struct fact_range own = {a->household_facts, a->household_fact_begin[position],
                                   a->household_fact_begin[position + 1], true, dossier->household_id};
    size_t fact_count = own.end - own.begin + a->person_fact_begin[p_end] - a->person_fact_begin[p_begin];
    size_t person_count, at;
    const struct pull_person *pulled = find_persons(gather, dossier->household_id, &person_count);
    struct dossier_person *persons = arena_array(arena, person_count, sizeof *persons);
    struct dossier_fact *facts = arena_array(arena, fact_count, sizeof *facts);
    if (persons == NULL || facts == NULL)
        return error_set(err, STATUS_FATAL, "no memory for a household of %zu facts", fact_count);
    if (person_count != p_end - p_begin)
        return error_set(err, STATUS_RETRY,
                         "a household has %u persons in the round and %zu by its particulars",
                         p_end - p_begin, person_count);
    for (size_t i = 0; i < person_count; i++)
        persons[i] = (struct dossier_person){pulled[i].member.person_id, pulled[i].member.birth,
                                             pulled[i].member.id_packed, pulled[i].member.name};
    at = add_facts(gather, &own, facts);
    for (uint32_t p = p_begin; p < p_end; p++) {
        const struct fact_range theirs = {a->person_facts, a->person_fact_begin[p],
                                          a->person_fact_begin[p + 1], false, a->person_id[p]};
        at += add_facts(gather, &theirs, facts + at);
    }
    return dossier_build(dossier, persons, person_count, facts, fact_count, arena, err);
}

enum status gather_dossier(const struct gather *gather, uint32_t position, struct arena *arena,
                           struct dossier *dossier, struct error *err)
{
    int64_t household_id = gather_household_id(gather->load, gather->standing, position);
    const struct pull_place *place = find_place(gather, household_id);
    if (place == NULL)
        return error_set(err, STATUS_REJECT,
                         "household %lld has findings but is not in the table of households",
                         (long long)household_id);
    *dossier = (struct dossier){
        .household_id = household_id,
        .household_no = place->household_no,
        .address = place->address,
        .township = place->township,
        .village = place->village,
        .urban = place->urban,
        .on_register = position < gather->standing->register_count,
    };
    return dossier->on_register ? gather_registered(gather, position, arena, dossier, err)
                                : dossier_build(dossier, NULL, 0, NULL, 0, arena, err);
}
