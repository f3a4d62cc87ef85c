/* SPDX-License-Identifier: PostgreSQL */
#include "store/listing.h"

#include "io/pg.h"
#include "store/fetch.h"
#include "store/vocabulary.h"

#include <stdlib.h>
#include <string.h>

/* --- warnings ----------------------------------------------------------------------------------------------- */

/* The household whose rows are being read: one row per finding, at least one per case. */
struct gathering {
    struct listing_household household;
    struct listing_finding *findings;
    size_t *rule_at; /* where each finding's rule stands in `words` */
    size_t capacity;
    size_t number_length;
    struct text words; /* household_no, then the rules */
    bool started;
};

static bool make_room(struct gathering *g)
{
    if (g->household.finding_count < g->capacity)
        return true;
    size_t capacity = g->capacity ? g->capacity * 2 : 64;
    struct listing_finding *findings = realloc(g->findings, capacity * sizeof *findings);
    if (findings)
        g->findings = findings;
    size_t *rule_at = realloc(g->rule_at, capacity * sizeof *rule_at);
    if (rule_at)
        g->rule_at = rule_at;
    if (!findings || !rule_at)
        return false;
    g->capacity = capacity;
    return true;
}

static enum status hand_over(struct gathering *g, listing_household_visit visit, void *context,
                             struct error *err)
{
    if (!g->started)
        return STATUS_OK;
    if (g->words.failed)
        return error_set(err, STATUS_FATAL, "no memory to list a household");
    for (size_t i = 0; i < g->household.finding_count; i++)
        g->findings[i].rule.bytes = g->words.bytes + g->rule_at[i];
    g->household.household_no = (struct slice){g->words.bytes, g->number_length};
    g->household.findings = g->findings;
    return visit(context, &g->household, err);
}

/* The columns of a household and its case, in the order of the statement. */
static void read_household(struct pg_row *row, struct listing_household *h, struct slice *number)
{
    enum case_state state = CASE_OPEN;
    *h = (struct listing_household){.level = LEVEL_NONE};
    pg_row_int64(row, &h->household_id);
    *number = pg_row_text(row);
    pg_row_int64(row, &h->township);
    pg_row_int64(row, &h->village);
    pg_row_uuid(row, h->warning_id);
    h->has_case = h->warning_id[0] != '\0';
    struct slice level = pg_row_text(row), word = pg_row_text(row);
    if (h->has_case) {
        h->level = vocabulary_level(level);
        case_state_parse(word, &state);
    }
    h->state = state;
    h->raised_on = pg_row_day(row);
    h->due_on = pg_row_day(row);
    h->closed_on = pg_row_day(row);
}

static void begin_household(struct gathering *g, const struct listing_household *household,
                            struct slice number)
{
    text_clear(&g->words);
    text_add(&g->words, number.bytes, number.length);
    g->number_length = number.length;
    g->household = *household;
    g->started = true;
}

static bool read_finding(struct pg_row *row, struct gathering *g)
{
    struct slice rule = pg_row_text(row), kind = pg_row_text(row), status = pg_row_text(row),
                 level = pg_row_text(row);
    day_t since_on = pg_row_day(row), stale_since = pg_row_day(row), clearing_since = pg_row_day(row);
    int counts[4]; /* rounds, needed, batches, needed */
    for (int i = 0; i < 4; i++) {
        int16_t count = 0;
        pg_row_int16(row, &count);
        counts[i] = count;
    }
    if (!rule.bytes)
        return true;
    if (!make_room(g))
        return false;
    size_t i = g->household.finding_count++;
    g->rule_at[i] = g->words.length;
    text_add(&g->words, rule.bytes, rule.length);
    g->findings[i] = (struct listing_finding){
        .rule = {NULL, rule.length},
        .kind = vocabulary_kind(kind),
        .undecided = slice_is(status, "undecided"),
        .level = vocabulary_level(level),
        .since_on = since_on,
        .stale_since = stale_since,
        .clearing_since = clearing_since,
        .rounds = counts[0],
        .rounds_needed = counts[1],
        .batches = counts[2],
        .batches_needed = counts[3],
    };
    return true;
}

static enum status gather_row(struct gathering *g, struct pg_row *row, listing_household_visit visit,
                              void *context, struct error *err)
{
    struct listing_household household;
    struct slice number;
    read_household(row, &household, &number);
    bool same = g->started && g->household.household_id == household.household_id &&
                strcmp(g->household.warning_id, household.warning_id) == 0;
    if (!same) {
        enum status status = hand_over(g, visit, context, err);
        if (status)
            return status;
        begin_household(g, &household, number);
    }
    return read_finding(row, g) ? STATUS_OK : error_set(err, STATUS_FATAL, "no memory to list a household");
}

/* COPY takes no parameters; what is put in here are numbers and our own words. */
static void compose_warnings(struct text *sql, const struct listing_filter *filter)
{
    bool closed = filter->by_state && filter->state == CASE_CLOSED;
    text_add_str(sql, "copy (with shown as (");
    if (closed)
        text_add_str(sql, "select household_id from warning where state = 'closed' group by household_id");
    else
        text_add_str(
            sql, "select household_id from warning where state <> 'closed' union"
                 " select household_id from finding where kind in ('check', 'tag') or status = 'undecided'");
    text_add_str(
        sql,
        ") select h.household_id, h.household_no, h.township_code, h.village_code, w.warning_id, w.level,"
        " w.state, w.raised_on, w.due_on, w.closed_on, f.rule, f.kind, f.status, f.level, f.since_on,"
        " f.stale_since, f.clearing_since, f.clearing_rounds, f.clearing_rounds_needed, f.clearing_batches,"
        " f.clearing_batches_needed from shown join household h using (household_id)"
        " left join warning w on w.household_id = h.household_id and w.state ");
    text_add_str(sql, closed ? "= 'closed'" : "<> 'closed'");
    text_add_str(sql, " left join finding f on f.household_id = h.household_id where true");
    if (filter->township)
        text_printf(sql, " and h.township_code = %lld", (long long)filter->township);
    if (filter->village)
        text_printf(sql, " and h.village_code = %lld", (long long)filter->village);
    if (filter->by_level && filter->level == LEVEL_NONE)
        text_add_str(sql, " and w.level is null");
    else if (filter->by_level)
        text_printf(sql, " and w.level = '%s'", vocabulary_levels[filter->level]);
    if (filter->by_state)
        text_printf(sql, " and w.state = '%s'", case_state_name(filter->state));
    text_add_str(sql,
                 " order by h.household_no collate \"C\", w.raised_on, w.warning_id, f.rule collate \"C\")"
                 " to stdout (format binary)");
}

static enum status run_warnings(struct pg *pg, const char *sql, struct gathering *g,
                                listing_household_visit visit, void *context, struct error *err)
{
    struct pg_copy_out *copy;
    enum status status = pg_copy_out_begin(pg, sql, &copy, err);
    if (status)
        return status;
    struct pg_row *row;
    while (!status && (row = pg_copy_out_next(copy)))
        status = gather_row(g, row, visit, context, err);
    struct error end;
    enum status ended = pg_copy_out_end(copy, &end);
    if (status)
        return status;
    if (ended) {
        *err = end;
        return ended;
    }
    return hand_over(g, visit, context, err);
}

enum status listing_warnings(struct pg *pg, const struct listing_filter *filter,
                             listing_household_visit visit, void *context, struct error *err)
{
    struct gathering gathering = {0};
    struct text sql;
    text_init(&sql);
    compose_warnings(&sql, filter);
    enum status status = sql.failed ? error_set(err, STATUS_FATAL, "no memory for a statement")
                                    : run_warnings(pg, sql.bytes, &gathering, visit, context, err);
    text_fini(&sql);
    text_fini(&gathering.words);
    free(gathering.findings);
    free(gathering.rule_at);
    return status;
}

/* --- leads -------------------------------------------------------------------------------------------------- */

static const char leads_sql[] =
    "with gone as ("
    "  select p.person_id, p.name, (select i.id_packed from person_identity i where i.person_id ="
    " p.person_id limit 1) as id"
    "  from person p where not exists (select from membership m where m.person_id = p.person_id and"
    " m.valid_to is null)),"
    " spoken as ("
    "  select id_packed as id, name, source, code, false as was_member from stranger_fact"
    "  union all"
    "  select g.id, g.name, f.source, f.code, true from gone g join person_fact f using (person_id) where"
    " f.source <> 0)"
    " select coalesce(id, 0), max(spoken.name), string_agg(distinct s.name collate \"C\", ','),"
    "        string_agg(distinct c.name collate \"C\", ','), count(*), bool_or(was_member), count(*) over ()"
    " from spoken join source s using (source) join fact_code c using (code)"
    " group by id, case when id is null then spoken.name end order by id nulls last limit nullif($1, 0)";

enum status listing_leads(struct pg *pg, int64_t limit, listing_lead_visit visit, void *context,
                          int64_t *total, struct error *err)
{
    struct pg_result *result;
    *total = 0;
    enum status status = pg_query(pg, leads_sql, pg_params(pg_of_int64(limit)), &result, err);
    for (size_t i = 0; !status && i < pg_result_rows(result); i++) {
        *total = pg_get_int64(result, i, 6);
        status = visit(context,
                       &(struct listing_lead){
                           .id_packed = (uint64_t)pg_get_int64(result, i, 0),
                           .name = pg_get_text(result, i, 1),
                           .sources = pg_get_text(result, i, 2),
                           .codes = pg_get_text(result, i, 3),
                           .fact_count = pg_get_int64(result, i, 4),
                           .was_on_register = pg_get_bool(result, i, 5),
                       },
                       err);
    }
    pg_result_free(result);
    return status;
}

/* --- counts ------------------------------------------------------------------------------------------------- */

static const char levels_sql[] =
    "with cases as (select h.township_code, w.level from warning w join household h using (household_id)"
    "               where w.state <> 'closed'"
    "   union all select h.township_code, 'none' from household h where h.household_id in"
    "     (select household_id from finding where kind in ('check', 'tag') or status = 'undecided')"
    "     and not exists (select from warning w where w.household_id = h.household_id and w.state <>"
    " 'closed'))"
    " select township_code, count(*) filter (where level = 'none'), count(*) filter (where level = 'verify'),"
    "        count(*) filter (where level = 'yellow'), count(*) filter (where level = 'orange'),"
    "        count(*) filter (where level = 'red')"
    " from cases group by township_code order by township_code";

enum status listing_levels(struct pg *pg, struct arena *arena, const struct listing_township_level **levels,
                           size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(&fetch, pg, levels_sql, pg_params(), arena, err);
    struct listing_township_level *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++) {
        items[fetch.row].township = pg_get_int64(fetch.result, fetch.row, 0);
        for (int level = 0; level < VOCABULARY_LEVELS; level++)
            items[fetch.row].count[level] = pg_get_int64(fetch.result, fetch.row, 1 + level);
    }
    *levels = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

enum status listing_register(struct pg *pg, struct listing_register *counts, struct error *err)
{
    struct pg_result *r;
    enum status status = pg_query(pg,
                                  "select (select count(*) from household where valid_to is null),"
                                  "       (select count(*) from membership where valid_to is null)",
                                  pg_params(), &r, err);
    if (status)
        return status;
    *counts = (struct listing_register){pg_get_int64(r, 0, 0), pg_get_int64(r, 0, 1)};
    pg_result_free(r);
    return STATUS_OK;
}

static const char status_sql[] =
    "with last as (select round_id, as_of from round where state = 'committed' order by round_id desc limit 1)"
    " select coalesce((select max(batch_id) from batch where source = 0 and status = 'accepted'), 0),"
    "        (select count(*) from round where state = 'held' and accepted_by is null"
    "           and round_id > coalesce((select round_id from last), 0)),"
    "        (select round_id from last), (select as_of from last),"
    "        coalesce((select max(round_id) from round where state in ('committed', 'held')), 0)";

static void sum_queue(const struct listing_shape *shapes, size_t count, struct listing_status *status)
{
    for (size_t i = 0; i < count; i++) {
        status->queue_waiting += shapes[i].queued;
        status->queue_in_flight += shapes[i].in_flight;
        status->queue_failed += shapes[i].failed;
        status->queue_held += shapes[i].held;
        status->queue_expired += shapes[i].expired;
        if (shapes[i].oldest_ms > status->queue_oldest_ms)
            status->queue_oldest_ms = shapes[i].oldest_ms;
    }
}

enum status listing_status(struct pg *pg, const struct listing_shape *shapes, size_t count,
                           struct listing_status *status, struct error *err)
{
    struct pg_result *r;
    enum status result = pg_query(pg, status_sql, pg_params(), &r, err);
    if (result)
        return result;
    *status = (struct listing_status){
        .last_import = pg_get_int64(r, 0, 0),
        .rounds_held = pg_get_int64(r, 0, 1),
        .last_round = pg_get_int64(r, 0, 2),
        .last_as_of = pg_get_day(r, 0, 3),
        .last_judged = pg_get_int64(r, 0, 4),
    };
    pg_result_free(r);
    sum_queue(shapes, count, status);
    return STATUS_OK;
}

enum status listing_held(struct pg *pg, struct arena *arena, const int64_t **townships, size_t *count,
                         struct error *err)
{
    return fetch_int64s(pg, "select township_code from endpoint where state = 'held' order by 1", pg_params(),
                        arena, townships, count, err);
}

/* --- queue -------------------------------------------------------------------------------------------------- */

static const char queue_sql[] =
    "select d.event_id, d.household_id, coalesce(h.household_no, ''), d.township_code, o.type, d.state,"
    " d.priority,"
    "       d.attempts, o.created_at, d.next_attempt_at, d.expires_at, d.lease_until, d.sequence,"
    " d.last_status,"
    "       coalesce(d.last_error, '')"
    " from delivery d join outbox o using (household_id, event_id) left join household h using (household_id)"
    " where ($1 = 0 or d.township_code = $1)"
    "   and case when $2 = '' then d.state in ('queued', 'in_flight', 'held', 'failed', 'expired')"
    "            else d.state = $2 end"
    " order by d.outbox_no limit nullif($3, 0)";

enum status listing_queue(struct pg *pg, int64_t township, const char *state, int64_t limit,
                          listing_delivery_visit visit, void *context, struct error *err)
{
    struct pg_result *r;
    enum status status = pg_query(
        pg, queue_sql, pg_params(pg_of_int64(township), pg_of_text(state ? state : ""), pg_of_int64(limit)),
        &r, err);
    for (size_t i = 0; !status && i < pg_result_rows(r); i++) {
        struct listing_delivery delivery = {
            .household_id = pg_get_int64(r, i, 1),
            .household_no = pg_get_text(r, i, 2),
            .township = pg_get_int64(r, i, 3),
            .type = pg_get_text(r, i, 4),
            .state = pg_get_text(r, i, 5),
            .priority = pg_get_int16(r, i, 6),
            .attempts = pg_get_int32(r, i, 7),
            .created_ms = pg_get_unix_ms(r, i, 8),
            .next_attempt_ms = pg_get_unix_ms(r, i, 9),
            .expires_ms = pg_get_unix_ms(r, i, 10),
            .lease_until_ms = pg_get_unix_ms(r, i, 11),
            .sequence = pg_get_int64(r, i, 12),
            .http_status = pg_get_int32(r, i, 13),
            .last_error = pg_get_text(r, i, 14),
        };
        pg_get_uuid(r, i, 0, delivery.event_id);
        status = visit(context, &delivery, err);
    }
    pg_result_free(r);
    return status;
}

const int64_t listing_age_limits_s[LISTING_AGES - 1] = {60, 600, 3600, 21600, 86400};

/*
 * What is not delivered: by two indexes that hold nothing else, for what was delivered stays in the table for ever. The daemon asks
 * every few seconds, however long the queue is: so each row costs one look at its group, and the rest is done with
 * the groups. Classes by number: width_bucket counts the limits, as points of time from the earliest on, that an
 * event is not older than.
 */
static const char shape_sql[] =
    "with undelivered as (select township_code, state, created_at from delivery where finished_at is null"
    "   union all select township_code, state, created_at from delivery where given_up),"
    " counted as (select township_code, state, count(*) as n, min(created_at) as oldest,"
    "     width_bucket(created_at, (select array_agg(clock_timestamp() - s * interval '1 second' order by s desc)"
    "       from unnest($1) as s)) as younger"
    "   from undelivered group by township_code, state, younger),"
    " classed as (select township_code, state, n,"
    "     case when state in ('queued', 'in_flight') then cardinality($1) - younger end as class,"
    "     case when state in ('queued', 'in_flight') then oldest end as oldest from counted)"
    " select township_code,"
    "   coalesce(sum(n) filter (where class = 0), 0)::bigint, coalesce(sum(n) filter (where class = 1), 0)::bigint,"
    "   coalesce(sum(n) filter (where class = 2), 0)::bigint, coalesce(sum(n) filter (where class = 3), 0)::bigint,"
    "   coalesce(sum(n) filter (where class = 4), 0)::bigint, coalesce(sum(n) filter (where class = 5), 0)::bigint,"
    "   coalesce(sum(n) filter (where state = 'queued'), 0)::bigint,"
    "   coalesce(sum(n) filter (where state = 'in_flight'), 0)::bigint,"
    "   coalesce(sum(n) filter (where state = 'failed'), 0)::bigint,"
    "   coalesce(sum(n) filter (where state = 'held'), 0)::bigint,"
    "   coalesce(sum(n) filter (where state = 'expired'), 0)::bigint,"
    "   coalesce((extract(epoch from clock_timestamp() - min(oldest)) * 1000)::bigint, 0)"
    " from classed group by township_code order by township_code";

enum status listing_queue_shape(struct pg *pg, struct arena *arena, const struct listing_shape **shapes,
                                size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status =
        fetch_query(&fetch, pg, shape_sql,
                    pg_params(pg_of_int64_array(listing_age_limits_s, LISTING_AGES - 1)), arena, err);
    struct listing_shape *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++) {
        struct listing_shape *shape = &items[fetch.row];
        shape->township = pg_get_int64(fetch.result, fetch.row, 0);
        for (int age = 0; age < LISTING_AGES; age++)
            shape->count[age] = pg_get_int64(fetch.result, fetch.row, 1 + age);
        shape->queued = pg_get_int64(fetch.result, fetch.row, 1 + LISTING_AGES);
        shape->in_flight = pg_get_int64(fetch.result, fetch.row, 2 + LISTING_AGES);
        shape->failed = pg_get_int64(fetch.result, fetch.row, 3 + LISTING_AGES);
        shape->held = pg_get_int64(fetch.result, fetch.row, 4 + LISTING_AGES);
        shape->expired = pg_get_int64(fetch.result, fetch.row, 5 + LISTING_AGES);
        shape->oldest_ms = pg_get_int64(fetch.result, fetch.row, 6 + LISTING_AGES);
    }
    *shapes = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}
