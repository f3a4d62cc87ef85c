/* SPDX-License-Identifier: PostgreSQL */
/* The register against a real database: a snapshot, once, whole, and the same again. */
#include "config.h"

#include "source_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUSEHOLDS "household_no,township_code,village_code,area,address\n"
#define PERSONS    "household_no,id_number,name,kinship,labour\n"
#define FACTS      "household_no,id_number,code,value,from,to,ref,as_of\n"
#define H1         "H1,610922100,610922100001,rural,城关镇一村1号\n"
#define H2         "H2,610922101,610922101002,urban,二街2号\n"

static struct import_result result;

static void import_ok(const char *day)
{
    enum status status = import_as_of(day, false, &result);
    ck_assert_msg(status == STATUS_OK, "%s", err.text);
}

static void expect_refusal(const char *day, const char *reason_begins)
{
    char before[64], after[64];
    state(before);
    int64_t refused = fixture_int("select count(*) from batch where status = 'refused'");
    ck_assert_int_eq(import_as_of(day, false, &result), STATUS_REJECT);
    ck_assert_msg(strncmp(err.text, reason_begins, strlen(reason_begins)) == 0, "found %s", err.text);
    ck_assert_int_eq(fixture_int("select count(*) from batch where status = 'refused' and source = 0"),
                     refused + 1);
    ck_assert_str_eq(before, state(after));
}

static const char *members(void)
{
    return fixture_text(
        "select h.household_no, p.name, coalesce(i.id_packed / 11 % 1000, 0) as id, m.kinship, m.labour,"
        " m.valid_from, m.valid_to, p.raw_id"
        " from membership m join household h using (household_id) join person p using (person_id)"
        " left join person_identity i using (person_id)"
        " order by h.household_no, m.valid_from, m.valid_to, m.line, p.name");
}

START_TEST(a_first_register)
{
    put_register(HOUSEHOLDS H1 H2 "H3,610922102,610922102003,rural,\n",
                 PERSONS "H1," ID_A ",王小明,02,full\nH1," ID_B
                         ",李四,10,\nH2,5.1E+17,赵六,02,none\nH2,,小宝,20,\n",
                 FACTS "H1,,income.declared,yes,2020-01-01,,,\n"
                       "," ID_A ",income.wage,30000.00,2020-07-01,2021-06-30,W1,2021-06-15\n"
                       "," ID_X ",income.wage,1.00,2020-07-01,2021-06-30,,\n"
                       "H9,,income.declared,yes,2020-01-01,,,\n"
                       "," ID_A ",income.wage,1.00,2020-07-01,2021-06-30,W1,\n"
                       "," ID_B ",income.wage,-1,2020-07-01,2021-06-30,,\n");
    import_ok("2021-06-30");
    ck_assert_int_eq(result.households.rows, 3);
    ck_assert_int_eq(result.households.added, 3);
    ck_assert_int_eq(result.empty_households, 1);
    ck_assert_int_eq(result.persons.rows, 4);
    ck_assert_int_eq(result.persons.added, 4);
    ck_assert_int_eq(result.persons.kept, 2);
    ck_assert_int_eq(result.without_identity, 2);
    ck_assert_int_eq(result.facts.rows, 6);
    ck_assert_int_eq(result.facts.added, 3);
    ck_assert_int_eq(result.facts.quarantined, 3);
    ck_assert_int_eq(result.facts.kept, 1);
    ck_assert_str_eq(members(), "H1,王小明,1,2,full,2021-06-30,,;H1,李四,2,10,\"\",2021-06-30,,;"
                                "H2,赵六,0,2,none,2021-06-30,,5.1E+17;H2,小宝,0,20,\"\",2021-06-30,,\"\"");
    ck_assert_str_eq(
        fixture_text("select household_no, township_code, village_code, urban, address, valid_from, valid_to"
                     " from household order by 1"),
        "H1,610922100,610922100001,f,城关镇一村1号,2021-06-30,;H2,610922101,610922101002,t,二街2号,2021-06-"
        "30,;"
        "H3,610922102,610922102003,f,\"\",2021-06-30,");
    ck_assert_str_eq(
        fixture_text("select column_name, line, reason, found, kept from quarantine order by 1, 2"),
        "fact,6,fact.repeat,\"\",f;fact.household_no,5,household.unknown,H9,f;"
        "fact.id_number,4,person.unknown,4405**********0014,f;fact.value,7,amount.negative,-1,t;"
        "person.id_number,4,id.scientific,5.1E+17,t;person.id_number,5,id.empty,\"\",t");
    ck_assert_str_eq(fixture_text("select c.name, f.value, f.source, f.as_of, f.ref from person_fact f"
                                  " join fact_code c using (code) order by f.row_no"),
                     "income.wage,3000000,0,2021-06-15,W1;income.wage,,0,,\"\"");
    ck_assert_str_eq(
        fixture_text("select source, mode, status, rows_total, rows_stored, rows_quarantined, period_to"
                     " from batch"),
        "0,full,accepted,13,3,3,2021-06-30");
}
END_TEST

START_TEST(the_same_again_changes_nothing)
{
    char before[64], after[64], all[64];
    put_register(HOUSEHOLDS H1 H2, PERSONS "H1," ID_A ",王小明,02,full\nH2,5.1E+17,赵六,,\n",
                 FACTS "," ID_A ",income.wage,30000.00,2020-07-01,2021-06-30,W1,\n");
    import_ok("2021-06-30");
    state(before);
    import_ok("2021-06-30");
    ck_assert(result.same);
    ck_assert_int_eq(result.batch_id, 0);
    ck_assert_str_eq(before, state(after));
    ck_assert_int_eq(fixture_int("select count(*) from batch"), 1);
    /* A month later: a row that says that it is still so, nothing else. */
    int64_t first = fixture_int("select max(batch_id) from person_fact");
    import_ok("2021-07-31");
    ck_assert(result.same && result.batch_id > 0);
    ck_assert_str_eq(fixture_text("select count(*), max(period_to) from batch where status = 'accepted'"),
                     "2,2021-07-31");
    ck_assert_int_eq(fixture_int("select max(batch_id) from person_fact"), first);
    fixture_sql("delete from batch where batch_id = (select max(batch_id) from batch)");
    ck_assert_str_eq(before, state(all));
}
END_TEST

/* The same content in other bytes changes nothing but what says so. */
START_TEST(the_same_in_another_order)
{
    put_register(HOUSEHOLDS H1 H2, PERSONS "H1," ID_A ",王小明,02,full\nH2,5.1E+17,赵六,,\n", FACTS);
    import_ok("2021-06-30");
    put_register(
        "address,area,village_code,township_code,household_no\r\n二街2号,urban,610922101002,610922101,H2\r\n"
        "城关镇一村1号,rural,610922100001,610922100,H1\r\n",
        "labour,kinship,name,id_number,household_no\r\n,,赵六,5.1E+17,H2\r\nfull,2,王小明," ID_A ",H1\r\n",
        FACTS);
    import_ok("2021-07-31");
    ck_assert(!result.same);
    ck_assert_int_eq(result.households.added + result.households.changed + result.households.ended, 0);
    ck_assert_int_eq(result.persons.added + result.persons.changed + result.persons.ended, 0);
    ck_assert_int_eq(result.households.unchanged, 2);
    ck_assert_int_eq(result.persons.unchanged, 2);
    ck_assert_str_eq(members(), "H1,王小明,1,2,full,2021-06-30,,;H2,赵六,0,,\"\",2021-06-30,,5.1E+17");
}
END_TEST

START_TEST(a_later_snapshot)
{
    put_register(HOUSEHOLDS H1 H2,
                 PERSONS "H1," ID_A ",王小明,02,full\nH1," ID_B ",李四,10,\nH2,damaged,赵六,02,\n",
                 FACTS "H1,,income.declared,yes,2020-01-01,,,\n"
                       "," ID_A ",income.wage,30000.00,2020-07-01,2021-06-30,W1,\n");
    import_ok("2021-06-30");
    int64_t nobody = fixture_int("select person_id from person where raw_id is not null");
    put_register(HOUSEHOLDS "H2,610922101,610922101002,rural,二街3号\n",
                 PERSONS "H2," ID_A ",王晓明,02,full\nH2,damaged,赵六,10,\n",
                 FACTS "," ID_A ",income.wage,31000.00,2020-07-01,2021-06-30,W1,\n");
    import_ok("2021-07-31");
    ck_assert_int_eq(result.households.changed, 1);
    ck_assert_int_eq(result.households.ended, 1);
    ck_assert_int_eq(result.facts.added, 1);
    ck_assert_int_eq(result.facts.ended, 2);
    ck_assert_str_eq(members(),
                     "H1,王晓明,1,2,full,2021-06-30,2021-07-31,;H1,李四,2,10,\"\",2021-06-30,2021-07-31,;"
                     "H2,赵六,0,10,\"\",2021-06-30,,damaged;H2,王晓明,1,2,full,2021-07-31,,");
    ck_assert_int_eq(fixture_int("select person_id from person where raw_id is not null"), nobody);
    ck_assert_str_eq(fixture_text("select household_no, valid_to, urban, address from household order by 1"),
                     "H1,2021-07-31,f,城关镇一村1号;H2,,f,二街3号");
    ck_assert_int_eq(fixture_int("select value from person_fact"), 3100000);
    ck_assert_int_eq(fixture_int("select count(*) from household_fact"), 0);
}
END_TEST

START_TEST(rows_that_are_wrong)
{
    put_register(HOUSEHOLDS H1 H1 ",610922100,610922100001,rural,\n"
                                  "H3,61092210,610922100001,rural,\n"
                                  "H4,610922100,610922100001,city,\n"
                                  "H5,610922100,6109221000,rural,\n"
                                  "H6,610922100,610922101002,rural,\n"
                                  "H7,610922100\n",
                 PERSONS "H1," ID_A ",王小明,02,full\n"
                         "H5," ID_A ",王小明,02,full\n"
                         "H1," ID_A ",王小明,02,full\n"
                         "H4," ID_B ",李四,,\n"
                         "H5,610922199002020025,李四,,\n"
                         "H5," ID_C ",,x1,strong\n",
                 FACTS);
    import_ok("2021-06-30");
    ck_assert_str_eq(
        fixture_text(
            "select column_name, line, reason, kept from quarantine order by split_part(column_name, '.', 1),"
            " line, column_name"),
        "household.household_no,3,household.repeat,f;household.household_no,4,household.number,f;"
        "household.township_code,5,township.unreadable,f;household.area,6,area.unknown,f;"
        "household.village_code,7,village.unreadable,t;household.village_code,8,village.township,t;"
        "household,9,row.fields,f;"
        "person.id_number,3,person.repeat,f;person.id_number,4,person.repeat,f;"
        "person.household_no,5,household.unknown,f;person.id_number,6,id.check,t;"
        "person.kinship,7,kinship.unknown,t;person.labour,7,labour.unknown,t;person.name,7,name.missing,t");
    ck_assert_str_eq(
        fixture_text("select found, expected from quarantine where reason = 'person.repeat' and line = 3"),
        "6109**********0014,\"each person once: line 2 has the same number\"");
    ck_assert_str_eq(fixture_text("select household_no, village_code from household order by 1"),
                     "H1,610922100001;H5,610922100000;H6,610922101002");
    ck_assert_str_eq(members(),
                     "H1,王小明,1,2,full,2021-06-30,,;H5,李四,0,,\"\",2021-06-30,,610922199002020025;"
                     "H5,\"\",104,,\"\",2021-06-30,,");
}
END_TEST

START_TEST(strangers_come_home)
{
    put_register(HOUSEHOLDS H1, PERSONS "H1," ID_A ",王小明,02,full\n", FACTS);
    import_ok("2021-06-01");
    put_feed("medical_insurance", "june",
             "id_number,name,code,value,from,to,ref\n" ID_X
             ",钱七,expense.medical_self_paid,5.00,2021-06-05,,D1\n",
             NULL);
    scan();
    ck_assert_int_eq(fixture_int("select count(*) from stranger_fact"), 1);
    put_register(HOUSEHOLDS H1, PERSONS "H1," ID_A ",王小明,02,full\nH1," ID_X ",钱七,20,\n", FACTS);
    import_ok("2021-06-30");
    ck_assert_int_eq(result.strangers_moved, 1);
    ck_assert_int_eq(fixture_int("select count(*) from stranger_fact"), 0);
    ck_assert_str_eq(fixture_text("select source, value, ref from person_fact"), "1,500,D1");
    /* What the source says later supersedes it, although it was a stranger's then. */
    put_feed("medical_insurance", "july",
             "id_number,name,code,value,from,to,ref\n" ID_X
             ",钱七,expense.medical_self_paid,6.00,2021-06-05,,D1\n",
             &(struct given){.period_to = "2021-07-31"});
    scan();
    ck_assert_str_eq(fixture_text("select source, value, ref from person_fact"), "1,600,D1");
}
END_TEST

static void many_households(struct text *out, int from, int count)
{
    text_clear(out);
    text_add_str(out, HOUSEHOLDS);
    for (int i = from; i < from + count; i++)
        text_printf(out, "N%04d,610922100,610922100001,rural,\n", i);
}

START_TEST(a_truncated_snapshot_is_refused)
{
    struct text households;
    text_init(&households);
    many_households(&households, 0, 50);
    put_register(households.bytes, PERSONS, FACTS);
    import_ok("2021-06-30");
    many_households(&households, 0, 40); /* 20 % is the limit */
    put_register(households.bytes, PERSONS, FACTS);
    import_ok("2021-07-31");
    ck_assert_int_eq(result.households.ended, 10);
    many_households(&households, 0, 29);
    put_register(households.bytes, PERSONS, FACTS);
    expect_refusal("2021-08-31", "the snapshot would end 11 of 40 households (more than 20 %)");
    ck_assert_int_eq(import_as_of("2021-08-31", true, &result), STATUS_OK);
    ck_assert_int_eq(result.households.ended, 11);
    many_households(&households, 0, 20); /* a third of them, but fewer than 10 */
    put_register(households.bytes, PERSONS, FACTS);
    import_ok("2021-09-30");
    ck_assert_int_eq(result.households.ended, 9);
    text_fini(&households);
}
END_TEST

/* Each file has lost its end; the households are all there. */
START_TEST(a_truncated_table_is_refused)
{
    struct text persons, facts;
    char id[32];
    for (int step = 0; step < 4; step++) {
        static const struct {
            int persons, facts;
            const char *refusal;
        } steps[] = {{50, 40, NULL},
                     {39, 40, "the snapshot would end 11 of 50 persons (more than 20 %)"},
                     {50, 19, "the snapshot would end 21 of 40 facts (more than 50 %)"},
                     {40, 20, NULL}};
        text_init(&persons);
        text_init(&facts);
        text_add_str(&persons, PERSONS);
        text_add_str(&facts, FACTS);
        for (int i = 0; i < steps[step].persons; i++) {
            snprintf(id, sizeof id, "6109228001010%02d", i);
            text_printf(&persons, "H1,%s,某人,20,\n", id);
        }
        for (int i = 0; i < steps[step].facts; i++)
            text_printf(&facts, ",610922800101000,income.wage,1.00,,2021-05-01,W%d,\n", i);
        put_register(HOUSEHOLDS H1, persons.bytes, facts.bytes);
        if (steps[step].refusal)
            expect_refusal("2021-07-31", steps[step].refusal);
        else
            import_ok("2021-06-30");
        text_fini(&persons);
        text_fini(&facts);
    }
    ck_assert_int_eq(result.persons.ended, 10);
    ck_assert_int_eq(result.facts.ended, 20);
}
END_TEST

/* What cannot be read is no word that somebody has left. */
START_TEST(a_damaged_row_ends_nobody)
{
    put_register(HOUSEHOLDS H1 H2 "H3,610922102,610922102003,rural,\n",
                 PERSONS "H1," ID_A ",王小明,02,full\nH1," ID_B ",李四,10,\nH2," ID_C ",赵六,02,\nH3," ID_X
                         ",钱七,02,\n",
                 FACTS "H1,,income.declared,yes,2020-01-01,,,\n," ID_A ",relief.dibao,,2020-01-01,,,\n");
    import_ok("2021-06-30");
    put_register(HOUSEHOLDS "H1,610922100,610922100001,rural,城关镇,一村1号\n"
                            "H2,610922101,610922101002,city,二街2号\n"
                            "H3,61092210,610922102003,rural,\nH3,610922103,610922103004,rural,三村\n"
                            "H4,610922100,610922100001,rural,城关镇,一村2号\n",
                 PERSONS "H1," ID_A ",王小明,02,full,村组\nH4," ID_B ",李四,02,\nH2," ID_C
                         ",赵六,02\nH3," ID_X ",钱七,02,\n",
                 FACTS "H1,,income.declared,yes,2020-01-01,,,\n," ID_A ",relief.dibao,,2020-01-01,,,\n");
    import_ok("2021-07-31");
    ck_assert_int_eq(result.households.ended + result.persons.ended + result.facts.ended, 0);
    ck_assert_int_eq(result.households.kept, 3);
    ck_assert_int_eq(result.households.quarantined, 1);
    ck_assert_int_eq(result.households.changed, 1);
    ck_assert_int_eq(result.persons.kept, 3);
    ck_assert_str_eq(members(), "H1,王小明,1,2,full,2021-06-30,,;H1,李四,2,10,\"\",2021-06-30,,;"
                                "H2,赵六,104,2,\"\",2021-06-30,,;H3,钱七,1,2,\"\",2021-06-30,,");
    ck_assert_str_eq(
        fixture_text("select household_no, township_code, urban, address, valid_to from household"
                     " order by 1"),
        "H1,610922100,f,城关镇一村1号,;H2,610922101,t,二街2号,;H3,610922103,f,三村,");
    ck_assert_str_eq(
        fixture_text("select column_name, line, reason, kept from quarantine order by column_name, line"),
        "household,2,row.fields,t;household,6,row.fields,f;household.area,3,area.unknown,t;"
        "household.township_code,4,township.unreadable,t;person,2,row.fields,t;person,4,row.fields,t;"
        "person.household_no,3,household.unknown,t");
    /* Whose row is not there has left. */
    put_register(HOUSEHOLDS H1, PERSONS "H1," ID_A ",王小明,02,full\n", FACTS);
    import_ok("2021-08-31");
    ck_assert_int_eq(result.households.ended, 2);
    ck_assert_int_eq(result.persons.ended, 3);
}
END_TEST

START_TEST(bad_snapshots_change_nothing)
{
    static const struct {
        const char *households, *persons, *facts, *reason;
    } cases[] = {
        {HOUSEHOLDS, PERSONS, FACTS, "household.csv: found no usable household"},
        {HOUSEHOLDS H1, "household_no,name\nH1,x\n", FACTS, "person.csv: found no column id_number"},
        {"household_no,township_code,area\nH1,610922100,rural\n", PERSONS, FACTS,
         "household.csv: found no column village_code"},
        {HOUSEHOLDS H1, PERSONS, "household_no,value,from\n", "fact.csv: line 1: found no column code"},
        {HOUSEHOLDS H1, PERSONS "H1," ID_A ",\"王\n", FACTS,
         "person.csv:2: found a quote that is never closed"},
        {HOUSEHOLDS H1, PERSONS "H1," ID_A ",\xFF\xFF,,\n", FACTS,
         "person.csv:2: found a byte that belongs to no"},
        {HOUSEHOLDS H1, PERSONS, "", "fact.csv:1: found no header row"},
    };
    put_register(HOUSEHOLDS H1 H2, PERSONS "H1," ID_A ",王小明,02,full\n", FACTS);
    import_ok("2021-06-30");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_register(cases[i].households, cases[i].persons, cases[i].facts);
        expect_refusal("2021-07-31", cases[i].reason);
    }
    char before[64], after[64];
    state(before);
    put_register(HOUSEHOLDS H1, NULL, FACTS);
    ck_assert_int_eq(import_as_of("2021-07-31", false, &result), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "person.csv"));
    ck_assert_str_eq(before, state(after));
}
END_TEST

START_TEST(gb18030)
{
    put_register(HOUSEHOLDS "H1,610922100,610922100001,rural,\xD2\xBB\xB4\xE5\n",
                 PERSONS "H1," ID_A ",\xCD\xF5\xD0\xA1\xC3\xF7,02,full\n", FACTS);
    import_ok("2021-06-30");
    ck_assert_str_eq(fixture_text("select p.name, h.address from person p, household h"), "王小明,一村");
}
END_TEST

/* The same register from a county's own tables, of several types. */
START_TEST(views_of_the_county)
{
    char from_files[64], from_views[64];
    static const char said[] =
        "select md5(string_agg(v, '|' order by v)) as m from (select h.household_no || h.township_code || "
        "h.village_code"
        " || h.urban || h.address || p.name || coalesce(i.id_packed::text, p.raw_id) || coalesce(m.kinship, "
        "-1) || m.labour as v"
        " from membership m join household h using (household_id) join person p using (person_id)"
        " left join person_identity i using (person_id) where m.valid_to is null union all"
        " select concat_ws(',', i.id_packed, f.code, f.value, f.from_day, f.to_day, f.ref, f.as_of, "
        "f.source) from person_fact f"
        " join person_identity i using (person_id) union all"
        " select concat_ws(',', f.code, f.value, f.from_day, f.to_day) from household_fact f) x";
    put_register(HOUSEHOLDS H1 H2, PERSONS "H1," ID_A ",王小明,02,full\nH2,5.1E+17,赵六,,\n",
                 FACTS "H1,,income.declared,yes,2020-01-01,,,\n"
                       "," ID_A ",income.wage,30000.00,2020-07-01,2021-06-30,W1,2021-06-15\n"
                       "," ID_A ",income.wage,0.07,2020-07-01,2021-06-30,W2,\n"
                       "," ID_A ",income.wage,999999999999.99,2020-07-01,2021-06-30,W3,\n"
                       "," ID_A ",income.wage,0.00,2020-07-01,2021-06-30,W4,\n"
                       "," ID_A ",income.wage,-12.50,2020-07-01,2021-06-30,W5,\n"
                       "," ID_A ",income.wage,1.001,2020-07-01,2021-06-30,W6,\n"
                       "," ID_A ",income.wage,,2020-07-01,2021-06-30,W7,\n");
    import_ok("2021-06-30");
    int64_t kept = result.facts.kept;
    snprintf(from_files, sizeof from_files, "%s", fixture_text(said));
    fixture_sql("create schema \"county \"\"x\"; set search_path = \"county \"\"x\";"
                "create table household (household_no varchar(20), township_code bigint, village_code "
                "bigint, area char(8), address text,"
                " more int);"
                "insert into household values ('H1', 610922100, 610922100001, 'rural', '城关镇一村1号', 1),"
                " ('H2', 610922101, 610922101002, 'urban', '二街2号', 2);"
                "create view person as select * from (values ('H1', '" ID_A
                "', '王小明', 2::smallint, 'full'),"
                " ('H2', '5.1E+17', '赵六', null, null)) v(household_no, id_number, name, kinship, labour);"
                "create table fact (id_number text, household_no text, code text, amount numeric, value "
                "text, \"from\" date, \"to\" date,"
                " ref text, as_of date);"
                "insert into fact values (null, 'H1', 'income.declared', null, 'yes', '2020-01-01', null, "
                "null, null);"
                "insert into fact select '" ID_A
                "', null, 'income.wage', a, null, '2020-07-01', '2021-06-30', r, d from (values"
                " (30000, 'W1', '2021-06-15'::date), (0.07, 'W2', null), (999999999999.99, 'W3', null), (0, "
                "'W4', null),"
                " (-12.50, 'W5', null), (1.001, 'W6', null), (null, 'W7', null)) v(a, r, d);"
                "set search_path = shouwang");
    struct pg *county = fixture_connect(NULL);
    struct import_settings import = {.dictionary = dictionary, .actor = "test"};
    ck_assert(civil_parse(slice_of("2021-07-31"), &import.today));
    must(import_views(db, county, "county \"x", &import, &result, &err));
    ck_assert_int_eq(result.facts.kept, kept);
    ck_assert_int_eq(result.facts.unchanged, 8);
    ck_assert_int_eq(
        result.facts.added + result.facts.ended + result.households.changed + result.persons.changed, 0);
    snprintf(from_views, sizeof from_views, "%s", fixture_text(said));
    ck_assert_str_eq(from_files, from_views);
    ck_assert_str_eq(
        fixture_text("select reason, found from quarantine where batch_id = (select max(batch_id) from batch)"
                     " order by line, reason"),
        "id.scientific,5.1E+17;amount.enormous,999******999.99;amount.negative,-12.50;amount.unreadable,"
        "\"(no amount)\"");
    /* fen as bigint say the same */
    fixture_sql("alter table \"county \"\"x\".fact alter amount type bigint using (amount * 100)::bigint");
    must(import_views(db, county, "county \"x", &import, &result, &err));
    ck_assert_int_eq(result.facts.unchanged, 7); /* W6 is a hundred fen now */
    fixture_sql("drop table \"county \"\"x\".fact");
    ck_assert_int_eq(import_views(db, county, "county \"x", &import, &result, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "view fact"));
    pg_close(county);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("import");
    TCase *cases = tcase_create("import");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(cases, source_fixture_empty, source_fixture_drop);
    tcase_add_test(cases, a_first_register);
    tcase_add_test(cases, the_same_again_changes_nothing);
    tcase_add_test(cases, the_same_in_another_order);
    tcase_add_test(cases, a_later_snapshot);
    tcase_add_test(cases, rows_that_are_wrong);
    tcase_add_test(cases, strangers_come_home);
    tcase_add_test(cases, a_truncated_snapshot_is_refused);
    tcase_add_test(cases, a_truncated_table_is_refused);
    tcase_add_test(cases, a_damaged_row_ends_nobody);
    tcase_add_test(cases, bad_snapshots_change_nothing);
    tcase_add_test(cases, gb18030);
    tcase_add_test(cases, views_of_the_county);
    suite_add_tcase(suite, cases);
    return fixture_main(suite);
}
