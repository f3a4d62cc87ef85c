/* SPDX-License-Identifier: PostgreSQL */
/* Who leads: taking, keeping, leaving, evicting; and that nothing is written under a token that is no longer the row's. */
#include "io/loop.h"
#include "store/lease.h"
#include "store/outbox.h"
#include "store/round_store.h"
#include "store_fixture.h"

#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = PATIENCE_MS, TERM_MS = 60000, TOWNSHIP = 610922103, OLD = 7, NEW = 8 };
static const char event_id[] = "01890a5d-ac96-774b-bcce-b302099a8057",
                  other_id[] = "01890a5d-ac96-774b-bcce-b302099a8058";

static struct loop *loop;
static struct pg_async *async;
static enum status answered;
static struct lease_seen seen;
static int64_t affected;
static size_t claimed;

/* --- the loop ------------------------------------------------------------------------------------------------- */

static void on_state(void *context, bool up, const struct error *why)
{
    (void)context;
    (void)why;
    if (up)
        loop_stop(loop);
}

static void open_loop(void)
{
    char conninfo[512];
    must(loop_new(&loop, &err));
    must(pg_async_new(loop, fixture_conninfo(NULL, conninfo), "shouwangd-lease", on_state, NULL, &async,
                      &err));
    must(loop_run(loop, &err));
}

static void close_loop(void)
{
    pg_async_free(async);
    loop_free(loop);
}

static void on_lease(void *context, enum status status, const struct lease_seen *row, const struct error *why)
{
    (void)context;
    answered = status;
    if (status == STATUS_OK)
        seen = *row;
    else
        err = *why;
    loop_stop(loop);
}

static void on_count(void *context, enum status status, int64_t rows, const struct error *why)
{
    (void)context;
    answered = status;
    affected = rows;
    if (status)
        err = *why;
    loop_stop(loop);
}

static void on_claims(void *context, enum status status, const struct outbox_claim *claims, size_t count,
                      const struct error *why)
{
    (void)claims;
    claimed = count;
    on_count(context, status, 0, why);
}

/* Submits, runs until the answer, which is left in the variables above. */
#define answer_of(call)                                                                                      \
    do {                                                                                                     \
        must(call);                                                                                          \
        must(loop_run(loop, &err));                                                                          \
    } while (0)

static void take_patiently(const char *holder, bool again, int64_t duration_ms, int64_t patience_ms)
{
    answer_of(
        lease_take_async(async, holder, again, duration_ms, patience_ms, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert_int_eq(answered, STATUS_OK);
}

static void take(const char *holder, bool again, int64_t duration_ms)
{
    take_patiently(holder, again, duration_ms, 0);
}

/* --- who leads ------------------------------------------------------------------------------------------------ */

START_TEST(one_leads)
{
    open_loop();
    take("a", false, TERM_MS);
    ck_assert(seen.ours);
    ck_assert_str_eq(seen.holder, "");
    ck_assert_int_gt(seen.taken_unix_ms, 0);
    int64_t token = seen.token;
    ck_assert_int_gt(token, 0);

    take("b", true, TERM_MS);
    ck_assert(!seen.ours && !seen.expired);
    ck_assert_str_eq(seen.holder, "a");
    ck_assert_int_eq(seen.token, token);
    take("a", false, TERM_MS); /* its own name is another process unless it says so */
    ck_assert(!seen.ours);
    answer_of(lease_keep_async(async, "a", token, TERM_MS, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert(seen.ours);
    take("a", true, TERM_MS);
    ck_assert(seen.ours);
    ck_assert_int_eq(seen.token, token + 1);
    answer_of(lease_keep_async(async, "a", token, TERM_MS, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert(!seen.ours);

    answer_of(lease_leave_async(async, token, TIMEOUT_MS, on_lease, NULL, &err)); /* not its own any more */
    take("b", false, TERM_MS);
    ck_assert(!seen.ours);
    answer_of(lease_leave_async(async, token + 1, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert_int_eq(lease_begin(db, token + 1, &err), STATUS_RETRY); /* whoever left writes nothing more */
    take("b", false, TERM_MS);
    ck_assert(seen.ours);
    ck_assert_int_gt(seen.token, token + 1);
    close_loop();
}
END_TEST

/* What was begun under a leadership that is given back meanwhile is committed before anybody else leads. */
START_TEST(a_leave_overtakes_what_is_under_way)
{
    open_loop();
    take("a", false, TERM_MS);
    must(lease_begin(db, seen.token, &err));
    answer_of(lease_leave_async(async, seen.token, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert_int_eq(answered, STATUS_OK);
    take("b", false, TERM_MS);
    ck_assert(!seen.ours);
    must(pg_commit(db, &err));
    take("b", false, TERM_MS);
    ck_assert(seen.ours);
    close_loop();
}
END_TEST

/* As a failover leaves it that has lost the last commits: what was taken is free again, and its token is given again. */
START_TEST(a_token_that_was_given_twice_is_the_last_ones)
{
    open_loop();
    take("a", false, TERM_MS);
    int64_t token = seen.token;
    fixture_sql(
        "update lease set token = token - 1, holder = '', expires_at = '-infinity' where name = 'leader'");
    take("b", false, TERM_MS);
    ck_assert(seen.ours);
    ck_assert_int_eq(seen.token, token);
    answer_of(lease_keep_async(async, "a", token, TERM_MS, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert(!seen.ours);
    ck_assert_str_eq(seen.holder, "b");
    answer_of(lease_keep_async(async, "b", token, TERM_MS, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert(seen.ours);
    close_loop();
}
END_TEST

START_TEST(expiry_is_the_databases)
{
    open_loop();
    take("a", false, TERM_MS);
    int64_t token = seen.token;
    fixture_sql("update lease set expires_at = clock_timestamp() where name = 'leader'");
    answer_of(lease_keep_async(async, "a", token, TERM_MS, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert(seen.ours); /* nobody has taken it meanwhile */
    fixture_sql("update lease set expires_at = clock_timestamp() where name = 'leader'");
    take("b", false, TERM_MS);
    ck_assert(seen.ours);
    ck_assert_str_eq(seen.holder, "a");
    close_loop();
}
END_TEST

/* An unfit holder keeps it run out; who is no fitter waits until it was not kept for a while. */
START_TEST(patience)
{
    open_loop();
    take("a", false, TERM_MS);
    int64_t token = seen.token;
    answer_of(lease_keep_async(async, "a", token, 0, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert(seen.ours);
    take_patiently("b", false, 0, 60000);
    ck_assert(!seen.ours && !seen.expired);
    must(lease_begin(db, token, &err)); /* it is still a's */
    must(pg_commit(db, &err));
    answer_of(lease_keep_async(async, "a", token, 0, TIMEOUT_MS, on_lease, NULL, &err));
    ck_assert(seen.ours);
    fixture_sql(
        "update lease set expires_at = clock_timestamp() - interval '61 seconds' where name = 'leader'");
    take_patiently("b", false, 0, 60000);
    ck_assert(seen.ours);
    ck_assert_str_eq(seen.holder, "a");
    take("a", false, TERM_MS); /* fit by now */
    ck_assert(seen.ours);
    ck_assert_str_eq(seen.holder, "b");
    close_loop();
}
END_TEST

/* The holder died while the server's clock was years ahead, or one that was is set right: nobody can have prolonged it so far. */
START_TEST(a_clock_that_was_set_back_keeps_no_lease)
{
    open_loop();
    take("a", false, TERM_MS);
    fixture_sql(
        "update lease set expires_at = clock_timestamp() + interval '4 minutes' where name = 'leader'");
    take("b", false, TERM_MS); /* another may have a longer term than ours */
    ck_assert(!seen.ours);
    fixture_sql("update lease set expires_at = clock_timestamp() + interval '3 years' where name = 'leader'");
    take("b", false, TERM_MS);
    ck_assert(seen.ours);
    ck_assert_str_eq(seen.holder, "a");
    close_loop();
}
END_TEST

START_TEST(an_open_transaction_is_ended)
{
    char conninfo[512], named[600];
    struct pg *left;
    open_loop();
    take("a", false, TERM_MS);
    /* Whatever name the operator's conninfo gives: the session is known as ours. */
    snprintf(named, sizeof named, "%s application_name=county", fixture_conninfo(NULL, conninfo));
    must(pg_connect(named, "shouwangd-job", TIMEOUT_MS, &left, &err));
    must(lease_begin(left, seen.token, &err));
    must(pg_exec(left, "create temporary table mark (a integer)", &err));

    /* As long as the lease runs, nobody's session is ended. */
    answer_of(lease_evict_async(async, TIMEOUT_MS, on_count, NULL, &err));
    ck_assert_int_eq(answered, STATUS_OK);
    ck_assert_int_eq(affected, 0);
    fixture_sql("update lease set expires_at = clock_timestamp() where name = 'leader'");
    take("b", false, TERM_MS);
    ck_assert(!seen.ours && seen.expired);
    must(pg_begin(db, PG_READ_COMMITTED, &err)); /* shouwangctl's import, say */
    must(lease_lock(db, LEASE_INGEST, 0, &err));
    answer_of(lease_evict_async(async, TIMEOUT_MS, on_count, NULL, &err));
    ck_assert_int_eq(answered, STATUS_OK);
    ck_assert_int_eq(affected, 1);
    for (seen.ours = false;
         !seen.ours;) /* its backend takes a moment to end; the test's time-out bounds this */
        take("b", false, TERM_MS);
    ck_assert_int_eq(pg_commit(left, &err), STATUS_RETRY);
    must(pg_commit(db, &err));
    pg_close(left);
    close_loop();
}
END_TEST

/* --- nothing is written under an old token -------------------------------------------------------------------- */

static void two_events(void)
{
    for (int i = 0; i < 2; i++) {
        const struct outbox_event event = {.event_id = i ? other_id : event_id,
                                           .township = TOWNSHIP,
                                           .type = "endpoint.test",
                                           .term_ms = 60000,
                                           .event = slice_of("{}")};
        answer_of(outbox_put_async(async, 0, &event, TIMEOUT_MS, on_count, NULL, &err));
        ck_assert_int_eq(affected, 1);
    }
}

static const char everything[] =
    "select (select string_agg(d::text, ';' order by event_id) from delivery d),"
    " (select string_agg(e::text, ';' order by township_code) from endpoint e), (select count(*) from outbox),"
    " (select count(*) from audit), (select string_agg(r::text, ';' order by round_id) from round r)";

/* Each with an old token, then with the one that holds. */
static void write_event(int64_t leader)
{
    static const char id[] = "01890a5d-ac96-774b-bcce-b302099a8059";
    struct outbox_event event = {.event_id = id,
                                 .township = TOWNSHIP,
                                 .type = "endpoint.test",
                                 .term_ms = 60000,
                                 .event = slice_of("{}")};
    answer_of(outbox_put_async(async, leader, &event, TIMEOUT_MS, on_count, NULL, &err));
}

static void write_claim(int64_t leader)
{
    struct outbox_ask ask = {.township = TOWNSHIP, .limit = 1};
    answer_of(
        outbox_claim_async(async, leader, &ask, 1, TERM_MS, INT64_MAX, TIMEOUT_MS, on_claims, NULL, &err));
    affected = answered == STATUS_OK ? (int64_t)claimed : 0;
}

static void write_result(int64_t leader)
{
    struct outbox_result result = {
        .township = TOWNSHIP, .attempts = 1, .outcome = OUTBOX_DELIVERED, .http_status = 204};
    memcpy(result.event_id, event_id, sizeof result.event_id);
    answer_of(outbox_record_async(async, leader, &result, 1, TIMEOUT_MS, on_count, NULL, &err));
}

static void write_end(int64_t leader)
{
    fixture_sql("update delivery set expires_at = '2021-01-01' where state = 'queued' and event_id ="
                " '01890a5d-ac96-774b-bcce-b302099a8058'");
    answer_of(outbox_give_up_async(async, leader, 0, other_id, NULL, TIMEOUT_MS, on_count, NULL, &err));
}

static void write_hold(int64_t leader)
{
    answer_of(outbox_hold_endpoint_async(async, leader, TOWNSHIP, "gone", TIMEOUT_MS, on_count, NULL, &err));
}

static void write_round(int64_t leader)
{
    struct round_commit *commit = NULL;
    int64_t round_id = fixture_int("select max(round_id) from round");
    bool unknown;
    answered = round_commit_begin(db, round_id, 0, leader, &commit, &err);
    if (!answered)
        answered = round_commit_finish(commit, "{}", "[]", &unknown, &err);
    round_commit_free(commit);
    affected = answered == STATUS_OK;
}

static void write_endpoints(int64_t leader)
{
    int64_t township = 610922100;
    answered = lease_begin(db, leader, &err);
    if (!answered)
        answered = outbox_ensure_endpoints(db, &township, 1, &err);
    if (!answered)
        answered = pg_commit(db, &err);
    pg_rollback(db);
    affected = answered == STATUS_OK;
}

static void (*const writes[])(int64_t leader) = {write_event, write_claim, write_result,   write_end,
                                                 write_hold,  write_round, write_endpoints};

START_TEST(an_old_token_writes_nothing)
{
    char before[4096];
    open_loop();
    two_events();
    fixture_sql("insert into round (state, cause, as_of) values ('running', 'operator', '2021-06-30')");
    fixture_sql("update lease set token = 8, holder = 'b', expires_at = now() + interval '1 minute'"
                " where name = 'leader'");
    if (_i == 2)
        write_claim(NEW); /* there is something to record */
    if (_i == 3)
        write_end(OLD); /* its own preparation does not count */
    snprintf(before, sizeof before, "%s", fixture_text(everything));
    writes[_i](OLD);
    ck_assert_int_ne(answered, STATUS_OK);
    ck_assert_ptr_nonnull(strstr(err.text, "passed to another daemon"));
    ck_assert_str_eq(fixture_text(everything), before);
    writes[_i](NEW);
    ck_assert_int_eq(answered, STATUS_OK);
    ck_assert_int_eq(affected, 1);
    ck_assert_str_ne(fixture_text(everything), before);
    close_loop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_lease");
    TCase *tests = tcase_create("lease");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(tests, fixture_migrated, fixture_drop);
    tcase_add_test(tests, one_leads);
    tcase_add_test(tests, a_leave_overtakes_what_is_under_way);
    tcase_add_test(tests, a_token_that_was_given_twice_is_the_last_ones);
    tcase_add_test(tests, expiry_is_the_databases);
    tcase_add_test(tests, patience);
    tcase_add_test(tests, a_clock_that_was_set_back_keeps_no_lease);
    tcase_add_test(tests, an_open_transaction_is_ended);
    tcase_add_loop_test(tests, an_old_token_writes_nothing, 0, (int)(sizeof writes / sizeof *writes));
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
