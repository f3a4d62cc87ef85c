/* SPDX-License-Identifier: PostgreSQL */
#include "cases.h"

#include "base/random.h"
#include "domain/resident_id.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum resident_id_verdict verdict;
} verdicts[] = {
    {"ok", RESIDENT_ID_OK},
    {"empty", RESIDENT_ID_EMPTY},
    {"scientific", RESIDENT_ID_SCIENTIFIC},
    {"length", RESIDENT_ID_LENGTH},
    {"character", RESIDENT_ID_CHARACTER},
    {"birth_date", RESIDENT_ID_BIRTH_DATE},
    {"check", RESIDENT_ID_CHECK},
    {"check_zeros", RESIDENT_ID_CHECK_ZEROS},
};

static enum resident_id_verdict verdict_named(const struct case_row *row, int cell)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        if (case_is(row, cell, verdicts[i].name))
            return verdicts[i].verdict;
    ck_abort_msg("line %d: no such verdict", row->line);
}

/* resident_ids.tsv: text, verdict, the number it means (when ok), why. Today is 2021-06-30. */
START_TEST(numbers_are_read_and_damage_is_named)
{
    struct cases *cases = cases_open("resident_ids.tsv", 4);
    day_t today;
    ck_assert(civil_parse(slice_of("2021-06-30"), &today));
    for (const struct case_row *row; (row = cases_next(cases));) {
        uint64_t packed = 77;
        enum resident_id_verdict expected = verdict_named(row, 1);
        enum resident_id_verdict verdict = resident_id_parse(row->cell[0], today, &packed);
        ck_assert_msg(verdict == expected, "%s: got verdict %d", cases_where(cases), (int)verdict);
        if (expected != RESIDENT_ID_OK) {
            ck_assert_msg(packed == 77, "%s: *packed was touched", cases_where(cases));
            continue;
        }
        char out[RESIDENT_ID_TEXT_SIZE], birth[CIVIL_TEXT_SIZE], expected_birth[CIVIL_TEXT_SIZE];
        ck_assert_str_eq(resident_id_format(packed, out), row->cell[2].bytes);
        snprintf(expected_birth, sizeof expected_birth, "%.4s-%.2s-%.2s", out + 6, out + 10, out + 12);
        ck_assert_str_eq(civil_format(resident_id_birth(packed), birth), expected_birth);
        ck_assert_uint_lt(packed, UINT64_C(1) << 61);
    }
    cases_close(cases);
}
END_TEST

START_TEST(without_today_the_future_is_no_bound)
{
    uint64_t packed;
    struct slice future = slice_of("610922209901010010");
    ck_assert_int_eq(resident_id_parse(future, DAY_NONE, &packed), RESIDENT_ID_OK);
    ck_assert_int_eq(resident_id_parse(future, 20000, &packed), RESIDENT_ID_BIRTH_DATE);
    /* Born today is born. */
    ck_assert_int_eq(resident_id_parse(future, resident_id_birth(packed), &packed), RESIDENT_ID_OK);
    ck_assert_int_eq(resident_id_parse(future, resident_id_birth(packed) - 1, &packed),
                     RESIDENT_ID_BIRTH_DATE);
}
END_TEST

/* The standard's own wording: weights, sum, remainder, table. Not how the code does it. */
static char check_by_the_standard(const char digits[17])
{
    static const int weight[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (int i = 0; i < 17; i++)
        sum += (digits[i] - '0') * weight[i];
    return "10X98765432"[sum % 11];
}

/* Days long past are looked at in another way than others. */
START_TEST(birth_dates_are_days_that_exist)
{
    static const int years[] = {1949, 1980, 1981, 2000, 2020, 2021};
    day_t today = DAY_NONE;
    ck_assert(civil_parse(slice_of("2021-12-31"), &today));
    for (size_t y = 0; y < sizeof years / sizeof *years; y++)
        for (int month = 0; month <= 16; month++)
            for (int day = 0; day <= 33; day++) {
                char text[48];
                day_t birth;
                uint64_t packed;
                snprintf(text, sizeof text, "610922%04d%02d%02d0017", years[y], month, day);
                bool refused = resident_id_parse(slice_of(text), today, &packed) == RESIDENT_ID_BIRTH_DATE;
                ck_assert_msg(refused != civil_from_ymd(years[y], month, day, &birth), "%s", text);
            }
}
END_TEST

START_TEST(exactly_one_check_character_fits)
{
    static const char characters[] = "0123456789X";
    struct random random;
    random_seed(&random, 11643);
    for (int i = 0; i < 20000; i++) {
        char text[19], out[RESIDENT_ID_TEXT_SIZE];
        day_t birth = (day_t)random_below(&random, 40000) - 30000;
        int year, month, day;
        civil_to_ymd(birth, &year, &month, &day);
        snprintf(text, sizeof text, "%06u%04d%02d%02d%03u",
                 (unsigned)(100000 + random_below(&random, 900000)), year, month, day,
                 (unsigned)random_below(&random, 1000));
        char right = check_by_the_standard(text);
        for (const char *c = characters; *c; c++) {
            uint64_t packed = 0;
            text[17] = *c;
            text[18] = '\0';
            bool ok = resident_id_parse(slice_of(text), DAY_NONE, &packed) == RESIDENT_ID_OK;
            if (ok != (*c == right))
                ck_abort_msg("seed 11643, number %d: %s", i, text);
            if (ok &&
                (strcmp(resident_id_format(packed, out), text) != 0 || resident_id_birth(packed) != birth))
                ck_abort_msg("seed 11643, number %d: %s is written %s", i, text, out);
        }
    }
}
END_TEST

START_TEST(no_other_byte_passes_for_a_digit)
{
    for (int at = 0; at < 17; at++) {
        for (int c = 0; c < 256; c++) {
            char text[] = "110105194912310021";
            uint64_t packed = 0;
            if (c >= '0' && c <= '9')
                continue;
            text[at] = (char)c;
            enum resident_id_verdict verdict = resident_id_parse((struct slice){text, 18}, DAY_NONE, &packed);
            bool expected = c > ' ' && c < 0x7F
                                ? verdict == RESIDENT_ID_CHARACTER
                                : verdict == RESIDENT_ID_CHARACTER || verdict == RESIDENT_ID_LENGTH;
            if (!expected)
                ck_abort_msg("byte %d at %d: verdict %d", c, at, (int)verdict);
        }
    }
}
END_TEST

START_TEST(any_bytes_may_come)
{
    struct random random;
    random_seed(&random, 64);
    for (int i = 0; i < 200000; i++) {
        char bytes[80];
        size_t length = (size_t)random_below(&random, sizeof bytes);
        for (size_t k = 0; k < length; k++)
            bytes[k] = (char)(random_below(&random, 4) ? '0' + (int)random_below(&random, 10)
                                                       : (int)random_below(&random, 256) - 128);
        uint64_t packed = 0;
        if (resident_id_parse((struct slice){bytes, length}, DAY_NONE, &packed) == RESIDENT_ID_OK)
            ck_assert_uint_ne(packed, 0);
    }
    uint64_t packed;
    ck_assert_int_eq(resident_id_birth(0), DAY_NONE);
    ck_assert_int_eq(resident_id_parse((struct slice){NULL, 0}, DAY_NONE, &packed), RESIDENT_ID_EMPTY);
}
END_TEST

START_TEST(masks_do_not_tell_the_number)
{
    uint64_t packed;
    char out[RESIDENT_ID_TEXT_SIZE];
    ck_assert_int_eq(resident_id_parse(slice_of("11010519491231002x"), DAY_NONE, &packed), RESIDENT_ID_OK);
    ck_assert_str_eq(resident_id_mask(packed, out), "1101**********002X");
}
END_TEST

START_TEST(numbers_are_hidden_in_any_text)
{
    static const struct {
        const char *text, *hidden;
    } cases[] = {
        {"zy-61092219800101001X.csv", "zy-6109*********1001X.csv"},
        {"610922800101001", "6109*******1001"}, /* of before 1999 */
        {"61092280010100", "61092280010100"},   /* too short for one */
        {"1,2 110105194912310021 3", "1,2 1101**********0021 3"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i].text);
        resident_id_hide(text);
        ck_assert_str_eq(text, cases[i].hidden);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resident_id");
    TCase *numbers = tcase_create("numbers");
    tcase_add_test(numbers, numbers_are_read_and_damage_is_named);
    tcase_add_test(numbers, without_today_the_future_is_no_bound);
    tcase_add_test(numbers, birth_dates_are_days_that_exist);
    tcase_add_test(numbers, exactly_one_check_character_fits);
    tcase_add_test(numbers, no_other_byte_passes_for_a_digit);
    tcase_add_test(numbers, any_bytes_may_come);
    tcase_add_test(numbers, masks_do_not_tell_the_number);
    tcase_add_test(numbers, numbers_are_hidden_in_any_text);
    suite_add_tcase(suite, numbers);
    return unit_run(&suite, 1);
}
