/* SPDX-License-Identifier: PostgreSQL */
#include "store/fact_writer.h"
#include "store/sender.h"

#include <stdlib.h>

enum { TIDS_AT_ONCE = 5000 };

/* --- ties --------------------------------------------------------------------------------------------------- */

static int compare_ties(const void *a, const void *b)
{
    const struct tie *one = a, *other = b;
    if (one->plain.high != other->plain.high)
        return one->plain.high < other->plain.high ? -1 : 1;
    if (one->plain.tag != other->plain.tag)
        return one->plain.tag < other->plain.tag ? -1 : 1;
    return one->line < other->line ? -1 : one->line > other->line;
}

/* Whether two live facts that the batch repeats stand in its order. */
static bool in_order(const struct fact_live *a, const struct fact_live *b)
{
    bool before = a->batch != b->batch ? a->batch < b->batch : a->row_no < b->row_no;
    return (a->line < b->line) == before;
}

static struct fact_live *kept_live(struct fact_writer *writer, size_t entry)
{
    struct fact_live *live = entry < writer->index.live_count ? &writer->index.live[entry] : NULL;
    return live && (live->fate == FATE_KEPT || live->fate == FATE_RENUMBERED) ? live : NULL;
}

/* The group of ties[0..count), in the order of lines, and the fact without a number. When all are where they were, in the
 * order of this batch, nothing needs to be done. */
static bool group_stands(struct fact_writer *writer, const struct tie *ties, size_t count, size_t plain)
{
    const struct fact_live *without = plain == FACT_INDEX_NONE ? NULL : kept_live(writer, plain);
    if (plain != FACT_INDEX_NONE && !without)
        return false;
    const struct fact_live *before = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct fact_live *live = kept_live(writer, ties[i].entry);
        if (!live || (before && !in_order(before, live)) || (without && !in_order(without, live)))
            return false;
        before = live;
    }
    return true;
}

static void settle_group(struct fact_writer *writer, const struct tie *ties, size_t count)
{
    size_t plain = fact_index_find(&writer->index, ties[0].plain);
    if (plain < writer->index.live_count && writer->index.live[plain].fate == FATE_UNSTATED)
        plain = FACT_INDEX_NONE;
    if ((count == 1 && plain == FACT_INDEX_NONE) || group_stands(writer, ties, count, plain))
        return;
    for (size_t i = 0; i <= count; i++) {
        size_t entry = i < count ? ties[i].entry : plain;
        struct fact_live *live = entry == FACT_INDEX_NONE ? NULL : kept_live(writer, entry);
        if (live)
            live->fate = FATE_RENUMBERED;
    }
}

static void settle_ties(struct fact_writer *writer)
{
    if (writer->tie_count == 0)
        return;
    qsort(writer->ties, writer->tie_count, sizeof *writer->ties, compare_ties);
    for (size_t begin = 0, end; begin < writer->tie_count; begin = end) {
        const struct tie *first = &writer->ties[begin];
        for (end = begin + 1; end < writer->tie_count; end++)
            if (writer->ties[end].plain.high != first->plain.high ||
                writer->ties[end].plain.tag != first->plain.tag)
                break;
        settle_group(writer, first, end - begin);
    }
}

/* --- sparing --------------------------------------------------------------------------------------------------- */

/* Where a live fact lies: its part and its ctid. */
struct lying {
    uint32_t part, block;
    uint16_t offset;
};

struct lying_list {
    struct lying *items;
    size_t count;
};

static int compare_lying(const void *a, const void *b)
{
    const struct lying *one = a, *other = b;
    if (one->part != other->part)
        return one->part < other->part ? -1 : 1;
    if (one->block != other->block)
        return one->block < other->block ? -1 : 1;
    return one->offset < other->offset ? -1 : one->offset > other->offset;
}

static enum status add_lying(struct lying_list *list, uint32_t part, const struct pg_result *result,
                             struct error *err)
{
    size_t rows = pg_result_rows(result);
    struct lying *grown = realloc(list->items, (list->count + rows + 1) * sizeof *grown);
    if (!grown)
        return fact_writer_no_memory(err);
    list->items = grown;
    for (size_t i = 0; i < rows; i++) {
        struct lying *lying = &grown[list->count++];
        lying->part = part;
        pg_get_tid(result, i, 0, &lying->block, &lying->offset);
    }
    return STATUS_OK;
}

/* Those of whom a row of this part's code may have been refused; returns how many. */
static size_t spared_of(const struct fact_writer *writer, const struct part *part, size_t *from,
                        int64_t ids[TIDS_AT_ONCE])
{
    size_t count = 0;
    for (; *from < writer->spared_count && count < TIDS_AT_ONCE; ++*from) {
        const struct spared *spared = &writer->spared[*from];
        if (spared->subject == part->subject &&
            (spared->code == 0 || part->code == 0 || spared->code == part->code))
            ids[count++] = spared->id;
    }
    return count;
}

static enum status find_spared(struct fact_writer *writer, uint32_t part_at, int64_t ids[TIDS_AT_ONCE],
                               struct lying_list *list, struct error *err)
{
    const struct part *part = &writer->parts[part_at];
    struct text sql;
    text_init(&sql);
    text_add_str(&sql, "select ctid from ");
    fact_writer_table(&sql, part);
    text_printf(&sql, " where source = %d and %s = any($1)", writer->plan.source,
                fact_tables[part->subject].key);
    enum status status = sql.failed ? fact_writer_no_memory(err) : STATUS_OK;
    for (size_t from = 0, count; !status && (count = spared_of(writer, part, &from, ids)) > 0;) {
        struct pg_result *result;
        status = pg_query(writer->pg, sql.bytes, pg_params(pg_of_int64_array(ids, count)), &result, err);
        if (!status)
            status = add_lying(list, part_at, result, err);
        pg_result_free(result);
    }
    text_fini(&sql);
    return status;
}

static int64_t mark_spared(struct fact_writer *writer, struct lying_list *list)
{
    int64_t marked = 0;
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare_lying);
    for (size_t i = 0; list->count > 0 && i < writer->index.live_count; i++) {
        struct fact_live *live = &writer->index.live[i];
        const struct lying here = {live->part, live->block, live->offset};
        if (live->fate != FATE_UNSTATED ||
            !bsearch(&here, list->items, list->count, sizeof *list->items, compare_lying))
            continue;
        live->fate = FATE_SPARED;
        marked++;
    }
    return marked;
}

static int64_t spare_later(struct fact_writer *writer)
{
    int64_t count = 0;
    for (size_t i = 0; writer->later_count > 0 && i < writer->index.live_count; i++) {
        struct fact_live *live = &writer->index.live[i];
        if (live->fate != FATE_UNSTATED || !fact_writer_is_of_later(writer, live))
            continue;
        live->fate = FATE_SPARED;
        count++;
    }
    return count;
}

static enum status spare(struct fact_writer *writer, int64_t *count, struct error *err)
{
    *count = spare_later(writer);
    if (writer->spared_count == 0)
        return STATUS_OK;
    struct lying_list list = {NULL, 0};
    int64_t *ids = malloc(TIDS_AT_ONCE * sizeof *ids);
    enum status status = ids ? STATUS_OK : fact_writer_no_memory(err);
    for (size_t i = 0; i < writer->part_count && !status; i++)
        status = find_spared(writer, (uint32_t)i, ids, &list, err);
    if (!status)
        *count += mark_spared(writer, &list);
    free(list.items);
    free(ids);
    return status ? error_wrap(err, "sparing facts of refused rows") : STATUS_OK;
}

/* --- superseding -------------------------------------------------------------------------------------------- */

/* A statement over live facts by where they lie, some thousands at a time. */
struct deed {
    unsigned fates; /* a bit per fate */
    void (*compose)(const struct fact_writer *writer, const struct part *part, struct text *sql);
    bool numbers; /* $3 is their lines */
};

/* Moves to history, which says for ever what was known when. */
static void compose_ending(const struct fact_writer *writer, const struct part *part, struct text *sql)
{
    (void)writer;
    text_add_str(sql, "with gone as (delete from ");
    fact_writer_table(sql, part);
    text_printf(sql, " f where f.ctid = any($2::text::tid[]) returning f.*) insert into %s_history (",
                fact_tables[part->subject].table);
    fact_writer_columns(sql, part->subject);
    text_add_str(sql, ", ended_by) select ");
    fact_writer_columns(sql, part->subject);
    text_add_str(sql, ", $1 from gone");
}

/* Of a scope: what goes to history is at hand, and copying it there costs half of what it costs the server to move it. */
static void compose_removal(const struct fact_writer *writer, const struct part *part, struct text *sql)
{
    (void)writer;
    text_add_str(sql, "delete from ");
    fact_writer_table(sql, part);
    text_add_str(sql, " f where f.ctid = any($2::text::tid[])");
}

static void compose_renumbering(const struct fact_writer *writer, const struct part *part, struct text *sql)
{
    (void)writer;
    text_printf(sql, "with before as (insert into %s_history (", fact_tables[part->subject].table);
    fact_writer_columns(sql, part->subject);
    text_add_str(sql, ", ended_by) select ");
    fact_writer_columns(sql, part->subject);
    text_add_str(sql, ", $1 from ");
    fact_writer_table(sql, part);
    text_add_str(sql, " f where f.ctid = any($2::text::tid[])) update ");
    fact_writer_table(sql, part);
    text_add_str(sql, " f set batch_id = $1, row_no = n.line from unnest($2::text::tid[], $3::integer[])"
                      " n (place, line) where f.ctid = n.place");
}

static const struct deed endings = {1U << FATE_UNSTATED | 1U << FATE_CHANGED, compose_ending, false},
                         supersessions = {1U << FATE_CHANGED | 1U << FATE_RESTATED, compose_ending, false},
                         removals = {1U << FATE_CHANGED | 1U << FATE_RESTATED, compose_removal, false},
                         renumberings = {1U << FATE_RENUMBERED, compose_renumbering, true};

struct places {
    size_t count;
    struct text tids;
    int32_t lines[TIDS_AT_ONCE];
};

static enum status do_deed(struct fact_writer *writer, const struct deed *deed, const struct part *part,
                           struct places *places, struct error *err)
{
    struct text sql;
    int64_t touched;
    text_init(&sql);
    deed->compose(writer, part, &sql);
    text_add_char(&places->tids, '}');
    enum status status =
        sql.failed || places->tids.failed
            ? fact_writer_no_memory(err)
            : pg_update(writer->pg, sql.bytes,
                        deed->numbers
                            ? pg_params(pg_of_int64(writer->plan.batch_id), pg_of_text(places->tids.bytes),
                                        pg_of_int32_array(places->lines, places->count))
                            : pg_params(pg_of_int64(writer->plan.batch_id), pg_of_text(places->tids.bytes)),
                        &touched, err);
    text_fini(&sql);
    if (status)
        return error_wrap(err, "superseding facts in %s", fact_tables[part->subject].table);
    if (touched != (int64_t)places->count)
        return error_set(err, STATUS_FATAL,
                         "superseding facts in %s: found %lld rows, expected %zu where they were read",
                         fact_tables[part->subject].table, (long long)touched, places->count);
    places->count = 0;
    text_clear(&places->tids);
    return STATUS_OK;
}

/* Live facts lie table by table. *count grows by those that were met. */
static enum status run_deed(struct fact_writer *writer, const struct deed *deed, int64_t *count,
                            struct error *err)
{
    struct places *places = calloc(1, sizeof *places);
    if (!places)
        return fact_writer_no_memory(err);
    enum status status = STATUS_OK;
    const struct fact_live *live = writer->index.live, *end = live + writer->index.live_count;
    uint32_t part = 0;
    for (; live < end && !status; live++) {
        if (!(deed->fates >> live->fate & 1))
            continue;
        if (places->count > 0 && (live->part != part || places->count == TIDS_AT_ONCE))
            status = do_deed(writer, deed, &writer->parts[part], places, err);
        part = live->part;
        text_printf(&places->tids, "%s\"(%lu,%u)\"", places->count ? "," : "{", (unsigned long)live->block,
                    live->offset);
        places->lines[places->count++] = (int32_t)live->line;
        ++*count;
    }
    if (!status && places->count > 0)
        status = do_deed(writer, deed, &writer->parts[part], places, err);
    text_fini(&places->tids);
    free(places);
    return status;
}

static int64_t count_registered(const struct fact_writer *writer, unsigned fates)
{
    int64_t count = 0;
    for (size_t i = 0; i < writer->index.live_count; i++) {
        const struct fact_live *live = &writer->index.live[i];
        count += (fates >> live->fate & 1) && writer->parts[live->part].subject != FACT_STRANGER;
    }
    return count;
}

/* Of what was live, that which was removed. */
static enum status copy_to_history(struct fact_writer *writer, struct error *err)
{
    size_t met[SUBJECTS] = {0}, kept[SUBJECTS] = {0};
    for (size_t i = 0; i < writer->index.live_count; i++) {
        const struct fact_live *live = &writer->index.live[i];
        enum fact_subject subject = writer->parts[live->part].subject;
        struct row_key *keys = writer->past[subject].keys;
        if (removals.fates >> live->fate & 1)
            keys[kept[subject]++] = keys[met[subject]];
        met[subject]++;
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; i < SUBJECTS && !status; i++) {
        writer->past[i].count = kept[i];
        if (kept[i] > 0)
            status = fact_writer_send(writer, &writer->past[i], err);
    }
    return status ? status : sender_wait(writer->sender, err);
}

enum status fact_writer_supersede(struct fact_writer *writer, struct fact_counts *counts, struct error *err)
{
    counts->repeated = writer->kept + writer->restated;
    if (writer->plan.mode == BATCH_DELTA) {
        enum status status =
            run_deed(writer, writer->scoped ? &removals : &supersessions, &counts->ended, err);
        counts->ended -= writer->restated;
        return status || !writer->scoped ? status : copy_to_history(writer, err);
    }
    enum status status = spare(writer, &counts->spared, err);
    if (status)
        return status;
    settle_ties(writer);
    counts->ended_registered = count_registered(writer, endings.fates);
    int64_t ignored = 0;
    status = run_deed(writer, &endings, &counts->ended, err);
    return status ? status : run_deed(writer, &renumberings, &ignored, err);
}
