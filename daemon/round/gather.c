/* SPDX-License-Identifier: PostgreSQL */
#include "round/gather.h"

#include "store/pull_detail.h"
#include "store/pull_one.h"

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
    size_t code_count = gather->load->code_count;
    const int16_t *codes = gather->load->codes;
    enum status status = pull_places(pg, household_ids, household_count, gather->arena, &gather->places,
                                     &gather->place_count, err);
    if (status == STATUS_OK)
        status = pull_persons(pg, household_ids, household_count, gather->arena, &gather->persons,
                              &gather->person_count, err);
    if (status == STATUS_OK)
        status = pull_known_facts(pg, PULL_PERSON_FACTS, person_ids, person_count, codes, code_count,
                                  gather->arena, &gather->person_facts, &gather->person_fact_count, err);
    if (status == STATUS_OK)
        status =
            pull_known_facts(pg, PULL_HOUSEHOLD_FACTS, household_ids, household_count, codes, code_count,
                             gather->arena, &gather->household_facts, &gather->household_fact_count, err);
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

/* What is known of one subject. */
struct known_range {
    const struct pull_known_fact *facts;
    size_t count;
    bool of_household;
};

static struct known_range own_facts(const struct gather *gather, int64_t household_id)
{
    struct known_range range = {.of_household = true};
    range.facts =
        pull_known_of(gather->household_facts, gather->household_fact_count, household_id, &range.count);
    return range;
}

static struct known_range facts_of_person(const struct gather *gather, int64_t person_id)
{
    struct known_range range = {.of_household = false};
    range.facts = pull_known_of(gather->person_facts, gather->person_fact_count, person_id, &range.count);
    return range;
}

/* The code's position in the policy's list, which is ascending; -1 when the other policy alone reads it. */
static int code_position(const struct policy *policy, int16_t code)
{
    size_t count, low = 0;
    const int16_t *codes = policy_codes(policy, &count);
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (codes[middle] < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && codes[low] == code ? (int)low : -1;
}

/* Those that count; *count becomes how many. */
static enum status add_facts(const struct gather *gather, const struct known_range *range,
                             struct dossier_fact *out, size_t *count, struct error *err)
{
    *count = 0;
    for (size_t i = 0; i < range->count; i++) {
        const struct pull_known_fact *known = &range->facts[i];
        int code = code_position(gather->load->policy, known->code);
        if (code < 0 || shard_is_excluded(&gather->load->exclusion, known->batch_id))
            continue;
        if (known->batch_id < 0 || known->batch_id > UINT32_MAX)
            return error_set(err, STATUS_REJECT, "batch %lld: a round can read batch numbers up to %u",
                             (long long)known->batch_id, UINT32_MAX);
        out[(*count)++] = (struct dossier_fact){
            .person_id = range->of_household ? 0 : known->subject_id,
            .of_household = range->of_household,
            .fact = {.value = known->value,
                     .from = known->from,
                     .to = known->to,
                     .batch = (uint32_t)known->batch_id,
                     .row = (uint32_t)known->row_no,
                     .code = (uint16_t)code,
                     .source = known->source},
            .note = origins_note(&gather->load->origins, known->batch_id, known->as_of, known->ref),
        };
    }
    return STATUS_OK;
}

static size_t count_facts(const struct gather *gather, int64_t household_id,
                          const struct pull_person *persons, size_t person_count)
{
    size_t count = own_facts(gather, household_id).count;
    for (size_t i = 0; i < person_count; i++)
        count += facts_of_person(gather, persons[i].member.person_id).count;
    return count;
}

enum {
    HOUSEHOLD_ARENA_BYTES = 64 << 20,
    FACT_ARENA_BYTES = 512, /* a fact with its note is laid out twice: some 250 */
};

struct arena *gather_arena(const struct gather *gather, uint32_t position)
{
    size_t person_count;
    int64_t household_id = gather_household_id(gather->load, gather->standing, position);
    const struct pull_person *persons = find_persons(gather, household_id, &person_count);
    size_t fact_count = count_facts(gather, household_id, persons, person_count);
    return arena_new(HOUSEHOLD_ARENA_BYTES + fact_count * FACT_ARENA_BYTES);
}

static enum status gather_facts(const struct gather *gather, int64_t household_id,
                                const struct pull_person *persons, size_t person_count,
                                struct dossier_fact *facts, size_t *count, struct error *err)
{
    size_t added;
    struct known_range range = own_facts(gather, household_id);
    enum status status = add_facts(gather, &range, facts, count, err);
    for (size_t i = 0; i < person_count && status == STATUS_OK; i++) {
        range = facts_of_person(gather, persons[i].member.person_id);
        status = add_facts(gather, &range, facts + *count, &added, err);
        *count += added;
    }
    return status;
}

static enum status gather_registered(const struct gather *gather, uint32_t position, struct arena *arena,
                                     struct dossier *dossier, struct error *err)
{
    const struct assembly *a = &gather->load->assembly;
    uint32_t expected = a->person_begin[position + 1] - a->person_begin[position];
    size_t person_count;
    const struct pull_person *pulled = find_persons(gather, dossier->household_id, &person_count);
    size_t fact_count = count_facts(gather, dossier->household_id, pulled, person_count);
    struct dossier_person *persons = arena_array(arena, person_count, sizeof *persons);
    struct dossier_fact *facts = arena_array(arena, fact_count, sizeof *facts);
    if (persons == NULL || facts == NULL)
        return error_set(err, STATUS_FATAL, "no memory for a household of %zu facts", fact_count);
    if (person_count != expected)
        return error_set(err, STATUS_RETRY,
                         "a household has %u persons in the round and %zu by its particulars", expected,
                         person_count);
    for (size_t i = 0; i < person_count; i++)
        persons[i] = (struct dossier_person){
            pulled[i].member.person_id, pulled[i].member.birth, pulled[i].member.id_packed,
            pulled[i].member.name,
            policy_traits(pulled[i].member.kinship, policy_labour_of(pulled[i].member.labour))};
    enum status status =
        gather_facts(gather, dossier->household_id, pulled, person_count, facts, &fact_count, err);
    return status == STATUS_OK ? dossier_build(dossier, persons, person_count, facts, fact_count, arena, err)
                               : status;
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
