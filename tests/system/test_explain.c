/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a round decided is told again later, from the register and the facts as it knew them: rounds over feeds, a register
 * and a policy that change, by the real import, ingest and round. What `explain` says right after each round is kept; at
 * the end it is asked for every household and every round again, both from what the rounds stored and from the histories.
 */
#include "config.h"

#include "round_fixture.h"
#include "source_fixture.h"

#include "base/random.h"
#include "io/crypto.h"
#include "round/explain.h"
#include "round/simulate.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUSEHOLDS = 14, PERSONS = 30, ROUNDS = 7, CSV_SIZE = 1 << 16 };

/* --- chance, always the same ------------------------------------------------------------------------------------- */

static uint64_t seed;

static unsigned chance(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % below;
}

/* --- the policies ------------------------------------------------------------------------------------------------ */

struct version {
    struct arena *arena;
    struct policy *policy;
    char hash[CRYPTO_SHA256_HEX_SIZE];
};
static struct version versions[2];

static void replace(char *text, size_t size, const char *old, const char *new)
{
    char *at = strstr(text, old);
    size_t length = strlen(text);
    ck_assert_msg(at != NULL, "%s", old);
    ck_assert_uint_lt(length + strlen(new), size);
    memmove(at + strlen(new), at + strlen(old), length - (size_t)(at - text) - strlen(old) + 1);
    memcpy(at, new, strlen(new));
}

static void compile_version(struct version *version, bool changed)
{
    static char text[POLICY_TEXT_SIZE];
    uint8_t digest[CRYPTO_SHA256_BYTES];
    struct policy_diagnostics diagnostics;
    read_county_policy(text);
    /* Both ask for something before findings of these end, or they would never wait. */
    replace(text, sizeof text, "  转介 住建局  办理 15天\n",
            changed ? "  转介 住建局  办理 15天\n  解除 连续3轮\n  解除 住建局 连续2批\n"
                    : "  转介 住建局  办理 15天\n  解除 连续2轮\n");
    replace(text, sizeof text, "\n黄 yellow.water 饮水不安全\n",
            "\n黄 yellow.water 饮水不安全\n  解除 连续2轮\n");
    if (changed) { /* another threshold, another name */
        replace(text, sizeof text, "版本 2021.1", "版本 2021.2");
        replace(text, sizeof text, "支出占比   : 比       = 1/2 ", "支出占比   : 比       = 1/9 ");
        replace(text, sizeof text, "低收入倍数 : 比       = 3/2 ", "低收入倍数 : 比       = 9/2 ");
        while (strstr(text, "yellow.water") != NULL)
            replace(text, sizeof text, "yellow.water", "yellow.drink");
    }
    must(crypto_sha256(text, strlen(text), digest, &err));
    crypto_hex(digest, sizeof digest, version->hash);
    version->arena = arena_new(0);
    must(policy_compile("test.policy", text, strlen(text), dictionary, version->arena, &diagnostics,
                        &version->policy, &err));
}

/* --- the county -------------------------------------------------------------------------------------------------- */

static struct {
    int household; /* 0: not on the register */
    int wage, medical;
} persons[PERSONS];
static struct {
    bool there, urban, declared, unsafe_water;
    int township;
} households[HOUSEHOLDS + 1];

static char csv[4][CSV_SIZE];

static void line(int file, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(int file, const char *format, ...)
{
    size_t length = strlen(csv[file]);
    va_list arguments;
    va_start(arguments, format);
    length += (size_t)vsnprintf(csv[file] + length, CSV_SIZE - length, format, arguments);
    va_end(arguments);
    ck_assert_uint_lt(length, CSV_SIZE);
}

/* A sound number; the person's number is its order of birth. */
static const char *id_of(int person)
{
    static char ids[4][36]; /* 19, and room for the numbers that the compiler fears */
    static int next;
    static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    char *id = ids[next++ % 4];
    int sum = 0;
    snprintf(id, sizeof ids[0], "610922%04d0101%03d", 1950 + person * 2, person + 1);
    for (int i = 0; i < 17; i++)
        sum += (id[i] - '0') * weights[i];
    id[17] = "10X98765432"[sum % 11];
    id[18] = '\0';
    return id;
}

static void found_county(void)
{
    for (int h = 1; h <= HOUSEHOLDS; h++) {
        households[h].there = h <= HOUSEHOLDS - 2;
        households[h].urban = chance(3) == 0;
        households[h].declared = chance(5) != 0;
        households[h].township = 100 + (int)chance(3);
    }
    for (int p = 0; p < PERSONS; p++) {
        persons[p].household = p % HOUSEHOLDS < HOUSEHOLDS - 2 ? 1 + p % HOUSEHOLDS : 0;
        persons[p].wage = (int)chance(40000);
        persons[p].medical = chance(2) ? (int)chance(15000) : 0;
    }
}

/* People move, are born, die and come back; households leave and return. */
static void move_county(void)
{
    for (int i = 0; i < 5; i++) {
        int p = (int)chance(PERSONS), h = 1 + (int)chance(HOUSEHOLDS);
        persons[p].household = chance(4) == 0 ? 0 : h;
        persons[chance(PERSONS)].wage = (int)chance(45000);
        h = 1 + (int)chance(HOUSEHOLDS);
        switch (chance(4)) {
        case 0:
            households[h].there = !households[h].there;
            break;
        case 1:
            households[h].urban = !households[h].urban;
            break;
        case 2:
            households[h].declared = !households[h].declared;
            break;
        default:
            households[h].township = 100 + (int)chance(3);
        }
        households[1 + chance(HOUSEHOLDS)].unsafe_water = chance(2);
    }
}

static void import_county(const char *on)
{
    struct import_result result;
    csv[0][0] = csv[1][0] = csv[2][0] = '\0';
    line(0, "household_no,township_code,village_code,area,address\n");
    line(1, "household_no,id_number,name,kinship,labour\n");
    line(2, "household_no,id_number,code,value,from,to,ref,as_of\n");
    for (int h = 1; h <= HOUSEHOLDS; h++) {
        if (!households[h].there)
            continue;
        line(0, "H%d,610922%d,610922%d001,%s,某村%d号\n", h, households[h].township, households[h].township,
             households[h].urban ? "urban" : "rural", h);
        line(1, "H%d,不详,无名氏,10,\n", h); /* no usable number */
        if (households[h].declared)
            line(2, "H%d,,income.declared,yes,2019-01-01,,,\n", h);
        if (households[h].unsafe_water)
            line(2, "H%d,,water.safe,no,2021-01-01,,,\n", h);
    }
    for (int p = 0; p < PERSONS; p++) {
        if (persons[p].household == 0 || !households[persons[p].household].there)
            continue;
        line(1, "H%d,%s,王%s,10,%s\n", persons[p].household, id_of(p), p % 2 ? "某" : "某某",
             p % 3 ? "full" : "");
        line(2, ",%s,income.wage,%d.%02d,2021-01-01,2021-06-30,,2021-07-0%d\n", id_of(p), persons[p].wage, p,
             1 + p % 9);
    }
    put_register(csv[0], csv[1], csv[2]);
    ck_assert_msg(import_as_of(on, true, &result) == STATUS_OK, "%s", err.text);
}

/* A full feed; some illnesses begin on one day and differ in their numbers, and their lines change order. */
static void send_medical(int round, const char *until)
{
    char name[32];
    csv[3][0] = '\0';
    line(3, "id_number,household_no,code,value,from,to,ref\n");
    for (int i = 0; i < PERSONS; i++) {
        int p = round % 2 ? PERSONS - 1 - i : i;
        if (chance(6) == 0)
            persons[p].medical = chance(3) ? (int)chance(16000) : 0;
        if (persons[p].medical > 0)
            line(3, "%s,,expense.medical_self_paid,%s%d.50,2021-06-01,2021-06-20,Z%d\n", id_of(p),
                 chance(12) == 0 ? "?" : "", persons[p].medical, p);
        if (p % 4 == 0)
            for (int k = 0; k < 3; k++)
                line(3, "%s,,illness.serious,%s,2021-03-01,,D%d\n", id_of(p), k == 1 ? "no" : "yes",
                     round % 2 ? k : 2 - k);
    }
    snprintf(name, sizeof name, "medical-%d", round);
    put_feed("medical_insurance", name, csv[3],
             &(struct given){.mode = "full", .period_to = until, .sent_at = "2021-07-05T08:00:00+08:00"});
}

/* Deltas: some lines are repeated as they were, some are corrected. */
static void send_deltas(int round, const char *until)
{
    char name[32];
    csv[3][0] = '\0';
    line(3, "id_number,household_no,code,value,from,to,ref\n");
    for (int p = 0; p < PERSONS; p += 3)
        if (chance(2))
            line(3, "%s,,disability.certificate,%s4%d,2020-01-01,,\n", id_of(p), id_of(p),
                 1 + (int)chance(2));
    for (int p = 1; p < PERSONS; p += 5)
        if (chance(2))
            line(3, "%s,,relief.disability_nursing,%s,2020-01-01,%s,\n", id_of(p), chance(2) ? "100.00" : "",
                 chance(3) ? "" : "2021-08-15");
    snprintf(name, sizeof name, "federation-%d", round);
    put_feed("disabled_federation", name, csv[3], &(struct given){.period_to = until});
    csv[3][0] = '\0';
    line(3, "id_number,household_no,code,value,from,to,ref\n");
    for (int h = 1; h <= HOUSEHOLDS; h += 2)
        if (chance(2))
            line(3, ",H%d,housing.grade,%c,2021-05-01,,\n", h, "ABCD"[chance(4)]);
    snprintf(name, sizeof name, "housing-%d", round);
    put_feed("housing", name, csv[3], &(struct given){.period_to = until});
}

/* --- telling ----------------------------------------------------------------------------------------------------- */

static json_t *explain_with(struct explain_options *options)
{
    struct text out;
    bool found;
    options->conninfo = conninfo;
    options->dictionary = dictionary;
    options->json = true;
    text_init(&out);
    must(explain_execute(options, &out, &found, &err));
    json_t *told = found ? json_loadb(out.bytes, out.length, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    ck_assert_msg(!found || told != NULL, "%s", out.bytes);
    text_fini(&out);
    return told;
}

static json_t *explain_now(const char *household, const struct version *version)
{
    return explain_with(&(struct explain_options){
        .policy = version->policy, .policy_hash = version->hash, .subject = household, .as_of = DAY_NONE});
}

static json_t *explain_round(const char *household, int64_t round_id, bool recompute)
{
    return explain_with(&(struct explain_options){
        .subject = household, .round_id = round_id, .as_of = DAY_NONE, .recompute = recompute});
}

static struct past_round {
    int64_t id;
    const char *as_of;
    json_t *then[HOUSEHOLDS + 1];   /* what was explained right afterwards; NULL: was not known yet */
    char *findings[HOUSEHOLDS + 1]; /* what stood */
} rounds[ROUNDS];

static const char *number(int h)
{
    static char text[8];
    snprintf(text, sizeof text, "H%d", h);
    return text;
}

/* As the member `recorded` tells them. */
static char *findings_of(int h)
{
    char query[512];
    snprintf(
        query, sizeof query,
        "select 'stood|' || coalesce(string_agg(concat_ws('/', rule, status, level, since_round, since_on,"
        " stale_since is not null, clearing_since, clearing_rounds, clearing_rounds_needed, clearing_batches,"
        " clearing_batches_needed), '|' order by rule collate \"C\"), '')"
        " from finding join household using (household_id) where household_no = 'H%d'",
        h);
    return strdup(fixture_text(query));
}

static int compare_texts(const void *a, const void *b)
{
    char *const *one = a, *const *other = b;
    return strcmp(*one, *other);
}

/* Nothing of what does not wait to be cleared. */
static const char *waiting_told(const json_t *told, const char *rule, char *text, size_t size)
{
    const json_t *item;
    size_t i;
    text[0] = '\0';
    json_array_foreach(json_object_get(told, "waiting"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "rule")), rule) == 0)
            snprintf(text, size, "/%s/%lld/%lld/%lld/%lld", json_string_value(json_object_get(item, "since")),
                     (long long)json_integer_value(json_object_get(item, "rounds")),
                     (long long)json_integer_value(json_object_get(item, "rounds_needed")),
                     (long long)json_integer_value(json_object_get(item, "batches")),
                     (long long)json_integer_value(json_object_get(item, "batches_needed")));
    }
    return text;
}

static char *findings_told(const json_t *explained)
{
    const json_t *list = json_object_get(json_object_get(explained, "recorded"), "findings"), *item;
    char *lines[64], text[4096] = "stood|";
    size_t i, length = strlen(text);
    json_array_foreach(list, i, item)
    {
        char waiting[128];
        lines[i] = malloc(256);
        snprintf(lines[i], 256, "%s/%s/%s/%lld/%s/%s%s", json_string_value(json_object_get(item, "rule")),
                 json_string_value(json_object_get(item, "status")),
                 json_string_value(json_object_get(item, "level")),
                 (long long)json_integer_value(json_object_get(item, "since_round")),
                 json_string_value(json_object_get(item, "since_on")),
                 json_is_true(json_object_get(item, "stale")) ? "t" : "f",
                 waiting_told(explained, json_string_value(json_object_get(item, "rule")), waiting,
                              sizeof waiting));
    }
    size_t count = json_array_size(list);
    qsort(lines, count, sizeof *lines, compare_texts);
    for (i = 0; i < count; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i == 0 ? "" : "|", lines[i]);
        free(lines[i]);
    }
    return strdup(text);
}

static void run_round(int index, const char *as_of, const struct version *version)
{
    struct round_report report;
    const struct round_options options = {.conninfo = conninfo,
                                          .policy = version->policy,
                                          .policy_hash = version->hash,
                                          .dictionary = dictionary,
                                          .county_code = 610922,
                                          .as_of = day(as_of),
                                          .cause = "operator",
                                          .actor = "tester"};
    round_report_init(&report);
    must(round_execute(&options, NULL, &report, &err));
    rounds[index] = (struct past_round){.id = report.round_id, .as_of = as_of};
    round_report_fini(&report);
    for (int h = 1; h <= HOUSEHOLDS; h++) {
        rounds[index].then[h] = explain_now(number(h), version);
        rounds[index].findings[h] = findings_of(h);
    }
}

/* --- the same again ---------------------------------------------------------------------------------------------- */

static const char *const same[] = {"as_of",        "policy",      "area",    "township_code",
                                   "village_code", "on_register", "persons", "facts",
                                   "definitions",  "clauses",     "level"};

static void check_same(const json_t *then, const json_t *again, int64_t round_id)
{
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char *a = json_dumps(json_object_get(then, same[i]), JSON_ENCODE_ANY | JSON_SORT_KEYS),
             *b = json_dumps(json_object_get(again, same[i]), JSON_ENCODE_ANY | JSON_SORT_KEYS);
        ck_assert_ptr_nonnull(a);
        ck_assert_ptr_nonnull(b);
        ck_assert_msg(strcmp(a, b) == 0, "round %lld, %s: %s was\n%.1500s\nand is\n%.1500s",
                      (long long)round_id, json_string_value(json_object_get(again, "household_no")), same[i],
                      a, b);
        free(a);
        free(b);
    }
}

struct seen {
    int compared, evidence, levels, stale, undecided, off, former_facts, waiting;
};

static void check_household(const struct past_round *round, int h, struct seen *seen)
{
    const json_t *then = round->then[h];
    for (int recompute = 0; recompute < 2; recompute++) {
        json_t *again = explain_round(number(h), round->id, recompute);
        if (then == NULL) { /* was not known yet; now it is, and was not on the register then */
            ck_assert(again == NULL || !json_is_true(json_object_get(again, "on_register")));
            json_decref(again);
            continue;
        }
        ck_assert_ptr_nonnull(again);
        const json_t *recorded = json_object_get(again, "recorded");
        const char *basis = json_string_value(json_object_get(again, "basis"));
        if (json_is_true(json_object_get(then, "on_register")))
            check_same(then, again, round->id);
        else
            seen->off++;
        ck_assert_int_eq(json_is_true(json_object_get(then, "on_register")),
                         json_is_true(json_object_get(again, "on_register")));
        char *told = findings_told(again);
        ck_assert_msg(strcmp(told, round->findings[h]) == 0, "round %lld, H%d (%s): stood\n%s\ntold\n%s",
                      (long long)round->id, h, basis, round->findings[h], told);
        ck_assert_msg(json_is_true(json_object_get(recorded, "agrees")), "round %lld, H%d (%s): %s",
                      (long long)round->id, h, basis, told);
        ck_assert(json_is_true(json_object_get(recorded, "whole")));
        bool seen_round = strcmp(basis, "round") == 0;
        seen->compared++;
        seen->evidence += strcmp(basis, "evidence") == 0;
        seen->levels += strcmp(json_string_value(json_object_get(recorded, "level")), "none") != 0;
        seen->stale += strstr(told, "/t") != NULL;
        seen->undecided += strstr(told, "undecided") != NULL;
        seen->waiting += strstr(told, "/f/2021-") != NULL;
        free(told);
        json_decref(again);
        if (seen_round)
            break; /* it was computed from the histories already */
    }
}

static void live_through(void)
{
    static const char *const days[ROUNDS] = {"2021-06-30", "2021-07-31", "2021-07-31", "2021-08-31",
                                             "2021-09-30", "2021-10-31", "2021-11-30"};
    found_county();
    for (int r = 0; r < ROUNDS; r++) {
        if (r > 0)
            move_county();
        import_county(days[r]);
        if (r == 2) { /* twice on one day */
            move_county();
            import_county(days[r]);
        }
        if (r != 4 && r != 5) /* late: it ends nothing */
            send_medical(r, days[r]);
        send_deltas(r, days[r]);
        scan();
        for (size_t i = 0; i < scanned_count; i++)
            ck_assert_msg(scanned[i].outcome == INGEST_ACCEPTED, "%s: %s", scanned[i].file_name,
                          scanned[i].reason);
        run_round(r, days[r], &versions[r >= 3]);
    }
}

static enum status explain_status(int64_t round_id)
{
    struct text out;
    bool found;
    const struct explain_options options = {.conninfo = conninfo,
                                            .dictionary = dictionary,
                                            .subject = "H1",
                                            .round_id = round_id,
                                            .as_of = DAY_NONE,
                                            .recompute = true};
    text_init(&out);
    enum status status = explain_execute(&options, &out, &found, &err);
    text_fini(&out);
    return status;
}

/* How many of the explanations of a round agree with what it recorded, and how many say that nothing was given up. */
static int count_said(int64_t round_id, const char *key)
{
    int said = 0;
    for (int h = 1; h <= HOUSEHOLDS; h++) {
        json_t *told = explain_round(number(h), round_id, true);
        said += json_is_true(json_object_get(json_object_get(told, "recorded"), key));
        json_decref(told);
    }
    return said;
}

static void check_refusals(void)
{
    ck_assert_int_eq(explain_status(99), STATUS_REJECT);
    ck_assert_msg(strstr(err.text, "no round 99") != NULL, "%s", err.text);
    fixture_sql("insert into round (state, cause, as_of) values ('held', 'operator', '2021-11-30')");
    ck_assert_int_eq(explain_status(ROUNDS + 1), STATUS_REJECT);
    ck_assert_msg(strstr(err.text, "held") != NULL, "%s", err.text);
    /* A day between rounds is the round before it; before the first one nothing was decided. */
    struct explain_options earlier = {.subject = "H1", .as_of = day("2021-08-15")};
    json_t *told = explain_with(&earlier);
    ck_assert_int_eq(json_integer_value(json_object_get(told, "round")), 3);
    json_decref(told);
    earlier.as_of = day("2021-06-29");
    struct text out;
    bool found;
    text_init(&out);
    ck_assert_int_eq(explain_execute(&earlier, &out, &found, &err), STATUS_REJECT);
    ck_assert_msg(strstr(err.text, "2021-06-29") != NULL, "%s", err.text);
    text_fini(&out);
}

static void check_what_is_gone(void)
{
    int all = count_said(1, "agrees");
    /* History that somebody has cleared away shows in what comes out, and is announced. */
    fixture_sql("delete from person_fact_history; delete from household_history;"
                "insert into history_start select max(batch_id) from batch");
    ck_assert_int_lt(count_said(1, "agrees"), all);
    ck_assert_int_eq(count_said(1, "whole"), 0);
    ck_assert_int_eq(count_said(ROUNDS, "agrees"), all);
    fixture_sql("alter table round drop constraint round_policy_hash_fkey; delete from policy_version");
    ck_assert_int_eq(explain_status(1), STATUS_REJECT);
    ck_assert_msg(strstr(err.text, "no longer stored") != NULL, "%s", err.text);
}

/* --- another policy beside it -------------------------------------------------------------------------------------- */

/* The colours that have fired, as the list of a simulation has them. */
static json_t *colours_of(const json_t *told)
{
    const json_t *clause;
    json_t *rules = json_array();
    size_t i;
    json_array_foreach(json_object_get(told, "clauses"), i, clause)
    {
        const char *kind = json_string_value(json_object_get(clause, "kind"));
        if (strcmp(json_string_value(json_object_get(clause, "status")), "fired") == 0 &&
            (strcmp(kind, "colour") == 0 || strcmp(kind, "verify") == 0))
            json_array_append(rules, json_object_get(clause, "rule"));
    }
    return rules;
}

static const json_t *move_of(const json_t *simulated, const char *household)
{
    const json_t *move;
    size_t i;
    json_array_foreach(json_object_get(simulated, "moves"), i, move)
    {
        if (strcmp(json_string_value(json_object_get(move, "household_no")), household) == 0)
            return move;
    }
    return NULL;
}

static size_t reasons_seen;

/* What the simulation gives as reasons is what the explanation says, word for word; how many there were. */
static size_t check_reasons(const json_t *view, const json_t *told)
{
    const json_t *reason, *clause;
    size_t i, c, found = 0;
    json_array_foreach(json_object_get(view, "reasons"), i, reason)
    {
        json_array_foreach(json_object_get(told, "clauses"), c, clause)
        {
            if (!json_equal(json_object_get(clause, "rule"), json_object_get(reason, "rule")))
                continue;
            ck_assert_str_ne(json_string_value(json_object_get(clause, "status")), "not_fired");
            ck_assert_str_eq(json_string_value(json_object_get(clause, "text")),
                             json_string_value(json_object_get(reason, "text")));
            found++;
        }
    }
    ck_assert_uint_eq(found, json_array_size(json_object_get(view, "reasons")));
    ck_assert_uint_eq(found, json_array_size(json_object_get(view, "rules")) +
                                 json_array_size(json_object_get(view, "undecided")) +
                                 json_array_size(json_object_get(view, "checks")));
    return found;
}

static void check_side(const json_t *move, const char *side, const json_t *told)
{
    const json_t *view = json_object_get(move, side);
    json_t *colours = colours_of(told);
    ck_assert(json_equal(json_object_get(view, "level"), json_object_get(told, "level")));
    ck_assert(json_equal(json_object_get(view, "rules"), colours));
    json_decref(colours);
    reasons_seen += check_reasons(view, told);
}

static int64_t cell_of(const json_t *matrix, const char *before, const char *after)
{
    const json_t *cell;
    size_t i;
    json_array_foreach(json_object_get(matrix, "levels"), i, cell)
    {
        if (strcmp(json_string_value(json_object_get(cell, "before")), before) == 0 &&
            strcmp(json_string_value(json_object_get(cell, "after")), after) == 0)
            return json_integer_value(json_object_get(cell, "households"));
    }
    return 0;
}

/* What a simulation hands over, in parts. */
struct taken {
    struct text all;
    size_t parts, longest;
    size_t accepted; /* how many parts are taken before one is refused */
};

static bool take_part(void *context, struct slice part)
{
    struct taken *taken = context;
    if (taken->parts++ == taken->accepted)
        return false;
    text_add(&taken->all, part.bytes, part.length);
    taken->longest = part.length > taken->longest ? part.length : taken->longest;
    return true;
}

static json_t *simulate_json(int64_t township)
{
    struct taken taken = {.accepted = SIZE_MAX};
    const struct simulate_sink sink = {take_part, &taken};
    const struct simulate_options options = {
        .conninfo = conninfo,
        .in_force = {.policy = versions[1].policy, .hash = versions[1].hash},
        .other = {.policy = versions[0].policy, .hash = versions[0].hash},
        .as_of = DAY_NONE,
        .township = township,
        .form = SIMULATE_JSON,
    };
    text_init(&taken.all);
    must(simulate_execute(&options, NULL, &sink, &err));
    json_t *simulated = json_loadb(taken.all.bytes, taken.all.length, 0, NULL);
    ck_assert_msg(simulated != NULL, "%s", taken.all.bytes);
    /* Bounded by what one household says, however many there are; one part is never gone back to. */
    ck_assert_uint_lt(taken.longest, 2 * SIMULATE_PART_BYTES);
    ck_assert_uint_ge(taken.parts, taken.all.length / (2 * SIMULATE_PART_BYTES));
    if (township == 0)
        ck_assert_uint_gt(taken.parts, 1);
    text_fini(&taken.all);
    for (taken.accepted = 0; taken.accepted < 2 && taken.accepted < taken.parts; taken.accepted++) {
        struct taken refusing = {.accepted = taken.accepted};
        const struct simulate_sink full = {take_part, &refusing};
        ck_assert_int_eq(simulate_execute(&options, NULL, &full, &err), STATUS_FATAL);
        ck_assert_uint_eq(refusing.parts, refusing.accepted + 1);
        text_fini(&refusing.all);
    }
    return simulated;
}

/* Household by household what `explain` says by either policy. */
static void check_simulation(void)
{
    static const char *const levels[] = {"none", "verify", "yellow", "orange", "red"};
    int64_t expected[5][5] = {{0}}, moved = 0, parts = 0;
    json_t *simulated = simulate_json(0);
    for (int h = 1; h <= HOUSEHOLDS; h++) {
        json_t *before = explain_now(number(h), &versions[1]), *after = explain_now(number(h), &versions[0]);
        if (before != NULL && json_is_true(json_object_get(before, "on_register"))) {
            int from = 0, to = 0;
            while (strcmp(levels[from], json_string_value(json_object_get(before, "level"))) != 0)
                from++;
            while (strcmp(levels[to], json_string_value(json_object_get(after, "level"))) != 0)
                to++;
            expected[from][to]++;
            moved += from != to;
            const json_t *move = move_of(simulated, number(h));
            ck_assert(from == to || move != NULL);
            if (move != NULL) {
                check_side(move, "before", before);
                check_side(move, "after", after);
            }
        }
        json_decref(before);
        json_decref(after);
    }
    for (int from = 0; from < 5; from++)
        for (int to = 0; to < 5; to++)
            ck_assert_int_eq(cell_of(simulated, levels[from], levels[to]), expected[from][to]);
    ck_assert_int_eq(json_integer_value(json_object_get(simulated, "moved")), moved);
    ck_assert_int_gt(moved, 0);
    ck_assert_uint_gt(reasons_seen, 0);
    const json_t *township;
    size_t i;
    json_array_foreach(json_object_get(simulated, "townships"), i, township)
    {
        int64_t code = strtoll(json_string_value(json_object_get(township, "township_code")), NULL, 10);
        json_t *alone = simulate_json(code);
        parts += json_integer_value(json_object_get(township, "moved"));
        ck_assert(json_equal(json_object_get(alone, "levels"), json_object_get(township, "levels")));
        ck_assert_uint_eq(json_array_size(json_object_get(alone, "townships")), 1);
        json_decref(alone);
    }
    ck_assert_int_eq(parts, moved);
    json_decref(simulated);
}

START_TEST(every_round_is_told_again_as_it_was)
{
    struct seen seen = {0};
    live_through();
    for (int r = 0; r < ROUNDS; r++)
        for (int h = 1; h <= HOUSEHOLDS; h++)
            check_household(&rounds[r], h, &seen);
    /* The test would be worth nothing if nothing had happened. */
    ck_assert_int_gt(seen.compared, ROUNDS * HOUSEHOLDS * 3 / 4);
    ck_assert_int_gt(seen.evidence, 20);
    ck_assert_int_gt(seen.levels, 60);
    ck_assert_int_gt(seen.stale, 0);
    ck_assert_int_gt(seen.undecided, 0);
    ck_assert_int_gt(seen.off, 0);
    ck_assert_int_gt(seen.waiting, 3);
    ck_assert_int_gt(fixture_int("select count(*) from person_fact_history"), 50);
    ck_assert_int_gt(fixture_int("select count(*) from membership_history"), 5);
    ck_assert_int_gt(fixture_int("select count(*) from household_history"), 5);
    ck_assert_int_eq(fixture_int("select count(*) from household_history where ended_by = 1"), 0);
    check_simulation();
    check_refusals();
    check_what_is_gone();
}
END_TEST

static void county(void)
{
    seed = 20260711;
    source_fixture_empty();
    fixture_conninfo(NULL, conninfo);
    compile_version(&versions[0], false);
    compile_version(&versions[1], true);
}

static void no_county(void)
{
    for (size_t i = 0; i < 2; i++) {
        policy_free(versions[i].policy);
        arena_free(versions[i].arena);
    }
    for (int r = 0; r < ROUNDS; r++) {
        for (int h = 1; h <= HOUSEHOLDS; h++) {
            json_decref(rounds[r].then[h]);
            free(rounds[r].findings[h]);
        }
        rounds[r] = (struct past_round){0};
    }
    source_fixture_drop();
}

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *tests = tcase_create("past rounds");
    tcase_set_timeout(tests, 280);
    tcase_add_unchecked_fixture(tests, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(tests, county, no_county);
    tcase_add_test(tests, every_round_is_told_again_as_it_was);
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
