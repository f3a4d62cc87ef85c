/* SPDX-License-Identifier: PostgreSQL */
/*
 * What leaves the round as text: limits, JSON, events, evidence. The policy is a fake of three clauses, so that every
 * value of an event can be chosen here.
 */
#include "domain/resident_id.h"
#include "round/event.h"
#include "round/evidence.h"
#include "round/jtext.h"
#include "round/round.h"

#include "cases.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* --- a fake policy ---------------------------------------------------------------------------------------------- */

static const int16_t fake_codes[] = {1, 30, 100}; /* the fixture checks that these are the codes meant */
static const char *const fake_referrals[] = {"医保局", "乡镇"};
static const struct policy_clause fake_clauses[] = {
    {"red.rigid", "刚性支出骤增", CLAUSE_COLOUR, LEVEL_RED, "004 篇五 (一)", 3, 2, fake_referrals, 3,
     fake_codes, 0, 0, -1, "", 0},
    {"orange.margin", "低收入", CLAUSE_COLOUR, LEVEL_ORANGE, "004 篇五 (二)", 7, 1, fake_referrals + 1, 1,
     fake_codes, 0, 0, -1, "", 0},
    {"check.medical", "医疗救助", CLAUSE_CHECK, LEVEL_NONE, "004 篇五 (三)", 15, 1, fake_referrals, 1,
     fake_codes + 1, 0, 0, -1, "", 0},
    {"suggest.dibao", "单人保", CLAUSE_SUGGESTION, LEVEL_NONE, "004 篇五 (四)", 0, 0, NULL, 1, fake_codes, 0,
     0, -1, "", 0},
    {"tag.elder_ill", "低保老人照料重病患者", CLAUSE_TAG, LEVEL_NONE, "004 篇五 (五)", 0, 1, fake_referrals,
     1, fake_codes, 0, 0, -1, "", 0},
    {"tag.several", "多人残疾", CLAUSE_TAG, LEVEL_NONE, "004 篇五 (六)", 0, 0, NULL, 1, fake_codes, 0, 0, -1,
     "", 0},
};

const char *policy_name(const struct policy *policy)
{
    (void)policy;
    return "测试政策";
}

const char *policy_version(const struct policy *policy)
{
    (void)policy;
    return "2021.1";
}

const int16_t *policy_codes(const struct policy *policy, size_t *count)
{
    (void)policy;
    *count = sizeof fake_codes / sizeof *fake_codes;
    return fake_codes;
}

size_t policy_clause_count(const struct policy *policy)
{
    (void)policy;
    return sizeof fake_clauses / sizeof *fake_clauses;
}

bool policy_reads_traits(const struct policy *policy)
{
    (void)policy;
    return true;
}

const struct policy_clause *policy_clause_at(const struct policy *policy, size_t index)
{
    (void)policy;
    return &fake_clauses[index];
}

const char *policy_level_name(enum policy_level level)
{
    static const char *const names[] = {"none", "verify", "yellow", "orange", "red"};
    return names[level];
}

/* --- a household -------------------------------------------------------------------------------------------------- */

static struct dictionary *dictionary;
static struct arena *arena;
static struct error err;

static void set_up(void)
{
    dictionary = dictionary_new();
    ck_assert_int_eq(dictionary_add_base(dictionary, &err), STATUS_OK);
    arena = arena_new(0);
    ck_assert_int_eq(dictionary_by_number(dictionary, fake_codes[0])->kind, FACT_AMOUNT);
}

static void tear_down(void)
{
    arena_free(arena);
    dictionary_free(dictionary);
}

static int position_of(const char *name)
{
    const struct fact_code *code = dictionary_by_name(dictionary, slice_of(name));
    for (int i = 0; code != NULL && i < 3; i++)
        if (fake_codes[i] == code->number)
            return i;
    ck_abort_msg("the fake policy does not read %s", name);
}

static struct dossier dossier_make(void)
{
    static struct dossier_person persons[2];
    static struct dossier_fact facts[3];
    persons[0] = (struct dossier_person){71, 3652, 0, "阿依·古丽", policy_traits(20, LABOUR_PART)};
    persons[1] = (struct dossier_person){70, DAY_NONE, 0, NULL, POLICY_TRAITS_UNKNOWN};
    ck_assert_int_eq(resident_id_parse(slice_of("11010519491231002X"), DAY_NONE, &persons[0].id_packed),
                     RESIDENT_ID_OK);
    const struct dossier_note note = {"medical_insurance", "医保局", "m06", "Z\"1", DAY_NONE, 18806, 18806};
    facts[0] = (struct dossier_fact){70,
                                     false,
                                     {.value = FACT_UNKNOWN,
                                      .from = DAY_NONE,
                                      .to = 18798,
                                      .batch = 2,
                                      .row = 9,
                                      .code = (uint16_t)position_of("expense.medical_self_paid"),
                                      .source = 1},
                                     note};
    facts[1] = (struct dossier_fact){71,
                                     false,
                                     {.value = 483000,
                                      .from = 18700,
                                      .to = 18790,
                                      .batch = 2,
                                      .row = 8,
                                      .code = (uint16_t)position_of("income.wage"),
                                      .source = 1},
                                     note};
    facts[2] = (struct dossier_fact){0,
                                     true,
                                     {.value = 1,
                                      .from = 18000,
                                      .to = DAY_NONE,
                                      .batch = 1,
                                      .row = 3,
                                      .code = (uint16_t)position_of("disability.certificate"),
                                      .source = 0},
                                     {"register", "登记", "r1", "", 18001, 17999, 18001}};
    facts[2].fact.value = 42;
    struct dossier dossier = {.household_id = 5,
                              .household_no = "H\"5",
                              .address = "某村",
                              .township = 610922103,
                              .village = 610922103001,
                              .urban = true,
                              .on_register = true};
    ck_assert_int_eq(dossier_build(&dossier, persons, 2, facts, 3, arena, &err), STATUS_OK);
    return dossier;
}

static const struct rules rules = {.colours = 3,
                                   .checks = 4,
                                   .suggestions = 8,
                                   .tags = 48,
                                   .by_level = {[LEVEL_RED] = 1, [LEVEL_ORANGE] = 2}};

static struct event_round event_round_make(void)
{
    return (struct event_round){.dictionary = dictionary,
                                .rules = &rules,
                                .policy_hash = "abc",
                                .county_code = 610922,
                                .round_id = 812,
                                .unix_ms = INT64_C(1625011200000),
                                .as_of = 18808};
}

static struct policy_explanation explanation_make(void)
{
    static struct policy_shown_clause clauses[4];
    static struct policy_shown_fact facts[3];
    for (size_t i = 0; i < 4; i++)
        clauses[i] = (struct policy_shown_clause){
            .clause = i, .exists = true, .valid_until = DAY_NONE, .cause = "", .reason = "为什么"};
    static struct policy_shown_amount amount = {
        "一次性补助", "004 篇五 (七)", {.low = 120000, .high = 180000, .unit = "元/户"}};
    clauses[3].valid_until = 19173;
    clauses[3].amount_count = 1;
    clauses[3].amounts = &amount;
    clauses[0].cause = "illness";
    clauses[0].has_distance = true;
    clauses[0].distance_fen = -383050;
    facts[0] = (struct policy_shown_fact){.person = 1, .fact = 1, .clauses = 1, .used = true};
    facts[1] = (struct policy_shown_fact){.person = 0, .fact = 0, .clauses = 3, .used = true};
    facts[2] = (struct policy_shown_fact){.of_household = true, .fact = 0, .clauses = 1, .used = false};
    return (struct policy_explanation){
        .clause_count = 4, .clauses = clauses, .fact_count = 3, .facts = facts};
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static const char golden[] =
    "{\"specversion\":\"1.0\",\"id\":\"0190\",\"source\":\"/counties/610922/"
    "shouwang\",\"type\":\"cn.shouwang.warning.escalated\","
    "\"subject\":\"households/"
    "H\\\"5\",\"time\":\"2021-06-30T08:00:00.000+08:00\",\"datacontenttype\":\"application/json\","
    "\"dataschema\":\"urn:shouwang:schema:warning:1\",\"partitionkey\":\"H\\\"5\","
    "\"data\":{\"warning_id\":\"w1\",\"household_no\":\"H\\\"5\",\"township_code\":\"610922103\",\"village_"
    "code\":\"610922103001\","
    "\"level\":\"red\",\"previous_level\":\"orange\",\"state\":\"open\",\"raised_on\":\"2021-06-01\",\"due_"
    "on\":\"2021-07-03\","
    "\"round_id\":\"812\",\"policy\":{\"name\":\"测试政策\",\"version\":\"2021.1\",\"hash\":\"abc\"},"
    "\"reasons\":[{\"rule\":\"red.rigid\",\"level\":\"red\",\"cause\":\"illness\",\"title\":\"刚性支出骤增\","
    "\"text\":\"为什么\","
    "\"citation\":\"004 篇五 (一)\",\"facts\":["
    "{\"code\":\"expense.medical_self_paid\",\"value\":null,\"unit\":\"yuan\",\"source\":\"medical_"
    "insurance\",\"as_of\":\"2021-06-28\"},"
    "{\"code\":\"income.wage\",\"value\":\"4830.00\",\"unit\":\"yuan\",\"source\":\"medical_insurance\",\"as_"
    "of\":\"2021-06-28\"}],"
    "\"distance\":\"-3830.50\"},"
    "{\"rule\":\"orange.margin\",\"level\":\"verify\",\"cause\":\"other\",\"title\":\"低收入\",\"text\":"
    "\"为什么\","
    "\"citation\":\"004 篇五 (二)\",\"facts\":["
    "{\"code\":\"income.wage\",\"value\":\"4830.00\",\"unit\":\"yuan\",\"source\":\"medical_insurance\",\"as_"
    "of\":\"2021-06-28\"}],"
    "\"distance\":null,\"stale\":true}],"
    "\"suggestions\":[{\"rule\":\"suggest.dibao\",\"title\":\"单人保\",\"text\":\"为什么\",\"citation\":"
    "\"004 篇五 (四)\",\"valid_until\":\"2022-06-30\",\"amounts\":[{\"title\":\"一次性补助\",\"low\":\"1200.00\",\"high\":\"1800.00\",\"unit\":"
    "\"元/户\",\"citation\":\"004 篇五 (七)\"}]}],"
    "\"tags\":[{\"rule\":\"tag.elder_ill\",\"title\":\"低保老人照料重病患者\",\"text\":"
    "\"低保老人照料重病患者\",\"citation\":\"004 篇五 (五)\",\"referrals\":[\"医保局\"]},"
    "{\"rule\":\"tag.several\",\"title\":\"多人残疾\",\"text\":\"多人残疾\","
    "\"citation\":\"004 篇五 (六)\",\"referrals\":[],\"undecided\":true}],"
    "\"referrals\":[\"医保局\",\"乡镇\"],"
    "\"persons\":[{\"name\":\"阿*·**\",\"id_number\":\"1101**********002X\"},{\"name\":null,\"id_number\":"
    "null}],"
    "\"links\":{\"warning\":\"/v1/warnings/w1\",\"feedback\":\"/v1/feedback\"}}}";

static struct event_household household_make(const struct dossier *dossier,
                                             const struct policy_explanation *explanation)
{
    return (struct event_household){.dossier = dossier,
                                    .explanation = explanation,
                                    .fired = 1 | 8 | 16,
                                    .undecided = 2 | 32,
                                    .stale = 2,
                                    .level = LEVEL_RED,
                                    .previous_level = LEVEL_ORANGE,
                                    .warning_id = "w1",
                                    .state = "open",
                                    .raised_on = 18779,
                                    .due_on = 18811};
}

START_TEST(an_event_is_exactly_this)
{
    struct dossier dossier = dossier_make();
    struct policy_explanation explanation = explanation_make();
    struct event_household household = household_make(&dossier, &explanation);
    struct event_round round = event_round_make();
    struct text out;
    text_init(&out);
    event_add_warning(&round, &household, "0190", COMPARE_ESCALATED, &out);
    ck_assert_str_eq(out.bytes, golden);
    json_t *root = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(root);
    json_decref(root);
    text_fini(&out);
}
END_TEST

START_TEST(names_are_told_only_where_they_may_be)
{
    struct dossier dossier = dossier_make();
    struct policy_explanation explanation = explanation_make();
    struct event_household household = household_make(&dossier, &explanation);
    struct event_round round = event_round_make();
    struct text out;
    text_init(&out);
    household.named = true;
    event_add_check(&round, &household, "0190", 2, "check.medical", true, 18823, &out);
    ck_assert_ptr_nonnull(strstr(out.bytes, "{\"name\":\"阿依·古丽\",\"id_number\":\"11010519491231002X\"}"));
    ck_assert_ptr_nonnull(strstr(out.bytes, "\"address\":\"某村\""));
    ck_assert_ptr_nonnull(strstr(out.bytes, "\"type\":\"cn.shouwang.check.raised\""));
    ck_assert_ptr_nonnull(strstr(out.bytes, "\"reasons\":[{\"rule\":\"check.medical\",\"level\":\"none\""));
    ck_assert_ptr_nonnull(strstr(out.bytes, "\"due_on\":\"2021-07-15\""));
    text_clear(&out);
    household.named = false;
    household.explanation = NULL;
    household.warning_id = NULL;
    event_add_check(&round, &household, "0190", -1, "check.gone", false, DAY_NONE, &out);
    ck_assert_ptr_nonnull(strstr(out.bytes, "\"warning_id\":null"));
    ck_assert_ptr_nonnull(strstr(out.bytes, "\"reasons\":[{\"rule\":\"check.gone\""));
    ck_assert_ptr_null(strstr(out.bytes, "阿依"));
    ck_assert_ptr_null(strstr(out.bytes, "1949"));
    ck_assert_ptr_null(strstr(out.bytes, "address"));
    text_fini(&out);
}
END_TEST

/* Ten thousand members with the longest names, and as many facts as an explanation lists, each of which decided both clauses. */
START_TEST(an_event_of_any_household_stays_below_a_megabyte)
{
    enum { PERSONS = 10000, FACTS = 4096, NAME = 200, MEGABYTE = 1 << 20 };
    char name[NAME + 1];
    memset(name, 'N', NAME);
    name[NAME] = '\0';
    struct dossier_person *persons = arena_array(arena, PERSONS, sizeof *persons);
    struct dossier_fact *facts = arena_array(arena, FACTS, sizeof *facts);
    struct policy_shown_fact *shown = arena_array(arena, FACTS, sizeof *shown);
    const struct dossier_note note = {
        "economic_rehabilitation_check", "核对中心", "b", "", DAY_NONE, 18806, 18806};
    uint64_t id_packed;
    ck_assert_int_eq(resident_id_parse(slice_of("11010519491231002X"), DAY_NONE, &id_packed), RESIDENT_ID_OK);
    for (int64_t i = 0; i < PERSONS; i++)
        persons[i] = (struct dossier_person){i + 1, 3652, id_packed, name, POLICY_TRAITS_UNKNOWN};
    for (int32_t i = 0; i < FACTS; i++) {
        facts[i] = (struct dossier_fact){1,
                                         false,
                                         {.value = INT64_C(99999999999999),
                                          .to = 18790,
                                          .batch = 2,
                                          .row = (uint32_t)i,
                                          .code = (uint16_t)position_of("expense.medical_self_paid")},
                                         note};
        shown[i] = (struct policy_shown_fact){.person = 0, .fact = (uint32_t)i, .clauses = 3, .used = true};
    }
    struct dossier dossier = dossier_make();
    ck_assert_int_eq(dossier_build(&dossier, persons, PERSONS, facts, FACTS, arena, &err), STATUS_OK);
    struct policy_explanation explanation = explanation_make();
    explanation.facts = shown;
    explanation.fact_count = FACTS;
    struct event_household household = household_make(&dossier, &explanation);
    household.named = true;
    struct event_round round = event_round_make();
    struct text out;
    text_init(&out);
    event_add_warning(&round, &household, "0190", COMPARE_ESCALATED, &out);
    ck_assert_uint_lt(out.length, MEGABYTE);
    json_t *root = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES, NULL),
           *data = json_object_get(root, "data");
    json_t *reasons = json_object_get(data, "reasons");
    size_t reason_count = json_array_size(reasons), told = 0;
    ck_assert_uint_eq(reason_count, 2);
    for (size_t i = 0; i < reason_count; i++) {
        json_t *reason = json_array_get(reasons, i);
        size_t listed = json_array_size(json_object_get(reason, "facts"));
        ck_assert_int_eq(json_integer_value(json_object_get(reason, "facts_left_out")),
                         (json_int_t)(FACTS - listed));
        told += listed;
    }
    ck_assert_uint_eq(told, EVENT_FACTS_MAX);
    ck_assert_uint_eq(json_array_size(json_object_get(data, "persons")), EVENT_PERSONS_MAX);
    ck_assert_int_eq(json_integer_value(json_object_get(data, "persons_left_out")),
                     PERSONS - EVENT_PERSONS_MAX);
    json_decref(root);
    text_fini(&out);
}
END_TEST

/* --- evidence ----------------------------------------------------------------------------------------------------- */

static void check_same_block(const struct dossier *a, const struct dossier *b)
{
    for (size_t p = 0; p < a->person_count; p++)
        ck_assert_uint_eq(a->block.traits[p], b->block.traits[p]);
    const struct policy_block *x = &a->block, *y = &b->block;
    ck_assert_uint_eq(a->person_count, b->person_count);
    ck_assert_uint_eq(a->fact_count, b->fact_count);
    ck_assert_int_eq(x->urban[0], y->urban[0]);
    ck_assert_int_eq(memcmp(x->birth, y->birth, a->person_count * sizeof *x->birth), 0);
    ck_assert_int_eq(
        memcmp(x->person_fact_begin, y->person_fact_begin, (a->person_count + 1) * sizeof(uint32_t)), 0);
    ck_assert_int_eq(
        memcmp(x->household_facts, y->household_facts, a->fact_count * sizeof *x->household_facts), 0);
    for (size_t i = 0; i < a->fact_count; i++) {
        ck_assert_str_eq(a->household_notes[i].ref, b->household_notes[i].ref);
        ck_assert_str_eq(a->household_notes[i].batch, b->household_notes[i].batch);
        ck_assert_int_eq(a->household_notes[i].as_of, b->household_notes[i].as_of);
        ck_assert_int_eq(a->household_notes[i].recorded, b->household_notes[i].recorded);
    }
}

START_TEST(evidence_comes_back_as_it_was)
{
    struct dossier dossier = dossier_make();
    struct evidence evidence;
    struct text out;
    text_init(&out);
    evidence_write(&dossier, NULL, dictionary, "abc", 18808, &out);
    enum status status =
        evidence_read((struct slice){out.bytes, out.length}, NULL, dictionary, arena, &evidence, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s", err.text, out.bytes);
    ck_assert_int_eq(evidence.as_of, 18808);
    ck_assert_str_eq(evidence.policy_hash, "abc");
    check_same_block(&dossier, &evidence.dossier);
    ck_assert_ptr_null(strstr(out.bytes, "阿依"));
    ck_assert_ptr_null(strstr(out.bytes, "1949"));
    text_fini(&out);
}
END_TEST

/* PostgreSQL would refuse the document, and with it the whole round. */
START_TEST(evidence_of_too_many_facts_says_how_many)
{
    struct dossier dossier = dossier_make();
    struct evidence evidence;
    struct text out;
    text_init(&out);
    evidence_write(&dossier, NULL, dictionary, "abc", 18808, &out);
    ck_assert_int_eq(evidence_read_head((struct slice){out.bytes, out.length}, arena, &evidence, &err),
                     STATUS_OK);
    ck_assert_uint_eq(evidence.facts_left_out, 0);
    text_clear(&out);
    dossier.fact_count = EVIDENCE_FACTS_MAX + 1;
    evidence_write(&dossier, NULL, dictionary, "abc", 18808, &out);
    ck_assert_int_eq(evidence_read_head((struct slice){out.bytes, out.length}, arena, &evidence, &err),
                     STATUS_OK);
    ck_assert_uint_eq(evidence.facts_left_out, EVIDENCE_FACTS_MAX + 1);
    ck_assert_str_eq(evidence.policy_hash, "abc");
    ck_assert_uint_lt(out.length, 1000);
    text_fini(&out);
}
END_TEST

/* Cut anywhere, or with any byte changed: refused or read, never a crash (run under sanitizers). */
START_TEST(damaged_evidence_is_refused)
{
    struct dossier dossier = dossier_make();
    struct evidence evidence;
    struct text out;
    text_init(&out);
    evidence_write(&dossier, NULL, dictionary, "abc", 18808, &out);
    for (size_t i = 0; i < out.length; i++) {
        ck_assert_int_eq(
            evidence_read((struct slice){out.bytes, i}, NULL, dictionary, arena, &evidence, &err),
            STATUS_REJECT);
        char kept = out.bytes[i];
        out.bytes[i] = '9';
        enum status status =
            evidence_read((struct slice){out.bytes, out.length}, NULL, dictionary, arena, &evidence, &err);
        ck_assert(status == STATUS_OK || status == STATUS_REJECT);
        out.bytes[i] = kept;
    }
    text_fini(&out);
}
END_TEST

START_TEST(facts_are_laid_out_the_same_in_whatever_order_they_come)
{
    struct dossier a = dossier_make(), b;
    static struct dossier_fact facts[4];
    for (size_t i = 0; i < 3; i++) {
        size_t of_household = 1;
        bool own = i < of_household;
        facts[2 - i] = (struct dossier_fact){
            .of_household = own, .fact = a.block.household_facts[i], .note = a.household_notes[i]};
        facts[2 - i].person_id = own                                               ? 0
                                 : i - of_household < a.block.person_fact_begin[1] ? a.persons[0].person_id
                                                                                   : a.persons[1].person_id;
    }
    facts[3] = facts[0];
    facts[3].of_household = false;
    facts[3].person_id = 4711; /* nobody here */
    b = a;
    ck_assert_int_eq(dossier_build(&b, a.persons, 2, facts, 4, arena, &err), STATUS_OK);
    check_same_block(&a, &b);
}
END_TEST

/* What townships are told of a fact,; NULL: it is not known. */
START_TEST(values_are_told_by_their_kind)
{
    static const struct {
        const char *code;
        int64_t value;
        const char *told, *unit;
    } cases[] = {
        {"income.wage", 0, "0.00", "yuan"},
        {"income.wage", 1, "0.01", "yuan"},
        {"income.wage", FACT_UNKNOWN, NULL, "yuan"},
        {"relief.dibao", 0, "no", ""},
        {"relief.dibao", FACT_YES, "yes", ""},
        {"relief.dibao", 61000, "610.00", "yuan"},
        {"housing.grade", 1, "A", ""},
        {"housing.grade", 4, "D", ""},
        {"housing.grade", 0, NULL, ""},
        {"housing.grade", 5, NULL, ""},
        {"water.safe", 0, "no", ""},
        {"water.safe", FACT_YES, "yes", ""},
        {"water.safe", FACT_UNKNOWN, NULL, ""},
        {"event.death", FACT_YES, "yes", ""},
        {"event.death", 0, "no", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buffer[EVENT_VALUE_SIZE];
        const struct fact_code *code = dictionary_by_name(dictionary, slice_of(cases[i].code));
        ck_assert_ptr_nonnull(code);
        ck_assert_pstr_eq(event_fact_value(code, cases[i].value, buffer), cases[i].told);
        ck_assert_str_eq(event_fact_unit(code, cases[i].value), cases[i].unit);
    }
}
END_TEST

/* --- JSON, limits, days ------------------------------------------------------------------------------------------- */

START_TEST(jtext_writes_json)
{
    struct text out;
    char every[256];
    for (int i = 1; i < 128; i++)
        every[i - 1] = (char)i;
    every[127] = '\0';
    text_init(&out);
    jtext_open(&out, '{');
    jtext_put_text(&out, "every", every);
    jtext_key(&out, "list");
    jtext_open(&out, '[');
    jtext_int(&out, INT64_MIN);
    jtext_text(&out, "[");
    jtext_text(&out, ":");
    jtext_null(&out);
    jtext_bool(&out, true);
    jtext_open(&out, '{');
    jtext_close(&out, '}');
    jtext_close(&out, ']');
    jtext_put_yuan(&out, "yuan", -5);
    jtext_put_day(&out, "day", DAY_NONE);
    jtext_close(&out, '}');
    json_t *root = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(root != NULL, "%s", out.bytes);
    ck_assert_str_eq(json_string_value(json_object_get(root, "every")), every);
    char *rest = json_dumps(json_object_get(root, "list"), JSON_COMPACT);
    ck_assert_str_eq(rest, "[-9223372036854775808,\"[\",\":\",null,true,{}]");
    ck_assert_str_eq(json_string_value(json_object_get(root, "yuan")), "-0.05");
    ck_assert(json_is_null(json_object_get(root, "day")));
    free(rest);
    json_decref(root);
    text_fini(&out);
}
END_TEST

START_TEST(limits_are_what_the_table_says)
{
    struct cases *cases = cases_open("limits.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct round_limit limit;
        enum status status = round_limit_parse(row->cell[0], &limit, &err);
        if (case_is(row, 2, "refused")) {
            ck_assert_msg(status == STATUS_CONFIG, "%s: taken", cases_where(cases));
            continue;
        }
        ck_assert_msg(status == STATUS_OK, "%s: %s", cases_where(cases), err.text);
        int64_t expected = case_is(row, 2, "unlimited") ? INT64_MAX : case_number(row, 2);
        int64_t found = round_limit_count(limit, case_number(row, 1));
        ck_assert_msg(found == expected, "%s: %lld", cases_where(cases), (long long)found);
    }
    cases_close(cases);
}
END_TEST

START_TEST(a_deadline_only_comes_nearer)
{
    ck_assert_int_eq(compare_due_on(COMPARE_RAISED, 100, 3, DAY_NONE), 103);
    ck_assert_int_eq(compare_due_on(COMPARE_ESCALATED, 100, 3, 110), 103);
    ck_assert_int_eq(compare_due_on(COMPARE_ESCALATED, 100, 3, 101), 101);
    ck_assert_int_eq(compare_due_on(COMPARE_ESCALATED, 100, 3, 100), 100);
    ck_assert_int_eq(compare_due_on(COMPARE_ESCALATED, 100, 3, 99), 103);
    ck_assert_int_eq(compare_due_on(COMPARE_DEESCALATED, 100, 15, 101), 101);
    ck_assert_int_eq(compare_due_on(COMPARE_CHANGED, 100, 3, 90), 90);
    ck_assert_int_eq(compare_due_on(COMPARE_CLEARED, 100, 3, 90), 90);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event");
    TCase *tests = tcase_create("event");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_event_is_exactly_this);
    tcase_add_test(tests, names_are_told_only_where_they_may_be);
    tcase_add_test(tests, an_event_of_any_household_stays_below_a_megabyte);
    tcase_add_test(tests, evidence_comes_back_as_it_was);
    tcase_add_test(tests, evidence_of_too_many_facts_says_how_many);
    tcase_add_test(tests, damaged_evidence_is_refused);
    tcase_add_test(tests, facts_are_laid_out_the_same_in_whatever_order_they_come);
    tcase_add_test(tests, values_are_told_by_their_kind);
    tcase_add_test(tests, jtext_writes_json);
    tcase_add_test(tests, limits_are_what_the_table_says);
    tcase_add_test(tests, a_deadline_only_comes_nearer);
    suite_add_tcase(suite, tests);
    return unit_run(&suite, 1);
}
