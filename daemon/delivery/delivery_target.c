/* SPDX-License-Identifier: PostgreSQL */
/*
 * A receiver, and its states (delivery_internal.h). One that keeps failing is tried by one attempt at a time (its breaker), so that
 * it does not fill the places of all; one that goes on failing, by a probe now and then: a township whose program is broken is
 * not asked once for each event that waits. When it takes an event again, what its failures had put off is due at once, which
 * means as fast as its places allow. Only one that answers has claims waiting beyond its places, as many as its pace promises to
 * take soon.
 */
#include "base/clock.h"
#include "base/log.h"
#include "delivery/delivery_internal.h"
#include "delivery/verdict.h"
#include "io/http_client.h"

#include <stdlib.h>
#include <string.h>

enum {
    BREAKER_FAILURES = 3, /* in a row: more than a hiccup */
    REST_FAILURES = 10,   /* in a row, answered: more than a few events that a bug of the receiver's meets */
    SLOW_US = 1000000,    /* an attempt of most receivers takes a hundredth */
    MEAN_WEIGHT = 8,      /* the newest counts an eighth */
    REST_MAX_MS = 5 * 60 * 1000,
    /* Of one that answers, which costs no place for long: so many events that alone provoke a failure keep back the others so long,
     * each of them once at the most, and by chance. */
    REST_ANSWERED_MAX_MS = 60 * 1000,
    /* An event at which a receiver fails again and again, between others that it takes, is not hurried after each of these. */
    HURRY_EVERY_MS = 5 * 60 * 1000,
};

struct target *target_of(const struct delivery *delivery, int64_t code)
{
    size_t low = 0, high = delivery->target_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (delivery->targets[middle].config->code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < delivery->target_count && delivery->targets[low].config->code == code
               ? &delivery->targets[low]
               : NULL;
}

bool target_broken(const struct target *target)
{
    return target->failures >= BREAKER_FAILURES;
}

bool target_proven(const struct target *target)
{
    return target->pace_us > 0 && target->pace_us <= SLOW_US;
}

bool target_probed(const struct target *target)
{
    return target->rests > 0;
}

bool target_waits(const struct target *target, int64_t now_ms)
{
    return target->not_before_ms > now_ms || target->rest_until_ms > now_ms;
}

unsigned target_places(const struct target *target)
{
    return target_broken(target) ? 1 : target->config->connections;
}

int64_t delivery_ahead_us(const struct delivery *delivery)
{
    int64_t ahead_us = delivery->claim_us * AHEAD_CLAIMS;
    return ahead_us < AHEAD_MIN_US ? AHEAD_MIN_US : ahead_us > AHEAD_MAX_US ? AHEAD_MAX_US : ahead_us;
}

static unsigned target_ahead(const struct delivery *delivery, const struct target *target)
{
    if (target->failures > 0 || target->pace_us == 0)
        return 0;
    uint64_t ahead = (uint64_t)target->config->connections * (uint64_t)delivery_ahead_us(delivery) /
                     (uint64_t)target->pace_us;
    return ahead < AHEAD_MAX ? (unsigned)ahead : AHEAD_MAX;
}

unsigned target_room(const struct delivery *delivery, const struct target *target, int64_t now_ms)
{
    unsigned most = target_places(target) + target_ahead(delivery, target);
    unsigned taken = target->in_flight + target->waiting_count;
    return !target_waits(target, now_ms) && taken < most ? most - taken : 0;
}

bool target_low(const struct delivery *delivery, const struct target *target, int64_t now_ms)
{
    return !target->dry && (target_proven(target) || doubted_room(delivery) > 0) &&
           target->waiting_count * 4 <= target_ahead(delivery, target) * 3 &&
           target_room(delivery, target, now_ms) > 0;
}

unsigned doubted_room(const struct delivery *delivery)
{
    const unsigned half = (delivery->settings.connections + 1) / 2;
    return delivery->doubted < half ? half - delivery->doubted : 0;
}

static void count_doubted(struct delivery *delivery, struct target *target)
{
    const unsigned in_flight = target_proven(target) ? 0 : target->in_flight;
    const unsigned all = target_proven(target) ? 0 : target->in_flight + target->waiting_count;
    delivery->doubted += all - target->doubted;
    delivery->doubted_in_flight += in_flight - target->doubted_in_flight;
    target->doubted = all;
    target->doubted_in_flight = in_flight;
}

void target_settle(struct delivery *delivery, struct target *target)
{
    struct target_ring *ring = target_proven(target) ? &delivery->proven : &delivery->unproven;
    count_doubted(delivery, target);
    if (target->waiting_count == 0 || target->in_flight >= target_places(target))
        ring = NULL;
    if (ring == target->ringed)
        return;
    if (target->ringed != NULL)
        TAILQ_REMOVE(target->ringed, target, ring);
    if (ring != NULL)
        TAILQ_INSERT_TAIL(ring, target, ring);
    target->ringed = ring;
}

/* The rings by turns; those that are not proven may be as many when they turn out so while their claims wait. */
struct target *target_next(struct delivery *delivery)
{
    const unsigned half = (delivery->settings.connections + 1) / 2;
    struct target *proven = TAILQ_FIRST(&delivery->proven);
    struct target *unproven = delivery->doubted_in_flight < half ? TAILQ_FIRST(&delivery->unproven) : NULL;
    if (proven == NULL || unproven == NULL)
        return proven != NULL ? proven : unproven;
    delivery->unproven_turn = !delivery->unproven_turn;
    return delivery->unproven_turn ? unproven : proven;
}

int64_t smoothed(int64_t mean, int64_t newest)
{
    int64_t next = mean == 0 ? newest : mean + (newest - mean) / MEAN_WEIGHT;
    return next > 0 ? next : 1;
}

void target_rest(struct delivery *delivery, const struct target *target, const struct http_result *http,
                 struct verdict *verdict)
{
    const struct delivery_settings *settings = &delivery->settings;
    const bool answered = http->outcome == HTTP_ANSWERED;
    const int64_t longest_ms = answered ? REST_ANSWERED_MAX_MS : REST_MAX_MS;
    const struct verdict_terms terms = {
        settings->retry_first_ms,
        settings->retry_max_ms < longest_ms ? settings->retry_max_ms : longest_ms,
    };
    if (!verdict->endpoint_fails || target->failures + 1 < (answered ? REST_FAILURES : BREAKER_FAILURES))
        return;
    if (verdict->endpoint_pause_ms > 0) /* it has said itself when it wants the next */
        return;
    verdict->endpoint_rest_ms = verdict_backoff_ms((int32_t)target->rests + 1, &terms, &delivery->random);
    if (!http->sent)
        verdict->next_attempt_in_ms = verdict->endpoint_rest_ms;
}

/* It answered, and not with a failure of its own. */
static void note_good(struct delivery *delivery, struct target *target, const struct verdict *verdict)
{
    const int64_t now_ms = clock_monotonic_ms();
    target->failures = target->rests = 0;
    target->rest_until_ms = 0;
    if (verdict->outcome != OUTBOX_DELIVERED || !target->was_down ||
        (target->hurried_ms != 0 && now_ms - target->hurried_ms < HURRY_EVERY_MS))
        return;
    target->was_down = false;
    target->hurry = true;
    target->hurried_ms = now_ms;
    delivery->hurrying++;
}

static void note_failure(struct target *target, const struct verdict *verdict)
{
    enum { RESTS_MAX = 100 }; /* longer than any back-off grows */
    target->pace_us = 0;
    if (target->failures < REST_FAILURES)
        target->failures++;
    target->was_down = target->was_down || target_broken(target);
    if (verdict->endpoint_rest_ms == 0)
        return;
    target->rest_until_ms = clock_monotonic_ms() + verdict->endpoint_rest_ms;
    if (target->in_flight == 0 && target->rests < RESTS_MAX) /* not each of those that were begun before */
        target->rests++;
}

void target_note(struct delivery *delivery, struct target *target, const struct verdict *verdict,
                 int64_t total_us)
{
    if (verdict->endpoint_pause_ms > 0) {
        int64_t until_ms = clock_monotonic_ms() + verdict->endpoint_pause_ms;
        if (until_ms > target->not_before_ms)
            target->not_before_ms = until_ms;
    }
    delivery->pace_us = smoothed(delivery->pace_us, total_us);
    if (!verdict->endpoint_fails) {
        note_good(delivery, target, verdict);
        target->pace_us = smoothed(target->pace_us, total_us);
    } else {
        note_failure(target, verdict);
    }
    if (target_broken(target) || verdict->endpoint_pause_ms > 0 || verdict->hold_endpoint)
        attempts_release(delivery, target);
}

/* --- a reload ----------------------------------------------------------------------------------------------------- */

static enum status target_init(struct target *target, const struct target *old,
                               const struct endpoint_config *config, uint64_t reload, struct error *err)
{
    if (old != NULL)
        *target = *old;
    if (old == NULL || strcmp(old->config->url, config->url) != 0)
        target->address = reload;
    if (old != NULL && target->address == reload) { /* what the old one was says nothing of the new one */
        target->moved = true;
        target->failures = target->rests = 0;
        target->not_before_ms = target->rest_until_ms = target->pace_us = 0;
    }
    target->was_down = target->was_down || old == NULL;
    target->config = config;
    target->waiting_count = target->asked = 0;
    target->dry = false;
    target->ringed = NULL;
    target->doubted = target->doubted_in_flight = 0;
    TAILQ_INIT(&target->waiting);
    return message_keys_init(&target->keys, config, err);
}

enum status targets_make(const struct delivery *delivery, const struct delivery_settings *settings,
                         struct target **targets, struct error *err)
{
    struct target *made = calloc(settings->endpoint_count + 1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    for (size_t i = 0; i < settings->endpoint_count; i++) {
        const struct endpoint_config *config = &settings->endpoints[i];
        enum status status =
            target_init(&made[i], target_of(delivery, config->code), config, delivery->reloads, err);
        if (status != STATUS_OK) {
            targets_free(made, i);
            return status;
        }
    }
    *targets = made;
    return STATUS_OK;
}

void targets_free(struct target *targets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        message_keys_fini(&targets[i].keys);
    free(targets);
}

static void take_waiting(struct delivery *delivery, struct target *old)
{
    struct target *target = target_of(delivery, old->config->code);
    old->ringed = NULL;
    old->doubted = old->doubted_in_flight = 0;
    if (target == NULL) {
        old->in_flight = 0; /* those end without a target */
        attempts_release(delivery, old);
        return;
    }
    TAILQ_CONCAT(&target->waiting, &old->waiting, link);
    target->waiting_count = old->waiting_count;
}

void targets_take_over(struct delivery *delivery, struct target *targets, size_t count)
{
    struct target *old = delivery->targets;
    size_t old_count = delivery->target_count;
    TAILQ_INIT(&delivery->proven);
    TAILQ_INIT(&delivery->unproven);
    delivery->doubted = delivery->doubted_in_flight = 0;
    delivery->targets = targets;
    delivery->target_count = count;
    delivery->turn = delivery->unasked = delivery->left_out = 0;
    for (size_t i = 0; i < old_count; i++)
        take_waiting(delivery, &old[i]);
    for (size_t i = 0; i < count; i++)
        target_settle(delivery, &targets[i]);
    targets_free(old, old_count);
}

static void unpaused(void *context, enum status status, int64_t affected, const struct error *err)
{
    struct delivery *delivery = context;
    const uint64_t reload = delivery->unpausing;
    (void)affected;
    delivery->unpausing = 0;
    if (status != STATUS_OK)
        statement_failed(&delivery->statements, err); /* again with the next connection or leadership */
    for (size_t i = 0; i < delivery->target_count && status == STATUS_OK; i++)
        if (delivery->targets[i].address <= reload)
            delivery->targets[i].moved = false;
}

void targets_unpause(struct delivery *delivery)
{
    struct error err;
    size_t count = 0;
    int64_t *codes = calloc(delivery->target_count + 1, sizeof *codes);
    if (codes == NULL)
        return;
    for (size_t i = 0; i < delivery->target_count; i++)
        if (delivery->targets[i].moved)
            codes[count++] = delivery->targets[i].config->code;
    if (count > 0 && delivery->leading && delivery->unpausing == 0 &&
        outbox_unpause_async(delivery->pg, delivery->leader, codes, count, STATEMENT_TIMEOUT_MS, unpaused,
                             delivery, &err) == STATUS_OK)
        delivery->unpausing = delivery->reloads;
    free(codes);
}

/* --- those that are back ------------------------------------------------------------------------------------------ */

void targets_doubt(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->target_count; i++) {
        delivery->targets[i].was_down = true;
        delivery->targets[i].hurried_ms = 0;
    }
}

void targets_end_rests(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->target_count; i++)
        delivery->targets[i].rest_until_ms = 0;
}

static void hurried(void *context, enum status status, int64_t affected, const struct error *err)
{
    struct delivery *delivery = context;
    if (status != STATUS_OK) {
        statement_failed(&delivery->statements, err);
        targets_doubt(delivery); /* whichever it was of */
    } else if (affected > 0) {
        log_event(LOG_DELIVERY_HURRIED, log_int("events", affected));
        delivery_pump_at(delivery);
    }
}

void targets_hurry(struct delivery *delivery)
{
    struct error err;
    size_t count = 0;
    int64_t *codes = calloc(delivery->target_count + 1, sizeof *codes);
    if (codes == NULL)
        return; /* with the next results */
    for (size_t i = 0; i < delivery->target_count; i++) {
        if (delivery->targets[i].hurry)
            codes[count++] = delivery->targets[i].config->code;
        delivery->targets[i].hurry = false;
    }
    delivery->hurrying = 0;
    if (count > 0 && outbox_hurry_async(delivery->pg, delivery->leader, codes, count, STATEMENT_TIMEOUT_MS,
                                        hurried, delivery, &err) != STATUS_OK) {
        statement_failed(&delivery->statements, &err);
        targets_doubt(delivery);
    }
    free(codes);
}
