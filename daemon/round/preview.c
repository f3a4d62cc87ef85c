/* SPDX-License-Identifier: PostgreSQL */
#include "round/preview.h"

#include "round/compare.h"
#include "store/pull_detail.h"

#include <stdlib.h>
#include <string.h>

static int order_changes(const void *left, const void *right)
{
    const struct round_change *a = left, *b = right;
    return strcmp(a->household_no, b->household_no);
}

/* Of a household on the register the columns know number and township. */
static void name_registered(const struct load *load, uint32_t position, struct round_change *shown,
                            struct arena *arena)
{
    const struct pull_households *households = &load->households;
    uint32_t begin = households->number_begin[position], end = households->number_begin[position + 1];
    shown->household_no = arena_copy(arena, households->numbers.bytes + begin, end - begin);
    shown->township_code = households->township[position];
}

/* Of the others, which are few, the snapshot is asked. */
static enum status name_off_register(const struct load *load, const struct standing *standing,
                                     uint32_t position, struct round_change *shown, struct arena *arena,
                                     struct error *err)
{
    const struct pull_place *place;
    size_t found;
    int64_t household_id = standing->off_id[position - standing->register_count];
    enum status status = pull_places(load->first, &household_id, 1, arena, &place, &found, err);
    shown->household_no = status == STATUS_OK && found == 1 ? place->household_no : "";
    shown->township_code = status == STATUS_OK && found == 1 ? place->township : 0;
    return status;
}

enum status preview_changes(const struct load *load, const struct standing *standing,
                            const struct judge *judge, struct round_report *report, struct error *err)
{
    struct arena *arena = report->arena;
    enum status status = STATUS_OK;
    report->changes = arena_array(arena, judge->change_count, sizeof *report->changes);
    if (report->changes == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu changes", judge->change_count);
    for (size_t i = 0; i < judge->change_count && status == STATUS_OK; i++) {
        const struct judge_change *change = &judge->changes[i];
        struct round_change *shown = &report->changes[report->change_count];
        if (!change->now.notable)
            continue;
        shown->from = change->before;
        shown->to = change->now.level;
        shown->kind = compare_change_name(change->now.change);
        if (change->position < standing->register_count)
            name_registered(load, change->position, shown, arena);
        else
            status = name_off_register(load, standing, change->position, shown, arena, err);
        if (shown->household_no == NULL)
            return error_set(err, STATUS_FATAL, "no memory for %zu changes", judge->change_count);
        report->change_count++;
    }
    if (report->change_count > 1)
        qsort(report->changes, report->change_count, sizeof *report->changes, order_changes);
    return status;
}
