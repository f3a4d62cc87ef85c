/* SPDX-License-Identifier: PostgreSQL */
#include "round/preview.h"

#include "round/compare.h"
#include "round/gather.h"
#include "store/pull_detail.h"

#include <stdlib.h>
#include <string.h>

static int order_changes(const void *left, const void *right)
{
    const struct round_change *a = left, *b = right;
    return strcmp(a->household_no, b->household_no);
}

/* So many households are asked for at once. */
enum { PREVIEW_CHUNK = 16384 };

static int order_id(const void *key, const void *element)
{
    const int64_t *id = key;
    const struct pull_place *place = element;
    return *id < place->household_id ? -1 : *id > place->household_id;
}

static struct round_change shown_change(const struct judge_change *change, const struct pull_place *place)
{
    return (struct round_change){
        .household_no = place == NULL ? "" : place->household_no,
        .township_code = place == NULL ? 0 : place->township,
        .from = change->before,
        .to = change->now.level,
        .kind = compare_change_name(change->now.change),
    };
}

/* The notable ones of some changes; their places are looked up in the snapshot, by all their numbers together. */
static enum status preview_chunk(const struct load *load, const struct standing *standing,
                                 const struct judge_change *changes, size_t count,
                                 struct round_report *report, struct error *err)
{
    const struct pull_place *places;
    size_t asked = 0, found;
    int64_t *ids = arena_array(report->arena, count, sizeof *ids);
    if (ids == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu changes", count);
    for (size_t i = 0; i < count; i++)
        if (changes[i].now.notable)
            ids[asked++] = gather_household_id(load, standing, changes[i].position);
    if (asked == 0)
        return STATUS_OK;
    enum status status = pull_places(load->first, ids, asked, report->arena, &places, &found, err);
    for (size_t i = 0, at = 0; i < count && status == STATUS_OK; i++)
        if (changes[i].now.notable)
            report->changes[report->change_count++] =
                shown_change(&changes[i], bsearch(&ids[at++], places, found, sizeof *places, order_id));
    return status;
}

enum status preview_changes(const struct load *load, const struct standing *standing,
                            const struct judge *judge, struct round_report *report, struct error *err)
{
    enum status status = STATUS_OK;
    report->changes = arena_array(report->arena, judge->change_count, sizeof *report->changes);
    if (report->changes == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu changes", judge->change_count);
    for (size_t at = 0; at < judge->change_count && status == STATUS_OK; at += PREVIEW_CHUNK) {
        size_t count = judge->change_count - at < PREVIEW_CHUNK ? judge->change_count - at : PREVIEW_CHUNK;
        status = preview_chunk(load, standing, judge->changes + at, count, report, err);
    }
    if (report->change_count > 1)
        qsort(report->changes, report->change_count, sizeof *report->changes, order_changes);
    return status;
}
