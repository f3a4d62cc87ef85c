/* SPDX-License-Identifier: PostgreSQL */
/* The connection on the loop: order, errors, deadlines, loss and return. */
#include "config.h"

#include "base/clock.h"
#include "io/loop.h"
#include "store_fixture.h"

#include <stdio.h>
#include <string.h>

static struct loop *loop;
static struct pg_async *async;

static int ups, downs;
static struct error last_down;

static void on_state(void *context, bool up, const struct error *why)
{
    (void)context;
    ups += up;
    downs += !up;
    if (!up)
        last_down = *why;
}

struct outcome {
    int calls;
    enum status status;
    int64_t value;
    int order;
    char text[ERROR_TEXT_MAX];
};
static int answered;

static void on_done(void *context, enum status status, const struct pg_result *result,
                    const struct error *why)
{
    struct outcome *outcome = context;
    outcome->calls++;
    outcome->status = status;
    outcome->order = ++answered;
    if (status)
        snprintf(outcome->text, sizeof outcome->text, "%s", why->text);
    else if (pg_result_rows(result))
        outcome->value = pg_get_int64(result, 0, 0);
    ck_assert(!status == (result != NULL));
}

/* Turns until the condition holds; fails after a minute. */
#define turn_until(condition)                                                                                \
    do {                                                                                                     \
        int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;                                               \
        while (!(condition)) {                                                                               \
            ck_assert_msg(clock_monotonic_ms() < until_ms, "never came true: %s", #condition);               \
            must(loop_turn(loop, 50, &err));                                                                 \
        }                                                                                                    \
    } while (0)

static void start(void)
{
    char conninfo[512];
    fixture_empty();
    must(loop_new(&loop, &err));
    must(pg_async_new(loop, fixture_conninfo(NULL, conninfo), "async", on_state, NULL, &async, &err));
    ck_assert(!pg_async_is_up(async));
    turn_until(pg_async_is_up(async));
    ck_assert_int_eq(ups, 1);
}

static void stop(void)
{
    pg_async_free(async);
    loop_free(loop);
    fixture_drop();
}

static void submit(const char *sql, int timeout_ms, struct outcome *outcome)
{
    must(pg_async_submit(async, sql, pg_params(pg_of_int64(7)), timeout_ms, on_done, outcome, &err));
}

START_TEST(in_order)
{
    enum { COUNT = 200 };
    static struct outcome outcomes[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, i == 100 ? "select 1/0" : "select $1 * %d", i);
        submit(sql, PATIENCE_MS, &outcomes[i]);
        ck_assert_int_eq(outcomes[i].calls, 0);
    }
    turn_until(outcomes[COUNT - 1].calls > 0);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(outcomes[i].calls, 1);
        ck_assert_int_eq(outcomes[i].order, i + 1);
        ck_assert_int_eq(outcomes[i].status, i == 100 ? STATUS_FATAL : STATUS_OK);
        ck_assert_int_eq(outcomes[i].value, i == 100 ? 0 : 7 * i);
    }
    ck_assert_ptr_nonnull(strstr(outcomes[100].text, "22012"));
}
END_TEST

static struct outcome second;

static void submit_again(void *context, enum status status, const struct pg_result *result,
                         const struct error *why)
{
    on_done(context, status, result, why);
    struct error refused;
    if (pg_async_submit(async, "select $1", pg_params(pg_of_int64(9)), PATIENCE_MS, on_done, &second,
                        &refused))
        snprintf(second.text, sizeof second.text, "%s", refused.text);
}

START_TEST(from_a_callback)
{
    static struct outcome first;
    must(pg_async_submit(async, "select $1", pg_params(pg_of_int64(8)), PATIENCE_MS, submit_again, &first,
                         &err));
    turn_until(second.calls);
    ck_assert_int_eq(first.value, 8);
    ck_assert_int_eq(second.value, 9);
}
END_TEST

/* Large parameters and large answers do not fit into one write or one read. */
START_TEST(large)
{
    enum { COUNT = 500000 };
    static int64_t numbers[COUNT];
    static struct outcome sum, rows;
    for (int64_t i = 0; i < COUNT; i++)
        numbers[i] = i;
    must(pg_async_submit(async, "select sum(n)::bigint from unnest($1) n",
                         pg_params(pg_of_int64_array(numbers, COUNT)), PATIENCE_MS, on_done, &sum, &err));
    must(pg_async_submit(async, "select count(*) over (), repeat('x', 100) from generate_series(1, $1)",
                         pg_params(pg_of_int64(COUNT)), PATIENCE_MS, on_done, &rows, &err));
    turn_until(rows.calls);
    ck_assert_int_eq(sum.value, (int64_t)COUNT * (COUNT - 1) / 2);
    ck_assert_int_eq(rows.value, COUNT);
}
END_TEST

/* A statement that does not answer costs the connection; one that waits too long costs nothing else. */
START_TEST(deadlines)
{
    static struct outcome slow, waiting, later;
    /* The slow one answers when it is let go, however late this process is. */
    must(pg_exec(db, "select pg_advisory_lock(1)", &err));
    submit("select 7 from pg_advisory_lock(1)", PATIENCE_MS, &slow);
    submit("select 8", 100, &waiting);
    turn_until(waiting.calls);
    ck_assert_int_eq(waiting.status, STATUS_RETRY);
    ck_assert_int_eq(slow.calls, 0);
    must(pg_exec(db, "select pg_advisory_unlock(1)", &err));
    turn_until(slow.calls);
    ck_assert_int_eq(slow.status, STATUS_OK);
    ck_assert_int_eq(downs, 0);

    slow = (struct outcome){0};
    submit("select 7 from pg_sleep(60)", 100, &slow);
    submit("select 9", PATIENCE_MS, &later);
    turn_until(slow.calls);
    ck_assert_int_eq(slow.status, STATUS_RETRY);
    ck_assert_int_eq(later.status, STATUS_RETRY);
    ck_assert_int_eq(later.calls, 1);
    ck_assert_int_eq(downs, 1);
    turn_until(pg_async_is_up(async));
}
END_TEST

static void terminate_all(void)
{
    fixture_int("select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity"
                " where application_name = 'async' and datname = current_database()");
}

START_TEST(lost_and_back)
{
    static struct outcome before, after, again;
    submit("select 1 from pg_sleep(60)", 30000, &before);
    must(loop_turn(loop, 10, &err));
    must(loop_turn(loop, 10, &err));
    terminate_all();
    turn_until(before.calls);
    ck_assert_int_eq(before.status, STATUS_RETRY);
    turn_until(downs == 1);
    ck_assert_int_eq(pg_async_submit(async, "select 1", pg_params(), 1000, on_done, &after, &err),
                     STATUS_RETRY);
    ck_assert_int_eq(after.calls, 0);
    turn_until(pg_async_is_up(async));
    ck_assert_int_eq(ups, 2);

    terminate_all(); /* while idle: noticed without anybody asking */
    turn_until(downs == 2);
    turn_until(pg_async_is_up(async));
    submit("select 5", PATIENCE_MS, &again);
    turn_until(again.calls);
    ck_assert_int_eq(again.value, 5);
}
END_TEST

START_TEST(freed_with_work)
{
    static struct outcome outcomes[3];
    for (int i = 0; i < 3; i++)
        submit("select 1 from pg_sleep(60)", 30000, &outcomes[i]);
    must(loop_turn(loop, 10, &err));
    pg_async_free(async);
    async = NULL;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(outcomes[i].calls, 1);
        ck_assert_int_eq(outcomes[i].status, STATUS_RETRY);
    }
    must(loop_turn(loop, 10, &err));
}
END_TEST

START_TEST(bounded_queue)
{
    static struct outcome outcome;
    submit("select 1 from pg_sleep(60)", 30000, &outcome);
    must(loop_turn(loop, 10, &err));
    for (int i = 0; i < PG_ASYNC_QUEUE_MAX; i++)
        submit("select 1", 30000, &outcome);
    ck_assert_int_eq(pg_async_submit(async, "select 1", pg_params(), 1000, on_done, &outcome, &err),
                     STATUS_RETRY);
    ck_assert_int_eq(
        pg_async_submit(async, "select $1", pg_params(pg_of_uuid("?")), 1000, on_done, &outcome, &err),
        STATUS_RETRY);
    pg_async_free(async);
    async = NULL;
    ck_assert_int_eq(outcome.calls, 1 + PG_ASYNC_QUEUE_MAX);
}
END_TEST

static const struct {
    const char *conninfo, *word;
} unreachable[] = {
    {"host=/nonexistent dbname=x", "cannot be reached"},
    {"host=no-such-host.invalid dbname=x", "resolved"},
    {"host=localhost port=1 dbname=x", "cannot be reached"},
    {"host=no-such-host.invalid,127.0.0.1 port=1 dbname=x", "cannot be reached"},
};

/* Attempts come back with growing pauses, and the loop goes on meanwhile. */
START_TEST(backs_off)
{
    struct pg_async *other;
    must(pg_async_new(loop, unreachable[_i].conninfo, "async", on_state, NULL, &other, &err));
    turn_until(downs >= 1);
    ck_assert_msg(strstr(last_down.text, unreachable[_i].word), "%s", last_down.text);
    int64_t first_ms = clock_monotonic_ms();
    turn_until(downs >= 3);
    ck_assert_int_ge(clock_monotonic_ms() - first_ms, PG_BACKOFF_MIN_MS / 2 + PG_BACKOFF_MIN_MS);
    pg_async_free(other);
}
END_TEST

START_TEST(unreadable_conninfo)
{
    struct pg_async *other;
    ck_assert_int_eq(pg_async_new(loop, "nonsense=1", "async", on_state, NULL, &other, &err), STATUS_CONFIG);
    ck_assert_ptr_null(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_async");
    TCase *tests = tcase_create("async");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, in_order);
    tcase_add_test(tests, from_a_callback);
    tcase_add_test(tests, large);
    tcase_add_test(tests, deadlines);
    tcase_add_test(tests, lost_and_back);
    tcase_add_test(tests, freed_with_work);
    tcase_add_test(tests, bounded_queue);
    tcase_add_loop_test(tests, backs_off, 0, sizeof unreachable / sizeof *unreachable);
    tcase_add_test(tests, unreadable_conninfo);
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
