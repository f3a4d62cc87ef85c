/* SPDX-License-Identifier: PostgreSQL */
/* The register: snapshots applied one after another, keys, strangers, one household's page. */
#include "config.h"

#include "domain/resident_id.h"
#include "store/batch.h"
#include "store/fact_store.h"
#include "store/lease.h"
#include "store/listing.h"
#include "store/pull.h"
#include "store/pull_one.h"
#include "store/register.h"
#include "store_fixture.h"

#include <stdio.h>
#include <string.h>

enum { MEDICAL = 1 };

struct place {
    const char *number;
    int64_t village;
    bool urban;
    const char *address;
};

struct human {
    const char *household;
    uint64_t id; /* 0 = no usable number */
    const char *raw, *name;
    int kinship;
    const char *labour;
};

static day_t today;

static enum status apply(const struct place *places, size_t place_count, const struct human *humans,
                         size_t human_count, struct register_counts *counts)
{
    struct register_writer *writer;
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    must(lease_lock(db, LEASE_INGEST, 0, &err));
    must(pg_exec(db,
                 "insert into batch (source, batch, mode, status, file_name)"
                 " select 0, 'register-' || count(*), 'full', 'accepted', 'register' from batch",
                 &err));
    must(register_writer_new(db, today, NULL, &writer, &err));
    for (size_t i = 0; i < place_count; i++)
        must(register_writer_add_household(
            writer,
            &(struct register_household){slice_of(places[i].number), places[i].village / 1000,
                                         places[i].village, places[i].urban, slice_of(places[i].address)},
            &err));
    for (size_t i = 0; i < human_count; i++)
        must(register_writer_add_person(writer,
                                        &(struct register_person){slice_of(humans[i].household), humans[i].id,
                                                                  slice_of(humans[i].raw),
                                                                  slice_of(humans[i].name), humans[i].kinship,
                                                                  slice_of(humans[i].labour), (int32_t)i + 2},
                                        &err));
    enum status status = register_writer_finish(writer, counts, &err);
    register_writer_free(writer);
    if (status)
        pg_rollback(db);
    else
        must(pg_commit(db, &err));
    return status;
}

#define COUNT(array)          (sizeof(array) / sizeof *(array))
#define APPLY(places, humans) must(apply(places, COUNT(places), humans, COUNT(humans), &counts))

#define MEMBERS                                                                                              \
    "select h.household_no, p.name, m.valid_from, m.valid_to from membership m join household h using "      \
    "(household_id)"                                                                                         \
    " join person p using (person_id) order by h.household_no, p.person_id, m.valid_from"

static uint64_t packed(const char *text)
{
    uint64_t id;
    ck_assert_int_eq(resident_id_parse(slice_of(text), DAY_NONE, &id), RESIDENT_ID_OK);
    return id;
}

static uint64_t wang, li;
static struct register_counts counts;

static void fixture_county(void)
{
    fixture_migrated();
    fixture_role("test_daemon", "shouwang_daemon", "");
    pg_close(db);
    db = fixture_connect("test_daemon");
    wang = packed("11010519491231002X");
    li = packed("440524188001010014");
    ck_assert(civil_from_ymd(2021, 6, 1, &today));
}

START_TEST(snapshots)
{
    const struct place places[] = {{"H1", 610922103001, false, "一组"}, {"H2", 610922103002, true, "二组"}};
    const struct human humans[] = {{"H1", wang, NULL, "王大", 2, "full"},
                                   {"H1", 0, "5.1E+17", "王二", 20, ""},
                                   {"H1", 0, "5.1E+17", "王二", 20, "none"},
                                   {"H2", li, NULL, "李三", REGISTER_KINSHIP_NONE, "weak"}};
    APPLY(places, humans);
    ck_assert_int_eq(counts.households_new, 2);
    ck_assert_int_eq(counts.persons_new, 4);
    ck_assert_int_eq(counts.memberships_new, 4);
    ck_assert_str_eq(
        fixture_text("select p.person_id, p.name, p.raw_id, i.id_packed is not null from person p"
                     " left join person_identity i using (person_id) order by 1"),
        "1,王大,,t;2,李三,,t;3,王二,5.1E+17,f;4,王二,5.1E+17,f");
    ck_assert_str_eq(fixture_text("select person_id, household_id, valid_from, birth, kinship, labour, line"
                                  " from membership order by 1"),
                     "1,1,2021-06-01,1949-12-31,2,full,2;2,2,2021-06-01,1880-01-01,,weak,5;"
                     "3,1,2021-06-01,,20,\"\",3;4,1,2021-06-01,,20,none,4");

    /* The same again changes no row, not even its physical place. */
    const char *physical =
        "select string_agg(concat(tableoid, ctid, xmin), ',' order by tableoid, ctid) from ("
        " select tableoid, ctid, xmin from person union all select tableoid, ctid, xmin from membership"
        " union all select tableoid, ctid, xmin from household union all select tableoid, ctid, xmin"
        " from person_identity) t";
    char before[4096];
    snprintf(before, sizeof before, "%s", fixture_text(physical));
    today++;
    APPLY(places, humans);
    ck_assert_str_eq(fixture_text(physical), before);
    ck_assert_int_eq(counts.households_new + counts.households_changed + counts.households_ended +
                         counts.persons_new + counts.memberships_new + counts.memberships_changed +
                         counts.memberships_ended,
                     0);

    /* In another order only the lines differ, which is no change. */
    const struct human shuffled[] = {humans[3], humans[0], humans[1], humans[2]};
    APPLY(places, shuffled);
    ck_assert_str_eq(fixture_text(physical), before);
}
END_TEST

START_TEST(changes)
{
    const struct place first[] = {{"H1", 610922103001, false, "一组"}, {"H2", 610922103002, true, "二组"}};
    const struct human humans[] = {{"H1", wang, NULL, "王大", 2, "full"}, {"H2", li, NULL, "李三", 2, ""}};
    APPLY(first, humans);

    /* H2 is gone, its person moved to H1 with a corrected name; H1 has a new village; H3 is new, and empty. */
    const struct place second[] = {{"H1", 610922104001, false, "一组"}, {"H3", 610922103002, true, ""}};
    const struct human moved[] = {{"H1", li, NULL, "李三儿", 20, ""}, {"H1", wang, NULL, "王大", 2, "weak"}};
    today += 30;
    APPLY(second, moved);
    ck_assert_int_eq(counts.households_new, 1);
    ck_assert_int_eq(counts.households_ended, 1);
    ck_assert_int_eq(counts.households_changed, 1);
    ck_assert_int_eq(counts.persons_new, 0);
    ck_assert_int_eq(counts.persons_renamed, 1);
    ck_assert_int_eq(counts.memberships_changed, 1);
    ck_assert_int_eq(counts.memberships_ended, 1);
    ck_assert_int_eq(counts.memberships_new, 1);
    ck_assert_str_eq(
        fixture_text("select household_no, township_code, valid_from, valid_to from household order by 1"),
        "H1,610922104,2021-06-01,;H2,610922103,2021-06-01,2021-07-01;H3,610922103,2021-07-01,");
    ck_assert_str_eq(fixture_text(MEMBERS),
                     "H1,王大,2021-06-01,;H1,李三儿,2021-07-01,;H2,李三儿,2021-06-01,2021-07-01");

    /* Back again: the household is reopened, the person has a new dated row. */
    today += 31;
    APPLY(first, humans);
    ck_assert_int_eq(counts.households_returned, 1);
    ck_assert_int_eq(counts.households_ended, 1);
    ck_assert_str_eq(
        fixture_text("select household_no, household_id, valid_from, valid_to from household order by 1"),
        "H1,1,2021-06-01,;H2,2,2021-08-01,;H3,3,2021-07-01,2021-08-01");
    ck_assert_str_eq(fixture_text(MEMBERS), "H1,王大,2021-06-01,;H1,李三,2021-07-01,2021-08-01;"
                                            "H2,李三,2021-06-01,2021-07-01;H2,李三,2021-08-01,");
}
END_TEST

/* Without a usable number: household, number as registered and name make the person; anything else is another one. */
START_TEST(without_identity)
{
    const struct place places[] = {{"H1", 610922103001, false, ""}};
    const struct human one[] = {{"H1", 0, "6109", "王二", 20, ""}};
    const struct human two[] = {{"H1", 0, "6109", "王二", 20, ""}, {"H1", 0, "6109", "王二", 20, ""}};
    const struct human other[] = {{"H1", 0, "6109", "王三", 20, ""}};
    const struct human corrected[] = {{"H1", wang, NULL, "王二", 20, ""}};
    APPLY(places, one);
    APPLY(places, two);
    ck_assert_int_eq(counts.persons_new, 1);
    APPLY(places, one);
    ck_assert_int_eq(counts.memberships_ended, 1);
    ck_assert_int_eq(fixture_int("select person_id from membership where valid_to is null"), 1);
    APPLY(places, other);
    ck_assert_int_eq(counts.persons_new, 1);
    APPLY(places, corrected);
    ck_assert_int_eq(counts.persons_new, 1);
    ck_assert_int_eq(fixture_int("select count(*) from membership where valid_to is null"), 1);
    ck_assert_int_eq(fixture_int("select count(*) from person"), 4);
    APPLY(places, one); /* whose number could be read before: only that member can be meant, and stays */
    ck_assert_int_eq(counts.persons_new, 0);
    ck_assert_int_eq(counts.memberships_ended, 0);
    ck_assert_int_eq(
        fixture_int(
            "select count(*) from membership join person_identity using (person_id) where valid_to is null"),
        1);
}
END_TEST

START_TEST(damaged_snapshots)
{
    const struct place places[] = {{"H1", 610922103001, false, ""}}, twice[] = {places[0], places[0]};
    const struct human human[] = {{"H1", wang, NULL, "王大", 2, ""}}, same[] = {human[0], human[0]};
    const struct human homeless[] = {{"H9", wang, NULL, "王大", 2, ""}};
    ck_assert_int_eq(apply(twice, 2, human, 1, &counts), STATUS_REJECT);
    ck_assert_int_eq(apply(places, 1, same, 2, &counts), STATUS_REJECT);
    ck_assert_int_eq(apply(places, 1, homeless, 1, &counts), STATUS_REJECT);
    ck_assert_int_eq(fixture_int("select count(*) from household"), 0);
    APPLY(places, human);
}
END_TEST

static int64_t add_facts(const struct fact_row *rows, size_t count)
{
    struct batch_manifest manifest = {.source = MEDICAL,
                                      .name = "2021-06",
                                      .mode = BATCH_FULL,
                                      .period_from = today,
                                      .period_to = today,
                                      .sent_at_ms = INT64_MIN};
    struct fact_writer *writer;
    struct fact_counts fact_counts;
    int64_t batch_id;
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    must(batch_accept(db, &manifest, &batch_id, &err));
    struct fact_plan plan = {.source = MEDICAL, .batch_id = batch_id, .mode = BATCH_FULL};
    enum fact_met met[3];
    must(fact_writer_new(db, &plan, &writer, &err));
    for (size_t i = 0; i < count; i++)
        must(fact_writer_add(writer, &rows[i], 1, &met[i], &err));
    must(fact_writer_finish(writer, &fact_counts, &err));
    fact_writer_free(writer);
    must(pg_commit(db, &err));
    return batch_id;
}

static int leads;
static char lead_line[256];

static enum status see_lead(void *context, const struct listing_lead *lead, struct error *error)
{
    (void)context;
    (void)error;
    leads++;
    snprintf(lead_line, sizeof lead_line, "%.*s|%.*s|%.*s|%d|%d", (int)lead->name.length, lead->name.bytes,
             (int)lead->sources.length, lead->sources.bytes, (int)lead->codes.length, lead->codes.bytes,
             (int)lead->fact_count, lead->was_on_register);
    return STATUS_OK;
}

START_TEST(strangers_are_taken_up)
{
    int64_t total;
    const struct place places[] = {{"H1", 610922103001, false, ""}};
    const struct human before[] = {{"H1", wang, NULL, "王大", 2, ""}};
    const struct human after[] = {{"H1", wang, NULL, "王大", 2, ""}, {"H1", li, NULL, "李三", 10, ""}};
    int paid = fixture_code("expense.medical_self_paid"), death = fixture_code("event.death");
    const struct fact_row rows[] = {
        {.subject = FACT_STRANGER,
         .subject_id = (int64_t)li,
         .code = paid,
         .value = 5,
         .from = today,
         .to = DAY_NONE,
         .as_of = DAY_NONE,
         .row_no = 2,
         .name = slice_of("李某")},
        {.subject = FACT_STRANGER,
         .subject_id = (int64_t)li,
         .code = death,
         .value = 1,
         .from = today,
         .to = DAY_NONE,
         .as_of = DAY_NONE,
         .row_no = 3,
         .name = slice_of("李某")},
        {.subject = FACT_STRANGER,
         .subject_id = (int64_t)li + 11,
         .code = death,
         .value = 1,
         .from = today,
         .to = DAY_NONE,
         .as_of = DAY_NONE,
         .row_no = 4},
    };
    APPLY(places, before);
    add_facts(rows, 3);
    must(listing_leads(db, 1, see_lead, NULL, &total, &err));
    ck_assert_int_eq(leads, 1);
    ck_assert_int_eq(total, 2);
    ck_assert_str_eq(lead_line, "李某|medical_insurance|event.death,expense.medical_self_paid|2|0");

    APPLY(places, after);
    ck_assert_int_eq(counts.strangers_taken_up, 1);
    ck_assert_int_eq(counts.facts_taken_up, 2);
    ck_assert_str_eq(
        fixture_text("select person_id, value, batch_id, row_no from person_fact order by row_no"),
        "2,5,2,2;2,1,2,3");
    ck_assert_int_eq(fixture_int("select count(*) from stranger_fact"), 1);

    /* Who left the register and is still spoken of is a lead again. */
    APPLY(places, before);
    leads = 0;
    must(listing_leads(db, 0, see_lead, NULL, &total, &err));
    ck_assert_int_eq(leads, 2);
    ck_assert_int_eq(total, 2);
}
END_TEST

/* One by one: what is asked for comes with the persons, whatever the register says of them. */
static void check_traits(void)
{
    static const struct {
        const char *set;
        uint8_t traits;
    } cases[] = {{"kinship = null, labour = ''", 15},
                 {"kinship = 1, labour = 'full'", 16},
                 {"kinship = 20, labour = 'weak'", 2 + 32},
                 {"kinship = 97, labour = 'none'", 8 + 48}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pull_members members = {.with_traits = true};
        char sql[128];
        snprintf(sql, sizeof sql, "update membership set %s", cases[i].set);
        must(pg_exec(db, sql, &err));
        must(pull_members(db, PULL_ALL_PAGES, &members, &err));
        ck_assert_uint_eq(members.count, 2);
        ck_assert_uint_eq(members.traits[0], cases[i].traits);
        ck_assert_uint_eq(members.traits[1], cases[i].traits);
        pull_members_free(&members);
    }
}

static void check_keys(void)
{
    struct register_identities identities = {0};
    must(register_load_identities(db, &identities, &err));
    ck_assert_uint_eq(identities.count, 2); /* whoever left is still known */
    register_identities_free(&identities);
    struct register_households numbers = {0};
    must(register_load_households(db, &numbers, &err));
    ck_assert_uint_eq(numbers.count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct slice number = {numbers.numbers.bytes + numbers.number_begin[i],
                               numbers.number_begin[i + 1] - numbers.number_begin[i]};
        ck_assert(slice_is(number, "户-1") || slice_is(number, "H2") || slice_is(number, "H3"));
    }
    register_households_free(&numbers);
}

static void check_columns(void)
{
    struct pull_households households = {0};
    must(pull_households(db, &households, &err));
    ck_assert_uint_eq(households.count, 2);
    size_t first = households.household_id[0] == 1 ? 0 : 1; /* given as they come */
    ck_assert_int_eq(households.urban[first], 0);
    ck_assert_int_eq(households.urban[1 - first], 1);
    pull_households_free(&households);
    struct pull_members members = {0};
    must(pull_members(db, PULL_ALL_PAGES, &members, &err));
    ck_assert_uint_eq(members.count, 2);
    uint32_t pages;
    must(pull_member_pages(db, &pages, &err));
    ck_assert_uint_eq(pages, 1);
    must(pull_members(db, (struct pull_pages){0, 1}, &members, &err));
    ck_assert_uint_eq(members.count, 4); /* appended */
    must(pull_members(db, (struct pull_pages){1, PULL_PAGES_END}, &members, &err));
    ck_assert_uint_eq(members.count, 4);
    ck_assert_ptr_null(members.traits);
    pull_members_free(&members);
}

static void check_one_household(struct arena *arena)
{
    const struct fact_row rows[] = {
        {.subject = FACT_PERSON,
         .subject_id = 1,
         .code = fixture_code("disability.certificate"),
         .value = 42,
         .from = today,
         .to = DAY_NONE,
         .as_of = today,
         .row_no = 2,
         .ref = slice_of("R"),
         .detail = slice_of("…42")},
        {.subject = FACT_PERSON,
         .subject_id = 2,
         .code = fixture_code("expense.medical_self_paid"),
         .value = FACT_UNKNOWN,
         .from = today,
         .to = DAY_NONE,
         .as_of = DAY_NONE,
         .row_no = 3},
        {.subject = FACT_HOUSEHOLD,
         .subject_id = 1,
         .code = fixture_code("housing.grade"),
         .value = 3,
         .from = today,
         .to = DAY_NONE,
         .as_of = DAY_NONE,
         .row_no = 4},
    };
    add_facts(rows, 3);
    const struct pull_one *one;
    must(pull_one(db, "户-1", arena, &one, &err));
    ck_assert_ptr_nonnull(one);
    ck_assert(one->on_register);
    ck_assert_str_eq(one->address, "一组");
    ck_assert_uint_eq(one->member_count, 2);
    ck_assert_str_eq(one->members[0].name, "王大");
    ck_assert(one->members[0].id_packed == wang && one->members[1].id_packed == 0);
    ck_assert_int_eq(one->members[1].birth, DAY_NONE);
    ck_assert_uint_eq(one->fact_count, 2); /* person 2 is 李三, who left */
    for (size_t i = 0; i < one->fact_count; i++) {
        ck_assert_str_eq(one->facts[i].batch_name, "2021-06");
        if (!one->facts[i].of_household) {
            ck_assert_str_eq(one->facts[i].ref, "R");
            ck_assert_str_eq(one->facts[i].detail, "…42");
            ck_assert_int_eq(one->facts[i].as_of, today);
        }
    }
    must(pull_one(db, "H3", arena, &one, &err));
    ck_assert(one && !one->on_register && one->member_count == 0);
    must(pull_one(db, "no such", arena, &one, &err));
    ck_assert_ptr_null(one);
}

static void check_persons(struct arena *arena)
{
    const int64_t ids[] = {3, 1, 99};
    const struct pull_person *persons;
    size_t count;
    must(pull_persons(db, ids, 3, arena, &persons, &count, &err));
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(persons[0].member.name, "王大");
}

START_TEST(keys_and_pulls)
{
    struct arena *arena = arena_new(0);
    const struct place places[] = {{"户-1", 610922103001, false, "一组"},
                                   {"H2", 610922103002, true, ""},
                                   {"H3", 610922103002, true, ""}};
    const struct human humans[] = {{"户-1", wang, NULL, "王大", 2, "full"},
                                   {"户-1", 0, "?", "王二", 20, ""},
                                   {"H3", li, NULL, "李三", 2, ""}};
    APPLY(places, humans);
    APPLY(((struct place[]){places[0], places[1]}), ((struct human[]){humans[0], humans[1]}));

    check_keys();
    check_columns();
    check_traits();
    check_one_household(arena);
    check_persons(arena);
    arena_free(arena);
}
END_TEST

/* The database itself keeps a person from being in two households at once. */
START_TEST(one_open_membership)
{
    const struct place places[] = {{"H1", 610922103001, false, ""}};
    const struct human humans[] = {{"H1", wang, NULL, "王大", 2, ""}};
    APPLY(places, humans);
    ck_assert_int_eq(pg_exec(db,
                             "insert into membership (person_id, household_id, valid_from, line) values (1,"
                             " 9, '2021-01-01', 1)",
                             &err),
                     STATUS_FATAL);
    ck_assert_str_eq(pg_sqlstate(db), "23505");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_register");
    TCase *tests = tcase_create("register");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(tests, fixture_county, fixture_drop);
    tcase_add_test(tests, snapshots);
    tcase_add_test(tests, changes);
    tcase_add_test(tests, without_identity);
    tcase_add_test(tests, damaged_snapshots);
    tcase_add_test(tests, strangers_are_taken_up);
    tcase_add_test(tests, keys_and_pulls);
    tcase_add_test(tests, one_open_membership);
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
