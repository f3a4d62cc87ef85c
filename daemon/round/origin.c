/* SPDX-License-Identifier: PostgreSQL */
#include "round/origin.h"

#include <string.h>

enum status origins_load(struct origins *origins, struct pg *pg, struct arena *arena, struct error *err)
{
    const struct batch_info *all;
    size_t count;
    enum status status = batch_list_accepted(pg, arena, &all, &count, err);
    *origins = (struct origins){0};
    if (status != STATUS_OK)
        return status;
    origins->batches = arena_array(arena, count, sizeof(struct batch_info *));
    if (origins->batches == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu batches", count);
    for (size_t i = 0; i < count; i++) {
        origins->batches[origins->count++] = &all[i];
        origins_take_whole(origins, &all[i]);
    }
    return STATUS_OK;
}

void origins_forget_whole(struct origins *origins)
{
    memset(origins->whole, 0, sizeof origins->whole);
}

void origins_take_whole(struct origins *origins, const struct batch_info *batch)
{
    if (batch->mode == BATCH_FULL && batch->source >= 0 && batch->source <= SOURCE_NUMBER_MAX)
        origins->whole[batch->source] = batch;
}

/* NULL when there is none of that number. */
static const struct batch_info *origins_find(const struct origins *origins, int64_t batch_id)
{
    size_t low = 0, high = origins->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (origins->batches[middle]->batch_id < batch_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < origins->count && origins->batches[low]->batch_id == batch_id ? origins->batches[low] : NULL;
}

/* The last day that the batch can tell of, else the day on which it came. */
static day_t day_of_batch(const struct batch_info *batch)
{
    if (batch->period_to != DAY_NONE)
        return batch_speaks_to(batch);
    return batch->received_at_ms == INT64_MIN ? DAY_NONE : civil_shanghai_day(batch->received_at_ms / 1000);
}

/* A full batch leaves what it repeats as it stands (store/fact_store.h). */
static const struct batch_info *newest_statement(const struct origins *origins,
                                                 const struct batch_info *batch)
{
    const struct batch_info *whole =
        batch->source >= 0 && batch->source <= SOURCE_NUMBER_MAX ? origins->whole[batch->source] : NULL;
    return whole != NULL && whole->batch_id > batch->batch_id ? whole : batch;
}

struct dossier_note origins_note(const struct origins *origins, int64_t batch_id, day_t recorded,
                                 const char *ref)
{
    const struct batch_info *batch = origins_find(origins, batch_id);
    struct dossier_note note = {.source = "",
                                .source_title = "",
                                .batch = "",
                                .ref = ref,
                                .recorded = recorded,
                                .batch_as_of = DAY_NONE,
                                .as_of = recorded};
    if (batch == NULL)
        return note;
    note.source = batch->source_name;
    note.source_title = batch->source_title;
    note.batch = batch->name;
    note.batch_as_of = day_of_batch(newest_statement(origins, batch));
    if (recorded == DAY_NONE)
        note.as_of = note.batch_as_of;
    return note;
}
