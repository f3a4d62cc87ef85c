/* SPDX-License-Identifier: PostgreSQL */
#include "round/swings.h"

#include "round/freshness.h"

#include <stdlib.h>

enum {
    JUDGED_MOST = 2, /* of a source: the newest full batch and a delta after it */
    SERIES_MOST = 1 + SWINGS_HISTORY_MOST,
    ROWS_ROOT_MOST = 1 << 28, /* its square is more rows than there can be, and nine of them can be counted */
};

/* --- what is usual ---------------------------------------------------------------------------------------------- */

static int order_numbers(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Twice the median; puts the numbers in order. */
static int64_t twice_median(int64_t *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, order_numbers);
    return numbers[(count - 1) / 2] + numbers[count / 2];
}

/* The least number of rows, and at least one, that is not below ⅔√median. */
static int64_t least_deviation(int64_t median2)
{
    int64_t low = 1, high = ROWS_ROOT_MOST;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (9 * middle * middle < 2 * median2)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool swings_usual(int64_t *history, size_t count, int times, int64_t *low, int64_t *high)
{
    int64_t distances[SWINGS_HISTORY_MOST];
    if (count < SWINGS_HISTORY_LEAST || count > SWINGS_HISTORY_MOST)
        return false;
    int64_t median2 = twice_median(history, count);
    for (size_t i = 0; i < count; i++)
        distances[i] = llabs(2 * history[i] - median2);
    int64_t mad4 = twice_median(distances, count), least4 = 4 * least_deviation(median2);
    int64_t reach4 = times * (mad4 > least4 ? mad4 : least4), low4 = 2 * median2 - reach4;
    *low = low4 <= 0 ? 0 : (low4 + 3) / 4;
    *high = (2 * median2 + reach4) / 4;
    return true;
}

/* --- finding ---------------------------------------------------------------------------------------------------- */

/* A batch that is judged, and those before it that it is compared with, the newest first. */
struct series {
    const struct batch_info *batch;
    int times;
    size_t count; /* the batch included */
    int64_t ids[SERIES_MOST];
    bool counted[SERIES_MOST]; /* batches of former versions were not */
    int64_t rows[SERIES_MOST]; /* of the township that is looked at */
    int64_t sums[SERIES_MOST];
};

static void begin_series(struct series *series, const struct batch_info *const *batches, size_t at, int times)
{
    const struct batch_info *batch = batches[at];
    *series = (struct series){.batch = batch, .times = times, .count = 1, .ids = {batch->batch_id}};
    while (at-- > 0 && series->count < SERIES_MOST)
        if (batches[at]->source == batch->source && batches[at]->mode == batch->mode)
            series->ids[series->count++] = batches[at]->batch_id;
}

static size_t series_of(const struct policy_source *source, const struct batch_info *const *batches,
                        size_t batch_count, struct series *series)
{
    size_t count = 0;
    if (source->swing == 0 || source->number == SOURCE_REGISTER)
        return 0;
    for (size_t at = batch_count; at-- > 0;) {
        if (batches[at]->source != source->number || (count > 0 && batches[at]->mode == BATCH_DELTA))
            continue;
        begin_series(&series[count++], batches, at, source->swing);
        if (batches[at]->mode == BATCH_FULL)
            break;
    }
    return count;
}

static void take_rows(struct series *series, const struct volume *volume)
{
    for (size_t i = 0; i < series->count; i++) {
        if (series->ids[i] != volume->batch_id)
            continue;
        series->counted[i] |= volume->township == VOLUME_NO_TOWNSHIP;
        series->rows[i] = volume->rows;
        series->sums[i] += volume->township == VOLUME_NO_TOWNSHIP ? 0 : volume->rows;
    }
}

/* Whether these numbers of the series' batches are unusual; then notes it. */
static bool is_unusual(const struct series *series, const int64_t *rows, int64_t township,
                       struct volume_swing *swing)
{
    int64_t history[SWINGS_HISTORY_MOST], low, high;
    size_t count = 0;
    for (size_t i = 1; i < series->count; i++)
        if (series->counted[i])
            history[count++] = rows[i];
    if (!series->counted[0] || !swings_usual(history, count, series->times, &low, &high) ||
        (rows[0] >= low && rows[0] <= high))
        return false;
    *swing = (struct volume_swing){.source = series->batch->source,
                                   .batch_id = series->batch->batch_id,
                                   .township = township,
                                   .rows = rows[0],
                                   .low = low,
                                   .high = high,
                                   .batch = series->batch->name,
                                   .source_name = series->batch->source_name,
                                   .source_title = series->batch->source_title};
    return true;
}

static int order_swings(const void *left, const void *right)
{
    const struct volume_swing *a = left, *b = right;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->batch_id != b->batch_id)
        return a->batch_id < b->batch_id ? -1 : 1;
    return (a->township > b->township) - (a->township < b->township);
}

/* Asked only when something swings, which is seldom. */
static enum status mark_trusted(struct volume_swing *items, size_t count, struct pg *pg, struct arena *arena,
                                struct error *err)
{
    const int64_t *trusted = NULL;
    size_t trusted_count = 0;
    int64_t *ids = arena_array(arena, count, sizeof *ids);
    if (ids == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu swings", count);
    for (size_t i = 0; i < count; i++)
        ids[i] = items[i].batch_id;
    enum status status = trust_given(pg, ids, count, arena, &trusted, &trusted_count, err);
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < trusted_count; t++)
            items[i].trusted |= trusted[t] == items[i].batch_id;
    return status;
}

/* Volumes come by township, that of nobody first: then it is known which batches were counted. */
static enum status judge_volumes(struct swings *swings, struct series *series, size_t series_count,
                                 const struct volume *volumes, size_t count, struct pg *pg,
                                 struct arena *arena, struct error *err)
{
    size_t townships = 1;
    for (size_t v = 1; v < count; v++)
        townships += volumes[v].township != volumes[v - 1].township;
    struct volume_swing *items = arena_array(arena, series_count * (townships + 1), sizeof *items);
    if (items == NULL)
        return error_set(err, STATUS_FATAL, "no memory for the swings of %zu batches", series_count);
    for (size_t begin = 0, end; begin < count; begin = end) {
        int64_t township = volumes[begin].township;
        for (size_t s = 0; s < series_count; s++)
            for (size_t i = 0; i < SERIES_MOST; i++)
                series[s].rows[i] = 0;
        for (end = begin; end < count && volumes[end].township == township; end++)
            for (size_t s = 0; s < series_count; s++)
                take_rows(&series[s], &volumes[end]);
        for (size_t s = 0; s < series_count && township != VOLUME_NO_TOWNSHIP; s++)
            swings->count += is_unusual(&series[s], series[s].rows, township, &items[swings->count]);
    }
    for (size_t s = 0; s < series_count; s++)
        swings->count += is_unusual(&series[s], series[s].sums, VOLUME_NO_TOWNSHIP, &items[swings->count]);
    if (swings->count > 1)
        qsort(items, swings->count, sizeof *items, order_swings);
    swings->items = items;
    return swings->count == 0 ? STATUS_OK : mark_trusted(items, swings->count, pg, arena, err);
}

enum status swings_find(struct swings *swings, const struct policy *policy,
                        const struct batch_info *const *batches, size_t batch_count, struct pg *pg,
                        struct arena *arena, struct error *err)
{
    const struct volume *volumes = NULL;
    size_t most = JUDGED_MOST * policy_source_count(policy), count = 0, id_count = 0, volume_count = 0;
    *swings = (struct swings){0};
    struct series *series = arena_array(arena, most + 1, sizeof *series);
    int64_t *ids = arena_array(arena, (most + 1) * SERIES_MOST, sizeof *ids);
    if (series == NULL || ids == NULL)
        return error_set(err, STATUS_FATAL, "no memory for the history of %zu sources", most);
    for (size_t i = 0; i < policy_source_count(policy); i++)
        count += series_of(policy_source_at(policy, i), batches, batch_count, &series[count]);
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < series[s].count; i++)
            ids[id_count++] = series[s].ids[i];
    if (count == 0)
        return STATUS_OK;
    enum status status = volume_read(pg, ids, id_count, arena, &volumes, &volume_count, err);
    return status == STATUS_OK ? judge_volumes(swings, series, count, volumes, volume_count, pg, arena, err)
                               : status;
}

/* --- what it means ---------------------------------------------------------------------------------------------- */

static int order_withheld(const void *left, const void *right)
{
    const struct rules_withheld *a = left, *b = right;
    return (a->township > b->township) - (a->township < b->township);
}

enum status swings_withhold(const struct swings *swings, const struct policy *policy,
                            const struct pull_source_code *pairs, size_t pair_count, struct arena *arena,
                            struct rules *rules, struct error *err)
{
    struct rules_withheld *list = arena_array(arena, swings->count, sizeof *list);
    size_t count = 0;
    if (list == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu swings", swings->count);
    for (size_t i = 0; i < swings->count; i++) {
        const struct volume_swing *swing = &swings->items[i];
        if (swing->trusted)
            continue;
        uint64_t clauses = freshness_provided(policy, pairs, pair_count, swing->source);
        size_t at = 0;
        if (swing->township == VOLUME_NO_TOWNSHIP) {
            rules->withheld_everywhere |= clauses;
            continue;
        }
        while (at < count && list[at].township != swing->township)
            at++;
        if (at == count)
            list[count++] = (struct rules_withheld){.township = swing->township};
        list[at].clauses |= clauses;
    }
    if (count > 1)
        qsort(list, count, sizeof *list, order_withheld);
    rules->withheld = list;
    rules->withheld_count = count;
    return STATUS_OK;
}
