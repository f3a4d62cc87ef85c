/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pump: claim what is due for targets with room, hand it over to be sent, go on.
 *
 *     pump ── outbox_claim_async ──► claimed ── attempt_claimed ──► … ──► attempt_done ── results_add ──► results_written ─┐
 *       ▲                                                                                                                 │
 *       └───────────────── poll timer (POLL_MS, or the next retry that is known) ◄────────────────────────────────────────┘
 *
 * A claim asks for the places that are free and for some that will be soon (target_room), so that the next claim is made
 * while the present one is sent; but for no more while the bodies that wait come to AHEAD_MAX_BYTES. Where that does not reach
 * for all targets, the next claim goes on behind the last one asked, until each has been asked once; the next pump begins where
 * that ended. So no endpoint can keep another from its turn, whether it has nothing to be sent or far too much. Large claims
 * cost less an event: none is made before a target runs low.
 *
 * Until its result is committed, an event stands in the database as in flight; so a household's next event is never claimed
 * while the fate of the one before is only in memory.
 */
#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "delivery/delivery_internal.h"
#include "delivery/results.h"

#include <stdlib.h>

enum { POLL_MS = 2000 /* events of a daemon beside us, or whose wake-up was lost */ };

static void sleep_until_next(struct delivery *delivery)
{
    int64_t now_ms = clock_monotonic_ms(), next_ms = now_ms + POLL_MS;
    if (delivery->next_retry_ms < next_ms)
        next_ms = delivery->next_retry_ms;
    for (size_t i = 0; i < delivery->target_count; i++) {
        int64_t rest_until_ms = delivery->targets[i].rest_until_ms;
        if (rest_until_ms > now_ms && rest_until_ms < next_ms)
            next_ms = rest_until_ms;
    }
    loop_timer_arm_at(delivery->poll, next_ms);
}

/* The present pump is over. */
static void rest(struct delivery *delivery, bool database_up)
{
    if (delivery_idle(delivery) || !database_up)
        delivery_tell_settled(delivery, database_up);
    sleep_until_next(delivery);
}

static void ask(struct delivery *delivery);

/* Which of those that were asked for something had less: nothing more is due there. */
static void note_dry(struct delivery *delivery, const struct outbox_claim *claims, size_t count)
{
    for (size_t i = 0; i < delivery->target_count; i++) {
        struct target *target = &delivery->targets[i];
        target->dry = target->dry || target->asked > 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct target *target = target_of(delivery, claims[i].township);
        if (target != NULL && target->asked > 0 && --target->asked == 0)
            target->dry = false;
    }
    for (size_t i = 0; i < delivery->target_count; i++)
        delivery->targets[i].asked = 0;
}

static void claimed(void *context, enum status status, const struct outbox_claim *claims, size_t count,
                    const struct error *err)
{
    struct delivery *delivery = context;
    KILL_POINT("delivery.claimed");
    delivery->claiming = false;
    delivery->stats.database_up = status == STATUS_OK;
    if (status != STATUS_OK)
        statement_failed(&delivery->statements, err);
    else
        note_dry(delivery, claims, count);
    if (count > 0)
        delivery->claim_us = smoothed(delivery->claim_us, (clock_monotonic_ms() - delivery->asked_ms) * 1000);
    /* What was claimed under a leadership that is over is the new leader's. */
    for (size_t i = 0; i < count && delivery->claim_leader == delivery->leader; i++)
        attempt_claimed(delivery, &claims[i]);
    if (!delivery->draining && delivery->leading)
        attempts_send(delivery);
    if (delivery->draining || !delivery->leading) {
        attempts_release_all(delivery);
        delivery_tell_drained(delivery);
    } else if (status != STATUS_OK) {
        rest(delivery, false);
    } else if (delivery->again) {
        delivery_pump(delivery);
    } else {
        ask(delivery);
    }
}

/* How many more claims all of them together may have. */
static unsigned whole_room(const struct delivery *delivery)
{
    uint64_t most = delivery->settings.connections;
    if (delivery->pace_us > 0) {
        uint64_t ahead = most * (uint64_t)delivery_ahead_us(delivery) / (uint64_t)delivery->pace_us;
        most += ahead < AHEAD_MAX ? ahead : AHEAD_MAX;
    }
    unsigned taken = delivery->stats.in_flight + delivery->waiting_count;
    if (delivery->waiting_bytes >= AHEAD_MAX_BYTES || most <= taken)
        return 0;
    /* Claimed without their bodies they would have to be given back. */
    const uint64_t bytes = AHEAD_MAX_BYTES - delivery->waiting_bytes;
    const uint64_t fit = delivery->event_bytes > 0 ? bytes / (uint64_t)delivery->event_bytes + 1 : most;
    return (unsigned)(most - taken < fit ? most - taken : fit);
}

/* What targets that are not proven may ask for: all of them together, and each. */
struct doubted_share {
    unsigned left, each;
    bool asked;
};

static struct doubted_share doubted_share(const struct delivery *delivery)
{
    struct doubted_share share = {.left = doubted_room(delivery)};
    unsigned doubted = 0;
    for (size_t i = 0; i < delivery->target_count; i++)
        doubted += !target_proven(&delivery->targets[i]);
    share.each = doubted > 0 ? share.left / doubted : 0;
    share.each = share.each > 0 ? share.each : 1;
    return share;
}

/* How many of these a target takes. */
static unsigned take_doubted(struct doubted_share *share, unsigned room)
{
    unsigned most = share->each < share->left ? share->each : share->left;
    unsigned taken = room < most ? room : most;
    share->left -= taken;
    share->asked = share->asked || taken > 0;
    return taken;
}

/* How many more each target may have, within the whole's bounds, from the one whose turn it is; the number of asks. */
static size_t compose_asks(struct delivery *delivery, struct outbox_ask *asks)
{
    int64_t now_ms = clock_monotonic_ms();
    unsigned left = whole_room(delivery);
    struct doubted_share doubted = doubted_share(delivery);
    left = left < CLAIM_MAX ? left : CLAIM_MAX;
    size_t count = 0;
    for (; delivery->unasked > 0 && left > 0; delivery->unasked--) {
        struct target *target = &delivery->targets[delivery->turn];
        unsigned room = target_room(delivery, target, now_ms);
        room = room < left ? room : left;
        if (room > 0 && !target_proven(target)) {
            if (doubted.left == 0 && doubted.asked)
                break; /* some of those have nothing to be sent: then the next claim is for this one */
            if (doubted.left == 0 && delivery->left_out == 0)
                delivery->left_out = delivery->turn + 1;
            room = take_doubted(&doubted, room);
        }
        delivery->turn = (delivery->turn + 1) % delivery->target_count;
        if (room == 0)
            continue;
        target->asked = target_probed(target) ? 1 : room;
        left -= target->asked;
        asks[count++] =
            (struct outbox_ask){target->config->code, (int32_t)target->asked, target_probed(target)};
    }
    return count;
}

/* Claims for as many of the targets that are still to be asked as there is room. */
static void ask(struct delivery *delivery)
{
    struct error err;
    struct outbox_ask *asks = calloc(delivery->target_count + 1, sizeof *asks);
    enum status status = asks == NULL ? error_set(&err, STATUS_FATAL, "out of memory") : STATUS_OK;
    size_t count = asks == NULL ? 0 : compose_asks(delivery, asks);
    KILL_POINT("delivery.before_claim");
    delivery->asked_ms = clock_monotonic_ms();
    /* The lease begins when the database begins with the claim. */
    int64_t lease_ms = delivery->settings.timeout_ms + LEASE_MARGIN_MS + delivery->claim_us / 1000;
    if (count > 0)
        status = outbox_claim_async(delivery->pg, delivery->leader, asks, count, lease_ms,
                                    AHEAD_MAX_BYTES - (int64_t)delivery->waiting_bytes, STATEMENT_TIMEOUT_MS,
                                    claimed, delivery, &err);
    free(asks);
    delivery->claim_leader = delivery->leader;
    delivery->claiming = status == STATUS_OK && count > 0;
    if (status != STATUS_OK)
        delivery->stats.database_up = false;
    if (!delivery->claiming)
        rest(delivery, status == STATUS_OK);
}

void delivery_pump(struct delivery *delivery)
{
    if (delivery->draining || !delivery->leading)
        return;
    attempts_release_old(delivery);
    delivery->again = delivery->claiming;
    if (delivery->claiming)
        return;
    if (delivery->next_retry_ms <= clock_monotonic_ms())
        delivery->next_retry_ms = NEVER_MS;
    if (delivery->left_out > 0)
        delivery->turn = delivery->left_out - 1;
    delivery->left_out = 0;
    delivery->unasked = delivery->target_count;
    ask(delivery);
}

void delivery_pump_at(void *ctx)
{
    struct delivery *delivery = ctx;
    for (size_t i = 0; i < delivery->target_count; i++)
        delivery->targets[i].dry = false;
    delivery_pump(delivery);
}

void delivery_pump_if_low(struct delivery *delivery, const struct target *target)
{
    if (!delivery->claiming && target_low(delivery, target, clock_monotonic_ms()))
        delivery_pump(delivery);
}

static bool any_low(const struct delivery *delivery)
{
    int64_t now_ms = clock_monotonic_ms();
    for (size_t i = 0; i < delivery->target_count; i++)
        if (target_low(delivery, &delivery->targets[i], now_ms))
            return true;
    return false;
}

void delivery_results_written(void *ctx, const struct outbox_result *results, size_t count)
{
    struct delivery *delivery = ctx;
    int64_t soonest_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        struct target *target = target_of(delivery, results[i].township);
        if (target != NULL)
            target->dry = false; /* the household's next event */
        if ((results[i].outcome == OUTBOX_AGAIN || results[i].outcome == OUTBOX_RELEASED) &&
            results[i].next_attempt_in_ms < soonest_ms)
            soonest_ms = results[i].next_attempt_in_ms;
    }
    int64_t retry_ms = soonest_ms < NEVER_MS / 2 ? clock_monotonic_ms() + soonest_ms + 1 : NEVER_MS;
    if (retry_ms < delivery->next_retry_ms)
        delivery->next_retry_ms = retry_ms;
    if (delivery->hurrying > 0 && delivery->leading)
        targets_hurry(delivery);
    delivery_tell_drained(delivery);
    if (any_low(delivery) || delivery_idle(delivery))
        delivery_pump(delivery);
    else if (!delivery->claiming && !delivery->draining && delivery->leading)
        sleep_until_next(delivery);
}
