/* SPDX-License-Identifier: PostgreSQL */
#include "api/facts.h"

#include "base/clock.h"
#include "io/pg.h"

#include <stdlib.h>

static enum status read_all(struct pg *pg, struct api_facts *facts, struct error *err)
{
    enum status status = listing_queue_shape(pg, facts->arena, &facts->queue, &facts->queue_count, err);
    if (status == STATUS_OK)
        status = listing_status(pg, facts->queue, facts->queue_count, &facts->status, err);
    if (status == STATUS_OK)
        status = listing_held(pg, facts->arena, &facts->held, &facts->held_count, err);
    if (status == STATUS_OK)
        status = batch_list_newest(pg, facts->arena, &facts->batches, &facts->batch_count, err);
    if (status == STATUS_OK)
        status = unusable_find(pg, NULL, 0, facts->arena, &facts->unusable, &facts->unusable_count, err);
    if (status == STATUS_OK)
        status = round_list(pg, API_ROUNDS_SHOWN, facts->arena, &facts->rounds, &facts->round_count, err);
    if (status == STATUS_OK)
        status = transactions_read(pg, facts->arena, &facts->transactions, &facts->transaction_count, err);
    return status;
}

enum status api_facts_read(struct pg *pg, struct api_facts **handle, struct error *err)
{
    struct api_facts *facts = calloc(1, sizeof *facts);
    *handle = 0;
    if (facts)
        facts->arena = arena_new(0);
    if (!facts || !facts->arena) {
        free(facts);
        return error_set(err, STATUS_FATAL, "no memory for the figures of the database");
    }
    enum status status = read_all(pg, facts, err);
    if (status != STATUS_OK) {
        api_facts_free(facts);
        return status;
    }
    facts->read_unix_ms = clock_unix_ms();
    *handle = facts;
    return STATUS_OK;
}

void api_facts_free(struct api_facts *facts)
{
    if (!facts)
        return;
    arena_free(facts->arena);
    free(facts);
}

enum status api_counts_read(struct pg *pg, int64_t import, int64_t round, struct api_counts **handle,
                            struct error *err)
{
    struct api_counts *counts = calloc(1, sizeof *counts);
    *handle = 0;
    if (counts)
        *counts = (struct api_counts){.arena = arena_new(0), .import = import, .round = round};
    if (!counts || !counts->arena) {
        free(counts);
        return error_set(err, STATUS_FATAL, "no memory for the figures of the database");
    }
    enum status status = listing_register(pg, &counts->on_register, err);
    if (status == STATUS_OK)
        status = listing_levels(pg, counts->arena, &counts->levels, &counts->level_count, err);
    if (status == STATUS_OK)
        status = volume_swinging(pg, counts->arena, &counts->swinging, &counts->swinging_count, err);
    if (status == STATUS_OK)
        *handle = counts;
    else
        api_counts_free(counts);
    return status;
}

bool api_counts_match(const struct api_counts *counts, const struct api_facts *facts)
{
    return counts && counts->import == facts->status.last_import &&
           counts->round == facts->status.last_judged;
}

void api_counts_free(struct api_counts *counts)
{
    if (!counts)
        return;
    arena_free(counts->arena);
    free(counts);
}
