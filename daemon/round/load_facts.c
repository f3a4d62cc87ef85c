/* SPDX-License-Identifier: PostgreSQL */
#include "round/load_facts.h"

#include "round/twin.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* A part of one code's facts about one kind of subject. */
struct stretch {
    struct shard_rows what;
    struct pull_code code;
    struct pull_pages pages;
    uint32_t size; /* pages */
};

struct fact_work {
    struct load *load;
    const struct match *persons;
    const struct policy_run *runs[LOAD_POLICIES_MAX]; /* the second is NULL in a round */
    struct stretch *stretches;                        /* large ones first */
    size_t count, capacity;
    atomic_size_t next;
    atomic_bool failed;
};

/* --- what is to be pulled --------------------------------------------------------------------------------------- */

/* Whose facts of a code all are; NO_SOURCE where several sources ever spoke of it (the ingest notes each in the transaction that
 * stores its first fact of a code). Not to ask for the source spares the server a tenth of a row. */
enum { NO_SOURCE = -1 };
static int only_source(const struct load *load, int code)
{
    int only = NO_SOURCE;
    for (size_t i = 0; i < load->pair_count; i++) {
        if (load->pairs[i].code == code && only != NO_SOURCE)
            return NO_SOURCE;
        if (load->pairs[i].code == code)
            only = load->pairs[i].source;
    }
    return only;
}

static unsigned columns_of(const struct policy_need *need, bool excludes, int source)
{
    unsigned columns = PULL_VALUE | (source == NO_SOURCE ? PULL_SOURCE : 0) |
                       (need->periods ? PULL_FROM | PULL_TO : PULL_DAY);
    if (need->order)
        columns |= PULL_BATCH | PULL_ROW;
    return excludes ? columns | PULL_BATCH : columns;
}

static bool add_stretch(struct fact_work *work, const struct stretch *stretch)
{
    enum { FIRST_STRETCHES = 128 };
    if (work->count == work->capacity) {
        size_t capacity = work->capacity == 0 ? FIRST_STRETCHES : work->capacity * 2;
        struct stretch *grown = realloc(work->stretches, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        work->stretches = grown;
        work->capacity = capacity;
    }
    work->stretches[work->count++] = *stretch;
    return true;
}

static bool cut_code(struct fact_work *work, struct stretch whole, uint32_t pages)
{
    bool good = true;
    for (uint32_t first = 0; first < pages && good; first += LOAD_STRETCH_PAGES) {
        bool last = pages - first <= LOAD_STRETCH_PAGES;
        whole.pages = (struct pull_pages){first, last ? PULL_PAGES_END : first + LOAD_STRETCH_PAGES};
        whole.size = last ? pages - first : LOAD_STRETCH_PAGES;
        good = add_stretch(work, &whole);
    }
    return good;
}

/* Of a code that both read, what either needs. */
static struct policy_need join_needs(struct policy_need a, struct policy_need b)
{
    if (!a.read || !b.read)
        return a.read ? a : b;
    return (struct policy_need){.read = true,
                                .periods = a.periods || b.periods,
                                .order = a.order || b.order,
                                .after = a.after < b.after ? a.after : b.after};
}

static struct policy_need need_of(const struct fact_work *work, size_t code, bool of_persons)
{
    struct policy_need need = {0};
    for (size_t i = 0; i < LOAD_POLICIES_MAX && work->runs[i] != NULL; i++) {
        const int16_t *positions = work->load->positions[i];
        int position = positions == NULL ? (int)code : positions[code];
        if (position >= 0)
            need = join_needs(need, policy_run_need(work->runs[i], (size_t)position, of_persons));
    }
    return need;
}

static enum status cut_codes(struct fact_work *work, enum pull_subject subject, const uint32_t *pages,
                             struct error *err)
{
    const struct load *load = work->load;
    for (size_t code = 0; code < load->code_count; code++) {
        struct policy_need need = need_of(work, code, subject == PULL_PERSON_FACTS);
        int source = only_source(load, load->codes[code]);
        const struct stretch whole = {
            .what = {.subject = subject, .code = (uint16_t)code, .amounts = !need.periods && !need.order},
            .code = {.code = load->codes[code],
                     .columns = columns_of(&need, load->exclusion.count > 0, source),
                     .source = (uint8_t)(source == NO_SOURCE ? 0 : source),
                     .after = need.after},
        };
        if (need.read && !cut_code(work, whole, pages[code]))
            return error_set(err, STATUS_FATAL, "no memory for %zu stretches of facts", work->count);
    }
    return STATUS_OK;
}

static int by_size(const void *left, const void *right)
{
    const struct stretch *a = left, *b = right;
    return a->size > b->size ? -1 : a->size < b->size;
}

static enum status plan(struct fact_work *work, struct error *err)
{
    static const enum pull_subject subjects[] = {PULL_PERSON_FACTS, PULL_HOUSEHOLD_FACTS};
    const struct load *load = work->load;
    uint32_t *pages = arena_array(load->arena, load->code_count + 1, sizeof *pages);
    enum status status =
        pages == NULL ? error_set(err, STATUS_FATAL, "no memory for %zu codes", load->code_count) : STATUS_OK;
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        status = pull_fact_pages(load->first, subjects[i], load->codes, load->code_count, pages, err);
        if (status == STATUS_OK)
            status = cut_codes(work, subjects[i], pages, err);
    }
    if (status == STATUS_OK && work->count > 1)
        qsort(work->stretches, work->count, sizeof *work->stretches, by_size);
    return status;
}

/* --- pulling ------------------------------------------------------------------------------------------------------ */

struct fact_half {
    struct fact_work *work;
    struct pg *pg;
    struct shard_bag *bag;
    const struct stretch *stretch; /* the one that is being pulled */
    int64_t rows;
};

static enum status take_rows(void *context, const struct pull_facts *rows, struct error *err)
{
    struct fact_half *half = context;
    const struct fact_work *work = half->work;
    bool of_persons = half->stretch->what.subject == PULL_PERSON_FACTS;
    half->rows += (int64_t)rows->count;
    return shard_bag_add(half->bag, &half->stretch->what, rows,
                         of_persons ? work->persons : work->load->household_match, &work->load->exclusion,
                         err);
}

static enum status pull_half(void *context, struct error *err)
{
    struct fact_half *half = context;
    struct fact_work *work = half->work;
    struct pull_facts *rows = malloc(sizeof *rows);
    enum status status = rows == NULL ? error_set(err, STATUS_FATAL, "no memory for facts") : STATUS_OK;
    while (status == STATUS_OK && !atomic_load(&work->failed)) {
        size_t next = atomic_fetch_add(&work->next, 1);
        if (next >= work->count)
            break;
        half->stretch = &work->stretches[next];
        status = pull_facts(half->pg, half->stretch->what.subject, &half->stretch->code, half->stretch->pages,
                            rows, take_rows, half, err);
    }
    if (status != STATUS_OK)
        atomic_store(&work->failed, true);
    free(rows);
    return status;
}

static enum status pull_all(struct fact_work *work, int64_t *rows, struct error *err)
{
    struct load *load = work->load;
    enum status status = STATUS_OK;
    for (size_t half = 0; half < LOAD_BAGS && status == STATUS_OK; half++)
        status = shard_bag_init(&load->bags[half], &load->assembly.shards, err);
    if (status != STATUS_OK)
        return status;
    struct fact_half first = {.work = work, .pg = load->first, .bag = &load->bags[0]};
    struct fact_half second = {.work = work, .pg = load->second, .bag = &load->bags[1]};
    status = twin_run(pull_half, &first, &second, err);
    *rows = first.rows + second.rows;
    return status;
}

enum status load_facts(struct load *load, const struct match *persons, day_t as_of, int64_t *rows,
                       struct error *err)
{
    struct fact_work work = {.load = load, .persons = persons};
    struct policy_run *run = NULL, *other = NULL;
    *rows = 0;
    enum status status = policy_run_new(load->policy, as_of, &run, err);
    if (status == STATUS_OK && load->beside != NULL)
        status = policy_run_new(load->beside, as_of, &other, err);
    work.runs[0] = run;
    work.runs[1] = other;
    if (status == STATUS_OK)
        status = plan(&work, err);
    policy_run_free(run);
    policy_run_free(other);
    if (status == STATUS_OK)
        status = pull_all(&work, rows, err);
    free(work.stretches);
    return status;
}
