/* SPDX-License-Identifier: PostgreSQL */
/* The outbox: order, sequence, leases, results, two claimers at once, giving up, what operators put back. */
#include "config.h"

#include "base/clock.h"
#include "courier.h"
#include "io/loop.h"
#include "store/listing.h"
#include "store/outbox.h"
#include "store/queue_order.h"
#include "store_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NORTH  INT64_C(610922101)
#define SOUTH  INT64_C(610922102)
#define COUNTY INT64_C(610922)
enum { MINUTE_MS = 60000, DAY_MS = 86400000 };

static struct arena *arena;
static struct courier *courier;
static const struct outbox_claim *claims;
static size_t count;

static void fixture_queue(void)
{
    const int64_t townships[] = {NORTH, SOUTH};
    fixture_migrated();
    fixture_role("test_daemon", "shouwang_daemon", "");
    pg_close(db);
    db = fixture_connect("test_daemon");
    must(outbox_ensure_endpoints(db, townships, 2, &err));
    must(outbox_ensure_endpoints(db, townships, 2, &err));
    arena = arena_new(0);
    courier = courier_new("test_daemon");
}

static void fixture_end(void)
{
    courier_free(courier);
    arena_free(arena);
    fixture_drop();
}

/* Event number n as a UUID. */
static const char *id(int n)
{
    static char texts[8][UUID_TEXT_SIZE];
    static int next;
    char *text = texts[next++ % 8];
    snprintf(text, UUID_TEXT_SIZE, "00000000-0000-7000-8000-%012d", n);
    return text;
}

static void put_body(int n, int64_t township, int64_t household, int priority, const char *body)
{
    const struct outbox_event event = {.household_id = household,
                                       .event_id = id(n),
                                       .township = township,
                                       .type = "warning.raised",
                                       .priority = priority,
                                       .term_ms = 60 * MINUTE_MS,
                                       .event = slice_of(body)};
    must(courier_put(courier, &event, &err));
}

static void put(int n, int64_t township, int64_t household, int priority)
{
    put_body(n, township, household, priority, "{\"a\":1}");
}

static void claim(int64_t township, int limit, int64_t lease_ms)
{
    const struct outbox_ask ask = {.township = township, .limit = limit};
    must(courier_claim(courier, &ask, 1, lease_ms, arena, &claims, &count, &err));
}

/* "event:sequence:attempts …" of what was claimed. */
static const char *claimed(void)
{
    static char text[1024];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d:%d:%d", i ? " " : "",
                                 atoi(claims[i].event_id + 24), (int)claims[i].sequence, claims[i].attempts);
    return text;
}

static struct outbox_result result_of(const struct outbox_claim *claim, enum outbox_outcome outcome)
{
    struct outbox_result result = {.household_id = claim->household_id,
                                   .township = claim->township,
                                   .attempts = claim->attempts,
                                   .outcome = outcome,
                                   .http_status = outcome == OUTBOX_DELIVERED ? 204 : 503,
                                   .error = outcome == OUTBOX_DELIVERED ? NULL : "http 503"};
    memcpy(result.event_id, claim->event_id, UUID_TEXT_SIZE);
    memcpy(result.place, claim->place, sizeof result.place);
    return result;
}

static int64_t record(size_t i, enum outbox_outcome outcome)
{
    int64_t affected;
    struct outbox_result result = result_of(&claims[i], outcome);
    must(courier_record(courier, &result, 1, &affected, &err));
    return affected;
}

START_TEST(order)
{
    put(1, NORTH, 1, 2);
    put(2, NORTH, 2, 0);
    put(3, NORTH, 1, 0); /* more urgent, but the household's first comes first */
    put(4, NORTH, 3, 1);
    put(5, SOUTH, 1, 3); /* another township */
    claim(NORTH, 2, MINUTE_MS);
    ck_assert_str_eq(claimed(), "2:1:1 4:2:1");
    ck_assert(claims[0].first);
    ck_assert(slice_is(claims[0].event, "{\"a\":1}"));
    ck_assert(slice_is(claims[0].type, "warning.raised"));
    ck_assert_int_eq(claims[0].priority, 0);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:3:1");
    const struct outbox_claim first = claims[0];
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "");
    claim(SOUTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "5:1:1");
    claims = &first;
    ck_assert_int_eq(record(0, OUTBOX_DELIVERED), 1);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "3:4:1");
    ck_assert_str_eq(fixture_text("select township_code, last_sequence from endpoint order by 1"),
                     "610922101,4;610922102,1");
}
END_TEST

START_TEST(retries)
{
    put(1, NORTH, 1, 0);
    put(2, NORTH, 1, 0);
    claim(NORTH, 10, MINUTE_MS);
    struct outbox_result again = result_of(&claims[0], OUTBOX_AGAIN);
    int64_t affected;
    again.next_attempt_in_ms = MINUTE_MS;
    must(courier_record(courier, &again, 1, &affected, &err));
    ck_assert_int_eq(affected, 1);
    must(courier_record(courier, &again, 1, &affected, &err)); /* repeated after a lost answer */
    ck_assert_int_eq(affected, 0);
    claim(NORTH, 10, MINUTE_MS); /* not due, and it keeps the second one back */
    ck_assert_str_eq(claimed(), "");
    ck_assert_str_eq(
        fixture_text("select state, attempts, sequence, last_status, last_error,"
                     " next_attempt_at > now() + interval '50 s' from delivery order by outbox_no"),
        "queued,1,1,503,\"http 503\",t;queued,0,,,,f");
    fixture_sql("update delivery set next_attempt_at = now() where sequence = 1");
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:1:2"); /* the same number */
    ck_assert(!claims[0].first);
    ck_assert_int_eq(record(0, OUTBOX_FAILED), 1);
    claim(NORTH, 10, MINUTE_MS); /* failed for good: the later one goes on */
    ck_assert_str_eq(claimed(), "2:2:1");
    ck_assert_int_eq(record(0, OUTBOX_DELIVERED), 1);
    ck_assert_str_eq(
        fixture_text("select last_sequence, last_success_at is not null, last_failure_at is not null,"
                     " last_error from endpoint where township_code = 610922101"),
        "2,t,t,\"http 503\"");
}
END_TEST

/* A claim that was never sent: as if it had not been made, but for its number. */
START_TEST(released)
{
    put(1, NORTH, 1, 0);
    put(2, NORTH, 1, 0);
    put(3, NORTH, 2, 0);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:1:1 3:2:1");
    ck_assert_int_eq(record(0, OUTBOX_RELEASED), 1);
    ck_assert_str_eq(
        fixture_text("select state, attempts, sequence, first_sent_at is null, lease_until is null,"
                     " last_status, last_error, next_attempt_at <= now() from delivery order by"
                     " outbox_no"),
        "queued,0,1,t,t,,,t;queued,0,,t,t,,,t;in_flight,1,2,f,f,,,t");
    ck_assert_str_eq(fixture_text("select last_success_at is null, last_failure_at is null from endpoint"
                                  " where township_code = 610922101"),
                     "t,t");
    ck_assert_int_eq(record(0, OUTBOX_RELEASED), 0); /* it is not in flight */
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:1:1"); /* before the household's second, under the same number */
    ck_assert(!claims[0].first);
    ck_assert_int_eq(record(0, OUTBOX_AGAIN), 1);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:1:2");
    ck_assert_int_eq(record(0, OUTBOX_RELEASED), 1);
    ck_assert_str_eq(
        fixture_text("select attempts, first_sent_at is null, last_status, last_error from delivery"
                     " where sequence = 1"),
        "1,f,503,\"http 503\"");
    ck_assert_int_eq(fixture_int("select last_sequence from endpoint where township_code = 610922101"), 2);
}
END_TEST

/* A row lies elsewhere than where it was claimed, or nobody knows where: its key finds it. */
START_TEST(moved)
{
    put(1, NORTH, 1, 0);
    put(2, NORTH, 2, 0);
    put(3, NORTH, 3, 0);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:1:1 2:2:1 3:3:1");
    struct outbox_result results[] = {result_of(&claims[0], OUTBOX_DELIVERED),
                                      result_of(&claims[1], OUTBOX_DELIVERED),
                                      result_of(&claims[2], OUTBOX_RELEASED)};
    ck_assert_str_ne(results[0].place, "");
    ck_assert_str_ne(results[0].place, results[1].place);
    results[1].place[0] = '\0';
    memcpy(results[2].place, results[0].place, sizeof results[2].place); /* where another one was */
    fixture_sql("update delivery set next_attempt_at = next_attempt_at where sequence = 1");
    int64_t affected;
    must(courier_record(courier, results, 3, &affected, &err));
    ck_assert_int_eq(affected, 3);
    ck_assert_str_eq(fixture_text("select state, attempts from delivery order by outbox_no"),
                     "delivered,1;delivered,1;queued,0");
    must(courier_record(courier, results, 3, &affected, &err));
    ck_assert_int_eq(affected, 0);
}
END_TEST

/* Retry-After: whatever else is due there waits as well, until it is over or an operator knows better. */
START_TEST(paused)
{
    put(1, NORTH, 1, 0);
    put(2, NORTH, 2, 0);
    put(3, SOUTH, 3, 0);
    claim(NORTH, 1, MINUTE_MS);
    struct outbox_result result = result_of(&claims[0], OUTBOX_AGAIN);
    result.next_attempt_in_ms = result.endpoint_pause_ms = MINUTE_MS;
    int64_t affected;
    must(courier_record(courier, &result, 1, &affected, &err));
    ck_assert_int_eq(affected, 1);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "");
    claim(SOUTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "3:1:1");
    result.attempts++; /* of an attempt beside it, with a shorter one: the longer one stands */
    result.endpoint_pause_ms = 1;
    must(courier_record(courier, &result, 1, &affected, &err));
    ck_assert_str_eq(fixture_text("select paused_until > now() + interval '50 s' from endpoint"
                                  " where township_code = 610922101"),
                     "t");
    fixture_sql("update endpoint set paused_until = now() where township_code = 610922101");
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "2:2:1");
    fixture_sql("update endpoint set paused_until = 'infinity'; update delivery set next_attempt_at = now()");
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "");
    fixture_sql("update endpoint set paused_until = null where township_code = 610922101");
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:1:2");
}
END_TEST

START_TEST(lease_expires)
{
    put(1, NORTH, 1, 0);
    put(2, NORTH, 1, 0);
    claim(NORTH, 10, 1);
    ck_assert_str_eq(claimed(), "1:1:1");
    const struct outbox_claim lost = claims[0];
    int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    do
        claim(NORTH, 10, MINUTE_MS);
    while (count == 0 && clock_monotonic_ms() < until_ms);
    ck_assert_str_eq(claimed(), "1:1:2");
    const struct outbox_claim second = claims[0];
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "");

    claims = &lost; /* comes back late: a failure says nothing about the attempt under way */
    ck_assert_int_eq(record(0, OUTBOX_FAILED), 0);
    ck_assert_int_eq(record(0, OUTBOX_DELIVERED), 1); /* but a success is one */
    claims = &second;
    ck_assert_int_eq(record(0, OUTBOX_FAILED), 0);
    ck_assert_str_eq(fixture_text("select state from delivery order by outbox_no"), "delivered;queued");
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "2:2:1");
}
END_TEST

START_TEST(held)
{
    put(1, NORTH, 1, 0);
    put(2, NORTH, 2, 0);
    put(3, NORTH, 1, 0);
    fixture_sql("update endpoint set state = 'held' where township_code = 610922101");
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_uint_eq(count, 0);
    fixture_sql("update endpoint set state = 'active' where township_code = 610922101");
    fixture_sql("update delivery set state = 'held' where event_id::text like '%1'");
    claim(NORTH, 10, MINUTE_MS); /* 3 waits behind the held 1 */
    ck_assert_str_eq(claimed(), "2:1:1");
    fixture_sql("update delivery set state = 'queued' where state = 'held'");
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:2:1");
}
END_TEST

static int64_t requeue(void)
{
    const struct queue_order again = {.township = NORTH, .by = "li"};
    int64_t events = -1;
    must(queue_requeue(db, &again, MINUTE_MS, &events, &err));
    return events;
}

/* Told again under the same id and sequence; what is new goes on counting. What was delivered is never told again. */
START_TEST(sent_again)
{
    put(1, NORTH, 1, 0);
    put(2, NORTH, 2, 0);
    put(3, NORTH, 3, 0);
    claim(NORTH, 2, MINUTE_MS);
    record(0, OUTBOX_FAILED);
    record(1, OUTBOX_DELIVERED);
    ck_assert_int_eq(requeue(), 1);
    claim(NORTH, 1, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:1:1");
    ck_assert_int_le(claims[0].expires_at_ms, clock_unix_ms() + MINUTE_MS);
    ck_assert_int_eq(record(0, OUTBOX_EXPIRED), 1);
    ck_assert_int_eq(requeue(), 1);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:1:1 3:3:1");
    record(0, OUTBOX_DELIVERED);
    record(1, OUTBOX_DELIVERED);
    ck_assert_int_eq(requeue(), 0);
    ck_assert_str_eq(fixture_text("select detail->>'events' from audit where action = 'queue.requeue'"),
                     "1;1");
}
END_TEST

/* An older event that comes back waits for the newer one that is in flight. */
START_TEST(requeued_behind)
{
    put(1, NORTH, 1, 0);
    put(2, NORTH, 1, 0);
    claim(NORTH, 10, MINUTE_MS);
    record(0, OUTBOX_FAILED);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "2:2:1");
    const struct outbox_claim newer = claims[0];
    ck_assert_int_eq(requeue(), 1);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_uint_eq(count, 0);
    claims = &newer;
    record(0, OUTBOX_DELIVERED);
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "1:1:1");
}
END_TEST

/* --- two claimers --------------------------------------------------------------------------------------------- */

enum { TOWNSHIPS = 4, HOUSEHOLDS = 60, EVENTS = 1200 };

static atomic_bool stop_watching;
static atomic_int breaches;

/* What may be repeated is none. */
static void breach(const struct error *why)
{
    if (why->status == STATUS_RETRY)
        return;
    fprintf(stderr, "two_claimers: %s\n", why->text);
    atomic_fetch_add(&breaches, 1);
}

/* Some attempts fail, some answers are lost (the lease runs out). */
static void answer(struct courier *own_courier, struct random *random, const struct outbox_claim *mine,
                   size_t n)
{
    struct error own;
    int64_t affected;
    for (size_t i = 0; i < n; i++) {
        uint64_t luck = random_below(random, 10);
        struct outbox_result result = result_of(&mine[i], luck == 0 ? OUTBOX_AGAIN : OUTBOX_DELIVERED);
        if (luck != 1 && courier_record(own_courier, &result, 1, &affected, &own))
            breach(&own);
    }
}

/* True once nothing is left. Where nobody can tell yet the question is repeated; where nobody ever can, that is a breach. */
static bool nothing_left(struct pg *pg)
{
    struct error own;
    struct pg_result *left;
    if (pg_query(pg, "select count(*) from delivery where finished_at is null", pg_params(), &left, &own)) {
        breach(&own);
        return own.status != STATUS_RETRY || pg_is_broken(pg);
    }
    bool none = pg_get_int64(left, 0, 0) == 0;
    pg_result_free(left);
    return none;
}

/* Delivers until nothing is left. A claim may have to be repeated: an answer can come between its look and its lock. */
static void *deliver(void *seed)
{
    struct error own;
    struct random random;
    struct pg *pg = fixture_connect("test_daemon");
    struct courier *own_courier = courier_new("test_daemon");
    random_seed(&random, (uint64_t)(uintptr_t)seed);
    do {
        struct arena *memory = arena_new(0);
        struct outbox_ask asks[TOWNSHIPS];
        const struct outbox_claim *mine;
        size_t n;
        for (int i = 0; i < TOWNSHIPS; i++)
            asks[i] = (struct outbox_ask){.township = NORTH + i,
                                          .limit = (int32_t)random_below(&random, 8),
                                          .probe = random_below(&random, 4) == 0};
        if (courier_claim(own_courier, asks, TOWNSHIPS, 20, memory, &mine, &n, &own))
            breach(&own);
        answer(own_courier, &random, mine, n);
        arena_free(memory);
    } while (!nothing_left(pg));
    courier_free(own_courier);
    pg_close(pg);
    return NULL;
}

/* Two events of one household in flight to one township at a time, ever? */
static void *watch(void *unused)
{
    struct error own;
    struct pg *pg = fixture_connect("test_daemon");
    while (!atomic_load(&stop_watching)) {
        struct pg_result *result;
        if (pg_query(
                pg,
                "select count(*) from (select from delivery where state = 'in_flight' and lease_until > now()"
                " group by household_id, township_code having count(*) > 1) t",
                pg_params(), &result, &own)) {
            breach(&own);
            continue;
        }
        if (pg_get_int64(result, 0, 0))
            atomic_fetch_add(&breaches, 1);
        pg_result_free(result);
    }
    pg_close(pg);
    return unused;
}

START_TEST(two_claimers)
{
    pthread_t threads[3];
    fixture_sql("insert into endpoint (township_code) select 610922101 + n from generate_series(0, 3) n on"
                " conflict do nothing");
    fixture_sql("insert into outbox (household_id, event_id, township_code, type, event)"
                " select n % 60, gen_random_uuid(), 610922101 + n / 5 % 4, 'warning.raised', '{}'"
                " from generate_series(1, 1200) n");
    fixture_sql(
        "insert into delivery (household_id, event_id, outbox_no, township_code, priority, state, expires_at)"
        " select household_id, event_id, outbox_no, township_code, outbox_no % 5, 'queued', now() + '1 day'"
        " from outbox");
    ck_assert_int_eq(pthread_create(&threads[0], NULL, deliver, (void *)11), 0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, deliver, (void *)22), 0);
    ck_assert_int_eq(pthread_create(&threads[2], NULL, watch, NULL), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    atomic_store(&stop_watching, true);
    pthread_join(threads[2], NULL);
    ck_assert_int_eq(atomic_load(&breaches), 0);
    ck_assert_str_eq(fixture_text("select state, count(*) from delivery group by state"), "delivered,1200");
    /* No gap, no number twice, and last_sequence is the last. */
    ck_assert_str_eq(fixture_text("select township_code from delivery join endpoint using (township_code)"
                                  " group by township_code, last_sequence having min(sequence) <> 1"
                                  " or max(sequence) <> count(*) or count(distinct sequence) <> count(*)"
                                  " or last_sequence <> count(*)"),
                     "");
    /* A household's events were told in the order in which they were written. */
    ck_assert_int_eq(
        fixture_int("select count(*) from (select sequence < lag(sequence) over (partition by household_id,"
                    " township_code order by outbox_no) as wrong from delivery) t where wrong"),
        0);
    ck_assert_int_gt(fixture_int("select count(*) from delivery where attempts > 1"), 0);
}
END_TEST

/* --- from the loop -------------------------------------------------------------------------------------------- */

static struct loop *loop;
static struct pg_async *async;
static int answers;
static enum status answered;
static int64_t number;

#define turn_until(condition)                                                                                \
    do {                                                                                                     \
        int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;                                               \
        while (!(condition)) {                                                                               \
            ck_assert_msg(clock_monotonic_ms() < until_ms, "never came true: %s", #condition);               \
            must(loop_turn(loop, 50, &err));                                                                 \
        }                                                                                                    \
    } while (0)

static void open_loop(void)
{
    char conninfo[512];
    must(loop_new(&loop, &err));
    must(pg_async_new(loop, fixture_conninfo("test_daemon", conninfo), "async", NULL, NULL, &async, &err));
    turn_until(pg_async_is_up(async));
}

static void close_loop(void)
{
    pg_async_free(async);
    loop_free(loop);
}

static struct outbox_claim kept;

static void on_claimed(void *context, enum status status, const struct outbox_claim *got, size_t n,
                       const struct error *why)
{
    (void)context;
    (void)why;
    answers++;
    answered = status;
    number = (int64_t)n;
    if (n) {
        kept = got[0];
        ck_assert(slice_is(got[0].event, "{\"a\":1}"));
    }
}

static void on_recorded(void *context, enum status status, int64_t affected, const struct error *why)
{
    (void)context;
    (void)why;
    answers++;
    answered = status;
    number = affected;
}

START_TEST(async_round_trip)
{
    open_loop();
    put(1, NORTH, 1, 0);
    put(2, NORTH, 2, 0);
    put(3, SOUTH, 2, 0);
    const struct outbox_ask ask = {.township = NORTH, .limit = 1};
    must(outbox_claim_async(async, 0, &ask, 1, MINUTE_MS, INT64_MAX, PATIENCE_MS, on_claimed, NULL, &err));
    turn_until(answers == 1);
    ck_assert_int_eq(answered, STATUS_OK);
    ck_assert_int_eq(number, 1);
    struct outbox_result result = result_of(&kept, OUTBOX_AGAIN);
    must(outbox_record_async(async, 0, &result, 1, PATIENCE_MS, on_recorded, NULL, &err));
    must(outbox_hold_endpoint_async(async, 0, SOUTH, "answered 410", PATIENCE_MS, on_recorded, NULL, &err));
    turn_until(answers == 3);
    ck_assert_int_eq(number, 1);
    ck_assert_str_eq(fixture_text("select held_reason from endpoint where state = 'held'"),
                     "\"answered 410\"");
    ck_assert_str_eq(
        fixture_text("select actor, detail from audit where action = 'endpoint.hold'"),
        "daemon,\"{\"\"reason\"\": \"\"answered 410\"\", \"\"township\"\": \"\"610922102\"\"}\"");
    close_loop();
}
END_TEST

static struct outbox_overdue late;

static void on_overdue(void *context, enum status status, const struct outbox_overdue *overdue, size_t n,
                       const struct error *why)
{
    (void)context;
    (void)why;
    answers++;
    answered = status;
    number = (int64_t)n;
    if (n)
        late = overdue[0];
}

enum { LONG_BODY = 20000, OVERDUE_BODY = 1000000 };

/* Fetched, of which townships, and not fetched. */
static char fetched[64];

static void on_long(void *context, enum status status, const struct outbox_claim *got, size_t n,
                    const struct error *why)
{
    (void)context;
    (void)why;
    answers++;
    answered = status;
    number = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        const bool whole = got[i].event.bytes != NULL;
        ck_assert(!whole || got[i].event.length >= LONG_BODY);
        fetched[i] = whole ? (got[i].township == NORTH ? 'N' : 'S') : '-';
    }
    fetched[n] = '\0';
}

START_TEST(bodies_are_fetched_by_turns_until_they_come_to_so_many_bytes)
{
    static const struct {
        int64_t bytes_max;
        const char *fetched;
    } cases[] = {{1, "N-------"},
                 {LONG_BODY, "N-------"},
                 {LONG_BODY + 1, "N---S---"},
                 {3 * LONG_BODY, "NN--S---"},
                 {100 * LONG_BODY, "NNNNSSSS"}};
    static char body[LONG_BODY + 1], longest[OVERDUE_BODY + 1];
    memset(body, 'x', LONG_BODY);
    memset(longest, 'x', OVERDUE_BODY);
    open_loop();
    for (int n = 1; n <= 4; n++) {
        put_body(n, NORTH, n, 0, body);
        put_body(4 + n, SOUTH, n, 0, body);
    }
    const struct outbox_ask asks[] = {{.township = NORTH, .limit = 9}, {.township = SOUTH, .limit = 9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must(outbox_claim_async(async, 0, asks, 2, MINUTE_MS, cases[i].bytes_max, PATIENCE_MS, on_long, NULL,
                                &err));
        turn_until(answers == (int)i + 1);
        ck_assert_int_eq(answered, STATUS_OK);
        ck_assert_str_eq(fetched, cases[i].fetched);
        fixture_sql("update delivery set lease_until = now()");
    }
    for (int n = 11; n <= 18; n++)
        put_body(n, NORTH, n, 0, longest);
    fixture_sql("update delivery set expires_at = now() where event_id::text like '%0001_'");
    must(outbox_overdue_async(async, 100, clock_unix_ms(), PATIENCE_MS, on_overdue, NULL, &err));
    turn_until(answers == 1 + (int)(sizeof cases / sizeof cases[0]));
    ck_assert_int_eq(number, OUTBOX_OVERDUE_BYTES / OVERDUE_BODY + 1);
    close_loop();
}
END_TEST

START_TEST(a_probe_is_any_event_that_is_due)
{
    enum { PUT = 8 };
    bool probed[PUT + 1] = {false};
    int kinds = 0;
    for (int n = 1; n <= PUT; n++)
        put(n, NORTH, n, n % 3);
    put(PUT + 1, NORTH, 1, 0); /* behind the household's first */
    fixture_sql("update delivery set next_attempt_at = now() + '1 minute' where event_id::text like '%3'");
    for (int i = 0; i < 200; i++) {
        const struct outbox_ask ask = {.township = NORTH, .limit = 5, .probe = true};
        must(courier_claim(courier, &ask, 1, MINUTE_MS, arena, &claims, &count, &err));
        ck_assert_uint_eq(count, 1);
        int n = atoi(claims[0].event_id + 24);
        ck_assert_int_le(n, PUT);
        ck_assert_int_ne(n, 3);
        kinds += !probed[n];
        probed[n] = true;
        record(0, OUTBOX_RELEASED);
    }
    ck_assert_int_eq(kinds, PUT - 1);
    put(50, NORTH, 0, -1); /* an endpoint test */
    const struct outbox_ask ask = {.township = NORTH, .limit = 1, .probe = true};
    must(courier_claim(courier, &ask, 1, MINUTE_MS, arena, &claims, &count, &err));
    ck_assert_int_eq(atoi(claims[0].event_id + 24), 50);
}
END_TEST

START_TEST(giving_up)
{
    open_loop();
    put(1, NORTH, 1, 0);
    put(2, NORTH, 1, 0);
    fixture_sql("update delivery set expires_at = now() where event_id::text like '%1'");
    claim(NORTH, 10, MINUTE_MS); /* out of its term: not sent any more, nor what comes after */
    ck_assert_uint_eq(count, 0);
    must(outbox_overdue_async(async, 10, clock_unix_ms() - INT64_C(2) * DAY_MS, PATIENCE_MS, on_overdue, NULL,
                              &err));
    turn_until(answers == 1); /* the database's clock has leapt ahead */
    ck_assert_int_eq(number, 0);
    answers = 0;
    must(outbox_overdue_async(async, 10, clock_unix_ms(), PATIENCE_MS, on_overdue, NULL, &err));
    turn_until(answers == 1);
    ck_assert_int_eq(number, 1);
    ck_assert_str_eq(late.event_id, id(1));

    const struct outbox_event instead = {.household_id = 1,
                                         .event_id = id(9),
                                         .township = COUNTY,
                                         .type = "warning.overdue",
                                         .priority = 0,
                                         .term_ms = MINUTE_MS,
                                         .event = slice_of("{}")};
    for (int i = 0; i < 2; i++) { /* twice: the second time nothing is left to give up */
        must(outbox_give_up_async(async, 0, 1, id(1), &instead, PATIENCE_MS, on_recorded, NULL, &err));
        turn_until(answers == 2 + i);
        ck_assert_int_eq(answered, STATUS_OK);
        ck_assert_int_eq(number, i == 0);
    }
    ck_assert_str_eq(fixture_text("select township_code, state from delivery order by outbox_no"),
                     "610922101,expired;610922101,queued;610922,queued");
    claim(COUNTY, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "9:1:1");
    claim(NORTH, 10, MINUTE_MS);
    ck_assert_str_eq(claimed(), "2:1:1");

    must(outbox_put_async(async, 0, &instead, PATIENCE_MS, on_recorded, NULL,
                          &err)); /* the same event again */
    turn_until(answers == 4);
    ck_assert_int_eq(number, 0);
    fixture_sql("update delivery set expires_at = now(), lease_until = now() where event_id::text like '%2'");
    must(outbox_give_up_async(async, 0, 1, id(2), NULL, PATIENCE_MS, on_recorded, NULL, &err));
    turn_until(answers == 5);
    ck_assert_int_eq(number, 1);
    close_loop();
}
END_TEST

/* --- listings ------------------------------------------------------------------------------------------------- */

static char listed[512];

static enum status see(void *context, const struct listing_delivery *delivery, struct error *error)
{
    (void)context;
    (void)error;
    size_t used = strlen(listed);
    snprintf(listed + used, sizeof listed - used, "%d:%.*s:%d ", atoi(delivery->event_id + 24),
             (int)delivery->state.length, delivery->state.bytes, (int)delivery->sequence);
    return STATUS_OK;
}

START_TEST(listings)
{
    struct listing_status status;
    put(1, NORTH, 1, 0);
    put(2, NORTH, 2, 0);
    put(3, SOUTH, 3, 0);
    put(4, NORTH, 4, 0);
    claim(NORTH, 2, MINUTE_MS);
    record(0, OUTBOX_FAILED);
    fixture_sql("insert into outbox (household_id, event_id, township_code, type, event, created_at)"
                " values (5, '00000000-0000-7000-8000-000000000005', 610922101, 'check.raised', '{}', now()"
                " - interval '2 h')");
    fixture_sql(
        "insert into delivery (household_id, event_id, outbox_no, township_code, priority, state, expires_at, created_at)"
        " select household_id, event_id, outbox_no, township_code, 4, 'queued', now() + '1 day', created_at from outbox"
        " where household_id = 5");
    must(listing_queue(db, 0, NULL, 0, see, NULL, &err));
    ck_assert_str_eq(listed, "1:failed:1 2:in_flight:2 3:queued:0 4:queued:0 5:queued:0 ");
    listed[0] = '\0';
    must(listing_queue(db, NORTH, "queued", 1, see, NULL, &err));
    ck_assert_str_eq(listed, "4:queued:0 ");
    const struct listing_shape *shapes;
    must(listing_queue_shape(db, arena, &shapes, &count, &err));
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(shapes[0].township, NORTH);
    ck_assert_int_eq(shapes[0].count[0], 2);
    ck_assert_int_eq(shapes[0].count[3], 1);
    ck_assert_int_eq(shapes[0].failed, 1);
    ck_assert_int_eq(shapes[0].queued + shapes[0].in_flight, 3);
    ck_assert_int_ge(shapes[0].oldest_ms, 7200000);
    must(listing_status(db, shapes, count, &status, &err));
    ck_assert_int_eq(status.queue_waiting, 3);
    ck_assert_int_eq(status.queue_in_flight, 1);
    ck_assert_int_eq(status.queue_failed, 1);
    ck_assert_int_ge(status.queue_oldest_ms, 7200000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_outbox");
    TCase *tests = tcase_create("outbox");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(tests, fixture_queue, fixture_end);
    tcase_add_test(tests, order);
    tcase_add_test(tests, retries);
    tcase_add_test(tests, released);
    tcase_add_test(tests, moved);
    tcase_add_test(tests, paused);
    tcase_add_test(tests, lease_expires);
    tcase_add_test(tests, held);
    tcase_add_test(tests, sent_again);
    tcase_add_test(tests, requeued_behind);
    tcase_add_test(tests, two_claimers);
    tcase_add_test(tests, async_round_trip);
    tcase_add_test(tests, giving_up);
    tcase_add_test(tests, bodies_are_fetched_by_turns_until_they_come_to_so_many_bytes);
    tcase_add_test(tests, a_probe_is_any_event_that_is_due);
    tcase_add_test(tests, listings);
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
