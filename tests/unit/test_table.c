/* SPDX-License-Identifier: PostgreSQL */
/* Files through their windows, and the maps behind them. */
#include "config.h"

#include "base/random.h"
#include "cases.h"
#include "io/file.h"
#include "source/table.h"
#include "store/fact_index.h"
#include "store/identity_map.h"
#include "store/number_map.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];
static char path[128];

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_table.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x.csv", folder);
}

static void teardown(void)
{
    (void)remove(path);
    (void)remove(folder);
}

static void write_bytes(const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

/* Rows of a few shapes; the first field is the line. Longer than several windows. */
enum { ROWS = 30000 };

static void compose(struct text *out)
{
    static const char *const names[] = {"王小明", "阿依古丽·买买提", "\"引\"\"号\"\"\"", "㐱𠮷", "", "plain"};
    struct random random;
    random_seed(&random, 20210630);
    text_add_str(out, "line,name,rest\n");
    for (int line = 2; line < ROWS + 2; line++) {
        text_printf(out, "%d,%s,", line, names[random_below(&random, sizeof names / sizeof *names)]);
        for (uint64_t i = random_below(&random, 60); i > 0; i--)
            text_add_str(out, i % 7 ? "x" : "镇");
        text_add_str(out, random_below(&random, 2) ? "\r\n" : "\n");
    }
}

static char *as_gb18030(const struct text *text, size_t *length)
{
    iconv_t converter = iconv_open("GB18030", "UTF-8");
    ck_assert(converter != (iconv_t)-1);
    size_t left = text->length, room = 2 * text->length;
    char *out = malloc(room), *from = text->bytes, *to = out;
    ck_assert_uint_eq(iconv(converter, &from, &left, &to, &room), 0);
    iconv_close(converter);
    *length = (size_t)(to - out);
    return out;
}

/* What comes out, row by row, must be what went in, also after going back. */
static void expect_rows(const struct text *text, enum encoding wanted, enum encoding found)
{
    struct table *table;
    struct error err;
    ck_assert_msg(table_open(&table, path, wanted, NULL, &err) == STATUS_OK, "%s", err.text);
    ck_assert_msg(table_header(table, &err) == STATUS_OK, "%s", err.text);
    ck_assert_int_eq(table->encoding, found);
    struct csv *plain = malloc(sizeof *plain);
    csv_init(plain);
    csv_window(plain, text->bytes, text->length, true);
    ck_assert_int_eq(csv_next(plain), CSV_HEADER);
    static const int turns[] = {0, 1, ROWS / 2, ROWS};
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        for (int line = 0; line < turns[i]; line++)
            ck_assert_msg(table_next(table, &err) == CSV_ROW, "%s", err.text);
        if (turns[i] == ROWS)
            ck_assert_int_eq(table_next(table, &err), CSV_END);
        ck_assert_msg(table_rewind(table, &err) == STATUS_OK, "%s", err.text);
    }
    for (int line = 2; line < ROWS + 2; line++) {
        ck_assert_msg(table_next(table, &err) == CSV_ROW, "%s", err.text);
        ck_assert_int_eq(csv_next(plain), CSV_ROW);
        ck_assert_uint_eq(table->csv.line, (uint64_t)line);
        for (unsigned i = 0; i < 3; i++)
            ck_assert_msg(slice_equal(table->csv.field[i], plain->field[i]), "line %d", line);
    }
    ck_assert_int_eq(table_next(table, &err), CSV_END);
    ck_assert_uint_eq(table->csv.rows, ROWS);
    ck_assert_int_eq(table_check(table, &err), STATUS_OK);
    free(plain);
    table_close(table);
}

START_TEST(windows_of_both_encodings)
{
    struct text text;
    text_init(&text);
    compose(&text);
    write_bytes(text.bytes, text.length);
    expect_rows(&text, ENCODING_AUTO, ENCODING_UTF8);
    expect_rows(&text, ENCODING_UTF8, ENCODING_UTF8);
    size_t length;
    char *gb = as_gb18030(&text, &length);
    write_bytes(gb, length);
    expect_rows(&text, ENCODING_AUTO, ENCODING_GB18030);
    expect_rows(&text, ENCODING_GB18030, ENCODING_GB18030);
    /* A BOM in front of either. */
    char *with_bom = malloc(length + text.length + 4);
    memcpy(with_bom, "\x84\x31\x95\x33", 4);
    memcpy(with_bom + 4, gb, length);
    write_bytes(with_bom, length + 4);
    expect_rows(&text, ENCODING_AUTO, ENCODING_GB18030);
    memcpy(with_bom, "\xEF\xBB\xBF", 3);
    memcpy(with_bom + 3, text.bytes, text.length);
    write_bytes(with_bom, text.length + 3);
    expect_rows(&text, ENCODING_AUTO, ENCODING_UTF8);
    free(with_bom);
    free(gb);
    text_fini(&text);
}
END_TEST

static void expect_refusal(const char *bytes, size_t length, enum encoding encoding, const char *said)
{
    struct table *table;
    struct error err = {STATUS_OK, ""};
    write_bytes(bytes, length);
    ck_assert_int_eq(table_open(&table, path, encoding, NULL, &err), STATUS_OK);
    enum status status = table_header(table, &err);
    if (status == STATUS_OK) {
        enum csv_step step;
        while ((step = table_next(table, &err)) != CSV_BROKEN)
            ck_assert_msg(step != CSV_END, "expected %s", said);
        ck_assert_int_eq(err.status, STATUS_REJECT);
    } else {
        ck_assert_int_eq(status, STATUS_REJECT);
    }
    ck_assert_str_eq(err.text, said);
    table_close(table);
}

START_TEST(bytes_of_no_character)
{
    struct text text;
    text_init(&text);
    text_add_str(&text, "a,b\n");
    for (int i = 0; i < 100000; i++)
        text_add_str(&text, "1,2\n");
    text_add_str(&text, "3,\xFF\n");
    expect_refusal(text.bytes, text.length, ENCODING_UTF8,
                   "x.csv:100002: found a byte that belongs to no character (offset 400006), expected UTF-8");
    expect_refusal(
        text.bytes, text.length, ENCODING_AUTO,
        "x.csv:100002: found a byte that belongs to no character (offset 400006), expected UTF-8 or GB18030");
    expect_refusal(
        "a\n\xCD", 3, ENCODING_GB18030,
        "x.csv:2: found a byte that belongs to no character (offset 2), expected UTF-8 or GB18030");
    expect_refusal("a,b\n1,\"2", 8, ENCODING_AUTO,
                   "x.csv:2: found a quote that is never closed, expected a closing quote");
    expect_refusal("\xEF\xBB\xBF"
                   "a\n\xE7\x8E,\n",
                   9, ENCODING_AUTO,
                   "x.csv:2: found a byte that belongs to no character (offset 5), expected UTF-8");
    text_fini(&text);
}
END_TEST

START_TEST(files_that_change)
{
    struct table *table;
    struct error err;
    write_bytes("a\n1\n", 4);
    ck_assert_int_eq(table_open(&table, path, ENCODING_AUTO, NULL, &err), STATUS_OK);
    ck_assert_int_eq(truncate(path, 2), 0);
    ck_assert_int_eq(table_header(table, &err), STATUS_REJECT);
    ck_assert_str_eq(err.text, "x.csv: changed while it was read");
    table_close(table);
    write_bytes("a\n1\n", 4);
    ck_assert_int_eq(table_open(&table, path, ENCODING_AUTO, NULL, &err), STATUS_OK);
    ck_assert_int_eq(table_header(table, &err), STATUS_OK);
    ck_assert_int_eq(table_next(table, &err), CSV_ROW);
    FILE *file = fopen(path, "ab");
    fputs("2\n", file);
    fclose(file);
    ck_assert_int_eq(table_next(table, &err), CSV_END);
    ck_assert_int_eq(table_check(table, &err), STATUS_REJECT);
    table_close(table);
}
END_TEST

START_TEST(files_that_are_none)
{
    struct table *table;
    struct error err;
    ck_assert_int_eq(table_open(&table, "/nowhere/x.csv", ENCODING_AUTO, NULL, &err), STATUS_CONFIG);
    ck_assert_int_eq(table_open(&table, folder, ENCODING_AUTO, NULL, &err), STATUS_CONFIG);
    ck_assert_ptr_null(table);
    atomic_bool cancel = true;
    write_bytes("a\n1\n", 4);
    ck_assert_int_eq(table_open(&table, path, ENCODING_AUTO, &cancel, &err), STATUS_RETRY);
}
END_TEST

START_TEST(hash_of_a_file)
{
    struct table *table;
    struct error err;
    write_bytes("abc", 3); /* FIPS 180-4's example */
    ck_assert_int_eq(table_open(&table, path, ENCODING_AUTO, NULL, &err), STATUS_OK);
    ck_assert_str_eq(table->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_assert_uint_eq(table->bytes, 3);
    table_close(table);
}
END_TEST

/* --- maps ----------------------------------------------------------------------------------------------------------- */

START_TEST(identity_maps)
{
    struct identity_map map;
    struct random random;
    enum { COUNT = 100000 };
    identity_map_init(&map);
    ck_assert_ptr_null(identity_map_get(&map, 7));
    random_seed(&random, 1);
    bool added;
    for (int64_t i = 1; i <= COUNT; i++) {
        uint64_t key = random_next(&random) | 1;
        const int64_t *value = identity_map_put(&map, key, i, &added);
        ck_assert(value && *value == i && added);
        value = identity_map_put(&map, key, -i, &added);
        ck_assert(value && *value == i && !added);
    }
    ck_assert_uint_eq(map.count, COUNT);
    random_seed(&random, 1);
    uint64_t keys[IDENTITY_GROUP];
    int64_t values[IDENTITY_GROUP];
    for (int64_t i = 0; i + IDENTITY_GROUP <= COUNT; i += IDENTITY_GROUP) {
        for (int j = 0; j < IDENTITY_GROUP; j++)
            keys[j] = random_next(&random) | 1;
        keys[5] = 0;
        keys[6] = 2; /* even keys were never put */
        identity_map_get_group(&map, keys, IDENTITY_GROUP, -1, values);
        for (int j = 0; j < IDENTITY_GROUP; j++)
            ck_assert_int_eq(values[j], j == 5 || j == 6 ? -1 : i + j + 1);
    }
    identity_map_fini(&map);
}
END_TEST

START_TEST(number_maps)
{
    struct number_map map;
    enum { COUNT = 50000 };
    char number[32];
    bool added;
    number_map_init(&map);
    ck_assert_ptr_null(number_map_get(&map, slice_of("x")));
    for (int i = 0; i < COUNT; i++) {
        snprintf(number, sizeof number, "H%08d", i);
        ck_assert_ptr_nonnull(number_map_put(&map, slice_of(number), i, &added));
        ck_assert(added);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(number, sizeof number, "H%08d", i);
        ck_assert_int_eq(*number_map_get(&map, slice_of(number)), i);
        ck_assert_int_eq(*number_map_put(&map, slice_of(number), -1, &added), i);
        ck_assert(!added);
    }
    ck_assert_ptr_null(number_map_get(&map, slice_of("H")));
    ck_assert_ptr_null(number_map_get(&map, slice_of("H000000010")));
    number_map_fini(&map);
}
END_TEST

/* Keys that whoever knows a multiplier (the maps' own, once) can choose so that they all want one place. What a search costs is
 * how many slots in a row are taken. */
START_TEST(maps_of_chosen_keys)
{
    enum { IDS = 20000, NUMBERS = 1000, RUN_MOST = 150 };
    const uint64_t known = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t inverse = known; /* modulo 2^64, by Newton */
    for (int i = 0; i < 6; i++)
        inverse *= 2 - known * inverse;
    ck_assert_uint_eq(inverse * known, 1);
    struct identity_map ids;
    identity_map_init(&ids);
    for (uint64_t i = 1; i <= IDS; i++)
        ck_assert_ptr_nonnull(identity_map_put(&ids, inverse * i, 1, NULL));
    size_t run = 0, longest = 0;
    for (size_t i = 0; i <= ids.mask; i++) {
        run = ids.slots[i].id_packed != 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    ck_assert_uint_lt(longest, RUN_MOST);
    identity_map_fini(&ids);

    struct number_map numbers;
    number_map_init(&numbers);
    for (unsigned n = 0; numbers.count < NUMBERS; n++) {
        char number[16];
        int length = snprintf(number, sizeof number, "%u", n);
        uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
        for (int i = 0; i < length; i++)
            hash = (hash ^ (unsigned char)number[i]) * UINT64_C(0x100000001B3);
        if (((hash * known) >> 33 & 0x7FF) < 8)
            ck_assert_ptr_nonnull(number_map_put(&numbers, slice_of(number), n, NULL));
    }
    run = longest = 0;
    for (size_t i = 0; i <= numbers.mask; i++) {
        run = numbers.slots[i].entry != 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    ck_assert_uint_lt(longest, RUN_MOST);
    number_map_fini(&numbers);
}
END_TEST

START_TEST(fact_indexes)
{
    struct fact_index index;
    struct error err;
    ck_assert_int_eq(fact_index_init(&index, 10, &err), STATUS_OK);
    const struct {
        int kind;
        int64_t subject;
        bool amount;
        int code;
        day_t from, to;
        const char *ref;
        bool fresh;
    } facts[] = {
        {0, 1, true, 11, 100, 200, "", true},          {0, 1, true, 11, 100, 200, "", false},
        {1, 1, true, 11, 100, 200, "", true},          {0, 2, true, 11, 100, 200, "", true},
        {0, 1, true, 11, 101, 200, "", true},          {0, 1, true, 11, 100, 201, "", true},
        {0, 1, true, 11, 100, 200, "a", true},         {0, 1, true, 11, 100, 200, "aaaaaaaab", true},
        {0, 1, true, 11, 100, 200, "aaaaaaaac", true}, {0, 1, true, 11, 100, 200, "aaaaaaaab", false},
        {0, 1, false, 12, 100, 200, "", true},         {0, 1, false, 12, 100, 201, "", false},
        {0, 1, false, 12, 100, DAY_NONE, "", false},   {0, 1, false, 12, 101, DAY_NONE, "", true},
    };
    bool added;
    size_t entry;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        struct fact_identity identity = {.kind = facts[i].kind,
                                         .code = facts[i].code,
                                         .amount = facts[i].amount,
                                         .subject = facts[i].subject,
                                         .from = facts[i].from,
                                         .to = facts[i].to,
                                         .ref = slice_of(facts[i].ref)};
        struct fact_print print = fact_index_print(&index, &identity);
        ck_assert_int_eq(fact_index_add(&index, print, &entry, &added, &err), STATUS_OK);
        ck_assert_msg(added == facts[i].fresh, "fact %zu", i);
        ck_assert_uint_eq(fact_index_find(&index, print), entry);
    }
    size_t before = index.count;
    for (int round = 0; round < 2; round++) /* many more than were expected */
        for (int64_t i = 0; i < 100000; i++) {
            struct fact_identity identity = {.kind = 2,
                                             .code = 11,
                                             .amount = true,
                                             .subject = i,
                                             .from = 1,
                                             .to = 2,
                                             .ref = slice_of("r")};
            struct fact_print print = fact_index_print(&index, &identity);
            ck_assert_int_eq(fact_index_add(&index, print, &entry, &added, &err), STATUS_OK);
            ck_assert(added == (round == 0));
            ck_assert_uint_eq(entry, before + (size_t)i);
        }
    fact_index_fini(&index);
}
END_TEST

START_TEST(fact_contents)
{
    struct fact_index index;
    struct error err;
    ck_assert_int_eq(fact_index_init(&index, 10, &err), STATUS_OK);
    const struct slice none = {NULL, 0}, empty = {"", 0};
    const struct fact_content contents[] = {
        {1, 2, 3, none, none},          {2, 2, 3, none, none},          {1, 3, 3, none, none},
        {1, 2, 4, none, none},          {1, 2, 3, empty, none},         {1, 2, 3, none, empty},
        {1, 2, 3, slice_of("a"), none}, {1, 2, 3, none, slice_of("a")}, {1, DAY_NONE, 3, none, none},
        {1, 2, DAY_NONE, none, none},
    };
    size_t count = sizeof contents / sizeof *contents;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            ck_assert_msg((fact_index_content(&index, &contents[i]) ==
                           fact_index_content(&index, &contents[j])) == (i == j),
                          "%zu and %zu", i, j);
    /* Two that are live under one identity: the first is found, both are kept. */
    struct fact_identity identity = {.subject = 7};
    struct fact_print print = fact_index_print(&index, &identity);
    size_t entry;
    bool added;
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_int_eq(fact_index_add_live(&index, print, &(struct fact_live){.block = i}, &err),
                         STATUS_OK);
    ck_assert_uint_eq(index.live_count, 2);
    ck_assert_uint_eq(fact_index_find(&index, print), 0);
    identity.subject = 8;
    ck_assert_int_eq(fact_index_add(&index, fact_index_print(&index, &identity), &entry, &added, &err),
                     STATUS_OK);
    ck_assert_uint_eq(entry, 2);
    fact_index_fini(&index);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *files = tcase_create("files"), *maps = tcase_create("maps");
    tcase_set_timeout(files, 30);
    tcase_add_checked_fixture(files, setup, teardown);
    tcase_add_test(files, windows_of_both_encodings);
    tcase_add_test(files, bytes_of_no_character);
    tcase_add_test(files, files_that_change);
    tcase_add_test(files, files_that_are_none);
    tcase_add_test(files, hash_of_a_file);
    tcase_add_test(maps, identity_maps);
    tcase_add_test(maps, number_maps);
    tcase_add_test(maps, maps_of_chosen_keys);
    tcase_add_test(maps, fact_indexes);
    tcase_add_test(maps, fact_contents);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, maps);
    return unit_run((Suite *const[]){suite}, 1);
}
