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

/* --- asking ----------------------------------------------------------------------------------------------------- */

static enum status no_memory(struct error *err, size_t count)
{
    return error_set(err, STATUS_FATAL, "no memory for the particulars of %zu households", count);
}

static bool is_registered(const struct gather *gather, size_t index)
{
    return gather->positions[index] < gather->standing->register_count;
}

/* The first of the household's persons; *count of them follow. */
static uint32_t find_persons(const struct gather *gather, int64_t household_id, uint32_t *count)
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
    return (uint32_t)low;
}

/* Households and their persons in one order: the household, then its persons. Of who is off the register no persons are asked for. */
struct asking {
    int64_t *household_ids, *person_ids;
    uint32_t *household_places, *person_places;
    size_t person_count;
};

static void number_subjects(struct gather *gather, struct asking *asking)
{
    uint32_t place = 0;
    for (size_t i = 0; i < gather->count; i++) {
        uint32_t first = find_persons(gather, asking->household_ids[i], &gather->persons_of[i]);
        gather->person_first[i] = first;
        gather->places_begin[i] = asking->household_places[i] = place++;
        for (uint32_t p = 0; is_registered(gather, i) && p < gather->persons_of[i]; p++) {
            asking->person_ids[asking->person_count] = gather->persons[first + p].member.person_id;
            asking->person_places[asking->person_count++] = place++;
        }
    }
    gather->places_begin[gather->count] = place;
}

/* At the end, and after a failure, the stream is over. */
static enum status read_ahead(struct gather *gather, struct error *err)
{
    if (pull_known_next(gather->known, gather->ahead))
        return STATUS_OK;
    struct pull_known *known = gather->known;
    gather->known = NULL;
    gather->ahead = NULL;
    return pull_known_end(known, err);
}

static enum status ask_facts(struct gather *gather, struct asking *asking, struct error *err)
{
    size_t count = gather->count;
    asking->household_places = arena_array(gather->arena, count, sizeof *asking->household_places);
    asking->person_ids = arena_array(gather->arena, gather->person_count, sizeof *asking->person_ids);
    asking->person_places = arena_array(gather->arena, gather->person_count, sizeof *asking->person_places);
    gather->person_first = arena_array(gather->arena, count, sizeof *gather->person_first);
    gather->persons_of = arena_array(gather->arena, count, sizeof *gather->persons_of);
    gather->places_begin = arena_array(gather->arena, count + 1, sizeof *gather->places_begin);
    gather->ahead = arena_alloc(gather->arena, sizeof *gather->ahead);
    if (asking->household_places == NULL || asking->person_ids == NULL || asking->person_places == NULL ||
        gather->person_first == NULL || gather->persons_of == NULL || gather->places_begin == NULL ||
        gather->ahead == NULL)
        return no_memory(err, count);
    number_subjects(gather, asking);
    const struct pull_asked persons = {asking->person_ids, asking->person_places, asking->person_count};
    const struct pull_asked households = {asking->household_ids, asking->household_places, count};
    enum status status = pull_known_begin(gather->load->first, &persons, &households, gather->load->codes,
                                          gather->load->code_count, &gather->known, err);
    return status == STATUS_OK ? read_ahead(gather, err) : status;
}

enum status gather_open(struct gather *gather, const struct load *load, const struct standing *standing,
                        const uint32_t *positions, size_t count, struct arena *arena, struct error *err)
{
    *gather = (struct gather){
        .load = load, .standing = standing, .arena = arena, .count = count, .positions = positions};
    struct asking asking = {.household_ids = arena_array(arena, count, sizeof *asking.household_ids)};
    if (asking.household_ids == NULL)
        return no_memory(err, count);
    for (size_t i = 0; i < count; i++)
        asking.household_ids[i] = gather_household_id(load, standing, positions[i]);
    if (count == 0)
        return STATUS_OK;
    enum status status = pull_places(load->first, asking.household_ids, count, arena, &gather->places,
                                     &gather->place_count, err);
    if (status == STATUS_OK)
        status = pull_persons(load->first, asking.household_ids, count, arena, &gather->persons,
                              &gather->person_count, err);
    return status == STATUS_OK ? ask_facts(gather, &asking, err) : status;
}

enum status gather_close(struct gather *gather, enum status status, struct error *err)
{
    struct error ignored;                                /* whoever gives up has his reason */
    while (status == STATUS_OK && gather->ahead != NULL) /* of households that nobody took */
        status = read_ahead(gather, err);
    if (gather->known != NULL && pull_known_end(gather->known, &ignored) != STATUS_OK)
        gather->ahead = NULL;
    gather->known = NULL;
    free(gather->facts);
    gather->facts = NULL;
    text_fini(&gather->refs);
    return status;
}

/* --- one household -------------------------------------------------------------------------------------------- */

static bool keep_ahead(struct gather *gather)
{
    enum { FIRST_FACTS = 256 };
    struct pull_known_fact *fact = gather->ahead;
    if (gather->fact_count == gather->fact_capacity) {
        size_t capacity = gather->fact_capacity == 0 ? FIRST_FACTS : gather->fact_capacity * 2;
        void *grown = realloc(gather->facts, capacity * sizeof *gather->facts);
        if (grown == NULL)
            return false;
        gather->facts = grown;
        gather->fact_capacity = capacity;
    }
    text_add(&gather->refs, fact->ref.bytes, fact->ref.length);
    gather->facts[gather->fact_count++] = *fact;
    return !gather->refs.failed;
}

/* The text has moved while it grew. */
static void find_refs(struct gather *gather)
{
    const char *bytes = gather->refs.bytes;
    for (size_t i = 0; i < gather->fact_count; i++) {
        gather->facts[i].ref.bytes = bytes;
        bytes += gather->facts[i].ref.length;
    }
}

enum status gather_household(struct gather *gather, uint32_t position, struct error *err)
{
    while (gather->current < gather->count && gather->positions[gather->current] != position)
        gather->current++;
    if (gather->current == gather->count)
        return error_set(err, STATUS_FATAL, "a household was not asked for, or is over");
    uint32_t begin = gather->places_begin[gather->current], end = gather->places_begin[gather->current + 1];
    gather->fact_count = 0;
    text_clear(&gather->refs);
    enum status status = STATUS_OK;
    while (gather->ahead != NULL && gather->ahead->place < end && status == STATUS_OK) {
        if (gather->ahead->place >= begin && !keep_ahead(gather))
            return error_set(err, STATUS_FATAL, "no memory for a household of %zu facts", gather->fact_count);
        status = read_ahead(gather, err);
    }
    find_refs(gather);
    return status;
}

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

static enum status make_fact(const struct gather *gather, const struct pull_known_fact *known, int code,
                             struct arena *arena, struct dossier_fact *fact, struct error *err)
{
    uint32_t subject = known->place - gather->places_begin[gather->current];
    const struct pull_person *persons = &gather->persons[gather->person_first[gather->current]];
    const char *ref = known->ref.length == 0 ? "" : arena_copy(arena, known->ref.bytes, known->ref.length);
    if (known->batch_id < 0 || known->batch_id > UINT32_MAX)
        return error_set(err, STATUS_REJECT, "batch %lld: a round can read batch numbers up to %u",
                         (long long)known->batch_id, UINT32_MAX);
    if (ref == NULL)
        return error_set(err, STATUS_FATAL, "no memory for a household of %zu facts", gather->fact_count);
    *fact = (struct dossier_fact){
        .person_id = subject == 0 ? 0 : persons[subject - 1].member.person_id,
        .of_household = subject == 0,
        .fact = {.value = known->value,
                 .from = known->from,
                 .to = known->to,
                 .batch = (uint32_t)known->batch_id,
                 .row = (uint32_t)known->row_no,
                 .code = (uint16_t)code,
                 .source = known->source},
        .note = origins_note(&gather->load->origins, known->batch_id, known->as_of, ref),
    };
    return STATUS_OK;
}

/* Those that count; *count becomes how many. */
static enum status make_facts(const struct gather *gather, struct arena *arena, struct dossier_fact *facts,
                              size_t *count, struct error *err)
{
    enum status status = STATUS_OK;
    *count = 0;
    for (size_t i = 0; i < gather->fact_count && status == STATUS_OK; i++) {
        int code = code_position(gather->load->policy, gather->facts[i].code);
        if (code >= 0 && !shard_is_excluded(&gather->load->exclusion, gather->facts[i].batch_id))
            status = make_fact(gather, &gather->facts[i], code, arena, &facts[(*count)++], err);
    }
    return status;
}

enum {
    HOUSEHOLD_ARENA_BYTES = 64 << 20,
    FACT_ARENA_BYTES = 512, /* a fact with its note is laid out twice: some 250 */
};

struct arena *gather_arena(const struct gather *gather)
{
    return arena_new(HOUSEHOLD_ARENA_BYTES + gather->fact_count * FACT_ARENA_BYTES + gather->refs.length);
}

static enum status gather_registered(const struct gather *gather, struct arena *arena,
                                     struct dossier *dossier, struct error *err)
{
    const uint32_t *begin = &gather->load->assembly.person_begin[gather->positions[gather->current]];
    uint32_t expected = begin[1] - begin[0], person_count = gather->persons_of[gather->current];
    const struct pull_person *pulled = &gather->persons[gather->person_first[gather->current]];
    size_t fact_count;
    struct dossier_person *persons = arena_array(arena, person_count, sizeof *persons);
    struct dossier_fact *facts = arena_array(arena, gather->fact_count, sizeof *facts);
    if (persons == NULL || facts == NULL)
        return error_set(err, STATUS_FATAL, "no memory for a household of %zu facts", gather->fact_count);
    if (person_count != expected)
        return error_set(err, STATUS_RETRY,
                         "a household has %u persons in the round and %u by its particulars", expected,
                         person_count);
    for (size_t i = 0; i < person_count; i++)
        persons[i] = (struct dossier_person){
            pulled[i].member.person_id, pulled[i].member.birth, pulled[i].member.id_packed,
            pulled[i].member.name,
            policy_traits(pulled[i].member.kinship, policy_labour_of(pulled[i].member.labour))};
    enum status status = make_facts(gather, arena, facts, &fact_count, err);
    return status == STATUS_OK ? dossier_build(dossier, persons, person_count, facts, fact_count, arena, err)
                               : status;
}

enum status gather_dossier(const struct gather *gather, struct arena *arena, struct dossier *dossier,
                           struct error *err)
{
    uint32_t position = gather->positions[gather->current];
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
        .on_register = is_registered(gather, gather->current),
    };
    return dossier->on_register ? gather_registered(gather, arena, dossier, err)
                                : dossier_build(dossier, NULL, 0, NULL, 0, arena, err);
}
