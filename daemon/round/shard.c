/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "round/shard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static enum status no_memory(struct error *err, const char *what, size_t count)
{
    return error_set(err, STATUS_FATAL, "no memory to assemble %zu %s", count, what);
}

/* --- the map ------------------------------------------------------------------------------------------------------ */

_Static_assert((int)POLICY_PERSONS_READ_MAX < (int)UINT16_MAX,
               "persons that the machine reads can be told apart by 16 bits");

/* Where the shard that begins with household `first` ends. One that is too large for any shard is one of its own. */
static size_t shard_end(const uint32_t *person_begin, size_t household_count, size_t first)
{
    size_t end = first + 1;
    while (end < household_count && end - first < SHARD_HOUSEHOLDS &&
           end + 1 - first + person_begin[end + 1] - person_begin[first] <= UINT16_MAX)
        end++;
    return end;
}

static void cut(struct shard_map *map, const uint32_t *person_begin, size_t household_count)
{
    for (size_t first = 0, end; first < household_count; first = end) {
        end = shard_end(person_begin, household_count, first);
        map->count++;
        map->household_begin[map->count] = (uint32_t)end;
        map->person_begin[map->count] = person_begin[end];
    }
    for (size_t p = 0, shard = 0; p < person_begin[household_count]; p += SHARD_STRIDE) {
        while (p >= map->person_begin[shard + 1])
            shard++;
        map->of_person[p / SHARD_STRIDE] = (uint32_t)shard;
    }
}

enum status shard_map_init(struct shard_map *map, const uint32_t *person_begin, size_t household_count,
                           struct error *err)
{
    *map = (struct shard_map){0};
    /* Two neighbours that did not fit into one shard have more than UINT16_MAX subjects between them. */
    size_t persons = person_begin[household_count];
    size_t most = household_count / SHARD_HOUSEHOLDS + 2 * (household_count + persons) / UINT16_MAX + 2;
    map->household_begin = calloc(most + 1, sizeof *map->household_begin);
    map->person_begin = calloc(most + 1, sizeof *map->person_begin);
    map->of_person = calloc(persons / SHARD_STRIDE + 1, sizeof *map->of_person);
    if (map->household_begin == NULL || map->person_begin == NULL || map->of_person == NULL)
        return no_memory(err, "households", household_count);
    cut(map, person_begin, household_count);
    return STATUS_OK;
}

void shard_map_fini(struct shard_map *map)
{
    free(map->household_begin);
    free(map->person_begin);
    free(map->of_person);
    *map = (struct shard_map){0};
}

/* The shard of a subject, and its number there. */
static size_t find_person(const struct shard_map *map, uint32_t position, uint32_t *number)
{
    size_t shard = map->of_person[position / SHARD_STRIDE];
    while (position >= map->person_begin[shard + 1])
        shard++;
    uint32_t households = map->household_begin[shard + 1] - map->household_begin[shard];
    *number = households + position - map->person_begin[shard];
    return shard;
}

/* Shards are never larger than SHARD_HOUSEHOLDS, so that this one or one that follows has it. */
static size_t find_household(const struct shard_map *map, uint32_t position, uint32_t *number)
{
    size_t shard = position / SHARD_HOUSEHOLDS;
    while (position >= map->household_begin[shard + 1])
        shard++;
    *number = position - map->household_begin[shard];
    return shard;
}

/* --- a bag of facts ------------------------------------------------------------------------------------------------ */

/* An amount; policy_fact has the rest for all others, the subject's number in its spare bytes. */
struct amount {
    int64_t value;
    day_t day;
    uint16_t subject;
    uint8_t code, source;
};
_Static_assert(sizeof(struct amount) == 16, "shard.h says so");
_Static_assert(sizeof(struct policy_fact) == 32, "shard.h says so");

enum {
    CHUNK_BYTES = 8192, /* a shard has some of them; the last of each list is half empty */
    CHUNK_AMOUNTS =
        CHUNK_BYTES / sizeof(struct amount) - 1, /* the place of one is for the chunk's own needs */
    CHUNK_FACTS = CHUNK_BYTES / sizeof(struct policy_fact) - 1,
    SLAB_BYTES = 1 << 20,
    SLAB_CHUNKS = SLAB_BYTES / CHUNK_BYTES - 1, /* and of one chunk for the slab's */
};

struct shard_chunk {
    struct shard_chunk *next;
    union {
        struct amount amounts[CHUNK_AMOUNTS];
        struct policy_fact facts[CHUNK_FACTS];
    };
};
_Static_assert(sizeof(struct shard_chunk) <= CHUNK_BYTES, "a chunk fits");

struct shard_slab {
    struct shard_slab *next;
    char unused[CHUNK_BYTES - sizeof(struct shard_slab *)];
    char chunks[SLAB_CHUNKS][CHUNK_BYTES];
};
_Static_assert(sizeof(struct shard_slab) == SLAB_BYTES, "a slab is full");

enum { LIST_AMOUNTS, LIST_FACTS, LISTS };

enum status shard_bag_init(struct shard_bag *bag, const struct shard_map *map, struct error *err)
{
    *bag = (struct shard_bag){.map = map, .slab_used = SLAB_CHUNKS};
    bag->lists = calloc(map->count * LISTS + 1, sizeof *bag->lists);
    return bag->lists == NULL ? no_memory(err, "shards", map->count) : STATUS_OK;
}

void shard_bag_fini(struct shard_bag *bag)
{
    for (struct shard_slab *slab = bag->slabs, *next; slab != NULL; slab = next) {
        next = slab->next;
        munmap(slab, sizeof *slab);
    }
    free(bag->lists);
    *bag = (struct shard_bag){0};
}

static struct shard_chunk *chunk_new(struct shard_bag *bag)
{
    if (bag->slab_used == SLAB_CHUNKS) {
        void *mapped =
            mmap(NULL, sizeof(struct shard_slab), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED)
            return NULL;
        struct shard_slab *slab = mapped;
        slab->next = bag->slabs;
        bag->slabs = slab;
        bag->slab_used = 0;
    }
    return (struct shard_chunk *)(void *)bag->slabs->chunks[bag->slab_used++];
}

static const size_t chunk_full[LISTS] = {[LIST_AMOUNTS] = CHUNK_AMOUNTS, [LIST_FACTS] = CHUNK_FACTS};

/* How many of a list's are in this chunk of it. */
static size_t chunk_count(const struct shard_list *list, const struct shard_chunk *chunk, int kind)
{
    return chunk == list->last ? list->used : chunk_full[kind];
}

/* Makes room for one more at the end of the list. */
static bool list_reserve(struct shard_bag *bag, struct shard_list *list, int kind)
{
    if (list->last != NULL && list->used < chunk_full[kind])
        return true;
    struct shard_chunk *chunk = chunk_new(bag);
    if (chunk == NULL)
        return false;
    if (list->last == NULL)
        list->first = chunk;
    else
        list->last->next = chunk;
    list->last = chunk;
    list->used = 0;
    return true;
}

bool shard_is_excluded(const struct shard_exclusion *exclusion, int64_t batch)
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

/* One row on its way: to which list, as whose fact there. */
struct target {
    struct shard_list *list; /* NULL: of one of so many persons that the machine does not read it */
    uint16_t number;
};

static struct target find_target(struct shard_bag *bag, enum pull_subject subject, int kind,
                                 uint32_t position)
{
    uint32_t number;
    size_t shard = subject == PULL_PERSON_FACTS ? find_person(bag->map, position, &number)
                                                : find_household(bag->map, position, &number);
    return (struct target){.list = number > UINT16_MAX ? NULL : &bag->lists[shard * LISTS + (size_t)kind],
                           .number = (uint16_t)number};
}

static void put_amount(const struct target *target, uint16_t code, const struct pull_facts *rows, size_t i)
{
    target->list->last->amounts[target->list->used++] = (struct amount){.value = rows->value[i],
                                                                        .day = rows->to[i],
                                                                        .subject = target->number,
                                                                        .code = (uint8_t)code,
                                                                        .source = rows->source[i]};
}

static void put_fact(const struct target *target, uint16_t code, const struct pull_facts *rows, size_t i)
{
    struct policy_fact *fact = &target->list->last->facts[target->list->used++];
    *fact = (struct policy_fact){.value = rows->value[i],
                                 .from = rows->from[i],
                                 .to = rows->to[i],
                                 .batch = (uint32_t)rows->batch_id[i],
                                 .row = (uint32_t)rows->row_no[i],
                                 .code = code,
                                 .source = rows->source[i]};
    memcpy(fact->spare, &target->number, sizeof target->number);
}

static enum status put(struct shard_bag *bag, const struct target *target, int kind, uint16_t code,
                       const struct pull_facts *rows, size_t i, struct error *err)
{
    if (rows->batch_id[i] < 0 || rows->batch_id[i] > UINT32_MAX)
        return error_set(err, STATUS_REJECT, "batch %lld: a round can read batch numbers up to %u",
                         (long long)rows->batch_id[i], UINT32_MAX);
    if (!list_reserve(bag, target->list, kind))
        return no_memory(err, "facts", bag->count + 1);
    if (kind == LIST_AMOUNTS)
        put_amount(target, code, rows, i);
    else
        put_fact(target, code, rows, i);
    bag->count++;
    return STATUS_OK;
}

/* Where each one's list ends is fetched for the whole group before the first is written. */
static void find_targets(struct shard_bag *bag, enum pull_subject subject, int kind,
                         const uint32_t *positions, size_t count, struct target *targets)
{
    size_t item = kind == LIST_AMOUNTS ? sizeof(struct amount) : sizeof(struct policy_fact);
    for (size_t i = 0; i < count; i++) {
        if (positions[i] == MATCH_NONE)
            continue;
        targets[i] = find_target(bag, subject, kind, positions[i]);
        const char *chunk = targets[i].list == NULL ? NULL : (const char *)targets[i].list->last;
        if (chunk != NULL)
            __builtin_prefetch(chunk + (targets[i].list->used + 1) * item, 1);
    }
}

enum status shard_bag_add(struct shard_bag *bag, const struct shard_rows *what, const struct pull_facts *rows,
                          const struct match *subjects, const struct shard_exclusion *exclusion,
                          struct error *err)
{
    uint32_t positions[MATCH_GROUP];
    struct target targets[MATCH_GROUP];
    int kind = what->amounts && what->code <= UINT8_MAX ? LIST_AMOUNTS : LIST_FACTS;
    enum status status = STATUS_OK;
    for (size_t group = 0; group < rows->count && status == STATUS_OK; group += MATCH_GROUP) {
        size_t n = rows->count - group < MATCH_GROUP ? rows->count - group : MATCH_GROUP;
        match_find(subjects, rows->subject_id + group, n, positions);
        find_targets(bag, what->subject, kind, positions, n, targets);
        for (size_t i = 0; i < n && status == STATUS_OK; i++) {
            if (positions[i] == MATCH_NONE)
                bag->strangers++;
            else if (shard_is_excluded(exclusion, rows->batch_id[group + i]))
                bag->excluded++;
            else if (targets[i].list == NULL)
                bag->unread++;
            else
                status = put(bag, &targets[i], kind, what->code, rows, group + i, err);
        }
    }
    return status;
}

/* --- a shard in order ------------------------------------------------------------------------------------------------ */

void shard_table_fini(struct shard_table *table)
{
    free(table->person_begin);
    free(table->fact_begin);
    free(table->facts);
    *table = (struct shard_table){0};
}

/* Makes room for `wanted` items; what was there is forgotten. */
static bool reserve(void *array, size_t *capacity, size_t wanted, size_t item_bytes)
{
    void *old, *made;
    if (wanted <= *capacity)
        return true;
    memcpy(&old, array, sizeof old);
    free(old);
    made = malloc(wanted * item_bytes);
    memcpy(array, &made, sizeof made);
    *capacity = made == NULL ? 0 : wanted;
    return made != NULL;
}

static uint16_t number_of(const struct policy_fact *fact)
{
    uint16_t number;
    memcpy(&number, fact->spare, sizeof number);
    return number;
}

/* Adds the facts of each subject to count[subject]; returns how many there are in all. */
static size_t count_facts(const struct shard_list *lists, uint32_t *count)
{
    const struct shard_list *amounts = &lists[LIST_AMOUNTS], *facts = &lists[LIST_FACTS];
    size_t total = 0;
    for (const struct shard_chunk *chunk = amounts->first; chunk != NULL; chunk = chunk->next) {
        size_t n = chunk_count(amounts, chunk, LIST_AMOUNTS);
        for (size_t i = 0; i < n; i++)
            count[chunk->amounts[i].subject]++;
        total += n;
    }
    for (const struct shard_chunk *chunk = facts->first; chunk != NULL; chunk = chunk->next) {
        size_t n = chunk_count(facts, chunk, LIST_FACTS);
        for (size_t i = 0; i < n; i++)
            count[number_of(&chunk->facts[i])]++;
        total += n;
    }
    return total;
}

/* Both move each next[subject] behind the facts that they placed. */
static void place_amounts(const struct shard_list *list, uint32_t *next, struct policy_fact *facts)
{
    for (const struct shard_chunk *chunk = list->first; chunk != NULL; chunk = chunk->next) {
        size_t n = chunk_count(list, chunk, LIST_AMOUNTS);
        for (size_t i = 0; i < n; i++) {
            const struct amount *amount = &chunk->amounts[i];
            facts[next[amount->subject]++] = (struct policy_fact){.value = amount->value,
                                                                  .from = DAY_NONE,
                                                                  .to = amount->day,
                                                                  .code = amount->code,
                                                                  .source = amount->source};
        }
    }
}

static void place_others(const struct shard_list *list, uint32_t *next, struct policy_fact *facts)
{
    for (const struct shard_chunk *chunk = list->first; chunk != NULL; chunk = chunk->next) {
        size_t n = chunk_count(list, chunk, LIST_FACTS);
        for (size_t i = 0; i < n; i++) {
            struct policy_fact *fact = &facts[next[number_of(&chunk->facts[i])]++];
            *fact = chunk->facts[i];
            memset(fact->spare, 0, sizeof fact->spare);
        }
    }
}

static int by_code(const void *left, const void *right)
{
    const struct policy_fact *a = left, *b = right;
    return a->code < b->code ? -1 : a->code > b->code;
}

/* By insertion: a subject has few facts, and they come in runs of one code. */
static void sort_by_code(struct policy_fact *facts, size_t count)
{
    enum { FEW = 256 };
    if (count > FEW) {
        qsort(facts, count, sizeof *facts, by_code);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        if (facts[i - 1].code <= facts[i].code)
            continue;
        struct policy_fact moved = facts[i];
        size_t at = i;
        for (; at > 0 && facts[at - 1].code > moved.code; at--)
            facts[at] = facts[at - 1];
        facts[at] = moved;
    }
}

/* fact_begin[subject + 1] has the counts; afterwards fact_begin[subject] is where each one's facts begin. */
static void order_facts(struct shard_table *table, const struct shard_list *lists[], size_t list_count,
                        size_t subjects)
{
    uint32_t *begin = table->fact_begin;
    for (size_t s = 0; s < subjects; s++)
        begin[s + 1] += begin[s];
    for (size_t l = 0; l < list_count; l++) {
        place_amounts(&lists[l][LIST_AMOUNTS], begin, table->facts);
        place_others(&lists[l][LIST_FACTS], begin, table->facts);
    }
    memmove(begin + 1, begin, subjects * sizeof *begin);
    begin[0] = 0;
    for (size_t s = 0; s < subjects; s++)
        sort_by_code(table->facts + begin[s], begin[s + 1] - begin[s]);
}

enum status shard_table_fill(struct shard_table *table, const struct shard_map *map, size_t shard,
                             const struct shard_bag *bags, size_t bag_count,
                             const struct shard_register *about, struct policy_block *block,
                             struct error *err)
{
    enum { BAGS_MAX = 8 };
    const struct shard_list *lists[BAGS_MAX];
    size_t first = map->household_begin[shard], households = map->household_begin[shard + 1] - first;
    uint32_t first_person = map->person_begin[shard];
    size_t subjects = households + map->person_begin[shard + 1] - first_person, facts = 0;
    if (!reserve(&table->person_begin, &table->household_capacity, households + 1, sizeof(uint32_t)) ||
        !reserve(&table->fact_begin, &table->subject_capacity, subjects + 1, sizeof(uint32_t)))
        return no_memory(err, "households", households);
    memset(table->fact_begin, 0, (subjects + 1) * sizeof *table->fact_begin);
    for (size_t b = 0; b < bag_count && b < BAGS_MAX; b++) {
        lists[b] = bags[b].lists + shard * LISTS;
        facts += count_facts(lists[b], table->fact_begin + 1);
    }
    if (!reserve(&table->facts, &table->fact_capacity, facts + 1, sizeof(struct policy_fact)))
        return no_memory(err, "facts", facts);
    order_facts(table, lists, bag_count, subjects);
    for (size_t h = 0; h <= households; h++)
        table->person_begin[h] = about->person_begin[first + h] - first_person;
    *block = (struct policy_block){
        .household_count = households,
        .urban = about->urban + first,
        .person_begin = table->person_begin,
        .birth = about->birth + first_person,
        .traits = about->traits == NULL ? NULL : about->traits + first_person,
        .household_fact_begin = table->fact_begin,
        .household_facts = table->facts,
        .person_fact_begin = table->fact_begin + households,
        .person_facts = table->facts,
    };
    return STATUS_OK;
}
