/* SPDX-License-Identifier: PostgreSQL */
/* Rounds: their rows, the one transaction, conflicts, superseding, what is listed afterwards; leases. */
#include "config.h"

#include "base/clock.h"
#include "courier.h"
#include "store/lease.h"
#include "store/listing.h"
#include "store/outbox.h"
#include "store/pull_one.h"
#include "store/round_store.h"
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NORTH INT64_C(610922101)
#define SOUTH INT64_C(610922102)

static struct arena *arena;
static struct courier *courier;
static day_t today;

static void fixture_rounds(void)
{
    fixture_migrated();
    fixture_role("test_daemon", "shouwang_daemon", "");
    pg_close(db);
    db = fixture_connect("test_daemon");
    arena = arena_new(0);
    courier = courier_new("test_daemon");
    ck_assert(civil_from_ymd(2021, 6, 30, &today));
    fixture_sql("insert into household (household_id, household_no, township_code, village_code, urban,"
                " address, valid_from)"
                " values (1, 'H1', 610922101, 610922101001, false, '', '2021-01-01'),"
                " (2, 'H10', 610922101, 610922101002, false, '', '2021-01-01'),"
                " (3, 'H2', 610922102, 610922102001, true, '', '2021-01-01'),"
                " (4, '户', 610922102, 610922102001, true, '', '2021-01-01')");
    must(round_policy_put(db, "abc", "陕西", "1", slice_of("text"), &err));
    must(round_policy_put(db, "abc", "陕西", "1", slice_of("text"), &err));
}

static void fixture_end(void)
{
    courier_free(courier);
    arena_free(arena);
    fixture_drop();
}

/* Number n as a UUID. */
static const char *id(int n)
{
    static char texts[8][UUID_TEXT_SIZE];
    static int next;
    char *text = texts[next++ % 8];
    snprintf(text, UUID_TEXT_SIZE, "00000000-0000-7000-8000-%012d", n);
    return text;
}

static int64_t begin(void)
{
    int64_t round_id;
    must(round_begin(db, "operator", today, "abc", &round_id, &err));
    return round_id;
}

static struct round_finding finding(int64_t household, const char *rule, enum policy_clause_kind kind,
                                    enum policy_level level)
{
    return (struct round_finding){.household_id = household,
                                  .rule = rule,
                                  .kind = kind,
                                  .level = level,
                                  .since_round = 1,
                                  .since_on = today,
                                  .stale_since = DAY_NONE};
}

static struct round_warning warning(int64_t household, int n, enum policy_level level, enum case_state state)
{
    return (struct round_warning){.household_id = household,
                                  .warning_id = id(n),
                                  .township = NORTH,
                                  .level = level,
                                  .state = state,
                                  .raised_on = today,
                                  .due_on = today + 3,
                                  .closed_on = state == CASE_CLOSED ? today : DAY_NONE,
                                  .raised_round = 1};
}

static struct round_commit *commit_begin(int64_t round_id, int64_t last)
{
    struct round_commit *commit;
    must(round_commit_begin(db, round_id, last, 0, &commit, &err));
    return commit;
}

static void finish(struct round_commit *commit)
{
    bool unknown = true;
    must(round_commit_finish(commit, "{\"raised\": 2}", "[{\"name\": \"load\", \"ms\": 1, \"rows\": 2}]",
                             &unknown, &err));
    ck_assert(!unknown);
    round_commit_free(commit);
}

static void event(struct round_commit *commit, int n, int64_t household, int64_t township, const char *type,
                  bool supersedes, bool only_if_told)
{
    const struct round_event e = {.household_id = household,
                                  .event_id = id(n),
                                  .township = township,
                                  .type = type,
                                  .priority = 1,
                                  .term_ms = 1000000,
                                  .supersedes = supersedes,
                                  .only_if_told = only_if_told,
                                  .event = slice_of("{\"x\":\"年\"}")};
    must(round_commit_event(commit, &e, &err));
}

static void commit_first(int64_t first)
{
    struct round_commit *commit = commit_begin(first, 0);
    struct round_finding red = finding(1, "red.rigid", CLAUSE_COLOUR, LEVEL_RED);
    struct round_finding check = finding(2, "check.medical", CLAUSE_CHECK, LEVEL_NONE);
    struct round_finding doubt = finding(3, "orange.margin", CLAUSE_COLOUR, LEVEL_ORANGE);
    struct round_warning raised = warning(1, 1, LEVEL_RED, CASE_OPEN),
                         verify = warning(3, 3, LEVEL_VERIFY, CASE_OPEN);
    doubt.undecided = true;
    must(round_commit_insert_finding(commit, &red, &err));
    must(round_commit_insert_finding(commit, &check, &err));
    must(round_commit_insert_finding(commit, &doubt, &err));
    must(round_commit_insert_warning(commit, &raised, &err));
    must(round_commit_insert_warning(commit, &verify, &err));
    must(round_commit_history(commit, 1, id(1), LEVEL_NONE, LEVEL_RED, slice_of("[]"), slice_of("{\"n\": 1}"),
                              &err));
    must(round_commit_history(commit, 2, NULL, LEVEL_NONE, LEVEL_NONE, slice_of("[]"), slice_of("{}"), &err));
    must(round_commit_audit(commit, "daemon", "warning.raised", 1, (struct slice){0}, &err));
    must(round_commit_audit(commit, "daemon", "round.committed", 0, slice_of("{\"a\": 1}"), &err));
    event(commit, 11, 1, NORTH, "warning.raised", true, false);
    must(round_commit_batch(commit, &(struct round_batch){1, 7, today, true}, &err));
    finish(commit);
}

static void check_round(int64_t first)
{
    const struct round_info *round;
    must(round_last_committed(db, arena, &round, &err));
    ck_assert_int_eq(round->round_id, first);
    ck_assert_int_eq(round->state, ROUND_COMMITTED);
    ck_assert_str_eq(round->policy_name, "陕西");
    ck_assert_str_eq(round->counts_json, "{\"raised\": 2}");
    ck_assert_int_ge(round->finished_at_ms, round->started_at_ms);
    const struct round_batch *batches;
    size_t count;
    must(round_batches(db, first, arena, &batches, &count, &err));
    ck_assert_uint_eq(count, 1);
    ck_assert(batches[0].fresh && batches[0].batch_id == 7);
    ck_assert_str_eq(fixture_text("select household_id, event_id, state, priority, sequence from delivery"),
                     "1,00000000-0000-7000-8000-000000000011,queued,1,");
    ck_assert_str_eq(
        fixture_text("select actor, action, household_id, round_id, detail from audit order by audit_id"),
        "daemon,warning.raised,1,1,{};daemon,round.committed,,1,\"{\"\"a\"\": 1}\"");
}

static void check_household(int64_t first)
{
    const struct round_household *one;
    must(round_household_get(db, 1, first + 5, arena, &one, &err));
    ck_assert_int_eq(one->level, LEVEL_RED);
    ck_assert_str_eq(one->warning_id, id(1));
    ck_assert_str_eq(one->evidence_json, "{\"n\": 1}");
    must(round_household_get(db, 1, first - 1, arena, &one, &err));
    ck_assert_ptr_null(one);
    struct pull_findings findings = {0};
    must(pull_findings(db, &findings, &err));
    ck_assert_uint_eq(findings.count, 3);
    ck_assert_uint_eq(findings.rule_count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(findings.undecided[i], findings.household_id[i] == 3);
    pull_findings_free(&findings);
}

/* Red is stale, the check is gone, the case of 3 is closed and at once another is opened. */
static void commit_second(int64_t first)
{
    struct round_commit *commit = commit_begin(begin(), first);
    struct round_finding red = finding(1, "red.rigid", CLAUSE_COLOUR, LEVEL_RED);
    red.stale_since = today + 1;
    must(round_commit_update_finding(commit, &red, &err));
    must(round_commit_delete_finding(commit, 2, "check.medical", &err));
    struct round_warning closed = warning(3, 3, LEVEL_VERIFY, CASE_CLOSED),
                         reopened = warning(3, 4, LEVEL_ORANGE, CASE_OPEN);
    must(round_commit_insert_warning(commit, &reopened, &err));
    must(round_commit_update_warning(commit, &closed, &err));
    finish(commit);
}

static void check_second(void)
{
    ck_assert_str_eq(
        fixture_text("select household_id, rule, status, since_round, stale_since from finding order by 1"),
        "1,red.rigid,fired,1,2021-07-01;3,orange.margin,undecided,1,");
    ck_assert_str_eq(
        fixture_text(
            "select household_id, level, state, changed_round, closed_on from warning order by 1, 2 desc"),
        "1,red,open,1,;3,verify,closed,2,2021-06-30;3,orange,open,2,");
    struct pull_warnings open = {0};
    must(pull_warnings(db, &open, &err));
    ck_assert_uint_eq(open.count, 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_str_eq(open.warning_id[i], open.household_id[i] == 1 ? id(1) : id(4));
    pull_warnings_free(&open);
    const char *number;
    must(pull_household_of_warning(db, id(3), arena, &number, &err));
    ck_assert_str_eq(number, "H2");
}

START_TEST(whole_round)
{
    int64_t first = begin();
    commit_first(first);
    check_round(first);
    check_household(first);
    commit_second(first);
    check_second();
}
END_TEST

/* More than one chunk of everything. */
START_TEST(many_changes)
{
    enum { COUNT = 30000 };
    char evidence[600];
    memset(evidence, 'x', sizeof evidence);
    memcpy(evidence, "{\"a\": \"", 7);
    memcpy(evidence + sizeof evidence - 3, "\"}", 3);
    for (int64_t last = 0, turn = 0; turn < 2; turn++) {
        int64_t round_id = begin();
        struct round_commit *commit = commit_begin(round_id, last);
        for (int i = 1; i <= COUNT; i++) {
            struct round_finding f = finding(i, "red.rigid", CLAUSE_COLOUR, LEVEL_RED);
            struct round_warning w = warning(i, i, turn ? LEVEL_ORANGE : LEVEL_RED, CASE_OPEN);
            if (turn == 0) {
                must(round_commit_insert_finding(commit, &f, &err));
                must(round_commit_insert_warning(commit, &w, &err));
            } else {
                must(i % 2 ? round_commit_delete_finding(commit, i, f.rule, &err)
                           : round_commit_update_finding(commit, &f, &err));
                must(round_commit_update_warning(commit, &w, &err));
            }
            must(round_commit_history(commit, i, w.warning_id, LEVEL_NONE, w.level, slice_of("[]"),
                                      slice_of(evidence), &err));
            event(commit, (int)turn * COUNT + i, i, NORTH, "warning.raised", true, false);
        }
        finish(commit);
        last = round_id;
    }
    ck_assert_int_eq(fixture_int("select count(*) from finding"), COUNT / 2);
    ck_assert_int_eq(fixture_int("select count(*) from warning where level = 'orange'"), COUNT);
    ck_assert_str_eq(fixture_text("select state, count(*) from delivery group by state order by state"),
                     "queued,30000;superseded,30000");
    ck_assert_int_eq(fixture_int("select count(*) from warning_history"), 2 * COUNT);
}
END_TEST

/* --- conflicts ------------------------------------------------------------------------------------------------ */

START_TEST(conflicts)
{
    struct round_commit *commit, *other;
    bool unknown;
    int64_t first = begin(), second = begin(), third = begin();
    finish(commit_begin(first, 0));
    /* Whoever has not seen the first comes too late. */
    ck_assert_int_eq(round_commit_begin(db, second, 0, 0, &commit, &err), STATUS_RETRY);
    ck_assert_ptr_null(commit);
    ck_assert_int_eq(fixture_int("select 1"), 1); /* and has rolled back */

    /* What is to be changed is not there: nothing at all is written. */
    commit = commit_begin(second, first);
    struct round_finding f = finding(1, "red.rigid", CLAUSE_COLOUR, LEVEL_RED);
    must(round_commit_delete_finding(commit, 1, "red.rigid", &err));
    must(round_commit_audit(commit, "daemon", "x", 1, (struct slice){0}, &err));
    ck_assert_int_eq(round_commit_finish(commit, "{}", "[]", &unknown, &err), STATUS_RETRY);
    ck_assert(!unknown);
    round_commit_free(commit);
    ck_assert_int_eq(fixture_int("select count(*) from audit"), 0);

    /* What is to be added is there already. */
    commit = commit_begin(second, first);
    must(round_commit_insert_finding(commit, &f, &err));
    finish(commit);
    commit = commit_begin(third, second);
    must(round_commit_insert_finding(commit, &f, &err));
    ck_assert_int_eq(round_commit_finish(commit, "{}", "[]", &unknown, &err), STATUS_RETRY);
    round_commit_free(commit);

    /* Two at once: the second waits for the first, and then sees that it came too late. */
    struct pg *rival = fixture_connect("test_daemon");
    commit = commit_begin(third, second);
    must(pg_exec(rival, "set lock_timeout = '200ms'", &err));
    ck_assert_int_eq(round_commit_begin(rival, third, second, 0, &other, &err), STATUS_RETRY);
    ck_assert_str_eq(pg_sqlstate(rival), "55P03");
    finish(commit);
    ck_assert_int_eq(round_commit_begin(rival, third, second, 0, &other, &err), STATUS_RETRY);
    pg_close(rival);

    /* Ended by somebody else meanwhile. */
    int64_t fourth = begin();
    int64_t left;
    must(round_fail_leftovers(db, &left, &err));
    ck_assert_int_eq(left, 1);
    commit = commit_begin(fourth, third);
    ck_assert_int_eq(round_commit_finish(commit, "{}", "[]", &unknown, &err), STATUS_RETRY);
    round_commit_free(commit);
}
END_TEST

START_TEST(unknown_outcome)
{
    bool unknown = false;
    int64_t first = begin();
    struct pg *victim = fixture_connect("test_daemon");
    struct round_commit *commit;
    struct pg_result *result;
    must(pg_query(victim, "select pg_backend_pid()", pg_params(), &result, &err));
    int32_t pid = pg_get_int32(result, 0, 0);
    pg_result_free(result);
    must(round_commit_begin(victim, first, 0, 0, &commit, &err));
    /* Deferred until COMMIT, the server ends the session by itself: the client has sent COMMIT and hears nothing. */
    struct pg *owner = fixture_connect(NULL);
    must(pg_exec(owner,
                 "create function die() returns trigger language plpgsql as"
                 " $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;"
                 "create constraint trigger die after update on round deferrable initially deferred"
                 " for each row execute function die()",
                 &err));
    (void)pid;
    ck_assert_int_eq(round_commit_finish(commit, "{}", "[]", &unknown, &err), STATUS_RETRY);
    ck_assert_msg(unknown, "%s", err.text);
    round_commit_free(commit);
    pg_close(victim);
    const struct round_info *round;
    must(round_get(db, first, arena, &round, &err));
    ck_assert_int_eq(round->state, ROUND_RUNNING); /* it was not committed, and now we know */
    pg_close(owner);
}
END_TEST

/* However many rounds of other kinds, or failed ones, came after it. */
START_TEST(last_scheduled)
{
    static const struct {
        const char *insert; /* state, cause, and of which second each is */
        int64_t unix_s;
    } rows[] = {
        {"select 'committed', 'operator', 1000", 0},
        {"select 'failed', 'schedule', 2000 + n from generate_series(1, 300) n", 2001 - 60},
        {"select 'held', 'schedule', 3000", 3000},
        {"select 'committed', 'schedule', 4000", 4000},
        {"select 'failed', 'schedule', 5000 + n from generate_series(1, 300) n", 4000},
        {"select 'committed', 'operator', 6000 + n from generate_series(1, 300) n", 4000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char sql[256];
        int64_t unix_ms = -1;
        snprintf(sql, sizeof sql,
                 "insert into round (state, cause, as_of, started_at)"
                 " select s, c, '2021-06-30', to_timestamp(t) from (%s) r (s, c, t)",
                 rows[i].insert);
        must(pg_update(db, sql, pg_params(), NULL, &err));
        must(round_last_scheduled(db, &unix_ms, &err));
        ck_assert_int_eq(unix_ms, rows[i].unix_s * 1000);
    }
}
END_TEST

START_TEST(held_and_failed)
{
    const struct round_info *rounds;
    size_t count;
    int64_t first = begin(), second = begin();
    must(round_hold(db, first, "{\"raised\": 9}", "[]", "would raise 9, the limit is 5", &err));
    ck_assert_int_eq(round_hold(db, first, "{}", "[]", "again", &err), STATUS_RETRY);
    must(round_fail(db, second, "the database went away", &err));
    must(round_accept(db, first, "operator:li", "disaster", &err));
    ck_assert_int_eq(round_accept(db, first, "operator:li", "twice", &err), STATUS_REJECT);
    ck_assert_int_eq(round_accept(db, second, "operator:li", "not held", &err), STATUS_REJECT);
    must(round_list(db, 10, arena, &rounds, &count, &err));
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(rounds[0].state, ROUND_FAILED);
    ck_assert_str_eq(rounds[0].error, "the database went away");
    ck_assert_int_eq(rounds[1].state, ROUND_HELD);
    ck_assert_str_eq(rounds[1].accepted_by, "operator:li");
    ck_assert_str_eq(rounds[1].accepted_reason, "disaster");
    must(round_last_committed(db, arena, &rounds, &err));
    ck_assert_ptr_null(rounds);
    const char *name, *version, *body;
    must(round_policy_get(db, "abc", arena, &name, &version, &body, &err));
    ck_assert_str_eq(body, "text");
    must(round_policy_get(db, "none", arena, &name, &version, &body, &err));
    ck_assert_ptr_null(body);
}
END_TEST

/* The next round replaces a held one: nobody has to accept it any more. */
START_TEST(what_is_held_waits_until_a_round_is_committed)
{
    struct listing_status status;
    int64_t first = begin();
    must(round_hold(db, first, "{\"raised\": 9}", "[]", "would raise 9, the limit is 5", &err));
    must(listing_status(db, NULL, 0, &status, &err));
    ck_assert_int_eq(status.rounds_held, 1);
    int64_t second = begin();
    finish(commit_begin(second, 0));
    must(listing_status(db, NULL, 0, &status, &err));
    ck_assert_int_eq(status.rounds_held, 0);
    must(round_hold(db, begin(), "{\"raised\": 8}", "[]", "would raise 8, the limit is 5", &err));
    must(listing_status(db, NULL, 0, &status, &err));
    ck_assert_int_eq(status.rounds_held, 1);
}
END_TEST

/* --- what supersedes what ------------------------------------------------------------------------------------- */

static const char *states(void)
{
    return fixture_text("select substr(event_id::text, 35)::integer, state from delivery order by outbox_no");
}

/* One round with one event; returns the round. */
static int64_t tell(int64_t last, int n, int64_t household, int64_t township, const char *type,
                    bool supersedes, bool only_if_told)
{
    int64_t round_id = begin();
    struct round_commit *commit = commit_begin(round_id, last);
    event(commit, n, household, township, type, supersedes, only_if_told);
    finish(commit);
    return round_id;
}

static const char *south(int household)
{
    char query[256];
    snprintf(query, sizeof query,
             "select substr(event_id::text, 35)::integer, state from delivery"
             " where household_id = %d and township_code = 610922102 order by outbox_no",
             household);
    return fixture_text(query);
}

/* "Clearing and lowering are always sent if anything was delivered before" (interfaces 3). */
START_TEST(what_ends_or_lowers_is_told_whoever_was_told_before)
{
    const struct outbox_claim *claims;
    size_t count;
    int64_t affected, last = tell(0, 1, 1, SOUTH, "warning.raised", true, false);
    const int64_t townships[] = {SOUTH};
    /* Not yet told: a lowering takes the place of the raising, and what comes next that of the lowering. */
    last = tell(last, 2, 1, SOUTH, "warning.deescalated", true, false);
    last = tell(last, 3, 1, SOUTH, "warning.changed", true, false);
    ck_assert_str_eq(south(1), "1,superseded;2,superseded;3,queued");
    must(outbox_ensure_endpoints(db, townships, 1, &err));
    must(courier_claim(courier, &(struct outbox_ask){.township = SOUTH, .limit = 1}, 1, 60000, arena, &claims,
                       &count, &err));
    ck_assert_uint_eq(count, 1);
    struct outbox_result told = {
        .household_id = 1, .township = SOUTH, .attempts = 1, .outcome = OUTBOX_DELIVERED, .http_status = 200};
    memcpy(told.event_id, claims[0].event_id, UUID_TEXT_SIZE);
    must(courier_record(courier, &told, 1, &affected, &err));
    last = tell(last, 4, 1, SOUTH, "warning.escalated", true, false);
    last = tell(last, 5, 1, SOUTH, "warning.deescalated", true, false);
    last = tell(last, 6, 1, SOUTH, "warning.changed", true, false);
    last = tell(last, 7, 1, SOUTH, "warning.cleared", true, true);
    ck_assert_str_eq(south(1),
                     "1,superseded;2,superseded;3,delivered;4,superseded;5,queued;6,superseded;7,queued");
    last = tell(last, 8, 1, SOUTH, "warning.raised", true, false);
    tell(last, 9, 1, SOUTH, "warning.escalated", true, false);
    ck_assert_str_eq(south(1),
                     "1,superseded;2,superseded;3,delivered;4,superseded;5,queued;6,superseded;7,queued;"
                     "8,superseded;9,queued");
}
END_TEST

START_TEST(superseding)
{
    const struct outbox_claim *claims;
    size_t count;
    const int64_t townships[] = {NORTH, SOUTH};
    must(outbox_ensure_endpoints(db, townships, 2, &err));
    int64_t last = tell(0, 1, 1, NORTH, "warning.raised", true, false);
    last = tell(last, 2, 1, NORTH, "check.raised", false, false);
    last = tell(last, 3, 1, SOUTH, "warning.raised", true, false);
    last = tell(last, 4, 2, NORTH, "warning.raised", true, false);
    /* Only the same family, household and township. */
    last = tell(last, 5, 1, NORTH, "warning.escalated", true, false);
    ck_assert_str_eq(states(), "1,superseded;2,queued;3,queued;4,queued;5,queued");
    /* Nobody was told of 2's warning: neither the raising nor the clearing is sent. */
    last = tell(last, 6, 2, NORTH, "warning.cleared", true, true);
    ck_assert_str_eq(states(), "1,superseded;2,queued;3,queued;4,superseded;5,queued;6,superseded");
    /* South was told (an attempt was begun): the attempt stays, and the clearing is sent. */
    const struct outbox_ask ask = {.township = SOUTH, .limit = 1};
    must(courier_claim(courier, &ask, 1, 60000, arena, &claims, &count, &err));
    ck_assert_uint_eq(count, 1);
    last = tell(last, 7, 1, SOUTH, "warning.cleared", true, true);
    ck_assert_str_eq(states(),
                     "1,superseded;2,queued;3,in_flight;4,superseded;5,queued;6,superseded;7,queued");
    /* What was attempted once and waits for its next attempt is not superseded: it has a number. */
    struct outbox_result again = {
        .household_id = 1, .township = SOUTH, .attempts = 1, .outcome = OUTBOX_AGAIN};
    int64_t affected;
    memcpy(again.event_id, claims[0].event_id, UUID_TEXT_SIZE);
    must(courier_record(courier, &again, 1, &affected, &err));
    /* Nor is a clearing that has to be told: the next case has another name, and the first would stay open. */
    last = tell(last, 10, 1, SOUTH, "warning.raised", true, false);
    ck_assert_str_eq(south(1), "3,queued;7,queued;10,queued");
    /* Nobody was told of the second case, so that its end is not told either: the clearing before it is the last word. */
    last = tell(last, 12, 1, SOUTH, "warning.cleared", true, true);
    ck_assert_str_eq(south(1), "3,queued;7,queued;10,superseded;12,superseded");
    /* That South was told of household 1 says nothing about North's household 2, nor about 1 in North. */
    last = tell(last, 11, 1, NORTH, "warning.cleared", true, true);
    ck_assert_str_eq(fixture_text("select state from delivery where event_id::text like '%11'"),
                     "superseded");
    /* Two events of one round do not supersede each other. */
    int64_t round_id = begin();
    struct round_commit *commit = commit_begin(round_id, last);
    event(commit, 8, 3, SOUTH, "warning.raised", true, false);
    event(commit, 9, 3, SOUTH, "warning.reminder", true, false);
    finish(commit);
    ck_assert_str_eq(fixture_text("select state from delivery where household_id = 3"), "queued;queued");
}
END_TEST

/* --- listings ------------------------------------------------------------------------------------------------- */

static char listed[1024];
static int stop_after;

static enum status see(void *context, const struct listing_household *h, struct error *error)
{
    (void)context;
    size_t used = strlen(listed);
    used +=
        (size_t)snprintf(listed + used, sizeof listed - used, "%.*s=%d%s", (int)h->household_no.length,
                         h->household_no.bytes, (int)h->level, h->has_case ? case_state_name(h->state) : "-");
    for (size_t i = 0; i < h->finding_count; i++)
        used += (size_t)snprintf(listed + used, sizeof listed - used, "%s%.*s%s", i ? "," : ":",
                                 (int)h->findings[i].rule.length, h->findings[i].rule.bytes,
                                 h->findings[i].undecided ? "?" : "");
    snprintf(listed + used, sizeof listed - used, " ");
    if (stop_after && --stop_after == 0)
        return error_set(error, STATUS_REJECT, "enough");
    return STATUS_OK;
}

static const char *list(struct listing_filter filter)
{
    listed[0] = '\0';
    must(listing_warnings(db, &filter, see, NULL, &err));
    return listed;
}

START_TEST(warnings_are_listed)
{
    int64_t first = begin();
    struct round_commit *commit = commit_begin(first, 0);
    const struct round_finding findings[] = {
        finding(1, "yellow.water", CLAUSE_COLOUR, LEVEL_YELLOW),
        finding(1, "red.rigid", CLAUSE_COLOUR, LEVEL_RED),
        finding(1, "suggest.single_dibao", CLAUSE_SUGGESTION, LEVEL_NONE),
        finding(2, "check.medical", CLAUSE_CHECK, LEVEL_NONE),
        finding(3, "orange.margin", CLAUSE_COLOUR, LEVEL_ORANGE),
        finding(4, "suggest.single_dibao", CLAUSE_SUGGESTION, LEVEL_NONE),
        finding(2, "tag.elder_ill", CLAUSE_TAG, LEVEL_NONE)};
    for (size_t i = 0; i < sizeof findings / sizeof *findings; i++) {
        struct round_finding f = findings[i];
        f.undecided = f.household_id == 3;
        must(round_commit_insert_finding(commit, &f, &err));
    }
    struct round_warning red = warning(1, 1, LEVEL_RED, CASE_VISITED),
                         verify = warning(3, 3, LEVEL_VERIFY, CASE_OPEN),
                         old = warning(2, 2, LEVEL_YELLOW, CASE_CLOSED);
    must(round_commit_insert_warning(commit, &red, &err));
    must(round_commit_insert_warning(commit, &verify, &err));
    must(round_commit_insert_warning(commit, &old, &err));
    finish(commit);
    /* By the bytes of household_no: H1, H10, H2; a suggestion alone is no reason to be listed. */
    ck_assert_str_eq(list((struct listing_filter){0}),
                     "H1=4visited:red.rigid,suggest.single_dibao,yellow."
                     "water H10=0-:check.medical,tag.elder_ill H2=1open:orange.margin? ");
    ck_assert_str_eq(list((struct listing_filter){.township = SOUTH}), "H2=1open:orange.margin? ");
    ck_assert_str_eq(list((struct listing_filter){.village = 610922101002}),
                     "H10=0-:check.medical,tag.elder_ill ");
    ck_assert_str_eq(list((struct listing_filter){.by_level = true, .level = LEVEL_RED}),
                     "H1=4visited:red.rigid,suggest.single_dibao,yellow.water ");
    ck_assert_str_eq(list((struct listing_filter){.by_level = true, .level = LEVEL_NONE}),
                     "H10=0-:check.medical,tag.elder_ill ");
    ck_assert_str_eq(list((struct listing_filter){.by_state = true, .state = CASE_OPEN}),
                     "H2=1open:orange.margin? ");
    ck_assert_str_eq(list((struct listing_filter){.by_state = true, .state = CASE_CLOSED}),
                     "H10=2closed:check.medical,tag.elder_ill ");
    ck_assert_str_eq(list((struct listing_filter){.by_state = true, .state = CASE_WATCHING}), "");

    const struct listing_township_level *levels;
    size_t count;
    must(listing_levels(db, arena, &levels, &count, &err));
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(levels[0].township, NORTH);
    ck_assert_int_eq(levels[0].count[LEVEL_RED], 1);
    ck_assert_int_eq(levels[0].count[LEVEL_NONE], 1);
    ck_assert_int_eq(levels[1].count[LEVEL_VERIFY], 1);
    struct listing_status status;
    must(listing_status(db, NULL, 0, &status, &err));
    struct listing_register on_register;
    must(listing_register(db, &on_register, &err));
    ck_assert_int_eq(on_register.households, 4);
    ck_assert_int_eq(status.last_round, first);
    ck_assert_int_eq(status.last_as_of, today);

    /* A visitor that has seen enough costs the connection. */
    stop_after = 1;
    listed[0] = '\0';
    ck_assert_int_eq(listing_warnings(db, &(struct listing_filter){0}, see, NULL, &err), STATUS_REJECT);
}
END_TEST

/* --- leases --------------------------------------------------------------------------------------------------- */

START_TEST(leases)
{
    struct pg *rival = fixture_connect("test_daemon");
    struct round_commit *commit;

    /* Under a token that is the row's, and with none. */
    fixture_sql("update lease set token = 7, holder = 'a', expires_at = now() + interval '1 minute'"
                " where name = 'leader'");
    must(lease_begin(db, 7, &err));
    must(lease_lock(db, LEASE_ROUND, 7, &err));
    must(pg_commit(db, &err));
    must(lease_begin(db, 0, &err));
    pg_rollback(db);

    /* Another token writes nothing. */
    int64_t round_id = begin();
    ck_assert_int_eq(lease_begin(db, 6, &err), STATUS_RETRY);
    ck_assert_int_eq(round_commit_begin(db, round_id, 0, 6, &commit, &err), STATUS_RETRY);
    ck_assert_ptr_nonnull(strstr(err.text, "passed to another daemon"));
    must(round_commit_begin(db, round_id, 0, 7, &commit, &err));
    round_commit_free(commit);

    /* A transaction that was checked lets the holder renew, and nobody take it. */
    must(lease_begin(db, 7, &err));
    must(pg_exec(rival,
                 "set lock_timeout = '100ms'; update lease set expires_at = now() where name = 'leader'",
                 &err));
    ck_assert_int_eq(pg_exec(rival, "select from lease where name = 'leader' for update", &err),
                     STATUS_RETRY);
    pg_rollback(db);
    must(pg_exec(rival, "select from lease where name = 'leader' for update", &err));

    /* The other rows exclude by themselves. */
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    must(lease_lock(db, LEASE_INGEST, 0, &err));
    must(pg_begin(rival, PG_READ_COMMITTED, &err));
    ck_assert_int_eq(lease_lock(rival, LEASE_INGEST, 0, &err), STATUS_RETRY);
    pg_rollback(db);
    pg_rollback(rival);
    must(pg_begin(rival, PG_READ_COMMITTED, &err));
    must(lease_lock(rival, LEASE_INGEST, 0, &err));
    pg_close(rival);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_round");
    TCase *tests = tcase_create("round");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(tests, fixture_rounds, fixture_end);
    tcase_add_test(tests, whole_round);
    tcase_add_test(tests, many_changes);
    tcase_add_test(tests, conflicts);
    tcase_add_test(tests, unknown_outcome);
    tcase_add_test(tests, last_scheduled);
    tcase_add_test(tests, held_and_failed);
    tcase_add_test(tests, what_is_held_waits_until_a_round_is_committed);
    tcase_add_test(tests, superseding);
    tcase_add_test(tests, what_ends_or_lowers_is_told_whoever_was_told_before);
    tcase_add_test(tests, warnings_are_listed);
    tcase_add_test(tests, leases);
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
