/* SPDX-License-Identifier: PostgreSQL */
#include "api/view.h"

#include "base/civil.h"

static const struct batch_info *find(const struct api_view *view, int source, bool accepted)
{
    if (!view->facts)
        return 0;
    for (size_t i = 0; i < view->facts->batch_count; i++)
        if (view->facts->batches[i].source == source && view->facts->batches[i].accepted == accepted)
            return &view->facts->batches[i];
    return 0;
}

const struct batch_info *api_view_accepted(const struct api_view *view, int source)
{
    return find(view, source, true);
}

const struct batch_info *api_view_refused(const struct api_view *view, int source)
{
    return find(view, source, false);
}

size_t api_view_unusable(const struct api_view *view, int source, const struct unusable **newest)
{
    size_t batches = 0;
    const struct unusable *last = NULL;
    for (size_t i = 0; view->facts && i < view->facts->unusable_count; i++) {
        const struct unusable *item = &view->facts->unusable[i];
        if (item->source != source || item->trusted)
            continue;
        last = item;
        batches++;
    }
    if (newest)
        *newest = last;
    return batches;
}

const struct volume_swinging *api_view_swinging(const struct api_view *view, int source)
{
    const struct api_counts *counts = view->facts ? view->facts->counts : 0;
    for (size_t i = 0; counts && i < counts->swinging_count; i++)
        if (counts->swinging[i].source == source)
            return &counts->swinging[i];
    return 0;
}

int64_t api_view_feed_age_days(const struct api_view *view, int source)
{
    const struct batch_info *batch = api_view_accepted(view, source);
    if (!batch)
        return -1;
    day_t end = batch->period_to != DAY_NONE ? batch_speaks_to(batch)
                                             : civil_shanghai_day(batch->received_at_ms / 1000);
    day_t today = civil_shanghai_day(view->now_unix_ms / 1000);
    return end < today ? today - end : 0;
}

bool api_view_has_endpoint(const struct api_view *view, int64_t township)
{
    for (size_t i = 0; i < view->endpoints_configured; i++)
        if (view->endpoints[i].code == township)
            return true;
    return false;
}

int64_t api_view_waiting(const struct listing_shape *shape)
{
    int64_t waiting = 0;
    for (int age = 0; age < LISTING_AGES; age++)
        waiting += shape->count[age];
    return waiting;
}

const struct transaction *api_view_old_transaction(const struct api_view *view)
{
    const struct transaction *oldest = view->facts ? view->facts->oldest : NULL;
    return oldest && oldest->age_ms >= TRANSACTION_OLD_MS ? oldest : NULL;
}
