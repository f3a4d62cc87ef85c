/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every allocation of every path below fails once. Each time the path must end with STATUS_FATAL
 * and words about memory, or as it would have ended with all memory; and what it made must be free to the last byte,
 * which AddressSanitizer sees to (test processes end with exit(), so leaks are looked for).
 *
 * A path is one row of the table: what it needs is made before (`begin`), with all memory there.
 */
#include "config.h" /* mkdtemp */

#include "allocation.h"
#include "api/health.h"
#include "api/metrics.h"
#include "api/page.h"
#include "app/json_memory.h"
#include "app/settings.h"
#include "app/settings_difference.h"
#include "cases.h"
#include "delivery/message.h"
#include "delivery/overdue.h"
#include "delivery/test_event.h"
#include "io/crypto.h"
#include "round/assemble.h"
#include "round/event.h"
#include "round/evidence.h"
#include "round/freshness.h"
#include "round/round.h"
#include "round/standing.h"
#include "source/feed_rows.h"
#include "source/manifest.h"
#include "source/table.h"
#include "store/fact_index.h"
#include "store/outbox.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* --- what paths work on ------------------------------------------------------------------------------------------ */

static char folder[64];
static struct dictionary *dictionary;
static struct arena *arena; /* of what `begin` makes */
static struct error said;

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(in_folder(name), "wb");
    ck_assert_msg(file != NULL, "%s", in_folder(name));
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(in_folder(name), 0600), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/swpaths.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    dictionary = dictionary_new();
    ck_assert(dictionary != NULL && dictionary_add_base(dictionary, &said) == STATUS_OK);
    arena = arena_new(0);
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
    arena_free(arena);
    dictionary_free(dictionary);
}

static enum status out_of(const struct text *text, struct error *err)
{
    return text->failed ? error_set(err, STATUS_FATAL, "out of memory") : STATUS_OK;
}

/* --- configuration ------------------------------------------------------------------------------------------------ */

static const char feed_text[] =
    "[feed]\nencoding = gb18030\ncodes = expense.*, housing.grade\nallow_empty = yes\n"
    "[map]\nid_number = 证号\nname = 姓名\n"
    "[fact.1]\ncode = expense.medical_self_paid\nvalue = 金额\nunit = fen\nfrom = 日期\nref = 单号\n"
    "date_format = YYYYMMDD|YYYY/M/D\n"
    "[fact.2]\ncode = housing.grade\nvalue = 级\nvalues = G\nfrom = 日期\ndate_format = YYYYMMDD\nwhen = 类 = 危\n"
    "[values.G]\n一级 = A\n二级 = B\n";

static void begin_settings(void)
{
    char conf[512];
    snprintf(conf, sizeof conf,
             "[county]\ncode = 610922\nname = 示范县\n[database]\nconninfo = dbname=x password=geheim\n"
             "[policy]\nfile = %s/conf/policies/shaanxi-county.policy\n"
             "[facts]\ndictionary = facts.conf\n[rounds]\nschedule = Mon..Fri 02:00\nlimit = 5%% or 1000\n"
             "[delivery]\nallow = 10.0.0.0/8 127.0.0.0/8\n",
             getenv("abs_top_srcdir"));
    mkdir(in_folder("townships.d"), 0755);
    mkdir(in_folder("feeds.d"), 0755);
    write_text("shouwang.conf", conf);
    write_text("facts.conf",
               "[expense.funeral]\nnumber = 1000\nkind = choice\ntitle = 丧葬\nchoice = a 甲\n");
    write_text("townships.d/secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n");
    write_text("townships.d/610922103.conf",
               "[endpoint]\nurl = https://a.example/hook\nsecret_file = secret\n"
               "disclosure = named\n");
    write_text("townships.d/610922104.conf",
               "[endpoint]\nurl = https://b.example/hook\nsecret_file = secret\n");
    write_text("feeds.d/housing.conf", feed_text);
}

static enum status load_settings(struct error *err)
{
    struct settings *settings = NULL, *again = NULL;
    struct mistakes mistakes;
    mistakes_init(&mistakes);
    enum status status = settings_load(in_folder("shouwang.conf"), &settings, &mistakes, err);
    if (status == STATUS_OK)
        status = settings_load_again(settings, &again, &mistakes, err);
    if (status == STATUS_OK)
        settings_difference_log(settings, again);
    settings_release(again);
    settings_release(settings);
    mistakes_fini(&mistakes);
    return status;
}

static void begin_bad_settings(void)
{
    begin_settings();
    write_text("townships.d/610922104.conf", "[endpoint]\nurl = ftp://b\nsecret_fil = secret\n");
    write_text("feeds.d/housing.conf", "[feed]\ncodes = nonsense.*\n");
}

static enum status parse_feed(struct error *err)
{
    struct feed_config *config;
    enum status status = feed_config_parse("housing.conf", (struct slice){feed_text, sizeof feed_text - 1},
                                           "housing", dictionary, &config, err);
    if (status != STATUS_OK)
        return status;
    feed_config_free(config);
    status = feed_config_default("education", &config, err);
    if (status == STATUS_OK)
        feed_config_free(config);
    return status;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void begin_manifest(void)
{
    write_text(
        "manifest.json",
        "{\"feed\": \"housing\", \"batch\": \"b\", \"mode\": \"full\", \"period_from\": \"2021-06-01\", "
        "\"period_to\": \"2021-06-30\", \"sent_at\": \"2021-07-05T08:00:00+08:00\", \"rows\": 3, "
        "\"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\", \"more\": "
        "[1, {\"a\": null}]}");
}

static enum status read_manifest(struct error *err)
{
    struct manifest manifest;
    return manifest_read(in_folder("manifest.json"), &manifest, err);
}

static struct feed_config *config;

/* 证号,姓名,金额,日期,单号,级,类 in GB18030, and one row. */
static const char gb18030_file[] = "\xd6\xa4\xba\xc5,\xd0\xd5\xc3\xfb,\xbd\xf0\xb6\xee,\xc8\xd5\xc6\xda,"
                                   "\xb5\xa5\xba\xc5,\xbc\xb6,\xc0\xe0\n"
                                   "610922198001010014,\xcd\xf5\xb7\xbc,100,20210601,D1,"
                                   "\xd2\xbb\xbc\xb6,\xce\xa3\n";
static const char utf8_file[] = "id_number,household_no,name,code,value,from,to,ref\n"
                                "610922198001010014,,王芳,expense.medical_self_paid,1.00,2021-06-01,,D1\n"
                                ",H2,,housing.grade,C,2021-01-01,,\n"
                                "5.1E+17,,,expense.medical_self_paid,\"1\"\"\",2021-06-02,,D6\n";

static void begin_gb18030(void)
{
    write_bytes("t.csv", gb18030_file, sizeof gb18030_file - 1);
    ck_assert_int_eq(feed_config_parse("housing.conf", (struct slice){feed_text, sizeof feed_text - 1},
                                       "housing", dictionary, &config, &said),
                     STATUS_OK);
}

static void begin_utf8(void)
{
    write_bytes("t.csv", utf8_file, sizeof utf8_file - 1);
    ck_assert_int_eq(feed_config_default("housing", &config, &said), STATUS_OK);
}

static void end_config(void)
{
    feed_config_free(config);
}

static enum status read_rows(struct table *table, struct error *err)
{
    static struct feed_row row;
    struct feed_rows *rows = NULL;
    enum status status = table_header(table, err);
    if (status == STATUS_OK)
        status = feed_rows_new(&rows, dictionary, config, &table->csv, 18800, err);
    if (status != STATUS_OK)
        return status;
    for (enum csv_step step; status == STATUS_OK && (step = table_next(table, err)) != CSV_END;) {
        if (step == CSV_BROKEN)
            status = err->status;
        else
            feed_rows_read(rows, step == CSV_BAD_ROW, &row);
    }
    feed_rows_free(rows);
    return status;
}

static enum status read_table(struct error *err)
{
    struct table *table = NULL;
    enum status status = table_open(&table, in_folder("t.csv"), config->encoding, NULL, err);
    if (status == STATUS_OK)
        status = read_rows(table, err);
    table_close(table);
    return status;
}

/* More than was expected, of both kinds: everything grows. */
static enum status fill_index(struct error *err)
{
    struct fact_index index;
    size_t entry;
    bool added;
    enum status status = fact_index_init(&index, 1, err);
    for (uint64_t i = 1; status == STATUS_OK && i < 2100; i++)
        status = fact_index_add_live(&index, (struct fact_print){i << 20, 1}, &(struct fact_live){0}, err);
    for (uint64_t i = 1; status == STATUS_OK && i < 2100; i++)
        status = fact_index_add(&index, (struct fact_print){i << 20, 2}, &entry, &added, err);
    fact_index_fini(&index);
    return status;
}

/* --- the round's columns ------------------------------------------------------------------------------------------ */

enum { HOUSEHOLDS = 3, PERSONS = 4 };
static int64_t household_ids[HOUSEHOLDS] = {11, 12, 1 << 30}, person_ids[PERSONS] = {1, 2, 3, 4};
static int64_t member_households[PERSONS] = {11, 11, 12, 1 << 30};
static day_t births[PERSONS];
static uint8_t urban[HOUSEHOLDS];

static enum status fill_shard(const struct assembly *assembly, struct shard_bag *bag,
                              const struct match *persons, struct shard_table *table, struct error *err)
{
    static const struct pull_facts facts = {
        .count = 2, .subject_id = {1, 3}, .value = {5, 6}, .to = {18700, 18701}};
    static const struct shard_rows amounts = {.subject = PULL_PERSON_FACTS, .amounts = true},
                                   states = {.subject = PULL_PERSON_FACTS, .code = 1};
    const struct shard_register about = {
        .urban = assembly->urban, .person_begin = assembly->person_begin, .birth = assembly->birth};
    struct policy_block block;
    enum status status = shard_bag_init(bag, &assembly->shards, err);
    if (status == STATUS_OK)
        status = shard_bag_add(bag, &amounts, &facts, persons, NULL, err);
    if (status == STATUS_OK)
        status = shard_bag_add(bag, &states, &facts, persons, NULL, err);
    return status == STATUS_OK ? shard_table_fill(table, &assembly->shards, 0, bag, 1, &about, &block, err)
                               : status;
}

static enum status assemble_all(struct assembly *assembly, struct error *err)
{
    struct pull_households households = {.count = HOUSEHOLDS, .household_id = household_ids, .urban = urban};
    struct pull_members members = {
        .count = PERSONS, .person_id = person_ids, .household_id = member_households, .birth = births};
    struct match *match = NULL, *persons = NULL;
    struct shard_bag bag = {0};
    struct shard_table table = {0};
    enum status status = match_new(&match, household_ids, HOUSEHOLDS, "household", err);
    if (status == STATUS_OK)
        status = assemble_register(assembly, &households, match, &members, 1, err);
    match_free(match);
    if (status == STATUS_OK)
        status = match_new(&persons, assembly->person_id, assembly->person_count, "person", err);
    if (status == STATUS_OK)
        status = fill_shard(assembly, &bag, persons, &table, err);
    match_free(persons);
    shard_table_fini(&table);
    shard_bag_fini(&bag);
    return status;
}

static enum status assemble(struct error *err)
{
    struct assembly assembly = {0};
    enum status status = assemble_all(&assembly, err);
    assembly_fini(&assembly);
    return status;
}

/* --- a policy, a household, its evidence and events --------------------------------------------------------------- */

static struct policy *policy;

static void begin_policy(void)
{
    char path[512];
    struct policy_diagnostics diagnostics;
    char *text = arena_alloc(arena, POLICY_TEXT_MAX_BYTES);
    snprintf(path, sizeof path, "%s/conf/policies/shaanxi-county.policy", getenv("abs_top_srcdir"));
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    size_t length = fread(text, 1, POLICY_TEXT_MAX_BYTES, file);
    fclose(file);
    ck_assert_int_eq(policy_compile("shaanxi", text, length, dictionary, arena, &diagnostics, &policy, &said),
                     STATUS_OK);
}

static void end_policy(void)
{
    policy_free(policy);
}

/* Of a county of which nothing stands yet. */
static enum status stand(struct error *err)
{
    struct standing standing = {0};
    struct match *match = NULL;
    struct pull_findings findings = {0};
    struct pull_warnings warnings = {0};
    enum status status = match_new(&match, household_ids, HOUSEHOLDS, "household", err);
    if (status == STATUS_OK)
        status = standing_init(&standing, policy, 0, &findings, &warnings, match, HOUSEHOLDS, err);
    standing_fini(&standing);
    match_free(match);
    return status;
}

static int position_of(const char *name)
{
    size_t count;
    const int16_t *read = policy_codes(policy, &count);
    const struct fact_code *code = dictionary_by_name(dictionary, slice_of(name));
    for (size_t i = 0; code != NULL && i < count; i++)
        if (read[i] == code->number)
            return (int)i;
    return -1;
}

/* One household of one person with a hospital bill. */
static enum status make_dossier(struct dossier *dossier, struct arena *own, struct error *err)
{
    static struct dossier_person persons[1];
    static struct dossier_fact facts[1];
    persons[0] = (struct dossier_person){
        .person_id = 71, .birth = 3652, .name = "王芳", .traits = POLICY_TRAITS_UNKNOWN};
    facts[0] = (struct dossier_fact){71,
                                     false,
                                     {.value = 9900000,
                                      .from = 18790,
                                      .to = 18790,
                                      .batch = 1,
                                      .row = 2,
                                      .code = (uint16_t)position_of("expense.medical_self_paid"),
                                      .source = 1},
                                     {"medical_insurance", "医保局", "m06", "Z1", DAY_NONE, 18806, 18806}};
    *dossier = (struct dossier){.household_id = 5,
                                .household_no = "H5",
                                .address = "某村",
                                .township = 610922103,
                                .village = 610922103001,
                                .on_register = true};
    return dossier_build(dossier, persons, 1, facts, 1, own, err);
}

static enum status keep_evidence(const struct dossier *dossier, struct arena *own, struct error *err)
{
    struct text json;
    struct evidence evidence;
    text_init(&json);
    evidence_write(dossier, policy, dictionary, "abc", 18808, &json);
    enum status status = out_of(&json, err);
    struct slice slice = {json.bytes, json.length};
    if (status == STATUS_OK)
        status = evidence_read_head(slice, own, &evidence, err);
    if (status == STATUS_OK)
        status = evidence_read(slice, policy, dictionary, own, &evidence, err);
    text_fini(&json);
    return status;
}

static enum status tell(const struct dossier *dossier, const struct policy_explanation *explanation,
                        const struct policy_outcome *outcome, struct error *err)
{
    struct rules rules;
    struct text json;
    rules_init(&rules, policy, 0);
    const struct event_round round = {.policy = policy,
                                      .dictionary = dictionary,
                                      .rules = &rules,
                                      .policy_hash = "abc",
                                      .county_code = 610922,
                                      .round_id = 1,
                                      .unix_ms = INT64_C(1625011200000),
                                      .as_of = 18808};
    const struct event_household household = {.dossier = dossier,
                                              .explanation = explanation,
                                              .fired = outcome->fired,
                                              .undecided = outcome->undecided,
                                              .level = (enum policy_level)outcome->level,
                                              .warning_id = "w1",
                                              .state = "open",
                                              .raised_on = 18808,
                                              .due_on = 18811,
                                              .named = true};
    text_init(&json);
    event_add_warning(&round, &household, "0190", COMPARE_RAISED, &json);
    event_add_check(&round, &household, "0191", -1, "check.gone", false, DAY_NONE, &json);
    enum status status = out_of(&json, err);
    text_fini(&json);
    return status;
}

static enum status judge_in(struct arena *own, struct policy_run *run, struct error *err)
{
    struct dossier dossier;
    struct policy_outcome outcome;
    struct policy_explanation explanation;
    enum status status = make_dossier(&dossier, own, err);
    if (status == STATUS_OK)
        status = policy_run_evaluate(run, &dossier.block, &outcome, err);
    if (status == STATUS_OK)
        status = policy_explain(run, &dossier.block, 0, own, &explanation, err);
    if (status == STATUS_OK)
        status = tell(&dossier, &explanation, &outcome, err);
    return status == STATUS_OK ? keep_evidence(&dossier, own, err) : status;
}

static enum status judge_household(struct error *err)
{
    struct policy_run *run = NULL;
    struct arena *own = arena_new(0);
    if (own == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    enum status status = policy_run_new(policy, 18808, &run, err);
    if (status == STATUS_OK)
        status = judge_in(own, run, err);
    policy_run_free(run);
    arena_free(own);
    return status;
}

static enum status tell_of_a_round(struct error *err)
{
    static struct round_change change = {"H5", 610922103, LEVEL_NONE, LEVEL_RED, "raised"};
    const struct round_report report = {.dry_run = true,
                                        .as_of = 18808,
                                        .policy_name = "a",
                                        .policy_version = "1",
                                        .policy_hash = "abc",
                                        .stage_count = 1,
                                        .stages = {{"load", 1, 2}},
                                        .change_count = 1,
                                        .changes = &change};
    struct text out;
    text_init(&out);
    enum status status = round_report_json(&report, &out, err);
    if (status == STATUS_OK)
        status = out_of(&out, err);
    text_fini(&out);
    return status;
}

/* --- delivery ----------------------------------------------------------------------------------------------------- */

static struct endpoint_config endpoint;

static void begin_endpoint(void)
{
    uint8_t seed[CRYPTO_ED25519_SEED_BYTES] = {1};
    endpoint = (struct endpoint_config){.secret_count = 1, .secrets = {{.length = 24}}};
    ck_assert_int_eq(crypto_signer_from_seed(&endpoint.signer, seed, &said), STATUS_OK);
}

static void end_endpoint(void)
{
    crypto_signer_free(endpoint.signer);
}

static const char event[] =
    "{\"specversion\":\"1.0\",\"id\":\"0190\",\"type\":\"cn.shouwang.warning.raised\","
    "\"data\":{\"persons\":[{\"name\":\"王芳\",\"id_number\":\"11010519491231002X\"}],"
    "\"address\":\"某村\"}}";

static enum status sign(struct error *err)
{
    struct message message;
    struct message_keys keys = {0};
    enum status status = message_prepare(&message, "0190", slice_of(event), 42, err);
    if (status == STATUS_OK)
        status = message_keys_init(&keys, &endpoint, err);
    if (status == STATUS_OK)
        status = message_sign(&message, &keys, 1614265330, err);
    message_keys_fini(&keys);
    message_fini(&message);
    return status;
}

static enum status hand_over(struct error *err)
{
    const struct outbox_overdue overdue = {.household_id = 5,
                                           .event_id = "0190",
                                           .township = 610922103,
                                           .attempts = 3,
                                           .type = slice_of("warning.raised"),
                                           .event = slice_of(event)};
    struct text out;
    text_init(&out);
    enum status status = overdue_compose(&overdue, "0191", INT64_C(1625011200000), false, &out, err);
    test_event_compose(&out, 610922, 610922103, "0192", INT64_C(1625011200000));
    if (status == STATUS_OK)
        status = out_of(&out, err);
    text_fini(&out);
    return status;
}

/* --- what is shown ------------------------------------------------------------------------------------------------ */

static enum status show(struct error *err)
{
    const struct api_view view = {.version = "1",
                                  .county_name = "县",
                                  .policy_name = "p",
                                  .policy_version = "1",
                                  .policy_hash = "ab",
                                  .database_state = "down",
                                  .database_reason = "x",
                                  .job_running = ""};
    struct text out;
    text_init(&out);
    metrics_render(&view, &out);
    page_render(&view, &out);
    enum status status = out_of(&out, err);
    text_fini(&out);
    return status;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const struct path {
    const char *name;
    void (*begin)(void);
    enum status (*run)(struct error *err);
    void (*end)(void);
    enum status whole; /* with all memory */
    int least;         /* allocations; fewer means that the path is not what it was */
} paths[] = {
    {"settings", begin_settings, load_settings, NULL, STATUS_OK, 100},
    {"settings with mistakes", begin_bad_settings, load_settings, NULL, STATUS_CONFIG, 50},
    {"feed configuration", NULL, parse_feed, NULL, STATUS_OK, 3},
    {"manifest", begin_manifest, read_manifest, NULL, STATUS_OK, 1},
    {"a feed in GB18030", begin_gb18030, read_table, end_config, STATUS_OK, 5},
    {"a feed in UTF-8", begin_utf8, read_table, end_config, STATUS_OK, 5},
    {"the facts of a source", NULL, fill_index, NULL, STATUS_OK, 6},
    {"assembling", NULL, assemble, NULL, STATUS_OK, 8},
    {"what stands", begin_policy, stand, end_policy, STATUS_OK, 3},
    {"judging a household", begin_policy, judge_household, end_policy, STATUS_OK, 10},
    {"a round's report", NULL, tell_of_a_round, NULL, STATUS_OK, 2},
    {"signing", begin_endpoint, sign, end_endpoint, STATUS_OK, 1},
    {"handing over to the county", NULL, hand_over, NULL, STATUS_OK, 3},
    {"metrics and page", NULL, show, NULL, STATUS_OK, 5},
};

enum { ALLOCATIONS_MAX = 20000 };

START_TEST(each_allocation_fails_once)
{
    const struct path *path = &paths[_i];
    if (path->begin)
        path->begin();
    int n = 0;
    for (bool again = true; again;) {
        ck_assert_msg(++n < ALLOCATIONS_MAX, "%s: does not end", path->name);
        struct error err = {STATUS_OK, ""};
        allocation_fail_at(n);
        enum status status = path->run(&err);
        again = allocation_failed();
        if (!again)
            ck_assert_msg(status == path->whole, "%s: %s: %s", path->name, status_name(status), err.text);
        else if (status != path->whole)
            ck_assert_msg(status == STATUS_FATAL &&
                              (path->whole != STATUS_OK || strstr(err.text, "memory") != NULL),
                          "%s, allocation %d: %s: %s", path->name, n, status_name(status), err.text);
    }
    ck_assert_msg(n > path->least, "%s: %d allocations", path->name, n);
    if (path->end)
        path->end();
}
END_TEST

/* Jansson drops bytes where it finds no memory. */
START_TEST(json_without_memory_ends_the_program)
{
    json_memory_guard();
    allocation_fail_at(1);
    json_decref(json_object());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocation paths");
    TCase *all = tcase_create("paths");
    tcase_set_timeout(all, 120);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_loop_test(all, each_allocation_fails_once, 0, (int)(sizeof paths / sizeof *paths));
    tcase_add_exit_test(all, json_without_memory_ends_the_program, EX_OSERR);
    suite_add_tcase(suite, all);
    return unit_run(&suite, 1);
}
