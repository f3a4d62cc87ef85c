/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "round/assemble.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

_Static_assert(sizeof(struct policy_fact) == 32, "two facts to a cache line");

static void *array_new(size_t count, size_t size)
{
    void *array = NULL;
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes))
        array = malloc(bytes == 0 ? 1 : bytes);
    return array;
}

static enum status no_memory(struct error *err, const char *what, size_t count)
{
    return error_set(err, STATUS_FATAL, "no memory to assemble %zu %s", count, what);
}

/* --- lists ---------------------------------------------------------------------------------------------------- */

/* Mapped, not allocated: malloc would learn from the first that is freed to keep the others, and the peak with them. */
static struct assemble_chunk *chunk_new(void)
{
    void *chunk =
        mmap(NULL, sizeof(struct assemble_chunk), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return chunk == MAP_FAILED ? NULL : chunk;
}

static void chunk_free(struct assemble_chunk *chunk)
{
    munmap(chunk, sizeof *chunk);
}

void assemble_list_free(struct assemble_list *list)
{
    for (struct assemble_chunk *chunk = list->first, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        chunk_free(chunk);
    }
    *list = (struct assemble_list){0};
}

/* The subject's position rides in the spare bytes until the fact is in its place. */
static void subject_put(struct policy_fact *fact, uint32_t subject)
{
    memcpy(fact->spare, &subject, sizeof subject);
}

static uint32_t subject_take(const struct policy_fact *fact)
{
    uint32_t subject;
    memcpy(&subject, fact->spare, sizeof subject);
    return subject;
}

static struct policy_fact *list_next(struct assemble_list *list)
{
    if (list->last == NULL || list->last->count == ASSEMBLE_CHUNK_FACTS) {
        struct assemble_chunk *chunk = chunk_new();
        if (chunk == NULL)
            return NULL;
        if (list->last == NULL)
            list->first = chunk;
        else
            list->last->next = chunk;
        list->last = chunk;
    }
    list->count++;
    return &list->last->facts[list->last->count++];
}

static bool is_excluded(const struct assemble_exclusion *exclusion, int64_t batch)
{
    size_t low = 0, high = exclusion == NULL ? 0 : exclusion->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (exclusion->batches[middle] < batch)
            low = middle + 1;
        else
            high = middle;
    }
    return exclusion != NULL && low < exclusion->count && exclusion->batches[low] == batch;
}

static enum status list_put(struct assemble_list *list, const struct pull_facts *rows, size_t i,
                            uint32_t subject, size_t code, struct error *err)
{
    if (rows->batch_id[i] < 0 || rows->batch_id[i] > UINT32_MAX)
        return error_set(err, STATUS_REJECT, "batch %lld: a round can read batch numbers up to %u",
                         (long long)rows->batch_id[i], UINT32_MAX);
    struct policy_fact *fact = list_next(list);
    if (fact == NULL)
        return no_memory(err, "facts", list->count + 1);
    *fact = (struct policy_fact){
        .value = rows->value[i],
        .from = rows->from[i],
        .to = rows->to[i],
        .batch = (uint32_t)rows->batch_id[i],
        .row = (uint32_t)rows->row_no[i],
        .code = (uint16_t)code,
        .source = rows->source[i],
    };
    subject_put(fact, subject);
    return STATUS_OK;
}

enum status assemble_list_add(struct assemble_list *list, const struct pull_facts *rows,
                              const struct match *subjects, size_t code,
                              const struct assemble_exclusion *exclusion, struct error *err)
{
    uint32_t positions[MATCH_GROUP];
    enum status status = STATUS_OK;
    for (size_t group = 0; group < rows->count && status == STATUS_OK; group += MATCH_GROUP) {
        size_t n = rows->count - group < MATCH_GROUP ? rows->count - group : MATCH_GROUP;
        match_find(subjects, rows->subject_id + group, n, positions);
        for (size_t i = 0; i < n && status == STATUS_OK; i++) {
            if (positions[i] == MATCH_NONE)
                list->strangers++;
            else if (is_excluded(exclusion, rows->batch_id[group + i]))
                list->excluded++;
            else
                status = list_put(list, rows, group + i, positions[i], code, err);
        }
    }
    return status;
}

/* --- the assembly --------------------------------------------------------------------------------------------- */

void assembly_init(struct assembly *assembly)
{
    *assembly = (struct assembly){0};
}

void assembly_fini(struct assembly *assembly)
{
    free(assembly->urban);
    free(assembly->person_id);
    free(assembly->birth);
    free(assembly->person_begin);
    free(assembly->household_fact_begin);
    free(assembly->person_fact_begin);
    free(assembly->household_facts);
    free(assembly->person_facts);
    assembly_init(assembly);
}

/* begin[i + 1] holds the count of subject i; afterwards begin[i] is where i starts, begin[count] the total. */
static void counts_to_begins(uint32_t *begin, size_t count)
{
    begin[0] = 0;
    for (size_t i = 0; i < count; i++)
        begin[i + 1] += begin[i];
}

/* Placing moved each begin[i] to where i ends; this moves them back. */
static void ends_to_begins(uint32_t *begin, size_t count)
{
    memmove(begin + 1, begin, count * sizeof *begin);
    begin[0] = 0;
}

static void place_persons(struct assembly *a, const struct pull_members *members, const uint32_t *household)
{
    for (size_t i = 0; i < members->count; i++)
        if (household[i] != MATCH_NONE)
            a->person_begin[household[i] + 1]++;
    counts_to_begins(a->person_begin, a->household_count);
    a->person_count = a->person_begin[a->household_count];
    for (size_t i = 0; i < members->count; i++) {
        if (household[i] == MATCH_NONE)
            continue;
        uint32_t at = a->person_begin[household[i]]++;
        a->person_id[at] = members->person_id[i];
        a->birth[at] = members->birth[i];
    }
    ends_to_begins(a->person_begin, a->household_count);
}

enum status assemble_persons(struct assembly *assembly, const struct pull_households *households,
                             const struct match *match, const struct pull_members *members, struct error *err)
{
    assembly->household_count = households->count;
    assembly->urban = array_new(households->count, sizeof *assembly->urban);
    assembly->person_begin = calloc(households->count + 1, sizeof *assembly->person_begin);
    assembly->person_id = array_new(members->count, sizeof *assembly->person_id);
    assembly->birth = array_new(members->count, sizeof *assembly->birth);
    uint32_t *household = array_new(members->count, sizeof *household);
    if (assembly->urban == NULL || assembly->person_begin == NULL || assembly->person_id == NULL ||
        assembly->birth == NULL || household == NULL) {
        free(household);
        return no_memory(err, "persons", members->count);
    }
    if (households->count > 0)
        memcpy(assembly->urban, households->urban, households->count);
    match_find(match, members->household_id, members->count, household);
    place_persons(assembly, members, household);
    free(household);
    return STATUS_OK;
}

static size_t lists_count(const struct assemble_list *lists, size_t list_count)
{
    size_t total = 0;
    for (size_t l = 0; l < list_count; l++)
        total += lists[l].count;
    return total;
}

static void lists_count_subjects(const struct assemble_list *lists, size_t list_count, uint32_t *begin)
{
    for (size_t l = 0; l < list_count; l++)
        for (const struct assemble_chunk *chunk = lists[l].first; chunk != NULL; chunk = chunk->next)
            for (size_t i = 0; i < chunk->count; i++)
                begin[subject_take(&chunk->facts[i]) + 1]++;
}

/* Twenty facts ahead the place is written to soon enough to be worth fetching, late enough to still be there. */
enum { PLACE_AHEAD = 20 };

static void place_chunk(const struct assemble_chunk *chunk, uint32_t *begin, struct policy_fact *facts)
{
    for (size_t i = 0; i < chunk->count; i++) {
        if (i + PLACE_AHEAD < chunk->count)
            __builtin_prefetch(&facts[begin[subject_take(&chunk->facts[i + PLACE_AHEAD])]], 1);
        struct policy_fact *place = &facts[begin[subject_take(&chunk->facts[i])]++];
        *place = chunk->facts[i];
        memset(place->spare, 0, sizeof place->spare);
    }
}

static void place_lists(struct assemble_list *lists, size_t list_count, uint32_t *begin,
                        struct policy_fact *facts)
{
    for (size_t l = 0; l < list_count; l++) {
        while (lists[l].first != NULL) {
            struct assemble_chunk *chunk = lists[l].first;
            place_chunk(chunk, begin, facts);
            lists[l].first = chunk->next;
            chunk_free(chunk);
        }
        lists[l].last = NULL;
        lists[l].count = 0;
    }
}

enum status assemble_facts(struct assembly *assembly, enum assemble_subject subject,
                           struct assemble_list *lists, size_t list_count, struct error *err)
{
    bool of_persons = subject == ASSEMBLE_PERSONS;
    size_t subjects = of_persons ? assembly->person_count : assembly->household_count;
    size_t total = lists_count(lists, list_count);
    if (total >= UINT32_MAX)
        return error_set(err, STATUS_REJECT, "%zu facts; a round can hold %u", total, UINT32_MAX - 1);
    uint32_t *begin = calloc(subjects + 1, sizeof *begin);
    struct policy_fact *facts = array_new(total, sizeof *facts);
    if (begin == NULL || facts == NULL) {
        free(begin);
        free(facts);
        return no_memory(err, "facts", total);
    }
    lists_count_subjects(lists, list_count, begin);
    counts_to_begins(begin, subjects);
    place_lists(lists, list_count, begin, facts);
    ends_to_begins(begin, subjects);
    *(of_persons ? &assembly->person_fact_begin : &assembly->household_fact_begin) = begin;
    *(of_persons ? &assembly->person_facts : &assembly->household_facts) = facts;
    *(of_persons ? &assembly->person_fact_count : &assembly->household_fact_count) = total;
    return STATUS_OK;
}

struct policy_block assembly_block(const struct assembly *assembly, size_t first, size_t count)
{
    return (struct policy_block){
        .household_count = count,
        .urban = assembly->urban + first,
        .person_begin = assembly->person_begin + first,
        .birth = assembly->birth,
        .household_fact_begin = assembly->household_fact_begin + first,
        .household_facts = assembly->household_facts,
        .person_fact_begin = assembly->person_fact_begin,
        .person_facts = assembly->person_facts,
    };
}

size_t assembly_bytes(const struct assembly *a)
{
    return a->household_count *
               (sizeof *a->urban + sizeof *a->person_begin + sizeof *a->household_fact_begin) +
           a->person_count * (sizeof *a->person_id + sizeof *a->birth + sizeof *a->person_fact_begin) +
           (a->household_fact_count + a->person_fact_count) * sizeof(struct policy_fact);
}
