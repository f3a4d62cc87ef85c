/* SPDX-License-Identifier: PostgreSQL */
/* The pages, rendered from a view made by hand: the metrics' format, readiness, and the status page's form. */
#include "config.h" /* strdup, strsep */

#include "api/health.h"
#include "api/metrics.h"
#include "api/page.h"
#include "cases.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a view --------------------------------------------------------------------------------------------------- */

#define NOW_MS INT64_C(1795300000000) /* 2026-11-22 06:26:40 +08:00 */

static struct api_facts facts;
static struct api_counts counts;
static struct api_view view;

/* 2026-11-22 is 20779 days after 1970-01-01. */
enum { TODAY = 20779 };

static const struct listing_township_level levels[] = {{610922100, {1, 2, 3, 4, 5}},
                                                       {610922103, {0, 0, 1, 0, 2}}};
static const struct batch_info batches[] = {
    {.batch_id = 9,
     .source = 1,
     .name = "2026-10",
     .accepted = true,
     .reason = "",
     .period_to = TODAY - 10,
     .received_at_ms = NOW_MS - 3600500,
     .counts = {1000, 900, 7, 93}},
    {.batch_id = 11,
     .source = 2,
     .name = "2026-11",
     .reason = "hash",
     .period_to = DAY_NONE,
     .received_at_ms = NOW_MS - 1000},
    {.batch_id = 8,
     .source = 2,
     .name = "2026-08",
     .accepted = true,
     .reason = "",
     .period_to = TODAY - 83,
     .received_at_ms = NOW_MS - INT64_C(86400000) * 80},
};
static const struct round_info rounds[] = {
    {.round_id = 3,
     .state = ROUND_HELD,
     .cause = "schedule",
     .as_of = TODAY,
     .started_at_ms = NOW_MS - 60000,
     .finished_at_ms = NOW_MS - 59000,
     .counts_json = "{\"raised\":4000}",
     .stages_json = "[]",
     .error = ""},
    {.round_id = 2,
     .state = ROUND_COMMITTED,
     .cause = "schedule",
     .as_of = TODAY - 17,
     .started_at_ms = NOW_MS - 120000,
     .finished_at_ms = NOW_MS - 118750,
     .counts_json = "{\"raised\":6,\"cleared\":1}",
     .stages_json = "[]",
     .error = ""},
};
static const struct listing_shape queue[] = {{610922103, .count = {1, 2, 0, 0, 0, 3}, .queued = 6,
                                              .failed = 4, .held = 5, .expired = 6, .oldest_ms = 90061001}};
static struct transaction oldest;
static const struct api_feed feeds[] = {
    {.source = 1,
     .name = "medical_insurance",
     .title = "医保局",
     .freshness_days = 35,
     .batches_accepted = 1,
     .rows = 1000,
     .rows_quarantined = 7},
    {.source = 2, .name = "disabled_federation", .title = "残联", .freshness_days = 35, .batches_refused = 1},
    {.source = 100, .name = "quo\"te\\d", .title = "<b>水利局&</b>"},
};

static const struct volume_swinging swinging[] = {{1, 2, false}, {100, 0, true}};

static const struct unusable unusable[] = {
    {.source = 1, .batch_id = 7, .rows = 50, .quarantined = 10, .batch = "b7"},
    {.source = 1, .batch_id = 9, .rows = 1000, .quarantined = 100, .batch = "b9"},
    {.source = 2, .batch_id = 10, .rows = 10, .quarantined = 10, .trusted = true, .batch = "b10"}};

static void make_facts(void)
{
    counts = (struct api_counts){.on_register = {.households = 1500, .persons = 4711},
                                 .levels = levels,
                                 .level_count = 2,
                                 .swinging = swinging,
                                 .swinging_count = 2};
    facts = (struct api_facts){.read_unix_ms = NOW_MS - 1500,
                               .status = {.rounds_held = 1,
                                          .last_round = 2,
                                          .queue_waiting = 6,
                                          .queue_failed = 4,
                                          .queue_oldest_ms = 90061001},
                               .counts = &counts,
                               .batches = batches,
                               .batch_count = 3,
                               .unusable = unusable,
                               .unusable_count = 3,
                               .rounds = rounds,
                               .round_count = 2,
                               .queue = queue,
                               .queue_count = 1,
                               .oldest = &oldest};
}

static void make_view(void)
{
    make_facts();
    oldest = (struct transaction){.pid = 4711, .account = "l<i>", .age_ms = 250};
    view = (struct api_view){.now_unix_ms = NOW_MS,
                             .started_unix_ms = NOW_MS - 86400000,
                             .version = "0.1.0",
                             .county_code = 610922,
                             .county_name = "示范<县>",
                             .policy_name = "陕西县级",
                             .policy_version = "1",
                             .policy_hash = "ab",
                             .settings_loaded_unix_ms = NOW_MS,
                             .database_state = "up",
                             .database_up = true,
                             .database_reason = "",
                             .role = "leader",
                             .leading = true,
                             .leader_holder = "a:/run/ctl.sock:0123abcd",
                             .leader_refusal = "",
                             .waits = "",
                             .leader_token = 7,
                             .facts = &facts,
                             .feed_count = 3,
                             .feeds = feeds,
                             .job_running = "",
                             .next_round_unix_ms = NOW_MS + 1000,
                             .scans = 3,
                             .rounds_committed = 1,
                             .raised = 6,
                             .delivering = true,
                             .delivery = {.attempts = 9, .delivered = 8},
                             .loop_turns = 17,
                             .cpu_seconds = 0.5};
}

/* --- the metrics' format -------------------------------------------------------------------------------------- */

enum { FAMILIES_MAX = 100, SAMPLES_MAX = 500 };

struct exposition {
    char families[FAMILIES_MAX][96];
    bool counter[FAMILIES_MAX];
    size_t family_count;
    char samples[SAMPLES_MAX][256]; /* name and labels: none may come twice */
    size_t sample_count;
};

static void check_name(const char *name)
{
    ck_assert_msg(islower((unsigned char)name[0]), "%s: does not begin with a letter", name);
    for (const char *c = name; *c; c++)
        ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_',
                      "%s: odd character", name);
    const char *const bad_units[] = {"_ms", "_milliseconds", "_minutes", "_hours", "_days",
                                     "_kb", "_mb",           "_count",   "_sum",   "_bucket"};
    for (size_t i = 0; i < sizeof bad_units / sizeof *bad_units; i++) {
        size_t length = strlen(name), unit = strlen(bad_units[i]);
        ck_assert_msg(length < unit || strcmp(name + length - unit, bad_units[i]) != 0, "%s: unit %s", name,
                      bad_units[i]);
    }
}

/* "# HELP name words." and "# TYPE name counter|gauge", in this order, once for each family. */
static void check_comment(struct exposition *seen, const char *line)
{
    char name[96], type[16];
    if (sscanf(line, "# HELP %95s", name) == 1) {
        check_name(name);
        for (size_t i = 0; i < seen->family_count; i++)
            ck_assert_msg(strcmp(seen->families[i], name) != 0, "%s comes twice", name);
        ck_assert_msg(strlen(line) > strlen(name) + 9, "%s has no help", name);
        ck_assert_uint_lt(seen->family_count, FAMILIES_MAX);
        snprintf(seen->families[seen->family_count++], sizeof seen->families[0], "%s", name);
        return;
    }
    ck_assert_msg(sscanf(line, "# TYPE %95s %15s", name, type) == 2, "%s", line);
    ck_assert_msg(seen->family_count > 0 && strcmp(seen->families[seen->family_count - 1], name) == 0,
                  "TYPE of %s without its HELP before", name);
    bool counter = strcmp(type, "counter") == 0;
    ck_assert_msg(counter || strcmp(type, "gauge") == 0, "%s", line);
    bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
    ck_assert_msg(total == counter, "%s: a counter ends in _total, a gauge does not", name);
    seen->counter[seen->family_count - 1] = counter;
}

/* name{label="value",…} number */
static void check_sample(struct exposition *seen, const char *line)
{
    const char *family = seen->families[seen->family_count - 1];
    size_t length = strcspn(line, "{ ");
    ck_assert_msg(strlen(family) == length && strncmp(line, family, length) == 0, "%s is not of %s", line,
                  family);
    const char *at = line + length;
    if (*at == '{') {
        do {
            at++;
            size_t label = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
            ck_assert_msg(label > 0 && at[label] == '=' && at[label + 1] == '"', "%s: label", line);
            for (at += label + 2; *at && *at != '"'; at++)
                if (*at == '\\')
                    at++;
            ck_assert_msg(*at == '"', "%s: value without end", line);
            at++;
        } while (*at == ',');
        ck_assert_msg(*at == '}', "%s: labels without end", line);
        at++;
    }
    for (size_t i = 0; i < seen->sample_count; i++)
        ck_assert_msg(strncmp(seen->samples[i], line, (size_t)(at - line)) != 0 ||
                          seen->samples[i][at - line] != 0,
                      "%s comes twice", line);
    ck_assert_uint_lt(seen->sample_count, SAMPLES_MAX);
    snprintf(seen->samples[seen->sample_count++], sizeof seen->samples[0], "%.*s", (int)(at - line), line);
    ck_assert_msg(*at == ' ', "%s: no value", line);
    char *end;
    double number = strtod(at + 1, &end);
    ck_assert_msg(*end == 0 && end > at + 1, "%s: not a number", line);
    ck_assert_msg(number >= 0, "%s: below zero", line);
}

static void check_exposition(const char *text)
{
    struct exposition *seen = calloc(1, sizeof *seen);
    ck_assert_msg(text[strlen(text) - 1] == '\n', "the last line has no end");
    char *copy = strdup(text);
    for (char *rest = copy, *line; (line = strsep(&rest, "\n")) && rest;) {
        ck_assert_msg(*line != 0, "an empty line");
        if (*line == '#')
            check_comment(seen, line);
        else
            check_sample(seen, line);
    }
    free(copy);
    free(seen);
}

static char *render_metrics(void)
{
    struct text text;
    text_init(&text);
    metrics_render(&view, &text);
    return text_take(&text);
}

START_TEST(metrics_are_in_the_format)
{
    make_view();
    char *text = render_metrics();
    check_exposition(text);
    free(text);
    view.facts = 0;
    view.delivering = false;
    view.feed_count = 0;
    view.next_round_unix_ms = 0;
    text = render_metrics();
    check_exposition(text);
    free(text);
}
END_TEST

START_TEST(metrics_say_what_is)
{
    static const char *const lines[] = {
        "shouwang_warnings{township=\"610922100\",level=\"red\"} 5",
        "shouwang_warnings{township=\"610922103\",level=\"orange\"} 0",
        "shouwang_queue_events{township=\"610922103\",state=\"waiting\"} 6",
        "shouwang_queue_events{township=\"610922103\",state=\"expired\"} 6",
        "shouwang_feed_age_seconds{feed=\"medical_insurance\"} 3600.500",
        "shouwang_feed_quarantined_rows_total{feed=\"medical_insurance\"} 7",
        "shouwang_feed_batches_total{feed=\"quo\\\"te\\\\d\",outcome=\"refused\"} 0",
        "shouwang_feed_swings{feed=\"medical_insurance\"} 2",
        "shouwang_feed_swings{feed=\"disabled_federation\"} 0",
        "shouwang_feed_swings{feed=\"quo\\\"te\\\\d\"} 1",
        "shouwang_feed_unusable{feed=\"medical_insurance\"} 2",
        "shouwang_feed_unusable{feed=\"disabled_federation\"} 0",
        "shouwang_feed_unusable{feed=\"quo\\\"te\\\\d\"} 0",
        "shouwang_round_last_duration_seconds 1.250",
        "shouwang_database_oldest_transaction_age_seconds 0.250",
        "shouwang_database_up 1",
        "shouwang_leader 1",
        "shouwang_leader_token 7",
        "shouwang_deliveries_total{outcome=\"delivered\"} 8",
        "shouwang_queue_oldest_age_seconds 90061.001",
    };
    make_view();
    char *text = render_metrics();
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char line[256];
        snprintf(line, sizeof line, "\n%s\n", lines[i]);
        ck_assert_msg(strstr(text, line) != 0, "not there: %s", lines[i]);
    }
    free(text);
}
END_TEST

/* --- transactions that do not end ------------------------------------------------------------------------------ */

START_TEST(an_age_that_is_not_told_is_how_long_it_was_seen_and_told_once)
{
    struct transactions_watch watch = {0};
    struct transaction list[] = {{.pid = 1, .xid = 700, .age_ms = -1},
                                 {.pid = 2, .xid = 700, .age_ms = 5000}};
    const struct transaction *first = transactions_watch(&watch, list, 2, 1000);
    ck_assert_ptr_eq(first, &list[1]);
    ck_assert_int_eq(list[0].age_ms, 0);

    list[0].age_ms = -1;
    list[1] = (struct transaction){.pid = 3, .xid = 701, .age_ms = -1}; /* another comes, and one is gone */
    ck_assert_ptr_eq(transactions_watch(&watch, list, 2, 1000 + TRANSACTION_OLD_MS - 1), &list[0]);
    ck_assert(!list[0].news);
    list[0].age_ms = -1;
    ck_assert_ptr_eq(transactions_watch(&watch, list, 1, 1000 + TRANSACTION_OLD_MS), &list[0]);
    ck_assert(list[0].news);
    ck_assert_int_eq(list[0].age_ms, TRANSACTION_OLD_MS);
    list[0].age_ms = -1;
    transactions_watch(&watch, list, 1, 2000 + TRANSACTION_OLD_MS);
    ck_assert(!list[0].news);
    list[0] = (struct transaction){.pid = 1, .xid = 900, .age_ms = -1}; /* the session's next one */
    transactions_watch(&watch, list, 1, 3000 + TRANSACTION_OLD_MS);
    ck_assert_int_eq(list[0].age_ms, 0);
    list[0].age_ms = 2 * TRANSACTION_OLD_MS; /* told by the server: what passed before we looked counts */
    transactions_watch(&watch, list, 1, 4000 + TRANSACTION_OLD_MS);
    ck_assert(list[0].news);
    ck_assert_int_eq(list[0].age_ms, 2 * TRANSACTION_OLD_MS);
    ck_assert_ptr_null(transactions_watch(&watch, list, 0, 5000 + TRANSACTION_OLD_MS));
    ck_assert_uint_eq(watch.count, 0);
}
END_TEST

/* --- readiness ------------------------------------------------------------------------------------------------ */

static char *render_health(bool verbose, bool *ready)
{
    struct text text;
    text_init(&text);
    *ready = health_render(&view, verbose, &text);
    text_add_str(&text, "");
    return text_take(&text);
}

START_TEST(old_feeds_are_told_but_do_not_make_it_unready)
{
    bool ready;
    make_view();
    char *text = render_health(true, &ready);
    ck_assert(ready);
    ck_assert_ptr_nonnull(strstr(text, "[+] feed medical_insurance: speaks of 10 days ago\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "[!] feed disabled_federation: speaks of 83 days ago, fresh within 35"));
    ck_assert_ptr_nonnull(strstr(text, "[!] feed disabled_federation: batch 2026-11 was refused\n"));
    ck_assert_ptr_nonnull(strstr(text,
                                 "[!] feed medical_insurance: unusually many or few rows in 2 townships: it"
                                 " ends no warning there\n"));
    ck_assert_ptr_null(strstr(text, "[!] feed disabled_federation: unusually"));
    ck_assert_ptr_nonnull(
        strstr(text, "unusually many or few rows in 0 townships and in sum: it ends no warning\n"));
    ck_assert_ptr_nonnull(strstr(text, "[!] rounds: 1 held"));
    ck_assert_ptr_nonnull(
        strstr(text, "[!] township 610922103: 6 events wait, but no receiver is configured for it\n"));
    free(text);
    static const struct endpoint_config endpoint = {.code = 610922103};
    view.endpoints = &endpoint;
    view.endpoints_configured = 1;
    text = render_health(true, &ready);
    ck_assert_ptr_null(strstr(text, "no receiver"));
    free(text);
    text = render_health(false, &ready);
    ck_assert(ready);
    ck_assert(!text || !*text);
    free(text);
}
END_TEST

START_TEST(a_transaction_that_does_not_end_is_told_but_does_not_make_it_unready)
{
    bool ready;
    make_view();
    char *text = render_health(true, &ready);
    ck_assert_ptr_null(strstr(text, "dead rows"));
    free(text);
    oldest.age_ms = TRANSACTION_OLD_MS;
    text = render_health(true, &ready);
    ck_assert(ready);
    ck_assert_ptr_nonnull(strstr(
        text, "[!] database: session 4711 of l<i> has kept dead rows from being cleaned for 3600 s\n"));
    free(text);
}
END_TEST

START_TEST(a_database_that_is_away_makes_it_unready_and_says_why)
{
    bool ready;
    make_view();
    view.database_up = false;
    view.database_state = "down";
    view.database_reason = "connection refused";
    char *text = render_health(false, &ready);
    ck_assert(!ready);
    ck_assert_str_eq(text, "[-] database: down: connection refused\n");
    free(text);
}
END_TEST

START_TEST(a_standby_is_unready_and_says_who_leads)
{
    bool ready;
    make_view();
    view.leading = false;
    view.role = "standby";
    char *text = render_health(false, &ready);
    ck_assert(!ready);
    ck_assert_str_eq(text, "[-] lease: standby, a:/run/ctl.sock:0123abcd leads\n");
    free(text);
    view.role = "suspended";
    text = render_health(false, &ready);
    ck_assert(!ready);
    ck_assert_str_eq(text, "[-] lease: suspended\n");
    free(text);
}
END_TEST

START_TEST(a_daemon_that_may_not_lead_is_unready_and_says_why)
{
    bool ready;
    make_view();
    view.leading = false;
    view.role = "standby";
    view.leader_refusal = "no privilege";
    char *text = render_health(false, &ready);
    ck_assert(!ready);
    ck_assert_str_eq(text, "[-] lease: standby: no privilege\n");
    free(text);
}
END_TEST

START_TEST(a_leader_whose_work_waits_is_unready_and_says_why)
{
    bool ready;
    make_view();
    view.waits = "the clocks are a day apart";
    char *text = render_health(false, &ready);
    ck_assert(!ready);
    ck_assert_str_eq(text, "[-] work: waits: the clocks are a day apart\n");
    free(text);
}
END_TEST

START_TEST(what_failed_last_and_who_is_held_are_told_but_do_not_make_it_unready)
{
    static const int64_t held[] = {610922103};
    bool ready;
    make_view();
    view.scan_failed = (struct api_failure){NOW_MS, "drop: Permission denied"};
    facts.held = held;
    facts.held_count = 1;
    char *text = render_health(true, &ready);
    ck_assert(ready);
    ck_assert_ptr_nonnull(
        strstr(text, "[!] scan: failed at 2026-11-22T06:26:40.000+08:00: drop: Permission denied\n"));
    ck_assert_ptr_null(strstr(text, "[!] round: failed"));
    ck_assert_ptr_nonnull(strstr(text, "[!] township 610922103: its receiver answered 410 and is held\n"));
    free(text);
}
END_TEST

START_TEST(a_daemon_that_stops_is_unready)
{
    bool ready;
    make_view();
    view.draining = true;
    char *text = render_health(false, &ready);
    ck_assert(!ready);
    ck_assert_str_eq(text, "[-] daemon: stopping\n");
    free(text);
}
END_TEST

/* --- the page ------------------------------------------------------------------------------------------------- */

static bool is_void(const char *name, size_t length)
{
    return (length == 4 && strncmp(name, "meta", 4) == 0) ||
           (length == 8 && strncmp(name, "!DOCTYPE", 8) == 0);
}

/* Every element ends where it should: the page is well-formed but for the void ones. */
static void check_nesting(const char *html)
{
    enum { DEPTH_MAX = 32 };
    char open[DEPTH_MAX][16];
    size_t depth = 0;
    for (const char *at = html; (at = strchr(at, '<')); at++) {
        bool closing = at[1] == '/';
        const char *name = at + 1 + closing;
        size_t length = strcspn(name, " >");
        ck_assert_uint_lt(length, sizeof open[0]);
        if (closing) {
            ck_assert_uint_gt(depth, 0);
            depth--;
            ck_assert_msg(strlen(open[depth]) == length && strncmp(open[depth], name, length) == 0,
                          "</%.*s> ends <%s>", (int)length, name, open[depth]);
        } else if (!is_void(name, length)) {
            ck_assert_uint_lt(depth, DEPTH_MAX);
            snprintf(open[depth++], sizeof open[0], "%.*s", (int)length, name);
        }
    }
    ck_assert_uint_eq(depth, 0);
}

static char *render_status_page(void)
{
    struct text text;
    text_init(&text);
    page_render(&view, &text);
    return text_take(&text);
}

START_TEST(the_page_is_well_formed_and_escapes)
{
    make_view();
    char *html = render_status_page();
    check_nesting(html);
    ck_assert_ptr_nonnull(strstr(html, "<html lang=\"zh-CN\">"));
    ck_assert_ptr_nonnull(strstr(html, "示范&lt;县&gt;"));
    ck_assert_ptr_nonnull(strstr(html, "&lt;b&gt;水利局&amp;&lt;/b&gt;"));
    ck_assert_ptr_null(strstr(html, "<script"));
    ck_assert_ptr_null(strstr(html, "http://"));
    ck_assert_ptr_nonnull(strstr(html, "暂缓"));
    ck_assert_ptr_nonnull(strstr(html, "未配置接收系统"));
    ck_assert_ptr_nonnull(strstr(html, "83 天（已过期）"));
    ck_assert_ptr_null(strstr(html, "数据库会话"));
    free(html);
    oldest.age_ms = 3 * TRANSACTION_OLD_MS;
    html = render_status_page();
    check_nesting(html);
    ck_assert_ptr_nonnull(strstr(html, "数据库会话 4711（账户 l&lt;i&gt;）的事务已持续 3 小时未结束"));
    free(html);
    view.leading = false;
    html = render_status_page();
    check_nesting(html);
    ck_assert_ptr_nonnull(strstr(html, "备用"));
    free(html);
    view.database_up = false;
    view.database_reason = "a <b> c";
    view.facts = 0;
    html = render_status_page();
    check_nesting(html);
    ck_assert_ptr_nonnull(strstr(html, "数据库不可用"));
    ck_assert_ptr_null(strstr(html, "<b>"));
    free(html);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pages");
    TCase *tcase = tcase_create("pages");
    tcase_add_test(tcase, metrics_are_in_the_format);
    tcase_add_test(tcase, metrics_say_what_is);
    tcase_add_test(tcase, old_feeds_are_told_but_do_not_make_it_unready);
    tcase_add_test(tcase, an_age_that_is_not_told_is_how_long_it_was_seen_and_told_once);
    tcase_add_test(tcase, a_transaction_that_does_not_end_is_told_but_does_not_make_it_unready);
    tcase_add_test(tcase, a_database_that_is_away_makes_it_unready_and_says_why);
    tcase_add_test(tcase, a_standby_is_unready_and_says_who_leads);
    tcase_add_test(tcase, a_daemon_that_may_not_lead_is_unready_and_says_why);
    tcase_add_test(tcase, a_leader_whose_work_waits_is_unready_and_says_why);
    tcase_add_test(tcase, what_failed_last_and_who_is_held_are_told_but_do_not_make_it_unready);
    tcase_add_test(tcase, a_daemon_that_stops_is_unready);
    tcase_add_test(tcase, the_page_is_well_formed_and_escapes);
    suite_add_tcase(suite, tcase);
    return unit_run(&suite, 1);
}
