/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "courier.h"

#include "base/arena.h"
#include "base/clock.h"
#include "io/loop.h"
#include "io/pg.h"
#include "store_fixture.h"

#include <stdlib.h>
#include <string.h>

struct courier {
    struct loop *loop;
    struct pg_async *async;
    bool answered;
    enum status status;
    struct error err;
    int64_t affected;
    struct arena *arena; /* the claims' */
    struct outbox_claim *claims;
    size_t claim_count;
};

static void turn_once(struct courier *courier, int64_t until_ms)
{
    struct error own;
    ck_assert_msg(clock_monotonic_ms() < until_ms, "the database did not answer");
    ck_assert_int_eq(loop_turn(courier->loop, 50, &own), STATUS_OK);
}

struct courier *courier_new(const char *user)
{
    char conninfo[512];
    struct error own;
    struct courier *courier = calloc(1, sizeof *courier);
    const int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    ck_assert_int_eq(loop_new(&courier->loop, &own), STATUS_OK);
    ck_assert_int_eq(pg_async_new(courier->loop, fixture_conninfo(user, conninfo), "courier", NULL, NULL,
                                  &courier->async, &own),
                     STATUS_OK);
    while (!pg_async_is_up(courier->async))
        turn_once(courier, until_ms);
    return courier;
}

void courier_free(struct courier *courier)
{
    pg_async_free(courier->async);
    loop_free(courier->loop);
    free(courier);
}

static void note_answer(struct courier *courier, enum status status, const struct error *why)
{
    courier->answered = true;
    courier->status = status;
    if (status != STATUS_OK)
        courier->err = *why;
}

static void on_recorded(void *context, enum status status, int64_t affected, const struct error *why)
{
    struct courier *courier = context;
    courier->affected = affected;
    note_answer(courier, status, why);
}

static struct slice kept(struct arena *arena, struct slice text)
{
    return (struct slice){arena_copy(arena, text.bytes, text.length), text.length};
}

static void on_claimed(void *context, enum status status, const struct outbox_claim *claims, size_t count,
                       const struct error *why)
{
    struct courier *courier = context;
    courier->claim_count = count;
    courier->claims = arena_array(courier->arena, count + 1, sizeof *courier->claims);
    for (size_t i = 0; i < count; i++) {
        courier->claims[i] = claims[i];
        courier->claims[i].type = kept(courier->arena, claims[i].type);
        courier->claims[i].event = kept(courier->arena, claims[i].event);
    }
    note_answer(courier, status, why);
}

/* submitted: what the submission said; then the answer's status. */
static enum status answer_of(struct courier *courier, enum status submitted, struct error *failure)
{
    const int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    if (submitted != STATUS_OK)
        return submitted;
    for (courier->answered = false; !courier->answered;)
        turn_once(courier, until_ms);
    if (courier->status != STATUS_OK)
        *failure = courier->err;
    return courier->status;
}

enum status courier_claim(struct courier *courier, const struct outbox_ask *asks, size_t ask_count,
                          int64_t lease_ms, struct arena *arena, const struct outbox_claim **claims,
                          size_t *count, struct error *failure)
{
    courier->arena = arena;
    courier->claims = NULL;
    courier->claim_count = 0;
    const enum status status =
        answer_of(courier,
                  outbox_claim_async(courier->async, 0, asks, ask_count, lease_ms, INT64_MAX, PATIENCE_MS,
                                     on_claimed, courier, failure),
                  failure);
    *claims = courier->claims;
    *count = courier->claim_count;
    return status;
}

enum status courier_record(struct courier *courier, const struct outbox_result *results, size_t count,
                           int64_t *affected, struct error *failure)
{
    const enum status status = answer_of(
        courier,
        outbox_record_async(courier->async, 0, results, count, PATIENCE_MS, on_recorded, courier, failure),
        failure);
    *affected = courier->affected;
    return status;
}

enum status courier_put(struct courier *courier, const struct outbox_event *event, struct error *failure)
{
    return answer_of(courier,
                     outbox_put_async(courier->async, 0, event, PATIENCE_MS, on_recorded, courier, failure),
                     failure);
}
