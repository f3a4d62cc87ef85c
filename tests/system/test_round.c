/* SPDX-License-Identifier: PostgreSQL */
/* Whole rounds against a real PostgreSQL: what they write, what they leave alone, and what people are shown of it. */
#include "config.h"

#include "round_fixture.h"

#include "round/explain.h"
#include "round/warnings.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct round_counts dry_run_on(const char *as_of)
{
    struct round_options options = options_on(as_of);
    options.dry_run = true;
    return run(&options, NULL, NULL);
}

/* Everything that a round may write, in one line. */
static const char *written(void)
{
    static char line[512];
    snprintf(
        line, sizeof line, "%s",
        fixture_text(
            "select (select coalesce(md5(string_agg(f::text || f.xmin, '|' order by f::text)), '') from "
            "finding f),"
            " (select coalesce(md5(string_agg(w::text || w.xmin, '|' order by w::text)), '') from warning w),"
            " (select count(*) from warning_history), (select count(*) from outbox), (select count(*) from "
            "delivery),"
            " (select count(*) from audit where household_id is not null)"));
    return line;
}

/* --- what a round writes ------------------------------------------------------------------------------------------ */

START_TEST(a_round_writes_findings_case_history_audit_event_and_delivery)
{
    sql("select t_single(1, 1000), t_single(2, 60000)");
    struct round_counts counts = round_on("2021-06-30");
    ck_assert_int_eq(counts.households, 2);
    ck_assert_int_eq(counts.persons, 2);
    ck_assert_int_eq(counts.raised, 1);
    ck_assert_int_eq(counts.levels[LEVEL_RED], 1);
    ck_assert_int_eq(counts.levels[LEVEL_NONE], 1);
    ck_assert_str_eq(fixture_text("select household_id, rule, kind, status, level, since_round, since_on, "
                                  "stale_since from finding"),
                     "1,red.apply,colour,fired,red,1,2021-06-30,");
    ck_assert_str_eq(fixture_text("select household_id, township_code, level, state, raised_on, due_on, "
                                  "raised_round, changed_round,"
                                  " closed_on from warning"),
                     "1,610922103,red,open,2021-06-30,2021-07-03,1,1,");
    ck_assert_str_eq(
        fixture_text("select h.household_id, round_id, h.warning_id = w.warning_id, previous_level, h.level,"
                     " findings->0->>'rule', jsonb_array_length(evidence->'facts')"
                     " from warning_history h, warning w"),
        "1,1,t,none,red,red.apply,2");
    ck_assert_str_eq(
        fixture_text(
            "select actor, action, household_id, round_id from audit where action <> 'round.committed'"),
        "tester,warning.raised,1,1");
    ck_assert_str_eq(
        fixture_text(
            "select o.household_id, o.township_code, type, round_id, priority, state, o.event_id = d.event_id"
            " from outbox o, delivery d"),
        "1,610922103,warning.raised,1,0,queued,t");
    ck_assert_str_eq(
        fixture_text(
            "select state, cause, as_of, counts->>'raised', jsonb_array_length(stages) > 4 from round"),
        "committed,operator,2021-06-30,1,t");
    ck_assert_str_eq(fixture_text("select source, batch_id, fresh from round_batch"), "0,1,t");
}
END_TEST

START_TEST(the_event_says_what_townships_are_promised)
{
    sql("select t_single(1, 1000), t_single(2, 1000, 610922104)");
    struct round_options options = options_on("2021-06-30");
    static const int64_t named[] = {610922104};
    options.disclosure = (struct round_disclosure){named, 1};
    run(&options, NULL, NULL);
    ck_assert_str_eq(
        fixture_text(
            "select event::jsonb->>'specversion', event::jsonb->>'source', event::jsonb->>'type',"
            " event::jsonb->>'subject', event::jsonb->>'partitionkey', event::jsonb->>'id' = event_id::text"
            " from outbox where household_id = 1"),
        "1.0,/counties/610922/shouwang,cn.shouwang.warning.raised,households/H1,H1,t");
    ck_assert_str_eq(
        fixture_text(
            "select d->>'household_no', d->>'level', d->>'previous_level', d->>'state', d->>'due_on',"
            " d->'reasons'->0->>'rule', d->'reasons'->0->>'cause', d->'reasons'->0->>'distance',"
            " d->'persons'->0->>'name', d ? 'address'"
            " from (select event::jsonb->'data' as d from outbox where household_id = 1) x"),
        "H1,red,none,open,2021-07-03,red.apply,income,-3830.00,王**,f");
    ck_assert_str_eq(
        fixture_text(
            "select f->>'code', f->>'value', f->>'unit', f->>'source' from (select jsonb_array_elements("
            " event::jsonb->'data'->'reasons'->0->'facts') as f from outbox where household_id = 1) x"
            " where f->>'code' = 'income.wage'"),
        "income.wage,1000.00,yuan,register");
    ck_assert_str_eq(
        fixture_text("select d->'persons'->0->>'name', d->'persons'->0->>'id_number' ~ '^[0-9]{17}[0-9X]$', "
                     "d->>'address'"
                     " from (select event::jsonb->'data' as d from outbox where household_id = 2) x"),
        "王某某,t,\"某村 2 号\"");
}
END_TEST

START_TEST(a_second_round_over_the_same_input_writes_nothing)
{
    char before[512];
    sql("select t_single(n, n * 700) from generate_series(1, 40) n");
    round_on("2021-06-30");
    snprintf(before, sizeof before, "%s", written());
    struct round_counts again = round_on("2021-06-30");
    ck_assert_int_eq(again.raised + again.escalated + again.deescalated + again.changed + again.cleared, 0);
    ck_assert_int_eq(again.events, 0);
    ck_assert_int_gt(again.unchanged, 5);
    ck_assert_str_eq(written(), before);
}
END_TEST

START_TEST(levels_rise_and_fall_with_their_reasons)
{
    sql("select t_single(1, 6000)");
    ck_assert_int_eq(round_on("2021-06-30").raised, 1); /* orange.margin */
    sql("select t_batch(1, 'm06', '2021-06-28'); select t_fact(1, 'expense.medical_self_paid', 550000, null, "
        "'2021-06-20', 1, 2, 'Z1')");
    ck_assert_int_eq(round_on("2021-06-30").escalated, 1); /* red.rigid beside it */
    ck_assert_str_eq(fixture_text("select level, due_on, raised_on from warning"),
                     "red,2021-07-03,2021-06-30");
    sql("delete from person_fact where source = 1; select t_batch(1, 'm07', '2021-07-28')");
    ck_assert_int_eq(round_on("2021-07-31").deescalated, 1);
    ck_assert_str_eq(fixture_text("select level, due_on from warning"), "orange,2021-07-03");
    ck_assert_str_eq(fixture_text("select type from outbox order by outbox_no"),
                     "warning.raised;warning.escalated;warning.deescalated");
    sql("update person_fact set value = 6000000");
    ck_assert_int_eq(round_on("2021-07-31").cleared, 1);
    ck_assert_str_eq(fixture_text("select level, state, closed_on from warning"), "orange,closed,2021-07-31");
    ck_assert_int_eq(fixture_int("select count(*) from finding"), 0);
    sql("update person_fact set value = 600000");
    ck_assert_int_eq(round_on("2021-07-31").raised, 1);
    ck_assert_int_eq(fixture_int("select count(distinct warning_id) from warning"), 2);
}
END_TEST

START_TEST(a_stale_feed_ends_nothing_and_is_marked_once)
{
    char before[512];
    sql("select t_single(1, 60000); select t_batch(5, 'h06', '2021-06-28');"
        "select t_own(1, 'housing.grade', 4, '2020-01-01', '2021-08-15', 5, 2)");
    ck_assert_int_eq(round_on("2021-06-30").raised, 1);
    struct round_counts counts = round_on("2021-09-30");
    ck_assert_int_eq(counts.cleared, 0);
    ck_assert_int_eq(counts.stale, 1);
    ck_assert_int_eq(counts.events, 0);
    ck_assert_str_eq(fixture_text("select rule, stale_since, since_on from finding"),
                     "yellow.housing,2021-09-30,2021-06-30");
    ck_assert_int_eq(fixture_int("select count(*) from warning_history"), 1);
    snprintf(before, sizeof before, "%s", written());
    round_on("2021-10-01");
    ck_assert_str_eq(written(), before);
    sql("select t_batch(5, 'h09', '2021-09-28')");
    ck_assert_int_eq(round_on("2021-10-01").cleared, 1);
    ck_assert_str_eq(fixture_text("select state, closed_on from warning"), "closed,2021-10-01");
    ck_assert_int_eq(fixture_int("select count(*) from finding"), 0);
}
END_TEST

START_TEST(freshness_ends_on_the_day_after_the_35th)
{
    sql("select t_single(1, 60000); select t_batch(5, 'h06', '2021-06-28');"
        "select t_own(1, 'housing.grade', 4, '2020-01-01', '2021-07-01', 5, 2)");
    round_on("2021-06-30");
    ck_assert_int_eq(dry_run_on("2021-08-02").cleared, 1);
    ck_assert_int_eq(dry_run_on("2021-08-03").cleared, 0);
}
END_TEST

START_TEST(a_household_that_leaves_the_register_is_cleared)
{
    sql("select t_single(1, 1000), t_single(2, 60000)");
    round_on("2021-06-30");
    sql("update household set valid_to = '2021-07-01' where household_id = 1;"
        "update membership set valid_to = '2021-07-01' where household_id = 1");
    struct round_counts counts = round_on("2021-07-01");
    ck_assert_int_eq(counts.households, 1);
    ck_assert_int_eq(counts.cleared, 1);
    ck_assert_int_eq(counts.levels[LEVEL_NONE], 1);
    ck_assert_str_eq(fixture_text("select state from warning"), "closed");
    ck_assert_str_eq(
        fixture_text("select evidence->>'on_register', level from warning_history where round_id = 2"),
        "false,none");
}
END_TEST

START_TEST(a_case_goes_where_the_household_goes)
{
    sql("select t_single(1, 1000)");
    round_on("2021-06-30");
    sql("update household set township_code = 610922104, village_code = 610922104001");
    struct round_counts counts = round_on("2021-06-30");
    ck_assert_int_eq(counts.raised + counts.cleared, 0);
    ck_assert_int_eq(counts.unchanged, 1);
    ck_assert_str_eq(fixture_text("select township_code, type, event::jsonb->'data'->>'level', "
                                  "event::jsonb->'data'->>'previous_level',"
                                  " event::jsonb->'data'->>'state', event::jsonb->'data'->>'township_code',"
                                  " jsonb_array_length(event::jsonb->'data'->'reasons') from outbox where "
                                  "round_id = 2 order by outbox_no"),
                     "610922103,warning.cleared,none,red,closed,610922103,0;610922104,warning.raised,red,"
                     "none,open,610922104,1");
    ck_assert_str_eq(fixture_text("select township_code, level, state from warning"), "610922104,red,open");
    ck_assert_int_eq(round_on("2021-06-30").events, 0);
    sql("update household set township_code = 610922103; update person_fact set value = 6000000");
    round_on("2021-06-30");
    ck_assert_str_eq(fixture_text("select township_code, type from outbox where round_id = 4"),
                     "610922104,warning.cleared");
}
END_TEST

/* The register says so, whatever feed is late or never trusted to clear: else its case would stay open for ever. */
START_TEST(a_household_that_leaves_the_register_is_cleared_whatever_feeds_are_late)
{
    sql("select t_single(1, 60000), t_single(2, 60000); select t_batch(5, 'h06', '2021-06-28');"
        "select t_own(1, 'housing.grade', 4, '2020-01-01', null, 5, 2)");
    ck_assert_int_eq(round_on("2021-06-30").raised, 1);
    sql("update household set valid_to = '2021-07-01' where household_id = 1;"
        "update membership set valid_to = '2021-07-01' where household_id = 1");
    struct round_counts counts = round_on("2021-12-31");
    ck_assert_int_eq(counts.cleared, 1);
    ck_assert_int_eq(counts.stale, 0);
    ck_assert_int_eq(fixture_int("select count(*) from finding"), 0);
    ck_assert_int_eq(round_on("2021-12-31").events, 0);
    sql("update household set valid_to = null; update membership set valid_to = null");
    ck_assert_int_eq(round_on("2021-12-31").raised, 1);
    ck_assert_int_eq(fixture_int("select count(distinct warning_id) from warning"), 2);
}
END_TEST

static const char *events_of(int64_t round_id)
{
    char query[256];
    snprintf(query, sizeof query,
             "select township_code, type, event::jsonb #>> '{data,reasons,0,rule}',"
             " event::jsonb #>> '{data,township_code}' from outbox where round_id = %lld order by outbox_no",
             (long long)round_id);
    return fixture_text(query);
}

START_TEST(a_check_goes_where_the_household_goes)
{
    sql("select t_single(1, 60000); select t_fact(1, 'event.death', 1, '2021-05-01', null),"
        " t_fact(1, 'relief.dibao', 1, '2019-01-01', null)");
    round_on("2021-06-30");
    ck_assert_str_eq(events_of(1), "610922103,check.raised,check.deceased,610922103");
    sql("update household set township_code = 610922104, village_code = 610922104001");
    struct round_counts counts = round_on("2021-06-30");
    ck_assert_int_eq(counts.checks_raised + counts.checks_cleared, 0);
    ck_assert_str_eq(events_of(2), "610922103,check.cleared,check.deceased,610922103;"
                                   "610922104,check.raised,check.deceased,610922104");
    ck_assert_str_eq(fixture_text("select rule, township_code, since_round from finding"),
                     "check.deceased,610922104,1");
    ck_assert_int_eq(round_on("2021-06-30").events, 0);
    /* It moves and the check ends: who was told hears it, nobody else. */
    sql("update household set township_code = 610922105, village_code = 610922105001;"
        "update person_fact set to_day = '2021-06-30' where code = %d",
        fixture_code("relief.dibao"));
    ck_assert_int_eq(round_on("2021-07-01").checks_cleared, 1);
    ck_assert_str_eq(events_of(4), "610922104,check.cleared,check.deceased,610922104");
}
END_TEST

/* What the policy makes another kind of clause ends as what it was, and may begin as what it is. */
START_TEST(a_rule_that_becomes_another_kind_ends_and_begins)
{
    sql("select t_single(1, 1000), t_single(2, 60000)");
    round_on("2021-06-30");
    sql("update finding set kind = 'check', level = 'none', township_code = 610922103, clearing_since = '2021-06-01',"
        " clearing_on = '2021-06-01', clearing_rounds = 1, clearing_rounds_needed = 3, clearing_base = 0,"
        " clearing_batches = 0, clearing_batches_needed = 0; delete from warning;"
        "insert into finding values (2, 'red.apply', 'check', 'fired', 'none', 1, '2021-06-30')");
    struct round_counts counts = round_on("2021-06-30");
    ck_assert_int_eq(counts.raised, 1);
    ck_assert_int_eq(counts.checks_cleared, 2);
    ck_assert_str_eq(
        fixture_text("select household_id, type from outbox where round_id = 2 order by outbox_no"),
        "1,warning.raised;1,check.cleared;2,check.cleared");
    ck_assert_str_eq(
        fixture_text("select household_id, kind, level, since_round, township_code, clearing_since"
                     " from finding"),
        "1,colour,red,2,,");
    ck_assert_int_eq(round_on("2021-06-30").events, 0);

    /* The other way round: what was a warning is a check. */
    sql("select t_single(3, 60000); select t_fact(3, 'event.death', 1, '2021-05-01', null),"
        " t_fact(3, 'relief.dibao', 1, '2019-01-01', null);"
        "insert into finding values (3, 'check.deceased', 'colour', 'fired', 'red', 1, '2021-06-30');"
        "insert into warning values (3, '0197c1a2-7d3e-7c41-9f0e-3b6d5a8e2f10', 610922103, 'red', 'open',"
        " '2021-06-30', '2021-07-03', 1, 1)");
    int64_t round_id;
    const struct round_options options = options_on("2021-06-30");
    counts = run(&options, &round_id, NULL);
    ck_assert_int_eq(counts.cleared, 1);
    ck_assert_int_eq(counts.checks_raised, 1);
    ck_assert_str_eq(events_of(round_id), "610922103,warning.cleared,,610922103;"
                                          "610922103,check.raised,check.deceased,610922103");
    ck_assert_int_eq(round_on("2021-06-30").events, 0);
}
END_TEST

START_TEST(a_reason_that_the_policy_puts_at_another_level_is_told)
{
    sql("select t_single(1, 1000); select t_own(1, 'housing.grade', 4, '2020-01-01', null)");
    round_on("2021-06-30");
    ck_assert_str_eq(
        fixture_text("select string_agg(rule, ' ' order by rule) from finding where kind = 'colour'"),
        "\"red.apply yellow.housing\"");
    sql("update finding set level = 'orange' where rule = 'yellow.housing'");
    ck_assert_int_eq(round_on("2021-06-30").changed, 1);
    ck_assert_str_eq(fixture_text("select type from outbox where round_id = 2"), "warning.changed");
    ck_assert_str_eq(fixture_text("select level from finding where rule = 'yellow.housing'"), "yellow");
    ck_assert_int_eq(round_on("2021-06-30").events, 0);
}
END_TEST

START_TEST(a_dead_mans_benefit_is_a_check_without_a_level)
{
    sql("select t_single(1, 60000); select t_fact(1, 'event.death', 1, '2021-05-01', null),"
        " t_fact(1, 'relief.dibao', 1, '2019-01-01', null)");
    struct round_counts counts = round_on("2021-06-30");
    ck_assert_int_eq(counts.raised, 0);
    ck_assert_int_eq(counts.checks_raised, 1);
    ck_assert_str_eq(fixture_text("select rule, kind, level from finding"), "check.deceased,check,none");
    ck_assert_int_eq(fixture_int("select count(*) from warning"), 0);
    ck_assert_str_eq(
        fixture_text(
            "select type, priority, event::jsonb->'data'->>'warning_id', event::jsonb->'data'->>'due_on',"
            " event::jsonb->'data'->'reasons'->0->>'level' from outbox join delivery using (event_id)"),
        "check.raised,4,,2021-07-07,none");
    sql("update person_fact set to_day = '2021-06-30' where code = %d", fixture_code("relief.dibao"));
    ck_assert_int_eq(round_on("2021-07-01").checks_cleared, 1);
    ck_assert_str_eq(fixture_text("select type from outbox order by outbox_no"),
                     "check.raised;check.cleared");
}
END_TEST

START_TEST(a_rule_that_the_policy_no_longer_has_ends)
{
    sql("select t_single(1, 1000), t_single(2, 60000)");
    round_on("2021-06-30");
    sql("insert into finding values (1, 'red.gone', 'colour', 'fired', 'red', 1, '2021-06-30'),"
        " (2, 'check.gone', 'check', 'fired', 'none', 1, '2021-06-30')");
    struct round_counts counts = round_on("2021-06-30");
    ck_assert_int_eq(counts.changed, 1);
    ck_assert_int_eq(counts.checks_cleared, 1);
    ck_assert_str_eq(fixture_text("select household_id, rule from finding"), "1,red.apply");
    ck_assert_str_eq(fixture_text("select household_id, type from outbox where round_id = 2 order by 1"),
                     "1,warning.changed;2,check.cleared");
    ck_assert_int_eq(round_on("2021-06-30").events, 0);
}
END_TEST

/* --- what a round leaves alone ------------------------------------------------------------------------------------ */

START_TEST(a_dry_run_leaves_no_trace)
{
    sql("select t_single(n, 1000) from generate_series(1, 12) n");
    struct round_options options = options_on("2021-06-30");
    struct round_report report;
    options.dry_run = true;
    round_report_init(&report);
    must(round_execute(&options, NULL, &report, &err));
    check_report(&report);
    ck_assert_int_eq(report.counts.raised, 12);
    ck_assert_uint_eq(report.change_count, 12);
    ck_assert_str_eq(report.changes[0].household_no, "H1");
    ck_assert_str_eq(report.changes[1].household_no, "H10");
    ck_assert_int_eq(report.changes[0].township_code, 610922103);
    ck_assert_int_eq(report.changes[0].to, LEVEL_RED);
    round_report_fini(&report);
    ck_assert_str_eq(fixture_text("select (select count(*) from round), (select count(*) from finding), "
                                  "(select count(*) from warning),"
                                  " (select count(*) from outbox), (select count(*) from audit), (select "
                                  "count(*) from policy_version)"),
                     "0,0,0,0,0,0");
}
END_TEST

START_TEST(a_round_over_the_limit_is_held_until_accepted)
{
    sql("select t_single(n, 1000) from generate_series(1, 5) n");
    struct round_options options = options_on("2021-06-30");
    int64_t held_round, round_id;
    bool held;
    options.limit = (struct round_limit){.kind = ROUND_LIMIT_COUNT, .value = 3};
    struct round_counts counts = run(&options, &held_round, &held);
    ck_assert(held);
    ck_assert_int_eq(counts.raised, 5);
    ck_assert_str_eq(fixture_text("select state, counts->>'raised' from round"), "held,5");
    ck_assert_int_eq(fixture_int("select (select count(*) from finding) + (select count(*) from outbox) + "
                                 "(select count(*) from warning)"),
                     0);

    options.accept_round = held_round;
    options.accept_reason = "first round";
    options.as_of = day("2021-12-31"); /* the held round's date counts */
    counts = run(&options, &round_id, &held);
    ck_assert(!held);
    ck_assert_int_eq(counts.raised, 5);
    ck_assert_str_eq(
        fixture_text(
            "select round_id, state, cause, as_of, accepted_by, accepted_reason from round order by 1"),
        "1,held,operator,2021-06-30,tester,\"first round\";2,committed,accept,2021-06-30,,");
    ck_assert_int_eq(fixture_int("select count(*) from warning"), 5);

    struct round_report report;
    round_report_init(&report);
    ck_assert_int_eq(round_execute(&options, NULL, &report, &err), STATUS_REJECT);
    ck_assert_msg(strstr(err.text, "accepted before") != NULL, "%s", err.text);
    round_report_fini(&report);
}
END_TEST

START_TEST(more_than_was_accepted_is_held_again)
{
    sql("select t_single(n, 1000) from generate_series(1, 5) n");
    struct round_options options = options_on("2021-06-30");
    int64_t round_id;
    bool held;
    options.limit = (struct round_limit){.kind = ROUND_LIMIT_PERCENT, .value = 2000};
    run(&options, &round_id, &held);
    ck_assert(held);
    sql("select t_single(6, 1000)");
    options.accept_round = round_id;
    ck_assert_int_eq(run(&options, &round_id, &held).raised, 6);
    ck_assert(held);
    ck_assert_int_eq(fixture_int("select count(*) from warning"), 0);
    options.accept_round = round_id;
    run(&options, NULL, &held);
    ck_assert(!held);
    ck_assert_int_eq(fixture_int("select count(*) from warning"), 6);
}
END_TEST

START_TEST(a_date_before_the_last_committed_round_is_refused)
{
    struct round_report report;
    sql("select t_single(1, 6000)");
    round_on("2021-06-30");
    struct round_options options = options_on("2021-06-29");
    round_report_init(&report);
    ck_assert_int_eq(round_execute(&options, NULL, &report, &err), STATUS_REJECT);
    ck_assert_msg(strstr(err.text, "2021-06-29") != NULL && strstr(err.text, "2021-06-30") != NULL, "%s",
                  err.text);
    round_report_fini(&report);
    ck_assert_int_eq(fixture_int("select count(*) from round"), 1);
}
END_TEST

START_TEST(a_dry_run_of_an_earlier_date_knows_only_what_was_known)
{
    sql("select t_single(1, 60000); select t_batch(5, 'h06', '2021-06-28', '2021-06-28 12:00+08'),"
        " t_batch(5, 'h07', '2021-07-28', '2021-07-28 12:00+08'); select t_own(1, 'housing.grade', 4, "
        "'2020-01-01', null, 5, 3)");
    ck_assert_int_eq(round_on("2021-07-31").levels[LEVEL_YELLOW], 1);
    ck_assert_int_eq(dry_run_on("2021-07-28").levels[LEVEL_YELLOW], 1);
    ck_assert_int_eq(dry_run_on("2021-07-27").cleared, 1); /* h07 was not known, h06 was fresh and silent */
}
END_TEST

START_TEST(an_empty_county_is_a_round)
{
    struct round_counts counts = round_on("2021-06-30");
    ck_assert_int_eq(counts.households, 0);
    ck_assert_str_eq(fixture_text("select state from round"), "committed");
}
END_TEST

/* --- what people are shown ------------------------------------------------------------------------------------------ */

static json_t *explain(const char *subject, bool named)
{
    struct explain_options options = {.conninfo = conninfo,
                                      .policy = policy,
                                      .policy_hash = policy_hash,
                                      .dictionary = dictionary,
                                      .subject = subject,
                                      .as_of = DAY_NONE,
                                      .named = named,
                                      .json = true};
    struct text out;
    bool found;
    text_init(&out);
    must(explain_execute(&options, &out, &found, &err));
    json_t *root = found ? json_loadb(out.bytes, out.length, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    ck_assert_msg(!found || root != NULL, "%s", out.bytes);
    text_fini(&out);
    return root;
}

START_TEST(evidence_explains_for_ever_what_the_live_facts_explained_then)
{
    char warning_id[64];
    sql("select t_single(1, 1000); select t_batch(1, 'm06', '2021-06-28');"
        "select t_fact(1, 'expense.medical_self_paid', 550000, '2021-06-01', '2021-06-20', 1, 2, 'Z1')");
    round_on("2021-06-30");
    json_t *live = explain("H1", false);
    sql("update person_fact set value = 9999999");
    snprintf(warning_id, sizeof warning_id, "%s", fixture_text("select warning_id from warning"));
    json_t *stored = explain(warning_id, false);
    ck_assert_ptr_nonnull(live);
    ck_assert_ptr_nonnull(stored);
    static const char *const same[] = {"as_of",       "level",   "persons", "facts",
                                       "definitions", "clauses", "policy"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char *a = json_dumps(json_object_get(live, same[i]), JSON_ENCODE_ANY),
             *b = json_dumps(json_object_get(stored, same[i]), JSON_ENCODE_ANY);
        ck_assert_msg(strcmp(a, b) == 0, "%s: %s\nand stored %s", same[i], a, b);
        free(a);
        free(b);
    }
    ck_assert_str_eq(json_string_value(json_object_get(stored, "level")), "red");
    ck_assert_str_eq(json_string_value(json_object_get(stored, "basis")), "evidence");
    json_decref(live);
    json_decref(stored);
}
END_TEST

START_TEST(explanations_are_in_chinese_and_masked)
{
    struct text out;
    bool found;
    sql("select t_single(1, 1000)");
    round_on("2021-06-30");
    struct explain_options options = {.conninfo = conninfo,
                                      .policy = policy,
                                      .policy_hash = policy_hash,
                                      .dictionary = dictionary,
                                      .subject = "H1",
                                      .as_of = day("2021-06-30")};
    text_init(&out);
    must(explain_execute(&options, &out, &found, &err));
    static const char *const words[] = {"red.apply",
                                        "触发",
                                        "未触发",
                                        "1000.00",
                                        "4830.00",
                                        "004 篇五",
                                        "王**",
                                        "-3830.00",
                                        "成员 1 工资性收入 1000.00 元",
                                        "怎样会变",
                                        "多 3,830.00 元(4,830.00 元),即降为橙色预警"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_msg(strstr(out.bytes, words[i]) != NULL, "%s in:\n%s", words[i], out.bytes);
    ck_assert_ptr_null(strstr(out.bytes, "王某某"));
    text_clear(&out);
    options.named = true;
    must(explain_execute(&options, &out, &found, &err));
    ck_assert_ptr_nonnull(strstr(out.bytes, "王某某"));
    text_clear(&out);
    options.subject = "no-such";
    must(explain_execute(&options, &out, &found, &err));
    ck_assert(!found && out.length == 0);
    text_fini(&out);
    ck_assert_ptr_null(explain("01900000-0000-7000-8000-000000000000", false));
}
END_TEST

START_TEST(the_list_of_warnings_is_as_documented)
{
    struct text out;
    struct warnings_options options = {.conninfo = conninfo};
    sql("select t_single(2, 1000), t_single(10, 6000), t_single(3, 60000);"
        "select t_batch(1, 'm06', '2021-06-28'); select t_fact(10, 'expense.medical_self_paid', 550000, "
        "'2021-06-01', '2021-06-20', 1, 2, '')");
    round_on("2021-06-30");
    text_init(&out);
    must(warnings_json(&options, &out, &err));
    json_t *root = json_loadb(out.bytes, out.length, JSON_DISABLE_EOF_CHECK, NULL);
    ck_assert_msg(root != NULL, "%s", out.bytes);
    json_t *households = json_object_get(root, "households"), *first = json_array_get(households, 0);
    ck_assert_uint_eq(json_array_size(households), 2);
    ck_assert_str_eq(json_string_value(json_object_get(first, "household_no")), "H10");
    ck_assert_str_eq(json_string_value(json_object_get(first, "township_code")), "610922103");
    ck_assert_str_eq(json_string_value(json_object_get(first, "level")), "red");
    char *reasons = json_dumps(json_object_get(first, "reasons"), JSON_COMPACT);
    ck_assert_str_eq(
        reasons,
        "[{\"rule\":\"orange.margin\",\"level\":\"orange\"},{\"rule\":\"red.rigid\",\"level\":\"red\"}]");
    free(reasons);
    ck_assert_int_eq(json_integer_value(json_object_get(root, "round")), 1);
    json_decref(root);
    text_clear(&out);
    options.level = "orange";
    must(warnings_csv(&options, &out, &err));
    ck_assert_msg(strchr(out.bytes, '\n') == out.bytes + out.length - 1, "only the header: %s", out.bytes);
    text_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("round");
    TCase *tests = tcase_create("round");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(tests, round_fixture_county, round_fixture_drop);
    tcase_add_test(tests, a_round_writes_findings_case_history_audit_event_and_delivery);
    tcase_add_test(tests, the_event_says_what_townships_are_promised);
    tcase_add_test(tests, a_second_round_over_the_same_input_writes_nothing);
    tcase_add_test(tests, levels_rise_and_fall_with_their_reasons);
    tcase_add_test(tests, a_stale_feed_ends_nothing_and_is_marked_once);
    tcase_add_test(tests, freshness_ends_on_the_day_after_the_35th);
    tcase_add_test(tests, a_household_that_leaves_the_register_is_cleared);
    tcase_add_test(tests, a_household_that_leaves_the_register_is_cleared_whatever_feeds_are_late);
    tcase_add_test(tests, a_case_goes_where_the_household_goes);
    tcase_add_test(tests, a_check_goes_where_the_household_goes);
    tcase_add_test(tests, a_rule_that_becomes_another_kind_ends_and_begins);
    tcase_add_test(tests, a_reason_that_the_policy_puts_at_another_level_is_told);
    tcase_add_test(tests, a_dead_mans_benefit_is_a_check_without_a_level);
    tcase_add_test(tests, a_rule_that_the_policy_no_longer_has_ends);
    tcase_add_test(tests, a_dry_run_leaves_no_trace);
    tcase_add_test(tests, a_round_over_the_limit_is_held_until_accepted);
    tcase_add_test(tests, more_than_was_accepted_is_held_again);
    tcase_add_test(tests, a_date_before_the_last_committed_round_is_refused);
    tcase_add_test(tests, a_dry_run_of_an_earlier_date_knows_only_what_was_known);
    tcase_add_test(tests, an_empty_county_is_a_round);
    tcase_add_test(tests, evidence_explains_for_ever_what_the_live_facts_explained_then);
    tcase_add_test(tests, explanations_are_in_chinese_and_masked);
    tcase_add_test(tests, the_list_of_warnings_is_as_documented);
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
