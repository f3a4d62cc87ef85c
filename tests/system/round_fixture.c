/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "round_fixture.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char conninfo[512];
struct policy *policy;
const char policy_hash[] = "00000000000000000000000000000000000000000000000000000000000000aa";
static struct arena *policy_arena;

static const char county_sql[] =
    "create function t_batch(src int, batch_name text, until date, sent timestamptz default null) returns "
    "bigint"
    " language sql as $$ insert into batch (source, batch, mode, status, period_to, sent_at, file_name)"
    " values (src, batch_name, 'full', 'accepted', until, sent, batch_name || '.csv') returning batch_id $$;"
    "create function t_spoken(src int, code_name text, b bigint) returns smallint language sql as $$"
    " insert into source_code select src, code, b from fact_code where name = code_name on conflict do "
    "nothing;"
    " select code from fact_code where name = code_name $$;"
    "create function t_fact(p bigint, code_name text, v numeric, f date, t date, src int default 0, b bigint "
    "default 1,"
    " doc text default '') returns void language sql as $$"
    " insert into person_fact (person_id, value, batch_id, from_day, to_day, row_no, code, source, ref)"
    " values (p, v, b, f, t, p::int + 1, t_spoken(src, code_name, b), src, doc) $$;"
    "create function t_own(h bigint, code_name text, v numeric, f date, t date, src int default 0, b bigint "
    "default 1)"
    " returns void language sql as $$"
    " insert into household_fact (household_id, value, batch_id, from_day, to_day, row_no, code, source)"
    " values (h, v, b, f, t, h::int + 1, t_spoken(src, code_name, b), src) $$;"
    "create function t_single(n bigint, wage numeric, township bigint default 610922103) returns void "
    "language sql as $$"
    " insert into household values (n, 'H' || n, township, township * 1000 + 1, false, '某村 ' || n || ' 号',"
    " '2020-01-01');"
    " insert into household_number values ('H' || n, n);"
    " insert into person values (n, '王某某');"
    " insert into person_identity values (61092219800101001 * 11 + n * 11, n);"
    " insert into membership (person_id, household_id, valid_from, birth, line)"
    " values (n, n, '2020-01-01', '1980-01-01', n + 1);"
    " select t_own(n, 'income.declared', 1, '2019-01-01', null);"
    " select t_fact(n, 'income.wage', wage * 100, '2021-01-01', '2021-06-30'); $$;"
    "select t_batch(0, 'register', null)";

void read_county_policy(char text[POLICY_TEXT_SIZE])
{
    char path[512];
    snprintf(path, sizeof path, "%s/conf/policies/shaanxi-county.policy", getenv("abs_top_srcdir"));
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    size_t length = fread(text, 1, POLICY_TEXT_SIZE, file);
    fclose(file);
    ck_assert_uint_lt(length, POLICY_TEXT_SIZE);
    text[length] = '\0';
}

static void compile_policy(void)
{
    static char text[POLICY_TEXT_SIZE];
    struct policy_diagnostics diagnostics;
    read_county_policy(text);
    policy_arena = arena_new(0);
    must(policy_compile("shaanxi-county.policy", text, strlen(text), dictionary, policy_arena, &diagnostics,
                        &policy, &err));
}

void round_fixture_county(void)
{
    fixture_migrated();
    fixture_sql(county_sql);
    fixture_conninfo(NULL, conninfo);
    compile_policy();
}

void round_fixture_drop(void)
{
    policy_free(policy);
    arena_free(policy_arena);
    fixture_drop();
}

void sql(const char *format, ...)
{
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fixture_sql(line);
}

day_t day(const char *text)
{
    day_t value = DAY_NONE;
    ck_assert_msg(civil_parse(slice_of(text), &value), "%s", text);
    return value;
}

struct round_options options_on(const char *as_of)
{
    return (struct round_options){
        .conninfo = conninfo,
        .policy = policy,
        .policy_hash = policy_hash,
        .dictionary = dictionary,
        .county_code = 610922,
        .as_of = day(as_of),
        .cause = "operator",
        .actor = "tester",
    };
}

void check_report(const struct round_report *report)
{
    struct text out;
    text_init(&out);
    must(round_report_json(report, &out, &err));
    json_t *root = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
    ck_assert_msg(root != NULL, "%s", out.bytes);
    static const char *const keys[] = {"round",  "as_of",  "policy",   "households", "persons",
                                       "levels", "raised", "cleared",  "unchanged",  "income_unknown",
                                       "held",   "stages", "escalated"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        ck_assert_msg(json_object_get(root, keys[i]) != NULL, "no %s in %s", keys[i], out.bytes);
    json_decref(root);
    text_fini(&out);
}

struct round_counts run(const struct round_options *options, int64_t *round_id, bool *held)
{
    struct round_report report;
    round_report_init(&report);
    must(round_execute(options, NULL, &report, &err));
    check_report(&report);
    struct round_counts counts = report.counts;
    if (round_id != NULL)
        *round_id = report.round_id;
    if (held != NULL)
        *held = report.held;
    round_report_fini(&report);
    return counts;
}

struct round_counts round_on(const char *as_of)
{
    struct round_options options = options_on(as_of);
    return run(&options, NULL, NULL);
}
