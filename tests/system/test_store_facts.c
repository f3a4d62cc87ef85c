/* SPDX-License-Identifier: PostgreSQL */
/* Batches and their facts: full and delta, superseding, history, pulls. */
#include "config.h"

#include "store/batch.h"
#include "store/fact_store.h"
#include "store/lease.h"
#include "store/pull.h"
#include "store/pull_detail.h"
#include "store_fixture.h"

#include <stdio.h>
#include <string.h>

enum { MEDICAL = 1, EMERGENCY = 6 };

static day_t day(const char *text)
{
    day_t d = DAY_NONE;
    if (*text)
        ck_assert_msg(civil_parse(slice_of(text), &d), "%s", text);
    return d;
}

/* One fact as a test writes it. */
struct given {
    enum fact_subject subject;
    int64_t id;
    const char *code;
    int64_t value;
    const char *from, *to, *ref, *detail;
};

static int batches;

static struct batch_manifest manifest_of(int source, enum batch_mode mode)
{
    static char name[32];
    snprintf(name, sizeof name, "batch-%d", ++batches);
    return (struct batch_manifest){.source = source,
                                   .name = name,
                                   .mode = mode,
                                   .period_from = day("2021-06-01"),
                                   .period_to = day("2021-06-30"),
                                   .sent_at_ms = 1625068800000,
                                   .file_name = "x.csv",
                                   .sha256 = name,
                                   .encoding = "utf-8"};
}

static void add_row(struct fact_writer *writer, const struct fact_row *row)
{
    enum fact_met met;
    must(fact_writer_add(writer, row, 1, &met, &err));
    ck_assert_int_eq(met, FACT_TAKEN);
}

/* A whole batch in one transaction; returns its id. */
static int64_t store(int source, enum batch_mode mode, const struct given *given, size_t count,
                     struct fact_counts *counts)
{
    struct batch_manifest manifest = manifest_of(source, mode);
    struct fact_writer *writer;
    struct fact_counts ignored;
    int64_t batch_id;
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    must(lease_lock(db, LEASE_INGEST, 0, &err));
    must(batch_accept(db, &manifest, &batch_id, &err));
    struct fact_plan plan = {.source = source, .batch_id = batch_id, .mode = mode};
    must(fact_writer_new(db, &plan, &writer, &err));
    for (size_t i = 0; i < count; i++) {
        struct fact_row row = {
            .subject = given[i].subject,
            .subject_id = given[i].id,
            .code = fixture_code(given[i].code),
            .value = given[i].value,
            .from = day(given[i].from),
            .to = day(given[i].to),
            .as_of = DAY_NONE,
            .row_no = (int32_t)i + 2,
            .ref = slice_of(given[i].ref),
            .detail = slice_of(given[i].detail),
        };
        add_row(writer, &row);
    }
    must(fact_writer_finish(writer, counts ? counts : &ignored, &err));
    fact_writer_free(writer);
    must(batch_count(db, batch_id, &(struct batch_counts){.rows_total = (int64_t)count}, NULL, &err));
    must(pg_commit(db, &err));
    return batch_id;
}

#define STORE(source, mode, counts, ...)                                                                     \
    store(source, mode, (const struct given[]){__VA_ARGS__},                                                 \
          sizeof((const struct given[]){__VA_ARGS__}) / sizeof(struct given), counts)

#define LIVE                                                                                                 \
    "select f.person_id, c.name, f.value, f.from_day, f.to_day, f.ref, f.batch_id, f.row_no from "           \
    "person_fact f"                                                                                          \
    " join fact_code c using (code) order by f.person_id, c.name, f.from_day, f.to_day, f.ref"
#define HISTORY                                                                                              \
    "select f.person_id, f.value, f.from_day, f.to_day, f.ref, f.batch_id, f.ended_by from "                 \
    "person_fact_history f"                                                                                  \
    " order by f.ended_by, f.person_id, f.from_day, f.ref"

#define PAID "expense.medical_self_paid"

START_TEST(full_replaces)
{
    struct fact_counts counts;
    int64_t first =
        STORE(MEDICAL, BATCH_FULL, &counts, {FACT_PERSON, 1, PAID, 100, "2021-01-01", "2021-01-31", "", NULL},
              {FACT_PERSON, 1, PAID, 200, "2021-02-01", "2021-02-28", "", NULL},
              {FACT_PERSON, 2, PAID, FACT_UNKNOWN, "2021-01-01", "2021-01-31", "", NULL},
              {FACT_PERSON, 3, PAID, 300, "2021-01-01", "", "A1", NULL},
              {FACT_HOUSEHOLD, 9, PAID, 7, "2021-01-01", "", "", NULL});
    ck_assert_int_eq(counts.persons, 4);
    ck_assert_int_eq(counts.households, 1);
    ck_assert_int_eq(counts.ended + counts.repeated, 0);
    ck_assert_str_eq(fixture_text(LIVE), "1,expense.medical_self_paid,100,2021-01-01,2021-01-31,\"\",1,2;"
                                         "1,expense.medical_self_paid,200,2021-02-01,2021-02-28,\"\",1,3;"
                                         "2,expense.medical_self_paid,,2021-01-01,2021-01-31,\"\",1,4;"
                                         "3,expense.medical_self_paid,300,2021-01-01,,A1,1,5");
    /* Another source is none of its business. */
    int64_t other =
        STORE(EMERGENCY, BATCH_FULL, NULL, {FACT_PERSON, 1, "event.disaster", 1, "2021-03-03", "", "", NULL});

    /* The first is repeated, the second differs, the third (unknown) is repeated, the others are gone. */
    int64_t second = STORE(MEDICAL, BATCH_FULL, &counts,
                           {FACT_PERSON, 2, PAID, FACT_UNKNOWN, "2021-01-01", "2021-01-31", "", NULL},
                           {FACT_PERSON, 1, PAID, 250, "2021-02-01", "2021-02-28", "", NULL},
                           {FACT_PERSON, 1, PAID, 100, "2021-01-01", "2021-01-31", "", NULL});
    ck_assert_int_eq(first, 1);
    ck_assert_int_eq(other, 2);
    ck_assert_int_eq(second, 3);
    ck_assert_int_eq(counts.repeated, 2);
    ck_assert_int_eq(counts.ended, 3);
    ck_assert_str_eq(fixture_text(LIVE), "1,event.disaster,1,2021-03-03,,\"\",2,2;"
                                         "1,expense.medical_self_paid,100,2021-01-01,2021-01-31,\"\",1,2;"
                                         "1,expense.medical_self_paid,250,2021-02-01,2021-02-28,\"\",3,3;"
                                         "2,expense.medical_self_paid,,2021-01-01,2021-01-31,\"\",1,4");
    ck_assert_str_eq(fixture_text(HISTORY), "1,200,2021-02-01,2021-02-28,\"\",1,3;3,300,2021-01-01,,A1,1,3");
    ck_assert_int_eq(fixture_int("select count(*) from household_fact"), 0);
    ck_assert_int_eq(fixture_int("select count(*) from household_fact_history where ended_by = 3"), 1);

    /* An empty full batch ends everything of the source. */
    store(MEDICAL, BATCH_FULL, NULL, 0, &counts);
    ck_assert_int_eq(counts.ended, 3);
    ck_assert_str_eq(fixture_text(LIVE), "1,event.disaster,1,2021-03-03,,\"\",2,2");
}
END_TEST

START_TEST(delta_supersedes)
{
    struct fact_counts counts;
    STORE(MEDICAL, BATCH_DELTA, NULL, {FACT_PERSON, 1, PAID, 100, "2021-01-01", "2021-01-31", "", NULL},
          {FACT_PERSON, 1, PAID, 200, "2021-01-01", "2021-01-31", "R2", NULL},
          {FACT_PERSON, 1, PAID, 300, "2021-01-01", "", "", NULL},
          {FACT_PERSON, 2, "relief.medical", 1, "2021-01-01", "", "", NULL},
          {FACT_PERSON, 2, "illness.serious", 1, "", "", "", "C34"},
          {FACT_PERSON, 3, "relief.medical", 1, "2021-01-01", "", "", NULL});

    /* Amounts: `to` and ref belong to the identity. States: `to` does not, so that a state is closed by a later batch. */
    STORE(MEDICAL, BATCH_DELTA, &counts, {FACT_PERSON, 1, PAID, 101, "2021-01-01", "2021-01-31", "", NULL},
          {FACT_PERSON, 1, PAID, 400, "2021-01-01", "2021-02-28", "", NULL},
          {FACT_PERSON, 2, "relief.medical", 1, "2021-01-01", "2021-05-31", "", NULL},
          {FACT_PERSON, 2, "illness.serious", 1, "", "", "", "C50"},
          {FACT_PERSON, 3, "relief.medical", 1, "2021-01-01", "", "", NULL});
    ck_assert_int_eq(counts.ended, 3);
    ck_assert_int_eq(counts.repeated, 1);
    ck_assert_str_eq(fixture_text(LIVE), "1,expense.medical_self_paid,101,2021-01-01,2021-01-31,\"\",2,2;"
                                         "1,expense.medical_self_paid,200,2021-01-01,2021-01-31,R2,1,3;"
                                         "1,expense.medical_self_paid,400,2021-01-01,2021-02-28,\"\",2,3;"
                                         "1,expense.medical_self_paid,300,2021-01-01,,\"\",1,4;"
                                         "2,illness.serious,1,,,\"\",2,5;"
                                         "2,relief.medical,1,2021-01-01,2021-05-31,\"\",2,4;"
                                         "3,relief.medical,1,2021-01-01,,\"\",2,6");
    ck_assert_str_eq(fixture_text(HISTORY),
                     "1,100,2021-01-01,2021-01-31,\"\",1,2;2,1,2021-01-01,,\"\",1,2;"
                     "2,1,,,\"\",1,2;3,1,2021-01-01,,\"\",1,2"); /* repeated: as it stood */
    ck_assert_str_eq(fixture_text("select detail from person_fact where detail is not null"), "C50");

    /* Another `from` is another fact, of amounts and of states. */
    STORE(MEDICAL, BATCH_DELTA, &counts, {FACT_PERSON, 1, PAID, 102, "2021-01-02", "2021-01-31", "", NULL},
          {FACT_PERSON, 3, "relief.medical", 1, "2021-06-01", "", "", NULL});
    ck_assert_int_eq(counts.ended + counts.repeated, 0);

    /* The same identity from another source does not meet. */
    STORE(EMERGENCY, BATCH_DELTA, &counts, {FACT_PERSON, 3, "relief.medical", 0, "2021-01-01", "", "", NULL});
    STORE(EMERGENCY, BATCH_DELTA, &counts, {FACT_PERSON, 3, "relief.medical", 1, "2021-01-01", "", "", NULL});
    ck_assert_int_eq(counts.ended, 1);
    ck_assert_int_eq(fixture_int("select count(*) from person_fact where person_id = 3"), 3);
}
END_TEST

/* Who wins of several states of one day: the newest batch, then its last row. */
#define WINNERS                                                                                                                   \
    "select string_agg(coalesce(nullif(ref, ''), '-'), '' order by batch_id, row_no) from person_fact where source = 1 group by " \
    "person_id, code, from_day order by person_id, code, from_day"
#define STATE "housing.sole"

START_TEST(ties_of_a_full_batch)
{
    struct fact_counts counts;
    STORE(MEDICAL, BATCH_FULL, NULL, {FACT_PERSON, 1, STATE, 1, "2021-01-01", "", "a", NULL},
          {FACT_PERSON, 1, STATE, 0, "2021-01-01", "", "b", NULL},
          {FACT_PERSON, 1, STATE, 0, "2021-01-01", "", "", NULL},
          {FACT_PERSON, 2, STATE, 1, "2021-01-01", "", "a", NULL},
          {FACT_PERSON, 2, STATE, 0, "2021-01-01", "", "", NULL},
          {FACT_PERSON, 3, STATE, 1, "2021-01-01", "", "a", NULL},
          {FACT_PERSON, 3, STATE, 1, "2021-01-01", "", "b", NULL},
          {FACT_PERSON, 4, PAID, 1, "2021-01-01", "", "a", NULL},
          {FACT_PERSON, 4, PAID, 1, "2021-01-01", "", "b", NULL});
    ck_assert_str_eq(fixture_text(WINNERS), "ab-;a-;ab;ab");

    /* The first two exchange places with each other; the second's stand; the third's first changes. Of amounts none wins. */
    STORE(MEDICAL, BATCH_FULL, &counts, {FACT_PERSON, 4, PAID, 1, "2021-01-01", "", "b", NULL},
          {FACT_PERSON, 1, STATE, 0, "2021-01-01", "", "b", NULL},
          {FACT_PERSON, 3, STATE, 0, "2021-01-01", "", "a", NULL},
          {FACT_PERSON, 3, STATE, 1, "2021-01-01", "", "b", NULL},
          {FACT_PERSON, 1, STATE, 1, "2021-01-01", "", "a", NULL},
          {FACT_PERSON, 2, STATE, 1, "2021-01-01", "", "a", NULL},
          {FACT_PERSON, 2, STATE, 0, "2021-01-01", "", "", NULL},
          {FACT_PERSON, 1, STATE, 0, "2021-01-01", "", "", NULL},
          {FACT_PERSON, 4, PAID, 1, "2021-01-01", "", "a", NULL});
    ck_assert_str_eq(fixture_text(WINNERS), "ba-;a-;ab;ab");
    ck_assert_int_eq(counts.repeated, 8);
    ck_assert_int_eq(counts.ended, 1);
    ck_assert_str_eq(fixture_text("select batch_id, count(*) from person_fact group by 1 order by 1"),
                     "1,4;2,5");
    ck_assert_str_eq(fixture_text("select row_no from person_fact where batch_id = 2 order by 1"),
                     "3;4;5;6;9");

    /* One comes in, before and behind what stands; the one without a number is gone, changes, and is new. */
    STORE(MEDICAL, BATCH_FULL, &counts, {FACT_PERSON, 2, STATE, 1, "2021-01-01", "", "c", NULL},
          {FACT_PERSON, 2, STATE, 1, "2021-01-01", "", "a", NULL},
          {FACT_PERSON, 1, STATE, 0, "2021-01-01", "", "", NULL},
          {FACT_PERSON, 1, STATE, 0, "2021-01-01", "", "b", NULL},
          {FACT_PERSON, 3, STATE, 1, "2021-01-01", "", "b", NULL},
          {FACT_PERSON, 3, STATE, 1, "2021-01-01", "", "", NULL});
    ck_assert_str_eq(fixture_text(WINNERS), "-b;ca;b-");
    STORE(MEDICAL, BATCH_FULL, &counts, {FACT_PERSON, 2, STATE, 1, "2021-01-01", "", "a", NULL},
          {FACT_PERSON, 1, STATE, 1, "2021-01-01", "", "", NULL},
          {FACT_PERSON, 1, STATE, 0, "2021-01-01", "", "b", NULL},
          {FACT_PERSON, 3, STATE, 1, "2021-01-01", "", "", NULL},
          {FACT_PERSON, 3, STATE, 1, "2021-01-01", "", "b", NULL});
    ck_assert_str_eq(fixture_text(WINNERS), "-b;a;-b");
    /* Two are gone or changed; three stand anew, and what they were is kept. */
    ck_assert_int_eq(fixture_int("select count(*) from person_fact_history where ended_by = 4"), 5);
}
END_TEST

START_TEST(strangers)
{
    struct fact_counts counts;
    STORE(MEDICAL, BATCH_FULL, &counts, {FACT_STRANGER, 77, PAID, 1, "2021-01-01", "", "", NULL},
          {FACT_STRANGER, 78, PAID, 2, "2021-01-01", "", "", NULL});
    ck_assert_int_eq(counts.strangers, 2);
    STORE(MEDICAL, BATCH_DELTA, &counts, {FACT_STRANGER, 77, PAID, 3, "2021-01-01", "", "", NULL});
    ck_assert_int_eq(counts.ended, 1);
    STORE(MEDICAL, BATCH_FULL, &counts, {FACT_STRANGER, 77, PAID, 3, "2021-01-01", "", "", NULL});
    ck_assert_int_eq(counts.ended, 1);
    ck_assert_int_eq(counts.repeated, 1);
    ck_assert_str_eq(fixture_text("select id_packed, value, batch_id from stranger_fact"), "77,3,2");
    ck_assert_str_eq(
        fixture_text("select id_packed, value, ended_by from stranger_fact_history order by 1, 2"),
        "77,1,2;78,2,3");
}
END_TEST

/* Several chunks of every table in turn, staged and not; the result is the same. */
START_TEST(many)
{
    enum { ROWS = 120000 };
    int code = fixture_code(PAID);
    for (int round = 0; round < 2; round++) {
        struct batch_manifest manifest = manifest_of(MEDICAL, BATCH_FULL);
        struct fact_writer *writer;
        struct fact_counts counts;
        int64_t batch_id;
        must(pg_begin(db, PG_READ_COMMITTED, &err));
        must(batch_accept(db, &manifest, &batch_id, &err));
        struct fact_plan plan = {.source = MEDICAL, .batch_id = batch_id, .mode = BATCH_FULL};
        must(fact_writer_new(db, &plan, &writer, &err));
        for (int32_t i = 0; i < ROWS; i++) {
            struct fact_row row = {
                .subject = (enum fact_subject)(i % 3),
                .subject_id = i,
                .code = code,
                .value = i % 1000 == 0 ? i + round : i,
                .from = day("2021-01-01"),
                .to = DAY_NONE,
                .as_of = DAY_NONE,
                .row_no = i,
                .detail = slice_of("a detail that makes the row long enough for several chunks")};
            add_row(writer, &row);
        }
        must(fact_writer_finish(writer, &counts, &err));
        fact_writer_free(writer);
        must(pg_commit(db, &err));
        ck_assert_int_eq(counts.persons + counts.households + counts.strangers, ROWS);
        ck_assert_int_eq(counts.ended, round ? ROWS / 1000 : 0);
        ck_assert_int_eq(counts.repeated, round ? ROWS - ROWS / 1000 : 0);
    }
    ck_assert_int_eq(
        fixture_int("select (select count(*) from person_fact) + (select count(*) from household_fact)"
                    " + (select count(*) from stranger_fact)"),
        ROWS);
    ck_assert_int_eq(fixture_int("select count(*) from person_fact where batch_id = 2"), ROWS / 3000);
}
END_TEST

/* --- batches --- */

START_TEST(batches_are_found)
{
    struct arena *arena = arena_new(0);
    const struct batch_info *batch;
    size_t count;
    int64_t id = STORE(MEDICAL, BATCH_FULL, NULL, {FACT_PERSON, 1, PAID, 1, "2021-01-01", "", "", NULL});

    /* Accepted once per source and name. */
    struct batch_manifest again = manifest_of(MEDICAL, BATCH_FULL);
    again.name = "batch-1";
    int64_t ignored;
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    ck_assert_int_eq(batch_accept(db, &again, &ignored, &err), STATUS_REJECT);
    pg_rollback(db);
    again.source = EMERGENCY;
    must(batch_accept(db, &again, &ignored, &err));

    bool known;
    must(batch_lookup_of(db, "medical_insurance", "batch-1", arena, &batch, &known, &err));
    ck_assert(known);
    ck_assert_int_eq(batch->batch_id, id);
    ck_assert(batch->accepted);
    ck_assert_str_eq(batch->source_name, "medical_insurance");
    ck_assert_int_eq(batch->period_to, day("2021-06-30"));
    ck_assert_int_eq(batch->sent_at_ms, 1625068800000);
    ck_assert_str_eq(batch->detail_json, "{}");

    /* A refused one leaves its row and its quarantine. */
    struct batch_manifest bad = manifest_of(MEDICAL, BATCH_DELTA);
    int64_t refused;
    struct quarantine_writer *writer;
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    must(batch_refuse(db, &bad, "the hash does not match",
                      &(struct batch_counts){.rows_total = 2, .rows_quarantined = 2}, &refused, &err));
    must(quarantine_writer_new(db, refused, NULL, &writer, &err));
    must(quarantine_writer_add(writer,
                               &(struct quarantine_row){.line = 3,
                                                        .column = slice_of("id_number"),
                                                        .reason = "id.check",
                                                        .found = slice_of("6109…"),
                                                        .expected = "a check character that fits"},
                               &err));
    must(quarantine_writer_add(
        writer,
        &(struct quarantine_row){.line = 2, .reason = "row.short", .expected = "7 columns", .kept = true},
        &err));
    must(quarantine_writer_finish(writer, &err));
    quarantine_writer_free(writer);
    must(pg_commit(db, &err));
    must(batch_list_newest(db, arena, &batch, &count, &err));
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(batch[0].batch_id, refused);
    ck_assert_str_eq(batch[0].reason, "the hash does not match");
    ck_assert_int_eq(batch[1].batch_id, id);
    ck_assert_int_eq(batch[2].source, EMERGENCY);
    must(batch_lookup(db, "batch-1", arena, &batch, &err));
    ck_assert_int_eq(batch->source, EMERGENCY);
    must(batch_lookup(db, "1", arena, &batch, &err));
    ck_assert_int_eq(batch->batch_id, 1);
    must(batch_lookup_of(db, "nobody", "batch-1", arena, &batch, &known, &err));
    ck_assert(!known && batch == NULL);
    arena_free(arena);
}
END_TEST

static int visited;

static enum status visit(void *context, const struct quarantine_row *row, struct error *error)
{
    (void)context;
    visited++;
    if (row->line == 5)
        return error_set(error, STATUS_REJECT, "enough");
    ck_assert_str_eq(row->reason, "id.check");
    return STATUS_OK;
}

START_TEST(quarantine_is_listed)
{
    struct quarantine_writer *writer;
    must(quarantine_writer_new(db, 1, NULL, &writer, &err));
    for (int64_t line = 9; line > 1; line--)
        must(quarantine_writer_add(
            writer, &(struct quarantine_row){.line = line, .reason = "id.check", .expected = ""}, &err));
    must(quarantine_writer_finish(writer, &err));
    quarantine_writer_free(writer);
    ck_assert_int_eq(batch_quarantine(db, 1, 0, visit, NULL, &err), STATUS_REJECT);
    ck_assert_int_eq(visited, 4);
}
END_TEST

/* --- pulls --- */

struct pulled {
    size_t count;
    int64_t subject_id[8], value[8], batch_id[8];
    day_t from[8], to[8];
    int32_t row_no[8];
    uint8_t source[8];
};

static enum status keep(void *context, const struct pull_facts *rows, struct error *failed)
{
    struct pulled *into = context;
    (void)failed;
    for (size_t i = 0; i < rows->count; i++, into->count++) {
        ck_assert_uint_lt(into->count, 8);
        into->subject_id[into->count] = rows->subject_id[i];
        into->value[into->count] = rows->value[i];
        into->batch_id[into->count] = rows->batch_id[i];
        into->from[into->count] = rows->from[i];
        into->to[into->count] = rows->to[i];
        into->row_no[into->count] = rows->row_no[i];
        into->source[into->count] = rows->source[i];
    }
    return STATUS_OK;
}

/* All facts of a code; the first of the table's pages and the rest give the same. */
static const struct pulled *pull(struct pg *pg, enum pull_subject subject, const struct pull_code *code)
{
    static struct pull_facts rows;
    static struct pulled facts;
    struct pulled parts = {0};
    facts.count = 0;
    must(pull_facts(pg, subject, code, PULL_ALL_PAGES, &rows, keep, &facts, &err));
    must(pull_facts(pg, subject, code, (struct pull_pages){0, 1}, &rows, keep, &parts, &err));
    must(pull_facts(pg, subject, code, (struct pull_pages){1, PULL_PAGES_END}, &rows, keep, &parts, &err));
    ck_assert_uint_eq(parts.count, facts.count);
    return &facts;
}

/* More rows than are handed over at once; a reader that has enough. */
struct counted {
    size_t rows, calls, enough;
};

static enum status count_rows(void *context, const struct pull_facts *rows, struct error *failed)
{
    struct counted *counted = context;
    counted->calls++;
    counted->rows += rows->count;
    return counted->rows < counted->enough ? STATUS_OK : error_set(failed, STATUS_REJECT, "enough");
}

START_TEST(pulls_many_facts_by_stretches)
{
    enum { MANY = 3 * PULL_FACTS_ROWS };
    static struct pull_facts rows;
    struct counted all = {.enough = SIZE_MAX}, stretch = {.enough = SIZE_MAX}, rest = {.enough = SIZE_MAX},
                   some = {.enough = PULL_FACTS_ROWS + 1};
    const int16_t codes[] = {(int16_t)fixture_code("event.death"), (int16_t)fixture_code(PAID)};
    const struct pull_code code = {
        .code = codes[1], .columns = PULL_SOURCE | PULL_VALUE | PULL_DAY, .after = DAY_NONE};
    uint32_t pages[2];
    fixture_sql("insert into person_fact (person_id, value, batch_id, from_day, row_no, code, source)"
                " select n, n, 1, '2021-01-01', n, (select code from fact_code where name = '" PAID "'), 1"
                " from generate_series(1, 6144) n");
    must(pull_fact_pages(db, PULL_PERSON_FACTS, codes, 2, pages, &err));
    ck_assert_uint_eq(pages[0], 0);
    ck_assert_uint_gt(pages[1], 20);
    must(pull_facts(db, PULL_PERSON_FACTS, &code, PULL_ALL_PAGES, &rows, count_rows, &all, &err));
    ck_assert_uint_eq(all.rows, MANY);
    ck_assert_uint_eq(all.calls, 3);
    must(pull_facts(db, PULL_PERSON_FACTS, &code, (struct pull_pages){3, 9}, &rows, count_rows, &stretch,
                    &err));
    must(pull_facts(db, PULL_PERSON_FACTS, &code, (struct pull_pages){0, 3}, &rows, count_rows, &rest, &err));
    must(pull_facts(db, PULL_PERSON_FACTS, &code, (struct pull_pages){9, PULL_PAGES_END}, &rows, count_rows,
                    &rest, &err));
    ck_assert_uint_gt(stretch.rows, 0);
    ck_assert_uint_eq(stretch.rows + rest.rows, MANY);
    ck_assert_int_eq(pull_facts(db, PULL_PERSON_FACTS, &code, PULL_ALL_PAGES, &rows, count_rows, &some, &err),
                     STATUS_REJECT);
    ck_assert_str_eq(err.text, "enough");
    ck_assert_uint_eq(some.calls, 2);
}
END_TEST

START_TEST(pulls)
{
    struct arena *arena = arena_new(0);
    STORE(MEDICAL, BATCH_FULL, NULL, {FACT_PERSON, 1, PAID, 100, "2021-01-01", "2021-01-31", "", NULL},
          {FACT_PERSON, 1, PAID, FACT_UNKNOWN, "2020-01-01", "2020-01-31", "", NULL},
          {FACT_PERSON, 2, PAID, 5, "2021-03-01", "", "", NULL},
          {FACT_PERSON, 2, "relief.medical", 1, "2020-01-01", "2020-12-31", "", NULL},
          {FACT_PERSON, 3, "relief.medical", 1, "2020-01-01", "", "", NULL},
          {FACT_PERSON, 4, "relief.medical", 1, "2022-01-01", "", "", NULL},
          {FACT_HOUSEHOLD, 9, "housing.grade", 3, "2020-01-01", "", "", NULL},
          {FACT_STRANGER, 9, "event.death", 1, "2020-01-01", "", "", NULL});
    const struct pull_code days = {.code = fixture_code(PAID),
                                   .columns = PULL_SOURCE | PULL_VALUE | PULL_DAY,
                                   .after = day("2020-01-31")};
    const struct pulled *facts = pull(db, PULL_PERSON_FACTS, &days);
    ck_assert_uint_eq(facts->count, 2);
    size_t first = facts->subject_id[0] == 1 ? 0 : 1;
    ck_assert_int_eq(facts->value[first], 100);
    ck_assert_int_eq(facts->from[first], DAY_NONE);
    ck_assert_int_eq(facts->to[first], day("2021-01-31"));
    ck_assert_int_eq(facts->batch_id[first], 0);
    ck_assert_int_eq(facts->source[first], MEDICAL);
    ck_assert_int_eq(facts->to[1 - first], day("2021-03-01")); /* without an end, the beginning */
    const struct pull_code states = {
        .code = fixture_code("relief.medical"), .columns = PULL_ALL, .after = DAY_NONE};
    facts = pull(db, PULL_PERSON_FACTS, &states);
    ck_assert_uint_eq(facts->count, 3);
    size_t open = 0;
    while (facts->subject_id[open] != 3)
        open++;
    ck_assert_int_eq(facts->batch_id[open], 1);
    ck_assert_int_eq(facts->row_no[open], 6);
    ck_assert_int_eq(facts->from[open], day("2020-01-01"));
    ck_assert_int_eq(facts->to[open], DAY_NONE);
    const struct pull_code all = {.code = fixture_code(PAID), .columns = PULL_ALL, .after = DAY_NONE};
    facts = pull(db, PULL_PERSON_FACTS, &all);
    ck_assert_uint_eq(facts->count, 3);
    ck_assert(facts->value[0] == FACT_UNKNOWN || facts->value[1] == FACT_UNKNOWN);
    const struct pull_code grade = {
        .code = fixture_code("housing.grade"), .columns = PULL_ALL, .after = DAY_NONE};
    ck_assert_uint_eq(pull(db, PULL_HOUSEHOLD_FACTS, &grade)->count, 1);

    const struct pull_source_code *pairs;
    size_t count;
    STORE(MEDICAL, BATCH_DELTA, NULL, {FACT_PERSON, 1, "illness.chronic", 1, "", "", "", NULL});
    must(pull_source_codes(db, arena, &pairs, &count, &err));
    ck_assert_uint_eq(count, 5); /* the stranger's code and the household's included */
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(pairs[i].first_batch, pairs[i].code == fixture_code("illness.chronic") ? 2 : 1);
    arena_free(arena);
}
END_TEST

/* "place:value@batch/row and its document", one after another. */
static const char *told_of(struct pull_known *known)
{
    static char told[400];
    struct pull_known_fact fact;
    told[0] = '\0';
    while (pull_known_next(known, &fact)) {
        char line[80], value[24] = "?";
        if (fact.value != FACT_UNKNOWN)
            snprintf(value, sizeof value, "%lld", (long long)fact.value);
        snprintf(line, sizeof line, "%u:%s@%lld/%d%.*s ", fact.place, value, (long long)fact.batch_id,
                 fact.row_no, (int)fact.ref.length, fact.ref.bytes);
        strcat(told, line);
    }
    return told;
}

/* Facts of persons and households come in one order; of nobody and nothing else. */
START_TEST(streams_what_is_known_by_place)
{
    struct pull_known *known;
    const char *told;
    STORE(MEDICAL, BATCH_FULL, NULL, {FACT_PERSON, 1, PAID, 100, "2021-01-01", "2021-01-31", "R1", NULL},
          {FACT_PERSON, 2, PAID, FACT_UNKNOWN, "2020-01-01", "2020-01-31", "", NULL},
          {FACT_PERSON, 3, PAID, 5, "2021-03-01", "", "", NULL},
          {FACT_PERSON, 3, "relief.medical", 1, "2020-01-01", "", "", NULL},
          {FACT_HOUSEHOLD, 1, "housing.grade", 3, "2020-01-01", "", "Z", NULL},
          {FACT_HOUSEHOLD, 2, "housing.grade", 4, "2020-01-01", "", "", NULL},
          {FACT_HOUSEHOLD, 2, "relief.medical", 1, "2020-01-01", "", "", NULL});
    const int16_t codes[] = {(int16_t)fixture_code(PAID), (int16_t)fixture_code("housing.grade")};
    const int64_t persons[] = {3, 99, 1}, households[] = {2, 1};
    const uint32_t person_places[] = {1, 2, 4}, household_places[] = {0, 3};
    const struct pull_asked of_persons = {persons, person_places, 3},
                            of_households = {households, household_places, 2}, nobody = {0};
    must(pull_known_begin(db, &of_persons, &of_households, codes, 2, &known, &err));
    told = told_of(known);
    ck_assert_str_eq(told, "0:4@1/7 1:5@1/4 3:3@1/6Z 4:100@1/2R1 ");
    must(pull_known_end(known, &err));
    must(pull_known_begin(db, &nobody, &of_households, codes + 1, 1, &known, &err));
    told = told_of(known);
    ck_assert_str_eq(told, "0:4@1/7 3:3@1/6Z ");
    must(pull_known_end(known, &err));
    must(pull_known_begin(db, &of_persons, &nobody, codes, 0, &known, &err));
    told = told_of(known);
    ck_assert_str_eq(told, "");
    must(pull_known_end(known, &err));
}
END_TEST

/* In the order of their places, whatever their numbers are, and from a table without statistics. */
START_TEST(streams_what_is_known_of_many)
{
    enum { MANY = 20000 };
    static int64_t persons[MANY];
    static uint32_t places[MANY];
    const int16_t code = (int16_t)fixture_code(PAID);
    const struct pull_asked of_persons = {persons, places, MANY}, nobody = {0};
    struct pull_known *known;
    struct pull_known_fact fact;
    uint32_t expected = 0;
    fixture_sql("insert into person_fact (person_id, value, batch_id, from_day, row_no, code, source)"
                " select n, n, 1, '2021-01-01', n, (select code from fact_code where name = '" PAID "'), 1"
                " from generate_series(1, 30000) n");
    for (int i = 0; i < MANY; i++) {
        persons[i] = MANY - i;
        places[i] = (uint32_t)i;
    }
    must(pull_known_begin(db, &of_persons, &nobody, &code, 1, &known, &err));
    for (; pull_known_next(known, &fact); expected++) {
        ck_assert_uint_eq(fact.place, expected);
        ck_assert_int_eq(fact.value, persons[expected]);
    }
    ck_assert_uint_eq(expected, MANY);
    must(pull_known_end(known, &err));
}
END_TEST

/* Whoever stops early has lost the connection, and nothing else. */
START_TEST(stream_that_is_abandoned)
{
    const int16_t code = (int16_t)fixture_code(PAID);
    const int64_t person = 1;
    const uint32_t place = 0;
    const struct pull_asked one = {&person, &place, 1}, nobody = {0};
    struct pull_known *known;
    struct pg *other = fixture_connect(NULL);
    STORE(MEDICAL, BATCH_FULL, NULL, {FACT_PERSON, 1, PAID, 100, "2021-01-01", "2021-01-31", "", NULL});
    must(pull_known_begin(other, &one, &nobody, &code, 1, &known, &err));
    must(pull_known_end(known, &err));
    ck_assert(pg_is_broken(other));
    pg_close(other);
}
END_TEST

/* Two connections see one state, whatever commits meanwhile. */
START_TEST(shared_snapshot)
{
    char id[PULL_SNAPSHOT_ID_SIZE];
    struct pg *first = fixture_connect(NULL), *second = fixture_connect(NULL);
    const struct pull_code all = {.code = fixture_code(PAID), .columns = PULL_ALL, .after = DAY_NONE};
    STORE(MEDICAL, BATCH_FULL, NULL, {FACT_PERSON, 1, PAID, 100, "2021-01-01", "2021-01-31", "", NULL});
    must(pull_snapshot_begin(first, id, &err));
    STORE(MEDICAL, BATCH_FULL, NULL, {FACT_PERSON, 1, PAID, 999, "2021-01-01", "2021-01-31", "", NULL});
    must(pull_snapshot_join(second, id, &err));
    ck_assert_int_eq(pull(second, PULL_PERSON_FACTS, &all)->value[0], 100);
    ck_assert_int_eq(pull(first, PULL_PERSON_FACTS, &all)->value[0], 100);
    pull_snapshot_end(first);
    pull_snapshot_end(second);
    ck_assert_int_eq(pull(first, PULL_PERSON_FACTS, &all)->value[0], 999);
    ck_assert_int_eq(pull_snapshot_join(second, id, &err), STATUS_RETRY); /* gone */
    pg_close(first);
    pg_close(second);
}
END_TEST

/* All of it as the daemon, that owns nothing. */
static void fixture_daemon(void)
{
    fixture_migrated();
    fixture_role("test_daemon", "shouwang_daemon", "");
    pg_close(db);
    db = fixture_connect("test_daemon");
}

int main(void)
{
    Suite *suite = suite_create("store_facts");
    TCase *tests = tcase_create("facts");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(tests, fixture_daemon, fixture_drop);
    tcase_add_test(tests, full_replaces);
    tcase_add_test(tests, delta_supersedes);
    tcase_add_test(tests, ties_of_a_full_batch);
    tcase_add_test(tests, strangers);
    tcase_add_test(tests, many);
    tcase_add_test(tests, batches_are_found);
    tcase_add_test(tests, quarantine_is_listed);
    tcase_add_test(tests, pulls);
    tcase_add_test(tests, pulls_many_facts_by_stretches);
    tcase_add_test(tests, streams_what_is_known_by_place);
    tcase_add_test(tests, streams_what_is_known_of_many);
    tcase_add_test(tests, stream_that_is_abandoned);
    tcase_add_test(tests, shared_snapshot);
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
