/* SPDX-License-Identifier: PostgreSQL */
#include "delivery/overdue.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "delivery/statement.h"
#include "domain/person_name.h"
#include "domain/resident_id.h"
#include "io/pg.h"
#include "store/outbox.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { OVERDUE_LIMIT = 200 };

struct overdue {
    struct statements *statements;
    struct loop_timer *timer;
    struct overdue_terms terms;
    loop_fn *given_up;
    void *ctx;
    uint64_t count;
    int64_t wall_ahead_ms;
    int64_t leader;                           /* the leadership; 0 = we do not lead */
    char told[OVERDUE_LIMIT][UUID_TEXT_SIZE]; /* to the log, of those that were overdue at the last look */
    size_t told_count;
};

/* --- what the county is told ------------------------------------------------------------------------------------ */

/* Names and numbers that are masked already stay as they are. */
static bool mask_person(json_t *person)
{
    uint64_t packed;
    char id[RESIDENT_ID_TEXT_SIZE];
    json_t *name = json_object_get(person, "name"), *number = json_object_get(person, "id_number");
    bool masked = true;
    if (json_is_string(name)) {
        struct text mask;
        text_init(&mask);
        person_name_mask((struct slice){json_string_value(name), json_string_length(name)}, &mask);
        masked = !mask.failed && json_string_setn(name, mask.bytes ? mask.bytes : "", mask.length) == 0;
        text_fini(&mask);
    }
    struct slice digits = {json_string_value(number), json_string_length(number)};
    if (json_is_string(number) && resident_id_parse(digits, DAY_NONE, &packed) == RESIDENT_ID_OK)
        masked = masked && json_string_set(number, resident_id_mask(packed, id)) == 0;
    return masked;
}

/* A township may have been told names that the county's own receiver may not be told. */
static bool mask_event(json_t *data)
{
    size_t i;
    json_t *person;
    bool masked = true;
    json_object_del(data, "address");
    json_array_foreach(json_object_get(data, "persons"), i, person) masked = mask_person(person) && masked;
    return masked;
}

static bool retell(json_t *event, const struct outbox_overdue *overdue, const char *event_id, int64_t unix_ms)
{
    char time[CLOCK_RFC3339_SIZE];
    json_t *data = json_object_get(event, "data");
    json_t *undelivered =
        json_pack("{s:s, s:s%, s:o, s:i}", "id", overdue->event_id, "type", overdue->type.bytes,
                  overdue->type.length, "township_code", json_sprintf("%lld", (long long)overdue->township),
                  "attempts", (int)overdue->attempts);
    return json_object_set_new(data, "undelivered", undelivered) == 0 &&
           json_object_set_new(event, "id", json_string(event_id)) == 0 &&
           json_object_set_new(event, "type", json_string("cn.shouwang.warning.overdue")) == 0 &&
           json_object_set_new(event, "time", json_string(clock_rfc3339(unix_ms, time))) == 0;
}

enum status overdue_compose(const struct outbox_overdue *overdue, const char *event_id, int64_t unix_ms,
                            bool named, struct text *out, struct error *err)
{
    json_t *event = json_loadb(overdue->event.bytes, overdue->event.length, 0, NULL);
    if (!json_is_object(event) || !json_is_object(json_object_get(event, "data"))) {
        json_decref(event);
        return error_set(err, STATUS_REJECT, "outbox event %s is no JSON object with data",
                         overdue->event_id);
    }
    bool fit = named || mask_event(json_object_get(event, "data"));
    char *told = fit && retell(event, overdue, event_id, unix_ms) ? json_dumps(event, JSON_COMPACT) : NULL;
    json_decref(event);
    if (told != NULL)
        text_add_str(out, told);
    free(told);
    return told == NULL || out->failed ? error_set(err, STATUS_FATAL, "out of memory") : STATUS_OK;
}

/* --- giving up -------------------------------------------------------------------------------------------------- */

static void given_up(void *context, enum status status, int64_t affected, const struct error *err)
{
    struct overdue *overdue = context;
    KILL_POINT("overdue.given_up");
    if (status != STATUS_OK) {
        statement_failed(overdue->statements, err);
        return;
    }
    overdue->count += (uint64_t)affected;
    if (affected > 0)
        overdue->given_up(overdue->ctx);
}

/* The county's own events are told to nobody else, and a test that was not made is no news. */
static bool worth_telling(const struct overdue *overdue, const struct outbox_overdue *event)
{
    return overdue->terms.county_has_endpoint && event->township != overdue->terms.county_code &&
           event->household_id != 0;
}

static enum status give_up(struct overdue *overdue, const struct outbox_overdue *event, struct error *err)
{
    int64_t now_ms = clock_unix_ms();
    char event_id[UUID_TEXT_SIZE];
    struct text told;
    enum status status = STATUS_OK;
    text_init(&told);
    bool tell = worth_telling(overdue, event);
    if (tell)
        status = overdue_compose(event, uuid_v7(now_ms, event_id), now_ms,
                                 overdue->terms.county_may_know_names, &told, err);
    struct outbox_event instead = {
        .household_id = event->household_id,
        .event_id = event_id,
        .township = overdue->terms.county_code,
        .type = "warning.overdue",
        .priority = event->priority,
        .term_ms = overdue->terms.expiry_ms,
        .event = {told.bytes, told.length},
    };
    if (status == STATUS_OK)
        status = outbox_give_up_async(overdue->statements->pg, overdue->leader, event->household_id,
                                      event->event_id, tell ? &instead : NULL, STATEMENT_TIMEOUT_MS, given_up,
                                      overdue, err);
    text_fini(&told);
    return status;
}

static bool was_told(const struct overdue *overdue, const char *event_id)
{
    for (size_t i = 0; i < overdue->told_count; i++)
        if (strcmp(overdue->told[i], event_id) == 0)
            return true;
    return false;
}

/* Before they are given up, so that none is missing in the log if we are killed; but once, if that fails again and again. What
 * became of an endpoint test is known to whoever asked for it. */
static void tell(struct overdue *overdue, const struct outbox_overdue *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].household_id != 0 && !was_told(overdue, events[i].event_id))
            log_event(LOG_DELIVERY_EXPIRED, log_text("delivery", events[i].event_id),
                      log_int("township", events[i].township), log_int("attempts", events[i].attempts),
                      log_text("county", worth_telling(overdue, &events[i]) ? "told" : "not told"));
    overdue->told_count = count < OVERDUE_LIMIT ? count : OVERDUE_LIMIT;
    for (size_t i = 0; i < overdue->told_count; i++)
        memcpy(overdue->told[i], events[i].event_id, UUID_TEXT_SIZE);
}

static void known(void *context, enum status status, const struct outbox_overdue *events, size_t count,
                  const struct error *err)
{
    struct overdue *overdue = context;
    struct error problem;
    if (status != STATUS_OK)
        statement_failed(overdue->statements, err);
    else if (overdue->leader != 0)
        tell(overdue, events, count);
    for (size_t i = 0; i < count && overdue->leader != 0; i++) {
        KILL_POINT("overdue.before_giving_up");
        if (give_up(overdue, &events[i], &problem) != STATUS_OK)
            statement_failed(overdue->statements, &problem);
    }
}

static void look(void *ctx)
{
    struct overdue *overdue = ctx;
    struct error err;
    loop_timer_arm(overdue->timer, OVERDUE_EVERY_MS);
    if (overdue->leader != 0 && pg_async_is_up(overdue->statements->pg) &&
        outbox_overdue_async(overdue->statements->pg, OVERDUE_LIMIT,
                             clock_monotonic_ms() + overdue->wall_ahead_ms, STATEMENT_TIMEOUT_MS, known,
                             overdue, &err) != STATUS_OK)
        statement_failed(overdue->statements, &err);
}

enum status overdue_new(struct overdue **out, struct loop *loop, struct statements *statements,
                        const struct overdue_terms *terms, loop_fn *told, void *ctx, struct error *err)
{
    struct overdue *overdue = calloc(1, sizeof *overdue);
    if (overdue != NULL)
        overdue->timer = loop_timer_new(loop, look, overdue);
    if (overdue == NULL || overdue->timer == NULL) {
        free(overdue);
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    overdue->statements = statements;
    overdue->terms = *terms;
    overdue->given_up = told;
    overdue->ctx = ctx;
    loop_timer_arm(overdue->timer, OVERDUE_EVERY_MS);
    *out = overdue;
    return STATUS_OK;
}

void overdue_lead(struct overdue *overdue, int64_t leader)
{
    overdue->leader = leader;
    if (leader != 0)
        overdue_look(overdue);
}

void overdue_set_clock(struct overdue *overdue, int64_t wall_ahead_ms)
{
    overdue->wall_ahead_ms = wall_ahead_ms;
}

void overdue_configure(struct overdue *overdue, const struct overdue_terms *terms)
{
    overdue->terms = *terms;
}

void overdue_look(struct overdue *overdue)
{
    loop_timer_arm(overdue->timer, 0);
}

void overdue_free(struct overdue *overdue)
{
    if (overdue == NULL)
        return;
    loop_timer_free(overdue->timer);
    free(overdue);
}

uint64_t overdue_count(const struct overdue *overdue)
{
    return overdue->count;
}
