/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the parts of delivery share.
 *
 *     delivery.c          the whole: begins, ends, is configured; draining and settling
 *     delivery_claim.c    the pump: which targets are asked for how many, and when
 *     delivery_attempt.c  a claim's way: waits for a place, is signed and sent, ends in a result
 *     delivery_target.c   a receiver: its places, its pace, its breaker
 *     delivery_test.c     endpoint tests
 *
 * A claim's states, and who moves it:
 *
 *     (database) ── claimed ──► WAITING ── attempts_send ──► IN FLIGHT ── attempt_done ──► result ── results_written ──► (gone)
 *                                  └─────── attempts_release: lease too old, receiver failing or paused, draining ──► result
 *
 * A target's states, by what its receiver did last (a failure: no answer, 408, 425, 429 or 5xx):
 *
 *       ┌─────────────────────────────────── any other answer ──────────────────────────────────┐
 *       ▼                                                                                       │
 *     PROVEN ── a failure ──► DOUBTED ── BREAKER_FAILURES in a row ──► BROKEN ── more ──► RESTING, and probed
 *                               ▲
 *                               └── (begun, reloaded with another URL)
 *
 *     PROVEN    all its places, and claims waiting for them
 *     DOUBTED   its places, but all targets that are not proven have half of all places together: those that hang fill no more.
 *               One that answers, but takes longer than SLOW_US, is among them
 *     BROKEN    one attempt at a time
 *     RESTING   nothing goes to it but a probe now and then, any event that is due: of one that gives no answer from
 *               BREAKER_FAILURES on, of one that answers from REST_FAILURES on, because there it may be the events' fault
 *
 * Invariants
 * 1. An attempt is in its target's list of waiting ones, or in delivery->attempts with a call under way; never in both.
 * 2. A target is in a ring of those that can send exactly while it has a claim waiting and a place free: in that of the proven
 *    ones or in the other, as it is. delivery->doubted counts what is under way and waits for those that are not.
 */
#ifndef SHOUWANG_DELIVERY_DELIVERY_INTERNAL_H
#define SHOUWANG_DELIVERY_DELIVERY_INTERNAL_H

#include "base/random.h"
#include "delivery/delivery.h"
#include "delivery/message.h"
#include "delivery/statement.h"
#include "store/outbox.h"

#include <sys/queue.h>

struct http_call;
struct http_client;
struct http_result;
struct overdue;
struct pg_async;
struct results;
struct verdict;

enum {
    LEASE_MARGIN_MS = 15000, /* beyond the attempt's own timeout: waiting for a place, writing the result */
    /* Of that, from the claim's answer, however long the database took for it: counted from the question, what a slow one
     * gives would always be too old. What has waited longer is given back instead of sent. */
    WAITING_MAX_MS = 5000,
    /* Claims wait in memory for the places that become free so soon: enough to send while the next claims are made, which
     * takes the longer the less of the processor is left to the database. */
    AHEAD_MIN_US = 200000,
    AHEAD_CLAIMS = 4,       /* so many times the time that a claim takes */
    AHEAD_MAX_US = 2000000, /* well below WAITING_MAX_MS */
    AHEAD_MAX = 2048,       /* all targets together, whatever their pace: the bound of our memory */
    CLAIM_MAX = 1024,       /* one statement: results wait behind it */
    /* The same bound where events are long (1 MB at the most): their bodies that wait. Beside these are as many as there are
     * connections, and while a claim is answered those that it brings a second time. */
    AHEAD_MAX_BYTES = 16 * 1024 * 1024,
};
#define NEVER_MS (INT64_MAX / 2)

struct attempt {
    TAILQ_ENTRY(attempt) link;
    struct delivery *delivery;
    struct message message;
    struct http_call *call;
    int64_t household_id, township;
    int64_t leader;     /* the leadership under which it was claimed */
    int64_t claimed_ms; /* monotonic; when the claim was answered */
    uint64_t address;   /* its target's, when it was begun */
    int32_t attempts;
    int refusals; /* before this one */
    int priority;
    char event_id[UUID_TEXT_SIZE];
    char place[OUTBOX_PLACE_SIZE];
};
TAILQ_HEAD(attempt_list, attempt);
TAILQ_HEAD(target_ring, target);

/* An endpoint and what is under way to it. */
struct target {
    const struct endpoint_config *config;
    uint64_t address; /* the reload that brought its URL */
    struct message_keys keys;
    struct attempt_list waiting; /* the most urgent first */
    unsigned waiting_count;
    unsigned in_flight;
    unsigned failures;     /* in a row, as far as that matters */
    unsigned rests;        /* in a row, each ended by a probe that failed */
    int64_t rest_until_ms; /* monotonic; then the next probe */
    bool was_down;         /* since its events were hurried last, or nobody knows: some may wait for long */
    bool hurry;            /* to be done with the next results */
    int64_t hurried_ms;    /* monotonic; 0 = never */
    int64_t not_before_ms; /* monotonic: Retry-After of 429 and 503; endpoint.paused_until
                              is the same for those who come after us */
    int64_t pace_us;       /* how long its attempts take, smoothed; 0 = not known, or it failed since */
    unsigned asked;        /* of the claim under way */
    bool dry;              /* the last claim found less than was asked for, and nothing has happened since */
    unsigned doubted, doubted_in_flight; /* its part of the delivery's */
    struct target_ring *ringed;          /* NULL: in none */
    bool moved; /* a reload has brought another URL: the pause that the database has is the old receiver's */
    TAILQ_ENTRY(target) ring;
};

struct test;

struct delivery {
    struct loop *loop;
    struct delivery_settings settings;
    struct pg_async *pg;
    struct statements statements;
    struct http_client *http;
    struct results *results;
    struct overdue *overdue;
    struct loop_timer *poll;
    struct random random;
    struct target *targets; /* in the order of settings.endpoints */
    size_t target_count;
    struct target_ring proven, unproven; /* those that can send, by turns */
    bool unproven_turn;                  /* of the two rings */
    unsigned doubted; /* attempts under way and claims waiting for targets that are not proven */
    unsigned doubted_in_flight;
    size_t turn;     /* the target that is asked for next */
    size_t unasked;  /* targets that the present pump has not come to */
    size_t left_out; /* 1 + the first that it had to leave out, where the next begins; 0 = none */
    struct attempt_list attempts;
    unsigned waiting_count; /* of all targets */
    size_t waiting_bytes;   /* their bodies */
    int64_t event_bytes;    /* a body, smoothed */
    int64_t pace_us;        /* of all targets */
    int64_t claim_us;       /* how long a claim takes, smoothed */
    TAILQ_HEAD(, test) tests;
    bool claiming, again, draining, leading;
    bool outage_told;      /* the log has it that the database cannot be reached */
    uint64_t reloads;      /* counted */
    uint64_t unpausing;    /* the last reload whose moves are being written; 0 = none are */
    unsigned hurrying;     /* targets that are to hurry */
    int64_t leader;        /* the token of the leadership */
    int64_t claim_leader;  /* that of the claim under way */
    int64_t wall_ahead_ms; /* of the monotonic clock, when it last agreed with the database's */
    int64_t asked_ms;      /* monotonic; when that was asked for */
    int64_t next_retry_ms; /* monotonic; when the nearest known retry is due */
    delivery_fn *drained;
    void *drained_ctx;
    struct loop_task drain_look; /* callbacks are never made from inside delivery_drain */
    delivery_settled_fn *settled;
    void *settled_ctx;
    struct delivery_stats stats;
};

/* --- delivery.c --- */
bool delivery_idle(const struct delivery *delivery);
void delivery_tell_drained(struct delivery *delivery);
void delivery_tell_settled(struct delivery *delivery, bool settled);

/* --- delivery_target.c --- */
/* The new targets, with what is under way to those that stay. What waits stays where it is until targets_take_over. */
enum status targets_make(const struct delivery *delivery, const struct delivery_settings *settings,
                         struct target **targets, struct error *err) WARN_UNUSED;
void targets_free(struct target *targets, size_t count); /* nothing waits for them; NULL is allowed */
void targets_take_over(struct delivery *delivery, struct target *targets, size_t count);
/* Ends what the old receivers of those that have moved made wait, as soon as that can be written. */
void targets_unpause(struct delivery *delivery);
/* The receivers that take events again after they were down: what waits for them by its own retry is due. */
void targets_hurry(struct delivery *delivery);
/* Another daemon led before: nobody knows which receivers were down. */
void targets_doubt(struct delivery *delivery);
/* Those that cannot be reached are probed now. */
void targets_end_rests(struct delivery *delivery);
struct target *target_of(const struct delivery *delivery, int64_t code); /* NULL = not configured */
bool target_broken(const struct target *target);
bool target_proven(const struct target *target);
/* What goes to it now is a probe. */
bool target_probed(const struct target *target);
/* It asked for a pause, or rests between probes. */
bool target_waits(const struct target *target, int64_t now_ms);
/*
 * Of an attempt that failed: gives the verdict the rest that follows, if one does. What failed before anything was sent is no event,
 * so the event waits as long as the others, which is REST_MAX_MS at the most; else it waits by its own plan, and others are probes.
 */
void target_rest(struct delivery *delivery, const struct target *target, const struct http_result *http,
                 struct verdict *verdict);
/* A running mean: an eighth is the newest. */
int64_t smoothed(int64_t mean, int64_t newest);
/* For how long it is worth to have claims waiting. */
int64_t delivery_ahead_us(const struct delivery *delivery);
/* Attempts that it may have at one time. */
unsigned target_places(const struct target *target);
/* How many more attempts and claims those may have that are not proven, all together. */
unsigned doubted_room(const struct delivery *delivery);
/* Whose turn it is to send; NULL = nobody's. */
struct target *target_next(struct delivery *delivery);
/* How many more claims it can take now: places that are free, and those that become free within delivery_ahead_us. */
unsigned target_room(const struct delivery *delivery, const struct target *target, int64_t now_ms);
/* Whether it is about to send its last, and there may be more. */
bool target_low(const struct delivery *delivery, const struct target *target, int64_t now_ms);
void target_note(struct delivery *delivery, struct target *target, const struct verdict *verdict,
                 int64_t total_us);
/* After any change of what invariant 2 speaks of, and before anything else is decided. */
void target_settle(struct delivery *delivery, struct target *target);

/* --- delivery_attempt.c --- */
/* One without its body is given back. */
void attempt_claimed(struct delivery *delivery, const struct outbox_claim *claim);
void attempts_send(struct delivery *delivery);                           /* as many as there are places */
void attempts_release(struct delivery *delivery, struct target *target); /* all that wait for it */
void attempts_release_all(struct delivery *delivery);
void attempts_release_old(struct delivery *delivery);
void attempts_forget(struct delivery *delivery); /* all that wait: no longer ours */
void attempts_free(struct delivery *delivery);   /* the calls are cancelled already */

/* --- delivery_claim.c --- */
void delivery_pump(struct delivery *delivery);
void delivery_pump_at(void *delivery); /* the poll timer: whatever was dry is asked again */
/* A place of this target has become free: claim more before the last is sent. */
void delivery_pump_if_low(struct delivery *delivery, const struct target *target);
/* Results are committed: places are free, and households may go on. */
void delivery_results_written(void *delivery, const struct outbox_result *results, size_t count);

/* --- delivery_test.c --- */
struct test *test_find(struct delivery *delivery, const char *event_id);
void test_end(struct test *test, const struct delivery_test_result *result);
void tests_fail(struct delivery *delivery, const char *text);

#endif
