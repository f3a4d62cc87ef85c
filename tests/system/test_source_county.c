/* SPDX-License-Identifier: PostgreSQL */
/*
 * The sample county, read as a real one would be: every row that it planted wrong is listed with its line and reason, and
 * no other; what agencies say in columns of their own is what they say in ours; damaged batches change nothing.
 */
#include "config.h"

#include "source_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_county(void)
{
    char command[512];
    const char *top = getenv("abs_top_builddir");
    source_fixture_empty();
    snprintf(command, sizeof command,
             "'%s/sample/shouwang-county' --out '%s/county' --households 300 --date 2021-06-30 --months 3 "
             "--encoding mixed --native --damage >/dev/null",
             top ? top : ".", root);
    ck_assert_int_eq(system(command), 0);
}

static void import_county(void)
{
    char folder[128];
    struct import_result result;
    struct import_settings import = {.dictionary = dictionary, .actor = "test"};
    ck_assert(civil_parse(slice_of("2021-06-30"), &import.today));
    snprintf(folder, sizeof folder, "%s/county/register", root);
    ck_assert_msg(import_directory(db, &import, folder, &result, &err) == STATUS_OK, "%s", err.text);
}

static void scan_folder(const char *folder)
{
    snprintf(drop_root, sizeof drop_root, "%s/county/%s", root, folder);
    scan();
}

static void expect_all_accepted(void)
{
    ck_assert_uint_gt(scanned_count, 0);
    for (size_t i = 0; i < scanned_count; i++)
        ck_assert_msg(scanned[i].outcome == INGEST_ACCEPTED, "%s: %s", scanned[i].file_name,
                      scanned[i].reason);
}

/* file, line, reason: the generator's own list. */
static void load_expected_rows(void)
{
    char path[256], line[512];
    snprintf(path, sizeof path, "%s/county/expected_rows.tsv", root);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    fixture_sql("create table expected (file text, line bigint, reason text)");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        char name[256], reason[128];
        long long number;
        ck_assert_int_eq(sscanf(line, "%255[^\t]\t%lld\t%127s", name, &number, reason), 3);
        must(pg_update(db, "insert into expected values ($1, $2, $3)",
                       pg_params(pg_of_text(name), pg_of_int64(number), pg_of_text(reason)), NULL, &err));
    }
    fclose(file);
    ck_assert_int_gt(fixture_int("select count(*) from expected"), 20);
}

/* Of a feed's row about somebody who is not on the register the list says so, too; to us that is a lead. */
START_TEST(planted_rows_are_listed_and_no_others)
{
    import_county();
    scan_folder("feeds");
    expect_all_accepted();
    load_expected_rows();
    ck_assert_str_eq(
        fixture_text("select s.name, b.file_name, b.rows_stranger from batch b join source s using (source)"
                     " where b.rows_stranger < (select count(*) from expected where reason = 'person.unknown'"
                     " and file = 'feeds/' || s.name || '/' || b.file_name)"),
        "");
    fixture_sql(
        "delete from expected where file like 'feeds/%' and reason = 'person.unknown';"
        /* a person whose own row was refused: both words are right */
        "update expected set reason = 'person.unknown' where file = 'register/fact.csv'"
        " and reason = 'household.unknown' and line in (select line from quarantine where column_name ="
        " 'fact.id_number')");
    fixture_sql("create table listed as select case when b.source = 0 then 'register/' || "
                "split_part(column_name, '.', 1)"
                " || '.csv' else 'feeds/' || s.name || '/' || b.file_name end as file, q.line, q.reason"
                " from quarantine q join batch b using (batch_id) join source s using (source)");
    ck_assert_str_eq(
        fixture_text("select * from (table expected except table listed) x order by 1, 2 limit 20"), "");
    ck_assert_str_eq(
        fixture_text("select * from (table listed except table expected) x order by 1, 2 limit 20"), "");
}
END_TEST

/* Their own tables have no columns for the amounts of reliefs. */
#define SAID                                                                                                 \
    "select i.id_packed, f.code, case when c.kind = 'relief' then least(f.value, 1)"                         \
    " else f.value end as value, f.from_day, f.to_day, f.ref, f.detail from person_fact f"                   \
    " join fact_code c using (code) join person_identity i using (person_id) where f.source in (1, 2)"

START_TEST(own_columns_say_the_same)
{
    struct feed_config *configs[2];
    static const char *const names[] = {"medical_insurance", "disabled_federation"};
    import_county();
    scan_folder("feeds");
    fixture_sql("create table ours as " SAID);
    fixture_sql("delete from person_fact where source <> 0; delete from person_fact_history; delete from "
                "stranger_fact;"
                " delete from household_fact where source <> 0; delete from quarantine; delete from "
                "source_code where source <> 0;"
                " delete from batch where source <> 0");
    for (int i = 0; i < 2; i++) {
        char path[1024], text[8192];
        const char *top = getenv("abs_top_srcdir");
        snprintf(path, sizeof path, "%s/conf/feeds.d/%s.native.conf.example", top ? top : ".", names[i]);
        FILE *file = fopen(path, "r");
        ck_assert_msg(file != NULL, "%s", path);
        size_t length = fread(text, 1, sizeof text, file);
        fclose(file);
        must(feed_config_parse(path, (struct slice){text, length}, names[i], dictionary, &configs[i], &err));
    }
    settings.configs = (const struct feed_config *const *)configs;
    settings.config_count = 2;
    scan_folder("feeds-native");
    expect_all_accepted();
    ck_assert_uint_eq(scanned_count, 6);
    ck_assert_str_eq(fixture_text("select * from (" SAID " except table ours) x order by 1, 2 limit 5"), "");
    /* What such tables have no columns for is all that may be missing. */
    ck_assert_str_eq(fixture_text("select distinct c.name from (table ours except " SAID
                                  ") x join fact_code c using (code)"
                                  " where c.name in ('disability.certificate', 'relief.disability_living',"
                                  " 'relief.disability_nursing', 'relief.medical', 'illness.serious',"
                                  " 'expense.medical_self_paid') and x.value is distinct from 0"),
                     "");
    ck_assert_int_gt(fixture_int("select count(*) from person_fact where source in (1, 2)"), 100);
    for (int i = 0; i < 2; i++)
        feed_config_free(configs[i]);
}
END_TEST

START_TEST(damaged_batches_change_nothing)
{
    char path[256], line[512], before[64], after[64];
    take_way(_i);
    import_county();
    scan_folder("feeds");
    state(before);
    snprintf(path, sizeof path, "%s/county/damaged/expected.tsv", root);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    int count = 0;
    while (fgets(line, sizeof line, file)) {
        char name[64], outcome[64], folder[96];
        ck_assert_int_eq(sscanf(line, "%63[^\t]\t%63[^\t]", name, outcome), 2);
        snprintf(folder, sizeof folder, "damaged/%s", name);
        scan_folder(folder);
        ck_assert_msg(scanned_count == 1, "%s: %zu files", name, scanned_count);
        enum ingest_outcome wanted = strcmp(outcome, "ignored") == 0 ? INGEST_WAITING : INGEST_REFUSED;
        ck_assert_msg(scanned[0].outcome == wanted, "%s: %s, %s", name,
                      ingest_outcome_name(scanned[0].outcome), scanned[0].reason);
        ck_assert_msg(strcmp(before, state(after)) == 0, "%s changed something", name);
        count++;
    }
    fclose(file);
    ck_assert_int_gt(count, 15);
}
END_TEST

static const char *digest(char out[64])
{
    snprintf(out, 64, "%s",
             fixture_text(
                 "select md5(string_agg(v, '|' order by v)) as m from ("
                 " select 'p' || t::text as v from person_fact t"
                 " union all select 'h' || t::text from household_fact t"
                 " union all select 's' || t::text from stranger_fact t"
                 " union all select 'P' || (to_jsonb(t) - 'ended_at')::text from person_fact_history t"
                 " union all select 'H' || (to_jsonb(t) - 'ended_at')::text from household_fact_history t"
                 " union all select 'S' || (to_jsonb(t) - 'ended_at')::text from stranger_fact_history t"
                 " union all select 'q' || t::text from quarantine t"
                 " union all select 'c' || t::text from source_code t"
                 " union all select 'v' || t::text from batch_township t"
                 " union all select 'b' || (to_jsonb(t) - 'received_at')::text from batch t where source <> 0"
                 " union all select 'a' || action || detail from audit where action like 'feed.%') x"));
    return out;
}

/* Most rows of what came, as a delta of the same feed under another name; of each file others, since the same bytes are
 * refused (as those of a few files that are too short are). */
static void send_again(const struct ingest_result *result, size_t nth, int64_t *rows)
{
    char path[512], name[300];
    static char bytes[4 << 20];
    snprintf(path, sizeof path, "%s/%s/%s", archive_root, result->feed, result->file_name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    size_t length = fread(bytes, 1, sizeof bytes, file), kept = 0;
    fclose(file);
    ck_assert_uint_lt(length, sizeof bytes);
    for (size_t at = 0, line = 0; at < length; line++) {
        const char *end = memchr(bytes + at, '\n', length - at);
        size_t next = end ? (size_t)(end - bytes) + 1 : length;
        if (line % (nth + 3) != 2) {
            memmove(bytes + kept, bytes + at, next - at);
            kept += next - at;
        }
        at = next;
    }
    snprintf(name, sizeof name, "again-%.*s", (int)strlen(result->file_name) - 4, result->file_name);
    put_bytes(result->feed, name, bytes, kept, NULL);
    *rows += result->rows_total;
}

/* Everything that a county sends, full and delta, and much of it again. */
static void take_all_in(int way, char out[64])
{
    static struct ingest_result before[SCANNED_MAX];
    int64_t rows = 0;
    import_county();
    take_way(way);
    scan_folder("feeds");
    expect_all_accepted();
    size_t count = scanned_count;
    memcpy(before, scanned, sizeof before);
    for (size_t i = 0; i < count; i++)
        send_again(&before[i], i, &rows);
    scan();
    int64_t repeated = 0;
    for (size_t i = 0; i < scanned_count; i++)
        repeated += scanned[i].facts_unchanged;
    ck_assert_uint_eq(scanned_count, count);
    ck_assert_int_gt(repeated, rows / 3);
    digest(out);
}

START_TEST(keys_of_all_or_of_a_file)
{
    char whole[64], small[64];
    take_all_in(0, whole);
    source_fixture_drop();
    make_county();
    take_all_in(1, small);
    ck_assert_str_eq(whole, small);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("county");
    TCase *cases = tcase_create("county");
    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(cases, make_county, source_fixture_drop);
    tcase_add_test(cases, planted_rows_are_listed_and_no_others);
    tcase_add_test(cases, own_columns_say_the_same);
    tcase_add_loop_test(cases, damaged_batches_change_nothing, 0, WAYS);
    tcase_add_test(cases, keys_of_all_or_of_a_file);
    suite_add_tcase(suite, cases);
    return fixture_main(suite);
}
